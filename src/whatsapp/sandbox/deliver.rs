//! Builds, signs and sends webhooks, and asks callback addresses for the challenge.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint> and,
//! beside it, `override` (2026).

use serde_json::{Value, json};

use super::error::ApiError;
use super::state::{Change, Core, World};
use crate::shared::channel::simulator::{Queue, ascii_json, hmac_sha256_hex, random_text};

/// How a delivery ended.
enum Delivered {
    /// With this status.
    Answered(u16),
    /// Nobody answered.
    Unanswered,
    /// Nobody is subscribed: what happened is lost.
    Nowhere,
}

/// Something happened: it is delivered as the switch says. The result is how it was answered.
pub(super) async fn happen(core: &Core, change: Change, queue: Queue) -> Vec<u16> {
    let copies = core.world().post.post(queue, change);
    let mut answers = Vec::new();
    for copy in copies {
        answers.extend(send_or_keep(core, copy, queue).await);
    }
    answers
}

/// Sends what happened. What is not answered with 200 waits for another try.
pub(super) async fn send_or_keep(core: &Core, change: Change, queue: Queue) -> Option<u16> {
    let delivered = send(core, std::slice::from_ref(&change)).await;
    if matches!(delivered, Delivered::Unanswered) || matches!(delivered, Delivered::Answered(status) if status != 200) {
        core.world().post.keep(queue, change);
    }
    match delivered {
        Delivered::Answered(status) => Some(status),
        Delivered::Unanswered | Delivered::Nowhere => None,
    }
}

/// Sends these changes in one body to where the first of them goes, and keeps none.
pub(super) async fn send_together(core: &Core, changes: &[Change]) -> Option<u16> {
    match send(core, changes).await {
        Delivered::Answered(status) => Some(status),
        Delivered::Unanswered | Delivered::Nowhere => None,
    }
}

async fn send(core: &Core, changes: &[Change]) -> Delivered {
    let Some(address) = changes.first().and_then(|change| address(&core.world(), change)) else {
        return Delivered::Nowhere;
    };
    let body = ascii_json(&envelope(changes, core.now().timestamp()));
    let signature = sign(&core.app_secret, body.as_bytes());
    match post(core, &address, body.as_bytes(), &[("x-hub-signature-256", &signature)]).await {
        Ok(status) => Delivered::Answered(status),
        Err(_) => Delivered::Unanswered,
    }
}

/// Where a change goes: the number's own address, the account's, the app's. Template and account fields, and standby copies,
/// always go to the app's.
fn address(world: &World, change: &Change) -> Option<String> {
    if world.delivery_url.is_some() {
        return world.delivery_url.clone();
    }
    let account = world.subscribed.get(&change.waba)?;
    let app = world.app_subscription.as_ref().filter(|app| app.fields.contains(&change.field))?;
    let number = change.number.as_ref().filter(|_| change.field != "standby");
    let Some(number) = number.and_then(|id| world.numbers.get(id)) else { return Some(app.callback_url.clone()) };
    let chosen = number.override_url.clone().or_else(|| account.override_url.clone());
    Some(chosen.unwrap_or_else(|| app.callback_url.clone()))
}

/// Posts these bytes. The result is the HTTP status.
pub(super) async fn post(
    core: &Core,
    address: &str,
    body: &[u8],
    headers: &[(&str, &str)],
) -> Result<u16, reqwest::Error> {
    let request =
        core.http.post(address).header("content-type", "application/json").header("user-agent", "facebookexternalua");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Ok(request.body(body.to_vec()).send().await?.status().as_u16())
}

/// The value of `X-Hub-Signature-256`.
pub(super) fn sign(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hmac_sha256_hex(secret, &[body]))
}

/// One body: an entry for each account, and neighbours of one number and kind in one change.
pub(super) fn envelope(changes: &[Change], now: i64) -> Value {
    let mut entries: Vec<Value> = Vec::new();
    for change in changes {
        let at = entries.iter().position(|entry| entry["id"] == change.waba);
        let at = at.unwrap_or_else(|| {
            entries.push(json!({"id": change.waba, "changes": []}));
            entries.len() - 1
        });
        let entry = &mut entries[at];
        if change.number.is_none() {
            entry["time"] = now.into();
        }
        let Some(list) = entry["changes"].as_array_mut() else { continue };
        if !list.last_mut().is_some_and(|last| joined(last, change)) {
            list.push(json!({"field": change.field, "value": change.value}));
        }
    }
    json!({"object": "whatsapp_business_account", "entry": entries})
}

/// Puts a change into the one before it, if both list the same kind of thing for the same number.
fn joined(last: &mut Value, change: &Change) -> bool {
    let is_same = last["field"] == change.field && last["value"]["metadata"] == change.value["metadata"];
    let list = ["messages", "statuses", "message_echoes"]
        .into_iter()
        .find(|name| last["value"].get(name).is_some() && change.value.get(name).is_some());
    let Some(list) = list.filter(|_| is_same && change.number.is_some()) else { return false };
    for name in ["contacts", list] {
        let more = change.value[name].as_array().cloned().unwrap_or_default();
        if last["value"].get(name).is_none() && !more.is_empty() {
            last["value"][name] = json!([]);
        }
        if let Some(there) = last["value"][name].as_array_mut() {
            for item in more {
                if name != "contacts" || !there.contains(&item) {
                    there.push(item);
                }
            }
        }
    }
    true
}

/// Asks an address for the challenge, as the dashboard and the override calls do. The challenge is text, not a number.
pub(super) async fn challenge(core: &Core, address: &str, verify_token: &str) -> Result<(), ApiError> {
    let failed = |reason: String| ApiError::new(2200, format!("Callback verification failed: {reason}"));
    if address.len() > 200 {
        return Err(failed("the URL is longer than 200 characters".to_owned()));
    }
    let challenge = format!("0{}", random_text());
    let query = [("hub.mode", "subscribe"), ("hub.challenge", &challenge), ("hub.verify_token", verify_token)];
    let response = core.http.get(address).query(&query).send().await.map_err(|_| failed("no answer".to_owned()))?;
    let status = response.status();
    if status != reqwest::StatusCode::OK {
        return Err(failed(format!("HTTP status {}", status.as_u16())));
    }
    let answer = response.bytes().await.map_err(|_| failed("the answer broke off".to_owned()))?;
    if answer == challenge.as_bytes() { Ok(()) } else { Err(failed("the answer is not the challenge".to_owned())) }
}
