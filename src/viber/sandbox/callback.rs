//! The callbacks: what happens, in the shapes of the documents.
//!
//! Source: <https://creators.viber.com/docs/bots-api/events/> and <https://developers.viber.com/docs/api/rest-bot-api/> (2026).

use serde_json::{Value, json};

use super::deliver;
use super::handle::{Person, Sandbox};
use super::send::{self, memory::Seen};
use super::state::{Callback, user};
use crate::shared::channel::simulator::Queue;

/// The node that callbacks name now and then.
const CHAT_HOSTNAME: &str = "SN-CHAT-05_";

/// Something that happened, and how its callback was received.
#[derive(Debug, Clone)]
pub struct Happened {
    /// Its message token; of a receipt, that of the message that it is about.
    pub token: u64,
    /// The whole body.
    pub body: Value,
    /// The HTTP statuses that it was answered with: none while callbacks are held or lost, and where nobody wants them. What
    /// was not answered with 200 waits for [`Sandbox::release`].
    pub answers: Vec<u16>,
}

/// A chat that was opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The event.
    pub happened: Happened,
    /// The body of the service's answer, if it was one: the person sees it as a welcome message.
    pub welcome: Option<Value>,
    /// Why the platform did not show it.
    pub refused: Option<String>,
}

impl Sandbox {
    /// Sends a callback with this event and these members; `event`, `timestamp`, `message_token` and `chat_hostname` are added
    /// where they are missing.
    pub async fn happens(&self, event: &str, members: Value) -> Happened {
        self.callback(event, members).await.0
    }

    pub(super) async fn callback(&self, event: &str, members: Value) -> (Happened, Vec<String>) {
        let token = members["message_token"].as_u64().unwrap_or_else(|| self.core.world().new_token());
        let mut body = json!({"event": event, "timestamp": self.core.now().timestamp_millis(),
            "chat_hostname": CHAT_HOSTNAME, "message_token": token});
        if let Some(members) = members.as_object() {
            for (name, value) in members {
                body[name] = value.clone();
            }
        }
        let queue = if ["delivered", "seen", "failed"].contains(&event) { Queue::Receipt } else { Queue::Event };
        let callback = Callback { event: event.to_owned(), body: body.clone() };
        let (answers, bodies) = deliver::happen(&self.core, callback, queue).await.into_iter().unzip();
        (Happened { token, body, answers }, bodies)
    }
}

impl Person {
    /// Opens the chat: `conversation_started`, with the context of the link if there was one. What the service answers may be
    /// a welcome message. Opening is no subscription.
    pub async fn opens_chat(&self, context: Option<&str>) -> Opened {
        let (user, is_subscribed) = {
            let world = self.sandbox.core.world();
            let person = world.people.get(&self.id);
            let shown = person.map(|person| user(&self.id, person, world.webhook.as_ref()));
            (shown.unwrap_or_default(), person.is_some_and(|person| person.is_subscribed))
        };
        let mut members = json!({"type": "open", "user": user, "subscribed": is_subscribed});
        if let Some(context) = context {
            members["context"] = context.into();
        }
        let (happened, bodies) = self.sandbox.callback("conversation_started", members).await;
        let body = bodies.into_iter().find(|body| !body.is_empty());
        let Some(body) = body else { return Opened { happened, welcome: None, refused: None } };
        let welcome: Value = serde_json::from_str(&body).unwrap_or_else(|_| body.into());
        let refused = send::welcome(&self.sandbox.core, &self.id, &welcome).err();
        self.sandbox.core.world().welcomes.push((welcome.clone(), refused.clone()));
        Opened { happened, welcome: Some(welcome), refused }
    }

    /// Subscribes by the button: a `subscribed` event. The first message subscribes, too, but without an event.
    pub async fn subscribes(&self) -> Happened {
        self.with(|person| person.is_subscribed = true);
        let user = {
            let world = self.sandbox.core.world();
            world.people.get(&self.id).map(|person| user(&self.id, person, world.webhook.as_ref())).unwrap_or_default()
        };
        self.sandbox.happens("subscribed", json!({ "user": user })).await
    }

