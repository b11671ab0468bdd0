//! Bulk operations: the whole catalogue of a large shop, the same file as by pages, and what becomes of one that fails.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::commands::{Command, Line};
use shoptalk::shared::channel::read_request::ReadRequest;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shopify::sandbox::Shop;

use crate::shopify_checks::{
    CATALOGUE, SECOND, asked, assert_complete, connect_shop, connection, log_in, only, requests, titles,
};
use crate::shopify_poll::fill_every_list;
use crate::test_app::{SHOP, TestApp};

/// A service that reads every shop with products by bulk operations.
async fn bulk_app() -> TestApp {
    TestApp::start_with(|config| config.shopify.as_mut().unwrap().bulk_above = 0).await
}

async fn sync(app: &TestApp) -> Vec<Line> {
    app.command(Command::Sync { channel: Some("shopify".into()), account: None }).await
}

/// The names of the queries since then, without those that every read begins with.
fn ways(app: &TestApp, from: usize) -> (usize, usize) {
    let asked = asked(app, SHOP, from);
    let count = |name: &str| asked.iter().filter(|asked| *asked == name).count();
    (count("StartBulk"), count("ProductPage"))
}

#[tokio::test]
async fn bulk_operations_and_pages_make_the_same_file() {
    let app = bulk_app().await;
    let shop = app.shop();
    fill_every_list(&shop);
    shop.products()[4]
        .rename("\u{1F375} \u{202E}rtl\u{202C} \\ \" / <b> \u{0} \u{7f} \u{2028} e\u{301} \u{FEFF}漢字 \u{10FFFF}");
    let before = requests(&app);
    connect_shop(&app).await;
    assert_eq!(ways(&app, before), (4, 0));
    assert_complete(&app, &shop);
    let by_bulk = app.text(CATALOGUE).unwrap();

    let pages = TestApp::start().await;
    fill_every_list(&pages.shop());
    let title = "\u{1F375} \u{202E}rtl\u{202C} \\ \" / <b> \u{0} \u{7f} \u{2028} e\u{301} \u{FEFF}漢字 \u{10FFFF}";
    pages.shop().products()[4].rename(title);
    let before = requests(&pages);
    connect_shop(&pages).await;
    assert_eq!(ways(&pages, before).0, 0);
    assert_eq!(pages.text(CATALOGUE).unwrap(), by_bulk);

    // And so do single objects, one by one. Waiting for Shopify has moved one of the clocks.
    pages.clock.advance((app.clock.now() - pages.clock.now()).to_std().unwrap());
    for product in pages.shop().products().iter().chain(&app.shop().products()) {
        product.set_tags(&["again"]);
    }
    for product in app.shop().products() {
        app.shop().deliver("products/update", &product.webhook()).await;
        app.settle().await;
    }
    sync(&pages).await;
    assert_eq!(pages.text(CATALOGUE).unwrap(), app.text(CATALOGUE).unwrap());
    // The file's host never sees the token; it would answer 400.
    app.finish().await;
    pages.finish().await;
}

#[tokio::test]
async fn small_shops_are_read_by_pages_and_large_ones_in_bulk() {
    let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().bulk_above = 3).await;
    app.shop().fill(3, 1);
    let before = requests(&app);
    connect_shop(&app).await;
    assert_eq!(ways(&app, before), (0, 1));
    app.shop().add_product("One more");
    let before = requests(&app);
    sync(&app).await;
    assert_eq!(ways(&app, before), (4, 0));
    assert_complete(&app, &app.shop());
    app.finish().await;
}

/// What the operator's status remarks on a shop.
async fn remark(app: &TestApp, shop: &str) -> Option<String> {
    connection(app, shop).await["remark"].as_str().map(str::to_owned)
}

/// Two shops that are read by bulk operations, the first of which is looked at.
struct Shops {
    app: TestApp,
    shop: Shop,
    second: Shop,
}

impl Shops {
    async fn connected() -> Self {
        let app = bulk_app().await;
        let shop = app.shop();
        let second = app.shopify.add_shop(SECOND, "Second Shop");
        shop.fill(5, 2);
        second.fill(2, 1);
        let browser = connect_shop(&app).await;
        log_in(&browser, SECOND).await;
        app.settle().await;
        Self { app, shop, second }
    }

    /// The next pass of the first shop fails in bulk, for what was prepared, and is made by pages: its merchant and
    /// the operator read this. The other shop is none the worse for it.
    async fn check(&self, what: &str, sentence: &str) {
        self.check_of(None, what, sentence).await;
    }

