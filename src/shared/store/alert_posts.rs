//! Which alerts the operator's receiver was told of, and what it is still to be told (`tokens.db`).

use std::collections::BTreeMap;

use rusqlite::{Row, params};
use uuid::Uuid;

use crate::shared::database::db::Db;
use crate::shared::telemetry::alerts::{AccountCause, Alert};

/// One alert on its way. A row goes when the receiver knows that the cause is gone.
#[derive(Debug, Clone)]
pub struct Telling {
    /// The alert.
    pub alert: Alert,
    /// When the cause was gone, in milliseconds since 1970.
    pub healed_at: Option<i64>,
    /// The name of the post, the same at every try.
    pub id: String,
    /// How often the post was tried.
    pub attempts: u32,
    /// When it is tried next, in milliseconds since 1970; `None`: nothing is to be told at the moment.
    pub next_at: Option<i64>,
}

/// The table. Cheap to clone.
#[derive(Clone)]
pub struct AlertPosts(Db);

impl AlertPosts {
    /// Works on this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self(db)
    }

    /// All rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> anyhow::Result<Vec<Telling>> {
        self.0
            .call(|connection| -> rusqlite::Result<Vec<Telling>> {
                connection
                    .prepare_cached(
                        "SELECT cause, sentence, since, healed_at, id, attempts, next_at, channel, account, kind
                         FROM alert_posts ORDER BY since, cause",
                    )?
                    .query_map([], telling)?
                    .collect()
            })
            .await
    }

    /// Notes what is to be told, now that these alerts are open: `true` beside those that are surely so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note(&self, open: Vec<(Alert, bool)>, now_ms: i64) -> anyhow::Result<()> {
        let known: BTreeMap<String, Telling> =
            self.list().await?.into_iter().map(|telling| (telling.alert.cause.clone(), telling)).collect();
        let gone: Vec<Telling> = known
            .values()
            .filter(|telling| {
                telling.healed_at.is_none() && !open.iter().any(|(alert, _)| alert.cause == telling.alert.cause)
            })
            .cloned()
            .collect();
        let (mut new, mut back) = (Vec::new(), Vec::new());
        for (alert, _) in open.into_iter().filter(|(_, sure)| *sure) {
            match known.get(&alert.cause) {
                None => new.push(alert),
                Some(telling) if telling.healed_at.is_some() => back.push((alert, telling.attempts)),
                Some(_) => {}
            }
        }
        if gone.is_empty() && new.is_empty() && back.is_empty() {
            return Ok(());
        }
        self.0
            .call(move |connection| -> rusqlite::Result<()> {
                let transaction = connection.transaction()?;
                for telling in gone {
                    let cause = telling.alert.cause;
                    if telling.next_at.is_some() && telling.attempts == 0 {
                        // Nobody heard of it.
                        transaction.execute("DELETE FROM alert_posts WHERE cause = ?1", [cause])?;
                    } else {
                        transaction.execute(
                            "UPDATE alert_posts SET healed_at = ?2, id = ?3, attempts = 0, next_at = ?2 WHERE cause = ?1",
                            params![cause, now_ms, new_id()],
                        )?;
                    }
                }
                for (alert, attempts) in back {
                    // If nobody heard that it was gone, there is nothing to tell.
                    let next_at = (attempts > 0).then_some(now_ms);
                    transaction.execute(
                        "UPDATE alert_posts SET healed_at = NULL, id = ?2, attempts = 0, next_at = ?3, sentence = ?4,
                                since = ?5 WHERE cause = ?1",
                        params![alert.cause, new_id(), next_at, alert.sentence, alert.since],
                    )?;
                }
                for alert in new {
                    transaction.execute(
                        "INSERT INTO alert_posts
                            (cause, sentence, since, healed_at, id, attempts, next_at, channel, account, kind)
                         VALUES (?1, ?2, ?3, NULL, ?4, 0, ?5, ?6, ?7, ?8)",
                        params![
                            alert.cause,
                            alert.sentence,
                            alert.since,
                            new_id(),
                            now_ms,
                            alert.account.as_ref().map(|of| &of.channel),
                            alert.account.as_ref().map(|of| &of.account),
                            alert.account.as_ref().map(|of| &of.kind)
                        ],
                    )?;
                }
                transaction.commit()
            })
            .await
    }

    /// Notes a try before it is made, and when the next one is due if it fails.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_try(&self, id: String, next_at: i64) -> anyhow::Result<()> {
        self.0
            .call(move |connection| {
                connection.execute(
                    "UPDATE alert_posts SET attempts = attempts + 1, next_at = ?2 WHERE id = ?1",
                    params![id, next_at],
                )
            })
            .await
            .map(drop)
    }

    /// The receiver has taken this post.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_told(&self, id: String) -> anyhow::Result<()> {
        self.0
            .call(move |connection| -> rusqlite::Result<()> {
                let transaction = connection.transaction()?;
                transaction.execute("DELETE FROM alert_posts WHERE id = ?1 AND healed_at IS NOT NULL", [&id])?;
                transaction.execute("UPDATE alert_posts SET next_at = NULL WHERE id = ?1", [&id])?;
                transaction.commit()
            })
            .await
    }
}

fn telling(row: &Row<'_>) -> rusqlite::Result<Telling> {
    let (channel, account, kind): (Option<_>, Option<_>, Option<_>) = (row.get(7)?, row.get(8)?, row.get(9)?);
    let account = match (channel, account, kind) {
        (Some(channel), Some(account), Some(kind)) => Some(AccountCause { channel, account, kind }),
        _ => None,
    };
    Ok(Telling {
        alert: Alert { cause: row.get(0)?, account, sentence: row.get(1)?, since: row.get(2)? },
        healed_at: row.get(3)?,
        id: row.get(4)?,
        attempts: row.get(5)?,
        next_at: row.get(6)?,
    })
}

fn new_id() -> String {
    format!("msg_{}", Uuid::new_v4().simple())
}
