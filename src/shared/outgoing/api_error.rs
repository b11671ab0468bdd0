//! What a failed call means.

use std::time::Duration;

use crate::shared::languages::{Sentence, say};

/// What a failed call means for what we do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No connection, no answer in time, or an answer that says "later": worth another try.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Asked too often: not before this pause.
    #[error("rate limited, to be asked again after {} s", retry_after.as_secs())]
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The account itself cannot be used for now: frozen, locked, closed, moved. It may come back by itself.
    #[error("paused: {reason}")]
    Paused {
        /// Why, in a sentence for the merchant.
        reason: Sentence,
        /// When to look again.
        retry_after: Duration,
    },
    /// The token is refused. Only a new login helps; the reason is a sentence for the merchant.
    #[error("the token is refused: {reason}")]
    TokenRejected {
        /// Why, in words.
        reason: Sentence,
    },
    /// The token works, but may not do this. The merchant can change that; the reason is a sentence for them.
    #[error("a permission is missing: {reason}")]
    PermissionMissing {
        /// The platform's code.
        code: String,
        /// What is missing, and where to give it.
        reason: Sentence,
    },
    /// The platform understood and said no. The same call again gets the same answer.
    #[error("refused with code {code}")]
    Refused {
        /// The platform's code, never its text, which may quote what we sent.
        code: String,
    },
    /// The answer is not what the platform's documents promise: HTML, half a body, other types.
    #[error("unreadable: {0}")]
    Unreadable(&'static str),
}

impl ApiError {
    /// What a merchant reads about an error of this platform that lasts.
    #[must_use]
    pub fn said_of(&self, platform: &str) -> Sentence {
        match self {
            Self::Unavailable(_) => say::platform_later(platform),
            Self::Unreadable(_) => say::platform_unreadable(platform),
            Self::RateLimited { .. } => say::platform_limits(platform),
            Self::TokenRejected { reason } | Self::PermissionMissing { reason, .. } | Self::Paused { reason, .. } => {
                reason.clone()
            }
            Self::Refused { code } => say::platform_refuses(platform, code.as_str()),
        }
    }

    /// Whether the platform said no, so that the same call later gets the same answer; otherwise it said nothing, or "later".
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::RateLimited { .. } | Self::Unreadable(_) => false,
            Self::Paused { .. }
            | Self::TokenRejected { .. }
            | Self::PermissionMissing { .. }
            | Self::Refused { .. } => true,
        }
    }

    /// The class in one word, for counting.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::RateLimited { .. } => "rate_limited",
            Self::Paused { .. } => "paused",
            Self::TokenRejected { .. } => "token_refused",
            Self::PermissionMissing { .. } => "permission_missing",
            Self::Refused { .. } => "refused",
            Self::Unreadable(_) => "unreadable",
        }
    }
}
