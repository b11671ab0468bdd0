//! A message of the person that is taken behind what the platform's inbox answered to it by itself: until it came, that passed for a
//! human's answer.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::item::{By, ItemKind, is_automatic};
use super::numbering::event_id;
use super::pauses::end_pause;
use super::takeover::Told;
use crate::shared::store::conversation_states::ConversationState;

/// The person said something at this time. If the newest thing that went out answers it by itself, that is an answer no more, and the
/// pause that it alone began ends; what others or the same one have added to that pause since lets it stand. Gives whether one ended.
/// What was said is not in the state yet. `told`: `None` where nobody is told.
pub(super) fn correct_automatic(
    connection: &Connection,
    state: &mut ConversationState,
    (said_at, within): (i64, Duration),
    told: Option<&Told<'_>>,
) -> rusqlite::Result<bool> {
    let (Some(out), Some(sent)) = (state.out, state.in_inbox) else { return Ok(false) };
    if !is_automatic(said_at, out.occurred_at, within) {
        return Ok(false);
    }
    let is_alone = state.pause.as_ref().is_some_and(|pause| pause.because_of == Some(out.seq));
    if is_alone {
        // As long as it counts as an answer, so that nobody is told twice of what comes now.
        end_pause(connection, state, told)?;
    }
    (state.out, state.in_inbox) = (sent.before, None);
    if let Some(told) = told {
        tell_sender(connection, told.merchant, out.seq, By::Automation)?;
    }
    Ok(is_alone)
}

/// Whoever reads the item of this event from now on is told of this sender.
fn tell_sender(connection: &Connection, merchant: &str, seq: i64, by: By) -> rusqlite::Result<()> {
    let key: Option<Vec<u8>> = connection
        .prepare_cached("SELECT dedupe FROM events WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))
        .optional()?;
    let Some(key) = key else { return Ok(()) };
    connection
        .prepare_cached("UPDATE feed SET content = ?3 WHERE merchant = ?1 AND id = ?2 AND type = ?4")?
        .execute(params![merchant, event_id(&key), json!({ "by": by.as_str() }).to_string(), ItemKind::Echo.as_str()])
        .map(drop)
}
