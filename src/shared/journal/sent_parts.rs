//! Where reports belong: to the conversation to which their message went, whomever the platform names in them. People have
//! several numbers and ids, and some reports name nobody.
//!
//! The writer asks with every report. One that came before its message's id was known is taken over with that id.

use rusqlite::{Connection, OptionalExtension, params};

use super::conversation::Conversation;
use super::event::{DedupeKey, Effect, Event, SentPart};
use super::person_names::AlsoKnown;
use super::positions::{FEED_CURSOR, cursor_position};

/// The conversation to which this went that an event tells of. `None`: it tells of nothing that is known, or of something
/// that went to whomever the event itself names.
pub(super) fn find<'a>(
    connection: &Connection,
    event: &Event,
    mut names: impl Iterator<Item = &'a AlsoKnown>,
    person: Option<&str>,
) -> rusqlite::Result<Option<String>> {
    let Effect::Receipt { of, .. } = &event.effect else { return Ok(None) };
    let found = match find_marked(connection, event, of)? {
        None => find_by_id(connection, event, of)?,
        marked => marked,
    };
    Ok(found.filter(|found| person != Some(found) && !names.any(|known| known.name == *found)))
}

/// The marks of our calls are `message:part`.
fn find_marked(connection: &Connection, event: &Event, of: &SentPart) -> rusqlite::Result<Option<String>> {
    let Some((message, _)) = of.mark.as_deref().and_then(|mark| mark.rsplit_once(':')) else { return Ok(None) };
    connection
        .prepare_cached("SELECT conversation FROM outgoing WHERE id = ?1 AND channel = ?2 AND account = ?3")?
        .query_row(params![message, event.channel, event.account], |row| row.get(0))
        .optional()
}

fn find_by_id(connection: &Connection, event: &Event, of: &SentPart) -> rusqlite::Result<Option<String>> {
    let found: Vec<String> = connection
        .prepare_cached(
            "SELECT DISTINCT o.conversation FROM outgoing_parts AS p CROSS JOIN outgoing AS o ON o.number = p.message
             WHERE p.platform_id = ?1 AND o.channel = ?2 AND o.account = ?3 LIMIT 2",
        )?
        .query_map(params![of.platform_id, event.channel, event.account], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(<[String; 1]>::try_from(found).ok().map(|[only]| only))
}

/// The platform's id of something that went to this conversation is known from now on: reports of it that came earlier belong
/// there, and those that were set aside flow in.
pub(in crate::shared) fn take_reports(
    connection: &Connection,
    to: &Conversation,
    platform_id: &str,
) -> rusqlite::Result<()> {
    let name = DedupeKey::of_reports(&to.channel, &to.account, platform_id);
    let has_any = connection.prepare_cached("SELECT 1 FROM events WHERE name = ?1")?.exists([name.as_bytes()])?;
    if !has_any {
        // Hardly ever a report comes before the answer of its call.
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO feed_released (seq)
             SELECT seq FROM events WHERE name = ?1 AND conversation IS NULL AND seq <= ?2",
        )?
        .execute(params![name.as_bytes(), cursor_position(connection, FEED_CURSOR)?])?;
    let moved = connection
        .prepare_cached(
            "UPDATE events SET conversation = ?2, apart = iif(conversation IS NULL, NULL, apart)
             WHERE name = ?1 AND conversation IS NOT ?2",
        )?
        .execute(params![name.as_bytes(), to.person])?;
    if moved == 0 {
        // No report stood elsewhere, and so none was counted there.
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE OR REPLACE outgoing_receipts SET conversation = ?3
             WHERE channel = ?1 AND account = ?2 AND platform_id = ?4 AND conversation <> ?3",
        )?
        .execute([&to.channel, &to.account, &to.person, platform_id])
        .map(drop)
}
