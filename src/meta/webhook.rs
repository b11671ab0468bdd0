//! What webhooks of every product of Meta have in common: the challenge, and signatures over the raw body.
//!
//! Source: <https://developers.facebook.com/docs/graph-api/webhooks/getting-started> (2026).

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::shared::secrets::signature::{Secrets, Signer, from_hex};
use crate::shared::telemetry::metrics::Refusal;
use crate::shared::telemetry::once_per_second::OncePerSecond;

/// Answers Meta's challenge: the bare text, when the verify token is ours.
#[must_use]
pub fn answer_challenge(query: Option<&str>, verify_token: &SecretString) -> Response {
    let query = query.unwrap_or_default();
    let value = |name: &str| {
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let token = value("hub.verify_token").unwrap_or_default();
    let expected = verify_token.expose_secret();
    let known: bool = token.as_bytes().ct_eq(expected.as_bytes()).into();
    let challenge = value("hub.challenge").unwrap_or_default();
    let plain = (1..=256).contains(&challenge.len())
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if known && plain && value("hub.mode").as_deref() == Some("subscribe") {
        ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], challenge).into_response()
    } else {
        static REFUSED: OncePerSecond = OncePerSecond::new();
        if let Some(unsaid) = REFUSED.should_log() {
            tracing::warn!(unsaid, "a webhook challenge was refused");
        }
        StatusCode::FORBIDDEN.into_response()
    }
}

/// A signature that is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// Whose secret made it.
    pub signer: Signer,
    /// Whether it is the older one, `X-Hub-Signature`.
    pub is_older: bool,
}

/// Checks `X-Hub-Signature-256` over the raw bytes.
///
/// # Errors
/// [`Refusal`], when it is absent, malformed or wrong.
pub fn verify(secrets: &Secrets, headers: &HeaderMap, body: &[u8]) -> Result<Signer, Refusal> {
    if !headers.contains_key("x-hub-signature-256") {
        return Err(Refusal::Missing);
    }
    let signature = signature(headers, "x-hub-signature-256", "sha256=", 32)?;
    secrets.find_signer_sha256(body, &signature).ok_or(Refusal::Wrong)
}

/// Checks the signature over the raw bytes: `X-Hub-Signature-256` decides where it is present, else the older
/// `X-Hub-Signature`, unless `refuse_older`.
///
/// # Errors
/// [`Refusal`], when both are absent, or the one that decides is malformed or wrong.
pub fn verify_either(
    secrets: &Secrets,
    refuse_older: bool,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Signed, Refusal> {
    if headers.contains_key("x-hub-signature-256") || !headers.contains_key("x-hub-signature") {
        return verify(secrets, headers, body).map(|signer| Signed { signer, is_older: false });
    }
    let signature = signature(headers, "x-hub-signature", "sha1=", 20)?;
    let signer = secrets.find_signer_sha1(body, &signature);
    if refuse_older {
        return Err(Refusal::TooOld);
    }
    signer.map(|signer| Signed { signer, is_older: true }).ok_or(Refusal::Wrong)
}

/// Whether a body is a text that is signed with the same secret for another purpose: an access token, of which every call
/// carries the proof, or the payload of a signed request. Both are one word of at least 20 characters.
#[must_use]
pub fn is_signed_for_something_else(body: &[u8]) -> bool {
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'|' | b'.' | b'=');
    body.len() >= 20 && body.iter().all(is_of_word)
}

/// The bytes of a signature header: there once, with its prefix, lower-case hex, of the right length.
///
/// # Errors
/// [`Refusal::Malformed`].
pub fn signature(headers: &HeaderMap, name: &'static str, prefix: &str, bytes: usize) -> Result<Vec<u8>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Refusal::Malformed) };
    let signature = value.to_str().ok().and_then(|value| value.strip_prefix(prefix)).and_then(from_hex);
    signature.filter(|signature| signature.len() == bytes).ok_or(Refusal::Malformed)
}

/// A delivery as text. Bytes that are no UTF-8 are masked, one for one, so that what stands beside them can still be found;
/// offsets stay right.
#[must_use]
pub fn readable(body: &[u8]) -> Cow<'_, str> {
    let mut masked = String::with_capacity(body.len());
    if let Ok(text) = std::str::from_utf8(body) {
        return Cow::Borrowed(text);
    }
    for chunk in body.utf8_chunks() {
        masked.push_str(chunk.valid());
        masked.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    Cow::Owned(masked)
}
