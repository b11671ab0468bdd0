//! The handles by which tests and the demo steer the simulator.

use std::sync::Arc;

use serde_json::Value;

use super::state::Core;
use crate::shared::channel::simulator::{self, Loopback};

/// How a comment through the API fails; a refusal names the HTTP status.
pub type SendFailure = simulator::SendFailure<u16>;

/// A handle to the running simulator. Cheap to clone; the server stops when the last handle is dropped.
#[derive(Clone)]
pub struct Sandbox {
    pub(super) core: Arc<Core>,
    pub(super) server: Arc<Loopback>,
}

/// A member of the network.
#[derive(Clone)]
pub struct Member {
    pub(super) sandbox: Sandbox,
    pub(super) id: String,
}

/// A post of the organization's page.
#[derive(Clone)]
pub struct PagePost {
    pub(super) sandbox: Sandbox,
    /// The number of its share.
    pub(super) share: u64,
}

/// Something that happened on the page, and how its notification was received.
#[derive(Debug, Clone)]
pub struct Happened {
    /// `notificationId`.
    pub id: u64,
    /// What came to be, in whole.
    pub urn: String,
    /// The element of `notifications[]`.
    pub item: Value,
    /// The HTTP statuses that it was answered with: none while webhooks are held or lost, and where nobody is subscribed. What
    /// was not answered with 2xx waits for [`Sandbox::release`].
    pub answers: Vec<u16>,
}
