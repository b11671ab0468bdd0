//! Copies of attachments.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::facebook::Media;
use shoptalk::facebook::sandbox::Person;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::erasure::Scope;

use crate::test_app::{PAGE, TestApp};

const SAM: &str = "7000000000000001";
const KIM: &str = "7000000000000002";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a picture of a snowboard";
/// Named by the SHA-256 of [`JPEG`].
const JPEG_FILE: &str = "e06a84a0f26611946964a7ba9b32a60a1ccf0c516b1a170da1d6ea57299bce89.jpg";

fn copying(config: &mut Config) {
    let media = Media { hosts: vec![".fbcdn.net".to_owned(), "127.0.0.1".to_owned()], max_bytes: 1_000 };
    config.facebook.as_mut().unwrap().media = Some(media);
}

async fn connected() -> TestApp {
    let app = TestApp::start_with(copying).await;
    app.connect().await;
    app.run_due_jobs().await;
    app
}

async fn send(app: &TestApp, person: &str, kind: &str, url: &str) -> Value {
    let person: Person = app.facebook.person(person, "Somebody");
    app.clock.advance(Duration::from_secs(1));
    let item = app.page().attachment_from(&person, kind, url);
    assert_eq!(app.page().deliver(std::slice::from_ref(&item)).await.unwrap(), Some(200));
    app.settle().await;
    item
}

async fn a_minute_later(app: &TestApp) {
    app.clock.advance(Duration::from_secs(60));
    app.run_due_jobs().await;
}

fn index(app: &TestApp, person: &str) -> Value {
    app.json(&format!("facebook/{PAGE}/media/index/{person}.json"))
}

/// Names in the folder of copies, without the index.
fn files(app: &TestApp) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(app.path(&format!("facebook/{PAGE}/media"))) else { return Vec::new() };
    let mut names: Vec<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "index");
    names.sort();
    names
}

fn mid(item: &Value) -> &str {
    item["message"]["mid"].as_str().unwrap()
}

#[tokio::test]
async fn what_customers_attach_is_copied_once_and_indexed() {
    let app = connected().await;
    let url = app.facebook.put_content("a", "text/html", JPEG);
    let first = send(&app, SAM, "image", &url).await;
    let second = send(&app, SAM, "image", &url).await;
    let theirs = send(&app, KIM, "image", &url).await;
    let pdf = app.facebook.put_content("b", "image/png", b"%PDF-1.7 an order");
    let order = send(&app, SAM, "file", &pdf).await;
    assert_eq!(files(&app), [""; 0], "not before its time");
    a_minute_later(&app).await;
    let all = files(&app);
    assert_eq!(all.len(), 2, "{all:?}");
    let picture = all.iter().find(|name| name.ends_with(".jpg")).unwrap();
    assert_eq!(std::fs::read(app.path(&format!("facebook/{PAGE}/media/{picture}"))).unwrap(), JPEG);
    assert_eq!(picture, JPEG_FILE);
    let entry = json!([{"position": 0, "type": "image", "state": "kept", "file": picture, "bytes": JPEG.len(),
        "content_type": "image/jpeg"}]);
    let sams = index(&app, SAM);
    assert_eq!((&sams[mid(&first)], &sams[mid(&second)]), (&entry, &entry));
    assert_eq!(sams[mid(&order)][0]["content_type"], "application/pdf");
    assert_eq!(index(&app, KIM), json!({mid(&theirs): entry}));
    let sent = app.facebook.traffic().count("/cdn/");
    a_minute_later(&app).await;
    assert_eq!(app.facebook.traffic().count("/cdn/"), sent, "each is fetched once");
    // Whoever lists conversations finds conversations.
    let folder = std::fs::read_dir(app.path(&format!("facebook/{PAGE}/conversations"))).unwrap();
    assert_eq!(folder.count(), 2);
    app.finish().await;
}

