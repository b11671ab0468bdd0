//! What stands in object storage of each file, and what is still to be done (`object_copies`, `object_prefixes`). That a file
//! changed is written down by [`crate::shared::journal::FileChanges`] and by the worker that makes conversation files.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::shared::journal::{Journal, JournalError, place_of};

/// A file of which something is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCopy {
    /// Its path below the output folder.
    pub path: String,
    /// The folder of its account.
    pub folder: String,
    /// Grows with every change.
    pub generation: i64,
    /// Not copied before this time, in milliseconds since 1970: so soon after the last copy, or after a failure.
    pub not_before: i64,
    /// How often it failed in a row, for a reason of its own.
    pub attempts: i64,
    /// Whether it must be looked up what stands there: an answer was lost, or somebody asked.
    pub is_unsure: bool,
    /// Below whose name its object stands; `None`: nobody's, there is none.
    pub owner: Option<String>,
    /// What was copied last: SHA-256 in hex.
    pub sha256: Option<String>,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyResult {
    /// Its path below the output folder.
    pub path: String,
    /// The change that was dealt with; what came after it stays to be done.
    pub generation: i64,
    /// What became of it.
    pub outcome: CopyOutcome,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOutcome {
    /// Its object has its content.
    Stands {
        /// Below whose name.
        owner: String,
        /// SHA-256 in hex.
        sha256: String,
        /// When it was sent, in milliseconds since 1970; `None`: nothing was to be sent.
        put_at: Option<i64>,
    },
    /// There is no such file, and no object of it.
    Gone,
    /// It belongs to nobody who is connected: nothing is sent.
    Nobodys,
    /// It is to be tried at this time, in milliseconds since 1970.
    Later {
        /// When.
        at: i64,
        /// Whether this counts as a failure of the file's own.
        is_failure: bool,
        /// Whether nobody knows what stands there.
        is_unsure: bool,
    },
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CopiesWaiting {
    /// How many files changed and are not copied yet.
    pub count: i64,
    /// Since when the oldest of these changes waits, in milliseconds since 1970.
    pub oldest_at: Option<i64>,
    /// How many files have an object.
    pub copied: i64,
    /// When the last object was sent, in milliseconds since 1970.
    pub last_put_at: Option<i64>,
}

impl Journal {
    /// The files of which something is due, the one that waits longest first, at most `limit`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_due_copies(&self, now_ms: i64, limit: usize) -> Result<Vec<DueCopy>, JournalError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT path, folder, generation, not_before, attempts, is_unsure, owner, sha256 FROM object_copies
                     WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2",
                )?
                .query_map(params![now_ms, limit], read_due)?
                .collect()
        })
        .await
    }

    /// Writes down what became of these files. `every_ms`: the least time between two copies of one file.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_copies(&self, results: Vec<CopyResult>, every_ms: i64) -> Result<(), JournalError> {
        self.write(move |connection| results.iter().try_for_each(|result| note_copy(connection, result, every_ms)))
            .await
    }

    /// These files are to be compared with their objects.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn wish_copies(&self, paths: Vec<String>) -> Result<(), JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let mut wish = connection.prepare_cached(
                "INSERT INTO object_copies (path, folder, stem, first_at, due_at, is_unsure) VALUES (?1, ?2, ?3, ?4, ?4, 1)
                 ON CONFLICT (path) DO UPDATE SET first_at = coalesce(first_at, ?4), due_at = ?4, is_unsure = 1",
            )?;
            for path in &paths {
                if let Some((folder, stem)) = place_of(path) {
                    wish.execute(params![path, folder, stem, now_ms])?;
                }
            }
            Ok(())
        })
        .await
    }

    /// How many files of an account are still to be compared with their objects.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn count_wished_copies(&self, folder: &str) -> Result<u64, JournalError> {
        let folder = folder.to_owned();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT count(*) FROM object_copies WHERE folder = ?1 AND due_at IS NOT NULL AND is_unsure = 1",
                )?
                .query_row([folder], |row| row.get::<_, i64>(0))
        })
        .await
        .map(|count| u64::try_from(count).unwrap_or(0))
    }

    /// The folders of accounts with files in them, each with those below whose name objects of it stand.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_copied_folders(&self) -> Result<Vec<(String, Option<String>)>, JournalError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT DISTINCT folder, owner FROM object_copies ORDER BY folder, owner")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .await
    }

    /// Objects of this account's files belong below this merchant's name and no other: what stands elsewhere, or nowhere, is
    /// due at once.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn move_copies(&self, folder: &str, owner: &str) -> Result<(), JournalError> {
        let (folder, owner, now_ms) = (folder.to_owned(), owner.to_owned(), self.clock().now_ms());
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE object_copies SET first_at = coalesce(first_at, ?3), due_at = max(?3, not_before)
                     WHERE folder = ?1 AND owner IS NOT ?2",
                )?
                .execute(params![folder, owner, now_ms])
                .map(drop)
        })
        .await
    }

    /// The bucket is another one, or nobody knows what stands in it: all files are to be compared with it. `is_other`: what
    /// stood in the former one is not looked for any more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn doubt_copies(&self, is_other: bool) -> Result<(), JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            connection.execute(
                "UPDATE object_copies SET sha256 = NULL, is_unsure = 1, first_at = coalesce(first_at, ?1), due_at = ?1,
                                          not_before = 0, owner = CASE WHEN ?2 THEN NULL ELSE owner END",
                params![now_ms, is_other],
            )?;
            if is_other {
                connection.execute("DELETE FROM object_prefixes", [])?;
            }
            Ok(())
        })
        .await
    }

    /// What failed or pauses because of the bucket is due at once.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn retry_copies(&self) -> Result<(), JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            connection
                .execute(
                    "UPDATE object_copies SET not_before = ?1, due_at = min(due_at, ?1), attempts = 0
                     WHERE due_at IS NOT NULL AND attempts > 0",
                    [now_ms],
                )
                .map(drop)
        })
        .await
    }

    /// Objects of an account may stand below this name from now on.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn add_object_prefix(&self, prefix: &str, folder: &str) -> Result<(), JournalError> {
        let (prefix, folder) = (prefix.to_owned(), folder.to_owned());
        self.write(move |connection| {
            connection
                .prepare_cached("INSERT OR IGNORE INTO object_prefixes (prefix, account_folder) VALUES (?1, ?2)")?
                .execute([prefix, folder])
                .map(drop)
        })
        .await
    }

    /// Below which names objects may stand, each with the folder of the account; `folder`: of this account only.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_object_prefixes(&self, folder: Option<&str>) -> Result<Vec<(String, String)>, JournalError> {
        let folder = folder.map(str::to_owned);
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT prefix, account_folder FROM object_prefixes WHERE ?1 IS NULL OR account_folder = ?1
                     ORDER BY prefix",
                )?
                .query_map([folder], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .await
    }

    /// A list has shown that no object stands below this name.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn remove_object_prefix(&self, prefix: &str) -> Result<(), JournalError> {
        let prefix = prefix.to_owned();
        self.write(move |connection| {
            connection.execute("DELETE FROM object_prefixes WHERE prefix = ?1", [prefix]).map(drop)
        })
        .await
    }

    /// How many files of an account have their object below this name.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn count_copies_of(&self, folder: &str, owner: &str) -> Result<i64, JournalError> {
        let (folder, owner) = (folder.to_owned(), owner.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT count(*) FROM object_copies WHERE folder = ?1 AND owner = ?2")?
                .query_row([folder, owner], |row| row.get(0))
        })
        .await
    }

    /// Forgets the files of an account, or those that are called after one person. Their objects are gone.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn forget_copies(&self, folder: &str, stem: Option<&str>) -> Result<(), JournalError> {
        let (folder, stem) = (folder.to_owned(), stem.map(str::to_owned));
        self.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM object_copies WHERE folder = ?1 AND (?2 IS NULL OR stem = ?2)")?
                .execute(params![folder, stem])
                .map(drop)
        })
        .await
    }

    /// Of no file of an account there is an object any more; the files stay.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn disown_copies(&self, folder: &str) -> Result<(), JournalError> {
        let folder = folder.to_owned();
        self.write(move |connection| {
            connection
                .execute(
                    "UPDATE object_copies SET owner = NULL, sha256 = NULL, first_at = NULL, due_at = NULL, is_unsure = 0
                     WHERE folder = ?1",
                    [folder],
                )
                .map(drop)
        })
        .await
    }

    /// Forgets one file. Its object is gone.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn forget_copy(&self, path: &str) -> Result<(), JournalError> {
        let path = path.to_owned();
        self.write(move |connection| {
            connection.prepare_cached("DELETE FROM object_copies WHERE path = ?1")?.execute([path]).map(drop)
        })
        .await
    }

    /// How much waits, and how much is done.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn count_copies(&self) -> Result<CopiesWaiting, JournalError> {
        self.read(count_copies).await
    }
}

