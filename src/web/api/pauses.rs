//! `PUT` and `DELETE …/pause`: bots are to be silent in a conversation, and may answer again.

use axum::extract::{RawQuery, State};
use axum::routing::put;
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::body::{InPath, Within, read_json, refuse_query};
use super::caller::Caller;
use super::conversations::{self, InConversation};
use super::problem::ApiProblem;
use super::state::Api;
use crate::answering::pauses::{WantedPause, pause_json};
use crate::shared::languages::Sentence;
use crate::shared::store::api_keys::Scope;

/// The longest pause that has an end: a year.
const MOST_MINUTES: u32 = 366 * 24 * 60;

/// The longest note, in characters.
const MOST_NOTE: usize = 200;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/{channel}/{account}/conversations/{person}/pause", put(pause).delete(resume))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Body {
    minutes: Option<Within<1, MOST_MINUTES>>,
    handover: bool,
    note: Option<String>,
}

async fn pause(
    State(api): State<Api>,
    caller: Caller,
    InPath(path): InPath<InConversation>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Json<Value>, ApiProblem> {
    caller.require(Scope::Reply)?;
    let (connection, conversation) = conversations::find(&api, &caller, path).await?;
    refuse_query(query.as_deref())?;
    let Body { minutes, handover, note } = read_json(&body)?;
    let minutes = minutes.map(Within::get);
    if note.as_ref().is_some_and(|note| note.chars().count() > MOST_NOTE) {
        return Err(ApiProblem::invalid("/note", format!("A note has at most {MOST_NOTE} characters.")));
    }
    let wanted =
        WantedPause { minutes, is_handed_over: handover, note: note.map(Sentence::from), ..WantedPause::default() };
    api.answering.pause(&connection, &conversation, wanted).await?;
    let standing = api.answering.shared.journal.load_standing(&conversation).await?;
    Ok(Json(pause_json(standing.state.pause.as_ref())))
}

async fn resume(
    State(api): State<Api>,
    caller: Caller,
    InPath(path): InPath<InConversation>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiProblem> {
    caller.require(Scope::Reply)?;
    let (connection, conversation) = conversations::find(&api, &caller, path).await?;
    refuse_query(query.as_deref())?;
    api.answering.resume(&connection, &conversation).await?;
    Ok(StatusCode::NO_CONTENT)
}
