//! Requests to disconnect and to erase, and their receipts (`tokens.db`).

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use uuid::Uuid;

use super::erased::{self, ErasedOnce};
use crate::shared::database::db::Db;
use crate::shared::journal::{Erased, Scope};

/// A request to be carried out.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its row.
    pub id: i64,
    /// The receipt it belongs to.
    pub code: String,
    /// What is to be erased.
    pub scope: Scope,
    /// How often it was tried in vain.
    pub attempts: i64,
    /// Not before this time, in milliseconds since 1970.
    pub next_at: i64,
    /// When it was asked for, in milliseconds since 1970.
    pub requested_at: i64,
}

/// A request that is not done yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its receipt.
    pub code: String,
    /// In milliseconds since 1970.
    pub requested_at: i64,
    /// Whether all rows and files are gone, and only traces are left in the databases.
    pub is_carried_out: bool,
}

/// What became of a request. It names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// 128 random bits in hex.
    pub code: String,
    /// `accounts`, `person`, `disconnected`, or `nothing`: nothing was known.
    pub what: String,
    /// Who asked, and by which road.
    pub cause: String,
    /// In milliseconds since 1970.
    pub requested_at: i64,
    /// In milliseconds since 1970; `None`: it is under way.
    pub done_at: Option<i64>,
    /// How much was erased so far.
    pub erased: Erased,
}

/// An account that was connected once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// The merchant who owned the connection.
    pub merchant: Uuid,
    /// The last successful login, in milliseconds since 1970.
    pub connected_at: i64,
    /// In milliseconds since 1970.
    pub disconnected_at: i64,
    /// Why.
    pub cause: String,
}

/// A request as it comes.
#[derive(Debug)]
pub struct NewErasure {
    /// 128 random bits in hex.
    pub code: String,
    /// What is to be erased; may be nothing.
    pub scopes: Vec<Scope>,
    /// How many connections were ended where nothing is to be erased.
    pub disconnected: i64,
    /// Who asked, and by which road.
    pub cause: &'static str,
    /// Names the request: a repeat changes nothing and gets the receipt of the first.
    pub request: Option<[u8; 16]>,
}

/// The tables. Cheap to clone.
#[derive(Clone)]
pub struct Erasures(Db);

