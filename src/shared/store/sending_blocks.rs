//! Accounts that cannot send, as their platform answered (`tokens.db`). [`super::Connection::block`] shows it.

use rusqlite::params;

use super::{Connection, Connections, Status};
use crate::shared::channel::dialogue::Fault;
use crate::shared::languages::{Sentence, say};

/// Why nothing of an account is sent, though its login stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendingBlock {
    /// The kind of it.
    pub fault: Fault,
    /// The platform's code; empty where it was not asked.
    pub code: String,
    /// What the merchant reads.
    pub sentence: Sentence,
    /// When it is tried again, in milliseconds since 1970.
    pub until: i64,
}

impl Connection {
    /// How it is doing as a bot is told: with what keeps it from sending.
    #[must_use]
    pub fn told_status(&self) -> &'static str {
        match &self.block {
            Some(block) if self.status != Status::NeedsReconnect => block.fault.as_str(),
            _ => self.status.as_str(),
        }
    }

    /// A sentence for the merchant about what is wrong, with what keeps it from sending.
    #[must_use]
    pub fn told_reason(&self) -> Option<Sentence> {
        match (&self.block, self.status_reason()) {
            (Some(block), Some(reason)) if reason != block.sentence => {
                Some(say::sentences(block.sentence.clone(), reason))
            }
            (Some(block), _) => Some(block.sentence.clone()),
            (None, reason) => reason,
        }
    }
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

    /// Ends the blocks of refused tokens: tokens of the settings may be others since this process began.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_blocks_of_tokens(&self) -> anyhow::Result<()> {
        self.db()
            .call(|connection| {
                connection
                    .execute("DELETE FROM sending_blocks WHERE why = ?1", [Fault::NeedsReconnect.as_str()])
                    .map(drop)
            })
            .await
    }
}
