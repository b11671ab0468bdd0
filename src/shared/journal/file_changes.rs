//! Follows the files that change: it is written down before a file changes, or, where a worker makes many files, in
//! the transaction that moves its cursor behind them. So a kill at any instant loses no change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::changed_files::{Pace, note_file_change};
use super::error::JournalError;
use super::handle::Journal;
use crate::shared::files::following::Follower;

/// Follows the files below the output folder. Cheap to clone.
#[derive(Clone)]
pub struct FileChanges {
    journal: Journal,
    /// Files that are being changed at this moment, and by how many.
    under_way: Arc<Mutex<HashMap<String, usize>>>,
}

impl FileChanges {
    /// Writes changes down in this journal from now on, those of conversation files too.
    #[must_use]
    pub fn follow(journal: &Journal, pace: Pace) -> Self {
        journal.follow(pace);
        Self { journal: journal.clone(), under_way: Arc::default() }
    }

    /// Whether this file is being changed at this moment: its row may be older than its content will be.
    #[must_use]
    pub fn is_under_way(&self, path: &str) -> bool {
        self.under_way().contains_key(path)
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower for FileChanges {
    fn begin(&self, path: &str) -> std::io::Result<()> {
        // Before the row: whoever finds the row must not take the old content for the new.
        *self.under_way().entry(path.to_owned()).or_default() += 1;
        let Some(pace) = self.journal.followed() else { return Ok(()) };
        let (path, now_ms) = (path.to_owned(), self.journal.clock().now_ms());
        let noted = self.journal.write_blocking(move |connection| note_file_change(connection, &path, now_ms, pace));
        noted.map_err(std::io::Error::other)
    }

    fn end(&self, path: &str) {
        let mut under_way = self.under_way();
        if let Some(count) = under_way.get_mut(path) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(path);
            }
        }
    }
}

impl Journal {
    /// Whether it is written down which files change.
    #[must_use]
    pub fn follows_files(&self) -> bool {
        self.followed().is_some()
    }

    /// These files have changed, or are to be looked at again: for tests and for whoever finds a difference.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_file_changes(&self, paths: Vec<String>) -> Result<(), JournalError> {
        let Some(pace) = self.followed() else { return Ok(()) };
        let now_ms = self.clock().now_ms();
        self.write(move |connection| paths.iter().try_for_each(|path| note_file_change(connection, path, now_ms, pace)))
            .await
    }
}
