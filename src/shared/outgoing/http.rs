//! Outgoing HTTP: one client, time and size limits, retries, and what the outcome means to us.
//!
//! What a platform's errors mean is decided by each channel's `client.rs`; what follows from the meaning is decided
//! here and by the caller.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::allowed_addresses::{AllowedAddresses, REFUSED};
use super::answer::Head;
use super::breaker::{Call, Lanes, Use};
use crate::shared::clock::Clock;
use crate::shared::retry::Doubling;
use crate::shared::telemetry::metrics::Metrics;

pub use super::answer::Answer;
pub use super::api_error::ApiError;

/// The largest answer that is read, counted after decompression: 10 MiB.
const MAX_ANSWER_BYTES: usize = 10 * 1024 * 1024;

/// How much of a platform's allowance of calls is used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// The account; empty: the app itself.
    pub account: String,
    /// What the platform last said is used up, in percent: the largest of its counters. `None`: nothing since the last
    /// pause.
    pub used_percent: Option<u32>,
    /// When it said so, in milliseconds since 1970.
    pub told_at: Option<i64>,
    /// Until when background calls pause, in milliseconds since 1970.
    pub paused_until: Option<i64>,
    /// How often they had to pause since the service began.
    pub pauses: u64,
    /// How many calls were made since the service began.
    pub calls: u64,
}

/// How long calls may take. Defaults are those of production.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// To open a connection.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// For a whole call.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), idle: Duration::from_secs(10), total: Duration::from_secs(30) }
    }
}

/// How much trouble a call is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// One try: the call must not be repeated, such as the exchange of a code.
    Once,
    /// Two tries: a person is waiting.
    Person,
    /// Five tries: nobody is waiting.
    Background,
}

impl Patience {
    fn tries(self) -> u32 {
        match self {
            Self::Once => 1,
            Self::Person => 2,
            Self::Background => 5,
        }
    }

    /// The longest pause between two tries. What takes longer is left to the caller, who has something better to do.
    fn longest_pause(self) -> Duration {
        match self {
            Self::Once => Duration::ZERO,
            Self::Person => Duration::from_secs(2),
            Self::Background => Duration::from_secs(60),
        }
    }
}

/// An answer that comes piece by piece. Its length is for the reader to limit. While it is there, its call is under way.
pub struct Download {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    response: reqwest::Response,
    /// Until it is known how it ended.
    call: Option<Entered>,
}

impl Download {
    /// The next piece, decompressed; `None` at the end.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] when it breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        let chunk = self.response.chunk().await.map_err(unavailable);
        if !matches!(chunk, Ok(Some(_)))
            && let Some(call) = self.call.take()
        {
            call.ends(chunk.is_err());
        }
        chunk
    }

    /// How long the whole answer is, if that was said.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.response.content_length()
    }
}

/// A call under way in its lane.
struct Entered {
    call: Call,
    platform: String,
    account: Arc<str>,
}

impl Entered {
    fn ends(self, failed: bool) {
        let Self { call, platform, account } = self;
        let account = &*account;
        if failed {
            if let Some(pause) = call.failed() {
                let seconds = pause.as_secs();
                tracing::warn!(platform, account, seconds, "several calls in a row failed; none is made for a while");
            }
        } else if call.answered() {
            tracing::info!(platform, account, "it answers again");
        }
    }
}

/// The URL may carry what must not be logged, and reqwest's errors quote it.
fn unavailable(error: reqwest::Error) -> ApiError {
    ApiError::Unavailable(describe(&error.without_url()))
}

/// The client for all outgoing calls. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    clock: Clock,
    /// Whose calls these are, and where they are counted.
    counted: Option<(&'static str, Metrics)>,
    allowed: AllowedAddresses,
    lanes: Lanes,
    /// For whom calls are made; empty: for the app itself.
    account: Arc<str>,
    /// What the calls are.
    purpose: Use,
}

/// Why a message has no answer. Whoever sends must know whether it may have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// The request never left: no connection, or nothing is sent for a while. It may be sent again.
    NeverLeft(String),
    /// The request left, at least in part: it may have arrived.
    Lost(String),
    /// It must not go to that address.
    NotAllowed,
}

