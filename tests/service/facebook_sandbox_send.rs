//! The Send API of the simulated Facebook, asked over HTTP as a bot would ask: a test for each rule of the platform that a
//! sender has to get right.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::RawQuery;
use axum::routing::get;
use chrono::TimeDelta;
use serde_json::{Value, json};
use shoptalk::facebook::sandbox::{Options, Page, Person, Reach, Sandbox, SendFailure};
use shoptalk::shared::channel::simulator::{Loopback, Traffic};
use shoptalk::shared::clock::Clock;

use crate::test_app::{FACEBOOK_APP_ID, FACEBOOK_SECRET, PAGE, beginning};

pub const ACCOUNT: &str = "17841400000000001";

/// What all tests subscribe to.
const FIELDS: &str = "messages,message_echoes,message_deliveries,message_reads,message_reactions,messaging_postbacks,\
    messaging_referrals,messaging_optins,messaging_handovers,standby";
const INSTAGRAM_FIELDS: &str =
    "messages,messaging_postbacks,messaging_seen,message_reactions,messaging_referral,messaging_handover,standby";

/// The simulated platform with a Page, its Instagram account and a person on each, and whoever hears its webhooks.
pub struct Scene {
    pub sandbox: Sandbox,
    pub page: Page,
    pub account: Page,
    pub sam: Person,
    pub kim: Person,
    pub clock: Clock,
    pub token: String,
    /// What was delivered.
    pub hook: Traffic,
    http: reqwest::Client,
    _server: Loopback,
}

/// An answer of the Graph API.
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The code and the subcode of an error.
    pub fn error(&self) -> (i64, Option<u64>) {
        let error = &self.body["error"];
        (error["code"].as_i64().unwrap_or_default(), error["error_subcode"].as_u64())
    }

    /// The id of the message that was taken.
    pub fn mid(&self) -> String {
        self.body["message_id"].as_str().unwrap_or_else(|| panic!("not taken: {}", self.body)).to_owned()
    }
}

fn client() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    client.timeout(Duration::from_secs(10)).build().unwrap()
}

impl Scene {
    /// Sam wrote to the Page, and Kim to its Instagram account.
    pub async fn start() -> Self {
        let clock = Clock::manual(beginning());
        let time = clock.clone();
        let options = Options {
            app_id: FACEBOOK_APP_ID.to_owned(),
            app_secret: FACEBOOK_SECRET.to_owned(),
            now: std::sync::Arc::new(move || time.now()),
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let page = sandbox.add_page(PAGE, "Demo Shop");
        let account = sandbox.add_instagram(PAGE, ACCOUNT, "demo.shop");
        let token = sandbox.page_token(PAGE);
        let hook = Traffic::default();
        let challenge = |RawQuery(query): RawQuery| async move {
            let query: HashMap<String, String> =
                form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
            query["hub.challenge"].clone()
        };
        let router = axum::Router::new().route("/hook", get(challenge).post(async || "ok"));
        let server = Loopback::start(router, hook.clone()).await.unwrap();
        let (sam, kim) = (sandbox.person("7000000000000001", "Sam Doe"), sandbox.person("9000000000000001", "Kim"));
        page.message_from(&sam, "Is the blue one in stock?");
        account.message_from(&kim, "Do you ship to Kiel?");
        let scene = Self { sandbox, page, account, sam, kim, clock, token, hook, http: client(), _server: server };
        scene.subscribe(&format!("{}/hook", scene._server.url())).await;
        scene.clock.advance(Duration::from_secs(1));
        scene
    }

    async fn subscribe(&self, hook: &str) {
        let app = format!("{FACEBOOK_APP_ID}|{FACEBOOK_SECRET}");
        for (object, fields) in [("page", FIELDS), ("instagram", INSTAGRAM_FIELDS)] {
            let body = json!({"object": object, "callback_url": hook, "verify_token": "any", "fields": fields});
            let answer = self.call_as(&app, &format!("{FACEBOOK_APP_ID}/subscriptions"), &body).await;
            assert_eq!(answer.body, json!({"success": true}));
        }
        let answer = self.call(&format!("{PAGE}/subscribed_apps"), &json!({"subscribed_fields": FIELDS})).await;
        assert_eq!(answer.body, json!({"success": true}));
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        Ok(Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    fn post(&self, token: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("{}/v26.0/{path}", self.sandbox.url())).bearer_auth(token)
    }

    pub async fn call_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.answer(self.post(token, path).json(body)).await.unwrap()
    }

    pub async fn call(&self, path: &str, body: &Value) -> Answer {
        self.call_as(&self.token, path, body).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}/v26.0/{path}", self.sandbox.url())).bearer_auth(&self.token);
        self.answer(request).await.unwrap().body
    }

