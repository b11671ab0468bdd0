//! The elements of `messages[]`, and how they come to the business.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages> and the pages
//! below it (2026).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::deliver;
use super::handle::{Happened, Person};
use super::routing;
use super::send::count_received;
use super::send::{Chat, Seen};
use super::state::{Change, PersonRecord, contact, new_wamid, seconds};
use crate::shared::channel::simulator::Queue;

/// What a person sends, before it has an id.
pub(super) struct Draft {
    /// The type: `text`, `image`, …
    pub kind: String,
    /// The member that is named as the type.
    pub content: Value,
    /// What the person sees of it.
    pub text: String,
    pub context: Option<Value>,
    /// Other members beside it: `referral`, `errors`, `identity`.
    pub beside: Vec<(&'static str, Value)>,
    /// The group that it is for.
    pub group: Option<String>,
    /// The number that it seems to come from, in place of the person's, and then without a user id.
    pub from: Option<String>,
    /// It opens or restarts the window.
    pub is_message: bool,
}

impl Draft {
    pub(super) fn new(kind: &str, content: Value, text: &str) -> Self {
        let (kind, text) = (kind.to_owned(), text.to_owned());
        Self { kind, content, text, context: None, beside: Vec::new(), group: None, from: None, is_message: true }
    }

    pub(super) fn quoting(self, number: &str, id: &str) -> Self {
        Self { context: Some(json!({"from": number, "id": id})), ..self }
    }

    pub(super) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.beside.push((name, value));
        self
    }
}

impl Person {
    /// Puts a message into the chat, and delivers it.
    pub(super) async fn send(&self, draft: Draft) -> Happened {
        let (change, item, id) = self.put(draft);
        let answers = deliver::happen(&self.number.sandbox.core, change, Queue::Event).await;
        Happened { id, item, answers }
    }

    /// Puts a message into the chat: the change that tells of it, its element of `messages[]` and its id.
    fn put(&self, draft: Draft) -> (Change, Value, String) {
        let core = &self.number.sandbox.core;
        let now = core.now();
        let mut world = core.world();
        let id = new_wamid();
        let person = world.people.get(&self.key).cloned();
        let item = element(person.as_ref(), &draft, &id, now);
        count_received(&mut world, &self.number.id, now);
        if draft.is_message {
            let seen = shown(&draft, &id, &item, now);
            match draft.group.as_ref().and_then(|group| world.groups.get_mut(group)) {
                Some(group) => group.seen.push(seen),
                None => world.chat(&self.number.id, self.key).receive(seen, now),
            }
        }
        let mut value = json!({"messaging_product": "whatsapp", "metadata": world.metadata(&self.number.id)});
        // `system` messages come without contacts.
        if let Some(person) = person.filter(|_| item["type"] != "system") {
            value["contacts"] = json!([contact(&person)]);
        }
        value["messages"] = json!([item]);
        let change = self.number.change("messages", value, &world);
        let is_foreign = draft.group.is_none() && world.chat(&self.number.id, self.key).is_foreign(now);
        (routing::copied(change, is_foreign), item, id)
    }
}

/// The element of `messages[]`.
fn element(person: Option<&PersonRecord>, draft: &Draft, id: &str, now: DateTime<Utc>) -> Value {
    let mut item = json!({});
    match (person, &draft.from) {
        (_, Some(from)) => item["from"] = from.as_str().into(),
        (Some(person), None) => {
            if !person.hides_number {
                item["from"] = person.number.as_str().into();
            }
            item["from_user_id"] = person.user_id.as_str().into();
            if let Some(parent) = &person.parent_user_id {
                item["from_parent_user_id"] = parent.as_str().into();
            }
        }
        (None, None) => {}
    }
    if let Some(group) = &draft.group {
        item["group_id"] = group.as_str().into();
    }
    item["id"] = id.into();
    item["timestamp"] = seconds(now).into();
    item["type"] = draft.kind.as_str().into();
    if let Some(context) = &draft.context {
        item["context"] = context.clone();
    }
    if !draft.content.is_null() {
        item[&draft.kind] = draft.content.clone();
    }
    for (name, value) in &draft.beside {
        item[*name] = value.clone();
    }
    item
}

fn shown(draft: &Draft, id: &str, item: &Value, at: DateTime<Utc>) -> Seen {
    Seen {
        id: id.to_owned(),
        from_business: false,
        kind: draft.kind.clone(),
        text: draft.text.clone(),
        choices: Vec::new(),
        links: Vec::new(),
        content: item.clone(),
        quotes: draft.context.as_ref().and_then(|context| context["id"].as_str().map(str::to_owned)),
        at,
        is_read: false,
    }
}

impl Chat {
    /// A message of the person: the window opens or starts anew.
    fn receive(&mut self, seen: Seen, now: DateTime<Utc>) {
        self.last_inbound = Some(now);
        self.seen.push(seen);
    }

    /// Whether another role owns the thread. Whoever writes keeps it from falling back.
    fn is_foreign(&mut self, now: DateTime<Utc>) -> bool {
        let is_foreign = routing::foreign(Some(self), now).is_some();
        match &mut self.owner {
            Some(owner) if is_foreign => owner.since = now,
            owner => *owner = None,
        }
        is_foreign
    }
}
