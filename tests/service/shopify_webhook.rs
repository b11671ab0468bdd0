//! Shopify's deliveries: what is refused, what is stored, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::secrets::signature::Secrets;
use shoptalk::shopify;

use crate::shopify_checks::{
    CATALOGUE, METADATA, SECOND, asked, assert_complete, connect_shop, connection, log_in, nodes, price, requests,
    titles,
};
use crate::test_app::{Answer, SHOP, SHOPIFY_SECRET, TestApp};

const HMAC: &str = "x-shopify-hmac-sha256";

/// Posts a delivery with these signatures, each in a header of its own.
async fn post(app: &TestApp, body: &[u8], signatures: &[&str]) -> Answer {
    let mut headers =
        vec![("content-type", "application/json"), ("x-shopify-topic", "shop/update"), ("x-shopify-shop-domain", SHOP)];
    headers.extend(signatures.iter().map(|signature| (HMAC, *signature)));
    app.browser().send(Method::POST, "/shopify/webhook", &headers, body).await
}

fn address(app: &TestApp) -> String {
    format!("{}/shopify/webhook", app.url)
}

#[tokio::test]
async fn a_delivery_without_a_right_signature_is_refused_and_not_stored() {
    let app = TestApp::start().await;
    connect_shop(&app).await;
    let before = app.outgoing();
    let body = app.shop().webhook().to_string().into_bytes();
    let good = app.shopify.sign(&body);
    let hex: String = good.bytes().map(|byte| format!("{byte:02x}")).collect();
    let cases: [&[&str]; 11] = [
        &[],
        &[""],
        &[&good, &good],
        &[&good, "x"],
        &["not base64 at all!"],
        &[&hex[..64]],
        &[&good[..43]],
        &[good.trim_end_matches('=')],
        &[&app.shopify.sign(b"another body")],
        &["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
        &["="],
    ];
    for signatures in cases {
        let answer = post(&app, &body, signatures).await;
        assert_eq!(answer.status, 401, "{signatures:?}");
        assert!(answer.body.is_empty(), "{signatures:?}");
    }
    assert_eq!(post(&app, &body[1..], &[&good]).await.status, 401, "a changed body");
    app.settle().await;
    assert_eq!(app.counts().await, (0, 0, 0));
    assert_eq!(app.outgoing(), before);
    // The same delivery, rightly signed.
    assert_eq!(post(&app, &body, &[&good]).await.status, 200);
    assert_eq!(app.counts().await.0, 1);
    app.finish().await;
}

/// A signature over `body` made with another secret than the app's.
async fn sign_with(secret: &str, body: &[u8]) -> String {
    let options = shopify::sandbox::Options {
        client_id: "test-app".to_owned(),
        client_secret: secret.to_owned(),
        now: Arc::new(chrono::Utc::now),
    };
    shopify::sandbox::Sandbox::start(options).await.unwrap().sign(body)
}

#[tokio::test]
async fn the_secret_before_is_accepted_while_it_is_configured() {
    const BEFORE: &str = "the secret before the rotation";
    let body = br#"{"id":1}"#;
    let signed = sign_with(BEFORE, body).await;
    let app = TestApp::start().await;
    assert_eq!(post(&app, body, &[&signed]).await.status, 401);
    app.finish().await;

    let app = TestApp::start_with(|config| {
        config.shopify.as_mut().unwrap().api_secret = Secrets::new(SHOPIFY_SECRET.into(), Some(BEFORE.into()));
    })
    .await;
    assert_eq!(post(&app, body, &[&signed]).await.status, 200);
    assert_eq!(post(&app, body, &[&app.shopify.sign(body)]).await.status, 200);
    assert_eq!(post(&app, body, &[&sign_with("a third secret of somebody", body).await]).await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_of_more_than_four_mebibytes_is_refused() {
    let app = TestApp::start().await;
    let mut body = br#"{"id":1}"#.to_vec();
    body.resize(4 * 1024 * 1024, b' ');
    assert_eq!(post(&app, &body, &[&app.shopify.sign(&body)]).await.status, 200);
    body.push(b' ');
    assert_eq!(post(&app, &body, &[&app.shopify.sign(&body)]).await.status, 413);
    assert_eq!(app.counts().await.0, 1);
    app.finish().await;
}

#[tokio::test]
async fn an_updated_product_is_read_again_and_no_other() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(3, 2);
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    let before = requests(&app);
    tea.set_price("12.34");
    assert_eq!(shop.deliver("products/update", &tea.webhook()).await, [200]);
    assert_eq!(requests(&app), before, "nothing is asked before the platform has its answer");
    app.settle().await;
    assert_eq!(asked(&app, SHOP, before), ["ProductById"]);
    let last: Value = serde_json::from_slice(&app.shopify.traffic().received().last().unwrap().body).unwrap();
    assert_eq!(last["variables"]["id"], tea.gid());
    assert_eq!(price(&app, "Green tea"), "12.34");
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn an_updated_product_of_any_size_is_read_completely() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    for number in 0..13 {
        tea.set_metafield(&format!("field-{number}"), "value");
        tea.set_stock_at(&shop.add_location(&format!("Branch {number}")), number);
    }
    for number in 0..40 {
        tea.add_variant(&format!("{number} g"), "3.00");
    }
    shop.deliver("products/update", &tea.webhook()).await;
    app.settle().await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_burst_of_updates_costs_few_calls() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    let before = requests(&app);
    for cents in 10..60 {
        tea.set_price(&format!("1.{cents}"));
        tea.set_stock(cents);
        assert_eq!(shop.deliver("products/update", &tea.webhook()).await, [200]);
        assert_eq!(shop.deliver("inventory_levels/update", &tea.stock_webhook()).await, [200]);
    }
    app.settle().await;
    assert_eq!(app.counts().await, (100, 0, 0));
    let asked = asked(&app, SHOP, before);
    assert!(asked.len() <= 6, "{asked:?}");
    assert_eq!(price(&app, "Green tea"), "1.59");
    app.finish().await;
}

#[tokio::test]
async fn what_a_body_without_a_time_says_twice_is_read_twice_and_a_repeat_is_not() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    let mut body = tea.stock_webhook();
    body.as_object_mut().unwrap().retain(|member, _| ["inventory_item_id", "location_id"].contains(&member.as_str()));
    let (bytes, url) = (body.to_string().into_bytes(), format!("{}/shopify/webhook", app.url));
    let deliver = async |id: &str| {
        let headers = [("X-Shopify-Webhook-Id", Some(id))];
        let topic = "inventory_levels/disconnect";
        assert_eq!(shop.deliver_to(&url, topic, &bytes, &headers).await.unwrap(), 200);
        app.settle().await;
    };
    for (id, events) in [("first", 1), ("first", 1), ("second", 2), ("second", 2), ("first", 2)] {
        let before = requests(&app);
        let known = app.counts().await.0;
        deliver(id).await;
        assert_eq!(app.counts().await, (events, 0, 0), "{id}");
        assert_eq!(requests(&app) > before, events > known, "{id}");
    }
    app.finish().await;
}

#[tokio::test]
async fn products_come_and_go_with_their_deliveries() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    let coffee = shop.add_product("Coffee");
    shop.deliver("products/create", &coffee.webhook()).await;
    app.settle().await;
    assert_eq!(titles(&app), ["Green tea", "Coffee"]);
    tea.delete();
    shop.deliver("products/delete", &json!({ "id": tea.id() })).await;
    app.settle().await;
    assert_eq!(titles(&app), ["Coffee"]);
    // A late update of what is gone brings nothing back.
    shop.deliver("products/update", &json!({ "id": tea.id(), "title": "Green tea" })).await;
    app.settle().await;
    assert_eq!(titles(&app), ["Coffee"]);
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_product_that_is_renamed_or_deleted_is_so_in_its_collections_too() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let (tea, coffee) = (shop.add_product("Green tea"), shop.add_product("Coffee"));
    shop.add_collection("Drinks", &[&tea, &coffee]);
    connect_shop(&app).await;
    tea.rename("White tea");
    shop.deliver("products/update", &tea.webhook()).await;
    coffee.delete();
    shop.deliver("products/delete", &json!({ "id": coffee.id() })).await;
    app.settle().await;
    let collections = nodes(&app.json(CATALOGUE)["data"]["collections"]);
    assert_eq!(nodes(&collections[0]["products"]), [json!({ "id": tea.gid(), "title": "White tea" })]);
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_says_when_to_look_and_not_what_to_believe() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    let mut old = tea.webhook();
    old["title"] = "A title of yesterday".into();
    shop.deliver("products/update", &old).await;
    // A product that is still there is not deleted because somebody says so.
    shop.deliver("products/delete", &json!({ "id": tea.id() })).await;
    // Without an id that can be read, everything is looked at.
    shop.deliver("products/update", &json!({ "id": "gid://shopify/Product/1" })).await;
    app.settle().await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn stock_collections_discounts_and_the_shop_follow_their_deliveries() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;

    tea.set_stock(77);
    shop.deliver("inventory_levels/update", &tea.stock_webhook()).await;
    app.settle().await;
    assert_complete(&app, &shop);
    assert!(app.text(CATALOGUE).unwrap().contains("\"quantity\":77"));

    let collection = shop.add_collection("Drinks", &[&tea]);
    shop.deliver("collections/create", &json!({ "id": 1, "admin_graphql_api_id": collection })).await;
    app.settle().await;
    assert_complete(&app, &shop);
    assert_eq!(nodes(&app.json(CATALOGUE)["data"]["collections"]).len(), 1);
    shop.delete_collection(&collection);
    shop.deliver("collections/delete", &json!({ "id": 1 })).await;
    app.settle().await;
    assert_eq!(nodes(&app.json(CATALOGUE)["data"]["collections"]).len(), 0);

    let discount = shop.add_code_discount("Ten off", &["TEN"], 0.1);
    shop.deliver("discounts/create", &json!({ "admin_graphql_api_id": discount })).await;
    app.settle().await;
    assert_complete(&app, &shop);
    shop.add_discount_code(&discount, "TEN-MORE");
    shop.deliver("discounts/redeemcode_added", &json!({ "admin_graphql_api_id": discount })).await;
    app.settle().await;
    assert_complete(&app, &shop);
    assert!(app.text(CATALOGUE).unwrap().contains("TEN-MORE"));
    shop.delete_discount(&discount);
    shop.deliver("discounts/delete", &json!({ "admin_graphql_api_id": discount })).await;
    app.settle().await;
    assert_eq!(nodes(&app.json(CATALOGUE)["data"]["codeDiscountNodes"]).len(), 0);

    shop.rename("Another Name");
    shop.deliver("shop/update", &shop.webhook()).await;
    app.settle().await;
    assert_eq!(app.json(METADATA)["data"]["shop"]["name"], "Another Name");
    app.finish().await;
}

