//! The reads under way: of which accounts, and how far they have come. Lives in memory only.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::languages::Sentence;

/// How far one read has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// What is being read, as people say it: "products".
    pub what: Sentence,
    /// How many are done.
    pub done: u64,
    /// How many there are, where that is known.
    #[serde(default)]
    pub known: Option<u64>,
}

/// How far all reads under way have come: for progress bars and the merchant's page. Cheap to clone.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<BTreeMap<(String, String), Step>>>);

impl Progress {
    /// Says how far the read of an account has come.
    pub fn report(&self, channel: &str, account: &str, what: Sentence, done: usize, known: Option<usize>) {
        let step = Step {
            channel: channel.to_owned(),
            account: account.to_owned(),
            what,
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

/// The accounts that are being read. Cheap to clone.
#[derive(Clone, Default)]
pub struct Reads(Arc<ReadsInner>);

#[derive(Default)]
struct ReadsInner {
    /// Each account once, with what cuts its read.
    under_way: Mutex<HashMap<(String, String), CancellationToken>>,
    finished: Notify,
}

impl Reads {
    /// Notes that an account is being read. `None`: it is already.
    #[must_use]
    pub fn begin(&self, channel: &str, account: &str) -> Option<UnderWay> {
        let account = (channel.to_owned(), account.to_owned());
        let cut = CancellationToken::new();
        match self.under_way().entry(account.clone()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(place) => place.insert(cut.clone()),
        };
        Some(UnderWay { reads: self.clone(), account, cut })
    }

    /// Whether this account is being read at the moment.
    #[must_use]
    pub fn is_under_way(&self, channel: &str, account: &str) -> bool {
        self.under_way().contains_key(&(channel.to_owned(), account.to_owned()))
    }

    /// Cuts the read of an account, if one is under way. What it wanted is still written down.
    pub fn cut(&self, channel: &str, account: &str) {
        if let Some(cut) = self.under_way().get(&(channel.to_owned(), account.to_owned())) {
            cut.cancel();
        }
    }

    /// Cuts the read of an account, waits until nothing is left of it, and lets none begin until what is given back is
    /// dropped.
    pub async fn hold(&self, channel: &str, account: &str) -> UnderWay {
        loop {
            if let Some(held) = self.begin(channel, account) {
                return held;
            }
            self.cut(channel, account);
            self.idle(|one| (one.0.as_str(), one.1.as_str()) == (channel, account)).await;
        }
    }

    /// Waits until none of these accounts is being read.
    pub async fn idle(&self, which: impl Fn(&(String, String)) -> bool) {
        loop {
            let finished = self.0.finished.notified();
            if !self.under_way().keys().any(&which) {
                return;
            }
            finished.await;
        }
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), CancellationToken>> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The read of an account. It is over when this is dropped.
pub struct UnderWay {
    reads: Reads,
    account: (String, String),
    cut: CancellationToken,
}

impl UnderWay {
    /// Cancelled when the read is to end early.
    #[must_use]
    pub fn cut_by(&self) -> CancellationToken {
        self.cut.clone()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.reads.under_way().remove(&self.account);
        self.reads.0.finished.notify_waiters();
    }
}
