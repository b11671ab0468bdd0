//! The wiring: opens what is shared, lists the channels, joins routes, starts the work, stops cleanly.

pub mod config;
pub mod scheduler;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_cron_scheduler::JobScheduler;
use tokio_util::sync::CancellationToken;

use self::config::{Config, state_key};
use self::scheduler::{LONGEST_SILENCE, Scheduler};
use crate::commands;
use crate::commands::CommandRunner;
use crate::commands::rotate_keys::Rotation;
use crate::shared::channel::Channel;
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::Job;
use crate::shared::channel::reader::{Reader, WATCH};
use crate::shared::clock::Clock;
use crate::shared::database::lock::{DataLock, LockError, folder_of};
use crate::shared::database::sqlite::Db;
use crate::shared::erasure::{Eraser, Erasure};
use crate::shared::files::output::{Output, RelativePath};
use crate::shared::journal::{Journal, WriterHandle};
use crate::shared::logins::Logins;
use crate::shared::low_priority::LowPriorityThread;
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::Http;
use crate::shared::outgoing::self_test::SelfTests;
use crate::shared::secrets::vault::Vault;
use crate::shared::server::accept;
use crate::shared::server::limits::Limits;
use crate::shared::store::alert_posts::AlertPosts;
use crate::shared::store::{self, Connections, Erasures, Keys, LoginStates, Sessions, Status};
use crate::shared::telemetry::alerts::Alerts;
use crate::shared::telemetry::metrics::Metrics;
use crate::shared::under_way::{Progress, Reads};
use crate::web;
use crate::web::Running;
use crate::web::merchant::Front;
use crate::web::operator;
use crate::workers::alert_webhook::AlertPoster;
use crate::workers::conversations::Conversations;
use crate::workers::reads::Refresh;
use crate::workers::retention::Retention;
use crate::workers::threads::Overview;
use crate::{facebook, shopify};

/// Past its cron time an account's poll begins within this many milliseconds, each account at its own moment.
const JITTER_MS: i64 = 5 * 60 * 1000;

/// When tokens and webhook subscriptions are looked at: every hour. Meta unsubscribes a Page after an hour of failures.
const WATCH_CRON: &str = "23 * * * *";

/// When old events are deleted: at night in the Americas and Europe.
const RETENTION_CRON: &str = "37 4 * * *";

/// When it is counted what the master key seals: a process that is killed forgets an hour of it at most.
const KEYS_CRON: &str = "41 * * * *";

/// How often consumers look for work that became due by time alone.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often it is looked for alerts to be told.
const ALERTS_EVERY: Duration = Duration::from_secs(2);

/// How long a consumer that had something to do waits for more, at least and at most. A step costs a commit of its own,
/// however little it did; who is idle is woken at once.
const GATHER: Duration = Duration::from_millis(20);
const LONGEST_GATHER: Duration = Duration::from_millis(400);

/// How long consumers pause when the journal or the disk cannot be used.
const PAUSE: Duration = Duration::from_secs(1);

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

