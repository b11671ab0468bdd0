//! What only Shopify knows: whether the shops let us in, what they granted, and where they deliver.
//!
//! Asks with calls of its own: they change nothing, and never renew a token, which is the running service's business.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{Months, NaiveDate};
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::about::ABOUT;
use super::config::Config;
use super::names::{NAME, SCOPES, is_granted};
use super::payload::ShopDomain;
use super::subscriptions::wanted;
use super::webhook;
use crate::shared::channel::about::About;
use crate::shared::channel::finding::{Finding, SOON_MS};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::section::Section;
use crate::shared::logins::random_hex;
use crate::shared::outgoing::http::Http;
use crate::shared::outgoing::self_test;
use crate::shared::secrets::signature::{Secrets, sign_sha256};
use crate::shared::store::{Connections, Status, TokenKind};

/// A version that ends within this time is told.
const SOON_DAYS: i64 = 60;

const QUERY: &str = "query Doctor {
  currentAppInstallation { accessScopes { handle } }
  webhookSubscriptions(first: 250) { nodes { topic uri } }
}";

impl Section for Config {
    fn channels(&self) -> Vec<&'static About> {
        vec![&ABOUT]
    }

    fn own_addresses(&self) -> Vec<Url> {
        self.asked_addresses()
    }

    fn webhook_address(&self) -> &Url {
        &self.webhook_address
    }

    fn is_simulated(&self) -> bool {
        self.admin_url.is_simulated()
    }

    fn signing(&self) -> (&'static str, &'static str, &Secrets) {
        (NAME, "SHOPIFY_API_SECRET_PREVIOUS", &self.api_secret)
    }

    fn registration(&self, base: &str) -> String {
        format!(
            "Shopify app configuration: App URL {base}/shopify/install, Allowed redirection URL \
             {base}/shopify/callback, compliance webhooks {base}/shopify/webhook"
        )
    }

    fn examine_address<'a>(&'a self, http: &'a Http) -> BoxFuture<'a, Option<Finding>> {
        Box::pin(probe(self, http))
    }

    fn examine<'a>(&'a self, http: &'a Http, connections: &'a Connections, now_ms: i64) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(examine(self, http, connections, now_ms))
    }
}

/// Posts a signed probe to our own address: only this service, with the same secret, answers it with the nonce. It counts as
/// a self-test there, not as a delivery that was refused.
async fn probe(config: &Config, http: &Http) -> Option<Finding> {
    let (address, nonce) = (&config.webhook_address, random_hex().ok()?);
    let effect = "no delivery of Shopify arrives; after eight failures it deletes the subscription";
    let body = self_test::probe(&nonce);
    let secret = config.api_secret.current().expose_secret();
    let signature = STANDARD.encode(sign_sha256(secret.as_bytes(), body.as_bytes()));
    let request = http.request(Method::POST, address.clone()).header(webhook::SIGNATURE, signature).body(body);
    match http.send(request).await {
        Ok(answer) if answer.status.is_success() && answer.body.as_ref() == nonce.as_bytes() => None,
        Ok(answer) if answer.status.as_u16() == 401 => Some(Finding::error(
            "app_secret_differs",
            address.as_str(),
            "what answers at the public address has another SHOPIFY_API_SECRET",
            effect,
            "start the service again, so that it reads its settings; see that only one service is behind this address",
        )),
        Ok(answer) => Some(Finding::public_wrong_answer(address, answer.status.as_u16(), effect)),
        Err(error) => Some(Finding::public_unreachable(address, &error, effect)),
    }
}

/// Asks about every shop.
async fn examine(config: &Config, http: &Http, connections: &Connections, now_ms: i64) -> Vec<Finding> {
    let mut findings = Vec::new();
    version(config, now_ms, &mut findings);
    for connection in connections.list().await.unwrap_or_default() {
        let Some(shop) = ShopDomain::parse(&connection.account) else { continue };
        if connection.channel != NAME || connection.status == Status::NeedsReconnect {
            continue;
        }
        if let Ok(Some(refresh)) = connections.find_token(NAME, shop.as_str(), TokenKind::Refresh).await
            && let Some(ends) = refresh.expires_at.filter(|ends| ends.saturating_sub(now_ms) < SOON_MS)
        {
            findings.push(Finding::warning(
                "shopify_refresh_token_ends",
                shop.as_str(),
                format!(
                    "the token with which others are renewed ends in {} days",
                    (ends.saturating_sub(now_ms) / 86_400_000).max(0)
                ),
                "after that the merchant has to connect the shop again",
                "see that the service runs: it renews this token long before its end",
            ));
        }
        match connections.find_token(NAME, shop.as_str(), TokenKind::Access).await {
            Ok(Some(token)) if token.expires_at.is_some_and(|ends| ends < now_ms) => findings.push(Finding::warning(
                "shopify_token_expired",
                shop.as_str(),
                "the stored token has expired and was not renewed; the shop was not asked anything",
                "none, if the service was off: it renews the token when it needs it",
                "start the service, or run `shoptalk sync shopify`",
            )),
            Ok(Some(token)) => ask(config, http, &shop, &token.secret, &mut findings).await,
            _ => {}
        }
    }
    findings
}

