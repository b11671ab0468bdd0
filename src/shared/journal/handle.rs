//! The journal as the rest of the program holds it: what is written goes through a queue to the one writer, what is read
//! runs on connections that only read.

use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError};

use anyhow::Context;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::acknowledged::{self, Acknowledged};
use super::changed_files::Pace;
use super::checkpoint::{self, Stuck};
use super::connected_accounts::ConnectedAccounts;
use super::conversation::Conversation;
use super::error::JournalError;
use super::event::Event;
use super::feed_news::FeedNews;
use super::health::Health;
use super::migrations::MIGRATIONS;
use super::person_names::AlsoKnown;
use super::positions::newest_seq;
use super::reader::JournalReader;
use super::readers::Readers;
use super::tombstones::{self, Unsending, Unsendings};
use super::writer::{self, Appended, Completion, Request, Writer};
use crate::shared::clock::Clock;
use crate::shared::database::known_file::KnownFile;
use crate::shared::database::sqlite;
use crate::shared::low_priority::LowPriorityThread;
use crate::shared::telemetry::alerts::Alerts;
use crate::shared::telemetry::metrics::WriterMetrics;
use crate::shared::telemetry::once_per_second::OncePerSecond;

/// How many requests may wait for the writer. Past that, intake answers 503 and the platform comes again.
const QUEUE: usize = 1024;

/// How long a thread waits while the writer's queue is full.
const FULL_PAUSE: std::time::Duration = std::time::Duration::from_millis(5);

/// The journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    requests: mpsc::Sender<Request>,
    readers: Arc<Readers>,
    accounts: ConnectedAccounts,
    unsendings: Unsendings,
    clock: Clock,
    last_seq: watch::Receiver<i64>,
    feed_news: FeedNews,
    followed: Arc<OnceLock<Pace>>,
    stuck: Stuck,
}

/// The writer's thread.
pub struct WriterHandle(std::thread::JoinHandle<()>);

impl WriterHandle {
    /// Waits until everything accepted is on disk and the thread has ended, after [`Journal::close`]. Blocks.
    pub fn finish(self) {
        if self.0.join().is_err() {
            tracing::error!("the journal's writer panicked");
        }
    }

    /// Whether the thread has ended. While the service runs that is a fault: nothing can be stored any more.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl Journal {
    /// Opens or creates the journal and starts its writer.
    ///
    /// # Errors
    /// When the database cannot be opened, is damaged, or its thread cannot be started.
    pub fn open(path: &Path, clock: Clock) -> anyhow::Result<(Self, WriterHandle)> {
        let alerts = Alerts::new(clock.clone());
        Self::open_watched(path, clock, WriterMetrics::default(), alerts)
    }

