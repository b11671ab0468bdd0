//! `/keys`: the merchant's keys of the API for bots. A new key is shown once, on the page that follows its making.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use maud::{Markup, html};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use super::parts::{ago, name_or, pill};
use super::{Fronts, Page, Renewal, Tab, form_token};
use crate::shared::channel::context::Shared;
use crate::shared::languages::{Fixed, Sentence, bdi, date, say};
use crate::shared::secrets::vault::Vault;
use crate::shared::server::error::AppError;
use crate::shared::server::session::SignedIn;
use crate::shared::store::api_keys::{ApiKey, MAX_NAME, NewApiKey, NotMade, Scope};
use crate::shared::store::{ApiKeys, Connection, Session};
use crate::web::form::Posted;

/// How the names of the boxes of accounts begin.
const ACCOUNT_FIELD: &str = "account-";

/// How long a new key waits to be shown, in milliseconds.
const SHOWN_WITHIN_MS: i64 = 5 * 60 * 1000;

/// How many new keys wait to be shown at most.
const MOST_WAITING: usize = 1_000;

/// For how many days a key may be made on the page; the first one is for good.
const DAYS: [(&str, Fixed); 4] = [
    ("", say::keys_end_never),
    ("30", || say::keys_end_days(30_i64)),
    ("90", || say::keys_end_days(90_i64)),
    ("365", say::keys_end_year),
];

pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/keys", get(list).post(make))
        .route("/keys/{id}/revoke", get(ask).post(revoke))
        .layer(Extension(Unshown::default()))
}

/// New keys that were not shown yet, each for the session that made it.
#[derive(Clone, Default)]
struct Unshown(Arc<Mutex<HashMap<[u8; 32], Waiting>>>);

struct Waiting {
    text: SecretString,
    name: String,
    made_at: i64,
}

impl Unshown {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, session: &Session, waiting: Waiting, now_ms: i64) {
        let mut all = self.lock();
        all.retain(|_, waiting| now_ms - waiting.made_at < SHOWN_WITHIN_MS);
        if all.len() < MOST_WAITING {
            all.insert(session.id_hash, waiting);
        }
    }

    /// The key that is to be shown now, and never again.
    fn take(&self, session: &Session, now_ms: i64) -> Option<Waiting> {
        self.lock().remove(&session.id_hash).filter(|waiting| now_ms - waiting.made_at < SHOWN_WITHIN_MS)
    }
}

/// What led here.
#[derive(Default, Deserialize)]
struct From {
    done: Option<String>,
}

/// What a merchant has filled in, to be shown again where it cannot be used.
struct Filled {
    name: String,
    scopes: Vec<Scope>,
    accounts: Vec<(String, String)>,
    days: String,
    wrong: Option<Sentence>,
}

impl Default for Filled {
    fn default() -> Self {
        let (name, days) = (String::new(), String::new());
        Self { name, scopes: vec![Scope::Read, Scope::Reply], accounts: Vec::new(), days, wrong: None }
    }
}

impl Filled {
    /// The key that is wished for. A number of days that is none is as wrong as zero.
    fn as_new(&self, merchant: Uuid) -> NewApiKey {
        let days = Some(self.days.as_str()).filter(|days| !days.is_empty()).map(|days| days.parse().unwrap_or(0));
        let Self { name, scopes, accounts, .. } = self;
        NewApiKey { merchant, name: name.clone(), scopes: scopes.clone(), accounts: accounts.clone(), days }
    }
}

/// What a page of keys is made of.
struct Shown {
    shared: Shared,
    keys: ApiKeys,
    token: Markup,
    session: Session,
    accounts: Vec<Connection>,
}

/// `GET /keys`.
async fn list(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Extension(keys): Extension<ApiKeys>,
    Extension(vault): Extension<Vault>,
    Extension(unshown): Extension<Unshown>,
    Query(from): Query<From>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    let fresh = unshown.take(&session, shared.clock.now_ms());
    let accounts = answered(&shared, &fronts, &session).await?;
    let shown = Shown { shared, keys, token: form_token(&vault, &session), session, accounts };
    let is_revoked = from.done.as_deref() == Some("revoked");
    Ok(shown.page(fresh.as_ref(), is_revoked, &Filled::default()))
}

