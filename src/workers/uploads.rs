//! Uploaded media whose time is over → gone, the file first and then its row.

use std::time::Duration;

use super::{Rest, Worker};
use crate::shared::channel::job::BoxFuture;
use crate::shared::store::uploads::Uploads;

/// How often it is looked for them. What is over is not shown any more, removed or not.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Removes uploaded media.
pub struct UploadRemover(Uploads);

impl UploadRemover {
    /// Removes these.
    #[must_use]
    pub fn new(uploads: Uploads) -> Self {
        Self(uploads)
    }
}

impl Worker for UploadRemover {
    fn name(&self) -> &'static str {
        "uploads"
    }

    fn when_failing(&self) -> &'static str {
        "Uploaded media stay on the disk although their time is over: their files or the journal cannot be used. Nobody is \
         shown them any more, and they are removed as soon as that works; the log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(self.0.remove_expired())
    }

    fn rest(&self) -> Rest {
        Rest::For(LOOK_EVERY)
    }
}
