//! What Shopify sends: shop domains, and a delivery with its headers as an event.
//!
//! Only the body is signed. Headers are claims: they must parse and agree with the body before anything follows from
//! them. Source: <https://shopify.dev/docs/apps/build/webhooks> (2026).

use std::fmt;

use chrono::DateTime;
use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::names::{COLLECTION_GID, DISCOUNT_GID, ITEM_GID, NAME, PRODUCT_GID};
use super::read_request::OwnRequest;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::files::path::Name;
use crate::shared::journal::{DedupeKey, Effect, Event, Source, kept_of_no_object};
use crate::shared::raw_json::{Object, is_too_deep};

const SUFFIX: &str = ".myshopify.com";

const UNINSTALLED: &str = "app/uninstalled";

/// A shop's domain: `[a-z0-9][a-z0-9-]*.myshopify.com`, at most 100 bytes. The only way to a Shopify host; the client
/// secret goes there and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShopDomain(Name);

impl ShopDomain {
    /// Reads a whole domain, in any case of letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let name = text.strip_suffix(SUFFIX)?;
        let good = text.len() <= 100
            && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if good { Name::parse(&text).ok().map(Self) } else { None }
    }

    /// Reads a shop's name with or without `.myshopify.com`.
    #[must_use]
    pub fn parse_name(text: &str) -> Option<Self> {
        if text.contains('.') { Self::parse(text) } else { Self::parse(&format!("{text}{SUFFIX}")) }
    }

    /// Reads what a merchant has at hand: the name, the domain, or an address of the shop's admin
    /// (`https://admin.shopify.com/store/NAME`, `https://NAME.myshopify.com/admin`), with blanks around it.
    #[must_use]
    pub fn parse_typed(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(&text);
        let mut parts = rest.split(['/', '?', '#']);
        match (parts.next()?, parts.next(), parts.next()) {
            ("admin.shopify.com", Some("store"), Some(name)) if !name.contains('.') => Self::parse_name(name),
            // A name alone has no path behind it.
            (name, None | Some(""), _) => Self::parse_name(name),
            (domain, Some(_), _) => Self::parse(domain),
        }
    }

    /// The domain as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The domain as a part of a path: it is its own name.
    #[must_use]
    pub fn as_name(&self) -> &Name {
        &self.0
    }
}

impl fmt::Display for ShopDomain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What must be read again because of a topic. `None`: the topic is not handled.
fn effect_of(topic: &str, body: &Object<'_>) -> Option<Effect> {
    let number = |member: &str| body.text(member).filter(|id| is_number(id));
    let one = |start: &str, member: &str| number(member).map(|id| OwnRequest::single(format!("{start}{id}")));
    // Where a body does not say which object it is about, all of the kind are read.
    let own = match topic {
        "products/create" | "products/update" | "products/delete" => {
            one(PRODUCT_GID, "id").unwrap_or(OwnRequest::Products)
        }
        "inventory_levels/update" | "inventory_levels/connect" | "inventory_levels/disconnect" => {
            one(ITEM_GID, "inventory_item_id").unwrap_or(OwnRequest::Products)
        }
        "collections/create" | "collections/update" | "collections/delete" => {
            one(COLLECTION_GID, "id").unwrap_or(OwnRequest::Collections)
        }
        "discounts/create"
        | "discounts/update"
        | "discounts/delete"
        | "discounts/redeemcode_added"
        | "discounts/redeemcode_removed" => body
            .text("admin_graphql_api_id")
            .filter(|id| is_discount(id))
            .map_or(OwnRequest::Discounts, OwnRequest::single),
        "bulk_operations/finish" => OwnRequest::BulkEnd,
        "shop/update" => OwnRequest::Shop,
        // What is granted at this moment is asked for: the message may be old.
        "app/scopes_update" => return Some(Effect::Reread(ReadRequest::HourlyCheck)),
        _ => return None,
    };
    Some(Effect::Reread(own.into()))
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_discount(id: &str) -> bool {
    ["Node/", "CodeNode/", "AutomaticNode/"]
        .iter()
        .any(|kind| id.strip_prefix(DISCOUNT_GID).and_then(|rest| rest.strip_prefix(kind)).is_some_and(is_number))
}

/// The name of a delivery for an operator who asks what became of it: its `X-Shopify-Webhook-Id`.
#[must_use]
pub fn key_of_delivery(account: &str, webhook_id: &str) -> Option<DedupeKey> {
    Some(DedupeKey::new(NAME, account, &[b"webhook id", webhook_id.as_bytes()]))
}

/// The shop that the headers claim.
#[must_use]
pub fn claimed_shop(headers: &HeaderMap) -> Option<ShopDomain> {
    ShopDomain::parse(header(headers, "x-shopify-shop-domain"))
}

/// Whether the headers claim that the app was removed.
#[must_use]
pub fn claims_uninstall(headers: &HeaderMap) -> bool {
    header(headers, "x-shopify-topic") == UNINSTALLED
}

/// Whether a body is a text that Shopify signs with the same secret and for another purpose: the query of a login, of an
/// install link or of an app proxy (whose pairs have nothing between them), or the head and claims of a session token.
#[must_use]
pub fn is_signed_for_something_else(body: &[u8]) -> bool {
    let has = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    let is_token = body.starts_with(b"eyJ")
        && body.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'='));
    !is_object && (is_token || (has("shop=") && has("timestamp=")))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Turns a delivery, whose signature is right, into its event. Nothing is lost: what cannot be read, is unknown or
