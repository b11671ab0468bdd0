//! The merchant's pages: what they have in common, and errors in words.
//!
//! Every page works without a script. What a page shows of a platform comes through [`View`]; names and texts are
//! strangers' words, so they are escaped (by maud), isolated (`bdi`, `dir=auto`) and shortened.

mod account;
mod answer;
mod archive;
mod bot;
mod catalogue;
mod connections;
mod conversations;
mod export;
mod home;
mod keys;
pub(crate) mod language;
mod live;
mod media;
pub(crate) mod parts;
pub(crate) mod receipts;
mod silence;
mod thread;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use uuid::Uuid;

use super::form::{Posted, TOKEN};
use super::prefix::OwnPage;
use crate::shared::channel::connect_step::ConnectStep;
use crate::shared::channel::context::Shared;
use crate::shared::channel::reader::Reader;
use crate::shared::channel::view::View;
use crate::shared::journal::Account;
use crate::shared::languages::{Fixed, Sentence, current, say};
use crate::shared::secrets::vault::Vault;
use crate::shared::server::error::{AppError, Problem, wants_html};
use crate::shared::server::login_answer::{HOME, Shown};
use crate::shared::server::session;
use crate::shared::store::{Connection, Session};

/// What the pages know of a channel.
#[derive(Clone)]
pub struct Front {
    /// The channel's name.
    pub channel: &'static str,
    /// How a merchant connects an account; `None`: not by a step of the start page.
    pub connect: Option<ConnectStep>,
    /// How its data is shown.
    pub view: View,
    /// How an account is read, and how its subscriptions end.
    pub reader: Arc<dyn Reader>,
    /// Whether the settings name its account, and no login.
    pub is_configured: bool,
}

/// All channels, in the order in which they are shown.
#[derive(Clone)]
pub struct Fronts(pub Arc<Vec<Front>>);

impl Fronts {
    /// What is known of a channel.
    fn of(&self, channel: &str) -> Option<&Front> {
        self.0.iter().find(|front| front.channel == channel)
    }

    /// A merchant gives an account up: one that the settings name must not come back by itself.
    async fn leave(&self, shared: &Shared, account: &Account, merchant: Uuid) -> anyhow::Result<()> {
        match self.of(&account.0) {
            Some(front) if front.is_configured => {
                shared.connections.leave(account, merchant, shared.clock.now_ms()).await
            }
            _ => Ok(()),
        }
    }
}

/// The routes of the pages.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(home::home))
        .route("/logout", post(logout))
        .merge(connections::routes())
        .merge(conversations::routes())
        .merge(thread::routes())
        .merge(catalogue::routes())
        .merge(keys::routes())
        .merge(language::routes())
        .merge(bot::routes())
        .merge(account::routes())
        .merge(export::routes())
        .merge(media::routes())
        .merge(live::routes())
        .route("/style.css", get(async || asset("text/css; charset=utf-8", include_str!("../style.css"))))
        .route("/enhance.js", get(async || asset("text/javascript; charset=utf-8", include_str!("../enhance.js"))))
        .route("/icon.svg", get(async || asset("image/svg+xml", include_str!("../icon.svg"))))
}

fn asset(kind: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], content).into_response()
}

/// The merchant's own connection of this account; for anybody else's it is as if it did not exist.
async fn owned(shared: &Shared, session: &Session, account: &Account) -> Result<Connection, AppError> {
    let connection = shared.connections.find(&account.0, &account.1).await?;
    connection.filter(|connection| connection.merchant == session.merchant).ok_or(AppError::NotFound)
}

/// `POST /logout`: ends the session in the database.
async fn logout(State(shared): State<Shared>, posted: Posted) -> Result<Response, AppError> {
    shared.sessions.delete(posted.session.id_hash).await?;
    Ok((session::forget(&shared), Redirect::to("/?session=closed")).into_response())
}

/// The hidden field that every form of ours carries.
fn form_token(vault: &Vault, session: &Session) -> Markup {
    html! { input type="hidden" name=(TOKEN) value=(session::form_token(vault, session)); }
}

/// Where in the navigation a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Overview,
    Conversations,
    Catalogue,
    Keys,
    Account,
}

/// A page of a merchant who is signed in.
struct Page {
    title: Sentence,
    tab: Tab,
    renewal: Renewal,
    body: Markup,
}

impl Page {
    fn show(self) -> Response {
        let Self { title, tab, renewal, body } = self;
        frame(StatusCode::OK, &title, Some(tab), Scripts::Renewing(renewal), &body)
    }
}

/// How often a page looks for news by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renewal {
    /// Not at all: it shows something that does not change, or a part of a list that is over.
    Never,
    /// Messages and changes arrive by themselves.
    Calm,
    /// Something is under way, and somebody waits for it.
    Quick,
}

impl Renewal {
    /// In seconds, with the script and without it. Without it the whole page loads anew, which disturbs who reads.
    fn seconds(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Never => None,
            Self::Calm => Some(("10", "60")),
            Self::Quick => Some(("3", "3")),
        }
    }
}

/// A whole page of ours, outside of what a merchant navigates in.
#[must_use]
pub fn page(status: StatusCode, title: &Sentence, body: &Markup) -> Response {
    frame(status, title, None, Scripts::Renewing(Renewal::Never), body)
}

/// As [`page`], without a script: times are UTC.
#[must_use]
pub fn plain_page(status: StatusCode, title: &str, body: &Markup) -> Response {
    frame(status, &title.to_owned().into(), None, Scripts::None, body)
}

