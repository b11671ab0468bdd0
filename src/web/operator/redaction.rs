//! What an event holds, without what somebody wrote: its shape, its numbers, and the words of the platform.

use serde_json::{Map, Value};

/// Members whose texts are the platform's own words or ids, and say nothing about a person's life.
const KEPT: [&str; 28] = [
    "__typename",
    "admin_graphql_api_id",
    "app_id",
    "created_at",
    "errors",
    "event",
    "field",
    "id",
    "item",
    "message_token",
    "messaging_product",
    "mid",
    "object",
    "phone_number_id",
    "reason",
    "recipient_id",
    "source",
    "status",
    "timestamp",
    "topic",
    "type",
    "updated_at",
    "updated_time",
    "created_time",
    "verb",
    "watermark",
    "mime_type",
    "sha256",
];

/// So much of a payload is shown, in bytes.
const SHOWN: usize = 256 * 1024;

/// A payload as an operator sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Payload {
    /// JSON.
    Json(Value),
    /// Anything else, or more than is shown: how many bytes it has.
    Bytes(usize),
}

impl Payload {
    /// Reads a payload.
    pub(super) fn read(bytes: &[u8]) -> Self {
        match serde_json::from_slice(bytes) {
            Ok(value) if bytes.len() <= SHOWN => Self::Json(value),
            _ => Self::Bytes(bytes.len()),
        }
    }

    /// The same without what somebody wrote.
    pub(super) fn redacted(self) -> Self {
        match self {
            Self::Json(value) => Self::Json(redact(None, value)),
            bytes @ Self::Bytes(_) => bytes,
        }
    }
}

fn redact(name: Option<&str>, value: Value) -> Value {
    match value {
        Value::String(text) if name.is_some_and(|name| KEPT.contains(&name)) && is_plain(&text) => Value::String(text),
        Value::String(text) => Value::String(format!("({} characters)", text.chars().count())),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| redact(name, item)).collect()),
        Value::Object(members) => Value::Object(redact_members(members)),
        number_or_word => number_or_word,
    }
}

/// A member's name may be a text, too, where an object is a table.
fn redact_members(members: Map<String, Value>) -> Map<String, Value> {
    let redacted = members.into_iter().enumerate().map(|(place, (name, value))| {
        let value = redact(Some(&name), value);
        let is_name =
            name.len() <= 60 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        (if is_name { name } else { format!("(name {place})") }, value)
    });
    redacted.collect()
}

/// Whether a text is one of the platform's: ids and words have no spaces, and are short.
fn is_plain(text: &str) -> bool {
    text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_and_words_of_the_platform_stay_and_everything_else_goes() {
        let bytes = json!({
            "object": "page", "timestamp": 17, "message": { "mid": "m_1", "text": "my address is 5 Elm St", "is_echo": true },
            "id": "a text in the place of an id", "contacts": [{ "profile": { "name": "Sam" }, "wa_id": "15550100777" }],
            "my secret name": "x",
        });
        let expected = json!({
            "object": "page", "timestamp": 17, "message": { "mid": "m_1", "text": "(22 characters)", "is_echo": true },
            "id": "(28 characters)", "contacts": [{ "profile": { "name": "(3 characters)" }, "wa_id": "(11 characters)" }],
            "(name 5)": "(1 characters)",
        });
        assert_eq!(Payload::read(bytes.to_string().as_bytes()).redacted(), Payload::Json(expected));
        assert_eq!(Payload::read(b"not JSON").redacted(), Payload::Bytes(8));
        assert_eq!(Payload::read(&vec![b' '; SHOWN + 1]), Payload::Bytes(SHOWN + 1));
    }
}
