//! A small bucket that speaks S3: stores objects, lists them, and fails on demand. It checks what every request must carry.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri};
use sha2::{Digest, Sha256};
use shoptalk::shared::channel::simulator::{Failure, Loopback, Received, Traffic};
use shoptalk::shared::objects::ObjectSettings;
use url::Url;

pub const BUCKET: &str = "shop-copies";
pub const MARKER: &str = "users/.shoptalk-owner";

/// The bucket. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    state: Arc<Mutex<Stored>>,
    pub traffic: Traffic,
    server: Arc<Loopback>,
}

#[derive(Clone, Debug)]
pub struct Object {
    pub body: Bytes,
    pub headers: HeaderMap,
}

#[derive(Default)]
struct Stored {
    objects: BTreeMap<String, Object>,
    /// The answer to `?versioning`: `Enabled`, `Suspended`, or none.
    versioning: Option<&'static str>,
    /// Says that it stored what it did not.
    lies: bool,
    /// Says that it deleted what it did not.
    keeps: bool,
    is_public: bool,
    /// How many names one piece of a list holds.
    page: Option<usize>,
    /// What was wrong with requests.
    wrong: Vec<String>,
}

impl Bucket {
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Stored::default()));
        let traffic = Traffic::default();
        let router = Router::new().route("/{*path}", axum::routing::any(answer)).with_state(Arc::clone(&state));
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        let server = Arc::new(Loopback::start(router, traffic.clone()).await.unwrap());
        Self { state, traffic, server }
    }

    pub fn settings(&self) -> Arc<ObjectSettings> {
        Arc::new(ObjectSettings {
            bucket: BUCKET.to_owned(),
            region: "nyc3".to_owned(),
            endpoint: Url::parse(&self.server.url()).unwrap(),
            has_path_style: true,
            access_key: "an access key for tests".into(),
            secret_key: "a secret key for tests".into(),
            every: Duration::from_secs(60),
        })
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.state.lock().unwrap()
    }

    pub fn set_versioning(&self, versioning: Option<&'static str>) {
        self.stored().versioning = versioning;
    }

    pub fn set_lying(&self, lies: bool) {
        self.stored().lies = lies;
    }

    pub fn set_keeping(&self, keeps: bool) {
        self.stored().keeps = keeps;
    }

    pub fn set_public(&self, is_public: bool) {
        self.stored().is_public = is_public;
    }

    pub fn set_page(&self, names: usize) {
        self.stored().page = Some(names);
    }

    /// Everything that is asked from now on fails like this.
    pub fn fail(&self, failure: Failure) {
        self.traffic.fail_next("", usize::MAX, failure);
    }

    /// A refusal with this code.
    pub fn refusal(status: u16, code: &str) -> Failure {
        Failure::Text(status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>"))
    }

    /// The names of all objects but the marker.
    pub fn keys(&self) -> Vec<String> {
        self.stored().objects.keys().filter(|key| *key != MARKER).cloned().collect()
    }

    pub fn find(&self, key: &str) -> Option<Object> {
        self.stored().objects.get(key).cloned()
    }

    pub fn text(&self, key: &str) -> Option<String> {
        self.find(key).map(|object| String::from_utf8_lossy(&object.body).into_owned())
    }

    pub fn put(&self, key: &str, body: &str) {
        let object = Object { body: Bytes::copy_from_slice(body.as_bytes()), headers: HeaderMap::new() };
        self.stored().objects.insert(key.to_owned(), object);
    }

    pub fn remove(&self, key: &str) {
        assert!(self.stored().objects.remove(key).is_some(), "{key}");
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

    /// What was wrong with requests.
    pub fn wrong(&self) -> Vec<String> {
        self.stored().wrong.clone()
    }
}

fn error(status: u16, code: &str) -> Response {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message></Error>");
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

async fn answer(
    State(state): State<Arc<Mutex<Stored>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut stored = state.lock().unwrap();
    let Some(key) = uri.path().strip_prefix(&format!("/{BUCKET}/")) else { return error(404, "NoSuchBucket") };
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    if !headers.contains_key("authorization") {
        return match stored.objects.get(key) {
            Some(object) if stored.is_public => object.body.clone().into_response(),
            _ => error(403, "AccessDenied"),
        };
    }
    let hash: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    if header("x-amz-content-sha256") != hash {
        return error(400, "XAmzContentSHA256Mismatch");
    }
    let signed = header("authorization").split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap().to_owned();
    for name in headers.keys().filter(|name| name.as_str().starts_with("x-amz-")) {
        if !signed.split(';').any(|one| one == name.as_str()) {
            stored.wrong.push(format!("{name} is not signed"));
        }
    }
    if headers.contains_key("x-amz-acl") || uri.query().is_some_and(|query| query.contains("acl")) {
        stored.wrong.push("an ACL".to_owned());
    }
    match method {
        Method::GET if key.is_empty() && uri.query() == Some("versioning=") => {
            let status = stored.versioning.map_or_else(String::new, |status| format!("<Status>{status}</Status>"));
            format!("<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{status}</VersioningConfiguration>")
                .into_response()
        }
        Method::GET if key.is_empty() => list(&stored, uri.query().unwrap_or_default()),
        Method::GET | Method::HEAD => match stored.objects.get(key) {
            None => error(404, "NoSuchKey"),
            Some(object) => {
                let mut answer = object.body.clone().into_response();
                for (name, value) in object.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"))
                {
                    answer.headers_mut().insert(name.clone(), value.clone());
                }
                answer
            }
        },
        Method::PUT if header("if-none-match") == "*" && stored.objects.contains_key(key) => {
            error(412, "PreconditionFailed")
        }
        Method::PUT => {
            let body = if stored.lies && key != MARKER { Bytes::from_static(b"something else") } else { body };
            stored.objects.insert(key.to_owned(), Object { body, headers });
            StatusCode::OK.into_response()
        }
        Method::DELETE => {
            if !stored.keeps {
                stored.objects.remove(key);
            }
            StatusCode::NO_CONTENT.into_response()
        }
        _ => error(405, "MethodNotAllowed"),
    }
}

fn list(stored: &Stored, query: &str) -> Response {
    let query: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    let after = query.get("continuation-token").cloned().unwrap_or_default();
    let page = stored.page.unwrap_or(1000);
    let mut body = String::from("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    let found: Vec<&String> = stored.objects.keys().filter(|key| key.starts_with(&prefix) && **key > after).collect();
    if query.contains_key("delimiter") {
        let mut folders: Vec<&str> = Vec::new();
        for key in found {
            let Some(end) = key[prefix.len()..].find('/') else { continue };
            folders.push(&key[..=prefix.len() + end]);
        }
        folders.dedup();
        for folder in folders {
            body += &format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
        }
    } else {
        for key in found.iter().take(page) {
            body += &format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>");
        }
        if found.len() > page {
            let next = found[page - 1];
            body += &format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>");
        }
    }
    (body + "</ListBucketResult>").into_response()
}
