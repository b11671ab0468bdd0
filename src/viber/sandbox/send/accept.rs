//! A message is taken: the person can be written to, and the rate allows it.
//!
//! Sources: <https://creators.viber.com/docs/bots-api/resources/messaging/send-message> and `…/errors` (2026). All answers have
//! HTTP status 200; the member `status` says what became of the call.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use serde_json::{Value, json};

use super::super::api::{authorised, name_of, refused};
use super::super::deliver;
use super::super::state::{Callback, Core, PersonRecord, Shared, World};
use super::check::{BAD_DATA, Content, MAX_BODY_BYTES, MISSING_DATA, Refusal, check};
use super::media;
use super::memory::{OnItsWay, Seen, Sent};
use crate::shared::channel::simulator::{Queue, json_answer};

/// How many messages one person gets in an hour without a reply.
const UNANSWERED_PER_HOUR: usize = 100;

/// A session lasts so long after the person's last message.
const SESSION: TimeDelta = TimeDelta::hours(24);

/// `POST /send_message`.
pub(in super::super) async fn post(State(core): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    let body = match authorised(&core, &headers, &bytes) {
        Ok(body) => body,
        Err(refusal) => return refused(&core, &refusal),
    };
    let receiver = body["receiver"].as_str().unwrap_or_default().to_owned();
    let planned = core.world().plans.take(&receiver);
    let refuse = |status: &u32| refused(&core, &(*status, name_of(*status).to_owned()));
    if let Some(failure) = planned.as_ref().filter(|failure| !failure.takes()) {
        return failure.answer(refuse).await;
    }
    let taken = if bytes.len() > MAX_BODY_BYTES {
        Err((BAD_DATA, "the body is larger than 30 KB".to_owned()))
    } else {
        accept(&core, &receiver, &body, None)
    };
    let answer = match taken {
        Ok(answer) => answer,
        Err(refusal) => return refused(&core, &refusal),
    };
    // The phone opens the link, and finds what is wrong with it.
    let failed = media::open(&core, &receiver, &answer["message_token"]).await;
    follow(&core, failed.into_iter().chain(deliver_waiting(&core, &receiver)).collect()).await;
    match planned {
        Some(failure) => failure.answer(refuse).await,
        None => json_answer(200, &answer),
    }
}

/// Takes a message for one person; a broadcast gives all of them the token of the first.
pub(super) fn accept(core: &Core, receiver: &str, body: &Value, token: Option<u64>) -> Result<Value, Refusal> {
    if receiver.is_empty() {
        return Err((MISSING_DATA, "receiver is missing".to_owned()));
    }
    let content = check(body)?;
    let now = core.now();
    let mut world = core.world();
    if world.webhook.is_none() && world.delivery_url.is_none() {
        return Err((10, name_of(10).to_owned()));
    }
    let ignores_rates = world.ignores_rates;
    let refusal = |status: u32| (status, name_of(status).to_owned());
    let person = world.people.get_mut(receiver).ok_or_else(|| refusal(5))?;
    may_write(person, &content, ignores_rates, now).map_err(refusal)?;
    let in_session = person.last_inbound.is_some_and(|last| now - last < SESSION);
    person.unanswered.push_back(now);
    let token = token.unwrap_or_else(|| world.new_token());
    let seen = shown(token, &content, body, now);
    world.sent.push(Sent {
        receiver: receiver.to_owned(),
        token,
        kind: content.kind,
        text: content.text,
        tracking_data: content.tracking_data,
        body: body.clone(),
        in_session,
        at: now,
    });
    put_on_its_way(&mut world, receiver, seen);
    // 1 within a session, 3 charged outside of one.
    let billing = if in_session { 1 } else { 3 };
    Ok(
        json!({"status": 0, "status_message": "ok", "message_token": token, "chat_hostname": "SN-CHAT-05_", "billing_status": billing}),
    )
}

fn put_on_its_way(world: &mut World, receiver: &str, seen: Seen) {
    if let Some(person) = world.people.get_mut(receiver) {
        person.on_their_way.push_back(OnItsWay(seen));
    }
}

fn may_write(person: &mut PersonRecord, content: &Content, ignores_rates: bool, now: DateTime<Utc>) -> Result<(), u32> {
    if !person.is_subscribed && !person.has_written {
        return Err(6);
    }
    if !person.has_device {
        return Err(11);
    }
    if content.min_api_version > person.api_version {
        return Err(13);
    }
    person.unanswered.retain(|at| now - *at < TimeDelta::hours(1));
    if !ignores_rates && person.unanswered.len() >= UNANSWERED_PER_HOUR {
        return Err(12);
    }
    Ok(())
}

fn shown(token: u64, content: &Content, body: &Value, at: DateTime<Utc>) -> Seen {
    Seen {
        token,
        from_bot: true,
        kind: content.kind.clone(),
        text: content.text.clone(),
        sender: content.sender.clone(),
        buttons: content.buttons.clone(),
        media: content.media.clone(),
        tracking_data: content.tracking_data.clone(),
        content: body.clone(),
        at,
        is_read: false,
    }
}

/// All that waits for the phone comes onto it, if it is on: the callbacks that tell it.
pub(in super::super) fn deliver_waiting(core: &Core, receiver: &str) -> Vec<Callback> {
    let now = core.now().timestamp_millis();
    let mut world = core.world();
    let Some(person) = world.people.get_mut(receiver).filter(|person| person.is_online) else { return Vec::new() };
    let waiting: Vec<OnItsWay> = person.on_their_way.drain(..).collect();
    let mut callbacks = Vec::new();
    for OnItsWay(seen) in waiting {
        let body = json!({"event": "delivered", "timestamp": now, "chat_hostname": "SN-CHAT-05_",
            "message_token": seen.token, "user_id": receiver});
        callbacks.push(Callback { event: "delivered".to_owned(), body });
        person.seen.push(seen);
    }
    callbacks
}

/// Sends these receipts: before the call is answered, or by themselves.
pub(super) async fn follow(core: &Shared, callbacks: Vec<Callback>) {
    let inner = Arc::clone(core);
    let work = async move {
        for callback in callbacks {
            deliver::happen(&inner, callback, Queue::Receipt).await;
        }
    };
    let is_first = core.world().receipts_before_answer;
    if is_first {
        work.await;
    } else {
        core.tasks.spawn(work);
    }
}

/// The answer to `conversation_started` is a welcome message if it is a valid message without a receiver.
pub(in super::super) fn welcome(core: &Core, person: &str, body: &Value) -> Result<(), String> {
    if body.get("receiver").is_some() {
        return Err("a welcome message has no receiver".to_owned());
    }
    let content = check(body).map_err(|(_, reason)| reason)?;
    let now = core.now();
    let mut world = core.world();
    let token = world.new_token();
    if let Some(person) = world.people.get_mut(person) {
        person.seen.push(shown(token, &content, body, now));
    }
    Ok(())
}
