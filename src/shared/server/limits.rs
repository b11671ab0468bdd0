//! What a request may cost: refused by its head before a byte of its body is read, its body read whole within a time and
//! a share of memory, and only then given a place among the requests at work.
//!
//! A place is taken after the body has come, so that a thousand slow senders hold none. Files that are uploaded are the
//! exception: they are larger than any share of memory, and their route lets few of them in.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;

use super::bodies::{Bodies, Held, Pot};
use super::error::Problem;
use super::peer::{Household, Peer, household};
use super::places::Places;
use super::proxies::Proxies;
use super::rates::{Rate, Rates};
use super::turns::Turns;
use crate::shared::languages::say;
use crate::shared::telemetry::once_per_second::OncePerSecond;

/// The largest body of a request that is no delivery.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The largest delivery: Meta puts up to 1,000 updates into one and names no limit, a large product of Shopify's comes
/// near 2 MB.
pub const MAX_DELIVERY_BYTES: usize = 4 * 1024 * 1024;

/// Where files are uploaded.
const UPLOADS: &str = "/api/v1/media";

/// The longest address, in bytes.
const MAX_URL_BYTES: usize = 8 * 1024;

/// Up to this size a body comes out of the share of small ones, which large ones cannot use up.
const SMALL_BYTES: usize = 64 * 1024;

/// The least that a body holds which does not come at once.
const LEAST_BYTES: usize = 1024;

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
    /// How many requests wait at once for another one, or for something to happen, and hold no place at work meanwhile.
    /// Whose answer has begun counts among connections alone.
    pub waiting: usize,
    /// How many bytes the bodies of all requests have together. A quarter is kept for small deliveries, and an eighth is
    /// all that other requests can have.
    pub body_bytes: usize,
    /// After how long an unfinished body or an idle connection gives way to a newcomer, where all places are taken.
    pub give_way: Duration,
    /// A stream of events says something at least so often, so that nobody between takes it for dead.
    pub stream_comment: Duration,
    /// The reader of a stream who has taken nothing for a moment and is so many events behind is cut off, and goes on from where
    /// it was.
    pub stream_behind: i64,
    /// That moment.
    pub stream_moment: Duration,
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
            stream_comment: Duration::from_secs(15),
            stream_behind: 256,
            stream_moment: Duration::from_secs(1),
            delivery: Duration::from_secs(10),
            request: Duration::from_secs(30),
            work: Duration::from_secs(60),
            stalled_answer: Duration::from_secs(10),
            linger: Duration::from_secs(1),
            connections: 10_000,
            requests: 1024,
            waiting: 512,
            body_bytes: 64 * 1024 * 1024,
            give_way: Duration::from_secs(1),
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
    places: Arc<Places>,
    bodies: Bodies,
    doors: Rates,
}

