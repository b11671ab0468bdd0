//! What a shop says of itself: one record, and the metadata file.

use serde_json::{Map, Value};

use crate::shared::channel::reader::ReadError;
use crate::shared::store::Record;
use crate::shopify::document;
use crate::shopify::names::{NAME, SHOP};
use crate::shopify::payload::ShopDomain;
use crate::shopify::state::Shopify;

/// Stores what is known of a shop.
///
/// # Errors
/// When the journal cannot be written.
pub async fn store(shopify: &Shopify, shop: &ShopDomain, info: Map<String, Value>) -> Result<(), ReadError> {
    let record = Record { id: shop.as_str().to_owned(), payload: Value::Object(info).to_string() };
    shopify.shared.journal.replace_records(NAME, shop.as_str(), SHOP, vec![record]).await?;
    Ok(())
}

/// Writes the shop's metadata file.
///
/// # Errors
/// When the journal cannot be read or the file not be written.
pub async fn write(shopify: &Shopify, shop: &ShopDomain) -> Result<(), ReadError> {
    let shared = &shopify.shared;
    if let Some(record) = shared.journal.list_records(NAME, shop.as_str(), SHOP).await?.first() {
        shared.output.write_in_background(document::metadata_path(shop), document::metadata(record)).await?;
    }
    Ok(())
}
