//! Who is told of files before they change, so that a kill at any instant loses no change.

use std::sync::Arc;

/// Follows the files below the output folder.
pub trait Follower: Send + Sync {
    /// The file at this path (parts with `/` between them) is about to be written, replaced or removed. Blocks until that
    /// is written down: only then the change is made.
    ///
    /// # Errors
    /// When it cannot be written down. The file then stays as it is.
    fn begin(&self, path: &str) -> std::io::Result<()>;

    /// The change of this file is over, whether it was made or failed.
    fn end(&self, path: &str);
}

/// A change under way. It is over when this is dropped.
pub(super) struct Change {
    follower: Arc<dyn Follower>,
    path: String,
}

impl Change {
    /// Tells the follower that this file is about to change.
    pub(super) fn begin(follower: &Arc<dyn Follower>, path: String) -> std::io::Result<Self> {
        let change = Self { follower: Arc::clone(follower), path };
        // Also where this fails the end is told: the follower may have noted the beginning.
        change.follower.begin(&change.path)?;
        Ok(change)
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        self.follower.end(&self.path);
    }
}