    /// As [`Shops::check`], where only this account is read.
    async fn check_of(&self, account: Option<&str>, what: &str, sentence: &str) {
        let Self { app, shop, second } = self;
        shop.products()[0].delete();
        shop.add_product("New");
        let before = requests(app);
        let command = Command::Sync { channel: Some("shopify".into()), account: account.map(Into::into) };
        let lines = app.command(command).await;
        assert_eq!(lines.last(), Some(&Line::End { good: true }), "{what}: {lines:?}");
        let (bulk, pages) = ways(app, before);
        assert!(bulk > 0 && pages > 0, "{what}: {bulk} {pages}");
        assert_complete(app, shop);
        assert_complete(app, second);
        assert_eq!(connection(app, SHOP).await["status"], "connected", "{what}");
        let said = remark(app, SHOP).await.unwrap_or_default();
        assert!(said.starts_with(sentence), "{what}: {said}");
        assert!(said.contains(". The catalogue is read page by page instead"), "{what}: {said}");
        assert_eq!(remark(app, SECOND).await, None, "{what}");
        // For a day it is not tried again, then it is.
        let before = requests(app);
        sync(app).await;
        assert_eq!(ways(app, before), (0, 1), "{what}");
        assert_eq!(remark(app, SHOP).await, Some(said), "{what}: as long as nothing else is known");
        app.clock.advance(Duration::from_secs(25 * 3600));
        app.settle().await;
    }

    /// The next pass goes well, and nothing is said any more.
    async fn heals(self) {
        self.heals_after(4).await;
    }

    /// As [`Shops::heals`], where so many starts are asked for.
    async fn heals_after(self, starts: usize) {
        let before = requests(&self.app);
        sync(&self.app).await;
        assert_eq!(ways(&self.app, before), (starts, 0));
        assert_eq!(remark(&self.app, SHOP).await, None);
        self.app.finish().await;
    }

    /// One answer about this query is this one.
    fn answer(&self, query: &str, answer: Value) {
        self.app.shopify.traffic().fail_next_with_body(SHOP, &only(query), 1, Failure::Json(200, answer));
    }
}

#[tokio::test]
async fn a_file_that_is_not_whole_is_told_and_the_shop_is_read_by_pages() {
    type Spoil = fn(&str) -> String;
    let spoils: [(&str, &str, Spoil); 9] = [
        ("cut in the middle of a line", "breaks off before its end", |text| text[..text.len() / 2].to_owned()),
        ("cut at the end of a line", "breaks off before its end", |text| {
            text[..text[..text.len() / 2].rfind('\n').unwrap() + 1].to_owned()
        }),
        ("a line that is no JSON", "cannot be read (a line of the file is no JSON object)", |text| {
            format!("{text}<html>\n")
        }),
        ("a line that is no object", "cannot be read (a line of the file is no JSON object)", |text| {
            format!("[1]\n{text}")
        }),
        ("an object without id", "cannot be read (a line of the file has no id)", |text| {
            format!("{{\"title\":\"x\"}}\n{text}")
        }),
        ("a child without its parent", "is incomplete: an object in it lacks its parent", |text| {
            format!("{{\"id\":\"gid://shopify/ProductVariant/1\",\"__parentId\":\"gid://shopify/Product/1\"}}\n{text}")
        }),
        ("a child of an unknown kind", "cannot be read (a line of the file is of an unknown kind)", |text| {
            format!("{{\"id\":\"gid://shopify/Image/1\",\"__parentId\":\"gid://shopify/Product/1\"}}\n{text}")
        }),
        ("empty", "breaks off before its end", |_| String::new()),
        ("binary", "cannot be read (a line of the file is no JSON object)", |_| "\u{0}\u{1}\u{2}\n".repeat(10_000)),
    ];
    let shops = Shops::connected().await;
    for (what, sentence, spoil) in spoils {
        shops.shop.spoil_next_bulk(spoil);
        shops.check(what, &format!("Shopify's export of the products {sentence}")).await;
    }
    shops.heals().await;
}

