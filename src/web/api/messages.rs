//! Messages to people: `POST …/messages` accepts one, `/messages/{id}` shows it, takes it back, or says what became of it.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;

use super::body::{InPath, read_json, refuse_members, refuse_query};
use super::caller::{Caller, Uncounted};
use super::problem::ApiProblem;
use super::state::Api;
use crate::answering::accept::{Accepted, Earlier, Refused, Wish};
use crate::answering::content::Content;
use crate::answering::state::Allowed;
use crate::shared::channel::dialogue::{Ability, Signal};
use crate::shared::journal::Conversation;
use crate::shared::server::places::Place;
use crate::shared::store::api_keys::Scope;
use crate::shared::store::{Author, Outgoing, PartState};

/// The longest `Idempotency-Key`.
const LONGEST_KEY: usize = 255;

/// The longest time for which an answer waits, in seconds.
const LONGEST_WAIT: u64 = 25;

/// In how many seconds to come again when too much waits.
const QUEUE_PAUSE: u64 = 10;

pub(super) fn routes() -> Router<Api> {
    const OF: &str = "/{channel}/{account}/conversations/{person}";
    Router::new()
        .route(&format!("{OF}/messages"), post(send))
        .route(&format!("{OF}/typing"), post(typing))
        .route(&format!("{OF}/seen"), post(seen))
        .route("/messages/{id}", get(show).delete(take_back))
        .route("/messages/{id}/resolve", post(resolve))
}

async fn send(
    State(api): State<Api>,
    uncounted: Uncounted,
    place: Option<Extension<Place>>,
    InPath((channel, account, person)): InPath<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiProblem> {
    let caller = uncounted.caller();
    caller.require_one_of(Scope::Reply, &[Scope::Human])?;
    let connection = caller.connection(&channel, &account).await?;
    let (key, body) = match read_wish(caller, &headers, &body) {
        Ok(asked) => asked,
        Err(problem) => {
            // Whoever asks for somebody of whom nothing is known hears that first.
            api.require_addressee(&channel, &account, &person).await?;
            return Err(problem);
        }
    };
    // What cannot be read is no body of an earlier request, so a known key was another request's.
    let (body, unreadable) = match body {
        Ok(body) => (body, None),
        Err(problem) => (Value::Null, Some(problem)),
    };
    let place = place.as_deref();
    let _turn = api.one_at_a_time.wait(caller.merchant(), key, place).await.ok_or(ApiProblem::Unavailable)?;
    let mut found = api.answering.look_up(&Wish { connection: &connection, person: &person, key, body: &body }).await?;
    if !found.is_known {
        let person = api.require_addressee(&channel, &account, &person).await?;
        found = api.answering.look_up(&Wish { connection: &connection, person: &person, key, body: &body }).await?;
    }
    let person = found.person.clone();
    let wish = Wish { connection: &connection, person: &person, key, body: &body };
    let standing = match found.earlier().map_err(problem_of)? {
        Earlier::Repeat(repeat) => return Ok(answer(&repeat)),
        Earlier::Nothing(standing) => standing,
    };
    if let Some(problem) = unreadable {
        return Err(problem);
    }
    uncounted.count_write()?;
    refuse_query(query.as_deref())?;
    let content = Content::read(&body).map_err(ApiProblem::Invalid)?;
    let outbox = &api.outbox;
    let accepted = match api.answering.accept_standing(outbox, &wish, content.clone(), &standing).await {
        // A message that was not looked at yet may have opened it.
        Err(Refused::WindowClosed(..)) => {
            let of = Conversation { channel: channel.clone(), account: account.clone(), person: person.clone() };
            api.caught_up(&of).await?;
            api.answering.accept(outbox, &wish, content).await
        }
        accepted => accepted,
    };
    let accepted = accepted.map_err(problem_of)?;
    let Accepted::Stored(message) = accepted else { return Ok(answer(&accepted)) };
    match wait_wanted(&headers) {
        Some(longest) => waited(&api, caller, place, *message, longest).await,
        None => Ok(answer(&Accepted::Stored(message))),
    }
}

/// A body, or why it cannot be read. Which scope it needs is not known then, and the contract has a known key told of first.
type ReadBody = Result<Value, ApiProblem>;

/// The key that names the request, and what is wished.
fn read_wish<'a>(caller: &Caller, headers: &'a HeaderMap, body: &Bytes) -> Result<(&'a str, ReadBody), ApiProblem> {
    let key = idempotency_key(headers)?;
    let body: ReadBody = read_json(body);
    if let Ok(body) = &body {
        caller.require(scope_of(body))?;
    }
    Ok((key, body))
}

