//! What events tell of messages that were sent: echoes, receipts, and that a person has taken over.

use rusqlite::{Connection, OptionalExtension, params};

use super::changes::{fail_rest, set_sent, tell};
use super::ids::{find_place, keep_common_id};
use super::rows::Author;
use crate::shared::channel::dialogue::{Part, PartContent, Reason};
use crate::shared::channel::meaning::{Origin, Receipt, Receiving, WentOut};
use crate::shared::journal::{Conversation, DedupeKey, make_file_anew};
use crate::shared::text_fold::is_same_text;

/// The place of a part: its message's number, and its own.
type Place = (i64, i64);

/// In the place of a message's id: the receipt is about everything up to its time.
const UP_TO_A_TIME: &str = "";

/// One thing that a receipt says.
struct Told<'a> {
    what: Receiving,
    id: &'a str,
    at: i64,
    failure: Option<&'a (String, Reason)>,
    billing: Option<&'a serde_json::Value>,
    tells_of_unknown: bool,
}

/// Whose an echo is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shared) enum Shown {
    /// A part of ours, by this author.
    Ours(Author),
    /// Something else.
    Other,
    /// It may be a part of ours whose call is under way, or of which nobody knows whether it was sent.
    Undecided,
}

/// Something went out: if it is a part of ours, that is now known to be sent, and its copy stands in the journal. What is
/// ours counts as an answer by its own row and not by its echo, which may come after the next question.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn note_echo(
    connection: &Connection,
    conversation: &Conversation,
    echo: &WentOut,
    occurred_at: i64,
    now_ms: i64,
) -> rusqlite::Result<Shown> {
    let (number, n) = match find_part(connection, conversation, echo)? {
        Found::Part(place) => place,
        Found::Several => return Ok(Shown::Undecided),
        Found::Nothing => return Ok(Shown::Other),
    };
    let is_news = set_sent(connection, (number, n), echo.platform_id.as_deref(), occurred_at)?;
    keep_common_id(connection, (number, n), echo.common_id.as_deref())?;
    connection
        .prepare_cached("UPDATE outgoing_parts SET echoed = 1, sent_at = ?3 WHERE message = ?1 AND n = ?2")?
        .execute(params![number, n, occurred_at])?;
    if cover_by_receipts(connection, number, n)? || is_news {
        tell(connection, number, now_ms)?;
    }
    // The copy may have been made while the failure came.
    show_copy(connection, number, n)?;
    connection
        .prepare_cached("SELECT author FROM outgoing WHERE number = ?1")?
        .query_row([number], |row| Ok(if row.get_ref(0)?.as_str()? == "human" { Author::Human } else { Author::Bot }))
        .optional()
        .map(|author| author.map_or(Shown::Other, Shown::Ours))
}

/// What an echo fits.
enum Found {
    Nothing,
    Part(Place),
    /// Parts of unknown fate, none of them for certain.
    Several,
}

/// Our part that an echo shows: by the mark, by the platform's ids, or as the only one that may be it.
fn find_part(connection: &Connection, of: &Conversation, echo: &WentOut) -> rusqlite::Result<Found> {
    if let Some(found) = find_marked(connection, of, echo.mark.as_deref())? {
        return Ok(Found::Part(found));
    }
    if let Some(id) = &echo.platform_id
        && let Some(found) = find_place(connection, of, id, echo.common_id.as_deref())?
    {
        return Ok(Found::Part(found));
    }
    if !matches!(echo.from, Origin::Untold | Origin::Us) {
        return Ok(Found::Nothing);
    }
    // A copy that was read back tells neither the app nor our mark.
    let open = list_like(connection, of, echo.text.as_deref())?;
    Ok(match (open.as_slice(), &echo.text) {
        ([], _) => Found::Nothing,
        ([only], Some(_)) => Found::Part(*only),
        // Which picture it is tells its id alone, and that comes with the answer of the call.
        _ => Found::Several,
    })
}

/// The part that carries this mark.
fn find_marked(connection: &Connection, of: &Conversation, mark: Option<&str>) -> rusqlite::Result<Option<Place>> {
    let Some((id, n)) = mark.and_then(|mark| mark.rsplit_once(':')) else { return Ok(None) };
    connection
        .prepare_cached(
            "SELECT p.message, p.n FROM outgoing AS o JOIN outgoing_parts AS p ON p.message = o.number
             WHERE o.id = ?1 AND p.n = ?2 AND o.channel = ?3 AND o.account = ?4 AND o.conversation = ?5",
        )?
        .query_row(params![id, n.parse::<i64>().unwrap_or(0), of.channel, of.account, of.person], place)
        .optional()
}

fn place(row: &rusqlite::Row<'_>) -> rusqlite::Result<Place> {
    Ok((row.get(0)?, row.get(1)?))
}

