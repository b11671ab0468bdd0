//! Which events a conversation has, in order of time: the table `conversation_events`.
//!
//! The intake does not write it. The consumers of conversations and of the feed do, before anybody else hears of the events,
//! in sorted batches: what costs the intake one page of the log per event then costs a fraction of one.

use rusqlite::{Connection, params};

use super::conversation::{Conversation, conversation_number};
use super::error::JournalError;
use super::handle::Journal;
use super::positions::{IN_ORDER_CURSOR, cursor_position, in_order_up_to, newest_seq, save_cursor};
use super::reader::JournalReader;
use super::scan::EventPlace;

/// How many events one step takes: a write transaction of a few milliseconds, between two groups of deliveries.
const STEP: i64 = 2_000;

/// A row of the table: conversation, time, event.
type Row = (i64, i64, i64);

impl Journal {
    /// Puts the next events into order. Gives back up to which event everything is in order, and whether this was all.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub(crate) async fn put_in_order(&self) -> Result<(i64, bool), JournalError> {
        let (from, last, rows) = self.read(next_rows).await?;
        if last > from {
            self.write(move |connection| {
                insert(connection, rows)?;
                save_cursor(connection, IN_ORDER_CURSOR, &last.to_string())
            })
            .await?;
        }
        Ok((last, last - from < STEP))
    }
}

impl JournalReader<'_> {
    /// Up to which event everything is in order.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn in_order_up_to(&self) -> Result<i64, JournalError> {
        Ok(in_order_up_to(self.connection())?)
    }

    /// Shows the events of a conversation in order of time: those after `after` (time and number) whose number is at most
    /// `up_to`. `show` is given the payload, where the event stands, and whether it opens a conversation.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn each_event_in_order(
        &self,
        conversation: &Conversation,
        after: (i64, i64),
        up_to: i64,
        mut show: impl FnMut(&[u8], EventPlace, bool),
    ) -> Result<(), JournalError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT events.payload, place.occurred_at, place.seq, events.opens
             FROM conversation_events AS place CROSS JOIN events USING (seq)
             WHERE place.conversation = ?6 AND (place.occurred_at, place.seq) > (?4, ?5) AND place.seq <= ?7
               AND events.channel = ?1 AND events.account = ?2 AND events.conversation = ?3 AND events.apart IS NULL AND events.entry
             ORDER BY place.occurred_at, place.seq",
        )?;
        let Conversation { channel, account, person } = conversation;
        let number = conversation.number();
        let mut rows = statement.query(params![channel, account, person, after.0, after.1, number, up_to])?;
        while let Some(row) = rows.next()? {
            let payload = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            show(payload, EventPlace { occurred_at: row.get(1)?, seq: row.get(2)? }, row.get(3)?);
        }
        Ok(())
    }
}

/// The events after the cursor: where it stood, the last event looked at, and the rows to write.
fn next_rows(connection: &Connection) -> rusqlite::Result<(i64, i64, Vec<Row>)> {
    let connection = connection.unchecked_transaction()?;
    let from = cursor_position(&connection, IN_ORDER_CURSOR)?;
    let last = newest_seq(&connection)?.min(from + STEP);
    let rows = connection
        .prepare_cached(
            "SELECT channel, account, conversation, occurred_at, seq FROM events
             WHERE seq > ?1 AND seq <= ?2 AND conversation IS NOT NULL AND apart IS NULL",
        )?
        .query_map([from, last], read_row)?
        .collect::<rusqlite::Result<_>>()?;
    Ok((from, last.max(from), rows))
}

/// Puts the events of an account that are set aside for this reason into order, because they are about to be released.
pub(in crate::shared) fn insert_set_aside(
    connection: &Connection,
    channel: &str,
    account: &str,
    reason: &str,
) -> rusqlite::Result<()> {
    let rows = connection
        .prepare_cached(
            "SELECT channel, account, conversation, occurred_at, seq FROM events
             WHERE channel = ?1 AND account = ?2 AND apart = ?3 AND conversation IS NOT NULL",
        )?
        .query_map([channel, account, reason], read_row)?
        .collect::<rusqlite::Result<_>>()?;
    insert(connection, rows)
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    Ok((conversation_number(text(0)?, text(1)?, text(2)?), row.get(3)?, row.get(4)?))
}

/// Puts events into order that somebody has read anyway: all of conversations after the first of these numbers, up to and with
/// the second. Does nothing where those before them are not in order yet.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn put_in_order_with<'a>(
    connection: &Connection,
    (from, last): (i64, i64),
    events: impl Iterator<Item = (&'a Conversation, EventPlace)>,
) -> rusqlite::Result<()> {
    let in_order = in_order_up_to(connection)?;
    if in_order < from || in_order >= last {
        return Ok(());
    }
    let new = events.filter(|(_, place)| place.seq > in_order);
    insert(connection, new.map(|(of, place)| (of.number(), place.occurred_at, place.seq)).collect())?;
    save_cursor(connection, IN_ORDER_CURSOR, &last.to_string())
}

fn insert(connection: &Connection, mut rows: Vec<Row>) -> rusqlite::Result<()> {
    rows.sort_unstable();
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO conversation_events (conversation, occurred_at, seq) VALUES (?1, ?2, ?3)",
    )?;
    for (conversation, occurred_at, seq) in rows {
        insert.execute(params![conversation, occurred_at, seq])?;
    }
    Ok(())
}
