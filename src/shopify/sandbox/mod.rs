//! A simulated Shopify: grant screen, token endpoint, Admin GraphQL API and webhooks of many shops on a loopback port.
//!
//! Written from the platform's documents and meeting the service over HTTP only. Shops are reached below
//! `http://127.0.0.1:PORT/{shop}`, where the real ones have `https://{shop}`. A [`Sandbox`] starts it and steers what
//! concerns the app; a [`Shop`] and its [`Product`]s are moved by hand in tests and on a timer in the demo. Nothing
//! that is changed sends a webhook by itself: [`Shop::deliver`] does.

mod api;
mod bulk;
mod connections;
mod deliver;
mod graphql;
mod lists;
mod mutations;
mod nodes;
mod product;
mod run;
mod schema;
mod search;
mod shop;
mod state;
#[cfg(test)]
mod tests;
mod validate;
mod versions;

use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use crate::shared::channel::simulator::{Loopback, Now, Traffic, lock};
use schema::Schema;
use state::{ShopState, World};

pub use product::Product;
pub use shop::Shop;
pub use state::{Closed, ListLie, Subscription, Unservable};

/// What the simulated platform knows about the app.
pub struct Options {
    /// The app's client id.
    pub client_id: String,
    /// The app's client secret: it signs callbacks and webhooks, and the token endpoint asks for it.
    pub client_secret: String,
    /// The time that tokens, limits and changes go by.
    pub now: Now,
}

/// What the handles and the server share.
struct Core {
    options: Options,
    schema: Schema,
    world: Mutex<World>,
    client: reqwest::Client,
}

impl Core {
    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    fn now(&self) -> DateTime<Utc> {
        (self.options.now)()
    }
}

/// The running platform. Cheap to clone; the server stops when the last handle is dropped.
#[derive(Clone)]
pub struct Sandbox {
    core: Arc<Core>,
    server: Arc<Loopback>,
    traffic: Traffic,
}

