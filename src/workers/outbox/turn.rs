//! One turn of a message: at most one part of it is called.

use super::Outbox;
use super::queue::Turn;
use super::unknown_codes::Then;
use crate::answering::state::{Against, AtTime};
use crate::shared::channel::dialogue::{
    Dialogue, MediaKind, Part, PartContent, Reason, Recipient, SendError, Unreachable,
};
use crate::shared::journal::{Conversation, JournalError};
use crate::shared::retry::Doubling;
use crate::shared::store::{
    Author, Connection, DueOutgoing, LONGEST_WAIT_MS, Outcome, Outgoing, OutgoingPart, PartState, Standing,
};

/// The pauses before another call of what was certainly not sent.
const PAUSES: Doubling = Doubling::new(std::time::Duration::from_millis(500), std::time::Duration::from_secs(60));

/// How soon it is looked again whether an account can send, or the journal be used, in milliseconds.
const AGAIN_MS: i64 = 1_000;

/// How soon it is looked again at a message of unknown fate whose channel is off, in milliseconds.
const OFF_MS: i64 = 60_000;

/// How soon it is looked again whether the part before was delivered, in milliseconds.
const GLANCE_MS: i64 = 100;

/// How often a part is called that the platform does not take with an error of which nobody knows what it means.
const MOST_GENERAL_ERRORS: i64 = 5;

/// What stands against a call.
enum Obstacle {
    /// The message fails.
    Fails(Reason),
    /// It waits.
    Waits,
}

