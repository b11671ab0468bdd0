//! Accounts that the settings name and that their merchant has given up (`tokens.db`).

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::Connections;
use crate::shared::journal::Account;

impl Connections {
    /// Notes that a merchant gives an account up that the settings name: it is not connected again by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leave(&self, account: &Account, merchant: Uuid, now_ms: i64) -> anyhow::Result<()> {
        let (channel, account) = account.clone();
        self.db()
            .call(move |connection| -> rusqlite::Result<()> {
                connection
                    .execute(
                        "INSERT OR REPLACE INTO left_accounts (channel, account, merchant, left_at)
                         VALUES (?1, ?2, ?3, ?4)",
                        params![channel, account, merchant.to_string(), now_ms],
                    )
                    .map(drop)
            })
            .await
    }

    /// A merchant wants the accounts of this channel back that they gave up. Gives whether there were any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn want_back(&self, channel: &str, merchant: Uuid) -> anyhow::Result<bool> {
        let channel = channel.to_owned();
        self.db()
            .call(move |connection| -> rusqlite::Result<bool> {
                let deleted = connection.execute(
                    "DELETE FROM left_accounts WHERE channel = ?1 AND merchant = ?2",
                    params![channel, merchant.to_string()],
                )?;
                Ok(deleted > 0)
            })
            .await
    }

    /// The merchant who gave this account up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_who_left(&self, channel: &str, account: &str) -> anyhow::Result<Option<Uuid>> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.db()
            .call(move |connection| -> anyhow::Result<Option<Uuid>> {
                let merchant: Option<String> = connection
                    .prepare_cached("SELECT merchant FROM left_accounts WHERE channel = ?1 AND account = ?2")?
                    .query_row([channel, account], |row| row.get(0))
                    .optional()?;
                Ok(merchant.map(|merchant| merchant.parse()).transpose()?)
            })
            .await
    }

    /// The accounts that this merchant gave up although the settings name them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_left(&self, merchant: Uuid) -> anyhow::Result<Vec<Account>> {
        self.db()
            .call(move |connection| -> rusqlite::Result<Vec<Account>> {
                connection
                    .prepare_cached("SELECT channel, account FROM left_accounts WHERE merchant = ?1")?
                    .query_map([merchant.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .await
    }

    /// Gives the connection of an account to another merchant. What it brought goes with it, because everything is found
    /// through the connection.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_to(&self, channel: &str, account: &str, merchant: Uuid) -> anyhow::Result<()> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.db()
            .call(move |connection| -> rusqlite::Result<()> {
                connection
                    .execute(
                        "UPDATE connections SET merchant = ?3 WHERE channel = ?1 AND account = ?2",
                        params![channel, account, merchant.to_string()],
                    )
                    .map(drop)
            })
            .await
    }
}