impl Erasures {
    /// Works on this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self(db)
    }

    /// Takes over what is known from elsewhere to have been erased.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_erased(&self, known: Vec<ErasedOnce>) -> anyhow::Result<()> {
        self.0
            .call(move |connection| -> rusqlite::Result<()> {
                let transaction = connection.transaction()?;
                known.iter().try_for_each(|one| erased::keep(&transaction, one))?;
                transaction.commit()
            })
            .await
    }

    /// Takes the connection of an account away, with its tokens; what it was is kept among the former ones. Gives its
    /// merchant; `None` where it was not connected.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn disconnect(
        &self,
        channel: &str,
        account: &str,
        cause: &'static str,
        now_ms: i64,
    ) -> anyhow::Result<Option<Uuid>> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.0
            .call(move |connection| -> anyhow::Result<Option<Uuid>> {
                let transaction = connection.transaction()?;
                transaction.execute(
                    "INSERT OR REPLACE INTO former_connections
                        (channel, account, merchant, platform_user, connected_at, disconnected_at, cause)
                     SELECT channel, account, merchant, platform_user, connected_at, ?3, ?4 FROM connections
                     WHERE channel = ?1 AND account = ?2",
                    params![channel, account, now_ms, cause],
                )?;
                let merchant = delete_connection(&transaction, &channel, &account)?;
                transaction.commit()?;
                merchant.map(|merchant| Ok(merchant.parse()?)).transpose()
            })
            .await
    }

    /// What an account was that is not connected any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_former(&self, channel: &str, account: &str) -> anyhow::Result<Option<Former>> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.0
            .call(move |connection| -> anyhow::Result<Option<Former>> {
                let row: Option<(String, i64, i64, String)> = connection
                    .query_row(
                        "SELECT merchant, connected_at, disconnected_at, cause FROM former_connections
                         WHERE channel = ?1 AND account = ?2",
                        params![channel, account],
                        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
                    )
                    .optional()?;
                row.map(|(merchant, connected_at, disconnected_at, cause)| {
                    Ok(Former { merchant: merchant.parse()?, connected_at, disconnected_at, cause })
                })
                .transpose()
            })
            .await
    }

    /// Forgets where a merchant wanted to be told of events.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_receiver(&self, merchant: Uuid) -> anyhow::Result<()> {
        self.0
            .call(move |connection| {
                connection.execute("DELETE FROM push_endpoints WHERE merchant = ?1", [merchant.to_string()]).map(drop)
            })
            .await
    }

    /// The merchants who want to be told of events and have no account any more, connected or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_receivers_of_nobody(&self) -> anyhow::Result<Vec<Uuid>> {
        let merchants: Vec<String> = self
            .0
            .call(|connection| -> rusqlite::Result<Vec<String>> {
                connection
                    .prepare(
                        "SELECT merchant FROM push_endpoints WHERE merchant NOT IN
                            (SELECT merchant FROM connections UNION ALL SELECT merchant FROM former_connections)",
                    )?
                    .query_map([], |row| row.get(0))?
                    .collect()
            })
            .await?;
        Ok(merchants.iter().map(|merchant| merchant.parse()).collect::<Result<_, _>>()?)
    }

    /// The accounts that were this merchant's and are not connected any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_former_of(&self, merchant: Uuid) -> anyhow::Result<Vec<((String, String), Former)>> {
        self.0
            .call(move |connection| -> rusqlite::Result<Vec<((String, String), Former)>> {
                connection
                    .prepare(
                        "SELECT channel, account, connected_at, disconnected_at, cause FROM former_connections
                         WHERE merchant = ?1 ORDER BY channel, account",
                    )?
                    .query_map([merchant.to_string()], |row| {
                        let (connected_at, disconnected_at, cause) = (row.get(2)?, row.get(3)?, row.get(4)?);
                        Ok(((row.get(0)?, row.get(1)?), Former { merchant, connected_at, disconnected_at, cause }))
                    })?
                    .collect()
            })
            .await
    }

    /// The accounts of a channel that this person of the platform had connected when they were last connected, those
    /// that are not any more included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_of_user(&self, channel: &str, user: &str) -> anyhow::Result<Vec<String>> {
        let (channel, user) = (channel.to_owned(), user.to_owned());
        self.0
            .call(move |connection| -> rusqlite::Result<Vec<String>> {
                connection
                    .prepare(
                        "SELECT account FROM connections WHERE channel = ?1 AND platform_user = ?2
                         UNION SELECT account FROM former_connections WHERE channel = ?1 AND platform_user = ?2
                         ORDER BY account",
                    )?
                    .query_map([channel, user], |row| row.get(0))?
                    .collect()
            })
            .await
    }

    /// Writes a request down and takes the connections away that it names, all in one transaction. Gives the receipt's
    /// code and the merchants whose accounts these are, or were before they were disconnected.
    ///
    /// # Errors
    /// When the database fails; then nothing was changed.
    pub async fn insert(&self, new: NewErasure, now_ms: i64) -> anyhow::Result<(String, Vec<Uuid>)> {
        self.0
            .call(move |connection| -> anyhow::Result<(String, Vec<Uuid>)> {
                let transaction = connection.transaction()?;
                let known: Option<String> = transaction
                    .query_row("SELECT code FROM erasures WHERE request = ?1", [new.request], |row| row.get(0))
                    .optional()?;
                if let Some(code) = known {
                    return Ok((code, Vec::new()));
                }
                let what = match new.scopes.first() {
                    None if new.disconnected > 0 => "disconnected",
                    None => "nothing",
                    Some(Scope::Copies { .. }) => "disconnected",
                    Some(Scope::Account { .. }) => "accounts",
                    Some(Scope::Person { .. } | Scope::Mentions { .. }) => "person",
                };
                transaction.execute(
                    "INSERT INTO erasures (code, what, cause, request, requested_at, done_at, connections)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        new.code,
                        what,
                        new.cause,
                        new.request,
                        now_ms,
                        new.scopes.is_empty().then_some(now_ms),
                        new.disconnected
                    ],
                )?;
                let mut merchants = Vec::new();
                for scope in &new.scopes {
                    erased::note(&transaction, scope, now_ms)?;
                    let (channel, account) = scope.account();
                    let (person, mentions) = match scope {
                        Scope::Account { .. } | Scope::Copies { .. } => (None, None),
                        Scope::Person { person, .. } => (Some(person), None),
                        Scope::Mentions { texts, .. } => (None, Some(serde_json::to_string(texts)?)),
                    };
                    transaction.execute(
                        "INSERT INTO erasure_scopes (code, channel, account, person, mentions, copies, next_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
                        params![new.code, channel, account, person, mentions, matches!(scope, Scope::Copies { .. })],
                    )?;
                    if !matches!(scope, Scope::Account { .. }) {
                        continue;
                    }
                    let went = delete_connection(&transaction, channel, account)?;
                    let former: Option<String> = transaction
                        .query_row(
                            "DELETE FROM former_connections WHERE channel = ?1 AND account = ?2 RETURNING merchant",
                            params![channel, account],
                            |row| row.get(0),
                        )
                        .optional()?;
                    transaction.execute(
                        "UPDATE erasures SET connections = connections + ?2 WHERE code = ?1",
                        params![new.code, i64::from(went.is_some() || former.is_some())],
                    )?;
                    for merchant in went.into_iter().chain(former) {
                        let merchant = merchant.parse()?;
                        if !merchants.contains(&merchant) {
                            merchants.push(merchant);
                        }
                    }
                }
                transaction.commit()?;
                Ok((new.code, merchants))
            })
            .await
    }

    /// The receipt's code of a request that came before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_code(&self, request: [u8; 16]) -> anyhow::Result<Option<String>> {
        self.0
            .call(move |connection| {
                connection
                    .query_row("SELECT code FROM erasures WHERE request = ?1", [request], |row| row.get(0))
                    .optional()
            })
            .await
    }

    /// What is left to be erased, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_wanted(&self) -> anyhow::Result<Vec<Wanted>> {
        self.0
            .call(|connection| -> rusqlite::Result<Vec<Wanted>> {
                connection
                    .prepare(
                        "SELECT scope.id, scope.code, channel, account, person, mentions, attempts, next_at, requested_at,
                                copies
                         FROM erasure_scopes AS scope JOIN erasures USING (code) ORDER BY scope.id",
                    )?
                    .query_map([], read_wanted)?
                    .collect()
            })
            .await
    }

    /// Whether everything known of this account is still to be erased.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_wanted(&self, channel: &str, account: &str) -> anyhow::Result<bool> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.0.call(move |connection| is_wanted(connection, &channel, &account)).await
    }

    /// So much was erased, and more is left: the receipt counts it, whatever becomes of the rest of this try.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, wanted: &Wanted, erased: Erased) -> anyhow::Result<()> {
        let code = wanted.code.clone();
        self.0.call(move |connection| count(connection, &code, erased)).await
    }

    /// Nothing is left of what a request named; this was erased last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish(&self, wanted: &Wanted, erased: Erased) -> anyhow::Result<()> {
        let (id, code) = (wanted.id, wanted.code.clone());
        self.0
            .call(move |connection| -> rusqlite::Result<()> {
                let transaction = connection.transaction()?;
                let was_there = transaction.execute("DELETE FROM erasure_scopes WHERE id = ?1", [id])?;
                if was_there == 1 {
                    count(&transaction, &code, erased)?;
                }
                transaction.commit()
            })
            .await
    }

    /// The requests that are not done yet, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_open(&self) -> anyhow::Result<Vec<Open>> {
        self.0
            .call(|connection| -> rusqlite::Result<Vec<Open>> {
                connection
                    .prepare(
                        "SELECT code, requested_at, code NOT IN (SELECT code FROM erasure_scopes) FROM erasures
                         WHERE done_at IS NULL ORDER BY requested_at",
                    )?
                    .query_map([], |row| {
                        Ok(Open { code: row.get(0)?, requested_at: row.get(1)?, is_carried_out: row.get(2)? })
                    })?
                    .collect()
            })
            .await
    }

    /// These requests are done.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_done(&self, codes: Vec<String>, now_ms: i64) -> anyhow::Result<()> {
        self.0
            .call(move |connection| -> rusqlite::Result<()> {
                let transaction = connection.transaction()?;
                for code in codes {
                    transaction.execute("UPDATE erasures SET done_at = ?2 WHERE code = ?1", params![code, now_ms])?;
                }
                transaction.commit()
            })
            .await
    }

    /// A try failed; the next one comes at `next_at`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_off(&self, wanted: &Wanted, next_at: i64) -> anyhow::Result<()> {
        let id = wanted.id;
        self.0
            .call(move |connection| {
                connection.execute(
                    "UPDATE erasure_scopes SET attempts = attempts + 1, next_at = ?2 WHERE id = ?1",
                    params![id, next_at],
                )
            })
            .await?;
        Ok(())
    }

    /// Forgets even the traces: SQLite leaves copies of rows in places that it does not use any more, and in its log.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub async fn scrub(&self) -> anyhow::Result<()> {
        self.0.call(|connection| crate::shared::database::sqlite::scrub(connection)).await
    }

    /// The receipt with this code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_receipt(&self, code: &str) -> anyhow::Result<Option<Receipt>> {
        let code = code.to_owned();
        self.0
            .call(move |connection| {
                connection.query_row(&format!("{RECEIPT} WHERE code = ?1"), [code], read_receipt).optional()
            })
            .await
    }

    /// The newest receipts, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_receipts(&self, limit: u32) -> anyhow::Result<Vec<Receipt>> {
        self.0
            .call(move |connection| -> rusqlite::Result<Vec<Receipt>> {
                connection
                    .prepare(&format!("{RECEIPT} ORDER BY requested_at DESC, code LIMIT ?1"))?
                    .query_map([limit], read_receipt)?
                    .collect()
            })
            .await
    }
}

