//! What we write: polled messages in the shape of the webhook, and a Page's metadata.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::inbox::{Inbox, NAME};
use super::payload::message_key;
use crate::meta::id::Id;
use crate::shared::files::path::{Name, RelativePath};
use crate::shared::journal::{Effect, Event, Source};
use crate::shared::raw_json::{Object, elements};

/// Where a Page's metadata file is.
#[must_use]
pub fn metadata_path(page: &Id) -> RelativePath {
    RelativePath::of([const { &Name::fixed(NAME) }, page.as_name(), const { &Name::fixed("page_metadata.json") }])
}

/// The members of a polled message that have a place of their own in the webhook's shape.
const KNOWN: [&str; 9] =
    ["id", "created_time", "from", "to", "message", "attachments", "shares", "sticker", "reply_to"];

/// The members of a polled attachment that tell how it is stored and not what it is; webhooks do not have them.
const TECHNICAL: [&str; 7] = ["id", "mime_type", "name", "size", "image_data", "video_data", "file_url"];

/// When a message of which the platform tells no time was said.
#[derive(Debug, Clone, Copy)]
pub struct Otherwise {
    /// When its conversation last changed, in milliseconds since 1970, where that is told.
    pub updated_ms: Option<i64>,
    /// When it was read.
    pub now_ms: i64,
}

impl Otherwise {
    /// The time, and whose it is.
    fn time(self) -> (i64, &'static str) {
        self.updated_ms.map_or((self.now_ms, "arrival"), |updated_ms| (updated_ms, "conversation"))
    }
}

/// Turns a message of the Conversations API into the event that its webhook would have been: the same key, the same
/// shape. Only what the API does not tell is missing (`app_id`, `metadata`, milliseconds). A message without a time gets
/// that of its conversation or of its arrival, and `timestamp_of` says which.
///
/// `None` for a message without an id, or of a conversation whose person is not known.
#[must_use]
pub fn message_event(
    inbox: &Inbox<'_>,
    person: &Id,
    message: &RawValue,
    source: Source,
    otherwise: Otherwise,
) -> Option<Event> {
    let account = inbox.account;
    let object = Object::parse(message.get())?;
    let mid = object.text("id")?;
    let from = object.object("from").and_then(|from| from.text("id"));
    let is_echo = from.as_deref() == Some(account.as_str());
    let created = object.text("created_time").and_then(|text| parse_time(&text));
    let at_ms = created.map_or(otherwise.time().0, |created| created.timestamp_millis());
    let (sender, recipient) = if is_echo { (account, person) } else { (person, account) };

    let mut body = Body::default();
    body.insert("mid", &json!(mid));
    if is_echo {
        body.insert("is_echo", &json!(true));
    }
    let text = object.get("message").filter(|raw| !matches!(*raw, "null" | "\"\""));
    if let Some(text) = text {
        // As it came: no `str` holds unpaired surrogates.
        body.keep("text", text);
    }
    if let Some(answered) = object.get("reply_to").filter(|raw| *raw != "null") {
        let mid = Object::parse(answered).and_then(|answered| answered.text("mid").or_else(|| answered.text("id")));
        match mid {
            Some(mid) => body.insert("reply_to", &json!({ "mid": mid })),
            None => body.keep("reply_to", answered),
        }
    }
    let attachments = attachments(&object);
    if !attachments.is_empty() {
        body.keep("attachments", &format!("[{}]", attachments.join(",")));
    } else if text.is_none() {
        // A kind of message that the API does not show. It was said, so it is kept.
        body.insert("is_unsupported", &json!(true));
    }
    for (name, raw) in object.members() {
        let name = String::from_utf8_lossy(name);
        if !KNOWN.contains(&&*name) && !body.has(&name) {
            body.keep(&name, raw);
        }
    }
    let mut item = Body::default();
    item.insert("sender", &json!({ "id": sender.as_str() }));
    item.insert("recipient", &json!({ "id": recipient.as_str() }));
    item.insert("timestamp", &json!(at_ms));
    if created.is_none() {
        item.insert("timestamp_of", &json!(otherwise.time().1));
    }
    item.keep("message", &body.text());
    let payload = item.text();
    Some(Event {
        channel: inbox.channel,
        account: account.as_str().to_owned(),
        key: message_key(account, &mid),
        kind: if is_echo { "echo" } else { "message" }.into(),
        effect: Effect::Conversation { person: person.as_str().to_owned(), opens: true },
        occurred_at: Some(at_ms),
        name: None,
        source,
        payload: payload.into_bytes(),
    })
}

/// An object that is made of raw texts, so that nothing in them changes. Its members stand in the order of their names.
#[derive(Default)]
struct Body(BTreeMap<String, String>);

impl Body {
    fn insert(&mut self, name: &str, value: &Value) {
        self.keep(name, &value.to_string());
    }

