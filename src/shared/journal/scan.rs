//! Events as their readers find them: after a cursor, by their keys, by their conversations.

use std::ops::ControlFlow;

use rusqlite::{OptionalExtension, params};

use super::conversation::Conversation;
use super::error::JournalError;
use super::event::DedupeKey;
use super::handle::Journal;
use super::reader::JournalReader;

/// Where an event stands: its number, and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// Its number.
    pub seq: i64,
    /// When it happened, in milliseconds since 1970.
    pub occurred_at: i64,
}

impl EventPlace {
    /// Whether it happened after the other one; of two of one time that with the higher number did.
    #[must_use]
    pub fn is_after(self, other: Self) -> bool {
        (self.occurred_at, self.seq) > (other.occurred_at, other.seq)
    }
}

impl JournalReader<'_> {
    /// Shows the events of conversations with a number above `after` and up to `until`, at most `limit` of them, in the
    /// order of their numbers, until `show` breaks off. Those that are set aside are left out. Gives back whether
    /// it broke off.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn each_conversation_event(
        &self,
        after: i64,
        until: i64,
        limit: i64,
        mut show: impl FnMut(Conversation, EventPlace) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, JournalError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT channel, account, conversation, seq, occurred_at FROM events
             WHERE seq > ?1 AND seq <= ?2 AND conversation IS NOT NULL AND apart IS NULL AND entry ORDER BY seq LIMIT ?3",
        )?;
        let mut rows = statement.query(params![after, until, limit])?;
        while let Some(row) = rows.next()? {
            let place = EventPlace { seq: row.get(3)?, occurred_at: row.get(4)? };
            if show(Conversation::of_row(row)?, place).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// All conversations that have events, or those of one account. Those of which everything is set aside are left out.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn list_conversations(&self, account: Option<&str>) -> Result<Vec<Conversation>, JournalError> {
        let all: rusqlite::Result<_> = self
            .connection()
            .prepare_cached(
                "SELECT DISTINCT channel, account, conversation FROM events
                 WHERE conversation IS NOT NULL AND apart IS NULL AND (?1 IS NULL OR account = ?1)",
            )?
            .query_map([account], Conversation::of_row)?
            .collect();
        Ok(all?)
    }
}

impl Journal {
    /// When the events with these keys happened (milliseconds since 1970), one by one; `None` for an unknown event.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_times(&self, keys: Vec<DedupeKey>) -> Result<Vec<Option<i64>>, JournalError> {
        self.read(move |connection| {
            let mut find = connection.prepare_cached("SELECT occurred_at FROM events WHERE dedupe = ?1")?;
            keys.iter().map(|key| find.query_row([key.as_bytes()], |row| row.get(0)).optional()).collect()
        })
        .await
    }
}
