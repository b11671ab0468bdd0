//! What a person does with the phone.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::handle::{Happened, Number, Person};
use super::incoming::Draft;
use super::send::{Choice, Reach, Seen, SendFailure, receipts};
use super::state::PersonRecord;
use super::{deliver, send};
use crate::shared::channel::simulator::Queue;

impl Person {
    fn record<T>(&self, look: impl FnOnce(&mut PersonRecord) -> T) -> Option<T> {
        self.number.sandbox.core.world().people.get_mut(&self.key).map(look)
    }

    /// The business-scoped user id: `US.…`.
    #[must_use]
    pub fn user_id(&self) -> String {
        self.record(|person| person.user_id.clone()).unwrap_or_default()
    }

    /// The phone number, digits without a plus; businesses may not see it, see [`Person::hides_number`].
    #[must_use]
    pub fn phone(&self) -> String {
        self.record(|person| person.number.clone()).unwrap_or_default()
    }

    /// The same person with another business number.
    #[must_use]
    pub fn at(&self, number: &Number) -> Self {
        Self { number: number.clone(), key: self.key }
    }

    /// People dial another number for this person, as in Brazil, Mexico and Argentina: written to under that one, the answer tells the
    /// person's own (`wa_id`), and under that they write.
    pub fn is_dialled_as(&self, digits: &str) {
        self.record(|person| person.dialled_as.push(digits.to_owned()));
    }

    /// The person took a username: from now on businesses see `user_id` alone, and no `from`, `wa_id` or `recipient_id`.
    pub fn hides_number(&self, username: &str) {
        self.record(|person| {
            person.username = Some(username.to_owned());
            person.hides_number = true;
        });
    }

    /// The person's profile has no name.
    pub fn has_no_name(&self) {
        self.record(|person| person.name = None);
    }

    /// The business belongs to a portfolio that sees parent user ids: `US.ENT.…`.
    pub fn has_parent_user_id(&self, id: &str) {
        self.record(|person| person.parent_user_id = Some(id.to_owned()));
    }

    /// The person blocked the business, or writing to this person is impossible in another way.
    pub fn set_reach(&self, reach: Reach) {
        self.record(|person| person.reach = reach);
    }

    /// The person blocked the business: 131026 from now on.
    pub fn blocks(&self) {
        self.set_reach(Reach::Undeliverable);
    }

    /// The person takes the block back.
    pub fn unblocks(&self) {
        self.set_reach(Reach::Open);
    }

    /// The phone is off: messages are `sent` and wait.
    pub fn goes_offline(&self) {
        self.record(|person| person.is_online = false);
    }

    /// The phone is on again: what waited is delivered, and told.
    pub async fn comes_online(&self) -> Vec<u16> {
        self.record(|person| person.is_online = true);
        let core = &self.number.sandbox.core;
        let now = core.now();
        let changes = receipts::deliver_waiting(&mut core.world(), &self.number.id, self.key, now);
        self.tell(changes).await
    }

    async fn tell(&self, changes: Vec<super::state::Change>) -> Vec<u16> {
        let mut answers = Vec::new();
        for change in changes {
            answers.extend(deliver::happen(&self.number.sandbox.core, change, Queue::Receipt).await);
        }
        answers
    }

    /// Writes a text.
    pub async fn writes(&self, text: &str) -> Happened {
        self.send(Draft::new("text", json!({ "body": text }), text)).await
    }

    /// Writes a text that quotes a message of the business.
    pub async fn quotes(&self, id: &str, text: &str) -> Happened {
        let own = self.number.display();
        self.send(Draft::new("text", json!({ "body": text }), text).quoting(&own, id)).await
    }

    /// Taps the newest button, row or template button of this title: `button_reply`, `list_reply` or `button`. `None`: no
    /// message on the phone has it.
    pub async fn taps(&self, title: &str) -> Option<Happened> {
        let (id, choice) = {
            let mut world = self.number.sandbox.core.world();
            let chat = world.chat(&self.number.id, self.key);
            chat.seen.iter().rev().find_map(|seen| {
                let choice = seen.choices.iter().find(|choice| choice.title == title)?;
                Some((seen.id.clone(), choice.clone()))
            })?
        };
        Some(self.send(tapped(&choice).quoting(&self.number.display(), &id)).await)
    }

