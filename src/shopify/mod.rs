//! Shopify shops.
//!
//! The platform's documents: <https://shopify.dev/docs/apps/build/authentication-authorization>,
//! <https://shopify.dev/docs/api/admin-graphql>, <https://shopify.dev/docs/apps/build/webhooks>.

mod about;
mod api_notices;
mod budget;
mod catalogue;
mod client;
mod closed;
mod compliance;
mod config;
mod count;
mod doctor;
mod document;
#[doc(hidden)]
pub mod fuzzing;
mod hourly_check;
mod late_login;
mod login;
mod names;
mod payload;
mod products;
mod read_request;
mod refusal;
#[cfg(feature = "demo")]
pub mod sandbox;
mod signed_query;
mod state;
mod subscriptions;
mod token_endpoint;
mod tokens;
mod uninstalled;
mod view;
mod webhook;

use std::sync::Arc;

use axum::Router;

pub use self::about::ABOUT;
pub use self::config::{AdminUrl, BulkHosts, Config, ROUTES};
pub use self::names::{PLATFORM, SCOPES};
use self::read_request::OwnRequest;
use self::state::Shopify;
use crate::shared::channel::connect_step::{ConnectAction, ConnectStep};
use crate::shared::channel::context::Shared;
use crate::shared::channel::{Channel, Poll};
use crate::shared::languages::say;

/// The channel.
#[must_use]
pub fn channel(shared: &Shared, config: Config) -> Channel {
    let shopify = Shopify::new(shared, config);
    Channel {
        about: &ABOUT,
        routes: Router::new().merge(login::routes()).merge(webhook::routes(&shopify)).with_state(Arc::clone(&shopify)),
        poll: Some(Poll { cron: shopify.config.poll_cron.clone(), request: OwnRequest::Changes.into() }),
        connect: Some(ConnectStep {
            title: say::shopify_connect,
            action: ConnectAction::Form {
                action: "/shopify/login",
                field: "shop",
                label: say::shopify_field,
                hint: "my-shop",
                wrong: say::shopify_wrong_name,
            },
        }),
        dialogue: None,
        jobs: vec![hourly_check::revive_job(&shopify)],
        configured: None,
        view: view::VIEW,
        reader: Arc::new(catalogue::sync::ShopReader(shopify)),
    }
}
