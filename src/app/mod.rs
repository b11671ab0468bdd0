//! The wiring: `build` opens what is shared and joins it; here the work starts, is served and stops cleanly.

mod build;
pub mod channels;
pub mod config;
mod jobs;
pub mod scheduler;
mod workers;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_cron_scheduler::JobScheduler;
use tokio_util::sync::CancellationToken;

use self::scheduler::{LONGEST_SILENCE, Scheduler};
use self::workers::Workers;
use crate::commands::{Command, CommandRunner, Line, socket};
use crate::shared::channel::context::Shared;
use crate::shared::database::lock::{DataLock, LockError};
use crate::shared::journal::WriterHandle;
use crate::shared::server::accept;
use crate::shared::server::limits::Limits;
use crate::web::Running;
use crate::workers::{Worker, run};

/// How often it is looked whether all parts of the service live.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process uses the data.
    #[error("{0}")]
    Held(String),
    /// Anything else.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl From<LockError> for StartError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held(sentence) => Self::Held(sentence),
            LockError::Other(error) => Self::Other(error),
        }
    }
}

/// The service, opened but not yet working.
pub struct App {
    shared: Shared,
    router: Router,
    workers: Workers,
    scheduler: Scheduler,
    runner: CommandRunner,
    running: Running,
    limits: Limits,
    data_folder: PathBuf,
    writer: WriterHandle,
    /// Last, so that it is released last.
    lock: DataLock,
}

/// The service at work. Dropping it cuts the work off; [`App::stop`] ends it in order.
pub struct Working {
    tasks: JoinSet<&'static str>,
    scheduler: JobScheduler,
    stop: CancellationToken,
}

impl App {
    /// The routes.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// What the channels share: for tests that look inside.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Carries out commands inside this process.
    #[must_use]
    pub fn command_runner(&self) -> &CommandRunner {
        &self.runner
    }

    /// Starts workers, jobs and the local socket.
    ///
    /// # Errors
    /// When a cron pattern is not understood or the scheduler does not start.
    pub async fn start(&self) -> anyhow::Result<Working> {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for worker in self.workers.at_work(&self.running) {
            tasks.spawn(self.drive(worker, &stop));
        }
        self.open_socket(&mut tasks, &stop);
        let rotation = self.runner.rotation.clone();
        tokio::spawn(async move {
            if let Err(error) = rotation.resume().await {
                tracing::error!(error = format!("{error:#}"), "a change of the master key could not be finished");
            }
        });
        let scheduler = self.scheduler.start().await?;
        self.scheduler.run_missed_beside(&stop);
        Ok(Working { tasks, scheduler, stop })
    }

