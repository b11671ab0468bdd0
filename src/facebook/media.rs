//! What customers attach to their messages on Messenger and Instagram, when `FACEBOOK_MEDIA=copy`.
//!
//! Source: <https://developers.facebook.com/docs/messenger-platform/webhooks> (attachments; 2026).

use std::sync::Arc;

use super::state::Facebook;
use crate::meta::media::{self, Attachments, Located, Media};
use crate::shared::channel::context::Shared;
use crate::shared::channel::job::{BoxFuture, Job};
use crate::shared::outgoing::http::ApiError;
use crate::shared::raw_json::{Object, elements};
use crate::shared::store::{Attached, Attachment};

/// Kinds of attachments that are files. Others are links to pages.
const FILES: [&str; 7] = ["image", "audio", "video", "file", "sticker", "story_mention", "ephemeral"];

/// What is attached in one of the inboxes.
struct InInbox {
    facebook: Arc<Facebook>,
    channel: &'static str,
    media: Media,
}

/// The job that copies, once a minute.
pub fn job(facebook: &Arc<Facebook>, channel: &'static str, media: &Media) -> Job {
    media::job(Arc::new(InInbox { facebook: Arc::clone(facebook), channel, media: media.clone() }))
}

impl Attachments for InInbox {
    fn channel(&self) -> &'static str {
        self.channel
    }

    fn shared(&self) -> &Shared {
        &self.facebook.shared
    }

    fn media(&self) -> &Media {
        &self.media
    }

    fn hosts_setting(&self) -> &'static str {
        "FACEBOOK_MEDIA_HOSTS"
    }

    fn read(&self) -> fn(&[u8]) -> Option<Attached> {
        read_attached
    }

    fn locate<'a>(&'a self, link: &'a str) -> BoxFuture<'a, Result<Located, ApiError>> {
        Box::pin(async move { Ok(Located { url: link.to_owned(), bearer: None }) })
    }
}

/// What a message says of attachments.
fn read_attached(payload: &[u8]) -> Option<Attached> {
    let item = Object::parse(std::str::from_utf8(payload).ok()?)?;
    let message = item.object("message")?;
    let mid = message.text("mid")?.into_owned();
    if message.is_true("is_deleted") {
        return Some(Attached::TakenBack(mid));
    }
    let attachments: Vec<Attachment> = elements(message.get("attachments")?)?
        .into_iter()
        .zip(0..)
        .filter_map(|(attachment, position)| {
            let attachment = Object::parse(attachment)?;
            let kind = attachment.text("type")?.into_owned();
            let url = attachment.object("payload")?.text("url")?.into_owned();
            FILES.contains(&kind.as_str()).then(|| Attachment { mid: mid.clone(), position, kind, url })
        })
        .collect();
    (!attachments.is_empty()).then_some(Attached::Came(attachments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_pages_are_no_files() {
        let payload = br#"{"message":{"mid":"m_1","attachments":[
            {"type":"fallback","payload":{"url":"https://shop.example"}},{"type":"image","payload":{"url":"https://a.fbcdn.net/1"}},
            {"type":"image","payload":null}, 17]}}"#;
        let Some(Attached::Came(found)) = read_attached(payload) else { panic!("attachments") };
        assert_eq!(found.iter().map(|one| one.position).collect::<Vec<_>>(), [1]);
    }
}
