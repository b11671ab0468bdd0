//! `/api/…` in JSON. Every route is described in `openapi.json`.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::header;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::Operator;
use crate::shared::channel::context::Shared;
use crate::shared::languages::Sentence;
use crate::shared::server::error::AppError;
use crate::shared::store::{History, KeptReport, TokenAge, Totals, UnreadConversation, Unreadable, Work};
use crate::shared::telemetry::alerts::Alert;
use crate::shared::under_way::Step;

/// `GET /api/status`: the whole at a glance.
#[derive(Serialize)]
pub(super) struct StatusView {
    connections: Vec<ConnectionView>,
    journal: Totals,
    reads: Vec<Step>,
    alerts: Vec<Alert>,
}

/// A connected account.
#[derive(Serialize)]
pub(super) struct ConnectionView {
    channel: String,
    account: String,
    name: String,
    status: &'static str,
    status_reason: Option<Sentence>,
    remark: Option<Sentence>,
    scopes: Vec<String>,
    connected_at: i64,
    last_read_at: Option<i64>,
    history: Option<History>,
    unreadable: Unreadable,
    unread: Vec<UnreadConversation>,
    last_poll: Option<KeptReport>,
}

/// `GET /api/status`.
pub(super) async fn status(State(Operator { shared, .. }): State<Operator>) -> Result<Json<StatusView>, AppError> {
    let connections = list_connections(&shared).await?;
    let journal = shared.journal.totals().await?;
    Ok(Json(StatusView { connections, journal, reads: shared.progress.list(), alerts: shared.alerts.list() }))
}

/// All connected accounts.
pub(super) async fn list_connections(shared: &Shared) -> Result<Vec<ConnectionView>, AppError> {
    let polls = shared.journal.list_newest_polls().await?;
    let mut views = Vec::new();
    for connection in shared.connections.list().await? {
        let (channel, account) = (connection.channel.as_str(), connection.account.as_str());
        views.push(ConnectionView {
            remark: shared.journal.find_remark(channel, account).await?,
            history: shared.journal.find_history(channel, account).await?,
            unreadable: shared.journal.count_unreadable(channel, account).await?,
            unread: shared.journal.list_unread(channel, account).await?,
            last_poll: polls.iter().find(|poll| poll.channel == channel && poll.account == account).cloned(),
            status: connection.status.as_str(),
            status_reason: connection.told_reason(),
            scopes: connection.scopes,
            connected_at: connection.connected_at,
            last_read_at: connection.last_read_at,
            name: connection.name,
            channel: connection.channel,
            account: connection.account,
        });
    }
    Ok(views)
}

/// `GET /api/connections`.
pub(super) async fn connections(State(operator): State<Operator>) -> Result<Json<Value>, AppError> {
    let shared = &operator.shared;
    Ok(Json(json!({ "connections": list_connections(shared).await?, "tokens": list_tokens(shared).await? })))
}

/// What is known of every token: never the token.
async fn list_tokens(shared: &Shared) -> Result<Vec<Value>, AppError> {
    let now_ms = shared.clock.now_ms();
    let tokens = shared.connections.list_tokens().await?;
    let view = |token: TokenAge| {
        json!({
            "channel": token.channel, "account": token.account, "kind": token.kind, "state": token.state(now_ms),
            "issued_at": token.issued_at, "expires_at": token.expires_at,
        })
    };
    Ok(tokens.into_iter().map(view).collect())
}

/// `GET /api/consumers`.
pub(super) async fn consumers(State(operator): State<Operator>) -> Result<Json<Value>, AppError> {
    let consumers = operator.shared.journal.list_consumers().await?;
    Ok(Json(json!({ "consumers": consumers })))
}

/// `GET /api/failures`.
pub(super) async fn failures(State(operator): State<Operator>) -> Result<Json<Value>, AppError> {
    let failures = operator.shared.journal.list_failures().await?;
    Ok(Json(json!({ "failures": failures })))
}

/// What is to be tried again, as `GET /api/failures` names it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    work: Work,
    channel: String,
    account: String,
    object: String,
}

/// `POST /api/replay`: 404 where there is no such work.
pub(super) async fn replay(
    State(operator): State<Operator>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Value>, AppError> {
    let Ok(Json(Wanted { work, channel, account, object })) = wanted else {
        return Err(AppError::bad_request(
            "The body must be JSON with work (conversation or read), channel, account and object.",
        ));
    };
    match operator.shared.journal.replay_one(work, channel, account, object).await? {
        true => Ok(Json(json!({ "replayed": true }))),
        false => Err(AppError::NotFound),
    }
}

/// For how long what came in is shown, in hours.
#[derive(Deserialize)]
pub(super) struct Within {
    hours: Option<i64>,
}

/// `GET /api/arrivals?hours=48`.
pub(super) async fn arrivals(
    State(operator): State<Operator>,
    within: Result<Query<Within>, QueryRejection>,
) -> Result<Json<Value>, AppError> {
    let hours =
        within.ok().and_then(|Query(within)| within.hours.or(Some(48)).filter(|hours| (1..=960).contains(hours)));
    let hours = hours.ok_or(AppError::BadRequest("hours must be a number from 1 to 960.".into()))?;
    let arrivals = operator.shared.journal.list_arrivals(hours).await?;
    Ok(Json(json!({ "arrivals": arrivals })))
}

/// `GET /api/polls`: the newest of each account.
pub(super) async fn polls(State(operator): State<Operator>) -> Result<Json<Value>, AppError> {
    let polls = operator.shared.journal.list_newest_polls().await?;
    Ok(Json(json!({ "polls": polls })))
}

/// `GET /api/subscriptions`.
pub(super) async fn subscriptions(State(operator): State<Operator>) -> Result<Json<Value>, AppError> {
    let subscriptions = operator.shared.journal.list_subscriptions().await?;
    Ok(Json(json!({ "subscriptions": subscriptions })))
}

/// `GET /api/alerts`.
pub(super) async fn alerts(State(operator): State<Operator>) -> Json<Value> {
    Json(json!({ "alerts": operator.shared.alerts.list() }))
}

/// `GET /api/openapi.json`: all of this, for programs that write programs.
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json")).into_response()
}
