//! Events of the feed → answers of the built-in responder, through the same path as any bot's.
//!
//! An event is a row before the model is asked, and its answer is stored under the event's id: killed at any instant, the
//! next start finds the event answered, or asks again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{LOOK_EVERY, Rest, Worker};
use crate::answering::Answering;
use crate::answering::accept::{Accepted, Refused, Wish};
use crate::answering::content::Content;
use crate::answering::event::EventQuery;
use crate::answering::pauses::WantedPause;
use crate::answering::responder::model::ModelError;
use crate::answering::responder::{Question, Responder, Verdict};
use crate::answering::sending::Sending;
use crate::shared::channel::job::BoxFuture;
use crate::shared::journal::{Account, Conversation};
use crate::shared::retry::Doubling;
use crate::shared::store::responder::{ResponderAccount, ResponderOutcome, ResponderTurn, Settled, Tokens, answer_key};
use crate::shared::store::{Connection, FeedQuery, ItemKind, PartState};

/// How many conversations are answered at once.
const AT_ONCE: usize = 4;

/// How many events are taken in one step.
const BATCH: usize = 50;

/// How many messages of a conversation the model is shown.
const HISTORY: usize = 20;

/// How many products come with a question.
const PRODUCTS: usize = 5;

/// For how long bots are silent after a hand-over, in minutes.
const HANDED_OVER_MINUTES: u32 = 60;

/// The pauses before the model is asked again that did not answer.
const PAUSES: Doubling = Doubling::new(Duration::from_secs(2), Duration::from_secs(5 * 60));

/// How long a hand-over waits for the sentence before it to leave.
const CALLED_WITHIN: Duration = Duration::from_secs(10);

/// What a person reads who sent something that no program understands.
const NOT_UNDERSTOOD: &str = "Thank you! A colleague will look at this and answer you.";

/// What a merchant reads about that.
const UNKNOWN_KIND: &str = "The customer sent something that the bot cannot read.";
const OVER_BUDGET: &str = "The bot has used up its tokens for today.";
const REFUSED: &str = "The model refuses to be asked.";
const NOT_SENDABLE: &str = "The model's answer cannot be sent on this channel.";

/// The consumer. Cheap to clone.
#[derive(Clone)]
pub struct AnsweringWorker(Arc<Inner>);

struct Inner {
    responder: Responder,
    outbox: Arc<dyn Sending>,
    /// People who are being answered.
    busy: Mutex<HashSet<Conversation>>,
    /// Whether what an earlier process began is due again.
    has_taken_up: AtomicBool,
    tasks: TaskTracker,
}

/// What is to be done with an event.
enum Next {
    /// It is settled.
    Settle(Settled),
    /// The model did not answer: again after this pause.
    Later(Duration),
}

impl AnsweringWorker {
    /// Answers through this outbox.
    #[must_use]
    pub fn new(responder: Responder, outbox: Arc<dyn Sending>) -> Self {
        let (busy, has_taken_up, tasks) = (Mutex::default(), AtomicBool::new(false), TaskTracker::new());
        Self(Arc::new(Inner { responder, outbox, busy, has_taken_up, tasks }))
    }

    fn answering(&self) -> &Answering {
        self.0.responder.answering()
    }

    fn busy(&self) -> MutexGuard<'_, HashSet<Conversation>> {
        self.0.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes new events of a merchant. Gives whether there may be more.
    async fn take(&self, merchant: Uuid, accounts: &[ResponderAccount]) -> anyhow::Result<bool> {
        let journal = &self.answering().shared.journal;
        let ends = journal.feed_ends(merchant).await?;
        let place = journal.find_responder_place(merchant).await?.unwrap_or(ends.newest);
        // What the feed does not keep any more is too old to be answered.
        let after = place.clamp(ends.oldest - 1, ends.newest);
        if after == ends.newest && after == place {
            return Ok(false);
        }
        let query = EventQuery {
            feed: FeedQuery {
                merchant,
                after,
                kinds: vec![ItemKind::Message, ItemKind::Takeover],
                accounts: accounts.iter().map(|one| one.account.clone()).collect(),
                limit: BATCH,
                ..FeedQuery::default()
            },
            ..EventQuery::default()
        };
        let page = self.answering().read_events(query).await?;
        let is_on = |n: i64, account: &Account| accounts.iter().any(|one| one.account == *account && n > one.after_n);
        let events = page.events.iter().filter_map(|event| {
            let (channel, account, person) = event.of.clone()?;
            let account = (channel, account);
            let is_on = is_on(event.n, &account);
            is_on.then_some((event.n, Conversation { channel: account.0, account: account.1, person }))
        });
        journal.take_for_responder(merchant, page.next, events.collect()).await?;
        Ok(page.next < page.ends.newest)
    }

