//! A whole pass by pages: every list of a shop to its end, one root connection a request, within the shop's points.
//!
//! One root connection per request: a missing scope then costs only its own part. Nothing is replaced here; what was read
//! is put into a set that replaces the records when it is complete.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use super::parts;
use super::parts::part;
use super::session::{Access, DISCOUNTS_SCOPE, Raw, Reading, Size, Walk, at, cannot_serve, id_of, is_denied};
use crate::shared::channel::reader::ReadError;
use crate::shared::languages::say;
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::{Object, elements};
use crate::shared::store::{Part, Staging};
use crate::shopify::client::Query;

/// All products with variants, metafields and stock.
///
/// # Errors
/// When a list cannot be read to its end.
pub async fn read_products(reading: &Reading<'_>, staging: &Staging) -> Result<(), ReadError> {
    let mut products = 0;
    let mut walk = Walk::new(reading, Query::PRODUCT_PAGE, Query::PRODUCT_IDS, "products");
    while let Some(page) = walk.next(|after| json!({ "after": after }), id_of).await? {
        let mut parts = Vec::new();
        for raw in page {
            let id = id_of(raw.get())?;
            match add_metafields(reading, &id, &raw, &mut parts).await {
                Err(error) if cannot_serve(&error) => reading.pass_over(id.clone(), error)?,
                added => added?,
            }
            parts.push(parts::part(part::PRODUCT, id, "", &raw));
            products += 1;
        }
        staging.add(parts).await?;
        reading.report(say::what_products(), products, None);
    }
    let access = reading.access().await?;
    if access.stock {
        read_stock(reading, access, staging).await?;
    }
    let mut variants = 0;
    let mut walk = Walk::new(reading, Query::VARIANT_PAGE, Query::VARIANT_IDS, "productVariants");
    let variables = |after: Option<String>| json!({ "after": after, "stock": access.stock });
    while let Some(page) = walk.next(variables, |raw| Ok(product_of_variant(raw))).await? {
        let mut parts = Vec::new();
        for raw in page {
            // A variant of a product that came after the list of products was read: its own event brings it.
            parts.push(parts::part(part::VARIANT, id_of(raw.get())?, &product_of_variant(raw.get()), &raw));
        }
        variants += parts.len();
        staging.add(parts).await?;
        reading.report(say::what_variants(), variants, None);
    }
    Ok(())
}

/// The product that a variant names; empty: none.
fn product_of_variant(raw: &str) -> String {
    let product = Object::parse(raw).and_then(|node| node.object("product"));
    product.and_then(|product| product.text("id").map(|id| id.into_owned())).unwrap_or_default()
}

/// A product's metafields to their end, as parts.
///
/// # Errors
/// When the list cannot be read to its end.
pub async fn add_metafields(
    reading: &Reading<'_>,
    product: &str,
    raw: &Raw,
    parts: &mut Vec<Part>,
) -> Result<(), ReadError> {
    let first = at(raw.get(), &["metafields"]).ok_or(ApiError::Unreadable("a product without its lists"))?;
    let ask = |after: Option<String>| (Query::METAFIELDS_OF_PRODUCT, json!({ "id": product, "after": after }));
    for raw in reading.rest(first, ask, &["product", "metafields"]).await? {
        parts.push(parts::part(part::METAFIELD, id_of(raw.get())?, product, &raw));
    }
    Ok(())
}

/// The levels of an inventory item to their end, as parts.
///
/// # Errors
/// When the list cannot be read to its end.
pub async fn add_levels(
    reading: &Reading<'_>,
    item: &str,
    first: &str,
    access: Access,
    parts: &mut Vec<Part>,
) -> Result<(), ReadError> {
    let ask = |after: Option<String>| {
        (Query::LEVELS_OF_ITEM, json!({ "id": item, "after": after, "locations": access.locations }))
    };
    for raw in reading.rest(first, ask, &["inventoryItem", "inventoryLevels"]).await? {
        parts.push(parts::part(part::LEVEL, id_of(raw.get())?, item, &raw));
    }
    Ok(())
}

/// How many levels of an inventory item are asked for at once, and how each number is called where its price is learned.
const STEPS: [(usize, &str, &str); 5] = [
    (12, "StockPage", "ProductById"),
    (25, "StockPage of 25", "ProductById of 25"),
    (50, "StockPage of 50", "ProductById of 50"),
    (100, "StockPage of 100", "ProductById of 100"),
    (250, "StockPage of 250", "ProductById of 250"),
];

