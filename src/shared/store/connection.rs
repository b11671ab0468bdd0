//! One authorised account, and how it is doing.

use std::str::FromStr;

use anyhow::Context;
use uuid::Uuid;

use crate::shared::channel::dialogue::Fault;
use crate::shared::languages::{Sentence, say};

/// How a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All is well.
    Connected,
    /// It works in part: a permission or a webhook subscription is missing. The reason says which.
    Incomplete,
    /// The platform refuses the token: the merchant has to log in again. Webhooks are still taken in.
    NeedsReconnect,
}

impl Status {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Incomplete => "incomplete",
            Self::NeedsReconnect => "needs_reconnect",
        }
    }
}

impl FromStr for Status {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "connected" => Ok(Self::Connected),
            "incomplete" => Ok(Self::Incomplete),
            "needs_reconnect" => Ok(Self::NeedsReconnect),
            _ => anyhow::bail!("unknown connection status"),
        }
    }
}

/// Who found what is wrong with a connection. Only they take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleSource {
    /// A read that did not bring everything. A read that is complete takes it back.
    Read,
    /// A read, while the platform keeps the account closed. Any read that succeeds takes it back.
    Pause,
    /// The platform refuses the token. A new login takes it back, or a token that works again.
    Token,
    /// The login that connected the account. The next hourly check takes it back.
    Login,
    /// The hourly check. The next one takes it back.
    Check,
}

impl TroubleSource {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Pause => "pause",
            Self::Token => "token",
            Self::Login => "login",
            Self::Check => "check",
        }
    }

    /// The sentence for the merchant in which these words stand.
    fn sentence(self, words: Sentence) -> Sentence {
        match self {
            Self::Read => say::reading_incomplete(words),
            Self::Pause => say::reading_pauses(words),
            Self::Token | Self::Login | Self::Check => words,
        }
    }
}

impl FromStr for TroubleSource {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Read, Self::Pause, Self::Token, Self::Login, Self::Check]
            .into_iter()
            .find(|source| source.as_str() == text)
            .context("unknown source of a connection's trouble")
    }
}

/// What is wrong with a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Who found it.
    pub source: TroubleSource,
    /// What it is, in words for the merchant.
    pub words: Sentence,
}

impl Trouble {
    /// Found by `source`, in words for the merchant.
    pub fn new(source: TroubleSource, words: impl Into<Sentence>) -> Self {
        Self { source, words: words.into() }
    }

    /// The sentence that the merchant reads.
    #[must_use]
    pub fn sentence(&self) -> Sentence {
        self.source.sentence(self.words.clone())
    }
}

/// Why nothing of an account is sent, though its login stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendingBlock {
    /// The kind of it.
    pub fault: Fault,
    /// The platform's code; empty where it was not asked.
    pub code: String,
    /// What the merchant reads.
    pub sentence: Sentence,
    /// When it is tried again, in milliseconds since 1970.
    pub until: i64,
}

/// One authorised account.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The channel: `facebook`, `shopify`.
    pub channel: String,
    /// The account: page id, shop domain.
    pub account: String,
    /// The merchant who owns it.
    pub merchant: Uuid,
    /// What people call the account.
    pub name: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// How it is doing.
    pub status: Status,
    /// What is wrong with it, where it is not doing well.
    pub trouble: Option<Trouble>,
    /// Why nothing is sent, where the platform answered so to a message of this login.
    pub block: Option<SendingBlock>,
    /// Last successful login, in milliseconds since 1970.
    pub connected_at: i64,
    /// Last complete read of the account, in milliseconds since 1970.
    pub last_read_at: Option<i64>,
}

impl Connection {
    /// A sentence for the merchant, where the account is not doing well.
    #[must_use]
    pub fn status_reason(&self) -> Option<Sentence> {
        self.trouble.as_ref().map(Trouble::sentence)
    }

    /// Whether what is wrong was found by `source`.
    #[must_use]
    pub fn is_troubled_by(&self, source: TroubleSource) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.source == source)
    }

    /// How it is doing as a bot is told: with what keeps it from sending.
    #[must_use]
    pub fn told_status(&self) -> &'static str {
        match &self.block {
            Some(block) if self.status != Status::NeedsReconnect => block.fault.as_str(),
            _ => self.status.as_str(),
        }
    }

    /// A sentence for the merchant about what is wrong, with what keeps it from sending.
    #[must_use]
    pub fn told_reason(&self) -> Option<Sentence> {
        match (&self.block, self.status_reason()) {
            (Some(block), Some(reason)) if reason != block.sentence => {
                Some(say::sentences(block.sentence.clone(), reason))
            }
            (Some(block), _) => Some(block.sentence.clone()),
            (None, reason) => reason,
        }
    }
}