impl Gate {
    /// A gate with these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self(Arc::new(Shares {
            places: Places::new(limits.requests, limits.waiting),
            bodies: Bodies::new(limits.body_bytes, limits.give_way),
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
    let client = client(shares, &parts);
    if let Err(refusal) = check_head(shares, &parts, client) {
        return refusal.into_response();
    }
    // Where a chunked body ends, only hyper knows; so nothing may follow it on this connection.
    let is_last = parts.headers.contains_key(header::TRANSFER_ENCODING);
    let is_delivery = is_delivery(&parts);
    let within = if is_delivery { shares.limits.delivery } else { shares.limits.request };
    let read = match body.is_end_stream() || is_upload(&parts) {
        true => Ok((body, None)),
        false => {
            let turns = parts.extensions.get::<Arc<Turns>>();
            turns.inspect(|turns| turns.set_reading(true));
            let read = tokio::time::timeout(within, read(shares, body, &parts, client)).await;
            turns.inspect(|turns| turns.set_reading(false));
            read.unwrap_or(Err(Refusal::Slow)).map(|(bytes, held)| (Body::from(bytes), Some(held)))
        }
    };
    let answer = async {
        let (body, _held) = read?;
        let answering = shares.places.take(is_delivery).ok_or(Refusal::Busy)?;
        let household = client.map(Household::of);
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(answering.place());
        household.map(|household| request.extensions_mut().insert(household));
        Ok::<_, Refusal>(next.run(request).await)
    };
    let mut response = answer.await.unwrap_or_else(IntoResponse::into_response);
    if is_last {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What refuses a delivery has no body, whoever refuses it: no platform reads one, and Viber takes what stands there for a
/// message.
pub async fn refuse_deliveries_silently(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let is_delivery = is_delivery(&parts);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if is_delivery && (response.status().is_client_error() || response.status().is_server_error()) {
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

/// What can be said of a request without its body.
fn check_head(shares: &Shares, parts: &Parts, client: Option<IpAddr>) -> Result<(), Refusal> {
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
    let most = most_bytes(parts);
    if !is_upload(parts) && declared_length(&parts.headers).is_some_and(|length| length > most as u64) {
        return Err(Refusal::LargeBody);
    }
    if is_door(parts.uri.path()) && client.is_some_and(|client| !shares.doors.allow(client)) {
        return Err(Refusal::TooOften);
    }
    Ok(())
}

/// Who asks, as far as that is known.
fn client(shares: &Shares, parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<Peer>()?;
    Some(shares.limits.proxies.client(peer.0, &parts.headers))
}

/// How large the body may be: a large one needs at least something like a signature.
fn most_bytes(parts: &Parts) -> usize {
    if !is_delivery(parts) {
        MAX_BODY_BYTES
    } else if has_signature(&parts.headers) {
        MAX_DELIVERY_BYTES
    } else {
        SMALL_BYTES
    }
}

/// Whether some header may be a signature. Platforms call it so, or name how it is made; the shortest are of 20 bytes.
fn has_signature(headers: &HeaderMap) -> bool {
    let is_one = |name: &str| name.contains("signature") || name.contains("hmac");
    headers.iter().any(|(name, value)| is_one(name.as_str()) && value.len() >= 27)
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

/// Whether this is where files are uploaded. Who may do that, and how much of it, is known there: the body is handed on
/// unread, and goes to disk as it comes.
fn is_upload(parts: &Parts) -> bool {
    parts.method == Method::POST && parts.uri.path() == UPLOADS
}

/// Whether this is a route of a login, or of the deletion of somebody's data: what makes us write rows or ask platforms
/// before we know who asks.
fn is_door(path: &str) -> bool {
    const LAST: [&str; 4] = ["login", "callback", "deauthorize", "data-deletion"];
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    first == "deletion" || LAST.contains(&parts.next_back().unwrap_or(first))
}

/// Reads a body. What it holds counts against the memory of all bodies until that is let go.
async fn read(shares: &Shares, body: Body, parts: &Parts, client: Option<IpAddr>) -> Result<(Bytes, Held), Refusal> {
    let nobody = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let mut held = shares.bodies.begin(household(client.unwrap_or(nobody)));
    let gave_way = held.gave_way.clone();
    let bytes = tokio::select! {
        biased;
        bytes = read_into(&mut held, body, parts) => bytes?,
        () = gave_way.cancelled() => return Err(Refusal::Full),
    };
    if held.finish() { Ok((bytes, held)) } else { Err(Refusal::Full) }
}

async fn read_into(held: &mut Held, body: Body, parts: &Parts) -> Result<Bytes, Refusal> {
    let (is_delivery, most) = (is_delivery(parts), most_bytes(parts));
    let declared = declared_length(&parts.headers).and_then(|length| usize::try_from(length).ok());
    let mut body = std::pin::pin!(body);
    let (mut all, mut room) = (Vec::new(), 0);
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let Ok(data) = frame.map_err(|_| Refusal::Unreadable)?.into_data() else { continue };
        let length = all.len() + data.len();
        if length > most {
            return Err(Refusal::LargeBody);
        }
        // The whole body at once stays where it is. A part of one would keep alive all that was read with it.
        let is_whole = all.is_empty() && declared == Some(length);
        let wanted = match length <= room {
            true => room,
            false if is_whole => length,
            false => length.max(LEAST_BYTES).next_power_of_two().min(declared.unwrap_or(most).max(length)),
        };
        let small = wanted.min(SMALL_BYTES).saturating_sub(room);
        let large = (wanted - room).saturating_sub(small);
        let pot = if is_delivery { Pot::Delivery } else { Pot::Other };
        if (small > 0 && !held.grow(pot, small, length)) || (large > 0 && !held.grow(Pot::Large, large, length)) {
            return Err(Refusal::Full);
        }
        if is_whole {
            return Ok(data);
        }
        all.reserve_exact(wanted - all.len());
        room = wanted;
        all.extend_from_slice(&data);
    }
    Ok(all.into())
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
            Self::Method => (405, say::refused_method(), say::refused_method_detail()),
            Self::LongUrl => (414, say::refused_long_url(), say::refused_long_url_detail()),
            Self::Host => (400, say::bad_request(), say::refused_host_detail()),
            Self::Compressed => (415, say::refused_compressed(), say::refused_compressed_detail()),
            Self::LargeBody => (413, say::refused_large(), say::refused_large_detail()),
            Self::Unreadable => (400, say::bad_request(), say::refused_unreadable_detail()),
            Self::Slow => (408, say::refused_slow(), say::refused_slow_detail()),
            Self::TooOften => (429, say::refused_often(), say::refused_often_detail()),
            Self::Busy | Self::Full => (503, say::refused_busy(), say::refused_busy_detail()),
        };
        let mut response = Problem { status, title, detail }.into_response();
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
}
