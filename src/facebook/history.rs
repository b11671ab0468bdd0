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
    let place = read_lists(facebook, inbox, &walk, &mut gaps, token).await?;
    read_gaps(facebook, inbox, &walk, (&place, gaps), token).await?;
    list_older(facebook, inbox, kind, token).await?;

    tell_of_broken(facebook, inbox, place.broken);
    // An account without conversations has a mark too: what comes after this is no history. What could not be read stays
    // behind it, so that it is looked at again.
    let newest = if place.broken == 0 { place.newest } else { None };
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
fn tell_of_broken(facebook: &Facebook, inbox: &Inbox<'_>, broken: i64) {
    let (alerts, account) = (&facebook.shared.alerts, inbox.account.as_str());
    let cause = Cause::of_account(inbox.channel, account, "unreadable");
    if broken == 0 {
        return alerts.heal(cause);
    }
    tracing::warn!(channel = inbox.channel, account, broken, "a list holds conversations that cannot be read");
    let sentence = format!(
        "The list of conversations of {account} holds some that cannot be read ({broken}). All others were read, and \
         each poll looks at these again."
    );
    alerts.raise(cause, &sentence);
}

/// A walk under way: where it is in the lists, and what is known of them.
struct Lists<'a> {
    facebook: &'a Facebook,
    inbox: &'a Inbox<'a>,
    walk: &'a HistoryWalk,
    token: &'a SecretString,
    place: WalkPlace,
    way: Way,
    size: Size,
    /// The next list begins where an earlier attempt came to: the platform may have forgotten what its cursor means.
    is_resumed: bool,
    /// Whom a poll was shown, and whether it has asked differently already.
    shown: HashSet<String>,
    has_doubted: bool,
    /// Conversations read so far.
    done: usize,
}

/// Reads list after list until all that changed is in the journal. Gives back where the walk ended.
async fn read_lists(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    walk: &HistoryWalk,
    gaps: &mut Gaps,
    token: &SecretString,
) -> Result<WalkPlace, ReadError> {
    let place = walk.place.clone();
    let mut lists = Lists {
        facebook,
        inbox,
        walk,
        token,
        way: Way::from(place.after.as_deref()),
        is_resumed: place.after.is_some(),
        place,
        size: Size::FULL,
        shown: HashSet::new(),
        has_doubted: false,
        done: usize::try_from(walk.conversations).unwrap_or_default(),
    };
    while !lists.place.lists_over {
        if let Some((list, next)) = lists.fetch().await? {
            lists.take(list, next, gaps).await?;
        }
    }
    Ok(lists.place)
}

/// Where the list behind one begins; `None`: there is none.
type Next = Result<Option<String>, ApiError>;

