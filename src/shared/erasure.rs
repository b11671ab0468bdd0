//! Disconnecting an account, and erasing what is known of an account or of one of its people.
//!
//! A request is a row before anything is done, so a kill at any instant costs nothing: the next start goes on. The work
//! itself is done in small steps beside everything else ([`Eraser`]). What is left is a receipt that names nobody.
//!
//! Erased means: no byte of it is found below the data and output folders any more. Keys of erased events are kept as
//! hashes, so that a body that was captured before brings nothing back.
//!
//! Deleting rows does not reach that alone: `secure_delete` makes deleted cells and freed pages zeros, but where SQLite
//! had moved rows between pages, the old places keep copies. So at the end the journal is written anew (`VACUUM`), once
//! for all requests that have come so far. Meanwhile nothing can be committed. A journal of up to 64 MiB takes less than
//! a second, and is written anew at once. A larger one takes 6 to 15 s per GiB, and twice its size of free disk; it waits
//! for ten seconds in which no event came, for half a day at most. Deliveries that come while it is written wait, and where
//! it takes longer than they may they are answered 503, which platforms repeat. Until then the request is under way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Notify;
use uuid::Uuid;

use super::clock::Clock;
use super::files::output::{Output, RelativePath};
use super::journal::{Account, DedupeKey, Erased, Journal};
use super::secrets::signature::to_hex;
use super::server::error::AppError;
use super::store::erasures::{Former, NewErasure, Open, Receipt, Wanted};
use super::store::{Connections, Erasures, Sessions};
use super::telemetry::alerts::Alerts;
use super::under_way::{Progress, Reads};
use crate::workers::conversations::Conversations;
use crate::workers::reads::Refresh;

pub use super::journal::Scope;

/// How long a login waits for an erasure of the same account that is under way.
const WAIT: Duration = Duration::from_secs(20);

/// The pause before the next try, in milliseconds: half a second, doubled each time, at most ten minutes. Erasure is due
/// within a day of the request.
const FIRST_PAUSE_MS: i64 = 500;
const LONGEST_PAUSE_MS: i64 = 10 * 60 * 1000;

/// Up to this size the journal is written anew at once.
const SMALL_BYTES: i64 = 64 * 1024 * 1024;

/// A larger one when no event has come for this long…
const QUIET_MS: i64 = 10_000;

/// … or when somebody has waited for this long.
const LONGEST_WAIT_MS: i64 = 12 * 60 * 60 * 1000;

/// Somebody is told of a request that is not done this long after it came.
const LATE_MS: i64 = 20 * 60 * 60 * 1000;

/// Takes requests. Cheap to clone.
#[derive(Clone)]
pub struct Erasure(Arc<Inner>);

struct Inner {
    erasures: Erasures,
    connections: Connections,
    sessions: Sessions,
    journal: Journal,
    reads: Reads,
    progress: Progress,
    alerts: Alerts,
    clock: Clock,
    /// Whether there may be something to be done.
    pending: AtomicBool,
    finished: Notify,
}

impl Erasure {
    /// Requests are kept in this table and concern these.
    #[allow(clippy::too_many_arguments, reason = "one place makes it, of everything that may hold data")]
    #[must_use]
    pub fn new(
        erasures: Erasures,
        connections: Connections,
        sessions: Sessions,
        journal: Journal,
        reads: Reads,
        progress: Progress,
        alerts: Alerts,
        clock: Clock,
    ) -> Self {
        let (pending, finished) = (AtomicBool::new(true), Notify::new());
        Self(Arc::new(Inner {
            erasures,
            connections,
            sessions,
            journal,
            reads,
            progress,
            alerts,
            clock,
            pending,
            finished,
        }))
    }

    /// Disconnects an account: its tokens are erased and reading stops at once, and its merchant's sessions end if it was
    /// the last connection. Conversations and files stay, and so does the knowledge whose they are. Gives back whether
    /// it was connected. Its webhook subscriptions are the caller's matter, before this: they need the token.
    ///
    /// May be called by a read of the same account, which is cut by it.
    ///
    /// # Errors
    /// When the database fails; the account may then still be connected.
    pub async fn disconnect(&self, channel: &str, account: &str, cause: &'static str) -> anyhow::Result<bool> {
        let now_ms = self.0.clock.now_ms();
        let merchant = self.0.erasures.disconnect(channel, account, cause, now_ms).await?;
        tracing::info!(channel, account, cause, "an account was disconnected");
        self.let_go(channel, account, merchant).await?;
        Ok(merchant.is_some())
    }

