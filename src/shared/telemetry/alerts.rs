//! What somebody must know of: one line when a cause appears, one when it is gone, however often it is met between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::metrics::Metrics;
use crate::shared::clock::Clock;

/// What an alert about one account is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountCause {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// What about it: `subscriptions`, `needs_reconnect`, …
    pub kind: String,
}

/// What tells an alert from others. A text is a cause that concerns no account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    name: String,
    account: Option<AccountCause>,
}

impl Cause {
    /// Something about an account.
    #[must_use]
    pub fn of_account(channel: &str, account: &str, kind: &str) -> Self {
        let name = format!("{channel}:{account}:{kind}");
        let account = AccountCause { channel: channel.to_owned(), account: account.to_owned(), kind: kind.to_owned() };
        Self { name, account: Some(account) }
    }
}

impl From<&str> for Cause {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), account: None }
    }
}

impl From<&String> for Cause {
    fn from(name: &String) -> Self {
        name.as_str().into()
    }
}

impl From<&Cause> for Cause {
    fn from(cause: &Cause) -> Self {
        cause.clone()
    }
}

/// A cause that is there at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The cause's name, for people: `facebook:100000000000101:subscriptions`. It is never taken apart.
    pub cause: String,
    /// Which account it is about; `None`: none.
    #[serde(skip)]
    pub account: Option<AccountCause>,
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
    pub fn raise(&self, cause: impl Into<Cause>, sentence: &str) {
        let Cause { name, account } = cause.into();
        let mut open = self.lock();
        if let Some(known) = open.get_mut(&name) {
            sentence.clone_into(&mut known.alert.sentence);
            known.restored_at = None;
            return;
        }
        tracing::error!(cause = name, sentence, "alert");
        self.metrics.count_alert("raised");
        let (cause, sentence, since) = (name.clone(), sentence.to_owned(), self.clock.now_ms());
        open.insert(name, Open { alert: Alert { cause, account, sentence, since }, restored_at: None });
    }

    /// A cause is gone. Nothing happens if it was not there.
    pub fn heal(&self, cause: impl Into<Cause>) {
        if let Some(open) = self.lock().remove(&cause.into().name) {
            self.say_healed(&open.alert);
        }
    }

    /// Every cause that concerns this account is gone.
    pub fn heal_account(&self, channel: &str, account: &str) {
        self.heal_all(|of| (of.channel.as_str(), of.account.as_str()) == (channel, account));
    }

    /// The causes that concern accounts and that `which` names are gone.
    pub fn heal_all(&self, which: impl Fn(&AccountCause) -> bool) {
        self.lock().retain(|_, open| {
            let is_gone = open.alert.account.as_ref().is_some_and(&which);
            if is_gone {
                self.say_healed(&open.alert);
            }
            !is_gone
        });
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

    /// Whether this cause is there at the moment.
    #[must_use]
    pub fn is_open(&self, cause: impl Into<Cause>) -> bool {
        self.lock().contains_key(&cause.into().name)
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
