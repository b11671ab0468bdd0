//! What the simulated platforms share: a loopback server, a record of what it was asked, and failures on request.
//!
//! A simulator is a real HTTP server with state. It meets the service over HTTP only and imports nothing of the code
//! that it is there to test; this module therefore depends on nothing else in the crate.

mod planting;
mod post;
mod send_failure;
mod wire;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::planting::Planting;
pub use self::post::{Post, Posts, Queue, Webhooks, surplus};
pub use self::send_failure::{Plans, SendFailure};
pub use self::wire::{ascii_json, hmac_sha256_hex, json_answer, loopback_client, random_text};

/// Where a simulator gets its time from: the system's clock in the demo, a hand-moved one in tests.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The largest request body a simulator reads.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Locks a mutex and ignores poisoning: a simulator's state is only ever replaced whole.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What goes wrong, instead of the answer that the simulator would have given.
#[derive(Debug, Clone)]
pub enum Failure {
    /// This status with an empty body.
    Status(u16),
    /// This status with `Retry-After: seconds`.
    RetryAfter(u16, String),
    /// This status with this JSON body.
    Json(u16, serde_json::Value),
    /// `200` with this header and this JSON body.
    WithHeader(String, String, serde_json::Value),
    /// This status with this text as its JSON body, for what no value holds.
    Text(u16, String),
    /// `200` with a page of HTML, as gateways in trouble send it.
    Html,
    /// `200`, `application/json`, and the first half of the true answer.
    HalfBody,
    /// `200` with nothing in it.
    Empty,
    /// The request is carried out, and then no answer ever comes.
    Hang,
    /// The request is carried out, and its answer comes once somebody says so.
    Late(Arc<Notify>),
    /// The request is carried out, and then the connection is closed in the middle of the answer.
    Disconnect,
}

struct Planned {
    path_contains: String,
    body_contains: String,
    skip: usize,
    times: usize,
    /// After a failure so many requests are answered as ever.
    every: usize,
    failure: Failure,
}

/// One request that a simulator received.
#[derive(Debug, Clone)]
pub struct Received {
    /// The HTTP method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query as it came, without the question mark; empty if there was none.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The raw body.
    pub body: Bytes,
    /// Whether a route of the simulator knew the request. A test ends by checking that all were.
    pub known: bool,
}

impl Received {
    /// The body as text, for looking into it in tests.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The traffic of one simulator: everything it received, and what shall go wrong next. Cheap to clone.
#[derive(Clone, Default)]
pub struct Traffic {
    received: Arc<Mutex<Vec<Received>>>,
    planned: Arc<Mutex<VecDeque<Planned>>>,
    planting: Arc<Mutex<Option<Planting>>>,
    arrived: Arc<Notify>,
}

impl Traffic {
    /// The next `times` requests whose path contains `path_contains` fail in this way.
    pub fn fail_next(&self, path_contains: &str, times: usize, failure: Failure) {
        self.fail_next_with_body(path_contains, "", times, failure);
    }

    /// As [`Traffic::fail_next`], but only for requests whose body contains `body_contains`: GraphQL has one path.
    pub fn fail_next_with_body(&self, path_contains: &str, body_contains: &str, times: usize, failure: Failure) {
        lock(&self.planned).push_back(Planned {
            path_contains: path_contains.to_owned(),
            body_contains: body_contains.to_owned(),
            skip: 0,
            times,
            every: 0,
            failure,
        });
    }

    /// As [`Traffic::fail_next`], after `skip` such requests that are answered as ever: the second part of a list.
    pub fn fail_after(&self, path_contains: &str, skip: usize, times: usize, failure: Failure) {
        lock(&self.planned).push_back(Planned {
            path_contains: path_contains.to_owned(),
            body_contains: String::new(),
            skip,
            times,
            every: 0,
            failure,
        });
    }

    /// From now on every so-many-th request whose path contains `path_contains` fails in this way.
    pub fn fail_every(&self, path_contains: &str, every: usize, failure: Failure) {
        lock(&self.planned).push_back(Planned {
            path_contains: path_contains.to_owned(),
            body_contains: String::new(),
            skip: every.saturating_sub(1),
            times: usize::MAX,
            every: every.saturating_sub(1),
            failure,
        });
    }

    /// From now on every JSON answer holds this, or nothing of the kind.
    pub fn plant(&self, planting: Option<Planting>) {
        *lock(&self.planting) = planting;
    }

    /// Forgets all planned failures.
    pub fn heal(&self) {
        lock(&self.planned).clear();
    }

    /// Everything received so far, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }

    /// How many requests so far had a path that contains `path_contains`.
    #[must_use]
    pub fn count(&self, path_contains: &str) -> usize {
        lock(&self.received).iter().filter(|request| request.path.contains(path_contains)).count()
    }

    /// Waits until so many requests have been received.
    pub async fn until_received(&self, count: usize) {
        loop {
            let arrived = self.arrived.notified();
            if lock(&self.received).len() >= count {
                return;
            }
            arrived.await;
        }
    }

    /// Requests that no route of the simulator knew.
    #[must_use]
    pub fn unknown(&self) -> Vec<Received> {
        lock(&self.received).iter().filter(|request| !request.known).cloned().collect()
    }

