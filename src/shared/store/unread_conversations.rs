//! Conversations that a platform did not serve, or not whole: a walk goes past them and names them here, and each later
//! walk asks for them again.

use rusqlite::{Connection, params};
use serde::Serialize;

use crate::shared::journal::{Journal, JournalError};

/// A conversation that was gone past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The platform's id of the conversation.
    pub thread: String,
    /// The person; empty: not told.
    pub conversation: String,
    /// Why, without anything that the platform's message quotes.
    pub reason: String,
}

/// The same, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreadConversation {
    /// The platform's id of the conversation.
    pub thread: String,
    /// The person; empty: not told.
    pub conversation: String,
    /// Why it could not be read the last time.
    pub reason: String,
    /// When it was first gone past, in milliseconds since 1970.
    pub since: i64,
    /// When it was last asked for, in milliseconds since 1970.
    pub tried_at: i64,
    /// How often it was asked for.
    pub attempts: i64,
}

impl Journal {
    /// Notes that these conversations could not be read, once more where they are noted already.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_unread(
        &self,
        channel: &'static str,
        account: &str,
        unread: Vec<Unread>,
    ) -> Result<(), JournalError> {
        if unread.is_empty() {
            return Ok(());
        }
        let (account, now_ms) = (account.to_owned(), self.clock().now_ms());
        self.write(move |connection| {
            for one in &unread {
                connection
                    .prepare_cached(
                        "INSERT INTO unread_conversations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)
                         ON CONFLICT DO UPDATE SET
                            reason = excluded.reason, tried_at = excluded.tried_at, attempts = attempts + 1,
                            conversation = CASE WHEN excluded.conversation = '' THEN conversation
                                                ELSE excluded.conversation END",
                    )?
                    .execute(params![channel, account, one.thread, one.conversation, one.reason, now_ms])?;
            }
            Ok(())
        })
        .await
    }

    /// These conversations were read whole.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn forget_unread(
        &self,
        channel: &'static str,
        account: &str,
        threads: Vec<String>,
    ) -> Result<(), JournalError> {
        if threads.is_empty() {
            return Ok(());
        }
        let account = account.to_owned();
        self.write(move |connection| {
            for thread in &threads {
                connection
                    .prepare_cached(
                        "DELETE FROM unread_conversations WHERE channel = ?1 AND account = ?2 AND thread = ?3",
                    )?
                    .execute(params![channel, account, thread])?;
            }
            Ok(())
        })
        .await
    }

    /// The conversations of an account that could not be read, those that were asked for longest ago first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_unread(&self, channel: &str, account: &str) -> Result<Vec<UnreadConversation>, JournalError> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT thread, conversation, reason, since, tried_at, attempts FROM unread_conversations
                     WHERE channel = ?1 AND account = ?2 ORDER BY tried_at, thread",
                )?
                .query_map([channel, account], |row| {
                    Ok(UnreadConversation {
                        thread: row.get(0)?,
                        conversation: row.get(1)?,
                        reason: row.get(2)?,
                        since: row.get(3)?,
                        tried_at: row.get(4)?,
                        attempts: row.get(5)?,
                    })
                })?
                .collect()
        })
        .await
    }
}

/// How many conversations of each account could not be read: channel, account, count.
pub(super) fn count_unread(connection: &Connection) -> rusqlite::Result<Vec<(String, String, i64)>> {
    connection
        .prepare(
            "SELECT channel, account, count(*) FROM unread_conversations
             GROUP BY channel, account ORDER BY channel, account",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}
