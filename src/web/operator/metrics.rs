//! `GET /metrics`: what was counted, and what is so at this moment. Every name is explained in `docs/metrics.md`.

use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::state::Operator;
use crate::shared::channel::context::Shared;
use crate::shared::telemetry::logging;

/// The format that [`Metrics::encode`](crate::shared::telemetry::metrics::Metrics::encode) writes.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Label names with their values.
type Labels<const N: usize> = [(&'static str, String); N];
/// A number for each set of labels.
type Gauges<const N: usize> = Family<Labels<N>, Gauge>;
/// A time in seconds for each set of labels.
type Seconds<const N: usize> = Family<Labels<N>, Gauge<f64, AtomicU64>>;

/// Answers with everything, or with what could be read: a scrape must not fail because a database does.
pub(super) async fn show(State(Operator { shared, .. }): State<Operator>) -> Response {
    let mut registry = Registry::with_prefix("shoptalk");
    for gathered in [gather_journal(&shared, &mut registry).await, gather_accounts(&shared, &mut registry).await] {
        if let Err(error) = gathered {
            tracing::warn!(error = format!("{error:#}"), "a part of the metrics could not be read");
        }
    }
    gauge(&mut registry, "alerts_open", "Alerts whose cause is there", shared.alerts.list().len());
    let lost = Counter::<u64>::default();
    lost.inc_by(logging::lost());
    registry.register("log_lines_lost", "Lines of the log that could not be written", lost);
    let mut process = Registry::with_prefix("process");
    gather_process(&mut process);
    match shared.metrics.encode(&[&registry, &process]) {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => crate::shared::server::error::AppError::Internal(error.into()).into_response(),
    }
}

/// The journal: its size, who is behind, what waits.
async fn gather_journal(shared: &Shared, registry: &mut Registry) -> anyhow::Result<()> {
    let journal = &shared.journal;
    gauge(registry, "journal_queue", "Requests that wait for the journal's writer", journal.queue_depth());
    let behind = Gauges::<1>::default();
    registry.register("consumer_lag_events", "Events that a consumer has not seen yet", behind.clone());
    let since = Seconds::<1>::default();
    registry.register_with_unit(
        "consumer_lag",
        "Age of the oldest event that a consumer has not seen yet",
        Unit::Seconds,
        since.clone(),
    );
    let now_ms = shared.clock.now_ms();
    let mut newest = 0;
    for consumer in journal.list_consumers().await? {
        let labels = [("consumer", consumer.name)];
        behind.get_or_create(&labels).set(consumer.behind);
        let oldest_ms = consumer.oldest_at.map_or(0, |oldest| (now_ms - oldest).max(0));
        since.get_or_create(&labels).set(seconds(oldest_ms));
        newest = newest.max(consumer.cursor + consumer.behind);
    }
    gauge(registry, "journal_newest_event", "The number of the newest event: how many there ever were", newest);
    let waiting = Gauges::<2>::default();
    registry.register(
        "work_failed",
        "Conversations and reads that failed, by whether they are parked",
        waiting.clone(),
    );
    for work in ["conversation", "read"] {
        for state in ["retrying", "parked"] {
            drop(waiting.get_or_create(&[("work", work.to_owned()), ("state", state.to_owned())]));
        }
    }
    let failed = journal.count_failures().await?;
    for (work, is_given_up, count) in failed {
        let state = if is_given_up { "parked" } else { "retrying" };
        waiting.get_or_create(&[("work", work.to_owned()), ("state", state.to_owned())]).set(count);
    }
    gauge(registry, "feed_newest", "The newest number of all merchants' feeds", journal.newest_in_feeds().await?);
    let lags = Gauges::<1>::default();
    registry.register("feed_lag_events", "Events of a feed after the place of a reader", lags.clone());
    for (reader, lag) in journal.list_feed_lags().await? {
        lags.get_or_create(&[("reader", reader)]).set(lag);
    }
    let (waiting, unknown) = (Gauges::<2>::default(), Gauges::<2>::default());
    registry.register("replies_waiting", "Messages that wait to be sent", waiting.clone());
    registry.register("replies_unknown", "Messages of which nobody knows whether they were sent", unknown.clone());
    for account in journal.count_open_outgoing().await? {
        let labels = [("channel", account.channel), ("account", account.account)];
        waiting.get_or_create(&labels).set(account.waiting);
        unknown.get_or_create(&labels).set(account.unknown);
    }
    let copies = journal.count_copies().await?;
    gauge(registry, "cloud_waiting", "Files that changed and are not in object storage yet", copies.count);
    let lag_ms = copies.oldest_at.map_or(0, |oldest| (now_ms - oldest).max(0));
    let lag = Gauge::<f64, AtomicU64>::default();
    lag.set(seconds(lag_ms));
    registry.register_with_unit("cloud_lag", "Age of the oldest change among them", Unit::Seconds, lag);
    let recovered = Gauges::<2>::default();
    registry.register("recovered_by_poll", "Events that only a poll brought, in total", recovered.clone());
    for poll in journal.list_newest_polls().await? {
        recovered.get_or_create(&[("channel", poll.channel), ("account", poll.account)]).set(poll.recovered_total);
    }
    let (missing, repairs) = (Gauges::<2>::default(), Gauges::<2>::default());
    registry.register("subscriptions_missing", "Webhook subscriptions that are wanted and not there", missing.clone());
    registry.register("subscriptions_repaired", "How often a missing subscription was put back", repairs.clone());
    for subscriptions in journal.list_subscriptions().await? {
        let labels = [("channel", subscriptions.channel), ("account", subscriptions.account)];
        missing.get_or_create(&labels).set(i64::try_from(subscriptions.missing.len()).unwrap_or(i64::MAX));
        repairs.get_or_create(&labels).set(subscriptions.repairs);
    }
    Ok(())
}

/// The connected accounts and their tokens.
async fn gather_accounts(shared: &Shared, registry: &mut Registry) -> anyhow::Result<()> {
    let connections = Gauges::<2>::default();
    registry.register("connections", "Connected accounts by how they are doing", connections.clone());
    for connection in shared.connections.list().await? {
        connections
            .get_or_create(&[("channel", connection.channel), ("status", connection.status.as_str().to_owned())])
            .inc();
    }
    let tokens = Gauges::<3>::default();
    registry.register("tokens", "Stored tokens by kind and state", tokens.clone());
    let now_ms = shared.clock.now_ms();
    for token in shared.connections.list_tokens().await? {
        let state = token.state(now_ms).to_owned();
        tokens.get_or_create(&[("channel", token.channel), ("kind", token.kind), ("state", state)]).inc();
    }
    Ok(())
}

/// The process: memory and open files, as the kernel counts them. Source: proc(5).
fn gather_process(registry: &mut Registry) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    if let Some::<i64>(kib) = kib {
        registry.register_with_unit("resident_memory", "Resident memory", Unit::Bytes, as_gauge(kib * 1024));
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        gauge(registry, "open_fds", "Open file descriptors", files.count());
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: impl TryInto<i64>) {
    registry.register(name, help, as_gauge(value));
}

fn as_gauge(value: impl TryInto<i64>) -> Gauge {
    let gauge = Gauge::<i64>::default();
    gauge.set(value.try_into().unwrap_or(i64::MAX));
    gauge
}

/// Milliseconds as seconds.
#[allow(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
pub(super) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
