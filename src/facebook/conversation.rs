//! One conversation, whole: in smaller parts where the platform asks for less, and past what it does not serve.
//!
//! Some conversations, and some messages, are never served: the platform asks for less however little is asked for. They
//! must not stand in the way of all others, so a walk goes past them. What is missing is named, and asked for again later.
//! Source: reports of "Please reduce the amount of data you're asking for" (codes 1 and -3) with `limit=1` (2026).

use std::collections::HashSet;

use secrecy::SecretString;
use serde_json::value::RawValue;

use super::client::{ConversationPage, READABLE_MESSAGES};
use super::inbox::Inbox;
use super::paging::{List, Way};
use super::state::Facebook;
use crate::meta::id::Id;
use crate::meta::refusal::{TOO_MUCH, UNKNOWN_TROUBLE};
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::{Object, elements};
use crate::shared::store::Unread;

/// Conversations in a list, each with its newest messages. Where the platform finds that too much, it is halved.
pub const CONVERSATIONS_AT_ONCE: usize = 25;

/// So many messages in a row that are not served are enough to give up those before them.
const SKIPPED_AT_MOST: usize = 3;

/// The place of the newest message of a conversation: no parameters.
const TOP: &str = "?";

/// How much of an inbox is asked for at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Conversations in a list.
    pub conversations: usize,
    /// Messages of each.
    pub messages: usize,
}

impl Size {
    /// As much as a list is asked for at first.
    pub const FULL: Self = Self { conversations: CONVERSATIONS_AT_ONCE, messages: READABLE_MESSAGES };

    /// What is asked for after this was too much; `None`: there is nothing less.
    #[must_use]
    pub fn smaller(self) -> Option<Self> {
        match self {
            Self { conversations: 2.., .. } => Some(Self { conversations: self.conversations / 2, ..self }),
            Self { messages: 6.., .. } => Some(Self { messages: 5, ..self }),
            Self { messages: 1.., .. } => Some(Self { messages: 0, ..self }),
            _ => None,
        }
    }

    /// What is asked for after this was served: the reason to ask for less may have been passed.
    #[must_use]
    pub fn larger(self) -> Self {
        match self.messages {
            READABLE_MESSAGES => Self { conversations: (self.conversations * 2).min(CONVERSATIONS_AT_ONCE), ..self },
            _ => Self { messages: READABLE_MESSAGES, ..self },
        }
    }
}

/// Whether less may be served where this was not.
#[must_use]
pub fn is_too_much(error: &ApiError) -> bool {
    match error {
        ApiError::Refused { code } => code == TOO_MUCH,
        ApiError::Unavailable(why) => UNKNOWN_TROUBLE.contains(&why.as_str()),
        _ => false,
    }
}

/// Why a conversation could not be read whole, where that is about this conversation alone.
///
/// # Errors
/// Any other error: it ends the read.
pub fn gap_of(error: ApiError) -> Result<String, ApiError> {
    match error {
        ApiError::Refused { .. } | ApiError::Unreadable(_) => Ok(error.to_string()),
        error if is_too_much(&error) => Ok(error.to_string()),
        error => Err(error),
    }
}

/// Which conversations of a walk could not be read whole, and which that could not before were.
#[derive(Default)]
pub struct Gaps {
    /// Noted by earlier walks.
    known: HashSet<String>,
    unread: Vec<Unread>,
    whole: Vec<String>,
    tried: HashSet<String>,
}

impl Gaps {
    /// The gaps of an inbox, as earlier walks noted them.
    ///
    /// # Errors
    /// [`ReadError`] when the journal cannot be read.
    pub async fn load(facebook: &Facebook, inbox: &Inbox<'_>) -> Result<Self, ReadError> {
        let known = facebook.shared.journal.list_unread(inbox.channel, inbox.account.as_str()).await?;
        Ok(Self { known: known.into_iter().map(|one| one.thread).collect(), ..Self::default() })
    }

    /// Notes what came of a conversation. `gap`: why it is not whole.
    pub fn note(&mut self, thread: &str, person: Option<&str>, gap: Option<String>) {
        if !is_thread_id(thread) {
            if let Some(gap) = gap {
                tracing::warn!(gap, "a conversation that has no id could not be read whole");
            }
            return;
        }
        self.tried.insert(thread.to_owned());
        let gap = gap.or_else(|| person.is_none().then(|| "the person is not told".to_owned()));
        match gap {
            Some(reason) => {
                tracing::warn!(conversation = thread, reason, "a conversation could not be read whole");
                let conversation = person.unwrap_or_default().to_owned();
                self.unread.push(Unread { thread: thread.to_owned(), conversation, reason });
            }
            None if self.known.contains(thread) => self.whole.push(thread.to_owned()),
            None => {}
        }
    }

