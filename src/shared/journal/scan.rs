//! Events as their readers find them.

use rusqlite::OptionalExtension;

use super::error::JournalError;
use super::event::DedupeKey;
use super::handle::Journal;

impl Journal {
    /// When the events with these keys happened (milliseconds since 1970), one by one; `None` for an unknown event.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_times(&self, keys: Vec<DedupeKey>) -> Result<Vec<Option<i64>>, JournalError> {
        self.read(move |connection| {
            let mut find = connection.prepare_cached("SELECT occurred_at FROM events WHERE dedupe = ?1")?;
            keys.iter().map(|key| find.query_row([key.as_bytes()], |row| row.get(0)).optional()).collect()
        })
        .await
    }
}