impl Lists<'_> {
    /// The list at this place, and where the next one begins; `None`: it has to be asked for again, differently.
    async fn fetch(&mut self) -> Result<Option<(List<ConversationPage>, Next)>, ReadError> {
        let (client, after) = (&self.facebook.client, self.place.after.as_deref());
        let wanted = (self.size.conversations, self.size.messages);
        let list = match client.fetch_conversations(Patience::Background, self.inbox, after, wanted, self.token).await {
            Err(error) if is_too_much(&error) => {
                self.ask_for_less(error).await?;
                return Ok(None);
            }
            Err(ApiError::Refused { code }) if self.is_resumed && is_code(&code, "100") => {
                tracing::info!(code, "a list cannot be read on after a pause; it is read from its beginning");
                self.begin_again();
                return Ok(None);
            }
            answer => answer?,
        };
        // The way is lost with a restart, but not the number of lists.
        if self.place.lists >= MAX_LISTS {
            return Err(ApiError::Unreadable("a list without end").into());
        }
        let next = self.way.next(&list);
        if next.is_err() && self.is_resumed {
            tracing::info!("a list leads nowhere from where it was left; it is read from its beginning");
            self.begin_again();
            return Ok(None);
        }
        self.is_resumed = false;
        self.size = self.size.larger();
        Ok(Some((list, next)))
    }

    /// The place, with the lists read from their beginning in this pass.
    fn beginning(&self) -> WalkPlace {
        WalkPlace { after: None, lists: 0, broken: 0, ..self.place.clone() }
    }

    fn begin_again(&mut self) {
        (self.place, self.way, self.is_resumed) = (self.beginning(), Way::default(), false);
    }

    /// # Errors
    /// [`ReadError`] with what the platform said, where there is nothing less to ask for, or nothing is served.
    async fn ask_for_less(&mut self, error: ApiError) -> Result<(), ReadError> {
        let Some(smaller) = self.size.smaller() else { return Err(error.into()) };
        if let ApiError::Unavailable(_) = error {
            // Nobody asked for less. Is it this list that cannot be served, or any?
            let (client, after) = (&self.facebook.client, self.place.after.as_deref());
            let least = client.fetch_conversations(Patience::Once, self.inbox, after, (1, 0), self.token).await;
            least.map_err(|_| error)?;
        }
        tracing::info!(size = ?self.size, "the platform asks for less at once");
        self.size = smaller;
        Ok(())
    }

    /// Brings what a list shows into the journal, and the walk behind it.
    async fn take(&mut self, mut list: List<ConversationPage>, next: Next, gaps: &mut Gaps) -> Result<(), ReadError> {
        let broken = self.look_over(&mut list);
        for conversation in list.data.iter_mut().filter(|one| !is_older(one, self.place.until)) {
            let gap = complete(self.facebook, self.inbox, conversation, self.token).await?;
            gaps.note(&conversation.id, person(self.inbox.account, conversation).as_ref().map(Id::as_str), gap);
        }
        gaps.keep(self.facebook, self.inbox).await?;
        let (changed, reached) = changed_since(&list, self.place.until);
        // Another look at the top, or at lists that are in doubt, shows what was read already.
        let counted = if self.place.pass == 1 && !self.has_doubted { changed.len() } else { 0 };
        self.report(self.done + counted);
        let next = match next {
            // What is older was read before, so nobody needs the way there.
            _ if reached => None,
            Ok(next) => next,
            Err(error) => {
                // What came is kept, and the walk stays where it is.
                self.keep(&changed, 0, self.place.clone()).await?;
                return Err(error.into());
            }
        };
        self.done += counted;
        self.place.broken += broken;
        let is_cut = self.walk.kind == WalkKind::Poll && next.is_none() && !reached && self.place.until.is_some();
        if is_cut && self.leaves_out(&changed, counted).await? {
            return Ok(());
        }
        let newest = changed.iter().filter_map(|conversation| updated_ms(conversation)).max();
        let following = following(&self.place, newest, next);
        if following.pass > self.place.pass {
            self.way = Way::default();
        }
        self.keep(&changed, counted, following).await?;
        gaps.take_back(self.facebook, self.inbox).await?;
        self.report(self.done);
        Ok(())
    }

    /// Notes whom a list shows, and forgets what it says that cannot be. Gives back how many of its items cannot be read.
    fn look_over(&mut self, list: &mut List<ConversationPage>) -> i64 {
        // Changes that are still to come are none: they would be the mark behind which nothing is looked for.
        let latest = (self.facebook.shared.clock.now() + OVERLAP).timestamp_millis();
        for conversation in &mut list.data {
            if updated_ms(conversation).is_some_and(|updated| updated > latest) {
                tracing::warn!(conversation = conversation.id, "a conversation says that it changed in the future");
                conversation.updated_time = None;
            }
            if self.walk.kind == WalkKind::Poll {
                self.shown.extend(person(self.inbox.account, conversation).map(|person| person.as_str().to_owned()));
            }
        }
        // Another pass shows the same ones again.
        let is_new = self.place.pass == 1 || self.place.broken == 0;
        if is_new { i64::try_from(list.unreadable()).unwrap_or(i64::MAX) } else { 0 }
    }

    /// Whether the list that ends here leaves out conversations that are there; then it is read again, once, differently.
    ///
    /// # Errors
    /// [`ReadError`], also where it has been read again already.
    async fn leaves_out(&mut self, changed: &[&ConversationPage], counted: usize) -> Result<bool, ReadError> {
        let (facebook, inbox) = (self.facebook, self.inbox);
        let left_out = left_out::find(facebook, inbox, &self.shown, self.token).await?;
        if left_out.is_empty() {
            return Ok(false);
        }
        // What the list left out is kept, and does not count as shown: while it is not, the list stays in doubt.
        let found = convert(facebook, inbox, self.walk.kind, &left_out.iter().collect::<Vec<_>>()).await?;
        facebook.shared.journal.append(found.into_iter().flat_map(|one| one.events).collect()).await?;
        self.keep(changed, counted, self.beginning()).await?;
        tracing::warn!(
            account = inbox.account.as_str(),
            shown = self.shown.len(),
            left_out = left_out.len(),
            "a list of conversations is cut short"
        );
        if std::mem::replace(&mut self.has_doubted, true) {
            return Err(LEAVES_OUT.into());
        }
        (self.way, self.size) = (Way::default(), AFTER_DOUBT);
        Ok(true)
    }

    async fn keep(
        &mut self,
        conversations: &[&ConversationPage],
        counted: usize,
        place: WalkPlace,
    ) -> Result<(), ReadError> {
        keep(self.facebook, self.inbox, self.walk, conversations, counted, &place).await?;
        self.place = place;
        Ok(())
    }

    fn report(&self, done: usize) {
        let progress = &self.facebook.shared.progress;
        progress.report(
            self.inbox.channel,
            self.inbox.account.as_str(),
            say::what_conversations(),
            self.done,
            Some(done),
        );
    }
}

/// Keeps conversations and where the walk goes on. `counted`: how many of them the walk had not read before.
async fn keep(
    facebook: &Facebook,
    inbox: &Inbox<'_>,
    walk: &HistoryWalk,
    conversations: &[&ConversationPage],
    counted: usize,
    place: &WalkPlace,
) -> Result<(), ReadError> {
    let (journal, account) = (&facebook.shared.journal, inbox.account.as_str());
    let shown = convert(facebook, inbox, walk.kind, conversations).await?;
    journal.advance_walk(inbox.channel, account, walk, shown, counted, place.clone()).await?;
    // Nobody has a name here whose conversation is not known.
    keep_names(facebook, inbox, conversations).await
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
        broken: place.broken,
    };
    // Times are told in whole seconds: what changed in the newest one is seen again, and is no reason to look once more.
    let has_moved = place.pass == 1 || following.newest > place.until;
    let is_long = following.lists > 1 && following.newest.is_some();
    if following.lists_over && is_long && has_moved && following.pass < MAX_PASSES {
        let WalkPlace { pass, newest, broken, .. } = following;
        return WalkPlace { pass: pass + 1, until: newest, newest, broken, ..WalkPlace::default() };
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
                keep(facebook, inbox, walk, &[&found], 0, place).await?;
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
