//! `POST /shopify/webhook`: deliveries — verify, store, answer.
//!
//! Shopify waits 5 seconds in all, repeats 8 times, and then deletes the subscription.
//! Source: <https://shopify.dev/docs/apps/build/webhooks/verify-deliveries> (2026).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use super::config::Config;
use super::names::NAME;
use super::state::Shopify;
use super::{compliance, payload};
use crate::shared::outgoing::self_test;
use crate::shared::secrets::signature::Signer;
use crate::shared::server::webhook_intake;
use crate::shared::telemetry::metrics::Refusal;

/// The header of the signature.
pub const SIGNATURE: &str = "x-shopify-hmac-sha256";

/// The largest delivery that is read: a product with many variants and images comes near 2 MB.
const MAX_DELIVERY_BYTES: usize = 4 * 1024 * 1024;

pub fn routes(shopify: &Shopify) -> Router<Arc<Shopify>> {
    let observed = middleware::from_fn_with_state(shopify.intake.clone(), webhook_intake::observe);
    let limited = post(delivery).layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES));
    Router::new().route("/shopify/webhook", limited.layer(observed))
}

/// Takes a delivery in. 401 without a right signature, 503 when it cannot be stored; then Shopify sends it again.
async fn delivery(State(shopify): State<Arc<Shopify>>, headers: HeaderMap, body: Bytes) -> Response {
    match verify(&shopify.config, &headers, &body) {
        Ok(signer) => shopify.intake.verified(signer),
        Err(reason) => return shopify.intake.refuse(reason),
    }
    if shopify.shared.self_tests.recognise(&body) {
        return shopify.intake.self_test();
    }
    if self_test::is_one(&body) || payload::is_signed_for_something_else(&body) {
        return shopify.intake.refuse(Refusal::OtherPurpose);
    }
    if let Some(nonce) = self_test::nonce_of_probe(&body) {
        return shopify.intake.probe(nonce);
    }
    let login = login_of(&shopify, &headers).await;
    let event = payload::event(&headers, &body, login, shopify.shared.clock.now_ms());
    if let Some(topic) = compliance::Topic::of(&headers) {
        return compliance::take(&shopify, topic, event, &body).await;
    }
    let events = vec![event];
    // While this one waits for the disk, hyper makes room for the next request: where the body's was, if it is free.
    drop(body);
    shopify.intake.store(events).await
}

/// When the claimed shop was connected; `None`: it is not. Only for an uninstall the true time is looked up.
async fn login_of(shopify: &Shopify, headers: &HeaderMap) -> Option<i64> {
    let shop = payload::claimed_shop(headers)?;
    if !shopify.shared.journal.is_connected(NAME, shop.as_str()) {
        return None;
    }
    if !payload::claims_uninstall(headers) {
        return Some(0);
    }
    let connection = shopify.shared.connections.find(NAME, shop.as_str()).await.ok().flatten();
    Some(connection.map_or(0, |connection| connection.connected_at))
}

/// Checks `X-Shopify-Hmac-Sha256`: padded base64 of HMAC-SHA256 over the raw body, keyed with the client secret.
fn verify(config: &Config, headers: &HeaderMap, body: &[u8]) -> Result<Signer, Refusal> {
    let mut values = headers.get_all(SIGNATURE).iter();
    let Some(value) = values.next() else { return Err(Refusal::Missing) };
    if values.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let signature = STANDARD.decode(value.as_bytes()).map_err(|_| Refusal::Malformed)?;
    config.api_secret.find_signer_sha256(body, &signature).ok_or(Refusal::Wrong)
}
