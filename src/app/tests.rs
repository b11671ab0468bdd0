//! Parts of the service that die (rule I6): the process ends with an error, and its supervisor starts it anew. Nobody can
//! make them die from outside, so these tests look inside.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::config::{Config, Server};
use super::*;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::job::Job;
use crate::shared::clock::Clock;
use crate::shared::telemetry::alerts::Alerts;
use crate::shared::telemetry::metrics::Metrics;

/// The service with this additional job, at work, in a folder of its own.
async fn at_work() -> (App, Working, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config::without_channels(Server::below(folder.path()));
    let app = App::build(config, Clock::system()).await.expect("the service starts");
    let working = app.start().await.expect("it works");
    (app, working, folder)
}

/// Serves until the service ends by itself, which it must, and stops it. Gives the reason.
async fn served(app: App, mut working: Working) -> String {
    let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    let serving = app.serve(listener, &mut working, CancellationToken::new());
    let ended = tokio::time::timeout(Duration::from_secs(20), serving).await;
    let reason = ended.expect("it noticed").expect_err("it ended with an error").to_string();
    tokio::time::timeout(Duration::from_secs(20), app.stop(Some(working))).await.expect("it stops");
    reason
}

#[tokio::test]
async fn i6_the_death_of_a_consumer_ends_the_service() {
    struct Broken;
    impl Worker for Broken {
        fn name(&self) -> &'static str {
            "broken"
        }

        fn when_failing(&self) -> &'static str {
            "It is broken."
        }

        fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
            panic!("a planned panic")
        }
    }
    let (app, mut working, _folder) = at_work().await;
    working.tasks.spawn(app.drive(Arc::new(Broken), &working.stop));
    let reason = served(app, working).await;
    assert!(reason.starts_with("a part of the service died"), "{reason}");
}

#[tokio::test]
async fn i6_a_consumer_that_ends_without_being_asked_ends_the_service() {
    let (app, mut working, _folder) = at_work().await;
    working.tasks.spawn(async { "quitter" });
    assert_eq!(served(app, working).await, "quitter ended");
}

#[tokio::test]
async fn i6_the_death_of_the_journals_writer_ends_the_service_and_nothing_is_acknowledged() {
    let (app, working, _folder) = at_work().await;
    let journal = app.shared.journal.clone();
    let died = journal.panic_in_writer().await;
    assert!(died.is_err());
    assert!(journal.append(Vec::new()).await.is_err(), "no delivery is answered 200");
    assert_eq!(served(app, working).await, "the journal's writer ended");
}

#[tokio::test]
async fn i6_the_death_of_whoever_tells_those_who_wait_ends_the_service() {
    let (app, working, _folder) = at_work().await;
    app.shared.journal.panic_when_told().await;
    // The next write finds nobody who could say that it was done.
    assert!(app.shared.journal.append(Vec::new()).await.is_err());
    assert_eq!(served(app, working).await, "the journal's writer ended");
}

#[tokio::test]
async fn i6_the_death_of_the_thread_that_makes_files_ends_the_service() {
    let (app, working, _folder) = at_work().await;
    app.workers.conversations.panic_in_background().await;
    assert_eq!(served(app, working).await, "the thread that makes files ended");
}

#[tokio::test]
async fn i6_a_scheduler_that_is_silent_is_replaced() {
    let (app, mut working, _folder) = at_work().await;
    let scheduler = &mut working.scheduler;
    assert!(!app.scheduler.replace_if_silent(scheduler, LONGEST_SILENCE, &working.stop).await.expect("it lives"));
    scheduler.shutdown().await.expect("it ends");
    assert!(
        app.scheduler.replace_if_silent(scheduler, Duration::ZERO, &working.stop).await.expect("another one starts")
    );
    assert!(scheduler.time_till_next_job().await.expect("it lives").is_some());
    app.stop(Some(working)).await;
}

type Run = Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

fn every_minute(name: &str, run: Run) -> Job {
    Job { name: name.to_owned(), cron: "* * * * *".to_owned(), run }
}

#[tokio::test]
async fn n5_a_job_never_overlaps_itself() {
    let (app, working, _folder) = at_work().await;
    let (under_way, ran) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, count) = (Arc::clone(&under_way), Arc::clone(&ran));
    let slow = every_minute(
        "slow",
        Arc::new(move || {
            let (now, count) = (Arc::clone(&now), Arc::clone(&count));
            Box::pin(async move {
                assert_eq!(now.fetch_add(1, Ordering::SeqCst), 0);
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                count.fetch_add(1, Ordering::SeqCst);
                Ok(())
            })
        }),
    );
    let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH);
    let alerts = Alerts::new(clock.clone());
    let journal = app.shared.journal.clone();
    let scheduler = Scheduler::new(vec![slow], journal, clock.clone(), Metrics::default(), alerts.clone());
    scheduler.run_due().await.expect("the journal works");
    for times in 1..4 {
        clock.advance(Duration::from_secs(60));
        // Two ticks for one time, and one that comes while it is under way.
        let all = tokio::join!(scheduler.run_due(), scheduler.run_due(), scheduler.run_due());
        assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok());
        assert_eq!(ran.load(Ordering::SeqCst), times);
    }
    assert!(alerts.list().is_empty());
    app.stop(Some(working)).await;
}

#[tokio::test]
async fn i6_a_job_that_panics_is_told_of_and_keeps_no_other_from_running() {
    let (app, working, _folder) = at_work().await;
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let jobs = vec![
        every_minute("broken", Arc::new(|| Box::pin(async { panic!("a planned panic") }))),
        every_minute(
            "good",
            Arc::new(move || {
                count.fetch_add(1, Ordering::SeqCst);
                Box::pin(async { Ok(()) })
            }),
        ),
    ];
    let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH);
    let alerts = Alerts::new(clock.clone());
    let scheduler = Scheduler::new(jobs, app.shared.journal.clone(), clock.clone(), Metrics::default(), alerts.clone());
    for _ in 0..3 {
        scheduler.run_due().await.expect("the journal works");
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(ran.load(Ordering::SeqCst), 2);
    assert_eq!(alerts.list().iter().map(|alert| &*alert.cause).collect::<Vec<_>>(), ["job:broken"]);
    app.stop(Some(working)).await;
}
