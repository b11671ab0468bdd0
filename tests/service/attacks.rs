//! What somebody can do with what they captured: true signatures, and everything beside them changed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::secrets::signature::{from_hex, sign_sha256, to_hex};

use crate::journal_checks::{SAM, body_of, delete_older_than, deliver, text_at};
use crate::shopify_checks::{SECOND, connect_shop, requests};
use crate::test_app::{FACEBOOK_SECRET, PAGE, SHOP, SHOPIFY_SECRET, TestApp};

fn address(app: &TestApp) -> String {
    format!("{}/shopify/webhook", app.url)
}

async fn receipts(app: &TestApp) -> usize {
    app.shared().erasure.receipts(100).await.unwrap().len()
}

fn alerts(app: &TestApp) -> Vec<String> {
    app.shared().alerts.list().into_iter().map(|alert| alert.cause).collect()
}

#[tokio::test]
async fn w9_a_captured_request_to_erase_a_shop_does_nothing_while_its_login_works() {
    let app = TestApp::start().await;
    app.shop().add_product("Green tea");
    connect_shop(&app).await;
    let body = json!({ "shop_id": app.shop().id(), "shop_domain": SHOP }).to_string();
    for id in ["one", "two", "three"] {
        app.clock.advance(Duration::from_secs(60));
        let now = app.clock.now().to_rfc3339();
        let headers = [("X-Shopify-Webhook-Id", Some(id)), ("X-Shopify-Triggered-At", Some(now.as_str()))];
        let answer = app.shop().deliver_to(&address(&app), "shop/redact", body.as_bytes(), &headers).await;
        assert_eq!(answer.unwrap(), 200);
        app.settle().await;
        assert_eq!(app.connections("shopify").await.len(), 1, "{id}");
    }
    assert_eq!(receipts(&app).await, 0);
    assert_eq!(app.counts().await.1, 1, "it is kept and shown, once");
    assert_eq!(alerts(&app), [format!("shopify:{SHOP}:uninstall")]);
    assert!(app.text(&format!("{SHOP}/shop_products.json")).unwrap().contains("Green tea"));
    // The same message, once it is true.
    app.shop().uninstall();
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(app.shop().deliver_to(&address(&app), "shop/redact", body.as_bytes(), &[]).await.unwrap(), 200);
    app.settle().await;
    assert_eq!((app.connections("shopify").await.len(), receipts(&app).await), (0, 1));
    assert!(!app.is_on_disk("Green tea") && !app.is_on_disk(SHOP));
    app.finish().await;
}

#[tokio::test]
async fn w9_a_shop_that_is_disconnected_while_its_erasure_waits_is_still_erased() {
    let app = TestApp::start().await;
    app.shop().add_product("Green tea");
    connect_shop(&app).await;
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(app.shop().deliver_compliance(&address(&app), "shop/redact", &json!({})).await.unwrap(), 200);
    app.shared().erasure.disconnect("shopify", SHOP, "app/uninstalled").await.unwrap();
    app.settle().await;
    assert_eq!(receipts(&app).await, 1);
    assert!(!app.is_on_disk("Green tea"));
    app.finish().await;
}

#[tokio::test]
async fn w9_a_question_about_a_customer_is_not_their_erasure_nor_theirs_that_of_the_shop() {
    let app = TestApp::start().await;
    connect_shop(&app).await;
    app.clock.advance(Duration::from_secs(60));
    let order = br#"{"id":1,"email":"someone@example.com","note":"kept"}"#;
    assert_eq!(app.shop().deliver_to(&address(&app), "orders/create", order, &[]).await.unwrap(), 200);
    let customer = json!({ "id": 191_167, "email": "someone@example.com" });
    let question = json!({ "customer": customer, "orders_requested": [1], "data_request": { "id": 9999 } });
    let erasure = json!({ "customer": customer, "orders_to_redact": [1] });
    for (topic, more) in [("customers/redact", &question), ("shop/redact", &question), ("shop/redact", &erasure)] {
        assert_eq!(app.shop().deliver_compliance(&address(&app), topic, more).await.unwrap(), 200);
        app.settle().await;
        assert_eq!(receipts(&app).await, 0, "{topic}");
    }
    assert!(app.is_on_disk("kept"));
    assert_eq!(app.connections("shopify").await.len(), 1);
    assert_eq!(app.counts().await.1, 4);
    app.finish().await;
}

