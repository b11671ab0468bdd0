//! What the API answers when it does not do what was asked: `application/problem+json` (RFC 9457). Every row of the
//! contract's table is a variant here, with its status, its members and a sentence for the person who reads it.
//!
//! No problem says what a message says: sentences are ours, and members hold ids, times and words from fixed lists.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::answering::content::Misfit;
use crate::shared::journal::JournalError;
use crate::shared::languages::Sentence;
use crate::shared::products::ProductsError;
use crate::shared::server::error::{Problem, is_for_now};
use crate::shared::store::api_keys::Scope;
use crate::shared::telemetry::once_per_second::{EachOncePerSecond, OncePerSecond};

/// How long a caller waits who came at a bad time, in seconds.
const RETRY_AFTER: u64 = 5;

/// How much of a pointer is repeated: it is made of what a caller wrote.
const MAX_POINTER: usize = 200;

/// Why the API did not do what was asked.
#[derive(Debug)]
pub enum ApiProblem {
    /// No, unknown, revoked or expired key: one and the same answer.
    Unauthorized,
    /// The key may not do this.
    ScopeMissing {
        /// The scope that it lacks.
        scope: Scope,
    },
    /// The channel's programme does not allow it.
    NotPermitted {
        /// A word for it, where there is one: `public`.
        why: Option<&'static str>,
        /// A sentence for it.
        detail: Sentence,
    },
    /// Not there, or another merchant's.
    NotFound,
    /// The request does not fit as HTTP already: its method, its size, its encoding. It keeps the status of HTTP.
    Unfit {
        /// The status.
        status: StatusCode,
        /// What does not fit.
        message: Cow<'static, str>,
    },
    /// `Idempotency-Key` is absent, empty, longer than 255, or not visible ASCII.
    IdempotencyKeyMissing,
    /// A path, query or body that does not fit; never empty.
    Invalid(Vec<Misfit>),
    /// The same `Idempotency-Key` with another body or address.
    IdempotencyKeyReused {
        /// The id of the message that the first request made.
        message: String,
    },
    /// The channel cannot send this kind.
    Unsupported {
        /// What it can: `text`, `media`, `choices`, `products`, `template`.
        can: Vec<&'static str>,
    },
    /// A picture, video, recording or file that cannot be sent or kept.
    MediaRefused {
        /// A word for it: `size`, `quota`, `type`, …
        why: &'static str,
    },
    /// Products that cannot be shown.
    ProductUnavailable {
        /// A word for it: `unknown`, `inactive`, `several_shops`.
        why: &'static str,
        /// Which ones, as they were asked for.
        ids: Vec<String>,
    },
    /// The platform's time for answers is over.
    WindowClosed {
        /// When it ended, in milliseconds since 1970, where that is known.
        closed_at: Option<i64>,
        /// What may still be sent: `template`, `human`, or nothing.
        allowed: Vec<&'static str>,
    },
    /// Somebody took the conversation over.
    Paused {
        /// Who: `human`, `app`, `api`.
        by: &'static str,
        /// Until when, in milliseconds since 1970; `None`: until it is resumed.
        until: Option<i64>,
    },
    /// Another app holds the conversation.
    NotOwner,
    /// What is answered was overtaken.
    Outdated {
        /// `superseded`: the person wrote again; `answered`: something of ours went out after it.
        why: &'static str,
        /// The id of the newest event.
        newest: String,
    },
    /// The platform was called for this message already.
    TooLate {
        /// The state of the message.
        state: &'static str,
    },
    /// The person cannot be written to.
    CannotReceive {
        /// `unsubscribed`, `blocked`, `opted_out`, `group`, `no_reply_limit`.
        why: &'static str,
    },
    /// The account cannot send.
    AccountUnavailable {
        /// `needs_reconnect`, `incomplete`, `blocked`, `off`.
        why: &'static str,
    },
    /// The place in the feed is no place in it any more, or not yet.
    CursorExpired {
        /// The oldest number that is kept.
        oldest: i64,
        /// The newest number.
        newest: i64,
    },
    /// As much is waiting as may wait.
    QueueFull {
        /// In how many seconds to come again.
        retry_after: u64,
    },
    /// More than the key, or a stranger, may ask for.
    TooManyRequests {
        /// In how many seconds to come again.
        retry_after: u64,
    },
    /// It cannot be stored now.
    Unavailable,
    /// Our own fault. The cause goes to the log.
    Internal(anyhow::Error),
}

