//! What a refusal of the Graph API means in words for the merchant.

use crate::meta::app::Denial;
use crate::meta::refusal::{NOT_VISIBLE, TOO_MUCH};
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::ApiError;

/// The platform's name as people know it.
pub const PLATFORM: &str = "Facebook";

/// Why a call is not allowed, and what to do, for the merchant.
#[must_use]
pub fn denial_reason(denial: Denial) -> Sentence {
    match denial {
        Denial::Blocked => say::facebook_blocked(),
        Denial::Restricted => say::facebook_restricted(),
        Denial::NotAllowed { code, permission: None } => say::facebook_not_allowed(code.to_string()),
        Denial::NotAllowed { code, permission: Some(name) } => {
            say::facebook_not_allowed_without(name, code.to_string())
        }
    }
}

/// Why a token is dead, and what to do, for the merchant.
/// Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling> (subcodes of 190).
#[must_use]
pub fn token_reason(subcode: i64) -> Sentence {
    match subcode {
        458 => say::facebook_token_removed(),
        459 => say::facebook_token_checkpoint(),
        460 => say::facebook_token_password(),
        463 => say::facebook_token_expired(),
        464 => say::facebook_token_unconfirmed(),
        492 => say::facebook_token_no_role(),
        _ => say::facebook_token_refused(),
    }
}

/// What a merchant reads about an error that lasts; reading goes on by itself when it is over.
#[must_use]
pub fn explain(error: &ApiError) -> Sentence {
    let ApiError::Refused { code } = error else { return error.said_of(PLATFORM) };
    match code.as_str() {
        "104" | "101" | "190" | "191" | "803" | "2500" => say::facebook_setup(code.as_str()),
        "551" => say::facebook_unreachable(),
        NOT_VISIBLE => say::facebook_not_visible(),
        TOO_MUCH => say::facebook_too_large(),
        _ => error.said_of(PLATFORM),
    }
}