/// The service, opened but not yet working.
pub struct App {
    shared: Shared,
    router: Router,
    refresh: Refresh,
    conversations: Arc<Conversations>,
    eraser: Arc<Eraser>,
    alert_poster: Arc<AlertPoster>,
    overview: Arc<Overview>,
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
    /// Takes the data folder, opens everything in it, and wires the channels that are configured.
    ///
    /// # Errors
    /// When another process holds the data, a file cannot be used, or the master key is not the right one.
    pub async fn build(config: Config, clock: Clock) -> Result<Self, StartError> {
        let server = &config.server;
        let allowed = AllowedAddresses::new(&config.own_addresses());
        let lock =
            DataLock::take([server.tokens_db.as_path(), &server.sessions_db, &server.journal_db]).map_err(|error| {
                match error {
                    LockError::Held(sentence) => StartError::Held(sentence),
                    LockError::Other(error) => StartError::Other(error),
                }
            })?;
        let data_folder = folder_of(&server.tokens_db).to_owned();
        let key_file = server.key_file();
        let vault = match server.given_vault() {
            Some(vault) => vault,
            None => Vault::from_key_file(&key_file)?,
        };
        let tokens = Db::open(&server.tokens_db, store::TOKENS_MIGRATIONS)?;
        let sessions = Db::open(&server.sessions_db, store::SESSIONS_MIGRATIONS)?;
        let metrics = Metrics::default();
        let alerts = Alerts::counted(clock.clone(), metrics.clone());
        let keys = Keys::new(tokens.clone(), sessions.clone(), vault.clone());
        let rotation = Rotation::new(keys, server.master_key.is_none().then_some(key_file), alerts.clone());
        let connections = Connections::open(tokens.clone(), vault.clone(), clock.clone()).await?;
        let output = Output::open(&server.output_dir)
            .with_context(|| format!("the output folder {} cannot be used", server.output_dir.display()))?;
        let (journal, writer) =
            Journal::open_watched(&server.journal_db, clock.clone(), metrics.writer.clone(), alerts.clone())?;
        let is_public = server.is_public();
        let limits = server.limits.clone();
        let states = LoginStates::new(sessions.clone());
        let sessions_table = Sessions::new(sessions, vault.clone());
        let (progress, reads) = (Progress::default(), Reads::default());
        let erasure = Erasure::new(
            Erasures::new(tokens.clone()),
            connections.clone(),
            sessions_table.clone(),
            journal.clone(),
            reads.clone(),
            progress.clone(),
            alerts.clone(),
            clock.clone(),
        );
        let shared = Shared {
            http: Http::new(clock.clone(), &server.timeouts, allowed)?,
            sessions: sessions_table,
            logins: Logins::new(states, state_key(server, &vault), clock.clone(), is_public),
            connections: connections.clone(),
            journal: journal.clone(),
            output: output.clone(),
            progress,
            alerts,
            erasure: erasure.clone(),
            metrics,
            self_tests: SelfTests::default(),
            is_public,
            clock: clock.clone(),
        };

        let alert_poster =
            AlertPoster::open(shared.clone(), AlertPosts::new(tokens), server.alert_receiver.clone()).await?;

        for connection in connections.list().await? {
            remove_leftovers(&output, &connection.channel, &connection.account);
            // Also releases what a kill between connecting and releasing left behind.
            journal
                .connect_account(&connection.channel, &connection.account)
                .await
                .context("the journal cannot be written")?;
        }

        // A new channel is one line here.
        let channels: Vec<Channel> = [
            config.shopify.map(|config| vec![shopify::channel(&shared, config)]),
            config.facebook.map(|config| facebook::channels(&shared, config)),
        ]
        .into_iter()
        .flatten()
        .flatten()
        .collect();

        let readers: HashMap<&'static str, Arc<dyn Reader>> =
            channels.iter().map(|channel| (channel.name, Arc::clone(&channel.reader))).collect();
        let background = LowPriorityThread::start("files").context("a thread cannot be started")?;
        let conversations = Arc::new(Conversations::new(journal.clone(), output.clone(), background));
        let refresh = Refresh::new(
            journal.clone(),
            connections.clone(),
            shared.progress.clone(),
            shared.metrics.clone(),
            readers.clone(),
            reads,
        );
        let eraser = Arc::new(Eraser::new(erasure, output, Arc::clone(&conversations), refresh.clone()));
        let overview = Arc::new(Overview::new(journal.clone()));
        let mut jobs: Vec<Job> = Vec::new();
        for channel in &channels {
            // What concerns the app itself always flows.
            journal.connect_account(channel.name, "").await.context("the journal cannot be written")?;
            let name = channel.name;
            jobs.push(wish_job(&shared, name, format!("poll {name}"), channel.poll_cron.clone(), channel.poll_object));
            jobs.push(wish_job(&shared, name, format!("watch {name}"), WATCH_CRON.to_owned(), WATCH));
            jobs.extend(channel.jobs.iter().cloned());
        }
        jobs.push(keys_job(&rotation));
        jobs.extend(server.retention_days.map(|days| retention_job(&shared, days)));
        let running = Running::default();
        let runner = CommandRunner {
            journal: journal.clone(),
            connections,
            progress: shared.progress.clone(),
            refresh: refresh.clone(),
            conversations: Arc::clone(&conversations),
            readers: Arc::new(readers),
            rotation,
        };
        let fronts = channels.iter().map(|channel| Front {
            connect: channel.connect.clone(),
            view: channel.view,
            reader: Arc::clone(&channel.reader),
        });
        let own = config.server.public_url.clone();
        let mut router = web::router(shared.clone(), fronts.collect(), vault, running.clone(), own);
        router = router.merge(operator::router(
            shared.clone(),
            config.server.operator_token,
            config.server.public_url.clone(),
            |channel, account, id| {
                facebook::key_of_message(channel, account, id)
                    .or_else(|| shopify::key_of_delivery(channel, account, id))
            },
        ));
        for channel in channels {
            router = router.merge(channel.router);
        }
        Ok(Self {
            router: web::finish(router, is_public, &limits, &shared.metrics),
            scheduler: Scheduler::new(jobs, journal, clock, shared.metrics.clone(), shared.alerts.clone()),
            shared,
            refresh,
            conversations,
            eraser,
            alert_poster,
            overview,
            runner,
            running,
            limits,
            data_folder,
            writer,
            lock,
        })
    }

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

