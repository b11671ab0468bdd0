//! What the tests of WhatsApp have in common: a number that the settings name, and deliveries that are rightly signed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::shared::clock::Clock;
use shoptalk::shared::secrets::signature::{Secrets, sign_sha256, to_hex};
use shoptalk::shared::store::api_keys::Scope;
use shoptalk::whatsapp;
use shoptalk::whatsapp::sandbox::{Number, Options, Person, Sandbox};
use url::Url;

use crate::api_keys::Bot;
use crate::test_app::{Answer, FACEBOOK_APP_ID, TestApp, beginning};

/// The number that the settings name, and the account that it belongs to.
pub const NUMBER: &str = "310000000000001";
pub const BUSINESS: &str = "210000000000001";
pub const DIGITS: &str = "15550100001";
pub const SECRET: &str = "a whatsapp secret for tests";
pub const PREVIOUS_SECRET: &str = "a whatsapp secret before it";
pub const TOKEN: &str = "a whatsapp token for tests";
pub const VERIFY_TOKEN: &str = "a whatsapp verify token for tests";

/// An address at which no platform answers: for tests of what comes in.
pub const NOWHERE: &str = "http://127.0.0.1:1";

/// A person, by id and by number.
pub const ADA: &str = "US.900000000000000001";
pub const ADAS_NUMBER: &str = "15550100777";

/// Puts the channel into the settings of a test.
pub fn configure(config: &mut Config, graph_url: &str) {
    let mut webhook_address = config.facebook.as_ref().unwrap().webhook_address.clone();
    webhook_address.set_path("/whatsapp/webhook");
    config.whatsapp = Some(whatsapp::Config {
        account: NUMBER.try_into().unwrap(),
        business_account: Some(BUSINESS.try_into().unwrap()),
        number: Some(DIGITS.to_owned()),
        token: TOKEN.into(),
        verify_token: VERIFY_TOKEN.into(),
        app_secret: Secrets::new(SECRET.into(), Some(PREVIOUS_SECRET.into())),
        app_id: OnceLock::new(),
        webhook_address,
        graph_url: Url::parse(graph_url).unwrap(),
        graph_version: "v26.0".to_owned(),
        media: None,
    });
}

pub fn sign(body: &[u8]) -> String {
    format!("sha256={}", to_hex(&sign_sha256(SECRET.as_bytes(), body)))
}

/// A delivery with one text of Ada's to this number.
pub fn delivery(number: &str, id: &str, text: &str) -> String {
    let message = json!({"from": ADAS_NUMBER, "from_user_id": ADA, "id": id, "timestamp": "1795219200", "type": "text",
                         "text": {"body": text}});
    of_number(number, "messages", &json!({ "messages": [message] }))
}

/// A delivery with one change of a field of this number.
pub fn of_number(number: &str, field: &str, value: &Value) -> String {
    let mut whole = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": DIGITS, "phone_number_id": number},
        "contacts": [{"profile": {"name": "Ada Perera"}, "wa_id": ADAS_NUMBER, "user_id": ADA}],
    });
    whole.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
    of_business(&json!([{"field": field, "value": whole}]))
}

/// A delivery with these changes of the business account.
pub fn of_business(changes: &Value) -> String {
    json!({"object": "whatsapp_business_account", "entry": [{"id": BUSINESS, "time": 1_795_219_206, "changes": changes}]})
        .to_string()
}

/// Posts a delivery, rightly signed.
pub async fn post(app: &TestApp, body: &[u8]) -> Answer {
    post_signed(app, body, &[("x-hub-signature-256", &sign(body))]).await
}

/// Posts a delivery with these headers.
pub async fn post_signed(app: &TestApp, body: &[u8], headers: &[(&str, &str)]) -> Answer {
    let headers = [&[("content-type", "application/json")], headers].concat();
    app.browser().send(Method::POST, "/whatsapp/webhook", &headers, body).await
}

