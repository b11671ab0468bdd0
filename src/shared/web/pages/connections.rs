//! What a merchant does with one connection: read it again, end it.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use maud::html;

use super::parts::name_or;
use super::{Fronts, Page, Tab, form_token, owned};
use crate::shared::api::ApiError;
use crate::shared::error::AppError;
use crate::shared::journal::Account;
use crate::shared::store::{Connection, Status};
use crate::shared::vault::Vault;
use crate::shared::web::form::Posted;
use crate::shared::web::session::SignedIn;
use crate::shared::{ReadError, Shared};

pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/connections/{channel}/{account}/sync", post(sync))
        .route("/connections/{channel}/{account}/disconnect", get(ask).post(disconnect))
}

/// `POST …/sync`: the whole account is read again, as soon as no other read of it is under way.
async fn sync(
    State(shared): State<Shared>,
    Path(account): Path<Account>,
    posted: Posted,
) -> Result<Response, AppError> {
    let connection = owned(&shared, &posted.session, &account).await?;
    if connection.status == Status::NeedsReconnect {
        return Err(AppError::Conflict("This account needs a new login before it can be read.".into()));
    }
    let now_ms = shared.clock.now_ms();
    shared.journal.want_reread(&account.0, &account.1, "", now_ms).await.map_err(anyhow::Error::from)?;
    Ok(Redirect::to("/?done=sync").into_response())
}

/// `GET …/disconnect`: says what it means, and asks.
async fn ask(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Extension(vault): Extension<Vault>,
    Path(account): Path<Account>,
    SignedIn(session): SignedIn,
) -> Result<Response, AppError> {
    let connection = owned(&shared, &session, &account).await?;
    let front = fronts.of(&account.0).ok_or(AppError::NotFound)?;
    let name = name_or(Some(&connection.name), &connection.account);
    let body = html! {
        h1 { "Disconnect " bdi { (name) } "?" }
        section.panel {
            ul {
                li { (front.view.platform) " stops telling us what happens; we ask it to, and look whether it did." }
                li { "The stored login is erased, and nothing is read any more." }
                li { "Conversations and files that are here stay. “Delete my data” under Account erases them." }
                li { "You can connect the " (front.view.noun) " again at any time." }
            }
            form.actions method="post" {
                (form_token(&vault, &session))
                button.danger { "Disconnect" }
                a.button.plain href="/" { "Keep it connected" }
            }
        }
    };
    Ok(Page { title: "Disconnect", tab: Tab::Overview, is_live: false, body }.show())
}

/// `POST …/disconnect`.
async fn disconnect(
    State(shared): State<Shared>,
    Extension(fronts): Extension<Fronts>,
    Path(account): Path<Account>,
    posted: Posted,
) -> Result<Response, AppError> {
    let connection = owned(&shared, &posted.session, &account).await?;
    unsubscribe(&fronts, &connection).await?;
    shared.erasure.disconnect(&account.0, &account.1, "merchant").await?;
    Ok(Redirect::to("/?done=disconnected").into_response())
}

/// Ends what the platform tells us of an account. One that no longer knows our login tells us nothing anyway.
pub async fn unsubscribe(fronts: &Fronts, connection: &Connection) -> Result<(), AppError> {
    let Some(front) = fronts.of(&connection.channel) else { return Ok(()) };
    match front.reader.unsubscribe(&connection.account).await {
        Ok(()) | Err(ReadError::Api(ApiError::TokenRejected { .. })) => Ok(()),
        Err(ReadError::Api(cause)) => Err(AppError::Platform { platform: front.view.platform, cause }),
        Err(error) => Err(AppError::Internal(error.into())),
    }
}
