//! What Viber's statuses mean for what is done next, and in words for the merchant.
//!
//! Source: <https://creators.viber.com/docs/bots-api/resources/errors> and `ViberTypes.ts` of the package
//! `messaging-api-viber` 1.1.0 (2026). One public client has other names for 16 to 20; it stands alone.

use std::time::Duration;

use crate::shared::channel::dialogue::{Fault, Reason, SendError};
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

/// What a merchant reads where the token is refused.
const TOKEN_REFUSED: &str =
    "Viber refuses the bot's token. Its operator puts the new one into VIBER_BOT_TOKEN and starts the service again.";

/// Why the account itself can do nothing, for the merchant; `None`: it is not about the account.
fn of_account(status: i64) -> Option<&'static str> {
    match status {
        7 => Some("Viber has blocked the bot (status 7). Its support says why; it is looked at again every hour."),
        8 => Some("Viber does not know the bot any more (status 8). Its support says why."),
        9 => Some("Viber has suspended the bot (status 9). Its support says why; it is looked at again every hour."),
        15 => Some("Viber does not let the bot do this (status 15): its commercial terms may be missing."),
        _ => None,
    }
}

/// What a refused call means.
#[must_use]
pub fn of_call(status: i64, pause: Duration) -> ApiError {
    match (status, of_account(status)) {
        (INVALID_TOKEN, _) => ApiError::TokenRejected { reason: TOKEN_REFUSED },
        (TOO_MANY, _) => ApiError::RateLimited { retry_after: pause },
        (_, Some(reason)) => ApiError::PermissionMissing { code: status.to_string(), reason: reason.to_owned() },
        _ => ApiError::Refused { code: status.to_string() },
    }
}

/// What it means that a message was not sent. Statuses beyond those that Viber lists are general errors: it is tried again.
#[must_use]
pub fn of_send(status: i64, pause: Duration) -> SendError {
    let code = status.to_string();
    let refused = |reason| SendError::Refused { code: code.clone(), reason };
    match (status, of_account(status)) {
        (INVALID_TOKEN, _) => {
            SendError::Account { fault: Fault::NeedsReconnect, code, sentence: TOKEN_REFUSED.to_owned() }
        }
        (_, Some(sentence)) => SendError::Account { fault: Fault::Blocked, code, sentence: sentence.to_owned() },
        // Not registered, not subscribed, no suitable device.
        (5 | NOT_SUBSCRIBED | 11, _) => refused(Reason::CannotReceive),
        // It is set anew, and then the message is sent.
        (WEBHOOK_NOT_SET, _) => SendError::Broken { code },
        // The limit is one of 100 messages to a person who does not answer.
        (TOO_MANY, _) => SendError::Later { retry_after: pause, only_person: true },
        (1..=20, _) => refused(Reason::Refused),
        // "General error" in Viber's table.
        _ => SendError::Broken { code },
    }
}

/// What a merchant reads about an error that lasts.
#[must_use]
pub fn explain(error: &ApiError) -> String {
    match error {
        ApiError::RateLimited { .. } => {
            "Viber limits how often it may be asked. It is asked again by itself after a pause.".to_owned()
        }
        ApiError::Unavailable(_) => {
            "Viber does not answer properly at the moment. It is asked again by itself.".to_owned()
        }
        ApiError::Unreadable(_) => {
            "Viber's answers cannot be read at the moment. It is asked again by itself.".to_owned()
        }
        ApiError::TokenRejected { reason } => (*reason).to_owned(),
        ApiError::PermissionMissing { reason, .. } => reason.clone(),
        ApiError::Paused { reason, .. } => reason.clone().into_owned(),
        ApiError::Refused { code } => format!("Viber refuses what is asked (status {code})."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(60);

    #[test]
    fn every_status_of_a_send_has_its_class() {
        let refused = |code: &str, reason| SendError::Refused { code: code.to_owned(), reason };
        for status in [1, 3, 4, 13, 14, 16, 17, 18, 19, 20] {
            assert_eq!(of_send(status, PAUSE), refused(&status.to_string(), Reason::Refused));
        }
        for status in [5, 6, 11] {
            assert_eq!(of_send(status, PAUSE), refused(&status.to_string(), Reason::CannotReceive));
        }
        for status in [2, 7, 8, 9, 15] {
            assert!(matches!(of_send(status, PAUSE), SendError::Account { .. }), "{status}");
        }
        for status in [10, 21, 99, -1] {
            assert_eq!(of_send(status, PAUSE), SendError::Broken { code: status.to_string() });
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
