//! The daily look at what no webhook told: what changed since the last one, what is new, what is gone.
//!
//! Products are asked for by the time of their change, with an overlap; their number tells whether any is gone, and only
//! then all ids are compared. Lists of collections and discounts are short enough to be read whole, and what belongs to
//! them is read where they changed. Once a week, and on doubt, everything is read: stock that moved without its product, and
//! collections whose products come and go by rule, show themselves only then.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::doubt;
use super::kinds::{COLLECTION, DISCOUNT, GONE, PRODUCT, READ};
use super::parts;
use super::records::Found;
use super::session::{Pages, Raw, Reading, Walk, cannot_serve, id_of};
use super::{by_pages, file, single_objects};
use crate::shared::channel::reader::ReadError;
use crate::shared::languages::say;
use crate::shared::store::{Edit, Record};
use crate::shopify::client::Query;
use crate::shopify::document;
use crate::shopify::names::NAME;
use crate::shopify::payload::ShopDomain;
use crate::shopify::state::Shopify;

/// What changed shortly before the last look began is asked for again: the platform's lists are not exact to the second.
const OVERLAP_MS: i64 = 10 * 60 * 1000;

/// After this everything is read: a week, less the time by which polls come at different moments.
const WHOLE_AFTER_MS: i64 = 7 * 24 * 60 * 60 * 1000 - 60 * 60 * 1000;

/// How long ago a pass over everything may be for a login to be content with what has changed since.
const LATELY_MS: i64 = 24 * 60 * 60 * 1000;

/// When more products than this have changed, everything is read.
const MANY: usize = 50;

/// Up to when a shop is known, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When the last whole pass began.
    pub whole_at: i64,
    /// When the last look began that left nothing out.
    pub until: i64,
}

impl Mark {
    /// Whether everything is to be read.
    #[must_use]
    pub fn is_old(self, now_ms: i64) -> bool {
        now_ms - self.whole_at >= WHOLE_AFTER_MS || self.whole_at > now_ms || self.until > now_ms
    }
}