    /// Whether this walk has asked for a conversation already.
    #[must_use]
    pub fn has_tried(&self, thread: &str) -> bool {
        self.tried.contains(thread)
    }

    /// Keeps the names of what is missing. Before the walk goes on: a kill in between costs another try, never a name.
    ///
    /// # Errors
    /// [`ReadError`] when the journal cannot be written.
    pub async fn keep(&mut self, facebook: &Facebook, inbox: &Inbox<'_>) -> Result<(), ReadError> {
        let (journal, account) = (&facebook.shared.journal, inbox.account.as_str());
        self.known.extend(self.unread.iter().map(|one| one.thread.clone()));
        Ok(journal.note_unread(inbox.channel, account, std::mem::take(&mut self.unread)).await?)
    }

    /// Takes back the names of what is there now.
    ///
    /// # Errors
    /// [`ReadError`] when the journal cannot be written.
    pub async fn take_back(&mut self, facebook: &Facebook, inbox: &Inbox<'_>) -> Result<(), ReadError> {
        let (journal, account) = (&facebook.shared.journal, inbox.account.as_str());
        Ok(journal.forget_unread(inbox.channel, account, std::mem::take(&mut self.whole)).await?)
    }
}

/// One conversation by its id, as a list would show it.
///
/// # Errors
/// [`ApiError`].
pub async fn fetch(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    thread: &str,
    token: &SecretString,
) -> Result<ConversationPage, ApiError> {
    let mut size = Size { conversations: 1, messages: READABLE_MESSAGES };
    loop {
        match facebook.client.fetch_conversation(inbox, thread, size.messages, token).await {
            Err(error) if is_too_much(&error) => size = size.smaller().ok_or(error)?,
            Ok(conversation) if conversation.id != thread => {
                return Err(ApiError::Unreadable("another conversation than the one asked for"));
            }
            answer => return answer,
        }
    }
}

/// Reads on where a conversation shows fewer messages than can be read. Gives back why something of it is missing all the
/// same, if it is.
///
/// # Errors
/// [`ReadError`] when it is not about this conversation alone.
pub async fn complete(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    conversation: &mut ConversationPage,
    token: &SecretString,
) -> Result<Option<String>, ReadError> {
    let client = &facebook.client;
    let thread = conversation.id.clone();
    if !is_thread_id(&thread) {
        return Ok(conversation.messages.is_none().then(|| "its messages cannot be read".to_owned()));
    }
    let mut gap: Option<String> = None;
    let mut messages = conversation.messages.take();
    let (mut way, mut limit) = (Way::default(), READABLE_MESSAGES);
    // Messages that were not served: all of them, and those in a row.
    let (mut skipped, mut in_a_row) = (0, 0);
    loop {
        let place = match messages.as_ref().map(|list| (way.next(list), list.data.len() + skipped)) {
            None => None,
            Some((Ok(None), _)) => break,
            Some((Ok(Some(place)), shown)) if shown >= READABLE_MESSAGES || in_a_row >= SKIPPED_AT_MOST => {
                conversation.ids_from.get_or_insert(place);
                break;
            }
            Some((Ok(place), _)) => place,
            Some((Err(error), _)) => {
                gap.get_or_insert(gap_of(error)?);
                break;
            }
        };
        let shown = messages.as_ref().map_or(0, |list| list.data.len()) + skipped;
        limit = limit.min(READABLE_MESSAGES - shown);
        let part = loop {
            match client.fetch_messages(inbox, &thread, place.as_deref(), limit, token).await {
                Err(error) if is_too_much(&error) && limit > 1 => limit /= 2,
                answer => break answer,
            }
        };
        let part = match part {
            Err(error) if is_too_much(&error) => {
                // Not even alone: its id is told, so that it can be named and gone past.
                gap.get_or_insert(error.to_string());
                conversation.ids_from.get_or_insert_with(|| place.clone().unwrap_or_else(|| TOP.to_owned()));
                let ids = client.fetch_message_ids(inbox, &thread, place.as_deref(), 1, token).await;
                ids.map(|mut ids| {
                    skipped += ids.data.len();
                    in_a_row += 1;
                    ids.data.clear();
                    ids
                })
            }
            part => part.inspect(|_| in_a_row = 0),
        };
        match part {
            Ok(part) => match &mut messages {
                Some(list) => list.append(part),
                None => messages = Some(part),
            },
            Err(error) => {
                gap.get_or_insert(gap_of(error)?);
                break;
            }
        }
    }
    for message in messages.iter_mut().flat_map(|list| &mut list.data) {
        if let Err(error) = complete_message(facebook, inbox, message, token).await {
            match error {
                ReadError::Api(error) => gap.get_or_insert(gap_of(error)?),
                error => return Err(error),
            };
        }
    }
    conversation.messages = messages;
    Ok(gap)
}

