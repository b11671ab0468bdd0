//! How far receivers of events have come: what waits to be posted, a person's events one by one.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::shared::journal::{Journal, JournalError};
use crate::shared::store::ItemKind;

/// How many events wait for a receiver at most before more are looked at.
const MOST_WAITING: i64 = 2_000;

/// How many items are looked at in one step.
const STEP: i64 = 500;

/// An event that nobody takes for so long is set aside, in milliseconds.
const SET_ASIDE_MS: i64 = 24 * 60 * 60 * 1000;

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Receiver {
    /// The merchant's own.
    Own,
    /// That of the settings, which is told of all merchants.
    Bot,
}

impl Receiver {
    fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Bot => "bot",
        }
    }

    /// The cause of the alert that it does not take this merchant's events. That of the settings has one for all merchants.
    #[must_use]
    pub fn alert(self, merchant: Uuid) -> String {
        match self {
            Self::Own => format!("push:{merchant}"),
            Self::Bot => "push:bot".to_owned(),
        }
    }
}

/// How far a receiver has come with a merchant's events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushPlace {
    /// Everything up to this number was taken.
    pub n: i64,
    /// How many events wait.
    pub waiting: i64,
    /// How many were set aside.
    pub set_aside: i64,
    /// Why the last post failed, and when (milliseconds since 1970), where the last one did.
    pub problem: Option<(String, i64)>,
}

/// An event that is to be posted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuePush {
    /// Its number.
    pub n: i64,
    /// How often it was tried.
    pub attempts: i64,
}

/// A post that failed.
#[derive(Debug, Clone)]
pub struct Failed {
    /// The number of the event.
    pub n: i64,
    /// When it is tried again, in milliseconds since 1970.
    pub next_at: i64,
    /// Why.
    pub problem: String,
}

/// A receiver that does not take events: for the doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushTrouble {
    /// The merchant.
    pub merchant: String,
    /// How many events wait that were tried already.
    pub failing: i64,
    /// How many were set aside.
    pub set_aside: i64,
}

