//! What the answers of object storage say, and what follows from those that say no.
//!
//! Source: Amazon S3 API Reference, "Error responses", "ListObjectsV2", "GetBucketVersioning".

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::standing::Stop;
use crate::shared::clock::Clock;
use crate::shared::outgoing::http::{Answer, NoAnswer};

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The request never left, or had no effect: it may be sent again.
    #[error("object storage cannot be reached: {0}")]
    Unreachable(String),
    /// The request left and its answer was lost: it may have had its effect.
    #[error("the answer of object storage was lost: {0}")]
    Lost(String),
    /// It is asked too often, or has no time.
    #[error("object storage wants fewer requests")]
    Busy {
        /// How long it wants to be left alone, where it says so.
        retry_after: Option<Duration>,
    },
    /// It must not be asked any more until somebody has mended something.
    #[error("{}", .0.cause())]
    Stopped(Stop),
    /// There is an object of this name already, and there must be none.
    #[error("there is an object of this name already")]
    Taken,
    /// This one request is refused.
    #[error("object storage refuses the request with {status} {code}")]
    Refused {
        /// The status.
        status: u16,
        /// The code of the answer; never its text, which quotes what was sent.
        code: String,
    },
    /// The answer is not what the documents promise.
    #[error("the answer of object storage is unreadable: {0}")]
    Unreadable(&'static str),
}

impl ObjectError {
    /// The class in one word, for counting.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Lost(_) => "lost",
            Self::Busy { .. } => "busy",
            Self::Stopped(_) | Self::Refused { .. } => "refused",
            Self::Taken => "taken",
            Self::Unreadable(_) => "unreadable",
        }
    }

    /// Whether the request may have had its effect.
    #[must_use]
    pub fn is_unsure(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Unreadable(_))
    }
}

impl From<NoAnswer> for ObjectError {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::NeverLeft(why) => Self::Unreachable(why),
            NoAnswer::Lost(why) => Self::Lost(why),
            NoAnswer::NotAllowed => Self::Unreachable("the address is not public".to_owned()),
        }
    }
}

/// The body of an answer that says no.
#[derive(Debug, Default, Deserialize)]
struct ErrorBody {
    #[serde(rename = "Code", default)]
    code: String,
}

/// One page of a list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ListBody {
    #[serde(rename = "Contents", default)]
    pub contents: Vec<Listed>,
    #[serde(rename = "CommonPrefixes", default)]
    pub prefixes: Vec<ListedPrefix>,
    #[serde(rename = "NextContinuationToken", default)]
    pub next: Option<String>,
    #[serde(rename = "IsTruncated", default)]
    pub is_truncated: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    #[serde(rename = "Key")]
    pub key: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListedPrefix {
    #[serde(rename = "Prefix")]
    pub prefix: String,
}

/// Whether the bucket keeps what is replaced or deleted.
#[derive(Debug, Default, Deserialize)]
pub(super) struct VersioningBody {
    #[serde(rename = "Status", default)]
    pub status: Option<String>,
}

/// An answer's body as this document. A page that a gateway shows in its place is none, though every member may be missing; what
/// its outermost element is called is no two services' agreement.
pub(super) fn parse<T: for<'a> Deserialize<'a>>(answer: &Answer) -> Result<T, ObjectError> {
    let text = std::str::from_utf8(&answer.body).map_err(|_| ObjectError::Unreadable("it is no text"))?;
    if root_of(text).is_none_or(|root| root.eq_ignore_ascii_case("html") || root.eq_ignore_ascii_case("!doctype")) {
        return Err(ObjectError::Unreadable("it is another document"));
    }
    quick_xml::de::from_str(text).map_err(|_| ObjectError::Unreadable("it has not the expected shape"))
}

/// Whether this is a list of objects, and nothing else that may be read as an empty one.
pub(super) fn is_list(answer: &Answer) -> bool {
    std::str::from_utf8(&answer.body).ok().and_then(root_of) == Some("ListBucketResult")
}

/// The name of the outermost element.
fn root_of(text: &str) -> Option<&str> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let text = match text.strip_prefix("<?") {
        Some(declared) => declared.split_once("?>")?.1.trim_start(),
        None => text,
    };
    let name = text.strip_prefix('<')?;
    Some(&name[..name.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?])
}

