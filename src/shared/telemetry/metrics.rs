//! What is counted and timed while the service works, for `GET /metrics`. Every name is explained in `docs/metrics.md`.
//!
//! There is one [`Metrics`] for each service, and no global state. Whoever counts on the way of a delivery holds its
//! handles ready: counting is then an atomic addition, without a lock, a look-up or an allocation. What is known only when
//! somebody asks (lag, connections, memory) is not here: the operator's view reads it at that moment.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Metric, Registry, Unit};

/// Label names with their values.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The bounds of all times, in microseconds: from a memory access to more than a platform's patience.
const TIME_BOUNDS_US: [u64; 16] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 30_000_000,
];

/// The bounds of batch sizes: powers of two up to the largest batch.
const SIZE_BOUNDS: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// Everything that is counted. Cheap to clone: a delivery is handed from state to state with it.
#[derive(Clone)]
pub struct Metrics(Arc<Counted>);

impl Deref for Metrics {
    type Target = Counted;

    fn deref(&self) -> &Counted {
        &self.0
    }
}

/// What [`Metrics`] share.
pub struct Counted {
    registry: Registry,
    deliveries: Family<Labels<3>, Counter>,
    outdated: Family<Labels<2>, Counter>,
    events: Family<Labels<2>, Counter>,
    acknowledgements: Family<Labels<1>, Timing>,
    calls: Family<Labels<2>, Counter>,
    call_times: Family<Labels<1>, Timing>,
    reads: Family<Labels<3>, Counter>,
    alerts: Family<Labels<1>, Counter>,
    alert_posts: Family<Labels<1>, Counter>,
    jobs: Family<Labels<1>, Counter>,
    /// How long searches of products took.
    pub search: Timing,
    takeovers: Family<[(&'static str, String); 2], Counter>,
    pushes: Family<Labels<1>, Counter>,
    api_requests: Family<[(&'static str, String); 2], Counter>,
    cloud_requests: Family<Labels<2>, Counter>,
    /// Messages to people.
    pub replies: ReplyMetrics,
    /// The built-in responder.
    pub bot: BotMetrics,
    /// Streams of events that are open, and readers that wait.
    pub feed_streams: Gauge,
    /// Answers to all requests.
    pub answers: AnswerMetrics,
    /// What the journal's writer counts.
    pub writer: WriterMetrics,
}

/// Messages to people. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ReplyMetrics {
    changes: Family<Labels<3>, Counter>,
    times: Family<Labels<1>, Timing>,
    parts: Family<[(&'static str, String); 2], Counter>,
    unknown_codes: Family<[(&'static str, String); 2], Counter>,
}

impl ReplyMetrics {
    /// A message has this state now, for this reason if it failed.
    pub fn count(&self, channel: &'static str, state: &'static str, reason: &'static str) {
        self.changes.get_or_create(&[("channel", channel), ("state", state), ("reason", reason)]).inc();
    }

    /// The platform took a part. `billing`: what it says about its cost, in one word.
    pub fn count_part(&self, channel: &'static str, billing: &str) {
        self.parts.get_or_create(&[("channel", channel.to_owned()), ("billing", billing.to_owned())]).inc();
    }

    /// The platform refused a part with a code that the channel does not know.
    pub fn count_unknown_code(&self, channel: &str, code: &str) {
        self.unknown_codes.get_or_create(&[("channel", channel.to_owned()), ("code", code.to_owned())]).inc();
    }

    /// A message was sent so long after it was accepted.
    pub fn time(&self, channel: &'static str, took: Duration) {
        self.times.get_or_create(&[("channel", channel)]).observe(took);
    }
}

/// What the built-in responder did. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct BotMetrics {
    answers: Family<Labels<1>, Counter>,
    tokens: Family<Labels<1>, Counter>,
    times: Timing,
}

impl BotMetrics {
    /// A question was settled in this way, after so long.
    pub fn count_answer(&self, outcome: &'static str, took: Duration) {
        self.answers.get_or_create(&[("outcome", outcome)]).inc();
        self.times.observe(took);
    }

    /// The model took these in and gave these out.
    pub fn count_tokens(&self, taken_in: i64, given_out: i64) {
        for (direction, count) in [("in", taken_in), ("out", given_out)] {
            self.tokens.get_or_create(&[("direction", direction)]).inc_by(u64::try_from(count).unwrap_or(0));
        }
    }
}

/// Answers to all requests, by status. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AnswerMetrics(Arc<[(u16, Counter)]>);

impl AnswerMetrics {
    /// The statuses that are counted apart. Any other one counts as the first of its class, as RFC 9110 reads it.
    const STATUSES: [(u16, &str); 16] = [
        (200, "200"),
        (204, "204"),
        (300, "3xx"),
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (405, "405"),
        (408, "408"),
        (413, "413"),
        (414, "414"),
        (415, "415"),
        (429, "429"),
        (500, "500"),
        (502, "502"),
        (503, "503"),
    ];

    /// An answer with this status was given.
    pub fn count(&self, status: http::StatusCode) {
        let find = |status: u16| self.0.iter().find(|(counted, _)| *counted == status);
        let class = status.as_u16() / 100 * 100;
        if let Some((_, counter)) = find(status.as_u16()).or_else(|| find(class)) {
            counter.inc();
        }
    }
}

/// What the journal's writer counts. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct WriterMetrics {
    /// How long transactions took, from the first statement to the end of the commit.
    pub commit_time: Timing,
    /// How many requests shared one transaction.
    pub batch: Sizes,
    /// Transactions that failed.
    pub failures: Counter,
}

/// The handles of a channel's intake. Cheap to clone.
#[derive(Debug, Clone)]
pub struct IntakeMetrics {
    /// From the head of the request to the answer.
    pub acknowledgement: Timing,
    /// Deliveries with at least one event that was not known before.
    pub stored: Counter,
    /// Deliveries that were known already.
    pub repeated: Counter,
    /// Our own self-tests.
    pub self_tests: Counter,
    /// Answered 503, by reason.
    pub unavailable: [Counter; Unavailable::ALL.len()],
    /// Refused, by reason.
    pub refused: [Counter; Refusal::ALL.len()],
    /// Signed in the older way only.
    pub old_signature: Counter,
    /// Signed with the secret before the current one.
    pub previous_secret: Counter,
    /// Events that were not known before.
    pub new_events: Counter,
    /// Events that were known already.
    pub repeated_events: Counter,
}

/// Why a delivery was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no signature.
    Missing,
    /// The header is there twice, or is not a signature.
    Malformed,
    /// It is a signature of something else, or with another secret.
    Wrong,
    /// Only the older signature is there, and the settings want the newer one.
    TooOld,
    /// The signature is right, and what it signs was made for another purpose than a delivery.
    OtherPurpose,
}

impl Refusal {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Missing, Self::Malformed, Self::Wrong, Self::TooOld, Self::OtherPurpose];

    /// The word in the metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "no_signature",
            Self::Malformed => "malformed_signature",
            Self::Wrong => "wrong_signature",
            Self::TooOld => "old_signature",
            Self::OtherPurpose => "other_purpose",
        }
    }
}

/// Why a delivery could not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// More was waiting than the writer can take.
    QueueFull,
    /// The journal could not be written.
    NotWritten,
    /// The commit took too long.
    TooSlow,
}

