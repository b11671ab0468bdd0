//! What is true of the channel, whatever is configured.

use super::names::NAME;
use super::{meaning, payload};
use crate::shared::channel::about::About;

/// Of the channel. It has one account, whose token is a setting, and shows no past.
pub static ABOUT: About = About {
    name: NAME,
    has_account_tokens: false,
    is_named_by_settings: true,
    is_polled: false,
    event_key: Some(payload::key_of_message),
    unsending: Some(payload::FROM_FILES),
    meaning: Some(|_, item| meaning::of(item)),
    products: None,
};
