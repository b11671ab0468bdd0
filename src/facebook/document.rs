//! What we write: polled messages in the shape of the webhook, and a Page's metadata.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::inbox::{Inbox, NAME};
use super::payload::message_key;
use crate::meta::id::Id;
use crate::shared::files::path::{Name, RelativePath};
use crate::shared::journal::{Effect, Event, Source};
use crate::shared::raw_json::Object;

/// Where a Page's metadata file is.
#[must_use]
pub fn metadata_path(page: &Id) -> RelativePath {
    RelativePath::of([const { &Name::fixed(NAME) }, page.as_name(), const { &Name::fixed("page_metadata.json") }])
}

/// Stands for a text that is kept as it came.
const RAW_TEXT: &str = "\u{1}text\u{1}";

/// Turns a message of the Conversations API into the event that its webhook would have been: the same key, the same
/// shape. Only what the API does not tell is missing (`app_id`, `metadata`, milliseconds).
///
/// `None` for a message without an id, or of a conversation whose person is not known.
#[must_use]
pub fn message_event(inbox: &Inbox<'_>, person: &Id, message: &RawValue, source: Source) -> Option<Event> {
    let account = inbox.account;
    let object = Object::parse(message.get())?;
    let mid = object.text("id")?;
    let from = object.object("from").and_then(|from| from.text("id"));
    let is_echo = from.as_deref() == Some(account.as_str());
    let created = object.text("created_time").and_then(|text| parse_time(&text));
    let (sender, recipient) = if is_echo { (account, person) } else { (person, account) };

    let mut body = Map::new();
    body.insert("mid".to_owned(), json!(mid));
    if is_echo {
        body.insert("is_echo".to_owned(), json!(true));
    }
    // Member by member: text that no `str` can hold (unpaired surrogates) must not cost the message.
    let value_of = |raw: &str| serde_json::from_str(raw).unwrap_or_default();
    let members = object.members().map(|(name, raw)| (String::from_utf8_lossy(name).into_owned(), value_of(raw)));
    let parsed = Value::Object(members.collect());
    let raw_text = object.get("message").filter(|raw| raw.starts_with('"') && parsed["message"].is_null());
    let text = if raw_text.is_some() { RAW_TEXT } else { parsed["message"].as_str().unwrap_or_default() };
    if !text.is_empty() {
        body.insert("text".to_owned(), json!(text));
    }
    if let Some(mid) = parsed["reply_to"]["mid"].as_str().or_else(|| parsed["reply_to"]["id"].as_str()) {
        body.insert("reply_to".to_owned(), json!({ "mid": mid }));
    }
    let attachments = attachments(&parsed);
    if !attachments.is_empty() {
        body.insert("attachments".to_owned(), Value::Array(attachments));
    } else if text.is_empty() {
        // A kind of message that the API does not show. It was said, so it is kept.
        body.insert("is_unsupported".to_owned(), json!(true));
    }
    let mut item = Map::new();
    item.insert("sender".to_owned(), json!({ "id": sender.as_str() }));
    item.insert("recipient".to_owned(), json!({ "id": recipient.as_str() }));
    if let Some(created) = created {
        item.insert("timestamp".to_owned(), json!(created.timestamp_millis()));
    }
    item.insert("message".to_owned(), Value::Object(body));
    let mut payload = Value::Object(item).to_string();
    if let Some(raw) = raw_text {
        let place = json!(RAW_TEXT).to_string();
        // The last one: what else could look like it stands before the text.
        let at = payload.rfind(&place)?;
        payload.replace_range(at..at + place.len(), raw);
    }
    Some(Event {
        channel: inbox.channel,
        account: account.as_str().to_owned(),
        key: message_key(account, &mid),
        kind: if is_echo { "echo" } else { "message" }.into(),
        effect: Effect::Conversation { person: person.as_str().to_owned(), opens: true },
        occurred_at: created.map(|created| created.timestamp_millis()),
        name: None,
        source,
        payload: payload.into_bytes(),
    })
}

/// Attachments in the webhook's shape: `{type, payload: {url}}`.
fn attachments(message: &Value) -> Vec<Value> {
    let list = |name: &str| message[name]["data"].as_array().cloned().unwrap_or_default();
    let mut found: Vec<Value> = list("attachments").iter().map(attachment).collect();
    if let Some(url) = message["sticker"].as_str() {
        found.push(json!({ "type": "sticker", "payload": { "url": url } }));
    }
    found.extend(list("shares").iter().map(|share| {
        let kind = match share["type"].as_str() {
            Some("post") => "post",
            _ => "fallback",
        };
        json!({ "type": kind, "payload": { "url": share["link"], "title": share["name"] } })
    }));
    found
}

