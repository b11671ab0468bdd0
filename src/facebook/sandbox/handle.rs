//! The handle that steers the simulator, and whom it simulates.

use std::sync::Arc;

use super::state::Core;
use crate::shared::channel::simulator::Loopback;

/// A customer who writes to Pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The Page-scoped id. On the real platform it differs from Page to Page; here one id serves for all.
    pub id: String,
    /// First and last name.
    pub name: String,
}

/// A handle to the running simulator. Cheap to clone; the server stops when the last handle is dropped.
#[derive(Clone)]
pub struct Sandbox {
    pub(super) core: Arc<Core>,
    pub(super) server: Arc<Loopback>,
}
