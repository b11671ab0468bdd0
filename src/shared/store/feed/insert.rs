//! Puts an item behind what its person said before.

use rusqlite::Connection;

use super::held;
use super::numbering::{NewItem, number};
use crate::shared::journal::Conversation;

/// Gives an item its number, after the messages of the same person that wait. Part of any write: the number stands or
/// falls with it. Does nothing if the same event has a number already.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn insert_item(connection: &Connection, item: &NewItem<'_>, now_ms: i64) -> rusqlite::Result<()> {
    if let Some(person) = item.person {
        let (channel, account) = (item.channel.to_owned(), item.account.to_owned());
        held::release_of(connection, &Conversation { channel, account, person: person.to_owned() }, now_ms)?;
    }
    number(connection, item, now_ms)
}
