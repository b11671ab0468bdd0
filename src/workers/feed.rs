//! Events → how conversations stand, and the feed: what bots are told, numbered without gaps.
//!
//! States, numbers and the cursor are written in one transaction, so a kill at any instant costs nothing and repeats
//! nothing. What events mean is read outside it; if an event was erased or released meanwhile, the step is made again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{LOOK_EVERY, Rest, Worker};
use crate::answering::Answering;
use crate::answering::sending::Sending;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::meaning::{Meaning, Receipt};
use crate::shared::journal::Account;
use crate::shared::store::{AccountStatus, FeedStep, NextForFeed, Taken, handover_alert};

/// How many events of conversations one step takes: a write transaction of some milliseconds.
const BATCH: i64 = 500;

/// A step that took so many events leaves the writer to others for a moment; one that took fewer is followed by the next
/// at once, because somebody waits for an answer.
const MANY: usize = 50;

/// How often items that are too old are deleted, and everything is looked at that tells of itself when it changes, in
/// milliseconds.
const HOUR_MS: i64 = 60 * 60 * 1000;

/// A catalogue that never rests is told of after so long, in milliseconds.
const LONGEST_CHANGING_MS: i64 = 15_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The consumer.
pub struct Feed {
    answering: Answering,
    outbox: Arc<dyn Sending>,
    /// How long until messages that wait are due.
    rest: Mutex<Duration>,
    /// Changes of products that wait for more.
    changing: Mutex<Option<Changing>>,
    /// When the hourly work was done last, in milliseconds since 1970.
    looked_at: Mutex<Option<i64>>,
    /// The version of the connections of which bots know how they are doing.
    told: Mutex<Option<u64>>,
}

/// Changes of products that wait for more, and since when, in milliseconds since 1970. It is not kept over a restart: then
/// they wait anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Changing {
    /// The number of the newest one.
    newest: i64,
    first_at: i64,
    last_at: i64,
}

impl Changing {
    fn with(self, newest: i64, now_ms: i64) -> Self {
        if newest == self.newest { self } else { Self { newest, last_at: now_ms, ..self } }
    }

    /// Up to which they are to be told now; `None`: more may come.
    fn due(self, now_ms: i64, settle_ms: i64) -> Option<i64> {
        let is_due = now_ms - self.last_at >= settle_ms || now_ms - self.first_at >= LONGEST_CHANGING_MS;
        // A clock that was set back makes nobody wait.
        let is_past = now_ms < self.last_at;
        (is_due || is_past).then_some(self.newest)
    }
}

