//! Reads conversations: all of them when an account is connected, later those in which something happened.
//!
//! Both are walks through the platform's lists, the conversation that moved last first. The journal keeps what a list
//! brought and where the next one begins in one transaction, so a kill costs the list in hand. A conversation that moves
//! while lists are read jumps to the top, past the place of the walk; so a walk of more than one list looks at the top
//! once more, until nothing has moved.
//!
//! Of a conversation the newest 20 messages can be read. Of older ones only ids are told: they are listed, kept and
//! counted, so that it can be said what is missing.
//!
//! Source: <https://developers.facebook.com/docs/messenger-platform/conversations> (2026).

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::value::RawValue;

use super::client::{ConversationPage, List, READABLE_MESSAGES};
use super::document::{message_event, parse_time};
use super::inbox::Inbox;
use super::payload::message_key;
use super::state::Facebook;
use super::view;
use crate::meta::id::Id;
use crate::shared::channel::reader::ReadError;
use crate::shared::journal::{Event, Source};
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::{Object, elements};
use crate::shared::store::{HistoryWalk, Listed, WalkKind, WalkPlace, WalkStart, Walked};

/// A poll reads again what changed shortly before the last one ended: the platform's lists are not exact to the second.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// Conversations in a list, each with its newest messages. Where the platform finds that too much, it is halved.
const CONVERSATIONS_AT_ONCE: usize = 25;

/// No account has more lists of conversations than this; a server that says otherwise is broken.
const MAX_LISTS: i64 = 100_000;

/// What still moves after so many looks at the top is left to the next poll.
const MAX_PASSES: i64 = 10;

/// The kinds of events that the platform's lists show.
const SHOWN_KINDS: &[&str] = &["message", "echo", "postback"];

/// Under which name it is kept up to which change of a conversation an inbox was read.
const MARK: &str = "updated_time";

/// Under which name it is kept up to which event the last poll of an inbox has reported.
const POLLED_SEQ: &str = "polled_seq";

/// Brings what is new in an inbox into the journal: everything the first time, what changed since afterwards.
///
/// # Errors
/// [`ReadError`]. The next call goes on where this one came to.
pub async fn read(facebook: &Facebook, inbox: &Inbox<'_>, token: &SecretString) -> Result<(), ReadError> {
    let journal = &facebook.shared.journal;
    let (channel, account) = (inbox.channel, inbox.account.as_str());
    let mark = journal.find_account_cursor(channel, account, MARK).await?.and_then(|text| parse_time(&text));
    let first_seq = journal.find_account_cursor(channel, account, POLLED_SEQ).await?;
    let first_seq = first_seq.and_then(|text| text.parse().ok()).unwrap_or(0);
    let kind = if mark.is_some() { WalkKind::Poll } else { WalkKind::Import };
    let until = mark.map(|mark| (mark - OVERLAP).timestamp_millis());
    let walk = journal.begin_walk(channel, account, WalkStart { kind, until, first_seq }).await?;

    let place = read_lists(facebook, inbox, &walk, token).await?;
    list_older(facebook, inbox, kind, token).await?;

    // An account without conversations has a mark too: what comes after this is no history.
    let newest = place.newest.max(mark.map(|mark| mark.timestamp_millis())).unwrap_or(0);
    let newest = DateTime::from_timestamp_millis(newest).unwrap_or_default();
    let marks = vec![(MARK, newest.to_rfc3339()), (POLLED_SEQ, walk.last_seq.to_string())];
    let report = journal.finish_walk(channel, account, kind, SHOWN_KINDS, marks).await?;
    match kind {
        WalkKind::Import => {
            let unreadable = journal.count_unreadable(channel, account).await?;
            tracing::info!(
                channel,
                account,
                unreadable = unreadable.messages,
                in_conversations = unreadable.conversations,
                "the history was imported; of unreadable messages the platform tells only the ids"
            );
        }
        WalkKind::Poll => tracing::info!(
            channel,
            account,
            seen_by_both = report.seen_by_both,
            only_webhook = report.only_webhook,
            recovered = report.only_poll,
            reordered = report.reordered,
            unreadable = report.unreadable,
            "conversations were polled"
        ),
    }
    Ok(())
}

