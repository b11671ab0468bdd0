//! The routes.

use axum::Router;
use axum::routing::{get, post};

use super::state::Shared;
use super::{account, media, routing, send, template};

pub(super) fn router(core: Shared) -> Router {
    Router::new()
        .route("/{version}/debug_token", get(account::debug_token))
        .route("/{version}/{object}", get(account::object).post(account::configure).delete(media::delete))
        .route("/whatsapp_business/attachments/{ticket}", get(media::download))
        .route("/{version}/{object}/message_templates", get(template::list))
        .route("/{version}/{object}/thread_control", post(routing::thread_control))
        .route("/{version}/{object}/messages", post(send::post))
        .route(
            "/{version}/{object}/subscribed_apps",
            get(account::subscribed_apps).post(account::subscribe).delete(account::unsubscribe),
        )
        .route("/{version}/{object}/phone_numbers", get(account::phone_numbers))
        .route("/{version}/{object}/subscriptions", get(account::subscriptions).post(account::save_subscription))
        .with_state(core)
}
