//! The model: one call of Chat Completions.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat> (2026). Only what every service of this kind understands
//! is sent, and what they write differently is read all the same. What comes back is limited before it is read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::completion::{Completion, Said, read_completion};
use crate::shared::outgoing::http::{Answer, ApiError, Http};
use crate::shared::settings::below;
use crate::shared::store::responder::Tokens;

/// The most tokens of one answer.
const MOST_TOKENS: u32 = 1_000;

/// The largest answer that is read, in bytes.
const MOST_BYTES: usize = 256 * 1024;

/// About how many bytes a token is, where a service does not tell what an answer cost.
const BYTES_OF_A_TOKEN: usize = 4;

/// The older and the newer name of the limit of an answer: newer models of OpenAI refuse the older one, and older services
/// do not know the newer one.
/// Source: <https://platform.openai.com/docs/api-reference/chat/create#chat-create-max_completion_tokens> (2026).
const LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// A model that is asked.
pub struct Model {
    http: Http,
    url: Url,
    name: String,
    key: Option<SecretString>,
    /// Whether it wants the newer name of the limit.
    wants_newer_limit: AtomicBool,
}

/// Why a model gave nothing that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelError {
    /// It does not answer, or says "later": worth another try, after this pause where it says one.
    Later(Option<Duration>),
    /// It refuses to be asked at all: the key, the model's name, the address. The status; 0: the address may not be asked.
    Refused(u16),
    /// It refuses this question. The status.
    Declined(u16),
    /// Its answer cannot be read.
    Unreadable,
}

/// What came of asking once.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What it said.
    pub said: Result<Said, ModelError>,
    /// What that cost.
    pub tokens: Tokens,
}

impl Model {
    /// Asks this model at this endpoint.
    #[must_use]
    pub fn new(http: Http, endpoint: &Url, name: String, key: Option<SecretString>) -> Self {
        let url = below(endpoint, "/chat/completions");
        Self { http: http.sending_of("model"), url, name, key, wants_newer_limit: AtomicBool::new(false) }
    }

    /// Asks. What a service does not take is left out or named in its other way, once.
    pub async fn ask(&self, messages: &[Value], tools: &Value) -> Reply {
        let wants_newer = self.wants_newer_limit.load(Ordering::Relaxed);
        let (answer, reply) = self.ask_once(messages, tools, wants_newer).await;
        if reply.said != Err(ModelError::Declined(400)) {
            return reply;
        }
        if names_limit(&answer) {
            let (_, reply) = self.ask_once(messages, tools, !wants_newer).await;
            if reply.said.is_ok() {
                self.wants_newer_limit.store(!wants_newer, Ordering::Relaxed);
            }
            return reply;
        }
        // A model without eyes, or a picture that it cannot fetch.
        match without_pictures(messages) {
            Some(messages) => self.ask_once(&messages, tools, wants_newer).await.1,
            None => reply,
        }
    }

    async fn ask_once(&self, messages: &[Value], tools: &Value, wants_newer: bool) -> (Bytes, Reply) {
        let limit = LIMITS[usize::from(wants_newer)];
        let body = json!({
            "model": self.name, "messages": messages, "tools": tools, "tool_choice": "auto", limit: MOST_TOKENS,
        });
        let asked = body.to_string();
        let mut request = self.http.request(Method::POST, self.url.clone());
        request = request.header(header::CONTENT_TYPE, "application/json").body(asked.clone());
        let failed = |error| (Bytes::new(), Reply { said: Err(error), tokens: Tokens::default() });
        if let Some(key) = &self.key {
            let Ok(mut value) = http::HeaderValue::try_from(format!("Bearer {}", key.expose_secret())) else {
                return failed(ModelError::Refused(401));
            };
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        match self.fetch(request).await {
            Ok(answer) => {
                let reply = self.read(&answer, asked.len());
                (answer.body, reply)
            }
            Err(ApiError::Unreadable(_)) => {
                let tokens = estimated(asked.len(), MOST_BYTES);
                (Bytes::new(), Reply { said: Err(ModelError::Unreadable), tokens })
            }
            Err(ApiError::Refused { .. }) => failed(ModelError::Refused(0)),
            Err(_) => failed(ModelError::Later(None)),
        }
    }

    /// Sends, and reads an answer that is not too large.
    async fn fetch(&self, request: reqwest::RequestBuilder) -> Result<Answer, ApiError> {
        let mut download = self.http.open(request).await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = download.chunk().await? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(ApiError::Unreadable("the answer is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: download.status, headers: download.headers.clone(), body: body.freeze() })
    }

    fn read(&self, answer: &Answer, asked: usize) -> Reply {
        let free = |error| Reply { said: Err(error), tokens: Tokens::default() };
        match answer.status {
            status if status.is_success() => {
                let guess = estimated(asked, answer.body.len());
                match read_completion(&answer.body) {
                    Some(Completion { said, tokens }) => Reply { said: Ok(said), tokens: tokens.unwrap_or(guess) },
                    None => Reply { said: Err(ModelError::Unreadable), tokens: guess },
                }
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                free(ModelError::Later(answer.retry_after(self.http.clock())))
            }
            status if status.is_server_error() => free(ModelError::Later(answer.retry_after(self.http.clock()))),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => {
                free(ModelError::Refused(status.as_u16()))
            }
            status if status.is_redirection() => free(ModelError::Refused(status.as_u16())),
            status if status.is_client_error() => free(ModelError::Declined(status.as_u16())),
            _ => free(ModelError::Unreadable),
        }
    }
}

fn estimated(asked: usize, answered: usize) -> Tokens {
    let tokens = |bytes: usize| i64::try_from(bytes.div_ceil(BYTES_OF_A_TOKEN)).unwrap_or(i64::MAX);
    Tokens { taken_in: tokens(asked), given_out: tokens(answered) }
}

/// Whether a refusal names the limit of the answer.
fn names_limit(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    LIMITS.iter().any(|name| text.contains(name))
}

/// The messages with the words of those that hold pictures alone; `None`: none does.
fn without_pictures(messages: &[Value]) -> Option<Vec<Value>> {
    messages.iter().any(|message| message["content"].is_array()).then(|| {
        let words = |message: &Value| match message["content"].as_array() {
            Some(parts) => {
                let text: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
                json!({ "role": message["role"], "content": text.join("\n") })
            }
            None => message.clone(),
        };
        messages.iter().map(words).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_left_out_and_words_stay() {
        let words = json!({ "role": "user", "content": "Hello" });
        assert_eq!(without_pictures(std::slice::from_ref(&words)), None);
        let picture = json!({ "role": "user", "content": [
            { "type": "text", "text": "[image]" }, { "type": "image_url", "image_url": { "url": "https://x.example" } },
        ] });
        let left = without_pictures(&[words.clone(), picture]).unwrap();
        assert_eq!(left, [words, json!({ "role": "user", "content": "[image]" })]);
    }
}
