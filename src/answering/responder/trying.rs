//! A merchant tries a question: one at a time, and what it costs is counted even if nobody waits for the answer.

use std::sync::PoisonError;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::{Asked, Payer, Question, Responder};

/// How many merchants may try a question at once.
const AT_ONCE: usize = 8;

/// How long a merchant waits for an answer: below what a browser or a proxy waits.
const LONGEST: Duration = Duration::from_secs(45);

/// A place for a question that a merchant tries.
pub struct TryPlace {
    responder: Responder,
    merchant: Uuid,
}

impl Drop for TryPlace {
    fn drop(&mut self) {
        self.responder.0.trying.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.merchant);
    }
}

impl Responder {
    /// A place for a question that this merchant tries; `None`: they try one already, or as many merchants try one as may.
    #[must_use]
    pub fn try_place(&self, merchant: Uuid) -> Option<TryPlace> {
        let mut trying = self.0.trying.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = trying.len() < AT_ONCE && trying.insert(merchant);
        is_free.then(|| TryPlace { responder: self.clone(), merchant })
    }
}

impl TryPlace {
    /// Asks the model; `None`: it took too long. The model is heard to its end all the same, so that its cost is counted.
    ///
    /// # Errors
    /// As [`Responder::ask`].
    pub async fn ask(self, event: Value) -> anyhow::Result<Option<Asked>> {
        let asking = tokio::spawn(async move {
            let question = Question { merchant: self.merchant, event: &event, person: "", payer: Payer::Merchant };
            self.responder.ask(&question).await
        });
        match tokio::time::timeout(LONGEST, asking).await {
            Ok(asked) => Ok(Some(asked??)),
            Err(_) => Ok(None),
        }
    }
}