impl Unavailable {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::QueueFull, Self::NotWritten, Self::TooSlow];

    /// The word in the metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::NotWritten => "not_written",
            Self::TooSlow => "too_slow",
        }
    }
}

/// Counters that are shown before they count.
fn from_zero(label: &'static str, values: [&'static str; 2]) -> Family<Labels<1>, Counter> {
    let family = Family::default();
    for value in values {
        drop(family.get_or_create(&[(label, value)]));
    }
    family
}

/// A registry that gives back what it takes in.
struct Book(Registry);

impl Book {
    fn keep<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn keep_times<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register_with_unit(name, help, Unit::Seconds, metric.clone());
        metric
    }

    fn replies(&mut self) -> ReplyMetrics {
        let replies = ReplyMetrics::default();
        self.keep("replies", "Messages to people, by the states that they reached", replies.changes.clone());
        self.keep_times("reply", "From the acceptance of a message to its sending", replies.times.clone());
        let parts = "Parts of messages that a platform took, by what it says about their cost";
        self.keep("reply_parts", parts, replies.parts.clone());
        let unknown = "Parts of messages that a platform refused with a code that is not known here";
        self.keep("reply_unknown_codes", unknown, replies.unknown_codes.clone());
        replies
    }

    fn bot(&mut self) -> BotMetrics {
        let bot = BotMetrics::default();
        let answers = "Questions that the built-in responder settled, by outcome";
        self.keep("bot_answers", answers, bot.answers.clone());
        self.keep("bot_tokens", "Tokens that the model took in and gave out", bot.tokens.clone());
        self.keep_times("bot", "How long a question took to settle", bot.times.clone());
        bot
    }

    fn answers(&mut self) -> AnswerMetrics {
        let by_status = "Answers to requests of any kind, by status";
        let by_status: Family<Labels<1>, Counter> = self.keep("answers", by_status, Family::default());
        let counted = |(status, name)| (status, by_status.get_or_create_owned(&[("status", name)]));
        AnswerMetrics(AnswerMetrics::STATUSES.map(counted).into())
    }

    fn writer(&mut self) -> WriterMetrics {
        let writer = WriterMetrics::default();
        self.keep_times("commit", "How long a transaction of the journal took", writer.commit_time.clone());
        self.keep("commit_requests", "How many requests shared one transaction", writer.batch.clone());
        self.keep("commit_failures", "Transactions of the journal that failed", writer.failures.clone());
        writer
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut book = Book(Registry::with_prefix("shoptalk"));
        let cloud_requests: Family<Labels<2>, Counter> = Family::default();
        drop(cloud_requests.get_or_create_owned(&[("operation", "put"), ("outcome", "done")]));
        Self(Arc::new(Counted {
            deliveries: book.keep("deliveries", "Webhook deliveries by what became of them", Family::default()),
            outdated: book.keep(
                "deliveries_outdated",
                "Accepted deliveries with only the older signature, or signed with the previous secret",
                Family::default(),
            ),
            events: book.keep("events", "Events in webhook deliveries, new or repeated", Family::default()),
            acknowledgements: book.keep_times(
                "acknowledgement",
                "From the head of a delivery to its answer",
                Family::default(),
            ),
            calls: book.keep("platform_calls", "Calls of a platform's API, each try, by outcome", Family::default()),
            call_times: book.keep_times(
                "platform_call",
                "How long calls of a platform's API took, each try",
                Family::default(),
            ),
            reads: book.keep(
                "reads",
                "Reads of whole accounts (polls), of single objects and hourly looks, by outcome",
                Family::default(),
            ),
            alerts: book.keep("alerts", "Alerts that were raised or healed", from_zero("what", ["raised", "healed"])),
            alert_posts: book.keep(
                "alert_posts",
                "Posts to ALERT_WEBHOOK_URL, by outcome",
                from_zero("outcome", ["sent", "failed"]),
            ),
            jobs: book.keep("jobs", "Scheduled jobs that ran, by outcome", from_zero("outcome", ["done", "failed"])),
            search: book.keep_times("search", "How long a search of products took", Timing::default()),
            takeovers: book.keep("takeovers", "Pauses of bots that began, by channel and cause", Family::default()),
            feed_streams: book.keep(
                "feed_streams",
                "Streams of events that are open, and readers that wait",
                Gauge::default(),
            ),
            pushes: book.keep(
                "push",
                "Posts of events to receivers of merchants, by outcome",
                from_zero("outcome", ["taken", "failed"]),
            ),
            api_requests: book.keep(
                "api_requests",
                "Requests of the API for bots, by the pattern of their route and the status of their answer",
                Family::default(),
            ),
            cloud_requests: book.keep(
                "cloud_requests",
                "Requests to object storage, by what was asked and what became of it",
                cloud_requests,
            ),
            replies: book.replies(),
            bot: book.bot(),
            answers: book.answers(),
            writer: book.writer(),
            registry: book.0,
        }))
    }
}

