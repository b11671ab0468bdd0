//! Messages on their way out: the tables `outgoing`, `outgoing_parts`, `idempotency_keys` and `outgoing_receipts`.
//!
//! A part is a row before it is a call, and its call is a row before it leaves: whatever the moment of a kill, the next
//! start knows which parts may have been sent. States go forward only, in whatever order reports come, and each change of a
//! message is one `status` item of its merchant's feed, written in the same transaction.

mod accept;
mod changes;
mod copies;
pub(super) mod ids;
mod progress;
pub(super) mod reports;
pub(super) mod rows;

pub(super) use changes::take_back;

pub use accept::{Acceptance, Asked, NewMessage, Overtaken};
pub use copies::Uncopied;
pub use progress::{DueOutgoing, Looked, Outcome};
pub use rows::{Author, Outgoing, OutgoingPart, PartState};
