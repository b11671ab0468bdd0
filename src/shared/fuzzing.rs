//! Bytes that no channel alone reads, for the fuzzers: what must hold for each, whatever they are.

use http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use super::clock::Clock;
use super::files::path::Name;
use super::journal::{Effect, Event};
use super::outgoing::answer;
use super::raw_json::{Object, elements};
use super::secrets::signature::{from_hex, to_hex};
use super::secrets::vault::{Place, Purpose, Vault, VaultError, parse_key};
use super::server::proxies::Proxies;
use super::server::{cookies, wire};

/// Name and body of a target: what must hold for all bytes, or else it panics.
pub type Target = (&'static str, fn(&[u8]));

/// Name and body of every target.
pub const TARGETS: &[Target] = &[
    ("cookies", cookies),
    ("forwarded", forwarded),
    ("json", json),
    ("request_heads", wire::fuzz),
    ("retry_after", retry_after),
    ("sealed", sealed),
];

/// What every event keeps to, so that it can be stored and become a file.
pub fn check_event(event: &Event, is_account: impl Fn(&str) -> bool) {
    assert!(event.account.is_empty() || is_account(&event.account), "{:?}", event.account);
    assert!((1..=80).contains(&event.kind.chars().count()), "{:?}", event.kind);
    match &event.effect {
        Effect::Conversation { person, .. }
        | Effect::Report { person }
        | Effect::Receipt { person: Some(person), .. }
        | Effect::Unsend { person, .. } => {
            assert!(Name::parse(person).is_ok(), "{person:?}");
            assert!(!event.account.is_empty());
            assert!(serde_json::from_slice::<&serde_json::value::RawValue>(&event.payload).is_ok());
        }
        Effect::Receipt { person: None, .. } | Effect::Reread(_) => assert!(!event.account.is_empty()),
        Effect::SetAside(reason) => assert!(!reason.is_empty()),
    }
}

/// A cookie that is found stands in the header, and holds none of the characters that end one.
fn cookies(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, value);
    for found in cookies::all(&headers, "session_id") {
        assert!(found.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(bytes.windows(11).any(|window| window == b"session_id="));
    }
}

/// Nobody becomes a proxy by what they send, and without a proxy nothing they send counts.
fn forwarded(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", value);
    let peer = std::net::IpAddr::from([192, 0, 2, 1]);
    assert_eq!(Proxies::default().client(peer, &headers), peer);
    if let Ok(proxies) = "192.0.2.0/24".parse::<Proxies>() {
        let _ = proxies.client(peer, &headers);
    }
}

/// Looking into JSON finds an object where serde does, and gives members that are JSON themselves.
fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let object = Object::parse(text);
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        assert_eq!(object.is_some(), value.is_object());
        assert_eq!(elements(text).is_some(), value.is_array());
        let members = value.as_object().into_iter().flatten();
        for (name, member) in members {
            let found =
                object.as_ref().and_then(|object| object.get(name)).and_then(|raw| serde_json::from_str(raw).ok());
            assert_eq!(found.as_ref(), Some(member), "{name}");
        }
    }
    let Some(object) = object else { return };
    for name in ["id", "a", ""] {
        let _ = (object.text(name), object.integer(name), object.is_true(name), object.has(name));
        if let Some(raw) = object.get(name) {
            assert!(text.contains(raw));
        }
        let _ = object.object(name);
    }
}

/// A platform can make us wait an hour and no longer.
fn retry_after(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, value);
    let wait = answer::retry_after(&headers, &Clock::manual(chrono::DateTime::UNIX_EPOCH));
    assert!(wait.is_none_or(|wait| wait.as_secs() <= 3600), "{wait:?}");
}

/// Nothing opens but what was sealed, and that only as it was.
fn sealed(bytes: &[u8]) {
    const PLACE: Place<'_> = Place { table: "t", column: "c", channel: "x", account: "1", row: b"r" };
    let vault = Vault::new(Zeroizing::new(std::array::from_fn(|at| u8::try_from(at).unwrap_or(0))));
    let opened = vault.open(Purpose::Tokens, &PLACE, bytes);
    assert!(opened.is_err(), "something opened that was never sealed");
    // Behind the right version and key id, so that the changes reach the cipher.
    let with_head = [&[1][..], &vault.newest(), bytes].concat();
    let opened = vault.open(Purpose::Tokens, &PLACE, &with_head);
    assert!(matches!(opened, Err(VaultError::Rejected | VaultError::Malformed)));
    if let Ok(sealed) = vault.seal(Purpose::Tokens, &PLACE, bytes) {
        assert_eq!(vault.open(Purpose::Tokens, &PLACE, &sealed).ok().as_deref().map(Vec::as_slice), Some(bytes));
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = parse_key(&text);
    if let Some(read) = from_hex(&text) {
        assert_eq!(to_hex(&read), text.to_ascii_lowercase());
    }
}
