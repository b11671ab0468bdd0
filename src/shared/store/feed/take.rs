//! Takes events into the feed: how conversations stand, who has taken over, and what bots are told, in one transaction with
//! the consumer's cursor.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use super::doubtful;
use super::held;
use super::history::newest_said;
use super::insert::insert_item;
use super::item::{By, ItemKind, ReadMeaning, is_automatic};
use super::late_said::correct_automatic;
use super::numbering::NewItem;
use super::pauses::{begin_pause_in, end_pause};
use super::scan::{Incoming, NextForFeed, list_now};
use super::takeover::{FeedRules, TakeoverState, Told, find_unanswered};
use crate::shared::channel::meaning::{Control, Meaning, Origin, Said, WentOut};
use crate::shared::journal::{
    Account, Conversation, FEED_CURSOR, Journal, JournalError, Source, cursor_position, is_taken_back,
    put_in_order_with, save_cursor,
};
use crate::shared::store::conversation_states::{
    Advertising, ConversationState, Pause, PausedBy, SentInInbox, load_state, save_state,
};
use crate::shared::store::outgoing::reports::{Shown, note_echo, note_receipt};

/// A piece of work, and whose its events are.
#[derive(Debug, Default)]
pub struct FeedStep {
    /// The piece of work.
    pub next: NextForFeed,
    /// The merchants of the accounts that are connected.
    pub owners: HashMap<Account, String>,
    /// How soon after a message of the person something from the inbox is an automatic answer, by channel.
    pub automation: HashMap<String, Duration>,
}

/// What became of pauses.
#[derive(Debug, Default)]
pub struct Taken {
    /// Those that began, for the count of takeovers: the channel, and because of whom.
    pub begun: Vec<(String, PausedBy)>,
    /// The conversations in which one ended and none is left.
    pub resumed: Vec<Conversation>,
}

impl Journal {
    /// Takes a piece of work into the feed. `None`: what it was made of changed meanwhile, so it is to be made again.
    /// Otherwise what became of pauses.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing was taken.
    pub async fn take_into_feed(
        &self,
        step: FeedStep,
        rules: FeedRules,
        meaning: Arc<ReadMeaning>,
    ) -> Result<Option<Taken>, JournalError> {
        let now_ms = self.clock().now_ms();
        self.write(move |connection| {
            let seqs = step.next.events.iter().map(|event| event.item.seq);
            let is_same = cursor_position(connection, FEED_CURSOR)? == step.next.from
                && list_now(connection, &step.next)?.into_iter().eq(seqs);
            if !is_same {
                return Ok(None);
            }
            if !step.next.are_released {
                // Whoever reads what is told here finds what was said before it along an index.
                let places = step.next.events.iter().map(|event| (&event.conversation, event.place()));
                put_in_order_with(connection, (step.next.from, step.next.last), places)?;
            }
            let (states, taken) = (HashMap::new(), Taken::default());
            let mut taking = Taking { connection, rules, now_ms, step: &step, meaning: &*meaning, states, taken };
            for event in &step.next.events {
                taking.take(event)?;
            }
            for conversation in &step.next.over {
                taking.end_by_time(conversation)?;
            }
            for (conversation, state) in &taking.states {
                save_state(connection, conversation, state)?;
            }
            held::release_due(connection, rules.settle_ms, now_ms)?;
            if let Some(last) = step.next.events.last().filter(|_| step.next.are_released) {
                connection.prepare_cached("DELETE FROM feed_released WHERE seq <= ?1")?.execute([last.item.seq])?;
            }
            if step.next.last > step.next.from {
                save_cursor(connection, FEED_CURSOR, &step.next.last.to_string())?;
            }
            let Taking { mut taken, states, .. } = taking;
            taken.resumed.retain(|of| states.get(of).is_some_and(|state| state.pause.is_none()));
            Ok(Some(taken))
        })
        .await
    }
}