#[tokio::test]
async fn an_operation_that_ends_badly_is_told_and_the_shop_is_read_by_pages() {
    let shops = Shops::connected().await;
    for (code, sentence) in [
        ("INTERNAL_SERVER_ERROR", "failed by a fault at Shopify (INTERNAL_SERVER_ERROR)"),
        ("TIMEOUT", "took Shopify too long (TIMEOUT)"),
        ("ACCESS_DENIED", "was denied a permission (ACCESS_DENIED)"),
    ] {
        shops.shop.fail_next_bulk(code);
        shops.check(code, &format!("Shopify's export of the products {sentence}")).await;
    }
    for (status, sentence) in [
        ("EXPIRED", "expired before it could be fetched (EXPIRED)"),
        ("CANCELED", "was canceled at Shopify (CANCELED)"),
    ] {
        shops.shop.end_next_bulk(status);
        shops.check(status, &format!("Shopify's export of the products {sentence}")).await;
    }
    let state = |more: Value| {
        let mut operation = json!({ "id": "gid://shopify/BulkOperation/1", "status": "COMPLETED" });
        operation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "data": { "bulkOperation": operation } })
    };
    let partial =
        json!({ "status": "FAILED", "errorCode": "TIMEOUT", "partialDataUrl": "https://storage.googleapis.com/x" });
    for (what, sentence, answer) in [
        ("a result in part", "took Shopify too long (TIMEOUT)", state(partial)),
        ("another code", "failed (no code)", state(json!({ "status": "FAILED" }))),
        (
            "another status",
            "ended in a way that is not known here (another code)",
            state(json!({ "status": "PAUSED" })),
        ),
        (
            "a file elsewhere",
            "lies at an address that is not known as Shopify's",
            state(json!({ "url": "http://169.254.169.254/latest", "fileSize": "1" })),
        ),
        ("no address", "lies at an address that is not known as Shopify's", state(json!({ "url": "//" }))),
        ("no file", "cannot be read (it counts objects and has no file)", state(json!({ "objectCount": "7" }))),
        ("an operation that is gone", "is not known at Shopify any more", json!({ "data": { "bulkOperation": null } })),
    ] {
        shops.answer("BulkState", answer);
        shops.check(what, &format!("Shopify's export of the products {sentence}")).await;
    }
    // Two of the answers said of operations that they are complete, so nobody cancelled them, and at the simulator they are
    // still at work. Beside them there is room for three of the five, so the fourth list is begun when one of ours has ended.
    shops.heals_after(5).await;
}

#[tokio::test]
async fn an_operation_that_is_refused_is_told_and_the_shop_is_read_by_pages() {
    let shops = Shops::connected().await;
    let unlike = "Shopify's answers about its export cannot be read";
    shops.answer("StartBulk", json!({ "data": { "bulkOperationRunQuery": null } }));
    shops.check("no operation", unlike).await;
    shops.answer("BulkState", json!({ "data": { "bulkOperation": 7 } }));
    shops.check("no state", unlike).await;
    let refused = json!([{ "field": ["query"], "message": "No.", "code": "INVALID" }]);
    shops.answer(
        "StartBulk",
        json!({ "data": { "bulkOperationRunQuery": { "bulkOperation": null, "userErrors": refused } } }),
    );
    shops.check("refused", "Shopify's export of the products was refused (INVALID)").await;
    let invalid = json!({ "errors": [{ "message": "x", "extensions": { "code": "undefinedField" } }] });
    shops.answer("StartBulk", invalid.clone());
    shops.check("an invalid query", "Shopify's export of the products was refused (undefinedField)").await;
    shops.answer("BulkState", invalid);
    shops.check("a refused look", "Shopify refuses to tell about its export (undefinedField)").await;
    shops.app.shopify.traffic().fail_next("/bulk/", 1, Failure::Status(403));
    let sentence = "Shopify's export of the products is not given out (status 403)";
    shops.check_of(Some(SHOP), "a file that is not given out", sentence).await;
    shops.heals().await;
}

#[tokio::test]
async fn a_merchant_reads_that_an_export_failed_until_one_goes_well() {
    let app = bulk_app().await;
    let shop = app.shop();
    shop.fill(3, 1);
    let browser = connect_shop(&app).await.for_pages();
    shop.fail_next_bulk("TIMEOUT");
    sync(&app).await;
    let sentence =
        "Shopify's export of the products took Shopify too long (TIMEOUT). The catalogue is read page by page";
    let page = browser.get("/").await.text();
    assert!(page.contains(sentence), "{page}");
    // A restart does not forget it.
    let app = app.restart_with(|config| config.shopify.as_mut().unwrap().bulk_above = 0).await;
    assert!(remark(&app, SHOP).await.unwrap().starts_with(sentence));
    app.clock.advance(Duration::from_secs(25 * 3600));
    let browser = connect_shop(&app).await.for_pages();
    let page = browser.get("/").await.text();
    assert!(page.contains("demo-shop.myshopify.com") && !page.contains("export of the"), "{page}");
    assert_eq!(remark(&app, SHOP).await, None);
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_shop_that_has_become_small_hears_no_more_of_exports() {
    let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().bulk_above = 3).await;
    let shop = app.shop();
    shop.fill(4, 1);
    shop.fail_next_bulk("INTERNAL_SERVER_ERROR");
    connect_shop(&app).await;
    assert!(remark(&app, SHOP).await.is_some());
    shop.products()[0].delete();
    app.clock.advance(Duration::from_secs(25 * 3600));
    sync(&app).await;
    assert_eq!(remark(&app, SHOP).await, None);
    app.finish().await;
}

