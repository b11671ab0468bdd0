//! What a login left to be done because its platform did not answer: kept with its reason until somebody has done it.

use serde::{Deserialize, Serialize};

use super::account_cursors::find_account_cursor;
use crate::shared::journal::{Journal, JournalError};

/// Under which name it is kept for an account.
const NAME: &str = "still to come";

/// One thing that a login left to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillToCome {
    /// What it is, in words for the merchant: "the webhook subscription".
    pub what: String,
    /// Why it could not be done at once, in words for the merchant.
    pub reason: String,
}

impl StillToCome {
    /// This is to be done later, for this reason.
    #[must_use]
    pub fn new(what: &str, reason: String) -> Self {
        Self { what: what.to_owned(), reason }
    }

    /// What a merchant reads of all of it; `None`: there is nothing.
    #[must_use]
    pub fn sentence(list: &[Self]) -> Option<String> {
        let reason = &list.first()?.reason;
        let what: Vec<&str> = list.iter().map(|one| one.what.as_str()).collect();
        Some(format!("Still to come: {}. {reason}", what.join(", ")))
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
        let text = (!list.is_empty()).then(|| serde_json::json!(list).to_string());
        self.save_account_cursor(channel, account, NAME, text).await
    }

    /// What is still to come of an account.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_still_to_come(&self, channel: &str, account: &str) -> Result<Vec<StillToCome>, JournalError> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        let text = self.read(move |connection| find_account_cursor(connection, &channel, &account, NAME)).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }
}
