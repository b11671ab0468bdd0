//! What only Facebook knows: whether the app, its subscriptions and the stored tokens are what they should be.
//!
//! Asks with calls of its own: they change nothing, and spend nothing from the budgets of a running service.

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::about;
use super::config::{Config, WEBHOOKS};
use super::inbox::{FIELDS, INSTAGRAM, NAME, SCOPES, switched_on};
use super::paging::{self, List, Way};
use crate::meta::address;
use crate::meta::app::App;
use crate::meta::id::Id;
use crate::shared::channel::about::About;
use crate::shared::channel::finding::{Finding, SOON_MS};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::section::Section;
use crate::shared::outgoing::http::{Answer, ApiError, Http};
use crate::shared::secrets::signature::{Secrets, sign_sha256, to_hex};
use crate::shared::settings::is_own_address;
use crate::shared::store::{Connection, Connections, Status, TokenKind};

/// The oldest version of the Graph API that is still served on 2026-11-21; the newest is v26.0.
/// Source: <https://developers.facebook.com/docs/graph-api/changelog/versions>.
const OLDEST: u32 = 21;
const NEWEST: u32 = 26;

/// A login at Shopify whose time is further from our clock than this is refused, in seconds.
/// Source: the limit in Shopify's own library, `@shopify/shopify-api` 15.
const SKEW_SECONDS: i64 = 90;

impl Section for Config {
    fn channels(&self) -> Vec<&'static About> {
        let instagram = (INSTAGRAM.is_on)(self).then_some(&about::OF_INSTAGRAM);
        std::iter::once(&about::OF_PAGES).chain(instagram).collect()
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
        (NAME, "FACEBOOK_APP_SECRET_PREVIOUS", &self.app_secret)
    }

    fn registration(&self, base: &str) -> String {
        format!(
            "Meta App Dashboard: Facebook Login, Settings, Valid OAuth Redirect URIs: {base}/facebook/callback; the \
             webhook address {base}/facebook/webhook is set by the service itself"
        )
    }

    fn examine_address<'a>(&'a self, http: &'a Http) -> BoxFuture<'a, Option<Finding>> {
        let token = ("FACEBOOK_VERIFY_TOKEN", &self.verify_token);
        let effect = "Meta does not accept the address, and no message arrives";
        Box::pin(address::challenge(http, &self.webhook_address, token, effect))
    }

    fn examine<'a>(&'a self, http: &'a Http, connections: &'a Connections, now_ms: i64) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(examine(self, http, connections, now_ms))
    }
}

/// Asks about the app and every Page.
async fn examine(config: &Config, http: &Http, connections: &Connections, now_ms: i64) -> Vec<Finding> {
    let mut findings = Vec::new();
    version(config, &mut findings);
    let asking = Asking { config, http };
    if !app(&asking, &mut findings).await {
        return findings;
    }
    for connection in connections.list().await.unwrap_or_default() {
        let Some(page) = Id::parse(&connection.account) else { continue };
        findings.extend(send_permission(config, &connection));
        if connection.channel != NAME || connection.status == Status::NeedsReconnect {
            continue;
        }
        if let Ok(Some(token)) = connections.find_token(NAME, page.as_str(), TokenKind::Access).await {
            token_of(&asking, &page, &token.secret, now_ms, &mut findings).await;
            subscription_of(&asking, &page, &token.secret, &mut findings).await;
        }
    }
    findings
}

struct Asking<'a> {
    config: &'a Config,
    http: &'a Http,
}

impl Asking<'_> {
    async fn get(&self, path: &[&str], query: &[(&str, &str)], token: &SecretString) -> Option<Answer> {
        let mut url: Url = self.config.graph_url.clone();
        url.path_segments_mut().ok()?.pop_if_empty().push(&self.config.graph_version).extend(path);
        let secret = self.config.app_secret.current().expose_secret();
        let proof = to_hex(&sign_sha256(secret.as_bytes(), token.expose_secret().as_bytes()));
        let request = self
            .http
            .request(Method::GET, url)
            .query(query)
            .query(&[("appsecret_proof", proof)])
            .bearer_auth(token.expose_secret());
        self.http.send(request).await.ok()
    }

    /// The first item of a list that is ours. Its first part is at hand; it is looked for in all of them.
    ///
    /// # Errors
    /// When the rest of the list cannot be read, so that nothing is known.
    async fn find(
        &self,
        path: &[&str],
        first: &Answer,
        token: &SecretString,
        is_ours: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, ApiError> {
        let mut part: List<Value> = first.json()?;
        let mut way = Way::default();
        loop {
            let next = way.next(&part);
            if let Some(ours) = part.data.into_iter().find(|one| is_ours(one)) {
                return Ok(Some(ours));
            }
            let Some(place) = next? else { return Ok(None) };
            let place = paging::parameters(Some(&place));
            let query: Vec<(&str, &str)> = place.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let answer = self.get(path, &query, token).await;
            part = answer.ok_or_else(|| ApiError::Unavailable("no answer".to_owned()))?.json()?;
        }
    }

    fn app_token(&self) -> SecretString {
        format!("{}|{}", self.config.app_id, self.config.app_secret.current().expose_secret()).into()
    }
}

