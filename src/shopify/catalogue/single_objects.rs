//! Single objects that an event names: a product, a collection, a discount, or the product of an inventory item.
//!
//! An event is only a reason to look. What is stored is what the API shows, so late, doubled and reordered events do no
//! harm, whatever their `X-Shopify-Triggered-At` says: it is no part of what is signed, and nothing is decided by it.
//!
//! What remains is that the API itself answers from copies that lag behind. An answer that is older than what is stored, or
//! brings back what was deleted, is asked for again later ([`guard`]). An answer that shows no change though an event told of
//! one is asked for once more, in a minute ([`Single::again`]): an event may be ahead of the copy that is asked.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;

use super::by_pages;
use super::by_pages::Levels;
use super::doubt;
use super::kinds::{COLLECTION, DISCOUNT, GONE, PRODUCT};
use super::parts;
use super::parts::part;
use super::session::{Access, Raw, Reading, at, cannot_serve, id_of};
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::{Object, elements};
use crate::shared::store::{Edit, Part, Record};
use crate::shared::telemetry::alerts::Cause;
use crate::shopify::client::{Asked, Query};
use crate::shopify::document;
use crate::shopify::names::{COLLECTION_GID, ITEM_GID, NAME, PRODUCT_GID};
use crate::shopify::read_request::{OwnRequest, Single};
use crate::shopify::refusal::DENIED;

/// What a request names is neither there nor known by this name: a reason to look at the whole list.
const UNKNOWN: ApiError = ApiError::Unreadable("an event about an unknown object");

/// What an object ends with that is alone, and holds less than it says all the same: it is asked for again later.
const SHORT: ApiError = ApiError::Unreadable("an object that holds less than it says");

/// Whether it says that an object holds less than it says.
#[must_use]
pub fn is_short(error: &ReadError) -> bool {
    matches!(error, ReadError::Api(error) if *error == SHORT)
}

/// Whether it says that an event named something that is neither there nor known.
#[must_use]
pub fn is_unknown(error: &ApiError) -> bool {
    *error == UNKNOWN
}

/// When it is asked for once more.
const AGAIN_AFTER_MS: i64 = 60_000;

/// When an object is asked for alone that a list did not bring, or could not show.
const LATER_MS: i64 = 5 * 60_000;

/// Whether reading all products answers a request for this object.
#[must_use]
pub fn is_of_products(id: &str) -> bool {
    id.starts_with(PRODUCT_GID) || id.starts_with(ITEM_GID)
}

/// The kind of record that an object is, or leads to.
#[must_use]
pub fn kind_of(id: &str) -> &'static str {
    if is_of_products(id) {
        PRODUCT
    } else if id.starts_with(COLLECTION_GID) {
        COLLECTION
    } else {
        DISCOUNT
    }
}

/// What single reads have found so far.
#[derive(Default)]
struct Found {
    edits: Vec<Edit>,
    /// Products with a new title (as JSON), or without one where they are gone: collections list them by title, and no
    /// event tells them.
    members: HashMap<String, Option<String>>,
    done: BTreeSet<String>,
    /// The objects among them that are as they were.
    unchanged: Vec<String>,
}

impl Found {
    /// An object is this.
    fn put(&mut self, kind: &'static str, id: &str, node: String, stored: Option<&(String, i64)>) {
        if stored.is_some_and(|(old, _)| *old == node) {
            self.unchanged.push(id.to_owned());
        }
        self.edits.push(Edit::Put(kind, Record { id: id.to_owned(), payload: node }));
    }
}

/// What single reads have brought.
pub struct Read {
    /// What follows for the records.
    pub edits: Vec<Edit>,
    /// How the requests came out: fewer than there are, where the rest would only hear the same.
    pub outcomes: Vec<Result<(), ReadError>>,
    /// The objects that showed no change.
    pub unchanged: Vec<String>,
}

