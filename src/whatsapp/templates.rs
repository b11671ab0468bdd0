//! Messages that the platform approved before: read at most once a minute, and shown in `templates.json`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use super::names::NAME;
use super::state::Whatsapp;
use super::template::{Template, of};
use crate::shared::channel::reader::ReadError;
use crate::shared::files::output::RelativePath;
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::Record;

/// How long the list is used before it is asked for again.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// The kind of a template's record.
const TEMPLATE: &str = "template";

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
