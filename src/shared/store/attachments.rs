//! What customers attached, and where its copy is: wishes that survive a kill, and what became of them.
//!
//! Files of one content are one file, whoever sent it. Erasing a person therefore needs
//! [`Journal::list_files_only_of`] before their rows are gone.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::shared::journal::{Account, Journal, JournalError, save_cursor};

/// How many events are looked at in one step.
const BATCH: i64 = 1_000;

/// An attachment as its message names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The platform's id of the message.
    pub mid: String,
    /// Which of the message's attachments, from 0.
    pub position: i64,
    /// The platform's word for what it is.
    pub kind: String,
    /// Where it can be fetched, for a while.
    pub url: String,
}

/// What an event says of attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attached {
    /// These came.
    Came(Vec<Attachment>),
    /// The message with this id was taken back, and they with it.
    TakenBack(String),
}

/// A copy that is wanted.
#[derive(Debug, Clone)]
pub struct WantedMedia {
    /// The account.
    pub account: String,
    /// The person.
    pub conversation: String,
    /// What is wanted.
    pub attachment: Attachment,
    /// How often it was tried.
    pub attempts: i64,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// It is in the file with this name.
    Kept {
        /// The file's name in the account's folder `media/`.
        file: String,
        /// Its length.
        bytes: i64,
        /// What its bytes say that it is.
        content_type: &'static str,
    },
    /// The link no longer works.
    Expired(String),
    /// It is not taken: where it lies or what it is.
    Refused(String),
    /// To be tried again at this time (milliseconds since 1970).
    Later(i64, String),
}

/// An attachment as the index of its conversation shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedMedia {
    /// The platform's id of the message.
    pub mid: String,
    /// Which of the message's attachments, from 0.
    pub position: i64,
    /// The platform's word for what it is.
    pub kind: String,
    /// `kept`, `expired` or `refused`.
    pub state: String,
    /// The file's name, its length and its content type, where it is kept.
    pub file: Option<(String, i64, String)>,
}

/// A copy, and what it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCopy {
    /// The platform's id of the message.
    pub mid: String,
    /// Which of the message's attachments, from 0.
    pub position: i64,
    /// The file's name.
    pub file: String,
    /// What its bytes say that it is.
    pub content_type: String,
}

impl Journal {
    /// Turns the next events of a channel into wishes. Gives back whether there may be more, and whose attachments were
    /// taken back: account, person, and files that nobody else sent.
    ///
    /// # Errors
    /// When the journal cannot be used; the cursor then stands where it stood.
    pub async fn collect_media(
        &self,
        channel: &'static str,
        read: fn(&[u8]) -> Option<Attached>,
    ) -> Result<(bool, Vec<(String, String, Vec<String>)>), JournalError> {
        let cursor_name = format!("consumer:media:{channel}");
        let cursor = self.cursor_position(&cursor_name).await?;
        let (last, found) = self.read(move |connection| attached_since(connection, channel, cursor, read)).await?;
        if last == cursor {
            return Ok((false, Vec::new()));
        }
        let now_ms = self.clock().now_ms();
        let taken_back = self
            .write(move |connection| {
                let mut taken_back = Vec::new();
                for (account, conversation, attached) in &found {
                    match attached {
                        Attached::Came(attachments) => {
                            want(connection, channel, account, conversation, attachments, now_ms)?;
                        }
                        Attached::TakenBack(mid) => {
                            let files = take_back(connection, channel, account, conversation, mid)?;
                            taken_back.push((account.clone(), conversation.clone(), files));
                        }
                    }
                }
                save_cursor(connection, &cursor_name, &last.to_string())?;
                Ok(taken_back)
            })
            .await?;
        Ok((true, taken_back))
    }

