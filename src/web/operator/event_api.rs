//! `/api/events…` in JSON: the log of events, one event, what it holds, and events that are handed to the workers again.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::event_search::{Asked, Found, time};
use super::redaction::Payload;
use super::state::Operator;
use crate::shared::server::error::AppError;
use crate::shared::store::EventStatus;

/// `GET /api/events`: with `id` the message or delivery, in whichever account it is; else a page of the log.
pub(super) async fn events(
    State(operator): State<Operator>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, AppError> {
    let Ok(Query(asked)) = asked else {
        return Err(AppError::bad_request(
            "Ask with id, or with channel, account, kind, person, outcome, since, until, before and limit, each once.",
        ));
    };
    let Found { events, next, refused } = asked.find(&operator).await?;
    if asked.is_by_id() {
        return Ok(Json(json!({ "events": events })));
    }
    Ok(Json(json!({ "events": events, "next": next, "refused": refused.unwrap_or_default() })))
}

/// `GET /api/events/{seq}`.
pub(super) async fn event(
    State(operator): State<Operator>,
    seq: Result<Path<i64>, PathRejection>,
) -> Result<Json<EventStatus>, AppError> {
    let Path(seq) = seq.map_err(|_| AppError::NotFound)?;
    let found = operator.shared.journal.find_event_status(seq).await?;
    found.map(Json).ok_or(AppError::NotFound)
}

/// How much of a payload is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default)]
    redacted: Option<bool>,
}

/// `GET /api/events/{seq}/payload?redacted=false`: what an event holds; without what somebody wrote, unless that is asked for.
pub(super) async fn payload(
    State(operator): State<Operator>,
    seq: Result<Path<i64>, PathRejection>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Value>, AppError> {
    let Path(seq) = seq.map_err(|_| AppError::NotFound)?;
    let Query(Wanted { redacted }) = wanted.map_err(|_| AppError::bad_request("redacted must be true or false."))?;
    let is_redacted = redacted.unwrap_or(true);
    let payload = read_payload(&operator, seq, is_redacted).await?.ok_or(AppError::NotFound)?;
    Ok(Json(match payload {
        Payload::Json(value) => json!({ "seq": seq, "redacted": is_redacted, "payload": value, "bytes": null }),
        Payload::Bytes(bytes) => json!({ "seq": seq, "redacted": is_redacted, "payload": null, "bytes": bytes }),
    }))
}

/// What an event holds. Whoever looks at more than its shape is in the log.
pub(super) async fn read_payload(
    operator: &Operator,
    seq: i64,
    is_redacted: bool,
) -> Result<Option<Payload>, AppError> {
    let Some(bytes) = operator.shared.journal.find_payload(seq).await? else { return Ok(None) };
    let payload = Payload::read(&bytes);
    if is_redacted {
        return Ok(Some(payload.redacted()));
    }
    tracing::info!(seq, "an operator reads what an event holds");
    Ok(Some(payload))
}

/// `POST /api/events/{seq}/replay`: its worker looks at it again. 404 where no worker is to look at it.
pub(super) async fn replay_one(
    State(operator): State<Operator>,
    seq: Result<Path<i64>, PathRejection>,
) -> Result<Json<Value>, AppError> {
    let Path(seq) = seq.map_err(|_| AppError::NotFound)?;
    match operator.shared.journal.replay_event(seq).await? {
        0 => Err(AppError::NotFound),
        count => Ok(Json(json!({ "replayed": count }))),
    }
}

/// From when on events are handed to the workers again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    since: String,
}

/// `POST /api/events/replay`: everything that arrived since a time.
pub(super) async fn replay_since(
    State(operator): State<Operator>,
    since: Result<Json<Since>, JsonRejection>,
) -> Result<Json<Value>, AppError> {
    let Ok(Json(Since { since })) = since else {
        return Err(AppError::bad_request("The body must be JSON with since, a time."));
    };
    let count = operator.shared.journal.replay_since(time(&since, operator.shared.clock.now_ms())?).await?;
    tracing::info!(count, "events were handed to the workers again");
    Ok(Json(json!({ "replayed": count })))
}
