//! Events → "read this account (or this product) again".
//!
//! A request is a row, so it survives a kill; many requests for one thing are one row, so a burst costs one read. Polls
//! and first syncs are requests too: there is one way to read an account, with one set of retries.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{BATCH, MAX_ATTEMPTS, PAUSES, Worker};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::{ReadError, Reader};
use crate::shared::journal::{Account, Journal, JournalError};
use crate::shared::languages::Sentence;
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::{Connection, Connections, DueRead, NextTry, Status, Trouble, TroubleSource};
use crate::shared::telemetry::metrics::Metrics;
use crate::shared::under_way::{Progress, Reads, UnderWay};

const CURSOR: &str = "consumer:refresh";

/// How long to wait for more of the same before reading, in milliseconds.
const DEBOUNCE_MS: i64 = 500;

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
    /// Held by [`Refresh::collect`]: who has it knows that no request is being written down.
    collecting: tokio::sync::Mutex<()>,
    permits: Semaphore,
    stop: CancellationToken,
}

impl Refresh {
    /// Reads events from this journal and hands requests to the reader of their channel.
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

    /// Turns the next events into requests. Gives back whether there was anything to do.
    ///
    /// # Errors
    /// When the journal cannot be used; the cursor then stands where it stood.
    pub async fn collect(&self) -> Result<bool, JournalError> {
        let _paused = self.pause().await;
        self.0.journal.collect_read_requests(CURSOR, BATCH, DEBOUNCE_MS).await
    }

