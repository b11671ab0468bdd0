//! Why something will not be sent any more, and why nothing of an account can be.

use serde::{Deserialize, Serialize};

use crate::shared::languages::Sentence;

/// Why a part will not be sent any more: the word in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Its time was over.
    Expired,
    /// The platform's time for answers was over.
    WindowClosed,
    /// The person cannot be written to.
    CannotReceive,
    /// The platform refuses the content.
    Refused,
    /// The platform cannot use the medium.
    MediaUnusable,
    /// The platform cannot use the template.
    TemplateUnusable,
    /// The account could not send.
    AccountUnavailable,
    /// Another app answers in this thread.
    NotOwner,
    /// A person answers in this thread.
    Paused,
    /// A part before it failed.
    Stopped,
    /// It was taken back.
    TakenBack,
    /// More than the platform takes from one sender.
    Rate,
    /// Nobody could find out whether it was sent.
    Unresolved,
}

impl Reason {
    const ALL: [Self; 13] = [
        Self::Expired,
        Self::WindowClosed,
        Self::CannotReceive,
        Self::Refused,
        Self::MediaUnusable,
        Self::TemplateUnusable,
        Self::AccountUnavailable,
        Self::NotOwner,
        Self::Paused,
        Self::Stopped,
        Self::TakenBack,
        Self::Rate,
        Self::Unresolved,
    ];

    /// The reason with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// The word in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::WindowClosed => "window-closed",
            Self::CannotReceive => "cannot-receive",
            Self::Refused => "refused",
            Self::MediaUnusable => "media-unusable",
            Self::TemplateUnusable => "template-unusable",
            Self::AccountUnavailable => "account-unavailable",
            Self::NotOwner => "not-owner",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::TakenBack => "taken-back",
            Self::Rate => "rate",
            Self::Unresolved => "unresolved",
        }
    }
}

/// Why nothing of an account can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The platform refuses its token.
    NeedsReconnect,
    /// The permission to send is missing, or what a number needs before it may send.
    Incomplete,
    /// The platform keeps it from sending: its rules were broken, or it cannot be charged.
    Blocked,
}

impl Fault {
    /// The word in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeedsReconnect => "needs_reconnect",
            Self::Incomplete => "incomplete",
            Self::Blocked => "blocked",
        }
    }
}

impl std::str::FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::NeedsReconnect, Self::Incomplete, Self::Blocked];
        known
            .into_iter()
            .find(|fault| fault.as_str() == text)
            .ok_or_else(|| anyhow::anyhow!("unknown fault of an account"))
    }
}

/// What a platform says of an account of which nothing can be sent until that is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFault {
    /// What is wrong with it.
    pub fault: Fault,
    /// The platform's code; empty where it was not asked.
    pub code: String,
    /// What the merchant reads, one sentence.
    pub sentence: Sentence,
}

impl AccountFault {
    /// The account has to log in again, which was found without asking the platform.
    #[must_use]
    pub fn needs_login(sentence: Sentence) -> Self {
        Self { fault: Fault::NeedsReconnect, code: String::new(), sentence }
    }
}
