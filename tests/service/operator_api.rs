//! `/api/…`: what it answers, and that it is described as it is.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::test_app::schema_check::Checker;
use crate::test_app::{Answer, OPERATOR_TOKEN, PAGE, SHOP, TestApp};

pub async fn ask(app: &TestApp, method: Method, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    app.browser().send(method, path, &headers, body.as_bytes()).await
}

pub async fn get(app: &TestApp, path: &str) -> Value {
    let answer = ask(app, Method::GET, path, "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn park(app: &TestApp) {
    let journal = rusqlite::Connection::open(app.path("data/journal.db")).unwrap();
    journal.busy_timeout(Duration::from_secs(5)).unwrap();
    let sql = format!(
        "INSERT INTO rereads (channel, account, object, generation, wanted_at, due_at, attempts, parked, reason)
         VALUES ('shopify', '{SHOP}', '', 1, 0, 0, 9, 1, 'refused')"
    );
    journal.execute_batch(&sql).unwrap();
}

#[tokio::test]
async fn every_described_path_answers_as_it_is_described() {
    let app = TestApp::start().await;
    app.connect().await;
    let (page, person) = (app.page(), app.facebook.person("7000000000000001", "Maria Example"));
    page.deliver(&[page.message_from(&person, "hello")]).await.unwrap();
    app.settle().await;
    app.shared().alerts.raise("test:cause", "Something is wrong.");
    park(&app);
    assert_eq!(app.browser().send(Method::POST, "/facebook/webhook", &[], b"{}").await.status, 401);
    let newest = get(&app, "/api/events?kind=message").await["events"][0]["seq"].clone();
    let document = get(&app, "/api/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, described) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            // The newest event is the message, which a worker may look at again.
            let address = path.replace("{seq}", &newest.to_string());
            let body = match path.as_str() {
                "/api/events/replay" => json!({ "since": "1h" }),
                "/api/replay" => json!({ "work": "read", "channel": "shopify", "account": SHOP, "object": "" }),
                _ => Value::Null,
            };
            let body = if body.is_null() { String::new() } else { body.to_string() };
            assert_eq!(app.browser().send(method.clone(), &address, &[], b"").await.status, 401, "{path}");
            let answer = ask(&app, method, &address, &body).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert!(answer.header("content-type").starts_with("application/json"), "{path}");
            let schema = &described["responses"]["200"]["content"]["application/json"]["schema"];
            let checker = Checker { root: &document, is_closed: true };
            checker.check(schema, &answer.json(), path).unwrap_or_else(|problem| panic!("{problem}"));
            assert!(!answer.text().contains("hello"), "{path}");
        }
    }
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn what_became_of_a_message_is_found_by_its_id_and_never_what_it_says() {
    let app = TestApp::start().await;
    app.connect().await;
    let (page, person) = (app.page(), app.facebook.person("7000000000000001", "Maria Example"));
    let message = page.message_from(&person, "a secret wish");
    page.deliver(std::slice::from_ref(&message)).await.unwrap();
    let arrived = app.clock.now_ms();
    let mid = message["message"]["mid"].as_str().unwrap().to_owned();
    let path = form_urlencoded::Serializer::new("/api/events?".to_owned()).append_pair("mid", &mid).finish();
    let waiting = get(&app, &path).await["events"][0].clone();
    assert_eq!((&waiting["consumed"], &waiting["file"]), (&json!(false), &Value::Null));
    app.settle().await;
    let filed = get(&app, &path).await["events"][0].clone();
    assert_eq!(filed["received_at"], arrived);
    assert_eq!(filed["source"], "webhook");
    assert_eq!(filed["apart"], Value::Null);
    let file = filed["file"].as_str().unwrap();
    assert_eq!(file, format!("facebook/{PAGE}/conversations/7000000000000001.json"));
    assert!(app.text(file).unwrap().contains("a secret wish"));
    let by_number = get(&app, &format!("/api/events/{}", filed["seq"])).await;
    assert_eq!(by_number, filed);
    assert!(!by_number.to_string().contains("a secret wish"));
    assert_eq!(get(&app, "/api/events?mid=unknown").await, json!({ "events": [] }));
    for nothing in ["/api/events/999999", "/api/events/x", "/api/events/-1"] {
        assert_eq!(ask(&app, Method::GET, nothing, "").await.status, 404, "{nothing}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_became_of_a_delivery_of_shopify_is_found_by_its_webhook_id() {
    let app = TestApp::start().await;
    app.connect().await;
    let shop = app.shop();
    let product = shop.add_product("A secret product").webhook().to_string();
    let address = format!("{}/shopify/webhook", app.url);
    let send = |topic: &'static str, id: &'static str, domain: &'static str| {
        let (shop, address, product) = (shop.clone(), address.clone(), product.clone());
        async move {
            let headers = [("x-shopify-webhook-id", Some(id)), ("x-shopify-shop-domain", Some(domain))];
            assert_eq!(shop.deliver_to(&address, topic, product.as_bytes(), &headers).await.unwrap(), 200);
        }
    };
    send("products/create", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", SHOP).await;
    send("orders/unheard-of", "c54557e4-bdd9-4b37-8a5f-bf7d70bcd043", SHOP).await;
    send("products/create", "d54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "never-seen.myshopify.com").await;
    let find = |first: &'static str| {
        let path = format!("/api/events?id={first}54557e4-bdd9-4b37-8a5f-bf7d70bcd043");
        let app = &app;
        async move { get(app, &path).await["events"].clone() }
    };
    let waiting = find("b").await;
    assert_eq!((&waiting[0]["kind"], &waiting[0]["consumed"]), (&json!("products/create"), &json!(false)));
    app.settle().await;
    let consumed = find("b").await;
    assert_eq!(consumed.as_array().unwrap().len(), 1);
    assert_eq!((&consumed[0]["consumed"], &consumed[0]["account"]), (&json!(true), &json!(SHOP)));
    assert_eq!(consumed[0]["reread"], product_id(&product));
    assert_eq!(find("c").await[0]["apart"], "a topic that is not handled");
    let unknown = find("d").await;
    assert_eq!(unknown[0]["account"], "never-seen.myshopify.com");
    assert!(unknown[0]["apart"].is_string(), "{unknown}");
    assert_eq!(find("e").await, json!([]));
    assert_eq!(ask(&app, Method::GET, "/api/events?id=a&id=b", "").await.status, 400);
    app.finish().await;
}

/// The id that is read again because of a product's delivery.
fn product_id(body: &str) -> Value {
    let body: Value = serde_json::from_str(body).unwrap();
    body["admin_graphql_api_id"].clone()
}

#[tokio::test]
async fn parked_work_is_listed_and_replayed_and_nonsense_is_refused() {
    let app = TestApp::start().await;
    app.connect().await;
    park(&app);
    let failure = get(&app, "/api/failures").await["failures"][0].clone();
    assert_eq!((&failure["reason"], &failure["parked"]), (&json!("refused"), &json!(true)));
    let wanted = json!({ "work": "read", "channel": "shopify", "account": SHOP, "object": "" });
    for bad in ["", "{}", "[]", r#"{"work":"everything"}"#] {
        assert_eq!(ask(&app, Method::POST, "/api/replay", bad).await.status, 400, "{bad}");
    }
    let unknown = json!({ "work": "conversation", "channel": "shopify", "account": SHOP, "object": "1" });
    assert_eq!(ask(&app, Method::POST, "/api/replay", &unknown.to_string()).await.status, 404);
    assert_eq!(ask(&app, Method::POST, "/api/replay", &wanted.to_string()).await.json(), json!({ "replayed": true }));
    app.settle().await;
    assert_eq!(get(&app, "/api/failures").await, json!({ "failures": [] }));
    for bad in ["0", "-1", "961", "x"] {
        assert_eq!(ask(&app, Method::GET, &format!("/api/arrivals?hours={bad}"), "").await.status, 400, "{bad}");
    }
    app.finish().await;
}