/// How many levels of an item are asked for at once. Where most items have more, more of each are asked for, so that items
/// at many locations cost no call of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels(usize);

impl Levels {
    /// As many as most shops have.
    pub const FEW: Self = Self(0);

    /// How many.
    #[must_use]
    pub fn count(self) -> usize {
        STEPS[self.0].0
    }

    /// The points of so many levels: three each, and the list itself.
    #[allow(clippy::cast_precision_loss, reason = "at most 250")]
    fn points(self) -> f64 {
        2.1 + 3.0 * self.count() as f64
    }

    /// The page of items in this shape.
    fn of_stock(self) -> Query {
        Query::STOCK_PAGE.shaped(STEPS[self.0].1, 1.0 + self.points())
    }

    /// The product in this shape.
    #[must_use]
    pub fn of_product(self) -> Query {
        Query::PRODUCT_BY_ID.shaped(STEPS[self.0].2, 14.0 + self.points())
    }

    /// What suits these items better, by the lists of their levels. `None`: this does.
    #[must_use]
    pub fn better<'t>(self, lists: impl Iterator<Item = &'t str>) -> Option<Self> {
        let (mut all, mut cut_short, mut most) = (0, 0, 0);
        for list in lists {
            let object = Object::parse(list);
            let count = object.as_ref().and_then(|list| elements(list.get("nodes")?)).map_or(0, |nodes| nodes.len());
            let info = object.and_then(|list| list.object("pageInfo"));
            let has_more = info.and_then(|info| info.get("hasNextPage").map(|more| more == "true")).unwrap_or(false);
            all += 1;
            // A shop that gives fewer than it was asked for would not give more for more.
            cut_short += usize::from(has_more && count >= self.count());
            most = most.max(count);
        }
        if cut_short * 2 > all && self.0 + 1 < STEPS.len() {
            return Some(Self(self.0 + 1));
        }
        let is_too_many = self.0 > 0 && all > 0 && cut_short == 0 && most <= STEPS[self.0 - 1].0;
        is_too_many.then(|| Self(self.0 - 1))
    }
}

async fn read_stock(reading: &Reading<'_>, access: Access, staging: &Staging) -> Result<(), ReadError> {
    let mut items = 0;
    let mut levels = Levels::FEW;
    let mut walk = Walk::new(reading, levels.of_stock(), Query::ITEM_IDS, "inventoryItems");
    loop {
        let variables =
            |after: Option<String>| json!({ "after": after, "levels": levels.count(), "locations": access.locations });
        let Some(page) = walk.next(variables, id_of).await? else { return Ok(()) };
        match levels.better(page.iter().filter_map(|raw| at(raw.get(), &["inventoryLevels"]))) {
            Some(better) if better.count() > levels.count() => {
                levels = better;
                walk.ask_again(levels.of_stock());
                continue;
            }
            Some(better) => {
                levels = better;
                walk.ask_on(levels.of_stock());
            }
            None => {}
        }
        let mut parts = Vec::new();
        for raw in page {
            let id = id_of(raw.get())?;
            let first =
                at(raw.get(), &["inventoryLevels"]).ok_or(ApiError::Unreadable("an item without its levels"))?;
            match add_levels(reading, &id, first, access, &mut parts).await {
                Err(error) if cannot_serve(&error) => reading.pass_over(id, error)?,
                added => added?,
            }
            items += 1;
        }
        staging.add(parts).await?;
        reading.report(say::what_stock(), items, None);
    }
}

/// The points that reading a catalogue of this size page by page costs, about: what the API takes for each object and for
/// the objects below it.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub fn points_of(size: Size) -> f64 {
    let (products, variants, locations) = (size.products as f64, size.variants as f64, size.locations as f64);
    let stock = if size.locations > 0 { 3.0 + 3.0 * locations } else { 0.0 };
    6.0 * products + (4.0 + stock) * variants
}

