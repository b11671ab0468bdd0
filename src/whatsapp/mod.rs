//! WhatsApp: one number of the WhatsApp Business Platform's Cloud API, which the settings name.
//!
//! The platform's documents: <https://developers.facebook.com/documentation/business-messaging/whatsapp>.

mod about;
mod client;
mod config;
mod configured;
mod content;
mod dialogue;
mod doctor;
#[doc(hidden)]
pub mod fuzzing;
mod grants;
mod hourly_check;
mod meaning;
mod media;
mod metadata;
mod names;
mod payload;
mod person;
mod read_request;
mod refusal;
#[cfg(feature = "demo")]
pub mod sandbox;
mod state;
mod sync;
mod template;
mod templates;
mod tokens;
mod view;
mod webhook;

use std::sync::Arc;

pub use self::about::ABOUT;
pub use self::config::{Config, ROUTES};
use self::configured::Number;
use self::dialogue::NumberDialogue;
pub use self::names::PLATFORM;
use self::state::Whatsapp;
use self::sync::NumberReader;
use crate::shared::channel::Channel;
use crate::shared::channel::context::Shared;

/// The channel.
#[must_use]
pub fn channel(shared: &Shared, config: Config) -> Channel {
    let whatsapp = Whatsapp::new(shared, config);
    Channel {
        about: &ABOUT,
        routes: webhook::routes(&whatsapp).with_state(Arc::clone(&whatsapp)),
        poll: None,
        connect: None,
        view: view::VIEW,
        dialogue: Some(Arc::new(NumberDialogue::new(Arc::clone(&whatsapp)))),
        jobs: std::iter::once(hourly_check::job(&whatsapp)).chain(media::job(&whatsapp)).collect(),
        configured: Some(Arc::new(Number(Arc::clone(&whatsapp)))),
        reader: Arc::new(NumberReader(whatsapp)),
    }
}
