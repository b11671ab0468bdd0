//! What a key may ask for, and how often one address may show wrong keys. A key's share is its own: the flood of another
//! one takes nothing of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use uuid::Uuid;

use super::places::{Place, Places};
use super::problem::ApiProblem;
use crate::shared::server::limits::Limits;
use crate::shared::server::peer::Peer;
use crate::shared::server::proxies::Proxies;
use crate::shared::server::rates::{Bucket, Rate, Rates};

/// What changes something: 20 a second.
const WRITES: Rate = Rate { burst: 40, per_minute: 20 * 60 };

/// What only reads: 50 a second.
const READS: Rate = Rate { burst: 50, per_minute: 50 * 60 };

/// Wrong keys of one address.
const WRONG_KEYS: Rate = Rate { burst: 20, per_minute: 20 };

/// How long an address waits that has shown too many of them, in seconds.
const WRONG_KEYS_WAIT: u64 = 60;

/// How many keys are remembered before those that ask for little are forgotten.
const MANY_KEYS: usize = 10_000;

/// How many streams and waiting reads there may be in all.
const STREAMS: usize = 200;

/// How many of them one key may have.
const STREAMS_OF_KEY: usize = 5;

/// How many files may be uploaded at once: in all, and of one merchant, so that one who is slow holds up no other.
const UPLOADS: usize = 16;
const UPLOADS_OF_MERCHANT: usize = 4;

/// What all keys have used of their shares.
pub struct ApiLimits {
    wrong_keys: Rates,
    of_keys: Mutex<HashMap<String, Shares>>,
    streams: Places<String>,
    uploads: Places<Uuid>,
    upload_within: Duration,
    stream_rule: StreamRule,
    proxies: Proxies,
}

/// What is asked of the readers of streams: see [`Limits`].
#[derive(Debug, Clone, Copy)]
pub struct StreamRule {
    /// How often a quiet stream says something.
    pub comment_every: Duration,
    /// Behind how many events a reader is cut off that has taken nothing for [`StreamRule::a_moment`].
    pub most_behind: i64,
    /// So long.
    pub a_moment: Duration,
}

/// What is left of a key's shares.
struct Shares {
    writes: Bucket,
    reads: Bucket,
}

/// Whether a request changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It only reads.
    Read,
    /// It changes something.
    Write,
}

impl ApiLimits {
    /// What is asked of the readers of streams.
    #[must_use]
    pub fn stream_rule(&self) -> StreamRule {
        self.stream_rule
    }

    /// Nothing is used yet. Who asks behind a proxy is told by the service's own limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            wrong_keys: Rates::new(WRONG_KEYS),
            of_keys: Mutex::default(),
            streams: Places::new(STREAMS, STREAMS_OF_KEY),
            uploads: Places::new(UPLOADS, UPLOADS_OF_MERCHANT),
            upload_within: limits.request,
            stream_rule: StreamRule {
                comment_every: limits.stream_comment,
                most_behind: limits.stream_behind,
                a_moment: limits.stream_moment,
            },
            proxies: limits.proxies.clone(),
        }
    }

    /// What an address hears that has shown a wrong key.
    #[must_use]
    pub fn wrong_key(&self, peer: Option<&Peer>, headers: &HeaderMap) -> ApiProblem {
        let address: Option<IpAddr> = peer.map(|peer| self.proxies.client(peer.0, headers));
        match address.is_none_or(|address| self.wrong_keys.allow(address)) {
            true => ApiProblem::Unauthorized,
            false => ApiProblem::TooManyRequests { retry_after: WRONG_KEYS_WAIT },
        }
    }

    /// Takes one piece of work out of a key's share.
    ///
    /// # Errors
    /// [`ApiProblem::TooManyRequests`] where nothing is left.
    pub fn take(&self, key: &str, work: Work) -> Result<(), ApiProblem> {
        self.take_at(key, work, Instant::now())
    }

    fn take_at(&self, key: &str, work: Work, now: Instant) -> Result<(), ApiProblem> {
        let mut of_keys = lock(&self.of_keys);
        if of_keys.len() >= MANY_KEYS && !of_keys.contains_key(key) {
            of_keys.retain(|_, shares| !shares.writes.is_full(WRITES, now) || !shares.reads.is_full(READS, now));
        }
        if !of_keys.contains_key(key) {
            let shares = Shares { writes: Bucket::full(WRITES, now), reads: Bucket::full(READS, now) };
            of_keys.insert(key.to_owned(), shares);
        }
        let Some(shares) = of_keys.get_mut(key) else { return Ok(()) };
        let taken = match work {
            Work::Write => shares.writes.take(WRITES, now),
            Work::Read => shares.reads.take(READS, now),
        };
        taken.map_err(|wait| ApiProblem::TooManyRequests { retry_after: whole_seconds(wait) })
    }

    /// A place for a stream or a waiting read of this key, until it is dropped.
    ///
    /// # Errors
    /// [`ApiProblem::TooManyRequests`] where there is none left.
    pub fn take_stream(&self, key: &str) -> Result<StreamPlace, ApiProblem> {
        self.streams.take(&key.to_owned()).ok_or(ApiProblem::TooManyRequests { retry_after: 1 })
    }

    /// How many streams and waiting reads there are.
    #[must_use]
    #[cfg(test)]
    fn count_streams(&self) -> usize {
        self.streams.count()
    }

    /// A place for a file that this merchant uploads, until it is dropped; `None`: all are taken.
    #[must_use]
    pub fn take_upload(&self, merchant: Uuid) -> Option<Place<Uuid>> {
        self.uploads.take(&merchant)
    }

    /// How long the body of a file may take to come.
    #[must_use]
    pub fn upload_within(&self) -> Duration {
        self.upload_within
    }
}

/// A place among the streams and waiting reads.
pub type StreamPlace = Place<String>;

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a3_a_keys_limits_are_its_own() {
        let limits = ApiLimits::new(&Limits::default());
        let now = Instant::now();
        let count = |key: &str, work, at| (0..200).filter(|_| limits.take_at(key, work, at).is_ok()).count();
        assert_eq!(count("one", Work::Write, now), 40);
        assert_eq!(count("one", Work::Read, now), 50);
        assert_eq!(count("other", Work::Write, now), 40);
        assert_eq!(count("one", Work::Write, now + Duration::from_secs(1)), 20);
        assert_eq!(count("one", Work::Read, now + Duration::from_secs(1)), 50);
        let refused = limits.take_at("one", Work::Write, now + Duration::from_secs(1));
        assert!(matches!(refused, Err(ApiProblem::TooManyRequests { retry_after: 1 })), "{refused:?}");
    }

    #[test]
    fn a5_streams_have_places_of_their_own_in_all_and_for_each_key() {
        let limits = ApiLimits::new(&Limits::default());
        let mut held: Vec<StreamPlace> = (0..5).map(|_| limits.take_stream("one").unwrap()).collect();
        assert!(limits.take_stream("one").is_err());
        for key in 0..39 {
            held.extend((0..5).map(|_| limits.take_stream(&key.to_string()).unwrap()));
        }
        assert_eq!(limits.count_streams(), 200);
        assert!(limits.take_stream("another").is_err());
        held.swap_remove(0);
        drop(limits.take_stream("one").unwrap());
        drop(held);
        assert_eq!(limits.count_streams(), 0);
    }
}
