//! What somebody must know of: one line when a cause appears, one when it is gone, however often it is met between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::clock::Clock;

/// A cause that is there at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// What tells this cause from others: `facebook:100000000000101:subscriptions`.
    pub cause: String,
    /// What is wrong and what to do, in a sentence without personal data.
    pub sentence: String,
    /// Since when, in milliseconds since 1970.
    pub since: i64,
}

/// All causes that are there at the moment. Cheap to clone.
#[derive(Clone)]
pub struct Alerts {
    open: Arc<Mutex<BTreeMap<String, Alert>>>,
    clock: Clock,
}

impl Alerts {
    /// None yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { open: Arc::default(), clock }
    }

    /// A cause is there. Said once, until it was healed.
    pub fn raise(&self, cause: &str, sentence: &str) {
        let mut open = self.lock();
        if let Some(alert) = open.get_mut(cause) {
            sentence.clone_into(&mut alert.sentence);
            return;
        }
        tracing::error!(cause, sentence, "alert");
        let alert = Alert { cause: cause.to_owned(), sentence: sentence.to_owned(), since: self.clock.now_ms() };
        open.insert(cause.to_owned(), alert);
    }

    /// A cause is gone. Nothing happens if it was not there.
    pub fn heal(&self, cause: &str) {
        if let Some(alert) = self.lock().remove(cause) {
            let after_ms = self.clock.now_ms() - alert.since;
            tracing::info!(cause, after_ms, "healed");
        }
    }

    /// The causes that are there at the moment.
    #[must_use]
    pub fn list(&self) -> Vec<Alert> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Alert>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
