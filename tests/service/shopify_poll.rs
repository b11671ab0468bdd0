//! Reading a shop: the whole catalogue, the daily poll, failures on the way, and tokens that are kept alive.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::commands::{Command, Line};
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shopify::sandbox::Shop;

use crate::shopify_checks::{
    CATALOGUE, METADATA, SECOND, advance_to, assert_complete, connect_shop, connection, log_in, nodes, only, refreshes,
    requests, titles,
};
use crate::test_app::{SHOP, TestApp};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

const KINDS: [&str; 8] = [
    "DiscountCodeBasic",
    "DiscountCodeBxgy",
    "DiscountCodeFreeShipping",
    "DiscountCodeApp",
    "DiscountAutomaticBasic",
    "DiscountAutomaticBxgy",
    "DiscountAutomaticFreeShipping",
    "DiscountAutomaticApp",
];

/// A catalogue in which every list is longer than what one request brings of it.
pub fn fill_every_list(shop: &Shop) {
    shop.fill(23, 3);
    let products = shop.products();
    let locations: Vec<String> = (0..14).map(|number| shop.add_location(&format!("Branch {number}"))).collect();
    for (index, location) in locations.iter().enumerate() {
        products[0].set_stock_at(location, i64::try_from(index).unwrap());
        products[index].set_stock_at(location, 3);
    }
    for number in 0..13 {
        products[1].set_metafield(&format!("field-{number}"), &format!("value {number}"));
    }
    products[2].set_status("DRAFT");
    products[3].set_description("Quotes \" and \\ and <b>, ünïcödé, \u{1F375}, and \u{2028}");
    shop.add_collection("Everything", &products.iter().collect::<Vec<_>>());
    shop.add_collection("Nothing", &[]);
    for kind in KINDS {
        let codes: Vec<String> = (0..23).map(|number| format!("{kind}-{number}")).collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let codes = if kind.starts_with("DiscountCode") { codes.as_slice() } else { &[] };
        shop.add_discount(kind, &format!("A {kind}"), codes, 0.25);
    }
    shop.add_discount("DiscountCodeBasic", "Five euros", &["FIVE"], 5.0);
    let expired = shop.add_code_discount("Last year", &["OLD"], 0.5);
    shop.set_discount_status(&expired, "EXPIRED");
    shop.set_discount_context(&expired, "DiscountCustomers");
}

async fn sync(app: &TestApp) -> Vec<Line> {
    let lines = app.command(Command::Sync { channel: Some("shopify".into()), account: None }).await;
    lines.into_iter().filter(|line| !matches!(line, Line::Progress(_))).collect()
}

/// Asks for the shop alone: one query, for tests that look at tokens.
async fn read_shop(app: &TestApp) {
    let body = json!({ "myshopify_domain": SHOP, "at": app.clock.now_ms() });
    assert_eq!(app.shop().deliver("shop/update", &body).await, [200]);
    app.settle().await;
}

/// The access token of the latest query.
fn token_in_use(app: &TestApp) -> String {
    let received = app.shopify.traffic().received();
    let last = received.iter().rev().find(|request| request.path.ends_with("graphql.json")).unwrap();
    last.headers["x-shopify-access-token"].to_str().unwrap().to_owned()
}

fn error(code: &str) -> Value {
    json!({ "errors": [{ "message": "No.", "extensions": { "code": code } }] })
}

#[tokio::test]
async fn every_list_is_read_to_its_end() {
    let app = TestApp::start().await;
    fill_every_list(&app.shop());
    connect_shop(&app).await;
    assert_complete(&app, &app.shop());
    app.finish().await;
}

#[tokio::test]
async fn pages_of_any_size_make_the_same_file() {
    let app = TestApp::start().await;
    fill_every_list(&app.shop());
    connect_shop(&app).await;
    let whole = app.text(CATALOGUE).unwrap();
    app.shopify.set_page_limit(2);
    let before = requests(&app);
    sync(&app).await;
    assert!(requests(&app) - before > 100);
    assert_eq!(app.text(CATALOGUE).unwrap(), whole);
    assert_complete(&app, &app.shop());
    app.finish().await;
}

