//! The Send API of the simulated platform, for Pages and for Instagram accounts, and what follows from a message that was
//! taken: echoes, receipts, conversation routing.
//!
//! Sources: <https://developers.facebook.com/docs/messenger-platform/reference/send-api> and
//! <https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages> (November 2026).
//!
//! A call goes this way: `endpoint` reads it, `order` checks its form with `content` and `template`, `failures` says
//! whether something else shall happen, `accept` checks the person, the owner and the window, and takes the message;
//! `echo` sends what follows.

mod accept;
mod content;
pub(super) mod echo;
pub(super) mod endpoint;
mod failures;
pub(super) mod memory;
mod order;
pub(super) mod owner;
mod person;
mod receipts;
pub(super) mod routing;
mod template;
mod window;

pub use self::memory::{ControlCall, Echoes, Reach, SendFailure, SenderAction, Sent};
