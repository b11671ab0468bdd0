//! The log of events for people: a table with filters, and what one event holds.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;

use super::event_api::read_payload;
use super::event_search::{Asked, Found, REFUSED, time as time_of};
use super::follow::story;
use super::redaction::Payload;
use super::session::{Posted, entrance};
use super::sessions::Session;
use super::state::Operator;
use super::table::table;
use super::times::time;
use crate::shared::server::error::AppError;
use crate::shared::store::{EventFilter, EventOutcome, EventStatus};
use crate::shared::telemetry::refused::RefusedDelivery;
use crate::web::merchant::plain_page;

/// How many events the operator's first page shows.
const NEWEST: usize = 10;

const HEADS: [&str; 8] = ["Event", "Arrived", "Account", "Kind", "Person", "Road", "State", "Again"];

/// The newest events, with the way to all others.
pub(super) async fn newest(operator: &Operator, session: &Session) -> Result<Markup, AppError> {
    let filter = EventFilter { limit: NEWEST, ..EventFilter::default() };
    let page = operator.shared.journal.list_event_log(filter).await?;
    let rows: Vec<Markup> = page.events.iter().map(|event| row(operator, session, event)).collect();
    Ok(html! {
        (table("Newest events", "events", &HEADS, &rows, "Nothing has arrived yet."))
        p { a href="/operator/events" { "All events, with filters" } }
    })
}

/// `GET /operator/events`.
pub(super) async fn list(
    State(operator): State<Operator>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let Some(session) = operator.session(&headers)? else { return Ok(entrance(None)) };
    let Query(asked) =
        asked.map_err(|_| AppError::bad_request("This address asks for something that there is not."))?;
    let Found { events, next, refused } = asked.find(&operator).await?;
    let rows: Vec<Markup> = events.iter().map(|event| row(&operator, &session, event)).collect();
    let body = html! {
        p { a href="/operator" { "Operator" } }
        h1 { "Events" }
        (filters(&asked))
        @if asked.is_by_id() || !asked.is_refused() {
            (table("Events", "events", &HEADS, &rows, "None of the events that were looked at fits."))
        }
        @if let Some(next) = next { p { a.button.plain rel="next" href=(older(&asked, next)) { "Older events" } } }
        @if let Some(refused) = &refused {
            (refused_table(&operator, refused))
        } @else if asked.is_refused() && !asked.is_by_id() {
            p.hint { "Nothing is known of refused deliveries but their channel and their times: please ask for nothing else." }
        }
        (again_since(&session))
    };
    Ok(plain_page(StatusCode::OK, "Events", &body))
}

fn filters(asked: &Asked) -> Markup {
    let value = |value: &Option<String>| value.clone().unwrap_or_default();
    let texts = [
        ("account", "Account", value(&asked.account), "facebook/1000…"),
        ("person", "Person", value(&asked.person), "as the file is called"),
        ("kind", "Kind", value(&asked.kind), "message, products/update …"),
    ];
    let chosen = value(&asked.outcome);
    html! {
        form.filters method="get" action="/operator/events" {
            @for (name, label, value, hint) in &texts {
                p { label for=(name) { (label) } input type="text" id=(name) name=(name) value=(value) placeholder=(hint) autocomplete="off" spellcheck="false"; }
            }
            p {
                label for="outcome" { "State" }
                select id="outcome" name="outcome" {
                    option value="" { "any" }
                    @for outcome in EventOutcome::ALL {
                        option value=(outcome.as_str()) selected[chosen == outcome.as_str()] { (words(outcome)) }
                    }
                    option value=(REFUSED) selected[chosen == REFUSED] { "refused" }
                }
            }
            @for (name, label, value) in [("since", "Arrived since (UTC)", value(&asked.since)), ("until", "and before (UTC)", value(&asked.until))] {
                p { label for=(name) { (label) } input type="datetime-local" id=(name) name=(name) value=(value); }
            }
            p { button.plain { "Show" } }
        }
    }
}

/// The address of the page behind this one, with the same filters.
fn older(asked: &Asked, before: i64) -> String {
    let mut query = form_urlencoded::Serializer::new("/operator/events?".to_owned());
    let kept = [
        ("channel", &asked.channel),
        ("account", &asked.account),
        ("kind", &asked.kind),
        ("person", &asked.person),
        ("outcome", &asked.outcome),
        ("since", &asked.since),
        ("until", &asked.until),
    ];
    for (name, value) in kept {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            query.append_pair(name, value);
        }
    }
    query.append_pair("before", &before.to_string()).finish()
}

fn words(outcome: EventOutcome) -> &'static str {
    match outcome {
        EventOutcome::Done => "done",
        EventOutcome::Waiting => "waiting",
        EventOutcome::Failed => "failed",
        EventOutcome::GivenUp => "given up",
        EventOutcome::Apart => "set apart",
        EventOutcome::Kept => "nothing to do",
    }
}

