//! The session cookie, and who is behind it.

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use super::cookies;
use super::error::{AppError, wants_html};
use crate::shared::channel::context::Shared;
use crate::shared::logins::random_hex;
use crate::shared::secrets::signature::{sign_sha256, to_hex};
use crate::shared::secrets::vault::{Purpose, Vault};
use crate::shared::store::Session;
use crate::shared::store::sessions::ABSOLUTE_MS;

/// The cookie's name. Scripts depend on it, so it has no `__Host-` even where our pages are https.
const COOKIE: &str = "session_id";

/// The merchant who is logged in with this browser, if any.
pub struct CurrentMerchant(pub Option<Session>);

impl CurrentMerchant {
    /// The session.
    ///
    /// # Errors
    /// 401 with `sentence` if there is none.
    pub fn required(self, sentence: &'static str) -> Result<Session, AppError> {
        self.0.ok_or(AppError::Unauthorized(sentence))
    }
}

/// The session of a merchant who is signed in. Without one, a page leads to the start page, which says so.
pub struct SignedIn(pub Session);

/// Where a browser goes whose session has ended.
const ENDED: &str = "/?session=ended";

/// The living session of the browser that sent these headers.
///
/// # Errors
/// What to answer where there is none: to a browser the way to the start page, to anything else a 401.
pub async fn signed_in(shared: &Shared, headers: &HeaderMap) -> Result<Session, Response> {
    match find(shared, headers).await {
        Ok(Some(session)) => Ok(session),
        Ok(None) if wants_html(headers) => Err(Redirect::to(ENDED).into_response()),
        Ok(None) => Err(AppError::Unauthorized("You are not signed in.").into_response()),
        Err(error) => Err(error.into_response()),
    }
}

impl<S> FromRequestParts<S> for CurrentMerchant
where
    Shared: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        find(&Shared::from_ref(state), &parts.headers).await.map(Self)
    }
}

/// The living session of the browser that sent these headers.
///
/// # Errors
/// When the database fails.
pub async fn find(shared: &Shared, headers: &HeaderMap) -> Result<Option<Session>, AppError> {
    for id in cookies::all(headers, COOKIE) {
        if let Some(session) = shared.sessions.find(id, shared.clock.now_ms()).await? {
            return Ok(Some(session));
        }
    }
    Ok(None)
}

/// What to ask a person who is signed in before `what` is connected, where the browser says that a page of another site led
/// here: whoever wrote that link chose what is connected, and would read what the person has. `None`: nothing.
///
/// # Errors
/// When the database fails.
pub async fn question_before_login(
    shared: &Shared,
    headers: &HeaderMap,
    current: Option<&Session>,
    what: &str,
) -> Result<Option<String>, AppError> {
    let is_own = |value: &HeaderValue| matches!(value.as_bytes(), b"same-origin" | b"none");
    let Some(session) = current.filter(|_| !headers.get_all("sec-fetch-site").iter().all(is_own)) else {
        return Ok(None);
    };
    let names: Vec<String> =
        shared.connections.list_of(session.merchant).await?.into_iter().map(|one| one.name).collect();
    Ok(Some(format!(
        "A page of another site wants to connect {what} here, where you are signed in with {}. Whoever manages one of them can \
         then read the conversations of the other. Go on only if this is your own wish.",
        if names.is_empty() { "an account of yours".to_owned() } else { names.join(", ") }
    )))
}

/// Starts a session of this merchant under a new id; the one it replaces is dead at once. Gives the cookie.
///
/// # Errors
/// When the database fails.
pub async fn start(shared: &Shared, merchant: Uuid, replaces: Option<Session>) -> Result<HeaderValue, AppError> {
    let id = random_hex()?;
    shared.sessions.insert(&id, merchant, replaces.map(|session| session.id_hash), shared.clock.now_ms()).await?;
    Ok(cookies::set(COOKIE, &id, ABSOLUTE_MS / 1000, shared.is_public))
}

/// The cookie that makes a browser forget its session.
#[must_use]
pub fn forget(shared: &Shared) -> HeaderValue {
    cookies::set(COOKIE, "", 0, shared.is_public)
}

/// The token that a form of our pages carries: only a page shown to this session can know it.
#[must_use]
pub fn form_token(vault: &Vault, session: &Session) -> String {
    to_hex(&sign_sha256(vault.derive(Purpose::Forms).as_ref(), &session.id_hash))
}
