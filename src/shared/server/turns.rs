//! Whose turn it is on a connection: ours, with a request at work, or the other side's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many requests of a connection were begun, and how many are answered to the last byte.
pub struct Turns {
    begun: AtomicU32,
    answered: AtomicU32,
    /// Whether the body of the request that was begun is still to come.
    is_reading: AtomicBool,
    /// When the connection was made, and how many milliseconds later something began or ended last.
    opened: Instant,
    last_ms: AtomicU64,
}

impl Default for Turns {
    fn default() -> Self {
        let (begun, answered) = (AtomicU32::default(), AtomicU32::default());
        Self {
            begun,
            answered,
            is_reading: AtomicBool::default(),
            opened: Instant::now(),
            last_ms: AtomicU64::default(),
        }
    }
}

impl Turns {
    /// A request is handed on. It counts as answered when what this gives is dropped.
    pub fn begin(self: &Arc<Self>) -> Turn {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.touch();
        Turn(Arc::clone(self))
    }

    /// The body of the request is waited for, or has come.
    pub fn set_reading(&self, is_reading: bool) {
        self.is_reading.store(is_reading, Ordering::Relaxed);
    }

    /// For how long this connection has waited for the other side; `None`: a request is at work.
    pub fn quiet_for(&self) -> Option<Duration> {
        let is_at_work = self.begun.load(Ordering::Relaxed) != self.answered.load(Ordering::Relaxed);
        if is_at_work && !self.is_reading.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.opened.elapsed().saturating_sub(Duration::from_millis(self.last_ms.load(Ordering::Relaxed))))
    }

    /// How many were begun.
    pub fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many are answered.
    pub fn answered(&self) -> u32 {
        self.answered.load(Ordering::Relaxed)
    }

    fn touch(&self) {
        let ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(ms, Ordering::Relaxed);
    }
}

/// A request at work.
pub struct Turn(Arc<Turns>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.touch();
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}
