//! Events → "read this account (or this product) again".
//!
//! A wish is a row, so it survives a kill; many wishes for one object are one row, so a burst costs one read. Polls and
//! first syncs are wishes too: there is one way to read an account, with one set of retries.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, params};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{BATCH, MAX_ATTEMPTS, PAUSES, Worker};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::reader::{FAREWELL, PEOPLE, ReadError, Reader, WATCH, is_aside};
use crate::shared::journal::{Journal, JournalError, save_cursor};
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::{Connection as Account, Connections, Status, want_reread};
use crate::shared::telemetry::metrics::Metrics;
use crate::shared::under_way::{Progress, Reads, UnderWay};

const CURSOR: &str = "consumer:refresh";

/// How long to wait for more of the same before reading, in milliseconds.
const DEBOUNCE_MS: i64 = 500;

/// How the status reason begins that a read has set. A read that is complete takes it back.
pub const DENIED: &str = "Reading is incomplete: ";

/// How the status reason begins while the platform keeps an account closed. Any read that succeeds takes it back.
pub const PAUSED: &str = "Reading pauses: ";

/// How many attempts fail before the merchant reads of it: most troubles are over sooner.
const TELL_AFTER: i64 = 3;

/// How many accounts are read at once.
const AT_ONCE: usize = 8;

/// The consumer, and the reads it starts. Cheap to clone.
#[derive(Clone)]
pub struct Refresh(Arc<Inner>);

struct Inner {
    journal: Journal,
    connections: Connections,
    progress: Progress,
    metrics: Metrics,
    readers: HashMap<&'static str, Arc<dyn Reader>>,
    reads: Reads,
    /// Held by [`Refresh::collect`]: who has it knows that no wish is being written down.
    collecting: tokio::sync::Mutex<()>,
    permits: Semaphore,
    stop: CancellationToken,
}

#[derive(Debug, Clone)]
struct Wish {
    object: String,
    generation: i64,
    attempts: i64,
}

impl Refresh {
    /// Reads events from this journal and hands wishes to the reader of their channel.
    #[must_use]
    pub fn new(
        journal: Journal,
        connections: Connections,
        progress: Progress,
        metrics: Metrics,
        readers: HashMap<&'static str, Arc<dyn Reader>>,
        reads: Reads,
    ) -> Self {
        Self(Arc::new(Inner {
            journal,
            connections,
            progress,
            metrics,
            readers,
            reads,
            collecting: tokio::sync::Mutex::default(),
            permits: Semaphore::new(AT_ONCE),
            stop: CancellationToken::new(),
        }))
    }

    /// Turns the next events into wishes. Gives back whether there was anything to do.
    ///
    /// # Errors
    /// When the journal cannot be used; the cursor then stands where it stood.
    pub async fn collect(&self) -> Result<bool, JournalError> {
        let journal = &self.0.journal;
        let _paused = self.pause().await;
        let cursor: i64 = journal.cursor_position(CURSOR).await?;
        let (last, wishes) = journal.read(move |connection| wishes_since(connection, cursor)).await?;
        if last == cursor {
            return Ok(false);
        }
        let now_ms = journal.clock().now_ms();
        journal
            .write(move |connection| {
                for (channel, account, object) in &wishes {
                    want_reread(connection, channel, account, object, now_ms, DEBOUNCE_MS)?;
                }
                save_cursor(connection, CURSOR, &last.to_string())
            })
            .await?;
        Ok(true)
    }