impl Metrics {
    /// The handles of a channel's intake. From then on all its series are shown, at zero where nothing happened yet.
    #[must_use]
    pub fn intake(&self, channel: &'static str) -> IntakeMetrics {
        let delivery = |outcome, reason| {
            self.deliveries.get_or_create_owned(&[("channel", channel), ("outcome", outcome), ("reason", reason)])
        };
        let outdated = |what| self.outdated.get_or_create_owned(&[("channel", channel), ("what", what)]);
        let events = |outcome| self.events.get_or_create_owned(&[("channel", channel), ("outcome", outcome)]);
        IntakeMetrics {
            acknowledgement: self.acknowledgements.get_or_create_owned(&[("channel", channel)]),
            stored: delivery("stored", ""),
            repeated: delivery("repeated", ""),
            self_tests: delivery("self_test", ""),
            unavailable: Unavailable::ALL.map(|reason| delivery("unavailable", reason.as_str())),
            refused: Refusal::ALL.map(|reason| delivery("refused", reason.as_str())),
            old_signature: outdated("old_signature"),
            previous_secret: outdated("previous_secret"),
            new_events: events("new"),
            repeated_events: events("repeated"),
        }
    }

    /// A call of a platform's API is over.
    pub fn count_call(&self, channel: &'static str, outcome: &'static str, took: Duration) {
        self.calls.get_or_create(&[("channel", channel), ("outcome", outcome)]).inc();
        self.call_times.get_or_create(&[("channel", channel)]).observe(took);
    }

