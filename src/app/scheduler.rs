//! Jobs by cron (tokio-cron-scheduler), and what was missed while the service was down.
//!
//! The time of each job's last run is kept in the journal: a service that was off at the time of its daily poll polls
//! when it starts.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler, JobSchedulerError};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::shared::channel::job::{Job, parse_cron};
use crate::shared::clock::Clock;
use crate::shared::journal::Journal;
use crate::shared::telemetry::alerts::Alerts;
use crate::shared::telemetry::metrics::Metrics;

/// How often the scheduler shows that it is alive.
const HEARTBEAT_CRON: &str = "*/10 * * * * *";

/// A scheduler that is silent for so long has died, or waits for a time that a clock which was set back will reach much
/// later.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(120);

/// How long a scheduler may take to end.
const END_WITHIN: Duration = Duration::from_secs(5);

/// All jobs. Cheap to clone.
#[derive(Clone)]
pub struct Scheduler {
    jobs: Arc<Vec<Job>>,
    journal: Journal,
    clock: Clock,
    metrics: Metrics,
    alerts: Alerts,
    /// Held while jobs are run: none overlaps itself.
    running: Arc<tokio::sync::Mutex<()>>,
    /// When the scheduler last showed that it is alive.
    alive: Arc<Mutex<Instant>>,
}

impl Scheduler {
    /// Runs these jobs by this clock; counts them, and says which of them fail.
    #[must_use]
    pub fn new(jobs: Vec<Job>, journal: Journal, clock: Clock, metrics: Metrics, alerts: Alerts) -> Self {
        let alive = Arc::new(Mutex::new(Instant::now()));
        Self { jobs: Arc::new(jobs), journal, clock, metrics, alerts, running: Arc::default(), alive }
    }

    /// Runs every job that was due since its last run, once. A job that has never run is due at its next time.
    ///
    /// # Errors
    /// When the journal cannot be used. A job that fails is logged and tried again at its next time.
    pub async fn run_due(&self) -> anyhow::Result<()> {
        let _alone = self.running.lock().await;
        self.run_all_due().await
    }

    /// Runs what a tick has missed that came a moment before its time: the scheduler's clock is not the one that decides.
    /// While jobs are run there is nothing to miss.
    async fn run_missed(&self) {
        let Ok(_alone) = self.running.try_lock() else { return };
        logged(self.run_all_due().await);
    }

    async fn run_all_due(&self) -> anyhow::Result<()> {
        for job in self.jobs.iter() {
            let key = format!("job:{}", job.name);
            let now = self.clock.now();
            let last = self.journal.find_cursor(&key).await?.and_then(|text| DateTime::<Utc>::from_str(&text).ok());
            let due = match last {
                // A last run in the future comes from a clock that was set back: start counting anew.
                Some(last) if last <= now => parse_cron(&job.cron)?.find_next_occurrence(&last, false)? <= now,
                _ => false,
            };
            if due || last.is_none_or(|last| last > now) {
                self.journal.save_cursor(&key, now.to_rfc3339()).await?;
            }
            if due {
                tracing::info!(job = job.name, "a job begins");
                let cause = format!("job:{}", job.name);
                match run(job).await {
                    Ok(()) => {
                        self.metrics.count_job("done");
                        self.alerts.heal(&cause);
                    }
                    Err(error) => {
                        tracing::error!(error = format!("{error:#}"), job = job.name, "a job failed");
                        self.metrics.count_job("failed");
                        self.alerts
                            .raise(&cause, "A scheduled job failed; it runs again at its next time. The log says why.");
                    }
                }
            }
        }
        Ok(())
    }

    /// Starts running jobs at their times.
    ///
    /// # Errors
    /// When a pattern is not understood.
    pub async fn start(&self) -> anyhow::Result<JobScheduler> {
        let scheduler = JobScheduler::new().await?;
        for job in self.jobs.iter() {
            let ticked = self
                .at_times(&six_fields(&job.cron), |this| async move { logged(this.run_due().await) })
                .with_context(|| format!("the cron pattern of {} is not understood", job.name))?;
            scheduler.add(ticked).await?;
        }
        self.beat();
        let beating = self.at_times(HEARTBEAT_CRON, |this| async move {
            this.beat();
            this.run_missed().await;
        })?;
        scheduler.add(beating).await?;
        scheduler.start().await?;
        Ok(scheduler)
    }

    /// Does this at the times of a pattern.
    fn at_times<F: Future<Output = ()> + Send + 'static>(
        &self,
        pattern: &str,
        run: impl Fn(Self) -> F + Send + Sync + 'static,
    ) -> Result<CronJob, JobSchedulerError> {
        let this = self.clone();
        CronJob::new_async(pattern, move |_, _| Box::pin(run(this.clone())))
    }

    /// Shows that the scheduler is alive.
    fn beat(&self) {
        *self.alive.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Puts a new scheduler in place of one that was silent for longer than this. Gives back whether it was.
    ///
    /// # Errors
    /// When none can be started.
    pub async fn replace_if_silent(
        &self,
        scheduler: &mut JobScheduler,
        longest: Duration,
        stop: &CancellationToken,
    ) -> anyhow::Result<bool> {
        let silence = self.alive.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        if silence <= longest {
            return Ok(false);
        }
        tracing::error!(silence_s = silence.as_secs(), "the scheduler is silent; another one takes its place");
        let ended = tokio::time::timeout(END_WITHIN, scheduler.shutdown()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the silent scheduler did not end");
        }
        *scheduler = self.start().await?;
        self.run_missed_beside(stop);
        Ok(true)
    }

    /// Runs what was missed while nobody ran jobs, until `stop`. Whoever calls or writes to the service meanwhile does not
    /// wait for it.
    pub fn run_missed_beside(&self, stop: &CancellationToken) {
        let (this, stop) = (self.clone(), stop.clone());
        tokio::spawn(async move {
            stop.run_until_cancelled(async { logged(this.run_due().await) }).await;
        });
    }
}

fn logged(result: anyhow::Result<()>) {
    if let Err(error) = result {
        tracing::error!(error = format!("{error:#}"), "jobs could not be run");
    }
}

/// Runs a job in a task of its own, so that its panic is an error like another. Ends with whoever waits for it.
async fn run(job: &Job) -> anyhow::Result<()> {
    let mut task = JoinSet::new();
    task.spawn((job.run)().in_current_span());
    match task.join_next().await {
        Some(Ok(outcome)) => outcome,
        Some(Err(_)) | None => anyhow::bail!("a fault in this program"),
    }
}

/// The scheduler wants seconds; five fields mean second 0.
fn six_fields(pattern: &str) -> String {
    if pattern.split_whitespace().count() == 5 { format!("0 {pattern}") } else { pattern.to_owned() }
}