    /// Keeps a request that came, and gives its place among them.
    fn note(&self, parts: &Parts, body: &Bytes) -> usize {
        let mut received = lock(&self.received);
        received.push(Received {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers.clone(),
            body: body.clone(),
            known: true,
        });
        self.arrived.notify_waiters();
        received.len() - 1
    }

    fn take_failure(&self, path: &str, body: &[u8]) -> Option<Failure> {
        let mut planned = lock(&self.planned);
        let found = planned.iter_mut().find(|plan| {
            plan.times > 0
                && path.contains(&plan.path_contains)
                && (plan.body_contains.is_empty() || String::from_utf8_lossy(body).contains(&plan.body_contains))
        })?;
        if found.skip > 0 {
            found.skip -= 1;
            return None;
        }
        found.times -= 1;
        found.skip = found.every;
        let failure = found.failure.clone();
        planned.retain(|plan| plan.times > 0);
        Some(failure)
    }
}

/// A simulator's HTTP server on a loopback port. It stops when it is dropped.
pub struct Loopback {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Loopback {
    /// Serves `router` on 127.0.0.1 at a free port, watched by `traffic`. Routes must set no fallback of their own:
    /// what reaches the fallback is recorded as unknown and answered 404.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(router: Router, traffic: Traffic) -> std::io::Result<Self> {
        Self::start_on(router, traffic, 0).await
    }

    /// As [`Loopback::start`], at this port if it is free: settings that name it then hold for the next time.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start_on(router: Router, traffic: Traffic, port: u16) -> std::io::Result<Self> {
        let listener = match tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Err(_) if port != 0 => tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
            bound => bound?,
        };
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let app = router
            .fallback(|| async {
                let mut response = StatusCode::NOT_FOUND.into_response();
                response.extensions_mut().insert(UnknownRoute);
                response
            })
            .layer(middleware::from_fn_with_state(traffic, watch));
        tokio::spawn(async move {
            let served =
                axum::serve(listener, app).with_graceful_shutdown(async move { stopped.cancelled().await }).await;
            if let Err(error) = served {
                tracing::warn!(%error, "a simulator's server ended");
            }
        });
        Ok(Self { address, stop })
    }

    /// `http://127.0.0.1:<port>`, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[derive(Clone)]
struct UnknownRoute;

async fn watch(State(traffic): State<Traffic>, request: HttpRequest, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let index = traffic.note(&parts, &body);
    let failure = traffic.take_failure(parts.uri.path(), &body);
    let answer = || next.run(HttpRequest::from_parts(parts, Body::from(body)));
    let response = match failure {
        None => answer().await,
        Some(failure) => failed(failure, answer).await,
    };
    if response.extensions().get::<UnknownRoute>().is_some()
        && let Some(request) = lock(&traffic.received).get_mut(index)
    {
        request.known = false;
    }
    let planting = lock(&traffic.planting).clone();
    match planting {
        Some(planting) => planting.plant(response).await,
        None => response,
    }
}

/// What goes wrong, in the place of an answer. `answer` gives the one that would have come: some failures come after the
/// platform has done what it was asked for.
async fn failed<F: Future<Output = Response>>(failure: Failure, answer: impl FnOnce() -> F) -> Response {
    const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
    match failure {
        Failure::Status(status) => status_of(status).into_response(),
        Failure::RetryAfter(status, seconds) => {
            let mut response = status_of(status).into_response();
            if let Ok(value) = HeaderValue::from_str(&seconds) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
            response
        }
        Failure::Json(status, body) => (status_of(status), JSON, body.to_string()).into_response(),
        Failure::WithHeader(name, value, body) => {
            let mut response = (JSON, body.to_string()).into_response();
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(&value)) {
                response.headers_mut().insert(name, value);
            }
            response
        }
        Failure::Text(status, body) => (status_of(status), JSON, body).into_response(),
        Failure::Html => {
            let page = "<!doctype html><title>Sorry</title><p>Something went wrong.";
            (StatusCode::OK, [(header::CONTENT_TYPE, "text/html")], page).into_response()
        }
        Failure::Empty => StatusCode::OK.into_response(),
        Failure::HalfBody => {
            let whole = axum::body::to_bytes(answer().await.into_body(), MAX_BODY_BYTES).await.unwrap_or_default();
            let half = whole.slice(..whole.len() / 2);
            (StatusCode::OK, JSON, half).into_response()
        }
        Failure::Hang => {
            drop(answer().await);
            tokio::time::sleep(Duration::from_secs(3600)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Failure::Late(said) => {
            let response = answer().await;
            said.notified().await;
            response
        }
        Failure::Disconnect => {
            drop(answer().await);
            broken_answer()
        }
    }
}

/// An answer that breaks off: the connection is closed in the middle of it.
#[must_use]
pub fn broken_answer() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], Body::new(BrokenBody)).into_response()
}

fn status_of(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A body that fails after it was promised: the server closes the connection without an end.
struct BrokenBody;

impl http_body::Body for BrokenBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(Some(Err(std::io::Error::other("planned disconnect"))))
    }
}
