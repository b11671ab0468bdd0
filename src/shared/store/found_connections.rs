//! Connections that are asked for again and again: an account's, and those of a merchant.

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::connection::Connection;
use super::connections::{Connections, SELECT, read};

impl Connections {
    /// The connection of an account, whoever owns it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, channel: &str, account: &str) -> anyhow::Result<Option<Connection>> {
        let account = (channel.to_owned(), account.to_owned());
        let state = self.db().state()?;
        if let Some(known) = self.known.find(state, &account) {
            return Ok(Some(known));
        }
        let found = self
            .db()
            .call(move |connection| {
                connection
                    .prepare_cached(&format!("{SELECT} WHERE channel = ?1 AND account = ?2"))?
                    .query_row(params![account.0, account.1], read)
                    .optional()
            })
            .await?;
        if let Some(found) = &found {
            self.known.keep(state, found);
        }
        Ok(found)
    }

    /// All connections of a merchant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_of(&self, merchant: Uuid) -> anyhow::Result<Vec<Connection>> {
        let state = self.db().state()?;
        if let Some(known) = self.known.list_of(state, merchant) {
            return Ok(known);
        }
        let found: Vec<Connection> = self
            .db()
            .call(move |connection| -> rusqlite::Result<Vec<Connection>> {
                connection
                    .prepare_cached(&format!("{SELECT} WHERE merchant = ?1 ORDER BY channel DESC, account"))?
                    .query_map([merchant.to_string()], read)?
                    .collect()
            })
            .await?;
        self.known.keep_list(state, merchant, &found);
        Ok(found)
    }
}
