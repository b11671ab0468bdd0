//! Conversations as the pages list and show them: newest first, a page at a time, each page found by an index.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::read_requests::insert_read_request;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::journal::{
    Account, Journal, JournalError, OVERVIEW_CURSOR, conversation_number, in_order_up_to, save_cursor,
};
use crate::shared::text_fold::Words;

/// How many events of a conversation that say nothing themselves (reactions, edits, receipts) are looked at for one page.
const MAX_MARKS: i64 = 2_000;

/// A conversation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// The person's id.
    pub person: String,
    /// What the person is called, where that is known.
    pub name: Option<String>,
    /// How many events said something.
    pub messages: i64,
    /// When the newest of them happened, in milliseconds since 1970.
    pub last_at: i64,
    /// The newest of them; `None` if it was deleted by age.
    pub newest: Option<Item>,
}

/// An event of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number in the journal.
    pub seq: i64,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// The platform's word for it.
    pub kind: String,
    /// The bytes as they came.
    pub payload: Vec<u8>,
}

/// A place in an ordered list: what comes after it is the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadPlace {
    /// The time, in milliseconds since 1970.
    pub at: i64,
    /// What decides among those of one time.
    pub tie: String,
}

/// One page of a conversation, in order of time.
#[derive(Debug, Clone, Default)]
pub struct ThreadPage {
    /// What was said.
    pub items: Vec<Item>,
    /// Whether something was said before.
    pub has_earlier: bool,
    /// Events that change what was said, or tell of it, since the first of `items`.
    pub marks: Vec<Item>,
}

/// What a search among messages found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The conversation and the message, newest first; of a conversation the newest only.
    pub hits: Vec<(Thread, Item)>,
    /// Where to go on searching, and when that was; `None`: everything was looked at.
    pub next: Option<(i64, i64)>,
}