fn attachment(attachment: &Value) -> Value {
    let mime = attachment["mime_type"].as_str().unwrap_or_default();
    let (kind, url) = if attachment["image_data"].is_object() {
        ("image", &attachment["image_data"]["url"])
    } else if attachment["video_data"].is_object() {
        ("video", &attachment["video_data"]["url"])
    } else if mime.starts_with("audio/") {
        ("audio", &attachment["file_url"])
    } else {
        ("file", &attachment["file_url"])
    };
    json!({ "type": kind, "payload": { "url": url } })
}

/// Reads a time of the Graph API: ISO 8601 with an offset without colon (`+0000`), or seconds since 1970.
/// Source: <https://developers.facebook.com/docs/messenger-platform/conversations> (2026).
#[must_use]
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(seconds) = text.parse() {
        return DateTime::from_timestamp(seconds, 0);
    }
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(message: &str) -> Value {
        let (page, person) =
            (Id::parse("100000000000101").expect("an id"), Id::parse("7000000000000001").expect("an id"));
        let raw = RawValue::from_string(message.to_owned()).expect("JSON");
        let event = message_event(&Inbox::of_page(&page), &person, &raw, Source::Poll).expect("an event");
        serde_json::from_slice(&event.payload).expect("JSON")
    }

    #[test]
    fn a_polled_message_has_the_webhooks_shape() {
        assert_eq!(
            convert(
                r#"{"id":"m_e1","created_time":"2026-09-21T14:13:40+0000","from":{"name":"Demo Shop","id":"100000000000101"},
                    "to":{"data":[{"name":"Sam Doe","id":"7000000000000001"}]},"message":"Yes, 3 left."}"#
            ),
            json!({"sender":{"id":"100000000000101"},"recipient":{"id":"7000000000000001"},"timestamp":1_790_000_020_000_i64,
                   "message":{"mid":"m_e1","is_echo":true,"text":"Yes, 3 left."}})
        );
        assert_eq!(
            convert(
                r#"{"id":"m_a1","created_time":"2026-09-21T14:13:23+0000","from":{"id":"7000000000000001"},"message":"",
                    "attachments":{"data":[{"id":"333","mime_type":"image/jpeg","image_data":{"url":"https://cdn.example/img1.jpg"}}]}}"#
            )["message"],
            json!({"mid":"m_a1","attachments":[{"type":"image","payload":{"url":"https://cdn.example/img1.jpg"}}]})
        );
    }

    #[test]
    fn a_message_that_the_api_does_not_show_is_kept() {
        assert_eq!(
            convert(r#"{"id":"m_x","created_time":1790000000,"message":""}"#),
            json!({"sender":{"id":"7000000000000001"},"recipient":{"id":"100000000000101"},"timestamp":1_790_000_000_000_i64,
                   "message":{"mid":"m_x","is_unsupported":true}})
        );
    }

    #[test]
    fn text_that_no_str_can_hold_is_kept_as_it_came() {
        let (page, person) = (Id::parse("1").expect("an id"), Id::parse("7").expect("an id"));
        let raw = r#"{"id":"m_h","created_time":1790000000,"from":{"name":"\ud800","id":"7"},"message":"half \ud83d and \u00e4"}"#;
        let raw = RawValue::from_string(raw.to_owned()).expect("JSON");
        let event = message_event(&Inbox::of_page(&page), &person, &raw, Source::Poll).expect("an event");
        let expected = r#""message":{"mid":"m_h","text":"half \ud83d and \u00e4"}"#;
        let payload = String::from_utf8(event.payload).expect("text");
        assert!(payload.contains(expected), "{payload}");
    }

    #[test]
    fn times_come_in_three_forms() {
        let expected = DateTime::from_timestamp(1_790_000_020, 0);
        assert_eq!(parse_time("2026-09-21T14:13:40+0000"), expected);
        assert_eq!(parse_time("2026-09-21T14:13:40+00:00"), expected);
        assert_eq!(parse_time("1790000020"), expected);
        assert_eq!(parse_time("yesterday"), None);
    }
}
