//! What all webhook routes have in common: refuse, or store and answer.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::sparse::Sparse;
use crate::shared::journal::{Event, Journal};

/// A commit that takes longer is given up: the platform's own patience ends at 5 s, and an honest 503 beats silence.
const COMMIT_WITHIN: Duration = Duration::from_secs(4);

/// Refuses a delivery: 401, an empty body, and at most one log line a second, so that strangers cannot fill the log.
pub fn refuse(channel: &'static str, reason: &'static str) -> Response {
    static SAID: Sparse = Sparse::new();
    if let Some(unsaid) = SAID.say() {
        tracing::warn!(channel, reason, unsaid, "a delivery was refused");
    }
    StatusCode::UNAUTHORIZED.into_response()
}

/// Commits the events of a delivery and answers 200, or 503 if that is not possible now.
pub async fn store(journal: &Journal, channel: &'static str, events: Vec<Event>) -> Response {
    let stored = tokio::time::timeout(COMMIT_WITHIN, journal.append(events)).await;
    match stored {
        Ok(Ok(appended)) => {
            tracing::debug!(channel, new = appended.new, repeated = appended.repeated, "a delivery was stored");
            StatusCode::OK.into_response()
        }
        Ok(Err(error)) => {
            tracing::warn!(channel, %error, "a delivery could not be stored; the platform will send it again");
            unavailable()
        }
        Err(_) => {
            tracing::warn!(channel, "a delivery could not be stored in time; the platform will send it again");
            unavailable()
        }
    }
}

fn unavailable() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, HeaderValue::from_static("1"))]).into_response()
}
