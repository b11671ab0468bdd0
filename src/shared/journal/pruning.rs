//! Deletes old events in small steps, and keeps their keys, so that a repeat of one still changes nothing. Of accounts that
//! nobody has connected nothing is kept.
//!
//! Of a conversation only the beginning is deleted: the longest run, in order of time, in which every event is old
//! enough. It stands at the beginning of the file, and its length and hash are kept, so that the file can be continued.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::connected_accounts::{ConnectedAccounts, NOT_CONNECTED};
use super::conversation::Conversation;
use super::error::JournalError;
use super::handle::Journal;
use super::positions::CONSUMER_CURSORS;
use super::positions::{cursor_position, newest_seq, save_cursor};
use super::pruned::{Pruned, find_pruned, save_pruned};

/// Up to which event a pass has looked.
const CURSOR: &str = "consumer:retention";

/// The most events that one step looks at, and about the most that it deletes: a write transaction of a few milliseconds,
/// between two groups of deliveries.
const STEP: i64 = 200;

/// What a step has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneStep {
    /// How many events were deleted.
    pub deleted: usize,
    /// Whether the pass is over.
    pub is_last: bool,
}

impl Journal {
    /// Begins a pass through all events.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn begin_pruning(&self) -> Result<(), JournalError> {
        self.save_cursor(CURSOR, "0".to_owned()).await
    }

    /// Looks at the next events that arrived before `before` (milliseconds since 1970) and with which every consumer has
    /// done, and deletes those that may go. `file_of`: what the file of a conversation holds; nothing is deleted that does
    /// not stand there. It runs on the writer's thread.
    ///
    /// # Errors
    /// When the journal cannot be used; then nothing was deleted.
    pub async fn prune(
        &self,
        before: i64,
        file_of: impl Fn(&Conversation) -> Option<Vec<u8>> + Send + 'static,
    ) -> Result<PruneStep, JournalError> {
        let connected = self.connected_accounts().clone();
        self.write(move |connection| step(connection, &connected, &file_of, before)).await
    }
}

