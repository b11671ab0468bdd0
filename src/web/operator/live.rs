//! `GET /operator/live`: an operator's open page hears of every event.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use super::state::Operator;
use crate::shared::channel::job::BoxFuture;
use crate::shared::server::accept::Stopping;

/// Without an operator nothing is to be told: 204, after which a browser does not ask again.
pub(super) async fn live(State(operator): State<Operator>, stopping: Stopping, headers: HeaderMap) -> Response {
    let session = match operator.session_as_it_is(&headers) {
        Ok(Some(session)) => session,
        Ok(None) => return StatusCode::NO_CONTENT.into_response(),
        Err(error) => return error.into_response(),
    };
    let (news, pages) = (operator.shared.journal.watch(), operator.open_pages.clone());
    let is_alive = Box::new(move || {
        let alive = matches!(operator.session_as_it_is(&headers), Ok(Some(_)));
        let alive: BoxFuture<'static, bool> = Box::pin(std::future::ready(alive));
        alive
    });
    pages.tell(&session.id(), news, is_alive, stopping)
}