    /// Disconnects accounts because somebody asked for it by a request that has a receipt, and gives its code. `request`
    /// as in [`Erasure::request`].
    ///
    /// # Errors
    /// When the database fails; some of the accounts may then still be connected.
    pub async fn disconnect_all(
        &self,
        accounts: Vec<Account>,
        cause: &'static str,
        request: Option<&[u8]>,
    ) -> anyhow::Result<String> {
        let request = request.map(|request| hash(cause, request));
        if let Some(request) = request
            && let Some(code) = self.0.erasures.find_code(request).await?
        {
            return Ok(code);
        }
        let mut count = 0;
        for (channel, account) in &accounts {
            count += i64::from(self.disconnect(channel, account, cause).await?);
        }
        let new = NewErasure { code: random_code()?, scopes: Vec::new(), disconnected: count, cause, request };
        Ok(self.0.erasures.insert(new, self.0.clock.now_ms()).await?.0)
    }

    /// Asks for these to be erased and gives the code of the receipt. Connections that are named go at once, as in
    /// [`Erasure::disconnect`]; the rest follows within seconds, or as soon as the disk allows.
    ///
    /// `request` names what asks (the bytes of a signed request, the id of a delivery): the same again changes nothing and
    /// gets the same code. It is kept as a hash.
    ///
    /// # Errors
    /// When the database fails; then nothing was changed.
    pub async fn request(
        &self,
        scopes: Vec<Scope>,
        cause: &'static str,
        request: Option<&[u8]>,
    ) -> anyhow::Result<String> {
        let request = request.map(|request| hash(cause, request));
        let new = NewErasure { code: random_code()?, scopes: scopes.clone(), disconnected: 0, cause, request };
        let (code, merchants) = self.0.erasures.insert(new, self.0.clock.now_ms()).await?;
        tracing::info!(code, cause, scopes = scopes.len(), "an erasure was asked for");
        self.0.pending.store(true, Ordering::Release);
        for merchant in merchants {
            self.end_sessions(merchant).await?;
        }
        for scope in &scopes {
            if let Scope::Account { channel, account } = scope {
                self.let_go(channel, account, None).await?;
            }
        }
        Ok(code)
    }

    /// What became of a request.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn receipt(&self, code: &str) -> anyhow::Result<Option<Receipt>> {
        self.0.erasures.find_receipt(code).await
    }

    /// The newest receipts, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn receipts(&self, limit: u32) -> anyhow::Result<Vec<Receipt>> {
        self.0.erasures.list_receipts(limit).await
    }

    /// The accounts of a channel that this person of the platform connected, also those that are not connected any more
    /// and whose data is still there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts_of_user(&self, channel: &str, user: &str) -> anyhow::Result<Vec<String>> {
        self.0.erasures.list_of_user(channel, user).await
    }

    /// Whose an account was that is not connected any more, while its data is still there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn former(&self, channel: &str, account: &str) -> anyhow::Result<Option<Former>> {
        self.0.erasures.find_former(channel, account).await
    }

    /// The accounts that were this merchant's and are not connected any more, while their data is still there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn former_of(&self, merchant: Uuid) -> anyhow::Result<Vec<(Account, Former)>> {
        self.0.erasures.list_former_of(merchant).await
    }

    /// To be called by a login before it stores a connection: waits for an erasure of the account that is under way, so
    /// that it takes nothing of the new connection along.
    ///
    /// # Errors
    /// 503 when the erasure takes longer.
    pub async fn before_connecting(&self, channel: &str, account: &str) -> Result<(), AppError> {
        let wait = async {
            loop {
                let finished = self.0.finished.notified();
                if !self.0.erasures.is_wanted(channel, account).await? {
                    return Ok::<_, anyhow::Error>(());
                }
                finished.await;
            }
        };
        match tokio::time::timeout(WAIT, wait).await {
            Ok(waited) => Ok(waited?),
            Err(_) => Err(AppError::Unavailable(
                "What was known of this account is still being erased. Please connect it again in a few minutes.",
            )),
        }
    }

    /// Nothing is read of an account any more, and nobody stays signed in who has no connection left.
    async fn let_go(&self, channel: &str, account: &str, merchant: Option<Uuid>) -> anyhow::Result<()> {
        self.0.journal.disconnect_account(channel, account);
        self.0.progress.end(channel, account);
        let prefix = format!("{channel}:{account}:");
        for alert in self.0.alerts.list().iter().filter(|alert| alert.cause.starts_with(&prefix)) {
            self.0.alerts.heal(&alert.cause);
        }
        if let Some(merchant) = merchant {
            self.end_sessions(merchant).await?;
        }
        // Last, and without waiting: it may be this very read that is cut.
        self.0.reads.cut(channel, account);
        Ok(())
    }

    async fn end_sessions(&self, merchant: Uuid) -> anyhow::Result<()> {
        if self.0.connections.list_of(merchant).await?.is_empty() {
            let ended = self.0.sessions.delete_of(merchant).await?;
            tracing::info!(ended, "the sessions of a merchant without connections were ended");
        }
        Ok(())
    }
}