/// Reads single objects, each once, however many requests lead to it.
///
/// # Errors
/// When the journal cannot be read.
pub async fn read_all(reading: &Reading<'_>, ids: &[String]) -> Result<Read, ReadError> {
    let mut found = Found::default();
    let mut outcomes = Vec::new();
    for id in ids {
        let outcome = read_one(reading, id, &mut found).await;
        let is_over =
            matches!(outcome, Err(ReadError::Api(ApiError::TokenRejected { .. } | ApiError::RateLimited { .. })));
        outcomes.push(outcome);
        if is_over {
            break;
        }
    }
    if !found.members.is_empty() {
        correct_collections(reading, &mut found).await?;
    }
    Ok(Read { edits: found.edits, outcomes, unchanged: found.unchanged })
}

/// Requests the objects once more that showed no change though an event told of one. `waiting`: what is requested
/// already.
///
/// # Errors
/// When the journal cannot be written.
pub async fn ask_once_more(
    reading: &Reading<'_>,
    asked: &[Single],
    unchanged: Vec<String>,
    waiting: &[Single],
) -> Result<(), ReadError> {
    let shared = &reading.shopify.shared;
    for id in unchanged {
        let again = Single { id, again: true };
        if !asked.contains(&again) && !waiting.contains(&again) {
            let due_at = shared.clock.now_ms() + AGAIN_AFTER_MS;
            let request = OwnRequest::Single(again);
            shared.journal.request_read(NAME, reading.shop.as_str(), request, due_at).await?;
        }
    }
    Ok(())
}

async fn read_one(reading: &Reading<'_>, object: &str, found: &mut Found) -> Result<(), ReadError> {
    let mut ids = vec![object.to_owned()];
    if object.starts_with(ITEM_GID) {
        ids = products_of_item(reading, object).await?;
    }
    for id in ids {
        if found.done.contains(&id) {
            continue;
        }
        match kind_of(&id) {
            PRODUCT => read_product(reading, &id, found).await?,
            COLLECTION => read_collection(reading, &id, found).await?,
            _ => read_discount(reading, &id, found).await?,
        }
        found.done.insert(id);
    }
    Ok(())
}

/// The products whose variants share an inventory item. None, where it is gone: their own events tell.
async fn products_of_item(reading: &Reading<'_>, item: &str) -> Result<Vec<String>, ReadError> {
    let ask = |after: Option<String>| (Query::PRODUCTS_OF_ITEM, json!({ "id": item, "after": after }));
    let (query, variables) = ask(None);
    let Some(found) = ask_object(reading, query, variables, "inventoryItem").await? else {
        return Ok(Vec::new());
    };
    let first = at(found.get(), &["variants"]).ok_or(ApiError::Unreadable("a list is missing"))?;
    let mut ids = BTreeSet::new();
    for variant in reading.rest(first, ask, &["inventoryItem", "variants"]).await? {
        ids.insert(id_of(at(variant.get(), &["product"]).unwrap_or_default())?);
    }
    Ok(ids.into_iter().collect())
}

/// One object by its id. `None`: the platform says that there is no such object (any more).
async fn ask_object(
    reading: &Reading<'_>,
    query: Query,
    variables: serde_json::Value,
    name: &str,
) -> Result<Option<Raw>, ReadError> {
    let asked = reading.ask_for_less_with_gaps::<BTreeMap<String, Option<Raw>>>(query, variables).await?;
    let Asked { mut data, denied } = asked;
    match data.remove(name) {
        Some(Some(found)) => Ok(Some(found)),
        // Null for want of a scope that was taken away since the login.
        Some(None) if !denied.is_empty() => Err(ApiError::Refused { code: DENIED.to_owned() }.into()),
        Some(None) => Ok(None),
        // No such member means that this is no answer to the question.
        None => Err(ApiError::Unreadable("an object that is missing").into()),
    }
}

/// How many objects that a list did not bring are asked for by their ids, one by one. Where more are missing, those behind
/// them wait for the next look.
const MOST_GONE: usize = 200;

/// The same of products: to ask whether one is there costs a point.
const MOST_PRODUCTS_GONE: usize = 5_000;

