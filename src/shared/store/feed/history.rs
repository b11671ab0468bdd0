//! What was said in a conversation before something.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::item::{By, ReadMeaning, is_automatic};
use crate::shared::channel::meaning::{Kind, Meaning, Origin, WentOut};
use crate::shared::journal::{
    Conversation, EventPlace, FEED_CURSOR, conversation_number, cursor_position, in_order_up_to, newest_seq,
};
use crate::shared::store::Item;
use crate::shared::store::outgoing::ids::is_by_human;

/// How many more events than messages wanted are looked at: who sent the first of them shows in what was said before.
const BEFORE: usize = 10;

/// How many events are looked at for the past of one conversation.
const MOST_EVENTS: usize = 1_000;

/// How many of the newest events are looked through for those that are not in order yet.
const NOT_IN_ORDER: i64 = 2_000;

/// How many events of a conversation are looked at together for the newest thing that the person said.
const LOOKED_AT_ONCE: usize = 100;

/// Behind every event.
pub(super) const NEWEST: EventPlace = EventPlace { seq: i64::MAX, occurred_at: i64::MAX };

/// A message of a conversation's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastItem {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub by: By,
    /// What kind of thing.
    pub kind: Kind,
    /// The words.
    pub text: Option<String>,
    /// The platform's id.
    pub platform_id: Option<String>,
}

/// The newest messages of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// They, in order of time.
    pub items: Vec<PastItem>,
    /// Whether there is nothing before them.
    pub is_whole: bool,
}

/// Reads what was said, for several items in one transaction.
pub(super) struct History<'a> {
    connection: &'a Connection,
    meaning: &'a ReadMeaning,
    newest: Newest,
}

impl<'a> History<'a> {
    pub fn new(connection: &'a Connection, meaning: &'a ReadMeaning) -> Self {
        Self { connection, meaning, newest: Newest::default() }
    }

    /// As [`History::new`], for what the feed has told: of events that its consumer has not come to nothing is known yet.
    pub fn of_feed(connection: &'a Connection, meaning: &'a ReadMeaning) -> rusqlite::Result<Self> {
        let newest = Newest { up_to: Some(cursor_position(connection, FEED_CURSOR)?), ..Newest::default() };
        Ok(Self { connection, meaning, newest })
    }

    /// The newest messages of a conversation up to this place, in order of time. What stands between them and is no message, such
    /// as a referral, takes none of the places: more events are looked at until there are enough, up to [`MOST_EVENTS`].
    pub fn read(&mut self, conversation: &Conversation, until: EventPlace, limit: usize) -> rusqlite::Result<Past> {
        if limit == 0 {
            return Ok(Past::default());
        }
        let mut look_at = limit + BEFORE;
        loop {
            let events = self.newest.events(self.connection, conversation, until, look_at)?;
            let is_all = events.len() < look_at;
            let mut past = self.messages_among(conversation, events)?;
            if is_all || look_at >= MOST_EVENTS || past.len() >= limit {
                let surplus = past.len().saturating_sub(limit);
                return Ok(Past { items: past.split_off(surplus), is_whole: is_all && surplus == 0 });
            }
            look_at = (look_at * 4).min(MOST_EVENTS);
        }
    }

    fn messages_among(&self, conversation: &Conversation, events: Vec<Item>) -> rusqlite::Result<Vec<PastItem>> {
        let mut past: Vec<PastItem> = Vec::with_capacity(events.len());
        let meaning = |item: &Item| (self.meaning)(&conversation.channel, &conversation.account, item);
        let read: Vec<(i64, (Meaning, Option<Duration>))> =
            events.into_iter().map(|item| (item.at, meaning(&item))).collect();
        let is_said = |(at, (meaning, _)): &(i64, (Meaning, _))| matches!(meaning, Meaning::Said(_)).then_some(*at);
        let said_at: Vec<i64> = read.iter().filter_map(is_said).collect();
        for (at, (meaning, automatic_within)) in read {
            past.push(match meaning {
                Meaning::Said(said) => {
                    PastItem { at, by: By::Person, kind: said.kind, text: said.text, platform_id: said.platform_id }
                }
                Meaning::WentOut(out) => {
                    let by = match find_author(self.connection, conversation, &out)? {
                        Some(by) => by,
                        None => guess_sender(&out, &said_at, at, automatic_within),
                    };
                    PastItem { at, by, kind: out.kind, text: out.text, platform_id: out.platform_id }
                }
                _ => continue,
            });
        }
        Ok(past)
    }
}

/// Who sent something that is no message of ours. `said_at`: when the person said something.
fn guess_sender(out: &WentOut, said_at: &[i64], at: i64, automatic_within: Option<Duration>) -> By {
    let answers = |within| said_at.iter().any(|said_at| is_automatic(*said_at, at, within));
    match (&out.from, automatic_within) {
        (Origin::Us, _) => By::Bot,
        (Origin::App(_), _) => By::App,
        (_, Some(within)) if answers(within) => By::Automation,
        _ => By::Human,
    }
}

/// Who wrote a message of ours, found by the platform's id of it.
fn find_author(connection: &Connection, conversation: &Conversation, out: &WentOut) -> rusqlite::Result<Option<By>> {
    let Some(id) = &out.platform_id else { return Ok(None) };
    let is_by_human = is_by_human(connection, conversation, id, out.common_id.as_deref())?;
    Ok(is_by_human.map(|is_by_human| if is_by_human { By::Human } else { By::Bot }))
}

