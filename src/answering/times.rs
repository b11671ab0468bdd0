//! Times as the API writes them.

use chrono::{DateTime, SecondsFormat};

/// A time in milliseconds since 1970 in the words of RFC 3339: UTC, with milliseconds.
#[must_use]
pub fn rfc3339(at_ms: i64) -> String {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}