    /// Begins to answer whoever waits. Gives whether anything was begun.
    async fn begin(&self) -> anyhow::Result<bool> {
        let most = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let due = self.answering().shared.journal.list_due_turns(most).await?;
        let mut has_begun = false;
        for turn in due {
            {
                let mut busy = self.busy();
                if busy.len() >= AT_ONCE || !busy.insert(turn.conversation.clone()) {
                    continue;
                }
            }
            has_begun = true;
            let worker = self.clone();
            self.0.tasks.spawn(async move {
                let _busy = Busy { worker: &worker, of: &turn.conversation };
                if let Err(error) = worker.take_turn(&turn).await {
                    tracing::warn!(error = format!("{error:#}"), "a question could not be answered; it is tried again");
                    let due_at = worker.answering().shared.clock.now_ms() + 1_000;
                    let _ = worker.answering().shared.journal.put_turn_off(&turn, due_at).await;
                }
            });
        }
        Ok(has_begun)
    }

    async fn take_turn(&self, turn: &ResponderTurn) -> anyhow::Result<()> {
        let shared = &self.answering().shared;
        let begun = Instant::now();
        match self.answer(turn).await? {
            Next::Settle(settled) => {
                shared.metrics.bot.count_answer(settled.outcome.as_str(), begun.elapsed());
                shared.journal.settle_turn(turn, settled).await?;
            }
            Next::Later(pause) => {
                let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2);
                shared.journal.put_turn_off(turn, shared.clock.now_ms().saturating_add(pause)).await?;
            }
        }
        Ok(())
    }

    async fn answer(&self, turn: &ResponderTurn) -> anyhow::Result<Next> {
        let Conversation { channel, account, person } = &turn.conversation;
        let answering = self.answering();
        let Some(connection) = answering.find_connection(turn.merchant, channel, account).await? else {
            return Ok(dropped("the account is not connected", Tokens::default()));
        };
        let Some(event) = self.read(turn).await? else {
            return Ok(dropped("the message is not there any more", Tokens::default()));
        };
        if let Some(message) = self.answering().shared.journal.find_answer_of(turn).await? {
            // A kill came between the answer and its row.
            return self.go_on_after(turn, &connection, &event, message).await;
        }
        if !self.is_recent_enough(turn, &event).await? {
            return Ok(dropped("the bot was switched on later", Tokens::default()));
        }
        if event["bot_may_answer"] != true {
            return Ok(dropped(event["reason"].as_str().unwrap_or("not_a_message"), Tokens::default()));
        }
        if event["type"] == "message" && event["kind"] == "other" {
            return self.answer_unknown(turn, &connection, &event).await;
        }
        if !self.begin_turn(turn).await? {
            return Ok(dropped("the bot was switched off", Tokens::default()));
        }
        if self.0.responder.is_over_budget(turn.merchant).await? {
            return self.handed_over(turn, &connection, OVER_BUDGET, Tokens::default()).await;
        }
        let question = Question { merchant: turn.merchant, event: &event, person };
        let asked = self.0.responder.ask(&question).await?;
        match asked.verdict {
            Ok(verdict) => self.send(turn, &connection, &event, verdict, asked.tokens).await,
            Err(ModelError::Later(pause)) => Ok(Next::Later(pause.unwrap_or_else(|| PAUSES.jittered(turn.tries)))),
            Err(_) => self.handed_over(turn, &connection, REFUSED, asked.tokens).await,
        }
    }

    /// A sentence, and then a human: no program understands this.
    async fn answer_unknown(
        &self,
        turn: &ResponderTurn,
        connection: &Connection,
        event: &Value,
    ) -> anyhow::Result<Next> {
        let verdict = Verdict::Answer { text: NOT_UNDERSTOOD.to_owned(), products: Vec::new() };
        let next = self.send(turn, connection, event, verdict, Tokens::default()).await?;
        let Next::Settle(Settled { outcome: ResponderOutcome::Answered, message: Some(message), .. }) = next else {
            return Ok(next);
        };
        self.go_on_after(turn, connection, event, message).await
    }

    /// A message was accepted for this event: what is still to be done.
    async fn go_on_after(
        &self,
        turn: &ResponderTurn,
        connection: &Connection,
        event: &Value,
        message: String,
    ) -> anyhow::Result<Next> {
        if event["type"] != "message" || event["kind"] != "other" {
            return Ok(answered(message, Tokens::default()));
        }
        // A pause fails what waits, and the sentence is to reach the person.
        self.wait_until_called(turn.merchant, &message).await?;
        self.hand_over(turn, connection, UNKNOWN_KIND).await?;
        let (outcome, why) = (ResponderOutcome::HandedOver, Some(UNKNOWN_KIND.to_owned()));
        Ok(Next::Settle(Settled { outcome, why, message: Some(message), tokens: Tokens::default() }))
    }

    /// Whether what is asked came after the bot was switched on.
    async fn is_recent_enough(&self, turn: &ResponderTurn, event: &Value) -> anyhow::Result<bool> {
        let Conversation { channel, account, .. } = &turn.conversation;
        let accounts = self.answering().shared.journal.list_responder_accounts().await?;
        let is_it = |one: &&ResponderAccount| one.account.0 == *channel && one.account.1 == *account;
        let Some(since) = accounts.iter().find(is_it).map(|one| one.since) else { return Ok(false) };
        let asked = match event["type"] == "message" {
            true => event["received_at"].as_str(),
            false => event["messages"].as_array().and_then(|past| {
                past.iter().rev().find(|one| one["by"] == "person").and_then(|one| one["at"].as_str())
            }),
        };
        let asked = asked.and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok());
        Ok(asked.is_none_or(|at| at.timestamp_millis() >= since))
    }

    /// Notes that the model is about to be asked, so that a disk that is full costs no tokens.
    async fn begin_turn(&self, turn: &ResponderTurn) -> anyhow::Result<bool> {
        let shared = &self.answering().shared;
        let longest = self.0.responder.settings().timeout.saturating_mul(5);
        let until = shared.clock.now_ms() + i64::try_from(longest.as_millis()).unwrap_or(i64::MAX / 4);
        Ok(shared.journal.begin_turn(turn, until).await?)
    }

    async fn wait_until_called(&self, merchant: Uuid, message: &str) -> anyhow::Result<()> {
        let (journal, merchant) = (&self.answering().shared.journal, merchant.to_string());
        let mut turns = self.0.outbox.turns();
        let end = tokio::time::Instant::now() + CALLED_WITHIN;
        while tokio::time::Instant::now() < end {
            turns.borrow_and_update();
            let found = journal.find_outgoing_of(&merchant, message).await?;
            if found.is_none_or(|found| found.state() != PartState::Accepted) {
                break;
            }
            let _ = tokio::time::timeout(LOOK_EVERY, turns.changed()).await;
        }
        Ok(())
    }

    /// The event as bots read it now.
    async fn read(&self, turn: &ResponderTurn) -> anyhow::Result<Option<Value>> {
        let query = EventQuery {
            feed: FeedQuery {
                merchant: turn.merchant,
                after: turn.n - 1,
                limit: 1,
                history: HISTORY,
                ..FeedQuery::default()
            },
            products: PRODUCTS,
            with_merchant: false,
        };
        let page = self.answering().read_events(query).await?;
        let event = page.events.into_iter().next().filter(|event| event.n == turn.n);
        Ok(event.map(|event| serde_json::from_str(&event.json)).transpose()?)
    }

    async fn send(
        &self,
        turn: &ResponderTurn,
        connection: &Connection,
        event: &Value,
        verdict: Verdict,
        tokens: Tokens,
    ) -> anyhow::Result<Next> {
        let (text, products) = match verdict {
            Verdict::Answer { text, products } => (text, products),
            Verdict::HandOver(why) => return self.handed_over(turn, connection, &why, tokens).await,
        };
        if !self.is_still_on(turn).await? {
            return Ok(dropped("the bot was switched off", tokens));
        }
        let text = self.with_disclosure(turn, text).await?;
        // A takeover that is over names the message that waits.
        let answers = event["unanswered"].as_str().or(event["id"].as_str()).unwrap_or_default();
        let mut body = json!({ "answers": answers });
        if !text.trim().is_empty() {
            body["text"] = text.into();
        }
        if !products.is_empty() {
            body["products"] = json!(products);
        }
        let key = answer_key(turn.n);
        let wish = Wish { connection, person: &turn.conversation.person, key: &key, body: &body };
        let Ok(content) = Content::read(&body) else {
            return self.handed_over(turn, connection, NOT_SENDABLE, tokens).await;
        };
        match self.answering().accept(&wish, content).await {
            Ok(Accepted::Stored(message)) => {
                self.0.outbox.add(message.number, &message.conversation);
                Ok(answered(message.id, tokens))
            }
            Ok(Accepted::Repeated(message, _)) => Ok(answered(message.id, tokens)),
            Err(Refused::KeyReused(id)) => Ok(answered(id, tokens)),
            Err(refused) => self.refused(turn, connection, refused, tokens).await,
        }
    }

    async fn refused(
        &self,
        turn: &ResponderTurn,
        connection: &Connection,
        refused: Refused,
        tokens: Tokens,
    ) -> anyhow::Result<Next> {
        match refused {
            Refused::Overtaken(_) => Ok(dropped("outdated", tokens)),
            Refused::Paused(..) => Ok(dropped("paused", tokens)),
            Refused::WindowClosed(..) => Ok(dropped("window_closed", tokens)),
            Refused::NotOwner => Ok(dropped("not_owner", tokens)),
            Refused::Account(_) => Ok(dropped("account_unavailable", tokens)),
            Refused::CannotReceive(_) => Ok(dropped("cannot_receive", tokens)),
            Refused::QueueFull => Ok(Next::Later(Duration::from_secs(10))),
            Refused::Unavailable(error) => Err(error.into()),
            Refused::Internal(error) => Err(error),
            Refused::Invalid(_)
            | Refused::KeyReused(_)
            | Refused::Unsupported(_)
            | Refused::Media(_)
            | Refused::Products(..)
            | Refused::NotPermitted(..) => self.handed_over(turn, connection, NOT_SENDABLE, tokens).await,
        }
    }

    /// The words, behind the sentence that tells a person at the first answer that a program answers.
    async fn with_disclosure(&self, turn: &ResponderTurn, text: String) -> anyhow::Result<String> {
        let disclosure = &self.0.responder.settings().disclosure;
        if disclosure.is_empty() || self.answering().shared.journal.has_met_responder(&turn.conversation).await? {
            return Ok(text);
        }
        Ok(format!("{disclosure}\n\n{text}").trim_end().to_owned())
    }

    /// Whether the event is still to be answered.
    async fn is_still_on(&self, turn: &ResponderTurn) -> anyhow::Result<bool> {
        Ok(self.answering().shared.journal.has_turn(turn).await?)
    }

    async fn hand_over(&self, turn: &ResponderTurn, connection: &Connection, why: &str) -> anyhow::Result<()> {
        let note = why.chars().take(200).collect();
        let wanted = WantedPause { minutes: Some(HANDED_OVER_MINUTES), is_handed_over: true, note: Some(note) };
        self.answering().pause(connection, &turn.conversation, wanted).await
    }

    async fn handed_over(
        &self,
        turn: &ResponderTurn,
        connection: &Connection,
        why: &str,
        tokens: Tokens,
    ) -> anyhow::Result<Next> {
        if !self.is_still_on(turn).await? {
            return Ok(dropped("the bot was switched off", tokens));
        }
        // Somebody may have answered, or silenced bots, while the model thought.
        let now = self.read(turn).await?.unwrap_or_default();
        if now["bot_may_answer"] != true {
            return Ok(dropped(now["reason"].as_str().unwrap_or("not_a_message"), tokens));
        }
        self.hand_over(turn, connection, why).await?;
        let (outcome, why) = (ResponderOutcome::HandedOver, Some(why.to_owned()));
        Ok(Next::Settle(Settled { outcome, why, message: None, tokens }))
    }
}

