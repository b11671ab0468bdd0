//! `/api/v1/push`: where a merchant's events are posted.

use axum::extract::{RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use url::{Host, Url};

use super::body::{read_json, refuse_query};
use super::caller::Caller;
use super::feed::read_types;
use super::problem::ApiProblem;
use super::state::Api;
use crate::answering::times::rfc3339;
use crate::shared::store::ItemKind;
use crate::shared::store::api_keys::Scope;
use crate::shared::store::push::{PushEndpoint, Receiver};

/// The longest address, in characters.
const MOST_URL: usize = 2_000;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/push", get(show).put(set).delete(remove))
}

/// Lets a key go on that may look after what the merchant's receiver is told: that is about all accounts.
fn require_whole(caller: &Caller) -> Result<(), ApiProblem> {
    caller.require(Scope::Admin)?;
    match caller.key().accounts.is_empty() {
        true => Ok(()),
        false => Err(ApiProblem::NotPermitted {
            why: None,
            detail: "Events of all accounts are posted, so this needs a key that is not limited to some of them."
                .into(),
        }),
    }
}

async fn show(State(api): State<Api>, caller: Caller, RawQuery(query): RawQuery) -> Result<Json<Value>, ApiProblem> {
    require_whole(&caller)?;
    refuse_query(query.as_deref())?;
    let endpoint = api.answering.receivers.endpoints.find(caller.merchant()).await?.ok_or(ApiProblem::NotFound)?;
    let journal = &api.answering.shared.journal;
    let place = journal.find_push_place(Receiver::Own, endpoint.merchant).await?;
    let place = place.unwrap_or_default();
    let untaken = journal.count_untaken_pushes(Receiver::Own, endpoint.merchant, &endpoint.kinds).await?;
    let failure = place.problem.map(|(why, at)| json!({ "why": why, "at": rfc3339(at) }));
    Ok(Json(json!({
        "url": endpoint.url, "types": words(&endpoint.kinds), "n": place.n, "waiting": place.waiting + untaken,
        "set_aside": place.set_aside, "off": endpoint.is_off, "last_failure": failure,
    })))
}

fn words(kinds: &[ItemKind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.as_str()).collect()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    url: String,
    types: Option<Vec<String>>,
    after: Option<i64>,
    #[serde(default)]
    rotate: bool,
}

async fn set(
    State(api): State<Api>,
    caller: Caller,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Json<Value>, ApiProblem> {
    require_whole(&caller)?;
    refuse_query(query.as_deref())?;
    let Body { url, types, after, rotate } = read_json(&body)?;
    if !is_receiver(&api, &url) {
        let message =
            format!("This must be an https address of the public internet, of at most {MOST_URL} characters.");
        return Err(ApiProblem::invalid("/url", message));
    }
    let kinds = match types {
        None => vec![ItemKind::Message, ItemKind::Takeover],
        Some(words) => read_types(&words.join(","))?,
    };
    let (merchant, journal) = (caller.merchant(), &api.answering.shared.journal);
    let ends = journal.feed_ends(merchant).await?;
    if after.is_some_and(|after| !ends.can_go_on_after(after)) {
        return Err(ApiProblem::CursorExpired { oldest: ends.oldest, newest: ends.newest });
    }
    let place = journal.find_push_place(Receiver::Own, merchant).await?;
    let n = match (after, &place) {
        (Some(after), _) => Some(after),
        (None, None) => Some(ends.newest),
        (None, Some(_)) => None,
    };
    if let Some(n) = n {
        journal.set_push_place(Receiver::Own, merchant, n).await?;
    }
    let shown = json!({ "url": url, "types": words(&kinds), "n": n.or(place.map(|place| place.n)) });
    let endpoint = PushEndpoint { merchant, url, kinds, is_off: false };
    let secret = api.answering.receivers.endpoints.save(endpoint, rotate, api.shared.clock.now_ms()).await?;
    api.shared.alerts.heal(&Receiver::Own.alert(merchant));
    let mut shown = shown;
    shown["secret"] = json!(secret.as_str());
    Ok(Json(shown))
}

/// Whether events may be posted to this address.
fn is_receiver(api: &Api, text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_named = matches!(url.host(), Some(Host::Domain(_)));
    text.chars().count() <= MOST_URL
        && url.fragment().is_none()
        && api.answering.receivers.allowed.allows(&url)
        && (is_named || url.scheme() == "http")
}

async fn remove(State(api): State<Api>, caller: Caller, RawQuery(query): RawQuery) -> Result<StatusCode, ApiProblem> {
    require_whole(&caller)?;
    refuse_query(query.as_deref())?;
    let merchant = caller.merchant();
    api.answering.receivers.endpoints.delete(merchant).await?;
    let journal = &api.answering.shared.journal;
    journal.forget_push_place(Receiver::Own, merchant).await?;
    api.shared.alerts.heal(&Receiver::Own.alert(merchant));
    Ok(StatusCode::NO_CONTENT)
}
