//! What is asked, and what may become of it.

use std::time::Duration;

use serde_json::Value;

use crate::answering::event::Answerable;
use crate::shared::store::responder::{ResponderOutcome, Settled, Tokens};

/// How long somebody waits at most where the platform sets no end, in milliseconds.
const LONGEST_WAIT_MS: i64 = 24 * 60 * 60 * 1000;

/// What is to be done with an event.
pub(super) enum Next {
    /// It is to be settled.
    Settle(Settled),
    /// It was settled.
    Settled(ResponderOutcome),
    /// Its account was switched off, or it was erased: its row is gone.
    Gone,
    /// Again after this pause; it has cost this.
    Later(Duration, Tokens),
}

impl Next {
    /// Nothing is to be answered any more: a word for why, or a sentence as the database keeps it.
    pub fn dropped(why: &str, tokens: Tokens) -> Self {
        let (outcome, why) = (ResponderOutcome::Dropped, Some(why.to_owned()));
        Self::Settle(Settled { outcome, why, message: None, event: None, tokens })
    }
}

/// What a person asked, as bots read it now.
pub(super) struct Question {
    /// The event.
    pub event: Value,
    /// The id of the person's message.
    pub id: Option<String>,
    /// Whether a bot may answer it.
    pub standing: Answerable,
    /// Whether it is something that no program understands.
    pub is_unknown: bool,
}

impl Question {
    pub fn new(event: Value, standing: Answerable) -> Self {
        // A takeover that is over names the message that waits.
        let id = event["unanswered"].as_str().or(event["id"].as_str()).map(str::to_owned);
        let is_unknown = event["type"] == "message" && event["kind"] == "other";
        Self { event, id, standing, is_unknown }
    }

    /// Until when somebody may wait for an answer, in milliseconds since 1970.
    pub fn until(&self) -> i64 {
        let received = self.event["received_at"].as_str().and_then(milliseconds_of);
        self.standing.until.or(received.map(|at| at.saturating_add(LONGEST_WAIT_MS))).unwrap_or(i64::MAX)
    }

    /// When the message came, in milliseconds since 1970; `None` of a takeover: whether the message in it came before the bot
    /// was switched on was looked at when it was taken.
    pub fn received_at(&self) -> Option<i64> {
        let at = self.event["received_at"].as_str().filter(|_| self.event["type"] == "message");
        at.and_then(milliseconds_of)
    }
}

fn milliseconds_of(time: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(time).ok().map(|at| at.timestamp_millis())
}
