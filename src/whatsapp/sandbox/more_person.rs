//! What people send besides text and media, and how they change.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages> and the pages
//! below it; `business-scoped-user-ids` with its change of 2026-08-11 for changed ids.

use serde_json::{Value, json};

use super::deliver;
use super::handle::{Happened, Person};
use super::incoming::Draft;
use crate::shared::channel::simulator::Queue;

impl Person {
    /// Sends a place; a chosen one has a name.
    pub async fn sends_location(&self, latitude: f64, longitude: f64, name: Option<&str>) -> Happened {
        let mut content = json!({"latitude": latitude, "longitude": longitude});
        if let Some(name) = name {
            content["name"] = name.into();
            content["address"] = "1 Pier Road".into();
        }
        self.send(Draft::new("location", content, name.unwrap_or_default())).await
    }

    /// Sends somebody's contact.
    pub async fn sends_contact(&self, name: &str, phone: &str) -> Happened {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        let contact = json!({"name": {"formatted_name": name, "first_name": name},
            "phones": [{"phone": phone, "wa_id": digits, "type": "CELL"}]});
        self.send(Draft::new("contacts", json!([contact]), name)).await
    }

    /// Orders from the catalogue: ids, quantities and prices of the products.
    pub async fn orders(&self, items: &[(&str, u32, f64)], text: &str) -> Happened {
        let row = |(id, quantity, price): &(&str, u32, f64)| json!({"product_retailer_id": id, "quantity": quantity, "item_price": price, "currency": "EUR"});
        let items: Vec<Value> = items.iter().map(row).collect();
        let content = json!({"catalog_id": "610000000000001", "text": text, "product_items": items});
        self.send(Draft::new("order", content, text)).await
    }

    /// Writes for the first time after a click on an ad.
    pub async fn writes_from_ad(&self, text: &str, ad: &str) -> Happened {
        let referral = json!({"source_url": "https://fb.me/ad", "source_id": ad, "source_type": "ad", "headline": "Autumn offer",
            "body": "Tea for two", "media_type": "image", "image_url": "https://cdn.example/ad.jpg", "ctwa_clid": "clid-test-1"});
        let draft = Draft::new("text", json!({ "body": text }), text).with("referral", referral);
        let happened = self.send(draft).await;
        let core = &self.number.sandbox.core;
        let now = core.now();
        core.world().chat(&self.number.id, self.key).ad_at = Some(now);
        happened
    }

    /// Asks about a product from its page.
    pub async fn asks_about_product(&self, text: &str, retailer_id: &str) -> Happened {
        let mut draft = Draft::new("text", json!({ "body": text }), text);
        draft.context = Some(json!({"from": self.number.display(), "id": "wamid.PRODUCT",
            "referred_product": {"catalog_id": "610000000000001", "product_retailer_id": retailer_id}}));
        self.send(draft).await
    }

    /// Forwards a text; one that was forwarded often is marked so.
    pub async fn forwards(&self, text: &str, often: bool) -> Happened {
        let mut draft = Draft::new("text", json!({ "body": text }), text);
        let mark = if often { "frequently_forwarded" } else { "forwarded" };
        draft.context = Some(json!({ mark: true }));
        self.send(draft).await
    }

    /// Fills in a form: its answers come as a text that holds JSON.
    pub async fn completes_flow(&self, answers: &Value) -> Happened {
        let content = json!({"type": "nfm_reply",
            "nfm_reply": {"name": "flow", "body": "Sent", "response_json": answers.to_string()}});
        self.send(Draft::new("interactive", content, "Sent")).await
    }

    /// Changes a message that this person sent.
    pub async fn edits(&self, id: &str, text: &str) -> Happened {
        let content = json!({"original_message_id": id, "message": {"type": "text", "text": {"body": text}}});
        let happened = self.send(self.aside("edit", content)).await;
        let mut world = self.number.sandbox.core.world();
        let chat = world.chat(&self.number.id, self.key);
        if let Some(seen) = chat.seen.iter_mut().find(|seen| seen.id == id) {
            text.clone_into(&mut seen.text);
        }
        happened
    }

    /// Deletes a message that this person sent.
    pub async fn revokes(&self, id: &str) -> Happened {
        let happened = self.send(self.aside("revoke", json!({"original_message_id": id}))).await;
        self.number.sandbox.core.world().chat(&self.number.id, self.key).seen.retain(|seen| seen.id != id);
        happened
    }

    /// Sends something that the API does not show: a poll, a GIF, …
    pub async fn sends_unsupported(&self, kind: &str) -> Happened {
        let error = json!({"code": 131_051, "title": "Message type unknown", "message": "Message type unknown",
            "error_data": {"details": "Message type is currently not supported."}});
        let draft = Draft::new("unsupported", json!({ "type": kind }), "").with("errors", json!([error]));
        self.send(draft).await
    }

    /// Opens the chat for the first time.
    pub async fn opens_chat(&self) -> Happened {
        self.send(self.aside("request_welcome", Value::Null)).await
    }

