//! The templates that a message may carry: the generic template and the button template.
//!
//! Source: <https://developers.facebook.com/docs/messenger-platform/reference/templates/generic> (2026).

use serde_json::{Map, Value};
use url::Url;

use super::super::state::{Button, GraphError};

/// The limits of the generic template.
const MAX_ELEMENTS: usize = 10;
const MAX_TITLE: usize = 80;

/// The limits of buttons.
const MAX_BUTTONS: usize = 3;
const MAX_BUTTON_TITLE: usize = 20;
const MAX_PAYLOAD: usize = 1000;

/// The longest text of the button template.
const MAX_BUTTON_TEXT: usize = 640;

/// The object at this place, which has no members but those known.
pub(super) fn object<'a>(value: &'a Value, place: &str, known: &[&str]) -> Result<&'a Map<String, Value>, GraphError> {
    let map = value.as_object().ok_or_else(|| GraphError::parameter(&format!("Param {place} must be an object.")))?;
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(GraphError::parameter(&format!("Invalid keys \"{key}\" were found in param \"{place}\"."))),
        None => Ok(map),
    }
}

/// The text of this name, if it is there: 1 to `max` characters.
pub(super) fn text<'a>(
    map: &'a Map<String, Value>,
    place: &str,
    name: &str,
    max: usize,
) -> Result<Option<&'a str>, GraphError> {
    let Some(value) = map.get(name) else { return Ok(None) };
    let text = value.as_str().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| GraphError::parameter(&format!("Param {place}[{name}] must be a text.")))?;
    if text.chars().count() > max {
        let message = format!("Length of param {place}[{name}] must be less than or equal to {max}");
        return Err(GraphError::parameter(&message));
    }
    Ok(Some(text))
}

/// As [`text`], and it must be there.
pub(super) fn required<'a>(
    map: &'a Map<String, Value>,
    place: &str,
    name: &str,
    max: usize,
) -> Result<&'a str, GraphError> {
    text(map, place, name, max)?
        .ok_or_else(|| GraphError::parameter(&format!("The parameter {place}[{name}] is required.")))
}

/// The items of a list of this name: 1 to `max`.
pub(super) fn list<'a>(
    map: &'a Map<String, Value>,
    place: &str,
    name: &str,
    max: usize,
) -> Result<&'a [Value], GraphError> {
    match map.get(name).and_then(Value::as_array) {
        Some(items) if (1..=max).contains(&items.len()) => Ok(items),
        _ => Err(GraphError::parameter(&format!("Param {place}[{name}] must have 1 to {max} items."))),
    }
}

/// Checks the payload of a template, and gives the buttons that come back when they are pressed.
pub(super) fn check(payload: &Value) -> Result<Vec<Button>, GraphError> {
    let place = "message[attachment][payload]";
    match payload.get("template_type").and_then(Value::as_str) {
        Some("generic") => {
            let payload = object(payload, place, &["template_type", "elements"])?;
            let mut found = Vec::new();
            for element in list(payload, place, "elements", MAX_ELEMENTS)? {
                found.extend(check_element(element)?);
            }
            Ok(found)
        }
        Some("button") => {
            let payload = object(payload, place, &["template_type", "text", "buttons"])?;
            required(payload, place, "text", MAX_BUTTON_TEXT)?;
            buttons(payload, place)
        }
        _ => Err(GraphError::parameter("Param template_type must be one of {generic, button} here")),
    }
}

fn check_element(element: &Value) -> Result<Vec<Button>, GraphError> {
    let place = "elements";
    let element = object(element, place, &["title", "subtitle", "image_url", "default_action", "buttons"])?;
    required(element, place, "title", MAX_TITLE)?;
    text(element, place, "subtitle", MAX_TITLE)?;
    if element.len() < 2 {
        return Err(GraphError::parameter("An element needs a title and at least one more property."));
    }
    if let Some(link) = text(element, place, "image_url", usize::MAX)? {
        check_link(link)?;
    }
    if let Some(action) = element.get("default_action") {
        // A button without a title.
        let action = object(action, "default_action", &["type", "url"])?;
        if required(action, "default_action", "type", usize::MAX)? != "web_url" {
            return Err(GraphError::parameter("Param default_action[type] must be web_url"));
        }
        check_link(required(action, "default_action", "url", usize::MAX)?)?;
    }
    if element.contains_key("buttons") { buttons(element, place) } else { Ok(Vec::new()) }
}

fn buttons(map: &Map<String, Value>, place: &str) -> Result<Vec<Button>, GraphError> {
    let place = format!("{place}[buttons]");
    let mut found = Vec::new();
    for button in list(map, &place, "buttons", MAX_BUTTONS)? {
        match button.get("type").and_then(Value::as_str) {
            Some("web_url") => {
                let button = object(button, &place, &["type", "title", "url"])?;
                required(button, &place, "title", MAX_BUTTON_TITLE)?;
                check_link(required(button, &place, "url", usize::MAX)?)?;
            }
            Some("postback") => {
                let button = object(button, &place, &["type", "title", "payload"])?;
                let title = required(button, &place, "title", MAX_BUTTON_TITLE)?.to_owned();
                let payload = required(button, &place, "payload", MAX_PAYLOAD)?.to_owned();
                found.push(Button { title, payload });
            }
            _ => return Err(GraphError::parameter("Param type of a button must be one of {web_url, postback} here")),
        }
    }
    Ok(found)
}

/// The platform fetches only what is public and encrypted. An address of this machine stands for that in tests and in
/// the demo.
pub(super) fn check_link(link: &str) -> Result<Url, GraphError> {
    let url = Url::parse(link).ok().filter(|url| url.scheme() == "https" || is_local(url));
    url.ok_or_else(|| GraphError::parameter("The URL must be a valid https URL."))
}

/// Whether this link leads to this machine, unencrypted.
pub(super) fn is_local(url: &Url) -> bool {
    url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost"))
}
