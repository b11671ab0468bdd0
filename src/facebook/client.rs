//! One method per call of the Graph API, and what its errors mean.
//!
//! Every call carries the token in `Authorization` and an `appsecret_proof`; no call follows `paging.next`, which holds
//! the token and is an address from outside.
//! Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling>,
//! <https://developers.facebook.com/docs/facebook-login/security> (2026).

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::Url;

use super::history::Inbox;
use super::payload::Id;
use super::{Config, FIELDS};
use crate::shared::api::{Answer, ApiError, Http, Patience};
use crate::shared::signature::{sign_sha256, to_hex};

/// How many items of a list are asked for at a time. 100 is the most the platform gives.
const ACCOUNTS_AT_ONCE: usize = 100;

/// Ids of messages at a time. 100 is the most the platform gives.
const IDS_AT_ONCE: usize = 100;

/// Only the newest 20 messages of a conversation can be read back.
/// Source: <https://developers.facebook.com/docs/messenger-platform/conversations> (2026).
pub const READABLE_MESSAGES: usize = 20;

/// What is read of a message.
const MESSAGE_FIELDS: &str = "id,created_time,from,to,message,attachments,shares,sticker,reply_to";

/// No list has more pages than this; a server that says otherwise is broken.
const MAX_PAGES: usize = 10_000;

/// How long to wait where the platform says "too often" and not how long.
const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(5 * 60);

/// What is read of a Page. `email` and `created_time` do not exist, and one unknown field fails the whole call.
/// Source: the fields of Page in Meta's Business SDK for v26.0 (November 2026).
const PAGE_FIELDS: &str = "id,name,username,about,description,category,category_list,website,link,phone,emails,\
                           single_line_address,location,hours,price_range,fan_count,followers_count,\
                           verification_status,is_published,is_permanently_closed,whatsapp_number,picture{url},cover";

/// What is asked for where the platform refuses one of [`PAGE_FIELDS`].
const PAGE_FIELDS_LEAST: &str = "id,name,category";

/// The Graph API. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: Http,
    config: Arc<Config>,
}

/// A token as the token endpoint gives it.
#[derive(Deserialize)]
pub struct Token {
    /// The token.
    pub access_token: SecretString,
    /// Its life in seconds, where it is told.
    pub expires_in: Option<i64>,
}

/// What the platform says about a token.
#[derive(Deserialize)]
pub struct TokenInfo {
    /// Whose app it belongs to.
    #[serde(default)]
    pub app_id: LooseText,
    /// Whether it works.
    #[serde(default)]
    pub is_valid: bool,
    /// The app-scoped id of the person.
    #[serde(default)]
    pub user_id: LooseText,
    /// What was granted.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// Text that some versions send as a number.
#[derive(Default)]
pub struct LooseText(pub String);

impl<'de> Deserialize<'de> for LooseText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().trim_matches('"').to_owned()))
    }
}

/// One Page of `/me/accounts`.
#[derive(Deserialize)]
pub struct AccountPage {
    /// The Page's id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What the person may do there.
    #[serde(default)]
    pub tasks: Vec<String>,
    /// The Page's token; a Page without one cannot be used.
    pub access_token: Option<SecretString>,
}

/// One conversation with its newest messages.
#[derive(Deserialize)]
pub struct ConversationPage {
    /// The conversation's id.
    #[serde(default)]
    pub id: String,
    /// When something last happened in it.
    #[serde(default)]
    pub updated_time: Option<Box<RawValue>>,
    /// Who takes part.
    #[serde(default)]
    pub participants: Option<List<Box<RawValue>>>,
    /// The newest messages, newest first.
    #[serde(default)]
    pub messages: Option<List<Box<RawValue>>>,
}

/// A list of the Graph API.
#[derive(Deserialize)]
pub struct List<T> {
    /// The items.
    #[serde(default = "Vec::new")]
    pub data: Vec<T>,
    /// Where the next items are.
    #[serde(default = "Option::default")]
    pub paging: Option<Paging>,
}

