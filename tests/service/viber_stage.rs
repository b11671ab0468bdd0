//! A bot on a stage: the service with the Viber channel, and the little of Viber that its calls need. What Viber posts is
//! signed here by hand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use shoptalk::app::config::Config;
use shoptalk::shared::channel::simulator::{Loopback, Traffic};
use shoptalk::shared::secrets::signature::Secrets;
use shoptalk::shared::store::api_keys::Scope;
use shoptalk::viber;
use url::Url;

use crate::api_keys::Bot as Program;
use crate::test_app::{Answer, Browser, TestApp};

pub const TOKEN: &str = "a viber token for tests";
pub const BOT: &str = "5346594275468546724";
pub const USER: &str = "dGVzdC11c2VyLTAx/A==";
pub const PERSON: &str = "dGVzdC11c2VyLTAx_A";

/// The signature of a body, as Viber makes it.
pub fn sign(token: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands for Viber's side. Its answers can be changed.
pub struct Desk {
    pub traffic: Traffic,
    state: Arc<Mutex<Bot>>,
    server: Loopback,
}

#[derive(Clone)]
pub struct Bot {
    pub token: String,
    pub id: String,
    pub webhook: String,
    pub events: Vec<Value>,
    /// The status with which the next calls of this method are answered instead of being done.
    pub refusals: Vec<(&'static str, i64)>,
    pub sent: Vec<Value>,
    pub next_token: u64,
}

impl Desk {
    pub async fn open() -> Self {
        let state = Arc::new(Mutex::new(Bot {
            token: TOKEN.to_owned(),
            id: format!("pa:{BOT}"),
            webhook: String::new(),
            events: Vec::new(),
            refusals: Vec::new(),
            sent: Vec::new(),
            next_token: 5_912_661_846_655_239_001,
        }));
        let traffic = Traffic::default();
        let router = Router::new()
            .route("/pa/get_account_info", post(account_info))
            .route("/pa/set_webhook", post(set_webhook))
            .route("/pa/send_message", post(send_message))
            .with_state(Arc::clone(&state));
        let server = Loopback::start(router, traffic.clone()).await.unwrap();
        Self { traffic, state, server }
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Bot) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// The settings of the channel, for a service whose pages are where its shop's deliveries go.
    pub fn settings(&self, config: &mut Config) {
        let mut address = config.shopify.as_ref().unwrap().webhook_address.clone();
        address.set_path("/viber/webhook");
        config.viber = Some(viber::Config {
            token: Secrets::new(TOKEN.into(), None),
            sender_name: None,
            sender_avatar: None,
            welcome: None,
            outside_session: false,
            webhook_address: address,
            api_url: Url::parse(&format!("{}/pa", self.server.url())).unwrap(),
            has_public_key: false,
        });
    }
}

impl Bot {
    fn verdict(&mut self, method: &str, headers: &HeaderMap) -> Option<Json<Value>> {
        let refusal = self.refusals.iter().position(|(of, _)| *of == method).map(|at| self.refusals.remove(at).1);
        let shown = headers.get("x-viber-auth-token").and_then(|value| value.to_str().ok());
        let status = refusal.or_else(|| (shown != Some(&self.token)).then_some(2))?;
        Some(Json(json!({ "status": status, "status_message": "refused", "message_token": "77" })))
    }
}

type Shared = State<Arc<Mutex<Bot>>>;

async fn account_info(State(bot): Shared, headers: HeaderMap) -> Json<Value> {
    let mut bot = bot.lock().unwrap();
    if let Some(refusal) = bot.verdict("get_account_info", &headers) {
        return refusal;
    }
    Json(json!({
        "status": 0, "status_message": "ok", "id": bot.id, "name": "Harbour Cafe", "uri": "harbour", "webhook": bot.webhook,
        "event_types": bot.events, "members": [{"id": "YWRtaW4=", "name": "An Admin", "role": "admin"}],
    }))
}

async fn set_webhook(State(bot): Shared, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let wanted: Value = serde_json::from_slice(&body).unwrap();
    let (address, token) = {
        let mut bot = bot.lock().unwrap();
        if let Some(refusal) = bot.verdict("set_webhook", &headers) {
            return refusal;
        }
        (wanted["url"].as_str().unwrap().to_owned(), bot.token.clone())
    };
    if !address.is_empty() {
        // Viber calls the address before it answers.
        let call = json!({"event": "webhook", "timestamp": 1_795_219_200_000_u64, "message_token": 5_912_661_846_655_238_145_u64});
        let body = call.to_string();
        let signature = sign(&token, body.as_bytes());
        let headers = [("x-viber-content-signature", signature.as_str())];
        let answer = Browser::new(&address).send(Method::POST, &address, &headers, body.as_bytes()).await;
        if answer.status != 200 {
            return Json(json!({ "status": 1, "status_message": "invalidUrl" }));
        }
    }
    let mut bot = bot.lock().unwrap();
    bot.webhook = address;
    bot.events = wanted["event_types"].as_array().cloned().unwrap_or_default();
    Json(json!({ "status": 0, "status_message": "ok", "event_types": bot.events }))
}

async fn send_message(State(bot): Shared, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let mut bot = bot.lock().unwrap();
    if let Some(refusal) = bot.verdict("send_message", &headers) {
        return refusal;
    }
    bot.sent.push(serde_json::from_slice(&body).unwrap());
    bot.next_token += 1;
    Json(json!({ "status": 0, "status_message": "ok", "message_token": bot.next_token - 1, "billing_status": 1 }))
}

/// Posts a callback as Viber does.
pub async fn deliver(app: &TestApp, body: &str) -> Answer {
    let signature = sign(TOKEN, body.as_bytes());
    let headers = [("x-viber-content-signature", signature.as_str()), ("content-type", "application/json")];
    app.browser().send(Method::POST, "/viber/webhook", &headers, body.as_bytes()).await
}

/// Posts a callback that is taken in, and does the work that follows.
pub async fn hear(app: &TestApp, body: &str) {
    let answer = deliver(app, body).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""), "{body}");
    app.settle().await;
}

