//! What a login leaves to be done when its shop does not answer; the hourly look does it as soon as the shop does.

use serde_json::Value;

use super::catalogue::session::ShopInfo;
use super::catalogue::shop_data;
use super::names::{NAME, SHOP};
use super::payload::ShopDomain;
use super::state::Shopify;
use crate::shared::channel::context::Shared;
use crate::shared::channel::reader::ReadError;
use crate::shared::store::Connection;

/// Does what a login left to be done, now that the shop answers: its name, and the end of the connection under the name that
/// it had before.
///
/// # Errors
/// [`ReadError`] when the databases cannot be used.
pub async fn finish(shopify: &Shopify, shop: &ShopDomain, info: ShopInfo) -> Result<(), ReadError> {
    let Shared { connections, erasure, .. } = &shopify.shared;
    connections.learn(NAME, shop.as_str(), Some(info.name()), None).await?;
    let owner = connections.find(NAME, shop.as_str()).await?.map(|connection| connection.merchant);
    match renamed_from(shopify, shop, &info).await? {
        Some(old) if Some(old.merchant) == owner => {
            erasure.disconnect(NAME, &old.account, "renamed").await?;
        }
        // Nobody takes a shop from somebody else because an answer came late.
        Some(old) => tracing::warn!(shop = shop.as_str(), old = old.account, "a renamed shop has another merchant"),
        None => {}
    }
    shop_data::store(shopify, shop, info.shop).await
}

/// The connection of the same shop under the name that it had before: one with the same id at the platform.
///
/// # Errors
/// When the databases cannot be used.
pub async fn renamed_from(shopify: &Shopify, shop: &ShopDomain, info: &ShopInfo) -> anyhow::Result<Option<Connection>> {
    let Some(id) = info.shop.get("id").and_then(Value::as_str) else { return Ok(None) };
    let Shared { connections, journal, .. } = &shopify.shared;
    for connection in connections.list().await? {
        if connection.channel != NAME || connection.account == shop.as_str() {
            continue;
        }
        let records = journal.list_records(NAME, &connection.account, SHOP).await?;
        let same = records.iter().any(|record| {
            serde_json::from_str::<Value>(&record.payload).is_ok_and(|kept| kept["id"].as_str() == Some(id))
        });
        if same {
            return Ok(Some(connection));
        }
    }
    Ok(None)
}