#[tokio::test]
async fn the_files_have_the_shape_that_readers_depend_on() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    tea.set_metafield("origin", "Japan");
    shop.add_collection("Drinks", &[&tea]);
    shop.add_code_discount("Ten off", &["TEN"], 0.1);
    shop.add_automatic_discount("Spring", 0.2);
    connect_shop(&app).await;
    assert_eq!(
        app.json(METADATA),
        json!({ "data": { "shop": {
        "id": "gid://shopify/Shop/954889",
        "name": "Demo Shop",
        "myshopifyDomain": SHOP,
        "primaryDomain": { "host": SHOP, "url": format!("https://{SHOP}") },
        "currencyCode": "EUR",
        "ianaTimezone": "Europe/Berlin",
        "createdAt": "2026-11-21T12:00:00Z",
        "updatedAt": "2026-11-21T12:00:00Z",
        "plan": { "publicDisplayName": "Basic", "partnerDevelopment": false, "shopifyPlus": false },
    } } })
    );
    let at = "2026-11-21T12:00:00Z";
    let quantity = |name: &str, quantity: i64| json!({ "name": name, "quantity": quantity, "updatedAt": at });
    let end = json!({ "hasNextPage": false, "endCursor": null });
    let level = json!({
        "id": "gid://shopify/InventoryLevel/5?inventory_item_id=1077",
        "location": { "id": "gid://shopify/Location/5", "name": "Main" },
        "quantities": [quantity("available", 5), quantity("on_hand", 5), quantity("committed", 0), quantity("incoming", 0)],
    });
    let mut product = json!({
        "id": "gid://shopify/Product/9007199254740993",
        "legacyResourceId": "9007199254740993",
        "title": "Green tea",
        "handle": "green-tea",
        "status": "ACTIVE",
        "description": "About Green tea.",
        "descriptionHtml": "<p>About Green tea.</p>",
        "productType": "Goods",
        "vendor": "Demo Shop",
        "tags": ["new"],
        "onlineStoreUrl": "https://demo.example/products/green-tea",
        "totalInventory": 5,
        "createdAt": at,
        "updatedAt": at,
        "metafields": { "edges": [{ "node": {
            "id": "gid://shopify/Metafield/101", "namespace": "custom", "key": "origin",
            "type": "single_line_text_field", "value": "Japan",
        } }] },
        "variants": { "edges": [{ "node": {
            "id": "gid://shopify/ProductVariant/41",
            "legacyResourceId": "41",
            "title": "Default Title",
            "sku": "SKU-41",
            "position": 1,
            "price": "10.00",
            "compareAtPrice": null,
            "availableForSale": true,
            "inventoryQuantity": 5,
            "inventoryPolicy": "DENY",
            "selectedOptions": [{ "name": "Title", "value": "Default Title" }],
            "inventoryItem": {
                "id": "gid://shopify/InventoryItem/1077",
                "tracked": true,
                "inventoryLevels": { "edges": [{ "node": level }] },
            },
            "updatedAt": at,
        } }] },
    });
    product["featuredMedia"] = Value::Null;
    product["media"] = json!({ "edges": [] });
    let discount = |typename: &str, title: &str, summary: &str, percentage: f64| {
        json!({
            "__typename": typename, "title": title, "status": "ACTIVE", "startsAt": at, "endsAt": null, "updatedAt": at,
            "summary": summary,
            "customerGets": { "value": { "__typename": "DiscountPercentage", "percentage": percentage } },
        })
    };
    let mut code = discount("DiscountCodeBasic", "Ten off", "10% off", 0.1);
    code["usageLimit"] = Value::Null;
    code["appliesOncePerCustomer"] = false.into();
    code["context"] = json!({ "__typename": "DiscountBuyerSelectionAll" });
    code["codesCount"] = json!({ "count": 1, "precision": "EXACT" });
    code["codes"] = json!({ "edges": [{ "node": { "id": "gid://shopify/DiscountRedeemCode/101", "code": "TEN" } }] });
    let automatic = discount("DiscountAutomaticBasic", "Spring", "20% off", 0.2);
    let expected = json!({ "data": {
        "products": { "edges": [{ "node": product }], "pageInfo": end },
        "codeDiscountNodes": { "edges": [{ "node": {
            "id": "gid://shopify/DiscountCodeNode/9007199254900001", "codeDiscount": code,
        } }], "pageInfo": end },
        "automaticDiscountNodes": { "edges": [{ "node": {
            "id": "gid://shopify/DiscountAutomaticNode/9007199254900002", "automaticDiscount": automatic,
        } }], "pageInfo": end },
        "collections": { "edges": [{ "node": {
            "id": "gid://shopify/Collection/9007199254800001",
            "legacyResourceId": "9007199254800001",
            "title": "Drinks",
            "handle": "drinks",
            "descriptionHtml": "<p>About Drinks.</p>",
            "sortOrder": "MANUAL",
            "updatedAt": at,
            "productsCount": { "count": 1, "precision": "EXACT" },
            "products": { "edges": [{ "node": { "id": tea.gid(), "title": "Green tea" } }] },
        } }], "pageInfo": end },
    } });
    let file = app.json(CATALOGUE);
    for part in ["products", "codeDiscountNodes", "automaticDiscountNodes", "collections"] {
        assert_eq!(file["data"][part], expected["data"][part], "{part}");
    }
    assert_eq!(file, expected);
    app.finish().await;
}

