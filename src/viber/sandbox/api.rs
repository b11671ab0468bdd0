//! The routes, and what all of them have in common.
//!
//! Source: <https://developers.viber.com/docs/api/rest-bot-api/> (2026): every method is a POST with a JSON body, and every
//! answer has HTTP status 200.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::TimeDelta;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

use super::deliver;
use super::send;
use super::state::{Core, Shared, Webhook, user};
use crate::shared::channel::simulator::json_answer;

/// The event types that can be chosen.
const SELECTABLE: [&str; 6] = ["delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started"];

pub(super) fn router(core: Shared) -> Router {
    Router::new()
        .route("/pa/set_webhook", post(set_webhook))
        .route("/pa/get_account_info", post(get_account_info))
        .route("/pa/send_message", post(send::post))
        .route("/pa/get_user_details", post(get_user_details))
        .route("/pa/get_online", post(get_online))
        .route("/pa/broadcast_message", post(send::broadcast))
        .route("/content/{name}", get(content))
        .with_state(core)
}

/// What a status is called.
pub(super) fn name_of(status: u32) -> &'static str {
    const NAMES: [&str; 21] = [
        "ok",
        "invalidUrl",
        "invalidAuthToken",
        "badData",
        "missingData",
        "receiverNotRegistered",
        "receiverNotSubscribed",
        "publicAccountBlocked",
        "publicAccountNotFound",
        "publicAccountSuspended",
        "webhookNotSet",
        "receiverNoSuitableDevice",
        "tooManyRequests",
        "apiVersionNotSupported",
        "incompatibleWithVersion",
        "publicAccountNotAuthorized",
        "inchatReplyMessageNotAllowed",
        "publicAccountIsNotInline",
        "noPublicChat",
        "cannotSendBroadcast",
        "broadcastNotAllowed",
    ];
    NAMES.get(status as usize).copied().unwrap_or("generalError")
}

/// The answer of a call that is refused: it can carry a token of its own, as a text.
pub(super) fn refused(core: &Core, (status, reason): &(u32, String)) -> Response {
    let token = core.world().new_token().to_string();
    let message = format!("{}: {reason}", name_of(*status));
    json_answer(
        200,
        &json!({"status": status, "status_message": message, "message_token": token, "chat_hostname": "SN-CHAT-05_"}),
    )
}

/// The body of a call, if its token is the bot's: in the header, or as the member `auth_token`.
pub(super) fn authorised(core: &Core, headers: &HeaderMap, bytes: &[u8]) -> Result<Value, (u32, String)> {
    let body: Value = if bytes.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(bytes).map_err(|error| (3, format!("the body is no JSON: {error}")))?
    };
    let in_header = headers.get("x-viber-auth-token").and_then(|value| value.to_str().ok());
    let token = in_header.or_else(|| body["auth_token"].as_str());
    match token {
        None => Err((2, "missing_auth_token".to_owned())),
        Some(token) if token == core.world().token => Ok(body),
        Some(_) => Err((2, "the token is not valid".to_owned())),
    }
}

/// `POST /set_webhook`: calls the address before it answers.
async fn set_webhook(State(core): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    let body = match authorised(&core, &headers, &bytes) {
        Ok(body) => body,
        Err(refusal) => return refused(&core, &refusal),
    };
    match register(&core, &body).await {
        Ok(answer) => json_answer(200, &answer),
        Err(refusal) => refused(&core, &refusal),
    }
}

async fn register(core: &Core, body: &Value) -> Result<Value, (u32, String)> {
    let url = body["url"].as_str().ok_or((4, "url is missing".to_owned()))?;
    if url.is_empty() {
        core.world().webhook = None;
        return Ok(json!({"status": 0, "status_message": "ok", "chat_hostname": "SN-CHAT-05_", "event_types": []}));
    }
    let parsed = Url::parse(url).map_err(|_| (1, "the url is none".to_owned()))?;
    // Loopback stands for the addresses with certificates of the real world.
    let is_local = parsed.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127."));
    if parsed.scheme() != "https" && !is_local {
        return Err((1, "the url is not https".to_owned()));
    }
    let chosen = match &body["event_types"] {
        Value::Null => SELECTABLE.map(str::to_owned).into_iter().collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return Err((3, "event_types is no list".to_owned())),
    };
    let chosen: std::collections::BTreeSet<String> = chosen;
    if let Some(unknown) = chosen.iter().find(|name| !SELECTABLE.contains(&name.as_str())) {
        return Err((3, format!("event_types: {unknown}")));
    }
    let event = json!({"event": "webhook", "timestamp": core.now().timestamp_millis(), "chat_hostname": "SN-CHAT-05_",
        "message_token": core.world().new_token()});
    match deliver::post(core, url, event.to_string().as_bytes()).await {
        Ok((200, _)) => {}
        Ok((status, _)) => return Err((1, format!("the url answered {status}"))),
        Err(_) => return Err((1, "the url did not answer".to_owned())),
    }
    let flag = |name: &str| body[name].as_bool().unwrap_or(false);
    let webhook = Webhook {
        url: url.to_owned(),
        event_types: chosen.clone(),
        send_name: flag("send_name"),
        send_photo: flag("send_photo"),
    };
    core.world().webhook = Some(webhook);
    Ok(json!({"status": 0, "status_message": "ok", "chat_hostname": "SN-CHAT-05_", "event_types": all_types(&chosen)}))
}

