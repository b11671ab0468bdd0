//! Media that merchants uploaded to be sent: rows of `journal.db`, and files in a folder of the data folder.
//!
//! A file is on disk, with its name, before its row is; so a row always has its file, and a file without a row is what a
//! kill left behind: the next start removes it. Removing goes the other way: first the file, then the row. The name is
//! 256 random bits and an extension of ours; whoever knows it may fetch the file, as the platforms do.

use std::fs::File;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::shared::files::incoming::Incoming;
use crate::shared::files::output::{Output, RelativePath};
use crate::shared::journal::{Conversation, Journal, JournalError, Scope};

/// The folder, below the data folder.
const FOLDER: &str = "uploads";

/// How much a merchant may have uploaded at a time, in bytes.
const QUOTA_BYTES: u64 = 200 * 1024 * 1024;

/// A file counts with so many bytes at least, so that tiny ones have an end, too.
const LEAST_BYTES: u64 = 4 * 1024;

/// For how long a file is kept, in milliseconds.
pub const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// How many characters 256 bits are in base64url.
const NAME_CHARACTERS: usize = 43;

/// How many files one step removes.
const STEP: usize = 100;

/// Uploaded media. Cheap to clone.
#[derive(Clone)]
pub struct Uploads {
    journal: Journal,
    files: Output,
}

/// What a file is that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// Whose it is.
    pub merchant: Uuid,
    /// Its content type.
    pub kind: &'static str,
    /// The end of its name, without the dot.
    pub extension: &'static str,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
}

/// A file that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// `med_…`.
    pub id: String,
    /// The last part of the address at which it is fetched.
    pub name: String,
    /// Its content type.
    pub kind: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
    /// Until when it is kept, in milliseconds since 1970.
    pub expires_at: i64,
}

