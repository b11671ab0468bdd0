//! Codes of refusals that a channel does not know: each is counted, and an operator is told of it once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::shared::channel::context::Shared;
use crate::shared::telemetry::alerts::Cause;

/// How many codes are told apart: they come from outside.
const TOLD_APART: usize = 50;

/// The word for all others.
const OTHER: &str = "other";

/// So long after it was last met a code is no news any more, in milliseconds: its alert is over.
const NEWS_MS: i64 = 24 * 60 * 60 * 1000;

/// What becomes of a part after such a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It has failed.
    Failed,
    /// It is sent again as long as it may wait: the platform says that it will be over.
    TriedAgain,
    /// It is sent again a few times: the platform's documents say so of all codes that they do not list.
    TriedAFewTimes,
}

/// When which code of which channel was last met, in milliseconds since 1970.
#[derive(Default)]
pub(super) struct UnknownCodes(Mutex<BTreeMap<(String, String), i64>>);

impl UnknownCodes {
    /// The platform did not take a part, with a code that the channel does not know.
    pub fn note(&self, shared: &Shared, channel: &str, code: &str, then: Then) {
        let code = {
            let mut met = self.met();
            let wanted = (channel.to_owned(), code.to_owned());
            let is_told_apart = met.contains_key(&wanted) || met.len() < TOLD_APART;
            let known = if is_told_apart { wanted } else { (channel.to_owned(), OTHER.to_owned()) };
            met.insert(known.clone(), shared.clock.now_ms());
            known.1
        };
        shared.metrics.replies.count_unknown_code(channel, &code);
        shared.alerts.raise(
            cause(channel, &code),
            &format!(
                "Messages over {channel} are refused with the code {code}, which is not known here. {} The platform's \
                 documents say what the code means.",
                match then {
                    Then::Failed => "They count as refused and are not sent again.",
                    Then::TriedAgain => "They are sent again as long as they may wait.",
                    Then::TriedAFewTimes => "They are sent again a few times, and count as refused after that.",
                }
            ),
        );
    }

    /// Codes that nobody has met for long are no news any more.
    pub fn forget_old(&self, shared: &Shared) {
        let now_ms = shared.clock.now_ms();
        self.met().retain(|(channel, code), at| {
            let is_news = now_ms - *at < NEWS_MS;
            if !is_news {
                shared.alerts.heal(cause(channel, code));
            }
            is_news
        });
    }

    fn met(&self) -> MutexGuard<'_, BTreeMap<(String, String), i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cause(channel: &str, code: &str) -> Cause {
    Cause::from(format!("{channel}:unknown_code:{code}").as_str())
}
