//! The only source of "now". In tests it is moved by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

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
