//! One-time OAuth states (`sessions.db`). Only keyed hashes are stored.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::shared::database::db::Db;

/// How long a login may take, in milliseconds. Ten minutes: a merchant reads the grant screen before clicking.
pub const LIFETIME_MS: i64 = 10 * 60 * 1000;

/// How many logins may be under way at once. Bounds what strangers can make us store.
const MAX_ROWS: i64 = 10_000;

/// How many logins of one household may be under way at once: its oldest gives way to its newest. Behind a proxy that is not
/// trusted all are one household.
const MAX_OF_HOUSEHOLD: i64 = 256;

/// So many logins of one network are never taken from it for others.
const FEW: i64 = 4;

/// Logins that begin at the same time are stored in any order: so far ahead a state may be and still be of this clock.
const AT_ONCE_MS: i64 = 60 * 1000;

/// A login that begins.
#[derive(Debug, Clone)]
pub struct NewState {
    /// Of the state.
    pub state_hash: [u8; 32],
    /// The channel.
    pub channel: &'static str,
    /// Of the cookie of the browser that begins it.
    pub browser_hash: [u8; 32],
    /// What it is for.
    pub bound_to: String,
    /// Of the address from which it is begun.
    pub household_hash: [u8; 32],
    /// Of the network around that.
    pub network_hash: [u8; 32],
}

/// The table of OAuth states. Cheap to clone.
#[derive(Clone)]
pub struct LoginStates(Db);

