//! Forgets items that are too old to be told.

use rusqlite::{Connection, OptionalExtension, params};

use crate::shared::journal::{Journal, JournalError};

/// How many items one step deletes at most: a write transaction of a few milliseconds.
const STEP: i64 = 500;

impl Journal {
    /// Deletes the items that were numbered before this time, in milliseconds since 1970, and tells how many there were.
    /// What is left of a merchant's feed has no gap.
    ///
    /// # Errors
    /// When the journal cannot be used. What was deleted until then stays deleted.
    pub async fn prune_feed(&self, before: i64) -> Result<usize, JournalError> {
        let merchants: Vec<String> = self
            .read(|connection| {
                connection
                    .prepare_cached("SELECT merchant FROM feed_ends WHERE oldest <= newest")?
                    .query_map([], |row| row.get(0))?
                    .collect()
            })
            .await?;
        let mut deleted = 0;
        for merchant in merchants {
            loop {
                let merchant = merchant.clone();
                let step = self.write(move |connection| prune_step(connection, &merchant, before)).await?;
                deleted += step;
                if step == 0 {
                    break;
                }
            }
        }
        Ok(deleted)
    }
}

fn prune_step(connection: &Connection, merchant: &str, before: i64) -> rusqlite::Result<usize> {
    let ends: Option<(i64, i64)> = connection
        .prepare_cached("SELECT newest, oldest FROM feed_ends WHERE merchant = ?1")?
        .query_row([merchant], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // The merchant may be gone since they were listed.
    let Some((newest, oldest)) = ends else { return Ok(0) };
    let last = newest.min(oldest + STEP - 1);
    let kept: Option<i64> = connection
        .prepare_cached(
            "SELECT n FROM feed WHERE merchant = ?1 AND n BETWEEN ?2 AND ?3 AND numbered_at >= ?4 ORDER BY n LIMIT 1",
        )?
        .query_row(params![merchant, oldest, last, before], |row| row.get(0))
        .optional()?;
    let new_oldest = kept.unwrap_or(last + 1);
    if new_oldest == oldest {
        return Ok(0);
    }
    let deleted = connection
        .prepare_cached("DELETE FROM feed WHERE merchant = ?1 AND n < ?2")?
        .execute(params![merchant, new_oldest])?;
    connection
        .prepare_cached("UPDATE feed_ends SET oldest = ?2 WHERE merchant = ?1")?
        .execute(params![merchant, new_oldest])?;
    Ok(deleted)
}
