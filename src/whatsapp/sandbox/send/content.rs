//! What a message says, and what all its types have in common.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages> and the pages
//! beside it, one for each type (2026). Unknown members are refused, as the platform does.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::super::error::ApiError;
use super::memory::Choice;

/// The longest caption of a picture, a video or a document.
const MAX_CAPTION_CHARACTERS: usize = 1024;

/// What a message shows.
#[derive(Debug, Default)]
pub(in super::super) struct Content {
    pub text: String,
    pub choices: Vec<Choice>,
    pub links: Vec<String>,
    /// Media that the platform fetches: its kind and its link.
    pub fetched: Vec<(String, Url)>,
    /// Media that must have been uploaded, by their ids.
    pub uploads: Vec<String>,
    /// The message that a reaction is about, and the emoji; empty takes it back.
    pub reaction: Option<(String, String)>,
}

/// A picture, a video, audio, a document or a sticker: by the id of an upload, or by link.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Media {
    id: Option<String>,
    link: Option<String>,
    caption: Option<String>,
    filename: Option<String>,
    #[serde(rename = "voice")]
    _voice: Option<bool>,
    #[serde(rename = "provider")]
    _provider: Option<Value>,
}

impl Media {
    /// Reads media as the content of a message.
    pub(in super::super) fn read(self, kind: &str) -> Result<Content, ApiError> {
        let mut content = Content::default();
        match (self.id, self.link) {
            (Some(id), None) => content.uploads.push(id),
            (None, Some(link)) => {
                let url = Url::parse(&link).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
                let url = url.ok_or_else(|| ApiError::new(131_009, format!("{kind}['link'] is no URL.")))?;
                content.links.push(link);
                content.fetched.push((kind.to_owned(), url));
            }
            _ => return Err(ApiError::new(131_009, format!("{kind} needs either id or link."))),
        }
        if let Some(caption) = self.caption {
            if !["image", "video", "document"].contains(&kind) {
                return Err(ApiError::parameter(format!("Unexpected key \"caption\" on param \"{kind}\".")));
            }
            within("caption", &caption, 0, MAX_CAPTION_CHARACTERS)?;
            content.text = caption;
        }
        if self.filename.is_some() && kind != "document" {
            return Err(ApiError::parameter(format!("Unexpected key \"filename\" on param \"{kind}\".")));
        }
        Ok(content)
    }
}

/// A member of the body as its type wants it.
pub(super) fn member<T: DeserializeOwned>(body: &Value, name: &str) -> Result<T, ApiError> {
    let Some(value) = body.get(name) else {
        return Err(ApiError::new(131_008, format!("The parameter {name} is required.")));
    };
    typed(name, value)
}

/// A value as its type wants it.
pub(super) fn typed<T: DeserializeOwned>(name: &str, value: &Value) -> Result<T, ApiError> {
    serde_json::from_value(value.clone())
        .map_err(|error| ApiError::parameter(format!("Invalid parameter {name}: {error}.")))
}

/// A text of so many characters.
pub(super) fn within(name: &str, text: &str, min: usize, max: usize) -> Result<(), ApiError> {
    let length = text.chars().count();
    if (min..=max).contains(&length) {
        return Ok(());
    }
    Err(ApiError::parameter(format!("Param {name} must be between {min} and {max} characters long; it has {length}.")))
}
