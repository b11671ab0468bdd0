//! The places of requests at work, and of those that only wait: for another one, or for something to happen.
//!
//! Who waits costs memory and nothing else, so it holds no place that others need. But there is an end of that, too.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places of all requests.
pub(super) struct Places {
    at_work: Share,
    /// A quarter of the requests at work is kept for deliveries.
    others_at_work: Share,
    waiting: Share,
}

/// The place of one request, in its extensions while it is answered. Cheap to clone.
#[derive(Clone)]
pub struct Place(Arc<Inner>);

struct Inner {
    places: Arc<Places>,
    is_delivery: bool,
    held: Mutex<Held>,
}

/// What a request holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    AtWork,
    Waiting,
    Nothing,
}

/// A request that waits. Dropped, it is at work again.
pub struct Aside(Place);

/// A place until the request is answered, whoever still has a clone of it.
pub(super) struct Answering(Place);

impl Places {
    /// So many requests at work at once, and so many that wait.
    pub(super) fn new(requests: usize, waiting: usize) -> Arc<Self> {
        Arc::new(Self {
            at_work: Share::new(requests),
            others_at_work: Share::new((requests - requests / 4).max(1)),
            waiting: Share::new(waiting),
        })
    }

    /// A place at work, if there is one.
    pub(super) fn take(self: &Arc<Self>, is_delivery: bool) -> Option<Answering> {
        self.enter(is_delivery).then(|| {
            let held = Mutex::new(Held::AtWork);
            Answering(Place(Arc::new(Inner { places: Arc::clone(self), is_delivery, held })))
        })
    }

    fn enter(&self, is_delivery: bool) -> bool {
        if !is_delivery && !self.others_at_work.take() {
            return false;
        }
        if self.at_work.take() {
            return true;
        }
        if !is_delivery {
            self.others_at_work.give_back();
        }
        false
    }

    fn leave(&self, is_delivery: bool) {
        self.at_work.give_back();
        if !is_delivery {
            self.others_at_work.give_back();
        }
    }
}

impl Place {
    /// Lets others work while this request waits. `None`: too many wait already, or this one does.
    #[must_use]
    pub fn step_aside(&self) -> Option<Aside> {
        let Inner { places, is_delivery, .. } = &*self.0;
        let mut held = self.held();
        if *held != Held::AtWork || !places.waiting.take() {
            return None;
        }
        places.leave(*is_delivery);
        *held = Held::Waiting;
        Some(Aside(self.clone()))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back what is held.
    fn end(&self) {
        let Inner { places, is_delivery, .. } = &*self.0;
        match std::mem::replace(&mut *self.held(), Held::Nothing) {
            Held::AtWork => places.leave(*is_delivery),
            Held::Waiting => places.waiting.give_back(),
            Held::Nothing => {}
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let Inner { places, is_delivery, .. } = &*self.0.0;
        let mut held = self.0.held();
        if *held == Held::Waiting {
            places.waiting.give_back();
            // Without a place what is left is done all the same: it is little, and only so many waited.
            *held = if places.enter(*is_delivery) { Held::AtWork } else { Held::Nothing };
        }
    }
}

impl Answering {
    /// The place, for the request's extensions.
    pub(super) fn place(&self) -> Place {
        self.0.clone()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// So many of something, for all requests together.
struct Share(AtomicUsize);

impl Share {
    fn new(amount: usize) -> Self {
        Self(AtomicUsize::new(amount))
    }

    /// Takes one, if there is one.
    fn take(&self) -> bool {
        let less = |free: usize| free.checked_sub(1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).is_ok()
    }

    fn give_back(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i4_places_are_never_overdrawn_and_come_back() {
        let places = Places::new(4, 1);
        let others: Vec<Answering> = (0..3).map(|_| places.take(false).expect("a place")).collect();
        assert!(places.take(false).is_none(), "a quarter is kept for deliveries");
        let delivery = places.take(true).expect("a place");
        assert!(places.take(true).is_none());
        drop(delivery);
        assert!(places.take(true).is_some());
        drop(others);
        let all: Vec<Option<Answering>> = (0..4).map(|number| places.take(number > 2)).collect();
        assert!(all.iter().all(Option::is_some) && places.take(true).is_none());
    }

    #[test]
    fn a5_who_waits_holds_no_place_at_work_and_so_many_may_wait() {
        let places = Places::new(1, 1);
        let first = places.take(false).expect("a place");
        assert!(places.take(false).is_none());
        let aside = first.place().step_aside().expect("it may wait");
        assert!(first.place().step_aside().is_none(), "it waits already");
        let second = places.take(false).expect("a place");
        assert!(second.place().step_aside().is_none(), "one waits already");
        // Its wait is over, and there is no place: it goes on without.
        drop(aside);
        let again = second.place().step_aside().expect("nobody waits");
        drop(again);
        assert!(places.take(false).is_none(), "it is at work again");
        // A clone that somebody kept holds nothing.
        let (kept, kept_aside) = (second.place(), second.place().step_aside());
        drop((first, second));
        assert!(kept.step_aside().is_none());
        drop(kept_aside);
        assert!(places.take(false).is_some_and(|one| one.place().step_aside().is_some()));
    }
}
