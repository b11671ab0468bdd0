//! The number of the last event that a platform was told of, kept beside the journal: where the journal's log was cut or lost,
//! SQLite finds an older state and nothing wrong with it.
//!
//! The number is written after each commit and not synced, so a power cut may leave an older one; it is never ahead.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::shared::telemetry::alerts::Alerts;

/// The cause of the alert that acknowledged events are missing.
pub const MISSING: &str = "journal:missing";

/// Where the number of a journal stands.
#[must_use]
pub fn path_of(journal: &Path) -> PathBuf {
    journal.with_extension("acknowledged")
}

pub(super) struct Acknowledged(File);

impl Acknowledged {
    /// Opens the number of this journal, whose newest event is `newest`, and says what is missing.
    ///
    /// # Errors
    /// When the file cannot be made or read.
    pub(super) fn open(journal: &Path, newest: i64, alerts: &Alerts) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path_of(journal))?;
        let mut bytes = [0; 8];
        let known = file.read_exact_at(&mut bytes, 0).map_or(0, |()| i64::from_be_bytes(bytes));
        if known > newest {
            tracing::error!(first = newest + 1, last = known, "acknowledged events are missing from the journal");
            let sentence = format!(
                "Events {} to {known} were acknowledged and are not in the journal any more: its log (journal.db-wal) or \
                 the journal itself was lost, cut, damaged, or replaced by an older one. What had been written to \
                 conversation files is taken in again from there when something new comes; of the rest, polls find what \
                 the platforms still show.",
                newest + 1
            );
            alerts.raise(MISSING, &sentence);
        }
        let opened = Self(file);
        opened.note(newest);
        Ok(opened)
    }

    /// Everything up to this event is committed.
    pub(super) fn note(&self, seq: i64) {
        // A number that is too small costs a warning that might have been given, nothing else.
        let _ = self.0.write_all_at(&seq.to_be_bytes(), 0);
    }
}
