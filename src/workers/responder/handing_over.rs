//! When a human is called, and why.

use std::borrow::Cow;

use super::AnsweringWorker;
use super::question::{Next, Question};
use crate::answering::pauses::{Told, WantedPause};
use crate::answering::responder::{Because, OVER_BUDGET};
use crate::answering::state::Why;
use crate::shared::channel::dialogue::Reason;
use crate::shared::store::responder::{FailedAnswer, ResponderOutcome, ResponderTurn, Settled, Tokens};

/// For how long bots are silent after a hand-over, in minutes.
const MINUTES: u32 = 60;

/// How many answers to one message may fail before a human is called.
const MOST_ANSWERS: i64 = 3;

/// What a merchant reads.
pub(super) const UNKNOWN_KIND: &str = "The customer sent something that the bot cannot read.";
pub(super) const MODEL_REFUSES: &str = "The model refuses to be asked.";
pub(super) const MODEL_SILENT: &str = "The model did not answer in time.";
pub(super) const ACCOUNT_SILENT: &str = "The account could not send in time.";
pub(super) const NOT_SENDABLE: &str = "The model's answer cannot be sent on this channel.";
pub(super) const STILL_WAITS: &str = "Nobody has answered since the bot handed this over.";
const TOO_LATE: &str = "The platform's time for answers ended before the bot could answer.";
const NOT_SENT: &str = "The bot's answer could not be sent.";
const NOT_TAKEN: &str = "The platform did not take the bot's answer.";
const MAYBE_SENT: &str = "Nobody knows whether the bot's answer reached the customer.";
const BROKEN: &str = "The bot could not work on this message.";

/// What follows from an answer that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFailure {
    /// The model is asked again.
    AskAgain,
    /// A human is to answer, for this reason.
    CallHuman(&'static str),
    /// Nothing: somebody wanted it so, or nobody can write to this person.
    Nothing(&'static str),
}

impl AfterFailure {
    /// What follows. An answer of which something may have arrived is not given again: a human looks.
    pub fn of(failed: FailedAnswer) -> Self {
        match failed.reason {
            Reason::Paused | Reason::TakenBack => Self::Nothing("paused"),
            Reason::NotOwner => Self::Nothing("not_owner"),
            Reason::CannotReceive => Self::Nothing("cannot_receive"),
            Reason::WindowClosed => Self::CallHuman(TOO_LATE),
            Reason::Unresolved => Self::CallHuman(MAYBE_SENT),
            Reason::Expired | Reason::AccountUnavailable | Reason::Rate | Reason::Stopped => {
                if failed.may_have_left {
                    Self::CallHuman(MAYBE_SENT)
                } else if failed.answers >= MOST_ANSWERS {
                    Self::CallHuman(NOT_SENT)
                } else {
                    Self::AskAgain
                }
            }
            Reason::Refused | Reason::MediaUnusable | Reason::TemplateUnusable => Self::CallHuman(NOT_TAKEN),
        }
    }
}

/// A hand-over that is wanted.
#[derive(Debug, Default)]
pub(super) struct HandOver {
    /// Why, a sentence for the merchant: our own, or the model's.
    pub why: Cow<'static, str>,
    /// Who wants it.
    pub because: Because,
    /// For how long bots are silent, in minutes; `None`: until somebody resumes.
    pub minutes: Option<u32>,
    /// The message that went before it.
    pub message: Option<String>,
    /// What the question cost.
    pub tokens: Tokens,
    /// Whether it says nothing about the message: later the model may be asked about it all the same.
    pub is_for_now: bool,
}

impl HandOver {
    /// For this reason, and for as long as usual.
    pub fn because(why: impl Into<Cow<'static, str>>) -> Self {
        Self { why: why.into(), minutes: Some(MINUTES), ..Self::default() }
    }

    /// This one wants it.
    pub fn wanted_by(self, because: Because) -> Self {
        Self { because, ..self }
    }

    /// The question has cost this.
    pub fn costing(self, tokens: Tokens) -> Self {
        Self { tokens, ..self }
    }

    /// It says nothing about the message.
    pub fn for_now(self) -> Self {
        Self { is_for_now: true, ..self }
    }

    /// Until somebody resumes.
    pub fn until_resumed(self) -> Self {
        Self { minutes: None, ..self }
    }

    /// This message went before it.
    pub fn after(self, message: String) -> Self {
        Self { message: Some(message), ..self }
    }
}

impl AnsweringWorker {
    /// Calls a human, unless somebody else answers by now. Nothing is done if the account was switched off meanwhile.
    pub(super) async fn hand_over(
        &self,
        turn: &ResponderTurn,
        question: &Question,
        wanted: HandOver,
    ) -> anyhow::Result<Next> {
        // Somebody may have answered, or silenced bots, while the model thought.
        let now = self.read_standing(turn).await?;
        match now.map(|now| now.why_not_otherwise) {
            None => return Ok(Next::dropped("the message is not there any more", wanted.tokens)),
            Some(None | Some(Why::WindowClosed)) => {}
            // What went out is our own sentence before the hand-over; a person's answer would silence bots.
            Some(Some(Why::Answered)) if wanted.message.is_some() => {}
            Some(Some(why)) => return Ok(Next::dropped(why.as_str(), wanted.tokens)),
        }
        let event = question.id.clone().filter(|_| !wanted.is_for_now);
        self.hand_over_at_once(turn, event, wanted).await
    }

    /// Working on an event fails again and again, so that not even its conversation can be looked at: a human is called.
    pub(super) async fn give_up(&self, turn: &ResponderTurn) -> anyhow::Result<Next> {
        self.hand_over_at_once(turn, None, HandOver::because(BROKEN)).await
    }

    async fn hand_over_at_once(
        &self,
        turn: &ResponderTurn,
        event: Option<String>,
        wanted: HandOver,
    ) -> anyhow::Result<Next> {
        let HandOver { why, because, minutes, message, tokens, .. } = wanted;
        let note = Some(why.chars().take(200).collect());
        let told = match because {
            // What a model says may quote a person.
            Because::Model => Told::ByModel,
            Because::Objection | Because::Trouble if why == OVER_BUDGET => Told::Nothing,
            Because::Objection | Because::Trouble => Told::Because(why.to_string()),
        };
        let pause = WantedPause { minutes, is_handed_over: true, note, told };
        let why = Some(why.into_owned());
        let settled = Settled { outcome: ResponderOutcome::HandedOver, why, message, event, tokens };
        Ok(match self.answering().pause_for_turn(turn, pause, settled).await? {
            true => Next::Settled(ResponderOutcome::HandedOver),
            false => Next::Gone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_failed_is_given_again_or_a_human_is_called() {
        let failed = |reason, answers| FailedAnswer { reason, may_have_left: false, answers };
        assert_eq!(AfterFailure::of(failed(Reason::Expired, 1)), AfterFailure::AskAgain);
        assert_eq!(AfterFailure::of(failed(Reason::AccountUnavailable, 2)), AfterFailure::AskAgain);
        assert_eq!(AfterFailure::of(failed(Reason::Expired, 3)), AfterFailure::CallHuman(NOT_SENT));
        let partly = FailedAnswer { may_have_left: true, ..failed(Reason::Expired, 1) };
        assert_eq!(AfterFailure::of(partly), AfterFailure::CallHuman(MAYBE_SENT));
        assert_eq!(AfterFailure::of(failed(Reason::Refused, 1)), AfterFailure::CallHuman(NOT_TAKEN));
        assert_eq!(AfterFailure::of(failed(Reason::Paused, 1)), AfterFailure::Nothing("paused"));
    }
}
