//! Reads the feed, and everything that belongs to an item, at one moment.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::cursors::{FeedEnds, find_ends};
use super::item::{By, ItemKind, ReadMeaning, is_automatic};
use crate::shared::channel::meaning::{Kind, Meaning, Origin, Said, WentOut};
use crate::shared::journal::{
    Account, Conversation, EventPlace, Journal, JournalError, conversation_number, in_order_up_to, newest_seq,
};
use crate::shared::store::Item;
use crate::shared::store::conversation_states::{Standing, find_name, load_standing};

/// How many items are looked at for one page, those that are left out included.
const LOOK_AT: i64 = 1_000;

/// How many bytes of what platforms sent one page holds, about.
const MAX_BYTES: usize = 512 * 1024;

/// How many more events than messages wanted are looked at: who sent the first of them shows in what was said before.
const BEFORE: usize = 10;

/// How many events are looked at for the past of one conversation.
const MOST_EVENTS: usize = 1_000;

/// How many of the newest events are looked through for those that are not in order yet.
const NOT_IN_ORDER: i64 = 2_000;

/// How many events of a conversation are looked at together for the newest thing that the person said.
const LOOKED_AT_ONCE: usize = 100;

/// Behind every event.
const NEWEST: EventPlace = EventPlace { seq: i64::MAX, occurred_at: i64::MAX };

/// Which items are wanted.
#[derive(Debug, Clone, Default)]
pub struct FeedQuery {
    /// The merchant.
    pub merchant: Uuid,
    /// Those after this number.
    pub after: i64,
    /// Of these kinds only; empty: of all.
    pub kinds: Vec<ItemKind>,
    /// Of this channel only.
    pub channel: Option<String>,
    /// Of this account only.
    pub account: Option<String>,
    /// Of these accounts only; empty: of all.
    pub accounts: Vec<Account>,
    /// Whether changes of products are wanted of other accounts, too.
    pub all_catalogues: bool,
    /// How many at most.
    pub limit: usize,
    /// How many messages of its conversation come with a message.
    pub history: usize,
}

/// A page of the feed.
#[derive(Debug, Clone, Default)]
pub struct FeedPage {
    /// The items.
    pub items: Vec<FeedItem>,
    /// The number of the last item that was looked at.
    pub next: i64,
    /// How far the feed goes.
    pub ends: FeedEnds,
}

/// An item.
#[derive(Debug, Clone)]
pub struct FeedItem {
    /// Its number.
    pub n: i64,
    /// Its id; `None`: erased.
    pub id: Option<String>,
    /// Its kind.
    pub kind: ItemKind,
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// The person, where it is about one.
    pub person: Option<String>,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// When it was known here, in milliseconds since 1970.
    pub received_at: i64,
    /// What does not stand in the journal: JSON.
    pub content: Option<String>,
    /// What the person is called.
    pub name: Option<String>,
    /// How the conversation stands.
    pub standing: Standing,
    /// The journal's event that it is or is about.
    pub event: Option<FeedEvent>,
    /// The newest messages of the conversation up to it, in order of time.
    pub history: Vec<PastItem>,
}

/// The journal's event that an item is or is about.
#[derive(Debug, Clone)]
pub struct FeedEvent {
    /// Where it stands.
    pub place: EventPlace,
    /// The road by which it came.
    pub source: String,
    /// The bytes as they came.
    pub payload: Vec<u8>,
    /// What it means.
    pub meaning: Meaning,
    /// The copies of what came with it, by position.
    pub files: Vec<(usize, String)>,
}

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

impl Journal {
    /// A page of the feed.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn read_feed(
        &self,
        query: FeedQuery,
        meaning: std::sync::Arc<ReadMeaning>,
    ) -> Result<FeedPage, JournalError> {
        self.read(move |connection| {
            let connection = connection.unchecked_transaction()?;
            read_page(&connection, &query, &*meaning)
        })
        .await
    }

    /// The newest messages of a conversation, in order of time.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn read_history(
        &self,
        conversation: &Conversation,
        limit: usize,
        meaning: std::sync::Arc<ReadMeaning>,
    ) -> Result<Vec<PastItem>, JournalError> {
        let conversation = conversation.clone();
        self.read(move |connection| {
            let connection = connection.unchecked_transaction()?;
            read_history(&connection, &conversation, NEWEST, limit, &*meaning)
        })
        .await
    }

    /// The newest message of the person, whatever stands behind it; `None`: they said nothing.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_newest_said(
        &self,
        conversation: &Conversation,
        meaning: fn(&Item) -> Meaning,
    ) -> Result<Option<Said>, JournalError> {
        let conversation = conversation.clone();
        self.read(move |connection| {
            let connection = connection.unchecked_transaction()?;
            let mut until = NEWEST;
            loop {
                let items = newest_events(&connection, &conversation, until, LOOKED_AT_ONCE)?;
                let said = items.iter().rev().find_map(|item| match meaning(item) {
                    Meaning::Said(said) => Some(said),
                    _ => None,
                });
                let Some(oldest) = items.first().filter(|_| said.is_none()) else { return Ok(said) };
                until = EventPlace { seq: oldest.seq - 1, occurred_at: oldest.at };
            }
        })
        .await
    }
}

