//! What codes of WhatsApp mean, in words and for what we do next.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes> (2026).

use super::PLATFORM;
use crate::meta::app::Denial;
use crate::meta::send;
use crate::shared::channel::dialogue::Reason;
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::ApiError;

/// Codes that stop all sending: the token, permissions, and what is wrong with the business account or the number. That
/// it may not write to people of one country (130497) is none of them: others wait for nothing then.
const STOPPING: [i64; 7] = [0, 3, 10, 131_005, 131_045, 131_063, 133_010];

/// The person has stopped advertising messages.
pub const NO_ADVERTISING: i64 = 131_050;

/// Whether a refusal with this code stops all sending, beside those with which it is so everywhere at Meta.
#[must_use]
pub fn stops_sending(code: i64) -> bool {
    STOPPING.contains(&code)
}

/// Why a message did not reach somebody, as its status tells late. The codes are those of refused calls.
#[must_use]
pub fn reason_of(code: i64) -> Reason {
    match code {
        code if stops_sending(code) => Reason::AccountUnavailable,
        102 | 190 | 200..=299 | 368 | 467 | 131_031 | 131_042 => Reason::AccountUnavailable,
        4 | 80_007 | 130_429 | 131_048 | 131_056 | 131_064 | 133_016 => Reason::Rate,
        code => send::reason_of(code, 0),
    }
}

/// Why a call is not allowed, and what to do, for the merchant.
#[must_use]
pub fn denial_reason(denial: Denial) -> Sentence {
    match denial {
        Denial::Blocked => say::whatsapp_blocked(),
        Denial::Restricted => say::whatsapp_restricted(),
        Denial::NotAllowed { code: 131_042, .. } => say::whatsapp_payment(),
        Denial::NotAllowed { code: code @ (131_045 | 131_063 | 133_010), .. } => {
            say::whatsapp_not_registered(code.to_string())
        }
        Denial::NotAllowed { code, permission } => {
            let what = permission.unwrap_or("whatsapp_business_messaging, whatsapp_business_management");
            say::whatsapp_not_allowed(code.to_string(), what)
        }
    }
}

/// Why the token is dead, and what to do. Only who runs the service can mend that.
#[must_use]
pub fn token_reason(subcode: i64) -> Sentence {
    match subcode {
        463 => say::whatsapp_token_expired(),
        _ => say::whatsapp_token_refused(),
    }
}

/// What a merchant reads about an error that lasts.
#[must_use]
pub fn explain(error: &ApiError) -> Sentence {
    error.said_of(PLATFORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_failures_have_the_reasons_of_refused_calls() {
        for (code, reason) in [
            (131_047, Reason::WindowClosed),
            (131_026, Reason::CannotReceive),
            (131_030, Reason::CannotReceive),
            (132_001, Reason::TemplateUnusable),
            (131_053, Reason::MediaUnusable),
            (131_042, Reason::AccountUnavailable),
            (190, Reason::AccountUnavailable),
            (131_056, Reason::Rate),
            (131_049, Reason::CannotReceive),
            (131_050, Reason::CannotReceive),
            (130_472, Reason::CannotReceive),
            (130_497, Reason::CannotReceive),
            (131_052, Reason::MediaUnusable),
            (133_016, Reason::Rate),
            (4, Reason::Rate),
            (0, Reason::AccountUnavailable),
            (3, Reason::AccountUnavailable),
            (10, Reason::AccountUnavailable),
            (131_005, Reason::AccountUnavailable),
            (131_045, Reason::AccountUnavailable),
            (131_063, Reason::AccountUnavailable),
            (133_010, Reason::AccountUnavailable),
            (131_057, Reason::Refused),
            (999_999, Reason::Refused),
        ] {
            assert_eq!(reason_of(code), reason, "{code}");
        }
    }
}