    /// Sends this body as the Page.
    pub async fn send(&self, body: &Value) -> Answer {
        self.call(&format!("{PAGE}/messages"), body).await
    }

    /// Sends this message to Sam.
    pub async fn say(&self, message: Value) -> Answer {
        self.send(&to_sam(message)).await
    }

    /// Sends this message to Kim, from the Instagram account.
    pub async fn say_on_instagram(&self, message: Value) -> Answer {
        self.call(&format!("{ACCOUNT}/messages"), &to(&self.kim, message)).await
    }

    /// Sends a text to Sam; `None`: no answer came.
    async fn try_to_say(&self, text: &str, patience: Duration) -> Option<Answer> {
        let request = self.post(&self.token, &format!("{PAGE}/messages"));
        self.answer(request.json(&to_sam(json!({ "text": text }))).timeout(patience)).await.ok()
    }

    /// The items that were delivered, under `messaging` or `standby`.
    pub async fn delivered(&self, array: &str) -> Vec<Value> {
        self.sandbox.echoes_arrived().await;
        let bodies = self.hook.received().into_iter().filter(|request| request.method == "POST");
        let bodies = bodies.map(|request| serde_json::from_slice::<Value>(&request.body).unwrap());
        let items = bodies.flat_map(|body| body["entry"].as_array().unwrap().clone());
        items.flat_map(|entry| entry[array].as_array().cloned().unwrap_or_default()).collect()
    }
}

pub fn to(person: &Person, message: Value) -> Value {
    json!({"recipient": {"id": person.id}, "messaging_type": "RESPONSE", "message": message})
}

fn to_sam(message: Value) -> Value {
    json!({"recipient": {"id": "7000000000000001"}, "messaging_type": "RESPONSE", "message": message})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    if value.is_null() {
        body.as_object_mut().unwrap().remove(name);
    } else {
        body[name] = value;
    }
    body
}

#[tokio::test]
async fn a_message_that_is_taken_has_an_id_under_which_the_conversation_shows_it_first() {
    let scene = Scene::start().await;
    let taken = scene.say(json!({"text": "Yes, 3 left.", "metadata": "msg_1:1"})).await;
    assert_eq!((taken.status, &taken.body["recipient_id"]), (200, &json!(scene.sam.id)));
    let fields = "messages.limit(5){id,message,from,to,tags,created_time}";
    let list = scene.get(&format!("{PAGE}/conversations?fields={fields}")).await;
    let messages = list["data"][0]["messages"]["data"].as_array().unwrap();
    assert_eq!(
        (messages.len(), &messages[0]["id"], &messages[0]["message"]),
        (2, &json!(taken.mid()), &json!("Yes, 3 left."))
    );
    assert_eq!(messages[0]["from"]["id"], PAGE);
    assert!(!list.to_string().contains("msg_1:1"), "the conversation does not tell the mark");
    let sent = scene.sandbox.sent().remove(0);
    assert_eq!(
        (sent.metadata.as_deref(), sent.text.as_str(), &sent.person),
        (Some("msg_1:1"), "Yes, 3 left.", &scene.sam.id)
    );
    assert_eq!(scene.sandbox.sent_twice(), [""; 0]);
    scene.say(json!({"text": "Yes, 3 left.", "metadata": "msg_1:1"})).await.mid();
    assert_eq!(scene.sandbox.sent_twice(), ["msg_1:1"]);
    // A test in another process asks over HTTP.
    let answer = scene.answer(scene.http.get(format!("{}/control/sent", scene.sandbox.url()))).await.unwrap();
    assert_eq!(
        (answer.body["data"].as_array().unwrap().len(), &answer.body["data"][1]["metadata"]),
        (2, &json!("msg_1:1"))
    );
    assert!(scene.sandbox.traffic().unknown().is_empty());
}

