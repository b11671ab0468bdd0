//! What is kept of the bot's account, and its file.

use serde_json::{Map, Value};

use super::names::NAME;
use super::state::Viber;
use crate::shared::channel::reader::ReadError;
use crate::shared::files::path::{Name, RelativePath};
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::Record;

/// The kind of an account's record.
const ACCOUNT: &str = "account";

/// The members that are kept. Who administers the bot is nobody's business here.
const FIELDS: [&str; 12] = [
    "id",
    "name",
    "uri",
    "icon",
    "background",
    "category",
    "subcategory",
    "location",
    "country",
    "webhook",
    "event_types",
    "subscribers_count",
];

/// Where an account's file is.
fn path(account: &Name) -> RelativePath {
    RelativePath::of([const { &Name::fixed(NAME) }, account, const { &Name::fixed("account_metadata.json") }])
}

/// Stores an account as it was told, and writes its file if it changed.
///
/// # Errors
/// [`ReadError`].
pub async fn store(viber: &Viber, account: &Name, told: &str) -> Result<(), ReadError> {
    let mut object: Map<String, Value> =
        serde_json::from_str(told).map_err(|_| ApiError::Unreadable("an account that is no object"))?;
    object.retain(|name, _| FIELDS.contains(&name.as_str()));
    object.sort_keys();
    let payload = serde_json::to_string_pretty(&object).map_err(anyhow::Error::from)?;
    let record = Record { id: account.to_string(), payload };
    viber.shared.journal.replace_records(NAME, account.as_str(), ACCOUNT, vec![record]).await?;
    write(viber, account).await
}

/// Writes an account's file from what is stored.
///
/// # Errors
/// [`ReadError`].
pub async fn write(viber: &Viber, account: &Name) -> Result<(), ReadError> {
    let records = viber.shared.journal.list_records(NAME, account.as_str(), ACCOUNT).await?;
    let Some(record) = records.into_iter().next() else { return Ok(()) };
    viber.shared.output.write_in_background(path(account), record.payload + "\n").await?;
    Ok(())
}
