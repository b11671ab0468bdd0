//! Accounts that cannot send, as their platform answered (`tokens.db`). [`super::Connection::block`] shows it.

use std::collections::HashSet;

use rusqlite::params;

use super::connection::{Connection, SendingBlock};
use super::connections::Connections;
use crate::shared::channel::dialogue::Fault;
use crate::shared::journal::Account;
use crate::shared::telemetry::alerts::Cause;

/// The cause of the alert that an account cannot send.
#[must_use]
pub fn blocked_alert(channel: &str, account: &str) -> Cause {
    Cause::of_account(channel, account, "replies")
}

impl Connections {
    /// Notes that this login of an account cannot send. Another login since then has ended it already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn block_sending(&self, of: &Connection, block: SendingBlock) -> anyhow::Result<()> {
        let (channel, account, connected_at) = (of.channel.clone(), of.account.clone(), of.connected_at);
        self.db()
            .call(move |connection| {
                let SendingBlock { fault, code, sentence, until } = block;
                connection
                    .execute(
                        "INSERT OR REPLACE INTO sending_blocks (channel, account, connected_at, why, code, sentence, until)
                         SELECT channel, account, connected_at, ?4, ?5, ?6, ?7 FROM connections
                         WHERE channel = ?1 AND account = ?2 AND connected_at = ?3",
                        params![channel, account, connected_at, fault.as_str(), code, sentence.stored(), until],
                    )
                    .map(drop)
            })
            .await
    }

    /// An account can send again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unblock_sending(&self, channel: &str, account: &str) -> anyhow::Result<()> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.db()
            .call(move |connection| {
                connection
                    .execute("DELETE FROM sending_blocks WHERE channel = ?1 AND account = ?2", [channel, account])
                    .map(drop)
            })
            .await
    }

    /// Ends the blocks whose time is over, and those of an earlier login. Gives when the next one's time is over, in
    /// milliseconds since 1970; `None`: nothing is blocked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_blocks(&self, now_ms: i64) -> anyhow::Result<Option<i64>> {
        self.db()
            .call(move |connection| {
                connection.execute(
                    "DELETE FROM sending_blocks WHERE until <= ?1 OR NOT EXISTS
                        (SELECT 1 FROM connections AS login WHERE login.channel = sending_blocks.channel
                         AND login.account = sending_blocks.account AND login.connected_at = sending_blocks.connected_at)",
                    [now_ms],
                )?;
                connection.query_row("SELECT min(until) FROM sending_blocks", [], |row| row.get(0))
            })
            .await
    }

    /// Ends at a start the blocks that calls have found: a start is a look, which the next message takes. Where something
    /// waits already, that is the look, and until then the block is told; but of refused tokens the settings may name others
    /// since this process began. What a platform told by itself, without a code, has its own time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_blocks_at_start(&self, with_waiting: HashSet<Account>) -> anyhow::Result<()> {
        self.db()
            .call(move |connection| -> rusqlite::Result<()> {
                let all: Vec<(Account, String)> = connection
                    .prepare("SELECT channel, account, why FROM sending_blocks WHERE code <> '' OR why = ?1")?
                    .query_map([Fault::NeedsReconnect.as_str()], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?
                    .collect::<rusqlite::Result<_>>()?;
                let is_over = |(account, why): &(Account, String)| {
                    why == Fault::NeedsReconnect.as_str() || !with_waiting.contains(account)
                };
                for ((channel, account), _) in all.iter().filter(|block| is_over(block)) {
                    connection.execute(
                        "DELETE FROM sending_blocks WHERE channel = ?1 AND account = ?2",
                        [channel, account],
                    )?;
                }
                Ok(())
            })
            .await
    }
}
