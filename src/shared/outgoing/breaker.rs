//! Keeps a platform account that does not answer from costing anything: a few calls at a time for each, and after several
//! that failed in a row none for a while, then one to see whether it is back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::shared::clock::Clock;
use crate::shared::retry::Doubling;

/// How many calls of one account are under way at once.
const ACCOUNT_CALLS: usize = 4;

/// How many calls to one platform are under way at once that are made for no account in particular.
const PLATFORM_CALLS: usize = 32;

/// After so many failures in a row the breaker opens: two calls that were tried as often as any.
const FAILURES: u32 = 10;

/// How long it stays open at first and at most.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
const PAUSES: Doubling = Doubling::new(PAUSE, LONGEST_PAUSE);

/// How many lanes are remembered. Those without a failure or a call are forgotten first.
const MAX_LANES: usize = 10_000;

/// How many messages of one account are under way at once: each is a call of its own, to another person.
const ACCOUNT_SENDS: usize = 16;

/// What a lane is: where calls go, for whom (empty: for the app itself), and what they are.
type LaneName = (String, String, Use);

/// What the calls of a lane are. Sending and reading do not wait for each other, and one that fails says nothing about the
/// other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Use {
    /// Reads, and changes of settings.
    #[default]
    Reading,
    /// Messages to people.
    Sending,
}

/// All lanes. Cheap to clone.
#[derive(Clone, Default)]
pub struct Lanes(Arc<Mutex<HashMap<LaneName, Arc<Lane>>>>);

struct Lane {
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    /// In milliseconds since 1970; `None`: closed.
    open_until: Option<i64>,
    /// Somebody asks whether it is back.
    probing: bool,
}

/// A call under way. Dropped without a word it counts neither as success nor as failure.
pub struct Call {
    lane: Arc<Lane>,
    clock: Clock,
    probes: bool,
    _place: OwnedSemaphorePermit,
}

impl Lanes {
    /// Waits for a place in this lane.
    ///
    /// # Errors
    /// How long the lane stays closed, when it did not answer too often.
    pub async fn enter(&self, name: LaneName, clock: &Clock) -> Result<Call, Duration> {
        let lane = self.lane(name);
        // Nobody closes the semaphore.
        let Ok(place) = Arc::clone(&lane.places).acquire_owned().await else { return Err(Duration::ZERO) };
        let probes = lane.state().enter(clock.now_ms())?;
        Ok(Call { lane, clock: clock.clone(), probes, _place: place })
    }

    fn lane(&self, name: LaneName) -> Arc<Lane> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= MAX_LANES {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1 || lane.state().failures > 0);
        }
        if lanes.len() >= MAX_LANES {
            // Whoever sends links to ever more hosts that fail gets them tried again.
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        let places = match name.2 {
            Use::Sending => ACCOUNT_SENDS,
            Use::Reading if name.1.is_empty() => PLATFORM_CALLS,
            Use::Reading => ACCOUNT_CALLS,
        };
        Arc::clone(
            lanes.entry(name).or_insert_with(|| {
                Arc::new(Lane { places: Arc::new(Semaphore::new(places)), state: Mutex::default() })
            }),
        )
    }
}

impl Lane {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the call that may go on is the one that asks whether it is back.
    fn enter(&mut self, now: i64) -> Result<bool, Duration> {
        let Some(until) = self.open_until else { return Ok(false) };
        let left = Duration::from_millis(u64::try_from(until - now).unwrap_or(0));
        // A clock that was set back keeps nobody waiting for longer than the longest pause.
        let over = left.is_zero() || left > LONGEST_PAUSE;
        if self.probing || !over {
            return Err(left.clamp(Duration::from_millis(100), LONGEST_PAUSE));
        }
        self.probing = true;
        Ok(true)
    }
}

impl Call {
    /// It was answered. Gives whether that was news.
    pub fn answered(self) -> bool {
        let mut state = self.lane.state();
        state.failures = 0;
        state.open_until.take().is_some()
    }

    /// It was not answered. Gives how long the lane is closed, when it is closed because of this.
    pub fn failed(self) -> Option<Duration> {
        let mut state = self.lane.state();
        state.failures = state.failures.saturating_add(1);
        let times = state.failures.checked_sub(FAILURES)?;
        // Others that were under way when it opened fail as well; they do not make it longer.
        if state.open_until.is_some() && !self.probes {
            return None;
        }
        let pause = PAUSES.after(times.into());
        state.open_until =
            Some(self.clock.now_ms().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)));
        Some(pause)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.probes {
            self.lane.state().probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(account: &str) -> LaneName {
        ("https://platform.example".to_owned(), account.to_owned(), Use::Reading)
    }

    #[tokio::test]
    async fn n5_a_lane_closes_after_failures_in_a_row_lets_one_ask_and_opens_again() {
        let (lanes, clock) = (Lanes::default(), Clock::manual(chrono::DateTime::UNIX_EPOCH));
        let enter = async || lanes.enter(lane("dead"), &clock).await;
        for _ in 1..FAILURES {
            assert_eq!(enter().await.ok().and_then(Call::failed), None);
        }
        assert_eq!(enter().await.ok().and_then(Call::failed), Some(PAUSE));
        assert!(enter().await.is_err());
        assert!(lanes.enter(lane("alive"), &clock).await.is_ok(), "one dead account slows no other");
        clock.advance(PAUSE);
        let probe = enter().await.ok().unwrap();
        assert!(enter().await.is_err(), "only one asks");
        assert_eq!(probe.failed(), Some(PAUSE * 2));
        clock.advance(PAUSE);
        assert!(enter().await.is_err());
        clock.advance(PAUSE);
        // One that is given up halfway says nothing; the next one asks.
        drop(enter().await.ok().unwrap());
        assert!(enter().await.ok().unwrap().answered());
        for _ in 1..FAILURES {
            assert_eq!(enter().await.ok().and_then(Call::failed), None);
        }
        assert!(!enter().await.ok().unwrap().answered());
    }

    #[tokio::test]
    async fn n5_an_account_has_only_so_many_calls_under_way() {
        let (lanes, clock) = (Lanes::default(), Clock::manual(chrono::DateTime::UNIX_EPOCH));
        let mut calls = Vec::new();
        for _ in 0..ACCOUNT_CALLS {
            calls.push(lanes.enter(lane("busy"), &clock).await.ok().unwrap());
        }
        let waiting = lanes.enter(lane("busy"), &clock);
        tokio::pin!(waiting);
        assert!(tokio::time::timeout(Duration::ZERO, &mut waiting).await.is_err());
        assert!(lanes.enter(lane("other"), &clock).await.is_ok());
        calls.pop();
        assert!(waiting.await.is_ok());
    }

    #[tokio::test]
    async fn z2_a_clock_that_was_set_back_does_not_keep_a_lane_closed() {
        let (lanes, clock) = (Lanes::default(), Clock::manual("2026-11-21T12:00:00Z".parse().unwrap()));
        for _ in 0..FAILURES {
            lanes.enter(lane("x"), &clock).await.ok().unwrap().failed();
        }
        let back = Clock::manual("2026-11-21T10:00:00Z".parse().unwrap());
        assert!(lanes.enter(lane("x"), &back).await.is_ok());
    }
}
