//! People, and what their phones show.

use super::handle::{Person, Sandbox};
use super::send::{self, Seen, SendFailure};
use super::state::PersonRecord;
use crate::shared::channel::simulator::Queue;

impl Sandbox {
    /// A person with this id, as the bot knows it: base64 with `/`, `+` and `=`. Nobody is subscribed at first. Who exists is
    /// only renamed.
    pub fn person(&self, id: &str, name: &str) -> Person {
        let fresh = PersonRecord {
            name: String::new(),
            country: "LK".to_owned(),
            language: "en".to_owned(),
            api_version: 10,
            is_subscribed: false,
            has_written: false,
            is_online: true,
            has_device: true,
            last_inbound: None,
            unanswered: std::collections::VecDeque::new(),
            asked: Vec::new(),
            seen: Vec::new(),
            on_their_way: std::collections::VecDeque::new(),
        };
        self.core.world().people.entry(id.to_owned()).or_insert(fresh).name = name.to_owned();
        Person { sandbox: self.clone(), id: id.to_owned() }
    }
}

impl Person {
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut PersonRecord) -> T) -> Option<T> {
        self.sandbox.core.world().people.get_mut(&self.id).map(look)
    }

    /// The id by which the bot knows this person.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.clone()
    }

    /// The phone's Viber is this old: `min_api_version` above it is refused with 13.
    pub fn has_api_version(&self, version: u32) {
        self.with(|person| person.api_version = version);
    }

    /// The person has no device that can show messages of bots: 11.
    pub fn has_no_suitable_device(&self) {
        self.with(|person| person.has_device = false);
    }

    /// The phone is off: messages wait, and no `delivered` comes.
    pub fn goes_offline(&self) {
        self.with(|person| person.is_online = false);
    }

    /// The phone is on again: what waited is delivered, and told.
    pub async fn comes_online(&self) -> Vec<u16> {
        self.with(|person| person.is_online = true);
        let mut answers = Vec::new();
        for callback in send::deliver_waiting(&self.sandbox.core, &self.id) {
            let told = super::deliver::happen(&self.sandbox.core, callback, Queue::Receipt).await;
            answers.extend(told.into_iter().map(|(status, _)| status));
        }
        answers
    }

    /// Everything on the phone in this chat, in order.
    #[must_use]
    pub fn sees(&self) -> Vec<Seen> {
        self.with(|person| person.seen.clone()).unwrap_or_default()
    }

    /// What of the bot is on the phone, in order: what was really delivered, each time it was.
    #[must_use]
    pub fn received(&self) -> Vec<Seen> {
        self.sees().into_iter().filter(|seen| seen.from_bot).collect()
    }

    /// The texts of [`Person::received`].
    #[must_use]
    pub fn received_texts(&self) -> Vec<String> {
        self.received().into_iter().map(|seen| seen.text).collect()
    }

    /// The session ends now: as if the last message were 24 hours old.
    pub fn lets_the_session_end(&self) {
        let then = self.sandbox.core.now() - chrono::TimeDelta::hours(24);
        self.with(|person| person.last_inbound = Some(then));
    }

    /// The next `times` messages to this person fail in this way.
    pub fn fail_sends(&self, times: usize, failure: SendFailure) {
        self.fail_sends_after(0, times, failure);
    }

    /// As [`Person::fail_sends`], after `skip` messages that are answered as ever.
    pub fn fail_sends_after(&self, skip: usize, times: usize, failure: SendFailure) {
        self.sandbox.core.world().plans.plan(Some(&self.id), skip, times, failure);
    }
}