#[tokio::test]
async fn me_is_the_page_of_the_token_and_a_form_is_as_good_as_json() {
    let scene = Scene::start().await;
    scene.call("me/messages", &to_sam(json!({"text": "1"}))).await.mid();
    let form =
        [("recipient", r#"{"id":"7000000000000001"}"#), ("messaging_type", "UPDATE"), ("message", r#"{"text":"2"}"#)];
    let answer = scene.answer(scene.post(&scene.token, "me/messages").form(&form)).await.unwrap();
    answer.mid();
    assert_eq!(scene.sandbox.sent()[1].messaging_type, "UPDATE");
    // People of Instagram are reached over the account and over its Page, and nowhere else.
    scene.say_on_instagram(json!({"text": "3"})).await.mid();
    scene.send(&to(&scene.kim, json!({"text": "4"}))).await.mid();
    let accounts: Vec<String> = scene.sandbox.sent().into_iter().map(|sent| sent.account).collect();
    assert_eq!(accounts, [PAGE, PAGE, ACCOUNT, ACCOUNT]);
    let wrong = scene.call(&format!("{ACCOUNT}/messages"), &to_sam(json!({"text": "5"}))).await;
    assert_eq!(wrong.error(), (100, Some(2_018_001)));
}

#[tokio::test]
async fn only_a_page_token_with_its_permissions_its_task_and_a_right_proof_may_send() {
    let scene = Scene::start().await;
    let body = to_sam(json!({"text": "1"}));
    let path = format!("{PAGE}/messages");
    assert_eq!(scene.call_as("EAABnobody", &path, &body).await.error().0, 190);
    let proof = scene.call(&format!("{path}?appsecret_proof=00"), &body).await;
    assert_eq!(proof.error().0, 104);
    scene.sandbox.set_app_secret_proof_required(true);
    assert_eq!(scene.send(&body).await.error().0, 104);
    scene.sandbox.set_app_secret_proof_required(false);
    scene.sandbox.add_page("100000000000102", "Other");
    let other = scene.sandbox.page_token("100000000000102");
    assert_eq!(scene.call_as(&other, &path, &body).await.error(), (100, Some(33)));
    scene.sandbox.withdraw("pages_messaging");
    assert_eq!(scene.send(&body).await.error().0, 230);
    scene.say_on_instagram(json!({"text": "1"})).await.mid();
    scene.sandbox.grant("pages_messaging");
    scene.sandbox.withdraw("instagram_manage_messages");
    assert_eq!(scene.say_on_instagram(json!({"text": "1"})).await.error().0, 200);
    scene.send(&body).await.mid();
    scene.page.set_tasks(&["MODERATE"]);
    assert_eq!(scene.send(&body).await.error().0, 200);
    scene.page.set_tasks(&["MESSAGING"]);
    scene.sandbox.revoke_tokens(460);
    assert_eq!(scene.send(&body).await.error(), (190, Some(460)));
    assert_eq!(scene.sandbox.sent().len(), 2);
}

#[tokio::test]
async fn a_recipient_is_somebody_who_wrote() {
    let scene = Scene::start().await;
    scene.sandbox.person("7000000000000002", "Never Wrote");
    let body = to_sam(json!({"text": "1"}));
    for recipient in
        [json!({"id": "7000000000000002"}), json!({"id": ""}), json!({"id": "1", "name": "x"}), json!("1"), Value::Null]
    {
        let answer = scene.send(&with(body.clone(), "recipient", recipient.clone())).await;
        let expected = (recipient["id"] == "7000000000000002").then_some(2_018_001);
        assert_eq!((answer.status, answer.error()), (400, (100, expected)), "{recipient}");
    }
}

#[tokio::test]
async fn misspelt_and_missing_parameters_are_refused() {
    let scene = Scene::start().await;
    let body = to_sam(json!({"text": "1"}));
    let bad = [
        with(body.clone(), "messaging_type", Value::Null),
        with(body.clone(), "messaging_type", "REPLY".into()),
        with(body.clone(), "message", Value::Null),
        with(body.clone(), "meta", "x".into()),
        with(body.clone(), "notification_type", "LOUD".into()),
        with(body.clone(), "reply_to", json!({"mid": "m_unknown"})),
        with(body.clone(), "reply_to", json!({"id": "m_unknown"})),
        with(body.clone(), "sender_action", "typing_on".into()),
        with(body.clone(), "tag", "HUMAN_AGENT".into()),
        to_sam(json!({"text": "1", "txt": "2"})),
        to_sam(json!({"text": ""})),
        to_sam(json!({"text": 1})),
        to_sam(json!({})),
        to_sam(json!({"text": "1", "sticker_id": 1})),
        to_sam(json!("1")),
    ];
    for body in bad {
        let answer = scene.send(&body).await;
        assert_eq!((answer.status, answer.error()), (400, (100, None)), "{body}");
    }
    assert!(scene.sandbox.sent().is_empty());
}

#[tokio::test]
async fn texts_and_marks_have_a_longest_form() {
    let scene = Scene::start().await;
    scene.say(json!({"text": "ä".repeat(2000), "metadata": "m".repeat(1000)})).await.mid();
    assert_eq!(scene.say(json!({"text": "a".repeat(2001)})).await.error(), (100, None));
    assert_eq!(scene.say(json!({"text": "a", "metadata": "m".repeat(1001)})).await.error(), (100, None));
    // Instagram counts bytes.
    scene.say_on_instagram(json!({"text": "ä".repeat(500)})).await.mid();
    assert_eq!(scene.say_on_instagram(json!({"text": "ä".repeat(501)})).await.error(), (100, None));
}

#[tokio::test]
async fn quick_replies_are_at_most_thirteen_and_their_titles_are_cut() {
    let scene = Scene::start().await;
    let reply = |title: &str, payload: &str| json!({"content_type": "text", "title": title, "payload": payload});
    let many = |count: usize| vec![reply("Yes", "YES"); count];
    let long = "This title is too long for a button";
    for replies in [json!(many(13)), json!([reply(long, &"p".repeat(1000))])] {
        scene.say(json!({"text": "Size?", "quick_replies": replies})).await.mid();
    }
    let tapped = scene.page.tap(&scene.sam, "This title is too lo").unwrap();
    assert_eq!(tapped["message"]["quick_reply"]["payload"], "p".repeat(1000));
    let bad = [
        json!(many(14)),
        json!([]),
        json!([reply("", "YES")]),
        json!([reply("Yes", &"p".repeat(1001))]),
        json!([{"content_type": "text", "title": "Yes"}]),
        json!([{"title": "Yes", "payload": "YES"}]),
        json!([{"content_type": "text", "title": "Yes", "payload": "YES", "id": 1}]),
    ];
    for replies in bad {
        let answer = scene.say(json!({"text": "Size?", "quick_replies": replies})).await;
        assert_eq!(answer.error(), (100, None), "{replies}");
    }
}

fn carousel(elements: Value) -> Value {
    json!({"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": elements}}})
}

