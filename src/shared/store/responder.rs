//! The built-in responder's tables (`journal.db`): where it may answer, what it has to answer, and what it did.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::outgoing::take_back;
use crate::shared::journal::{Account, Conversation, Journal, JournalError};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// For how many days what it did is shown.
const SHOWN_DAYS: i64 = 90;

/// An account whose merchant lets the responder answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponderAccount {
    /// The account.
    pub account: Account,
    /// Its merchant when it was switched on.
    pub merchant: Uuid,
    /// What the feed told up to this number is not answered.
    pub after_n: i64,
    /// When it was switched on, in milliseconds since 1970.
    pub since: i64,
}

/// An event that the responder has taken and not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponderTurn {
    /// Whose it is.
    pub merchant: Uuid,
    /// Its number in the feed.
    pub n: i64,
    /// The conversation.
    pub conversation: Conversation,
    /// How often the model did not answer.
    pub tries: i64,
}

/// How many tokens the model took in and gave out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Those of what it was told.
    pub taken_in: i64,
    /// Those of what it said.
    pub given_out: i64,
}

impl Tokens {
    /// Both together.
    #[must_use]
    pub fn sum(self) -> i64 {
        self.taken_in.saturating_add(self.given_out)
    }

    /// These and those.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            taken_in: self.taken_in.saturating_add(other.taken_in),
            given_out: self.given_out.saturating_add(other.given_out),
        }
    }
}

/// How an event was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponderOutcome {
    /// A message was accepted for the person.
    Answered,
    /// A human is to answer.
    HandedOver,
    /// Nothing was to be answered any more.
    Dropped,
}

impl ResponderOutcome {
    /// The word in the database and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::HandedOver => "handed_over",
            Self::Dropped => "dropped",
        }
    }

    fn of(word: &str) -> Self {
        [Self::Answered, Self::HandedOver].into_iter().find(|one| one.as_str() == word).unwrap_or(Self::Dropped)
    }
}

/// What the responder did with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// How it was settled.
    pub outcome: ResponderOutcome,
    /// Why it was not answered.
    pub why: Option<String>,
    /// The message that answers: `msg_…`.
    pub message: Option<String>,
    /// What it cost.
    pub tokens: Tokens,
}

/// What the responder did, as its merchant sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// The conversation.
    pub conversation: Conversation,
    /// What the person is called.
    pub name: Option<String>,
    /// How the event was settled.
    pub settled: Settled,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

