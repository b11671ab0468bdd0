//! Silences bots on request, and lets them answer again.

use std::time::Duration;

use serde_json::{Value, json};

use super::handle::Answering;
use super::times::rfc3339;
use crate::shared::channel::dialogue::{HandOver, Recipient};
use crate::shared::journal::Conversation;
use crate::shared::languages::Sentence;
use crate::shared::store::responder::{ResponderTurn, Settled};
use crate::shared::store::{Connection, Pause, PausedBy, handover_alert};

/// What is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedPause {
    /// For how long; `None`: until somebody resumes.
    pub minutes: Option<u32>,
    /// Whether the thread is passed to the platform's own inbox.
    pub is_handed_over: bool,
    /// A note for whoever reads the feed.
    pub note: Option<Sentence>,
    /// What is told of a hand-over.
    pub told: Told,
}

/// What the alert of a hand-over tells. A note may quote people, and is in no alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Told {
    /// That a bot wants it; its note says why.
    #[default]
    ByBot,
    /// That the model of the built-in responder wants it; the note holds its words.
    ByModel,
    /// Why, in our own words, which quote nobody.
    Because(Sentence),
    /// Nothing: an alert of its own tells why conversations are handed over.
    Nothing,
}

impl Told {
    /// The alert's sentence; `None`: there is none.
    fn sentence(&self, conversation: &Conversation) -> Option<String> {
        let why = match self {
            Self::ByBot => "A bot has handed it over; its note on the conversation's page says why.".to_owned(),
            Self::ByModel => "The model wants a human to answer; the conversation's page says why.".to_owned(),
            Self::Because(why) => why.to_string(),
            Self::Nothing => return None,
        };
        let Conversation { channel, account, .. } = conversation;
        Some(format!(
            "A conversation of {channel} {account} waits for a human. {why} It stands on its merchant's page /conversations; \
             resume it there when it is done."
        ))
    }
}

impl Answering {
    /// Silences bots in a conversation.
    ///
    /// # Errors
    /// When the journal cannot be written. A platform that does not pass the thread on leaves the pause as it is.
    pub async fn pause(
        &self,
        connection: &Connection,
        conversation: &Conversation,
        wanted: WantedPause,
    ) -> anyhow::Result<()> {
        let (merchant, whose, pause) = (connection.merchant, conversation.clone(), self.pause_of(&wanted));
        let begins = self.shared.journal.pause_conversation(merchant, whose, pause).await?;
        self.tell_pause(conversation, &wanted, begins).await;
        Ok(())
    }

    /// Silences bots in the conversation of a turn of the built-in responder and settles the turn, at once. Gives whether
    /// that was done: it is not, if the turn is not to be answered any more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn pause_for_turn(
        &self,
        turn: &ResponderTurn,
        wanted: WantedPause,
        settled: Settled,
    ) -> anyhow::Result<bool> {
        let pause = self.pause_of(&wanted);
        let Some(begins) = self.shared.journal.hand_turn_over(turn, pause, settled).await? else { return Ok(false) };
        self.tell_pause(&turn.conversation, &wanted, begins).await;
        Ok(true)
    }

    fn pause_of(&self, wanted: &WantedPause) -> Pause {
        let until = wanted.minutes.map(|minutes| {
            let pause = Duration::from_secs(u64::from(minutes) * 60);
            self.shared.clock.now_ms().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
        });
        let note = wanted.note.clone();
        Pause { note, is_handed_over: wanted.is_handed_over, ..Pause::by(PausedBy::Api, until) }
    }

    async fn tell_pause(&self, conversation: &Conversation, wanted: &WantedPause, begins: bool) {
        let Self { shared, .. } = self;
        if begins {
            shared.metrics.count_takeover(&conversation.channel, "api");
        }
        if wanted.is_handed_over {
            if let Some(sentence) = wanted.told.sentence(conversation) {
                shared.alerts.raise(handover_alert(conversation), &sentence);
            }
            self.hand_over(conversation, HandOver::ToInbox).await;
        }
    }

    /// Lets bots answer again in a conversation, and takes the thread back where that is allowed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn resume(&self, connection: &Connection, conversation: &Conversation) -> anyhow::Result<()> {
        let Self { shared, .. } = self;
        let ended = shared.journal.resume_conversation(connection.merchant, conversation.clone()).await?;
        shared.alerts.heal(handover_alert(conversation));
        if ended.is_some_and(|pause| pause.is_handed_over) {
            self.hand_over(conversation, HandOver::Back).await;
        }
        Ok(())
    }

    /// Says again which conversations wait for a human: of a process before this one that may be forgotten, and with it why.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn tell_handovers(&self) -> anyhow::Result<()> {
        let journal = &self.shared.journal;
        for conversation in journal.list_handed_over().await? {
            // Of an account that was disconnected nobody waits for an answer.
            let is_connected = journal.is_connected(&conversation.channel, &conversation.account);
            if let Some(sentence) = FORGOTTEN.sentence(&conversation).filter(|_| is_connected) {
                self.shared.alerts.remind(handover_alert(&conversation), &sentence);
            }
        }
        Ok(())
    }

    async fn hand_over(&self, conversation: &Conversation, way: HandOver) {
        let Some(dialogue) = self.dialogue(&conversation.channel) else { return };
        let to = Recipient { account: &conversation.account, person: &conversation.person };
        if let Err(error) = dialogue.hand_over(to, way).await {
            let (channel, account) = (&conversation.channel, &conversation.account);
            tracing::warn!(%error, channel, account, ?way, "the platform did not pass a thread on; the pause stays as it is");
        }
    }
}

/// A pause as the API shows it.
#[must_use]
pub fn pause_json(pause: Option<&Pause>) -> Value {
    match pause {
        Some(pause) => {
            json!({ "by": pause.by.as_str(), "until": pause.until.map(rfc3339), "note": pause.note })
        }
        None => Value::Null,
    }
}

/// What is told of a hand-over when nothing more is known: its note holds the rest.
const FORGOTTEN: Told = Told::ByBot;
