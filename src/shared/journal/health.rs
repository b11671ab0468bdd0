//! Says when the journal cannot be written, or only slowly, and when that is over.

use std::time::Duration;

use crate::shared::telemetry::alerts::Alerts;

/// The cause while nothing can be written.
const UNWRITABLE: &str = "journal:unwritable";

/// The cause while writing is slow.
const SLOW: &str = "journal:slow";

/// A usual commit that takes longer than this is slow: platforms give up after five seconds, queue included.
const SLOW_MS: f64 = 750.0;

/// A usual commit that takes less than this is fast again.
const FAST_MS: f64 = 150.0;

/// How much the newest commit counts in what is usual.
const WEIGHT: f64 = 0.2;

/// How the writer is doing. Raises and heals on changes only, so that a commit pays for a comparison.
pub(super) struct Health {
    alerts: Alerts,
    failing: bool,
    slow: bool,
    /// What a commit usually takes: an average in which older ones count less and less.
    usual_ms: f64,
}

impl Health {
    pub(super) fn new(alerts: Alerts) -> Self {
        Self { alerts, failing: false, slow: false, usual_ms: 0.0 }
    }

    /// A transaction ended like this after this time.
    pub(super) fn note(&mut self, outcome: &rusqlite::Result<()>, took: Duration) {
        match outcome {
            Err(error) => {
                self.failing = true;
                self.alerts.raise(UNWRITABLE, sentence(error));
            }
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    self.alerts.heal(UNWRITABLE);
                }
                self.usual_ms += WEIGHT * (took.as_secs_f64() * 1000.0 - self.usual_ms);
                if !self.slow && self.usual_ms > SLOW_MS {
                    self.slow = true;
                    self.alerts.raise(
                        SLOW,
                        "The disk takes most of a second for each commit of the journal. Platforms give up after five: \
                         look for what else writes to this disk.",
                    );
                } else if self.slow && self.usual_ms < FAST_MS {
                    self.slow = false;
                    self.alerts.heal(SLOW);
                }
            }
        }
    }
}

/// What is wrong, and what to do.
fn sentence(error: &rusqlite::Error) -> &'static str {
    if let rusqlite::Error::InvalidPath(path) = error {
        if path.as_os_str().as_encoded_bytes().ends_with(b"-wal") {
            return "journal.db-wal was moved, removed or replaced while the service runs. Deliveries are answered 503 and come \
                    again. Put it back; if it is gone, restart the service in order (not with kill -9): what stands in it is \
                    still known to the service, and is brought into journal.db when it stops.";
        }
        return "journal.db was moved, removed or replaced while the service runs. Deliveries are answered 503 and come \
                again: put it back, with the files of the same name ending in -wal and -shm, and do not stop the service \
                before.";
    }
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => {
            "The disk with the journal is full. Deliveries are answered 503 and come again: make room."
        }
        Some(
            rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::PermissionDenied,
        ) => {
            "The journal may not be written: look at the rights of its folder and how the disk is mounted. Deliveries are \
             answered 503 and come again."
        }
        _ => {
            "The journal cannot be written. Deliveries are answered 503 and come again: look at the disk and at the log."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::clock::Clock;

    #[test]
    fn slow_commits_are_said_once_and_taken_back_when_they_are_fast_again() {
        let alerts = Alerts::new(Clock::manual(chrono::DateTime::UNIX_EPOCH));
        let mut health = Health::new(alerts.clone());
        let causes = || alerts.list().into_iter().map(|alert| alert.cause).collect::<Vec<_>>();
        health.note(&Ok(()), Duration::from_secs(3));
        assert_eq!(causes(), [""; 0], "one slow commit is no reason to wake anybody");
        health.note(&Ok(()), Duration::from_secs(3));
        assert_eq!(causes(), [SLOW]);
        for _ in 0..20 {
            health.note(&Ok(()), Duration::from_millis(2));
        }
        assert_eq!(causes(), [""; 0]);
    }

    #[test]
    fn a_full_disk_is_said_with_what_to_do_and_taken_back_by_the_next_commit() {
        let alerts = Alerts::new(Clock::manual(chrono::DateTime::UNIX_EPOCH));
        let mut health = Health::new(alerts.clone());
        let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        health.note(&Err(rusqlite::Error::SqliteFailure(full, None)), Duration::ZERO);
        let open = alerts.list();
        assert_eq!(open[0].cause, UNWRITABLE);
        assert!(open[0].sentence.contains("make room"));
        health.note(&Ok(()), Duration::ZERO);
        assert!(alerts.list().is_empty());
    }
}
