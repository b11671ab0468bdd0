//! What the storage knows.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, Utc};

use super::fault::Plan;
use crate::shared::channel::simulator::{Now, Traffic, lock};

/// Who may use the simulated storage.
pub struct Options {
    /// The region that signatures must name.
    pub region: String,
    /// The access key.
    pub access_key: String,
    /// The secret key that belongs to it.
    pub secret_key: String,
    /// Where its time comes from.
    pub now: Now,
}

/// What handles and request handlers share.
pub(super) struct Core {
    pub options: Options,
    pub traffic: Traffic,
    pub world: Mutex<World>,
}

impl Core {
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// What its own clock says.
    pub(super) fn now(&self) -> DateTime<Utc> {
        let ahead = self.world().ahead;
        (self.options.now)() + ahead
    }
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The content.
    pub bytes: Vec<u8>,
    /// `Content-Type`, as it was sent.
    pub content_type: String,
    /// `Cache-Control`, as it was sent; empty if it was not.
    pub cache_control: String,
    /// The members behind `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// `x-amz-acl`, if one was sent.
    pub acl: Option<String>,
    /// In quotes; the same for the same content.
    pub etag: String,
    /// When it was written.
    pub at: DateTime<Utc>,
}

/// How often something was asked of one object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub puts: usize,
    pub gets: usize,
    pub heads: usize,
    pub deletes: usize,
    pub under_way: usize,
    pub most_at_once: usize,
}

/// A bucket.
pub(super) struct BucketRecord {
    pub objects: BTreeMap<String, Object>,
    /// What was overwritten or deleted while versions were kept: the key and the content.
    pub versions: Vec<(String, Object)>,
    /// Every content that was ever stored whole, by its key, in order.
    pub history: BTreeMap<String, Vec<Vec<u8>>>,
    pub counts: BTreeMap<String, Counts>,
    pub puts_under_way: usize,
    pub most_puts_at_once: usize,
    pub lists: usize,
    /// `Enabled`, `Suspended` or empty.
    pub versioning: String,
    /// Uploads are given a number although nothing is kept.
    pub numbers_uploads: bool,
    /// Whether an upload may be only for where nothing stands.
    pub knows_conditions: bool,
    pub is_public: bool,
    /// No list gives more than so many keys at once.
    pub part_limit: usize,
    pub plans: Vec<Plan>,
}

impl Default for BucketRecord {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            versions: Vec::new(),
            history: BTreeMap::new(),
            counts: BTreeMap::new(),
            puts_under_way: 0,
            most_puts_at_once: 0,
            lists: 0,
            versioning: String::new(),
            numbers_uploads: false,
            knows_conditions: true,
            is_public: false,
            part_limit: 1000,
            plans: Vec::new(),
        }
    }
}

impl BucketRecord {
    pub(super) fn counts(&mut self, key: &str) -> &mut Counts {
        self.counts.entry(key.to_owned()).or_default()
    }

    /// Puts an object in place; what was there stays as a version, if versions are kept.
    pub(super) fn store(&mut self, key: &str, object: Object) {
        self.history.entry(key.to_owned()).or_default().push(object.bytes.clone());
        if let Some(before) = self.objects.insert(key.to_owned(), object) {
            self.keep_version(key, before);
        }
    }

    /// Removes an object; it stays as a version, if versions are kept.
    pub(super) fn remove(&mut self, key: &str) {
        if let Some(before) = self.objects.remove(key) {
            self.keep_version(key, before);
        }
    }

    fn keep_version(&mut self, key: &str, object: Object) {
        if !self.versioning.is_empty() {
            self.versions.push((key.to_owned(), object));
        }
    }
}

/// Everything that changes.
#[derive(Default)]
pub(super) struct World {
    pub buckets: BTreeMap<String, BucketRecord>,
    pub unsigned_bodies: usize,
    /// By how much its clock is ahead of everybody else's.
    pub ahead: TimeDelta,
}
