//! `/operator`: how the service is doing, on one page that works without a script.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;

use super::events;
use super::follow;
use super::session::{Posted, entrance};
use super::sessions::Session;
use super::state::Operator;
use super::table::table;
use super::times::time;
use crate::shared::channel::context::Shared;
use crate::shared::journal::JournalError;
use crate::shared::objects::Standing;
use crate::shared::server::error::AppError;
use crate::shared::store::{Arrivals, Failure, Work};
use crate::shared::telemetry::alerts::by_sentence;
use crate::web::merchant::parts::{ago, utc};
use crate::web::merchant::{operators_page, plain_page};

/// How many hours the chart shows.
const HOURS: i64 = 48;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// What is to be followed.
#[derive(Deserialize)]
pub(super) struct Asked {
    event: Option<String>,
}

/// `GET /operator`; without a session 401 with the form that asks for the token.
pub(super) async fn show(
    State(operator): State<Operator>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let Some(session) = operator.session(&headers)? else { return Ok(entrance(None)) };
    let shared = &operator.shared;
    let body = html! {
        div.heading {
            h1 { "Operator" }
            form method="post" action="/operator/logout" { (session.form_token()) button.quiet { "Sign out" } }
        }
        (alerts(shared))
        (connections(shared).await?)
        (replies(shared).await?)
        (journal(shared).await?)
        (failures(shared, &session).await?)
        (copies(shared).await?)
        (events::newest(&operator, &session).await?)
        (follow::section(&operator, asked.event.as_deref()).await?)
        (deliveries(shared).await?)
        (information(shared).await?)
        (tokens(shared).await?)
    };
    // What was found must not go while it is read.
    if asked.event.is_some() {
        return Ok(plain_page(StatusCode::OK, "Operator", &body));
    }
    Ok(operators_page("Operator", "/operator/live", &body))
}

/// `POST /operator/replay`: one conversation or read that failed is tried again, at once.
pub(super) async fn replay(State(operator): State<Operator>, posted: Posted) -> Result<Response, AppError> {
    let work = match posted.field("work") {
        "conversation" => Work::Conversation,
        "read" => Work::Read,
        _ => return Err(AppError::bad_request("The form does not say what is to be tried again.")),
    };
    let field = |name| posted.field(name).to_owned();
    let (channel, account, object) = (field("channel"), field("account"), field("object"));
    // Whatever is no longer there was done meanwhile, or erased.
    operator.shared.journal.replay_one(work, channel, account, object).await?;
    Ok(Redirect::to("/operator#failed").into_response())
}

fn alerts(shared: &Shared) -> Markup {
    let (open, now_ms) = (shared.alerts.list(), shared.clock.now_ms());
    html! {
        h2 { "Open alerts" }
        @if open.is_empty() { p.flash { "Nothing needs you." } }
        @for (sentence, alike) in by_sentence(open) {
            div.trouble.bad {
                p { (sentence) }
                @for alert in alike { p { code { (alert.cause) } " · since " (ago(now_ms, alert.since)) } }
            }
        }
    }
}

async fn connections(shared: &Shared) -> Result<Markup, AppError> {
    let (all, now_ms) = (shared.connections.list().await?, shared.clock.now_ms());
    let mut rows = Vec::new();
    for connection in &all {
        let remark = shared.journal.find_remark(&connection.channel, &connection.account).await?;
        rows.push(html! {
            tr {
                th scope="row" { bdi { (connection.account) } }
                td { (connection.channel) }
                td { (connection.status.as_str()) }
                td { (connection.told_reason().or(remark).unwrap_or_else(|| "–".into())) }
                td { (time(now_ms, Some(connection.connected_at))) }
                td { (time(now_ms, connection.last_read_at)) }
            }
        });
    }
    let heads = ["Account", "Channel", "State", "Reason", "Connected", "Last whole read"];
    Ok(table("Connections", "connections", &heads, &rows, "No account is connected."))
}

async fn replies(shared: &Shared) -> Result<Markup, JournalError> {
    let rows: Vec<Markup> = shared
        .journal
        .count_open_outgoing()
        .await?
        .iter()
        .map(|one| {
            html! {
                tr {
                    th scope="row" { (one.channel) " " bdi { (one.account) } }
                    td.number { (one.waiting) }
                    td.number { (one.unknown) }
                }
            }
        })
        .collect();
    Ok(table(
        "Answers",
        "answers",
        &["Account", "Not final", "Nobody knows whether sent"],
        &rows,
        "Nothing was sent yet.",
    ))
}

