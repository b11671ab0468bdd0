//! What was erased, as hashes (`tokens.db`): after a restore of an older backup the same is erased again.
//!
//! Whoever has such a hash can tell whether a name that they know is among those erased, and nothing else. Where a customer
//! was erased of whom only set-aside deliveries spoke, no list can tell: that would need the texts by which they are known.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Connection, Transaction, params};

use crate::shared::database::sqlite::open_reader;
use crate::shared::journal::{Account, DedupeKey, Scope};

/// Something that was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedOnce {
    /// What, as a hash.
    pub hash: [u8; 16],
    /// When it was last asked for, in milliseconds since 1970.
    pub asked_at: i64,
}

/// Notes that this is erased; what is only a part of a person or an account is not noted.
pub(super) fn note(transaction: &Transaction<'_>, scope: &Scope, now_ms: i64) -> rusqlite::Result<()> {
    if let Some(hash) = hash_of(scope) {
        keep(transaction, &ErasedOnce { hash, asked_at: now_ms })?;
    }
    Ok(())
}

/// Takes over what is known to have been erased.
pub(super) fn keep(connection: &Connection, erased: &ErasedOnce) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO erased (hash, asked_at) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET asked_at = max(asked_at, excluded.asked_at)",
        )?
        .execute(params![erased.hash, erased.asked_at])
        .map(drop)
}

fn hash_of(scope: &Scope) -> Option<[u8; 16]> {
    let of = |channel: &str, account: &str, parts: &[&[u8]]| Some(*DedupeKey::new(channel, account, parts).as_bytes());
    match scope {
        Scope::Account { channel, account } => of(channel, account, &[b"erased account"]),
        Scope::Person { channel, account, person } => of(channel, account, &[b"erased person", person.as_bytes()]),
        Scope::Copies { .. } | Scope::Mentions { .. } => None,
    }
}

/// What was asked to be erased since this time, in milliseconds since 1970, as the `tokens.db` at `path` knows.
///
/// # Errors
/// When it cannot be read.
pub fn list_erased_since(path: &Path, since: i64) -> rusqlite::Result<Vec<ErasedOnce>> {
    let connection = open_reader(path)?;
    if !connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'erased'")?.exists([])? {
        return Ok(Vec::new());
    }
    connection
        .prepare("SELECT hash, asked_at FROM erased WHERE asked_at >= ?1")?
        .query_map([since], |row| Ok(ErasedOnce { hash: row.get(0)?, asked_at: row.get(1)? }))?
        .collect()
}

/// Which accounts and people, of those that these databases know, were erased.
///
/// # Errors
/// When they cannot be read.
pub fn find_erased(tokens: &Path, journal: &Path, erased: &[ErasedOnce]) -> rusqlite::Result<Vec<Scope>> {
    let wanted: HashSet<[u8; 16]> = erased.iter().map(|erased| erased.hash).collect();
    let mut found = Vec::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut take = |scope: Scope| {
        if hash_of(&scope).is_some_and(|hash| wanted.contains(&hash)) && !found.contains(&scope) {
            found.push(scope);
        }
    };
    for (channel, account) in list_with_data(tokens)? {
        take(Scope::Account { channel, account });
    }
    let connection = open_reader(journal)?;
    let mut accounts = connection.prepare("SELECT DISTINCT channel, account FROM events")?;
    let mut rows = accounts.query([])?;
    while let Some(row) = rows.next()? {
        take(Scope::Account { channel: row.get(0)?, account: row.get(1)? });
    }
    let mut people = connection.prepare(
        "SELECT channel, account, conversation FROM events WHERE conversation IS NOT NULL
         UNION SELECT channel, account, conversation FROM pruned_conversations
         UNION SELECT channel, account, conversation FROM conversation_states
         UNION SELECT channel, account, conversation FROM outgoing",
    )?;
    let mut rows = people.query([])?;
    while let Some(row) = rows.next()? {
        take(Scope::Person { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? });
    }
    Ok(found)
}

/// The accounts of which there may be files, in order: those that are connected in the `tokens.db` at `path`, and those that
/// were and whose data was not erased.
///
/// # Errors
/// When it cannot be read.
pub fn list_with_data(path: &Path) -> rusqlite::Result<Vec<Account>> {
    open_reader(path)?
        .prepare(
            "SELECT channel, account FROM connections UNION SELECT channel, account FROM former_connections
             ORDER BY channel, account",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