/// Reads list after list until all that changed is in the journal. Gives back where the walk ended.
async fn read_lists(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    walk: &HistoryWalk,
    token: &SecretString,
) -> Result<WalkPlace, ReadError> {
    let shared = &facebook.shared;
    let mut place = walk.place.clone();
    let mut done = usize::try_from(walk.conversations).unwrap_or_default();
    let mut limit = CONVERSATIONS_AT_ONCE;
    // Where an earlier attempt came to: the platform may have forgotten what its cursor means.
    let mut resumed_at = place.after.clone();
    let mut landmark: Option<String> = None;
    while !place.lists_over {
        let mut list = match facebook.client.fetch_conversations(inbox, place.after.as_deref(), limit, token).await {
            Err(ApiError::Refused { code }) if is_code(&code, "1") && limit > 1 => {
                tracing::info!(limit, "the platform asks for shorter lists");
                limit /= 2;
                continue;
            }
            Err(ApiError::Refused { code }) if is_code(&code, "100") && resumed_at.take().is_some() => {
                tracing::info!(code, "a list cannot be read on after a pause; it is read from its beginning");
                place = WalkPlace { after: None, lists: 0, ..place };
                continue;
            }
            answer => answer?,
        };
        resumed_at = None;
        let next = list.after();
        if next.is_some() && (next == place.after || next == landmark) || place.lists >= MAX_LISTS {
            return Err(ApiError::Unreadable("a list without end").into());
        }
        if (place.lists + 1).count_ones() == 1 {
            // A circle of any length comes by one of these.
            landmark.clone_from(&next);
        }
        complete(facebook, inbox, &mut list, place.until, token).await?;
        let (changed, reached) = changed_since(&list, place.until);
        // Another look at the top shows what was read already.
        let counted = if place.pass == 1 { changed.len() } else { 0 };
        shared.progress.report(inbox.channel, inbox.account.as_str(), "conversations", done, Some(done + counted));
        done += counted;
        let newest = changed.iter().filter_map(|conversation| updated_ms(conversation)).max();
        let next = next.filter(|_| !reached);
        let mut following = WalkPlace {
            newest: place.newest.max(newest),
            lists: place.lists + 1,
            lists_over: next.is_none(),
            after: next,
            pass: place.pass,
            until: place.until,
        };
        // Times are told in whole seconds: what changed in the newest one is seen again, and is no reason to look once more.
        let has_moved = place.pass == 1 || following.newest > place.until;
        let is_long = following.lists > 1 && following.newest.is_some();
        if following.lists_over && is_long && has_moved && following.pass < MAX_PASSES {
            following = WalkPlace {
                pass: following.pass + 1,
                until: following.newest,
                newest: following.newest,
                ..WalkPlace::default()
            };
            landmark = None;
        }
        keep_names(facebook, inbox, &changed).await?;
        let shown = convert(facebook, inbox, walk.kind, &changed).await?;
        shared
            .journal
            .advance_walk(inbox.channel, inbox.account.as_str(), walk, shown, counted, following.clone())
            .await?;
        shared.progress.report(inbox.channel, inbox.account.as_str(), "conversations", done, Some(done));
        place = following;
    }
    Ok(place)
}

/// Learns what those are called who wrote last: deliveries tell nobody's name.
///
/// # Errors
/// [`ReadError`].
pub async fn name_people(facebook: &Facebook, inbox: &Inbox<'_>, token: &SecretString) -> Result<(), ReadError> {
    let newest = facebook.client.fetch_participants(inbox, CONVERSATIONS_AT_ONCE, token).await?;
    keep_names(facebook, inbox, &newest.data.iter().collect::<Vec<_>>()).await
}

async fn keep_names(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    conversations: &[&ConversationPage],
) -> Result<(), ReadError> {
    let people = conversations.iter().filter_map(|one| one.participants.as_ref()).flat_map(|list| &list.data);
    let names = view::names(inbox.account, people.map(|raw| raw.get()));
    Ok(facebook.shared.journal.name_people(inbox.channel, inbox.account.as_str(), names).await?)
}

/// Reads on where a list shows fewer messages of a conversation than can be read, and says that there are more.
async fn complete(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    list: &mut List<ConversationPage>,
    until: Option<i64>,
    token: &SecretString,
) -> Result<(), ReadError> {
    for conversation in list.data.iter_mut().filter(|one| !is_older(one, until) && is_thread_id(&one.id)) {
        let Some(messages) = &mut conversation.messages else { continue };
        while messages.data.len() < READABLE_MESSAGES
            && let Some(after) = messages.after()
        {
            let limit = READABLE_MESSAGES - messages.data.len();
            let more = facebook.client.fetch_messages(inbox, &conversation.id, &after, limit, token).await?;
            if more.data.is_empty() || more.after().as_ref() == Some(&after) {
                break;
            }
            messages.data.extend(more.data);
            messages.paging = more.paging;
        }
    }
    Ok(())
}

/// The newest messages of the conversation with this person, oldest first; none where the platform shows no such
/// conversation.
///
/// # Errors
/// [`ReadError`].
pub async fn newest_of(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    person: &Id,
    token: &SecretString,
) -> Result<Vec<Event>, ReadError> {
    let list = facebook.client.fetch_conversation_with(inbox, person, token).await?;
    let conversations: Vec<&ConversationPage> = list.data.iter().collect();
    let walked = convert(facebook, inbox, WalkKind::Poll, &conversations).await?;
    Ok(walked.into_iter().filter(|one| one.conversation == person.as_str()).flat_map(|one| one.events).collect())
}

