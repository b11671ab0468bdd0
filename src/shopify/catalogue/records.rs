//! What a pass has read becomes records: parts are joined, compared with what is stored, and replace it.
//!
//! Called only after everything was read. It works in small steps, so that no catalogue is held in memory and no delivery
//! waits behind it; a kill in between leaves objects of both passes, each of them whole, and the pass is made again.

use std::collections::HashSet;

use super::file;
use super::kinds::{COLLECTION, GONE, PRODUCT};
use super::session::Raw;
use crate::shared::channel::reader::ReadError;
use crate::shared::journal::JournalError;
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::Object;
use crate::shared::store::{Children, Edit, Part, Record, Staging};
use crate::shopify::document;
use crate::shopify::names::NAME;
use crate::shopify::payload::ShopDomain;
use crate::shopify::state::Shopify;

/// Kinds of parts: what belongs to a product names the product or the inventory item as its parent.
pub mod part {
    /// A product without its lists.
    pub const PRODUCT: u8 = 0;
    /// A metafield of a product.
    pub const METAFIELD: u8 = 1;
    /// A variant of a product.
    pub const VARIANT: u8 = 2;
    /// An inventory item; what matters of it stands in its variant.
    pub const ITEM: u8 = 3;
    /// A level of an inventory item.
    pub const LEVEL: u8 = 4;
    /// A collection without its products.
    pub const COLLECTION: u8 = 5;
    /// A product of a collection.
    pub const MEMBER: u8 = 6;
    /// A discount without its codes.
    pub const DISCOUNT: u8 = 7;
    /// A code of a discount.
    pub const CODE: u8 = 8;
}

/// How many ids are looked at in one step.
const STEP: usize = 100;

/// How many bytes of objects are joined in one step, give or take the last object.
const STEP_BYTES: usize = 512 * 1024;

/// How far behind a platform's copy may be.
const LONGEST_LAG_MS: i64 = 60 * 60 * 1000;

/// What a pass found, in objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// As they were stored.
    pub unchanged: i64,
    /// New, changed or gone, without a word from a webhook.
    pub recovered: i64,
    /// New, changed or gone, and a webhook had said so.
    pub told: i64,
}

/// A part of an object. Variants stand by their position, everything else by its id: bulk files promise no order.
#[must_use]
pub fn part(kind: u8, id: String, parent: &str, raw: &Raw) -> Part {
    let position = match kind {
        part::VARIANT => Object::parse(raw.get()).and_then(|object| object.integer("position")),
        _ => None,
    };
    part_at(kind, id, parent.to_owned(), position, raw.get())
}

/// As [`part()`], of an object whose position was looked up.
#[must_use]
pub fn part_at(kind: u8, id: String, parent: String, position: Option<i64>, text: &str) -> Part {
    let place = match kind {
        part::VARIANT => position.unwrap_or(i64::MAX),
        _ => 0,
    };
    Part { kind, id, parent, place, payload: text.to_owned() }
}

