//! What events tell of messages that were sent: echoes, receipts, and that a person has taken over.

use rusqlite::{Connection, OptionalExtension, params};

use super::changes::{fail_rest, tell};
use super::progress::set_sent;
use super::rows::Author;
use crate::shared::channel::dialogue::{Part, PartContent, Reason};
use crate::shared::channel::meaning::{Origin, Receipt, Receiving, WentOut};
use crate::shared::journal::Conversation;

/// The place of a part: its message's number, and its own.
type Place = (i64, i64);

/// Something went out: if it is a part of ours, that is now known to be sent, and its copy stands in the journal. Gives
/// its author then; `None`: it is not ours. What is ours counts as an answer by its own row and not by its echo, which may
/// come after the next question.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn note_echo(
    connection: &Connection,
    conversation: &Conversation,
    echo: &WentOut,
    occurred_at: i64,
    now_ms: i64,
) -> rusqlite::Result<Option<Author>> {
    let Some((number, n)) = find_part(connection, conversation, echo)? else { return Ok(None) };
    let is_news = set_sent(connection, (number, n), echo.platform_id.as_deref(), occurred_at)?;
    connection
        .prepare_cached("UPDATE outgoing_parts SET echoed = 1, sent_at = ?3 WHERE message = ?1 AND n = ?2")?
        .execute(params![number, n, occurred_at])?;
    if cover_by_receipts(connection, number, n)? || is_news {
        tell(connection, number, now_ms)?;
    }
    connection
        .prepare_cached("SELECT author FROM outgoing WHERE number = ?1")?
        .query_row([number], |row| Ok(if row.get_ref(0)?.as_str()? == "human" { Author::Human } else { Author::Bot }))
        .optional()
}

/// Our part that an echo shows: by the mark, by the platform's id, or as the only one that may be it.
fn find_part(connection: &Connection, of: &Conversation, echo: &WentOut) -> rusqlite::Result<Option<Place>> {
    let marked = echo.mark.as_deref().and_then(|mark| mark.rsplit_once(':'));
    if let Some((id, n)) = marked {
        let found = connection
            .prepare_cached(
                "SELECT p.message, p.n FROM outgoing AS o JOIN outgoing_parts AS p ON p.message = o.number
                 WHERE o.id = ?1 AND p.n = ?2 AND o.channel = ?3 AND o.account = ?4 AND o.conversation = ?5",
            )?
            .query_row(params![id, n.parse::<i64>().unwrap_or(0), of.channel, of.account, of.person], place)
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    if let Some(id) = &echo.platform_id {
        let found = connection
            .prepare_cached(
                "SELECT p.message, p.n FROM outgoing_parts AS p JOIN outgoing AS o ON o.number = p.message
                 WHERE p.platform_id = ?1 AND o.channel = ?2 AND o.account = ?3 AND o.conversation = ?4",
            )?
            .query_row(params![id, of.channel, of.account, of.person], place)
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    match (&echo.from, &echo.text) {
        // A copy that was read back tells neither the app nor our mark.
        (Origin::Untold | Origin::Us, Some(text)) => find_only_unknown(connection, of, text),
        _ => Ok(None),
    }
}

fn place(row: &rusqlite::Row<'_>) -> rusqlite::Result<Place> {
    Ok((row.get(0)?, row.get(1)?))
}

/// The one part with this text of which nobody knows whether it was sent, or whose call is under way.
fn find_only_unknown(connection: &Connection, of: &Conversation, text: &str) -> rusqlite::Result<Option<Place>> {
    let mut find = connection.prepare_cached(
        "SELECT p.message, p.n, p.content FROM outgoing AS o JOIN outgoing_parts AS p ON p.message = o.number
         WHERE o.is_open AND o.channel = ?1 AND o.account = ?2 AND o.conversation = ?3
           AND (p.state = 'unknown' OR p.called_at IS NOT NULL)",
    )?;
    let mut rows = find.query([&of.channel, &of.account, &of.person])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let content: Option<String> = row.get(2)?;
        let part: Option<Part> = content.and_then(|content| serde_json::from_str(&content).ok());
        if let Some(Part { content: PartContent::Text { text: own }, .. }) = part
            && own == text
        {
            found.push(place(row)?);
        }
    }
    Ok(if found.len() == 1 { found.pop() } else { None })
}

/// What was sent has reached the person, or was read. What is not known yet is kept until it is.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn note_receipt(
    connection: &Connection,
    of: &Conversation,
    receipt: &Receipt,
    occurred_at: i64,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let mut keep = connection.prepare_cached(
        "INSERT INTO outgoing_receipts (channel, account, conversation, what, platform_id, at, kept_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET at = max(at, excluded.at), kept_at = excluded.kept_at",
    )?;
    let what = word_of(receipt.what);
    if let Some(until) = receipt.until {
        keep.execute(params![of.channel, of.account, of.person, what, "", until, now_ms])?;
    }
    for id in &receipt.messages {
        keep.execute(params![of.channel, of.account, of.person, what, id, occurred_at, now_ms])?;
    }
    if let (Receiving::Read, None, Some(id)) = (receipt.what, receipt.until, receipt.messages.first()) {
        read_all_before(connection, of, id, now_ms)?;
    }
    let parts: Vec<Place> = connection
        .prepare_cached(
            "SELECT p.message, p.n FROM outgoing AS o JOIN outgoing_parts AS p ON p.message = o.number
             WHERE o.channel = ?1 AND o.account = ?2 AND o.conversation = ?3 AND p.state IN ('sent', 'delivered')
             ORDER BY p.message, p.n",
        )?
        .query_map([&of.channel, &of.account, &of.person], place)?
        .collect::<rusqlite::Result<_>>()?;
    for (number, n) in parts {
        if cover_by_receipts(connection, number, n)? {
            tell(connection, number, now_ms)?;
        }
    }
    Ok(())
}