/// contradicts itself is set aside.
///
/// `login`: when the claimed shop was connected, in milliseconds since 1970; `None`: it is not. Only an uninstall needs
/// the true time, because two of one shop may say the same. `now_ms`: when it came.
#[must_use]
pub fn event(headers: &HeaderMap, body: &[u8], login: Option<i64>, now_ms: i64) -> Event {
    let topic = header(headers, "x-shopify-topic");
    let shop = claimed_shop(headers);
    let object = std::str::from_utf8(body).ok().and_then(Object::parse);
    let account = shop.as_ref().map_or("", ShopDomain::as_str);
    let triggered_at = triggered_at(headers);
    let effect = match (&shop, &object) {
        (None, _) => Effect::SetAside("no shop is named".into()),
        (_, None) => Effect::SetAside("not a JSON object".into()),
        (Some(shop), Some(object)) if contradicts(shop, object) => {
            Effect::SetAside("the body is about another shop than the header".into())
        }
        (Some(_), Some(_)) if std::str::from_utf8(body).is_ok_and(is_too_deep) => {
            Effect::SetAside("nested too deeply".into())
        }
        (_, Some(object)) if is_of_another_topic(topic, object) => {
            Effect::SetAside("the body is about another kind of object than the header".into())
        }
        (Some(_), Some(object)) if topic == UNINSTALLED => farewell(object, triggered_at),
        (_, Some(object)) => effect_of(topic, object).unwrap_or(Effect::SetAside("a topic that is not handled".into())),
    };
    let webhook_id = header(headers, "x-shopify-webhook-id");
    Event {
        channel: NAME,
        account: account.to_owned(),
        key: key(topic, body, object.as_ref(), &effect, (login, happening(topic, headers, login, now_ms))),
        name: if webhook_id.is_empty() { None } else { key_of_delivery(account, webhook_id) },
        kind: if topic.is_empty() { "unknown".into() } else { topic.chars().take(60).collect::<String>().into() },
        effect,
        occurred_at: triggered_at.map(|time| time.timestamp_millis()),
        source: Source::Webhook,
        payload: if object.is_some() { body } else { kept_of_no_object(body) }.to_vec(),
    }
}

