//! Events of the feed → answers of the built-in responder, through the same path as any bot's.
//!
//! An event is a row before the model is asked, and its answer is stored under the event's number: killed at any instant,
//! the next start finds the event answered, or asks again. An answer that failed is an event, too. Who is answered next
//! stands here; what becomes of one event is `turn.rs`, and when a human is called is `handing_over.rs`.

mod handing_over;
mod question;
mod turn;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{LOOK_EVERY, Rest, Worker};
use crate::answering::Answering;
use crate::answering::responder::Responder;
use crate::answering::sending::Sending;
use crate::shared::channel::job::BoxFuture;
use crate::shared::journal::Conversation;
use crate::shared::store::responder::ResponderTurn;

/// How many conversations are answered at once.
const AT_ONCE: usize = 4;

/// How many of one merchant, while another one's wait.
const OF_ONE_MERCHANT: usize = 2;

/// How many events that are due are looked at in one step.
const BATCH: i64 = 50;

/// The consumer. Cheap to clone.
#[derive(Clone)]
pub struct AnsweringWorker(Arc<Inner>);

struct Inner {
    responder: Responder,
    outbox: Arc<dyn Sending>,
    /// People who are being answered, and whose customers they are.
    busy: Mutex<HashMap<Conversation, Uuid>>,
    /// Somebody has been answered: there is a place for another one.
    freed: Notify,
    /// Tells when a feed has grown.
    feeds: tokio::sync::Mutex<watch::Receiver<u64>>,
    /// Whether what an earlier process began is due again.
    has_taken_up: AtomicBool,
    tasks: TaskTracker,
}

impl AnsweringWorker {
    /// Answers through this outbox.
    #[must_use]
    pub fn new(responder: Responder, outbox: Arc<dyn Sending>) -> Self {
        let feeds = responder.answering().shared.journal.watch_feeds();
        Self(Arc::new(Inner {
            responder,
            outbox,
            busy: Mutex::default(),
            freed: Notify::new(),
            feeds: tokio::sync::Mutex::new(feeds),
            has_taken_up: AtomicBool::new(false),
            tasks: TaskTracker::new(),
        }))
    }

    fn answering(&self) -> &Answering {
        self.0.responder.answering()
    }

    fn busy(&self) -> MutexGuard<'_, HashMap<Conversation, Uuid>> {
        self.0.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether as many people are being answered as may be at once.
    fn is_full(&self) -> bool {
        self.busy().len() >= AT_ONCE
    }

    /// Begins to answer whoever waits. Gives whether anything was begun.
    async fn begin(&self) -> anyhow::Result<bool> {
        if self.is_full() {
            return Ok(false);
        }
        let due = self.answering().shared.journal.list_due_turns(BATCH).await?;
        let turns = take_places(&mut self.busy(), due);
        let has_begun = !turns.is_empty();
        for turn in turns {
            let worker = self.clone();
            self.0.tasks.spawn(async move {
                let _busy = Busy { worker: &worker, of: &turn.conversation };
                worker.take_turn(&turn).await;
            });
        }
        Ok(has_begun)
    }
}

/// Those of the events that are due for which there is a place now. A merchant alone may have all places; beside others a
/// part of them, so that nobody waits behind a crowd.
fn take_places(busy: &mut HashMap<Conversation, Uuid>, due: Vec<ResponderTurn>) -> Vec<ResponderTurn> {
    let waiting: HashSet<Uuid> =
        due.iter().filter(|turn| !busy.contains_key(&turn.conversation)).map(|turn| turn.merchant).collect();
    let mut taken = Vec::new();
    for turn in due {
        let of_merchant = busy.values().filter(|merchant| **merchant == turn.merchant).count();
        let others_wait = waiting.iter().any(|merchant| *merchant != turn.merchant);
        if busy.len() >= AT_ONCE
            || busy.contains_key(&turn.conversation)
            || (others_wait && of_merchant >= OF_ONE_MERCHANT)
        {
            continue;
        }
        busy.insert(turn.conversation.clone(), turn.merchant);
        taken.push(turn);
    }
    taken
}

/// A person who is being answered, whether the task ends well or in a panic.
struct Busy<'a> {
    worker: &'a AnsweringWorker,
    of: &'a Conversation,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.worker.busy().remove(self.of);
        self.worker.0.freed.notify_one();
    }
}

impl Worker for AnsweringWorker {
    fn name(&self) -> &'static str {
        "responder"
    }

    fn when_failing(&self) -> &'static str {
        "The bot does not answer: the databases cannot be used. Nothing is lost; the log says why."
    }

    fn speaks(&self) -> bool {
        true
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            let journal = &self.answering().shared.journal;
            if !self.0.has_taken_up.load(Ordering::Acquire) {
                journal.take_up_turns().await?;
                self.0.has_taken_up.store(true, Ordering::Release);
            }
            self.0.responder.begin_day();
            let has_more = journal.take_for_responder().await?;
            let has_begun = self.begin().await?;
            Ok(has_more || has_begun)
        })
    }

    fn rest(&self) -> Rest {
        // A feed that has grown wakes it.
        Rest::For(LOOK_EVERY / 2)
    }

    fn woken(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let mut feeds = self.0.feeds.lock().await;
            // While nobody else can be answered, what comes may wait and is taken together.
            let is_full = self.is_full();
            tokio::select! {
                () = self.0.freed.notified() => {}
                Ok(()) = feeds.changed(), if !is_full => {}
            }
        })
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.0.tasks.close();
            self.0.tasks.wait().await;
            self.0.tasks.reopen();
        })
    }
}

/// The pause as the journal counts time.
fn milliseconds(pause: Duration) -> i64 {
    i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(merchant: u128, person: &str) -> ResponderTurn {
        ResponderTurn {
            merchant: Uuid::from_u128(merchant),
            n: 1,
            asked: 1,
            conversation: Conversation {
                channel: "facebook".to_owned(),
                account: merchant.to_string(),
                person: person.to_owned(),
            },
            due_at: 0,
            tries: 0,
            failures: 0,
            failed: None,
        }
    }

    fn taken(busy: &mut HashMap<Conversation, Uuid>, due: Vec<ResponderTurn>) -> Vec<String> {
        let names = |turn: ResponderTurn| format!("{}:{}", turn.conversation.account, turn.conversation.person);
        take_places(busy, due).into_iter().map(names).collect()
    }

    #[test]
    fn a_crowd_of_one_merchant_does_not_keep_another_one_waiting() {
        let crowd = || (0..10).map(|person| turn(1, &person.to_string())).collect::<Vec<_>>();
        let mut busy = HashMap::new();
        assert_eq!(taken(&mut busy, crowd()), ["1:0", "1:1", "1:2", "1:3"], "alone it has all places");
        let mut busy = HashMap::new();
        let mut due = crowd();
        due.insert(1, turn(2, "a"));
        assert_eq!(taken(&mut busy, due), ["1:0", "2:a", "1:1"], "beside another one it has a part of them");
        assert_eq!(taken(&mut busy, crowd()), ["1:2"], "nobody else waits any more, and nobody is answered twice");
        assert_eq!(taken(&mut busy, vec![turn(3, "a")]), [""; 0], "there are no more places");
    }
}