/// A version lives for a year and half a month.
/// Source: <https://shopify.dev/docs/api/usage/versioning> (October 2026).
fn version(config: &Config, now_ms: i64, findings: &mut Vec<Finding>) {
    let about = "SHOPIFY_API_VERSION";
    let released = NaiveDate::parse_from_str(&format!("{}-16", config.api_version), "%Y-%m-%d").ok();
    let Some(ends) = released.and_then(|released| released.checked_add_months(Months::new(12))) else { return };
    let Some(today) = chrono::DateTime::from_timestamp_millis(now_ms).map(|now| now.date_naive()) else { return };
    let days = (ends - today).num_days();
    let fix = format!("set {about} to a newer version, or remove it and upgrade shoptalk");
    if days < 0 {
        findings.push(Finding::error(
            "shopify_version_dead",
            about,
            format!("the Admin API {} ended on {ends}", config.api_version),
            "Shopify silently answers with its oldest living version, whose shapes nobody has tested here",
            fix,
        ));
    } else if days < SOON_DAYS {
        findings.push(Finding::warning(
            "shopify_version_ends",
            about,
            format!("the Admin API {} ends on {ends}", config.api_version),
            "after that Shopify silently answers with another version",
            fix,
        ));
    }
}

async fn ask(config: &Config, http: &Http, shop: &ShopDomain, token: &SecretString, findings: &mut Vec<Finding>) {
    let about = shop.as_str();
    let Some(url) = config.admin_url.at(shop, &["admin", "api", &config.api_version, "graphql.json"]) else { return };
    let request = http
        .request(Method::POST, url)
        .header("x-shopify-access-token", token.expose_secret())
        .json(&json!({ "query": QUERY, "operationName": "Doctor" }));
    let Ok(answer) = http.send(request).await else {
        findings.push(Finding::error(
            "shopify_unreachable",
            about,
            "the shop cannot be reached from here",
            "it is not polled and its tokens are not renewed; deliveries are still taken in",
            "see that this machine may open https connections to the outside, and SHOPIFY_ADMIN_URL if it is set",
        ));
        return;
    };
    if !answer.status.is_success() {
        findings.extend(refusal(answer.status.as_u16(), about));
        return;
    }
    let told = answer.headers.get("x-shopify-api-version").and_then(|value| value.to_str().ok());
    if told.is_some_and(|told| told != config.api_version) {
        findings.push(Finding::error(
            "shopify_version_falls_forward",
            about,
            format!("Shopify answers with version {} instead of {}", told.unwrap_or_default(), config.api_version),
            "fields may be missing or mean something else",
            "set SHOPIFY_API_VERSION to a living version, or remove it and upgrade shoptalk",
        ));
    }
    let Ok(body) = answer.json::<Value>() else { return };
    let granted = texts(&body["data"]["currentAppInstallation"]["accessScopes"], "handle");
    if !granted.is_empty() {
        findings.extend(scopes(&granted, about));
        findings.extend(deliveries(config, &granted, &body["data"]["webhookSubscriptions"]["nodes"], about));
    }
}

/// What an answer means that is no good one. None, where it is only too often that the shop was asked.
fn refusal(status: u16, about: &str) -> Option<Finding> {
    match status {
        401 => Some(Finding::error(
            "shopify_token_refused",
            about,
            "Shopify refuses the stored token: the app was uninstalled, or the login was revoked",
            "the shop is not polled",
            "its merchant connects the shop again on the start page",
        )),
        300..=399 | 402..=404 | 423 => Some(Finding::error(
            "shopify_shop_closed",
            about,
            format!("the shop is frozen, locked, closed or moved (status {status})"),
            "it is not polled until it is open again",
            "its merchant looks into the shop's admin; the service goes on by itself",
        )),
        429 => None,
        status => Some(Finding::warning(
            "shopify_answers_with_errors",
            about,
            format!("the shop answers with status {status}"),
            "it is not polled for the moment",
            "wait; see <https://www.shopifystatus.com>",
        )),
    }
}

fn scopes(granted: &[String], about: &str) -> Option<Finding> {
    let missing: Vec<&str> = SCOPES.into_iter().filter(|scope| !is_granted(scope, granted)).collect();
    (!missing.is_empty()).then(|| {
        Finding::error(
            "shopify_scope_missing",
            about,
            format!("permissions are missing: {}", missing.join(", ")),
            "a part of the catalogue is not in the files",
            "its merchant connects the shop again on the start page and gives them",
        )
    })
}

/// Whether the shop delivers everything that is wanted, and to us.
fn deliveries(config: &Config, granted: &[String], subscriptions: &Value, about: &str) -> Option<Finding> {
    let address = config.webhook_address.as_str();
    let ours: Vec<&str> = subscriptions
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["uri"] == address)
        .filter_map(|one| one["topic"].as_str())
        .collect();
    let missing: Vec<&str> = wanted(granted).into_iter().filter(|topic| !ours.contains(topic)).collect();
    let repair = "wait for the service's hourly look, or connect the shop again";
    if ours.is_empty() && !texts(subscriptions, "topic").is_empty() {
        Some(Finding::error(
            "shopify_callback_differs",
            about,
            format!("the shop delivers to another address than {address}"),
            "changes arrive somewhere else",
            repair,
        ))
    } else if !missing.is_empty() {
        Some(Finding::error(
            "shopify_topics_missing",
            about,
            format!("the shop does not deliver: {}", missing.join(", ")),
            "these changes are noticed only by the daily poll",
            repair,
        ))
    } else {
        None
    }
}

/// The texts under this name in a list of objects.
fn texts(list: &Value, name: &str) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|one| one[name].as_str().map(str::to_owned)).collect()
}
