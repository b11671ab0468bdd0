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

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::value::RawValue;

use super::client::{ConversationPage, IDS_AT_ONCE};
use super::conversation::{self, CONVERSATIONS_AT_ONCE, Gaps, Size, complete, gap_of, is_too_much, person};
use super::document::{Otherwise, message_event, parse_time};
use super::inbox::Inbox;
use super::left_out;
use super::paging::{List, Way};
use super::payload::message_key;
use super::state::Facebook;
use super::view;
use crate::meta::id::Id;
use crate::shared::channel::reader::ReadError;
use crate::shared::journal::{Event, Source};
use crate::shared::languages::say;
use crate::shared::outgoing::http::{ApiError, Patience};
use crate::shared::raw_json::Object;
use crate::shared::store::{HistoryWalk, Listed, Unread, WalkKind, WalkPlace, WalkStart, Walked};
use crate::shared::telemetry::alerts::Cause;

/// A poll reads again what changed shortly before the last one ended: the platform's lists are not exact to the second.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// So many conversations are asked for at a time where a list seems to have been cut short: another question may have
/// another answer.
const AFTER_DOUBT: Size = Size { conversations: 10, ..Size::FULL };

/// What a list is called that leaves out conversations which are there.
const LEAVES_OUT: ApiError = ApiError::Unreadable("a list of conversations that leaves some out");

/// No account has more lists of conversations than this; a server that says otherwise is broken.
const MAX_LISTS: i64 = 100_000;

/// How many of the conversations that could not be read one walk asks for again.
const GAPS_AT_ONCE: usize = 50;

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
    let now = facebook.shared.clock.now();
    let kept = journal.find_account_cursor(channel, account, MARK).await?.and_then(|text| parse_time(&text));
    let kind = if kept.is_some() { WalkKind::Poll } else { WalkKind::Import };
    // Nothing was read up to a time that is still to come: then everything is looked at again.
    let mark = kept.filter(|mark| *mark <= now);
    let first_seq = journal.find_account_cursor(channel, account, POLLED_SEQ).await?;
    let first_seq = first_seq.and_then(|text| text.parse().ok()).unwrap_or(0);
    let until = mark.map(|mark| (mark - OVERLAP).timestamp_millis());
    let walk = journal.begin_walk(channel, account, WalkStart { kind, until, first_seq }).await?;

    let mut gaps = Gaps::load(facebook, inbox).await?;
    let (place, unreadable) = read_lists(facebook, inbox, &walk, &mut gaps, token).await?;
    read_gaps(facebook, inbox, &walk, (&place, gaps), token).await?;
    list_older(facebook, inbox, kind, token).await?;

    tell_of_unreadable(facebook, inbox, unreadable);
    // An account without conversations has a mark too: what comes after this is no history. What could not be read stays
    // behind it, so that it is looked at again.
    let newest = if unreadable == 0 { place.newest } else { None };
    let newest = newest.max(mark.map(|mark| mark.timestamp_millis())).unwrap_or(0);
    let newest = DateTime::from_timestamp_millis(newest).unwrap_or_default().min(now);
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

/// Tells the operator that lists hold what cannot be read, or that they do not any more.
fn tell_of_unreadable(facebook: &Facebook, inbox: &Inbox<'_>, unreadable: usize) {
    let (alerts, account) = (&facebook.shared.alerts, inbox.account.as_str());
    let cause = Cause::of_account(inbox.channel, account, "unreadable");
    if unreadable == 0 {
        return alerts.heal(cause);
    }
    tracing::warn!(channel = inbox.channel, account, unreadable, "a list holds conversations that cannot be read");
    let sentence = format!(
        "The list of conversations of {account} holds some that cannot be read ({unreadable}). All others were read, and \
         each poll looks at these again."
    );
    alerts.raise(cause, &sentence);
}

