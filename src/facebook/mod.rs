//! Facebook Pages and Messenger.
//!
//! The platform's documents: <https://developers.facebook.com/docs/messenger-platform>,
//! <https://developers.facebook.com/docs/graph-api>, <https://developers.facebook.com/docs/facebook-login>.

mod client;
mod config;
mod deletion;
mod doctor;
mod document;
#[doc(hidden)]
pub mod fuzzing;
mod history;
mod hourly_check;
mod instagram;
mod login;
mod media;
mod metadata;
mod payload;
mod read_request;
mod refusal;
#[cfg(feature = "demo")]
pub mod sandbox;
mod sync;
mod tokens;
mod view;
mod webhook;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::FromRef;

pub use self::config::{Config, Media};
use crate::shared::channel::about::About;
use crate::shared::channel::connect_step::{ConnectAction, ConnectStep};
use crate::shared::channel::context::Shared;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::{Channel, Poll};
use crate::shared::server::webhook_intake::Intake;

/// The channel's name in paths, tables and files.
const NAME: &str = "facebook";

/// The platform's name as people know it.
pub const PLATFORM: &str = "Facebook";

/// The permissions that are asked for. `pages_read_engagement` is needed by the Conversations API.
/// Source: <https://developers.facebook.com/docs/messenger-platform/conversations> (2026).
const SCOPES: [&str; 4] = ["pages_show_list", "pages_manage_metadata", "pages_messaging", "pages_read_engagement"];

/// The webhook fields that are wanted, on both levels of subscription. One unknown name would fail the whole call.
/// `response_feedback` is left out on purpose: subscribing shows buttons to customers.
/// Source: <https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps> (2026).
const FIELDS: [&str; 20] = [
    "messages",
    "message_echoes",
    "message_deliveries",
    "message_reads",
    "message_reactions",
    "message_edits",
    "messaging_postbacks",
    "messaging_referrals",
    "messaging_optins",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
    "name",
    "category",
    "description",
    "phone",
    "website",
    "hours",
    "location",
    "picture",
];

/// What is true of the channel of Pages.
pub static ABOUT: About = About {
    name: NAME,
    has_account_tokens: true,
    is_polled: true,
    event_key: Some(payload::key_of_message),
    unsending: Some(payload::UNSENDING),
};

/// What is true of the channel of the Pages' Instagram accounts: the Page lends its token.
pub static INSTAGRAM: About = About { name: instagram::NAME, has_account_tokens: false, ..ABOUT };

/// What the channel's code is given.
struct Facebook {
    shared: Shared,
    config: Arc<Config>,
    client: client::Client,
    intake: Intake,
    /// Why Facebook would not subscribe the app, as its code, where that is so.
    app_refused: Mutex<Option<String>>,
}

impl Facebook {
    fn app_refused(&self) -> Option<String> {
        self.app_refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives back whether that is news.
    fn set_app_refused(&self, code: Option<String>) -> bool {
        let mut known = self.app_refused.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *known, code.clone()) != code
    }
}

impl FromRef<Arc<Facebook>> for Shared {
    fn from_ref(facebook: &Arc<Facebook>) -> Self {
        facebook.shared.clone()
    }
}

/// The channel, and that of the Pages' Instagram accounts if it is on.
#[must_use]
pub fn channels(shared: &Shared, config: Config) -> Vec<Channel> {
    let config = Arc::new(config);
    let facebook = Arc::new(Facebook {
        shared: shared.clone(),
        intake: Intake::new(shared, NAME),
        client: client::Client::new(shared, Arc::clone(&config)),
        config: Arc::clone(&config),
        app_refused: Mutex::default(),
    });
    let media = config.media.iter().map(|_| media::job(&facebook, NAME));
    let jobs = std::iter::once(hourly_check::job(&facebook)).chain(media).collect();
    let instagram = config.instagram.then(|| instagram::channel(&facebook));
    let pages = Channel {
        about: &ABOUT,
        routes: Router::new()
            .merge(login::routes())
            .merge(webhook::routes(&facebook))
            .merge(deletion::routes())
            .with_state(Arc::clone(&facebook)),
        poll: Some(Poll { cron: config.poll_cron.clone(), request: ReadRequest::Everything }),
        connect: Some(ConnectStep {
            title: "Connect your Facebook Page",
            action: ConnectAction::Link { href: "/facebook/login", label: "Continue with Facebook" },
        }),
        view: view::VIEW,
        reader: Arc::new(sync::PageReader(facebook)),
        jobs,
    };
    [Some(pages), instagram].into_iter().flatten().collect()
}