    /// As [`Journal::open`]; the writer counts its work here and says here when it cannot write.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_watched(
        path: &Path,
        clock: Clock,
        metrics: WriterMetrics,
        alerts: Alerts,
    ) -> anyhow::Result<(Self, WriterHandle)> {
        let connection = sqlite::open(path, MIGRATIONS)?;
        writer::configure(&connection)?;
        let last = newest_seq(&connection)?;
        let acknowledged = Acknowledged::open(path, (&connection, last), &alerts)
            .with_context(|| format!("{} cannot be used", acknowledged::path_of(path).display()))?;
        let (requests, receiver) = mpsc::channel(QUEUE);
        let (seq_sender, last_seq) = watch::channel(last);
        let (accounts, unsendings) = (ConnectedAccounts::default(), Unsendings::default());
        let feed_news = FeedNews::default();
        let file = KnownFile::of(path)?;
        let checkpoints = checkpoint::start(&file, alerts.clone())?;
        let stuck = checkpoints.stuck();
        let (messages, told) = mpsc::unbounded_channel();
        tokio::spawn(writer::tell(told));
        let writer = Writer {
            connection,
            file: file.clone(),
            must_reopen: false,
            acknowledged,
            requests: receiver,
            accounts: accounts.clone(),
            unsendings: Arc::clone(&unsendings),
            clock: clock.clone(),
            last_seq: seq_sender,
            feed_news: feed_news.clone(),
            checkpoints,
            messages,
            threads: Vec::new(),
            metrics,
            health: Health::new(alerts),
            said: OncePerSecond::new(),
            is_broken: false,
            last_hour: 0,
        };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run())?;
        let readers = Arc::new(Readers::of(file));
        let followed = Arc::default();
        Ok((
            Self { requests, readers, accounts, unsendings, clock, last_seq, feed_news, followed, stuck },
            WriterHandle(thread),
        ))
    }

    /// Commits these events, all or none, and tells how many were new.
    ///
    /// # Errors
    /// [`JournalError::Busy`] when the queue is full, [`JournalError::Storage`] when the commit failed. Then nothing
    /// was stored, and the caller must answer so that the platform sends it again.
    pub async fn append(&self, events: Vec<Event>) -> Result<Appended, JournalError> {
        self.append_known(events, Vec::new()).await
    }

    /// As [`Journal::append`]; where an event is new, its person is known by these names, too, from then on.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub async fn append_known(&self, events: Vec<Event>, names: Vec<AlsoKnown>) -> Result<Appended, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.requests.try_send(Request::Append { events, names, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => JournalError::Busy,
            mpsc::error::TrySendError::Closed(_) => JournalError::Closed,
        })?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    /// Runs `work` on the writer's connection as part of its next transaction. An error of `work` undoes its own
    /// changes only.
    ///
    /// # Errors
    /// What `work` returns, or that the commit failed.
    pub(in crate::shared) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(move |connection: Option<&Connection>| -> (bool, Completion) {
            answer_with(connection.map(work), reply)
        });
        self.requests.send(Request::Write(job)).await.map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    /// As [`Journal::write`], for a thread that may block. Needs no runtime: whoever blocks one of its threads by mistake
    /// still gets an answer.
    ///
    /// # Errors
    /// As [`Journal::write`].
    pub(in crate::shared) fn write_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        let job = Box::new(move |connection: Option<&Connection>| -> (bool, Completion) {
            let result = connection.map(work);
            let good = matches!(result, Some(Ok(_)));
            (good, Box::new(move |committed| drop(reply.send(outcome(committed, result)))))
        });
        let mut request = Request::WriteForThread(job);
        while let Err(error) = self.requests.try_send(request) {
            match error {
                mpsc::error::TrySendError::Full(waiting) => request = waiting,
                mpsc::error::TrySendError::Closed(_) => return Err(JournalError::Closed),
            }
            std::thread::sleep(FULL_PAUSE);
        }
        answer.recv().map_err(|_| JournalError::Closed)?
    }

    /// Runs SQL on the writer's own connection: for the test that looks at its settings.
    ///
    /// # Errors
    /// As [`Journal::write`].
    #[doc(hidden)]
    pub async fn with_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.write(work).await
    }

    /// Makes the writer's thread die.
    #[cfg(test)]
    pub(crate) async fn panic_in_writer(&self) -> Result<(), JournalError> {
        self.write(|_| panic!("a planned panic")).await
    }

    /// Makes the task die that tells those who wait.
    #[cfg(test)]
    pub(crate) async fn panic_when_told(&self) {
        let job = Box::new(|_: Option<&Connection>| -> (bool, Completion) {
            (true, Box::new(|_| panic!("a planned panic")))
        });
        assert!(self.requests.send(Request::Write(job)).await.is_ok());
        // It dies before what comes after this is told.
        let _ = self.write(|_| Ok(())).await;
    }

    /// Commits these events together with what `and` writes because of them, both or neither. `and` is told of each event
    /// whether it is new. Waits for a place in the queue.
    ///
    /// # Errors
    /// What `and` returns, or that the commit failed.
    pub(in crate::shared) async fn append_and<T: Send + 'static>(
        &self,
        events: Vec<Event>,
        and: impl FnOnce(&Connection, &[bool]) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        let and = Box::new(move |given: Option<(&Connection, &[bool])>| -> (bool, Completion) {
            let result = given.map(|(connection, new)| and(connection, new));
            answer_with(result, reply)
        });
        self.requests.send(Request::AppendAnd { events, and }).await.map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    /// Runs `work` on a connection that only reads, on a thread that may block.
    ///
    /// # Errors
    /// What `work` returns, or that no connection can be opened.
    pub(in crate::shared) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let place = Arc::clone(&self.readers).place().await;
        tokio::task::spawn_blocking(move || place.lend(work))
            .await
            .map_err(|error| JournalError::Storage(error.to_string()))?
    }

    /// Answers several questions, or a long one piece by piece, on a thread that may block.
    ///
    /// # Errors
    /// What `work` returns, or that no connection can be opened.
    pub async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&JournalReader<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || readers.lend(|connection| work(&JournalReader::new(connection))))
            .await
            .map_err(|error| JournalError::Storage(error.to_string()))?
    }

    /// As [`Journal::look`], on a thread that leaves the processor to others.
    ///
    /// # Errors
    /// As [`Journal::look`].
    pub async fn look_in_background<T: Send + 'static>(
        &self,
        background: &LowPriorityThread,
        work: impl FnOnce(&JournalReader<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let readers = Arc::clone(&self.readers);
        background
            .run(move || readers.lend(|connection| work(&JournalReader::new(connection))))
            .await
            .map_err(|error| JournalError::Storage(error.to_string()))?
    }

    /// From now on it is written down which files change, at this pace.
    pub(super) fn follow(&self, pace: Pace) {
        // Set once, where the service is wired.
        let _ = self.followed.set(pace);
    }

    /// At which pace files are copied; `None`: nobody follows them.
    pub(super) fn followed(&self) -> Option<Pace> {
        self.followed.get().copied()
    }

    /// The accounts whose events go to the consumers.
    pub(in crate::shared) fn connected_accounts(&self) -> &ConnectedAccounts {
        &self.accounts
    }

    /// Whether somebody has connected this account.
    #[must_use]
    pub fn is_connected(&self, channel: &str, account: &str) -> bool {
        self.connected_accounts().contains(channel, account)
    }

    /// From now on events of this account are set aside.
    pub fn disconnect_account(&self, channel: &str, account: &str) {
        self.accounts.remove(channel, account);
    }

    /// How messages of this channel are taken back. Without it their content stays.
    pub fn set_unsending(&self, channel: &'static str, unsending: Unsending) {
        self.unsendings.write().unwrap_or_else(PoisonError::into_inner).insert(channel, unsending);
    }

    /// How messages of this channel are taken back.
    pub(crate) fn unsending(&self, channel: &str) -> Option<Unsending> {
        tombstones::find(&self.unsendings, channel)
    }

    /// The event that an item of a conversation's file was when it came; `None` where that cannot be told.
    pub(crate) fn event_of(&self, conversation: &Conversation, item: &str) -> Option<Event> {
        let (channel, known) = tombstones::find_named(&self.unsendings, &conversation.channel)?;
        let event = Event { channel, ..(known.event_of)(&conversation.account, item)? };
        let is_of_it = event.effect.columns().conversation == Some(conversation.person.as_str());
        (is_of_it && event.account == conversation.account).then_some(event)
    }

    /// Writes something small, to know that it can be done: an empty transaction succeeds on a full disk, too.
    ///
    /// # Errors
    /// When the journal cannot be written, or its log not be moved into it.
    pub async fn probe(&self) -> Result<(), JournalError> {
        if self.stuck.is_stuck() {
            return Err(JournalError::Storage("the log cannot be moved into the database".to_owned()));
        }
        let now_ms = self.clock.now_ms();
        self.write(move |connection| {
            // Once a second at most, however often somebody asks.
            connection
                .prepare_cached(
                    "INSERT INTO cursors (name, value) VALUES ('probe', ?1)
                     ON CONFLICT DO UPDATE SET value = excluded.value
                     WHERE abs(CAST(value AS INTEGER) - CAST(excluded.value AS INTEGER)) >= 1000",
                )?
                .execute([now_ms.to_string()])
                .map(drop)
        })
        .await
    }

    /// How many requests wait for the writer at the moment.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        self.requests.max_capacity() - self.requests.capacity()
    }

    /// Tells when new events are there: the highest `seq` so far.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<i64> {
        self.last_seq.clone()
    }

    /// Tells when the feed of this merchant has grown.
    #[must_use]
    pub fn watch_feed(&self, merchant: Uuid) -> watch::Receiver<i64> {
        self.feed_news.watch(&merchant.to_string())
    }

    /// Tells when the feed of any merchant has grown.
    #[must_use]
    pub fn watch_feeds(&self) -> watch::Receiver<u64> {
        self.feed_news.watch_all()
    }

    /// Accepts nothing more; what was accepted is still written. Then the writer ends.
    pub async fn close(&self) {
        // Fails only when the writer has ended already.
        let _ = self.requests.send(Request::Close).await;
    }

    /// The database's file.
    pub(in crate::shared) fn file(&self) -> &KnownFile {
        self.readers.file()
    }

    /// Hands the writer a request, as soon as there is a place in its queue.
    pub(super) async fn request(&self, request: Request) -> Result<(), JournalError> {
        self.requests.send(request).await.map_err(|_| JournalError::Closed)
    }

    /// The clock by which events are dated.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// What became of a job, and how to tell it once the transaction is over.
fn answer_with<T: Send + 'static>(
    result: Option<rusqlite::Result<T>>,
    reply: oneshot::Sender<Result<T, JournalError>>,
) -> (bool, Completion) {
    let good = matches!(result, Some(Ok(_)));
    let completion: Completion = Box::new(move |committed| drop(reply.send(outcome(committed, result))));
    (good, completion)
}

/// What whoever asked for a job is told.
fn outcome<T>(committed: Result<(), JournalError>, result: Option<rusqlite::Result<T>>) -> Result<T, JournalError> {
    committed.and_then(|()| match result {
        Some(result) => result.map_err(JournalError::from),
        None => Err(JournalError::Storage("the transaction failed".to_owned())),
    })
}