#[tokio::test]
async fn a_pass_goes_on_where_it_was_after_a_restart() {
    let app = bulk_app().await;
    let shop = app.shop();
    fill_every_list(&shop);
    let browser = app.browser();
    log_in(&browser, SHOP).await;
    // Shopify is at work for long: the read lets others go first.
    shop.hold_bulk(true);
    app.settle().await;
    assert_eq!(shop.bulk_operations().len(), 4, "all at once");
    assert!(app.text(CATALOGUE).is_none(), "an incomplete pass writes nothing");
    let app = app.restart_with(|config| config.shopify.as_mut().unwrap().bulk_above = 0).await;
    // What changes meanwhile is read alone, and is not undone by the pass.
    let products = shop.products();
    app.clock.advance(Duration::from_secs(1));
    products[5].rename("Renamed meanwhile");
    shop.deliver("products/update", &products[5].webhook()).await;
    app.settle().await;
    shop.hold_bulk(false);
    for _ in 0..20 {
        app.clock.advance(Duration::from_secs(60));
        app.settle().await;
    }
    assert_eq!(shop.bulk_operations().len(), 4, "none was started twice");
    assert_complete(&app, &shop);
    app.finish().await;
}

/// A pass that is killed at the request with this number, after the service had so many more turns. Gives back whether it
/// was over before.
async fn is_over_before_kill(nth: usize, turns: usize) -> bool {
    let large = |config: &mut Config| config.shopify.as_mut().unwrap().bulk_above = 0;
    let at = format!("killed at request {nth}, {turns} turns later");
    let app = TestApp::start_with(large).await;
    let shop = app.shop();
    fill_every_list(&shop);
    connect_shop(&app).await;
    let old = app.text(CATALOGUE).unwrap();
    app.clock.advance(Duration::from_secs(3600));
    shop.products()[0].rename("Renamed");
    shop.products()[1].delete();
    app.shared().journal.request_read("shopify", SHOP, ReadRequest::Everything, app.clock.now_ms()).await.unwrap();
    let (traffic, before) = (app.shopify.traffic().clone(), requests(&app));
    let killed = async {
        traffic.until_received(before + nth).await;
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    };
    let is_over = app.work_until(killed).await;
    let app = app.kill_and_restart_with(large).await;
    let mut seen = vec![app.text(CATALOGUE).unwrap()];
    for _ in 0..10 {
        app.clock.advance(Duration::from_secs(60));
        app.settle().await;
        seen.push(app.text(CATALOGUE).unwrap());
    }
    assert_complete(&app, &shop);
    let new = seen.last().unwrap();
    assert!(seen.iter().all(|text| *text == old || text == new), "{at}: a file of a part of the pass");
    assert_eq!(shop.bulk_operations().len(), 8, "{at}: an operation was started for nothing");
    assert_eq!(remark(&app, SHOP).await, None, "{at}");
    app.finish().await;
    is_over
}

#[tokio::test]
async fn killed_at_any_request_a_pass_ends_with_the_truth_and_starts_no_operation_twice() {
    let mut nth = 1;
    while !is_over_before_kill(nth, 0).await {
        nth += 1;
    }
    assert!(nth > 15, "a pass makes more than {nth} requests");
    // Nothing is asked any more, and all is to be stored and written.
    for turns in (0..200).step_by(20) {
        is_over_before_kill(nth - 1, turns).await;
    }
}

