//! A whole pass by bulk operations: Shopify runs a query to its end and leaves a file of JSON lines, a line for each object.
//!
//! For shops in which pages would take too long. Operations run one after the other; their ids are kept, so a kill costs
//! nothing but the download. Lines come in any order: children name their parent. What cannot be had or understood is told
//! to the caller, who goes by pages instead.
//!
//! Source: <https://shopify.dev/docs/api/usage/bulk-operations/queries> (2026).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::assemble::{self, COLLECTION, DISCOUNT, GONE, PRODUCT, part};
use super::client::Query;
use super::reading::{Access, Reading};
use super::{NAME, Shopify};
use crate::shared::ReadError;
use crate::shared::api::ApiError;
use crate::shared::journal::{Part, Staging};
use crate::shared::raw_json::Object;

/// The cursor of a pass that is under way.
const UNDER_WAY: &str = "bulk";

/// The cursor that says until when a shop is read by pages, because its bulk operations fail (milliseconds since 1970).
const AVOIDED: &str = "bulk avoided";

/// How long a shop is read by pages after a bulk operation failed.
const AVOID_MS: i64 = 24 * 60 * 60 * 1000;

/// How often one look at an operation follows another before others go first.
const LOOKS: u32 = 5;

/// The pause between two looks: a tenth of the time that the pass has taken, within these limits.
const SHORTEST_PAUSE_MS: i64 = 1_000;
const LONGEST_PAUSE_MS: i64 = 60_000;

/// What has not ended by then is given up. Shopify itself ends operations after ten days.
const LONGEST_PASS_MS: i64 = 6 * 60 * 60 * 1000;

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// The longest line, in bytes: one object without its lists.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// How many lines are staged at once.
const LINES: usize = 1_000;

/// A pass that is under way, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pass {
    begun_ms: i64,
    kinds: Vec<String>,
    operations: Vec<Operation>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Operation {
    list: List,
    id: String,
}

/// What one operation brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum List {
    Products,
    Stock,
    Discounts,
    Collections,
}

/// How an attempt to read by bulk operations came out.
pub enum Outcome {
    /// Everything of these kinds is staged. The pass began at this time.
    Staged(Vec<&'static str>, i64),
    /// It does not go this way; the shop is to be read by pages. The sentence says why.
    NotThisWay(String),
}

/// Why an operation brought nothing.
enum Failed {
    /// It does not go this way.
    Way(String),
    /// Something that will pass, or concerns more than this operation.
    Read(ReadError),
}

impl<E: Into<ReadError>> From<E> for Failed {
    fn from(error: E) -> Self {
        match error.into() {
            ReadError::Api(ApiError::Unreadable(what)) => Self::Way(what.to_owned()),
            ReadError::Api(ApiError::Refused { code }) => Self::Way(format!("refused with code {code}")),
            error => Self::Read(error),
        }
    }
}

impl List {
    fn of(kinds: &[&'static str], access: Access) -> Vec<Self> {
        let mut lists = Vec::new();
        for &kind in kinds {
            match kind {
                PRODUCT => {
                    lists.push(Self::Products);
                    lists.extend(access.stock.then_some(Self::Stock));
                }
                DISCOUNT => lists.push(Self::Discounts),
                _ => lists.push(Self::Collections),
            }
        }
        lists
    }

    /// The query. A bulk query takes no variables, so what may not be asked for is taken out of its text.
    fn query(self, access: Access) -> String {
        let text = match self {
            Self::Products => include_str!("queries/bulk_products.graphql"),
            Self::Stock => include_str!("queries/bulk_stock.graphql"),
            Self::Discounts => include_str!("queries/bulk_discounts.graphql"),
            Self::Collections => include_str!("queries/bulk_collections.graphql"),
        };
        let mut text = text.to_owned();
        if !access.stock {
            text = text.replace("inventoryItem { id tracked }", "");
        }
        if !access.locations {
            text = text.replace("location { id name }", "location { id }");
        }
        text
    }

    fn what(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Stock => "stock",
            Self::Discounts => "discounts",
            Self::Collections => "collections",
        }
    }

    /// What a line is, by its id and whether it has a parent.
    fn kind_of_part(self, id: &str, has_parent: bool) -> Option<u8> {
        match (self, has_parent) {
            (Self::Products, false) => Some(part::PRODUCT),
            (Self::Products, true) if id.contains("/ProductVariant/") => Some(part::VARIANT),
            (Self::Products, true) => id.contains("/Metafield/").then_some(part::METAFIELD),
            (Self::Stock, false) => Some(part::ITEM),
            (Self::Stock, true) => Some(part::LEVEL),
            (Self::Discounts, false) => Some(part::DISCOUNT),
            (Self::Discounts, true) => Some(part::CODE),
            (Self::Collections, false) => Some(part::COLLECTION),
            (Self::Collections, true) => Some(part::MEMBER),
        }
    }

