//! What becomes of parts: calls that begin and end, parts that are looked for, time that runs out, people who decide.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::changes::{conversation_of, fail_rest, set_sent, tell};
use super::ids::{is_anothers, keep_common_id};
use super::reports::{cover_by_receipts, prove_by_kept_receipt, take_details};
use super::rows::{self, Outgoing, PartState};
use crate::shared::channel::dialogue::{Addressee, Part, Reason, Sent};
use crate::shared::journal::acknowledged::SENDING_IS_DOUBTFUL;
use crate::shared::journal::{Conversation, Journal, JournalError, learn_addressee};
use crate::shared::store::conversation_states::{Standing, load_standing};
use crate::shared::store::feed::doubtful::{self, release_doubtful};

/// How a call ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The platform took the part.
    Sent(Sent),
    /// It was not sent; it is called again, not before this time (milliseconds since 1970). `None`: nobody knows when, because
    /// its account cannot send.
    Again(Option<i64>),
    /// As [`Outcome::Again`], after an error of which nobody knows what it means.
    GeneralError(i64),
    /// It will not be sent: why, and the platform's code.
    Failed(Reason, Option<String>),
    /// Nobody knows.
    Unknown,
}

/// What came of looking for a part of which nobody knows whether it was sent.
#[derive(Debug, Clone)]
pub enum Looked {
    /// It was sent: what the platform names it by, and its time. Without a time it is now.
    Found(Sent, Option<i64>),
    /// It is not there. `is_proof`: so it was not sent, and is called again.
    Absent {
        /// Whether that is enough to call it again.
        is_proof: bool,
    },
    /// It could not be found out, and nobody looks any longer.
    GivenUp,
}

/// A message whose turn it may be.
#[derive(Debug, Clone)]
pub struct DueOutgoing {
    /// The message.
    pub message: Outgoing,
    /// How its conversation stands.
    pub standing: Standing,
    /// Whether something was not looked at yet that may say that a human has taken over.
    pub is_undecided: bool,
}

/// What is still to be done with the messages of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOutgoing {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// How many are not final.
    pub waiting: i64,
    /// Of how many nobody knows whether they were sent.
    pub unknown: i64,
}

/// How many rows of a table are removed at once: a write transaction of a few milliseconds, between two groups of deliveries.
const REMOVED_AT_ONCE: i64 = 1_000;

