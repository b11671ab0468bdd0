//! Open pages hear at once that something changed, and nothing of what it is.

use std::time::Duration;

use http::header;

use crate::operator_page::signed_in;
use crate::test_app::{SHOP, TestApp};

/// The next piece of a stream that says something; `None`: it ended.
async fn next(stream: &mut reqwest::Response) -> Option<String> {
    tokio::time::timeout(Duration::from_secs(20), next_news(stream)).await.expect("in time")
}

async fn next_news(stream: &mut reqwest::Response) -> Option<String> {
    loop {
        let chunk = stream.chunk().await.ok()??;
        let text = String::from_utf8(chunk.to_vec()).unwrap();
        if text.contains("data:") {
            return Some(text);
        }
    }
}

#[tokio::test]
async fn a_merchants_page_hears_of_its_own_accounts_and_only_that() {
    let app = TestApp::start().await;
    let nobody = app.browser().get("/live").await;
    assert_eq!(nobody.status, 204, "a browser does not ask again");
    let browser = app.connect().await;
    let mut stream = browser.open("/live").await;
    assert_eq!(
        (stream.status().as_u16(), stream.headers()[header::CONTENT_TYPE].to_str().unwrap()),
        (200, "text/event-stream")
    );
    assert_eq!(stream.chunk().await.unwrap().unwrap(), "retry: 5000\n\n");
    let (page, sam) = (app.page(), app.facebook.person("7000000000000001", "Sam Doe"));
    page.deliver(&[page.message_from(&sam, "a secret wish")]).await.unwrap();
    app.settle().await;
    app.clock.advance(Duration::from_secs(20));
    app.settle().await;
    assert_eq!(next(&mut stream).await.unwrap(), "data: changed\n\n");
    let others: Vec<_> = [browser.open("/live").await, browser.open("/live").await, browser.open("/live").await].into();
    assert!(others.iter().all(|one| one.status() == 200));
    assert_eq!(browser.open("/live").await.status(), 429, "a session has four");
    drop((stream, others));
    app.finish().await;
}

#[tokio::test]
async fn a_page_of_the_catalogue_hears_of_a_change_and_one_that_was_searched_for_holds_still() {
    let app = TestApp::start().await;
    let board = app.shop().add_product("Snowboard");
    let browser = app.connect().await.for_pages();
    let list = format!("/catalogue/shopify/{SHOP}");
    let product = format!("{list}/product?id={}", board.gid().replace(':', "%3A").replace('/', "%2F"));
    let renews = |page: &str| {
        let signs = [
            "type=\"text/event-stream\" href=\"/live\"",
            "data-refresh=\"10\"",
            "http-equiv=\"refresh\" content=\"60\"",
        ];
        let found = signs.iter().filter(|sign| page.contains(*sign)).count();
        assert!(found == 0 || found == signs.len(), "{page}");
        found > 0
    };
    for (path, expected) in [
        (list.clone(), true),
        (product.clone(), true),
        (format!("{list}?q=Snow"), false),
        (format!("{list}?q=&after=zzz"), false),
    ] {
        let page = browser.get(&path).await;
        assert_eq!((page.status.as_u16(), renews(&page.text())), (200, expected), "{path}");
    }
    let mut stream = browser.open("/live").await;
    assert_eq!(stream.chunk().await.unwrap().unwrap(), "retry: 5000\n\n");
    board.rename("Snowboard Two");
    app.shop().deliver("products/update", &board.webhook()).await;
    app.settle().await;
    app.clock.advance(Duration::from_secs(20));
    app.settle().await;
    assert_eq!(next(&mut stream).await.unwrap(), "data: changed\n\n");
    for path in [&list, &product] {
        let renewed = browser.send(http::Method::GET, path, &[("x-renewal", "1")], b"").await;
        assert!(renewed.text().contains("Snowboard Two"), "{path}");
    }
    drop(stream);
    app.finish().await;
}

#[tokio::test]
async fn a_page_that_is_only_open_does_not_keep_its_session_alive() {
    let app = TestApp::start().await;
    let browser = app.connect().await;
    for (minutes, status) in [(50, 200), (20, 204)] {
        app.clock.advance(Duration::from_secs(minutes * 60));
        assert_eq!(browser.open("/live").await.status(), status, "{minutes} minutes later");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_operators_page_hears_of_every_event_and_needs_an_operator() {
    let app = TestApp::start().await;
    assert_eq!(app.browser().get("/operator/live").await.status, 204);
    let browser = signed_in(&app).await;
    let mut stream = browser.open("/operator/live").await;
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.chunk().await.unwrap().unwrap(), "retry: 5000\n\n");
    app.connect().await;
    let (page, sam) = (app.page(), app.facebook.person("7000000000000001", "Sam Doe"));
    page.deliver(&[page.message_from(&sam, "a secret wish")]).await.unwrap();
    assert_eq!(next(&mut stream).await.unwrap(), "data: changed\n\n");
    // A page that renews itself is no operator at work: the session ends as if nobody looked.
    for status in [200, 401, 401] {
        app.clock.advance(Duration::from_secs(15 * 60));
        let renewed = browser.send(http::Method::GET, "/operator", &[("x-renewal", "1")], b"").await;
        assert_eq!(renewed.status, status);
    }
    assert!(!browser.get("/operator").await.text().contains("Open alerts"), "half an hour is over");
    // When the service stops, streams end at once, and nobody waits for them.
    let begun = std::time::Instant::now();
    app.finish().await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert!(next(&mut stream).await.is_none());
}
