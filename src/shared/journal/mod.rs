//! The heart: every event once, in order of arrival, durable before the platform hears 200.
//!
//! What it promises:
//! - [`Journal::append`] returns only after its events are on disk (`synchronous=FULL`), all of them or none.
//! - An event whose key is known already changes nothing.
//! - Whoever reads from a cursor sees every event that was appended, once, in one order.
//! - Events of accounts that nobody has connected are kept apart, and released by [`Journal::connect_account`].

mod arrivals;
mod checkpoint;
mod cursors;
mod erase;
mod event;
mod facts;
mod health;
mod in_order;
mod inspect;
mod media;
mod overview;
mod records;
mod reports;
mod staging;
mod threads;
mod unsent;
mod walks;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot, watch};

pub use cursors::save_cursor;
pub(crate) use cursors::{newest, place};
pub use event::{DedupeKey, Effect, Event, Source};
pub use facts::Facts;
use health::Health;
pub(crate) use in_order::{conversation_number, in_order_up_to};
pub use inspect::{Inspection, inspect, migrations};
pub use media::{Attached, Attachment, Copied, IndexedMedia, KeptCopy, WantedMedia};
pub use overview::{Apart, Arrivals, Consumer, Failure, Totals, Work};
pub use records::{Change, Edit, Record, RecordPage, each_record};
pub use reports::{KeptReport, PollReport, Subscriptions, Wish};
pub use staging::{Children, Part, Staging};
pub use threads::{Account, Found, Item, Thread, ThreadPage, ThreadPlace};
pub(crate) use threads::{OVERVIEW_CURSOR, count_threads};
pub use unsent::Unsending;
use unsent::Unsendings;
pub use walks::{Begin, History, Listed, Older, Place, Unreadable, Walk, WalkKind, Walked};
pub(crate) use writer::NOT_CONNECTED;
use writer::{Accounts, Completion, Request, Writer};

use super::clock::Clock;
use super::database::sqlite;
use super::low_priority::LowPriorityThread;
use super::telemetry::alerts::Alerts;
use super::telemetry::metrics::WriterMetrics;

/// The migrations of `journal.db`, in order. Append only.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/journal/0001_initial.sql"),
    include_str!("../../../migrations/journal/0002_retention.sql"),
    include_str!("../../../migrations/journal/0003_watch.sql"),
    include_str!("../../../migrations/journal/0004_walks.sql"),
    include_str!("../../../migrations/journal/0005_conversation_events.sql"),
    include_str!("../../../migrations/journal/0006_media.sql"),
    include_str!("../../../migrations/journal/0007_erasure.sql"),
    include_str!("../../../migrations/journal/0008_arrivals.sql"),
    include_str!("../../../migrations/journal/0009_unsent.sql"),
    include_str!("../../../migrations/journal/0010_threads.sql"),
    include_str!("../../../migrations/journal/0011_account_cursors.sql"),
];

/// How many requests may wait for the writer. Past that, intake answers 503 and the platform comes again.
const QUEUE: usize = 1024;

/// How many reading connections are kept open.
const READERS: usize = 4;

/// Why the journal did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// More is waiting than the writer can take.
    #[error("the journal's queue is full")]
    Busy,
    /// The disk or the database failed.
    #[error("the journal cannot be used: {0}")]
    Storage(String),
    /// The process is stopping.
    #[error("the journal is closed")]
    Closed,
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

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

/// How many events there are, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All events.
    pub events: i64,
    /// Kept, but not handed to consumers.
    pub apart: i64,
    /// Conversations and reads that were given up after several tries.
    pub parked: i64,
}