/// Where the next items of a list are.
#[derive(Deserialize)]
pub struct Paging {
    cursors: Option<Cursors>,
    /// Only whether it is there matters.
    #[serde(default)]
    next: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl<T> List<T> {
    /// The cursor of the next items, if the platform says that there are some.
    pub fn after(&self) -> Option<String> {
        let paging = self.paging.as_ref()?;
        paging.next.as_ref()?;
        paging.cursors.as_ref()?.after.clone()
    }
}

#[derive(Deserialize)]
struct Subscription {
    #[serde(default)]
    object: String,
    #[serde(default)]
    callback_url: String,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    fields: Vec<SubscribedField>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SubscribedField {
    Named { name: String },
    Bare(String),
}

#[derive(Deserialize)]
struct SubscribedApp {
    #[serde(default)]
    id: LooseText,
    #[serde(default)]
    subscribed_fields: Vec<String>,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorObject,
}

#[derive(Deserialize)]
struct ErrorObject {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    error_subcode: i64,
    #[serde(default)]
    is_transient: bool,
    #[serde(default)]
    fbtrace_id: String,
}

impl Client {
    /// Calls the platform that is configured.
    #[must_use]
    pub fn new(http: Http, config: Arc<Config>) -> Self {
        Self { http, config }
    }

    /// The address of the login dialog.
    #[must_use]
    pub fn dialog_url(&self, state: &str, scopes: &str, ask_again: bool) -> Url {
        let config = &self.config;
        let mut url = below(&config.dialog_url, &[&config.graph_version, "dialog", "oauth"]);
        url.query_pairs_mut()
            .append_pair("client_id", &config.app_id)
            .append_pair("redirect_uri", config.redirect_uri.as_str())
            .append_pair("state", state)
            .append_pair("response_type", "code")
            .append_pair("scope", scopes);
        if ask_again {
            url.query_pairs_mut().append_pair("auth_type", "rerequest");
        }
        url
    }

    /// Exchanges a code for a short-lived token of the person. Never repeated: a code works once.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn exchange_code(&self, code: &str) -> Result<Token, ApiError> {
        self.exchange(&[
            ("client_id", &self.config.app_id),
            ("client_secret", self.config.app_secret.current().expose_secret()),
            ("redirect_uri", self.config.redirect_uri.as_str()),
            ("code", code),
        ])
        .await
    }

    /// Exchanges a token of the person for a long-lived one (about 60 days). Page tokens made from it do not expire.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn exchange_for_long_lived(&self, token: &SecretString) -> Result<Token, ApiError> {
        self.exchange(&[
            ("grant_type", "fb_exchange_token"),
            ("client_id", &self.config.app_id),
            ("client_secret", self.config.app_secret.current().expose_secret()),
            ("fb_exchange_token", token.expose_secret()),
        ])
        .await
    }

    /// Meta documents a GET with the secret in the query, and takes the same parameters in a form, as RFC 6749 wants
    /// it. The form keeps the secret out of every URL. Where a form is not allowed at all, the documented way is taken.
    async fn exchange(&self, parameters: &[(&str, &str)]) -> Result<Token, ApiError> {
        let url = self.url(&["oauth", "access_token"]);
        let answer = self.http.send(self.http.request(Method::POST, url.clone()).form(parameters)).await?;
        if answer.status == StatusCode::METHOD_NOT_ALLOWED {
            let answer = self.http.send(self.http.request(Method::GET, url).query(parameters)).await?;
            return self.read(&answer);
        }
        self.read(&answer)
    }

