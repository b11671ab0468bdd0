//! Files that are uploaded to be sent (rules U1 and U2): taken, fetched by platforms, over after a day, erased with people.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use http::{Method, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shoptalk::app::config::Config;
use shoptalk::shared::erasure::Scope as Erased;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::{Bot, is_problem, owner};
use crate::limits::Raw;
use crate::mount::{Mount, skipped};
use crate::replies::{Scene, to};
use crate::test_app::{Answer, Browser, PAGE, TestApp};

const SAM: &str = "7000000000000001";
const PUBLIC: &str = "https://bot.example";
const MIB: usize = 1024 * 1024;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a picture that nobody can draw";

fn public(config: &mut Config) {
    config.server.public_url = Some(PUBLIC.parse().unwrap());
}

async fn scene() -> Scene {
    Scene::of(TestApp::start_with(public).await, &[Scope::Read, Scope::Reply]).await
}

async fn upload(bot: &Bot, kind: &str, bytes: &[u8]) -> Answer {
    bot.send(Method::POST, "/api/v1/media", &[("content-type", kind)], bytes).await
}

/// A picture of this length.
fn picture(length: usize) -> Vec<u8> {
    let mut bytes = PNG.to_vec();
    bytes.resize(length, b'x');
    bytes
}

/// Uploads a picture and gives its id.
async fn upload_picture(bot: &Bot, bytes: &[u8]) -> String {
    let answer = upload(bot, "image/png", bytes).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn send(scene: &Scene, key: &str, id: &str) -> Answer {
    scene.post(key, &json!({"media": {"id": id}})).await
}

/// The names of the files that are kept.
fn files(app: &TestApp) -> Vec<String> {
    let entries = std::fs::read_dir(app.path("data/uploads"));
    entries
        .map_or(Vec::new(), |entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
}

/// Where the platform was told to fetch the last file, below our own address.
fn told(scene: &Scene) -> String {
    let sent = scene.app.facebook.sent();
    let address = sent.last().unwrap().message["attachment"]["payload"]["url"].as_str().unwrap().to_owned();
    address.strip_prefix(PUBLIC).unwrap().to_owned()
}

#[tokio::test]
async fn an_uploaded_file_is_sent_by_its_id_and_fetched_by_the_platform() {
    let scene = scene().await;
    let answer = upload(&scene.bot, "image/png", PNG).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let kept = answer.json();
    let digest: String = Sha256::digest(PNG).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (&kept["type"], &kept["bytes"], &kept["sha256"]),
        (&json!("image/png"), &json!(PNG.len()), &json!(digest))
    );
    let expires: DateTime<Utc> = kept["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(expires, scene.app.clock.now() + DAY);
    let id = kept["id"].as_str().unwrap();
    assert!(id.starts_with("med_"));
    let accepted = scene.post("k", &json!({"media": {"id": id}, "text": "The blue one"})).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    scene.work().await;
    let sent = scene.app.facebook.sent();
    assert_eq!(sent.iter().map(|sent| sent.text.as_str()).collect::<Vec<_>>(), ["The blue one", ""]);
    assert_eq!(sent[1].message["attachment"]["type"], "image");

    let address = told(&scene);
    let name = address.strip_prefix("/m/").unwrap();
    assert!(name.ends_with(".png") && name.len() == 43 + 4, "{name}");
    assert_eq!(files(&scene.app), [name]);
    let browser = scene.app.browser();
    let fetched = browser.get(&address).await;
    assert_eq!((fetched.status.as_u16(), fetched.body.as_slice()), (200, PNG));
    for (header, value) in [
        ("content-type", "image/png"),
        ("content-length", &PNG.len().to_string()),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(fetched.header(header), value, "{header}");
    }
    assert!(!fetched.headers.contains_key(header::SET_COOKIE));
    let head = browser.send(Method::HEAD, &address, &[], b"").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), PNG.len().to_string());
    assert_eq!(head.header("content-security-policy"), "sandbox; default-src 'none'");
    scene.app.finish().await;
}

