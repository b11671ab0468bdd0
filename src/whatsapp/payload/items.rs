//! The items of a delivery: messages, echoes, statuses, calls, and the rest that has a number.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::Where;
use super::identity::{Identity, People};
use crate::meta::id::Id;
use crate::shared::journal::{DedupeKey, Effect, Event, Knowing, Source, Unsending};
use crate::shared::raw_json::{Object, is_too_deep};
use crate::whatsapp::NAME;
use crate::whatsapp::person::Person;

/// The kinds of events, as they stand in the journal.
pub mod kind {
    /// A person said something.
    pub const MESSAGE: &str = "message";
    /// Something went out from the app on the business's phone.
    pub const ECHO: &str = "echo";
    /// Something went out from another partner.
    pub const STANDBY_ECHO: &str = "standby_echo";
    /// Something went out from this service: the platform shows it nowhere.
    pub const COPY: &str = "copy";
    /// A reaction to a message, or its end.
    pub const REACTION: &str = "reaction";
    /// A message has another text.
    pub const EDIT: &str = "edit";
    /// A message was taken back.
    pub const REVOKE: &str = "revoke";
    /// A number or an id changed.
    pub const SYSTEM: &str = "system";
    /// Somebody opened the chat for the first time.
    pub const WELCOME: &str = "welcome";
    /// What became of a message that went out.
    pub const STATUS: &str = "status";
    /// A call, or its end.
    pub const CALL: &str = "call";
    /// What became of a call of ours.
    pub const CALL_STATUS: &str = "call_status";
    /// A partner got or lost a thread.
    pub const HANDOVER: &str = "handover";
    /// Somebody stopped or resumed advertising messages.
    pub const PREFERENCE: &str = "user_preferences";
    /// A user id changed, in the older form.
    pub const ID_UPDATE: &str = "user_id_update";
    /// The platform reports an error without a message.
    pub const ERROR: &str = "error";
}

/// What an item was read as.
pub struct Read {
    /// Its kind.
    pub kind: &'static str,
    /// What it is a reason for.
    pub effect: Effect,
    /// How a repeat is recognised; `None`: by its bytes.
    pub key: Option<DedupeKey>,
    /// Other names of its person.
    pub names: Vec<(String, Knowing)>,
}

/// Reads an item. The error says why it is set aside.
pub type ReadItem = fn(&Where<'_>, &Object<'_>) -> Result<Read, &'static str>;

/// The lists of a value, whatever its field.
pub const LISTS: [(&str, ReadItem); 7] = [
    ("messages", message),
    ("message_echoes", echo),
    ("statuses", status),
    ("calls", call),
    ("user_preferences", preference),
    ("user_id_update", id_update),
    ("errors", error),
];

const NOBODY: &str = "an item that names no person";

/// The object of an item, if it can become an entry of a file.
///
/// # Errors
/// Why it cannot.
pub fn check<'a>(text: &'a str, raw: &[u8]) -> Result<Object<'a>, &'static str> {
    if std::str::from_utf8(raw).is_err() {
        return Err("an item that is not UTF-8");
    }
    let object = Object::parse(text).ok_or("an item that is no object")?;
    if is_too_deep(text) { Err("an item that is nested too deeply") } else { Ok(object) }
}

/// The key of what has no id.
pub fn key_of_bytes(account: &str, kind: &str, raw: &[u8]) -> DedupeKey {
    DedupeKey::new(NAME, account, &[b"bytes", kind.as_bytes(), &Sha256::digest(raw)])
}

/// The key of a message, whoever sent it: two of our numbers may see one id.
#[must_use]
pub fn message_key(account: &Id, id: &str) -> DedupeKey {
    DedupeKey::new(NAME, account.as_str(), &[b"id", id.as_bytes()])
}

/// The key of a message, of which an operator knows the id.
#[must_use]
pub fn key_of_message(account: &str, id: &str) -> Option<DedupeKey> {
    Id::parse(account).map(|account| message_key(&account, id))
}

fn filled<'a>(object: &Object<'a>, name: &str) -> Option<Cow<'a, str>> {
    object.text(name).filter(|text| !text.is_empty())
}

/// The key made of a word and these members; `None` without the first of them.
fn key_of(place: &Where<'_>, word: &str, object: &Object<'_>, members: &[&str]) -> Option<DedupeKey> {
    let values: Vec<Cow<'_, str>> = members.iter().map(|name| object.text(name).unwrap_or_default()).collect();
    if values.first().is_none_or(|first| first.is_empty()) {
        return None;
    }
    let parts: Vec<&[u8]> =
        std::iter::once(word.as_bytes()).chain(values.iter().map(|value| value.as_bytes())).collect();
    Some(DedupeKey::new(NAME, place.account.as_str(), &parts))
}

