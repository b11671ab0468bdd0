//! What a merchant and an operator see in a browser: the start page, errors in words, signing out; who is let in where.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::test_app::{Answer, Browser, OPERATOR_TOKEN, PAGE, SHOP, TestApp};

/// Another merchant's shop.
const OTHER_SHOP: &str = "other-shop.myshopify.com";

/// All pages and actions that name an account. What stands for it: channel, account.
const OF_AN_ACCOUNT: [(Method, &str); 10] = [
    (Method::GET, "/connections/{}/disconnect"),
    (Method::POST, "/connections/{}/disconnect"),
    (Method::POST, "/connections/{}/sync"),
    (Method::GET, "/conversations/{}"),
    (Method::GET, "/conversations/{}/7000000000000001"),
    (Method::GET, "/conversations/{}/7000000000000001/1"),
    (Method::GET, "/media/{}/e06a84a0f26611946964a7ba9b32a60a1ccf0c516b1a170da1d6ea57299bce89.jpg"),
    (Method::GET, "/catalogue/{}"),
    (Method::GET, "/catalogue/{}/product?id=gid://shopify/Product/1"),
    (Method::GET, "/catalogue/{}/product"),
];

/// Connects another merchant's shop in a browser of its own.
async fn connect_other(app: &TestApp) -> Browser {
    app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    let browser = app.browser();
    assert_eq!(browser.follow(&format!("/shopify/{OTHER_SHOP}/login")).await.status, 200);
    app.settle().await;
    browser.for_pages()
}

/// Sends a form with the token that this browser's session has.
async fn post(browser: &Browser, path: &str) -> Answer {
    let token = form_token(&browser.get("/").await.text());
    browser.post_form(path, &format!("form_token={token}")).await
}

