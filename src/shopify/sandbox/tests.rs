//! Tests of the simulator over real HTTP: what a client of the true platform would see.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::DateTime;
use serde_json::{Value, json};

use super::*;

const DOMAIN: &str = "demo.myshopify.com";
const SECRET: &str = "hush";
const SCOPES: &str = "read_products,read_inventory,read_locations,read_discounts";

struct Fixture {
    sandbox: Sandbox,
    shop: Shop,
    http: reqwest::Client,
    clock: Arc<AtomicI64>,
    base: String,
}

impl Fixture {
    async fn start() -> Self {
        let clock = Arc::new(AtomicI64::new(1_795_262_400));
        let read = Arc::clone(&clock);
        let now: Now = Arc::new(move || DateTime::from_timestamp(read.load(Ordering::SeqCst), 0).unwrap());
        let options = Options { client_id: "app".to_owned(), client_secret: SECRET.to_owned(), now };
        let sandbox = Sandbox::start(options).await.unwrap();
        let shop = sandbox.add_shop(DOMAIN, "Demo");
        let base = sandbox.admin_url().replace("{shop}", DOMAIN);
        Self { sandbox, shop, http: deliver::client().unwrap(), clock, base }
    }

    fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Goes through the grant screen and returns where the browser is sent.
    async fn consent(&self, scopes: &str) -> url::Url {
        let pairs = [
            ("client_id", "app"),
            ("scope", scopes),
            ("redirect_uri", "http://127.0.0.1:9/shopify/callback"),
            ("state", "00ff"),
        ];
        let url = url::Url::parse_with_params(&format!("{}/admin/oauth/authorize", self.base), pairs).unwrap();
        let answer = self.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 302);
        answer.headers()["location"].to_str().unwrap().parse().unwrap()
    }

    async fn token_request(&self, mut body: Value) -> (u16, Value) {
        body["client_id"] = json!("app");
        if body["client_secret"].is_null() {
            body["client_secret"] = json!(SECRET);
        }
        let answer =
            self.http.post(format!("{}/admin/oauth/access_token", self.base)).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn install(&self, scopes: &str) -> Value {
        self.sandbox.auto_consent(true);
        let code = pair(&self.consent(scopes).await, "code");
        let (status, tokens) = self.token_request(json!({"code": code, "expiring": "1"})).await;
        assert_eq!(status, 200);
        tokens
    }

    async fn send(&self, token: &str, query: &str, variables: Value) -> (u16, Value) {
        let answer = self
            .http
            .post(format!("{}/admin/api/2026-10/graphql.json", self.base))
            .header("X-Shopify-Access-Token", token)
            .json(&json!({"query": query, "variables": variables}))
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

fn pair(url: &url::Url, wanted: &str) -> String {
    url.query_pairs().find(|(key, _)| key == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn access(tokens: &Value) -> &str {
    tokens["access_token"].as_str().unwrap()
}

const PRODUCT_PAGE: &str = r#"query ProductPage($first: Int! = 50, $after: String, $filter: String) {
  products(first: $first, after: $after, sortKey: ID, query: $filter) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id legacyResourceId title handle status descriptionHtml productType vendor tags onlineStoreUrl totalInventory
      createdAt updatedAt
      metafields(first: 10, namespace: "custom") {
        pageInfo { hasNextPage endCursor }
        nodes { namespace key type value }
      }
    }
  }
}"#;

const VARIANT_PAGE: &str = "query VariantPage($first: Int! = 100, $after: String, $filter: String) {
  productVariants(first: $first, after: $after, sortKey: ID, query: $filter) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id legacyResourceId product { id } title sku position price compareAtPrice availableForSale inventoryQuantity
      inventoryPolicy selectedOptions { name value } inventoryItem { id tracked } updatedAt
    }
  }
}";