#[tokio::test]
async fn a_repeated_delivery_changes_nothing() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    let body = tea.webhook().to_string().into_bytes();
    let id = [("X-Shopify-Webhook-Id", Some("5e3e5b5e-0000-4000-8000-000000000001"))];
    let url = address(&app);
    assert_eq!(shop.deliver_to(&url, "products/update", &body, &id).await.unwrap(), 200);
    app.settle().await;
    // It told of no change, so it is looked at once more.
    app.clock.advance(Duration::from_secs(60));
    app.settle().await;
    let (counts, before) = (app.counts().await, requests(&app));
    // The retries of the platform, next year's replay of a captured body, and a copy with other headers.
    for _ in 0..3 {
        assert_eq!(shop.deliver_to(&url, "products/update", &body, &id).await.unwrap(), 200);
        app.clock.advance(Duration::from_secs(200 * 24 * 3600));
    }
    app.settle().await;
    assert_eq!(app.counts().await, counts);
    assert_eq!(requests(&app), before);
    let app = app.restart().await;
    assert_eq!(shop.deliver_to(&address(&app), "products/update", &body, &id).await.unwrap(), 200);
    assert_eq!(app.counts().await, counts);
    app.finish().await;
}

#[tokio::test]
async fn what_we_cannot_place_is_stored_and_set_apart() {
    let app = TestApp::start().await;
    let shop = app.shop();
    connect_shop(&app).await;
    let stranger = app.shopify.add_shop("stranger.myshopify.com", "Stranger");
    let before = requests(&app);
    let url = address(&app);
    let other = stranger.webhook().to_string().into_bytes();
    let domain = "X-Shopify-Shop-Domain";
    type Headers<'a> = &'a [(&'a str, Option<&'a str>)];
    let cases: [(&str, &[u8], Headers<'_>); 12] = [
        ("orders/create", br#"{"id":1}"#, &[]),
        ("", br#"{"id":1}"#, &[]),
        ("shop/update", br#"{"id":2}"#, &[("X-Shopify-Topic", None)]),
        ("shop/update", br#"{"id":3}"#, &[(domain, Some("nobody.myshopify.com"))]),
        ("shop/update", br#"{"id":4}"#, &[(domain, None)]),
        ("shop/update", br#"{"id":5}"#, &[(domain, Some("evil.example"))]),
        ("shop/update", br#"{"id":6}"#, &[(domain, Some("../../etc/demo-shop.myshopify.com"))]),
        ("shop/update", &other, &[]),
        ("app/uninstalled", &other, &[]),
        ("products/update", b"not JSON", &[]),
        ("products/update", b"", &[]),
        ("products/update", b"[1, \xff]", &[]),
    ];
    for (index, (topic, body, headers)) in cases.into_iter().enumerate() {
        assert_eq!(shop.deliver_to(&url, topic, body, headers).await.unwrap(), 200, "{topic} {headers:?}");
        let all = i64::try_from(index + 1).unwrap();
        assert_eq!(app.counts().await, (all, all, 0), "{topic} {headers:?}");
    }
    app.settle().await;
    assert_eq!(requests(&app), before, "nothing follows");
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn deliveries_of_a_shop_flow_in_when_it_connects() {
    let app = TestApp::start().await;
    let second = app.shopify.add_shop(SECOND, "Second Shop");
    let coffee = second.add_product("Coffee");
    let body = coffee.webhook().to_string().into_bytes();
    second.deliver_to(&address(&app), "products/update", &body, &[]).await.unwrap();
    second.deliver_to(&address(&app), "orders/create", &body, &[]).await.unwrap();
    app.settle().await;
    assert_eq!(app.counts().await, (2, 2, 0));
    assert_eq!(requests(&app), 0);
    log_in(&app.browser(), SECOND).await;
    assert_eq!(app.counts().await, (2, 1, 0), "what has no meaning for us stays apart");
    let before = requests(&app);
    app.settle().await;
    assert!(asked(&app, SECOND, before).contains(&"ProductById".to_owned()), "the event is acted on");
    assert_complete(&app, &second);
    app.finish().await;
}

#[tokio::test]
async fn compliance_topics_are_stored_whether_the_shop_is_known_or_not() {
    let app = TestApp::start().await;
    let shop = app.shop();
    connect_shop(&app).await;
    let unknown = app.shopify.add_shop("gone.myshopify.com", "Gone");
    let mut expected = 0;
    for shop in [&shop, &unknown] {
        let about = json!({ "shop_id": shop.id(), "shop_domain": shop.domain() });
        let customer = json!({ "id": 191_167, "email": "a@example.com", "phone": "555-0100" });
        for (topic, extra) in [
            ("customers/data_request", json!({ "orders_requested": [1], "data_request": { "id": 9999 } })),
            ("customers/redact", json!({ "orders_to_redact": [1] })),
            ("shop/redact", json!({})),
        ] {
            let mut body = about.clone();
            body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            body["customer"] = customer.clone();
            let body = body.to_string().into_bytes();
            assert_eq!(shop.deliver_to(&address(&app), topic, &body, &[]).await.unwrap(), 200, "{topic}");
            expected += 1;
            assert_eq!(app.counts().await.0, expected, "{topic}");
        }
    }
    // Signed wrongly, the platform's own check of our address wants 401.
    let wrong = [("X-Shopify-Hmac-Sha256", Some("AAAA"))];
    assert_eq!(shop.deliver_to(&address(&app), "shop/redact", b"{}", &wrong).await.unwrap(), 401);
    app.finish().await;
}

#[tokio::test]
async fn a_product_is_not_deleted_because_a_permission_was_taken_away() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    for scopes in [["read_products", "read_locations"], ["read_products", "read_inventory"]] {
        shop.change_scopes(&scopes);
        tea.set_price("12.34");
        shop.deliver("products/update", &tea.webhook()).await;
        app.settle().await;
        assert_eq!(titles(&app), ["Green tea"], "{scopes:?}");
        assert_eq!(price(&app, "Green tea"), "12.34", "{scopes:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_event_about_one_object_asks_for_that_object_alone() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    shop.add_product("Coffee");
    let drinks = shop.add_collection("Drinks", &[&tea]);
    let ten = shop.add_code_discount("Ten off", &["TEN"], 0.1);
    let spring = shop.add_automatic_discount("Spring", 0.2);
    connect_shop(&app).await;
    let number = |gid: &str| gid.rsplit('/').next().unwrap().parse::<u64>().unwrap();

    tea.set_stock(7);
    shop.rename_collection(&drinks, "Hot drinks");
    shop.set_discount_status(&ten, "EXPIRED");
    for (topic, body, queries) in [
        ("inventory_levels/update", tea.stock_webhook(), ["ProductsOfItem", "ProductById"].as_slice()),
        ("collections/update", json!({ "id": number(&drinks) }), &["CollectionById", "CollectionProducts"]),
        ("discounts/update", json!({ "admin_graphql_api_id": ten }), &["DiscountById"]),
    ] {
        let before = requests(&app);
        assert_eq!(shop.deliver(topic, &body).await, [200]);
        app.settle().await;
        assert_eq!(asked(&app, SHOP, before), queries, "{topic}");
    }
    assert_complete(&app, &shop);

    shop.delete_collection(&drinks);
    shop.delete_discount(&spring);
    for (topic, body, queries) in [
        ("collections/delete", json!({ "id": number(&drinks) }), ["CollectionById"]),
        ("discounts/delete", json!({ "admin_graphql_api_id": spring }), ["DiscountById"]),
    ] {
        let before = requests(&app);
        assert_eq!(shop.deliver(topic, &body).await, [200]);
        app.settle().await;
        assert_eq!(asked(&app, SHOP, before), queries, "{topic}");
    }
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_burst_over_many_products_becomes_one_pass() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(60, 1);
    connect_shop(&app).await;
    let before = requests(&app);
    for (number, product) in shop.products().iter().enumerate() {
        product.set_price(&format!("{number}.99"));
        assert_eq!(shop.deliver("products/update", &product.webhook()).await, [200]);
    }
    app.settle().await;
    let asked = asked(&app, SHOP, before);
    assert!(!asked.contains(&"ProductById".to_owned()) && asked.len() < 15, "{asked:?}");
    assert_complete(&app, &shop);
    app.finish().await;
}