    /// Starts the reads that are due, for accounts that are not being read already. Gives back how many accounts were
    /// started.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn start_due(&self) -> Result<usize, JournalError> {
        let now_ms = self.0.journal.clock().now_ms();
        let rows = self
            .0
            .journal
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT channel, account, object, generation, attempts FROM rereads
                         WHERE NOT parked AND due_at <= ?1 ORDER BY channel, account, object",
                    )?
                    .query_map([now_ms], |row| {
                        let wish = Wish { object: row.get(2)?, generation: row.get(3)?, attempts: row.get(4)? };
                        Ok(((row.get(0)?, row.get(1)?), wish))
                    })?
                    .collect::<rusqlite::Result<Vec<((String, String), Wish)>>>()
            })
            .await?;
        let mut by_account: BTreeMap<(String, String), Vec<Wish>> = BTreeMap::new();
        for (account, wish) in rows {
            // What a channel wants that is switched off at the moment stays until it is on again.
            if self.0.readers.contains_key(account.0.as_str()) {
                by_account.entry(account).or_default().push(wish);
            }
        }
        let mut started = 0;
        for ((channel, account), wishes) in by_account {
            let Some(read) = self.0.reads.begin(&channel, &account) else { continue };
            started += 1;
            tokio::spawn(self.clone().fulfil_in_a_task(read, channel, account, wishes));
        }
        Ok(started)
    }

    /// Waits until none of the reads that were started is under way.
    pub async fn idle(&self) {
        self.0.reads.idle(|_| true).await;
    }

    /// Holds off the turning of events into wishes.
    pub async fn pause(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.collecting.lock().await
    }

    /// Cuts the reads under way. What they wanted is still written down.
    pub fn abort(&self) {
        self.0.stop.cancel();
    }

    /// Whether this account is being read at the moment.
    #[must_use]
    pub fn is_busy(&self, channel: &str, account: &str) -> bool {
        self.0.reads.is_under_way(channel, account)
    }

    /// Reads in a task of its own, so that a panic in a reader is a failed attempt and not an endless one.
    async fn fulfil_in_a_task(self, read: UnderWay, channel: String, account: String, wishes: Vec<Wish>) {
        // The account is free again when `read` goes, however the reads end: it must not stay busy for ever.
        let (stop, cut) = (self.0.stop.clone(), read.cut_by());
        let reads = self.clone().fulfil_all(channel.clone(), account.clone(), wishes.clone());
        let was_cut = cut.clone();
        let ended =
            tokio::spawn(async move { stop.run_until_cancelled(cut.run_until_cancelled(reads)).await.flatten() }).await;
        if ended.is_ok_and(|ended| ended.is_some()) || self.0.stop.is_cancelled() || was_cut.is_cancelled() {
            return;
        }
        tracing::error!(channel, account, "a read ended in a panic");
        for wish in wishes {
            if let Err(error) = self.fail(&channel, &account, &wish, "a fault in this program", true).await {
                tracing::error!(error = format!("{error:#}"), channel, account, "a failed read could not be noted");
            }
        }
    }

    async fn fulfil_all(self, channel: String, account: String, wishes: Vec<Wish>) {
        let Ok(_permit) = self.0.permits.acquire().await else { return };
        let mut wishes = wishes.as_slice();
        while !wishes.is_empty() {
            match self.fulfil_some(&channel, &account, wishes).await {
                Ok(done) => wishes = &wishes[done.clamp(1, wishes.len())..],
                Err(error) => {
                    tracing::error!(
                        error = format!("{error:#}"),
                        channel,
                        account,
                        "what came of a read could not be stored"
                    );
                    break;
                }
            }
        }
    }

    /// Fulfils the first of these wishes, or as many as their channel reads together. Gives back how many.
    async fn fulfil_some(&self, channel: &str, account: &str, wishes: &[Wish]) -> anyhow::Result<usize> {
        let Some((&name, reader)) = self.0.readers.get_key_value(channel) else { return Ok(wishes.len()) };
        let connection = self.0.connections.find(channel, account).await?;
        let outcomes = match (&connection, wishes.first()) {
            // The app itself, or what concerns it, is no connection of anybody's.
            (None, Some(wish)) if account.is_empty() => vec![reader.read_again(account, &wish.object).await],
            // Asking with a token that was refused only annoys the platform. A new login asks for a new read.
            (Some(connection), Some(first)) if connection.status != Status::NeedsReconnect || is_farewell(first) => {
                let together = if connection.status == Status::NeedsReconnect { &wishes[..1] } else { wishes };
                let objects: Vec<String> = together.iter().map(|wish| wish.object.clone()).collect();
                let outcomes = reader.read_several(account, &objects).await;
                for (object, outcome) in objects.iter().zip(&outcomes) {
                    let what = match object.as_str() {
                        "" => "account",
                        WATCH => "watch",
                        PEOPLE => "people",
                        _ => "object",
                    };
                    self.0.metrics.count_read(name, what, outcome.as_ref().map_or_else(ReadError::class, |()| "done"));
                }
                outcomes
            }
            _ => vec![Ok(())],
        };
        let done = outcomes.len();
        for (wish, outcome) in wishes.iter().zip(outcomes) {
            let connection = self.0.connections.find(channel, account).await?;
            self.settle(reader.as_ref(), (channel, account), wish, connection, outcome).await?;
        }
        Ok(done)
    }

    /// Keeps what came of a wish.
    async fn settle(
        &self,
        reader: &dyn Reader,
        (channel, account): (&str, &str),
        wish: &Wish,
        connection: Option<Account>,
        outcome: Result<(), ReadError>,
    ) -> anyhow::Result<()> {
        self.0.progress.end(channel, account);
        let now_ms = self.0.journal.clock().now_ms();
        match outcome {
            Ok(()) => {
                self.end_pause(channel, account).await?;
                if let Some(connection) = connection.filter(|_| reader.is_whole(&wish.object)) {
                    self.0.connections.set_read(channel, account, now_ms).await?;
                    if connection.status_reason.is_some_and(|reason| reason.starts_with(DENIED)) {
                        self.0.connections.set_status(channel, account, Status::Connected, None).await?;
                    }
                }
                self.clear(channel, account, wish).await
            }
            Err(ReadError::Api(ApiError::TokenRejected { reason })) => {
                tracing::warn!(
                    channel,
                    account,
                    reason,
                    "the platform refuses the token; the merchant has to log in again"
                );
                self.0
                    .connections
                    .set_status(channel, account, Status::NeedsReconnect, Some(reason.to_owned()))
                    .await?;
                self.clear(channel, account, wish).await
            }
            Err(ReadError::Api(ApiError::PermissionMissing { reason, .. })) => {
                tracing::warn!(channel, account, reason, "a part of the account may not be read");
                self.tell(connection, wish, Status::Incomplete, &reason).await?;
                self.clear(channel, account, wish).await
            }
            Err(ReadError::Api(ApiError::Paused { reason, retry_after })) => {
                let reason = format!("{PAUSED}{reason}");
                if connection.is_some_and(|connection| connection.status_reason.as_ref() != Some(&reason)) {
                    tracing::warn!(channel, account, reason, "the platform keeps an account closed");
                    self.0.connections.set_problem(channel, account, Some(reason)).await?;
                }
                let due_at = now_ms + i64::try_from(retry_after.as_millis()).unwrap_or(i64::MAX / 2);
                self.put_off(channel, account, wish, wish.attempts, due_at, Some("paused by the platform"), false).await
            }
            Err(ReadError::NotYet { again_in }) => {
                let due_at = now_ms + i64::try_from(again_in.as_millis()).unwrap_or(i64::MAX / 2);
                self.put_off(channel, account, wish, wish.attempts, due_at, None, false).await
            }
            Err(ReadError::Api(error @ ApiError::RateLimited { retry_after })) => {
                self.tell(connection, wish, Status::Connected, &reader.explain(&error)).await?;
                let due_at = now_ms + i64::try_from(retry_after.as_millis()).unwrap_or(i64::MAX / 2);
                self.put_off(channel, account, wish, wish.attempts, due_at, Some("rate limited"), false).await
            }
            Err(error) => {
                tracing::warn!(%error, channel, account, attempts = wish.attempts + 1, "an account could not be read");
                if let ReadError::Api(cause) = &error
                    && wish.attempts + 1 >= TELL_AFTER
                {
                    // Trouble of the platform's own passes; an answer that stays the same does not.
                    let status = if error.is_final() { Status::Incomplete } else { Status::Connected };
                    self.tell(connection, wish, status, &reader.explain(cause)).await?;
                }
                self.fail(channel, account, wish, &error.to_string(), error.is_final()).await
            }
        }
    }

    /// The platform has answered: if the account was closed, it is open again. What else is wrong with it, and what was
    /// missed, is found out anew.
    async fn end_pause(&self, channel: &str, account: &str) -> anyhow::Result<()> {
        let connection = self.0.connections.find(channel, account).await?;
        if !connection.and_then(|one| one.status_reason).is_some_and(|reason| reason.starts_with(PAUSED)) {
            return Ok(());
        }
        tracing::info!(channel, account, "the account is open again");
        self.0.connections.set_problem(channel, account, None).await?;
        for object in [WATCH, ""] {
            let now_ms = self.0.journal.clock().now_ms();
            self.0.journal.want_reread(channel, account, object, now_ms).await?;
        }
        Ok(())
    }

    /// Lets the merchant know why a read is not complete, until one is. What a login or a look at the account found wrong
    /// is said in its own words, and only they can mend it.
    async fn tell(
        &self,
        connection: Option<Account>,
        wish: &Wish,
        status: Status,
        sentence: &str,
    ) -> anyhow::Result<()> {
        let Some(connection) = connection.filter(|_| !is_aside(&wish.object)) else { return Ok(()) };
        let has_other_words = connection.status_reason.as_ref().is_some_and(|reason| !reason.starts_with(DENIED));
        if has_other_words || (status == Status::Connected && connection.status != Status::Connected) {
            return Ok(());
        }
        let reason = format!("{DENIED}{sentence}");
        if (connection.status, connection.status_reason.as_ref()) != (status, Some(&reason)) {
            self.0.connections.set_status(&connection.channel, &connection.account, status, Some(reason)).await?;
        }
        Ok(())
    }

    /// Counts a failed attempt. `is_final`: it is given up after some more; otherwise it goes on for ever, because a
    /// platform that is down comes back, however long it takes.
    async fn fail(
        &self,
        channel: &str,
        account: &str,
        wish: &Wish,
        reason: &str,
        is_final: bool,
    ) -> anyhow::Result<()> {
        let attempts = wish.attempts + 1;
        let due_at = self.0.journal.clock().now_ms() + PAUSES.after_ms(attempts + 4);
        self.put_off(channel, account, wish, attempts, due_at, Some(reason), is_final && attempts >= MAX_ATTEMPTS).await
    }

    async fn clear(&self, channel: &str, account: &str, wish: &Wish) -> anyhow::Result<()> {
        let row = (channel.to_owned(), account.to_owned(), wish.object.clone(), wish.generation);
        self.0
            .journal
            .write(move |connection| {
                // A wish that came meanwhile stays; it counts from now.
                connection.execute(
                    "DELETE FROM rereads WHERE channel = ?1 AND account = ?2 AND object = ?3 AND generation = ?4",
                    params![row.0, row.1, row.2, row.3],
                )
            })
            .await?;
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "one row, written in one place")]
    async fn put_off(
        &self,
        channel: &str,
        account: &str,
        wish: &Wish,
        attempts: i64,
        due_at: i64,
        reason: Option<&str>,
        parked: bool,
    ) -> anyhow::Result<()> {
        let row = (channel.to_owned(), account.to_owned(), wish.object.clone(), reason.map(str::to_owned));
        self.0
            .journal
            .write(move |connection| {
                connection.execute(
                    "UPDATE rereads SET attempts = ?4, due_at = ?5, reason = ?6, parked = ?7
                     WHERE channel = ?1 AND account = ?2 AND object = ?3",
                    params![row.0, row.1, row.2, attempts, due_at, row.3, parked],
                )
            })
            .await?;
        Ok(())
    }
}

impl Worker for Refresh {
    fn name(&self) -> &'static str {
        "refresh"
    }

    fn when_failing(&self) -> &'static str {
        "Accounts are not being read: products, histories and names fall behind, because the journal cannot be used. \
         Nothing is lost; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            let has_more = self.collect().await?;
            let started = self.start_due().await?;
            Ok(has_more || started > 0)
        })
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.idle())
    }
}

/// Whether this asks what became of a connection, which is asked of one that is over, too.
fn is_farewell(wish: &Wish) -> bool {
    wish.object.starts_with(FAREWELL)
}

/// What an event asks for: channel, account and object.
type Wanted = (String, String, String);

/// What events after the cursor ask for, and the number of the last event looked at. An
/// event that is set apart asks for nothing yet: connecting its account wishes for it.
fn wishes_since(connection: &Connection, cursor: i64) -> rusqlite::Result<(i64, Vec<Wanted>)> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, reread IS NOT NULL AND apart IS NULL, channel, account, reread FROM events
         WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query(params![cursor, BATCH])?;
    let (mut last, mut wishes) = (cursor, Vec::new());
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        if row.get(1)? {
            wishes.push((row.get(2)?, row.get(3)?, row.get(4)?));
        }
    }
    Ok((last, wishes))
}
