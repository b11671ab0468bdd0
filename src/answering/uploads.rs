//! Media that were uploaded to be sent: where platforms fetch them, and what they are in a message.

use url::Url;
use uuid::Uuid;

use crate::shared::channel::dialogue::{MediaKind, PartContent};
use crate::shared::journal::JournalError;
use crate::shared::settings::below;
use crate::shared::store::uploads::{Upload, Uploads as Kept};

/// Where they are, below the public address.
pub const PATH: &str = "/m";

/// What may be uploaded: the content type, what it is in a message, and the end of its name.
pub const KINDS: [(&str, MediaKind, &str); 9] = [
    ("image/jpeg", MediaKind::Image, "jpg"),
    ("image/png", MediaKind::Image, "png"),
    ("image/webp", MediaKind::Image, "webp"),
    ("image/gif", MediaKind::Image, "gif"),
    ("video/mp4", MediaKind::Video, "mp4"),
    ("audio/mpeg", MediaKind::Audio, "mp3"),
    ("audio/ogg", MediaKind::Audio, "ogg"),
    ("audio/mp4", MediaKind::Audio, "m4a"),
    ("application/pdf", MediaKind::File, "pdf"),
];

/// Media that were uploaded to be sent. Cheap to clone.
#[derive(Clone)]
pub struct Uploads {
    /// Where they are kept.
    pub kept: Kept,
    /// How the world reaches us, if that is by https: platforms fetch from nowhere else.
    public: Option<Url>,
}

/// An uploaded medium of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadedPart {
    /// As the platform will fetch it.
    pub content: PartContent,
    /// Until when it can be fetched, in milliseconds since 1970.
    pub expires_at: i64,
}

/// Why an uploaded medium cannot be sent.
#[derive(Debug)]
pub enum Unusable {
    /// The service has no public address from which a platform could fetch it.
    OutOfReach,
    /// There is none of this id, or no longer.
    Unknown,
    /// It could not be looked for.
    Failed(JournalError),
}

impl Uploads {
    /// These, fetched from this address.
    #[must_use]
    pub fn new(kept: Kept, public_url: Option<&Url>) -> Self {
        Self { kept, public: public_url.filter(|url| url.scheme() == "https").cloned() }
    }

    /// Whether platforms could fetch what is uploaded.
    #[must_use]
    pub fn can_be_fetched(&self) -> bool {
        self.public.is_some()
    }

    /// An uploaded medium of this merchant as the platform will fetch it.
    ///
    /// # Errors
    /// [`Unusable`].
    pub async fn part_of(&self, merchant: Uuid, id: &str) -> Result<UploadedPart, Unusable> {
        let public = self.public.as_ref().ok_or(Unusable::OutOfReach)?;
        let upload = self.kept.find(merchant, id).await.map_err(Unusable::Failed)?.ok_or(Unusable::Unknown)?;
        let kind = KINDS.iter().find(|(kind, ..)| *kind == upload.kind).map_or(MediaKind::File, |(_, kind, _)| *kind);
        let content = PartContent::Media {
            url: address_of(public, &upload),
            media: kind,
            name: None,
            caption: None,
            bytes: Some(upload.bytes),
        };
        Ok(UploadedPart { content, expires_at: upload.expires_at })
    }
}

fn address_of(public: &Url, upload: &Upload) -> String {
    below(public, &format!("{PATH}/{}", upload.name)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_below_the_public_one() {
        let upload = Upload {
            id: "med_1".to_owned(),
            name: "name.jpg".to_owned(),
            kind: "image/jpeg".to_owned(),
            bytes: 1,
            sha256: String::new(),
            expires_at: 0,
        };
        for (public, address) in [
            ("https://bot.example", "https://bot.example/m/name.jpg"),
            ("https://bot.example/talk/", "https://bot.example/talk/m/name.jpg"),
        ] {
            assert_eq!(address_of(&public.parse().unwrap(), &upload), address);
        }
    }
}
