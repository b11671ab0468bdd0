//! Places for what takes long: so many in all, and so many of one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places, taken by name. Cheap to clone.
#[derive(Debug)]
pub struct Places<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    most: usize,
    most_of_one: usize,
    taken: Mutex<HashMap<K, usize>>,
}

impl<K> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// So many in all, and so many of one.
    #[must_use]
    pub fn new(most: usize, most_of_one: usize) -> Self {
        Self(Arc::new(Inner { most, most_of_one, taken: Mutex::default() }))
    }

    /// A place, until it is dropped; `None`: all are taken.
    #[must_use]
    pub fn take(&self, of: &K) -> Option<Place<K>> {
        let mut taken = self.taken();
        let (all, of_one) = (taken.values().sum::<usize>(), taken.get(of).copied().unwrap_or(0));
        if all >= self.0.most || of_one >= self.0.most_of_one {
            return None;
        }
        taken.insert(of.clone(), of_one + 1);
        Some(Place { of: of.clone(), places: self.clone() })
    }

    /// How many are taken.
    #[must_use]
    pub fn count(&self) -> usize {
        self.taken().values().sum()
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken.
#[derive(Debug)]
pub struct Place<K: Eq + Hash + Clone> {
    of: K,
    places: Places<K>,
}

impl<K: Eq + Hash + Clone> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        match taken.get_mut(&self.of) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.of)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_in_all_and_of_one_and_they_come_back() {
        let places = Places::new(3, 2);
        let mut held = vec![places.take(&"one").unwrap(), places.take(&"one").unwrap()];
        assert!(places.take(&"one").is_none(), "of one");
        held.push(places.take(&"other").unwrap());
        assert!(places.take(&"another").is_none(), "in all");
        held.swap_remove(0);
        drop(places.take(&"another").unwrap());
        drop(held);
        assert!(places.taken().is_empty());
    }
}