const STOCK_PAGE: &str = r#"query StockPage($first: Int! = 25, $after: String) {
  inventoryItems(first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id sku tracked
      inventoryLevels(first: 12) {
        pageInfo { hasNextPage endCursor }
        nodes {
          location { id name }
          quantities(names: ["available", "on_hand", "committed", "incoming"]) { name quantity updatedAt }
        }
      }
    }
  }
}"#;

const DISCOUNT_PAGE: &str = "query DiscountPage($first: Int! = 20, $after: String, $filter: String) {
  discountNodes(first: $first, after: $after, sortKey: ID, query: $filter) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id
      discount {
        __typename
        ... on DiscountCodeBasic {
          title status startsAt endsAt updatedAt summary usageLimit appliesOncePerCustomer
          context { __typename }
          codesCount { count precision }
          codes(first: 20) { pageInfo { hasNextPage endCursor } nodes { id code } }
          customerGets { value { ...DiscountValue } }
        }
        ... on DiscountCodeBxgy {
          title status
          context { __typename }
          codesCount { count precision }
          codes(first: 20) { pageInfo { hasNextPage endCursor } nodes { id code } }
          customerGets { value { ...DiscountValue } }
        }
        ... on DiscountCodeFreeShipping {
          title
          codes(first: 20) { pageInfo { hasNextPage endCursor } nodes { id code } }
        }
        ... on DiscountAutomaticBasic { title status summary customerGets { value { ...DiscountValue } } }
        ... on DiscountAutomaticApp { title status startsAt endsAt updatedAt }
      }
    }
  }
}
fragment DiscountValue on DiscountCustomerGetsValue {
  __typename
  ... on DiscountAmount { amount { amount currencyCode } appliesOnEachItem }
  ... on DiscountPercentage { percentage }
  ... on DiscountOnQuantity { quantity { quantity } effect { __typename } }
}";

#[tokio::test]
async fn the_costs_are_those_of_the_documented_examples() {
    let fixture = Fixture::start().await;
    let token = fixture.install(SCOPES).await;
    fixture.shop.set_throttle(10_000.0, 100.0);
    let item = fixture.shop.add_product("Tea");
    item.set_metafield("origin", "Assam");
    fixture.shop.add_code_discount("Ten", &["TEN"], 0.1);
    fixture.shop.add_discount("DiscountCodeBxgy", "Two for one", &["TWO"], 1.0);
    for (query, cost) in [(PRODUCT_PAGE, 652), (VARIANT_PAGE, 402), (STOCK_PAGE, 977), (DISCOUNT_PAGE, 602)] {
        let (_, answer) = fixture.send(access(&token), query, json!({})).await;
        assert_eq!(answer["errors"], Value::Null);
        assert_eq!(answer["extensions"]["cost"]["requestedQueryCost"], cost);
        assert!(answer["extensions"]["cost"]["actualQueryCost"].as_u64().unwrap() < cost);
    }
    assert_eq!(fixture.sandbox.dearest_query(), 977);
    assert!(fixture.sandbox.unknown_queries().is_empty());
    let (status, answer) = fixture.send(access(&token), PRODUCT_PAGE, json!({"first": 100})).await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (200, &json!("MAX_COST_EXCEEDED")));
    assert_eq!(answer["errors"][0]["extensions"]["cost"], 1302);
}

#[tokio::test]
async fn an_empty_bucket_throttles_until_the_points_are_back() {
    let fixture = Fixture::start().await;
    let token = fixture.install(SCOPES).await;
    fixture.shop.fill(50, 1);
    fixture.shop.set_throttle(700.0, 100.0);
    assert_eq!(fixture.send(access(&token), PRODUCT_PAGE, json!({})).await.1["errors"], Value::Null);
    let (status, answer) = fixture.send(access(&token), PRODUCT_PAGE, json!({})).await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (200, &json!("THROTTLED")));
    assert!(answer.get("data").is_none());
    assert_eq!(answer["extensions"]["cost"]["actualQueryCost"], Value::Null);
    fixture.advance(7);
    assert_eq!(fixture.send(access(&token), PRODUCT_PAGE, json!({})).await.1["errors"], Value::Null);
}

