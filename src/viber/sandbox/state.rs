//! What the simulated platform knows: the bot, its webhook, people, and what was sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::send::memory::{OnItsWay, Seen, Sent};
use crate::shared::channel::simulator::{Now, Plans, Posts, Traffic, lock, random_text};

/// What handles and request handlers share.
pub(super) struct Core {
    pub bot_id: String,
    pub name: String,
    pub now: Now,
    pub traffic: Traffic,
    pub http: reqwest::Client,
    pub world: Mutex<World>,
    /// What is being sent by itself.
    pub tasks: TaskTracker,
}

/// Shared by all handlers.
pub(super) type Shared = Arc<Core>;

impl Core {
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

/// Where callbacks carry their signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signature {
    /// In the header `X-Viber-Content-Signature` and as `sig` in the query, as the platform does.
    #[default]
    Both,
    /// In the header alone.
    Header,
    /// In the query alone.
    Query,
    /// Right in the header, another in the query.
    Different,
}

/// The webhook in force.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    pub url: String,
    pub event_types: BTreeSet<String>,
    pub send_name: bool,
    pub send_photo: bool,
}

/// A person as the bot knows this person.
#[derive(Debug, Clone)]
pub(super) struct PersonRecord {
    pub name: String,
    pub country: String,
    pub language: String,
    pub api_version: u32,
    pub is_subscribed: bool,
    /// Has written, which subscribes without an event.
    pub has_written: bool,
    pub is_online: bool,
    pub has_device: bool,
    /// Until an answer comes or 24 hours after this, messages belong to a session.
    pub last_inbound: Option<DateTime<Utc>>,
    /// When the bot wrote since the person last did.
    pub unanswered: VecDeque<DateTime<Utc>>,
    /// When `get_user_details` was asked about this person.
    pub asked: Vec<DateTime<Utc>>,
    pub seen: Vec<Seen>,
    pub on_their_way: VecDeque<OnItsWay>,
}

/// One callback.
#[derive(Debug, Clone)]
pub(super) struct Callback {
    /// The event's name.
    pub event: String,
    pub body: Value,
}

/// Everything that changes.
pub(super) struct World {
    pub token: String,
    /// Callbacks are signed with this one in place of the token: for a while after it was replaced.
    pub signing_token: Option<String>,
    pub webhook: Option<Webhook>,
    /// Callbacks go here, whatever `set_webhook` said.
    pub delivery_url: Option<String>,
    pub signature: Signature,
    pub people: BTreeMap<String, PersonRecord>,
    /// Callbacks; the receipts are `delivered`, `seen` and `failed`.
    pub post: Posts<Callback>,
    pub receipts_before_answer: bool,
    pub sent: Vec<Sent>,
    /// Files that people sent: the type and the bytes, by their name.
    pub content: BTreeMap<String, (String, Vec<u8>)>,
    pub plans: Plans<u32>,
    pub ignores_rates: bool,
    /// Welcome messages that the service answered, whole, and why one was not shown.
    pub welcomes: Vec<(Value, Option<String>)>,
    /// What callbacks were answered with beside the status, if it was not empty: the event and the body.
    pub bodies: Vec<(String, String)>,
    next_token: u64,
}

impl World {
    pub(super) fn new(token: String) -> Self {
        let start = u64::from_str_radix(&random_text()[..12], 16).unwrap_or_default();
        Self {
            token,
            signing_token: None,
            content: BTreeMap::new(),
            webhook: None,
            delivery_url: None,
            signature: Signature::default(),
            people: BTreeMap::new(),
            post: Posts::default(),
            receipts_before_answer: false,
            sent: Vec::new(),
            plans: Plans::default(),
            ignores_rates: false,
            welcomes: Vec::new(),
            bodies: Vec::new(),
            // Beyond 2^53, and odd: no double holds it.
            next_token: 5_912_661_846_655_238_145 + start * 2,
        }
    }

    /// A new message token: a 64-bit integer that no double holds.
    pub(super) fn new_token(&mut self) -> u64 {
        self.next_token += 2;
        self.next_token
    }
}

/// What callbacks show of a person in full.
pub(super) fn user(id: &str, person: &PersonRecord, webhook: Option<&Webhook>) -> Value {
    let mut user = json!({ "id": id });
    if webhook.is_none_or(|webhook| webhook.send_name) {
        user["name"] = person.name.as_str().into();
    }
    if webhook.is_none_or(|webhook| webhook.send_photo) {
        user["avatar"] = format!("https://img.example.test/{}.jpg", person.name.len()).into();
    }
    user["country"] = person.country.as_str().into();
    user["language"] = person.language.as_str().into();
    user["api_version"] = person.api_version.into();
    user
}
