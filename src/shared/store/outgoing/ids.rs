//! Parts of ours by the platform's ids of them: by the very id, or by what the ids have in common that the platform gives one message.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::shared::journal::{Conversation, Journal, JournalError};

/// In a query that takes the parts first: a conversation may have thousands of messages, and an id hardly ever two parts.
/// Whether a part `p` of a message `o` has the id ?1 or, where ?2 is told, what its ids have in common; in the conversation that ?3, ?4
/// and ?5 name.
const HAS_THIS_ID: &str =
    "(p.platform_id = ?1 OR p.common_id = ?2) AND o.channel = ?3 AND o.account = ?4 AND o.conversation = ?5";

impl Journal {
    /// Whether this id of the platform is that of a part of ours. `common_id`: what the message's ids have in common, where it has
    /// several.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn is_sent_part(
        &self,
        of: &Conversation,
        platform_id: &str,
        common_id: Option<&str>,
    ) -> Result<bool, JournalError> {
        let (of, id, common_id) = (of.clone(), platform_id.to_owned(), common_id.map(str::to_owned));
        self.read(move |connection| Ok(find_place(connection, &of, &id, common_id.as_deref())?.is_some())).await
    }
}

/// The part with this id: its message's number, and its own.
///
/// # Errors
/// When the database fails.
pub(super) fn find_place(
    connection: &Connection,
    of: &Conversation,
    platform_id: &str,
    common_id: Option<&str>,
) -> rusqlite::Result<Option<(i64, i64)>> {
    find(connection, of, (platform_id, common_id), "p.message, p.n", |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Whether a human wrote the part with this id; `None`: no part of ours has it.
///
/// # Errors
/// When the database fails.
pub(in crate::shared::store) fn is_by_human(
    connection: &Connection,
    of: &Conversation,
    platform_id: &str,
    common_id: Option<&str>,
) -> rusqlite::Result<Option<bool>> {
    find(connection, of, (platform_id, common_id), "o.author = 'human'", |row| row.get(0))
}

fn find<T>(
    connection: &Connection,
    of: &Conversation,
    (platform_id, common_id): (&str, Option<&str>),
    what: &str,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    connection
        .prepare_cached(&format!(
            "SELECT {what} FROM outgoing_parts AS p CROSS JOIN outgoing AS o ON o.number = p.message WHERE {HAS_THIS_ID}"
        ))?
        .query_row(params![platform_id, common_id, of.channel, of.account, of.person], read)
        .optional()
}

/// Whether this id of the platform is that of another part of the same conversation.
///
/// # Errors
/// When the database fails.
pub(super) fn is_anothers(
    connection: &Connection,
    (number, n): (i64, i64),
    platform_id: &str,
    common_id: Option<&str>,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM outgoing_parts AS p CROSS JOIN outgoing AS o ON o.number = p.message
             JOIN outgoing AS own
               ON o.channel = own.channel AND o.account = own.account AND o.conversation = own.conversation
             WHERE own.number = ?3 AND (p.platform_id = ?1 OR p.common_id = ?2) AND (p.message, p.n) <> (?3, ?4)",
        )?
        .exists(params![platform_id, common_id, number, n])
}

/// Keeps what the ids of a part have in common, where the platform gives it several.
///
/// # Errors
/// When the database fails.
pub(super) fn keep_common_id(
    connection: &Connection,
    (number, n): (i64, i64),
    common_id: Option<&str>,
) -> rusqlite::Result<()> {
    let Some(common_id) = common_id else { return Ok(()) };
    connection
        .prepare_cached("UPDATE outgoing_parts SET common_id = ?3 WHERE message = ?1 AND n = ?2")?
        .execute(params![number, n, common_id])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_along_the_indexes_of_its_ids() {
        let connection = Connection::open_in_memory().expect("opened");
        for migration in crate::shared::journal::migrations::MIGRATIONS {
            connection.execute_batch(migration).expect("migrated");
        }
        let mut statement = connection
            .prepare(&format!(
                "EXPLAIN QUERY PLAN SELECT 1 FROM outgoing_parts AS p CROSS JOIN outgoing AS o ON o.number = p.message
                 WHERE {HAS_THIS_ID}"
            ))
            .expect("prepared");
        let plan = statement
            .query_map(["a", "b", "c", "d", "e"], |row| row.get::<_, String>(3))
            .expect("asked")
            .collect::<rusqlite::Result<Vec<_>>>()
            .expect("told")
            .join("\n");
        assert!(
            plan.contains("outgoing_parts_by_platform_id") && plan.contains("outgoing_parts_by_common_id"),
            "{plan}"
        );
        assert!(plan.contains("SEARCH o USING INTEGER PRIMARY KEY") && !plan.contains("SCAN"), "{plan}");
    }
}
