//! The log of events: leafed through by programs, by an operator and in a terminal; what an event holds; and events that are
//! handed to the workers again.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::commands::{Command, Line, LogWanted, StatusWanted};
use shoptalk::shared::store::{EventFilter, EventOutcome};
use tokio::sync::mpsc;

use crate::disk::{ANNA, message};
use crate::load::{Client, connect_page, wait_until_ready};
use crate::operator_api::{ask, get};
use crate::operator_page::signed_in;
use crate::process::{Running, Service, configured};
use crate::test_app::{PAGE, SHOP, TestApp};

const SAM: &str = "7000000000000001";
const KIM: &str = "7000000000000002";

/// A member of each event, in their order.
fn each(page: &Value, member: &str) -> Vec<Value> {
    page["events"].as_array().unwrap().iter().map(|event| event[member].clone()).collect()
}

/// A connected merchant to whom Sam wrote three times and Kim once, a minute apart each.
async fn with_messages() -> TestApp {
    let app = TestApp::start().await;
    app.connect().await;
    let page = app.page();
    let (sam, kim) = (app.facebook.person(SAM, "Sam Doe"), app.facebook.person(KIM, "Kim Roe"));
    for (person, text) in [(&sam, "one"), (&sam, "two"), (&kim, "a secret wish"), (&sam, "four")] {
        app.clock.advance(Duration::from_secs(60));
        page.deliver(&[page.message_from(person, text)]).await.unwrap();
    }
    app.settle().await;
    app
}

#[tokio::test]
async fn events_are_listed_newest_first_by_filters_and_pages() {
    let app = with_messages().await;
    let messages = get(&app, "/api/events?kind=message").await;
    assert_eq!(each(&messages, "person"), [json!(SAM), json!(KIM), json!(SAM), json!(SAM)]);
    assert_eq!((&messages["next"], &messages["refused"]), (&Value::Null, &json!([])));
    assert!(each(&messages, "outcome").iter().all(|outcome| outcome == "done"));
    for (query, count) in [
        (format!("person={KIM}"), 1),
        (format!("account=facebook/{PAGE}&kind=message"), 4),
        (format!("channel=shopify&account={SHOP}&kind=message"), 0),
        ("kind=message&outcome=done".to_owned(), 4),
        ("kind=message&outcome=apart".to_owned(), 0),
        // The last one came more than a minute ago, because the clock moves while work settles.
        ("kind=message&since=65s".to_owned(), 2),
        ("kind=message&until=65s".to_owned(), 2),
    ] {
        let page = get(&app, &format!("/api/events?{query}")).await;
        assert_eq!(page["events"].as_array().unwrap().len(), count, "{query}: {page}");
    }
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let page = get(&app, &format!("/api/events?limit=3{before}")).await;
        seen.extend(each(&page, "seq").iter().map(|seq| seq.as_i64().unwrap()));
        match page["next"].as_i64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    let all = get(&app, "/api/events?limit=200").await;
    assert_eq!(json!(seen), json!(each(&all, "seq")));
    assert_eq!(seen, [4, 3, 2, 1]);
    for bad in ["outcome=x", "limit=x", "before=-1", "since=yesterday", "wish=1", "kind=a&kind=b"] {
        assert_eq!(ask(&app, Method::GET, &format!("/api/events?{bad}"), "").await.status, 400, "{bad}");
    }
    app.finish().await;
}

#[tokio::test]
async fn deliveries_that_were_refused_are_listed_and_never_stored() {
    let app = TestApp::start().await;
    let deliver = async || app.browser().send(Method::POST, "/facebook/webhook", &[], b"{\"forged\":1}").await.status;
    assert_eq!((deliver().await, deliver().await), (http::StatusCode::UNAUTHORIZED, http::StatusCode::UNAUTHORIZED));
    for query in ["outcome=refused", "", "channel=facebook"] {
        let page = get(&app, &format!("/api/events?{query}")).await;
        let refused = &page["refused"][0];
        assert_eq!((&refused["channel"], &refused["deliveries"]), (&json!("facebook"), &json!(2)), "{query}: {page}");
        assert_eq!(refused["reason"], "no_signature");
    }
    for query in ["channel=shopify", "outcome=done", "before=1"] {
        assert_eq!(get(&app, &format!("/api/events?{query}")).await["refused"], json!([]), "{query}");
    }
    assert!(!app.is_on_disk("forged"));
    app.finish().await;
}

