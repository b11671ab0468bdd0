//! What happens because of an event. A worker reads the journal in order from its own cursor and is idempotent: the
//! cursor moves after the effect is safe, so a kill at any instant costs nothing.
//!
//! Every worker is a [`Worker`], and [`run`] is the one loop that drives it: work while there is some, wait for events or
//! for time to pass, and raise the worker's own alert while it fails. `docs/architecture.md` says how to add one.

pub mod alert_webhook;
mod blocking;
pub mod configured_accounts;
mod conversation_file;
pub mod conversations;
pub mod eraser;
pub mod feed;
mod in_the_way;
mod moved_files;
pub mod object_copies;
pub mod outbox;
mod paused;
pub mod push;
pub mod reads;
pub mod reply_counts;
pub mod responder;
pub mod retention;
pub mod search_index;
mod strays;
pub mod threads;
mod unsend;
pub mod uploads;

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::shared::channel::job::BoxFuture;
use crate::shared::retry::Doubling;
use crate::shared::telemetry::alerts::Alerts;

/// How many events a worker takes at a time.
const BATCH: i64 = 2000;

/// How often something is tried before it is parked: kept, shown, and left alone until someone says replay.
const MAX_ATTEMPTS: i64 = 8;

/// The pauses between the attempts at one file or one read.
const PAUSES: Doubling = Doubling::new(Duration::from_millis(500), Duration::from_secs(60 * 60));

/// How often a worker looks for work that became due by time alone.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a worker that had something to do waits for more, at least and at most, and one that an event woke. A step costs
/// a commit of its own, however little it did. A worker for which somebody waits is woken at once, and the others do not
/// stand in its way.
const GATHER: Duration = Duration::from_millis(20);
const LONGEST_GATHER: Duration = Duration::from_millis(400);

/// How long a worker pauses after a step that failed: the journal or the disk cannot be used, for everybody alike.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a worker may take to end what is under way when the service stops (rule Z1).
const FINISH_WITHIN: Duration = Duration::from_secs(10);

/// One kind of work that is never finished.
pub trait Worker: Send + Sync {
    /// The worker's name in the log. Its alert is `consumer:NAME`.
    fn name(&self) -> &'static str;

    /// The sentence of the alert that is raised while the worker fails: what that means for people, and that nothing is
    /// lost.
    fn when_failing(&self) -> &'static str;

    /// Does the next piece of work. Gives whether there may be more to do at once.
    ///
    /// # Errors
    /// When the worker cannot work at all; the same step is then taken again. One file or account that fails is not an
    /// error here: the worker keeps that, and goes on with the others.
    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>>;

    /// When the worker looks again after a step that left nothing to do.
    fn rest(&self) -> Rest {
        Rest::UntilNextEvent
    }

    /// Whether somebody waits for what the worker makes of an event, such as a person for an answer: then an event wakes it
    /// at once.
    fn is_waited_for(&self) -> bool {
        false
    }

    /// Waits until something of its own tells the worker to look at once, whatever its rest. What is told while a step is
    /// taken is not lost.
    fn woken(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Waits until nothing that a step has started is still under way.
    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// Begins nothing any more, and waits for the calls under way that would otherwise end in doubt. Called once, when the
    /// service stops; whatever takes longer than ten seconds is cut. Where a cut costs nothing, there is nothing to
    /// wait for.
    fn finish(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Waits until all of these tasks are done; others may be started then.
async fn until_done(tasks: &TaskTracker) {
    tasks.close();
    tasks.wait().await;
    tasks.reopen();
}

/// How long a worker rests that has nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Until the journal has a new event, and half a second at most.
    UntilNextEvent,
    /// The same, and so long at most.
    UntilNextEventFor(Duration),
    /// For so long; events do not concern it.
    For(Duration),
}

/// Drives a worker until `stop`, and gives its name. `events` tells the number of the journal's newest event.
pub async fn run(
    worker: &dyn Worker,
    mut events: watch::Receiver<i64>,
    alerts: &Alerts,
    stop: &CancellationToken,
) -> &'static str {
    let mut is_failing = false;
    while !stop.is_cancelled() {
        // Before the step: an event that comes while it is taken ends the wait after it.
        events.borrow_and_update();
        let wait = take_step(worker, alerts, &mut is_failing).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait.longest) => {}
            () = worker.woken(), if !is_failing => {}
            _ = events.changed(), if wait.ends_with_event => {
                if !worker.is_waited_for() {
                    let _ = tokio::time::timeout(GATHER, stop.cancelled()).await;
                }
            }
        }
    }
    if tokio::time::timeout(FINISH_WITHIN, worker.finish()).await.is_err() {
        tracing::warn!(consumer = worker.name(), "what was under way took too long and is cut");
    }
    worker.name()
}

/// How long to wait before the next step.
#[derive(Debug, PartialEq, Eq)]
struct Wait {
    longest: Duration,
    ends_with_event: bool,
}

impl Wait {
    fn of(longest: Duration) -> Self {
        Self { longest, ends_with_event: false }
    }
}

