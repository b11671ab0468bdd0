//! Walks through all conversations of an account: the import of its history, and polls of what changed.
//!
//! A walk goes through lists of the platform. What one list brought, where the next one begins, and what the report will
//! say are written in one transaction; so a kill at any moment costs the list in hand, and nothing counts twice.
//! Erasing an account or a person must also empty their rows here: `walks`, `walk_conversations`, `walk_messages`,
//! `older_messages`, `listed_messages`.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::account_cursors::save_account_cursor;
use super::poll_comparison::{compare, not_shown, note_shown};
use super::reports::{PollReport, note_poll};
use crate::shared::journal::{DedupeKey, Event, Journal, JournalError};

/// Of how many conversations [`History`] tells one by one how much of them cannot be read.
const NAMED: usize = 50;

/// What a walk is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkKind {
    /// Everything, once.
    Import,
    /// What changed since the last walk.
    Poll,
}

impl WalkKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Poll => "poll",
        }
    }
}

/// How a walk begins.
#[derive(Debug, Clone, Copy)]
pub struct WalkStart {
    /// What it is for.
    pub kind: WalkKind,
    /// It ends at conversations that did not change since, in milliseconds since 1970; `None`: it reads all.
    pub until: Option<i64>,
    /// The newest event on which the last poll reported.
    pub first_seq: i64,
}

/// Where a walk goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalkPlace {
    /// What moved up while a pass was under way is read in another pass; the first is 1.
    pub pass: i64,
    /// This pass ends at conversations that did not change since, in milliseconds since 1970; `None`: it reads all.
    pub until: Option<i64>,
    /// The newest change that this pass was shown, in milliseconds since 1970.
    pub newest: Option<i64>,
    /// Lists read in this pass.
    pub lists: i64,
    /// Where the next list begins; `None`: at the top.
    pub after: Option<String>,
    /// All lists are read; ids of older messages may be left.
    pub lists_over: bool,
    /// Items of the lists that cannot be read: null, or in another shape.
    pub broken: i64,
}

/// A walk under way.
#[derive(Debug, Clone)]
pub struct HistoryWalk {
    /// What it is for.
    pub kind: WalkKind,
    /// Where it goes on.
    pub place: WalkPlace,
    /// Conversations read so far.
    pub conversations: i64,
    /// The newest event when it began.
    pub last_seq: i64,
    first_seq: i64,
    window_from: Option<i64>,
    window_to: Option<i64>,
    report: PollReport,
}

/// One conversation as a list showed it.
#[derive(Debug)]
pub struct Walked {
    /// The person.
    pub conversation: String,
    /// When it last changed, in milliseconds since 1970.
    pub updated_at: Option<i64>,
    /// Its readable messages, oldest first.
    pub events: Vec<Event>,
    /// The platform's id of the conversation, and where the list of its older messages begins, if there are some.
    pub older: Option<(String, String)>,
}

/// A conversation of which older messages are still to be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// The person.
    pub conversation: String,
    /// The platform's id of the conversation.
    pub thread: String,
    /// Where the next list begins.
    pub after: String,
}

/// A message of which only the id is told.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The key that its event would have.
    pub key: DedupeKey,
    /// The platform's id.
    pub id: String,
    /// When it was said, in milliseconds since 1970.
    pub occurred_at: Option<i64>,
}

/// How the import of an account went, or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct History {
    /// When it began, in milliseconds since 1970.
    pub started_at: i64,
    /// When it was over; `None`: it is under way.
    pub finished_at: Option<i64>,
    /// Conversations read so far.
    pub conversations: i64,
    /// Messages that it brought.
    pub messages: i64,
    /// Conversations of which older messages are still to be listed.
    pub still_to_list: i64,
}

/// What the platform lists of an account and does not let anybody read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Unreadable {
    /// How many messages.
    pub messages: i64,
    /// In how many conversations.
    pub conversations: i64,
    /// How many of each conversation; the longest only, where there are many.
    pub by_conversation: BTreeMap<String, i64>,
}

impl Journal {
    /// The walk of this kind that is under way.
    ///
    /// # Errors
    /// When the journal cannot be read.
    async fn find_walk(
        &self,
        channel: &'static str,
        account: &str,
        kind: WalkKind,
    ) -> Result<Option<HistoryWalk>, JournalError> {
        let account = account.to_owned();
        self.read(move |connection| find_walk(connection, channel, &account, kind)).await
    }