fn version(config: &Config, findings: &mut Vec<Finding>) {
    let major: Option<u32> =
        config.graph_version.trim_start_matches('v').split('.').next().and_then(|text| text.parse().ok());
    let about = "FACEBOOK_GRAPH_VERSION";
    match major {
        Some(major) if major < OLDEST => findings.push(Finding::error(
            "facebook_version_dead",
            about,
            format!("the Graph API {} no longer exists", config.graph_version),
            "Facebook silently answers with its oldest living version, whose shapes nobody has tested here",
            format!("remove {about}, or set it to v{NEWEST}.0"),
        )),
        Some(major) if major < NEWEST => findings.push(Finding::warning(
            "facebook_version_old",
            about,
            format!("the Graph API {} is not the newest that this program knows", config.graph_version),
            "it ends about two years after its release",
            format!("remove {about}, or set it to v{NEWEST}.0"),
        )),
        _ => {}
    }
}

/// The app-level subscription. Gives back whether Facebook can be asked at all.
async fn app(asking: &Asking<'_>, findings: &mut Vec<Finding>) -> bool {
    let config = asking.config;
    let about = config.app_id.as_str();
    let Some(answer) = asking.get(&[about, "subscriptions"], &[], &asking.app_token()).await else {
        findings.push(Finding::error(
            "facebook_unreachable",
            config.graph_url.as_str(),
            "Facebook cannot be reached from here",
            "nothing is polled and nobody can connect; deliveries are still taken in",
            "see that this machine may open https connections to the outside, and FACEBOOK_GRAPH_URL if it is set",
        ));
        return false;
    };
    findings.extend(clock(asking.http, &answer));
    let Ok(body) = answer.json::<Value>() else {
        findings.push(Finding::error(
            "facebook_unreadable",
            config.graph_url.as_str(),
            format!("what answers in Facebook's place does not speak its language (status {})", answer.status),
            "nothing is polled and nobody can connect",
            "see FACEBOOK_GRAPH_URL, and whether a proxy answers in Facebook's place",
        ));
        return false;
    };
    if !answer.status.is_success() {
        let code = body["error"]["code"].as_i64().unwrap_or(0);
        if matches!(code, 4 | 17 | 32 | 613) {
            findings.push(Finding::warning(
                "facebook_rate_limited",
                about,
                "Facebook says that the app asks too often",
                "polls are slower for a while",
                "wait; if it stays so, look at the app's usage in its dashboard",
            ));
        } else {
            findings.push(Finding::error(
                "facebook_app_refused",
                about,
                format!("Facebook refuses the app's id and secret (code {code})"),
                "nobody can connect, and every delivery fails the signature check",
                "copy FACEBOOK_APP_ID and FACEBOOK_APP_SECRET anew from the App Dashboard, Settings, Basic",
            ));
        }
        return false;
    }
    app_subscription(asking, &answer, findings).await;
    true
}

