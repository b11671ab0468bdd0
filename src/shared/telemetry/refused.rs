//! Deliveries that were refused lately. Nothing of them is stored, because anybody can send them; an operator who looks for
//! a delivery that did not come in sees here that something knocked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::metrics::Refusal;

/// So many lines are kept, in memory.
const KEPT: usize = 100;

/// What comes within this time for the same reason is one line, in milliseconds.
const TOGETHER_MS: i64 = 60_000;

/// Deliveries of one channel that were refused for one reason, within a minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedDelivery {
    /// The channel at whose address they came.
    pub channel: &'static str,
    /// Why: `no_signature`, `malformed_signature`, `wrong_signature`, `old_signature`, `other_purpose`.
    pub reason: &'static str,
    /// When the first came, in milliseconds since 1970.
    pub first_at: i64,
    /// When the last came.
    pub last_at: i64,
    /// How many.
    pub deliveries: u64,
}

/// The newest of them since the start. Cheap to clone.
#[derive(Clone, Default)]
pub struct RefusedDeliveries(Arc<Mutex<VecDeque<RefusedDelivery>>>);

impl RefusedDeliveries {
    /// Notes that one was refused at this time.
    pub fn note(&self, channel: &'static str, reason: Refusal, now_ms: i64) {
        let reason = reason.as_str();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |one: &&mut RefusedDelivery| {
            one.channel == channel && one.reason == reason && now_ms - one.first_at < TOGETHER_MS
        };
        if let Some(same) = kept.iter_mut().rev().find(is_same) {
            same.last_at = now_ms;
            same.deliveries += 1;
            return;
        }
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(RefusedDelivery { channel, reason, first_at: now_ms, last_at: now_ms, deliveries: 1 });
    }

    /// All that are kept, the newest first.
    #[must_use]
    pub fn list(&self) -> Vec<RefusedDelivery> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_minute_and_memory_has_an_end() {
        let refused = RefusedDeliveries::default();
        for at in 0..1_000 {
            refused.note("facebook", Refusal::Wrong, at);
        }
        refused.note("facebook", Refusal::Missing, 1_000);
        refused.note("facebook", Refusal::Wrong, TOGETHER_MS);
        let counts: Vec<(&str, u64)> = refused.list().iter().map(|one| (one.reason, one.deliveries)).collect();
        assert_eq!(counts, [("wrong_signature", 1), ("no_signature", 1), ("wrong_signature", 1_000)]);
        for minute in 2..1_000 {
            refused.note("viber", Refusal::Wrong, minute * TOGETHER_MS);
        }
        assert_eq!((refused.list().len(), refused.list()[0].last_at), (KEPT, 999 * TOGETHER_MS));
    }
}