/// All discounts with their codes. Gives back whether they may be read.
///
/// # Errors
/// When a list cannot be read to its end.
pub async fn read_discounts(reading: &Reading<'_>, staging: &Staging) -> Result<bool, ReadError> {
    let mut discounts = 0;
    let mut walk = Walk::new(reading, Query::DISCOUNT_PAGE, Query::DISCOUNT_IDS, "discountNodes");
    while let Some(page) = next_discounts(reading, &mut walk).await? {
        let Page::Of(page) = page else { return Ok(false) };
        let mut parts = Vec::new();
        for raw in page {
            match add_discount(reading, &raw, &mut parts).await {
                Err(error) if cannot_serve(&error) => reading.pass_over(id_of(raw.get())?, error)?,
                added => added?,
            }
            discounts += 1;
        }
        staging.add(parts).await?;
        reading.report(say::what_discounts(), discounts, None);
    }
    Ok(true)
}

/// A page of the discounts.
pub enum Page {
    /// These.
    Of(Vec<Raw>),
    /// They may not be read, which [`Reading::denied`] tells.
    Denied,
}

/// The next discounts; `None` at the end.
///
/// # Errors
/// When a page cannot be had.
pub async fn next_discounts(reading: &Reading<'_>, walk: &mut Walk<'_, '_>) -> Result<Option<Page>, ReadError> {
    match walk.next(|after| json!({ "after": after }), id_of).await {
        Err(error) if is_denied(&error) => {
            reading.deny([DISCOUNTS_SCOPE.to_owned()]);
            Ok(Some(Page::Denied))
        }
        page => Ok(page?.map(Page::Of)),
    }
}

/// A discount and its codes to their end, as parts.
///
/// # Errors
/// When the list cannot be read to its end.
pub async fn add_discount(reading: &Reading<'_>, raw: &Raw, parts: &mut Vec<Part>) -> Result<(), ReadError> {
    let id = id_of(raw.get())?;
    if let Some(first) = at(raw.get(), &["discount", "codes"]) {
        let ask = |after: Option<String>| (Query::CODES_OF_DISCOUNT, json!({ "id": id, "after": after }));
        for raw in reading.rest(first, ask, &["discountNode", "discount", "codes"]).await? {
            parts.push(parts::part(part::CODE, id_of(raw.get())?, &id, &raw));
        }
    }
    parts.push(parts::part(part::DISCOUNT, id, "", raw));
    Ok(())
}

/// All collections with their products.
///
/// # Errors
/// When a list cannot be read to its end.
pub async fn read_collections(reading: &Reading<'_>, staging: &Staging) -> Result<(), ReadError> {
    let mut collections = 0;
    let mut walk = Walk::new(reading, Query::COLLECTION_PAGE, Query::COLLECTION_IDS, "collections");
    while let Some(page) = walk.next(|after| json!({ "after": after }), id_of).await? {
        for raw in page {
            let (id, mut parts) = (id_of(raw.get())?, Vec::new());
            match add_members(reading, &id, &mut parts).await {
                Ok(false) => continue,
                Err(error) if cannot_serve(&error) => reading.pass_over(id.clone(), error)?,
                added => drop(added?),
            }
            parts.push(parts::part(part::COLLECTION, id, "", &raw));
            staging.add(parts).await?;
            collections += 1;
            reading.report(say::what_collections(), collections, None);
        }
    }
    Ok(())
}

/// The products of a collection to their end, as parts, each of them once. Gives back whether there still is such a
/// collection.
///
/// # Errors
/// When the list cannot be read to its end.
pub async fn add_members(reading: &Reading<'_>, collection: &str, parts: &mut Vec<Part>) -> Result<bool, ReadError> {
    let ask = |after: Option<String>| (Query::PRODUCTS_OF_COLLECTION, json!({ "id": collection, "after": after }));
    let (query, variables) = ask(None);
    let data: BTreeMap<String, Option<Raw>> = reading.ask_for_less(query, variables).await?;
    let Some(found) = data.get("collection") else {
        return Err(ApiError::Unreadable("a collection that is no object").into());
    };
    // Null: deleted since the list was read.
    let Some(found) = found else { return Ok(false) };
    let first = at(found.get(), &["products"]).ok_or(ApiError::Unreadable("a list is missing"))?;
    let members = reading.rest(first, ask, &["collection", "products"]).await?;
    let mut seen = HashSet::new();
    for raw in &members {
        let id = id_of(raw.get())?;
        if seen.insert(id.clone()) {
            parts.push(parts::part(part::MEMBER, id, collection, raw));
        }
    }
    Ok(true)
}
