//! Alerts are told to the operator's receiver: once when a cause appears, once when it is gone, whatever happens between.

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
use shoptalk::shared::erasure::Scope;
use shoptalk::shared::store::Status;
use shoptalk::workers::alert_webhook::Receiver;

use crate::test_app::{OPERATOR_TOKEN, PAGE, SHOP, TestApp};
use crate::waiting::ended;

const KEY: &[u8] = b"a key for alerts of 32 bytes....";

/// One post as it arrived.
#[derive(Clone)]
struct Post {
    id: String,
    timestamp: String,
    signature: String,
    body: String,
}

impl Post {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn says(&self) -> (String, String) {
        let body = self.json();
        (body["type"].as_str().unwrap().to_owned(), body["data"]["cause"].as_str().unwrap().to_owned())
    }
}

/// What it answers, and what arrived.
type Seen = Arc<Mutex<(StatusCode, Vec<Post>)>>;

/// Instead of an answer: nothing.
const SILENCE: StatusCode = StatusCode::IM_A_TEAPOT;

/// A receiver of alerts.
#[derive(Clone)]
struct Pager {
    url: String,
    seen: Seen,
}

impl Pager {
    async fn start() -> Self {
        let seen = Arc::new(Mutex::new((StatusCode::NO_CONTENT, Vec::new())));
        let router = axum::Router::new().route("/alerts", post(Self::take)).with_state(Arc::clone(&seen));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/alerts", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    async fn take(State(seen): State<Seen>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let post = Post {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        let status = {
            let mut seen = seen.lock().unwrap();
            seen.1.push(post);
            seen.0
        };
        if status == SILENCE {
            std::future::pending::<()>().await;
        }
        status
    }

    fn never_answers(&self, yes: bool) {
        self.seen.lock().unwrap().0 = if yes { SILENCE } else { StatusCode::NO_CONTENT };
    }

    /// Waits until so many posts have arrived.
    async fn until_posted(&self, count: usize) {
        while self.posts().len() < count {
            tokio::task::yield_now().await;
        }
    }

    fn answers(&self, status: u16) {
        self.seen.lock().unwrap().0 = StatusCode::from_u16(status).unwrap();
    }

    fn posts(&self) -> Vec<Post> {
        self.seen.lock().unwrap().1.clone()
    }

    fn said(&self) -> Vec<(String, String)> {
        self.posts().iter().map(Post::says).collect()
    }

    fn configure(&self) -> impl FnOnce(&mut Config) + use<> {
        let secret = format!("whsec_{}", STANDARD.encode(KEY));
        let receiver = Receiver { url: self.url.parse().unwrap(), secret: secret.into() };
        move |config| config.server.alert_receiver = Some(receiver)
    }
}

fn raised(cause: &str) -> (String, String) {
    ("alert.raised".to_owned(), cause.to_owned())
}

fn healed(cause: &str) -> (String, String) {
    ("alert.healed".to_owned(), cause.to_owned())
}

