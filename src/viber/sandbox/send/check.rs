//! Whether the platform takes what a message says: a check for each type.
//!
//! Source: <https://creators.viber.com/docs/bots-api/resources/messaging/send-message>, its table of types and limits (2026).

use serde_json::Value;
use url::Url;

use super::memory::Tappable;
use super::rich;

/// 3: a value that cannot be.
pub(super) const BAD_DATA: u32 = 3;

/// 4: something that must be there is missing.
pub(super) const MISSING_DATA: u32 = 4;

/// The largest body of a call.
pub(super) const MAX_BODY_BYTES: usize = 30 * 1024;

/// What a message shows.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub kind: String,
    pub text: String,
    pub sender: String,
    pub buttons: Vec<Tappable>,
    pub media: Option<String>,
    pub tracking_data: Option<String>,
    pub min_api_version: u32,
}

/// Why a message is refused: the status, and what the answer says about it.
pub(super) type Refusal = (u32, String);

fn missing(name: &str) -> Refusal {
    (MISSING_DATA, format!("{name} is missing"))
}

fn bad(name: &str) -> Refusal {
    (BAD_DATA, format!("{name} is not valid"))
}

/// A text member, at most so many characters long.
fn text<'a>(value: &'a Value, name: &str, max: usize) -> Result<&'a str, Refusal> {
    match &value[name] {
        Value::Null => Err(missing(name)),
        Value::String(text) if text.is_empty() => Err(missing(name)),
        Value::String(text) if text.chars().count() <= max => Ok(text),
        _ => Err(bad(name)),
    }
}

fn optional<'a>(value: &'a Value, name: &str, max: usize) -> Result<Option<&'a str>, Refusal> {
    if value.get(name).is_none() { Ok(None) } else { text(value, name, max).map(Some) }
}

fn link<'a>(value: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let link = text(value, name, 2000)?;
    let is_url = Url::parse(link).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
    if is_url { Ok(link) } else { Err(bad(name)) }
}

fn size(value: &Value, max: u64) -> Result<(), Refusal> {
    match &value["size"] {
        Value::Null => Err(missing("size")),
        size if size.as_u64().is_some_and(|size| (1..=max).contains(&size)) => Ok(()),
        _ => Err(bad("size")),
    }
}

/// Checks a message without looking at whom it is for.
pub(super) fn check(body: &Value) -> Result<Content, Refusal> {
    let sender = text(&body["sender"], "name", 28).map_err(|(status, _)| (status, "sender.name".to_owned()))?;
    let min_api_version = match &body["min_api_version"] {
        Value::Null => 1,
        version => version.as_u64().and_then(|n| n.try_into().ok()).ok_or_else(|| bad("min_api_version"))?,
    };
    let mut content = Content { sender: sender.to_owned(), min_api_version, ..Content::default() };
    if let Some(data) = body.get("tracking_data") {
        let data = data.as_str().filter(|data| data.chars().count() <= 4000).ok_or_else(|| bad("tracking_data"))?;
        content.tracking_data = Some(data.to_owned());
    }
    if let Some(keyboard) = body.get("keyboard") {
        content.buttons = rich::read(keyboard, "keyboard").map_err(|reason| (BAD_DATA, reason))?;
    }
    let kind = match &body["type"] {
        Value::Null if body.get("keyboard").is_some() => "keyboard".to_owned(),
        Value::Null => return Err(missing("type")),
        kind => kind.as_str().ok_or_else(|| bad("type"))?.to_owned(),
    };
    by_kind(&kind, body, &mut content)?;
    content.kind = kind;
    Ok(content)
}

fn by_kind(kind: &str, body: &Value, content: &mut Content) -> Result<(), Refusal> {
    match kind {
        "keyboard" => {}
        "text" => content.text = text(body, "text", 7000)?.to_owned(),
        "picture" => {
            content.media = Some(link(body, "media")?.to_owned());
            // The documents ask for the text of a picture to be there; an empty one is right.
            let caption = body["text"].as_str().ok_or_else(|| missing("text"))?;
            if caption.chars().count() > 512 {
                return Err(bad("text"));
            }
            content.text = caption.to_owned();
        }
        "video" => {
            let media = link(body, "media")?;
            if !Url::parse(media).is_ok_and(|url| url.path().ends_with(".mp4")) {
                return Err(bad("media"));
            }
            size(body, 26 * 1024 * 1024)?;
            content.media = Some(media.to_owned());
        }
        "file" => {
            content.media = Some(link(body, "media")?.to_owned());
            size(body, 50 * 1024 * 1024)?;
            content.text = text(body, "file_name", 256)?.to_owned();
        }
        "contact" => {
            content.text = text(&body["contact"], "name", 28)?.to_owned();
            text(&body["contact"], "phone_number", 18)?;
        }
        "location" => {
            let is_place =
                |name: &str, max: f64| body["location"][name].as_f64().is_some_and(|value| value.abs() <= max);
            if !is_place("lat", 90.0) || !is_place("lon", 180.0) {
                return Err(bad("location"));
            }
        }
        "url" => content.text = link(body, "media")?.to_owned(),
        "sticker" => {
            body["sticker_id"].as_u64().ok_or_else(|| missing("sticker_id"))?;
        }
        "rich_media" => {
            // Cards need a Viber that knows them.
            if content.min_api_version < 2 {
                return Err(bad("min_api_version"));
            }
            let buttons = rich::read(&body["rich_media"], "rich_media").map_err(|reason| (BAD_DATA, reason))?;
            let texts: Vec<&str> =
                buttons.iter().map(|button| button.text.as_str()).filter(|t| !t.is_empty()).collect();
            content.text = texts.join("\n");
            content.buttons.extend(buttons);
            optional(body, "alt_text", 7000)?;
        }
        _ => return Err(bad("type")),
    }
    Ok(())
}
