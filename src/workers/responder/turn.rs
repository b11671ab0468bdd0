//! What becomes of one event.

use std::time::{Duration, Instant};

use serde_json::json;

use super::handing_over::{AfterFailure, HandOver};
use super::question::{Next, Question};
use super::{AnsweringWorker, milliseconds};
use crate::answering::accept::{Accepted, Refused, Wish};
use crate::answering::content::Content;
use crate::answering::event::{Answerable, EventQuery};
use crate::answering::responder::model::ModelError;
use crate::answering::responder::{Because, PRODUCTS, Payer, Question as ModelQuestion, Verdict};
use crate::answering::state::Why;
use crate::shared::journal::Conversation;
use crate::shared::languages::say;
use crate::shared::retry::Doubling;
use crate::shared::store::responder::{
    PutOff, ResponderAccount, ResponderOutcome, ResponderTurn, Settled, Tokens, answer_key,
};
use crate::shared::store::{Connection, FeedQuery, PartState};
use crate::shared::text_fold::is_blank;

/// How many messages of a conversation the model is shown.
const HISTORY: usize = 20;

/// The pauses before the model is asked again that did not answer.
const PAUSES: Doubling = Doubling::new(Duration::from_secs(2), Duration::from_secs(5 * 60));

/// The pauses before it is looked whether an account can send again.
const ACCOUNT_PAUSES: Doubling = Doubling::new(Duration::from_secs(10), Duration::from_secs(5 * 60));

/// The pauses after a failure of our own, and how many of them there are.
const OWN_PAUSES: Doubling = Doubling::new(Duration::from_secs(1), Duration::from_secs(60));
const MOST_FAILURES: i64 = 8;

/// How soon and how often it is looked whether the sentence before a hand-over has left.
const CALLED_EVERY: Duration = Duration::from_secs(1);
const CALLED_LOOKS: i64 = 10;

/// The pause where too much waits for a person already.
const QUEUE_PAUSE: Duration = Duration::from_secs(10);

/// An event that was taken within this time, in milliseconds, was just written.
const JUST_TAKEN_MS: i64 = 1_000;

/// How often the model's time is counted for one question: its rounds, and one for all that stands between them.
const ROUNDS: u32 = 5;

impl AnsweringWorker {
    /// Does what is to be done with an event now.
    pub(super) async fn take_turn(&self, turn: &ResponderTurn) {
        let begun = Instant::now();
        let done = match self.answer(turn).await {
            Ok(next) => self.bring_about(turn, next, begun).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            let error = format!("{error:#}");
            tracing::warn!(error, failures = turn.failures + 1, "a question could not be answered; it is tried again");
            if let Err(error) = self.after_failure(turn, begun).await {
                // The row stays as it is, and is due again.
                tracing::warn!(error = format!("{error:#}"), "a question could not be put off");
            }
        }
    }

    async fn after_failure(&self, turn: &ResponderTurn, begun: Instant) -> anyhow::Result<()> {
        if turn.failures + 1 >= MOST_FAILURES {
            let next = self.give_up(turn).await?;
            return self.bring_about(turn, next, begun).await;
        }
        let shared = &self.answering().shared;
        let due_at = shared.clock.now_ms() + milliseconds(OWN_PAUSES.jittered(turn.failures));
        Ok(shared.journal.put_turn_off(turn, due_at, PutOff::Failed, Tokens::default()).await?)
    }

    async fn bring_about(&self, turn: &ResponderTurn, next: Next, begun: Instant) -> anyhow::Result<()> {
        let shared = &self.answering().shared;
        let outcome = match next {
            Next::Settle(settled) => {
                let outcome = settled.outcome;
                shared.journal.settle_turn(turn, settled).await?.then_some(outcome)
            }
            Next::Settled(outcome) => Some(outcome),
            Next::Gone => None,
            Next::Later(pause, tokens) => {
                let due_at = shared.clock.now_ms().saturating_add(milliseconds(pause));
                shared.journal.put_turn_off(turn, due_at, PutOff::Waiting, tokens).await?;
                None
            }
        };
        if let Some(outcome) = outcome {
            shared.metrics.bot.count_answer(outcome.as_str(), begun.elapsed());
        }
        Ok(())
    }

