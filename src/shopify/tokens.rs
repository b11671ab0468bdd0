//! Keeps a shop's tokens alive: access tokens live an hour, refresh tokens 90 days, and each refresh replaces both.
//!
//! Source: <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens>, and
//! the changelog of 2026-08-28: the old refresh token works until the new one is first used, so a lost answer is
//! recovered by asking again with the token that is stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{Asked, Client, Query, TokenAnswer};
use super::payload::ShopDomain;
use super::{NAME, Shopify};
use crate::shared::ReadError;
use crate::shared::api::{ApiError, Patience};
use crate::shared::clock::Clock;
use crate::shared::store::connections::Token;
use crate::shared::store::{Connections, TokenKind};

/// A token is refreshed this long before it expires, in milliseconds: as Shopify's own libraries do.
const EARLY_MS: i64 = 5 * 60 * 1000;

const GONE: ApiError =
    ApiError::TokenRejected { reason: "Shopify refuses the stored login. Please connect the shop again." };

/// Gives out access tokens that work. Cheap to clone.
#[derive(Clone)]
pub struct TokenKeeper {
    connections: Connections,
    client: Client,
    clock: Clock,
    /// One lock per shop: of many who need a new token at once, one asks for it.
    locks: Arc<Mutex<HashMap<ShopDomain, Arc<tokio::sync::Mutex<()>>>>>,
}

impl TokenKeeper {
    /// Keeps the tokens in this table.
    #[must_use]
    pub fn new(connections: Connections, client: Client, clock: Clock) -> Self {
        Self { connections, client, clock, locks: Arc::default() }
    }

    /// An access token that does not expire within the next minutes, refreshed if need be.
    ///
    /// # Errors
    /// [`ApiError::TokenRejected`] when only a new login helps.
    pub async fn access_token(&self, shop: &ShopDomain) -> Result<SecretString, ReadError> {
        let token = self.stored(shop, TokenKind::Access).await?.ok_or(GONE)?;
        if self.is_fresh(&token) {
            return Ok(token.secret);
        }
        self.refresh(shop, &token.secret).await
    }

    /// A token to try once more with, after `refused` was refused.
    ///
    /// # Errors
    /// [`ApiError::TokenRejected`] when only a new login helps.
    pub async fn after_refusal(&self, shop: &ShopDomain, refused: &SecretString) -> Result<SecretString, ReadError> {
        self.refresh(shop, refused).await
    }

    /// This access token has worked: if it is the stored one, the pair before it is not needed any more. An answer to a
    /// question from before the last refresh proves nothing about the new pair.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_worked(&self, shop: &ShopDomain, used: &SecretString) -> Result<(), ReadError> {
        if self.stored(shop, TokenKind::PreviousRefresh).await?.is_some()
            && let Some(current) = self.stored(shop, TokenKind::Access).await?
            && current.secret.expose_secret() == used.expose_secret()
        {
            self.connections.forget_previous(NAME, shop.as_str()).await?;
        }
        Ok(())
    }

    async fn refresh(&self, shop: &ShopDomain, instead_of: &SecretString) -> Result<SecretString, ReadError> {
        let lock =
            Arc::clone(self.locks.lock().unwrap_or_else(PoisonError::into_inner).entry(shop.clone()).or_default());
        let _one_at_a_time = lock.lock().await;
        // Somebody else may have been faster.
        let current = self.stored(shop, TokenKind::Access).await?.ok_or(GONE)?;
        if current.secret.expose_secret() != instead_of.expose_secret() && self.is_fresh(&current) {
            return Ok(current.secret);
        }
        let Some(refresh) = self.stored(shop, TokenKind::Refresh).await? else { return Err(GONE.into()) };
        let answer = match self.client.refresh(shop, &refresh.secret).await {
            // The pair before this one is still there: its successor may never have reached the platform's records.
            Err(ApiError::TokenRejected { .. }) => match self.stored(shop, TokenKind::PreviousRefresh).await? {
                Some(previous) => self.client.refresh(shop, &previous.secret).await,
                None => Err(GONE),
            },
            answer => answer,
        };
        let answer =
            answer.inspect_err(|error| tracing::warn!(%error, shop = shop.as_str(), "a token was not refreshed"))?;
        let secret = answer.access_token.clone();
        let (access, refresh) = split(answer, self.clock.now_ms());
        self.connections.replace_pair(NAME, shop.as_str(), access, refresh).await?;
        tracing::info!(shop = shop.as_str(), "a token was refreshed");
        Ok(secret)
    }

    fn is_fresh(&self, token: &Token) -> bool {
        token.expires_at.is_none_or(|at| at - EARLY_MS > self.clock.now_ms())
    }

    async fn stored(&self, shop: &ShopDomain, kind: TokenKind) -> Result<Option<Token>, ReadError> {
        Ok(self.connections.find_token(NAME, shop.as_str(), kind).await?)
    }
}

impl Shopify {
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
                client.ask(patience, shop, &token, query, variables).await?
            }
            asked => asked?,
        };
        tokens.has_worked(shop, &token).await?;
        Ok(asked)
    }
}

/// The two tokens of an answer, with their expiry. A lifetime that is not told is no expiry.
#[must_use]
pub fn split(answer: TokenAnswer, now_ms: i64) -> (Token, Option<Token>) {
    let expires = |seconds: Option<i64>| seconds.map(|seconds| now_ms.saturating_add(seconds.saturating_mul(1000)));
    let refresh =
        answer.refresh_token.map(|secret| Token { secret, expires_at: expires(answer.refresh_token_expires_in) });
    (Token { secret: answer.access_token, expires_at: expires(answer.expires_in) }, refresh)
}
