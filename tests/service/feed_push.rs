//! Events as signed posts: to the receiver of the settings, and to merchants' own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use shoptalk::app::config::Config;
use shoptalk::shared::erasure::Scope as Erase;
use shoptalk::shared::store::api_keys::{NewApiKey, Scope};
use shoptalk::workers::push::BotReceiver;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::api_keys::{Bot, is_problem, wish};
use crate::feed::{SAM, deliver_and_settle, events, sam};
use crate::test_app::{PAGE, SHOP, TestApp};

const KEY: &[u8] = b"a key for events of 32 bytes....";

const HOUR: Duration = Duration::from_secs(60 * 60);

/// One post as it arrived.
#[derive(Clone)]
pub struct Post {
    pub id: String,
    timestamp: String,
    signatures: Vec<String>,
    body: String,
}

impl Post {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn is_signed_with(&self, key: &[u8]) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(format!("{}.{}.{}", self.id, self.timestamp, self.body).as_bytes());
        self.signatures.contains(&format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// What a receiver answers, to which person's events something else, and what arrived.
#[derive(Default)]
struct Seen {
    status: u16,
    of_person: Option<(String, u16)>,
    retry_after: Option<&'static str>,
    /// Nobody is answered before so many wait for their answer.
    gathers: Option<Arc<Barrier>>,
    posts: Vec<Post>,
}

/// A receiver.
#[derive(Clone)]
pub struct Sink {
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Sink {
    pub async fn start() -> Self {
        let seen = Arc::new(Mutex::new(Seen { status: 204, ..Seen::default() }));
        let router = axum::Router::new().route("/events", post(Self::take)).with_state(Arc::clone(&seen));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    async fn take(State(seen): State<Arc<Mutex<Seen>>>, headers: HeaderMap, body: Bytes) -> (StatusCode, HeaderMap) {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let post = Post {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signatures: header("webhook-signature").split(' ').map(str::to_owned).collect(),
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        let gathers = seen.lock().unwrap().gathers.clone();
        if let Some(all) = gathers
            && tokio::time::timeout(Duration::from_secs(10), all.wait()).await.is_err()
        {
            return (StatusCode::GATEWAY_TIMEOUT, HeaderMap::new());
        }
        let mut seen = seen.lock().unwrap();
        let person = post.json()["person"]["id"].clone();
        let status = match &seen.of_person {
            Some((of, status)) if person == *of => *status,
            _ => seen.status,
        };
        seen.posts.push(post);
        let mut answer = HeaderMap::new();
        if let Some(seconds) = seen.retry_after {
            answer.insert("retry-after", seconds.parse().unwrap());
        }
        (StatusCode::from_u16(status).unwrap(), answer)
    }

    fn answers(&self, status: u16) {
        self.seen.lock().unwrap().status = status;
    }

    fn answers_of(&self, person: Option<(&str, u16)>) {
        self.seen.lock().unwrap().of_person = person.map(|(person, status)| (person.to_owned(), status));
    }

    pub fn posts(&self) -> Vec<Post> {
        self.seen.lock().unwrap().posts.clone()
    }

    /// The numbers that arrived.
    fn numbers(&self) -> Vec<i64> {
        self.posts().iter().map(|post| post.json()["n"].as_i64().unwrap()).collect()
    }

    /// A receiver that answers with these bytes and leaves the connection as it is, and how often it was asked.
    async fn start_raw(answer: &'static [u8]) -> (Self, Arc<AtomicUsize>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 64 * 1024];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer).await;
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
                });
            }
        });
        (Self { url, seen: Arc::default() }, asked)
    }

    fn configure(&self) -> impl FnOnce(&mut Config) + use<> {
        let url = self.url.parse().unwrap();
        let secret = format!("whsec_{}", STANDARD.encode(KEY));
        move |config| config.server.bot_receiver = Some(BotReceiver { url, secrets: vec![secret.into()] })
    }

    /// With an older secret beside the current one, as `BOT_WEBHOOK_SECRET_PREVIOUS` names it.
    fn configure_with(&self, previous: &[u8]) -> impl FnOnce(&mut Config) + use<> {
        let url = self.url.parse().unwrap();
        let secret = |key: &[u8]| format!("whsec_{}", STANDARD.encode(key)).into();
        let secrets = vec![secret(KEY), secret(previous)];
        move |config| config.server.bot_receiver = Some(BotReceiver { url, secrets })
    }

    fn allow(&self) -> impl FnOnce(&mut Config) + use<> {
        let url = self.url.parse().unwrap();
        move |config| config.server.push_addresses = vec![url]
    }
}

