//! Shopify's compliance topics: executed once, for the right shop, with a receipt, and leaving nothing of anybody behind.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::shared::store::erasures::Receipt;

use crate::test_app::{SHOP, TestApp};

const MAIL: &str = "someone@example.com";

async fn connected() -> TestApp {
    let app = TestApp::start().await;
    app.shop().add_product("Green tea");
    assert_eq!(app.browser().follow(&format!("/shopify/{SHOP}/login")).await.status, 200);
    app.settle().await;
    app.clock.advance(Duration::from_secs(60));
    app
}

fn address(app: &TestApp) -> String {
    format!("{}/shopify/webhook", app.url)
}

fn customer() -> Value {
    json!({ "customer": { "id": 191_167, "email": MAIL, "phone": "555-0100" }, "orders_to_redact": [299_938] })
}

async fn receipts(app: &TestApp) -> Vec<Receipt> {
    app.shared().erasure.receipts(10).await.unwrap()
}

#[tokio::test]
async fn a_shop_that_is_to_be_erased_is_gone_from_every_file() {
    let app = connected().await;
    assert!(app.is_on_disk("Green tea") && app.is_on_disk(SHOP));
    // As on the platform: the app was removed, and Shopify refuses its login.
    app.shop().uninstall();
    assert_eq!(app.shop().deliver_compliance(&address(&app), "shop/redact", &json!({})).await.unwrap(), 200);
    app.settle().await;
    let receipts = receipts(&app).await;
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].cause, "shopify shop/redact");
    assert!(receipts[0].done_at.is_some() && receipts[0].erased.files == 2, "{receipts:?}");
    for trace in ["Green tea", SHOP, "demo-shop"] {
        assert!(!app.is_on_disk(trace), "{trace} is still there");
    }
    assert_eq!(app.connections("shopify").await.len(), 0);
    // It may come back.
    assert_eq!(app.browser().follow(&format!("/shopify/{SHOP}/login")).await.status, 200);
    app.settle().await;
    assert!(app.text(&format!("{SHOP}/shop_products.json")).unwrap().contains("Green tea"));
    app.finish().await;
}

#[tokio::test]
async fn w9_a_shop_that_was_installed_again_is_not_erased_by_a_late_request() {
    let app = connected().await;
    let body = json!({ "shop_id": app.shop().id(), "shop_domain": SHOP }).to_string();
    let deliver = async |triggered_at: Option<&str>| {
        let header = [("X-Shopify-Triggered-At", triggered_at)];
        app.shop().deliver_to(&address(&app), "shop/redact", body.as_bytes(), &header).await.unwrap()
    };
    for late in [Some("2026-11-21T11:59:59Z"), Some("no time"), None] {
        assert_eq!(deliver(late).await, 200);
        app.settle().await;
        assert_eq!(app.connections("shopify").await.len(), 1, "{late:?}");
        assert!(receipts(&app).await.is_empty());
    }
    assert_eq!(app.counts().await.1, 1, "it is kept and shown: what is signed is the same three times");
    app.shop().uninstall();
    assert_eq!(deliver(Some("2026-11-21T12:01:00Z")).await, 200);
    app.settle().await;
    assert_eq!(app.connections("shopify").await.len(), 0);
    assert!(!app.is_on_disk(SHOP));
    app.finish().await;
}

#[tokio::test]
async fn w9_header_and_body_must_name_the_same_shop() {
    let app = connected().await;
    let other = app.shopify.add_shop("other.myshopify.com", "Other");
    let about_demo = json!({ "shop_id": 1, "shop_domain": SHOP });
    let about_none = json!({ "shop_id": 1 });
    for topic in ["shop/redact", "customers/redact", "customers/data_request"] {
        for body in [&about_demo, &about_none] {
            let mut body = body.clone();
            body["customer"] = customer()["customer"].clone();
            let body = body.to_string();
            assert_eq!(other.deliver_to(&address(&app), topic, body.as_bytes(), &[]).await.unwrap(), 200);
        }
        assert_eq!(app.shop().deliver_to(&address(&app), topic, b"not JSON", &[]).await.unwrap(), 200);
    }
    app.settle().await;
    assert_eq!(app.connections("shopify").await.len(), 1);
    assert!(receipts(&app).await.is_empty());
    // What is no JSON object is kept once, whatever is claimed of it.
    assert_eq!(app.counts().await.1, 7);
    app.finish().await;
}

#[tokio::test]
async fn a_customer_is_erased_where_they_are_mentioned_and_the_request_itself_keeps_nothing_of_them() {
    let app = connected().await;
    let shop = app.shop();
    // A topic that nobody subscribed is set aside as it came.
    let order = json!({ "id": 1, "email": MAIL, "note": "secret" }).to_string();
    let stranger = json!({ "id": 2, "email": format!("not-{MAIL}"), "note": "kept" }).to_string();
    for body in [&order, &stranger] {
        assert_eq!(shop.deliver_to(&address(&app), "orders/create", body.as_bytes(), &[]).await.unwrap(), 200);
    }
    assert!(app.is_on_disk("secret"));
    assert_eq!(shop.deliver_compliance(&address(&app), "customers/redact", &customer()).await.unwrap(), 200);
    app.settle().await;
    let receipts = receipts(&app).await;
    assert_eq!((receipts.len(), receipts[0].erased.events, receipts[0].what.as_str()), (1, 1, "person"));
    assert!(receipts[0].done_at.is_some());
    for trace in ["secret", "555-0100", "191167"] {
        assert!(!app.is_on_disk(trace), "{trace} is still there");
    }
    assert!(app.is_on_disk("kept"));
    assert_eq!(app.connections("shopify").await.len(), 1);
    assert!(app.text(&format!("{SHOP}/shop_products.json")).is_some());
    app.finish().await;
}

#[tokio::test]
async fn a_customer_who_asks_what_is_kept_gets_an_honest_answer_through_the_operator() {
    let app = connected().await;
    let mut more = customer();
    more["data_request"] = json!({ "id": 9999 });
    assert_eq!(app.shop().deliver_compliance(&address(&app), "customers/data_request", &more).await.unwrap(), 200);
    app.settle().await;
    let receipts = receipts(&app).await;
    assert_eq!((receipts.len(), receipts[0].what.as_str()), (1, "nothing"));
    let alerts = app.shared().alerts.list();
    let alert = alerts.iter().find(|alert| alert.cause == format!("shopify:{SHOP}:data_request")).unwrap();
    assert!(alert.sentence.contains("keeps nothing") && alert.sentence.contains(&receipts[0].code));
    assert!(!app.is_on_disk(MAIL) && !app.is_on_disk("555-0100"));
    app.finish().await;
}

#[tokio::test]
async fn a_repeat_gets_no_second_receipt_and_unknown_shops_are_answered_too() {
    let app = connected().await;
    let gone = app.shopify.add_shop("gone.myshopify.com", "Gone");
    let body = json!({ "shop_id": gone.id(), "shop_domain": "gone.myshopify.com" }).to_string();
    for _ in 0..3 {
        let id = [("X-Shopify-Webhook-Id", Some("one and the same"))];
        assert_eq!(gone.deliver_to(&address(&app), "shop/redact", body.as_bytes(), &id).await.unwrap(), 200);
        app.settle().await;
    }
    let receipts = receipts(&app).await;
    assert_eq!(receipts.len(), 1);
    assert!(receipts[0].done_at.is_some());
    assert!(!app.is_on_disk("gone.myshopify.com"));
    assert_eq!(app.connections("shopify").await.len(), 1);
    app.finish().await;
}