/// Why a file was not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// The merchant has as much as they may have.
    #[error("the merchant has uploaded as much as is kept of one")]
    OverQuota,
    /// The disk or the operating system failed.
    #[error("an uploaded file cannot be stored: {0}")]
    Disk(#[from] std::io::Error),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Uploads {
    /// Keeps them in this journal and below this data folder.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(journal: Journal, data_folder: &Path) -> std::io::Result<Self> {
        Ok(Self { journal, files: Output::open(data_folder)? })
    }

    /// Removes what a process that was killed left: half a file, and one without a row. Before anything is uploaded.
    ///
    /// # Errors
    /// When the journal or the folder cannot be used.
    pub async fn remove_leftovers(&self) -> anyhow::Result<()> {
        let files = self.files.clone();
        let names = tokio::task::spawn_blocking(move || -> std::io::Result<Vec<String>> {
            let folder = RelativePath::new(&[FOLDER])?;
            files.remove_leftovers(&folder)?;
            let mut names = Vec::new();
            files.visit(&folder, &mut |name, _| {
                names.push(name.to_owned());
                Ok(())
            })?;
            Ok(names)
        });
        let names = names.await??;
        if names.is_empty() {
            return Ok(());
        }
        let strays = self.journal.read(move |connection| {
            let mut find = connection.prepare_cached("SELECT 1 FROM uploads WHERE name = ?1")?;
            let mut strays = Vec::new();
            for name in names {
                if !find.exists([&name])? {
                    strays.push(name);
                }
            }
            Ok(strays)
        });
        self.remove_files(strays.await?).await?;
        Ok(())
    }

    /// A file whose bytes are still to come. Dropped before [`Uploads::keep`], it is gone.
    ///
    /// # Errors
    /// When the disk is full or failing.
    pub async fn begin(&self) -> std::io::Result<Incoming> {
        let files = self.files.clone();
        tokio::task::spawn_blocking(move || files.begin(&RelativePath::new(&[FOLDER])?))
            .await
            .map_err(std::io::Error::other)?
    }

    /// Brings a file to disk and gives it its name and its row. It is brought to its end also where nobody waits for it.
    ///
    /// # Errors
    /// [`NotKept`]; nothing is left of the file then.
    pub async fn keep(&self, file: Incoming, new: NewUpload) -> Result<Upload, NotKept> {
        let uploads = self.clone();
        tokio::spawn(async move { uploads.keep_to_the_end(file, new).await }).await.map_err(std::io::Error::other)?
    }

    async fn keep_to_the_end(&self, file: Incoming, new: NewUpload) -> Result<Upload, NotKept> {
        let upload = Upload {
            id: format!("med_{}", Uuid::new_v4().simple()),
            name: random_name(new.extension)?,
            kind: new.kind.to_owned(),
            bytes: new.bytes,
            sha256: new.sha256,
            expires_at: self.journal.clock().now_ms() + KEPT_MS,
        };
        file.finish(&RelativePath::new(&[&upload.name])?).await?;
        let inserted = match self.insert(new.merchant, &upload).await {
            // What is only still to be removed takes nobody's room.
            Ok(false) if self.remove_expired().await.unwrap_or(false) => self.insert(new.merchant, &upload).await,
            inserted => inserted,
        };
        match inserted {
            Ok(true) => Ok(upload),
            not => {
                if let Err(error) = self.remove_files(vec![upload.name]).await {
                    tracing::warn!(%error, "an uploaded file that was not kept could not be removed; the next start will");
                }
                not?;
                Err(NotKept::OverQuota)
            }
        }
    }

    /// Whether there was room for it.
    async fn insert(&self, merchant: Uuid, upload: &Upload) -> Result<bool, JournalError> {
        let (merchant, upload, now_ms) = (merchant.to_string(), upload.clone(), self.journal.clock().now_ms());
        self.journal
            .write(move |connection| {
                if used(connection, &merchant)?.saturating_add(upload.bytes.max(LEAST_BYTES)) > QUOTA_BYTES {
                    return Ok(false);
                }
                connection
                    .prepare_cached(
                        "INSERT INTO uploads (id, merchant, name, type, bytes, sha256, created_at, expires_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    )?
                    .execute(params![
                        upload.id,
                        merchant,
                        upload.name,
                        upload.kind,
                        i64::try_from(upload.bytes).unwrap_or(i64::MAX),
                        upload.sha256,
                        now_ms,
                        upload.expires_at
                    ])?;
                Ok(true)
            })
            .await
    }

    /// Whether a merchant may upload so many bytes more.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn has_room(&self, merchant: Uuid, bytes: u64) -> Result<bool, JournalError> {
        let merchant = merchant.to_string();
        let now_ms = self.journal.clock().now_ms();
        self.journal
            .read(move |connection| {
                let expired: i64 = connection
                    .prepare_cached(
                        "SELECT coalesce(sum(max(bytes, ?3)), 0) FROM uploads WHERE merchant = ?1 AND expires_at <= ?2",
                    )?
                    .query_row(params![merchant, now_ms, LEAST_BYTES.cast_signed()], |row| row.get(0))?;
                let living = used(connection, &merchant)?.saturating_sub(expired.unsigned_abs());
                Ok(living.saturating_add(bytes.max(LEAST_BYTES)) <= QUOTA_BYTES)
            })
            .await
    }

    /// A file of this merchant that is kept.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find(&self, merchant: Uuid, id: &str) -> Result<Option<Upload>, JournalError> {
        let (merchant, id, now_ms) = (merchant.to_string(), id.to_owned(), self.journal.clock().now_ms());
        self.journal
            .read(move |connection| {
                connection
                    .prepare_cached(&format!("{SELECT} WHERE id = ?1 AND merchant = ?2 AND expires_at > ?3"))?
                    .query_row(params![id, merchant, now_ms], read)
                    .optional()
            })
            .await
    }

    /// Until when a file is at this address, in milliseconds since 1970; `None`: there is none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_end(&self, name: &str) -> Result<Option<i64>, JournalError> {
        let name = name.to_owned();
        self.journal
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT expires_at FROM uploads WHERE name = ?1")?
                    .query_row([name], |row| row.get(0))
                    .optional()
            })
            .await
    }

    /// The file at this address, opened for reading; `None`: there is none, or not any more.
    ///
    /// # Errors
    /// When the journal or the disk cannot be read.
    pub async fn open_named(&self, name: &str) -> anyhow::Result<Option<(Upload, File)>> {
        if !is_name(name) {
            return Ok(None);
        }
        let (wanted, now_ms) = (name.to_owned(), self.journal.clock().now_ms());
        let found = self.journal.read(move |connection| {
            connection
                .prepare_cached(&format!("{SELECT} WHERE name = ?1 AND expires_at > ?2"))?
                .query_row(params![wanted, now_ms], read)
                .optional()
        });
        let Some(upload) = found.await? else { return Ok(None) };
        let (files, path) = (self.files.clone(), path_of(&upload.name)?);
        let file = tokio::task::spawn_blocking(move || files.find(&path)).await??;
        Ok(file.map(|file| (upload, file)))
    }

    /// Notes that a file is about to be sent to this person: it is erased with what is known of them.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_use(&self, id: &str, by: &Conversation) -> Result<(), JournalError> {
        let (id, Conversation { channel, account, person }) = (id.to_owned(), by.clone());
        self.journal
            .write(move |connection| {
                connection
                    .prepare_cached(
                        "INSERT OR IGNORE INTO upload_uses (upload, channel, account, conversation)
                         SELECT id, ?2, ?3, ?4 FROM uploads WHERE id = ?1",
                    )?
                    .execute([id, channel, account, person])
                    .map(drop)
            })
            .await
    }

    /// Removes files whose time is over. Gives whether there were any.
    ///
    /// # Errors
    /// When the journal or the disk cannot be used.
    pub async fn remove_expired(&self) -> anyhow::Result<bool> {
        let now_ms = self.journal.clock().now_ms();
        let removed = self.remove_where("expires_at <= ?1", vec![now_ms.into()]).await?;
        Ok(removed > 0)
    }

    /// Removes one file before its time.
    ///
    /// # Errors
    /// When the journal or the disk cannot be used.
    pub async fn remove(&self, id: &str) -> anyhow::Result<()> {
        self.remove_where("id = ?1", vec![id.to_owned().into()]).await.map(drop)
    }

    /// Removes everything that this merchant uploaded, and gives how many files that were.
    ///
    /// # Errors
    /// When the journal or the disk cannot be used.
    pub async fn remove_of(&self, merchant: Uuid) -> anyhow::Result<i64> {
        self.remove_where("merchant = ?1", vec![merchant.to_string().into()]).await
    }

    /// Removes what was sent to people of this scope, whoever else it was sent to, and gives how many files that were.
    ///
    /// # Errors
    /// When the journal or the disk cannot be used.
    pub async fn erase(&self, scope: &Scope) -> anyhow::Result<i64> {
        const OF_ACCOUNT: &str = "id IN (SELECT upload FROM upload_uses WHERE channel = ?1 AND account = ?2)";
        const OF_PERSON: &str =
            "id IN (SELECT upload FROM upload_uses WHERE channel = ?1 AND account = ?2 AND conversation = ?3)";
        let text = |text: &str| rusqlite::types::Value::from(text.to_owned());
        match scope {
            Scope::Account { channel, account } => {
                self.remove_where(OF_ACCOUNT, vec![text(channel), text(account)]).await
            }
            Scope::Person { channel, account, person } => {
                self.remove_where(OF_PERSON, vec![text(channel), text(account), text(person)]).await
            }
            Scope::Copies { .. } | Scope::Mentions { .. } => Ok(0),
        }
    }

    async fn remove_where(&self, condition: &'static str, values: Vec<rusqlite::types::Value>) -> anyhow::Result<i64> {
        let mut removed = 0;
        loop {
            let values = values.clone();
            let found = self.journal.read(move |connection| {
                connection
                    .prepare_cached(&format!("SELECT name FROM uploads WHERE {condition} LIMIT {STEP}"))?
                    .query_map(rusqlite::params_from_iter(values), |row| row.get(0))?
                    .collect::<rusqlite::Result<Vec<String>>>()
            });
            let names = found.await?;
            if names.is_empty() {
                return Ok(removed);
            }
            self.remove_files(names.clone()).await?;
            removed += i64::try_from(names.len()).unwrap_or(i64::MAX);
            let forgotten = self.journal.write(move |connection| {
                let mut delete = connection.prepare_cached("DELETE FROM uploads WHERE name = ?1")?;
                names.iter().try_for_each(|name| delete.execute([name]).map(drop))
            });
            forgotten.await?;
        }
    }

    async fn remove_files(&self, names: Vec<String>) -> std::io::Result<()> {
        let files = self.files.clone();
        tokio::task::spawn_blocking(move || names.iter().try_for_each(|name| files.remove(&path_of(name)?)))
            .await
            .map_err(std::io::Error::other)?
    }
}

