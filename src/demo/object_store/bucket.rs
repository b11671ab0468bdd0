//! The handle of a bucket: what is in it, what was asked of it, and what shall go wrong.

use std::sync::Arc;

use super::fault::{Fault, Operation, Plan};
use super::state::{BucketRecord, Core, Counts, Object};

/// A bucket.
#[derive(Clone)]
pub struct Bucket {
    pub(super) core: Arc<Core>,
    pub(super) name: String,
}

impl Bucket {
    fn with<T: Default>(&self, look: impl FnOnce(&mut BucketRecord) -> T) -> T {
        self.core.world().buckets.get_mut(&self.name).map(look).unwrap_or_default()
    }

    fn count(&self, key: &str) -> Counts {
        self.with(|bucket| bucket.counts.get(key).copied().unwrap_or_default())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The object with this key.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<Object> {
        self.with(|bucket| bucket.objects.get(key).cloned())
    }

    /// All keys that begin with this, in order.
    #[must_use]
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        self.with(|bucket| bucket.objects.keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    /// Every content that the object ever had, in order: each was whole.
    #[must_use]
    pub fn history(&self, key: &str) -> Vec<Vec<u8>> {
        self.with(|bucket| bucket.history.get(key).cloned().unwrap_or_default())
    }

    /// How often the object was written, also where that failed.
    #[must_use]
    pub fn puts(&self, key: &str) -> usize {
        self.count(key).puts
    }

    /// How often the object was read.
    #[must_use]
    pub fn gets(&self, key: &str) -> usize {
        self.count(key).gets
    }

    /// How often the object was asked about.
    #[must_use]
    pub fn heads(&self, key: &str) -> usize {
        self.count(key).heads
    }

    /// How often the object was deleted.
    #[must_use]
    pub fn deletes(&self, key: &str) -> usize {
        self.count(key).deletes
    }

    /// How many writes of this object were under way at once, at most.
    #[must_use]
    pub fn most_at_once(&self, key: &str) -> usize {
        self.count(key).most_at_once
    }

    /// How many writes of the bucket were under way at once, at most.
    #[must_use]
    pub fn most_puts_at_once(&self) -> usize {
        self.with(|bucket| bucket.most_puts_at_once)
    }

    /// All writes of the bucket, also those that failed.
    #[must_use]
    pub fn all_puts(&self) -> usize {
        self.with(|bucket| bucket.counts.values().map(|counts| counts.puts).sum())
    }

    /// How often keys were listed.
    #[must_use]
    pub fn lists(&self) -> usize {
        self.with(|bucket| bucket.lists)
    }

    /// Writes an object without a request, as somebody else would.
    pub fn put_outside(&self, key: &str, bytes: &[u8]) {
        let object = Object {
            bytes: bytes.to_vec(),
            content_type: "application/octet-stream".to_owned(),
            cache_control: String::new(),
            metadata: std::collections::BTreeMap::new(),
            acl: None,
            etag: super::endpoint::etag(bytes),
            at: self.core.now(),
        };
        self.with(|bucket| bucket.store(key, object));
    }

    /// Deletes an object without a request, as somebody else would.
    pub fn delete_outside(&self, key: &str) {
        self.with(|bucket| bucket.remove(key));
    }

    /// Whether versions are kept: `Enabled`, `Suspended`, or empty for never.
    pub fn set_versioning(&self, status: &str) {
        self.with(|bucket| status.clone_into(&mut bucket.versioning));
    }

    /// Uploads are given a number although no versions are kept, as Cloudflare R2 does.
    pub fn number_uploads(&self) {
        self.with(|bucket| bucket.numbers_uploads = true);
    }

    /// Whether an upload may be only for where nothing stands: Backblaze B2 answers 501.
    pub fn set_conditions(&self, are_known: bool) {
        self.with(|bucket| bucket.knows_conditions = are_known);
    }

    /// What was overwritten or deleted and is still there as a version: the keys.
    #[must_use]
    pub fn versions(&self) -> Vec<String> {
        self.with(|bucket| bucket.versions.iter().map(|(key, _)| key.clone()).collect())
    }

    /// Anybody can read objects.
    pub fn set_public(&self, yes: bool) {
        self.with(|bucket| bucket.is_public = yes);
    }

    /// No list gives more than so many keys at once, whatever `max-keys` says.
    pub fn set_part_limit(&self, keys: usize) {
        self.with(|bucket| bucket.part_limit = keys.max(1));
    }

    /// The next `times` requests of this kind (`None`: of any), to keys that contain this text, after `skip` that are answered as
    /// ever, fail in this way.
    pub fn fail(&self, operation: Option<Operation>, key_contains: &str, skip: usize, times: usize, fault: Fault) {
        let key_contains = key_contains.to_owned();
        self.with(|bucket| bucket.plans.push(Plan { operation, key_contains, skip, times, fault }));
    }

    /// Forgets all planned failures.
    pub fn heal(&self) {
        self.with(|bucket| bucket.plans.clear());
    }
}
