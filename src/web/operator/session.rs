//! The operator's sign-in: the token once, in a form, for a short session of its own. Sessions live in memory: they end with
//! the process, and a copied database holds none.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{Markup, html};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::state::Operator;
use crate::shared::logins::random_hex;
use crate::shared::server::cookies;
use crate::shared::server::error::AppError;
use crate::web::form::{TOKEN, is_from_here};
use crate::web::merchant::plain_page;

/// The cookie's name.
const COOKIE: &str = "operator_session";

/// A session ends this long after it was last used, in milliseconds.
const SLIDING_MS: i64 = 30 * 60 * 1000;

/// A session ends this long after it began, in milliseconds.
const ABSOLUTE_MS: i64 = 8 * 60 * 60 * 1000;

/// So many sessions at once; one more ends the one that was used longest ago.
const MOST: usize = 64;

/// All living sessions, by the SHA-256 of their ids. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<HashMap<[u8; 32], Session>>>);

/// A session of an operator.
#[derive(Clone)]
pub(super) struct Session {
    id_hash: [u8; 32],
    began_at: i64,
    used_at: i64,
    form_token: Arc<str>,
}

impl Session {
    fn is_living(&self, now_ms: i64) -> bool {
        now_ms - self.used_at < SLIDING_MS && now_ms - self.began_at < ABSOLUTE_MS
    }

    /// The hidden field that every form of this session carries.
    pub(super) fn form_token(&self) -> Markup {
        html! { input type="hidden" name=(TOKEN) value=(self.form_token); }
    }
}

impl Sessions {
    /// Starts a session and gives its id.
    fn start(&self, now_ms: i64) -> anyhow::Result<String> {
        let (id, form_token) = (random_hex()?, random_hex()?.into());
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.is_living(now_ms));
        let oldest = sessions.values().min_by_key(|session| session.used_at).map(|session| session.id_hash);
        if let (Some(oldest), true) = (oldest, sessions.len() >= MOST) {
            sessions.remove(&oldest);
        }
        let id_hash = hash(&id);
        sessions.insert(id_hash, Session { id_hash, began_at: now_ms, used_at: now_ms, form_token });
        Ok(id)
    }

    /// The living session of this id, and prolongs it.
    fn find(&self, id: &str, now_ms: i64) -> Option<Session> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(&hash(id)).filter(|session| session.is_living(now_ms))?;
        session.used_at = session.used_at.max(now_ms);
        Some(session.clone())
    }

    fn end(&self, session: &Session) {
        self.lock().remove(&session.id_hash);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operator {
    /// The living session of the browser that sent these headers.
    ///
    /// # Errors
    /// 404 where there are no operators.
    pub(super) fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, AppError> {
        self.token.expected()?;
        let now_ms = self.shared.clock.now_ms();
        Ok(cookies::all(headers, COOKIE).find_map(|id| self.sessions.find(id, now_ms)))
    }
}

/// A form of the operator's page: a living session, its form token, and a browser that does not say that the form stood on
/// another site.
pub(super) struct Posted {
    session: Session,
    fields: BTreeMap<String, String>,
}

impl Posted {
    /// What a field holds; empty where it was not sent.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl FromRequest<Operator> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, operator: &Operator) -> Result<Self, Response> {
        let session = operator
            .session(request.headers())
            .and_then(|session| session.ok_or(AppError::Unauthorized("This needs an operator who is signed in.")))
            .map_err(IntoResponse::into_response)?;
        let is_ours = is_from_here(request.headers(), operator.own.as_deref());
        let body = Bytes::from_request(request, operator).await.map_err(IntoResponse::into_response)?;
        let fields: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
        let shown = fields.get(TOKEN).map_or("", String::as_str);
        let is_known: bool = session.form_token.as_bytes().ct_eq(shown.as_bytes()).into();
        if is_known && is_ours {
            Ok(Self { session, fields })
        } else {
            Err(AppError::Forbidden("This form has expired. Please reload the page and try again.".into())
                .into_response())
        }
    }
}

/// `POST /operator/login`: the token, once.
pub(super) async fn login(
    State(operator): State<Operator>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, AppError> {
    operator.token.expected()?;
    let shown = form_urlencoded::parse(&body).find_map(|(name, value)| (name == "token").then_some(value));
    if !is_from_here(&headers, operator.own.as_deref()) {
        return Err(AppError::Forbidden("This form stood on another site.".into()));
    }
    if operator.token.check(shown.unwrap_or_default().trim()).is_err() {
        tracing::warn!("somebody entered a wrong operator's token");
        return Ok(entrance(StatusCode::UNAUTHORIZED, Some("This is not the operator's token.")));
    }
    // A session that this browser had before ends: the new id is the only one.
    if let Some(before) = operator.session(&headers)? {
        operator.sessions.end(&before);
    }
    let id = operator.sessions.start(operator.shared.clock.now_ms())?;
    tracing::info!("an operator signed in");
    Ok(leave_with(cookies::set_strict(COOKIE, &id, ABSOLUTE_MS / 1000, operator.shared.is_public)))
}

/// `POST /operator/logout`: the session is over at once.
pub(super) async fn logout(State(operator): State<Operator>, posted: Posted) -> Response {
    operator.sessions.end(&posted.session);
    leave_with(cookies::set_strict(COOKIE, "", 0, operator.shared.is_public))
}

fn leave_with(cookie: HeaderValue) -> Response {
    ([(header::SET_COOKIE, cookie)], Redirect::to("/operator")).into_response()
}

/// The page that asks for the token.
pub(super) fn entrance(status: StatusCode, problem: Option<&str>) -> Response {
    let body = html! {
        section.notice {
            h1 { "Operator" }
            @if let Some(problem) = problem { p.trouble.bad role="alert" { (problem) } }
            form method="post" action="/operator/login" {
                // Password managers, and whoever has several, tell entries apart by a name.
                input type="text" name="name" value="operator" autocomplete="username" hidden;
                p { label for="token" { "Operator's token" } }
                p.hint #token-hint { "The value of OPERATOR_TOKEN in this service's settings." }
                div.row {
                    input #token type="password" name="token" required autocomplete="current-password" aria-describedby="token-hint";
                    button { "Sign in" }
                }
            }
        }
    };
    plain_page(status, "Operator", &body)
}

fn hash(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}
