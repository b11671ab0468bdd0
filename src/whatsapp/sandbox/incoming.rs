//! The elements of `messages[]`, and how they come to the business.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages> and the pages
//! below it (2026).

use serde_json::{Value, json};

use super::deliver;
use super::handle::{Happened, Person};
use super::send::count_received;
use super::send::{Seen, memory::Chat};
use super::state::{Change, contact, new_wamid, seconds};

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
    /// It opens or restarts the window.
    pub is_message: bool,
}

impl Draft {
    pub(super) fn new(kind: &str, content: Value, text: &str) -> Self {
        let (kind, text) = (kind.to_owned(), text.to_owned());
        Self { kind, content, text, context: None, beside: Vec::new(), is_message: true }
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
        let answers = deliver::happen(&self.number.sandbox.core, change, deliver::Kind::Event).await;
        Happened { id, item, answers }
    }

    /// Puts a message into the chat: the change that tells of it, its element of `messages[]` and its id.
    fn put(&self, draft: Draft) -> (Change, Value, String) {
        let core = &self.number.sandbox.core;
        let now = core.now();
        let mut world = core.world();
        let id = new_wamid();
        let person = world.people.get(&self.key).cloned();
        let mut item = json!({});
        if let Some(person) = &person {
            if !person.hides_number {
                item["from"] = person.number.as_str().into();
            }
            item["from_user_id"] = person.user_id.as_str().into();
            if let Some(parent) = &person.parent_user_id {
                item["from_parent_user_id"] = parent.as_str().into();
            }
        }
        item["id"] = id.as_str().into();
        item["timestamp"] = seconds(now).into();
        item["type"] = draft.kind.as_str().into();
        if let Some(context) = &draft.context {
            item["context"] = context.clone();
        }
        if !draft.content.is_null() {
            item[&draft.kind] = draft.content;
        }
        for (name, value) in draft.beside {
            item[name] = value;
        }
        count_received(&mut world, &self.number.id, now);
        let chat = world.chat(&self.number.id, self.key);
        if draft.is_message {
            opened(chat, now);
            chat.seen.push(Seen {
                id: id.clone(),
                from_business: false,
                kind: draft.kind,
                text: draft.text,
                choices: Vec::new(),
                links: Vec::new(),
                content: item.clone(),
                quotes: draft.context.and_then(|context| context["id"].as_str().map(str::to_owned)),
                at: now,
                is_read: false,
            });
        }
        let mut value = json!({"messaging_product": "whatsapp", "metadata": world.metadata(&self.number.id)});
        // `system` messages come without contacts.
        if let Some(person) = person.filter(|_| item["type"] != "system") {
            value["contacts"] = json!([contact(&person)]);
        }
        value["messages"] = json!([item]);
        (self.number.change("messages", value, &world), item, id)
    }
}

/// The window opens or starts anew, and the pair may write as fast as ever.
fn opened(chat: &mut Chat, now: chrono::DateTime<chrono::Utc>) {
    chat.last_inbound = Some(now);
}
