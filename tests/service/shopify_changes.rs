//! The catalogue under change: what the daily look finds, and a file that is right after anything.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::commands::Command;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::store::KeptReport;
use shoptalk::shopify::sandbox::Shop;

use crate::shopify_checks::{CATALOGUE, asked, assert_complete, connect_shop, only, requests};
use crate::shopify_poll::fill_every_list;
use crate::test_app::{SHOP, TestApp};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn last_report(app: &TestApp) -> Option<KeptReport> {
    let reports = app.shared().journal.list_newest_polls().await.unwrap();
    reports.into_iter().find(|report| report.account == SHOP)
}

/// Goes on to the next daily poll and does what it asks for. Gives the names of the queries.
async fn poll(app: &TestApp) -> Vec<String> {
    let now = app.clock.now();
    let today = now.date_naive().and_hms_opt(3, 47, 0).unwrap().and_utc();
    let next = if today > now { today } else { today + chrono::TimeDelta::days(1) };
    app.clock.advance((next - now).to_std().unwrap());
    let before = requests(app);
    app.run_due_jobs().await;
    asked(app, SHOP, before)
}

#[tokio::test]
async fn a_daily_look_asks_for_little_and_once_a_week_for_everything() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    fill_every_list(&shop);
    connect_shop(&app).await;
    assert!(last_report(&app).await.is_none(), "the first read recovers nothing");
    // The hourly look at the login and the subscriptions is due as well.
    let little = ["ShopInfo", "ProductIds", "ProductsCount", "CollectionPage", "DiscountPage", "Subscriptions"];
    for day in 1..=7 {
        let asked = poll(&app).await;
        assert!(asked.iter().all(|name| little.contains(&&**name)), "day {day}: {asked:?}");
        assert!(asked.len() < 12, "day {day}: {asked:?}");
        assert_eq!(last_report(&app).await.unwrap().report.only_poll, 0);
    }
    let asked = poll(&app).await;
    assert!(
        ["ProductPage", "VariantPage", "StockPage"].iter().all(|name| asked.contains(&(*name).to_owned())),
        "{asked:?}"
    );
    let asked = poll(&app).await;
    assert!(!asked.contains(&"ProductPage".to_owned()), "the week begins anew: {asked:?}");
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_daily_look_reports_what_no_webhook_told() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    fill_every_list(&shop);
    connect_shop(&app).await;
    let products = shop.products();
    app.clock.advance(Duration::from_secs(3600));
    products[0].rename("Told");
    shop.deliver("products/update", &products[0].webhook()).await;
    app.settle().await;
    products[1].rename("Not told");
    products[2].delete();
    shop.add_product("New, and not told");
    let asked = poll(&app).await;
    assert!(!asked.contains(&"ProductPage".to_owned()), "{asked:?}");
    assert_complete(&app, &shop);
    let report = last_report(&app).await.unwrap();
    // The two collections that held the product that is gone or renamed are corrected, too.
    assert!((3..=5).contains(&report.report.only_poll), "{report:?}");
    assert!(report.report.seen_by_both >= 1, "{report:?}");
    assert_eq!(poll(&app).await.iter().filter(|name| *name == "ProductById").count(), 0, "found once");
    assert_eq!(last_report(&app).await.unwrap().recovered_total, report.recovered_total);
    app.finish().await;
}

#[tokio::test]
async fn a_daily_look_that_fails_replaces_nothing_and_misses_nothing() {
    for query in ["ShopInfo", "ProductIds", "ProductsCount", "ProductById", "CollectionPage", "DiscountPage"] {
        let app = TestApp::start().await;
        app.run_due_jobs().await;
        let shop = app.shop();
        fill_every_list(&shop);
        connect_shop(&app).await;
        app.clock.advance(Duration::from_secs(3600));
        shop.products()[1].rename("Not told");
        shop.products()[2].delete();
        let whole = app.text(CATALOGUE).unwrap();
        app.shopify.traffic().fail_next_with_body(SHOP, &only(query), 5, Failure::Status(503));
        poll(&app).await;
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{query}");
        app.clock.advance(Duration::from_secs(3600));
        app.settle().await;
        assert_complete(&app, &shop);
        app.finish().await;
    }
}

