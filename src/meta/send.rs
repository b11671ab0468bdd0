//! Messages to people over the Graph API: one call, never repeated here, and what its answer means for the next step.
//!
//! There is no idempotency key: a call whose answer is lost may have been carried out, and only a readable error says that
//! it was not.
//! Source: <https://developers.facebook.com/docs/messenger-platform/reference/send-api>,
//! <https://developers.facebook.com/docs/messenger-platform/error-codes> (2026).

use std::time::Duration;

use http::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::Value;

use super::app::App;
use super::budget::{self, Lane};
use super::graph::Graph;
use super::id::Id;
use super::refusal::{Told, explained, words_of};
use crate::shared::channel::dialogue::{AccountFault, Fault, Reason, SendError};
use crate::shared::outgoing::http::Answer;

/// The codes that say "too often": of the app, of a person, of an account, of one pair of them.
const TOO_OFTEN: [i64; 10] = [4, 9, 17, 32, 341, 613, 131_048, 131_056, 131_064, 133_016];

/// The code that says "more in this second than the number may", and how long to wait then.
const THROUGHPUT: i64 = 130_429;
const THROUGHPUT_PAUSE: Duration = Duration::from_secs(5);

/// Codes that say for certain that this call was not carried out and never will be, whatever the answer's status.
const REFUSALS: [i64; 6] = [10, 33, 100, 131_008, 131_009, 131_062];

/// The code that says "too often to this person".
const PAIR_LIMIT: i64 = 131_056;

/// The code and subcode of an error that is told of messages that were sent: "Received invalid JSON reply".
const SENT_ALL_THE_SAME: (i64, i64) = (1, 1_357_046);

/// How long to wait before another message to one person who had too many.
/// Source: <https://developers.facebook.com/docs/whatsapp/cloud-api/overview#throughput> (2026): one in 6 s.
const PAIR_PAUSE: Duration = Duration::from_secs(6);

impl Graph {
    /// Sends a message on behalf of an account, once.
    ///
    /// # Errors
    /// [`SendError`]. [`SendError::Unknown`] whenever it may have been carried out.
    pub async fn send_message(
        &self,
        account: &Id,
        path: &[&str],
        body: &Value,
        token: &SecretString,
    ) -> Result<Value, SendError> {
        if let Some(retry_after) = self.budgets().full_for(Lane::Page(account)) {
            return Err(SendError::Later { retry_after, only_person: false });
        }
        let request = self.request(Method::POST, path, &[], token).json(body);
        let answer = self.http().sending_of(account.as_str()).send_once(request).await?;
        self.budgets().note(Lane::Page(account), &answer.headers);
        self.compare_version(&answer);
        match Told::read(&answer.body) {
            Some(told) => Err(self.meaning_of(account, &answer, &told)),
            None if answer.status.is_success() => {
                serde_json::from_slice(&answer.body).map_err(|_| SendError::Unknown("an unreadable answer".to_owned()))
            }
            None => Err(self.without_error_object(account, &answer)),
        }
    }

    /// What an answer means that no part of the Graph API wrote.
    fn without_error_object(&self, account: &Id, answer: &Answer) -> SendError {
        let status = answer.status.as_u16();
        match status {
            429 => self.too_often(account, answer, false),
            500.. => SendError::Unknown(format!("status {status}")),
            _ => SendError::Refused { code: format!("status {status}"), reason: Reason::Refused, is_known: false },
        }
    }

    /// Nothing of this account is asked or sent before the platform's pause is over. `for_all`: nor of any other.
    fn too_often(&self, account: &Id, answer: &Answer, for_all: bool) -> SendError {
        let lane = Lane::Page(account);
        let told = answer.retry_after(self.http().clock()).or_else(|| self.budgets().pause_of(lane));
        let retry_after = told.unwrap_or(budget::PAUSE);
        self.budgets().refused(lane, for_all, retry_after);
        SendError::Later { retry_after, only_person: false }
    }

