//! What an answer of the Graph API that is no success means: for what we do next, and in words for the merchant.
//!
//! Only codes and words from lists of our own leave this file: the platform's messages may quote what we sent.
//! Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling>,
//! <https://developers.facebook.com/docs/graph-api/overview/rate-limiting> (2026).

use serde_json::Value;

use super::budget;
use crate::shared::clock::Clock;
use crate::shared::outgoing::http::{Answer, ApiError};

/// The code of [`ApiError::Refused`] when the platform wants less to be asked for at once.
pub const TOO_MUCH: &str = "1/too much data";

/// The code of [`ApiError::Refused`] when an object is not there, or not for us to see.
pub const NOT_VISIBLE: &str = "100/33";

/// How the code of [`ApiError::Refused`] begins when a field is not known; its name follows.
pub const UNKNOWN_FIELD: &str = "100/field ";

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

/// The error object of an answer.
struct Told {
    code: i64,
    subcode: i64,
    is_transient: bool,
    message: String,
    trace: String,
}

impl Told {
    /// Reads `{"error": {…}}`. Members are missing or of other types where gateways and older parts of the platform answer.
    fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let error = body.get("error")?.as_object()?;
        let number = |name: &str| match error.get(name) {
            Some(Value::String(text)) => text.parse().ok(),
            value => value.and_then(Value::as_i64),
        };
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            code: number("code").unwrap_or_default(),
            subcode: number("error_subcode").unwrap_or_default(),
            is_transient: error.get("is_transient") == Some(&Value::Bool(true)),
            message: text("message"),
            trace: text("fbtrace_id").chars().filter(char::is_ascii_alphanumeric).take(40).collect(),
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

/// What an answer means that is no success.
#[must_use]
pub fn meaning(answer: &Answer, clock: &Clock) -> Meaning {
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
    tracing::info!(code, subcode, trace = told.trace, "the Graph API answered with an error");
    let error = match code {
        190 | 102 | 467 => ApiError::TokenRejected { reason: token_reason(subcode) },
        4 | 9 | 17 | 32 | 341 | 613 | 80_000..=80_999 => {
            return Meaning { error: ApiError::RateLimited { retry_after: pause }, limits_all: matches!(code, 4 | 341) };
        }
        1 if told.message.contains("reduce the amount of data") => ApiError::Refused { code: TOO_MUCH.to_owned() },
        1 | 2 | 1200 => ApiError::Unavailable(format!("code {code}")),
        10 | 200..=299 => not_allowed(&told),
        100 => bad_parameter(&told),
        368 => ApiError::PermissionMissing {
            code: code.to_string(),
            reason: "Facebook has blocked this app or Page for a while, for breaking its rules (code 368). Facebook names the \
                     rule in the Page's Support Inbox; reading goes on by itself when the block ends."
                .to_owned(),
        },
        _ if told.is_transient || answer.status.is_server_error() => ApiError::Unavailable(format!("code {code}")),
        _ => refused(code, subcode),
    };
    error.into()
}

/// Codes 10 and 200 to 299.
fn not_allowed(told: &Told) -> ApiError {
    let reason = match (told.code, told.subcode) {
        (10, 1_893_063) => {
            "Facebook has restricted the Page from sending messages for a while (code 10). See the Page's Support Inbox."
                .to_owned()
        }
        (code, _) => {
            let named = if code == 230 { Some("pages_messaging") } else { permission_in(&told.message) };
            let what = named.map_or_else(
                || format!("does not allow the Page to be read (code {code})"),
                |name| format!("does not allow it without the permission {name} (code {code})"),
            );
            format!("Facebook {what}. Choose “Continue with Facebook” again and leave all permissions ticked.")
        }
    };
    ApiError::PermissionMissing { code: told.code.to_string(), reason }
}

/// Code 100: a permission, a field or an object that is not there; anything else is a fault of ours.
fn bad_parameter(told: &Told) -> ApiError {
    if told.subcode == 33 {
        return ApiError::Refused { code: NOT_VISIBLE.to_owned() };
    }
    let field = told.message.split_once("nonexisting field (").and_then(|(_, rest)| rest.split_once(')'));
    let field = field.map(|(field, _)| field);
    let plain = |field: &&str| field.len() <= 64 && field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    match field.filter(plain) {
        Some(field) => ApiError::Refused { code: format!("{UNKNOWN_FIELD}{field}") },
        None if permission_in(&told.message).is_some() => not_allowed(told),
        None => refused(100, told.subcode),
    }
}

fn permission_in(message: &str) -> Option<&'static str> {
    PERMISSIONS.into_iter().find(|name| message.contains(name))
}

fn refused(code: i64, subcode: i64) -> ApiError {
    ApiError::Refused { code: if subcode == 0 { code.to_string() } else { format!("{code}/{subcode}") } }
}

/// Why a token is dead, and what to do, for the merchant.
/// Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling> (subcodes of 190).
#[must_use]
pub fn token_reason(subcode: i64) -> &'static str {
    match subcode {
        458 => "The app was removed from the Facebook account. Please connect the Page again.",
        459 => "Facebook wants you to log in there and confirm your identity. Then connect the Page again.",
        460 => "The password of the Facebook account was changed. Please connect the Page again.",
        463 => "The Facebook login has expired. Please connect the Page again.",
        464 => "The Facebook account is not confirmed. Confirm it there, then connect the Page again.",
        492 => {
            "The person who connected the Page has no role there any more. Someone with a role must connect it again."
        }
        _ => "Facebook refuses the stored login. Please connect the Page again.",
    }
}

/// What a merchant reads about an error that lasts; reading goes on by itself when it is over.
#[must_use]
pub fn explain(error: &ApiError) -> String {
    match error {
        ApiError::RateLimited { .. } => {
            "Facebook limits how often it may be asked. Reading goes on by itself after a pause.".to_owned()
        }
        ApiError::Unavailable(_) => {
            "Facebook does not answer properly at the moment. It is asked again by itself.".to_owned()
        }
        ApiError::Unreadable(_) => {
            "Facebook's answers cannot be read at the moment. It is asked again by itself.".to_owned()
        }
        ApiError::TokenRejected { reason } => (*reason).to_owned(),
        ApiError::PermissionMissing { reason, .. } => reason.clone(),
        ApiError::Paused { reason, .. } => reason.clone().into_owned(),
        ApiError::Refused { code } => match code.as_str() {
            "104" | "101" | "190" | "191" | "803" | "2500" => {
                format!("This service is not set up properly at Facebook (code {code}). Its operator has to mend that.")
            }
            "551" => "Facebook says that a person cannot be reached (code 551).".to_owned(),
            NOT_VISIBLE => "Facebook does not show something that was there before (code 100/33).".to_owned(),
            TOO_MUCH => "Facebook finds the Page's conversations too large to be read at once.".to_owned(),
            code => format!("Facebook refuses what is asked (code {code})."),
        },
    }
}
