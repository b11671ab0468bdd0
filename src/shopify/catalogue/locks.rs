//! One lock for each shop's catalogue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::shopify::payload::ShopDomain;

/// One lock for each shop: records and file change together. Cheap to clone.
#[derive(Clone, Default)]
pub struct Locks(Arc<Mutex<HashMap<ShopDomain, Arc<tokio::sync::Mutex<()>>>>>);

impl Locks {
    /// Waits for the shop's lock.
    pub async fn of(&self, shop: &ShopDomain) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(shop.clone()).or_default());
        lock.lock_owned().await
    }
}
