//! One method per call of LinkedIn's API that this channel makes, and of its token endpoints.
//!
//! Source: <https://learn.microsoft.com/linkedin/marketing/community-management/shares/comments-api>,
//! <https://learn.microsoft.com/linkedin/marketing/community-management/organizations/organization-social-action-notifications>,
//! <https://learn.microsoft.com/linkedin/shared/authentication/programmatic-refresh-tokens>,
//! <https://learn.microsoft.com/linkedin/shared/authentication/token-introspection> (2026).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::config::Config;
use super::names::{NAME, organization_urn};
use super::payload::NOTIFICATIONS;
use super::refusal::{self, Throttle};
use crate::shared::channel::context::Shared;
use crate::shared::channel::dialogue::{Reason, SendError};
use crate::shared::languages::say;
use crate::shared::outgoing::http::{Answer, ApiError, Http, Patience};
use crate::shared::raw_json::{Object, elements};

/// What stands before an app's number in its URN.
const APPLICATION: &str = "urn:li:developerApplication:";

/// How many items of a list are asked for at a time. 100 is the most the platform gives.
const AT_ONCE: usize = 100;

/// How many items of a list are read at most.
const MOST_ROWS: usize = 2_000;

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: Http,
    config: Arc<Config>,
    /// LinkedIn counts calls of each endpoint by themselves: those that comment, and all others.
    throttles: Arc<[Throttle; 2]>,
}

/// Which calls are counted together.
#[derive(Debug, Clone, Copy)]
enum Counted {
    Sends,
    Others,
}

/// Tokens as the token endpoint gives them.
#[derive(Deserialize)]
pub struct Issued {
    /// The access token.
    pub access_token: SecretString,
    /// Its life in seconds.
    pub expires_in: Option<i64>,
    /// What the next one is made with.
    pub refresh_token: Option<SecretString>,
    /// Its life in seconds: counted from the login, and never longer.
    pub refresh_token_expires_in: Option<i64>,
}

/// What the token endpoint says about a token.
#[derive(Deserialize)]
pub struct Introspected {
    /// Whether it works.
    pub active: bool,
    /// When it ends, in seconds since 1970.
    #[serde(default)]
    pub expires_at: Option<i64>,
}

/// A subscription as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The app, by its id.
    pub application: String,
    /// The member who subscribed it, by URN.
    pub member: String,
    /// Where its notifications go.
    pub webhook: String,
    /// When it ends, in milliseconds since 1970, where that is told.
    pub expires_at: Option<i64>,
}

/// What was read of a list.
pub struct Listed {
    /// The items, each as it came, in the order of the list: which that is, is not documented.
    pub rows: Vec<String>,
    /// Whether these are all.
    pub is_whole: bool,
}

/// A comment of the page that was made.
pub struct Made {
    /// Its id or URN, as the header tells it.
    pub id: Option<String>,
    /// The answer's body.
    pub body: String,
}

impl Client {
    /// Calls of this service.
    #[must_use]
    pub fn new(shared: &Shared, config: Arc<Config>) -> Self {
        Self {
            http: shared.http.counted(NAME, &shared.metrics),
            config,
            throttles: Arc::new([(), ()].map(|()| Throttle::new(shared.clock.clone()))),
        }
    }

