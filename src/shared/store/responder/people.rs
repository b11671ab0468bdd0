//! Whether an answer names another customer.

use rusqlite::{Connection, params};

use crate::shared::journal::{Account, Journal, JournalError};
use crate::shared::text_fold::fold_name;

/// How many names are folded in one write.
const STEP: i64 = 500;

impl Journal {
    /// Whether somebody else of these accounts has one of these names, folded (see [`fold_name`]), or a name that begins or
    /// ends with one of these parts.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn knows_another_person(
        &self,
        names: Vec<String>,
        parts: Vec<String>,
        accounts: Vec<Account>,
        person: &str,
    ) -> Result<bool, JournalError> {
        self.fold_names().await?;
        let person = person.to_owned();
        self.read(move |connection| {
            let mut find = connection.prepare_cached(
                "SELECT 1 FROM threads
                 WHERE channel = ?1 AND account = ?2 AND folded_name = ?3 AND conversation <> ?4",
            )?;
            for (channel, account) in &accounts {
                for name in &names {
                    if find.exists([channel, account, name, &person])? {
                        return Ok(true);
                    }
                }
            }
            // Names that end with something are in no index: it is read once, and only where an answer calls somebody so.
            let mut find = connection.prepare_cached(
                "SELECT 1 FROM threads, json_each(?4) AS part
                 WHERE channel = ?1 AND account = ?2 AND folded_name IS NOT NULL AND conversation <> ?3
                   AND (folded_name = part.value OR instr(folded_name || ' ', part.value || ' ') = 1
                        OR substr(folded_name, -length(part.value) - 1) = ' ' || part.value)",
            )?;
            let parts = serde_json::Value::from(parts.as_slice()).to_string();
            for (channel, account) in accounts.iter().filter(|_| parts != "[]") {
                if find.exists([channel, account, &person, &parts])? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }

    /// Folds the names that are new since this was done last.
    async fn fold_names(&self) -> Result<(), JournalError> {
        loop {
            let new = self.read(list_unfolded).await?;
            if new.is_empty() {
                return Ok(());
            }
            self.write(move |connection| {
                let mut set = connection.prepare_cached(
                    "UPDATE threads SET folded_name = ?5
                     WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND name = ?4",
                )?;
                for [channel, account, person, name] in &new {
                    set.execute(params![channel, account, person, name, fold_name(name)])?;
                }
                Ok(())
            })
            .await?;
        }
    }
}

fn list_unfolded(connection: &Connection) -> rusqlite::Result<Vec<[String; 4]>> {
    connection
        .prepare_cached(
            "SELECT channel, account, conversation, name FROM threads
             WHERE folded_name IS NULL AND name IS NOT NULL LIMIT ?1",
        )?
        .query_map([STEP], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?
        .collect()
}
