//! The items of a delivery: messages, echoes, statuses, calls, and the rest that has a number.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::identity::{Changed, Identity, Ids, People};
use super::place::Where;
use crate::meta::id::Id;
use crate::shared::journal::{DedupeKey, Effect, Event, Knowing, SentPart, Source, Unsending};
use crate::shared::raw_json::{Object, is_too_deep};
use crate::whatsapp::names::NAME;
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
    pub(super) const ID_UPDATE: &str = "user_id_update";
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
    /// Another name of the event.
    pub name: Option<DedupeKey>,
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

/// The name that all edits of a message have: they have ids of their own.
fn edits_name(account: &Id, of: &str) -> DedupeKey {
    DedupeKey::new(NAME, account.as_str(), &[b"edits of", of.as_bytes()])
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

/// The members that say who sent something, and who got it: a number, a user id, and the one that linked portfolios share.
const FROM: [&str; 3] = ["from", "from_user_id", "from_parent_user_id"];
const TO: [&str; 3] = ["to", "to_user_id", "to_parent_user_id"];

/// Whoever stands behind these members, or a group.
fn whose(people: &People, object: &Object<'_>, [number, user, parent]: [&str; 3]) -> Option<Identity> {
    match filled(object, "group_id") {
        Some(group) => Identity::of_group(&group),
        None => people.find(Ids::of(object, number, user, parent)),
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
    let identity = whose(place.people, object, FROM).ok_or(NOBODY)?;
    Ok(entry(place, object, identity, kind))
}

/// What went out, and was not sent by this service.
fn echo(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let sent = sent_of(object);
    let sent = sent.as_ref().unwrap_or(object);
    let kind = match sent.text("type").as_deref() {
        Some("reaction") => kind::REACTION,
        Some("edit") => kind::EDIT,
        Some("revoke") => kind::REVOKE,
        _ if place.source == Source::Standby => kind::STANDBY_ECHO,
        _ => kind::ECHO,
    };
    let identity = whose(place.people, sent, TO).or_else(|| receiver(place.people, sent)).ok_or(NOBODY)?;
    Ok(entry(place, object, identity, kind))
}

/// What another partner sent, as it asked for it: standby copies hold the call in a member of its own, as it was observed in
/// September 2026.
#[must_use]
pub fn sent_of<'a>(echo: &Object<'a>) -> Option<Object<'a>> {
    if echo.has("type") { None } else { echo.object("message") }
}

/// Whoever a call goes to.
fn receiver(people: &People, call: &Object<'_>) -> Option<Identity> {
    if call.text("recipient_type").as_deref() == Some("group") {
        return filled(call, "to").and_then(|group| Identity::of_group(&group));
    }
    people.find(Ids::of(call, "recipient", "recipient", ""))
}

/// A message of the past: what went out says to whom.
pub fn of_history(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    if is_outgoing(object) { echo(place, object) } else { message(place, object) }
}

/// Whether something that stands in a file went out.
#[must_use]
pub fn is_outgoing(object: &Object<'_>) -> bool {
    object.has("to") || object.has("to_user_id") || sent_of(object).is_some()
}

/// An entry of a conversation's file.
fn entry(place: &Where<'_>, object: &Object<'_>, identity: Identity, kind: &'static str) -> Read {
    let person = identity.person.name();
    let opens = matches!(kind, kind::MESSAGE | kind::ECHO | kind::STANDBY_ECHO | kind::COPY);
    let original = |member: &str| object.object(member).and_then(|inner| inner.text("original_message_id"));
    let original = |member: &str| original(member).filter(|id| !id.is_empty());
    let effect = match original("revoke") {
        Some(original) if kind == kind::REVOKE => {
            let keys = vec![message_key(&place.account, &original), edits_name(&place.account, &original)];
            Effect::Unsend { person, keys }
        }
        _ => Effect::Conversation { person, opens },
    };
    let name = original("edit").filter(|_| kind == kind::EDIT).map(|original| edits_name(&place.account, &original));
    Read { kind, effect, key: key_of_id(place, object), name, names: identity.names }
}

