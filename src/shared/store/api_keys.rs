//! Keys of the API for bots (`tokens.db`). A key is shown once, when it is made; what is kept is its SHA-256.
//!
//! One process owns the database, so all keys are held in memory as well: checking one asks no database. Every change is
//! committed first and then made in memory, in one piece that no caller can cut off.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Connection, Row, params};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::shared::clock::Clock;
use crate::shared::database::db::Db;
use crate::shared::journal::Account;

/// How many living keys a merchant may have.
pub const MOST_LIVING: usize = 20;

/// How many dead keys of a merchant are kept and shown; older ones go when a new key is made.
const MOST_DEAD: usize = 50;

/// The longest name, in characters.
pub const MAX_NAME: usize = 60;

/// The longest life of a key that has an end, in days.
pub const MAX_DAYS: u32 = 3650;

/// How a key begins.
const PREFIX: &str = "stk_";

/// How many characters the id of a key has.
const ID_LENGTH: usize = 10;

/// How many characters its random part has: 256 bits in base64url.
const SECRET_LENGTH: usize = 43;

/// How often [`ApiKeys::until_ended`] looks at the clock.
const LOOK_EVERY: Duration = Duration::from_secs(1);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The feed, cursors, conversations, products, templates.
    Read,
    /// Send as the bot, typing, seen, pause and resume, upload.
    Reply,
    /// Send as a person; counts as a takeover.
    Human,
    /// The push endpoint.
    Admin,
}

impl Scope {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Read, Self::Reply, Self::Human, Self::Admin];

    /// The word in the database, in JSON and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Reply => "reply",
            Self::Human => "human",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| anyhow::anyhow!("there is no such scope; there are read, reply, human and admin"))
    }
}

/// A key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id: 10 of `[a-z2-7]`. No secret.
    pub id: String,
    /// The merchant for whom it acts.
    pub merchant: Uuid,
    /// What the merchant calls it.
    pub name: String,
    /// What it may do; never empty.
    pub scopes: Vec<Scope>,
    /// The accounts it is limited to; empty: all of the merchant's.
    pub accounts: Vec<Account>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it ends, in milliseconds since 1970; `None`: never.
    pub expires_at: Option<i64>,
    /// When it was last used, to the minute, in milliseconds since 1970; `None`: never.
    pub last_used_at: Option<i64>,
    /// When it was revoked, in milliseconds since 1970; `None`: it was not.
    pub revoked_at: Option<i64>,
}

impl ApiKey {
    /// Whether it opens anything at this time.
    #[must_use]
    pub fn is_alive(&self, now_ms: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now_ms < at)
    }
}

/// A key that is to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// The merchant for whom it acts.
    pub merchant: Uuid,
    /// What the merchant calls it: 1 to [`MAX_NAME`] characters that can be seen.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The accounts it is limited to; empty: all of the merchant's.
    pub accounts: Vec<Account>,
    /// For how many days it lives, 1 to [`MAX_DAYS`]; `None`: until it is revoked.
    pub days: Option<u32>,
}

impl NewApiKey {
    /// The key as it can be made: its name trimmed, its scopes once each and in order.
    ///
    /// # Errors
    /// A sentence for whoever wishes for it, when it is no such key.
    fn checked(mut self) -> Result<Self, NotMade> {
        self.name = self.name.trim().to_owned();
        self.scopes.sort_unstable();
        self.scopes.dedup();
        if self.name.is_empty() || self.name.chars().count() > MAX_NAME || self.name.chars().any(char::is_control) {
            Err(NotMade::Name)
        } else if self.scopes.is_empty() {
            Err(NotMade::Scopes)
        } else if self.days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
            Err(NotMade::Days)
        } else {
            Ok(self)
        }
    }
}

/// Why a key was not made.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// The name is empty, too long, or has control characters.
    #[error("a key needs a name of 1 to {MAX_NAME} characters")]
    Name,
    /// It may do nothing.
    #[error("a key needs at least one scope: read, reply, human or admin")]
    Scopes,
    /// It would end today or after all of us.
    #[error("a key lives for 1 to {MAX_DAYS} days, or until it is revoked")]
    Days,
    /// The merchant has [`MOST_LIVING`] living keys.
    #[error("there are {MOST_LIVING} keys already; revoke one that is not needed any more")]
    TooMany,
    /// The database failed.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

/// The table of keys. Cheap to clone.
#[derive(Clone)]
pub struct ApiKeys(Arc<Inner>);

