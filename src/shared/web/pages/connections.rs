//! What a merchant does with one connection: read it again, end it.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;

use super::owned;
use crate::shared::Shared;
use crate::shared::error::AppError;
use crate::shared::journal::Account;
use crate::shared::store::Status;
use crate::shared::web::form::Posted;

pub fn routes() -> Router<Shared> {
    Router::new().route("/connections/{channel}/{account}/sync", post(sync))
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