/// What an answer that is no success means.
pub(super) fn refusal(answer: &Answer, clock: &Clock) -> ObjectError {
    let status = answer.status.as_u16();
    let code = parse::<ErrorBody>(answer).unwrap_or_default().code;
    // Only what looks like a code of the documents: it is logged and shown.
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let stopped = |stop| ObjectError::Stopped(stop);
    match (status, code.as_str()) {
        (_, "NoSuchBucket") => stopped(Stop::NoBucket),
        (_, "RequestTimeTooSkewed") => stopped(Stop::ClockSkew { seconds: skew_seconds(&answer.headers, clock) }),
        (_, "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidSecurity" | "InvalidToken") => stopped(Stop::Keys),
        (
            _,
            "AuthorizationHeaderMalformed"
            | "PermanentRedirect"
            | "TemporaryRedirect"
            | "IllegalLocationConstraintException",
        ) => stopped(Stop::Region),
        (301 | 302 | 307 | 308, _) => stopped(Stop::Region),
        (412, _) | (409, "ConditionalRequestConflict") => ObjectError::Taken,
        (429 | 503, _) | (_, "SlowDown" | "ServiceUnavailable" | "TooManyRequests") => {
            ObjectError::Busy { retry_after: answer.retry_after(clock) }
        }
        // What a service does not know it will not know the next time.
        (501, _) => ObjectError::Refused { status, code },
        // Something went wrong there, and nobody says where.
        (500.., _) => ObjectError::Lost(format!("status {status}")),
        (401 | 403, _) => stopped(Stop::Denied),
        _ => ObjectError::Refused { status, code },
    }
}

/// By how many seconds the clock of the answer is ahead of ours, where it tells its time.
fn skew_seconds(headers: &HeaderMap, clock: &Clock) -> Option<i64> {
    let date = headers.get(http::header::DATE)?.to_str().ok()?;
    let at = chrono::DateTime::parse_from_rfc2822(date).ok()?;
    Some((at.to_utc() - clock.now()).num_seconds())
}

/// Whether an answer says that there is no such object.
pub(super) fn is_absent(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND
        && parse::<ErrorBody>(answer).map_or(true, |body| body.code != "NoSuchBucket")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).expect("a status");
        Answer { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    fn error(code: &str) -> String {
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>users/x</Message></Error>")
    }

    #[test]
    fn a_refusal_means_what_its_code_says() {
        let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH);
        let means = |status, body: &str| refusal(&answer(status, body), &clock);
        assert_eq!(means(404, &error("NoSuchBucket")), ObjectError::Stopped(Stop::NoBucket));
        assert_eq!(means(403, &error("RequestTimeTooSkewed")), ObjectError::Stopped(Stop::ClockSkew { seconds: None }));
        assert_eq!(means(403, &error("SignatureDoesNotMatch")), ObjectError::Stopped(Stop::Keys));
        assert_eq!(means(403, &error("InvalidAccessKeyId")), ObjectError::Stopped(Stop::Keys));
        assert_eq!(means(403, &error("AccessDenied")), ObjectError::Stopped(Stop::Denied));
        assert_eq!(means(403, ""), ObjectError::Stopped(Stop::Denied));
        assert_eq!(means(400, &error("AuthorizationHeaderMalformed")), ObjectError::Stopped(Stop::Region));
        assert_eq!(means(301, ""), ObjectError::Stopped(Stop::Region));
        assert_eq!(means(412, &error("PreconditionFailed")), ObjectError::Taken);
        assert_eq!(means(503, &error("SlowDown")), ObjectError::Busy { retry_after: None });
        assert_eq!(means(429, "<html>"), ObjectError::Busy { retry_after: None });
        assert!(means(500, &error("InternalError")).is_unsure());
        let refused = ObjectError::Refused { status: 400, code: "EntityTooLarge".to_owned() };
        assert_eq!(means(400, &error("Entity<!-- x -->TooLarge")), refused);
        assert!(is_absent(&answer(404, "")) && is_absent(&answer(404, &error("NoSuchKey"))));
        assert!(!is_absent(&answer(404, &error("NoSuchBucket"))));
    }

    #[test]
    fn a_list_is_read_with_its_namespace_and_with_what_is_new_to_us() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>users/</Prefix>
            <NextContinuationToken>a&amp;b=</NextContinuationToken><KeyCount>2</KeyCount><IsTruncated>true</IsTruncated>
            <Contents><Key>users/a&amp;b</Key><Size>1</Size><Owner><ID>7</ID></Owner></Contents><New/>
            <Contents><Key>users/c</Key></Contents><CommonPrefixes><Prefix>users/d/</Prefix></CommonPrefixes>
            </ListBucketResult>"#;
        let list: ListBody = parse(&answer(200, text)).expect("a list");
        let keys: Vec<&str> = list.contents.iter().map(|listed| listed.key.as_str()).collect();
        assert_eq!(keys, ["users/a&b", "users/c"]);
        assert_eq!((list.next.as_deref(), list.is_truncated), (Some("a&b="), true));
        assert_eq!(list.prefixes[0].prefix, "users/d/");
        let empty: ListBody = parse(&answer(200, "<ListBucketResult/>")).expect("a list");
        assert!(empty.contents.is_empty() && !empty.is_truncated);
        let on: VersioningBody =
            parse(&answer(200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"))
                .expect("read");
        assert_eq!(on.status.as_deref(), Some("Enabled"));
        for bad in ["", "{}", "<html><body>", "<html/>", "<ListBucketResult><Contents></Contents></ListBucketResult>"] {
            assert!(parse::<ListBody>(&answer(200, bad)).is_err(), "{bad}");
        }
        for bad in ["", "{}", "<html><body>", "<html/>"] {
            assert!(parse::<VersioningBody>(&answer(200, bad)).is_err(), "{bad}");
        }
    }
}