impl Journal {
    /// The next conversations of an account, newest first, after this place.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_threads(
        &self,
        account: &Account,
        after: Option<ThreadPlace>,
        limit: i64,
    ) -> Result<Vec<Thread>, JournalError> {
        let (channel, account) = account.clone();
        let after = after.unwrap_or(ThreadPlace { at: i64::MAX, tie: String::new() });
        self.read(move |connection| {
            connection
                .prepare_cached(&format!("{SELECT_THREAD} {NEXT_THREADS}"))?
                .query_map(params![channel, account, after.at, after.tie, limit], read_thread)?
                .collect()
        })
        .await
    }

    /// The conversations of an account whose person has these words in the name or id, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_threads_of(
        &self,
        account: &Account,
        words: &Words,
        limit: usize,
    ) -> Result<Vec<Thread>, JournalError> {
        let ((channel, account), words) = (account.clone(), words.clone());
        self.read(move |connection| {
            // Rows are short and stand in this order, so all of them are read: 100,000 take some tens of milliseconds.
            let mut statement = connection.prepare_cached(
                "SELECT conversation, name, last_at FROM threads
                 WHERE channel = ?1 AND account = ?2 AND messages > 0 ORDER BY conversation",
            )?;
            let mut rows = statement.query([&channel, &account])?;
            let mut found: Vec<(i64, String)> = Vec::new();
            while let Some(row) = rows.next()? {
                let (person, name) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str_or_null()?.unwrap_or_default());
                if words.are_in(person) || words.are_in(name) {
                    found.push((row.get(2)?, person.to_owned()));
                }
            }
            found.sort_unstable_by(|one, other| other.cmp(one));
            found.truncate(limit);
            let threads = found.iter().map(|(_, person)| find_thread(connection, &channel, &account, person));
            threads.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// Looks for messages of these accounts, newest arrival first, from `before` (an event's number) back, until
    /// `limit` conversations are found or it is `until`. `says`: whether an event's payload is what is looked for.
    ///
    /// Texts stand in the events only and have no index, so that what is erased there is erased: a search reads.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn search_messages(
        &self,
        accounts: Vec<Account>,
        before: Option<i64>,
        limit: usize,
        until: Instant,
        says: impl Fn(&str, &str, &Item) -> bool + Send + 'static,
    ) -> Result<Found, JournalError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT seq, occurred_at, kind, payload, channel, account, conversation FROM events
                 WHERE seq < ?1 AND opens AND apart IS NULL AND conversation IS NOT NULL ORDER BY seq DESC",
            )?;
            let mut rows = statement.query([before.unwrap_or(i64::MAX)])?;
            let mut found = Found::default();
            while let Some(row) = rows.next()? {
                let (channel, account) = (row.get_ref(4)?.as_str()?, row.get_ref(5)?.as_str()?);
                if accounts.iter().any(|(one, other)| one == channel && other == account) {
                    let item = read_item(row)?;
                    let person: String = row.get(6)?;
                    let known = |(thread, _): &(Thread, Item)| {
                        thread.person == person && thread.account == account && thread.channel == channel
                    };
                    if says(channel, account, &item) && !found.hits.iter().any(known) {
                        let seq = (item.seq, item.at);
                        let thread = find_thread(connection, channel, account, &person)?;
                        found.hits.extend(thread.map(|thread| (thread, item)));
                        if found.hits.len() >= limit {
                            found.next = Some(seq);
                            break;
                        }
                    }
                }
                if Instant::now() >= until {
                    found.next = Some((row.get(0)?, row.get(1)?));
                    break;
                }
            }
            Ok(found)
        })
        .await
    }

    /// One conversation; `None` if nothing was said in it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_thread(&self, account: &Account, person: &str) -> Result<Option<Thread>, JournalError> {
        let ((channel, account), person) = (account.clone(), person.to_owned());
        self.read(move |connection| find_thread(connection, &channel, &account, &person)).await
    }

    /// One page of a conversation: the newest messages before this time and number, and what became of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn load_thread_page(
        &self,
        account: &Account,
        person: &str,
        before: Option<(i64, i64)>,
        limit: usize,
    ) -> Result<ThreadPage, JournalError> {
        let ((channel, account), person) = (account.clone(), person.to_owned());
        let before = before.unwrap_or((i64::MAX, i64::MAX));
        self.read(move |connection| {
            let mut items: Vec<Item> = connection
                .prepare_cached(
                    "SELECT e.seq, e.occurred_at, e.kind, e.payload
                     FROM conversation_events AS place CROSS JOIN events AS e USING (seq)
                     WHERE place.conversation = ?7 AND (place.occurred_at, place.seq) < (?4, ?5)
                       AND e.channel = ?1 AND e.account = ?2 AND e.conversation = ?3 AND e.opens AND e.apart IS NULL
                     ORDER BY place.occurred_at DESC, place.seq DESC LIMIT ?6",
                )?
                .query_map(
                    params![
                        channel,
                        account,
                        person,
                        before.0,
                        before.1,
                        i64::try_from(limit + 1).unwrap_or(i64::MAX),
                        conversation_number(&channel, &account, &person)
                    ],
                    read_item,
                )?
                .collect::<rusqlite::Result<_>>()?;
            let has_earlier = items.len() > limit;
            items.truncate(limit);
            items.reverse();
            let Some(first) = items.first() else { return Ok(ThreadPage::default()) };
            let marks = marks_since(connection, &channel, &account, &person, first.at)?;
            Ok(ThreadPage { items, has_earlier, marks })
        })
        .await
    }

    /// The events of a conversation since this time that say nothing themselves, in order of time.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_marks(&self, account: &Account, person: &str, since: i64) -> Result<Vec<Item>, JournalError> {
        let ((channel, account), person) = (account.clone(), person.to_owned());
        self.read(move |connection| marks_since(connection, &channel, &account, &person, since)).await
    }

    /// One event of a conversation.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_item(&self, account: &Account, person: &str, seq: i64) -> Result<Option<Item>, JournalError> {
        let ((channel, account), person) = (account.clone(), person.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT seq, occurred_at, kind, payload FROM events
                     WHERE seq = ?4 AND channel = ?1 AND account = ?2 AND conversation = ?3 AND apart IS NULL",
                )?
                .query_row(params![channel, account, person, seq], read_item)
                .optional()
        })
        .await
    }

    /// Keeps what people are called, by their ids: of those whose conversations are known. The platform also names people who
    /// were erased here. What is known already is not written again.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn name_people(
        &self,
        channel: &'static str,
        account: &str,
        names: Vec<(String, String)>,
    ) -> Result<(), JournalError> {
        let owner = account.to_owned();
        let new: Vec<(String, String)> = self
            .read(move |connection| {
                let mut known = connection.prepare_cached(
                    "SELECT 1 FROM threads WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND name = ?4",
                )?;
                let mut new = Vec::new();
                for (person, name) in names {
                    if !known.exists(params![channel, owner, person, name])? {
                        new.push((person, name));
                    }
                }
                Ok(new)
            })
            .await?;
        if new.is_empty() {
            return Ok(());
        }
        let account = account.to_owned();
        self.write(move |connection| {
            let mut name_person = connection.prepare_cached(
                "INSERT INTO threads (channel, account, conversation, name) SELECT ?1, ?2, ?3, ?4
                 WHERE EXISTS (SELECT 1 FROM threads WHERE channel = ?1 AND account = ?2 AND conversation = ?3)
                    OR EXISTS (SELECT 1 FROM conversation_events AS place CROSS JOIN events AS e USING (seq)
                               WHERE place.conversation = ?5
                                 AND e.channel = ?1 AND e.account = ?2 AND e.conversation = ?3)
                    OR EXISTS (SELECT 1 FROM events
                               WHERE seq > ?6 AND channel = ?1 AND account = ?2 AND conversation = ?3)
                 ON CONFLICT DO UPDATE SET name = excluded.name",
            )?;
            let in_order = in_order_up_to(connection)?;
            for (person, name) in &new {
                let number = conversation_number(channel, &account, person);
                name_person.execute(params![channel, account, person, name, number, in_order])?;
            }
            Ok(())
        })
        .await
    }

    /// Counts the next events, at most `limit` of them, into the rows of their conversations and accounts. Where somebody
    /// wrote for the first time, the account is asked for `names`: what is to be read, and after how many milliseconds.
    /// Gives back whether there was anything to do.
    ///
    /// # Errors
    /// When the journal cannot be used; the cursor then stands where it stood.
    pub async fn count_next_messages(&self, limit: i64, names: (ReadRequest, i64)) -> Result<bool, JournalError> {
        let cursor = self.cursor_position(OVERVIEW_CURSOR).await?;
        if *self.watch().borrow() <= cursor {
            return Ok(false);
        }
        let now_ms = self.clock().now_ms();
        self.write(move |connection| count_after(connection, cursor, limit, names, now_ms)).await
    }

    /// When the newest event of an account arrived, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_activity(&self, account: &Account) -> Result<Option<i64>, JournalError> {
        let (channel, account) = account.clone();
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT last_event_at FROM activity WHERE channel = ?1 AND account = ?2")?
                .query_row(params![channel, account], |row| row.get(0))
                .optional()
        })
        .await
    }
}