fn step(
    connection: &Connection,
    connected: &ConnectedAccounts,
    file_of: &impl Fn(&Conversation) -> Option<Vec<u8>>,
    before: i64,
) -> rusqlite::Result<PruneStep> {
    let cursor = cursor_position(connection, CURSOR)?;
    // An event is deleted only when every consumer has done with it.
    let done = CONSUMER_CURSORS
        .iter()
        .map(|name| cursor_position(connection, name))
        .collect::<rusqlite::Result<Vec<i64>>>()?
        .into_iter()
        .min()
        .unwrap_or(0);
    // The newest event stays: its number must not be given again.
    let newest = newest_seq(connection)?;
    let rows: Vec<(i64, Option<Conversation>, Whose)> = connection
        .prepare_cached(
            "SELECT channel, account, conversation, seq, apart IS ?5, apart IS NOT NULL FROM events
             WHERE seq > ?1 AND seq <= ?2 AND received_at < ?3 ORDER BY seq LIMIT ?4",
        )?
        .query_map(params![cursor, done.min(newest - 1), before, STEP, NOT_CONNECTED], |row| {
            let person: Option<String> = row.get(2)?;
            let conversation = person.map(|_| Conversation::of_row(row)).transpose()?;
            let (channel, account) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            // The empty name stands for the app itself; what could not be read stands there, too, and is nobody's.
            let is_connected = !account.is_empty() && connected.contains(channel, account);
            let whose = match (row.get(4)?, row.get(5)?) {
                (_, true) if !is_connected => Whose::Strangers,
                (true, _) => Whose::SetAsideBefore,
                _ => Whose::Connected,
            };
            Ok((row.get(3)?, conversation, whose))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut deleted = 0;
    let mut conversations: BTreeSet<&Conversation> = BTreeSet::new();
    let (mut looked_at, mut last) = (0, cursor);
    for (seq, conversation, whose) in &rows {
        match (whose, conversation) {
            // It stands in no file, and nobody waits for it. Keys are kept for those who are served here: of strangers, who
            // send what they like, they would only ever grow.
            (Whose::Strangers, _) => deleted += delete(connection, *seq)?,
            (Whose::Connected, Some(conversation)) => {
                if conversations.insert(conversation) {
                    deleted += prune(connection, file_of, conversation, before, newest)?;
                }
            }
            (Whose::SetAsideBefore, _) | (Whose::Connected, None) => deleted += forget(connection, *seq)?,
        }
        looked_at += 1;
        last = *seq;
        if deleted >= usize::try_from(STEP).unwrap_or(usize::MAX) {
            // Of each conversation more may be deleted than was looked at.
            break;
        }
    }
    save_cursor(connection, CURSOR, &last.to_string())?;
    let is_last = looked_at == rows.len() && rows.len() < usize::try_from(STEP).unwrap_or(usize::MAX);
    Ok(PruneStep { deleted, is_last })
}

/// Whose an old event is.
enum Whose {
    /// Of an account that somebody has connected, or had when it came.
    Connected,
    /// Of such an account, set aside because it came before.
    SetAsideBefore,
    /// Set aside, and nobody has connected the account.
    Strangers,
}

/// An event of a conversation.
struct OldEvent {
    seq: i64,
    occurred_at: i64,
    payload: Vec<u8>,
    /// Whether it stands in the file of the conversation: a report does not.
    is_entry: bool,
    /// Whether it is old enough, and every worker has done with it.
    may_go: bool,
}

/// Deletes the old beginning of a conversation, after making sure that its file holds the entries of it.
fn prune(
    connection: &Connection,
    file_of: &impl Fn(&Conversation) -> Option<Vec<u8>>,
    conversation: &Conversation,
    before: i64,
    newest: i64,
) -> rusqlite::Result<usize> {
    let Conversation { channel, account, person } = conversation;
    let events: Vec<OldEvent> = connection
        .prepare_cached(
            "SELECT place.seq, place.occurred_at, events.payload, events.entry,
                    events.received_at < ?7 AND events.apart IS NULL AND place.seq < ?5
             FROM conversation_events AS place CROSS JOIN events USING (seq)
             WHERE place.conversation = ?6
               AND events.channel = ?1 AND events.account = ?2 AND events.conversation = ?3
             ORDER BY place.occurred_at, place.seq LIMIT ?4",
        )?
        .query_map(params![channel, account, person, STEP, newest, conversation.number(), before], |row| {
            Ok(OldEvent {
                seq: row.get(0)?,
                occurred_at: row.get(1)?,
                payload: row.get(2)?,
                is_entry: row.get(3)?,
                may_go: row.get(4)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let is_waiting: bool = connection
        .prepare_cached(
            "SELECT 1 FROM unfiled WHERE channel = ?1 AND account = ?2 AND conversation = ?3
             UNION ALL
             SELECT 1 FROM events
             WHERE channel = ?1 AND account = ?2 AND apart IS NOT NULL AND conversation = ?3",
        )?
        .exists([channel, account, person])?;
    // What is set aside or not yet filed stands in no file.
    let old: Vec<&OldEvent> = events.iter().take_while(|event| event.may_go && !is_waiting).collect();
    let entries: Vec<&[u8]> = old.iter().filter(|event| event.is_entry).map(|event| event.payload.as_slice()).collect();
    if !entries.is_empty() && !note_beginning(connection, file_of, conversation, &entries)? {
        return Ok(0);
    }
    let mut deleted = 0;
    let mut out_of_order = connection
        .prepare_cached("DELETE FROM conversation_events WHERE conversation = ?1 AND occurred_at = ?2 AND seq = ?3")?;
    for event in old {
        out_of_order.execute(params![conversation.number(), event.occurred_at, event.seq])?;
        deleted += forget(connection, event.seq)?;
    }
    Ok(deleted)
}

/// Keeps that the file of a conversation begins with these entries, whose events are about to be deleted. Gives whether it
/// does.
fn note_beginning(
    connection: &Connection,
    file_of: &impl Fn(&Conversation) -> Option<Vec<u8>>,
    conversation: &Conversation,
    entries: &[&[u8]],
) -> rusqlite::Result<bool> {
    let Some(file) = file_of(conversation) else { return Ok(false) };
    let pruned = find_pruned(connection, conversation)?;
    let mut beginning = match &pruned {
        Some(pruned) if pruned.is_beginning_of(&file) => pruned.of(&file).unwrap_or_default().to_vec(),
        Some(_) => return Ok(false),
        None => b"[".to_vec(),
    };
    for entry in entries {
        beginning.extend_from_slice(if beginning == b"[" { b"\n" } else { b",\n" });
        beginning.extend_from_slice(entry);
    }
    if !file.starts_with(&beginning) {
        // The file is to be written again first; until then its events stay.
        return Ok(false);
    }
    let items = pruned.map_or(0, |pruned| pruned.items) + i64::try_from(entries.len()).unwrap_or(0);
    save_pruned(connection, conversation, &Pruned::new(items, &beginning))?;
    Ok(true)
}

/// An event that is gone waits for nobody: see the table `feed_doubtful`.
pub(super) fn stop_waiting(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM feed_doubtful WHERE seq = ?1")?.execute([seq]).map(drop)
}

/// Deletes an event and keeps its key.
fn forget(connection: &Connection, seq: i64) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO pruned_keys (dedupe) SELECT dedupe FROM events WHERE seq = ?1")?
        .execute([seq])?;
    delete(connection, seq)
}

/// Deletes an event, and that it waits for anything.
fn delete(connection: &Connection, seq: i64) -> rusqlite::Result<usize> {
    stop_waiting(connection, seq)?;
    connection.prepare_cached("DELETE FROM events WHERE seq = ?1")?.execute([seq])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::clock::Clock;
    use crate::shared::journal::{DedupeKey, Effect, Event, Source};

    fn event(person: i64, number: i64) -> Event {
        Event {
            channel: "facebook",
            account: "1".to_owned(),
            key: DedupeKey::new("facebook", "1", &[&person.to_be_bytes(), &number.to_be_bytes()]),
            kind: "message".into(),
            effect: Effect::Conversation { person: person.to_string(), opens: true },
            occurred_at: Some(number),
            name: None,
            source: Source::Webhook,
            payload: format!("{{\"number\":{number}}}").into_bytes(),
        }
    }

    #[tokio::test]
    async fn a_repeat_in_the_transaction_that_deletes_its_event_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::manual("2026-11-21T12:00:00Z".parse().expect("a time"));
        let (journal, _writer) = Journal::open(&folder.path().join("journal.db"), clock.clone()).expect("it opens");
        journal.append(vec![event(1, 1), event(1, 2)]).await.expect("stored");
        // While the writer is busy with one transaction, the next one gathers.
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let (begun, is_busy) = tokio::sync::oneshot::channel();
        let busy = journal.write(move |_| {
            let _ = begun.send(());
            let _ = wait.recv();
            Ok(())
        });
        let gathered = async {
            is_busy.await.expect("busy");
            let delete = journal.write(|connection| forget(connection, 1));
            let repeat = journal.append(vec![event(1, 1)]);
            tokio::join!(biased; delete, repeat, async { go_on.send(()).expect("told") })
        };
        let (_, (deleted, repeated, ())) = tokio::join!(busy, gathered);
        assert_eq!(deleted.expect("deleted"), 1);
        assert_eq!(repeated.expect("known").new, 0);
    }
}
