//! Accepts a message: one transaction that says whether it is a repeat, whether it is overtaken, and stores it.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::rows::{self, Author, Outgoing, OutgoingPart, PartState, event_id, key_of_event};
use crate::shared::channel::dialogue::Part;
use crate::shared::journal::{Conversation, EventPlace, Journal, JournalError, is_taken_back, list_names, newest_seq};
use crate::shared::store::addressees::find_addressee;
use crate::shared::store::conversation_states::{Pause, PausedBy, Standing, load_standing};
use crate::shared::store::feed::pauses::begin_pause;

/// How many messages of one person may wait.
const MOST_OF_A_PERSON: i64 = 50;

/// How long the first answer to a request is repeated as it was, in milliseconds.
const ANSWERED_FOR_MS: i64 = 24 * 60 * 60 * 1000;

/// A message that is to be sent.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// `msg_…`.
    pub id: String,
    /// Whose it is.
    pub merchant: String,
    /// To whom it goes.
    pub conversation: Conversation,
    /// Who wrote it.
    pub author: Author,
    /// The id of the event that it answers: it is refused if that is overtaken.
    pub answers: Option<String>,
    /// Its parts, in order.
    pub parts: Vec<Part>,
    /// How long it may wait, in milliseconds.
    pub ttl_ms: i64,
    /// When the platform takes it no longer, in milliseconds since 1970: it does not wait beyond that. `None`: no end is known.
    pub ends_at: Option<i64>,
    /// Whether as few messages of its account wait that one more may.
    pub has_room: bool,
    /// How long bots are to be silent because of it; `None`: they are not.
    pub pauses_for: Option<Duration>,
    /// By which key a repeat is recognised, and what was asked: address and body, made comparable.
    pub idempotency: (String, String),
    /// It is stored only while the built-in responder still has this to answer: the number of its turn.
    pub of_turn: Option<i64>,
}

/// What became of it.
#[derive(Debug)]
pub enum Acceptance {
    /// It is stored.
    Stored(Box<Outgoing>),
    /// It is a repeat of this message. The text is the first answer, where that is still to be given again.
    Repeated(Box<Outgoing>, Option<String>),
    /// Its key belongs to another request: the one that made the message with this id.
    KeyReused(String),
    /// The event that it answers is none of this conversation.
    UnknownEvent,
    /// The event that it answers is overtaken.
    Overtaken(Overtaken),
    /// It has no parts: there is nothing that could be sent.
    NoParts,
    /// Too many messages wait for this person, or of this account.
    QueueFull,
    /// The built-in responder has nothing to answer there any more.
    NotWanted,
}

/// Whether an event may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It may.
    Open,
    /// It is none of this conversation.
    Unknown,
    /// It is overtaken.
    Overtaken(Overtaken),
}

/// Why an event is not to be answered any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overtaken {
    /// Whether something went out after it; otherwise the person wrote again.
    pub is_answered: bool,
    /// The id of the newest event of the person.
    pub newest: Option<String>,
}

impl Journal {
    /// Stores a message that is to be sent, on disk, unless it is a repeat or overtaken.
    ///
    /// # Errors
    /// When the journal cannot be written: then nothing was stored.
    pub async fn accept_message(&self, new: NewMessage) -> Result<Acceptance, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| accept(connection, &new, now_ms)).await
    }

    /// Whether the event of this id may be answered, as it stands now: what is stored looks again.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_asked(&self, merchant: &str, of: &Conversation, id: &str) -> Result<Asked, JournalError> {
        let (merchant, of, id) = (merchant.to_owned(), of.clone(), id.to_owned());
        self.read(move |connection| {
            let connection = connection.unchecked_transaction()?;
            let Some(event) = find_event(&connection, &merchant, &of, &id)? else { return Ok(Asked::Unknown) };
            Ok(overtaken(&connection, &of, &event)?.map_or(Asked::Open, Asked::Overtaken))
        })
        .await
    }

    /// The conversation about which a request is, whether anything is known of it, and what a request with this key led to, if
    /// there was one; else how the conversation stands. `request` tells what was asked, once it is known under which name the
    /// person stands.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_repeat(
        &self,
        named: Conversation,
        merchant: &str,
        key: &str,
        request: impl Fn(&Conversation) -> String + Send + 'static,
    ) -> Result<(Conversation, bool, Result<Acceptance, Standing>), JournalError> {
        let (merchant, key) = (merchant.to_owned(), key.to_owned());
        let now_ms = self.clock().now_ms();
        self.read(move |connection| {
            let connection = connection.unchecked_transaction()?;
            let (of, is_known) = find_addressee(&connection, named)?;
            let mut earlier = find_repeat(&connection, &merchant, (&key, &request(&of)), now_ms)?;
            if let Some(Acceptance::KeyReused(_)) = earlier {
                // The person may have stood under another name when the request came first.
                for person in list_names(&connection, &of)? {
                    let before = Conversation { person, ..of.clone() };
                    let found = find_repeat(&connection, &merchant, (&key, &request(&before)), now_ms)?;
                    if matches!(found, Some(Acceptance::Repeated(..))) {
                        earlier = found;
                        break;
                    }
                }
            }
            let earlier = match earlier {
                Some(repeat) => Ok(repeat),
                None => Err(load_standing(&connection, &of)?),
            };
            Ok((of, is_known, earlier))
        })
        .await
    }

    /// Whether as many messages wait for a person as may: the next one is [`Acceptance::QueueFull`].
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn has_full_queue(&self, of: &Conversation) -> Result<bool, JournalError> {
        let of = of.clone();
        self.read(move |connection| has_full_queue(connection, &of)).await
    }

    /// Keeps what was answered to the request that made a message, for repeats.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn keep_answer(&self, number: i64, answer: String) -> Result<(), JournalError> {
        self.write(move |connection| {
            connection
                .prepare_cached("UPDATE idempotency_keys SET answer = ?2 WHERE message = ?1")?
                .execute(params![number, answer])
                .map(drop)
        })
        .await
    }
}

