//! What only LinkedIn knows: whether the token lives and for how long, and whether notifications come here.
//!
//! Asks with calls of its own: they change nothing.

use chrono::{DateTime, Datelike, Utc};
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use super::about::ABOUT;
use super::client::{self, Introspected, Subscription, oauth_request};
use super::config::{Config, month_of};
use super::hourly_check::is_good;
use super::names::{NAME, organization_urn};
use super::payload::NOTIFICATIONS;
use super::tokens;
use super::webhook::{CHALLENGE, answer_to};
use crate::shared::channel::about::About;
use crate::shared::channel::finding::{Finding, SOON_MS};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::section::Section;
use crate::shared::outgoing::http::{ApiError, Http};
use crate::shared::raw_json::Object;
use crate::shared::secrets::signature::Secrets;
use crate::shared::settings::is_loopback;
use crate::shared::store::{Connections, TokenKind};

/// A version is served for about so many months after its release, and somebody is told so many before that.
/// Source: <https://learn.microsoft.com/linkedin/marketing/versioning> (2026).
const SERVED_MONTHS: i32 = 12;
const TOLD_MONTHS: i32 = 2;

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
        (NAME, "LINKEDIN_CLIENT_SECRET_PREVIOUS", &self.client_secret)
    }

    fn registration(&self, base: &str) -> String {
        format!("LinkedIn developer portal, the app, Webhooks: {base}/linkedin/webhook (no address of ngrok)")
    }

    fn examine_address<'a>(&'a self, http: &'a Http) -> BoxFuture<'a, Option<Finding>> {
        Box::pin(challenge(self, http))
    }

    fn examine<'a>(&'a self, http: &'a Http, connections: &'a Connections, now_ms: i64) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(examine(self, http, connections, now_ms))
    }
}

/// Asks our own address the challenge, as LinkedIn does every two hours.
async fn challenge(config: &Config, http: &Http) -> Option<Finding> {
    let address = &config.webhook_address;
    let code = Uuid::new_v4().to_string();
    let mut url = address.clone();
    url.query_pairs_mut().append_pair(CHALLENGE, &code);
    let effect = "LinkedIn blocks the address after three failed checks, and then nothing of the page arrives";
    match http.send(http.request(Method::GET, url)).await {
        Ok(answer) if answer.status.is_success() => {
            let told = std::str::from_utf8(&answer.body).ok().and_then(Object::parse);
            let response = told.and_then(|told| told.text("challengeResponse").map(|text| text.into_owned()));
            match response {
                Some(response) if response == answer_to(&config.client_secret, &code) => None,
                Some(_) => Some(Finding::error(
                    "app_secret_differs",
                    address.as_str(),
                    "what answers at the public address has another LINKEDIN_CLIENT_SECRET",
                    effect,
                    "start the service again, so that it reads its settings; see that only one service is behind this address",
                )),
                None => Some(Finding::public_wrong_answer(address, answer.status.as_u16(), effect)),
            }
        }
        Ok(answer) => Some(Finding::public_wrong_answer(address, answer.status.as_u16(), effect)),
        Err(error) => Some(Finding::public_unreachable(address, &error, effect)),
    }
}

/// Asks about the token and the subscription.
async fn examine(config: &Config, http: &Http, connections: &Connections, now_ms: i64) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.has_verify_token {
        findings.push(Finding::note(
            "linkedin_unused_setting",
            "LINKEDIN_WEBHOOK_VERIFY_TOKEN",
            "LINKEDIN_WEBHOOK_VERIFY_TOKEN is set, and LinkedIn has no such thing",
            "none: everything is signed with LINKEDIN_CLIENT_SECRET",
            "take it out",
        ));
    }
    if config.webhook_address.host_str().is_some_and(|host| host.contains("ngrok")) {
        findings.push(Finding::error(
            "linkedin_address_refused",
            config.webhook_address.as_str(),
            "LinkedIn refuses addresses of ngrok",
            "the address cannot be entered in the developer portal, and nothing of the page arrives",
            "give the service an address of its own, or set LINKEDIN_WEBHOOK_ADDRESS to one that forwards here",
        ));
    }
    if config.messages {
        findings.push(Finding::note(
            "linkedin_messages_partner",
            "LINKEDIN_MESSAGES",
            "direct messages are switched on: LinkedIn takes them from its messaging partners alone, and allows only what a human \
             writes",
            "without that right each is refused; what bots write is refused in any case",
            "set LINKEDIN_MESSAGES=off if LinkedIn has not made this app a partner: the page answers with comments",
        ));
    }
    findings.extend(version(config, now_ms));
    // The newest pair, if the service made one from these settings.
    let stored = async |kind| tokens::find_made(config, connections, kind).await.ok().flatten();
    let end = stored(TokenKind::Refresh).await.and_then(|token| token.expires_at);
    if config.refresh_token.is_some() {
        findings.extend(end.and_then(|end| ends_soon("LINKEDIN_REFRESH_TOKEN", end, now_ms)));
    }
    let made = stored(TokenKind::Access).await.map(|token| token.secret);
    if let Some(token) = token(config, http, made.as_ref(), now_ms, &mut findings).await {
        findings.extend(subscription(config, http, &token, now_ms).await);
    }
    findings
}