    /// The copies of these accounts of a channel that are due, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_due_media(
        &self,
        channel: &'static str,
        accounts: Vec<String>,
        limit: i64,
    ) -> Result<Vec<WantedMedia>, JournalError> {
        let now_ms = self.clock().now_ms();
        let accounts = serde_json::json!(accounts).to_string();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT account, conversation, mid, position, kind, url, attempts FROM media
                     WHERE channel = ?1 AND state = 'wanted' AND due_at <= ?2
                       AND account IN (SELECT value FROM json_each(?4)) ORDER BY due_at DESC LIMIT ?3",
                )?
                .query_map(params![channel, now_ms, limit, accounts], |row| {
                    Ok(WantedMedia {
                        account: row.get(0)?,
                        conversation: row.get(1)?,
                        attachment: Attachment {
                            mid: row.get(2)?,
                            position: row.get(3)?,
                            kind: row.get(4)?,
                            url: row.get(5)?,
                        },
                        attempts: row.get(6)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// Keeps what became of a wish. Gives back whether the wish is still there: its person may have been erased, or its
    /// message taken back meanwhile, and then nobody knows of the file.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_media(
        &self,
        channel: &'static str,
        wanted: &WantedMedia,
        copied: Copied,
    ) -> Result<bool, JournalError> {
        let wanted = wanted.clone();
        self.write(move |connection| {
            let WantedMedia { account, attachment: Attachment { mid, position, .. }, .. } = &wanted;
            let place = params![channel, account, mid, position];
            let set = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
                let sql = format!(
                    "UPDATE media SET {sql} WHERE channel = ?1 AND account = ?2 AND mid = ?3 AND position = ?4
                     AND state = 'wanted'"
                );
                let all: Vec<&dyn rusqlite::ToSql> = place.iter().chain(values).copied().collect();
                connection.prepare_cached(&sql)?.execute(&*all)
            };
            let changed = match &copied {
                Copied::Kept { file, bytes, content_type } => set(
                    "state = 'kept', url = '', reason = NULL, file = ?5, bytes = ?6, content_type = ?7",
                    &[file, bytes, content_type],
                )?,
                Copied::Expired(reason) => set("state = 'expired', url = '', reason = ?5", &[reason])?,
                Copied::Refused(reason) => set("state = 'refused', url = '', reason = ?5", &[reason])?,
                Copied::Later(due_at, reason) => {
                    set("attempts = attempts + 1, due_at = ?5, reason = ?6", &[due_at, reason])?
                }
            };
            Ok(changed == 1)
        })
        .await
    }

    /// What became of the attachments of a conversation, in the order of their messages' ids.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_media(
        &self,
        channel: &'static str,
        account: &str,
        conversation: &str,
    ) -> Result<Vec<IndexedMedia>, JournalError> {
        let (account, conversation) = (account.to_owned(), conversation.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT mid, position, kind, state, file, bytes, content_type FROM media
                     WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND state <> 'wanted'
                     ORDER BY mid, position",
                )?
                .query_map(params![channel, account, conversation], read_indexed)?
                .collect()
        })
        .await
    }

    /// The copies that came with these messages of a conversation: message's id and position, file and content type.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_copies(
        &self,
        account: &Account,
        conversation: &str,
        mids: Vec<String>,
    ) -> Result<Vec<KeptCopy>, JournalError> {
        let ((channel, account), conversation) = (account.clone(), conversation.to_owned());
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT position, file, content_type FROM media
                 WHERE channel = ?1 AND account = ?2 AND mid = ?3 AND conversation = ?4 AND state = 'kept'
                   AND file IS NOT NULL AND content_type IS NOT NULL",
            )?;
            let mut copies = Vec::new();
            for mid in mids {
                let found = statement.query_map([&channel, &account, &mid, &conversation], |row| {
                    Ok(KeptCopy {
                        mid: mid.clone(),
                        position: row.get(0)?,
                        file: row.get(1)?,
                        content_type: row.get(2)?,
                    })
                })?;
                for copy in found {
                    copies.push(copy?);
                }
            }
            Ok(copies)
        })
        .await
    }

    /// What a copy's bytes say that it is, if there is one with this name in the account's folder `media/`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_copy(&self, account: &Account, file: &str) -> Result<Option<String>, JournalError> {
        let ((channel, account), file) = (account.clone(), file.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT content_type FROM media
                     WHERE channel = ?1 AND account = ?2 AND file = ?3 AND state = 'kept' AND content_type IS NOT NULL
                     LIMIT 1",
                )?
                .query_row([channel, account, file], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// The files in the account's folder `media/` that hold what this person sent and nobody else.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_files_only_of(
        &self,
        channel: &str,
        account: &str,
        conversation: &str,
    ) -> Result<Vec<String>, JournalError> {
        let (channel, account, conversation) = (channel.to_owned(), account.to_owned(), conversation.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT DISTINCT file FROM media AS own
                     WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND file IS NOT NULL
                       AND NOT EXISTS (SELECT 1 FROM media AS other
                                       WHERE other.channel = ?1 AND other.account = ?2 AND other.file = own.file
                                         AND other.conversation <> ?3)",
                )?
                .query_map(params![channel, account, conversation], |row| row.get(0))?
                .collect()
        })
        .await
    }

    /// Whether a file in the account's folder `media/` belongs to anything.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn is_media_known(&self, channel: &'static str, account: &str, file: &str) -> Result<bool, JournalError> {
        let (account, file) = (account.to_owned(), file.to_owned());
        self.read(move |connection| is_known(connection, channel, &account, &file)).await
    }
}