    async fn answer(&self, turn: &ResponderTurn) -> anyhow::Result<Next> {
        let free = Tokens::default();
        if !self.answering().shared.journal.is_turn_due(turn).await? {
            // It was listed before somebody else was done with it.
            return Ok(Next::Gone);
        }
        let Conversation { channel, account, .. } = &turn.conversation;
        let Some(connection) = self.answering().find_connection(turn.merchant, channel, account).await? else {
            return Ok(Next::dropped(&say::bot_why_not_connected().stored(), free));
        };
        let Some(question) = self.read(turn).await? else {
            return Ok(Next::dropped(&say::bot_why_gone().stored(), free));
        };
        if let Some(message) = self.answering().shared.journal.find_answer_of(turn).await? {
            // A kill came between the answer and its row, or the sentence before a hand-over is on its way.
            return self.go_on_after(turn, &question, message).await;
        }
        if !self.is_recent_enough(turn, &question).await? {
            return Ok(Next::dropped(&say::bot_why_before().stored(), free));
        }
        let has_waited = turn.tries > 0 || turn.failed.is_some();
        // Only a human can find out whether the person got an answer of which nobody knows whether it was sent.
        let needs_human =
            question.standing.is_in_doubt && (turn.failed.is_some() || self.was_handed_over(turn, &question).await?);
        match (question.standing.why_not, question.standing.why_not_otherwise) {
            (None, _) => {}
            (Some(Why::AccountUnavailable), None) => {
                let pause = ACCOUNT_PAUSES.jittered(turn.tries);
                return self.wait(turn, &question, pause, HandOver::because(say::bot_hand_account_late())).await;
            }
            (_, Some(Why::WindowClosed)) if has_waited => {
                return self.hand_over(turn, &question, HandOver::because(say::bot_hand_late())).await;
            }
            (_, Some(Why::Answered)) if needs_human => {}
            (Some(why), _) => return Ok(Next::dropped(why.as_str(), free)),
        }
        match turn.failed.map(AfterFailure::of) {
            None | Some(AfterFailure::AskAgain) => {}
            Some(AfterFailure::Nothing(why)) => return Ok(Next::dropped(why, free)),
            Some(AfterFailure::CallHuman(why)) => {
                return self.hand_over(turn, &question, HandOver::because(why)).await;
            }
        }
        self.answer_question(turn, &connection, &question).await
    }

    /// Nothing stands against an answer.
    async fn answer_question(
        &self,
        turn: &ResponderTurn,
        connection: &Connection,
        question: &Question,
    ) -> anyhow::Result<Next> {
        let journal = &self.answering().shared.journal;
        if self.was_handed_over(turn, question).await? {
            let again = HandOver::because(say::bot_hand_nobody()).until_resumed();
            return self.hand_over(turn, question, again).await;
        }
        if question.is_unknown {
            let text = self.0.responder.not_understood(&question.event).to_owned();
            let verdict = Verdict::Answer { text, products: Vec::new() };
            return self.send(turn, connection, question, (verdict, Tokens::default())).await;
        }
        let Conversation { channel, account, .. } = &turn.conversation;
        if self.0.outbox.is_full(channel, account) || journal.has_full_queue(&turn.conversation).await? {
            return Ok(Next::Later(QUEUE_PAUSE, Tokens::default()));
        }
        if !self.begin_turn(turn).await? {
            return Ok(Next::Gone);
        }
        if self.0.responder.is_over_budget(turn.merchant).await? {
            return self.hand_over(turn, question, HandOver::over_budget()).await;
        }
        let (event, person) = (&question.event, turn.conversation.person.as_str());
        let asking = ModelQuestion { merchant: turn.merchant, event, person, payer: Payer::Merchant };
        let asked = self.0.responder.ask(&asking).await?;
        match asked.verdict {
            Ok(verdict) => self.send(turn, connection, question, (verdict, asked.tokens)).await,
            Err(ModelError::Later(pause)) => {
                let pause = pause.unwrap_or_else(|| PAUSES.jittered(turn.tries));
                self.wait(turn, question, pause, HandOver::because(say::bot_hand_late()).costing(asked.tokens)).await
            }
            Err(_) => {
                self.hand_over(
                    turn,
                    question,
                    HandOver::because(say::bot_hand_refuses()).for_now().costing(asked.tokens),
                )
                .await
            }
        }
    }