    /// Starts consumers, jobs and the local socket.
    ///
    /// # Errors
    /// When a cron pattern is not understood or the scheduler does not start.
    pub async fn start(&self) -> anyhow::Result<Working> {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let (conversations, running) = (Arc::clone(&self.conversations), self.running.clone());
        tasks.spawn(work("conversations", stop.clone(), self.shared.clone(), move || {
            let (conversations, running) = (Arc::clone(&conversations), running.clone());
            async move {
                let stepped = conversations.step().await;
                // The first step writes anew what a power cut may have taken; only then is the service ready.
                running.set(stepped.is_ok());
                Ok(stepped?)
            }
        }));
        let overview = Arc::clone(&self.overview);
        tasks.spawn(work("overview", stop.clone(), self.shared.clone(), move || {
            let overview = Arc::clone(&overview);
            async move { Ok(overview.step().await?) }
        }));
        let refresh = self.refresh.clone();
        tasks.spawn(work("refresh", stop.clone(), self.shared.clone(), move || {
            let refresh = refresh.clone();
            async move {
                let more = refresh.collect().await?;
                refresh.start_due().await?;
                Ok(more)
            }
        }));
        let eraser = Arc::clone(&self.eraser);
        tasks.spawn(work("erasure", stop.clone(), self.shared.clone(), move || {
            let eraser = Arc::clone(&eraser);
            async move { eraser.run_due().await }
        }));
        let (alert_poster, stopped) = (Arc::clone(&self.alert_poster), stop.clone());
        tasks.spawn(async move {
            while !stopped.is_cancelled() {
                if let Err(error) = alert_poster.step().await {
                    tracing::warn!(error = format!("{error:#}"), "alerts cannot be looked at; it is tried again");
                }
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = tokio::time::sleep(ALERTS_EVERY) => {}
                }
            }
            "alerts"
        });
        let socket = commands::socket::path_in(&self.data_folder);
        match commands::socket::listen(&socket) {
            Ok(listener) => {
                let (runner, stopped) = (self.runner.clone(), stop.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = commands::socket::answer(listener, runner) => {}
                        () = stopped.cancelled() => {}
                    }
                    // A socket nobody listens to would only make commands wait.
                    let _ = std::fs::remove_file(socket);
                    "local socket"
                });
            }
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the local socket cannot be opened; commands beside the service will not work"
                );
            }
        }
        let rotation = self.runner.rotation.clone();
        tokio::spawn(async move {
            if let Err(error) = rotation.resume().await {
                tracing::error!(error = format!("{error:#}"), "a change of the master key could not be finished");
            }
        });
        self.scheduler.run_due().await?;
        let scheduler = self.scheduler.start().await?;
        Ok(Working { tasks, scheduler, stop })
    }

    /// Serves requests until `stop`. Ends by itself, with an error, when a part of the service dies.
    ///
    /// # Errors
    /// When a consumer or the journal's writer ended: nothing works without them, so the process must end too.
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
                () = tokio::time::sleep(PAUSE) => {
                    anyhow::ensure!(!self.writer.is_finished(), "the journal's writer ended");
                    anyhow::ensure!(!self.conversations.is_dead(), "the thread that makes files ended");
                    self.scheduler.replace_if_silent(&mut working.scheduler, LONGEST_SILENCE).await?;
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

    /// Does all work that is there at this moment, and waits for it. For tests and for commands without a service.
    ///
    /// # Errors
    /// When the journal or the disk cannot be used.
    pub async fn settle(&self) -> anyhow::Result<()> {
        loop {
            let filed = self.conversations.step().await?;
            let counted = self.overview.step().await?;
            let collected = self.refresh.collect().await?;
            let started = self.refresh.start_due().await?;
            self.refresh.idle().await;
            let erased = self.eraser.run_due().await?;
            if !filed && !counted && !collected && started == 0 && !erased {
                return Ok(());
            }
        }
    }

    /// Looks for alerts and posts those that are due.
    ///
    /// # Errors
    /// When a database cannot be used.
    pub async fn post_alerts(&self) -> anyhow::Result<()> {
        self.alert_poster.step().await
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
        if let Some(mut working) = working {
            working.stop.cancel();
            if let Err(error) = working.scheduler.shutdown().await {
                tracing::warn!(%error, "the scheduler did not stop cleanly");
            }
            while working.tasks.join_next().await.is_some() {}
        }
        // Reads under way are cut: what they wanted is still written down, and they begin anew at the next start.
        self.refresh.abort();
    }
}