struct Inner {
    db: Db,
    kept: RwLock<HashMap<String, Entry>>,
    /// Which keys were used in which minute, and it is not written yet.
    used: Mutex<Vec<(String, i64)>>,
    /// Told of every change that may have ended a key.
    ended: watch::Sender<()>,
}

/// A key in memory. `key.last_used_at` is not kept up here: `last_used_at` is.
struct Entry {
    key: Arc<ApiKey>,
    hash: [u8; 32],
    /// 0: never.
    last_used_at: AtomicI64,
}

impl Entry {
    fn new(key: ApiKey, hash: [u8; 32]) -> Self {
        Self { hash, last_used_at: AtomicI64::new(key.last_used_at.unwrap_or(0)), key: Arc::new(key) }
    }

    fn shown(&self) -> ApiKey {
        let used = self.last_used_at.load(Ordering::Relaxed);
        ApiKey { last_used_at: (used > 0).then_some(used), ..(*self.key).clone() }
    }
}

impl ApiKeys {
    /// Works on this database.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn open(db: Db) -> anyhow::Result<Self> {
        let kept = db.call(|connection| read_all(connection)).await?;
        let kept = kept.into_iter().map(|(key, hash)| (key.id.clone(), Entry::new(key, hash))).collect();
        Ok(Self(Arc::new(Inner { db, kept: RwLock::new(kept), used: Mutex::default(), ended: watch::Sender::new(()) })))
    }

    /// Makes a key, and gives it with its text, which nobody can learn again.
    ///
    /// # Errors
    /// When the wish is none that can be met, or the database fails.
    pub async fn insert(&self, new: NewApiKey, now_ms: i64) -> Result<(ApiKey, SecretString), NotMade> {
        let new = new.checked()?;
        let (id, text) = random_key()?;
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let key = ApiKey {
            id,
            merchant: new.merchant,
            name: new.name,
            scopes: new.scopes,
            accounts: new.accounts,
            created_at: now_ms,
            expires_at: new.days.map(|days| now_ms.saturating_add(i64::from(days) * DAY_MS)),
            last_used_at: None,
            revoked_at: None,
        };
        let inner = Arc::clone(&self.0);
        let made = self.0.db.call(move |connection| inner.insert(connection, key, hash, now_ms)).await?;
        let key = made.ok_or(NotMade::TooMany)?;
        tracing::info!(key = key.id, "a key of the API was made");
        Ok((key, SecretString::from(text.as_str())))
    }

    /// The living key of this text. The comparison takes the same time for every text of the form of a key, whether
    /// there is one with its id or not.
    #[must_use]
    pub fn find_living(&self, text: &str, now_ms: i64) -> Option<Arc<ApiKey>> {
        let id = id_in(text)?;
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let kept = self.0.kept();
        let entry = kept.get(id);
        let expected = entry.map_or([0; 32], |entry| entry.hash);
        let is_right: bool = hash.ct_eq(&expected).into();
        entry.filter(|entry| is_right && entry.key.is_alive(now_ms)).map(|entry| Arc::clone(&entry.key))
    }

    /// Whether the key of this id opens anything at this time. Cheap: it reads memory only.
    #[must_use]
    pub fn is_alive(&self, id: &str, now_ms: i64) -> bool {
        self.0.kept().get(id).is_some_and(|entry| entry.key.is_alive(now_ms))
    }

    /// Waits until the key of this id is revoked, expired or gone: at once for a revocation, a second late for an expiry.
    /// A stream ends when this does.
    pub async fn until_ended(&self, id: &str, clock: &Clock) {
        let mut ended = self.0.ended.subscribe();
        while self.is_alive(id, clock.now_ms()) {
            // Either way the key is looked at again.
            let _ = tokio::time::timeout(LOOK_EVERY, ended.changed()).await;
        }
    }

    /// Notes that a key was used: in memory at once, and in the database at most once a minute. What is not written when
    /// the service is killed is a minute of knowledge, and no failure of the request.
    pub fn note_use(&self, id: &str, now_ms: i64) {
        let minute = now_ms - now_ms.rem_euclid(60_000);
        let is_news = {
            let kept = self.0.kept();
            kept.get(id).is_some_and(|entry| entry.last_used_at.fetch_max(minute, Ordering::Relaxed) < minute)
        };
        if !is_news {
            return;
        }
        let is_first = {
            let mut used = self.0.used();
            used.push((id.to_owned(), minute));
            used.len() == 1
        };
        // Those that come until it is written are written with it.
        if is_first {
            let inner = Arc::clone(&self.0);
            tokio::spawn(async move {
                let writer = Arc::clone(&inner);
                let written = inner.db.call(move |connection| writer.write_uses(connection)).await;
                if let Err(error) = written {
                    inner.used().clear();
                    tracing::warn!(error = format!("{error:#}"), "the last use of a key could not be noted");
                }
            });
        }
    }

    /// The keys of a merchant, the newest first, dead ones included.
    #[must_use]
    pub fn list_of(&self, merchant: Uuid) -> Vec<ApiKey> {
        let mut keys = self.list();
        keys.retain(|key| key.merchant == merchant);
        keys
    }

    /// All keys, the newest first, dead ones included.
    #[must_use]
    pub fn list(&self) -> Vec<ApiKey> {
        let mut keys: Vec<ApiKey> = self.0.kept().values().map(Entry::shown).collect();
        keys.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        keys
    }

    /// Revokes a key for good; its next request is refused, and its streams end. `of`: only where it is this merchant's.
    /// Gives the key as it is now, also where it was dead already; `None`: there is no such key.
    ///
    /// # Errors
    /// When the database fails; the key then still lives.
    pub async fn revoke(&self, id: &str, of: Option<Uuid>, now_ms: i64) -> anyhow::Result<Option<ApiKey>> {
        let (inner, id) = (Arc::clone(&self.0), id.to_owned());
        let revoked = self
            .0
            .db
            .call(move |connection| -> rusqlite::Result<Option<ApiKey>> {
                let is_there = inner.kept().get(&id).is_some_and(|entry| of.is_none_or(|of| entry.key.merchant == of));
                if !is_there {
                    return Ok(None);
                }
                connection.execute(
                    "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1",
                    params![id, now_ms],
                )?;
                Ok(inner.change(&id, |key| key.revoked_at = key.revoked_at.or(Some(now_ms))))
            })
            .await?;
        if let Some(key) = &revoked {
            tracing::info!(key = key.id, "a key of the API was revoked");
        }
        Ok(revoked)
    }

    /// Forgets an account that is erased: no key names it any more, and one that was limited to it alone goes. It must not
    /// become a key for all accounts.
    ///
    /// # Errors
    /// When the database fails; then nothing was changed.
    pub async fn forget_account(&self, channel: &str, account: &str) -> anyhow::Result<()> {
        let (inner, named) = (Arc::clone(&self.0), (channel.to_owned(), account.to_owned()));
        self.0
            .db
            .call(move |connection| -> anyhow::Result<()> {
                let mut changed: Vec<ApiKey> = inner.kept().values().map(|entry| (*entry.key).clone()).collect();
                changed.retain(|key| key.accounts.contains(&named));
                let transaction = connection.transaction()?;
                for key in &mut changed {
                    key.accounts.retain(|account| *account != named);
                    match key.accounts.is_empty() {
                        true => transaction.execute("DELETE FROM api_keys WHERE id = ?1", [&key.id])?,
                        false => transaction.execute(
                            "UPDATE api_keys SET accounts = ?2 WHERE id = ?1",
                            params![key.id, serde_json::to_string(&key.accounts)?],
                        )?,
                    };
                }
                transaction.commit()?;
                for key in changed {
                    match key.accounts.is_empty() {
                        true => drop(inner.kept_mut().remove(&key.id)),
                        false => drop(inner.change(&key.id, |kept| kept.accounts = key.accounts)),
                    }
                }
                inner.ended.send_replace(());
                Ok(())
            })
            .await
    }

    /// Takes the keys of a merchant away who has all data deleted.
    ///
    /// # Errors
    /// When the database fails; then nothing was changed.
    pub async fn delete_of(&self, merchant: Uuid) -> anyhow::Result<()> {
        let inner = Arc::clone(&self.0);
        self.0
            .db
            .call(move |connection| -> rusqlite::Result<()> {
                connection.execute("DELETE FROM api_keys WHERE merchant = ?1", [merchant.to_string()])?;
                inner.kept_mut().retain(|_, entry| entry.key.merchant != merchant);
                inner.ended.send_replace(());
                Ok(())
            })
            .await
    }
}

