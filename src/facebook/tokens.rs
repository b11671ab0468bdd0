//! The life of tokens: what Facebook says about them, how a dead one is replaced, and when one is about to end.
//!
//! A Page's token is made from the long-lived token of the person who connected it and has no end of its own, but it dies
//! with their password, their role or the app's permissions. What a merchant has done at Facebook is found out by asking,
//! never assumed. Webhooks are taken in without any token.
//! Source: <https://developers.facebook.com/docs/facebook-login/guides/access-tokens> (2026).

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::inbox::{INSTAGRAM, NAME};
use super::refusal::token_reason;
use super::state::Facebook;
use crate::meta::id::Id;
use crate::meta::token::TokenInfo;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::ReadError;
use crate::shared::clock::end_of_life;
use crate::shared::languages::{Sentence, date_in_full, say};
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::store::{Status, Token, TokenKind};

/// How long before the end of a login the merchant is told.
const TOLD_BEFORE: TimeDelta = TimeDelta::days(7);

/// What Facebook says about a Page's token that works.
#[derive(Debug, Default)]
pub struct Grants {
    /// The app-scoped id of the person who connected it; `None`: not told.
    pub person: Option<String>,
    /// What was granted for this Page; `None`: not told.
    pub scopes: Option<Vec<String>>,
    /// When the token ends; most do not.
    pub token_ends: Option<DateTime<Utc>>,
    /// When the person must log in again for the Page's data to be read on: 90 days after they last did.
    pub data_ends: Option<DateTime<Utc>>,
}

/// The stored token of a Page. Where there is none that opens, a new one is asked for.
///
/// # Errors
/// [`ApiError::TokenRejected`] when there is none to be had.
pub async fn load(facebook: &Facebook, page: &Id) -> Result<SecretString, ReadError> {
    let stored = facebook.shared.connections.find_token(NAME, page.as_str(), TokenKind::Access).await?;
    if let Some(token) = stored {
        return Ok(token.secret);
    }
    let renewed = renew(facebook, page, None).await?;
    Ok(renewed.ok_or(ApiError::TokenRejected { reason: say::facebook_token_gone() })?)
}

/// Asks Facebook what it knows about a Page's token.
///
/// # Errors
/// [`ApiError::TokenRejected`] when it is dead; anything else when Facebook could not be asked. That it does not want to
/// tell is no error: the subscription and the reads say enough.
pub async fn examine(facebook: &Facebook, page: &Id, token: &SecretString) -> Result<Grants, ApiError> {
    let info = match facebook.client.debug_token(Patience::Background, token).await {
        Ok(info) => info,
        Err(error @ (ApiError::Unavailable(_) | ApiError::RateLimited { .. })) => return Err(error),
        Err(error) => {
            tracing::warn!(%error, page = page.as_str(), "Facebook does not tell about a token");
            return Ok(Grants::default());
        }
    };
    if !info.is_valid {
        let subcode = info.error.as_ref().map_or(0, |error| error.subcode);
        return Err(ApiError::TokenRejected { reason: token_reason(subcode) });
    }
    if info.app_id.0 != facebook.config.app_id {
        return Err(ApiError::TokenRejected { reason: say::facebook_token_another_app() });
    }
    Ok(Grants {
        person: Some(info.user_id.0.clone()).filter(|person| !person.is_empty()),
        token_ends: time_of(info.expires_at),
        data_ends: time_of(info.data_access_expires_at),
        scopes: scopes_of(&info, page),
    })
}

/// Seconds since 1970 as a time; 0 and what lies beyond the calendar say nothing.
pub(super) fn time_of(seconds: Option<i64>) -> Option<DateTime<Utc>> {
    seconds.filter(|at| *at > 0).and_then(|at| DateTime::from_timestamp(at, 0))
}

/// What was granted for this Page: a person may tick a permission and leave the Page out.
fn scopes_of(info: &TokenInfo, page: &Id) -> Option<Vec<String>> {
    let mut scopes = info.scopes.clone()?;
    scopes.retain(|scope| {
        let granular = info.granular_scopes.iter().find(|one| one.scope == *scope);
        // Without a list, all Pages are meant. The lists of these permissions may name Instagram accounts.
        let of_pages = granular.filter(|_| !INSTAGRAM.scopes.contains(&scope.as_str()));
        let targets = of_pages.and_then(|one| one.target_ids.as_ref());
        targets.is_none_or(|targets| targets.iter().any(|target| target.0 == page.as_str()))
    });
    Some(scopes)
}

/// What to say where the login has ended for reading, although the token works.
#[must_use]
pub fn ended(grants: &Grants, now: DateTime<Utc>) -> Option<Sentence> {
    let ended = grants.data_ends.filter(|end| *end <= now)?;
    Some(say::facebook_ended(date_in_full(ended.timestamp_millis())))
}

/// What to say where the login is about to end.
#[must_use]
pub fn ends_soon(grants: &Grants, now: DateTime<Utc>) -> Option<Sentence> {
    let end = [grants.token_ends, grants.data_ends].into_iter().flatten().min()?;
    (end <= now + TOLD_BEFORE).then(|| say::facebook_ends_soon(date_in_full(end.timestamp_millis())))
}

