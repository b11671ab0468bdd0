//! What a model said, as services write it: liberal in what is read, and limited.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::shared::store::responder::Tokens;
use crate::shared::text_fold::is_blank;

/// How many tools one reply may call.
const MOST_CALLS: usize = 4;

/// What some services write before their JSON.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The most tokens that one answer can have cost: what is more is a service's mistake.
const MOST_COUNTED: f64 = 1_000_000.0;

/// What a model said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Its words.
    pub text: Option<String>,
    /// The tools that it calls.
    pub calls: Vec<ToolCall>,
    /// Whether it was cut off: by its limit, or by the service's own rules.
    pub is_cut: bool,
}

impl Said {
    /// The message, to be shown to the model again: only what every service takes.
    #[must_use]
    pub fn message(&self) -> Value {
        let call = |call: &ToolCall| {
            let function = json!({ "name": call.name, "arguments": call.arguments });
            json!({ "id": call.id, "type": "function", "function": function })
        };
        let calls: Vec<Value> = self.calls.iter().map(call).collect();
        json!({ "role": "assistant", "content": self.text, "tool_calls": calls })
    }
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

/// A completion.
#[derive(Debug, PartialEq)]
pub struct Completion {
    /// What the model said.
    pub said: Said,
    /// What it cost; `None`: the service does not tell.
    pub tokens: Option<Tokens>,
}

#[derive(Deserialize)]
struct Body {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Value,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

/// Words: one text, or parts of which some are texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct Call {
    /// A text; some services write a number.
    #[serde(default)]
    id: Value,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    /// JSON as text; some services write the object itself.
    #[serde(default)]
    arguments: Value,
}

/// What a completion says; `None`: it is none, or it calls more tools than anybody needs.
#[must_use]
pub fn read_completion(body: &[u8]) -> Option<Completion> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let Body { choices, usage } = serde_json::from_slice(body).ok()?;
    let Choice { message, finish_reason } = choices.into_iter().next()?;
    let calls = message.tool_calls.unwrap_or_default();
    if calls.len() > MOST_CALLS {
        return None;
    }
    let calls = (1..).zip(calls).map(|(n, Call { id, function })| ToolCall {
        id: text_of(id).filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call_{n}")),
        name: function.name,
        arguments: match function.arguments {
            Value::String(text) => text,
            Value::Null => String::new(),
            arguments => arguments.to_string(),
        },
    });
    let text = message.content.map(|content| match content {
        Content::Text(text) => text,
        Content::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
    });
    let said = Said {
        text: text.filter(|text| !is_blank(text)),
        calls: calls.collect(),
        is_cut: matches!(finish_reason.as_str(), Some("length" | "content_filter")),
    };
    let (taken_in, given_out) = (counted(&usage["prompt_tokens"]), counted(&usage["completion_tokens"]));
    // What was taken in is never nothing: whoever says so does not count.
    let taken_in = taken_in.filter(|tokens| *tokens > 0);
    let tokens = taken_in.map(|taken_in| Tokens { taken_in, given_out: given_out.unwrap_or(0) });
    Some(Completion { said, tokens })
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Tokens as they are told: a number, whatever its kind and size, or one within a text. What an answer cost is no reason to
/// throw it away.
fn counted(tokens: &Value) -> Option<i64> {
    let told = match tokens {
        Value::String(text) => text.trim().parse().ok(),
        _ => tokens.as_f64(),
    };
    let told = told.filter(|told: &f64| !told.is_nan())?;
    #[expect(clippy::cast_possible_truncation, reason = "the number is within the range, and its part is no token")]
    Some(told.clamp(0.0, MOST_COUNTED) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &Value) -> Option<Said> {
        let body = json!({ "choices": [{ "message": message, "finish_reason": "stop" }] }).to_string();
        read_completion(body.as_bytes()).map(|completion| completion.said)
    }

    #[test]
    fn a_completion_is_words_or_calls() {
        let words = br#"{"choices":[{"message":{"role":"assistant","content":"Hello"}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#;
        let Completion { said: hello, tokens } = read_completion(words).unwrap();
        assert_eq!((hello.text.as_deref(), tokens), (Some("Hello"), Some(Tokens { taken_in: 5, given_out: 2 })));
        let call = json!({ "id": "c1", "type": "function", "function": { "name": "hand_over", "arguments": "{}" } });
        assert_eq!(said(&json!({ "content": null, "tool_calls": [call] })).unwrap().calls[0].name, "hand_over");
        for other in [&b"<html>"[..], b"{", b"{}", br#"{"choices":[]}"#, br#"{"choices":[{"message":"Hello"}]}"#] {
            assert_eq!(read_completion(other), None);
        }
    }

    #[test]
    fn what_services_write_differently_is_read_all_the_same() {
        let parts = json!({ "content": [{ "type": "text", "text": "Hel" }, { "type": "text", "text": "lo" }] });
        assert_eq!(said(&parts).unwrap().text.as_deref(), Some("Hello"));
        let call = json!({ "content": "", "reasoning": "secret", "tool_calls": [
            { "id": "", "function": { "name": "search_products", "arguments": { "query": "board" } } },
        ] });
        let reply = said(&call).unwrap();
        assert_eq!((reply.calls[0].id.as_str(), reply.calls[0].arguments.as_str()), ("call_1", r#"{"query":"board"}"#));
        let shown = reply.message();
        assert_eq!(shown.as_object().unwrap().keys().collect::<Vec<_>>(), ["role", "content", "tool_calls"]);
        let usage = |usage: &str| {
            let body =
                format!(r#"{{"choices":[{{"message":{{"content":"x"}},"finish_reason":"length"}}],"usage":{usage}}}"#);
            let completion = read_completion(body.as_bytes()).unwrap();
            assert!(completion.said.is_cut);
            completion.tokens
        };
        assert_eq!(
            usage(r#"{"prompt_tokens":7,"completion_tokens":null}"#),
            Some(Tokens { taken_in: 7, given_out: 0 })
        );
        for odd in ["null", "[]", "\"much\"", r#"{"prompt_tokens":{}}"#, r#"{"prompt_tokens":"NaN"}"#] {
            assert_eq!(usage(odd), None, "{odd}");
        }
        for fifty in ["50", "50.0", "\"50\""] {
            let told = usage(&format!(r#"{{"prompt_tokens":{fifty},"completion_tokens":2}}"#));
            assert_eq!(told, Some(Tokens { taken_in: 50, given_out: 2 }), "{fifty}");
        }
        let large = usage(&format!(r#"{{"prompt_tokens":1{}}}"#, "0".repeat(30)));
        assert_eq!(large, Some(Tokens { taken_in: 1_000_000, given_out: 0 }));
        let marked = read_completion("\u{feff}{\"choices\":[{\"message\":{\"content\":\"x\"}}]}".as_bytes());
        assert_eq!(marked.unwrap().said.text.as_deref(), Some("x"));
        let call = json!({ "tool_calls": [{ "id": 7, "function": { "name": "hand_over" } }] });
        assert_eq!(said(&call).unwrap().calls[0].id, "7");
        assert_eq!(usage(r#"{"prompt_tokens":0}"#), None);
        let huge = usage(r#"{"prompt_tokens":9000000000000,"completion_tokens":-5}"#);
        assert_eq!(huge, Some(Tokens { taken_in: 1_000_000, given_out: 0 }));
    }

    #[test]
    fn nobody_needs_many_tools_at_once() {
        let call = json!({ "id": "c", "function": { "name": "search_products", "arguments": "{}" } });
        assert!(said(&json!({ "tool_calls": vec![call.clone(); 4] })).is_some());
        assert_eq!(said(&json!({ "tool_calls": vec![call; 5] })), None);
    }
}