fn card() -> Value {
    json!({"title": "Snowboard", "subtitle": "$640 - 3 in stock", "image_url": "https://shop.example/7.jpg",
        "default_action": {"type": "web_url", "url": "https://shop.example/p/7"},
        "buttons": [{"type": "web_url", "url": "https://shop.example/p/7", "title": "View"},
            {"type": "postback", "title": "Ask about it", "payload": "ASK:SKU-7"}]})
}

#[tokio::test]
async fn a_carousel_keeps_to_the_limits_of_the_generic_template() {
    let scene = Scene::start().await;
    scene.say(carousel(json!(vec![card(); 10]))).await.mid();
    scene.say(carousel(json!([with(card(), "title", "t".repeat(80).into())]))).await.mid();
    let button = |title: &str| json!({"type": "postback", "title": title, "payload": "P"});
    let bad = [
        json!([]),
        json!(vec![card(); 11]),
        json!([{"title": "Only a title"}]),
        json!([with(card(), "title", Value::Null)]),
        json!([with(card(), "title", "t".repeat(81).into())]),
        json!([with(card(), "subtitle", "t".repeat(81).into())]),
        json!([with(card(), "price", "640".into())]),
        json!([with(card(), "image_url", "http://shop.example/7.jpg".into())]),
        json!([with(
            card(),
            "default_action",
            json!({"type": "web_url", "url": "https://shop.example/", "title": "View"})
        )]),
        json!([with(card(), "buttons", json!([]))]),
        json!([with(card(), "buttons", json!(vec![button("More"); 4]))]),
        json!([with(card(), "buttons", json!([button("A title of 21 letters")]))]),
        json!([with(card(), "buttons", json!([{"type": "postback", "title": "More", "payload": "p".repeat(1001)}]))]),
        json!([with(card(), "buttons", json!([{"type": "web_url", "title": "View"}]))]),
    ];
    for elements in bad {
        let answer = scene.say(carousel(elements.clone())).await;
        assert_eq!(answer.error(), (100, None), "{elements}");
    }
    let buttons = |text: &str| {
        json!({"attachment": {"type": "template", "payload":
        {"template_type": "button", "text": text, "buttons": [{"type": "postback", "title": "More", "payload": "P"}]}}})
    };
    scene.say(buttons(&"t".repeat(640))).await.mid();
    assert_eq!(scene.say(buttons(&"t".repeat(641))).await.error(), (100, None));
    let fields = "messages.limit(1){attachments}";
    scene.say(carousel(json!([card()]))).await.mid();
    let list = scene.get(&format!("{PAGE}/conversations?fields={fields}")).await;
    let shown = &list["data"][0]["messages"]["data"][0]["attachments"]["data"][0]["generic_template"];
    assert_eq!((&shown["title"], &shown["subtitle"]), (&json!("Snowboard"), &json!("$640 - 3 in stock")));
}

