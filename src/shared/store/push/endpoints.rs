//! Where merchants want to be told of events, with the sealed secrets that sign it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, OptionalExtension, Row, params};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::shared::database::db::Db;
use crate::shared::secrets::vault::{Place, Purpose, Vault};
use crate::shared::store::ItemKind;

/// The secret that signs, and the one before it.
const KINDS: [&str; 2] = ["current", "previous"];

/// For how long the secret before the current one signs along, in milliseconds.
const PREVIOUS_MS: i64 = 24 * 60 * 60 * 1000;

/// Where a merchant wants to be told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushEndpoint {
    /// The merchant.
    pub merchant: Uuid,
    /// The address.
    pub url: String,
    /// Of which kinds.
    pub kinds: Vec<ItemKind>,
    /// Whether the receiver wants no more.
    pub is_off: bool,
}

/// The table. Cheap to clone.
#[derive(Clone)]
pub struct PushEndpoints {
    db: Db,
    vault: Vault,
}

impl PushEndpoints {
    /// Works on this database, and seals with this vault.
    #[must_use]
    pub fn new(db: Db, vault: Vault) -> Self {
        Self { db, vault }
    }

    /// All of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> anyhow::Result<Vec<PushEndpoint>> {
        self.db
            .call(|connection| -> rusqlite::Result<Vec<PushEndpoint>> {
                connection.prepare_cached(SELECT)?.query_map([], read)?.collect()
            })
            .await
    }

    /// That of a merchant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, merchant: Uuid) -> anyhow::Result<Option<PushEndpoint>> {
        self.db
            .call(move |connection| {
                connection
                    .prepare_cached(&format!("{SELECT} WHERE merchant = ?1"))?
                    .query_row([merchant.to_string()], read)
                    .optional()
            })
            .await
            .map_err(|error: anyhow::Error| error)
    }

    /// Replaces that of a merchant, switched on, and gives the secret that signs as `whsec_…`. The first time, and with
    /// `rotate`, it is a new one; the one before signs along for a day.
    ///
    /// # Errors
    /// When the database fails or the operating system gives no random bytes.
    pub async fn save(&self, endpoint: PushEndpoint, rotate: bool, now_ms: i64) -> anyhow::Result<Zeroizing<String>> {
        let vault = self.vault.clone();
        self.db
            .call(move |connection| -> anyhow::Result<Zeroizing<String>> {
                let transaction = connection.transaction()?;
                let merchant = endpoint.merchant.to_string();
                let kinds: Vec<&str> = endpoint.kinds.iter().map(|kind| kind.as_str()).collect();
                transaction.execute(
                    "INSERT INTO push_endpoints (merchant, url, types, is_off) VALUES (?1, ?2, ?3, 0)
                     ON CONFLICT (merchant) DO UPDATE SET url = excluded.url, types = excluded.types, is_off = 0",
                    params![merchant, endpoint.url, kinds.join(",")],
                )?;
                let current = open(&transaction, &vault, &merchant, "current")?;
                let secret = match (current, rotate) {
                    (Some(current), false) => current,
                    (current, _) => {
                        if let Some(current) = current {
                            insert(
                                &transaction,
                                &vault,
                                (&merchant, "previous"),
                                &current,
                                Some(now_ms + PREVIOUS_MS),
                            )?;
                        }
                        let mut new = Zeroizing::new(vec![0; 32]);
                        getrandom::fill(&mut new)
                            .map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))?;
                        insert(&transaction, &vault, (&merchant, "current"), &new, None)?;
                        new
                    }
                };
                transaction.commit()?;
                Ok(Zeroizing::new(format!("whsec_{}", STANDARD.encode(&*secret))))
            })
            .await
    }

    /// The bytes of the secrets that sign for a merchant at this time, the current one first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secrets(&self, merchant: Uuid, now_ms: i64) -> anyhow::Result<Vec<Zeroizing<Vec<u8>>>> {
        let vault = self.vault.clone();
        self.db
            .call(move |connection| -> anyhow::Result<Vec<Zeroizing<Vec<u8>>>> {
                connection.execute("DELETE FROM push_keys WHERE ends_at <= ?1", [now_ms])?;
                let merchant = merchant.to_string();
                let opened = KINDS.iter().map(|kind| open(connection, &vault, &merchant, kind));
                opened.filter_map(Result::transpose).collect()
            })
            .await
    }

    /// The receiver of a merchant at this address wants no more. Gives whether it is still theirs: another one may have taken
    /// its place meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn switch_off(&self, merchant: Uuid, url: &Url) -> anyhow::Result<bool> {
        let (merchant, url) = (merchant.to_string(), url.clone());
        self.db
            .call(move |connection| {
                let theirs: Option<String> = connection
                    .query_row("SELECT url FROM push_endpoints WHERE merchant = ?1", [&merchant], |row| row.get(0))
                    .optional()?;
                let is_theirs = theirs.is_some_and(|theirs| Url::parse(&theirs).is_ok_and(|theirs| theirs == url));
                if is_theirs {
                    connection.execute("UPDATE push_endpoints SET is_off = 1 WHERE merchant = ?1", [merchant])?;
                }
                Ok::<_, rusqlite::Error>(is_theirs)
            })
            .await
    }

    /// Forgets that of a merchant, with its secrets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, merchant: Uuid) -> anyhow::Result<()> {
        self.db
            .call(move |connection| {
                connection.execute("DELETE FROM push_endpoints WHERE merchant = ?1", [merchant.to_string()]).map(drop)
            })
            .await
    }
}

const SELECT: &str = "SELECT merchant, url, types, is_off FROM push_endpoints";

fn read(row: &Row<'_>) -> rusqlite::Result<PushEndpoint> {
    let wrong =
        |error: uuid::Error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into());
    let merchant = row.get_ref(0)?.as_str()?.parse().map_err(wrong)?;
    let kinds = row.get_ref(2)?.as_str()?.split(',').filter_map(ItemKind::from_word).collect();
    Ok(PushEndpoint { merchant, url: row.get(1)?, kinds, is_off: row.get(3)? })
}

/// Where a merchant's sealed secret is.
pub(in crate::shared::store) fn place<'a>(merchant: &'a str, kind: &'a str) -> Place<'a> {
    Place { table: "push_keys", column: "sealed", channel: "", account: merchant, row: kind.as_bytes() }
}

/// The bytes of a secret; `None` where there is none, or it does not open.
fn open(
    connection: &Connection,
    vault: &Vault,
    merchant: &str,
    kind: &str,
) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>> {
    let sealed: Option<Vec<u8>> = connection
        .prepare_cached("SELECT sealed FROM push_keys WHERE merchant = ?1 AND kind = ?2")?
        .query_row([merchant, kind], |row| row.get(0))
        .optional()?;
    let Some(sealed) = sealed else { return Ok(None) };
    match vault.open(Purpose::Tokens, &place(merchant, kind), &sealed) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes.to_vec()))),
        Err(error) => {
            tracing::error!(%error, "a stored secret of a receiver of events does not open");
            Ok(None)
        }
    }
}

fn insert(
    connection: &Connection,
    vault: &Vault,
    (merchant, kind): (&str, &str),
    secret: &[u8],
    ends_at: Option<i64>,
) -> anyhow::Result<()> {
    let sealed = vault.seal(Purpose::Tokens, &place(merchant, kind), secret)?;
    connection.execute(
        "INSERT OR REPLACE INTO push_keys (merchant, kind, sealed, ends_at) VALUES (?1, ?2, ?3, ?4)",
        params![merchant, kind, sealed, ends_at],
    )?;
    Ok(())
}
