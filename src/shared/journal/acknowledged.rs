//! How far the journal had come, kept beside it: where its log was cut, lost or damaged, SQLite finds an older state and
//! nothing wrong with it.
//!
//! Two numbers: that of the last event that a platform was told of, and that of the last commit without events. Commits are
//! counted in the journal itself, in the transaction that is counted, so this tells of lost writes that brought no event:
//! that a message was being sent, for example. What brings events pays nothing for it.
//!
//! The numbers are written after each commit and not synced, which costs no delivery anything. A kill of the process loses
//! nothing of them; a power cut may leave older ones, and they are never ahead of what was on disk.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::positions::{cursor_position, save_cursor};
use crate::shared::telemetry::alerts::Alerts;

/// The cause of the alert that acknowledged events, or other writes, are missing.
pub const MISSING: &str = "journal:missing";

/// The row of `cursors` that counts commits.
const COMMITS: &str = "journal:commits";

/// The row of `cursors` that says that writes were lost: what was being sent then is to be looked for.
pub(in crate::shared) const SENDING_IS_DOUBTFUL: &str = "outgoing:doubtful";

/// Distinguishes the two numbers from whatever a damaged file holds.
const CHECK: i64 = 0x7368_6f70_7461_6c6b;

/// Where the numbers of a journal stand.
#[must_use]
pub fn path_of(journal: &Path) -> PathBuf {
    journal.with_extension("acknowledged")
}

/// How far a journal has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    /// Its last event.
    event: i64,
    /// Its last commit that changed anything and brought no event.
    commit: i64,
}

impl Place {
    fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        for (at, number) in [self.event, self.commit, self.event ^ self.commit ^ CHECK].into_iter().enumerate() {
            bytes[8 * at..8 * at + 8].copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    /// What a file says. One that says nothing sensible says nothing; versions before this one wrote the event alone.
    fn read(file: &File) -> Self {
        let number = |at: u64| {
            let mut bytes = [0; 8];
            file.read_exact_at(&mut bytes, at).ok().map(|()| i64::from_be_bytes(bytes))
        };
        match (number(0), number(8), number(16)) {
            (Some(event), None, None) => Self { event, commit: 0 },
            (Some(event), Some(commit), Some(check)) if event ^ commit ^ CHECK == check => Self { event, commit },
            _ => Self::default(),
        }
    }
}

pub(super) struct Acknowledged {
    file: File,
    place: Place,
}

impl Acknowledged {
    /// Opens the numbers of this journal, whose newest event is `newest`, and says what is missing from it. Where something
    /// is, it is written down in the journal that calls of platforms may have been made that it does not know of.
    ///
    /// # Errors
    /// When the file cannot be made or read, or the journal not be used.
    pub(super) fn open(
        journal: &Path,
        (connection, newest): (&Connection, i64),
        alerts: &Alerts,
    ) -> anyhow::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path_of(journal))?;
        let found = Place { event: newest, commit: cursor_position(connection, COMMITS)? };
        let known = Place::read(&file);
        if let Some(sentence) = missing(known, found) {
            tracing::error!(
                first = found.event + 1,
                last = known.event,
                commits = (known.commit - found.commit).max(0),
                "acknowledged events or other writes are missing from the journal"
            );
            alerts.raise(MISSING, &sentence);
            save_cursor(connection, SENDING_IS_DOUBTFUL, "1")?;
        }
        let opened = Self { file, place: found };
        opened.write();
        Ok(opened)
    }

    /// Everything up to this event and this commit is on disk.
    pub(super) fn note(&mut self, event: Option<i64>, commit: Option<i64>) {
        let before = self.place;
        self.place = Place { event: event.unwrap_or(before.event), commit: commit.unwrap_or(before.commit) };
        if self.place != before {
            self.write();
        }
    }

    fn write(&self) {
        // A number that is too small costs a warning that might have been given, nothing else.
        let _ = self.file.write_all_at(&self.place.to_bytes(), 0);
    }
}

/// Counts the commit that is being made and brings no event, in its own transaction, and gives its number.
pub(super) fn count_commit(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO cursors (name, value) VALUES (?1, '1')
             ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1
             RETURNING CAST(value AS INTEGER)",
        )?
        .query_row([COMMITS], |row| row.get(0))
}

/// What is missing where a journal had come to `known` and is at `found`; `None`: nothing.
fn missing(known: Place, found: Place) -> Option<String> {
    const WHY: &str =
        "its log (journal.db-wal) or the journal itself was lost, cut, damaged, or replaced by an older one";
    const ANSWERS: &str =
        "Messages that waited to be sent then are looked for at their platforms before anything is sent again.";
    if known.event > found.event {
        return Some(format!(
            "Events {} to {} were acknowledged and are not in the journal any more: {WHY}. What had been written to \
             conversation files is taken in again from there when something new comes; of the rest, polls find what the \
             platforms still show. {ANSWERS}",
            found.event + 1,
            known.event
        ));
    }
    (known.commit > found.commit).then(|| {
        format!(
            "The last {} writes of the journal are missing, though no event is: {WHY}. {ANSWERS}",
            known.commit - found.commit
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_by_event_and_by_commit_and_a_damaged_number_tells_nothing() {
        let place = |event, commit| Place { event, commit };
        assert_eq!(missing(place(5, 9), place(5, 9)), None);
        assert_eq!(missing(place(5, 9), place(6, 10)), None, "a power cut may leave an older number");
        assert!(missing(place(7, 9), place(5, 8)).is_some_and(|told| told.starts_with("Events 6 to 7 were")));
        assert!(missing(place(5, 9), place(5, 7)).is_some_and(|told| told.starts_with("The last 2 writes")));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.acknowledged");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("written");
            Place::read(&File::open(&path).expect("there"))
        };
        let whole = place(7, 9).to_bytes();
        assert_eq!(read(&whole), place(7, 9));
        assert_eq!(read(&whole[..8]), place(7, 0), "as an older version wrote it");
        for bit in 0..24 * 8 {
            let mut flipped = whole;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&flipped), Place::default(), "bit {bit}");
        }
        assert_eq!((read(&whole[..20]), read(b"")), (Place::default(), Place::default()));
    }
}
