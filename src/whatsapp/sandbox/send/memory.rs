//! What sending leaves behind. Data alone: the state of the platform holds it.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::shared::channel::simulator::Plans;

/// Something that a person can tap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What comes back when it is tapped.
    pub id: String,
    /// What the person reads.
    pub title: String,
    /// The second line of a list's row.
    pub description: Option<String>,
    /// It is the row of a list: a tap comes as `list_reply`.
    pub is_row: bool,
    /// It stands on a template: a tap comes as `button`.
    pub is_template: bool,
}

/// A message as the phone of a person shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The id (`wamid…`).
    pub id: String,
    /// The business wrote it.
    pub from_business: bool,
    /// `text`, `image`, `interactive`, `template`, …
    pub kind: String,
    /// What can be read: the text, the body, the caption, or the text of a template with its parameters.
    pub text: String,
    /// What can be tapped.
    pub choices: Vec<Choice>,
    /// Links behind buttons, cards and media, in order.
    pub links: Vec<String>,
    /// The member of the call that is named as the kind, or the element of `messages[]`.
    pub content: Value,
    /// The message that it quotes.
    pub quotes: Option<String>,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// The person has read it; for the person's own: the business has.
    pub is_read: bool,
}

/// A message that the API took.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The id of the business number.
    pub number: String,
    /// `to` or `recipient`, or the group, as the call had it.
    pub input: String,
    /// The user id of whom it went to; none for a number that nobody has.
    pub user_id: Option<String>,
    /// The id that the answer gave, or would have given.
    pub id: String,
    /// The sender's own mark: `biz_opaque_callback_data`.
    pub mark: Option<String>,
    /// `text`, `image`, `interactive`, `template`, …
    pub kind: String,
    /// What can be read of it.
    pub text: String,
    /// The whole body of the call.
    pub body: Value,
    /// When it was taken.
    pub at: DateTime<Utc>,
}

/// Whether a person can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Yes.
    #[default]
    Open,
    /// The person blocked the business, or has no WhatsApp: 131026.
    Undeliverable,
    /// The person is part of an experiment: 130472.
    Experiment,
    /// Templates of the category marketing are refused: 131050.
    NoMarketing,
}

/// What a message that was taken may still become.
#[derive(Debug, Clone)]
pub struct OnItsWay {
    pub seen: Seen,
    /// The call named the person by user id.
    pub by_user_id: bool,
    pub mark: Option<String>,
    pub pricing: Value,
}

/// Who owns a thread besides us, and since when nobody wrote in it.
#[derive(Debug, Clone)]
pub struct Owner {
    pub role: String,
    pub since: DateTime<Utc>,
}

/// One person with one business number.
#[derive(Default)]
pub struct Chat {
    /// What the phone shows, in order.
    pub seen: Vec<Seen>,
    /// Taken, and not yet on the phone.
    pub on_their_way: VecDeque<OnItsWay>,
    /// How our messages on the phone were addressed, by their id.
    pub delivered: Vec<OnItsWay>,
    /// The person's last message or call.
    pub last_inbound: Option<DateTime<Utc>>,
    /// The person's first message after an ad.
    pub ad_at: Option<DateTime<Utc>>,
    /// How many messages the pair may have at once, as of a time.
    pub pace: Option<(f64, DateTime<Utc>)>,
    /// Another role of Conversation Routing owns the thread.
    pub owner: Option<Owner>,
    /// Until when the person sees that somebody is typing.
    pub typing_until: Option<DateTime<Utc>>,
}

/// What a call is refused with on request: a code of the API.
pub type Code = i64;

/// Everything about sending that belongs to no chat.
#[derive(Default)]
pub struct Sending {
    pub sent: Vec<Sent>,
    pub plans: Plans<Code>,
    /// 131047, 131026 and their like come as a status `failed` after a 200.
    pub refuses_late: bool,
    /// Neither the pair's nor the number's rate is looked at.
    pub ignores_rates: bool,
    /// Messages of the last second of a number, sent and received.
    pub recent: VecDeque<(String, DateTime<Utc>)>,
    /// Calls that marked a message as read: its id, and whether the person saw somebody typing.
    pub marked_read: Vec<(String, bool)>,
}
