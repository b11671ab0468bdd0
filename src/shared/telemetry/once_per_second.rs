//! Log lines that strangers can cause come at most once a second, so that nobody can fill the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One kind of line.
pub struct OncePerSecond(Mutex<Option<(Instant, u64)>>);

impl OncePerSecond {
    /// A kind of line that has not been written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Whether the caller should write the line now, and how many lines were left out since the last one.
    pub fn should_log(&self) -> Option<u64> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match &mut *last {
            Some((at, unsaid)) if now.duration_since(*at) < Duration::from_secs(1) => {
                *unsaid += 1;
                None
            }
            last => {
                let unsaid = last.map_or(0, |(_, unsaid)| unsaid);
                *last = Some((now, 0));
                Some(unsaid)
            }
        }
    }
}

impl Default for OncePerSecond {
    fn default() -> Self {
        Self::new()
    }
}
