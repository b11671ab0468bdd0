//! `GET /api/v1/events`: what happened, by number: asked for, waited for, or as a stream; and the places that are kept by
//! name.

use std::time::{Duration, Instant};

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::body::{InPath, Within, read_json, read_query, refuse_query};
use super::caller::Caller;
use super::feed_stream::{Counted, LOOK_EVERY, STREAM_PAGE, stream};
use super::problem::ApiProblem;
use super::products::names_a_shop;
use super::state::Api;
use crate::answering::Answering;
use crate::answering::event::{EventPage, EventQuery};
use crate::shared::store::api_keys::Scope;
use crate::shared::store::{FeedEnds, FeedQuery, ItemKind, NamedAccount};
use crate::web::pieces;

/// How long a reader may wait at most, in seconds.
const LONGEST_WAIT: u32 = 25;

/// How often one request reads on where everything was left out.
const READS: usize = 10;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/events", get(events)).route("/cursors/{name}", get(cursor).put(set_cursor))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    after: Option<i64>,
    cursor: Option<String>,
    types: Option<String>,
    channel: Option<String>,
    account: Option<String>,
    wait: Option<Within<0, LONGEST_WAIT>>,
    limit: Option<Within<1, 100>>,
    history: Option<Within<0, 100>>,
    products: Option<Within<0, 20>>,
}

impl Wanted {
    /// The channel and the account whose events are wanted.
    fn account(&self, api: &Api) -> Result<(Option<String>, Option<String>), ApiProblem> {
        let channel = self.channel.as_deref();
        if channel.is_some_and(|channel| api.channel(channel).is_none()) {
            let names: Vec<&str> = api.channels.iter().map(|channel| channel.name).collect();
            return Err(ApiProblem::invalid("/channel", format!("This must be one of: {}.", names.join(", "))));
        }
        let Some(text) = self.account.as_deref() else { return Ok((channel.map(str::to_owned), None)) };
        let NamedAccount { channel: of, id } = NamedAccount::from(text);
        match (of.as_deref(), channel) {
            (Some(of), Some(channel)) if of != channel => {}
            (None, None) => {}
            (of, channel) => return Ok((of.or(channel).map(str::to_owned), Some(id))),
        }
        let message = "This must be a channel and an account of it: facebook/1001.";
        Err(ApiProblem::invalid("/account", message))
    }
}

/// Lets a reader go on to an account of which their key may hear: of one in which people write, or of a shop.
async fn require_account(api: &Api, caller: &Caller, channel: &str, account: &str) -> Result<(), ApiProblem> {
    let sells = api.shared.products.source_of(channel).is_some();
    let is_heard_of = caller.sees(channel, account) || (sells && !names_a_shop(api, caller));
    if api.channel(channel).is_none() || !is_heard_of {
        return Err(ApiProblem::NotFound);
    }
    match api.answering.find_connection(caller.merchant(), channel, account).await? {
        Some(_) => Ok(()),
        None => Err(ApiProblem::NotFound),
    }
}