/// A message of the person, with this number as its token's end.
pub fn message(number: u32, inner: &str) -> String {
    let time = 1_795_262_400_000_u64 + u64::from(number);
    format!(
        r#"{{"event":"message","timestamp":{time},"chat_hostname":"SN-CHAT-05_","message_token":591266184665523{number:04},"sender":{{"id":"{USER}","name":"Dilan K"}},"message":{inner},"silent":false}}"#
    )
}

/// A text of the person.
pub fn text(number: u32, text: &str) -> String {
    message(number, &json!({"type": "text", "text": text}).to_string())
}

/// The bot's service, connected to the only merchant.
pub async fn start() -> (TestApp, Desk) {
    let desk = Desk::open().await;
    let app = TestApp::start_with(|config| desk.settings(config)).await;
    app.run_due_jobs().await;
    app.connect().await;
    app.begin().await;
    assert_eq!(app.connections("viber").await.len(), 1);
    (app, desk)
}

/// The items of a person's file; `None`: there is none.
pub fn file(app: &TestApp, person: &str) -> Option<Vec<Value>> {
    let path = format!("viber/{BOT}/conversations/{person}.json");
    app.text(&path).map(|_| app.json(&path).as_array().unwrap().clone())
}

/// A callback about a message of ours.
pub fn receipt(event: &str, token: u64) -> String {
    format!(
        r#"{{"event":"{event}","timestamp":1795262460000,"message_token":{token},"user_id":"{USER}","desc":"keyboard not valid"}}"#
    )
}

/// A person who wrote to a bot's service, and a program that answers.
pub struct Scene {
    pub app: TestApp,
    pub desk: Desk,
    pub program: Program,
    keys: AtomicUsize,
}

impl Scene {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With settings of the channel changed.
    pub async fn with(change: impl FnOnce(&mut viber::Config)) -> Self {
        let desk = Desk::open().await;
        let app = TestApp::start_with(|config| {
            desk.settings(config);
            change(config.viber.as_mut().unwrap());
        })
        .await;
        for number in 1..=7 {
            app.shop().add_product(&format!("Board {number}"));
        }
        app.connect().await;
        app.begin().await;
        let program = Program::start(&app, &[Scope::Read, Scope::Reply]).await;
        let scene = Self { app, desk, program, keys: AtomicUsize::new(0) };
        hear(&scene.app, &text(1, "is the table free?")).await;
        scene
    }

    pub async fn post(&self, body: &Value) -> Answer {
        let key = format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
        let path = format!("/api/v1/viber/{BOT}/conversations/{PERSON}/messages");
        self.program.send(Method::POST, &path, &headers, body.to_string().as_bytes()).await
    }

    /// Sends what is accepted, does the work, and gives the message's id.
    pub async fn say(&self, body: &Value) -> String {
        let answer = self.post(body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        self.app.work().await;
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// What the API says of a message.
    pub async fn message(&self, id: &str) -> Value {
        self.program.get(&format!("/api/v1/messages/{id}")).await.json()
    }

    /// Time passes, and the work that is due then is done.
    pub async fn pass(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
        self.app.work().await;
    }

    /// What Viber took.
    pub fn sent(&self) -> Vec<Value> {
        self.desk.change(|bot| bot.sent.clone())
    }
}