    /// Unsubscribes: sends fail with status 6 until the person writes or subscribes again.
    pub async fn unsubscribes(&self) -> Happened {
        self.with(|person| {
            person.is_subscribed = false;
            person.has_written = false;
        });
        self.sandbox.happens("unsubscribed", json!({"user_id": self.id})).await
    }

    /// Writes a text.
    pub async fn writes(&self, text: &str) -> Happened {
        self.sends(json!({"type": "text", "text": text})).await
    }

    /// Taps the button of this text on the newest keyboard or card that has it: a message with its `ActionBody`. `None`:
    /// nothing on the phone has it, or it only opens a link.
    pub async fn taps(&self, text: &str) -> Option<Happened> {
        let button = self
            .sees()
            .into_iter()
            .rev()
            .find_map(|seen| seen.buttons.into_iter().find(|button| button.text == text))?;
        if button.action_type != "reply" {
            return None;
        }
        Some(self.writes(&button.action_body).await)
    }

    /// Sends a message: its member `message`, for example `{"type": "picture", "media": …}`. The data that the bot tracks comes
    /// back with it.
    pub async fn sends(&self, mut message: Value) -> Happened {
        let now = self.sandbox.core.now();
        let (sender, token) = {
            let mut world = self.sandbox.core.world();
            let webhook = world.webhook.clone();
            let token = world.new_token();
            let mut sender = json!({"id": self.id});
            if let Some(person) = world.people.get_mut(&self.id) {
                sender = user(&self.id, person, webhook.as_ref());
                let tracked =
                    person.seen.iter().rev().find(|seen| seen.from_bot).and_then(|seen| seen.tracking_data.clone());
                if let (Some(data), None) = (tracked, message.get("tracking_data")) {
                    message["tracking_data"] = data.into();
                }
                // The first message subscribes, without an event.
                (person.is_subscribed, person.has_written) = (true, true);
                person.last_inbound = Some(now);
                person.unanswered.clear();
                person.seen.push(Seen::of_person(token, &message, now));
            }
            (sender, token)
        };
        let members = json!({"message_token": token, "silent": false, "sender": sender, "message": message});
        self.sandbox.happens("message", members).await
    }

    /// Sends a picture with a caption; the link is what callbacks carry, see [`Sandbox::put_content`].
    pub async fn sends_picture(&self, link: &str, caption: &str) -> Happened {
        let message = json!({"type": "picture", "media": link, "thumbnail": link, "text": caption, "file_name": "p1.jpg", "size": 20_480});
        self.sends(message).await
    }

    /// Sends a file.
    pub async fn sends_file(&self, link: &str, name: &str, size: u64) -> Happened {
        self.sends(json!({"type": "file", "media": link, "file_name": name, "size": size})).await
    }

    /// Sends a place.
    pub async fn sends_location(&self, lat: f64, lon: f64) -> Happened {
        self.sends(json!({"type": "location", "location": {"lat": lat, "lon": lon}})).await
    }

    /// Sends somebody's contact.
    pub async fn sends_contact(&self, name: &str, phone: &str) -> Happened {
        self.sends(json!({"type": "contact", "contact": {"name": name, "phone_number": phone}})).await
    }

    /// Sends a sticker.
    pub async fn sends_sticker(&self, id: u64) -> Happened {
        let link = format!("https://media.example.test/s{id}.png");
        self.sends(json!({"type": "sticker", "sticker_id": id, "media": link})).await
    }

    /// Reads everything: one `seen`, for the newest message of the bot, whatever the number of unread ones. `None`: all was
    /// read.
    pub async fn reads(&self) -> Option<Happened> {
        let token = self.with(|person| {
            let unread = person.seen.iter_mut().filter(|seen| seen.from_bot && !seen.is_read);
            unread
                .map(|seen| {
                    seen.is_read = true;
                    seen.token
                })
                .last()
        })??;
        Some(self.sandbox.happens("seen", json!({"message_token": token, "user_id": self.id})).await)
    }

    /// A message that the API took fails on the phone after all: a `failed` callback.
    pub async fn fails_late(&self, token: u64, reason: &str) -> Happened {
        self.with(|person| person.seen.retain(|seen| seen.token != token));
        self.sandbox.happens("failed", json!({"message_token": token, "user_id": self.id, "desc": reason})).await
    }
}