fn read_indexed(row: &Row<'_>) -> rusqlite::Result<IndexedMedia> {
    let (file, bytes, content_type): (Option<String>, Option<i64>, Option<String>) =
        (row.get(4)?, row.get(5)?, row.get(6)?);
    Ok(IndexedMedia {
        mid: row.get(0)?,
        position: row.get(1)?,
        kind: row.get(2)?,
        state: row.get(3)?,
        file: file.zip(bytes).zip(content_type).map(|((file, bytes), content_type)| (file, bytes, content_type)),
    })
}

/// Account, person, and what a message of theirs says.
type Found = (String, String, Attached);

/// What events after the cursor say, and the number of the last event looked at. Events of accounts that are not connected
/// are looked at too: nobody comes back to them.
fn attached_since(
    connection: &Connection,
    channel: &str,
    cursor: i64,
    read: fn(&[u8]) -> Option<Attached>,
) -> rusqlite::Result<(i64, Vec<Found>)> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, account, conversation,
                CASE WHEN channel = ?1 AND conversation IS NOT NULL AND kind IN ('message', 'unsend', 'revoke') THEN payload END
         FROM events WHERE seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let mut rows = statement.query(params![channel, cursor, BATCH])?;
    let (mut last, mut found) = (cursor, Vec::new());
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        if let Some(attached) = row.get_ref(3)?.as_blob_or_null()?.and_then(read) {
            found.push((row.get(1)?, row.get(2)?, attached));
        }
    }
    Ok((last, found))
}

fn want(
    connection: &Connection,
    channel: &str,
    account: &str,
    conversation: &str,
    attachments: &[Attachment],
    now_ms: i64,
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO media (channel, account, conversation, mid, position, kind, url, state, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'wanted', ?8) ON CONFLICT DO NOTHING",
    )?;
    for Attachment { mid, position, kind, url } in attachments {
        insert.execute(params![channel, account, conversation, mid, position, kind, url, now_ms])?;
    }
    Ok(())
}

/// Forgets the attachments of a message. Gives back the files that belong to nothing any more.
fn take_back(
    connection: &Connection,
    channel: &str,
    account: &str,
    conversation: &str,
    mid: &str,
) -> rusqlite::Result<Vec<String>> {
    let files: Vec<Option<String>> = connection
        .prepare_cached(
            "DELETE FROM media WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND mid = ?4 RETURNING file",
        )?
        .query_map(params![channel, account, conversation, mid], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut unused = Vec::new();
    for file in files.into_iter().flatten() {
        if !is_known(connection, channel, account, &file)? {
            unused.push(file);
        }
    }
    Ok(unused)
}

fn is_known(connection: &Connection, channel: &str, account: &str, file: &str) -> rusqlite::Result<bool> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT 1 FROM media WHERE channel = ?1 AND account = ?2 AND file = ?3 LIMIT 1")?
        .query_row([channel, account, file], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}