    /// What the page is called, and all that is told of it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_organization(&self, token: &SecretString) -> Result<String, ApiError> {
        let path = format!("/rest/organizations/{}", self.config.organization);
        self.get(&path, &[], token).await
    }

    /// The member who administers the page and owns the token, by URN; `None`: nobody of that kind is told.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_administrator(&self, token: &SecretString) -> Result<Option<String>, ApiError> {
        let query = [("q", "roleAssignee"), ("role", "ADMINISTRATOR"), ("state", "APPROVED")];
        let rows = self.list("/rest/organizationAcls", &query, token).await?.rows;
        let own = organization_urn(self.config.organization.as_str());
        let is_ours = |one: &Object<'_>| {
            ["organization", "organizationalTarget"].iter().any(|name| one.text(name).as_deref() == Some(&own))
        };
        let found = rows.iter().filter_map(|row| Object::parse(row)).find(is_ours);
        Ok(found.and_then(|row| row.text("roleAssignee").map(|urn| urn.into_owned())))
    }

    /// The subscription to what happens on the page's posts, if there is one.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_subscription(&self, token: &SecretString) -> Result<Option<Subscription>, ApiError> {
        let query = [("q", "subscriberAndEventType"), ("eventType", NOTIFICATIONS)];
        let rows = self.list("/rest/eventSubscriptions", &query, token).await?.rows;
        let own = organization_urn(self.config.organization.as_str());
        Ok(rows.iter().find_map(|row| subscription(row, &own)))
    }

    /// Subscribes our address, or prolongs its subscription.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn put_subscription(
        &self,
        application: &str,
        member: &str,
        token: &SecretString,
    ) -> Result<(), ApiError> {
        let path = self.subscription_path(application, member);
        let body = json!({ "webhook": self.config.webhook_address.as_str() });
        self.call(Patience::Background, Method::PUT, &path, &[], Some(&body), token).await.map(drop)
    }

    /// Ends the subscription. A person waits.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn delete_subscription(&self, of: &Subscription, token: &SecretString) -> Result<(), ApiError> {
        let path = self.subscription_path(&of.application, &of.member);
        self.call(Patience::Person, Method::DELETE, &path, &[], None, token).await.map(drop)
    }

    fn subscription_path(&self, application: &str, member: &str) -> String {
        format!(
            "/rest/eventSubscriptions/(developerApplication:{},user:{},entity:{},eventType:{NOTIFICATIONS})",
            encoded(&format!("{APPLICATION}{application}")),
            encoded(member),
            encoded(&organization_urn(self.config.organization.as_str()))
        )
    }

    /// What happened on the page's posts in the last 60 days: notifications as they are posted.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_notifications(&self, token: &SecretString) -> Result<Listed, ApiError> {
        let entity = organization_urn(self.config.organization.as_str());
        let query = [("q", "criteria"), ("organizationalEntity", entity.as_str())];
        self.list("/rest/organizationalEntityNotifications", &query, token).await
    }

    /// The comments on a post, or the answers to a comment, by URN.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_comments(&self, of: &str, token: &SecretString) -> Result<Listed, ApiError> {
        self.list(&format!("/rest/socialActions/{}/comments", encoded(of)), &[], token).await
    }

    /// A list, page by page. A page may be shorter than was asked for, and a list that knows no pages is the same again: only a
    /// page that brings nothing new is behind the last.
    async fn list(&self, path: &str, query: &[(&str, &str)], token: &SecretString) -> Result<Listed, ApiError> {
        let (count, mut start) = (AT_ONCE.to_string(), 0);
        let (mut rows, mut seen) = (Vec::new(), HashSet::new());
        while rows.len() < MOST_ROWS {
            let from = start.to_string();
            let pages = [("start", from.as_str()), ("count", count.as_str())];
            let text = self.get(path, &[query, &pages].concat(), token).await?;
            let page = list_of(&text).ok_or(ApiError::Unreadable("an answer that is no list"))?;
            start += page.len();
            let new: Vec<String> = page.into_iter().filter(|row| seen.insert(row.clone())).collect();
            if new.is_empty() {
                return Ok(Listed { rows, is_whole: true });
            }
            rows.extend(new);
        }
        Ok(Listed { rows, is_whole: false })
    }

    /// Comments on a post as the page, once.
    ///
    /// # Errors
    /// [`SendError`]. [`SendError::Unknown`] whenever it may have been made.
    pub async fn comment(&self, post: &str, body: &Value, token: &SecretString) -> Result<Made, SendError> {
        let path = format!("/rest/socialActions/{}/comments", encoded(post));
        self.send_once(&path, body, token).await
    }

    /// Sends a direct message, once.
    ///
    /// # Errors
    /// [`SendError`]. [`SendError::Unknown`] whenever it may have been sent.
    pub async fn message(&self, body: &Value, token: &SecretString) -> Result<Made, SendError> {
        self.send_once("/v2/messages", body, token).await
    }

    async fn send_once(&self, path: &str, body: &Value, token: &SecretString) -> Result<Made, SendError> {
        let request = self.request(Method::POST, path, &[], token)?.json(body);
        let http = self.http.sending_of(self.config.organization.as_str());
        let answer = http.send_once(request).await?;
        if answer.status.is_success() {
            self.throttle(Counted::Sends).answered();
            let header = ["x-restli-id", "x-linkedin-id"].iter().find_map(|name| answer.headers.get(*name));
            let id = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
            return Ok(Made { id, body: String::from_utf8_lossy(&answer.body).into_owned() });
        }
        let code = refusal::code_of(&answer);
        tracing::info!(code, "LinkedIn did not take a message");
        Err(refusal::of_send(answer.status.as_u16(), code, self.pause_of(&answer, Counted::Sends)))
    }

    /// Exchanges a refresh token for new tokens.
    ///
    /// # Errors
    /// [`ApiError::TokenRejected`] where it is dead.
    pub async fn refresh(&self, refresh: &SecretString) -> Result<Issued, ApiError> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        let answer = self.token_endpoint(Patience::Once, "accessToken", &form).await?;
        match answer.status.as_u16() {
            200..300 => answer.json(),
            400 | 401 => Err(ApiError::TokenRejected { reason: say::linkedin_refresh_refused() }),
            _ => Err(refusal::of_call(&answer, self.pause_of(&answer, Counted::Others))),
        }
    }

    /// Asks what is known about a token.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn introspect(&self, token: &SecretString) -> Result<Introspected, ApiError> {
        let form = [("token", token.expose_secret())];
        let answer = self.token_endpoint(Patience::Background, "introspectToken", &form).await?;
        match answer.status.is_success() {
            true => answer.json(),
            false => Err(ApiError::Refused { code: refusal::code_of(&answer) }),
        }
    }

    async fn token_endpoint(&self, patience: Patience, path: &str, form: &[(&str, &str)]) -> Result<Answer, ApiError> {
        self.http
            .persist(patience, || async {
                let answer = self.http.send(oauth_request(&self.http, &self.config, path, form)?).await?;
                match answer.status.is_server_error() {
                    true => Err(ApiError::Unavailable(format!("status {}", answer.status))),
                    false => Ok(answer),
                }
            })
            .await
    }

    async fn get(&self, path: &str, query: &[(&str, &str)], token: &SecretString) -> Result<String, ApiError> {
        self.call(Patience::Background, Method::GET, path, query, None, token).await
    }

    async fn call(
        &self,
        patience: Patience,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        token: &SecretString,
    ) -> Result<String, ApiError> {
        self.http
            .persist(patience, || async {
                let request = request(&self.http, &self.config, method.clone(), path, query, token)?;
                let request = body.iter().fold(request, |request, body| request.json(body));
                let answer = self.http.send(request).await?;
                match answer.status.is_success() {
                    true => {
                        self.throttle(Counted::Others).answered();
                        Ok(String::from_utf8_lossy(&answer.body).into_owned())
                    }
                    false => Err(refusal::of_call(&answer, self.pause_of(&answer, Counted::Others))),
                }
            })
            .await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        token: &SecretString,
    ) -> Result<RequestBuilder, SendError> {
        request(&self.http, &self.config, method, path, query, token).map_err(|error| SendError::Refused {
            code: error.to_string(),
            reason: Reason::Refused,
            is_known: true,
        })
    }

    /// How long to wait after an answer that says "too often".
    fn pause_of(&self, answer: &Answer, counted: Counted) -> Duration {
        match answer.status.as_u16() {
            429 => answer.retry_after(self.http.clock()).unwrap_or_else(|| self.throttle(counted).refused()),
            _ => Duration::ZERO,
        }
    }

    fn throttle(&self, counted: Counted) -> &Throttle {
        &self.throttles[counted as usize]
    }
}