/// Carries requests out.
pub struct Eraser {
    erasure: Erasure,
    output: Output,
    conversations: Arc<Conversations>,
    refresh: Refresh,
    last: Mutex<Last>,
}

/// What was seen last, so that traces are removed at a good time.
#[derive(Default)]
struct Last {
    /// The newest event, and since when it is that.
    event: Option<(i64, i64)>,
    /// How often traces could not be removed, and when it is tried again.
    failures: u32,
    next_at: i64,
}

impl Eraser {
    /// Carries out these requests: in the journal, in these files, and against these consumers, which must not write
    /// anything back.
    #[must_use]
    pub fn new(erasure: Erasure, output: Output, conversations: Arc<Conversations>, refresh: Refresh) -> Self {
        Self { erasure, output, conversations, refresh, last: Mutex::default() }
    }

    /// Carries out what is due. Gives back whether there was anything to do. A request that cannot be carried out is
    /// tried again later, and raises an alert until it is done.
    ///
    /// # Errors
    /// When the table of requests cannot be read.
    pub async fn run_due(&self) -> anyhow::Result<bool> {
        let inner = &*self.erasure.0;
        let emptied = self.conversations.empty_log().await?;
        if !inner.pending.swap(false, Ordering::AcqRel) {
            return Ok(emptied);
        }
        let outcome = self.run_all().await;
        if !matches!(outcome, Ok((_, true))) {
            inner.pending.store(true, Ordering::Release);
        }
        inner.finished.notify_waiters();
        outcome.map(|(worked, _)| worked || emptied)
    }

