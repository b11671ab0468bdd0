//! Signs and sends notifications, and asks the address for the challenge.
//!
//! Source: learn.microsoft.com, `linkedin/shared/api-guide/webhook-validation` (2026): HMAC-SHA256 with the client secret over
//! `hmacsha256=` and the raw body, bare hex in `X-LI-Signature`; any 2xx is success; the challenge within 3 s.

use std::time::Duration;

use serde_json::{Value, json};

use super::state::{Core, World};
use crate::shared::channel::simulator::hmac_sha256_hex;

/// The type of notifications about the page.
pub(super) const TYPE: &str = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS";

/// How long the answer to a challenge may take.
const CHALLENGE_WITHIN: Duration = Duration::from_secs(3);

/// Something happened: its notification is delivered as the switch says. The result is how it was answered.
pub(super) async fn happen(core: &Core, notification: Value) -> Vec<u16> {
    let copies = {
        let mut world = core.world();
        world.notices.push(notification.clone());
        world.post.post(notification)
    };
    let mut answers = Vec::new();
    for copy in copies {
        answers.extend(send_or_keep(core, vec![copy]).await);
    }
    answers
}

/// Sends these notifications in one body. What is not answered with 2xx waits for another try.
pub(super) async fn send_or_keep(core: &Core, notifications: Vec<Value>) -> Option<u16> {
    let address = address(core, &core.world())?;
    let body = json!({"type": TYPE, "notifications": notifications}).to_string();
    let status = post(core, &address, body.as_bytes(), &sign(&core.client_secret, body.as_bytes())).await.ok();
    if status.is_none_or(|status| !(200..300).contains(&status)) {
        let mut world = core.world();
        notifications.into_iter().for_each(|one| world.post.keep(one));
    }
    status
}

/// Where notifications go; `None`: nowhere, because nobody is subscribed, or the address is blocked.
fn address(core: &Core, world: &World) -> Option<String> {
    if world.delivery_url.is_some() {
        return world.delivery_url.clone();
    }
    let subscription = world.subscription.as_ref().filter(|one| core.now() < one.expires_at)?;
    (world.is_admin && world.failed_checks < 3).then(|| subscription.webhook.clone())
}

/// Posts these bytes with this signature. The result is the HTTP status.
pub(super) async fn post(core: &Core, address: &str, body: &[u8], signature: &str) -> Result<u16, reqwest::Error> {
    let request =
        core.http.post(address).header("content-type", "application/json").header("x-li-signature", signature);
    Ok(request.body(body.to_vec()).send().await?.status().as_u16())
}

/// The value of `X-LI-Signature`: the prefix belongs to the signed message only.
pub(super) fn sign(secret: &str, body: &[u8]) -> String {
    hmac_sha256_hex(secret, &[b"hmacsha256=", body])
}

/// Asks an address for the challenge. The error says why it failed.
pub(super) async fn challenge(core: &Core, address: &str) -> Result<(), String> {
    let code = uuid::Uuid::new_v4().to_string();
    let request = core.http.get(address).query(&[("challengeCode", &code)]).timeout(CHALLENGE_WITHIN);
    let response = request.send().await.map_err(|_| "no answer within 3 s".to_owned())?;
    let status = response.status().as_u16();
    let is_json =
        response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let body: Value = response.json().await.map_err(|_| "the answer is no JSON".to_owned())?;
    if status != 200 || !is_json {
        return Err(format!("the answer has status {status} and is JSON: {is_json}"));
    }
    let right = hmac_sha256_hex(&core.client_secret, &[code.as_bytes()]);
    if body["challengeCode"] == code.as_str() && body["challengeResponse"] == right.as_str() {
        return Ok(());
    }
    Err("the challenge was not answered rightly".to_owned())
}
