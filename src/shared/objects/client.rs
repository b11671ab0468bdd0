//! The requests: each signed with the hash of its body, to the configured address and no other.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use sha2::{Digest, Sha256};
use url::Url;

use super::answer::{ListBody, ObjectError, VersioningBody, is_absent, is_list, parse, refusal};
use super::key::{MARKER, ObjectKey};
use super::settings::ObjectSettings;
use super::signing::{EMPTY, Signed, Signing, amz_date, query_of, uri_encode};
use super::standing::Standing;
use crate::shared::clock::Clock;
use crate::shared::outgoing::allowed_addresses::AllowedAddresses;
use crate::shared::outgoing::http::{Answer, ApiError, Http, Timeouts};
use crate::shared::secrets::signature::to_hex;
use crate::shared::telemetry::metrics::Metrics;

/// How fast a body moves at least, in bytes a second: what is slower is taken for lost.
const SLOWEST: u64 = 64 * 1024;

/// No request takes longer, however long its body is.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest marker that is read, in bytes.
const MAX_MARKER: usize = 200;

/// How many names one list holds at most; the service knows no larger ones.
const LISTED: &str = "1000";

/// The header of an object that tells the SHA-256 of its content.
const SHA256: &str = "x-amz-meta-sha256";

/// What is stored is the merchant's alone: nothing between keeps it.
const CACHE_CONTROL: &str = "private, no-store";

/// A bucket, and how the copies in it are doing. Cheap to clone.
#[derive(Clone)]
pub struct Objects(Arc<Inner>);

struct Inner {
    settings: Arc<ObjectSettings>,
    address: Url,
    http: Http,
    metrics: Metrics,
    /// How long a request may take that moves nothing large.
    within: Duration,
    standing: Mutex<Standing>,
}

/// What is stored under a name.
pub struct Content {
    /// SHA-256 in hex.
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it is, for the `Content-Type` header.
    pub content_type: &'static str,
    /// The content itself.
    pub body: reqwest::Body,
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.bytes)
    }
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// SHA-256 in hex, as whoever stored it said.
    pub sha256: Option<String>,
    /// Whether what stood there before is kept, as far as the answer says so.
    pub versioning: Versioning,
}

/// A piece of a list.
#[derive(Debug, Default)]
pub struct Page {
    /// Names of objects, in their order.
    pub keys: Vec<ObjectKey>,
    /// Beginnings of names up to the next slash, where these were asked for.
    pub prefixes: Vec<String>,
    /// Where the list goes on; `None`: it is over.
    pub next: Option<String>,
}

/// Whether a bucket keeps what is replaced or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// It never did.
    Never,
    /// It does, or did once: what was kept then is still there.
    Kept,
    /// It does not say.
    Unknown,
}

impl Objects {
    /// Asks this bucket. Its address may be one of a private network: it was configured.
    ///
    /// # Errors
    /// When the TLS library does not start.
    pub fn new(
        settings: Arc<ObjectSettings>,
        clock: Clock,
        timeouts: &Timeouts,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let address = settings.address();
        let allowed = AllowedAddresses::new([&settings.endpoint, &address]);
        let within = timeouts.idle * 2;
        // Each request has a limit of its own, by its length: an upload is silent until it is over.
        let timeouts = Timeouts { connect: timeouts.connect, idle: LONGEST, total: LONGEST };
        let http = Http::new(clock, &timeouts, allowed)?;
        let standing = Mutex::new(Standing::Starting);
        Ok(Self(Arc::new(Inner { settings, address, http, metrics, within, standing })))
    }

    /// The address of the bucket.
    #[must_use]
    pub fn address(&self) -> &Url {
        &self.0.address
    }

    /// How often one object is sent at most.
    #[must_use]
    pub fn every(&self) -> Duration {
        self.0.settings.every
    }

    /// How the copies are doing.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.0.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The copies are doing like this from now on.
    pub fn set_standing(&self, standing: Standing) {
        *self.0.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Stores an object. Gives whether the bucket keeps what was there before, as far as it says so.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn put(&self, key: &ObjectKey, content: Content) -> Result<Versioning, ObjectError> {
        let Content { sha256, bytes, content_type, body } = content;
        let headers = [("content-type", content_type), ("cache-control", CACHE_CONTROL), (SHA256, &sha256)];
        let sent = Sent { sha256: &sha256, bytes, body: Some(body) };
        let answer = self.ask("put", Method::PUT, key.as_str(), &[], &headers, sent).await?;
        self.expect_success(&answer)?;
        // Source: Amazon S3 API Reference, "PutObject", response elements. Whatever answers without one stored nothing.
        if !answer.headers.contains_key(http::header::ETAG) {
            return Err(ObjectError::Unreadable("an upload was answered without an ETag"));
        }
        Ok(versioning_of(&answer))
    }

    /// What is known of an object; `None`: there is none.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn head(&self, key: &ObjectKey) -> Result<Option<Head>, ObjectError> {
        let answer = self.ask("head", Method::HEAD, key.as_str(), &[], &[], Sent::nothing()).await?;
        if is_absent(&answer) {
            return Ok(None);
        }
        self.expect_success(&answer)?;
        let sha256 = answer.headers.get(SHA256).and_then(|value| value.to_str().ok()).map(str::to_ascii_lowercase);
        Ok(Some(Head { sha256, versioning: versioning_of(&answer) }))
    }