#[tokio::test]
async fn files_are_sent_by_a_link_that_the_platform_can_fetch() {
    let scene = Scene::start().await;
    let file = |kind: &str, payload: Value| json!({"attachment": {"type": kind, "payload": payload}});
    for kind in ["image", "audio", "video", "file"] {
        scene.say(file(kind, json!({"url": "https://shop.example/x"}))).await.mid();
    }
    let bad = [
        file("image", json!({"url": "http://shop.example/x"})),
        file("image", json!({"url": "no link"})),
        file("image", json!({})),
        file("gif", json!({"url": "https://shop.example/x"})),
        file("image", json!({"url": "https://shop.example/x", "attachment_id": "1"})),
        file("image", json!({"url": "https://shop.example/x", "name": "x"})),
    ];
    for message in bad {
        assert_eq!(scene.say(message.clone()).await.error(), (100, None), "{message}");
    }
    // What is on this machine is really fetched, and served from the platform's own network.
    let local = scene.sandbox.put_content("board.jpg", "image/jpeg", b"a picture");
    let taken = scene.say(file("image", json!({"url": local, "is_reusable": true}))).await;
    let echo = scene.delivered("messaging").await.pop().unwrap();
    let link = echo["message"]["attachments"][0]["payload"]["url"].as_str().unwrap();
    assert_ne!(link, local);
    assert_eq!(scene.http.get(link).send().await.unwrap().bytes().await.unwrap(), b"a picture".as_slice());
    scene.say(file("image", json!({"attachment_id": taken.body["attachment_id"]}))).await.mid();
    scene.sandbox.expire_content("board.jpg");
    assert_eq!(scene.say(file("image", json!({"url": local}))).await.error(), (100, Some(2_018_008)));
    let unknown = scene.say(file("image", json!({"attachment_id": "5"}))).await;
    assert_eq!(unknown.error(), (100, Some(2_018_074)));
    let large = scene.sandbox.put_content("large.mp4", "video/mp4", &vec![0; 25 * 1024 * 1024 + 1]);
    assert_eq!(scene.say(file("video", json!({"url": large}))).await.error(), (100, Some(2_018_109)));
    scene.say(json!({"sticker_id": 767_226_160_478_561_i64})).await.mid();
}

#[tokio::test]
async fn a_sender_action_stands_alone_and_leaves_no_message() {
    let scene = Scene::start().await;
    let act = |action: &str| json!({"recipient": {"id": scene.sam.id}, "sender_action": action});
    for action in ["typing_on", "typing_off", "mark_seen"] {
        assert_eq!(scene.send(&act(action)).await.body, json!({"recipient_id": scene.sam.id}));
    }
    assert_eq!(scene.send(&act("wave")).await.error(), (100, None));
    assert_eq!(scene.send(&with(act("typing_on"), "messaging_type", "RESPONSE".into())).await.error(), (100, None));
    scene.sandbox.fail_sender_actions(1, SendFailure::Refused(100, Some(2_018_048)));
    scene.say(json!({"text": "a message is no action"})).await.mid();
    assert_eq!(scene.send(&act("typing_on")).await.error(), (100, Some(2_018_048)));
    let actions: Vec<String> = scene.sandbox.sender_actions().into_iter().map(|one| one.action).collect();
    assert_eq!(actions, ["typing_on", "typing_off", "mark_seen"]);
    assert_eq!(scene.page.message_count(&scene.sam), 2);
}

