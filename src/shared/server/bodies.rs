//! How much memory the bodies of all requests have together, and who gives way when it is full.
//!
//! A body counts with the memory that it holds, not with the bytes that have come. While it is unfinished nothing is known of
//! its sender, so it may have to give way to another one: those of the address that holds most go first, and of these the
//! slowest. A body that is whole keeps its memory until its request is answered.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// Which share a body's bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pot {
    /// The first 64 KiB of a delivery: neither forms nor large deliveries can use it up.
    Delivery = 0,
    /// What a delivery has beyond that.
    Large = 1,
    /// Any other request.
    Other = 2,
}

/// An address that holds more than one part in so many gives way to another address at once.
const FAIR: usize = 4;

/// When memory is full, one part in so many is made free at once: looking for whom to let go costs time.
const AT_ONCE: usize = 16;

/// The memory of all bodies. Cheap to clone.
#[derive(Clone)]
pub(super) struct Bodies(Arc<Inner>);

struct Inner {
    sizes: [usize; 3],
    /// For how long an unfinished body need not give way.
    patience: Duration,
    state: Mutex<State>,
}

struct State {
    free: [usize; 3],
    unfinished: HashMap<u64, Unfinished>,
    next: u64,
}

struct Unfinished {
    client: IpAddr,
    held: [usize; 3],
    received: usize,
    begun: Instant,
    gave_way: CancellationToken,
}

impl Unfinished {
    fn bytes_per_second(&self, now: Instant) -> usize {
        let ms = usize::try_from(now.saturating_duration_since(self.begun).as_millis()).unwrap_or(usize::MAX).max(1);
        self.received.saturating_mul(1000) / ms
    }
}

/// What one body holds.
pub(super) struct Held {
    bodies: Bodies,
    held: [usize; 3],
    /// While it is unfinished.
    id: Option<u64>,
    /// Cancelled when it has given way.
    pub(super) gave_way: CancellationToken,
}

impl Bodies {
    /// So many bytes in all: an eighth is for requests that are no deliveries, a quarter for small deliveries.
    pub(super) fn new(bytes: usize, patience: Duration) -> Self {
        let (delivery, other) = (bytes / 4, bytes / 8);
        let sizes = [delivery, bytes - delivery - other, other];
        let state = State { free: sizes, unfinished: HashMap::new(), next: 0 };
        Self(Arc::new(Inner { sizes, patience, state: Mutex::new(state) }))
    }

    /// A body of this client begins; it holds nothing yet.
    pub(super) fn begin(&self, client: IpAddr) -> Held {
        let gave_way = CancellationToken::new();
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        let one = Unfinished { client, held: [0; 3], received: 0, begun: Instant::now(), gave_way: gave_way.clone() };
        state.unfinished.insert(id, one);
        Held { bodies: self.clone(), held: [0; 3], id: Some(id), gave_way }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets unfinished bodies go until there is room for so much more in a pot, if there are any that must give way.
    fn make_room(&self, state: &mut State, pot: Pot, amount: usize, (client, id): (IpAddr, u64), now: Instant) {
        let (pot, size) = (pot as usize, self.0.sizes[pot as usize]);
        let mut totals: HashMap<IpAddr, usize> = HashMap::new();
        for one in state.unfinished.values() {
            *totals.entry(one.client).or_default() += one.held[pot];
        }
        let total = |of: &IpAddr| totals.get(of).copied().unwrap_or_default();
        let must_give_way = |one: &Unfinished| {
            let is_old = now.saturating_duration_since(one.begun) >= self.0.patience;
            is_old || (one.client != client && total(&one.client) > size / FAIR)
        };
        let mut order: Vec<(Reverse<usize>, usize, u64)> = state
            .unfinished
            .iter()
            .filter(|(other, one)| **other != id && one.held[pot] > 0 && must_give_way(one))
            .map(|(other, one)| (Reverse(total(&one.client)), one.bytes_per_second(now), *other))
            .collect();
        order.sort_unstable();
        let wanted = amount.saturating_add(size / AT_ONCE).min(size);
        for (_, _, other) in order {
            if state.free[pot] >= wanted {
                return;
            }
            if let Some(one) = state.unfinished.remove(&other) {
                (0..3).for_each(|pot| state.free[pot] += one.held[pot]);
                one.gave_way.cancel();
            }
        }
    }
}

impl Held {
    /// Takes so much more; `received` bytes have come so far. `false`: there is no room, or this one has given way.
    pub(super) fn grow(&mut self, pot: Pot, amount: usize, received: usize) -> bool {
        self.grow_at(pot, amount, received, Instant::now())
    }