async fn put(bot: &Bot, body: &Value) -> Value {
    let answer = bot.send(Method::PUT, "/api/v1/push", &[], body.to_string().as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn key_of(secret: &Value) -> Vec<u8> {
    STANDARD.decode(secret.as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap()
}

#[tokio::test]
async fn the_secret_before_this_one_signs_along() {
    const BEFORE: &[u8] = b"the key before it, of 32 bytes..";
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.configure_with(BEFORE)).await;
    app.connect().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    app.work().await;
    let posts = sink.posts();
    assert_eq!(posts.len(), 1);
    assert!(posts[0].is_signed_with(KEY) && posts[0].is_signed_with(BEFORE));
    assert!(!posts[0].is_signed_with(b"another key of thirty-two bytes."));
    // Later only the new one does.
    let app = app.restart_with(sink.configure()).await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "two")).await;
    app.work().await;
    let last = sink.posts().pop().unwrap();
    assert_eq!(last.json()["text"], "two");
    assert!(last.is_signed_with(KEY) && !last.is_signed_with(BEFORE));
    app.finish().await;
}

#[tokio::test]
async fn the_receiver_of_the_settings_hears_of_everything_from_its_first_setting_on() {
    let sink = Sink::start().await;
    let app = TestApp::start().await;
    app.connect().await;
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "before")).await;
    let app = app.restart_with(sink.configure()).await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    app.settle().await;
    assert_eq!(sink.numbers(), [0; 0]);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "after")).await;
    app.work().await;
    assert_eq!(sink.numbers(), [2]);
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let told = events(&bot, "after=1").await.remove(0);
    let post = sink.posts().remove(0);
    assert_eq!(post.id, told["id"].as_str().unwrap());
    assert!(post.is_signed_with(KEY));
    let mut body = post.json();
    assert_eq!(body["merchant"], json!(bot.key.merchant));
    body.as_object_mut().unwrap().remove("merchant");
    assert_eq!(body, told);
    app.finish().await;
}

#[tokio::test]
async fn a_merchant_has_a_receiver_with_a_secret_of_its_own() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.allow()).await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Admin]).await;
    is_problem(&bot.get("/api/v1/push").await, 404, "not-found");
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    let set = put(&bot, &json!({ "url": sink.url, "after": 0 })).await;
    assert_eq!((&set["url"], &set["types"], &set["n"]), (&json!(sink.url), &json!(["message", "takeover"]), &json!(0)));
    assert_eq!(bot.get("/api/v1/push").await.json()["waiting"], 1, "before anybody has come to it");
    let key = key_of(&set["secret"]);
    assert_eq!(key.len(), 32);
    assert!(!app.is_on_disk(set["secret"].as_str().unwrap()));
    app.work().await;
    deliver_and_settle(&app, app.page().read_by(&sam(&app))).await;
    assert_eq!(sink.numbers(), [1]);
    assert!(sink.posts()[0].is_signed_with(&key) && sink.posts()[0].json().get("merchant").is_none());
    let shown = bot.get("/api/v1/push").await.json();
    assert_eq!((&shown["n"], &shown["waiting"], &shown["last_failure"]), (&json!(2), &json!(0), &json!(null)));
    assert!(shown.get("secret").is_none());

    // A new secret; the one before signs along for a day.
    let again = put(&bot, &json!({ "url": sink.url })).await;
    assert_eq!(again["secret"], set["secret"]);
    let rotated = put(&bot, &json!({ "url": sink.url, "rotate": true, "types": ["activity"] })).await;
    let new = key_of(&rotated["secret"]);
    assert_ne!(new, key);
    deliver_and_settle(&app, app.page().read_by(&sam(&app))).await;
    app.work().await;
    let post = sink.posts().pop().unwrap();
    assert!(post.is_signed_with(&new) && post.is_signed_with(&key), "{:?}", post.signatures);
    app.clock.advance(24 * HOUR);
    deliver_and_settle(&app, app.page().read_by(&sam(&app))).await;
    app.work().await;
    let post = sink.posts().pop().unwrap();
    assert!(post.is_signed_with(&new) && !post.is_signed_with(&key));
    let count = sink.posts().len();
    assert_eq!(bot.send(Method::DELETE, "/api/v1/push", &[], b"").await.status, 204);
    is_problem(&bot.get("/api/v1/push").await, 404, "not-found");
    deliver_and_settle(&app, app.page().read_by(&sam(&app))).await;
    assert_eq!(sink.posts().len(), count);
    app.finish().await;
}

