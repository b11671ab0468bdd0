//! What a merchant takes along of their data.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use http::Method;
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::test_app::{Answer, Browser, PAGE, SHOP, TestApp};

/// Another merchant's shop.
const OTHER_SHOP: &str = "other-shop.myshopify.com";

/// The files of an archive by name.
pub fn unzip(answer: &Answer) -> BTreeMap<String, Vec<u8>> {
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/zip"));
    let mut archive = ZipArchive::new(Cursor::new(&answer.body)).expect("an archive");
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

/// The plain files below a folder by their path, which begins with `prefix`.
fn files(folder: &Path, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files.extend(self::files(&entry.path(), &name));
        } else {
            files.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// A merchant with a conversation and a catalogue, beside another one.
async fn two_merchants() -> (TestApp, Browser, Browser) {
    let app = TestApp::start().await;
    let sam = app.facebook.person("7000000000000001", "Sam Unmistakable");
    app.page().message_from(&sam, "an unmistakable text");
    let browser = app.connect().await;
    app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    let other = app.browser();
    assert_eq!(other.follow(&format!("/shopify/{OTHER_SHOP}/login")).await.status, 200);
    app.settle().await;
    (app, browser, other)
}

#[tokio::test]
async fn s5_an_export_holds_every_file_of_the_merchants_accounts_and_nobody_elses() {
    let (app, browser, other) = two_merchants().await;
    let media = app.path(&format!("facebook/{PAGE}/media"));
    std::fs::create_dir_all(&media).unwrap();
    std::fs::write(media.join("picture.jpg"), b"\xff\xd8\xff a picture").unwrap();
    let answer = browser.get("/export").await;
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"shoptalk-2026-11-21.zip\"");
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut found = unzip(&answer);
    let about: Value = serde_json::from_slice(&found.remove("connections.json").unwrap()).unwrap();
    let mut expected = files(&app.path(SHOP), SHOP);
    expected.extend(files(&app.path(&format!("facebook/{PAGE}")), &format!("facebook/{PAGE}")));
    assert!(expected.len() > 4, "{:?}", expected.keys());
    assert!(expected.keys().any(|name| name.ends_with("7000000000000001.json")), "{:?}", expected.keys());
    assert_eq!(found, expected);
    assert_eq!(about[0]["account"], SHOP);
    assert_eq!(about[1]["account"], PAGE);
    assert_eq!((&about[1]["name"], &about[1]["status"]), (&json!("Demo Shop"), &json!("connected")));
    assert!(about[1]["connected_at"].as_str().unwrap().starts_with("2026-11-21T12:00:"), "{about}");
    assert!(about[1]["scopes"].as_array().unwrap().contains(&json!("pages_messaging")), "{about}");
    let theirs = unzip(&other.get("/export").await);
    assert!(theirs.len() > 1 && theirs.keys().all(|name| name == "connections.json" || name.starts_with(OTHER_SHOP)));
    assert!(!String::from_utf8_lossy(&theirs["connections.json"]).contains(PAGE));
    app.finish().await;
}

#[tokio::test]
async fn an_export_needs_a_session_and_is_offered_where_the_account_is() {
    let (app, browser, _) = two_merchants().await;
    let stranger = app.browser();
    assert_eq!(stranger.get("/export").await.status, 401);
    let stranger = stranger.for_pages();
    assert_eq!(stranger.send(Method::GET, "/export", &[], b"").await.header("location"), "/?session=ended");
    assert!(browser.for_pages().get("/account").await.text().contains("href=\"/export\""));
    app.finish().await;
}

#[tokio::test]
async fn no_secret_no_link_and_nothing_half_written_is_exported() {
    let (app, browser, _) = two_merchants().await;
    let folder = app.path(&format!("facebook/{PAGE}"));
    std::fs::write(app.path("secret.txt"), "not theirs").unwrap();
    std::os::unix::fs::symlink(app.path("secret.txt"), folder.join("link.json")).unwrap();
    std::os::unix::fs::symlink(app.path(OTHER_SHOP), folder.join("folder")).unwrap();
    std::fs::write(folder.join(".half.json.1.1.tmp"), "[").unwrap();
    let pipe = folder.join("pipe.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let found = unzip(&browser.get("/export").await);
    for name in found.keys() {
        assert!(!["link", "folder", "half", "pipe", "secret"].iter().any(|part| name.contains(part)), "{name}");
    }
    for connection in ["facebook", "shopify"] {
        let account = if connection == "facebook" { PAGE } else { SHOP };
        let kind = shoptalk::shared::store::TokenKind::Access;
        let token = app.shared().connections.find_token(connection, account, kind).await.unwrap().expect("a token");
        let secret = secrecy::ExposeSecret::expose_secret(&token.secret).as_bytes().to_vec();
        assert!(!found.values().any(|content| memchr::memmem::find(content, &secret).is_some()));
    }
    app.finish().await;
}

#[tokio::test]
async fn what_was_disconnected_is_still_the_merchants_to_take_along() {
    let (app, browser, _) = two_merchants().await;
    assert!(app.shared().erasure.disconnect("facebook", PAGE, "merchant").await.unwrap());
    let found = unzip(&browser.get("/export").await);
    assert!(found.contains_key(&format!("facebook/{PAGE}/conversations/7000000000000001.json")), "{:?}", found.keys());
    let about = String::from_utf8_lossy(&found["connections.json"]).into_owned();
    assert!(about.contains("\"disconnected_at\""), "{about}");
    app.finish().await;
}

#[tokio::test]
async fn a_long_film_is_exported_too_and_two_exports_of_one_merchant_do_not_run_at_once() {
    const BYTES: u64 = 100 * 1024 * 1024;
    let (app, browser, other) = two_merchants().await;
    let media = app.path(&format!("facebook/{PAGE}/media"));
    std::fs::create_dir_all(&media).unwrap();
    std::fs::File::create(media.join("film.mp4")).unwrap().set_len(BYTES).unwrap();
    // Zeros pack well, so something that does not: otherwise it would all be sent before it is asked for.
    let noise: Vec<u8> = (0..8_u32 * 1024 * 1024 / 4)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes())
        .collect();
    std::fs::write(media.join("a-noise.mp4"), &noise).unwrap();
    let mut slow = browser.open("/export").await;
    let mut body = slow.chunk().await.unwrap().expect("a first piece").to_vec();
    assert_eq!(browser.get("/export").await.status, 503, "one at a time");
    assert_eq!(other.get("/export").await.status, 200);
    while let Some(chunk) = slow.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    drop(slow);
    let mut archive = ZipArchive::new(Cursor::new(&body)).unwrap();
    assert!(archive.by_name(&format!("facebook/{PAGE}/media/a-noise.mp4")).is_ok());
    let mut film = archive.by_name(&format!("facebook/{PAGE}/media/film.mp4")).unwrap();
    assert_eq!(std::io::copy(&mut film, &mut std::io::sink()).unwrap(), BYTES);
    app.finish().await;
}