impl Journal {
    /// A message with its parts; `None`: there is none with this number.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_outgoing(&self, number: i64) -> Result<Option<Outgoing>, JournalError> {
        self.read(move |connection| rows::find(connection, number)).await
    }

    /// As [`Journal::find_outgoing`], and how its conversation stands.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_due_outgoing(&self, number: i64) -> Result<Option<DueOutgoing>, JournalError> {
        self.read(move |connection| {
            let connection = connection.unchecked_transaction()?;
            let Some(message) = rows::find(&connection, number)? else { return Ok(None) };
            let standing = load_standing(&connection, &message.conversation)?;
            let is_undecided = doubtful::is_waiting(&connection, &message.conversation)?;
            Ok(Some(DueOutgoing { message, standing, is_undecided }))
        })
        .await
    }

    /// A message of a merchant by its id.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_outgoing_of(&self, merchant: &str, id: &str) -> Result<Option<Outgoing>, JournalError> {
        let (merchant, id) = (merchant.to_owned(), id.to_owned());
        self.read(move |connection| find_of(connection, &merchant, &id)).await
    }

    /// The messages to a person that are not final, in the order in which they go out.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_open_outgoing(&self, to: &Conversation) -> Result<Vec<Outgoing>, JournalError> {
        let to = to.clone();
        self.read(move |connection| {
            let messages: Vec<Outgoing> = connection
                .prepare_cached(&format!(
                    "SELECT {} FROM outgoing
                     WHERE is_open AND channel = ?1 AND account = ?2 AND conversation = ?3 ORDER BY number",
                    rows::COLUMNS
                ))?
                .query_map([&to.channel, &to.account, &to.person], rows::read_message)?
                .collect::<rusqlite::Result<_>>()?;
            messages.into_iter().map(|message| rows::with_parts(connection, message)).collect()
        })
        .await
    }

    /// How many messages of each account wait, and of how many nobody knows whether they were sent. Accounts that have sent
    /// something within 30 days are told, also with nothing.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn count_open_outgoing(&self) -> Result<Vec<OpenOutgoing>, JournalError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT channel, account, sum(is_open),
                            sum(is_open AND EXISTS
                                (SELECT 1 FROM outgoing_parts WHERE message = number AND state = 'unknown'))
                     FROM outgoing GROUP BY channel, account",
                )?
                .query_map([], |row| {
                    Ok(OpenOutgoing {
                        channel: row.get(0)?,
                        account: row.get(1)?,
                        waiting: row.get(2)?,
                        unknown: row.get(3)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// The newest messages to a person, newest first, at most `limit` of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_newest_outgoing(&self, to: &Conversation, limit: i64) -> Result<Vec<Outgoing>, JournalError> {
        let to = to.clone();
        self.read(move |connection| {
            let messages: Vec<Outgoing> = connection
                .prepare_cached(&format!(
                    "SELECT {} FROM outgoing WHERE channel = ?1 AND account = ?2 AND conversation = ?3
                     ORDER BY number DESC LIMIT ?4",
                    rows::COLUMNS
                ))?
                .query_map(params![to.channel, to.account, to.person, limit], rows::read_message)?
                .collect::<rusqlite::Result<_>>()?;
            messages.into_iter().map(|message| rows::with_parts(connection, message)).collect()
        })
        .await
    }

    /// All messages with which something is still to be done: number and conversation, in the order of acceptance. Parts
    /// whose call was under way when the last process ended are unknown from now on; where the journal lost writes, so are
    /// all that wait, because their calls may be among what it does not know any more.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn take_up_outgoing(&self) -> Result<Vec<(i64, Conversation)>, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let doubtful =
                connection.prepare_cached("DELETE FROM cursors WHERE name = ?1")?.execute([SENDING_IS_DOUBTFUL])? == 1;
            let calls: Vec<Call> = connection
                .prepare_cached(&format!("{CALLS} AND o.is_open AND p.state = 'accepted'"))?
                .query_map([], Call::of_row)?
                .collect::<rusqlite::Result<_>>()?;
            // Where even the note of the call may be lost, it may have left at any time since the message was accepted.
            let cut: Vec<i64> = connection
                .prepare_cached(
                    "UPDATE outgoing_parts SET state = 'unknown', unknown_at = ?1, looks = 0, called_at =
                         CASE WHEN called_at IS NULL
                              THEN (SELECT created_at FROM outgoing WHERE number = message) END
                     WHERE state = 'accepted' AND (called_at IS NOT NULL OR ?2) RETURNING message",
                )?
                .query_map(params![now_ms, doubtful], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for Call { place, of, at } in calls {
                prove_by_kept_receipt(connection, &of, place, at)?;
            }
            for message in cut {
                tell(connection, message, now_ms)?;
            }
            connection
                .prepare_cached(
                    "SELECT number, channel, account, conversation FROM outgoing WHERE is_open ORDER BY number",
                )?
                .query_map([], |row| {
                    let of = Conversation { channel: row.get(1)?, account: row.get(2)?, person: row.get(3)? };
                    Ok((row.get(0)?, of))
                })?
                .collect()
        })
        .await
    }

    /// Removes some of the messages that were accepted before this time and with which nothing is to be done any more, and of
    /// the receipts of that age. Gives whether more are left.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn remove_old_outgoing(&self, before: i64) -> Result<bool, JournalError> {
        self.write(move |connection| {
            let mut are_left = false;
            for some in [
                "DELETE FROM outgoing WHERE number IN
                     (SELECT number FROM outgoing WHERE created_at < ?1 AND NOT is_open ORDER BY created_at LIMIT ?2)",
                "DELETE FROM outgoing_receipts WHERE (channel, account, conversation, what, platform_id) IN
                     (SELECT channel, account, conversation, what, platform_id FROM outgoing_receipts
                      WHERE kept_at < ?1 ORDER BY kept_at LIMIT ?2)",
            ] {
                are_left |= connection.prepare_cached(some)?.execute([before, REMOVED_AT_ONCE])? > 0;
            }
            Ok(are_left)
        })
        .await
    }

    /// Notes that the call of a part is about to leave, with what it holds. Gives whether it may: it may not have been taken
    /// back, failed or called meanwhile.
    ///
    /// # Errors
    /// When the journal cannot be written: then nothing may leave.
    pub async fn begin_call(&self, number: i64, n: i64, content: &Part) -> Result<bool, JournalError> {
        let now_ms = self.clock().now_ms();
        let content = content.clone();
        self.write(move |connection| {
            let content = rows::written(&content)?;
            let begun = connection
                .prepare_cached(
                    "UPDATE outgoing_parts SET called_at = ?3, content = ?4
                     WHERE message = ?1 AND n = ?2 AND state = 'accepted' AND called_at IS NULL AND content IS NOT NULL",
                )?
                .execute(params![number, n, now_ms, content])?;
            if begun == 1 {
                connection
                    .prepare_cached("UPDATE outgoing SET tries = tries + 1, next_try_at = NULL WHERE number = ?1")?
                    .execute([number])?;
            }
            Ok(begun == 1)
        })
        .await
    }

    /// Keeps how the call of a part ended. Gives the message as it is then.
    ///
    /// # Errors
    /// When the journal cannot be written; the call stays noted as under way, and its part is unknown after the next
    /// start.
    pub async fn end_call(&self, number: i64, n: i64, outcome: Outcome) -> Result<Option<Outgoing>, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| end_call(connection, (number, n), &outcome, now_ms)).await
    }

    /// Keeps what came of looking for a part that is unknown.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn end_look(
        &self,
        number: i64,
        part: &rows::OutgoingPart,
        looked: Looked,
    ) -> Result<Option<Outgoing>, JournalError> {
        let now_ms = self.clock().now_ms();
        let (n, as_it_was) = (part.n, (part.unknown_at, part.looks));
        self.write(move |connection| {
            // A look that took long may end when something else was decided, or the part is unknown anew.
            let is_same = connection
                .prepare_cached(
                    "SELECT 1 FROM outgoing_parts
                     WHERE message = ?1 AND n = ?2 AND state = 'unknown' AND unknown_at IS ?3 AND looks = ?4",
                )?
                .exists(params![number, n, as_it_was.0, as_it_was.1])?;
            match is_same {
                true => end_look(connection, (number, n), &looked, now_ms),
                false => rows::find(connection, number),
            }
        })
        .await
    }

    /// A message that waits is called again at this time (milliseconds since 1970), or nobody knows when.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn set_next_try(&self, number: i64, at: Option<i64>) -> Result<(), JournalError> {
        self.write(move |connection| {
            connection
                .prepare_cached("UPDATE outgoing SET next_try_at = ?2 WHERE number = ?1 AND is_open")?
                .execute(params![number, at])
                .map(drop)
        })
        .await
    }

    /// What waits in a message fails for this reason.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn fail_outgoing(&self, number: i64, reason: Reason) -> Result<Option<Outgoing>, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            fail_rest(connection, number, reason)?;
            tell(connection, number, now_ms)
        })
        .await
    }

    /// Takes a message back of which no part was called. Gives the message as it is then, and whether it was taken back;
    /// one that was taken back before counts.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn take_back_outgoing(&self, merchant: &str, id: &str) -> Result<Option<(Outgoing, bool)>, JournalError> {
        let (merchant, id) = (merchant.to_owned(), id.to_owned());
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let Some(message) = find_of(connection, &merchant, &id)? else { return Ok(None) };
            let is_back = |message: &Outgoing| {
                message.parts.iter().any(|part| matches!(part.failure, Some((Reason::TakenBack, _))))
            };
            if is_back(&message) {
                return Ok(Some((message, true)));
            }
            // A call counts also where it is known that it brought nothing: the platform was asked.
            let untouched = |part: &rows::OutgoingPart| part.state == PartState::Accepted && part.called_at.is_none();
            if message.tries > 0 || !message.parts.iter().all(untouched) {
                return Ok(Some((message, false)));
            }
            fail_rest(connection, message.number, Reason::TakenBack)?;
            Ok(tell(connection, message.number, now_ms)?.map(|message| (message, true)))
        })
        .await
    }

    /// A person says whether parts were sent of which nobody knows. `ends_at`: when nothing of it can be sent any more, in
    /// milliseconds since 1970, if that is known. Gives the message as it is then, and whether there was something to decide.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn resolve_outgoing(
        &self,
        merchant: &str,
        id: &str,
        was_sent: bool,
        ends_at: Option<i64>,
    ) -> Result<Option<(Outgoing, bool)>, JournalError> {
        let (merchant, id) = (merchant.to_owned(), id.to_owned());
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let Some(message) = find_of(connection, &merchant, &id)? else { return Ok(None) };
            let set = match was_sent {
                true => "state = 'sent', sent_at = coalesce(sent_at, called_at, unknown_at, ?2)",
                false => "state = 'accepted', sent_at = NULL",
            };
            let decided = connection
                .prepare_cached(&format!(
                    "UPDATE outgoing_parts SET {set}, called_at = NULL, unknown_at = NULL, looks = 0, reason = NULL, code = NULL,
                            general_errors = 0
                     WHERE message = ?1 AND ?2 IS NOT NULL
                       AND (state = 'unknown' OR (state = 'failed' AND reason = 'unresolved'))"
                ))?
                .execute(params![message.number, now_ms])?;
            if decided == 0 {
                return Ok(Some((message, false)));
            }
            // What stood behind it and stopped goes on.
            connection
                .prepare_cached(
                    "UPDATE outgoing_parts SET state = 'accepted', reason = NULL
                     WHERE message = ?1 AND state = 'failed' AND reason = 'stopped'",
                )?
                .execute([message.number])?;
            connection
                .prepare_cached(
                    "UPDATE outgoing SET expires_at = min(?2 + ttl_ms, coalesce(?3, ?2 + ttl_ms)), next_try_at = NULL, is_open = 1
                     WHERE number = ?1",
                )?
                .execute(params![message.number, now_ms, ends_at])?;
            Ok(tell(connection, message.number, now_ms)?.map(|message| (message, true)))
        })
        .await
    }
}