#[tokio::test]
async fn a_shop_without_products_has_an_empty_catalogue() {
    let app = TestApp::start().await;
    connect_shop(&app).await;
    let nothing = json!({ "edges": [], "pageInfo": { "hasNextPage": false, "endCursor": null } });
    assert_eq!(
        app.json(CATALOGUE),
        json!({ "data": {
            "products": nothing, "codeDiscountNodes": nothing, "automaticDiscountNodes": nothing, "collections": nothing,
        } })
    );
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_small_bucket_of_points_makes_a_read_slow_and_not_incomplete() {
    let app = TestApp::start().await;
    fill_every_list(&app.shop());
    app.shop().set_throttle(1000.0, 50.0);
    connect_shop(&app).await;
    assert_complete(&app, &app.shop());
    assert!(app.clock.slept() > Duration::from_secs(5), "{:?}", app.clock.slept());
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn the_daily_poll_finds_what_no_delivery_told() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    fill_every_list(&shop);
    let products = shop.products();
    let collection = shop.add_collection("Drinks", &[&products[0]]);
    let discount = shop.add_code_discount("Ten off", &["TEN"], 0.1);
    connect_shop(&app).await;

    products[0].set_price("0.99");
    products[1].rename("Another title");
    products[2].delete_last_variant();
    products[4].delete();
    shop.delete_collection(&collection);
    shop.delete_discount(&discount);
    shop.add_product("New");
    shop.rename("Another Name");

    let before = app.json(METADATA);
    advance_to(&app, "2026-11-22T03:40:00Z");
    app.run_due_jobs().await;
    assert_eq!(app.json(METADATA), before, "it is not time yet");
    advance_to(&app, "2026-11-22T03:47:00Z");
    app.run_due_jobs().await;
    assert_complete(&app, &shop);
    assert_eq!(app.json(METADATA)["data"]["shop"]["name"], "Another Name");
    assert_eq!(app.counts().await, (0, 0, 0));

    let before = requests(&app);
    app.run_due_jobs().await;
    assert_eq!(requests(&app), before, "once a day");
    app.finish().await;
}

#[tokio::test]
async fn a_read_that_fails_on_the_way_replaces_nothing_and_is_tried_again() {
    for query in
        ["ShopInfo", "ProductPage", "StockPage", "VariantPage", "DiscountPage", "CollectionPage", "CollectionProducts"]
    {
        let app = TestApp::start().await;
        let shop = app.shop();
        fill_every_list(&shop);
        connect_shop(&app).await;
        let whole = app.text(CATALOGUE).unwrap();
        shop.products()[0].delete();
        shop.add_product("New");
        app.shopify.set_page_limit(10);
        app.shopify.traffic().fail_next_with_body("graphql", &only(query), 5, Failure::Status(503));
        let lines = sync(&app).await;
        assert!(matches!(&lines[0], Line::Failed { account, .. } if account == SHOP), "{query}: {lines:?}");
        assert_eq!(lines.last(), Some(&Line::End { good: false }));
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{query}");
        assert_eq!(connection(&app, SHOP).await["status"], "connected", "{query}");
        app.clock.advance(MINUTE);
        app.settle().await;
        assert_complete(&app, &shop);
        app.finish().await;
    }
}

#[tokio::test]
async fn answers_that_cannot_be_read_replace_nothing() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(3, 2);
    connect_shop(&app).await;
    let whole = app.text(CATALOGUE).unwrap();
    shop.products()[0].delete();
    let shapeless = [
        json!({ "data": null }),
        json!({ "data": {} }),
        json!({ "data": { "products": null } }),
        json!({ "data": { "products": { "nodes": [] } } }),
        json!({ "data": { "products": { "nodes": [{}], "pageInfo": { "hasNextPage": false, "endCursor": null } } } }),
        json!({ "data": { "products": { "nodes": [], "pageInfo": { "hasNextPage": "no" } } } }),
        json!([]),
        json!({}),
    ];
    let shapeless = shapeless.into_iter().map(|body| Failure::Json(200, body));
    for failure in shapeless.chain([Failure::Html, Failure::HalfBody, Failure::Empty]) {
        // The read of the time before may be tried again first.
        app.shopify.traffic().fail_next_with_body("graphql", &only("ProductPage"), 1_000, failure.clone());
        let lines = sync(&app).await;
        assert!(matches!(&lines[0], Line::Failed { .. }), "{failure:?}: {lines:?}");
        app.shopify.traffic().heal();
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{failure:?}");
        app.clock.advance(HOUR);
    }
    app.settle().await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_list_that_repeats_its_cursor_ends() {
    let app = TestApp::start().await;
    app.shop().fill(3, 1);
    connect_shop(&app).await;
    let whole = app.text(CATALOGUE).unwrap();
    let page = json!({ "data": { "collections": {
        "nodes": [], "pageInfo": { "hasNextPage": true, "endCursor": "again" },
    } } });
    app.shopify.traffic().fail_next_with_body("graphql", &only("CollectionPage"), 1000, Failure::Json(200, page));
    let before = requests(&app);
    let lines = sync(&app).await;
    assert!(matches!(&lines[0], Line::Failed { .. }), "{lines:?}");
    assert!(requests(&app) - before < 20);
    assert_eq!(app.text(CATALOGUE).unwrap(), whole);
    app.shopify.traffic().heal();
    app.clock.advance(MINUTE);
    app.settle().await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn one_shops_trouble_does_not_stop_another() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let second = app.shopify.add_shop(SECOND, "Second Shop");
    second.fill(3, 2);
    let browser = connect_shop(&app).await;
    log_in(&browser, SECOND).await;
    app.settle().await;
    for failure in [Failure::Status(500), Failure::Status(423), Failure::Json(200, error("MAX_COST_EXCEEDED"))] {
        app.shopify.traffic().fail_next(&format!("/{SHOP}/admin/api/"), 1000, failure.clone());
        second.add_product("New");
        let lines = sync(&app).await;
        assert!(
            matches!(&lines[..], [Line::Failed { account, .. }, Line::Done { account: good, .. }, Line::End { good: false }]
                if account == SHOP && good == SECOND),
            "{failure:?}: {lines:?}"
        );
        assert_complete(&app, &second);
        app.shopify.traffic().heal();
        app.clock.advance(2 * HOUR);
        app.settle().await;
    }
    app.shop().revoke_token();
    second.add_product("Newer");
    advance_to(&app, "2026-11-22T03:47:00Z");
    app.run_due_jobs().await;
    assert_eq!(connection(&app, SHOP).await["status"], "needs_reconnect");
    assert_eq!(connection(&app, SECOND).await["status"], "connected");
    assert_complete(&app, &second);
    app.finish().await;
}

#[tokio::test]
async fn an_unchanged_catalogue_leaves_the_files_untouched() {
    let app = TestApp::start().await;
    fill_every_list(&app.shop());
    connect_shop(&app).await;
    let look = |file: &str| {
        let metadata = std::fs::metadata(app.path(file)).unwrap();
        (metadata.ino(), metadata.mtime_nsec(), metadata.len())
    };
    let before = (look(CATALOGUE), look(METADATA));
    sync(&app).await;
    assert_eq!((look(CATALOGUE), look(METADATA)), before);
    app.shop().products()[0].set_price("0.01");
    sync(&app).await;
    assert_ne!(look(CATALOGUE).0, before.0.0, "a changed one is another file");
    assert_eq!(look(METADATA), before.1);
    app.finish().await;
}

#[tokio::test]
async fn a_token_is_refreshed_five_minutes_before_it_expires() {
    let app = TestApp::start().await;
    connect_shop(&app).await;
    let first = token_in_use(&app);
    app.clock.advance(54 * MINUTE);
    read_shop(&app).await;
    assert_eq!(token_in_use(&app), first);
    assert_eq!(refreshes(&app).len(), 0);
    app.clock.advance(MINUTE);
    read_shop(&app).await;
    let second = token_in_use(&app);
    assert_ne!(second, first);
    assert_eq!(refreshes(&app).len(), 1);
    // Both were replaced: the next time another refresh token is sent.
    app.clock.advance(56 * MINUTE);
    read_shop(&app).await;
    let tokens: BTreeSet<String> = refreshes(&app).iter().map(|body| body["refresh_token"].to_string()).collect();
    assert_eq!(tokens.len(), 2);
    assert_ne!(token_in_use(&app), second);
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn an_expired_or_dead_token_is_refreshed_and_the_read_goes_on() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(3, 2);
    connect_shop(&app).await;
    // Long past its hour.
    app.clock.advance(30 * 24 * HOUR);
    shop.add_product("New");
    sync(&app).await;
    assert_complete(&app, &shop);
    assert_eq!(refreshes(&app).len(), 1);
    // Dead before its hour: the platform says 401.
    shop.expire_access_token();
    shop.add_product("Newer");
    sync(&app).await;
    assert_complete(&app, &shop);
    assert_eq!(refreshes(&app).len(), 2);
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn of_many_who_need_a_new_token_one_asks_for_it() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(50, 1);
    connect_shop(&app).await;
    app.clock.advance(2 * HOUR);
    for product in shop.products() {
        product.set_price("3.21");
        shop.deliver("products/update", &product.webhook()).await;
    }
    app.settle().await;
    assert_eq!(refreshes(&app).len(), 1);
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_is_made_up_for() {
    for failure in [Failure::Disconnect, Failure::HalfBody, Failure::Empty, Failure::Hang] {
        let app = TestApp::start().await;
        let shop = app.shop();
        connect_shop(&app).await;
        shop.add_product("New");
        app.clock.advance(2 * HOUR);
        app.shopify.traffic().fail_next_with_body("oauth/access_token", "refresh_token", 2, failure.clone());
        let lines = sync(&app).await;
        assert!(matches!(&lines[0], Line::Failed { .. }), "{failure:?}: {lines:?}");
        assert_eq!(connection(&app, SHOP).await["status"], "connected", "{failure:?}");
        app.shopify.traffic().heal();
        let app = app.restart().await;
        app.clock.advance(MINUTE);
        app.settle().await;
        assert_complete(&app, &shop);
        let tokens: BTreeSet<String> = refreshes(&app).iter().map(|body| body["refresh_token"].to_string()).collect();
        assert_eq!(tokens.len(), 1, "{failure:?}: the stored one was good for another try");
        // The chain holds from here on.
        app.clock.advance(2 * HOUR);
        sync(&app).await;
        assert_eq!(connection(&app, SHOP).await["status"], "connected", "{failure:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_revoked_login_ends_the_polling_and_is_told() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    shop.add_product("Green tea");
    let browser = connect_shop(&app).await;
    shop.revoke_token();
    let lines = sync(&app).await;
    assert!(matches!(&lines[0], Line::Failed { reason, .. } if reason.contains("connect the shop again")), "{lines:?}");
    assert_eq!(connection(&app, SHOP).await["status"], "needs_reconnect");
    let page = browser.clone().for_pages().get("/").await.text();
    assert!(page.contains("Please log in again"), "{page}");
    let before = requests(&app);
    advance_to(&app, "2026-11-22T03:47:00Z");
    app.run_due_jobs().await;
    read_shop(&app).await;
    assert_eq!(requests(&app), before);
    assert_eq!(app.counts().await, (1, 0, 0), "deliveries are still taken in");
    assert_eq!(titles(&app), ["Green tea"]);
    log_in(&app.browser(), SHOP).await;
    app.settle().await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn a_refresh_token_dies_after_ninety_days() {
    let app = TestApp::start().await;
    connect_shop(&app).await;
    app.clock.advance(91 * 24 * HOUR);
    sync(&app).await;
    assert_eq!(connection(&app, SHOP).await["status"], "needs_reconnect");
    app.finish().await;
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_costs_no_connection() {
    let app = TestApp::start().await;
    let shop = app.shop();
    connect_shop(&app).await;
    for failure in [
        Failure::Status(500),
        Failure::Status(418),
        Failure::RetryAfter(429, "30".into()),
        Failure::Html,
        Failure::Json(400, json!({ "error": "invalid_request" })),
    ] {
        app.clock.advance(2 * HOUR);
        shop.add_product("New");
        app.shopify.traffic().fail_next("oauth/access_token", 2, failure.clone());
        sync(&app).await;
        assert_eq!(connection(&app, SHOP).await["status"], "connected", "{failure:?}");
        app.shopify.traffic().heal();
        app.clock.advance(HOUR / 6);
        app.settle().await;
        assert_complete(&app, &shop);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_restart_in_between_keeps_everything() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    fill_every_list(&shop);
    connect_shop(&app).await;
    let whole = app.text(CATALOGUE).unwrap();
    // A delivery that was stored and not acted on.
    let first = shop.products()[0].clone();
    first.set_price("0.77");
    assert_eq!(shop.deliver("products/update", &first.webhook()).await, [200]);

    let app = app.restart().await;
    assert_eq!(app.text(CATALOGUE).unwrap(), whole);
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    app.settle().await;
    assert_complete(&app, &shop);

    // Stopped over the time of the daily poll: it is made up for.
    shop.add_product("New");
    let app = app.restart().await;
    advance_to(&app, "2026-11-22T09:00:00Z");
    app.run_due_jobs().await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_command_reads_now_and_tells_how_it_went() {
    let app = TestApp::start().await;
    let all = Command::Sync { channel: None, account: None };
    assert_eq!(app.command(all).await.last(), Some(&Line::End { good: true }), "nothing to do is no failure");
    let shop = app.shop();
    connect_shop(&app).await;
    shop.add_product("New");
    let done = Line::Done { channel: "shopify".into(), account: SHOP.into() };
    assert_eq!(sync(&app).await, [done, Line::End { good: true }]);
    assert_eq!(titles(&app), ["New"]);
    let other = Command::Sync { channel: Some("shopify".into()), account: Some("nobody.myshopify.com".into()) };
    assert_eq!(app.command(other).await.last(), Some(&Line::End { good: false }));
    app.finish().await;
}

#[tokio::test]
async fn a_new_wish_to_read_forgets_why_the_last_one_failed() {
    let app = TestApp::start().await;
    let browser = connect_shop(&app).await;
    app.shopify.traffic().fail_next_with_body("graphql", &only("ProductPage"), 5, Failure::Status(503));
    let lines = sync(&app).await;
    assert!(matches!(&lines[0], Line::Failed { .. }), "{lines:?}");
    // A command that waits for the new read takes a reason that stands here for its outcome.
    let reason = || {
        let journal = rusqlite::Connection::open(app.path("data/journal.db")).unwrap();
        journal.query_row("SELECT reason FROM rereads", [], |row| row.get::<_, Option<String>>(0)).unwrap()
    };
    assert!(reason().is_some());
    log_in(&browser, SHOP).await;
    assert_eq!(reason(), None);
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn a_rebuild_writes_the_same_bytes_without_asking_the_platform() {
    let app = TestApp::start().await;
    fill_every_list(&app.shop());
    connect_shop(&app).await;
    let files = (app.text(CATALOGUE).unwrap(), app.text(METADATA).unwrap());
    std::fs::remove_dir_all(app.path(SHOP)).unwrap();
    let before = app.outgoing();
    let lines = app.command(Command::Rebuild { account: None }).await;
    assert_eq!(lines.last(), Some(&Line::End { good: true }), "{lines:?}");
    assert_eq!((app.text(CATALOGUE).unwrap(), app.text(METADATA).unwrap()), files);
    std::fs::write(app.path(CATALOGUE), "{\"torn").unwrap();
    app.command(Command::Rebuild { account: Some(SHOP.into()) }).await;
    assert_eq!(app.text(CATALOGUE).unwrap(), files.0);
    assert_eq!(app.outgoing(), before);
    app.finish().await;
}

#[tokio::test]
async fn drafts_and_expired_discounts_are_told_apart() {
    let app = TestApp::start().await;
    fill_every_list(&app.shop());
    connect_shop(&app).await;
    let data = app.json(CATALOGUE)["data"].clone();
    let drafts = nodes(&data["products"]).into_iter().filter(|product| product["status"] == "DRAFT").count();
    assert_eq!(drafts, 1);
    let codes = nodes(&data["codeDiscountNodes"]);
    let old = codes.iter().find(|node| node["codeDiscount"]["title"] == "Last year").unwrap();
    assert_eq!(old["codeDiscount"]["status"], "EXPIRED");
    assert_eq!(old["codeDiscount"]["context"], json!({ "__typename": "DiscountCustomers" }));
    let five = codes.iter().find(|node| node["codeDiscount"]["title"] == "Five euros").unwrap();
    let amount = &five["codeDiscount"]["customerGets"]["value"]["amount"];
    assert_eq!(*amount, json!({ "amount": "5.0", "currencyCode": "EUR" }));
    app.finish().await;
}
