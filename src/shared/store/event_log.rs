//! The journal as an operator leafs through it: newest first, filtered, page by page; and events that are handed to the
//! workers again, from a time on. No page looks at more than so many events, however large the journal is.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::event_status::{COLUMNS, EventOutcome, EventStatus, read_row, status_of};
use super::read_requests::insert_read_request;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::journal::{Journal, JournalError, newest_seq};

/// So many events are looked at for one page. Where few of them fit, a page is short and tells where to go on.
const LOOKED_AT: i64 = 10_000;

/// So many events are handed to the workers again in one transaction, so that deliveries wait for none of them long.
const AT_ONCE: i64 = 2_000;

/// The most events of a page.
pub const LARGEST_PAGE: usize = 200;

/// Which events are wanted. Everything that is `None` excludes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// Of this channel.
    pub channel: Option<String>,
    /// Of this account.
    pub account: Option<String>,
    /// Of this kind, in the platform's word.
    pub kind: Option<String>,
    /// Of this person, by the name of the conversation's file.
    pub person: Option<String>,
    /// Of which this has become.
    pub outcome: Option<EventOutcome>,
    /// That arrived at this time or later, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// That arrived before this time.
    pub until_ms: Option<i64>,
    /// With a smaller number: where the page before ended.
    pub before: Option<i64>,
    /// With a larger number: what is known already.
    pub after: Option<i64>,
    /// So many at most, up to [`LARGEST_PAGE`].
    pub limit: usize,
}

/// A page of events, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventPage {
    /// The events.
    pub events: Vec<EventStatus>,
    /// What the next page's `before` is, also where this one is empty; `None`: there is nothing more.
    pub next: Option<i64>,
}

impl Journal {
    /// A page of the events that fit.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_event_log(&self, filter: EventFilter) -> Result<EventPage, JournalError> {
        self.read(move |connection| page(connection, &filter)).await
    }

    /// What an event holds, as it came; `None`: there is no such event.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_payload(&self, seq: i64) -> Result<Option<Vec<u8>>, JournalError> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT payload FROM events WHERE seq = ?1")?
                .query_row([seq], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Hands every event that arrived since this time, in milliseconds since 1970, to its worker again. Gives back for how
    /// many conversations and reads that is a reason. Broken off, it can be asked for again: nothing is done twice.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn replay_since(&self, since_ms: i64) -> Result<usize, JournalError> {
        let now_ms = self.clock().now_ms();
        let (mut first, newest) =
            self.read(move |connection| Ok((first_since(connection, since_ms)?, newest_seq(connection)?))).await?;
        let mut count = 0;
        while first <= newest {
            let last = newest.min(first.saturating_add(AT_ONCE - 1));
            count += self.write(move |connection| replay_range(connection, first, last, now_ms)).await?;
            first = last + 1;
        }
        Ok(count)
    }
}

/// The number of the first event that arrived at this time or later; one beyond the newest where none did. Events are
/// numbered as they arrive, so half of them can be left out at each look.
fn first_since(connection: &Connection, at_ms: i64) -> rusqlite::Result<i64> {
    let (mut low, mut high): (i64, i64) = connection
        .prepare_cached("SELECT ifnull(min(seq), 1), ifnull(max(seq), 0) + 1 FROM events")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut look =
        connection.prepare_cached("SELECT seq, received_at FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = look.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((seq, received_at)) if received_at < at_ms => low = seq + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

fn page(connection: &Connection, filter: &EventFilter) -> rusqlite::Result<EventPage> {
    let newest = newest_seq(connection)?;
    let mut upper = filter.before.unwrap_or(i64::MAX).min(newest + 1);
    if let Some(until_ms) = filter.until_ms {
        upper = upper.min(first_since(connection, until_ms)?);
    }
    let mut lowest = filter.after.map_or(1, |after| after.saturating_add(1));
    if let Some(since_ms) = filter.since_ms {
        lowest = lowest.max(first_since(connection, since_ms)?);
    }
    let lower = lowest.max(upper - LOOKED_AT);
    let is_apart = filter.outcome.map(|outcome| outcome == EventOutcome::Apart);
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE seq < ?1 AND seq >= ?2 AND (?3 IS NULL OR channel = ?3)
         AND (?4 IS NULL OR account = ?4) AND (?5 IS NULL OR kind = ?5) AND (?6 IS NULL OR conversation = ?6)
         AND (?7 IS NULL OR (apart IS NOT NULL) = ?7) ORDER BY seq DESC"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let EventFilter { channel, account, kind, person, .. } = filter;
    let mut rows = statement.query(params![upper, lower, channel, account, kind, person, is_apart])?;
    let (mut events, limit) = (Vec::new(), filter.limit.clamp(1, LARGEST_PAGE));
    while let Some(row) = rows.next()? {
        let status = status_of(connection, read_row(row)?)?;
        if filter.outcome.is_none_or(|wanted| wanted == status.outcome) {
            events.push(status);
        }
        if events.len() == limit {
            break;
        }
    }
    let next = match events.last() {
        Some(last) if events.len() == limit => Some(last.seq),
        _ => Some(lower),
    };
    Ok(EventPage { events, next: next.filter(|next| *next > lowest) })
}

/// As for one event by itself, for all of a range.
fn replay_range(connection: &Connection, first: i64, last: i64, now_ms: i64) -> rusqlite::Result<usize> {
    let filed = connection.execute(
        "INSERT INTO unfiled (channel, account, conversation, next_at)
         SELECT DISTINCT channel, account, conversation, 0 FROM events
         WHERE seq BETWEEN ?1 AND ?2 AND conversation IS NOT NULL AND apart IS NULL
         ON CONFLICT DO UPDATE SET parked = 0, attempts = 0, next_at = 0, generation = generation + 1",
        [first, last],
    )?;
    let reads: Vec<(String, String, String)> = connection
        .prepare_cached(
            "SELECT DISTINCT channel, account, reread FROM events
             WHERE seq BETWEEN ?1 AND ?2 AND reread IS NOT NULL AND apart IS NULL",
        )?
        .query_map([first, last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (channel, account, object) in &reads {
        insert_read_request(connection, channel, account, &ReadRequest::from_text(object), now_ms, 0)?;
    }
    Ok(filed + reads.len())
}