impl From<anyhow::Error> for ApiProblem {
    /// A database that cannot be used for now is no fault that anybody has to look for in the code.
    fn from(error: anyhow::Error) -> Self {
        static SAID: OncePerSecond = OncePerSecond::new();
        if !is_for_now(&error) {
            return Self::Internal(error);
        }
        if let Some(unsaid) = SAID.should_log() {
            tracing::warn!(error = format!("{error:#}"), unsaid, "the API cannot read or store anything for now");
        }
        Self::Unavailable
    }
}

impl From<ProductsError> for ApiProblem {
    fn from(error: ProductsError) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<JournalError> for ApiProblem {
    fn from(error: JournalError) -> Self {
        anyhow::Error::from(error).into()
    }
}

/// What a problem shows, apart from its own members.
struct Row {
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    detail: Cow<'static, str>,
}

impl Row {
    fn new(name: &'static str, status: StatusCode, title: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { name, status, title, detail: detail.into() }
    }
}

impl ApiProblem {
    /// One thing that does not fit, at this pointer.
    pub fn invalid(pointer: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(vec![Misfit::new(pointer, message)])
    }

    /// The route is there, and this method is not.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let message = "This address does not know this method; the header Allow names those that it knows.";
        Self::Unfit { status: StatusCode::METHOD_NOT_ALLOWED, message: message.into() }
    }