    /// Whether anything was done, and whether nothing is left.
    async fn run_all(&self) -> anyhow::Result<(bool, bool)> {
        let inner = &*self.erasure.0;
        let (mut worked, mut is_done) = (false, true);
        for wanted in inner.erasures.list_wanted().await? {
            if wanted.next_at > inner.clock.now_ms() {
                is_done = false;
                continue;
            }
            worked = true;
            if let Err(error) = self.carry_out(&wanted).await {
                is_done = false;
                self.note_failure(&wanted, &error).await;
            }
        }
        let open = inner.erasures.list_open().await?;
        self.note_late(&open);
        let carried_out: Vec<_> = open.into_iter().filter(|open| open.is_carried_out).collect();
        let Some(oldest) = carried_out.first() else { return Ok((worked, is_done)) };
        if !self.is_time_to_scrub(oldest.requested_at).await? {
            return Ok((worked, false));
        }
        let codes: Vec<String> = carried_out.into_iter().map(|open| open.code).collect();
        match self.scrub(codes.clone()).await {
            Ok(()) => *self.last() = Last::default(),
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "traces of what was erased cannot be removed; it is tried again"
                );
                for code in &codes {
                    inner.alerts.raise(&alert_of(code), FAILED);
                }
                let mut last = self.last();
                last.failures = last.failures.saturating_add(1);
                last.next_at = inner.clock.now_ms() + pause_ms(last.failures.into());
                is_done = false;
            }
        }
        Ok((true, is_done))
    }

    /// Removes what the databases still hold of requests that were carried out, the receipts' own included.
    async fn scrub(&self, codes: Vec<String>) -> anyhow::Result<()> {
        let inner = &*self.erasure.0;
        inner.journal.scrub().await?;
        inner.erasures.scrub().await?;
        inner.erasures.set_done(codes.clone(), inner.clock.now_ms()).await?;
        for code in codes {
            inner.alerts.heal(&alert_of(&code));
            inner.alerts.heal(&late_alert_of(&code));
            tracing::info!(code, "an erasure is done");
        }
        Ok(())
    }

    /// Whether the journal may be written anew now.
    async fn is_time_to_scrub(&self, requested_at: i64) -> anyhow::Result<bool> {
        let inner = &*self.erasure.0;
        let now_ms = inner.clock.now_ms();
        let newest = *inner.journal.watch().borrow();
        let is_quiet = {
            let mut last = self.last();
            if last.next_at > now_ms {
                return Ok(false);
            }
            let since = last.event.filter(|(event, _)| *event == newest).map_or(now_ms, |(_, since)| since);
            last.event = Some((newest, since));
            now_ms - since >= QUIET_MS
        };
        Ok(is_quiet || now_ms - requested_at >= LONGEST_WAIT_MS || inner.journal.size().await? <= SMALL_BYTES)
    }

    fn note_late(&self, open: &[Open]) {
        let inner = &*self.erasure.0;
        let late = inner.clock.now_ms() - LATE_MS;
        for request in open.iter().filter(|request| request.requested_at <= late) {
            inner.alerts.raise(
                &late_alert_of(&request.code),
                "Data that must be erased within a day of the request is still there after 20 hours. Look at \
                 the log for what stands in the way, and whether the disk is full or failing.",
            );
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn carry_out(&self, wanted: &Wanted) -> anyhow::Result<()> {
        let inner = &*self.erasure.0;
        let scope = &wanted.scope;
        let (channel, account) = scope.account();
        let is_account = matches!(scope, Scope::Account { .. });
        let name = format!("erasure:{}:{}", wanted.code, wanted.id);
        // No read of the account from here to the end: it would write back what it had read before.
        let _no_read = inner.reads.hold(channel, account).await;
        inner.progress.end(channel, account);
        let media = self.remove_media(scope).await.context("copies of attachments cannot be removed")?;
        inner.journal.erase_events(scope, &name).await?;
        inner.journal.erase_rows(scope, &name).await?;
        let files = {
            // The consumers have seen the last of it, and stand still.
            let _no_files = self.conversations.pause().await;
            let _no_wishes = self.refresh.pause().await;
            inner.journal.erase_events(scope, &name).await?;
            inner.journal.erase_rows(scope, &name).await?;
            let (output, scope) = (self.output.clone(), scope.clone());
            tokio::task::spawn_blocking(move || remove_files(&output, &scope)).await?
        };
        let files = files.context("files cannot be removed")?;
        if is_account {
            inner.sessions.scrub(account.to_owned()).await?;
        }
        let erased = Erased { files: files + media, ..inner.journal.count_erased(&name).await? };
        inner.erasures.finish(wanted, erased).await?;
        inner.journal.forget_erased(&name).await?;
        if is_account {
            let output = self.output.clone();
            let (channel, account) = (channel.to_owned(), account.to_owned());
            tokio::task::spawn_blocking(move || {
                for folder in RelativePath::folders_of(&channel, &account) {
                    output.reopen(&folder);
                }
            })
            .await?;
        }
        Ok(())
    }

    /// Removes what only this person attached, while it is still known which files these are.
    async fn remove_media(&self, scope: &Scope) -> anyhow::Result<i64> {
        let Scope::Person { channel, account, person } = scope else { return Ok(0) };
        let files = self.erasure.0.journal.list_files_only_of(channel, account, person).await?;
        for file in &files {
            let (output, path) = (self.output.clone(), RelativePath::new(&[channel, account, "media", file])?);
            tokio::task::spawn_blocking(move || output.remove(&path)).await??;
        }
        Ok(i64::try_from(files.len()).unwrap_or(i64::MAX))
    }

    async fn note_failure(&self, wanted: &Wanted, error: &anyhow::Error) {
        let inner = &*self.erasure.0;
        tracing::error!(error = format!("{error:#}"), code = wanted.code, "an erasure failed; it is tried again");
        inner.alerts.raise(&alert_of(&wanted.code), FAILED);
        let pause = pause_ms(wanted.attempts);
        if let Err(error) = inner.erasures.put_off(wanted, inner.clock.now_ms() + pause).await {
            // It is tried again at once then, which is no worse.
            tracing::warn!(error = format!("{error:#}"), "the next try of an erasure could not be noted");
        }
    }
}

/// What somebody is told when an erasure fails.
const FAILED: &str = "Data that must be erased within a day of the request could not be erased yet. It is tried again by \
                      itself; look whether the disk is full or failing.";

/// The pause after so many failures.
fn pause_ms(failures: i64) -> i64 {
    FIRST_PAUSE_MS.saturating_mul(1 << failures.clamp(0, 20)).min(LONGEST_PAUSE_MS)
}

fn late_alert_of(code: &str) -> String {
    format!("erasure:{code}:late")
}

fn alert_of(code: &str) -> String {
    format!("erasure:{code}")
}

/// Removes the files of a scope, leftovers and what was moved aside included. Gives back how many there were.
fn remove_files(output: &Output, scope: &Scope) -> std::io::Result<i64> {
    let (channel, account) = scope.account();
    let mut removed = 0;
    for folder in RelativePath::folders_of(channel, account) {
        removed += match scope {
            Scope::Account { .. } => {
                output.close(&folder);
                output.remove_folder(&folder)?
            }
            Scope::Person { person, .. } => output.remove_files_of(&folder, person)?,
            Scope::Mentions { .. } => 0,
        };
    }
    Ok(i64::try_from(removed).unwrap_or(i64::MAX))
}

/// Names a request without telling what it said.
fn hash(cause: &str, request: &[u8]) -> [u8; 16] {
    *DedupeKey::new("erasure", cause, &[request]).as_bytes()
}

/// 128 random bits in hex.
fn random_code() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))?;
    Ok(to_hex(&bytes))
}
