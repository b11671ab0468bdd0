//! What an account's work must remember: a value kept under a name for an account.

use rusqlite::{Connection, OptionalExtension};

use crate::shared::journal::{Journal, JournalError};

impl Journal {
    /// The value kept under this name for an account.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_account_cursor(
        &self,
        channel: &'static str,
        account: &str,
        name: &'static str,
    ) -> Result<Option<String>, JournalError> {
        let account = account.to_owned();
        self.read(move |connection| find_account_cursor(connection, channel, &account, name)).await
    }

    /// Keeps a value under this name for an account; `None` forgets it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn save_account_cursor(
        &self,
        channel: &'static str,
        account: &str,
        name: &'static str,
        value: Option<String>,
    ) -> Result<(), JournalError> {
        let account = account.to_owned();
        self.write(move |connection| match value {
            Some(value) => save_account_cursor(connection, channel, &account, name, &value),
            None => forget_account_cursor(connection, channel, &account, name),
        })
        .await
        .map(drop)
    }
}

pub(super) fn save_account_cursor(
    connection: &Connection,
    channel: &str,
    account: &str,
    name: &str,
    value: &str,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO account_cursors (channel, account, name, value) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute([channel, account, name, value])
}

pub(super) fn find_account_cursor(
    connection: &Connection,
    channel: &str,
    account: &str,
    name: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT value FROM account_cursors WHERE channel = ?1 AND account = ?2 AND name = ?3")?
        .query_row([channel, account, name], |row| row.get(0))
        .optional()
}

pub(super) fn forget_account_cursor(
    connection: &Connection,
    channel: &str,
    account: &str,
    name: &str,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("DELETE FROM account_cursors WHERE channel = ?1 AND account = ?2 AND name = ?3")?
        .execute([channel, account, name])
}