fn row(operator: &Operator, session: &Session, event: &EventStatus) -> Markup {
    let now_ms = operator.shared.clock.now_ms();
    let account = if event.account.is_empty() { "no account" } else { &event.account };
    html! {
        tr {
            th scope="row" { a href={ "/operator/events/" (event.seq) } { (event.seq) } }
            td { (time(now_ms, Some(event.received_at))) }
            td { (event.channel) " " bdi { (account) } }
            td { (event.kind) }
            td { bdi { (event.person.as_deref().unwrap_or("–")) } }
            td { (event.source) }
            td { (words(event.outcome)) }
            td { @if can_go_again(event) { (again(session, event.seq)) } }
        }
    }
}

/// Whether some worker does anything for this event.
fn can_go_again(event: &EventStatus) -> bool {
    event.set_aside.is_none() && (event.person.is_some() || event.reread.is_some())
}

fn again(session: &Session, seq: i64) -> Markup {
    html! {
        form method="post" action="/operator/events/replay" {
            (session.form_token())
            input type="hidden" name="seq" value=(seq);
            button.plain aria-label={ "Hand again: event " (seq) } { "Hand again" }
        }
    }
}

fn again_since(session: &Session) -> Markup {
    html! {
        section aria-labelledby="again" {
            h2 id="again" { "Hand again since a time" }
            p.hint { "Workers look again at everything that arrived since then. Nothing is doubled by it." }
            form method="post" action="/operator/events/replay" {
                (session.form_token())
                p { label for="again-since" { "Since (UTC)" } }
                div.row {
                    input type="datetime-local" id="again-since" name="since" required;
                    button.plain { "Hand again" }
                }
            }
        }
    }
}

fn refused_table(operator: &Operator, refused: &[RefusedDelivery]) -> Markup {
    let now_ms = operator.shared.clock.now_ms();
    let rows: Vec<Markup> = refused
        .iter()
        .map(|one| {
            html! {
                tr {
                    th scope="row" { (time(now_ms, Some(one.last_at))) }
                    td { (one.channel) }
                    td { (one.reason.replace('_', " ")) }
                    td.number { (one.deliveries) }
                }
            }
        })
        .collect();
    let none = "None was refused since the service started.";
    table("Refused deliveries", "refused", &["Last", "Channel", "Reason", "How many"], &rows, none)
}

/// Whether all of an event is to be shown.
#[derive(Deserialize)]
pub(super) struct Shown {
    whole: Option<String>,
}

/// `GET /operator/events/{seq}`: what became of an event, and what it holds; without what somebody wrote, unless that is
/// asked for.
pub(super) async fn one(
    State(operator): State<Operator>,
    seq: Result<Path<i64>, PathRejection>,
    Query(Shown { whole }): Query<Shown>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let Some(session) = operator.session(&headers)? else { return Ok(entrance(None)) };
    let Path(seq) = seq.map_err(|_| AppError::NotFound)?;
    let event = operator.shared.journal.find_event_status(seq).await?.ok_or(AppError::NotFound)?;
    let is_whole = whole.as_deref() == Some("yes");
    let payload = read_payload(&operator, seq, !is_whole).await?.ok_or(AppError::NotFound)?;
    let body = html! {
        p { a href="/operator" { "Operator" } " · " a href="/operator/events" { "Events" } }
        h1 { "Event " (seq) }
        h2 { "What became of it" }
        (story(&event, operator.shared.clock.now_ms()))
        @if can_go_again(&event) { (again(&session, seq)) }
        section aria-labelledby="payload" {
            h2 id="payload" { "What it holds" }
            @match &payload {
                Payload::Json(value) => {
                    pre.payload tabindex="0" role="group" aria-labelledby="payload" { (format!("{value:#}")) }
                    @if is_whole {
                        p { a href={ "/operator/events/" (seq) } { "Hide what people wrote" } }
                    } @else {
                        p.hint { "Texts are left out. Looking at them is noted in the log." }
                        p { a.button.plain rel="nofollow" href={ "/operator/events/" (seq) "?whole=yes" } { "Show what people wrote" } }
                    }
                }
                Payload::Bytes(bytes) => { p.hint { (bytes) " bytes, which are no JSON or too many to be shown." } }
            }
        }
    };
    Ok(plain_page(StatusCode::OK, &format!("Event {seq}"), &body))
}

/// `POST /operator/events/replay`: one event by its number, or everything since a time.
pub(super) async fn replay(State(operator): State<Operator>, posted: Posted) -> Result<Response, AppError> {
    let journal = &operator.shared.journal;
    match (posted.field("seq").parse::<i64>(), posted.field("since")) {
        (Ok(seq), _) => {
            // One that is no longer there, or that no worker sees, was erased or set aside meanwhile.
            journal.replay_event(seq).await?;
        }
        (Err(_), "") => return Err(AppError::bad_request("The form does not say what is to be handed again.")),
        (Err(_), since) => {
            let count = journal.replay_since(time_of(since, operator.shared.clock.now_ms())?).await?;
            tracing::info!(count, "events were handed to the workers again");
        }
    }
    Ok(Redirect::to("/operator/events").into_response())
}
