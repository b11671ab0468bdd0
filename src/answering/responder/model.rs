//! The model: one call of Chat Completions.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat> (2026). Only what every service of this kind understands
//! is sent and read.

use std::time::Duration;

use http::{Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::shared::outgoing::http::{Answer, ApiError, Http};
use crate::shared::store::responder::Tokens;

/// The most tokens of one answer.
const MOST_TOKENS: u32 = 1_000;

/// A model that is asked.
pub struct Model {
    http: Http,
    url: Url,
    name: String,
    key: Option<SecretString>,
}

/// Why a model gave nothing that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelError {
    /// It does not answer, or says "later": worth another try, after this pause where it says one.
    Later(Option<Duration>),
    /// It refuses what it is asked: the key, the model's name, the request. The status.
    Refused(u16),
    /// Its answer cannot be read.
    Unreadable,
}

/// What a model said.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Its words.
    pub text: Option<String>,
    /// The tools that it calls.
    pub calls: Vec<ToolCall>,
    /// What that cost.
    pub tokens: Tokens,
    /// The message as it came, to be shown to the model again.
    pub message: Value,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Its id, with which the result is told.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments: JSON, as text.
    pub arguments: String,
}

impl Model {
    /// Asks this model at this endpoint.
    #[must_use]
    pub fn new(http: Http, endpoint: &Url, name: String, key: Option<SecretString>) -> Self {
        let mut url = endpoint.clone();
        url.set_path(&format!("{}/chat/completions", endpoint.path().trim_end_matches('/')));
        Self { http: http.sending_of("model"), url, name, key }
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`ModelError`].
    pub async fn ask(&self, messages: &[Value], tools: &Value) -> Result<Reply, ModelError> {
        let body = json!({
            "model": self.name, "messages": messages, "tools": tools, "tool_choice": "auto", "max_tokens": MOST_TOKENS,
        });
        let mut request = self.http.request(Method::POST, self.url.clone()).json(&body);
        if let Some(key) = &self.key {
            let mut value = http::HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
                .map_err(|_| ModelError::Refused(401))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        match self.http.send(request).await {
            Ok(answer) => self.read(&answer),
            Err(ApiError::Unreadable(_)) => Err(ModelError::Unreadable),
            Err(ApiError::Refused { .. }) => Err(ModelError::Refused(0)),
            Err(_) => Err(ModelError::Later(None)),
        }
    }

    fn read(&self, answer: &Answer) -> Result<Reply, ModelError> {
        match answer.status {
            StatusCode::OK => read_reply(&answer.body).ok_or(ModelError::Unreadable),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Err(ModelError::Later(answer.retry_after(self.http.clock())))
            }
            status if status.is_server_error() => Err(ModelError::Later(answer.retry_after(self.http.clock()))),
            status if status.is_client_error() => Err(ModelError::Refused(status.as_u16())),
            _ => Err(ModelError::Unreadable),
        }
    }
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Value,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: i64,
    #[serde(default)]
    completion_tokens: i64,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: String,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: String,
}

/// What a completion says; `None`: it is none.
fn read_reply(body: &[u8]) -> Option<Reply> {
    let completion: Completion = serde_json::from_slice(body).ok()?;
    let message = completion.choices.into_iter().next()?.message;
    let said: Said = serde_json::from_value(message.clone()).ok()?;
    let calls = said.tool_calls.unwrap_or_default().into_iter().map(|call| ToolCall {
        id: call.id,
        name: call.function.name,
        arguments: call.function.arguments,
    });
    let tokens = completion.usage.map_or(Tokens::default(), |usage| Tokens {
        taken_in: usage.prompt_tokens.max(0),
        given_out: usage.completion_tokens.max(0),
    });
    let text = said.content.filter(|text| !text.trim().is_empty());
    Some(Reply { text, calls: calls.collect(), tokens, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_is_words_or_calls() {
        let words = br#"{"choices":[{"message":{"role":"assistant","content":"Hello"}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#;
        let reply = read_reply(words).unwrap();
        assert_eq!((reply.text.as_deref(), reply.tokens), (Some("Hello"), Tokens { taken_in: 5, given_out: 2 }));
        let calls = br#"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"hand_over","arguments":"{}"}}]}}]}"#;
        let reply = read_reply(calls).unwrap();
        assert_eq!(reply.calls[0].name, "hand_over");
        for other in [&b"<html>"[..], b"{", b"{}", br#"{"choices":[]}"#, br#"{"choices":[{"message":"Hello"}]}"#] {
            assert_eq!(read_reply(other), None);
        }
    }
}
