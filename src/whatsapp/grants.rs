//! What Meta says about a token that works.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/access-tokens> (2026).

use chrono::{DateTime, TimeDelta, Utc};

use crate::shared::languages::{Sentence, date_in_full, say};

/// How long before the end of the token somebody is told.
const TOLD_BEFORE: TimeDelta = TimeDelta::days(7);

/// What the token may do: to send and to get messages, and everything else.
pub const MESSAGING: &str = "whatsapp_business_messaging";

/// To see templates, subscriptions and the number.
pub const MANAGEMENT: &str = "whatsapp_business_management";

/// What Meta says about a token that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// When that was, in milliseconds since 1970.
    pub told_at: i64,
    /// What was granted; `None`: not told.
    pub scopes: Option<Vec<String>>,
    /// When the token ends; `None`: never.
    pub ends: Option<DateTime<Utc>>,
}

impl Grants {
    /// Which of the permissions are missing.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let Some(scopes) = &self.scopes else { return Vec::new() };
        [MESSAGING, MANAGEMENT].into_iter().filter(|wanted| !scopes.iter().any(|scope| scope == wanted)).collect()
    }

    /// What to say where the token is about to end.
    #[must_use]
    pub fn ends_soon(&self, now: DateTime<Utc>) -> Option<Sentence> {
        let end = self.ends.filter(|end| *end <= now + TOLD_BEFORE)?;
        Some(say::whatsapp_token_ends(date_in_full(end.timestamp_millis())))
    }
}
