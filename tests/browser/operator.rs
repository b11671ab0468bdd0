//! The operator's view: in with the token, a conversation that failed found with its reason, and tried again.

use std::time::Duration;

use crate::chromium::Chromium;
use crate::stage::{SAM, customers_write};
use crate::test_app::{OPERATOR_TOKEN, PAGE, TestApp};

/// Counts what a page fetches at once, which takes its time.
const COUNT_FETCHES: &str = "
    window.open_now = window.most = window.begun = 0;
    const real = window.fetch;
    window.fetch = async (...wanted) => {
      window.begun += 1;
      window.most = Math.max(window.most, ++window.open_now);
      await new Promise((done) => setTimeout(done, 100));
      try { return await real(...wanted); } finally { window.open_now -= 1; }
    };";

#[tokio::test]
async fn a_page_renews_itself_once_at_a_time_and_misses_no_news() {
    let Some(browser) = Chromium::start().await else { return };
    let app = TestApp::start().await;
    browser.open(&format!("{}/operator", app.url)).await;
    browser.fill("token", OPERATOR_TOKEN).await;
    browser.click("Sign in").await;
    browser.until("Nothing failed.").await;
    browser.run(COUNT_FETCHES, Vec::new()).await;
    browser.run("renew(); renew(); renew();", Vec::new()).await;
    browser.until_true("window.begun >= 2 && window.open_now === 0").await;
    assert_eq!(browser.run("return [window.most, window.begun]", Vec::new()).await, serde_json::json!([1, 2]));
    // Half an hour later nobody is signed in, and what was shown goes.
    app.clock.advance(Duration::from_secs(31 * 60));
    browser.run("renew();", Vec::new()).await;
    browser.until("Operator's token").await;
    // Browsers tell of each 401: before somebody signed in, and after.
    browser.finish_with(&["401", "401"]).await;
    app.finish().await;
}

#[tokio::test]
async fn an_operator_finds_what_failed_and_replays_it() {
    let Some(browser) = Chromium::start().await else { return };
    let app = TestApp::start().await;
    app.connect().await;
    let file = format!("facebook/{PAGE}/conversations/{}.json", SAM.0);
    // A folder where the file belongs: whatever is tried, it cannot be written.
    std::fs::create_dir_all(app.path(&file)).unwrap();
    customers_write(&app).await;
    for _ in 0..8 {
        app.clock.advance(Duration::from_secs(3600));
        app.work().await;
    }
    assert_eq!(app.counts().await.2, 1, "parked");

    browser.open(&format!("{}/operator", app.url)).await;
    browser.until("Operator's token").await;
    browser.check("operator-entrance").await;
    browser.fill("token", "not the token").await;
    browser.click("Sign in").await;
    browser.until("This is not the operator's token").await;
    browser.fill("token", OPERATOR_TOKEN).await;
    browser.click("Sign in").await;
    browser.until("Parked and failed").await;
    let text = browser.text().await;
    for words in ["parked", SAM.0, "no file"] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    assert!(!text.contains(SAM.1), "{text}");
    browser.check("operator").await;

    browser.open(&format!("{}/operator/events?outcome=given_up", app.url)).await;
    browser.until("Hand again since a time").await;
    browser.check("operator-events").await;
    browser.open(&format!("{}/operator/events/1", app.url)).await;
    browser.until("What it holds").await;
    browser.check("operator-event").await;
    browser.open(&format!("{}/operator", app.url)).await;
    browser.until("Parked and failed").await;

    std::fs::remove_dir(app.path(&file)).unwrap();
    browser.click("Replay").await;
    app.work().await;
    browser.reload().await;
    browser.until("Nothing failed.").await;
    assert_eq!(app.counts().await.2, 0);
    assert!(app.said(SAM.0).iter().any(|text| text.contains("Yes, 3 left.")), "{:?}", app.said(SAM.0));
    browser.check("operator-mended").await;
    browser.click("Sign out").await;
    browser.until("Operator's token").await;
    // The form itself is a 401, which browsers put into the console: at first, after the wrong token, and at the end.
    browser.finish_with(&["401", "401", "401"]).await;
    app.finish().await;
}