#[tokio::test]
async fn a_callback_is_signed_as_documented_and_its_code_works_once() {
    let fixture = Fixture::start().await;
    fixture.sandbox.auto_consent(true);
    let target = fixture.consent(SCOPES).await;
    // Written out by hand, without the simulator's own function: keys sorted, values need no encoding.
    let message = format!(
        "code={}&host={}&shop={DOMAIN}&state=00ff&timestamp={}",
        pair(&target, "code"),
        pair(&target, "host"),
        pair(&target, "timestamp")
    );
    let mac: String = deliver::mac(SECRET, message.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(pair(&target, "hmac"), mac);
    assert_eq!(pair(&target, "timestamp"), "1795262400");
    let body = json!({"code": pair(&target, "code"), "expiring": "1"});
    let (status, tokens) = fixture.token_request(body.clone()).await;
    assert_eq!((status, &tokens["expires_in"], &tokens["scope"]), (200, &json!(3600), &json!(SCOPES)));
    assert!(fixture.shop.installed());
    let (status, answer) = fixture.token_request(body).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")));
    assert!(answer["error_description"].as_str().unwrap().ends_with("was not found or was already used"));
    fixture.sandbox.refuse_consent(true);
    assert_eq!(pair(&fixture.consent(SCOPES).await, "error"), "access_denied");
    assert!(fixture.sandbox.secrets_seen_in_urls().is_empty());
    let leak = format!("{}/admin/oauth/authorize?token={}", fixture.base, access(&tokens));
    fixture.http.get(leak).send().await.unwrap();
    assert_eq!(fixture.sandbox.secrets_seen_in_urls().len(), 1);
}

#[tokio::test]
async fn the_grant_screen_shows_a_page_whose_forms_lead_back() {
    let fixture = Fixture::start().await;
    let form = [
        ("client_id", "app"),
        ("scope", "read_products"),
        ("redirect_uri", "http://127.0.0.1:9/callback"),
        ("state", "00ff"),
    ];
    let url = format!("{}/admin/oauth/authorize", fixture.base);
    let page = fixture.http.get(url::Url::parse_with_params(&url, form).unwrap()).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("on Demo?") && page.contains("read_products"));
    for (answer, key) in [("install", "code"), ("cancel", "error")] {
        let mut form = form.to_vec();
        form.push(("answer", answer));
        let answer = fixture.http.post(&url).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let target: url::Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
        assert!(!pair(&target, key).is_empty());
    }
    fixture.sandbox.allow_redirect_uri("https://other.example/callback");
    assert_eq!(fixture.http.post(&url).form(&form).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn tokens_expire_and_are_refreshed_and_die_with_the_app() {
    let fixture = Fixture::start().await;
    let first = fixture.install(SCOPES).await;
    let shop = "{ shop { name currencyCode } }";
    let (_, answer) = fixture.send(access(&first), shop, json!({})).await;
    assert_eq!(answer["data"]["shop"], json!({"name": "Demo", "currencyCode": "EUR"}));
    fixture.advance(3600);
    let (status, answer) = fixture.send(access(&first), shop, json!({})).await;
    assert_eq!((status, answer["errors"].is_string()), (401, true));
    let refresh = |tokens: &Value| json!({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]});
    let (status, second) = fixture.token_request(refresh(&first)).await;
    assert_eq!(status, 200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(fixture.send(access(&second), shop, json!({})).await.0, 200);
    assert_eq!(fixture.token_request(refresh(&first)).await.0, 200, "a lost answer can be asked for again");
    assert_eq!(fixture.token_request(refresh(&second)).await.0, 200);
    let (status, answer) = fixture.token_request(refresh(&first)).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    let mut wrong = refresh(&second);
    wrong["client_secret"] = json!("other");
    let (status, answer) = fixture.token_request(wrong).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
    fixture.shop.uninstall();
    assert_eq!(fixture.send(access(&second), shop, json!({})).await.0, 401);
    assert_eq!(fixture.token_request(refresh(&second)).await.1["error"], "app_not_installed");
}

#[tokio::test]
async fn a_token_that_never_expires_is_refused_and_can_be_exchanged() {
    let fixture = Fixture::start().await;
    fixture.sandbox.auto_consent(true);
    let code = pair(&fixture.consent(SCOPES).await, "code");
    let (_, old) = fixture.token_request(json!({"code": code})).await;
    assert!(old.get("refresh_token").is_none());
    let (status, answer) = fixture.send(access(&old), "{ shop { name } }", json!({})).await;
    assert_eq!((status, answer["errors"].as_str().unwrap().contains("Non-expiring")), (403, true));
    let kind = "urn:shopify:params:oauth:token-type:offline-access-token";
    let body = json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "expiring": "1",
        "subject_token": access(&old), "subject_token_type": kind, "requested_token_type": kind});
    let (status, new) = fixture.token_request(body.clone()).await;
    assert_eq!(status, 200);
    assert_eq!(fixture.send(access(&new), "{ shop { name } }", json!({})).await.0, 200);
    assert_eq!(fixture.token_request(body).await.0, 400);
}

