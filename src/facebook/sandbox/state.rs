//! What the simulated platform knows: one app, one person with Pages, their tokens and permissions, and conversations.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio_util::task::TaskTracker;

use super::lie::Lie;
use super::send::memory::{Reach, Sending};
use crate::shared::channel::simulator::{Now, Traffic, lock};

/// Name of the one app.
pub(super) const APP_NAME: &str = "Demo Shop Bot";

/// The `app_id` of echoes that a human wrote in the Page's inbox.
pub(super) const PAGE_INBOX_APP_ID: i64 = 26_390_203_743_090;

/// All ids under which the Page's inbox is known.
pub(super) const PAGE_INBOX_APP_IDS: [i64; 2] = [PAGE_INBOX_APP_ID, 263_902_037_430_900];

/// The inbox of an Instagram account as an app.
pub(super) const INSTAGRAM_INBOX_APP_ID: i64 = 1_217_981_644_879_628;

/// A code of the login dialog can be exchanged for this long.
const CODE_LIFE: TimeDelta = TimeDelta::minutes(10);

/// Life of a user token as the code exchange gives it.
const SHORT_TOKEN_LIFE: TimeDelta = TimeDelta::minutes(90);

/// Life of a user token after `fb_exchange_token`.
const LONG_TOKEN_LIFE: TimeDelta = TimeDelta::days(60);

/// Permissions that the dialog knows; asking for another is refused.
pub(super) const PERMISSIONS: [&str; 12] = [
    "public_profile",
    "email",
    "business_management",
    "instagram_basic",
    "instagram_manage_messages",
    "pages_manage_engagement",
    "pages_manage_metadata",
    "pages_manage_posts",
    "pages_messaging",
    "pages_read_engagement",
    "pages_read_user_content",
    "pages_show_list",
];

/// The error object of the Graph API with its HTTP status.
/// Source: <https://developers.facebook.com/docs/graph-api/guides/error-handling> (November 2026).
#[derive(Debug, Clone)]
pub(super) struct GraphError {
    pub status: u16,
    pub code: i64,
    pub subcode: Option<u32>,
    pub message: String,
}

impl GraphError {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { status: 400, code, subcode: None, message: message.into() }
    }

    pub(super) fn subcode(self, subcode: u32) -> Self {
        Self { subcode: Some(subcode), ..self }
    }

    pub(super) fn parameter(message: &str) -> Self {
        Self::new(100, format!("(#100) {message}"))
    }

    pub(super) fn missing_object(id: &str) -> Self {
        let message = format!(
            "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation."
        );
        Self::new(100, message).subcode(33)
    }

    pub(super) fn dead_token(subcode: u32) -> Self {
        let reason = match subcode {
            458 => "The user has not authorized the application.",
            459 => "The session was invalidated because the user must log in to Facebook first.",
            460 => "The session has been invalidated because the user changed their password.",
            463 => "Session has expired.",
            464 => "Sessions for the user are not allowed because the user is not a confirmed user.",
            492 => "The user does not have a role on the Page.",
            _ => "The access token is invalid.",
        };
        Self::new(190, format!("Error validating access token: {reason}")).subcode(subcode)
    }

    pub(super) fn body(&self) -> Value {
        let mut error = json!({
            "message": self.message,
            "type": "OAuthException",
            "code": self.code,
            "is_transient": matches!(self.code, 1 | 2 | 1200) && self.status >= 500,
            "fbtrace_id": format!("A{}", random_text()),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        json!({ "error": error })
    }
}

/// What handles and request handlers share.
pub(super) struct Core {
    pub app_id: String,
    pub app_secret: String,
    pub now: Now,
    pub traffic: Traffic,
    pub http: reqwest::Client,
    /// Known once the server listens.
    pub url: OnceLock<String>,
    pub platform: Mutex<Platform>,
    /// What is being sent by itself.
    pub tasks: TaskTracker,
}

impl Core {
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    pub(super) fn platform(&self) -> MutexGuard<'_, Platform> {
        lock(&self.platform)
    }

    pub(super) fn url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    pub(super) fn app_token(&self) -> String {
        format!("{}|{}", self.app_id, self.app_secret)
    }
}

/// The app-level webhook subscription of object `page`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSubscription {
    /// Where deliveries go.
    pub callback_url: String,
    /// What the challenge carried.
    pub verify_token: String,
    /// The subscribed fields, in the order in which they were sent.
    pub fields: Vec<String>,
    /// When false, changes of a Page name only the fields that changed.
    pub include_values: bool,
}

