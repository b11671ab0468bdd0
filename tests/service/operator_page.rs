//! `/operator`: who gets in, what is seen there, and work that is tried again from it.

use std::time::Duration;

use http::Method;
use shoptalk::shared::store::{Status, TokenKind, Trouble, TroubleSource};

use crate::test_app::{Answer, Browser, OPERATOR_TOKEN, PAGE, SHOP, TestApp};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A browser whose operator signed in.
pub async fn signed_in(app: &TestApp) -> Browser {
    let browser = app.browser().for_pages();
    let answer = sign_in(&browser, OPERATOR_TOKEN).await;
    assert_eq!((answer.status.as_u16(), answer.location().path()), (303, "/operator"));
    browser
}

async fn sign_in(browser: &Browser, token: &str) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
    browser.post_form("/operator/login", &form).await
}

/// Whether the page is shown, and not the form that asks for the token.
async fn is_in(browser: &Browser) -> bool {
    let page = browser.get("/operator").await;
    let is_in = page.text().contains("Open alerts");
    assert_eq!(page.status, if is_in { 200 } else { 401 });
    assert_eq!(page.text().contains("Operator's token"), !is_in);
    is_in
}

fn form_token(page: &str) -> String {
    page.split(r#"name="form_token" value=""#).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// What the service would have written after several tries.
fn park(app: &TestApp, sql: &str) {
    let journal = rusqlite::Connection::open(app.path("data/journal.db")).unwrap();
    journal.busy_timeout(Duration::from_secs(5)).unwrap();
    journal.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn an_operator_enters_the_token_once_and_sees_the_whole_service() {
    let app = TestApp::start().await;
    app.connect().await;
    let (page, person) = (app.page(), app.facebook.person("7000000000000001", "Maria Example"));
    page.deliver(&[page.message_from(&person, "a secret wish")]).await.unwrap();
    app.settle().await;
    let reason = Some(Trouble::new(TroubleSource::Token, "Log in again."));
    app.shared().connections.set_status("shopify", SHOP, Status::NeedsReconnect, reason).await.unwrap();
    app.shared().alerts.raise("test:cause", "Something is wrong.");
    let browser = signed_in(&app).await;
    let shown = browser.get("/operator").await.text();
    for expected in [SHOP, PAGE, "needs_reconnect", "Log in again.", "Something is wrong.", "conversations", "refresh"]
    {
        assert!(shown.contains(expected), "{expected} is not in\n{shown}");
    }
    for heading in
        ["Connections", "Answers", "Journal", "Parked and failed", "Deliveries per hour", "Recovered by poll", "Tokens"]
    {
        assert!(shown.contains(&format!(">{heading}</h2>")), "{heading}");
    }
    assert_eq!(shown.matches("<rect ").count(), 48, "one bar for each hour");
    assert_eq!(shown.matches("<script").count(), shown.matches("<script src=\"/enhance.js\" defer").count());
    let token = app.shared().connections.find_token("shopify", SHOP, TokenKind::Access).await.unwrap().unwrap();
    let token = secrecy::ExposeSecret::expose_secret(&token.secret).to_owned();
    for hidden in ["a secret wish", "Maria", OPERATOR_TOKEN, token.as_str()] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_session_is_a_strict_cookie_that_ends_by_itself_and_by_signing_out() {
    let app = TestApp::start().await;
    let browser = app.browser().for_pages();
    assert!(!is_in(&browser).await);
    let answer = sign_in(&browser, OPERATOR_TOKEN).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("operator_session="), "{cookie}");
    for property in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(property), "{cookie}");
    }
    let id = browser.cookie("operator_session").unwrap();
    assert!(!app.is_on_disk(&id));
    // Used again and again it lives for eight hours, unused for half an hour.
    for _ in 0..19 {
        app.clock.advance(Duration::from_secs(25 * 60));
        assert!(is_in(&browser).await);
    }
    app.clock.advance(Duration::from_secs(25 * 60));
    assert!(!is_in(&browser).await, "eight hours are over");
    sign_in(&browser, OPERATOR_TOKEN).await;
    app.clock.advance(Duration::from_secs(30 * 60));
    assert!(!is_in(&browser).await, "half an hour is over");
    sign_in(&browser, OPERATOR_TOKEN).await;
    let stolen = browser.cookie("operator_session").unwrap();
    let form = format!("form_token={}", form_token(&browser.get("/operator").await.text()));
    assert_eq!(browser.post_form("/operator/logout", &form).await.status, 303);
    browser.set_cookie("operator_session", &stolen);
    assert!(!is_in(&browser).await, "it is over for whoever kept the cookie, too");
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_token_and_a_form_of_another_site_are_refused() {
    let app = TestApp::start().await;
    let browser = app.browser().for_pages();
    for wrong in ["", "wrong", &OPERATOR_TOKEN[1..]] {
        let answer = sign_in(&browser, wrong).await;
        assert_eq!(answer.status, 401);
        assert!(
            answer.text().contains("not the operator&#39;s token")
                || answer.text().contains("not the operator's token")
        );
    }
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("token", OPERATOR_TOKEN).finish();
    let foreign = [FORM, ("sec-fetch-site", "cross-site")];
    assert_eq!(browser.send(Method::POST, "/operator/login", &foreign, form.as_bytes()).await.status, 403);
    assert_eq!(browser.cookie("operator_session"), None);
    assert!(!is_in(&browser).await);
    assert_eq!(browser.post_form("/operator/replay", "work=read").await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn whoever_is_no_operator_gets_the_form_and_401_at_every_page() {
    let app = TestApp::start().await;
    app.connect().await;
    let (page, person) = (app.page(), app.facebook.person("7000000000000001", "Maria Example"));
    page.deliver(&[page.message_from(&person, "a secret wish")]).await.unwrap();
    app.settle().await;
    let merchant = app.connect().await.for_pages();
    for browser in [app.browser().for_pages(), merchant] {
        for path in
            ["/operator", "/operator?event=1", "/operator/events", "/operator/events/1", "/operator/events/1?whole=yes"]
        {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, 401, "{path}");
            let text = answer.text();
            assert!(text.contains("Operator's token") && !text.contains("7000000000000001"), "{path}: {text}");
            let renewed = browser.send(Method::GET, path, &[("x-renewal", "1")], b"").await;
            assert_eq!(renewed.status, 401, "{path}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn without_a_token_configured_there_is_no_operators_page() {
    let app = TestApp::start_with(|config| config.server.operator_token = None).await;
    let browser = app.browser();
    assert_eq!(browser.get("/operator").await.status, 404);
    assert_eq!(sign_in(&browser, "").await.status, 404);
    assert_eq!(browser.post_form("/operator/replay", "").await.status, 404);
}

#[tokio::test]
async fn parked_work_is_shown_with_its_reason_and_replayed_from_the_page() {
    let app = TestApp::start().await;
    app.connect().await;
    park(
        &app,
        &format!(
            "INSERT INTO rereads (channel, account, object, generation, wanted_at, due_at, attempts, parked, reason)
             VALUES ('shopify', '{SHOP}', '', 1, 0, 0, 9, 1, 'the disk said <no>')"
        ),
    );
    let browser = signed_in(&app).await;
    let shown = browser.get("/operator").await.text();
    assert!(shown.contains("the disk said &lt;no&gt;"), "{shown}");
    assert_eq!(app.counts().await.2, 1);
    let token = form_token(&shown);
    let form = |token: &str| format!("form_token={token}&work=read&channel=shopify&account={SHOP}&object=");
    assert_eq!(browser.post_form("/operator/replay", &form("guessed")).await.status, 403);
    let foreign = [FORM, ("sec-fetch-site", "cross-site")];
    assert_eq!(browser.send(Method::POST, "/operator/replay", &foreign, form(&token).as_bytes()).await.status, 403);
    assert_eq!(app.counts().await.2, 1);
    assert_eq!(browser.post_form("/operator/replay", &form(&token)).await.status, 303);
    app.settle().await;
    assert_eq!(app.counts().await.2, 0);
    assert!(browser.get("/operator").await.text().contains("Nothing failed."));
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_is_followed_from_its_arrival_to_its_file_by_any_of_its_names() {
    let app = TestApp::start().await;
    app.connect().await;
    let (page, person) = (app.page(), app.facebook.person("7000000000000001", "Maria Example"));
    let message = page.message_from(&person, "a secret wish");
    page.deliver(std::slice::from_ref(&message)).await.unwrap();
    let browser = signed_in(&app).await;
    let follow = |name: String| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("event", &name).finish();
        let browser = &browser;
        async move {
            let shown = browser.get(&format!("/operator?{query}")).await;
            assert_eq!(shown.status, 200);
            let text = shown.text();
            assert!(!text.contains("a secret wish") && !text.contains("<script"), "{text}");
            text
        }
    };
    let mid = message["message"]["mid"].as_str().unwrap().to_owned();
    let shown = follow(mid.clone()).await;
    assert!(shown.contains("<dt>Consumed</dt><dd>not yet</dd>"), "{shown}");
    app.settle().await;
    let shown = follow(format!("  {mid} ")).await;
    assert!(shown.contains("<dt>Consumed</dt><dd>yes</dd>"), "{shown}");
    assert!(shown.contains(&format!("<code>facebook/{PAGE}/conversations/7000000000000001.json</code>")), "{shown}");
    let number = shown.split("<h3>Event ").nth(1).unwrap().split(':').next().unwrap().to_owned();
    assert_eq!(follow(number).await.matches("<h3>Event ").count(), 1);
    for nothing in ["999999", "-1", "<script>alert(1)</script>", "\u{202e}m_1", "99999999999999999999"] {
        assert!(follow(nothing.to_owned()).await.contains("Nothing that was stored here is called"), "{nothing}");
    }
    assert!(!follow(String::new()).await.contains("Nothing that was stored"));
    app.finish().await;
}