    /// Takes a member as it came.
    fn keep(&mut self, name: &str, raw: &str) {
        self.0.insert(name.to_owned(), raw.to_owned());
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn text(&self) -> String {
        let members: Vec<String> = self.0.iter().map(|(name, raw)| format!("{}:{raw}", json!(name))).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// Attachments in the webhook's shape: `{type, payload: {url}}`. What is of an unknown kind, or in an unknown form, is kept
/// as it came, as a webhook's `fallback`: nothing that was sent is left out.
fn attachments(message: &Object<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let list = |name: &str, convert: fn(&str) -> String, found: &mut Vec<String>| {
        let Some(raw) = message.get(name).filter(|raw| !matches!(*raw, "null" | "{}" | "[]")) else { return };
        match Object::parse(raw).and_then(|list| list.get("data").and_then(elements)) {
            Some(items) => found.extend(items.into_iter().map(convert)),
            None => found.push(unknown("fallback", raw)),
        }
    };
    list("attachments", attachment, &mut found);
    if let Some(sticker) = message.get("sticker").filter(|raw| *raw != "null") {
        match sticker.starts_with('"') {
            true => found.push(in_shape("sticker", &[("url", Some(sticker))], Body::default())),
            false => found.push(unknown("sticker", sticker)),
        }
    }
    list("shares", share, &mut found);
    found
}

/// A kind of attachment with what is known of its content, and with what came beside it.
fn in_shape(kind: &str, known: &[(&str, Option<&str>)], beside: Body) -> String {
    let mut payload = beside;
    for (name, raw) in known {
        if let Some(raw) = raw.filter(|raw| *raw != "null") {
            payload.keep(name, raw);
        }
    }
    unknown(kind, &payload.text())
}

fn unknown(kind: &str, raw: &str) -> String {
    format!("{{\"payload\":{raw},\"type\":{}}}", json!(kind))
}

/// The webhook's word for a kind, where the platform tells one.
fn told_kind<'a>(object: &Object<'a>) -> Option<Cow<'a, str>> {
    let is_word = |kind: &Cow<'_, str>| {
        (1..=40).contains(&kind.len()) && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    object.text("type").filter(is_word)
}

fn attachment(raw: &str) -> String {
    let Some(object) = Object::parse(raw) else { return unknown("fallback", raw) };
    // Since March 2026 some kinds come as in webhooks.
    if object.has("payload") && told_kind(&object).is_some() {
        return raw.to_owned();
    }
    let mime = object.text("mime_type").unwrap_or_default();
    let link = |raw: Option<&'_ str>| raw.is_some_and(|raw| raw.starts_with('"'));
    let of = |member: &str| object.get(member).and_then(Object::parse).and_then(|data| data.get("url"));
    let (kind, url) = if object.has("image_data") {
        ("image", of("image_data"))
    } else if object.has("video_data") {
        ("video", of("video_data"))
    } else if mime.starts_with("audio/") {
        ("audio", object.get("file_url"))
    } else {
        ("file", object.get("file_url"))
    };
    if !link(url) {
        return unknown(told_kind(&object).as_deref().unwrap_or("fallback"), raw);
    }
    let mut beside = Body::default();
    for (name, raw) in object.members() {
        let name = String::from_utf8_lossy(name);
        if !TECHNICAL.contains(&&*name) && raw != "null" {
            beside.keep(&name, raw);
        }
    }
    in_shape(kind, &[("url", url)], beside)
}

fn share(raw: &str) -> String {
    let Some(object) = Object::parse(raw) else { return unknown("fallback", raw) };
    let kind = told_kind(&object);
    let kind = kind.as_deref().unwrap_or("fallback");
    if object.has("payload") {
        return unknown(kind, object.get("payload").unwrap_or(raw));
    }
    if !object.get("link").is_some_and(|link| link.starts_with('"')) {
        return unknown(kind, raw);
    }
    let mut beside = Body::default();
    for (name, raw) in object.members() {
        let name = String::from_utf8_lossy(name);
        if !["id", "link", "name", "type"].contains(&&*name) && raw != "null" {
            beside.keep(&name, raw);
        }
    }
    in_shape(kind, &[("url", object.get("link")), ("title", object.get("name"))], beside)
}

/// A number of seconds from here on (the year 5138) is one of milliseconds: it is from 1973 on.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// Reads a time of the Graph API: ISO 8601 with an offset without colon (`+0000`), or seconds or milliseconds since 1970.
/// Source: <https://developers.facebook.com/docs/messenger-platform/conversations> (2026).
#[must_use]
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    match text.parse::<i64>() {
        Ok(seconds) if seconds < MILLISECONDS_FROM => return DateTime::from_timestamp(seconds, 0),
        Ok(milliseconds) => return DateTime::from_timestamp_millis(milliseconds),
        Err(_) => {}
    }
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_TIME: Otherwise = Otherwise { updated_ms: None, now_ms: 1_790_000_099_000 };

