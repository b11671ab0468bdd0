//! Moves the write-ahead log into the database beside the writer, so that no delivery waits for it.
//!
//! A thread with its own connection copies what is in the log (`PASSIVE`: it never makes a writer wait). While deliveries
//! keep coming, it never quite catches up, and SQLite starts the log anew only when all of it was copied. So the last,
//! short piece is copied by the writer itself, between two groups.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::shared::database::known_file::KnownFile;
use crate::shared::database::sqlite;
use crate::shared::telemetry::alerts::Alerts;
use crate::shared::telemetry::once_per_second::OncePerSecond;

/// The log is copied after about this many pages of 4 KiB. Pages that change often are copied once for many changes; a
/// start after a kill has to read at most this much again.
const PAGES: i64 = 10_000;

/// The cause of the alert that the log cannot be moved into the database.
const STUCK: &str = "journal:log";

/// What is wrong then, and what to do.
const STUCK_TOLD: &str = "journal.db cannot be written, though its log can: deliveries are taken in, and the log \
    (journal.db-wal) grows until the disk is full. Look at the disk and at the rights of journal.db.";

/// At most this many pages are left to the writer.
const REST_PAGES: i64 = 500;

thread_local! {
    /// How many pages the log held after the last commit of this thread.
    static LOG_PAGES: Cell<i64> = const { Cell::new(0) };
}

/// The writer's side: sees how long the log is, and wakes the thread.
pub(super) struct Checkpoints {
    wake: Option<SyncSender<()>>,
    rest_is_short: Arc<AtomicBool>,
    stuck: Stuck,
    thread: Option<JoinHandle<()>>,
}

/// Whether the log can be moved into the database, as far as was last tried. Cheap to clone.
#[derive(Clone)]
pub(super) struct Stuck {
    is_stuck: Arc<AtomicBool>,
    alerts: Alerts,
}

impl Stuck {
    /// Whether it could not be.
    pub fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Acquire)
    }

    /// Notes what came of a try. Nothing is lost where it failed; the next commits try again.
    fn note<T>(&self, tried: rusqlite::Result<T>) -> Option<T> {
        static SAID: OncePerSecond = OncePerSecond::new();
        let was_stuck = self.is_stuck.swap(tried.is_err(), Ordering::AcqRel);
        match &tried {
            Err(error) => {
                if let Some(unsaid) = SAID.should_log() {
                    tracing::warn!(%error, unsaid, "the journal's log could not be copied");
                }
                self.alerts.raise(STUCK, STUCK_TOLD);
            }
            Ok(_) if was_stuck => self.alerts.heal(STUCK),
            Ok(_) => {}
        }
        tried.ok()
    }
}

/// Has SQLite tell after each commit of `connection` how long the log is, instead of copying it there and then.
pub(super) fn watch(connection: &Connection) {
    connection.wal_hook(Some(|_, pages| {
        LOG_PAGES.set(pages.into());
        Ok(())
    }));
}

/// Starts the thread.
///
/// # Errors
/// When its connection or the thread cannot be opened.
pub(super) fn start(file: &KnownFile, alerts: Alerts) -> anyhow::Result<Checkpoints> {
    let connection = file.open()?;
    sqlite::configure(&connection)?;
    let (wake, woken) = sync_channel(1);
    let rest_is_short = Arc::new(AtomicBool::new(false));
    let stuck = Stuck { is_stuck: Arc::default(), alerts };
    let (short, noted) = (Arc::clone(&rest_is_short), stuck.clone());
    let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(move || {
        while woken.recv().is_ok() {
            if let Some((pages, copied)) = noted.note(checkpoint(&connection)) {
                short.store(pages - copied <= REST_PAGES, Ordering::Release);
            }
        }
    })?;
    Ok(Checkpoints { wake: Some(wake), rest_is_short, stuck, thread: Some(thread) })
}

impl Checkpoints {
    /// Whether the thread has died. Then the log grows without end.
    pub fn is_dead(&self) -> bool {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Called by the writer after each commit, on its own connection.
    pub fn after_commit(&mut self, connection: &Connection) {
        if self.rest_is_short.swap(false, Ordering::AcqRel) {
            self.stuck.note(checkpoint(connection));
        }
        if LOG_PAGES.get() >= PAGES
            && let Some(wake) = &self.wake
            && let Err(TrySendError::Disconnected(())) = wake.try_send(())
        {
            self.wake = None;
        }
    }

    /// Whether the log can be moved into the database.
    pub fn stuck(&self) -> Stuck {
        self.stuck.clone()
    }

    /// Ends the thread and waits for it.
    pub fn stop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

/// Copies what can be copied without waiting: how many pages are in the log, and how many of them are in the database.
fn checkpoint(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))
}
