//! `POST /viber/webhook`: callbacks — verify, store, answer.
//!
//! Anything but 200 is sent again for about an hour, and then it is lost. The body of an answer says nothing: to
//! `conversation_started` it would be taken for a welcome message, so it is empty unless one is meant.
//! Source: <https://creators.viber.com/docs/bots-api/getting-started/web-hooks>,
//! <https://creators.viber.com/docs/bots-api/events/conversation-started> (2026).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use subtle::ConstantTimeEq;

use super::config::ROUTES;
use super::state::Viber;
use super::{message, payload, view};
use crate::shared::journal::{AlsoKnown, Event, Knowing};
use crate::shared::raw_json::Object;
use crate::shared::secrets::signature::{Secrets, Signer, from_hex};
use crate::shared::server::webhook_intake;
use crate::shared::telemetry::metrics::Refusal;

/// The header of the signature.
pub const SIGNATURE: &str = "x-viber-content-signature";

/// The parameter that carries it, too, and alone from some senders.
const PARAMETER: &str = "sig";

/// The largest callback that is read. Viber names no limit for callbacks, and none for messages is above 30 KB.
const MAX_CALLBACK_BYTES: usize = 4 * 1024 * 1024;

/// A welcome is for who opened the chat just now, in milliseconds.
const WELCOME_WITHIN_MS: i64 = 5 * 60 * 1000;

pub fn routes(viber: &Viber) -> Router<Arc<Viber>> {
    let observed = || middleware::from_fn_with_state(viber.intake.clone(), webhook_intake::observe);
    let route = || -> MethodRouter<Arc<Viber>> {
        post(callback).layer(DefaultBodyLimit::max(MAX_CALLBACK_BYTES)).layer(observed())
    };
    ROUTES.iter().fold(Router::new(), |router, path| router.route(path, route()))
}

/// Takes a callback in. 401 without a right signature, 503 when it cannot be stored; then Viber sends it again.
async fn callback(
    State(viber): State<Arc<Viber>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match verify(&viber.config.token, &headers, query.as_deref(), &body) {
        Ok(signer) => viber.intake.verified(signer),
        Err(reason) => return viber.intake.refuse(reason),
    }
    if let Some(answer) = viber.intake.answer_other(&body, |_| false) {
        return answer;
    }
    let account = viber.account.known().await;
    let event = payload::event(account.as_ref().map(|known| &known.id), &body);
    let is_opened = is_just_opened(&viber, &event);
    let called = view::name_of(&event.kind, &event.payload);
    let names = called.map(|name| AlsoKnown { event: 0, name, how: Knowing::Called }).into_iter().collect();
    drop(body);
    let appended = match viber.intake.try_store(vec![event], names).await {
        Ok(appended) => appended,
        Err(refusal) => return refusal,
    };
    if account.is_none() && viber.account.known().await.is_some() {
        // It was told while this one was being stored.
        tokio::spawn(async move {
            if let Err(error) = viber.account.name_events().await {
                tracing::warn!(%error, "a callback could not be given its account; the hourly look does it");
            }
        });
        return StatusCode::OK.into_response();
    }
    let name = account.as_ref().map(|known| known.name.as_str());
    match message::welcome(&viber.config, name).filter(|_| is_opened && appended.new > 0) {
        Some(welcome) => Json(welcome).into_response(),
        None => StatusCode::OK.into_response(),
    }
}

/// Whether somebody who has not subscribed opened the chat just now. A callback that comes late, or again, is no reason to
/// welcome anybody.
fn is_just_opened(viber: &Viber, event: &Event) -> bool {
    let callback = std::str::from_utf8(&event.payload).ok().and_then(Object::parse);
    let is_subscribed = callback.is_some_and(|callback| callback.is_true("subscribed"));
    let now_ms = viber.shared.clock.now_ms();
    let is_new = event.occurred_at.is_some_and(|at| (now_ms - at).abs() <= WELCOME_WITHIN_MS);
    event.kind == payload::OPENED && is_new && !is_subscribed
}

