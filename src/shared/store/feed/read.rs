//! Reads the feed, and everything that belongs to an item, at one moment.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::cursors::{FeedEnds, find_ends};
use super::history::{History, NEWEST, Newest, Past, PastItem, find_newest, past_event};
use super::item::{ItemKind, ReadMeaning};
use crate::shared::channel::meaning::{Meaning, Said};
use crate::shared::journal::{Account, Conversation, EventPlace, Journal, JournalError, find_pruned};
use crate::shared::store::Item;
use crate::shared::store::conversation_states::{Standing, find_name, load_standing};

/// How many items are looked at for one page, those that are left out included.
const LOOK_AT: i64 = 1_000;

/// How many bytes of what platforms sent one page holds, about.
const MAX_BYTES: usize = 512 * 1024;

/// Which items are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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

    /// The newest messages of a conversation. What was deleted by age stands before them, in the file alone.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn read_history(
        &self,
        conversation: &Conversation,
        limit: usize,
        meaning: std::sync::Arc<ReadMeaning>,
    ) -> Result<Past, JournalError> {
        let conversation = conversation.clone();
        self.read(move |connection| {
            let connection = connection.unchecked_transaction()?;
            let past = History::new(&connection, &*meaning).read(&conversation, NEWEST, limit)?;
            let is_whole = past.is_whole && find_pruned(&connection, &conversation)?.is_none();
            Ok(Past { is_whole, ..past })
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
            find_newest(&connection, &conversation, Newest::default(), |item| match meaning(item) {
                Meaning::Said(said) => Some(said),
                _ => None,
            })
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
    let (mut bytes, mut history) = (0, History::of_feed(connection, meaning)?);
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
                item.history = history.read(&conversation, event.place, query.history)?.items;
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