/// Those of these objects that the shop does not know by their ids any more. One that it knows, though its
/// list did not bring it, is requested alone.
///
/// # Errors
/// When the shop cannot be asked.
pub async fn find_gone(
    reading: &Reading<'_>,
    kind: &'static str,
    mut missing: Vec<String>,
) -> Result<Vec<String>, ReadError> {
    let shared = &reading.shopify.shared;
    missing.sort_unstable();
    let most = if kind == PRODUCT { MOST_PRODUCTS_GONE } else { MOST_GONE };
    if missing.len() > most {
        tracing::warn!(
            shop = reading.shop.as_str(),
            kind,
            missing = missing.len(),
            "a list brings much less than before"
        );
    }
    let mut gone = Vec::new();
    for id in missing.into_iter().take(most) {
        let (query, name) = match kind {
            PRODUCT => (Query::PRODUCT_EXISTS, "product"),
            COLLECTION => (Query::COLLECTION_BY_ID, "collection"),
            _ => (Query::DISCOUNT_BY_ID, "discountNode"),
        };
        match ask_object(reading, query, json!({ "id": id }), name).await {
            Ok(None) => gone.push(id),
            Ok(Some(_)) => {
                tracing::warn!(shop = reading.shop.as_str(), object = id, "a list lacks an object that is there");
                let due_at = shared.clock.now_ms() + LATER_MS;
                shared.journal.request_read(NAME, reading.shop.as_str(), OwnRequest::single(id), due_at).await?;
            }
            Err(error) if cannot_serve(&error) => reading.pass_over(id, error)?,
            Err(error) => return Err(error),
        }
    }
    Ok(gone)
}

/// Reads once more, alone, what a pass or poll has found in doubt. What stays in doubt is passed over: it is told, and
/// asked for again later.
///
/// # Errors
/// When the shop cannot be asked, or so much is in doubt that it is not for the objects' sake.
pub async fn read_doubted(reading: &Reading<'_>) -> Result<Vec<Edit>, ReadError> {
    let ids: Vec<String> = reading.take_doubted().into_iter().collect();
    if ids.len() > MOST_DOUBTED {
        return Err(SHORT.into());
    }
    let Read { edits, outcomes, .. } = read_all(reading, &ids).await?;
    for (id, outcome) in ids.into_iter().zip(outcomes) {
        match outcome {
            Err(error) if is_short(&error) || cannot_serve(&error) => reading.pass_over(id, error)?,
            // Gone meanwhile.
            Err(ReadError::Api(error)) if is_unknown(&error) => {}
            outcome => outcome?,
        }
    }
    Ok(edits)
}

/// How many objects may be in doubt: where there are more, something else is the matter.
const MOST_DOUBTED: usize = 100;

/// Requests the objects that the shop could not show, and tells the operator their names. Where there are none and
/// `shows_all` says that none are left from before, takes that back.
///
/// # Errors
/// When the journal cannot be written.
pub async fn ask_for_unserved(reading: &Reading<'_>, shows_all: bool) -> Result<(), ReadError> {
    let shared = &reading.shopify.shared;
    let unserved = tell_of_unserved(reading, shows_all);
    for id in &unserved {
        let due_at = shared.clock.now_ms() + LATER_MS;
        shared.journal.request_read(NAME, reading.shop.as_str(), OwnRequest::single(id), due_at).await?;
    }
    Ok(())
}

/// As [`ask_for_unserved`], and requests nothing. Gives back the names.
pub fn tell_of_unserved(reading: &Reading<'_>, shows_all: bool) -> BTreeSet<String> {
    let shared = &reading.shopify.shared;
    let mut unserved = reading.unserved();
    unserved.remove("");
    let cause = || Cause::of_account(NAME, reading.shop.as_str(), "unserved");
    if unserved.is_empty() {
        if shows_all {
            shared.alerts.heal(cause());
        }
        return unserved;
    }
    let names = unserved.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    tracing::warn!(
        shop = reading.shop.as_str(),
        objects = names,
        "the shop cannot show everything; what was read before stays"
    );
    let sentence = format!(
        "Shopify fails to show a part of {} ({names}). What was read of it before stays in the files, and it is asked for \
         again by itself.",
        reading.shop
    );
    shared.alerts.raise(cause(), &sentence);
    unserved
}