/// The scope that a message needs: also to be told again what became of it.
fn scope_of(body: &Value) -> Scope {
    let is_human = body.get("author").and_then(Value::as_str) == Some(Author::Human.as_str());
    if is_human { Scope::Human } else { Scope::Reply }
}

/// The key that names the request.
fn idempotency_key(headers: &HeaderMap) -> Result<&str, ApiProblem> {
    let mut shown = headers.get_all("idempotency-key").iter();
    let (Some(key), None) = (shown.next(), shown.next()) else { return Err(ApiProblem::IdempotencyKeyMissing) };
    let key = key.to_str().map_err(|_| ApiProblem::IdempotencyKeyMissing)?;
    let is_good = (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good { Ok(key) } else { Err(ApiProblem::IdempotencyKeyMissing) }
}

/// How long the caller would like to wait (`Prefer: wait=N`, RFC 7240).
fn wait_wanted(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let wanted = preferences.flat_map(|value| value.split([',', ';'])).find_map(|one| {
        let (name, seconds) = one.split_once('=')?;
        let seconds = seconds.trim().trim_matches('"').parse::<u64>().ok()?;
        name.trim().eq_ignore_ascii_case("wait").then_some(seconds)
    })?;
    (wanted > 0).then(|| Duration::from_secs(wanted.min(LONGEST_WAIT)))
}

/// Answers once it is known what became of the message, and keeps that answer for repeats.
async fn waited(
    api: &Api,
    caller: &Caller,
    place: Option<&Place>,
    message: Outgoing,
    longest: Duration,
) -> Result<Response, ApiProblem> {
    // Whoever finds no place among those who wait is answered at once.
    let Ok(_stream) = caller.take_stream() else { return Ok(answer(&Accepted::Stored(Box::new(message)))) };
    let _aside = place.and_then(Place::step_aside);
    let mut turns = api.outbox.turns();
    let number = message.number;
    let known = async {
        loop {
            turns.borrow_and_update();
            match api.shared.journal.find_outgoing(number).await {
                Ok(Some(now)) if now.state() == PartState::Accepted => {}
                Ok(found) => return found,
                Err(_) => return None,
            }
            // An echo may tell it before the turn ends.
            let _ = tokio::time::timeout(Duration::from_millis(500), turns.changed()).await;
        }
    };
    let now = tokio::select! {
        now = tokio::time::timeout(longest, known) => now.ok().flatten(),
        () = caller.ended() => None,
    };
    let now = match now {
        Some(now) => now,
        None => api.shared.journal.find_outgoing(number).await.ok().flatten().unwrap_or(message),
    };
    if let Err(error) = api.shared.journal.keep_answer(number, now.to_json().to_string()).await {
        tracing::warn!(%error, "an answer could not be kept; a repeat gets the one before it");
    }
    Ok(answer(&Accepted::Stored(Box::new(now))))
}

fn answer(accepted: &Accepted) -> Response {
    let (message, body, status) = match accepted {
        Accepted::Stored(message) => (message, None, StatusCode::ACCEPTED),
        Accepted::Repeated(message, Some(first)) => (message, Some(first.clone()), StatusCode::ACCEPTED),
        Accepted::Repeated(message, None) => (message, None, StatusCode::OK),
    };
    let body = body.unwrap_or_else(|| message.to_json().to_string());
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("/api/v1/messages/{}", message.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if matches!(accepted, Accepted::Repeated(..)) {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

async fn show(
    State(api): State<Api>,
    caller: Caller,
    InPath(id): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiProblem> {
    caller.require(Scope::Read)?;
    let message = find(&api, &caller, &id).await?;
    refuse_query(query.as_deref())?;
    Ok(Json(message.to_json()))
}

/// A message of this merchant, to an account that the key may see.
async fn find(api: &Api, caller: &Caller, id: &str) -> Result<Outgoing, ApiProblem> {
    let message = api.shared.journal.find_outgoing_of(&caller.merchant().to_string(), id).await?;
    let message = message.ok_or(ApiProblem::NotFound)?;
    match caller.sees(&message.conversation.channel, &message.conversation.account) {
        true => Ok(message),
        false => Err(ApiProblem::NotFound),
    }
}

async fn take_back(
    State(api): State<Api>,
    caller: Caller,
    InPath(id): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiProblem> {
    caller.require(Scope::Reply)?;
    find(&api, &caller, &id).await?;
    refuse_query(query.as_deref())?;
    let merchant = caller.merchant().to_string();
    let taken = api.shared.journal.take_back_outgoing(&merchant, &id).await?;
    let (message, is_back) = taken.ok_or(ApiProblem::NotFound)?;
    api.outbox.wake(&message.conversation);
    if is_back { Ok(StatusCode::NO_CONTENT) } else { Err(ApiProblem::TooLate { state: message.state().as_str() }) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolution {
    r#as: ResolvedAs,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum ResolvedAs {
    Sent,
    NotSent,
}

async fn resolve(
    State(api): State<Api>,
    caller: Caller,
    InPath(id): InPath<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Json<Value>, ApiProblem> {
    caller.require(Scope::Human)?;
    let message = find(&api, &caller, &id).await?;
    refuse_query(query.as_deref())?;
    let Resolution { r#as } = read_json(&body)?;
    let resolved = api.answering.resolve(caller.merchant(), &message, r#as == ResolvedAs::Sent).await?;
    let (message, is_resolved) = resolved.ok_or(ApiProblem::NotFound)?;
    if !is_resolved {
        return Err(ApiProblem::TooLate { state: message.state().as_str() });
    }
    api.outbox.add(message.number, &message.conversation);
    api.outbox.wake(&message.conversation);
    Ok(Json(message.to_json()))
}

async fn typing(
    State(api): State<Api>,
    caller: Caller,
    InPath(to): InPath<(String, String, String)>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<StatusCode, ApiProblem> {
    signal(&api, &caller, to, (query, &body), Signal::Typing).await
}

async fn seen(
    State(api): State<Api>,
    caller: Caller,
    InPath(to): InPath<(String, String, String)>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<StatusCode, ApiProblem> {
    signal(&api, &caller, to, (query, &body), Signal::Seen).await
}

/// Nobody waits for the platform, and what it says changes nothing.
async fn signal(
    api: &Api,
    caller: &Caller,
    (channel, account, person): (String, String, String),
    (query, body): (Option<String>, &Bytes),
    signal: Signal,
) -> Result<StatusCode, ApiProblem> {
    caller.require(Scope::Reply)?;
    caller.connection(&channel, &account).await?;
    let person = api.require_person(&channel, &account, &person).await?;
    refuse_query(query.as_deref())?;
    refuse_members(body)?;
    api.outbox.signal(Conversation { channel, account, person }, signal);
    Ok(StatusCode::NO_CONTENT)
}

/// What the caller is told of a refusal.
fn problem_of(refused: Refused) -> ApiProblem {
    match refused {
        Refused::Invalid(found) => ApiProblem::Invalid(found),
        Refused::KeyReused(message) => ApiProblem::IdempotencyKeyReused { message },
        Refused::Unsupported(can) => {
            ApiProblem::Unsupported { can: can.iter().copied().map(Ability::as_str).collect() }
        }
        Refused::Media(why) => ApiProblem::MediaRefused { why },
        Refused::Products(why, ids) => ApiProblem::ProductUnavailable { why, ids },
        Refused::NotPermitted(why, detail) => ApiProblem::NotPermitted { why, detail },
        Refused::Account(why) => ApiProblem::AccountUnavailable { why },
        Refused::CannotReceive(why) => ApiProblem::CannotReceive { why: word_of(&why) },
        Refused::NotOwner => ApiProblem::NotOwner,
        Refused::Paused(by, until) => ApiProblem::Paused { by, until },
        Refused::Overtaken(overtaken) => ApiProblem::Outdated {
            why: if overtaken.is_answered { "answered" } else { "superseded" },
            newest: overtaken.newest.unwrap_or_default(),
        },
        Refused::WindowClosed(closed_at, allowed) => {
            ApiProblem::WindowClosed { closed_at, allowed: allowed.into_iter().map(Allowed::as_str).collect() }
        }
        Refused::QueueFull => ApiProblem::QueueFull { retry_after: QUEUE_PAUSE },
        Refused::Unavailable(error) => error.into(),
        Refused::Internal(error) => ApiProblem::Internal(error),
    }
}

/// Why a person cannot be written to, as a word of the contract.
fn word_of(why: &str) -> &'static str {
    const WORDS: [&str; 5] = ["unsubscribed", "blocked", "opted_out", "group", "no_reply_limit"];
    WORDS.into_iter().find(|word| *word == why).unwrap_or("blocked")
}
