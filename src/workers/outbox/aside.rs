//! Messages that are looked for beside the queue.

use std::collections::HashMap;

use crate::shared::journal::Conversation;

/// How many looks beside the queue are under way at once.
const ASIDE_AT_ONCE: usize = 16;

/// A message with a part of which nobody knows whether it was sent, while others have their turns.
#[derive(Debug)]
pub(super) struct Aside {
    /// The conversation.
    pub of: Conversation,
    /// Not looked at before this time, in milliseconds since 1970.
    pub at: i64,
    /// Whether it is being looked for.
    pub is_under_way: bool,
}

/// Those whose time has come, one of each conversation.
pub(super) fn take_due(all: &mut HashMap<i64, Aside>, now_ms: i64) -> Vec<(i64, Conversation)> {
    let mut busy: Vec<Conversation> =
        all.values().filter(|aside| aside.is_under_way).map(|aside| aside.of.clone()).collect();
    let mut due = Vec::new();
    for (number, aside) in all.iter_mut().filter(|(_, aside)| !aside.is_under_way && aside.at <= now_ms) {
        if busy.len() >= ASIDE_AT_ONCE || busy.contains(&aside.of) {
            continue;
        }
        aside.is_under_way = true;
        busy.push(aside.of.clone());
        due.push((*number, aside.of.clone()));
    }
    due
}
