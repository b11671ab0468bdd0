//! Signs and sends callbacks.
//!
//! Source: <https://developers.viber.com/docs/api/rest-bot-api/#callbacks>: HMAC-SHA256 of the raw body with the authentication
//! token as the key, in `X-Viber-Content-Signature`; 200 is success, everything else is repeated.

use super::state::{Callback, Core, Signature, World};
use crate::shared::channel::simulator::{Queue, hmac_sha256_hex};

/// The events that `set_webhook` cannot switch off.
const ALWAYS: [&str; 5] = ["message", "webhook", "client_status", "action", "unsubscribed"];

/// Something happened: it is delivered as the switch says. The result is how it was answered, with the bodies.
pub(super) async fn happen(core: &Core, callback: Callback, queue: Queue) -> Vec<(u16, String)> {
    let copies = core.world().post.post(queue, callback);
    let mut answers = Vec::new();
    for copy in copies {
        answers.extend(send_or_keep(core, copy, queue).await);
    }
    answers
}

/// Sends a callback. What is not answered with 200 waits for another try.
pub(super) async fn send_or_keep(core: &Core, callback: Callback, queue: Queue) -> Option<(u16, String)> {
    let address = address(&core.world(), &callback.event)?;
    let body = callback.body.to_string();
    let answer = post(core, &address, body.as_bytes()).await.ok();
    if let Some((200, text)) = answer.as_ref().map(|(status, text)| (*status, text))
        && !text.is_empty()
    {
        core.world().bodies.push((callback.event.clone(), text.clone()));
    }
    if answer.as_ref().is_none_or(|(status, _)| *status != 200) {
        core.world().post.keep(queue, callback);
    }
    answer
}

/// Where a callback goes; `None`: nowhere, because nobody asked for it.
fn address(world: &World, event: &str) -> Option<String> {
    if world.delivery_url.is_some() {
        return world.delivery_url.clone();
    }
    let webhook = world.webhook.as_ref()?;
    let is_wanted = ALWAYS.contains(&event) || webhook.event_types.contains(event);
    is_wanted.then(|| webhook.url.clone())
}

/// Posts these bytes as a callback, signed as the switch says. The result is the status and the body of the answer.
pub(super) async fn post(core: &Core, address: &str, body: &[u8]) -> Result<(u16, String), reqwest::Error> {
    let (token, place) = {
        let world = core.world();
        (world.signing_token.clone().unwrap_or_else(|| world.token.clone()), world.signature)
    };
    let right = hmac_sha256_hex(&token, &[body]);
    let wrong = hmac_sha256_hex("another token", &[body]);
    let (header, query) = match place {
        Signature::Both => (Some(&right), Some(&right)),
        Signature::Header => (Some(&right), None),
        Signature::Query => (None, Some(&right)),
        Signature::Different => (Some(&right), Some(&wrong)),
    };
    send_signed(core, address, body, header.map(String::as_str), query.map(String::as_str)).await
}

/// Posts these bytes with these signatures.
pub(super) async fn send_signed(
    core: &Core,
    address: &str,
    body: &[u8],
    header: Option<&str>,
    query: Option<&str>,
) -> Result<(u16, String), reqwest::Error> {
    let mut request = core.http.post(address).header("content-type", "application/json").body(body.to_vec());
    if let Some(signature) = header {
        request = request.header("x-viber-content-signature", signature);
    }
    if let Some(signature) = query {
        request = request.query(&[("sig", signature)]);
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    Ok((status, response.text().await.unwrap_or_default()))
}
