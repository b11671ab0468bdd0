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

/// The log is copied after about this many pages of 4 KiB. Pages that change often are copied once for many changes; a
/// start after a kill has to read at most this much again.
const PAGES: i64 = 10_000;

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
    thread: Option<JoinHandle<()>>,
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
pub(super) fn start(file: &KnownFile) -> anyhow::Result<Checkpoints> {
    let connection = file.open()?;
    sqlite::configure(&connection)?;
    let (wake, woken) = sync_channel(1);
    let rest_is_short = Arc::new(AtomicBool::new(false));
    let short = Arc::clone(&rest_is_short);
    let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(move || {
        while woken.recv().is_ok() {
            match checkpoint(&connection) {
                Ok((pages, copied)) => short.store(pages - copied <= REST_PAGES, Ordering::Release),
                // The log grows meanwhile, and nothing is lost; the next commits wake us again.
                Err(error) => tracing::warn!(%error, "the journal's log could not be copied"),
            }
        }
    })?;
    Ok(Checkpoints { wake: Some(wake), rest_is_short, thread: Some(thread) })
}

impl Checkpoints {
    /// Whether the thread has died. Then the log grows without end.
    pub fn is_dead(&self) -> bool {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Called by the writer after each commit, on its own connection.
    pub fn after_commit(&mut self, connection: &Connection) {
        if self.rest_is_short.swap(false, Ordering::AcqRel)
            && let Err(error) = checkpoint(connection)
        {
            tracing::warn!(%error, "the rest of the journal's log could not be copied");
        }
        if LOG_PAGES.get() >= PAGES
            && let Some(wake) = &self.wake
            && let Err(TrySendError::Disconnected(())) = wake.try_send(())
        {
            self.wake = None;
        }
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
