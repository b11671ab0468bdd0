//! AWS Signature Version 4 in the `Authorization` header, with the hash of the body in it.
//!
//! Source: Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4): Signature Calculations for the
//! Authorization Header: Transferring Payload in a Single Chunk".

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::shared::secrets::signature::{sign_sha256, to_hex};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// SHA-256 of nothing.
pub(super) const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Who signs, and for whom.
pub(super) struct Signing<'a> {
    pub access_key: &'a SecretString,
    pub secret_key: &'a SecretString,
    pub region: &'a str,
}

/// What is signed of a request.
pub(super) struct Signed<'a> {
    pub method: &'a str,
    /// The path, encoded as in the address.
    pub path: &'a str,
    /// The query, encoded and sorted as in the address.
    pub query: &'a str,
    /// The headers with small letters, in the order of their names; `host`, `x-amz-content-sha256` and `x-amz-date` are
    /// among them.
    pub headers: &'a [(String, String)],
    /// SHA-256 of the body in hex.
    pub body_sha256: &'a str,
    pub at: DateTime<Utc>,
}

impl Signing<'_> {
    /// The `Authorization` header of a request.
    pub fn authorization(&self, request: &Signed<'_>) -> String {
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let scope = format!("{}/{}/s3/aws4_request", request.at.format("%Y%m%d"), self.region);
        let signed = format!("{ALGORITHM}\n{}\n{scope}\n{}", amz_date(request.at), canonical_hash(request, &names));
        let signature = to_hex(&sign_sha256(&*self.key(request.at), signed.as_bytes()));
        let access_key = self.access_key.expose_secret();
        format!("{ALGORITHM} Credential={access_key}/{scope},SignedHeaders={names},Signature={signature}")
    }

    /// The key of this day, region and service.
    fn key(&self, at: DateTime<Utc>) -> Zeroizing<[u8; 32]> {
        let secret = Zeroizing::new(format!("AWS4{}", self.secret_key.expose_secret()));
        let day = at.format("%Y%m%d").to_string();
        let first = Zeroizing::new(sign_sha256(secret.as_bytes(), day.as_bytes()));
        [self.region, "s3", "aws4_request"]
            .iter()
            .fold(first, |key, part| Zeroizing::new(sign_sha256(&*key, part.as_bytes())))
    }
}

fn canonical_hash(request: &Signed<'_>, names: &str) -> String {
    let Signed { method, path, query, headers, body_sha256, .. } = request;
    let mut text = format!("{method}\n{path}\n{query}\n");
    for (name, value) in *headers {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{name}:{}", value.trim());
    }
    let _ = write!(text, "\n{names}\n{body_sha256}");
    to_hex(&Sha256::digest(text))
}

/// A time as the `x-amz-date` header has it.
pub(super) fn amz_date(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// A text as it stands in a path (`keep_slash`) or a query: everything but the unreserved characters of RFC 3986 is encoded.
pub(super) fn uri_encode(text: &str, keep_slash: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            b'/' if keep_slash => encoded.push('/'),
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

/// A query of these pairs, encoded and sorted as it is signed.
pub(super) fn query_of(pairs: &[(&str, &str)]) -> String {
    let mut encoded: Vec<_> =
        pairs.iter().map(|(name, value)| (uri_encode(name, false), uri_encode(value, false))).collect();
    encoded.sort_unstable();
    let encoded: Vec<String> = encoded.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    encoded.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the source named above, whose keys are published and nobody's.
    fn signature(method: &str, path: &str, query: &[(&str, &str)], more: &[(&str, &str)], body: &str) -> String {
        let (access_key, secret_key) =
            ("AKIAIOSFODNN7EXAMPLE".into(), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into());
        let signing = Signing { access_key: &access_key, secret_key: &secret_key, region: "us-east-1" };
        let at = "2013-05-24T00:00:00Z".parse().expect("a time");
        let body_sha256 = to_hex(&Sha256::digest(body));
        let mut headers: Vec<(String, String)> = more
            .iter()
            .copied()
            .chain([("host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", &body_sha256)])
            .chain([("x-amz-date", "20130524T000000Z")])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        headers.sort();
        let (path, query) = (uri_encode(path, true), query_of(query));
        let (path, query, headers) = (path.as_str(), query.as_str(), headers.as_slice());
        let authorization =
            signing.authorization(&Signed { method, path, query, headers, body_sha256: &body_sha256, at });
        let (front, signature) = authorization.split_once(",Signature=").expect("a signature");
        assert!(front.starts_with(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
        ));
        signature.to_owned()
    }

    #[test]
    fn the_published_examples_have_their_published_signatures() {
        assert_eq!(
            signature("GET", "/test.txt", &[], &[("range", "bytes=0-9")], ""),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        assert_eq!(
            signature(
                "PUT",
                "/test$file.text",
                &[],
                &[("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
                "Welcome to Amazon S3."
            ),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        assert_eq!(
            signature("GET", "/", &[("lifecycle", "")], &[], ""),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        assert_eq!(
            signature("GET", "/", &[("prefix", "J"), ("max-keys", "2")], &[], ""),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
        assert_eq!(EMPTY, to_hex(&Sha256::digest(b"")));
    }

    #[test]
    fn every_byte_but_the_unreserved_ones_is_encoded() {
        assert_eq!(uri_encode("users/a-b_c.d~/É +", true), "users/a-b_c.d~/%C3%89%20%2B");
        assert_eq!(query_of(&[("prefix", "users/a/"), ("list-type", "2")]), "list-type=2&prefix=users%2Fa%2F");
    }
}