#[tokio::test]
async fn w4_a_captured_delivery_is_one_row_and_one_read_under_any_id_and_any_shop() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    app.shopify.add_shop(SECOND, "Second");
    connect_shop(&app).await;
    assert_eq!(app.browser().follow(&format!("/shopify/{SECOND}/login")).await.status, 200);
    app.settle().await;
    tea.set_price("12.34");
    let body = tea.webhook().to_string().into_bytes();
    assert_eq!(shop.deliver_to(&address(&app), "products/update", &body, &[]).await.unwrap(), 200);
    app.settle().await;
    let (counts, before) = (app.counts().await, requests(&app));
    for number in 0..50 {
        let id = format!("another id {number}");
        let domain = if number % 2 == 0 { SHOP } else { SECOND };
        let headers = [("X-Shopify-Webhook-Id", Some(id.as_str())), ("X-Shopify-Shop-Domain", Some(domain))];
        assert_eq!(shop.deliver_to(&address(&app), "products/update", &body, &headers).await.unwrap(), 200);
    }
    app.settle().await;
    assert_eq!((app.counts().await, requests(&app)), (counts, before), "nothing new, and nobody is asked");
    for number in 0..50 {
        let (domain, topic) = (format!("stranger-{number}.myshopify.com"), format!("unheard-of/{number}"));
        let claims: [&[(&str, Option<&str>)]; 2] = [&[("X-Shopify-Shop-Domain", Some(&domain))], &[]];
        for (topic, headers) in [("products/update", claims[0]), (&topic, claims[1]), ("collections/update", claims[1])]
        {
            assert_eq!(shop.deliver_to(&address(&app), topic, &body, headers).await.unwrap(), 200);
        }
    }
    app.settle().await;
    let (all, apart, _) = app.counts().await;
    assert_eq!((all - counts.0, apart - counts.1), (3, 3), "one for each kind of claim, set aside");
    assert_eq!(requests(&app), before);
    app.finish().await;
}