fn count_after(
    connection: &Connection,
    cursor: i64,
    limit: i64,
    (request, after_ms): (ReadRequest, i64),
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let last: i64 = connection
        .prepare_cached(
            "SELECT coalesce(max(seq), ?1) FROM (SELECT seq FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2)",
        )?
        .query_row(params![cursor, limit], |row| row.get(0))?;
    if last == cursor {
        return Ok(false);
    }
    let with_strangers = count_threads(connection, "seq > ?1 AND seq <= ?2 AND apart IS NULL", params![cursor, last])?;
    for (channel, account) in with_strangers {
        insert_read_request(connection, &channel, &account, &request, now_ms, after_ms)?;
    }
    connection
        .prepare_cached(
            "INSERT INTO activity (channel, account, last_event_at)
             SELECT channel, account, max(received_at) FROM events
             WHERE seq > ?1 AND seq <= ?2 AND apart IS NULL GROUP BY channel, account
             ON CONFLICT DO UPDATE SET last_event_at = max(last_event_at, excluded.last_event_at)",
        )?
        .execute([cursor, last])?;
    save_cursor(connection, OVERVIEW_CURSOR, &last.to_string())?;
    Ok(true)
}

const SELECT_THREAD: &str = "SELECT t.channel, t.account, t.conversation, t.name, t.messages, t.last_at,
        e.seq, e.occurred_at, e.kind, e.payload
    FROM threads t LEFT JOIN events e ON e.seq = t.last_seq AND e.conversation = t.conversation";

const NEXT_THREADS: &str = "WHERE t.channel = ?1 AND t.account = ?2 AND t.messages > 0
      AND (t.last_at, t.conversation) < (?3, ?4)
    ORDER BY t.last_at DESC, t.conversation DESC LIMIT ?5";

fn read_thread(row: &Row<'_>) -> rusqlite::Result<Thread> {
    let newest = match row.get::<_, Option<i64>>(6)? {
        Some(seq) => Some(Item { seq, at: row.get(7)?, kind: row.get(8)?, payload: row.get(9)? }),
        None => None,
    };
    Ok(Thread {
        channel: row.get(0)?,
        account: row.get(1)?,
        person: row.get(2)?,
        name: row.get(3)?,
        messages: row.get(4)?,
        last_at: row.get(5)?,
        newest,
    })
}

