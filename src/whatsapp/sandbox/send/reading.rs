//! A message as it is posted: a reader for each type.

use serde::Deserialize;
use serde_json::Value;

use super::super::error::ApiError;
use super::content::{Content, Media, member, within};
use super::interactive;

/// The longest text.
const MAX_TEXT_CHARACTERS: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    body: String,
    #[serde(default, rename = "preview_url")]
    _preview_url: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reaction {
    message_id: String,
    #[serde(default)]
    emoji: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Location {
    latitude: Value,
    longitude: Value,
    name: Option<String>,
    #[serde(rename = "address")]
    _address: Option<String>,
}

#[derive(Deserialize)]
struct ContactCard {
    name: Value,
}

/// Reads the member that belongs to the type. Templates are read with the list of templates at hand.
pub(super) fn read(kind: &str, body: &Value) -> Result<Content, ApiError> {
    match kind {
        "text" => {
            let text: Text = member(body, kind)?;
            within("text['body']", &text.body, 1, MAX_TEXT_CHARACTERS)?;
            Ok(Content { text: text.body, ..Content::default() })
        }
        "image" | "video" | "audio" | "document" | "sticker" => member::<Media>(body, kind)?.read(kind),
        "interactive" => interactive::read(&body[kind]),
        "reaction" => {
            let reaction: Reaction = member(body, kind)?;
            let text = reaction.emoji.clone();
            Ok(Content { text, reaction: Some((reaction.message_id, reaction.emoji)), ..Content::default() })
        }
        "location" => {
            let location: Location = member(body, kind)?;
            let is_place =
                |value: &Value| value.is_number() || value.as_str().is_some_and(|v| v.parse::<f64>().is_ok());
            if !is_place(&location.latitude) || !is_place(&location.longitude) {
                return Err(ApiError::new(131_009, "latitude and longitude must be numbers."));
            }
            Ok(Content { text: location.name.unwrap_or_default(), ..Content::default() })
        }
        "contacts" => {
            let cards: Vec<ContactCard> = member(body, kind)?;
            let name = cards.first().and_then(|card| card.name["formatted_name"].as_str());
            let name = name.ok_or_else(|| ApiError::new(131_008, "A contact needs name.formatted_name."))?;
            Ok(Content { text: name.to_owned(), ..Content::default() })
        }
        _ => Err(ApiError::parameter(format!("Param type must be a type of message; {kind} is none."))),
    }
}
