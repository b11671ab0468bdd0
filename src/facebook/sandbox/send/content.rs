//! The member `message` of a send: what it may contain, and how much of it.

use serde_json::{Map, Value};
use url::Url;

use super::super::state::{Button, GraphError};
use super::template::{self, object, required, text};

/// Characters of a text on Messenger.
const MAX_TEXT: usize = 2000;

/// Bytes of a text on Instagram.
const MAX_INSTAGRAM_BYTES: usize = 1000;

/// Characters of the sender's own mark.
const MAX_METADATA: usize = 1000;

/// The limits of quick replies. A longer title is cut, not refused.
const MAX_QUICK_REPLIES: usize = 13;
const QUICK_REPLY_TITLE: usize = 20;
const MAX_PAYLOAD: usize = 1000;

/// A message as the call describes it.
pub(super) struct Outgoing {
    /// The member `message`, whole.
    pub raw: Value,
    pub text: String,
    pub metadata: Option<String>,
    pub quick_replies: Vec<Button>,
    pub attachment: Option<Attachment>,
    /// Buttons of a template that come back when they are pressed.
    pub buttons: Vec<Button>,
}

/// What a message carries instead of a text.
pub(super) enum Attachment {
    /// A file behind a link.
    Link {
        kind: String,
        url: Url,
        is_reusable: bool,
    },
    /// A file that was sent before.
    Known {
        kind: String,
        id: String,
    },
    /// A template; its payload.
    Template(Value),
    Sticker(i64),
}

impl Outgoing {
    /// Reads and checks the member `message`.
    pub(super) fn read(message: &Value, is_instagram: bool) -> Result<Self, GraphError> {
        let known = ["text", "metadata", "quick_replies", "attachment", "sticker_id"];
        let map = object(message, "message", &known)?;
        let bodies = ["text", "attachment", "sticker_id"].iter().filter(|name| map.contains_key(**name)).count();
        if bodies != 1 {
            return Err(GraphError::parameter("Param message must have exactly one of text, attachment, sticker_id."));
        }
        let max = if is_instagram { usize::MAX } else { MAX_TEXT };
        let text_of = text(map, "message", "text", max)?.unwrap_or_default();
        if is_instagram && text_of.len() > MAX_INSTAGRAM_BYTES {
            return Err(GraphError::parameter(
                "Length of param message[text] must be less than or equal to 1000 bytes",
            ));
        }
        let mut outgoing = Self {
            raw: message.clone(),
            text: text_of.to_owned(),
            metadata: text(map, "message", "metadata", MAX_METADATA)?.map(str::to_owned),
            quick_replies: quick_replies(map)?,
            attachment: None,
            buttons: Vec::new(),
        };
        if let Some(attachment) = map.get("attachment") {
            let (attachment, buttons) = read_attachment(attachment)?;
            outgoing.attachment = Some(attachment);
            outgoing.buttons = buttons;
        }
        if let Some(id) = map.get("sticker_id") {
            let id = id.as_i64().ok_or_else(|| GraphError::parameter("Param message[sticker_id] must be a number."))?;
            outgoing.attachment = Some(Attachment::Sticker(id));
        }
        Ok(outgoing)
    }
}

fn quick_replies(map: &Map<String, Value>) -> Result<Vec<Button>, GraphError> {
    if !map.contains_key("quick_replies") {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for reply in template::list(map, "message", "quick_replies", MAX_QUICK_REPLIES)? {
        let place = "quick_replies";
        let reply = object(reply, place, &["content_type", "title", "payload", "image_url"])?;
        if required(reply, place, "content_type", usize::MAX)? != "text" {
            return Err(GraphError::parameter("Param quick_replies[content_type] must be text here"));
        }
        let title = required(reply, place, "title", usize::MAX)?.chars().take(QUICK_REPLY_TITLE).collect();
        let payload = required(reply, place, "payload", MAX_PAYLOAD)?.to_owned();
        if let Some(link) = text(reply, place, "image_url", usize::MAX)? {
            template::check_link(link)?;
        }
        found.push(Button { title, payload });
    }
    Ok(found)
}

fn read_attachment(attachment: &Value) -> Result<(Attachment, Vec<Button>), GraphError> {
    let place = "message[attachment]";
    let map = object(attachment, place, &["type", "payload"])?;
    let kind = required(map, place, "type", usize::MAX)?;
    let payload = map.get("payload").unwrap_or(&Value::Null);
    if kind == "template" {
        return Ok((Attachment::Template(payload.clone()), template::check(payload)?));
    }
    if !["image", "audio", "video", "file"].contains(&kind) {
        return Err(GraphError::parameter("Param type must be one of {audio, file, image, template, video}"));
    }
    let payload = object(payload, "message[attachment][payload]", &["url", "is_reusable", "attachment_id"])?;
    let kind = kind.to_owned();
    match (payload.get("url"), payload.get("attachment_id")) {
        (Some(_), None) => {
            let url = template::check_link(required(payload, "payload", "url", usize::MAX)?)?;
            let is_reusable = match payload.get("is_reusable") {
                None => false,
                Some(value) => {
                    value.as_bool().ok_or_else(|| GraphError::parameter("Param is_reusable must be a boolean"))?
                }
            };
            Ok((Attachment::Link { kind, url, is_reusable }, Vec::new()))
        }
        (None, Some(_)) => {
            let id = required(payload, "payload", "attachment_id", usize::MAX)?.to_owned();
            Ok((Attachment::Known { kind, id }, Vec::new()))
        }
        _ => Err(GraphError::parameter("Param payload must have exactly one of url, attachment_id.")),
    }
}
