//! The tables of authorised accounts and of their sealed tokens (`tokens.db`).

use anyhow::{Context, ensure};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::connection::{Connection, SendingBlock, Status, Trouble, TroubleSource};
use super::erasures;
use super::known_connections::KnownConnections;
use super::token::{Token, TokenAge, TokenKind, Tokens};
use crate::shared::channel::dialogue::Fault;
use crate::shared::clock::Clock;
use crate::shared::database::db::Db;
use crate::shared::languages::Sentence;
use crate::shared::secrets::vault::{Place, Purpose, Vault, VaultError};

/// What a finished login knows about an account.
#[derive(Debug)]
pub struct NewConnection {
    /// The channel.
    pub channel: &'static str,
    /// The account.
    pub account: String,
    /// The merchant who logged in.
    pub merchant: Uuid,
    /// What people call the account.
    pub name: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// How it is doing.
    pub status: Status,
    /// A sentence for the merchant, where the login found that something is missing.
    pub status_reason: Option<Sentence>,
    /// The platform's id of the person who logged in, where there is one.
    pub platform_user: Option<String>,
    /// All tokens of the account; earlier ones are replaced.
    pub tokens: Tokens,
}

/// Why the outcome of a login was not stored, though the database is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotStored {
    /// Somebody else connected one of the accounts.
    #[error("the account belongs to another merchant")]
    AnotherMerchants,
    /// One of them is still being erased.
    #[error("what was known of the account is still being erased")]
    BeingErased,
}

/// The table of connections, with the vault that seals their tokens. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    db: Db,
    vault: Vault,
    clock: Clock,
    pub(super) known: KnownConnections,
}

impl Connections {
    /// The database.
    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// Works on this database with this vault. Opens the sealed check value, or seals it at the first start.
    ///
    /// # Errors
    /// When the master key is not the one that sealed what is in the database.
    pub async fn open(db: Db, vault: Vault, clock: Clock) -> anyhow::Result<Self> {
        let checked = vault.clone();
        db.call(move |connection| -> anyhow::Result<()> {
            let sealed: Option<Vec<u8>> =
                connection.query_row("SELECT sealed FROM vault_check WHERE id = 1", [], |row| row.get(0)).optional()?;
            match sealed {
                Some(sealed) => {
                    checked.open(Purpose::Tokens, &CHECK, &sealed).context(
                        "the master key is not the one that sealed tokens.db: put the right TOKEN_ENCRYPTION_KEY or key \
                         file back. Nothing was changed",
                    )?;
                }
                None => {
                    let sealed = checked.seal(Purpose::Tokens, &CHECK, b"shoptalk")?;
                    connection.execute("INSERT INTO vault_check (id, sealed) VALUES (1, ?1)", [sealed])?;
                }
            }
            Ok(())
        })
        .await?;
        Ok(Self { db, vault, clock, known: KnownConnections::default() })
    }

