//! What all webhook routes have in common: refuse, or store and answer; and what is counted on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};

use super::request_id::Begun;
use crate::shared::channel::context::Shared;
use crate::shared::clock::Clock;
use crate::shared::journal::{AlsoKnown, Appended, Event, Journal, JournalError};
use crate::shared::outgoing::self_test::{Own, SelfTests};
use crate::shared::secrets::signature::Signer;
use crate::shared::telemetry::alerts::Alerts;
use crate::shared::telemetry::metrics::{IntakeMetrics, Refusal, Unavailable};
use crate::shared::telemetry::once_per_second::OncePerSecond;
use crate::shared::telemetry::refused::RefusedDeliveries;

/// A commit that takes longer is given up: the platform's own patience ends at 5 s, and an honest 503 beats silence.
const COMMIT_WITHIN: Duration = Duration::from_secs(4);

/// So many wrong signatures within [`BURST_WITHIN_MS`] and no right one between them: somebody must look.
const BURST: u64 = 20;

/// Within how many milliseconds.
const BURST_WITHIN_MS: i64 = 10 * 60 * 1000;

/// The intake of one channel. Cheap to clone.
#[derive(Clone)]
pub struct Intake(Arc<Inner>);

struct Inner {
    channel: &'static str,
    journal: Journal,
    metrics: IntakeMetrics,
    wrong: WrongSignatures,
    self_tests: SelfTests,
    not_stored: OncePerSecond,
    refused: RefusedDeliveries,
    clock: Clock,
    /// For each reason.
    said: [OncePerSecond; Refusal::ALL.len()],
}

impl Intake {
    /// The intake of this channel.
    #[must_use]
    pub fn new(shared: &Shared, channel: &'static str) -> Self {
        Self(Arc::new(Inner {
            channel,
            journal: shared.journal.clone(),
            metrics: shared.metrics.intake(channel),
            wrong: WrongSignatures::new(channel, shared.alerts.clone(), shared.clock.clone()),
            self_tests: shared.self_tests.clone(),
            not_stored: OncePerSecond::new(),
            refused: shared.refused.clone(),
            clock: shared.clock.clone(),
            said: [const { OncePerSecond::new() }; _],
        }))
    }

    /// Refuses a delivery: 401, an empty body, and at most one log line a second for each reason, so that strangers
    /// cannot fill the log.
    #[must_use]
    pub fn refuse(&self, reason: Refusal) -> Response {
        let Inner { channel, metrics, wrong, said, refused, clock, .. } = &*self.0;
        metrics.refused[reason as usize].inc();
        refused.note(channel, reason, clock.now_ms());
        if reason == Refusal::Wrong {
            wrong.met();
        }
        if let Some(unsaid) = said[reason as usize].should_log() {
            tracing::warn!(channel, reason = reason.as_str(), unsaid, "a delivery was refused");
        }
        StatusCode::UNAUTHORIZED.into_response()
    }

    /// The signature of a delivery is right.
    pub fn verified(&self, signer: Signer) {
        self.0.wrong.over();
        if signer == Signer::Previous {
            self.0.metrics.previous_secret.inc();
        }
    }

    /// The signature that is right is of the older kind.
    pub fn signed_in_the_old_way(&self) {
        self.0.metrics.old_signature.inc();
    }

    /// Answers what is rightly signed and no delivery; `None`: it is one. Our own self-test leaves nothing behind, the
    /// doctor's probe gets its nonce back, so that the doctor knows who answers, and what was signed for another purpose is
    /// refused: `is_for_other` says of a body whether the platform signs such texts with the same secret.
    #[must_use]
    pub fn answer_other(&self, body: &[u8], is_for_other: impl FnOnce(&[u8]) -> bool) -> Option<Response> {
        let Inner { metrics, self_tests, .. } = &*self.0;
        let answer = match self_tests.recognise(body) {
            Some(Own::Test) => StatusCode::OK.into_response(),
            Some(Own::Probe(nonce)) => nonce.into_response(),
            Some(Own::OldTest) => return Some(self.refuse(Refusal::OtherPurpose)),
            None => return is_for_other(body).then(|| self.refuse(Refusal::OtherPurpose)),
        };
        metrics.self_tests.inc();
        Some(answer)
    }