/// `POST /keys`: makes a key; the page that follows shows it. Nothing that a reload repeats makes another one.
async fn make(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Extension(keys): Extension<ApiKeys>,
    Extension(vault): Extension<Vault>,
    Extension(unshown): Extension<Unshown>,
    posted: Posted,
) -> Result<Response, AppError> {
    let (session, now_ms) = (posted.session.clone(), shared.clock.now_ms());
    let accounts = answered(&shared, &fronts, &session).await?;
    let is_ticked = |field: &str| !posted.field(field).is_empty();
    let named = accounts.iter().map(|one| (one.channel.clone(), one.account.clone()));
    let filled = Filled {
        name: posted.field("name").to_owned(),
        scopes: Scope::ALL.into_iter().filter(|scope| is_ticked(&scope_field(*scope))).collect(),
        accounts: named.filter(|(channel, account)| is_ticked(&account_field(channel, account))).collect(),
        days: posted.field("days").to_owned(),
        wrong: None,
    };
    // An account may have gone since the page was shown: without it, an empty list would mean all of them.
    let ticked = posted.named().filter(|name| name.starts_with(ACCOUNT_FIELD)).count();
    let made = match ticked == filled.accounts.len() {
        true => Some(keys.insert(filled.as_new(session.merchant), now_ms).await),
        false => None,
    };
    let wrong = match made {
        Some(Ok((key, text))) => {
            unshown.put(&session, Waiting { text, name: key.name, made_at: now_ms }, now_ms);
            return Ok(Redirect::to("/keys").into_response());
        }
        None => say::keys_wrong_account(),
        Some(Err(NotMade::Name)) => say::keys_wrong_name(MAX_NAME),
        Some(Err(NotMade::Scopes)) => say::keys_wrong_scopes(),
        Some(Err(NotMade::Days)) => say::keys_wrong_days(),
        Some(Err(NotMade::TooMany)) => say::keys_wrong_many(),
        Some(Err(NotMade::Other(error))) => return Err(error.into()),
    };
    let shown = Shown { shared, keys, token: form_token(&vault, &session), session, accounts };
    Ok(shown.page(None, false, &Filled { wrong: Some(wrong), ..filled }))
}

/// `GET /keys/{id}/revoke`: says what it means, and asks.
async fn ask(
    Extension(keys): Extension<ApiKeys>,
    Extension(vault): Extension<Vault>,
    Path(id): Path<String>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    let key = keys.list_of(session.merchant).into_iter().find(|key| key.id == id && key.revoked_at.is_none());
    let key = key.ok_or(AppError::NotFound)?;
    let body = html! {
        h1 { (say::keys_revoke_question(bdi(name_or(Some(&key.name), &key.id)))) }
        section.panel {
            ul {
                li { (say::keys_revoke_at_once()) }
                li { (say::keys_revoke_stays()) }
                li { (say::keys_revoke_final()) }
            }
            form.actions method="post" {
                (form_token(&vault, &session))
                button.danger { (say::keys_revoke_this()) }
                a.button.plain href="/keys" { (say::keys_revoke_not()) }
            }
        }
    };
    Ok(Page { title: say::keys_revoke_title(), tab: Tab::Keys, renewal: Renewal::Never, body }.show())
}

