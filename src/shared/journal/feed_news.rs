//! Tells readers of a merchant's feed that it has a newer end, as soon as that is committed, whoever wrote it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::watch;

thread_local! {
    /// The rows of `feed_ends` that this thread changed since it was last asked.
    static CHANGED: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
}

/// Who wants to know of whose feed. Cheap to clone.
#[derive(Clone)]
pub(super) struct FeedNews {
    /// By merchant: the newest number since somebody listens.
    merchants: Arc<Mutex<HashMap<String, watch::Sender<i64>>>>,
    /// How often any feed has grown.
    any: watch::Sender<u64>,
}

impl Default for FeedNews {
    fn default() -> Self {
        Self { merchants: Arc::default(), any: watch::Sender::new(0) }
    }
}

impl FeedNews {
    /// Tells when this merchant's feed has grown.
    pub fn watch(&self, merchant: &str) -> watch::Receiver<i64> {
        let mut merchants = self.merchants.lock().unwrap_or_else(PoisonError::into_inner);
        merchants.retain(|_, sender| sender.receiver_count() > 0);
        merchants.entry(merchant.to_owned()).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Tells when any merchant's feed has grown: how often that happened.
    pub fn watch_all(&self) -> watch::Receiver<u64> {
        self.any.subscribe()
    }

    /// To be called after a commit on the thread that made it: tells what was numbered by it.
    pub fn tell(&self, connection: &Connection) {
        let rows = CHANGED.take();
        if rows.is_empty() {
            return;
        }
        self.any.send_modify(|grown| *grown = grown.wrapping_add(1));
        let merchants = self.merchants.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let end = connection.prepare_cached("SELECT merchant, newest FROM feed_ends WHERE rowid = ?1").and_then(
                |mut find| {
                    find.query_row([row], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).optional()
                },
            );
            match end {
                Ok(Some((merchant, newest))) => {
                    if let Some(sender) = merchants.get(&merchant) {
                        sender.send_replace(newest);
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "readers of a feed were not told of its end; they look by themselves")
                }
            }
        }
    }
}

/// Notes which rows change. Part of the settings of the writer's connection.
pub(super) fn note_changes(connection: &Connection) -> rusqlite::Result<()> {
    CHANGED.take();
    connection.update_hook(Some(|_: rusqlite::hooks::Action, _: &str, table: &str, row: i64| {
        if table == "feed_ends" {
            CHANGED.with_borrow_mut(|changed| {
                if changed.last() != Some(&row) {
                    changed.push(row);
                }
            });
        }
    }))
}

/// Forgets what was noted: the transaction failed.
pub(super) fn forget_changes() {
    CHANGED.take();
}
