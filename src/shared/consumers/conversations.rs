//! Events → conversation files: `<channel>/<account>/conversations/<person>.json`, an array of the raw objects in order
//! of time.
//!
//! A file is a projection of the journal: it is always made from all events of its conversation, so a repeat, a late
//! arrival or a lost file needs no special care.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::{BATCH, MAX_ATTEMPTS, backoff_ms};
use crate::shared::journal::{Journal, JournalError, save_cursor};
use crate::shared::output::{Output, RelativePath, is_environment};

const CURSOR: &str = "consumer:conversations";

/// Names a conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Conversation {
    channel: String,
    account: String,
    person: String,
}

/// The consumer. One task owns it; it owns all conversation files.
pub struct Conversations {
    journal: Journal,
    output: Output,
}

/// Why a step could not be finished. The same step is taken again later.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The disk cannot be used: full, read-only, failing.
    #[error("files cannot be written: {0}")]
    Output(std::io::Error),
}

impl Conversations {
    /// Reads from this journal and writes below this folder.
    #[must_use]
    pub fn new(journal: Journal, output: Output) -> Self {
        Self { journal, output }
    }

    /// Takes the next events and writes the files of their conversations. Gives back whether there was anything to do.
    ///
    /// # Errors
    /// When the journal or the disk cannot be used; the cursor then stands where it stood. A single file that cannot be
    /// written is no error here: it is tried again later and stops no other.
    pub async fn step(&self) -> Result<bool, StepError> {
        let cursor: i64 = self.journal.find_cursor(CURSOR).await?.and_then(|value| value.parse().ok()).unwrap_or(0);
        let now_ms = self.journal.clock().now_ms();
        let (last, mut touched, again) = self
            .journal
            .read(move |connection| {
                let (last, touched) = touched_since(connection, cursor)?;
                Ok((last, touched, unfiled(connection, now_ms)?))
            })
            .await?;
        if last == cursor && again.is_empty() {
            return Ok(false);
        }
        touched.extend(again.iter().cloned());
        let mut failed = Vec::new();
        for conversation in touched {
            if let Err(error) = self.file(&conversation).await? {
                tracing::warn!(%error, channel = conversation.channel, account = conversation.account, "a conversation file could not be written; it is tried again");
                failed.push((conversation, error.to_string()));
            }
        }
        self.journal
            .write(move |connection| {
                for conversation in &again {
                    if !failed.iter().any(|(other, _)| other == conversation) {
                        connection
                            .prepare_cached(
                                "DELETE FROM unfiled WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
                            )?
                            .execute([&conversation.channel, &conversation.account, &conversation.person])?;
                    }
                }
                for (conversation, reason) in &failed {
                    note_failure(connection, conversation, reason, now_ms)?;
                }
                save_cursor(connection, CURSOR, &last.to_string())
            })
            .await?;
        Ok(true)
    }

    /// Writes the files of all conversations anew (`account`: of one account only) and tells how many there are.
    ///
    /// # Errors
    /// When the journal or a file cannot be used.
    pub async fn rebuild(&self, account: Option<String>) -> Result<usize, StepError> {
        let all = self
            .journal
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT DISTINCT channel, account, conversation FROM events
                         WHERE conversation IS NOT NULL AND apart IS NULL AND (?1 IS NULL OR account = ?1)",
                    )?
                    .query_map([account], read_conversation)?
                    .collect::<rusqlite::Result<Vec<_>>>()
            })
            .await?;
        let mut written = 0;
        for conversation in all {
            match self.file(&conversation).await? {
                Ok(true) => written += 1,
                Ok(false) => {}
                Err(error) => return Err(StepError::Output(error)),
            }
        }
        Ok(written)
    }

    /// Writes one file. The outer error is everybody's, the inner one this file's. `false`: nothing has opened the
    /// conversation yet, so it has no file.
    async fn file(&self, conversation: &Conversation) -> Result<std::io::Result<bool>, StepError> {
        let output = self.output.clone();
        let wanted = conversation.clone();
        let written = self
            .journal
            .read(move |connection| {
                let Some(document) = render(connection, &wanted)? else { return Ok(Ok(false)) };
                let file = format!("{}.json", wanted.person);
                let path = RelativePath::new(&[&wanted.channel, &wanted.account, "conversations", &file]);
                Ok(path.and_then(|path| output.write(&path, &document)).map(|_| true))
            })
            .await?;
        match written {
            Err(error) if is_environment(&error) => Err(StepError::Output(error)),
            written => Ok(written),
        }
    }
}

fn touched_since(connection: &Connection, cursor: i64) -> rusqlite::Result<(i64, BTreeSet<Conversation>)> {
    let mut statement = connection.prepare_cached(
        "SELECT channel, account, conversation, seq, apart IS NULL FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query(params![cursor, BATCH])?;
    let mut last = cursor;
    let mut touched = BTreeSet::new();
    while let Some(row) = rows.next()? {
        last = row.get(3)?;
        if row.get::<_, Option<String>>(2)?.is_some() && row.get(4)? {
            touched.insert(read_conversation(row)?);
        }
    }
    Ok((last, touched))
}

fn unfiled(connection: &Connection, now_ms: i64) -> rusqlite::Result<Vec<Conversation>> {
    connection
        .prepare_cached(
            "SELECT channel, account, conversation FROM unfiled WHERE NOT parked AND next_at <= ?1 LIMIT ?2",
        )?
        .query_map(params![now_ms, BATCH], read_conversation)?
        .collect()
}

fn read_conversation(row: &rusqlite::Row<'_>) -> rusqlite::Result<Conversation> {
    Ok(Conversation { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? })
}

fn note_failure(
    connection: &Connection,
    conversation: &Conversation,
    reason: &str,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let attempts: i64 = connection
        .prepare_cached(
            "INSERT INTO unfiled (channel, account, conversation, attempts, next_at, reason)
             VALUES (?1, ?2, ?3, 1, ?5, ?4)
             ON CONFLICT DO UPDATE SET attempts = attempts + 1, reason = excluded.reason
             RETURNING attempts",
        )?
        .query_row(params![conversation.channel, conversation.account, conversation.person, reason, now_ms], |row| {
            row.get(0)
        })?;
    connection
        .prepare_cached(
            "UPDATE unfiled SET next_at = ?4, parked = ?5 WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
        )?
        .execute(params![
            conversation.channel,
            conversation.account,
            conversation.person,
            now_ms + backoff_ms(attempts),
            attempts >= MAX_ATTEMPTS
        ])
        .map(drop)
}

/// The document of a conversation, or `None` if nothing has opened it yet.
fn render(connection: &Connection, conversation: &Conversation) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached(
        "SELECT payload, opens FROM events
         WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND apart IS NULL
         ORDER BY occurred_at, seq",
    )?;
    let mut rows = statement.query([&conversation.channel, &conversation.account, &conversation.person])?;
    let mut document = b"[".to_vec();
    let mut opened = false;
    while let Some(row) = rows.next()? {
        document.extend_from_slice(if document.len() == 1 { b"\n" } else { b",\n" });
        document.extend_from_slice(row.get_ref(0)?.as_blob()?);
        opened |= row.get::<_, bool>(1)?;
    }
    document.extend_from_slice(b"\n]\n");
    Ok(opened.then_some(document))
}
