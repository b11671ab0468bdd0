//! What the API and the worker of posts to receivers have in common.

use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::store::push::PushEndpoints;

/// The receivers of merchants.
#[derive(Clone)]
pub struct Receivers {
    /// Where they are.
    pub endpoints: PushEndpoints,
    /// Where they may be.
    pub allowed: AllowedAddresses,
}
