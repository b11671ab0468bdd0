//! What the tests of the Shopify channel share: looking at requests, connections and the catalogue's file.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shoptalk::commands::{Command, Line};
use shoptalk::shopify::sandbox::Shop;

use crate::test_app::{Answer, Browser, SHOP, TestApp};

pub const CATALOGUE: &str = "demo-shop.myshopify.com/shop_products.json";
pub const METADATA: &str = "demo-shop.myshopify.com/shop_metadata.json";
pub const HOUR: Duration = Duration::from_secs(3600);
/// A shop that a test may open beside [`SHOP`].
pub const SECOND: &str = "second-shop.myshopify.com";

/// Logs in to a shop with this browser. Gives what the callback answers.
pub async fn log_in(browser: &Browser, shop: &str) -> Answer {
    let answer = browser.follow(&format!("/shopify/{shop}/login")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Connects [`SHOP`] alone, in a fresh browser, and reads it.
pub async fn connect_shop(app: &TestApp) -> Browser {
    let browser = app.browser();
    log_in(&browser, SHOP).await;
    app.settle().await;
    browser
}

/// Runs what is due an hour later: the look at every shop's login and subscriptions among it.
pub async fn an_hour_later(app: &TestApp) {
    app.clock.advance(HOUR);
    app.run_due_jobs().await;
}

/// Reads [`SHOP`] on command. How far it came on the way is left out: that depends on the machine.
pub async fn sync_shop(app: &TestApp) -> Vec<Line> {
    let lines = app.command(Command::Sync { channel: Some("shopify".into()), account: Some(SHOP.into()) }).await;
    lines.into_iter().filter(|line| !matches!(line, Line::Progress(_))).collect()
}

/// What the operator is told of a connection; null if there is none.
pub async fn connection(app: &TestApp, account: &str) -> Value {
    let status = app.status().await;
    let found = status["connections"].as_array().unwrap().iter().find(|one| one["account"] == account).cloned();
    found.unwrap_or(Value::Null)
}

/// The names of the queries that were asked of a shop since `from` requests had been received, in order.
pub fn asked(app: &TestApp, shop: &str, from: usize) -> Vec<String> {
    let received = app.shopify.traffic().received();
    received
        .iter()
        .skip(from)
        .filter(|request| request.path.starts_with(&format!("/{shop}/")) && request.path.ends_with("graphql.json"))
        .map(|request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body["operationName"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// How many requests the simulated Shopify has received.
pub fn requests(app: &TestApp) -> usize {
    app.shopify.traffic().received().len()
}

/// The bodies of the requests for a new pair of tokens.
pub fn refreshes(app: &TestApp) -> Vec<Value> {
    let received = app.shopify.traffic().received();
    received
        .iter()
        .filter(|request| request.path.ends_with("/admin/oauth/access_token"))
        .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap())
        .filter(|body| body["grant_type"] == "refresh_token")
        .collect()
}

/// The body in which this query is recognised, for failures that shall meet it alone.
pub fn only(query: &str) -> String {
    format!("\"operationName\":\"{query}\"")
}

/// Moves the clock to this instant.
pub fn advance_to(app: &TestApp, instant: &str) {
    let instant: DateTime<Utc> = instant.parse().unwrap();
    app.clock.advance((instant - app.clock.now()).to_std().expect("an instant that is still to come"));
}

/// The nodes of a connection in a file.
pub fn nodes(connection: &Value) -> Vec<Value> {
    let edges = connection["edges"].as_array().unwrap_or_else(|| panic!("no connection: {connection}"));
    edges.iter().map(|edge| edge["node"].clone()).collect()
}

/// The products in the file, by title.
pub fn titles(app: &TestApp) -> Vec<String> {
    let file = app.json(CATALOGUE);
    nodes(&file["data"]["products"]).iter().map(|node| node["title"].as_str().unwrap().to_owned()).collect()
}

/// The price of a product's first variant in the file.
pub fn price(app: &TestApp, title: &str) -> String {
    let products = nodes(&app.json(CATALOGUE)["data"]["products"]);
    let product = products.iter().find(|product| product["title"] == title).unwrap();
    product["variants"]["edges"][0]["node"]["price"].as_str().unwrap().to_owned()
}

/// The file says at every level what the platform knows.
pub fn assert_complete(app: &TestApp, shop: &Shop) {
    assert_complete_file(&app.json(&format!("{}/shop_products.json", shop.domain())), shop);
}

/// The same of a file that was read.
pub fn assert_complete_file(file: &Value, shop: &Shop) {
    let truth = shop.truth();
    for (level, found, expected) in [
        ("products", products_of_file(file), products_of_truth(&truth)),
        ("collections", collections_of_file(file), collections_of_truth(&truth)),
        ("discounts", discounts_of_file(file), discounts_of_truth(&truth)),
    ] {
        assert_eq!(found.len(), expected.len(), "the number of {level}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{level}");
        }
    }
    let data = file["data"].as_object().unwrap();
    for (name, connection) in data {
        assert_eq!(connection["pageInfo"], json!({ "hasNextPage": false, "endCursor": null }), "{name}");
    }
}

fn pick(node: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), node[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

fn with(mut value: Value, name: &str, more: Vec<Value>) -> Value {
    value[name] = more.into();
    value
}

const PRODUCT: [&str; 13] = [
    "id",
    "legacyResourceId",
    "title",
    "handle",
    "status",
    "description",
    "descriptionHtml",
    "productType",
    "vendor",
    "tags",
    "totalInventory",
    "createdAt",
    "updatedAt",
];
const METAFIELD: [&str; 5] = ["id", "namespace", "key", "type", "value"];
const VARIANT: [&str; 10] = [
    "id",
    "title",
    "sku",
    "position",
    "price",
    "compareAtPrice",
    "availableForSale",
    "inventoryQuantity",
    "selectedOptions",
    "updatedAt",
];

fn level(node: &Value) -> Value {
    let quantities = node["quantities"].as_array().unwrap();
    let available = quantities.iter().find(|quantity| quantity["name"] == "available").unwrap();
    json!({ "id": node["id"], "location": pick(&node["location"], &["id", "name"]), "available": available["quantity"] })
}

fn products_of_file(file: &Value) -> Vec<Value> {
    let variant = |node: &Value| {
        let item = &node["inventoryItem"];
        let levels = nodes(&item["inventoryLevels"]).iter().map(level).collect();
        let mut variant = pick(node, &VARIANT);
        variant["item"] = item["id"].clone();
        with(variant, "levels", levels)
    };
    let product = |node: &Value| {
        let metafields = nodes(&node["metafields"]).iter().map(|node| pick(node, &METAFIELD)).collect();
        let variants = nodes(&node["variants"]).iter().map(variant).collect();
        with(with(pick(node, &PRODUCT), "metafields", metafields), "variants", variants)
    };
    nodes(&file["data"]["products"]).iter().map(product).collect()
}

fn products_of_truth(truth: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let variant = |node: &Value| {
        let item = &node["inventoryItem"];
        let levels = list(&item["inventoryLevels"]).iter().map(level).collect();
        let mut variant = pick(node, &VARIANT);
        variant["item"] = item["id"].clone();
        with(variant, "levels", levels)
    };
    let product = |node: &Value| {
        let metafields = list(&node["metafields"]).iter().map(|node| pick(node, &METAFIELD)).collect();
        let variants = list(&node["variants"]).iter().map(variant).collect();
        with(with(pick(node, &PRODUCT), "metafields", metafields), "variants", variants)
    };
    list(&truth["products"]).iter().map(product).collect()
}

fn collections_of_file(file: &Value) -> Vec<Value> {
    let collection = |node: &Value| {
        let products = nodes(&node["products"]).iter().map(|product| product["id"].clone()).collect();
        with(pick(node, &["id", "title", "handle", "updatedAt"]), "products", products)
    };
    nodes(&file["data"]["collections"]).iter().map(collection).collect()
}

fn collections_of_truth(truth: &Value) -> Vec<Value> {
    let collection = |node: &Value| {
        let products = node["products"].as_array().unwrap().clone();
        with(pick(node, &["id", "title", "handle", "updatedAt"]), "products", products)
    };
    truth["collections"].as_array().unwrap().iter().map(collection).collect()
}

const DISCOUNT: [&str; 5] = ["__typename", "title", "status", "startsAt", "updatedAt"];

fn by_id(mut discounts: Vec<Value>) -> Vec<Value> {
    discounts.sort_by_key(|discount| discount["id"].as_str().unwrap().to_owned());
    discounts
}

fn discounts_of_file(file: &Value) -> Vec<Value> {
    let discount = |node: &Value, name: &str, codes: Vec<Value>| {
        let mut discount = pick(&node[name], &DISCOUNT);
        discount["id"] = node["id"].clone();
        with(discount, "codes", codes)
    };
    let code = |node: &Value| {
        let codes = nodes(&node["codeDiscount"]["codes"]).iter().map(|code| pick(code, &["id", "code"])).collect();
        discount(node, "codeDiscount", codes)
    };
    let codes = nodes(&file["data"]["codeDiscountNodes"]);
    let automatic = nodes(&file["data"]["automaticDiscountNodes"]);
    let automatic = automatic.iter().map(|node| discount(node, "automaticDiscount", Vec::new()));
    by_id(codes.iter().map(code).chain(automatic).collect())
}

fn discounts_of_truth(truth: &Value) -> Vec<Value> {
    let discount = |node: &Value| {
        let codes = node["discount"]["codes"].as_array().unwrap().iter().map(|code| pick(code, &["id", "code"]));
        let mut discount = pick(&node["discount"], &DISCOUNT);
        discount["id"] = node["id"].clone();
        with(discount, "codes", codes.collect())
    };
    by_id(truth["discounts"].as_array().unwrap().iter().map(discount).collect())
}
