//! Webhook subscriptions of a shop: list, compare, create what is missing.
//!
//! Shopify deletes subscriptions silently after failures and on uninstall, so this runs at every login and can run at
//! any time.

use serde::Deserialize;
use serde_json::json;

use super::Shopify;
use super::client::{Connection, Query};
use super::payload::ShopDomain;
use crate::shared::api::{ApiError, Patience};
use secrecy::SecretString;

/// The topics that are wanted, each with the scope it needs.
/// Source: the topics of the Admin API 2026-10.
const TOPICS: [(&str, &str); 17] = [
    ("PRODUCTS_CREATE", "read_products"),
    ("PRODUCTS_UPDATE", "read_products"),
    ("PRODUCTS_DELETE", "read_products"),
    ("COLLECTIONS_CREATE", "read_products"),
    ("COLLECTIONS_UPDATE", "read_products"),
    ("COLLECTIONS_DELETE", "read_products"),
    ("INVENTORY_LEVELS_UPDATE", "read_inventory"),
    ("INVENTORY_LEVELS_CONNECT", "read_inventory"),
    ("INVENTORY_LEVELS_DISCONNECT", "read_inventory"),
    ("DISCOUNTS_CREATE", "read_discounts"),
    ("DISCOUNTS_UPDATE", "read_discounts"),
    ("DISCOUNTS_DELETE", "read_discounts"),
    ("DISCOUNTS_REDEEMCODE_ADDED", "read_discounts"),
    ("DISCOUNTS_REDEEMCODE_REMOVED", "read_discounts"),
    ("SHOP_UPDATE", ""),
    ("APP_UNINSTALLED", ""),
    ("APP_SCOPES_UPDATE", ""),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    webhook_subscriptions: Connection<Subscription>,
}

#[derive(Deserialize)]
struct Subscription {
    #[serde(default)]
    id: String,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    webhook_subscription_create: Option<Outcome>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    #[serde(default)]
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct UserError {
    #[serde(default)]
    message: String,
}

/// Whether a scope is among those granted; a grant to write implies one to read.
#[must_use]
pub fn is_granted(scope: &str, granted: &[String]) -> bool {
    let write = scope.strip_prefix("read_").map(|rest| format!("write_{rest}"));
    granted.iter().any(|granted| granted == scope || Some(granted) == write.as_ref())
}

/// The topics that are wanted from a shop that has granted these scopes.
#[must_use]
pub fn wanted(granted: &[String]) -> Vec<&'static str> {
    let is_wanted = |scope: &str| scope.is_empty() || is_granted(scope, granted);
    TOPICS.iter().filter(|(_, scope)| is_wanted(scope)).map(|(topic, _)| *topic).collect()
}

/// What [`ensure`] did.
#[derive(Debug, Default)]
pub struct Ensured {
    /// How many subscriptions were missing and were made.
    pub created: usize,
    /// The topics that the shop refused.
    pub refused: Vec<&'static str>,
}

/// Creates the subscriptions that are missing.
///
/// # Errors
/// [`ApiError`] when the shop cannot be asked.
pub async fn ensure(
    shopify: &Shopify,
    shop: &ShopDomain,
    token: &SecretString,
    scopes: &[String],
) -> Result<Ensured, ApiError> {
    let address = shopify.config.webhook_address.as_str();
    let present = list(shopify, shop, token).await?;
    let mut ensured = Ensured::default();
    for topic in wanted(scopes) {
        if present.iter().any(|one| one.topic == topic && one.uri == address) {
            continue;
        }
        let variables = json!({ "topic": topic, "uri": address });
        let created = shopify.client.ask::<Created>(Patience::Person, shop, token, Query::SUBSCRIBE, variables).await;
        let good = match created {
            Ok(created) => created.data.webhook_subscription_create.is_some_and(|outcome| {
                // A second subscription is a success that somebody else had before us.
                outcome.user_errors.iter().all(|error| error.message.contains("already been taken"))
            }),
            Err(ApiError::Refused { .. }) => false,
            Err(error) => return Err(error),
        };
        if good {
            ensured.created += 1;
        } else {
            tracing::warn!(shop = shop.as_str(), topic, "a webhook subscription was refused");
            ensured.refused.push(topic);
        }
    }
    Ok(ensured)
}

/// Deletes all subscriptions of this app in the shop.
///
/// # Errors
/// [`ApiError`] when the shop cannot be asked.
pub async fn delete_all(shopify: &Shopify, shop: &ShopDomain, token: &SecretString) -> Result<(), ApiError> {
    for subscription in list(shopify, shop, token).await? {
        let variables = json!({ "id": subscription.id });
        shopify.client.ask::<serde_json::Value>(Patience::Person, shop, token, Query::UNSUBSCRIBE, variables).await?;
    }
    Ok(())
}

async fn list(shopify: &Shopify, shop: &ShopDomain, token: &SecretString) -> Result<Vec<Subscription>, ApiError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let variables = json!({ "after": after });
        let listed: Listed =
            shopify.client.ask(Patience::Person, shop, token, Query::SUBSCRIPTIONS, variables).await?.data;
        let (nodes, next) = listed.webhook_subscriptions.into_page();
        found.extend(nodes);
        match next {
            Some(next) if after.as_ref() != Some(&next) => after = Some(next),
            _ => return Ok(found),
        }
    }
}
