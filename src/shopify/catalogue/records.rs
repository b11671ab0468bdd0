//! What a pass has read becomes records: parts are joined, compared with what is stored, and replace it.
//!
//! Called only after everything was read. It works in small steps, so that no catalogue is held in memory and no delivery
//! waits behind it; a kill in between leaves objects of both passes, each of them whole, and the pass is made again.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::doubt;
use super::file;
use super::kinds::{GONE, PRODUCT};
use super::parts::{Texts, is_outdated, kind_of_part, node, part, updated_at};
use super::session::Reading;
use crate::shared::channel::reader::ReadError;
use crate::shared::journal::JournalError;
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::{Children, Edit, Record, Staging};
use crate::shopify::document;
use crate::shopify::names::{ITEM_GID, NAME};

/// How many ids are looked at in one step.
const STEP: usize = 100;

/// How many bytes of objects are joined in one step, give or take the last object.
const STEP_BYTES: usize = 512 * 1024;

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

/// Objects that are stored and that a pass did not bring, with their kind. Each may be there all the same.
pub type Missing = Vec<(&'static str, Vec<String>)>;

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
/// is stored. Gives back what it found, and what was missing: nothing is deleted.
///
/// # Errors
/// When an object cannot be understood, or the journal cannot be used.
pub async fn replace(
    reading: &Reading<'_>,
    staging: &Staging,
    kinds: &[&'static str],
    begun_ms: i64,
    told: &HashSet<String>,
    trust: &Trust,
) -> Result<(Found, Missing), ReadError> {
    let (shop, shared) = (reading.shop, &reading.shopify.shared);
    let journal = &shared.journal;
    let now_ms = shared.clock.now_ms();
    let unserved = Arc::new(reading.unserved());
    let (mut found, mut all_missing) = (Found::default(), Missing::new());
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
                let (new, is_short) = match new {
                    Joined::Unserved => continue,
                    Joined::Short(new) => (new, true),
                    Joined::Whole(new) => (new, false),
                };
                match stored {
                    Some((old, _)) if old == new && !is_short => found.unchanged += 1,
                    Some((old, at)) if is_outdated(&new, &old, at, now_ms) => found.unchanged += 1,
                    // Read since the pass began: only a newer time makes the other one newer.
                    Some((old, at)) if at > begun_ms && updated_at(&new) <= updated_at(&old) => found.unchanged += 1,
                    None if gone.contains(&id) => {}
                    stored => {
                        let old = stored.as_ref().map(|(old, _)| old.as_str());
                        let verdict = doubt::weigh(kind, is_short, &new, old);
                        if verdict != doubt::Verdict::Whole {
                            reading.doubt(id.clone());
                        }
                        if verdict.keeps_stored() || old == Some(&new) {
                            found.unchanged += 1;
                        } else {
                            count(&mut found, &id, told);
                            edits.push(Edit::Put(kind, Record { id, payload: new }));
                        }
                    }
                }
            }
            if !edits.is_empty() {
                journal.change_records(NAME, shop.as_str(), edits, file::SHOWN).await?;
            }
        }
        if trust.is_whole {
            let stored = journal.list_record_ids(NAME, shop.as_str(), kind).await?;
            let is_there = |id: &String| seen.contains(id) || unserved.contains(id) || trust.alive.contains(id);
            let missing = stored.into_iter().filter(|(id, at)| !is_there(id) && *at <= begun_ms).map(|(id, _)| id);
            all_missing.push((kind, missing.collect()));
        }
    }
    Ok((found, all_missing))
}

/// Deletes objects of a kind that are gone, except what was read since the pass began.
///
/// # Errors
/// When the journal cannot be used.
pub async fn delete(
    reading: &Reading<'_>,
    kind: &'static str,
    gone: Vec<String>,
    begun_ms: i64,
    told: &HashSet<String>,
    found: &mut Found,
) -> Result<(), ReadError> {
    if gone.is_empty() {
        return Ok(());
    }
    let (shop, journal) = (reading.shop, &reading.shopify.shared.journal);
    let stored = journal.list_record_ids(NAME, shop.as_str(), kind).await?;
    let old: HashSet<String> = stored.into_iter().filter(|(_, at)| *at <= begun_ms).map(|(id, _)| id).collect();
    let gone: Vec<String> = gone.into_iter().filter(|id| old.contains(id)).collect();
    for ids in gone.chunks(STEP) {
        ids.iter().for_each(|id| count(found, id, told));
        let edits = ids.iter().map(|id| Edit::Delete(kind, id.clone())).collect();
        journal.change_records(NAME, shop.as_str(), edits, file::SHOWN).await?;
    }
    Ok(())
}

/// Those of these kinds of which a pass has brought anything.
///
/// # Errors
/// When the set cannot be read.
pub async fn list_brought(staging: &Staging, kinds: &[&'static str]) -> Result<Vec<&'static str>, ReadError> {
    let mut brought = Vec::new();
    for &kind in kinds {
        let first = staging.list_ids(kind_of_part(kind), "", 1).await?;
        brought.extend((!first.is_empty()).then_some(kind));
    }
    Ok(brought)
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

/// What stands before a node that holds less than it says.
const SHORT: char = '~';

/// What became of an object's parts.
enum Joined {
    /// Its node.
    Whole(String),
    /// The same, where it holds less than it says.
    Short(String),
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
        let node = node(kind, id, raw, &texts)?;
        Ok(node.map(|node| if doubt::is_short(kind, raw, &node) { format!("{SHORT}{node}") } else { node }))
    };
    let joined = staging.join(kind_of_part(kind), ids, STEP_BYTES, make).await?;
    let read = |node: String| match node.strip_prefix(SHORT) {
        Some(short) => Joined::Short(short.to_owned()),
        None if node.is_empty() => Joined::Unserved,
        None => Joined::Whole(node),
    };
    Ok(joined.into_iter().map(|node| node.map(read)).collect())
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
