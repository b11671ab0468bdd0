//! The one thread that writes: it takes whatever waits, writes one transaction, then wakes all who wait (group commit).
//!
//! An fsync costs milliseconds on real disks; a hundred deliveries share it. Nothing else in the process writes to
//! `journal.db`, so a write never waits for a lock.

use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};
use tokio::sync::{mpsc, oneshot, watch};

use super::acknowledged::{Acknowledged, count_commit};
use super::arrivals::Arrived;
use super::checkpoint::{self, Checkpoints};
use super::connected_accounts::ConnectedAccounts;
use super::error::JournalError;
use super::event::Event;
use super::feed_news::{self, FeedNews};
use super::health::Health;
use super::insertion::{Insertion, Seldom};
use super::person_names::AlsoKnown;
use super::tombstones::Unsendings;
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

/// What a transaction under way has come to.
#[derive(Default)]
struct Course {
    now_ms: i64,
    /// What went wrong: then nothing more is done, and nothing stays.
    failed: Option<rusqlite::Error>,
    /// What came, for counting.
    arrived: Arrived,
    /// Unknown until the first append, and again after each job: it may have been the one that deletes or names.
    seldom: Option<Seldom>,
    /// The number of the last event that was new.
    last_seq: Option<i64>,
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
                // The caller may be gone; the next request starts over.
                let _ = reply.send(self.scrub(step));
            }
        }
    }

    fn scrub(&mut self, step: Scrub) -> Result<(), JournalError> {
        self.ensure_usable()?;
        match step {
            // The new database is made beside the old one: in a file, because it may be larger than memory.
            Scrub::Rewrite => {
                self.connection.pragma_update(None, "temp_store", "FILE")?;
                let rewritten = self.connection.execute_batch("VACUUM");
                self.connection.pragma_update(None, "temp_store", "MEMORY")?;
                Ok(rewritten?)
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
        let usable = self.ensure_usable();
        let before = self.connection.total_changes();
        let mut course = Course { now_ms: self.clock.now_ms(), ..Course::default() };
        course.failed = usable.and_then(|()| run(&self.connection, "BEGIN IMMEDIATE")).err();
        let mut closed = false;
        for request in batch {
            match request {
                Request::Append { events, names, reply } => {
                    let appended = self.append(&mut course, &events, &names);
                    completions.push(Box::new(move |outcome| drop(reply.send(outcome.map(|()| appended)))));
                }
                Request::AppendAnd { events, and } => completions.push(self.append_and(&mut course, &events, and)),
                Request::Write(job) => completions.push(self.run_job(&mut course, job)),
                Request::WriteForThread(job) => {
                    let completion = self.run_job(&mut course, job);
                    self.threads.push(completion);
                }
                Request::Close => closed = true,
                Request::Scrub(..) => {}
            }
        }
        *last_seq = course.last_seq;
        let outcome = self.end(course, before, commit);
        if closed {
            self.requests.close();
        }
        outcome
    }

    /// Commits what was written, or takes all of it back.
    fn end(&mut self, course: Course, before: u64, commit: &mut Option<i64>) -> rusqlite::Result<()> {
        let Course { now_ms, arrived, mut failed, last_seq, .. } = course;
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
            None => run(&self.connection, "COMMIT"),
            Some(error) => Err(error),
        };
        if outcome.is_err() {
            // Fails where the transaction is gone already; reopening clears the rest.
            let _ = run(&self.connection, "ROLLBACK");
        }
        outcome
    }

    /// Appends events, and tells how many were new.
    fn append(&self, course: &mut Course, events: &[Event], names: &[AlsoKnown]) -> Appended {
        let mut newest = course.last_seq;
        let Some(new) = self.insert(course, events, names, &mut newest) else { return Appended::default() };
        course.last_seq = newest;
        course.arrived.count(events, &new);
        let count = new.iter().filter(|new| **new).count();
        Appended { new: count, repeated: new.len() - count, last_seq: newest.filter(|_| count > 0) }
    }

    /// Appends events together with what is written because of them. Both stay, or neither does.
    fn append_and(&self, course: &mut Course, events: &[Event], and: AppendedJob) -> Completion {
        self.begin_job(course);
        let mut newest = course.last_seq;
        let new = self.insert(course, events, &[], &mut newest).unwrap_or_default();
        let (good, completion) = and(course.failed.is_none().then_some((&self.connection, &new)));
        self.end_job(course, good);
        if good && course.failed.is_none() {
            course.arrived.count(events, &new);
            course.last_seq = newest;
        }
        completion
    }

    fn run_job(&self, course: &mut Course, job: Job) -> Completion {
        self.begin_job(course);
        // After a failure there is no transaction, and what a job did would stay.
        let (good, completion) = job(course.failed.is_none().then_some(&self.connection));
        self.end_job(course, good);
        completion
    }

    fn begin_job(&self, course: &mut Course) {
        if course.failed.is_none() {
            course.failed = run(&self.connection, "SAVEPOINT job").err();
        }
    }

    /// Keeps or undoes what a job did.
    fn end_job(&self, course: &mut Course, good: bool) {
        if course.failed.is_none() {
            let undone = if good { Ok(()) } else { run(&self.connection, "ROLLBACK TO job") };
            course.failed = undone.and_then(|()| run(&self.connection, "RELEASE job")).err();
        }
        course.seldom = None;
    }

    /// Inserts what is not known yet, and tells of each event whether it was new; `newest`: the number of the last one that
    /// was. `None`: the transaction has failed.
    fn insert(
        &self,
        course: &mut Course,
        events: &[Event],
        names: &[AlsoKnown],
        newest: &mut Option<i64>,
    ) -> Option<Vec<bool>> {
        if course.failed.is_some() {
            return None;
        }
        match self.try_insert(course, events, names, newest) {
            Ok(new) => Some(new),
            Err(error) => {
                course.failed = Some(error);
                None
            }
        }
    }

    fn try_insert(
        &self,
        course: &mut Course,
        events: &[Event],
        names: &[AlsoKnown],
        newest: &mut Option<i64>,
    ) -> rusqlite::Result<Vec<bool>> {
        let seldom = match &mut course.seldom {
            Some(known) => known,
            unknown => unknown.insert(Seldom::find(&self.connection)?),
        };
        let known = (&self.accounts, &self.unsendings);
        let mut insertion = Insertion::begin(&self.connection, known, course.now_ms, seldom);
        let mut new = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            let own_names: Vec<&AlsoKnown> = names.iter().filter(|name| name.event == index).collect();
            let seq = insertion.insert(event, &own_names)?;
            new.push(seq.is_some());
            *newest = seq.or(*newest);
        }
        Ok(new)
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

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