#[tokio::test]
async fn many_changes_that_nobody_told_are_a_reason_to_read_everything() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    let shop = app.shop();
    shop.fill(70, 1);
    connect_shop(&app).await;
    app.clock.advance(Duration::from_secs(3600));
    shop.products().iter().for_each(|product| product.set_price("7.77"));
    let asked = poll(&app).await;
    assert!(asked.contains(&"ProductPage".to_owned()) && !asked.contains(&"ProductById".to_owned()), "{asked:?}");
    assert_complete(&app, &shop);
    assert_eq!(last_report(&app).await.unwrap().report.only_poll, 70);
    app.finish().await;
}

#[tokio::test]
async fn too_dear_a_page_is_asked_for_again_as_a_smaller_one() {
    let app = TestApp::start().await;
    let shop = app.shop();
    fill_every_list(&shop);
    connect_shop(&app).await;
    shop.add_product("New");
    let dear = json!({ "errors": [{ "message": "Query cost is 2500.", "extensions": {
        "code": "MAX_COST_EXCEEDED", "cost": 2500, "maxCost": 1000,
    } }], "extensions": { "cost": { "requestedQueryCost": 2500, "actualQueryCost": null, "throttleStatus": {
        "maximumAvailable": 2000.0, "currentlyAvailable": 2000, "restoreRate": 100.0,
    } } } });
    app.shopify.traffic().fail_next_with_body("graphql", &only("ProductPage"), 1, Failure::Json(200, dear));
    let before = requests(&app);
    app.command(Command::Sync { channel: Some("shopify".into()), account: None }).await;
    let pages: Vec<u64> = app.shopify.traffic().received()[before..]
        .iter()
        .filter_map(|request| serde_json::from_slice::<Value>(&request.body).ok())
        .filter(|body| body["operationName"] == "ProductPage")
        .map(|body| body["variables"]["first"].as_u64().unwrap())
        .collect();
    assert_eq!(pages[..2], [20, 8], "2,500 points for 20 are 1,000 for 8");
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn no_query_asks_for_more_than_the_bucket_holds() {
    let app = TestApp::start().await;
    let shop = app.shop();
    fill_every_list(&shop);
    connect_shop(&app).await;
    shop.set_throttle(400.0, 50.0);
    app.clock.advance(Duration::from_secs(60));
    shop.products()[0].set_price("1.11");
    shop.deliver("products/update", &shop.products()[0].webhook()).await;
    app.settle().await;
    app.command(Command::Sync { channel: Some("shopify".into()), account: None }).await;
    for _ in 0..20 {
        app.clock.advance(Duration::from_secs(60));
        app.settle().await;
    }
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn numbers_and_characters_are_in_the_file_as_they_came() {
    let app = TestApp::start().await;
    let shop = app.shop();
    let tea = shop.add_product("Green tea");
    connect_shop(&app).await;
    let mut product = tea.graphql();
    product["title"] = "TITLE".into();
    product["totalInventory"] = "NUMBER".into();
    let end = json!({ "hasNextPage": false, "endCursor": null });
    product["variants"] = json!({ "nodes": [], "pageInfo": end });
    product["variantsCount"] = json!({ "count": 0, "precision": "EXACT" });
    let body = json!({ "data": { "product": product } }).to_string();
    let body = body
        .replace("\"NUMBER\"", "123456789012345678901234567890")
        .replace("TITLE", r"half \ud83c, whole \ud83c\udf75 \/");
    app.shopify.traffic().fail_next_with_body("graphql", &only("ProductById"), 2, Failure::Text(200, body));
    // That it has no variants any more is believed when it is said twice.
    shop.deliver("products/update", &tea.webhook()).await;
    app.settle().await;
    let text = app.text(CATALOGUE).unwrap();
    assert!(text.contains("\"totalInventory\":123456789012345678901234567890,"), "{text}");
    assert!(text.contains("\"title\":\"half \\ud83c, whole \u{1F375} /\""), "{text}");
    app.finish().await;
}

/// A small generator of numbers: the same ones every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        if all.is_empty() { None } else { all.get(self.below(all.len())) }
    }
}

