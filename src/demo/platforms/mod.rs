//! `shoptalk sandbox`: the simulated platforms alone, for a service that runs beside them, and what people do there.
//!
//! Without a verb it starts all of them on loopback ports, prints the settings that lead a service to them, and stays. With
//! one (`say`, `tap`, `die-token`, …) it talks to the running one over its control address.

mod control;
mod goods;
mod page;
pub(crate) mod people;
mod settings;
mod verb;
mod work;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use self::control::ask;
use self::people::Registry;
pub use self::verb::{Failing, Happening, Platform, Verb};
use super::service::Service;
use super::telling::{finish_telling, say};
use crate::shared::channel::simulator::{Loopback, Now, Post, lock};
use crate::{facebook, linkedin, shopify, viber, whatsapp};

/// The port of the control address; the simulated platforms have the ports after it.
pub const CONTROL_PORT: u16 = 5100;

/// How often an address of the service is tried until it answers the challenge.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// How many happenings are remembered for the control page.
const REMEMBERED: usize = 40;

/// The shop's domain.
pub(super) const SHOP: &str = "demo-shop.myshopify.com";

/// The Page, and its Instagram account.
pub(super) const PAGE: &str = "100000000000101";
const ACCOUNT: &str = "17841400000000001";

/// The business account and the number of WhatsApp: ids, and digits.
const BUSINESS: &str = "210000000000001";
const NUMBER: (&str, &str) = ("310000000000001", "15550100001");

/// The organization at LinkedIn.
const ORGANIZATION: &str = "90001";

/// The name that the shop has everywhere.
pub(super) const NAME: &str = "Demo Snow Shop";

/// How the simulated platforms are started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the service is, or will be: `http://127.0.0.1:5000`.
    pub service: Url,
    /// The control port; the platforms have the next ones. Where one is taken, a free one is used.
    pub port: u16,
    /// Whether login screens click themselves.
    pub consents: bool,
}

/// All simulated platforms, each with an account of one shop.
pub(super) struct Platforms {
    pub(super) facebook: facebook::sandbox::Sandbox,
    pub(super) shopify: shopify::sandbox::Sandbox,
    whatsapp: whatsapp::sandbox::Sandbox,
    number: whatsapp::sandbox::Number,
    viber: viber::sandbox::Sandbox,
    linkedin: linkedin::sandbox::Sandbox,
    post: linkedin::sandbox::PagePost,
    people: Mutex<Registry>,
    /// Deliveries of Facebook and Instagram: the account and the item.
    meta: Mutex<Post<(String, Value)>>,
    /// Where the service is, or will be.
    address: Mutex<Url>,
    /// The service, where it is ours to start and to kill.
    service: OnceLock<Arc<Service>>,
    /// Whether WhatsApp has the service's address.
    is_entered: AtomicBool,
    /// Whether customers write by themselves.
    is_busy: AtomicBool,
    /// What happened, the newest last.
    happened: Mutex<VecDeque<String>>,
    /// How much of what a person received was told already.
    told: Mutex<HashMap<(Platform, String), usize>>,
}

