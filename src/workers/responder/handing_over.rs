//! When a human is called, and why.

use super::AnsweringWorker;
use super::question::{Next, Question};
use crate::answering::pauses::{Told, WantedPause};
use crate::answering::state::Why;
use crate::shared::channel::dialogue::Reason;
use crate::shared::languages::{Sentence, say};
use crate::shared::store::responder::{FailedAnswer, ResponderOutcome, ResponderTurn, Settled, Tokens};

/// For how long bots are silent after a hand-over, in minutes.
const MINUTES: u32 = 60;

/// How many answers to one message may fail before a human is called.
const MOST_ANSWERS: i64 = 3;

/// What follows from an answer that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AfterFailure {
    /// The model is asked again.
    AskAgain,
    /// A human is to answer, for this reason.
    CallHuman(Sentence),
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
            Reason::WindowClosed => Self::CallHuman(say::bot_hand_window()),
            Reason::Unresolved => Self::CallHuman(say::bot_hand_unknown()),
            Reason::Expired | Reason::AccountUnavailable | Reason::Rate | Reason::Stopped => {
                if failed.may_have_left {
                    Self::CallHuman(say::bot_hand_unknown())
                } else if failed.answers >= MOST_ANSWERS {
                    Self::CallHuman(say::bot_hand_not_sent())
                } else {
                    Self::AskAgain
                }
            }
            Reason::Refused | Reason::MediaUnusable | Reason::TemplateUnusable => {
                Self::CallHuman(say::bot_hand_not_taken())
            }
        }
    }
}

/// A hand-over that is wanted.
#[derive(Debug)]
pub(super) struct HandOver {
    /// Why, a sentence for the merchant: our own, or the model's.
    pub why: Sentence,
    /// What the alert tells of it.
    told: Told,
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
    pub fn because(why: Sentence) -> Self {
        // What a model says may quote a person: an alert does not repeat it.
        let told = if why.is_verbatim() { Told::ByModel } else { Told::Because(why.clone()) };
        let (minutes, tokens) = (Some(MINUTES), Tokens::default());
        Self { why, told, minutes, message: None, tokens, is_for_now: false }
    }

    /// The merchant's tokens of today are used up, of which an alert tells once. It says nothing about the message.
    pub fn over_budget() -> Self {
        Self { told: Told::Nothing, ..Self::because(say::bot_hand_over_budget()) }.for_now()
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
        let Some(now) = now else { return Ok(Next::dropped(&say::bot_why_gone().stored(), wanted.tokens)) };
        match now.why_not_otherwise {
            None | Some(Why::WindowClosed) => {}
            // What went out, or may have, is our own: a person's answer would silence bots.
            Some(Why::Answered) if wanted.message.is_some() || now.is_in_doubt => {}
            Some(why) => return Ok(Next::dropped(why.as_str(), wanted.tokens)),
        }
        let event = question.id.clone().filter(|_| !wanted.is_for_now);
        self.hand_over_at_once(turn, event, wanted).await
    }

    /// Working on an event fails again and again, so that not even its conversation can be looked at: a human is called.
    pub(super) async fn give_up(&self, turn: &ResponderTurn) -> anyhow::Result<Next> {
        self.hand_over_at_once(turn, None, HandOver::because(say::bot_hand_fault())).await
    }

    async fn hand_over_at_once(
        &self,
        turn: &ResponderTurn,
        event: Option<String>,
        wanted: HandOver,
    ) -> anyhow::Result<Next> {
        let HandOver { why, told, minutes, message, tokens, .. } = wanted;
        // What a model says may be long.
        let note = match why.is_verbatim() {
            true => why.to_string().chars().take(200).collect::<String>().into(),
            false => why.clone(),
        };
        let pause = WantedPause { minutes, is_handed_over: true, note: Some(note), told };
        let why = Some(why.stored());
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
        assert_eq!(AfterFailure::of(failed(Reason::Expired, 3)), AfterFailure::CallHuman(say::bot_hand_not_sent()));
        let partly = FailedAnswer { may_have_left: true, ..failed(Reason::Expired, 1) };
        assert_eq!(AfterFailure::of(partly), AfterFailure::CallHuman(say::bot_hand_unknown()));
        assert_eq!(AfterFailure::of(failed(Reason::Refused, 1)), AfterFailure::CallHuman(say::bot_hand_not_taken()));
        assert_eq!(AfterFailure::of(failed(Reason::Paused, 1)), AfterFailure::Nothing("paused"));
    }
}
