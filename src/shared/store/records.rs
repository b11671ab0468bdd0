//! Current state of what was polled: a row per Page, shop, product, collection, discount.

use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::account_cursors::{find_account_cursor, forget_account_cursor};
use super::record_changes::note_record_change;
use crate::shared::journal::{Account, Journal, JournalError, JournalReader};

/// One object of a platform as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The platform's id of the object.
    pub id: String,
    /// The object as JSON.
    pub payload: String,
}

/// A change that is wanted.
#[derive(Debug, Clone)]
pub enum Edit {
    /// This record shall be there with this content.
    Put(&'static str, Record),
    /// No record of this kind and id shall be there.
    Delete(&'static str, String),
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind of record.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its content before; `None`: it is new.
    pub old: Option<String>,
    /// Its content now; `None`: it was deleted.
    pub new: Option<String>,
}

impl Journal {
    /// The accounts of which records are kept.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_record_accounts(&self) -> Result<Vec<Account>, JournalError> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT DISTINCT channel, account FROM records")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .await
    }

    /// Makes these changes in one transaction and gives back those that changed anything.
    ///
    /// If there are any, the account's cursor of the name `shown` is forgotten with them: it says that a file shows all
    /// records. Its value is given back.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing is changed.
    pub async fn change_records(
        &self,
        channel: &'static str,
        account: &str,
        edits: Vec<Edit>,
        shown: &'static str,
    ) -> Result<(Vec<Change>, Option<String>), JournalError> {
        let account = account.to_owned();
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let mut find = connection.prepare_cached(
                "SELECT payload FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND id = ?4",
            )?;
            let mut delete = connection
                .prepare_cached("DELETE FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND id = ?4")?;
            let mut changes = Vec::new();
            for edit in edits {
                let (kind, id, new) = match edit {
                    Edit::Put(kind, Record { id, payload }) => (kind, id, Some(payload)),
                    Edit::Delete(kind, id) => (kind, id, None),
                };
                let old: Option<String> =
                    find.query_row(params![channel, account, kind, id], |row| row.get(0)).optional()?;
                if old == new {
                    continue;
                }
                match &new {
                    Some(payload) => {
                        let record = Record { id: id.clone(), payload: payload.clone() };
                        upsert(connection, channel, &account, kind, &record, now_ms)?;
                    }
                    None => {
                        delete.execute(params![channel, account, kind, id])?;
                        note_record_change(connection, channel, &account, kind, &id)?;
                    }
                }
                changes.push(Change { kind, id, old, new });
            }
            let mut was_shown = None;
            if !changes.is_empty() {
                was_shown = find_account_cursor(connection, channel, &account, shown)?;
                forget_account_cursor(connection, channel, &account, shown)?;
            }
            Ok((changes, was_shown))
        })
        .await
    }

    /// What is stored of these objects: content and, in milliseconds since 1970, when it last changed here.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_records(
        &self,
        channel: &'static str,
        account: &str,
        kind: &'static str,
        ids: Vec<String>,
    ) -> Result<Vec<Option<(String, i64)>>, JournalError> {
        let account = account.to_owned();
        self.read(move |connection| {
            let mut find = connection.prepare_cached(
                "SELECT payload, updated_at FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND id = ?4",
            )?;
            ids.iter()
                .map(|id| {
                    find.query_row(params![channel, account, kind, id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
                })
                .collect()
        })
        .await
    }

    /// The ids of all records of one kind, and when each last changed here, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_record_ids(
        &self,
        channel: &'static str,
        account: &str,
        kind: &'static str,
    ) -> Result<Vec<(String, i64)>, JournalError> {
        let account = account.to_owned();
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT id, updated_at FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3")?
                .query_map(params![channel, account, kind], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .await
    }

    /// Replaces all records of one kind of an account by a complete set, in one transaction: what changed is updated,
    /// what is not in the set is gone on the platform and deleted. Only a pass that read everything may call this.
    ///
    /// Gives back whether anything changed.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing is replaced.
    pub async fn replace_records(
        &self,
        channel: &'static str,
        account: &str,
        kind: &'static str,
        records: Vec<Record>,
    ) -> Result<bool, JournalError> {
        let account = account.to_owned();
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let mut changed = 0;
            for record in &records {
                changed += upsert(connection, channel, &account, kind, record, now_ms)?;
            }
            // Every record of the set was just seen; a clock that stands still must not keep old ones alive.
            let keep: std::collections::HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
            let known: Vec<String> = connection
                .prepare_cached("SELECT id FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3")?
                .query_map(params![channel, account, kind], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut delete = connection
                .prepare_cached("DELETE FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND id = ?4")?;
            for id in known.iter().filter(|id| !keep.contains(id.as_str())) {
                changed += delete.execute(params![channel, account, kind, id])?;
                note_record_change(connection, channel, &account, kind, id)?;
            }
            Ok(changed > 0)
        })
        .await
    }

    /// All records of one kind of an account, ordered by id: shorter ids first, so that numbers stand in their order.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_records(
        &self,
        channel: &'static str,
        account: &str,
        kind: &'static str,
    ) -> Result<Vec<Record>, JournalError> {
        let account = account.to_owned();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id, payload FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3
                     ORDER BY length(id), id",
                )?
                .query_map(params![channel, account, kind], |row| Ok(Record { id: row.get(0)?, payload: row.get(1)? }))?
                .collect()
        })
        .await
    }
}