/// Reads on where a message shows a part of its attachments only.
async fn complete_message(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    message: &mut Box<RawValue>,
    token: &SecretString,
) -> Result<(), ReadError> {
    for edge in ["attachments", "shares"] {
        let Some(object) = Object::parse(message.get()) else { return Ok(()) };
        let list = object.get(edge).and_then(|list| serde_json::from_str::<List<Box<RawValue>>>(list).ok());
        let Some(mut list) = list.filter(List::has_more) else { continue };
        let id = object.text("id").filter(|id| is_message_id(id));
        let id = id.ok_or(ApiError::Unreadable("a message in parts, without an id"))?;
        let mut way = Way::default();
        while let Some(after) = way.next(&list)? {
            list.append(facebook.client.fetch_parts(inbox, (&id, edge), &after, token).await?);
        }
        *message = with_list(&object, edge, &list.data)?;
    }
    Ok(())
}

/// The same object, in which this member is a whole list.
fn with_list(object: &Object<'_>, member: &str, items: &[Box<RawValue>]) -> Result<Box<RawValue>, ReadError> {
    let items: Vec<&str> = items.iter().map(|item| item.get()).collect();
    let whole = format!("{{\"data\":[{}]}}", items.join(","));
    let members = object.members().map(|(name, raw)| {
        let raw = if name == member.as_bytes() { whole.as_str() } else { raw };
        format!("{}:{raw}", serde_json::Value::from(String::from_utf8_lossy(name)))
    });
    let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
    Ok(RawValue::from_string(text).map_err(anyhow::Error::from)?)
}

/// The person of a conversation: the participant who is not the account. Accounts that were deleted are missing among
/// the participants; then the messages tell.
#[must_use]
pub fn person(account: &Id, conversation: &ConversationPage) -> Option<Id> {
    let not_the_account = |text: &str| Id::parse(text).filter(|id| id != account);
    let participants = conversation.participants.as_ref().map(|list| list.data.as_slice()).unwrap_or_default();
    let messages = conversation.messages.as_ref().map(|list| list.data.as_slice()).unwrap_or_default();
    let id_of = |raw: &RawValue| {
        Object::parse(raw.get()).and_then(|object| object.text("id").map(std::borrow::Cow::into_owned))
    };
    participants.iter().find_map(|raw| not_the_account(&id_of(raw)?)).or_else(|| {
        messages.iter().find_map(|raw| {
            let message = Object::parse(raw.get())?;
            let from = message.object("from").and_then(|from| not_the_account(&from.text("id")?));
            from.or_else(|| {
                let to = elements(message.object("to")?.get("data")?)?;
                to.into_iter().find_map(|to| not_the_account(&Object::parse(to)?.text("id")?))
            })
        })
    })
}

/// The platform's id of a conversation becomes part of a path.
#[must_use]
fn is_thread_id(id: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'=');
    (1..=256).contains(&id.len()) && id.bytes().all(good)
}

/// The platform's id of a message becomes part of a path.
fn is_message_id(id: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:=$+".contains(&byte);
    (1..=1024).contains(&id.len()) && id.bytes().all(good) && id.bytes().any(|byte| byte != b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_and_less_is_asked_for_and_more_again_afterwards() {
        let mut sizes = vec![Size::FULL];
        while let Some(smaller) = sizes.last().and_then(|size| size.smaller()) {
            sizes.push(smaller);
        }
        let plain = |size: &Size| (size.conversations, size.messages);
        let all: Vec<_> = sizes.iter().map(plain).collect();
        assert_eq!(all, [(25, 20), (12, 20), (6, 20), (3, 20), (1, 20), (1, 5), (1, 0)]);
        let mut size = Size { conversations: 1, messages: 0 };
        let larger: Vec<_> = std::iter::repeat_with(|| {
            size = size.larger();
            plain(&size)
        })
        .take(6)
        .collect();
        assert_eq!(larger, [(1, 20), (2, 20), (4, 20), (8, 20), (16, 20), (25, 20)]);
    }
}
