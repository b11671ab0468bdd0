//! Pictures that a person sent, as links for the model: our own copy, public for as long as the model is asked.
//!
//! The platform's own links are not given away: some want a token, and nobody knows for how long the others hold.

use super::{Question, Responder};
use crate::answering::uploads::PublicCopy;
use crate::shared::journal::Conversation;

/// How many pictures are shown.
const MOST_PICTURES: usize = 4;

/// A picture that the model can fetch.
pub(super) struct Shown {
    /// Its id among what is public.
    id: String,
    /// Where it is fetched.
    pub address: String,
}

impl Responder {
    /// Makes the copies of pictures public that came with what is asked. Those of which there is no copy yet, or no public
    /// address, are told in words.
    pub(super) async fn show_pictures(&self, question: &Question<'_>) -> Vec<Shown> {
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let event = question.event;
        let of = match (text(&event["channel"]), text(&event["account"]["id"]), text(&event["person"]["id"])) {
            (Some(channel), Some(account), Some(person)) => Conversation { channel, account, person },
            _ => return Vec::new(),
        };
        let mut shown = Vec::new();
        if !self.settings().shows_images {
            return shown;
        }
        let media = event["media"].as_array().map(Vec::as_slice).unwrap_or_default();
        let files = media
            .iter()
            .filter(|medium| medium["type"] == "image")
            .filter_map(|medium| Some(medium["file"].as_str()?.rsplit('/').next()?.to_owned()));
        for file in files.take(MOST_PICTURES) {
            let answering = self.answering();
            match answering.uploads.share_copy(&answering.shared, question.merchant, &of, &file).await {
                Ok(Some(PublicCopy { id, address })) => shown.push(Shown { id, address }),
                Ok(None) => {}
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "a picture could not be shown to the model; it is told that one came");
                }
            }
        }
        shown
    }

    /// Nobody can fetch them any more.
    pub(super) async fn hide_pictures(&self, pictures: Vec<Shown>) {
        for Shown { id, .. } in pictures {
            if let Err(error) = self.answering().uploads.kept.remove(&id).await {
                tracing::warn!(error = format!("{error:#}"), "a picture stays public until its day is over");
            }
        }
    }
}
