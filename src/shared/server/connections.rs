//! Which connections are open, and which one gives way when there are as many as can be served.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::peer::household;
use super::turns::Turns;

/// An address that has more than one part in so many gives way to another address at once.
const FAIR: usize = 4;

/// When all places are taken, one in so many is made free at once.
const AT_ONCE: usize = 64;

/// The open connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connections(Arc<Inner>);

struct Inner {
    most: usize,
    /// For how long a connection that is not at work need not give way.
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: HashMap<u64, Open>,
    next: u64,
}

struct Open {
    client: IpAddr,
    turns: Arc<Turns>,
    close: CancellationToken,
}

/// The place of a connection. It is free again when this is dropped.
pub(super) struct Place {
    connections: Connections,
    id: u64,
    /// Cancelled when the connection has given way.
    pub(super) close: CancellationToken,
}

impl Connections {
    /// At most so many.
    pub(super) fn new(most: usize, patience: Duration) -> Self {
        Self(Arc::new(Inner { most, patience, state: Mutex::default() }))
    }

    /// A place for a connection from this address; `None`: all are taken, and nobody must give way.
    pub(super) fn enter(&self, address: IpAddr, turns: &Arc<Turns>) -> Option<Place> {
        let client = household(address);
        let mut state = self.state();
        if state.open.len() >= self.0.most {
            self.make_room(&mut state, client);
        }
        if state.open.len() >= self.0.most {
            return None;
        }
        let (id, close) = (state.next, CancellationToken::new());
        state.next += 1;
        state.open.insert(id, Open { client, turns: Arc::clone(turns), close: close.clone() });
        Some(Place { connections: self.clone(), id, close })
    }

    /// Closes connections that are not at work: of the address that has most of them first, and the longest idle of these.
    fn make_room(&self, state: &mut State, client: IpAddr) {
        let most = self.0.most;
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for one in state.open.values() {
            *counts.entry(one.client).or_default() += 1;
        }
        let count = |of: &IpAddr| counts.get(of).copied().unwrap_or_default();
        let mut order: Vec<(Reverse<usize>, Reverse<Duration>, u64)> = state
            .open
            .iter()
            .filter_map(|(id, one)| {
                let quiet = one.turns.quiet_for()?;
                let must = quiet >= self.0.patience || (one.client != client && count(&one.client) > most / FAIR);
                must.then_some((Reverse(count(&one.client)), Reverse(quiet), *id))
            })
            .collect();
        order.sort_unstable();
        for (_, _, id) in order.into_iter().take((most / AT_ONCE).max(1)) {
            if let Some(one) = state.open.remove(&id) {
                one.close.cancel();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.state().open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn i5_the_longest_idle_connection_gives_way_and_one_at_work_does_not() {
        let connections = Connections::new(3, Duration::ZERO);
        let (at_work, idle) = (Arc::<Turns>::default(), Arc::default());
        let one = connections.enter(client(1), &at_work).unwrap();
        let turn = at_work.begin();
        let two = connections.enter(client(2), &idle).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let three = connections.enter(client(3), &Arc::default()).unwrap();
        let four = connections.enter(client(4), &Arc::default()).unwrap();
        assert_eq!([&one, &two, &three].map(|place| place.close.is_cancelled()), [false, true, false]);
        drop(four);
        assert!(connections.enter(client(5), &Arc::default()).is_some(), "the place is free again");
        drop(turn);
        // The one that gave way frees no second place.
        drop(two);
        assert_eq!(connections.state().open.len(), 2);
    }

    #[test]
    fn i5_an_address_with_most_of_the_places_gives_way_to_another_at_once() {
        let connections = Connections::new(8, Duration::from_secs(60));
        let greedy: Vec<Place> = (0..8).map(|_| connections.enter(client(1), &Arc::default()).unwrap()).collect();
        assert!(connections.enter(client(1), &Arc::default()).is_none(), "but not to itself");
        assert!(connections.enter(client(2), &Arc::default()).is_some());
        assert_eq!(greedy.iter().filter(|place| place.close.is_cancelled()).count(), 1);
    }
}
