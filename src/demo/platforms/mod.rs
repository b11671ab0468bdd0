//! `shoptalk sandbox`: the simulated platforms alone, for a service that runs beside them, and what people do there.
//!
//! Without a verb it starts all of them on loopback ports, prints the settings that lead a service to them, and stays. With
//! one (`say`, `tap`, `die-token`, …) it talks to the running one over its control address.

mod control;
mod people;
mod settings;
mod verb;
mod work;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use self::control::ask;
use self::people::Registry;
pub use self::verb::{Failing, Platform, Verb};
use crate::shared::channel::simulator::{Now, Post};
use crate::{facebook, linkedin, shopify, viber, whatsapp};

/// The port of the control address; the simulated platforms have the ports after it.
pub const CONTROL_PORT: u16 = 5100;

/// How often an address of the service is tried until it answers the challenge.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// The shop's domain.
const SHOP: &str = "demo-shop.myshopify.com";

/// The Page, and its Instagram account.
const PAGE: &str = "100000000000101";
const ACCOUNT: &str = "17841400000000001";

/// The business account and the number of WhatsApp: ids, and digits.
const BUSINESS: &str = "210000000000001";
const NUMBER: (&str, &str) = ("310000000000001", "15550100001");

/// The organization at LinkedIn.
const ORGANIZATION: &str = "90001";

/// The name that the shop has everywhere.
const NAME: &str = "Demo Snow Shop";

/// How the simulated platforms are started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the service is, or will be: `http://127.0.0.1:5000`.
    pub service: Url,
    /// The control port; the platforms have the next ones. Where one is taken, a free one is used.
    pub port: u16,
}

/// All simulated platforms, each with an account of one shop.
pub(super) struct Platforms {
    facebook: facebook::sandbox::Sandbox,
    shopify: shopify::sandbox::Sandbox,
    whatsapp: whatsapp::sandbox::Sandbox,
    number: whatsapp::sandbox::Number,
    viber: viber::sandbox::Sandbox,
    linkedin: linkedin::sandbox::Sandbox,
    post: linkedin::sandbox::PagePost,
    people: Mutex<Registry>,
    /// Deliveries of Facebook and Instagram: the account and the item.
    meta: Mutex<Post<(String, Value)>>,
    service: Url,
}

impl Platforms {
    async fn start(options: &Options) -> anyhow::Result<Self> {
        let now: Now = Arc::new(chrono::Utc::now);
        let port = |n: u16| options.port.checked_add(n).filter(|_| options.port > 0).unwrap_or(0);
        let facebook = facebook::sandbox::Options {
            app_id: settings::APP_ID.to_owned(),
            app_secret: settings::FACEBOOK_SECRET.to_owned(),
            now: Arc::clone(&now),
        };
        let facebook = facebook::sandbox::Sandbox::start_on(facebook, port(1)).await?;
        facebook.auto_consent(true);
        let page = facebook.add_page(PAGE, NAME);
        facebook.add_instagram(PAGE, ACCOUNT, "demo.snow.shop");
        facebook.send_receipts(true, false);
        drop(page);

        let shopify = shopify::sandbox::Options {
            client_id: settings::SHOPIFY_KEY.to_owned(),
            client_secret: settings::SHOPIFY_SECRET.to_owned(),
            now: Arc::clone(&now),
        };
        let shopify = shopify::sandbox::Sandbox::start_on(shopify, port(2)).await?;
        shopify.auto_consent(true);
        super::stage::fill_shop(&shopify.add_shop(SHOP, NAME));

        let whatsapp = whatsapp::sandbox::Options {
            app_id: settings::APP_ID.to_owned(),
            app_secret: settings::WHATSAPP_SECRET.to_owned(),
            now: Arc::clone(&now),
        };
        let whatsapp = whatsapp::sandbox::Sandbox::start_on(whatsapp, port(3)).await?;
        whatsapp.add_token(settings::WHATSAPP_TOKEN);
        let number = whatsapp.add_number(BUSINESS, NUMBER.0, NUMBER.1, NAME);
        number.add_template("shipping_note", "en_US", "UTILITY", "Your parcel {{1}} is on its way.");
        number.add_template("come_back", "en_US", "MARKETING", "We miss you, {{1}}!");

        let viber = viber::sandbox::Options {
            token: settings::VIBER_TOKEN.to_owned(),
            bot_id: "pa:7534659427546854672".to_owned(),
            name: NAME.to_owned(),
            now: Arc::clone(&now),
        };
        let viber = viber::sandbox::Sandbox::start_on(viber, port(4)).await?;

        let linkedin = linkedin::sandbox::Options {
            client_id: settings::LINKEDIN_CLIENT.to_owned(),
            client_secret: settings::LINKEDIN_SECRET.to_owned(),
            organization: ORGANIZATION.to_owned(),
            name: NAME.to_owned(),
            now,
        };
        let linkedin = linkedin::sandbox::Sandbox::start_on(linkedin, port(5)).await?;
        linkedin.add_token(settings::LINKEDIN_TOKEN);
        let post = linkedin.publishes("The new boards are here.");
        Ok(Self {
            facebook,
            shopify,
            whatsapp,
            number,
            viber,
            linkedin,
            post,
            people: Mutex::default(),
            meta: Mutex::default(),
            service: options.service.clone(),
        })
    }

    fn page(&self) -> anyhow::Result<facebook::sandbox::Page> {
        self.facebook.page(PAGE).context("the simulated Page is gone")
    }

    fn instagram(&self) -> anyhow::Result<facebook::sandbox::Page> {
        self.facebook.page(ACCOUNT).context("the simulated Instagram account is gone")
    }

    fn shop(&self) -> anyhow::Result<shopify::sandbox::Shop> {
        self.shopify.shop(SHOP).context("the simulated shop is gone")
    }

    fn below(&self, path: &str) -> String {
        let mut address = self.service.clone();
        address.set_path(path);
        address.to_string()
    }

    /// What people do in dashboards: the webhook addresses of WhatsApp and LinkedIn are entered, as soon as the service
    /// answers their challenges.
    async fn enter_addresses(&self) {
        let (mut whatsapp, mut linkedin) = (false, !Platform::Linkedin.is_served());
        while !(whatsapp && linkedin) {
            if !whatsapp {
                let address = self.below("/whatsapp/webhook");
                whatsapp = self.whatsapp.set_callback(&address, settings::WHATSAPP_VERIFY_TOKEN).await.is_ok();
                if whatsapp {
                    super::say("WhatsApp: the webhook address answered its challenge.");
                }
            }
            if !linkedin {
                linkedin = self.linkedin.validate(&self.below("/linkedin/webhook")).await.is_ok();
                if linkedin {
                    self.linkedin.subscribe();
                    super::say("LinkedIn: the webhook address answered its challenge.");
                }
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
    }
}

/// Starts the simulated platforms, prints the settings for a service, and stays until `stop` comes.
///
/// # Errors
/// When one cannot be started.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let platforms = Arc::new(Platforms::start(&options).await?);
    let control = control::serve(Arc::clone(&platforms), options.port).await?;
    super::say(&settings::text(&platforms, &control.url()));
    let addresses = async {
        platforms.enter_addresses().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = addresses => {}
    }
    super::finish_telling().await
}
