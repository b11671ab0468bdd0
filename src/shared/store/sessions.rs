//! Browser sessions for our own pages (`sessions.db`). The id is stored as its SHA-256, what it knows is sealed.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::shared::database::db::Db;
use crate::shared::secrets::vault::{Place, Purpose, Vault};

/// A session ends one hour after it was last used, in milliseconds.
pub const SLIDING_MS: i64 = 60 * 60 * 1000;

/// A session ends twelve hours after it began, in milliseconds.
pub const ABSOLUTE_MS: i64 = 12 * 60 * 60 * 1000;

/// A browser's login.
#[derive(Debug, Clone)]
pub struct Session {
    /// The merchant who is logged in.
    pub merchant: Uuid,
    /// The hash of the session's id: names the session without being able to open it.
    pub id_hash: [u8; 32],
}

/// The table of sessions. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    db: Db,
    vault: Vault,
}

impl Sessions {
    /// Works on this database with this vault.
    #[must_use]
    pub fn new(db: Db, vault: Vault) -> Self {
        Self { db, vault }
    }

    /// Stores a session under the hash of `id` and ends `replaces`, in one transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(
        &self,
        id: &str,
        merchant: Uuid,
        replaces: Option<[u8; 32]>,
        now_ms: i64,
    ) -> anyhow::Result<()> {
        let id_hash = hash(id);
        let vault = self.vault.clone();
        self.db
            .call(move |connection| -> anyhow::Result<()> {
                // Sealed while the database is ours: nothing sealed with an old key comes after its rotation.
                let sealed = vault.seal(Purpose::Sessions, &place(&id_hash), merchant.as_bytes())?;
                let transaction = connection.transaction()?;
                if let Some(old) = replaces {
                    transaction.execute("DELETE FROM sessions WHERE id_hash = ?1", [old])?;
                }
                transaction.execute(
                    "DELETE FROM sessions WHERE last_seen_at <= ?1 OR created_at <= ?2",
                    [now_ms - SLIDING_MS, now_ms - ABSOLUTE_MS],
                )?;
                transaction.execute(
                    "INSERT INTO sessions (id_hash, sealed, created_at, last_seen_at) VALUES (?1, ?2, ?3, ?3)",
                    params![id_hash, sealed, now_ms],
                )?;
                transaction.commit()?;
                Ok(())
            })
            .await
    }

    /// The living session of this id, and prolongs it.
    ///
    /// # Errors
    /// When the database fails. A session that does not open counts as none.
    pub async fn find(&self, id: &str, now_ms: i64) -> anyhow::Result<Option<Session>> {
        let id_hash = hash(id);
        let vault = self.vault.clone();
        self.db
            .call(move |connection| -> anyhow::Result<Option<Session>> {
                let sealed: Option<Vec<u8>> = connection
                    .query_row(
                        "UPDATE sessions SET last_seen_at = max(last_seen_at, ?2)
                         WHERE id_hash = ?1 AND last_seen_at > ?3 AND created_at > ?4 RETURNING sealed",
                        params![id_hash, now_ms, now_ms - SLIDING_MS, now_ms - ABSOLUTE_MS],
                        |row| row.get(0),
                    )
                    .optional()?;
                let Some(sealed) = sealed else {
                    // What has ended stays ended, also when the clock is set back after this.
                    connection.execute(
                        "DELETE FROM sessions WHERE last_seen_at <= ?1 OR created_at <= ?2",
                        [now_ms - SLIDING_MS, now_ms - ABSOLUTE_MS],
                    )?;
                    return Ok(None);
                };
                Ok(open(&vault, id_hash, &sealed))
            })
            .await
    }

    /// The living session of this id, as it is: nothing is written.
    ///
    /// # Errors
    /// When the database fails. A session that does not open counts as none.
    pub async fn look(&self, id: &str, now_ms: i64) -> anyhow::Result<Option<Session>> {
        let id_hash = hash(id);
        let living = "SELECT sealed FROM sessions WHERE id_hash = ?1 AND last_seen_at > ?2 AND created_at > ?3";
        let times = (now_ms - SLIDING_MS, now_ms - ABSOLUTE_MS);
        let find = move |connection: &mut Connection| {
            connection.query_row(living, params![id_hash, times.0, times.1], |row| row.get::<_, Vec<u8>>(0)).optional()
        };
        let sealed = self.db.call(find).await?;
        Ok(sealed.and_then(|sealed| open(&self.vault, id_hash, &sealed)))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, id_hash: [u8; 32]) -> anyhow::Result<()> {
        self.db
            .call(move |connection| connection.execute("DELETE FROM sessions WHERE id_hash = ?1", [id_hash]))
            .await?;
        Ok(())
    }

    /// Ends all sessions of a merchant. Gives back how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_of(&self, merchant: Uuid) -> anyhow::Result<usize> {
        let vault = self.vault.clone();
        self.db
            .call(move |connection| -> rusqlite::Result<usize> {
                let transaction = connection.transaction()?;
                let all: Vec<([u8; 32], Vec<u8>)> = transaction
                    .prepare("SELECT id_hash, sealed FROM sessions")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<_>>()?;
                // Whose a session is stands in what is sealed.
                let is_theirs = |(hash, sealed): &&([u8; 32], Vec<u8>)| {
                    let opened = vault.open(Purpose::Sessions, &place(hash), sealed);
                    opened.is_ok_and(|bytes| bytes.as_slice() == merchant.as_bytes())
                };
                let mut deleted = 0;
                for (hash, _) in all.iter().filter(is_theirs) {
                    deleted += transaction.execute("DELETE FROM sessions WHERE id_hash = ?1", [hash])?;
                }
                transaction.commit()?;
                Ok(deleted)
            })
            .await
    }

    /// Forgets logins that began for one of these (a shop, a merchant), and the traces of all that was deleted.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub async fn scrub(&self, bound_to: String) -> anyhow::Result<()> {
        self.db
            .call(move |connection| -> anyhow::Result<()> {
                connection.execute("DELETE FROM login_states WHERE bound_to = ?1", [bound_to])?;
                crate::shared::database::sqlite::scrub(connection)
            })
            .await
    }
}

fn open(vault: &Vault, id_hash: [u8; 32], sealed: &[u8]) -> Option<Session> {
    let bytes = vault.open(Purpose::Sessions, &place(&id_hash), sealed).ok()?;
    Some(Session { merchant: Uuid::from_slice(&bytes).ok()?, id_hash })
}

fn hash(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

pub(super) fn place(id_hash: &[u8]) -> Place<'_> {
    Place { table: "sessions", column: "sealed", channel: "", account: "", row: id_hash }
}
