//! What an event of a conversation means to whoever answers: the same types for every platform.
//!
//! A channel reads the bytes as they came ([`super::dialogue::Dialogue::meaning`]); everything above it, the feed, the
//! window, pauses and states of what was sent, follows from these types alone.

use serde::Serialize;

use super::reason::{AccountFault, Reason};

/// What an event of a conversation means.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// The person said something: wrote, tapped, ordered.
    Said(Said),
    /// Something went out to the person, whoever sent it.
    WentOut(WentOut),
    /// What was sent has reached the person, or was read.
    Receipt(Receipt),
    /// Another app answers in this thread from now on, or this one again.
    Control(Control),
    /// The person cannot be written to from now on, until they write again or [`Meaning::CanReceive`]: `why` is the word in the
    /// API, such as `unsubscribed`.
    CannotReceive {
        /// Why.
        why: &'static str,
    },
    /// The person can be written to again.
    CanReceive,
    /// The person says whether they want advertising.
    Advertising {
        /// Whether they want none.
        is_refused: bool,
    },
    /// Anything else about the person. `opens_window`: it allows answers like a message does.
    Activity {
        /// Whether answers are allowed because of it.
        opens_window: bool,
    },
    /// Something that was said or sent before is taken back: what it said is gone by now.
    TakesBack,
    /// It cannot be read.
    Unreadable,
}

/// What kind of thing was said or sent: the word in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Words.
    Text,
    /// A button, quick reply or list entry that was tapped.
    Choice,
    /// Pictures, videos, voice messages, files, stickers.
    Media,
    /// A place.
    Location,
    /// An order.
    Order,
    /// A product that is asked about.
    Product,
    /// Anything else.
    Other,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The platform's id of it.
    pub platform_id: Option<String>,
    /// Its kind.
    pub kind: Kind,
    /// The words; of a tap its title.
    pub text: Option<String>,
    /// What was tapped, by the id that the sender gave it.
    pub choice: Option<Chosen>,
    /// What came with it.
    pub media: Vec<MediaSeen>,
    /// The platform's id of the message that it answers.
    pub reply_to: Option<String>,
    /// Where the person came from, as the platform tells it: JSON.
    pub referral: Option<String>,
    /// Whether an advertisement brought the person: the platform may allow answers for longer then.
    pub is_from_ad: bool,
}

/// A button, quick reply or list entry that was tapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chosen {
    /// The id that the sender gave it.
    pub id: String,
    /// Its words.
    pub title: Option<String>,
}

/// What came with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MediaSeen {
    /// The platform's word: `image`, `video`, `audio`, `file`, `sticker`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the platform shows it, for as long as it does.
    pub url: Option<String>,
}

/// Something that went out.
#[derive(Debug, Clone, PartialEq)]
pub struct WentOut {
    /// The platform's id of it.
    pub platform_id: Option<String>,
    /// What all ids have in common that the platform gives it; `None`: it has one alone.
    pub common_id: Option<String>,
    /// Its kind.
    pub kind: Kind,
    /// The words.
    pub text: Option<String>,
    /// What came with it.
    pub media: Vec<MediaSeen>,
    /// The platform's id of the message that it answers.
    pub reply_to: Option<String>,
    /// Who sent it.
    pub from: Origin,
    /// The mark that it carries: of what we sent, our own.
    pub mark: Option<String>,
}

/// Who sent something that went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// This app.
    Us,
    /// Another app, by its id at the platform.
    App(String),
    /// A person in the platform's own inbox, or the platform for them.
    Inbox,
    /// The platform does not tell: so it is with messages that were read back.
    Untold,
}

/// What was sent has reached the person, or was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What happened.
    pub what: Receiving,
    /// To all that were sent at or before this time of the platform's, in milliseconds since 1970.
    pub until: Option<i64>,
    /// To those with these ids of the platform; with [`Receiving::Read`] to all before them, too.
    pub messages: Vec<String>,
    /// To the one that carries this mark of ours.
    pub mark: Option<String>,
    /// Whether it is also about a message that we do not know by its id, if exactly one of this person is of unknown fate.
    pub tells_of_unknown: bool,
    /// With [`Receiving::Failed`]: the platform's code, and what it means.
    pub failure: Option<(String, Reason)>,
    /// With [`Receiving::Failed`]: what is wrong with the account, where it failed because of that.
    pub account: Option<AccountFault>,
    /// With [`Receiving::Failed`]: whether it failed because the person wants no advertising.
    pub refuses_advertising: bool,
    /// What the platform says about costs, as JSON.
    pub billing: Option<serde_json::Value>,
}

impl Receipt {
    /// This happened to all that were sent at or before this time, in milliseconds since 1970.
    #[must_use]
    pub fn until(what: Receiving, until: i64) -> Self {
        Self { until: Some(until), ..Self::of(what, Vec::new()) }
    }

    /// This happened to those with these ids of the platform.
    #[must_use]
    pub fn of(what: Receiving, messages: Vec<String>) -> Self {
        Self {
            what,
            until: None,
            messages,
            mark: None,
            tells_of_unknown: false,
            failure: None,
            account: None,
            refuses_advertising: false,
            billing: None,
        }
    }
}

/// What happened to messages that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiving {
    /// The platform took them.
    Sent,
    /// They are on a device.
    Delivered,
    /// They were read.
    Read,
    /// They did not reach the person.
    Failed,
}

/// Who answers in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Another app does.
    Lost,
    /// This app does, again.
    Back,
}
