//! Which files changed (table `object_copies`): written down before a file changes, or, where a worker makes many files, in
//! the transaction that moves its cursor behind them. So a kill at any instant loses no change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};

use super::error::JournalError;
use super::handle::Journal;
use crate::shared::files::following::Follower;

/// When a changed file is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// So long after its last change, in milliseconds.
    pub rest_ms: i64,
    /// At the latest so long after its first change, and not before so long after its last copy, in milliseconds.
    pub every_ms: i64,
}

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

/// The folder of the account that a file belongs to, and what the file is called without `.json`. `None`: it belongs to no
/// account. The folder is `<channel>/<account>`, or `<account>` where that is a domain.
#[must_use]
pub fn place_of(path: &str) -> Option<(&str, &str)> {
    let (first, rest) = path.split_once('/')?;
    let folder = if first.contains('.') { first } else { path.get(..first.len() + 1 + rest.split_once('/')?.0.len())? };
    let name = path.rsplit('/').next()?;
    Some((folder, name.strip_suffix(".json").unwrap_or(name)))
}

/// Writes down that a file changes, as part of a larger write.
///
/// # Errors
/// When the database fails.
pub(super) fn note_file_change(connection: &Connection, path: &str, now_ms: i64, pace: Pace) -> rusqlite::Result<()> {
    let Some((folder, stem)) = place_of(path) else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO object_copies (path, folder, stem, first_at, due_at) VALUES (?1, ?2, ?3, ?4, ?4 + min(?5, ?6))
             ON CONFLICT (path) DO UPDATE SET
                generation = generation + 1, first_at = coalesce(first_at, ?4),
                due_at = max(min(?4 + ?5, coalesce(first_at, ?4) + ?6), not_before)",
        )?
        .execute(params![path, folder, stem, now_ms, pace.rest_ms, pace.every_ms])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn a_file_belongs_to_the_folder_of_its_account() {
        for (path, folder, stem) in [
            ("facebook/1/page_metadata.json", "facebook/1", "page_metadata"),
            ("facebook/1/conversations/7.json", "facebook/1", "7"),
            ("facebook/1/media/index/7.json", "facebook/1", "7"),
            ("facebook/1/media/0a.jpg", "facebook/1", "0a.jpg"),
            ("demo-shop.myshopify.com/shop_products.json", "demo-shop.myshopify.com", "shop_products"),
            ("viber/-_A.b/conversations/US.9.json", "viber/-_A.b", "US.9"),
        ] {
            assert_eq!(place_of(path), Some((folder, stem)), "{path}");
        }
        for path in ["", "a.json", "facebook", "facebook/1"] {
            assert_eq!(place_of(path), None, "{path}");
        }
    }
}