impl LoginStates {
    /// Works on this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self(db)
    }

    /// Remembers a new state. `false`: there is no room that is not somebody else's by right.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(&self, new: NewState, now_ms: i64) -> anyhow::Result<bool> {
        self.0
            .call(move |connection| -> rusqlite::Result<bool> {
                let transaction = connection.transaction()?;
                transaction.execute(
                    "DELETE FROM login_states WHERE expires_at <= ?1 OR created_at > ?2",
                    [now_ms, now_ms + AT_ONCE_MS],
                )?;
                if !make_room(&transaction, &new)? {
                    transaction.commit()?;
                    return Ok(false);
                }
                transaction.execute(
                    "INSERT INTO login_states
                        (state_hash, channel, browser_hash, bound_to, created_at, expires_at, household_hash, network_hash)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        new.state_hash,
                        new.channel,
                        new.browser_hash,
                        new.bound_to,
                        now_ms,
                        now_ms + LIFETIME_MS,
                        new.household_hash,
                        new.network_hash
                    ],
                )?;
                transaction.commit()?;
                Ok(true)
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

/// Makes room for a login, at the cost of who has most: first of its own household, then of the network with the most logins
/// under way. `false`: all have few, and keep them.
fn make_room(transaction: &Transaction<'_>, new: &NewState) -> rusqlite::Result<bool> {
    transaction.execute(
        "DELETE FROM login_states WHERE state_hash IN
            (SELECT state_hash FROM login_states WHERE household_hash = ?1 ORDER BY expires_at DESC LIMIT -1 OFFSET ?2)",
        params![new.household_hash, MAX_OF_HOUSEHOLD - 1],
    )?;
    let count =
        |sql: &str, values: &[&dyn rusqlite::ToSql]| transaction.query_row(sql, values, |row| row.get::<_, i64>(0));
    if count("SELECT count(*) FROM login_states", &[])? < MAX_ROWS {
        return Ok(true);
    }
    let own = count("SELECT count(*) FROM login_states WHERE network_hash = ?1", &[&new.network_hash])?;
    let (largest, most): (Vec<u8>, i64) = transaction.query_row(
        "SELECT network_hash, count(*) AS logins FROM login_states GROUP BY network_hash ORDER BY logins DESC LIMIT 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let of = if most > own.max(FEW) {
        largest
    } else if own > 0 {
        // Its own network has as many as any other.
        new.network_hash.to_vec()
    } else {
        return Ok(false);
    };
    let deleted = transaction.execute(
        "DELETE FROM login_states WHERE state_hash =
            (SELECT state_hash FROM login_states WHERE network_hash = ?1 ORDER BY expires_at LIMIT 1)",
        [of],
    )?;
    Ok(deleted == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::store::SESSIONS_MIGRATIONS;

    #[tokio::test]
    async fn o1_logins_that_begin_at_the_same_time_leave_each_other_alone() {
        let (_folder, states) = opened();
        // The clock is read before the database is free: they are stored in any order.
        for (number, now_ms) in [(1, 1006), (2, 1005), (3, 1007), (4, 1001)] {
            states.insert(state(number.into(), 1, 1), now_ms).await.expect("stored");
        }
        for number in 1..=4 {
            assert!(is_there(&states, number, 1010).await, "{number}");
        }
        // A state from a time that is still to come is none.
        states.insert(state(5, 1, 1), 10_000_000).await.expect("stored");
        states.insert(state(6, 1, 1), 1000).await.expect("stored");
        assert!(!is_there(&states, 5, 10_000_001).await);
    }

    #[tokio::test]
    async fn i5_a_household_pushes_out_its_own_logins_and_nobody_elses() {
        let (_folder, states) = opened();
        assert!(states.insert(state(0, 1, 1), 1000).await.expect("stored"));
        for number in 1..=MAX_OF_HOUSEHOLD + 10 {
            assert!(states.insert(state(number, 2, 2), 1000 + number).await.expect("stored"));
        }
        assert!(is_there(&states, 0, 2000).await, "the merchant's");
        assert!(!is_there(&states, 10, 2000).await, "the oldest of who has many");
        assert!(is_there(&states, 11, 2000).await);
    }

    #[tokio::test]
    async fn i5_where_all_places_are_taken_the_network_with_most_gives_way_and_never_who_has_few() {
        let (_folder, states) = opened();
        fill(&states, |number| if number < MAX_ROWS - 8 { number % 100 } else { 1000 + number }).await;
        // The hundred large ones give way, the others keep theirs.
        for number in 0..500 {
            assert!(
                states
                    .insert(state(MAX_ROWS + number, 5_000_000 + number, 2000 + number / 2), 60_000)
                    .await
                    .expect("stored")
            );
        }
        for number in MAX_ROWS - 8..MAX_ROWS {
            assert!(is_there(&states, number, 60_001).await, "{number}");
        }
        // Strangers with a network for each few logins push nobody out; newcomers wait, and its own place is everybody's.
        let (_folder, states) = opened();
        fill(&states, |number| number / FEW).await;
        assert!(!states.insert(state(MAX_ROWS, 7, 9_000_000), 60_000).await.expect("asked"));
        assert!(states.insert(state(MAX_ROWS, 7, 0), 60_000).await.expect("stored"));
        assert!(!is_there(&states, 0, 60_001).await && is_there(&states, 1, 60_001).await);
        // After ten minutes all is as new.
        assert!(states.insert(state(MAX_ROWS + 1, 7, 9_000_000), 20_000 + LIFETIME_MS).await.expect("stored"));
    }

    fn opened() -> (tempfile::TempDir, LoginStates) {
        let folder = tempfile::tempdir().expect("a folder");
        let states = LoginStates::new(Db::open(&folder.path().join("s.db"), SESSIONS_MIGRATIONS).expect("it opens"));
        (folder, states)
    }

    fn hash(number: i64) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    }

    fn state(number: i64, household: i64, network: i64) -> NewState {
        NewState {
            state_hash: hash(number),
            channel: "x",
            browser_hash: [0; 32],
            bound_to: String::new(),
            household_hash: hash(household),
            network_hash: hash(network),
        }
    }

    async fn is_there(states: &LoginStates, number: i64, now_ms: i64) -> bool {
        states.take(hash(number), "x", [0; 32], now_ms).await.expect("asked").is_some()
    }

    /// All places, each login from a household of its own, in one transaction because each one alone would be synced.
    async fn fill(states: &LoginStates, network_of: impl Fn(i64) -> i64 + Send + 'static) {
        let filled = states.0.call(move |connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            for number in 0..MAX_ROWS {
                transaction.execute(
                    "INSERT INTO login_states VALUES (?1, 'x', ?2, '', ?3, ?4, ?5, ?6)",
                    params![
                        hash(number),
                        [0_u8; 32],
                        number,
                        number + LIFETIME_MS,
                        hash(1_000_000 + number),
                        hash(network_of(number))
                    ],
                )?;
            }
            transaction.commit()
        });
        filled.await.expect("filled");
    }
}
