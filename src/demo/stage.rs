//! The stage of the demo: the simulated platforms, the service beside them in a process of its own, and what happens there.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::copies::Copies;
use super::model::{self, Model};
use super::options::Options;
use super::platforms::people::CUSTOMERS;
use super::platforms::{self, Platform, Platforms, SHOP, Verb, serve_control};
use super::service::Service;
use crate::facebook;
use crate::shared::channel::simulator::{Loopback, lock};

/// The port that is tried first, so that the link is the same every time.
const FAVOURITE_PORT: u16 = 5000;

/// How many ports are tried: another program may take one in the moment between the look and the start.
const MOST_TRIES: usize = 5;

const QUESTIONS: [&str; 7] = [
    "Hi! Is the Snowboard Classic still available?",
    "How much are the boots?",
    "¿Cuánto cuesta el Snowboard?",
    "Do you have it in blue? 🏂",
    "Do you have gloves?",
    "Can I talk to a person, please?",
    "Thanks, I'll take it!",
];

const ANSWERS: [&str; 3] = ["Yes, it is in stock.", "Size L fits you.", "Shipping is free from 50 €."];

/// Everything that plays a part.
pub struct Stage {
    /// The simulated platforms.
    pub platforms: Arc<Platforms>,
    /// The service.
    pub service: Arc<Service>,
    /// Where verbs are heard.
    pub control: Loopback,
    /// Whether the folder held no earlier demo.
    pub is_first: bool,
    /// What opens the operator's view.
    pub operator_token: String,
    /// The simulated model, where a bot plays along.
    _model: Option<Model>,
    /// Where copies of the files arrive.
    pub copies: Copies,
    delivered: Mutex<Vec<Value>>,
}

impl Stage {
    /// Sets the stage below a folder, and starts the service. Unattended, the simulated login screens click themselves.
    pub async fn set(folder: &Path, options: &Options) -> anyhow::Result<Self> {
        let is_first = !folder.join("data/tokens.db").exists();
        let nowhere = Url::parse("http://127.0.0.1:9")?;
        let options_of_platforms = platforms::Options { service: nowhere, port: 0, consents: options.once };
        let platforms = Arc::new(Platforms::start(&options_of_platforms).await?);
        let page = platforms.page()?;
        let regular = platforms.facebook.person("7000000000000002", CUSTOMERS[1]);
        page.message_from(&regular, "Do you ship to Austria?");
        page.reply_to(&regular, "Yes, within three days.");
        let model = match options.bot {
            true => Some(Model::start(Arc::new(chrono::Utc::now)).await?),
            false => None,
        };
        // With hyphens, as a UUID: nobody takes it for the token of a platform.
        let operator_token = uuid::Uuid::new_v4().to_string();
        let mut more = vec![("OPERATOR_TOKEN", operator_token.clone()), ("CHANNELS_OWNER", SHOP.to_owned())];
        if let Some(model) = &model {
            more.extend([("BOT_ENDPOINT", model.endpoint()), ("BOT_MODEL", model::NAME.to_owned())]);
        }
        let copies = Copies::start(Arc::new(chrono::Utc::now)).await?;
        more.extend(copies.settings());
        let service = start_service(folder, &platforms, more).await?;
        platforms.set_service(Arc::clone(&service));
        let control = serve_control(&platforms, platforms::CONTROL_PORT).await?;
        let dashboards = Arc::clone(&platforms);
        tokio::spawn(async move { dashboards.enter_addresses(|_| {}).await });
        Ok(Self {
            platforms,
            service,
            control,
            is_first,
            operator_token,
            _model: model,
            copies,
            delivered: Mutex::default(),
        })
    }

    /// Where the simulated login screens are.
    ///
    /// # Errors
    /// When one has no address.
    pub fn login_screens(&self) -> anyhow::Result<[Url; 2]> {
        Ok([Url::parse(&self.platforms.facebook.url())?, Url::parse(&self.platforms.shopify.admin_url())?])
    }

    /// The customer of the unattended story.
    pub fn customer(&self) -> facebook::sandbox::Person {
        self.platforms.facebook.person("7000000000000001", CUSTOMERS[0])
    }

    /// The customer writes; the webhook says so.
    pub async fn customer_writes(&self, text: &str) -> anyhow::Result<()> {
        let item = self.platforms.page()?.message_from(&self.customer(), text);
        self.deliver(item).await
    }

    /// The shop answers in its own inbox; the webhook says so.
    pub async fn shop_answers(&self, text: &str) -> anyhow::Result<()> {
        let item = self.platforms.page()?.reply_to(&self.customer(), text);
        self.deliver(item).await
    }

    /// Everything that was delivered comes again.
    pub async fn deliveries_repeat(&self) -> anyhow::Result<()> {
        let items = lock(&self.delivered).clone();
        let status = self.platforms.page()?.deliver(&items).await?;
        ensure!(status == Some(200), "a repeated delivery was answered {status:?}");
        Ok(())
    }

