//! Whether a list of conversations that ends is the whole list.
//!
//! A list is known to be long enough where it came to what was read before. One that ends sooner may be all that there is:
//! of few people everyone may have written again. Or it was cut short, and what it left out would never be read. So the
//! platform is asked for people who are known here and whom the list did not show.

use std::collections::HashSet;

use secrecy::SecretString;

use super::client::ConversationPage;
use super::conversation::person;
use super::inbox::Inbox;
use super::state::Facebook;
use crate::meta::id::Id;
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::{ApiError, Patience};

/// How many people are asked for: some may have deleted their account, so that the platform knows nothing of them. Each costs a
/// call of the two that a Page has in a second.
const ASKED_FOR: usize = 5;

/// The conversations that the platform has, and that this walk was not shown. `shown`: the people of the list that ends.
///
/// # Errors
/// [`ReadError`] when the platform cannot be asked.
pub async fn find(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    shown: &HashSet<String>,
    token: &SecretString,
) -> Result<Vec<ConversationPage>, ReadError> {
    let journal = &facebook.shared.journal;
    let known = journal.list_not_walked(inbox.channel, inbox.account.as_str(), shown.len() + ASKED_FOR).await?;
    let client = &facebook.client;
    let mut left_out = Vec::new();
    for known in known.iter().filter(|known| !shown.contains(*known)).take(ASKED_FOR) {
        let Some(known) = Id::parse(known) else { continue };
        let found = match client.fetch_conversation_with(Patience::Background, inbox, &known, token).await {
            // Nobody of this id any more.
            Err(ApiError::Refused { .. }) => continue,
            found => found?,
        };
        left_out.extend(found.data.into_iter().find(|one| person(inbox.account, one).as_ref() == Some(&known)));
    }
    Ok(left_out)
}