/// An object as it was read: its node, and whether it holds less than it says.
struct Fetched {
    node: String,
    is_short: bool,
}

impl Fetched {
    fn of(kind: &'static str, id: &str, raw: &Raw, parts: &[Part]) -> Result<Self, ReadError> {
        let node = node_of(kind, id, raw, parts)?;
        Ok(Self { is_short: doubt::is_short(kind, raw.get(), &node), node })
    }
}

/// Weighs an object that was read, and where less came than there seems to be, reads it `again`: the second answer is
/// believed, as far as no number speaks against it. `None`: there is no such object.
async fn confirm(
    kind: &'static str,
    stored: Option<&(String, i64)>,
    first: Option<Fetched>,
    again: impl Future<Output = Result<Option<Fetched>, ReadError>>,
) -> Result<Option<(String, doubt::Verdict)>, ReadError> {
    let weigh = |Fetched { node, is_short }: Fetched| {
        let verdict = doubt::weigh(kind, is_short, &node, stored.map(|(old, _)| old.as_str()));
        (node, verdict)
    };
    match first.map(weigh) {
        Some((_, verdict)) if verdict != doubt::Verdict::Whole => Ok(again.await?.map(weigh)),
        first => Ok(first),
    }
}

/// Keeps what was read of an object, unless what is stored is better.
///
/// # Errors
/// [`SHORT`] where it holds less than it says.
fn keep(
    found: &mut Found,
    kind: &'static str,
    id: &str,
    (node, verdict): (String, doubt::Verdict),
    stored: Option<&(String, i64)>,
) -> Result<(), ReadError> {
    if verdict != doubt::Verdict::Cut {
        found.put(kind, id, node, stored);
    }
    if verdict.is_short() { Err(SHORT.into()) } else { Ok(()) }
}

/// One product with everything below it. A product that is gone is deleted.
async fn read_product(reading: &Reading<'_>, id: &str, found: &mut Found) -> Result<(), ReadError> {
    let shared = &reading.shopify.shared;
    let connection = shared.connections.find(NAME, reading.shop.as_str()).await?;
    let access = Access::of(&connection.map(|connection| connection.scopes).unwrap_or_default());
    let stored = stored(reading, PRODUCT, id).await?;
    let first = fetch_product(reading, id, access).await?;
    let again = fetch_product(reading, id, access);
    let Some((node, verdict)) = confirm(PRODUCT, stored.as_ref(), first, again).await? else {
        match stored {
            Some((old, _)) => {
                // What a pass under way has read, or a copy that lags behind shows, may be older than this.
                found.edits.push(Edit::Put(GONE, Record { id: id.to_owned(), payload: old }));
                found.edits.push(Edit::Delete(PRODUCT, id.to_owned()));
            }
            None => found.unchanged.push(id.to_owned()),
        }
        found.members.insert(id.to_owned(), None);
        return Ok(());
    };
    guard(reading, &node, stored.as_ref())?;
    if stored.is_none() {
        guard_gone(reading, id, &node).await?;
    }
    let title = |node: &str| Object::parse(node).and_then(|node| node.get("title").map(str::to_owned));
    if let Some((old, _)) = &stored
        && title(old) != title(&node)
    {
        found.members.insert(id.to_owned(), title(&node));
    }
    keep(found, PRODUCT, id, (node, verdict), stored.as_ref())
}