fn hash(request: &str) -> [u8; 32] {
    Sha256::digest(request).into()
}

fn find_repeat(
    connection: &Connection,
    merchant: &str,
    (key, request): (&str, &str),
    now_ms: i64,
) -> rusqlite::Result<Option<Acceptance>> {
    let found: Option<(Vec<u8>, i64, Option<String>, i64)> = connection
        .prepare_cached(
            "SELECT request, message, answer, created_at FROM idempotency_keys WHERE merchant = ?1 AND key = ?2",
        )?
        .query_row([merchant, key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((first, message, answer, at)) = found else { return Ok(None) };
    let Some(message) = rows::find(connection, message)? else { return Ok(None) };
    if first != hash(request) {
        return Ok(Some(Acceptance::KeyReused(message.id)));
    }
    let answer = answer.filter(|_| now_ms - at < ANSWERED_FOR_MS);
    Ok(Some(Acceptance::Repeated(Box::new(message), answer)))
}

fn accept(connection: &Connection, new: &NewMessage, now_ms: i64) -> rusqlite::Result<Acceptance> {
    let (key, request) = &new.idempotency;
    if let Some(repeat) = find_repeat(connection, &new.merchant, (key, request), now_ms)? {
        return Ok(repeat);
    }
    if new.parts.is_empty() {
        return Ok(Acceptance::NoParts);
    }
    if let Some(n) = new.of_turn
        && !is_wanted(connection, &new.merchant, n)?
    {
        return Ok(Acceptance::NotWanted);
    }
    let conversation = &new.conversation;
    let answers = match &new.answers {
        None => None,
        Some(id) => match find_event(connection, &new.merchant, conversation, id)? {
            None => return Ok(Acceptance::UnknownEvent),
            Some(event) => {
                if let Some(overtaken) = overtaken(connection, conversation, &event)? {
                    return Ok(Acceptance::Overtaken(overtaken));
                }
                Some(event.key)
            }
        },
    };
    if !new.has_room || has_full_queue(connection, conversation)? {
        return Ok(Acceptance::QueueFull);
    }
    let number = insert(connection, new, answers.as_deref(), now_ms)?;
    if let Some(pause) = new.pauses_for {
        let until = now_ms.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
        let pause = Pause::by(PausedBy::Human, Some(until));
        begin_pause(connection, &new.merchant, conversation, pause, now_ms)?;
    }
    let stored = stored(new, (number, answers.as_deref()), now_ms);
    connection
        .prepare_cached(
            "INSERT INTO idempotency_keys (merchant, key, request, message, answer, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![new.merchant, key, hash(request), number, stored.to_json().to_string(), now_ms])?;
    Ok(Acceptance::Stored(Box::new(stored)))
}

/// Whether the built-in responder still has this turn to answer.
fn is_wanted(connection: &Connection, merchant: &str, n: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM responder_turns WHERE merchant = ?1 AND n = ?2")?
        .exists(params![merchant, n])
}

/// Whether as many messages wait for a person as may.
fn has_full_queue(connection: &Connection, of: &Conversation) -> rusqlite::Result<bool> {
    let waiting: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM outgoing WHERE is_open AND channel = ?1 AND account = ?2 AND conversation = ?3",
        )?
        .query_row([&of.channel, &of.account, &of.person], |row| row.get(0))?;
    Ok(waiting >= MOST_OF_A_PERSON)
}

/// Nothing waits for longer than the platform's window is open.
fn expires_at(new: &NewMessage, now_ms: i64) -> i64 {
    let own = now_ms + new.ttl_ms;
    new.ends_at.map_or(own, |end| end.min(own))
}

/// A message as it was just stored. `answers`: the key of the event that it answers.
fn stored(new: &NewMessage, (number, answers): (i64, Option<&[u8]>), now_ms: i64) -> Outgoing {
    let parts = (1..).zip(&new.parts).map(|(n, part)| OutgoingPart {
        n,
        kind: part.content.kind().to_owned(),
        content: Some(part.clone()),
        state: PartState::Accepted,
        called_at: None,
        unknown_at: None,
        looks: 0,
        general_errors: 0,
        platform_id: None,
        sent_at: None,
        delivered_at: None,
        read_at: None,
        failure: None,
        billing: None,
    });
    Outgoing {
        number,
        id: new.id.clone(),
        merchant: new.merchant.clone(),
        conversation: new.conversation.clone(),
        author: new.author,
        answers: answers.map(event_id),
        created_at: now_ms,
        expires_at: expires_at(new, now_ms),
        tries: 0,
        next_try_at: None,
        parts: parts.collect(),
    }
}

fn insert(connection: &Connection, new: &NewMessage, answers: Option<&[u8]>, now_ms: i64) -> rusqlite::Result<i64> {
    let Conversation { channel, account, person } = &new.conversation;
    connection
        .prepare_cached(
            "INSERT INTO outgoing (id, merchant, channel, account, conversation, author, answers, created_at, expires_at,
                                   ttl_ms, after_seq)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            new.id,
            new.merchant,
            channel,
            account,
            person,
            new.author.as_str(),
            answers,
            now_ms,
            expires_at(new, now_ms),
            new.ttl_ms,
            newest_seq(connection)?
        ])?;
    let number = connection.last_insert_rowid();
    let mut insert =
        connection.prepare_cached("INSERT INTO outgoing_parts (message, n, kind, content) VALUES (?1, ?2, ?3, ?4)")?;
    for (n, part) in (1..).zip(&new.parts) {
        insert.execute(params![number, n, part.content.kind(), rows::written(part)?])?;
    }
    Ok(number)
}

