//! `GET /whatsapp/webhook`: the challenge. `POST /whatsapp/webhook`: deliveries — verify, store, answer.
//!
//! Meta repeats what was not answered 200 for up to seven days.
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint> (2026).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;

use super::payload::{self, kind};
use super::state::Whatsapp;
use crate::meta::webhook;
use crate::shared::journal::Event;
use crate::shared::server::webhook_intake;

/// The largest delivery that is read: Meta's are up to 3 MB.
const MAX_DELIVERY_BYTES: usize = 4 * 1024 * 1024;

/// The routes, at which the platform's challenge and deliveries are answered.
pub fn routes(whatsapp: &Whatsapp) -> Router<Arc<Whatsapp>> {
    let observed = || middleware::from_fn_with_state(whatsapp.intake.clone(), webhook_intake::observe);
    let both = || get(challenge).post(delivery).layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES)).layer(observed());
    Router::new().route("/whatsapp/webhook", both()).route("/webhooks/whatsapp", both())
}

async fn challenge(State(whatsapp): State<Arc<Whatsapp>>, RawQuery(query): RawQuery) -> Response {
    webhook::answer_challenge(query.as_deref(), &whatsapp.config.verify_token)
}

/// Takes a delivery in. 401 without a right signature, 503 when it cannot be stored; then Meta sends it again.
async fn delivery(State(whatsapp): State<Arc<Whatsapp>>, headers: HeaderMap, body: Bytes) -> Response {
    match webhook::verify(&whatsapp.config.app_secret, &headers, &body) {
        Ok(signer) => whatsapp.intake.verified(signer),
        Err(reason) => return whatsapp.intake.refuse(reason),
    }
    if let Some(answer) = whatsapp.intake.answer_other(&body, webhook::is_signed_for_something_else) {
        return answer;
    }
    let split = payload::split(&body);
    let own = whatsapp.config.account.as_str();
    let is_message = |event: &&Event| event.account == own && event.kind == kind::MESSAGE;
    whatsapp.note_came_in(split.events.iter().filter(is_message).count());
    // While this one waits for the disk, hyper makes room for the next request.
    drop(body);
    whatsapp.intake.store_known(split.events, split.names).await
}
