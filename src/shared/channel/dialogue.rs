//! How a channel takes part in conversations: what its events mean, what it can send, and how.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::job::BoxFuture;
use super::meaning::Meaning;
use super::reader::ReadError;
pub use super::reason::{AccountFault, Fault, Reason};
pub use super::text_limit::TextLimit;
use crate::shared::journal::Event;
use crate::shared::languages::Sentence;
use crate::shared::outgoing::http::NoAnswer;
use crate::shared::store::Item;

/// What a channel gives so that people on its platform can be answered. Everything that holds for all platforms (order,
/// retries, states, windows, pauses) is decided above it.
pub trait Dialogue: Send + Sync {
    /// What an event of a conversation of this account means.
    fn meaning(&self, account: &str, item: &Item) -> Meaning;

    /// What can be sent, and within which limits.
    fn profile(&self) -> &Profile;

    /// Sends one part, once. `mark`: comes back with the echo where the platform has one.
    ///
    /// # Errors
    /// [`SendError`], whose variants say whether the part may have been sent.
    fn send<'a>(&'a self, to: Recipient<'a>, part: &'a Part, mark: &'a str) -> BoxFuture<'a, Result<Sent, SendError>>;

    /// Shows that somebody types, or that everything was seen. Best effort.
    ///
    /// # Errors
    /// What the platform said; nobody waits for it.
    fn signal<'a>(&'a self, to: Recipient<'a>, signal: Signal) -> BoxFuture<'a, Result<(), SendError>>;

    /// Reads the newest messages of a conversation again, as events for the journal: this is how it is found out whether
    /// a part was sent whose answer was lost. `quoted`: what the parts quote that are looked for, by the platform's ids; some
    /// platforms list answers to a message beside it alone.
    ///
    /// # Errors
    /// [`ReadError`], also where the list is longer than what was read of it: then nothing proves that a part is absent.
    fn read_newest<'a>(
        &'a self,
        to: Recipient<'a>,
        quoted: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Event>, ReadError>>;

    /// Passes control of the thread to the platform's own inbox, or takes it back, where the platform knows that.
    ///
    /// # Errors
    /// What the platform said.
    fn hand_over<'a>(&'a self, to: Recipient<'a>, way: HandOver) -> BoxFuture<'a, Result<(), SendError>>;

    /// Why nothing can ever be sent to this person in this way; `None`: nothing is known that stands against it.
    fn forbids(&self, _to: Recipient<'_>, _part: &Part, _author: Author) -> Option<Forbidden> {
        None
    }

    /// What a human must know before they write in this conversation, one sentence; `None`: nothing out of the ordinary.
    fn notice(&self, _to: Recipient<'_>) -> Option<Sentence> {
        None
    }

    /// Whether a conversation with this person may begin with a template, although they never wrote: the name is one that
    /// the platform can send to.
    fn may_begin_with(&self, _person: &str) -> bool {
        false
    }

    /// How long the text of a part may be that has these choices under it; without any, as the [`Profile`] says or less. A
    /// longer text is cut, and the choices stand under the last piece.
    fn text_limit(&self, _choices: &[Choice]) -> TextLimit {
        self.profile().text
    }

    /// What a refusal with this code says of the person's next messages. `None`: nothing.
    fn unreachable_after(&self, _code: &str) -> Option<Unreachable> {
        None
    }

    /// Whether this template advertises: nobody gets one who does not want advertising.
    fn advertises<'a>(&'a self, _template: &'a serde_json::Value) -> BoxFuture<'a, bool> {
        Box::pin(async { false })
    }

    /// How many messages came in for which accounts since this was last asked, where the platform counts them with those that
    /// go out.
    fn take_came_in(&self) -> Vec<(String, u32)> {
        Vec::new()
    }

    /// What this platform does not take of a part that keeps to the [`Profile`]; `None`: nothing. The part is as it is stored: cards
    /// are not filled in.
    fn misfit(&self, _part: &Part) -> Option<Misfit> {
        None
    }