async fn events(
    State(api): State<Api>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiProblem> {
    caller.require(Scope::Read)?;
    let wanted: Wanted = read_query(query.as_deref())?;
    let of = wanted.account(&api)?;
    if let (Some(channel), Some(account)) = &of {
        require_account(&api, &caller, channel, account).await?;
    }
    let is_stream = wants_stream(&headers);
    let ends = api.answering.shared.journal.feed_ends(caller.merchant()).await?;
    let last_seen = is_stream.then(|| last_event_id(&headers)).flatten().transpose()?;
    let after = match last_seen.or(wanted.after) {
        Some(after) => after,
        None => match &wanted.cursor {
            Some(name) => find_place(&api, &caller, name).await?.unwrap_or(ends.newest),
            None => ends.newest,
        },
    };
    if !ends.can_go_on_after(after) {
        return Err(expired(ends));
    }
    let query = query_of(&api, &caller, &wanted, of, after, is_stream)?;
    // Before the first look: what comes after it is told.
    let news = api.answering.shared.journal.watch_feed(caller.merchant());
    if is_stream {
        let place = caller.take_stream()?;
        return Ok(stream(&api, &caller, Counted::of(&api.answering, place), query, news));
    }
    let wait = Duration::from_secs(wanted.wait.map_or(0, |wait| wait.get().into()));
    let page = read_on(&api.answering, query.clone()).await?;
    if !page.events.is_empty() || wait.is_zero() {
        return Ok(json_text(&page).into_response());
    }
    let place = caller.take_stream()?;
    let waiting = Waiting {
        answering: api.answering.clone(),
        query: EventQuery { feed: FeedQuery { after: page.next, ..query.feed }, ..query },
        until: Instant::now() + wait,
        page,
        news,
        ended: Box::pin(caller.ended()),
        _place: Counted::of(&api.answering, place),
    };
    // Whoever waits holds no place among the requests at work: the answer has begun, and its body follows.
    let body = pieces::body(Some(waiting), |waiting: Option<Waiting>| {
        Box::pin(async move {
            let text = waiting?.wait().await;
            Some((Bytes::from(text), None))
        })
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accept
        .flat_map(|value| value.split(','))
        .any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream")))
}

/// Where a stream that broke off goes on; `None`: it is a new one.
fn last_event_id(headers: &HeaderMap) -> Option<Result<i64, ApiProblem>> {
    let value = headers.get("last-event-id")?;
    let number = value.to_str().ok().filter(|text| !text.trim().is_empty());
    let wrong =
        || ApiProblem::invalid("/Last-Event-ID", "This must be the id of an event of this stream: a whole number.");
    Some(number.and_then(|text| text.trim().parse().ok()).ok_or_else(wrong))
}

fn expired(ends: FeedEnds) -> ApiProblem {
    ApiProblem::CursorExpired { oldest: ends.oldest, newest: ends.newest }
}

fn query_of(
    api: &Api,
    caller: &Caller,
    wanted: &Wanted,
    (channel, account): (Option<String>, Option<String>),
    after: i64,
    is_stream: bool,
) -> Result<EventQuery, ApiProblem> {
    let limit = wanted.limit.map_or(20, Within::count);
    let feed = FeedQuery {
        merchant: caller.merchant(),
        after,
        kinds: wanted.types.as_deref().map(read_types).transpose()?.unwrap_or_default(),
        channel,
        account,
        accounts: caller.key().accounts.clone(),
        all_catalogues: !names_a_shop(api, caller),
        limit: if is_stream { STREAM_PAGE } else { limit },
        history: wanted.history.map_or(20, Within::count),
    };
    Ok(EventQuery {
        feed,
        products: wanted.products.map_or(5, Within::count),
        with_merchant: false,
        without_raw: false,
    })
}

/// The kinds of this list, each once.
///
/// # Errors
/// [`ApiProblem::Invalid`] for a word that is none.
pub(super) fn read_types(list: &str) -> Result<Vec<ItemKind>, ApiProblem> {
    let mut kinds = Vec::new();
    for word in list.split(',') {
        let kind = ItemKind::from_word(word.trim()).ok_or_else(|| {
            let words: Vec<&str> = ItemKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let message = format!("This must be words with commas between them, of: {}.", words.join(", "));
            ApiProblem::invalid("/types", message)
        })?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// Reads until there are events, or the end, or many were left out.
async fn read_on(answering: &Answering, mut query: EventQuery) -> Result<EventPage, ApiProblem> {
    let mut page = answering.read_events(query.clone()).await?;
    for _ in 0..READS {
        if !page.events.is_empty() || page.next >= page.ends.newest {
            break;
        }
        query.feed.after = page.next;
        page = answering.read_events(query.clone()).await?;
    }
    Ok(page)
}

fn json_text(page: &EventPage) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], page_text(page)).into_response()
}

fn page_text(page: &EventPage) -> String {
    let events: Vec<&str> = page.events.iter().map(|event| event.json.as_str()).collect();
    format!("{{\"events\":[{}],\"next\":{},\"newest\":{}}}", events.join(","), page.next, page.ends.newest)
}

/// A reader that waits for the first event.
struct Waiting {
    answering: Answering,
    query: EventQuery,
    until: Instant,
    /// What was read last.
    page: EventPage,
    news: watch::Receiver<i64>,
    ended: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    _place: Counted,
}

impl Waiting {
    /// The answer: the first events, or none when the time or the key is over.
    async fn wait(mut self) -> String {
        loop {
            let has_more = self.page.next < self.page.ends.newest;
            let left = if has_more { Duration::ZERO } else { self.until.saturating_duration_since(Instant::now()) };
            tokio::select! {
                () = &mut self.ended => return page_text(&self.page),
                () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
                _ = self.news.changed() => {}
            }
            let is_over = Instant::now() >= self.until;
            match read_on(&self.answering, self.query.clone()).await {
                Ok(page) => {
                    self.query.feed.after = page.next;
                    self.page = page;
                }
                // What was promised is an answer: the next request hears what is wrong.
                Err(_) => return page_text(&self.page),
            }
            if is_over || !self.page.events.is_empty() {
                return page_text(&self.page);
            }
        }
    }
}

/// Whether this may be the name of a place: 1 to 40 of `a-z`, `0-9`, `-`.
fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

async fn find_place(api: &Api, caller: &Caller, name: &str) -> Result<Option<i64>, ApiProblem> {
    if !is_name(name) {
        return Err(ApiProblem::invalid("/cursor", NAMES));
    }
    Ok(api.answering.shared.journal.find_feed_cursor(caller.merchant(), name).await?)
}

const NAMES: &str = "A name has 1 to 40 characters: a to z, 0 to 9 and -.";

async fn cursor(
    State(api): State<Api>,
    caller: Caller,
    InPath(name): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiProblem> {
    caller.require(Scope::Read)?;
    refuse_query(query.as_deref())?;
    let n = find_place(&api, &caller, &name).await?.ok_or(ApiProblem::NotFound)?;
    Ok(Json(json!({ "n": n })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    n: i64,
}

async fn set_cursor(
    State(api): State<Api>,
    caller: Caller,
    InPath(name): InPath<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Json<Value>, ApiProblem> {
    caller.require(Scope::Read)?;
    refuse_query(query.as_deref())?;
    if !is_name(&name) {
        return Err(ApiProblem::invalid("/name", NAMES));
    }
    let Place { n } = read_json(&body)?;
    let journal = &api.answering.shared.journal;
    let ends = journal.feed_ends(caller.merchant()).await?;
    if !ends.can_go_on_after(n) {
        return Err(expired(ends));
    }
    if !journal.save_feed_cursor(caller.merchant(), &name, n).await? {
        return Err(ApiProblem::invalid("/name", "A merchant has 20 names at most; use one of them."));
    }
    Ok(Json(json!({ "n": n })))
}
