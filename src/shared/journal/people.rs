//! Under which name a person stands, asked from outside the writer.

use rusqlite::Connection;

use super::conversation::Conversation;
use super::error::JournalError;
use super::handle::Journal;
use super::person_names::{MovedFile, find};

impl Journal {
    /// The conversation to which this name leads: itself, where nothing else is known.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn resolve_person(&self, conversation: Conversation) -> Result<Conversation, JournalError> {
        self.read(move |connection| resolve_person(connection, conversation)).await
    }

    /// The other names that lead to this conversation's person, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_person_names(&self, of: &Conversation) -> Result<Vec<String>, JournalError> {
        let of = of.clone();
        self.read(move |connection| list_names(connection, &of)).await
    }

    /// Files that are to follow their conversations, at most `limit`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(crate) async fn list_moved_files(&self, limit: i64) -> Result<Vec<MovedFile>, JournalError> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT channel, account, name, person FROM moved_files LIMIT ?1")?
                .query_map([limit], |row| {
                    let from = Conversation { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? };
                    let to = Conversation { person: row.get(3)?, ..from.clone() };
                    Ok(MovedFile { from, to })
                })?
                .collect()
        })
        .await
    }

    /// These files have followed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(crate) async fn forget_moved_files(&self, moved: Vec<MovedFile>) -> Result<(), JournalError> {
        self.write(move |connection| {
            let mut forget = connection.prepare_cached(
                "DELETE FROM moved_files WHERE channel = ?1 AND account = ?2 AND name = ?3 AND person = ?4",
            )?;
            for MovedFile { from, to } in &moved {
                forget.execute([&from.channel, &from.account, &from.person, &to.person])?;
            }
            Ok(())
        })
        .await
    }
}

/// The other names that lead to this conversation's person, the newest first.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn list_names(connection: &Connection, of: &Conversation) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT name FROM person_names WHERE channel = ?1 AND account = ?2 AND person = ?3 ORDER BY since DESC, name",
        )?
        .query_map([&of.channel, &of.account, &of.person], |row| row.get(0))?
        .collect()
}

/// As [`Journal::resolve_person`], as part of a larger read.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn resolve_person(
    connection: &Connection,
    conversation: Conversation,
) -> rusqlite::Result<Conversation> {
    let Conversation { channel, account, person } = &conversation;
    Ok(match find(connection, channel, account, person)? {
        Some(person) => Conversation { person, ..conversation },
        None => conversation,
    })
}
