//! Copies of attachments as a merchant sees them: pictures in the conversation, everything else to be saved.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::facebook::Media;
use shoptalk::shared::channel::read_request::ReadRequest;

use crate::test_app::{Browser, PAGE, TestApp};

const SAM: &str = "7000000000000001";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a picture of a snowboard";

fn copying(config: &mut Config) {
    config.facebook.as_mut().unwrap().media = Some(Media { hosts: vec!["127.0.0.1".to_owned()], max_bytes: 1_000_000 });
}

async fn connected() -> (TestApp, Browser) {
    let app = TestApp::start_with(copying).await;
    let browser = app.connect().await.for_pages();
    (app, browser)
}

/// A message with these attachments, copied.
async fn send(app: &TestApp, name: &str, attachments: Value) -> Value {
    let sam = app.facebook.person(SAM, name);
    let mut item = app.page().message_from(&sam, "look");
    item["message"]["attachments"] = attachments;
    assert_eq!(app.page().deliver(std::slice::from_ref(&item)).await.unwrap(), Some(200));
    app.shared().journal.request_read("facebook", PAGE, ReadRequest::Everything, app.clock.now_ms()).await.unwrap();
    app.settle().await;
    for _ in 0..2 {
        app.clock.advance(Duration::from_secs(60));
        app.run_due_jobs().await;
    }
    item
}

fn attachment(kind: &str, url: &str) -> Value {
    json!({ "type": kind, "payload": { "url": url } })
}

async fn thread(browser: &Browser) -> String {
    let shown = browser.get(&format!("/conversations/facebook/{PAGE}/{SAM}")).await;
    assert_eq!(shown.status, 200);
    shown.text()
}

/// All addresses of copies in a page, in their order and without doubles.
fn copies(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for address in page.split('"').filter(|part| part.starts_with("/media/")) {
        if !found.iter().any(|known| known == address) {
            found.push(address.to_owned());
        }
    }
    found
}

#[tokio::test]
async fn pictures_stand_in_the_conversation_and_other_files_are_saved() {
    let (app, browser) = connected().await;
    let picture = app.facebook.put_content("a", "text/html", JPEG);
    let order = app.facebook.put_content("b", "image/jpeg", b"%PDF-1.7 an order");
    let film = app.facebook.put_content("c", "video/mp4", &[b"\0\0\0\x20ftypisom".as_slice(), &[7; 300_000]].concat());
    let kinds = json!([
        { "type": "fallback", "payload": { "url": "https://shop.example" }, "title": "A link" },
        attachment("image", &picture), attachment("file", &order), attachment("video", &film),
    ]);
    send(&app, "Sam \"Doe\" <b>", kinds).await;
    let shown = thread(&browser).await;
    assert!(
        shown.contains(r#"loading="lazy" decoding="async" alt="Photo from Sam &quot;Doe&quot; &lt;b&gt;""#),
        "{shown}"
    );
    assert_eq!(shown.matches("<img ").count(), 1, "{shown}");
    let addresses = copies(&shown);
    let expected: [(&str, &str, &[u8]); 3] = [
        ("image/jpeg", "inline", JPEG),
        ("application/pdf", "attachment", b"%PDF-1.7 an order"),
        ("video/mp4", "attachment", &[7; 300_000]),
    ];
    assert_eq!(addresses.len(), expected.len(), "{addresses:?}");
    for (address, (content_type, disposition, end)) in addresses.iter().zip(expected) {
        let answer = browser.get(address).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, content_type));
        assert!(answer.body.ends_with(end) && answer.body.len() < end.len() + 20, "{address}");
        let file = address.rsplit('/').next().unwrap();
        assert_eq!(answer.header("content-disposition"), format!("{disposition}; filename=\"{file}\""));
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.headers.get_all("content-security-policy").iter().count(), 1);
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; sandbox;") && !policy.contains("allow"), "{policy}");
        assert_eq!(browser.send(Method::POST, address, &[], b"").await.status, 405);
    }
    // The page itself may show pictures of our own, and of nobody else.
    let page = browser.get(&format!("/conversations/facebook/{PAGE}/{SAM}")).await;
    assert!(page.header("content-security-policy").contains("img-src 'self';"));
    app.finish().await;
}