/// The key of a delivery: what was signed, the body alone. Headers are claims, so under another webhook id or another
/// connected shop a captured body stays the one that is known. The topic takes part as far as it is one that is handled,
/// because Shopify itself sends one body under two of them.
///
/// What is set aside, and what comes before its shop is connected, has keys of its own: a false claim that is first must
/// not stand in the way of the true delivery.
fn key(
    topic: &str,
    body: &[u8],
    object: Option<&Object<'_>>,
    effect: &Effect,
    (login, happening): (Option<i64>, Vec<u8>),
) -> DedupeKey {
    let hash = Sha256::digest(body);
    let made_of = |parts: &[&[u8]]| DedupeKey::new(NAME, "", parts);
    let Some(object) = object else { return DedupeKey::of_no_object(NAME, body) };
    let is_handled = topic == UNINSTALLED || is_compliance(topic) || effect_of(topic, object).is_some();
    let topic = if is_handled || topic.is_empty() { topic } else { "another" };
    match (effect, login) {
        (Effect::SetAside(_), _) => made_of(&[b"apart", topic.as_bytes(), &hash]),
        (_, None) => made_of(&[b"not connected", topic.as_bytes(), &hash]),
        (_, Some(_)) if happening.is_empty() => made_of(&[b"signed", topic.as_bytes(), &hash]),
        (_, Some(_)) => made_of(&[b"signed", topic.as_bytes(), &hash, &happening]),
    }
}

/// Of a topic whose body says the same whenever it happens, because it holds no time and no id that is used once: what
/// tells one happening from the next. Nothing of that is signed, so that under ever new claims a captured body must not
/// become ever more events.
///
/// Of a disconnected inventory level it is the delivery's own id, the same when Shopify repeats it, but each hour no more of
/// them than there are bytes: what happens twice leads to a read, and a read too few is made up for by the daily poll. Of an
/// uninstall it is the login that it would end, whether it is said to be older than that, and otherwise the hour of which it
/// speaks, which is never one to come: a late repeat of an earlier one must not stand in the way of the true one.
/// Source: <https://shopify.dev/docs/api/webhooks/latest?reference=toml#list-of-topics> (2026).
fn happening(topic: &str, headers: &HeaderMap, login: Option<i64>, now_ms: i64) -> Vec<u8> {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    let hour = |at_ms: i64| at_ms.div_euclid(HOUR_MS).to_be_bytes();
    match (topic, login) {
        ("inventory_levels/disconnect", _) => {
            let place = Sha256::digest(header(headers, "x-shopify-webhook-id"))[0];
            [&[place][..], &hour(now_ms)].concat()
        }
        (UNINSTALLED, Some(login)) => {
            let said_at = triggered_at(headers).map(|at| at.timestamp_millis()).filter(|at| *at > login);
            let hour = said_at.map(|at| hour(at.min(now_ms))).unwrap_or_default();
            [login.to_be_bytes(), hour].concat()
        }
        _ => Vec::new(),
    }
}

/// When the headers claim that it happened.
fn triggered_at(headers: &HeaderMap) -> Option<DateTime<chrono::FixedOffset>> {
    DateTime::parse_from_rfc3339(header(headers, "x-shopify-triggered-at")).ok()
}

fn is_compliance(topic: &str) -> bool {
    matches!(topic, "customers/data_request" | "customers/redact" | "shop/redact")
}

/// Whether the body says that it is of another kind than the topic claims.
fn is_of_another_topic(topic: &str, body: &Object<'_>) -> bool {
    let kind = match topic.split_once('/') {
        Some(("products", _)) => PRODUCT_GID,
        Some(("collections", _)) => COLLECTION_GID,
        Some(("discounts", _)) => DISCOUNT_GID,
        _ => return false,
    };
    body.text("admin_graphql_api_id").is_some_and(|id| id.starts_with("gid://") && !id.starts_with(kind))
}

