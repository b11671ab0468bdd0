//! What is to be read of a platform again (table `rereads`): requests that survive a kill, one row however often something
//! is asked for.

use rusqlite::{Connection, OptionalExtension, params};

use crate::shared::journal::{Account, Journal, JournalError};

/// A wish to read something, as far as it matters to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What is to be read; empty: the whole account.
    pub object: String,
    /// Not before this time, in milliseconds since 1970.
    pub due_at: i64,
    /// How often it failed.
    pub attempts: i64,
    /// Whether it was given up.
    pub is_parked: bool,
}

impl Journal {
    /// Asks for an object of an account to be read again (`""`: the whole account), not before `due_at` (milliseconds
    /// since 1970). Durable; one row however often it is asked for. Nothing happens for an account that is not connected.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn want_reread(
        &self,
        channel: &str,
        account: &str,
        object: &str,
        due_at: i64,
    ) -> Result<(), JournalError> {
        let (channel, account, object) = (channel.to_owned(), account.to_owned(), object.to_owned());
        let now_ms = self.clock().now_ms();
        let accounts = self.connected_accounts().clone();
        self.write(move |connection| {
            // Asked here and not before: an account that is erased meanwhile must not leave a wish behind.
            if !accounts.contains(&channel, &account) {
                return Ok(());
            }
            want_reread(connection, &channel, &account, &object, now_ms, due_at - now_ms)
        })
        .await
    }

    /// What is to be read of an account, the next first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_wishes(&self, account: &Account) -> Result<Vec<Wish>, JournalError> {
        let (channel, account) = account.clone();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT object, due_at, attempts, parked FROM rereads WHERE channel = ?1 AND account = ?2
                     ORDER BY due_at",
                )?
                .query_map([channel, account], |row| {
                    Ok(Wish { object: row.get(0)?, due_at: row.get(1)?, attempts: row.get(2)?, is_parked: row.get(3)? })
                })?
                .collect()
        })
        .await
    }

    /// Why reading this object failed the last time, if it is to be read: `None`: it is not; `Some(None)`: it did not fail.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_request(&self, account: &Account, object: &str) -> Result<Option<Option<String>>, JournalError> {
        let ((channel, account), object) = (account.clone(), object.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT reason FROM rereads WHERE channel = ?1 AND account = ?2 AND object = ?3")?
                .query_row([channel, account, object], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// What waits for a platform to end its work, without having failed, is looked at now.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn hasten_rereads(&self, channel: &'static str, account: &str) -> Result<(), JournalError> {
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

/// A burst of wishes is answered by one read: each wish puts it off by its own delay, but never by more than this (ms)
/// after the first.
const LONGEST_DEBOUNCE_MS: i64 = 15_000;

/// Asks for a read as part of a larger write, `delay_ms` from now. A wish without delay is answered at once; a delayed
/// one does not shorten the pause after a failure.
///
/// # Errors
/// When the database fails.
pub(crate) fn want_reread(
    connection: &Connection,
    channel: &str,
    account: &str,
    object: &str,
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
        .execute(params![channel, account, object, now_ms, delay_ms, LONGEST_DEBOUNCE_MS])
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
        want_reread(connection, "c", "a", "o", now_ms, delay_ms).expect("wished");
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