/// As [`Journal::count_copies`], as part of a larger read.
///
/// # Errors
/// When the database fails.
pub(super) fn count_copies(connection: &Connection) -> rusqlite::Result<CopiesWaiting> {
    let counted = connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE due_at IS NOT NULL), min(first_at) FILTER (WHERE due_at IS NOT NULL),
                    count(sha256), max(put_at) FROM object_copies",
        )?
        .query_row([], |row| {
            Ok(CopiesWaiting {
                count: row.get(0)?,
                oldest_at: row.get(1)?,
                copied: row.get(2)?,
                last_put_at: row.get(3)?,
            })
        })
        .optional()?;
    Ok(counted.unwrap_or_default())
}

fn read_due(row: &Row<'_>) -> rusqlite::Result<DueCopy> {
    Ok(DueCopy {
        path: row.get(0)?,
        folder: row.get(1)?,
        generation: row.get(2)?,
        not_before: row.get(3)?,
        attempts: row.get(4)?,
        is_unsure: row.get(5)?,
        owner: row.get(6)?,
        sha256: row.get(7)?,
    })
}

fn note_copy(connection: &Connection, result: &CopyResult, every_ms: i64) -> rusqlite::Result<()> {
    let CopyResult { path, generation, outcome } = result;
    match outcome {
        CopyOutcome::Stands { owner, sha256, put_at } => connection
            .prepare_cached(
                "UPDATE object_copies SET
                    owner = ?3, sha256 = ?4, put_at = coalesce(?5, put_at), attempts = 0, is_unsure = 0,
                    not_before = coalesce(?5 + ?6, not_before),
                    first_at = CASE WHEN generation > ?2 THEN max(first_at, coalesce(?5, first_at)) END,
                    due_at = CASE WHEN generation > ?2 THEN max(due_at, coalesce(?5 + ?6, not_before)) END
                 WHERE path = ?1",
            )?
            .execute(params![path, generation, owner, sha256, put_at, every_ms]),
        CopyOutcome::Gone => {
            connection
                .prepare_cached("DELETE FROM object_copies WHERE path = ?1 AND generation = ?2")?
                .execute(params![path, generation])?;
            forget_object(connection, path)
        }
        CopyOutcome::Nobodys => connection
            .prepare_cached(
                "UPDATE object_copies SET first_at = NULL, due_at = NULL WHERE path = ?1 AND generation = ?2",
            )?
            .execute(params![path, generation]),
        CopyOutcome::Later { at, is_failure, is_unsure } => connection
            .prepare_cached(
                "UPDATE object_copies SET not_before = max(not_before, ?2), due_at = max(due_at, ?2),
                                          attempts = attempts + ?3, is_unsure = max(is_unsure, ?4)
                 WHERE path = ?1",
            )?
            .execute(params![path, at, is_failure, is_unsure]),
    }
    .map(drop)
}

/// There is no object of this file any more.
fn forget_object(connection: &Connection, path: &str) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "UPDATE object_copies SET owner = NULL, sha256 = NULL, is_unsure = 0, attempts = 0 WHERE path = ?1",
        )?
        .execute([path])
}
