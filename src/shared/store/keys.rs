//! What is sealed with which master key, in both databases: sealing anew, counting, and how often each key has sealed.

use rusqlite::{Connection, OptionalExtension, params};

use super::{connections, push, sessions};
use crate::shared::database::db::Db;
use crate::shared::secrets::vault::{KeyId, Place, Purpose, Vault};

/// How many values one transaction seals anew.
const STEP: usize = 50;

/// Everything that is sealed. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    tokens: Db,
    sessions: Db,
    vault: Vault,
}

/// How far sealing anew has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// In the tokens, after this channel, account and kind.
    Tokens(String, String, String),
    /// In the secrets of receivers of events, after this merchant and kind.
    Pushes(String, String),
    /// In the sessions, after this hash.
    Sessions(Vec<u8>),
    /// At the check value.
    Check,
    /// Through.
    End,
}

impl Position {
    /// Before everything.
    #[must_use]
    pub fn beginning() -> Self {
        Self::Tokens(String::new(), String::new(), String::new())
    }
}

/// What one step has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Values that are sealed with the newest key now.
    pub done: usize,
    /// Values that no key here opens: damaged or moved. They are left as they are.
    pub unreadable: usize,
}

impl Keys {
    /// Works on `tokens.db` and `sessions.db` with this vault.
    #[must_use]
    pub fn new(tokens: Db, sessions: Db, vault: Vault) -> Self {
        Self { tokens, sessions, vault }
    }

    /// The vault.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Seals the next few values anew, in one transaction, and says where to go on.
    ///
    /// # Errors
    /// When a database fails; its transaction did nothing then.
    pub async fn reseal(&self, from: Position) -> anyhow::Result<(Position, Resealed)> {
        let (db, vault) = match from {
            Position::Sessions(_) => (&self.sessions, self.vault.clone()),
            _ => (&self.tokens, self.vault.clone()),
        };
        db.call(move |connection| -> anyhow::Result<(Position, Resealed)> {
            let transaction = connection.transaction()?;
            let (next, resealed) = match from {
                Position::Tokens(channel, account, kind) => {
                    reseal_tokens(&transaction, &vault, &[channel, account, kind])?
                }
                Position::Pushes(merchant, kind) => reseal_pushes(&transaction, &vault, &[merchant, kind])?,
                Position::Sessions(after) => reseal_sessions(&transaction, &vault, &after)?,
                Position::Check => reseal_check(&transaction, &vault)?,
                Position::End => (Position::End, Resealed::default()),
            };
            transaction.commit()?;
            Ok((next, resealed))
        })
        .await
    }

    /// How many values are sealed with another key than the newest: in every table that has a column `sealed`, also one
    /// that nobody told this file of.
    ///
    /// # Errors
    /// When a database fails.
    pub async fn count_older(&self) -> anyhow::Result<usize> {
        let mut count = 0;
        for db in [&self.tokens, &self.sessions] {
            let newest = self.vault.newest();
            count += db.call(move |connection| count_older(connection, newest)).await?;
        }
        Ok(count)
    }

    /// Adds what the newest key has sealed since this was last asked, and gives what it has sealed in all.
    ///
    /// # Errors
    /// When the database fails; the count is taken up again the next time.
    pub async fn count_seals(&self) -> anyhow::Result<u64> {
        let (vault, newest) = (self.vault.clone(), self.vault.newest());
        self.tokens
            .call(move |connection| -> rusqlite::Result<u64> {
                let transaction = connection.transaction()?;
                let before: Option<i64> = transaction
                    .query_row("SELECT seals FROM key_seals WHERE key_id = ?1", [newest], |row| row.get(0))
                    .optional()?;
                let taken = vault.take_seals();
                let seals = before.unwrap_or(0).saturating_add_unsigned(taken);
                let stored = transaction
                    .execute("INSERT OR REPLACE INTO key_seals (key_id, seals) VALUES (?1, ?2)", params![newest, seals])
                    .and_then(|_| transaction.execute("DELETE FROM key_seals WHERE key_id <> ?1", [newest]))
                    .and_then(|_| transaction.commit());
                if let Err(error) = stored {
                    vault.give_back_seals(taken);
                    return Err(error);
                }
                Ok(u64::try_from(seals).unwrap_or(u64::MAX))
            })
            .await
    }
}

fn count_older(connection: &mut Connection, newest: KeyId) -> rusqlite::Result<usize> {
    let tables: Vec<String> = connection
        .prepare(
            "SELECT tables.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
             WHERE tables.type = 'table' AND columns.name = 'sealed' ORDER BY tables.name",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut count = 0;
    for table in tables {
        let older: i64 = connection.query_row(
            &format!("SELECT count(*) FROM \"{table}\" WHERE substr(sealed, 2, 4) <> ?1"),
            [newest],
            |row| row.get(0),
        )?;
        count += usize::try_from(older).unwrap_or(usize::MAX);
    }
    Ok(count)
}

/// The value sealed with the newest key; `None` where no key opens it.
fn reseal(vault: &Vault, purpose: Purpose, place: &Place<'_>, sealed: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    match vault.open(purpose, place, sealed) {
        Ok(opened) => vault.seal(purpose, place, &opened).map(Some),
        Err(_) => Ok(None),
    }
}

