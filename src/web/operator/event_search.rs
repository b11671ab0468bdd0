//! Which events an operator asks for, and what is found: the page and the API understand the same questions, and find the same.

use serde::Deserialize;

use super::follow;
use super::state::Operator;
use crate::shared::server::error::AppError;
use crate::shared::store::{EventFilter, EventOutcome, EventPage, EventStatus, LARGEST_PAGE, NamedAccount};
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

    /// Whether one message or delivery was asked for, and no page of the log.
    pub(super) fn is_by_id(&self) -> bool {
        text(&self.id).is_some()
    }

    /// What is there: with `id` the message or delivery, in whichever account it is; else a page of the log.
    ///
    /// # Errors
    /// 400 with what cannot be understood; anything else when the journal cannot be read.
    pub(super) async fn find(&self, operator: &Operator) -> Result<Found, AppError> {
        if let Some(id) = text(&self.id) {
            return Ok(Found { events: follow::find(operator, &id).await?, next: None, refused: None });
        }
        let filter = self.filter(operator.shared.clock.now_ms())?;
        let refused = self.wants_refused(&filter).then(|| refused(operator, &filter));
        if self.is_refused() {
            return Ok(Found { events: Vec::new(), next: None, refused });
        }
        let EventPage { events, next } = operator.shared.journal.list_event_log(filter).await?;
        Ok(Found { events, next, refused })
    }

    /// Nothing is known of refused deliveries but where they came, and when. They have no place among numbers: they come with
    /// the first page.
    fn wants_refused(&self, filter: &EventFilter) -> bool {
        let is_first = filter.before.is_none() && filter.account.is_none() && filter.person.is_none();
        is_first && filter.kind.is_none() && (self.is_refused() || filter.outcome.is_none())
    }

    fn filter(&self, now_ms: i64) -> Result<EventFilter, AppError> {
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
        if let Some(NamedAccount { channel: Some(of), id }) = account.as_deref().map(NamedAccount::from) {
            (channel, account) = (Some(of), Some(id));
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

/// What a question finds.
pub(super) struct Found {
    /// Events, newest first.
    pub(super) events: Vec<EventStatus>,
    /// What `before` is for those behind them; `None`: there are no more.
    pub(super) next: Option<i64>,
    /// Deliveries that were refused; `None`: the question is not about them.
    pub(super) refused: Option<Vec<RefusedDelivery>>,
}

fn refused(operator: &Operator, filter: &EventFilter) -> Vec<RefusedDelivery> {
    let mut all = operator.shared.refused.list();
    all.retain(|one| {
        filter.channel.as_deref().is_none_or(|channel| channel == one.channel)
            && filter.since_ms.is_none_or(|since| one.last_at >= since)
            && filter.until_ms.is_none_or(|until| one.first_at < until)
    });
    all
}

fn text(value: &Option<String>) -> Option<String> {
    value.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}
