//! `GET /live`: a merchant's open pages hear of what happens to the merchant's accounts.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderMap, StatusCode};

use crate::shared::channel::context::Shared;
use crate::shared::channel::job::BoxFuture;
use crate::shared::server::accept::Stopping;
use crate::shared::server::session;
use crate::web::live::OpenPages;

pub fn routes() -> Router<Shared> {
    Router::new().route("/live", get(live)).layer(Extension(OpenPages::<[u8; 32]>::default()))
}

/// Without a session nothing is to be told: 204, after which a browser does not ask again. A page that is only open is no
/// merchant at work: the session ends as if nobody listened.
async fn live(
    State(shared): State<Shared>,
    Extension(pages): Extension<OpenPages<[u8; 32]>>,
    stopping: Stopping,
    headers: HeaderMap,
) -> Response {
    let session = match session::look(&shared, &headers).await {
        Ok(Some(session)) => session,
        Ok(None) => return StatusCode::NO_CONTENT.into_response(),
        Err(error) => return error.into_response(),
    };
    let news = shared.journal.watch_feed(session.merchant);
    let is_alive = Box::new(move || {
        let (shared, headers) = (shared.clone(), headers.clone());
        let alive: BoxFuture<'static, bool> =
            Box::pin(async move { matches!(session::look(&shared, &headers).await, Ok(Some(_))) });
        alive
    });
    pages.tell(&session.id_hash, news, is_alive, stopping)
}
