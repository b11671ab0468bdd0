//! Which app owns a thread: who may write in it, and which items come as standby copies.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing> (2026).

use serde_json::Value;

use super::super::state::{GraphError, Platform, Thread};

/// Kinds of items of which an app that does not own the thread gets a copy.
const COPIED: [&str; 4] = ["message", "read", "delivery", "postback"];

/// Whether another app than this one owns the thread. Without an owner every app may write.
pub(super) fn is_foreign(thread: &Thread, app_id: &str) -> bool {
    thread.owner.as_deref().is_some_and(|owner| owner != app_id)
}

/// Whether this app may write in the thread.
pub(super) fn check(thread: &Thread, app_id: &str) -> Result<(), GraphError> {
    if is_foreign(thread, app_id) {
        let message = "(#10) Message not sent: another app is controlling this conversation now.";
        return Err(GraphError::new(10, message).subcode(2_018_300));
    }
    Ok(())
}

/// The items of an account apart: those that come as ever, and the standby copies of threads that another app owns.
pub(in super::super) fn apart(
    platform: &Platform,
    app_id: &str,
    account: &str,
    items: &[Value],
) -> (Vec<Value>, Vec<Value>) {
    let (mut own, mut standby) = (Vec::new(), Vec::new());
    for item in items {
        let party = |name: &str| item[name]["id"].as_str();
        let person = party("sender").filter(|id| *id != account).or_else(|| party("recipient")).unwrap_or_default();
        let thread = platform.page(account).and_then(|page| page.threads.get(person));
        let is_copied = COPIED.iter().any(|kind| item.get(kind).is_some());
        if is_copied && thread.is_some_and(|thread| is_foreign(thread, app_id)) {
            standby.push(copy_of(item));
        } else {
            own.push(item.clone());
        }
    }
    (own, standby)
}

/// A button's payload is for the app that sent the button alone.
fn copy_of(item: &Value) -> Value {
    let mut copy = item.clone();
    if let Some(postback) = copy.get_mut("postback").and_then(Value::as_object_mut) {
        postback.remove("payload");
    }
    copy
}