    /// The words as which a part goes out, where the platform has no form of its own for what is in it; `None`: it goes out as
    /// it is. They are kept before the call, so that they are known again when the platform shows them. Cards are filled in.
    fn in_words(&self, _part: &Part) -> Option<String> {
        None
    }

    /// The copy of a part that was sent, in the platform's own shape of outgoing messages: an event whose key is that of
    /// the platform's id. `None`: the platform shows it itself ([`Profile::has_echo`]), or it cannot be made now. Nothing is
    /// asked of the platform. `at_ms`: when it was sent.
    fn own_copy<'a>(
        &'a self,
        _to: Recipient<'a>,
        _part: &'a Part,
        _sent: &'a Sent,
        _at_ms: i64,
    ) -> BoxFuture<'a, Option<Event>> {
        Box::pin(async { None })
    }

    /// Whether messages can be sent with these permissions, which the login of an account granted; none where that is not known.
    fn may_send(&self, _granted: &[String]) -> bool {
        true
    }

    /// What a part cost, in one word for a metric, of what the platform says about it. `None`: it says that later. As it
    /// stands here it is the first short text or whole number that the platform says, and `none` where it says nothing.
    fn billing_word(&self, billing: Option<&serde_json::Value>) -> Option<String> {
        let Some(billing) = billing else { return Some("none".to_owned()) };
        let of_value = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => billing_label(text),
            value if value.is_u64() => Some(value.to_string()),
            _ => None,
        };
        let word = billing.as_object().and_then(|members| members.values().find_map(of_value));
        Some(word.unwrap_or_else(|| "other".to_owned()))
    }

    /// The account's templates. `None`: the platform has none.
    fn templates<'a>(&'a self, _account: &'a str) -> Option<BoxFuture<'a, Result<Vec<TemplateSeen>, SendError>>> {
        None
    }
}

/// A platform's word as the value of a label: short, and of few letters.
#[must_use]
pub fn billing_label(word: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    ((1..=32).contains(&word.len()) && word.bytes().all(is_plain)).then(|| word.to_ascii_lowercase())
}

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// A program.
    Bot,
    /// A human.
    Human,
}

impl Author {
    /// The word in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Human => "human",
        }
    }
}

/// Why nothing can be sent, whatever the time and whoever answers in the thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forbidden {
    /// The platform's programme does not allow it to this app: `not-permitted`.
    NotPermitted {
        /// A sentence for a person.
        sentence: Sentence,
    },
    /// This content cannot go to a group: `cannot-receive`.
    Group,
}

/// What a platform does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// A member does not fit: `invalid`.
    Invalid {
        /// Which one, as a JSON pointer into the request: `/choices/1/title`.
        pointer: String,
        /// What is wrong, a sentence.
        message: String,
    },
    /// The channel cannot send this at all: `unsupported`.
    Unsupported,
    /// The medium cannot be sent: `media-refused`.
    Media {
        /// Why, one word: `size`, `type`.
        why: &'static str,
    },
}

/// A message that the platform approved before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TemplateSeen {
    /// Its name.
    pub name: String,
    /// Its language: `en_US`.
    pub language: String,
    /// The platform's word for what it is for: `MARKETING`.
    pub category: String,
    /// The platform's word for its state: `APPROVED`.
    pub status: String,
    /// How many parameters it has.
    pub parameters: usize,
    /// Its text, with places for the parameters.
    pub text: String,
}

/// To whom something goes, by the names of files and URLs.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The account that writes.
    pub account: &'a str,
    /// The person.
    pub person: &'a str,
}

