//! Messages whose content is taken back: in their place stands a tombstone, whatever comes first and by whatever road.
//!
//! The content of a message whose event was deleted by age stands in its conversation's file only; the consumer of
//! conversations removes it there.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::{Connection, params};

use super::conversation::Conversation;
use super::event::{DedupeKey, Event};
use super::pruned::find_pruned;

/// What a channel knows of the items that stand in conversation files: how their content is taken back, and which event each
/// was.
#[derive(Clone, Copy)]
pub struct Unsending {
    /// What is left of an item: who said it to whom and when, and its id.
    pub tombstone: fn(&[u8]) -> Vec<u8>,
    /// The event that an item of an account was when it came; `None` where it cannot be told.
    pub event_of: fn(&str, &str) -> Option<Event>,
}

/// By channel.
pub(super) type Unsendings = Arc<RwLock<HashMap<&'static str, Unsending>>>;

pub(super) fn find(unsendings: &Unsendings, channel: &str) -> Option<Unsending> {
    unsendings.read().unwrap_or_else(PoisonError::into_inner).get(channel).copied()
}

/// As [`find`], with the channel's name.
pub(super) fn find_named(unsendings: &Unsendings, channel: &str) -> Option<(&'static str, Unsending)> {
    let known = unsendings.read().unwrap_or_else(PoisonError::into_inner);
    known.get_key_value(channel).map(|(name, unsending)| (*name, *unsending))
}

/// Whether any message was taken back.
pub(super) fn any(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM unsent LIMIT 1")?.exists([])
}

/// What is to be stored of an event of this conversation: its payload, or a tombstone where it was taken back there before it
/// came.
pub(super) fn payload_of(
    connection: &Connection,
    unsendings: &Unsendings,
    event: &Event,
    conversation: Option<&str>,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut find_key = connection.prepare_cached("SELECT 1 FROM unsent WHERE dedupe = ?1 AND conversation IS ?2")?;
    let mut is_unsent = find_key.exists(params![event.key.as_bytes(), conversation])?;
    if let Some(name) = &event.name {
        is_unsent |= find_key.exists(params![name.as_bytes(), conversation])?;
    }
    Ok(find(unsendings, event.channel).filter(|_| is_unsent).map(|unsending| (unsending.tombstone)(&event.payload)))
}

/// Whether the event with this number was taken back by somebody of its conversation with this person.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn is_taken_back(connection: &Connection, seq: i64, person: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM events JOIN unsent ON unsent.dedupe IN (events.dedupe, events.name)
             WHERE events.seq = ?1 AND unsent.conversation = ?2",
        )?
        .exists(params![seq, person])
}

/// Takes back the messages with these keys, and those that have one of them for a name, because of this event. What stands in
/// another conversation stays: people take back what is theirs.
pub(super) fn take_back(
    connection: &Connection,
    unsendings: &Unsendings,
    event: &Event,
    person: &str,
    keys: &[DedupeKey],
) -> rusqlite::Result<()> {
    let Some(unsending) = find(unsendings, event.channel) else { return Ok(()) };
    let of =
        Conversation { channel: event.channel.to_owned(), account: event.account.clone(), person: person.to_owned() };
    // What was deleted by age has left no name: its file is looked through.
    let has_beginning = find_pruned(connection, &of)?.is_some();
    let mut is_filed = false;
    for key in keys {
        // Of another conversation, the payload is none of ours.
        let known: Vec<(i64, Option<Vec<u8>>)> = connection
            .prepare_cached(
                "SELECT seq, iif(conversation IS ?2, payload, NULL) FROM events WHERE dedupe = ?1
                 UNION SELECT seq, iif(conversation IS ?2, payload, NULL) FROM events WHERE name = ?1",
            )?
            .query_map(params![key.as_bytes(), person], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        if !known.is_empty() && known.iter().all(|(_, payload)| payload.is_none()) {
            continue;
        }
        for (seq, payload) in known.iter().filter_map(|(seq, payload)| Some((seq, payload.as_ref()?))) {
            connection
                .prepare_cached("UPDATE events SET payload = ?2 WHERE seq = ?1")?
                .execute(params![seq, (unsending.tombstone)(payload)])?;
            // What the person took back asks nothing any more. What they asked before it is found by whoever takes this event
            // into the feed.
            connection
                .prepare_cached(
                    "UPDATE conversation_states SET said_at = NULL, said_seq = NULL
                     WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND said_seq = ?4",
                )?
                .execute(params![event.channel, event.account, person, seq])?;
        }
        is_filed |= !known.is_empty() || has_beginning;
        // Who takes back what is known to be theirs counts for more than who did before it came.
        connection
            .prepare_cached(
                "INSERT INTO unsent (dedupe, channel, account, conversation, in_file) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET conversation = excluded.conversation, in_file = excluded.in_file WHERE ?6",
            )?
            .execute(params![key.as_bytes(), event.channel, event.account, person, has_beginning, !known.is_empty()])?;
    }
    if is_filed {
        make_file_anew(connection, &of)?;
    }
    Ok(())
}

/// The file of a conversation is made anew, from all its events. This is a request of its own: who makes the file at this
/// moment may have looked before.
pub(in crate::shared) fn make_file_anew(connection: &Connection, of: &Conversation) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO unfiled (channel, account, conversation, next_at, taken_back) VALUES (?1, ?2, ?3, 0, 1)
             ON CONFLICT DO UPDATE SET
                parked = 0, attempts = 0, next_at = 0, generation = generation + 1, taken_back = 1",
        )?
        .execute([&of.channel, &of.account, &of.person])
        .map(drop)
}
