//! Events that are kept and not handed to the consumers: those of accounts that nobody has connected flow in when somebody
//! does.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::feed::note_released;
use super::read_requests::insert_read_request;
use super::threads::count_threads;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::journal::{
    Account, DedupeKey, EffectColumns, Event, Journal, JournalError, NOT_CONNECTED, OVERVIEW_CURSOR, insert_set_aside,
};

/// How many events one step names: a write transaction of a few milliseconds.
const NAMED_AT_ONCE: i64 = 500;

impl Journal {
    /// From now on events of this account go to the consumers; those set aside until now flow in.
    ///
    /// # Errors
    /// When the journal cannot be written. The account then counts as connected; the next start releases the rest.
    pub async fn connect_account(&self, channel: &str, account: &str) -> Result<usize, JournalError> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        // The set first: an event that the writer meets after this is not set aside, one that it met before is released
        // by the job below, which runs on the same thread.
        self.connected_accounts().insert(&channel, &account);
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let account_only = params![channel, account, NOT_CONNECTED];
            connection.execute(
                "INSERT INTO unfiled (channel, account, conversation, next_at)
                 SELECT DISTINCT channel, account, conversation, 0 FROM events
                 WHERE channel = ?1 AND account = ?2 AND apart = ?3 AND conversation IS NOT NULL
                 ON CONFLICT DO UPDATE SET parked = 0, attempts = 0, next_at = 0, generation = generation + 1",
                account_only,
            )?;
            insert_set_aside(connection, &channel, &account, NOT_CONNECTED)?;
            let requests: Vec<String> = connection
                .prepare_cached(
                    "SELECT DISTINCT reread FROM events
                     WHERE channel = ?1 AND account = ?2 AND apart = ?3 AND reread IS NOT NULL",
                )?
                .query_map(account_only, |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for text in requests {
                insert_read_request(connection, &channel, &account, &ReadRequest::from_text(&text), now_ms, 0)?;
            }
            // What that consumer has passed by flows into its rows here; the rest it will meet.
            count_threads(
                connection,
                "channel = ?1 AND account = ?2 AND apart = ?3
                 AND seq <= coalesce((SELECT CAST(value AS INTEGER) FROM cursors WHERE name = ?4), 0)",
                params![channel, account, NOT_CONNECTED, OVERVIEW_CURSOR],
            )?;
            // As does what the feed's consumer has passed by.
            note_released(connection, &channel, &account)?;
            connection.execute(
                "UPDATE events SET apart = NULL WHERE channel = ?1 AND account = ?2 AND apart = ?3",
                account_only,
            )
        })
        .await
    }

    /// Gives events their account that were set aside without one, for this reason: nobody could tell whose they are. `anew`
    /// reads an event's bytes as it is now. Until its account is connected it is set aside for that; what has come under its
    /// new key meanwhile, or was deleted on purpose, is not kept twice. Gives back how many there were.
    ///
    /// # Errors
    /// When the journal cannot be used; then the rest is named by the next call.
    pub async fn name_set_aside(
        &self,
        channel: &'static str,
        reason: &'static str,
        anew: impl Fn(&[u8]) -> Event + Send + Sync + 'static,
    ) -> Result<usize, JournalError> {
        let anew = Arc::new(anew);
        let (mut named, mut after) = (0, 0);
        loop {
            let found: Vec<(i64, Vec<u8>)> = self
                .read(move |connection| {
                    connection
                        .prepare_cached(
                            "SELECT seq, payload FROM events
                             WHERE channel = ?1 AND account = '' AND apart = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4",
                        )?
                        .query_map(params![channel, reason, after, NAMED_AT_ONCE], |row| {
                            Ok((row.get(0)?, row.get(1)?))
                        })?
                        .collect()
                })
                .await?;
            let Some((last, _)) = found.last() else { return Ok(named) };
            after = *last;
            named += found.len();
            let anew = Arc::clone(&anew);
            self.write(move |connection| {
                found.iter().try_for_each(|(seq, payload)| name_event(connection, *seq, reason, &anew(payload)))
            })
            .await?;
        }
    }

    /// The accounts of which something is set aside, connected or not.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_set_aside_accounts(&self) -> Result<Vec<Account>, JournalError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT DISTINCT channel, account FROM events WHERE apart IS NOT NULL")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .await
    }
}

/// Makes one event what it is now that its account is known.
fn name_event(connection: &Connection, seq: i64, reason: &str, event: &Event) -> rusqlite::Result<()> {
    let EffectColumns { conversation, opens, reread, set_aside, is_entry } = event.effect.columns();
    let is_deleted = connection
        .prepare_cached(
            "SELECT 1 FROM pruned_keys WHERE dedupe = ?1 UNION ALL SELECT 1 FROM erased_keys WHERE dedupe = ?1",
        )?
        .exists([event.key.as_bytes()])?;
    let named = match is_deleted {
        true => 0,
        false => connection
            .prepare_cached(
                "UPDATE OR IGNORE events SET dedupe = ?2, account = ?3, kind = ?4, conversation = ?5, opens = ?6,
                     reread = ?7, apart = ?8, entry = ?9, name = ?11
                 WHERE seq = ?1 AND apart = ?10",
            )?
            .execute(params![
                seq,
                event.key.as_bytes(),
                event.account,
                event.kind,
                conversation,
                opens,
                reread,
                set_aside.unwrap_or(NOT_CONNECTED),
                is_entry,
                reason,
                event.name.as_ref().map(DedupeKey::as_bytes)
            ])?,
    };
    if named == 0 {
        // The newest event is never deleted: numbers must not be given twice. The next call deletes it.
        connection
            .prepare_cached("DELETE FROM events WHERE seq = ?1 AND apart = ?2 AND seq < (SELECT max(seq) FROM events)")?
            .execute(params![seq, reason])?;
    }
    Ok(())
}
