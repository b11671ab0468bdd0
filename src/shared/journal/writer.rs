//! The one thread that writes: it takes whatever waits, writes one transaction, then wakes all who wait (group commit).
//!
//! An fsync costs milliseconds on real disks; a hundred deliveries share it. Nothing else in the process writes to
//! `journal.db`, so a write never waits for a lock.

use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi, params};
use tokio::sync::{mpsc, oneshot, watch};

use super::acknowledged::{Acknowledged, count_commit};
use super::arrivals::Arrived;
use super::checkpoint::{self, Checkpoints};
use super::connected_accounts::{ConnectedAccounts, NOT_CONNECTED};
use super::error::JournalError;
use super::event::{DedupeKey, Effect, EffectColumns, Event, Source};
use super::feed_news::{self, FeedNews};
use super::health::Health;
use super::person_names::{self, AlsoKnown, Knowing};
use super::sent_parts;
use super::tombstones::{self, Unsendings};
use crate::shared::clock::Clock;
use crate::shared::database::known_file::KnownFile;
use crate::shared::database::sqlite;
use crate::shared::telemetry::metrics::WriterMetrics;
use crate::shared::telemetry::once_per_second::OncePerSecond;

/// How many requests one transaction takes at most. Bounds the time for which the first of them waits.
const MAX_BATCH: usize = 512;

/// How much of the database the writer keeps in memory. Keys are spread over their whole index, so with the default of
/// 2 MB nearly every event reads a page again.
const CACHE_KIB: i64 = 8 * 1024;

/// What an append did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appended {
    /// How many events were not known before.
    pub new: usize,
    /// How many were known already and changed nothing.
    pub repeated: usize,
    /// The number of the last one that was not known before.
    pub last_seq: Option<i64>,
}

/// What is sent to a job's owner once it is known whether the transaction was committed.
pub(super) type Completion = Box<dyn FnOnce(Result<(), JournalError>) + Send>;

/// A write that is not an append: the effect, and who is to be told. An error undoes this job alone. Without a connection
/// nothing is done: the transaction has failed already.
pub(super) type Job = Box<dyn FnOnce(Option<&Connection>) -> (bool, Completion) + Send>;

/// As [`Job`], for what is written because of appended events: it also learns which of them are new.
pub(super) type AppendedJob = Box<dyn FnOnce(Option<(&Connection, &[bool])>) -> (bool, Completion) + Send>;

/// How traces of deleted rows are removed.
pub(super) enum Scrub {
    /// The database is written anew: where SQLite moved rows between pages, the old places still hold them.
    Rewrite,
    /// The log is moved into the database and cut to nothing.
    EmptyLog,
}

pub(super) enum Request {
    Append {
        events: Vec<Event>,
        names: Vec<AlsoKnown>,
        reply: oneshot::Sender<Result<Appended, JournalError>>,
    },
    AppendAnd {
        events: Vec<Event>,
        and: AppendedJob,
    },
    Write(Job),
    /// As `Write`; whoever waits blocks a thread, and is told by the writer itself.
    WriteForThread(Job),
    /// Removes the traces of what was deleted.
    Scrub(Scrub, oneshot::Sender<Result<(), JournalError>>),
    Close,
}

pub(super) struct Writer {
    pub connection: Connection,
    pub file: KnownFile,
    /// A write failed on the connection, which may hold pages that the disk does not: it is not used again.
    pub must_reopen: bool,
    pub acknowledged: Acknowledged,
    pub requests: mpsc::Receiver<Request>,
    pub accounts: ConnectedAccounts,
    pub unsendings: Unsendings,
    pub clock: Clock,
    pub last_seq: watch::Sender<i64>,
    pub feed_news: FeedNews,
    pub checkpoints: Checkpoints,
    pub messages: mpsc::UnboundedSender<Message>,
    /// Threads that wait for the transaction under way.
    pub threads: Vec<Completion>,
    pub metrics: WriterMetrics,
    pub health: Health,
    /// That nothing could be written: who sends more causes more of these lines.
    pub said: OncePerSecond,
    /// Something that writing needs has died, so this thread ends too: that is noticed, and the process with it ends.
    pub is_broken: bool,
    /// The hour of the last delivery, in hours since 1970.
    pub last_hour: i64,
}

/// A batch that is over: whom to tell, and what.
pub(super) struct Message {
    completions: Vec<Completion>,
    told: Result<(), JournalError>,
}