impl Journal {
    /// How far a receiver has come; `None`: it is told of nothing yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_push_place(&self, to: Receiver, of: Uuid) -> Result<Option<PushPlace>, JournalError> {
        self.read(move |connection| find_place(connection, to, &of.to_string())).await
    }

    /// How many events of these kinds wait for a receiver that has not come to them yet, beside those that wait already.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn count_untaken_pushes(&self, to: Receiver, of: Uuid, kinds: &[ItemKind]) -> Result<i64, JournalError> {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let kinds = serde_json::json!(kinds).to_string();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT count(*) FROM push_places AS place JOIN feed USING (merchant)
                     WHERE place.receiver = ?1 AND place.merchant = ?2 AND feed.n > place.n
                       AND feed.type IN (SELECT value FROM json_each(?3))",
                )?
                .query_row([to.as_str(), &of.to_string(), &kinds], |row| row.get(0))
        })
        .await
    }

    /// A receiver is told of everything after this number, again if need be.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn set_push_place(&self, to: Receiver, of: Uuid, n: i64) -> Result<(), JournalError> {
        self.write(move |connection| {
            let key = params![to.as_str(), of.to_string()];
            connection.execute("DELETE FROM push_waiting WHERE receiver = ?1 AND merchant = ?2", key)?;
            connection
                .execute(
                    "INSERT OR REPLACE INTO push_places (receiver, merchant, n) VALUES (?1, ?2, ?3)",
                    params![to.as_str(), of.to_string(), n],
                )
                .map(drop)
        })
        .await
    }

    /// Forgets how far a receiver has come.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn forget_push_place(&self, to: Receiver, of: Uuid) -> Result<(), JournalError> {
        self.write(move |connection| {
            let key = params![to.as_str(), of.to_string()];
            connection.execute("DELETE FROM push_waiting WHERE receiver = ?1 AND merchant = ?2", key)?;
            connection.execute("DELETE FROM push_places WHERE receiver = ?1 AND merchant = ?2", key).map(drop)
        })
        .await
    }

    /// The merchants who have a feed. The receiver of the settings is told of them: the first time of what comes from then
    /// on, of later merchants of everything.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn begin_bot_pushes(&self) -> Result<Vec<Uuid>, JournalError> {
        let all: Vec<(String, bool)> = self
            .read(|connection| {
                connection
                    .prepare_cached(
                        "SELECT merchant, EXISTS (SELECT 1 FROM push_places AS place
                             WHERE place.receiver = 'bot' AND place.merchant = ends.merchant)
                         FROM feed_ends AS ends",
                    )?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .await?;
        let is_known = self.find_cursor(BOT_BEGAN).await?.is_some();
        if !is_known || all.iter().any(|(_, has_place)| !has_place) {
            self.write(|connection| {
                let is_known: bool =
                    connection.prepare_cached("SELECT 1 FROM cursors WHERE name = ?1")?.exists([BOT_BEGAN])?;
                connection.execute(
                    "INSERT OR IGNORE INTO push_places (receiver, merchant, n)
                     SELECT 'bot', merchant, CASE WHEN ?1 THEN oldest - 1 ELSE newest END FROM feed_ends",
                    [is_known],
                )?;
                connection
                    .execute("INSERT OR IGNORE INTO cursors (name, value) VALUES (?1, '1')", [BOT_BEGAN])
                    .map(drop)
            })
            .await?;
        }
        Ok(all.iter().filter_map(|(merchant, _)| merchant.parse().ok()).collect())
    }

    /// The events that are to be posted to a receiver now: of each person the next one, `limit` at most.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn list_due_pushes(
        &self,
        to: Receiver,
        of: Uuid,
        kinds: Vec<ItemKind>,
        limit: i64,
    ) -> Result<Vec<DuePush>, JournalError> {
        let now_ms = self.clock().now_ms();
        let merchant = of.to_string();
        let whose = merchant.clone();
        if self.read(move |connection| has_news(connection, to, &whose)).await? {
            let whose = merchant.clone();
            self.write(move |connection| take_up(connection, to, &whose, &kinds)).await?;
        }
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT n, attempts FROM push_waiting AS one
                     WHERE receiver = ?1 AND merchant = ?2 AND next_at <= ?3
                       AND n = (SELECT min(n) FROM push_waiting AS other
                                WHERE other.receiver = ?1 AND other.merchant = ?2 AND other.channel = one.channel
                                  AND other.account = one.account AND other.conversation = one.conversation)
                     ORDER BY attempts > 0, next_at, n LIMIT ?4",
                )?
                .query_map(params![to.as_str(), merchant, now_ms, limit], |row| {
                    Ok(DuePush { n: row.get(0)?, attempts: row.get(1)? })
                })?
                .collect()
        })
        .await
    }

    /// A receiver has taken an event, or there is nothing left of it to be told.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_push_taken(&self, to: Receiver, of: Uuid, n: i64) -> Result<(), JournalError> {
        self.write(move |connection| {
            let merchant = of.to_string();
            connection
                .prepare_cached("DELETE FROM push_waiting WHERE receiver = ?1 AND merchant = ?2 AND n = ?3")?
                .execute(params![to.as_str(), merchant, n])?;
            forget_problems(connection, "receiver = ?1 AND merchant = ?2", &[to.as_str(), &merchant])
        })
        .await
    }

    /// Whether a receiver has trouble with events: with those of this merchant, or that of the settings with anybody's.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn is_push_failing(&self, to: Receiver, of: Uuid) -> Result<bool, JournalError> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT 1 FROM push_places WHERE receiver = ?1 AND (merchant = ?2 OR ?1 = 'bot') AND problem IS NOT NULL",
                )?
                .exists([to.as_str(), &of.to_string()])
        })
        .await
    }

    /// Of receivers for whom nothing waits any more that they have not taken, it is forgotten that they had trouble: what
    /// failed was erased. Those for whom something was set aside still have it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn forget_push_problems(&self) -> Result<(), JournalError> {
        self.write(|connection| forget_problems(connection, "set_aside = 0", &[])).await
    }

    /// A receiver has not taken an event. What it does not take for a day is set aside, with everything of the same person
    /// that waits. Gives back how many events that were.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_push_failed(&self, to: Receiver, of: Uuid, failed: Failed) -> Result<usize, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| fail(connection, to, &of.to_string(), &failed, now_ms)).await
    }
}

/// Forgets the problems of those of these places that have none any more.
fn forget_problems(connection: &Connection, which: &str, values: &[&str]) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "UPDATE push_places AS place SET problem = NULL, problem_at = NULL
             WHERE problem IS NOT NULL AND {which}
               AND NOT EXISTS (SELECT 1 FROM push_waiting AS one WHERE one.receiver = place.receiver
                               AND one.merchant = place.merchant AND one.attempts > 0)"
        ))?
        .execute(rusqlite::params_from_iter(values))
        .map(drop)
}

/// That the receiver of the settings was set for the first time.
const BOT_BEGAN: &str = "push:bot";

fn find_place(connection: &Connection, to: Receiver, merchant: &str) -> rusqlite::Result<Option<PushPlace>> {
    connection
        .prepare_cached(
            "SELECT coalesce((SELECT min(n) - 1 FROM push_waiting WHERE receiver = ?1 AND merchant = ?2), n),
                    (SELECT count(*) FROM push_waiting WHERE receiver = ?1 AND merchant = ?2),
                    set_aside, problem, problem_at
             FROM push_places WHERE receiver = ?1 AND merchant = ?2",
        )?
        .query_row([to.as_str(), merchant], |row| {
            let (problem, at): (Option<String>, Option<i64>) = (row.get(3)?, row.get(4)?);
            Ok(PushPlace { n: row.get(0)?, waiting: row.get(1)?, set_aside: row.get(2)?, problem: problem.zip(at) })
        })
        .optional()
}

