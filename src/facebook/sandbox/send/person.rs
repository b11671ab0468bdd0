//! What a person does with what was sent, and what other senders than our app write: all that opens a window or ends it.

use serde_json::{Value, json};

use super::super::handle::Person;
use super::super::happening::happening;
use super::super::page::{Draft, Page};

/// How long after the person's message an automatic answer comes.
const INSTANT_MS: i64 = 800;

impl Page {
    /// The person taps the quick reply of this title. `None`: the newest message of the thread carries none of that title.
    /// Quick replies are gone as soon as anything follows.
    pub fn tap(&self, person: &Person, title: &str) -> Option<Value> {
        let newest = self.with_thread(person, |thread| {
            let newest = thread.messages.last()?;
            newest.quick_replies.iter().find(|reply| reply.title == title).cloned()
        });
        let reply = newest?;
        Some(self.write(person, Draft { text: title, quick_reply: Some(&reply.payload), ..Draft::default() }))
    }

    /// The person presses the button of this title on the newest template that has it. `None`: there is none.
    pub fn press(&self, person: &Person, title: &str) -> Option<Value> {
        let button = self.with_thread(person, |thread| {
            let buttons = thread.messages.iter().rev().flat_map(|message| message.buttons.iter());
            buttons.into_iter().find(|button| button.title == title).cloned()
        })?;
        Some(self.postback_from(person, &button.title, &button.payload))
    }

    /// The person's first message after a click on an ad.
    pub fn message_from_ad(&self, person: &Person, text: &str, ad_id: &str) -> Value {
        let mut item = self.message_from(person, text);
        item["message"]["referral"] = json!({"ref": "ad", "ad_id": ad_id, "source": "ADS", "type": "OPEN_THREAD",
            "ads_context_data": {"ad_title": "Spring", "photo_url": "https://cdn.example/ad.jpg",
                "post_id": format!("{}_55", self.id)}});
        self.with_thread(person, |thread| thread.ad_ms = Some(thread.last_ms));
        item
    }

    /// The person follows a link into the existing thread.
    pub fn referral_from(&self, person: &Person, reference: &str) -> Value {
        let content = json!({"ref": reference, "source": "SHORTLINK", "type": "OPEN_THREAD"});
        self.act(person, "referral", content)
    }

    /// The person agrees to notifications about this.
    pub fn optin_from(&self, person: &Person, payload: &str) -> Value {
        let content = json!({"type": "notification_messages", "payload": payload,
            "notification_messages_token": format!("token-{payload}"), "notification_messages_timezone": "Europe/Berlin",
            "user_token_status": "NOT_REFRESHED", "title": "Deals"});
        self.act(person, "optin", content)
    }

    fn act(&self, person: &Person, key: &str, content: Value) -> Value {
        happening(&self.sandbox.core, &self.id, &person.id, key, |thread| {
            thread.acted_ms = Some(thread.last_ms);
            content
        })
    }

    /// A human answers elsewhere: an echo that names no app. See [`Page::reply_to`] for one with the id of the inbox.
    pub fn reply_without_app_id(&self, person: &Person, text: &str) -> Value {
        self.write(person, Draft { text, is_echo: true, ..Draft::default() })
    }

    /// The Page's own automation answers less than a second after the last message, wherever the clock stands: an echo
    /// that names no app.
    pub fn instant_reply(&self, person: &Person, text: &str) -> Value {
        let at_ms = self.with_thread(person, |thread| thread.last_ms + INSTANT_MS);
        self.write(person, Draft { text, is_echo: true, at_ms: Some(at_ms), ..Draft::default() })
    }
}