impl Journal {
    /// Lets the responder answer an account from now on, or no longer.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn switch_responder(&self, account: &Account, merchant: Uuid, is_on: bool) -> Result<(), JournalError> {
        let ((channel, account), now_ms) = (account.clone(), self.clock().now_ms());
        self.write(move |connection| {
            let merchant = merchant.to_string();
            if !is_on {
                connection
                    .prepare_cached("DELETE FROM responder_accounts WHERE channel = ?1 AND account = ?2")?
                    .execute([&channel, &account])?;
                connection
                    .prepare_cached("DELETE FROM responder_turns WHERE channel = ?1 AND account = ?2")?
                    .execute([&channel, &account])?;
                return take_back_of_responder(connection, (&channel, &account), now_ms);
            }
            connection
                .prepare_cached(
                    "INSERT INTO responder_accounts (channel, account, merchant, since, after_n)
                     VALUES (?1, ?2, ?3, ?4, coalesce((SELECT newest FROM feed_ends WHERE merchant = ?3), 0))
                     ON CONFLICT DO UPDATE SET merchant = excluded.merchant, since = excluded.since,
                                               after_n = excluded.after_n WHERE merchant <> excluded.merchant",
                )?
                .execute(params![channel, account, merchant, now_ms])?;
            // With the first account it begins at the end: nobody waits for what came before.
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO responder_places (merchant, n)
                     SELECT ?1, coalesce((SELECT newest FROM feed_ends WHERE merchant = ?1), 0)
                     WHERE (SELECT count(*) FROM responder_accounts WHERE merchant = ?1) = 1
                        OR NOT EXISTS (SELECT 1 FROM responder_places WHERE merchant = ?1)",
                )?
                .execute([merchant])
                .map(drop)
        })
        .await
    }

    /// The accounts that the responder may answer.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_responder_accounts(&self) -> Result<Vec<ResponderAccount>, JournalError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT channel, account, merchant, after_n, since FROM responder_accounts ORDER BY merchant",
                )?
                .query_map([], |row| {
                    Ok(ResponderAccount {
                        account: (row.get(0)?, row.get(1)?),
                        merchant: uuid_of(row, 2)?,
                        after_n: row.get(3)?,
                        since: row.get(4)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// How far the responder has come in a merchant's feed.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_responder_place(&self, merchant: Uuid) -> Result<Option<i64>, JournalError> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT n FROM responder_places WHERE merchant = ?1")?
                .query_row([merchant.to_string()], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Takes events to be answered, and moves the place in the merchant's feed with them.
    ///
    /// # Errors
    /// When the journal cannot be written: then nothing was taken.
    pub async fn take_for_responder(
        &self,
        merchant: Uuid,
        place: i64,
        events: Vec<(i64, Conversation)>,
    ) -> Result<(), JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let merchant = merchant.to_string();
            let mut insert = connection.prepare_cached(
                "INSERT OR IGNORE INTO responder_turns (merchant, n, channel, account, conversation, due_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for (n, Conversation { channel, account, person }) in &events {
                insert.execute(params![merchant, n, channel, account, person, now_ms])?;
            }
            connection
                .prepare_cached("INSERT OR REPLACE INTO responder_places (merchant, n) VALUES (?1, ?2)")?
                .execute(params![merchant, place])
                .map(drop)
        })
        .await
    }

    /// The events that are due, one of each conversation, oldest first, at most `limit` of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_due_turns(&self, limit: i64) -> Result<Vec<ResponderTurn>, JournalError> {
        let now_ms = self.clock().now_ms();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT merchant, min(n), channel, account, conversation, tries FROM responder_turns
                     WHERE due_at <= ?1 GROUP BY merchant, channel, account, conversation
                     ORDER BY due_at, n LIMIT ?2",
                )?
                .query_map([now_ms, limit], |row| {
                    Ok(ResponderTurn {
                        merchant: uuid_of(row, 0)?,
                        n: row.get(1)?,
                        conversation: Conversation { channel: row.get(2)?, account: row.get(3)?, person: row.get(4)? },
                        tries: row.get(5)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// The model is about to be asked: until this time (milliseconds since 1970) nobody else asks it about this event. Gives
    /// whether the event is still to be answered.
    ///
    /// # Errors
    /// When the journal cannot be written: then the model is not asked.
    pub async fn begin_turn(&self, turn: &ResponderTurn, until: i64) -> Result<bool, JournalError> {
        let (merchant, n) = (turn.merchant.to_string(), turn.n);
        self.write(move |connection| {
            let begun = connection
                .prepare_cached("UPDATE responder_turns SET due_at = ?3 WHERE merchant = ?1 AND n = ?2")?
                .execute(params![merchant, n, until])?;
            Ok(begun == 1)
        })
        .await
    }

    /// Events that a process before this one began to answer are due again.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn take_up_turns(&self) -> Result<(), JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            connection
                .prepare_cached("UPDATE responder_turns SET due_at = ?1 WHERE due_at > ?1")?
                .execute([now_ms])
                .map(drop)
        })
        .await
    }

    /// Whether an event is still to be answered: its account is switched on, and nobody erased it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn has_turn(&self, turn: &ResponderTurn) -> Result<bool, JournalError> {
        let (merchant, n) = (turn.merchant.to_string(), turn.n);
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT 1 FROM responder_turns WHERE merchant = ?1 AND n = ?2")?
                .exists(params![merchant, n])
        })
        .await
    }

    /// The id of the message that this event led to, if there is one.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_answer_of(&self, turn: &ResponderTurn) -> Result<Option<String>, JournalError> {
        let (merchant, key) = (turn.merchant.to_string(), answer_key(turn.n));
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT o.id FROM idempotency_keys AS k JOIN outgoing AS o ON o.number = k.message
                     WHERE k.merchant = ?1 AND k.key = ?2",
                )?
                .query_row([merchant, key], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Forgets what is left of a merchant of whom no account is left.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn forget_responder_of(&self, merchant: Uuid) -> Result<(), JournalError> {
        self.write(move |connection| {
            for table in [
                "DELETE FROM responder_places WHERE merchant = ?1",
                "DELETE FROM responder_tokens WHERE merchant = ?1",
                "DELETE FROM responder_turns WHERE merchant = ?1",
                "DELETE FROM responder_outcomes WHERE merchant = ?1",
                "DELETE FROM responder_accounts WHERE merchant = ?1",
            ] {
                connection.prepare_cached(table)?.execute([merchant.to_string()])?;
            }
            Ok(())
        })
        .await
    }

    /// The model did not answer: the event is due again at this time (milliseconds since 1970).
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn put_turn_off(&self, turn: &ResponderTurn, due_at: i64) -> Result<(), JournalError> {
        let (merchant, n) = (turn.merchant.to_string(), turn.n);
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE responder_turns SET due_at = ?3, tries = tries + 1 WHERE merchant = ?1 AND n = ?2",
                )?
                .execute(params![merchant, n, due_at])
                .map(drop)
        })
        .await
    }

    /// An event is settled: its row goes, and what was done is kept.
    ///
    /// # Errors
    /// When the journal cannot be written: then the event is taken up again, and finds itself answered.
    pub async fn settle_turn(&self, turn: &ResponderTurn, settled: Settled) -> Result<(), JournalError> {
        let (turn, now_ms) = (turn.clone(), self.clock().now_ms());
        self.write(move |connection| settle(connection, &turn, &settled, now_ms)).await
    }

    /// Whether this person was told that a program answers.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn has_met_responder(&self, of: &Conversation) -> Result<bool, JournalError> {
        let of = of.clone();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT 1 FROM responder_met AS met
                     WHERE met.channel = ?1 AND met.account = ?2 AND met.conversation = ?3
                       AND NOT EXISTS
                           -- All that it ever said to them failed.
                           (SELECT 1 FROM outgoing AS o JOIN idempotency_keys AS k ON k.message = o.number
                            WHERE o.channel = ?1 AND o.account = ?2 AND o.conversation = ?3 AND k.key GLOB 'responder:*'
                            GROUP BY o.conversation
                            HAVING min(EXISTS (SELECT 1 FROM outgoing_parts
                                               WHERE message = o.number AND state = 'failed')) = 1)",
                )?
                .exists([of.channel, of.account, of.person])
        })
        .await
    }

    /// Adds to what a merchant's answers cost on the day of `now_ms`.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn add_responder_tokens(&self, merchant: Uuid, tokens: Tokens) -> Result<(), JournalError> {
        let day = self.clock().now_ms() / DAY_MS;
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO responder_tokens (merchant, day, tokens_in, tokens_out) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET tokens_in = tokens_in + excluded.tokens_in,
                                               tokens_out = tokens_out + excluded.tokens_out",
                )?
                .execute(params![merchant.to_string(), day, tokens.taken_in, tokens.given_out])
                .map(drop)
        })
        .await
    }

    /// What a merchant's answers cost today (UTC).
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn responder_tokens_today(&self, merchant: Uuid) -> Result<Tokens, JournalError> {
        let day = self.clock().now_ms() / DAY_MS;
        self.read(move |connection| {
            let found = connection
                .prepare_cached("SELECT tokens_in, tokens_out FROM responder_tokens WHERE merchant = ?1 AND day = ?2")?
                .query_row(params![merchant.to_string(), day], |row| {
                    Ok(Tokens { taken_in: row.get(0)?, given_out: row.get(1)? })
                })
                .optional()?;
            Ok(found.unwrap_or_default())
        })
        .await
    }

    /// What the responder did last for a merchant, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_responder_deeds(&self, merchant: Uuid, limit: i64) -> Result<Vec<Deed>, JournalError> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT d.channel, d.account, d.conversation, t.name, d.outcome, d.why, d.message, d.tokens_in,
                            d.tokens_out, d.at
                     FROM responder_outcomes AS d LEFT JOIN threads AS t
                       ON t.channel = d.channel AND t.account = d.account AND t.conversation = d.conversation
                     WHERE d.merchant = ?1 ORDER BY d.number DESC LIMIT ?2",
                )?
                .query_map(params![merchant.to_string(), limit], read_deed)?
                .collect()
        })
        .await
    }

    /// Whether a text holds the whole name of another person of these accounts: at least two words, as the platform tells
    /// them. Names that also stand in `told` are words like others.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn names_another_person(
        &self,
        text: &str,
        accounts: Vec<Account>,
        person: &str,
        told: &str,
    ) -> Result<bool, JournalError> {
        let (text, person, told) = (text.to_lowercase(), person.to_owned(), told.to_lowercase());
        self.read(move |connection| {
            let mut find = connection.prepare_cached(
                "SELECT name FROM threads
                 WHERE channel = ?1 AND account = ?2 AND conversation <> ?3 AND name LIKE '_% _%'",
            )?;
            for (channel, account) in &accounts {
                let mut rows = find.query([channel, account, &person])?;
                while let Some(row) = rows.next()? {
                    let name = row.get_ref(0)?.as_str()?.to_lowercase();
                    if holds_words(&text, &name) && !holds_words(&told, &name) {
                        return Ok(true);
                    }
                }
            }
            Ok(false)
        })
        .await
    }
}

