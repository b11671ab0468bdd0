//! Whom an event is about: an account of a channel, and a person with whom it talks.

use rusqlite::Row;

use super::event::DedupeKey;

/// A channel and an account of it.
pub type Account = (String, String);

/// Names a conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conversation {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// The person's id.
    pub person: String,
}

impl Conversation {
    /// A key that no other conversation has.
    #[must_use]
    pub fn key(&self) -> DedupeKey {
        DedupeKey::new(&self.channel, &self.account, &[self.person.as_bytes()])
    }

    /// How it is called where its events stand in order.
    #[must_use]
    pub(in crate::shared) fn number(&self) -> i64 {
        conversation_number(&self.channel, &self.account, &self.person)
    }

    /// Reads a row that begins with channel, account and person.
    pub(super) fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? })
    }
}

/// How a conversation is called in the table `conversation_events`: 64 bits of its hash. Two that share a number share
/// rows, and whoever reads compares the event itself.
#[must_use]
pub(in crate::shared) fn conversation_number(channel: &str, account: &str, person: &str) -> i64 {
    DedupeKey::new(channel, account, &[person.as_bytes()]).as_number()
}