/// Checks the signature over the raw body: HMAC-SHA256 in hex, keyed with the token's own characters. The header decides; the
/// parameter counts where there is no header, and must not say otherwise where there is one.
///
/// # Errors
/// [`Refusal`].
pub fn verify(token: &Secrets, headers: &HeaderMap, query: Option<&str>, body: &[u8]) -> Result<Signer, Refusal> {
    let mut shown = headers.get_all(SIGNATURE).iter();
    let header = match (shown.next(), shown.next()) {
        (None, _) => None,
        (Some(value), None) => Some(signature(value.to_str().unwrap_or_default())?),
        (Some(_), Some(_)) => return Err(Refusal::Malformed),
    };
    let parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut shown = parameters.filter(|(name, _)| name == PARAMETER).map(|(_, value)| value);
    let parameter = match (shown.next(), shown.next()) {
        (None, _) => None,
        (Some(value), None) => Some(signature(&value)?),
        (Some(_), Some(_)) => return Err(Refusal::Malformed),
    };
    let signature = match (header, parameter) {
        (Some(header), Some(parameter)) if !bool::from(header.ct_eq(&parameter)) => return Err(Refusal::Wrong),
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => return Err(Refusal::Missing),
    };
    token.find_signer_sha256(body, &signature).ok_or(Refusal::Wrong)
}

fn signature(text: &str) -> Result<Vec<u8>, Refusal> {
    from_hex(text).filter(|signature| signature.len() == 32).ok_or(Refusal::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that was computed for the platform's fact sheet.
    const KEY: &str = "4a1b2c3d4e5f6071-8293a4b5c6d7e8f9-0a1b2c3d4e5f6071";
    const BODY: &[u8] = br#"{"event":"webhook","timestamp":1795250000000,"message_token":5912661846655238145}"#;
    const DIGEST: &str = "36793864d3d347f5ff951a86c057f10b81c67ac1bdd4c0db2e962ae3dbb4a867";

    fn check(headers: &[&str], query: Option<&str>, body: &[u8]) -> Result<Signer, Refusal> {
        let mut map = HeaderMap::new();
        for value in headers {
            map.append(SIGNATURE, value.parse().unwrap());
        }
        verify(&Secrets::new(KEY.into(), Some("another-token-of-before".into())), &map, query, body)
    }

    #[test]
    fn v1_the_header_wins_over_the_parameter_and_both_must_agree() {
        let sig = format!("a=b&sig={DIGEST}");
        assert_eq!(check(&[DIGEST], None, BODY), Ok(Signer::Current));
        assert_eq!(check(&[], Some(&sig), BODY), Ok(Signer::Current));
        assert_eq!(check(&[DIGEST], Some(&sig), BODY), Ok(Signer::Current));
        assert_eq!(check(&[&DIGEST.to_uppercase()], None, BODY), Err(Refusal::Malformed));
        let other = "0".repeat(64);
        assert_eq!(check(&[DIGEST], Some(&format!("sig={other}")), BODY), Err(Refusal::Wrong));
        assert_eq!(check(&[&other], Some(&sig), BODY), Err(Refusal::Wrong));
        assert_eq!(check(&[], None, BODY), Err(Refusal::Missing));
        assert_eq!(check(&[DIGEST], None, &BODY[1..]), Err(Refusal::Wrong));
        assert_eq!(check(&[DIGEST, DIGEST], None, BODY), Err(Refusal::Malformed));
        assert_eq!(check(&[], Some(&format!("sig={DIGEST}&sig={DIGEST}")), BODY), Err(Refusal::Malformed));
        for bad in ["", "nonsense", &DIGEST[1..], &format!("sha256={DIGEST}")] {
            assert_eq!(check(&[bad], None, BODY), Err(Refusal::Malformed), "{bad}");
            assert_eq!(check(&[], Some(&format!("sig={bad}")), BODY), Err(Refusal::Malformed), "{bad}");
        }
    }
}
