//! What merchants' bots are told: the tables `feed`, `feed_ends`, `feed_held`, `feed_released`, `feed_doubtful` and `feed_cursors`.
//!
//! A merchant's items are numbered 1, 2, 3 … without gaps, in the order in which they may be acted on. `insert_item` gives
//! the numbers; it runs on the writer's thread, so no two items ever get one number, and a number that was not committed
//! was never given.

mod accounts;
mod catalogue;
mod cursors;
pub(in crate::shared::store) mod doubtful;
mod held;
mod history;
pub(super) mod insert;
pub(super) mod item;
mod late_said;
pub(super) mod numbering;
pub(super) mod pauses;
mod read;
mod retention;
mod scan;
mod statuses;
mod take;
mod takeover;

pub(super) use scan::note_released;

pub use accounts::AccountStatus;
pub use catalogue::ProductSources;
pub use cursors::FeedEnds;
pub use history::{Past, PastItem};
pub use item::{By, ItemKind, ReadMeaning};
pub use pauses::handover_alert;
pub use read::{FeedEvent, FeedItem, FeedPage, FeedQuery};
pub use scan::{Incoming, NextForFeed};
pub use statuses::{FeedPlaces, StatusTold};
pub use take::{FeedStep, Taken};
pub use takeover::{FeedRules, Takeover, TakeoverState, Takeovers};