/// What can be sent, and within which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The kinds.
    pub can: &'static [Ability],
    /// How long the text of a part may be.
    pub text: TextLimit,
    /// How many choices a message may have.
    pub choices: usize,
    /// How many product cards go into a part.
    pub cards: usize,
    /// Which media carry a text, and of how many characters at most; otherwise the text is a part before the medium.
    pub captions: &'static [(MediaKind, usize)],
    /// As [`Profile::captions`], for product cards that fit into one part; `None`: they carry none.
    pub caption_of_products: Option<usize>,
    /// When answers are allowed.
    pub window: WindowRule,
    /// How much is sent at most.
    pub rate: Rate,
    /// Whether the platform shows what was sent as an event: then that is the copy in the file.
    pub has_echo: bool,
    /// How soon after a message of the person something from the inbox is an automatic answer; `None`: never.
    pub automation_within: Option<Duration>,
    /// How long the next part waits at most for the one before to be delivered; `None`: it does not.
    pub waits_for_delivery: Option<Duration>,
    /// How much goes to one person at most; `None`: as much as the account may.
    pub person_rate: Option<PersonRate>,
    /// How many messages go to one person within this time while they do not write; `None`: any number.
    pub without_reply: Option<(u32, Duration)>,
    /// How it is found out whether a part was sent whose answer was lost.
    pub lost_answers: LostAnswers,
    /// Whether answers can be read by everybody: bots are told so and wait, unless the settings let them answer.
    pub is_public: bool,
}

/// How much goes to one person at most: so many at once, then one in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonRate {
    /// So many at once.
    pub burst: u32,
    /// Then one in so long.
    pub every: Duration,
}

/// How it is found out whether a part was sent whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostAnswers {
    /// The conversation can be read: what is twice not in it was not sent, and is sent once more.
    AreRead,
    /// Only a report can tell (a receipt that carries our mark, or the id of a message that we do not know): what nobody
    /// reports stays unknown until it is given up.
    AreReported,
}

/// A kind of content or sign that a channel can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ability {
    /// Words.
    Text,
    /// Pictures, videos, sounds, files.
    Media,
    /// Buttons under a message.
    Choices,
    /// Product cards.
    Products,
    /// Messages that the platform approved before.
    Template,
    /// "Somebody types."
    Typing,
    /// "Seen."
    Seen,
}

impl Ability {
    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Media => "media",
            Self::Choices => "choices",
            Self::Products => "products",
            Self::Template => "template",
            Self::Typing => "typing",
            Self::Seen => "seen",
        }
    }
}

/// When answers are allowed. `None`: always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowRule {
    /// So long after the person did something.
    pub free: Option<Duration>,
    /// So long after the first message that an advertisement brought: the platform decides.
    pub after_ad: Option<Duration>,
    /// So long after the person did something, if a human writes; `None`: not allowed.
    pub human: Option<Duration>,
    /// Whether the settings do not switch `human` on.
    pub human_is_off: bool,
}

impl WindowRule {
    /// So long after the person did something a human may write; `None`: not allowed, or not switched on.
    #[must_use]
    pub fn for_humans(self) -> Option<Duration> {
        self.human.filter(|_| !self.human_is_off)
    }
}

/// How much an account sends at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many parts…
    pub parts: u32,
    /// … in so long; the same number may go out in a burst.
    pub per: Duration,
    /// The same for audio and video.
    pub heavy: u32,
}

/// One part of a message: what becomes one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What is in it.
    pub content: PartContent,
    /// Buttons under it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// The platform's id of the message that is quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Whether a human wrote it, after the time in which a bot may: the platform is told.
    #[serde(default)]
    pub is_human: bool,
}

/// What is in a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum PartContent {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// Something that the platform fetches from an address.
    Media {
        /// The address.
        url: String,
        /// What it is.
        #[serde(rename = "type")]
        media: MediaKind,
        /// A name for a file.
        #[serde(default)]
        name: Option<String>,
        /// Words that belong to it.
        #[serde(default)]
        caption: Option<String>,
        /// Its size where it is known.
        #[serde(default)]
        bytes: Option<u64>,
    },
    /// Product cards. When the part is stored only their ids are known; they are filled in when it is sent.
    Products {
        /// The shop.
        shop: String,
        /// The products' ids in the catalogue.
        ids: Vec<String>,
        /// The cards as of now.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cards: Vec<ProductCard>,
        /// Words that belong to them, where the platform has a place for them.
        #[serde(default)]
        caption: Option<String>,
    },
    /// A message that the platform approved before.
    Template {
        /// What was asked for: name, language, params, header.
        template: serde_json::Value,
    },
}