#[tokio::test]
async fn an_operation_is_started_once_also_where_the_answer_is_lost() {
    let app = bulk_app().await;
    let shop = app.shop();
    fill_every_list(&shop);
    for failure in [Failure::Disconnect, Failure::Hang] {
        app.shopify.traffic().fail_next_with_body(SHOP, &only("StartBulk"), 1, failure);
    }
    connect_shop(&app).await;
    for _ in 0..5 {
        app.clock.advance(Duration::from_secs(600));
        app.settle().await;
    }
    assert_eq!(shop.bulk_operations().len(), 4);
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn an_operation_that_is_asked_for_too_soon_is_asked_for_again() {
    let app = bulk_app().await;
    let shop = app.shop();
    fill_every_list(&shop);
    let throttled = json!({ "errors": [{ "message": "Throttled", "extensions": { "code": "THROTTLED" } }] });
    for failure in [Failure::Json(200, throttled), Failure::RetryAfter(429, "2.0".into())] {
        app.shopify.traffic().fail_next_with_body(SHOP, &only("StartBulk"), 1, failure);
    }
    let before = requests(&app);
    connect_shop(&app).await;
    assert_eq!(ways(&app, before), (6, 0));
    assert_eq!(shop.bulk_operations().len(), 4);
    assert_eq!(connection(&app, SHOP).await["status_reason"], Value::Null);
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn operations_of_others_are_waited_for_and_not_for_ever() {
    let app = bulk_app().await;
    let shop = app.shop();
    fill_every_list(&shop);
    let full = json!([{ "field": ["query"], "message": "x", "code": "LIMIT_REACHED" }]);
    let full = json!({ "data": { "bulkOperationRunQuery": { "bulkOperation": null, "userErrors": full } } });
    let start = only("StartBulk");
    app.shopify.traffic().fail_next_with_body(SHOP, &start, usize::MAX, Failure::Json(200, full));
    let before = requests(&app);
    connect_shop(&app).await;
    for _ in 0..5 {
        app.clock.advance(Duration::from_secs(3600));
        app.settle().await;
    }
    assert_eq!(ways(&app, before).1, 0, "it is still waited for");
    assert_eq!(remark(&app, SHOP).await, None);
    for _ in 0..2 {
        app.clock.advance(Duration::from_secs(3600));
        app.settle().await;
    }
    assert_complete(&app, &shop);
    let said = remark(&app, SHOP).await.unwrap();
    assert!(said.starts_with("Shopify's export of the catalogue has not ended after six hours. "), "{said}");
    app.finish().await;
}

#[tokio::test]
async fn what_is_deleted_while_a_pass_is_under_way_stays_deleted() {
    let app = bulk_app().await;
    let shop = app.shop();
    shop.fill(4, 1);
    connect_shop(&app).await;
    let products = shop.products();
    // The files are made, and cannot be had yet.
    app.shopify.traffic().fail_next("/bulk/", 1, Failure::Status(503));
    sync(&app).await;
    app.clock.advance(Duration::from_secs(1));
    products[0].delete();
    products[1].rename("Renamed meanwhile");
    shop.deliver("products/delete", &json!({ "id": products[0].id() })).await;
    shop.deliver("products/update", &products[1].webhook()).await;
    app.work().await;
    app.clock.advance(Duration::from_secs(1));
    app.work().await;
    assert!(titles(&app).contains(&"Renamed meanwhile".to_owned()), "single reads do not wait for the pass");
    let before = requests(&app);
    app.clock.advance(Duration::from_secs(600));
    app.settle().await;
    assert_eq!(ways(&app, before), (0, 0), "the operations are there, only their files were missing");
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn the_end_of_an_operation_is_noticed_by_its_webhook() {
    let app = bulk_app().await;
    let shop = app.shop();
    shop.fill(3, 1);
    shop.hold_bulk(true);
    log_in(&app.browser(), SHOP).await;
    app.settle().await;
    for _ in 0..5 {
        app.clock.advance(Duration::from_secs(600));
        app.settle().await;
    }
    let finish = async || {
        let operation = &shop.bulk_operations()[0];
        let body = json!({
            "admin_graphql_api_id": operation["id"], "status": "completed", "error_code": null, "type": "query",
            "created_at": operation["createdAt"], "completed_at": app.clock.now().to_rfc3339(),
        });
        assert_eq!(shop.deliver("bulk_operations/finish", &body).await, [200], "subscribed once");
        app.settle().await;
    };
    let begun = app.clock.now();
    for _ in 0..4 {
        assert!(app.text(CATALOGUE).is_none());
        shop.release_one_bulk();
        finish().await;
    }
    assert_complete(&app, &shop);
    // By now the service itself looks once a minute.
    assert!(app.clock.now() - begun < chrono::TimeDelta::seconds(20), "{}", app.clock.now() - begun);
    let before = requests(&app);
    finish().await;
    assert_eq!(requests(&app), before, "late or doubled, it costs nothing");
    app.finish().await;
}

#[tokio::test]
async fn a_product_with_as_many_variants_as_there_may_be_is_complete_by_every_road() {
    let app = bulk_app().await;
    let shop = app.shop();
    let product = shop.add_product("Every colour");
    product.add_variants(2_048 - 1);
    connect_shop(&app).await;
    assert_complete(&app, &shop);
    product.set_price("1.23");
    shop.deliver("products/update", &product.webhook()).await;
    app.settle().await;
    assert_complete(&app, &shop);
    app.finish().await;
}
