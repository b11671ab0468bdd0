//! A look into the journal from outside, without its writer: for `shoptalk doctor`.

use std::path::Path;

use rusqlite::OptionalExtension;

use super::object_copies::{CopiesWaiting, count_copies};
use super::push::{PushTrouble, list_troubles};
use super::reports::{Subscriptions, list_remarks, list_subscriptions};
use super::unread_conversations::count_unread;
use crate::shared::database::sqlite::open_reader;
use crate::shared::journal::{Account, CONVERSATIONS_CURSOR, cursor_position};

/// What a look into the journal shows.
#[derive(Debug)]
pub struct Inspection {
    /// Conversations that were given up.
    pub given_up_files: i64,
    /// Reads that were given up: channel, account, reason.
    pub given_up_reads: Vec<(String, String, String)>,
    /// Events that are set aside, by channel and account.
    pub set_aside: Vec<(String, String, i64)>,
    /// When the oldest event arrived that is not in its file yet, in milliseconds since 1970.
    pub oldest_waiting: Option<i64>,
    /// The last look at the subscriptions of every account.
    pub subscriptions: Vec<Subscriptions>,
    /// What merchants should know of their accounts: channel, account, remark.
    pub remarks: Vec<(String, String, String)>,
    /// Receivers that do not take events.
    pub receivers: Vec<PushTrouble>,
    /// Accounts whose inbox answers by itself: channel, account.
    pub automatic: Vec<Account>,
    /// In how many conversations of an account another app answers: channel, account, count.
    pub not_ours: Vec<(String, String, i64)>,
    /// Messages that have waited to be sent for minutes: channel, account, count.
    pub replies_blocked: Vec<(String, String, i64)>,
    /// Messages of which nobody knows whether they were sent, or nobody found out within a day: channel, account, count.
    pub replies_unknown: Vec<(String, String, i64)>,
    /// How many files wait for their copy in object storage.
    pub copies: CopiesWaiting,
    /// How many conversations could not be read: channel, account, count.
    pub unread: Vec<(String, String, i64)>,
    /// How many tokens the built-in responder has used today (UTC), by merchant.
    pub bot_tokens: Vec<(String, i64)>,
}

/// A message that has waited for so long, in milliseconds, is held back by something.
const BLOCKED_MS: i64 = 2 * 60 * 1000;

/// A call is looked for after it was lost; before that it is no trouble yet, in milliseconds.
const UNKNOWN_MS: i64 = 30 * 1000;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Looks into the journal at `path`, at this time in milliseconds since 1970.
///
/// # Errors
/// When it cannot be read, or is of another version.
pub fn inspect(path: &Path, now_ms: i64) -> rusqlite::Result<Inspection> {
    let connection = open_reader(path)?;
    let three = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let cursor = cursor_position(&connection, CONVERSATIONS_CURSOR)?;
    Ok(Inspection {
        given_up_files: connection.query_row("SELECT count(*) FROM unfiled WHERE parked", [], |row| row.get(0))?,
        given_up_reads: connection
            .prepare("SELECT channel, account, coalesce(reason, 'unknown') FROM rereads WHERE parked")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?,
        set_aside: connection
            .prepare(
                "SELECT channel, account, count(*) FROM events WHERE apart IS NOT NULL
                 GROUP BY channel, account ORDER BY count(*) DESC LIMIT 20",
            )?
            .query_map([], three)?
            .collect::<rusqlite::Result<_>>()?,
        oldest_waiting: connection
            .query_row(
                "SELECT received_at FROM events
                 WHERE seq > ?1 AND conversation IS NOT NULL AND apart IS NULL ORDER BY seq LIMIT 1",
                [cursor],
                |row| row.get(0),
            )
            .optional()?,
        subscriptions: list_subscriptions(&connection)?,
        remarks: list_remarks(&connection)?,
        receivers: list_troubles(&connection)?,
        automatic: connection
            .prepare(
                r#"SELECT DISTINCT channel, account FROM feed WHERE type = 'echo' AND content = '{"by":"automation"}'"#,
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?,
        not_ours: connection
            .prepare(
                "SELECT channel, account, count(*) FROM conversation_states WHERE owner_lost_at IS NOT NULL
                 GROUP BY channel, account ORDER BY channel, account",
            )?
            .query_map([], three)?
            .collect::<rusqlite::Result<_>>()?,
        replies_blocked: connection
            .prepare(
                "SELECT channel, account, count(*) FROM outgoing
                 WHERE is_open AND created_at <= ?1
                   AND NOT EXISTS (SELECT 1 FROM outgoing_parts WHERE message = number AND state = 'unknown')
                 GROUP BY channel, account ORDER BY channel, account",
            )?
            .query_map([now_ms - BLOCKED_MS], three)?
            .collect::<rusqlite::Result<_>>()?,
        replies_unknown: connection
            .prepare(
                "SELECT channel, account, count(DISTINCT number) FROM outgoing_parts JOIN outgoing ON number = message
                 WHERE (state = 'unknown' AND unknown_at <= ?1)
                    OR (state = 'failed' AND reason = 'unresolved' AND unknown_at > ?2)
                 GROUP BY channel, account ORDER BY channel, account",
            )?
            .query_map([now_ms - UNKNOWN_MS, now_ms - DAY_MS], three)?
            .collect::<rusqlite::Result<_>>()?,
        copies: count_copies(&connection)?,
        unread: count_unread(&connection)?,
        bot_tokens: connection
            .prepare("SELECT merchant, tokens_in + tokens_out FROM responder_tokens WHERE day = ?1 ORDER BY merchant")?
            .query_map([now_ms / DAY_MS], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?,
    })
}

/// Whether a `tokens.db` is there in which something was sealed to know its key by.
#[must_use]
pub fn has_check_value(tokens: &Path) -> bool {
    let look = || open_reader(tokens)?.query_row("SELECT count(*) FROM vault_check", [], |row| row.get::<_, i64>(0));
    tokens.exists() && look().is_ok_and(|count: i64| count > 0)
}