/// A person's number or id changed. What stood under the old ones goes on under the new id. There are no contacts here. In a
/// group it is told to the group.
/// Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system> (2026).
fn system(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    if object.has("group_id") {
        let identity = whose(place.people, object, FROM).ok_or(NOBODY)?;
        return Ok(entry(place, object, identity, kind::SYSTEM));
    }
    let from = {
        let [number, user, parent] = FROM;
        Ids::of(object, number, user, parent)
    };
    let inner = object.object("system");
    let changed = match &inner {
        Some(inner) => Changed {
            now: Ids::of(inner, "wa_id", "user_id", "parent_user_id"),
            previous: filled(inner, "previous_user_id").and_then(|text| Person::of_user_id(&text)),
            from,
        },
        None => Changed { from, ..Changed::default() },
    };
    let identity = Identity::of_changed(changed).ok_or(NOBODY)?;
    Ok(entry(place, object, identity, kind::SYSTEM))
}

/// What became of a message that went out. The same id comes with each status, and with each participant of a group. Some
/// members had another spelling before May 2026. Whom it names says little: numbers are written in other ways, as Brazil's, and
/// left out where they are hidden.
fn status(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let recipient = filled(object, "recipient_id");
    let first = |names: [&'static str; 2]| names.into_iter().find(|name| object.has(name)).unwrap_or(names[0]);
    let identity = match object.text("recipient_type").as_deref() {
        Some("group") => filled(object, "group_id").or(recipient).as_deref().and_then(Identity::of_group),
        _ => {
            let parent = first(["recipient_parent_user_id", "parent_recipient_user_id"]);
            place.people.find(Ids::of(object, "recipient_id", "recipient_user_id", parent))
        }
    };
    let (person, names) = identity.map(|Identity { person, names }| (person.name(), names)).unzip();
    let participant = match object.has("recipient_participant_user_id") {
        true => "recipient_participant_user_id",
        false => first(["recipient_participant_id", "participant_recipient_id"]),
    };
    let is_call = object.text("type").as_deref() == Some("call");
    let kind = if is_call { kind::CALL_STATUS } else { kind::STATUS };
    let key = key_of(place, kind, object, &["id", "status", participant]);
    let of = filled(object, "id").filter(|_| !is_call).map(|id| SentPart {
        platform_id: id.into_owned(),
        mark: filled(object, "biz_opaque_callback_data").map(Cow::into_owned),
    });
    let name = of.as_ref().map(|of| DedupeKey::of_reports(NAME, place.account.as_str(), &of.platform_id));
    let effect = match (of, person) {
        (Some(of), person) => Effect::Receipt { person, of },
        (None, person) => Effect::Report { person: person.ok_or(NOBODY)? },
    };
    Ok(Read { kind, effect, key, name, names: names.unwrap_or_default() })
}

/// A call, or a step of it.
fn call(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let is_ours = object.text("direction").as_deref() == Some("BUSINESS_INITIATED");
    let Identity { person, names } = whose(place.people, object, if is_ours { TO } else { FROM }).ok_or(NOBODY)?;
    let key = key_of(place, kind::CALL, object, &["id", "event"]);
    Ok(Read { kind: kind::CALL, effect: Effect::Report { person: person.name() }, key, name: None, names })
}

/// Somebody stopped or resumed advertising messages.
fn preference(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let Identity { person, names } =
        whose(place.people, object, ["wa_id", "user_id", "parent_user_id"]).ok_or(NOBODY)?;
    let name = person.name();
    let of = |member: &str| object.text(member).unwrap_or_default();
    let (time, category, value) = (of("timestamp"), of("category"), of("value"));
    let parts = [kind::PREFERENCE.as_bytes(), name.as_bytes(), time.as_bytes(), category.as_bytes(), value.as_bytes()];
    let key = Some(DedupeKey::new(NAME, place.account.as_str(), &parts));
    Ok(Read { kind: kind::PREFERENCE, effect: Effect::Report { person: name }, key, name: None, names })
}

/// A user id changed, as it was told before August 2026.
fn id_update(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let ids = object.object("user_id").ok_or(NOBODY)?;
    let of = |name: &str| filled(&ids, name).and_then(|text| Person::of_user_id(&text));
    let now = of("current").ok_or(NOBODY)?;
    let number = filled(object, "wa_id").and_then(|text| Person::of_number(&text));
    let now = Ids { user: Some(now), number, parent: None };
    let changed = Changed { now, previous: of("previous"), from: Ids::default() };
    let Identity { person, names } = Identity::of_changed(changed).ok_or(NOBODY)?;
    let (name, time) = (person.name(), object.text("timestamp").unwrap_or_default());
    let parts = [kind::ID_UPDATE.as_bytes(), name.as_bytes(), time.as_bytes()];
    let key = Some(DedupeKey::new(NAME, place.account.as_str(), &parts));
    Ok(Read { kind: kind::ID_UPDATE, effect: Effect::Report { person: name }, key, name: None, names })
}

/// A partner was passed a thread, or lost it.
/// Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messaging-handovers> (2026).
pub fn handover(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let sender = object.object("sender").ok_or(NOBODY)?;
    let number = ["phone_number", "wa_id"].into_iter().find_map(|name| filled(&sender, name));
    let number = number.as_deref().and_then(crate::whatsapp::person::digits_of);
    let ids = Ids {
        number: number.as_deref().and_then(Person::of_number),
        ..Ids::of(&sender, "", "user_id", "parent_user_id")
    };
    let Identity { person, names } = place.people.find(ids).ok_or(NOBODY)?;
    Ok(Read { kind: kind::HANDOVER, effect: Effect::Report { person: person.name() }, key: None, name: None, names })
}

/// The platform reports an error that belongs to no message.
fn error(place: &Where<'_>, object: &Object<'_>) -> Result<Read, &'static str> {
    let time = place.time.unwrap_or_default().to_string();
    let (code, details) = (object.text("code").unwrap_or_default(), object.get("error_data").unwrap_or_default());
    let parts = [kind::ERROR.as_bytes(), place.entry.as_bytes(), time.as_bytes(), code.as_bytes(), details.as_bytes()];
    let key = Some(DedupeKey::new(NAME, place.account.as_str(), &parts));
    let effect = Effect::SetAside("an error that the platform reports".into());
    Ok(Read { kind: kind::ERROR, effect, key, name: None, names: Vec::new() })
}