#[tokio::test]
async fn u2_what_is_not_there_is_one_answer_whatever_it_is() {
    let scene = scene().await;
    let id = upload_picture(&scene.bot, PNG).await;
    assert_eq!(send(&scene, "k", &id).await.status, 202);
    scene.work().await;
    let address = told(&scene);
    let browser = scene.app.browser();
    let nothing = browser.get("/m/nothing").await;
    let gone = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        for own in ["x-request-id", "date"] {
            headers.remove(own);
        }
        (answer.status.as_u16(), headers, answer.json()["detail"].clone(), answer.json()["title"].clone())
    };
    assert_eq!(nothing.status, 404);
    let unknown = format!("/m/{}.png", "A".repeat(43));
    let longer = format!("{address}x");
    let inside = address.replace("/m/", "/m/x/");
    for path in [&*unknown, &*longer, &*inside, "/m/", "/m", "/m/..%2f..%2fmaster.key", "/m/%ff", "/m/.png"] {
        let answer = browser.get(path).await;
        assert_eq!(gone(&answer), gone(&nothing), "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        assert_eq!(browser.send(method, &address, &[], b"").await.status, 405);
    }
    // A day later it is the same answer, and the file is gone.
    scene.app.clock.advance(DAY - Duration::from_secs(60));
    assert_eq!(browser.get(&address).await.status, 200);
    scene.app.clock.advance(Duration::from_secs(60));
    assert_eq!(gone(&browser.get(&address).await), gone(&nothing));
    scene.app.finish().await;
}

