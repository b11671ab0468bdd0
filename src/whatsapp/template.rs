//! A message that the platform approved before: what bots are shown of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::shared::channel::dialogue::TemplateSeen;

/// A template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// What bots are shown.
    pub seen: TemplateSeen,
    /// The names of its parameters in their order, where they have names and no numbers.
    pub named: Vec<String>,
}

/// The templates as they were read, and when, in milliseconds since 1970.
pub type Known = (i64, Arc<Vec<Template>>);

/// What bots are shown of a template. `None`: it has no name.
pub fn of(raw: &RawValue) -> Option<Template> {
    let value: Value = serde_json::from_str(raw.get()).ok()?;
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let name = Some(text("name")).filter(|name| !name.is_empty())?;
    let components = value["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_body = |component: &&Value| component["type"].as_str().is_some_and(|word| word.eq_ignore_ascii_case("body"));
    let body = components.iter().find(is_body).and_then(|body| body["text"].as_str()).unwrap_or_default();
    let places = places_in(body);
    let has_names = places.iter().any(|place| place.parse::<u32>().is_err());
    Some(Template {
        seen: TemplateSeen {
            name,
            language: text("language"),
            category: text("category"),
            status: text("status"),
            parameters: places.len(),
            text: body.to_owned(),
        },
        named: if has_names { places } else { Vec::new() },
    })
}

/// The places of a text that are filled, each once, in the order in which they come: `{{1}}`, `{{order_number}}`.
fn places_in(text: &str) -> Vec<String> {
    let (mut seen, mut places) = (BTreeSet::new(), Vec::new());
    for piece in text.split("{{").skip(1) {
        let Some((place, _)) = piece.split_once("}}") else { continue };
        let place = place.trim();
        if !place.is_empty() && seen.insert(place) {
            places.push(place.to_owned());
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_templates_places_are_counted_and_named() {
        let read = |text: &str| {
            let raw = serde_json::json!({"name":"note","language":"en","category":"UTILITY","status":"APPROVED",
                "components":[{"type":"HEADER","text":"{{1}}"},{"type":"BODY","text":text}]});
            of(&RawValue::from_string(raw.to_string()).unwrap()).unwrap()
        };
        let numbered = read("Parcel {{1}} of {{2}}, yes {{1}}.");
        assert_eq!((numbered.seen.parameters, numbered.named.len()), (2, 0));
        let named = read("Parcel {{ order }} for {{name}}");
        assert_eq!((named.seen.parameters, named.named), (2, vec!["order".to_owned(), "name".to_owned()]));
        assert_eq!(read("No {{place").seen.parameters, 0);
        assert!(of(&RawValue::from_string("{}".to_owned()).unwrap()).is_none());
    }
}
