//! Which shops said only minutes ago that they are closed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::payload::ShopDomain;

/// How long a shop that said that it is closed is not asked again because of what it delivers, in milliseconds.
const BELIEVED_MS: i64 = 10 * 60_000;

/// When shops last said that they are closed.
#[derive(Default)]
pub struct Closed(Mutex<HashMap<ShopDomain, i64>>);

impl Closed {
    /// This shop says so now.
    pub fn note(&self, shop: &ShopDomain, now_ms: i64) {
        self.lock().insert(shop.clone(), now_ms);
    }

    /// Whether this shop said so within the last ten minutes.
    #[must_use]
    pub fn said_lately(&self, shop: &ShopDomain, now_ms: i64) -> bool {
        self.lock().get(shop).is_some_and(|said_at| now_ms - said_at < BELIEVED_MS)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ShopDomain, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
