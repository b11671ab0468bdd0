//! What the model is told before it answers: instructions, the shop, products that fit, and the conversation.

use std::path::Path;

use serde_json::{Value, json};

/// The instructions, unless a file replaces them.
const BUILT_IN: &str = include_str!("prompt.txt");

/// The longest file of instructions, in bytes.
const LONGEST_FILE: u64 = 64 * 1024;

/// The instructions as they are now.
///
/// # Errors
/// When the file cannot be read.
pub fn instructions(file: Option<&Path>) -> std::io::Result<String> {
    let Some(file) = file else { return Ok(BUILT_IN.to_owned()) };
    if std::fs::metadata(file)?.len() > LONGEST_FILE {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "the instructions are longer than 64 KiB"));
    }
    std::fs::read_to_string(file)
}

/// The messages with which the model begins, made of an event as bots read it.
pub struct Opening {
    /// For the model.
    pub messages: Vec<Value>,
    /// What the shop says in them.
    pub by_shop: Vec<String>,
    /// What the person says in them.
    pub by_person: Vec<String>,
}

impl Opening {
    /// Of these instructions and this event.
    #[must_use]
    pub fn new(instructions: &str, event: &Value, shows_images: bool) -> Self {
        let shop = event["shop"].to_string();
        let products = event["products"].to_string();
        let system = instructions
            .replace("{shop}", &shop)
            .replace("{products}", &products)
            .replace("{language}", "the language of the customer's last message");
        let (mut by_shop, mut by_person) = (vec![instructions.to_owned(), unescaped(&shop)], Vec::new());
        let mut messages = vec![json!({ "role": "system", "content": system })];
        let past = event["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        for message in past {
            let words = words_of(message);
            let is_person = message["by"] == "person";
            if is_person {
                by_person.push(words.clone())
            } else {
                by_shop.push(words.clone())
            }
            let role = if is_person { "user" } else { "assistant" };
            messages.push(json!({ "role": role, "content": words }));
        }
        if past.last().is_none_or(|last| last["by"] != "person") {
            // Nothing of the past came along: the event itself is what is answered.
            let words = words_of(event);
            by_person.push(words.clone());
            messages.push(json!({ "role": "user", "content": words }));
        }
        if shows_images && let Some(last) = messages.last_mut() {
            show_images(last, event);
        }
        Self { messages, by_shop, by_person }
    }
}

/// What was said, or what kind of thing came.
fn words_of(message: &Value) -> String {
    match message["text"].as_str().filter(|text| !text.trim().is_empty()) {
        Some(text) => text.to_owned(),
        None => format!("[{}]", message["kind"].as_str().unwrap_or("something else")),
    }
}

/// Adds the links of pictures that came with the event.
fn show_images(message: &mut Value, event: &Value) {
    let images = event["media"].as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(|medium| {
        let url = medium["url"].as_str().filter(|url| url.starts_with("https://"))?;
        (medium["type"] == "image").then(|| json!({ "type": "image_url", "image_url": { "url": url } }))
    });
    let mut parts: Vec<Value> = images.collect();
    if !parts.is_empty() {
        parts.insert(0, json!({ "type": "text", "text": message["content"] }));
        message["content"] = Value::Array(parts);
    }
}

/// JSON as a reader sees it: slashes and other characters unescaped.
fn unescaped(json: &str) -> String {
    json.replace("\\/", "/").replace("\\\"", "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conversation_ends_with_what_is_answered() {
        let event = json!({
            "kind": "text", "text": "Is the blue one in stock?", "shop": { "name": "Demo" }, "products": [{ "id": "1" }],
            "media": [{ "type": "image", "url": "https://cdn.example/1.jpg" }],
            "messages": [
                { "by": "human", "kind": "text", "text": "Hello!" },
                { "by": "person", "kind": "text", "text": "Is the blue one in stock?" },
            ],
        });
        let opening = Opening::new("You sell for {shop}: {products}. Speak {language}.", &event, false);
        let roles: Vec<&str> = opening.messages.iter().filter_map(|one| one["role"].as_str()).collect();
        assert_eq!(roles, ["system", "assistant", "user"]);
        assert!(opening.messages[0]["content"].as_str().unwrap().contains(r#"[{"id":"1"}]"#));
        let opening = Opening::new("", &event, true);
        assert_eq!(opening.messages[2]["content"][1]["image_url"]["url"], "https://cdn.example/1.jpg");
    }
}