fn reseal_tokens(connection: &Connection, vault: &Vault, after: &[String; 3]) -> anyhow::Result<(Position, Resealed)> {
    let rows: Vec<(String, String, String, Vec<u8>)> = connection
        .prepare_cached(
            "SELECT channel, account, kind, sealed FROM tokens
             WHERE substr(sealed, 2, 4) <> ?1 AND (channel, account, kind) > (?2, ?3, ?4)
             ORDER BY channel, account, kind LIMIT ?5",
        )?
        .query_map(params![vault.newest(), after[0], after[1], after[2], i64::try_from(STEP)?], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut resealed = Resealed::default();
    for (channel, account, kind, sealed) in &rows {
        match reseal(vault, Purpose::Tokens, &connections::place(channel, account, kind), sealed)? {
            Some(sealed) => {
                connection
                    .prepare_cached("UPDATE tokens SET sealed = ?4 WHERE channel = ?1 AND account = ?2 AND kind = ?3")?
                    .execute(params![channel, account, kind, sealed])?;
                resealed.done += 1;
            }
            None => resealed.unreadable += 1,
        }
    }
    let next = match rows.into_iter().nth(STEP - 1) {
        Some((channel, account, kind, _)) => Position::Tokens(channel, account, kind),
        None => Position::Pushes(String::new(), String::new()),
    };
    Ok((next, resealed))
}

fn reseal_pushes(connection: &Connection, vault: &Vault, after: &[String; 2]) -> anyhow::Result<(Position, Resealed)> {
    let rows: Vec<(String, String, Vec<u8>)> = connection
        .prepare_cached(
            "SELECT merchant, kind, sealed FROM push_keys
             WHERE substr(sealed, 2, 4) <> ?1 AND (merchant, kind) > (?2, ?3) ORDER BY merchant, kind LIMIT ?4",
        )?
        .query_map(params![vault.newest(), after[0], after[1], i64::try_from(STEP)?], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut resealed = Resealed::default();
    for (merchant, kind, sealed) in &rows {
        match reseal(vault, Purpose::Tokens, &push::secret_place(merchant, kind), sealed)? {
            Some(sealed) => {
                connection
                    .prepare_cached("UPDATE push_keys SET sealed = ?3 WHERE merchant = ?1 AND kind = ?2")?
                    .execute(params![merchant, kind, sealed])?;
                resealed.done += 1;
            }
            None => resealed.unreadable += 1,
        }
    }
    let next = match rows.into_iter().nth(STEP - 1) {
        Some((merchant, kind, _)) => Position::Pushes(merchant, kind),
        None => Position::Sessions(Vec::new()),
    };
    Ok((next, resealed))
}

fn reseal_sessions(connection: &Connection, vault: &Vault, after: &[u8]) -> anyhow::Result<(Position, Resealed)> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = connection
        .prepare_cached(
            "SELECT id_hash, sealed FROM sessions
             WHERE substr(sealed, 2, 4) <> ?1 AND id_hash > ?2 ORDER BY id_hash LIMIT ?3",
        )?
        .query_map(params![vault.newest(), after, i64::try_from(STEP)?], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut resealed = Resealed::default();
    for (id_hash, sealed) in &rows {
        match reseal(vault, Purpose::Sessions, &sessions::place(id_hash), sealed)? {
            Some(sealed) => {
                connection
                    .prepare_cached("UPDATE sessions SET sealed = ?2 WHERE id_hash = ?1")?
                    .execute(params![id_hash, sealed])?;
                resealed.done += 1;
            }
            None => resealed.unreadable += 1,
        }
    }
    let next = match rows.into_iter().nth(STEP - 1) {
        Some((id_hash, _)) => Position::Sessions(id_hash),
        None => Position::Check,
    };
    Ok((next, resealed))
}

fn reseal_check(connection: &Connection, vault: &Vault) -> anyhow::Result<(Position, Resealed)> {
    let sealed: Option<Vec<u8>> = connection
        .query_row("SELECT sealed FROM vault_check WHERE substr(sealed, 2, 4) <> ?1", [vault.newest()], |row| {
            row.get(0)
        })
        .optional()?;
    let mut resealed = Resealed::default();
    if let Some(sealed) = sealed {
        match reseal(vault, Purpose::Tokens, &connections::CHECK, &sealed)? {
            Some(sealed) => resealed.done = connection.execute("UPDATE vault_check SET sealed = ?1", [sealed])?,
            None => resealed.unreadable = 1,
        }
    }
    Ok((Position::End, resealed))
}
