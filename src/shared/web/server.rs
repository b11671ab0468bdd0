//! The accept loop, with the limits that `axum::serve` does not set: a client that sends its headers slowly or never is
//! cut off, and there are never more connections than can be served.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How long a client may take to send its headers; also how long an idle connection is kept.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);

/// How many connections are open at once.
const MAX_CONNECTIONS: usize = 10_000;

/// The largest headers of a request, in bytes, all together.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// The most headers of a request.
const MAX_HEADERS: usize = 64;

/// How long requests at work may take to finish when the service stops.
const FINISH_WITHIN: Duration = Duration::from_secs(10);

/// Serves until `stop`; then accepts nothing more and finishes what is at work.
pub async fn serve(listener: TcpListener, app: Router, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, or a client that was gone already. Neither is cured by asking again at once.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        // Answers are small and written at once; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app.clone()));
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // Broken connections and bad requests are the client's affair; hyper has answered what could be answered.
            let _ = watched.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(FINISH_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still at work when the service stopped");
    }
}
