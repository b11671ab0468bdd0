//! `/api/v1/…`: the API for bots. A key of a merchant opens it, and nothing else does: no session, no operator's token;
//! and a key opens nothing but this. There is no CORS header: keys do not belong into browsers.
//!
//! A request passes `caller::authenticate` before its route is looked at, so no handler can forget it. A handler then
//! takes a [`caller::Caller`] and asks in the order of the contract: scope, account and person, `Idempotency-Key`, body. Path,
//! query and body are read by [`body`], and everything that is refused is an [`ApiProblem`].
//!
//! A file of routes gives `routes()`, with paths below `/api/v1`, and is joined by a line in `routes`. Every path stands
//! in `openapi.json`, too.

pub mod body;
pub mod caller;
mod conversations;
mod feed;
mod feed_stream;
pub mod limits;
mod me;
mod media;
mod messages;
mod one_at_a_time;
mod pauses;
pub mod places;
pub mod problem;
mod products;
mod push;
pub mod state;
mod stream_pages;
pub mod templates;
mod told_templates;

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::header;

use self::limits::ApiLimits;
use self::one_at_a_time::OneAtATime;
use self::problem::ApiProblem;
use self::state::{Api, ApiChannel, Parts};
use self::stream_pages::StreamPages;
use self::told_templates::Templates;
use crate::answering::Answering;
use crate::answering::sending::Sending;
use crate::shared::server::error::Problem;
use crate::shared::server::limits::Limits;
use crate::shared::store::ApiKeys;
use crate::shared::telemetry::metrics::Metrics;

/// Where all of it is.
const BASE: &str = "/api/v1";

/// All routes that need a key, by their paths below [`BASE`].
fn routes() -> Router<Api> {
    Router::new()
        .merge(me::routes())
        .merge(feed::routes())
        .merge(conversations::routes())
        .merge(messages::routes())
        .merge(pauses::routes())
        .merge(push::routes())
        .merge(products::routes())
        .merge(media::routes())
        .merge(templates::routes())
}

/// The API, ready to be joined.
pub fn router(
    answering: Answering,
    outbox: Arc<dyn Sending>,
    keys: ApiKeys,
    channels: Vec<ApiChannel>,
    limits: &Limits,
) -> Router {
    let shared = answering.shared.clone();
    let metrics = shared.metrics.clone();
    let (limits, channels, one_at_a_time) = (Arc::new(ApiLimits::new(limits)), channels.into(), OneAtATime::default());
    let (templates, stream_pages) = (Templates::default(), StreamPages::default());
    let parts = Parts { shared, answering, outbox, keys, limits, channels, one_at_a_time, templates, stream_pages };
    let api = Api::from(parts);
    let authenticated = middleware::from_fn_with_state(api.clone(), caller::authenticate);
    let inner = routes()
        .fallback(async || ApiProblem::NotFound)
        .method_not_allowed_fallback(async || ApiProblem::method_not_allowed())
        .layer(authenticated.clone())
        // After the layer: whoever is to write a client has no key yet.
        .route("/openapi.json", get(openapi).fallback(async || ApiProblem::method_not_allowed()))
        .with_state(api);
    Router::new()
        .nest(BASE, inner)
        // Nesting takes this for a path of somebody else's.
        .route(&format!("{BASE}/"), any(async || ApiProblem::NotFound).layer(authenticated))
        .layer(middleware::from_fn_with_state(metrics, count))
}

/// `GET /api/v1/openapi.json`: all of this, for programs that write programs.
async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json")).into_response()
}

/// What is refused before it comes to a route of the API is said in the API's form, too. A layer around all routes.
pub async fn answers_of_the_api(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_of_the_api = path.strip_prefix(BASE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().filter(|_| is_of_the_api) else { return response };
    let mut told = ApiProblem::of(problem).into_response();
    for name in [header::RETRY_AFTER, header::CONNECTION, header::ALLOW] {
        if let Some(value) = response.headers().get(&name) {
            told.headers_mut().insert(name, value.clone());
        }
    }
    told
}

/// Counts an answer by the pattern of its route.
async fn count(State(metrics): State<Metrics>, pattern: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let pattern = pattern.as_ref().map(MatchedPath::as_str).filter(|pattern| !pattern.contains("__private"));
    metrics.count_api_request(pattern.unwrap_or("other"), response.status());
    response
}
