//! What the log says of logins, tokens, keys and erasures (rule L3). What it must never say is tested in `security.rs`, what
//! its lines look like in `shared/logging.rs`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use http::Method;
use shoptalk::shared::telemetry::logging::{Lines, LogFormat};
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

use crate::process::{Service, configured};
use crate::shopify_checks::an_hour_later;
use crate::test_app::{PAGE, SHOP, TestApp};

/// What this thread logs, at the level of production.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// While there is one subscriber only, tracing asks it about a new place in the code on whichever thread comes there first;
/// where that is another test's, without a subscriber, the place stays silent for this one too. With two, it asks both.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

impl Log {
    pub fn begin() -> (Self, DefaultGuard) {
        LazyLock::force(&SECOND);
        let log = Self::default();
        let sink = log.clone();
        let lines = Lines::new(LogFormat::Text, false, move || sink.clone());
        let builder = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_ansi(false);
        let guard = tracing::subscriber::set_default(builder.with_writer(lines).finish());
        (log, guard)
    }

    /// What was logged since the last time.
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }

    /// There is one line with all of this since the last time.
    fn says_once(&self, parts: &[&str]) {
        let log = self.take();
        let count = log.lines().filter(|line| parts.iter().all(|part| line.contains(part))).count();
        assert_eq!(count, 1, "{parts:?} in\n{log}");
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn l3_logins_are_logged_from_their_beginning_to_their_end_with_the_reason_of_a_refusal() {
    let (log, _guard) = Log::begin();
    let app = TestApp::start().await;
    let browser = app.browser();
    let callback = browser.up_to_callback(&format!("/shopify/{SHOP}/login")).await;
    log.says_once(&["a login began", "channel=\"shopify\"", SHOP]);
    browser.get(callback.as_str()).await;
    log.says_once(&["a login is done", "channel=\"shopify\"", SHOP]);
    assert_eq!(browser.get(callback.as_str()).await.status, 400);
    log.says_once(&["a request was refused", "This login link was used already"]);

    let callback = browser.up_to_callback("/facebook/login").await;
    log.says_once(&["a login began", "channel=\"facebook\""]);
    browser.get(callback.as_str()).await;
    log.says_once(&["a login is done", "channel=\"facebook\""]);
    app.settle().await;
    log.take();

    app.facebook.refuse_consent(true);
    browser.follow("/facebook/login").await;
    log.says_once(&["a login was refused", "channel=\"facebook\"", "reason=\"declined\""]);
    app.facebook.refuse_consent(false);
    app.facebook.decline("pages_messaging");
    browser.follow("/facebook/login").await;
    log.says_once(&["a login was refused", "channel=\"facebook\"", "reason=\"permission_missing\""]);
    app.shopify.refuse_consent(true);
    browser.follow(&format!("/shopify/{SHOP}/login")).await;
    log.says_once(&["a login was refused", "channel=\"shopify\"", "reason=\"declined\""]);
    app.finish().await;
}

#[tokio::test]
async fn l3_tokens_signatures_keys_and_erasures_are_logged() {
    let (log, _guard) = Log::begin();
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    app.connect().await;
    log.take();
    app.clock.advance(Duration::from_secs(2 * 3600));
    an_hour_later(&app).await;
    log.says_once(&["a token was refreshed", SHOP]);
    app.facebook.revoke_page_tokens(PAGE, 460);
    app.facebook.revoke_tokens(460);
    an_hour_later(&app).await;
    log.says_once(&["the platform refuses the token", "channel=\"facebook\"", PAGE]);
    assert_eq!(app.facebook.deliver_forged(b"{}").await.unwrap(), 401);
    log.says_once(&["a delivery was refused", "channel=\"facebook\"", "reason=\"wrong_signature\""]);
    app.rotation().rotate().await.unwrap();
    log.says_once(&["the master key was rotated", "dropped=true"]);
    let answer = app.facebook.request_deletion(&format!("{}/facebook/data-deletion", app.url)).await.unwrap();
    assert_eq!(answer.0, 200);
    log.says_once(&["an erasure was asked for"]);
    app.settle().await;
    log.says_once(&["an erasure is done"]);
    app.finish().await;
}

#[test]
fn l3_the_names_of_the_settings_are_logged_at_the_start_and_none_of_their_values() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "RUST_LOG=info\nMAX_REQUESTS=77\n").unwrap();
    let service = Service::start(configured(folder.path(), &["serve"]));
    let (status, log) = service.stop();
    assert!(status.success());
    // Behind the words: the time before them has digits of its own.
    let line = log.lines().find_map(|line| line.split_once("these settings are set")).unwrap().1;
    for name in ["FACEBOOK_APP_SECRET", "SHOPIFY_API_KEY", "PUBLIC_URL", "MAX_REQUESTS"] {
        assert!(line.contains(name), "{name} is not in {line}");
    }
    for other in ["MAX_CONNECTIONS", "OPERATOR_TOKEN", "77", "for tests", "test-app", "900000000000001", "127.0.0.1"] {
        assert!(!line.contains(other), "{other} is in {line}");
    }
}

#[tokio::test]
async fn i5_lines_that_strangers_cause_come_once_a_second_for_each_kind() {
    let (log, _guard) = Log::begin();
    let app = TestApp::start().await;
    let browser = app.browser();
    let begun = std::time::Instant::now();
    let json = [("content-type", "application/json")];
    for _ in 0..40 {
        for path in [
            "/nothing",
            "/operator/nothing",
            "/conversations",
            "/facebook/callback?state=x&code=y",
            "/shopify/callback?state=x&shop=demo-shop.myshopify.com",
            "/shopify/evil.example/login",
            "/facebook/webhook?hub.mode=subscribe&hub.verify_token=x&hub.challenge=1",
            "/deletion/0123",
            "/api/v1/me",
            "/api/status",
            "/m/nothing.jpg",
        ] {
            assert!(browser.get(path).await.status.is_client_error(), "{path}");
        }
        for path in
            ["/facebook/webhook", "/shopify/webhook", "/facebook/data-deletion", "/operator/login", "/logout", "/"]
        {
            let answer = browser.send(Method::POST, path, &json, b"{}").await;
            assert!(answer.status.is_client_error(), "{path}: {answer:?}");
        }
    }
    let most = usize::try_from(begun.elapsed().as_secs()).unwrap() + 2;
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for line in log.take().lines() {
        // What it says, without when, for which request, and how many were left out.
        let words =
            line.split_whitespace().skip(1).filter(|word| !word.contains("request") && !word.starts_with("unsaid="));
        *kinds.entry(words.collect::<Vec<_>>().join(" ")).or_default() += 1;
    }
    kinds.retain(|kind, _| kind.contains("refused") || kind.contains("WARN") || kind.contains("ERROR"));
    assert!(kinds.len() > 3, "{kinds:?}");
    assert!(kinds.values().all(|count| *count <= most), "more than {most}: {kinds:#?}");
    app.finish().await;
}