fn answered(message: String, tokens: Tokens) -> Next {
    let (outcome, message) = (ResponderOutcome::Answered, Some(message));
    Next::Settle(Settled { outcome, why: None, message, tokens })
}

fn dropped(why: &str, tokens: Tokens) -> Next {
    let why = Some(why.to_owned());
    Next::Settle(Settled { outcome: ResponderOutcome::Dropped, why, message: None, tokens })
}

/// A person who is being answered, whether the task ends well or in a panic.
struct Busy<'a> {
    worker: &'a AnsweringWorker,
    of: &'a Conversation,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.worker.busy().remove(self.of);
    }
}

impl Worker for AnsweringWorker {
    fn name(&self) -> &'static str {
        "responder"
    }

    fn when_failing(&self) -> &'static str {
        "The bot does not answer: the databases cannot be used. Nothing is lost; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            let accounts = self.answering().shared.journal.list_responder_accounts().await?;
            if !self.0.has_taken_up.load(Ordering::Acquire) {
                self.answering().shared.journal.take_up_turns().await?;
                self.0.has_taken_up.store(true, Ordering::Release);
            }
            let mut has_more = false;
            for of_merchant in accounts.chunk_by(|one, other| one.merchant == other.merchant) {
                has_more |= self.take(of_merchant[0].merchant, of_merchant).await?;
            }
            if !accounts.is_empty() {
                has_more |= self.begin().await?;
            }
            Ok(has_more)
        })
    }

    fn rest(&self) -> Rest {
        Rest::UntilNextEventFor(LOOK_EVERY / 2)
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.0.tasks.close();
            self.0.tasks.wait().await;
            self.0.tasks.reopen();
        })
    }
}