#[tokio::test]
async fn what_an_event_holds_is_shown_without_what_somebody_wrote_unless_asked_for() {
    let app = with_messages().await;
    let event = get(&app, &format!("/api/events?person={KIM}")).await["events"][0].clone();
    let path = format!("/api/events/{}/payload", event["seq"]);
    let shape = get(&app, &path).await;
    assert_eq!((&shape["redacted"], &shape["payload"]["sender"]["id"]), (&json!(true), &json!(KIM)));
    assert_eq!(shape["payload"]["message"]["text"], "(13 characters)");
    let whole = get(&app, &format!("{path}?redacted=false")).await;
    assert_eq!(whole["payload"]["message"]["text"], "a secret wish");
    for (path, status) in [("/api/events/99999/payload", 404), ("/api/events/x/payload", 404)] {
        assert_eq!(ask(&app, Method::GET, path, "").await.status, status, "{path}");
    }
    assert_eq!(ask(&app, Method::GET, &format!("{path}?redacted=perhaps"), "").await.status, 400);
    assert_eq!(app.browser().get(&path).await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn events_are_handed_again_one_by_one_and_since_a_time() {
    let app = with_messages().await;
    let event = get(&app, &format!("/api/events?person={KIM}")).await["events"][0].clone();
    let (seq, file) = (event["seq"].as_i64().unwrap(), event["file"].as_str().unwrap().to_owned());
    let others = format!("facebook/{PAGE}/conversations/{SAM}.json");
    let before = (app.text(&file), app.text(&others));
    for path in [&file, &others] {
        std::fs::remove_file(app.path(path)).unwrap();
    }
    let one = ask(&app, Method::POST, &format!("/api/events/{seq}/replay"), "").await;
    assert_eq!(one.json(), json!({ "replayed": 1 }));
    app.settle().await;
    assert_eq!((app.text(&file), app.text(&others)), (before.0.clone(), None));
    let since = json!({ "since": "1h" }).to_string();
    let all = ask(&app, Method::POST, "/api/events/replay", &since).await.json();
    assert!(all["replayed"].as_i64().unwrap() >= 2, "{all}");
    app.settle().await;
    assert_eq!((app.text(&file), app.text(&others)), before);
    let tomorrow = json!({ "since": "2030-01-01" }).to_string();
    assert_eq!(ask(&app, Method::POST, "/api/events/replay", &tomorrow).await.json(), json!({ "replayed": 0 }));
    assert_eq!(ask(&app, Method::POST, "/api/events/99999/replay", "").await.status, 404);
    for bad in ["", "{}", r#"{"since":"once"}"#] {
        assert_eq!(ask(&app, Method::POST, "/api/events/replay", bad).await.status, 400, "{bad}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_operator_leafs_through_the_log_and_looks_into_an_event() {
    let app = with_messages().await;
    let stranger = app.browser().for_pages().get("/operator/events").await;
    assert_eq!(stranger.status, 401);
    assert!(stranger.text().contains("Operator's token") && !stranger.text().contains(KIM));
    let browser = signed_in(&app).await;
    let newest = browser.get("/operator").await.text();
    assert!(newest.contains(">Newest events</h2>") && newest.contains(SAM), "{newest}");
    let page = browser.get(&format!("/operator/events?person={KIM}&kind=&outcome=")).await;
    assert_eq!(page.status, 200);
    let page = page.text();
    assert!(page.contains(KIM) && !page.contains(SAM) && !page.contains("a secret wish"), "{page}");
    let link = page.split("href=\"/operator/events/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let shape = browser.get(&format!("/operator/events/{link}")).await.text();
    assert!(shape.contains("(13 characters)") && !shape.contains("a secret wish"), "{shape}");
    assert!(browser.get(&format!("/operator/events/{link}?whole=yes")).await.text().contains("a secret wish"));
    assert_eq!(browser.get("/operator/events/99999").await.status, 404);
    assert_eq!(browser.get("/operator/events?limit=x").await.status, 400);
    let token = page.split(r#"name="form_token" value=""#).nth(1).unwrap().split('"').next().unwrap();
    std::fs::remove_file(app.path(&format!("facebook/{PAGE}/conversations/{KIM}.json"))).unwrap();
    let form = format!("form_token={token}&seq={link}");
    assert_eq!(browser.post_form("/operator/events/replay", &form).await.status, 303);
    app.settle().await;
    assert_eq!(app.said(KIM), ["a secret wish"]);
    assert_eq!(browser.post_form("/operator/events/replay", &format!("form_token={token}&since=")).await.status, 400);
    assert_eq!(browser.post_form("/operator/events/replay", "form_token=x&seq=1").await.status, 403);
    let since = format!("form_token={token}&since=2026-11-21T00:00");
    assert_eq!(browser.post_form("/operator/events/replay", &since).await.status, 303);
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn the_page_and_the_api_find_the_same_by_the_same_question() {
    let app = with_messages().await;
    let forged = app.browser().send(Method::POST, "/facebook/webhook", &[], b"{\"forged\":1}").await;
    assert_eq!(forged.status, 401);
    let browser = signed_in(&app).await;
    let mid = app.conversation(KIM).unwrap()[0]["message"]["mid"].as_str().unwrap().to_owned();
    for query in [
        String::new(),
        format!("person={KIM}"),
        "kind=message".to_owned(),
        "before=3".to_owned(),
        "outcome=refused".to_owned(),
        "outcome=refused&before=1".to_owned(),
        "outcome=done".to_owned(),
        format!("id={mid}"),
    ] {
        let told = get(&app, &format!("/api/events?{query}")).await;
        let page = browser.get(&format!("/operator/events?{query}")).await.text();
        let shown = page.matches("<th scope=\"row\"><a href=\"/operator/events/").count();
        assert_eq!(shown, told["events"].as_array().unwrap().len(), "{query}: {told} {page}");
        let refused = told["refused"].as_array().map_or(0, Vec::len);
        assert_eq!(page.matches("no signature").count(), refused, "{query}: {told} {page}");
    }
    app.finish().await;
}

fn texts(lines: &[Line]) -> Vec<String> {
    let said = lines.iter().filter_map(|line| match line {
        Line::Said { text } => Some(text.clone()),
        _ => None,
    });
    said.collect()
}

/// A command that goes on, and what it says.
struct Watch {
    lines: mpsc::Receiver<Line>,
    task: tokio::task::JoinHandle<()>,
}

impl Watch {
    fn begin(app: &TestApp, command: Command) -> Self {
        let ((sender, lines), runner) = (mpsc::channel(100), app.runner());
        let task = tokio::spawn(async move { runner.carry_out(command, &sender).await });
        Self { lines, task }
    }

    async fn next(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(20), self.lines.recv()).await.expect("in time");
        match line.expect("it goes on") {
            Line::Said { text } => text,
            other => panic!("{other:?}"),
        }
    }

    /// Whoever listened goes, and it ends.
    async fn leave(self) {
        drop(self.lines);
        tokio::time::timeout(Duration::from_secs(20), self.task).await.expect("in time").unwrap();
    }
}

#[tokio::test]
async fn events_are_watched_as_they_arrive_below_the_head_of_one_table() {
    let app = with_messages().await;
    let page = app.page();
    let write = async |id: &str, text: &str| {
        let person = app.facebook.person(id, "Somebody");
        assert_eq!(page.deliver(&[page.message_from(&person, text)]).await.unwrap(), Some(200));
    };
    let of_kim = || EventFilter { person: Some(KIM.to_owned()), limit: 20, ..EventFilter::default() };
    let watch = |is_json| Watch::begin(&app, Command::Events(LogWanted { filter: of_kim(), is_json, watches: true }));
    let (mut table, mut json) = (watch(false), watch(true));
    assert!(table.next().await.starts_with("EVENT"));
    assert!(table.next().await.contains(KIM));
    let first: Value = serde_json::from_str(&json.next().await).unwrap();
    for text in ["second", "third"] {
        write(SAM, "of somebody else").await;
        write(KIM, text).await;
        let row = table.next().await;
        assert!(row.contains(KIM) && !row.starts_with("EVENT"), "{row}");
        let event: Value = serde_json::from_str(&json.next().await).unwrap();
        assert_eq!(event["person"], KIM);
        assert!(event["seq"].as_i64() > first["seq"].as_i64(), "{event}");
    }
    table.leave().await;
    json.leave().await;
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn how_the_service_is_doing_is_shown_again_and_again_on_a_cleared_terminal() {
    const CLEAR: &str = "\u{1b}[H\u{1b}[2J";
    let app = with_messages().await;
    let wanted = |is_json, clears| Command::Status(StatusWanted { is_json, watches: true, clears });
    let (mut text, mut json) = (Watch::begin(&app, wanted(false, true)), Watch::begin(&app, wanted(true, false)));
    let first = text.next().await;
    assert!(first.starts_with(CLEAR) && first.contains(PAGE) && !first.contains("Something is wrong."), "{first}");
    let look: Value = serde_json::from_str(&json.next().await).unwrap();
    assert_eq!(look["alerts"], json!([]));
    app.shared().alerts.raise("test:cause", "Something is wrong.");
    let again = text.next().await;
    assert!(again.starts_with(CLEAR) && again.contains("! Something is wrong."), "{again}");
    let look: Value = serde_json::from_str(&json.next().await).unwrap();
    assert_eq!(look["alerts"][0]["cause"], "test:cause");
    app.shared().alerts.heal("test:cause");
    let healed = text.next().await;
    assert!(!healed.contains("Something is wrong."), "{healed}");
    text.leave().await;
    json.leave().await;
    app.finish().await;
}

#[test]
fn whoever_watches_a_running_service_from_a_terminal_may_go_at_any_time() {
    let folder = tempfile::tempdir().unwrap();
    connect_page(folder.path());
    let service = Service::start(configured(folder.path(), &["serve"]));
    wait_until_ready(service.address);
    let watch = |arguments: &[&str]| {
        let mut child = configured(folder.path(), arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (Running(child), lines)
    };
    let (status, mut looks) = watch(&["status", "--watch", "--json"]);
    for _ in 0..2 {
        let look: Value = serde_json::from_str(&looks.next().unwrap().unwrap()).unwrap();
        assert_eq!(look["connections"][0]["account"], PAGE);
    }
    let (events, mut told) = watch(&["events", "--watch", "--json"]);
    let mut client = Client::connect(service.address).unwrap();
    for number in 1..=2 {
        client.deliver(&message(number, ANNA)).unwrap();
        let event: Value = serde_json::from_str(&told.next().unwrap().unwrap()).unwrap();
        assert_eq!((&event["kind"], &event["person"]), (&json!("message"), &json!(ANNA)));
    }
    // Killed, both: the service notices nothing and stops as it always does.
    drop((status, events));
    let (ended, log) = service.stop();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn a_terminal_shows_events_and_how_the_service_is_doing() {
    let app = with_messages().await;
    let wanted = |filter: EventFilter, is_json| Command::Events(LogWanted { filter, is_json, watches: false });
    let of_kim = EventFilter { person: Some(KIM.to_owned()), limit: 20, ..EventFilter::default() };
    let table = texts(&app.command(wanted(of_kim.clone(), false)).await);
    assert!(table[0].starts_with("EVENT") && table.len() == 2, "{table:?}");
    assert!(table[1].contains(KIM) && table[1].contains("message") && table[1].ends_with("done"), "{table:?}");
    let json = texts(&app.command(wanted(of_kim, true)).await);
    let event: Value = serde_json::from_str(&json[0]).unwrap();
    assert_eq!((json.len(), &event["person"], &event["outcome"]), (1, &json!(KIM), &json!("done")));
    let nothing = EventFilter { outcome: Some(EventOutcome::GivenUp), limit: 20, ..EventFilter::default() };
    assert_eq!(texts(&app.command(wanted(nothing, false)).await), ["no event fits"]);

    let status = |is_json| Command::Status(StatusWanted { is_json, watches: false, clears: false });
    let lines = app.command(status(false)).await;
    assert_eq!(lines.last(), Some(&Line::End { good: true }));
    let text = texts(&lines).concat();
    for expected in [SHOP, PAGE, "Demo Shop", "connected", "conversations", "BEHIND"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    app.shared().alerts.raise("test:cause", "Something is wrong.");
    let lines = app.command(status(true)).await;
    assert_eq!(lines.last(), Some(&Line::End { good: false }), "somebody is needed");
    let status: Value = serde_json::from_str(&texts(&lines)[0]).unwrap();
    assert_eq!(status["alerts"][0]["sentence"], "Something is wrong.");
    assert_eq!(status["connections"].as_array().unwrap().len(), 2);
    for cause in ["test:another", "test:third"] {
        app.shared().alerts.raise(cause, "Something else is wrong.");
    }
    let text =
        texts(&app.command(Command::Status(StatusWanted { is_json: false, watches: false, clears: false })).await);
    let said: Vec<&str> = text[0].lines().filter(|line| line.starts_with('!')).collect();
    assert_eq!(said, ["! (2 times) Something else is wrong.", "! Something is wrong."]);
    for cause in ["test:cause", "test:another", "test:third"] {
        app.shared().alerts.heal(cause);
    }
    app.finish().await;
}
