//! `GET /api/v1/events` as a stream: events as they come, for as long as the key lives.

use std::time::{Duration, Instant};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{StatusCode, header};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;

use super::caller::Caller;
use super::limits::{StreamPlace, StreamRule};
use super::state::Api;
use super::stream_pages::StreamPages;
use crate::answering::Answering;
use crate::answering::event::EventQuery;
use crate::shared::telemetry::once_per_second::OncePerSecond;
use crate::web::pieces::{self, Step};

/// How many events a stream reads at a time.
pub(super) const STREAM_PAGE: usize = 50;

/// How often a waiting reader looks by itself, should it not have been told.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A place among streams and waiting readers, and in their count.
pub(super) struct Counted {
    streams: Gauge,
    _place: StreamPlace,
}

impl Counted {
    pub fn of(answering: &Answering, place: StreamPlace) -> Self {
        let streams = answering.shared.metrics.feed_streams.clone();
        streams.inc();
        Self { streams, _place: place }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.streams.dec();
    }
}

/// A stream of events.
struct Stream {
    answering: Answering,
    pages: StreamPages,
    query: EventQuery,
    news: watch::Receiver<i64>,
    ended: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    /// When the last piece was handed over.
    said: Option<Instant>,
    /// Whether it had come to the end: until then it may be behind.
    was_live: bool,
    rule: StreamRule,
    _place: Counted,
}

/// The answer that goes on with what `query` wants.
pub(super) fn stream(
    api: &Api,
    caller: &Caller,
    place: Counted,
    query: EventQuery,
    news: watch::Receiver<i64>,
) -> Response {
    let stream = Stream {
        answering: api.answering.clone(),
        pages: api.stream_pages.clone(),
        query,
        news,
        ended: Box::pin(caller.ended()),
        said: None,
        was_live: false,
        rule: api.limits.stream_rule(),
        _place: place,
    };
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/event-stream"),
        // A proxy that gathers answers would keep events back.
        ("x-accel-buffering", "no"),
    ];
    (StatusCode::OK, headers, pieces::body(stream, next_piece)).into_response()
}

fn next_piece(stream: Stream) -> Step<Stream> {
    Box::pin(stream.next())
}

impl Stream {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let Some(said) = self.said else {
            self.said = Some(Instant::now());
            return Some((Bytes::from_static(b"retry: 2000\n\n"), self));
        };
        let was_slow = said.elapsed() > self.rule.a_moment;
        let mut quiet_since = Instant::now();
        let mut is_first = true;
        loop {
            let page = tokio::select! {
                () = &mut self.ended => return None,
                page = self.pages.read(&self.answering, &self.query) => page,
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    static SAID: OncePerSecond = OncePerSecond::new();
                    if let Some(unsaid) = SAID.should_log() {
                        let error = format!("{error:#}");
                        tracing::warn!(error, unsaid, "a stream of events ended: the feed cannot be read");
                    }
                    return None;
                }
            };
            let is_behind = page.newest - self.query.feed.after > self.rule.most_behind;
            if std::mem::take(&mut is_first) && was_slow && is_behind && self.was_live {
                return None;
            }
            let has_more = page.next < page.newest;
            self.was_live |= !has_more;
            self.query.feed.after = page.next;
            if !page.text.is_empty() {
                self.said = Some(Instant::now());
                return Some((page.text.clone(), self));
            }
            if has_more {
                continue;
            }
            let left = self.rule.comment_every.saturating_sub(quiet_since.elapsed());
            tokio::select! {
                () = &mut self.ended => return None,
                () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
                _ = self.news.changed() => {}
            }
            if quiet_since.elapsed() >= self.rule.comment_every {
                quiet_since = Instant::now();
                self.said = Some(quiet_since);
                return Some((Bytes::from_static(b": nothing new\n\n"), self));
            }
        }
    }
}