/// Under which key the answer to an event is accepted.
#[must_use]
pub fn answer_key(n: i64) -> String {
    format!("responder:{n}")
}

/// What the responder has accepted for people of an account and nobody has called yet is taken back.
fn take_back_of_responder(
    connection: &Connection,
    (channel, account): (&str, &str),
    now_ms: i64,
) -> rusqlite::Result<()> {
    let waiting: Vec<i64> = connection
        .prepare_cached(
            "SELECT o.number FROM outgoing AS o JOIN idempotency_keys AS k ON k.message = o.number
             WHERE o.is_open AND o.channel = ?1 AND o.account = ?2 AND k.key GLOB 'responder:*'",
        )?
        .query_map([channel, account], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    waiting.into_iter().try_for_each(|number| take_back(connection, number, now_ms))
}

/// Whether these words stand in the text as words of their own.
fn holds_words(text: &str, words: &str) -> bool {
    let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    text.match_indices(words)
        .any(|(at, _)| !is_word(text[..at].chars().next_back()) && !is_word(text[at + words.len()..].chars().next()))
}

fn settle(connection: &Connection, turn: &ResponderTurn, settled: &Settled, now_ms: i64) -> rusqlite::Result<()> {
    let Conversation { channel, account, person } = &turn.conversation;
    let merchant = turn.merchant.to_string();
    let deleted = connection
        .prepare_cached("DELETE FROM responder_turns WHERE merchant = ?1 AND n = ?2")?
        .execute(params![merchant, turn.n])?;
    if deleted == 0 {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO responder_outcomes
                 (merchant, channel, account, conversation, outcome, why, message, tokens_in, tokens_out, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            merchant,
            channel,
            account,
            person,
            settled.outcome.as_str(),
            settled.why,
            settled.message,
            settled.tokens.taken_in,
            settled.tokens.given_out,
            now_ms
        ])?;
    if settled.outcome == ResponderOutcome::Answered {
        connection
            .prepare_cached("INSERT OR IGNORE INTO responder_met (channel, account, conversation) VALUES (?1, ?2, ?3)")?
            .execute([channel, account, person])?;
    }
    connection
        .prepare_cached("DELETE FROM responder_outcomes WHERE at < ?1")?
        .execute([now_ms - SHOWN_DAYS * DAY_MS])
        .map(drop)
}

fn read_deed(row: &Row<'_>) -> rusqlite::Result<Deed> {
    Ok(Deed {
        conversation: Conversation { channel: row.get(0)?, account: row.get(1)?, person: row.get(2)? },
        name: row.get(3)?,
        settled: Settled {
            outcome: ResponderOutcome::of(row.get_ref(4)?.as_str()?),
            why: row.get(5)?,
            message: row.get(6)?,
            tokens: Tokens { taken_in: row.get(7)?, given_out: row.get(8)? },
        },
        at: row.get(9)?,
    })
}

fn uuid_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let wrong = |error: uuid::Error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
    };
    row.get_ref(column)?.as_str()?.parse().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_words_of_its_own() {
        assert!(holds_words("as i told sam doe, it is blue", "sam doe"));
        assert!(holds_words("sam doe", "sam doe"));
        assert!(!holds_words("sam doering", "sam doe"));
        assert!(!holds_words("xsam doe", "sam doe"));
        assert!(holds_words("anh nguyễn văn an hỏi", "nguyễn văn an"));
    }
}
