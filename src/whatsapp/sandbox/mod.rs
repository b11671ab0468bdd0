//! The simulated WhatsApp Cloud API: the Graph API of business numbers, their webhooks, and people with phones.
//!
//! It is written from the platform's documents, meets the service over HTTP only, and shares no code with the channel that it
//! stands opposite to. Nothing is random but ids: time comes from [`Options::now`], failures come on request.
//!
//! # How a test plays with it
//! ```text
//! let whatsapp = Sandbox::start(Options { app_id, app_secret, now }).await?;       // whatsapp.url() = WHATSAPP_GRAPH_URL
//! let shop = whatsapp.add_number("210000000000001", "310000000000001", "15550100001", "Harbour Cafe");
//! let token = whatsapp.system_user_token();                                        // WHATSAPP_ACCESS_TOKEN
//! whatsapp.set_callback("http://127.0.0.1:…/whatsapp/webhook", "verify token").await?;   // the dashboard: asks the challenge
//! shop.subscribe_app();                       // or the service calls POST /{waba-id}/subscribed_apps itself
//! let ada = shop.person("15550100777", "Ada Perera");                              // number and name; ada.user_id() = BSUID
//!
//! let happened = ada.writes("Is the blue one in stock?").await;                    // delivered, signed, and answered
//! assert_eq!(happened.answers, [200]);        // happened.id = wamid…, happened.item = the element of messages[]
//! ada.sends_image(b"…", "broken corner").await;    ada.taps("Yes").await;    ada.reads().await;    ada.reacts("👍").await;
//!
//! // The service answers through POST /{number}/messages …
//! whatsapp.settled().await;                   // receipts that came by themselves were answered
//! assert_eq!(ada.received()[0].text, "Yes, three left.");     // what her phone shows of ours, each once
//! assert_eq!(whatsapp.sent().len(), 1);       // what the API took; sent_twice() = marks that were taken twice
//! ```
//! Steering: [`Sandbox::set_webhooks`] (doubled, held, lost) with [`Sandbox::release`], [`Sandbox::release_reversed`] and
//! [`Sandbox::release_together`] (one body); [`Sandbox::set_receipts`] for statuses alone; [`Sandbox::fail_sends`] and
//! [`Person::fail_sends`] (`SendFailure::Refused(131047)`, cut before or after it was taken, a gateway's page); [`Sandbox::traffic`]
//! for every other call; [`Sandbox::kill_tokens`]; [`Person::blocks`], [`Person::goes_offline`].

mod account;
mod api;
mod business;
mod call;
mod company;
mod deliver;
mod error;
mod group;
mod handle;
mod incoming;
mod media;
mod more_person;
mod people;
mod person;
mod records;
mod routing;
mod send;
mod state;
mod steering;
mod template;

use std::sync::{Arc, Mutex, OnceLock};

use tokio_util::task::TaskTracker;

pub use self::group::Group;
pub use self::handle::{Happened, Number, Person, Sandbox};
pub use self::send::{Choice, Reach, Seen, SendFailure, Sent};
use self::state::{Core, World};
pub use self::template::Template;
use crate::shared::channel::simulator::{Loopback, Now, Traffic, loopback_client};

/// What the simulated app is.
pub struct Options {
    /// The app's id; digits, as on the real platform.
    pub app_id: String,
    /// The app's secret: the key of all signatures.
    pub app_secret: String,
    /// Where its time comes from.
    pub now: Now,
}

impl Sandbox {
    /// Starts it with one app and no numbers.
    ///
    /// # Errors
    /// When no port can be opened or the client for deliveries cannot be built.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        Self::start_on(options, 0).await
    }

    /// As [`Sandbox::start`], at this port if it is free.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub async fn start_on(options: Options, port: u16) -> std::io::Result<Self> {
        let core = Arc::new(Core {
            app_id: options.app_id,
            app_secret: options.app_secret,
            now: options.now,
            traffic: Traffic::default(),
            http: loopback_client()?,
            url: OnceLock::new(),
            world: Mutex::new(World::default()),
            tasks: TaskTracker::new(),
        });
        // Closed, it can be waited for whenever nothing is being sent; it takes more all the same.
        core.tasks.close();
        let server = Loopback::start_on(api::router(core.clone()), core.traffic.clone(), port).await?;
        core.url.get_or_init(|| server.url());
        Ok(Self { core, server: Arc::new(server) })
    }
}