async fn journal(shared: &Shared) -> Result<Markup, JournalError> {
    let (totals, now_ms) = (shared.journal.totals().await?, shared.clock.now_ms());
    let consumers: Vec<Markup> = shared
        .journal
        .list_consumers()
        .await?
        .iter()
        .map(|consumer| {
            html! {
                tr {
                    th scope="row" { (consumer.name) }
                    td.number { (consumer.cursor) }
                    td.number { (consumer.behind) }
                    td { (time(now_ms, consumer.oldest_at)) }
                }
            }
        })
        .collect();
    let set_aside: Vec<Markup> = totals
        .set_aside_by_reason
        .iter()
        .map(|row| html! { tr { th scope="row" { (row.reason) } td { (row.channel) } td.number { (row.events) } } })
        .collect();
    let facts = [
        ("Events kept", totals.events),
        ("Events ever", totals.newest_seq),
        ("Set apart", totals.set_aside),
        ("Parked", totals.given_up),
        ("Retrying", totals.retrying),
        ("Waiting for the writer", i64::try_from(totals.queue).unwrap_or(i64::MAX)),
    ];
    Ok(html! {
        h2 { "Journal" }
        dl.facts { @for (name, count) in facts { div { dt { (name) } dd { (count) } } } }
        @if !set_aside.is_empty() { (table("Events set apart", "apart", &["Reason", "Channel", "Events"], &set_aside, "")) }
        (table("Consumers", "consumers", &["Consumer", "Has done up to", "Behind", "Oldest waiting"], &consumers, ""))
    })
}

async fn failures(shared: &Shared, session: &Session) -> Result<Markup, JournalError> {
    let now_ms = shared.clock.now_ms();
    let row = |failure: &Failure| {
        let work = match failure.work {
            Work::Conversation => "conversation",
            Work::Read => "read",
        };
        let object = if failure.object.is_empty() { "the whole account" } else { &failure.object };
        html! {
            tr {
                th scope="row" { (work) " " bdi { (object) } }
                td { (failure.channel) " " bdi { (failure.account) } }
                td {
                    @match failure.next_at {
                        None => "parked",
                        Some(at) if at > now_ms => { "again at " (utc(at, "%H:%M")) },
                        Some(_) => "due",
                    }
                }
                td.number { (failure.attempts) }
                td.long { (failure.reason.as_deref().unwrap_or("–")) }
                td {
                    form method="post" action="/operator/replay" {
                        (session.form_token())
                        input type="hidden" name="work" value=(work);
                        input type="hidden" name="channel" value=(failure.channel);
                        input type="hidden" name="account" value=(failure.account);
                        input type="hidden" name="object" value=(failure.object);
                        button.plain aria-label=(format!("Replay {work} {object}")) { "Replay" }
                    }
                }
            }
        }
    };
    let rows: Vec<Markup> = shared.journal.list_failures().await?.iter().map(row).collect();
    let heads = ["Work", "Account", "State", "Tries", "Reason", "Try again"];
    Ok(table("Parked and failed", "failed", &heads, &rows, "Nothing failed."))
}

/// Copies in object storage, where there are any.
async fn copies(shared: &Shared) -> Result<Markup, JournalError> {
    let Some(objects) = &shared.objects else { return Ok(html! {}) };
    let (counted, now_ms) = (shared.journal.count_copies().await?, shared.clock.now_ms());
    let state = match objects.standing() {
        Standing::Starting => "starting".to_owned(),
        Standing::Working => "working".to_owned(),
        Standing::Pausing { until, why } => format!("pausing until {}: {why}", utc(until, "%H:%M:%S")),
        Standing::Stopped { why, until } => format!("stopped: {}; tried again at {}", why.cause(), utc(until, "%H:%M")),
    };
    let oldest = counted.oldest_at.map_or_else(|| html! { "–" }, |at| ago(now_ms, at));
    let facts = [
        ("State", html! { (state) }),
        ("Address", html! { (objects.address()) }),
        ("Files copied", html! { (counted.copied) }),
        ("Last copy", time(now_ms, counted.last_put_at)),
        ("Files waiting", html! { (counted.count) }),
        ("Oldest change waiting", oldest),
    ];
    Ok(html! {
        h2 { "Copies in object storage" }
        dl.facts { @for (name, fact) in facts { div { dt { (name) } dd { (fact) } } } }
    })
}

