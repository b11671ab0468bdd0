//! Until when a platform wants nothing more of an account, as it told (table `account_cursors`): a start forgets nothing of it.

use rusqlite::params;

use super::account_cursors::save_account_cursor;
use super::far_ahead::LONGEST_WAIT_MS;
use crate::shared::journal::{Account, Journal, JournalError};

/// Under which name it is kept for an account.
const NAME: &str = "sending pauses until";

impl Journal {
    /// Keeps until when nothing of an account is sent, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_sending_pause(&self, of: Account, until: i64) -> Result<(), JournalError> {
        self.write(move |connection| {
            let (channel, account) = &of;
            save_account_cursor(connection, channel, account, NAME, &until.to_string()).map(drop)
        })
        .await
    }

    /// The accounts of which nothing is to be sent yet, and until when, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_sending_pauses(&self) -> Result<Vec<(Account, i64)>, JournalError> {
        let now_ms = self.clock().now_ms();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT channel, account, CAST(value AS INTEGER) AS until FROM account_cursors
                     WHERE name = ?1 AND until > ?2 AND until <= ?3",
                )?
                .query_map(params![NAME, now_ms, now_ms + LONGEST_WAIT_MS], |row| {
                    Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
                })?
                .collect()
        })
        .await
    }
}
