//! What only Viber knows: whether the token lives, and whether callbacks come here.
//!
//! Asks with calls of its own: they change nothing.

use std::time::Duration;

use http::Method;
use secrecy::ExposeSecret;
use url::Url;

use super::about::ABOUT;
use super::client::{self, Told};
use super::config::Config;
use super::hourly_check::{leads_to, missing_in};
use super::names::NAME;
use super::webhook;
use crate::shared::channel::about::About;
use crate::shared::channel::finding::Finding;
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::section::Section;
use crate::shared::logins::random_hex;
use crate::shared::outgoing::http::{ApiError, Http};
use crate::shared::outgoing::self_test;
use crate::shared::raw_json::{Object, elements};
use crate::shared::secrets::signature::{Secrets, sign_sha256, to_hex};
use crate::shared::settings::is_loopback;
use crate::shared::store::Connections;

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
        is_loopback(self.api_url.host_str().unwrap_or_default())
    }

    fn signing(&self) -> (&'static str, &'static str, &Secrets) {
        (NAME, "VIBER_BOT_TOKEN_PREVIOUS", &self.token)
    }

    fn registration(&self, base: &str) -> String {
        format!("Viber: nothing; the webhook address {base}/viber/webhook is set by the service itself")
    }

    fn examine_address<'a>(&'a self, http: &'a Http) -> BoxFuture<'a, Option<Finding>> {
        Box::pin(probe(self, http))
    }

    fn examine<'a>(&'a self, http: &'a Http, _: &'a Connections, _now_ms: i64) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(examine(self, http))
    }
}

/// Posts a signed probe to our own address: only this service, with the same token, answers it with the nonce.
async fn probe(config: &Config, http: &Http) -> Option<Finding> {
    let (address, nonce) = (&config.webhook_address, random_hex().ok()?);
    let effect = "no message of Viber arrives, and what nobody takes within an hour is lost";
    let body = self_test::probe(&nonce);
    let signature = to_hex(&sign_sha256(config.token.current().expose_secret().as_bytes(), body.as_bytes()));
    let request = http.request(Method::POST, address.clone()).header(webhook::SIGNATURE, signature).body(body);
    match http.send(request).await {
        Ok(answer) if answer.status.is_success() && answer.body.as_ref() == nonce.as_bytes() => None,
        Ok(answer) if answer.status.as_u16() == 401 => Some(Finding::error(
            "app_secret_differs",
            address.as_str(),
            "what answers at the public address has another VIBER_BOT_TOKEN",
            effect,
            "start the service again, so that it reads its settings; see that only one service is behind this address",
        )),
        Ok(answer) => Some(Finding::public_wrong_answer(address, answer.status.as_u16(), effect)),
        Err(error) => Some(Finding::public_unreachable(address, &error, effect)),
    }
}

/// Asks about the bot.
async fn examine(config: &Config, http: &Http) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.has_public_key {
        findings.push(Finding::note(
            "viber_unused_setting",
            "VIBER_PUBLIC_KEY",
            "VIBER_PUBLIC_KEY is set, and Viber has no such thing",
            "none: callbacks are signed with the bot's token",
            "take it out",
        ));
    }
    let request = client::request(http, config, "get_account_info", "{}".to_owned());
    let told = match http.send(request).await {
        Ok(answer) => client::verdict(&answer, Duration::from_secs(60)),
        Err(error) => Err(error),
    };
    match told {
        Ok(told) => findings.extend(of_webhook(config, &told)),
        Err(error) => findings.push(of_error(config, &error)),
    }
    findings
}

fn of_error(config: &Config, error: &ApiError) -> Finding {
    match error {
        ApiError::TokenRejected { .. } | ApiError::PermissionMissing { .. } | ApiError::Refused { .. } => {
            Finding::error(
                "viber_bot_refused",
                NAME,
                format!("Viber does not let the bot in: {error}"),
                "nothing is sent; callbacks are still taken in",
                "copy VIBER_BOT_TOKEN anew from the bot's page in the Viber app, or ask Viber's support",
            )
        }
        error => Finding::error(
            "viber_unreachable",
            config.api_url.as_str(),
            format!("Viber cannot be asked from here ({error})"),
            "nothing is sent; callbacks are still taken in",
            "see that this machine may open https connections to the outside, and VIBER_API_URL if it is set",
        ),
    }
}

fn of_webhook(config: &Config, told: &Told) -> Option<Finding> {
    let account = Object::parse(&told.text)?;
    let webhook = account.readable("webhook").unwrap_or_default();
    let events = account.get("event_types").and_then(elements).unwrap_or_default();
    let events: Vec<String> = events.into_iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
    let missing = missing_in(&events);
    let repair = "start the service, or wait for its hourly look, while its public address is reachable";
    if webhook.is_empty() {
        return Some(Finding::error(
            "viber_webhook_missing",
            NAME,
            "the bot has no webhook",
            "no message of Viber arrives",
            repair,
        ));
    }
    if !leads_to(&webhook, &config.webhook_address) {
        return Some(Finding::error(
            "viber_callback_differs",
            NAME,
            format!("the bot's callbacks go to another address than {}", config.webhook_address),
            "messages arrive somewhere else",
            repair,
        ));
    }
    (!missing.is_empty()).then(|| {
        Finding::warning(
            "viber_events_missing",
            NAME,
            format!("these events are not called back: {}", missing.join(", ")),
            "what became of answers, or who subscribed, is not known",
            repair,
        )
    })
}
