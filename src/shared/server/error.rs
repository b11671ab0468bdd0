//! What a caller is told when something fails, apart from what is logged.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::shared::database::sqlite;
use crate::shared::journal::JournalError;
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::ApiError;
use crate::shared::products::ProductsError;
use crate::shared::store::connections::NotStored;
use crate::shared::telemetry::once_per_second::EachOncePerSecond;

/// Why a request could not be served.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// 400: the caller sent something that cannot be right; this sentence is shown.
    #[error("bad request: {0}")]
    BadRequest(Sentence),
    /// 401: a signature or session is missing or wrong.
    #[error("unauthorized: {0}")]
    Unauthorized(Sentence),
    /// 403: understood and refused; this sentence is shown.
    #[error("forbidden: {0}")]
    Forbidden(Sentence),
    /// 404.
    #[error("not found")]
    NotFound,
    /// 405: the address is there, and does not know this method.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// 409: the wish collides with what is there; this sentence is shown.
    #[error("conflict: {0}")]
    Conflict(Sentence),
    /// 502: a platform did not answer as expected. The cause goes to the log.
    #[error("{platform}: {cause}")]
    Platform {
        /// The platform's name as people know it.
        platform: &'static str,
        /// What went wrong.
        cause: ApiError,
    },
    /// 503: cannot be stored or served at the moment; the caller should come again.
    #[error("unavailable: {0}")]
    Unavailable(Sentence),
    /// 503: a database cannot be used at the moment. The cause goes to the log.
    #[error("{0:#}")]
    ForNow(anyhow::Error),
    /// 500: our own fault. The cause goes to the log.
    #[error("{0:#}")]
    Internal(anyhow::Error),
}

impl From<anyhow::Error> for AppError {
    /// A database that cannot be used for now is no fault that anybody has to look for in the code, and neither is a login
    /// that was overtaken by another one.
    fn from(error: anyhow::Error) -> Self {
        match error.downcast_ref::<NotStored>() {
            Some(NotStored::AnotherMerchants) => Self::Conflict(say::login_overtaken()),
            Some(NotStored::BeingErased) => Self::Unavailable(say::being_erased()),
            None if is_for_now(&error) => Self::ForNow(error),
            None => Self::Internal(error),
        }
    }
}

impl From<JournalError> for AppError {
    fn from(error: JournalError) -> Self {
        Self::ForNow(error.into())
    }
}

/// Whether something failed that heals by itself or with the disk: a database that is in use, full, away, or cannot be read
/// or written at the moment, or an index that is being made again.
#[must_use]
pub fn is_for_now(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<JournalError>() || cause.is::<ProductsError>() || sqlite::is_for_now(cause))
}

/// A problem as RFC 9457 describes it. Kept beside the response so that a browser can be shown a page instead.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status code.
    pub status: u16,
    /// A short name of the problem.
    pub title: Sentence,
    /// A sentence for the person who meets it.
    pub detail: Sentence,
}

impl AppError {
    /// A 400 with this sentence.
    pub fn bad_request(sentence: impl Into<Sentence>) -> Self {
        Self::BadRequest(sentence.into())
    }

    fn line(&self) -> Line {
        let kind = match self {
            Self::BadRequest(sentence)
            | Self::Forbidden(sentence)
            | Self::Conflict(sentence)
            | Self::Unauthorized(sentence)
            | Self::Unavailable(sentence) => sentence.kind(),
            Self::Platform { platform, .. } => platform,
            _ => self.problem().title.kind(),
        };
        let level = match self {
            Self::Internal(_) => tracing::Level::ERROR,
            Self::Platform { .. } | Self::Unavailable(_) | Self::ForNow(_) => tracing::Level::WARN,
            _ => tracing::Level::INFO,
        };
        Line { kind, level, reason: self.to_string() }
    }

    fn problem(&self) -> Problem {
        let (status, title, detail) = match self {
            Self::BadRequest(sentence) => (400, say::bad_request(), sentence.clone()),
            Self::Unauthorized(sentence) => (401, say::not_signed_in(), sentence.clone()),
            Self::Forbidden(sentence) => (403, say::not_allowed(), sentence.clone()),
            Self::NotFound => (404, say::not_found(), say::not_found_detail()),
            Self::MethodNotAllowed => (405, say::method_not_allowed(), say::method_not_allowed_detail()),
            Self::Conflict(sentence) => (409, say::conflict(), sentence.clone()),
            Self::Platform { platform, cause: ApiError::RateLimited { .. } } => {
                (502, say::platform_busy(), say::platform_busy_detail(*platform))
            }
            Self::Platform { platform, .. } => (502, say::platform_silent(), say::platform_silent_detail(*platform)),
            Self::Unavailable(sentence) => (503, say::unavailable(), sentence.clone()),
            Self::ForNow(_) => (503, say::not_now(), say::not_now_detail()),
            Self::Internal(_) => (500, say::went_wrong(), say::went_wrong_detail()),
        };
        Problem { status, title, detail }
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let mut response = self.problem().into_response();
        response.extensions_mut().insert(self.line());
        response
    }
}

/// What is to be logged of a request that was not served. In the extensions of its answer.
#[derive(Clone)]
struct Line {
    /// What it is one of, for counting.
    kind: &'static str,
    level: tracing::Level,
    reason: String,
}

/// Logs requests that were not served: one line a second for each kind, because strangers can cause all of them. A layer
/// around all routes.
pub async fn log_unserved(State(said): State<Arc<EachOncePerSecond>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(Line { kind, level, reason }) = response.extensions().get()
        && let Some(unsaid) = said.should_log(kind)
    {
        match *level {
            tracing::Level::ERROR => tracing::error!(error = reason, unsaid, "a request failed"),
            tracing::Level::WARN => tracing::warn!(error = reason, unsaid, "a request could not be served"),
            _ => tracing::info!(reason, unsaid, "a request was refused"),
        }
    }
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::json!({
            "type": "about:blank", "title": self.title.to_string(), "status": self.status, "detail": self.detail.to_string(),
        });
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Whether the caller asked for a page.
#[must_use]
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains("text/html")))
}