fn find_of(connection: &Connection, merchant: &str, id: &str) -> rusqlite::Result<Option<Outgoing>> {
    let number = connection
        .prepare_cached("SELECT number FROM outgoing WHERE id = ?1 AND merchant = ?2")?
        .query_row([id, merchant], |row| row.get(0))
        .optional()?;
    number.map_or(Ok(None), |number| rows::find(connection, number))
}

/// A call that is under way.
struct Call {
    /// The part: its message, and which one of it.
    place: (i64, i64),
    of: Conversation,
    /// Since when, in milliseconds since 1970.
    at: i64,
}

const CALLS: &str = "SELECT p.message, p.n, o.channel, o.account, o.conversation, p.called_at
                     FROM outgoing AS o JOIN outgoing_parts AS p ON p.message = o.number WHERE p.called_at IS NOT NULL";

impl Call {
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let of = Conversation { channel: row.get(2)?, account: row.get(3)?, person: row.get(4)? };
        Ok(Self { place: (row.get(0)?, row.get(1)?), of, at: row.get(5)? })
    }
}

fn end_call(
    connection: &Connection,
    (number, n): (i64, i64),
    outcome: &Outcome,
    now_ms: i64,
) -> rusqlite::Result<Option<Outgoing>> {
    // A message that was erased while its call was under way leaves nothing behind.
    let Some(Conversation { channel, account, .. }) = conversation_of(connection, number).optional()? else {
        return Ok(None);
    };
    let is_news = match outcome {
        Outcome::Sent(sent) => {
            if let Some(Addressee { person, names }) = &sent.addressee {
                learn_addressee(connection, (&channel, &account), (person, names), now_ms)?;
            }
            let is_sent = set_sent(connection, (number, n), Some(&sent.platform_id), now_ms)?;
            keep_common_id(connection, (number, n), sent.common_id.as_deref())?;
            if let Some(billing) = &sent.billing {
                connection
                    .prepare_cached("UPDATE outgoing_parts SET billing = ?3 WHERE message = ?1 AND n = ?2")?
                    .execute(params![number, n, billing.to_string()])?;
            }
            let is_billed = take_details(connection, number, n)?;
            cover_by_receipts(connection, number, n)? || is_sent || is_billed
        }
        // Nothing that is told: the message waits as before.
        Outcome::Again(at) => call_again(connection, (number, n), *at, 0)?,
        Outcome::GeneralError(at) => call_again(connection, (number, n), Some(*at), 1)?,
        Outcome::Failed(reason, code) => {
            let failed = connection
                .prepare_cached(
                    "UPDATE outgoing_parts SET state = 'failed', reason = ?3, code = ?4, called_at = NULL
                     WHERE message = ?1 AND n = ?2 AND state IN ('accepted', 'unknown')",
                )?
                .execute(params![number, n, reason.as_str(), code])?;
            fail_rest(connection, number, Reason::Stopped)?;
            failed == 1
        }
        Outcome::Unknown => {
            let call = connection
                .prepare_cached(&format!("{CALLS} AND p.message = ?1 AND p.n = ?2"))?
                .query_row([number, n], Call::of_row)
                .optional()?;
            let unknown = connection
                .prepare_cached(
                    "UPDATE outgoing_parts SET state = 'unknown', unknown_at = ?3, called_at = NULL, looks = 0
                     WHERE message = ?1 AND n = ?2 AND state = 'accepted'",
                )?
                .execute(params![number, n, now_ms])?;
            if let Some(Call { place, of, at }) = call.filter(|_| unknown == 1) {
                prove_by_kept_receipt(connection, &of, place, at)?;
            }
            unknown == 1
        }
    };
    if is_news {
        return tell(connection, number, now_ms);
    }
    let message = rows::find(connection, number)?;
    // No call is under way any more whose answer could say that an echo is ours.
    if let Some(message) = &message {
        release_doubtful(connection, &message.conversation)?;
    }
    Ok(message)
}

