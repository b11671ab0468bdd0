//! What LinkedIn's refusals mean for what is done next, and in words for the merchant.
//!
//! Source: <https://learn.microsoft.com/linkedin/shared/api-guide/concepts/error-handling>,
//! <https://learn.microsoft.com/linkedin/shared/api-guide/concepts/rate-limits> (2026): limits count by the day and begin anew at
//! midnight UTC; their numbers are not published, and an answer does not say how long to wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::Days;

use super::names::PLATFORM;
use crate::shared::channel::dialogue::{AccountFault, Fault, Reason, SendError};
use crate::shared::clock::Clock;
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::{Answer, ApiError};
use crate::shared::raw_json::Object;

/// The first pause after "too often". A second one within [`SOON_MS`] means that the day's share is used up.
const FIRST_PAUSE: Duration = Duration::from_secs(5 * 60);
const SOON_MS: i64 = 30 * 60 * 1000;

/// The statuses with which LinkedIn refuses a call for what it is.
const REFUSALS: [u16; 10] = [400, 403, 404, 405, 409, 411, 413, 422, 426, 451];

/// How long to wait after "too often": minutes at first, then until the day is over.
pub struct Throttle {
    clock: Clock,
    /// When it was last said, in milliseconds since 1970.
    last: Mutex<Option<i64>>,
}

impl Throttle {
    /// Nothing was said yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, last: Mutex::default() }
    }

    /// LinkedIn answers again.
    pub fn answered(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// LinkedIn said "too often": how long to wait.
    pub fn refused(&self) -> Duration {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let was_soon = last.is_some_and(|at| now.timestamp_millis() - at < SOON_MS);
        *last = Some(now.timestamp_millis());
        if !was_soon {
            return FIRST_PAUSE;
        }
        let midnight = (now.date_naive() + Days::new(1)).and_time(chrono::NaiveTime::MIN).and_utc();
        (midnight - now).to_std().unwrap_or(FIRST_PAUSE).max(FIRST_PAUSE)
    }
}

/// The code of a refusal: the HTTP status, and LinkedIn's own code behind it.
#[must_use]
pub fn code_of(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let told = std::str::from_utf8(&answer.body).ok().and_then(Object::parse);
    match told.and_then(|told| told.integer("serviceErrorCode")).filter(|code| *code != 0) {
        Some(code) => format!("{status}/{code}"),
        None => status.to_string(),
    }
}

/// What a refused call means.
#[must_use]
pub fn of_call(answer: &Answer, pause: Duration) -> ApiError {
    let code = code_of(answer);
    match answer.status.as_u16() {
        401 => ApiError::TokenRejected { reason: say::linkedin_token_refused() },
        403 => ApiError::PermissionMissing { reason: say::linkedin_not_allowed(code.as_str()), code },
        429 => ApiError::RateLimited { retry_after: pause },
        status @ 500.. => ApiError::Unavailable(format!("status {status}")),
        _ => ApiError::Refused { code },
    }
}

/// What it means that a message was not taken.
#[must_use]
pub fn of_send(status: u16, code: String, pause: Duration) -> SendError {
    match status {
        401 => {
            let sentence = say::linkedin_token_refused();
            SendError::Account(AccountFault { fault: Fault::NeedsReconnect, code, sentence })
        }
        429 => SendError::Later { retry_after: pause, only_person: false },
        500.. => SendError::Unknown(format!("status {status}")),
        _ => SendError::Refused { code, reason: Reason::Refused, is_known: REFUSALS.contains(&status) },
    }
}

/// What a merchant reads about an error that lasts.
#[must_use]
pub fn explain(error: &ApiError) -> Sentence {
    match error {
        ApiError::RateLimited { .. } => say::linkedin_limits(),
        ApiError::Refused { code } if code.starts_with("426") => say::linkedin_version(),
        error => error.said_of(PLATFORM),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers: HeaderMap::new(), body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn a_code_is_the_status_and_linkedins_own() {
        let of = |status, body| code_of(&answer(status, body));
        assert_eq!(of(403, r#"{"message":"No","serviceErrorCode":100,"status":403}"#), "403/100");
        assert_eq!(of(404, r#"{"serviceErrorCode":0}"#), "404");
        assert_eq!(of(502, "<html>"), "502");
    }

    #[test]
    fn every_status_has_its_class() {
        let pause = Duration::from_secs(9);
        let send = |status: u16| of_send(status, status.to_string(), pause);
        assert!(matches!(send(401), SendError::Account(_)));
        assert_eq!(send(429), SendError::Later { retry_after: pause, only_person: false });
        for status in [400, 403, 404, 422, 426, 451] {
            let code = status.to_string();
            assert_eq!(send(status), SendError::Refused { code, reason: Reason::Refused, is_known: true });
        }
        assert!(matches!(send(418), SendError::Refused { is_known: false, .. }));
        for status in [500, 502, 503, 504] {
            assert!(matches!(send(status), SendError::Unknown(_)), "{status}");
        }
        assert!(matches!(of_call(&answer(401, ""), pause), ApiError::TokenRejected { .. }));
        assert!(matches!(of_call(&answer(403, ""), pause), ApiError::PermissionMissing { .. }));
        assert!(matches!(of_call(&answer(503, ""), pause), ApiError::Unavailable(_)));
        assert!(explain(&of_call(&answer(426, ""), pause)).to_string().contains("LINKEDIN_VERSION"));
    }

    #[test]
    fn too_often_is_minutes_first_and_then_the_rest_of_the_day() {
        let clock = Clock::manual("2026-11-21T22:00:00Z".parse().unwrap());
        let throttle = Throttle::new(clock.clone());
        assert_eq!(throttle.refused(), Duration::from_secs(300));
        clock.advance(Duration::from_secs(300));
        assert_eq!(throttle.refused(), Duration::from_secs(2 * 3600 - 300));
        throttle.answered();
        assert_eq!(throttle.refused(), Duration::from_secs(300));
    }
}
