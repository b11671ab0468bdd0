//! What is known of one event, without what it says: for an operator who asks what became of it.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use crate::shared::journal::{CONVERSATIONS_CURSOR, DedupeKey, Journal, JournalError, READS_CURSOR, cursor_position};

/// The columns that [`read_row`] reads, in their order.
pub(super) const COLUMNS: &str =
    "seq, channel, account, kind, source, occurred_at, received_at, apart, reread, conversation";

/// What has become of an event, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventOutcome {
    /// The worker that it is meant for is done with it.
    Done,
    /// That worker has not come to it yet.
    Waiting,
    /// Its conversation could not be written, or its object not be read; it is tried again.
    Failed,
    /// The same, and it is not tried any more.
    GivenUp,
    /// Workers do not see it.
    Apart,
    /// Nothing follows from it.
    Kept,
}

impl EventOutcome {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Done, Self::Waiting, Self::Failed, Self::GivenUp, Self::Apart, Self::Kept];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
            Self::Apart => "apart",
            Self::Kept => "kept",
        }
    }

    /// The outcome of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// What became of an event. Its content is no part of this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventStatus {
    /// Its number.
    pub seq: i64,
    /// The channel.
    pub channel: String,
    /// The account; empty where none could be read.
    pub account: String,
    /// The person whose conversation it belongs to, as its file is called.
    pub person: Option<String>,
    /// The platform's word for what happened.
    pub kind: String,
    /// The road by which it came first.
    pub source: String,
    /// When it happened, in milliseconds since 1970.
    pub occurred_at: i64,
    /// When it arrived and was stored, in milliseconds since 1970.
    pub received_at: i64,
    /// What has become of it.
    pub outcome: EventOutcome,
    /// Why consumers do not see it; `null`: they do.
    #[serde(rename = "apart")]
    pub set_aside: Option<String>,
    /// Whether the consumer that it is meant for is done with it.
    pub consumed: bool,
    /// The file that holds it, below the output folder; `null`: none does, or none does yet.
    pub file: Option<String>,
    /// What is read again because of it; empty: the whole account.
    pub reread: Option<String>,
    /// Why its conversation could not be written, or its object not be read, the last time.
    pub failed: Option<String>,
    /// Whether that was given up.
    #[serde(rename = "parked")]
    pub is_given_up: bool,
}

impl Journal {
    /// What became of the event of this number.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_event_status(&self, seq: i64) -> Result<Option<EventStatus>, JournalError> {
        self.read(move |connection| find(connection, "seq = ?1", seq)).await
    }

    /// What became of the event with this key.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_event_status_of(&self, key: DedupeKey) -> Result<Option<EventStatus>, JournalError> {
        self.read(move |connection| find(connection, "dedupe = ?1 OR name = ?1", *key.as_bytes())).await
    }
}

fn find(connection: &Connection, which: &str, key: impl rusqlite::ToSql) -> rusqlite::Result<Option<EventStatus>> {
    let found = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM events WHERE {which}"))?
        .query_row([key], read_row)
        .optional()?;
    found.map(|status| status_of(connection, status)).transpose()
}

/// What became of an event of which the row was read.
pub(super) fn status_of(connection: &Connection, mut status: EventStatus) -> rusqlite::Result<EventStatus> {
    if status.set_aside.is_some() {
        status.outcome = EventOutcome::Apart;
        return Ok(status);
    }
    let (table, column, consumer, object) = match (&status.person, &status.reread) {
        (Some(person), _) => ("unfiled", "conversation", CONVERSATIONS_CURSOR, person.clone()),
        (None, Some(object)) => ("rereads", "object", READS_CURSOR, object.clone()),
        (None, None) => return Ok(status),
    };
    status.consumed = status.seq <= cursor_position(connection, consumer)?;
    let waits: Option<(Option<String>, bool)> = connection
        .prepare_cached(&format!(
            "SELECT reason, parked FROM {table} WHERE channel = ?1 AND account = ?2 AND {column} = ?3"
        ))?
        .query_row([&status.channel, &status.account, &object], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let (Some(person), None, true) = (&status.person, &waits, status.consumed) {
        status.file = Some(format!("{}/{}/conversations/{person}.json", status.channel, status.account));
    }
    if let Some((reason, is_given_up)) = waits {
        (status.failed, status.is_given_up) = (reason, is_given_up);
    }
    status.outcome = match &status {
        EventStatus { is_given_up: true, .. } => EventOutcome::GivenUp,
        EventStatus { failed: Some(_), .. } => EventOutcome::Failed,
        EventStatus { consumed: true, .. } => EventOutcome::Done,
        _ => EventOutcome::Waiting,
    };
    Ok(status)
}

/// Reads a row of [`COLUMNS`]. What became of it is not known yet.
pub(super) fn read_row(row: &Row<'_>) -> rusqlite::Result<EventStatus> {
    Ok(EventStatus {
        seq: row.get(0)?,
        channel: row.get(1)?,
        account: row.get(2)?,
        kind: row.get(3)?,
        source: row.get(4)?,
        occurred_at: row.get(5)?,
        received_at: row.get(6)?,
        set_aside: row.get(7)?,
        person: row.get(9)?,
        outcome: EventOutcome::Kept,
        consumed: false,
        file: None,
        reread: row.get(8)?,
        failed: None,
        is_given_up: false,
    })
}
