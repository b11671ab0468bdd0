//! What only Meta knows of the number: whether the app, its subscriptions and the token are what they should be.
//!
//! Asks with calls of its own: they change nothing, and spend nothing from the budgets of a running service.

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::about::ABOUT;
use super::config::{Config, ROUTES};
use super::grants::{MANAGEMENT, MESSAGING};
use super::hourly_check::{NEEDED_FIELDS, ROUTING_FIELDS};
use super::names::NAME;
use crate::meta::address;
use crate::meta::app::App;
use crate::meta::graph::below;
use crate::shared::channel::about::About;
use crate::shared::channel::finding::{Finding, SOON_MS};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::section::Section;
use crate::shared::outgoing::http::{Answer, Http};
use crate::shared::secrets::signature::{Secrets, sign_sha256, to_hex};
use crate::shared::settings::is_own_address;
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
        App::is_simulated(self)
    }

    fn signing(&self) -> (&'static str, &'static str, &Secrets) {
        (NAME, "WHATSAPP_APP_SECRET_PREVIOUS", &self.app_secret)
    }

    fn registration(&self, base: &str) -> String {
        format!(
            "Meta App Dashboard: WhatsApp, Configuration: callback URL {base}/whatsapp/webhook, verify token as in \
             WHATSAPP_WEBHOOK_VERIFY_TOKEN"
        )
    }

    fn examine_address<'a>(&'a self, http: &'a Http) -> BoxFuture<'a, Option<Finding>> {
        let token = ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", &self.verify_token);
        let effect = "Meta does not accept the address, and no message of WhatsApp arrives";
        Box::pin(address::challenge(http, &self.webhook_address, token, effect))
    }

    fn examine<'a>(
        &'a self,
        http: &'a Http,
        _connections: &'a Connections,
        now_ms: i64,
    ) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(examine(self, http, now_ms))
    }
}

/// Asks about the token, then about everything that it may see.
async fn examine(config: &Config, http: &Http, now_ms: i64) -> Vec<Finding> {
    let asking = Asking { config, http };
    let mut findings = Vec::new();
    let Some(app) = token(&asking, now_ms, &mut findings).await else { return findings };
    findings.extend(match &config.business_account {
        Some(business) => subscription(&asking, business.as_str(), &app).await,
        None => Some(Finding::note(
            "whatsapp_business_account_unknown",
            "WHATSAPP_BUSINESS_ACCOUNT_ID",
            "the settings do not name the business account of the number",
            "templates cannot be listed, and the app's subscription is not looked after",
            "copy the id from the App Dashboard, WhatsApp, API Setup",
        )),
    });
    findings.extend(callback(&asking).await);
    findings.extend(fields(&asking, &app).await);
    findings
}

struct Asking<'a> {
    config: &'a Config,
    http: &'a Http,
}

impl Asking<'_> {
    async fn get(&self, path: &[&str], query: &[(&str, &str)], token: &SecretString) -> Option<Value> {
        let answer = self.ask(path, query, token).await?;
        answer.status.is_success().then(|| answer.json().ok()).flatten()
    }

    async fn ask(&self, path: &[&str], query: &[(&str, &str)], token: &SecretString) -> Option<Answer> {
        let whole: Vec<&str> =
            std::iter::once(self.config.graph_version.as_str()).chain(path.iter().copied()).collect();
        let secret = self.config.app_secret.current().expose_secret();
        let proof = to_hex(&sign_sha256(secret.as_bytes(), token.expose_secret().as_bytes()));
        let request = self
            .http
            .request(Method::GET, below(&self.config.graph_url, &whole))
            .query(query)
            .query(&[("appsecret_proof", proof)])
            .bearer_auth(token.expose_secret());
        self.http.send(request).await.ok()
    }
}

/// What Meta says of the token. Gives the app's id, if it says it.
async fn token(asking: &Asking<'_>, now_ms: i64, findings: &mut Vec<Finding>) -> Option<String> {
    let (config, about) = (asking.config, "WHATSAPP_ACCESS_TOKEN");
    let query = [("input_token", config.token.expose_secret())];
    let answer = asking.ask(&["debug_token"], &query, &config.token).await;
    let body = answer.as_ref().and_then(|answer| answer.json::<Value>().ok());
    let (Some(answer), Some(body)) = (answer, body) else {
        findings.push(Finding::error(
            "whatsapp_unreachable",
            config.graph_url.as_str(),
            "the Graph API cannot be reached from here, or something else answers in its place",
            "nobody can be answered on WhatsApp; deliveries are still taken in",
            "see that this machine may open https connections to the outside, and WHATSAPP_GRAPH_URL if it is set",
        ));
        return None;
    };
    let data = &body["data"];
    if !answer.status.is_success() || data["is_valid"] != true {
        let code = body["error"]["code"].as_i64().or(data["error"]["code"].as_i64()).unwrap_or(0);
        findings.push(Finding::error(
            "whatsapp_token_refused",
            about,
            format!("Meta refuses the token (code {code})"),
            "nobody can be answered on WhatsApp; deliveries are still taken in",
            "make a new token for the system user and set WHATSAPP_ACCESS_TOKEN anew",
        ));
        return None;
    }
    let left_ms = data["expires_at"].as_i64().unwrap_or(0).saturating_mul(1000).saturating_sub(now_ms);
    if data["expires_at"].as_i64().is_some_and(|ends| ends > 0) && left_ms < SOON_MS {
        findings.push(Finding::warning(
            "whatsapp_token_ends",
            about,
            format!("the token ends in {} days", (left_ms / 86_400_000).max(0)),
            "after that nobody can be answered on WhatsApp",
            "make a new token for the system user and set WHATSAPP_ACCESS_TOKEN before that day",
        ));
    }
    findings.extend(permissions(data, about));
    data["app_id"].as_str().map(str::to_owned).or_else(|| data["app_id"].as_i64().map(|id| id.to_string()))
}

