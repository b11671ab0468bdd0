//! `app/uninstalled`: the app was removed from a shop.
//!
//! Only the body of a delivery is signed, and deliveries come late and again. So the message alone disconnects nothing:
//! it must be younger than the last login, and the API must refuse the token. A shop that was installed again in the
//! meantime is not hurt by the farewell of its older installation.
//!
//! Source: <https://shopify.dev/docs/api/webhooks> (2026), topic `app/uninstalled`.

use serde_json::{Value, json};

use super::client::Query;
use super::names::NAME;
use super::payload::ShopDomain;
use super::refusal;
use super::state::Shopify;
use crate::shared::channel::context::Shared;
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::telemetry::alerts::Cause;

/// Looks into a message of this time (milliseconds since 1970) that the app was removed from this shop. If it is true, the shop is disconnected: tokens erased,
/// reading stopped, sessions ended. Its files stay, and so does the knowledge whose they are, until Shopify asks for
/// their deletion.
///
/// # Errors
/// [`ReadError`] when the shop cannot be asked: it is looked into again later.
pub async fn look_into(shopify: &Shopify, shop: &ShopDomain, said_at: i64) -> Result<(), ReadError> {
    let Shared { connections, alerts, erasure, .. } = &shopify.shared;
    let Some(connection) = connections.find(NAME, shop.as_str()).await? else { return Ok(()) };
    if said_at <= connection.connected_at {
        tracing::info!(shop = shop.as_str(), "an uninstall from before the last login is of no concern");
        return Ok(());
    }
    if !is_login_refused(shopify, Patience::Background, shop).await? {
        let sentence = format!(
            "A message says that the app was removed from {shop}, but Shopify takes its login as before. Nothing was \
             disconnected."
        );
        alerts.raise(contradiction(shop), &sentence);
        return Ok(());
    }
    erasure.sign_out(connection.merchant).await?;
    erasure.disconnect(NAME, shop.as_str(), "app/uninstalled").await?;
    Ok(())
}

/// Whether Shopify takes this shop's login no more: the only proof that the app is not installed there.
///
/// # Errors
/// [`ReadError`] when the shop cannot be asked.
pub async fn is_login_refused(shopify: &Shopify, patience: Patience, shop: &ShopDomain) -> Result<bool, ReadError> {
    match shopify.ask::<Value>(patience, shop, Query::SHOP_INFO, json!({})).await {
        Err(ReadError::Api(ApiError::TokenRejected { .. })) => Ok(true),
        // A shop that is gone altogether knows no login either.
        Err(ReadError::Api(error)) if refusal::is_no_shop(&error) => Ok(true),
        Err(error) => Err(error),
        Ok(_) => Ok(false),
    }
}

/// The cause of the alert that an uninstall was not believed. The next look at a living shop takes it back.
pub fn contradiction(shop: &ShopDomain) -> Cause {
    Cause::of_account(NAME, shop.as_str(), "uninstall")
}
