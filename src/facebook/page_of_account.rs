//! To which Page an Instagram account belongs, whose token it is lent.

use super::inbox::INSTAGRAM;
use super::state::Facebook;
use crate::meta::id::Id;
use crate::shared::journal::JournalError;

/// Under which name it is kept to which Page an account belongs.
const PAGE: &str = "page";

/// The Page to which an account belongs; `None`: it is not known.
///
/// # Errors
/// When the journal cannot be read.
pub async fn page_of(facebook: &Facebook, account: &Id) -> Result<Option<Id>, JournalError> {
    let page = facebook.shared.journal.find_account_cursor(INSTAGRAM.name, account.as_str(), PAGE).await?;
    Ok(page.and_then(|page| Id::parse(&page)))
}

/// Keeps to which Page an account belongs.
///
/// # Errors
/// When the journal cannot be written.
pub async fn save_page_of(facebook: &Facebook, account: &Id, page: &Id) -> Result<(), JournalError> {
    let page = Some(page.as_str().to_owned());
    facebook.shared.journal.save_account_cursor(INSTAGRAM.name, account.as_str(), PAGE, page).await
}
