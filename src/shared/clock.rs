//! The only source of "now". In tests it is moved by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The longest life that is believed: a hundred years, in seconds. Whatever a platform writes, sums of times then fit.
const LONGEST_LIFE: i64 = 100 * 365 * 24 * 3600;

/// The time of a life of so many seconds that begins at `now_ms`, in milliseconds since 1970. Lives that nobody can mean are
/// a hundred years.
#[must_use]
pub fn end_of_life(now_ms: i64, seconds: i64) -> i64 {
    now_ms.saturating_add(seconds.clamp(-LONGEST_LIFE, LONGEST_LIFE) * 1000)
}

/// Tells the time, and waits. Cheap to clone; all clones of a manual clock move together.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<Mutex<Manual>>>);

struct Manual {
    now: DateTime<Utc>,
    slept: Duration,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `now` until it is moved.
    #[must_use]
    pub fn manual(now: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(Mutex::new(Manual { now, slept: Duration::ZERO }))))
    }

    /// The current time, UTC.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            None => Utc::now(),
            Some(manual) => manual.lock().unwrap_or_else(PoisonError::into_inner).now,
        }
    }

    /// The current time in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }

    /// Moves a manual clock. The system's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.0 {
            manual.lock().unwrap_or_else(PoisonError::into_inner).now += by;
        }
    }

    /// Moves a manual clock back, as people and time servers do with true ones. The system's clock is left alone.
    pub fn set_back(&self, by: Duration) {
        if let Some(manual) = &self.0 {
            manual.lock().unwrap_or_else(PoisonError::into_inner).now -= by;
        }
    }

    /// Waits. A manual clock moves on by itself instead, and notes how long the pause would have been: tests never sleep.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            None => tokio::time::sleep(duration).await,
            Some(manual) => {
                {
                    let mut manual = manual.lock().unwrap_or_else(PoisonError::into_inner);
                    manual.slept += duration;
                    manual.now += duration;
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// How long a manual clock was asked to wait in total.
    #[must_use]
    pub fn slept(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |manual| manual.lock().unwrap_or_else(PoisonError::into_inner).slept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n3_a_life_that_nobody_can_mean_overflows_nothing() {
        assert_eq!(end_of_life(5_000, 3), 8_000);
        for now in [0, 1_795_262_400_000, i64::MAX, i64::MIN] {
            for seconds in [i64::MAX, i64::MIN, i64::MAX / 1000, 0] {
                let _ = end_of_life(now, seconds);
            }
        }
        assert!(end_of_life(1_795_262_400_000, i64::MAX) < i64::MAX / 1000);
    }
}