fn key_of_id(place: &Where<'_>, object: &Object<'_>) -> Option<DedupeKey> {
    filled(object, "id").map(|id| message_key(&place.account, &id))
}

/// Whoever stands behind these members: a number and a user id, or a group.
fn whose(people: &People, object: &Object<'_>, number: &str, user: &str) -> Option<Identity> {
    match filled(object, "group_id") {
        Some(group) => Identity::of_group(&group),
        None => people.find(filled(object, number).as_deref(), filled(object, user).as_deref()),
    }
}

/// What a person sent.
fn message(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let kind = match object.text("type").as_deref() {
        Some("system" | "customer_changed_number") => return system(place, object),
        Some("reaction") => kind::REACTION,
        Some("edit") => kind::EDIT,
        Some("revoke") => kind::REVOKE,
        Some("request_welcome") => kind::WELCOME,
        _ => kind::MESSAGE,
    };
    let identity = whose(place.people, object, "from", "from_user_id").ok_or(NOBODY)?;
    Ok(entry(place, object, identity, kind))
}

/// What went out, and was not sent by this service.
fn echo(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let kind = match object.text("type").as_deref() {
        Some("reaction") => kind::REACTION,
        Some("edit") => kind::EDIT,
        Some("revoke") => kind::REVOKE,
        _ if place.source == Source::Standby => kind::STANDBY_ECHO,
        _ => kind::ECHO,
    };
    let identity = whose(place.people, object, "to", "to_user_id").ok_or(NOBODY)?;
    Ok(entry(place, object, identity, kind))
}

/// A message of the past: what went out says to whom.
pub fn of_history(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    if object.has("to") || object.has("to_user_id") { echo(place, object) } else { message(place, object) }
}

/// An entry of a conversation's file.
fn entry(place: &Where<'_>, object: &Object<'_>, identity: Identity, kind: &'static str) -> Read {
    let person = identity.person.name();
    let opens = matches!(kind, kind::MESSAGE | kind::ECHO | kind::STANDBY_ECHO | kind::COPY);
    let original = object.object("revoke").and_then(|revoke| filled(&revoke, "original_message_id"));
    let effect = match original {
        Some(original) if kind == kind::REVOKE => {
            Effect::Unsend { person, keys: vec![message_key(&place.account, &original)] }
        }
        _ => Effect::Conversation { person, opens },
    };
    Read { kind, effect, key: key_of_id(place, object), names: identity.names }
}

/// A person's number or id changed. What stood under the old ones goes on under the new id. There are no contacts here.
/// Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system> (2026).
fn system(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let inner = object.object("system");
    let of = |object: Option<&Object<'_>>, name: &str, read: fn(&str) -> Option<Person>| {
        object.and_then(|object| filled(object, name)).and_then(|text| read(&text))
    };
    let (from, from_user) =
        (of(Some(object), "from", Person::of_number), of(Some(object), "from_user_id", Person::of_user_id));
    let number = of(inner.as_ref(), "wa_id", Person::of_number);
    let user = of(inner.as_ref(), "user_id", Person::of_user_id);
    let previous = of(inner.as_ref(), "previous_user_id", Person::of_user_id);
    let now = user.or_else(|| from_user.clone().filter(|user| Some(user) != previous.as_ref()));
    let now = now.or_else(|| number.clone()).or_else(|| from.clone()).ok_or(NOBODY)?;
    let identity = Identity::of_changed(now, &[previous, from_user, from], number);
    Ok(entry(place, object, identity, kind::SYSTEM))
}

/// What became of a message that went out. The same id comes with each status, and with each participant of a group.
fn status(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let recipient = filled(object, "recipient_id");
    let identity = match object.text("recipient_type").as_deref() {
        Some("group") => recipient.as_deref().and_then(Identity::of_group),
        _ => place.people.find(recipient.as_deref(), filled(object, "recipient_user_id").as_deref()),
    };
    let Identity { person, names } = identity.ok_or(NOBODY)?;
    let participant = match object.has("recipient_participant_user_id") {
        true => "recipient_participant_user_id",
        false => "recipient_participant_id",
    };
    let is_call = object.text("type").as_deref() == Some("call");
    let kind = if is_call { kind::CALL_STATUS } else { kind::STATUS };
    let key = key_of(place, kind, object, &["id", "status", participant]);
    Ok(Read { kind, effect: Effect::Report { person: person.name() }, key, names })
}

/// A call, or a step of it.
fn call(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let is_ours = object.text("direction").as_deref() == Some("BUSINESS_INITIATED");
    let (number, user) = if is_ours { ("to", "to_user_id") } else { ("from", "from_user_id") };
    let Identity { person, names } = whose(place.people, object, number, user).ok_or(NOBODY)?;
    let key = key_of(place, kind::CALL, object, &["id", "event"]);
    Ok(Read { kind: kind::CALL, effect: Effect::Report { person: person.name() }, key, names })
}

