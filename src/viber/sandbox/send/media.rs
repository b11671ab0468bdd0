//! What becomes of a link in a message: the person's phone opens it, and a `failed` callback tells what is wrong with it.
//!
//! Sources: <https://creators.viber.com/docs/bots-api/resources/messaging/send-message> for the sizes, and the FAQ for the late
//! failure (2026).

use serde_json::{Value, json};
use url::Url;

use super::super::state::{Callback, Core};

const MIB: usize = 1024 * 1024;

/// The largest file of a kind.
fn limit(kind: &str) -> usize {
    match kind {
        "picture" => MIB,
        "video" => 26 * MIB,
        _ => 50 * MIB,
    }
}

/// Opens the link of the message with this token, if it is on this machine. A message that cannot be shown is taken back from
/// the phone.
pub(super) async fn open(core: &Core, receiver: &str, token: &Value) -> Option<Callback> {
    let (kind, link) = {
        let mut world = core.world();
        let person = world.people.get_mut(receiver)?;
        let message = &person.on_their_way.back().filter(|one| token.as_u64() == Some(one.0.token))?.0;
        (message.kind.clone(), message.media.clone()?)
    };
    let url = Url::parse(&link).ok()?;
    if !url.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127.")) {
        return None;
    }
    let reason = match core.http.get(url).send().await {
        Ok(response) if response.status() == reqwest::StatusCode::OK => {
            let size = response.bytes().await.map_or(0, |bytes| bytes.len());
            (size == 0 || size > limit(&kind)).then(|| format!("{kind} has {size} bytes"))
        }
        Ok(response) => Some(format!("the link answered {}", response.status().as_u16())),
        Err(_) => Some("the link did not answer".to_owned()),
    }?;
    let now = core.now().timestamp_millis();
    let mut world = core.world();
    let person = world.people.get_mut(receiver)?;
    person.on_their_way.retain(|one| token.as_u64() != Some(one.0.token));
    let body = json!({"event": "failed", "timestamp": now, "chat_hostname": "SN-CHAT-05_", "message_token": token,
        "user_id": receiver, "desc": reason});
    Some(Callback { event: "failed".to_owned(), body })
}
