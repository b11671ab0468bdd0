//! How far the reads under way have come: for progress bars and the merchant's page. Lives in memory only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// How far one read has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// What is being read, as people say it: "products".
    pub what: String,
    /// How many are done.
    pub done: u64,
    /// How many there are, where that is known.
    #[serde(default)]
    pub known: Option<u64>,
}

/// All reads under way. Cheap to clone.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<BTreeMap<(String, String), Step>>>);

impl Progress {
    /// Says how far the read of an account has come.
    pub fn report(&self, channel: &str, account: &str, what: &str, done: usize, known: Option<usize>) {
        let step = Step {
            channel: channel.to_owned(),
            account: account.to_owned(),
            what: what.to_owned(),
            done: done as u64,
            known: known.map(|known| known as u64),
        };
        self.lock().insert((channel.to_owned(), account.to_owned()), step);
    }

    /// The read of an account is over.
    pub fn end(&self, channel: &str, account: &str) {
        self.lock().remove(&(channel.to_owned(), account.to_owned()));
    }

    /// All reads under way.
    #[must_use]
    pub fn list(&self) -> Vec<Step> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Step>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
