//! Events → what the pages list: a row per conversation, and when each account was last heard of. Whoever writes for the
//! first time is asked for by name.
//!
//! The rows and the cursor are one transaction, so each event counts once, wherever the process is killed. Events that
//! flow in later than the cursor are counted by [`Journal::connect_account`].

use super::Worker;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::journal::{Journal, JournalError};

/// How many events one step takes: it runs on the journal's writer, between two groups of deliveries, and must be over
/// within a few milliseconds.
const STEP: i64 = 500;

/// When the platform is asked what somebody is called who wrote for the first time: one question for all who come within
/// some seconds.
const NAMES_AFTER_MS: i64 = 5_000;

/// The consumer.
pub struct Overview {
    journal: Journal,
}

impl Overview {
    /// Counts the events of this journal.
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Counts the next events. Gives back whether there was anything to do.
    ///
    /// # Errors
    /// When the journal cannot be used; the cursor then stands where it stood.
    pub async fn step(&self) -> Result<bool, JournalError> {
        self.journal.count_next_messages(STEP, (ReadRequest::People, NAMES_AFTER_MS)).await
    }
}

impl Worker for Overview {
    fn name(&self) -> &'static str {
        "overview"
    }

    fn when_failing(&self) -> &'static str {
        "The pages' lists of conversations fall behind, and new people's names are not asked for: the journal cannot be \
         used. Nothing is lost; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async { Ok(self.step().await?) })
    }
}
