//! How well the service is informed: the state of webhook subscriptions, and what polls found that no webhook brought.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::account_cursors::find_account_cursor;
use crate::shared::journal::{Journal, JournalError};
use crate::shared::languages::Sentence;

/// How many reports are kept for an account.
const KEPT: i64 = 100;

/// The cursor of an account under which its remark is kept.
const REMARK: &str = "remark";

/// The last comparison of an account's webhook subscriptions with those that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscriptions {
    /// The channel.
    pub channel: String,
    /// The account; empty: the app itself.
    pub account: String,
    /// When they were compared, in milliseconds since 1970.
    pub checked_at: i64,
    /// The fields or topics that are wanted.
    pub wanted: Vec<String>,
    /// Those that are still missing after the repair.
    pub missing: Vec<String>,
    /// How often something was missing and was put back.
    pub repairs: i64,
    /// When that last happened, in milliseconds since 1970.
    pub repaired_at: Option<i64>,
}

/// What one poll found, in events or objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PollReport {
    /// Read by the poll, and known from webhooks before.
    pub seen_by_both: i64,
    /// Known from webhooks, not shown by the poll.
    pub only_webhook: i64,
    /// Recovered by the poll: no webhook had brought it.
    pub only_poll: i64,
    /// Webhooks had brought it in another order than it happened.
    pub reordered: i64,
    /// Listed by the platform, and their content can no longer be read: they came during a gap that was too long.
    pub unreadable: i64,
}

/// A report of an account as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptReport {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// When the poll was over, in milliseconds since 1970.
    pub finished_at: i64,
    /// What it found.
    #[serde(flatten)]
    pub report: PollReport,
    /// What all polls of the account have recovered until then.
    pub recovered_total: i64,
}

impl Journal {
    /// Keeps what the merchant of an account should know of it though nobody need do anything, in a sentence or two;
    /// `None`: nothing.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_remark(
        &self,
        channel: &'static str,
        account: &str,
        remark: Option<Sentence>,
    ) -> Result<(), JournalError> {
        // A journal that is only read costs no fsync.
        if self.find_remark(channel, account).await? == remark {
            return Ok(());
        }
        self.save_account_cursor(channel, account, REMARK, remark.as_ref().map(Sentence::stored)).await
    }

    /// What the merchant of an account should know of it though nobody need do anything.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_remark(&self, channel: &str, account: &str) -> Result<Option<Sentence>, JournalError> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        let stored = self.read(move |connection| find_account_cursor(connection, &channel, &account, REMARK)).await?;
        Ok(stored.map(Sentence::of_stored))
    }

    /// Keeps the outcome of a comparison. `repaired`: something was missing and was put back. Gives back whether the
    /// account was compared before.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_subscriptions(
        &self,
        channel: &'static str,
        account: &str,
        wanted: &[&str],
        missing: &[&str],
        repaired: bool,
    ) -> Result<bool, JournalError> {
        let account = account.to_owned();
        let (wanted, missing) = (to_json(wanted), to_json(missing));
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let known = connection
                .prepare_cached("SELECT 1 FROM subscriptions WHERE channel = ?1 AND account = ?2")?
                .exists(params![channel, account])?;
            connection
                .prepare_cached(
                    "INSERT INTO subscriptions (channel, account, checked_at, wanted, missing, repairs, repaired_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, 0, NULL)
                     ON CONFLICT (channel, account) DO UPDATE SET
                        checked_at = excluded.checked_at, wanted = excluded.wanted, missing = excluded.missing,
                        repairs = repairs + ?6, repaired_at = CASE WHEN ?6 THEN excluded.checked_at ELSE repaired_at END",
                )?
                .execute(params![channel, account, now_ms, wanted, missing, repaired])?;
            Ok(known)
        })
        .await
    }

    /// The last comparison of every account.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_subscriptions(&self) -> Result<Vec<Subscriptions>, JournalError> {
        self.read(list_subscriptions).await
    }

    /// Keeps what a poll found.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_poll(
        &self,
        channel: &'static str,
        account: &str,
        report: PollReport,
    ) -> Result<(), JournalError> {
        let account = account.to_owned();
        let now_ms = self.clock().now_ms();
        self.write(move |connection| note_poll(connection, channel, &account, report, now_ms)).await
    }

    /// The newest report of every account.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_newest_polls(&self) -> Result<Vec<KeptReport>, JournalError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT channel, account, finished_at, seen_by_both, only_webhook, only_poll, reordered,
                            recovered_total, unreadable
                     FROM poll_reports WHERE id IN (SELECT max(id) FROM poll_reports GROUP BY channel, account)
                     ORDER BY channel, account",
                )?
                .query_map([], |row| {
                    Ok(KeptReport {
                        channel: row.get(0)?,
                        account: row.get(1)?,
                        finished_at: row.get(2)?,
                        report: PollReport {
                            seen_by_both: row.get(3)?,
                            only_webhook: row.get(4)?,
                            only_poll: row.get(5)?,
                            reordered: row.get(6)?,
                            unreadable: row.get(8)?,
                        },
                        recovered_total: row.get(7)?,
                    })
                })?
                .collect()
        })
        .await
    }
}