#[tokio::test]
async fn pages_lead_through_everything_once_even_when_the_server_shortens_them() {
    let fixture = Fixture::start().await;
    let token = fixture.install(SCOPES).await;
    fixture.shop.set_throttle(1e9, 100.0);
    fixture.shop.fill(23, 3);
    fixture.sandbox.set_page_limit(4);
    let mut ids = Vec::new();
    let mut after = Value::Null;
    loop {
        let (_, answer) = fixture.send(access(&token), PRODUCT_PAGE, json!({"after": after})).await;
        let list = &answer["data"]["products"];
        ids.extend(list["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()));
        after = list["pageInfo"]["endCursor"].clone();
        if list["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let truth: Vec<_> = fixture.shop.products().iter().map(|product| json!(product.gid())).collect();
    assert_eq!(ids, truth);
    let edges = "query Q($id: ID!) { product(id: $id) { kinds: variants(first: 2) { edges { cursor node { ...V } } pageInfo { hasNextPage } } } } fragment V on ProductVariant { title }";
    let (_, answer) = fixture.send(access(&token), edges, json!({"id": truth[0]})).await;
    let kinds = &answer["data"]["product"]["kinds"];
    assert_eq!(kinds["edges"][1]["node"], json!({"title": "Size 2"}));
    assert_eq!(kinds["pageInfo"]["hasNextPage"], true);
    fixture.advance(60);
    fixture.shop.products()[7].rename("Changed");
    let (_, answer) =
        fixture.send(access(&token), PRODUCT_PAGE, json!({"filter": "updated_at:>'2026-11-21T12:00:00Z'"})).await;
    let found = answer["data"]["products"]["nodes"].as_array().unwrap().clone();
    assert_eq!((found.len(), &found[0]["title"]), (1, &json!("Changed")));
    assert_eq!(fixture.shop.truth()["products"][7]["variants"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_the_schema_or_the_scopes_do_not_allow_is_refused_in_the_documented_shape() {
    let fixture = Fixture::start().await;
    let token = fixture.install("read_products,read_inventory").await;
    fixture.shop.add_product("Tea");
    let (_, answer) = fixture.send(access(&token), "{ discountNodes(first: 1) { nodes { id } } }", json!({})).await;
    assert_eq!(answer["data"], Value::Null);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "ACCESS_DENIED");
    assert_eq!(answer["errors"][0]["path"], json!(["discountNodes"]));
    let (_, answer) = fixture.send(access(&token), STOCK_PAGE, json!({})).await;
    assert_eq!(answer["data"], Value::Null, "a location's name may not be null, so all its parents are");
    let bare = "{ inventoryItems(first: 1) { nodes { inventoryLevels(first: 1) { nodes { location { id } } } } } }";
    assert_eq!(fixture.send(access(&token), bare, json!({})).await.1["errors"], Value::Null);
    assert!(fixture.sandbox.unknown_queries().is_empty());
    let (status, answer) = fixture.send(access(&token), "query Q { shop { name colour } }", json!({})).await;
    assert_eq!((status, answer.get("data")), (200, None));
    assert_eq!(
        answer["errors"][0]["extensions"],
        json!({"code": "undefinedField", "typeName": "Shop", "fieldName": "colour"})
    );
    assert_eq!(fixture.sandbox.unknown_queries(), ["Field 'colour' doesn't exist on type 'Shop'"]);
    let (_, answer) =
        fixture.send(access(&token), "query Q($n: Int) { products(first: $n) { nodes { id } } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST");
}

#[tokio::test]
async fn subscriptions_are_made_once_and_deliveries_go_there() {
    let fixture = Fixture::start().await;
    let token = fixture.install("read_products").await;
    let create = "mutation Subscribe($topic: WebhookSubscriptionTopic!, $uri: String!) {
      webhookSubscriptionCreate(topic: $topic, webhookSubscription: { uri: $uri, format: JSON }) {
        webhookSubscription { id topic uri apiVersion { handle } } userErrors { field message } } }";
    // The receiver is the simulator itself, which knows no such path: a delivery that fails, but arrives.
    let uri = fixture.base.replace(DOMAIN, "hooks");
    let variables = json!({"topic": "PRODUCTS_UPDATE", "uri": uri});
    let (_, answer) = fixture.send(access(&token), create, variables.clone()).await;
    let payload = &answer["data"]["webhookSubscriptionCreate"];
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["webhookSubscription"]["apiVersion"]["handle"], "2026-10");
    let (_, answer) = fixture.send(access(&token), create, variables).await;
    let message = &answer["data"]["webhookSubscriptionCreate"]["userErrors"][0]["message"];
    assert_eq!(message, "Address for this topic has already been taken");
    for (topic, uri) in [("DISCOUNTS_UPDATE", uri.as_str()), ("SHOP_UPDATE", "http://shop.example/hook")] {
        let (_, answer) = fixture.send(access(&token), create, json!({"topic": topic, "uri": uri})).await;
        assert_eq!(answer["data"]["webhookSubscriptionCreate"]["userErrors"].as_array().unwrap().len(), 1);
    }
    let product = fixture.shop.add_product("Tea");
    assert!(fixture.shop.deliver("products/delete", &json!({"id": product.id()})).await.is_empty());
    assert_eq!(fixture.shop.deliver("products/update", &product.webhook()).await, [404]);
    let request = fixture.sandbox.traffic().received().pop().unwrap();
    assert_eq!(request.headers["x-shopify-topic"], "products/update");
    assert_eq!(request.headers["x-shopify-hmac-sha256"].to_str().unwrap(), fixture.sandbox.sign(&request.body));
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["id"], 9_007_199_254_740_993_u64);
    for _ in 0..7 {
        fixture.shop.deliver("products/update", &product.webhook()).await;
    }
    assert!(fixture.shop.subscriptions().is_empty(), "eight failures in a row");
}

/// Reads every field of every type that the simulator hosts: none may be missing where the schema says it never is.
#[tokio::test]
async fn every_field_of_the_schema_can_be_read() {
    let fixture = Fixture::start().await;
    let token = fixture.install(SCOPES).await;
    fixture.shop.set_throttle(1e9, 100.0);
    let product = fixture.shop.add_product("Tea");
    product.set_metafield("origin", "Assam");
    fixture.shop.add_collection("Drinks", &[&product]);
    for kind in fixture.sandbox.core.schema.concrete_types("Discount") {
        let codes: &[&str] = if kind.starts_with("DiscountCode") { &["CODE"] } else { &[] };
        fixture.shop.add_discount(&kind, &kind, codes, 0.2);
    }
    fixture.shop.add_discount("DiscountCodeBasic", "Five euros", &["FIVE"], 5.0);
    let subscribe = r#"mutation { webhookSubscriptionCreate(topic: SHOP_UPDATE, webhookSubscription: {uri: "https://a.example"}) { userErrors { message } } }"#;
    fixture.send(access(&token), subscribe, json!({})).await;
    let bulk =
        r#"mutation { bulkOperationRunQuery(query: "{ products { nodes { id } } }") { userErrors { message } } }"#;
    fixture.send(access(&token), bulk, json!({})).await;
    let schema = &fixture.sandbox.core.schema;
    let roots = [
        "shop",
        "currentAppInstallation",
        "publicApiVersions",
        "productsCount",
        "products",
        "productVariants",
        "collections",
        "inventoryItems",
        "locations",
        "discountNodes",
        "webhookSubscriptions",
        "currentBulkOperation",
        "bulkOperations",
    ];
    for root in roots {
        let query = format!("{{ {} }}", schema.everything("QueryRoot", root, 5).unwrap());
        // One discount of each type; of the rest one object stands for all.
        let query = if root == "discountNodes" { query.replacen("first: 1", "first: 20", 1) } else { query };
        let (status, answer) = fixture.send(access(&token), &query, json!({})).await;
        assert_eq!((status, &answer["errors"]), (200, &Value::Null), "{query}");
    }
}

#[tokio::test]
async fn a_bulk_operation_ends_as_lines_with_children_after_their_parent() {
    let fixture = Fixture::start().await;
    let token = fixture.install(SCOPES).await;
    fixture.shop.fill(3, 2);
    let run = "mutation StartBulk($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: true) { bulkOperation { id status } userErrors { field message code } } }";
    let inner = "{ products { edges { node { id title variants { edges { node { id price } } } } } } }";
    let (_, answer) = fixture.send(access(&token), run, json!({"query": inner})).await;
    let bulk = answer["data"]["bulkOperationRunQuery"]["bulkOperation"].clone();
    assert_eq!(bulk["status"], "CREATED");
    let poll = "query BulkState($id: ID!) { bulkOperation(id: $id) { id status errorCode objectCount rootObjectCount fileSize url completedAt } }";
    let (_, answer) = fixture.send(access(&token), poll, json!({"id": bulk["id"]})).await;
    assert_eq!(answer["data"]["bulkOperation"]["status"], "RUNNING");
    let (_, answer) = fixture.send(access(&token), poll, json!({"id": bulk["id"]})).await;
    let done = &answer["data"]["bulkOperation"];
    assert_eq!(
        (&done["status"], &done["objectCount"], &done["rootObjectCount"]),
        (&json!("COMPLETED"), &json!("9"), &json!("3"))
    );
    let file = fixture.http.get(done["url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    assert_eq!(done["fileSize"], file.len().to_string());
    let lines: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 9);
    assert_eq!(lines[0]["title"], "Product 00001");
    assert_eq!(lines[1]["__parentId"], lines[0]["id"]);
    assert_eq!(lines[3].get("__parentId"), None);
    fixture.shop.fail_next_bulk("TIMEOUT");
    fixture.send(access(&token), run, json!({"query": "{ products { nodes { id } } }"})).await;
    for _ in 0..2 {
        fixture.send(access(&token), "{ currentBulkOperation { status } }", json!({})).await;
    }
    assert_eq!(fixture.shop.bulk_operations()[1]["errorCode"], "TIMEOUT");
    let (_, answer) = fixture.send(access(&token), run, json!({"query": "{ shop { name } }"})).await;
    assert_eq!(answer["data"]["bulkOperationRunQuery"]["userErrors"][0]["code"], "INVALID");
}
