//! A whole pass by pages: every list of a shop to its end, one root connection a request, within the shop's points.
//!
//! One root connection per request: a missing scope then costs only its own part. Nothing is replaced here; what was read
//! is put into a set that replaces the records when it is complete.

use std::collections::BTreeMap;

use serde_json::json;

use super::records;
use super::records::part;
use super::session::{Access, Pages, Raw, Reading, at, id_of};
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::Object;
use crate::shared::store::{Part, Staging};
use crate::shopify::client::Query;

/// All products with variants, metafields and stock.
///
/// # Errors
/// When a list cannot be read to its end.
pub async fn read_products(reading: &Reading<'_>, staging: &Staging) -> Result<(), ReadError> {
    let mut products = 0;
    let mut pages = Pages::new();
    while let Some(after) = pages.next()? {
        let page = reading.ask_root::<Raw>(Query::PRODUCT_PAGE, json!({ "after": after }), "products").await?;
        let mut parts = Vec::new();
        for raw in pages.take(page) {
            let id = id_of(raw.get())?;
            add_metafields(reading, &id, &raw, &mut parts).await?;
            parts.push(records::part(part::PRODUCT, id, "", &raw));
            products += 1;
        }
        staging.add(parts).await?;
        reading.report("products", products, None);
    }
    let access = reading.access().await?;
    if access.stock {
        read_stock(reading, access, staging).await?;
    }
    let mut variants = 0;
    let mut pages = Pages::new();
    while let Some(after) = pages.next()? {
        let variables = json!({ "after": after, "stock": access.stock });
        let page = reading.ask_root::<Raw>(Query::VARIANT_PAGE, variables, "productVariants").await?;
        let mut parts = Vec::new();
        for raw in pages.take(page) {
            let owner = Object::parse(raw.get()).and_then(|node| node.object("product"));
            let owner = owner.and_then(|product| product.text("id").map(|id| id.into_owned()));
            // A variant of a product that came after the list of products was read: its own event brings it.
            parts.push(records::part(part::VARIANT, id_of(raw.get())?, &owner.unwrap_or_default(), &raw));
        }
        variants += parts.len();
        staging.add(parts).await?;
        reading.report("variants", variants, None);
    }
    Ok(())
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
        parts.push(records::part(part::METAFIELD, id_of(raw.get())?, product, &raw));
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
        parts.push(records::part(part::LEVEL, id_of(raw.get())?, item, &raw));
    }
    Ok(())
}

async fn read_stock(reading: &Reading<'_>, access: Access, staging: &Staging) -> Result<(), ReadError> {
    let mut items = 0;
    let mut pages = Pages::new();
    while let Some(after) = pages.next()? {
        let variables = json!({ "after": after, "locations": access.locations });
        let page = reading.ask_root::<Raw>(Query::STOCK_PAGE, variables, "inventoryItems").await?;
        let mut parts = Vec::new();
        for raw in pages.take(page) {
            let id = id_of(raw.get())?;
            let first =
                at(raw.get(), &["inventoryLevels"]).ok_or(ApiError::Unreadable("an item without its levels"))?;
            add_levels(reading, &id, first, access, &mut parts).await?;
            items += 1;
        }
        staging.add(parts).await?;
        reading.report("stock", items, None);
    }
    Ok(())
}

/// All discounts with their codes. Gives back whether they may be read.
///
/// # Errors
/// When a list cannot be read to its end.
pub async fn read_discounts(reading: &Reading<'_>, staging: &Staging) -> Result<bool, ReadError> {
    let mut discounts = 0;
    let mut pages = Pages::new();
    while let Some(after) = pages.next()? {
        let Some(page) = reading.ask_discounts(after).await? else { return Ok(false) };
        let mut parts = Vec::new();
        for raw in pages.take(page) {
            add_discount(reading, &raw, &mut parts).await?;
            discounts += 1;
        }
        staging.add(parts).await?;
        reading.report("discounts", discounts, None);
    }
    Ok(true)
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
            parts.push(records::part(part::CODE, id_of(raw.get())?, &id, &raw));
        }
    }
    parts.push(records::part(part::DISCOUNT, id, "", raw));
    Ok(())
}

/// All collections with their products.
///
/// # Errors
/// When a list cannot be read to its end.
pub async fn read_collections(reading: &Reading<'_>, staging: &Staging) -> Result<(), ReadError> {
    let mut collections = 0;
    let mut pages = Pages::new();
    while let Some(after) = pages.next()? {
        let page = reading.ask_root::<Raw>(Query::COLLECTION_PAGE, json!({ "after": after }), "collections").await?;
        for raw in pages.take(page) {
            let mut parts = Vec::new();
            if add_members(reading, &id_of(raw.get())?, &mut parts).await? {
                parts.push(records::part(part::COLLECTION, id_of(raw.get())?, "", &raw));
                staging.add(parts).await?;
                collections += 1;
                reading.report("collections", collections, None);
            }
        }
    }
    Ok(())
}

/// The products of a collection to their end, as parts. Gives back whether there still is such a collection.
///
/// # Errors
/// When the list cannot be read to its end.
pub async fn add_members(reading: &Reading<'_>, collection: &str, parts: &mut Vec<Part>) -> Result<bool, ReadError> {
    let ask = |after: Option<String>| (Query::PRODUCTS_OF_COLLECTION, json!({ "id": collection, "after": after }));
    let (query, variables) = ask(None);
    let data: BTreeMap<String, Option<Raw>> = reading.ask(query, variables).await?;
    let Some(found) = data.get("collection") else {
        return Err(ApiError::Unreadable("a collection that is no object").into());
    };
    // Null: deleted since the list was read.
    let Some(found) = found else { return Ok(false) };
    let first = at(found.get(), &["products"]).ok_or(ApiError::Unreadable("a list is missing"))?;
    let members = reading.rest(first, ask, &["collection", "products"]).await?;
    for raw in &members {
        parts.push(records::part(part::MEMBER, id_of(raw.get())?, collection, raw));
    }
    Ok(true)
}
