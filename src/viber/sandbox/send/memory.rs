//! What sending leaves behind. Data alone: the state of the platform holds it.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// A button of a keyboard or of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tappable {
    /// What the person reads: the button's text without markup.
    pub text: String,
    /// What comes back, or the link that opens.
    pub action_body: String,
    /// `reply`, `open-url`, …
    pub action_type: String,
}

/// A message as the phone of a person shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its message token.
    pub token: u64,
    /// The bot wrote it.
    pub from_bot: bool,
    /// `text`, `picture`, `rich_media`, …; `keyboard` for a keyboard alone.
    pub kind: String,
    /// What can be read: the text, the caption, the text of cards.
    pub text: String,
    /// The name above it, of the bot's messages.
    pub sender: String,
    /// What can be tapped: the keyboard's buttons and the card's.
    pub buttons: Vec<Tappable>,
    /// The medium behind it.
    pub media: Option<String>,
    /// What comes back with the person's next message.
    pub tracking_data: Option<String>,
    /// The body of the call, or the member `message` of the callback.
    pub content: Value,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// The person has read it.
    pub is_read: bool,
}

impl Seen {
    /// What the person wrote, as their own phone shows it.
    #[must_use]
    pub fn of_person(token: u64, message: &Value, at: DateTime<Utc>) -> Self {
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        Self {
            token,
            from_bot: false,
            kind: text("type"),
            text: text("text"),
            sender: String::new(),
            buttons: Vec::new(),
            media: message["media"].as_str().map(str::to_owned),
            tracking_data: None,
            content: message.clone(),
            at,
            is_read: true,
        }
    }
}

/// A message that the API took.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// Whom it is for.
    pub receiver: String,
    /// The token that the answer gave, or would have given.
    pub token: u64,
    /// `text`, `picture`, …
    pub kind: String,
    /// What can be read of it.
    pub text: String,
    /// The sender's own mark.
    pub tracking_data: Option<String>,
    /// The whole body of the call.
    pub body: Value,
    /// It belonged to a session; outside of one each is charged.
    pub in_session: bool,
    /// When it was taken.
    pub at: DateTime<Utc>,
}

/// A message that was taken and is not on the phone yet.
#[derive(Debug, Clone)]
pub struct OnItsWay(pub Seen);
