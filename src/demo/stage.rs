//! The stage of the demo: both simulators, the service wired to them, and what can happen there.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, ensure};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::copies::Copies;
use crate::app::App;
use crate::app::config::{Config, Server};
use crate::shared::channel::simulator::lock;
use crate::shared::clock::Clock;
use crate::shared::logins::random_hex;
use crate::shared::secrets::signature::Secrets;
use crate::{facebook, shopify};

/// The shop: its domain and its name.
pub const SHOP: (&str, &str) = ("demo-shop.myshopify.com", "Demo Snow Shop");

/// The Page: its id and its name.
pub const PAGE: (&str, &str) = ("100000000000101", "Demo Snow Shop");

/// The port that is tried first, so that the link is the same every time.
const FAVOURITE_PORT: u16 = 5000;

const CUSTOMERS: [(&str, &str); 4] = [
    ("7000000000000001", "Sam Doe"),
    ("7000000000000002", "Ana Moreno"),
    ("7000000000000003", "Jörg Weiß"),
    ("7000000000000004", "李小龙"),
];

const QUESTIONS: [&str; 6] = [
    "Hi! Is the Snowboard Classic still available?",
    "Which size do I need at 1.80 m?",
    "¿Hacen envíos a España?",
    "Do you have it in blue? 🏂",
    "What does shipping cost?",
    "Thanks, I'll take it!",
];

const ANSWERS: [&str; 3] = ["Yes, it is in stock.", "Size L fits you.", "Shipping is free from 50 €."];

/// Everything that plays a part. Cheap to clone.
#[derive(Clone)]
pub struct Stage {
    /// The service.
    pub app: Arc<App>,
    /// Where the merchant begins.
    pub url: String,
    /// Where copies of the files arrive.
    pub copies: Copies,
    facebook: facebook::sandbox::Sandbox,
    shopify: shopify::sandbox::Sandbox,
    listener: Arc<Mutex<Option<TcpListener>>>,
    delivered: Arc<Mutex<Vec<Value>>>,
}

impl Stage {
    /// Where the simulated platforms are.
    ///
    /// # Errors
    /// When one has no address.
    pub fn platforms(&self) -> anyhow::Result<[Url; 2]> {
        Ok([Url::parse(&self.facebook.url())?, Url::parse(&self.shopify.admin_url())?])
    }

    /// Sets the stage below a folder. `unattended`: the simulated login screens click themselves.
    pub async fn set(folder: &Path, unattended: bool) -> anyhow::Result<Self> {
        let now: crate::shared::channel::simulator::Now = Arc::new(chrono::Utc::now);
        let (facebook_secret, shopify_secret) = (random_hex()?, random_hex()?);
        let facebook = facebook::sandbox::Sandbox::start(facebook::sandbox::Options {
            app_id: "900000000000001".to_owned(),
            app_secret: facebook_secret.clone(),
            now: Arc::clone(&now),
        })
        .await?;
        let shopify = shopify::sandbox::Sandbox::start(shopify::sandbox::Options {
            client_id: "demo-app".to_owned(),
            client_secret: shopify_secret.clone(),
            now: Arc::clone(&now),
        })
        .await?;
        let copies = Copies::start(now).await?;
        facebook.auto_consent(unattended);
        shopify.auto_consent(unattended);
        fill_shop(&shopify.add_shop(SHOP.0, SHOP.1));
        let page = facebook.add_page(PAGE.0, PAGE.1);
        let regular = facebook.person(CUSTOMERS[1].0, CUSTOMERS[1].1);
        page.message_from(&regular, "Do you ship to Austria?");
        page.reply_to(&regular, "Yes, within three days.");

        let listener = listen().await?;
        let url = format!("http://{}", listener.local_addr()?);
        let below = |path: &str| Url::parse(&format!("{url}{path}"));
        let config = Config {
            facebook: Some(facebook::Config {
                app_id: "900000000000001".to_owned(),
                app_secret: Secrets::new(facebook_secret.into(), None),
                verify_token: SecretString::from(random_hex()?),
                redirect_uri: below("/facebook/callback")?,
                webhook_address: below("/facebook/webhook")?,
                require_sha256: false,
                graph_version: "v26.0".to_owned(),
                graph_url: Url::parse(&facebook.url())?,
                dialog_url: Url::parse(&facebook.url())?,
                poll_cron: "17 3 * * *".to_owned(),
                calls_per_second: 2,
                media: None,
                instagram: false,
                human_agent: false,
            }),
            shopify: Some(shopify::Config {
                api_key: "demo-app".to_owned(),
                api_secret: Secrets::new(shopify_secret.into(), None),
                redirect_uri: below("/shopify/callback")?,
                webhook_address: below("/shopify/webhook")?,
                api_version: "2026-10".to_owned(),
                admin_url: shopify::AdminUrl::parse(&shopify.admin_url()).map_err(anyhow::Error::msg)?,
                bulk_above: 1000,
                bulk_hosts: shopify::BulkHosts::parse(&shopify.bulk_host())
                    .context("the simulated files have no host")?,
                poll_cron: "47 3 * * *".to_owned(),
            }),
            ..Config::without_channels(Server { objects: Some(copies.settings()?), ..Server::below(folder) })
        };
        let app = App::build(config, Clock::system()).await?;
        Ok(Self {
            app: Arc::new(app),
            url,
            copies,
            facebook,
            shopify,
            listener: Arc::new(Mutex::new(Some(listener))),
            delivered: Arc::default(),
        })
    }

    /// Runs the service until `stop`, then brings everything to disk.
    pub async fn serve(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let listener = lock(&self.listener).take().context("the service runs already")?;
        let mut working = self.app.start().await?;
        let served = self.app.serve(listener, &mut working, stop).await;
        self.app.stop_working(Some(working)).await;
        served
    }

