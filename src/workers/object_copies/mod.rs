//! Files → object storage: what changed below the output folder is sent to a bucket, below its merchant's name.
//!
//! A row says that a file changed; it is written before the change, or with the cursor of the worker that made it, so a kill
//! at any instant loses none. What a row leads to is decided by looking at the file then: it is sent if its content is
//! another than the last one sent, and its object is deleted if it is gone. Nothing else waits for any of this: an outage of
//! days costs a row for each file that changed.
//!
//! Whose turn it is stands in `queue.rs`; what becomes of one file is `turn.rs`; whether the bucket may be used is `gate.rs`;
//! whose the files are is `owners.rs`; what is known of both, `known.rs`; erasures are `erase.rs`; comparing both sides is `compare.rs`.

mod compare;
mod erase;
mod gate;
mod known;
mod owners;
mod queue;
mod turn;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::compare::{Compared, Difference, Wished};
pub use self::erase::{Held, ensure_no_objects};
pub use self::gate::{BUCKET, STOPS, UNREACHABLE};
use self::known::{Gate, Owners};
use self::queue::Queue;
use super::{Rest, Worker, until_done};
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::BoxFuture;
use crate::shared::journal::{FileChanges, Pace};
use crate::shared::low_priority::LowPriorityTasks;
use crate::shared::objects::{Objects, Standing};
use crate::shared::store::CopyResult;

/// How long a file must have rested before it is sent, in milliseconds.
const REST_MS: i64 = 10_000;

/// How often it is looked whether time alone has made something due.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Copies files to object storage. Cheap to clone.
#[derive(Clone)]
pub struct ObjectCopies(Arc<Inner>);

struct Inner {
    shared: Shared,
    objects: Objects,
    changes: FileChanges,
    /// The id of this installation, which stands in the bucket.
    installation: String,
    queue: Mutex<Queue>,
    /// What became of files, and is not written down yet.
    results: Mutex<Results>,
    owners: Mutex<Owners>,
    gate: Mutex<Gate>,
    /// Held by whoever looks at the bucket: what is found stands in the order in which it was.
    looking: tokio::sync::Mutex<()>,
    /// When the output folder was seen to be there.
    looked_at: Mutex<Option<Instant>>,
    /// How many objects were sent since the start.
    puts: AtomicU64,
    tasks: TaskTracker,
    /// Where they run.
    thread: LowPriorityTasks,
    stop: CancellationToken,
    /// Moves whenever the files of an account are held.
    holds: watch::Sender<u64>,
    /// Told whenever a file is no longer under way.
    released: Notify,
    /// Told when few files are left in the queue.
    low: Notify,
    /// Told when results need not wait for others.
    gathered: Notify,
}

#[derive(Default)]
struct Results {
    waiting: Vec<CopyResult>,
    /// Whether somebody writes them down at the moment.
    is_written: bool,
}

impl ObjectCopies {
    /// Copies to this bucket what changes below the output folder from now on.
    ///
    /// # Errors
    /// When the system allows no more threads.
    pub fn new(shared: Shared, objects: Objects, installation: String) -> std::io::Result<Self> {
        let every_ms = i64::try_from(objects.every().as_millis()).unwrap_or(i64::MAX);
        let changes = FileChanges::follow(&shared.journal, Pace { rest_ms: REST_MS, every_ms });
        shared.output.set_follower(Arc::new(changes.clone()));
        Ok(Self(Arc::new(Inner {
            shared,
            objects,
            changes,
            installation,
            queue: Mutex::default(),
            results: Mutex::default(),
            owners: Mutex::default(),
            gate: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            looked_at: Mutex::default(),
            puts: AtomicU64::new(0),
            tasks: TaskTracker::new(),
            thread: LowPriorityTasks::start("copies")?,
            stop: CancellationToken::new(),
            holds: watch::Sender::new(0),
            released: Notify::new(),
            low: Notify::new(),
            gathered: Notify::new(),
        })))
    }

    /// The bucket.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.0.objects
    }

    /// Cuts what is under way. It is done at the next start.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    async fn take_step(&self) -> anyhow::Result<bool> {
        if !self.is_open().await? {
            return Ok(false);
        }
        self.follow_owners().await?;
        self.sweep().await?;
        self.start_due().await
    }

    /// Begins as many turns as may be under way. Gives whether files were found to be due that were not before.
    async fn start_due(&self) -> anyhow::Result<bool> {
        let Some(limit) = self.queue().room() else { return Ok(false) };
        let now_ms = self.now_ms();
        let due = self.0.shared.journal.list_due_copies(now_ms, limit).await?;
        let (found, runners) = self.queue().add(due, |path| self.0.changes.is_under_way(path));
        for _ in 0..runners {
            let copies = self.clone();
            self.spawn(async move { copies.run_turns().await });
        }
        Ok(found > 0)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn_on(task, self.0.thread.handle());
    }

    fn is_working(&self) -> bool {
        self.0.objects.standing() == Standing::Working
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.0.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn results(&self) -> MutexGuard<'_, Results> {
        self.0.results.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        self.0.shared.clock.now_ms()
    }

    fn every_ms(&self) -> i64 {
        i64::try_from(self.0.objects.every().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Worker for ObjectCopies {
    fn name(&self) -> &'static str {
        "object_copies"
    }

    fn when_failing(&self) -> &'static str {
        "Copies in object storage are not being made, because the journal cannot be used. Nothing is lost: what changed is \
         written down; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        // A connection lives where its first request was made, so looks at the bucket are made there as well.
        let copies = self.clone();
        let step = self.0.thread.handle().spawn(async move { copies.take_step().await });
        Box::pin(async move {
            step.await.unwrap_or_else(|error| match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(error.into()),
            })
        })
    }

    fn rest(&self) -> Rest {
        Rest::For(LOOK_EVERY)
    }

    /// The queue is filled again before it is empty, so that no place is idle while files are due.
    fn woken(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.low.notified())
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(until_done(&self.0.tasks))
    }
}
