//! Media that were uploaded to be sent: where platforms fetch them, and what they are in a message.

use std::io::Read;

use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use url::Url;
use uuid::Uuid;

use crate::shared::channel::context;
use crate::shared::channel::dialogue::{MediaKind, PartContent};
use crate::shared::files::output::RelativePath;
use crate::shared::journal::{Conversation, JournalError};
use crate::shared::secrets::signature::to_hex;
use crate::shared::settings::below;
use crate::shared::store::uploads::{NewUpload, NotKept, Upload, Uploads as Kept};

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

/// The largest picture that is made public, in bytes.
const LARGEST_COPY: u64 = 16 * 1024 * 1024;

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

/// A copy that is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicCopy {
    /// Its id among uploads.
    pub id: String,
    /// Where it is fetched.
    pub address: String,
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

    /// Makes our copy of a picture that this person sent public, where whoever is told its address may fetch it. `file`: the name
    /// of the copy. `None`: there is no such copy, it is no picture, there is no room, or we have no public address.
    ///
    /// # Errors
    /// When the journal or the disk fails.
    pub async fn share_copy(
        &self,
        shared: &context::Shared,
        merchant: Uuid,
        of: &Conversation,
        file: &str,
    ) -> anyhow::Result<Option<PublicCopy>> {
        let account = (of.channel.clone(), of.account.clone());
        let Some(public) = &self.public else { return Ok(None) };
        // Only a name that we gave ourselves becomes part of a path.
        let Some(found) = shared.journal.find_copy(&account, file).await? else { return Ok(None) };
        let known = KINDS.iter().find(|(kind, is, _)| *kind == found && *is == MediaKind::Image);
        let Some((kind, _, extension)) = known else { return Ok(None) };
        let place = RelativePath::new(&[&of.channel, &of.account, "media", file])?;
        let output = shared.output.clone();
        let read = move || -> std::io::Result<Option<Vec<u8>>> {
            let Some(copy) = output.find(&place)? else { return Ok(None) };
            let mut bytes = Vec::new();
            copy.take(LARGEST_COPY + 1).read_to_end(&mut bytes)?;
            Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= LARGEST_COPY))
        };
        let Some(bytes) = tokio::task::spawn_blocking(read).await?? else { return Ok(None) };
        let (length, digest) = (bytes.len() as u64, Sha256::digest(&bytes));
        let mut incoming = self.kept.begin().await?;
        incoming.file.write_all(&bytes).await?;
        let new = NewUpload { merchant, kind, extension, bytes: length, sha256: to_hex(&digest) };
        let upload = match self.kept.keep(incoming, new).await {
            Ok(upload) => upload,
            Err(NotKept::OverQuota) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        self.kept.note_use(&upload.id, of).await?;
        Ok(Some(PublicCopy { address: address_of(public, &upload), id: upload.id }))
    }

    /// Until when an uploaded medium is at this address, in milliseconds since 1970; the beginning of 1970 where it is there no
    /// more. `None`: the address is not ours.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn gone_at(&self, address: &str) -> Result<Option<i64>, JournalError> {
        let Some(public) = &self.public else { return Ok(None) };
        let ours = below(public, PATH);
        let Some(name) = address.strip_prefix(ours.as_str()).and_then(|rest| rest.strip_prefix('/')) else {
            return Ok(None);
        };
        Ok(Some(self.kept.find_end(name).await?.unwrap_or(0)))
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
