//! What is to be read of a platform again (table `rereads`): requests that survive a kill, one row however often something
//! is asked for.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::shared::channel::read_request::ReadRequest;
use crate::shared::journal::{Account, Journal, JournalError, save_cursor};

/// A request that waits, as far as it matters to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRead {
    /// What is to be read.
    pub request: ReadRequest,
    /// Not before this time, in milliseconds since 1970.
    pub due_at: i64,
    /// How often it failed.
    pub attempts: i64,
    /// Whether it was given up.
    pub is_given_up: bool,
}

/// A request that is carried out.
#[derive(Debug, Clone)]
pub struct DueRead {
    /// What is to be read.
    pub request: ReadRequest,
    /// Counts how often it was asked for: what was asked for again meanwhile stays.
    pub generation: i64,
    /// How often it failed.
    pub attempts: i64,
}

/// When a request that was not fulfilled is tried again.
#[derive(Debug, Clone)]
pub struct NextTry {
    /// How often it failed by now.
    pub attempts: i64,
    /// Not before this time, in milliseconds since 1970.
    pub due_at: i64,
    /// Why it was not fulfilled; `None`: it did not fail, it waits.
    pub reason: Option<String>,
    /// Whether it is given up: kept, shown, and left alone until somebody asks for it again.
    pub is_given_up: bool,
}

impl Journal {
    /// Requests a read of an account, not before `due_at` (milliseconds since 1970). Durable; one row however often it
    /// is requested. Nothing happens for an account that is not connected.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn request_read(
        &self,
        channel: &str,
        account: &str,
        request: impl Into<ReadRequest>,
        due_at: i64,
    ) -> Result<(), JournalError> {
        let (channel, account, request) = (channel.to_owned(), account.to_owned(), request.into());
        let now_ms = self.clock().now_ms();
        let accounts = self.connected_accounts().clone();
        self.write(move |connection| {
            // Asked here and not before: an account that is erased meanwhile must not leave a request behind.
            if !accounts.contains(&channel, &account) {
                return Ok(());
            }
            insert_read_request(connection, &channel, &account, &request, now_ms, due_at - now_ms)
        })
        .await
    }

    /// Turns what the next `limit` events ask for into requests that are due in `delay_ms`, and moves the cursor of this
    /// name. An event that is set aside asks for nothing yet: connecting its account requests it. Gives back whether
    /// there was an event.
    ///
    /// # Errors
    /// When the journal cannot be used; the cursor then stands where it stood.
    pub async fn collect_read_requests(
        &self,
        cursor_name: &'static str,
        limit: i64,
        delay_ms: i64,
    ) -> Result<bool, JournalError> {
        let cursor = self.cursor_position(cursor_name).await?;
        let (last, requests) = self.read(move |connection| requests_since(connection, cursor, limit)).await?;
        if last == cursor {
            return Ok(false);
        }
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            for (channel, account, request) in &requests {
                insert_read_request(connection, channel, account, request, now_ms, delay_ms)?;
            }
            save_cursor(connection, cursor_name, &last.to_string())
        })
        .await?;
        Ok(true)
    }

    /// The requests that are due, by account.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_due_reads(&self) -> Result<Vec<(Account, DueRead)>, JournalError> {
        let now_ms = self.clock().now_ms();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT channel, account, object, generation, attempts FROM rereads
                     WHERE NOT parked AND due_at <= ?1 ORDER BY channel, account, object",
                )?
                .query_map([now_ms], |row| {
                    let (generation, attempts) = (row.get(3)?, row.get(4)?);
                    Ok(((row.get(0)?, row.get(1)?), DueRead { request: request_in(row, 2)?, generation, attempts }))
                })?
                .collect()
        })
        .await
    }

    /// A request is fulfilled. One that came meanwhile stays; it counts from now.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn finish_read(&self, channel: &str, account: &str, read: &DueRead) -> Result<(), JournalError> {
        let (channel, account, read) = (channel.to_owned(), account.to_owned(), read.clone());
        self.write(move |connection| {
            connection
                .execute(
                    "DELETE FROM rereads WHERE channel = ?1 AND account = ?2 AND object = ?3 AND generation = ?4",
                    params![channel, account, read.request.to_text(), read.generation],
                )
                .map(drop)
        })
        .await
    }

    /// A request is tried again later, or given up. One that came meanwhile stays as it is; it counts from now.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn put_off_read(
        &self,
        channel: &str,
        account: &str,
        read: &DueRead,
        next: NextTry,
    ) -> Result<(), JournalError> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        let (request, generation) = (read.request.clone(), read.generation);
        self.write(move |connection| {
            connection
                .execute(
                    "UPDATE rereads SET attempts = ?4, due_at = ?5, reason = ?6, parked = ?7
                     WHERE channel = ?1 AND account = ?2 AND object = ?3 AND generation = ?8",
                    params![
                        channel,
                        account,
                        request.to_text(),
                        next.attempts,
                        next.due_at,
                        next.reason,
                        next.is_given_up,
                        generation
                    ],
                )
                .map(drop)
        })
        .await
    }

    /// What is to be read of an account, the next first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_read_requests(&self, account: &Account) -> Result<Vec<PendingRead>, JournalError> {
        let (channel, account) = account.clone();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT object, due_at, attempts, parked FROM rereads WHERE channel = ?1 AND account = ?2
                     ORDER BY due_at",
                )?
                .query_map([channel, account], |row| {
                    Ok(PendingRead {
                        request: request_in(row, 0)?,
                        due_at: row.get(1)?,
                        attempts: row.get(2)?,
                        is_given_up: row.get(3)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// Why this request failed the last time, if it is to be read: `None`: it is not; `Some(None)`: it did not fail.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_request(
        &self,
        account: &Account,
        request: &ReadRequest,
    ) -> Result<Option<Option<String>>, JournalError> {
        let ((channel, account), request) = (account.clone(), request.clone());
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT reason FROM rereads WHERE channel = ?1 AND account = ?2 AND object = ?3")?
                .query_row(params![channel, account, request.to_text()], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// What waits for a platform to end its work, without having failed, is looked at now.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn hasten_reads(&self, channel: &'static str, account: &str) -> Result<(), JournalError> {
        let account = account.to_owned();
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE rereads SET due_at = min(due_at, ?3)
                     WHERE channel = ?1 AND account = ?2 AND attempts = 0 AND reason IS NULL AND NOT parked",
                )?
                .execute(params![channel, account, now_ms])
                .map(drop)
        })
        .await
    }
}

