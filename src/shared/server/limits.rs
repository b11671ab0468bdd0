//! What a request may cost: refused by its head before a byte of its body is read, its body read whole within a time and
//! a share of memory, and only then given a place among the requests at work.
//!
//! A place is taken after the body has come, so that a thousand slow senders hold none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;

use super::error::Problem;
use super::peer::Peer;
use super::proxies::Proxies;
use super::rates::{Rate, Rates};
use crate::shared::telemetry::once_per_second::OncePerSecond;

/// The largest body of a request that is no delivery.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The largest delivery: Meta puts up to 1,000 updates into one and names no limit, a large product of Shopify's comes
/// near 2 MB.
pub const MAX_DELIVERY_BYTES: usize = 4 * 1024 * 1024;

/// The longest address, in bytes.
const MAX_URL_BYTES: usize = 8 * 1024;

/// Up to this size a body comes out of the share of small ones, which large ones cannot use up.
const SMALL_BYTES: usize = 64 * 1024;

/// What connections and requests may take. The defaults are those of production; tests shorten the times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From the connection to its first byte.
    pub first_byte: Duration,
    /// From the first byte of a head to its end.
    pub headers: Duration,
    /// Between two requests of a connection.
    pub idle: Duration,
    /// For the body of a delivery.
    pub delivery: Duration,
    /// For the body of any other request.
    pub request: Duration,
    /// For the work of a request. A login asks a platform several things, each with a second try.
    pub work: Duration,
    /// How long somebody may take nothing of an answer.
    pub stalled_answer: Duration,
    /// How long the rest of a refused body is taken and thrown away, so that the answer arrives.
    pub linger: Duration,
    /// How many connections are open at once.
    pub connections: usize,
    /// How many requests are at work at once.
    pub requests: usize,
    /// How many bytes the bodies of all requests have together. A quarter is kept for small ones.
    pub body_bytes: usize,
    /// How often one address may use the routes of logins and of deletion.
    pub doors: Rate,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub proxies: Proxies,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(5),
            headers: Duration::from_secs(5),
            idle: Duration::from_secs(60),
            delivery: Duration::from_secs(10),
            request: Duration::from_secs(30),
            work: Duration::from_secs(60),
            stalled_answer: Duration::from_secs(10),
            linger: Duration::from_secs(1),
            connections: 10_000,
            requests: 1024,
            body_bytes: 64 * 1024 * 1024,
            doors: Rate { burst: 120, per_minute: 120 },
            proxies: Proxies::default(),
        }
    }
}

/// The gate that every request passes. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Shares>);

struct Shares {
    limits: Limits,
    requests: Share,
    small: Share,
    large: Share,
    doors: Rates,
}

impl Gate {
    /// A gate with these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let small = limits.body_bytes / 4;
        Self(Arc::new(Shares {
            requests: Share::new(limits.requests),
            small: Share::new(small),
            large: Share::new(limits.body_bytes - small),
            doors: Rates::new(limits.doors),
            limits: limits.clone(),
        }))
    }

    /// How long the work of a request may take.
    #[must_use]
    pub fn work(&self) -> Duration {
        self.0.limits.work
    }
}