/// The journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    requests: mpsc::Sender<Request>,
    readers: Arc<Readers>,
    accounts: Accounts,
    unsendings: Unsendings,
    clock: Clock,
    last_seq: watch::Receiver<i64>,
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Runs `work` with a connection of its own.
    fn lend<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => sqlite::open_reader(&self.path)?,
        };
        let result = work(&connection)?;
        // A connection on which something failed is not used again.
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS {
            idle.push(connection);
        }
        Ok(result)
    }
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
        let last: i64 = newest(&connection)?;
        let (requests, receiver) = mpsc::channel(QUEUE);
        let (seq_sender, last_seq) = watch::channel(last);
        let (accounts, unsendings) = (Accounts::default(), Unsendings::default());
        let checkpoints = checkpoint::start(path)?;
        let (messages, told) = mpsc::unbounded_channel();
        tokio::spawn(writer::tell(told));
        let writer = Writer {
            connection,
            path: path.to_owned(),
            requests: receiver,
            accounts: Arc::clone(&accounts),
            unsendings: Arc::clone(&unsendings),
            clock: clock.clone(),
            last_seq: seq_sender,
            checkpoints,
            messages,
            metrics,
            health: Health::new(alerts),
            is_broken: false,
            last_hour: 0,
        };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run())?;
        let readers = Arc::new(Readers { path: path.to_owned(), idle: Mutex::default() });
        Ok((Self { requests, readers, accounts, unsendings, clock, last_seq }, WriterHandle(thread)))
    }

    /// Commits these events, all or none, and tells how many were new.
    ///
    /// # Errors
    /// [`JournalError::Busy`] when the queue is full, [`JournalError::Storage`] when the commit failed. Then nothing
    /// was stored, and the caller must answer so that the platform sends it again.
    pub async fn append(&self, events: Vec<Event>) -> Result<Appended, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.requests.try_send(Request::Append { events, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => JournalError::Busy,
            mpsc::error::TrySendError::Closed(_) => JournalError::Closed,
        })?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    /// As [`Journal::append`], but waits for a place in the queue: for polls, which have time.
    ///
    /// # Errors
    /// [`JournalError::Storage`] when the commit failed.
    pub async fn append_patiently(&self, events: Vec<Event>) -> Result<Appended, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Append { events, reply }).await.map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    /// Runs `work` on the writer's connection as part of its next transaction. An error of `work` undoes its own
    /// changes only.
    ///
    /// # Errors
    /// What `work` returns, or that the commit failed.
    pub async fn write<T: Send + 'static>(
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
    pub(super) async fn append_and<T: Send + 'static>(
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
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || readers.lend(work))
            .await
            .map_err(|error| JournalError::Storage(error.to_string()))?
    }

    /// As [`Journal::read`], on a thread that leaves the processor to others.
    ///
    /// # Errors
    /// As [`Journal::read`].
    pub async fn read_in_background<T: Send + 'static>(
        &self,
        background: &LowPriorityThread,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let readers = Arc::clone(&self.readers);
        background.run(move || readers.lend(work)).await.map_err(|error| JournalError::Storage(error.to_string()))?
    }

    /// From now on events of this account go to the consumers; those kept apart until now flow in.
    ///
    /// # Errors
    /// When the journal cannot be written. The account then counts as connected; the next start releases the rest.
    pub async fn connect_account(&self, channel: &str, account: &str) -> Result<usize, JournalError> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        // The set first: an event that the writer meets after this is not set apart, one that it met before is released
        // by the job below, which runs on the same thread.
        self.accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(channel.clone())
            .or_default()
            .insert(account.clone());
        let now_ms = self.clock.now_ms();
        self.write(move |connection| {
            let account_only = params![channel, account, NOT_CONNECTED];
            connection.execute(
                "INSERT INTO unfiled (channel, account, conversation, next_at)
                 SELECT DISTINCT channel, account, conversation, 0 FROM events
                 WHERE channel = ?1 AND account = ?2 AND apart = ?3 AND conversation IS NOT NULL
                 ON CONFLICT DO UPDATE SET parked = 0, attempts = 0, next_at = 0",
                account_only,
            )?;
            in_order::insert_apart(connection, &channel, &account, NOT_CONNECTED)?;
            let rereads: Vec<String> = connection
                .prepare_cached(
                    "SELECT DISTINCT reread FROM events
                     WHERE channel = ?1 AND account = ?2 AND apart = ?3 AND reread IS NOT NULL",
                )?
                .query_map(account_only, |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for object in rereads {
                want_reread(connection, &channel, &account, &object, now_ms, 0)?;
            }
            // Who connects an account that was erased wants it to be whole again: its history may be read once more.
            connection.execute(
                "DELETE FROM erased_keys WHERE account = ?1",
                [erase::account_key(&channel, &account).as_bytes()],
            )?;
            // What that consumer has passed by flows into its rows here; the rest it will meet.
            count_threads(
                connection,
                "channel = ?1 AND account = ?2 AND apart = ?3
                 AND seq <= coalesce((SELECT CAST(value AS INTEGER) FROM cursors WHERE name = ?4), 0)",
                params![channel, account, NOT_CONNECTED, OVERVIEW_CURSOR],
            )?;
            connection.execute(
                "UPDATE events SET apart = NULL WHERE channel = ?1 AND account = ?2 AND apart = ?3",
                account_only,
            )
        })
        .await
    }

    /// From now on events of this account are kept apart.
    pub fn disconnect_account(&self, channel: &str, account: &str) {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(accounts) = accounts.get_mut(channel) {
            accounts.remove(account);
        }
    }

    /// Asks for an object of an account to be read again (`""`: the whole account), not before `due_at` (milliseconds
    /// since 1970). Durable; one row however often it is asked for. Nothing happens for an account that is not connected.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn want_reread(
        &self,
        channel: &str,
        account: &str,
        object: &str,
        due_at: i64,
    ) -> Result<(), JournalError> {
        let (channel, account, object) = (channel.to_owned(), account.to_owned(), object.to_owned());
        let now_ms = self.clock.now_ms();
        let accounts = Arc::clone(&self.accounts);
        self.write(move |connection| {
            // Asked here and not before: an account that is erased meanwhile must not leave a wish behind.
            let accounts = accounts.read().unwrap_or_else(PoisonError::into_inner);
            if !accounts.get(&channel).is_some_and(|accounts| accounts.contains(&account)) {
                return Ok(());
            }
            want_reread(connection, &channel, &account, &object, now_ms, due_at - now_ms)
        })
        .await
    }

    /// The value kept under this name for an account.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_account_cursor(
        &self,
        channel: &'static str,
        account: &str,
        name: &'static str,
    ) -> Result<Option<String>, JournalError> {
        let account = account.to_owned();
        self.read(move |connection| find_account_cursor(connection, channel, &account, name)).await
    }

    /// Keeps a value under this name for an account; `None` forgets it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn save_account_cursor(
        &self,
        channel: &'static str,
        account: &str,
        name: &'static str,
        value: Option<String>,
    ) -> Result<(), JournalError> {
        let account = account.to_owned();
        self.write(move |connection| match value {
            Some(value) => connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO account_cursors (channel, account, name, value) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute([channel, &account, name, &value]),
            None => forget_account_cursor(connection, channel, &account, name),
        })
        .await
        .map(drop)
    }

    /// What waits for a platform to end its work, without having failed, is looked at now.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn hasten_rereads(&self, channel: &'static str, account: &str) -> Result<(), JournalError> {
        let account = account.to_owned();
        let now_ms = self.clock.now_ms();
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE rereads SET due_at = min(due_at, ?3)
                     WHERE channel = ?1 AND account = ?2 AND attempts = 0 AND reason IS NULL AND NOT parked",
                )?
                .execute(params![channel, account, now_ms])
                .map(drop)
        })
        .await
    }

    /// When the events with these keys happened (milliseconds since 1970), one by one; `None` for an unknown event.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_times(&self, keys: Vec<DedupeKey>) -> Result<Vec<Option<i64>>, JournalError> {
        self.read(move |connection| {
            let mut find = connection.prepare_cached("SELECT occurred_at FROM events WHERE dedupe = ?1")?;
            keys.iter().map(|key| find.query_row([key.as_bytes()], |row| row.get(0)).optional()).collect()
        })
        .await
    }

    /// Writes something small, to know that it can be done: an empty transaction succeeds on a full disk, too.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn probe(&self) -> Result<(), JournalError> {
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

    /// How many events there are, by what became of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn counts(&self) -> Result<Counts, JournalError> {
        self.read(|connection| {
            connection.query_row(
                "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM events WHERE apart IS NOT NULL),
                        (SELECT count(*) FROM unfiled WHERE parked) + (SELECT count(*) FROM rereads WHERE parked)",
                [],
                |row| Ok(Counts { events: row.get(0)?, apart: row.get(1)?, parked: row.get(2)? }),
            )
        })
        .await
    }

    /// Tells when new events are there: the highest `seq` so far.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<i64> {
        self.last_seq.clone()
    }

    /// Accepts nothing more; what was accepted is still written. Then the writer ends.
    pub async fn close(&self) {
        // Fails only when the writer has ended already.
        let _ = self.requests.send(Request::Close).await;
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
    let completion: Completion = Box::new(move |committed| {
        let told = committed.and_then(|()| match result {
            Some(result) => result.map_err(JournalError::from),
            None => Err(JournalError::Storage("the transaction failed".to_owned())),
        });
        drop(reply.send(told));
    });
    (good, completion)
}

