//! Lists that are not what they say, and objects that the shop cannot show: nothing is deleted on a doubt, no file claims
//! to be whole, and one object never costs the others.

use std::time::Duration;

use serde_json::json;
use shoptalk::commands::{Command, Line};
use shoptalk::shared::channel::read_request::ReadRequest;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shopify::sandbox::{ListLie, Unservable};

use crate::shopify_checks::{
    CATALOGUE, HOUR, asked, assert_complete, connect_shop, connection, log_in, nodes, only, requests, sync_shop, titles,
};
use crate::shopify_poll::fill_every_list;
use crate::test_app::{SHOP, TestApp};
use crate::waiting::until;

/// The lists of a whole pass, each of which `fill_every_list` makes longer than a page of five.
const LISTS: [&str; 9] = [
    "QueryRoot.products",
    "QueryRoot.productVariants",
    "QueryRoot.inventoryItems",
    "QueryRoot.discountNodes",
    "QueryRoot.collections",
    "Collection.products",
    "codes",
    "metafields",
    "inventoryLevels",
];

fn alerts(app: &TestApp) -> Vec<String> {
    app.shared().alerts.list().into_iter().map(|alert| alert.cause).collect()
}

/// Lets as much time pass as the retries of a failed read need.
async fn hours_later(app: &TestApp, hours: u32) {
    for _ in 0..hours * 2 {
        app.clock.advance(HOUR / 2);
        app.settle().await;
    }
}

/// Reads everything because a command wants it, and gives whether it went well.
async fn sync(app: &TestApp) -> bool {
    sync_shop(app).await.last() == Some(&Line::End { good: true })
}

async fn poll(app: &TestApp) {
    let now = app.clock.now_ms();
    app.shared().journal.request_read("shopify", SHOP, ReadRequest::from_text("poll"), now).await.unwrap();
    app.settle().await;
}

async fn mark(app: &TestApp) -> Option<String> {
    app.shared().journal.find_account_cursor("shopify", SHOP, "catalogue read").await.unwrap()
}

