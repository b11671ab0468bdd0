//! `send_message`: what the bot sends, what becomes of it, and what people see of it.

mod accept;
mod broadcast;
mod check;
mod media;
pub(super) mod memory;
mod rich;

pub(super) use self::accept::{deliver_waiting, post, welcome};
pub(super) use self::broadcast::broadcast;
pub use self::memory::{Seen, Sent, Tappable};

/// How a call of `send_message` fails; a refusal names the status.
pub type SendFailure = crate::shared::channel::simulator::SendFailure<u32>;
