//! Events that are kept and not handed to the consumers: those of accounts that nobody has connected flow in when somebody
//! does.

use rusqlite::params;

use super::feed::note_released;
use super::read_requests::insert_read_request;
use super::threads::count_threads;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::journal::{Account, Journal, JournalError, NOT_CONNECTED, OVERVIEW_CURSOR, insert_set_aside};

impl Journal {
    /// From now on events of this account go to the consumers; those set aside until now flow in.
    ///
    /// # Errors
    /// When the journal cannot be written. The account then counts as connected; the next start releases the rest.
    pub async fn connect_account(&self, channel: &str, account: &str) -> Result<usize, JournalError> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        // The set first: an event that the writer meets after this is not set aside, one that it met before is released
        // by the job below, which runs on the same thread.
        self.connected_accounts().insert(&channel, &account);
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let account_only = params![channel, account, NOT_CONNECTED];
            connection.execute(
                "INSERT INTO unfiled (channel, account, conversation, next_at)
                 SELECT DISTINCT channel, account, conversation, 0 FROM events
                 WHERE channel = ?1 AND account = ?2 AND apart = ?3 AND conversation IS NOT NULL
                 ON CONFLICT DO UPDATE SET parked = 0, attempts = 0, next_at = 0, generation = generation + 1",
                account_only,
            )?;
            insert_set_aside(connection, &channel, &account, NOT_CONNECTED)?;
            let requests: Vec<String> = connection
                .prepare_cached(
                    "SELECT DISTINCT reread FROM events
                     WHERE channel = ?1 AND account = ?2 AND apart = ?3 AND reread IS NOT NULL",
                )?
                .query_map(account_only, |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for text in requests {
                insert_read_request(connection, &channel, &account, &ReadRequest::from_text(&text), now_ms, 0)?;
            }
            // What that consumer has passed by flows into its rows here; the rest it will meet.
            count_threads(
                connection,
                "channel = ?1 AND account = ?2 AND apart = ?3
                 AND seq <= coalesce((SELECT CAST(value AS INTEGER) FROM cursors WHERE name = ?4), 0)",
                params![channel, account, NOT_CONNECTED, OVERVIEW_CURSOR],
            )?;
            // As does what the feed's consumer has passed by.
            note_released(connection, &channel, &account)?;
            connection.execute(
                "UPDATE events SET apart = NULL WHERE channel = ?1 AND account = ?2 AND apart = ?3",
                account_only,
            )
        })
        .await
    }

    /// The accounts of which something is set aside, connected or not.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_set_aside_accounts(&self) -> Result<Vec<Account>, JournalError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT DISTINCT channel, account FROM events WHERE apart IS NOT NULL")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .await
    }
}
