//! What is true of a channel whether or not it is configured.

use super::meaning::Meaning;
use super::product::ProductSource;
use crate::shared::journal::{DedupeKey, Unsending};
use crate::shared::store::Item;

/// What an item of a conversation of this account means.
pub type ItemMeaning = fn(&str, &Item) -> Meaning;

/// What is true of a channel whether or not it is configured: its name, and how its accounts and events are recognised.
pub struct About {
    /// Its name in paths, tables and files: `facebook`.
    pub name: &'static str,
    /// Whether each account has a token of its own here. Otherwise another account lends its token, or the settings hold
    /// one.
    pub has_account_tokens: bool,
    /// Whether the settings name its account, and no login does.
    pub is_named_by_settings: bool,
    /// Whether its accounts are read again every day: a platform that shows no past has nothing to be read.
    pub is_polled: bool,
    /// The key of the event that an operator knows by an id of the platform, a message's or a delivery's: of an account
    /// and that id. `None`: events have no such ids.
    pub event_key: Option<fn(&str, &str) -> Option<DedupeKey>>,
    /// How messages whose content is taken back are recognised. `None`: nobody can do that there.
    pub unsending: Option<Unsending>,
    /// What an item of a conversation of an account means, as far as that is told without the settings: whose app sent
    /// something is not. `None`: the channel has no conversations.
    pub meaning: Option<ItemMeaning>,
    /// How its records say what its accounts sell. `None`: they sell nothing.
    pub products: Option<&'static ProductSource>,
}
