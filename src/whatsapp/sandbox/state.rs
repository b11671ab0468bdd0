//! What the simulated platform knows: numbers and the accounts they belong to, people, chats, tokens, and what was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::error::ApiError;
use super::records::{GroupRecord, MediaRecord, TemplateRecord};
use super::send::memory::{Chat, Reach, Sending};
use crate::shared::channel::simulator::{Now, Posts, Traffic, lock};

/// What handles and request handlers share.
pub(super) struct Core {
    pub app_id: String,
    pub app_secret: String,
    pub now: Now,
    pub traffic: Traffic,
    pub http: reqwest::Client,
    /// Known once the server listens.
    pub url: OnceLock<String>,
    pub world: Mutex<World>,
    /// What is being sent by itself.
    pub tasks: TaskTracker,
}

impl Core {
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    pub(super) fn url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

/// A business number.
#[derive(Debug, Clone)]
pub(super) struct NumberRecord {
    pub waba: String,
    /// Digits without a plus.
    pub display: String,
    pub name: String,
    /// Where the webhooks of this number go, instead of to the account's address.
    pub override_url: Option<String>,
}

/// A person with WhatsApp.
#[derive(Debug, Clone)]
pub(super) struct PersonRecord {
    /// Digits without a plus; everybody has a number, but businesses do not always see it.
    pub number: String,
    /// Other numbers under which they are written to.
    pub dialled_as: Vec<String>,
    pub user_id: String,
    pub parent_user_id: Option<String>,
    pub name: Option<String>,
    pub username: Option<String>,
    /// Businesses see the user id alone.
    pub hides_number: bool,
    pub reach: Reach,
    pub is_online: bool,
}

/// How an account is subscribed to the app.
#[derive(Debug, Clone, Default)]
pub(super) struct Subscribed {
    pub override_url: Option<String>,
}

/// The subscription of the app itself, as the dashboard shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AppSubscription {
    pub callback_url: String,
    pub fields: BTreeSet<String>,
}

/// An access token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// The subcode of error 190 that it is refused with.
    pub dead: Option<u32>,
    pub issued_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub scopes: Vec<String>,
}

/// One thing that a webhook tells.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub waba: String,
    /// The number that it is about; account and template fields have none.
    pub number: Option<String>,
    pub field: String,
    pub value: Value,
}

/// Everything that changes.
#[derive(Default)]
pub(super) struct World {
    pub numbers: BTreeMap<String, NumberRecord>,
    pub people: BTreeMap<u64, PersonRecord>,
    pub chats: BTreeMap<(String, u64), Chat>,
    pub tokens: BTreeMap<String, Token>,
    pub app_subscription: Option<AppSubscription>,
    /// The accounts that are subscribed to the app.
    pub subscribed: BTreeMap<String, Subscribed>,
    /// Deliveries go here, whatever the subscriptions say.
    pub delivery_url: Option<String>,
    /// Webhooks; statuses of messages that the API took are the receipts.
    pub post: Posts<Change>,
    pub receipts_before_answer: bool,
    pub sending: Sending,
    pub templates: Vec<TemplateRecord>,
    pub media: BTreeMap<String, MediaRecord>,
    /// The last part of a link to a medium: which one, and until when.
    pub media_links: BTreeMap<String, (String, DateTime<Utc>)>,
    pub tells_media_links: bool,
    pub groups: BTreeMap<String, GroupRecord>,
    /// No list gives more than so many at once.
    pub part_limit: Option<usize>,
    /// The app has no role of Conversation Routing.
    pub refuses_control: bool,
    /// Answers to calls with a number tell the user id, too.
    pub answers_tell_user_ids: bool,
    /// Calls about the control of a thread that were answered with success: whom they name, and the action.
    pub control_calls: Vec<(String, String)>,
    /// Paths of requests that carried a token in the URL.
    pub secrets_seen: Vec<String>,
}

impl World {
    pub(super) fn number(&self, id: &str) -> Result<&NumberRecord, ApiError> {
        self.numbers.get(id).ok_or_else(|| ApiError::missing_object(id))
    }

    /// The person with this number, as digits with the country code, or who is dialled so.
    pub(super) fn person_by_number(&self, digits: &str) -> Option<u64> {
        let is_dialled = |person: &PersonRecord| person.dialled_as.iter().any(|dialled| dialled == digits);
        self.people.iter().find(|(_, person)| person.number == digits || is_dialled(person)).map(|(key, _)| *key)
    }

    /// The person with this business-scoped user id, or its parent.
    pub(super) fn person_by_user_id(&self, id: &str) -> Option<u64> {
        let is_it = |person: &PersonRecord| person.user_id == id || person.parent_user_id.as_deref() == Some(id);
        self.people.iter().find(|(_, person)| is_it(person)).map(|(key, _)| *key)
    }

    pub(super) fn chat(&mut self, number: &str, person: u64) -> &mut Chat {
        self.chats.entry((number.to_owned(), person)).or_default()
    }

    /// `metadata` of a change.
    pub(super) fn metadata(&self, number: &str) -> Value {
        let display = self.numbers.get(number).map_or("", |record| record.display.as_str());
        json!({"display_phone_number": display, "phone_number_id": number})
    }

    /// A token, if it is alive.
    pub(super) fn live_token(&self, text: &str, now: DateTime<Utc>) -> Result<&Token, ApiError> {
        let dead = |subcode: Option<u32>, details: &str| ApiError { code: 190, subcode, details: details.to_owned() };
        let Some(token) = self.tokens.get(text) else {
            return Err(dead(None, "The access token could not be decoded"));
        };
        if token.dead.is_some() {
            return Err(dead(token.dead, "The access token is no longer valid"));
        }
        if token.expires_at.is_some_and(|end| now >= end) {
            return Err(dead(Some(463), "Session has expired"));
        }
        Ok(token)
    }
}

/// A new message id: `wamid.` and base64 with all of its characters, as real ones have them.
pub(super) fn new_wamid() -> String {
    format!("wamid.HBgL{}", STANDARD.encode(uuid::Uuid::new_v4().as_bytes()))
}

/// What a business sees of a person in `contacts[]`.
pub(super) fn contact(person: &PersonRecord) -> Value {
    let mut contact = json!({});
    let mut profile = json!({});
    if let Some(name) = &person.name {
        profile["name"] = name.as_str().into();
    }
    if let Some(username) = &person.username {
        profile["username"] = username.as_str().into();
    }
    contact["profile"] = profile;
    if !person.hides_number {
        contact["wa_id"] = person.number.as_str().into();
    }
    contact["user_id"] = person.user_id.as_str().into();
    if let Some(parent) = &person.parent_user_id {
        contact["parent_user_id"] = parent.as_str().into();
    }
    contact
}

/// Seconds since 1970 as a text, as messages and statuses carry them.
pub(super) fn seconds(at: DateTime<Utc>) -> String {
    at.timestamp().to_string()
}

/// Shared by all handlers.
pub(super) type Shared = Arc<Core>;