async fn fetch_product(reading: &Reading<'_>, id: &str, access: Access) -> Result<Option<Fetched>, ReadError> {
    let mut levels = Levels::FEW;
    let variables = |after: Option<String>, levels: Levels| json!({ "id": id, "after": after, "levels": levels.count(), "stock": access.stock, "locations": access.locations });
    let raw = loop {
        let raw = ask_object(reading, levels.of_product(), variables(None, levels), "product").await?;
        let variants =
            raw.as_ref().and_then(|raw| elements(at(raw.get(), &["variants", "nodes"])?)).unwrap_or_default();
        let lists = variants.iter().filter_map(|variant| at(variant, &["inventoryItem", "inventoryLevels"]));
        match levels.better(lists) {
            Some(better) if better.count() > levels.count() => levels = better,
            _ => break raw,
        }
    };
    let Some(raw) = raw else { return Ok(None) };
    let mut parts = Vec::new();
    by_pages::add_metafields(reading, id, &raw, &mut parts).await?;
    let first = at(raw.get(), &["variants"]).ok_or(ApiError::Unreadable("a product without its lists"))?;
    let ask = |after| (levels.of_product(), variables(after, levels));
    for variant in reading.rest(first, ask, &["product", "variants"]).await? {
        if let Some(item) = document::item_of_variant(variant.get())
            && let Some(levels) = at(variant.get(), &["inventoryItem", "inventoryLevels"])
        {
            by_pages::add_levels(reading, &item, levels, access, &mut parts).await?;
        }
        parts.push(parts::part(part::VARIANT, id_of(variant.get())?, id, &variant));
    }
    Fetched::of(PRODUCT, id, &raw, &parts).map(Some)
}

async fn read_collection(reading: &Reading<'_>, id: &str, found: &mut Found) -> Result<(), ReadError> {
    let stored = stored(reading, COLLECTION, id).await?;
    let first = fetch_collection(reading, id).await?;
    match confirm(COLLECTION, stored.as_ref(), first, fetch_collection(reading, id)).await? {
        Some((node, verdict)) => {
            guard(reading, &node, stored.as_ref())?;
            keep(found, COLLECTION, id, (node, verdict), stored.as_ref())?;
        }
        // Gone, and by this id it was never there: the list knows.
        None if stored.is_none() => return Err(UNKNOWN.into()),
        None => found.edits.push(Edit::Delete(COLLECTION, id.to_owned())),
    }
    Ok(())
}

async fn fetch_collection(reading: &Reading<'_>, id: &str) -> Result<Option<Fetched>, ReadError> {
    let mut parts = Vec::new();
    match ask_object(reading, Query::COLLECTION_BY_ID, json!({ "id": id }), "collection").await? {
        Some(raw) if by_pages::add_members(reading, id, &mut parts).await? => {
            Fetched::of(COLLECTION, id, &raw, &parts).map(Some)
        }
        _ => Ok(None),
    }
}

async fn read_discount(reading: &Reading<'_>, id: &str, found: &mut Found) -> Result<(), ReadError> {
    let Some((kept, first)) = fetch_discount(reading, id).await? else {
        if stored(reading, DISCOUNT, id).await?.is_none() {
            return Err(UNKNOWN.into());
        }
        found.edits.push(Edit::Delete(DISCOUNT, id.to_owned()));
        return Ok(());
    };
    let stored = stored(reading, DISCOUNT, &kept).await?;
    let again = async { Ok(fetch_discount(reading, id).await?.map(|(_, fetched)| fetched)) };
    if let Some((node, verdict)) = confirm(DISCOUNT, stored.as_ref(), Some(first), again).await? {
        guard(reading, &node, stored.as_ref())?;
        keep(found, DISCOUNT, &kept, (node, verdict), stored.as_ref())?;
    }
    Ok(())
}

/// A discount, and its id: an event may name it by another one.
async fn fetch_discount(reading: &Reading<'_>, id: &str) -> Result<Option<(String, Fetched)>, ReadError> {
    let raw = ask_object(reading, Query::DISCOUNT_BY_ID, json!({ "id": id }), "discountNode").await?;
    let Some(raw) = raw else { return Ok(None) };
    let mut parts = Vec::new();
    by_pages::add_discount(reading, &raw, &mut parts).await?;
    let kept = id_of(raw.get())?;
    let fetched = Fetched::of(DISCOUNT, &kept, &raw, &parts)?;
    Ok(Some((kept, fetched)))
}

