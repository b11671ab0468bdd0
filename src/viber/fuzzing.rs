//! Viber's bytes for the fuzzers: what must hold for each, whatever they are.

use http::{HeaderMap, HeaderValue};

use super::client::Told;
use super::{meaning, names, payload, view, webhook};
use crate::shared::fuzzing::{Target, check_event};
use crate::shared::raw_json::Object;
use crate::shared::secrets::signature::Secrets;
use crate::shared::store::Item;

/// Name and body of every target of this channel.
pub const TARGETS: &[Target] =
    &[("viber_callback", callback), ("viber_ids", ids), ("viber_signature", signature), ("viber_answer", answer)];

/// A callback is one event that can be stored, means something and can be shown; a repeat has the same key.
fn callback(bytes: &[u8]) {
    let account = names::account("5346594275468546724");
    for account in [account.as_ref(), None] {
        let event = payload::event(account, bytes);
        assert_eq!(event.payload, bytes);
        check_event(&event, |account| names::account(account).is_some());
        assert_eq!(event.key, payload::event(account, bytes).key);
        let item = Item { seq: 1, at: 1, kind: event.kind.to_string(), payload: event.payload };
        let _ = (
            meaning::of(&item),
            (view::VIEW.conversations).map(|show| show("1", &item)),
            view::name_of(&item.kind, &item.payload),
        );
    }
}

/// What has a name is safe in a path, and leads back to its id.
fn ids(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(name) = names::person(&text) {
        assert_eq!(names::id_of(name.as_str()).as_deref(), Some(&*text));
    }
    if let Some(name) = names::account(&text) {
        assert!(name.as_str().bytes().all(|byte| byte.is_ascii_digit()));
    }
}

/// Nothing is believed that was not signed.
fn signature(bytes: &[u8]) {
    let token = Secrets::new("a token that fuzzers cannot guess".into(), None);
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        headers.append(webhook::SIGNATURE, value);
    }
    let query = String::from_utf8_lossy(bytes);
    assert!(webhook::verify(&token, &headers, Some(&query), bytes).is_err());
    assert!(webhook::verify(&token, &HeaderMap::new(), Some(&query), bytes).is_err());
}

/// An answer has a status or is not Viber's, and its token is never reckoned with.
fn answer(bytes: &[u8]) {
    if let Some(told) = Told::read(bytes)
        && let Some(token) = Object::parse(&told.text).as_ref().and_then(payload::token_of)
    {
        assert!((1..=40).contains(&token.len()));
    }
}
