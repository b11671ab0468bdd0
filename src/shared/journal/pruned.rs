//! How a conversation's file begins whose events were deleted by age.

use rusqlite::{Connection, OptionalExtension, params};

use super::conversation::Conversation;

/// The beginning of a file whose events were deleted by age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// How many events it has.
    pub items: i64,
    /// How many bytes it has.
    pub bytes: i64,
    /// Their SHA-256.
    pub hash: Vec<u8>,
}

/// The beginning of a conversation's file whose events were deleted by age; `None`: none was.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn find_pruned(
    connection: &Connection,
    conversation: &Conversation,
) -> rusqlite::Result<Option<Pruned>> {
    connection
        .prepare_cached(
            "SELECT items, bytes, hash FROM pruned_conversations
             WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
        )?
        .query_row([&conversation.channel, &conversation.account, &conversation.person], |row| {
            Ok(Pruned { items: row.get(0)?, bytes: row.get(1)?, hash: row.get(2)? })
        })
        .optional()
}

pub(super) fn save_pruned(
    connection: &Connection,
    conversation: &Conversation,
    pruned: &Pruned,
) -> rusqlite::Result<()> {
    let Conversation { channel, account, person } = conversation;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO pruned_conversations (channel, account, conversation, items, bytes, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![channel, account, person, pruned.items, pruned.bytes, pruned.hash])
        .map(drop)
}
