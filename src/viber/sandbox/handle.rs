//! The handles by which tests and the demo steer the simulator.

use std::sync::Arc;

use super::state::Core;
use crate::shared::channel::simulator::Loopback;

/// A handle to the running simulator. Cheap to clone; the server stops when the last handle is dropped.
#[derive(Clone)]
pub struct Sandbox {
    pub(super) core: Arc<Core>,
    pub(super) server: Arc<Loopback>,
}

/// A person with Viber, as the bot knows this person.
#[derive(Clone)]
pub struct Person {
    pub(super) sandbox: Sandbox,
    pub(super) id: String,
}