/// Up to when the shop is known; `None` before its first pass.
///
/// # Errors
/// When the journal cannot be read.
pub async fn find_mark(reading: &Reading<'_>) -> Result<Option<Mark>, ReadError> {
    let journal = &reading.shopify.shared.journal;
    let kept = journal.find_account_cursor(NAME, reading.shop.as_str(), READ).await?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Whether a shop was read to its end within the last day.
///
/// # Errors
/// When the journal cannot be read.
pub async fn was_read_lately(shopify: &Shopify, shop: &ShopDomain) -> Result<bool, ReadError> {
    let reading = Reading::new(shopify, shop);
    let now_ms = shopify.shared.clock.now_ms();
    Ok(find_mark(&reading).await?.is_some_and(|mark| (0..LATELY_MS).contains(&(now_ms - mark.whole_at))))
}

/// Keeps up to when the shop is known.
///
/// # Errors
/// When the journal cannot be written.
pub async fn save_mark(reading: &Reading<'_>, mark: Mark) -> Result<(), ReadError> {
    let kept = serde_json::to_string(&mark).map_err(anyhow::Error::from)?;
    Ok(reading.shopify.shared.journal.save_account_cursor(NAME, reading.shop.as_str(), READ, Some(kept)).await?)
}

/// Reads what changed since then, and the file with it. `None`: so much, or so odd, that everything should be read.
///
/// # Errors
/// When a list cannot be read to its end; then nothing is replaced.
pub async fn read_changes(
    reading: &Reading<'_>,
    mark: Mark,
    told: &HashSet<String>,
) -> Result<Option<Found>, ReadError> {
    let begun_ms = reading.shopify.shared.clock.now_ms();
    let mut found = Found::default();
    let Some(products) = changed_products(reading, mark.until - OVERLAP_MS, &mut found).await? else { return Ok(None) };
    let single_objects::Read { mut edits, outcomes, .. } = single_objects::read_all(reading, &products).await?;
    // All or nothing, because what failed would not be asked for again; but for what the shop cannot show.
    for (id, outcome) in products.iter().zip(outcomes) {
        match outcome {
            Err(error) if cannot_serve(&error) || single_objects::is_short(&error) => {
                reading.pass_over(id.clone(), error)?;
            }
            outcome => outcome?,
        }
    }
    edits.extend(changed_collections(reading, &mut found).await?);
    edits.extend(changed_discounts(reading, &mut found).await?);
    edits.extend(single_objects::read_doubted(reading).await?);
    for change in file::change(reading.shopify, reading.shop, edits).await? {
        match change.kind {
            GONE => {}
            _ if told.contains(&change.id) => found.told += 1,
            _ => found.recovered += 1,
        }
    }
    save_mark(reading, Mark { until: begun_ms, ..mark }).await?;
    Ok(Some(found))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    updated_at: String,
}

/// The products that are not as they are stored, those that are gone included. `None`: too many.
async fn changed_products(
    reading: &Reading<'_>,
    since_ms: i64,
    found: &mut Found,
) -> Result<Option<Vec<String>>, ReadError> {
    let journal = &reading.shopify.shared.journal;
    let filter = filter("updated_at", since_ms);
    let listed = list(reading, Some(filter.clone())).await?;
    // A list that was cut short would leave out changes for which nobody would look again.
    let counted = reading.count_found(Some(&filter)).await?;
    if counted.is_some_and(|counted| counted.count > i64::try_from(listed.len()).unwrap_or(i64::MAX)) {
        return Ok(None);
    }
    let ids: Vec<String> = listed.keys().cloned().collect();
    let stored = journal.find_records(NAME, reading.shop.as_str(), PRODUCT, ids.clone()).await?;
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut new = 0;
    for (id, stored) in ids.into_iter().zip(stored) {
        let is_known = stored.as_ref().is_some_and(|(node, _)| {
            let changed = DateTime::parse_from_rfc3339(&listed[&id]).ok().map(|time| time.timestamp_millis());
            changed.is_some() && changed == parts::updated_at(node)
        });
        new += usize::from(stored.is_none());
        if is_known {
            found.unchanged += 1;
        } else {
            wanted.insert(id);
        }
    }
    if wanted.len() > MANY {
        return Ok(None);
    }
    // With what is new, the stored ids hold all that the shop has. So if they are as many, they are the same. A shop that does
    // not say how many it has is asked for all.
    let known = journal.list_record_ids(NAME, reading.shop.as_str(), PRODUCT).await?;
    if !reading.count_products().await?.is_some_and(|count| count.agrees(known.len() + new)) {
        let Some(all) = list_all(reading).await? else { return Ok(None) };
        let known: HashSet<String> = known.into_iter().map(|(id, _)| id).collect();
        wanted.extend(known.iter().filter(|id| !all.contains(*id)).cloned());
        wanted.extend(all.into_iter().filter(|id| !known.contains(id)));
    }
    Ok((wanted.len() <= MANY).then(|| wanted.into_iter().collect()))
}

/// The products that were made since then.
///
/// # Errors
/// When the list cannot be read to its end.
pub async fn list_new(reading: &Reading<'_>, since_ms: i64) -> Result<HashSet<String>, ReadError> {
    Ok(list(reading, Some(filter("created_at", since_ms))).await?.into_keys().collect())
}

fn filter(field: &str, since_ms: i64) -> String {
    let since = DateTime::<Utc>::from_timestamp_millis(since_ms).unwrap_or_default();
    format!("{field}:>='{}'", since.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The ids of all products. `None`: they are not as many as the shop says that it has, where it says so.
///
/// # Errors
/// When the list cannot be read to its end.
pub async fn list_all(reading: &Reading<'_>) -> Result<Option<HashSet<String>>, ReadError> {
    let all: HashSet<String> = list(reading, None).await?.into_keys().collect();
    let count = reading.count_products().await?;
    Ok(count.is_none_or(|count| count.agrees(all.len())).then_some(all))
}

/// Ids of products, and when each was changed.
async fn list(reading: &Reading<'_>, filter: Option<String>) -> Result<HashMap<String, String>, ReadError> {
    let mut all = HashMap::new();
    let mut pages = Pages::new();
    while let Some(after) = pages.next()? {
        let variables = json!({ "after": after, "filter": filter });
        let page = reading.ask_root::<Listed>(Query::PRODUCT_IDS, variables, "products").await?;
        all.extend(pages.take(page)?.into_iter().map(|listed| (listed.id, listed.updated_at)));
        reading.report(say::what_changed_products(), all.len(), None);
    }
    Ok(all)
}

async fn changed_collections(reading: &Reading<'_>, found: &mut Found) -> Result<Vec<Edit>, ReadError> {
    let mut stored = stored(reading, COLLECTION).await?;
    let mut edits = Vec::new();
    let mut walk = Walk::new(reading, Query::COLLECTION_PAGE, Query::COLLECTION_IDS, "collections");
    while let Some(page) = walk.next(|after| json!({ "after": after }), id_of).await? {
        for raw in page {
            let id = id_of(raw.get())?;
            let old = stored.remove(&id);
            if old.as_ref().is_some_and(|old| document::is_same_collection(old, raw.get())) {
                found.unchanged += 1;
                continue;
            }
            let mut parts = Vec::new();
            match by_pages::add_members(reading, &id, &mut parts).await {
                Ok(true) => {
                    let payload = single_objects::node_of(COLLECTION, &id, &raw, &parts)?;
                    edits.extend(believed(reading, COLLECTION, &raw, Record { id, payload }, old));
                }
                Ok(false) => edits.push(Edit::Delete(COLLECTION, id)),
                Err(error) if cannot_serve(&error) => reading.pass_over(id, error)?,
                Err(error) => return Err(error),
            }
        }
    }
    edits.extend(gone(reading, COLLECTION, stored).await?);
    Ok(edits)
}

async fn changed_discounts(reading: &Reading<'_>, found: &mut Found) -> Result<Vec<Edit>, ReadError> {
    let mut stored = stored(reading, DISCOUNT).await?;
    let mut edits = Vec::new();
    let mut walk = Walk::new(reading, Query::DISCOUNT_PAGE, Query::DISCOUNT_IDS, "discountNodes");
    while let Some(page) = by_pages::next_discounts(reading, &mut walk).await? {
        let by_pages::Page::Of(page) = page else { return Ok(Vec::new()) };
        for raw in page {
            let id = id_of(raw.get())?;
            let old = stored.remove(&id);
            if old.as_ref().is_some_and(|old| document::is_same_discount(old, raw.get())) {
                found.unchanged += 1;
                continue;
            }
            let mut parts = Vec::new();
            match by_pages::add_discount(reading, &raw, &mut parts).await {
                Ok(()) => {
                    let payload = single_objects::node_of(DISCOUNT, &id, &raw, &parts)?;
                    edits.extend(believed(reading, DISCOUNT, &raw, Record { id, payload }, old));
                }
                Err(error) if cannot_serve(&error) => reading.pass_over(id, error)?,
                Err(error) => return Err(error),
            }
        }
    }
    edits.extend(gone(reading, DISCOUNT, stored).await?);
    Ok(edits)
}

/// What becomes of an object that was read. `None`: it is to be asked for once more.
fn believed(reading: &Reading<'_>, kind: &'static str, raw: &Raw, new: Record, old: Option<String>) -> Option<Edit> {
    let is_short = doubt::is_short(kind, raw.get(), &new.payload);
    match doubt::weigh(kind, is_short, &new.payload, old.as_deref()) {
        doubt::Verdict::Whole => Some(Edit::Put(kind, new)),
        _ => {
            reading.doubt(new.id);
            None
        }
    }
}

/// The deletions of what a list did not bring. A list that was cut short brings less than there is, so each of them is asked
/// for by its id, and what the shop cannot show was passed over and is there.
async fn gone(
    reading: &Reading<'_>,
    kind: &'static str,
    missing: HashMap<String, String>,
) -> Result<Vec<Edit>, ReadError> {
    let unserved = reading.unserved();
    let missing: Vec<String> = missing.into_keys().filter(|id| !unserved.contains(id)).collect();
    let gone = single_objects::find_gone(reading, kind, missing).await?;
    Ok(gone.into_iter().map(|id| Edit::Delete(kind, id)).collect())
}

async fn stored(reading: &Reading<'_>, kind: &'static str) -> Result<HashMap<String, String>, ReadError> {
    let records = reading.shopify.shared.journal.list_records(NAME, reading.shop.as_str(), kind).await?;
    Ok(records.into_iter().map(|record| (record.id, record.payload)).collect())
}
