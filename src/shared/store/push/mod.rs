//! Receivers of events: where they are (`tokens.db`), and how far they have come (`journal.db`).

mod endpoints;
mod places;

pub(super) use endpoints::place as secret_place;
pub use endpoints::{PushEndpoint, PushEndpoints};
pub(super) use places::list_troubles;
pub use places::{DuePush, Failed, PushPlace, PushTrouble, Receiver};
