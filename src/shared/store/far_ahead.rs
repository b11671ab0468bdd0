//! What is put off for longer than anything is: a clock that once stood far ahead wrote it, and it would sleep until then.

use rusqlite::{Connection, params};

use crate::shared::journal::{Journal, JournalError};

/// Nothing is put off for longer than this, in milliseconds: a platform's daily limit ends within a day.
pub const LONGEST_WAIT_MS: i64 = 2 * 24 * 60 * 60 * 1000;

/// The tables in which something waits for its time, the column that says when, and which of the rows wait.
const WAITING: [(&str, &str, &str); 8] = [
    ("rereads", "due_at", "NOT parked"),
    ("unfiled", "next_at", "NOT parked"),
    ("media", "due_at", "state = 'wanted'"),
    ("outgoing", "next_try_at", "is_open"),
    ("push_waiting", "next_at", "true"),
    ("object_copies", "due_at", "true"),
    ("object_copies", "not_before", "due_at IS NOT NULL"),
    ("responder_turns", "due_at", "true"),
];

impl Journal {
    /// Makes due now what is due later than anything can be. Gives back how many rows that were.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn bring_back_from_far_ahead(&self) -> Result<usize, JournalError> {
        let now_ms = self.clock().now_ms();
        // Nearly always there is none, and nobody's delivery waits for a look.
        if !self.read(move |connection| is_any_far_ahead(connection, now_ms)).await? {
            return Ok(0);
        }
        self.write(move |connection| bring_back(connection, now_ms)).await
    }
}

fn is_any_far_ahead(connection: &Connection, now_ms: i64) -> rusqlite::Result<bool> {
    for (table, column, waits) in WAITING {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {column} > ?1 AND {waits})");
        if connection.prepare_cached(&sql)?.query_row([now_ms + LONGEST_WAIT_MS], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn bring_back(connection: &Connection, now_ms: i64) -> rusqlite::Result<usize> {
    let mut changed = 0;
    for (table, column, waits) in WAITING {
        changed += connection.execute(
            &format!("UPDATE {table} SET {column} = ?2 WHERE {column} > ?1 AND {waits}"),
            params![now_ms + LONGEST_WAIT_MS, now_ms],
        )?;
    }
    Ok(changed)
}