#[tokio::test]
async fn what_calls_itself_a_file_and_is_a_page_is_only_ever_bytes_to_be_saved() {
    let (app, browser) = connected().await;
    for (number, content) in
        [&b"<html><script>alert(1)</script>"[..], b"<svg xmlns='http://www.w3.org/2000/svg'/>"].iter().enumerate()
    {
        let url = app.facebook.put_content(&format!("page-{number}"), "text/html", content);
        send(&app, "Sam", json!([attachment("file", &url)])).await;
    }
    let shown = thread(&browser).await;
    assert!(!shown.contains("<img "), "{shown}");
    let addresses = copies(&shown);
    assert_eq!(addresses.len(), 2, "{shown}");
    for address in addresses {
        let answer = browser.get(&address).await;
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert!(answer.header("content-disposition").starts_with("attachment; "));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    app.finish().await;
}

#[tokio::test]
async fn s5_nobody_else_sees_a_copy_and_no_other_file_is_reached_by_any_name() {
    let (app, browser) = connected().await;
    let url = app.facebook.put_content("a", "image/jpeg", JPEG);
    send(&app, "Sam", json!([attachment("image", &url)])).await;
    let address = copies(&thread(&browser).await).pop().unwrap();
    assert_eq!(browser.get(&address).await.status, 200);

    let other = app.browser();
    app.shopify.add_shop("other-shop.myshopify.com", "Other Shop");
    other.follow("/shopify/other-shop.myshopify.com/login").await;
    app.settle().await;
    assert_eq!(other.for_pages().get(&address).await.status, 404);
    let stranger = app.browser().for_pages().get(&address).await;
    assert!(stranger.status.is_redirection() && stranger.header("location") == "/?session=ended", "{stranger:?}");

    let file = address.rsplit('/').next().unwrap();
    for name in [
        "..%2Fpage_metadata.json",
        "..%2f..%2f..%2fdata%2ftokens.db",
        "%2e%2e",
        "index",
        "index%2F7000000000000001.json",
        &format!("index%2F..%2F{file}"),
        &format!(".%2F{file}"),
        &format!("{file}%00"),
        &format!("{file}%2F"),
        &file.to_uppercase(),
        &file[..64],
        "x".repeat(500).as_str(),
        "%22%0d%0aset-cookie:%20a=b",
        "'%20OR%201=1%20--",
    ] {
        let answer = browser.get(&format!("/media/facebook/{PAGE}/{name}")).await;
        assert_eq!(answer.status, 404, "{name}");
        assert!(!answer.headers.contains_key("content-disposition"), "{name}");
    }
    for account in
        ["facebook/1", "shopify/demo-shop.myshopify.com", "nowhere/100000000000101", "facebook/..%2F..", "%00/%00"]
    {
        assert_eq!(browser.get(&format!("/media/{account}/{file}")).await.status, 404, "{account}");
    }
    // A link in the place of the file leads nowhere.
    let copy = app.path(&format!("facebook/{PAGE}/media/{file}"));
    std::fs::remove_file(&copy).unwrap();
    std::os::unix::fs::symlink(app.path(&format!("facebook/{PAGE}/page_metadata.json")), &copy).unwrap();
    assert_eq!(browser.get(&address).await.status, 404);
    std::fs::remove_file(&copy).unwrap();
    assert_eq!(browser.get(&address).await.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn what_was_taken_back_is_no_longer_shown_by_its_address() {
    let (app, browser) = connected().await;
    let url = app.facebook.put_content("a", "image/jpeg", JPEG);
    let item = send(&app, "Sam", json!([attachment("image", &url)])).await;
    let address = copies(&thread(&browser).await).pop().unwrap();
    let sam = app.facebook.person(SAM, "Sam");
    let gone = app.page().unsend(&sam, item["message"]["mid"].as_str().unwrap());
    assert_eq!(app.page().deliver(&[gone]).await.unwrap(), Some(200));
    app.settle().await;
    let shown = thread(&browser).await;
    assert!(shown.contains("Message unsent") && copies(&shown).is_empty(), "{shown}");
    app.clock.advance(Duration::from_secs(60));
    app.run_due_jobs().await;
    assert_eq!(browser.get(&address).await.status, 404);
    app.finish().await;
}