/// An uninstall erases tokens, so nothing about it may be missing: the body names the shop (the same as the header, or it
/// would be apart by now), and it is known when it happened. Whether it is true, the API says.
fn farewell(body: &Object<'_>, triggered_at: Option<DateTime<chrono::FixedOffset>>) -> Effect {
    match (body.text("myshopify_domain"), triggered_at) {
        (None, _) => Effect::SetAside("an uninstall that names no shop".into()),
        (_, None) => Effect::SetAside("an uninstall without its time".into()),
        (Some(_), Some(at)) => Effect::Reread(ReadRequest::Uninstalled { at: at.timestamp_millis() }),
    }
}

/// Whether the body names another shop than the header.
fn contradicts(shop: &ShopDomain, body: &Object<'_>) -> bool {
    ["myshopify_domain", "shop_domain"]
        .iter()
        .filter_map(|member| body.text(member))
        .any(|domain| ShopDomain::parse(&domain).as_ref() != Some(shop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_understood_by_whatever_a_merchant_has_at_hand() {
        for typed in [
            "demo-shop",
            " Demo-Shop ",
            "demo-shop.myshopify.com",
            "https://demo-shop.myshopify.com",
            "https://demo-shop.myshopify.com/admin",
            "http://demo-shop.myshopify.com/admin/products?selectedView=all",
            "https://admin.shopify.com/store/demo-shop",
            "admin.shopify.com/store/demo-shop/products#new",
            "\thttps://admin.shopify.com/store/demo-shop/?x=1\n",
        ] {
            assert_eq!(
                ShopDomain::parse_typed(typed).as_ref().map(ShopDomain::as_str),
                Some("demo-shop.myshopify.com"),
                "{typed}"
            );
        }
        for typed in [
            "",
            "my shop",
            "https://shop.example.com",
            "https://admin.shopify.com",
            "https://admin.shopify.com/store/",
            "https://admin.shopify.com/store/evil.example",
            "demo-shop.myshopify.com.evil.example",
            "https://evil.example/store/demo-shop.myshopify.com",
            "demo-shop/admin",
            "https://user@demo-shop.myshopify.com/",
        ] {
            assert_eq!(ShopDomain::parse_typed(typed), None, "{typed}");
        }
    }

    #[test]
    fn only_whole_domains_of_shopify_are_shops() {
        for good in ["demo.myshopify.com", "Demo-1.myshopify.com", "0a.myshopify.com"] {
            assert!(ShopDomain::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            ".myshopify.com",
            "-a.myshopify.com",
            "a.b.myshopify.com",
            "evil.example",
            "a.myshopify.com.evil.example",
            "a.myshopify.com\n",
            "\na.myshopify.com",
            "a.myshopify.com:80",
            "u@a.myshopify.com",
            "a.myshopify.com/",
            "evil.example/a.myshopify.com",
            "evil.example?x.myshopify.com",
            "ä.myshopify.com",
            "a_b.myshopify.com",
            "a.myshopify.com.",
        ] {
            assert!(ShopDomain::parse(bad).is_none(), "{bad:?}");
            assert!(ShopDomain::parse_name(bad).is_none(), "{bad:?}");
        }
        assert!(ShopDomain::parse(&format!("{}.myshopify.com", "a".repeat(87))).is_none());
        assert_eq!(ShopDomain::parse_name("Demo"), ShopDomain::parse("demo.myshopify.com"));
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|&(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_product_event_names_the_product_whatever_the_size_of_its_id() {
        let headers =
            headers(&[("x-shopify-topic", "products/update"), ("x-shopify-shop-domain", "demo.myshopify.com")]);
        let event = event(&headers, br#"{"id":9007199254740993}"#, Some(0), 0);
        assert_eq!(event.effect, Effect::Reread(OwnRequest::single("gid://shopify/Product/9007199254740993").into()));
    }

    #[test]
    fn a_body_about_another_shop_is_set_apart() {
        let headers = headers(&[("x-shopify-topic", "shop/update"), ("x-shopify-shop-domain", "demo.myshopify.com")]);
        let event = event(&headers, br#"{"myshopify_domain":"other.myshopify.com"}"#, Some(0), 0);
        assert!(matches!(event.effect, Effect::SetAside(_)));
    }

    #[test]
    fn a_repeat_has_the_key_of_what_was_signed() {
        let key = |id: &'static str, shop: &'static str, body: &[u8], login| {
            let pairs =
                [("x-shopify-webhook-id", id), ("x-shopify-shop-domain", shop), ("x-shopify-topic", "products/update")];
            event(&headers(&pairs), body, login, 0).key
        };
        let (one, two) = ("one.myshopify.com", "two.myshopify.com");
        let known = key("1", one, br#"{"id":1}"#, Some(0));
        for (id, shop) in [("1", one), ("2", one), ("", one), ("1", two), ("2", two)] {
            assert_eq!(key(id, shop, br#"{"id":1}"#, Some(7)), known, "{id} {shop}");
        }
        assert_ne!(key("1", one, br#"{"id":2}"#, Some(0)), known);
        // A false claim that comes first does not stand in the way.
        assert_ne!(key("1", one, br#"{"id":1}"#, None), known);
        assert_ne!(key("1", "", br#"{"id":1}"#, Some(0)), known);
    }

    #[test]
    fn a_body_that_is_no_object_is_one_of_so_many() {
        let body = "x".repeat(9000);
        let event = event(&headers(&[]), body.as_bytes(), None, 0);
        assert_eq!(event.key, DedupeKey::of_no_object(NAME, body.as_bytes()));
        assert!(event.payload.len() < body.len());
    }

    #[test]
    fn what_a_body_without_a_time_tells_a_second_time_is_new_and_a_repeat_is_not() {
        let key = |id: &str, topic: &'static str, now_ms| {
            let mut claims = headers(&[("x-shopify-shop-domain", "demo.myshopify.com"), ("x-shopify-topic", topic)]);
            claims.insert("x-shopify-webhook-id", http::HeaderValue::from_str(id).expect("a header"));
            *event(&claims, br#"{"inventory_item_id":1,"location_id":2}"#, Some(0), now_ms).key.as_bytes()
        };
        let topic = "inventory_levels/disconnect";
        assert_eq!(key("one", topic, 0), key("one", topic, 3_599_999));
        assert_ne!(key("one", topic, 0), key("two", topic, 0));
        assert_ne!(key("one", topic, 0), key("one", topic, 3_600_000));
        assert_eq!(key("one", "inventory_levels/update", 0), key("two", "inventory_levels/update", 3_600_000));
        // Nobody makes ever more events of a body that was captured.
        let all: std::collections::BTreeSet<_> = (0..5_000).map(|id| key(&id.to_string(), topic, 0)).collect();
        assert_eq!(all.len(), 256);
    }

    #[test]
    fn an_uninstall_of_a_newer_login_is_new_though_it_says_the_same() {
        let headers = headers(&[
            ("x-shopify-topic", "app/uninstalled"),
            ("x-shopify-shop-domain", "demo.myshopify.com"),
            ("x-shopify-triggered-at", "2026-11-21T12:00:00Z"),
        ]);
        let key = |login| event(&headers, br#"{"myshopify_domain":"demo.myshopify.com"}"#, Some(login), 0).key;
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
    }

    #[test]
    fn other_texts_that_shopify_signs_are_no_deliveries() {
        for text in [
            "code=0907a61c&shop=demo.myshopify.com&state=0.6784&timestamp=1337178173",
            "path_prefix=/apps/aweshop=demo.myshopify.comtimestamp=1317327555",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwcyJ9",
        ] {
            assert!(is_signed_for_something_else(text.as_bytes()), "{text}");
        }
        for text in [r#"{"note":"shop=1&timestamp=2"}"#, " {}", "not JSON", "", "[1]"] {
            assert!(!is_signed_for_something_else(text.as_bytes()), "{text}");
        }
    }
}
