//! Conversation Routing: who owns a thread, standby copies for who does not, and how control moves.
//!
//! Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/conversation-routing> (pages of 2026-08 to
//! 2026-11): roles, triggers and the call; shapes as public code reads them. Releasing sends no event; an idle thread comes back
//! after 24 hours. What becomes of a message that is sent while another role owns the thread is in no document: it is taken.

use axum::extract::{Request, State};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::call::{Call, reply};
use super::deliver;
use super::error::ApiError;
use super::handle::{Happened, Number, Person};
use super::send::{Chat, Owner};
use super::state::{Change, Shared, World, contact, new_wamid, seconds};
use crate::shared::channel::simulator::Queue;

/// The role of the app that this simulator stands opposite to.
const OWN_ROLE: &str = "customer_service";

/// After so long without a message the thread comes back.
const IDLE: TimeDelta = TimeDelta::hours(24);

/// The role that owns the thread in place of ours.
pub(super) fn foreign(chat: Option<&Chat>, now: DateTime<Utc>) -> Option<String> {
    let owner = chat?.owner.as_ref()?;
    (now - owner.since < IDLE).then(|| owner.role.clone())
}

/// Turns a change about a thread that is not ours into its standby copy.
pub(super) fn copied(change: Change, is_foreign: bool) -> Change {
    if !is_foreign || change.field != "messages" {
        return change;
    }
    let mut value = change.value;
    let mut standby = json!({});
    for name in ["messages", "message_echoes", "statuses"] {
        if let Some(list) = value.as_object_mut().and_then(|members| members.remove(name)) {
            standby[name] = list;
        }
    }
    value["standby"] = standby;
    Change { field: "standby".to_owned(), value, ..change }
}

fn handover(world: &World, person: &Person, kind: &str, before: &str, after: &str, metadata: &str) -> Change {
    let record = world.people.get(&person.key);
    let recipient = world.metadata(&person.number.id);
    let now = person.number.sandbox.core.now();
    let mut sender = json!({});
    if let Some(record) = record {
        sender["phone_number"] = record.number.as_str().into();
        sender["user_id"] = record.user_id.as_str().into();
    }
    let mut value = json!({"messaging_product": "whatsapp", "metadata": recipient, "recipient": recipient, "sender": sender,
        "timestamp": seconds(now), "type": kind});
    value[kind] = json!({"previous_owner_role": before, "new_owner_role": after, "metadata": metadata});
    person.number.change("messaging_handovers", value, world)
}

impl Number {
    /// Another role (`escalation`, `marketing`, `ai_agent`, …) gets the thread with this person: `messaging_handovers` tells it,
    /// and from now on standby copies come.
    pub async fn loses_thread(&self, person: &Person, role: &str) -> Happened {
        self.moves(person, "control_taken", OWN_ROLE, role).await
    }

    /// The thread comes back: `control_passed` to us.
    pub async fn gets_thread(&self, person: &Person, from_role: &str) -> Happened {
        self.moves(person, "control_passed", from_role, OWN_ROLE).await
    }

    async fn moves(&self, person: &Person, kind: &str, before: &str, after: &str) -> Happened {
        let person = person.at(self);
        let core = &self.sandbox.core;
        let since = core.now();
        let change = {
            let mut world = core.world();
            let owner = (after != OWN_ROLE).then(|| Owner { role: after.to_owned(), since });
            world.chat(&self.id, person.key).owner = owner;
            handover(&world, &person, kind, before, after, "moved by the simulator")
        };
        let item = change.value.clone();
        let answers = deliver::happen(core, change, Queue::Event).await;
        Happened { id: String::new(), item, answers }
    }

    /// The other role that owns the thread writes to the person: a standby copy of its echo comes. The escalation partner takes
    /// the thread by writing.
    pub async fn role_writes(&self, person: &Person, role: &str, text: &str) -> Happened {
        let person = person.at(self);
        if role == "escalation"
            && foreign(self.sandbox.core.world().chats.get(&(self.id.clone(), person.key)), self.sandbox.core.now())
                .is_none()
        {
            self.loses_thread(&person, role).await;
        }
        let echo = self.echo(&person, text);
        let (change, id) = {
            let world = self.sandbox.core.world();
            let contacts: Vec<Value> = world.people.get(&person.key).map(contact).into_iter().collect();
            let value = json!({"messaging_product": "whatsapp", "metadata": world.metadata(&self.id), "contacts": contacts,
                "message_echoes": [echo]});
            (self.change("messages", value, &world), echo["id"].as_str().unwrap_or_default().to_owned())
        };
        let answers = deliver::happen(&self.sandbox.core, copied(change, true), Queue::Event).await;
        Happened { id, item: echo, answers }
    }

    /// An outgoing message of somebody else, on the person's phone and as an element of `message_echoes[]`.
    pub(super) fn echo(&self, person: &Person, text: &str) -> Value {
        let core = &self.sandbox.core;
        let now = core.now();
        let mut world = core.world();
        let id = new_wamid();
        let own = world.numbers.get(&self.id).map(|record| record.display.clone()).unwrap_or_default();
        let mut echo = json!({ "from": own });
        if let Some(record) = world.people.get(&person.key) {
            if !record.hides_number {
                echo["to"] = record.number.as_str().into();
            }
            echo["to_user_id"] = record.user_id.as_str().into();
        }
        echo["id"] = id.as_str().into();
        echo["timestamp"] = seconds(now).into();
        echo["type"] = "text".into();
        echo["text"] = json!({ "body": text });
        let seen = super::send::Seen {
            id,
            from_business: true,
            kind: "text".to_owned(),
            text: text.to_owned(),
            choices: Vec::new(),
            links: Vec::new(),
            content: echo.clone(),
            quotes: None,
            at: now,
            is_read: false,
        };
        world.chat(&self.id, person.key).seen.push(seen);
        echo
    }
}

/// `POST /{version}/{phone-number-id}/thread_control`.
pub(super) async fn thread_control(State(core): State<Shared>, request: Request) -> Response {
    let moved = async {
        let call = Call::read(&core, request).await?;
        call.authorise(&core, "whatsapp_business_management")
            .or_else(|_| call.authorise(&core, "whatsapp_business_messaging"))?;
        if call.body["messaging_product"] != "whatsapp" {
            return Err(ApiError::parameter("The parameter messaging_product is required."));
        }
        let now = core.now();
        let mut world = core.world();
        world.number(&call.object)?;
        let to = call.param("to").or_else(|| call.param("recipient")).unwrap_or_default();
        let digits: String = to.chars().filter(char::is_ascii_digit).collect();
        let person = world.person_by_user_id(&to).or_else(|| world.person_by_number(&digits));
        let person = person.ok_or_else(|| ApiError::parameter("Param to names nobody."))?;
        let action = call.param("action").unwrap_or_default();
        let is_ours = foreign(world.chats.get(&(call.object.clone(), person)), now).is_none();
        let refuses = world.refuses_control;
        let chat = world.chat(&call.object, person);
        match action.as_str() {
            "pass" | "release" if !is_ours => return Err(ApiError::new(10, "The app does not own the thread.")),
            _ if refuses => return Err(ApiError::new(10, "The app has no role for this number.")),
            "pass" | "release" => chat.owner = Some(Owner { role: "escalation".to_owned(), since: now }),
            "take" => chat.owner = None,
            _ => return Err(ApiError::parameter("Param action must be one of {pass, release, take}.")),
        }
        world.control_calls.push((to, action));
        Ok(json!({"success": true}))
    };
    reply(moved.await)
}
