//! Messages that the platform approved before: read at most once a minute, and shown in `templates.json`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use super::NAME;
use super::state::Whatsapp;
use crate::shared::channel::dialogue::TemplateSeen;
use crate::shared::channel::reader::ReadError;
use crate::shared::files::output::RelativePath;
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::Record;

/// How long the list is used before it is asked for again.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// The kind of a template's record.
const TEMPLATE: &str = "template";

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

/// The templates, not older than a minute.
///
/// # Errors
/// [`ReadError`].
pub async fn load(whatsapp: &Whatsapp) -> Result<Arc<Vec<Template>>, ReadError> {
    let now_ms = whatsapp.shared.clock.now_ms();
    let fresh_ms = i64::try_from(FRESH_FOR.as_millis()).unwrap_or(i64::MAX);
    match whatsapp.templates() {
        Some((read_at, known)) if now_ms - read_at < fresh_ms => Ok(known),
        _ => read(whatsapp).await,
    }
}

/// The templates as they were last read, also by an earlier process; nothing is asked.
pub async fn stored(whatsapp: &Whatsapp) -> Arc<Vec<Template>> {
    if let Some((_, known)) = whatsapp.templates() {
        return known;
    }
    let records = whatsapp.shared.journal.list_records(NAME, whatsapp.config.account.as_str(), TEMPLATE).await;
    let records = records.unwrap_or_default().into_iter();
    Arc::new(records.filter_map(|record| of(&RawValue::from_string(record.payload).ok()?)).collect())
}

/// Reads the templates and writes their file if it changed.
///
/// # Errors
/// [`ReadError`].
pub async fn read(whatsapp: &Whatsapp) -> Result<Arc<Vec<Template>>, ReadError> {
    let Some(business) = &whatsapp.config.business_account else { return Ok(Arc::default()) };
    let found = whatsapp.client.fetch_templates(business).await?;
    let templates: Arc<Vec<Template>> = Arc::new(found.iter().filter_map(|raw| of(raw)).collect());
    whatsapp.set_templates((whatsapp.shared.clock.now_ms(), Arc::clone(&templates)));
    let account = whatsapp.config.account.as_str();
    let records: Result<Vec<Record>, ReadError> = found.iter().map(|raw| record(raw)).collect();
    whatsapp.shared.journal.replace_records(NAME, account, TEMPLATE, records?).await?;
    write(whatsapp).await?;
    Ok(templates)
}

/// Writes the file of the templates from what is stored.
///
/// # Errors
/// [`ReadError`].
pub async fn write(whatsapp: &Whatsapp) -> Result<(), ReadError> {
    let account = whatsapp.config.account.as_str();
    let records = whatsapp.shared.journal.list_records(NAME, account, TEMPLATE).await?;
    let items: Vec<String> = records.into_iter().map(|record| record.payload).collect();
    let path = RelativePath::new(&[NAME, account, "templates.json"])?;
    let document = format!("{{\"data\":[\n{}\n]}}\n", items.join(",\n"));
    whatsapp.shared.output.write_in_background(path, document).await?;
    Ok(())
}

/// One language of a template is one record.
fn record(raw: &RawValue) -> Result<Record, ReadError> {
    let value: Value =
        serde_json::from_str(raw.get()).map_err(|_| ApiError::Unreadable("a template that is no JSON"))?;
    let text = |name: &str| value[name].as_str().unwrap_or_default();
    let id = match text("id") {
        "" => format!("{}:{}", text("name"), text("language")),
        id => id.to_owned(),
    };
    Ok(Record { id, payload: value.to_string() })
}

/// What bots are shown of a template. `None`: it has no name.
fn of(raw: &RawValue) -> Option<Template> {
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
