//! Something happens in a thread: its time, and the item that a webhook would carry.

use serde_json::{Value, json};

use super::state::{Core, Thread};

/// An item from the person, at a time later than all that happened in the thread; `content` sees the thread with that time
/// already as its last.
pub(super) fn happening(
    core: &Core,
    account: &str,
    person: &str,
    key: &str,
    content: impl FnOnce(&mut Thread) -> Value,
) -> Value {
    let now = core.now();
    // Pages are never removed, so there is always one.
    let (timestamp, content) = core.platform().page_mut(account).map_or_else(Default::default, |page| {
        let thread = page.thread_mut(person);
        let timestamp = thread.next_ms(now);
        (timestamp, content(thread))
    });
    json!({"sender": {"id": person}, "recipient": {"id": account}, "timestamp": timestamp, key: content})
}
