//! Carries out what [`crate::shared::erasure`] was asked for: small steps in the journal, the files and the tables, beside everything else.
//!
//! Deleting rows does not reach that alone: `secure_delete` makes deleted cells and freed pages zeros, but where SQLite
//! had moved rows between pages, the old places keep copies. So at the end the journal is written anew (`VACUUM`), once
//! for all requests that have come so far. Meanwhile nothing can be committed. A journal of up to 64 MiB takes less than
//! a second, and is written anew at once. A larger one takes 6 to 15 s per GiB, and twice its size of free disk; it waits
//! for ten seconds in which no event came, for half a day at most. Deliveries that come while it is written wait, and where
//! it takes longer than they may they are answered 503, which platforms repeat. Until then the request is under way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;

use super::Worker;
use super::conversations::Conversations;
use super::object_copies::{Held, ObjectCopies, ensure_no_objects};
use super::reads::Refresh;
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::BoxFuture;
use crate::shared::erasure::Scope;
use crate::shared::files::output::{Output, RelativePath};
use crate::shared::journal::{Conversation, Erased};
use crate::shared::retry::Doubling;
use crate::shared::store::erasures::{Open, Wanted};
use crate::shared::store::uploads::Uploads;
use crate::shared::store::{ApiKeys, Erasures, handover_alert};
use crate::shared::under_way::Reads;

/// The pauses between the tries at one request, which is due within a day.
const PAUSES: Doubling = Doubling::new(Duration::from_millis(500), Duration::from_secs(10 * 60));

/// Up to this size the journal is written anew at once.
const SMALL_BYTES: i64 = 64 * 1024 * 1024;

/// A larger one when no event has come for this long…
const QUIET_MS: i64 = 10_000;

/// … or when somebody has waited for this long.
const LONGEST_WAIT_MS: i64 = 12 * 60 * 60 * 1000;

/// Somebody is told of a request that is not done this long after it came.
const LATE_MS: i64 = 20 * 60 * 60 * 1000;

/// Carries requests out.
pub struct Eraser {
    shared: Shared,
    erasures: Erasures,
    api_keys: ApiKeys,
    uploads: Uploads,
    reads: Reads,
    conversations: Arc<Conversations>,
    refresh: Refresh,
    copies: Option<ObjectCopies>,
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
    /// Carries out the requests of this table, and holds off these reads and workers meanwhile, so that they write nothing
    /// back.
    #[must_use]
    pub fn new(
        shared: Shared,
        erasures: Erasures,
        (api_keys, uploads): (ApiKeys, Uploads),
        reads: Reads,
        conversations: Arc<Conversations>,
        refresh: Refresh,
        copies: Option<ObjectCopies>,
    ) -> Self {
        Self { shared, erasures, api_keys, uploads, reads, conversations, refresh, copies, last: Mutex::default() }
    }

    /// Carries out what is due. Gives back whether there was anything to do. A request that cannot be carried out is
    /// tried again later, and raises an alert until it is done.
    ///
    /// # Errors
    /// When the table of requests cannot be read.
    async fn run_due(&self) -> anyhow::Result<bool> {
        let emptied = self.conversations.empty_log().await?;
        if !self.shared.erasure.take_pending() {
            return Ok(emptied);
        }
        let outcome = self.run_all().await;
        if !matches!(outcome, Ok((_, true))) {
            self.shared.erasure.set_pending();
        }
        self.shared.erasure.wake_waiting();
        outcome.map(|(worked, _)| worked || emptied)
    }