#[tokio::test]
async fn b5_posts_go_to_public_https_addresses_only() {
    let app = TestApp::start().await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Admin]).await;
    let own = format!("{}/keys", app.url);
    for url in [
        own.as_str(),
        "http://bot.example/events",
        "https://127.0.0.1/events",
        "https://10.0.0.1/events",
        "https://[::1]/events",
        "https://localhost/events",
        "https://user:password@bot.example/events",
        "https://8.8.8.8/events",
        "ftp://bot.example/events",
        "bot.example",
        "",
    ] {
        let answer = bot.send(Method::PUT, "/api/v1/push", &[], json!({ "url": url }).to_string().as_bytes()).await;
        let problem = is_problem(&answer, 422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/url", "{url}");
    }
    for body in [
        json!({ "url": "https://bot.example/", "types": ["nothing"] }),
        json!({ "url": "https://bot.example/", "types": [] }),
        json!({ "url": "https://bot.example/", "x": 1 }),
        json!({}),
    ] {
        let answer = bot.send(Method::PUT, "/api/v1/push", &[], body.to_string().as_bytes()).await;
        is_problem(&answer, 422, "invalid");
    }
    let late = json!({ "url": "https://bot.example/", "after": 9 }).to_string();
    is_problem(&bot.send(Method::PUT, "/api/v1/push", &[], late.as_bytes()).await, 410, "cursor-expired");
    let reader = Bot::of(&app, bot.key.merchant, &[Scope::Read]).await;
    is_problem(&reader.get("/api/v1/push").await, 403, "scope-missing");
    // Events of all accounts are posted: a key that sees some of them has no say in that.
    let accounts = vec![("facebook".to_owned(), PAGE.to_owned())];
    let limited = Bot::with(&app, NewApiKey { accounts, ..wish(bot.key.merchant, &[Scope::Admin]) }).await;
    for (method, body) in
        [(Method::GET, ""), (Method::PUT, r#"{"url":"https://bot.example/all"}"#), (Method::DELETE, "")]
    {
        is_problem(&limited.send(method, "/api/v1/push", &[], body.as_bytes()).await, 403, "not-permitted");
    }
    assert_eq!(put(&bot, &json!({ "url": "https://bot.example/events" })).await["n"], 0);
    let stranger = Bot::of(&app, Uuid::new_v4(), &[Scope::Admin]).await;
    is_problem(&stranger.get("/api/v1/push").await, 404, "not-found");
    app.finish().await;
}

#[tokio::test]
async fn a_persons_events_are_posted_in_order_and_a_failure_holds_up_nobody_else() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.configure()).await;
    app.connect().await;
    app.work().await;
    let alex = app.facebook.person("7000000000000002", "Alex Roe");
    sink.answers_of(Some(("7000000000000001", 500)));
    for word in ["one", "two"] {
        deliver_and_settle(&app, app.page().message_from(&sam(&app), word)).await;
        deliver_and_settle(&app, app.page().message_from(&alex, word)).await;
    }
    app.work().await;
    assert_eq!(sink.numbers().iter().filter(|n| **n == 1).count(), 2, "again after 5 s: {:?}", sink.numbers());
    assert!(!sink.numbers().contains(&3), "the second of one person waits for the first: {:?}", sink.numbers());
    assert!(sink.numbers().contains(&2) && sink.numbers().contains(&4));
    sink.answers_of(None);
    for _ in 0..4 {
        app.clock.advance(Duration::from_secs(40));
        app.work().await;
    }
    let numbers = sink.numbers();
    let place = |n: i64| numbers.iter().rposition(|one| *one == n).unwrap();
    assert!(place(1) < place(3), "{numbers:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_receiver_that_is_down_is_told_later_and_somebody_is_told_once() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.configure()).await;
    app.connect().await;
    sink.answers(503);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    let failing = |app: &TestApp| app.shared().alerts.list().iter().any(|alert| alert.cause == "push:bot");
    for pause in [5, 10] {
        assert!(!failing(&app));
        let count = sink.posts().len();
        app.clock.advance(Duration::from_secs(pause) / 2);
        app.work().await;
        assert_eq!(sink.posts().len(), count, "not before its time");
        app.clock.advance(Duration::from_secs(pause));
        app.work().await;
    }
    assert!(failing(&app));
    // What is restarted goes on, with the same id.
    let app = app.restart_with(sink.configure()).await;
    sink.answers(200);
    app.clock.advance(HOUR);
    app.work().await;
    assert!(!failing(&app));
    let posts = sink.posts();
    assert!(posts.iter().all(|post| post.id == posts[0].id && post.json()["n"] == 1));
    let count = posts.len();
    app.clock.advance(HOUR);
    app.work().await;
    assert_eq!(sink.posts().len(), count, "taken is taken");
    app.finish().await;
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.configure()).await;
    app.connect().await;
    sink.answers(429);
    sink.seen.lock().unwrap().retry_after = Some("600");
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    app.work().await;
    app.clock.advance(Duration::from_secs(590));
    app.work().await;
    assert_eq!(sink.posts().len(), 1);
    sink.answers(200);
    app.clock.advance(Duration::from_secs(11));
    app.work().await;
    assert_eq!(sink.posts().len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn after_a_day_a_persons_events_are_set_aside_and_a_merchant_can_have_them_again() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.allow()).await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Admin]).await;
    put(&bot, &json!({ "url": sink.url })).await;
    sink.answers(500);
    for word in ["one", "two"] {
        deliver_and_settle(&app, app.page().message_from(&sam(&app), word)).await;
    }
    for _ in 0..26 {
        app.clock.advance(HOUR);
        app.work().await;
    }
    let shown = bot.get("/api/v1/push").await.json();
    assert_eq!((&shown["waiting"], &shown["set_aside"]), (&json!(0), &json!(2)));
    assert_eq!(shown["last_failure"]["why"], "it answered 500");
    sink.answers(200);
    let count = sink.posts().len();
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "three")).await;
    app.work().await;
    assert_eq!(sink.numbers()[count..], [3], "others go on");
    put(&bot, &json!({ "url": sink.url, "after": 0 })).await;
    for _ in 0..2 {
        app.work().await;
    }
    assert_eq!(sink.numbers()[count + 1..], [1, 2, 3]);
    assert_eq!(bot.get("/api/v1/push").await.json()["set_aside"], 0);
    app.finish().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_no_more_until_it_is_set_again() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.allow()).await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Admin]).await;
    put(&bot, &json!({ "url": sink.url })).await;
    sink.answers(410);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    app.work().await;
    assert_eq!(sink.posts().len(), 1);
    app.clock.advance(24 * HOUR);
    app.work().await;
    assert_eq!((sink.posts().len(), &bot.get("/api/v1/push").await.json()["off"]), (1, &json!(true)));
    sink.answers(200);
    put(&bot, &json!({ "url": sink.url })).await;
    app.work().await;
    assert_eq!(sink.numbers(), [1, 1]);
    app.finish().await;
}

