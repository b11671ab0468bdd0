//! Facebook Pages and Messenger.
//!
//! The platform's documents: <https://developers.facebook.com/docs/messenger-platform>,
//! <https://developers.facebook.com/docs/graph-api>, <https://developers.facebook.com/docs/facebook-login>.

mod about;
mod client;
mod config;
mod conversation;
mod deletion;
mod dialogue;
mod doctor;
mod document;
mod fields;
#[doc(hidden)]
pub mod fuzzing;
mod history;
mod hourly_check;
mod inbox;
mod instagram;
mod left_out;
mod login;
mod meaning;
mod media;
mod metadata;
mod page_of_account;
mod paging;
mod payload;
mod read_request;
mod refusal;
#[cfg(feature = "demo")]
pub mod sandbox;
mod state;
mod sync;
mod tokens;
mod view;
mod webhook;

use std::sync::Arc;

use axum::Router;

pub use self::about::{OF_INSTAGRAM as INSTAGRAM, OF_PAGES as ABOUT};
pub use self::config::{Config, ROUTES};
use self::dialogue::InboxDialogue;
use self::inbox::NAME;
pub use self::inbox::PLATFORM;
use self::state::Facebook;
pub use crate::meta::media::Media;
use crate::shared::channel::connect_step::{ConnectAction, ConnectStep};
use crate::shared::channel::context::Shared;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::{Channel, Poll};
use crate::shared::languages::say;

/// The channel, and that of the Pages' Instagram accounts if it is on.
#[must_use]
pub fn channels(shared: &Shared, config: Config) -> Vec<Channel> {
    let facebook = Facebook::new(shared, config);
    let config = &facebook.config;
    let media = config.media.iter().map(|media| media::job(&facebook, NAME, media));
    let jobs = std::iter::once(hourly_check::job(&facebook)).chain(media).collect();
    let instagram = (inbox::INSTAGRAM.is_on)(config).then(|| instagram::channel(&facebook));
    let pages = Channel {
        about: &ABOUT,
        routes: Router::new()
            .merge(login::routes())
            .merge(webhook::routes(&facebook))
            .merge(deletion::routes())
            .with_state(Arc::clone(&facebook)),
        poll: Some(Poll { cron: config.poll_cron.clone(), request: ReadRequest::Everything }),
        connect: Some(ConnectStep {
            title: inbox::MESSENGER.title,
            action: ConnectAction::Link { href: "/facebook/login", label: say::facebook_continue },
        }),
        view: view::of(&inbox::MESSENGER),
        dialogue: Some(Arc::new(InboxDialogue::new(Arc::clone(&facebook), &inbox::MESSENGER))),
        reader: Arc::new(sync::PageReader(facebook)),
        jobs,
        configured: None,
    };
    [Some(pages), instagram].into_iter().flatten().collect()
}