impl Platforms {
    pub(super) async fn start(options: &Options) -> anyhow::Result<Self> {
        let now: Now = Arc::new(chrono::Utc::now);
        let port = |n: u16| options.port.checked_add(n).filter(|_| options.port > 0).unwrap_or(0);
        let facebook = facebook::sandbox::Options {
            app_id: settings::APP_ID.to_owned(),
            app_secret: settings::FACEBOOK_SECRET.to_owned(),
            now: Arc::clone(&now),
        };
        let facebook = facebook::sandbox::Sandbox::start_on(facebook, port(1)).await?;
        facebook.auto_consent(options.consents);
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
        shopify.auto_consent(options.consents);
        goods::fill_shop(&shopify.add_shop(SHOP, NAME));

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
            address: Mutex::new(options.service.clone()),
            service: OnceLock::new(),
            is_entered: AtomicBool::default(),
            is_busy: AtomicBool::new(true),
            happened: Mutex::default(),
            told: Mutex::default(),
        })
    }

    /// The service is here.
    pub(super) fn set_address(&self, address: &Url) {
        lock(&self.address).clone_from(address);
    }

    /// The service is this one: verbs may kill and start it.
    pub(super) fn set_service(&self, service: Arc<Service>) {
        let _ = self.service.set(service);
    }

    /// The settings that lead a service to these platforms.
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        settings::settings(self)
    }

    /// Whether customers write by themselves.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    /// Whether what happens on a platform is told to the service.
    pub(super) fn is_heard(&self, platform: Platform) -> bool {
        match platform {
            Platform::Facebook => self.page().is_ok_and(|page| !page.subscribed_fields().is_empty()),
            Platform::Instagram => {
                self.is_heard(Platform::Facebook) && self.facebook.instagram_subscription().is_some()
            }
            Platform::Whatsapp => self.is_entered.load(Ordering::Relaxed) && self.number.is_subscribed(),
            Platform::Viber => self.viber.webhook().is_some(),
            Platform::Linkedin => self.linkedin.is_subscribed(),
            Platform::Shopify => self.shop().is_ok_and(|shop| !shop.subscriptions().is_empty()),
        }
    }

    /// Remembers a happening for the control page.
    pub(super) fn remember(&self, line: &str) {
        let mut happened = lock(&self.happened);
        if happened.len() == REMEMBERED {
            happened.pop_front();
        }
        happened.push_back(line.trim().to_owned());
    }

    /// Carries out a verb, and remembers it.
    pub(super) async fn play(&self, verb: Verb) -> anyhow::Result<String> {
        let done = self.carry_out(verb).await;
        match &done {
            Ok(said) => self.remember(said),
            Err(error) => self.remember(&format!("Not possible: {error:#}")),
        }
        done
    }

    pub(super) fn page(&self) -> anyhow::Result<facebook::sandbox::Page> {
        self.facebook.page(PAGE).context("the simulated Page is gone")
    }

    fn instagram(&self) -> anyhow::Result<facebook::sandbox::Page> {
        self.facebook.page(ACCOUNT).context("the simulated Instagram account is gone")
    }

    pub(super) fn shop(&self) -> anyhow::Result<shopify::sandbox::Shop> {
        self.shopify.shop(SHOP).context("the simulated shop is gone")
    }

    fn below(&self, path: &str) -> String {
        let mut address = lock(&self.address).clone();
        address.set_path(path);
        address.to_string()
    }

    /// What people do in dashboards: the webhook addresses of WhatsApp and LinkedIn are entered, as soon as the service
    /// answers their challenges.
    pub(super) async fn enter_addresses(&self, told: impl Fn(&str)) {
        let (mut whatsapp, mut linkedin) = (false, !Platform::Linkedin.is_served());
        while !(whatsapp && linkedin) {
            if !whatsapp {
                let address = self.below("/whatsapp/webhook");
                whatsapp = self.whatsapp.set_callback(&address, settings::WHATSAPP_VERIFY_TOKEN).await.is_ok();
                if whatsapp {
                    self.is_entered.store(true, Ordering::Relaxed);
                    told("WhatsApp: the webhook address answered its challenge.");
                }
            }
            if !linkedin {
                linkedin = self.linkedin.validate(&self.below("/linkedin/webhook")).await.is_ok();
                if linkedin {
                    self.linkedin.subscribe();
                    told("LinkedIn: the webhook address answered its challenge.");
                }
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
    }
}

/// Opens the control address: at this port if it is free.
///
/// # Errors
/// When no port can be opened.
pub(super) async fn serve_control(platforms: &Arc<Platforms>, port: u16) -> anyhow::Result<Loopback> {
    Ok(control::serve(Arc::clone(platforms), port).await?)
}

/// Starts the simulated platforms, prints the settings for a service, and stays until `stop` comes.
///
/// # Errors
/// When one cannot be started.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let platforms = Arc::new(Platforms::start(&options).await?);
    let control = serve_control(&platforms, options.port).await?;
    say(&settings::text(&platforms, &control.url()));
    let addresses = async {
        platforms.enter_addresses(say).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = addresses => {}
    }
    finish_telling().await
}
