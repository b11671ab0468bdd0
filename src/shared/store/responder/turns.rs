//! Events that the built-in responder has to answer.

use rusqlite::{Connection, OptionalExtension, params};

use super::{ANSWER_KEYS, DAY_MS, FailedAnswer, ResponderTurn, SHOWN_DAYS, Settled, Tokens, answer_key, uuid_of};
use crate::shared::channel::dialogue::Reason;
use crate::shared::journal::{Conversation, Journal, JournalError};
use crate::shared::store::conversation_states::Pause;
use crate::shared::store::feed::pauses::begin_pause;

/// Why an event is put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOff {
    /// Somebody else is waited for: the model, the account, a message on its way.
    Waiting,
    /// Working on it failed for a reason of our own.
    Failed,
}

impl Journal {
    /// The events that are due, one of each conversation, at most `limit` of them: the oldest of each merchant first, then
    /// the second one of each.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_due_turns(&self, limit: i64) -> Result<Vec<ResponderTurn>, JournalError> {
        let now_ms = self.clock().now_ms();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT merchant, n, coalesce(asked, n), channel, account, conversation, tries, failures, failed,
                            may_have_left, answers, due_at
                     FROM (SELECT *, row_number() OVER (PARTITION BY merchant ORDER BY due_at, n) AS place
                           FROM (SELECT *, row_number() OVER (PARTITION BY merchant, channel, account, conversation
                                                              ORDER BY n) AS of_person
                                 FROM responder_turns WHERE due_at <= ?1)
                           WHERE of_person = 1)
                     ORDER BY place, due_at, n LIMIT ?2",
                )?
                .query_map([now_ms, limit], |row| {
                    let failed: Option<String> = row.get(8)?;
                    let (may_have_left, answers) = (row.get(9)?, row.get(10)?);
                    let failed = failed.as_deref().and_then(Reason::from_word);
                    Ok(ResponderTurn {
                        merchant: uuid_of(row, 0)?,
                        n: row.get(1)?,
                        asked: row.get(2)?,
                        conversation: Conversation { channel: row.get(3)?, account: row.get(4)?, person: row.get(5)? },
                        due_at: row.get(11)?,
                        tries: row.get(6)?,
                        failures: row.get(7)?,
                        failed: failed.map(|reason| FailedAnswer { reason, may_have_left, answers }),
                    })
                })?
                .collect()
        })
        .await
    }

    /// Whether an event is still to be answered and was not put off since it was listed.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn is_turn_due(&self, turn: &ResponderTurn) -> Result<bool, JournalError> {
        let (merchant, n, due_at) = (turn.merchant.to_string(), turn.n, turn.due_at);
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT 1 FROM responder_turns WHERE merchant = ?1 AND n = ?2 AND due_at = ?3")?
                .exists(params![merchant, n, due_at])
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

    /// The event is due again at this time (milliseconds since 1970), and has cost this.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn put_turn_off(
        &self,
        turn: &ResponderTurn,
        due_at: i64,
        why: PutOff,
        tokens: Tokens,
    ) -> Result<(), JournalError> {
        let (merchant, n) = (turn.merchant.to_string(), turn.n);
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE responder_turns SET due_at = ?3, tries = tries + (NOT ?4), failures = failures + ?4,
                                                tokens_in = tokens_in + ?5, tokens_out = tokens_out + ?6
                     WHERE merchant = ?1 AND n = ?2",
                )?
                .execute(params![merchant, n, due_at, why == PutOff::Failed, tokens.taken_in, tokens.given_out])
                .map(drop)
        })
        .await
    }

    /// An event is settled: its row goes, and what was done is kept. Gives whether its row was still there.
    ///
    /// # Errors
    /// When the journal cannot be written: then the event is taken up again, and finds itself answered.
    pub async fn settle_turn(&self, turn: &ResponderTurn, settled: Settled) -> Result<bool, JournalError> {
        let (turn, now_ms) = (turn.clone(), self.clock().now_ms());
        self.write(move |connection| settle(connection, &turn, &settled, None, now_ms)).await
    }

    /// Silences bots in the event's conversation and settles the event, at once: neither happens if the event is not to be
    /// answered any more, because its account was switched off or it was erased. Gives whether bots begin to be silent now;
    /// `None`: nothing was done.
    ///
    /// # Errors
    /// When the journal cannot be written: then nothing was done.
    pub async fn hand_turn_over(
        &self,
        turn: &ResponderTurn,
        pause: Pause,
        settled: Settled,
    ) -> Result<Option<bool>, JournalError> {
        let (turn, now_ms) = (turn.clone(), self.clock().now_ms());
        self.write(move |connection| {
            if !settle(connection, &turn, &settled, Some(&pause), now_ms)? {
                return Ok(None);
            }
            begin_pause(connection, &turn.merchant.to_string(), &turn.conversation, pause, now_ms).map(Some)
        })
        .await
    }

    /// Until when the last hand-over of this message of a person silenced bots, in milliseconds since 1970; `None`: there was
    /// none, or until somebody resumes.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_silence_of(&self, of: &Conversation, event: &str) -> Result<Option<i64>, JournalError> {
        let (of, event) = (of.clone(), event.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT silent_until FROM responder_outcomes
                     WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND event = ?4
                       AND outcome = 'handed_over'
                     ORDER BY number DESC LIMIT 1",
                )?
                .query_row([of.channel, of.account, of.person, event], |row| row.get(0))
                .optional()
                .map(Option::flatten)
        })
        .await
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
                            WHERE o.channel = ?1 AND o.account = ?2 AND o.conversation = ?3 AND k.key GLOB ?4
                            GROUP BY o.conversation
                            HAVING min(EXISTS (SELECT 1 FROM outgoing_parts
                                               WHERE message = o.number AND state = 'failed')) = 1)",
                )?
                .exists([&of.channel, &of.account, &of.person, ANSWER_KEYS])
        })
        .await
    }
}

fn settle(
    connection: &Connection,
    turn: &ResponderTurn,
    settled: &Settled,
    pause: Option<&Pause>,
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let Conversation { channel, account, person } = &turn.conversation;
    let merchant = turn.merchant.to_string();
    let spent = connection
        .prepare_cached("DELETE FROM responder_turns WHERE merchant = ?1 AND n = ?2 RETURNING tokens_in, tokens_out")?
        .query_row(params![merchant, turn.n], |row| Ok(Tokens { taken_in: row.get(0)?, given_out: row.get(1)? }))
        .optional()?;
    let Some(spent) = spent else { return Ok(false) };
    let tokens = settled.tokens.and(spent);
    connection
        .prepare_cached(
            "INSERT INTO responder_outcomes
                 (merchant, channel, account, conversation, outcome, why, message, tokens_in, tokens_out, at, event,
                  silent_until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            merchant,
            channel,
            account,
            person,
            settled.outcome.as_str(),
            settled.why,
            settled.message,
            tokens.taken_in,
            tokens.given_out,
            now_ms,
            settled.event,
            pause.and_then(|pause| pause.until)
        ])?;
    if settled.message.is_some() {
        connection
            .prepare_cached("INSERT OR IGNORE INTO responder_met (channel, account, conversation) VALUES (?1, ?2, ?3)")?
            .execute([channel, account, person])?;
    }
    connection
        .prepare_cached("DELETE FROM responder_outcomes WHERE at < ?1")?
        .execute([now_ms - SHOWN_DAYS * DAY_MS])?;
    Ok(true)
}
