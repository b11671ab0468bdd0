//! What an operator asks of the journal: how much there is, how far consumers have come, what came in by the hour, and
//! what waits or was given up. Every question stays cheap at millions of events.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::read_requests::insert_read_request;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::journal::{
    CONVERSATIONS_CURSOR, FEED_CURSOR, HOUR_MS, Journal, JournalError, READS_CURSOR, cursor_position, newest_seq,
};

/// How many rows of work that waits or was given up are shown.
const SHOWN: i64 = 500;

/// The consumers that an operator is shown, with their cursors. One that has not begun yet stands at 0.
const CONSUMERS: [(&str, &str); 3] =
    [("conversations", CONVERSATIONS_CURSOR), ("refresh", READS_CURSOR), ("feed", FEED_CURSOR)];

/// How many events there are, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All events.
    pub events: i64,
    /// Kept, but not handed to consumers.
    pub set_aside: i64,
    /// Conversations and reads that were given up after several tries.
    pub given_up: i64,
}

/// How much the journal holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Events that are there.
    pub events: i64,
    /// The number of the newest event: how many there ever were, those deleted by age included.
    pub newest_seq: i64,
    /// Events that are kept, but not handed to consumers.
    #[serde(rename = "apart")]
    pub set_aside: i64,
    /// The same by channel and reason.
    #[serde(rename = "apart_by_reason")]
    pub set_aside_by_reason: Vec<SetAside>,
    /// Conversations and reads that were given up after several tries.
    #[serde(rename = "parked")]
    pub given_up: i64,
    /// Conversations and reads that failed and are tried again.
    pub retrying: i64,
    /// Requests that wait for the writer at this moment.
    pub queue: usize,
}

/// Events of one channel that were set aside for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetAside {
    /// The channel.
    pub channel: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub events: i64,
}

/// How far a consumer has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consumer {
    /// Its name.
    pub name: String,
    /// The number of the last event it has done with.
    pub cursor: i64,
    /// How many events it has not seen yet.
    pub behind: i64,
    /// When the oldest of these arrived, in milliseconds since 1970.
    pub oldest_at: Option<i64>,
}

/// What came in within one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arrivals {
    /// When the hour began, in milliseconds since 1970.
    pub hour: i64,
    /// The channel.
    pub channel: String,
    /// The road: `webhook`, `standby`, `poll`, `import`.
    pub source: String,
    /// Webhook deliveries, or groups of events that a poll stored.
    pub deliveries: i64,
    /// Events that were not known before.
    pub new_events: i64,
    /// Events that were known already.
    pub repeated_events: i64,
}

/// What kind of work failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A conversation whose file could not be written.
    Conversation,
    /// Something of an account that could not be read from its platform.
    Read,
}

/// Work that failed: tried again later, or given up until somebody says replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What it is.
    pub work: Work,
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// The person of the conversation; what is to be read (empty: the whole account).
    pub object: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last try failed.
    pub reason: Option<String>,
    /// Whether it was given up.
    #[serde(rename = "parked")]
    pub is_given_up: bool,
    /// When it is tried again, in milliseconds since 1970, unless it was given up.
    pub next_at: Option<i64>,
}

