//! A simulated model: a service that speaks OpenAI's Chat Completions and answers by rules, always the same. It shares no code
//! with who asks it.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat/create> (2026).

mod rules;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};

use crate::shared::channel::simulator::{Loopback, Now, Traffic, json_answer};

/// The name under which it is asked.
pub const NAME: &str = "demo-model";

/// The model, on a loopback port. It ends when it is dropped.
pub struct Model {
    server: Loopback,
}

#[derive(Clone)]
struct Inside {
    now: Now,
    answers: Arc<AtomicU64>,
}

impl Model {
    /// Starts it.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(now: Now) -> std::io::Result<Self> {
        let inside = Inside { now, answers: Arc::default() };
        let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(inside);
        Ok(Self { server: Loopback::start(router, Traffic::default()).await? })
    }

    /// Its base address.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}/v1", self.server.url())
    }
}

/// A refusal in the API's form.
fn refusal(status: u16, code: &str, message: &str) -> Response {
    json_answer(
        status,
        &json!({ "error": { "message": message, "type": "invalid_request_error", "param": null, "code": code } }),
    )
}

async fn complete(State(inside): State<Inside>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return refusal(400, "invalid_json", "The body is no JSON.");
    };
    if request["model"] != NAME {
        return refusal(404, "model_not_found", "There is no such model here.");
    }
    if request["stream"] == true {
        return refusal(400, "unsupported_value", "Streams are not simulated.");
    }
    let Some(message) = rules::answer(&request) else {
        return refusal(400, "invalid_value", "There must be messages, and one of them a user's.");
    };
    let number = inside.answers.fetch_add(1, Ordering::Relaxed) + 1;
    let reason = if message["tool_calls"].is_array() { "tool_calls" } else { "stop" };
    // About four bytes are a token.
    let (taken, given) = (body.len() / 4, message.to_string().len() / 4);
    json_answer(
        200,
        &json!({
            "id": format!("chatcmpl-demo{number}"), "object": "chat.completion", "created": (inside.now)().timestamp(),
            "model": NAME, "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": reason }],
            "usage": { "prompt_tokens": taken, "completion_tokens": given, "total_tokens": taken + given },
        }),
    )
}
