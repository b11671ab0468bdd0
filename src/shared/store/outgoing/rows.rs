//! An outgoing message as it stands, and as it is shown.

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::{Value, json};

use crate::shared::channel::dialogue::{Part, Reason};
use crate::shared::journal::Conversation;

pub use crate::shared::channel::dialogue::Author;

impl Author {
    fn of(word: &str) -> Self {
        if word == "human" { Self::Human } else { Self::Bot }
    }
}

/// How far a part has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartState {
    /// It failed for good.
    Failed,
    /// Its call left, and no answer came.
    Unknown,
    /// It waits.
    Accepted,
    /// The platform took it.
    Sent,
    /// It is on a device.
    Delivered,
    /// It was read.
    Read,
}

impl PartState {
    const ALL: [Self; 6] = [Self::Failed, Self::Unknown, Self::Accepted, Self::Sent, Self::Delivered, Self::Read];

    /// The word in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    pub(in crate::shared::store) fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == word).unwrap_or(Self::Failed)
    }

    /// Whether something is still to be done with it.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Accepted | Self::Unknown)
    }
}

/// A message on its way out.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The order in which messages were accepted.
    pub number: i64,
    /// `msg_…`.
    pub id: String,
    /// Whose it is.
    pub merchant: String,
    /// To whom it goes.
    pub conversation: Conversation,
    /// Who wrote it.
    pub author: Author,
    /// The event that it answers.
    pub answers: Option<String>,
    /// When it was accepted, in milliseconds since 1970.
    pub created_at: i64,
    /// Until when it may be sent.
    pub expires_at: i64,
    /// How often a part of it was called.
    pub tries: i64,
    /// Not called again before this time.
    pub next_try_at: Option<i64>,
    /// Its parts, in order.
    pub parts: Vec<OutgoingPart>,
}

/// A part of a message.
#[derive(Debug, Clone)]
pub struct OutgoingPart {
    /// 1, 2, 3 …
    pub n: i64,
    /// `text`, `media`, `products`, `template`.
    pub kind: String,
    /// What is in it; `None`: it was erased.
    pub content: Option<Part>,
    /// How far it has come.
    pub state: PartState,
    /// A call is under way since.
    pub called_at: Option<i64>,
    /// Since when nobody knows whether it was sent.
    pub unknown_at: Option<i64>,
    /// How often it was looked for since, and not found.
    pub looks: i64,
    /// How often the platform did not take it with an error of which nobody knows what it means.
    pub general_errors: i64,
    /// The platform's id.
    pub platform_id: Option<String>,
    /// When the platform took it.
    pub sent_at: Option<i64>,
    /// When it was on a device.
    pub delivered_at: Option<i64>,
    /// When it was read.
    pub read_at: Option<i64>,
    /// Why it failed: the reason and the platform's code.
    pub failure: Option<(Reason, Option<String>)>,
    /// What the platform says about costs: JSON.
    pub billing: Option<String>,
}

impl Outgoing {
    /// The mark that a part carries at the platform.
    #[must_use]
    pub fn mark(&self, n: i64) -> String {
        format!("{}:{n}", self.id)
    }

    /// The state of the whole: that of its least advanced part; a failed or unknown one comes before all. While a part is
    /// being called, the message has not failed yet, whatever became of those behind it.
    #[must_use]
    pub fn state(&self) -> PartState {
        if self.parts.iter().any(|part| part.state == PartState::Accepted && part.called_at.is_some()) {
            return PartState::Accepted;
        }
        self.parts.iter().map(|part| part.state).min().unwrap_or(PartState::Failed)
    }

    /// The message as the API shows it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let parts: Vec<Value> = self
            .parts
            .iter()
            .map(|part| {
                json!({
                    "n": part.n, "kind": part.kind, "state": part.state.as_str(), "platform_id": part.platform_id,
                    "failure": failure_of(part),
                })
            })
            .collect();
        let failure = self.parts.iter().find(|part| part.state == PartState::Failed).map_or(Value::Null, failure_of);
        // The whole is sent, delivered or read when its last part is.
        let latest = |time: fn(&OutgoingPart) -> Option<i64>| {
            let times: Option<Vec<i64>> = self.parts.iter().map(time).collect();
            times.and_then(|times| times.into_iter().max()).map(rfc3339)
        };
        let billing = self.parts.iter().rev().find_map(|part| part.billing.as_deref());
        json!({
            "id": self.id,
            "state": self.state().as_str(),
            "channel": self.conversation.channel,
            "account": self.conversation.account,
            "person": self.conversation.person,
            "author": self.author.as_str(),
            "answers": self.answers,
            "parts": parts,
            "created_at": rfc3339(self.created_at),
            "expires_at": rfc3339(self.expires_at),
            "sent_at": latest(|part| part.sent_at),
            "delivered_at": latest(|part| part.delivered_at),
            "read_at": latest(|part| part.read_at),
            "tries": self.tries,
            "next_try_at": self.next_try_at.map(rfc3339),
            "failure": failure,
            "billing": billing.and_then(|text| serde_json::from_str::<Value>(text).ok()),
        })
    }
}