const SELECT: &str = "SELECT id, name, type, bytes, sha256, expires_at FROM uploads";

fn read(row: &Row<'_>) -> rusqlite::Result<Upload> {
    Ok(Upload {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: row.get(2)?,
        bytes: row.get::<_, i64>(3)?.unsigned_abs(),
        sha256: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

/// What counts of a merchant's files.
fn used(connection: &Connection, merchant: &str) -> rusqlite::Result<u64> {
    let used: i64 = connection
        .prepare_cached("SELECT coalesce(sum(max(bytes, ?2)), 0) FROM uploads WHERE merchant = ?1")?
        .query_row(params![merchant, LEAST_BYTES.cast_signed()], |row| row.get(0))?;
    Ok(used.unsigned_abs())
}

fn path_of(name: &str) -> std::io::Result<RelativePath> {
    RelativePath::new(&[FOLDER, name])
}

fn random_name(extension: &str) -> std::io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(format!("{}.{extension}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

/// Whether a file may have this name: no database is asked for anything else.
fn is_name(name: &str) -> bool {
    let Some((random, extension)) = name.split_once('.') else { return false };
    random.len() == NAME_CHARACTERS
        && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && (1..=4).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u2_names_have_256_random_bits_and_nothing_else_is_looked_for() {
        let name = random_name("jpg").unwrap();
        assert!(is_name(&name) && name.len() == 47, "{name}");
        assert_ne!(random_name("jpg").unwrap(), name);
        let short = &name[1..];
        for other in ["", "x.jpg", short, "../../etc/passwd", &format!("{name}.jpg"), &format!("/{short}")] {
            assert!(!is_name(other), "{other}");
        }
    }
}
