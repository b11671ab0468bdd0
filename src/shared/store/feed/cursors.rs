//! How far a merchant's feed goes, and the places that bots keep by name.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::shared::journal::{Journal, JournalError};

/// How many names a merchant may keep.
const MAX_NAMES: i64 = 20;

/// How far a merchant's feed goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedEnds {
    /// The newest number; 0: there was none yet.
    pub newest: i64,
    /// The oldest number that is kept; one more than the newest: none is.
    pub oldest: i64,
}

impl Default for FeedEnds {
    fn default() -> Self {
        Self { newest: 0, oldest: 1 }
    }
}

impl FeedEnds {
    /// Whether a reader that has handled everything up to `after` can go on from there without a gap.
    #[must_use]
    pub fn can_go_on_after(self, after: i64) -> bool {
        (self.oldest - 1..=self.newest).contains(&after)
    }
}

impl Journal {
    /// How far a merchant's feed goes.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn feed_ends(&self, merchant: Uuid) -> Result<FeedEnds, JournalError> {
        self.read(move |connection| find_ends(connection, &merchant.to_string())).await
    }

    /// The place that a merchant keeps under this name.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_feed_cursor(&self, merchant: Uuid, name: &str) -> Result<Option<i64>, JournalError> {
        let name = name.to_owned();
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT n FROM feed_cursors WHERE merchant = ?1 AND name = ?2")?
                .query_row([merchant.to_string(), name], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// The names of all places, and how many events come after each: for an operator.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_feed_lags(&self) -> Result<Vec<(String, i64)>, JournalError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT reader, max(lag) FROM (
                        SELECT cursor.name AS reader, ends.newest - cursor.n AS lag FROM feed_cursors AS cursor
                        JOIN feed_ends AS ends USING (merchant)
                        UNION ALL
                        SELECT 'push', ends.newest - place.n
                               + (SELECT count(*) FROM push_waiting AS one
                                  WHERE one.receiver = place.receiver AND one.merchant = place.merchant)
                        FROM push_places AS place JOIN feed_ends AS ends USING (merchant)
                     ) GROUP BY reader ORDER BY reader LIMIT 100",
                )?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .await
    }

    /// The newest number of all merchants.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn newest_in_feeds(&self) -> Result<i64, JournalError> {
        self.read(|connection| {
            connection.prepare_cached("SELECT coalesce(max(newest), 0) FROM feed_ends")?.query_row([], |row| row.get(0))
        })
        .await
    }

    /// Keeps a place under this name. Gives back whether it is kept: a merchant has 20 names at most.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn save_feed_cursor(&self, merchant: Uuid, name: &str, n: i64) -> Result<bool, JournalError> {
        let (merchant, name) = (merchant.to_string(), name.to_owned());
        self.write(move |connection| {
            let others: i64 = connection
                .prepare_cached("SELECT count(*) FROM feed_cursors WHERE merchant = ?1 AND name <> ?2")?
                .query_row([&merchant, &name], |row| row.get(0))?;
            if others >= MAX_NAMES {
                return Ok(false);
            }
            connection
                .prepare_cached("INSERT OR REPLACE INTO feed_cursors (merchant, name, n) VALUES (?1, ?2, ?3)")?
                .execute(params![merchant, name, n])?;
            Ok(true)
        })
        .await
    }

    /// Forgets the places of a merchant who has no data here any more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn forget_feed_cursors(&self, merchant: Uuid) -> Result<(), JournalError> {
        self.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM feed_cursors WHERE merchant = ?1")?
                .execute([merchant.to_string()])
                .map(drop)
        })
        .await
    }
}

/// As [`Journal::feed_ends`], as part of a larger read.
pub(super) fn find_ends(connection: &Connection, merchant: &str) -> rusqlite::Result<FeedEnds> {
    let ends = connection
        .prepare_cached("SELECT newest, oldest FROM feed_ends WHERE merchant = ?1")?
        .query_row([merchant], |row| Ok(FeedEnds { newest: row.get(0)?, oldest: row.get(1)? }))
        .optional()?;
    Ok(ends.unwrap_or_default())
}