    /// Whether anything was done, and whether nothing is left.
    async fn run_all(&self) -> anyhow::Result<(bool, bool)> {
        let (mut worked, mut is_done) = (false, true);
        for wanted in self.erasures.list_wanted().await? {
            if wanted.next_at > self.shared.clock.now_ms() {
                is_done = false;
                continue;
            }
            worked = true;
            if let Err(error) = self.carry_out(&wanted).await {
                is_done = false;
                self.note_failure(&wanted, &error).await;
            }
        }
        let open = self.erasures.list_open().await?;
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
                    self.shared.alerts.raise(&alert_of(code), FAILED);
                }
                let mut last = self.last();
                last.failures = last.failures.saturating_add(1);
                last.next_at = self.shared.clock.now_ms() + PAUSES.after_ms(last.failures.into());
                is_done = false;
            }
        }
        Ok((true, is_done))
    }

    /// Removes what the databases still hold of requests that were carried out, the receipts' own included.
    async fn scrub(&self, codes: Vec<String>) -> anyhow::Result<()> {
        self.shared.journal.scrub().await?;
        self.shared.products.scrub().await.context("traces in the search index cannot be removed")?;
        self.erasures.scrub().await?;
        self.erasures.set_done(codes.clone(), self.shared.clock.now_ms()).await?;
        for code in codes {
            self.shared.alerts.heal(&alert_of(&code));
            self.shared.alerts.heal(&late_alert_of(&code));
            tracing::info!(code, "an erasure is done");
        }
        Ok(())
    }

    /// Whether the journal may be written anew now.
    async fn is_time_to_scrub(&self, requested_at: i64) -> anyhow::Result<bool> {
        let now_ms = self.shared.clock.now_ms();
        let newest = *self.shared.journal.watch().borrow();
        let is_quiet = {
            let mut last = self.last();
            if last.next_at > now_ms {
                return Ok(false);
            }
            let since = last.event.filter(|(event, _)| *event == newest).map_or(now_ms, |(_, since)| since);
            last.event = Some((newest, since));
            now_ms - since >= QUIET_MS
        };
        Ok(is_quiet || now_ms - requested_at >= LONGEST_WAIT_MS || self.shared.journal.size().await? <= SMALL_BYTES)
    }

    fn note_late(&self, open: &[Open]) {
        let late = self.shared.clock.now_ms() - LATE_MS;
        for request in open.iter().filter(|request| request.requested_at <= late) {
            self.shared.alerts.raise(
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
        let scope = &wanted.scope;
        let (channel, account) = scope.account();
        let is_account = matches!(scope, Scope::Account { .. });
        if matches!(scope, Scope::Copies { .. }) {
            self.erase_objects(wanted).await?;
            return self.erasures.finish(wanted, Erased::default()).await;
        }
        let name = format!("erasure:{}:{}", wanted.code, wanted.id);
        // No read of the account from here to the end: it would write back what it had read before.
        let _no_read = self.reads.hold(channel, account).await;
        self.shared.progress.end(channel, account);
        // No upload either: what is cut here is deleted below.
        let held = match &self.copies {
            Some(copies) => Some((copies, copies.hold(channel, account).await)),
            None => None,
        };
        // What still lies under an older name of the person is found under theirs then.
        self.conversations.follow_moved_files().await?;
        // What is gone is counted at once: after a failure below, the next try finds it no more.
        let mut media = self.remove_media(scope).await.context("copies of attachments cannot be removed")?;
        media += self.uploads.erase(scope).await.context("uploaded media cannot be removed")?;
        self.count_files(wanted, media).await?;
        self.shared.journal.erase_events(scope, &name).await?;
        self.shared.journal.erase_rows(scope, &name).await?;
        let files = {
            // The consumers have seen the last of it, and stand still.
            let _no_files = self.conversations.pause().await;
            let _no_wishes = self.refresh.pause().await;
            let media = self.uploads.erase(scope).await.context("uploaded media cannot be removed")?;
            self.count_files(wanted, media).await?;
            self.shared.journal.erase_events(scope, &name).await?;
            self.shared.journal.erase_rows(scope, &name).await?;
            let (output, scope) = (self.shared.output.clone(), scope.clone());
            tokio::task::spawn_blocking(move || remove_files(&output, &scope)).await?
        };
        self.count_files(wanted, files.context("files cannot be removed")?).await?;
        if is_account {
            self.shared.products.forget_account(channel, account).await.context("the search index cannot forget")?;
            self.shared.sessions.scrub(account.to_owned()).await?;
            self.api_keys.forget_account(channel, account).await?;
            self.shared.erasure.forget_merchants_without_accounts().await?;
        }
        match &held {
            Some((copies, held)) => self.erase_copies(wanted, copies, held).await?,
            None => ensure_no_objects(&self.shared.journal, scope).await?,
        }
        if let Scope::Person { person, .. } = scope {
            let (channel, account, person) = (channel.to_owned(), account.to_owned(), person.clone());
            self.shared.alerts.heal(handover_alert(&Conversation { channel, account, person }));
        }
        self.shared.journal.forget_push_problems().await?;
        let erased = self.shared.journal.count_erased(&name).await?;
        self.erasures.finish(wanted, erased).await?;
        self.shared.journal.forget_erased(&name).await?;
        if is_account {
            let output = self.shared.output.clone();
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

    /// Deletes the copies of an account whose files stay.
    async fn erase_objects(&self, wanted: &Wanted) -> anyhow::Result<()> {
        let (channel, account) = wanted.scope.account();
        match &self.copies {
            Some(copies) => {
                let held = copies.hold(channel, account).await;
                self.erase_copies(wanted, copies, &held).await
            }
            None => ensure_no_objects(&self.shared.journal, &wanted.scope).await,
        }
    }

    /// Deletes objects, and counts those that are gone even where others are left.
    async fn erase_copies(&self, wanted: &Wanted, copies: &ObjectCopies, held: &Held) -> anyhow::Result<()> {
        let (objects, done) = copies.erase(&wanted.scope, held).await;
        if objects > 0 {
            self.erasures.count(wanted, Erased { objects, ..Erased::default() }).await?;
        }
        done.context("object storage still has copies")
    }

    async fn count_files(&self, wanted: &Wanted, files: i64) -> anyhow::Result<()> {
        match files {
            0 => Ok(()),
            files => self.erasures.count(wanted, Erased { files, ..Erased::default() }).await,
        }
    }

    /// Removes what only this person attached, while it is still known which files these are.
    async fn remove_media(&self, scope: &Scope) -> anyhow::Result<i64> {
        let Scope::Person { channel, account, person } = scope else { return Ok(0) };
        let files = self.shared.journal.list_files_only_of(channel, account, person).await?;
        for file in &files {
            let (output, path) = (self.shared.output.clone(), RelativePath::new(&[channel, account, "media", file])?);
            tokio::task::spawn_blocking(move || output.remove(&path)).await??;
        }
        Ok(i64::try_from(files.len()).unwrap_or(i64::MAX))
    }

    async fn note_failure(&self, wanted: &Wanted, error: &anyhow::Error) {
        tracing::error!(error = format!("{error:#}"), code = wanted.code, "an erasure failed; it is tried again");
        self.shared.alerts.raise(&alert_of(&wanted.code), FAILED);
        let pause = PAUSES.after_ms(wanted.attempts);
        if let Err(error) = self.erasures.put_off(wanted, self.shared.clock.now_ms() + pause).await {
            // It is tried again at once then, which is no worse.
            tracing::warn!(error = format!("{error:#}"), "the next try of an erasure could not be noted");
        }
    }
}

impl Worker for Eraser {
    fn name(&self) -> &'static str {
        "erasure"
    }

    fn when_failing(&self) -> &'static str {
        "Data that must be erased is not being erased: the table of requests cannot be read. Erasure is due within a day of \
         a request and goes on by itself; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(self.run_due())
    }
}

/// What somebody is told when an erasure fails.
const FAILED: &str = "Data that must be erased within a day of the request could not be erased yet. It is tried again by \
                      itself; look whether the disk is full or failing, and whether object storage answers.";

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
            Scope::Copies { .. } | Scope::Mentions { .. } => 0,
        };
    }
    Ok(i64::try_from(removed).unwrap_or(i64::MAX))
}