#[tokio::test]
async fn an_answer_of_which_only_the_head_comes_is_the_acknowledgement() {
    let (sink, asked) = Sink::start_raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await;
    let app = TestApp::start_with(sink.configure()).await;
    app.connect().await;
    app.work().await;
    let begun = std::time::Instant::now();
    for number in 1..=20 {
        deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
        assert_eq!(asked.load(Ordering::SeqCst), number, "taken is taken");
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    app.finish().await;
}

#[tokio::test]
async fn eight_persons_are_told_at_once_whoever_the_receiver_is() {
    for is_of_settings in [true, false] {
        let sink = Sink::start().await;
        let app = match is_of_settings {
            true => TestApp::start_with(sink.configure()).await,
            false => TestApp::start_with(sink.allow()).await,
        };
        app.connect().await;
        app.work().await;
        if !is_of_settings {
            put(&Bot::start(&app, &[Scope::Admin]).await, &json!({ "url": sink.url })).await;
        }
        sink.seen.lock().unwrap().gathers = Some(Arc::new(Barrier::new(8)));
        let said: Vec<Value> = (0..8)
            .map(|number| app.facebook.person(&format!("70000000000001{number:02}"), "Somebody"))
            .map(|person| app.page().message_from(&person, "Hello"))
            .collect();
        assert_eq!(app.page().deliver(&said).await.unwrap(), Some(200));
        app.settle().await;
        let mut numbers = sink.numbers();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8], "of the settings: {is_of_settings}");
        app.finish().await;
    }
}

fn tokens_sql(app: &TestApp, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(app.path("data/tokens.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    match sql.starts_with("SELECT") {
        true => connection.query_row(sql, [], |row| row.get(0)).unwrap(),
        false => i64::try_from(connection.execute(sql, []).unwrap()).unwrap(),
    }
}

#[tokio::test]
async fn secrets_are_read_for_a_post_and_nothing_is_posted_without_one() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.allow()).await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Admin]).await;
    put(&bot, &json!({ "url": sink.url })).await;
    put(&bot, &json!({ "url": sink.url, "rotate": true })).await;
    app.clock.advance(25 * HOUR);
    for _ in 0..5 {
        app.work().await;
    }
    // What is past its time is deleted whenever secrets are read.
    assert_eq!(tokens_sql(&app, "SELECT count(*) FROM push_keys"), 2, "nobody looks at secrets without a post");
    assert_eq!(tokens_sql(&app, "UPDATE push_keys SET sealed = x'00'"), 2);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    assert_eq!(sink.numbers(), [0; 0]);
    let shown = bot.get("/api/v1/push").await.json();
    assert_eq!(shown["waiting"], 1);
    assert!(shown["last_failure"]["why"].as_str().unwrap().contains("rotate"), "{shown}");
    let set = put(&bot, &json!({ "url": sink.url, "rotate": true })).await;
    app.clock.advance(HOUR);
    app.work().await;
    assert!(sink.posts()[0].is_signed_with(&key_of(&set["secret"])));
    app.finish().await;
}

