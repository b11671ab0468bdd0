//! Keeps a shop's tokens alive: access tokens live an hour, refresh tokens 90 days, and each refresh replaces both.
//!
//! Source: <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens>, and
//! the changelog of 2026-08-28: the old refresh token works until the new one is first used, so a lost answer is
//! recovered by asking again with the token that is stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use super::client::Client;
use super::names::NAME;
use super::payload::ShopDomain;
use super::token_endpoint::{TokenAnswer, refuses_app};
use crate::shared::channel::reader::ReadError;
use crate::shared::clock::{Clock, end_of_life};
use crate::shared::languages::say;
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::{Connections, Token, TokenKind};
use crate::shared::telemetry::alerts::{Alerts, Cause};

/// A token is refreshed this long before it expires, in milliseconds: as Shopify's own libraries do.
const EARLY_MS: i64 = 5 * 60 * 1000;

fn gone() -> ApiError {
    ApiError::TokenRejected { reason: say::shopify_token_dead() }
}

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How long a refresh token lives where the answer does not say, in milliseconds: 90 days, as documented.
const REFRESH_LIFE_MS: i64 = 90 * DAY_MS;

/// A refresh token with less than this left is replaced, whether or not a new access token is needed.
const RENEW_MS: i64 = REFRESH_LIFE_MS / 2;

/// A refresh token with less than this left, in spite of that, is somebody's business.
const NEAR_END_MS: i64 = 14 * DAY_MS;

/// Gives out access tokens that work. Cheap to clone.
#[derive(Clone)]
pub struct TokenKeeper {
    connections: Connections,
    client: Client,
    clock: Clock,
    alerts: Alerts,
    /// One lock per shop: of many who need a new token at once, one asks for it.
    locks: Arc<Mutex<HashMap<ShopDomain, Arc<tokio::sync::Mutex<()>>>>>,
    /// When a shop's old token could not be exchanged, in milliseconds since 1970: not tried again within a day.
    not_migrated: Arc<Mutex<HashMap<ShopDomain, i64>>>,
}

impl TokenKeeper {
    /// Keeps the tokens in this table.
    #[must_use]
    pub fn new(connections: Connections, client: Client, alerts: Alerts) -> Self {
        let clock = client.http.clock().clone();
        Self { connections, client, clock, alerts, locks: Arc::default(), not_migrated: Arc::default() }
    }

    /// An access token that does not expire within the next minutes, refreshed if need be.
    ///
    /// # Errors
    /// [`ApiError::TokenRejected`] when only a new login helps.
    pub async fn access_token(&self, shop: &ShopDomain) -> Result<SecretString, ReadError> {
        let token = self.stored(shop, TokenKind::Access).await?.ok_or(gone())?;
        if self.is_fresh(&token) {
            return Ok(token.secret);
        }
        self.renew(shop, &token.secret).await
    }