/// The chosen types, and those that always come; two of them are in no document.
fn all_types(chosen: &std::collections::BTreeSet<String>) -> Vec<String> {
    let always = ["webhook", "client_status", "action", "message"].map(str::to_owned);
    chosen.iter().cloned().chain(always).collect()
}

/// `POST /get_account_info`.
async fn get_account_info(State(core): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    if let Err(refusal) = authorised(&core, &headers, &bytes) {
        return refused(&core, &refusal);
    }
    let world = core.world();
    let subscribers = world.people.values().filter(|person| person.is_subscribed).count();
    let mut info = json!({"status": 0, "status_message": "ok", "id": core.bot_id, "chat_hostname": "SN-CHAT-05_", "name": core.name,
        "uri": "harbourcafe", "icon": "https://img.example.test/icon.jpg", "background": "https://img.example.test/back.jpg",
        "category": "Companies, Brands & Products", "subcategory": "Local Businesses", "country": "LK",
        "location": {"lon": 79.8612, "lat": 6.9271}, "subscribers_count": subscribers, "members": []});
    if let Some(webhook) = &world.webhook {
        info["webhook"] = webhook.url.as_str().into();
        info["event_types"] = all_types(&webhook.event_types).into();
    }
    json_answer(200, &info)
}

/// `POST /get_user_details`: twice in twelve hours for each person.
async fn get_user_details(State(core): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    let body = match authorised(&core, &headers, &bytes) {
        Ok(body) => body,
        Err(refusal) => return refused(&core, &refusal),
    };
    let id = body["id"].as_str().unwrap_or_default().to_owned();
    let now = core.now();
    let found = {
        let mut world = core.world();
        match world.people.get_mut(&id) {
            None => Err(5),
            Some(person) if !person.is_subscribed => Err(6),
            Some(person) => {
                person.asked.retain(|at| now - *at < TimeDelta::hours(12));
                if person.asked.len() >= 2 {
                    Err(12)
                } else {
                    person.asked.push(now);
                    Ok(user(&id, person, None))
                }
            }
        }
    };
    match found {
        Ok(mut user) => {
            user["primary_device_os"] = "android 14".into();
            user["viber_version"] = "24.1.0".into();
            user["device_type"] = "phone".into();
            let token = core.world().new_token();
            json_answer(200, &json!({"status": 0, "status_message": "ok", "message_token": token, "user": user}))
        }
        Err(status) => refused(&core, &(status, name_of(status).to_owned())),
    }
}

/// `POST /get_online`: at most 100 ids.
async fn get_online(State(core): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    let body = match authorised(&core, &headers, &bytes) {
        Ok(body) => body,
        Err(refusal) => return refused(&core, &refusal),
    };
    let Some(ids) = body["ids"].as_array().filter(|ids| ids.len() <= 100) else {
        return refused(&core, &(3, "ids".to_owned()));
    };
    let world = core.world();
    let users: Vec<Value> = ids
        .iter()
        .filter_map(Value::as_str)
        .map(|id| match world.people.get(id) {
            Some(person) if person.is_online => {
                json!({"id": id, "online_status": 0, "online_status_message": "online"})
            }
            Some(_) => json!({"id": id, "online_status": 1, "online_status_message": "offline"}),
            None => json!({"id": id, "online_status": 4, "online_status_message": "tryLater"}),
        })
        .collect();
    json_answer(200, &json!({"status": 0, "status_message": "ok", "users": users}))
}

/// A file that a person sent: everybody with the link gets it.
async fn content(State(core): State<Shared>, Path(name): Path<String>) -> Response {
    match core.world().content.get(&name).cloned() {
        Some((kind, bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
