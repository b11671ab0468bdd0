//! Our own pages and probes, and what every answer carries.

pub mod api;
pub mod form;
mod live;
pub mod merchant;
pub mod operator;
mod pieces;
mod prefix;
mod uploaded;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderName, HeaderValue, StatusCode, header};
use url::Url;

use self::form::OwnAddress;
use self::merchant::language::Secure;
use self::merchant::{Front, Fronts};
use crate::answering::Answering;
use crate::answering::responder::Responder;
use crate::answering::sending::{Outbox, Sending};
use crate::shared::channel::context::Shared;
use crate::shared::languages::say;
use crate::shared::secrets::vault::Vault;
use crate::shared::server::error::{AppError, log_unserved};
use crate::shared::server::limits::{self, Gate, Limits, MAX_BODY_BYTES};
use crate::shared::server::request_id::{self, RequestIds};
use crate::shared::store::ApiKeys;
use crate::shared::telemetry::metrics::Metrics;
use crate::shared::telemetry::once_per_second::{EachOncePerSecond, OncePerSecond};

/// The beginnings of the paths at which our own pages, interfaces and probes are.
pub const ROUTES: [&str; 22] = [
    "/account",
    "/api",
    "/catalogue",
    "/connections",
    "/conversations",
    "/deletion",
    "/enhance.js",
    "/export",
    "/favicon.ico",
    "/health",
    "/icon.svg",
    "/keys",
    "/language",
    "/live",
    "/bot",
    "/logout",
    "/m",
    "/media",
    "/metrics",
    "/operator",
    "/ready",
    "/style.css",
];

/// Whether the consumers run. Set once they do, unset when the service stops.
#[derive(Clone, Default)]
pub struct Running(Arc<AtomicBool>);

impl Running {
    /// Says whether they run.
    pub fn set(&self, running: bool) {
        self.0.store(running, Ordering::Release);
    }

    /// Whether they run.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Our own routes. `own`: where they are reached, if that is configured.
pub fn router(
    (answering, outbox, responder): (Answering, Arc<dyn Sending>, Option<Responder>),
    fronts: Vec<Front>,
    vault: Vault,
    api_keys: ApiKeys,
    running: Running,
    own: Option<Url>,
) -> Router {
    let shared = answering.shared.clone();
    let uploaded = uploaded::router(answering.uploads.clone());
    merchant::routes()
        .route("/deletion/{code}", get(merchant::receipts::receipt))
        // Browsers ask for one of their own accord, and report what they do not get.
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
        .route("/health", get(async || StatusCode::OK))
        .route("/ready", get(ready))
        .layer(Extension(Fronts(Arc::new(fronts))))
        .layer(Extension(OwnAddress(own)))
        .layer(Extension(vault))
        .layer(Extension(api_keys))
        .layer(Extension(answering))
        .layer(Extension(Outbox(outbox)))
        .layer(Extension(responder))
        .layer(Extension(running))
        .with_state(shared)
        .merge(uploaded)
}

/// `GET /ready`: 200 when the databases can be written and the consumers run, else 503.
async fn ready(State(shared): State<Shared>, Extension(running): Extension<Running>) -> Result<StatusCode, AppError> {
    let writable = async {
        shared.connections.probe().await?;
        shared.journal.probe().await?;
        shared.output.ensure_is_there()?;
        shared.output.ensure_unblocked()?;
        anyhow::Ok(())
    };
    if let Err(error) = writable.await {
        static SAID: OncePerSecond = OncePerSecond::new();
        if let Some(unsaid) = SAID.should_log() {
            tracing::warn!(error = format!("{error:#}"), unsaid, "not ready");
        }
        return Err(AppError::Unavailable(say::cannot_store()));
    }
    if running.get() { Ok(StatusCode::OK) } else { Err(AppError::Unavailable(say::starting())) }
}

/// What all routes have in common: limits, headers that every answer carries, and the path of the public address.
pub fn finish(router: Router, public_url: Option<&Url>, limits: &Limits, metrics: &Metrics) -> Router {
    let is_public = public_url.is_some_and(|url| url.scheme() == "https");
    let ids = RequestIds::new(metrics.answers.clone());
    let gate = Gate::new(limits);
    let router = router
        .fallback(async || AppError::NotFound)
        .method_not_allowed_fallback(async || AppError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(gate.clone(), time_limit))
        .layer(middleware::from_fn_with_state(gate, limits::pass))
        .layer(middleware::from_fn(catch_panic))
        .layer(middleware::from_fn_with_state(Arc::new(EachOncePerSecond::new()), log_unserved))
        .layer(middleware::from_fn(api::answers_of_the_api))
        .layer(middleware::from_fn(merchant::answers_as_pages))
        .layer(middleware::from_fn(limits::refuse_deliveries_silently))
        .layer(middleware::from_fn_with_state(Secure(is_public), merchant::language::in_their_language))
        .layer(middleware::from_fn(move |request, next| safe_headers(request, next, is_public)))
        .layer(middleware::from_fn_with_state(ids, request_id::name));
    prefix::carry(router, public_url)
}

/// A panic in a handler is a 500 and a log line, not a connection that breaks off.
async fn catch_panic(request: Request, next: Next) -> Response {
    let mut handler = Box::pin(next.run(request));
    let answer = std::future::poll_fn(move |context| {
        // After a panic the handler is dropped and never polled again.
        match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context))) {
            Ok(polled) => polled.map(Some),
            Err(_) => Poll::Ready(None),
        }
    });
    match answer.await {
        Some(response) => response,
        None => AppError::Internal(anyhow::anyhow!("a handler panicked")).into_response(),
    }
}

async fn time_limit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(gate.work(), next.run(request)).await {
        Ok(response) => response,
        Err(_) => AppError::Unavailable(say::took_too_long()).into_response(),
    }
}

/// What our pages may load: nothing of anybody else's.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// As [`POLICY`], for the pages that show pictures of products: these lie wherever the shop keeps them.
const POLICY_WITH_PICTURES: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                                    img-src 'self' https:; base-uri 'none'; frame-ancestors 'none'";

async fn safe_headers(request: Request, next: Next, is_public: bool) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        // What shows strangers' files or pictures brings a policy of its own.
        if name != header::CONTENT_SECURITY_POLICY || !response.headers().contains_key(&name) {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    if is_public {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_handler_is_a_500() {
        async fn broken() -> StatusCode {
            panic!("a planned panic")
        }
        let app = finish(Router::new().route("/broken", get(broken)), None, &Limits::default(), &Metrics::default());
        let request =
            Request::builder().uri("/broken").header("host", "localhost").body(axum::body::Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
}
