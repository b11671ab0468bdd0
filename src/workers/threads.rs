//! Events → what the pages list: a row per conversation, and when each account was last heard of. Whoever writes for the
//! first time is asked for by name.
//!
//! The rows and the cursor are one transaction, so each event counts once, wherever the process is killed. Events that
//! flow in later than the cursor are counted by [`Journal::connect_account`].

use rusqlite::{Connection, params};

use super::Worker;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::reader::PEOPLE;
use crate::shared::journal::{Journal, JournalError, save_cursor};
use crate::shared::store::{OVERVIEW_CURSOR, count_threads, want_reread};

/// How many events one step takes: it runs on the journal's writer, between two groups of deliveries, and must be over
/// within a few milliseconds.
const STEP: i64 = 500;

/// When the platform is asked what somebody is called who wrote for the first time: one question for all who come within
/// some seconds.
const NAMES_AFTER_MS: i64 = 5_000;

/// The consumer.
pub struct Overview {
    journal: Journal,
}

impl Overview {
    /// Counts the events of this journal.
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Counts the next events. Gives back whether there was anything to do.
    ///
    /// # Errors
    /// When the journal cannot be used; the cursor then stands where it stood.
    pub async fn step(&self) -> Result<bool, JournalError> {
        let cursor = self.journal.cursor_position(OVERVIEW_CURSOR).await?;
        if *self.journal.watch().borrow() <= cursor {
            return Ok(false);
        }
        let now_ms = self.journal.clock().now_ms();
        self.journal.write(move |connection| count(connection, cursor, now_ms)).await
    }
}

impl Worker for Overview {
    fn name(&self) -> &'static str {
        "overview"
    }

    fn when_failing(&self) -> &'static str {
        "The pages' lists of conversations fall behind, and new people's names are not asked for: the journal cannot be \
         used. Nothing is lost; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async { Ok(self.step().await?) })
    }
}

fn count(connection: &Connection, cursor: i64, now_ms: i64) -> rusqlite::Result<bool> {
    let last: i64 = connection
        .prepare_cached(
            "SELECT coalesce(max(seq), ?1) FROM (SELECT seq FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2)",
        )?
        .query_row(params![cursor, STEP], |row| row.get(0))?;
    if last == cursor {
        return Ok(false);
    }
    let with_strangers = count_threads(connection, "seq > ?1 AND seq <= ?2 AND apart IS NULL", params![cursor, last])?;
    for (channel, account) in with_strangers {
        want_reread(connection, &channel, &account, PEOPLE, now_ms, NAMES_AFTER_MS)?;
    }
    connection
        .prepare_cached(
            "INSERT INTO activity (channel, account, last_event_at)
             SELECT channel, account, max(received_at) FROM events
             WHERE seq > ?1 AND seq <= ?2 AND apart IS NULL GROUP BY channel, account
             ON CONFLICT DO UPDATE SET last_event_at = max(last_event_at, excluded.last_event_at)",
        )?
        .execute([cursor, last])?;
    save_cursor(connection, OVERVIEW_CURSOR, &last.to_string())?;
    Ok(true)
}
