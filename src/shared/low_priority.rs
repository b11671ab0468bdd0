//! Threads for work that may take its time: they run with low priority, so that under full load the processor goes to those
//! who keep a platform waiting.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How much the thread steps back, in the units of `nice`. It still gets about a tenth of a busy processor.
const NICENESS: i32 = 10;

/// Lowers the priority of the thread that calls it.
fn step_back() {
    // On Linux this is a matter of the thread alone. Elsewhere it may be refused or concern the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the priority of a thread could not be lowered");
    }
}

type Work = Box<dyn FnOnce() + Send>;

/// The thread. It ends when the last clone is dropped. Cheap to clone.
#[derive(Clone)]
pub struct LowPriorityThread {
    work: Sender<Work>,
    thread: Arc<JoinHandle<()>>,
}

impl LowPriorityThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system allows no more threads.
    pub fn start(name: &str) -> std::io::Result<Self> {
        let (sender, work) = channel::<Work>();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            step_back();
            for work in work {
                work();
            }
        })?;
        Ok(Self { work: sender, thread: Arc::new(thread) })
    }

    /// Whether the thread has died, as it does when work panics. It does not come back.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.thread.is_finished()
    }

    /// Runs `work` after what was given before, and waits for it.
    ///
    /// # Errors
    /// When the thread has died.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> std::io::Result<T> {
        let (reply, answer) = oneshot::channel();
        let died = || std::io::Error::other("the background thread has died");
        self.work.send(Box::new(move || drop(reply.send(work())))).map_err(|_| died())?;
        answer.await.map_err(|_| died())
    }
}

/// A thread for tasks that wait more than they work, such as uploads. It ends when this is dropped, and cuts what is under
/// way.
pub struct LowPriorityTasks {
    handle: Handle,
    _until_dropped: DropGuard,
}

impl LowPriorityTasks {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system allows no more threads.
    pub fn start(name: &str) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().thread_name(name).enable_all().build()?;
        let (handle, stop) = (runtime.handle().clone(), CancellationToken::new());
        let stopped = stop.clone();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            step_back();
            runtime.block_on(stopped.cancelled());
            // A file on a disk that does not answer is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, _until_dropped: stop.drop_guard() })
    }

    /// Where its tasks are spawned.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}
