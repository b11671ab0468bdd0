//! Which records changed, in order: a row for each record that was put, deleted or replaced since all who follow them, the
//! search index and the feed, last said how far they have come. The row is written with the change itself, so a kill at any
//! instant loses none.

use rusqlite::{Connection, OptionalExtension, params};

use crate::shared::journal::{Journal, JournalError, JournalReader, cursor_position, save_cursor};

/// The cursor of the search index: its random name, and the last change that is in it.
const FOLLOWED: &str = "search_index";

/// The cursor of the feed: the last change of which bots were told.
pub(super) const TOLD_TO_BOTS: &str = "feed:catalogue";

/// A record that changed: it may be there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordChange {
    /// Its number; no number is given twice.
    pub seq: i64,
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// What kind of record.
    pub kind: String,
    /// The record's id.
    pub id: String,
}

/// Where records are in their order over all accounts of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RecordPlace {
    /// The account.
    pub account: String,
    /// The last id that was seen of it.
    pub id: String,
}

impl Journal {
    /// The changes after this one, in order, at most `limit`. Of a record that changed several times only the last is told.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_record_changes(&self, after: i64, limit: u32) -> Result<Vec<RecordChange>, JournalError> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT seq, channel, account, kind, id FROM record_changes WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                )?
                .query_map(params![after, limit], |row| {
                    Ok(RecordChange {
                        seq: row.get(0)?,
                        channel: row.get(1)?,
                        account: row.get(2)?,
                        kind: row.get(3)?,
                        id: row.get(4)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// The number of the newest change there ever was; 0 before the first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn newest_record_change(&self) -> Result<i64, JournalError> {
        self.read(|connection| {
            let newest = connection
                .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'record_changes'")?
                .query_row([], |row| row.get(0))
                .optional()?;
            Ok(newest.unwrap_or(0))
        })
        .await
    }

    /// The search index of this name holds all changes up to this one. What bots were told of as well is forgotten.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn forget_record_changes(&self, index: &str, until: i64) -> Result<(), JournalError> {
        let followed = format!("{index} {until}");
        self.write(move |connection| {
            save_cursor(connection, FOLLOWED, &followed)?;
            forget_done(connection)
        })
        .await
    }

    /// The search index that followed last, and up to which change; `None`: none did yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_search_index(&self) -> Result<Option<(String, i64)>, JournalError> {
        let followed = self.find_cursor(FOLLOWED).await?;
        Ok(followed.as_deref().and_then(read_followed))
    }
}

/// The name of a search index, and the last change that is in it.
fn read_followed(followed: &str) -> Option<(String, i64)> {
    let (index, until) = followed.split_once(' ')?;
    Some((index.to_owned(), until.parse().ok()?))
}

/// Forgets the changes that all who follow them have done with.
pub(super) fn forget_done(connection: &Connection) -> rusqlite::Result<()> {
    let followed: Option<String> = connection
        .prepare_cached("SELECT value FROM cursors WHERE name = ?1")?
        .query_row([FOLLOWED], |row| row.get(0))
        .optional()?;
    let followed = followed.as_deref().and_then(read_followed).map_or(0, |(_, until)| until);
    let done = followed.min(cursor_position(connection, TOLD_TO_BOTS)?);
    connection.prepare_cached("DELETE FROM record_changes WHERE seq <= ?1")?.execute([done]).map(drop)
}

impl JournalReader<'_> {
    /// One record.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn find_record(
        &self,
        channel: &str,
        account: &str,
        kind: &str,
        id: &str,
    ) -> Result<Option<String>, JournalError> {
        let payload = self
            .connection()
            .prepare_cached(
                "SELECT payload FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND id = ?4",
            )?
            .query_row([channel, account, kind, id], |row| row.get(0))
            .optional()?;
        Ok(payload)
    }

    /// Shows the next records of one kind, of all accounts of a channel, at most `limit`: account, id and content. Gives the
    /// place after them; `None`: these were the last.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_records(
        &self,
        channel: &str,
        kind: &str,
        after: &RecordPlace,
        limit: u32,
        mut show: impl FnMut(&str, &str, &str),
    ) -> Result<Option<RecordPlace>, JournalError> {
        let mut place = after.clone();
        let mut left = limit;
        loop {
            let mut select = self.connection().prepare_cached(
                "SELECT id, payload FROM records WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND id > ?4
                 ORDER BY id LIMIT ?5",
            )?;
            let mut rows = select.query(params![channel, place.account, kind, place.id, left])?;
            let mut last = None;
            while let Some(row) = rows.next()? {
                let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
                show(&place.account, text(0)?, text(1)?);
                last = Some(text(0)?.to_owned());
                left -= 1;
            }
            if let Some(last) = last {
                place.id = last;
            }
            if left == 0 {
                return Ok(Some(place));
            }
            let next: Option<String> = self
                .connection()
                .prepare_cached(
                    "SELECT account FROM records WHERE channel = ?1 AND account > ?2 ORDER BY account LIMIT 1",
                )?
                .query_row([channel, &place.account], |row| row.get(0))
                .optional()?;
            match next {
                Some(account) => place = RecordPlace { account, id: String::new() },
                None => return Ok(None),
            }
        }
    }
}

/// Notes that a record changed, as part of the write that changes it.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn note_record_change(
    connection: &Connection,
    channel: &str,
    account: &str,
    kind: &str,
    id: &str,
) -> rusqlite::Result<()> {
    // Replacing gives a new number, the largest.
    connection
        .prepare_cached("INSERT OR REPLACE INTO record_changes (channel, account, kind, id) VALUES (?1, ?2, ?3, ?4)")?
        .execute([channel, account, kind, id])
        .map(drop)
}
