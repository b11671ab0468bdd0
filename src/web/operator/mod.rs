//! What an operator sees. For machines: `/api/…` and `GET /metrics`, with `Authorization: Bearer $OPERATOR_TOKEN`. For
//! people: `/operator`, where the same token is entered once and starts a short session.
//!
//! Nothing here changes how the service works, but that work which was given up is tried again; and nothing here shows a
//! token, a secret or what somebody wrote.

mod api;
mod auth;
mod follow;
mod metrics;
mod page;
mod session;
mod state;
mod times;

use std::sync::Arc;

use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};
use secrecy::SecretString;
use url::Url;

use self::auth::Token;
use self::session::Sessions;
pub use self::state::EventKey;
use self::state::Operator;
use crate::shared::channel::context::Shared;

/// The routes below `/api/`, by their paths.
fn api_routes() -> Vec<(&'static str, MethodRouter<Operator>)> {
    vec![
        ("/api/status", get(api::status)),
        ("/api/connections", get(api::connections)),
        ("/api/consumers", get(api::consumers)),
        ("/api/failures", get(api::failures)),
        ("/api/replay", post(api::replay)),
        ("/api/arrivals", get(api::arrivals)),
        ("/api/polls", get(api::polls)),
        ("/api/subscriptions", get(api::subscriptions)),
        ("/api/alerts", get(api::alerts)),
        ("/api/events", get(api::events)),
        ("/api/events/{seq}", get(api::event)),
        ("/api/openapi.json", get(api::openapi)),
    ]
}

/// The operator's routes. Without a token configured they answer as if they were not there.
pub fn router(shared: Shared, token: Option<SecretString>, own: Option<Url>, event_key: EventKey) -> Router {
    let sessions = Sessions::default();
    let operator = Operator { shared, token: Token::new(token), sessions, own: own.map(Arc::new), event_key };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_no_other() {
        let described: serde_json::Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let mut described: Vec<&str> = described["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut routes: Vec<&str> = api_routes().into_iter().map(|(path, _)| path).collect();
        described.sort_unstable();
        routes.sort_unstable();
        assert_eq!(described, routes);
    }
}
