//! The requests: looked at, failed if planned, and carried out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use sha2::{Digest, Sha256};

use super::answer::{S3Error, escaped, unescaped, xml};
use super::fault::{self, Fault, Operation};
use super::list;
use super::signature::{Signed, decoded_path};
use super::state::{BucketRecord, Core, Object};
use crate::shared::channel::simulator::{broken_answer, random_text};

/// How many objects one call may delete.
const MAX_DELETED: usize = 1000;

/// How many writes of one object may be under way. Source: docs.digitalocean.com, Spaces limits (2026).
const MAX_PUTS_AT_ONCE: usize = 10;

pub(super) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/{bucket}", any(handle))
        .route("/{bucket}/", any(handle))
        .route("/{bucket}/{*key}", any(handle))
        .layer(DefaultBodyLimit::disable())
        .with_state(core)
}

/// A request that was understood.
#[derive(Clone)]
struct Asked {
    method: Method,
    bucket: String,
    /// Empty for the bucket itself.
    key: String,
    query: BTreeMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn operation(&self) -> Operation {
        match self.method {
            Method::PUT => Operation::Put,
            Method::DELETE => Operation::Delete,
            Method::POST if self.query.contains_key("delete") => Operation::Delete,
            Method::HEAD => Operation::Head,
            _ if self.key.is_empty() => Operation::List,
            _ => Operation::Get,
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

async fn handle(State(core): State<Arc<Core>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = decoded_path(uri.path());
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    let asked = Asked { method: method.clone(), bucket, key, query, headers, body };
    let answer = match admit(&core, &asked, &uri) {
        Ok(()) => answer(&core, &asked).await,
        Err(error) => error.answer(),
    };
    dated(&core, without_body_for(&asked.method, answer))
}

/// What is answered to somebody who may ask.
async fn answer(core: &Core, asked: &Asked) -> Response {
    let operation = asked.operation();
    let planned = {
        let mut world = core.world();
        let Some(bucket) = world.buckets.get_mut(&asked.bucket) else {
            return S3Error::no_such_bucket().answer();
        };
        count(bucket, operation, asked);
        fault::take(&mut bucket.plans, operation, &asked.key)
    };
    let answer = match planned {
        None => carry_out(core, asked).await,
        Some(Fault::DoneCut) => {
            drop(carry_out(core, asked).await);
            broken_answer()
        }
        Some(Fault::StoresOther) => {
            carry_out(core, &Asked { body: Bytes::from_static(b"something else"), ..asked.clone() }).await
        }
        Some(fault) => fail(fault, operation).await,
    };
    if operation == Operation::Put && !asked.key.is_empty() {
        leave(core, asked);
    }
    answer
}

/// Who may ask: whoever signs rightly, and anybody who reads an object of a public bucket.
fn admit(core: &Core, asked: &Asked, uri: &Uri) -> Result<(), S3Error> {
    let signed = Signed { method: &asked.method, uri, headers: &asked.headers, body: &asked.body };
    if !asked.headers.contains_key(header::AUTHORIZATION) {
        let world = core.world();
        let is_public = world.buckets.get(&asked.bucket).is_some_and(|bucket| bucket.is_public);
        let is_reading = !asked.key.is_empty() && [Method::GET, Method::HEAD].contains(&asked.method);
        return if is_public && is_reading { Ok(()) } else { Err(S3Error::new(403, "AccessDenied", "Access Denied")) };
    }
    if !signed.check(&core.options, core.now())? {
        core.world().unsigned_bodies += 1;
    }
    Ok(())
}

fn count(bucket: &mut BucketRecord, operation: Operation, asked: &Asked) {
    if asked.key.is_empty() {
        bucket.lists += usize::from(operation == Operation::List);
        return;
    }
    let counts = bucket.counts(&asked.key);
    match operation {
        Operation::Put => {
            counts.puts += 1;
            counts.under_way += 1;
            counts.most_at_once = counts.most_at_once.max(counts.under_way);
            bucket.puts_under_way += 1;
            bucket.most_puts_at_once = bucket.most_puts_at_once.max(bucket.puts_under_way);
        }
        Operation::Get => counts.gets += 1,
        Operation::Head => counts.heads += 1,
        Operation::Delete => counts.deletes += 1,
        Operation::List => {}
    }
}

/// A write is over.
fn leave(core: &Core, asked: &Asked) {
    if let Some(bucket) = core.world().buckets.get_mut(&asked.bucket) {
        let counts = bucket.counts(&asked.key);
        counts.under_way = counts.under_way.saturating_sub(1);
        bucket.puts_under_way = bucket.puts_under_way.saturating_sub(1);
    }
}

async fn fail(fault: Fault, operation: Operation) -> Response {
    let error = |status: u16, code: &'static str| S3Error::new(status, code, "planned").answer();
    match fault {
        Fault::SlowDown => error(503, "SlowDown"),
        Fault::TooManyRequests => error(429, "TooManyRequests"),
        Fault::Internal => error(500, "InternalError"),
        Fault::AccessDenied => error(403, "AccessDenied"),
        Fault::TimeSkewed => error(403, "RequestTimeTooSkewed"),
        Fault::InvalidAccessKey => error(403, "InvalidAccessKeyId"),
        Fault::SignatureMismatch => error(403, "SignatureDoesNotMatch"),
        Fault::NoSuchBucket => S3Error::no_such_bucket().answer(),
        Fault::Cut | Fault::DoneCut => broken_answer(),
        Fault::Hang => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        // It is carried out: see `answer`.
        Fault::StoresOther => StatusCode::OK.into_response(),
        Fault::DoesNothing if operation == Operation::Delete => StatusCode::NO_CONTENT.into_response(),
        Fault::DoesNothing => (StatusCode::OK, [(header::ETAG, "\"nothing\"")]).into_response(),
        Fault::Html => (StatusCode::OK, [(header::CONTENT_TYPE, "text/html")], "<!doctype html><title>Hello</title>")
            .into_response(),
    }
}

async fn carry_out(core: &Core, asked: &Asked) -> Response {
    let done = match (asked.operation(), asked.key.is_empty()) {
        (Operation::Put, false) => put(core, asked),
        (Operation::Get | Operation::Head, false) => read(core, asked),
        (Operation::Delete, false) => delete(core, asked),
        (Operation::Delete, true) if asked.method == Method::POST => delete_many(core, asked),
        (Operation::Head, true) => Ok(StatusCode::OK.into_response()),
        (Operation::List, true) => about_bucket(core, asked),
        _ => Err(S3Error::new(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")),
    };
    done.unwrap_or_else(|error| error.answer())
}

/// The same content has the same one, in quotes.
pub(super) fn etag(bytes: &[u8]) -> String {
    let hash: String = Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hash}\"")
}

fn put(core: &Core, asked: &Asked) -> Result<Response, S3Error> {
    let is_too_much =
        |bucket: &BucketRecord| bucket.counts.get(&asked.key).is_some_and(|counts| counts.under_way > MAX_PUTS_AT_ONCE);
    if core.world().buckets.get(&asked.bucket).is_some_and(is_too_much) {
        return Err(S3Error::new(503, "SlowDown", "Please reduce your request rate."));
    }
    let metadata = asked.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("x-amz-meta-")?;
        Some((name.to_owned(), value.to_str().unwrap_or_default().to_owned()))
    });
    let object = Object {
        bytes: asked.body.to_vec(),
        content_type: asked.header("content-type").to_owned(),
        cache_control: asked.header("cache-control").to_owned(),
        metadata: metadata.collect(),
        acl: asked.headers.get("x-amz-acl").and_then(|value| value.to_str().ok()).map(str::to_owned),
        etag: etag(&asked.body),
        at: core.now(),
    };
    let mut world = core.world();
    let bucket = world.buckets.get_mut(&asked.bucket).ok_or_else(S3Error::no_such_bucket)?;
    match asked.header("if-none-match") {
        "" => {}
        _ if !bucket.knows_conditions => {
            return Err(S3Error::new(501, "NotImplemented", "Conditional object PUTs are not supported."));
        }
        "*" if bucket.objects.contains_key(&asked.key) => {
            return Err(S3Error::new(
                412,
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold",
            ));
        }
        "*" => {}
        _ => return Err(S3Error::new(501, "NotImplemented", "Only If-None-Match: * is known.")),
    }
    let mut answer = (StatusCode::OK, [(header::ETAG, object.etag.clone())]).into_response();
    // Source: docs.aws.amazon.com, PutObject, `x-amz-version-id` (2026).
    let version = match bucket.versioning.as_str() {
        "" if !bucket.numbers_uploads => None,
        "" | "Enabled" => HeaderValue::from_str(&random_text()).ok(),
        _ => Some(HeaderValue::from_static("null")),
    };
    if let Some(version) = version {
        answer.headers_mut().insert("x-amz-version-id", version);
    }
    bucket.store(&asked.key, object);
    Ok(answer)
}

fn read(core: &Core, asked: &Asked) -> Result<Response, S3Error> {
    let world = core.world();
    let bucket = world.buckets.get(&asked.bucket).ok_or_else(S3Error::no_such_bucket)?;
    let object = bucket.objects.get(&asked.key).ok_or_else(S3Error::no_such_key)?;
    let mut response = object.bytes.clone().into_response();
    let mut set = |name: &str, value: &str| {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    };
    set("content-type", &object.content_type);
    set("content-length", &object.bytes.len().to_string());
    set("etag", &object.etag);
    set("last-modified", &object.at.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if !object.cache_control.is_empty() {
        set("cache-control", &object.cache_control);
    }
    for (name, value) in &object.metadata {
        set(&format!("x-amz-meta-{name}"), value);
    }
    Ok(response)
}

/// What was not there is deleted all the same.
fn delete(core: &Core, asked: &Asked) -> Result<Response, S3Error> {
    let mut world = core.world();
    let bucket = world.buckets.get_mut(&asked.bucket).ok_or_else(S3Error::no_such_bucket)?;
    bucket.remove(&asked.key);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /{bucket}?delete`: the body must be checked by a digest in a header, and names the keys.
fn delete_many(core: &Core, asked: &Asked) -> Result<Response, S3Error> {
    let is_checked =
        asked.headers.keys().any(|name| name == "content-md5" || name.as_str().starts_with("x-amz-checksum-"));
    if !is_checked {
        return Err(S3Error::new(400, "InvalidRequest", "Missing required header for this request: Content-MD5"));
    }
    let malformed = || S3Error::new(400, "MalformedXML", "The XML you provided was not well-formed");
    let text = std::str::from_utf8(&asked.body).map_err(|_| malformed())?;
    let keys: Option<Vec<String>> =
        text.split("<Key>").skip(1).map(|rest| rest.split_once("</Key>").map(|(key, _)| unescaped(key))).collect();
    let keys = keys
        .filter(|keys| (1..=MAX_DELETED).contains(&keys.len()) && text.contains("<Delete"))
        .ok_or_else(malformed)?;
    let is_quiet = text.contains("<Quiet>true</Quiet>");
    let mut world = core.world();
    let bucket = world.buckets.get_mut(&asked.bucket).ok_or_else(S3Error::no_such_bucket)?;
    let mut rows = String::new();
    for key in keys {
        bucket.counts(&key).deletes += 1;
        if fault::take(&mut bucket.plans, Operation::Delete, &key).is_some() {
            rows.push_str(&format!(
                "<Error><Key>{}</Key><Code>InternalError</Code><Message>planned</Message></Error>",
                escaped(&key)
            ));
            continue;
        }
        bucket.remove(&key);
        if !is_quiet {
            rows.push_str(&format!("<Deleted><Key>{}</Key></Deleted>", escaped(&key)));
        }
    }
    Ok(xml(200, &format!("<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{rows}</DeleteResult>")))
}

fn about_bucket(core: &Core, asked: &Asked) -> Result<Response, S3Error> {
    let world = core.world();
    let bucket = world.buckets.get(&asked.bucket).ok_or_else(S3Error::no_such_bucket)?;
    if asked.query.contains_key("versioning") {
        return Ok(xml(200, &list::versioning(bucket)));
    }
    if asked.query.contains_key("location") {
        return Ok(xml(200, &format!("<LocationConstraint>{}</LocationConstraint>", core.options.region)));
    }
    list::keys(&asked.bucket, bucket, &asked.query).map(|body| xml(200, &body))
}

/// A HEAD has no body, also where it fails.
fn without_body_for(method: &Method, response: Response) -> Response {
    if method != Method::HEAD {
        return response;
    }
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, axum::body::Body::empty())
}

/// Every answer says what its own clock says.
fn dated(core: &Core, mut response: Response) -> Response {
    let date = core.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}
