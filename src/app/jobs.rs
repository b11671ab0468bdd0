//! What is done again and again by cron: polls and hourly checks of every channel, the count of the master key's seals,
//! and the deletion of old events.

use std::sync::Arc;

use crate::commands::rotate_keys::Rotation;
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::Job;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::{Channel, Poll};
use crate::shared::store::Status;
use crate::workers::retention::Retention;

/// Past its cron time an account's poll begins within this many milliseconds, each account at its own moment.
const JITTER_MS: i64 = 5 * 60 * 1000;

/// When tokens and webhook subscriptions are looked at: every hour. Meta unsubscribes a Page after an hour of failures.
const HOURLY_CHECK_CRON: &str = "23 * * * *";

/// When old events are deleted: at night in the Americas and Europe.
const RETENTION_CRON: &str = "37 4 * * *";

/// When it is counted what the master key seals: a process that is killed forgets an hour of it at most.
const KEYS_CRON: &str = "41 * * * *";

/// When it is looked for what a wrong clock has put off: every hour.
const CLOCK_CRON: &str = "11 * * * *";

/// All jobs: those of the channels and our own. `retention`: deletes old events; `None`: they are kept for ever.
pub(super) fn all(
    shared: &Shared,
    channels: &[Channel],
    rotation: &Rotation,
    retention: Option<Retention>,
) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    for channel in channels {
        let name = channel.about.name;
        if let Some(Poll { cron, request }) = &channel.poll {
            jobs.push(read_job(shared, name, format!("poll {name}"), cron.clone(), request.clone()));
        }
        let check = ReadRequest::HourlyCheck;
        jobs.push(read_job(shared, name, format!("watch {name}"), HOURLY_CHECK_CRON.to_owned(), check));
        jobs.extend(channel.jobs.iter().cloned());
    }
    jobs.push(keys_job(rotation));
    jobs.push(clock_job(shared));
    jobs.extend(retention.map(retention_job));
    jobs
}

/// Polls and hourly looks: of every account that can be asked, `request` is to be read again, each at its own moment.
fn read_job(shared: &Shared, channel: &'static str, name: String, cron: String, request: ReadRequest) -> Job {
    let shared = shared.clone();
    Job {
        name,
        cron,
        run: Arc::new(move || {
            let (shared, request) = (shared.clone(), request.clone());
            Box::pin(async move {
                for connection in shared.connections.list().await? {
                    if connection.channel == channel && connection.status != Status::NeedsReconnect {
                        let due_at = shared.clock.now_ms() + jitter_ms(&connection.account);
                        shared.journal.request_read(channel, &connection.account, request.clone(), due_at).await?;
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

/// Heals what a clock that stood far ahead has left behind.
fn clock_job(shared: &Shared) -> Job {
    let journal = shared.journal.clone();
    Job {
        name: "far ahead".to_owned(),
        cron: CLOCK_CRON.to_owned(),
        run: Arc::new(move || {
            let journal = journal.clone();
            Box::pin(async move {
                let found = journal.bring_back_from_far_ahead().await?;
                if found > 0 {
                    tracing::warn!(found, "the clock stood far ahead once; what was put off until then is done now");
                }
                Ok(())
            })
        }),
    }
}

/// Deletes old events, once a day.
fn retention_job(retention: Retention) -> Job {
    let retention = Arc::new(retention);
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
