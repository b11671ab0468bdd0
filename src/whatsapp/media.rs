//! What customers attach to their messages, when `WHATSAPP_MEDIA=copy`: a message names a medium, the Graph API says where it
//! is for five minutes, and there the token is shown. What people send stays there for seven days.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media> (2026).

use std::sync::Arc;

use super::meaning::FILES;
use super::names::NAME;
use super::payload::{is_outgoing, kind};
use super::state::Whatsapp;
use crate::meta::id::Id;
use crate::meta::media::{self, Attachments, Located, Media};
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::{BoxFuture, Job};
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::Object;
use crate::shared::store::{Attached, Attachment};

/// What is attached to messages to the number.
struct ToNumber {
    whatsapp: Arc<Whatsapp>,
    media: Media,
}

/// The job that copies, once a minute; `None`: it is not switched on.
pub fn job(whatsapp: &Arc<Whatsapp>) -> Option<Job> {
    let media = whatsapp.config.media.clone()?;
    Some(media::job(Arc::new(ToNumber { whatsapp: Arc::clone(whatsapp), media })))
}

impl Attachments for ToNumber {
    fn channel(&self) -> &'static str {
        NAME
    }

    fn shared(&self) -> &Shared {
        &self.whatsapp.shared
    }

    fn media(&self) -> &Media {
        &self.media
    }

    fn hosts_setting(&self) -> &'static str {
        "WHATSAPP_MEDIA_HOSTS"
    }

    fn read(&self) -> fn(&[u8]) -> Option<Attached> {
        read_attached
    }

    fn locate<'a>(&'a self, link: &'a str) -> BoxFuture<'a, Result<Located, ApiError>> {
        Box::pin(async move {
            let medium = Id::parse(link).ok_or_else(|| ApiError::Refused { code: "its id is none".to_owned() })?;
            let url = self.whatsapp.client.fetch_media_address(&medium).await?;
            Ok(Located { url, bearer: Some(self.whatsapp.config.token.clone()) })
        })
    }
}

/// What a message says of its medium: there is one at most. What went out is not copied.
fn read_attached(payload: &[u8]) -> Option<Attached> {
    let object = Object::parse(std::str::from_utf8(payload).ok()?)?;
    let id = object.text("id").filter(|id| !id.is_empty())?.into_owned();
    if object.is_true("is_deleted") {
        return Some(Attached::TakenBack(id));
    }
    if is_outgoing(&object) {
        return None;
    }
    let word = object.text("type")?;
    if word == kind::REVOKE {
        let original = object.object("revoke")?.text("original_message_id")?.into_owned();
        return Some(Attached::TakenBack(original));
    }
    let (_, kind) = FILES.iter().find(|(member, _)| *member == word)?;
    let medium = object.object(&word)?.text("id").filter(|id| !id.is_empty())?.into_owned();
    Some(Attached::Came(vec![Attachment { mid: id, position: 0, kind: (*kind).to_owned(), url: medium }]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_one_medium_and_what_went_out_none() {
        let Some(Attached::Came(found)) = read_attached(br#"{"id":"w","type":"document","document":{"id":"41"}}"#)
        else {
            panic!("a medium")
        };
        assert_eq!((found[0].kind.as_str(), found[0].url.as_str(), found.len()), ("file", "41", 1));
        for payload in [
            &br#"{"id":"w","type":"text","text":{"body":"a"}}"#[..],
            br#"{"id":"w","to":"1777","type":"image","image":{"id":"41"}}"#,
            br#"{"id":"w","type":"image"}"#,
            br#"{"type":"image","image":{"id":"41"}}"#,
            b"\xff",
        ] {
            assert_eq!(read_attached(payload), None, "{}", String::from_utf8_lossy(payload));
        }
        let deleted = br#"{"id":"w","type":"image","is_deleted":true}"#;
        assert_eq!(read_attached(deleted), Some(Attached::TakenBack("w".to_owned())));
        let revoked = br#"{"id":"w2","type":"revoke","revoke":{"original_message_id":"w"}}"#;
        assert_eq!(read_attached(revoked), Some(Attached::TakenBack("w".to_owned())));
        assert_eq!(read_attached(br#"{"id":"w2","type":"revoke"}"#), None);
    }
}