impl Http {
    /// A client without redirects, without the system's proxy, with certificates always checked, that goes no further
    /// than `allowed`.
    ///
    /// # Errors
    /// When the TLS library does not start.
    pub fn new(clock: Clock, timeouts: &Timeouts, allowed: AllowedAddresses) -> anyhow::Result<Self> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .context("the TLS library does not start")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(allowed.clone()))
            .user_agent(concat!("shoptalk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect)
            .read_timeout(timeouts.idle)
            .timeout(timeouts.total)
            .build()
            .context("the HTTP client does not start")?;
        Ok(Self {
            client,
            clock,
            allowed,
            lanes: Lanes::default(),
            account: Arc::from(""),
            purpose: Use::Reading,
            counted: None,
        })
    }

    /// The same client; what goes through [`Http::persist`] is counted as calls of this channel.
    #[must_use]
    pub fn counted(&self, channel: &'static str, metrics: &Metrics) -> Self {
        Self { counted: Some((channel, metrics.clone())), ..self.clone() }
    }

    /// The same client, for calls on behalf of this account: how many are under way and whether they are answered is
    /// counted for it alone.
    #[must_use]
    pub fn of(&self, account: &str) -> Self {
        Self { account: Arc::from(account), ..self.clone() }
    }

    /// The same client, for messages of this account to people.
    #[must_use]
    pub fn sending_of(&self, account: &str) -> Self {
        Self { account: Arc::from(account), purpose: Use::Sending, ..self.clone() }
    }

    /// Sends something that must not be sent twice, and tells apart whether it may have arrived.
    ///
    /// # Errors
    /// [`NoAnswer`]. An answer that breaks off or is too large is a lost one.
    pub async fn send_once(&self, request: reqwest::RequestBuilder) -> Result<Answer, NoAnswer> {
        let (request, call) = self.enter(request).await.map_err(|error| match error {
            ApiError::Refused { .. } => NoAnswer::NotAllowed,
            error => NoAnswer::NeverLeft(error.to_string()),
        })?;
        let begun = Instant::now();
        let answer = self.exchange_once(request).await;
        let failed = answer.as_ref().map_or(true, |answer| self.is_trouble(answer.status));
        call.ends(failed);
        if let Some((channel, metrics)) = &self.counted {
            metrics.count_call(channel, if answer.is_ok() { "done" } else { "unavailable" }, begun.elapsed());
        }
        answer
    }

    async fn exchange_once(&self, request: reqwest::Request) -> Result<Answer, NoAnswer> {
        let mut response = self.client.execute(request).await.map_err(|error| {
            // Names, connections and handshakes come before the first byte of the request.
            let never_left = error.is_connect() || error.is_builder();
            let told = describe(&error.without_url());
            if never_left { NoAnswer::NeverLeft(told) } else { NoAnswer::Lost(told) }
        })?;
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER_BYTES => body.extend_from_slice(&chunk),
                Ok(Some(_)) => return Err(NoAnswer::Lost("the answer is too large".to_owned())),
                Ok(None) => break,
                Err(error) => return Err(NoAnswer::Lost(describe(&error.without_url()))),
            }
        }
        Ok(Answer { status: response.status(), headers: response.headers().clone(), body: body.freeze() })
    }

    /// A request to be completed and given to [`Http::send`].
    pub fn request(&self, method: http::Method, url: url::Url) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }

    /// The clock by which retries are timed.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Sends once and reads the whole answer. Where nobody has answered for a while, nothing is sent.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] without an answer, or without its end; [`ApiError::Unreadable`] when it is too large;
    /// [`ApiError::Refused`] for an address that may not be asked.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, ApiError> {
        let (request, call) = self.enter(request).await?;
        let answer = self.exchange(request).await;
        let failed = match &answer {
            Err(error) => matches!(error, ApiError::Unavailable(_)),
            Ok(answer) => self.is_trouble(answer.status),
        };
        call.ends(failed);
        answer
    }

    /// Waits for a place for this request.
    async fn enter(&self, request: reqwest::RequestBuilder) -> Result<(reqwest::Request, Entered), ApiError> {
        let request = request.build().map_err(unavailable)?;
        if !self.allowed.allows(request.url()) {
            return Err(ApiError::Refused { code: REFUSED.to_owned() });
        }
        let (platform, account) = (request.url().origin().ascii_serialization(), Arc::clone(&self.account));
        let call = self.lanes.enter((platform.clone(), account.to_string(), self.purpose), &self.clock).await.map_err(
            |left| {
                ApiError::Unavailable(format!(
                    "it did not answer for a while; it is asked again in {} s",
                    left.as_secs() + 1
                ))
            },
        )?;
        Ok((request, Entered { call, platform, account }))
    }

    /// Whether an answer is as good as none. Of one account a platform may have lost hold while it serves all others.
    fn is_trouble(&self, status: StatusCode) -> bool {
        status.is_server_error() && !self.account.is_empty()
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<Answer, ApiError> {
        let mut response = self.client.execute(request).await.map_err(unavailable)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(ApiError::Unreadable("the answer is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status(), headers: response.headers().clone(), body: body.freeze() })
    }

    /// Sends once and gives the answer piece by piece, for what is too long to be held. Where nobody has answered for a
    /// while, nothing is sent.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] without an answer, [`ApiError::Refused`] for an address that may not be asked.
    pub async fn open(&self, request: reqwest::RequestBuilder) -> Result<Download, ApiError> {
        let (request, call) = self.enter(request).await?;
        let response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(error) => {
                call.ends(true);
                return Err(unavailable(error));
            }
        };
        let (status, headers) = (response.status(), response.headers().clone());
        if self.is_trouble(status) {
            call.ends(true);
            return Ok(Download { status, headers, response, call: None });
        }
        Ok(Download { status, headers, response, call: Some(call) })
    }

    /// Sends once and ends with the answer's head: its body is nobody's matter, and is not waited for. Where nobody has
    /// answered for a while, nothing is sent.
    ///
    /// # Errors
    /// As [`Http::open`].
    pub async fn open_unread(&self, request: reqwest::RequestBuilder) -> Result<Head, ApiError> {
        let (request, call) = self.enter(request).await?;
        let answer = self.client.execute(request).await.map_err(unavailable);
        call.ends(answer.as_ref().map_or(true, |answer| self.is_trouble(answer.status())));
        // The connection is closed with the answer, unless its end came along with the head.
        answer.map(|answer| Head { status: answer.status(), headers: answer.headers().clone() })
    }

    /// Repeats `call` while it is worth it: no connection, no answer, 5xx, and rate limits with a short pause.
    ///
    /// # Errors
    /// What the last try returned.
    pub async fn persist<T, F>(&self, patience: Patience, call: impl Fn() -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let mut tried = 0;
        loop {
            let begun = Instant::now();
            let outcome = call().await;
            if let Some((channel, metrics)) = &self.counted {
                let outcome = outcome.as_ref().map_or_else(ApiError::class, |_| "done");
                metrics.count_call(channel, outcome, begun.elapsed());
            }
            let error = match outcome {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            tried += 1;
            let pause = match &error {
                ApiError::Unavailable(_) => PAUSES.jittered(tried.into()).min(patience.longest_pause()),
                ApiError::RateLimited { retry_after } if *retry_after <= patience.longest_pause() => *retry_after,
                _ => return Err(error),
            };
            if tried >= patience.tries() {
                return Err(error);
            }
            let channel = self.counted.as_ref().map(|(channel, _)| *channel);
            tracing::info!(channel, %error, tried, pause_ms = pause.as_millis(), "a call is tried again");
            self.clock.sleep(pause).await;
        }
    }
}

/// The longest pauses between the tries of a call.
const PAUSES: Doubling = Doubling::new(Duration::from_millis(500), Duration::from_secs(60));

/// An error with its causes: the outermost text of reqwest alone says little.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