#[tokio::test]
async fn the_window_closes_a_day_after_the_person_did_something() {
    let scene = Scene::start().await;
    let day = Duration::from_secs(24 * 3600);
    scene.clock.advance(day - Duration::from_secs(2));
    scene.say(json!({"text": "1"})).await.mid();
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.say(json!({"text": "2"})).await.error(), (10, Some(2_018_278)));
    assert_eq!(scene.say_on_instagram(json!({"text": "2"})).await.error(), (10, Some(2_534_022)));
    // Answers of the Page open nothing; what the person does opens it again.
    scene.page.reply_to(&scene.sam, "by hand");
    scene.page.read_by(&scene.sam);
    assert_eq!(scene.say(json!({"text": "3"})).await.error().0, 10);
    let mid = scene.sandbox.sent()[0].mid.clone();
    let (page, sam) = (&scene.page, &scene.sam);
    let happenings: [&dyn Fn() -> Value; 5] = [
        &|| page.message_from(sam, "hello"),
        &|| page.reaction_from(sam, &mid, Some("love")),
        &|| page.postback_from(sam, "Get Started", "GET_STARTED"),
        &|| page.referral_from(sam, "flyer7"),
        &|| page.optin_from(sam, "promo"),
    ];
    for happens in happenings {
        happens();
        scene.say(json!({"text": "4"})).await.mid();
        scene.clock.advance(day + Duration::from_secs(1));
        assert_eq!(scene.say(json!({"text": "5"})).await.error().0, 10);
    }
}

#[tokio::test]
async fn a_human_may_answer_for_seven_days_if_the_app_may_say_so() {
    let scene = Scene::start().await;
    let by =
        |tag: &str| with(with(to_sam(json!({"text": "1"})), "messaging_type", "MESSAGE_TAG".into()), "tag", tag.into());
    scene.clock.advance(Duration::from_secs(7 * 24 * 3600 - 2));
    assert_eq!(scene.send(&by("HUMAN_AGENT")).await.error(), (10, None));
    scene.sandbox.allow_human_agent(true);
    scene.send(&by("HUMAN_AGENT")).await.mid();
    assert_eq!(scene.sandbox.sent()[0].tag.as_deref(), Some("HUMAN_AGENT"));
    assert_eq!(scene.say(json!({"text": "2"})).await.error(), (10, Some(2_018_278)));
    for tag in ["ACCOUNT_UPDATE", "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE", "CUSTOMER_FEEDBACK", "OTHER"] {
        assert_eq!(scene.send(&by(tag)).await.error(), (100, None), "{tag}");
    }
    assert_eq!(scene.send(&with(by("x"), "tag", Value::Null)).await.error(), (100, None));
    assert_eq!(
        scene.send(&with(to_sam(json!({"text": "1"})), "messaging_type", "UTILITY".into())).await.error(),
        (10, None)
    );
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.send(&by("HUMAN_AGENT")).await.error(), (10, Some(2_018_278)));
}

#[tokio::test]
async fn after_an_ad_the_platform_may_leave_the_window_open_longer() {
    let scene = Scene::start().await;
    let item = scene.page.message_from_ad(&scene.sam, "hi", "120000000000001");
    assert_eq!(item["message"]["referral"]["source"], "ADS");
    scene.clock.advance(TimeDelta::days(3).to_std().unwrap());
    assert_eq!(scene.say(json!({"text": "1"})).await.error().0, 10);
    scene.sandbox.set_ad_window(Some(7));
    scene.say(json!({"text": "2"})).await.mid();
    scene.clock.advance(TimeDelta::days(4).to_std().unwrap());
    assert_eq!(scene.say(json!({"text": "3"})).await.error().0, 10);
}

#[tokio::test]
async fn a_person_who_cannot_be_reached_is_refused_until_they_write_again() {
    let scene = Scene::start().await;
    let cases = [
        (Reach::Blocked, (551, Some(1_545_041))),
        (Reach::CannotReceive, (10, Some(2_018_108))),
        (Reach::Deactivated, (200, Some(1_545_041))),
    ];
    for (reach, expected) in cases {
        scene.page.set_reach(&scene.sam, reach);
        assert_eq!(scene.say(json!({"text": "1"})).await.error(), expected);
        scene.page.message_from(&scene.sam, "Still there?");
        scene.say(json!({"text": "2"})).await.mid();
    }
}

