//! The accept loop, with the limits that `axum::serve` does not set: whoever sends a request slowly or never is cut off,
//! and there are never more connections than can be served.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::connections::Connections;
use super::limits::Limits;
use super::peer::Peer;
use super::turns::{Turn, Turns};
use super::wire::Wire;
use crate::shared::telemetry::once_per_second::OncePerSecond;

/// The largest head of a request, in bytes: request line and all headers.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The most headers of a request.
const MAX_HEADERS: usize = 64;

/// How many files databases, documents and outgoing calls may need at once. Connections leave as many unused.
const FILES_FOR_OTHERS: u64 = 256;

/// How long requests at work may take to finish when the service stops.
const FINISH_WITHIN: Duration = Duration::from_secs(10);

/// Stands with every request: cancelled when the service begins to stop. Answers without an end of their own end then, so that
/// nobody waits for them.
#[derive(Clone, Default)]
pub struct Stopping(CancellationToken);

impl Stopping {
    /// Ends when the service begins to stop.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }
}

impl<S: Sync> FromRequestParts<S> for Stopping {
    type Rejection = Infallible;

    /// A request that came by no connection of ours has none: for it the service never stops.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// Serves until `stop`; then accepts nothing more and finishes what is at work.
pub async fn serve(listener: TcpListener, app: Router, limits: &Limits, stop: CancellationToken) {
    static FULL: OncePerSecond = OncePerSecond::new();
    static FAILED: OncePerSecond = OncePerSecond::new();
    let graceful = GracefulShutdown::new();
    let limits = Arc::new(limits.clone());
    let connections = Connections::new(places(limits.connections), limits.give_way);
    let app = TowerToHyperService::new(app);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or a client that was gone already. Neither is cured by asking again at once.
                if let Some(unsaid) = FAILED.should_log() {
                    tracing::warn!(%error, unsaid, "a connection could not be accepted");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let turns = Arc::new(Turns::default());
        let address = peer.ip().to_canonical();
        let Some(place) = connections.enter(address, &turns) else {
            if let Some(unsaid) = FULL.should_log() {
                tracing::warn!(unsaid, "a connection was closed: there are as many as can be served");
            }
            continue;
        };
        // Answers are small and written at once; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let wire = Wire::new(stream, Arc::clone(&limits), Arc::clone(&turns));
        let (app, peer, stopping) = (app.clone(), Peer(address), Stopping(stop.clone()));
        let service = service_fn(move |mut request: Request<Incoming>| {
            let turn = turns.begin();
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(stopping.clone());
            request.extensions_mut().insert(Arc::clone(&turns));
            let answer = app.call(request);
            async move {
                let response: Response<Body> = answer.await?;
                Ok::<_, Infallible>(response.map(|body| Answering { body, _turn: turn }))
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // The wire's own limits tell a slow head from an idle connection.
            .header_read_timeout(None)
            .max_headers(MAX_HEADERS)
            .max_header_size(MAX_HEAD_BYTES)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(wire), service);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // Broken connections and bad requests are the client's affair; hyper has answered what could be answered.
            tokio::select! {
                _ = watched => {}
                () = place.close.cancelled() => {}
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(FINISH_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still at work when the service stopped");
    }
}

/// As many connections as are wished, or as the operating system allows besides everything else: a flood of connections
/// must not take the files away from the journal.
fn places(wished: usize) -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let allowed = files.saturating_sub(FILES_FOR_OTHERS).max(files / 2);
    wished.min(usize::try_from(allowed).unwrap_or(usize::MAX))
}

/// An answer's body; while it is there, the request is at work.
struct Answering {
    body: Body,
    _turn: Turn,
}

impl http_body::Body for Answering {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
