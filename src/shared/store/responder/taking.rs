//! What the built-in responder takes out of the feed: messages, the end of a takeover while somebody waits, messages that are
//! the newest ones again because what came after them was taken back, and its own answers that failed.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;

use super::{ANSWER_KEYS, FailedAnswer};
use crate::shared::channel::dialogue::Reason;
use crate::shared::journal::{Journal, JournalError};
use crate::shared::store::feed::item::ItemKind;
use crate::shared::store::{PartState, Takeover};

use crate::shared::store::outgoing::rows::key_of_event;

/// How many items of a merchant's feed are looked at in one step.
const STEP: i64 = 500;

impl Journal {
    /// Takes what is new in the feeds of all merchants who let the responder answer, and moves its places with that. Gives
    /// whether there may be more.
    ///
    /// # Errors
    /// When the journal cannot be used: then nothing was taken.
    pub async fn take_for_responder(&self) -> Result<bool, JournalError> {
        let news = self.read(list_news).await?;
        if news.is_empty() {
            return Ok(false);
        }
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let mut has_more = false;
            for (merchant, after, newest) in &news {
                let until = (*newest).min(after.saturating_add(STEP));
                has_more |= until < *newest;
                take(connection, merchant, (*after, until), now_ms)?;
            }
            Ok(has_more)
        })
        .await
    }
}

/// Merchants whose feed has grown: after which number, and how far it goes. What the feed does not keep any more is too old
/// to be answered.
fn list_news(connection: &Connection) -> rusqlite::Result<Vec<(String, i64, i64)>> {
    connection
        .prepare_cached(
            "SELECT merchant, min(max(place.n, ends.oldest - 1), ends.newest), ends.newest
             FROM responder_places AS place JOIN feed_ends AS ends USING (merchant)
             WHERE place.n <> ends.newest
               AND EXISTS (SELECT 1 FROM responder_accounts AS one WHERE one.merchant = place.merchant)",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// An item of the feed that may be the responder's matter.
struct Candidate {
    n: i64,
    kind: ItemKind,
    of: [String; 3],
    content: Option<String>,
    /// What the feed told up to this number is not answered: it came before the account was switched on.
    after: i64,
}

fn take(connection: &Connection, merchant: &str, (after, until): (i64, i64), now_ms: i64) -> rusqlite::Result<()> {
    for candidate in list_candidates(connection, merchant, (after, until))? {
        let Some((asked, failed)) = what_is_asked(connection, merchant, &candidate)? else { continue };
        let [channel, account, person] = &candidate.of;
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO responder_turns (merchant, n, channel, account, conversation, due_at, asked,
                                                        failed, may_have_left, answers)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                merchant,
                candidate.n,
                channel,
                account,
                person,
                now_ms,
                asked,
                failed.map(|failed| failed.reason.as_str()),
                failed.is_some_and(|failed| failed.may_have_left),
                failed.map_or(0, |failed| failed.answers)
            ])?;
    }
    connection
        .prepare_cached("UPDATE responder_places SET n = ?2 WHERE merchant = ?1")?
        .execute(params![merchant, until])
        .map(drop)
}

fn list_candidates(
    connection: &Connection,
    merchant: &str,
    (after, until): (i64, i64),
) -> rusqlite::Result<Vec<Candidate>> {
    connection
        .prepare_cached(
            "SELECT item.n, item.type, item.channel, item.account, item.conversation, item.content,
                    one.after_n
             FROM feed AS item JOIN responder_accounts AS one
               ON one.channel = item.channel AND one.account = item.account AND one.merchant = item.merchant
             WHERE item.merchant = ?1 AND item.n > ?2 AND item.n <= ?3 AND item.n > one.after_n
               AND item.conversation IS NOT NULL
               AND (item.type = 'message'
                    OR (item.type IN ('takeover', 'activity') AND json_extract(item.content, '$.unanswered') IS NOT NULL)
                    OR (item.type = 'status' AND json_extract(item.content, '$.state') = 'failed'))
             ORDER BY item.n",
        )?
        .query_map(params![merchant, after, until], |row| {
            Ok(Candidate {
                n: row.get(0)?,
                kind: ItemKind::from_word(row.get_ref(1)?.as_str()?).unwrap_or(ItemKind::Erased),
                of: [row.get(2)?, row.get(3)?, row.get(4)?],
                content: row.get(5)?,
                after: row.get(6)?,
            })
        })?
        .collect()
}

