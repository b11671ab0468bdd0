//! What Meta sends, split into events. Bytes are kept as they came; only what decides is looked at.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference> (2026). Members are
//! missing more often than the documents say, and numbers come as text.

mod account;
mod identity;
mod items;
mod place;

use std::borrow::Cow;

use self::identity::People;
pub use self::items::{UNSENDING, is_outgoing, key_of_message, kind, message_key, sent_of};
use self::place::Where;
use super::names::NAME;
use crate::meta::id::{Id, milliseconds};
use crate::meta::webhook::readable;
use crate::shared::journal::{AlsoKnown, Event, Source, short_word};
use crate::shared::raw_json::{Object, elements};

/// The one object of WhatsApp's deliveries.
const OBJECT: &str = "whatsapp_business_account";

/// The field that tells of threads that go from one partner to another: its value is one item.
const HANDOVERS: &str = "messaging_handovers";

/// The members of a value that say of what and of whom it is.
const KNOWN: [&str; 5] = ["messaging_product", "metadata", "recipient", "contacts", "standby"];

/// What a delivery holds.
#[derive(Default)]
pub struct Split {
    /// Its events.
    pub events: Vec<Event>,
    /// Other names of the people in them.
    pub names: Vec<AlsoKnown>,
}

/// Splits a delivery, whose signature is right, into its events: every item of every change of every entry, for every
/// number.
///
/// Nothing is lost: what cannot be read, is unknown or belongs nowhere becomes an event that is set aside. One bad item
/// costs its neighbours nothing.
#[must_use]
pub fn split(body: &[u8]) -> Split {
    let masked = readable(body);
    let mut splitter = Splitter { body, masked: &masked, split: Split::default() };
    splitter.delivery();
    splitter.split
}

/// A delivery under the knife.
struct Splitter<'a> {
    body: &'a [u8],
    masked: &'a str,
    split: Split,
}

