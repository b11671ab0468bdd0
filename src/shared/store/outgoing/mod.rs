//! Messages on their way out: the tables `outgoing`, `outgoing_parts` and `idempotency_keys`.

mod reports;

pub(in crate::shared) use reports::{Author, fail_waiting, note_echo, note_receipt};