/// `POST /keys/{id}/revoke`.
async fn revoke(
    State(shared): State<Shared>,
    Extension(keys): Extension<ApiKeys>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, AppError> {
    let revoked = keys.revoke(&id, Some(posted.session.merchant), shared.clock.now_ms()).await?;
    revoked.map(|_| Redirect::to("/keys?done=revoked").into_response()).ok_or(AppError::NotFound)
}

/// The accounts at which people can be answered.
async fn answered(shared: &Shared, fronts: &Fronts, session: &Session) -> Result<Vec<Connection>, AppError> {
    let mut connections = shared.connections.list_of(session.merchant).await?;
    connections.retain(|one| fronts.of(&one.channel).is_some_and(|front| front.view.conversations.is_some()));
    Ok(connections)
}

fn scope_field(scope: Scope) -> String {
    format!("scope-{}", scope.as_str())
}

fn account_field(channel: &str, account: &str) -> String {
    format!("{ACCOUNT_FIELD}{channel}-{account}")
}

/// What a scope allows, in words.
fn in_words(scope: Scope) -> Sentence {
    match scope {
        Scope::Read => say::keys_read(),
        Scope::Reply => say::keys_reply(),
        Scope::Human => say::keys_human(),
        Scope::Admin => say::keys_admin(),
    }
}

impl Shown {
    fn page(&self, fresh: Option<&Waiting>, is_revoked: bool, filled: &Filled) -> Response {
        let now_ms = self.shared.clock.now_ms();
        let keys = self.keys.list_of(self.session.merchant);
        let (living, dead): (Vec<ApiKey>, Vec<ApiKey>) = keys.into_iter().partition(|key| key.is_alive(now_ms));
        let body = html! {
            h1 { (say::keys_title()) }
            p { (say::keys_about()) }
            @if let Some(Waiting { text, name, .. }) = fresh {
                section.panel role="status" {
                    h2 { (say::keys_new(bdi(name_or(Some(name), "–")))) }
                    p.key { code id="new-key" { (text.expose_secret()) } }
                    p { strong { (say::keys_copy()) } " " (say::keys_keep()) }
                }
            }
            @if is_revoked { p.said role="status" { (say::keys_revoked_done()) } }
            @if living.is_empty() {
                section.panel { p { (say::keys_none()) } }
            } @else {
                ul.connections { @for key in &living { li { (self.entry(key, now_ms)) } } }
            }
            (self.form(filled))
            @if !dead.is_empty() {
                section {
                    h2 { (say::keys_dead()) }
                    ul.connections { @for key in &dead { li { (self.entry(key, now_ms)) } } }
                }
            }
        };
        Page { title: say::keys(), tab: Tab::Keys, renewal: Renewal::Never, body }.show()
    }

    /// A key in the list.
    fn entry(&self, key: &ApiKey, now_ms: i64) -> Markup {
        html! {
            strong { bdi { (name_or(Some(&key.name), &key.id)) } } " " span.hint { code { "stk_" (key.id) "_…" } } " "
            @match (key.revoked_at, key.expires_at) {
                (Some(_), _) => (pill("bad", &say::keys_revoked())),
                (None, Some(at)) if at <= now_ms => (pill("bad", &say::keys_ended())),
                _ => (pill("good", &say::keys_in_use())),
            }
            p {
                @for (index, scope) in key.scopes.iter().enumerate() { @if index > 0 { " · " } (in_words(*scope)) }
            }
            p.hint {
                @if key.accounts.is_empty() { (say::keys_all_accounts()) } @else {
                    (say::keys_only(html! {
                        @for (index, (channel, account)) in key.accounts.iter().enumerate() {
                            @if index > 0 { ", " }
                            bdi { (self.name_of(channel, account)) }
                        }
                    }))
                }
                " · " (say::keys_made(ago(now_ms, key.created_at))) " · "
                @match key.last_used_at { Some(at) => (say::keys_last_used(ago(now_ms, at))), None => (say::keys_never_used()) }
                @match (key.revoked_at, key.expires_at) {
                    (Some(at), _) => { " · " (say::keys_revoked_on(date(at))) }
                    (None, Some(at)) if at <= now_ms => { " · " (say::keys_ended_on(date(at))) }
                    (None, Some(at)) => { " · " (say::keys_ends_on(date(at))) }
                    (None, None) => {}
                }
            }
            @if key.is_alive(now_ms) {
                p { a.button.plain href={ "/keys/" (key.id) "/revoke" } { (say::keys_revoke()) " " span.unseen { (key.name) } "…" } }
            }
        }
    }

    fn name_of(&self, channel: &str, account: &str) -> String {
        let found = self.accounts.iter().find(|one| one.channel == channel && one.account == account);
        name_or(found.map(|one| one.name.as_str()), account)
    }

    /// The form that makes a key.
    fn form(&self, filled: &Filled) -> Markup {
        html! {
            section.panel {
                h2 { (say::keys_make()) }
                @if let Some(wrong) = &filled.wrong { p.trouble.bad role="alert" id="wrong" { (say::keys_wrong(wrong.clone())) } }
                form method="post" action="/keys" {
                    (self.token)
                    label for="name" { (say::keys_name()) }
                    input type="text" id="name" name="name" value=(filled.name) maxlength=(MAX_NAME) placeholder=(say::keys_name_example()) autocomplete="off" required aria-describedby=[filled.wrong.as_ref().map(|_| "wrong")];
                    fieldset {
                        legend { (say::keys_scopes()) }
                        @for scope in Scope::ALL {
                            label.check { input type="checkbox" name=(scope_field(scope)) value="on" checked[filled.scopes.contains(&scope)]; span { (in_words(scope)) } }
                        }
                    }
                    @if !self.accounts.is_empty() {
                        fieldset {
                            legend { (say::keys_accounts()) }
                            p.hint { (say::keys_accounts_hint()) }
                            @for one in &self.accounts {
                                label.check {
                                    input type="checkbox" name=(account_field(&one.channel, &one.account)) value="on"
                                        checked[filled.accounts.iter().any(|(channel, account)| *channel == one.channel && *account == one.account)];
                                    span { bdi { (name_or(Some(&one.name), &one.account)) } " " span.hint { (one.channel) " " (one.account) } }
                                }
                            }
                        }
                    }
                    label for="days" { (say::keys_end()) }
                    select id="days" name="days" {
                        @for (days, words) in DAYS { option value=(days) selected[filled.days == days] { (words()) } }
                    }
                    div.actions { button { (say::keys_make()) } }
                }
            }
        }
    }
}