/// As [`page`], for an operator: it looks for news by itself, and hears of them at this path.
#[must_use]
pub fn operators_page(title: &str, live: &'static str, body: &Markup) -> Response {
    frame(StatusCode::OK, &title.to_owned().into(), None, Scripts::Told(live), body)
}

/// What a page's script does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scripts {
    /// There is none.
    None,
    /// It shows times in the reader's zone, and renews the page.
    Renewing(Renewal),
    /// The same, calmly, for a page that is told of news at this path.
    Told(&'static str),
}

fn frame(status: StatusCode, title: &Sentence, tab: Option<Tab>, scripts: Scripts, body: &Markup) -> Response {
    const TABS: [(Tab, &str, Fixed); 5] = [
        (Tab::Overview, "/", say::overview),
        (Tab::Conversations, "/conversations", say::conversations),
        (Tab::Catalogue, "/catalogue", say::catalogue),
        (Tab::Keys, "/keys", say::keys),
        (Tab::Account, "/account", say::account),
    ];
    let (title, language) = (title.told(), current());
    let seconds = match scripts {
        Scripts::None => None,
        Scripts::Renewing(renewal) => renewal.seconds(),
        Scripts::Told(_) => Renewal::Calm.seconds(),
    };
    let live = match scripts {
        Scripts::Told(path) => Some(path),
        _ => seconds.map(|_| "/live"),
    };
    let document = html! {
        (DOCTYPE)
        html lang=(language.tag()) dir=(language.direction()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) @if title != "shoptalk" { " · shoptalk" } }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/style.css";
                // With the script a page renews only what changed; without it, it loads anew.
                @if scripts != Scripts::None { script src="/enhance.js" defer {} }
                // Where the script hears of news.
                @if let Some(path) = live { link rel="alternate" type="text/event-stream" href=(path); }
                @if let Some((_, plain)) = seconds { noscript { meta http-equiv="refresh" content=(plain); } }
            }
            body {
                a.skip href="#content" { (say::skip()) }
                header.top {
                    div.bar {
                        a.brand href="/" { span.mark aria-hidden="true" {} "shoptalk" }
                        @if let Some(current) = tab {
                            nav aria-label=(say::main_navigation()) {
                                ul {
                                    @for (tab, href, label) in TABS {
                                        li { a href=(href) aria-current=[(tab == current).then_some("page")] { (label()) } }
                                    }
                                }
                            }
                        }
                    }
                }
                main id="content" tabindex="-1" data-refresh=[seconds.map(|(renewing, _)| renewing)] { (body) }
                @match language::form() {
                    Some(choice) => footer { div.bar { noscript { p { (say::times_are_utc()) } } (choice) } },
                    None if scripts == Scripts::None => footer { div.bar { p { (say::times_are_utc()) } } },
                    None => noscript { footer { div.bar { p { (say::times_are_utc()) } } } },
                }
            }
        }
    };
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, Extension(OwnPage), kind, language::headers(), document.into_string()).into_response()
}

fn notice(title: &Sentence, sentence: &Sentence, way_out: &Sentence) -> Markup {
    html! {
        section.notice {
            h1 { (title) }
            p { (sentence) }
            p { a.button href=(HOME) { (way_out) } }
        }
    }
}

/// Shows what came of a login, or a problem, as a page where the caller asked for one.
pub async fn answers_as_pages(request: Request, next: Next) -> Response {
    let as_page = wants_html(request.headers());
    let response = next.run(request).await;
    if !as_page {
        return response;
    }
    let extensions = response.extensions();
    let mut shown = match (extensions.get::<Shown>(), extensions.get::<Problem>()) {
        (Some(shown), _) => login_page(shown),
        (None, Some(problem)) => {
            let body = notice(&problem.title, &problem.detail, &say::back_to_start());
            page(response.status(), &problem.title, &body)
        }
        (None, None) => return response,
    };
    for name in [header::RETRY_AFTER, header::SET_COOKIE] {
        for value in response.headers().get_all(&name) {
            shown.headers_mut().append(name.clone(), value.clone());
        }
    }
    shown
}

/// What a browser sees at the end of a login: the start page, or first why something is missing there.
fn login_page(shown: &Shown) -> Response {
    match shown {
        Shown::Home => Redirect::to(HOME).into_response(),
        Shown::NotConnected(sentence) => {
            let title = say::not_connected();
            page(StatusCode::OK, &title, &notice(&title, sentence, &say::to_start()))
        }
        Shown::Question { sentence, proceed } => {
            let body = html! {
                h1 { (say::connect_this()) }
                p { (sentence) }
                p { a.button href=(HOME) { (say::connect_this_not()) } }
                p { a href=(proceed) { (say::connect_this_yes()) } }
            };
            page(StatusCode::OK, &say::connect_this(), &body)
        }
        Shown::Accounts { title, none, accounts } => {
            let body = html! {
                h1 { (title) }
                @if accounts.is_empty() {
                    p { (none) }
                }
                ul.connections {
                    @for one in accounts {
                        li {
                            strong { (one.name) } " " span.hint { (one.id) }
                            div class={ "status " (one.status.unwrap_or("not_connected")) } {
                                @match one.status { None => (say::not_connected()), Some("incomplete") => (say::connected_in_part()), _ => (say::connected()) }
                                @if let Some(reason) = &one.reason { ": " (reason) }
                            }
                        }
                    }
                }
                p { a.button href=(HOME) { (say::to_start()) } }
            };
            page(StatusCode::OK, title, &body)
        }
    }
}