    fn grow_at(&mut self, pot: Pot, amount: usize, received: usize, now: Instant) -> bool {
        let bodies = self.bodies.clone();
        let mut state = bodies.state();
        let Some(id) = self.id else { return false };
        let Some(client) = state.unfinished.get(&id).map(|one| one.client) else { return false };
        if state.free[pot as usize] < amount {
            bodies.make_room(&mut state, pot, amount, (client, id), now);
        }
        if state.free[pot as usize] < amount {
            return false;
        }
        state.free[pot as usize] -= amount;
        self.held[pot as usize] += amount;
        if let Some(one) = state.unfinished.get_mut(&id) {
            one.held[pot as usize] += amount;
            one.received = received;
        }
        true
    }

    /// The body is whole: from now on it need not give way. `false`: it has.
    pub(super) fn finish(&mut self) -> bool {
        let bodies = self.bodies.clone();
        let mut state = bodies.state();
        let Some(id) = self.id else { return true };
        let is_there = state.unfinished.remove(&id).is_some();
        if is_there {
            self.id = None;
        }
        is_there
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.bodies.state();
        // What gave way was given back then.
        if self.id.is_none_or(|id| state.unfinished.remove(&id).is_some()) {
            (0..3).for_each(|pot| state.free[pot] += self.held[pot]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn free(bodies: &Bodies) -> usize {
        bodies.state().free.iter().sum()
    }

    #[test]
    fn i2_memory_is_never_overdrawn_and_comes_back() {
        let bodies = Bodies::new(80, Duration::from_secs(1));
        let mut one = bodies.begin(client(1));
        assert!(one.grow(Pot::Delivery, 15, 15));
        let mut two = bodies.begin(client(1));
        assert!(!two.grow(Pot::Delivery, 6, 6) && two.grow(Pot::Delivery, 5, 5));
        assert!(one.finish());
        drop((one, two));
        assert_eq!(free(&bodies), 80);
    }

    #[test]
    fn i5_the_slowest_gives_way_and_that_of_the_address_which_holds_most_first() {
        let bodies = Bodies::new(800, Duration::from_secs(1));
        let begun = Instant::now();
        let hold = |of: u8, received| {
            let mut held = bodies.begin(client(of));
            assert!(held.grow_at(Pot::Delivery, 20, received, begun));
            held
        };
        // Ten of ten addresses fill the pot.
        let mut all: Vec<Held> = (1..=10).map(|of| hold(of, usize::from(of) * 2)).collect();
        let mut late = bodies.begin(client(11));
        assert!(!late.grow_at(Pot::Delivery, 20, 20, begun), "nobody is slow yet");
        let now = begun + Duration::from_secs(2);
        assert!(all[2].finish(), "this one is whole");
        assert!(late.grow_at(Pot::Delivery, 20, 20, now));
        let gone: Vec<usize> = (0..10).filter(|at| all[*at].gave_way.is_cancelled()).collect();
        assert_eq!(gone, [0, 1], "the slowest, with some room to spare");
        assert!(!all[0].grow_at(Pot::Delivery, 1, 3, now) && !all[0].finish());
        drop((all, late));
        assert_eq!(free(&bodies), 800);

        // One address holds nearly all: it gives way to another one at once, and not to itself.
        let _greedy: Vec<Held> = (0..9).map(|_| hold(1, 19)).collect();
        let slower = hold(2, 1);
        assert!(!bodies.begin(client(1)).grow_at(Pot::Delivery, 20, 20, begun));
        assert!(bodies.begin(client(3)).grow_at(Pot::Delivery, 20, 20, begun));
        assert!(!slower.gave_way.is_cancelled());
    }

    #[test]
    fn i5_other_requests_take_nothing_that_deliveries_need() {
        let bodies = Bodies::new(800, Duration::from_secs(1));
        let mut forms = bodies.begin(client(1));
        assert!(forms.grow(Pot::Other, 100, 100) && !forms.grow(Pot::Other, 1, 1));
        let mut delivery = bodies.begin(client(2));
        assert!(delivery.grow(Pot::Delivery, 200, 200) && delivery.grow(Pot::Large, 500, 700));
    }
}