/// One page of records.
#[derive(Debug, Clone, Default)]
pub struct RecordPage {
    /// The records, largest id first.
    pub records: Vec<Record>,
    /// The id after which the next page begins; `None`: this is the last.
    pub next: Option<String>,
}

impl Journal {
    /// The next records of one kind of an account, largest id first (the newest, where ids grow), that `wanted` takes:
    /// at most `limit`, and no more than are found until `until`. `after`: the id where the page before ended.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn page_records(
        &self,
        (channel, account): &(String, String),
        kind: &'static str,
        after: Option<String>,
        limit: usize,
        until: Instant,
        wanted: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<RecordPage, JournalError> {
        let (channel, account) = (channel.clone(), account.clone());
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, payload FROM records
                 WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND (?4 IS NULL OR id < ?4) ORDER BY id DESC",
            )?;
            let mut rows = statement.query(params![channel, account, kind, after])?;
            let mut page = RecordPage::default();
            while let Some(row) = rows.next()? {
                if page.records.len() >= limit || Instant::now() >= until {
                    return Ok(page);
                }
                page.next = Some(row.get(0)?);
                if wanted(row.get_ref(1)?.as_str()?) {
                    page.records.push(Record { id: row.get(0)?, payload: row.get(1)? });
                }
            }
            page.next = None;
            Ok(page)
        })
        .await
    }

    /// One record of an account.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_record(
        &self,
        (channel, account): &(String, String),
        kind: &'static str,
        id: &str,
    ) -> Result<Option<Record>, JournalError> {
        let row = (channel.clone(), account.clone(), id.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id, payload FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND id = ?4",
                )?
                .query_row(params![row.0, row.1, kind, row.2], |row| {
                    Ok(Record { id: row.get(0)?, payload: row.get(1)? })
                })
                .optional()
        })
        .await
    }

    /// How many records of one kind an account has.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn count_records(
        &self,
        (channel, account): &(String, String),
        kind: &'static str,
    ) -> Result<i64, JournalError> {
        let (channel, account) = (channel.clone(), account.clone());
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT count(*) FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3")?
                .query_row(params![channel, account, kind], |row| row.get(0))
        })
        .await
    }
}

impl JournalReader<'_> {
    /// Shows all records of one kind of an account, one after the other, in the order of [`Journal::list_records`], without
    /// holding more than one of them.
    ///
    /// # Errors
    /// When the journal cannot be read. What `show` returns ends the walk and is given back.
    pub fn each_record<E>(
        &self,
        channel: &str,
        account: &str,
        kind: &str,
        mut show: impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<Result<(), E>, JournalError> {
        // By the primary key, once for each length of ids, of which there are one or two: sorting would hold everything.
        let lengths: Vec<i64> = self
            .connection()
            .prepare_cached(
                "SELECT DISTINCT length(id) FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3 ORDER BY 1",
            )?
            .query_map(params![channel, account, kind], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut select = self.connection().prepare_cached(
            "SELECT id, payload FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND length(id) = ?4
             ORDER BY id",
        )?;
        for length in lengths {
            let mut rows = select.query(params![channel, account, kind, length])?;
            while let Some(row) = rows.next()? {
                let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
                if let Err(error) = show(text(0)?, text(1)?) {
                    return Ok(Err(error));
                }
            }
        }
        Ok(Ok(()))
    }
}

fn upsert(
    connection: &Connection,
    channel: &str,
    account: &str,
    kind: &str,
    record: &Record,
    now_ms: i64,
) -> rusqlite::Result<usize> {
    let hash: [u8; 32] = Sha256::digest(record.payload.as_bytes()).into();
    let seen = connection
        .prepare_cached(
            "UPDATE records SET seen_at = ?6 WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND id = ?4 AND hash = ?5",
        )?
        .execute(params![channel, account, kind, record.id, hash, now_ms])?;
    if seen == 1 {
        return Ok(0);
    }
    note_record_change(connection, channel, account, kind, &record.id)?;
    connection
        .prepare_cached(
            "INSERT INTO records (channel, account, kind, id, payload, hash, updated_at, seen_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
             ON CONFLICT (channel, account, kind, id) DO UPDATE SET
                payload = excluded.payload, hash = excluded.hash, updated_at = excluded.updated_at,
                seen_at = excluded.seen_at",
        )?
        .execute(params![channel, account, kind, record.id, record.payload, hash, now_ms])
}