/// Reads list after list until all that changed is in the journal. Gives back where the walk ended, and how many items of
/// its lists cannot be read.
async fn read_lists(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    walk: &HistoryWalk,
    gaps: &mut Gaps,
    token: &SecretString,
) -> Result<(WalkPlace, usize), ReadError> {
    let (shared, account) = (&facebook.shared, inbox.account.as_str());
    let report = |done: usize, of: usize| {
        shared.progress.report(inbox.channel, account, say::what_conversations(), done, Some(of))
    };
    // Changes that are still to come are none: they would be the mark behind which nothing is looked for.
    let latest = (shared.clock.now() + OVERLAP).timestamp_millis();
    let mut unreadable = 0;
    // Whom this walk was shown, and whether it has asked differently already.
    let (mut shown, mut has_doubted) = (HashSet::new(), false);
    let mut place = walk.place.clone();
    let mut done = usize::try_from(walk.conversations).unwrap_or_default();
    let mut size = Size::FULL;
    // Where an earlier attempt came to: the platform may have forgotten what its cursor means.
    let mut resumed_at = place.after.clone();
    let mut way = Way::from(place.after.as_deref());
    while !place.lists_over {
        let (client, after) = (&facebook.client, place.after.as_deref());
        let wanted = (size.conversations, size.messages);
        let mut list = match client.fetch_conversations(Patience::Background, inbox, after, wanted, token).await {
            Err(error) if is_too_much(&error) => {
                let Some(smaller) = size.smaller() else { return Err(error.into()) };
                if let ApiError::Unavailable(_) = error {
                    // Nobody asked for less. Is it this list that cannot be served, or any?
                    let least = client.fetch_conversations(Patience::Once, inbox, after, (1, 0), token).await;
                    least.map_err(|_| error)?;
                }
                tracing::info!(?size, "the platform asks for less at once");
                size = smaller;
                continue;
            }
            Err(ApiError::Refused { code }) if is_code(&code, "100") && resumed_at.take().is_some() => {
                tracing::info!(code, "a list cannot be read on after a pause; it is read from its beginning");
                place = WalkPlace { after: None, lists: 0, ..place };
                way = Way::default();
                continue;
            }
            answer => answer?,
        };
        let was_resumed = resumed_at.take().is_some();
        // The way is lost with a restart, but not the number of lists.
        if place.lists >= MAX_LISTS {
            return Err(ApiError::Unreadable("a list without end").into());
        }
        let next = way.next(&list);
        if next.is_err() && was_resumed {
            tracing::info!("a list leads nowhere from where it was left; it is read from its beginning");
            place = WalkPlace { after: None, lists: 0, ..place };
            way = Way::default();
            continue;
        }
        size = size.larger();
        unreadable += list.unreadable();
        for conversation in &mut list.data {
            if updated_ms(conversation).is_some_and(|updated| updated > latest) {
                tracing::warn!(conversation = conversation.id, "a conversation says that it changed in the future");
                conversation.updated_time = None;
            }
            shown.extend(person(inbox.account, conversation).map(|person| person.as_str().to_owned()));
        }
        for conversation in list.data.iter_mut().filter(|one| !is_older(one, place.until)) {
            let gap = complete(facebook, inbox, conversation, token).await?;
            gaps.note(&conversation.id, person(inbox.account, conversation).as_ref().map(Id::as_str), gap);
        }
        gaps.keep(facebook, inbox).await?;
        let (changed, reached) = changed_since(&list, place.until);
        // Another look at the top shows what was read already.
        let counted = if place.pass == 1 { changed.len() } else { 0 };
        report(done, done + counted);
        done += counted;
        let newest = changed.iter().filter_map(|conversation| updated_ms(conversation)).max();
        // What is older was read before, so nobody needs the way there.
        let next = match next {
            _ if reached => None,
            Ok(next) => next,
            Err(error) => {
                // What came is kept, and the walk stays where it is.
                let shown = convert(facebook, inbox, walk.kind, &changed).await?;
                shared.journal.advance_walk(inbox.channel, account, walk, shown, 0, place.clone()).await?;
                return Err(error.into());
            }
        };
        let is_cut = walk.kind == WalkKind::Poll && next.is_none() && !reached && place.until.is_some();
        let left_out = if is_cut { left_out::find(facebook, inbox, &shown, token).await? } else { Vec::new() };
        if !left_out.is_empty() {
            let beginning = WalkPlace { after: None, lists: 0, ..place.clone() };
            let walked = convert(facebook, inbox, walk.kind, &changed).await?;
            // What the list left out is kept, and does not count as shown: while it is not, the list stays in doubt.
            let found = convert(facebook, inbox, walk.kind, &left_out.iter().collect::<Vec<_>>()).await?;
            shared.journal.append(found.into_iter().flat_map(|one| one.events).collect()).await?;
            shared.journal.advance_walk(inbox.channel, account, walk, walked, counted, beginning.clone()).await?;
            keep_names(facebook, inbox, &changed).await?;
            tracing::warn!(
                account,
                shown = shown.len(),
                left_out = left_out.len(),
                "a list of conversations is cut short"
            );
            if std::mem::replace(&mut has_doubted, true) {
                return Err(LEAVES_OUT.into());
            }
            (place, way, size) = (beginning, Way::default(), AFTER_DOUBT);
            continue;
        }
        let following = following(&place, newest, next);
        if following.pass > place.pass {
            way = Way::default();
        }
        let shown = convert(facebook, inbox, walk.kind, &changed).await?;
        shared.journal.advance_walk(inbox.channel, account, walk, shown, counted, following.clone()).await?;
        // Nobody has a name here whose conversation is not known.
        keep_names(facebook, inbox, &changed).await?;
        gaps.take_back(facebook, inbox).await?;
        report(done, done);
        place = following;
    }
    Ok((place, unreadable))
}