fn read_item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item { seq: row.get(0)?, at: row.get(1)?, kind: row.get(2)?, payload: row.get(3)? })
}

fn find_thread(
    connection: &Connection,
    channel: &str,
    account: &str,
    person: &str,
) -> rusqlite::Result<Option<Thread>> {
    connection
        .prepare_cached(&format!(
            "{SELECT_THREAD} WHERE t.channel = ?1 AND t.account = ?2 AND t.conversation = ?3 AND t.messages > 0"
        ))?
        .query_row([channel, account, person], read_thread)
        .optional()
}

fn marks_since(
    connection: &Connection,
    channel: &str,
    account: &str,
    person: &str,
    since: i64,
) -> rusqlite::Result<Vec<Item>> {
    let mut marks: Vec<Item> = connection
        .prepare_cached(
            "SELECT e.seq, e.occurred_at, e.kind, e.payload
             FROM conversation_events AS place CROSS JOIN events AS e USING (seq)
             WHERE place.conversation = ?6 AND place.occurred_at >= ?4
               AND e.channel = ?1 AND e.account = ?2 AND e.conversation = ?3 AND NOT e.opens AND e.apart IS NULL
             ORDER BY place.occurred_at DESC, place.seq DESC LIMIT ?5",
        )?
        .query_map(
            params![channel, account, person, since, MAX_MARKS, conversation_number(channel, account, person)],
            read_item,
        )?
        .collect::<rusqlite::Result<_>>()?;
    marks.reverse();
    Ok(marks)
}

/// Adds the events for which `condition` holds to the rows of their conversations. Gives back the accounts to which somebody
/// wrote for the first time whose name is not known.
///
/// # Errors
/// When the database fails.
pub(super) fn count_threads(
    connection: &Connection,
    condition: &'static str,
    values: impl Params,
) -> rusqlite::Result<BTreeSet<Account>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT channel, account, conversation, occurred_at, seq FROM events
         WHERE {condition} AND opens AND conversation IS NOT NULL ORDER BY seq"
    ))?;
    let mut rows = statement.query(values)?;
    // How many, and time and number of the newest: one row to write for each conversation, however busy it is.
    let mut counted: BTreeMap<(String, String, String), (i64, i64, i64)> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (at, seq) = (row.get(3)?, row.get(4)?);
        let counts = counted.entry((row.get(0)?, row.get(1)?, row.get(2)?)).or_insert((0, i64::MIN, 0));
        let newest = (counts.1, counts.2).max((at, seq));
        *counts = (counts.0 + 1, newest.0, newest.1);
    }
    let mut add = connection.prepare_cached(
        "INSERT INTO threads (channel, account, conversation, messages, last_at, last_seq)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (channel, account, conversation) DO UPDATE SET
            messages = messages + excluded.messages,
            last_seq = CASE WHEN (excluded.last_at, excluded.last_seq) > (last_at, last_seq)
                            THEN excluded.last_seq ELSE last_seq END,
            last_at = max(last_at, excluded.last_at)",
    )?;
    // A statement that also returns something keeps an undo log of its own, which costs more than asking.
    let mut is_stranger = connection.prepare_cached(
        "SELECT messages = ?4 AND name IS NULL FROM threads WHERE (channel, account, conversation) = (?1, ?2, ?3)",
    )?;
    let mut with_strangers = BTreeSet::new();
    for ((channel, account, person), (messages, at, seq)) in counted {
        add.execute(params![channel, account, person, messages, at, seq])?;
        if is_stranger.query_row(params![channel, account, person, messages], |row| row.get(0))? {
            with_strangers.insert((channel, account));
        }
    }
    Ok(with_strangers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_conversations_is_read_along_its_index_and_sorts_nothing() {
        let connection = Connection::open_in_memory().expect("opened");
        for migration in crate::shared::journal::migrations::MIGRATIONS {
            connection.execute_batch(migration).expect("migrated");
        }
        let plan: Vec<String> = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {SELECT_THREAD} {NEXT_THREADS}"))
            .expect("prepared")
            .query_map(params!["c", "a", i64::MAX, "", 50], |row| row.get(3))
            .expect("asked")
            .collect::<rusqlite::Result<_>>()
            .expect("told");
        let plan = plan.join("\n");
        assert!(plan.contains("threads_by_time (channel=? AND account=? AND (last_at,conversation)<"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{plan}");
    }
}