#[tokio::test]
async fn attachments_found_by_a_read_are_copied_too_and_answers_of_the_page_are_not() {
    let app = TestApp::start_with(copying).await;
    let url = app.facebook.put_content("a", "image/jpeg", JPEG);
    let sam = app.facebook.person(SAM, "Sam Doe");
    app.page().attachment_from(&sam, "image", &url);
    app.connect().await;
    app.run_due_jobs().await;
    a_minute_later(&app).await;
    assert_eq!(files(&app).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn by_default_nothing_is_fetched() {
    let app = TestApp::start().await;
    app.connect().await;
    app.run_due_jobs().await;
    let url = app.facebook.put_content("a", "image/jpeg", JPEG);
    send(&app, SAM, "image", &url).await;
    a_minute_later(&app).await;
    assert_eq!((app.facebook.traffic().count("/cdn/"), files(&app)), (0, Vec::new()));
    app.finish().await;
}

#[tokio::test]
async fn what_lies_elsewhere_or_is_something_else_is_refused() {
    let app = connected().await;
    let elsewhere = send(&app, SAM, "image", "http://localhost:1/a.jpg").await;
    let plain = send(&app, SAM, "image", "http://scontent.fbcdn.net/a.jpg").await;
    let url = app.facebook.put_content("html", "image/jpeg", b"<html><script>alert(1)</script>");
    let html = send(&app, SAM, "image", &url).await;
    let url = app.facebook.put_content("large", "image/jpeg", &[JPEG, &[0; 1_000]].concat());
    let large = send(&app, SAM, "image", &url).await;
    let url = app.facebook.put_content("away", "image/jpeg", JPEG);
    app.facebook.redirect_content("away", "http://localhost:1/inside");
    let away = send(&app, SAM, "image", &url).await;
    let url = app.facebook.put_content("circle", "image/jpeg", JPEG);
    app.facebook.redirect_content("circle", "/cdn/circle");
    let circle = send(&app, SAM, "image", &url).await;
    a_minute_later(&app).await;
    for item in [elsewhere, plain, html, large, away, circle] {
        assert_eq!(
            index(&app, SAM)[mid(&item)],
            json!([{"position": 0, "type": "image", "state": "refused"}]),
            "{item}"
        );
    }
    assert_eq!(files(&app), [""; 0], "and nothing half-written");
    app.finish().await;
}

#[tokio::test]
async fn an_expired_link_is_noted_and_a_platform_in_trouble_is_asked_again() {
    let app = connected().await;
    let url = app.facebook.put_content("old", "image/jpeg", JPEG);
    let old = send(&app, SAM, "image", &url).await;
    app.facebook.expire_content("old");
    let url = app.facebook.put_content("new", "image/jpeg", JPEG);
    let new = send(&app, SAM, "image", &url).await;
    for failure in [Failure::Status(503), Failure::Disconnect] {
        app.facebook.traffic().fail_next("/cdn/new", 1, failure);
    }
    a_minute_later(&app).await;
    assert_eq!(index(&app, SAM)[mid(&old)][0]["state"], "expired");
    assert_eq!(index(&app, SAM).get(mid(&new)), None);
    let app = app.restart_with(copying).await;
    for _ in 0..2 {
        app.clock.advance(Duration::from_secs(300));
        app.run_due_jobs().await;
    }
    assert_eq!(index(&app, SAM)[mid(&new)][0]["state"], "kept");
    assert_eq!(files(&app).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn what_is_taken_back_is_removed_unless_somebody_else_sent_it_too() {
    let app = connected().await;
    let url = app.facebook.put_content("a", "image/jpeg", JPEG);
    let sams = send(&app, SAM, "image", &url).await;
    let kims = send(&app, KIM, "image", &url).await;
    a_minute_later(&app).await;
    for (person, item, left) in [(SAM, &sams, 1), (KIM, &kims, 0)] {
        let person = app.facebook.person(person, "Somebody");
        let gone = app.page().unsend(&person, mid(item));
        assert_eq!(app.page().deliver(&[gone]).await.unwrap(), Some(200));
        a_minute_later(&app).await;
        assert_eq!(files(&app).len(), left);
        assert_eq!(app.text(&format!("facebook/{PAGE}/media/index/{}.json", person.id)), None);
    }
    app.finish().await;
}

#[tokio::test]
async fn of_an_erased_person_the_copies_go_unless_somebody_else_sent_the_same() {
    let app = connected().await;
    let shared = app.facebook.put_content("a", "image/jpeg", JPEG);
    let own = app.facebook.put_content("b", "image/png", b"%PDF-1.7 only of Sam");
    send(&app, SAM, "image", &shared).await;
    send(&app, KIM, "image", &shared).await;
    send(&app, SAM, "file", &own).await;
    a_minute_later(&app).await;
    assert_eq!(files(&app).len(), 2);
    let sam = Scope::Person { channel: "facebook".to_owned(), account: PAGE.to_owned(), person: SAM.to_owned() };
    app.shared().erasure.request(vec![sam], "a test", None).await.unwrap();
    app.settle().await;
    assert_eq!(files(&app), [JPEG_FILE], "Kim's stays");
    assert!(!app.is_on_disk("only of Sam") && !app.is_on_disk(SAM));
    assert_eq!(app.text(&format!("facebook/{PAGE}/media/index/{SAM}.json")), None);
    assert_eq!(index(&app, KIM).as_object().map(|index| index.len()), Some(1));
    app.finish().await;
}

#[tokio::test]
async fn n5_hosts_of_attachments_that_do_not_answer_are_left_alone_for_a_while() {
    let app = connected().await;
    for number in 0..30 {
        let url = app.facebook.put_content(&format!("it-{number}"), "image/jpeg", JPEG);
        send(&app, SAM, "image", &url).await;
    }
    app.facebook.traffic().fail_next("/cdn/", 1_000, Failure::Disconnect);
    a_minute_later(&app).await;
    let asked = app.facebook.traffic().count("/cdn/");
    assert!((10..10 + 4).contains(&asked), "{asked} calls; ten failures in a row, and at most four under way at once");
    app.facebook.traffic().heal();
    for _ in 0..3 {
        app.clock.advance(Duration::from_secs(600));
        app.run_due_jobs().await;
    }
    assert_eq!(index(&app, SAM).as_object().unwrap().len(), 30);
    assert_eq!(files(&app).len(), 1, "all are the same");
    app.finish().await;
}

#[tokio::test]
async fn what_waits_of_an_account_that_is_not_connected_holds_up_no_other() {
    let app = connected().await;
    let url = app.facebook.put_content("a", "image/jpeg", JPEG);
    send(&app, SAM, "image", &url).await;
    let now_ms = app.clock.now_ms();
    app.journal_sql(|journal| {
        let mut wish = journal.prepare(
            "INSERT INTO media (channel, account, conversation, mid, position, kind, url, state, due_at)
             VALUES ('facebook', '100000000000199', '7', ?1, 0, 'image', 'https://x.fbcdn.net/1', 'wanted', ?2)",
        )?;
        for number in 0..1_000 {
            wish.execute(rusqlite::params![format!("m_{number}"), now_ms + 30_000])?;
        }
        Ok(())
    });
    a_minute_later(&app).await;
    assert_eq!(files(&app), [JPEG_FILE]);
    app.finish().await;
}