impl<'a> Splitter<'a> {
    /// The bytes as they came behind a part of the text.
    fn original(&self, part: &'a str) -> &'a [u8] {
        let start = part.as_ptr() as usize - self.masked.as_ptr() as usize;
        &self.body[start..start + part.len()]
    }

    fn delivery(&mut self) {
        let Some(delivery) = Object::parse(self.masked) else {
            self.split.events.push(Event::of_no_object(NAME, self.body));
            return;
        };
        let object = delivery.text("object").unwrap_or_default();
        match delivery.get("entry").and_then(elements) {
            Some(entries) => entries.into_iter().for_each(|entry| match object == OBJECT {
                true => self.entry(entry),
                false => self.set_aside(
                    "",
                    format!("object {}", short_word(&object)),
                    "an object that is not handled",
                    entry,
                ),
            }),
            None => self.set_aside("", "delivery", "a delivery without entries", self.masked),
        }
        if self.split.events.is_empty() {
            self.set_aside("", "delivery", "a delivery without items", self.masked);
        }
    }

    fn entry(&mut self, text: &'a str) {
        let Some(entry) = Object::parse(text) else {
            return self.set_aside("", "entry", "an entry that is no object", text);
        };
        let Some(changes) = entry.get("changes").and_then(elements) else {
            return self.set_aside("", "entry", "an entry without changes", text);
        };
        let id = entry.text("id").unwrap_or_default();
        let time = entry.integer("time").and_then(milliseconds);
        for change in changes {
            self.change(&id, time, change);
        }
        self.others(("", &id, time), &entry, &["id", "time", "changes"]);
    }

    fn change(&mut self, entry: &str, time: Option<i64>, text: &'a str) {
        let Some(change) = Object::parse(text) else {
            return self.set_aside("", "change", "a change that is no object", text);
        };
        let field = change.text("field").unwrap_or_default();
        let value_text = change.get("value").unwrap_or_default();
        let Some(value) = Object::parse(value_text) else {
            return self.set_aside("", format!("change {}", short_word(&field)), "a change without a value", text);
        };
        let Some(account) = number_of(&value) else {
            let event = account::event(entry, &field, time, (self.original(value_text), self.original(text)));
            return self.split.events.push(event);
        };
        let before = self.split.events.len();
        let mut contacts: Vec<&str> = value.get("contacts").and_then(elements).unwrap_or_default();
        let standby = value.object("standby");
        contacts
            .extend(standby.as_ref().and_then(|inner| inner.get("contacts")).and_then(elements).unwrap_or_default());
        let people = People::new(&contacts);
        let place = |source| Where { entry, account: account.clone(), time, source, people: &people };
        match &*field {
            "history" => self.history(&place(Source::Import), &value),
            HANDOVERS => self.handover(&place(Source::Webhook), value_text),
            _ => self.items(&place(Source::Webhook), &value),
        }
        if let Some(inner) = &standby {
            self.items(&place(Source::Standby), inner);
        }
        if self.split.events.len() == before {
            let kind = format!("change {}", short_word(&field));
            let mut event =
                Event::set_aside(NAME, account.as_str(), kind, "a change that is not handled", self.original(text));
            event.key = account::key(account.as_str(), entry, &field, time, self.original(value_text));
            event.occurred_at = time;
            return self.split.events.push(event);
        }
        let of = (account.as_str(), entry, time);
        let is_history = field == "history";
        for object in standby.iter().chain((field != HANDOVERS).then_some(&value)) {
            let lists = items::LISTS.iter().map(|(member, _)| *member).filter(|_| !is_history);
            let known: Vec<&str> = KNOWN.into_iter().chain(lists).chain(is_history.then_some("history")).collect();
            self.others(of, object, &known);
        }
        self.others(of, &change, &["field", "value"]);
    }

    /// What stands beside what is handled, and is not known: kept, each member as one event. `of`: the account, the entry and
    /// its time. Numbers and marks say nothing of themselves.
    fn others(&mut self, of: (&str, &str, Option<i64>), object: &Object<'a>, known: &[&str]) {
        let (account, entry, time) = of;
        for (name, value) in object.members() {
            let is_known = known.iter().any(|known| known.as_bytes() == name);
            let is_empty = matches!(value.trim_matches(['[', ']', '{', '}', '"']).trim(), "");
            if is_known || is_empty || !value.starts_with(['[', '{', '"']) {
                continue;
            }
            let name = String::from_utf8_lossy(name);
            let kind = format!("member {}", short_word(&name));
            let raw = self.original(value);
            let mut event = Event::set_aside(NAME, account, kind, "a member that is not handled", raw);
            event.key = account::key(account, entry, &format!("member {name}"), time, raw);
            event.occurred_at = time;
            self.split.events.push(event);
        }
    }

    /// Everything that stands in lists of a value.
    fn items(&mut self, place: &Where<'_>, value: &Object<'a>) {
        for (member, read) in items::LISTS {
            let Some(list) = value.get(member).filter(|text| *text != "null") else { continue };
            match elements(list) {
                Some(found) => found.into_iter().for_each(|item| self.item(place, item, read)),
                None => self.set_aside(place.account.as_str(), member, "items that are no list", list),
            }
        }
    }

    /// A thread goes from one partner to another, and may go the same way again: nothing but the time of the entry tells one
    /// from the other.
    fn handover(&mut self, place: &Where<'_>, text: &'a str) {
        self.item(place, text, items::handover);
        if let Some(event) = self.split.events.last_mut() {
            event.key =
                account::key(place.account.as_str(), place.entry, HANDOVERS, place.time, event.payload.as_slice());
        }
    }

    /// The chats of a number that was on a phone before: conversations of the past, of which bots are not told.
    /// Source: the page "history" of the webhook reference (2026); the shape is not proven, so what does not fit is kept whole.
    fn history(&mut self, place: &Where<'_>, value: &Object<'a>) {
        for chunk in value.get("history").and_then(elements).unwrap_or_default() {
            let before = self.split.events.len();
            let threads = Object::parse(chunk).and_then(|chunk| chunk.get("threads").and_then(elements));
            for thread in threads.unwrap_or_default() {
                match Object::parse(thread).and_then(|thread| thread.get("messages").and_then(elements)) {
                    Some(found) => found.into_iter().for_each(|item| self.item(place, item, items::of_history)),
                    None => {
                        self.set_aside(place.account.as_str(), "history", "a thread without messages", thread);
                    }
                }
            }
            if self.split.events.len() == before {
                self.set_aside(place.account.as_str(), "history", "a part of a history without messages", chunk);
            }
        }
    }

    /// One item. What stands against reading it sets it aside.
    fn item(&mut self, place: &Where<'_>, text: &'a str, read: items::ReadItem) {
        let raw = self.original(text);
        let account = place.account.as_str();
        let object = match items::check(text, raw) {
            Ok(object) => object,
            Err(reason) => return self.split.events.push(Event::set_aside(NAME, account, "item", reason, raw)),
        };
        let at = object.integer("timestamp").and_then(milliseconds).or(place.time);
        let event = match read(place, &object) {
            Ok(read) => {
                let index = self.split.events.len();
                let known = |(name, how)| AlsoKnown { event: index, name, how };
                self.split.names.extend(read.names.into_iter().map(known));
                Event {
                    channel: NAME,
                    account: account.to_owned(),
                    key: read.key.unwrap_or_else(|| items::key_of_bytes(account, read.kind, raw)),
                    kind: read.kind.into(),
                    effect: read.effect,
                    occurred_at: at,
                    name: read.name,
                    source: place.source,
                    payload: raw.to_vec(),
                }
            }
            Err(reason) => Event { occurred_at: at, ..Event::set_aside(NAME, account, "item", reason, raw) },
        };
        self.split.events.push(event);
    }

    fn set_aside(&mut self, account: &str, kind: impl Into<Cow<'static, str>>, reason: &'static str, text: &'a str) {
        let event = Event::set_aside(NAME, account, kind, reason, self.original(text));
        self.split.events.push(event);
    }
}

/// The number that a change is about.
fn number_of(value: &Object<'_>) -> Option<Id> {
    let number = ["metadata", "recipient"].into_iter().find_map(|member| value.object(member)?.text("phone_number_id"));
    Id::parse(&number?)
}