impl Journal {
    /// How many events there are, by what became of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn counts(&self) -> Result<Counts, JournalError> {
        self.read(|connection| {
            connection.query_row(
                "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM events WHERE apart IS NOT NULL),
                        (SELECT count(*) FROM unfiled WHERE parked) + (SELECT count(*) FROM rereads WHERE parked)",
                [],
                |row| Ok(Counts { events: row.get(0)?, set_aside: row.get(1)?, given_up: row.get(2)? }),
            )
        })
        .await
    }

    /// How much there is.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn totals(&self) -> Result<Totals, JournalError> {
        let queue = self.queue_depth();
        self.read(move |connection| {
            let number = |sql: &str| connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
            let set_aside_by_reason = list_set_aside(connection)?;
            Ok(Totals {
                events: number("SELECT count(*) FROM events")?,
                newest_seq: newest_seq(connection)?,
                set_aside: set_aside_by_reason.iter().map(|row| row.events).sum(),
                set_aside_by_reason,
                given_up: number(
                    "SELECT (SELECT count(*) FROM unfiled WHERE parked) + (SELECT count(*) FROM rereads WHERE parked)",
                )?,
                retrying: number(
                    "SELECT (SELECT count(*) FROM unfiled WHERE attempts > 0 AND NOT parked)
                          + (SELECT count(*) FROM rereads WHERE attempts > 0 AND NOT parked)",
                )?,
                queue,
            })
        })
        .await
    }

    /// How far every consumer has come.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_consumers(&self) -> Result<Vec<Consumer>, JournalError> {
        self.read(|connection| {
            let newest = newest_seq(connection)?;
            CONSUMERS
                .iter()
                .map(|(name, cursor_name)| {
                    let cursor = cursor_position(connection, cursor_name)?;
                    let oldest_at = connection
                        .prepare_cached("SELECT received_at FROM events WHERE seq > ?1 ORDER BY seq LIMIT 1")?
                        .query_row([cursor], |row| row.get(0))
                        .optional()?;
                    let behind = (newest - cursor).max(0);
                    Ok(Consumer { name: (*name).to_owned(), cursor, behind, oldest_at })
                })
                .collect()
        })
        .await
    }

    /// What came in during the last `hours`, oldest first. Hours in which nothing came have no row.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_arrivals(&self, hours: i64) -> Result<Vec<Arrivals>, JournalError> {
        let first = self.clock().now_ms() / HOUR_MS - hours + 1;
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT hour, channel, source, deliveries, new_events, repeated_events FROM arrivals
                     WHERE hour >= ?1 ORDER BY hour, channel, source",
                )?
                .query_map([first], |row| {
                    Ok(Arrivals {
                        hour: row.get::<_, i64>(0)? * HOUR_MS,
                        channel: row.get(1)?,
                        source: row.get(2)?,
                        deliveries: row.get(3)?,
                        new_events: row.get(4)?,
                        repeated_events: row.get(5)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// Work that failed, what was given up first; at most 500 of each kind.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_failures(&self) -> Result<Vec<Failure>, JournalError> {
        self.read(|connection| {
            let list = |work, sql: &str| -> rusqlite::Result<Vec<Failure>> {
                connection
                    .prepare_cached(sql)?
                    .query_map([SHOWN], |row| {
                        let is_given_up: bool = row.get(5)?;
                        let next_at: i64 = row.get(6)?;
                        Ok(Failure {
                            work,
                            channel: row.get(0)?,
                            account: row.get(1)?,
                            object: row.get(2)?,
                            attempts: row.get(3)?,
                            reason: row.get(4)?,
                            is_given_up,
                            next_at: (!is_given_up).then_some(next_at),
                        })
                    })?
                    .collect()
            };
            let mut failures = list(
                Work::Conversation,
                "SELECT channel, account, conversation, attempts, reason, parked, next_at FROM unfiled
                 WHERE parked OR attempts > 0 ORDER BY parked DESC, channel, account, conversation LIMIT ?1",
            )?;
            failures.extend(list(
                Work::Read,
                "SELECT channel, account, object, attempts, reason, parked, due_at FROM rereads
                 WHERE parked OR attempts > 0 ORDER BY parked DESC, channel, account, object LIMIT ?1",
            )?);
            failures.sort_by_key(|failure| !failure.is_given_up);
            Ok(failures)
        })
        .await
    }

    /// How many conversations and reads failed: the kind of work, whether it was given up, and how many.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn count_failures(&self) -> Result<Vec<(&'static str, bool, i64)>, JournalError> {
        self.read(|connection| {
            let mut counts = Vec::new();
            for (work, table) in [("conversation", "unfiled"), ("read", "rereads")] {
                let sql = format!("SELECT parked, count(*) FROM {table} WHERE parked OR attempts > 0 GROUP BY parked");
                let mut statement = connection.prepare_cached(&sql)?;
                for row in statement.query_map([], |row| Ok((work, row.get(0)?, row.get(1)?)))? {
                    counts.push(row?);
                }
            }
            Ok(counts)
        })
        .await
    }

    /// Hands everything that was given up to its consumer again, at once. Gives back how much that is.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn replay_given_up(&self) -> Result<usize, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let files = connection.execute(
                "UPDATE unfiled SET parked = 0, attempts = 0, next_at = 0, generation = generation + 1 WHERE parked",
                [],
            )?;
            let reads = connection.execute(
                "UPDATE rereads SET parked = 0, attempts = 0, reason = NULL, due_at = ?1 WHERE parked",
                [now_ms],
            )?;
            Ok(files + reads)
        })
        .await
    }

    /// Hands the event with this number to its consumer again, at once. Gives back for how many consumers it is a reason
    /// for anything: none, or one.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn replay_event(&self, seq: i64) -> Result<usize, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let filed = connection.execute(
                "INSERT INTO unfiled (channel, account, conversation, next_at)
                 SELECT channel, account, conversation, 0 FROM events
                 WHERE seq = ?1 AND conversation IS NOT NULL AND apart IS NULL
                 ON CONFLICT DO UPDATE SET parked = 0, attempts = 0, next_at = 0, generation = generation + 1",
                [seq],
            )?;
            let reread: Option<(String, String, String)> = connection
                .query_row(
                    "SELECT channel, account, reread FROM events
                     WHERE seq = ?1 AND reread IS NOT NULL AND apart IS NULL",
                    [seq],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )
                .optional()?;
            if let Some((channel, account, object)) = &reread {
                insert_read_request(connection, channel, account, &ReadRequest::from_text(object), now_ms, 0)?;
            }
            Ok(filed + usize::from(reread.is_some()))
        })
        .await
    }

    /// Hands one conversation or read that failed to its consumer again, at once. Gives back whether there is one.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn replay_one(
        &self,
        work: Work,
        channel: String,
        account: String,
        object: String,
    ) -> Result<bool, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| match work {
            Work::Conversation => {
                let changed = connection.execute(
                    "UPDATE unfiled SET parked = 0, attempts = 0, next_at = 0, generation = generation + 1
                     WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
                    params![channel, account, object],
                )?;
                Ok(changed > 0)
            }
            Work::Read => {
                let is_there = connection
                    .prepare_cached("SELECT 1 FROM rereads WHERE channel = ?1 AND account = ?2 AND object = ?3")?
                    .exists(params![channel, account, object])?;
                if is_there {
                    insert_read_request(connection, &channel, &account, &ReadRequest::from_text(&object), now_ms, 0)?;
                }
                Ok(is_there)
            }
        })
        .await
    }
}

fn list_set_aside(connection: &Connection) -> rusqlite::Result<Vec<SetAside>> {
    connection
        .prepare_cached(
            "SELECT channel, apart, sum(events) FROM (
                SELECT channel, account, apart, count(*) AS events FROM events INDEXED BY events_apart
                WHERE apart IS NOT NULL GROUP BY channel, account, apart)
             GROUP BY channel, apart ORDER BY channel, sum(events) DESC",
        )?
        .query_map([], |row| Ok(SetAside { channel: row.get(0)?, reason: row.get(1)?, events: row.get(2)? }))?
        .collect()
}
