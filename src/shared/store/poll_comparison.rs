//! What a poll of conversations was shown, beside what webhooks brought of the same time: what a merchant's report says.

use rusqlite::{Connection, OptionalExtension, params};

use super::reports::PollReport;
use crate::shared::journal::DedupeKey;

/// Compares what a poll was shown of one conversation with what webhooks brought of it. `keys`: oldest first.
pub(super) fn compare(
    connection: &Connection,
    (channel, account): (&str, &str),
    keys: &[(DedupeKey, i64)],
    new: &[bool],
    (first_seq, last_seq): (i64, i64),
    report: &mut PollReport,
) -> rusqlite::Result<()> {
    let mut see = connection.prepare_cached("INSERT OR IGNORE INTO walk_messages VALUES (?1, ?2, ?3)")?;
    let mut find =
        connection.prepare_cached("SELECT seq FROM events WHERE dedupe = ?1 AND source IN ('webhook', 'standby')")?;
    let mut latest = 0;
    for ((key, _), new) in keys.iter().zip(new) {
        if see.execute(params![channel, account, key.as_bytes()])? == 0 {
            continue;
        }
        if *new {
            report.only_poll += 1;
            continue;
        }
        let Some(seq) = find.query_row([key.as_bytes()], |row| row.get::<_, i64>(0)).optional()? else { continue };
        // What came before was reported on by the last poll; what comes now is left to the next one.
        if seq > first_seq && seq <= last_seq {
            report.seen_by_both += 1;
            report.reordered += i64::from(seq < latest);
        }
        latest = latest.max(seq);
    }
    Ok(())
}

/// Keeps which time of a conversation a poll was shown. `updated_at`: when it last changed, as the list says. `keys`: oldest
/// first.
pub(super) fn note_shown(
    connection: &Connection,
    (channel, account): (&str, &str),
    (conversation, updated_at): (&str, Option<i64>),
    keys: &[(DedupeKey, i64)],
) -> rusqlite::Result<()> {
    let (Some((_, oldest)), Some((_, newest))) = (keys.first(), keys.last()) else { return Ok(()) };
    let newest = updated_at.unwrap_or(*newest);
    connection
        .prepare_cached(
            "INSERT INTO walk_conversations (channel, account, conversation, shown_from, shown_to)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET shown_to = max(shown_to, excluded.shown_to)",
        )?
        // Platforms may tell whole seconds.
        .execute(params![channel, account, conversation, oldest, newest + 999])
        .map(drop)
}

/// How many events webhooks brought between these that the poll should have been shown, and was not: what happened while its
/// window was open.
pub(super) fn not_shown(
    connection: &Connection,
    (channel, account): (&str, &str),
    (first_seq, last_seq): (i64, i64),
    (from, to): (Option<i64>, Option<i64>),
    shown_kinds: &[&str],
) -> rusqlite::Result<i64> {
    let kinds = serde_json::Value::from(shown_kinds).to_string();
    connection.query_row(
        "SELECT count(*) FROM events e
         LEFT JOIN walk_conversations c
                ON c.channel = ?1 AND c.account = ?2 AND c.conversation = e.conversation
         WHERE e.seq > ?3 AND e.seq <= ?4 AND e.channel = ?1 AND e.account = ?2 AND e.conversation IS NOT NULL
           AND e.apart IS NULL AND e.source IN ('webhook', 'standby') AND e.kind IN (SELECT value FROM json_each(?7))
           AND e.occurred_at BETWEEN max(coalesce(c.shown_from, ?5), ?5) AND coalesce(c.shown_to, ?6)
           AND NOT EXISTS (SELECT 1 FROM walk_messages m
                           WHERE m.channel = ?1 AND m.account = ?2 AND m.dedupe = e.dedupe)",
        params![
            channel,
            account,
            first_seq,
            last_seq,
            from.unwrap_or(i64::MIN),
            to.map_or(i64::MIN, |to| to + 999),
            kinds
        ],
        |row| row.get(0),
    )
}
