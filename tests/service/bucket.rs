//! The simulated object storage with one bucket in it, as tests want it: with names of its own for what they ask and break.

use std::sync::Arc;
use std::time::Duration;

use shoptalk::app::config::Config;
use shoptalk::demo::object_store::{self, Fault, Object, ObjectStore, Operation, Options};
use shoptalk::shared::channel::simulator::{Failure, Received, Traffic};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::objects::ObjectSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use crate::test_app::{TestApp, beginning};

pub const BUCKET: &str = "shop-copies";
pub const MARKER: &str = "users/.shoptalk-owner";
pub const ACCESS_KEY: &str = "an access key for tests";
pub const SECRET_KEY: &str = "a secret key for tests";

/// The bucket. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    pub store: ObjectStore,
    pub traffic: Traffic,
    /// The clock of the storage, to be that of the service, too.
    pub clock: Clock,
    bucket: object_store::Bucket,
}

impl Bucket {
    pub async fn start() -> Self {
        Self::start_at(Clock::manual(beginning())).await
    }

    /// With this clock.
    pub async fn start_at(clock: Clock) -> Self {
        let time = clock.clone();
        let options = Options {
            region: "nyc3".to_owned(),
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            now: Arc::new(move || time.now()),
        };
        let store = ObjectStore::start(options).await.unwrap();
        let (bucket, traffic) = (store.add_bucket(BUCKET), store.traffic().clone());
        Self { store, traffic, clock, bucket }
    }

    pub fn settings(&self) -> Arc<ObjectSettings> {
        Arc::new(self.settings_at(&self.store.url()))
    }

    /// For a service that reaches it at this address.
    pub fn settings_at(&self, url: &str) -> ObjectSettings {
        ObjectSettings {
            bucket: BUCKET.to_owned(),
            region: "nyc3".to_owned(),
            endpoint: Url::parse(url).unwrap(),
            has_path_style: true,
            access_key: ACCESS_KEY.into(),
            secret_key: SECRET_KEY.into(),
            every: Duration::from_secs(60),
        }
    }

    /// A service that copies to it, with its clock.
    pub async fn service(&self) -> TestApp {
        self.service_with(self.settings_at(&self.store.url())).await
    }

    /// A service with its clock and these settings.
    pub async fn service_with(&self, settings: ObjectSettings) -> TestApp {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let change = |config: &mut Config| config.server.objects = Some(Arc::new(settings));
        TestApp::start_in(folder, self.clock.clone(), change).await
    }

    pub fn set_versioning(&self, versioning: Option<&'static str>) {
        self.bucket.set_versioning(versioning.unwrap_or_default());
    }

    /// Uploads are numbered, and nothing is kept.
    pub fn number_uploads(&self) {
        self.bucket.number_uploads();
    }

    /// Whether an upload may be only for where nothing stands.
    pub fn set_conditions(&self, are_known: bool) {
        self.bucket.set_conditions(are_known);
    }

    pub fn set_public(&self, is_public: bool) {
        self.bucket.set_public(is_public);
    }

    /// How many names one piece of a list holds.
    pub fn set_page(&self, names: usize) {
        self.bucket.set_part_limit(names);
    }

    /// Everything that is asked from now on fails like this, whoever signed it.
    pub fn fail(&self, failure: Failure) {
        self.traffic.fail_next("", usize::MAX, failure);
    }

    /// All requests of this kind about documents, signed rightly, fail like this from now on.
    pub fn break_all(&self, operation: Option<Operation>, fault: Fault) {
        self.break_next(operation, ".json", usize::MAX, fault);
    }

    /// So many requests of this kind about objects whose names contain this fail like this.
    pub fn break_next(&self, operation: Option<Operation>, part: &str, times: usize, fault: Fault) {
        self.bucket.fail(operation, part, 0, times, fault);
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.bucket.heal();
        self.traffic.heal();
    }

