//! What stands in a conversation's file and not in the journal: the journal was lost, moved away or restored, or its log was
//! cut. A file that is made anew must not overwrite the only copy: what can be read goes into the journal again, and what
//! cannot is moved aside with its file, and so is what the journal has with other content.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};

use crate::shared::journal::{Conversation, DedupeKey, Event, Journal, JournalError, JournalReader};
use crate::shared::raw_json::elements;

/// The cause of the alert that messages were taken from files into the journal.
pub const TAKEN_IN: &str = "files:taken_in";

/// The cause of the alert that a file was moved aside because it holds what the journal does not know.
pub const MOVED_ASIDE: &str = "files:moved_aside";

/// What an older file holds beside what the journal makes of it.
pub(super) enum Strays {
    /// Nothing.
    None,
    /// These events, in their order.
    Events(Vec<Event>),
    /// Something that no channel understands, or that the journal has with other content.
    Unknown,
}

/// Looks for what stands in `old` and neither in `new`, the document that is to take its place, nor in the journal, by
/// whatever content. Both are whole JSON arrays; `beginning` bytes of `old` are known to be deleted by age, and stay.
///
/// # Errors
/// When the journal cannot be read.
pub(super) fn find(
    journal: &Journal,
    reader: &JournalReader<'_>,
    conversation: &Conversation,
    (old, beginning): (&[u8], usize),
    new: &[u8],
) -> Result<Strays, JournalError> {
    // Nearly always more was only put behind it.
    if let Some(old) = old.strip_suffix(b"\n]\n")
        && new.starts_with(old)
    {
        return Ok(Strays::None);
    }
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let rest = old.get(beginning.max(1)..).unwrap_or_default();
    let rest = [b"[", rest.trim_ascii_start().strip_prefix(b",").unwrap_or(rest)].concat();
    let (Some(old), Some(new)) = (text(&rest).and_then(elements), text(new).and_then(elements)) else {
        return Ok(Strays::Unknown);
    };
    let known: HashSet<&str> = new.iter().copied().collect();
    let by_key = LazyCell::new(|| by_key(journal, conversation, &new));
    let tombstone = journal.unsending(&conversation.channel).map(|unsending| unsending.tombstone);
    let (mut strays, mut last) = (Vec::new(), None);
    for item in old.into_iter().filter(|item| !known.contains(item)) {
        let Some(mut event) = journal.event_of(conversation, item) else { return Ok(Strays::Unknown) };
        // One that says no time happened after the one before it.
        event.occurred_at = event.occurred_at.or(last);
        last = event.occurred_at;
        if !reader.knows(&event.key)? {
            strays.push(event);
            continue;
        }
        // What was taken back is another by right.
        let left = tombstone.map(|tombstone| tombstone(item.as_bytes()));
        let is_left = |other: &&str| left.as_ref().is_some_and(|left| left.as_slice() == other.as_bytes());
        if by_key.get(&event.key).into_iter().flatten().any(|other| !is_left(other)) {
            // A bit may have changed on either side: nobody can tell which, so both are kept.
            return Ok(Strays::Unknown);
        }
    }
    Ok(if strays.is_empty() { Strays::None } else { Strays::Events(strays) })
}

/// What a document says of each event, by its key. What is damaged has none, and is noticed elsewhere.
fn by_key<'a>(
    journal: &Journal,
    conversation: &Conversation,
    document: &[&'a str],
) -> HashMap<DedupeKey, Vec<&'a str>> {
    let mut by_key: HashMap<DedupeKey, Vec<&str>> = HashMap::new();
    for item in document {
        if let Some(event) = journal.event_of(conversation, item) {
            by_key.entry(event.key).or_default().push(item);
        }
    }
    by_key
}