impl Outbox {
    /// Takes one turn. The journal that cannot be used is a reason to wait: nothing leaves that is not noted.
    pub(super) async fn turn(&self, number: i64, to: &Conversation) -> Turn {
        match self.try_turn(number, to).await {
            Ok(turn) => turn,
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "a message waits, because its state cannot be read or stored"
                );
                Turn::Postponed(self.now_ms() + AGAIN_MS)
            }
        }
    }

    async fn try_turn(&self, number: i64, to: &Conversation) -> anyhow::Result<Turn> {
        let shared = &self.0.answering.shared;
        let found = shared.journal.find_due_outgoing(number).await?;
        let Some(DueOutgoing { message, standing, is_undecided }) = found else { return Ok(Turn::Done) };
        let now_ms = self.now_ms();
        let Some(dialogue) = self.0.answering.dialogue(&to.channel) else {
            return self.turn_of_channel_that_is_off(&message).await;
        };
        if let Some(part) = message.parts.iter().find(|part| part.state == PartState::Unknown) {
            if !self.is_overdue(part) {
                return self.look(&**dialogue, &message, part).await;
            }
            self.look_aside(number, to);
        }
        let Some(part) = message.parts.iter().find(|part| part.state == PartState::Accepted) else {
            return Ok(Turn::Done);
        };
        if message.expires_at <= now_ms {
            return self.fail(&message, why_over(&**dialogue, &message, &standing)).await;
        }
        // A time that nothing is put off to was written while the clock stood far ahead.
        if let Some(at) = message.next_try_at.filter(|at| (now_ms + 1..=now_ms + LONGEST_WAIT_MS).contains(at)) {
            return Ok(Turn::Postponed(at.min(message.expires_at)));
        }
        let paused_until = self.queue().paused_until(&to.channel, &to.account);
        if paused_until > now_ms {
            return self.postpone(&message, paused_until, Some(paused_until)).await;
        }
        // The person may stand under another name by now.
        if let Some(at) = self.until_delivered(&**dialogue, &message.conversation).await? {
            return self.postpone(&message, at, None).await;
        }
        if is_undecided && message.author == Author::Bot {
            return self.postpone(&message, now_ms + AGAIN_MS, None).await;
        }
        let Some(connection) = shared.connections.find(&to.channel, &to.account).await? else {
            return self.fail(&message, Reason::AccountUnavailable).await;
        };
        if connection.merchant.to_string() != message.merchant {
            return self.fail(&message, Reason::AccountUnavailable).await;
        }
        let is_human = match self.obstacle(&message, &connection, &standing) {
            Ok(is_human) => is_human,
            Err(Obstacle::Fails(reason)) => return self.fail(&message, reason).await,
            Err(Obstacle::Waits) => return self.postpone(&message, now_ms + AGAIN_MS, None).await,
        };
        let Some(content) = part.content.clone() else { return self.fail(&message, Reason::TakenBack).await };
        let Some(content) = self.fill_in(&message, content).await? else {
            return self.fail(&message, Reason::Refused).await;
        };
        let words = dialogue.in_words(&content).map(|text| PartContent::Text { text });
        let content = Part { content: words.unwrap_or_else(|| content.content.clone()), is_human, ..content };
        if !shared.journal.begin_call(message.number, part.n, &content).await? {
            return Ok(Turn::Postponed(now_ms + AGAIN_MS));
        }
        Ok(self.call(&**dialogue, &message, part, &content, &connection).await)
    }

    /// Nothing is sent or looked for on a channel that is off, until the next start. What was not called fails when its time is
    /// over.
    async fn turn_of_channel_that_is_off(&self, message: &Outgoing) -> anyhow::Result<Turn> {
        let is_unknown = message.parts.iter().any(|part| part.state == PartState::Unknown);
        let now_ms = self.now_ms();
        match (message.expires_at <= now_ms, is_unknown) {
            (true, false) => self.fail(message, Reason::Expired).await,
            (true, true) => Ok(Turn::Postponed(now_ms + OFF_MS)),
            (false, _) => Ok(Turn::Postponed(message.expires_at)),
        }
    }

    /// The message waits although the time of its next call has come: what is told of that time is the time that is known now,
    /// or nothing.
    async fn postpone(&self, message: &Outgoing, at: i64, told: Option<i64>) -> anyhow::Result<Turn> {
        if message.next_try_at.is_some() {
            self.0.answering.shared.journal.set_next_try(message.number, told).await?;
        }
        Ok(Turn::Postponed(at.min(message.expires_at)))
    }

    /// Until when the next part waits for the one before to be delivered, where the platform may otherwise change their order.
    async fn until_delivered(&self, dialogue: &dyn Dialogue, to: &Conversation) -> Result<Option<i64>, JournalError> {
        let Some(longest) = dialogue.profile().waits_for_delivery else { return Ok(None) };
        let Some(sent_at) = self.0.answering.shared.journal.find_undelivered(to).await? else { return Ok(None) };
        let (now_ms, longest) = (self.now_ms(), i64::try_from(longest.as_millis()).unwrap_or(i64::MAX / 2));
        let until = sent_at.min(now_ms).saturating_add(longest);
        Ok((now_ms < until).then(|| until.min(now_ms + GLANCE_MS)))
    }

    async fn fail(&self, message: &Outgoing, reason: Reason) -> anyhow::Result<Turn> {
        self.0.answering.shared.journal.fail_outgoing(message.number, reason).await?;
        Ok(Turn::Done)
    }

    /// What stands against a call now, though nothing did when the message was accepted; or whether the platform is to be
    /// told that a human writes.
    fn obstacle(&self, message: &Outgoing, connection: &Connection, standing: &Standing) -> Result<bool, Obstacle> {
        // What was accepted waits for its own looks whether the account can send.
        let unblocked = Connection { block: None, ..connection.clone() };
        let now = self.0.answering.now(&unblocked, standing);
        let fails = |reason| Err(Obstacle::Fails(reason));
        match now.may_send(message.author, is_template(message)) {
            Err(Against::AccountUnavailable) => Err(Obstacle::Waits),
            Err(Against::CannotReceive) => fails(Reason::CannotReceive),
            Err(Against::NotOwner) => fails(Reason::NotOwner),
            Err(Against::Paused) => fails(Reason::Paused),
            Err(Against::Public) => fails(Reason::Refused),
            Err(Against::HumanIsOff | Against::WindowClosed) => fails(Reason::WindowClosed),
            Ok(_) if self.is_held(connection) => Err(Obstacle::Waits),
            Ok(is_human) => Ok(is_human),
        }
    }

    /// Fills product cards in as the catalogue is now. `None`: none of the products is there any more.
    async fn fill_in(&self, message: &Outgoing, mut part: Part) -> anyhow::Result<Option<Part>> {
        if let PartContent::Products { shop, ids, cards, .. } = &mut part.content {
            *cards = self.0.answering.products.cards(shop, ids).await?;
            if cards.is_empty() {
                tracing::info!(message = message.id, "none of a message's products is in the catalogue any more");
                return Ok(None);
            }
        }
        Ok(Some(part))
    }

    async fn call(
        &self,
        dialogue: &dyn Dialogue,
        message: &Outgoing,
        part: &OutgoingPart,
        content: &Part,
        connection: &Connection,
    ) -> Turn {
        let of = &message.conversation;
        if let PartContent::Media { media: MediaKind::Audio | MediaKind::Video, .. } = content.content {
            self.queue().charge_heavy(&of.channel, &of.account, dialogue.profile().rate);
        }
        let to = Recipient { account: &of.account, person: &of.person };
        let answer = dialogue.send(to, content, &message.mark(part.n)).await;
        if answer.is_ok() {
            self.was_called(of);
        }
        let outcome = self.outcome_of(answer, (message, part), connection).await;
        // The part stays noted as called until this is stored: whatever happens, it is not called again before that.
        let changed = loop {
            match self.0.answering.shared.journal.end_call(message.number, part.n, outcome.clone()).await {
                Ok(changed) => break changed,
                Err(error) => {
                    tracing::error!(%error, message = message.id, "what came of a message could not be stored; it is tried again");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        };
        // What was erased meanwhile leaves nothing behind.
        let is_there = changed.is_some();
        let went_out = changed
            .as_ref()
            .and_then(|now| now.parts.iter().find(|one| one.n == part.n))
            .is_some_and(|now| matches!(now.state, PartState::Sent | PartState::Delivered | PartState::Read));
        match &outcome {
            Outcome::Sent(sent) if went_out => self.file_copy(dialogue, to, content, sent).await,
            Outcome::Failed(Reason::CannotReceive, Some(code)) if is_there => {
                if let Some(unreachable) = dialogue.unreachable_after(code) {
                    self.note_unreachable(of, unreachable).await;
                }
            }
            _ => {}
        }
        match outcome {
            Outcome::Sent(_) => match changed.is_some_and(|now| now.parts.iter().any(|part| part.state.is_open())) {
                true => Turn::GoesOn,
                false => Turn::Done,
            },
            Outcome::Again(at) => Turn::Waits(at.unwrap_or(self.now_ms() + AGAIN_MS).min(message.expires_at)),
            Outcome::GeneralError(at) => Turn::Waits(at.min(message.expires_at)),
            Outcome::Failed(..) => Turn::Done,
            Outcome::Unknown => Turn::Waits(self.now_ms() + AGAIN_MS),
        }
    }

    async fn outcome_of(
        &self,
        answer: Result<crate::shared::channel::dialogue::Sent, SendError>,
        (message, part): (&Outgoing, &OutgoingPart),
        connection: &Connection,
    ) -> Outcome {
        let (channel, account) = (connection.channel.as_str(), connection.account.as_str());
        let now_ms = self.now_ms();
        let later = |pause: std::time::Duration| now_ms + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 4);
        match answer {
            Ok(sent) => {
                self.unblock(connection).await;
                Outcome::Sent(sent)
            }
            Err(SendError::NotSent(why)) => {
                tracing::info!(
                    channel,
                    account,
                    message = message.id,
                    why,
                    "a message did not leave; it is sent later"
                );
                Outcome::Again(Some(later(PAUSES.jittered(message.tries))))
            }
            Err(SendError::AtOnce) => Outcome::Again(Some(now_ms)),
            Err(SendError::Broken { code, is_known }) => {
                if !is_known {
                    self.0.unknown_codes.note(&self.0.answering.shared, channel, &code, Then::TriedAgain);
                }
                tracing::info!(
                    channel,
                    account,
                    message = message.id,
                    code,
                    "the platform failed; a message is sent later"
                );
                Outcome::Again(Some(later(PAUSES.jittered(message.tries))))
            }
            Err(SendError::General { code }) => self.after_general_error(channel, (message, part), code),
            Err(SendError::Later { retry_after, only_person }) => {
                if !only_person {
                    self.pause(channel, account, later(retry_after)).await;
                }
                Outcome::Again(Some(later(retry_after)))
            }
            Err(SendError::Refused { code, reason, is_known }) => {
                if !is_known {
                    self.0.unknown_codes.note(&self.0.answering.shared, channel, &code, Then::Failed);
                }
                tracing::info!(
                    channel,
                    account,
                    message = message.id,
                    code,
                    reason = reason.as_str(),
                    "a message was refused"
                );
                Outcome::Failed(reason, Some(code).filter(|code| !code.is_empty()))
            }
            Err(SendError::Account(fault)) => {
                self.block(connection, fault, now_ms).await;
                Outcome::Again(None)
            }
            Err(SendError::Unknown(why)) => {
                tracing::warn!(channel, account, message = message.id, why, "nobody knows whether a message was sent");
                Outcome::Unknown
            }
        }
    }

    /// What comes of an error that the platform's list does not know, and that says nothing of its cause.
    fn after_general_error(&self, channel: &str, (message, part): (&Outgoing, &OutgoingPart), code: String) -> Outcome {
        self.0.unknown_codes.note(&self.0.answering.shared, channel, &code, Then::TriedAFewTimes);
        let errors = part.general_errors + 1;
        tracing::info!(channel, message = message.id, code, errors, "the platform failed, and not why");
        if errors >= MOST_GENERAL_ERRORS {
            return Outcome::Failed(Reason::Refused, Some(code));
        }
        let pause = i64::try_from(PAUSES.jittered(errors).as_millis()).unwrap_or(i64::MAX / 4);
        Outcome::GeneralError(self.now_ms() + pause)
    }

    async fn note_unreachable(&self, of: &Conversation, unreachable: Unreachable) {
        if let Err(error) = self.0.answering.shared.journal.set_unreachable(of, unreachable).await {
            tracing::warn!(%error, "that a person cannot be written to could not be stored; the platform says it again");
        }
    }
}

/// Why a message that still waits is not sent any more: the platform's window ended at that time, or its own life did.
fn why_over(dialogue: &dyn Dialogue, message: &Outgoing, standing: &Standing) -> Reason {
    let (profile, now_ms) = (Some(dialogue.profile()), message.expires_at);
    let then = AtTime { standing, profile, is_available: true, now_ms };
    let ends_at = then.ends_at(message.author, is_template(message));
    if ends_at.is_some_and(|at| at <= now_ms) { Reason::WindowClosed } else { Reason::Expired }
}

fn is_template(message: &Outgoing) -> bool {
    message.parts.iter().any(|part| matches!(&part.content, Some(Part { content: PartContent::Template { .. }, .. })))
}