/// How content is taken back, and which event an entry of a file was.
pub const UNSENDING: Unsending = Unsending { tombstone, event_of };

/// What is left of an entry whose content was taken back: who said it to whom and when, and its id.
fn tombstone(item: &[u8]) -> Vec<u8> {
    const KEPT: [&str; 8] = ["from", "from_user_id", "to", "to_user_id", "group_id", "id", "timestamp", "type"];
    const KEPT_OF_CALL: [&str; 4] = ["to", "recipient", "recipient_type", "type"];
    let text = std::str::from_utf8(item).unwrap_or_default();
    let Some(object) = Object::parse(text) else { return b"{}".to_vec() };
    let mut members = object.pairs(&KEPT);
    members.extend(sent_of(&object).map(|call| format!("\"message\":{{{}}}", call.pairs(&KEPT_OF_CALL).join(","))));
    if let Some(original) = object.object("edit").and_then(|edit| edit.get("original_message_id")) {
        members.push(format!("\"edit\":{{\"original_message_id\":{original}}}"));
    }
    members.push("\"is_deleted\":true".to_owned());
    format!("{{{}}}", members.join(",")).into_bytes()
}

/// The event that an entry of a conversation's file was.
fn event_of(account: &str, item: &str) -> Option<Event> {
    let account = Id::parse(account)?;
    let people = People::new(&[]);
    let place = Where { entry: "", account, time: None, source: Source::Import, people: &people };
    let object = check(item, item.as_bytes()).ok()?;
    let Read { kind, effect, key, name, .. } = of_history(&place, &object).ok()?;
    let account = place.account.as_str();
    Some(Event {
        channel: NAME,
        key: key.unwrap_or_else(|| key_of_bytes(account, kind, item.as_bytes())),
        account: account.to_owned(),
        kind: kind.into(),
        effect,
        occurred_at: object.integer("timestamp").and_then(crate::meta::id::milliseconds),
        name,
        source: Source::Import,
        payload: item.as_bytes().to_vec(),
    })
}
