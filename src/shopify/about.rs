//! What is true of the channel, whatever is configured.

use super::names::NAME;
use super::{payload, products};
use crate::shared::channel::about::About;

/// What is true of the channel. Shopify takes nothing back.
pub static ABOUT: About = About {
    name: NAME,
    has_account_tokens: true,
    is_named_by_settings: false,
    is_polled: true,
    event_key: Some(payload::key_of_delivery),
    unsending: None,
    meaning: None,
    products: Some(&products::SOURCE),
};