    /// A number that grows when this process may have changed a connection: as long as it stands, all are as they were.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.db.changes()
    }

    /// Stores the outcome of one login: all its accounts with their tokens, in one transaction. The same account again
    /// is an update.
    ///
    /// # Errors
    /// [`NotStored`] when an account belongs to another merchant (callers ask [`Connections::find`] first and refuse with a
    /// sentence, but another login may end in between), or when it is still being erased (callers wait with
    /// `Erasure::before_connecting`); what the database says when it fails.
    pub async fn upsert(&self, new: Vec<NewConnection>, now_ms: i64) -> anyhow::Result<()> {
        let vault = self.vault.clone();
        self.db
            .call(move |connection| -> anyhow::Result<()> {
                let transaction = connection.transaction()?;
                for new in &new {
                    ensure!(!erasures::is_wanted(&transaction, new.channel, &new.account)?, NotStored::BeingErased);
                    transaction.execute(
                        "DELETE FROM former_connections WHERE channel = ?1 AND account = ?2",
                        params![new.channel, new.account],
                    )?;
                    let changed = transaction.execute(
                        "INSERT INTO connections
                            (channel, account, merchant, name, scopes, status, status_reason, platform_user, connected_at,
                             trouble_source)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                         ON CONFLICT (channel, account) DO UPDATE SET
                            name = excluded.name, scopes = excluded.scopes, status = excluded.status,
                            status_reason = excluded.status_reason, platform_user = excluded.platform_user,
                            connected_at = excluded.connected_at, trouble_source = excluded.trouble_source
                         WHERE merchant = excluded.merchant",
                        params![
                            new.channel,
                            new.account,
                            new.merchant.to_string(),
                            new.name,
                            written(&new.scopes),
                            new.status.as_str(),
                            new.status_reason.as_ref().map(Sentence::stored),
                            new.platform_user,
                            now_ms,
                            new.status_reason.as_ref().map(|_| TroubleSource::Login.as_str())
                        ],
                    )?;
                    ensure!(changed == 1, NotStored::AnotherMerchants);
                    transaction.execute(
                        "DELETE FROM tokens WHERE channel = ?1 AND account = ?2",
                        params![new.channel, new.account],
                    )?;
                    insert_tokens(&transaction, &vault, new.channel, &new.account, &new.tokens, now_ms)?;
                }
                transaction.commit()?;
                Ok(())
            })
            .await
    }

    /// The platform's id of the person who connected an account, where it is known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_platform_user(&self, channel: &str, account: &str) -> anyhow::Result<Option<String>> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.db
            .call(move |connection| -> rusqlite::Result<Option<String>> {
                let user = connection
                    .query_row(
                        "SELECT platform_user FROM connections WHERE channel = ?1 AND account = ?2",
                        [channel, account],
                        |row| row.get(0),
                    )
                    .optional()?;
                Ok(user.flatten())
            })
            .await
    }

    /// All connections.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> anyhow::Result<Vec<Connection>> {
        self.db
            .call(|connection| -> rusqlite::Result<Vec<Connection>> {
                connection.prepare(&format!("{SELECT} ORDER BY channel, account"))?.query_map([], read)?.collect()
            })
            .await
    }

    /// Ages and expiries of all stored tokens.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_tokens(&self) -> anyhow::Result<Vec<TokenAge>> {
        self.db
            .call(|connection| -> rusqlite::Result<Vec<TokenAge>> {
                connection
                    .prepare("SELECT channel, account, kind, issued_at, expires_at FROM tokens ORDER BY channel, account, kind")?
                    .query_map([], |row| {
                        Ok(TokenAge {
                            channel: row.get(0)?,
                            account: row.get(1)?,
                            kind: row.get(2)?,
                            issued_at: row.get(3)?,
                            expires_at: row.get(4)?,
                        })
                    })?
                    .collect()
            })
            .await
    }

    /// The accounts that a person of the platform has connected.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_of_person(&self, channel: &str, person: &str) -> anyhow::Result<Vec<String>> {
        let row = (channel.to_owned(), person.to_owned());
        self.db
            .call(move |connection| -> rusqlite::Result<Vec<String>> {
                connection
                    .prepare(
                        "SELECT account FROM connections WHERE channel = ?1 AND platform_user = ?2 ORDER BY account",
                    )?
                    .query_map(params![row.0, row.1], |row| row.get(0))?
                    .collect()
            })
            .await
    }

    /// Opens a token of an account; `None` where there is none of this kind.
    ///
    /// # Errors
    /// When the database fails. A token that does not open is reported as absent, and logged: the connection then needs
    /// a new login while others go on.
    pub async fn find_token(&self, channel: &str, account: &str, kind: TokenKind) -> anyhow::Result<Option<Token>> {
        let vault = self.vault.clone();
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.db
            .call(move |connection| -> anyhow::Result<Option<Token>> {
                let row: Option<(Vec<u8>, Option<i64>)> = connection
                    .query_row(
                        "SELECT sealed, expires_at FROM tokens WHERE channel = ?1 AND account = ?2 AND kind = ?3",
                        params![channel, account, kind.as_str()],
                        |row| Ok((row.get(0)?, row.get(1)?)),
                    )
                    .optional()?;
                let Some((sealed, expires_at)) = row else { return Ok(None) };
                match open_token(&vault, &channel, &account, kind, &sealed) {
                    Ok(secret) => Ok(Some(Token { secret, expires_at })),
                    Err(error) => {
                        tracing::error!(%error, channel, account, "a stored token does not open; the account must be connected again");
                        Ok(None)
                    }
                }
            })
            .await
    }

    /// Replaces the access and refresh token of an account in one transaction, and keeps the pair before it until
    /// [`Connections::forget_previous`]: the platform may know only one of the two.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replace_pair(
        &self,
        channel: &'static str,
        account: &str,
        access: Token,
        refresh: Option<Token>,
    ) -> anyhow::Result<()> {
        let vault = self.vault.clone();
        let now_ms = self.clock.now_ms();
        let account = account.to_owned();
        self.db
            .call(move |connection| -> anyhow::Result<()> {
                let transaction = connection.transaction()?;
                for (kind, previous) in
                    [(TokenKind::Access, TokenKind::PreviousAccess), (TokenKind::Refresh, TokenKind::PreviousRefresh)]
                {
                    let old: Option<(Vec<u8>, Option<i64>)> = transaction
                        .query_row(
                            "SELECT sealed, expires_at FROM tokens WHERE channel = ?1 AND account = ?2 AND kind = ?3",
                            params![channel, account, kind.as_str()],
                            |row| Ok((row.get(0)?, row.get(1)?)),
                        )
                        .optional()?;
                    // The kind is part of what is authenticated, so the old token is opened and sealed anew.
                    if let Some((sealed, expires_at)) = old
                        && let Ok(secret) = open_token(&vault, channel, &account, kind, &sealed)
                    {
                        insert_tokens(
                            &transaction,
                            &vault,
                            channel,
                            &account,
                            &[(previous, Token { secret, expires_at })],
                            now_ms,
                        )?;
                    }
                }
                let mut tokens = vec![(TokenKind::Access, access)];
                tokens.extend(refresh.map(|token| (TokenKind::Refresh, token)));
                insert_tokens(&transaction, &vault, channel, &account, &tokens, now_ms)?;
                transaction.commit()?;
                Ok(())
            })
            .await
    }

    /// The new pair has worked: the one before it is erased.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_previous(&self, channel: &'static str, account: &str) -> anyhow::Result<()> {
        let account = account.to_owned();
        self.db
            .call(move |connection| {
                connection.execute(
                    "DELETE FROM tokens WHERE channel = ?1 AND account = ?2 AND kind IN ('previous_access', 'previous_refresh')",
                    params![channel, account],
                )
            })
            .await?;
        Ok(())
    }

    /// Erases all tokens of an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_tokens(&self, channel: &'static str, account: &str) -> anyhow::Result<()> {
        let account = account.to_owned();
        self.db
            .call(move |connection| {
                connection.execute("DELETE FROM tokens WHERE channel = ?1 AND account = ?2", params![channel, account])
            })
            .await?;
        Ok(())
    }

    /// Sets how a connection is doing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_status(
        &self,
        channel: &str,
        account: &str,
        status: Status,
        trouble: Option<Trouble>,
    ) -> anyhow::Result<()> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.db
            .call(move |connection| {
                let (source, words) = columns(trouble);
                connection.execute(
                    "UPDATE connections SET status = ?3, status_reason = ?4, trouble_source = ?5
                     WHERE channel = ?1 AND account = ?2",
                    params![channel, account, status.as_str(), words, source],
                )
            })
            .await?;
        Ok(())
    }

    /// Says what is wrong with a connection that works otherwise; `None`: nothing. One that needs a new login stays so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_problem(&self, channel: &str, account: &str, problem: Option<Trouble>) -> anyhow::Result<()> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        let status = if problem.is_some() { Status::Incomplete } else { Status::Connected };
        self.db
            .call(move |connection| {
                let (source, words) = columns(problem);
                connection.execute(
                    "UPDATE connections SET status = ?3, status_reason = ?4, trouble_source = ?5
                     WHERE channel = ?1 AND account = ?2 AND status <> 'needs_reconnect'",
                    params![channel, account, status.as_str(), words, source],
                )
            })
            .await?;
        Ok(())
    }

    /// Replaces the scopes that are known to be granted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_scopes(&self, channel: &str, account: &str, scopes: Vec<String>) -> anyhow::Result<()> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.db
            .call(move |connection| {
                connection.execute(
                    "UPDATE connections SET scopes = ?3 WHERE channel = ?1 AND account = ?2",
                    params![channel, account, written(&scopes)],
                )
            })
            .await?;
        Ok(())
    }

    /// Replaces one token of an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_token(
        &self,
        channel: &'static str,
        account: &str,
        kind: TokenKind,
        token: Token,
    ) -> anyhow::Result<()> {
        let (vault, account, now_ms) = (self.vault.clone(), account.to_owned(), self.clock.now_ms());
        self.db
            .call(move |connection| -> anyhow::Result<()> {
                let transaction = connection.transaction()?;
                insert_tokens(&transaction, &vault, channel, &account, &[(kind, token)], now_ms)?;
                transaction.commit()?;
                Ok(())
            })
            .await
    }

    /// Learns what a login was not told: what people call the account, and the platform's id of the person who connected it.
    /// What is `None` stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn learn(
        &self,
        channel: &str,
        account: &str,
        name: Option<String>,
        platform_user: Option<String>,
    ) -> anyhow::Result<()> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.db
            .call(move |connection| {
                connection.execute(
                    "UPDATE connections SET name = coalesce(?3, name), platform_user = coalesce(?4, platform_user)
                     WHERE channel = ?1 AND account = ?2",
                    params![channel, account, name, platform_user],
                )
            })
            .await?;
        Ok(())
    }

    /// Notes that an account was read completely.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_read(&self, channel: &str, account: &str, now_ms: i64) -> anyhow::Result<()> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.db
            .call(move |connection| {
                connection.execute(
                    "UPDATE connections SET last_read_at = ?3 WHERE channel = ?1 AND account = ?2",
                    params![channel, account, now_ms],
                )
            })
            .await?;
        Ok(())
    }

    /// Proves that the database can be written, and changes nothing.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn probe(&self) -> anyhow::Result<()> {
        self.db
            .call(|connection| {
                let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
                transaction.rollback()
            })
            .await
    }
}