/// The parts with this text, or with none, of which nobody knows whether they were sent, or whose call is under way.
fn list_like(connection: &Connection, of: &Conversation, text: Option<&str>) -> rusqlite::Result<Vec<Place>> {
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
        let Some(part) = part else { continue };
        let is_it = match (&part.content, text) {
            (PartContent::Text { text }, Some(shown)) => is_same_text(text, shown),
            (PartContent::Text { .. }, None) | (_, Some(_)) => false,
            (_, None) => true,
        };
        if is_it {
            found.push(place(row)?);
        }
    }
    Ok(found)
}

/// The platform tells what became of what was sent. What is not known yet is kept until it is.
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
    prove_sent(connection, of, receipt, occurred_at, now_ms)?;
    keep(connection, of, receipt, occurred_at, now_ms)?;
    if let (Receiving::Read, None, Some(id)) = (receipt.what, receipt.until, receipt.messages.first()) {
        read_all_before(connection, of, id, now_ms)?;
    }
    let parts: Vec<Place> = connection
        .prepare_cached(
            "SELECT p.message, p.n FROM outgoing AS o JOIN outgoing_parts AS p ON p.message = o.number
             WHERE o.channel = ?1 AND o.account = ?2 AND o.conversation = ?3
               AND (p.state IN ('sent', 'delivered')
                    OR (p.platform_id IN (SELECT value FROM json_each(?4)) AND p.state IN ('read', 'failed')))
             ORDER BY p.message, p.n",
        )?
        .query_map(params![of.channel, of.account, of.person, serde_json::json!(receipt.messages).to_string()], place)?
        .collect::<rusqlite::Result<_>>()?;
    for (number, n) in parts {
        let is_billed = take_details(connection, number, n)?;
        if cover_by_receipts(connection, number, n)? || is_billed {
            tell(connection, number, now_ms)?;
        }
    }
    Ok(())
}

/// A receipt tells of a part of which nobody knew: so it was sent.
fn prove_sent(
    connection: &Connection,
    of: &Conversation,
    receipt: &Receipt,
    occurred_at: i64,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let marked = find_marked(connection, of, receipt.mark.as_deref())?;
    let found = match (marked, receipt.messages.as_slice()) {
        (None, [id]) if receipt.tells_of_unknown => find_only_unreported(connection, of, id)?,
        (marked, _) => marked,
    };
    let Some((number, n)) = found else { return Ok(()) };
    if set_sent(connection, (number, n), receipt.messages.first().map(String::as_str), occurred_at)? {
        tell(connection, number, now_ms)?;
    }
    Ok(())
}

/// The one part of unknown fate, if this id is that of no part of ours, and of nothing that the person said.
fn find_only_unreported(connection: &Connection, of: &Conversation, id: &str) -> rusqlite::Result<Option<Place>> {
    if was_said(connection, of, id)? {
        return Ok(None);
    }
    let mut open: Vec<Place> = connection
        .prepare_cached(
            "SELECT p.message, p.n FROM outgoing AS o JOIN outgoing_parts AS p ON p.message = o.number
             WHERE o.channel = ?1 AND o.account = ?2 AND o.conversation = ?3
               AND (p.state = 'unknown' OR p.called_at IS NOT NULL
                    OR (p.state = 'failed' AND p.reason = 'unresolved' AND p.platform_id IS NULL))
               AND NOT EXISTS (SELECT 1 FROM outgoing_parts AS known JOIN outgoing AS message ON message.number = known.message
                               WHERE known.platform_id = ?4 AND message.channel = ?1 AND message.account = ?2)",
        )?
        .query_map(params![of.channel, of.account, of.person, id], place)?
        .collect::<rusqlite::Result<_>>()?;
    let Some((number, n)) = open.pop().filter(|_| open.is_empty()) else { return Ok(None) };
    // A call that is under way brings its own answer.
    let is_under_way = connection
        .prepare_cached(
            "SELECT 1 FROM outgoing_parts WHERE message = ?1 AND n = ?2 AND state <> 'unknown' AND called_at IS NOT NULL",
        )?
        .exists([number, n])?;
    Ok((!is_under_way).then_some((number, n)))
}

/// Whether the person said what has this id, as far as it is in the journal: a receipt that is told before the message itself still
/// passes for one of ours.
fn was_said(connection: &Connection, of: &Conversation, id: &str) -> rusqlite::Result<bool> {
    let name = DedupeKey::of_said(&of.channel, &of.account, id);
    connection.prepare_cached("SELECT 1 FROM events WHERE name = ?1")?.exists([name.as_bytes()])
}

