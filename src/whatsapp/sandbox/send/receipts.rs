//! What follows from a message that was taken: `sent`, `delivered`, `read`, `failed`, with the price.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status>
//! (2026): all statuses of a message carry its id; `pricing` comes with `sent` and with one of `delivered` and `read`.

use std::sync::Arc;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde_json::{Value, json};

use super::super::deliver;
use super::super::error::ApiError;
use super::super::state::{Change, Core, World, contact, seconds};
use super::memory::OnItsWay;
use crate::shared::channel::simulator::Queue;

/// Non-template messages of a number in a month that cost nothing.
const FREE_A_MONTH: usize = 1000;

/// How long everything is free after a message from an ad.
const FREE_ENTRY: TimeDelta = TimeDelta::hours(72);

/// What a message costs. Since 2026-10-01 free messages inside the window are charged, but for the first 1,000 a month of a
/// number; three days after an ad stay free.
pub(super) fn pricing(world: &World, number: &str, person: u64, category: Option<&str>, now: DateTime<Utc>) -> Value {
    let from_ad = world.chats.get(&(number.to_owned(), person)).and_then(|chat| chat.ad_at);
    let is_free_entry = from_ad.is_some_and(|at| now - at < FREE_ENTRY);
    let of_month = world.sending.sent.iter().filter(|sent| {
        sent.number == number
            && sent.kind != "template"
            && (sent.at.year(), sent.at.month()) == (now.year(), now.month())
    });
    let is_charged = (now.year(), now.month()) >= (2026, 10) && of_month.count() > FREE_A_MONTH;
    let (is_billable, kind) = match category {
        _ if is_free_entry => (false, "free_entry_point"),
        Some(_) => (true, "regular"),
        None if is_charged => (true, "regular"),
        None => (false, "free_customer_service"),
    };
    json!({"billable": is_billable, "pricing_model": "PMP", "type": kind, "category": category.unwrap_or("service")})
}

/// A status of a message on its way.
fn status(world: &World, person: u64, message: &OnItsWay, status: &str, now: DateTime<Utc>) -> Value {
    let mut item = json!({"id": message.seen.id, "status": status, "timestamp": seconds(now)});
    if let Some(person) = world.people.get(&person) {
        if !(message.by_user_id && person.hides_number) {
            item["recipient_id"] = person.number.as_str().into();
        }
        item["recipient_user_id"] = person.user_id.as_str().into();
    }
    if let Some(mark) = &message.mark {
        item["biz_opaque_callback_data"] = mark.as_str().into();
    }
    if ["sent", "delivered"].contains(&status) {
        item["pricing"] = message.pricing.clone();
    }
    item
}

/// A change that tells a status.
pub(in super::super) fn change(world: &World, number: &str, contacts: Vec<Value>, item: Value) -> Change {
    let mut value = json!({"messaging_product": "whatsapp", "metadata": world.metadata(number)});
    if !contacts.is_empty() {
        value["contacts"] = contacts.into();
    }
    value["statuses"] = json!([item]);
    let waba = world.numbers.get(number).map(|record| record.waba.clone()).unwrap_or_default();
    Change { waba, number: Some(number.to_owned()), field: "messages".to_owned(), value }
}

fn told(world: &World, number: &str, person: u64, item: Value) -> Change {
    let contacts = world.people.get(&person).map(contact).into_iter().collect();
    change(world, number, contacts, item)
}

/// What is told of a message that will never arrive: no contacts, and no user id where the call had a number.
pub(super) fn failed(
    world: &World,
    number: &str,
    id: &str,
    input: &str,
    mark: Option<&str>,
    error: &ApiError,
    now: DateTime<Utc>,
) -> Change {
    let digits: String = input.chars().filter(char::is_ascii_digit).collect();
    let mut item = json!({"id": id, "status": "failed", "timestamp": seconds(now)});
    if input.contains('.') {
        item["recipient_user_id"] = input.into();
    } else {
        item["recipient_id"] = digits.into();
    }
    if let Some(mark) = mark {
        item["biz_opaque_callback_data"] = mark.into();
    }
    item["errors"] = json!([error.in_webhook()]);
    change(world, number, Vec::new(), item)
}

