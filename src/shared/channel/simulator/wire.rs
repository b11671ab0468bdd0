//! What every simulator needs of the wire: a client for deliveries, a digest, an answer in JSON.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use http::{StatusCode, header};
use serde_json::Value;
use sha2::Sha256;

/// How long a delivery may take. Longer than the few seconds that the real platforms allow, so that a slow test machine does
/// not change what a test sees.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client for plain HTTP on the loopback: no redirects, no proxy, and a TLS set-up that trusts nobody. The TLS set-up is
/// given because reqwest would otherwise look for a crypto provider of the whole process.
///
/// # Errors
/// When the client cannot be built.
pub fn loopback_client() -> std::io::Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(TIMEOUT)
        .build()
        .map_err(std::io::Error::other)
}

/// The lower-case hex HMAC-SHA256 of the parts, one after the other.
#[must_use]
pub fn hmac_sha256_hex(key: &str, parts: &[&[u8]]) -> String {
    // HMAC takes keys of any length; an error cannot occur, and would leave a signature that nobody accepts.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// 32 random hexadecimal digits.
#[must_use]
pub fn random_text() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// JSON in ASCII alone, with lower-case `\uXXXX` and `\/`, as some platforms write and sign it.
#[must_use]
pub fn ascii_json(json: &Value) -> String {
    let mut escaped = String::new();
    for c in json.to_string().chars() {
        match c {
            '/' => escaped.push_str("\\/"),
            c if c.is_ascii() => escaped.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped
}

/// An answer with this status and this JSON body.
#[must_use]
pub fn json_answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json; charset=UTF-8")], body.to_string()).into_response()
}