/// Everything that changes.
pub(super) struct Platform {
    pub person_id: String,
    pub person_name: String,
    pub pages: Vec<PageRecord>,
    /// Customers by Page-scoped id.
    pub people: HashMap<String, String>,
    /// Status by permission, as `/me/permissions` shows it.
    pub permissions: BTreeMap<String, &'static str>,
    pub declines: BTreeSet<String>,
    pub refuses_consent: bool,
    pub auto_consent: bool,
    pub redirect_uris: Vec<String>,
    pub codes: HashMap<String, Code>,
    pub tokens: HashMap<String, Token>,
    pub app_subscription: Option<AppSubscription>,
    /// That of the object `instagram`.
    pub instagram_subscription: Option<AppSubscription>,
    pub proof_required: bool,
    pub page_limit: Option<usize>,
    /// What is wrong with the `paging` of lists, by the last part of their path.
    pub lies: BTreeMap<String, Lie>,
    pub usage: BTreeMap<String, String>,
    pub sha1_only: bool,
    pub delivery_url: Option<String>,
    pub secrets_seen: Vec<String>,
    /// What the content network holds, by name.
    pub content: HashMap<String, Content>,
    /// What the Send API took, and how it is steered.
    pub sending: Sending,
}

/// A file of the content network. Its link may have expired, or lead on.
pub(super) struct Content {
    pub bytes: Vec<u8>,
    /// What the header claims; nothing checks it against the bytes.
    pub content_type: String,
    pub expired: bool,
    pub leads_to: Option<String>,
}

/// A code that the dialog issued.
pub(super) struct Code {
    pub redirect_uri: String,
    pub issued_at: DateTime<Utc>,
    pub used: bool,
}

/// Whom a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    Person { long_lived: bool },
    Page { id: String, parent: String },
}

/// A token that was issued, alive or not.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub holder: Holder,
    pub issued_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    /// The subcode with which it is refused.
    pub dead: Option<u32>,
}

impl Platform {
    pub(super) fn new() -> Self {
        Self {
            person_id: "10150000000000001".to_owned(),
            person_name: "Robin Merchant".to_owned(),
            pages: Vec::new(),
            people: HashMap::new(),
            permissions: BTreeMap::new(),
            declines: BTreeSet::new(),
            refuses_consent: false,
            auto_consent: false,
            redirect_uris: Vec::new(),
            codes: HashMap::new(),
            tokens: HashMap::new(),
            app_subscription: None,
            instagram_subscription: None,
            proof_required: false,
            page_limit: None,
            lies: BTreeMap::new(),
            usage: BTreeMap::new(),
            sha1_only: false,
            delivery_url: None,
            secrets_seen: Vec::new(),
            content: HashMap::new(),
            sending: Sending::default(),
        }
    }

    pub(super) fn page(&self, id: &str) -> Option<&PageRecord> {
        self.pages.iter().find(|page| page.id == id)
    }

    pub(super) fn page_mut(&mut self, id: &str) -> Option<&mut PageRecord> {
        self.pages.iter_mut().find(|page| page.id == id)
    }

    /// Whether the person granted the permission, and for this Page if one is named.
    pub(super) fn granted(&self, permission: &str, page: Option<&PageRecord>) -> bool {
        self.permissions.get(permission) == Some(&"granted") && page.is_none_or(|page| page.ticked)
    }

    /// What "Continue" does: every requested permission is granted unless the person unticks it, or declined it before
    /// and is not asked again.
    pub(super) fn consent(&mut self, scopes: &[String], asked_again: bool) {
        self.permissions.insert("public_profile".to_owned(), "granted");
        for scope in scopes {
            let declined_before = self.permissions.get(scope) == Some(&"declined");
            let granted = !self.declines.contains(scope) && (asked_again || !declined_before);
            self.permissions.insert(scope.clone(), if granted { "granted" } else { "declined" });
        }
    }

    pub(super) fn issue_code(&mut self, redirect_uri: &str, now: DateTime<Utc>) -> String {
        let code = format!("AQ{}{}", random_text(), random_text());
        self.codes.insert(code.clone(), Code { redirect_uri: redirect_uri.to_owned(), issued_at: now, used: false });
        code
    }

    /// Takes a code, once.
    pub(super) fn take_code(&mut self, code: &str, redirect_uri: &str, now: DateTime<Utc>) -> Result<(), GraphError> {
        let Some(known) = self.codes.get_mut(code) else {
            return Err(GraphError::new(100, "Invalid verification code format."));
        };
        if known.used {
            return Err(GraphError::new(100, "This authorization code has been used.").subcode(36009));
        }
        if now - known.issued_at > CODE_LIFE {
            return Err(GraphError::new(100, "This authorization code has expired.").subcode(36007));
        }
        if known.redirect_uri != redirect_uri {
            let message = "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request";
            return Err(GraphError::new(100, message).subcode(36008));
        }
        known.used = true;
        Ok(())
    }

