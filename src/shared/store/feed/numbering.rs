//! Numbers items: without gaps for each merchant.

use rusqlite::{Connection, OptionalExtension, params};

use super::item::ItemKind;
use crate::shared::journal::DedupeKey;
use crate::shared::secrets::signature::to_hex;

/// Something that a merchant's bots are to be told.
pub(in crate::shared) struct NewItem<'a> {
    /// The merchant.
    pub merchant: &'a str,
    /// What kind of thing it is.
    pub kind: ItemKind,
    /// The channel.
    pub channel: &'a str,
    /// The account.
    pub account: &'a str,
    /// The person, where it is about one.
    pub person: Option<&'a str>,
    /// The journal's event that it is or is about.
    pub seq: Option<i64>,
    /// The key of the journal's event that it is: it is told once. `None`: it is no event of the journal.
    pub key: Option<&'a [u8]>,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// When it was known here, in milliseconds since 1970.
    pub received_at: i64,
    /// What does not stand in the journal: JSON.
    pub content: Option<String>,
}

/// Gives an item the next number.
pub(super) fn number(connection: &Connection, item: &NewItem<'_>, now_ms: i64) -> rusqlite::Result<()> {
    let id = item.key.map(event_id);
    if let Some(id) = &id {
        let known: Option<i64> = connection
            .prepare_cached("SELECT n FROM feed WHERE merchant = ?1 AND id = ?2")?
            .query_row([item.merchant, id], |row| row.get(0))
            .optional()?;
        if known.is_some() {
            return Ok(());
        }
    }
    connection
        .prepare_cached(
            "INSERT INTO feed_ends (merchant, newest, oldest) VALUES (?1, 1, 1)
             ON CONFLICT (merchant) DO UPDATE SET newest = newest + 1",
        )?
        .execute([item.merchant])?;
    // Asked apart: a statement that also returns something keeps an undo log of its own.
    let n: i64 = connection
        .prepare_cached("SELECT newest FROM feed_ends WHERE merchant = ?1")?
        .query_row([item.merchant], |row| row.get(0))?;
    let id = id.unwrap_or_else(|| event_id(DedupeKey::new("feed", item.merchant, &[&n.to_be_bytes()]).as_bytes()));
    connection
        .prepare_cached(
            "INSERT INTO feed (merchant, n, id, type, seq, channel, account, conversation, at, received_at, numbered_at,
                               content)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            item.merchant,
            n,
            id,
            item.kind.as_str(),
            item.seq,
            item.channel,
            item.account,
            item.person,
            item.at,
            item.received_at,
            now_ms,
            item.content
        ])
        .map(drop)
}

/// The id of an event in the API: the same by whatever road it came.
pub(in crate::shared::store) fn event_id(key: &[u8]) -> String {
    format!("evt_{}", to_hex(key))
}