/// Where the platform names the message that was read, all before it were, too.
fn read_all_before(connection: &Connection, of: &Conversation, id: &str, now_ms: i64) -> rusqlite::Result<()> {
    let sent_at: Option<i64> = connection
        .prepare_cached("SELECT sent_at FROM outgoing_parts WHERE platform_id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?
        .flatten();
    let Some(until) = sent_at else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO outgoing_receipts (channel, account, conversation, what, platform_id, at, kept_at)
             VALUES (?1, ?2, ?3, 'read', '', ?4, ?5)
             ON CONFLICT DO UPDATE SET at = max(at, excluded.at), kept_at = excluded.kept_at",
        )?
        .execute(params![of.channel, of.account, of.person, until, now_ms])
        .map(drop)
}

fn word_of(what: Receiving) -> &'static str {
    match what {
        Receiving::Sent => "sent",
        Receiving::Failed => "failed",
        Receiving::Delivered => "delivered",
        Receiving::Read => "read",
    }
}

/// Moves a part that was sent on to what receipts say of it. Gives whether that changed it.
///
/// # Errors
/// When the database fails.
pub(super) fn cover_by_receipts(connection: &Connection, number: i64, n: i64) -> rusqlite::Result<bool> {
    let mut find = connection.prepare_cached(
        "SELECT max(r.at) FROM outgoing_parts AS p JOIN outgoing AS o ON o.number = p.message
             JOIN outgoing_receipts AS r
               ON r.channel = o.channel AND r.account = o.account AND r.conversation = o.conversation AND r.what = ?3
         WHERE p.message = ?1 AND p.n = ?2
           AND (r.platform_id = p.platform_id OR (r.platform_id = '' AND r.at >= p.sent_at))",
    )?;
    let mut at = |what: &str| find.query_row(params![number, n, what], |row| row.get::<_, Option<i64>>(0));
    let (delivered, read) = (at("delivered")?, at("read")?);
    let changed = connection
        .prepare_cached(
            "UPDATE outgoing_parts SET
                 delivered_at = coalesce(delivered_at, ?3), read_at = coalesce(read_at, ?4),
                 state = CASE WHEN ?4 IS NOT NULL THEN 'read' ELSE 'delivered' END
             WHERE message = ?1 AND n = ?2 AND (?3 IS NOT NULL OR ?4 IS NOT NULL)
               AND (state = 'sent' OR (state = 'delivered' AND ?4 IS NOT NULL))",
        )?
        .execute(params![number, n, delivered, read])?;
    Ok(changed == 1)
}

/// Messages of bots that wait for their turn fail: all of a conversation whose parts were not called yet.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn fail_waiting(
    connection: &Connection,
    of: &Conversation,
    reason: Reason,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let waiting: Vec<i64> = connection
        .prepare_cached(
            "SELECT number FROM outgoing
             WHERE is_open AND author = 'bot' AND channel = ?1 AND account = ?2 AND conversation = ?3
               AND EXISTS (SELECT 1 FROM outgoing_parts
                           WHERE message = number AND state = 'accepted' AND called_at IS NULL)",
        )?
        .query_map([&of.channel, &of.account, &of.person], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for message in waiting {
        fail_rest(connection, message, reason)?;
        tell(connection, message, now_ms)?;
    }
    Ok(())
}
