//! Requests with one `Idempotency-Key` are looked at one after the other, so that all but the first find its answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use crate::shared::server::places::Place;

/// Merchant and key.
type Name = (Uuid, String);

/// A lock for each name that is in use. Cheap to clone.
#[derive(Clone, Default)]
pub struct OneAtATime(Arc<Mutex<HashMap<Name, Arc<tokio::sync::Mutex<()>>>>>);

/// Held while a request waits for its turn, and while it is looked at.
pub struct Turn {
    locks: OneAtATime,
    name: Name,
    /// `None`: it waits still.
    guard: Option<OwnedMutexGuard<()>>,
}

impl OneAtATime {
    /// Waits until no other request with this key of this merchant is looked at. Where one is, `place` is for others
    /// meanwhile. `None`: too many wait.
    pub async fn wait(&self, merchant: Uuid, key: &str, place: Option<&Place>) -> Option<Turn> {
        let name = (merchant, key.to_owned());
        let lock = Arc::clone(self.lock().entry(name.clone()).or_default());
        // Its end takes the name out of the map, also where the caller goes while it waits.
        let mut turn = Turn { locks: self.clone(), name, guard: None };
        turn.guard = Some(match Arc::clone(&lock).try_lock_owned() {
            Ok(guard) => guard,
            Err(_) => {
                let _aside = match place {
                    Some(place) => Some(place.step_aside()?),
                    None => None,
                };
                lock.lock_owned().await
            }
        });
        Some(turn)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut locks = self.locks.lock();
        drop(self.guard.take());
        // Only the map holds it: nobody waits.
        if locks.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_name_waits_and_another_does_not_and_nothing_is_left() {
        let locks = OneAtATime::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = locks.wait(one, "k", None).await;
        let second = tokio::spawn({
            let locks = locks.clone();
            async move { drop(locks.wait(one, "k", None).await) }
        });
        drop(locks.wait(other, "k", None).await);
        drop(locks.wait(one, "l", None).await);
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap();
        assert!(locks.lock().is_empty());
    }
}