#[tokio::test]
async fn u1_a_file_is_taken_for_what_its_bytes_say() {
    let scene = scene().await;
    let jpeg = b"\xff\xd8\xff\xe0 and more";
    for (kind, bytes, extension) in [
        ("image/jpeg", &jpeg[..], "jpg"),
        ("image/webp", b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        ("image/gif", b"GIF89a", "gif"),
        ("video/mp4", b"\0\0\0\x20ftypisom", "mp4"),
        ("audio/mp4", b"\0\0\0\x20ftypM4A ", "m4a"),
        ("audio/mpeg", b"ID3\x04", "mp3"),
        ("audio/ogg; codecs=opus", b"OggS\0", "ogg"),
        ("application/pdf", b"%PDF-1.7", "pdf"),
    ] {
        let answer = upload(&scene.bot, kind, bytes).await;
        assert_eq!(answer.status, 201, "{kind}: {answer:?}");
        assert_eq!(answer.json()["type"], kind.split(';').next().unwrap());
        assert!(files(&scene.app).iter().any(|name| name.ends_with(&format!(".{extension}"))), "{kind}");
    }
    let taken = files(&scene.app).len();
    for (kind, bytes) in [
        ("image/png", &jpeg[..]),
        ("image/png", b"<html><script>alert(1)</script>"),
        ("image/svg+xml", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ("text/html", b"<html>"),
        ("application/octet-stream", PNG),
        ("application/x-www-form-urlencoded", PNG),
        ("video/mp4", b"\0\0\0\x20ftypheic"),
        ("image/png", b""),
    ] {
        let problem = is_problem(&upload(&scene.bot, kind, bytes).await, 422, "media-refused");
        assert_eq!(problem["why"], "type", "{kind}");
    }
    // A long one is not taken to its end to find that out.
    let long = [b"<html>".as_slice(), &vec![b' '; MIB]].concat();
    is_problem(&upload(&scene.bot, "image/png", &long).await, 422, "media-refused");
    assert_eq!(files(&scene.app).len(), taken, "nothing is left of them");
    let without = scene.bot.send(Method::POST, "/api/v1/media", &[], PNG).await;
    is_problem(&without, 422, "media-refused");
    scene.app.finish().await;
}

#[tokio::test]
async fn u1_a_file_is_as_large_as_a_platform_takes_and_goes_past_the_memory_of_bodies() {
    let app = TestApp::start_with(|config| {
        public(config);
        config.server.limits.body_bytes = 64 * 1024;
    })
    .await;
    let scene = Scene::of(app, &[Scope::Read, Scope::Reply]).await;
    let large = picture(16 * MIB);
    let id = upload_picture(&scene.bot, &large).await;
    assert_eq!(send(&scene, "k", &id).await.status, 202);
    scene.work().await;
    assert_eq!(scene.app.browser().get(&told(&scene)).await.body, large);
    let problem = is_problem(&upload(&scene.bot, "image/png", &picture(16 * MIB + 1)).await, 422, "media-refused");
    assert_eq!(problem["why"], "size");

    // One that does not say how long it is is counted as it comes.
    let mut raw = Raw::open(&scene.app).await;
    let head = head(&scene.bot, "transfer-encoding: chunked");
    raw.send(head).await;
    let piece = [format!("{:x}\r\n", MIB).as_bytes(), &picture(MIB), b"\r\n"].concat();
    for _ in 0..16 {
        raw.send(&piece).await;
    }
    raw.send("1\r\nx\r\n").await;
    let answer = raw.rest().await;
    assert!(answer.starts_with("HTTP/1.1 422 ") && answer.contains("\"size\""), "{answer}");
    assert_eq!(files(&scene.app).len(), 1);
    scene.app.finish().await;
}

/// The head of an upload of a picture, with this header beside.
fn head(bot: &Bot, header: &str) -> String {
    format!(
        "POST /api/v1/media HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: image/png\r\n{header}\r\n\r\n",
        bot.text
    )
}

#[tokio::test]
async fn u1_who_may_not_upload_or_wants_too_much_hears_it_before_a_byte_is_sent() {
    let scene = scene().await;
    let reader = Bot::start(&scene.app, &[Scope::Read, Scope::Human, Scope::Admin]).await;
    let mut stranger = Raw::open(&scene.app).await;
    let length = "content-length: 1000000\r\nconnection: close";
    stranger.send(head(&scene.bot, length).replace("Bearer stk_", "Bearer stk_x")).await;
    assert_eq!(stranger.status().await, 401);
    let mut raw = Raw::open(&scene.app).await;
    raw.send(head(&reader, length)).await;
    assert_eq!(raw.status().await, 403);
    let mut raw = Raw::open(&scene.app).await;
    raw.send(head(&scene.bot, &format!("content-length: {}", 16 * MIB + 1))).await;
    assert_eq!(raw.status().await, 422);
    // A cookie is no key.
    let cookie = scene.app.browser();
    cookie.set_cookie("session_id", "something");
    is_problem(&cookie.send(Method::POST, "/api/v1/media", &[], PNG).await, 401, "unauthorized");
    assert!(files(&scene.app).is_empty());
    scene.app.finish().await;
}

#[tokio::test]
async fn without_a_public_https_address_nothing_can_be_uploaded() {
    for address in [None, Some("http://bot.example")] {
        let app =
            TestApp::start_with(|config| config.server.public_url = address.map(|url| url.parse().unwrap())).await;
        app.connect().await;
        let bot = Bot::start(&app, &[Scope::Reply]).await;
        let problem = is_problem(&upload(&bot, "image/png", PNG).await, 422, "media-refused");
        assert_eq!(problem["why"], "public_url");
        app.finish().await;
    }
}

#[tokio::test]
async fn u1_a_merchant_has_200_mib_at_a_time_and_what_is_over_takes_no_room() {
    let scene = scene().await;
    let large = picture(16 * MIB);
    for _ in 0..12 {
        upload_picture(&scene.bot, &large).await;
    }
    let problem = is_problem(&upload(&scene.bot, "image/png", &large).await, 422, "media-refused");
    assert_eq!(problem["why"], "quota");
    upload_picture(&scene.bot, &picture(8 * MIB)).await;
    // The length is not told beforehand, so it is found out at the end.
    let mut raw = Raw::open(&scene.app).await;
    raw.send(head(&scene.bot, "transfer-encoding: chunked")).await;
    raw.send([format!("{:x}\r\n", PNG.len()).as_bytes(), PNG, b"\r\n0\r\n\r\n"].concat()).await;
    let answer = raw.rest().await;
    assert!(answer.starts_with("HTTP/1.1 422 ") && answer.contains("\"quota\""), "{answer}");
    assert_eq!(files(&scene.app).len(), 13);
    // Another merchant's room is their own.
    let other = other_merchant(&scene.app).await;
    upload_picture(&other, &large).await;
    scene.app.clock.advance(DAY);
    upload_picture(&scene.bot, &large).await;
    scene.app.settle().await;
    assert_eq!(files(&scene.app).len(), 1);
    scene.app.finish().await;
}

async fn other_merchant(app: &TestApp) -> Bot {
    app.shopify.add_shop("other-shop.myshopify.com", "Other");
    let login = app.browser().follow("/shopify/other-shop.myshopify.com/login").await;
    assert_eq!(login.status, 200);
    Bot::of(app, owner(app, "other-shop.myshopify.com").await, &[Scope::Read, Scope::Reply]).await
}

#[tokio::test]
async fn u1_four_of_a_merchant_come_at_once_and_slow_ones_hold_up_nobody_else() {
    let scene = scene().await;
    let other = other_merchant(&scene.app).await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut raw = Raw::open(&scene.app).await;
        raw.send(head(&scene.bot, "content-length: 1000")).await;
        raw.send(PNG).await;
        slow.push(raw);
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    let busy = loop {
        let answer = upload(&scene.bot, "image/png", PNG).await;
        if answer.status != 201 {
            break answer;
        }
        assert!(Instant::now() < deadline, "the four have no places");
        // Each try counts against the key's share of changes, too.
        tokio::time::sleep(Duration::from_millis(60)).await;
    };
    is_problem(&busy, 429, "too-many-requests");
    assert!(busy.headers.contains_key(header::RETRY_AFTER));
    upload_picture(&other, PNG).await;
    for mut raw in slow {
        raw.send(vec![b'x'; 1000 - PNG.len()]).await;
        assert_eq!(raw.status().await, 201);
    }
    upload_picture(&scene.bot, PNG).await;
    scene.app.finish().await;
}

#[tokio::test]
async fn a_file_that_does_not_come_in_time_or_breaks_off_leaves_nothing() {
    let app = TestApp::start_with(|config| {
        public(config);
        config.server.limits.request = Duration::from_millis(200);
    })
    .await;
    let scene = Scene::of(app, &[Scope::Read, Scope::Reply]).await;
    let mut slow = Raw::open(&scene.app).await;
    slow.send(head(&scene.bot, "content-length: 1000")).await;
    slow.send(PNG).await;
    let answer = slow.rest().await;
    assert!(answer.starts_with("HTTP/1.1 422 ") && answer.contains("\"slow\""), "{answer}");
    let mut gone = Raw::open(&scene.app).await;
    gone.send(head(&scene.bot, "content-length: 1000")).await;
    gone.send(PNG).await;
    drop(gone);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !files(&scene.app).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", files(&scene.app));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    upload_picture(&scene.bot, PNG).await;
    scene.app.finish().await;
}

#[tokio::test]
async fn a_file_is_kept_for_a_day_also_over_a_kill_and_then_it_is_gone() {
    let scene = scene().await;
    let id = upload_picture(&scene.bot, PNG).await;
    assert_eq!(send(&scene, "k", &id).await.status, 202);
    scene.work().await;
    let address = told(&scene);
    // What a kill may leave: half a file, and a whole one that has no row yet.
    let stray = format!("{}.png", "s".repeat(43));
    std::fs::write(scene.app.path("data/uploads").join(&stray), "a whole one").unwrap();
    std::fs::write(scene.app.path("data/uploads/.incoming.1.1.tmp"), "half a one").unwrap();
    let Scene { app, .. } = scene;
    let app = app.kill_and_restart_with(public).await;
    assert_eq!(files(&app), [address.strip_prefix("/m/").unwrap()]);
    assert_eq!(app.browser().get(&address).await.body, PNG);
    let scene = Scene::again(app, &[Scope::Read, Scope::Reply]).await;

    scene.app.clock.advance(DAY - Duration::from_secs(30 * 60));
    // A message waits no longer than the platform could fetch its file.
    let accepted = scene.post("late", &json!({"media": {"id": id}, "ttl_seconds": 86_400})).await.json();
    let time = |member: &str| accepted[member].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(time("expires_at") - time("created_at") <= chrono::TimeDelta::minutes(30), "{accepted}");
    scene.work().await;
    scene.app.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(scene.app.browser().get(&address).await.status, 404);
    scene.app.settle().await;
    assert!(files(&scene.app).is_empty());
    let problem = is_problem(&send(&scene, "too-late", &id).await, 422, "media-refused");
    assert_eq!(problem["why"], "unknown");
    scene.app.finish().await;
}

#[tokio::test]
async fn a2_another_merchants_file_is_as_one_that_is_not_there() {
    let scene = scene().await;
    let other = other_merchant(&scene.app).await;
    let theirs = upload_picture(&other, PNG).await;
    let problem = |answer: &Answer| -> Value { is_problem(answer, 422, "media-refused") };
    let (theirs, nothing) = (send(&scene, "a", &theirs).await, send(&scene, "b", "med_unknown").await);
    assert_eq!(problem(&theirs), problem(&nothing));
    scene.work().await;
    assert!(scene.taken().is_empty());
    scene.app.finish().await;
}

#[tokio::test]
async fn p4_what_was_sent_to_a_person_is_erased_with_them_and_other_files_stay() {
    let scene = scene().await;
    let kim = scene.app.facebook.person("7000000000000002", "Kim");
    let item = scene.app.page().message_from(&kim, "Hello");
    scene.app.page().deliver(&[item]).await.unwrap();
    scene.app.settle().await;
    let marked = |word: &str| [PNG, word.as_bytes()].concat();
    let to_sam = upload_picture(&scene.bot, &marked("secret-sam")).await;
    let to_both = upload_picture(&scene.bot, &marked("secret-both")).await;
    let to_kim = upload_picture(&scene.bot, &marked("public-kim")).await;
    let to_nobody = upload_picture(&scene.bot, &marked("public-nobody")).await;
    for (key, person, id) in [
        ("1", SAM, &to_sam),
        ("2", SAM, &to_both),
        ("3", "7000000000000002", &to_both),
        ("4", "7000000000000002", &to_kim),
    ] {
        let answer = scene.post_to(&to(person), key, &json!({"media": {"id": id}})).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    scene.work().await;
    let scope = Erased::Person { channel: "facebook".to_owned(), account: PAGE.to_owned(), person: SAM.to_owned() };
    let code = scene.app.shared().erasure.request(vec![scope], "a test", None).await.unwrap();
    scene.app.settle().await;
    let receipt = scene.app.shared().erasure.receipt(&code).await.unwrap().unwrap();
    assert!(receipt.done_at.is_some());
    assert_eq!(receipt.erased.files, 3, "the conversation, and two files: {receipt:?}");
    assert!(!scene.app.is_on_disk("secret-"));
    assert!(!scene.app.is_on_disk(&to_sam) && !scene.app.is_on_disk(&to_both));
    for kept in ["public-kim", "public-nobody"] {
        assert!(scene.app.is_on_disk(kept), "{kept}");
    }
    for (key, id, status) in [("5", &to_both, 422), ("6", &to_kim, 202), ("7", &to_nobody, 202)] {
        let answer = scene.post_to(&to("7000000000000002"), key, &json!({"media": {"id": id}})).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    scene.work().await;
    scene.app.finish().await;
}

#[tokio::test]
async fn p4_with_the_last_account_of_a_merchant_everything_that_they_uploaded_goes() {
    let scene = scene().await;
    upload_picture(&scene.bot, &[PNG, b"secret-file"].concat()).await;
    for (channel, account) in [("facebook", PAGE), ("shopify", crate::test_app::SHOP)] {
        assert!(scene.app.is_on_disk("secret-file"), "before {channel}");
        let scope = Erased::Account { channel: channel.to_owned(), account: account.to_owned() };
        scene.app.shared().erasure.request(vec![scope], "a test", None).await.unwrap();
        scene.app.settle().await;
    }
    assert!(!scene.app.is_on_disk("secret-file"));
    assert!(files(&scene.app).is_empty());
    scene.app.finish().await;
}

#[tokio::test]
async fn f7_on_a_full_disk_a_file_is_refused_and_taken_again_when_there_is_room() {
    let Some(disk) = Mount::memory("6m") else { return skipped("mount") };
    let app = TestApp::start_with(|config| {
        public(config);
        config.server.journal_db = disk.path().join("journal.db");
    })
    .await;
    let scene = Scene::of(app, &[Scope::Read, Scope::Reply]).await;
    let answer = upload(&scene.bot, "image/png", &picture(8 * MIB)).await;
    is_problem(&answer, 503, "unavailable");
    assert_eq!(std::fs::read_dir(disk.path().join("uploads")).unwrap().count(), 0, "it left no room taken");
    upload_picture(&scene.bot, PNG).await;
    scene.app.close().await;
}

#[tokio::test]
async fn a_public_address_with_a_path_carries_files_too() {
    let app = TestApp::start_with(|config| {
        config.server.public_url = Some("https://bot.example/talk/".parse().unwrap());
    })
    .await;
    let scene = Scene::of(app, &[Scope::Read, Scope::Reply]).await;
    let id = upload_picture(&scene.bot, PNG).await;
    assert_eq!(send(&scene, "k", &id).await.status, 202);
    scene.work().await;
    let address = told(&scene);
    assert!(address.starts_with("/talk/m/"), "{address}");
    assert_eq!(Browser::new(&scene.app.url).get(&address).await.body, PNG);
    scene.app.finish().await;
}