/// Where the walk goes on behind a list: at the next one, over, or once more from the top because something changed meanwhile.
fn following(place: &WalkPlace, newest: Option<i64>, next: Option<String>) -> WalkPlace {
    let following = WalkPlace {
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
        let WalkPlace { pass, newest, .. } = following;
        return WalkPlace { pass: pass + 1, until: newest, newest, ..WalkPlace::default() };
    }
    following
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

/// Asks once more for what earlier walks went past, and this one was not shown.
async fn read_gaps(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    walk: &HistoryWalk,
    (place, mut gaps): (&WalkPlace, Gaps),
    token: &SecretString,
) -> Result<(), ReadError> {
    let (journal, account) = (&facebook.shared.journal, inbox.account.as_str());
    let mut unread = journal.list_unread(inbox.channel, account).await?;
    unread.retain(|one| !gaps.has_tried(&one.thread));
    for one in unread.iter().take(GAPS_AT_ONCE) {
        match conversation::fetch(facebook, inbox, &one.thread, token).await {
            Ok(mut found) => {
                let gap = complete(facebook, inbox, &mut found, token).await?;
                gaps.note(&one.thread, person(inbox.account, &found).as_ref().map(Id::as_str), gap);
                let shown = convert(facebook, inbox, walk.kind, &[&found]).await?;
                journal.advance_walk(inbox.channel, account, walk, shown, 0, place.clone()).await?;
                keep_names(facebook, inbox, &[&found]).await?;
            }
            Err(error) => gaps.note(&one.thread, None, Some(gap_of(error)?)),
        }
        gaps.keep(facebook, inbox).await?;
        gaps.take_back(facebook, inbox).await?;
    }
    Ok(())
}

/// The newest messages of the conversation with this person, oldest first.
///
/// # Errors
/// [`ReadError`], also where the platform shows no message of it.
pub async fn newest_of(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    person: &Id,
    token: &SecretString,
) -> Result<Vec<Event>, ReadError> {
    let list = facebook.client.fetch_conversation_with(Patience::Person, inbox, person, token).await?;
    // Who asks wrote with this person: an answer without their messages is no proof that there are none.
    let conversations: Vec<&ConversationPage> = list.data.iter().filter(|one| one.messages.is_some()).collect();
    let mut walked = convert(facebook, inbox, WalkKind::Poll, &conversations).await?;
    walked.retain(|one| one.conversation == person.as_str() && !one.events.is_empty());
    if walked.is_empty() {
        return Err(ApiError::Unreadable("a conversation without its messages").into());
    }
    Ok(walked.into_iter().flat_map(|one| one.events).collect())
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
    // The conversation whose ids are listed, and the way through them; behind which conversation the next one stands.
    let (mut thread, mut way, mut behind) = (String::new(), Way::default(), String::new());
    let mut limit = IDS_AT_ONCE;
    loop {
        let (Some(older), left) = journal.next_older(inbox.channel, account, &behind).await? else { return Ok(()) };
        let known = done + usize::try_from(left).unwrap_or_default();
        facebook.shared.progress.report(inbox.channel, account, say::what_older_ids(), done, Some(known));
        if thread != older.thread {
            (thread, way) = (older.thread.clone(), Way::from(Some(&older.after)));
        }
        let answer = facebook.client.fetch_message_ids(inbox, &older.thread, Some(&older.after), limit, token).await;
        if limit > 1 && answer.as_ref().is_err_and(is_too_much) {
            limit = 1.max(limit / 10);
            continue;
        }
        let part = answer.and_then(|list| {
            let next = way.next(&list)?;
            Ok((list.data.iter().filter_map(|raw| listed(inbox, raw)).collect(), next))
        });
        match part {
            Ok((listed, next)) => {
                let is_done = journal.store_older(inbox.channel, account, kind, &older, listed, next).await?;
                done += usize::from(is_done);
            }
            Err(error) => {
                // The next walk asks again; the others need not wait for it.
                let reason = gap_of(error)?;
                tracing::warn!(reason, "the older messages of a conversation are not listed");
                let unread = Unread { thread: older.thread, conversation: older.conversation.clone(), reason };
                journal.note_unread(inbox.channel, account, vec![unread]).await?;
                behind = older.conversation;
            }
        }
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
    let now_ms = facebook.shared.clock.now_ms();
    let mut walked: Vec<Walked> = conversations.iter().filter_map(|one| walked(inbox, source, one, now_ms)).collect();
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

fn walked(inbox: &Inbox<'_>, source: Source, conversation: &ConversationPage, now_ms: i64) -> Option<Walked> {
    // A conversation whose person is not told is among those that are asked for again.
    let person = person(inbox.account, conversation)?;
    let messages = conversation.messages.as_ref().map(|list| list.data.as_slice()).unwrap_or_default();
    let updated_at = updated_ms(conversation);
    let otherwise = Otherwise { updated_ms: updated_at, now_ms };
    Some(Walked {
        conversation: person.as_str().to_owned(),
        updated_at,
        // Oldest first: times are told in whole seconds, and within a second the order of arrival decides.
        events: messages
            .iter()
            .rev()
            .filter_map(|message| message_event(inbox, &person, message, source, otherwise))
            .collect(),
        older: conversation.ids_from.clone().map(|after| (conversation.id.clone(), after)),
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

fn updated_ms(conversation: &ConversationPage) -> Option<i64> {
    let updated: Option<DateTime<Utc>> =
        conversation.updated_time.as_ref().and_then(|raw| parse_time(raw.get().trim_matches('"')));
    updated.map(|updated| updated.timestamp_millis())
}
