//! `GET /api/v1/{channel}/{account}/templates`: what the platform approved beforehand, where a channel has that.

use axum::extract::{RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::body::{InPath, refuse_query};
use super::caller::Caller;
use super::problem::ApiProblem;
use super::state::Api;
use crate::shared::channel::dialogue::{Ability, SendError};
use crate::shared::store::api_keys::Scope;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/{channel}/{account}/templates", get(list))
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    InPath((channel, account)): InPath<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiProblem> {
    caller.require(Scope::Read)?;
    let connection = caller.connection(&channel, &account).await?;
    refuse_query(query.as_deref())?;
    let off = ApiProblem::AccountUnavailable { why: "off" };
    let dialogue = api.answering.dialogue(&connection.channel).ok_or(off)?;
    let Some(asked) = dialogue.templates(&connection.account) else {
        let can = dialogue.profile().can.iter().copied().map(Ability::as_str).collect();
        return Err(ApiProblem::Unsupported { can });
    };
    let of = (connection.channel.clone(), connection.account.clone());
    let templates = api.templates.get(of, api.shared.clock.now_ms(), asked).await;
    Ok(Json(json!({ "templates": *templates.map_err(|error| problem_of(&error))? })))
}

fn problem_of(error: &SendError) -> ApiProblem {
    match error {
        SendError::Account(account) => ApiProblem::AccountUnavailable { why: account.fault.as_str() },
        // The platform does not let this app read them.
        SendError::Refused { .. } => ApiProblem::AccountUnavailable { why: "incomplete" },
        SendError::NotSent(_)
        | SendError::AtOnce
        | SendError::Later { .. }
        | SendError::Broken { .. }
        | SendError::General { .. }
        | SendError::Unknown(_) => {
            tracing::info!(%error, "the templates of an account could not be read");
            ApiProblem::Unavailable
        }
    }
}
