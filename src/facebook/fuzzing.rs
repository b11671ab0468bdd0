//! Meta's bytes for the fuzzers: what must hold for each, whatever they are.

use http::{HeaderMap, HeaderValue};

use super::document::parse_time;
use super::payload::{Id, split};
use super::webhook;
use crate::shared::fuzzing::{Target, check_event};

/// Name and body of every target of this channel.
pub const TARGETS: &[Target] =
    &[("facebook_delivery", delivery), ("facebook_ids", ids), ("facebook_signature", signature)];

/// A delivery is never nothing, its events can be stored, and a repeat has the same keys.
fn delivery(bytes: &[u8]) {
    let events = split(bytes);
    assert!(!events.is_empty());
    for event in &events {
        check_event(event, |account| Id::parse(account).is_some());
    }
    let again = split(bytes);
    assert!(events.iter().map(|event| event.key).eq(again.iter().map(|event| event.key)));
}

/// What passes as an id is safe in a path; a time is one that can be written.
fn ids(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(id) = Id::parse(&text) {
        assert!(id.as_str().len() <= 32 && id.as_str().bytes().all(|byte| byte.is_ascii_digit()));
    }
    if let Some(time) = parse_time(&text) {
        let _ = time.to_rfc3339();
    }
}

/// What is read of a signature header has the length of a signature; one that is there twice is none.
fn signature(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let mut headers = HeaderMap::new();
    headers.append("x-hub-signature-256", value.clone());
    if let Ok(signature) = webhook::signature(&headers, "x-hub-signature-256", "sha256=", 32) {
        assert_eq!((signature.len(), value.len()), (32, "sha256=".len() + 64));
    }
    headers.append("x-hub-signature-256", value);
    assert!(webhook::signature(&headers, "x-hub-signature-256", "sha256=", 32).is_err());
}
