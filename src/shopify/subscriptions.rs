//! Webhook subscriptions of a shop: list, compare, create what is missing, move what is stale, delete what is left over.
//!
//! Shopify deletes subscriptions silently after failures and on uninstall, so this runs at every login and every hour
//! (`watch.rs`). Subscriptions of this app at addresses that were never ours belong to somebody else — another
//! installation of the same app, perhaps — and are left alone.

use std::collections::HashSet;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::catalogue::session::Pages;
use super::client::{Connection, Query};
use super::names::{NAME, is_granted};
use super::payload::ShopDomain;
use super::state::Shopify;
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::{ApiError, Patience};

/// The topics that are wanted, each with the scope it needs.
/// Source: the topics of the Admin API 2026-10.
const TOPICS: [(&str, &str); 18] = [
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
    ("BULK_OPERATIONS_FINISH", ""),
];

/// Where the journal keeps the addresses that deliveries have ever been asked for at, as a JSON list.
const ADDRESSES: &str = "shopify:webhook addresses";

/// Where the journal keeps, for each shop, for which version its subscriptions were last asked.
const VERSION_TRIED: &str = "webhook version";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    webhook_subscriptions: Connection<Subscription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    #[serde(default)]
    id: String,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    uri: String,
    format: Option<String>,
    api_version: Option<Version>,
}

#[derive(Deserialize)]
struct Version {
    handle: String,
}

/// The answer of a mutation, under whichever name it stands.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Mutated {
    webhook_subscription_create: Option<Outcome>,
    webhook_subscription_update: Option<Outcome>,
    webhook_subscription_delete: Option<Outcome>,
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

/// The topics that are wanted from a shop that has granted these scopes.
#[must_use]
pub fn wanted(granted: &[String]) -> Vec<&'static str> {
    let is_wanted = |scope: &str| scope.is_empty() || is_granted(scope, granted);
    TOPICS.iter().filter(|(_, scope)| is_wanted(scope)).map(|(topic, _)| *topic).collect()
}

/// Asks a shop: with a token that a login has just brought, or with the stored one, which is renewed where it must be.
pub struct Asker<'a> {
    shopify: &'a Shopify,
    shop: &'a ShopDomain,
    token: Option<&'a SecretString>,
    patience: Patience,
}

impl<'a> Asker<'a> {
    /// Asks with this token, while a person waits.
    pub fn with_token(shopify: &'a Shopify, shop: &'a ShopDomain, token: &'a SecretString) -> Self {
        Self { shopify, shop, token: Some(token), patience: Patience::Person }
    }

    /// Asks with the stored token.
    pub fn of_stored(shopify: &'a Shopify, shop: &'a ShopDomain) -> Self {
        Self { shopify, shop, token: None, patience: Patience::Background }
    }

    /// The same, while a person waits.
    pub fn for_a_person(self) -> Self {
        Self { patience: Patience::Person, ..self }
    }

    async fn ask<T: DeserializeOwned>(&self, query: Query, variables: Value) -> Result<T, ReadError> {
        let asked = match self.token {
            Some(token) => self.shopify.client.ask(self.patience, self.shop, token, query, variables).await?,
            None => self.shopify.ask(self.patience, self.shop, query, variables).await?,
        };
        Ok(asked.data)
    }

    /// Carries out a mutation. Gives whether it was accepted: a second subscription for the same topic and address is
    /// one that somebody made before us, which is as good.
    async fn mutate(&self, query: Query, variables: Value) -> Result<bool, ReadError> {
        let answer: Mutated = match self.ask(query, variables).await {
            Err(ReadError::Api(ApiError::Refused { .. })) => return Ok(false),
            answer => answer?,
        };
        let outcome = answer
            .webhook_subscription_create
            .or(answer.webhook_subscription_update)
            .or(answer.webhook_subscription_delete);
        Ok(outcome.is_some_and(|outcome| {
            outcome.user_errors.iter().all(|error| error.message.contains("already been taken"))
        }))
    }

    async fn list(&self) -> Result<Vec<Subscription>, ReadError> {
        let mut found = Vec::new();
        let mut pages = Pages::new();
        while let Some(after) = pages.next()? {
            let listed: Listed = self.ask(Query::SUBSCRIPTIONS, json!({ "after": after })).await?;
            // One that could not be shown may be any: it would be made a second time, or stay where nobody wants it.
            if listed.webhook_subscriptions.has_nulls() {
                return Err(ApiError::Unreadable("a list of subscriptions that cannot all be shown").into());
            }
            found.extend(pages.take(listed.webhook_subscriptions)?);
        }
        Ok(found)
    }

    /// Deletes a subscription. One that stays is found again in an hour.
    async fn delete(&self, subscription: &Subscription) -> Result<(), ReadError> {
        if !self.mutate(Query::UNSUBSCRIBE, json!({ "id": subscription.id })).await? {
            tracing::warn!(shop = self.shop.as_str(), "a webhook subscription could not be deleted");
        }
        Ok(())
    }
}