    /// The life of a worker, until `stop`.
    fn drive(&self, worker: Arc<dyn Worker>, stop: &CancellationToken) -> impl Future<Output = &'static str> + use<> {
        let (events, alerts, stop) = (self.shared.journal.watch(), self.shared.alerts.clone(), stop.clone());
        async move { run(&*worker, events, &alerts, &stop).await }
    }

    /// Opens the local socket and answers commands on it. The service works without it, too.
    fn open_socket(&self, tasks: &mut JoinSet<&'static str>, stop: &CancellationToken) {
        let path = socket::path_in(&self.data_folder);
        let listener = match socket::listen(&path) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the local socket cannot be opened; commands beside the service will not work"
                );
                return;
            }
        };
        let (runner, stop) = (self.runner.clone(), stop.clone());
        tasks.spawn(async move {
            stop.run_until_cancelled(socket::answer(listener, runner)).await;
            // A socket nobody listens to would only make commands wait.
            let _ = std::fs::remove_file(path);
            "local socket"
        });
    }

    /// Serves requests until `stop`. Ends by itself, with an error, when a part of the service dies.
    ///
    /// # Errors
    /// When a worker or the journal's writer ended: nothing works without them, so the process must end too.
    pub async fn serve(
        &self,
        listener: TcpListener,
        working: &mut Working,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        self.begin().await;
        let serving = accept::serve(listener, self.router(), &self.limits, stop.child_token());
        tokio::pin!(serving);
        loop {
            tokio::select! {
                () = &mut serving => return Ok(()),
                Some(ended) = working.tasks.join_next() => match ended {
                    Ok(name) => anyhow::bail!("{name} ended"),
                    Err(error) => anyhow::bail!("a part of the service died: {error}"),
                },
                () = tokio::time::sleep(LOOK_EVERY) => {
                    anyhow::ensure!(!self.writer.is_finished(), "the journal's writer ended");
                    anyhow::ensure!(!self.workers.conversations.is_dead(), "the thread that makes files ended");
                    self.scheduler.replace_if_silent(&mut working.scheduler, LONGEST_SILENCE, &working.stop).await?;
                }
            }
        }
    }

    /// Does what a channel wants to be done whenever the service begins.
    pub async fn begin(&self) {
        for (channel, reader) in self.runner.readers.iter() {
            if let Err(error) = reader.begin().await {
                tracing::error!(error = format!("{:#}", anyhow::Error::from(error)), channel, "a channel cannot begin");
            }
        }
    }

    /// Does all work that is there at this moment, and waits for it. For tests.
    ///
    /// # Errors
    /// When the journal or the disk cannot be used.
    pub async fn settle(&self) -> anyhow::Result<()> {
        settle(&self.workers.of_events().collect::<Vec<_>>()).await
    }

    /// Carries out a command where no service runs, with the workers that it needs and no others: nobody is answered, and
    /// nothing is read that was not asked for.
    ///
    /// # Errors
    /// When not all of what it caused could be written.
    pub async fn carry_out(&self, command: Command, lines: &mpsc::Sender<Line>) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let workers = self.workers.beside(command.needs());
        let mut tasks: JoinSet<_> = workers.iter().map(|worker| self.drive(Arc::clone(worker), &stop)).collect();
        self.runner.carry_out(command, lines).await;
        stop.cancel();
        while tasks.join_next().await.is_some() {}
        settle(&workers.iter().map(|worker| &**worker).collect::<Vec<_>>()).await
    }

    /// Looks for alerts and posts those that are due.
    ///
    /// # Errors
    /// When a database cannot be used.
    pub async fn post_alerts(&self) -> anyhow::Result<()> {
        self.workers.alert_poster.look_and_post().await
    }

    /// Runs the jobs that are due.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn run_due_jobs(&self) -> anyhow::Result<()> {
        self.scheduler.run_due().await
    }

    /// Ends the work at a safe point, brings everything to disk and releases the data folder.
    pub async fn stop(self, working: Option<Working>) {
        self.stop_working(working).await;
        if let Err(error) = self.runner.rotation.count_seals().await {
            tracing::warn!(
                error = format!("{error:#}"),
                "how often the master key has sealed could not be written down"
            );
        }
        self.shared.journal.close().await;
        let Self { writer, lock, .. } = self;
        if tokio::task::spawn_blocking(move || writer.finish()).await.is_err() {
            tracing::error!("the journal's writer could not be waited for");
        }
        drop(lock);
    }

    /// Ends the work at a safe point. What was accepted is still written; the data folder is still held.
    pub async fn stop_working(&self, working: Option<Working>) {
        self.running.set(false);
        if let Some(copies) = &self.workers.copies {
            copies.stop();
        }
        if let Some(mut working) = working {
            working.stop.cancel();
            if let Err(error) = working.scheduler.shutdown().await {
                tracing::warn!(%error, "the scheduler did not stop cleanly");
            }
            while working.tasks.join_next().await.is_some() {}
        }
        // Reads under way are cut: what they wanted is still written down, and they begin anew at the next start.
        self.workers.refresh.abort();
    }
}

/// Lets these workers do all work that is there at this moment, and waits for it.
async fn settle(workers: &[&dyn Worker]) -> anyhow::Result<()> {
    loop {
        let mut has_more = false;
        for worker in workers {
            has_more |= worker.step().await?;
            worker.idle().await;
        }
        if !has_more {
            return Ok(());
        }
    }
}

/// Opens the address to listen on.
///
/// # Errors
/// When it is taken or not ours.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: is another program using this port? Set PORT to a free one")
    })
}

#[cfg(test)]
mod tests;
