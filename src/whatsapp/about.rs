//! What is true of the channel, whatever is configured.

use super::names::NAME;
use super::{meaning, payload};
use crate::shared::channel::about::About;

/// The channel.
pub static ABOUT: About = About {
    name: NAME,
    has_account_tokens: false,
    is_named_by_settings: true,
    is_polled: false,
    event_key: Some(payload::key_of_message),
    unsending: Some(payload::UNSENDING),
    meaning: Some(|_, item| meaning::of(item)),
    products: None,
};
