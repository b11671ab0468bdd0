//! What is true of the channel, whatever is configured.

use super::names::NAME;
use super::{meaning, payload};
use crate::shared::channel::about::About;

/// Of the channel. It has one account, the organization of the settings, and its token is a setting or made from one.
pub static ABOUT: About = About {
    name: NAME,
    has_account_tokens: false,
    is_named_by_settings: true,
    is_polled: false,
    event_key: Some(payload::key_of_notification),
    unsending: Some(payload::FROM_FILES),
    meaning: Some(meaning::of),
    products: None,
};