impl Inner {
    fn kept(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, Entry>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_mut(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<String, Entry>> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self) -> std::sync::MutexGuard<'_, Vec<(String, i64)>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes which keys were used, all in one transaction.
    fn write_uses(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let used = std::mem::take(&mut *self.used());
        let transaction = connection.transaction()?;
        for (id, minute) in used {
            transaction
                .prepare_cached("UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?2) WHERE id = ?1")?
                .execute(params![id, minute])?;
        }
        transaction.commit()
    }

    /// Changes a key in memory, and gives it as it is then.
    fn change(&self, id: &str, change: impl FnOnce(&mut ApiKey)) -> Option<ApiKey> {
        let shown = self.kept_mut().get_mut(id).map(|entry| {
            change(Arc::make_mut(&mut entry.key));
            entry.shown()
        });
        self.ended.send_replace(());
        shown
    }

    /// `None`: the merchant has as many as may live.
    fn insert(
        &self,
        connection: &mut Connection,
        key: ApiKey,
        hash: [u8; 32],
        now_ms: i64,
    ) -> anyhow::Result<Option<ApiKey>> {
        let merchant = key.merchant;
        let dead: Vec<String> = {
            let kept = self.kept();
            let mut theirs: Vec<&Entry> = kept.values().filter(|entry| entry.key.merchant == merchant).collect();
            theirs.sort_by_key(|entry| std::cmp::Reverse(entry.key.created_at));
            let (living, dead): (Vec<_>, Vec<_>) = theirs.into_iter().partition(|entry| entry.key.is_alive(now_ms));
            if living.len() >= MOST_LIVING {
                return Ok(None);
            }
            dead.into_iter().skip(MOST_DEAD).map(|entry| entry.key.id.clone()).collect()
        };
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        let transaction = connection.transaction()?;
        for id in &dead {
            transaction.execute("DELETE FROM api_keys WHERE id = ?1", [id])?;
        }
        transaction.execute(
            "INSERT INTO api_keys (id, hash, merchant, name, scopes, accounts, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                key.id,
                hash,
                merchant.to_string(),
                key.name,
                scopes.join(","),
                serde_json::to_string(&key.accounts)?,
                key.created_at,
                key.expires_at
            ],
        )?;
        transaction.commit()?;
        let mut kept = self.kept_mut();
        kept.retain(|id, _| !dead.contains(id));
        kept.insert(key.id.clone(), Entry::new(key.clone(), hash));
        Ok(Some(key))
    }
}

