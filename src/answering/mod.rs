//! Answering people: may it be done and by whom, what bots are told, and who has taken over. It names no channel.

pub mod accept;
pub mod catalogue;
pub mod content;
pub mod conversation;
mod cut;
pub mod event;
mod handle;
pub mod pauses;
pub mod products;
pub mod push;
mod resolving;
pub mod responder;
pub mod sending;
pub mod settings;
pub mod state;
pub mod times;
pub mod uploads;

pub use handle::{Answering, Unavailable};
