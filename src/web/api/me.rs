//! `GET /api/v1/me`: whose key this is, what it may do, and what the accounts can.

use axum::extract::{RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::body::refuse_query;
use super::caller::Caller;
use super::problem::ApiProblem;
use super::state::Api;
use crate::answering::Unavailable;
use crate::shared::channel::dialogue::{Ability, PersonRate, Rate};
use crate::shared::store::api_keys::Scope;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/me", get(me))
}

async fn me(State(api): State<Api>, caller: Caller, RawQuery(query): RawQuery) -> Result<Json<Value>, ApiProblem> {
    refuse_query(query.as_deref())?;
    let (mut accounts, mut shops) = (Vec::new(), Vec::new());
    for connection in api.shared.connections.list_of(caller.merchant()).await? {
        let Some(channel) = api.channel(&connection.channel) else { continue };
        // What is wrong with an account is the lesser thing where its whole channel is off.
        let status = |status: &'static str| if channel.is_on { status } else { Unavailable::Off.as_str() };
        if api.shared.products.source_of(channel.name).is_some() {
            let status = status(connection.status.as_str());
            shops.push(json!({ "id": connection.account, "name": connection.name, "status": status }));
        }
        if channel.has_conversations && caller.sees(&connection.channel, &connection.account) {
            let (can, limits) = sending_of(&api, channel.name);
            accounts.push(json!({
                "channel": connection.channel, "id": connection.account, "name": connection.name,
                "status": status(connection.told_status()), "can": can, "limits": limits,
            }));
        }
    }
    let key = caller.key();
    let scopes: Vec<&str> = key.scopes.iter().copied().map(Scope::as_str).collect();
    Ok(Json(json!({
        "merchant": caller.merchant(),
        "key": { "id": key.id, "name": key.name, "scopes": scopes },
        "accounts": accounts,
        "shops": shops,
    })))
}

/// What accounts of this channel can send, and how much of it.
fn sending_of(api: &Api, channel: &str) -> (Vec<&'static str>, Value) {
    let Some(dialogue) = api.answering.dialogue(channel) else { return (Vec::new(), json!({})) };
    let profile = dialogue.profile();
    let can = profile.can.iter().copied().map(Ability::as_str).collect();
    let Rate { parts, per, heavy } = profile.rate;
    let limits = json!({
        "text": profile.text, "choices": profile.choices, "products": profile.cards,
        "rate": { "parts": parts, "heavy": heavy, "per_seconds": per.as_secs() },
        "person": profile.person_rate.map(
            |PersonRate { burst, every }| json!({ "parts": burst, "then_one_in_seconds": every.as_secs() }),
        ),
        "without_reply": profile.without_reply.map(
            |(parts, within)| json!({ "parts": parts, "per_seconds": within.as_secs() }),
        ),
    });
    (can, limits)
}