    /// Commits the events of a delivery and answers 200, or 503 if that is not possible now.
    pub async fn store(&self, events: Vec<Event>) -> Response {
        self.store_known(events, Vec::new()).await
    }

    /// As [`Intake::store`], with other names of the people in these events.
    pub async fn store_known(&self, events: Vec<Event>, names: Vec<AlsoKnown>) -> Response {
        self.try_store(events, names).await.map_or_else(|refusal| refusal, |_| StatusCode::OK.into_response())
    }

    /// As [`Intake::store_known`], for who answers in its own way what could be stored.
    ///
    /// # Errors
    /// The answer, where it could not: 503.
    pub async fn try_store(&self, events: Vec<Event>, names: Vec<AlsoKnown>) -> Result<Appended, Response> {
        let Inner { channel, journal, metrics, .. } = &*self.0;
        match tokio::time::timeout(COMMIT_WITHIN, journal.append_known(events, names)).await {
            Ok(Ok(appended)) => {
                metrics.new_events.inc_by(appended.new as u64);
                metrics.repeated_events.inc_by(appended.repeated as u64);
                // One that holds no event at all says nothing new either.
                if appended.new > 0 { &metrics.stored } else { &metrics.repeated }.inc();
                tracing::debug!(
                    channel,
                    new = appended.new,
                    repeated = appended.repeated,
                    last_seq = appended.last_seq,
                    "a delivery was stored"
                );
                Ok(appended)
            }
            Ok(Err(error)) => {
                let reason = match error {
                    JournalError::Busy => Unavailable::QueueFull,
                    JournalError::Storage(_) | JournalError::Closed => Unavailable::NotWritten,
                };
                Err(self.unavailable(reason, &error.to_string()))
            }
            Err(_) => Err(self.unavailable(Unavailable::TooSlow, "not in time")),
        }
    }

    fn unavailable(&self, reason: Unavailable, why: &str) -> Response {
        let Inner { channel, metrics, not_stored, .. } = &*self.0;
        metrics.unavailable[reason as usize].inc();
        if let Some(unsaid) = not_stored.should_log() {
            tracing::warn!(channel, why, unsaid, "a delivery could not be stored; the platform will send it again");
        }
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, HeaderValue::from_static("1"))]).into_response()
    }
}

/// Times the answers to deliveries, from the head of the request. A layer around a webhook route.
pub async fn observe(State(Intake(intake)): State<Intake>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let begun = request.extensions().get::<Begun>().map_or_else(Instant::now, |begun| begun.0);
    let response = next.run(request).await;
    intake.metrics.acknowledgement.observe(begun.elapsed());
    response
}

/// Tells a secret that no longer fits from a stranger's try: many wrong signatures, and no right one between them.
struct WrongSignatures {
    channel: &'static str,
    alerts: Alerts,
    clock: Clock,
    /// Since the last right one.
    count: AtomicU64,
    /// When the first of them came, in milliseconds since 1970.
    since: AtomicI64,
    raised: AtomicBool,
}

impl WrongSignatures {
    fn new(channel: &'static str, alerts: Alerts, clock: Clock) -> Self {
        let (count, since, raised) = (AtomicU64::new(0), AtomicI64::new(0), AtomicBool::new(false));
        Self { channel, alerts, clock, count, since, raised }
    }

    fn cause(&self) -> String {
        format!("{}:signatures", self.channel)
    }

    fn met(&self) {
        let now_ms = self.clock.now_ms();
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if count == 1 || now_ms - self.since.load(Ordering::Relaxed) > BURST_WITHIN_MS {
            self.since.store(now_ms, Ordering::Relaxed);
            self.count.store(1, Ordering::Relaxed);
        } else if count >= BURST && !self.raised.swap(true, Ordering::Relaxed) {
            self.alerts.raise(
                &self.cause(),
                "Every delivery has a wrong signature: is the app's secret here still the one in the platform's portal? \
                 If it is, somebody else is trying this address, and nothing was lost.",
            );
        }
    }

    fn over(&self) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.count.store(0, Ordering::Relaxed);
        if self.raised.swap(false, Ordering::Relaxed) {
            self.alerts.heal(&self.cause());
        }
    }
}