/// Whether everything known of this account is still to be erased, as part of a larger transaction.
///
/// # Errors
/// When the database fails.
pub(super) fn is_wanted(connection: &Connection, channel: &str, account: &str) -> rusqlite::Result<bool> {
    connection
        .prepare(
            "SELECT 1 FROM erasure_scopes
             WHERE channel = ?1 AND account = ?2 AND person IS NULL AND mentions IS NULL AND copies = 0",
        )?
        .exists([channel, account])
}

/// Adds to what a receipt counts.
fn count(connection: &Connection, code: &str, erased: Erased) -> rusqlite::Result<()> {
    connection
        .execute(
            "UPDATE erasures SET events = events + ?2, rows = rows + ?3, files = files + ?4, objects = objects + ?5
             WHERE code = ?1",
            params![code, erased.events, erased.rows, erased.files, erased.objects],
        )
        .map(drop)
}

/// Deletes a connection and, through the foreign key, its tokens. Gives its merchant.
fn delete_connection(transaction: &Transaction<'_>, channel: &str, account: &str) -> rusqlite::Result<Option<String>> {
    transaction
        .query_row(
            "DELETE FROM connections WHERE channel = ?1 AND account = ?2 RETURNING merchant",
            [channel, account],
            |row| row.get(0),
        )
        .optional()
}

