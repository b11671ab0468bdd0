//! LinkedIn's bytes for the fuzzers: what must hold for each, whatever they are.

use http::{HeaderMap, HeaderValue};

use super::client::subscription_in;
use super::names::{self, Thread};
use super::{document, meaning, payload, view, webhook};
use crate::shared::fuzzing::{Target, check_event};
use crate::shared::secrets::signature::Secrets;
use crate::shared::store::Item;

/// Name and body of every target of this channel.
pub const TARGETS: &[Target] = &[
    ("linkedin_delivery", delivery),
    ("linkedin_ids", ids),
    ("linkedin_signature", signature),
    ("linkedin_answer", answer),
];

/// A delivery is never nothing, its events can be stored, mean something and can be shown; a repeat has the same keys.
fn delivery(bytes: &[u8]) {
    let Some(own) = names::organization("90001") else { return };
    let events = payload::split(&own, bytes);
    assert!(!events.is_empty());
    let again = payload::split(&own, bytes);
    assert!(events.iter().map(|event| event.key).eq(again.iter().map(|event| event.key)));
    for event in events {
        check_event(&event, |account| names::organization(account).is_some());
        let item = Item { seq: 1, at: 1, kind: event.kind.to_string(), payload: event.payload };
        let _ = (meaning::of("90001", &item), (view::VIEW.conversations).map(|show| show("90001", &item)));
    }
}

/// What has a name is safe in a path, and leads back to its id.
fn ids(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(name) = names::thread_of_post(&text) {
        assert_eq!(names::thread_of(name.as_str()), Some(Thread::Post(text.to_string())));
    }
    if let Some(name) = names::thread_of_messages(&text) {
        assert_eq!(names::thread_of(name.as_str()), Some(Thread::Direct(text.to_string())));
    }
    if let Some(name) = names::thread_of_activity(&text) {
        assert!(matches!(names::thread_of(name.as_str()), Some(Thread::Post(_))));
    }
}

/// Nothing is believed that was not signed.
fn signature(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let secret = Secrets::new("a secret that fuzzers cannot guess".into(), None);
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-li-signature"), value)]);
    assert!(webhook::verify(&secret, &headers, bytes).is_err());
}

/// What the API shows becomes events of the page alone, or nothing.
fn answer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(own) = names::organization("90001") else { return };
    if let Some(event) = document::own_comment(&own, "urn:li:share:7", &text) {
        check_event(&event, |account| account == "90001");
    }
    let _ = subscription_in(&text, "urn:li:organization:90001");
}