/// The newest events of conversations, in one transaction.
#[derive(Default)]
pub(super) struct Newest {
    /// Up to this number; `None`: all.
    up_to: Option<i64>,
    /// Events that the consumer has not come to that puts them in order, by the numbers of their conversations. They are the
    /// same for all conversations, so they are looked through once. `None`: not yet.
    not_in_order: Option<HashMap<i64, Vec<i64>>>,
}

impl Newest {
    /// The newest events of a conversation up to this place that say something, in order of time.
    pub fn events(
        &mut self,
        connection: &Connection,
        conversation: &Conversation,
        until: EventPlace,
        limit: usize,
    ) -> rusqlite::Result<Vec<Item>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let Conversation { channel, account, person } = conversation;
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let number = conversation_number(channel, account, person);
        let mut items: Vec<Item> = connection
            .prepare_cached(
                "SELECT e.seq, e.occurred_at, e.kind, e.payload
                 FROM conversation_events AS place CROSS JOIN events AS e USING (seq)
                 WHERE place.conversation = ?1 AND (place.occurred_at, place.seq) <= (?2, ?3)
                   AND e.channel = ?4 AND e.account = ?5 AND e.conversation = ?6 AND e.opens AND e.apart IS NULL
                 ORDER BY place.occurred_at DESC, place.seq DESC LIMIT ?7",
            )?
            .query_map(params![number, until.occurred_at, until.seq, channel, account, person, most], past_event)?
            .collect::<rusqlite::Result<_>>()?;
        let mut find = connection.prepare_cached(
            "SELECT seq, occurred_at, kind, payload FROM events
             WHERE seq = ?1 AND channel = ?2 AND account = ?3 AND conversation = ?4 AND opens AND apart IS NULL
               AND (occurred_at, seq) <= (?5, ?6)",
        )?;
        for seq in self.not_in_order(connection)?.get(&number).into_iter().flatten() {
            let found = find
                .query_row(params![seq, channel, account, person, until.occurred_at, until.seq], past_event)
                .optional()?;
            items.extend(found);
        }
        items.sort_unstable_by_key(|item| (item.at, item.seq));
        items.dedup_by_key(|item| item.seq);
        let surplus = items.len().saturating_sub(limit);
        Ok(items.split_off(surplus))
    }

    /// The consumer that puts events in order may not have come to the newest ones.
    fn not_in_order(&mut self, connection: &Connection) -> rusqlite::Result<&HashMap<i64, Vec<i64>>> {
        if self.not_in_order.is_none() {
            let in_order = in_order_up_to(connection)?.max(newest_seq(connection)? - NOT_IN_ORDER);
            let mut find = connection.prepare_cached(
                "SELECT seq, channel, account, conversation FROM events
                 WHERE seq > ?1 AND seq <= ?2 AND conversation IS NOT NULL AND opens AND apart IS NULL",
            )?;
            let mut rows = find.query([in_order, self.up_to.unwrap_or(i64::MAX)])?;
            let mut found: HashMap<i64, Vec<i64>> = HashMap::new();
            while let Some(row) = rows.next()? {
                let text = |at: usize| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
                found.entry(conversation_number(text(1)?, text(2)?, text(3)?)).or_default().push(row.get(0)?);
            }
            self.not_in_order = Some(found);
        }
        Ok(self.not_in_order.get_or_insert_default())
    }
}

/// The newest event of a conversation of which this makes something, and what it makes of it; `None`: there is none. `newest`:
/// which events are looked at.
pub(super) fn find_newest<T>(
    connection: &Connection,
    conversation: &Conversation,
    mut newest: Newest,
    make: impl Fn(&Item) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let mut until = NEWEST;
    loop {
        let items = newest.events(connection, conversation, until, LOOKED_AT_ONCE)?;
        let found = items.iter().rev().find_map(&make);
        let Some(oldest) = items.first().filter(|_| found.is_none()) else { return Ok(found) };
        until = EventPlace { seq: oldest.seq - 1, occurred_at: oldest.at };
    }
}

/// Where the newest thing stands that the person said, among the events up to this number; `None`: they said nothing. One
/// event that this program cannot cope with hides no other one.
pub(super) fn newest_said(
    connection: &Connection,
    conversation: &Conversation,
    up_to: i64,
    meaning: &ReadMeaning,
) -> rusqlite::Result<Option<EventPlace>> {
    let Conversation { channel, account, .. } = conversation;
    let is_said = |item: &Item| {
        let read = AssertUnwindSafe(|| meaning(channel, account, item).0);
        matches!(std::panic::catch_unwind(read), Ok(Meaning::Said(_)))
    };
    let newest = Newest { up_to: Some(up_to), ..Newest::default() };
    find_newest(connection, conversation, newest, |item| {
        (item.seq <= up_to && is_said(item)).then_some(EventPlace { seq: item.seq, occurred_at: item.at })
    })
}

pub(super) fn past_event(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item { seq: row.get(0)?, at: row.get(1)?, kind: row.get(2)?, payload: row.get(3)? })
}