/// Lets a request in, or answers it here.
pub async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let shares = &*gate.0;
    let (parts, body) = request.into_parts();
    if let Err(refusal) = check_head(shares, &parts) {
        return refusal.into_response();
    }
    // Where a chunked body ends, only hyper knows; so nothing may follow it on this connection.
    let is_last = parts.headers.contains_key(header::TRANSFER_ENCODING);
    let (most, within) = match is_delivery(&parts) {
        true => (MAX_DELIVERY_BYTES, shares.limits.delivery),
        false => (MAX_BODY_BYTES, shares.limits.request),
    };
    let read = match body.is_end_stream() {
        true => Ok((Bytes::new(), None)),
        false => match tokio::time::timeout(within, read(shares, body, most)).await {
            Ok(read) => read.map(|(bytes, held)| (bytes, Some(held))),
            Err(_) => Err(Refusal::Slow),
        },
    };
    let answer = async {
        let (bytes, _held) = read?;
        let _place = shares.requests.take(1).ok_or(Refusal::Busy)?;
        Ok::<_, Refusal>(next.run(Request::from_parts(parts, Body::from(bytes))).await)
    };
    let mut response = answer.await.unwrap_or_else(IntoResponse::into_response);
    if is_last {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What can be said of a request without its body.
fn check_head(shares: &Shares, parts: &Parts) -> Result<(), Refusal> {
    const METHODS: [Method; 7] =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if !METHODS.contains(&parts.method) {
        return Err(Refusal::Method);
    }
    if parts.uri.path_and_query().is_some_and(|address| address.as_str().len() > MAX_URL_BYTES) {
        return Err(Refusal::LongUrl);
    }
    // Two hosts are two meanings, and so is none: RFC 9112, 3.2.
    let hosts = parts.headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && parts.version == http::Version::HTTP_11 && parts.uri.authority().is_none()) {
        return Err(Refusal::Host);
    }
    // Bodies are signed as they are sent, and read up to a limit that a compressed one would get around.
    if parts.headers.get_all(header::CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
        return Err(Refusal::Compressed);
    }
    let most = if is_delivery(parts) { MAX_DELIVERY_BYTES } else { MAX_BODY_BYTES };
    if declared_length(&parts.headers).is_some_and(|length| length > most as u64) {
        return Err(Refusal::LargeBody);
    }
    if is_door(parts.uri.path()) {
        let peer = parts.extensions.get::<Peer>();
        let client = peer.map(|peer| shares.limits.proxies.client(peer.0, &parts.headers));
        if client.is_some_and(|client| !shares.doors.allow(client)) {
            return Err(Refusal::TooOften);
        }
    }
    Ok(())
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether this is where platforms post deliveries. The routes have fixed names, the same for all channels:
/// `/<channel>/webhook` and `/webhooks/<channel>`.
fn is_delivery(parts: &Parts) -> bool {
    let path = parts.uri.path();
    parts.method == Method::POST && (path.ends_with("/webhook") || path.starts_with("/webhooks/"))
}

/// Whether this is a route of a login, or of the deletion of somebody's data: what makes us write rows or ask platforms
/// before we know who asks.
fn is_door(path: &str) -> bool {
    const LAST: [&str; 4] = ["login", "callback", "deauthorize", "data-deletion"];
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    first == "deletion" || LAST.contains(&parts.next_back().unwrap_or(first))
}

/// Reads a body of at most so many bytes. What was read counts against the memory of all bodies until it is let go.
async fn read(shares: &Shares, body: Body, most: usize) -> Result<(Bytes, Vec<Held<'_>>), Refusal> {
    let mut body = std::pin::pin!(body);
    let mut held = Vec::with_capacity(1);
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    let mut length = 0;
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let Ok(data) = frame.map_err(|_| Refusal::Unreadable)?.into_data() else { continue };
        length += data.len();
        if length > most {
            return Err(Refusal::LargeBody);
        }
        let share = if length <= SMALL_BYTES { &shares.small } else { &shares.large };
        held.push(share.take(data.len()).ok_or(Refusal::Full)?);
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok((if rest.is_empty() { first } else { rest.freeze() }, held))
}

/// So many of something, for all requests together.
struct Share {
    free: AtomicUsize,
}

/// What a request holds of a share.
struct Held<'a> {
    share: &'a Share,
    amount: usize,
}

impl Share {
    fn new(amount: usize) -> Self {
        Self { free: AtomicUsize::new(amount) }
    }

    /// Takes so much, if it is there.
    fn take(&self, amount: usize) -> Option<Held<'_>> {
        let less = |free: usize| free.checked_sub(amount);
        self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).ok()?;
        Some(Held { share: self, amount })
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.share.free.fetch_add(self.amount, Ordering::AcqRel);
    }
}

/// Why a request was not let in.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    Method,
    LongUrl,
    Host,
    Compressed,
    LargeBody,
    Unreadable,
    Slow,
    TooOften,
    Busy,
    Full,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        static SAID: OncePerSecond = OncePerSecond::new();
        if let Some(unsaid) = SAID.should_log() {
            tracing::info!(reason = ?self, unsaid, "a request was not let in");
        }
        let (status, title, detail) = match self {
            Self::Method => (405, "Not possible", "This service does not know this method."),
            Self::LongUrl => (414, "Too long", "This address is too long."),
            Self::Host => (400, "Bad request", "The request must name one host."),
            Self::Compressed => (415, "Compressed", "Compressed requests are not accepted."),
            Self::LargeBody => (413, "Too large", "This request is too large."),
            Self::Unreadable => (400, "Bad request", "The request broke off or could not be read."),
            Self::Slow => (408, "Too slow", "The request did not come in time."),
            Self::TooOften => (429, "Too often", "This was asked too often from your address. Please wait a minute."),
            Self::Busy | Self::Full => (503, "Busy", "The service is busy. Please try again in a moment."),
        };
        let mut response = Problem { status, title, detail: detail.into() }.into_response();
        match self {
            Self::TooOften => drop(response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"))),
            Self::Busy | Self::Full => {
                drop(response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1")));
            }
            // What is left of the request is not waited for.
            Self::Slow | Self::LargeBody | Self::Unreadable => {
                drop(response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close")));
            }
            _ => {}
        }
        debug_assert_ne!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i5_doors_are_the_routes_of_logins_and_of_deletion() {
        for door in
            ["/facebook/login", "/shopify/a-shop/login", "/shopify/callback", "/deletion/0123", "/x/data-deletion"]
        {
            assert!(is_door(door), "{door}");
        }
        for other in ["/", "/shopify/webhook", "/webhooks/facebook", "/ready", "/loginx", "/api/status"] {
            assert!(!is_door(other), "{other}");
        }
    }

    #[test]
    fn i2_a_share_is_never_overdrawn_and_comes_back() {
        let share = Share::new(10);
        let seven = share.take(7);
        assert!(seven.is_some() && share.take(4).is_none());
        let three = share.take(3);
        assert!(three.is_some() && share.take(1).is_none());
        drop((seven, three));
        assert!(share.take(10).is_some());
    }
}
