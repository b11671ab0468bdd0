//! Meta's bytes for the fuzzers: what must hold for each, whatever they are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::client::Token;
use super::deletion;
use super::document::parse_time;
use super::payload::split;
use super::tokens::time_of;
use crate::meta::budget::{Budgets, Lane};
use crate::meta::id::Id;
use crate::meta::token::TokenInfo;
use crate::meta::webhook;
use crate::shared::clock::{Clock, end_of_life};
use crate::shared::fuzzing::{Target, check_event};
use crate::shared::secrets::signature::{Secrets, sign_sha256};

/// Name and body of every target of this channel.
pub const TARGETS: &[Target] = &[
    ("facebook_delivery", delivery),
    ("facebook_ids", ids),
    ("facebook_signature", signature),
    ("facebook_signed_request", signed_request),
    ("facebook_token", token),
    ("facebook_usage", usage),
];

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

/// Nothing is believed that was not signed; and of what was, only a person whose id is one.
fn signed_request(bytes: &[u8]) {
    let secrets = Secrets::new("a secret that fuzzers cannot guess".into(), None);
    assert!(deletion::parse(&secrets, bytes).is_err());
    let payload = URL_SAFE_NO_PAD.encode(bytes);
    let signature = sign_sha256(b"a secret that fuzzers cannot guess", payload.as_bytes());
    let body = format!("signed_request={}.{payload}", URL_SAFE_NO_PAD.encode(signature));
    if let Ok(request) = deletion::parse(&secrets, body.as_bytes()) {
        assert!(Id::parse(request.user.as_str()).is_some());
    }
}

/// Whatever the platform says of a token's life, the times can be reckoned with.
fn token(bytes: &[u8]) {
    if let Ok(token) = serde_json::from_slice::<Token>(bytes)
        && let Some(seconds) = token.expires_in
    {
        assert!(end_of_life(1_795_262_400_000, seconds).unsigned_abs() < i64::MAX.unsigned_abs() / 1000);
    }
    if let Ok(info) = serde_json::from_slice::<TokenInfo>(bytes) {
        for at in [info.expires_at, info.data_access_expires_at] {
            let _ = time_of(at).map(|time| time.to_rfc3339());
        }
    }
}

/// A usage header can make us pause, but not for more than a day, and is never a panic.
fn usage(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let Some(page) = Id::parse("100000000000101") else { return };
    for name in ["x-app-usage", "x-page-usage", "x-business-use-case-usage"] {
        let budgets = Budgets::new(Clock::manual(chrono::DateTime::UNIX_EPOCH), 2);
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
        budgets.note(Lane::Page(&page), &headers);
        for lane in [Lane::App, Lane::Page(&page)] {
            assert!(budgets.pause_of(lane).is_none_or(|pause| pause.as_secs() <= 24 * 3600));
        }
    }
}
