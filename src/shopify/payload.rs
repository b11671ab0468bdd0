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
use crate::shared::journal::{DedupeKey, Effect, Event, Source};
use crate::shared::raw_json::Object;

const SUFFIX: &str = ".myshopify.com";

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

/// The key of a delivery: its `X-Shopify-Webhook-Id`, which its repeats share.
fn delivery_key(account: &str, webhook_id: &str) -> DedupeKey {
    DedupeKey::new(NAME, account, &[b"webhook id", webhook_id.as_bytes()])
}

/// The key of a delivery, of which an operator knows the id.
#[must_use]
pub fn key_of_delivery(account: &str, webhook_id: &str) -> Option<DedupeKey> {
    Some(delivery_key(account, webhook_id))
}

/// Turns a delivery, whose signature is right, into its event. Nothing is lost: what cannot be read, is unknown or
/// contradicts itself is set aside.
#[must_use]
pub fn event(headers: &HeaderMap, body: &[u8]) -> Event {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let topic = header("x-shopify-topic");
    let shop = ShopDomain::parse(header("x-shopify-shop-domain"));
    let account = shop.as_ref().map_or("", ShopDomain::as_str);
    let object = std::str::from_utf8(body).ok().and_then(Object::parse);
    let triggered_at = DateTime::parse_from_rfc3339(header("x-shopify-triggered-at")).ok();
    let effect = match (&shop, &object) {
        (None, _) => Effect::SetAside("no shop is named".into()),
        (_, None) => Effect::SetAside("not a JSON object".into()),
        (Some(shop), Some(object)) if contradicts(shop, object) => {
            Effect::SetAside("the body is about another shop than the header".into())
        }
        (Some(_), Some(object)) if topic == "app/uninstalled" => farewell(object, triggered_at),
        (_, Some(object)) => effect_of(topic, object).unwrap_or(Effect::SetAside("a topic that is not handled".into())),
    };
    let webhook_id = header("x-shopify-webhook-id");
    let key = if webhook_id.is_empty() {
        DedupeKey::new(NAME, account, &[b"body", topic.as_bytes(), &Sha256::digest(body)])
    } else {
        delivery_key(account, webhook_id)
    };
    Event {
        channel: NAME,
        account: account.to_owned(),
        key,
        kind: if topic.is_empty() { "unknown".into() } else { topic.chars().take(60).collect::<String>().into() },
        effect,
        occurred_at: triggered_at.map(|time| time.timestamp_millis()),
        source: Source::Webhook,
        payload: body.to_vec(),
    }
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
        let event = event(&headers, br#"{"id":9007199254740993}"#);
        assert_eq!(event.effect, Effect::Reread(OwnRequest::single("gid://shopify/Product/9007199254740993").into()));
    }

    #[test]
    fn a_body_about_another_shop_is_set_apart() {
        let headers = headers(&[("x-shopify-topic", "shop/update"), ("x-shopify-shop-domain", "demo.myshopify.com")]);
        let event = event(&headers, br#"{"myshopify_domain":"other.myshopify.com"}"#);
        assert!(matches!(event.effect, Effect::SetAside(_)));
    }

    #[test]
    fn a_repeat_has_the_key_of_its_webhook_id() {
        let key = |id: &'static str, body: &[u8]| event(&headers(&[("x-shopify-webhook-id", id)]), body).key;
        assert_eq!(key("one", b"{}"), key("one", b"{ }"));
        assert_ne!(key("one", b"{}"), key("two", b"{}"));
        assert_ne!(key("", b"{}"), key("", b"{ }"));
    }
}
