//! What somebody must know of: one line when a cause appears, one when it is gone, however often it is met between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::metrics::Metrics;
use crate::shared::clock::Clock;

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
    open: Arc<Mutex<BTreeMap<String, Open>>>,
    clock: Clock,
    metrics: Metrics,
}

struct Open {
    alert: Alert,
    /// It was open when the process before this one ended, and has not been raised since: when that was read, in
    /// milliseconds since 1970.
    restored_at: Option<i64>,
}

impl Alerts {
    /// None yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self::counted(clock, Metrics::default())
    }

    /// None yet; those that come are counted here.
    #[must_use]
    pub fn counted(clock: Clock, metrics: Metrics) -> Self {
        Self { open: Arc::default(), clock, metrics }
    }

    /// A cause is there. Said once, until it was healed.
    pub fn raise(&self, cause: &str, sentence: &str) {
        let mut open = self.lock();
        if let Some(known) = open.get_mut(cause) {
            sentence.clone_into(&mut known.alert.sentence);
            known.restored_at = None;
            return;
        }
        tracing::error!(cause, sentence, "alert");
        self.metrics.count_alert("raised");
        let alert = Alert { cause: cause.to_owned(), sentence: sentence.to_owned(), since: self.clock.now_ms() };
        open.insert(cause.to_owned(), Open { alert, restored_at: None });
    }

    /// A cause is gone. Nothing happens if it was not there.
    pub fn heal(&self, cause: &str) {
        if let Some(open) = self.lock().remove(cause) {
            self.say_healed(&open.alert);
        }
    }

    fn say_healed(&self, alert: &Alert) {
        let after_ms = self.clock.now_ms() - alert.since;
        tracing::info!(cause = alert.cause, after_ms, "healed");
        self.metrics.count_alert("healed");
    }

    /// These were open when the process before this one ended. They are until they are healed or forgotten.
    pub fn restore(&self, alerts: impl Iterator<Item = Alert>) {
        let restored_at = Some(self.clock.now_ms());
        let mut open = self.lock();
        for alert in alerts {
            open.entry(alert.cause.clone()).or_insert(Open { alert, restored_at });
        }
    }

    /// Heals what was restored before this time and never raised since.
    pub fn forget_restored(&self, before_ms: i64) {
        self.lock().retain(|_, open| {
            let is_kept = open.restored_at.is_none_or(|at| at > before_ms);
            if !is_kept {
                self.say_healed(&open.alert);
            }
            is_kept
        });
    }

    /// The causes that are there at the moment.
    #[must_use]
    pub fn list(&self) -> Vec<Alert> {
        self.lock().values().map(|open| open.alert.clone()).collect()
    }

    /// The same; with each, whether this process has met it itself.
    #[must_use]
    pub fn list_with_certainty(&self) -> Vec<(Alert, bool)> {
        self.lock().values().map(|open| (open.alert.clone(), open.restored_at.is_none())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
