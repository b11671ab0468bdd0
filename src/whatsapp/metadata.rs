//! The number's own object: what is kept of it, and the file that shows it.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::names::{NAME, NUMBER_FIELDS};
use super::person::digits_of;
use super::state::Whatsapp;
use crate::shared::channel::reader::ReadError;
use crate::shared::files::output::RelativePath;
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::Record;

/// The kind of the number's record.
const NUMBER: &str = "number";

/// Reads the number, stores it and writes its file if it changed.
///
/// # Errors
/// [`ReadError`].
pub async fn read(whatsapp: &Whatsapp) -> Result<(), ReadError> {
    let found = whatsapp.client.fetch_number().await?;
    let account = whatsapp.config.account.as_str();
    let object = checked(account, &found)?;
    if let Some(digits) = object.get("display_phone_number").and_then(Value::as_str).and_then(digits_of) {
        whatsapp.learn_number(digits);
    }
    let name = object.get("verified_name").and_then(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned);
    // Members stand in the order of their names, so the same content is the same text.
    let payload = serde_json::to_string_pretty(&object).map_err(anyhow::Error::from)?;
    let record = Record { id: account.to_owned(), payload };
    whatsapp.shared.journal.replace_records(NAME, account, NUMBER, vec![record]).await?;
    whatsapp.shared.connections.learn(NAME, account, name, None).await?;
    write(whatsapp).await
}

/// The object of the number that was asked for. What was not asked for is left out.
fn checked(account: &str, found: &RawValue) -> Result<Map<String, Value>, ReadError> {
    let mut object: Map<String, Value> =
        serde_json::from_str(found.get()).map_err(|_| ApiError::Unreadable("a number that is no object"))?;
    if object.get("id").and_then(Value::as_str) != Some(account) {
        return Err(ApiError::Unreadable("another number than the one asked for").into());
    }
    object.retain(|name, _| NUMBER_FIELDS.contains(&name.as_str()));
    Ok(object)
}

/// What people call the number: its verified name, else its digits, else its id. What is stored tells the digits.
///
/// # Errors
/// When the journal cannot be read.
pub async fn name(whatsapp: &Whatsapp) -> Result<String, ReadError> {
    let account = whatsapp.config.account.as_str();
    let records = whatsapp.shared.journal.list_records(NAME, account, NUMBER).await?;
    let stored: Value =
        records.first().and_then(|record| serde_json::from_str(&record.payload).ok()).unwrap_or_default();
    if let Some(digits) = stored["display_phone_number"].as_str().and_then(digits_of) {
        whatsapp.learn_number(digits);
    }
    let verified = stored["verified_name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    let number = || whatsapp.number().map(|digits| format!("+{digits}"));
    Ok(verified.or_else(number).unwrap_or_else(|| account.to_owned()))
}

/// Writes the number's file from what is stored.
///
/// # Errors
/// [`ReadError`].
pub async fn write(whatsapp: &Whatsapp) -> Result<(), ReadError> {
    let account = whatsapp.config.account.as_str();
    let records = whatsapp.shared.journal.list_records(NAME, account, NUMBER).await?;
    let Some(record) = records.into_iter().next() else { return Ok(()) };
    let path = RelativePath::new(&[NAME, account, "account_metadata.json"])?;
    whatsapp.shared.output.write_in_background(path, record.payload + "\n").await?;
    Ok(())
}
