//! What the tests of WhatsApp have in common: a number that the settings name, and deliveries that are rightly signed.

use std::sync::OnceLock;

use http::Method;
use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::shared::secrets::signature::{Secrets, sign_sha256, to_hex};
use shoptalk::whatsapp;
use url::Url;

use crate::test_app::{Answer, TestApp};

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