    /// Starts the reads that are due, for accounts that are not being read already, and none after [`Refresh::abort`]. Gives
    /// back how many accounts were started.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn start_due(&self) -> Result<usize, JournalError> {
        if self.0.stop.is_cancelled() {
            return Ok(0);
        }
        let mut by_account: BTreeMap<Account, Vec<DueRead>> = BTreeMap::new();
        for (account, read) in self.0.journal.list_due_reads().await? {
            // What a channel wants that is switched off at the moment stays until it is on again.
            if self.0.readers.contains_key(account.0.as_str()) {
                by_account.entry(account).or_default().push(read);
            }
        }
        let mut started = 0;
        for ((channel, account), requests) in by_account {
            let Some(read) = self.0.reads.begin(&channel, &account) else { continue };
            started += 1;
            tokio::spawn(self.clone().fulfil_in_a_task(read, channel, account, requests));
        }
        Ok(started)
    }

    /// Waits until none of the reads that were started is under way.
    pub async fn idle(&self) {
        self.0.reads.idle(|_| true).await;
    }

    /// Holds off the turning of events into requests.
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
    async fn fulfil_in_a_task(self, read: UnderWay, channel: String, account: String, requests: Vec<DueRead>) {
        // The account is free again when `read` goes, however the reads end: it must not stay busy for ever.
        let (stop, cut) = (self.0.stop.clone(), read.cut_by());
        let reads = self.clone().fulfil_all(channel.clone(), account.clone(), requests.clone());
        let was_cut = cut.clone();
        let ended =
            tokio::spawn(async move { stop.run_until_cancelled(cut.run_until_cancelled(reads)).await.flatten() }).await;
        if ended.is_ok_and(|ended| ended.is_some()) || self.0.stop.is_cancelled() || was_cut.is_cancelled() {
            return;
        }
        tracing::error!(channel, account, "a read ended in a panic");
        for read in requests {
            if let Err(error) = self.fail(&channel, &account, &read, "a fault in this program", true).await {
                tracing::error!(error = format!("{error:#}"), channel, account, "a failed read could not be noted");
            }
        }
    }

    async fn fulfil_all(self, channel: String, account: String, requests: Vec<DueRead>) {
        let Ok(_permit) = self.0.permits.acquire().await else { return };
        let mut requests = requests.as_slice();
        while !requests.is_empty() {
            match self.fulfil_some(&channel, &account, requests).await {
                Ok(done) => requests = &requests[done.clamp(1, requests.len())..],
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

    /// Fulfils the first of these requests, or as many as their channel reads together. Gives back how many.
    async fn fulfil_some(&self, channel: &str, account: &str, requests: &[DueRead]) -> anyhow::Result<usize> {
        let Some((&name, reader)) = self.0.readers.get_key_value(channel) else { return Ok(requests.len()) };
        let connection = self.0.connections.find(channel, account).await?;
        let outcomes = match (&connection, requests.first()) {
            // The app itself, or what concerns it, is no connection of anybody's.
            // Nor is what is to be erased of an account that is not connected any more.
            (None, Some(read)) if account.is_empty() || matches!(read.request, ReadRequest::Redacted { .. }) => {
                vec![reader.read_again(account, &read.request).await]
            }
            // Asking with a token that was refused only annoys the platform. A new login asks for a new read.
            (Some(connection), Some(first))
                if connection.status != Status::NeedsReconnect || first.request.is_farewell() =>
            {
                let together = if connection.status == Status::NeedsReconnect { &requests[..1] } else { requests };
                let asked: Vec<ReadRequest> = together.iter().map(|read| read.request.clone()).collect();
                let outcomes = reader.read_several(account, &asked).await;
                for (request, outcome) in asked.iter().zip(&outcomes) {
                    let what = match request {
                        ReadRequest::Everything => "account",
                        ReadRequest::HourlyCheck => "watch",
                        ReadRequest::People => "people",
                        _ => "object",
                    };
                    self.0.metrics.count_read(name, what, outcome.as_ref().map_or_else(ReadError::class, |()| "done"));
                }
                outcomes
            }
            _ => vec![Ok(())],
        };
        let done = outcomes.len();
        for (read, outcome) in requests.iter().zip(outcomes) {
            let connection = self.0.connections.find(channel, account).await?;
            self.settle(reader.as_ref(), (channel, account), read, connection, outcome).await?;
        }
        Ok(done)
    }

    /// Keeps what came of a request.
    async fn settle(
        &self,
        reader: &dyn Reader,
        (channel, account): (&str, &str),
        read: &DueRead,
        connection: Option<Connection>,
        outcome: Result<(), ReadError>,
    ) -> anyhow::Result<()> {
        self.0.progress.end(channel, account);
        let now_ms = self.0.journal.clock().now_ms();
        match outcome {
            Ok(()) => {
                self.end_pause(channel, account).await?;
                if let Some(connection) = connection.filter(|_| reader.is_whole(&read.request)) {
                    self.0.connections.set_read(channel, account, now_ms).await?;
                    if connection.is_troubled_by(TroubleSource::Read) {
                        self.0.connections.set_status(channel, account, Status::Connected, None).await?;
                    }
                }
                Ok(self.0.journal.finish_read(channel, account, read).await?)
            }
            Err(ReadError::Api(ApiError::TokenRejected { reason })) => {
                tracing::warn!(
                    channel,
                    account,
                    %reason,
                    "the platform refuses the token; the merchant has to log in again"
                );
                self.0
                    .connections
                    .set_status(
                        channel,
                        account,
                        Status::NeedsReconnect,
                        Some(Trouble::new(TroubleSource::Token, reason)),
                    )
                    .await?;
                Ok(self.0.journal.finish_read(channel, account, read).await?)
            }
            Err(ReadError::Api(ApiError::PermissionMissing { reason, .. })) => {
                tracing::warn!(channel, account, %reason, "a part of the account may not be read");
                self.tell(connection, read, Status::Incomplete, reason).await?;
                Ok(self.0.journal.finish_read(channel, account, read).await?)
            }
            Err(ReadError::Api(ApiError::Paused { reason, retry_after })) => {
                let trouble = Trouble::new(TroubleSource::Pause, reason);
                if connection.is_some_and(|connection| connection.trouble.as_ref() != Some(&trouble)) {
                    tracing::warn!(channel, account, reason = %trouble.words, "the platform keeps an account closed");
                    self.0.connections.set_problem(channel, account, Some(trouble)).await?;
                }
                let due_at = now_ms + i64::try_from(retry_after.as_millis()).unwrap_or(i64::MAX / 2);
                self.wait(channel, account, read, due_at, Some("paused by the platform")).await
            }
            Err(ReadError::NotYet { again_in }) => {
                let due_at = now_ms + i64::try_from(again_in.as_millis()).unwrap_or(i64::MAX / 2);
                self.wait(channel, account, read, due_at, None).await
            }
            Err(ReadError::Api(error @ ApiError::RateLimited { retry_after })) => {
                self.tell(connection, read, Status::Connected, reader.explain(&error)).await?;
                let due_at = now_ms + i64::try_from(retry_after.as_millis()).unwrap_or(i64::MAX / 2);
                self.wait(channel, account, read, due_at, Some("rate limited")).await
            }
            Err(error) => {
                tracing::warn!(%error, channel, account, attempts = read.attempts + 1, "an account could not be read");
                if let ReadError::Api(cause) = &error
                    && read.attempts + 1 >= TELL_AFTER
                {
                    // Trouble of the platform's own passes; an answer that stays the same does not.
                    let status = if error.is_final() { Status::Incomplete } else { Status::Connected };
                    self.tell(connection, read, status, reader.explain(cause)).await?;
                }
                self.fail(channel, account, read, &error.to_string(), error.is_final()).await
            }
        }
    }

    /// The platform has answered: if the account was closed, it is open again. What else is wrong with it, and what was
    /// missed, is found out anew.
    async fn end_pause(&self, channel: &str, account: &str) -> anyhow::Result<()> {
        let connection = self.0.connections.find(channel, account).await?;
        if !connection.is_some_and(|one| one.is_troubled_by(TroubleSource::Pause)) {
            return Ok(());
        }
        tracing::info!(channel, account, "the account is open again");
        self.0.connections.set_problem(channel, account, None).await?;
        for request in [ReadRequest::HourlyCheck, ReadRequest::Everything] {
            let now_ms = self.0.journal.clock().now_ms();
            self.0.journal.request_read(channel, account, request, now_ms).await?;
        }
        Ok(())
    }

    /// Lets the merchant know why a read is not complete, until one is. What a login or a look at the account found wrong
    /// is said in its own words, and only they can mend it.
    async fn tell(
        &self,
        connection: Option<Connection>,
        read: &DueRead,
        status: Status,
        sentence: Sentence,
    ) -> anyhow::Result<()> {
        let Some(connection) = connection.filter(|_| !read.request.is_housekeeping()) else { return Ok(()) };
        let has_other_words = connection.trouble.as_ref().is_some_and(|one| one.source != TroubleSource::Read);
        if has_other_words || (status == Status::Connected && connection.status != Status::Connected) {
            return Ok(());
        }
        let trouble = Trouble::new(TroubleSource::Read, sentence);
        if (connection.status, connection.trouble.as_ref()) != (status, Some(&trouble)) {
            self.0.connections.set_status(&connection.channel, &connection.account, status, Some(trouble)).await?;
        }
        Ok(())
    }

    /// Counts a failed attempt. `is_final`: it is given up after some more; otherwise it goes on for ever, because a
    /// platform that is down comes back, however long it takes.
    async fn fail(
        &self,
        channel: &str,
        account: &str,
        read: &DueRead,
        reason: &str,
        is_final: bool,
    ) -> anyhow::Result<()> {
        let attempts = read.attempts + 1;
        let due_at = self.0.journal.clock().now_ms() + PAUSES.after_ms(attempts + 4);
        let reason = Some(reason.to_owned());
        let next = NextTry { attempts, due_at, reason, is_given_up: is_final && attempts >= MAX_ATTEMPTS };
        Ok(self.0.journal.put_off_read(channel, account, read, next).await?)
    }

    /// A request is carried out later, though nothing failed.
    async fn wait(
        &self,
        channel: &str,
        account: &str,
        read: &DueRead,
        due_at: i64,
        reason: Option<&str>,
    ) -> anyhow::Result<()> {
        let next = NextTry { attempts: read.attempts, due_at, reason: reason.map(str::to_owned), is_given_up: false };
        Ok(self.0.journal.put_off_read(channel, account, read, next).await?)
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
