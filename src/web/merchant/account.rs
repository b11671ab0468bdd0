//! The merchant's account with us: deleting everything, signing out.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use maud::{Markup, html};

use super::connections::{Farewell, unsubscribe};
use super::{Fronts, Page, Renewal, Tab, form_token};
use crate::shared::channel::context::Shared;
use crate::shared::erasure::Scope;
use crate::shared::secrets::vault::Vault;
use crate::shared::server::error::AppError;
use crate::shared::server::session;
use crate::shared::server::session::SignedIn;
use crate::shared::store::ApiKeys;
use crate::web::form::Posted;

/// What is to be typed before everything is deleted.
const WORD: &str = "delete";

pub fn routes() -> Router<Shared> {
    Router::new().route("/account", get(account)).route("/account/delete", get(ask).post(delete))
}

/// `GET /account`.
async fn account(Extension(vault): Extension<Vault>, SignedIn(session): SignedIn) -> Response {
    let token = form_token(&vault, &session);
    let body = html! {
        h1 { "Account" }
        section.panel {
            h2 { "Sign out" }
            p { "Ends your session in this browser. Your accounts stay connected, and messages still arrive. To come back, connect your shop again." }
            form method="post" action="/logout" { (token) button.plain { "Sign out" } }
        }
        section.panel {
            h2 { "Export my data" }
            p { "Everything that is kept of your accounts, as one zip file: conversations, catalogue, copies of attachments, and what is connected." }
            p { a.button.plain href="/export" download { "Export my data" } }
        }
        section.panel {
            h2 { "Delete my data" }
            p { "Disconnects every account and erases what is kept of them: logins, conversations, catalogue, files." }
            p { a.button.plain href="/account/delete" { "Delete my data …" } }
        }
    };
    Page { title: "Account", tab: Tab::Account, renewal: Renewal::Never, body }.show()
}

/// `GET /account/delete`: says what it means, and asks for a word.
async fn ask(
    State(shared): State<Shared>,
    Extension(vault): Extension<Vault>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    question(&shared, &form_token(&vault, &session), &session, false).await
}

async fn question(
    shared: &Shared,
    token: &Markup,
    session: &crate::shared::store::Session,
    was_wrong: bool,
) -> Result<Response, AppError> {
    let connections = shared.connections.list_of(session.merchant).await?;
    let former = shared.erasure.former_of(session.merchant).await?;
    let body = html! {
        h1 { "Delete all my data?" }
        section.panel {
            p { "This cannot be undone. It concerns:" }
            ul {
                @for one in &connections { li { bdi { (super::parts::name_or(Some(&one.name), &one.account)) } " (" (one.account) ")" } }
                @for ((_, account), _) in &former { li { (account) " (not connected any more)" } }
            }
            p { "You get the address of a receipt that shows when it is done; it names nobody." }
            form method="post" {
                (token)
                label for="word" { "Type “" (WORD) "” to go on" }
                @if was_wrong { p.trouble.bad id="wrong" { "That was not “" (WORD) "”. Nothing was deleted." } }
                input type="text" id="word" name="word" autocomplete="off" autocapitalize="none" spellcheck="false" required aria-describedby=[was_wrong.then_some("wrong")];
                div.actions {
                    button.danger { "Delete everything" }
                    a.button.plain href="/account" { "Keep my data" }
                }
            }
        }
    };
    Ok(Page { title: "Delete my data", tab: Tab::Account, renewal: Renewal::Never, body }.show())
}

/// `POST /account/delete`.
async fn delete(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Extension(vault): Extension<Vault>,
    Extension(keys): Extension<ApiKeys>,
    posted: Posted,
) -> Result<Response, AppError> {
    if posted.field("word").trim() != WORD {
        return question(&shared, &form_token(&vault, &posted.session), &posted.session, true).await;
    }
    let (mut scopes, mut unconfirmed) = (Vec::new(), BTreeSet::new());
    for connection in shared.connections.list_of(posted.session.merchant).await? {
        if unsubscribe(&fronts, &connection).await == Farewell::Unconfirmed {
            unconfirmed.insert(connection.channel.clone());
        }
        let account = (connection.channel, connection.account);
        fronts.leave(&shared, &account, posted.session.merchant).await?;
        scopes.push(Scope::Account { channel: account.0, account: account.1 });
    }
    let former = shared.erasure.former_of(posted.session.merchant).await?;
    scopes.extend(former.into_iter().map(|((channel, account), _)| Scope::Account { channel, account }));
    let code = shared.erasure.request(scopes, "merchant", None).await?;
    keys.delete_of(posted.session.merchant).await?;
    shared.sessions.delete(posted.session.id_hash).await?;
    let mut receipt = format!("/deletion/{code}");
    if !unconfirmed.is_empty() {
        receipt.push_str("?unconfirmed=");
        receipt.push_str(&unconfirmed.into_iter().collect::<Vec<_>>().join("."));
    }
    Ok((session::forget(&shared), Redirect::to(&receipt)).into_response())
}
