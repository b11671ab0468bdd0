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
use super::payload::ShopDomain;
use super::state::Shopify;
use super::uninstalled::{contradiction, is_login_refused};
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::ReadError;
use crate::shared::erasure::Scope;
use crate::shared::journal::{Effect, Event};
use crate::shared::outgoing::http::Patience;
use crate::shared::raw_json::Object;
use crate::shared::telemetry::alerts::Cause;
use crate::shared::telemetry::once_per_second::OncePerSecond;

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

/// What becomes of a request to erase a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is carried out.
    CarryOut,
    /// The shop is connected since this time, in milliseconds since 1970: it is carried out if Shopify refuses its login.
    AskFirst(i64),
    /// It concerns an older installation.
    Late,
}

/// Takes a delivery of this topic, whose signature is right: stores that it came, as this event, and writes down what
/// follows. 503 when that is not possible now; then Shopify sends it again.
pub async fn take(shopify: &Shopify, topic: Topic, mut event: Event, body: &[u8]) -> Response {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let object = Object::parse(text);
    let key = event.key;
    let shop = match agreed(topic, &event, object.as_ref()) {
        Ok(shop) => shop,
        Err(reason) => {
            // A captured request can be sent as often as somebody likes.
            static SAID: OncePerSecond = OncePerSecond::new();
            if let Some(unsaid) = SAID.should_log() {
                tracing::warn!(topic = topic.cause(), reason = &*reason, unsaid, "a compliance request was set apart");
            }
            event.effect = Effect::SetAside(reason);
            if object.is_some() {
                event.payload = without_customer(object.as_ref());
            }
            return shopify.intake.store(vec![event]).await;
        }
    };
    event.payload = without_customer(object.as_ref());
    let verdict = match topic {
        Topic::ShopRedact => judge(shopify, &shop, event.occurred_at).await,
        Topic::DataRequest | Topic::CustomerRedact => Ok(Verdict::CarryOut),
    };
    event.effect = Effect::SetAside(match verdict {
        Ok(Verdict::CarryOut) => "a compliance request: it has a receipt".into(),
        Ok(Verdict::AskFirst(_)) => {
            "a request to erase a connected shop: it is erased if Shopify refuses its login".into()
        }
        Ok(Verdict::Late) => "a request to erase a shop that was installed again later".into(),
        Err(_) => "a compliance request".into(),
    });
    let stored = shopify.intake.store(vec![event]).await;
    if stored.status() != StatusCode::OK {
        return stored;
    }
    // After the event: what is erased includes it.
    let done = async {
        match verdict? {
            Verdict::CarryOut => carry_out(shopify, topic, &shop, object.as_ref(), key.as_bytes()).await?,
            Verdict::AskFirst(at) => {
                let now_ms = shopify.shared.clock.now_ms();
                shopify.shared.journal.request_read(NAME, shop.as_str(), ReadRequest::Redacted { at }, now_ms).await?;
            }
            Verdict::Late => {}
        }
        anyhow::Ok(())
    };
    match done.await {
        Ok(()) => stored,
        Err(error) => {
            static SAID: OncePerSecond = OncePerSecond::new();
            if let Some(unsaid) = SAID.should_log() {
                let error = format!("{error:#}");
                tracing::error!(error, topic = topic.cause(), unsaid, "a request could not be written down");
            }
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// The shop that header and body agree on. The topic is a claim as well: what is signed must be a body of this topic, so
/// that a question about a customer does not become their erasure, nor a customer's erasure that of the shop.
fn agreed(topic: Topic, event: &Event, body: Option<&Object<'_>>) -> Result<ShopDomain, Cow<'static, str>> {
    if let Effect::SetAside(reason) = &event.effect
        && body.is_none()
    {
        return Err(reason.clone());
    }
    let header = ShopDomain::parse(&event.account).ok_or("no shop is named")?;
    let named = body.and_then(|body| body.text("shop_domain")).and_then(|domain| ShopDomain::parse(&domain));
    if named.as_ref() != Some(&header) {
        return Err("the body is about another shop than the header".into());
    }
    let foreign: &[&str] = match topic {
        Topic::DataRequest => &[],
        Topic::CustomerRedact => &["data_request", "orders_requested"],
        Topic::ShopRedact => &["customer", "data_request", "orders_requested", "orders_to_redact"],
    };
    if body.is_some_and(|body| foreign.iter().any(|member| body.has(member))) {
        return Err("the body is one of another topic than the header".into());
    }
    Ok(header)
}

/// What becomes of a request to erase a shop. One from before the last login concerns an older installation. Of a shop
/// that is connected only Shopify's refusal of its login is believed: when a request was triggered is not signed.
async fn judge(shopify: &Shopify, shop: &ShopDomain, triggered_at: Option<i64>) -> anyhow::Result<Verdict> {
    let is_after = |installed| triggered_at.is_some_and(|triggered| triggered > installed);
    if let Some(connection) = shopify.shared.connections.find(NAME, shop.as_str()).await? {
        let installed = connection.connected_at;
        return Ok(if is_after(installed) { Verdict::AskFirst(installed) } else { Verdict::Late });
    }
    Ok(match shopify.shared.erasure.former(NAME, shop.as_str()).await? {
        Some(former) if triggered_at.is_some() && !is_after(former.connected_at) => Verdict::Late,
        _ => Verdict::CarryOut,
    })
}

/// Looks into a request to erase a shop that was connected when it came, by the login of this time (milliseconds since
/// 1970). If Shopify refuses the login, or the shop is disconnected by now, everything known of it is erased.
///
/// # Errors
/// [`ReadError`] when the shop cannot be asked: it is looked into again later.
pub async fn look_into(shopify: &Shopify, shop: &ShopDomain, at: i64) -> Result<(), ReadError> {
    let shared = &shopify.shared;
    let connected_at = shared.connections.find(NAME, shop.as_str()).await?.map(|known| known.connected_at);
    let former = shared.erasure.former(NAME, shop.as_str()).await?.map(|former| former.connected_at);
    if connected_at.max(former).is_some_and(|installed| installed > at) {
        tracing::info!(shop = shop.as_str(), "a request to erase an older installation is of no concern");
        return Ok(());
    }
    if connected_at.is_some() && !is_login_refused(shopify, Patience::Background, shop).await? {
        let sentence = format!(
            "A message says that everything of {shop} is to be erased, but Shopify takes its login as before. Nothing \
             was erased."
        );
        shared.alerts.raise(contradiction(shop), &sentence);
        return Ok(());
    }
    if let Some(connection) = shared.connections.find(NAME, shop.as_str()).await? {
        shared.erasure.sign_out(connection.merchant).await?;
    }
    erase_shop(shopify, shop, Some(at)).await?;
    Ok(())
}

/// Asks for a shop to be erased, once for each login of it. Of a shop that nobody logged in to, deliveries may have come
/// that were set aside: they are erased once a day at most.
async fn erase_shop(shopify: &Shopify, shop: &ShopDomain, installed_at: Option<i64>) -> anyhow::Result<String> {
    let day = shopify.shared.clock.now_ms().div_euclid(24 * 3600 * 1000);
    let which = installed_at.map_or_else(|| format!("day {day}"), |at| format!("login {at}"));
    let scope = Scope::Account { channel: NAME.to_owned(), account: shop.to_string() };
    let request = format!("{shop} {which}");
    shopify.shared.erasure.request(vec![scope], Topic::ShopRedact.cause(), Some(request.as_bytes())).await
}

async fn carry_out(
    shopify: &Shopify,
    topic: Topic,
    shop: &ShopDomain,
    body: Option<&Object<'_>>,
    request: &[u8],
) -> anyhow::Result<()> {
    if topic == Topic::ShopRedact {
        let former = shopify.shared.erasure.former(NAME, shop.as_str()).await?;
        erase_shop(shopify, shop, former.map(|former| former.connected_at)).await?;
        return Ok(());
    }
    let (channel, account) = (NAME.to_owned(), shop.to_string());
    let scopes = match topic {
        Topic::DataRequest | Topic::ShopRedact => Vec::new(),
        Topic::CustomerRedact => {
            let texts = customer_texts(body);
            if texts.is_empty() { Vec::new() } else { vec![Scope::Mentions { channel, account, texts }] }
        }
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
