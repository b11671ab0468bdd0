//! How far the journal goes and how far its readers are, inside a larger read or write.

use rusqlite::{Connection, OptionalExtension};

/// Up to which event the consumer of conversations has made files.
pub(in crate::shared) const CONVERSATIONS_CURSOR: &str = "consumer:conversations";

/// Up to which event it is written down what is to be read again.
pub(in crate::shared) const READS_CURSOR: &str = "consumer:refresh";

/// Up to which event the conversations that the pages list are counted.
pub(in crate::shared) const OVERVIEW_CURSOR: &str = "consumer:overview";

/// Up to which event it is known how conversations stand, and bots are told.
pub(in crate::shared) const FEED_CURSOR: &str = "consumer:feed";

/// Every consumer's cursor: only what lies behind all of them may be deleted.
pub(in crate::shared) const CONSUMER_CURSORS: [&str; 4] =
    [CONVERSATIONS_CURSOR, READS_CURSOR, OVERVIEW_CURSOR, FEED_CURSOR];

/// Where it is kept up to which event the table `conversation_events` is complete.
pub(super) const IN_ORDER_CURSOR: &str = "consumer:conversations:in_order";

/// Keeps a value under this name, as part of a larger write.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn save_cursor(connection: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO cursors (name, value) VALUES (?1, ?2)")?
        .execute([name, value])
        .map(drop)
}

/// As `Journal::cursor_position`, as part of a larger read or write.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn cursor_position(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    let value: Option<String> = connection
        .prepare_cached("SELECT value FROM cursors WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(value.and_then(|value| value.parse().ok()).unwrap_or(0))
}

/// Up to which event everything is in order.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn in_order_up_to(connection: &Connection) -> rusqlite::Result<i64> {
    cursor_position(connection, IN_ORDER_CURSOR)
}

/// The number of the newest event; 0 where there is none.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn newest_seq(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT coalesce(max(seq), 0) FROM events")?.query_row([], |row| row.get(0))
}
