//! WhatsApp's bytes for the fuzzers: what must hold for each, whatever they are.

use super::payload::{UNSENDING, split};
use super::person::Person;
use super::{meaning, view};
use crate::meta::id::Id;
use crate::shared::files::path::Name;
use crate::shared::fuzzing::Target;
use crate::shared::journal::{Effect, Event, Knowing};
use crate::shared::store::Item;

/// Name and body of every target of this channel.
pub const TARGETS: &[Target] = &[("whatsapp_delivery", delivery), ("whatsapp_ids", ids)];

/// A delivery is never nothing, its events can be stored, a repeat has the same keys, and whatever it says can be read.
fn delivery(bytes: &[u8]) {
    let whole = split(bytes);
    assert!(!whole.events.is_empty());
    for (seq, event) in (1..).zip(&whole.events) {
        check(event);
        if let Effect::Conversation { .. } = &event.effect {
            let item = Item { seq, at: 1, kind: event.kind.to_string(), payload: event.payload.clone() };
            let _ = (meaning::of(&item), (view::VIEW.conversations.map(|show| show(&event.account, &item))));
            let left = (UNSENDING.tombstone)(&event.payload);
            assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&left).is_ok());
        }
    }
    for known in &whole.names {
        assert!(known.event < whole.events.len());
        assert!(known.how == Knowing::Called || Person::of_name(&known.name).is_some(), "{}", known.name);
    }
    let again = split(bytes);
    assert!(whole.events.iter().map(|event| event.key).eq(again.events.iter().map(|event| event.key)));
}

/// What every event keeps to, so that it can be stored and become a file.
fn check(event: &Event) {
    assert!(event.account.is_empty() || Id::parse(&event.account).is_some(), "{:?}", event.account);
    assert!((1..=80).contains(&event.kind.chars().count()), "{:?}", event.kind);
    match &event.effect {
        Effect::Conversation { person, .. }
        | Effect::Report { person }
        | Effect::Receipt { person: Some(person), .. }
        | Effect::Unsend { person, .. } => {
            assert!(Person::of_name(person).is_some() && !event.account.is_empty(), "{person}");
            assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&event.payload).is_ok());
        }
        Effect::Receipt { person: None, .. } | Effect::Reread(_) => {}
        Effect::SetAside(reason) => assert!(!reason.is_empty()),
    }
}

/// What passes as an id is a name, and the name leads back to it: two ids never have one name.
fn ids(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for person in [Person::of_user_id(&text), Person::of_number(&text), Person::of_group(&text)].into_iter().flatten() {
        let name = person.name();
        assert!(Name::parse(&name).is_ok(), "{name}");
        assert_eq!(Person::of_name(&name), Some(person));
    }
}
