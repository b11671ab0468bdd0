//! What is true of the channels, whatever is configured.

use super::inbox::{INSTAGRAM, MESSENGER, Row};
use super::{meaning, payload};
use crate::shared::channel::about::About;

/// The channel of Pages.
pub static OF_PAGES: About = of(&MESSENGER);

/// The channel of the Pages' Instagram accounts.
pub static OF_INSTAGRAM: About = of(&INSTAGRAM);

const fn of(row: &Row) -> About {
    About {
        name: row.name,
        has_account_tokens: row.has_tokens,
        is_named_by_settings: false,
        is_polled: true,
        event_key: Some(payload::key_of_message),
        unsending: Some(payload::UNSENDING),
        meaning: Some(|account, item| meaning::of(account, "", item)),
        products: None,
    }
}
