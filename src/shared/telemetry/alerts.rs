//! What somebody must know of: one line when a cause appears, one when it is gone, however often it is met between.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::metrics::Metrics;
use crate::shared::clock::Clock;

/// How often a cause may come and go before it is held.
const FLAPS: u32 = 3;

/// So long after it was last met a cause that comes and goes is taken for gone, in milliseconds.
const HOLD_MS: i64 = 10 * 60 * 1000;

/// What an alert about one account is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountCause {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// What about it: `subscriptions`, `needs_reconnect`, `handover`, …
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
        Self::named(format!("{channel}:{account}:{kind}"), channel, account, kind)
    }

    /// One of several things of a kind about an account; `which` tells them apart.
    #[must_use]
    pub fn within_account(channel: &str, account: &str, kind: &str, which: &str) -> Self {
        Self::named(format!("{channel}:{account}:{kind}:{which}"), channel, account, kind)
    }

    /// Its name, as alerts show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn named(name: String, channel: &str, account: &str, kind: &str) -> Self {
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

/// Alerts by what they say, each sentence where it stands first: a hundred conversations that wait for the same reason are one
/// thing to read.
#[must_use]
pub fn by_sentence(alerts: Vec<Alert>) -> Vec<(String, Vec<Alert>)> {
    let mut groups: Vec<(String, Vec<Alert>)> = Vec::new();
    for alert in alerts {
        match groups.iter_mut().find(|(sentence, _)| *sentence == alert.sentence) {
            Some((_, alike)) => alike.push(alert),
            None => groups.push((alert.sentence.clone(), vec![alert])),
        }
    }
    groups
}

/// All causes that are there at the moment. Cheap to clone.
///
/// A cause that comes and goes is one: whoever is told of alerts shall not be told every few seconds. After a few times it
/// stays open until it has been gone for ten minutes.
#[derive(Clone)]
pub struct Alerts {
    open: Arc<Mutex<BTreeMap<String, Open>>>,
    healed: Arc<Mutex<BTreeMap<String, Healed>>>,
    clock: Clock,
    metrics: Metrics,
}

struct Open {
    alert: Alert,
    /// It was open when the process before this one ended, and has not been raised since: when that was read, in
    /// milliseconds since 1970.
    restored_at: Option<i64>,
    /// It comes and goes, and is gone at the moment: since when, in milliseconds since 1970.
    gone_since: Option<i64>,
}

/// How often a cause was healed lately, and when last, in milliseconds since 1970.
struct Healed {
    times: u32,
    at: i64,
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
        Self { open: Arc::default(), healed: Arc::default(), clock, metrics }
    }

    /// A cause is there. Said once, until it was healed.
    pub fn raise(&self, cause: impl Into<Cause>, sentence: &str) {
        self.raise_with(cause.into(), sentence, |known| sentence.clone_into(known));
    }

    /// A cause is there. Where that was said before, what was said then stays: it may have told more.
    pub fn remind(&self, cause: impl Into<Cause>, sentence: &str) {
        self.raise_with(cause.into(), sentence, |_| {});
    }

    fn raise_with(&self, Cause { name, account }: Cause, sentence: &str, tell_again: impl FnOnce(&mut String)) {
        let mut open = self.lock();
        if let Some(known) = open.get_mut(&name) {
            tell_again(&mut known.alert.sentence);
            (known.restored_at, known.gone_since) = (None, None);
            return;
        }
        tracing::error!(cause = name, sentence, "alert");
        self.metrics.count_alert("raised");
        let (cause, sentence, since) = (name.clone(), sentence.to_owned(), self.clock.now_ms());
        let alert = Alert { cause, account, sentence, since };
        open.insert(name, Open { alert, restored_at: None, gone_since: None });
    }

    /// A cause is gone. Nothing happens if it was not there.
    pub fn heal(&self, cause: impl Into<Cause>) {
        let (name, now_ms) = (cause.into().name, self.clock.now_ms());
        let mut all = self.lock();
        let Some(open) = all.get_mut(&name).filter(|open| open.gone_since.is_none()) else { return };
        match self.comes_and_goes(&name, now_ms) {
            true => open.gone_since = Some(now_ms),
            false => {
                self.say_healed(&open.alert);
                all.remove(&name);
            }
        }
    }

    /// Counts that this cause is gone, and tells whether it was so too often lately to be believed.
    fn comes_and_goes(&self, name: &str, now_ms: i64) -> bool {
        let mut healed = self.healed.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back makes nothing older.
        healed.retain(|_, healed| (now_ms - healed.at).abs() < HOLD_MS);
        let healed = healed.entry(name.to_owned()).or_insert(Healed { times: 0, at: now_ms });
        *healed = Healed { times: healed.times.saturating_add(1), at: now_ms };
        healed.times > FLAPS
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
            match open.entry(alert.cause.clone()) {
                // Met again already: it has been there since then all the same.
                Entry::Occupied(mut known) => known.get_mut().alert.since = alert.since,
                Entry::Vacant(place) => {
                    place.insert(Open { alert, restored_at, gone_since: None });
                }
            }
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

    /// The causes that are there; those that came and went, and have been gone for long enough, are not any more.
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Open>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = self.clock.now_ms();
        open.retain(|_, open| {
            let is_kept = open.gone_since.is_none_or(|since| (now_ms - since).abs() < HOLD_MS);
            if !is_kept {
                self.say_healed(&open.alert);
            }
            is_kept
        });
        open
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_said_and_since_when_outlasts_a_restart() {
        let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH);
        let before = Alerts::new(clock.clone());
        before.raise("a", "It is so, because of that.");
        before.raise("b", "It is so, because of that.");
        clock.advance(Duration::from_secs(60));
        let after = Alerts::new(clock);
        after.raise("b", "It is so still.");
        after.restore(before.list().into_iter());
        after.remind("a", "It is so.");
        let told: Vec<_> = after.list().into_iter().map(|alert| (alert.cause, alert.sentence, alert.since)).collect();
        let expected = [("a", "It is so, because of that.", 0), ("b", "It is so still.", 0)];
        assert_eq!(told, expected.map(|(cause, said, since)| (cause.to_owned(), said.to_owned(), since)));
        let alike: Vec<_> = by_sentence(before.list()).into_iter().map(|(said, all)| (said, all.len())).collect();
        assert_eq!(alike, [("It is so, because of that.".to_owned(), 2)]);
    }

    #[test]
    fn an_alert_that_comes_and_goes_is_told_of_a_few_times_and_then_held_until_it_is_quiet() {
        let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH);
        let alerts = Alerts::new(clock.clone());
        let is_open = || alerts.list().iter().any(|alert| alert.cause == "a");
        for turn in 0..20 {
            alerts.raise("a", "Something is wrong.");
            assert!(is_open());
            alerts.heal("a");
            assert_eq!(is_open(), turn >= FLAPS, "{turn}");
            clock.advance(Duration::from_secs(30));
        }
        clock.advance(Duration::from_secs(9 * 60));
        assert!(is_open());
        clock.advance(Duration::from_secs(60));
        assert!(!is_open(), "it was quiet for long enough");
        // From then on it is as new, and so is one that comes back seldom.
        for _ in 0..10 {
            alerts.raise("a", "Something is wrong.");
            alerts.heal("a");
            assert!(!is_open());
            clock.advance(Duration::from_millis(HOLD_MS.unsigned_abs()));
        }
        assert!(alerts.healed.lock().unwrap().len() <= 1, "nothing is remembered for long");
    }
}
