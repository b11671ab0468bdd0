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

/// Where callbacks carry their signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signature {
    /// In the header `X-Viber-Content-Signature` and as `sig` in the query, as the platform does.
    #[default]
    Both,
    /// In the header alone.
    Header,
    /// In the query alone.
    Query,
    /// Right in the header, another in the query.
    Different,
}