    /// Reads everything: a status `read` for each message of the business on the phone. The result says how they were
    /// answered.
    pub async fn reads(&self) -> Vec<u16> {
        let changes = receipts::read(&self.number.sandbox.core, &self.number.id, self.key);
        self.tell(changes).await
    }

    /// Puts an emoji on the newest message of the business; an empty one takes it back. `None`: there is no such message.
    pub async fn reacts(&self, emoji: &str) -> Option<Happened> {
        let id = self.received().last()?.id.clone();
        let content =
            if emoji.is_empty() { json!({"message_id": id}) } else { json!({"message_id": id, "emoji": emoji}) };
        let mut draft = Draft::new("reaction", content, emoji);
        draft.is_message = false;
        Some(self.send(draft).await)
    }

    /// Plays the newest voice note of the business: a status `played`. `None`: there is none.
    pub async fn plays(&self) -> Option<Vec<u16>> {
        let id = self.received().into_iter().rev().find(|seen| seen.kind == "audio")?.id;
        let change = receipts::played(&self.number.sandbox.core, &self.number.id, self.key, &id)?;
        Some(self.tell(vec![change]).await)
    }

    /// Sends something of which only the shape matters: a type, its member, and what stands beside it. For everything that
    /// has no verb of its own here.
    pub async fn sends_raw(&self, kind: &str, content: Value, beside: &[(&'static str, Value)]) -> Happened {
        let draft = Draft::new(kind, content, kind);
        self.send(beside.iter().fold(draft, |draft, (name, value)| draft.with(name, value.clone()))).await
    }

    /// Everything on the phone in this chat, in order.
    #[must_use]
    pub fn sees(&self) -> Vec<Seen> {
        self.number.sandbox.core.world().chat(&self.number.id, self.key).seen.clone()
    }

    /// What of the business is on the phone, in order: what was really delivered, each time it was.
    #[must_use]
    pub fn received(&self) -> Vec<Seen> {
        self.sees().into_iter().filter(|seen| seen.from_business).collect()
    }

    /// The texts of [`Person::received`].
    #[must_use]
    pub fn received_texts(&self) -> Vec<String> {
        self.received().into_iter().map(|seen| seen.text).collect()
    }

    /// The person sees that somebody is typing: for 25 s, or until the answer is there.
    #[must_use]
    pub fn sees_typing(&self) -> bool {
        let core = &self.number.sandbox.core;
        let now = core.now();
        core.world().chat(&self.number.id, self.key).typing_until.is_some_and(|until| now < until)
    }

    /// The window closes now: as if the last message were 24 hours old.
    pub fn lets_the_window_close(&self) {
        let core = &self.number.sandbox.core;
        let then = core.now() - TimeDelta::hours(24);
        core.world().chat(&self.number.id, self.key).last_inbound = Some(then);
    }

    /// The next `times` messages to this person fail in this way.
    pub fn fail_sends(&self, times: usize, failure: SendFailure) {
        self.fail_sends_after(0, times, failure);
    }

    /// As [`Person::fail_sends`], after `skip` messages that are answered as ever.
    pub fn fail_sends_after(&self, skip: usize, times: usize, failure: SendFailure) {
        let user_id = self.user_id();
        self.number.sandbox.core.world().sending.plans.plan(Some(&user_id), skip, times, failure);
    }

    /// A message of the business fails after all, with this code: a late status `failed`.
    pub async fn fails_late(&self, id: &str, code: i64) -> Vec<u16> {
        let change = send::failed_late(&self.number.sandbox.core, &self.number.id, id, code);
        self.tell(vec![change]).await
    }
}

fn tapped(choice: &Choice) -> Draft {
    let (id, title) = (&choice.id, &choice.title);
    if choice.is_template {
        return Draft::new("button", json!({"payload": id, "text": title}), title);
    }
    let kind = if choice.is_row { "list_reply" } else { "button_reply" };
    let mut reply = json!({"id": id, "title": title});
    if let Some(description) = &choice.description {
        reply["description"] = description.as_str().into();
    }
    let mut content = json!({ "type": kind });
    content[kind] = reply;
    Draft::new("interactive", content, title)
}
