//! Accounts that cannot send for a while: because the platform said "later", or what keeps them from it has to be mended.

use std::sync::atomic::Ordering;

use super::{Held, Outbox};
use crate::shared::channel::dialogue::{AccountFault, Fault};
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::journal::Account;
use crate::shared::store::{Connection, SendingBlock, blocked_alert};

/// How long what waits of an account that cannot send is held back before one message is tried, unless somebody logs in, in
/// milliseconds.
const HELD_MS: i64 = 5 * 60 * 1000;

/// How long an account counts as blocked after the platform said so last: until the hourly look, in milliseconds.
const BLOCKED_MS: i64 = 60 * 60 * 1000;

impl Outbox {
    /// The platform told at this time, by a report, that nothing of an account can be sent. What it told of an earlier login, or
    /// so long ago that it would be tried again by now, says nothing about now.
    pub(super) async fn stop(&self, of: &Account, fault: &AccountFault, at: i64) -> anyhow::Result<()> {
        let found = self.0.answering.shared.connections.find(&of.0, &of.1).await?;
        let Some(connection) = found else { return Ok(()) };
        // Platforms tell whole seconds.
        let is_of_this_login = at.saturating_add(1_000) > connection.connected_at;
        if !is_of_this_login || self.now_ms() >= at.saturating_add(BLOCKED_MS) {
            return Ok(());
        }
        self.try_block(&connection, fault.clone(), at.min(self.now_ms())).await
    }

    /// Whether this login of the account cannot send, as far as was found out. One message is let through when it is time
    /// to look again: after a while, and at the first turn of a process, because a start is a look.
    pub(super) fn is_held(&self, connection: &Connection) -> bool {
        let now_ms = self.now_ms();
        let account = (connection.channel.clone(), connection.account.clone());
        let mut held = self.held();
        if let Some(held) = held.get(&account).filter(|held| held.connected_at == connection.connected_at)
            && now_ms < held.until
        {
            return true;
        }
        match &connection.block {
            Some(_) => {
                held.insert(account, Held { until: now_ms + HELD_MS, connected_at: connection.connected_at });
            }
            None => {
                held.remove(&account);
            }
        }
        false
    }

    /// Nothing of this account is sent before this time, also after a start.
    pub(super) async fn pause(&self, channel: &str, account: &str, until: i64) {
        self.queue().pause(channel, account, until);
        let of = (channel.to_owned(), account.to_owned());
        if let Err(error) = self.0.answering.shared.journal.note_sending_pause(of, until).await {
            tracing::warn!(%error, channel, account, "a pause could not be stored; after a start the platform tells it again");
        }
    }

    /// Nothing of this account is sent for a while: it is kept and told why, and its login is looked at.
    pub(super) async fn block(&self, connection: &Connection, fault: AccountFault, at: i64) {
        if let Err(error) = self.try_block(connection, fault, at).await {
            let error = format!("{error:#}");
            tracing::warn!(error, "that an account cannot send could not be stored; the next message finds it again");
        }
    }

    async fn try_block(&self, connection: &Connection, fault: AccountFault, at: i64) -> anyhow::Result<()> {
        let AccountFault { fault, code, sentence } = fault;
        let until = at + if fault == Fault::NeedsReconnect { HELD_MS } else { BLOCKED_MS };
        let block = SendingBlock { fault, code, sentence, until };
        let shared = &self.0.answering.shared;
        let (channel, account) = (connection.channel.as_str(), connection.account.as_str());
        let now_ms = self.now_ms();
        let held = Held { until: now_ms + HELD_MS, connected_at: connection.connected_at };
        self.held().insert((channel.to_owned(), account.to_owned()), held);
        tracing::warn!(channel, account, code = block.code, why = block.fault.as_str(), "an account cannot send");
        shared
            .alerts
            .raise(blocked_alert(channel, account), &format!("Answers are not being sent. {}", block.sentence));
        let stored = shared.connections.block_sending(connection, block).await;
        if stored.is_ok() {
            self.0.next_end.fetch_min(until, Ordering::AcqRel);
        }
        if let Err(error) = shared.journal.request_read(channel, account, ReadRequest::HourlyCheck, now_ms).await {
            tracing::warn!(%error, "a look at an account could not be requested; the hourly one finds it");
        }
        stored
    }

    pub(super) async fn unblock(&self, connection: &Connection) {
        let shared = &self.0.answering.shared;
        let (channel, account) = (connection.channel.as_str(), connection.account.as_str());
        let was_held = self.held().remove(&(channel.to_owned(), account.to_owned())).is_some();
        shared.alerts.heal(blocked_alert(channel, account));
        if (was_held || connection.block.is_some())
            && let Err(error) = shared.connections.unblock_sending(channel, account).await
        {
            let error = format!("{error:#}");
            tracing::warn!(error, "that an account can send again could not be stored; its block ends with its time");
        }
    }
}
