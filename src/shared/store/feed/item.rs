//! The words of the feed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::shared::channel::meaning::Meaning;
use crate::shared::store::Item;
use crate::shared::store::outgoing::rows::Author;

/// What an event of a channel's account means, and how soon after a message something from the inbox is an automatic answer.
pub type ReadMeaning = dyn Fn(&str, &str, &Item) -> (Meaning, Option<Duration>) + Send + Sync;

/// What kind of thing a bot is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// A person wrote, tapped or ordered.
    Message,
    /// Something went out.
    Echo,
    /// A message of ours has another state.
    Status,
    /// Somebody took over or gave back.
    Takeover,
    /// Anything else about a person.
    Activity,
    /// An account is doing better or worse.
    Account,
    /// Products changed.
    Catalogue,
    /// It was erased.
    Erased,
}

impl ItemKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Message,
        Self::Echo,
        Self::Status,
        Self::Takeover,
        Self::Activity,
        Self::Account,
        Self::Catalogue,
        Self::Erased,
    ];

    /// The word in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Echo => "echo",
            Self::Status => "status",
            Self::Takeover => "takeover",
            Self::Activity => "activity",
            Self::Account => "account",
            Self::Catalogue => "catalogue",
            Self::Erased => "erased",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Who said something in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The person who writes to the merchant.
    Person,
    /// A program, through this service.
    Bot,
    /// A human, through this service or in the platform's own inbox.
    Human,
    /// Another app.
    App,
    /// The platform's inbox by itself: a greeting, an away message.
    Automation,
}

impl From<Author> for By {
    fn from(author: Author) -> Self {
        match author {
            Author::Bot => Self::Bot,
            Author::Human => Self::Human,
        }
    }
}

impl By {
    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Bot => "bot",
            Self::Human => "human",
            Self::App => "app",
            Self::Automation => "automation",
        }
    }
}

/// Whether what went out at this time answers by itself what was said before.
pub(super) fn is_automatic(said_at: i64, out_at: i64, within: Duration) -> bool {
    let within = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    (0..=within).contains(&(out_at - said_at))
}