#[tokio::test]
async fn w9_a_deletion_that_was_signed_before_the_login_erases_nothing() {
    let app = TestApp::start().await;
    let late = app.facebook.signed_request(&app.facebook.person_id());
    app.clock.advance(Duration::from_secs(60));
    app.connect().await;
    for path in ["/facebook/data-deletion", "/facebook/deauthorize"] {
        let (status, _) = app.facebook.send_signed_request(&format!("{}{path}", app.url), &late).await.unwrap();
        assert_eq!(status, 200);
        app.settle().await;
        assert_eq!(app.connections("facebook").await.len(), 1, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn w7_a_signed_request_stays_the_one_that_is_known_whatever_stands_beside_it() {
    let app = TestApp::start().await;
    let browser = app.connect().await;
    let signed = app.facebook.signed_request(&app.facebook.person_id());
    for (path, receipts_after) in [("/facebook/deauthorize", 1), ("/facebook/data-deletion", 2)] {
        let mut answers = Vec::new();
        for more in ["", "&x=1", "&x=2&y=3", "&", "&signed=1"] {
            let answer = browser.post_form(path, &format!("signed_request={signed}{more}")).await;
            assert_eq!(answer.status, 200, "{path} {more}");
            answers.push(answer.text());
            app.settle().await;
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{path}: one request, one code");
        assert_eq!(receipts(&app).await, receipts_after, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn w2_what_is_signed_with_the_same_secret_for_another_purpose_is_no_delivery() {
    let app = TestApp::start().await;
    app.connect().await;
    let before = app.counts().await;
    // The callback of a login: its query is what its `hmac` signs.
    let callback = app.browser().up_to_callback(&format!("/shopify/{SHOP}/login")).await;
    let hmac = callback.query_pairs().find(|(name, _)| name == "hmac").unwrap().1.into_owned();
    let mut pairs: Vec<&str> = callback.query().unwrap().split('&').filter(|pair| !pair.starts_with("hmac=")).collect();
    pairs.sort_unstable();
    let query = pairs.join("&");
    assert_eq!(to_hex(&sign_sha256(SHOPIFY_SECRET.as_bytes(), query.as_bytes())), hmac, "it is the true one");
    let proxy = format!("path_prefix=/apps/ashop={SHOP}timestamp=1317327555");
    let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJkZXN0IjoiaHR0cHMifQ";
    let test = r#"{"shoptalk_self_test":"00"}"#;
    for text in [query.as_str(), &proxy, token, test] {
        let signature = STANDARD.encode(sign_sha256(SHOPIFY_SECRET.as_bytes(), text.as_bytes()));
        if text == query {
            assert_eq!(signature, STANDARD.encode(from_hex(&hmac).unwrap()));
        }
        let headers = [
            ("x-shopify-hmac-sha256", signature.as_str()),
            ("x-shopify-topic", "products/update"),
            ("x-shopify-shop-domain", SHOP),
        ];
        let answer = app.browser().send(Method::POST, "/shopify/webhook", &headers, text.as_bytes()).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (401, 0), "{text}");
    }
    // The proof that goes with each call signs the token; a signed request signs its payload.
    let signed = app.facebook.signed_request("424242");
    for text in ["EAAtokenOfSomebodyThatIsLongEnough", signed.split_once('.').unwrap().1, test] {
        let proof = to_hex(&sign_sha256(FACEBOOK_SECRET.as_bytes(), text.as_bytes()));
        let headers = [("x-hub-signature-256", format!("sha256={proof}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = app.browser().send(Method::POST, "/facebook/webhook", &headers, text.as_bytes()).await;
        assert_eq!(answer.status, 401, "{text}");
    }
    // The cookie of a login in a page is signed as a deletion is, and names a person too.
    let person = app.facebook.person_id();
    for more in [r#""code":"AQ""#, r#""oauth_token":"EAA""#, r#""page":{"id":"1"}"#] {
        let payload = format!(r#"{{"user_id":"{person}","algorithm":"HMAC-SHA256","issued_at":4000000000,{more}}}"#);
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(payload);
        let signature = sign_sha256(FACEBOOK_SECRET.as_bytes(), payload.as_bytes());
        let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature);
        for path in ["/facebook/deauthorize", "/facebook/data-deletion"] {
            let form = format!("signed_request={signature}.{payload}");
            assert_eq!(app.browser().post_form(path, &form).await.status, 400, "{more}");
        }
    }
    assert_eq!(app.counts().await, before);
    assert_eq!(app.connections("facebook").await[0]["account"], PAGE);
    app.finish().await;
}

#[tokio::test]
async fn n3_a_life_of_a_token_that_nobody_can_mean_panics_no_login_and_no_doctor() {
    for seconds in [json!(i64::MAX), json!(i64::MIN), json!(1e300), json!("9223372036854775807")] {
        let app = TestApp::start().await;
        let token = json!({ "access_token": "shpat_test", "scope": "read_products", "expires_in": seconds,
                            "refresh_token": "shprt_test", "refresh_token_expires_in": seconds });
        app.shopify.traffic().fail_next("access_token", 1, Failure::Json(200, token));
        let status = app.browser().follow(&format!("/shopify/{SHOP}/login")).await.status;
        assert_ne!(status, 500, "{seconds}");
        let token = json!({ "access_token": "EAAtest", "token_type": "bearer", "expires_in": seconds });
        app.facebook.traffic().fail_next("access_token", 2, Failure::Json(200, token));
        let browser = app.browser();
        browser.follow(&format!("/shopify/{SHOP}/login")).await;
        let status = browser.follow("/facebook/login").await.status;
        assert_ne!(status, 500, "{seconds}");
        app.settle().await;
        app.close().await;
    }
}

#[tokio::test]
async fn s2_an_uninstall_signs_out_whoever_is_signed_in_though_a_page_stays_connected() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    assert!(browser.get("/").await.text().contains("Sync now"));
    app.clock.advance(Duration::from_secs(60));
    app.shop().uninstall();
    app.shop().deliver("app/uninstalled", &app.shop().webhook()).await;
    app.settle().await;
    assert_eq!((app.connections("shopify").await.len(), app.connections("facebook").await.len()), (0, 1));
    assert!(!browser.get("/").await.text().contains("Sync now"));
    app.finish().await;
}

#[tokio::test]
async fn s2_a_session_that_has_ended_stays_ended_when_the_clock_is_set_back() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    app.clock.advance(Duration::from_secs(2 * 3600));
    assert!(!browser.get("/").await.text().contains("Sync now"));
    app.clock.set_back(Duration::from_secs(2 * 3600));
    assert!(!browser.get("/").await.text().contains("Sync now"), "it came to life again");
    app.finish().await;
}

#[tokio::test]
async fn p3_messages_of_accounts_that_nobody_connected_are_deleted_by_age_too() {
    let app = TestApp::start().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    deliver(&app, body_of(&[text_at(SAM, 1, "a secret wish")])).await;
    deliver(&app, body_of(&[text_at(SAM, 2, "the newest stays")])).await;
    assert_eq!(app.counts().await, (2, 2, 0));
    app.clock.advance(Duration::from_secs(40 * 24 * 3600));
    app.settle().await;
    assert_eq!(delete_older_than(&app, 30).await, 1);
    assert_eq!(app.counts().await, (1, 1, 0));
    // Strangers leave nothing behind that grows: a captured delivery is stored once more, and goes by age once more.
    let keys = |app: &TestApp| -> i64 {
        app.journal_sql(|journal| journal.query_row("SELECT count(*) FROM pruned_keys", [], |row| row.get(0)))
    };
    assert_eq!(keys(&app), 0);
    for _ in 0..3 {
        deliver(&app, body_of(&[text_at(SAM, 1, "a secret wish")])).await;
    }
    assert_eq!(app.counts().await, (2, 2, 0));
    deliver(&app, "an unreadable one").await;
    deliver(&app, r#"{"object":"page","entry":[{"id":"100000000000909","unknown":1}]}"#).await;
    deliver(&app, body_of(&[text_at(SAM, 3, "the newest stays")])).await;
    app.clock.advance(Duration::from_secs(40 * 24 * 3600));
    app.settle().await;
    assert_eq!(delete_older_than(&app, 30).await, 4);
    assert_eq!((app.counts().await, keys(&app)), ((1, 1, 0), 0));
    // Those of a connected account are known for ever.
    app.connect().await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    deliver(&app, r#"{"object":"page","entry":[{"id":"100000000000101","unknown":1}]}"#).await;
    deliver(&app, body_of(&[text_at(SAM, 4, "the newest stays")])).await;
    app.clock.advance(Duration::from_secs(40 * 24 * 3600));
    app.settle().await;
    assert!(delete_older_than(&app, 30).await >= 1);
    let before = app.counts().await;
    assert!(keys(&app) > 0);
    deliver(&app, r#"{"object":"page","entry":[{"id":"100000000000101","unknown":1}]}"#).await;
    assert_eq!(app.counts().await, before, "a captured delivery brings nothing back");
    app.finish().await;
}

#[tokio::test]
async fn p2_an_erased_message_does_not_come_back_by_a_captured_delivery_after_a_new_login() {
    let app = TestApp::start().await;
    let browser = app.connect().await;
    let captured = body_of(&[text_at(SAM, 0, "a secret wish")]);
    deliver(&app, &captured).await;
    assert_eq!(app.said(SAM), ["a secret wish"]);
    let asked = app.facebook.request_deletion(&format!("{}/facebook/data-deletion", app.url)).await.unwrap();
    assert_eq!(asked.0, 200);
    app.settle().await;
    assert!(!app.is_on_disk("a secret wish"));
    browser.follow(&format!("/shopify/{SHOP}/login")).await;
    assert_eq!(browser.follow("/facebook/login").await.status, 200);
    app.settle().await;
    deliver(&app, &captured).await;
    app.settle().await;
    assert_eq!(app.said(SAM), [""; 0]);
    assert!(!app.is_on_disk("a secret wish"));
    deliver(&app, body_of(&[text_at(SAM, 9, "a new one")])).await;
    app.settle().await;
    assert_eq!(app.said(SAM), ["a new one"]);
    app.finish().await;
}

#[tokio::test]
async fn s4_a_link_of_another_site_joins_nothing_to_a_session_unasked() {
    let app = TestApp::start().await;
    app.shopify.add_shop(SECOND, "Second");
    let browser = app.connect().await.for_pages();
    let session = browser.cookie("session_id");
    for site in ["cross-site", "same-site"] {
        let paths =
            [format!("/shopify/{SECOND}/login"), format!("/shopify/login?shop={SECOND}"), "/facebook/login".to_owned()];
        for path in paths {
            let answer = browser.send(Method::GET, &path, &[("sec-fetch-site", site)], b"").await;
            assert_eq!(answer.status, 200, "{path}");
            let text = answer.text();
            assert!(text.contains("Demo Shop") && text.contains("another site"), "{path}: {text}");
            assert!(text.contains(if path.contains("shopify") { SECOND } else { "Facebook" }), "{path}");
        }
    }
    assert_eq!((app.connections("shopify").await.len(), browser.cookie("session_id")), (1, session));
    // Whoever says yes goes on from our own page; who is not signed in is not asked.
    let yes = format!("/shopify/{SECOND}/login");
    for site in ["same-origin", "none"] {
        assert_eq!(browser.send(Method::GET, &yes, &[("sec-fetch-site", site)], b"").await.status, 303);
    }
    let stranger = app.browser();
    assert_eq!(stranger.send(Method::GET, &yes, &[("sec-fetch-site", "cross-site")], b"").await.status, 303);
    app.finish().await;
}