/// Asks for a new token of a Page with the stored token of the person, and stores it. `None`: there is none to be had.
///
/// # Errors
/// [`ReadError`] when Facebook could not be asked: then nothing is known yet.
pub async fn renew(
    facebook: &Facebook,
    page: &Id,
    dead: Option<&SecretString>,
) -> Result<Option<SecretString>, ReadError> {
    let connections = &facebook.shared.connections;
    let Some(user) = connections.find_token(NAME, page.as_str(), TokenKind::User).await? else { return Ok(None) };
    let pages = facebook.client.fetch_pages(Patience::Background, &user.secret).await;
    let found = match pages.find(|one| one.id == page.as_str()) {
        // It may belong to a business portfolio, and not be listed.
        Ok(None) => facebook.client.fetch_page_of_person(Patience::Background, page, &user.secret).await.map(Some),
        found => found,
    };
    let found = match found {
        Ok(found) => found.and_then(|one| one.access_token),
        // The person's token is dead too, or has no access to the Page any more.
        Err(error) if error.is_refusal() => None,
        Err(error) => return Err(error.into()),
    };
    let is_new = |token: &SecretString| dead.is_none_or(|dead| dead.expose_secret() != token.expose_secret());
    let Some(token) = found.filter(is_new) else { return Ok(None) };
    let stored = Token { secret: token.clone(), expires_at: None };
    connections.replace_pair(NAME, page.as_str(), stored, None).await?;
    connections.forget_previous(NAME, page.as_str()).await?;
    tracing::info!(page = page.as_str(), "a Page's token was dead and was replaced with the person's");
    Ok(Some(token))
}

/// Makes a login last that a short-lived token of the person was stored for, and gives the Page's new token.
///
/// # Errors
/// [`ReadError`] when Facebook could not be asked. That it refuses is no error: the token that is stored lives for hours, and
/// then says so itself.
pub async fn lengthen(facebook: &Facebook, page: &Id) -> Result<Option<SecretString>, ReadError> {
    let (client, connections) = (&facebook.client, &facebook.shared.connections);
    let Some(short) = connections.find_token(NAME, page.as_str(), TokenKind::User).await? else { return Ok(None) };
    let long = match client.exchange_for_long_lived(&short.secret).await {
        Err(error) if error.is_refusal() => {
            tracing::warn!(%error, page = page.as_str(), "a login was not made to last");
            return Ok(None);
        }
        long => long?,
    };
    let token = client.fetch_page_of_person(Patience::Background, page, &long.access_token).await?.access_token;
    let expires_at = long.expires_in.map(|seconds| end_of_life(facebook.shared.clock.now_ms(), seconds));
    let stored = Token { secret: long.access_token, expires_at };
    connections.set_token(NAME, page.as_str(), TokenKind::User, stored).await?;
    if let Some(token) = &token {
        let stored = Token { secret: token.clone(), expires_at: None };
        connections.set_token(NAME, page.as_str(), TokenKind::Access, stored).await?;
    }
    Ok(token)
}

/// Looks whether a login that was dead lives again: the person has confirmed the account at Facebook, or has their role
/// back. The dead token is not used for it, it is only asked about.
///
/// # Errors
/// [`ReadError`] when Facebook could not be asked.
pub async fn revive(facebook: &Facebook) -> Result<(), ReadError> {
    let shared = &facebook.shared;
    for connection in shared.connections.list().await? {
        if connection.channel != NAME || connection.status != Status::NeedsReconnect {
            continue;
        }
        let Some(page) = Id::parse(&connection.account) else { continue };
        let Some(token) = shared.connections.find_token(NAME, page.as_str(), TokenKind::Access).await? else {
            continue;
        };
        match examine(facebook, &page, &token.secret).await {
            // Told for certain: an answer that says nothing brings nobody back.
            Ok(Grants { scopes: Some(_), .. }) => {
                tracing::info!(page = page.as_str(), "a dead login lives again");
                shared.connections.set_status(NAME, page.as_str(), Status::Connected, None).await?;
                for request in [ReadRequest::HourlyCheck, ReadRequest::Everything] {
                    shared.journal.request_read(NAME, page.as_str(), request, shared.clock.now_ms()).await?;
                }
            }
            Ok(_) | Err(ApiError::TokenRejected { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_of_a_page_counts_where_the_page_was_ticked_and_one_of_instagram_always() {
        let info: TokenInfo = serde_json::from_value(serde_json::json!({
            "scopes": ["pages_messaging", "pages_show_list", "instagram_basic", "business_management"],
            "granular_scopes": [
                { "scope": "pages_messaging", "target_ids": ["2"] },
                { "scope": "pages_show_list", "target_ids": ["1", "2"] },
                { "scope": "instagram_basic", "target_ids": ["17840000000000001"] }
            ]
        }))
        .expect("it is what Facebook sends");
        let page = Id::parse("1").expect("an id");
        assert_eq!(
            scopes_of(&info, &page).expect("told"),
            ["pages_show_list", "instagram_basic", "business_management"]
        );
    }
}