/// All keys with their hashes.
fn read_all(connection: &Connection) -> anyhow::Result<Vec<(ApiKey, [u8; 32])>> {
    connection
        .prepare(
            "SELECT id, merchant, name, scopes, accounts, created_at, expires_at, last_used_at, revoked_at, hash
             FROM api_keys",
        )?
        .query_and_then([], |row| Ok((read(row)?, row.get(9)?)))?
        .collect()
}

fn read(row: &Row<'_>) -> anyhow::Result<ApiKey> {
    let (merchant, scopes, accounts): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
    Ok(ApiKey {
        id: row.get(0)?,
        merchant: merchant.parse()?,
        name: row.get(2)?,
        scopes: scopes.split(',').map(Scope::from_str).collect::<Result<_, _>>()?,
        accounts: serde_json::from_str(&accounts)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
        last_used_at: row.get(7)?,
        revoked_at: row.get(8)?,
    })
}

/// A new id, and the text of a key with it.
fn random_key() -> anyhow::Result<(String, Zeroizing<String>)> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let (mut bytes, mut secret) = ([0; ID_LENGTH], Zeroizing::new([0; 32]));
    getrandom::fill(&mut bytes)
        .and_then(|()| getrandom::fill(secret.as_mut()))
        .map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))?;
    let id: String = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_ref()));
    let text = Zeroizing::new(format!("{PREFIX}{id}_{}", secret.as_str()));
    Ok((id, text))
}

/// The id in a text that has the form of a key.
fn id_in(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(PREFIX)?;
    let (id, secret) = (rest.get(..ID_LENGTH)?, rest.get(ID_LENGTH..)?.strip_prefix('_')?);
    let is_id = id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
    let is_secret = secret.len() == SECRET_LENGTH
        && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (is_id && is_secret).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_a_key_has_its_id_and_256_random_bits_in_it() {
        let (id, text) = random_key().unwrap();
        assert_eq!(id_in(&text), Some(id.as_str()));
        assert_eq!(text.len(), "stk_".len() + 10 + 1 + 43);
        assert_ne!(*text, *random_key().unwrap().1);
        let secret = "A".repeat(43);
        for bad in [
            String::new(),
            "stk_".to_owned(),
            format!("sk_abcdefghij_{secret}"),
            format!("stk_abcdefghi_{secret}"),
            format!("stk_ABCDEFGHIJ_{secret}"),
            format!("stk_abcdefghij-{secret}"),
            format!("stk_abcdefghij_{secret}A"),
            format!("stk_abcdefghij_{secret} "),
            format!("stk_abcdefghiä_{secret}"),
        ] {
            assert_eq!(id_in(&bad), None, "{bad}");
        }
    }
}
