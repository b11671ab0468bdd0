//! The handles by which tests and the demo steer the simulator.

use std::sync::Arc;

use serde_json::Value;

use super::state::Core;
use crate::shared::channel::simulator::Loopback;

/// A handle to the running simulator. Cheap to clone; the server stops when the last handle is dropped.
#[derive(Clone)]
pub struct Sandbox {
    pub(super) core: Arc<Core>,
    pub(super) server: Arc<Loopback>,
}

/// A business number of the simulated platform.
#[derive(Clone)]
pub struct Number {
    pub(super) sandbox: Sandbox,
    pub(super) id: String,
}

/// A person with WhatsApp, and a business number that this person writes to. See [`Person::at`] for another number.
#[derive(Clone)]
pub struct Person {
    pub(super) number: Number,
    pub(super) key: u64,
}

/// Something that happened, and how its webhook was received.
#[derive(Debug, Clone)]
pub struct Happened {
    /// The id of the message (`wamid…`), of the message that a receipt is about, or empty.
    pub id: String,
    /// The element of `messages[]`, `statuses[]` or `message_echoes[]`, or the whole `value`.
    pub item: Value,
    /// The HTTP statuses that its webhooks were answered with, each once: empty while webhooks are held or lost, and where
    /// nobody is subscribed. What was not answered with 200 waits for [`Sandbox::release`].
    pub answers: Vec<u16>,
}