    /// What the platform says about a token. Its parameter is the only place for the token: the documents know no other.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn debug_token(&self, token: &SecretString) -> Result<TokenInfo, ApiError> {
        #[derive(Deserialize)]
        struct Wrapped {
            data: TokenInfo,
        }
        let query = [("input_token", token.expose_secret())];
        let wrapped: Wrapped =
            self.call(Patience::Person, Method::GET, &["debug_token"], &query, &self.app_token()).await?;
        Ok(wrapped.data)
    }

    /// All Pages of the person.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_pages(&self, user_token: &SecretString) -> Result<Vec<AccountPage>, ApiError> {
        let limit = ACCOUNTS_AT_ONCE.to_string();
        let mut pages = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query = vec![("fields", "id,name,category,category_list,tasks,access_token"), ("limit", &limit)];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let list: List<AccountPage> =
                self.call(Patience::Person, Method::GET, &["me", "accounts"], &query, user_token).await?;
            let next = list.after();
            pages.extend(list.data);
            match next {
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                _ => return Ok(pages),
            }
        }
        Err(ApiError::Unreadable("a list without end"))
    }

    /// The object of a Page, as the platform wrote it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_page(
        &self,
        patience: Patience,
        page: &Id,
        token: &SecretString,
    ) -> Result<Box<RawValue>, ApiError> {
        let path = [page.as_str()];
        match self.call(patience, Method::GET, &path, &[("fields", PAGE_FIELDS)], token).await {
            // Fields come and go with versions; a Page without one of them is better than none.
            Err(ApiError::Refused { code }) if code == "100" || code.starts_with("100/") => {
                self.call(patience, Method::GET, &path, &[("fields", PAGE_FIELDS_LEAST)], token).await
            }
            answer => answer,
        }
    }

    /// One list of at most `limit` conversations, those with the newest messages first.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_conversations(
        &self,
        inbox: &Inbox<'_>,
        after: Option<&str>,
        limit: usize,
        token: &SecretString,
    ) -> Result<List<ConversationPage>, ApiError> {
        let fields = format!("id,updated_time,participants,messages.limit({READABLE_MESSAGES}){{{MESSAGE_FIELDS}}}");
        let limit = limit.to_string();
        let mut query = vec![("platform", inbox.platform), ("fields", &fields), ("limit", &limit)];
        query.extend(after.map(|after| ("after", after)));
        self.call(Patience::Background, Method::GET, &[inbox.page.as_str(), "conversations"], &query, token).await
    }

    /// More of the newest messages of a conversation, newest first, as [`Client::fetch_conversations`] shows them.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_messages(
        &self,
        thread: &str,
        after: &str,
        limit: usize,
        token: &SecretString,
    ) -> Result<List<Box<RawValue>>, ApiError> {
        let query = [("fields", MESSAGE_FIELDS), ("limit", &limit.to_string()), ("after", after)];
        self.call(Patience::Background, Method::GET, &[thread, "messages"], &query, token).await
    }

    /// One list of ids and times of a conversation's messages, newest first. Of all but the newest
    /// [`READABLE_MESSAGES`] that is all there is.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_message_ids(
        &self,
        thread: &str,
        after: &str,
        token: &SecretString,
    ) -> Result<List<Box<RawValue>>, ApiError> {
        let query = [("fields", "id,created_time"), ("limit", &IDS_AT_ONCE.to_string()), ("after", after)];
        self.call(Patience::Background, Method::GET, &[thread, "messages"], &query, token).await
    }

    /// Makes the app-level subscription what it should be: our address, all wanted fields. Meta sends its challenge to
    /// the address before it says yes.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn ensure_app_subscription(&self) -> Result<(), ApiError> {
        let config = &self.config;
        let token = self.app_token();
        let path = [config.app_id.as_str(), "subscriptions"];
        let list: List<Subscription> = self.call(Patience::Person, Method::GET, &path, &[], &token).await?;
        let right = list.data.iter().any(|subscription| {
            let names: Vec<&str> = subscription
                .fields
                .iter()
                .map(|field| match field {
                    SubscribedField::Named { name } | SubscribedField::Bare(name) => name.as_str(),
                })
                .collect();
            subscription.object == "page"
                && subscription.active
                && subscription.callback_url == config.webhook_address.as_str()
                && FIELDS.iter().all(|field| names.contains(field))
        });
        if right {
            return Ok(());
        }
        let fields = FIELDS.join(",");
        let form = [
            ("object", "page"),
            ("callback_url", config.webhook_address.as_str()),
            ("verify_token", config.verify_token.expose_secret()),
            ("fields", &fields),
            ("include_values", "true"),
        ];
        self.post(&path, &[], &form, &token).await
    }

    /// Makes the Page-level subscription what it should be. Gives back whether there was anything to do.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn ensure_page_subscription(&self, page: &Id, token: &SecretString) -> Result<bool, ApiError> {
        let path = [page.as_str(), "subscribed_apps"];
        let list: List<SubscribedApp> = self.call(Patience::Person, Method::GET, &path, &[], token).await?;
        let ours = list.data.iter().find(|app| app.id.0 == self.config.app_id);
        if ours.is_some_and(|app| FIELDS.iter().all(|field| app.subscribed_fields.iter().any(|name| name == field))) {
            return Ok(false);
        }
        self.post(&path, &[("subscribed_fields", &FIELDS.join(","))], &[], token).await?;
        Ok(true)
    }

    /// Takes our app off the Page: no more webhooks come.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn delete_page_subscription(&self, page: &Id, token: &SecretString) -> Result<(), ApiError> {
        let path = [page.as_str(), "subscribed_apps"];
        let _done: serde::de::IgnoredAny = self.call(Patience::Person, Method::DELETE, &path, &[], token).await?;
        Ok(())
    }

    async fn post(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        form: &[(&str, &str)],
        token: &SecretString,
    ) -> Result<(), ApiError> {
        #[derive(Deserialize)]
        struct Success {
            success: serde_json::Value,
        }
        let done: Success = self
            .http
            .persist(Patience::Person, || async {
                let request = self.request(Method::POST, path, query, token);
                let answer = self.http.send(if form.is_empty() { request } else { request.form(form) }).await?;
                self.read(&answer)
            })
            .await?;
        // The documents show both the word and the text of it.
        match done.success == true || done.success == "true" {
            true => Ok(()),
            false => Err(ApiError::Refused { code: "no success".to_owned() }),
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        patience: Patience,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        token: &SecretString,
    ) -> Result<T, ApiError> {
        self.http
            .persist(patience, || async {
                let answer = self.http.send(self.request(method.clone(), path, query, token)).await?;
                self.read(&answer)
            })
            .await
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        token: &SecretString,
    ) -> reqwest::RequestBuilder {
        let secret = self.config.app_secret.current().expose_secret();
        let proof = to_hex(&sign_sha256(secret.as_bytes(), token.expose_secret().as_bytes()));
        self.http
            .request(method, self.url(path))
            .query(query)
            .query(&[("appsecret_proof", proof)])
            .bearer_auth(token.expose_secret())
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ApiError> {
        if answer.status.is_success() && !answer.body.starts_with(b"{\"error\"") {
            return answer.json();
        }
        Err(self.meaning(answer))
    }

    /// What an error means for what we do next.
    fn meaning(&self, answer: &Answer) -> ApiError {
        let told = answer.retry_after(self.http.clock());
        let Ok(ErrorBody { error }) = answer.json::<ErrorBody>() else {
            return match answer.status.as_u16() {
                429 => ApiError::RateLimited { retry_after: told.unwrap_or(RATE_LIMIT_PAUSE) },
                500.. => ApiError::Unavailable(format!("status {}", answer.status.as_u16())),
                401 => ApiError::TokenRejected { reason: "Facebook refuses the token." },
                status => ApiError::Refused { code: format!("status {status}") },
            };
        };
        let (code, subcode) = (error.code, error.error_subcode);
        tracing::info!(code, subcode, trace = error.fbtrace_id, "the Graph API answered with an error");
        match code {
            190 | 102 => ApiError::TokenRejected { reason: token_reason(subcode) },
            4 | 9 | 17 | 32 | 341 | 613 | 80001 | 80002 | 80006 => {
                ApiError::RateLimited { retry_after: told.or_else(|| regain(answer)).unwrap_or(RATE_LIMIT_PAUSE) }
            }
            1 if answer.status == StatusCode::BAD_REQUEST && !error.is_transient => refused(code, subcode),
            1 | 2 | 1200 => ApiError::Unavailable(format!("code {code}")),
            10 | 200..=299 => ApiError::PermissionMissing {
                code: code.to_string(),
                reason: format!(
                    "Facebook does not allow the Page to be read (code {code}). Choose “Continue with Facebook” again and \
                     leave all permissions ticked."
                ),
            },
            _ if error.is_transient || answer.status.is_server_error() => ApiError::Unavailable(format!("code {code}")),
            _ => refused(code, subcode),
        }
    }

    fn app_token(&self) -> SecretString {
        format!("{}|{}", self.config.app_id, self.config.app_secret.current().expose_secret()).into()
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut whole = vec![self.config.graph_version.as_str()];
        whole.extend(path);
        below(&self.config.graph_url, &whole)
    }
}

fn refused(code: i64, subcode: i64) -> ApiError {
    ApiError::Refused { code: if subcode == 0 { code.to_string() } else { format!("{code}/{subcode}") } }
}

/// Why a token is dead, for the merchant.
/// Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling> (subcodes of 190).
fn token_reason(subcode: i64) -> &'static str {
    match subcode {
        458 => "The app was removed from the Facebook account. Please connect the Page again.",
        459 => "Facebook wants you to log in there and confirm your identity. Then connect the Page again.",
        460 => "The password of the Facebook account was changed. Please connect the Page again.",
        463 => "The Facebook login has expired. Please connect the Page again.",
        464 => "The Facebook account is not confirmed. Confirm it there, then connect the Page again.",
        492 => {
            "The person who connected the Page has no role there any more. Someone with a role must connect it again."
        }
        _ => "Facebook refuses the stored login. Please connect the Page again.",
    }
}

/// The longest time until calls are allowed again that the usage header names, in minutes there.
/// Source: <https://developers.facebook.com/docs/graph-api/overview/rate-limiting> (2026).
fn regain(answer: &Answer) -> Option<Duration> {
    let header = answer.headers.get("x-business-use-case-usage")?.to_str().ok()?;
    let usage: serde_json::Value = serde_json::from_str(header).ok()?;
    let minutes = usage
        .as_object()?
        .values()
        .filter_map(|items| items.as_array())
        .flatten()
        .filter_map(|item| item.get("estimated_time_to_regain_access")?.as_u64())
        .max()?;
    (minutes > 0).then(|| Duration::from_secs(minutes.min(60) * 60))
}

fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // Bases are http or https, which always have a path.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}