/// An event that is to be answered.
struct Answered {
    key: Vec<u8>,
    seq: i64,
    occurred_at: i64,
}

fn find_event(
    connection: &Connection,
    merchant: &str,
    of: &Conversation,
    id: &str,
) -> rusqlite::Result<Option<Answered>> {
    let Some(key) = key_of_event(id) else { return Ok(None) };
    let found = connection
        .prepare_cached(
            "SELECT dedupe, seq, occurred_at FROM events
             WHERE dedupe = ?1 AND channel = ?2 AND account = ?3 AND conversation = ?4 AND apart IS NULL",
        )?
        .query_row(params![key, of.channel, of.account, of.person], answered)
        .optional()?;
    match found {
        None => find_message_of_takeover(connection, merchant, of, id),
        found => Ok(found),
    }
}

fn answered(row: &rusqlite::Row<'_>) -> rusqlite::Result<Answered> {
    Ok(Answered { key: row.get(0)?, seq: row.get(1)?, occurred_at: row.get(2)? })
}

/// The message about which a takeover is: that which it names, else the newest one that was told before it.
fn find_message_of_takeover(
    connection: &Connection,
    merchant: &str,
    of: &Conversation,
    id: &str,
) -> rusqlite::Result<Option<Answered>> {
    connection
        .prepare_cached(
            "SELECT e.dedupe, e.seq, e.occurred_at FROM feed AS f JOIN events AS e
             ON e.seq = coalesce(f.seq, (SELECT m.seq FROM feed AS m
                                         WHERE m.merchant = f.merchant AND m.channel = f.channel AND m.account = f.account
                                           AND m.conversation = f.conversation AND m.type = 'message' AND m.n < f.n
                                         ORDER BY m.n DESC LIMIT 1))
             WHERE f.merchant = ?1 AND f.id = ?2 AND f.type = 'takeover'
               AND f.channel = ?3 AND f.account = ?4 AND f.conversation = ?5",
        )?
        .query_row(params![merchant, id, of.channel, of.account, of.person], answered)
        .optional()
}

/// Whether the person wrote again after the event, or took it back, or something of ours went out after it or is about to.
fn overtaken(connection: &Connection, of: &Conversation, event: &Answered) -> rusqlite::Result<Option<Overtaken>> {
    let asked = EventPlace { seq: event.seq, occurred_at: event.occurred_at };
    let standing = load_standing(connection, of)?;
    let is_superseded = standing.is_superseded(asked) || is_taken_back(connection, event.seq, &of.person)?;
    if !is_superseded && !standing.is_answered(asked) {
        return Ok(None);
    }
    let newest = match standing.state.said {
        Some(said) => connection
            .prepare_cached("SELECT dedupe FROM events WHERE seq = ?1")?
            .query_row([said.seq], |row| row.get::<_, Vec<u8>>(0))
            .optional()?,
        None => None,
    };
    Ok(Some(Overtaken { is_answered: !is_superseded, newest: newest.as_deref().map(event_id) }))
}
