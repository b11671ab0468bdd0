//! The merchant's page, and errors in words.

use std::borrow::Cow;

use axum::Extension;
use axum::extract::{Form, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use super::session::{self, CurrentMerchant};
use super::{Doors, HOME};
use crate::shared::Shared;
use crate::shared::error::{AppError, Problem};
use crate::shared::store::{Connection, Status};
use crate::shared::vault::Vault;

/// How a merchant begins to connect an account of a channel.
#[derive(Debug, Clone)]
pub struct Door {
    /// The channel.
    pub channel: &'static str,
    /// The step as a heading: "Connect your Shopify shop".
    pub title: &'static str,
    /// What to do there.
    pub entrance: Entrance,
}

/// The way through a [`Door`].
#[derive(Debug, Clone)]
pub enum Entrance {
    /// A form with one field.
    Form {
        /// Where it goes (GET).
        action: &'static str,
        /// The field's name.
        field: &'static str,
        /// What the field asks for.
        label: &'static str,
        /// An example of what to type.
        hint: &'static str,
    },
    /// A link that needs a session.
    Link {
        /// Where it goes.
        href: &'static str,
        /// What it says.
        label: &'static str,
    },
}

/// `GET /`: what is connected, and how to connect what is not.
pub async fn home(
    State(shared): State<Shared>,
    Extension(doors): Extension<Doors>,
    Extension(vault): Extension<Vault>,
    merchant: CurrentMerchant,
) -> Result<Response, AppError> {
    let connections = match &merchant.0 {
        Some(session) => shared.connections.list_of(session.merchant).await?,
        None => Vec::new(),
    };
    let steps = shared.progress.list();
    let body = html! {
        h1 { "shoptalk" }
        p { "Connects your shop and your Page, and keeps every conversation and the whole catalogue at hand for your sales bot." }
        @if doors.0.is_empty() {
            p { "No platform is configured yet. The operator finds every setting explained in " code { ".env.example" } "." }
        }
        @for (index, door) in doors.0.iter().enumerate() {
            section {
                h2 { (index + 1) ". " (door.title) }
                ul.connections {
                    @for connection in connections.iter().filter(|connection| connection.channel == door.channel) {
                        (connection_item(connection))
                        @for step in steps.iter().filter(|step| step.channel == connection.channel && step.account == connection.account) {
                            li.hint { "Reading " (step.what) ": " (step.done) " so far" }
                        }
                    }
                }
                (entrance(door, merchant.0.is_some(), connections.iter().any(|connection| connection.channel == door.channel)))
            }
        }
        @if let Some(session) = &merchant.0 {
            form method="post" action="/logout" {
                input type="hidden" name="form_token" value=(session::form_token(&vault, session));
                button.quiet { "Sign out of this page" }
            }
        }
    };
    Ok(page(StatusCode::OK, "shoptalk", &body))
}

fn connection_item(connection: &Connection) -> Markup {
    let status = match connection.status {
        Status::Connected => "Connected",
        Status::Incomplete => "Connected in part",
        Status::NeedsReconnect => "Please log in again",
    };
    let read = connection.last_read_at.and_then(chrono::DateTime::from_timestamp_millis);
    html! {
        li {
            strong { (connection.name) } " " span.hint { (connection.account) }
            div class={ "status " (connection.status.as_str()) } {
                (status)
                @if let Some(reason) = &connection.status_reason { ": " (reason) }
            }
            div.hint {
                @match read {
                    Some(read) => { "Read completely on " (read.format("%Y-%m-%d at %H:%M UTC")) }
                    None => { "Not read completely yet" }
                }
            }
        }
    }
}

fn entrance(door: &Door, has_session: bool, has_connections: bool) -> Markup {
    match &door.entrance {
        Entrance::Form { action, field, label, hint } => html! {
            form method="get" action=(action) {
                label for=(field) { (label) }
                input type="text" id=(field) name=(field) placeholder=(hint) required autocomplete="off" spellcheck="false";
                button { @if has_connections { "Connect another" } @else { "Connect" } }
            }
        },
        Entrance::Link { href, label } if has_session => html! { p { a.button href=(href) { (label) } } },
        Entrance::Link { .. } => html! { p.hint { "Comes after the first step." } },
    }
}

/// The form behind "Sign out".
#[derive(Deserialize)]
pub struct Logout {
    form_token: String,
}

/// `POST /logout`: ends the session in the database.
pub async fn logout(
    State(shared): State<Shared>,
    Extension(vault): Extension<Vault>,
    headers: HeaderMap,
    merchant: CurrentMerchant,
    Form(form): Form<Logout>,
) -> Result<Response, AppError> {
    let session = merchant.required("You are not signed in.")?;
    check_form(&vault, &headers, &session, &form.form_token)?;
    shared.sessions.delete(session.id_hash).await?;
    Ok(([(header::SET_COOKIE, session::forget(&shared))], Redirect::to(HOME)).into_response())
}

/// A POST of our pages needs the form token of its session, and comes from our own pages where the browser says so.
fn check_form(
    vault: &Vault,
    headers: &HeaderMap,
    session: &crate::shared::store::Session,
    token: &str,
) -> Result<(), AppError> {
    let expected = session::form_token(vault, session);
    let same: bool = subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), token.as_bytes()).into();
    let from_here = headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    if same && from_here {
        Ok(())
    } else {
        Err(AppError::Forbidden("This form has expired. Please go back, reload the page and try again.".into()))
    }
}

/// A whole page of ours.
#[must_use]
pub fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/style.css";
            }
            body { main { (body) } }
        }
    };
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], document.into_string()).into_response()
}

/// The answer to a login in which the person, or the platform for them, said no. To a browser that is a page, not an
/// error: 200. To anything else it is a 403.
pub fn not_connected(headers: &HeaderMap, channel: &'static str, sentence: impl Into<Cow<'static, str>>) -> Response {
    let sentence = sentence.into();
    tracing::info!(channel, "a login was refused");
    if !wants_html(headers) {
        return AppError::Forbidden(sentence).into_response();
    }
    let body = html! {
        h1 { "Not connected" }
        p { (sentence) }
        p { a.button href="/" { "To the start page" } }
    };
    page(StatusCode::OK, "Not connected", &body)
}

/// Whether the caller asked for a page.
#[must_use]
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains("text/html")))
}

/// Shows a problem as a page where the caller asked for one.
pub async fn problems_as_pages(request: Request, next: Next) -> Response {
    let as_page = wants_html(request.headers());
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) if as_page => {
            let body = html! {
                h1 { (problem.title) }
                p { (problem.detail) }
                p { a.button href=(HOME) { "Back to the start page" } }
            };
            let mut shown = page(response.status(), problem.title, &body);
            for name in [header::RETRY_AFTER, header::SET_COOKIE] {
                for value in response.headers().get_all(&name) {
                    shown.headers_mut().append(name.clone(), value.clone());
                }
            }
            shown
        }
        _ => response,
    }
}

/// `GET /style.css`.
pub async fn style() -> Response {
    const STYLE: &str = include_str!("style.css");
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"))], STYLE).into_response()
}