impl Sandbox {
    /// Starts the platform with no shops.
    ///
    /// # Errors
    /// When no port can be opened, or the parts compiled in do not fit.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        Self::start_on(options, 0).await
    }

    /// As [`Sandbox::start`], at this port if it is free.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub async fn start_on(options: Options, port: u16) -> std::io::Result<Self> {
        let core = Arc::new(Core {
            options,
            schema: Schema::load().map_err(std::io::Error::other)?,
            world: Mutex::new(World::default()),
            client: deliver::client().map_err(std::io::Error::other)?,
        });
        let traffic = Traffic::default();
        let server = Loopback::start_on(api::router(Arc::clone(&core)), traffic.clone(), port).await?;
        core.world().base_url = server.url();
        Ok(Self { core, server: Arc::new(server), traffic })
    }

    /// `http://127.0.0.1:<port>/{shop}`, with the placeholder as it stands: the base of every shop.
    #[must_use]
    pub fn admin_url(&self) -> String {
        format!("{}/{{shop}}", self.server.url())
    }

    /// `127.0.0.1:<port>`: the host of the files that bulk operations leave behind.
    #[must_use]
    pub fn bulk_host(&self) -> String {
        self.server.url().trim_start_matches("http://").to_owned()
    }

    /// What was asked of the platform, and what shall go wrong next.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Opens a shop with an empty catalogue in euros and one location, `Main`. A shop of this domain is replaced.
    pub fn add_shop(&self, domain: &str, name: &str) -> Shop {
        let now = self.core.now();
        let mut world = self.core.world();
        let id = 954_889 + world.shops.len() as u64;
        world.shops.insert(domain.to_owned(), ShopState::new(id, domain, name, now));
        drop(world);
        Shop::new(Arc::clone(&self.core), domain)
    }

    /// The shop of this domain.
    #[must_use]
    pub fn shop(&self, domain: &str) -> Option<Shop> {
        self.core.world().shops.contains_key(domain).then(|| Shop::new(Arc::clone(&self.core), domain))
    }

    /// Whether the grant screen redirects at once (302), as if the merchant had pressed "Install", instead of showing
    /// its page.
    pub fn auto_consent(&self, yes: bool) {
        self.core.world().auto_consent = yes;
    }

    /// Whether the merchant declines at once, also where consent is automatic.
    pub fn refuse_consent(&self, yes: bool) {
        self.core.world().refuse_consent = yes;
    }

    /// Grants these scopes whatever is asked for; `None` grants what is asked for.
    pub fn set_granted_scopes(&self, scopes: Option<Vec<String>>) {
        self.core.world().granted_scopes = scopes;
    }

    /// Whether codes are exchanged for tokens that do not expire, whatever is asked for, and whether the Admin API takes
    /// such tokens: apps from before April 2026 may use them until the end of the year.
    pub fn old_tokens(&self, issued: bool, taken: bool) {
        let mut world = self.core.world();
        (world.issues_old_tokens, world.takes_old_tokens) = (issued, taken);
    }

    /// Whether the token endpoint leaves `expires_in` and `refresh_token_expires_in` out.
    pub fn hide_lifetimes(&self, yes: bool) {
        self.core.world().hides_lifetimes = yes;
    }

    /// Changes the app's client secret at the platform: what the service was configured with is wrong from now on.
    pub fn refuse_client(&self, yes: bool) {
        self.core.world().refuses_client = yes;
    }

    /// Puts a redirect URI on the app's list. As long as the list is empty, every address is accepted.
    pub fn allow_redirect_uri(&self, uri: &str) {
        self.core.world().redirect_uris.push(uri.to_owned());
    }

    /// No connection, at any level, returns more than `n` items at once, whatever `first` says.
    pub fn set_page_limit(&self, n: usize) {
        self.core.world().page_limit = Some(n.max(1));
    }

    /// Everything that the GraphQL API could not make sense of: syntax errors, unknown fields, arguments and search
    /// terms. A test ends by checking that there is nothing.
    #[must_use]
    pub fn unknown_queries(&self) -> Vec<String> {
        self.core.world().unknown_queries.clone()
    }

    /// The highest requested cost of a query so far, in points. Above 1,000 the platform refuses.
    #[must_use]
    pub fn dearest_query(&self) -> u64 {
        self.core.world().dearest_query
    }

    /// What all queries have cost so far, in points.
    #[must_use]
    pub fn points_spent(&self) -> u64 {
        self.core.world().points_spent
    }

    /// How many queries were answered with THROTTLED, because their shop had no points for them.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.core.world().throttled
    }

    /// The files that bulk operations have left behind.
    #[must_use]
    pub fn bulk_files(&self) -> Vec<String> {
        self.core.world().files.values().cloned().collect()
    }

    /// The URLs that were requested with a client secret or a token in them. There should be none.
    #[must_use]
    pub fn secrets_seen_in_urls(&self) -> Vec<String> {
        let mut secrets = vec![self.core.options.client_secret.clone()];
        secrets.extend(self.core.world().shops.values().flat_map(ShopState::secrets));
        let received = self.traffic.received().into_iter().map(|request| format!("{}?{}", request.path, request.query));
        received
            .filter(|url| {
                let decoded: String =
                    form_urlencoded::parse(url.as_bytes()).map(|(key, value)| format!("{key}={value}\n")).collect();
                secrets.iter().any(|secret| url.contains(secret) || decoded.contains(secret))
            })
            .collect()
    }

    /// A callback query of these pairs in this order, with the right `hmac` added: for forging variations in tests.
    /// Pairs named `hmac` or `signature` are kept, but not signed, as the platform does it.
    #[must_use]
    pub fn callback_query(&self, pairs: &[(&str, &str)]) -> String {
        api::signed_query(&self.core.options.client_secret, pairs)
    }

    /// The query with which the platform opens the app for a merchant of this shop, as from the App Store. `host` is
    /// there too; the documents name only `hmac`, `shop` and `timestamp`.
    #[must_use]
    pub fn install_query(&self, shop: &str) -> String {
        let store = shop.strip_suffix(".myshopify.com").unwrap_or(shop);
        let host = URL_SAFE_NO_PAD.encode(format!("admin.shopify.com/store/{store}"));
        let timestamp = self.core.now().timestamp().to_string();
        self.callback_query(&[("host", &host), ("shop", shop), ("timestamp", &timestamp)])
    }

    /// `X-Shopify-Hmac-Sha256` of this body.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        deliver::sign(&self.core.options.client_secret, body)
    }
}
