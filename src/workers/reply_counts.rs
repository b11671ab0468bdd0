//! What bots were told of messages → what `GET /metrics` counts of them: the states that they reached, how long their
//! sending took, what their parts cost.
//!
//! Every road on which a message changes ends in the feed, so it is counted there and nowhere else. What was told before the
//! process began is not counted, as with every counter.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Worker;
use crate::answering::Answering;
use crate::shared::channel::job::BoxFuture;
use crate::shared::store::{FeedPlaces, PartState, StatusTold};
use crate::shared::telemetry::metrics::ReplyMetrics;

/// How many messages are remembered that may still change. Of an older one a state may be counted twice.
const REMEMBERED: usize = 20_000;

/// Counts messages.
pub struct ReplyCounter {
    answering: Answering,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Up to where the feeds were counted; `None`: not begun.
    places: Option<FeedPlaces>,
    /// What was counted of messages, by their numbers.
    counted: BTreeMap<i64, Counted>,
}

/// What was counted of a message.
#[derive(Default)]
struct Counted {
    state: Option<PartState>,
    was_sent: bool,
    /// The parts whose costs were counted.
    parts: Vec<i64>,
}

impl ReplyCounter {
    /// Counts the messages of these conversations.
    #[must_use]
    pub fn new(answering: Answering) -> Self {
        Self { answering, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn count(&self) -> anyhow::Result<bool> {
        let journal = &self.answering.shared.journal;
        let places = self.state().places.clone();
        let Some(places) = places else {
            let places = journal.list_feed_places().await?;
            self.state().places = Some(places);
            return Ok(false);
        };
        let (told, places, has_more) = journal.list_statuses(places).await?;
        let mut state = self.state();
        for status in told {
            self.count_one(&mut state.counted, &status);
        }
        while state.counted.len() > REMEMBERED {
            state.counted.pop_first();
        }
        state.places = Some(places);
        Ok(has_more)
    }

    fn count_one(&self, all: &mut BTreeMap<i64, Counted>, told: &StatusTold) {
        let Some((channel, dialogue)) = self.answering.dialogues.get_key_value(told.channel.as_str()) else { return };
        let metrics: &ReplyMetrics = &self.answering.shared.metrics.replies;
        let counted = all.entry(told.number).or_default();
        // A message that was accepted and is told again, because one part of several went out, has no other state.
        if counted.state.unwrap_or(PartState::Accepted) != told.state {
            metrics.count(channel, told.state.as_str(), told.reason.map_or("", |reason| reason.as_str()));
            counted.state = Some(told.state);
        }
        if told.state >= PartState::Sent && !std::mem::replace(&mut counted.was_sent, true) {
            let took = u64::try_from(told.at - told.created_at).unwrap_or(0);
            metrics.time(channel, Duration::from_millis(took));
        }
        for part in told.parts.iter().filter(|part| part.state >= PartState::Sent) {
            let billing = part.billing.as_deref().and_then(|text| serde_json::from_str(text).ok());
            let Some(word) = dialogue.billing_word(billing.as_ref()) else { continue };
            if !counted.parts.contains(&part.n) {
                counted.parts.push(part.n);
                metrics.count_part(channel, &word);
            }
        }
    }
}

impl Worker for ReplyCounter {
    fn name(&self) -> &'static str {
        "reply_counts"
    }

    fn when_failing(&self) -> &'static str {
        "Messages are sent and not counted in the metrics, because the journal cannot be read; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(self.count())
    }
}
