//! What follows from every change of a message: whether anything is still to be done with it, and that its merchant's bots
//! are told.

use rusqlite::{Connection, params};

use super::rows::{self, Outgoing};
use crate::shared::channel::dialogue::Reason;
use crate::shared::journal::{Conversation, take_reports};
use crate::shared::store::feed::doubtful::release_doubtful;
use crate::shared::store::feed::insert::insert_item;
use crate::shared::store::feed::item::ItemKind;
use crate::shared::store::feed::numbering::NewItem;

/// A message has changed: notes whether it is still open, and tells it in the feed. Gives it as it is now.
///
/// # Errors
/// When the database fails.
pub(super) fn tell(connection: &Connection, number: i64, now_ms: i64) -> rusqlite::Result<Option<Outgoing>> {
    connection
        .prepare_cached(
            "WITH now(is_open) AS
                 (SELECT EXISTS (SELECT 1 FROM outgoing_parts WHERE message = ?1 AND state IN ('accepted', 'unknown')))
             UPDATE outgoing SET is_open = now.is_open, next_try_at = iif(now.is_open, next_try_at, NULL)
             FROM now WHERE number = ?1",
        )?
        .execute([number])?;
    let Some(message) = rows::find(connection, number)? else { return Ok(None) };
    let of = &message.conversation;
    release_doubtful(connection, of)?;
    let item = NewItem {
        merchant: &message.merchant,
        kind: ItemKind::Status,
        channel: &of.channel,
        account: &of.account,
        person: Some(&of.person),
        seq: None,
        key: None,
        at: now_ms,
        received_at: now_ms,
        content: Some(message.to_json().to_string()),
    };
    insert_item(connection, &item, now_ms)?;
    Ok(Some(message))
}

/// The first part that was not called fails for this reason, and those behind it are stopped. What a person takes back is
/// taken back whole.
///
/// # Errors
/// When the database fails.
pub(super) fn fail_rest(connection: &Connection, number: i64, reason: Reason) -> rusqlite::Result<()> {
    let behind = if reason == Reason::TakenBack { reason } else { Reason::Stopped };
    connection
        .prepare_cached(
            "UPDATE outgoing_parts SET state = 'failed', reason = CASE
                 WHEN n = (SELECT min(n) FROM outgoing_parts WHERE message = ?1 AND state = 'accepted'
                            AND called_at IS NULL) THEN ?2 ELSE ?3 END
             WHERE message = ?1 AND state = 'accepted' AND called_at IS NULL",
        )?
        .execute(params![number, reason.as_str(), behind.as_str()])
        .map(drop)
}

/// What was not called yet of a message is taken back, and that is told.
///
/// # Errors
/// When the database fails.
pub(in crate::shared::store) fn take_back(connection: &Connection, number: i64, now_ms: i64) -> rusqlite::Result<()> {
    fail_rest(connection, number, Reason::TakenBack)?;
    tell(connection, number, now_ms).map(drop)
}

/// A part was sent. An echo may have said so before the answer of the call: then only what is missing is added.
pub(super) fn set_sent(
    connection: &Connection,
    (number, n): (i64, i64),
    platform_id: Option<&str>,
    sent_at: i64,
) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE outgoing_parts SET
                 sent_at = coalesce(sent_at, ?4), platform_id = coalesce(platform_id, ?3),
                 state = 'sent', called_at = NULL, unknown_at = NULL, reason = NULL, code = NULL
             WHERE message = ?1 AND n = ?2
               AND (state IN ('accepted', 'unknown') OR (state = 'failed' AND reason = 'unresolved'))",
        )?
        .execute(params![number, n, platform_id, sent_at])?;
    if changed == 0 {
        connection
            .prepare_cached(
                "UPDATE outgoing_parts SET platform_id = coalesce(platform_id, ?3), called_at = NULL
                 WHERE message = ?1 AND n = ?2",
            )?
            .execute(params![number, n, platform_id])?;
    }
    if let Some(id) = platform_id {
        take_reports(connection, &conversation_of(connection, number)?, id)?;
    }
    Ok(changed == 1)
}

/// To whom a message goes.
///
/// # Errors
/// When the database fails.
pub(super) fn conversation_of(connection: &Connection, number: i64) -> rusqlite::Result<Conversation> {
    connection
        .prepare_cached("SELECT channel, account, conversation FROM outgoing WHERE number = ?1")?
        .query_row([number], |row| Ok(Conversation { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? }))
}
