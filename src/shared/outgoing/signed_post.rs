//! Signed posts, as Standard Webhooks has them: of what the receiver answers the head alone is looked at.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md> (2026).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, header};
use url::Url;

use super::answer::Head;
use super::http::{ApiError, Http};
use crate::shared::secrets::signature::sign_sha256;

/// Posts this JSON once, signed with all of these secrets as of now.
///
/// # Errors
/// As [`Http::open_unread`].
pub async fn post(
    http: &Http,
    to: &Url,
    id: &str,
    body: String,
    secrets: &[impl AsRef<[u8]>],
) -> Result<Head, ApiError> {
    let signed = headers(id, http.clock().now_ms() / 1000, &body, secrets);
    let request = http.request(Method::POST, to.clone()).header(header::CONTENT_TYPE, "application/json").body(body);
    http.open_unread(signed.into_iter().fold(request, |request, (name, value)| request.header(name, value))).await
}

/// The headers of a post with this id and body at this time (seconds since 1970), signed with all of these secrets.
#[must_use]
pub fn headers(id: &str, timestamp: i64, body: &str, secrets: &[impl AsRef<[u8]>]) -> [(&'static str, String); 3] {
    let signed = format!("{id}.{timestamp}.{body}");
    let sign = |secret: &[u8]| format!("v1,{}", STANDARD.encode(sign_sha256(secret, signed.as_bytes())));
    let signatures: Vec<String> = secrets.iter().map(|secret| sign(secret.as_ref())).collect();
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_signed_with_every_secret() {
        let one = headers("evt_1", 1_614_265_330, r#"{"n":1}"#, &[b"an example of a secret for tests"]);
        assert_eq!(one[1].1, "1614265330");
        // Computed with another implementation of HMAC.
        assert_eq!(one[2].1, "v1,IJ0bkXFm4TCr1+t6RFsGowFh9FNy2AXa4vJynkv2Xng=");
        let both = headers(
            "evt_1",
            1_614_265_330,
            r#"{"n":1}"#,
            &[b"an example of a secret for tests".as_slice(), b"another"],
        );
        assert!(both[2].1.starts_with(&format!("{} v1,", one[2].1)), "{}", both[2].1);
    }
}