fn permissions(data: &Value, about: &'static str) -> Vec<Finding> {
    let Some(scopes) = data["scopes"].as_array() else { return Vec::new() };
    let is_missing = |wanted: &str| !scopes.iter().any(|scope| scope == wanted);
    let fix = "make a new token for the system user with both permissions, whatsapp_business_messaging and \
               whatsapp_business_management";
    let sending = is_missing(MESSAGING).then(|| {
        let cause = format!("the token lacks the permission {MESSAGING}");
        Finding::error("send_permission_missing", about, cause, "no message can be sent, and none is received", fix)
    });
    let managing = is_missing(MANAGEMENT).then(|| {
        let cause = format!("the token lacks the permission {MANAGEMENT}");
        let effect = "templates, subscriptions and the number cannot be seen";
        Finding::warning("whatsapp_permission_missing", about, cause, effect, fix)
    });
    sending.into_iter().chain(managing).collect()
}

async fn subscription(asking: &Asking<'_>, business: &str, app: &str) -> Option<Finding> {
    let body = asking.get(&[business, "subscribed_apps"], &[], &asking.config.token).await?;
    let apps = body["data"].as_array()?;
    let is_ours = |one: &Value| one["whatsapp_business_api_data"]["id"] == app || one["id"] == app;
    (!apps.iter().any(is_ours)).then(|| {
        Finding::error(
            "whatsapp_app_not_subscribed",
            business,
            "the business account does not deliver to this app",
            "no message arrives",
            "start the service, or wait for its hourly look: it subscribes the app itself",
        )
    })
}

async fn callback(asking: &Asking<'_>) -> Option<Finding> {
    let (config, account) = (asking.config, asking.config.account.as_str());
    let body = asking.get(&[account], &[("fields", "webhook_configuration")], &config.token).await?;
    let all = &body["webhook_configuration"];
    let found =
        ["phone_number", "whatsapp_business_account", "application"].into_iter().find_map(|name| all[name].as_str());
    let found = found.filter(|found| !is_own_address(found, &config.webhook_address, &ROUTES))?;
    Some(Finding::error(
        "whatsapp_callback_differs",
        account,
        format!("the number's webhooks go to {found}, not to {}", config.webhook_address),
        "messages arrive somewhere else",
        "App Dashboard, WhatsApp, Configuration: enter this address as the callback URL, with the verify token of the settings",
    ))
}

async fn fields(asking: &Asking<'_>, app: &str) -> Option<Finding> {
    let token = format!("{app}|{}", asking.config.app_secret.current().expose_secret()).into();
    let body = asking.get(&[app, "subscriptions"], &[], &token).await?;
    let ours = body["data"].as_array()?.iter().find(|one| one["object"] == "whatsapp_business_account")?;
    let names: Vec<&str> =
        ours["fields"].as_array()?.iter().filter_map(|field| field["name"].as_str().or(field.as_str())).collect();
    let missing = |wanted: &[&'static str]| -> Vec<&str> {
        wanted.iter().copied().filter(|field| !names.contains(field)).collect()
    };
    let (needed, routing) = (missing(&NEEDED_FIELDS), missing(&ROUTING_FIELDS));
    let fix = "App Dashboard, WhatsApp, Configuration, Webhook fields: subscribe them";
    if needed.is_empty() && routing.is_empty() {
        return None;
    }
    let cause = format!("these webhook fields are not subscribed: {}", [needed.clone(), routing].concat().join(", "));
    Some(match needed.is_empty() {
        false => Finding::error("whatsapp_fields_missing", app, cause, "no message arrives", fix),
        true => {
            let effect = "where another partner or Meta's agent answers as well, this is not seen";
            Finding::warning("whatsapp_fields_missing", app, cause, effect, fix)
        }
    })
}
