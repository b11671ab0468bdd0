//! What an operator sees. For machines: `/api/…` and `GET /metrics`, with `Authorization: Bearer $OPERATOR_TOKEN`. For
//! people: `/operator`, where the same token is entered once and starts a short session.
//!
//! Nothing here changes how the service works, but that work which was given up is tried again; and nothing here shows a
//! token, a secret or what somebody wrote.

mod api;
mod auth;
mod metrics;
mod page;
mod session;

use std::sync::Arc;

use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};
use secrecy::SecretString;
use url::Url;

use self::auth::Token;
use self::session::Sessions;
use crate::shared::Shared;

/// What the operator's routes are given.
#[derive(Clone)]
struct Operator {
    shared: Shared,
    token: Token,
    sessions: Sessions,
    /// Where our pages are reached, if that is configured.
    own: Option<Arc<Url>>,
}

/// The routes below `/api/`, by their paths.
fn api_routes() -> Vec<(&'static str, MethodRouter<Operator>)> {
    vec![("/api/status", get(api::status))]
}

/// The operator's routes. Without a token configured they answer as if they were not there.
pub fn router(shared: Shared, token: Option<SecretString>, own: Option<Url>) -> Router {
    let sessions = Sessions::default();
    let operator = Operator { shared, token: Token::new(token), sessions, own: own.map(Arc::new) };
    let mut machines = Router::new().route("/metrics", get(metrics::show));
    for (path, route) in api_routes() {
        machines = machines.route(path, route);
    }
    machines
        .route_layer(middleware::from_fn_with_state(operator.clone(), auth::require_bearer))
        .route("/operator", get(page::show))
        .route("/operator/login", post(session::login))
        .route("/operator/logout", post(session::logout))
        .route("/operator/replay", post(page::replay))
        .with_state(operator)
}
