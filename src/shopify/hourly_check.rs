//! The hourly look at a shop: is its login alive, what was granted, does it still deliver, is it still the same shop?
//!
//! What is found wrong becomes the connection's problem, in words, and goes when it is mended; nobody has to press
//! anything. Reading the catalogue is left to `sync.rs`, which is asked to where something may have been missed.

use std::sync::Arc;

use serde_json::{Value, json};

use super::catalogue::session::{self, ShopInfo};
use super::client::Query;
use super::names::{NAME, SCOPES, is_granted};
use super::payload::ShopDomain;
use super::refusal::CLOSED_PAUSE;
use super::state::Shopify;
use super::subscriptions::Asker;
use super::{late_login, subscriptions, uninstalled};
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::Job;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::ReadError;
use crate::shared::languages::{Sentence, say};
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::store::{Status, Trouble, TroubleSource};
use crate::shared::telemetry::alerts::Cause;

/// When refused logins are tried again: once a day, at a quiet time.
const REVIVE_CRON: &str = "53 4 * * *";

/// Looks at a shop: renews its login where that is due, stores what is granted at this moment, and repairs its webhook
/// subscriptions. What was missed meanwhile is read.
///
/// # Errors
/// [`ReadError`] when the shop cannot be asked.
pub async fn run(shopify: &Shopify, shop: &ShopDomain) -> Result<(), ReadError> {
    let shared = &shopify.shared;
    let Some(connection) = shared.connections.find(NAME, shop.as_str()).await? else { return Ok(()) };
    shopify.tokens.keep_alive(shop).await?;
    let info: ShopInfo = shopify.ask(Patience::Background, shop, Query::SHOP_INFO, json!({})).await?.data;
    session::ensure_same_shop(shop, &info)?;
    // A list that is empty or absent says nothing: without a single scope there would be no installation.
    let scopes = info.scopes().filter(|scopes| !scopes.is_empty()).unwrap_or_else(|| connection.scopes.clone());
    if scopes != connection.scopes {
        shared.connections.set_scopes(NAME, shop.as_str(), scopes.clone()).await?;
    }
    let gained: Vec<&str> = SCOPES
        .into_iter()
        .filter(|scope| is_granted(scope, &scopes) && !is_granted(scope, &connection.scopes))
        .collect();

    let ensured = subscriptions::ensure(&Asker::of_stored(shopify, shop), &scopes).await?;
    let wanted = subscriptions::wanted(&scopes);
    let repaired = ensured.created > 0;
    let known = shared.journal.note_subscriptions(NAME, shop.as_str(), &wanted, &ensured.refused, repaired).await?;
    let (created, deleted) = (ensured.created, ensured.deleted);
    if (repaired && known) || deleted > 0 {
        tracing::warn!(shop = shop.as_str(), created, deleted, "webhook subscriptions were not as wanted; repaired");
    }
    shared.alerts.heal(uninstalled::contradiction(shop));
    alert_of_subscriptions(shopify, shop, &ensured.refused);
    if !gained.is_empty() || (repaired && known) {
        shared.journal.request_read(NAME, shop.as_str(), ReadRequest::Everything, shared.clock.now_ms()).await?;
    }

    let problem = problem(&scopes, &ensured.refused);
    // A read that was denied something says so in its own words, and only a read that is complete takes them back.
    let is_left_to_a_read = connection.is_troubled_by(TroubleSource::Read) && problem.is_none();
    if connection.status_reason() != problem && !is_left_to_a_read {
        let problem = problem.map(|problem| Trouble::new(TroubleSource::Check, problem));
        shared.connections.set_problem(NAME, shop.as_str(), problem).await?;
    }
    if connection.is_troubled_by(TroubleSource::Pause) {
        shared.journal.request_read(NAME, shop.as_str(), ReadRequest::Everything, shared.clock.now_ms()).await?;
    }
    if !shared.journal.list_still_to_come(NAME, shop.as_str()).await?.is_empty() {
        late_login::finish(shopify, shop, info).await?;
        shared.journal.note_still_to_come(NAME, shop.as_str(), &[]).await?;
        tracing::info!(shop = shop.as_str(), "a login is done to its end");
    }
    Ok(())
}

