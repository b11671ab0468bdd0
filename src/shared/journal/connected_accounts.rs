//! Which accounts somebody has connected: kept in memory, so that intake needs no other database.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

/// Why the events of an account are set aside that nobody has connected (yet). They are released when somebody does.
pub(in crate::shared) const NOT_CONNECTED: &str = "the account is not connected";

/// The connected accounts, by channel. Cheap to clone.
#[derive(Clone, Default)]
pub(in crate::shared) struct ConnectedAccounts(Arc<RwLock<HashMap<String, HashSet<String>>>>);

impl ConnectedAccounts {
    pub(in crate::shared) fn insert(&self, channel: &str, account: &str) {
        let mut accounts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        accounts.entry(channel.to_owned()).or_default().insert(account.to_owned());
    }

    pub(super) fn remove(&self, channel: &str, account: &str) {
        let mut accounts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(accounts) = accounts.get_mut(channel) {
            accounts.remove(account);
        }
    }

    pub(in crate::shared) fn contains(&self, channel: &str, account: &str) -> bool {
        let accounts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        accounts.get(channel).is_some_and(|accounts| accounts.contains(account))
    }
}