fn accounts(all: &[(&str, &str)]) -> Vec<Erase> {
    let one = |(channel, account): &(&str, &str)| Erase::Account {
        channel: (*channel).to_owned(),
        account: (*account).to_owned(),
    };
    all.iter().map(one).collect()
}

fn is_open(app: &TestApp, cause: &str) -> bool {
    app.shared().alerts.list().iter().any(|alert| alert.cause == cause)
}

#[tokio::test]
async fn p4_an_erasure_tells_the_receiver_of_the_settings_nothing_again() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.configure()).await;
    app.connect().await;
    app.work().await;
    for word in ["one", "two"] {
        deliver_and_settle(&app, app.page().message_from(&sam(&app), word)).await;
    }
    assert_eq!(sink.numbers(), [1, 2]);
    let all = accounts(&[("facebook", PAGE), ("shopify", SHOP)]);
    app.shared().erasure.request(all, "a test", None).await.unwrap();
    // Its place stays while the feed is erased, and after that.
    for _ in 0..3 {
        app.work().await;
        app.clock.advance(HOUR);
    }
    assert_eq!(sink.numbers(), [1, 2]);
    let places: i64 = app.journal_sql(|journal| {
        journal.query_row("SELECT count(*) FROM push_places WHERE receiver = 'bot' AND n >= 2", [], |row| row.get(0))
    });
    assert_eq!(places, 1);
    app.finish().await;
}

#[tokio::test]
async fn p4_a_receiver_is_forgotten_with_the_last_account_also_of_one_that_was_disconnected_before() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.allow()).await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Admin]).await;
    put(&bot, &json!({ "url": sink.url })).await;
    sink.answers(500);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    for _ in 0..3 {
        app.clock.advance(HOUR);
        app.work().await;
    }
    let alert = format!("push:{}", bot.key.merchant);
    assert!(is_open(&app, &alert));
    let erasure = &app.shared().erasure;
    erasure.request(accounts(&[("shopify", SHOP)]), "a test", None).await.unwrap();
    erasure.disconnect("facebook", PAGE, "a test").await.unwrap();
    app.settle().await;
    assert_eq!(tokens_sql(&app, "SELECT count(*) FROM push_endpoints"), 1, "its data is still there");
    erasure.request(accounts(&[("facebook", PAGE)]), "a test", None).await.unwrap();
    assert_eq!(tokens_sql(&app, "SELECT count(*) FROM push_endpoints"), 0);
    assert!(!is_open(&app, &alert));
    app.settle().await;
    let left: i64 =
        app.journal_sql(|journal| journal.query_row("SELECT count(*) FROM push_places", [], |row| row.get(0)));
    assert_eq!(left, 0);
    app.finish().await;
}

#[tokio::test]
async fn p4_what_a_receiver_did_not_take_and_was_erased_is_no_trouble_any_more() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.configure()).await;
    app.connect().await;
    app.work().await;
    sink.answers(500);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    for _ in 0..3 {
        app.clock.advance(HOUR);
        app.work().await;
    }
    assert!(is_open(&app, "push:bot"));
    let person = Erase::Person { channel: "facebook".to_owned(), account: PAGE.to_owned(), person: SAM.to_owned() };
    app.shared().erasure.request(vec![person], "a test", None).await.unwrap();
    app.settle().await;
    app.work().await;
    assert!(!is_open(&app, "push:bot"));
    app.finish().await;
}

#[tokio::test]
async fn that_a_receiver_wants_no_more_is_still_known_after_a_restart() {
    let sink = Sink::start().await;
    let app = TestApp::start_with(sink.allow()).await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read, Scope::Admin]).await;
    put(&bot, &json!({ "url": sink.url })).await;
    sink.answers(410);
    deliver_and_settle(&app, app.page().message_from(&sam(&app), "one")).await;
    let alert = format!("push:{}", bot.key.merchant);
    assert!(is_open(&app, &alert));
    let app = app.restart_with(sink.allow()).await;
    app.work().await;
    assert!(is_open(&app, &alert));
    app.finish().await;
}