/// What is stored of an object, and when it last changed here.
async fn stored(reading: &Reading<'_>, kind: &'static str, id: &str) -> Result<Option<(String, i64)>, ReadError> {
    let journal = &reading.shopify.shared.journal;
    Ok(journal.find_records(NAME, reading.shop.as_str(), kind, vec![id.to_owned()]).await?.pop().flatten())
}

/// An answer that is older than what is stored is no answer yet. Answers are compared with answers: no event takes part, so
/// there is no order of events that could bring back an older state.
fn guard(reading: &Reading<'_>, new: &str, stored: Option<&(String, i64)>) -> Result<(), ReadError> {
    let now_ms = reading.shopify.shared.clock.now_ms();
    match stored {
        Some((old, at)) if parts::is_outdated(new, old, *at, now_ms) => Err(outdated()),
        _ => Ok(()),
    }
}

/// Nor is one an answer that shows a product as it was before it was deleted.
async fn guard_gone(reading: &Reading<'_>, id: &str, new: &str) -> Result<(), ReadError> {
    let now_ms = reading.shopify.shared.clock.now_ms();
    match stored(reading, GONE, id).await? {
        Some((old, at)) if parts::is_of_the_dead(new, &old, at, now_ms) => Err(outdated()),
        _ => Ok(()),
    }
}

/// Forgets which products were deleted: by the next poll no copy shows them any more.
///
/// # Errors
/// When the journal cannot be written.
pub async fn forget_gone(reading: &Reading<'_>) -> Result<(), ReadError> {
    let journal = &reading.shopify.shared.journal;
    journal.replace_records(NAME, reading.shop.as_str(), GONE, Vec::new()).await?;
    Ok(())
}

fn outdated() -> ReadError {
    ApiError::Unavailable("the shop shows an older state than before".to_owned()).into()
}

/// The node of an object that is held in parts.
///
/// # Errors
/// [`ApiError::Unreadable`].
pub fn node_of(kind: &'static str, id: &str, raw: &Raw, parts: &[Part]) -> Result<String, ReadError> {
    let mut by_parent: HashMap<(&str, u8), Vec<&Part>> = HashMap::new();
    for part in parts {
        by_parent.entry((&part.parent, part.kind)).or_default().push(part);
    }
    for parts in by_parent.values_mut() {
        parts.sort_by(|a, b| (a.place.cmp(&b.place)).then_with(|| document::order(&a.id, &b.id)));
    }
    let children = |parent: &str, kind: u8| {
        let parts = by_parent.get(&(parent, kind)).map(Vec::as_slice).unwrap_or_default();
        Ok(parts.iter().map(|part| part.payload.clone()).collect())
    };
    let node = parts::node(kind, id, raw.get(), &children)?;
    Ok(node.ok_or(ApiError::Unreadable("an object has not the expected shape"))?)
}

/// Collections list products by title: they get the new one, or lose what is gone.
async fn correct_collections(reading: &Reading<'_>, found: &mut Found) -> Result<(), ReadError> {
    let (shop, members) = (reading.shop.to_string(), std::mem::take(&mut found.members));
    // Those that were read just now are right by themselves.
    let read: Vec<String> = found.done.iter().filter(|id| id.starts_with(COLLECTION_GID)).cloned().collect();
    let corrected = reading.shopify.shared.journal.look(move |journal| {
        let mut edits = Vec::new();
        let walked = journal.each_record::<()>(NAME, &shop, COLLECTION, |id, node| {
            let is_concerned =
                !read.iter().any(|read| read == id) && members.keys().any(|product| node.contains(product));
            if is_concerned && let Some(payload) = document::with_members(node, &members) {
                edits.push(Edit::Put(COLLECTION, Record { id: id.to_owned(), payload }));
            }
            Ok(())
        });
        walked.map(|_| edits)
    });
    found.edits.extend(corrected.await?);
    Ok(())
}
