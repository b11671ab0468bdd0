//! What a pass has read becomes records: parts are joined, compared with what is stored, and replace it.
//!
//! Called only after everything was read. It works in small steps, so that no catalogue is held in memory and no delivery
//! waits behind it; a kill in between leaves objects of both passes, each of them whole, and the pass is made again.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::kinds::{COLLECTION, GONE, PRODUCT};
use super::session::{Raw, Reading};
use super::{file, single_objects};
use crate::shared::channel::reader::ReadError;
use crate::shared::journal::JournalError;
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::Object;
use crate::shared::store::{Children, Edit, Part, Record, Staging};
use crate::shopify::document;
use crate::shopify::names::{ITEM_GID, NAME};

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

/// How far a pass can be trusted with what it did not bring.
#[derive(Debug, Default)]
pub struct Trust {
    /// Whether the pass brought as much as the shop says that it has. Where it did not, nothing is deleted.
    pub is_whole: bool,
    /// Objects that are there, though the pass did not bring them.
    pub alive: HashSet<String>,
}

/// Replaces the records of these kinds by what was read. The pass began at `begun_ms`; what was changed here since then by
/// a single read is newer and stays. `told`: objects that a webhook has announced. What the shop could not show stays as it
/// is stored.
///
/// # Errors
/// When an object cannot be understood, the journal cannot be used, or the shop cannot be asked for what is missing.
pub async fn replace(
    reading: &Reading<'_>,
    staging: &Staging,
    kinds: &[&'static str],
    begun_ms: i64,
    told: &HashSet<String>,
    trust: &Trust,
) -> Result<Found, ReadError> {
    let (shop, shared) = (reading.shop, &reading.shopify.shared);
    let journal = &shared.journal;
    let now_ms = shared.clock.now_ms();
    let unserved = Arc::new(reading.unserved());
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
            let joined = join(staging, kind, ids.clone(), &unserved).await?;
            let ids: Vec<String> = ids.into_iter().take(joined.len()).collect();
            let stored = journal.find_records(NAME, shop.as_str(), kind, ids.clone()).await?;
            let mut edits = Vec::new();
            for ((id, new), stored) in ids.into_iter().zip(joined).zip(stored) {
                let new = new.ok_or(ApiError::Unreadable("an object has not the expected shape"))?;
                after.clone_from(&id);
                seen.insert(id.clone());
                let Joined::Whole(new) = new else { continue };
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
        if !trust.is_whole {
            continue;
        }
        let stored = journal.list_record_ids(NAME, shop.as_str(), kind).await?;
        let is_there = |id: &String| seen.contains(id) || unserved.contains(id) || trust.alive.contains(id);
        let missing = stored.into_iter().filter(|(id, at)| !is_there(id) && *at <= begun_ms).map(|(id, _)| id);
        let missing = match kind {
            PRODUCT => missing.collect(),
            // Of these the shop tells no number that the list could be compared with.
            _ => single_objects::find_gone(reading, kind, missing.collect()).await?,
        };
        for ids in missing.chunks(STEP) {
            ids.iter().for_each(|id| count(&mut found, id, told));
            let edits = ids.iter().map(|id| Edit::Delete(kind, id.clone())).collect();
            journal.change_records(NAME, shop.as_str(), edits, file::SHOWN).await?;
        }
    }
    Ok(found)
}

/// The ids of all objects of a kind that a pass has brought.
///
/// # Errors
/// When the set cannot be read.
pub async fn list_staged(staging: &Staging, kind: &str) -> Result<Vec<String>, ReadError> {
    Ok(staging.list_ids(kind_of_part(kind), "", usize::MAX).await?)
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

/// What became of an object's parts.
enum Joined {
    /// Its node.
    Whole(String),
    /// The shop could not show all of it.
    Unserved,
}

/// The nodes of the first of these objects, as many as one step takes. `None`: an object cannot be understood.
async fn join(
    staging: &Staging,
    kind: &'static str,
    ids: Vec<String>,
    unserved: &Arc<BTreeSet<String>>,
) -> Result<Vec<Option<Joined>>, ReadError> {
    let left_out = Arc::clone(unserved);
    let make = move |id: &str, raw: &str, children: &Children<'_>| {
        let texts =
            |parent: &str, kind: u8| Ok(children.of(parent, kind)?.into_iter().map(|(_, payload)| payload).collect());
        if !left_out.is_empty() && is_unserved(&left_out, kind, id, &texts)? {
            return Ok(Some(String::new()));
        }
        node(kind, id, raw, &texts)
    };
    let joined = staging.join(kind_of_part(kind), ids, STEP_BYTES, make).await?;
    let joined = joined
        .into_iter()
        .map(|node| node.map(|node| if node.is_empty() { Joined::Unserved } else { Joined::Whole(node) }));
    Ok(joined.collect())
}

/// Whether the shop could not show an object, or the stock of one of its variants.
fn is_unserved(unserved: &BTreeSet<String>, kind: &str, id: &str, children: &Texts<'_>) -> Result<bool, JournalError> {
    if unserved.contains(id) {
        return Ok(true);
    }
    if kind != PRODUCT || !unserved.iter().any(|id| id.starts_with(ITEM_GID)) {
        return Ok(false);
    }
    let variants: Vec<String> = children(id, part::VARIANT)?;
    Ok(variants.iter().filter_map(|raw| document::item_of_variant(raw)).any(|item| unserved.contains(&item)))
}