/// The value of the form token in a page.
fn form_token(page: &str) -> String {
    let after = page.split("name=\"form_token\" value=\"").nth(1).expect("a form token");
    after.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_stranger_sees_the_two_steps_and_nobody_elses_accounts() {
    let app = TestApp::start().await;
    app.connect().await;
    let page = app.browser().for_pages().get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Connect your Shopify shop") && page.text().contains("Comes after the first step"));
    assert!(!page.text().contains(SHOP));
    app.finish().await;
}

#[tokio::test]
async fn a_merchant_sees_what_is_connected() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let page = browser.get("/").await.text();
    assert!(page.contains(SHOP) && page.contains("100000000000101"), "{page}");
    assert_eq!(page.matches(">Connected</span>").count(), 2, "{page}");
    assert!(page.contains("Last complete read</dt><dd><time datetime=\"2026-11-21T12:00:0"), "{page}");
    assert!(page.contains("Nobody has written yet"), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn the_overview_is_there_with_the_first_account_and_offers_what_is_still_open() {
    const STEPS: [&str; 3] =
        ["Connect your Shopify shop", "Connect your Facebook Page", "Instagram account of your Page"];
    let app = TestApp::start_with(|config| config.facebook.as_mut().unwrap().instagram = true).await;
    let browser = app.browser().for_pages();
    assert_eq!(browser.follow(&format!("/shopify/{SHOP}/login")).await.status, 200);
    app.settle().await;
    let page = browser.get("/").await.text();
    let offered = |page: &str| -> Vec<&str> {
        let open = page.split("Still to connect").nth(1).map_or("", |rest| rest.split("</section>").next().unwrap());
        STEPS.into_iter().filter(|step| open.contains(step)).collect()
    };
    assert!(page.contains("<h1>Overview</h1>") && page.contains(SHOP), "{page}");
    assert!(page.contains("Continue with Facebook") && !page.contains("Everything is connected"), "{page}");
    assert_eq!(offered(&page), STEPS[1..]);
    // The Page has no Instagram account, and nothing waits for one.
    assert_eq!(browser.follow("/facebook/login").await.status, 200);
    app.settle().await;
    let page = browser.get("/").await.text();
    assert!(page.contains("<h1>Overview</h1>") && page.contains(PAGE), "{page}");
    assert_eq!(offered(&page), STEPS[2..]);
    app.facebook.add_instagram(PAGE, "17841400000000001", "demo.shop");
    assert_eq!(browser.follow("/facebook/login").await.status, 200);
    app.settle().await;
    let page = browser.get("/").await.text();
    assert!(page.contains("17841400000000001") && page.contains("Everything is connected"), "{page}");
    assert_eq!(offered(&page), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn names_from_a_platform_are_text_and_never_markup() {
    let app = TestApp::start().await;
    app.shop().rename("<script>alert(1)</script>");
    let page = app.connect().await.for_pages().get("/").await.text();
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    assert!(!page.contains("<script>"), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn every_answer_carries_the_safe_headers() {
    let app = TestApp::start().await;
    for path in [
        "/",
        "/style.css",
        "/enhance.js",
        "/icon.svg",
        "/health",
        "/nowhere",
        "/facebook/login",
        "/shopify/evil.example/login",
    ] {
        let answer = app.browser().get(path).await;
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_error_is_a_page_for_a_browser_and_a_problem_for_a_program() {
    let app = TestApp::start().await;
    let page = app.browser().for_pages().get("/nowhere").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(page.text().contains("There is nothing at this address"));
    let problem = app.browser().get("/nowhere").await;
    assert_eq!(problem.header("content-type"), "application/problem+json");
    assert_eq!(problem.json()["status"], 404);
    app.finish().await;
}

#[tokio::test]
async fn signing_out_needs_the_form_of_this_session_and_ends_it() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let token = form_token(&browser.get("/").await.text());
    assert_eq!(browser.post_form("/logout", "form_token=0").await.status, 403);
    let forged = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    let body = format!("form_token={token}");
    assert_eq!(browser.send(Method::POST, "/logout", &forged, body.as_bytes()).await.status, 403);
    assert_eq!(browser.get("/logout").await.status, 405);

    let id = browser.cookie("session_id").unwrap();
    assert_eq!(browser.post_form("/logout", &body).await.status, 303);
    let again = app.browser().for_pages();
    again.set_cookie("session_id", &id);
    assert!(!again.get("/").await.text().contains(SHOP), "the old id opens nothing");
    app.finish().await;
}

#[tokio::test]
async fn another_merchants_account_does_not_exist_in_any_address() {
    let app = TestApp::start().await;
    let mine = app.connect().await.for_pages();
    let sam = app.facebook.person("7000000000000001", "Sam Doe");
    app.page().deliver(&[app.page().message_from(&sam, "a secret wish")]).await.unwrap();
    app.shop().add_product("A secret product");
    app.settle().await;
    let other = connect_other(&app).await;
    for (method, path) in OF_AN_ACCOUNT {
        for account in [format!("facebook/{PAGE}"), format!("shopify/{SHOP}"), "nobody/1".to_owned()] {
            let path = path.replace("{}", &account);
            let answer = match method {
                Method::POST => post(&other, &path).await,
                _ => other.get(&path).await,
            };
            assert_eq!(answer.status, 404, "{method} {path}");
            assert!(!answer.text().contains("secret"), "{method} {path}");
        }
    }
    // The same addresses exist for their owner, as far as the channel has such a thing.
    assert_eq!(mine.get(&format!("/conversations/facebook/{PAGE}/7000000000000001")).await.status, 200);
    assert_eq!(mine.get(&format!("/catalogue/shopify/{SHOP}")).await.status, 200);
    assert_eq!(mine.get(&format!("/catalogue/facebook/{PAGE}")).await.status, 404);
    assert_eq!(mine.get(&format!("/conversations/shopify/{SHOP}")).await.status, 404);
    for page in ["/", "/conversations", "/catalogue", "/account"] {
        let text = other.follow(page).await.text();
        assert!(!text.contains(PAGE) && !text.contains(SHOP) && !text.contains("secret"), "{page}: {text}");
    }
    app.finish().await;
}

#[tokio::test]
async fn without_a_session_every_page_leads_to_the_start_and_says_why() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    app.clock.advance(Duration::from_secs(61 * 60));
    let of_accounts = OF_AN_ACCOUNT.map(|(method, path)| (method, path.replace("{}", &format!("facebook/{PAGE}"))));
    let others = [
        (Method::GET, "/conversations".to_owned()),
        (Method::GET, "/catalogue".to_owned()),
        (Method::GET, "/account".to_owned()),
        (Method::GET, "/account/delete".to_owned()),
        (Method::POST, "/account/delete".to_owned()),
        (Method::POST, "/logout".to_owned()),
    ];
    for (method, path) in of_accounts.into_iter().chain(others) {
        let answer = browser.send(method.clone(), &path, &[], b"").await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/?session=ended"), "{method} {path}");
        let answer = app.browser().send(method.clone(), &path, &[], b"").await;
        assert_eq!(answer.status, 401, "{method} {path} of a program");
    }
    let start = browser.get("/?session=ended").await.text();
    assert!(start.contains("Your session has ended") && start.contains("Connect your Shopify shop"), "{start}");
    assert!(!start.contains(SHOP));
    app.finish().await;
}

#[tokio::test]
async fn a_form_without_its_token_or_from_another_site_changes_nothing() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let other = connect_other(&app).await;
    let token = form_token(&browser.get("/").await.text());
    let foreign = form_token(&other.get("/").await.text());
    let form = ("content-type", "application/x-www-form-urlencoded");
    let good = format!("form_token={token}");
    let reads = app.outgoing();
    let forged: [(&[(&str, &str)], &str); 6] = [
        (&[form], ""),
        (&[form], "form_token="),
        (&[form], &format!("form_token={foreign}")),
        (&[form, ("origin", "https://evil.example")], &good),
        (&[form, ("sec-fetch-site", "same-site")], &good),
        (&[form, ("sec-fetch-site", "cross-site"), ("origin", "null")], &good),
    ];
    for path in [
        format!("/connections/facebook/{PAGE}/sync"),
        format!("/connections/facebook/{PAGE}/disconnect"),
        "/account/delete".to_owned(),
        "/logout".to_owned(),
    ] {
        for (headers, body) in forged {
            let answer = browser.send(Method::POST, &path, headers, body.as_bytes()).await;
            assert_eq!(answer.status, 403, "{path} {headers:?} {body}");
        }
    }
    app.settle().await;
    assert_eq!(app.outgoing(), reads, "nothing was read");
    let ours = [form, ("origin", &app.url), ("sec-fetch-site", "same-origin")];
    let answer = browser.send(Method::POST, "/logout", &ours, good.as_bytes()).await;
    assert_eq!(answer.status, 303, "our own form is taken");
    app.finish().await;
}

#[tokio::test]
async fn sync_now_reads_the_account_again_and_the_page_looks_again_until_it_is_read() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let idle = browser.get("/").await.text();
    assert!(idle.contains("content=\"60\"") && idle.contains("data-refresh=\"10\""), "it looks for news: {idle}");
    app.shop().add_product("A new one");
    let answer = post(&browser, &format!("/connections/shopify/{SHOP}/sync")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/?done=sync"));
    let waiting = browser.get("/?done=sync").await.text();
    assert!(
        waiting.contains("Everything is being read again") && waiting.contains("http-equiv=\"refresh\" content=\"3\""),
        "{waiting}"
    );
    app.settle().await;
    let done = browser.get("/").await.text();
    assert!(done.contains("http-equiv=\"refresh\" content=\"60\""), "{done}");
    assert!(browser.follow("/catalogue").await.text().contains("A new one"));
    app.finish().await;
}

#[tokio::test]
async fn a_read_under_way_is_a_bar_with_words() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    app.shared().progress.report("shopify", SHOP, "products".into(), 30, Some(120));
    let page = browser.get("/").await.text();
    assert!(page.contains("Reading products: 30 of 120"), "{page}");
    assert!(page.contains("value=\"30\" max=\"120\"") && page.contains("data-refresh=\"3\""), "{page}");
    // Whose read it is not sees nothing of it.
    assert!(!connect_other(&app).await.get("/").await.text().contains("Reading products: 30"));
    app.shared().progress.end("shopify", SHOP);
    app.finish().await;
}

#[tokio::test]
async fn a_login_that_is_refused_shows_the_way_to_a_new_one() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    app.facebook.revoke_tokens(460);
    app.run_due_jobs().await;
    app.clock.advance(Duration::from_secs(10 * 60));
    let answer = post(&browser, &format!("/connections/facebook/{PAGE}/sync")).await;
    assert_eq!(answer.status, 303);
    app.settle().await;
    let page = browser.get("/").await.text();
    assert!(page.contains("Please log in again") && page.contains("Log in to Facebook again"), "{page}");
    assert!(page.contains("href=\"/facebook/login\"") && page.contains("One account needs you"), "{page}");
    assert_eq!(post(&browser, &format!("/connections/facebook/{PAGE}/sync")).await.status, 409);
    app.finish().await;
}

#[tokio::test]
async fn the_operators_route_needs_the_operators_token() {
    let app = TestApp::start().await;
    let ask =
        async |value: &str| app.browser().send(Method::GET, "/api/status", &[("authorization", value)], b"").await;
    assert_eq!(app.browser().get("/api/status").await.status, 401);
    assert_eq!(ask(&format!("Bearer {OPERATOR_TOKEN}x")).await.status, 401);
    let status: Value = ask(&format!("Bearer {OPERATOR_TOKEN}")).await.json();
    assert_eq!(status["connections"], Value::Array(Vec::new()));
    app.finish().await;

    let app = TestApp::start_with(|config| config.server.operator_token = None).await;
    assert_eq!(app.browser().get("/api/status").await.status, 404);
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let app = TestApp::start().await;
    let headers = [("content-encoding", "gzip"), ("content-type", "application/json")];
    for path in ["/facebook/webhook", "/shopify/webhook", "/logout"] {
        assert_eq!(app.browser().send(Method::POST, path, &headers, b"x").await.status, 415, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn health_and_ready_tell_no_more_than_they_must() {
    let app = TestApp::start().await;
    let health = app.browser().get("/health").await;
    assert_eq!((health.status.as_u16(), health.body.len()), (200, 0));
    // Nobody runs the consumers in this test, so the service is not ready.
    let ready = app.browser().get("/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.header("retry-after"), "5");
    app.finish().await;
}
