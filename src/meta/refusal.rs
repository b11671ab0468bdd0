//! What an answer of the Graph API that is no success means for what we do next. The words for it are the channel's.
//!
//! Only codes and words from lists of our own leave this file: the platform's messages may quote what we sent.
//! Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling>,
//! <https://developers.facebook.com/docs/graph-api/overview/rate-limiting> (2026).

use http::StatusCode;
use serde_json::Value;

use super::app::{App, Denial};
use super::budget;
use crate::shared::clock::Clock;
use crate::shared::outgoing::http::{Answer, ApiError};

/// The code of [`ApiError::Refused`] when the platform wants less to be asked for at once.
pub const TOO_MUCH: &str = "1/too much data";

/// What [`ApiError::Unavailable`] says when the platform does not know itself what is wrong. It may be over soon, or be said
/// of one object for ever.
pub const UNKNOWN_TROUBLE: [&str; 2] = ["code 1", "code 2"];

/// The code of [`ApiError::Refused`] when an object is not there, or not for us to see.
pub const NOT_VISIBLE: &str = "100/33";

/// How the code of [`ApiError::Refused`] begins when a field is not known; its name follows.
pub const UNKNOWN_FIELD: &str = "100/field ";

/// The code with which the platform refuses the app's own token.
pub const APP_UNKNOWN: &str = "190";

/// The permissions whose names are looked for in messages, longest first where one begins like another.
const PERMISSIONS: [&str; 8] = [
    "pages_read_engagement",
    "pages_manage_metadata",
    "pages_messaging",
    "pages_show_list",
    "business_management",
    "instagram_manage_messages",
    "instagram_basic",
    "pages_read_user_content",
];

/// In the place of a code, where the platform tells none: it is no code of theirs.
pub(super) const NO_CODE: i64 = i64::MIN;

/// The error object of an answer.
pub(super) struct Told {
    pub code: i64,
    pub subcode: i64,
    pub is_transient: bool,
    message: String,
}

impl Told {
    /// What a code tells alone.
    pub fn of_code(code: i64) -> Self {
        Self { code, subcode: 0, is_transient: false, message: String::new() }
    }

    /// Reads `{"error": {…}}`. Members are missing or of other types where gateways and older parts of the platform answer.
    pub fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let error = body.get("error")?.as_object()?;
        let number = |name: &str| match error.get(name) {
            Some(Value::String(text)) => text.parse().ok(),
            value => value.and_then(Value::as_i64),
        };
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            code: number("code").unwrap_or(NO_CODE),
            subcode: number("error_subcode").unwrap_or_default(),
            is_transient: error.get("is_transient") == Some(&Value::Bool(true)),
            message: text("message"),
        })
    }
}

/// Whether an answer that claims success holds an error.
#[must_use]
pub fn is_in(answer: &Answer) -> bool {
    /// Error objects are small; a whole list of conversations need not be read twice.
    const LARGEST: usize = 64 * 1024;
    answer.body.len() <= LARGEST && Told::read(&answer.body).is_some()
}

/// What an answer means that is no success. `limits_all`: it is the limit of the whole app that was reached.
pub struct Meaning {
    /// For what we do next.
    pub error: ApiError,
    /// Whether every other call is concerned.
    pub limits_all: bool,
}

impl From<ApiError> for Meaning {
    fn from(error: ApiError) -> Self {
        Self { error, limits_all: false }
    }
}

/// What an answer means that is no success. `app`: gives the words for the merchant.
#[must_use]
pub fn meaning(answer: &Answer, clock: &Clock, app: &dyn App) -> Meaning {
    let pause = answer.retry_after(clock).unwrap_or(budget::PAUSE);
    let Some(told) = Told::read(&answer.body) else {
        let status = answer.status.as_u16();
        return match status {
            429 => ApiError::RateLimited { retry_after: pause },
            500.. => ApiError::Unavailable(format!("status {status}")),
            // Without an error object it is not the Graph API that speaks, so it says nothing about the token.
            status => ApiError::Refused { code: format!("status {status}") },
        }
        .into();
    };
    let Told { code, subcode, .. } = told;
    tracing::info!(code, subcode, "the Graph API answered with an error");
    let error = match code {
        190 | 102 | 467 => ApiError::TokenRejected { reason: app.token_reason(subcode) },
        4 | 9 | 17 | 32 | 341 | 613 | 80_000..=80_999 => {
            return Meaning {
                error: ApiError::RateLimited { retry_after: pause },
                limits_all: matches!(code, 4 | 341),
            };
        }
        -3 => ApiError::Refused { code: TOO_MUCH.to_owned() },
        _ if told.message.contains("reduce the amount of data") => ApiError::Refused { code: TOO_MUCH.to_owned() },
        1 | 2 | 1200 => ApiError::Unavailable(format!("code {code}")),
        10 | 200..=299 => not_allowed(&told, app),
        100 => bad_parameter(&told, app),
        368 => denied(code, Denial::Blocked, app),
        _ if answer.status == StatusCode::TOO_MANY_REQUESTS => ApiError::RateLimited { retry_after: pause },
        _ if told.is_transient || answer.status.is_server_error() => ApiError::Unavailable(format!("code {code}")),
        _ => refused(code, subcode),
    };
    error.into()
}

/// What an error says about an account that cannot send: in the words of its channel.
pub(super) fn explained(told: &Told, app: &dyn App) -> ApiError {
    match told.code {
        102 | 190 | 467 => ApiError::TokenRejected { reason: app.token_reason(told.subcode) },
        368 | 131_031 => denied(told.code, Denial::Blocked, app),
        _ => not_allowed(told, app),
    }
}

/// Codes 10 and 200 to 299.
fn not_allowed(told: &Told, app: &dyn App) -> ApiError {
    let denial = match (told.code, told.subcode) {
        (10, 1_893_063) => Denial::Restricted,
        (code @ 230, _) => Denial::NotAllowed { code, permission: Some("pages_messaging") },
        (code, _) => Denial::NotAllowed { code, permission: permission_in(&told.message) },
    };
    denied(told.code, denial, app)
}

fn denied(code: i64, denial: Denial, app: &dyn App) -> ApiError {
    ApiError::PermissionMissing { code: code.to_string(), reason: app.denial_reason(denial) }
}

/// Code 100: a permission, a field or an object that is not there; anything else is a fault of ours.
fn bad_parameter(told: &Told, app: &dyn App) -> ApiError {
    if told.subcode == 33 {
        return ApiError::Refused { code: NOT_VISIBLE.to_owned() };
    }
    let field = told.message.split_once("nonexisting field (").and_then(|(_, rest)| rest.split_once(')'));
    let field = field.map(|(field, _)| field);
    match field.and_then(|field| app.known_field(field)) {
        Some(field) => ApiError::Refused { code: format!("{UNKNOWN_FIELD}{field}") },
        None if permission_in(&told.message).is_some() => not_allowed(told, app),
        None => refused(100, told.subcode),
    }
}

fn permission_in(message: &str) -> Option<&'static str> {
    PERMISSIONS.into_iter().find(|name| message.contains(name))
}

fn refused(code: i64, subcode: i64) -> ApiError {
    ApiError::Refused { code: words_of(code, subcode) }
}

/// A code as it is shown: `10/2018278`, or `551` alone.
pub(super) fn words_of(code: i64, subcode: i64) -> String {
    match (code, subcode) {
        (NO_CODE, _) => "no code".to_owned(),
        (code, 0) => code.to_string(),
        (code, subcode) => format!("{code}/{subcode}"),
    }
}