    /// Puts an event off, or calls a human where nobody could answer any more after that.
    async fn wait(
        &self,
        turn: &ResponderTurn,
        question: &Question,
        pause: Duration,
        otherwise: HandOver,
    ) -> anyhow::Result<Next> {
        let then = self.answering().shared.clock.now_ms().saturating_add(milliseconds(pause));
        if then >= question.until() {
            return self.hand_over(turn, question, otherwise).await;
        }
        Ok(Next::Later(pause, otherwise.tokens))
    }

    /// Whether this message was handed over before, and nobody has answered until bots were to answer again.
    async fn was_handed_over(&self, turn: &ResponderTurn, question: &Question) -> anyhow::Result<bool> {
        let Some(id) = &question.id else { return Ok(false) };
        let shared = &self.answering().shared;
        let silence = shared.journal.find_silence_of(&turn.conversation, id).await?;
        // Somebody who resumes earlier wants the bot to answer.
        Ok(silence.is_some_and(|until| until <= shared.clock.now_ms()))
    }

    /// A message was accepted for this event: what is still to be done.
    async fn go_on_after(&self, turn: &ResponderTurn, question: &Question, message: String) -> anyhow::Result<Next> {
        if !question.is_unknown {
            return Ok(answered(question, message, Tokens::default()));
        }
        // A pause fails what waits, and the sentence is to reach the person.
        let sent = self.answering().shared.journal.find_outgoing_of(&turn.merchant.to_string(), &message).await?;
        let waits = sent.is_some_and(|sent| sent.state() == PartState::Accepted);
        if waits && turn.tries < CALLED_LOOKS {
            return Ok(Next::Later(CALLED_EVERY, Tokens::default()));
        }
        self.hand_over(turn, question, HandOver::because(say::bot_hand_cannot_read()).after(message)).await
    }

    /// Whether what is asked came after the bot was switched on.
    async fn is_recent_enough(&self, turn: &ResponderTurn, question: &Question) -> anyhow::Result<bool> {
        let Conversation { channel, account, .. } = &turn.conversation;
        let accounts = self.answering().shared.journal.list_responder_accounts().await?;
        let is_it = |one: &&ResponderAccount| one.account.0 == *channel && one.account.1 == *account;
        let Some(since) = accounts.iter().find(is_it).map(|one| one.since) else { return Ok(false) };
        Ok(question.received_at().is_none_or(|at| at >= since))
    }

    /// Notes that the model is about to be asked, so that a disk that is full costs no tokens. Gives whether the event is
    /// still to be answered.
    async fn begin_turn(&self, turn: &ResponderTurn) -> anyhow::Result<bool> {
        let shared = &self.answering().shared;
        let is_new = turn.tries == 0 && turn.failures == 0;
        if is_new && shared.clock.now_ms().saturating_sub(turn.due_at) < JUST_TAKEN_MS {
            // Its row was written a moment ago: the disk is not full, and nobody waits for another commit.
            return Ok(true);
        }
        let longest = self.0.responder.settings().timeout.saturating_mul(ROUNDS);
        let until = shared.clock.now_ms().saturating_add(milliseconds(longest));
        Ok(shared.journal.begin_turn(turn, until).await?)
    }

    /// What is asked as bots read it now; `None`: it is not there any more.
    async fn read(&self, turn: &ResponderTurn) -> anyhow::Result<Option<Question>> {
        let query = EventQuery { products: PRODUCTS, ..query(turn, HISTORY) };
        let page = self.answering().read_events(query).await?;
        let Some(event) = page.events.into_iter().next().filter(|event| event.n == turn.asked) else {
            return Ok(None);
        };
        if event.id.is_none() {
            return Ok(None);
        }
        Ok(Some(Question::new(serde_json::from_str(&event.json)?, event.answerable)))
    }

    /// Whether a bot may answer it now; `None`: it is not there any more.
    pub(super) async fn read_standing(&self, turn: &ResponderTurn) -> anyhow::Result<Option<Answerable>> {
        let page = self.answering().read_events(query(turn, 0)).await?;
        Ok(page
            .events
            .first()
            .filter(|event| event.n == turn.asked && event.id.is_some())
            .map(|event| event.answerable))
    }

