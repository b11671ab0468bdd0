//! The simulated Viber: the REST Bot API of one bot, its callbacks, and people with phones.
//!
//! It is written from the platform's documents, meets the service over HTTP only, and shares no code with the channel that it
//! stands opposite to. Time comes from [`Options::now`], failures come on request.
//!
//! # How a test plays with it
//! ```text
//! let viber = Sandbox::start(Options { token, bot_id: "pa:7534659427546854672".into(), name: "Harbour Cafe".into(), now }).await?;
//! // viber.url() = VIBER_API_URL, token = VIBER_BOT_TOKEN. The service calls set_webhook itself, or:
//! viber.deliver_to("http://127.0.0.1:…/viber/webhook");
//! let dilan = viber.person("dGVzdC11c2VyLTAx/A==", "Dilan K");      // the id with all the characters that ids have
//!
//! let opened = dilan.opens_chat(Some("poster-7")).await;            // conversation_started; opened.welcome = what we answered
//! let happened = dilan.writes("is the table free?").await;          // subscribes, too; happened.answers == [200]
//! dilan.taps("Yes").await;   dilan.reads().await;   dilan.unsubscribes().await;   dilan.subscribes().await;
//!
//! // The service answers through POST /send_message …
//! viber.settled().await;                                            // `delivered` that came by itself was answered
//! assert_eq!(dilan.received_texts(), ["Yes, from 18:00."]);         // what the phone shows of the bot, each once
//! assert_eq!(viber.sent().len(), 1);                                // what the API took; sent_twice() by tracking_data
//! ```
//! Steering: [`Sandbox::set_webhooks`], [`Sandbox::release`], [`Sandbox::release_reversed`]; [`Sandbox::set_receipts`] for `delivered`
//! and `seen` alone; [`Sandbox::fail_sends`] and [`Person::fail_sends`] (`SendFailure::Refused(12)`, cut before or after it was taken,
//! a gateway's page); [`Sandbox::traffic`] for every other call; [`Sandbox::set_signature`]; [`Sandbox::change_token`];
//! [`Person::goes_offline`], [`Person::has_no_suitable_device`], [`Person::fails_late`].

mod api;
mod callback;
mod deliver;
mod handle;
mod people;
mod send;
mod state;
mod steering;

use std::sync::{Arc, Mutex};

use tokio_util::task::TaskTracker;

pub use self::callback::{Happened, Opened};
pub use self::handle::{Person, Sandbox};
pub use self::send::{Seen, SendFailure, Sent, Tappable};
pub use self::state::Signature;
use self::state::{Core, World};
use crate::shared::channel::simulator::{Loopback, Now, Traffic, loopback_client};

/// What the simulated bot is.
pub struct Options {
    /// Its authentication token: it authorises calls and is the key of all signatures.
    pub token: String,
    /// The account's id, as `get_account_info` tells it.
    pub bot_id: String,
    /// The account's name.
    pub name: String,
    /// Where its time comes from.
    pub now: Now,
}

impl Sandbox {
    /// Starts it with one bot, without a webhook.
    ///
    /// # Errors
    /// When no port can be opened or the client for callbacks cannot be built.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        Self::start_on(options, 0).await
    }

    /// As [`Sandbox::start`], at this port if it is free.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub async fn start_on(options: Options, port: u16) -> std::io::Result<Self> {
        let core = Arc::new(Core {
            bot_id: options.bot_id,
            name: options.name,
            now: options.now,
            traffic: Traffic::default(),
            http: loopback_client()?,
            world: Mutex::new(World::new(options.token)),
            tasks: TaskTracker::new(),
        });
        // Closed, it can be waited for whenever nothing is being sent; it takes more all the same.
        core.tasks.close();
        let server = Loopback::start_on(api::router(core.clone()), core.traffic.clone(), port).await?;
        Ok(Self { core, server: Arc::new(server) })
    }
}