async fn deliveries(shared: &Shared) -> Result<Markup, JournalError> {
    let arrivals = shared.journal.list_arrivals(HOURS).await?;
    let first = (shared.clock.now_ms() / HOUR_MS - HOURS + 1) * HOUR_MS;
    let mut hours: BTreeMap<i64, i64> = (0..HOURS).map(|hour| (first + hour * HOUR_MS, 0)).collect();
    for one in arrivals.iter().filter(|one| is_delivery(one)) {
        *hours.entry(one.hour).or_default() += one.deliveries;
    }
    let most = hours.values().copied().max().unwrap_or(0).max(1);
    let total: i64 = hours.values().sum();
    let rows: Vec<Markup> = arrivals
        .iter()
        .rev()
        .map(|one| {
            html! {
                tr {
                    th scope="row" { (utc(one.hour, "%-d %b, %H:00")) }
                    td { (one.channel) }
                    td { (one.source) }
                    td.number { (one.deliveries) }
                    td.number { (one.new_events) }
                    td.number { (one.repeated_events) }
                }
            }
        })
        .collect();
    let heads = ["Hour", "Channel", "Road", "Deliveries", "New events", "Known events"];
    Ok(html! {
        h2 { "Deliveries per hour" }
        p.hint { (total) " within 48 hours, at most " (if total == 0 { 0 } else { most }) " in one." }
        svg.bars viewBox="0 0 480 100" preserveAspectRatio="none" role="img" aria-label=(format!("Deliveries in each of the last 48 hours: {total} in all")) {
            @for (place, (hour, count)) in hours.iter().enumerate() {
                // An hour with one delivery is seen beside one with thousands.
                @let height = if *count == 0 { 0 } else { (count * 100 / most).max(2) };
                rect x=(place * 10 + 1) y=(100 - height) width="8" height=(height) {
                    title { (utc(*hour, "%-d %b, %H:00")) ": " (count) }
                }
            }
        }
        details.more {
            summary { "The same as a table, by road" }
            (table("What came in", "arrivals", &heads, &rows, "Nothing came in."))
        }
    })
}

/// Whether a platform delivered it, of its own accord.
fn is_delivery(arrivals: &Arrivals) -> bool {
    matches!(arrivals.source.as_str(), "webhook" | "standby")
}

async fn information(shared: &Shared) -> Result<Markup, JournalError> {
    let now_ms = shared.clock.now_ms();
    let subscriptions: Vec<Markup> = shared
        .journal
        .list_subscriptions()
        .await?
        .iter()
        .map(|one| {
            let account = if one.account.is_empty() { "the app itself" } else { &one.account };
            let missing = if one.missing.is_empty() { "none".to_owned() } else { one.missing.join(", ") };
            html! {
                tr {
                    th scope="row" { (one.channel) " " bdi { (account) } }
                    td.long { (one.wanted.join(", ")) }
                    td { (missing) }
                    td.number { (one.repairs) }
                    td { (time(now_ms, one.repaired_at)) }
                    td { (time(now_ms, Some(one.checked_at))) }
                }
            }
        })
        .collect();
    let polls: Vec<Markup> = shared
        .journal
        .list_newest_polls()
        .await?
        .iter()
        .map(|one| {
            let report = one.report;
            html! {
                tr {
                    th scope="row" { (one.channel) " " bdi { (one.account) } }
                    td { (time(now_ms, Some(one.finished_at))) }
                    @for count in [one.recovered_total, report.only_poll, report.seen_by_both, report.only_webhook, report.unreadable] {
                        td.number { (count) }
                    }
                }
            }
        })
        .collect();
    let polled = ["Account", "Last poll", "Recovered ever", "This time", "Seen by both", "Webhook only", "Unreadable"];
    let subscribed = ["Account", "Wanted", "Missing", "Repairs", "Last repair", "Looked at"];
    Ok(html! {
        (table("Recovered by poll", "polls", &polled, &polls, "No poll was made yet."))
        (table("Webhook subscriptions", "subscriptions", &subscribed, &subscriptions, "None was looked at yet."))
    })
}

async fn tokens(shared: &Shared) -> Result<Markup, AppError> {
    let now_ms = shared.clock.now_ms();
    let rows: Vec<Markup> = shared
        .connections
        .list_tokens()
        .await?
        .iter()
        .map(|token| {
            html! {
                tr {
                    th scope="row" { (token.channel) " " bdi { (token.account) } }
                    td { (token.kind) }
                    td { (token.state(now_ms).replace('_', " ")) }
                    td { (time(now_ms, token.issued_at)) }
                    td { @match token.expires_at { Some(at) => (utc(at, "%-d %b %Y, %H:%M")), None => "–" } }
                }
            }
        })
        .collect();
    Ok(table("Tokens", "tokens", &["Account", "For", "State", "Issued", "Expires"], &rows, "There are none."))
}
