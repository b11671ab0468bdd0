//! A simulated object storage that speaks the S3 protocol, as DigitalOcean Spaces does: signed requests, objects with metadata,
//! lists in parts, conditional creation, versions, anonymous reading, and failures on request.
//!
//! It is written from the protocol's documents (<https://docs.aws.amazon.com/AmazonS3/latest/API/> and
//! <https://docs.digitalocean.com/reference/api/spaces/>, 2026), meets the service over HTTP only, and imports nothing of it but
//! what all simulators share. ETags are opaque here: no MD5.
//!
//! # How a test plays with it
//! ```ignore
//! let store = ObjectStore::start(Options { region: "nyc3".into(), access_key: "DO00".into(), secret_key: "…".into(), now }).await?;
//! let bucket = store.add_bucket("shop-copies");            // store.url() = S3_ENDPOINT; addresses are /{bucket}/{key}
//! // The service uploads …
//! assert_eq!(bucket.keys("users/"), ["users/…/conversations/7000.json"]);
//! let object = bucket.object("users/…").unwrap();          // bytes, content_type, metadata["sha256"], …
//! assert_eq!(bucket.puts("users/…"), 1);                   // how often it was written, also where it failed
//! bucket.fail(Some(Operation::Put), "", 0, 2, Fault::SlowDown);   // or Cut, DoneCut, DoesNothing, StoresOther, …
//! bucket.most_at_once("users/…");                          // how many uploads of one object were under way at once
//! bucket.set_versioning("Enabled");   bucket.set_public(true);   bucket.delete_outside("users/…");
//! store.set_clock_ahead(TimeDelta::hours(1));              // 403 RequestTimeTooSkewed, with its own time in `Date`
//! ```

mod answer;
mod bucket;
mod endpoint;
mod fault;
mod list;
mod signature;
mod state;

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;

pub use self::bucket::Bucket;
pub use self::fault::{Fault, Operation};
use self::state::{Core, World};
pub use self::state::{Object, Options};
use crate::shared::channel::simulator::{Loopback, Traffic};

/// A handle to the running storage. Cheap to clone; the server stops when the last handle is dropped.
#[derive(Clone)]
pub struct ObjectStore {
    core: Arc<Core>,
    server: Arc<Loopback>,
}

impl ObjectStore {
    /// Starts it without buckets, on a free port.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let core = Arc::new(Core { options, traffic: Traffic::default(), world: Mutex::new(World::default()) });
        let server = Loopback::start(endpoint::router(Arc::clone(&core)), core.traffic.clone()).await?;
        Ok(Self { core, server: Arc::new(server) })
    }

    /// The endpoint, without a bucket and without a final slash: `S3_ENDPOINT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What it received, and what else shall go wrong.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.core.traffic
    }

    /// Makes an empty, private bucket that keeps no versions. One that exists is emptied.
    pub fn add_bucket(&self, name: &str) -> Bucket {
        self.core.world().buckets.insert(name.to_owned(), state::BucketRecord::default());
        Bucket { core: Arc::clone(&self.core), name: name.to_owned() }
    }

    /// Deletes a bucket with everything in it: 404 from now on.
    pub fn delete_bucket(&self, name: &str) {
        self.core.world().buckets.remove(name);
    }

    /// Its clock is ahead of everybody else's by so much from now on, or behind.
    pub fn set_clock_ahead(&self, by: TimeDelta) {
        self.core.world().ahead = by;
    }

    /// Requests whose body was not part of the signature (`UNSIGNED-PAYLOAD`).
    #[must_use]
    pub fn unsigned_bodies(&self) -> usize {
        self.core.world().unsigned_bodies
    }
}
