//! Messages that wait a moment for more of the same person, so that a bot answers once what was said in three pieces.

use rusqlite::{Connection, OptionalExtension, params};

use super::item::ItemKind;
use super::numbering::{NewItem, number};
use crate::shared::journal::Conversation;

/// A person who never stops writing is heard after so long, in milliseconds.
const LONGEST_MS: i64 = 15_000;

/// Lets a message wait. `received_at`: in milliseconds since 1970.
pub(super) fn hold(
    connection: &Connection,
    merchant: &str,
    conversation: &Conversation,
    seq: i64,
    received_at: i64,
) -> rusqlite::Result<()> {
    let Conversation { channel, account, person } = conversation;
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO feed_held (seq, merchant, channel, account, conversation, held_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![seq, merchant, channel, account, person, received_at])
        .map(drop)
}

/// Numbers the messages of this person that wait.
pub(super) fn release_of(connection: &Connection, conversation: &Conversation, now_ms: i64) -> rusqlite::Result<()> {
    let Conversation { channel, account, person } = conversation;
    let held: Vec<(i64, String)> = connection
        .prepare_cached(
            "SELECT seq, merchant FROM feed_held WHERE channel = ?1 AND account = ?2 AND conversation = ?3 ORDER BY seq",
        )?
        .query_map([channel, account, person], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (seq, merchant) in held {
        connection.prepare_cached("DELETE FROM feed_held WHERE seq = ?1")?.execute([seq])?;
        let event: Option<(Vec<u8>, i64, i64)> = connection
            .prepare_cached("SELECT dedupe, occurred_at, received_at FROM events WHERE seq = ?1 AND conversation = ?2")?
            .query_row(params![seq, person], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        // What was erased meanwhile was never told.
        let Some((key, at, received_at)) = event else { continue };
        let item = NewItem {
            merchant: &merchant,
            kind: ItemKind::Message,
            channel,
            account,
            person: Some(person),
            seq: Some(seq),
            key: Some(&key),
            at,
            received_at,
            content: None,
        };
        number(connection, &item, now_ms)?;
    }
    Ok(())
}

const DUE_AT: &str = "min(max(held_at) + ?1, min(held_at) + ?2)";

/// When the next messages have waited long enough, in milliseconds since 1970; `None`: none wait.
pub(super) fn next_due(connection: &Connection, settle_ms: i64) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(&format!(
            "SELECT min(due_at) FROM
                (SELECT {DUE_AT} AS due_at FROM feed_held GROUP BY channel, account, conversation)"
        ))?
        .query_row([settle_ms, LONGEST_MS], |row| row.get(0))
}

/// Numbers the messages that have waited long enough.
pub(super) fn release_due(connection: &Connection, settle_ms: i64, now_ms: i64) -> rusqlite::Result<()> {
    let due: Vec<Conversation> = connection
        .prepare_cached(&format!(
            "SELECT channel, account, conversation FROM feed_held GROUP BY channel, account, conversation
             HAVING {DUE_AT} <= ?3 ORDER BY min(seq)"
        ))?
        .query_map([settle_ms, LONGEST_MS, now_ms], |row| {
            Ok(Conversation { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? })
        })?
        .collect::<rusqlite::Result<_>>()?;
    due.iter().try_for_each(|conversation| release_of(connection, conversation, now_ms))
}