fn number(gid: &str) -> u64 {
    gid.rsplit('/').next().unwrap().parse().unwrap()
}

/// Changes something, as a merchant would, and gives the webhooks that follow from it.
fn change(shop: &Shop, random: &mut Random, step: usize) -> Vec<(&'static str, Value)> {
    let truth = shop.truth();
    let ids = |list: &str| -> Vec<String> {
        truth[list].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let products = shop.products();
    let Some(product) = random.pick(&products) else {
        return vec![("products/create", shop.add_product(&format!("Added {step}")).webhook())];
    };
    let updated = |product: &shoptalk::shopify::sandbox::Product| vec![("products/update", product.webhook())];
    let collection = |gid: &str| json!({ "id": number(gid), "admin_graphql_api_id": gid });
    let discount = |gid: &str| json!({ "admin_graphql_api_id": gid });
    match random.below(20) {
        0 | 1 => {
            product.rename(&format!("Renamed {step} \u{1F375}"));
            updated(product)
        }
        2..=4 => {
            product.set_price(&format!("{step}.99"));
            updated(product)
        }
        5 | 6 => {
            product.set_stock(i64::try_from(step).unwrap());
            vec![("inventory_levels/update", product.stock_webhook()), ("products/update", product.webhook())]
        }
        7 => {
            product.set_status(["ACTIVE", "DRAFT", "ARCHIVED"][random.below(3)]);
            updated(product)
        }
        8 => {
            product.add_variant(&format!("Variant {step}"), "5.00");
            updated(product)
        }
        9 => {
            product.delete_last_variant();
            updated(product)
        }
        10 => {
            product.set_metafield(["care", "origin"][random.below(2)], &format!("value {step}"));
            updated(product)
        }
        11 => {
            product.delete();
            vec![("products/delete", json!({ "id": product.id() }))]
        }
        12 | 13 => vec![("products/create", shop.add_product(&format!("Added {step}")).webhook())],
        14 => {
            let gid = shop.add_collection(&format!("Collection {step}"), &[product]);
            vec![("collections/create", collection(&gid))]
        }
        15 => match random.pick(&ids("collections")) {
            Some(gid) => {
                shop.add_to_collection(gid, product);
                shop.rename_collection(gid, &format!("Collection renamed {step}"));
                vec![("collections/update", collection(gid))]
            }
            None => Vec::new(),
        },
        16 => match random.pick(&ids("collections")) {
            Some(gid) => {
                shop.delete_collection(gid);
                vec![("collections/delete", collection(gid))]
            }
            None => Vec::new(),
        },
        17 => {
            let code = format!("CODE-{step}");
            let gid = if random.below(2) == 0 {
                shop.add_code_discount(&format!("Discount {step}"), &[&code], 0.1)
            } else {
                shop.add_automatic_discount(&format!("Discount {step}"), 0.2)
            };
            vec![("discounts/create", discount(&gid))]
        }
        18 => match random.pick(&ids("discounts")) {
            Some(gid) => {
                shop.set_discount_status(gid, ["ACTIVE", "EXPIRED", "SCHEDULED"][random.below(3)]);
                vec![("discounts/update", discount(gid))]
            }
            None => Vec::new(),
        },
        _ => match random.pick(&ids("discounts")) {
            Some(gid) => {
                shop.delete_discount(gid);
                vec![("discounts/delete", discount(gid))]
            }
            None => Vec::new(),
        },
    }
}

/// Changes the shop `steps` times; of its webhooks some are lost, some doubled, and the rest comes in any order. Then the
/// daily look makes up for what was lost.
async fn live_through(app: &TestApp, seed: u64, steps: usize) {
    let shop = app.shop();
    let mut random = Random(seed);
    let mut waiting: Vec<(&'static str, Value, String)> = Vec::new();
    let url = format!("{}/shopify/webhook", app.url);
    let (mut lost, mut doubled) = (0, 0);
    for step in 0..steps {
        app.clock.advance(Duration::from_secs(1 + random.below(20) as u64));
        for (topic, body) in change(&shop, &mut random, step) {
            let id = format!("{seed}-{step}-{topic}");
            match random.below(10) {
                0 => lost += 1,
                1 => {
                    doubled += 1;
                    waiting.push((topic, body.clone(), id.clone()));
                    waiting.push((topic, body, id));
                }
                _ => waiting.push((topic, body, id)),
            }
        }
        // Some of what waits comes now, whichever it is.
        for _ in 0..random.below(4) {
            if waiting.is_empty() {
                break;
            }
            let (topic, body, id) = waiting.swap_remove(random.below(waiting.len()));
            let headers = [("X-Shopify-Webhook-Id", Some(id.as_str()))];
            assert_eq!(shop.deliver_to(&url, topic, body.to_string().as_bytes(), &headers).await.unwrap(), 200);
        }
        if random.below(5) == 0 {
            app.settle().await;
        }
    }
    while let Some((topic, body, id)) = waiting.pop() {
        let headers = [("X-Shopify-Webhook-Id", Some(id.as_str()))];
        assert_eq!(shop.deliver_to(&url, topic, body.to_string().as_bytes(), &headers).await.unwrap(), 200);
    }
    assert!(lost > 0 && doubled > 0, "{lost} lost, {doubled} doubled");
    app.settle().await;
    poll(app).await;
    for _ in 0..3 {
        app.clock.advance(Duration::from_secs(60));
        app.settle().await;
    }
    assert_complete(app, &shop);
}

#[tokio::test]
async fn after_five_hundred_changes_the_file_is_the_truth() {
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    app.shop().fill(30, 2);
    connect_shop(&app).await;
    live_through(&app, 1, 500).await;
    assert!(last_report(&app).await.unwrap().report.only_poll > 0);
    app.clock.advance(DAY);
    let whole = app.text(CATALOGUE).unwrap();
    app.command(Command::Sync { channel: Some("shopify".into()), account: None }).await;
    assert_eq!(app.text(CATALOGUE).unwrap(), whole, "everything read anew makes the same bytes");
    app.command(Command::Rebuild { account: Some(SHOP.into()) }).await;
    assert_eq!(app.text(CATALOGUE).unwrap(), whole, "and so does what is stored");
    app.finish().await;
}

#[tokio::test]
async fn a_shop_that_is_read_in_bulk_is_right_after_any_changes_too() {
    let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().bulk_above = 5).await;
    app.run_due_jobs().await;
    app.shop().fill(20, 2);
    connect_shop(&app).await;
    for seed in 2..5 {
        live_through(&app, seed, 60).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn from_event_to_file_it_takes_less_than_two_seconds_in_a_shop_of_a_thousand_products() {
    /// What an answer of Shopify's takes on a slow day. The steered clock stands still meanwhile.
    const ANSWER: chrono::TimeDelta = chrono::TimeDelta::milliseconds(400);
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(1_000, 2);
    connect_shop(&app).await;
    let products = shop.products();
    // An event that changes the list, one that changes an object, and one that names an inventory item only.
    for event in ["products/update", "products/create", "products/delete", "inventory_levels/update"] {
        app.clock.advance(Duration::from_secs(60));
        app.work().await;
        let (begun, before) = (app.clock.now(), requests(&app));
        let body = match event {
            "products/update" => {
                products[7].rename("New title");
                products[7].webhook()
            }
            "products/create" => shop.add_product("One more").webhook(),
            "products/delete" => {
                products[8].delete();
                json!({ "id": products[8].id() })
            }
            _ => {
                products[9].set_stock(77);
                products[9].stock_webhook()
            }
        };
        let old = app.text(CATALOGUE);
        assert_eq!(shop.deliver(event, &body).await, [200]);
        loop {
            // Whoever looks for what became due looks twice a second.
            app.work().await;
            let asked = i32::try_from(requests(&app) - before).unwrap();
            assert!(app.clock.now() - begun + ANSWER * asked < chrono::TimeDelta::seconds(2), "{event}: {asked} calls");
            if app.text(CATALOGUE) != old {
                break;
            }
            app.clock.advance(Duration::from_millis(500));
        }
        assert_complete(&app, &shop);
    }
    app.finish().await;
}