/// Lists the ids of messages that can no longer be read.
async fn list_older(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    kind: WalkKind,
    token: &SecretString,
) -> Result<(), ReadError> {
    let (journal, account) = (&facebook.shared.journal, inbox.account.as_str());
    let mut done = 0;
    loop {
        let (Some(older), left) = journal.next_older(inbox.channel, account).await? else { return Ok(()) };
        let known = done + usize::try_from(left).unwrap_or_default();
        facebook.shared.progress.report(inbox.channel, account, "ids of older messages", done, Some(known));
        let (listed, next) = match facebook.client.fetch_message_ids(inbox, &older.thread, &older.after, token).await {
            Ok(list) => {
                let next = list.after().filter(|next| *next != older.after);
                (list.data.iter().filter_map(|raw| listed(inbox, raw)).collect(), next)
            }
            Err(ApiError::Refused { code }) => {
                tracing::warn!(code, "the older messages of a conversation are not listed");
                (Vec::new(), None)
            }
            Err(error) => return Err(error.into()),
        };
        let is_done = journal.store_older(inbox.channel, account, kind, &older, listed, next).await?;
        done += usize::from(is_done);
    }
}

fn listed(inbox: &Inbox<'_>, raw: &RawValue) -> Option<Listed> {
    let object = Object::parse(raw.get())?;
    let id = object.text("id")?.into_owned();
    let occurred_at =
        object.text("created_time").and_then(|text| parse_time(&text)).map(|time| time.timestamp_millis());
    Some(Listed { key: message_key(inbox.account, &id), id, occurred_at })
}

/// The conversations of a list in which something happened since, and whether the list has come to older ones.
fn changed_since(list: &List<ConversationPage>, until: Option<i64>) -> (Vec<&ConversationPage>, bool) {
    let (older, changed): (Vec<_>, Vec<_>) = list.data.iter().partition(|one| is_older(one, until));
    (changed, !older.is_empty())
}

fn is_older(conversation: &ConversationPage, until: Option<i64>) -> bool {
    updated_ms(conversation).is_some_and(|updated| until.is_some_and(|until| updated < until))
}

/// What the journal takes of these conversations.
async fn convert(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    kind: WalkKind,
    conversations: &[&ConversationPage],
) -> Result<Vec<Walked>, ReadError> {
    let source = match kind {
        WalkKind::Import => Source::Import,
        WalkKind::Poll => Source::Poll,
    };
    let mut walked: Vec<Walked> = conversations.iter().filter_map(|one| walked(inbox, source, one)).collect();
    let keys = walked.iter().flat_map(|one| one.events.iter().map(|event| event.key)).collect();
    let known = facebook.shared.journal.find_times(keys).await?;
    let mut rest = known.as_slice();
    for one in &mut walked {
        let (own, others) = rest.split_at(one.events.len());
        keep_order(&mut one.events, own);
        rest = others;
    }
    Ok(walked)
}

fn walked(inbox: &Inbox<'_>, source: Source, conversation: &ConversationPage) -> Option<Walked> {
    let Some(person) = person(inbox.account, conversation) else {
        tracing::warn!(conversation = conversation.id, "a conversation whose person is not told was left out");
        return None;
    };
    let messages = conversation.messages.as_ref().map(|list| list.data.as_slice()).unwrap_or_default();
    let after = conversation.messages.as_ref().and_then(List::after);
    Some(Walked {
        conversation: person.as_str().to_owned(),
        updated_at: updated_ms(conversation),
        // Oldest first: times are told in whole seconds, and within a second the order of arrival decides.
        events: messages.iter().rev().filter_map(|message| message_event(inbox, &person, message, source)).collect(),
        older: after.filter(|_| is_thread_id(&conversation.id)).map(|after| (conversation.id.clone(), after)),
    })
}

/// Webhooks tell milliseconds, the API whole seconds. So that a message found by a poll does not slip before an earlier
/// one of its second, it is dated like its predecessor. `events` are in the order in which they were said; `known` are
/// the times of those that the journal has already.
fn keep_order(events: &mut [Event], known: &[Option<i64>]) {
    let mut latest: Option<i64> = None;
    for (event, known) in events.iter_mut().zip(known) {
        let Some(told) = event.occurred_at else { continue };
        let at = latest.filter(|latest| latest / 1000 == told / 1000).map_or(told, |latest| latest.max(told));
        event.occurred_at = Some(at);
        latest = Some(known.unwrap_or(at));
    }
}

/// Whether a refusal has this code, with any subcode.
fn is_code(told: &str, code: &str) -> bool {
    told.split('/').next() == Some(code)
}

/// The platform's id of a conversation becomes part of a path.
fn is_thread_id(id: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'=');
    (1..=256).contains(&id.len()) && id.bytes().all(good)
}

fn updated_ms(conversation: &ConversationPage) -> Option<i64> {
    let updated: Option<DateTime<Utc>> =
        conversation.updated_time.as_ref().and_then(|raw| parse_time(raw.get().trim_matches('"')));
    updated.map(|updated| updated.timestamp_millis())
}

/// The person of a conversation: the participant who is not the account. Accounts that were deleted are missing among
/// the participants; then the messages tell.
fn person(account: &Id, conversation: &ConversationPage) -> Option<Id> {
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