    /// A token to try once more with, after `refused` was refused.
    ///
    /// # Errors
    /// [`ApiError::TokenRejected`] when only a new login helps.
    pub async fn after_refusal(&self, shop: &ShopDomain, refused: &SecretString) -> Result<SecretString, ReadError> {
        let renewed = self.renew(shop, refused).await;
        let rejected = matches!(renewed, Err(ReadError::Api(ApiError::TokenRejected { .. })));
        if rejected && self.stored(shop, TokenKind::Refresh).await?.is_none() {
            // Refused, and nothing to renew it with: nothing is kept that opens nothing.
            self.connections.erase_tokens(NAME, shop.as_str()).await?;
        }
        renewed
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

    /// Keeps the login of a shop alive that nobody asks for anything: replaces a refresh token in the second half of its
    /// life, exchanges a token of the old kind, and tells somebody when the end comes near all the same.
    ///
    /// # Errors
    /// [`ApiError::TokenRejected`] when only a new login helps. That nothing could be renewed now is no error.
    pub async fn keep_alive(&self, shop: &ShopDomain) -> Result<(), ReadError> {
        let Some(access) = self.stored(shop, TokenKind::Access).await? else { return Err(gone().into()) };
        let due = match self.stored(shop, TokenKind::Refresh).await? {
            Some(refresh) => {
                let left = refresh.expires_at.map_or(i64::MAX, |at| at.saturating_sub(self.clock.now_ms()));
                self.note_end(shop, left);
                left < RENEW_MS
            }
            None => access.expires_at.is_none() && self.may_migrate(shop),
        };
        if !due {
            return Ok(());
        }
        match self.renew(shop, &access.secret).await {
            Ok(_) => Ok(()),
            // As long as there is a token, the platform says where it is used whether it works.
            Err(ReadError::Api(_)) if self.stored(shop, TokenKind::Access).await?.is_some() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the platform refused to renew this login for a reason that may pass, so that it is worth another try.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn may_revive(&self, shop: &ShopDomain) -> Result<bool, ReadError> {
        Ok(self.stored(shop, TokenKind::Refresh).await?.is_some())
    }

    /// Nobody refreshes this shop's tokens while the guard lives: a login replaces them.
    pub async fn hold(&self, shop: &ShopDomain) -> tokio::sync::OwnedMutexGuard<()> {
        let lock =
            Arc::clone(self.locks.lock().unwrap_or_else(PoisonError::into_inner).entry(shop.clone()).or_default());
        lock.lock_owned().await
    }

    async fn renew(&self, shop: &ShopDomain, instead_of: &SecretString) -> Result<SecretString, ReadError> {
        let _one_at_a_time = self.hold(shop).await;
        // Somebody else may have been faster.
        let current = self.stored(shop, TokenKind::Access).await?.ok_or(gone())?;
        if current.secret.expose_secret() != instead_of.expose_secret() && self.is_fresh(&current) {
            return Ok(current.secret);
        }
        let answer = match self.stored(shop, TokenKind::Refresh).await? {
            Some(refresh) => match self.client.refresh(shop, &refresh.secret).await {
                // The pair before this one is still there: its successor may never have reached the platform's records.
                Err(ApiError::TokenRejected { .. }) => match self.stored(shop, TokenKind::PreviousRefresh).await? {
                    Some(previous) => self.client.refresh(shop, &previous.secret).await,
                    None => Err(gone()),
                },
                answer => answer,
            },
            None => match self.migrate(shop, &current.secret).await {
                // The old token may go on working: whether it does, the platform says where it is used.
                Err(error @ ApiError::TokenRejected { .. }) => return Err(error.into()),
                answer => answer,
            },
        };
        match answer {
            Ok(answer) => {
                let secret = answer.access_token.clone();
                let (access, refresh) = split(answer, self.clock.now_ms());
                self.connections.replace_pair(NAME, shop.as_str(), access, refresh).await?;
                tracing::info!(shop = shop.as_str(), "a token was refreshed");
                self.alerts.heal(credentials_cause(shop));
                self.alerts.heal(end_cause(shop));
                Ok(secret)
            }
            Err(error) => Err(self.not_renewed(shop, error).await?.into()),
        }
    }

    /// Acts on a refusal to renew a login, and gives back what it means for whoever needs it.
    async fn not_renewed(&self, shop: &ShopDomain, error: ApiError) -> Result<ApiError, ReadError> {
        tracing::warn!(%error, shop = shop.as_str(), "a token was not refreshed");
        match error {
            // Dead for good: nothing is kept that opens nothing.
            ApiError::TokenRejected { .. } => {
                self.connections.erase_tokens(NAME, shop.as_str()).await?;
                self.alerts.heal(credentials_cause(shop));
                self.alerts.heal(end_cause(shop));
                Ok(gone())
            }
            // Said of an app that was uninstalled, and of a wrong secret of ours, which would be said of every shop. The
            // tokens stay: with the right secret they work again.
            ApiError::Refused { code } if refuses_app(&code) => {
                let sentence = format!(
                    "Shopify refuses this service when it renews the login of {shop}. Either the app was uninstalled \
                     there, or SHOPIFY_API_KEY and SHOPIFY_API_SECRET are not those of the app. It is tried again daily."
                );
                self.alerts.raise(credentials_cause(shop), &sentence);
                Ok(ApiError::TokenRejected { reason: say::shopify_not_renewed() })
            }
            error => Ok(error),
        }
    }

    /// Exchanges a token that does not expire. Whatever is answered but an outage: not tried again within a day.
    async fn migrate(&self, shop: &ShopDomain, old: &SecretString) -> Result<TokenAnswer, ApiError> {
        self.tried_to_migrate().insert(shop.clone(), self.clock.now_ms());
        match self.client.migrate(shop, old).await {
            Ok(answer) => {
                tracing::info!(shop = shop.as_str(), "a token of the old kind was exchanged for an expiring one");
                Ok(answer)
            }
            Err(ApiError::Refused { code }) if !refuses_app(&code) => {
                Err(ApiError::TokenRejected { reason: say::shopify_token_old_kind() })
            }
            Err(error) => Err(error),
        }
    }

    fn may_migrate(&self, shop: &ShopDomain) -> bool {
        let now_ms = self.clock.now_ms();
        self.tried_to_migrate().get(shop).is_none_or(|tried| now_ms - tried >= DAY_MS)
    }

    fn tried_to_migrate(&self) -> std::sync::MutexGuard<'_, HashMap<ShopDomain, i64>> {
        self.not_migrated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells, or takes back, that a refresh token has little time left.
    fn note_end(&self, shop: &ShopDomain, left_ms: i64) {
        if left_ms >= NEAR_END_MS {
            self.alerts.heal(end_cause(shop));
            return;
        }
        let days = left_ms.max(0) / DAY_MS;
        let sentence = format!(
            "The login of {shop} ends in {days} days and could not be renewed so far. After that its merchant has to \
             connect it again."
        );
        self.alerts.raise(end_cause(shop), &sentence);
    }

    fn is_fresh(&self, token: &Token) -> bool {
        token.expires_at.is_none_or(|at| at.saturating_sub(EARLY_MS) > self.clock.now_ms())
    }

    async fn stored(&self, shop: &ShopDomain, kind: TokenKind) -> Result<Option<Token>, ReadError> {
        Ok(self.connections.find_token(NAME, shop.as_str(), kind).await?)
    }
}

fn credentials_cause(shop: &ShopDomain) -> Cause {
    Cause::of_account(NAME, shop.as_str(), "credentials")
}

fn end_cause(shop: &ShopDomain) -> Cause {
    Cause::of_account(NAME, shop.as_str(), "login ends")
}

/// The two tokens of an answer, with their expiry. An access token whose life is not told is used until it is refused; a
/// refresh token is taken to live as long as documented.
#[must_use]
pub fn split(answer: TokenAnswer, now_ms: i64) -> (Token, Option<Token>) {
    let after = |seconds| end_of_life(now_ms, seconds);
    let refresh = answer.refresh_token.map(|secret| {
        let expires_at = answer.refresh_token_expires_in.map_or(now_ms.saturating_add(REFRESH_LIFE_MS), after);
        Token { secret, expires_at: Some(expires_at) }
    });
    (Token { secret: answer.access_token, expires_at: answer.expires_in.map(after) }, refresh)
}

#[cfg(test)]
mod tests;
