//! Authorised accounts and their sealed tokens (`tokens.db`).

use std::str::FromStr;

use anyhow::{Context, ensure};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{SendingBlock, erasures};
use crate::shared::channel::dialogue::Fault;
use crate::shared::clock::Clock;
use crate::shared::database::db::Db;
use crate::shared::languages::{Sentence, say};
use crate::shared::secrets::vault::{Place, Purpose, Vault, VaultError};

/// How a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All is well.
    Connected,
    /// It works in part: a permission or a webhook subscription is missing. The reason says which.
    Incomplete,
    /// The platform refuses the token: the merchant has to log in again. Webhooks are still taken in.
    NeedsReconnect,
}

impl Status {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Incomplete => "incomplete",
            Self::NeedsReconnect => "needs_reconnect",
        }
    }
}

impl FromStr for Status {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "connected" => Ok(Self::Connected),
            "incomplete" => Ok(Self::Incomplete),
            "needs_reconnect" => Ok(Self::NeedsReconnect),
            _ => anyhow::bail!("unknown connection status"),
        }
    }
}

/// Who found what is wrong with a connection. Only they take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleSource {
    /// A read that did not bring everything. A read that is complete takes it back.
    Read,
    /// A read, while the platform keeps the account closed. Any read that succeeds takes it back.
    Pause,
    /// The platform refuses the token. A new login takes it back, or a token that works again.
    Token,
    /// The login that connected the account. The next hourly check takes it back.
    Login,
    /// The hourly check. The next one takes it back.
    Check,
}

impl TroubleSource {
    /// The word in the database.
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Pause => "pause",
            Self::Token => "token",
            Self::Login => "login",
            Self::Check => "check",
        }
    }

    /// The sentence for the merchant in which these words stand.
    fn sentence(self, words: Sentence) -> Sentence {
        match self {
            Self::Read => say::reading_incomplete(words),
            Self::Pause => say::reading_pauses(words),
            Self::Token | Self::Login | Self::Check => words,
        }
    }
}

impl FromStr for TroubleSource {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Read, Self::Pause, Self::Token, Self::Login, Self::Check]
            .into_iter()
            .find(|source| source.as_str() == text)
            .context("unknown source of a connection's trouble")
    }
}

/// What is wrong with a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Who found it.
    pub source: TroubleSource,
    /// What it is, in words for the merchant.
    pub words: Sentence,
}

impl Trouble {
    /// Found by `source`, in words for the merchant.
    pub fn new(source: TroubleSource, words: impl Into<Sentence>) -> Self {
        Self { source, words: words.into() }
    }

    /// The sentence that the merchant reads.
    #[must_use]
    pub fn sentence(&self) -> Sentence {
        self.source.sentence(self.words.clone())
    }
}

/// One authorised account.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The channel: `facebook`, `shopify`.
    pub channel: String,
    /// The account: page id, shop domain.
    pub account: String,
    /// The merchant who owns it.
    pub merchant: Uuid,
    /// What people call the account.
    pub name: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// How it is doing.
    pub status: Status,
    /// What is wrong with it, where it is not doing well.
    pub trouble: Option<Trouble>,
    /// Why nothing is sent, where the platform answered so to a message of this login.
    pub block: Option<SendingBlock>,
    /// Last successful login, in milliseconds since 1970.
    pub connected_at: i64,
    /// Last complete read of the account, in milliseconds since 1970.
    pub last_read_at: Option<i64>,
}

impl Connection {
    /// A sentence for the merchant, where the account is not doing well.
    #[must_use]
    pub fn status_reason(&self) -> Option<Sentence> {
        self.trouble.as_ref().map(Trouble::sentence)
    }

    /// Whether what is wrong was found by `source`.
    #[must_use]
    pub fn is_troubled_by(&self, source: TroubleSource) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.source == source)
    }
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Sent with calls for this account.
    Access,
    /// Exchanged for a new pair.
    Refresh,
    /// The long-lived token of the person, from which Page tokens are made.
    User,
    /// The access token before the last refresh, kept until its successor has worked.
    PreviousAccess,
    /// The refresh token before the last refresh, kept until its successor has worked.
    PreviousRefresh,
}

impl TokenKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::User => "user",
            Self::PreviousAccess => "previous_access",
            Self::PreviousRefresh => "previous_refresh",
        }
    }
}

/// A token with its expiry in milliseconds since 1970; `None`: no known expiry.
#[derive(Debug)]
pub struct Token {
    /// The token itself.
    pub secret: SecretString,
    /// When it stops working.
    pub expires_at: Option<i64>,
}

/// What is known about a stored token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAge {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// What it is for: `access`, `refresh`, `user`, …
    pub kind: String,
    /// When we got it, in milliseconds since 1970; `None`: before that was noted.
    pub issued_at: Option<i64>,
    /// When it stops working, in milliseconds since 1970; `None`: no known expiry.
    pub expires_at: Option<i64>,
}

impl TokenAge {
    /// Within this time a token counts as expiring: a Shopify token lives for an hour and is renewed five minutes early.
    const SOON_MS: i64 = 4 * 60 * 1000;

    /// How it is doing, in one word.
    #[must_use]
    pub fn state(&self, now_ms: i64) -> &'static str {
        match self.expires_at {
            None => "without_expiry",
            Some(at) if at <= now_ms => "expired",
            Some(at) if at - now_ms < Self::SOON_MS => "expiring",
            Some(_) => "good",
        }
    }
}

/// The tokens to store for an account, by kind.
pub type Tokens = Vec<(TokenKind, Token)>;

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
        Ok(Self { db, vault, clock })
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

    /// The connection of an account, whoever owns it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, channel: &str, account: &str) -> anyhow::Result<Option<Connection>> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.db
            .call(move |connection| {
                connection
                    .query_row(
                        &format!("{SELECT} WHERE channel = ?1 AND account = ?2"),
                        params![channel, account],
                        read,
                    )
                    .optional()
            })
            .await
    }

    /// All connections of a merchant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_of(&self, merchant: Uuid) -> anyhow::Result<Vec<Connection>> {
        self.db
            .call(move |connection| {
                connection
                    .prepare(&format!("{SELECT} WHERE merchant = ?1 ORDER BY channel DESC, account"))?
                    .query_map([merchant.to_string()], read)?
                    .collect()
            })
            .await
            .map_err(|error: anyhow::Error| error)
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

const SELECT: &str =
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

fn read(row: &Row<'_>) -> rusqlite::Result<Connection> {
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