/// Delivers this, which is taken, and does the work that follows.
pub async fn deliver(app: &TestApp, body: &str) {
    let answer = post(app, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    app.settle().await;
}

/// Delivers items of a list of the field `messages`.
pub async fn deliver_items(app: &TestApp, list: &str, items: &[Value]) {
    deliver(app, &of_number(NUMBER, "messages", &json!({ list: items }))).await;
}

/// The conversation with somebody; `None` if it has no file.
pub fn conversation(app: &TestApp, person: &str) -> Option<Vec<Value>> {
    let file = format!("whatsapp/{NUMBER}/conversations/{person}.json");
    app.text(&file).map(|_| app.json(&file).as_array().unwrap().clone())
}

/// The ids of a conversation's entries in its order.
pub fn ids(app: &TestApp, person: &str) -> Vec<String> {
    let entries = conversation(app, person).unwrap_or_default();
    entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

/// A service with the number, which belongs to the merchant of the shop; nobody answers in WhatsApp's place.
pub async fn start() -> TestApp {
    let app = TestApp::start_with(|config| configure(config, NOWHERE)).await;
    app.connect().await;
    app
}

/// A number that is connected, the simulated platform behind it, Ada who wrote, and a bot that may answer.
pub struct Scene {
    pub app: TestApp,
    pub platform: Sandbox,
    pub number: Number,
    pub ada: Person,
    pub bot: Bot,
    keys: AtomicUsize,
}

/// The number of the simulated platform, and the service that is connected to it.
pub async fn with_platform(change: impl FnOnce(&mut Config)) -> (TestApp, Sandbox, Number) {
    let clock = Clock::manual(beginning());
    let time = clock.clone();
    let platform = Sandbox::start(Options {
        app_id: FACEBOOK_APP_ID.to_owned(),
        app_secret: SECRET.to_owned(),
        now: Arc::new(move || time.now()),
    })
    .await
    .unwrap();
    let number = platform.add_number(BUSINESS, NUMBER, DIGITS, "Harbour Cafe");
    let token = platform.system_user_token();
    let change = |config: &mut Config| {
        configure(config, &platform.url());
        config.whatsapp.as_mut().unwrap().token = token.into();
        change(config);
    };
    let app = TestApp::start_in(Arc::new(tempfile::tempdir().unwrap()), clock, change).await;
    platform.set_callback(&format!("{}/whatsapp/webhook", app.url), VERIFY_TOKEN).await.unwrap();
    (app, platform, number)
}

/// The account has two templates.
pub fn add_templates(number: &Number) {
    number.add_template("shipping_note", "en_US", "UTILITY", "Your parcel {{1}} is on its way.");
    number.add_template("named_note", "en_US", "UTILITY", "Order {{order}} is ready.");
}

impl Scene {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With settings changed by `change`.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let (app, platform, number) = with_platform(change).await;
        add_templates(&number);
        for title in ["Snowboard Classic", "Wax", "Gloves"] {
            app.shop().add_product(title).add_picture("https://cdn.shop.example/1.jpg", None);
        }
        app.connect().await;
        app.settle().await;
        let bot = Bot::start(&app, &[Scope::Read, Scope::Reply]).await;
        let ada = number.person(ADAS_NUMBER, "Ada Perera");
        let scene = Self { app, platform, number, ada, bot, keys: AtomicUsize::new(0) };
        scene.hear("Is the blue one in stock?").await;
        scene
    }

    /// Ada writes, and the service has done what follows. Gives the message's id.
    pub async fn hear(&self, text: &str) -> String {
        let happened = self.ada.writes(text).await;
        assert_eq!(happened.answers, [200]);
        self.app.settle().await;
        happened.id
    }

    /// Where answers to somebody go.
    pub fn to(&self, person: &str) -> String {
        format!("/api/v1/whatsapp/{NUMBER}/conversations/{person}")
    }

    pub async fn post_to(&self, person: &str, body: &Value) -> Answer {
        let key = format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        self.post_with(&key, person, body).await
    }

    pub async fn post_with(&self, key: &str, person: &str, body: &Value) -> Answer {
        let headers = [("idempotency-key", key), ("content-type", "application/json")];
        let path = format!("{}/messages", self.to(person));
        self.bot.send(Method::POST, &path, &headers, body.to_string().as_bytes()).await
    }

    pub async fn post(&self, body: &Value) -> Answer {
        self.post_to(&self.ada.user_id(), body).await
    }

    /// Sends something that is accepted, and gives the message's id.
    pub async fn say(&self, body: &Value) -> String {
        let answer = self.post(body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// What the API says of a message.
    pub async fn message(&self, id: &str) -> Value {
        self.bot.get(&format!("/api/v1/messages/{id}")).await.json()
    }

    /// How a conversation stands.
    pub async fn conversation(&self, person: &str) -> Value {
        self.bot.get(&self.to(person)).await.json()
    }

    /// All work, and the statuses that it causes.
    pub async fn work(&self) {
        self.app.work().await;
        self.platform.settled().await;
        self.app.work().await;
    }

    /// Time passes, and the work that is due then is done.
    pub async fn pass(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
        self.work().await;
    }

    pub async fn finish(self) {
        assert_eq!(self.platform.sent_twice(), [""; 0]);
        finish(self.app, &self.platform).await;
    }
}

/// Ends a test: no request reached a route that the platform does not know, and no secret was in a URL.
pub async fn finish(app: TestApp, platform: &Sandbox) {
    let unknown: Vec<String> = platform.traffic().unknown().into_iter().map(|one| one.path).collect();
    assert_eq!(unknown, [""; 0]);
    assert_eq!(platform.secrets_seen_in_urls(), [""; 0]);
    app.finish().await;
}
