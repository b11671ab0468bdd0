//! Signature version 4: who asked, and whether nothing was changed on the way.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html> (2026).

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method, Uri};
use sha2::{Digest, Sha256};

use super::Options;
use super::answer::S3Error;

/// How far the clocks may be apart.
const MAX_SKEW: TimeDelta = TimeDelta::minutes(15);

/// A body that is not part of the signature.
pub(super) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// A request whose signature is looked at.
pub(super) struct Signed<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    // HMAC takes keys of any length; an error cannot occur, and would leave a signature that nobody has.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Percent-encodes everything but the unreserved characters, and slashes where they may stay.
fn encoded(text: &str, keeps_slash: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b'/' if keeps_slash => out.push('/'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// What the header `Authorization` says.
struct Authorization<'a> {
    access_key: &'a str,
    date: &'a str,
    region: &'a str,
    scope: String,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let part =
            |name: &str| rest.split(',').map(str::trim).find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let (access_key, scope) = part("Credential")?.split_once('/')?;
        let mut parts = scope.split('/');
        let (date, region, service, end) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if service != "s3" || end != "aws4_request" || parts.next().is_some() {
            return None;
        }
        let signed_headers = part("SignedHeaders")?.split(';').collect();
        Some(Self { access_key, date, region, scope: scope.to_owned(), signed_headers, signature: part("Signature")? })
    }
}

impl Signed<'_> {
    fn header(&self, name: &str) -> Result<String, S3Error> {
        let mut values = Vec::new();
        for value in self.headers.get_all(name) {
            let text = value.to_str().map_err(|_| S3Error::new(400, "InvalidRequest", "a header is no text"))?;
            values.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        Ok(values.join(","))
    }

    /// Checks everything. The result says whether the body was part of the signature.
    pub(super) fn check(&self, options: &Options, now: DateTime<Utc>) -> Result<bool, S3Error> {
        let text = self.header("authorization")?;
        if text.is_empty() {
            return Err(S3Error::new(403, "AccessDenied", "Access Denied"));
        }
        let malformed = |why: &str| S3Error::new(400, "AuthorizationHeaderMalformed", why);
        let authorization =
            Authorization::read(&text).ok_or_else(|| malformed("The authorization header is malformed"))?;
        if authorization.access_key != options.access_key {
            return Err(S3Error::new(
                403,
                "InvalidAccessKeyId",
                "The access key ID you provided does not exist in our records.",
            ));
        }
        if authorization.region != options.region {
            return Err(malformed(&format!(
                "the region '{}' is wrong; expecting '{}'",
                authorization.region, options.region
            )));
        }
        let date = self.header("x-amz-date")?;
        let at = NaiveDateTime::parse_from_str(&date, "%Y%m%dT%H%M%SZ").map_err(|_| malformed("x-amz-date"))?.and_utc();
        if (now - at).abs() > MAX_SKEW {
            return Err(S3Error::new(
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the server's time is too large.",
            ));
        }
        if !date.starts_with(authorization.date) {
            return Err(malformed("the date of the scope is not that of the request"));
        }
        self.check_signed_headers(&authorization)?;
        let payload = self.header("x-amz-content-sha256")?;
        let is_body_signed = payload != UNSIGNED;
        if payload.is_empty() {
            return Err(S3Error::new(
                400,
                "InvalidRequest",
                "Missing required header for this request: x-amz-content-sha256",
            ));
        }
        let wanted = self.signature(options, &authorization, &date, &payload)?;
        if wanted != authorization.signature {
            return Err(S3Error::new(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            ));
        }
        if is_body_signed && payload != hex(&Sha256::digest(self.body)) {
            return Err(S3Error::new(
                400,
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ));
        }
        Ok(is_body_signed)
    }

    /// The host and all headers of the protocol must be signed, and in order.
    fn check_signed_headers(&self, authorization: &Authorization<'_>) -> Result<(), S3Error> {
        let names = &authorization.signed_headers;
        let mut wanted: Vec<&str> =
            self.headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-")).collect();
        wanted.push("host");
        if let Some(name) = wanted.iter().find(|name| !names.contains(name)) {
            return Err(S3Error::new(
                403,
                "AccessDenied",
                &format!("There were headers present in the request which were not signed: {name}"),
            ));
        }
        if names.is_sorted() {
            return Ok(());
        }
        Err(S3Error::new(400, "AuthorizationHeaderMalformed", "SignedHeaders are not in order"))
    }

    fn signature(
        &self,
        options: &Options,
        authorization: &Authorization<'_>,
        date: &str,
        payload: &str,
    ) -> Result<String, S3Error> {
        let mut pairs: Vec<(String, String)> =
            form_urlencoded::parse(self.uri.query().unwrap_or_default().replace('+', "%2B").as_bytes())
                .map(|(name, value)| (encoded(&name, false), encoded(&value, false)))
                .collect();
        pairs.sort();
        let query: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = String::new();
        for name in &authorization.signed_headers {
            headers.push_str(&format!("{name}:{}\n", self.header(name)?));
        }
        let path = encoded(&decoded_path(self.uri.path()), true);
        let canonical = format!(
            "{}\n{path}\n{}\n{headers}\n{}\n{payload}",
            self.method,
            query.join("&"),
            authorization.signed_headers.join(";")
        );
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{date}\n{}\n{}",
            authorization.scope,
            hex(&Sha256::digest(canonical.as_bytes()))
        );
        let key = hmac(format!("AWS4{}", options.secret_key).as_bytes(), authorization.date);
        let key = hmac(&hmac(&hmac(&key, authorization.region), "s3"), "aws4_request");
        Ok(hex(&hmac(&key, &to_sign)))
    }
}

/// A path without its percent signs. A plus sign is one.
pub(super) fn decoded_path(path: &str) -> String {
    let parts = path.split('/').map(|part| {
        let part = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
        form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// The example of the document: `GET /test.txt` with a range.
    #[test]
    fn the_published_example_has_the_published_signature() {
        let options = Options {
            region: "us-east-1".to_owned(),
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            now: Arc::new(Utc::now),
        };
        let empty = hex(&Sha256::digest(b""));
        let mut headers = HeaderMap::new();
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        for (name, value) in [
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-content-sha256", empty.as_str()),
            ("authorization", authorization),
        ] {
            headers.insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        let uri: Uri = "/test.txt".parse().unwrap();
        let now = DateTime::parse_from_rfc3339("2013-05-24T00:10:00Z").unwrap().to_utc();
        let check = |headers: &HeaderMap, body: &[u8], now| {
            Signed { method: &Method::GET, uri: &uri, headers, body }.check(&options, now).map_err(|error| error.code)
        };
        assert_eq!(check(&headers, b"", now), Ok(true));
        assert_eq!(check(&headers, b"x", now), Err("XAmzContentSHA256Mismatch"));
        assert_eq!(check(&headers, b"", now + MAX_SKEW), Err("RequestTimeTooSkewed"));
        headers.insert("range", "bytes=0-8".parse().unwrap());
        assert_eq!(check(&headers, b"", now), Err("SignatureDoesNotMatch"));
        headers.insert("x-amz-acl", "public-read".parse().unwrap());
        assert_eq!(check(&headers, b"", now), Err("AccessDenied"));
    }

    #[test]
    fn paths_are_decoded_without_losing_plus_signs() {
        assert_eq!(decoded_path("/b/a+b%20c%2Bd/e=f&g"), "/b/a+b c+d/e=f&g");
    }
}
