//! A message is taken: rates, the window and the person allow it, and what it points at is there.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages> (2026): a 200
//! means that a message was accepted, not that it was delivered.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::state::{PersonRecord, World, new_wamid};
use super::content::Content;
use super::memory::{OnItsWay, Reach, Seen, Sent};
use super::order::Recipient;
use super::{pace, receipts};

/// How long a business may write freely after the person's last message or call.
const WINDOW: TimeDelta = TimeDelta::hours(24);

/// A call that was read.
pub(super) struct Letter {
    pub number: String,
    pub recipient: Recipient,
    pub kind: String,
    pub quotes: Option<String>,
    pub mark: Option<String>,
    pub content: Content,
    pub body: Value,
    /// The category of an approved template; free messages have none.
    pub category: Option<String>,
}

/// The answer of a call, and whose receipts follow.
pub(super) struct Taken {
    pub answer: Value,
    pub id: String,
    pub person: Option<u64>,
    /// Why it will fail after all.
    pub late: Option<ApiError>,
    pub recipient: Recipient,
}

/// Checks what the state says, and takes the message.
/// `unusable`: why media that it links to cannot be used, which is told after the answer.
pub(super) fn take(
    world: &mut World,
    letter: Letter,
    unusable: Option<ApiError>,
    now: DateTime<Utc>,
) -> Result<Taken, ApiError> {
    let person = letter.recipient.person(world);
    if person.is_none() && matches!(letter.recipient, Recipient::User(_)) {
        return Err(ApiError::parameter("Param recipient is no user id that this business knows."));
    }
    check_reaction(world, &letter, person)?;
    pace::check(world, &letter.number, person, now)?;
    let refusal = match &letter.recipient {
        Recipient::Group(id) if world.groups.contains_key(id) => None,
        Recipient::Group(_) => return Err(ApiError::parameter("Param to is no group of this number.")),
        _ => check_person(world, &letter, person, now).err(),
    };
    let late = match refusal {
        // Nobody has the number: the platform finds out after it answered.
        Some(error) if person.is_none() || world.sending.refuses_late => Some(error),
        Some(error) => return Err(error),
        None => unusable,
    };
    let id = new_wamid();
    let known = person.and_then(|key| world.people.get(&key)).cloned();
    let answer = answer(&letter, &id, known.as_ref(), world.answers_tell_user_ids);
    world.sending.sent.push(Sent {
        number: letter.number.clone(),
        input: letter.recipient.input().to_owned(),
        user_id: known.map(|known| known.user_id),
        id: id.clone(),
        mark: letter.mark.clone(),
        kind: letter.kind.clone(),
        text: letter.content.text.clone(),
        body: letter.body.clone(),
        at: now,
    });
    let recipient = letter.recipient.clone();
    if late.is_none() {
        show(world, letter, &id, person, now);
    }
    Ok(Taken { answer, id, person, late, recipient })
}

/// Puts the message on its way to the person's phone, or into the group.
fn show(world: &mut World, letter: Letter, id: &str, person: Option<u64>, now: DateTime<Utc>) {
    let seen = Seen {
        id: id.to_owned(),
        from_business: true,
        text: letter.content.text,
        choices: letter.content.choices,
        links: letter.content.links,
        content: letter.body.get(&letter.kind).cloned().unwrap_or_default(),
        quotes: letter.quotes,
        kind: letter.kind,
        at: now,
        is_read: false,
    };
    if let Recipient::Group(group) = &letter.recipient {
        if let Some(group) = world.groups.get_mut(group) {
            group.seen.push(seen);
        }
        return;
    }
    let Some(key) = person else { return };
    let pricing = receipts::pricing(world, &letter.number, key, letter.category.as_deref(), now);
    let by_user_id = matches!(letter.recipient, Recipient::User(_));
    let chat = world.chat(&letter.number, key);
    chat.typing_until = None;
    chat.on_their_way.push_back(OnItsWay { seen, by_user_id, mark: letter.mark, pricing });
}
/// A reaction must name a message of the chat.
fn check_reaction(world: &World, letter: &Letter, person: Option<u64>) -> Result<(), ApiError> {
    let Some((id, _)) = &letter.content.reaction else { return Ok(()) };
    let chat = person.and_then(|key| world.chats.get(&(letter.number.clone(), key)));
    if chat.is_some_and(|chat| chat.seen.iter().any(|seen| &seen.id == id)) {
        return Ok(());
    }
    Err(ApiError::new(131_009, "Param reaction['message_id'] is no message of this chat."))
}

fn check_person(world: &World, letter: &Letter, person: Option<u64>, now: DateTime<Utc>) -> Result<(), ApiError> {
    if matches!(letter.recipient, Recipient::User(_)) && letter.category.as_deref() == Some("authentication") {
        return Err(ApiError::new(131_062, "Authentication templates cannot be sent to a user id."));
    }
    let Some(key) = person else {
        return Err(ApiError::new(131_026, "Unable to deliver the message. The number is not on WhatsApp."));
    };
    let chat = world.chats.get(&(letter.number.clone(), key));
    let last = chat.and_then(|chat| chat.last_inbound);
    if letter.category.is_none() && last.is_none_or(|last| now - last >= WINDOW) {
        let details = "Message failed to send because more than 24 hours have passed since the customer last replied to this number.";
        return Err(ApiError::new(131_047, details));
    }
    let reach = world.people.get(&key).map_or(Reach::Undeliverable, |person| person.reach);
    match reach {
        Reach::Undeliverable => Err(ApiError::new(131_026, "Message Undeliverable.")),
        Reach::Experiment => Err(ApiError::new(130_472, "User's number is part of an experiment.")),
        Reach::NoMarketing if letter.category.as_deref() == Some("marketing") => {
            Err(ApiError::new(131_050, "The user has stopped marketing messages from this business."))
        }
        Reach::Open | Reach::NoMarketing => Ok(()),
    }
}

/// `wa_id`, the person's own number, stands in the answer when the call had a number, `user_id` when it had a user id.
fn answer(letter: &Letter, id: &str, known: Option<&PersonRecord>, tells_user_id: bool) -> Value {
    let mut contact = json!({"input": letter.recipient.input()});
    let user_id = known.map(|known| known.user_id.as_str());
    match &letter.recipient {
        Recipient::Number { digits, .. } => {
            contact["wa_id"] = known.map_or(digits.as_str(), |known| known.number.as_str()).into();
            if let Some(user_id) = user_id.filter(|_| tells_user_id) {
                contact["user_id"] = user_id.into();
            }
        }
        Recipient::User(id) => contact["user_id"] = user_id.unwrap_or(id).into(),
        Recipient::Group(id) => contact["wa_id"] = id.as_str().into(),
    }
    let mut message = json!({ "id": id });
    if letter.category.is_some() {
        message["message_status"] = "accepted".into();
    }
    json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]})
}