#[tokio::test]
async fn limits_are_told_with_a_header_that_says_when_to_come_back() {
    let scene = Scene::start().await;
    let cases = [(4, "x-app-usage"), (613, "x-business-use-case-usage"), (80_006, "x-business-use-case-usage")];
    for (code, header) in cases {
        scene.sandbox.fail_sends(1, SendFailure::Throttled(code, 5));
        let answer = scene.say(json!({"text": "1"})).await;
        assert_eq!((answer.status, answer.error()), (400, (code, None)));
        let usage: Value = serde_json::from_str(answer.headers[header].to_str().unwrap()).unwrap();
        let usage = if code == 4 { usage } else { usage[PAGE][0].clone() };
        assert_eq!(usage["call_count"], 100);
        assert!(code == 4 || usage["estimated_time_to_regain_access"] == 5);
    }
    scene.say(json!({"text": "2"})).await.mid();
    assert_eq!(scene.sandbox.sent().len(), 1);
}

#[tokio::test]
async fn planned_refusals_take_nothing_and_meet_whom_they_are_planned_for() {
    let scene = Scene::start().await;
    for code in [1, 2, 1200] {
        scene.sandbox.fail_sends(1, SendFailure::Refused(code, None));
        let answer = scene.say(json!({"text": "1"})).await;
        assert_eq!((answer.status, answer.error()), (500, (code, None)));
        assert_eq!(answer.body["error"]["is_transient"], true);
    }
    for (code, subcode) in [(190, Some(463)), (368, None), (200, None), (10, Some(1_893_063))] {
        scene.sandbox.fail_sends(1, SendFailure::Refused(code, subcode));
        let answer = scene.say(json!({"text": "1"})).await;
        assert_eq!((answer.status, answer.error()), (400, (code, subcode.map(u64::from))));
    }
    scene.sandbox.fail_sends(1, SendFailure::Gateway(503));
    let answer = scene.say(json!({"text": "1"})).await;
    assert_eq!((answer.status, answer.body), (503, Value::Null));
    assert!(scene.sandbox.sent().is_empty());
    // Only Sam, only the second message, only this account.
    scene.page.fail_sends_to(&scene.sam, 1, SendFailure::Refused(551, None));
    scene.say_on_instagram(json!({"text": "1"})).await.mid();
    assert_eq!(scene.say(json!({"text": "1"})).await.error().0, 551);
    scene.sandbox.fail_sends_after(1, 1, SendFailure::Refused(2, None));
    scene.say(json!({"text": "1"})).await.mid();
    assert_eq!(scene.say(json!({"text": "2"})).await.status, 500);
    scene.account.fail_sends(9, SendFailure::Refused(368, None));
    scene.say(json!({"text": "2"})).await.mid();
    assert_eq!(scene.say_on_instagram(json!({"text": "2"})).await.error().0, 368);
    scene.sandbox.heal_sends();
    scene.say_on_instagram(json!({"text": "2"})).await.mid();
}

#[tokio::test]
async fn an_answer_may_get_lost_before_or_after_the_message_was_taken() {
    let scene = Scene::start().await;
    let (patient, impatient) = (Duration::from_secs(10), Duration::from_millis(100));
    let cases = [
        (SendFailure::Cut, patient, 0),
        (SendFailure::Hang, impatient, 0),
        (SendFailure::TakenCut, patient, 1),
        (SendFailure::TakenHang, impatient, 2),
    ];
    for (failure, patience, sent) in cases {
        scene.sandbox.fail_sends(1, failure.clone());
        assert!(scene.try_to_say("1", patience).await.is_none(), "{failure:?}");
        assert_eq!(scene.sandbox.sent().len(), sent, "{failure:?}");
    }
    scene.sandbox.fail_sends(1, SendFailure::TakenGateway(502));
    let answer = scene.try_to_say("1", patient).await.unwrap();
    assert_eq!((answer.status, answer.body, scene.sandbox.sent().len()), (502, Value::Null, 3));
    // What is refused anyway is refused, and the echo tells of all that were taken.
    scene.sandbox.fail_sends(1, SendFailure::TakenCut);
    scene.page.set_reach(&scene.sam, Reach::Blocked);
    assert_eq!(scene.say(json!({"text": "2"})).await.error().0, 551);
    assert_eq!(scene.delivered("messaging").await.len(), 3);
}