    /// A read is over.
    pub fn count_read(&self, channel: &'static str, what: &'static str, outcome: &'static str) {
        self.reads.get_or_create(&[("channel", channel), ("what", what), ("outcome", outcome)]).inc();
    }

    /// An alert was `raised` or `healed`.
    pub fn count_alert(&self, what: &'static str) {
        self.alerts.get_or_create(&[("what", what)]).inc();
    }

    /// A post of an alert was `sent` or `failed`.
    pub fn count_alert_post(&self, outcome: &'static str) {
        self.alert_posts.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// Bots were silenced in a conversation, because of `human`, `app` or `api`.
    pub fn count_takeover(&self, channel: &str, by: &str) {
        self.takeovers.get_or_create(&[("channel", channel.to_owned()), ("by", by.to_owned())]).inc();
    }

    /// A post of an event was `taken` or `failed`.
    pub fn count_push(&self, outcome: &'static str) {
        self.pushes.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// A scheduled job was `done` or `failed`.
    pub fn count_job(&self, outcome: &'static str) {
        self.jobs.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// A request of the API for bots was answered. `route`: the pattern, never what a caller wrote.
    pub fn count_api_request(&self, route: &str, status: http::StatusCode) {
        let labels = [("route", route.to_owned()), ("status", status.as_str().to_owned())];
        self.api_requests.get_or_create(&labels).inc();
    }

    /// Object storage was asked to do this, and this became of it.
    pub fn count_cloud_request(&self, operation: &'static str, outcome: &'static str) {
        self.cloud_requests.get_or_create(&[("operation", operation), ("outcome", outcome)]).inc();
    }

    /// All of this, and what `more` hold, as text that Prometheus reads (OpenMetrics 1.0).
    ///
    /// # Errors
    /// Never in practice: writing to a text does not fail.
    pub fn encode(&self, more: &[&Registry]) -> Result<String, fmt::Error> {
        let mut written = String::with_capacity(16 * 1024);
        text::encode_registry(&mut written, &self.registry)?;
        for registry in more {
            text::encode_registry(&mut written, registry)?;
        }
        text::encode_eof(&mut written)?;
        Ok(written)
    }
}

/// The counts behind a histogram: one for each bound, one for what is larger, and the sum.
#[derive(Debug)]
struct Counts<const N: usize> {
    counts: [AtomicU64; N],
    larger: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        Self { counts: std::array::from_fn(|_| AtomicU64::new(0)), larger: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }
}

impl<const N: usize> Counts<N> {
    fn observe(&self, bounds: &[u64; N], value: u64) {
        let found = self.counts.get(bounds.partition_point(|bound| *bound < value));
        found.unwrap_or(&self.larger).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// `unit`: how many of the counted things are one of the shown ones.
    fn encode(&self, bounds: &[u64; N], unit: f64, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let as_shown = |value: u64| {
            // Exact up to 2^53: hundreds of years in microseconds.
            #[allow(clippy::cast_precision_loss)]
            let value = value as f64;
            value / unit
        };
        let mut buckets: Vec<(f64, u64)> =
            bounds.iter().zip(&self.counts).map(|(bound, count)| (as_shown(*bound), read(count))).collect();
        buckets.push((f64::INFINITY, read(&self.larger)));
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(as_shown(read(&self.sum)), count, &buckets, None)
    }
}

/// A histogram of times that is only ever added to, by atomic additions. Cheap to clone; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Timing(Arc<Counts<{ TIME_BOUNDS_US.len() }>>);

impl Timing {
    /// Something took this long.
    pub fn observe(&self, took: Duration) {
        self.0.observe(&TIME_BOUNDS_US, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

impl EncodeMetric for Timing {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.encode(&TIME_BOUNDS_US, 1_000_000.0, &mut encoder)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Timing {
    const TYPE: MetricType = MetricType::Histogram;
}

/// A histogram of sizes, made like [`Timing`].
#[derive(Debug, Clone, Default)]
pub struct Sizes(Arc<Counts<{ SIZE_BOUNDS.len() }>>);

impl Sizes {
    /// Something was this large.
    pub fn observe(&self, size: usize) {
        self.0.observe(&SIZE_BOUNDS, size as u64);
    }
}

impl EncodeMetric for Sizes {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.encode(&SIZE_BOUNDS, 1.0, &mut encoder)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Sizes {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_each_time_in_the_first_bucket_that_holds_it() {
        let metrics = Metrics::default();
        for took in [250, 251, 40_000_000] {
            metrics.writer.commit_time.observe(Duration::from_micros(took));
        }
        let text = metrics.encode(&[]).expect("encoded");
        for line in [
            "# TYPE shoptalk_commit_seconds histogram",
            "shoptalk_commit_seconds_sum 40.000501",
            "shoptalk_commit_seconds_count 3",
            r#"shoptalk_commit_seconds_bucket{le="0.00025"} 1"#,
            r#"shoptalk_commit_seconds_bucket{le="0.0005"} 2"#,
            r#"shoptalk_commit_seconds_bucket{le="30.0"} 2"#,
            r#"shoptalk_commit_seconds_bucket{le="+Inf"} 3"#,
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn a_channel_shows_its_series_before_anything_happened() {
        let metrics = Metrics::default();
        let intake = metrics.intake("a_channel");
        intake.refused[Refusal::Wrong as usize].inc();
        let text = metrics.encode(&[]).expect("encoded");
        for line in [
            r#"shoptalk_deliveries_total{channel="a_channel",outcome="stored",reason=""} 0"#,
            r#"shoptalk_deliveries_total{channel="a_channel",outcome="refused",reason="wrong_signature"} 1"#,
            r#"shoptalk_deliveries_total{channel="a_channel",outcome="unavailable",reason="queue_full"} 0"#,
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
    }
}
