//! The compliance topics: what Shopify asks of every app for the sake of people's data.
//!
//! They arrive as deliveries, at the same address. What they say of a customer (mail, phone) is not kept: it would be just
//! what is to be erased. Each leaves a receipt.
//! Source: <https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance> (2026).

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::names::NAME;
use super::payload::{self, ShopDomain};
use super::state::Shopify;
use crate::shared::erasure::Scope;
use crate::shared::journal::{Effect, Event};
use crate::shared::raw_json::Object;
use crate::shared::telemetry::alerts::Cause;

/// Mails and phone numbers shorter than this say too little to be looked for.
const SHORTEST_TEXT: usize = 5;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A customer wants to know what is kept about them.
    DataRequest,
    /// What is kept about a customer is to be erased.
    CustomerRedact,
    /// What is kept about a shop is to be erased: it uninstalled the app two days ago.
    ShopRedact,
}

impl Topic {
    /// The topic of a delivery, if it is one of these.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        match headers.get("x-shopify-topic")?.as_bytes() {
            b"customers/data_request" => Some(Self::DataRequest),
            b"customers/redact" => Some(Self::CustomerRedact),
            b"shop/redact" => Some(Self::ShopRedact),
            _ => None,
        }
    }

    fn cause(self) -> &'static str {
        match self {
            Self::DataRequest => "shopify customers/data_request",
            Self::CustomerRedact => "shopify customers/redact",
            Self::ShopRedact => "shopify shop/redact",
        }
    }
}

/// Takes a delivery of this topic, whose signature is right: stores that it came, and writes down what follows. 503 when
/// that is not possible now; then Shopify sends it again.
pub async fn take(shopify: &Shopify, topic: Topic, headers: &HeaderMap, body: &[u8]) -> Response {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let object = Object::parse(text);
    let mut event = payload::event(headers, body);
    let key = event.key;
    let shop = match agreed(&event, object.as_ref()) {
        Ok(shop) => shop,
        Err(reason) => {
            tracing::warn!(topic = topic.cause(), reason = &*reason, "a compliance request was set apart");
            event.effect = Effect::SetAside(reason);
            if topic != Topic::ShopRedact && object.is_some() {
                event.payload = without_customer(object.as_ref());
            }
            return shopify.intake.store(vec![event]).await;
        }
    };
    event.payload = without_customer(object.as_ref());
    let allowed = match topic {
        Topic::ShopRedact => may_be_erased(shopify, &shop, event.occurred_at).await,
        Topic::DataRequest | Topic::CustomerRedact => Ok(true),
    };
    event.effect = Effect::SetAside(match allowed {
        Ok(true) => "a compliance request: it has a receipt".into(),
        Ok(false) => "a request to erase a shop that was installed again later".into(),
        Err(_) => "a compliance request".into(),
    });
    let stored = shopify.intake.store(vec![event]).await;
    if stored.status() != StatusCode::OK {
        return stored;
    }
    // After the event: what is erased includes it.
    let done = async {
        if allowed? {
            carry_out(shopify, topic, &shop, object.as_ref(), key.as_bytes()).await?;
        }
        anyhow::Ok(())
    };
    match done.await {
        Ok(()) => stored,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), topic = topic.cause(), "a request could not be written down");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// The shop that header and body agree on.
fn agreed(event: &Event, body: Option<&Object<'_>>) -> Result<ShopDomain, Cow<'static, str>> {
    if let Effect::SetAside(reason) = &event.effect
        && body.is_none()
    {
        return Err(reason.clone());
    }
    let header = ShopDomain::parse(&event.account).ok_or("no shop is named")?;
    let named = body.and_then(|body| body.text("shop_domain")).and_then(|domain| ShopDomain::parse(&domain));
    if named.as_ref() == Some(&header) {
        Ok(header)
    } else {
        Err("the body is about another shop than the header".into())
    }
}

/// Whether a shop may be erased: not if it was installed after the request, which then concerns an older install.
async fn may_be_erased(shopify: &Shopify, shop: &ShopDomain, triggered_at: Option<i64>) -> anyhow::Result<bool> {
    let connected_at = shopify.shared.connections.find(NAME, shop.as_str()).await?.map(|known| known.connected_at);
    let former = shopify.shared.erasure.former(NAME, shop.as_str()).await?.map(|former| former.connected_at);
    Ok(match (connected_at.max(former), triggered_at) {
        (None, _) => true,
        (Some(installed), Some(triggered)) => triggered > installed,
        // It does not say when it was triggered: only what is not installed is erased.
        (Some(_), None) => connected_at.is_none(),
    })
}

async fn carry_out(
    shopify: &Shopify,
    topic: Topic,
    shop: &ShopDomain,
    body: Option<&Object<'_>>,
    request: &[u8],
) -> anyhow::Result<()> {
    let (channel, account) = (NAME.to_owned(), shop.to_string());
    let scopes = match topic {
        Topic::DataRequest => Vec::new(),
        Topic::CustomerRedact => {
            let texts = customer_texts(body);
            if texts.is_empty() { Vec::new() } else { vec![Scope::Mentions { channel, account, texts }] }
        }
        Topic::ShopRedact => vec![Scope::Account { channel, account }],
    };
    let code = shopify.shared.erasure.request(scopes, topic.cause(), Some(request)).await?;
    if topic == Topic::DataRequest {
        shopify.shared.alerts.raise(
            Cause::of_account(NAME, shop.as_str(), "data_request"),
            &format!(
                "A customer of a shop wants to know what is kept about them (receipt {code}). This service keeps nothing \
                 about a shop's customers: it reads the catalogue only, and Messenger conversations are not linked to \
                 customers of the shop. Tell the shop's owner so within 30 days; the shop is named in this alert's cause."
            ),
        );
    }
    Ok(())
}

/// What would name the customer in something that was set aside.
fn customer_texts(body: Option<&Object<'_>>) -> Vec<String> {
    let Some(customer) = body.and_then(|body| body.object("customer")) else { return Vec::new() };
    let mut texts: Vec<String> = ["email", "phone"]
        .iter()
        .filter_map(|member| customer.text(member).map(Cow::into_owned))
        .filter(|text| text.len() >= SHORTEST_TEXT)
        .collect();
    texts.extend(customer.text("id").map(|id| format!("gid://shopify/Customer/{id}")));
    texts
}

/// What is kept of the request itself: nothing about the customer.
fn without_customer(body: Option<&Object<'_>>) -> Vec<u8> {
    let request = body.and_then(|body| body.object("data_request")).and_then(|request| request.integer("id"));
    let shop_id = body.and_then(|body| body.integer("shop_id"));
    let shop = body.and_then(|body| body.text("shop_domain"));
    json!({ "shop_id": shop_id, "shop_domain": shop, "data_request": request.map(|id| json!({ "id": id })) })
        .to_string()
        .into_bytes()
}