fn read_page(connection: &Connection, query: &FeedQuery, meaning: &ReadMeaning) -> rusqlite::Result<FeedPage> {
    let merchant = query.merchant.to_string();
    let ends = find_ends(connection, &merchant)?;
    let mut page = FeedPage { items: Vec::new(), next: query.after, ends };
    let mut standings: HashMap<Conversation, (Standing, Option<String>)> = HashMap::new();
    let mut statement = connection.prepare_cached(
        "SELECT n, id, type, channel, account, conversation, at, received_at, content, seq
         FROM feed WHERE merchant = ?1 AND n > ?2 ORDER BY n LIMIT ?3",
    )?;
    let mut rows = statement.query(params![merchant, query.after, LOOK_AT])?;
    let mut bytes = 0;
    while page.items.len() < query.limit
        && bytes < MAX_BYTES
        && let Some(row) = rows.next()?
    {
        page.next = row.get(0)?;
        let mut item = read_item(row)?;
        if !is_wanted(query, &item) {
            continue;
        }
        let seq: Option<i64> = row.get(9)?;
        if let Some(person) = item.person.clone() {
            let (channel, account) = (item.channel.clone(), item.account.clone());
            let conversation = Conversation { channel, account, person };
            if !standings.contains_key(&conversation) {
                let known = (load_standing(connection, &conversation)?, find_name(connection, &conversation)?);
                standings.insert(conversation.clone(), known);
            }
            if let Some((standing, name)) = standings.get(&conversation) {
                (item.standing, item.name) = (standing.clone(), name.clone());
            }
            if let Some(seq) = seq {
                item.event = read_event(connection, &conversation, seq, meaning)?;
            }
            if let Some(event) = &item.event
                && matches!(item.kind, ItemKind::Message | ItemKind::Takeover)
            {
                item.history = read_history(connection, &conversation, event.place, query.history, meaning)?;
            }
        }
        bytes += size_of(&item);
        page.items.push(item);
    }
    Ok(page)
}

/// About how many bytes an item takes in an answer.
fn size_of(item: &FeedItem) -> usize {
    let history: usize = item.history.iter().map(|past| 100 + past.text.as_ref().map_or(0, String::len)).sum();
    let event = item.event.as_ref().map_or(0, |event| 2 * event.payload.len());
    1_000 + history + event + item.content.as_ref().map_or(0, String::len)
}

fn is_wanted(query: &FeedQuery, item: &FeedItem) -> bool {
    let is_of = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
    (query.kinds.is_empty() || query.kinds.contains(&item.kind))
        && is_of(&query.channel, &item.channel)
        && is_of(&query.account, &item.account)
        && (query.accounts.is_empty()
            || (query.all_catalogues && item.kind == ItemKind::Catalogue)
            || query.accounts.iter().any(|(channel, account)| *channel == item.channel && *account == item.account))
}

fn read_item(row: &Row<'_>) -> rusqlite::Result<FeedItem> {
    Ok(FeedItem {
        n: row.get(0)?,
        id: row.get(1)?,
        kind: ItemKind::from_word(row.get_ref(2)?.as_str()?).unwrap_or(ItemKind::Erased),
        channel: row.get(3)?,
        account: row.get(4)?,
        person: row.get(5)?,
        at: row.get(6)?,
        received_at: row.get(7)?,
        content: row.get(8)?,
        name: None,
        standing: Standing::default(),
        event: None,
        history: Vec::new(),
    })
}

fn read_event(
    connection: &Connection,
    conversation: &Conversation,
    seq: i64,
    meaning: &ReadMeaning,
) -> rusqlite::Result<Option<FeedEvent>> {
    let Conversation { channel, account, person } = conversation;
    let found = connection
        .prepare_cached(
            "SELECT seq, occurred_at, kind, payload, source FROM events
             WHERE seq = ?1 AND channel = ?2 AND account = ?3 AND conversation = ?4 AND apart IS NULL",
        )?
        .query_row(params![seq, channel, account, person], |row| Ok((past_event(row)?, row.get::<_, String>(4)?)))
        .optional()?;
    let Some((item, source)) = found else { return Ok(None) };
    let (meaning, _) = meaning(channel, account, &item);
    let files = match &meaning {
        Meaning::Said(said) if !said.media.is_empty() => match &said.platform_id {
            Some(id) => find_files(connection, channel, account, id)?,
            None => Vec::new(),
        },
        _ => Vec::new(),
    };
    let place = EventPlace { seq, occurred_at: item.at };
    Ok(Some(FeedEvent { place, source, payload: item.payload, meaning, files }))
}

fn find_files(
    connection: &Connection,
    channel: &str,
    account: &str,
    message: &str,
) -> rusqlite::Result<Vec<(usize, String)>> {
    connection
        .prepare_cached(
            "SELECT position, file FROM media
             WHERE channel = ?1 AND account = ?2 AND mid = ?3 AND state = 'kept' AND file IS NOT NULL",
        )?
        .query_map([channel, account, message], |row| {
            Ok((usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX), row.get(1)?))
        })?
        .collect()
}

