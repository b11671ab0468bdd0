//! What an operator sees: `GET /api/status`, with `Authorization: Bearer $OPERATOR_TOKEN`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::shared::Shared;
use crate::shared::error::AppError;

#[derive(Clone)]
struct OperatorToken(Option<Arc<SecretString>>);

/// The operator's routes. Without a token configured they answer as if they were not there.
pub fn router(shared: Shared, token: Option<SecretString>) -> Router {
    Router::new()
        .route("/api/status", get(status))
        .layer(Extension(OperatorToken(token.map(Arc::new))))
        .with_state(shared)
}

async fn status(
    State(shared): State<Shared>,
    Extension(token): Extension<OperatorToken>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    check(&token, &headers)?;
    let counts = shared.journal.counts().await.map_err(anyhow::Error::from)?;
    let polls = shared.journal.list_newest_polls().await.map_err(anyhow::Error::from)?;
    let mut connections = Vec::new();
    for connection in shared.connections.list().await? {
        let (channel, account) = (&connection.channel, &connection.account);
        let history = shared.journal.find_history(channel, account).await.map_err(anyhow::Error::from)?;
        let unreadable = shared.journal.count_unreadable(channel, account).await.map_err(anyhow::Error::from)?;
        let poll = polls.iter().find(|poll| poll.channel == *channel && poll.account == *account);
        connections.push(json!({
            "channel": connection.channel,
            "account": connection.account,
            "name": connection.name,
            "status": connection.status.as_str(),
            "status_reason": connection.status_reason,
            "connected_at": connection.connected_at,
            "last_read_at": connection.last_read_at,
            "history": history,
            "unreadable": unreadable,
            "last_poll": poll,
        }));
    }
    Ok(Json(json!({
        "connections": connections,
        "journal": { "events": counts.events, "apart": counts.apart, "parked": counts.parked },
        "reads": shared.progress.list(),
    }))
    .into_response())
}

fn check(token: &OperatorToken, headers: &HeaderMap) -> Result<(), AppError> {
    let Some(expected) = &token.0 else { return Err(AppError::NotFound) };
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    if expected.expose_secret().as_bytes().ct_eq(given.as_bytes()).into() {
        Ok(())
    } else {
        Err(AppError::Unauthorized("This needs the operator's token."))
    }
}