/// What [`ensure`] did.
#[derive(Debug, Default)]
pub struct Ensured {
    /// How many subscriptions were missing here and were made or moved here: deliveries may have been missed.
    pub created: usize,
    /// How many subscriptions that are not wanted any more were deleted.
    pub deleted: usize,
    /// The topics that the shop refused.
    pub refused: Vec<&'static str>,
}

/// Makes the subscriptions those that are wanted: at our address, as JSON, in the API version that is in use.
///
/// # Errors
/// [`ReadError`] when the shop cannot be asked or the journal cannot be used.
pub async fn ensure(asker: &Asker<'_>, scopes: &[String]) -> Result<Ensured, ReadError> {
    let address = asker.shopify.config.webhook_address.as_str();
    let ours = our_addresses(asker.shopify).await?;
    let mut stale: Vec<Subscription> = asker.list().await?;
    stale.retain(|one| ours.contains(&one.uri));
    let mut ensured = Ensured::default();
    let mut version = OtherVersion::of(asker).await?;
    for topic in wanted(scopes) {
        if let Some(index) = stale.iter().position(|one| one.topic == topic && one.uri == address) {
            let present = stale.swap_remove(index);
            let is_other_form = present.format.as_deref().is_some_and(|format| format != "JSON");
            if version.is_to_be_changed(&present) || is_other_form {
                asker.mutate(Query::RESUBSCRIBE, json!({ "id": present.id, "uri": address })).await?;
            }
            continue;
        }
        // One at an address that was ours is moved: between deleting and creating it, deliveries would be lost.
        let moved = match stale.iter().position(|one| one.topic == topic) {
            Some(index) => {
                let variables = json!({ "id": stale[index].id, "uri": address });
                let moved = asker.mutate(Query::RESUBSCRIBE, variables).await?;
                if moved {
                    stale.swap_remove(index);
                }
                moved
            }
            None => false,
        };
        if moved || asker.mutate(Query::SUBSCRIBE, json!({ "topic": topic, "uri": address })).await? {
            ensured.created += 1;
        } else {
            tracing::warn!(shop = asker.shop.as_str(), topic, "a webhook subscription was refused");
            ensured.refused.push(topic);
        }
    }
    for left_over in &stale {
        asker.delete(left_over).await?;
        ensured.deleted += 1;
    }
    version.note(asker).await?;
    Ok(ensured)
}

/// Deletes the subscriptions at all addresses that are or were ours, and gives the topics of those that are still there.
///
/// # Errors
/// [`ReadError`] when the shop cannot be asked or the journal cannot be used.
pub async fn delete_ours(asker: &Asker<'_>) -> Result<Vec<String>, ReadError> {
    let ours = our_addresses(asker.shopify).await?;
    let is_ours = |one: &Subscription| ours.contains(&one.uri);
    for subscription in asker.list().await?.iter().filter(|one| is_ours(one)) {
        asker.delete(subscription).await?;
    }
    Ok(asker.list().await?.into_iter().filter(is_ours).map(|one| one.topic).collect())
}

/// The addresses that deliveries have ever been asked for at. The configured one is written down before it is used
/// first, so that it is still known as ours after it was changed.
async fn our_addresses(shopify: &Shopify) -> Result<HashSet<String>, ReadError> {
    let journal = &shopify.shared.journal;
    let kept = journal.find_cursor(ADDRESSES).await?;
    let mut ours: HashSet<String> = kept.and_then(|kept| serde_json::from_str(&kept).ok()).unwrap_or_default();
    if ours.insert(shopify.config.webhook_address.as_str().to_owned()) {
        journal.save_cursor(ADDRESSES, json!(ours).to_string()).await?;
    }
    Ok(ours)
}

/// Subscriptions whose deliveries come in another version than what is asked with. Where the version belongs to the app, no
/// change of a subscription changes it: each version is asked for once.
/// Source: Shopify, "WebhookSubscription", `apiVersion` (2026).
struct OtherVersion {
    /// The version that is asked with; `None`: not known yet.
    served: Option<String>,
    /// Whether it was asked for before.
    was_tried: bool,
    is_tried: bool,
}

impl OtherVersion {
    async fn of(asker: &Asker<'_>) -> Result<Self, ReadError> {
        let journal = &asker.shopify.shared.journal;
        let tried = journal.find_account_cursor(NAME, asker.shop.as_str(), VERSION_TRIED).await?;
        let served = asker.shopify.client.served_version();
        Ok(Self { was_tried: served.is_some() && tried == served, served, is_tried: false })
    }

    fn is_to_be_changed(&mut self, subscription: &Subscription) -> bool {
        let version = subscription.api_version.as_ref().map(|version| version.handle.as_str());
        let is_other = version.zip(self.served.as_deref()).is_some_and(|(version, served)| version != served);
        self.is_tried |= is_other;
        is_other && !self.was_tried
    }

    async fn note(self, asker: &Asker<'_>) -> Result<(), ReadError> {
        if let Some(served) = self.served.filter(|_| self.is_tried && !self.was_tried) {
            let journal = &asker.shopify.shared.journal;
            journal.save_account_cursor(NAME, asker.shop.as_str(), VERSION_TRIED, Some(served)).await?;
        }
        Ok(())
    }
}
