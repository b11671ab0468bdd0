//! What the feed's consumer has to look at next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use super::held;
use super::item::ReadMeaning;
use super::takeover::FeedRules;
use crate::shared::channel::meaning::Meaning;
use crate::shared::journal::{
    Conversation, EventPlace, FEED_CURSOR, Journal, JournalError, NOT_CONNECTED, Source, cursor_position, newest_seq,
};
use crate::shared::store::Item;
use crate::shared::store::conversation_states::list_over;

/// Events up to this one came before there was a feed: they tell how conversations stand, and are not told to bots.
const SINCE: &str = "feed:since";

/// An event of a conversation that the feed's consumer has not seen yet.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The conversation.
    pub conversation: Conversation,
    /// The event.
    pub item: Item,
    /// Its key.
    pub key: Vec<u8>,
    /// The road by which it came.
    pub source: Source,
    /// When it was received here, in milliseconds since 1970.
    pub received_at: i64,
    /// Whether bots are to be told of it.
    pub is_told: bool,
    /// What it means.
    pub meaning: Meaning,
}

impl Incoming {
    /// Where it stands.
    pub(super) fn place(&self) -> EventPlace {
        EventPlace { seq: self.item.seq, occurred_at: self.item.at }
    }
}

/// The next piece of work of the feed's consumer.
#[derive(Debug, Clone, Default)]
pub struct NextForFeed {
    /// Where the cursor stands.
    pub from: i64,
    /// Where it stands afterwards.
    pub last: i64,
    /// The events, in order of arrival.
    pub events: Vec<Incoming>,
    /// Whether these were released behind the cursor.
    pub are_released: bool,
    /// Conversations in which a pause is over, or that another app answers.
    pub over: Vec<Conversation>,
    /// When messages that wait are to be told, in milliseconds since 1970; `None`: none wait.
    pub due_at: Option<i64>,
    /// Whether there is more to look at.
    pub has_more: bool,
}

impl Journal {
    /// What the feed's consumer has to look at next: at most `limit` events of conversations.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn next_for_feed(
        &self,
        limit: i64,
        rules: FeedRules,
        meaning: Arc<ReadMeaning>,
    ) -> Result<NextForFeed, JournalError> {
        let FeedRules { settle_ms, lost_ms, .. } = rules;
        let now_ms = self.clock().now_ms();
        self.read(move |connection| {
            let connection = connection.unchecked_transaction()?;
            let from = cursor_position(&connection, FEED_CURSOR)?;
            let since = cursor_position(&connection, SINCE)?;
            let over = list_over(&connection, now_ms, now_ms - lost_ms, limit)?;
            let due_at = held::next_due(&connection, settle_ms)?;
            let released = read_events(&connection, RELEASED, (0, i64::MAX, limit), since, &*meaning)?;
            if !released.is_empty() {
                let next =
                    NextForFeed { from, last: from, events: released, are_released: true, ..NextForFeed::default() };
                return Ok(NextForFeed { over, due_at, has_more: true, ..next });
            }
            let newest = newest_seq(&connection)?.max(from);
            let events = read_events(&connection, AFTER, (from, newest, limit), since, &*meaning)?;
            let is_full = i64::try_from(events.len()).unwrap_or(i64::MAX) >= limit;
            let last = events.last().filter(|_| is_full).map_or(newest, |event| event.item.seq);
            Ok(NextForFeed { from, last, events, are_released: false, over, due_at, has_more: is_full })
        })
        .await
    }
}

/// Among more events than these nobody looks for those of one conversation.
const LOOKED_THROUGH: i64 = 20_000;

impl Journal {
    /// Whether the feed's consumer may not have come to the newest event of this conversation: how it stands, and whether
    /// anything is known of it, is then not known yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn is_feed_behind(&self, of: &Conversation) -> Result<bool, JournalError> {
        let Conversation { channel, account, person } = of.clone();
        self.read(move |connection| {
            let connection = connection.unchecked_transaction()?;
            let from = cursor_position(&connection, FEED_CURSOR)?;
            let newest = newest_seq(&connection)?;
            if newest - from > LOOKED_THROUGH {
                return Ok(true);
            }
            connection.prepare_cached(BEHIND)?.exists(params![from, channel, account, person])
        })
        .await
    }
}

/// The numbers of the events that a piece of work is made of, as they stand now.
pub(super) fn list_now(connection: &Connection, next: &NextForFeed) -> rusqlite::Result<Vec<i64>> {
    if next.are_released {
        let last = next.events.last().map_or(0, |event| event.item.seq);
        return connection
            .prepare_cached(
                "SELECT seq FROM feed_released CROSS JOIN events USING (seq)
                 WHERE seq <= ?1 AND conversation IS NOT NULL AND apart IS NULL ORDER BY seq",
            )?
            .query_map([last], |row| row.get(0))?
            .collect();
    }
    connection
        .prepare_cached(
            "SELECT seq FROM events
             WHERE seq > ?1 AND seq <= ?2 AND conversation IS NOT NULL AND apart IS NULL ORDER BY seq",
        )?
        .query_map([next.from, next.last], |row| row.get(0))?
        .collect()
}

