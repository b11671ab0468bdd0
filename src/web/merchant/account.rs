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
use crate::shared::languages::{bdi, say};
use crate::shared::secrets::vault::Vault;
use crate::shared::server::error::AppError;
use crate::shared::server::session;
use crate::shared::server::session::SignedIn;
use crate::shared::store::ApiKeys;
use crate::web::form::Posted;

pub fn routes() -> Router<Shared> {
    Router::new().route("/account", get(account)).route("/account/delete", get(ask).post(delete))
}

/// `GET /account`.
async fn account(Extension(vault): Extension<Vault>, SignedIn(session): SignedIn) -> Response {
    let token = form_token(&vault, &session);
    let body = html! {
        h1 { (say::account()) }
        section.panel {
            h2 { (say::sign_out()) }
            p { (say::sign_out_means()) }
            form method="post" action="/logout" { (token) button.plain { (say::sign_out()) } }
        }
        section.panel {
            h2 { (say::export()) }
            p { (say::export_means()) }
            p { a.button.plain href="/export" download { (say::export()) } }
        }
        section.panel {
            h2 { (say::delete()) }
            p { (say::delete_means()) }
            p { a.button.plain href="/account/delete" { (say::delete_more()) } }
        }
    };
    Page { title: say::account(), tab: Tab::Account, renewal: Renewal::Never, body }.show()
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
        h1 { (say::delete_question()) }
        section.panel {
            p { (say::delete_concerns()) }
            ul {
                @for one in &connections { li { bdi { (super::parts::name_or(Some(&one.name), &one.account)) } " (" (one.account) ")" } }
                @for ((_, account), _) in &former { li { (say::not_connected_any_more(bdi(account))) } }
            }
            p { (say::delete_receipt()) }
            form method="post" {
                (token)
                label for="word" { (say::delete_type(say::delete_word())) }
                @if was_wrong { p.trouble.bad id="wrong" { (say::delete_not_typed(say::delete_word())) } }
                input type="text" id="word" name="word" autocomplete="off" autocapitalize="none" spellcheck="false" required aria-describedby=[was_wrong.then_some("wrong")];
                div.actions {
                    button.danger { (say::delete_everything()) }
                    a.button.plain href="/account" { (say::keep_data()) }
                }
            }
        }
    };
    Ok(Page { title: say::delete(), tab: Tab::Account, renewal: Renewal::Never, body }.show())
}

/// `POST /account/delete`.
async fn delete(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Extension(vault): Extension<Vault>,
    Extension(keys): Extension<ApiKeys>,
    posted: Posted,
) -> Result<Response, AppError> {
    // Who changes the language in another window has the English word before them, or that of this one.
    let word = posted.field("word").trim().to_lowercase();
    if ![say::delete_word().told(), say::delete_word().to_string()].contains(&word) {
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
