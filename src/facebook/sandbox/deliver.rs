//! Signs and sends webhooks, and asks the callback address for the challenge.
//!
//! Source: <https://developers.facebook.com/docs/graph-api/webhooks/getting-started> (November 2026).

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

use super::send::owner;
use super::state::{AppSubscription, Core, GraphError, Platform, random_text};
use crate::shared::channel::simulator::ascii_json;

/// `sha256=` and the lower-case hex HMAC-SHA256 of the body.
pub(super) fn sign_sha256(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex(&hmac_sha256(secret, body)))
}

/// `sha1=` and the lower-case hex HMAC-SHA1 of the body.
pub(super) fn sign_sha1(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length; an error cannot occur, and would leave a signature that nobody accepts.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) else { return "sha1=".to_owned() };
    mac.update(body);
    format!("sha1={}", hex(&mac.finalize().into_bytes()))
}

/// The proof that belongs to a token, time-stamped if `time` is given.
/// Source: <https://developers.facebook.com/documentation/facebook-login/security> (November 2026).
pub(super) fn appsecret_proof(secret: &str, token: &str, time: Option<&str>) -> String {
    let message = time.map_or_else(|| token.to_owned(), |time| format!("{token}|{time}"));
    hex(&hmac_sha256(secret, message.as_bytes()))
}

/// A signed request: HMAC-SHA256 over the encoded text, both parts base64url without padding.
pub(super) fn signed_request(secret: &str, user_id: &str, issued_at: i64) -> String {
    // Written by hand, so that the keys stand in the order of the published example.
    let payload =
        format!(r#"{{"user_id":{},"algorithm":"HMAC-SHA256","issued_at":{issued_at}}}"#, Value::from(user_id));
    let encoded = URL_SAFE_NO_PAD.encode(payload);
    let signature = URL_SAFE_NO_PAD.encode(hmac_sha256(secret, encoded.as_bytes()));
    format!("{signature}.{encoded}")
}

/// The subscription field to which an item of `messaging` belongs.
pub(super) fn field_of(item: &Value) -> &'static str {
    let fields = [
        ("message_edit", "message_edits"),
        ("postback", "messaging_postbacks"),
        ("reaction", "message_reactions"),
        ("delivery", "message_deliveries"),
        ("read", "message_reads"),
        ("optin", "messaging_optins"),
        ("referral", "messaging_referrals"),
        ("account_linking", "messaging_account_linking"),
        ("pass_thread_control", "messaging_handovers"),
        ("take_thread_control", "messaging_handovers"),
        ("request_thread_control", "messaging_handovers"),
        ("app_roles", "messaging_handovers"),
        ("policy_enforcement", "messaging_policy_enforcement"),
        ("response_feedback", "response_feedback"),
        ("order", "send_cart"),
    ];
    match item.get("message") {
        Some(message) if message["is_echo"] == true => "message_echoes",
        Some(_) => "messages",
        None => fields.iter().find(|(key, _)| item.get(key).is_some()).map_or("messages", |(_, field)| field),
    }
}

/// An entry of `changes`; with `include_values` off it only names the fields.
pub(super) fn changes_entry(page_id: &str, seconds: i64, changes: &[Value], include_values: bool) -> Value {
    if include_values {
        json!({"id": page_id, "time": seconds, "changes": changes})
    } else {
        let names: Vec<&Value> = changes.iter().map(|change| &change["field"]).collect();
        json!({"id": page_id, "time": seconds, "changed_fields": names})
    }
}

/// Where deliveries go now. Empty, and thereby an error of the client, while nobody told.
pub(super) fn address(platform: &Platform) -> String {
    let subscribed = platform.app_subscription.as_ref().map(|app| app.callback_url.clone());
    platform.delivery_url.clone().or(subscribed).unwrap_or_default()
}

/// Sends these items of an account in one body, but only those to whose field both levels are subscribed. Items of a thread
/// that another app owns go as standby copies. `None` means that nothing was left to send.
pub(super) async fn items(core: &Core, account: &str, items: &[Value]) -> Result<Option<u16>, reqwest::Error> {
    let body = {
        let platform = core.platform();
        let (mut own, mut standby) = owner::apart(&platform, &core.app_id, account, items);
        own.retain(|item| platform.subscribed(account, field_of(item)));
        standby.retain(|_| platform.subscribed(account, "standby"));
        if own.is_empty() && standby.is_empty() {
            return Ok(None);
        }
        let mut entry = json!({"id": account, "time": core.now().timestamp_millis()});
        for (name, items) in [("messaging", own), ("standby", standby)] {
            if !items.is_empty() {
                entry[name] = items.into();
            }
        }
        json!({"object": object_of(&platform, account), "entry": [entry]})
    };
    signed(core, ascii_json(&body).as_bytes(), &core.app_secret).await.map(Some)
}

/// The object to which the items of an account belong.
pub(super) fn object_of(platform: &Platform, account: &str) -> &'static str {
    let is_instagram = platform.page(account).is_some_and(|record| record.instagram_of.is_some());
    if is_instagram { "instagram" } else { "page" }
}