    /// Begins a walk, unless one of its kind is under way, and gives back the one that is.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn begin_walk(
        &self,
        channel: &'static str,
        account: &str,
        begin: WalkStart,
    ) -> Result<HistoryWalk, JournalError> {
        let account = account.to_owned();
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            connection.execute(
                "DELETE FROM walks WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND finished_at IS NOT NULL",
                params![channel, account, begin.kind.as_str()],
            )?;
            connection
                .prepare_cached(
                    "INSERT INTO walks (channel, account, kind, started_at, first_seq, last_seq, window_from, pass, until,
                                        lists, lists_over, conversations, messages, seen_by_both, only_poll, reordered,
                                        unreadable)
                     VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(seq), 0) FROM events), ?6, 1, ?6,
                             0, 0, 0, 0, 0, 0, 0, 0)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![channel, account, begin.kind.as_str(), now_ms, begin.first_seq, begin.until])?;
            find_walk(connection, channel, &account, begin.kind)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
        })
        .await
    }

    /// Stores what a list showed, and where the walk goes on. `counted`: how many of the conversations the walk had not read
    /// before. Gives back how many messages were new.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing of it is stored.
    pub async fn advance_walk(
        &self,
        channel: &'static str,
        account: &str,
        walk: &HistoryWalk,
        shown: Vec<Walked>,
        counted: usize,
        next: WalkPlace,
    ) -> Result<usize, JournalError> {
        let account = account.to_owned();
        let kind = walk.kind;
        let (first_seq, last_seq) = (walk.first_seq, walk.last_seq);
        let mut events = Vec::new();
        let conversations: Vec<Shown> = shown
            .into_iter()
            .map(|walked| {
                let begin = events.len();
                events.extend(walked.events);
                Shown {
                    conversation: walked.conversation,
                    updated_at: walked.updated_at,
                    older: walked.older,
                    range: begin..events.len(),
                }
            })
            .collect();
        let keys: Vec<(DedupeKey, i64)> =
            events.iter().map(|event| (event.key, event.occurred_at.unwrap_or_default())).collect();
        self.append_and(events, move |connection, new| {
            let mut report = PollReport::default();
            for shown in &conversations {
                let (keys, new) = (&keys[shown.range.clone()], &new[shown.range.clone()]);
                if kind == WalkKind::Poll {
                    let of = (channel, account.as_str());
                    compare(connection, of, keys, new, (first_seq, last_seq), &mut report)?;
                    note_shown(connection, of, (&shown.conversation, shown.updated_at), keys)?;
                }
                // A poll lists further back only where it found no message that is known.
                let is_connected = kind == WalkKind::Poll && new.first() == Some(&false);
                if let Some((thread, after)) = shown.older.as_ref().filter(|_| !is_connected) {
                    connection
                        .prepare_cached("INSERT OR REPLACE INTO older_messages VALUES (?1, ?2, ?3, ?4, ?5)")?
                        .execute(params![channel, account, shown.conversation, thread, after])?;
                }
            }
            let messages = new.iter().filter(|new| **new).count();
            let read = i64::try_from(counted).unwrap_or(i64::MAX);
            connection
                .prepare_cached(
                    "UPDATE walks SET
                        window_to = coalesce(window_to, ?6), pass = ?4, until = ?5, newest = ?6, lists = ?7, after = ?8,
                        lists_over = ?14, broken = ?15,
                        conversations = conversations + ?9, messages = messages + ?10,
                        seen_by_both = seen_by_both + ?11, only_poll = only_poll + ?12, reordered = reordered + ?13
                     WHERE channel = ?1 AND account = ?2 AND kind = ?3",
                )?
                .execute(params![
                    channel,
                    account,
                    kind.as_str(),
                    next.pass,
                    next.until,
                    next.newest,
                    next.lists,
                    next.after,
                    read,
                    i64::try_from(messages).unwrap_or(i64::MAX),
                    report.seen_by_both,
                    report.only_poll,
                    report.reordered,
                    next.lists_over,
                    next.broken,
                ])?;
            Ok(messages)
        })
        .await
    }

    /// People of an account with whom something was said, and whom the poll under way was not shown; those who wrote last
    /// come first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_not_walked(
        &self,
        channel: &'static str,
        account: &str,
        most: usize,
    ) -> Result<Vec<String>, JournalError> {
        let (account, most) = (account.to_owned(), i64::try_from(most).unwrap_or(i64::MAX));
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT t.conversation FROM threads t
                     WHERE t.channel = ?1 AND t.account = ?2 AND t.messages > 0
                       AND NOT EXISTS (SELECT 1 FROM walk_conversations w
                                       WHERE w.channel = ?1 AND w.account = ?2 AND w.conversation = t.conversation)
                     ORDER BY t.last_at DESC, t.conversation LIMIT ?3",
                )?
                .query_map(params![channel, account, most], |row| row.get(0))?
                .collect()
        })
        .await
    }

    /// Ends a walk: notes the report of a poll, and keeps these values under these names for the account, so that the
    /// next walk knows where to begin. `shown_kinds`: the kinds of events that polls show. Gives back the report.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn finish_walk(
        &self,
        channel: &'static str,
        account: &str,
        kind: WalkKind,
        shown_kinds: &'static [&'static str],
        marks: Vec<(&'static str, String)>,
    ) -> Result<PollReport, JournalError> {
        let account = account.to_owned();
        let now_ms = self.clock().now_ms();
        let Some(walk) = self.find_walk(channel, &account, kind).await? else { return Ok(PollReport::default()) };
        let mut report = walk.report;
        if kind == WalkKind::Poll {
            let account = account.clone();
            let (seqs, window) = ((walk.first_seq, walk.last_seq), (walk.window_from, walk.window_to));
            report.only_webhook = self
                .read(move |connection| not_shown(connection, (channel, &account), seqs, window, shown_kinds))
                .await?;
        }
        self.write(move |connection| {
            match kind {
                WalkKind::Poll => {
                    note_poll(connection, channel, &account, report, now_ms)?;
                    for table in ["walk_conversations", "walk_messages"] {
                        let delete = format!("DELETE FROM {table} WHERE channel = ?1 AND account = ?2");
                        connection.execute(&delete, params![channel, account])?;
                    }
                    connection.execute(
                        "DELETE FROM walks WHERE channel = ?1 AND account = ?2 AND kind = 'poll'",
                        params![channel, account],
                    )?;
                }
                WalkKind::Import => {
                    connection.execute(
                        "UPDATE walks SET finished_at = ?3, after = NULL
                         WHERE channel = ?1 AND account = ?2 AND kind = 'import'",
                        params![channel, account, now_ms],
                    )?;
                }
            }
            for (name, value) in &marks {
                save_account_cursor(connection, channel, &account, name, value)?;
            }
            Ok(report)
        })
        .await
    }

    /// The next conversation of which older messages are still to be listed, behind this one in their order (empty: the
    /// first), and how many there are of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn next_older(
        &self,
        channel: &'static str,
        account: &str,
        behind: &str,
    ) -> Result<(Option<Older>, i64), JournalError> {
        let (account, behind) = (account.to_owned(), behind.to_owned());
        self.read(move |connection| {
            let next = connection
                .prepare_cached(
                    "SELECT conversation, thread, after FROM older_messages
                     WHERE channel = ?1 AND account = ?2 AND conversation > ?3 ORDER BY conversation LIMIT 1",
                )?
                .query_row(params![channel, account, behind], |row| {
                    Ok(Older { conversation: row.get(0)?, thread: row.get(1)?, after: row.get(2)? })
                })
                .optional()?;
            let count = connection
                .prepare_cached(
                    "SELECT count(*) FROM older_messages WHERE channel = ?1 AND account = ?2 AND conversation > ?3",
                )?
                .query_row(params![channel, account, behind], |row| row.get(0))?;
            Ok((next, count))
        })
        .await
    }

    /// Keeps the ids that a list of older messages showed. `next`: where its next list begins, if there is one. A poll is
    /// done with a conversation where it meets a message that is known. Gives back whether the conversation is done.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing of it is stored.
    pub async fn store_older(
        &self,
        channel: &'static str,
        account: &str,
        kind: WalkKind,
        older: &Older,
        listed: Vec<Listed>,
        next: Option<String>,
    ) -> Result<bool, JournalError> {
        let (account, conversation) = (account.to_owned(), older.conversation.clone());
        self.write(move |connection| {
            let (mut new, mut met_known) = (0_i64, false);
            for message in &listed {
                let inserted = connection
                    .prepare_cached(
                        "INSERT INTO listed_messages (dedupe, channel, account, conversation, id, occurred_at)
                         SELECT ?1, ?2, ?3, ?4, ?5, ?6
                         WHERE NOT EXISTS (SELECT 1 FROM events WHERE dedupe = ?1)
                           AND NOT EXISTS (SELECT 1 FROM pruned_keys WHERE dedupe = ?1)
                         ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![
                        message.key.as_bytes(),
                        channel,
                        account,
                        conversation,
                        message.id,
                        message.occurred_at
                    ])?;
                new += i64::from(inserted == 1);
                met_known |= inserted == 0;
            }
            connection
                .prepare_cached(
                    "UPDATE walks SET unreadable = unreadable + ?4 WHERE channel = ?1 AND account = ?2 AND kind = ?3",
                )?
                .execute(params![channel, account, kind.as_str(), new])?;
            let next = next.filter(|_| kind == WalkKind::Import || !met_known);
            match &next {
                Some(next) => connection
                    .prepare_cached(
                        "UPDATE older_messages SET after = ?4 WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
                    )?
                    .execute(params![channel, account, conversation, next])?,
                None => connection
                    .prepare_cached(
                        "DELETE FROM older_messages WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
                    )?
                    .execute(params![channel, account, conversation])?,
            };
            Ok(next.is_none())
        })
        .await
    }

    /// How the import of an account went, or goes; `None`: it has not begun.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_history(&self, channel: &str, account: &str) -> Result<Option<History>, JournalError> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT started_at, finished_at, conversations, messages,
                            (SELECT count(*) FROM older_messages o WHERE o.channel = ?1 AND o.account = ?2)
                     FROM walks WHERE channel = ?1 AND account = ?2 AND kind = 'import'",
                )?
                .query_row(params![channel, account], |row| {
                    Ok(History {
                        started_at: row.get(0)?,
                        finished_at: row.get(1)?,
                        conversations: row.get(2)?,
                        messages: row.get(3)?,
                        still_to_list: row.get(4)?,
                    })
                })
                .optional()
        })
        .await
    }

    /// What the platform lists of an account and does not let anybody read.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn count_unreadable(&self, channel: &str, account: &str) -> Result<Unreadable, JournalError> {
        let (channel, account) = (channel.to_owned(), account.to_owned());
        self.read(move |connection| {
            let mut unreadable = Unreadable::default();
            let mut statement = connection.prepare_cached(
                "SELECT conversation, count(*) FROM listed_messages WHERE channel = ?1 AND account = ?2
                 GROUP BY conversation ORDER BY count(*) DESC, conversation",
            )?;
            let mut rows = statement.query(params![channel, account])?;
            while let Some(row) = rows.next()? {
                let count: i64 = row.get(1)?;
                unreadable.messages += count;
                unreadable.conversations += 1;
                if unreadable.by_conversation.len() < NAMED {
                    unreadable.by_conversation.insert(row.get(0)?, count);
                }
            }
            Ok(unreadable)
        })
        .await
    }
}

