//! To whom may be written: those of whom anything is known.

use rusqlite::Connection;

use crate::shared::journal::{Conversation, Journal, JournalError, resolve_person};

impl Journal {
    /// Whether anything is known of this conversation: a name alone is nothing.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn is_known_conversation(&self, of: &Conversation) -> Result<bool, JournalError> {
        let of = of.clone();
        self.read(move |connection| is_known(connection, &of)).await
    }

    /// The conversation to which a person's name leads: itself, where nothing else is known; and whether anything is known of
    /// that one.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_addressee(&self, named: Conversation) -> Result<(Conversation, bool), JournalError> {
        self.read(move |connection| {
            let connection = connection.unchecked_transaction()?;
            find_addressee(&connection, named)
        })
        .await
    }
}

/// As [`Journal::find_addressee`], as part of a larger read.
pub(super) fn find_addressee(connection: &Connection, named: Conversation) -> rusqlite::Result<(Conversation, bool)> {
    let of = resolve_person(connection, named)?;
    let is_known = is_known(connection, &of)?;
    Ok((of, is_known))
}

fn is_known(connection: &Connection, of: &Conversation) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM threads WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND messages > 0
             UNION ALL
             SELECT 1 FROM conversation_states WHERE channel = ?1 AND account = ?2 AND conversation = ?3 LIMIT 1",
        )?
        .exists([&of.channel, &of.account, &of.person])
}