/// What an event asks for: channel, account and request.
type Wanted = (String, String, ReadRequest);

/// What events after the cursor ask for, and the number of the last event looked at.
fn requests_since(connection: &Connection, cursor: i64, limit: i64) -> rusqlite::Result<(i64, Vec<Wanted>)> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, reread IS NOT NULL AND apart IS NULL, channel, account, reread FROM events
         WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query([cursor, limit])?;
    let (mut last, mut requests) = (cursor, Vec::new());
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        if row.get(1)? {
            requests.push((row.get(2)?, row.get(3)?, request_in(row, 4)?));
        }
    }
    Ok((last, requests))
}

/// The request in a column.
fn request_in(row: &Row<'_>, column: usize) -> rusqlite::Result<ReadRequest> {
    Ok(ReadRequest::from_text(row.get_ref(column)?.as_str()?))
}

/// A burst of requests is answered by one read: each request puts it off by its own delay, but never by more than this (ms)
/// after the first.
const LONGEST_DEBOUNCE_MS: i64 = 15_000;

/// Asks for a read as part of a larger write, `delay_ms` from now. A request without delay is answered at once; a delayed
/// one does not shorten the pause after a failure.
///
/// # Errors
/// When the database fails.
pub(super) fn insert_read_request(
    connection: &Connection,
    channel: &str,
    account: &str,
    request: &ReadRequest,
    now_ms: i64,
    delay_ms: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO rereads (channel, account, object, generation, wanted_at, due_at)
             VALUES (?1, ?2, ?3, 1, ?4, ?4 + ?5)
             ON CONFLICT (channel, account, object) DO UPDATE SET
                generation = generation + 1,
                due_at = CASE
                    WHEN ?5 <= 0 THEN min(due_at, ?4)
                    WHEN parked THEN ?4 + ?5
                    WHEN attempts > 0 OR due_at <= wanted_at THEN due_at
                    ELSE max(?4, min(?4 + ?5, wanted_at + ?6)) END,
                wanted_at = CASE WHEN parked THEN ?4 ELSE wanted_at END,
                attempts = CASE WHEN parked OR ?5 <= 0 THEN 0 ELSE attempts END,
                reason = CASE WHEN parked OR ?5 <= 0 THEN NULL ELSE reason END,
                parked = 0",
        )?
        .execute(params![channel, account, request.to_text(), now_ms, delay_ms, LONGEST_DEBOUNCE_MS])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::journal::migrations::MIGRATIONS;

    /// What the row of a wish says: due, attempts, parked, generation.
    type Row = (i64, i64, bool, i64);

    fn wished() -> Connection {
        let connection = Connection::open_in_memory().expect("opened");
        for migration in MIGRATIONS {
            connection.execute_batch(migration).expect("migrated");
        }
        connection
    }

    fn wish(connection: &Connection, now_ms: i64, delay_ms: i64) -> Row {
        insert_read_request(connection, "c", "a", &ReadRequest::from_text("o"), now_ms, delay_ms).expect("wished");
        row(connection)
    }

    fn row(connection: &Connection) -> Row {
        let found = connection.query_row("SELECT due_at, attempts, parked, generation FROM rereads", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        });
        found.expect("one row")
    }

    #[test]
    fn each_wish_puts_the_read_off_but_not_for_ever() {
        // (now, delay) and when the read is due then.
        let cases: [&[(i64, i64, i64)]; 7] = [
            &[(1_000, 2_000, 3_000)],
            &[(1_000, 2_000, 3_000), (2_500, 2_000, 4_500), (4_499, 2_000, 6_499)],
            // Never later than fifteen seconds after the first, and never in the past.
            &[(0, 2_000, 2_000), (12_000, 2_000, 14_000), (13_500, 2_000, 15_000), (15_000, 2_000, 15_000)],
            &[(0, 2_000, 2_000), (20_000, 2_000, 20_000)],
            // A poll in five minutes waits no longer than the first wish allows, nor does it wait once a change came.
            &[(0, 2_000, 2_000), (1_000, 300_000, 15_000)],
            &[(0, 300_000, 300_000), (1_000, 2_000, 3_000)],
            // Without delay: at once, and not later than it would have been.
            &[(0, 2_000, 2_000), (1_000, 0, 1_000), (1_500, 0, 1_000), (1_600, -5_000, 1_000)],
        ];
        for wishes in cases {
            let connection = wished();
            for (count, (now, delay, due)) in (1..).zip(wishes) {
                assert_eq!(wish(&connection, *now, *delay), (*due, 0, false, count), "{wishes:?} at {now}");
            }
        }
    }

    #[test]
    fn a_wish_after_a_failure_shortens_no_pause_unless_somebody_asks_for_it() {
        let failed = |parked: bool| {
            let connection = wished();
            wish(&connection, 0, 2_000);
            let change = "UPDATE rereads SET attempts = 3, due_at = 60000, reason = 'why', parked = ?1";
            connection.execute(change, [parked]).expect("changed");
            connection
        };
        let has_reason = |connection: &Connection| {
            let read = connection.query_row("SELECT reason IS NOT NULL FROM rereads", [], |row| row.get::<_, bool>(0));
            read.expect("one row")
        };
        // (parked, now, delay), what the row says then, and whether it still tells why.
        let cases = [
            ((false, 10_000, 2_000), (60_000, 3, false, 2), true),
            ((false, 70_000, 2_000), (60_000, 3, false, 2), true),
            ((false, 10_000, 0), (10_000, 0, false, 2), false),
            ((true, 10_000, 2_000), (12_000, 0, false, 2), false),
            ((true, 100_000, 2_000), (102_000, 0, false, 2), false),
            ((true, 10_000, 0), (10_000, 0, false, 2), false),
        ];
        for ((parked, now, delay), expected, tells_why) in cases {
            let connection = failed(parked);
            assert_eq!(wish(&connection, now, delay), expected, "parked {parked}, at {now}");
            assert_eq!(has_reason(&connection), tells_why, "parked {parked}, at {now}");
        }
        // Fifteen seconds are counted from the wish that woke it.
        let connection = failed(true);
        wish(&connection, 100_000, 2_000);
        assert_eq!(wish(&connection, 114_000, 2_000).0, 115_000);
    }
}
