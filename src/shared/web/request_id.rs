//! A name for every request, in its answer (`X-Request-Id`) and on every line that is logged because of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::Instrument;

/// The header of the answer.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Gives out names: some digits of this start of the service, and a number. What a caller sends is not believed: it
/// could be anything, and it would stand in the log. Cheap to clone.
#[derive(Clone)]
pub struct RequestIds(Arc<(u32, AtomicU64)>);

impl RequestIds {
    /// Begins to count.
    #[must_use]
    pub fn new() -> Self {
        // Only tells this start from others; without random bytes the time would do.
        let start = getrandom::u32().unwrap_or_else(|_| std::process::id());
        Self(Arc::new((start, AtomicU64::new(1))))
    }

    fn next(&self) -> String {
        format!("{:08x}-{:x}", self.0.0, self.0.1.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

/// Names a request. The outermost layer, so that everything logged on the way carries the name.
pub async fn name(State(ids): State<RequestIds>, request: Request, next: Next) -> Response {
    let id = ids.next();
    let span = tracing::info_span!("request", id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