    /// A delivery that nobody signed rightly.
    pub async fn forgery_is_refused(&self) -> anyhow::Result<bool> {
        let page = self.platforms.page()?;
        let forged = json!({
            "sender": { "id": self.customer().id }, "recipient": { "id": page.id() }, "timestamp": 1,
            "message": { "mid": "m_forged", "text": "Send me everything for free" },
        });
        let body = page.envelope(&[forged]).to_string();
        Ok(self.platforms.facebook.deliver_forged(body.as_bytes()).await? == 401)
    }

    /// A message that the platform knows, and whose webhook never comes.
    pub fn message_gets_lost(&self, text: &str) -> anyhow::Result<()> {
        self.platforms.page()?.message_from(&self.customer(), text);
        Ok(())
    }

    /// The first product gets a new price, and the webhook says that something changed.
    pub async fn price_changes(&self, price: &str) -> anyhow::Result<()> {
        let shop = self.platforms.shop()?;
        let product = shop.products().into_iter().next().context("the shop has no product")?;
        product.set_price(price);
        let statuses = shop.deliver("products/update", &product.webhook()).await;
        ensure!(statuses == [200], "the product's webhook was answered {statuses:?}");
        Ok(())
    }

    /// One happening of the interactive demo; tells what it was. Nothing happens before both are connected.
    pub async fn something_happens(&self, turn: usize, with_bot: bool) -> Option<String> {
        if !self.platforms.is_busy() || !self.platforms.is_heard(Platform::Facebook) {
            return None;
        }
        let (verb, line) = self.next(turn, with_bot)?;
        match self.platforms.carry_out(verb).await {
            Ok(_) => Some(line),
            Err(error) => Some(format!("Not possible: {error:#}")),
        }
    }

    fn next(&self, turn: usize, with_bot: bool) -> Option<(Verb, String)> {
        let name = CUSTOMERS[turn % CUSTOMERS.len()];
        let person = Some(name.to_owned());
        if turn % 5 == 4 {
            let products = self.platforms.shop().ok()?.products();
            let product = products.get(turn / 5 % products.len().max(1))?.title();
            let price = format!("{}.00", 20 + turn * 7 % 600);
            let line = format!("The price of “{product}” is now {price}.");
            return Some((Verb::Price { product, price }, line));
        }
        let heard: Vec<Platform> = Platform::messengers().filter(|one| self.platforms.is_heard(*one)).collect();
        // Customers of each platform come round, whatever turns there are in between.
        let platform = *heard.get((turn + turn / heard.len().max(1)) % heard.len().max(1))?;
        // Where a bot answers, people of the shop only take over now and then.
        let is_shop = if with_bot { turn % 11 == 1 } else { turn % 3 == 1 };
        if is_shop && matches!(platform, Platform::Facebook | Platform::Instagram | Platform::Whatsapp) {
            let text = ANSWERS[turn % ANSWERS.len()];
            let line = format!("The shop answers {name} on {}: {text}", platform.name());
            return Some((Verb::Human { platform, text: vec![text.to_owned()], person }, line));
        }
        let text = QUESTIONS[turn % QUESTIONS.len()];
        let line = format!("{name} writes on {}: {text}", platform.name());
        Some((Verb::Say { platform, text: vec![text.to_owned()], person }, line))
    }

    async fn deliver(&self, item: Value) -> anyhow::Result<()> {
        lock(&self.delivered).push(item.clone());
        let status = self.platforms.page()?.deliver(&[item]).await?;
        ensure!(status == Some(200), "a delivery was answered {status:?}");
        Ok(())
    }
}

/// Starts the service at the favourite port, or at one that is free.
async fn start_service(
    folder: &Path,
    platforms: &Platforms,
    more: Vec<(&'static str, String)>,
) -> anyhow::Result<Arc<Service>> {
    let mut failure = None;
    for attempt in 0..MOST_TRIES {
        let url = Url::parse(&format!("http://{}", free_address(attempt == 0).await?))?;
        platforms.set_address(&url);
        let settings = [platforms.settings(), more.clone()].concat();
        let service = Arc::new(Service::new(folder, url.clone(), settings)?);
        match service.start().await {
            Ok(()) => return Ok(service),
            Err(error) => {
                service.stop().await;
                failure = Some(error);
                // What has nothing to do with the port fails at every one.
                if TcpListener::bind(url.socket_addrs(|| None)?.as_slice()).await.is_ok() {
                    break;
                }
            }
        }
    }
    Err(failure.context("no port was tried")?)
}

/// An address on which nobody listens.
async fn free_address(favourite: bool) -> anyhow::Result<SocketAddr> {
    let bind = |port: u16| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    if favourite && let Ok(listener) = bind(FAVOURITE_PORT).await {
        return Ok(listener.local_addr()?);
    }
    Ok(bind(0).await.context("no port can be opened on this machine")?.local_addr()?)
}