/// The scopes that were granted, for their column. What is not written like one is not written down.
fn written(scopes: &[String]) -> String {
    let is_one = |scope: &&str| {
        (3..=60).contains(&scope.len()) && scope.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    scopes.iter().map(String::as_str).filter(is_one).collect::<Vec<_>>().join(",")
}

/// Where the sealed check value is.
pub(super) const CHECK: Place<'_> =
    Place { table: "vault_check", column: "sealed", channel: "", account: "", row: b"1" };

pub(super) const SELECT: &str =
    "SELECT channel, account, merchant, name, scopes, status, status_reason, connected_at, last_read_at,
                      trouble_source, block_why, block_code, block_sentence, block_until
     FROM connections LEFT JOIN
        (SELECT channel AS block_channel, account AS block_account, connected_at AS block_login, why AS block_why,
                code AS block_code, sentence AS block_sentence, until AS block_until FROM sending_blocks)
        ON block_channel = channel AND block_account = account AND block_login = connected_at";

/// What `trouble_source` and `status_reason` hold.
fn columns(trouble: Option<Trouble>) -> (Option<&'static str>, Option<String>) {
    trouble.map(|trouble| (trouble.source.as_str(), trouble.words.stored())).unzip()
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Connection> {
    let text = |index: usize| row.get::<_, String>(index);
    let wrong = |index: usize, error: anyhow::Error| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, error.into())
    };
    let source: Option<TroubleSource> =
        row.get::<_, Option<String>>(9)?.map(|text| text.parse()).transpose().map_err(|error| wrong(9, error))?;
    let words: Option<String> = row.get(6)?;
    Ok(Connection {
        channel: text(0)?,
        account: text(1)?,
        merchant: text(2)?.parse().map_err(|error: uuid::Error| wrong(2, error.into()))?,
        name: text(3)?,
        scopes: text(4)?.split(',').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
        status: text(5)?.parse().map_err(|error| wrong(5, error))?,
        trouble: source.zip(words).map(|(source, words)| Trouble { source, words: Sentence::of_stored(words) }),
        block: match row.get::<_, Option<String>>(10)? {
            Some(why) => Some(SendingBlock {
                fault: why.parse::<Fault>().map_err(|error| wrong(10, error))?,
                code: text(11)?,
                sentence: Sentence::of_stored(text(12)?),
                until: row.get(13)?,
            }),
            None => None,
        },
        connected_at: row.get(7)?,
        last_read_at: row.get(8)?,
    })
}

