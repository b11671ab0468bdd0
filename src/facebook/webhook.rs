//! `GET /facebook/webhook`: the challenge. `POST /facebook/webhook`: deliveries — verify, store, answer.
//!
//! Meta waits 5 seconds, repeats what was not answered 200, and unsubscribes a Page after an hour of failures.
//! Source: <https://developers.facebook.com/docs/messenger-platform/webhooks> (2026).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::{Facebook, payload};
use crate::shared::outgoing::self_test;
use crate::shared::secrets::signature::{Signer, from_hex};
use crate::shared::server::webhook_intake;
use crate::shared::telemetry::metrics::Refusal;
use crate::shared::telemetry::once_per_second::OncePerSecond;

/// The largest delivery that is read: Meta puts up to 1,000 updates into one and names no limit for Messenger.
const MAX_DELIVERY_BYTES: usize = 4 * 1024 * 1024;

pub fn routes(facebook: &Facebook) -> Router<Arc<Facebook>> {
    let observed = || middleware::from_fn_with_state(facebook.intake.clone(), webhook_intake::observe);
    let both = || get(challenge).post(delivery).layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES)).layer(observed());
    Router::new().route("/facebook/webhook", both()).route("/webhooks/facebook", both())
}

/// Answers Meta's challenge: the bare text, when the verify token is ours.
async fn challenge(State(facebook): State<Arc<Facebook>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let value = |name: &str| {
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let token = value("hub.verify_token").unwrap_or_default();
    let expected = facebook.config.verify_token.expose_secret();
    let known: bool = token.as_bytes().ct_eq(expected.as_bytes()).into();
    let challenge = value("hub.challenge").unwrap_or_default();
    let plain = (1..=256).contains(&challenge.len())
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if known && plain && value("hub.mode").as_deref() == Some("subscribe") {
        ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], challenge).into_response()
    } else {
        static REFUSED: OncePerSecond = OncePerSecond::new();
        if let Some(unsaid) = REFUSED.should_log() {
            tracing::warn!(unsaid, "a webhook challenge was refused");
        }
        StatusCode::FORBIDDEN.into_response()
    }
}

/// Takes a delivery in. 401 without a right signature, 503 when it cannot be stored; then Meta sends it again.
async fn delivery(State(facebook): State<Arc<Facebook>>, headers: HeaderMap, body: Bytes) -> Response {
    match verify(&facebook, &headers, &body) {
        Ok(signer) => facebook.intake.verified(signer),
        Err(reason) => return facebook.intake.refuse(reason),
    }
    if facebook.shared.self_tests.recognise(&body) {
        return facebook.intake.self_test();
    }
    if let Some(nonce) = self_test::nonce_of_probe(&body) {
        return facebook.intake.probe(nonce);
    }
    let events = payload::split(&body);
    // While this one waits for the disk, hyper makes room for the next request: where the body's was, if it is free.
    drop(body);
    facebook.intake.store(events).await
}

/// Checks the signature over the raw bytes: `X-Hub-Signature-256` decides where it is present, else the older
/// `X-Hub-Signature`, unless that is switched off.
fn verify(facebook: &Facebook, headers: &HeaderMap, body: &[u8]) -> Result<Signer, Refusal> {
    let config = &facebook.config;
    if headers.contains_key("x-hub-signature-256") {
        let signature = signature(headers, "x-hub-signature-256", "sha256=", 32)?;
        return config.app_secret.find_signer_sha256(body, &signature).ok_or(Refusal::Wrong);
    }
    if !headers.contains_key("x-hub-signature") {
        return Err(Refusal::Missing);
    }
    let signature = signature(headers, "x-hub-signature", "sha1=", 20)?;
    let signer = config.app_secret.find_signer_sha1(body, &signature);
    if config.require_sha256 {
        return Err(Refusal::TooOld);
    }
    let signer = signer.ok_or(Refusal::Wrong)?;
    facebook.intake.signed_in_the_old_way();
    Ok(signer)
}

/// The bytes of a signature header: there once, with its prefix, hex of either case, of the right length.
pub(super) fn signature(
    headers: &HeaderMap,
    name: &'static str,
    prefix: &str,
    bytes: usize,
) -> Result<Vec<u8>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Refusal::Malformed) };
    let signature = value.to_str().ok().and_then(|value| value.strip_prefix(prefix)).and_then(from_hex);
    signature.filter(|signature| signature.len() == bytes).ok_or(Refusal::Malformed)
}