    fn meaning_of(&self, account: &Id, answer: &Answer, told: &Told) -> SendError {
        let Told { code, subcode, is_transient, .. } = *told;
        tracing::info!(code, subcode, account = account.as_str(), "the Graph API did not send a message");
        let is_known = is_refusal(code, subcode);
        let refused = |reason| SendError::Refused { code: words_of(code, subcode), reason, is_known };
        match (code, subcode) {
            (PAIR_LIMIT, _) => SendError::Later {
                retry_after: answer.retry_after(self.http().clock()).unwrap_or(PAIR_PAUSE),
                only_person: true,
            },
            // The limit is one of seconds, not of the hour.
            (THROUGHPUT, _) => SendError::Later {
                retry_after: answer.retry_after(self.http().clock()).unwrap_or(THROUGHPUT_PAUSE),
                only_person: false,
            },
            (code, _) if TOO_OFTEN.contains(&code) || (80_000..=80_999).contains(&code) => {
                self.too_often(account, answer, matches!(code, 4 | 341))
            }
            (102 | 190 | 467 | 368 | 131_031 | 131_042, _) | (10, 1_893_063) => self.account_cannot(told),
            // Most of them say that a permission is missing, and so nothing can be sent to anybody.
            (200..=299, _) if reason_of(code, subcode) == Reason::Refused => self.account_cannot(told),
            (code, _) if self.app().stops_sending(code) => self.account_cannot(told),
            SENT_ALL_THE_SAME => SendError::Unknown(format!("code {}", words_of(code, subcode))),
            (1 | 2 | 1200 | 131_000 | 131_016 | 131_057 | 133_004 | 135_000, _) => {
                SendError::Broken { code: words_of(code, subcode), is_known: true }
            }
            _ if answer.status == StatusCode::TOO_MANY_REQUESTS => self.too_often(account, answer, false),
            _ if is_transient && reason_of(code, subcode) == Reason::Refused && !matches!(code, 10 | 100) => {
                SendError::Broken { code: words_of(code, subcode), is_known }
            }
            // Something broke, and nobody knows before or after what.
            _ if answer.status.is_server_error() && !is_known => {
                SendError::Unknown(format!("status {} with code {}", answer.status.as_u16(), words_of(code, subcode)))
            }
            _ => refused(reason_of(code, subcode)),
        }
    }

    fn account_cannot(&self, told: &Told) -> SendError {
        SendError::Account(fault_told(told, self.app()))
    }
}

/// What is wrong with an account of which a message failed with this code of those that stop sending.
#[must_use]
pub fn account_fault(code: i64, app: &dyn App) -> AccountFault {
    fault_told(&Told::of_code(code), app)
}

fn fault_told(told: &Told, app: &dyn App) -> AccountFault {
    let (code, subcode) = (told.code, told.subcode);
    let sentence = explained(told, app).said_of(app.platform());
    AccountFault { fault: fault_of(code, subcode), code: words_of(code, subcode), sentence }
}

/// What is wrong with an account that stops sending.
fn fault_of(code: i64, subcode: i64) -> Fault {
    match (code, subcode) {
        (0 | 102 | 190 | 467, _) => Fault::NeedsReconnect,
        (368 | 131_031 | 131_042, _) | (10, 1_893_063) => Fault::Blocked,
        _ => Fault::Incomplete,
    }
}

/// Whether it is known of this code that it refuses a message for what it is.
fn is_refusal(code: i64, subcode: i64) -> bool {
    REFUSALS.contains(&code) || reason_of(code, subcode) != Reason::Refused
}

/// What a refusal means for the person or the content. Codes that nobody knows are refusals.
#[must_use]
pub fn reason_of(code: i64, subcode: i64) -> Reason {
    match (code, subcode) {
        (10, 2_018_278 | 2_018_065 | 2_534_022) | (200, 2_018_065) | (131_047, _) => Reason::WindowClosed,
        (10, 2_018_300) => Reason::NotOwner,
        (10 | 100, 2_018_108 | 2_018_001) | (200, 1_545_041 | 2_018_108) => Reason::CannotReceive,
        // As long as an app is not reviewed it reaches those alone who have a role on it.
        (10 | 200, 2_018_028) => Reason::CannotReceive,
        // The last four: of an experiment, in a country, too much advertising, no advertising wanted.
        (551 | 131_021 | 131_026 | 131_030 | 130_472 | 130_497 | 131_049 | 131_050, _) => Reason::CannotReceive,
        (100, 2_018_008 | 2_018_047 | 2_018_074 | 2_018_109 | 2_018_294)
        | (131_051..=131_055 | 131_058 | 131_059, _) => Reason::MediaUnusable,
        (132_000..=132_999, _) => Reason::TemplateUnusable,
        _ => Reason::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_one_person_is_told_from_what_stops_an_account() {
        for (code, subcode, expected) in [
            (200, 0, Reason::Refused),
            (200, 2_534_041, Reason::Refused),
            (230, 0, Reason::Refused),
            (200, 1_545_041, Reason::CannotReceive),
            (200, 2_018_028, Reason::CannotReceive),
            (10, 2_018_028, Reason::CannotReceive),
            (200, 2_018_108, Reason::CannotReceive),
            (200, 2_018_065, Reason::WindowClosed),
            // Codes of other permissions have subcodes of their own.
            (230, 2_018_028, Reason::Refused),
        ] {
            assert_eq!(reason_of(code, subcode), expected, "{code}/{subcode}");
        }
    }
}