    /// Calls the business, which opens the window, and hangs up.
    pub async fn calls(&self) -> Happened {
        let core = &self.number.sandbox.core;
        let now = core.now();
        let (change, item) = {
            let mut world = core.world();
            world.chat(&self.number.id, self.key).last_inbound = Some(now);
            let person = world.people.get(&self.key).cloned();
            let item = json!({"id": format!("wacid.{}", now.timestamp_millis()), "from": person.as_ref().map(|one| one.number.clone()),
                "to": world.numbers.get(&self.number.id).map(|one| one.display.clone()), "event": "terminate",
                "direction": "USER_INITIATED", "timestamp": now.timestamp().to_string(), "status": "COMPLETED",
                "start_time": (now.timestamp() - 53).to_string(), "end_time": now.timestamp().to_string(), "duration": 53});
            let contacts: Vec<Value> = person.iter().map(super::state::contact).collect();
            let value = json!({"messaging_product": "whatsapp", "metadata": world.metadata(&self.number.id),
                "contacts": contacts, "calls": [item]});
            (self.number.change("calls", value, &world), item)
        };
        let answers = deliver::happen(core, change, Queue::Event).await;
        Happened { id: item["id"].as_str().unwrap_or_default().to_owned(), item, answers }
    }

    /// Moves to another phone number: the user id changes with it, and a `system` message with the old number tells both.
    pub async fn changes_number(&self, phone: &str) -> Happened {
        let (before, after) = self.moves_to(Some(phone), &format!("US.9{phone:0>17}"));
        let body = format!("User changed from {} to {phone}", before.0);
        let content = json!({"type": "user_changed_number", "body": body, "wa_id": phone, "user_id": after,
            "previous_user_id": before.1});
        self.sends_system(&before.0, content).await
    }

    /// Gets another user id and keeps the number.
    pub async fn changes_user_id(&self, user_id: &str) -> Happened {
        let (before, after) = self.moves_to(None, user_id);
        let body = format!("User changed from {} to {after}", before.1);
        let content = json!({"type": "user_changed_user_id", "body": body, "wa_id": before.0, "user_id": after,
            "previous_user_id": before.1});
        self.sends_system(&before.0, content).await
    }

    /// As [`Person::changes_user_id`], told by the field `user_id_update` as it was before 2026-08-11.
    pub async fn changes_user_id_in_the_old_form(&self, user_id: &str) -> Happened {
        let (before, after) = self.moves_to(None, user_id);
        let core = &self.number.sandbox.core;
        let now = core.now();
        let (change, value) = {
            let world = core.world();
            let name = world.people.get(&self.key).and_then(|person| person.name.clone());
            let value = json!({"messaging_product": "whatsapp", "metadata": world.metadata(&self.number.id),
                "contacts": [{"profile": {"name": name}, "wa_id": before.0}],
                "user_id_update": [{"wa_id": before.0, "detail": "id changed",
                    "user_id": {"previous": before.1, "current": after}, "timestamp": now.timestamp().to_string()}]});
            (self.number.change("user_id_update", value.clone(), &world), value)
        };
        let answers = deliver::happen(core, change, Queue::Event).await;
        Happened { id: String::new(), item: value, answers }
    }

    /// The number and the user id before, and the user id after.
    fn moves_to(&self, phone: Option<&str>, user_id: &str) -> ((String, String), String) {
        let mut world = self.number.sandbox.core.world();
        let Some(person) = world.people.get_mut(&self.key) else { return Default::default() };
        let before = (person.number.clone(), person.user_id.clone());
        if let Some(phone) = phone {
            phone.clone_into(&mut person.number);
        }
        user_id.clone_into(&mut person.user_id);
        (before, user_id.to_owned())
    }

    async fn sends_system(&self, from: &str, content: Value) -> Happened {
        let mut draft = self.aside("system", content);
        draft.from = Some(from.to_owned());
        self.send(draft).await
    }

    /// Something that is no message: it opens no window and shows nothing.
    fn aside(&self, kind: &str, content: Value) -> Draft {
        let mut draft = Draft::new(kind, content, "");
        draft.is_message = false;
        draft
    }

    /// Tells the business that promotions are unwanted (`stop`) or wanted (`resume`): `user_preferences`.
    pub async fn sets_marketing(&self, value: &str) -> Happened {
        let core = &self.number.sandbox.core;
        let now = core.now();
        let (change, value) = {
            let world = core.world();
            let person = world.people.get(&self.key);
            let contacts: Vec<Value> = person.map(super::state::contact).into_iter().collect();
            let mut item = json!({"user_id": person.map(|one| one.user_id.clone()), "detail": "User changed the preference",
                "category": "marketing_messages", "value": value, "timestamp": now.timestamp()});
            if let Some(person) = person.filter(|one| !one.hides_number) {
                item["wa_id"] = person.number.as_str().into();
            }
            let whole = json!({"messaging_product": "whatsapp", "metadata": world.metadata(&self.number.id),
                "contacts": contacts, "user_preferences": [item]});
            (self.number.change("user_preferences", whole.clone(), &world), whole)
        };
        let answers = deliver::happen(core, change, Queue::Event).await;
        Happened { id: String::new(), item: value, answers }
    }
}
