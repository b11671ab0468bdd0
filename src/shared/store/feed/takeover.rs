//! Who silences bots, and what bots are told of it.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::insert::insert_item;
use super::item::ItemKind;
use super::numbering::{NewItem, event_id};
use crate::shared::journal::Conversation;
use crate::shared::store::conversation_states::{ConversationState, Pause, PausedBy, standing_of};

/// Who silences bots by answering, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takeovers {
    /// For how long after the newest such message.
    pub pause: Duration,
    /// Whether humans do.
    pub by_human: bool,
    /// Whether other apps do.
    pub by_app: bool,
}

impl Default for Takeovers {
    fn default() -> Self {
        Self { pause: Duration::from_secs(60 * 60), by_human: true, by_app: true }
    }
}

/// By which rules events are taken into the feed.
#[derive(Debug, Clone, Copy)]
pub struct FeedRules {
    /// Who silences bots by answering.
    pub takeovers: Takeovers,
    /// For how long a message waits for another one of the same person, in milliseconds.
    pub settle_ms: i64,
    /// For how long another app answers after the newest sign of it, in milliseconds.
    pub lost_ms: i64,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakeoverState {
    /// Bots are to be silent.
    Paused,
    /// They may answer again.
    Resumed,
    /// Another app answers.
    OwnerLost,
    /// This app may answer again.
    OwnerBack,
}

/// What a takeover item says, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takeover {
    /// What changed.
    pub state: TakeoverState,
    /// Because of whom: `human`, `app`, `api`.
    pub by: Option<String>,
    /// Until when, in milliseconds since 1970.
    pub until: Option<i64>,
    /// What the one who asked for it noted.
    pub note: Option<String>,
    /// The id of the message that nobody has answered.
    pub unanswered: Option<String>,
}

/// A conversation whose merchant is told of a change.
pub(super) struct Told<'a> {
    /// The merchant.
    pub merchant: &'a str,
    /// The conversation.
    pub conversation: &'a Conversation,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
}

impl Told<'_> {
    /// Tells that bots are to be silent.
    pub fn paused(&self, connection: &Connection, pause: &Pause) -> rusqlite::Result<()> {
        self.tell(connection, TakeoverState::Paused, Some(pause), None)
    }

    /// Tells that another app answers.
    pub fn owner_lost(&self, connection: &Connection) -> rusqlite::Result<()> {
        self.tell(connection, TakeoverState::OwnerLost, None, None)
    }

    /// Tells that bots may answer again, and what nobody has answered. `state`: the conversation's.
    pub fn over(
        &self,
        connection: &Connection,
        what: TakeoverState,
        by: Option<PausedBy>,
        state: &ConversationState,
    ) -> rusqlite::Result<()> {
        let unanswered = find_unanswered(connection, self.conversation, state)?;
        let pause = by.map(|by| Pause::by(by, None));
        self.tell(connection, what, pause.as_ref(), unanswered)
    }

    fn tell(
        &self,
        connection: &Connection,
        state: TakeoverState,
        pause: Option<&Pause>,
        unanswered: Option<(i64, String)>,
    ) -> rusqlite::Result<()> {
        let (seq, unanswered) = unanswered.unzip();
        let takeover = Takeover {
            state,
            by: pause.map(|pause| pause.by.as_str().to_owned()),
            until: pause.and_then(|pause| pause.until),
            note: pause.and_then(|pause| pause.note.as_ref()).map(ToString::to_string),
            unanswered,
        };
        let Conversation { channel, account, person } = self.conversation;
        let item = NewItem {
            merchant: self.merchant,
            kind: ItemKind::Takeover,
            channel,
            account,
            person: Some(person),
            seq,
            key: None,
            at: self.at,
            received_at: self.now_ms,
            content: serde_json::to_string(&takeover).ok(),
        };
        insert_item(connection, &item, self.now_ms)
    }
}

/// The newest thing that the person said, if nothing went out after it: its number and its id.
pub(super) fn find_unanswered(
    connection: &Connection,
    conversation: &Conversation,
    state: &ConversationState,
) -> rusqlite::Result<Option<(i64, String)>> {
    let Some(said) = standing_of(connection, conversation, state.clone())?.unanswered() else { return Ok(None) };
    let key: Option<Vec<u8>> = connection
        .prepare_cached("SELECT dedupe FROM events WHERE seq = ?1 AND conversation = ?2")?
        .query_row(params![said.seq, conversation.person], |row| row.get(0))
        .optional()?;
    Ok(key.map(|key| (said.seq, event_id(&key))))
}
