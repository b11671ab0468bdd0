//! `GET /facebook/webhook`: the challenge. `POST /facebook/webhook`: deliveries — verify, store, answer.
//!
//! Meta waits 5 seconds, repeats what was not answered 200, and unsubscribes a Page after an hour of failures.
//! Source: <https://developers.facebook.com/docs/messenger-platform/webhooks> (2026).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::{Config, Facebook, payload};
use crate::shared::signature::from_hex;
use crate::shared::web::intake;

/// The largest delivery that is read: Meta puts up to 1,000 updates into one and names no limit for Messenger.
const MAX_DELIVERY_BYTES: usize = 4 * 1024 * 1024;

pub fn routes() -> Router<Arc<Facebook>> {
    let both = || get(challenge).post(delivery).layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES));
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
        tracing::warn!("a webhook challenge was refused");
        StatusCode::FORBIDDEN.into_response()
    }
}

/// Takes a delivery in. 401 without a right signature, 503 when it cannot be stored; then Meta sends it again.
async fn delivery(State(facebook): State<Arc<Facebook>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(reason) = verify(&facebook.config, &headers, &body) {
        return intake::refuse(super::NAME, reason);
    }
    if facebook.shared.self_tests.recognise(&body) {
        return StatusCode::OK.into_response();
    }
    intake::store(&facebook.shared.journal, super::NAME, payload::split(&body)).await
}

/// Checks the signature over the raw bytes: `X-Hub-Signature-256` decides where it is present, else the older
/// `X-Hub-Signature`, unless that is switched off.
fn verify(config: &Config, headers: &HeaderMap, body: &[u8]) -> Result<(), &'static str> {
    if headers.contains_key("x-hub-signature-256") {
        let signature = signature(headers, "x-hub-signature-256", "sha256=", 32)?;
        return match config.app_secret.verify_sha256(body, &signature) {
            true => Ok(()),
            false => Err("the signature is wrong"),
        };
    }
    if !headers.contains_key("x-hub-signature") {
        return Err("there is no signature");
    }
    let signature = signature(headers, "x-hub-signature", "sha1=", 20)?;
    match config.app_secret.verify_sha1(body, &signature) {
        _ if config.require_sha256 => Err("only the older signature is present"),
        true => {
            tracing::debug!("a delivery with only the older signature");
            Ok(())
        }
        false => Err("the signature is wrong"),
    }
}

/// The bytes of a signature header: there once, with its prefix, hex of either case, of the right length.
fn signature(headers: &HeaderMap, name: &'static str, prefix: &str, bytes: usize) -> Result<Vec<u8>, &'static str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err("the signature is there twice") };
    let signature = value.to_str().ok().and_then(|value| value.strip_prefix(prefix)).and_then(from_hex);
    signature.filter(|signature| signature.len() == bytes).ok_or("the signature is malformed")
}
