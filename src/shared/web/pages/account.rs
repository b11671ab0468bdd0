//! The merchant's account with us: signing out.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use maud::html;

use super::{Page, Tab, form_token};
use crate::shared::Shared;
use crate::shared::error::AppError;
use crate::shared::vault::Vault;
use crate::shared::web::session::SignedIn;

pub fn routes() -> Router<Shared> {
    Router::new().route("/account", get(account))
}

/// `GET /account`.
async fn account(
    State(_shared): State<Shared>,
    Extension(vault): Extension<Vault>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    let token = form_token(&vault, &session);
    let body = html! {
        h1 { "Account" }
        section.panel {
            h2 { "Sign out" }
            p { "Ends your session in this browser. Your accounts stay connected, and messages still arrive. To come back, connect your shop again." }
            form method="post" action="/logout" { (token) button.plain { "Sign out" } }
        }
    };
    Ok(Page { title: "Account", tab: Tab::Account, is_live: false, body }.show())
}