/// A URN as a part of a path or of a key in it: LinkedIn wants its colons and commas encoded.
#[must_use]
pub fn encoded(urn: &str) -> String {
    form_urlencoded::byte_serialize(urn.as_bytes()).collect()
}

/// A versioned call, not sent yet. `path`: with its URNs encoded.
///
/// # Errors
/// [`ApiError`] for a path or token that no call can carry.
pub fn request(
    http: &Http,
    config: &Config,
    method: Method,
    path: &str,
    query: &[(&str, &str)],
    token: &SecretString,
) -> Result<RequestBuilder, ApiError> {
    let url = below(&config.api_url, path)?;
    let request = http
        .request(method, url)
        .header("LinkedIn-Version", config.version.as_str())
        .header("X-Restli-Protocol-Version", "2.0.0")
        .bearer_auth(token.expose_secret());
    Ok(if query.is_empty() { request } else { request.query(query) })
}

/// A call of a token endpoint, not sent yet.
///
/// # Errors
/// [`ApiError`] for an address that cannot be used.
pub fn oauth_request(
    http: &Http,
    config: &Config,
    path: &str,
    form: &[(&str, &str)],
) -> Result<RequestBuilder, ApiError> {
    let url = below(&config.oauth_url, &format!("/{path}"))?;
    let secret = config.client_secret.current().expose_secret();
    let app = [("client_id", config.client_id.as_str()), ("client_secret", secret)];
    let form: Vec<(&str, &str)> = form.iter().copied().chain(app).collect();
    Ok(http.request(Method::POST, url).form(&form))
}

