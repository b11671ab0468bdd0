//! Messages that were accepted → calls of their platforms, a part at a time.
//!
//! A part is a row before it is a call, and the call is noted before it leaves: killed at any instant, the next start knows
//! which parts may have been sent, and looks for those before anything is sent again. Whose turn it is stands in
//! `queue.rs`; one turn is `turn.rs`; accounts that cannot send are `accounts.rs`; what becomes of a part of which nobody knows
//! is `look.rs`, and `aside.rs` for those of which others do not wait.

mod accounts;
mod aside;
mod copies;
mod look;
mod queue;
mod turn;
mod unknown_codes;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use self::aside::Aside;
use self::queue::{Queue, Rates, Turn};
use self::unknown_codes::UnknownCodes;
use super::{Rest, Worker, until_done};
use crate::answering::Answering;
use crate::answering::sending::Sending;
use crate::shared::channel::dialogue::{Ability, AccountFault, Recipient, Signal};
use crate::shared::channel::job::BoxFuture;
use crate::shared::journal::{Account, Conversation, JournalError};

/// How often it is looked whether time alone has made something due.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often copies that did not come are looked for, in milliseconds.
const ECHOES_EVERY_MS: i64 = 5_000;

/// How often a sign is shown to one person at most, in milliseconds.
const SIGNAL_EVERY_MS: i64 = 5_000;

/// How often it is looked at least whether a block is over, in milliseconds.
const BLOCKS_EVERY_MS: i64 = 60_000;

/// How long messages are kept, in milliseconds: their states are told for 30 days.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// How often old ones are removed, in milliseconds.
const REMOVED_EVERY_MS: i64 = 60 * 60 * 1000;

/// How much of a pause that a platform told of holds after a start, in milliseconds: a clock that was wrong keeps no account
/// silent for longer.
const LONGEST_PAUSE_MS: i64 = 24 * 60 * 60 * 1000;

/// When it is looked again whether a login can send that could not: what waits is held back until then. The account itself
/// counts as blocked by its row, which outlives a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    until: i64,
    /// The login with which it happened: another one ends it.
    connected_at: i64,
}

/// The outbox. Cheap to clone.
#[derive(Clone)]
pub struct Outbox(Arc<Inner>);

struct Inner {
    answering: Answering,
    queue: Mutex<Queue>,
    held: Mutex<HashMap<Account, Held>>,
    /// Messages that are looked for while others of the same person have their turns, by their numbers.
    aside: Mutex<HashMap<i64, Aside>>,
    unknown_codes: UnknownCodes,
    tasks: TaskTracker,
    /// Whether messages of an earlier process were taken up: nothing is sent before.
    is_at_work: AtomicBool,
    /// When which sign was last shown to whom.
    shown: Mutex<HashMap<(Conversation, Signal), i64>>,
    next_echoes: AtomicI64,
    next_removal: AtomicI64,
    /// When the time of a blocked account is over: it may be asked then, or earlier.
    next_end: AtomicI64,
    /// Moves whenever a turn ends.
    turns: watch::Sender<u64>,
}

impl Outbox {
    /// Sends over these channels.
    #[must_use]
    pub fn new(answering: Answering) -> Self {
        Self(Arc::new(Inner {
            answering,
            queue: Mutex::default(),
            held: Mutex::default(),
            aside: Mutex::default(),
            unknown_codes: UnknownCodes::default(),
            tasks: TaskTracker::new(),
            is_at_work: AtomicBool::new(false),
            shown: Mutex::default(),
            next_echoes: AtomicI64::new(0),
            next_removal: AtomicI64::new(0),
            next_end: AtomicI64::new(0),
            turns: watch::Sender::new(0),
        }))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Account, Held>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        self.0.answering.shared.clock.now_ms()
    }

    fn aside(&self) -> MutexGuard<'_, HashMap<i64, Aside>> {
        self.0.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much may go out on a channel. What waits on one that is off has its turns, too, so that it fails in its time.
    fn rates_of(&self, channel: &str) -> Rates {
        let dialogue = self.0.answering.dialogue(channel).filter(|_| self.0.answering.settings.is_paced);
        dialogue.map_or(Rates::UNPACED, |dialogue| Rates::of(dialogue.profile()))
    }

    /// Begins every turn that may begin now. Gives how many.
    fn start_due(&self) -> usize {
        if !self.0.is_at_work.load(Ordering::Acquire) {
            return 0;
        }
        let now_ms = self.now_ms();
        self.charge_what_came_in(now_ms);
        let mut started = 0;
        loop {
            let next = self.queue().take(now_ms, |channel| self.rates_of(channel));
            let Some((number, to)) = next else { return started };
            started += 1;
            let outbox = self.clone();
            self.0.tasks.spawn(async move {
                let mut over =
                    Over { outbox: &outbox, number, to: &to, turn: Turn::Postponed(outbox.now_ms() + 1_000) };
                over.turn = outbox.turn(number, &to).await;
            });
        }
    }

    /// The platform took a part: its place is for others, while that is stored.
    fn was_called(&self, of: &Conversation) {
        self.queue().was_called(of);
        self.start_due();
    }

    /// Where a platform counts what comes in with what goes out, less goes out.
    fn charge_what_came_in(&self, now_ms: i64) {
        for (channel, dialogue) in self.0.answering.dialogues.iter() {
            for (account, parts) in dialogue.take_came_in() {
                self.queue().charge(channel, &account, (now_ms, self.rates_of(channel).account), parts);
            }
        }
    }