#[tokio::test]
async fn a_cause_is_told_once_signed_and_once_more_when_it_is_gone() {
    let pager = Pager::start().await;
    let configure = pager.configure();
    let reached = |config: &mut Config| {
        configure(config);
        config.server.public_url = Some("http://127.0.0.1:1/below".parse().unwrap());
    };
    let app = TestApp::start_with(reached).await;
    app.connect().await;
    let cause = format!("shopify:{SHOP}:needs_reconnect");
    let set = async |status| app.shared().connections.set_status("shopify", SHOP, status, None).await.unwrap();
    set(Status::NeedsReconnect).await;
    for _ in 0..3 {
        app.post_alerts().await;
    }
    assert_eq!(pager.said(), [raised(&cause)]);
    let post = pager.posts().remove(0);
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    mac.update(format!("{}.{}.{}", post.id, post.timestamp, post.body).as_bytes());
    assert_eq!(post.signature, format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    assert_eq!(post.timestamp, (app.clock.now_ms() / 1000).to_string());
    assert!(!post.body.contains("Demo Shop"), "{}", post.body);
    let data = &post.json()["data"];
    let expected = json!({ "channel": "shopify", "account": SHOP, "reason": "needs_reconnect", "link": "http://127.0.0.1:1/below/operator" });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(data[name], *value, "{name}");
    }
    set(Status::Connected).await;
    app.post_alerts().await;
    app.post_alerts().await;
    assert_eq!(pager.said(), [raised(&cause), healed(&cause)]);
    assert_ne!(pager.posts()[0].id, pager.posts()[1].id);
    set(Status::NeedsReconnect).await;
    app.post_alerts().await;
    assert_eq!(pager.said()[2], raised(&cause), "a cause that comes back is told again");
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let metrics = app.browser().send(Method::GET, "/metrics", &[("authorization", &bearer)], b"").await.text();
    for series in [r#"alerts_total{what="raised"} 2"#, r#"alerts_total{what="healed"} 1"#, r#"{outcome="sent"} 3"#] {
        assert!(metrics.contains(series), "{series} is not in\n{metrics}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_later_with_the_same_post() {
    let pager = Pager::start().await;
    let app = TestApp::start_with(pager.configure()).await;
    pager.answers(500);
    app.shared().alerts.raise("test:cause", "Something is wrong.");
    app.post_alerts().await;
    app.post_alerts().await;
    assert_eq!(pager.posts().len(), 1, "not before its time");
    app.clock.advance(Duration::from_secs(5));
    app.post_alerts().await;
    app.clock.advance(Duration::from_secs(5));
    app.post_alerts().await;
    assert_eq!(pager.posts().len(), 2, "each pause is longer");
    pager.answers(200);
    app.clock.advance(Duration::from_secs(5));
    app.post_alerts().await;
    app.clock.advance(Duration::from_secs(3600));
    app.post_alerts().await;
    let posts = pager.posts();
    assert_eq!(posts.len(), 3);
    assert!(posts.iter().all(|post| post.id == posts[0].id && post.body == posts[0].body));
    assert_ne!(posts[0].signature, posts[2].signature, "each try is signed with its own time");
    app.finish().await;
}

#[tokio::test]
async fn n6_a_post_whose_outcome_a_kill_took_is_made_again_under_its_own_key_and_not_at_once() {
    let pager = Pager::start().await;
    let app = TestApp::start_with(pager.configure()).await;
    app.shared().alerts.raise("test:cause", "Something is wrong.");
    // Killed when the post has arrived and its answer has not.
    pager.never_answers(true);
    tokio::select! {
        () = app.post_alerts() => panic!("there was no answer"),
        () = pager.until_posted(1) => {}
    }
    let app = app.kill_and_restart_with(pager.configure()).await;
    pager.never_answers(false);
    app.shared().alerts.raise("test:cause", "Something is wrong.");
    app.post_alerts().await;
    assert_eq!(pager.posts().len(), 1, "the row said that it was under way");
    app.clock.advance(Duration::from_secs(60));
    app.post_alerts().await;
    app.post_alerts().await;
    let posts = pager.posts();
    assert_eq!(posts.len(), 2);
    // Who has it already knows it by its id.
    assert_eq!((&posts[0].id, &posts[0].body), (&posts[1].id, &posts[1].body));
    app.finish().await;
}

#[tokio::test]
async fn an_alert_that_nobody_heard_of_before_a_kill_is_told_after_it_if_it_is_still_there() {
    let pager = Pager::start().await;
    let app = TestApp::start_with(pager.configure()).await;
    app.connect().await;
    pager.answers(503);
    app.shared().connections.set_status("facebook", PAGE, Status::NeedsReconnect, None).await.unwrap();
    app.shared().alerts.raise("test:gone", "It will be gone.");
    app.post_alerts().await;
    assert_eq!(pager.posts().len(), 2);
    let app = app.kill_and_restart_with(pager.configure()).await;
    pager.answers(200);
    app.clock.advance(Duration::from_secs(60));
    app.post_alerts().await;
    let cause = format!("facebook:{PAGE}:needs_reconnect");
    assert_eq!(pager.said()[2..], [raised(&cause)]);
    // Told once: not at the next start either.
    let app = app.kill_and_restart_with(pager.configure()).await;
    app.post_alerts().await;
    assert_eq!(pager.posts().len(), 3);
    // What nobody raises again is gone after two hours; somebody may have heard of it.
    app.clock.advance(Duration::from_secs(2 * 60 * 60 + 60));
    app.post_alerts().await;
    assert_eq!(pager.said()[3..], [healed("test:gone")]);
    app.shared().connections.set_status("facebook", PAGE, Status::Connected, None).await.unwrap();
    app.post_alerts().await;
    assert_eq!(pager.said()[4..], [healed(&cause)]);
    app.finish().await;
}

#[tokio::test]
async fn work_that_was_given_up_is_told_by_account() {
    let pager = Pager::start().await;
    let app = TestApp::start_with(pager.configure()).await;
    app.connect().await;
    let journal = rusqlite::Connection::open(app.path("data/journal.db")).unwrap();
    journal.busy_timeout(Duration::from_secs(5)).unwrap();
    let sql = format!(
        "INSERT INTO rereads (channel, account, object, generation, wanted_at, due_at, attempts, parked, reason)
         VALUES ('shopify', '{SHOP}', '', 1, 0, 0, 9, 1, 'refused')"
    );
    journal.execute_batch(&sql).unwrap();
    app.post_alerts().await;
    let cause = format!("shopify:{SHOP}:parked");
    assert_eq!(pager.said(), [raised(&cause)]);
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = json!({ "work": "read", "channel": "shopify", "account": SHOP, "object": "" }).to_string();
    app.browser().send(Method::POST, "/api/replay", &headers, body.as_bytes()).await;
    app.post_alerts().await;
    assert_eq!(pager.said()[1..], [healed(&cause)]);
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn a_cause_that_is_gone_before_anybody_heard_of_it_is_not_told() {
    let pager = Pager::start().await;
    let app = TestApp::start_with(pager.configure()).await;
    app.shared().alerts.raise("test:short", "Something was wrong.");
    app.shared().alerts.heal("test:short");
    app.post_alerts().await;
    assert_eq!(pager.said(), []);
    app.finish().await;
}

/// Each worker's alert, how its sentence begins, and the table without which it cannot work.
const WORKERS: [(&str, &str, (&str, &str)); 5] = [
    ("consumer:conversations", "Conversation files are not being written", ("journal", "unfiled")),
    ("consumer:refresh", "Accounts are not being read", ("journal", "rereads")),
    ("consumer:overview", "The pages' lists of conversations fall behind", ("journal", "activity")),
    ("consumer:erasure", "Data that must be erased is not being erased", ("tokens", "erasure_scopes")),
    ("consumer:alerts", "Accounts that need a login are not looked for", ("tokens", "alert_posts")),
];

/// Takes a table away from a database, or gives it back.
fn rename(app: &TestApp, database: &str, from: &str, to: &str) {
    let connection = rusqlite::Connection::open(app.path(&format!("data/{database}.db"))).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
}

/// The workers' alerts, as the operator's API shows them.
async fn alerts_of_workers(app: &TestApp) -> Vec<(String, String)> {
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let answer = app.browser().send(Method::GET, "/api/alerts", &[("authorization", &bearer)], b"").await.json();
    let text = |alert: &Value, name: &str| alert[name].as_str().unwrap().to_owned();
    let alerts = answer["alerts"].as_array().unwrap().iter();
    let all = alerts.map(|alert| (text(alert, "cause"), text(alert, "sentence")));
    all.filter(|(cause, _)| cause.starts_with("consumer:")).collect()
}

#[tokio::test]
async fn a_worker_that_fails_raises_an_alert_of_its_own_and_heals_it_when_it_works_again() {
    let pager = Pager::start().await;
    let app = TestApp::start_with(pager.configure()).await;
    app.connect().await;
    let sam = app.facebook.person("7000000000000001", "Sam Doe");
    assert_eq!(app.page().deliver(&[app.page().message_from(&sam, "Hello?")]).await.unwrap(), Some(200));
    let person =
        |id: &str| Scope::Person { channel: "facebook".to_owned(), account: PAGE.to_owned(), person: id.to_owned() };
    app.shared().erasure.request(vec![person("7000000000000009")], "operator", None).await.unwrap();
    for (_, _, (database, table)) in WORKERS {
        rename(&app, database, table, &format!("{table}_away"));
    }
    let working = app.start_working().await;
    let until = async |count: usize| {
        loop {
            let alerts = alerts_of_workers(&app).await;
            if alerts.len() == count {
                break alerts;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let mut expected: Vec<&str> = WORKERS.map(|(cause, ..)| cause).to_vec();
    expected.sort_unstable();
    let alerts = ended("the alerts", until(WORKERS.len())).await;
    assert_eq!(alerts.iter().map(|(cause, _)| cause.as_str()).collect::<Vec<_>>(), expected);
    for (cause, sentence, (database, table)) in WORKERS {
        let told = alerts_of_workers(&app).await.into_iter().find(|alert| alert.0 == cause).unwrap().1;
        assert!(told.starts_with(sentence), "{cause}: {told}");
        rename(&app, database, &format!("{table}_away"), table);
        expected.retain(|other| *other != cause);
        let left = until(expected.len()).await;
        assert_eq!(left.iter().map(|(cause, _)| cause.as_str()).collect::<Vec<_>>(), expected);
    }
    app.stop_working(working).await;
    assert_eq!(app.said(sam.id.as_str()), ["Hello?"], "nothing was lost");
    app.finish().await;
}
