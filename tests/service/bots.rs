//! What is made for those who write bots: the example in `examples/bot`, the guide in `docs/bots.md`, `shoptalk send` and
//! `shoptalk tail`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command as Process, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use shoptalk::commands::remote::Remote;
use shoptalk::commands::{Command, EventsWanted, Line, MessageWanted, socket};
use shoptalk::shared::outgoing::signed_post;
use shoptalk::shared::store::api_keys::Scope;
use tokio::sync::watch;

use crate::api_keys::is_problem;
use crate::feed_push::Sink;
use crate::process::{configured, run};
use crate::replies::{Scene, to};
use crate::test_app::{PAGE, TestApp};

const SAM: &str = "7000000000000001";

const GUIDE: &str = include_str!("../../docs/bots.md");

/// A service that speaks OpenAI's Chat Completions.
struct Model {
    url: String,
    asked: Arc<Mutex<Vec<Value>>>,
    /// What the next requests are answered instead.
    failures: Arc<Mutex<Vec<StatusCode>>>,
    is_open: watch::Sender<bool>,
}

#[derive(Clone)]
struct Inside {
    asked: Arc<Mutex<Vec<Value>>>,
    failures: Arc<Mutex<Vec<StatusCode>>>,
    is_open: watch::Receiver<bool>,
}

impl Model {
    async fn start() -> Self {
        let (asked, failures) = (Arc::default(), Arc::default());
        let (is_open, receiver) = watch::channel(true);
        let inside = Inside { asked: Arc::clone(&asked), failures: Arc::clone(&failures), is_open: receiver };
        let router = axum::Router::new().route("/v1/chat/completions", post(answer)).with_state(inside);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked, failures, is_open }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn think(&self, is_over: bool) {
        self.is_open.send_replace(is_over);
    }
}