impl Feed {
    /// Tells bots what happens in these conversations.
    #[must_use]
    pub fn new(answering: Answering, outbox: Arc<dyn Sending>) -> Self {
        Self {
            answering,
            outbox,
            rest: Mutex::new(LOOK_EVERY),
            changing: Mutex::default(),
            looked_at: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// At a start and every hour: deletes what is too old, and looks whether anything was not told.
    async fn look_hourly(&self) -> anyhow::Result<()> {
        let Answering { shared, settings, .. } = &self.answering;
        let now_ms = shared.clock.now_ms();
        let looked_at = *lock(&self.looked_at);
        if looked_at.is_some_and(|at| (at..at + HOUR_MS).contains(&now_ms)) {
            return Ok(());
        }
        let deleted = shared.journal.prune_feed(now_ms - i64::from(settings.retention_days) * DAY_MS).await?;
        if deleted > 0 {
            tracing::info!(deleted, "items of the feed past their retention were deleted");
        }
        self.answering.tell_handovers().await?;
        *lock(&self.told) = None;
        *lock(&self.looked_at) = Some(now_ms);
        Ok(())
    }

    async fn take_next(&self) -> anyhow::Result<bool> {
        let Answering { shared, dialogues, .. } = &self.answering;
        let rules = self.answering.feed_rules();
        let next = shared.journal.next_for_feed(BATCH, rules, self.answering.meaning()).await?;
        let now_ms = shared.clock.now_ms();
        let is_due = next.due_at.is_some_and(|at| at <= now_ms);
        let due_at = next.due_at.filter(|_| !is_due);
        self.rest_until(due_at, now_ms);
        if next.events.is_empty() && next.over.is_empty() && next.last == next.from && !is_due {
            return Ok(false);
        }
        let (has_more, count) = (next.has_more, next.events.len());
        let holds = next.events.iter().any(|event| event.is_told);
        let owners = self.owners_of(&next).await?;
        let automation = dialogues
            .iter()
            .filter_map(|(name, dialogue)| Some(((*name).to_owned(), dialogue.profile().automation_within?)))
            .collect();
        self.stop_accounts(&next).await?;
        let step = FeedStep { next, owners, automation };
        let taken = shared.journal.take_into_feed(step, rules, self.answering.meaning()).await?;
        let Some(Taken { begun, resumed }) = taken else { return Ok(true) };
        resumed.iter().for_each(|conversation| shared.alerts.heal(handover_alert(conversation)));
        for (channel, by) in begun {
            shared.metrics.count_takeover(&channel, by.as_str());
        }
        if holds && rules.settle_ms > 0 {
            // They may wait now, and nothing else says until when.
            let settled_at = now_ms + rules.settle_ms;
            self.rest_until(Some(due_at.map_or(settled_at, |at| at.min(settled_at))), now_ms);
        }
        Ok(has_more || count > MANY)
    }

    /// Accounts of which a message failed late because nothing of them can be sent stop sending, before the report is taken: a
    /// kill between the two repeats that.
    async fn stop_accounts(&self, next: &NextForFeed) -> anyhow::Result<()> {
        for event in next.events.iter().filter(|event| event.is_told) {
            if let Meaning::Receipt(Receipt { account: Some(fault), .. }) = &event.meaning {
                let of = (event.conversation.channel.clone(), event.conversation.account.clone());
                self.outbox.stop_account(&of, fault, event.item.at).await?;
            }
        }
        Ok(())
    }

    /// Tells bots of accounts that are doing better or worse.
    async fn tell_statuses(&self) -> anyhow::Result<()> {
        let Answering { shared, .. } = &self.answering;
        // Before they are listed: what changes meanwhile is looked at again.
        let version = shared.connections.version();
        if *lock(&self.told) == Some(version) {
            return Ok(());
        }
        let accounts = shared.connections.list().await?.into_iter().map(|connection| AccountStatus {
            merchant: connection.merchant.to_string(),
            status: connection.told_status(),
            why: connection.told_reason().map(|reason| reason.to_string()),
            channel: connection.channel,
            account: connection.account,
        });
        let is_complete = shared.journal.tell_statuses(accounts.collect()).await?;
        *lock(&self.told) = is_complete.then_some(version);
        Ok(())
    }

    /// Tells bots of products that changed, once there was no change for a moment: what is read of a whole catalogue is
    /// told in few items. Gives whether there is more to tell.
    async fn tell_changes(&self) -> anyhow::Result<bool> {
        let Answering { shared, .. } = &self.answering;
        let Some(newest) = shared.journal.newest_untold_change().await? else {
            *lock(&self.changing) = None;
            return Ok(false);
        };
        let (now_ms, settle_ms) = (shared.clock.now_ms(), self.answering.feed_rules().settle_ms);
        let until = {
            let mut changing = lock(&self.changing);
            let now = changing.unwrap_or(Changing { newest, first_at: now_ms, last_at: now_ms }).with(newest, now_ms);
            *changing = Some(now);
            now.due(now_ms, settle_ms)
        };
        let Some(until) = until else { return Ok(false) };
        let connections = shared.connections.list().await?.into_iter();
        let owners = connections.map(|one| ((one.channel, one.account), one.merchant.to_string())).collect();
        let has_more = shared.journal.tell_product_changes(until, owners, shared.products.sources().clone()).await?;
        if !has_more {
            *lock(&self.changing) = None;
        }
        Ok(has_more)
    }

    /// The merchants of the accounts that a piece of work is about.
    async fn owners_of(&self, next: &NextForFeed) -> anyhow::Result<HashMap<Account, String>> {
        let mut owners = HashMap::new();
        let mut unknown: Vec<Account> = Vec::new();
        let conversations = next.events.iter().map(|event| &event.conversation).chain(&next.over);
        for conversation in conversations {
            let account = (conversation.channel.clone(), conversation.account.clone());
            if owners.contains_key(&account) || unknown.contains(&account) {
                continue;
            }
            match self.answering.shared.connections.find(&account.0, &account.1).await? {
                Some(connection) => drop(owners.insert(account, connection.merchant.to_string())),
                None => unknown.push(account),
            }
        }
        Ok(owners)
    }

    fn rest_until(&self, at: Option<i64>, now_ms: i64) {
        let left = at.map(|at| Duration::from_millis(u64::try_from(at - now_ms).unwrap_or(0)));
        *lock(&self.rest) = left.unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker for Feed {
    fn name(&self) -> &'static str {
        "feed"
    }

    fn when_failing(&self) -> &'static str {
        "Bots hear nothing new: the journal or the table of connections cannot be used. Nothing is lost; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            self.look_hourly().await?;
            if self.take_next().await? {
                return Ok(true);
            }
            self.tell_statuses().await?;
            self.tell_changes().await
        })
    }

    fn is_waited_for(&self) -> bool {
        true
    }

    fn rest(&self) -> Rest {
        Rest::UntilNextEventFor(*lock(&self.rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_wait_for_more_and_not_for_ever() {
        let first = Changing { newest: 1, first_at: 0, last_at: 0 };
        assert_eq!((first.due(1_999, 2_000), first.due(2_000, 2_000), first.due(0, 0)), (None, Some(1), Some(1)));
        assert_eq!(first.with(1, 1_000), first);
        let second = first.with(5, 1_000);
        assert_eq!((second.due(2_999, 2_000), second.due(3_000, 2_000)), (None, Some(5)));
        let late = second.with(9, 14_900);
        assert_eq!((late.due(14_999, 2_000), late.due(15_000, 2_000)), (None, Some(9)));
        assert_eq!(late.due(0, 2_000), Some(9), "a clock that was set back");
    }
}
