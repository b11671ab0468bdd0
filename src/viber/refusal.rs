//! What Viber's statuses mean for what is done next, and in words for the merchant.
//!
//! Source: <https://creators.viber.com/docs/bots-api/resources/errors> and `ViberTypes.ts` of the package
//! `messaging-api-viber` 1.1.0 (2026). One public client has other names for 16 to 20; it stands alone.

use std::time::Duration;

use super::names::PLATFORM;
use crate::shared::channel::dialogue::{AccountFault, Fault, Reason, SendError};
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::ApiError;

/// The address of the webhook cannot be used: Viber does not reach it, or does not trust its certificate.
pub const INVALID_URL: i64 = 1;

/// The token is refused.
const INVALID_TOKEN: i64 = 2;

/// The person has unsubscribed.
pub const NOT_SUBSCRIBED: i64 = 6;

/// No webhook is set.
pub const WEBHOOK_NOT_SET: i64 = 10;

/// Asked, or sent, too often.
const TOO_MANY: i64 = 12;

/// The person's client is older than the message wants.
pub const TOO_NEW: i64 = 13;

/// Why the account itself can do nothing, for the merchant; `None`: it is not about the account.
fn of_account(status: i64) -> Option<Sentence> {
    match status {
        7 => Some(say::viber_blocked()),
        8 => Some(say::viber_unknown_bot()),
        9 => Some(say::viber_suspended()),
        15 => Some(say::viber_terms()),
        _ => None,
    }
}

/// What a refused call means.
#[must_use]
pub fn of_call(status: i64, pause: Duration) -> ApiError {
    match (status, of_account(status)) {
        (INVALID_TOKEN, _) => ApiError::TokenRejected { reason: say::viber_token_refused() },
        (TOO_MANY, _) => ApiError::RateLimited { retry_after: pause },
        (_, Some(reason)) => ApiError::PermissionMissing { code: status.to_string(), reason },
        _ => ApiError::Refused { code: status.to_string() },
    }
}

/// What it means that a message was not sent. Statuses beyond those that Viber lists are general errors: it is tried again a few
/// times.
#[must_use]
pub fn of_send(status: i64, pause: Duration) -> SendError {
    let code = status.to_string();
    let refused = |reason| SendError::Refused { code: code.clone(), reason, is_known: true };
    match (status, of_account(status)) {
        (INVALID_TOKEN, _) => {
            let sentence = say::viber_token_refused();
            SendError::Account(AccountFault { fault: Fault::NeedsReconnect, code, sentence })
        }
        (_, Some(sentence)) => SendError::Account(AccountFault { fault: Fault::Blocked, code, sentence }),
        // Not registered, not subscribed, no suitable device.
        (5 | NOT_SUBSCRIBED | 11, _) => refused(Reason::CannotReceive),
        // It is set anew, and then the message is sent.
        (WEBHOOK_NOT_SET, _) => SendError::Broken { code, is_known: true },
        // The limit is one of 100 messages to a person who does not answer.
        (TOO_MANY, _) => SendError::Later { retry_after: pause, only_person: true },
        (1..=20, _) => refused(Reason::Refused),
        // "General error" in Viber's table.
        _ => SendError::General { code },
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

    const PAUSE: Duration = Duration::from_secs(60);

    #[test]
    fn every_status_of_a_send_has_its_class() {
        let refused = |code: &str, reason| SendError::Refused { code: code.to_owned(), reason, is_known: true };
        for status in [1, 3, 4, 13, 14, 16, 17, 18, 19, 20] {
            assert_eq!(of_send(status, PAUSE), refused(&status.to_string(), Reason::Refused));
        }
        for status in [5, 6, 11] {
            assert_eq!(of_send(status, PAUSE), refused(&status.to_string(), Reason::CannotReceive));
        }
        for status in [2, 7, 8, 9, 15] {
            assert!(matches!(of_send(status, PAUSE), SendError::Account(_)), "{status}");
        }
        let code = WEBHOOK_NOT_SET.to_string();
        assert_eq!(of_send(WEBHOOK_NOT_SET, PAUSE), SendError::Broken { code, is_known: true });
        for status in [21, 99, -1] {
            assert_eq!(of_send(status, PAUSE), SendError::General { code: status.to_string() });
        }
        assert_eq!(of_send(12, PAUSE), SendError::Later { retry_after: PAUSE, only_person: true });
    }

    #[test]
    fn a_refused_call_is_the_tokens_the_accounts_or_the_calls_own() {
        assert!(matches!(of_call(2, PAUSE), ApiError::TokenRejected { .. }));
        assert!(matches!(of_call(12, PAUSE), ApiError::RateLimited { .. }));
        for status in [7, 8, 9, 15] {
            assert!(matches!(of_call(status, PAUSE), ApiError::PermissionMissing { .. }), "{status}");
        }
        assert_eq!(of_call(1, PAUSE), ApiError::Refused { code: "1".to_owned() });
    }
}
