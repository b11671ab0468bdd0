//! A name for every request, in its answer (`X-Request-Id`) and on every line that is logged because of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::Instrument;

use crate::shared::telemetry::metrics::AnswerMetrics;

/// The header of the answer.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Gives out names: some digits of this start of the service, and a number. What a caller sends is not believed: it
/// could be anything, and it would stand in the log. Cheap to clone.
#[derive(Clone)]
pub struct RequestIds(Arc<Inner>);

struct Inner {
    start: u32,
    next: AtomicU64,
    answers: AnswerMetrics,
}

impl RequestIds {
    /// Begins to count; answers are counted there.
    #[must_use]
    pub fn new(answers: AnswerMetrics) -> Self {
        // Only tells this start from others; without random bytes the time would do.
        let start = getrandom::u32().unwrap_or_else(|_| std::process::id());
        Self(Arc::new(Inner { start, next: AtomicU64::new(1), answers }))
    }

    fn next(&self) -> String {
        format!("{:08x}-{:x}", self.0.start, self.0.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// When the head of a request was read. In the request's extensions.
#[derive(Clone, Copy)]
pub struct Begun(pub Instant);

/// Names a request, and counts its answer. The outermost layer, so that everything logged on the way carries the name.
pub async fn name(State(ids): State<RequestIds>, mut request: Request, next: Next) -> Response {
    let id = ids.next();
    let span = tracing::info_span!("request", id);
    request.extensions_mut().insert(Begun(Instant::now()));
    let mut response = next.run(request).instrument(span).await;
    ids.0.answers.count(response.status());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
