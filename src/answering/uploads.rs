//! Media that were uploaded to be sent.

use uuid::Uuid;

use super::accept::Refused;
use crate::shared::channel::dialogue::PartContent;

/// Media that were uploaded to be sent. Cheap to clone.
#[derive(Clone, Default)]
pub struct Uploads;

impl Uploads {
    /// An uploaded medium of this merchant as the platform will fetch it.
    ///
    /// # Errors
    /// [`Refused::Media`] where there is none, or no longer.
    #[allow(clippy::unused_async, reason = "it will be looked up")]
    pub async fn part_of(&self, _merchant: Uuid, _id: &str) -> Result<PartContent, Refused> {
        Err(Refused::Media("unknown"))
    }
}
