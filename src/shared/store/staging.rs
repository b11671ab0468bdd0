//! A set of objects while it is being read: on disk, so that a catalogue of any size needs little memory, and without a
//! name, so that a kill leaves nothing behind.
//!
//! Parts come in any order and are asked for by the object they belong to.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::shared::database::db::Db;
use crate::shared::database::sqlite;
use crate::shared::journal::{Journal, JournalError};

/// How much of the set is kept in memory.
const CACHE_KIB: i64 = 4 * 1024;

/// An object as it came, before it is joined with what belongs to it.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is.
    pub kind: u8,
    /// The platform's id.
    pub id: String,
    /// The id of the object that it belongs to; empty: to none.
    pub parent: String,
    /// Its place among its like in the same parent.
    pub place: i64,
    /// The object as JSON.
    pub payload: String,
}

/// A set under way. Cheap to clone; gone with its last clone.
#[derive(Clone)]
pub struct Staging(Db);

impl Journal {
    /// An empty set, on the journal's disk.
    ///
    /// # Errors
    /// When no file can be made there.
    pub async fn stage(&self) -> Result<Staging, JournalError> {
        let folder = self.file().path().parent().map_or_else(|| Path::new(".").to_owned(), Path::to_owned);
        let opened = tokio::task::spawn_blocking(move || open(&folder)).await;
        let failed = |error: &dyn std::fmt::Display| JournalError::Storage(error.to_string());
        Ok(Staging(opened.map_err(|error| failed(&error))?.map_err(|error| failed(&format!("{error:#}")))?))
    }
}

fn open(folder: &Path) -> anyhow::Result<Db> {
    let unnamed = sqlite::open_unnamed(folder)?;
    unnamed.execute_batch(&format!(
        "PRAGMA cache_size = -{CACHE_KIB};
         CREATE TABLE parts (
             kind INTEGER NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL, place INTEGER NOT NULL, payload TEXT NOT NULL
         ) STRICT;
         BEGIN;"
    ))?;
    Ok(Db::from(unnamed))
}

impl Staging {
    /// Adds parts.
    ///
    /// # Errors
    /// When the disk is full.
    pub async fn add(&self, parts: Vec<Part>) -> Result<(), JournalError> {
        self.call(move |connection| -> rusqlite::Result<()> {
            let mut insert = connection
                .prepare_cached("INSERT INTO parts (kind, id, parent, place, payload) VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for part in &parts {
                insert.execute(params![part.kind, part.id, part.parent, part.place, part.payload])?;
            }
            Ok(())
        })
        .await
    }

    /// From now on parts are found by their parent. To be called once, after everything was added.
    ///
    /// # Errors
    /// When the disk is full.
    pub async fn index(&self) -> Result<(), JournalError> {
        self.call(|connection| {
            connection.execute_batch(
                "CREATE INDEX parts_by_parent ON parts (parent, kind, place, length(id), id);
                 CREATE INDEX parts_by_id ON parts (kind, length(id), id);",
            )
        })
        .await
    }