fn token_place<'a>(channel: &'a str, account: &'a str, kind: TokenKind) -> Place<'a> {
    place(channel, account, kind.as_str())
}

/// Where a token of this kind is.
pub(super) fn place<'a>(channel: &'a str, account: &'a str, kind: &'a str) -> Place<'a> {
    Place { table: "tokens", column: "sealed", channel, account, row: kind.as_bytes() }
}

fn insert_tokens(
    transaction: &Transaction<'_>,
    vault: &Vault,
    channel: &str,
    account: &str,
    tokens: &[(TokenKind, Token)],
    now_ms: i64,
) -> anyhow::Result<()> {
    for (kind, token) in tokens {
        let secret = token.secret.expose_secret().as_bytes();
        let sealed = vault.seal(Purpose::Tokens, &token_place(channel, account, *kind), secret)?;
        transaction.execute(
            "INSERT OR REPLACE INTO tokens (channel, account, kind, sealed, expires_at, issued_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![channel, account, kind.as_str(), sealed, token.expires_at, now_ms],
        )?;
    }
    Ok(())
}

fn open_token(
    vault: &Vault,
    channel: &str,
    account: &str,
    kind: TokenKind,
    sealed: &[u8],
) -> Result<SecretString, VaultError> {
    let bytes = vault.open(Purpose::Tokens, &token_place(channel, account, kind), sealed)?;
    let text = Zeroizing::new(String::from_utf8(bytes.to_vec()).map_err(|_| VaultError::Malformed)?);
    Ok(SecretString::from(text.as_str()))
}
