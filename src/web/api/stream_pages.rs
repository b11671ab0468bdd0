//! Events that several streams want at the same moment are read and written once, as one merchant's programs often do.
//!
//! Whether a bot may answer is told as it is when an event is read. So whoever asks is given what is read after they asked:
//! they join a reading that waits for its place, and none that has begun.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};

use crate::answering::Answering;
use crate::answering::event::{EventPage, EventQuery};

/// How many readings for streams are under way at once, so that others who ask the journal have a place, too. While these are
/// busy the others gather: more streams join them, and they find more events.
const AT_ONCE: usize = 4;

/// The next events of streams.
pub(super) struct StreamPage {
    /// The events, as a stream tells them; empty where there is none.
    pub text: Bytes,
    /// The number of the last event that was looked at.
    pub next: i64,
    /// The number of the newest event.
    pub newest: i64,
}

/// What came of a reading.
type Read = Result<Arc<StreamPage>, Arc<anyhow::Error>>;

/// A reading for all who wait for it.
type Reading = Arc<OnceCell<Read>>;

/// The readings that have not begun. Cheap to clone.
#[derive(Clone)]
pub struct StreamPages(Arc<Inner>);

struct Inner {
    waiting: Mutex<HashMap<EventQuery, Reading>>,
    places: Semaphore,
}

impl Default for StreamPages {
    fn default() -> Self {
        Self(Arc::new(Inner { waiting: Mutex::default(), places: Semaphore::new(AT_ONCE) }))
    }
}

/// Somebody who waits for a reading.
struct Joined<'a> {
    pages: &'a Inner,
    query: &'a EventQuery,
    reading: Reading,
}

impl StreamPages {
    /// The next events for a stream.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub(super) async fn read(&self, answering: &Answering, query: &EventQuery) -> Read {
        let reading = Arc::clone(self.0.waiting().entry(query.clone()).or_default());
        let joined = Joined { pages: &self.0, query, reading };
        // Whoever comes first reads; if they leave, the next one does.
        let read = joined.reading.get_or_init(|| async {
            // Who was woken by the same news is to join.
            tokio::task::yield_now().await;
            // Nobody closes it: without a place it is read all the same.
            let _place = self.0.places.acquire().await;
            joined.begin();
            let page = answering.read_events(query.clone()).await.map_err(Arc::new)?;
            Ok(Arc::new(StreamPage { text: text_of(&page), next: page.next, newest: page.ends.newest }))
        });
        read.await.clone()
    }
}

impl Inner {
    fn waiting(&self) -> MutexGuard<'_, HashMap<EventQuery, Reading>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Joined<'_> {
    /// Nobody joins any more.
    fn begin(&self) {
        let mut waiting = self.pages.waiting();
        if waiting.get(self.query).is_some_and(|reading| Arc::ptr_eq(reading, &self.reading)) {
            waiting.remove(self.query);
        }
    }
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        let mut waiting = self.pages.waiting();
        // Only the map and this one hold it: nobody waits.
        if let Some(reading) = waiting.get(self.query)
            && Arc::ptr_eq(reading, &self.reading)
            && Arc::strong_count(reading) == 2
        {
            waiting.remove(self.query);
        }
    }
}

fn text_of(page: &EventPage) -> Bytes {
    let mut text = String::with_capacity(page.events.iter().map(|event| event.json.len() + 64).sum());
    for event in &page.events {
        // Writing to a text does not fail.
        let _ = write!(text, "id: {}\nevent: {}\ndata: {}\n\n", event.n, event.kind.as_str(), event.json);
    }
    text.into()
}