fn find_account_cursor(
    connection: &Connection,
    channel: &str,
    account: &str,
    name: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT value FROM account_cursors WHERE channel = ?1 AND account = ?2 AND name = ?3")?
        .query_row([channel, account, name], |row| row.get(0))
        .optional()
}

fn forget_account_cursor(connection: &Connection, channel: &str, account: &str, name: &str) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("DELETE FROM account_cursors WHERE channel = ?1 AND account = ?2 AND name = ?3")?
        .execute([channel, account, name])
}

/// A burst of wishes is answered by one read: each wish puts it off by its own delay, but never by more than this (ms)
/// after the first.
const LONGEST_DEBOUNCE_MS: i64 = 15_000;

/// Asks for a read as part of a larger write, `delay_ms` from now. A wish without delay is answered at once; a delayed
/// one does not shorten the pause after a failure.
///
/// # Errors
/// When the database fails.
pub fn want_reread(
    connection: &Connection,
    channel: &str,
    account: &str,
    object: &str,
    now_ms: i64,
    delay_ms: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO rereads (channel, account, object, generation, wanted_at, due_at)
             VALUES (?1, ?2, ?3, 1, ?4, ?4 + ?5)
             ON CONFLICT (channel, account, object) DO UPDATE SET
                generation = generation + 1,
                due_at = CASE
                    WHEN ?5 <= 0 THEN min(due_at, ?4)
                    WHEN parked THEN ?4 + ?5
                    WHEN attempts > 0 OR due_at <= wanted_at THEN due_at
                    ELSE max(?4, min(?4 + ?5, wanted_at + ?6)) END,
                wanted_at = CASE WHEN parked THEN ?4 ELSE wanted_at END,
                attempts = CASE WHEN parked OR ?5 <= 0 THEN 0 ELSE attempts END,
                reason = CASE WHEN parked OR ?5 <= 0 THEN NULL ELSE reason END,
                parked = 0",
        )?
        .execute(params![channel, account, object, now_ms, delay_ms, LONGEST_DEBOUNCE_MS])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the row of a wish says: due, attempts, parked, generation.
    type Row = (i64, i64, bool, i64);

    fn wished() -> Connection {
        let connection = Connection::open_in_memory().expect("opened");
        for migration in MIGRATIONS {
            connection.execute_batch(migration).expect("migrated");
        }
        connection
    }

    fn wish(connection: &Connection, now_ms: i64, delay_ms: i64) -> Row {
        want_reread(connection, "c", "a", "o", now_ms, delay_ms).expect("wished");
        row(connection)
    }

    fn row(connection: &Connection) -> Row {
        let found = connection.query_row("SELECT due_at, attempts, parked, generation FROM rereads", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        });
        found.expect("one row")
    }

    #[test]
    fn each_wish_puts_the_read_off_but_not_for_ever() {
        // (now, delay) and when the read is due then.
        let cases: [&[(i64, i64, i64)]; 7] = [
            &[(1_000, 2_000, 3_000)],
            &[(1_000, 2_000, 3_000), (2_500, 2_000, 4_500), (4_499, 2_000, 6_499)],
            // Never later than fifteen seconds after the first, and never in the past.
            &[(0, 2_000, 2_000), (12_000, 2_000, 14_000), (13_500, 2_000, 15_000), (15_000, 2_000, 15_000)],
            &[(0, 2_000, 2_000), (20_000, 2_000, 20_000)],
            // A poll in five minutes waits no longer than the first wish allows, nor does it wait once a change came.
            &[(0, 2_000, 2_000), (1_000, 300_000, 15_000)],
            &[(0, 300_000, 300_000), (1_000, 2_000, 3_000)],
            // Without delay: at once, and not later than it would have been.
            &[(0, 2_000, 2_000), (1_000, 0, 1_000), (1_500, 0, 1_000), (1_600, -5_000, 1_000)],
        ];
        for wishes in cases {
            let connection = wished();
            for (count, (now, delay, due)) in (1..).zip(wishes) {
                assert_eq!(wish(&connection, *now, *delay), (*due, 0, false, count), "{wishes:?} at {now}");
            }
        }
    }

    #[test]
    fn a_wish_after_a_failure_shortens_no_pause_unless_somebody_asks_for_it() {
        let failed = |parked: bool| {
            let connection = wished();
            wish(&connection, 0, 2_000);
            let change = "UPDATE rereads SET attempts = 3, due_at = 60000, reason = 'why', parked = ?1";
            connection.execute(change, [parked]).expect("changed");
            connection
        };
        let has_reason = |connection: &Connection| {
            let read = connection.query_row("SELECT reason IS NOT NULL FROM rereads", [], |row| row.get::<_, bool>(0));
            read.expect("one row")
        };
        // (parked, now, delay), what the row says then, and whether it still tells why.
        let cases = [
            ((false, 10_000, 2_000), (60_000, 3, false, 2), true),
            ((false, 70_000, 2_000), (60_000, 3, false, 2), true),
            ((false, 10_000, 0), (10_000, 0, false, 2), false),
            ((true, 10_000, 2_000), (12_000, 0, false, 2), false),
            ((true, 100_000, 2_000), (102_000, 0, false, 2), false),
            ((true, 10_000, 0), (10_000, 0, false, 2), false),
        ];
        for ((parked, now, delay), expected, tells_why) in cases {
            let connection = failed(parked);
            assert_eq!(wish(&connection, now, delay), expected, "parked {parked}, at {now}");
            assert_eq!(has_reason(&connection), tells_why, "parked {parked}, at {now}");
        }
        // Fifteen seconds are counted from the wish that woke it.
        let connection = failed(true);
        wish(&connection, 100_000, 2_000);
        assert_eq!(wish(&connection, 114_000, 2_000).0, 115_000);
    }
}
