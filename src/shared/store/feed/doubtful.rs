//! Echoes that may be ours: which part of ours one shows is known when its call has ended or it was looked for. Until then they
//! wait, so that no bot is silenced by its own picture.
//!
//! Nothing goes out over a human's head meanwhile: what bots say in that conversation waits until the consumer has taken them.

use rusqlite::{Connection, params};

use crate::shared::journal::Conversation;

/// What waits in a conversation.
pub(super) const WAITING: &str = "SELECT 1
    FROM (SELECT seq FROM feed_released UNION ALL SELECT seq FROM feed_doubtful) CROSS JOIN events AS e USING (seq)
    WHERE e.channel = ?1 AND e.account = ?2 AND e.conversation = ?3 AND e.apart IS NULL";

/// Lets an echo wait.
///
/// # Errors
/// When the database fails.
pub(super) fn wait(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT OR IGNORE INTO feed_doubtful (seq) VALUES (?1)")?.execute([seq]).map(drop)
}

/// The fate of a part of ours in this conversation has changed: what waited is looked at again.
///
/// # Errors
/// When the database fails.
pub(in crate::shared::store) fn release_doubtful(connection: &Connection, of: &Conversation) -> rusqlite::Result<()> {
    if !connection.prepare_cached("SELECT 1 FROM feed_doubtful")?.exists([])? {
        return Ok(());
    }
    let waiting: Vec<i64> = connection
        .prepare_cached(
            "SELECT d.seq FROM feed_doubtful AS d CROSS JOIN events AS e USING (seq)
             WHERE e.channel = ?1 AND e.account = ?2 AND e.conversation = ?3",
        )?
        .query_map(params![of.channel, of.account, of.person], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for seq in waiting {
        connection.prepare_cached("INSERT OR IGNORE INTO feed_released (seq) VALUES (?1)")?.execute([seq])?;
        connection.prepare_cached("DELETE FROM feed_doubtful WHERE seq = ?1")?.execute([seq])?;
    }
    Ok(())
}

/// Whether something waits in this conversation that may say that a human has taken over: bots are silent until it is taken.
///
/// # Errors
/// When the database fails.
pub(in crate::shared::store) fn is_waiting(connection: &Connection, of: &Conversation) -> rusqlite::Result<bool> {
    connection.prepare_cached(WAITING)?.exists([&of.channel, &of.account, &of.person])
}