    /// What was found wrong with a request before it came to a route.
    #[must_use]
    pub fn of(problem: &Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests { retry_after: RETRY_AFTER },
            _ if status.is_client_error() => Self::Unfit { status, message: problem.detail.to_string().into() },
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            _ => Self::Internal(anyhow::anyhow!("{}", problem.title)),
        }
    }

    fn row(&self) -> Row {
        match self {
            Self::Unauthorized
            | Self::ScopeMissing { .. }
            | Self::NotPermitted { .. }
            | Self::NotFound
            | Self::QueueFull { .. }
            | Self::TooManyRequests { .. }
            | Self::Unavailable
            | Self::Internal(_) => self.row_of_access(),
            Self::IdempotencyKeyMissing
            | Self::Invalid(_)
            | Self::Unfit { .. }
            | Self::IdempotencyKeyReused { .. }
            | Self::Unsupported { .. }
            | Self::MediaRefused { .. }
            | Self::ProductUnavailable { .. } => self.row_of_content(),
            _ => self.row_of_conversation(),
        }
    }

    /// What is wrong with who asks, for what, and when.
    fn row_of_access(&self) -> Row {
        match self {
            Self::Unauthorized => Row::new(
                "unauthorized",
                StatusCode::UNAUTHORIZED,
                "No valid key",
                "This needs a valid key: Authorization: Bearer stk_… A merchant makes and revokes keys on the page /keys.",
            ),
            Self::ScopeMissing { scope } => Row::new(
                "scope-missing",
                StatusCode::FORBIDDEN,
                "The key may not do this",
                format!("This needs a key with the scope “{}”.", scope.as_str()),
            ),
            Self::NotPermitted { detail, .. } => {
                Row::new("not-permitted", StatusCode::FORBIDDEN, "Not permitted on this channel", detail.to_string())
            }
            Self::QueueFull { .. } => Row::new(
                "queue-full",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many messages are waiting",
                "As many messages are waiting to be sent as may wait. Nothing was stored; please come again later.",
            ),
            Self::TooManyRequests { .. } => Row::new(
                "too-many-requests",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                "There are too many requests. Nothing was done; please come again in as many seconds as Retry-After says.",
            ),
            Self::Unavailable => Row::new(
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "Unavailable",
                "This cannot be stored now. Nothing was done; please come again in a moment.",
            ),
            Self::Internal(_) => Row::new(
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong",
                "Something went wrong on our side. Please try again.",
            ),
            _ => Row::new(
                "not-found",
                StatusCode::NOT_FOUND,
                "Not found",
                "There is nothing at this address, or nothing that this key may see.",
            ),
        }
    }

    /// What is wrong with what was asked for.
    fn row_of_content(&self) -> Row {
        const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        match self {
            Self::IdempotencyKeyMissing => Row::new(
                "idempotency-key-missing",
                StatusCode::BAD_REQUEST,
                "Idempotency-Key is missing",
                "This needs one header Idempotency-Key of 1 to 255 visible ASCII characters; the id of the event that is \
                 answered is a good one.",
            ),
            Self::IdempotencyKeyReused { .. } => Row::new(
                "idempotency-key-reused",
                UNPROCESSABLE,
                "Idempotency-Key was used already",
                "This Idempotency-Key was used for another body or another conversation. Nothing was stored.",
            ),
            Self::Unsupported { .. } => Row::new(
                "unsupported",
                UNPROCESSABLE,
                "Not possible on this channel",
                "This channel cannot send this; the member can lists what it can.",
            ),
            Self::MediaRefused { why } => {
                Row::new("media-refused", UNPROCESSABLE, "This file cannot be used", media_detail(why))
            }
            Self::ProductUnavailable { .. } => Row::new(
                "product-unavailable",
                UNPROCESSABLE,
                "These products cannot be shown",
                "Products are shown that are active in one shop of this merchant; the member ids lists those that are not.",
            ),
            _ => Row::new(
                "invalid",
                if let Self::Unfit { status, .. } = self { *status } else { UNPROCESSABLE },
                "This does not fit",
                "Something in the request does not fit; the member errors lists what, and where it stands.",
            ),
        }
    }

    /// What is wrong with the conversation, the account or the place in the feed.
    fn row_of_conversation(&self) -> Row {
        let conflict = |name, title, detail: Cow<'static, str>| Row::new(name, StatusCode::CONFLICT, title, detail);
        match self {
            Self::WindowClosed { allowed, .. } => conflict(
                "window-closed",
                "The time for answers is over",
                match allowed.as_slice() {
                    [] => "The platform does not take an answer any more until the person writes again.".into(),
                    allowed => {
                        format!("The platform takes only this until the person writes again: {}.", allowed.join(", "))
                            .into()
                    }
                },
            ),
            Self::Paused { .. } => conflict(
                "paused",
                "The conversation is paused",
                "Somebody took this conversation over, so the bot is silent; the members by and until say who and until when."
                    .into(),
            ),
            Self::Outdated { why, .. } => conflict(
                "outdated",
                "This answer was overtaken",
                match *why {
                    "answered" => "Something went out after the message that this answers.".into(),
                    _ => "The person wrote again after the message that this answers.".into(),
                },
            ),
            Self::TooLate { .. } => conflict(
                "too-late",
                "It is too late for this",
                "The state of the message, in the member state, does not allow this any more.".into(),
            ),
            Self::CannotReceive { .. } => conflict(
                "cannot-receive",
                "This person cannot be written to",
                "The platform does not deliver messages to this person; the member why says for what reason.".into(),
            ),
            Self::AccountUnavailable { .. } => conflict(
                "account-unavailable",
                "This account cannot send",
                "The account cannot send at the moment; the member why says for what reason. Its merchant's page says what to do."
                    .into(),
            ),
            Self::CursorExpired { .. } => Row::new(
                "cursor-expired",
                StatusCode::GONE,
                "This place is not kept",
                "The feed does not reach there; the members oldest and newest say from where to where it reaches.",
            ),
            _ => conflict(
                "not-owner",
                "Another app holds the conversation",
                "Another app answers this conversation at the platform, so nothing can be sent from here.".into(),
            ),
        }
    }

    /// The members of this kind of problem.
    fn members(&self) -> Value {
        match self {
            Self::ScopeMissing { scope } => json!({ "scope": scope.as_str() }),
            Self::NotPermitted { why: Some(why), .. }
            | Self::MediaRefused { why }
            | Self::CannotReceive { why }
            | Self::AccountUnavailable { why } => json!({ "why": why }),
            Self::Invalid(errors) => {
                let shown = |error: &Misfit| json!({ "pointer": error.pointer.chars().take(MAX_POINTER).collect::<String>(), "message": error.message });
                json!({ "errors": errors.iter().map(shown).collect::<Vec<_>>() })
            }
            Self::Unfit { message, .. } => json!({ "errors": [{ "pointer": "", "message": message }] }),
            Self::IdempotencyKeyReused { message } => json!({ "message": message }),
            Self::Unsupported { can } => json!({ "can": can }),
            Self::ProductUnavailable { why, ids } => json!({ "why": why, "ids": ids }),
            Self::WindowClosed { closed_at, allowed } => {
                json!({ "closed_at": closed_at.and_then(time), "allowed": allowed })
            }
            Self::Paused { by, until } => json!({ "by": by, "until": until.and_then(time) }),
            Self::Outdated { why, newest } => json!({ "why": why, "newest": newest }),
            Self::TooLate { state } => json!({ "state": state }),
            Self::CursorExpired { oldest, newest } => json!({ "oldest": oldest, "newest": newest }),
            _ => Value::Object(Map::new()),
        }
    }

    fn log(&self, name: &'static str) {
        static SAID: EachOncePerSecond = EachOncePerSecond::new();
        let Some(unsaid) = SAID.should_log(name) else { return };
        match self {
            Self::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), unsaid, "a request of the API failed");
            }
            Self::Unavailable => tracing::warn!(unsaid, "a request of the API could not be served"),
            _ => tracing::info!(reason = name, unsaid, "a request of the API was refused"),
        }
    }
}

