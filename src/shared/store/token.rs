//! A token of an account, and what is known of it without it.

use secrecy::SecretString;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Sent with calls for this account.
    Access,
    /// Exchanged for a new pair.
    Refresh,
    /// The long-lived token of the person, from which Page tokens are made.
    User,
    /// The access token before the last refresh, kept until its successor has worked.
    PreviousAccess,
    /// The refresh token before the last refresh, kept until its successor has worked.
    PreviousRefresh,
    /// No token: names the tokens of the settings from which the pair was made, by a hash.
    MadeFrom,
}

impl TokenKind {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::User => "user",
            Self::PreviousAccess => "previous_access",
            Self::PreviousRefresh => "previous_refresh",
            Self::MadeFrom => "made_from",
        }
    }
}

/// A token with its expiry in milliseconds since 1970; `None`: no known expiry.
#[derive(Debug)]
pub struct Token {
    /// The token itself.
    pub secret: SecretString,
    /// When it stops working.
    pub expires_at: Option<i64>,
}

/// What is known about a stored token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAge {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// What it is for: `access`, `refresh`, `user`, …
    pub kind: String,
    /// When we got it, in milliseconds since 1970; `None`: before that was noted.
    pub issued_at: Option<i64>,
    /// When it stops working, in milliseconds since 1970; `None`: no known expiry.
    pub expires_at: Option<i64>,
}

impl TokenAge {
    /// Within this time a token counts as expiring: a Shopify token lives for an hour and is renewed five minutes early.
    const SOON_MS: i64 = 4 * 60 * 1000;

    /// How it is doing, in one word.
    #[must_use]
    pub fn state(&self, now_ms: i64) -> &'static str {
        match self.expires_at {
            None => "without_expiry",
            Some(at) if at <= now_ms => "expired",
            Some(at) if at - now_ms < Self::SOON_MS => "expiring",
            Some(_) => "good",
        }
    }
}

/// The tokens to store for an account, by kind.
pub type Tokens = Vec<(TokenKind, Token)>;