/// Every answer is another one, as with real models.
async fn answer(State(mut inside): State<Inside>, Json(body): Json<Value>) -> Response {
    let number = {
        let mut asked = inside.asked.lock().unwrap();
        asked.push(body);
        asked.len()
    };
    if let Some(status) = inside.failures.lock().unwrap().pop() {
        return (status, [("retry-after", "1")], "{}").into_response();
    }
    inside.is_open.wait_for(|is_open| *is_open).await.unwrap();
    let message = json!({ "role": "assistant", "content": format!("Answer {number}") });
    Json(json!({ "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }] })).into_response()
}

/// The example as a process. Dropping it kills it.
struct Example(Child);

impl Example {
    fn start(scene: &Scene, model: &Model) -> Self {
        let mut python = Process::new("python3");
        python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bot/bot.py"));
        python.env("SHOPTALK_URL", &scene.app.url).env("SHOPTALK_KEY", &scene.bot.text);
        python.env("MODEL_URL", &model.url).env("MODEL", "a-model").env("no_proxy", "*");
        Self(python.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn has_python() -> bool {
    let has = Process::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has {
        eprintln!("skipped: there is no python3");
    }
    has
}

/// Drives the service until this is so.
async fn until(scene: &Scene, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}");
        scene.work().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The example has handled everything that somebody could want an answer to.
async fn caught_up(scene: &Scene) {
    until(scene, "the example did not catch up", async || {
        let page = scene.bot.get("/api/v1/events?after=0&limit=100&types=message,takeover").await.json();
        let newest = page["events"].as_array().unwrap().last().unwrap()["n"].as_i64();
        let place = scene.bot.get("/api/v1/cursors/example-bot").await;
        place.status == 200 && place.json()["n"].as_i64() >= newest
    })
    .await;
}

async fn taken(scene: &Scene, count: usize) {
    until(scene, &format!("{count} answers"), async || scene.taken().len() >= count).await;
    caught_up(scene).await;
    assert_eq!(scene.taken().len(), count, "{:?}", scene.taken());
}

/// Somebody answers in the inbox, and not at once as a machine would.
async fn human_answers(scene: &Scene, text: &str) {
    scene.app.clock.advance(Duration::from_secs(10));
    let page = scene.app.page();
    assert_eq!(page.deliver(&[page.reply_to(&scene.sam, text)]).await.unwrap(), Some(200));
    scene.app.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_answers_each_question_once_and_is_silent_where_a_human_answers() {
    if !has_python() {
        return;
    }
    let (scene, model) = (Scene::start().await, Model::start().await);
    let _example = Example::start(&scene, &model);
    // What was asked before its first start is not its business.
    caught_up(&scene).await;
    assert_eq!(model.asked(), 0);
    let asked = scene.hear("Do you ship to Austria?").await;
    taken(&scene, 1).await;
    assert_eq!(scene.taken(), ["Answer 1"]);
    let said = model.asked.lock().unwrap()[0].clone();
    let last = said["messages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last, json!({ "role": "user", "content": "Do you ship to Austria?" }), "{said}");
    assert_eq!((&said["model"], &said["messages"][0]["role"]), (&json!("a-model"), &json!("system")));
    let told = scene.bot.get("/api/v1/events?after=0&types=message&limit=100").await.json();
    let event = told["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(event["platform_id"], asked["message"]["mid"]);
    assert_eq!((&event["reason"], &event["bot_may_answer"]), (&json!("answered"), &json!(false)));

    // A model that is overloaded is asked again.
    model.failures.lock().unwrap().push(StatusCode::SERVICE_UNAVAILABLE);
    scene.hear("And to Italy?").await;
    taken(&scene, 2).await;

    // A human was faster.
    let page = scene.app.page();
    assert_eq!(page.deliver(&[page.message_from(&scene.sam, "How long?")]).await.unwrap(), Some(200));
    human_answers(&scene, "Three days. I am Kim.").await;
    scene.hear("Thank you, Kim. Do you gift-wrap?").await;
    caught_up(&scene).await;
    assert_eq!(scene.taken().len(), 2);
    // Kim went home.
    scene.app.clock.advance(Duration::from_secs(60 * 60));
    scene.app.settle().await;
    taken(&scene, 3).await;
    scene.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_may_be_killed_at_any_moment_set_back_and_run_twice() {
    if !has_python() {
        return;
    }
    let (scene, model) = (Scene::start().await, Model::start().await);
    let example = Example::start(&scene, &model);
    caught_up(&scene).await;

    // Killed while the model thinks.
    model.think(false);
    scene.hear("Do you ship to Austria?").await;
    until(&scene, "the model is asked", async || model.asked() == 1).await;
    drop(example);
    model.think(true);
    let example = Example::start(&scene, &model);
    taken(&scene, 1).await;

    // Killed between its answer and the move of its place: it reads the event again.
    drop(example);
    let back = scene.bot.send(Method::PUT, "/api/v1/cursors/example-bot", &[], br#"{"n":0}"#).await;
    assert_eq!(back.status, 200, "{back:?}");
    let example = Example::start(&scene, &model);
    taken(&scene, 1).await;

    // A human answers while the model thinks.
    model.think(false);
    let before = model.asked();
    scene.hear("How long does it take?").await;
    until(&scene, "the model is asked", async || model.asked() > before).await;
    human_answers(&scene, "Three days.").await;
    model.think(true);
    taken(&scene, 1).await;
    scene.app.clock.advance(Duration::from_secs(61 * 60));
    scene.app.settle().await;
    caught_up(&scene).await;

    // Two of them think about the same question, and find different words.
    let other = Example::start(&scene, &model);
    model.think(false);
    let before = model.asked();
    scene.hear("Which colours are there?").await;
    until(&scene, "both ask the model", async || model.asked() >= before + 2).await;
    model.think(true);
    taken(&scene, 2).await;
    drop((example, other));
    scene.work().await;
    assert_eq!(scene.taken().len(), 2);
    scene.app.finish().await;
}

/// The blocks of the guide in this language: the word behind it, and what stands in it.
fn blocks(language: &str) -> Vec<(&'static str, &'static str)> {
    let blocks = GUIDE.split("```").skip(1).step_by(2);
    let parts = blocks.filter_map(|block| block.split_once('\n'));
    parts.filter_map(|(info, text)| Some((info.strip_prefix(language)?.trim(), text))).collect()
}

/// Both have the same members, as deep as both have objects.
fn same_members(at: &str, shown: &Value, real: &Value) {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) if !at.ends_with("/raw") => {
            let names = |of: &serde_json::Map<String, Value>| of.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(shown), names(real), "docs/bots.md: {at}");
            for (name, value) in shown {
                same_members(&format!("{at}/{name}"), value, &real[name]);
            }
        }
        (Value::Array(shown), Value::Array(real)) => {
            for (shown, real) in shown.iter().zip(real) {
                same_members(&format!("{at}/0"), shown, real);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_example_of_the_guide_is_what_the_service_takes_and_says() {
    let app = TestApp::start_with(|config| {
        config.server.public_url = Some("https://bot.example".parse().unwrap());
    })
    .await;
    // Those whose ids the guide shows are among them.
    for title in ["Snowboard Classic", "Wax", "Gloves"] {
        app.shop().add_product(title);
    }
    let scene = Scene::of(app, &[Scope::Read, Scope::Reply]).await;
    let overtaken = scene.bot.get("/api/v1/events?after=0&types=message").await.json()["events"][0].clone();
    scene.hear("And the red one?").await;
    let refused = scene.post("overtaken", &json!({ "text": "Yes.", "answers": overtaken["id"] })).await;
    let mut seen = BTreeSet::new();
    for (index, (word, text)) in blocks("json").into_iter().enumerate() {
        let shown: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{word}: {error}\n{text}"));
        seen.insert(word);
        match word {
            "me" => {
                let mut real = scene.bot.get("/api/v1/me").await.json();
                real["accounts"][0]["can"] = shown["accounts"][0]["can"].clone();
                same_members(word, &shown, &real);
                assert_eq!(shown["accounts"][0]["limits"], real["accounts"][0]["limits"]);
            }
            "event" => same_members(word, &shown, &overtaken),
            "problem" => {
                let mut real = is_problem(&refused, 409, "outdated");
                real["newest"] = shown["newest"].clone();
                assert_eq!(shown, real);
            }
            "upload" => {
                let headers = [("content-type", shown["type"].as_str().unwrap())];
                let answer = scene.bot.send(Method::POST, "/api/v1/media", &headers, b"\xff\xd8\xff\xe0").await;
                assert_eq!(answer.status, 201, "{answer:?}");
                same_members(word, &shown, &answer.json());
                let sent = scene.post("uploaded", &json!({ "media": { "id": answer.json()["id"] } })).await;
                assert_eq!(sent.status, 202, "{sent:?}");
            }
            "message" => {
                let accepted = scene.post("message", &json!({ "text": "Yes." })).await;
                assert_eq!(accepted.status, 202, "{accepted:?}");
                same_members(word, &shown, &accepted.json());
            }
            "send" => {
                let mut body = shown.clone();
                body.as_object_mut().unwrap().remove("answers");
                let answer = scene.post(&format!("send-{index}"), &body).await;
                assert_eq!(answer.status, 202, "{text}: {answer:?}");
            }
            other => panic!("an example of {other:?}, which nobody checks"),
        }
    }
    assert_eq!(seen, BTreeSet::from(["event", "me", "message", "problem", "send", "upload"]));
    scene.work().await;
    scene.app.finish().await;
}

#[test]
fn the_guide_names_every_route_and_no_other() {
    let document: Value = serde_json::from_str(include_str!("../../src/web/api/openapi.json")).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let find = |path: &str| {
        let parts: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
        paths.keys().find(|known| {
            let known: Vec<&str> = known.split('/').collect();
            known.len() == parts.len()
                && known.iter().zip(&parts).all(|(one, part)| one == part || (one.starts_with('{') && !part.is_empty()))
        })
    };
    let ends = |sign: char| sign.is_whitespace() || matches!(sign, '`' | '"' | '\'' | '\\' | '…');
    for path in GUIDE.split("/api/v1").skip(1).filter_map(|rest| rest.split(ends).next()) {
        assert!(path.is_empty() || find(path).is_some(), "there is no {path}");
    }
    let mut named = BTreeSet::new();
    for code in GUIDE.split('`').skip(1).step_by(2) {
        let Some((method, path)) = code.split_once(' ').filter(|(method, _)| {
            Method::from_bytes(method.as_bytes())
                .is_ok_and(|method| ["GET", "POST", "PUT", "DELETE"].contains(&method.as_str()))
        }) else {
            continue;
        };
        let path = match path.strip_prefix('C') {
            Some(rest) => format!("/{{channel}}/{{account}}/conversations/{{person}}{rest}"),
            None => path.strip_prefix("/api/v1").unwrap_or(path).to_owned(),
        };
        let known = find(&path).unwrap_or_else(|| panic!("there is no {code}"));
        assert!(paths[known][method.to_ascii_lowercase()].is_object(), "there is no {code}");
        named.insert((known.clone(), method.to_ascii_lowercase()));
    }
    for (path, item) in paths {
        for method in item.as_object().unwrap().keys().filter(|method| *method != "parameters") {
            assert!(named.contains(&(path.clone(), method.clone())), "docs/bots.md does not name {method} {path}");
        }
    }
}

#[test]
fn the_guides_check_of_a_signature_knows_genuine_posts() {
    if !has_python() {
        return;
    }
    let (_, code) = blocks("python")[0];
    let (body, key) = (r#"{"n":1,"text":"ü"}"#, [7; 32]);
    let headers = signed_post::headers("evt_1", chrono::Utc::now().timestamp(), body, &[[9; 32], key]);
    let headers: serde_json::Map<String, Value> =
        headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let secret = format!("whsec_{}", STANDARD.encode(key));
    let program = format!(
        "{code}
import json
headers, body = json.loads('''{}'''), '''{body}'''.encode()
assert is_genuine(headers, body, '{secret}')
assert not is_genuine(headers, body + b' ', '{secret}')
assert not is_genuine({{**headers, 'webhook-id': 'evt_2'}}, body, '{secret}')
assert not is_genuine({{**headers, 'webhook-timestamp': '1'}}, body, '{secret}')
",
        Value::Object(headers)
    );
    let ended = Process::new("python3").args(["-c", &program]).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

fn wanted(text: &str) -> MessageWanted {
    MessageWanted {
        channel: "facebook".to_owned(),
        account: PAGE.to_owned(),
        person: SAM.to_owned(),
        text: text.to_owned(),
        products: Vec::new(),
        template: None,
        is_human: false,
        waits: true,
    }
}

/// What the command told, and whether it went well.
async fn send(scene: &Scene, wanted: MessageWanted) -> (String, bool) {
    let lines = scene.app.command(Command::Send(wanted)).await;
    match lines.as_slice() {
        [Line::Said { text }, Line::End { good }] => (text.clone(), *good),
        [Line::Refused { text }, Line::End { good: false }] => (text.clone(), false),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn send_says_what_became_of_a_message_or_why_there_is_none() {
    let scene = Scene::with(&[Scope::Read]).await;
    let (told, good) = send(&scene, wanted("Hello")).await;
    let (id, state) = told.split_once(' ').unwrap();
    assert!(id.starts_with("msg_") && state == "sent" && good, "{told}");
    assert_eq!(scene.message(id).await["author"], "bot");
    let (told, good) = send(&scene, MessageWanted { waits: false, ..wanted("Hello again") }).await;
    assert!(told.ends_with(" accepted") && good, "{told}");
    scene.work().await;
    assert_eq!(scene.taken(), ["Hello", "Hello again"]);
    for (wanted, words) in [
        (wanted(""), "text: This must have 1 to 10000 characters"),
        (MessageWanted { account: "9".to_owned(), ..wanted("x") }, "the account facebook/9 is not connected"),
        (MessageWanted { person: "9".to_owned(), ..wanted("x") }, "no conversation with this person"),
        (MessageWanted { products: vec!["1".to_owned()], ..wanted("x") }, "these products cannot be shown"),
    ] {
        let (told, good) = send(&scene, wanted).await;
        assert!(told.contains(words) && !good, "{told}");
    }
    // A human takes over, and bots are told so.
    let (told, good) = send(&scene, MessageWanted { is_human: true, ..wanted("I am Kim") }).await;
    assert!(told.ends_with(" sent") && good, "{told}");
    let (told, good) = send(&scene, wanted("Hello?")).await;
    assert!(told.contains("paused by: human") && !good, "{told}");
    // The platform says no.
    scene.app.clock.advance(Duration::from_secs(25 * 60 * 60));
    let (told, good) = send(&scene, wanted("Hello?")).await;
    assert!(told.contains("the platform's time for answers is over since ") && !good, "{told}");
    assert_eq!(scene.taken().len(), 3);
    assert_eq!(scene.bot.get(&to(SAM)).await.json()["outgoing"], json!([]));
    scene.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_shows_events_as_they_happen_and_posts_them_signed_to_this_machine() {
    let (scene, sink) = (Scene::start().await, Sink::start().await);
    let folder = scene.app.path("");
    let listener = socket::listen(&socket::path_in(&scene.app.path("data"))).unwrap();
    let answering = tokio::spawn(socket::answer(listener, scene.app.runner()));
    let arguments = ["tail", "--json", "--types", "message", "--since", "0", "--forward", &sink.url];
    let mut tail = configured(&folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (sender, shown) = std::sync::mpsc::channel();
    let stdout = BufReader::new(tail.stdout.take().unwrap());
    std::thread::spawn(move || stdout.lines().map(Result::unwrap).try_for_each(|line| sender.send(line)));
    let next = || -> Value { serde_json::from_str(&shown.recv_timeout(Duration::from_secs(30)).unwrap()).unwrap() };
    assert_eq!(next()["text"], "Is the blue one in stock?");
    scene.hear("And the red one?").await;
    let second = next();
    assert_eq!((&second["n"], &second["text"]), (&json!(2), &json!("And the red one?")));
    assert_eq!((&second["merchant"], &second["bot_may_answer"]), (&json!(scene.bot.key.merchant), &json!(true)));
    until(&scene, "two posts", async || sink.posts().len() == 2).await;
    let mut said = String::new();
    let mut stderr = BufReader::new(tail.stderr.take().unwrap());
    while !said.contains("BOT_WEBHOOK_SECRET=") {
        said.clear();
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "no secret was printed");
    }
    let key = STANDARD.decode(said.trim_end().split_once("=whsec_").unwrap().1).unwrap();
    for post in sink.posts() {
        assert!(post.is_signed_with(&key));
        assert_eq!(post.id, post.json()["id"].as_str().unwrap());
    }
    assert_eq!(sink.posts()[1].json(), second);
    // The service stops, and does not wait for it.
    answering.abort();
    assert_eq!(tail.wait().unwrap().code(), Some(2));

    for (arguments, code, words) in [
        (&["tail"][..], 2, "no service runs"),
        (&["send", "facebook/1", "2", "Hello"], 2, "no service runs"),
        (&["send", "facebook", "1", "2", "Hello"], 2, "no service runs"),
        (&["send", "facebook", "1", "2", "--template", "sale"], 2, "no service runs"),
        (&["send", "facebook", "1", "2"], 2, "words or --template"),
        (&["send", "facebook/1", "2", "Hello", "there"], 2, "put them in quotes"),
        (&["events", "--account", "facebook", "1", "--json"], 2, "no service runs"),
        (&["events", "--account", "facebook/1"], 2, "no service runs"),
        (&["events", "--account", "facebook"], 2, "an account is a channel and an id"),
        (&["events", "--account", "1"], 2, "an account is a channel and an id"),
        (&["tail", "--forward", "https://bot.example/events"], 2, "to this machine only"),
        (&["tail", "--types", "nothing"], 2, "there are these types: message, echo"),
        (&["send", "nowhere/1", "2", "Hello"], 2, "an account is a channel and an id"),
    ] {
        let ended = run(configured(&folder, arguments));
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(words), "{arguments:?}: {ended:?}");
    }
    scene.app.finish().await;
}

#[tokio::test]
async fn tail_follows_a_service_elsewhere_with_a_key() {
    let scene = Scene::start().await;
    let url = scene.app.url.clone();
    let key = scene.bot.text.clone();
    let wanted = EventsWanted { since: Some(0), ..EventsWanted::default() };
    let (sender, mut lines) = tokio::sync::mpsc::channel(16);
    let remote = Remote::at(&url, key.into(), &wanted).unwrap();
    let following = tokio::spawn(async move { remote.follow(&sender).await });
    let Some(Line::Event { id: Some(id), json }) = lines.recv().await else { panic!("an event") };
    assert!(id.starts_with("evt_") && json.contains("Is the blue one in stock?"), "{json}");
    drop(lines);
    scene.hear("And the red one?").await;
    assert!(following.await.unwrap(), "whoever listens no more ends it");
    let (sender, mut lines) = tokio::sync::mpsc::channel(16);
    let unknown = format!("stk_aaaaaaaaaa_{}", "a".repeat(43));
    assert!(!Remote::at(&url, unknown.into(), &wanted).unwrap().follow(&sender).await);
    let Some(Line::Refused { text }) = lines.recv().await else { panic!("a sentence") };
    assert!(text.contains("does not know this key"), "{text}");
    assert!(
        Remote::at("http://shoptalk.example.com", "x".to_owned().into(), &wanted).is_err(),
        "no key goes out in the clear"
    );
    scene.app.finish().await;
}