const COLUMNS: &str =
    "SELECT e.channel, e.account, e.conversation, e.seq, e.occurred_at, e.kind, e.payload, e.dedupe, e.source,
                              e.received_at";

const AFTER: &str =
    "FROM events AS e WHERE e.seq > ?1 AND e.seq <= ?2 AND e.conversation IS NOT NULL AND e.apart IS NULL
                     ORDER BY e.seq LIMIT ?3";

/// A cross join says which of the two is looked through: hardly any events are released, and SQLite would look through all that
/// there are, because those are in order already.
const RELEASED: &str = "FROM feed_released AS released CROSS JOIN events AS e USING (seq)
                        WHERE released.seq > ?1 AND released.seq <= ?2 AND e.conversation IS NOT NULL AND e.apart IS NULL
                        ORDER BY released.seq LIMIT ?3";

const BEHIND: &str = "SELECT 1 FROM events
                      WHERE seq > ?1 AND channel = ?2 AND account = ?3 AND conversation = ?4 AND apart IS NULL
                      UNION ALL
                      SELECT 1 FROM feed_released CROSS JOIN events USING (seq)
                      WHERE channel = ?2 AND account = ?3 AND conversation = ?4 AND apart IS NULL";

/// Those after a number, up to a number, and at most so many.
fn read_events(
    connection: &Connection,
    which: &str,
    (after, until, limit): (i64, i64, i64),
    since: i64,
    meaning: &ReadMeaning,
) -> rusqlite::Result<Vec<Incoming>> {
    connection
        .prepare_cached(&format!("{COLUMNS} {which}"))?
        .query_map([after, until, limit], |row| read_event(row, since, meaning))?
        .collect()
}

fn read_event(row: &Row<'_>, since: i64, meaning: &ReadMeaning) -> rusqlite::Result<Incoming> {
    let conversation = Conversation { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? };
    let item = Item { seq: row.get(3)?, at: row.get(4)?, kind: row.get(5)?, payload: row.get(6)? };
    let source = source_of(row.get_ref(8)?.as_str()?);
    let is_told = item.seq > since && source != Source::Import;
    // One event that this program cannot cope with costs no other one its place.
    let read = AssertUnwindSafe(|| meaning(&conversation.channel, &conversation.account, &item).0);
    let meaning = std::panic::catch_unwind(read).unwrap_or(Meaning::Unreadable);
    Ok(Incoming { conversation, item, key: row.get(7)?, source, received_at: row.get(9)?, is_told, meaning })
}

fn source_of(word: &str) -> Source {
    [Source::Standby, Source::Poll, Source::Import, Source::Local]
        .into_iter()
        .find(|source| source.as_str() == word)
        .unwrap_or(Source::Webhook)
}

/// Events of this account that are about to flow in: the feed's consumer looks at those that it has passed already.
///
/// # Errors
/// When the database fails.
pub(in crate::shared::store) fn note_released(
    connection: &Connection,
    channel: &str,
    account: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO feed_released (seq)
             SELECT seq FROM events
             WHERE channel = ?1 AND account = ?2 AND apart = ?3 AND conversation IS NOT NULL AND seq <= ?4",
        )?
        .execute(params![channel, account, NOT_CONNECTED, cursor_position(connection, FEED_CURSOR)?])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::doubtful::WAITING;
    use super::*;

    #[test]
    fn for_what_was_released_nobody_looks_through_all_events() {
        let connection = Connection::open_in_memory().expect("opened");
        for migration in crate::shared::journal::migrations::MIGRATIONS {
            connection.execute_batch(migration).expect("migrated");
        }
        for asked in [format!("{COLUMNS} {RELEASED}"), BEHIND.to_owned(), WAITING.to_owned()] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {asked}")).expect("prepared");
            let values = vec![1_i64; statement.parameter_count()];
            let plan = statement
                .query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3))
                .expect("asked")
                .collect::<rusqlite::Result<Vec<_>>>()
                .expect("told")
                .join("\n");
            assert!(plan.contains("USING INTEGER PRIMARY KEY (rowid=?)"), "each by its number: {plan}");
            assert!(!plan.contains("SCAN events") && !plan.contains("SCAN e"), "{plan}");
            assert!(!plan.contains("SEARCH e USING INTEGER PRIMARY KEY (rowid>"), "{plan}");
        }
    }
}
