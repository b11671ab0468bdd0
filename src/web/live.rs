//! What tells an open page that something changed: it then renews itself at once, and not when it would have looked by itself.
//!
//! A stream says that there is news and nothing of it, so a page shows what it would show when it is loaded anew. Pages do
//! without: whoever gets no stream looks every few seconds. A page that nobody sees has none.

use std::hash::Hash;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use tokio::sync::watch;

use super::api::places::{Place, Places};
use super::pieces::{self, Step};
use crate::shared::channel::job::BoxFuture;
use crate::shared::server::accept::Stopping;

/// So many pages are told at once, and so many of one session.
const MOST: usize = 500;
const MOST_OF_ONE: usize = 4;

/// What happens within this time is one piece of news.
const TOGETHER: Duration = Duration::from_millis(400);

/// How often it is looked whether the session still lives; between, a comment keeps the connection open.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// A stream ends by itself after this time, and the page asks for another one: none outlives what nobody looks at.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Places for the pages that are told. Cheap to clone.
#[derive(Clone)]
pub(super) struct OpenPages<K>(Places<K>);

impl<K: Eq + Hash + Clone> Default for OpenPages<K> {
    fn default() -> Self {
        Self(Places::new(MOST, MOST_OF_ONE))
    }
}

/// Whether the session of a page still lives.
pub(super) type IsAlive = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

struct Stream<K: Eq + Hash + Clone> {
    news: watch::Receiver<i64>,
    is_alive: IsAlive,
    stopping: Stopping,
    begun: Option<Instant>,
    _place: Place<K>,
}

impl<K: Eq + Hash + Clone + Send + 'static> OpenPages<K> {
    /// A stream of news for a page of this session; 429 where the session has as many as it may have.
    pub(super) fn tell(
        &self,
        session: &K,
        news: watch::Receiver<i64>,
        is_alive: IsAlive,
        stopping: Stopping,
    ) -> Response {
        let Some(place) = self.0.take(session) else { return StatusCode::TOO_MANY_REQUESTS.into_response() };
        let headers = [
            (header::CONTENT_TYPE.as_str(), "text/event-stream"),
            // A proxy that gathers answers would keep news back.
            ("x-accel-buffering", "no"),
        ];
        let stream = Stream { news, is_alive, stopping, begun: None, _place: place };
        (headers, pieces::body(stream, next::<K>)).into_response()
    }
}

fn next<K: Eq + Hash + Clone + Send + 'static>(stream: Stream<K>) -> Step<Stream<K>> {
    Box::pin(stream.next())
}

impl<K: Eq + Hash + Clone> Stream<K> {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let Some(begun) = self.begun else {
            self.begun = Some(Instant::now());
            return Some((Bytes::from_static(b"retry: 5000\n\n"), self));
        };
        let piece: &'static [u8] = tokio::select! {
            () = self.stopping.begun() => return None,
            () = tokio::time::sleep(LOOK_EVERY) => {
                if begun.elapsed() > LONGEST || !(self.is_alive)().await {
                    return None;
                }
                b": still here\n\n"
            }
            changed = self.news.changed() => {
                changed.ok()?;
                tokio::time::sleep(TOGETHER).await;
                self.news.mark_unchanged();
                b"data: changed\n\n"
            }
        };
        Some((Bytes::from_static(piece), self))
    }
}