/// The number of what is to be answered, and the answer to it that failed. `None`: nothing.
fn what_is_asked(
    connection: &Connection,
    merchant: &str,
    candidate: &Candidate,
) -> rusqlite::Result<Option<(i64, Option<FailedAnswer>)>> {
    let content = candidate.content.as_deref().unwrap_or_default();
    match candidate.kind {
        ItemKind::Message => Ok(Some((candidate.n, None))),
        ItemKind::Takeover => {
            let Some(id) = serde_json::from_str::<Takeover>(content).ok().and_then(|told| told.unanswered) else {
                return Ok(None);
            };
            let message = find_item(connection, merchant, &id)?;
            Ok(message.filter(|n| *n > candidate.after).map(|_| (candidate.n, None)))
        }
        // What came after a message was taken back: that one is asked again.
        ItemKind::Activity => {
            let Ok(Again { unanswered }) = serde_json::from_str(content) else { return Ok(None) };
            let message = find_item(connection, merchant, &unanswered)?;
            Ok(message.filter(|n| *n > candidate.after).map(|n| (n, None)))
        }
        ItemKind::Status => {
            let Ok(status) = serde_json::from_str(content) else { return Ok(None) };
            let failed = find_failed(connection, merchant, &status)?;
            Ok(failed.filter(|(n, _)| *n > candidate.after).map(|(asked, failed)| (asked, Some(failed))))
        }
        _ => Ok(None),
    }
}

/// The number of an event in a merchant's feed.
fn find_item(connection: &Connection, merchant: &str, id: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT n FROM feed WHERE merchant = ?1 AND id = ?2")?
        .query_row([merchant, id], |row| row.get(0))
        .optional()
}

/// What an item says of a message that waits again.
#[derive(Deserialize)]
struct Again {
    unanswered: String,
}

/// A message as a status item shows it.
#[derive(Deserialize)]
struct Status {
    id: String,
    answers: Option<String>,
    failure: Option<Failure>,
    #[serde(default)]
    parts: Vec<StatusPart>,
}

#[derive(Deserialize)]
struct Failure {
    reason: String,
}

#[derive(Deserialize)]
struct StatusPart {
    state: String,
}

/// The number of the message to which an answer of the responder failed, and how.
fn find_failed(
    connection: &Connection,
    merchant: &str,
    status: &Status,
) -> rusqlite::Result<Option<(i64, FailedAnswer)>> {
    let reason = status.failure.as_ref().and_then(|failure| Reason::from_word(&failure.reason));
    let (Some(reason), Some(event)) = (reason, &status.answers) else { return Ok(None) };
    let Some(key) = key_of_event(event) else { return Ok(None) };
    let is_ours = connection
        .prepare_cached(
            "SELECT 1 FROM outgoing AS o JOIN idempotency_keys AS k ON k.message = o.number
             WHERE o.id = ?2 AND o.merchant = ?1 AND k.key GLOB ?3",
        )?
        .exists([merchant, &status.id, ANSWER_KEYS])?;
    let Some(asked) = find_item(connection, merchant, event)?.filter(|_| is_ours) else { return Ok(None) };
    let answers: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM outgoing AS o JOIN outgoing AS same USING (channel, account, conversation)
                                                JOIN idempotency_keys AS k ON k.message = same.number
             WHERE o.id = ?1 AND same.answers = ?2 AND k.key GLOB ?3",
        )?
        .query_row(params![status.id, key, ANSWER_KEYS], |row| row.get(0))?;
    let has_left = |part: &StatusPart| {
        matches!(
            PartState::of(&part.state),
            PartState::Unknown | PartState::Sent | PartState::Delivered | PartState::Read
        )
    };
    let may_have_left = reason == Reason::Unresolved || status.parts.iter().any(has_left);
    Ok(Some((asked, FailedAnswer { reason, may_have_left, answers })))
}