/// What is wrong with a file, as a sentence.
fn media_detail(why: &str) -> &'static str {
    match why {
        "type" => {
            "Files are JPEG, PNG, WebP, GIF, MP4, MP3, Ogg, M4A or PDF, and Content-Type names what the first bytes are."
        }
        "size" => "The file is too large. One that is uploaded has at most 16 MiB.",
        "quota" => "There is no room: 200 MiB of uploaded files are kept at a time, each for 24 hours.",
        "public_url" => {
            "Platforms can fetch uploaded files only where this service has a public https address (PUBLIC_URL)."
        }
        "slow" => "The file did not come in time.",
        "unknown" => "There is no uploaded file with this id, or not any more: each is kept for 24 hours.",
        "address" => {
            "The platform fetches the file: its address must be https, on port 443, with a public name and no user."
        }
        _ => "This file cannot be sent or kept; the member why says what is wrong with it.",
    }
}

/// A time as the API writes it: RFC 3339, UTC, with milliseconds.
#[must_use]
pub fn time(at_ms: i64) -> Option<String> {
    DateTime::from_timestamp_millis(at_ms).map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let Row { name, status, title, detail } = self.row();
        self.log(name);
        let mut body = json!({
            "type": format!("urn:shoptalk:{name}"), "title": title, "status": status.as_u16(), "detail": detail,
        });
        if let (Value::Object(body), Value::Object(members)) = (&mut body, self.members()) {
            body.extend(members);
        }
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, kind, body.to_string()).into_response();
        let retry_after = match self {
            Self::QueueFull { retry_after } | Self::TooManyRequests { retry_after } => Some(retry_after.max(1)),
            Self::Unavailable => Some(RETRY_AFTER),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<(ApiProblem, &'static str, u16, Value)> {
        let name = String::from;
        vec![
            (ApiProblem::Unauthorized, "unauthorized", 401, json!({})),
            (ApiProblem::ScopeMissing { scope: Scope::Reply }, "scope-missing", 403, json!({ "scope": "reply" })),
            (ApiProblem::NotPermitted { why: None, detail: "No.".into() }, "not-permitted", 403, json!({})),
            (
                ApiProblem::NotPermitted { why: Some("public"), detail: "No.".into() },
                "not-permitted",
                403,
                json!({ "why": "public" }),
            ),
            (ApiProblem::NotFound, "not-found", 404, json!({})),
            (
                ApiProblem::Unfit { status: StatusCode::PAYLOAD_TOO_LARGE, message: "Too large.".into() },
                "invalid",
                413,
                json!({ "errors": [{ "pointer": "", "message": "Too large." }] }),
            ),
            (ApiProblem::IdempotencyKeyMissing, "idempotency-key-missing", 400, json!({})),
            (
                ApiProblem::invalid("/choices/0/title", "This is too long."),
                "invalid",
                422,
                json!({ "errors": [{ "pointer": "/choices/0/title", "message": "This is too long." }] }),
            ),
            (
                ApiProblem::IdempotencyKeyReused { message: name("msg_1") },
                "idempotency-key-reused",
                422,
                json!({ "message": "msg_1" }),
            ),
            (ApiProblem::Unsupported { can: vec!["text"] }, "unsupported", 422, json!({ "can": ["text"] })),
            (ApiProblem::MediaRefused { why: "size" }, "media-refused", 422, json!({ "why": "size" })),
            (
                ApiProblem::ProductUnavailable { why: "unknown", ids: vec![name("7")] },
                "product-unavailable",
                422,
                json!({ "why": "unknown", "ids": ["7"] }),
            ),
            (
                ApiProblem::WindowClosed { closed_at: Some(0), allowed: vec!["template"] },
                "window-closed",
                409,
                json!({ "closed_at": "1970-01-01T00:00:00.000Z", "allowed": ["template"] }),
            ),
            (ApiProblem::Paused { by: "human", until: None }, "paused", 409, json!({ "by": "human", "until": null })),
            (ApiProblem::NotOwner, "not-owner", 409, json!({})),
            (
                ApiProblem::Outdated { why: "answered", newest: name("evt_1") },
                "outdated",
                409,
                json!({ "why": "answered", "newest": "evt_1" }),
            ),
            (ApiProblem::TooLate { state: "sent" }, "too-late", 409, json!({ "state": "sent" })),
            (ApiProblem::CannotReceive { why: "blocked" }, "cannot-receive", 409, json!({ "why": "blocked" })),
            (ApiProblem::AccountUnavailable { why: "off" }, "account-unavailable", 409, json!({ "why": "off" })),
            (
                ApiProblem::CursorExpired { oldest: 3, newest: 9 },
                "cursor-expired",
                410,
                json!({ "oldest": 3, "newest": 9 }),
            ),
            (ApiProblem::QueueFull { retry_after: 7 }, "queue-full", 429, json!({})),
            (ApiProblem::TooManyRequests { retry_after: 0 }, "too-many-requests", 429, json!({})),
            (ApiProblem::Unavailable, "unavailable", 503, json!({})),
            (ApiProblem::Internal(anyhow::anyhow!("a planned failure")), "internal", 500, json!({})),
        ]
    }

    #[tokio::test]
    async fn every_row_of_the_contracts_table_has_its_type_status_members_and_headers() {
        for (problem, name, status, members) in all() {
            let response = problem.into_response();
            assert_eq!(response.status(), status, "{name}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), matches!(status, 429 | 503), "{name}");
            assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), status == 401, "{name}");
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let mut body: Map<String, Value> = serde_json::from_slice(&body).unwrap();
            assert_eq!(body.remove("type"), Some(format!("urn:shoptalk:{name}").into()));
            assert_eq!(body.remove("status"), Some(status.into()), "{name}");
            for words in ["title", "detail"] {
                assert!(body.remove(words).unwrap().as_str().is_some_and(|words| words.len() > 2), "{name}: {words}");
            }
            assert_eq!(Value::Object(body), members, "{name}");
        }
    }

    #[test]
    fn a_pointer_is_not_repeated_at_any_length() {
        let ApiProblem::Invalid(_) = ApiProblem::invalid("/a", "b") else { unreachable!() };
        let members = ApiProblem::invalid(format!("/{}", "ä".repeat(5_000)), "There is no such member.").members();
        assert_eq!(members["errors"][0]["pointer"].as_str().unwrap().chars().count(), MAX_POINTER);
    }
}
