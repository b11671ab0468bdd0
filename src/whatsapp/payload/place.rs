//! Where an item of a delivery stands.

use super::identity::People;
use crate::meta::id::Id;
use crate::shared::journal::Source;

/// Where an item stands.
pub struct Where<'a> {
    /// The WhatsApp Business Account, or what stands in its place.
    pub entry: &'a str,
    /// The number.
    pub account: Id,
    /// The time of the entry, in milliseconds since 1970.
    pub time: Option<i64>,
    /// The road.
    pub source: Source,
    /// The people that are named beside the items.
    pub people: &'a People,
}
