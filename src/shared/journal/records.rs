//! Current state of what was polled: a row per Page, shop, product, collection, discount.

use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::{Journal, JournalError};

/// One object of a platform as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The platform's id of the object.
    pub id: String,
    /// The object as JSON.
    pub payload: String,
}

impl Journal {
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
            }
            Ok(changed > 0)
        })
        .await
    }

    /// Inserts or replaces one record. Gives back whether anything changed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn upsert_record(
        &self,
        channel: &'static str,
        account: &str,
        kind: &'static str,
        record: Record,
    ) -> Result<bool, JournalError> {
        let account = account.to_owned();
        let now_ms = self.clock().now_ms();
        self.write(move |connection| Ok(upsert(connection, channel, &account, kind, &record, now_ms)? > 0)).await
    }

    /// Deletes one record, if it is there.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn delete_record(
        &self,
        channel: &'static str,
        account: &str,
        kind: &'static str,
        id: &str,
    ) -> Result<(), JournalError> {
        let row = (account.to_owned(), id.to_owned());
        self.write(move |connection| {
            connection.execute(
                "DELETE FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND id = ?4",
                params![channel, row.0, kind, row.1],
            )
        })
        .await
        .map(drop)
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