    async fn send(
        &self,
        turn: &ResponderTurn,
        connection: &Connection,
        question: &Question,
        (verdict, tokens): (Verdict, Tokens),
    ) -> anyhow::Result<Next> {
        let (text, products) = match verdict {
            Verdict::Answer { text, products } => (text, products),
            Verdict::HandOver { because: Because::Budget, .. } => {
                return self.hand_over(turn, question, HandOver::over_budget().costing(tokens)).await;
            }
            Verdict::HandOver { why, .. } => {
                return self.hand_over(turn, question, HandOver::because(why).costing(tokens)).await;
            }
        };
        let text = self.with_disclosure(turn, question, text).await?;
        let mut body = json!({ "answers": question.id });
        if !is_blank(&text) {
            body["text"] = text.into();
        }
        if !products.is_empty() {
            body["products"] = json!(products);
        }
        let key = answer_key(turn.n);
        let wish = Wish { connection, person: &turn.conversation.person, key: &key, body: &body };
        let Ok(content) = Content::read(&body) else {
            return self.hand_over(turn, question, HandOver::because(say::bot_hand_channel()).costing(tokens)).await;
        };
        let message = match self.answering().accept_for_turn(&self.0.outbox, &wish, content, turn.n).await {
            Ok(None) => return Ok(Next::Gone),
            Ok(Some(Accepted::Stored(message) | Accepted::Repeated(message, _))) => message.id,
            Err(Refused::KeyReused(id)) => id,
            Err(refused) => return self.refused(turn, question, refused, tokens).await,
        };
        match question.is_unknown {
            true => Ok(Next::Later(CALLED_EVERY, tokens)),
            false => Ok(answered(question, message, tokens)),
        }
    }

    async fn refused(
        &self,
        turn: &ResponderTurn,
        question: &Question,
        refused: Refused,
        tokens: Tokens,
    ) -> anyhow::Result<Next> {
        match refused {
            Refused::Overtaken(_) => Ok(Next::dropped("outdated", tokens)),
            Refused::Paused(..) => Ok(Next::dropped("paused", tokens)),
            Refused::NotOwner => Ok(Next::dropped("not_owner", tokens)),
            Refused::CannotReceive(_) => Ok(Next::dropped("cannot_receive", tokens)),
            Refused::WindowClosed(..) => Ok(Next::dropped(Why::WindowClosed.as_str(), tokens)),
            Refused::Account(_) => {
                let pause = ACCOUNT_PAUSES.jittered(turn.tries);
                self.wait(turn, question, pause, HandOver::because(say::bot_hand_account_late()).costing(tokens)).await
            }
            Refused::QueueFull => Ok(Next::Later(QUEUE_PAUSE, tokens)),
            Refused::Unavailable(error) => Err(error.into()),
            Refused::Internal(error) => Err(error),
            Refused::Invalid(_)
            | Refused::KeyReused(_)
            | Refused::Unsupported(_)
            | Refused::Media(_)
            | Refused::Products(..)
            | Refused::NotPermitted(..) => {
                self.hand_over(turn, question, HandOver::because(say::bot_hand_channel()).costing(tokens)).await
            }
        }
    }

    /// The words, behind the sentence that tells a person at the first answer that a program answers.
    async fn with_disclosure(&self, turn: &ResponderTurn, question: &Question, text: String) -> anyhow::Result<String> {
        let Some(disclosure) = self.0.responder.disclosure(&question.event, &text) else { return Ok(text) };
        if self.answering().shared.journal.has_met_responder(&turn.conversation).await? {
            return Ok(text);
        }
        Ok(format!("{disclosure}\n\n{text}").trim_end().to_owned())
    }
}

/// The item of the feed that is to be answered, with so many messages of its conversation.
fn query(turn: &ResponderTurn, history: usize) -> EventQuery {
    EventQuery {
        feed: FeedQuery { merchant: turn.merchant, after: turn.asked - 1, limit: 1, history, ..FeedQuery::default() },
        without_raw: true,
        ..EventQuery::default()
    }
}

fn answered(question: &Question, message: String, tokens: Tokens) -> Next {
    let (outcome, event, message) = (ResponderOutcome::Answered, question.id.clone(), Some(message));
    Next::Settle(Settled { outcome, why: None, message, event, tokens })
}
