//! Viber bots.
//!
//! The platform's documents: <https://creators.viber.com/docs/bots-api/>,
//! <https://developers.viber.com/docs/api/rest-bot-api/>.
//!
//! There is one bot: the one whose token the settings hold. It belongs to the merchant whom the settings name.

mod about;
mod account;
mod client;
mod config;
mod dialogue;
mod doctor;
mod document;
#[doc(hidden)]
pub mod fuzzing;
mod hourly_check;
mod meaning;
mod message;
mod names;
mod payload;
mod read_request;
mod refusal;
#[cfg(feature = "demo")]
pub mod sandbox;
mod state;
mod sync;
mod view;
mod webhook;

use std::sync::Arc;

use axum::Router;

pub use self::about::ABOUT;
pub use self::config::{Config, ROUTES};
use self::dialogue::BotDialogue;
pub use self::names::PLATFORM;
use self::state::Viber;
use self::sync::{BotReader, OfSettings};
use crate::shared::channel::Channel;
use crate::shared::channel::context::Shared;

/// The channel.
#[must_use]
pub fn channel(shared: &Shared, config: Config) -> Channel {
    let viber = Viber::new(shared, config);
    Channel {
        about: &ABOUT,
        routes: Router::new().merge(webhook::routes(&viber)).with_state(Arc::clone(&viber)),
        poll: None,
        connect: None,
        view: view::VIEW,
        dialogue: Some(Arc::new(BotDialogue::new(Arc::clone(&viber)))),
        jobs: vec![hourly_check::job(&viber)],
        configured: Some(Arc::new(OfSettings(Arc::clone(&viber)))),
        reader: Arc::new(BotReader(viber)),
    }
}