/// A conversation of a list, and which of the list's events are its own.
struct Shown {
    conversation: String,
    updated_at: Option<i64>,
    older: Option<(String, String)>,
    range: std::ops::Range<usize>,
}

fn find_walk(
    connection: &Connection,
    channel: &str,
    account: &str,
    kind: WalkKind,
) -> rusqlite::Result<Option<HistoryWalk>> {
    let read = |row: &Row<'_>| {
        Ok(HistoryWalk {
            kind,
            place: WalkPlace {
                pass: row.get(0)?,
                until: row.get(1)?,
                newest: row.get(2)?,
                lists: row.get(3)?,
                after: row.get(4)?,
                lists_over: row.get(14)?,
                broken: row.get(15)?,
            },
            conversations: row.get(5)?,
            last_seq: row.get(6)?,
            first_seq: row.get(7)?,
            window_from: row.get(8)?,
            window_to: row.get(9)?,
            report: PollReport {
                seen_by_both: row.get(10)?,
                only_webhook: 0,
                only_poll: row.get(11)?,
                reordered: row.get(12)?,
                unreadable: row.get(13)?,
            },
        })
    };
    connection
        .prepare_cached(
            "SELECT pass, until, newest, lists, after, conversations, last_seq, first_seq, window_from, window_to,
                    seen_by_both, only_poll, reordered, unreadable, lists_over, broken
             FROM walks WHERE channel = ?1 AND account = ?2 AND kind = ?3 AND finished_at IS NULL",
        )?
        .query_row(params![channel, account, kind.as_str()], read)
        .optional()
}