fn has_news(connection: &Connection, to: Receiver, merchant: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM push_places AS place JOIN feed_ends AS ends USING (merchant)
             WHERE place.receiver = ?1 AND merchant = ?2 AND place.n < ends.newest",
        )?
        .exists([to.as_str(), merchant])
}

/// Puts the next items among those that wait.
fn take_up(connection: &Connection, to: Receiver, merchant: &str, kinds: &[ItemKind]) -> rusqlite::Result<()> {
    let n: Option<i64> = connection
        .prepare_cached("SELECT n FROM push_places WHERE receiver = ?1 AND merchant = ?2")?
        .query_row([to.as_str(), merchant], |row| row.get(0))
        .optional()?;
    let waiting: i64 = connection
        .prepare_cached("SELECT count(*) FROM push_waiting WHERE receiver = ?1 AND merchant = ?2")?
        .query_row([to.as_str(), merchant], |row| row.get(0))?;
    let Some(n) = n.filter(|_| waiting < MOST_WAITING) else { return Ok(()) };
    let rows: Vec<(i64, String, String, String, String)> = connection
        .prepare_cached(
            "SELECT n, type, channel, account, coalesce(conversation, '') FROM feed
             WHERE merchant = ?1 AND n > ?2 ORDER BY n LIMIT ?3",
        )?
        .query_map(params![merchant, n, STEP], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO push_waiting (receiver, merchant, n, channel, account, conversation)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut last = n;
    for (n, kind, channel, account, person) in rows {
        last = n;
        let kind = ItemKind::from_word(&kind).unwrap_or(ItemKind::Erased);
        // Of what was erased nothing is told.
        if kind != ItemKind::Erased && kinds.contains(&kind) {
            insert.execute(params![to.as_str(), merchant, n, channel, account, person])?;
        }
    }
    connection
        .prepare_cached("UPDATE push_places SET n = ?3 WHERE receiver = ?1 AND merchant = ?2")?
        .execute(params![to.as_str(), merchant, last])
        .map(drop)
}

fn fail(
    connection: &Connection,
    to: Receiver,
    merchant: &str,
    failed: &Failed,
    now_ms: i64,
) -> rusqlite::Result<usize> {
    let key = params![to.as_str(), merchant, failed.n];
    let row: Option<(String, String, String, Option<i64>)> = connection
        .prepare_cached(
            "SELECT channel, account, conversation, failing_since FROM push_waiting
             WHERE receiver = ?1 AND merchant = ?2 AND n = ?3",
        )?
        .query_row(key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    // It was erased meanwhile, or the receiver begins anew.
    let Some((channel, account, person, since)) = row else { return Ok(0) };
    connection
        .prepare_cached(
            "UPDATE push_waiting SET attempts = attempts + 1, failing_since = coalesce(failing_since, ?4), next_at = ?5
             WHERE receiver = ?1 AND merchant = ?2 AND n = ?3",
        )?
        .execute(params![to.as_str(), merchant, failed.n, now_ms, failed.next_at])?;
    let mut set_aside = 0;
    if since.is_some_and(|since| now_ms - since >= SET_ASIDE_MS) {
        set_aside = connection
            .prepare_cached(
                "DELETE FROM push_waiting WHERE receiver = ?1 AND merchant = ?2
                    AND channel = ?3 AND account = ?4 AND conversation = ?5",
            )?
            .execute(params![to.as_str(), merchant, channel, account, person])?;
    }
    connection
        .prepare_cached(
            "UPDATE push_places SET problem = ?3, problem_at = ?4, set_aside = set_aside + ?5
             WHERE receiver = ?1 AND merchant = ?2",
        )?
        .execute(params![
            to.as_str(),
            merchant,
            failed.problem,
            now_ms,
            i64::try_from(set_aside).unwrap_or(i64::MAX)
        ])?;
    Ok(set_aside)
}

/// The receivers that do not take events.
pub(in crate::shared::store) fn list_troubles(connection: &Connection) -> rusqlite::Result<Vec<PushTrouble>> {
    connection
        .prepare(
            "SELECT place.merchant,
                    (SELECT count(*) FROM push_waiting AS one WHERE one.receiver = place.receiver
                        AND one.merchant = place.merchant AND one.attempts > 2),
                    place.set_aside
             FROM push_places AS place WHERE place.problem IS NOT NULL OR place.set_aside > 0 ORDER BY place.merchant",
        )?
        .query_map([], |row| Ok(PushTrouble { merchant: row.get(0)?, failing: row.get(1)?, set_aside: row.get(2)? }))?
        .collect()
}
