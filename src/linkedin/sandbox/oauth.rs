//! Tokens: refreshed, and asked about.
//!
//! Sources: learn.microsoft.com, `linkedin/shared/authentication/programmatic-refresh-tokens` and `…/token-introspection` (2026).

use std::collections::HashMap;

use axum::extract::{Form, State};
use axum::response::Response;
use serde_json::json;

use super::state::{ACCESS_LIFE, Shared};
use crate::shared::channel::simulator::json_answer;

fn refused(status: u16, error: &str, description: &str) -> Response {
    json_answer(status, &json!({"error": error, "error_description": description}))
}

fn is_the_app(core: &Shared, form: &HashMap<String, String>) -> bool {
    form.get("client_id") == Some(&core.client_id) && form.get("client_secret") == Some(&core.client_secret)
}

/// `POST /oauth/v2/accessToken`.
pub(super) async fn access_token(State(core): State<Shared>, Form(form): Form<HashMap<String, String>>) -> Response {
    if !is_the_app(&core, &form) {
        return refused(401, "invalid_client", "Client authentication failed");
    }
    if form.get("grant_type").map(String::as_str) != Some("refresh_token") {
        return refused(400, "unsupported_grant_type", "The grant type is not known");
    }
    let now = core.now();
    let mut world = core.world();
    let known = world.refresh.clone().filter(|(token, end)| form.get("refresh_token") == Some(token) && now < *end);
    let Some((refresh, end)) = known else {
        return refused(
            400,
            "invalid_request",
            "The provided authorization grant or refresh token is invalid, expired or revoked.",
        );
    };
    let scopes = world.tokens.values().next().map(|token| token.scopes.clone()).unwrap_or_default();
    let token = world.issue(now, &scopes);
    // A refreshed token never outlives the refresh token.
    let life = ACCESS_LIFE.min(end - now);
    if let Some(issued) = world.tokens.get_mut(&token) {
        issued.expires_at = now + life;
    }
    json_answer(
        200,
        &json!({"access_token": token, "expires_in": life.num_seconds(), "refresh_token": refresh,
            "refresh_token_expires_in": (end - now).num_seconds(), "scope": scopes.join(",")}),
    )
}

/// `POST /oauth/v2/introspectToken`.
pub(super) async fn introspect(State(core): State<Shared>, Form(form): Form<HashMap<String, String>>) -> Response {
    if !is_the_app(&core, &form) {
        return refused(401, "invalid_client", "Client authentication failed");
    }
    let now = core.now();
    let world = core.world();
    let Some(token) = form.get("token").and_then(|text| world.tokens.get(text)) else {
        return json_answer(200, &json!({"active": false}));
    };
    let status = match token {
        token if token.is_revoked => "revoked",
        token if now >= token.expires_at => "expired",
        _ => "active",
    };
    json_answer(
        200,
        &json!({"active": status == "active", "client_id": core.client_id, "authorized_at": token.issued_at.timestamp(),
            "created_at": token.issued_at.timestamp(), "status": status, "expires_at": token.expires_at.timestamp(),
            "scope": token.scopes.join(","), "auth_type": "3L"}),
    )
}
