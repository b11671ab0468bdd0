//! What a login left to be done because its platform did not answer: kept with its reason until somebody has done it.

use serde::Serialize;
use serde_json::{Value, json};

use super::account_cursors::find_account_cursor;
use crate::shared::journal::{Journal, JournalError};
use crate::shared::languages::{Sentence, say};

/// Under which name it is kept for an account.
const NAME: &str = "still to come";

/// One thing that a login left to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StillToCome {
    /// What it is, in words for the merchant: "the webhook subscription".
    pub what: Sentence,
    /// Why it could not be done at once, in words for the merchant.
    pub reason: Sentence,
}

impl StillToCome {
    /// This is to be done later, for this reason.
    #[must_use]
    pub fn new(what: Sentence, reason: Sentence) -> Self {
        Self { what, reason }
    }

    /// What a merchant reads of all of it; `None`: there is nothing.
    #[must_use]
    pub fn sentence(list: &[Self]) -> Option<Sentence> {
        let reason = list.first()?.reason.clone();
        let what = list.iter().map(|one| one.what.clone()).reduce(say::list)?;
        Some(say::to_come(what, reason))
    }

    fn stored(&self) -> Value {
        json!({ "what": self.what.stored(), "reason": self.reason.stored() })
    }

    fn of_stored(stored: &Value) -> Option<Self> {
        let sentence = |name: &str| stored[name].as_str().map(|text| Sentence::of_stored(text.to_owned()));
        Some(Self { what: sentence("what")?, reason: sentence("reason")? })
    }
}

impl Journal {
    /// Keeps what is still to come of an account; nothing takes back what was kept before.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn note_still_to_come(
        &self,
        channel: &'static str,
        account: &str,
        list: &[StillToCome],
    ) -> Result<(), JournalError> {
        let text = (!list.is_empty()).then(|| list.iter().map(StillToCome::stored).collect::<Value>().to_string());
        self.save_account_cursor(channel, account, NAME, text).await
    }

    /// What is still to come of an account.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_still_to_come(&self, channel: &str, account: &str) -> Result<Vec<StillToCome>, JournalError> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        let text = self.read(move |connection| find_account_cursor(connection, &channel, &account, NAME)).await?;
        let list: Vec<Value> = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Ok(list.iter().filter_map(StillToCome::of_stored).collect())
    }
}