/// Tells those who wait. A task of the runtime does this and not the writer: waking a hundred tasks from inside costs far
/// less than waking each of them from another thread, and the writer goes on with the next batch meanwhile.
pub(super) async fn tell(mut messages: mpsc::UnboundedReceiver<Message>) {
    while let Some(Message { completions, told }) = messages.recv().await {
        for completion in completions {
            completion(told.clone());
        }
    }
}

/// The settings of the writer's connection. Its log is moved into the database by [`Checkpoints`], not in the middle of a
/// commit for which a platform waits.
pub(super) fn configure(connection: &Connection) -> anyhow::Result<()> {
    sqlite::configure(connection)?;
    checkpoint::watch(connection);
    feed_news::note_changes(connection)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // What undoes a single job: in a file it costs as much as the log itself.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

impl Writer {
    /// Runs until it is closed, or cannot go on. What was accepted before is still written when it is closed.
    pub fn run(mut self) {
        let mut batch = Vec::new();
        while !self.is_broken
            && let Some(first) = self.requests.blocking_recv()
        {
            batch.push(first);
            while batch.len() < MAX_BATCH
                && let Ok(next) = self.requests.try_recv()
            {
                batch.push(next);
            }
            self.write(std::mem::take(&mut batch));
        }
        self.checkpoints.stop();
        // A checkpoint here makes the next start quick; the data is safe in the log without it, unless that was taken away.
        let connection = self.reopen_if_needed().map(|()| &self.connection);
        if let Err(error) = connection.and_then(|open| open.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")) {
            tracing::warn!(%error, "the journal was not checkpointed at the end");
        }
    }

    fn write(&mut self, batch: Vec<Request>) {
        let mut completions: Vec<Completion> = Vec::with_capacity(batch.len());
        let (mut last_seq, mut commit) = (None, None);
        let (scrubs, batch): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|request| matches!(request, Request::Scrub(..)));
        let (begun, requests) = (Instant::now(), batch.len());
        let outcome = self.transaction(batch, &mut completions, (&mut last_seq, &mut commit));
        let took = begun.elapsed();
        self.metrics.commit_time.observe(took);
        self.metrics.batch.observe(requests);
        self.health.note(&outcome, took);
        if let Err(error) = &outcome {
            self.metrics.failures.inc();
            if let Some(unsaid) = self.said.should_log() {
                tracing::error!(%error, unsaid, "the journal could not be written; whoever waited is told to come again");
            }
            feed_news::forget_changes();
            // Where the file is not there, nothing was tried on the connection.
            self.must_reopen |= !matches!(error, rusqlite::Error::InvalidPath(_));
        }
        let told = outcome.map_err(|error| JournalError::Storage(error.to_string()));
        let is_good = told.is_ok();
        for completion in self.threads.drain(..) {
            completion(told.clone());
        }
        if is_good {
            self.acknowledged.note(last_seq, commit);
        }
        if self.messages.send(Message { completions, told }).is_err() {
            // The runtime is gone and with it all who wait, or nobody can be told any more.
            self.is_broken = true;
        }
        if is_good {
            self.feed_news.tell(&self.connection);
            if let Some(seq) = last_seq {
                self.last_seq.send_replace(seq);
            }
            self.checkpoints.after_commit(&self.connection);
        }
        if self.checkpoints.is_dead() {
            tracing::error!("the thread that copies the journal's log has died");
            self.is_broken = true;
        }
        for request in scrubs {
            if let Request::Scrub(step, reply) = request {
                // Who asked may be gone; the next one asks again.
                let _ = reply.send(self.scrub(step));
            }
        }
    }

    fn scrub(&mut self, step: Scrub) -> Result<(), JournalError> {
        self.ensure_usable()?;
        match step {
            // The new database is made beside the old one: in a file, because it may be larger than memory.
            Scrub::Rewrite => {
                let rewrite = "PRAGMA temp_store = FILE; VACUUM; PRAGMA temp_store = MEMORY";
                Ok(self.connection.execute_batch(rewrite)?)
            }
            Scrub::EmptyLog => {
                // Nobody's delivery waits for a reader.
                self.connection.busy_timeout(Duration::ZERO)?;
                let emptied = sqlite::empty_log(&self.connection);
                self.connection.busy_timeout(sqlite::BUSY_TIMEOUT)?;
                if emptied? { Ok(()) } else { Err(JournalError::Busy) }
            }
        }
    }

    /// One transaction for the whole batch. Every request leaves a completion behind, also when a statement fails.
    fn transaction(
        &mut self,
        batch: Vec<Request>,
        completions: &mut Vec<Completion>,
        (last_seq, commit): (&mut Option<i64>, &mut Option<i64>),
    ) -> rusqlite::Result<()> {
        let now_ms = self.clock.now_ms();
        let mut arrived = Arrived::default();
        let usable = self.ensure_usable();
        let run = |sql: &str| self.connection.prepare_cached(sql)?.execute([]).map(drop);
        let (mut closed, before) = (false, self.connection.total_changes());
        let mut failed = usable.and_then(|()| run("BEGIN IMMEDIATE")).err();
        // Unknown until the first append, and again after each job: it may have been the one that deletes.
        let mut any_pruned = None;
        for request in batch {
            match request {
                Request::Append { events, names, reply } => {
                    let mut appended = Appended::default();
                    if failed.is_none() {
                        match self.append((&events, &names), now_ms, &mut any_pruned, last_seq) {
                            Ok(new) => {
                                arrived.count(&events, &new);
                                appended.new = new.iter().filter(|new| **new).count();
                                appended.repeated = new.len() - appended.new;
                                appended.last_seq = last_seq.filter(|_| appended.new > 0);
                            }
                            Err(error) => failed = Some(error),
                        }
                    }
                    completions.push(Box::new(move |outcome| drop(reply.send(outcome.map(|()| appended)))));
                }
                Request::Close | Request::Scrub(..) => closed |= matches!(request, Request::Close),
                Request::Write(_) | Request::WriteForThread(_) => {
                    let (job, waiting) = match request {
                        Request::WriteForThread(job) => (job, &mut self.threads),
                        Request::Write(job) => (job, &mut *completions),
                        _ => continue,
                    };
                    if failed.is_none() {
                        failed = run("SAVEPOINT job").err();
                    }
                    // After a failure there is no transaction, and what a job did would stay.
                    let (good, completion) = job(failed.is_none().then_some(&self.connection));
                    waiting.push(completion);
                    failed = failed.or_else(|| end_job(good, run));
                    any_pruned = None;
                }
                Request::AppendAnd { events, and } => {
                    if failed.is_none() {
                        failed = run("SAVEPOINT job").err();
                    }
                    let mut newest = *last_seq;
                    let new = match &failed {
                        None => self.append((&events, &[]), now_ms, &mut any_pruned, &mut newest),
                        Some(_) => Ok(Vec::new()),
                    };
                    let new = new.unwrap_or_else(|error| {
                        failed = Some(error);
                        Vec::new()
                    });
                    let (good, completion) = and(failed.is_none().then_some((&self.connection, &new)));
                    completions.push(completion);
                    failed = failed.or_else(|| end_job(good, run));
                    any_pruned = None;
                    if good && failed.is_none() {
                        arrived.count(&events, &new);
                        *last_seq = newest;
                    }
                }
            }
        }
        if failed.is_none() {
            failed = arrived.store(&self.connection, now_ms, &mut self.last_hour).err();
        }
        // Events are counted by their own numbers, so that no delivery pays for this; and what changes nothing stays so.
        if failed.is_none() && last_seq.is_none() && self.connection.total_changes() != before {
            match count_commit(&self.connection) {
                Ok(counted) => *commit = Some(counted),
                Err(error) => failed = Some(error),
            }
        }
        let outcome = match failed {
            None => run("COMMIT"),
            Some(error) => Err(error),
        };
        if outcome.is_err() {
            // Fails where the transaction is gone already; reopening clears the rest.
            let _ = run("ROLLBACK");
        }
        if closed {
            self.requests.close();
        }
        outcome
    }

    /// Inserts what is not known yet, and tells of each event whether it was new.
    fn append(
        &self,
        (events, names): (&[Event], &[AlsoKnown]),
        now_ms: i64,
        any_pruned: &mut Option<bool>,
        last_seq: &mut Option<i64>,
    ) -> rusqlite::Result<Vec<bool>> {
        let any_pruned = match *any_pruned {
            Some(known) => known,
            None => *any_pruned.insert(self.any_pruned()?),
        };
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO events (dedupe, channel, account, kind, conversation, opens, reread, occurred_at, received_at,
                                 source, apart, payload, name, entry)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (dedupe) DO NOTHING",
        )?;
        let mut new = Vec::with_capacity(events.len());
        let mut any_unsent = tombstones::any(&self.connection)?;
        let mut any_named = person_names::any(&self.connection)?;
        for (index, event) in events.iter().enumerate() {
            if any_pruned && self.was_pruned(event)? {
                new.push(false);
                continue;
            }
            let EffectColumns { conversation, opens, reread, mut set_aside, is_entry } = event.effect.columns();
            let said_as = conversation.unwrap_or_default();
            let named = match conversation.filter(|_| any_named) {
                Some(person) => person_names::find(&self.connection, event.channel, &event.account, person)?,
                None => None,
            };
            let conversation = named.as_deref().or(conversation);
            let own_names = || names.iter().filter(|name| name.event == index);
            let sent_to = sent_parts::find(&self.connection, event, own_names(), conversation)?;
            if sent_to.is_some() {
                set_aside = None;
            }
            let conversation = sent_to.as_deref().or(conversation);
            if set_aside.is_none() && !self.accounts.contains(event.channel, &event.account) {
                set_aside = Some(NOT_CONNECTED);
            }
            let tombstone = match any_unsent {
                true => tombstones::payload_of(&self.connection, &self.unsendings, event, conversation)?,
                false => None,
            };
            let inserted = insert.execute(params![
                event.key.as_bytes(),
                event.channel,
                event.account,
                event.kind,
                conversation,
                opens,
                reread,
                event.occurred_at.unwrap_or(now_ms),
                now_ms,
                event.source.as_str(),
                set_aside,
                tombstone.as_ref().unwrap_or(&event.payload),
                event.name.as_ref().map(DedupeKey::as_bytes),
                is_entry
            ])?;
            new.push(inserted == 1);
            if inserted == 1 {
                let seq = self.connection.last_insert_rowid();
                *last_seq = Some(seq);
                if let (Effect::Unsend { keys, .. }, Some(person)) = (&event.effect, conversation) {
                    tombstones::take_back(&self.connection, &self.unsendings, event, person, keys)?;
                    any_unsent = true;
                }
                let (person, at) = (conversation.unwrap_or_default(), event.occurred_at.unwrap_or(now_ms));
                // Names that come with a report are those of whomever the platform names in it, which may be somebody else.
                for name in own_names().filter(|_| sent_to.is_none() && !person.is_empty()) {
                    // Of accounts that nobody has connected nothing is listed.
                    if set_aside.is_some() && name.how == Knowing::Called {
                        continue;
                    }
                    let of = (event.channel, event.account.as_str());
                    person_names::learn(&self.connection, of, (said_as, person), name, at)?;
                    any_named |= name.how != Knowing::Called;
                }
            }
        }
        Ok(new)
    }

    /// Whether any events were deleted.
    fn any_pruned(&self) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached("SELECT 1 WHERE EXISTS (SELECT 1 FROM pruned_keys) OR EXISTS (SELECT 1 FROM erased_keys)")?
            .exists([])
    }

    /// Whether this event was here once, and was deleted by age or on request. What was erased with its account comes back
    /// only where the platform shows it again to who has connected the account anew: a delivery may be a captured one.
    fn was_pruned(&self, event: &Event) -> rusqlite::Result<bool> {
        let is_asked_for = matches!(event.source, Source::Poll | Source::Import | Source::Local)
            && self.accounts.contains(event.channel, &event.account);
        let mut find = self.connection.prepare_cached(
            "SELECT 1 FROM pruned_keys WHERE dedupe = ?1
             UNION ALL SELECT 1 FROM erased_keys WHERE dedupe = ?1 AND NOT ?2",
        )?;
        find.exists(params![event.key.as_bytes(), is_asked_for])
    }

    /// Makes sure that what is written is written to the journal that was opened, on a connection on which nothing failed.
    fn ensure_usable(&mut self) -> rusqlite::Result<()> {
        self.file.ensure_is_there()?;
        self.reopen_if_needed()
    }

    fn reopen_if_needed(&mut self) -> rusqlite::Result<()> {
        if self.must_reopen {
            let connection = self.file.open()?;
            configure(&connection).map_err(|error| match error.downcast::<rusqlite::Error>() {
                Ok(error) => error,
                Err(error) => {
                    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR), Some(error.to_string()))
                }
            })?;
            self.connection = connection;
            self.must_reopen = false;
        }
        Ok(())
    }
}

/// Keeps or undoes what a job did. Gives back what went wrong with that.
fn end_job(good: bool, run: impl Fn(&str) -> rusqlite::Result<()>) -> Option<rusqlite::Error> {
    let undone = if good { Ok(()) } else { run("ROLLBACK TO job") };
    undone.and_then(|()| run("RELEASE job")).err()
}