/// The part waits for another call. Gives that there is nothing to tell.
fn call_again(
    connection: &Connection,
    (number, n): (i64, i64),
    at: Option<i64>,
    general_errors: i64,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "UPDATE outgoing_parts SET called_at = NULL, general_errors = general_errors + ?3
             WHERE message = ?1 AND n = ?2 AND state = 'accepted'",
        )?
        .execute([number, n, general_errors])?;
    connection
        .prepare_cached("UPDATE outgoing SET next_try_at = ?2 WHERE number = ?1")?
        .execute(params![number, at])?;
    Ok(false)
}

fn end_look(
    connection: &Connection,
    (number, n): (i64, i64),
    looked: &Looked,
    now_ms: i64,
) -> rusqlite::Result<Option<Outgoing>> {
    match looked {
        // Another part of the same words was found first: this one is still to be looked for.
        Looked::Found(sent, _)
            if is_anothers(connection, (number, n), &sent.platform_id, sent.common_id.as_deref())? =>
        {
            return rows::find(connection, number);
        }
        Looked::Found(sent, at) => {
            set_sent(connection, (number, n), Some(&sent.platform_id), at.unwrap_or(now_ms))?;
            keep_common_id(connection, (number, n), sent.common_id.as_deref())?;
            take_details(connection, number, n)?;
            cover_by_receipts(connection, number, n)?;
        }
        Looked::Absent { is_proof: true } => {
            connection
                .prepare_cached(
                    "UPDATE outgoing_parts SET state = 'accepted', unknown_at = NULL, called_at = NULL, looks = 0
                     WHERE message = ?1 AND n = ?2 AND state = 'unknown'",
                )?
                .execute([number, n])?;
        }
        Looked::Absent { is_proof: false } => {
            connection
                .prepare_cached(
                    "UPDATE outgoing_parts SET looks = looks + 1 WHERE message = ?1 AND n = ?2 AND state = 'unknown'",
                )?
                .execute([number, n])?;
            return rows::find(connection, number);
        }
        Looked::GivenUp => {
            connection
                .prepare_cached(
                    "UPDATE outgoing_parts SET state = 'failed', reason = 'unresolved'
                     WHERE message = ?1 AND n = ?2 AND state = 'unknown'",
                )?
                .execute([number, n])?;
            fail_rest(connection, number, Reason::Stopped)?;
        }
    }
    tell(connection, number, now_ms)
}