/// Keeps what a poll found, as part of a larger write.
pub(super) fn note_poll(
    connection: &Connection,
    channel: &str,
    account: &str,
    report: PollReport,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let before = recovered(connection, channel, account)?;
    connection
        .prepare_cached(
            "INSERT INTO poll_reports (channel, account, finished_at, seen_by_both, only_webhook, only_poll, reordered,
                                       recovered_total, unreadable)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            channel,
            account,
            now_ms,
            report.seen_by_both,
            report.only_webhook,
            report.only_poll,
            report.reordered,
            before + report.only_poll,
            report.unreadable
        ])?;
    connection
        .prepare_cached(
            "DELETE FROM poll_reports WHERE channel = ?1 AND account = ?2 AND id <= (
                SELECT id FROM poll_reports WHERE channel = ?1 AND account = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)",
        )?
        .execute(params![channel, account, KEPT])
        .map(drop)
}

/// What the polls of an account have recovered so far.
fn recovered(connection: &Connection, channel: &str, account: &str) -> rusqlite::Result<i64> {
    let total = connection
        .prepare_cached(
            "SELECT recovered_total FROM poll_reports WHERE channel = ?1 AND account = ?2 ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![channel, account], |row| row.get(0))
        .optional()?;
    Ok(total.unwrap_or(0))
}

/// The remarks on all accounts: channel, account, remark.
pub(super) fn list_remarks(connection: &Connection) -> rusqlite::Result<Vec<(String, String, String)>> {
    connection
        .prepare_cached(
            "SELECT channel, account, value FROM account_cursors WHERE name = ?1 ORDER BY channel, account",
        )?
        .query_map([REMARK], |row| Ok((row.get(0)?, row.get(1)?, Sentence::of_stored(row.get(2)?).to_string())))?
        .collect()
}

fn to_json(words: &[&str]) -> String {
    serde_json::Value::from(words).to_string()
}

fn from_json(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The last comparison of every account.
pub(super) fn list_subscriptions(connection: &Connection) -> rusqlite::Result<Vec<Subscriptions>> {
    connection
        .prepare_cached(
            "SELECT channel, account, checked_at, wanted, missing, repairs, repaired_at FROM subscriptions
             ORDER BY channel, account",
        )?
        .query_map([], |row| {
            Ok(Subscriptions {
                channel: row.get(0)?,
                account: row.get(1)?,
                checked_at: row.get(2)?,
                wanted: from_json(&row.get::<_, String>(3)?),
                missing: from_json(&row.get::<_, String>(4)?),
                repairs: row.get(5)?,
                repaired_at: row.get(6)?,
            })
        })?
        .collect()
}
