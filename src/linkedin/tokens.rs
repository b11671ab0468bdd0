//! The life of tokens: an access token lives for 60 days. Where the app has a refresh token, new ones are made a week before, and
//! where one is refused; the refresh token itself ends 365 days after the login, and nothing prolongs it.
//!
//! The pair that was made is kept sealed and used until the settings name other tokens.
//! Source: <https://learn.microsoft.com/linkedin/shared/authentication/programmatic-refresh-tokens> (2026).

use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::config::Config;
use super::names::NAME;
use super::state::Linkedin;
use crate::shared::channel::reader::ReadError;
use crate::shared::clock::end_of_life;
use crate::shared::languages::say;
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::{Connections, Token, TokenKind};
use crate::shared::telemetry::alerts::Cause;

/// Under which name it is kept when the token was last asked about.
const ASKED_AT: &str = "introspected";

/// Tokens are asked about once a day, in milliseconds.
const ASK_EVERY_MS: i64 = 24 * 60 * 60 * 1000;

/// So long before its end a token is renewed.
const RENEWED_BEFORE: TimeDelta = TimeDelta::days(7);

/// So long before an end that only a person can put off somebody is told, and told again.
const TOLD_BEFORE: [(&str, TimeDelta); 2] =
    [("token_ends", TimeDelta::days(14)), ("token_ends_soon", TimeDelta::days(3))];

/// The access token to use: one that was made from the settings' tokens, else theirs.
///
/// # Errors
/// [`ReadError`] when the databases cannot be used.
pub async fn load(linkedin: &Linkedin) -> Result<SecretString, ReadError> {
    if let Some(newest) = linkedin.tokens.newest() {
        return Ok(newest);
    }
    Ok(match stored(linkedin, TokenKind::Access).await? {
        Some(token) => token.secret,
        None => linkedin.config.access_token.clone(),
    })
}

async fn stored(linkedin: &Linkedin, kind: TokenKind) -> Result<Option<Token>, ReadError> {
    Ok(find_made(&linkedin.config, &linkedin.shared.connections, kind).await?)
}

/// A token that was made from the tokens that these settings name. Of a pair that was made from others none is given.
///
/// # Errors
/// When the database fails, or the key does not open what is there.
pub async fn find_made(config: &Config, connections: &Connections, kind: TokenKind) -> anyhow::Result<Option<Token>> {
    let account = config.organization.as_str();
    let made_from = connections.find_token(NAME, account, TokenKind::MadeFrom).await?;
    if made_from.is_none_or(|made_from| made_from.secret.expose_secret() != config.tokens_hash()) {
        return Ok(None);
    }
    connections.find_token(NAME, account, kind).await
}

/// Makes a new access token. `refused`: the one that does not work any more, or soon; somebody else may have replaced it
/// meanwhile. `None`: the app has no refresh token.
///
/// # Errors
/// [`ApiError::TokenRejected`] where the refresh token is dead.
pub async fn renew(linkedin: &Linkedin, refused: &SecretString) -> Result<Option<SecretString>, ReadError> {
    let _alone = linkedin.tokens.renewing.lock().await;
    let known = load(linkedin).await?;
    if known.expose_secret() != refused.expose_secret() {
        return Ok(Some(known));
    }
    let refresh = match stored(linkedin, TokenKind::Refresh).await? {
        Some(token) => Some(token.secret),
        None => linkedin.config.refresh_token.clone(),
    };
    let Some(refresh) = refresh else { return Ok(None) };
    let issued = linkedin.client.refresh(&refresh).await?;
    let now_ms = linkedin.shared.clock.now_ms();
    let end = |seconds: Option<i64>| seconds.map(|seconds| end_of_life(now_ms, seconds));
    let access = Token { secret: issued.access_token.clone(), expires_at: end(issued.expires_in) };
    let next = issued.refresh_token.unwrap_or(refresh);
    let refresh = Token { secret: next, expires_at: end(issued.refresh_token_expires_in) };
    linkedin.tokens.set_newest(issued.access_token.clone());
    keep(linkedin, access, refresh).await?;
    tracing::info!("the page's token was renewed");
    Ok(Some(issued.access_token))
}

