//! Conversations whose files are to be made apart from the cursor (table `unfiled`): because writing one failed, because
//! somebody asked for it, or because something in it was taken back.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, params};

use super::beginnings::{LostBeginning, forget_beginnings};
use super::changed_files::note_file_change;
use super::conversation::Conversation;
use super::error::JournalError;
use super::handle::Journal;
use super::migrations::MIGRATIONS;
use super::positions::CONVERSATIONS_CURSOR;
use super::positions::save_cursor;
use super::reader::JournalReader;
use crate::shared::database::sqlite;

/// A conversation whose file is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingFile {
    /// The conversation.
    pub conversation: Conversation,
    /// Whether something that the file says was taken back: nothing of that may be left beside the file either.
    pub is_taking_back: bool,
    /// Grows whenever the file is asked for again.
    generation: i64,
}

/// What became of the files that one step of the consumer of conversations made.
#[derive(Debug)]
pub struct FilesMade {
    /// The number of the last event whose file is made.
    pub cursor: i64,
    /// The pending files that were made.
    pub done: Vec<PendingFile>,
    /// Files that had been given up and could be written now.
    pub recovered: Vec<Conversation>,
    /// The paths of the files that may have changed, where somebody follows them.
    pub changed: Vec<String>,
    /// Beginnings that are gone from their files.
    pub lost: Vec<LostBeginning>,
    /// Files that could not be written, and why.
    pub failed: Vec<(Conversation, String)>,
    /// After so many failures a file is given up.
    pub max_attempts: i64,
    /// The pause after so many failures, in milliseconds.
    pub pause_ms: fn(i64) -> i64,
}

/// Lets the next start look at the files of these conversations, in a journal that nobody uses. Blocks.
///
/// # Errors
/// When the journal cannot be opened or written.
pub fn ask_for_files(path: &Path, conversations: &[Conversation]) -> anyhow::Result<()> {
    if conversations.is_empty() {
        return Ok(());
    }
    let mut connection = sqlite::open(path, MIGRATIONS)?;
    let transaction = connection.transaction()?;
    for Conversation { channel, account, person } in conversations {
        transaction.execute(
            "INSERT INTO unfiled (channel, account, conversation, next_at) VALUES (?1, ?2, ?3, 0)
             ON CONFLICT DO UPDATE SET parked = 0, attempts = 0, next_at = 0, generation = generation + 1",
            [channel, account, person],
        )?;
    }
    Ok(transaction.commit()?)
}

impl JournalReader<'_> {
    /// The pending files that are due at `now_ms` (milliseconds since 1970), at most `limit` of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn list_pending_files(&self, now_ms: i64, limit: i64) -> Result<Vec<PendingFile>, JournalError> {
        let pending: rusqlite::Result<_> = self
            .connection()
            .prepare_cached(
                "SELECT channel, account, conversation, taken_back, generation FROM unfiled
                 WHERE NOT parked AND next_at <= ?1 LIMIT ?2",
            )?
            .query_map([now_ms, limit], |row| {
                Ok(PendingFile {
                    conversation: Conversation::of_row(row)?,
                    is_taking_back: row.get(3)?,
                    generation: row.get(4)?,
                })
            })?
            .collect();
        Ok(pending?)
    }

    /// The conversations whose files were given up.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn list_given_up_files(&self) -> Result<BTreeSet<Conversation>, JournalError> {
        let given_up: rusqlite::Result<_> = self
            .connection()
            .prepare_cached("SELECT channel, account, conversation FROM unfiled WHERE parked")?
            .query_map([], Conversation::of_row)?
            .collect();
        Ok(given_up?)
    }
}

impl Journal {
    /// Writes down what became of the files of one step, and moves the consumer's cursor, both or neither. What was made is
    /// on disk before.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_files(&self, made: FilesMade) -> Result<(), JournalError> {
        let (now_ms, pace) = (self.clock().now_ms(), self.followed());
        self.write(move |connection| {
            if let Some(pace) = pace {
                made.changed.iter().try_for_each(|path| note_file_change(connection, path, now_ms, pace))?;
            }
            // One that was asked for again meanwhile stays.
            let mut done = connection.prepare_cached(
                "DELETE FROM unfiled WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND generation = ?4",
            )?;
            for PendingFile { conversation: Conversation { channel, account, person }, generation, .. } in &made.done {
                done.execute(params![channel, account, person, generation])?;
            }
            // One that was handed over again meanwhile is given up no longer, and stays.
            let mut free = connection.prepare_cached(
                "DELETE FROM unfiled WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND parked",
            )?;
            for Conversation { channel, account, person } in &made.recovered {
                free.execute([channel, account, person])?;
            }
            forget_beginnings(connection, &made.lost)?;
            for (conversation, reason) in &made.failed {
                note_failure(connection, conversation, reason, &made, now_ms)?;
            }
            save_cursor(connection, CONVERSATIONS_CURSOR, &made.cursor.to_string())
        })
        .await
    }
}

fn note_failure(
    connection: &Connection,
    conversation: &Conversation,
    reason: &str,
    made: &FilesMade,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let Conversation { channel, account, person } = conversation;
    let attempts: i64 = connection
        .prepare_cached(
            "INSERT INTO unfiled (channel, account, conversation, attempts, next_at, reason)
             VALUES (?1, ?2, ?3, 1, ?5, ?4)
             ON CONFLICT DO UPDATE SET attempts = attempts + 1, reason = excluded.reason
             RETURNING attempts",
        )?
        .query_row(params![channel, account, person, reason, now_ms], |row| row.get(0))?;
    let next_at = now_ms + (made.pause_ms)(attempts);
    connection
        .prepare_cached(
            "UPDATE unfiled SET next_at = ?4, parked = ?5 WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
        )?
        .execute(params![channel, account, person, next_at, attempts >= made.max_attempts])
        .map(drop)
}