    /// SHA-256 in hex of an object's content, as it is read back; `None`: there is none.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn read_sha256(&self, key: &ObjectKey, bytes: u64) -> Result<Option<String>, ObjectError> {
        let read = self.read_and_digest(key, bytes).await;
        let outcome = match &read {
            Ok(Some(_)) => "done",
            Ok(None) => "absent",
            Err(error) => error.class(),
        };
        self.0.metrics.count_cloud_request("get", outcome);
        read
    }

    async fn read_and_digest(&self, key: &ObjectKey, bytes: u64) -> Result<Option<String>, ObjectError> {
        let request = self.request(Method::GET, key.as_str(), &[], &[], EMPTY, bytes);
        let lost = |error: ApiError| ObjectError::Unreachable(error.to_string());
        let mut download = self.0.http.open(request).await.map_err(lost)?;
        if download.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let mut digest = Sha256::new();
        while let Some(chunk) = download.chunk().await.map_err(lost)? {
            digest.update(&chunk);
        }
        if !download.status.is_success() {
            let answer = Answer { status: download.status, headers: download.headers.clone(), body: Bytes::new() };
            return Err(refusal(&answer, self.0.http.clock()));
        }
        Ok(Some(to_hex(&digest.finalize())))
    }

    /// Deletes an object. That there is none is as good.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let answer = self.ask("delete", Method::DELETE, key.as_str(), &[], &[], Sent::nothing()).await?;
        if is_absent(&answer) { Ok(()) } else { self.expect_success(&answer) }
    }

    /// A piece of the list of objects whose names begin like this. `after`: where the piece before it ended. `by_folder`:
    /// names are shown up to the next slash only.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn list(&self, prefix: &str, after: Option<&str>, by_folder: bool) -> Result<Page, ObjectError> {
        let mut query = vec![("list-type", "2"), ("prefix", prefix), ("max-keys", LISTED)];
        query.extend(after.map(|after| ("continuation-token", after)));
        query.extend(by_folder.then_some(("delimiter", "/")));
        let answer = self.ask("list", Method::GET, "", &query, &[], Sent::nothing()).await?;
        self.expect_success(&answer)?;
        let ListBody { contents, prefixes, next, is_truncated } = parse(&answer)?;
        let next = next.filter(|next| is_truncated && !next.is_empty());
        if is_truncated && next.is_none() {
            return Err(ObjectError::Unreadable("a list that goes on does not say where"));
        }
        if contents.iter().any(|listed| !listed.key.starts_with(prefix)) {
            return Err(ObjectError::Unreadable("a list names what was not asked for"));
        }
        let keys = contents.into_iter().filter_map(|listed| ObjectKey::listed(listed.key)).collect();
        Ok(Page { keys, prefixes: prefixes.into_iter().map(|listed| listed.prefix).collect(), next })
    }

    /// Whether the bucket keeps versions.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn versioning(&self) -> Result<Versioning, ObjectError> {
        let answer = self.ask("versioning", Method::GET, "", &[("versioning", "")], &[], Sent::nothing()).await?;
        if answer.status.is_success() {
            let VersioningBody { status } = parse(&answer)?;
            return Ok(if status.is_some_and(|status| !status.is_empty()) {
                Versioning::Kept
            } else {
                Versioning::Never
            });
        }
        match refusal(&answer, self.0.http.clock()) {
            // Some services do not know the question, and some keys may not ask it; each upload tells, too.
            ObjectError::Stopped(super::Stop::Denied) | ObjectError::Refused { .. } => Ok(Versioning::Unknown),
            error => Err(error),
        }
    }

    /// To which installation the bucket belongs; `None`: it does not say.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn owner(&self) -> Result<Option<String>, ObjectError> {
        let answer = self.ask("owner", Method::GET, MARKER, &[], &[], Sent::nothing()).await?;
        if is_absent(&answer) {
            return Ok(None);
        }
        self.expect_success(&answer)?;
        let kind = answer.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("text/html")) {
            return Err(ObjectError::Unreadable("a page stands in its place"));
        }
        let text = std::str::from_utf8(&answer.body).ok().filter(|text| text.len() <= MAX_MARKER);
        // Whatever else stands there is not ours.
        Ok(Some(text.unwrap_or("somebody").trim().to_owned()))
    }

    /// Writes into the bucket to which installation it belongs. `is_first`: only where nothing stands there, if the service
    /// knows such a condition.
    ///
    /// # Errors
    /// [`ObjectError`]; [`ObjectError::Taken`] where something stands there.
    pub async fn set_owner(&self, id: &str, is_first: bool) -> Result<(), ObjectError> {
        let text = format!("{id}\n");
        match self.write_owner(&text, is_first).await {
            // Backblaze B2 and others know no condition for an upload. Whoever was faster is seen when the owner is read again.
            Err(ObjectError::Refused { status: 501, .. }) if is_first && self.owner().await?.is_none() => {
                self.write_owner(&text, false).await
            }
            written => written,
        }
    }

    async fn write_owner(&self, text: &str, is_first: bool) -> Result<(), ObjectError> {
        let sha256 = to_hex(&Sha256::digest(text));
        let mut headers = vec![("content-type", "text/plain"), ("cache-control", CACHE_CONTROL), (SHA256, &*sha256)];
        headers.extend(is_first.then_some(("if-none-match", "*")));
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let sent = Sent { sha256: &sha256, bytes, body: Some(text.to_owned().into()) };
        let answer = self.ask("owner", Method::PUT, MARKER, &[], &headers, sent).await?;
        self.expect_success(&answer)
    }

    /// Whether anybody can read what is in the bucket without a key: the object that says to whom it belongs, or a list. A
    /// success alone shows nothing: gateways answer everything with a page.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub async fn is_public(&self) -> Result<bool, ObjectError> {
        let marker = self.ask_anonymously(MARKER, &[]).await?;
        if marker.status.is_success()
            && let Some(owner) = self.owner().await.ok().flatten()
            && marker.body.trim_ascii() == owner.as_bytes()
        {
            return Ok(true);
        }
        let list = self.ask_anonymously("", &[("list-type", "2"), ("max-keys", "1")]).await?;
        Ok(list.status.is_success() && is_list(&list))
    }

    async fn ask_anonymously(&self, key: &str, query: &[(&str, &str)]) -> Result<Answer, ObjectError> {
        let url = self.url(key, &query_of(query));
        let request = self.0.http.request(Method::GET, url).timeout(self.0.within);
        self.0.http.send_once(request).await.map_err(ObjectError::from)
    }

    /// One signed request, counted under this name.
    async fn ask(
        &self,
        operation: &'static str,
        method: Method,
        key: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        sent: Sent<'_>,
    ) -> Result<Answer, ObjectError> {
        let mut request = self.request(method, key, query, headers, sent.sha256, sent.bytes);
        if let Some(body) = sent.body {
            request = request.header(http::header::CONTENT_LENGTH, sent.bytes).body(body);
        }
        let answer = self.0.http.send_once(request).await.map_err(ObjectError::from);
        let outcome = match &answer {
            Err(error) => error.class(),
            Ok(answer) if answer.status.is_success() => "done",
            Ok(answer) if is_absent(answer) => "absent",
            Ok(answer) => refusal(answer, self.0.http.clock()).class(),
        };
        self.0.metrics.count_cloud_request(operation, outcome);
        answer
    }

    fn request(
        &self,
        method: Method,
        key: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        sha256: &str,
        bytes: u64,
    ) -> reqwest::RequestBuilder {
        let query = query_of(query);
        let url = self.url(key, &query);
        let at = self.0.http.clock().now();
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut signed: BTreeMap<&str, String> =
            headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        signed.insert("host", host);
        signed.insert("x-amz-content-sha256", sha256.to_owned());
        signed.insert("x-amz-date", amz_date(at));
        let all: Vec<(String, String)> = signed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let ObjectSettings { access_key, secret_key, region, .. } = &*self.0.settings;
        let authorization = Signing { access_key, secret_key, region }.authorization(&Signed {
            method: method.as_str(),
            path: url.path(),
            query: &query,
            headers: &all,
            body_sha256: sha256,
            at,
        });
        let within = (self.0.within + Duration::from_secs(bytes / SLOWEST)).min(LONGEST);
        let mut request = self.0.http.request(method, url).timeout(within);
        for (name, value) in all.iter().filter(|(name, _)| name != "host") {
            request = request.header(name, value);
        }
        request.header(http::header::AUTHORIZATION, authorization)
    }

    fn url(&self, key: &str, query: &str) -> Url {
        let mut url = self.0.address.clone();
        url.set_path(&format!("{}{}", self.0.address.path(), uri_encode(key, true)));
        url.set_query((!query.is_empty()).then_some(query));
        url
    }

    fn expect_success(&self, answer: &Answer) -> Result<(), ObjectError> {
        if answer.status.is_success() { Ok(()) } else { Err(refusal(answer, self.0.http.clock())) }
    }
}

/// What a request carries.
struct Sent<'a> {
    sha256: &'a str,
    bytes: u64,
    body: Option<reqwest::Body>,
}

impl Sent<'_> {
    fn nothing() -> Self {
        Self { sha256: EMPTY, bytes: 0, body: None }
    }
}

/// Whether an answer about an object says that what was there before is kept.
/// Source: Amazon S3 API Reference, "PutObject", `x-amz-version-id`.
fn versioning_of(answer: &Answer) -> Versioning {
    match answer.headers.get("x-amz-version-id").and_then(|id| id.to_str().ok()) {
        Some(id) if id != "null" => Versioning::Kept,
        _ => Versioning::Unknown,
    }
}