    /// Children and the parents they must have.
    fn families(self) -> &'static [(u8, u8)] {
        match self {
            Self::Products => &[(part::VARIANT, part::PRODUCT), (part::METAFIELD, part::PRODUCT)],
            Self::Stock => &[(part::LEVEL, part::ITEM)],
            Self::Discounts => &[(part::CODE, part::DISCOUNT)],
            Self::Collections => &[(part::MEMBER, part::COLLECTION)],
        }
    }
}

/// Whether a pass is under way.
///
/// # Errors
/// When the journal cannot be read.
pub async fn is_under_way(reading: &Reading<'_>) -> Result<bool, ReadError> {
    let journal = &reading.shopify.shared.journal;
    Ok(journal.find_account_cursor(NAME, reading.shop.as_str(), UNDER_WAY).await?.is_some())
}

/// Whether the shop is large enough to be read this way, and nothing speaks against it.
///
/// # Errors
/// When the shop cannot be asked.
pub async fn is_wanted(reading: &Reading<'_>) -> Result<bool, ReadError> {
    let Shopify { shared, config, .. } = reading.shopify;
    let avoided = shared.journal.find_account_cursor(NAME, reading.shop.as_str(), AVOIDED).await?;
    if avoided.and_then(|until| until.parse::<i64>().ok()).is_some_and(|until| until > shared.clock.now_ms()) {
        return Ok(false);
    }
    match reading.count_products().await {
        Ok(count) => Ok(count > config.bulk_above),
        // Pages tell what is the matter.
        Err(ReadError::Api(ApiError::Refused { .. } | ApiError::Unreadable(_))) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Ends the pass that is under way. `failed`: for a while the shop is read by pages.
///
/// # Errors
/// When the journal cannot be written.
pub async fn end(reading: &Reading<'_>, failed: bool) -> Result<(), ReadError> {
    let shared = &reading.shopify.shared;
    let avoided = failed.then(|| (shared.clock.now_ms() + AVOID_MS).to_string());
    shared.journal.save_account_cursor(NAME, reading.shop.as_str(), AVOIDED, avoided).await?;
    shared.journal.replace_records(NAME, reading.shop.as_str(), GONE, Vec::new()).await?;
    Ok(shared.journal.save_account_cursor(NAME, reading.shop.as_str(), UNDER_WAY, None).await?)
}

/// Reads these kinds of records, or goes on with the pass that is under way.
///
/// # Errors
/// [`ReadError::NotYet`] while Shopify is at work; otherwise as any read.
pub async fn read(reading: &Reading<'_>, kinds: &[&'static str], staging: &Staging) -> Result<Outcome, ReadError> {
    match try_read(reading, kinds, staging).await {
        Ok((kinds, begun_ms)) => Ok(Outcome::Staged(kinds, begun_ms)),
        Err(Failed::Way(why)) => Ok(Outcome::NotThisWay(why)),
        Err(Failed::Read(error)) => Err(error),
    }
}

async fn try_read(
    reading: &Reading<'_>,
    wanted: &[&'static str],
    staging: &Staging,
) -> Result<(Vec<&'static str>, i64), Failed> {
    let shared = &reading.shopify.shared;
    let access = reading.access().await?;
    let kept = shared.journal.find_account_cursor(NAME, reading.shop.as_str(), UNDER_WAY).await?;
    let mut pass = kept.and_then(|text| serde_json::from_str::<Pass>(&text).ok()).unwrap_or_else(|| Pass {
        begun_ms: shared.clock.now_ms(),
        kinds: wanted.iter().map(|&kind| kind.to_owned()).collect(),
        operations: Vec::new(),
    });
    if shared.clock.now_ms() - pass.begun_ms > LONGEST_PASS_MS {
        return Err(Failed::Way("the bulk operations take too long".to_owned()));
    }
    let mut kinds: Vec<&'static str> =
        [PRODUCT, DISCOUNT, COLLECTION].into_iter().filter(|kind| pass.kinds.iter().any(|kept| kept == kind)).collect();
    let mut files = Vec::new();
    for list in List::of(&kinds, access) {
        let id = match pass.operations.iter().find(|operation| operation.list == list) {
            Some(operation) => operation.id.clone(),
            None => {
                let id = start(reading, list, access).await?;
                pass.operations.push(Operation { list, id: id.clone() });
                let kept = serde_json::to_string(&pass).map_err(anyhow::Error::from)?;
                shared.journal.save_account_cursor(NAME, reading.shop.as_str(), UNDER_WAY, Some(kept)).await?;
                id
            }
        };
        match wait(reading, list, &id, pass.begun_ms).await? {
            Ended::With(file) => files.push((list, file)),
            Ended::Denied if list == List::Discounts => {
                reading.deny(["read_discounts".to_owned()]);
                kinds.retain(|&kind| kind != DISCOUNT);
            }
            Ended::Denied => return Err(Failed::Way("a bulk operation was denied something".to_owned())),
        }
    }
    for (list, file) in &files {
        if let Some(url) = &file.url {
            download(reading, *list, url, file.bytes, staging).await?;
        }
    }
    staging.index().await?;
    for (list, _) in &files {
        for (child, parent) in list.families() {
            if staging.count_orphans(*child, *parent).await? > 0 {
                return Err(Failed::Way("an object without its parent".to_owned()));
            }
        }
    }
    Ok((kinds, pass.begun_ms))
}

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

async fn start(reading: &Reading<'_>, list: List, access: Access) -> Result<String, Failed> {
    let variables = json!({ "query": list.query(access) });
    let started: Started = reading.ask(Query::START_BULK, variables).await?;
    let outcome = started.bulk_operation_run_query.ok_or(ApiError::Unreadable("no bulk operation"))?;
    if let Some(error) = outcome.user_errors.first() {
        return Err(match error.code.as_deref() {
            // Others are at work in this shop, perhaps one of our own before a kill.
            Some("OPERATION_IN_PROGRESS" | "LIMIT_REACHED") => {
                Failed::Read(ReadError::NotYet { again_in: Duration::from_secs(60) })
            }
            code => Failed::Way(format!("a bulk operation was not started: {}", code.unwrap_or("no reason"))),
        });
    }
    let operation = outcome.bulk_operation.ok_or(ApiError::Unreadable("no bulk operation"))?;
    tracing::info!(shop = reading.shop.as_str(), list = list.what(), "a bulk operation was started");
    Ok(operation.id)
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
struct LinesFile {
    /// Absent where nothing matched.
    url: Option<String>,
    bytes: Option<u64>,
}

enum Ended {
    With(LinesFile),
    Denied,
}

/// Looks until the operation has ended, a few times.
async fn wait(reading: &Reading<'_>, list: List, id: &str, begun_ms: i64) -> Result<Ended, Failed> {
    let clock = &reading.shopify.shared.clock;
    for look in 1.. {
        let state: State = reading.ask(Query::BULK_STATE, json!({ "id": id })).await?;
        let Some(operation) = state.bulk_operation else {
            return Err(Failed::Way("the bulk operation is not known any more".to_owned()));
        };
        match operation.status.as_str() {
            "COMPLETED" => {
                return Ok(Ended::With(LinesFile { url: operation.url, bytes: number(&operation.file_size) }));
            }
            "CREATED" | "RUNNING" | "CANCELING" => {}
            "FAILED" if operation.error_code.as_deref() == Some("ACCESS_DENIED") => return Ok(Ended::Denied),
            // What is there of a result in part is left alone: a list that may be incomplete replaces nothing.
            status => {
                let code = operation.error_code.as_deref().unwrap_or("no code");
                return Err(Failed::Way(format!("the bulk operation ended as {status} ({code})")));
            }
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
    Err(Failed::Way("the bulk operation does not end".to_owned()))
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Reads a file line by line into the set.
async fn download(
    reading: &Reading<'_>,
    list: List,
    url: &str,
    bytes: Option<u64>,
    staging: &Staging,
) -> Result<(), Failed> {
    let url = Url::parse(url).map_err(|_| ApiError::Unreadable("a bulk file without an address"))?;
    let mut download = reading.shopify.client.open_bulk_file(url).await?;
    let mut lines = Lines { list, rest: Vec::new(), count: 0 };
    let (mut parts, mut received) = (Vec::new(), 0_u64);
    while let Some(chunk) = download.chunk().await? {
        received += chunk.len() as u64;
        if received > MAX_FILE_BYTES {
            return Err(Failed::Way("the bulk file is too large".to_owned()));
        }
        lines.take(&chunk, &mut parts)?;
        if parts.len() >= LINES {
            staging.add(std::mem::take(&mut parts)).await?;
            reading.report(list.what(), lines.count, None);
        }
    }
    lines.end(&mut parts)?;
    staging.add(parts).await?;
    // The last line may be whole by chance.
    if bytes.is_some_and(|bytes| received < bytes) {
        return Err(ApiError::Unreadable("the bulk file breaks off").into());
    }
    Ok(())
}

/// Cuts pieces of a file into lines.
struct Lines {
    list: List,
    rest: Vec<u8>,
    count: usize,
}

impl Lines {
    fn take(&mut self, mut piece: &[u8], parts: &mut Vec<Part>) -> Result<(), ApiError> {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            let (line, after) = piece.split_at(end);
            piece = &after[1..];
            if self.rest.is_empty() {
                self.line(line, parts)?;
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(line);
                self.line(&whole, parts)?;
            }
        }
        self.rest.extend_from_slice(piece);
        if self.rest.len() > MAX_LINE_BYTES {
            return Err(ApiError::Unreadable("a line of the bulk file is too long"));
        }
        Ok(())
    }

    /// The last line may come without its end.
    fn end(&mut self, parts: &mut Vec<Part>) -> Result<(), ApiError> {
        let rest = std::mem::take(&mut self.rest);
        self.line(&rest, parts)
    }

    fn line(&mut self, line: &[u8], parts: &mut Vec<Part>) -> Result<(), ApiError> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(line).map_err(|_| ApiError::Unreadable("a line of the bulk file is no text"))?;
        let object = Object::parse(text).ok_or(ApiError::Unreadable("a line of the bulk file is no JSON object"))?;
        let id = object.text("id").ok_or(ApiError::Unreadable("a line of the bulk file has no id"))?.into_owned();
        let parent = object.text("__parentId").map(std::borrow::Cow::into_owned).unwrap_or_default();
        let kind = self.list.kind_of_part(&id, !parent.is_empty());
        let kind = kind.ok_or(ApiError::Unreadable("a line of the bulk file of an unknown kind"))?;
        parts.push(assemble::part_at(kind, id, parent, object.integer("position"), text));
        self.count += 1;
        Ok(())
    }
}

/// The parts of a whole file that came in these pieces.
fn cut(list: List, pieces: &[&[u8]]) -> Result<Vec<Part>, ApiError> {
    let mut lines = Lines { list, rest: Vec::new(), count: 0 };
    let mut parts = Vec::new();
    for piece in pieces {
        lines.take(piece, &mut parts)?;
    }
    lines.end(&mut parts)?;
    Ok(parts)
}

/// For fuzzers: where pieces end makes no difference, every part knows its line, and what is joined of them is JSON.
pub(super) fn fuzz(bytes: &[u8]) {
    // Two places at which the file is cut, by its own bytes.
    let at = |number: usize| bytes.get(number).map_or(0, |byte| usize::from(*byte) * bytes.len() / 256);
    let (first, second) = (at(0).min(at(1)), at(0).max(at(1)));
    let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
    for list in [List::Products, List::Stock, List::Discounts, List::Collections] {
        let whole = cut(list, &[bytes]);
        let pieced = cut(list, &pieces);
        assert_eq!(whole.is_ok(), pieced.is_ok());
        let (Ok(parts), Ok(pieced)) = (whole, pieced) else { continue };
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        assert!(parts.iter().map(|part| part.payload.as_bytes()).eq(lines));
        let seen = |part: &Part| (part.kind, part.id.clone(), part.parent.clone(), part.place, part.payload.clone());
        assert!(parts.iter().map(seen).eq(pieced.iter().map(seen)));
        for (kind, of) in [(PRODUCT, part::PRODUCT), (COLLECTION, part::COLLECTION), (DISCOUNT, part::DISCOUNT)] {
            for one in parts.iter().filter(|part| part.kind == of) {
                let below = |parent: &str, kind: u8| {
                    let below = parts.iter().filter(|part| part.kind == kind && part.parent == parent);
                    Ok(below.map(|part| part.payload.clone()).collect())
                };
                if let Ok(Some(node)) = assemble::node(kind, &one.id, &one.payload, &below) {
                    assert!(serde_json::from_str::<&serde_json::value::RawValue>(&node).is_ok(), "{node}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_into_lines_wherever_its_pieces_end() {
        let file = concat!(
            r#"{"id":"gid://shopify/Product/1","title":"Tea \n \u2028"}"#,
            "\n",
            r#"{"id":"gid://shopify/ProductVariant/2","position":7,"__parentId":"gid://shopify/Product/1"}"#,
            "\n\n",
            r#"{"id":"gid://shopify/Metafield/3","__parentId":"gid://shopify/Product/1"}"#,
        )
        .as_bytes();
        for at in 0..file.len() {
            let (one, other) = file.split_at(at);
            let parts = cut(List::Products, &[one, other]).expect("a good file");
            let seen: Vec<_> = parts.iter().map(|part| (part.kind, &*part.parent, part.place)).collect();
            let parent = "gid://shopify/Product/1";
            assert_eq!(seen, [(part::PRODUCT, "", 0), (part::VARIANT, parent, 7), (part::METAFIELD, parent, 0)]);
        }
        for bad in ["{\"id\":\"gid://shopify/Product/1\"", "x", "[]", "{}", "{\"id\":1,\"__parentId\":2}", "\u{0}"] {
            assert!(cut(List::Products, &[bad.as_bytes()]).is_err(), "{bad}");
        }
        assert!(cut(List::Products, &[b"\"\xff\""]).is_err());
    }
}
