//! `GET /facebook/webhook`: the challenge. `POST /facebook/webhook`: deliveries — verify, store, answer.
//!
//! Meta waits 5 seconds, repeats what was not answered 200, and unsubscribes a Page after an hour of failures.
//! Source: <https://developers.facebook.com/docs/messenger-platform/webhooks> (2026).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;

use super::payload;
use super::state::Facebook;
use crate::meta::webhook::{self, Signed};
use crate::shared::server::webhook_intake;

/// The largest delivery that is read: Meta puts up to 1,000 updates into one and names no limit for Messenger.
const MAX_DELIVERY_BYTES: usize = 4 * 1024 * 1024;

pub fn routes(facebook: &Facebook) -> Router<Arc<Facebook>> {
    let observed = || middleware::from_fn_with_state(facebook.intake.clone(), webhook_intake::observe);
    let both = || get(challenge).post(delivery).layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES)).layer(observed());
    Router::new().route("/facebook/webhook", both()).route("/webhooks/facebook", both())
}

async fn challenge(State(facebook): State<Arc<Facebook>>, RawQuery(query): RawQuery) -> Response {
    webhook::answer_challenge(query.as_deref(), &facebook.config.verify_token)
}

/// Takes a delivery in. 401 without a right signature, 503 when it cannot be stored; then Meta sends it again.
async fn delivery(State(facebook): State<Arc<Facebook>>, headers: HeaderMap, body: Bytes) -> Response {
    let config = &facebook.config;
    match webhook::verify_either(&config.app_secret, config.require_sha256, &headers, &body) {
        Ok(Signed { signer, is_older }) => {
            if is_older {
                facebook.intake.signed_in_the_old_way();
            }
            facebook.intake.verified(signer);
        }
        Err(reason) => return facebook.intake.refuse(reason),
    }
    if let Some(answer) = facebook.intake.answer_other(&body, webhook::is_signed_for_something_else) {
        return answer;
    }
    let events = payload::split(&body);
    // While this one waits for the disk, hyper makes room for the next request: where the body's was, if it is free.
    drop(body);
    facebook.intake.store(events).await
}
