//! One bulk operation: starting it, finding one whose start was not heard of, looking whether it has ended, and giving it
//! up.

use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::list::List;
use super::trouble::{Failed, Trouble};
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shopify::catalogue::session::{Access, Pages, Reading};
use crate::shopify::client::{Connection, Query};
use crate::shopify::refusal;

/// How often it is tried to start an operation while the shop says "too often", and how long is waited for it each time.
const MOST_TRIES: u32 = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long an operation may wait for its beginning.
const LONGEST_CREATED_MS: i64 = 30 * 60_000;

/// How often one look at an operation follows another before others go first.
const LOOKS: u32 = 5;

/// The pause between two looks: a tenth of the time that the pass has taken, within these limits.
const SHORTEST_PAUSE_MS: i64 = 1_000;
const LONGEST_PAUSE_MS: i64 = 60_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    bulk_operation_run_query: Option<StartOutcome>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartOutcome {
    bulk_operation: Option<Identified>,
    #[serde(default)]
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

#[derive(Deserialize)]
struct UserError {
    #[serde(default)]
    code: Option<String>,
}

/// Starts an operation and gives back its id. Where the answer is lost it may have been started, so it is not asked
/// again.
pub async fn start(reading: &Reading<'_>, list: List, access: Access) -> Result<String, Failed> {
    let variables = json!({ "query": list.query(access) });
    let mut tries = 0;
    let started = loop {
        tries += 1;
        let variables = variables.clone();
        match reading.shopify.ask::<Started>(Patience::Once, reading.shop, Query::START_BULK, variables).await {
            // Too often is the one answer that says for sure that nothing was started.
            Err(ReadError::Api(ApiError::RateLimited { retry_after }))
                if tries < MOST_TRIES && retry_after <= LONGEST_WAIT =>
            {
                reading.shopify.shared.clock.sleep(retry_after).await;
            }
            Err(ReadError::Api(ApiError::Refused { code })) if refusal::is_of_the_query(&code) => {
                return Err(Failed::Way(Trouble::NotStarted(list, code)));
            }
            started => break started?.data,
        }
    };
    let outcome = started.bulk_operation_run_query.ok_or(ApiError::Unreadable("no bulk operation"))?;
    if let Some(error) = outcome.user_errors.first() {
        return Err(match error.code.as_deref() {
            // Others are at work in this shop, perhaps one of our own before a kill.
            Some("OPERATION_IN_PROGRESS" | "LIMIT_REACHED") => {
                Failed::Read(ReadError::NotYet { again_in: Duration::from_secs(60) })
            }
            code => Failed::Way(Trouble::NotStarted(list, code.map_or("no code", refusal::code_of).to_owned())),
        });
    }
    let operation = outcome.bulk_operation.ok_or(ApiError::Unreadable("no bulk operation"))?;
    tracing::info!(shop = reading.shop.as_str(), list = %list.what(), "a bulk operation was started");
    Ok(operation.id)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operations {
    bulk_operations: Connection<Known>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    id: String,
    query: String,
    created_at: String,
}

/// An operation that was asked for at this time, and of which no answer came: Shopify may have started it all the same.
///
/// # Errors
/// When the shop cannot be asked.
pub async fn find_lost(
    reading: &Reading<'_>,
    list: List,
    access: Access,
    asked_ms: i64,
) -> Result<Option<String>, ReadError> {
    let query = list.query(access);
    // Shopify tells whole seconds.
    let is_younger = |known: &Known| {
        let created = DateTime::parse_from_rfc3339(&known.created_at).ok();
        created.is_some_and(|created| created.timestamp() >= asked_ms / 1000)
    };
    let mut pages = Pages::new();
    while let Some(after) = pages.next()? {
        let operations: Operations = reading.ask(Query::BULK_OPERATIONS, json!({ "after": after })).await?;
        let page = pages.take(operations.bulk_operations)?;
        // The newest come first: behind an older one nothing is of interest.
        let is_over = !page.iter().all(is_younger);
        let ours = page.into_iter().find(|known| is_younger(known) && known.query.trim() == query.trim());
        if ours.is_some() || is_over {
            return Ok(ours.map(|known| known.id));
        }
    }
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    bulk_operation: Option<BulkOperation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BulkOperation {
    status: String,
    #[serde(default)]
    error_code: Option<String>,
    /// Numbers come as text.
    #[serde(default)]
    object_count: Value,
    #[serde(default)]
    file_size: Value,
    #[serde(default)]
    url: Option<String>,
}

/// What an operation has left behind.
pub struct LinesFile {
    /// Absent where nothing matched.
    pub url: Option<String>,
    /// How long the file is, where the shop says.
    pub bytes: Option<u64>,
}

/// How an operation has ended.
pub enum Ended {
    /// Well.
    With(LinesFile),
    /// A scope is missing for it.
    Denied,
}

/// Looks at an operation that was asked for at this time. `None`: it is still at work.
///
/// # Errors
/// A [`Trouble`] where it will bring nothing.
pub async fn look(reading: &Reading<'_>, list: List, id: &str, asked_ms: i64) -> Result<Option<Ended>, Failed> {
    let state: State = reading.ask(Query::BULK_STATE, json!({ "id": id })).await?;
    let Some(operation) = state.bulk_operation else {
        return Err(Failed::Way(Trouble::Gone(list)));
    };
    match operation.status.as_str() {
        "COMPLETED" if operation.url.is_none() && number(&operation.object_count).is_some_and(|count| count > 0) => {
            return Err(Failed::Way(Trouble::Spoilt(list, "it counts objects and has no file")));
        }
        "COMPLETED" => {
            let bytes = number(&operation.file_size);
            return Ok(Some(Ended::With(LinesFile { url: operation.url, bytes })));
        }
        "CREATED" if reading.shopify.shared.clock.now_ms() - asked_ms > LONGEST_CREATED_MS => {
            return Err(Failed::Way(Trouble::NotBegun(list)));
        }
        "CREATED" | "RUNNING" | "CANCELING" => {}
        "FAILED" if operation.error_code.as_deref() == Some("ACCESS_DENIED") => return Ok(Some(Ended::Denied)),
        // What is there of a result in part is left alone: a list that may be incomplete replaces nothing.
        _ => {
            let code = operation.error_code.map(|code| refusal::code_of(&code).to_owned());
            let status = refusal::code_of(&operation.status).to_owned();
            return Err(Failed::Way(Trouble::Ended(list, status, code)));
        }
    }
    let done = number(&operation.object_count).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    reading.report(list.what(), done, None);
    Ok(None)
}

/// The pause before the next look at a pass that began at this time.
pub fn pause(reading: &Reading<'_>, begun_ms: i64) -> Duration {
    let elapsed_ms = reading.shopify.shared.clock.now_ms() - begun_ms;
    Duration::from_millis((elapsed_ms / 10).clamp(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS).unsigned_abs())
}

/// Whether others shall go first: after some looks, or where the pause would be more than a moment.
pub fn is_long(pause: Duration, looks: u32) -> bool {
    looks >= LOOKS || pause > Duration::from_millis(SHORTEST_PAUSE_MS.unsigned_abs())
}

/// Ends an operation for whose result nobody waits any more. Where that fails, Shopify ends it by itself some day.
pub async fn cancel(reading: &Reading<'_>, list: List, id: &str) {
    match reading.ask::<Value>(Query::CANCEL_BULK, json!({ "id": id })).await {
        Ok(_) => tracing::info!(shop = reading.shop.as_str(), list = %list.what(), "a bulk operation was cancelled"),
        Err(error) => {
            tracing::warn!(%error, shop = reading.shop.as_str(), list = %list.what(), "a bulk operation could not be cancelled");
        }
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
