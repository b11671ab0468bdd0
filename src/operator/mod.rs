//! What an operator sees. For machines: `GET /api/…` and `GET /metrics`, with `Authorization: Bearer $OPERATOR_TOKEN`.
//!
//! Nothing here changes how the service works, and nothing here shows a token, a secret or what somebody wrote.

mod api;
mod auth;
mod metrics;

use axum::routing::{MethodRouter, get};
use axum::{Router, middleware};
use secrecy::SecretString;

use self::auth::Token;
use crate::shared::Shared;

/// What the operator's routes are given.
#[derive(Clone)]
struct Operator {
    shared: Shared,
    token: Token,
}

/// The routes below `/api/`, all of them GET, by their paths.
fn api_routes() -> Vec<(&'static str, MethodRouter<Operator>)> {
    vec![("/api/status", get(api::status))]
}

/// The operator's routes. Without a token configured they answer as if they were not there.
pub fn router(shared: Shared, token: Option<SecretString>) -> Router {
    let operator = Operator { shared, token: Token::new(token) };
    let mut machines = Router::new().route("/metrics", get(metrics::show));
    for (path, route) in api_routes() {
        machines = machines.route(path, route);
    }
    machines.route_layer(middleware::from_fn_with_state(operator.clone(), auth::require_bearer)).with_state(operator)
}