/// A consumer's life: work while there is some, then wait for events or for time to pass.
async fn work<F>(name: &'static str, stop: CancellationToken, shared: Shared, step: impl Fn() -> F) -> &'static str
where
    F: Future<Output = anyhow::Result<bool>>,
{
    let mut events = shared.journal.watch();
    let mut failing = false;
    while !stop.is_cancelled() {
        events.borrow_and_update();
        let begun = Instant::now();
        let (wait, is_idle) = match step().await {
            Ok(more) => {
                if std::mem::take(&mut failing) {
                    tracing::info!(consumer = name, "works again");
                    shared.alerts.heal(&format!("consumer:{name}"));
                }
                // Who works half of the time takes more with each step, and leaves the disk to those who wait for it.
                if more { (begun.elapsed().clamp(GATHER, LONGEST_GATHER), false) } else { (LOOK_EVERY, true) }
            }
            Err(error) => {
                // Once per cause, not once per second.
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(error = format!("{error:#}"), consumer = name, "cannot work; it is tried again");
                    shared.alerts.raise(
                        &format!("consumer:{name}"),
                        "Files are not being written: the journal or the output folder cannot be used. Nothing is lost; the \
                         log says why.",
                    );
                }
                (PAUSE, false)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
            _ = events.changed(), if is_idle => {}
        }
    }
    name
}

/// Removes half-written files of an account from the folders it may have.
fn remove_leftovers(output: &Output, channel: &str, account: &str) {
    for parts in [
        [account].as_slice(),
        &[channel, account],
        &[channel, account, "conversations"],
        &[channel, account, "media"],
        &[channel, account, "media", "index"],
    ] {
        if let Err(error) = RelativePath::new(parts).and_then(|path| output.remove_leftovers(&path)) {
            tracing::warn!(%error, channel, account, "half-written files could not be removed");
        }
    }
}

/// Polls and hourly looks: of every account that can be asked, `object` is to be read again, each at its own moment.
fn wish_job(shared: &Shared, channel: &'static str, name: String, cron: String, object: &'static str) -> Job {
    let shared = shared.clone();
    Job {
        name,
        cron,
        run: Arc::new(move || {
            let shared = shared.clone();
            Box::pin(async move {
                for connection in shared.connections.list().await? {
                    if connection.channel == channel && connection.status != Status::NeedsReconnect {
                        let due_at = shared.clock.now_ms() + jitter_ms(&connection.account);
                        shared.journal.want_reread(channel, &connection.account, object, due_at).await?;
                    }
                }
                Ok(())
            })
        }),
    }
}

/// Counts what the master key seals, and finishes a change of it that was cut off.
fn keys_job(rotation: &Rotation) -> Job {
    let rotation = rotation.clone();
    Job {
        name: "keys".to_owned(),
        cron: KEYS_CRON.to_owned(),
        run: Arc::new(move || {
            let rotation = rotation.clone();
            Box::pin(async move {
                rotation.resume().await?;
                rotation.count_seals().await
            })
        }),
    }
}

/// Deletes old events, once a day.
fn retention_job(shared: &Shared, days: u32) -> Job {
    let retention = Arc::new(Retention::new(shared.journal.clone(), shared.output.clone(), days));
    Job {
        name: "retention".to_owned(),
        cron: RETENTION_CRON.to_owned(),
        run: Arc::new(move || {
            let retention = Arc::clone(&retention);
            Box::pin(async move {
                let deleted = retention.run().await?;
                tracing::info!(deleted, "events past their retention were deleted");
                Ok(())
            })
        }),
    }
}

/// The account's own moment: the same every day, different from its neighbours'.
fn jitter_ms(account: &str) -> i64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(account.as_bytes());
    1 + i64::from(u16::from_be_bytes([digest[0], digest[1]])) * (JITTER_MS - 1) / i64::from(u16::MAX)
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
