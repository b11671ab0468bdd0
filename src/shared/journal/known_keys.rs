//! Whether an event is known: in the log, or deleted on purpose.

use super::error::JournalError;
use super::event::DedupeKey;
use super::reader::JournalReader;

impl JournalReader<'_> {
    /// Whether the event with this key is in the log and goes to the consumers, or was deleted by age, erased or taken back.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn knows(&self, key: &DedupeKey) -> Result<bool, JournalError> {
        let mut find = self.connection().prepare_cached(
            "SELECT 1 FROM events WHERE dedupe = ?1 AND apart IS NULL
             UNION ALL SELECT 1 FROM pruned_keys WHERE dedupe = ?1
             UNION ALL SELECT 1 FROM erased_keys WHERE dedupe = ?1
             UNION ALL SELECT 1 FROM unsent WHERE dedupe = ?1",
        )?;
        Ok(find.exists([key.as_bytes()])?)
    }
}
