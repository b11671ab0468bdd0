//! Shopify's bytes for the fuzzers: what must hold for each, whatever they are.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::catalogue::by_bulk;
use super::config::AdminUrl;
use super::payload::{ShopDomain, event};
use super::refusal;
use super::signed_query::SignedQuery;
use super::token_endpoint::TokenAnswer;
use super::tokens::split;
use crate::shared::fuzzing::{Target, check_event};
use crate::shared::journal::Effect;
use crate::shared::secrets::signature::Secrets;

/// Name and body of every target of this channel.
pub const TARGETS: &[Target] = &[
    ("shopify_delivery", delivery),
    ("shopify_names", names),
    ("shopify_answer", answer),
    ("shopify_bulk", by_bulk::fuzz),
    ("shopify_query", query),
    ("shopify_token", token),
];

/// Header lines, an empty line, a body. The event can be stored, and a repeat has the same key.
fn delivery(bytes: &[u8]) {
    let end = bytes.windows(2).position(|window| window == b"\n\n");
    let (head, body) = end.map_or((&[][..], bytes), |end| (&bytes[..end], &bytes[end + 2..]));
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii())) {
            headers.append(name, value);
        }
    }
    let one = event(&headers, body, Some(0), 0);
    check_event(&one, |account| ShopDomain::parse(account).is_some());
    headers.insert("x-shopify-webhook-id", HeaderValue::from_static("another"));
    assert_eq!(one.key, event(&headers, body, Some(0), 0).key);
    assert!(body.starts_with(&one.payload) && (one.payload == body || matches!(one.effect, Effect::SetAside(_))));
}

/// What passes as a shop names one host of Shopify's and nothing else.
fn names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for shop in [ShopDomain::parse(&text), ShopDomain::parse_name(&text)].into_iter().flatten() {
        let Ok(base) = AdminUrl::parse("https://{shop}") else { continue };
        let url = base.at(&shop, &["admin"]).map(|url| url.to_string());
        // A name that begins like an international one, and is none, makes no address at all.
        assert!(url.is_none_or(|url| url == format!("https://{shop}/admin")), "{shop}");
        assert!(shop.as_str().len() <= 100 && shop.as_str().ends_with(".myshopify.com"));
    }
}

/// Errors of an answer become short codes, whatever stands there.
fn answer(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    for code in refusal::error_codes(&value["errors"]) {
        assert!(code.chars().count() <= 40);
    }
    for scope in refusal::denied_scopes(&value["errors"]) {
        assert!(scope.len() <= 60 && scope.is_ascii());
    }
}

/// Whatever the token endpoint says of lives, the times that are stored can be reckoned with.
fn token(bytes: &[u8]) {
    for now_ms in [0, 1_795_262_400_000] {
        let Ok(answer) = serde_json::from_slice::<TokenAnswer>(bytes) else { return };
        let (access, refresh) = split(answer, now_ms);
        for ends in [access.expires_at, refresh.and_then(|refresh| refresh.expires_at)].into_iter().flatten() {
            assert!(ends.unsigned_abs() < i64::MAX.unsigned_abs() / 1000, "{ends}");
        }
    }
}

/// A query that Shopify did not sign is never taken for signed, and a repeated parameter is never overlooked.
fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let query = SignedQuery::parse(&text);
    assert!(!query.is_signed(&Secrets::new("a secret that fuzzers cannot guess".into(), None)));
    assert!(SignedQuery::parse(&format!("{text}&shop=a&shop=b")).repeats_a_parameter());
    if query.is_fresh(1_000_000) {
        let timestamp = query.get("timestamp").and_then(|text| text.parse::<i64>().ok());
        assert!(timestamp.is_some_and(|timestamp| timestamp.abs_diff(1_000_000) <= 90));
    }
}