/// One transaction.
struct Taking<'a> {
    connection: &'a Connection,
    rules: FeedRules,
    now_ms: i64,
    step: &'a FeedStep,
    meaning: &'a ReadMeaning,
    states: HashMap<Conversation, ConversationState>,
    taken: Taken,
}

impl Taking<'_> {
    fn merchant_of(&self, conversation: &Conversation) -> Option<&str> {
        let account = (conversation.channel.clone(), conversation.account.clone());
        self.step.owners.get(&account).map(String::as_str)
    }

    /// Takes one event. The state is out of the map meanwhile.
    fn take(&mut self, event: &Incoming) -> rusqlite::Result<()> {
        let conversation = &event.conversation;
        let mut state = match self.states.remove(conversation) {
            Some(state) => state,
            None => load_state(self.connection, conversation)?,
        };
        // A platform's clock that goes ahead must not keep a window open for longer.
        let at = event.item.at.min(event.received_at);
        // What was over when it happened is told before it.
        self.end_pause_by(conversation, at.min(self.now_ms), &mut state)?;
        self.end_loss_by(conversation, at.min(self.now_ms), &mut state)?;
        match &event.meaning {
            Meaning::Said(said) => self.take_said(event, said, at, &mut state)?,
            Meaning::WentOut(echo) => self.take_echo(event, echo, at, &mut state)?,
            Meaning::Receipt(receipt) => {
                note_receipt(self.connection, conversation, receipt, event.item.at, self.now_ms)?;
                if receipt.refuses_advertising {
                    state.set_advertising(Advertising { is_refused: true, at });
                }
                self.tell(event, ItemKind::Activity, None)?;
            }
            Meaning::Control(Control::Lost) => self.lose_owner(event, at, &mut state)?,
            Meaning::Control(Control::Back) => {
                self.get_owner_back(event, at, &mut state)?;
                if state.opened_at.is_none() {
                    state.handed_at = state.handed_at.max(Some(at));
                }
            }
            Meaning::CannotReceive { why } => {
                // What came late says nothing about now.
                if state.said.is_none_or(|said| said.occurred_at <= event.item.at) {
                    state.unreachable = Some((*why).to_owned());
                }
                self.tell(event, ItemKind::Activity, None)?;
            }
            Meaning::CanReceive => {
                state.unreachable = None;
                self.tell(event, ItemKind::Activity, None)?;
            }
            Meaning::Advertising { is_refused } => {
                state.set_advertising(Advertising { is_refused: *is_refused, at });
                self.tell(event, ItemKind::Activity, None)?;
            }
            Meaning::Activity { opens_window } => {
                if *opens_window {
                    state.opened_at = state.opened_at.max(Some(at));
                }
                self.tell(event, ItemKind::Activity, None)?;
            }
            Meaning::TakesBack => self.take_back(event, &mut state)?,
            Meaning::Unreadable => self.tell(event, ItemKind::Activity, None)?,
        }
        self.states.insert(conversation.clone(), state);
        Ok(())
    }

    fn take_said(
        &mut self,
        event: &Incoming,
        said: &Said,
        at: i64,
        state: &mut ConversationState,
    ) -> rusqlite::Result<()> {
        match event.source {
            Source::Standby => self.lose_owner(event, at, state)?,
            // Messages come as our own again.
            Source::Webhook => self.get_owner_back(event, at, state)?,
            Source::Poll | Source::Import | Source::Local => {}
        }
        self.correct_automatic(event, state)?;
        state.opened_at = state.opened_at.max(Some(at));
        if said.is_from_ad {
            state.ad_at = state.ad_at.max(Some(at));
        }
        let place = event.place();
        if state.said.is_none_or(|newest| place.is_after(newest)) {
            state.said = Some(place);
            if event.is_told {
                state.unreachable = None;
            }
        }
        let Some(merchant) = self.merchant_of(&event.conversation).filter(|_| event.is_told) else { return Ok(()) };
        let settles_at = event.received_at.saturating_add(self.rules.settle_ms);
        if self.rules.settle_ms > 0 && self.now_ms < settles_at {
            held::hold(self.connection, merchant, &event.conversation, event.item.seq, event.received_at)
        } else {
            self.tell(event, ItemKind::Message, None)
        }
    }

    /// What the inbox sent by itself may come before the message that it answers.
    fn correct_automatic(&mut self, event: &Incoming, state: &mut ConversationState) -> rusqlite::Result<()> {
        let conversation = &event.conversation;
        let Some(within) = self.step.automation.get(&conversation.channel) else { return Ok(()) };
        let told = self.merchant_of(conversation).map(|merchant| self.told(merchant, conversation, event.item.at));
        if correct_automatic(self.connection, state, (event.item.at, *within), told.as_ref())? {
            self.taken.resumed.push(conversation.clone());
        }
        Ok(())
    }

    /// If the newest thing that the person said is what was taken back, what they said before it is the newest one again,
    /// and bots that have passed it are told if nobody has answered it.
    fn take_back(&self, event: &Incoming, state: &mut ConversationState) -> rusqlite::Result<()> {
        let conversation = &event.conversation;
        let is_there = match state.said {
            Some(said) => !is_taken_back(self.connection, said.seq, &conversation.person)?,
            None => false,
        };
        if is_there {
            return self.tell(event, ItemKind::Activity, None);
        }
        state.said = newest_said(self.connection, conversation, event.item.seq, self.meaning)?;
        let unanswered = find_unanswered(self.connection, conversation, state)?;
        let content = unanswered.map(|(_, id)| json!({ "unanswered": id }).to_string());
        self.tell(event, ItemKind::Activity, content)
    }

    fn take_echo(
        &mut self,
        event: &Incoming,
        echo: &WentOut,
        at: i64,
        state: &mut ConversationState,
    ) -> rusqlite::Result<()> {
        let (is_ours, by) = match note_echo(self.connection, &event.conversation, echo, event.item.at, self.now_ms)? {
            Shown::Ours(author) => (true, By::from(author)),
            Shown::Other => (false, self.sender_of(event, echo, state)),
            Shown::Undecided => return doubtful::wait(self.connection, event.item.seq),
        };
        let is_copy = event.source == Source::Standby;
        // What else the other app writes makes that no longer. Once it is over, the next sign of the other app begins it anew.
        if is_copy && state.owner_lost_at.is_none() {
            self.lose_owner(event, at, state)?;
        }
        if !is_ours && by != By::Automation {
            let place = event.place();
            if state.out.is_none_or(|newest| place.is_after(newest)) {
                state.in_inbox = (by == By::Human).then_some(SentInInbox { before: state.out });
                state.out = Some(place);
            }
        }
        self.tell(event, ItemKind::Echo, Some(json!({ "by": by.as_str() }).to_string()))?;
        if is_copy && !is_ours {
            // Bots are silent as long as the conversation is another app's, and no longer.
            return Ok(());
        }
        let paused_by = match by {
            By::Human if self.rules.takeovers.by_human => PausedBy::Human,
            By::App if self.rules.takeovers.by_app => PausedBy::App,
            _ => return Ok(()),
        };
        let pause_ms = i64::try_from(self.rules.takeovers.pause.as_millis()).unwrap_or(i64::MAX);
        let because_of = (!is_ours).then_some(event.item.seq);
        let pause = Pause { because_of, ..Pause::by(paused_by, Some(at.saturating_add(pause_ms))) };
        let conversation = &event.conversation;
        let told = self.merchant_of(conversation).map(|merchant| self.told(merchant, conversation, event.item.at));
        if begin_pause_in(self.connection, state, pause, told.as_ref(), conversation, self.now_ms)? {
            self.taken.begun.push((conversation.channel.clone(), paused_by));
        }
        Ok(())
    }

    /// Who sent something that is no message of ours.
    fn sender_of(&self, event: &Incoming, echo: &WentOut, state: &ConversationState) -> By {
        match &echo.from {
            Origin::Us => By::Bot,
            Origin::App(_) => By::App,
            Origin::Inbox | Origin::Untold => {
                let within = self.step.automation.get(&event.conversation.channel);
                match (within, state.said) {
                    (Some(within), Some(said)) if is_automatic(said.occurred_at, event.item.at, *within) => {
                        By::Automation
                    }
                    _ => By::Human,
                }
            }
        }
    }

    /// Another app answers from this time on.
    fn lose_owner(&self, event: &Incoming, at: i64, state: &mut ConversationState) -> rusqlite::Result<()> {
        let holds = |lost_at: i64| self.now_ms < lost_at.saturating_add(self.rules.lost_ms);
        if !holds(at) {
            return Ok(());
        }
        let was_lost = state.owner_lost_at.is_some();
        state.owner_lost_at = state.owner_lost_at.max(Some(at));
        if !was_lost && let Some(merchant) = self.merchant_of(&event.conversation) {
            self.told(merchant, &event.conversation, event.item.at).owner_lost(self.connection)?;
        }
        Ok(())
    }

    /// This app answers again, unless another one answered later.
    fn get_owner_back(&self, event: &Incoming, at: i64, state: &mut ConversationState) -> rusqlite::Result<()> {
        if state.owner_lost_at.is_some_and(|lost_at| lost_at <= at) {
            state.owner_lost_at = None;
            if let Some(merchant) = self.merchant_of(&event.conversation) {
                let told = self.told(merchant, &event.conversation, event.item.at);
                told.over(self.connection, TakeoverState::OwnerBack, None, state)?;
            }
        }
        Ok(())
    }

    /// Ends what is over by time alone.
    fn end_by_time(&mut self, conversation: &Conversation) -> rusqlite::Result<()> {
        let mut state = match self.states.remove(conversation) {
            Some(state) => state,
            None => load_state(self.connection, conversation)?,
        };
        self.end_pause_by(conversation, self.now_ms, &mut state)?;
        self.end_loss_by(conversation, self.now_ms, &mut state)?;
        self.states.insert(conversation.clone(), state);
        Ok(())
    }

    /// Ends that another app answers if that was over at this time.
    fn end_loss_by(&self, conversation: &Conversation, at: i64, state: &mut ConversationState) -> rusqlite::Result<()> {
        let lost_until = state.owner_lost_at.map(|lost_at| lost_at.saturating_add(self.rules.lost_ms));
        if let Some(until) = lost_until.filter(|until| *until <= at) {
            state.owner_lost_at = None;
            if let Some(merchant) = self.merchant_of(conversation) {
                let told = self.told(merchant, conversation, until);
                told.over(self.connection, TakeoverState::OwnerBack, None, state)?;
            }
        }
        Ok(())
    }

    /// Ends the pause of a conversation if it was over at this time.
    fn end_pause_by(
        &mut self,
        conversation: &Conversation,
        at: i64,
        state: &mut ConversationState,
    ) -> rusqlite::Result<()> {
        if let Some(until) = state.pause.as_ref().and_then(|pause| pause.until).filter(|until| *until <= at) {
            let told = self.merchant_of(conversation).map(|merchant| self.told(merchant, conversation, until));
            end_pause(self.connection, state, told.as_ref())?;
            self.taken.resumed.push(conversation.clone());
        }
        Ok(())
    }

    fn told<'a>(&self, merchant: &'a str, conversation: &'a Conversation, at: i64) -> Told<'a> {
        Told { merchant, conversation, at, now_ms: self.now_ms }
    }

    /// Tells the merchant's bots of an event, unless it is one of which they are not told.
    fn tell(&self, event: &Incoming, kind: ItemKind, content: Option<String>) -> rusqlite::Result<()> {
        let Conversation { channel, account, person } = &event.conversation;
        let Some(merchant) = self.merchant_of(&event.conversation).filter(|_| event.is_told) else { return Ok(()) };
        let item = NewItem {
            merchant,
            kind,
            channel,
            account,
            person: Some(person),
            seq: Some(event.item.seq),
            key: Some(&event.key),
            at: event.item.at,
            received_at: event.received_at,
            content,
        };
        insert_item(self.connection, &item, self.now_ms)
    }
}
