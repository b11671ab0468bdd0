//! `/api/events…` in JSON: the log of events, one event, what it holds, and events that are handed to the workers again.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::redaction::Payload;
use super::state::Operator;
use crate::shared::journal::JournalError;
use crate::shared::server::error::AppError;
use crate::shared::store::{EventFilter, EventOutcome, EventStatus, LARGEST_PAGE};
use crate::shared::telemetry::refused::RefusedDelivery;
use crate::shared::times;

/// How many events a page has where nothing is said.
const PAGE: usize = 50;

/// The word by which deliveries that were refused are asked for.
pub(super) const REFUSED: &str = "refused";

/// Which events are wanted, as a query says it; what is empty excludes nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(alias = "mid")]
    id: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) account: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) person: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

impl Asked {
    /// Whether events were asked for that never became any: deliveries that were refused.
    pub(super) fn is_refused(&self) -> bool {
        self.outcome.as_deref() == Some(REFUSED)
    }

    /// The filter that it is.
    ///
    /// # Errors
    /// 400 with what cannot be understood.
    pub(super) fn filter(&self, now_ms: i64) -> Result<EventFilter, AppError> {
        let text =
            |value: &Option<String>| value.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let number = |value: &Option<String>, what: &str| match text(value).map(|text| text.parse::<i64>()) {
            None => Ok(None),
            Some(Ok(number)) if number >= 0 => Ok(Some(number)),
            Some(_) => Err(AppError::bad_request(format!("{what} must be a number."))),
        };
        let outcome = match text(&self.outcome).filter(|word| word != REFUSED) {
            None => None,
            Some(word) => Some(EventOutcome::from_word(&word).ok_or_else(unknown_outcome)?),
        };
        // An account may be written with its channel before it, as everywhere else.
        let (mut channel, mut account) = (text(&self.channel), text(&self.account));
        if let Some((of, id)) = account.as_deref().and_then(|account| account.split_once('/')) {
            (channel, account) = (Some(of.to_owned()), Some(id.to_owned()));
        }
        let limit = number(&self.limit, "limit")?.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(LARGEST_PAGE));
        Ok(EventFilter {
            channel,
            account,
            kind: text(&self.kind),
            person: text(&self.person),
            outcome,
            since_ms: text(&self.since).map(|text| time(&text, now_ms)).transpose()?,
            until_ms: text(&self.until).map(|text| time(&text, now_ms)).transpose()?,
            before: number(&self.before, "before")?,
            after: None,
            limit: limit.clamp(1, LARGEST_PAGE),
        })
    }
}

fn unknown_outcome() -> AppError {
    let words: Vec<&str> = EventOutcome::ALL.iter().map(|outcome| outcome.as_str()).chain([REFUSED]).collect();
    AppError::bad_request(format!("outcome must be one of {}.", words.join(", ")))
}

/// A time in milliseconds since 1970, in any form of [`times::parse`].
///
/// # Errors
/// 400 for anything else.
pub(super) fn time(text: &str, now_ms: i64) -> Result<i64, AppError> {
    times::parse(text, now_ms).map_err(AppError::bad_request)
}

/// Deliveries that were refused, as far as the filter concerns them: nothing of them is known but where they came.
pub(super) fn refused(operator: &Operator, filter: &EventFilter) -> Vec<RefusedDelivery> {
    let mut all = operator.shared.refused.list();
    all.retain(|one| {
        filter.channel.as_deref().is_none_or(|channel| channel == one.channel)
            && filter.since_ms.is_none_or(|since| one.last_at >= since)
            && filter.until_ms.is_none_or(|until| one.first_at < until)
    });
    all
}

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
    if let Some(id) = &asked.id {
        return Ok(Json(json!({ "events": super::follow::find(&operator, id).await? })));
    }
    let filter = asked.filter(operator.shared.clock.now_ms())?;
    // What was refused has no place among numbers: it comes with the first page.
    let is_first = filter.before.is_none() && filter.account.is_none() && filter.person.is_none();
    let is_wanted = is_first && filter.kind.is_none() && (asked.is_refused() || filter.outcome.is_none());
    let refused = if is_wanted { refused(&operator, &filter) } else { Vec::new() };
    if asked.is_refused() {
        return Ok(Json(json!({ "events": [], "next": null, "refused": refused })));
    }
    let page = operator.shared.journal.list_event_log(filter).await.map_err(broken)?;
    Ok(Json(json!({ "events": page.events, "next": page.next, "refused": refused })))
}

/// `GET /api/events/{seq}`.
pub(super) async fn event(
    State(operator): State<Operator>,
    seq: Result<Path<i64>, PathRejection>,
) -> Result<Json<EventStatus>, AppError> {
    let Path(seq) = seq.map_err(|_| AppError::NotFound)?;
    let found = operator.shared.journal.find_event_status(seq).await.map_err(broken)?;
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
    let Some(bytes) = operator.shared.journal.find_payload(seq).await.map_err(broken)? else { return Ok(None) };
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
    match operator.shared.journal.replay_event(seq).await.map_err(broken)? {
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
    let count =
        operator.shared.journal.replay_since(time(&since, operator.shared.clock.now_ms())?).await.map_err(broken)?;
    tracing::info!(count, "events were handed to the workers again");
    Ok(Json(json!({ "replayed": count })))
}

fn broken(error: JournalError) -> AppError {
    AppError::from(anyhow::Error::from(error))
}
