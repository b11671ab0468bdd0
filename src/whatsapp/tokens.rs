//! The life of the token: what Meta says about it, and when it is about to end. Nothing renews it: whoever made it makes
//! another one and sets it anew.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/access-tokens> (2026).

use chrono::{DateTime, TimeDelta, Utc};

use super::NAME;
use super::refusal::token_reason;
use super::state::Whatsapp;
use crate::shared::languages::{Sentence, date_in_full, say};
use crate::shared::outgoing::http::ApiError;
use crate::shared::telemetry::alerts::Cause;

/// How long before the end of the token somebody is told.
const TOLD_BEFORE: TimeDelta = TimeDelta::days(7);

/// How often Meta is asked about the token.
const ASKED_EVERY_MS: i64 = 24 * 60 * 60 * 1000;

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

/// What Meta says about the token: asked once a day, and whenever `anew`.
///
/// # Errors
/// [`ApiError::TokenRejected`] when it is dead; anything else when Meta could not be asked. That Meta does not want to tell is
/// no error: the calls say enough.
pub async fn examine(whatsapp: &Whatsapp, anew: bool) -> Result<Grants, ApiError> {
    let now_ms = whatsapp.shared.clock.now_ms();
    if let Some(known) = whatsapp.grants().filter(|known| !anew && now_ms - known.told_at < ASKED_EVERY_MS) {
        warn_of_end(whatsapp, &known);
        return Ok(known);
    }
    let grants = match whatsapp.client.debug_token().await {
        Ok(info) if !info.is_valid => {
            whatsapp.set_grants(None);
            return Err(ApiError::TokenRejected { reason: token_reason(info.error.map_or(0, |error| error.subcode)) });
        }
        Ok(info) => {
            if !info.app_id.0.is_empty() {
                // Which app it is does not change while the settings stay.
                let _ = whatsapp.config.app_id.set(info.app_id.0);
            }
            let ends = info.expires_at.filter(|at| *at > 0).and_then(|at| DateTime::from_timestamp(at, 0));
            Grants { told_at: now_ms, scopes: info.scopes, ends }
        }
        Err(error @ (ApiError::TokenRejected { .. } | ApiError::Unavailable(_) | ApiError::RateLimited { .. })) => {
            return Err(error);
        }
        Err(error) => {
            tracing::warn!(%error, "Meta does not tell about the token for WhatsApp");
            Grants { told_at: now_ms, scopes: None, ends: None }
        }
    };
    whatsapp.set_grants(Some(grants.clone()));
    warn_of_end(whatsapp, &grants);
    Ok(grants)
}

fn warn_of_end(whatsapp: &Whatsapp, grants: &Grants) {
    let cause = Cause::of_account(NAME, whatsapp.config.account.as_str(), "token");
    match grants.ends_soon(whatsapp.shared.clock.now()) {
        Some(warning) => whatsapp.shared.alerts.raise(cause, &warning.to_string()),
        None => whatsapp.shared.alerts.heal(cause),
    }
}
