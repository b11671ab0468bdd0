//! What the channel's code is given, and how it asks a shop.

use std::sync::Arc;

use axum::extract::FromRef;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::catalogue::locks::Locks;
use super::client::{Asked, Client, Query};
use super::closed::Closed;
use super::config::Config;
use super::names::NAME;
use super::payload::ShopDomain;
use super::tokens::TokenKeeper;
use crate::shared::channel::context::Shared;
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::server::webhook_intake::Intake;

/// What the channel's code is given.
pub struct Shopify {
    /// What every channel is given.
    pub shared: Shared,
    /// The settings.
    pub config: Arc<Config>,
    /// The platform.
    pub client: Client,
    /// Where deliveries go.
    pub intake: Intake,
    /// The tokens of all shops.
    pub tokens: TokenKeeper,
    /// A lock for each shop's catalogue.
    pub locks: Locks,
    /// Shops that said only minutes ago that they are closed.
    pub closed: Closed,
}

impl Shopify {
    /// Opens the channel with these settings.
    #[must_use]
    pub fn new(shared: &Shared, config: Config) -> Arc<Self> {
        let config = Arc::new(config);
        let http = shared.http.counted(NAME, &shared.metrics);
        let client = Client::new(http, Arc::clone(&config), shared.alerts.clone());
        Arc::new(Self {
            shared: shared.clone(),
            intake: Intake::new(shared, NAME),
            tokens: TokenKeeper::new(shared.connections.clone(), client.clone(), shared.alerts.clone()),
            client,
            config,
            locks: Locks::default(),
            closed: Closed::default(),
        })
    }

    /// Asks a connected shop with a token that works: one that is refused is replaced, once.
    ///
    /// # Errors
    /// [`ReadError`]; [`ApiError::TokenRejected`] when only a new login helps.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        patience: Patience,
        shop: &ShopDomain,
        query: Query,
        variables: Value,
    ) -> Result<Asked<T>, ReadError> {
        let Self { client, tokens, .. } = self;
        let mut token = tokens.access_token(shop).await?;
        let asked = match client.ask(patience, shop, &token, query, variables.clone()).await {
            Err(ApiError::TokenRejected { .. }) => {
                token = tokens.after_refusal(shop, &token).await?;
                client.ask(patience, shop, &token, query, variables).await
            }
            asked => asked,
        };
        if matches!(asked, Err(ApiError::Paused { .. })) {
            self.closed.note(shop, self.shared.clock.now_ms());
        }
        let asked = asked?;
        tokens.has_worked(shop, &token).await?;
        Ok(asked)
    }
}

impl FromRef<Arc<Shopify>> for Shared {
    fn from_ref(shopify: &Arc<Shopify>) -> Self {
        shopify.shared.clone()
    }
}
