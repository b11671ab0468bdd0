//! `POST /{phone-number-id}/messages`: what a business sends, what becomes of it, and what people see of it.

mod accept;
mod content;
mod endpoint;
mod interactive;
pub(super) mod memory;
mod order;
mod pace;
mod reading;
pub(super) mod receipts;

pub(super) use self::content::{Content, Media};
pub(super) use self::endpoint::post;
pub(super) use self::memory::{Chat, Owner};
pub use self::memory::{Choice, Reach, Seen, Sent};
pub(super) use self::pace::count_received;
pub(super) use self::receipts::failed_late;

/// How a call of the API for messages fails; a refusal names the error's code.
pub type SendFailure = crate::shared::channel::simulator::SendFailure<memory::Code>;
