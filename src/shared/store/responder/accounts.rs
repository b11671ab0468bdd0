//! Where the built-in responder may answer.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{ANSWER_KEYS, ResponderAccount, uuid_of};
use crate::shared::journal::{Account, Journal, JournalError};
use crate::shared::store::outgoing::take_back;

impl Journal {
    /// Lets the responder answer an account from now on, or no longer.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn switch_responder(&self, account: &Account, merchant: Uuid, is_on: bool) -> Result<(), JournalError> {
        let ((channel, account), now_ms) = (account.clone(), self.clock().now_ms());
        self.write(move |connection| {
            let merchant = merchant.to_string();
            if !is_on {
                connection
                    .prepare_cached("DELETE FROM responder_accounts WHERE channel = ?1 AND account = ?2")?
                    .execute([&channel, &account])?;
                connection
                    .prepare_cached("DELETE FROM responder_turns WHERE channel = ?1 AND account = ?2")?
                    .execute([&channel, &account])?;
                return take_back_of_responder(connection, (&channel, &account), now_ms);
            }
            let is_news = connection
                .prepare_cached(
                    "INSERT INTO responder_accounts (channel, account, merchant, since, after_n)
                     VALUES (?1, ?2, ?3, ?4, coalesce((SELECT newest FROM feed_ends WHERE merchant = ?3), 0))
                     ON CONFLICT DO UPDATE SET merchant = excluded.merchant, since = excluded.since,
                                               after_n = excluded.after_n WHERE merchant <> excluded.merchant",
                )?
                .execute(params![channel, account, merchant, now_ms])?;
            if is_news == 0 {
                // It was on: what is on its way to be taken must not be passed over.
                return Ok(());
            }
            // With the first account it begins at the end: nobody waits for what came before.
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO responder_places (merchant, n)
                     SELECT ?1, coalesce((SELECT newest FROM feed_ends WHERE merchant = ?1), 0)
                     WHERE (SELECT count(*) FROM responder_accounts WHERE merchant = ?1) = 1
                        OR NOT EXISTS (SELECT 1 FROM responder_places WHERE merchant = ?1)",
                )?
                .execute([merchant])
                .map(drop)
        })
        .await
    }

    /// The accounts that the responder may answer.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_responder_accounts(&self) -> Result<Vec<ResponderAccount>, JournalError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT channel, account, merchant, since FROM responder_accounts ORDER BY merchant")?
                .query_map([], |row| {
                    Ok(ResponderAccount {
                        account: (row.get(0)?, row.get(1)?),
                        merchant: uuid_of(row, 2)?,
                        since: row.get(3)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// Forgets what is left of a merchant of whom no account is left.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn forget_responder_of(&self, merchant: Uuid) -> Result<(), JournalError> {
        self.write(move |connection| {
            for table in [
                "DELETE FROM responder_places WHERE merchant = ?1",
                "DELETE FROM responder_tokens WHERE merchant = ?1",
                "DELETE FROM responder_turns WHERE merchant = ?1",
                "DELETE FROM responder_outcomes WHERE merchant = ?1",
                "DELETE FROM responder_accounts WHERE merchant = ?1",
            ] {
                connection.prepare_cached(table)?.execute([merchant.to_string()])?;
            }
            Ok(())
        })
        .await
    }
}

/// What the responder has accepted for people of an account and nobody has called yet is taken back.
fn take_back_of_responder(
    connection: &Connection,
    (channel, account): (&str, &str),
    now_ms: i64,
) -> rusqlite::Result<()> {
    let waiting: Vec<i64> = connection
        .prepare_cached(
            "SELECT o.number FROM outgoing AS o JOIN idempotency_keys AS k ON k.message = o.number
             WHERE o.is_open AND o.channel = ?1 AND o.account = ?2 AND k.key GLOB ?3",
        )?
        .query_map([channel, account, ANSWER_KEYS], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    waiting.into_iter().try_for_each(|number| take_back(connection, number, now_ms))
}