/// Takes one step; raises the worker's alert when it begins to fail, and heals it when it works again.
async fn take_step(worker: &dyn Worker, alerts: &Alerts, is_failing: &mut bool) -> Wait {
    let begun = Instant::now();
    match worker.step().await {
        Ok(has_more) => {
            if std::mem::take(is_failing) {
                tracing::info!(consumer = worker.name(), "works again");
            }
            // Also an alert that a process before this one left open.
            alerts.heal(&alert_of(worker));
            match worker.rest() {
                // A worker that works half of the time takes more with each step, and leaves the disk to those who wait
                // for it.
                _ if has_more => Wait::of(begun.elapsed().clamp(GATHER, LONGEST_GATHER)),
                Rest::For(time) => Wait::of(time),
                Rest::UntilNextEvent => Wait { longest: LOOK_EVERY, ends_with_event: true },
                Rest::UntilNextEventFor(longest) => Wait { longest, ends_with_event: true },
            }
        }
        Err(error) => {
            // Once per cause, not once per second.
            if !std::mem::replace(is_failing, true) {
                let consumer = worker.name();
                tracing::error!(error = format!("{error:#}"), consumer, "cannot work; it is tried again");
                alerts.raise(&alert_of(worker), worker.when_failing());
            }
            Wait::of(PAUSE)
        }
    }
}

fn alert_of(worker: &dyn Worker) -> String {
    format!("consumer:{}", worker.name())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::shared::clock::Clock;

    /// A worker whose steps end as planned; without a plan there is nothing to do.
    #[derive(Default)]
    struct Planned {
        outcomes: Mutex<Vec<anyhow::Result<bool>>>,
        steps: AtomicUsize,
        rest: Option<Rest>,
    }

    impl Planned {
        fn next(&self, outcome: anyhow::Result<bool>) {
            self.outcomes.lock().unwrap().push(outcome);
        }
    }

    impl Worker for Planned {
        fn name(&self) -> &'static str {
            "planned"
        }

        fn when_failing(&self) -> &'static str {
            "Nothing planned is done."
        }

        fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
            self.steps.fetch_add(1, Ordering::SeqCst);
            let outcome = self.outcomes.lock().unwrap().pop().unwrap_or(Ok(false));
            Box::pin(async { outcome })
        }

        fn rest(&self) -> Rest {
            self.rest.unwrap_or(Rest::UntilNextEvent)
        }

        fn is_waited_for(&self) -> bool {
            true
        }
    }

    fn alerts() -> Alerts {
        Alerts::new(Clock::manual(chrono::DateTime::UNIX_EPOCH))
    }

    fn told(alerts: &Alerts) -> Vec<(String, String)> {
        alerts.list().into_iter().map(|alert| (alert.cause, alert.sentence)).collect()
    }

    #[tokio::test]
    async fn a_worker_that_fails_raises_its_own_alert_until_a_step_succeeds() {
        let (worker, alerts, mut is_failing) = (Planned::default(), alerts(), false);
        for _ in 0..3 {
            worker.next(Err(anyhow::anyhow!("a planned failure")));
            assert_eq!(take_step(&worker, &alerts, &mut is_failing).await, Wait::of(PAUSE));
            let alert = ("consumer:planned".to_owned(), "Nothing planned is done.".to_owned());
            assert_eq!(told(&alerts), [alert]);
        }
        alerts.raise("consumer:another", "Another worker fails.");
        take_step(&worker, &alerts, &mut is_failing).await;
        assert_eq!(told(&alerts).len(), 1, "only its own alert is healed");
        assert_eq!(told(&alerts)[0].0, "consumer:another");
    }

    #[tokio::test]
    async fn an_alert_of_an_earlier_run_is_healed_by_the_first_step_that_succeeds() {
        let (worker, alerts) = (Planned::default(), alerts());
        let since = 0;
        let alert = crate::shared::telemetry::alerts::Alert {
            cause: "consumer:planned".to_owned(),
            account: None,
            sentence: "It failed before a restart.".to_owned(),
            since,
        };
        alerts.restore(std::iter::once(alert));
        take_step(&worker, &alerts, &mut false).await;
        assert_eq!(told(&alerts), []);
    }

    #[tokio::test]
    async fn a_worker_waits_for_more_or_for_events_or_for_its_own_time() {
        let (mut worker, alerts) = (Planned::default(), alerts());
        worker.next(Ok(true));
        let wait = take_step(&worker, &alerts, &mut false).await;
        assert!(wait.longest >= GATHER && wait.longest <= LONGEST_GATHER && !wait.ends_with_event, "{wait:?}");
        let wait = take_step(&worker, &alerts, &mut false).await;
        assert_eq!(wait, Wait { longest: LOOK_EVERY, ends_with_event: true });
        worker.rest = Some(Rest::For(Duration::from_secs(2)));
        assert_eq!(take_step(&worker, &alerts, &mut false).await, Wait::of(Duration::from_secs(2)));
    }

    #[tokio::test]
    async fn an_event_wakes_a_worker_that_has_nothing_to_do_and_stop_ends_it() {
        let (worker, alerts, stop) = (Planned::default(), alerts(), CancellationToken::new());
        let (newest, events) = watch::channel(0);
        let steps = async {
            for event in 1..100 {
                while worker.steps.load(Ordering::SeqCst) < event {
                    tokio::task::yield_now().await;
                }
                newest.send(i64::try_from(event).unwrap()).unwrap();
            }
            stop.cancel();
        };
        let begun = Instant::now();
        let (name, ()) = tokio::join!(run(&worker, events, &alerts, &stop), steps);
        assert_eq!(name, "planned");
        assert!(begun.elapsed() < 50 * LOOK_EVERY, "the events woke it, not the time");
    }
}
