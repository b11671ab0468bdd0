//! One bulk operation: starting it, finding one whose start was not heard of, and looking until it has ended.

use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::list::List;
use super::trouble::{Failed, Trouble};
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shopify::catalogue::session::{Access, Reading};
use crate::shopify::client::Query;

/// How often it is tried to start an operation while the shop says "too often", and how long is waited for it each time.
const MOST_TRIES: u32 = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(60);

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
            Err(ReadError::Api(ApiError::Refused { code })) => {
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
            code => Failed::Way(Trouble::NotStarted(list, code.unwrap_or("no code").to_owned())),
        });
    }
    let operation = outcome.bulk_operation.ok_or(ApiError::Unreadable("no bulk operation"))?;
    tracing::info!(shop = reading.shop.as_str(), list = list.what(), "a bulk operation was started");
    Ok(operation.id)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operations {
    bulk_operations: Newest,
}

#[derive(Deserialize)]
struct Newest {
    nodes: Vec<Known>,
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
    let operations: Operations = reading.ask(Query::BULK_OPERATIONS, json!({})).await?;
    let query = list.query(access);
    // Shopify tells whole seconds.
    let is_ours = |known: &Known| {
        let created = DateTime::parse_from_rfc3339(&known.created_at).ok();
        known.query.trim() == query.trim() && created.is_some_and(|created| created.timestamp() >= asked_ms / 1000)
    };
    Ok(operations.bulk_operations.nodes.into_iter().find(is_ours).map(|known| known.id))
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

/// Looks until the operation has ended, a few times.
///
/// # Errors
/// [`ReadError::NotYet`] where it is still at work; a [`Trouble`] where it will bring nothing.
pub async fn wait(reading: &Reading<'_>, list: List, id: &str, begun_ms: i64) -> Result<Ended, Failed> {
    let clock = &reading.shopify.shared.clock;
    for look in 1.. {
        let state: State = reading.ask(Query::BULK_STATE, json!({ "id": id })).await?;
        let Some(operation) = state.bulk_operation else {
            return Err(Failed::Way(Trouble::Gone(list)));
        };
        match operation.status.as_str() {
            "COMPLETED"
                if operation.url.is_none() && number(&operation.object_count).is_some_and(|count| count > 0) =>
            {
                return Err(Failed::Way(Trouble::Spoilt(list, "it counts objects and has no file")));
            }
            "COMPLETED" => {
                return Ok(Ended::With(LinesFile { url: operation.url, bytes: number(&operation.file_size) }));
            }
            "CREATED" | "RUNNING" | "CANCELING" => {}
            "FAILED" if operation.error_code.as_deref() == Some("ACCESS_DENIED") => return Ok(Ended::Denied),
            // What is there of a result in part is left alone: a list that may be incomplete replaces nothing.
            _ => return Err(Failed::Way(Trouble::Ended(list, operation.status, operation.error_code))),
        }
        let done = number(&operation.object_count).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        reading.report(list.what(), done, None);
        let elapsed_ms = clock.now_ms() - begun_ms;
        let pause_ms = (elapsed_ms / 10).clamp(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS);
        let pause = Duration::from_millis(pause_ms.unsigned_abs());
        if look >= LOOKS || pause_ms > SHORTEST_PAUSE_MS {
            return Err(Failed::Read(ReadError::NotYet { again_in: pause }));
        }
        clock.sleep(pause).await;
    }
    Err(Failed::Way(Trouble::Endless))
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