#[tokio::test]
async fn a_shop_that_does_not_say_how_many_products_it_has_is_read_and_followed_all_the_same() {
    let app = TestApp::start().await;
    let shop = app.shop();
    for field in ["productsCount", "productVariantsCount", "locationsCount"] {
        shop.tell_no_count(field);
    }
    shop.add_product("Tea");
    let gone = shop.add_product("Coffee");
    connect_shop(&app).await;
    assert_complete(&app, &shop);
    // What goes without a word is noticed by the poll, and what the list only hides is not deleted.
    gone.delete();
    hours_later(&app, 1).await;
    poll(&app).await;
    assert_complete(&app, &shop);
    shop.lie_in_list("QueryRoot.products", Some(ListLie::Ends(0)));
    sync(&app).await;
    poll(&app).await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_list_with_more_and_no_way_to_go_on_is_no_whole_list() {
    for lie in [ListLie::NoCursor, ListLie::SameCursor] {
        let app = TestApp::start().await;
        let shop = app.shop();
        fill_every_list(&shop);
        for number in 0..6 {
            shop.add_collection(&format!("Collection {number}"), &[]);
        }
        connect_shop(&app).await;
        assert_complete(&app, &shop);
        let whole = app.text(CATALOGUE).unwrap();
        app.shopify.set_page_limit(5);
        for list in LISTS {
            let marked = mark(&app).await;
            shop.lie_in_list(list, Some(lie));
            let before = requests(&app);
            assert!(!sync(&app).await, "{list} {lie:?}");
            assert!(requests(&app) - before < 300, "{list} {lie:?}: it has an end");
            assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{list} {lie:?}");
            assert_eq!(mark(&app).await, marked, "{list} {lie:?}");
            shop.lie_in_list(list, None);
            assert!(sync(&app).await, "{list} {lie:?}");
            assert_complete(&app, &shop);
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn a_daily_look_whose_lists_have_no_way_to_go_on_changes_nothing() {
    for lie in [ListLie::NoCursor, ListLie::SameCursor] {
        let app = TestApp::start().await;
        let shop = app.shop();
        fill_every_list(&shop);
        for number in 0..6 {
            shop.add_collection(&format!("Collection {number}"), &[]);
        }
        connect_shop(&app).await;
        let whole = app.text(CATALOGUE).unwrap();
        app.shopify.set_page_limit(5);
        for list in ["QueryRoot.products", "QueryRoot.discountNodes", "QueryRoot.collections"] {
            let marked = mark(&app).await;
            shop.lie_in_list(list, Some(lie));
            poll(&app).await;
            assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{list} {lie:?}");
            assert_eq!(mark(&app).await, marked, "{list} {lie:?}");
            shop.lie_in_list(list, None);
            hours_later(&app, 1).await;
            assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{list} {lie:?}");
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn subscriptions_whose_list_breaks_off_are_not_made_again() {
    for lie in [ListLie::NoCursor, ListLie::SameCursor] {
        let app = TestApp::start().await;
        app.run_due_jobs().await;
        let shop = app.shop();
        connect_shop(&app).await;
        app.shopify.set_page_limit(5);
        shop.lie_in_list("webhookSubscriptions", Some(lie));
        let before = requests(&app);
        app.clock.advance(HOUR);
        app.run_due_jobs().await;
        let names = asked(&app, SHOP, before);
        assert!(names.contains(&"Subscriptions".to_owned()), "{lie:?}: {names:?}");
        assert!(!names.iter().any(|name| name.ends_with("ubscribe")), "{lie:?}: {names:?}");
        shop.lie_in_list("webhookSubscriptions", None);
        hours_later(&app, 2).await;
        assert_eq!(shop.subscriptions().len(), 18, "{lie:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_list_that_is_shorter_than_its_number_deletes_nothing() {
    for bulk_above in [1000, 0] {
        let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().bulk_above = bulk_above).await;
        let shop = app.shop();
        shop.fill(120, 1);
        connect_shop(&app).await;
        let (whole, marked) = (app.text(CATALOGUE).unwrap(), mark(&app).await);
        // Fifty of a hundred and twenty, and no word of the rest.
        shop.lie_in_list("QueryRoot.products", Some(ListLie::Ends(50)));
        assert!(!sync(&app).await, "{bulk_above}");
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{bulk_above}");
        assert_eq!(mark(&app).await, marked, "{bulk_above}");
        poll(&app).await;
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{bulk_above}");
        assert_eq!(mark(&app).await, marked, "{bulk_above}");
        // It is looked at again by itself, and what is truly gone is found then.
        shop.products()[7].delete();
        shop.lie_in_list("QueryRoot.products", None);
        hours_later(&app, 2).await;
        assert_complete(&app, &shop);
        assert_ne!(mark(&app).await, marked, "{bulk_above}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_number_that_is_no_exact_one_is_a_lower_bound() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(12, 1);
    connect_shop(&app).await;
    shop.products()[0].delete();
    shop.lie_in_count("productsCount", Some((3, "AT_LEAST")));
    assert!(sync(&app).await);
    assert_complete(&app, &shop);
    // More than are listed: then the list is short.
    shop.products()[0].delete();
    let whole = app.text(CATALOGUE).unwrap();
    shop.lie_in_count("productsCount", Some((70, "AT_LEAST")));
    assert!(!sync(&app).await);
    assert_eq!(app.text(CATALOGUE).unwrap(), whole);
    shop.lie_in_count("productsCount", None);
    hours_later(&app, 2).await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn what_comes_and_goes_while_a_pass_is_made_is_no_doubt() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(30, 1);
    connect_shop(&app).await;
    let before = requests(&app);
    app.shared().journal.request_read("shopify", SHOP, ReadRequest::Everything, app.clock.now_ms()).await.unwrap();
    let traffic = app.shopify.traffic().clone();
    // The shop, the number and the first page of products.
    app.work_until(traffic.until_received(before + 4)).await;
    shop.products()[3].delete();
    shop.add_product("New meanwhile");
    shop.add_product("And another");
    app.settle().await;
    hours_later(&app, 1).await;
    assert_complete(&app, &shop);
    assert!(sync(&app).await);
    app.finish().await;
}

#[tokio::test]
async fn a_collection_or_discount_that_its_list_lacks_is_asked_for_before_it_is_deleted() {
    let app = TestApp::start().await;
    let shop = app.shop();
    fill_every_list(&shop);
    connect_shop(&app).await;
    let whole = app.text(CATALOGUE).unwrap();
    for list in ["QueryRoot.collections", "QueryRoot.discountNodes"] {
        shop.lie_in_list(list, Some(ListLie::Ends(1)));
        poll(&app).await;
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{list}: by the daily look");
        sync(&app).await;
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{list}: by a whole pass");
        shop.lie_in_list(list, None);
        hours_later(&app, 1).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn before_the_first_pass_is_over_no_file_claims_to_be_whole() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(8, 1);
    let odd = Failure::Json(200, json!({ "data": { "products": null } }));
    app.shopify.traffic().fail_next_with_body(SHOP, &only("ProductPage"), usize::MAX, odd);
    log_in(&app.browser(), SHOP).await;
    app.settle().await;
    let first = &shop.products()[0];
    first.rename("First");
    shop.deliver("products/update", &first.webhook()).await;
    let collection = shop.add_collection("Drinks", &[first]);
    shop.deliver("collections/create", &json!({ "id": 1, "admin_graphql_api_id": collection })).await;
    app.settle().await;
    assert!(asked(&app, SHOP, 0).contains(&"ProductById".to_owned()));
    assert!(app.text(CATALOGUE).is_none(), "one of eight products is no catalogue");
    app.command(Command::Rebuild { account: Some(SHOP.into()) }).await;
    assert!(app.text(CATALOGUE).is_none());
    app.shopify.traffic().heal();
    hours_later(&app, 2).await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_first_pass_in_doubt_makes_no_file() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(120, 1);
    shop.lie_in_list("QueryRoot.products", Some(ListLie::Ends(50)));
    connect_shop(&app).await;
    hours_later(&app, 2).await;
    assert!(app.text(CATALOGUE).is_none());
    assert_eq!(mark(&app).await, None);
    shop.lie_in_list("QueryRoot.products", None);
    hours_later(&app, 2).await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn products_of_a_collection_are_complete_whatever_its_order_does() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(26, 1);
    shop.add_collection("Everything", &shop.products().iter().collect::<Vec<_>>());
    app.shopify.set_page_limit(10);
    shop.lie_in_list("Collection.products", Some(ListLie::Moves));
    connect_shop(&app).await;
    assert_complete(&app, &shop);
    app.finish().await;
}

/// The numbers of products in a collection of the file: all, and each once.
fn members(app: &TestApp) -> (usize, usize) {
    let collections = nodes(&app.json(CATALOGUE)["data"]["collections"]);
    let ids: Vec<String> = nodes(&collections[0]["products"]).iter().map(|node| node["id"].to_string()).collect();
    (ids.len(), ids.iter().collect::<std::collections::BTreeSet<_>>().len())
}

#[tokio::test]
async fn a_collection_that_is_not_as_it_says_is_healed_by_the_next_look() {
    for lie in [ListLie::Doubles, ListLie::Skips, ListLie::Ends(7)] {
        let app = TestApp::start().await;
        let shop = app.shop();
        shop.fill(26, 1);
        shop.add_collection("Everything", &shop.products().iter().collect::<Vec<_>>());
        app.shopify.set_page_limit(10);
        shop.lie_in_list("Collection.products", Some(lie));
        connect_shop(&app).await;
        let (all, different) = members(&app);
        assert_eq!(all, different, "{lie:?}: no product twice");
        assert!(all <= 26, "{lie:?}");
        shop.lie_in_list("Collection.products", None);
        poll(&app).await;
        assert_complete(&app, &shop);
        app.finish().await;
    }
}

#[tokio::test]
async fn one_object_that_cannot_be_shown_costs_no_other_and_keeps_its_record() {
    for bulk_above in [1000, 0] {
        let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().bulk_above = bulk_above).await;
        let shop = app.shop();
        fill_every_list(&shop);
        let collection = shop.add_collection("Drinks", &[&shop.products()[0]]);
        let discount = shop.add_code_discount("Ten off", &["TEN"], 0.1);
        connect_shop(&app).await;
        let sick = shop.products()[12].clone();
        for gid in [&sick.gid(), &collection, &discount] {
            shop.cannot_serve(gid, Some(Unservable::Wholly));
        }
        app.clock.advance(HOUR);
        sick.rename("Nobody can see this");
        shop.rename_collection(&collection, "Nor this");
        shop.products()[1].rename("Renamed");
        shop.products()[2].delete();
        shop.add_product("New");
        assert!(sync(&app).await, "{bulk_above}");
        let titles = titles(&app);
        for title in ["Renamed", "New", "Product 00013"] {
            assert!(titles.contains(&title.to_owned()), "{bulk_above} {title}: {titles:?}");
        }
        assert_eq!(titles.len(), 23, "{bulk_above}: what is gone is gone");
        let text = app.text(CATALOGUE).unwrap();
        assert!(text.contains("\"Drinks\"") && text.contains("\"Ten off\""), "{bulk_above}: their former records stay");
        assert_eq!(alerts(&app), ["shopify:demo-shop.myshopify.com:unserved"], "{bulk_above}");
        let sentence = app.shared().alerts.list()[0].sentence.clone();
        for gid in [&sick.gid(), &collection, &discount] {
            assert!(sentence.contains(gid.as_str()), "{bulk_above}: named: {sentence}");
            shop.cannot_serve(gid, None);
        }
        // They are tried again by themselves.
        hours_later(&app, 2).await;
        assert_complete(&app, &shop);
        assert!(sync(&app).await, "{bulk_above}");
        assert_eq!(alerts(&app), [""; 0], "{bulk_above}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_daily_look_goes_past_what_cannot_be_shown() {
    let app = TestApp::start().await;
    let shop = app.shop();
    fill_every_list(&shop);
    let collection = shop.add_collection("Drinks", &[&shop.products()[0]]);
    connect_shop(&app).await;
    app.clock.advance(HOUR);
    let sick = shop.products()[12].clone();
    sick.rename("Nobody can see this");
    shop.products()[1].rename("Renamed");
    for gid in [&sick.gid(), &collection] {
        shop.cannot_serve(gid, Some(Unservable::Wholly));
    }
    let marked = mark(&app).await;
    poll(&app).await;
    assert_ne!(mark(&app).await, marked, "the look is over");
    assert!(titles(&app).contains(&"Renamed".to_owned()));
    assert!(app.text(CATALOGUE).unwrap().contains("\"Drinks\""));
    for gid in [&sick.gid(), &collection] {
        shop.cannot_serve(gid, None);
    }
    hours_later(&app, 2).await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn what_can_be_shown_alone_is_asked_for_alone() {
    let app = TestApp::start().await;
    let shop = app.shop();
    fill_every_list(&shop);
    let truth = shop.truth();
    let item = truth["products"][3]["variants"][1]["inventoryItem"]["id"].as_str().unwrap();
    let variant = truth["products"][5]["variants"][0]["id"].as_str().unwrap();
    for gid in [&shop.products()[9].gid(), item, variant] {
        shop.cannot_serve(gid, Some(Unservable::AmongOthers));
    }
    connect_shop(&app).await;
    assert_complete(&app, &shop);
    assert_eq!(alerts(&app), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_variant_or_its_stock_that_cannot_be_shown_keeps_its_product_as_it_was() {
    let app = TestApp::start().await;
    let shop = app.shop();
    fill_every_list(&shop);
    connect_shop(&app).await;
    app.clock.advance(HOUR);
    let truth = shop.truth();
    let item = truth["products"][3]["variants"][1]["inventoryItem"]["id"].as_str().unwrap().to_owned();
    let variant = truth["products"][5]["variants"][0]["id"].as_str().unwrap().to_owned();
    for product in shop.products() {
        product.set_price("6.66");
    }
    for gid in [&item, &variant] {
        shop.cannot_serve(gid, Some(Unservable::Wholly));
    }
    assert!(sync(&app).await);
    let products = nodes(&app.json(CATALOGUE)["data"]["products"]);
    let prices: Vec<&str> =
        products.iter().map(|one| one["variants"]["edges"][0]["node"]["price"].as_str().unwrap()).collect();
    assert_eq!(prices.iter().filter(|price| **price == "6.66").count(), 21, "{prices:?}");
    assert!(products.iter().all(|one| nodes(&one["variants"]).len() == 3), "none lost a variant");
    for gid in [&item, &variant] {
        shop.cannot_serve(gid, None);
    }
    hours_later(&app, 2).await;
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_shop_that_shows_nothing_at_all_is_in_trouble_and_not_empty() {
    let app = TestApp::start().await;
    let shop = app.shop();
    shop.fill(30, 1);
    connect_shop(&app).await;
    let (whole, marked) = (app.text(CATALOGUE).unwrap(), mark(&app).await);
    for product in shop.products() {
        shop.cannot_serve(&product.gid(), Some(Unservable::Wholly));
    }
    assert!(!sync(&app).await);
    assert_eq!(app.text(CATALOGUE).unwrap(), whole);
    assert_eq!(mark(&app).await, marked);
    for product in shop.products() {
        shop.cannot_serve(&product.gid(), None);
    }
    hours_later(&app, 2).await;
    assert_eq!(connection(&app, SHOP).await["status"], "connected");
    assert!(app.clock.slept() < Duration::from_secs(24 * 3600));
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn a_nested_list_that_is_cut_short_takes_nothing_away() {
    let app = TestApp::start().await;
    let shop = app.shop();
    fill_every_list(&shop);
    connect_shop(&app).await;
    assert_complete(&app, &shop);
    let whole = app.text(CATALOGUE).unwrap();
    for (list, ends_after) in [
        ("QueryRoot.productVariants", 0),
        ("QueryRoot.productVariants", 68),
        ("codes", 0),
        ("codes", 3),
        ("Collection.products", 0),
        ("Collection.products", 7),
    ] {
        shop.lie_in_list(list, Some(ListLie::Ends(ends_after)));
        sync(&app).await;
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{list} {ends_after}: by a whole pass");
        poll(&app).await;
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{list} {ends_after}: by the daily look");
        if !list.starts_with("QueryRoot") {
            let sentence = app.shared().alerts.list()[0].sentence.clone();
            assert!(sentence.contains("gid://shopify/"), "{list} {ends_after}: {sentence}");
        }
        shop.lie_in_list(list, None);
        hours_later(&app, 2).await;
        assert_complete(&app, &shop);
        assert!(sync(&app).await, "{list} {ends_after}");
        assert_eq!(alerts(&app), [""; 0], "{list} {ends_after}");
    }
    // What is gone in truth is gone.
    for product in shop.products() {
        product.delete_last_variant();
    }
    assert!(sync(&app).await);
    assert_complete(&app, &shop);
    app.finish().await;
}

/// An answer in which this list is empty.
fn empty(root: &str) -> Failure {
    let list = json!({ "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": [] });
    Failure::Json(200, json!({ "data": { root: list } }))
}

#[tokio::test]
async fn stock_that_vanishes_altogether_is_asked_for_once_more() {
    let app = TestApp::start().await;
    let shop = app.shop();
    fill_every_list(&shop);
    connect_shop(&app).await;
    let whole = app.text(CATALOGUE).unwrap();
    let traffic = app.shopify.traffic();
    traffic.fail_next_with_body(SHOP, &only("StockPage"), usize::MAX, empty("inventoryItems"));
    sync(&app).await;
    assert_eq!(app.text(CATALOGUE).unwrap(), whole);
    traffic.heal();
    assert!(sync(&app).await);
    assert_complete(&app, &shop);
    app.finish().await;
}

#[tokio::test]
async fn products_that_list_and_number_deny_are_asked_for_before_they_are_deleted() {
    for ends_after in [0, 20] {
        let app = TestApp::start().await;
        let shop = app.shop();
        shop.fill(30, 1);
        connect_shop(&app).await;
        let whole = app.text(CATALOGUE).unwrap();
        shop.lie_in_list("QueryRoot.products", Some(ListLie::Ends(ends_after)));
        shop.lie_in_count("productsCount", Some((ends_after as u64, "EXACT")));
        sync(&app).await;
        assert_eq!(app.text(CATALOGUE).unwrap(), whole, "{ends_after}");
        shop.products()[25].delete();
        sync(&app).await;
        assert_eq!(titles(&app).len(), 29, "{ends_after}: what is gone in truth is gone");
        shop.lie_in_list("QueryRoot.products", None);
        shop.lie_in_count("productsCount", None);
        hours_later(&app, 2).await;
        assert_complete(&app, &shop);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_null_among_objects_costs_its_neighbours_nothing() {
    for (query, root) in [
        ("ProductPage", "products"),
        ("VariantPage", "productVariants"),
        ("CollectionPage", "collections"),
        ("DiscountPage", "discountNodes"),
        ("StockPage", "inventoryItems"),
    ] {
        let app = TestApp::start().await;
        let shop = app.shop();
        fill_every_list(&shop);
        connect_shop(&app).await;
        shop.products()[4].rename("Renamed");
        let list = json!({ "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": [null] });
        let odd = Failure::Json(200, json!({ "data": { root: list } }));
        app.shopify.traffic().fail_next_with_body(SHOP, &only(query), usize::MAX, odd);
        assert!(sync(&app).await, "{query}");
        assert!(titles(&app).contains(&"Renamed".to_owned()), "{query}");
        assert_complete(&app, &shop);
        app.finish().await;
    }
}

/// Works until there is a file.
async fn first_file(app: &TestApp) {
    app.work_until(until("the catalogue", || app.text(CATALOGUE).is_some())).await;
}

#[tokio::test]
async fn the_first_file_shows_everything_though_a_list_was_empty() {
    for (query, root) in [("ProductPage", "products"), ("VariantPage", "productVariants")] {
        let app = TestApp::start().await;
        let shop = app.shop();
        fill_every_list(&shop);
        app.shopify.traffic().fail_next_with_body(SHOP, &only(query), 1, empty(root));
        log_in(&app.browser(), SHOP).await;
        first_file(&app).await;
        assert_complete(&app, &shop);
        app.finish().await;
    }
}

#[tokio::test]
async fn the_first_file_shows_everything_though_exports_were_empty() {
    let app = TestApp::start_with(|config| config.shopify.as_mut().unwrap().bulk_above = 0).await;
    let shop = app.shop();
    fill_every_list(&shop);
    let nothing = json!({ "data": { "bulkOperation": { "id": "gid://shopify/BulkOperation/1", "status": "COMPLETED",
        "errorCode": null, "objectCount": "0", "fileSize": null, "url": null, "partialDataUrl": null } } });
    let traffic = app.shopify.traffic();
    traffic.fail_next_with_body(SHOP, &only("BulkState"), usize::MAX, Failure::Json(200, nothing));
    log_in(&app.browser(), SHOP).await;
    first_file(&app).await;
    assert_complete(&app, &shop);
    app.finish().await;
}