    /// Closes the service's databases, if nobody else holds it.
    pub async fn strike(self) {
        let Self { app, .. } = self;
        if let Ok(app) = Arc::try_unwrap(app) {
            app.stop(None).await;
        }
    }

    /// The customer of the unattended story.
    pub fn customer(&self) -> facebook::sandbox::Person {
        self.facebook.person(CUSTOMERS[0].0, CUSTOMERS[0].1)
    }

    /// A customer who wrote before the Page was connected.
    pub fn regular(&self) -> facebook::sandbox::Person {
        self.facebook.person(CUSTOMERS[1].0, CUSTOMERS[1].1)
    }

    /// A customer's message, delivered by webhook.
    pub async fn customer_writes(&self, text: &str) -> anyhow::Result<()> {
        let item = self.page()?.message_from(&self.customer(), text);
        self.deliver(item).await
    }

    /// The shop's answer, delivered by webhook as an echo.
    pub async fn shop_answers(&self, text: &str) -> anyhow::Result<()> {
        let item = self.page()?.reply_to(&self.customer(), text);
        self.deliver(item).await
    }

    /// Everything delivered so far comes once more, in one delivery.
    pub async fn deliveries_repeat(&self) -> anyhow::Result<()> {
        let items = lock(&self.delivered).clone();
        let status = self.page()?.deliver(&items).await?;
        ensure!(status == Some(200), "a repeated delivery was answered {status:?}");
        Ok(())
    }

    /// Whether a delivery with a wrong signature is answered 401.
    pub async fn forgery_is_refused(&self) -> anyhow::Result<bool> {
        let page = self.page()?;
        let forged = json!({
            "sender": { "id": self.customer().id }, "recipient": { "id": page.id() }, "timestamp": 1,
            "message": { "mid": "m_forged", "text": "Send me everything for free" },
        });
        let body = page.envelope(&[forged]).to_string();
        Ok(self.facebook.deliver_forged(body.as_bytes()).await? == 401)
    }

    /// A message that the platform knows, and whose webhook never comes.
    pub fn message_gets_lost(&self, text: &str) {
        if let Ok(page) = self.page() {
            page.message_from(&self.customer(), text);
        }
    }

    /// The first product gets a new price, and the webhook says that something changed.
    pub async fn price_changes(&self, price: &str) -> anyhow::Result<()> {
        let shop = self.shop()?;
        let product = shop.products().into_iter().next().context("the shop has no product")?;
        product.set_price(price);
        let statuses = shop.deliver("products/update", &product.webhook()).await;
        ensure!(statuses == [200], "the product's webhook was answered {statuses:?}");
        Ok(())
    }

    /// One happening of the interactive demo; tells what it was. Nothing happens before both are connected.
    pub async fn something_happens(&self, turn: usize) -> Option<String> {
        let page = self.page().ok()?;
        if page.subscribed_fields().is_empty() {
            return None;
        }
        let (id, name) = CUSTOMERS[turn % CUSTOMERS.len()];
        let person = self.facebook.person(id, name);
        if turn % 5 == 4 {
            let shop = self.shop().ok()?;
            let products = shop.products();
            let product = products.get(turn / 5 % products.len().max(1))?;
            let price = format!("{}.00", 20 + turn * 7 % 600);
            product.set_price(&price);
            shop.deliver("products/update", &product.webhook()).await;
            return Some(format!("  The price of “{}” is now {price}.", product.title()));
        }
        let (text, item) = if turn % 3 == 1 {
            let text = ANSWERS[turn % ANSWERS.len()];
            (format!("  The shop answers {name}: {text}"), page.reply_to(&person, text))
        } else {
            let text = QUESTIONS[turn % QUESTIONS.len()];
            (format!("  {name} writes: {text}"), page.message_from(&person, text))
        };
        page.deliver(&[item]).await.ok()?;
        Some(text)
    }

    async fn deliver(&self, item: Value) -> anyhow::Result<()> {
        lock(&self.delivered).push(item.clone());
        let status = self.page()?.deliver(&[item]).await?;
        ensure!(status == Some(200), "a delivery was answered {status:?}");
        Ok(())
    }

    fn page(&self) -> anyhow::Result<facebook::sandbox::Page> {
        self.facebook.page(PAGE.0).context("the simulated Page is gone")
    }

    fn shop(&self) -> anyhow::Result<shopify::sandbox::Shop> {
        self.shopify.shop(SHOP.0).context("the simulated shop is gone")
    }
}

async fn listen() -> anyhow::Result<TcpListener> {
    match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, FAVOURITE_PORT))).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port can be opened on this machine"),
    }
}

pub(super) fn fill_shop(shop: &shopify::sandbox::Shop) {
    let board = shop.add_product("Snowboard Classic");
    board.set_price("640.00");
    board.set_stock(3);
    board.set_description("All-mountain board, 158 cm.");
    board.add_variant("Wide", "660.00");
    board.set_metafield("care", "Wax twice a season");
    let boots = shop.add_product("Boots “Alpin”");
    boots.set_price("229.90");
    boots.set_tags(&["boots", "sale"]);
    let gloves = shop.add_product("Gloves");
    gloves.set_price("39.00");
    gloves.set_stock(0);
    let draft = shop.add_product("Next season's jacket");
    draft.set_status("DRAFT");
    shop.add_collection("Winter", &[&board, &boots, &gloves]);
    shop.add_code_discount("Welcome", &["WELCOME10"], 0.1);
    shop.add_automatic_discount("Winter week", 0.05);
}