    /// How many parts of a kind belong to a parent that is not in the set, or not of this kind.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn count_orphans(&self, kind: u8, parent_kind: u8) -> Result<i64, JournalError> {
        self.call(move |connection| {
            connection.query_row(
                "SELECT count(*) FROM parts AS child WHERE kind = ?1 AND NOT EXISTS (
                    SELECT 1 FROM parts WHERE kind = ?2 AND length(id) = length(child.parent) AND id = child.parent)",
                [kind, parent_kind],
                |row| row.get(0),
            )
        })
        .await
    }

    /// Up to `limit` ids of a kind that follow `after`, in the order of records. A repeated id comes once.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn list_ids(&self, kind: u8, after: &str, limit: usize) -> Result<Vec<String>, JournalError> {
        let after = after.to_owned();
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "SELECT DISTINCT id FROM parts WHERE kind = ?1 AND (length(id), id) > (length(?2), ?2)
                     ORDER BY length(id), id LIMIT ?3",
                )?
                .query_map(params![kind, after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))?
                .collect()
        })
        .await
    }

    /// Makes a text of each of these objects, out of the object's own text (the last one, where it came twice) and what
    /// belongs to it. Stops when the texts are longer than `enough` bytes, so it may give back fewer than it was asked for,
    /// but never none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn join(
        &self,
        kind: u8,
        ids: Vec<String>,
        enough: usize,
        make: impl Fn(&str, &str, &Children<'_>) -> Result<Option<String>, JournalError> + Send + 'static,
    ) -> Result<Vec<Option<String>>, JournalError> {
        self.call(move |connection| -> Result<_, JournalError> {
            let mut find = connection.prepare_cached(
                "SELECT payload FROM parts WHERE kind = ?1 AND length(id) = length(?2) AND id = ?2
                 ORDER BY rowid DESC LIMIT 1",
            )?;
            let children = Children(connection);
            let (mut texts, mut bytes) = (Vec::new(), 0);
            for id in &ids {
                let payload: String = find.query_row(params![kind, id], |row| row.get(0))?;
                let text = make(id, &payload, &children)?;
                bytes += text.as_ref().map_or(0, String::len);
                texts.push(text);
                if bytes > enough {
                    break;
                }
            }
            Ok(texts)
        })
        .await
    }

    async fn call<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, JournalError>
    where
        T: Send + 'static,
        E: Into<anyhow::Error> + Send + 'static,
    {
        self.0
            .call(move |connection| work(connection))
            .await
            .map_err(|error| JournalError::Storage(format!("{error:#}")))
    }
}

/// What belongs to an object.
pub struct Children<'a>(&'a Connection);

impl Children<'_> {
    /// The parts of a kind that belong to an object, by place and id. A part that came twice counts once, as it came last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(&self, parent: &str, kind: u8) -> Result<Vec<(String, String)>, JournalError> {
        let mut all: Vec<(String, String)> = Vec::new();
        let mut find = self.0.prepare_cached(
            "SELECT id, payload FROM parts WHERE parent = ?1 AND kind = ?2 ORDER BY place, length(id), id, rowid",
        )?;
        let mut rows = find.query(params![parent, kind])?;
        while let Some(row) = rows.next()? {
            let part: (String, String) = (row.get(0)?, row.get(1)?);
            match all.last_mut() {
                Some(last) if last.0 == part.0 => *last = part,
                _ => all.push(part),
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_come_in_any_order_and_leave_no_file_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let staging = Staging(open(folder.path()).expect("opened"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 0);
        let part = |kind: u8, id: &str, parent: &str, place: i64, payload: &str| Part {
            kind,
            id: id.to_owned(),
            parent: parent.to_owned(),
            place,
            payload: payload.to_owned(),
        };
        staging
            .add(vec![part(1, "c2", "p10", 2, "two"), part(1, "c1", "p10", 1, "one"), part(1, "c3", "p9", 1, "three")])
            .await
            .expect("added");
        staging.add(vec![part(0, "p10", "", 0, "ten"), part(1, "c1", "p10", 1, "one again")]).await.expect("added");
        staging.index().await.expect("indexed");
        assert_eq!(staging.count_orphans(1, 0).await.expect("counted"), 1);
        staging.add(vec![part(0, "p9", "", 0, "nine")]).await.expect("added");
        assert_eq!(staging.count_orphans(1, 0).await.expect("counted"), 0);
        let ids = staging.list_ids(0, "", 10).await.expect("listed");
        assert_eq!(ids, ["p9", "p10"], "as numbers are ordered");
        assert_eq!(staging.list_ids(0, "p9", 10).await.expect("listed"), ["p10"]);
        let make = |id: &str, payload: &str, children: &Children<'_>| {
            let texts: Vec<String> = children.of(id, 1)?.into_iter().map(|(_, text)| text).collect();
            Ok(Some(format!("{payload}: {}", texts.join(", "))))
        };
        let joined = staging.join(0, ids.clone(), 1000, make).await.expect("joined");
        assert_eq!(joined, [Some("nine: three".to_owned()), Some("ten: one again, two".to_owned())]);
        assert_eq!(staging.join(0, ids, 1, make).await.expect("joined").len(), 1, "enough");
    }
}