/// `end`: in milliseconds since 1970.
fn ends_soon(setting: &'static str, end: i64, now_ms: i64) -> Option<Finding> {
    let left_ms = end.saturating_sub(now_ms);
    (left_ms < SOON_MS).then(|| {
        Finding::warning(
            "linkedin_token_ends",
            setting,
            format!("{setting} ends in {} days, and nothing prolongs it", (left_ms / 86_400_000).max(0)),
            "after that nothing is sent; notifications are still taken in",
            "an administrator of the page logs in anew; put the new token there",
        )
    })
}

fn version(config: &Config, now_ms: i64) -> Option<Finding> {
    let now = DateTime::<Utc>::from_timestamp_millis(now_ms)?;
    let month = now.year() * 12 + i32::try_from(now.month0()).unwrap_or(0);
    let age = month - month_of(&config.version)?;
    let fix = "set LINKEDIN_VERSION to a newer one: year and month";
    if age > SERVED_MONTHS {
        return Some(Finding::error(
            "linkedin_version_ends",
            "LINKEDIN_VERSION",
            format!(
                "the version {} of LinkedIn's API is {age} months old and is probably not served any more",
                config.version
            ),
            "calls are refused: nothing is sent, and the subscription is not looked at",
            fix,
        ));
    }
    (age > SERVED_MONTHS - TOLD_MONTHS).then(|| {
        Finding::warning(
            "linkedin_version_ends",
            "LINKEDIN_VERSION",
            format!("the version {} of LinkedIn's API ends about a year after its release", config.version),
            "calls are refused from then on",
            fix,
        )
    })
}

/// Gives back the token that works.
async fn token(
    config: &Config,
    http: &Http,
    made: Option<&SecretString>,
    now_ms: i64,
    findings: &mut Vec<Finding>,
) -> Option<SecretString> {
    let mut told = Err(ApiError::Unreadable("no token"));
    let mut used = None;
    for token in made.into_iter().chain([&config.access_token]) {
        told = introspect(config, http, token).await;
        used = Some(token.clone());
        if !matches!(&told, Ok(told) if !told.active) {
            break;
        }
    }
    match told {
        Ok(Introspected { active: true, expires_at }) => {
            // Where there is a refresh token, the service puts this end off itself.
            if config.refresh_token.is_none() {
                let end = expires_at.map(|at| at.saturating_mul(1000));
                findings.extend(end.and_then(|end| ends_soon("LINKEDIN_ACCESS_TOKEN", end, now_ms)));
            }
            used
        }
        Ok(_) => {
            findings.push(Finding::error(
                "linkedin_token_refused",
                NAME,
                "LinkedIn says that the page's token does not work any more",
                "nothing is sent, and the subscription is not looked at; notifications are still taken in",
                "an administrator of the page logs in anew; put the token into LINKEDIN_ACCESS_TOKEN",
            ));
            None
        }
        Err(error) => {
            findings.push(Finding::error(
                "linkedin_unreachable",
                config.oauth_url.as_str(),
                format!("LinkedIn cannot be asked about the token ({error})"),
                "it is not known whether anything can be sent",
                "see that this machine may open https connections to the outside, and LINKEDIN_CLIENT_ID and LINKEDIN_CLIENT_SECRET",
            ));
            None
        }
    }
}

async fn introspect(config: &Config, http: &Http, token: &SecretString) -> Result<Introspected, ApiError> {
    let form = [("token", token.expose_secret())];
    let answer = http.send(oauth_request(http, config, "introspectToken", &form)?).await?;
    if answer.status.is_success() { answer.json() } else { Err(ApiError::Refused { code: answer.status.to_string() }) }
}

async fn subscription(config: &Config, http: &Http, token: &SecretString, now_ms: i64) -> Option<Finding> {
    let query = [("q", "subscriberAndEventType"), ("eventType", NOTIFICATIONS)];
    let request = client::request(http, config, Method::GET, "/rest/eventSubscriptions", &query, token).ok()?;
    let answer = http.send(request).await.ok()?;
    if !answer.status.is_success() {
        return Some(Finding::error(
            "linkedin_subscription_missing",
            NAME,
            format!(
                "LinkedIn does not show the subscription of the page's activity (status {})",
                answer.status.as_u16()
            ),
            "it is not known whether comments arrive",
            "see that the app has the product Community Management, and the member of the token is an administrator of the page",
        ));
    }
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let found: Option<Subscription> = client::subscription_in(&text, &organization_urn(config.organization.as_str()));
    let repair = "enter the address under Webhooks in the developer portal, set LINKEDIN_APPLICATION_ID, and start the service: it \
                  subscribes itself";
    match found {
        None => Some(Finding::error(
            "linkedin_subscription_missing",
            NAME,
            "the page's activity is not subscribed",
            "no comment on the page's posts arrives",
            repair,
        )),
        Some(one) if !is_good(&one, &config.webhook_address, now_ms) => Some(Finding::error(
            "linkedin_callback_differs",
            NAME,
            format!(
                "the subscription of the page's activity leads to another address than {}, or is about to end",
                config.webhook_address
            ),
            "comments on the page's posts arrive somewhere else, or soon not at all",
            "wait for the service's hourly look, or start it again, while its public address is reachable",
        )),
        Some(_) => None,
    }
}