/// Somebody stopped or resumed advertising messages.
fn preference(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let Identity { person, names } = whose(place.people, object, "wa_id", "user_id").ok_or(NOBODY)?;
    let name = person.name();
    let of = |member: &str| object.text(member).unwrap_or_default();
    let (time, category, value) = (of("timestamp"), of("category"), of("value"));
    let parts = [kind::PREFERENCE.as_bytes(), name.as_bytes(), time.as_bytes(), category.as_bytes(), value.as_bytes()];
    let key = Some(DedupeKey::new(NAME, place.account.as_str(), &parts));
    Ok(Read { kind: kind::PREFERENCE, effect: Effect::Report { person: name }, key, names })
}

/// A user id changed, as it was told before August 2026.
fn id_update(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let ids = object.object("user_id").ok_or(NOBODY)?;
    let of = |name: &str| filled(&ids, name).and_then(|text| Person::of_user_id(&text));
    let now = of("current").ok_or(NOBODY)?;
    let number = filled(object, "wa_id").and_then(|text| Person::of_number(&text));
    let Identity { person, names } = Identity::of_changed(now, &[of("previous")], number);
    let (name, time) = (person.name(), object.text("timestamp").unwrap_or_default());
    let parts = [kind::ID_UPDATE.as_bytes(), name.as_bytes(), time.as_bytes()];
    let key = Some(DedupeKey::new(NAME, place.account.as_str(), &parts));
    Ok(Read { kind: kind::ID_UPDATE, effect: Effect::Report { person: name }, key, names })
}

/// A partner was passed a thread, or lost it.
/// Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messaging-handovers> (2026).
pub fn handover(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let sender = object.object("sender").ok_or(NOBODY)?;
    let (number, user) = (filled(&sender, "phone_number"), filled(&sender, "user_id"));
    let number = number.as_deref().and_then(crate::whatsapp::person::digits_of);
    let Identity { person, names } = place.people.find(number.as_deref(), user.as_deref()).ok_or(NOBODY)?;
    Ok(Read { kind: kind::HANDOVER, effect: Effect::Report { person: person.name() }, key: None, names })
}

/// The platform reports an error that belongs to no message.
fn error(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let time = place.time.unwrap_or_default().to_string();
    let (code, details) = (object.text("code").unwrap_or_default(), object.get("error_data").unwrap_or_default());
    let parts = [kind::ERROR.as_bytes(), place.entry.as_bytes(), time.as_bytes(), code.as_bytes(), details.as_bytes()];
    let key = Some(DedupeKey::new(NAME, place.account.as_str(), &parts));
    let effect = Effect::SetAside("an error that the platform reports".into());
    Ok(Read { kind: kind::ERROR, effect, key, names: Vec::new() })
}

/// How content is taken back, and which event an entry of a file was.
pub const UNSENDING: Unsending = Unsending { tombstone, key_of: key_of_entry, event_of };

/// What is left of an entry whose content was taken back: who said it to whom and when, and its id.
fn tombstone(item: &[u8]) -> Vec<u8> {
    const KEPT: [&str; 8] = ["from", "from_user_id", "to", "to_user_id", "group_id", "id", "timestamp", "type"];
    let text = std::str::from_utf8(item).unwrap_or_default();
    let Some(object) = Object::parse(text) else { return b"{}".to_vec() };
    let kept = |name: &str| object.get(name).map(|value| format!("\"{name}\":{value}"));
    let mut members: Vec<String> = KEPT.into_iter().filter_map(kept).collect();
    members.push("\"is_deleted\":true".to_owned());
    format!("{{{}}}", members.join(",")).into_bytes()
}

/// The event that an entry of a conversation's file was.
fn event_of(account: &str, item: &str) -> Option<Event> {
    let account = Id::parse(account)?;
    let people = People::new(&[]);
    let place = Where { entry: "", account, time: None, source: Source::Import, people: &people };
    let object = check(item, item.as_bytes()).ok()?;
    let Read { kind, effect, key, .. } = of_history(&place, &object).ok()?;
    let account = place.account.as_str();
    Some(Event {
        channel: NAME,
        key: key.unwrap_or_else(|| key_of_bytes(account, kind, item.as_bytes())),
        account: account.to_owned(),
        kind: kind.into(),
        effect,
        occurred_at: object.integer("timestamp").and_then(crate::meta::id::milliseconds),
        name: None,
        source: Source::Import,
        payload: item.as_bytes().to_vec(),
    })
}

/// The key of an entry of a file.
fn key_of_entry(account: &str, item: &str) -> Option<DedupeKey> {
    event_of(account, item).map(|event| event.key)
}
