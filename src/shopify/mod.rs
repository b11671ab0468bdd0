//! Shopify shops.
//!
//! The platform's documents: <https://shopify.dev/docs/apps/build/authentication-authorization>,
//! <https://shopify.dev/docs/api/admin-graphql>, <https://shopify.dev/docs/apps/build/webhooks>.

mod api_notices;
mod budget;
mod catalogue;
mod client;
mod compliance;
mod config;
mod doctor;
mod document;
#[doc(hidden)]
pub mod fuzzing;
mod hourly_check;
mod login;
mod payload;
mod refusal;
pub mod sandbox;
mod signed_query;
mod subscriptions;
mod token_endpoint;
mod tokens;
mod uninstalled;
mod view;
mod webhook;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;

pub use self::config::{AdminUrl, BulkHosts, Config};
pub use self::doctor::examine;
pub use self::payload::key_of_delivery;
use crate::shared::channel::Channel;
use crate::shared::channel::connect_step::{ConnectAction, ConnectStep};
use crate::shared::channel::context::Shared;
use crate::shared::server::webhook_intake::Intake;

/// The channel's name in paths, tables and files.
const NAME: &str = "shopify";

/// The platform's name as people know it.
const PLATFORM: &str = "Shopify";

/// The scopes that are asked for. The name of a location needs `read_locations`.
/// Source: <https://shopify.dev/docs/api/usage/access-scopes> (2026).
const SCOPES: [&str; 4] = ["read_products", "read_inventory", "read_locations", "read_discounts"];

/// What can be read again apart from the whole account: the shop itself.
const SHOP: &str = "shop";
/// All products with their variants and stock.
const PRODUCTS: &str = "products";
/// All collections.
const COLLECTIONS: &str = "collections";
/// All discounts.
const DISCOUNTS: &str = "discounts";
/// What is new, changed or gone since the last look.
const POLL: &str = "poll";
/// A bulk operation that has ended.
const BULK: &str = "bulk";

/// What the channel's code is given.
struct Shopify {
    shared: Shared,
    config: Arc<Config>,
    client: client::Client,
    intake: Intake,
    tokens: tokens::TokenKeeper,
    locks: catalogue::file::Locks,
    closed: hourly_check::Closed,
}

impl FromRef<Arc<Shopify>> for Shared {
    fn from_ref(shopify: &Arc<Shopify>) -> Self {
        shopify.shared.clone()
    }
}

/// The channel.
#[must_use]
pub fn channel(shared: &Shared, config: Config) -> Channel {
    let config = Arc::new(config);
    let http = shared.http.counted(NAME, &shared.metrics);
    let client = client::Client::new(http, Arc::clone(&config), shared.alerts.clone());
    let shopify = Arc::new(Shopify {
        shared: shared.clone(),
        intake: Intake::new(shared, NAME),
        tokens: tokens::TokenKeeper::new(shared.connections.clone(), client.clone(), shared.alerts.clone()),
        client,
        config: Arc::clone(&config),
        locks: catalogue::file::Locks::default(),
        closed: hourly_check::Closed::default(),
    });
    Channel {
        name: NAME,
        router: Router::new().merge(login::routes()).merge(webhook::routes(&shopify)).with_state(Arc::clone(&shopify)),
        poll_cron: config.poll_cron.clone(),
        poll_object: POLL,
        connect: ConnectStep {
            channel: NAME,
            title: "Connect your Shopify shop",
            action: ConnectAction::Form {
                action: "/shopify/login",
                field: "shop",
                label: "The name of your shop, as in its .myshopify.com address",
                hint: "my-shop",
            },
        },
        jobs: vec![hourly_check::revive_job(&shopify)],
        view: view::VIEW,
        reader: Arc::new(catalogue::sync::ShopReader(shopify)),
    }
}
