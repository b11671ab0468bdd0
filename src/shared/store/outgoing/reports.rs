//! What events tell of messages that were sent: echoes, receipts, and that a person has taken over.

use rusqlite::Connection;

use crate::shared::channel::dialogue::Reason;
use crate::shared::channel::meaning::{Receipt, WentOut};
use crate::shared::journal::Conversation;

/// Who wrote a message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// A program.
    Bot,
    /// A human.
    Human,
}

/// Something went out: if it is a part of ours, that is now known to be sent, and its copy stands in the journal. Gives
/// its author then; `None`: it is not ours.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn note_echo(
    _connection: &Connection,
    _conversation: &Conversation,
    _echo: &WentOut,
    _occurred_at: i64,
    _now_ms: i64,
) -> rusqlite::Result<Option<Author>> {
    Ok(None)
}

/// What was sent has reached the person, or was read.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn note_receipt(
    _connection: &Connection,
    _conversation: &Conversation,
    _receipt: &Receipt,
    _occurred_at: i64,
    _now_ms: i64,
) -> rusqlite::Result<()> {
    Ok(())
}

/// Messages of bots that wait for their turn fail: all of a conversation whose parts were not called yet.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn fail_waiting(
    _connection: &Connection,
    _conversation: &Conversation,
    _reason: Reason,
    _now_ms: i64,
) -> rusqlite::Result<()> {
    Ok(())
}
