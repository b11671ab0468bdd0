//! The operator's sign-in: the token once, in a form, for a short session of its own.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::html;

use super::sessions::{ABSOLUTE_MS, Session};
use super::state::Operator;
use crate::shared::server::cookies;
use crate::shared::server::error::AppError;
use crate::shared::telemetry::once_per_second::OncePerSecond;
use crate::web::form::{TOKEN, is_from_here};
use crate::web::merchant::plain_page;

/// What the pages' script sends along when it renews a page.
const RENEWAL: &str = "x-renewal";

/// The cookie's name; with `__Host-` before it where our pages are https.
const COOKIE: &str = "operator_session";

impl Operator {
    /// The living session of the browser that sent these headers.
    ///
    /// # Errors
    /// 404 where there are no operators.
    pub(super) fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, AppError> {
        // A page that renews itself is no operator at work.
        if headers.contains_key(RENEWAL) {
            return self.session_as_it_is(headers);
        }
        self.token.expected()?;
        let now_ms = self.shared.clock.now_ms();
        Ok(cookies::all(headers, &self.cookie_name()).find_map(|id| self.sessions.find(id, now_ms)))
    }

    fn cookie_name(&self) -> String {
        cookies::own_name(COOKIE, self.shared.is_public)
    }

    fn cookie(&self, id: &str, max_age_seconds: i64) -> HeaderValue {
        cookies::set_strict(&self.cookie_name(), id, max_age_seconds, self.shared.is_public)
    }

    /// The same, without prolonging it.
    ///
    /// # Errors
    /// 404 where there are no operators.
    pub(super) fn session_as_it_is(&self, headers: &HeaderMap) -> Result<Option<Session>, AppError> {
        self.token.expected()?;
        let now_ms = self.shared.clock.now_ms();
        Ok(cookies::all(headers, &self.cookie_name()).find_map(|id| self.sessions.look_up(id, now_ms)))
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
            .and_then(|session| {
                session.ok_or(AppError::Unauthorized("This needs an operator who is signed in.".into()))
            })
            .map_err(IntoResponse::into_response)?;
        let is_ours = is_from_here(request.headers(), operator.own.as_deref());
        let body = Bytes::from_request(request, operator).await.map_err(IntoResponse::into_response)?;
        let fields: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
        let shown = fields.get(TOKEN).map_or("", String::as_str);
        if session.has_form_token(shown) && is_ours {
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
        static SAID: OncePerSecond = OncePerSecond::new();
        if let Some(unsaid) = SAID.should_log() {
            tracing::warn!(unsaid, "somebody entered a wrong operator's token");
        }
        return Ok(entrance(Some("This is not the operator's token.")));
    }
    // A session that this browser had before ends: the new id is the only one.
    if let Some(before) = operator.session(&headers)? {
        operator.sessions.end(&before);
    }
    let id = operator.sessions.start(operator.shared.clock.now_ms())?;
    tracing::info!("an operator signed in");
    Ok(leave_with(operator.cookie(&id, ABSOLUTE_MS / 1000)))
}

/// `POST /operator/logout`: the session is over at once.
pub(super) async fn logout(State(operator): State<Operator>, posted: Posted) -> Response {
    operator.sessions.end(&posted.session);
    leave_with(operator.cookie("", 0))
}

fn leave_with(cookie: HeaderValue) -> Response {
    ([(header::SET_COOKIE, cookie)], Redirect::to("/operator")).into_response()
}

/// The page that asks for the token: 401, for nobody is signed in.
pub(super) fn entrance(problem: Option<&str>) -> Response {
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
    plain_page(StatusCode::UNAUTHORIZED, "Operator", &body)
}
