//! LinkedIn: what happens on the posts of an organization's page, and answers to it.
//!
//! The platform's documents: <https://learn.microsoft.com/linkedin/shared/api-guide/webhook-validation>,
//! <https://learn.microsoft.com/linkedin/marketing/community-management/community-management-overview>.
//!
//! There is one page: the one that the settings name. It belongs to the merchant whom the settings name. There is no public webhook
//! of direct messages; a partner's relay may post them in our own form.

mod about;
mod client;
mod config;
mod dialogue;
mod doctor;
mod document;
#[doc(hidden)]
pub mod fuzzing;
mod hourly_check;
mod meaning;
mod names;
mod payload;
mod refusal;
#[cfg(feature = "demo")]
pub mod sandbox;
mod state;
mod sync;
mod tokens;
mod used_tokens;
mod view;
mod webhook;

use std::sync::Arc;

use axum::Router;

pub use self::about::ABOUT;
pub use self::config::{Config, ROUTES};
use self::dialogue::PageDialogue;
pub use self::names::PLATFORM;
use self::state::Linkedin;
use self::sync::{OfSettings, PageReader};
use crate::shared::channel::Channel;
use crate::shared::channel::context::Shared;

/// The channel.
#[must_use]
pub fn channel(shared: &Shared, config: Config) -> Channel {
    let linkedin = Linkedin::new(shared, config);
    Channel {
        about: &ABOUT,
        routes: Router::new().merge(webhook::routes(&linkedin)).with_state(Arc::clone(&linkedin)),
        poll: None,
        connect: None,
        view: view::VIEW,
        dialogue: Some(Arc::new(PageDialogue::new(Arc::clone(&linkedin)))),
        jobs: vec![hourly_check::job(&linkedin)],
        configured: Some(Arc::new(OfSettings(Arc::clone(&linkedin)))),
        reader: Arc::new(PageReader(linkedin)),
    }
}