/// What is wrong with the subscription of the app, whose list begins with this answer.
async fn app_subscription(asking: &Asking<'_>, answer: &Answer, findings: &mut Vec<Finding>) {
    let config = asking.config;
    let about = config.app_id.as_str();
    let path = [about, "subscriptions"];
    let Ok(ours) = asking.find(&path, answer, &asking.app_token(), |one| one["object"] == "page").await else {
        return findings.push(list_cut(about));
    };
    let Some(ours) = ours else {
        findings.push(Finding::error(
            "facebook_app_not_subscribed",
            about,
            "the app has no webhook subscription for Pages",
            "no message of any Page arrives",
            "start the service while its public address is reachable: it sets the subscription itself",
        ));
        return;
    };
    let repair = "start the service, or wait for its hourly look, while its public address is reachable";
    let callback = ours["callback_url"].as_str().unwrap_or_default();
    if !is_own_address(callback, &config.webhook_address, WEBHOOKS) {
        findings.push(Finding::error(
            "facebook_callback_differs",
            about,
            format!("the app's webhook goes to {callback}, not to {}", config.webhook_address),
            "messages arrive somewhere else",
            repair,
        ));
    }
    if ours["active"] == false {
        findings.push(Finding::error(
            "facebook_callback_inactive",
            about,
            "Facebook has switched the app's webhook off",
            "no message of any Page arrives",
            repair,
        ));
    }
    let names: Vec<&str> = ours["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|field| field["name"].as_str().or(field.as_str()))
        .collect();
    fields_missing("facebook_app_fields_missing", about, &names, repair, findings);
}

fn list_cut(about: &str) -> Finding {
    Finding::warning(
        "facebook_list_cut",
        about,
        "Facebook's list of subscriptions cannot be read to its end",
        "it is not known whether webhooks are subscribed",
        "run the doctor again in some minutes",
    )
}

/// Compares our clock with Facebook's.
fn clock(http: &Http, answer: &Answer) -> Option<Finding> {
    let date = answer.headers.get(http::header::DATE)?.to_str().ok()?;
    let theirs = chrono::DateTime::parse_from_rfc2822(date).ok()?;
    let skew = (http.clock().now() - theirs.to_utc()).num_seconds();
    (skew.abs() > SKEW_SECONDS).then(|| {
        Finding::error(
            "clock_wrong",
            "",
            format!("the clock of this machine differs by {skew} seconds from Facebook's"),
            "logins at Shopify are refused, and tokens are renewed at the wrong time",
            "set the clock: timedatectl set-ntp true",
        )
    })
}

fn fields_missing(code: &'static str, about: &str, present: &[&str], fix: &str, findings: &mut Vec<Finding>) {
    let missing: Vec<&str> = FIELDS.into_iter().filter(|field| !present.contains(field)).collect();
    if !missing.is_empty() {
        findings.push(Finding::error(
            code,
            about,
            format!("these webhook fields are not subscribed: {}", missing.join(", ")),
            "what they would tell is found by polls only, or not at all",
            fix,
        ));
    }
}

/// That an account has not granted what sending needs.
fn send_permission(config: &Config, connection: &Connection) -> Option<Finding> {
    let row = switched_on(config).find(|row| row.name == connection.channel)?;
    let granted = &connection.scopes;
    (!granted.is_empty() && !granted.iter().any(|scope| scope == row.sends_with)).then(|| {
        Finding::error(
            "send_permission_missing",
            &connection.account,
            format!("the login of this {} did not grant {}", (row.noun)(), row.sends_with),
            "nobody is answered there: messages are refused with `account-unavailable`",
            format!(
                "its merchant connects it again on the start page and leaves all permissions ticked; for people who have no \
                 role in the app, {} needs Advanced Access (App Review)",
                row.sends_with
            ),
        )
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    app_id: Value,
    is_valid: bool,
    expires_at: i64,
    data_access_expires_at: i64,
    scopes: Vec<String>,
}

async fn token_of(asking: &Asking<'_>, page: &Id, token: &SecretString, now_ms: i64, findings: &mut Vec<Finding>) {
    #[derive(Deserialize)]
    struct Wrapped {
        data: Info,
    }
    let query = [("input_token", token.expose_secret())];
    let answer = asking.get(&["debug_token"], &query, &asking.app_token()).await;
    let Some(info) = answer.and_then(|answer| answer.json::<Wrapped>().ok()).map(|wrapped| wrapped.data) else {
        return;
    };
    let about = page.as_str();
    let login = "the merchant of the Page connects it again on the start page";
    let app_id = info.app_id.as_str().map_or_else(|| info.app_id.to_string(), str::to_owned);
    if !info.is_valid {
        findings.push(Finding::error(
            "facebook_token_invalid",
            about,
            "Facebook says that the Page's token is not valid any more",
            "the Page is not polled; its deliveries are still taken in",
            login,
        ));
        return;
    }
    if app_id != asking.config.app_id {
        findings.push(Finding::error(
            "facebook_token_of_other_app",
            about,
            "the Page's token belongs to another app",
            "calls are refused as soon as the app checks its proof",
            format!("set FACEBOOK_APP_ID back, or {login}"),
        ));
    }
    let missing: Vec<&str> =
        SCOPES.into_iter().filter(|scope| !info.scopes.iter().any(|granted| granted == scope)).collect();
    if !missing.is_empty() {
        findings.push(Finding::error(
            "facebook_scope_missing",
            about,
            format!("permissions are missing: {}", missing.join(", ")),
            "conversations or webhooks of the Page are incomplete",
            format!("{login}, and leaves all permissions ticked"),
        ));
    }
    for (code, ends, what) in [
        ("facebook_token_ends", info.expires_at, "the Page's token"),
        ("facebook_access_ends", info.data_access_expires_at, "the access to the person's data"),
    ] {
        let left_ms = ends.saturating_mul(1000).saturating_sub(now_ms);
        if ends > 0 && left_ms < SOON_MS {
            findings.push(Finding::warning(
                code,
                about,
                format!("{what} ends in {} days", (left_ms / 86_400_000).max(0)),
                "after that the Page is not polled",
                login,
            ));
        }
    }
}

async fn subscription_of(asking: &Asking<'_>, page: &Id, token: &SecretString, findings: &mut Vec<Finding>) {
    let Some(answer) = asking.get(&[page.as_str(), "subscribed_apps"], &[], token).await else { return };
    if !answer.status.is_success() || answer.json::<Value>().is_err() {
        return;
    }
    let about = page.as_str();
    let repair = "wait for the service's hourly look, or connect the Page again";
    let app_id = asking.config.app_id.as_str();
    let path = [page.as_str(), "subscribed_apps"];
    let Ok(ours) = asking.find(&path, &answer, token, |app| app["id"] == app_id).await else {
        findings.push(list_cut(about));
        return;
    };
    let Some(ours) = ours else {
        findings.push(Finding::error(
            "facebook_page_not_subscribed",
            about,
            "the Page does not deliver to this app",
            "its messages are found by the daily poll only",
            repair,
        ));
        return;
    };
    let names: Vec<&str> =
        ours["subscribed_fields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    fields_missing("facebook_page_fields_missing", about, &names, repair, findings);
}
