//! One-time OAuth states (`sessions.db`). Only keyed hashes are stored.

use rusqlite::{OptionalExtension, params};

use crate::shared::database::db::Db;

/// How long a login may take, in milliseconds. Ten minutes: a merchant reads the grant screen before clicking.
pub const LIFETIME_MS: i64 = 10 * 60 * 1000;

/// How many logins may be under way at once; the oldest go first. Bounds what strangers can make us store.
const MAX_ROWS: i64 = 10_000;

/// Logins that begin at the same time are stored in any order: so far ahead a state may be and still be of this clock.
const AT_ONCE_MS: i64 = 60 * 1000;

/// The table of OAuth states. Cheap to clone.
#[derive(Clone)]
pub struct LoginStates(Db);

impl LoginStates {
    /// Works on this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self(db)
    }

    /// Remembers a new state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(
        &self,
        state_hash: [u8; 32],
        channel: &'static str,
        browser_hash: [u8; 32],
        bound_to: String,
        now_ms: i64,
    ) -> anyhow::Result<()> {
        self.0
            .call(move |connection| -> rusqlite::Result<()> {
                let transaction = connection.transaction()?;
                transaction.execute(
                    "DELETE FROM login_states WHERE expires_at <= ?1 OR created_at > ?2",
                    [now_ms, now_ms + AT_ONCE_MS],
                )?;
                transaction.execute(
                    "DELETE FROM login_states WHERE state_hash IN
                        (SELECT state_hash FROM login_states ORDER BY expires_at DESC LIMIT -1 OFFSET ?1)",
                    [MAX_ROWS - 1],
                )?;
                transaction.execute(
                    "INSERT INTO login_states (state_hash, channel, browser_hash, bound_to, created_at, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![state_hash, channel, browser_hash, bound_to, now_ms, now_ms + LIFETIME_MS],
                )?;
                transaction.commit()
            })
            .await
    }

    /// Takes a state, once: what it was bound to, or `None` if it is unknown, expired, another channel's or another
    /// browser's. One statement, so that of many callbacks at once exactly one goes on. A clock that was set back does
    /// not bring an expired state to life: a state from the future is no state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(
        &self,
        state_hash: [u8; 32],
        channel: &'static str,
        browser_hash: [u8; 32],
        now_ms: i64,
    ) -> anyhow::Result<Option<String>> {
        self.0
            .call(move |connection| {
                connection
                    .query_row(
                        "DELETE FROM login_states
                         WHERE state_hash = ?1 AND channel = ?2 AND browser_hash = ?3 AND expires_at > ?4 AND created_at <= ?4
                         RETURNING bound_to",
                        params![state_hash, channel, browser_hash, now_ms],
                        |row| row.get(0),
                    )
                    .optional()
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::store::SESSIONS_MIGRATIONS;

    #[tokio::test]
    async fn o1_logins_that_begin_at_the_same_time_leave_each_other_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let states = LoginStates::new(Db::open(&folder.path().join("s.db"), SESSIONS_MIGRATIONS).expect("it opens"));
        // The clock is read before the database is free: they are stored in any order.
        for (number, now_ms) in [(1, 1006), (2, 1005), (3, 1007), (4, 1001)] {
            states.insert([number; 32], "x", [0; 32], String::new(), now_ms).await.expect("stored");
        }
        for number in 1..=4 {
            assert!(states.take([number; 32], "x", [0; 32], 1010).await.expect("asked").is_some(), "{number}");
        }
        // A state from a time that is still to come is none.
        states.insert([5; 32], "x", [0; 32], String::new(), 10_000_000).await.expect("stored");
        states.insert([6; 32], "x", [0; 32], String::new(), 1000).await.expect("stored");
        assert!(states.take([5; 32], "x", [0; 32], 10_000_001).await.expect("asked").is_none());
    }
}