fn failure_of(part: &OutgoingPart) -> Value {
    match &part.failure {
        Some((reason, code)) => json!({ "reason": reason, "code": code }),
        None => Value::Null,
    }
}

/// A time as the API writes it: UTC with milliseconds.
#[must_use]
pub(super) fn rfc3339(at: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An event's id as the API writes it.
#[must_use]
pub(super) fn event_id(key: &[u8]) -> String {
    key.iter().fold("evt_".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// The key of an event by the id that the API gave it.
#[must_use]
pub(in crate::shared::store) fn key_of_event(id: &str) -> Option<Vec<u8>> {
    let digits = id.strip_prefix("evt_").filter(|digits| digits.len() == 32 && digits.is_ascii())?;
    (0..16).map(|byte| u8::from_str_radix(digits.get(2 * byte..2 * byte + 2)?, 16).ok()).collect()
}

/// A part as it stands in its column.
pub(super) fn written(part: &Part) -> rusqlite::Result<String> {
    serde_json::to_string(part).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

pub(super) const COLUMNS: &str = "number, id, merchant, channel, account, conversation, author, answers, created_at, \
     expires_at, tries, next_try_at";

/// Reads a row of [`COLUMNS`], without its parts.
pub(super) fn read_message(row: &Row<'_>) -> rusqlite::Result<Outgoing> {
    Ok(Outgoing {
        number: row.get(0)?,
        id: row.get(1)?,
        merchant: row.get(2)?,
        conversation: Conversation { channel: row.get(3)?, account: row.get(4)?, person: row.get(5)? },
        author: Author::of(row.get_ref(6)?.as_str()?),
        answers: row.get::<_, Option<Vec<u8>>>(7)?.as_deref().map(event_id),
        created_at: row.get(8)?,
        expires_at: row.get(9)?,
        tries: row.get(10)?,
        next_try_at: row.get(11)?,
        parts: Vec::new(),
    })
}

/// Adds the parts to a message.
pub(super) fn with_parts(connection: &Connection, mut message: Outgoing) -> rusqlite::Result<Outgoing> {
    let mut find = connection.prepare_cached(
        "SELECT n, kind, content, state, called_at, unknown_at, looks, platform_id, sent_at, delivered_at, read_at, reason,
                code, billing, general_errors
         FROM outgoing_parts WHERE message = ?1 ORDER BY n",
    )?;
    message.parts = find.query_map([message.number], read_part)?.collect::<rusqlite::Result<_>>()?;
    Ok(message)
}

fn read_part(row: &Row<'_>) -> rusqlite::Result<OutgoingPart> {
    let content: Option<String> = row.get(2)?;
    let reason: Option<String> = row.get(11)?;
    let code: Option<String> = row.get(12)?;
    Ok(OutgoingPart {
        n: row.get(0)?,
        kind: row.get(1)?,
        content: content.and_then(|content| serde_json::from_str(&content).ok()),
        state: PartState::of(row.get_ref(3)?.as_str()?),
        called_at: row.get(4)?,
        unknown_at: row.get(5)?,
        looks: row.get(6)?,
        platform_id: row.get(7)?,
        sent_at: row.get(8)?,
        delivered_at: row.get(9)?,
        read_at: row.get(10)?,
        failure: reason.and_then(|word| Reason::from_word(&word)).map(|reason| (reason, code)),
        billing: row.get(13)?,
        general_errors: row.get(14)?,
    })
}

/// A message with its parts.
pub(in crate::shared::store) fn find(connection: &Connection, number: i64) -> rusqlite::Result<Option<Outgoing>> {
    let found = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM outgoing WHERE number = ?1"))?
        .query_row([number], read_message)
        .optional()?;
    found.map(|message| with_parts(connection, message)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::journal::DedupeKey;

    #[test]
    fn an_events_id_is_its_key_and_back() {
        let key = DedupeKey::new("c", "a", &[b"x"]);
        let id = event_id(key.as_bytes());
        assert_eq!((id.len(), key_of_event(&id).as_deref()), (36, Some(key.as_bytes().as_slice())));
        for other in
            ["", "evt_", "evt_5f0c", "msg_00000000000000000000000000000000", "evt_zz000000000000000000000000000000"]
        {
            assert_eq!(key_of_event(other), None, "{other}");
        }
    }

    #[test]
    fn the_least_advanced_part_tells_the_state() {
        use PartState::{Accepted, Delivered, Failed, Read, Sent, Unknown};
        let mut states = [Read, Accepted, Failed, Sent, Unknown, Delivered];
        states.sort_unstable();
        assert_eq!(states, [Failed, Unknown, Accepted, Sent, Delivered, Read]);
    }
}
