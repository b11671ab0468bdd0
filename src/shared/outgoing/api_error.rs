//! What a failed call means.

use std::borrow::Cow;
use std::time::Duration;

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
        reason: Cow<'static, str>,
        /// When to look again.
        retry_after: Duration,
    },
    /// The token is refused. Only a new login helps; the reason is a sentence for the merchant.
    #[error("the token is refused: {reason}")]
    TokenRejected {
        /// Why, in words.
        reason: &'static str,
    },
    /// The token works, but may not do this. The merchant can change that; the reason is a sentence for them.
    #[error("a permission is missing: {reason}")]
    PermissionMissing {
        /// The platform's code.
        code: String,
        /// What is missing, and where to give it.
        reason: String,
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
    /// What a merchant reads about an error that lasts, where their platform's channel has no better words.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Unavailable(_) | Self::Unreadable(_) => {
                "The platform does not answer properly at the moment. It is asked again by itself.".to_owned()
            }
            Self::RateLimited { .. } => {
                "The platform limits how often it may be asked. Reading goes on by itself after a pause.".to_owned()
            }
            Self::TokenRejected { reason } => (*reason).to_owned(),
            Self::PermissionMissing { reason, .. } => reason.clone(),
            Self::Paused { reason, .. } => reason.clone().into_owned(),
            Self::Refused { code } => format!("The platform refuses what is asked (code {code})."),
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
