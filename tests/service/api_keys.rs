//! Who may call `/api/v1`, and what everybody else hears (rules A1 to A5).

use std::time::Duration;

use http::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shoptalk::shared::store::api_keys::{ApiKey, MOST_LIVING, NewApiKey, NotMade, Scope};
use uuid::Uuid;

use crate::logs::Log;
use crate::test_app::{Answer, Browser, OPERATOR_TOKEN, PAGE, SHOP, TestApp};

const OTHER_SHOP: &str = "other-shop.myshopify.com";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A program with a key.
pub struct Bot {
    browser: Browser,
    /// The key as it is kept.
    pub key: ApiKey,
    /// The key itself.
    pub text: String,
}

impl Bot {
    /// With a new key of this merchant, for all accounts.
    pub async fn of(app: &TestApp, merchant: Uuid, scopes: &[Scope]) -> Self {
        Self::with(app, wish(merchant, scopes)).await
    }

    /// With a new key of the merchant who owns [`SHOP`].
    pub async fn start(app: &TestApp, scopes: &[Scope]) -> Self {
        Self::of(app, owner(app, SHOP).await, scopes).await
    }

    /// With the key of this wish.
    pub async fn with(app: &TestApp, wish: NewApiKey) -> Self {
        let (key, text) = app.api_keys().insert(wish, app.clock.now_ms()).await.unwrap();
        Self { browser: app.browser(), key, text: text.expose_secret().to_owned() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], b"").await
    }

    /// One GET whose answer's body is still to be taken.
    pub async fn open(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let bearer = format!("Bearer {}", self.text);
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        self.browser.open_with(path, &headers).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.text);
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        self.browser.send(method, path, &headers, body).await
    }
}

/// The merchant who owns a shop.
pub async fn owner(app: &TestApp, shop: &str) -> Uuid {
    app.shared().connections.find("shopify", shop).await.unwrap().unwrap().merchant
}

pub fn wish(merchant: Uuid, scopes: &[Scope]) -> NewApiKey {
    NewApiKey { merchant, name: "a bot".to_owned(), scopes: scopes.to_vec(), accounts: Vec::new(), days: None }
}

/// The answer is this problem.
#[track_caller]
pub fn is_problem(answer: &Answer, status: u16, name: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["type"], format!("urn:shoptalk:{name}"));
    assert_eq!(problem["status"], status);
    problem
}

async fn me_with(app: &TestApp, headers: &[(&str, &str)]) -> Answer {
    app.browser().send(Method::GET, "/api/v1/me", headers, b"").await
}

#[tokio::test]
async fn a_key_tells_whose_it_is_and_what_the_accounts_are() {
    let app = TestApp::start().await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Reply, Scope::Read, Scope::Read]).await;
    let answer = bot.get("/api/v1/me").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.json(),
        json!({
            "merchant": owner(&app, SHOP).await, "key": { "id": bot.key.id, "name": "a bot", "scopes": ["read", "reply"] },
            "accounts": [{
                "channel": "facebook", "id": PAGE, "name": "Demo Shop", "status": "connected",
                "can": answer.json()["accounts"][0]["can"], "limits": answer.json()["accounts"][0]["limits"],
            }],
            "shops": [{ "id": SHOP, "name": "Demo Shop", "status": "connected" }],
        })
    );
    for name in ["access-control-allow-origin", "set-cookie"] {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
    assert_eq!(answer.header("cache-control"), "no-store");
    app.finish().await;
}

