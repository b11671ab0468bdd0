//! `POST /facebook/deauthorize`, `POST /facebook/data-deletion`: a person removes the app, or wants their data erased.
//!
//! Both carry a signed request that names the person who logged in, our merchant. A customer's id never comes this way,
//! and would name nobody: it is another number.
//! Source: <https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback> (2026).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::config::Config;
use super::inbox::{self, NAME};
use super::state::Facebook;
use crate::meta::id::Id;
use crate::shared::erasure::Scope;
use crate::shared::languages::say;
use crate::shared::raw_json::Object;
use crate::shared::secrets::signature::Secrets;
use crate::shared::server::error::AppError;
use crate::shared::telemetry::once_per_second::OncePerSecond;

pub fn routes() -> Router<Arc<Facebook>> {
    Router::new()
        .route("/facebook/deauthorize", post(deauthorize))
        .route("/facebook/data-deletion", post(data_deletion))
}

/// The person removed the app: their tokens are dead. The Pages they connected are disconnected; files stay.
async fn deauthorize(State(facebook): State<Arc<Facebook>>, body: Bytes) -> Result<Json<Value>, AppError> {
    let signed = accept(&facebook.config, &body)?;
    let shared = &facebook.shared;
    let mut accounts = Vec::new();
    for (channel, account) in accounts_of(&facebook, &signed).await? {
        if shared.connections.find(channel, &account).await?.is_some() {
            accounts.push((channel.to_owned(), account));
        }
    }
    let code = shared.erasure.disconnect_all(accounts, "facebook deauthorize", Some(&signed.text)).await?;
    Ok(answer(&facebook, &code))
}

/// The person wants their data erased: everything that came through the Pages they connected. A Page that somebody else
/// connected since then is theirs, and stays.
async fn data_deletion(State(facebook): State<Arc<Facebook>>, body: Bytes) -> Result<Json<Value>, AppError> {
    let signed = accept(&facebook.config, &body)?;
    let erasure = &facebook.shared.erasure;
    let accounts = accounts_of(&facebook, &signed).await?;
    let scope = |(channel, account): (&str, String)| Scope::Account { channel: channel.to_owned(), account };
    let scopes = accounts.into_iter().map(scope).collect();
    let code = erasure.request(scopes, "facebook data deletion", Some(&signed.text)).await?;
    Ok(answer(&facebook, &code))
}

/// The Pages that a person had connected when the request was issued, and the Instagram accounts that came with them. A
/// request that comes late never hurts a newer login.
async fn accounts_of(facebook: &Facebook, signed: &SignedRequest) -> anyhow::Result<Vec<(&'static str, String)>> {
    let shared = &facebook.shared;
    let mut accounts = Vec::new();
    for row in &inbox::ALL {
        for account in shared.erasure.accounts_of_user(row.name, signed.user.as_str()).await? {
            let connected_at = shared.connections.find(row.name, &account).await?.map(|one| one.connected_at);
            let former = shared.erasure.former(row.name, &account).await?.map(|former| former.connected_at);
            let last_login = connected_at.max(former).unwrap_or_default();
            if signed.issued_at.is_none_or(|issued_at| last_login.div_euclid(1000) <= issued_at) {
                accounts.push((row.name, account));
            }
        }
    }
    Ok(accounts)
}

/// What Meta shows the person: a code, and where to see what became of the request.
fn answer(facebook: &Facebook, code: &str) -> Json<Value> {
    // Our pages are where the login comes back to, also below a prefix.
    let url = facebook.config.redirect_uri.join(&format!("../deletion/{code}"));
    let url = url.map_or_else(|_| format!("/deletion/{code}"), String::from);
    Json(json!({ "url": url, "confirmation_code": code }))
}

/// A signed request whose signature is right.
pub(super) struct SignedRequest {
    pub(super) user: Id,
    /// In seconds since 1970, where it is told.
    issued_at: Option<i64>,
    /// What was signed: the request's name, whatever stands beside it in the body.
    text: Vec<u8>,
}

fn accept(config: &Config, body: &[u8]) -> Result<SignedRequest, AppError> {
    parse(&config.app_secret, body).map_err(|reason| {
        static REFUSED: OncePerSecond = OncePerSecond::new();
        if let Some(unsaid) = REFUSED.should_log() {
            tracing::warn!(channel = NAME, reason, unsaid, "a signed request was refused");
        }
        AppError::BadRequest(say::facebook_not_signed())
    })
}

/// Reads the form field `signed_request`: `base64url(signature).base64url(json)`, both without padding. Signed is the
/// second part as it stands there, before it is decoded.
pub(super) fn parse(secrets: &Secrets, body: &[u8]) -> Result<SignedRequest, &'static str> {
    let mut fields = form_urlencoded::parse(body).filter(|(name, _)| name == "signed_request");
    let (Some((_, text)), None) = (fields.next(), fields.next()) else { return Err("not one signed request") };
    let Some((signature, payload)) = text.split_once('.') else { return Err("not two parts") };
    if payload.contains('.') {
        return Err("more than two parts");
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the signature is malformed")?;
    if signature.len() != 32 {
        return Err("the signature has another length");
    }
    if !secrets.verify_sha256(payload.as_bytes(), &signature) {
        return Err("the signature is wrong");
    }
    let json = URL_SAFE_NO_PAD.decode(payload).map_err(|_| "the payload is not base64url")?;
    let json = std::str::from_utf8(&json).map_err(|_| "the payload is not text")?;
    let object = Object::parse(json).ok_or("the payload is not an object")?;
    if object.text("algorithm").as_deref() != Some("HMAC-SHA256") {
        return Err("another algorithm");
    }
    // The cookie of a login in a page, and what a canvas or a tab is opened with, are signed in the same way.
    if ["code", "oauth_token", "page", "app_data"].iter().any(|member| object.has(member)) {
        return Err("a signed request for another purpose");
    }
    let user = object.text("user_id").and_then(|user| Id::parse(&user)).ok_or("no person is named")?;
    Ok(SignedRequest { user, issued_at: object.integer("issued_at"), text: payload.as_bytes().to_vec() })
}
