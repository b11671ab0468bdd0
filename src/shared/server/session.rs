//! The session cookie, and who is behind it.

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::cookies;
use super::error::{AppError, wants_html};
use crate::shared::channel::context::Shared;
use crate::shared::languages::{Sentence, Value, bdi, say};
use crate::shared::logins::random_hex;
use crate::shared::secrets::signature::{sign_sha256, to_hex};
use crate::shared::secrets::vault::{Purpose, Vault};
use crate::shared::store::Session;
use crate::shared::store::sessions::ABSOLUTE_MS;

/// The cookie's name, on which scripts depend. Where our pages are https, a second one with `__Host-` before its name holds
/// the same: no other host can set that one, so it alone counts from browsers.
const COOKIE: &str = "session_id";

/// The second one.
const OWN_COOKIE: &str = "__Host-session_id";

/// The merchant who is logged in with this browser, if any.
pub struct CurrentMerchant(pub Option<Session>);

impl CurrentMerchant {
    /// The session.
    ///
    /// # Errors
    /// 401 with `sentence` if there is none.
    pub fn required(self, sentence: Sentence) -> Result<Session, AppError> {
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
        Ok(None) => Err(AppError::Unauthorized(say::not_signed_in_detail()).into_response()),
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

/// The living session of the browser that sent these headers, and prolongs it.
///
/// # Errors
/// When the database fails.
pub async fn find(shared: &Shared, headers: &HeaderMap) -> Result<Option<Session>, AppError> {
    find_living(shared, headers, true).await
}

/// The same without prolonging it: for what asks by itself.
///
/// # Errors
/// When the database fails.
pub async fn look(shared: &Shared, headers: &HeaderMap) -> Result<Option<Session>, AppError> {
    find_living(shared, headers, false).await
}

async fn find_living(shared: &Shared, headers: &HeaderMap, is_use: bool) -> Result<Option<Session>, AppError> {
    let (sessions, now_ms) = (&shared.sessions, shared.clock.now_ms());
    for id in ids(headers, shared.is_public) {
        let found = if is_use { sessions.find(id, now_ms).await? } else { sessions.look(id, now_ms).await? };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The session ids that count. What says from which site a request comes is a browser, and a browser keeps what any host
/// below the same domain sets for all of them; so there only the cookie counts that nobody else can set. A browser with a
/// session from before there were two is signed out, and signs in again. Scripts that send only the one that they know go on.
fn ids(headers: &HeaderMap, secure: bool) -> Vec<&str> {
    if !secure {
        return cookies::all(headers, COOKIE).collect();
    }
    let own: Vec<&str> = cookies::all(headers, OWN_COOKIE).collect();
    if !own.is_empty() || headers.contains_key("sec-fetch-site") {
        own
    } else {
        cookies::all(headers, COOKIE).collect()
    }
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
    what: impl Into<Value>,
) -> Result<Option<Sentence>, AppError> {
    let is_own = |value: &HeaderValue| matches!(value.as_bytes(), b"same-origin" | b"none");
    let Some(session) = current.filter(|_| !headers.get_all("sec-fetch-site").iter().all(is_own)) else {
        return Ok(None);
    };
    let names: Vec<String> =
        shared.connections.list_of(session.merchant).await?.into_iter().map(|one| one.name).collect();
    Ok(Some(match names.is_empty() {
        true => say::login_of_another_site(what),
        false => say::login_of_another_site_beside(what, bdi(names.join(", "))),
    }))
}

/// Starts a session of this merchant under a new id; the one it replaces is dead at once. Gives the cookies.
///
/// # Errors
/// When the database fails.
pub async fn start(shared: &Shared, merchant: Uuid, replaces: Option<Session>) -> Result<Vec<HeaderValue>, AppError> {
    let id = random_hex()?;
    shared.sessions.insert(&id, merchant, replaces.map(|session| session.id_hash), shared.clock.now_ms()).await?;
    Ok(set(&id, ABSOLUTE_MS / 1000, shared.is_public))
}

/// The cookies that make a browser forget its session.
pub fn forget(shared: &Shared) -> AppendHeaders<Vec<(HeaderName, HeaderValue)>> {
    AppendHeaders(set("", 0, shared.is_public).into_iter().map(|cookie| (header::SET_COOKIE, cookie)).collect())
}

fn set(id: &str, max_age_seconds: i64, secure: bool) -> Vec<HeaderValue> {
    let names = if secure { [COOKIE, OWN_COOKIE].as_slice() } else { &[COOKIE] };
    names.iter().map(|name| cookies::set(name, id, max_age_seconds, secure)).collect()
}

/// The token that a form of our pages carries: only a page shown to this session can know it.
#[must_use]
pub fn form_token(vault: &Vault, session: &Session) -> String {
    to_hex(&sign_sha256(vault.derive(Purpose::Forms).as_ref(), &session.id_hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_of_a_browser_only_the_cookie_counts_that_no_other_host_can_set() {
        let (own, planted) = ("1".repeat(64), "2".repeat(64));
        let counts = |cookie: String, is_browser: bool, secure: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().expect("a header"));
            if is_browser {
                headers.insert("sec-fetch-site", HeaderValue::from_static("none"));
            }
            ids(&headers, secure).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let both = || format!("session_id={planted}; __Host-session_id={own}; session_id={own}");
        assert_eq!(counts(both(), true, true), [&*own]);
        assert_eq!(counts(both(), false, true), [&*own]);
        let planted_only = || format!("session_id={planted}");
        assert_eq!(counts(planted_only(), true, true), [""; 0], "planted, or from before there were two");
        assert_eq!(counts(planted_only(), false, true), [&*planted], "a script");
        // Browsers take the name with `__Host-` by https only.
        assert_eq!(counts(planted_only(), true, false), [&*planted]);
    }

    #[test]
    fn s3_both_cookies_are_set_and_forgotten_where_our_pages_are_https() {
        let texts =
            |secure| set("", 0, secure).iter().map(|one| one.to_str().expect("text").to_owned()).collect::<Vec<_>>();
        let rest = "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
        assert_eq!(texts(false), [format!("session_id{rest}")]);
        assert_eq!(texts(true), [format!("session_id{rest}; Secure"), format!("__Host-session_id{rest}; Secure")]);
    }
}
