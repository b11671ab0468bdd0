//! Where each consumer, poll and job goes on: a value kept under a name.

use rusqlite::OptionalExtension;

use super::error::JournalError;
use super::handle::Journal;
use super::positions::{CONVERSATIONS_CURSOR, cursor_position, save_cursor};

impl Journal {
    /// Up to which event files are made.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn files_position(&self) -> Result<i64, JournalError> {
        self.cursor_position(CONVERSATIONS_CURSOR).await
    }

    /// The value kept under this name, for example where a poll goes on.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_cursor(&self, name: &str) -> Result<Option<String>, JournalError> {
        let name = name.to_owned();
        self.read(move |connection| {
            connection.query_row("SELECT value FROM cursors WHERE name = ?1", [name], |row| row.get(0)).optional()
        })
        .await
    }

    /// Keeps a value under this name.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn save_cursor(&self, name: &str, value: String) -> Result<(), JournalError> {
        let name = name.to_owned();
        self.write(move |connection| save_cursor(connection, &name, &value)).await
    }

    /// The number of the last event that the consumer with this cursor has done with; 0 at its beginning.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn cursor_position(&self, name: &str) -> Result<i64, JournalError> {
        let name = name.to_owned();
        self.read(move |connection| cursor_position(connection, &name)).await
    }
}