fn below(base: &Url, path: &str) -> Result<Url, ApiError> {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|_| ApiError::Refused { code: "no address".to_owned() })
}

/// The elements of a list, each as it came; `None`: it is none.
fn list_of(text: &str) -> Option<Vec<String>> {
    let rows = Object::parse(text)?.get("elements").and_then(elements)?;
    Some(rows.into_iter().map(str::to_owned).collect())
}

/// The subscription of this organization, by URN, in the list of them.
#[must_use]
pub fn subscription_in(list: &str, organization: &str) -> Option<Subscription> {
    list_of(list)?.iter().find_map(|row| subscription(row, organization))
}

/// A row of the list of subscriptions, if it is about this organization.
fn subscription(row: &str, organization: &str) -> Option<Subscription> {
    let row = Object::parse(row)?;
    let key = row.object("eventSubscriptionKey")?;
    let text = |object: &Object<'_>, name: &str| object.text(name).map(|text| text.into_owned());
    if text(&key, "entity")? != organization || text(&key, "eventType")? != NOTIFICATIONS {
        return None;
    }
    let application = text(&key, "developerApplication")?;
    Some(Subscription {
        application: application.strip_prefix(APPLICATION)?.to_owned(),
        member: text(&key, "user")?,
        webhook: text(&row, "webhook").unwrap_or_default(),
        expires_at: row.integer("expiresAt"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urns_are_encoded_in_paths() {
        assert_eq!(encoded("urn:li:organization:12345"), "urn%3Ali%3Aorganization%3A12345");
        assert_eq!(
            encoded("urn:li:comment:(urn:li:activity:5,6)"),
            "urn%3Ali%3Acomment%3A%28urn%3Ali%3Aactivity%3A5%2C6%29"
        );
        let base = Url::parse("https://api.example/base/").unwrap();
        let url = below(&base, &format!("/rest/socialActions/{}/comments", encoded("urn:li:share:7"))).unwrap();
        assert_eq!(url.as_str(), "https://api.example/base/rest/socialActions/urn%3Ali%3Ashare%3A7/comments");
    }

    #[test]
    fn of_subscriptions_only_ours_is_looked_at() {
        let row = |entity: &str| {
            format!(
                r#"{{"eventSubscriptionKey":{{"developerApplication":"urn:li:developerApplication:8","user":"urn:li:person:A","entity":"{entity}","eventType":"{NOTIFICATIONS}"}},"webhook":"https://x.example/h","expiresAt":5}}"#
            )
        };
        let found = subscription(&row("urn:li:organization:1"), "urn:li:organization:1").unwrap();
        assert_eq!(
            (found.application.as_str(), found.member.as_str(), found.expires_at),
            ("8", "urn:li:person:A", Some(5))
        );
        assert_eq!(subscription(&row("urn:li:organization:2"), "urn:li:organization:1"), None);
        assert_eq!(subscription("[]", "urn:li:organization:1"), None);
    }
}
