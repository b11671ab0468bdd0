//! The copies of the demo: a simulated object storage beside the simulated platforms, and what has arrived in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{bail, ensure};

use super::object_store::{Bucket, ObjectStore, Options};
use super::service::Service;
use crate::commands::{CloudWanted, Command};
use crate::shared::channel::simulator::Now;
use crate::shared::logins::random_hex;

const BUCKET: &str = "demo-copies";
const REGION: &str = "nyc3";

/// Below which name the copies stand.
const USERS: &str = "users/";

/// A file may change between its copy and the comparison: so often both are done.
const ROUNDS: usize = 5;

/// A bucket for the copies of the demo's files. Cheap to clone.
#[derive(Clone)]
pub struct Copies {
    store: ObjectStore,
    bucket: Bucket,
    keys: Arc<(String, String)>,
    told: Arc<AtomicUsize>,
}

impl Copies {
    /// Starts the storage, with an empty bucket.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(now: Now) -> anyhow::Result<Self> {
        let (access_key, secret_key) = (random_hex()?, random_hex()?);
        let keys = Arc::new((access_key.clone(), secret_key.clone()));
        let store = ObjectStore::start(Options { region: REGION.to_owned(), access_key, secret_key, now }).await?;
        let bucket = store.add_bucket(BUCKET);
        Ok(Self { store, bucket, keys, told: Arc::default() })
    }

    /// The service's settings for it.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let (access_key, secret_key) = &*self.keys;
        vec![
            ("SPACES_BUCKET", BUCKET.to_owned()),
            ("SPACES_REGION", REGION.to_owned()),
            ("SPACES_ACCESS_KEY", access_key.clone()),
            ("SPACES_SECRET_KEY", secret_key.clone()),
            ("S3_ENDPOINT", self.store.url()),
            ("S3_PATH_STYLE", "true".to_owned()),
            // Nobody who watches waits a minute for the second copy of a file.
            ("CLOUD_EVERY_SECONDS", "2".to_owned()),
        ]
    }

    /// A line about copies that have arrived since it was asked last.
    #[must_use]
    pub fn news(&self) -> Option<String> {
        let all = self.bucket.keys(USERS).into_iter().filter(|key| !key.ends_with(".shoptalk-owner")).count();
        let puts = self.bucket.all_puts();
        let new = puts > self.told.swap(puts, Ordering::Relaxed);
        (new && all > 0).then(|| format!("{all} files are copied to the simulated object storage."))
    }

    /// Has all files copied now, as `shoptalk cloud backfill` does, and sees that they stand there. Gives how many.
    ///
    /// # Errors
    /// When one is missing or differs.
    pub async fn arrive(&self, service: &Service) -> anyhow::Result<usize> {
        let mut differences = String::new();
        for _ in 0..ROUNDS {
            let (said, is_sent) = service.carry_out(Command::Cloud(CloudWanted::Backfill { account: None })).await?;
            ensure!(is_sent, "the files are not copied to object storage: {}", said.join("; "));
            let (said, is_whole) = service.carry_out(Command::Cloud(CloudWanted::Check)).await?;
            if is_whole {
                return Ok(self.bucket.keys(USERS).len().saturating_sub(1));
            }
            differences = said.join("; ");
        }
        bail!("the copies in object storage are not as the files: {differences}")
    }
}