/// Keeps a pair, sealed, if there is an account to which it belongs.
async fn keep(linkedin: &Linkedin, access: Token, refresh: Token) -> Result<(), ReadError> {
    let (shared, account) = (&linkedin.shared, linkedin.account());
    if shared.connections.find(NAME, account).await?.is_none() {
        return Ok(());
    }
    // The platform does not end the pair before, so there is no other one to go back to.
    shared.connections.set_token(NAME, account, TokenKind::Access, access).await?;
    shared.connections.set_token(NAME, account, TokenKind::Refresh, refresh).await?;
    let made_from = Token { secret: linkedin.config.tokens_hash().into(), expires_at: None };
    shared.connections.set_token(NAME, account, TokenKind::MadeFrom, made_from).await?;
    Ok(())
}

/// Carries out a call with the token; where that is refused, once more with a new one.
///
/// # Errors
/// What the call returned.
pub async fn with_token<T, F>(linkedin: &Linkedin, call: impl Fn(SecretString) -> F) -> Result<T, ReadError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    let token = load(linkedin).await?;
    match call(token.clone()).await {
        Err(error @ ApiError::TokenRejected { .. }) => match renew(linkedin, &token).await? {
            Some(token) => Ok(call(token).await?),
            None => Err(error.into()),
        },
        outcome => Ok(outcome?),
    }
}

/// Asks LinkedIn about the token, once a day: renews one that ends soon, and tells somebody of an end that nobody else can put
/// off. `is_start`: it is asked whenever the service starts, too.
///
/// # Errors
/// [`ApiError::TokenRejected`] where the token is dead and no new one is to be had.
pub async fn look(linkedin: &Linkedin, is_start: bool) -> Result<(), ReadError> {
    let (journal, account) = (&linkedin.shared.journal, linkedin.account());
    let now_ms = linkedin.shared.clock.now_ms();
    let asked_at = journal.find_account_cursor(NAME, account, ASKED_AT).await?;
    let asked_at: Option<i64> = asked_at.and_then(|at| at.parse().ok());
    // A clock that was set back must not put it off for ever.
    if !is_start && asked_at.is_some_and(|at| (at..at.saturating_add(ASK_EVERY_MS)).contains(&now_ms)) {
        return Ok(());
    }
    let mut token = load(linkedin).await?;
    let mut told = match linkedin.client.introspect(&token).await {
        Ok(told) => told,
        // The calls themselves show whether the token works.
        Err(ApiError::Refused { code }) => {
            tracing::warn!(code, "LinkedIn does not tell about the page's token");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let now = linkedin.shared.clock.now();
    let end_of = |seconds: Option<i64>| seconds.and_then(|at| DateTime::from_timestamp(at, 0));
    let is_soon = end_of(told.expires_at).is_some_and(|end| end <= now + RENEWED_BEFORE);
    if !told.active || is_soon {
        match renew(linkedin, &token).await {
            Ok(Some(new)) => {
                token = new;
                told = linkedin.client.introspect(&token).await?;
            }
            Ok(None) => {}
            Err(ReadError::Api(ApiError::TokenRejected { reason })) if told.active => {
                tracing::warn!(%reason, "the page's token ends soon and cannot be renewed");
            }
            Err(error) => return Err(error),
        }
    }
    if !told.active {
        return Err(ApiError::TokenRejected { reason: say::linkedin_token_refused() }.into());
    }
    warn_of_end(linkedin, end_of(told.expires_at), now).await?;
    journal.save_account_cursor(NAME, account, ASKED_AT, Some(now_ms.to_string())).await?;
    Ok(())
}

/// Somebody is told two weeks and three days before the end that only they can put off: of the refresh token, or of the access
/// token where there is none.
async fn warn_of_end(linkedin: &Linkedin, access: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), ReadError> {
    let has_refresh = linkedin.config.refresh_token.is_some();
    let (what, end) = match has_refresh {
        true => {
            let refresh = stored(linkedin, TokenKind::Refresh).await?.and_then(|token| token.expires_at);
            ("LINKEDIN_REFRESH_TOKEN", refresh.and_then(DateTime::from_timestamp_millis))
        }
        false => ("LINKEDIN_ACCESS_TOKEN", access),
    };
    for (kind, before) in TOLD_BEFORE {
        let cause = Cause::of_account(NAME, linkedin.account(), kind);
        match end.filter(|end| *end <= now + before) {
            Some(end) => linkedin.shared.alerts.raise(
                &cause,
                &format!(
                    "{what} ends on {}: a person logs in anew and puts the new token there. After that nothing is sent; \
                     notifications are still taken in.",
                    end.format("%-d %B %Y")
                ),
            ),
            None => linkedin.shared.alerts.heal(&cause),
        }
    }
    Ok(())
}