    /// A refusal with this code.
    pub fn refusal(status: u16, code: &str) -> Failure {
        Failure::Text(status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>"))
    }

    /// The names of all objects but the marker.
    pub fn keys(&self) -> Vec<String> {
        self.bucket.keys("").into_iter().filter(|key| key != MARKER).collect()
    }

    pub fn find(&self, key: &str) -> Option<Object> {
        self.bucket.object(key)
    }

    pub fn text(&self, key: &str) -> Option<String> {
        self.find(key).map(|object| String::from_utf8_lossy(&object.bytes).into_owned())
    }

    pub fn put(&self, key: &str, body: &str) {
        self.bucket.put_outside(key, body.as_bytes());
    }

    pub fn remove(&self, key: &str) {
        assert!(self.find(key).is_some(), "{key}");
        self.bucket.delete_outside(key);
    }

    /// All uploads that arrived, also those that failed.
    pub fn uploads(&self) -> usize {
        self.bucket.all_puts()
    }

    /// How often each object was stored, whatever its sender heard of it.
    pub fn stored(&self, key: &str) -> usize {
        self.bucket.history(key).len()
    }

    /// How many uploads were under way at once, at most: of one object and of all.
    pub fn most_at_once(&self) -> (usize, usize) {
        let of_one = self.keys().iter().map(|key| self.bucket.most_at_once(key)).max();
        (of_one.unwrap_or(0), self.bucket.most_puts_at_once())
    }

    /// The requests of this method whose names contain this, the marker's left out.
    pub fn requests(&self, method: &str, part: &str) -> Vec<Received> {
        let all = self.traffic.received();
        let is_meant = |one: &Received| one.method == method && one.path.contains(part) && !one.path.ends_with(MARKER);
        all.into_iter().filter(is_meant).collect()
    }

    pub fn puts(&self, part: &str) -> usize {
        self.requests("PUT", part).len()
    }

    /// What was wrong with requests. Those whose signature does not hold are refused, and so are headers that are not signed.
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong: Vec<String> = self.traffic.unknown().into_iter().map(|one| one.path).collect();
        if self.store.unsigned_bodies() > 0 {
            wrong.push("a body that is not signed".to_owned());
        }
        let acl = |key: &String| self.find(key).is_some_and(|object| object.acl.is_some());
        wrong.extend(self.keys().into_iter().filter(acl).map(|key| format!("{key} has an ACL")));
        wrong
    }
}

/// A line to the storage that breaks: each connection is cut as soon as so many bytes were sent over it.
pub struct BadLine {
    pub url: String,
    limit: Arc<std::sync::atomic::AtomicUsize>,
}

impl BadLine {
    /// A line that is whole at first.
    pub async fn start(to: &str) -> Self {
        let to = to.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let limit = Arc::new(std::sync::atomic::AtomicUsize::new(usize::MAX));
        let shared = Arc::clone(&limit);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, to.clone(), Arc::clone(&shared)));
            }
        });
        Self { url, limit }
    }

    /// Cuts each connection, those that are open too, when it has carried so many bytes of requests since it was opened.
    pub fn cut_after(&self, bytes: usize) {
        self.limit.store(bytes, std::sync::atomic::Ordering::Relaxed);
    }
}

async fn carry(near: tokio::net::TcpStream, to: String, limit: Arc<std::sync::atomic::AtomicUsize>) {
    let Ok(far) = tokio::net::TcpStream::connect(to).await else { return };
    let ((mut from_near, mut to_near), (mut from_far, mut to_far)) = (near.into_split(), far.into_split());
    let there = async {
        let (mut carried, mut buffer) = (0, [0; 1024]);
        while let Ok(read @ 1..) = from_near.read(&mut buffer).await {
            carried += read;
            if carried > limit.load(std::sync::atomic::Ordering::Relaxed)
                || to_far.write_all(&buffer[..read]).await.is_err()
            {
                return;
            }
        }
    };
    let back = async { tokio::io::copy(&mut from_far, &mut to_near).await };
    // Where one way ends, both are closed.
    tokio::select! {
        () = there => {}
        _ = back => {}
    }
}
