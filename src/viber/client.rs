//! One method per call of Viber's REST API. All of them are posts of JSON, and what became of one stands in the member
//! `status` of its answer: the HTTP status is 200 also for a refusal.
//!
//! Source: <https://developers.viber.com/docs/api/rest-bot-api/>, <https://creators.viber.com/docs/bots-api/> (2026).

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

use super::config::Config;
use super::names::NAME;
use super::{payload, refusal};
use crate::shared::channel::context::Shared;
use crate::shared::channel::dialogue::{Reason, SendError, Sent};
use crate::shared::outgoing::http::{Answer, ApiError, Http, Patience};
use crate::shared::raw_json::{Object, elements};

/// The header that carries the token.
const TOKEN: &str = "x-viber-auth-token";

/// The events that are wanted beside messages, which always come.
/// Source: <https://creators.viber.com/docs/bots-api/getting-started/web-hooks> (2026).
pub const EVENTS: [&str; 6] = ["delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started"];

/// How long to wait where the platform says "later" and not how long.
const PAUSE: Duration = Duration::from_secs(60);

/// The REST API. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: Http,
    config: Arc<Config>,
}

/// The bot's account as the platform tells it.
#[derive(Debug, Clone)]
pub struct AccountInfo {
    /// Its id: `pa:` and digits.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Where its callbacks go; empty: nowhere.
    pub webhook: String,
    /// The events that are called back.
    pub events: Vec<String>,
    /// All of it, as it came.
    pub text: String,
}

/// An answer's own verdict.
pub struct Told {
    /// 0: it was done. Anything else is a refusal, whatever else the answer holds.
    pub status: i64,
    /// The answer.
    pub text: String,
}

impl Told {
    /// Reads an answer; `None`: Viber did not write it.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let status = Object::parse(text)?.integer("status")?;
        Some(Self { status, text: text.to_owned() })
    }

    fn events(&self) -> Vec<String> {
        let events = Object::parse(&self.text).and_then(|answer| answer.get("event_types")).and_then(elements);
        events.unwrap_or_default().into_iter().filter_map(|event| serde_json::from_str(event).ok()).collect()
    }
}

impl Client {
    /// Calls of this service, with the settings' token.
    #[must_use]
    pub fn new(shared: &Shared, config: Arc<Config>) -> Self {
        Self { http: shared.http.counted(NAME, &shared.metrics), config }
    }

    /// The account, its webhook among it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn fetch_account(&self, patience: Patience) -> Result<AccountInfo, ApiError> {
        let told = self.call(patience, "get_account_info", &json!({})).await?;
        let answer = Object::parse(&told.text).ok_or(ApiError::Unreadable("an account that is no object"))?;
        let text = |name: &str| answer.readable(name).unwrap_or_default();
        Ok(AccountInfo {
            id: text("id"),
            name: text("name"),
            webhook: text("webhook"),
            events: told.events(),
            text: told.text.clone(),
        })
    }

    /// Sends callbacks to this address from now on, and gives back which events are called back. Viber calls the address before
    /// it answers.
    ///
    /// # Errors
    /// [`ApiError`]; refused with code 1 where Viber cannot reach the address, or does not trust its certificate.
    pub async fn set_webhook(&self, address: &Url) -> Result<Vec<String>, ApiError> {
        let body = json!({ "url": address.as_str(), "event_types": EVENTS, "send_name": true, "send_photo": true });
        Ok(self.call(Patience::Background, "set_webhook", &body).await?.events())
    }

    /// Ends callbacks. A person waits.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn remove_webhook(&self) -> Result<(), ApiError> {
        self.call(Patience::Person, "set_webhook", &json!({ "url": "" })).await.map(drop)
    }

    /// Sends a message, once. `body`: JSON as it goes over the wire.
    ///
    /// # Errors
    /// [`SendError`]. [`SendError::Unknown`] whenever it may have been sent.
    pub async fn send_message(&self, account: &str, body: String) -> Result<Sent, SendError> {
        let request = self.request("send_message", body);
        let answer = self.http.sending_of(account).send_once(request).await?;
        match Told::read(&answer.body) {
            Some(told) if told.status == 0 => sent(&told),
            Some(told) => {
                tracing::info!(status = told.status, account, "Viber did not send a message");
                Err(refusal::of_send(told.status, self.pause_of(&answer)))
            }
            None => Err(self.without_verdict(&answer)),
        }
    }

    /// What an answer to a message means that Viber did not write.
    fn without_verdict(&self, answer: &Answer) -> SendError {
        match answer.status.as_u16() {
            429 => SendError::Later { retry_after: self.pause_of(answer), only_person: false },
            status @ 400..500 => {
                SendError::Refused { code: format!("status {status}"), reason: Reason::Refused, is_known: false }
            }
            status => SendError::Unknown(format!("an answer that cannot be read, with status {status}")),
        }
    }

    fn pause_of(&self, answer: &Answer) -> Duration {
        answer.retry_after(self.http.clock()).unwrap_or(PAUSE)
    }

    fn request(&self, method: &str, body: String) -> RequestBuilder {
        request(&self.http, &self.config, method, body)
    }

    async fn call(&self, patience: Patience, method: &str, body: &Value) -> Result<Told, ApiError> {
        self.http
            .persist(patience, || async {
                let answer = self.http.send(self.request(method, body.to_string())).await?;
                verdict(&answer, self.pause_of(&answer))
            })
            .await
    }
}

/// A call of this method, not sent yet.
pub fn request(http: &Http, config: &Config, method: &str, body: String) -> RequestBuilder {
    let mut url = config.api_url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(method);
    }
    let mut token = http::HeaderValue::from_str(config.token.current().expose_secret())
        // What no header can hold is no token: Viber says so.
        .unwrap_or_else(|_| http::HeaderValue::from_static(""));
    token.set_sensitive(true);
    let json = http::HeaderValue::from_static("application/json");
    http.request(Method::POST, url).header(TOKEN, token).header(http::header::CONTENT_TYPE, json).body(body)
}

/// What an answer says became of a call.
///
/// # Errors
/// [`ApiError`].
pub fn verdict(answer: &Answer, pause: Duration) -> Result<Told, ApiError> {
    match Told::read(&answer.body) {
        Some(told) if told.status == 0 => Ok(told),
        Some(told) => Err(refusal::of_call(told.status, pause)),
        None => Err(match answer.status.as_u16() {
            429 => ApiError::RateLimited { retry_after: pause },
            status @ 500.. => ApiError::Unavailable(format!("status {status}")),
            status @ 300..500 => ApiError::Refused { code: format!("status {status}") },
            _ => ApiError::Unreadable("an answer without a status of Viber's"),
        }),
    }
}

/// What Viber gave a message that it took.
fn sent(told: &Told) -> Result<Sent, SendError> {
    let answer = Object::parse(&told.text);
    let token = answer.as_ref().and_then(payload::token_of);
    let platform_id = token.ok_or_else(|| SendError::Unknown("an answer without the message's token".to_owned()))?;
    let billing = answer.and_then(|answer| answer.integer("billing_status"));
    let billing = billing.map(|status| json!({ "billing_status": status }));
    Ok(Sent { platform_id, billing, ..Sent::default() })
}