fn past_event(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item { seq: row.get(0)?, at: row.get(1)?, kind: row.get(2)?, payload: row.get(3)? })
}

/// The newest messages of a conversation up to this place, in order of time. What stands between them and is no message, such
/// as a referral, takes none of the places: more events are looked at until there are enough, up to [`MOST_EVENTS`].
fn read_history(
    connection: &Connection,
    conversation: &Conversation,
    until: EventPlace,
    limit: usize,
    meaning: &ReadMeaning,
) -> rusqlite::Result<Vec<PastItem>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut look_at = limit + BEFORE;
    loop {
        let events = newest_events(connection, conversation, until, look_at)?;
        let is_all = events.len() < look_at || look_at >= MOST_EVENTS;
        let mut past = messages_among(connection, conversation, events, meaning)?;
        if is_all || past.len() >= limit {
            let surplus = past.len().saturating_sub(limit);
            return Ok(past.split_off(surplus));
        }
        look_at = (look_at * 4).min(MOST_EVENTS);
    }
}

fn messages_among(
    connection: &Connection,
    conversation: &Conversation,
    events: Vec<Item>,
    meaning: &ReadMeaning,
) -> rusqlite::Result<Vec<PastItem>> {
    let mut past: Vec<PastItem> = Vec::new();
    let mut said_at = None;
    for item in events {
        let (meaning, automatic_within) = meaning(&conversation.channel, &conversation.account, &item);
        past.push(match meaning {
            Meaning::Said(said) => {
                said_at = Some(item.at);
                PastItem {
                    at: item.at,
                    by: By::Person,
                    kind: said.kind,
                    text: said.text,
                    platform_id: said.platform_id,
                }
            }
            Meaning::WentOut(out) => {
                let by = match find_author(connection, conversation, &out)? {
                    Some(by) => by,
                    None => guess_sender(&out, said_at, item.at, automatic_within),
                };
                PastItem { at: item.at, by, kind: out.kind, text: out.text, platform_id: out.platform_id }
            }
            _ => continue,
        });
    }
    Ok(past)
}

/// Who sent something that is no message of ours.
fn guess_sender(out: &WentOut, said_at: Option<i64>, at: i64, automatic_within: Option<Duration>) -> By {
    match (&out.from, said_at.zip(automatic_within)) {
        (Origin::Us, _) => By::Bot,
        (Origin::App(_), _) => By::App,
        (_, Some((said_at, within))) if is_automatic(said_at, at, within) => By::Automation,
        _ => By::Human,
    }
}

/// Who wrote a message of ours, found by the platform's id of it.
fn find_author(connection: &Connection, conversation: &Conversation, out: &WentOut) -> rusqlite::Result<Option<By>> {
    let Some(id) = &out.platform_id else { return Ok(None) };
    let Conversation { channel, account, person } = conversation;
    connection
        .prepare_cached(
            "SELECT message.author = 'human' FROM outgoing_parts AS part JOIN outgoing AS message
                ON message.number = part.message
             WHERE part.platform_id = ?1
               AND message.channel = ?2 AND message.account = ?3 AND message.conversation = ?4",
        )?
        .query_row([id, channel, account, person], |row| Ok(if row.get(0)? { By::Human } else { By::Bot }))
        .optional()
}

/// The newest events of a conversation up to this place that say something, in order of time.
fn newest_events(
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
    let mut items: Vec<Item> = connection
        .prepare_cached(
            "SELECT e.seq, e.occurred_at, e.kind, e.payload
             FROM conversation_events AS place CROSS JOIN events AS e USING (seq)
             WHERE place.conversation = ?1 AND (place.occurred_at, place.seq) <= (?2, ?3)
               AND e.channel = ?4 AND e.account = ?5 AND e.conversation = ?6 AND e.opens AND e.apart IS NULL
             ORDER BY place.occurred_at DESC, place.seq DESC LIMIT ?7",
        )?
        .query_map(
            params![
                conversation_number(channel, account, person),
                until.occurred_at,
                until.seq,
                channel,
                account,
                person,
                most
            ],
            past_event,
        )?
        .collect::<rusqlite::Result<_>>()?;
    // The consumer that puts events in order may not have come to the newest ones.
    let in_order = in_order_up_to(connection)?.max(newest_seq(connection)? - NOT_IN_ORDER);
    let newest: Vec<Item> = connection
        .prepare_cached(
            "SELECT seq, occurred_at, kind, payload FROM events
             WHERE seq > ?1 AND channel = ?2 AND account = ?3 AND conversation = ?4 AND opens AND apart IS NULL
               AND (occurred_at, seq) <= (?5, ?6)",
        )?
        .query_map(params![in_order, channel, account, person, until.occurred_at, until.seq], past_event)?
        .collect::<rusqlite::Result<_>>()?;
    items.extend(newest);
    items.sort_unstable_by_key(|item| (item.at, item.seq));
    items.dedup_by_key(|item| item.seq);
    let surplus = items.len().saturating_sub(limit);
    Ok(items.split_off(surplus))
}
