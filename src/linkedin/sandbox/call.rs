//! One call of the API: its headers, its token, and how it is answered.
//!
//! Sources: learn.microsoft.com, `linkedin/marketing/versioning` and `linkedin/shared/api-guide/concepts/error-handling` (2026).

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::state::Core;
use crate::shared::channel::simulator::json_answer;

/// How the API says no.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub status: u16,
    pub code: &'static str,
    pub service_error: u32,
    pub message: String,
}

impl ApiError {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let service_error = match status {
            401 => 65_600,
            403 => 100,
            429 => 101,
            _ => 0,
        };
        Self { status, code, service_error, message: message.into() }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "ILLEGAL_ARGUMENT", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "NOT_FOUND", message)
    }

    pub(super) fn answer(&self) -> Response {
        let body = json!({"message": self.message, "serviceErrorCode": self.service_error, "status": self.status, "code": self.code});
        json_answer(self.status, &body)
    }

    /// A refusal that a test asked for.
    pub(super) fn planned(status: u16) -> Self {
        match status {
            401 => Self::new(401, "REVOKED_ACCESS_TOKEN", "The token used in the request has been revoked by the user"),
            403 => Self::new(403, "ACCESS_DENIED", "Not enough permissions to access: partnerApiSocialActions.CREATE"),
            429 => Self::new(
                429,
                "TOO_MANY_REQUESTS",
                "Resource level throttle limit for calls to this resource is reached.",
            ),
            status => Self::new(status, "ERROR", "The call failed"),
        }
    }
}

/// Turns a result into an answer.
pub(super) fn reply(result: Result<Value, ApiError>) -> Response {
    match result {
        Ok(body) => json_answer(200, &body),
        Err(error) => error.answer(),
    }
}

/// An answer for something that was made: 201, its id in a header.
pub(super) fn created(id: &str, body: Option<&Value>) -> Response {
    let mut response = match body {
        Some(body) => json_answer(201, body),
        None => http::StatusCode::CREATED.into_response(),
    };
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HeaderName::from_static("x-restli-id"), value);
    }
    response
}

/// Checks the headers of a versioned call, and that the token lives and has one of these permissions.
pub(super) fn check(core: &Core, headers: &HeaderMap, scopes: &[&str]) -> Result<(), ApiError> {
    authorise(core, headers, scopes)?;
    check_version(headers, core.now())
}

/// The bearer token of a call.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Checks the token alone.
pub(super) fn authorise(core: &Core, headers: &HeaderMap, scopes: &[&str]) -> Result<(), ApiError> {
    let token = bearer(headers).ok_or_else(|| ApiError::new(401, "EMPTY_ACCESS_TOKEN", "Empty oauth2 access token"))?;
    let world = core.world();
    let token =
        world.tokens.get(token).ok_or_else(|| ApiError::new(401, "INVALID_ACCESS_TOKEN", "Invalid access token"))?;
    if token.is_revoked {
        return Err(ApiError::planned(401));
    }
    if core.now() >= token.expires_at {
        return Err(ApiError::new(401, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired"));
    }
    if scopes.is_empty() || scopes.iter().any(|scope| token.scopes.iter().any(|has| has == scope)) {
        return Ok(());
    }
    Err(ApiError::planned(403))
}

/// A version is a month; it dies about a year after it came.
fn check_version(headers: &HeaderMap, now: DateTime<Utc>) -> Result<(), ApiError> {
    let text = headers.get("linkedin-version").and_then(|value| value.to_str().ok());
    let text = text.ok_or_else(|| {
        ApiError::new(
            400,
            "VERSION_MISSING",
            "A version must be present. Please specify a version by adding the LinkedIn-Version header.",
        )
    })?;
    let protocol = headers.get("x-restli-protocol-version").and_then(|value| value.to_str().ok());
    if protocol != Some("2.0.0") {
        return Err(ApiError::bad("Invalid Rest.li protocol version"));
    }
    let dead = || ApiError::new(426, "NONEXISTENT_VERSION", format!("Requested version {text} is not active"));
    let number: i32 = text.parse().map_err(|_| dead())?;
    let (year, month) = (number / 100, u32::try_from(number % 100).map_err(|_| dead())?);
    let from = NaiveDate::from_ymd_opt(year, month, 1).ok_or_else(dead)?;
    let until = NaiveDate::from_ymd_opt(year + 1, month, 17).ok_or_else(dead)?;
    let today = now.date_naive();
    let is_alive = from <= today && today < until && text.len() == 6;
    if is_alive { Ok(()) } else { Err(dead()) }
}

/// Milliseconds since 1970.
pub(super) fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_lives_for_about_a_year() {
        let now = DateTime::parse_from_rfc3339("2026-11-29T10:00:00Z").unwrap().to_utc();
        let status = |version: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("linkedin-version", version.parse().unwrap());
            headers.insert("x-restli-protocol-version", HeaderValue::from_static("2.0.0"));
            check_version(&headers, now).map_err(|error| error.status)
        };
        assert_eq!(status("202610"), Ok(()));
        assert_eq!((status("202508"), status("202701"), status("2026")), (Err(426), Err(426), Err(426)));
        assert_eq!(check_version(&HeaderMap::new(), now).unwrap_err().status, 400);
    }
}