/// Tries the logins once more, once a day, that the platform refused to renew for a reason that may be our own: a wrong
/// secret must not cost a merchant the connection.
pub fn revive_job(shopify: &Arc<Shopify>) -> Job {
    let shopify = Arc::clone(shopify);
    Job {
        name: format!("revive {NAME}"),
        cron: REVIVE_CRON.to_owned(),
        run: Arc::new(move || {
            let shopify = Arc::clone(&shopify);
            Box::pin(async move {
                for connection in shopify.shared.connections.list().await? {
                    if connection.channel != NAME || connection.status != Status::NeedsReconnect {
                        continue;
                    }
                    let Some(shop) = ShopDomain::parse(&connection.account) else { continue };
                    if let Err(error) = revive(&shopify, &shop).await {
                        tracing::info!(%error, shop = shop.as_str(), "a refused login is still refused");
                    }
                }
                Ok(())
            })
        }),
    }
}

async fn revive(shopify: &Shopify, shop: &ShopDomain) -> Result<(), ReadError> {
    if !shopify.tokens.may_revive(shop).await? {
        return Ok(());
    }
    shopify.ask::<Value>(Patience::Background, shop, Query::SHOP_INFO, json!({})).await?;
    let Shared { connections, journal, clock, .. } = &shopify.shared;
    connections.set_status(NAME, shop.as_str(), Status::Connected, None).await?;
    tracing::info!(shop = shop.as_str(), "a login that was refused works again");
    for request in [ReadRequest::HourlyCheck, ReadRequest::Everything] {
        journal.request_read(NAME, shop.as_str(), request, clock.now_ms()).await?;
    }
    Ok(())
}

/// Single objects of a shop that is closed are not asked for: the hourly look and whole reads find out when it is open
/// again, and everything is read then. A shop that delivers may be open already, so it is asked about itself first, unless
/// it said only minutes ago that it is closed.
///
/// # Errors
/// [`ApiError::Paused`].
pub async fn ensure_open(shopify: &Shopify, shop: &ShopDomain) -> Result<(), ReadError> {
    let connection = shopify.shared.connections.find(NAME, shop.as_str()).await?;
    let reason = match connection.and_then(|connection| connection.trouble) {
        Some(Trouble { source: TroubleSource::Pause, words }) => words,
        _ => return Ok(()),
    };
    if shopify.closed.said_lately(shop, shopify.shared.clock.now_ms()) {
        return Err(ApiError::Paused { reason, retry_after: CLOSED_PAUSE }.into());
    }
    let info: ShopInfo = shopify.ask(Patience::Background, shop, Query::SHOP_INFO, json!({})).await?.data;
    Ok(session::ensure_same_shop(shop, &info)?)
}

/// What is wrong with a connection that has these scopes and was refused these topics, in words for the merchant.
#[must_use]
pub fn problem(scopes: &[String], refused_topics: &[&str]) -> Option<Sentence> {
    let missing: Vec<&str> = SCOPES.into_iter().filter(|scope| !is_granted(scope, scopes)).collect();
    let mut problems = Vec::new();
    if !missing.is_empty() {
        problems.push(say::shopify_permission_missing(missing.join(", ")));
    }
    if !refused_topics.is_empty() {
        problems.push(say::shopify_not_delivered(refused_topics.join(", ")));
    }
    problems.into_iter().reduce(say::problems)
}

/// Says, or takes back, that the shop does not deliver everything.
pub fn alert_of_subscriptions(shopify: &Shopify, shop: &ShopDomain, refused: &[&str]) {
    let cause = Cause::of_account(NAME, shop.as_str(), "subscriptions");
    if refused.is_empty() {
        shopify.shared.alerts.heal(&cause);
    } else {
        let sentence = format!(
            "Shopify refuses to deliver {} of {shop}. What these webhooks would bring is found by the daily poll; they \
             are asked for again every hour.",
            refused.join(", ")
        );
        shopify.shared.alerts.raise(&cause, &sentence);
    }
}