/// Nobody knows what became of a part since its call was cut off, and it is the only one of its person: a receipt of a message
/// that nobody knew by its id, and that came since the call began, is about it.
///
/// # Errors
/// When the database fails.
pub(super) fn prove_by_kept_receipt(
    connection: &Connection,
    of: &Conversation,
    (number, n): Place,
    called_at: i64,
) -> rusqlite::Result<()> {
    let kept: Vec<String> = connection
        .prepare_cached(
            "SELECT DISTINCT platform_id FROM outgoing_receipts AS r
             WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND tells_of_unknown AND kept_at >= ?4
               AND platform_id <> ''
               AND NOT EXISTS (SELECT 1 FROM outgoing_parts AS known JOIN outgoing AS o ON o.number = known.message
                               WHERE known.platform_id = r.platform_id AND o.channel = ?1 AND o.account = ?2)",
        )?
        .query_map(params![of.channel, of.account, of.person, called_at], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut unknown = Vec::new();
    for id in kept {
        if !was_said(connection, of, &id)? {
            unknown.push(id);
        }
    }
    let Some(id) = unknown.pop().filter(|_| unknown.is_empty()) else { return Ok(()) };
    if find_only_unreported(connection, of, &id)? != Some((number, n)) {
        return Ok(());
    }
    set_sent(connection, (number, n), Some(&id), called_at)?;
    take_details(connection, number, n)?;
    cover_by_receipts(connection, number, n).map(drop)
}

/// Keeps what a receipt says, also of messages that are not known yet.
fn keep(
    connection: &Connection,
    of: &Conversation,
    receipt: &Receipt,
    occurred_at: i64,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let Receipt { what, failure, billing, tells_of_unknown, .. } = receipt;
    let (failure, billing, tells_of_unknown) = (failure.as_ref(), billing.as_ref(), *tells_of_unknown);
    let told = |id, at| Told { what: *what, id, at, failure, billing, tells_of_unknown };
    let until = receipt.until.map(|at| Told { billing: None, ..told(UP_TO_A_TIME, at) });
    let named = receipt.messages.iter().map(|id| told(id, occurred_at));
    for told in until.into_iter().chain(named) {
        keep_one(connection, of, &told, now_ms)?;
    }
    Ok(())
}

fn keep_one(connection: &Connection, of: &Conversation, told: &Told<'_>, now_ms: i64) -> rusqlite::Result<()> {
    let Told { what, id, at, failure, billing, tells_of_unknown } = told;
    let (code, reason) = failure.map(|(code, reason)| (code.as_str(), reason.as_str())).unzip();
    let billing = billing.map(ToString::to_string);
    connection
        .prepare_cached(
            "INSERT INTO outgoing_receipts
                 (channel, account, conversation, what, platform_id, at, kept_at, reason, code, billing, tells_of_unknown)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT DO UPDATE SET at = max(at, excluded.at), kept_at = excluded.kept_at,
                                       billing = coalesce(excluded.billing, billing)",
        )?
        .execute(params![
            of.channel,
            of.account,
            of.person,
            word_of(*what),
            id,
            at,
            now_ms,
            reason,
            code,
            billing,
            tells_of_unknown
        ])
        .map(drop)
}

/// Takes over what receipts of a part say besides its state: its costs, and that it was sent sooner than the answer of the
/// call came. Gives whether they tell of other costs than before.
///
/// # Errors
/// When the database fails.
pub(super) fn take_details(connection: &Connection, number: i64, n: i64) -> rusqlite::Result<bool> {
    let (sooner, billing): (Option<i64>, Option<String>) = connection
        .prepare_cached(
            "SELECT min(r.at), max(r.billing) FILTER (WHERE r.billing IS NOT p.billing)
             FROM outgoing_parts AS p JOIN outgoing AS o ON o.number = p.message
             JOIN outgoing_receipts AS r
               ON r.channel = o.channel AND r.account = o.account AND r.conversation = o.conversation
              AND r.what IN ('sent', 'delivered', 'read') AND r.platform_id = p.platform_id
             WHERE p.message = ?1 AND p.n = ?2",
        )?
        .query_row([number, n], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if sooner.is_none() && billing.is_none() {
        return Ok(false);
    }
    connection
        .prepare_cached(
            "UPDATE outgoing_parts SET sent_at = min(sent_at, coalesce(?3, sent_at)), billing = coalesce(?4, billing)
             WHERE message = ?1 AND n = ?2",
        )?
        .execute(params![number, n, sooner, billing])?;
    Ok(billing.is_some())
}

/// Where the platform names the message that was read, all before it were, too.
fn read_all_before(connection: &Connection, of: &Conversation, id: &str, now_ms: i64) -> rusqlite::Result<()> {
    let sent_at: Option<i64> = connection
        .prepare_cached(
            "SELECT p.sent_at FROM outgoing_parts AS p JOIN outgoing AS o ON o.number = p.message
             WHERE p.platform_id = ?1 AND o.channel = ?2 AND o.account = ?3 AND o.conversation = ?4",
        )?
        .query_row([id, &of.channel, &of.account, &of.person], |row| row.get(0))
        .optional()?
        .flatten();
    let Some(until) = sent_at else { return Ok(()) };
    let (what, id, tells_of_unknown) = (Receiving::Read, UP_TO_A_TIME, false);
    let told = Told { what, id, at: until, failure: None, billing: None, tells_of_unknown };
    keep_one(connection, of, &told, now_ms)
}

fn word_of(what: Receiving) -> &'static str {
    match what {
        Receiving::Sent => "sent",
        Receiving::Failed => "failed",
        Receiving::Delivered => "delivered",
        Receiving::Read => "read",
    }
}

/// Moves a part that was sent on to what receipts say of it. Gives whether that changed it. What was read stays read; of
/// a delivery and a failure the later one holds, because another device may have taken the message.
///
/// # Errors
/// When the database fails.
pub(super) fn cover_by_receipts(connection: &Connection, number: i64, n: i64) -> rusqlite::Result<bool> {
    let mut find = connection.prepare_cached(
        "SELECT r.what, max(r.at) FROM outgoing_parts AS p JOIN outgoing AS o ON o.number = p.message
             JOIN outgoing_receipts AS r
               ON r.channel = o.channel AND r.account = o.account AND r.conversation = o.conversation
                  AND r.what IN ('delivered', 'read', 'failed')
         WHERE p.message = ?1 AND p.n = ?2
           AND (r.platform_id = p.platform_id OR (r.platform_id = '' AND r.at >= p.sent_at))
         GROUP BY r.what",
    )?;
    let (mut delivered, mut read, mut failed) = (None, None, None);
    let mut rows = find.query([number, n])?;
    while let Some(row) = rows.next()? {
        let at: Option<i64> = row.get(1)?;
        match row.get_ref(0)?.as_str()? {
            "delivered" => delivered = at,
            "read" => read = at,
            "failed" => failed = at,
            _ => {}
        }
    }
    if delivered.is_none() && read.is_none() && failed.is_none() {
        return Ok(false);
    }
    if read.is_none() && failed.is_some() && failed > delivered {
        return fail_late(connection, number, n);
    }
    let changed = connection
        .prepare_cached(
            "UPDATE outgoing_parts SET
                 delivered_at = coalesce(delivered_at, ?3), read_at = coalesce(read_at, ?4),
                 state = CASE WHEN ?4 IS NOT NULL THEN 'read' ELSE 'delivered' END, reason = NULL, code = NULL
             WHERE message = ?1 AND n = ?2 AND (?3 IS NOT NULL OR ?4 IS NOT NULL)
               AND (state = 'sent' OR (state = 'delivered' AND ?4 IS NOT NULL) OR (state = 'failed' AND sent_at IS NOT NULL))",
        )?
        .execute(params![number, n, delivered, read])?;
    if changed == 1 {
        show_copy(connection, number, n)?;
    }
    Ok(changed == 1)
}

/// What was sent did not reach the person, as the platform tells late; what waits behind it is not sent.
fn fail_late(connection: &Connection, number: i64, n: i64) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE outgoing_parts SET state = 'failed', (reason, code) =
                 (SELECT coalesce(r.reason, 'refused'), r.code FROM outgoing AS o JOIN outgoing_receipts AS r
                    ON r.channel = o.channel AND r.account = o.account AND r.conversation = o.conversation
                  WHERE o.number = message AND r.what = 'failed' AND r.platform_id = outgoing_parts.platform_id)
             WHERE message = ?1 AND n = ?2 AND state IN ('sent', 'delivered')",
        )?
        .execute([number, n])?;
    if changed == 1 {
        show_copy(connection, number, n)?;
        fail_rest(connection, number, Reason::Stopped)?;
    }
    Ok(changed == 1)
}

/// Our own copy of a part stands in its conversation as long as the part has not failed.
fn show_copy(connection: &Connection, number: i64, n: i64) -> rusqlite::Result<()> {
    let found: Option<(Conversation, String, bool)> = connection
        .prepare_cached(
            "SELECT o.channel, o.account, o.conversation, p.platform_id, p.state <> 'failed'
             FROM outgoing_parts AS p JOIN outgoing AS o ON o.number = p.message
             WHERE p.message = ?1 AND p.n = ?2 AND p.platform_id IS NOT NULL",
        )?
        .query_row([number, n], |row| {
            let of = Conversation { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? };
            Ok((of, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    let Some((of, id, is_shown)) = found else { return Ok(()) };
    let name = DedupeKey::of_own_copy(&of.channel, &of.account, &id);
    let changed = connection
        .prepare_cached("UPDATE events SET entry = ?2, opens = ?2 WHERE name = ?1 AND entry <> ?2")?
        .execute(params![name.as_bytes(), is_shown])?;
    if changed > 0 {
        make_file_anew(connection, &of)?;
    }
    Ok(())
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