/// What is told when a message that was sent fails after all.
pub(in super::super) fn failed_late(core: &Core, number: &str, id: &str, code: i64) -> Change {
    let world = core.world();
    let sent = world.sending.sent.iter().find(|sent| sent.id == id);
    let (input, mark) = sent.map_or((String::new(), None), |sent| (sent.input.clone(), sent.mark.clone()));
    let error = ApiError::new(code, super::super::error::title(code));
    failed(&world, number, id, &input, mark.as_deref(), &error, core.now())
}

/// `sent` for this message, and `delivered` for all that wait for the person's phone if it is on.
pub(super) fn arrive(core: &Core, number: &str, person: u64, id: &str) -> Vec<Change> {
    let now = core.now();
    let mut world = core.world();
    let on_way = world.chat(number, person).on_their_way.iter().find(|message| message.seen.id == id).cloned();
    let mut changes = Vec::new();
    if let Some(message) = on_way {
        let item = status(&world, person, &message, "sent", now);
        changes.push(told(&world, number, person, item));
    }
    changes.extend(deliver_waiting(&mut world, number, person, now));
    changes
}

/// All that waits for the phone comes onto it, if it is on.
pub(in super::super) fn deliver_waiting(
    world: &mut World,
    number: &str,
    person: u64,
    now: DateTime<Utc>,
) -> Vec<Change> {
    if !world.people.get(&person).is_some_and(|person| person.is_online) {
        return Vec::new();
    }
    let chat = world.chat(number, person);
    let waiting: Vec<OnItsWay> = chat.on_their_way.drain(..).collect();
    for message in &waiting {
        show(chat, message);
    }
    let mut changes = Vec::new();
    for message in &waiting {
        let item = status(world, person, message, "delivered", now);
        changes.push(told(world, number, person, item));
    }
    changes
}

/// A reaction shows on the message that it is about; everything else is a message of its own.
fn show(chat: &mut super::memory::Chat, message: &OnItsWay) {
    chat.seen.push(message.seen.clone());
    chat.delivered.push(message.clone());
}

/// The person has seen everything that is on the phone.
pub(in super::super) fn read(core: &Core, number: &str, person: u64) -> Vec<Change> {
    let now = core.now();
    let mut world = core.world();
    let chat = world.chat(number, person);
    let mut fresh = Vec::new();
    for seen in chat.seen.iter_mut().filter(|seen| seen.from_business && !seen.is_read) {
        seen.is_read = true;
        fresh.push(seen.id.clone());
    }
    let messages: Vec<OnItsWay> =
        chat.delivered.iter().filter(|message| fresh.contains(&message.seen.id)).cloned().collect();
    let mut changes = Vec::new();
    for message in &messages {
        let item = status(&world, person, message, "read", now);
        changes.push(told(&world, number, person, item));
    }
    changes
}

/// The person played the message.
pub(in super::super) fn played(core: &Core, number: &str, person: u64, id: &str) -> Option<Change> {
    let now = core.now();
    let mut world = core.world();
    let message = world.chat(number, person).delivered.iter().find(|one| one.seen.id == id).cloned()?;
    let item = status(&world, person, &message, "played", now);
    Some(told(&world, number, person, item))
}

/// Sends these statuses: before the call is answered, or by themselves.
pub(super) async fn follow(core: &Arc<Core>, changes: Vec<Change>) {
    let inner = Arc::clone(core);
    let work = async move {
        for change in changes {
            deliver::happen(&inner, change, Queue::Receipt).await;
        }
    };
    let is_first = core.world().receipts_before_answer;
    if is_first {
        work.await;
    } else {
        core.tasks.spawn(work);
    }
}