    fn convert(message: &str) -> Value {
        let (page, person) =
            (Id::parse("100000000000101").expect("an id"), Id::parse("7000000000000001").expect("an id"));
        let raw = RawValue::from_string(message.to_owned()).expect("JSON");
        let event = message_event(&Inbox::of_page(&page), &person, &raw, Source::Poll, NO_TIME).expect("an event");
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
        let event = message_event(&Inbox::of_page(&page), &person, &raw, Source::Poll, NO_TIME).expect("an event");
        let expected = r#""message":{"mid":"m_h","text":"half \ud83d and \u00e4"}"#;
        let payload = String::from_utf8(event.payload).expect("text");
        assert!(payload.contains(expected), "{payload}");
    }

    #[test]
    fn an_attachment_of_an_unknown_kind_or_form_is_kept_as_it_came() {
        let attachments = |members: &str| {
            let message = convert(&format!(r#"{{"id":"m_1","created_time":1790000000,"message":"",{members}}}"#));
            assert!(message["message"].get("is_unsupported").is_none(), "{message}");
            message["message"]["attachments"].clone()
        };
        let booking = r#"{"id":"5","appointment":{"start":1790086400,"big":12345678901234567890}}"#;
        assert_eq!(
            attachments(&format!(r#""attachments":{{"data":[{booking}]}}"#)),
            json!([{"type":"fallback","payload":serde_json::from_str::<Value>(booking).expect("JSON")}])
        );
        // As in webhooks already.
        let reel = json!({"type":"reel","payload":{"url":"https://cdn.example/r","reel_video_id":17}});
        assert_eq!(attachments(&format!(r#""attachments":{{"data":[{reel}]}}"#)), json!([reel]));
        // Beside what is known stands something new; where the link is missing, everything else stays.
        assert_eq!(
            attachments(
                r#""attachments":{"data":[
                    {"id":"1","mime_type":"image/gif","image_data":{"url":"https://cdn.example/g"},"generic_template":{"title":"T"}},
                    {"id":"2","mime_type":"video/mp4","video_data":{"preview_url":"https://cdn.example/p"}},
                    {"id":"3","type":"location","coordinates":{"lat":1.50}}, 17, null]}"#
            ),
            json!([
                {"type":"image","payload":{"url":"https://cdn.example/g","generic_template":{"title":"T"}}},
                {"type":"fallback","payload":{"id":"2","mime_type":"video/mp4","video_data":{"preview_url":"https://cdn.example/p"}}},
                {"type":"location","payload":{"id":"3","type":"location","coordinates":{"lat":1.5}}},
                {"type":"fallback","payload":17},
                {"type":"fallback","payload":null},
            ])
        );
        assert_eq!(
            attachments(
                r#""shares":{"data":[{"id":"1","link":"https://x.example","name":null,"description":"D"},
                    {"id":"2","type":"post","name":"without a link"},{"id":"3","type":"reel","link":"https://x.example/r"}]}"#
            ),
            json!([
                {"type":"fallback","payload":{"url":"https://x.example","description":"D"}},
                {"type":"post","payload":{"id":"2","type":"post","name":"without a link"}},
                {"type":"reel","payload":{"url":"https://x.example/r"}},
            ])
        );
        assert_eq!(attachments(r#""attachments":["x"]"#), json!([{"type":"fallback","payload":["x"]}]));
        assert_eq!(attachments(r#""sticker":{"id":"9"}"#), json!([{"type":"sticker","payload":{"id":"9"}}]));
    }

    #[test]
    fn what_no_str_can_hold_costs_no_attachment_and_what_is_new_is_kept() {
        let (page, person) = (Id::parse("1").expect("an id"), Id::parse("7").expect("an id"));
        let raw = r#"{"id":"m_h","message":"","shares":{"data":[{"link":"https://x.example","name":"\ud83d"}]},"story":{"id":"5"}}"#;
        let raw = RawValue::from_string(raw.to_owned()).expect("JSON");
        let event = message_event(&Inbox::of_page(&page), &person, &raw, Source::Poll, NO_TIME).expect("an event");
        let payload = String::from_utf8(event.payload).expect("text");
        let expected = r#"{"attachments":[{"payload":{"title":"\ud83d","url":"https://x.example"},"type":"fallback"}],"mid":"m_h","story":{"id":"5"}}"#;
        assert!(payload.contains(expected), "{payload}");
    }

    #[test]
    fn times_come_in_four_forms() {
        let expected = DateTime::from_timestamp(1_790_000_020, 0);
        assert_eq!(parse_time("2026-09-21T14:13:40+0000"), expected);
        assert_eq!(parse_time("2026-09-21T14:13:40+00:00"), expected);
        assert_eq!(parse_time("1790000020"), expected);
        assert_eq!(parse_time("1790000020000"), expected);
        assert_eq!(parse_time("yesterday"), None);
    }
}