    pub(super) fn issue_user_token(&mut self, long_lived: bool, now: DateTime<Utc>) -> (String, TimeDelta) {
        let life = if long_lived { LONG_TOKEN_LIFE } else { SHORT_TOKEN_LIFE };
        let holder = Holder::Person { long_lived };
        let token = self.store_token(Token { holder, issued_at: now, expires_at: Some(now + life), dead: None });
        (token, life)
    }

    /// The Page token that belongs to this user token: it dies with a short-lived one and outlives a long-lived one.
    pub(super) fn page_token(&mut self, user_token: &str, page_id: &str, now: DateTime<Utc>) -> String {
        let holder = Holder::Page { id: page_id.to_owned(), parent: user_token.to_owned() };
        if let Some((token, _)) = self.tokens.iter().find(|(_, token)| token.holder == holder && token.dead.is_none()) {
            return token.clone();
        }
        let expires_at = match self.tokens.get(user_token) {
            Some(Token { holder: Holder::Person { long_lived: false }, expires_at, .. }) => *expires_at,
            _ => None,
        };
        self.store_token(Token { holder, issued_at: now, expires_at, dead: None })
    }

    fn store_token(&mut self, token: Token) -> String {
        let text = format!("EAAB{}{}", random_text(), random_text());
        self.tokens.insert(text.clone(), token);
        text
    }

    /// The token, if it is alive.
    pub(super) fn live_token(&self, text: &str, now: DateTime<Utc>) -> Result<&Token, GraphError> {
        let Some(token) = self.tokens.get(text) else {
            return Err(GraphError::new(190, "Invalid OAuth access token - Cannot parse access token"));
        };
        if let Some(subcode) = token.dead {
            return Err(GraphError::dead_token(subcode));
        }
        if token.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return Err(GraphError::dead_token(463));
        }
        if let Holder::Page { id, .. } = &token.holder
            && self.page(id).is_none_or(|page| page.tasks.is_empty())
        {
            return Err(GraphError::dead_token(492));
        }
        Ok(token)
    }

    /// Kills every token. When the person removed the app (458), the grants are gone too.
    pub(super) fn revoke_tokens(&mut self, subcode: u32) {
        for token in self.tokens.values_mut() {
            token.dead.get_or_insert(subcode);
        }
        if subcode == 458 {
            self.permissions.clear();
        }
    }

    /// Whether both levels of subscription contain the field, without which nothing is delivered.
    pub(super) fn subscribed(&self, page_id: &str, field: &str) -> bool {
        if let Some(page) = self.page(page_id).and_then(|page| page.instagram_of.as_deref()) {
            let field = match field {
                "message_echoes" => "messages",
                "message_reads" => "messaging_seen",
                "messaging_handovers" => "messaging_handover",
                "messaging_referrals" => "messaging_referral",
                field => field,
            };
            let app = self.instagram_subscription.as_ref();
            return app.is_some_and(|app| app.fields.iter().any(|name| name == field))
                && self.page(page).is_some_and(|page| page.subscribed.is_some());
        }
        let has = |fields: &Vec<String>| fields.iter().any(|name| name == field);
        self.app_subscription.as_ref().is_some_and(|app| has(&app.fields))
            && self.page(page_id).and_then(|page| page.subscribed.as_ref()).is_some_and(has)
    }
}

/// A Page with its conversations.
pub(super) struct PageRecord {
    pub id: String,
    /// Metadata by field name.
    pub fields: Map<String, Value>,
    /// What the person may do on the Page; empty means that the role was lost.
    pub tasks: Vec<String>,
    /// Whether the person ticked this Page in the dialog.
    pub ticked: bool,
    /// The person has it through a business portfolio: it is not among their accounts, and can be asked for by its id.
    pub in_portfolio: bool,
    /// Lists do not tell the person's tasks.
    pub hides_tasks: bool,
    /// This is the Instagram account of the Page with this id.
    pub instagram_of: Option<String>,
    /// The subscription of our app, if it is installed.
    pub subscribed: Option<Vec<String>>,
    /// An unsubscription is answered with success, and changes nothing.
    pub clings: bool,
    /// Rows of other apps in `subscribed_apps`.
    pub other_apps: Vec<Value>,
    /// By Page-scoped id of the person.
    pub threads: BTreeMap<String, Thread>,
}

