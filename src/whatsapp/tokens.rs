//! The life of the token: what Meta says about it, and when it is about to end. Nothing renews it: whoever made it makes
//! another one and sets it anew.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/access-tokens> (2026).

use chrono::DateTime;

use super::grants::Grants;
use super::names::NAME;
use super::refusal::token_reason;
use super::state::Whatsapp;
use crate::shared::outgoing::http::ApiError;
use crate::shared::telemetry::alerts::Cause;

/// How often Meta is asked about the token.
const ASKED_EVERY_MS: i64 = 24 * 60 * 60 * 1000;

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
