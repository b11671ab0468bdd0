//! `broadcast_message`: one message to many subscribers.
//!
//! Source: <https://creators.viber.com/docs/bots-api/resources/messaging/broadcast-message> (2026): at most 300 receivers, and a
//! list of those who did not get it.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Value, json};

use super::super::api::{authorised, name_of, refused};
use super::super::state::Shared;
use super::accept::{accept, deliver_waiting, follow};
use super::check::{BAD_DATA, MISSING_DATA};
use crate::shared::channel::simulator::json_answer;

/// How many people one call may name.
const MAX_RECEIVERS: usize = 300;

/// `POST /broadcast_message`.
pub(in super::super) async fn broadcast(State(core): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    let body = match authorised(&core, &headers, &bytes) {
        Ok(body) => body,
        Err(refusal) => return refused(&core, &refusal),
    };
    let Some(list) = body["broadcast_list"].as_array() else {
        return refused(&core, &(MISSING_DATA, "broadcast_list is missing".to_owned()));
    };
    if list.len() > MAX_RECEIVERS {
        return refused(&core, &(BAD_DATA, "broadcast_list".to_owned()));
    }
    let (mut failed, mut token) = (Vec::new(), Value::Null);
    for receiver in list.iter().filter_map(Value::as_str) {
        match accept(&core, receiver, &body, token.as_u64()) {
            Ok(answer) => {
                token = answer["message_token"].clone();
                follow(&core, deliver_waiting(&core, receiver)).await;
            }
            Err((status, _)) => {
                failed.push(json!({"receiver": receiver, "status": status, "status_message": name_of(status)}));
            }
        }
    }
    json_answer(200, &json!({"status": 0, "status_message": "ok", "message_token": token, "failed_list": failed}))
}