impl PageRecord {
    pub(super) fn new(id: &str, name: &str) -> Self {
        let fields = json!({
            "name": name,
            "username": format!("shop{id}"),
            "about": "Boards, boots and advice.",
            "description": "A small shop that answers its messages.",
            "category": "Shopping & retail",
            "category_list": [{"id": "200600219953504", "name": "Shopping & retail"}],
            "website": "https://shop.example/",
            "link": format!("https://www.facebook.com/{id}"),
            "phone": "+49 431 5550100",
            "emails": ["hello@shop.example"],
            "single_line_address": "Hafenstraße 1, 24103 Kiel, Germany",
            "location": {"street": "Hafenstraße 1", "zip": "24103", "city": "Kiel", "country": "Germany",
                "latitude": 54.3213, "longitude": 10.1349},
            "hours": {"mon_1_open": "09:00", "mon_1_close": "18:00"},
            "price_range": "$$",
            "fan_count": 1204,
            "followers_count": 1311,
            "verification_status": "not_verified",
            "is_published": true,
            "is_permanently_closed": false,
            "picture": {"data": {"height": 50, "width": 50, "is_silhouette": false,
                "url": format!("https://cdn.example/{id}/picture.jpg")}},
            "cover": {"id": format!("{id}9"), "source": format!("https://cdn.example/{id}/cover.jpg"),
                "offset_x": 50, "offset_y": 50},
        });
        let tasks = ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"];
        Self {
            id: id.to_owned(),
            fields: fields.as_object().cloned().unwrap_or_default(),
            tasks: tasks.map(str::to_owned).to_vec(),
            ticked: true,
            in_portfolio: false,
            hides_tasks: false,
            instagram_of: None,
            subscribed: None,
            clings: false,
            other_apps: Vec::new(),
            threads: BTreeMap::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn may(&self, any_of: &[&str]) -> bool {
        // The newer names of the same tasks; full control includes all of them.
        let mut names = self.tasks.iter().map(|task| task.strip_prefix("PROFILE_PLUS_").unwrap_or(task));
        names.any(|name| any_of.contains(&name) || name == "FULL_CONTROL")
    }

    /// The thread with a person; it counts as a conversation once it has a message.
    pub(super) fn thread_mut(&mut self, person_id: &str) -> &mut Thread {
        let page_id = &self.id;
        self.threads.entry(person_id.to_owned()).or_insert_with(|| Thread {
            id: thread_id(page_id, person_id),
            person_id: person_id.to_owned(),
            last_ms: 0,
            messages: Vec::new(),
            serves_at_once: None,
            acted_ms: None,
            ad_ms: None,
            owner: None,
            reach: Reach::Open,
        })
    }
}

/// What a Page and one person wrote to each other, oldest first.
pub(super) struct Thread {
    pub id: String,
    pub person_id: String,
    /// Time of the last happening, message or not, in ms.
    pub last_ms: i64,
    pub messages: Vec<Message>,
    /// More messages than this at a time are not served, with this code. Ids and times always are.
    pub serves_at_once: Option<(usize, i64)>,
    /// When the person last did something that opens the window for answers.
    pub acted_ms: Option<i64>,
    /// When the person came from an ad.
    pub ad_ms: Option<i64>,
    /// The app that owns the thread; without one every app may write.
    pub owner: Option<String>,
    pub reach: Reach,
}

impl Thread {
    /// A time in ms that is later than everything that happened in this thread.
    pub(super) fn next_ms(&mut self, now: DateTime<Utc>) -> i64 {
        self.last_ms = now.timestamp_millis().max(self.last_ms + 1);
        self.last_ms
    }

    pub(super) fn message_mut(&mut self, mid: &str) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.mid == mid)
    }
}

/// A quick reply or a button, which comes back with its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Button {
    pub title: String,
    pub payload: String,
}

/// One message of a thread.
#[derive(Default)]
pub(super) struct Message {
    pub mid: String,
    pub at_ms: i64,
    pub from_page: bool,
    pub text: String,
    /// Kind as in webhooks (`image`, …) and URL.
    pub attachment: Option<(String, String)>,
    /// What the API shows in these fields, whatever a webhook said.
    pub shown: Map<String, Value>,
    /// Its content is never served, however little is asked for.
    pub unservable: bool,
    /// The message that this one answers.
    pub reply_to: Option<String>,
    /// The payload of a template that our app sent.
    pub template: Option<Value>,
    pub quick_replies: Vec<Button>,
    pub buttons: Vec<Button>,
    pub edits: u32,
}

/// The same two parties always have the same conversation id, also after a restart of the simulator.
fn thread_id(page_id: &str, person_id: &str) -> String {
    let digest = Sha256::digest(format!("{page_id}|{person_id}"));
    let number = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    format!("t_{}", number % 1_000_000_000_000_000)
}

/// A message id that no other run of the simulator gives out.
pub(super) fn new_mid() -> String {
    format!("m_{}", URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes()))
}

/// 32 random hexadecimal digits.
pub(super) fn random_text() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