/// Replaces the records of these kinds by what was read. The pass began at `begun_ms`; what was changed here since then by
/// a single read is newer and stays. `told`: objects that a webhook has announced.
///
/// # Errors
/// When an object cannot be understood or the journal cannot be used.
pub async fn replace(
    shopify: &Shopify,
    shop: &ShopDomain,
    staging: &Staging,
    kinds: &[&'static str],
    begun_ms: i64,
    told: &HashSet<String>,
) -> Result<Found, ReadError> {
    let journal = &shopify.shared.journal;
    let now_ms = shopify.shared.clock.now_ms();
    let mut found = Found::default();
    let gone: HashSet<String> = journal
        .list_record_ids(NAME, shop.as_str(), GONE)
        .await?
        .into_iter()
        .filter(|(_, at)| *at >= begun_ms)
        .map(|(id, _)| id)
        .collect();
    for &kind in kinds {
        let mut seen: HashSet<String> = HashSet::new();
        let mut after = String::new();
        loop {
            let ids = staging.list_ids(kind_of_part(kind), &after, STEP).await?;
            if ids.is_empty() {
                break;
            }
            let joined = join(staging, kind, ids.clone()).await?;
            let ids: Vec<String> = ids.into_iter().take(joined.len()).collect();
            let stored = journal.find_records(NAME, shop.as_str(), kind, ids.clone()).await?;
            let mut edits = Vec::new();
            for ((id, new), stored) in ids.into_iter().zip(joined).zip(stored) {
                let new = new.ok_or(ApiError::Unreadable("an object has not the expected shape"))?;
                after.clone_from(&id);
                seen.insert(id.clone());
                match stored {
                    Some((old, _)) if old == new => found.unchanged += 1,
                    Some((old, at)) if is_outdated(&new, &old, at, now_ms) => found.unchanged += 1,
                    // Read since the pass began: only a newer time makes the other one newer.
                    Some((old, at)) if at > begun_ms && updated_at(&new) <= updated_at(&old) => found.unchanged += 1,
                    None if gone.contains(&id) => {}
                    _ => {
                        count(&mut found, &id, told);
                        edits.push(Edit::Put(kind, Record { id, payload: new }));
                    }
                }
            }
            if !edits.is_empty() {
                journal.change_records(NAME, shop.as_str(), edits, file::SHOWN).await?;
            }
        }
        let stored = journal.list_record_ids(NAME, shop.as_str(), kind).await?;
        let missing: Vec<String> =
            stored.into_iter().filter(|(id, at)| !seen.contains(id) && *at <= begun_ms).map(|(id, _)| id).collect();
        for ids in missing.chunks(STEP) {
            ids.iter().for_each(|id| count(&mut found, id, told));
            let edits = ids.iter().map(|id| Edit::Delete(kind, id.clone())).collect();
            journal.change_records(NAME, shop.as_str(), edits, file::SHOWN).await?;
        }
    }
    Ok(found)
}

fn count(found: &mut Found, id: &str, told: &HashSet<String>) {
    if told.contains(id) {
        found.told += 1;
    } else {
        found.recovered += 1;
    }
}

/// Whether an object that was read is older than the one that is stored since `at_ms`: platforms answer from copies that
/// lag behind. What still shows an older time after an hour is right all the same.
#[must_use]
pub fn is_outdated(new: &str, old: &str, at_ms: i64, now_ms: i64) -> bool {
    match (updated_at(new), updated_at(old)) {
        (Some(new), Some(old)) => new < old && now_ms - at_ms < LONGEST_LAG_MS,
        _ => false,
    }
}

/// As [`is_outdated`], where the stored object was deleted at `at_ms`: what shows it unchanged is as old.
#[must_use]
pub fn is_of_the_dead(new: &str, old: &str, at_ms: i64, now_ms: i64) -> bool {
    match (updated_at(new), updated_at(old)) {
        (Some(new), Some(old)) => new <= old && now_ms - at_ms < LONGEST_LAG_MS,
        _ => false,
    }
}

/// When the platform last changed an object, in milliseconds since 1970.
#[must_use]
pub fn updated_at(node: &str) -> Option<i64> {
    let object = Object::parse(node)?;
    let object = object.object("codeDiscount").or_else(|| object.object("automaticDiscount")).unwrap_or(object);
    let time = chrono::DateTime::parse_from_rfc3339(&object.text("updatedAt")?).ok()?;
    Some(time.timestamp_millis())
}

fn kind_of_part(kind: &str) -> u8 {
    match kind {
        PRODUCT => part::PRODUCT,
        COLLECTION => part::COLLECTION,
        _ => part::DISCOUNT,
    }
}

/// What belongs to an object: the texts of one kind of parts, in their order.
pub type Texts<'a> = dyn Fn(&str, u8) -> Result<Vec<String>, JournalError> + 'a;

/// An object's node with everything below it. `None`: it cannot be understood.
///
/// # Errors
/// What `children` returns.
pub fn node(kind: &str, id: &str, raw: &str, children: &Texts<'_>) -> Result<Option<String>, JournalError> {
    Ok(match kind {
        PRODUCT => {
            let mut variants = Vec::new();
            for raw in children(id, part::VARIANT)? {
                let levels = match document::item_of_variant(&raw) {
                    Some(item) => children(&item, part::LEVEL)?,
                    None => Vec::new(),
                };
                variants.push(document::variant(&raw, levels));
            }
            let metafields = children(id, part::METAFIELD)?;
            variants.into_iter().collect::<Option<_>>().and_then(|all| document::product(raw, metafields, all))
        }
        COLLECTION => document::collection(raw, children(id, part::MEMBER)?),
        _ => document::discount(raw, children(id, part::CODE)?),
    })
}

/// The nodes of the first of these objects, as many as one step takes. `None`: an object cannot be understood.
async fn join(staging: &Staging, kind: &'static str, ids: Vec<String>) -> Result<Vec<Option<String>>, ReadError> {
    let make = move |id: &str, raw: &str, children: &Children<'_>| {
        let texts =
            |parent: &str, kind: u8| Ok(children.of(parent, kind)?.into_iter().map(|(_, payload)| payload).collect());
        node(kind, id, raw, &texts)
    };
    Ok(staging.join(kind_of_part(kind), ids, STEP_BYTES, make).await?)
}