impl PartContent {
    /// The address at which the platform fetches the medium that is in it, if there is one.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Media { url, .. } => Some(url),
            Self::Template { template } => template["header"]["url"].as_str(),
            Self::Text { .. } | Self::Products { .. } => None,
        }
    }

    /// The word in the API.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Media { .. } => "media",
            Self::Products { .. } => "products",
            Self::Template { .. } => "template",
        }
    }
}

/// What a medium is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A video.
    Video,
    /// A sound.
    Audio,
    /// Anything else.
    File,
}

/// A button under a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What comes back when it is tapped.
    pub id: String,
    /// Its words.
    pub title: String,
}

/// A product as a card.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProductCard {
    /// The title.
    pub title: String,
    /// The price with its currency, ready to be read.
    pub price: String,
    /// A picture's address.
    pub image: Option<String>,
    /// Where it can be bought.
    pub url: Option<String>,
}

/// That the platform took a part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// The platform's id of the message.
    pub platform_id: String,
    /// What all ids have in common that the platform gives this message; `None`: it has one alone.
    pub common_id: Option<String>,
    /// Whom the platform found under the name in the call, where it tells.
    pub addressee: Option<Addressee>,
    /// What it says about costs, as JSON.
    pub billing: Option<serde_json::Value>,
}

/// Whom the platform found under the name in a call: what they write comes under names of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The name under which they stand.
    pub person: String,
    /// Other names that lead to them, that in the call among them.
    pub names: Vec<String>,
}

/// Why a part was not sent, or that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The request never left us: no connection, or calls are held back. It is sent again after a pause.
    #[error("it never left: {0}")]
    NotSent(String),
    /// The platform says: later. It was not sent.
    #[error("later, after {} s", retry_after.as_secs())]
    Later {
        /// How long to wait.
        retry_after: Duration,
        /// Whether only this person has to wait.
        only_person: bool,
    },
    /// It was not sent, and is sent again at once: with another token, or in another form.
    #[error("it is to be sent in another way")]
    AtOnce,
    /// The platform says that something broke on its side. It was not sent.
    #[error("the platform failed with code {code}")]
    Broken {
        /// Its code.
        code: String,
        /// Whether the channel knows this code. What it does not know, an operator is told.
        is_known: bool,
    },
    /// The platform failed with a code that its documents do not list. It was not sent, and is sent again a few times; then it
    /// counts as refused.
    #[error("a general error with code {code}")]
    General {
        /// Its code.
        code: String,
    },
    /// The platform does not send this, now or later.
    #[error("refused with code {code}")]
    Refused {
        /// Its code: `10/2018278`.
        code: String,
        /// What that means.
        reason: Reason,
        /// Whether the channel knows this code, or the refusal is our own. What it does not know, an operator is told.
        is_known: bool,
    },
    /// Nothing of this account can be sent until that is mended.
    #[error("the account cannot send: code {}", .0.code)]
    Account(AccountFault),
    /// The request left, and no answer came that can be read: it may have been sent.
    #[error("nobody knows whether it was sent: {0}")]
    Unknown(String),
}

impl From<NoAnswer> for SendError {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::NeverLeft(why) => Self::NotSent(why),
            NoAnswer::Lost(why) => Self::Unknown(why),
            NoAnswer::NotAllowed => {
                Self::Refused { code: "address not allowed".to_owned(), reason: Reason::Refused, is_known: true }
            }
        }
    }
}

/// To what a person does not let themselves be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// To anything, until they write again: why, the word in the API.
    Altogether(&'static str),
    /// To advertising, until they say otherwise.
    ForAdvertising,
}

/// A sign without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// "Somebody types."
    Typing,
    /// "Seen."
    Seen,
}

/// Which way control of a thread goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOver {
    /// To the platform's own inbox.
    ToInbox,
    /// Back to this app.
    Back,
}