    /// Takes up what an earlier process left.
    async fn take_up(&self) -> anyhow::Result<()> {
        if self.0.is_at_work.load(Ordering::Acquire) {
            return Ok(());
        }
        let waiting = self.0.answering.shared.journal.take_up_outgoing().await?;
        let accounts = waiting.iter().map(|(_, to)| (to.channel.clone(), to.account.clone())).collect();
        self.0.answering.shared.connections.end_blocks_at_start(accounts).await?;
        let longest = self.now_ms() + LONGEST_PAUSE_MS;
        for ((channel, account), until) in self.0.answering.shared.journal.list_sending_pauses().await? {
            self.queue().pause(&channel, &account, until.min(longest));
        }
        for (number, to) in waiting {
            self.queue().add(number, &to, self.rates_of(&to.channel));
        }
        self.0.is_at_work.store(true, Ordering::Release);
        Ok(())
    }

    /// Accounts whose block has lasted its time count as able to send, until a message shows that they are not.
    async fn end_blocks(&self) -> anyhow::Result<()> {
        let now_ms = self.now_ms();
        if now_ms < self.0.next_end.load(Ordering::Acquire) {
            return Ok(());
        }
        // A block that is noted meanwhile moves this nearer again.
        self.0.next_end.store(i64::MAX, Ordering::Release);
        match self.0.answering.shared.connections.end_blocks(now_ms).await {
            Ok(next) => {
                // Channels note blocks, too, without a word to the outbox.
                let next = next.unwrap_or(i64::MAX).min(now_ms + BLOCKS_EVERY_MS);
                self.0.next_end.fetch_min(next, Ordering::AcqRel);
                Ok(())
            }
            Err(error) => {
                self.0.next_end.store(0, Ordering::Release);
                Err(error)
            }
        }
    }

    async fn remove_old(&self) -> Result<(), JournalError> {
        let now_ms = self.now_ms();
        if now_ms < self.0.next_removal.load(Ordering::Acquire) {
            return Ok(());
        }
        let are_left = self.0.answering.shared.journal.remove_old_outgoing(now_ms - KEPT_MS).await?;
        if !are_left {
            self.0.next_removal.store(now_ms + REMOVED_EVERY_MS, Ordering::Release);
        }
        Ok(())
    }
}

impl Sending for Outbox {
    fn add(&self, number: i64, to: &Conversation) {
        self.queue().add(number, to, self.rates_of(&to.channel));
        self.start_due();
    }

    fn wake(&self, of: &Conversation) {
        self.queue().wake(of);
        self.start_due();
    }

    fn is_full(&self, channel: &str, account: &str) -> bool {
        self.queue().waiting(channel, account) >= self.0.answering.settings.most_waiting
    }

    fn signal(&self, to: Conversation, signal: Signal) {
        let now_ms = self.now_ms();
        let Some(dialogue) = self.0.answering.dialogue(&to.channel).cloned() else { return };
        let ability = match signal {
            Signal::Typing => Ability::Typing,
            Signal::Seen => Ability::Seen,
        };
        if !dialogue.profile().can.contains(&ability) {
            return;
        }
        let mut shown = self.0.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|_, at| now_ms - *at < SIGNAL_EVERY_MS);
        if shown.contains_key(&(to.clone(), signal)) {
            return;
        }
        shown.insert((to.clone(), signal), now_ms);
        drop(shown);
        self.0.tasks.spawn(async move {
            let recipient = Recipient { account: &to.account, person: &to.person };
            if let Err(error) = dialogue.signal(recipient, signal).await {
                tracing::debug!(%error, channel = to.channel, account = to.account, "a sign did not reach the person");
            }
        });
    }

    fn stop_account<'a>(
        &'a self,
        of: &'a Account,
        fault: &'a AccountFault,
        at: i64,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.stop(of, fault, at))
    }

    fn turns(&self) -> watch::Receiver<u64> {
        self.0.turns.subscribe()
    }
}

/// A turn that ends, whether its task ends well or in a panic: a person must not stay under way for ever.
struct Over<'a> {
    outbox: &'a Outbox,
    number: i64,
    to: &'a Conversation,
    turn: Turn,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.outbox.queue().end(self.number, self.to, self.turn);
        self.outbox.0.turns.send_modify(|turns| *turns = turns.wrapping_add(1));
        self.outbox.start_due();
    }
}

impl Worker for Outbox {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn when_failing(&self) -> &'static str {
        "Answers are not being sent, because the journal cannot be used. Nothing that was accepted is lost; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            self.take_up().await?;
            self.end_blocks().await?;
            self.look_for_echoes().await?;
            self.look_at_those_aside();
            self.0.unknown_codes.forget_old(&self.0.answering.shared);
            self.remove_old().await?;
            Ok(self.start_due() > 0)
        })
    }

    fn rest(&self) -> Rest {
        Rest::For(LOOK_EVERY)
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(until_done(&self.0.tasks))
    }

    fn finish(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // What is accepted from now on, and every next part, waits for the next start.
            self.0.is_at_work.store(false, Ordering::Release);
            self.0.tasks.close();
            self.0.tasks.wait().await;
        })
    }
}
