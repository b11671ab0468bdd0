//! What the model is told before it answers: instructions, the shop, products that fit, and the conversation.

use std::path::Path;

use serde_json::{Value, json};

/// The instructions, unless a file replaces them.
const BUILT_IN: &str = include_str!("prompt.txt");

/// The longest file of instructions, in bytes.
const LONGEST_FILE: u64 = 64 * 1024;

/// How much of one message of the past is shown, and of all of them together, in characters: the newest ones first.
const LONGEST_MESSAGE: usize = 1_000;
const LONGEST_PAST: usize = 8_000;

/// The instructions as they are now.
///
/// # Errors
/// When the file cannot be read, or is empty: a model without instructions does anything.
pub fn instructions(file: Option<&Path>) -> std::io::Result<String> {
    let Some(file) = file else { return Ok(BUILT_IN.to_owned()) };
    if std::fs::metadata(file)?.len() > LONGEST_FILE {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "the instructions are longer than 64 KiB"));
    }
    let text = std::fs::read_to_string(file)?;
    if text.trim().is_empty() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the instructions are empty"));
    }
    Ok(text)
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
    /// Of these instructions and this event. `pictures`: where those that came with it can be fetched.
    #[must_use]
    pub fn new(instructions: &str, event: &Value, pictures: &[String]) -> Self {
        let shop = event["shop"].to_string();
        let products = event["products"].to_string();
        let language = "the language of the customer's last message";
        let system = filled(instructions, &[("{shop}", &shop), ("{products}", &products), ("{language}", language)]);
        let (mut by_shop, mut by_person) = (vec![instructions.to_owned(), unescaped(&shop)], Vec::new());
        let mut messages = vec![json!({ "role": "system", "content": system })];
        let past = event["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (is_person, words) in shown(past, event) {
            let role = if is_person { "user" } else { "assistant" };
            messages.push(json!({ "role": role, "content": words }));
            if is_person { by_person.push(words) } else { by_shop.push(words) }
        }
        if let Some(last) = messages.last_mut().filter(|_| !pictures.is_empty()) {
            show(last, pictures);
        }
        Self { messages, by_shop, by_person }
    }
}

/// A text with values in the places of their names. Names within values stay as they are.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        match values.iter().find_map(|(name, value)| Some((rest.strip_prefix(name)?, value))) {
            Some((behind, value)) => {
                filled.push_str(value);
                rest = behind;
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// What was said, in order of time, each with whether the person said it: as much of the past as is shown, and at the end
/// what is answered.
fn shown(past: &[Value], event: &Value) -> Vec<(bool, String)> {
    let (mut said, mut left) = (Vec::new(), LONGEST_PAST);
    if past.last().is_none_or(|last| last["by"] != "person") {
        // Nothing of the past came along: the event itself is what is answered.
        said.push((true, cut(words_of(event, event), LONGEST_MESSAGE)));
    }
    for message in past.iter().rev() {
        let words = cut(words_of(message, event), LONGEST_MESSAGE.min(left));
        left -= words.chars().count().min(left);
        if words.is_empty() {
            break;
        }
        said.push((message["by"] == "person", words));
    }
    said.reverse();
    said
}

fn cut(text: String, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => text[..at].to_owned(),
        None => text,
    }
}

/// What was said, or what kind of thing came: of what is answered that is known more closely.
fn words_of(message: &Value, event: &Value) -> String {
    let is_answered = message["platform_id"] == event["platform_id"];
    let media = event["media"].as_array().map(Vec::as_slice).unwrap_or_default();
    let came = match media.first().filter(|_| is_answered).and_then(|medium| medium["type"].as_str()) {
        Some("audio" | "voice") => Some("[voice message]".to_owned()),
        Some(kind) => Some(format!("[{kind}]")),
        None => None,
    };
    match (message["text"].as_str().filter(|text| !text.trim().is_empty()), came) {
        (Some(text), Some(came)) => format!("{text}\n{came}"),
        (Some(text), None) => text.to_owned(),
        (None, Some(came)) => came,
        (None, None) => format!("[{}]", message["kind"].as_str().unwrap_or("something else")),
    }
}

/// Adds the links of pictures that came with the event.
fn show(message: &mut Value, pictures: &[String]) {
    let text = json!({ "type": "text", "text": message["content"] });
    let images = pictures.iter().map(|url| json!({ "type": "image_url", "image_url": { "url": url } }));
    message["content"] = std::iter::once(text).chain(images).collect();
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
            "platform_id": "m_1", "media": [{ "type": "image", "url": "https://cdn.example/1.jpg" }],
            "messages": [
                { "by": "human", "kind": "text", "text": "Hello!" },
                { "by": "person", "kind": "text", "text": "Is the blue one in stock?", "platform_id": "m_1" },
            ],
        });
        let opening = Opening::new("You sell for {shop}: {products}. Speak {language}.", &event, &[]);
        let roles: Vec<&str> = opening.messages.iter().filter_map(|one| one["role"].as_str()).collect();
        assert_eq!(roles, ["system", "assistant", "user"]);
        assert!(opening.messages[0]["content"].as_str().unwrap().contains(r#"[{"id":"1"}]"#));
        assert_eq!(
            opening.messages[2]["content"], "Is the blue one in stock?\n[image]",
            "the platform's link stays here"
        );
        let opening = Opening::new("", &event, &["https://bot.example/m/1.jpg".to_owned()]);
        assert_eq!(opening.messages[2]["content"][1]["image_url"]["url"], "https://bot.example/m/1.jpg");
    }

    #[test]
    fn what_came_is_named_and_names_within_values_stay() {
        let voice = json!({ "kind": "media", "platform_id": "m_1", "media": [{ "type": "audio", "url": null }],
            "messages": [{ "by": "person", "kind": "media", "platform_id": "m_0" },
                         { "by": "person", "kind": "media", "platform_id": "m_1" }] });
        let opening = Opening::new("", &voice, &[]);
        assert_eq!(opening.by_person, ["[media]", "[voice message]"]);
        assert_eq!(filled("{a}{b}{c", &[("{a}", "{b}"), ("{b}", "2")]), "{b}2{c");
    }

    #[test]
    fn a_long_past_is_cut_and_its_newest_part_is_kept() {
        let message = |n: usize| json!({ "by": "person", "text": format!("{n} {}", "ä".repeat(5_000)) });
        let event = json!({ "messages": (0..20).map(message).collect::<Vec<_>>() });
        let opening = Opening::new("", &event, &[]);
        let said: Vec<&str> = opening.messages[1..].iter().filter_map(|one| one["content"].as_str()).collect();
        assert_eq!(said.iter().map(|text| text.chars().count()).sum::<usize>(), LONGEST_PAST);
        assert!(said.last().unwrap().starts_with("19 ") && said[0].starts_with("12 "), "{}", said.len());
    }
}