const RECEIPT: &str =
    "SELECT code, what, cause, requested_at, done_at, events, rows, files, connections, objects FROM erasures";

fn read_receipt(row: &Row<'_>) -> rusqlite::Result<Receipt> {
    Ok(Receipt {
        code: row.get(0)?,
        what: row.get(1)?,
        cause: row.get(2)?,
        requested_at: row.get(3)?,
        done_at: row.get(4)?,
        erased: Erased {
            events: row.get(5)?,
            rows: row.get(6)?,
            files: row.get(7)?,
            connections: row.get(8)?,
            objects: row.get(9)?,
        },
    })
}

fn read_wanted(row: &Row<'_>) -> rusqlite::Result<Wanted> {
    let (channel, account): (String, String) = (row.get(2)?, row.get(3)?);
    let (person, mentions): (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
    let scope = match (person, mentions) {
        (Some(person), _) => Scope::Person { channel, account, person },
        (None, Some(texts)) => {
            let texts = serde_json::from_str(&texts).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, error.into())
            })?;
            Scope::Mentions { channel, account, texts }
        }
        (None, None) if row.get(9)? => Scope::Copies { channel, account },
        (None, None) => Scope::Account { channel, account },
    };
    Ok(Wanted {
        id: row.get(0)?,
        code: row.get(1)?,
        scope,
        attempts: row.get(6)?,
        next_at: row.get(7)?,
        requested_at: row.get(8)?,
    })
}
