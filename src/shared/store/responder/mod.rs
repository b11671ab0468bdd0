//! The built-in responder's tables (`journal.db`): where it may answer, what it has to answer, and what it did.

mod accounts;
mod deeds;
mod people;
mod taking;
mod turns;

use rusqlite::Row;
use uuid::Uuid;

use super::PartState;
use crate::shared::channel::dialogue::Reason;
use crate::shared::journal::{Account, Conversation};

pub use self::turns::PutOff;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// For how many days what it did is shown.
const SHOWN_DAYS: i64 = 90;

/// An account whose merchant lets the responder answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponderAccount {
    /// The account.
    pub account: Account,
    /// Its merchant when it was switched on.
    pub merchant: Uuid,
    /// When it was switched on, in milliseconds since 1970.
    pub since: i64,
}

/// An event that the responder has taken and not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponderTurn {
    /// Whose it is.
    pub merchant: Uuid,
    /// Its number in the feed.
    pub n: i64,
    /// The number in the feed of what is to be answered: another one where an answer to it failed.
    pub asked: i64,
    /// The conversation.
    pub conversation: Conversation,
    /// Since when it is due, in milliseconds since 1970.
    pub due_at: i64,
    /// How often it was put off: the model or the account did not answer.
    pub tries: i64,
    /// How often working on it failed for a reason of our own.
    pub failures: i64,
    /// The answer that failed, if there was one.
    pub failed: Option<FailedAnswer>,
}

/// An answer of the responder that did not reach the person, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAnswer {
    /// Why it failed.
    pub reason: Reason,
    /// Whether a part of it may have reached the person.
    pub may_have_left: bool,
    /// How many answers to the same event were accepted until then.
    pub answers: i64,
}

/// How many tokens the model took in and gave out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Those of what it was told.
    pub taken_in: i64,
    /// Those of what it said.
    pub given_out: i64,
}

impl Tokens {
    /// Both together.
    #[must_use]
    pub fn sum(self) -> i64 {
        self.taken_in.saturating_add(self.given_out)
    }

    /// These and those.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            taken_in: self.taken_in.saturating_add(other.taken_in),
            given_out: self.given_out.saturating_add(other.given_out),
        }
    }
}

/// How an event was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponderOutcome {
    /// A message was accepted for the person.
    Answered,
    /// A human is to answer.
    HandedOver,
    /// Nothing was to be answered any more.
    Dropped,
}

impl ResponderOutcome {
    /// The word in the database and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::HandedOver => "handed_over",
            Self::Dropped => "dropped",
        }
    }

    fn of(word: &str) -> Self {
        [Self::Answered, Self::HandedOver].into_iter().find(|one| one.as_str() == word).unwrap_or(Self::Dropped)
    }
}

/// What the responder did with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// How it was settled.
    pub outcome: ResponderOutcome,
    /// Why it was not answered.
    pub why: Option<String>,
    /// The message that answers: `msg_…`.
    pub message: Option<String>,
    /// The id of the person's message that is answered: `evt_…`.
    pub event: Option<String>,
    /// What it cost.
    pub tokens: Tokens,
}

/// What the responder did, as its merchant sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// The conversation.
    pub conversation: Conversation,
    /// What the person is called.
    pub name: Option<String>,
    /// How the event was settled.
    pub settled: Settled,
    /// How far the message has come that answers, while it is known.
    pub state: Option<PartState>,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// Under which key the answer to an event is accepted. The blank keeps it apart from the keys of merchants' own bots: no
/// request can carry one.
#[must_use]
pub fn answer_key(n: i64) -> String {
    format!("responder {n}")
}

/// What all of these keys match, as a pattern of SQLite's `GLOB`.
const ANSWER_KEYS: &str = "responder [0-9]*";

fn uuid_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let wrong = |error: uuid::Error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
    };
    row.get_ref(column)?.as_str()?.parse().map_err(wrong)
}
