//! A Page's own object: what is kept of it, and when its file changes.
//!
//! The platform signs links to pictures anew in every answer. They are the same picture, so they alone are no change; but a
//! link that is about to end is renewed.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::document::metadata_path;
use super::fields::PAGE_FIELDS;
use super::inbox::NAME;
use super::state::Facebook;
use crate::meta::id::Id;
use crate::shared::channel::reader::ReadError;
use crate::shared::outgoing::http::ApiError;
use crate::shared::store::Record;

/// The kind of a Page's record.
const PAGE: &str = "page";

/// Where signed links stand.
const SIGNED_LINKS: [&str; 3] = ["/picture/data/url", "/picture/url", "/cover/source"];

/// How long before its end a signed link is renewed. Pages are polled daily.
const RENEWED_BEFORE: TimeDelta = TimeDelta::days(2);

/// Stores a Page's object and writes its file if it changed.
///
/// # Errors
/// [`ReadError`].
pub async fn store(facebook: &Facebook, page: &Id, metadata: &RawValue) -> Result<(), ReadError> {
    let journal = &facebook.shared.journal;
    let mut object: Map<String, Value> =
        serde_json::from_str(metadata.get()).map_err(|_| ApiError::Unreadable("a Page that is no object"))?;
    if object.get("id").and_then(Value::as_str) != Some(page.as_str()) {
        return Err(ApiError::Unreadable("another Page than the one asked for").into());
    }
    // What was not asked for may be a secret.
    object.retain(|name, _| PAGE_FIELDS.iter().any(|field| field.split('{').next() == Some(name)));
    let stored = journal.list_records(NAME, page.as_str(), PAGE).await?.into_iter().next();
    let record = match stored {
        Some(stored) if is_unchanged(&stored.payload, &object, facebook.shared.clock.now()) => stored,
        // Members stand in the order of their names, so the same content is the same text.
        _ => Record {
            id: page.as_str().to_owned(),
            payload: serde_json::to_string_pretty(&object).map_err(anyhow::Error::from)?,
        },
    };
    journal.replace_records(NAME, page.as_str(), PAGE, vec![record]).await?;
    write(facebook, page).await
}

/// Writes a Page's file from what is stored.
///
/// # Errors
/// [`ReadError`].
pub async fn write(facebook: &Facebook, page: &Id) -> Result<(), ReadError> {
    let records = facebook.shared.journal.list_records(NAME, page.as_str(), PAGE).await?;
    let Some(record) = records.into_iter().next() else { return Ok(()) };
    let path = metadata_path(page);
    facebook.shared.output.write_in_background(path, record.payload + "\n").await?;
    Ok(())
}

/// Whether what is stored says the same, but for signatures that still hold.
fn is_unchanged(stored: &str, object: &Map<String, Value>, now: DateTime<Utc>) -> bool {
    let Ok(stored) = serde_json::from_str::<Map<String, Value>>(stored) else { return false };
    let (mut old, mut new) = (Value::Object(stored), Value::Object(object.clone()));
    for place in SIGNED_LINKS {
        let Some(Value::String(link)) = old.pointer(place) else { continue };
        if end_of(link).is_some_and(|end| end <= now + RENEWED_BEFORE) {
            return false;
        }
    }
    strip_signatures(&mut old);
    strip_signatures(&mut new);
    old == new
}

fn strip_signatures(object: &mut Value) {
    for place in SIGNED_LINKS {
        if let Some(Value::String(link)) = object.pointer_mut(place)
            && let Some(query) = link.find('?')
        {
            link.truncate(query);
        }
    }
}

/// When a signed link ends: `oe` tells it in hexadecimal seconds, in other links `ext` in decimal ones.
fn end_of(link: &str) -> Option<DateTime<Utc>> {
    let (_, query) = link.split_once('?')?;
    let seconds = form_urlencoded::parse(query.as_bytes()).find_map(|(name, value)| match &*name {
        "oe" => i64::from_str_radix(&value, 16).ok(),
        "ext" => value.parse().ok(),
        _ => None,
    })?;
    DateTime::from_timestamp(seconds, 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_signature_alone_is_no_change_until_it_ends() {
        let now = DateTime::from_timestamp(0x6900_0000, 0).expect("a time");
        let page = |name: &str, picture: &str, cover: &str| {
            json!({"name": name, "website": "https://a.example/?x=1",
                "picture": {"data": {"url": format!("https://cdn.example/{picture}")}},
                "cover": {"source": format!("https://cdn.example/{cover}")}})
        };
        let same = |old: Value, new: Value| is_unchanged(&old.to_string(), new.as_object().expect("an object"), now);
        let old = || page("A", "1.jpg?oh=a&oe=69FFFFFF", "2.jpg?oh=b&ext=1900000000");
        assert!(same(old(), page("A", "1.jpg?oh=z&oe=6AFFFFFF", "2.jpg?oh=y")));
        assert!(!same(old(), page("B", "1.jpg?oh=a&oe=69FFFFFF", "2.jpg?oh=b&ext=1900000000")));
        assert!(!same(old(), page("A", "3.jpg?oh=a&oe=69FFFFFF", "2.jpg?oh=b&ext=1900000000")), "another picture");
        let mut other_site = old();
        other_site["website"] = "https://a.example/?x=2".into();
        assert!(!same(old(), other_site), "only signed links have signatures");
        // It ends within two days, or has ended.
        for (picture, cover) in
            [("1.jpg?oe=69000001", "2.jpg"), ("1.jpg", "2.jpg?ext=1"), ("1.jpg?oe=69020000", "2.jpg")]
        {
            assert!(!same(page("A", picture, cover), page("A", picture, cover)), "{picture} {cover}");
        }
        assert!(!same(json!([]), old()));
    }
}