#[tokio::test]
async fn a1_only_the_hash_of_a_key_is_kept_and_it_outlives_a_restart() {
    let app = TestApp::start().await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let secret = &bot.text["stk_".len() + 11..];
    assert_eq!(secret.len(), 43);
    assert_eq!(bot.get("/api/v1/me").await.status, 200);
    assert!(app.is_on_disk(&bot.key.id));
    assert!(!app.is_on_disk(secret));
    assert!(!format!("{:?}", app.api_keys().list()).contains(secret));
    let revoked = Bot::start(&app, &[Scope::Read]).await;
    app.api_keys().revoke(&revoked.key.id, None, app.clock.now_ms()).await.unwrap();
    let app = app.restart().await;
    let shown = |bot: &Bot| format!("Bearer {}", bot.text);
    assert_eq!(me_with(&app, &[("authorization", &shown(&bot))]).await.status, 200);
    assert_eq!(me_with(&app, &[("authorization", &shown(&revoked))]).await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn every_way_to_have_no_key_is_one_and_the_same_answer() {
    let app = TestApp::start().await;
    let signed_in = app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let keys = app.api_keys();
    let revoked = Bot::start(&app, &[Scope::Read]).await;
    keys.revoke(&revoked.key.id, None, app.clock.now_ms()).await.unwrap();
    let days = NewApiKey { days: Some(1), ..wish(bot.key.merchant, &[Scope::Read]) };
    let expired = Bot::with(&app, days).await;
    assert_eq!(expired.get("/api/v1/me").await.status, 200);
    app.clock.advance(DAY);

    let absent = me_with(&app, &[]).await;
    is_problem(&absent, 401, "unauthorized");
    let bearer = |text: &str| format!("Bearer {text}");
    let other_secret = format!("{}_{}", &bot.text[..14], "A".repeat(43));
    let unknown = format!("stk_aaaaaaaaaa_{}", "A".repeat(43));
    let shown = [
        bearer(&other_secret),
        bearer(&unknown),
        bearer(&revoked.text),
        bearer(&expired.text),
        bearer(&bot.text[..bot.text.len() - 1]),
        bearer(&format!("{}A", bot.text)),
        bearer(""),
        bearer(OPERATOR_TOKEN),
        format!("Basic {}", bot.text),
        bot.text.clone(),
        "Bearer".to_owned(),
    ];
    for shown in &shown {
        let answer = me_with(&app, &[("authorization", shown)]).await;
        assert_eq!((answer.status, &answer.body), (absent.status, &absent.body), "{shown}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let good = bearer(&bot.text);
    let answers = [
        me_with(&app, &[("authorization", &good), ("authorization", &good)]).await,
        me_with(&app, &[("x-api-key", &bot.text)]).await,
        app.browser().get(&format!("/api/v1/me?key={}", bot.text)).await,
        app.browser().get(&format!("/api/v1/me?access_token={}", bot.text)).await,
        app.browser().get(&format!("/api/v1/{}", bot.text)).await,
        // A4: a session opens nothing here.
        signed_in.get("/api/v1/me").await,
        signed_in.clone().for_pages().get("/api/v1/me").await,
        // What is no route is hidden, too.
        app.browser().get("/api/v1/nothing").await,
        app.browser().send(Method::DELETE, "/api/v1/me", &[], b"").await,
    ];
    for answer in answers {
        assert_eq!((answer.status, &answer.body), (absent.status, &absent.body), "{}", answer.url);
    }
    // RFC 9110, 11.1: the scheme's letters may be of either case.
    assert_eq!(me_with(&app, &[("authorization", &format!("bearer {}", bot.text))]).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a1_a_key_in_an_address_is_refused_and_in_no_log() {
    let (log, _guard) = Log::begin();
    let app = TestApp::start().await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let secret = &bot.text[15..];
    log.take();
    for path in [format!("/api/v1/me?key={}", bot.text), format!("/api/v1/{}/x", bot.text)] {
        is_problem(&app.browser().get(&path).await, 401, "unauthorized");
        assert!(matches!(bot.get(&path).await.status.as_u16(), 200 | 404 | 422));
    }
    bot.get("/api/v1/me").await;
    me_with(&app, &[("authorization", &format!("Basic {}", bot.text))]).await;
    let said = log.take();
    assert!(said.contains("a request of the API was refused"), "{said}");
    assert!(!said.contains(secret) && !said.contains("stk_"), "{said}");
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let metrics = app.browser().send(Method::GET, "/metrics", &[("authorization", &bearer)], b"").await.text();
    assert!(!metrics.contains(secret) && !metrics.contains(&bot.key.id), "{metrics}");
    app.finish().await;
}

#[tokio::test]
async fn a4_a_key_opens_no_page_and_nothing_of_the_operators() {
    let app = TestApp::start().await;
    app.connect().await;
    let bot = Bot::start(&app, &Scope::ALL).await;
    for path in ["/api/status", "/api/events?id=x", "/metrics", "/conversations", "/account", "/export"] {
        assert_eq!(bot.get(path).await.status, 401, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_route_is_answered_in_the_same_form_and_the_description_needs_no_key() {
    let app = TestApp::start().await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/a/b/c/d/e", "/api/v1/%ff/x/templates"] {
        is_problem(&bot.get(path).await, 404, "not-found");
    }
    let html = [("accept", "text/html")];
    is_problem(&bot.send(Method::GET, "/api/v1/nothing", &html, b"").await, 404, "not-found");
    let answer = bot.send(Method::POST, "/api/v1/me", &[], b"{}").await;
    is_problem(&answer, 405, "invalid");
    assert_eq!(answer.header("allow"), "GET,HEAD");
    let answer = bot.send(Method::OPTIONS, "/api/v1/me", &[("origin", "https://example.com")], b"").await;
    assert_eq!(answer.status, 405);
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")), "{answer:?}");
    let described = app.browser().get("/api/v1/openapi.json").await;
    assert_eq!(described.status, 200);
    assert_eq!(described.json()["openapi"], "3.1.0");
    is_problem(&app.browser().send(Method::POST, "/api/v1/openapi.json", &[], b"").await, 405, "invalid");
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let metrics = app.browser().send(Method::GET, "/metrics", &[("authorization", &bearer)], b"").await.text();
    for series in [
        r#"shoptalk_api_requests_total{route="/api/v1/me",status="405"} 2"#,
        r#"shoptalk_api_requests_total{route="/api/v1/openapi.json",status="200"} 1"#,
        r#"shoptalk_api_requests_total{route="other",status="404"}"#,
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(series)), "{series} is not in\n{metrics}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a2_a_key_sees_its_own_merchants_accounts_and_of_them_those_that_it_names() {
    let app = TestApp::start().await;
    app.connect().await;
    app.shopify.add_shop(OTHER_SHOP, "Other Shop");
    assert_eq!(app.browser().follow(&format!("/shopify/{OTHER_SHOP}/login")).await.status, 200);
    let (merchant, stranger) = (owner(&app, SHOP).await, owner(&app, OTHER_SHOP).await);
    assert_ne!(merchant, stranger);
    let seen = async |bot: &Bot| {
        let me = bot.get("/api/v1/me").await.json();
        let ids = |list: &Value| list.as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
        (ids(&me["accounts"]), ids(&me["shops"]))
    };
    let theirs = Bot::of(&app, stranger, &Scope::ALL).await;
    assert_eq!(seen(&theirs).await, (vec![], vec![json!(OTHER_SHOP)]));
    let limited = |channel: &str, account: &str| NewApiKey {
        accounts: vec![(channel.to_owned(), account.to_owned())],
        ..wish(merchant, &[Scope::Read])
    };
    let to_page = Bot::with(&app, limited("facebook", PAGE)).await;
    assert_eq!(seen(&to_page).await, (vec![json!(PAGE)], vec![json!(SHOP)]));
    let to_another = Bot::with(&app, limited("facebook", "1")).await;
    assert_eq!(seen(&to_another).await.0, [""; 0]);
    // Naming another merchant's account opens it no more than not naming it.
    let foreign = NewApiKey { merchant: stranger, ..limited("facebook", PAGE) };
    assert_eq!(seen(&Bot::with(&app, foreign).await).await.0, [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a3_after_twenty_wrong_keys_an_address_hears_429_for_wrong_keys_only() {
    let app = TestApp::start_with(|config| config.server.limits.proxies = "127.0.0.1".parse().unwrap()).await;
    app.connect().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let wrong = format!("Bearer stk_aaaaaaaaaa_{}", "A".repeat(43));
    let from = async |address: &str| me_with(&app, &[("authorization", &wrong), ("x-forwarded-for", address)]).await;
    for _ in 0..20 {
        is_problem(&from("192.0.2.1").await, 401, "unauthorized");
    }
    let answer = from("192.0.2.1").await;
    is_problem(&answer, 429, "too-many-requests");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(from("192.0.2.2").await.status, 401);
    assert_eq!(me_with(&app, &[("x-forwarded-for", "192.0.2.1")]).await.status, 401, "no key is no wrong key");
    let good = bot.send(Method::GET, "/api/v1/me", &[("x-forwarded-for", "192.0.2.1")], b"").await;
    assert_eq!(good.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a3_a_keys_reads_are_limited_and_anothers_flood_does_not_slow_it() {
    let app = TestApp::start().await;
    app.connect().await;
    let (one, other) = (Bot::start(&app, &[Scope::Read]).await, Bot::start(&app, &[Scope::Read]).await);
    let mut refused = None;
    // As many as a flood of a second brings, however slow the machine is.
    for _ in 0..20 {
        let answers = futures(|| one.get("/api/v1/me"), 60).await;
        assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 429)));
        refused = answers.into_iter().find(|answer| answer.status == 429);
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.expect("the flood was let in");
    is_problem(&refused, 429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(other.get("/api/v1/me").await.status, 200);
    app.finish().await;
}

/// So many of these at once.
pub async fn futures<F: Future<Output = Answer>>(one: impl Fn() -> F, count: usize) -> Vec<Answer> {
    let mut under_way: Vec<_> = (0..count).map(|_| Box::pin(one())).collect();
    let mut answers = Vec::new();
    std::future::poll_fn(|context| {
        under_way.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if under_way.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    answers
}

#[tokio::test]
async fn a5_whoever_waits_with_a_key_hears_within_five_seconds_that_it_ended() {
    let app = TestApp::start().await;
    app.connect().await;
    let merchant = owner(&app, SHOP).await;
    let days = NewApiKey { days: Some(1), ..wish(merchant, &[Scope::Read]) };
    let (expiring, revoked, living) =
        (Bot::with(&app, days).await, Bot::start(&app, &[Scope::Read]).await, Bot::start(&app, &[Scope::Read]).await);
    let keys = app.api_keys();
    let waits = |bot: &Bot| {
        let (keys, clock, id) = (keys.clone(), app.clock.clone(), bot.key.id.clone());
        tokio::spawn(async move { keys.until_ended(&id, &clock).await })
    };
    let (at_expiry, at_revocation, not_at_all) = (waits(&expiring), waits(&revoked), waits(&living));
    keys.revoke(&revoked.key.id, Some(merchant), app.clock.now_ms()).await.unwrap();
    app.clock.advance(DAY);
    for ended in [at_revocation, at_expiry] {
        tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it ended").unwrap();
    }
    assert!(!not_at_all.is_finished());
    not_at_all.abort();
    app.finish().await;
}

#[tokio::test]
async fn twenty_living_keys_are_enough_and_the_last_use_is_known_to_the_minute() {
    let app = TestApp::start().await;
    app.connect().await;
    let (merchant, keys) = (owner(&app, SHOP).await, app.api_keys());
    let days = NewApiKey { days: Some(1), ..wish(merchant, &[Scope::Read]) };
    let first = Bot::with(&app, days.clone()).await;
    for _ in 1..MOST_LIVING {
        Bot::start(&app, &[Scope::Read]).await;
    }
    let refused = keys.insert(days, app.clock.now_ms()).await;
    assert!(matches!(refused, Err(NotMade::TooMany)), "{refused:?}");
    assert!(keys.insert(wish(Uuid::from_u128(7), &[Scope::Read]), app.clock.now_ms()).await.is_ok());
    app.clock.advance(Duration::from_secs(30));
    assert_eq!(first.get("/api/v1/me").await.status, 200);
    let used = || keys.list_of(merchant).into_iter().find(|key| key.id == first.key.id).unwrap().last_used_at;
    assert_eq!(used(), Some(app.clock.now_ms() / 60_000 * 60_000));
    let before = used();
    app.clock.advance(DAY);
    assert_eq!(first.get("/api/v1/me").await.status, 401);
    assert_eq!(used(), before, "what is refused is no use");
    Bot::start(&app, &[Scope::Read]).await;
    for (bad, why) in [
        (NewApiKey { name: " ".to_owned(), ..wish(merchant, &[Scope::Read]) }, "name"),
        (NewApiKey { name: "a".repeat(61), ..wish(merchant, &[Scope::Read]) }, "name"),
        (NewApiKey { name: "a\nb".to_owned(), ..wish(merchant, &[Scope::Read]) }, "name"),
        (wish(merchant, &[]), "scope"),
        (NewApiKey { days: Some(0), ..wish(merchant, &[Scope::Read]) }, "days"),
    ] {
        let error = keys.insert(bad, app.clock.now_ms()).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    // Only whose a key is may revoke it here.
    assert!(keys.revoke(&first.key.id, Some(Uuid::from_u128(7)), 0).await.unwrap().is_none());
    assert!(keys.revoke("aaaaaaaaaa", None, 0).await.unwrap().is_none());
    app.finish().await;
}
