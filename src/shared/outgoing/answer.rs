//! What comes back from a call: an answer whole, or its head alone.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::api_error::ApiError;
use crate::shared::clock::Clock;

/// The longest `Retry-After` that is obeyed; a platform that wants more is asked again after this.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// An answer of a platform, whole, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON of this shape.
    ///
    /// # Errors
    /// [`ApiError::Unreadable`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body).map_err(|_| ApiError::Unreadable("the answer has not the expected shape"))
    }

    /// As [`retry_after`], of this answer.
    #[must_use]
    pub fn retry_after(&self, clock: &Clock) -> Option<Duration> {
        retry_after(&self.headers, clock)
    }
}

/// The head of an answer whose body nobody reads.
#[derive(Debug)]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
}

/// How long whoever answered with these headers wants us to wait, if they say so. Both forms of `Retry-After` are
/// understood, and fractions of seconds, which Shopify sends.
#[must_use]
pub fn retry_after(headers: &HeaderMap, clock: &Clock) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match value.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Duration::from_secs_f64(seconds.min(86_400.0)),
        Ok(_) => return None,
        Err(_) => {
            let at = chrono::DateTime::parse_from_rfc2822(value).ok()?;
            (at.to_utc() - clock.now()).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST_WAIT))
}