/// Posts these bytes to where deliveries go, signed with this secret.
pub(super) async fn signed(core: &Core, body: &[u8], secret: &str) -> Result<u16, reqwest::Error> {
    let (newer, older) = (sign_sha256(secret, body), sign_sha1(secret, body));
    let mut headers = vec![("x-hub-signature", older.as_str())];
    let address = {
        let platform = core.platform();
        if !platform.sha1_only {
            headers.push(("x-hub-signature-256", newer.as_str()));
        }
        address(&platform)
    };
    post(&core.http, &address, body, &headers).await
}

/// Posts these bytes with these headers, without a signature of its own. The result is the HTTP status.
pub(super) async fn post(
    http: &reqwest::Client,
    address: &str,
    body: &[u8],
    headers: &[(&str, &str)],
) -> Result<u16, reqwest::Error> {
    let mut request = http
        .post(address)
        .header("content-type", "application/json")
        .header("accept", "*/*")
        .header("user-agent", "facebookexternalua")
        .body(body.to_vec());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Ok(request.send().await?.status().as_u16())
}

/// Asks the callback address for the challenge, as saving an app-level subscription does.
pub(super) async fn challenge(http: &reqwest::Client, wanted: &AppSubscription) -> Result<(), GraphError> {
    let failed = |reason: &str| {
        GraphError::new(2200, format!("(#2200) Callback verification failed with the following errors: {reason}"))
    };
    // Digits, as in practice.
    let challenge: String = random_text().bytes().take(10).map(|byte| char::from(b'0' + byte % 10)).collect();
    let query = [("hub.mode", "subscribe"), ("hub.challenge", &challenge), ("hub.verify_token", &wanted.verify_token)];
    let response = http
        .get(&wanted.callback_url)
        .header("user-agent", "facebookplatform/1.0 (+http://developers.facebook.com)")
        .query(&query)
        .send()
        .await
        .map_err(|_| failed("The URL couldn't be reached."))?;
    let status = response.status();
    if status != reqwest::StatusCode::OK {
        let name = status.canonical_reason().unwrap_or_default();
        return Err(failed(&format!("HTTP Status Code = {}; HTTP Message = {name}", status.as_u16())));
    }
    let answer = response.bytes().await.map_err(|_| failed("The answer broke off."))?;
    if answer == challenge.as_bytes() { Ok(()) } else { Err(failed("The response does not match challenge.")) }
}

fn hmac_sha256(secret: &str, message: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length; an error cannot occur, and would leave a signature that nobody accepts.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return Vec::new() };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "example_app_secret";
    const BODY: &str = r#"{"object":"page","entry":[{"id":"100000000000101","time":1790000000123,"messaging":[{"sender":{"id":"7000000000000001"},"recipient":{"id":"100000000000101"},"timestamp":1790000000000,"message":{"mid":"m_demo-0001","text":"Caf\u00e9 \u20ac5 https:\/\/shop.example\/p?id=1"}}]}]}"#;

    #[test]
    fn a_delivery_is_signed_as_in_the_published_example() {
        assert_eq!(BODY.len(), 277);
        assert_eq!(
            sign_sha256(SECRET, BODY.as_bytes()),
            "sha256=fdc00854ad516a33d9e8e7472617a619718f4dbfc8c240d3c4d12797fd0314f7"
        );
        assert_eq!(sign_sha1(SECRET, BODY.as_bytes()), "sha1=ac65a0fc99aee84c4af22be58d299c7faae7947d");
        assert!(BODY.contains(ascii_json(&json!("Café €5 https://shop.example/p?id=1")).as_str()));
    }

    #[test]
    fn characters_beyond_16_bits_are_escaped_as_surrogates() {
        assert_eq!(ascii_json(&json!({"😀": "a\"b/c"})), r#"{"\ud83d\ude00":"a\"b\/c"}"#);
    }

    #[test]
    fn the_proof_is_the_published_one_in_both_forms() {
        let token = "EAABexamplePageToken";
        assert_eq!(
            appsecret_proof(SECRET, token, None),
            "852e4d1684a92a607501dc9c5d502fca609f5a2a2cf10954e42c88cd88687201"
        );
        assert_eq!(
            appsecret_proof(SECRET, token, Some("1790000000")),
            "ff29a07963b00605a3fd4ae4b3dacfefa06b85213f7b505cd107f21c25fdc31b"
        );
    }

    #[test]
    fn a_signed_request_is_the_published_one() {
        assert_eq!(
            signed_request(SECRET, "10150000000000001", 1_790_000_000),
            "xa0tJ8XKwEWNDoK62bsQVlcSHCNSH4ghX9_ffvW9GUI.eyJ1c2VyX2lkIjoiMTAxNTAwMDAwMDAwMDAwMDEiLCJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTc5MDAwMDAwMH0"
        );
    }
}
