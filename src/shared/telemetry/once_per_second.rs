//! Log lines that strangers can cause come at most once a second, so that nobody can fill the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One kind of line.
pub struct Sparse(Mutex<Option<(Instant, u64)>>);

impl Sparse {
    /// Not said yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Whether to say it now, and how often it was left unsaid since the last time.
    pub fn say(&self) -> Option<u64> {
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

impl Default for Sparse {
    fn default() -> Self {
        Self::new()
    }
}
