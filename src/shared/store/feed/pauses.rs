//! Silences bots in a conversation, and ends that.

use rusqlite::Connection;

use super::takeover::{TakeoverState, Told};
use crate::shared::channel::dialogue::Reason;
use crate::shared::journal::{Conversation, DedupeKey, Journal, JournalError};
use crate::shared::secrets::signature::to_hex;
use crate::shared::store::conversation_states::{
    ConversationState, Pause, PausedBy, list_handed_over, load_state, save_state,
};
use crate::shared::store::outgoing::reports::fail_waiting;
use crate::shared::telemetry::alerts::Cause;

/// The cause of the alert that a conversation waits for a human. It tells no person's id.
#[must_use]
pub fn handover_alert(conversation: &Conversation) -> Cause {
    let Conversation { channel, account, person } = conversation;
    let key = DedupeKey::new(channel, account, &[b"handover", person.as_bytes()]);
    Cause::within_account(channel, account, "handover", &to_hex(key.as_bytes())[..12])
}

impl Journal {
    /// The conversations that wait for a human, because a bot handed them over.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_handed_over(&self) -> Result<Vec<Conversation>, JournalError> {
        let now_ms = self.clock().now_ms();
        self.read(move |connection| list_handed_over(connection, now_ms)).await
    }

    /// Silences bots in a conversation on request. Whoever has silenced them for longer by answering stays the one who does.
    /// Gives back whether a pause begins now: they were not silenced, or by somebody else.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn pause_conversation(
        &self,
        merchant: uuid::Uuid,
        conversation: Conversation,
        pause: Pause,
    ) -> Result<bool, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| begin_pause(connection, &merchant.to_string(), &conversation, pause, now_ms)).await
    }

    /// Lets bots answer again. Gives back the pause that was ended.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn resume_conversation(
        &self,
        merchant: uuid::Uuid,
        conversation: Conversation,
    ) -> Result<Option<Pause>, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let mut state = load_state(connection, &conversation)?;
            let merchant = merchant.to_string();
            let told = Told { merchant: &merchant, conversation: &conversation, at: now_ms, now_ms };
            let ended = end_pause(connection, &mut state, Some(&told))?;
            if ended.is_some() {
                save_state(connection, &conversation, &state)?;
            }
            Ok(ended)
        })
        .await
    }
}

/// Silences bots in a conversation, as part of a larger write: what waits to be sent by bots fails, and the merchant's bots
/// are told. A pause by a human or an app changes nothing that lasts longer or was asked for. Gives back whether it
/// begins now.
///
/// # Errors
/// When the database fails.
pub(in crate::shared) fn begin_pause(
    connection: &Connection,
    merchant: &str,
    conversation: &Conversation,
    pause: Pause,
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let mut state = load_state(connection, conversation)?;
    let told = Told { merchant, conversation, at: now_ms, now_ms };
    let begins = begin_pause_in(connection, &mut state, pause, Some(&told), conversation, now_ms)?;
    save_state(connection, conversation, &state)?;
    Ok(begins)
}

/// As [`begin_pause`], in a state that the caller saves. `told`: `None` where nobody is told.
pub(super) fn begin_pause_in(
    connection: &Connection,
    state: &mut ConversationState,
    pause: Pause,
    told: Option<&Told<'_>>,
    conversation: &Conversation,
    now_ms: i64,
) -> rusqlite::Result<bool> {
    if !pause.holds_at(now_ms) {
        return Ok(false);
    }
    let before = state.pause.take().filter(|before| before.holds_at(now_ms));
    let (pause, begins) = match before {
        None => (pause, true),
        Some(before) if pause.by == PausedBy::Api => {
            let is_handed_over = before.is_handed_over || pause.is_handed_over;
            let asked = pause.until.unwrap_or(i64::MAX);
            let (by, until) = match before.until {
                // Whoever has answered keeps bots silent for their own time, however short the one is that is asked for.
                Some(until) if before.by != PausedBy::Api && until > asked => (before.by, Some(until)),
                _ => (pause.by, pause.until),
            };
            (Pause { by, until, is_handed_over, because_of: None, ..pause }, before.by != by)
        }
        // Whoever answers later keeps bots silent for longer.
        Some(before) if before.until.is_some() && pause.until > before.until => {
            let by = if before.by == PausedBy::Api { pause.by } else { before.by.max(pause.by) };
            (Pause { by, until: pause.until, because_of: None, ..before }, false)
        }
        Some(before) => (Pause { by: before.by.max(pause.by), because_of: None, ..before }, false),
    };
    if begins {
        fail_waiting(connection, conversation, Reason::Paused, now_ms)?;
        if let Some(told) = told {
            told.paused(connection, &pause)?;
        }
    }
    state.pause = Some(pause);
    Ok(begins)
}

/// Ends a pause in a state that the caller saves, and gives it back.
pub(super) fn end_pause(
    connection: &Connection,
    state: &mut ConversationState,
    told: Option<&Told<'_>>,
) -> rusqlite::Result<Option<Pause>> {
    let Some(pause) = state.pause.take() else { return Ok(None) };
    if let Some(told) = told {
        told.over(connection, TakeoverState::Resumed, Some(pause.by), state)?;
    }
    Ok(Some(pause))
}
