//! Texts in the answers of platforms, of object storage and of models that could be somebody's secrets, and where they come to
//! stand: in content, if it is content, and nowhere else (rules O10 and L1).

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shoptalk::commands::{CloudWanted, Command};
use shoptalk::shared::channel::simulator::{Failure, Planting, Traffic};
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::Bot;
use crate::bucket::Bucket;
use crate::linkedin_stage as li;
use crate::logs::Log;
use crate::responder::{self, Says};
use crate::shopify_checks::an_hour_later;
use crate::test_app::{Browser, OPERATOR_TOKEN, PAGE, SHOP, TestApp, is_in};
use crate::viber_stage;
use crate::whatsapp as wa;

/// What a platform may quote of what was sent to it: in the alphabet of tokens, and in that of words.
const CANARIES: [&str; 2] = ["shpat_Canary0123456789abcdefEAA", "canary_in_the_words_of_a_list"];

/// What the operator and the merchant are shown.
async fn shown(app: &TestApp, merchant: &crate::test_app::Browser) -> String {
    let mut all = merchant.clone().for_pages().get("/").await.text();
    for path in ["/api/status", "/api/alerts", "/metrics"] {
        let authorization = format!("Bearer {OPERATOR_TOKEN}");
        let answer = app.browser().send(Method::GET, path, &[("authorization", &authorization)], b"").await;
        assert_eq!(answer.status, 200, "{path}");
        all.push_str(&answer.text());
    }
    all
}

/// Every answer of Shopify with the canary wherever a text may stand.
fn answers_of_shopify(canary: &str) -> Vec<Failure> {
    let data = json!({ "shop": { "name": "Demo Shop", "myshopifyDomain": SHOP }, "currentAppInstallation": null });
    let mut error = json!({ "message": canary, "path": [canary], "locations": [{ "line": canary }] });
    error["extensions"] = json!({ "code": canary, "requiredAccess": format!("`{canary}` {canary}"), "typeName": canary,
                                  "documentation": canary, "cost": canary });
    let denied = json!({ "message": canary, "extensions": { "code": "ACCESS_DENIED", "requiredAccess": format!("`{canary}`") } });
    let bodies = [
        json!({ "errors": [error], "data": null }),
        json!({ "errors": [denied], "data": data, "extensions": { "cost": { "requestedQueryCost": canary } } }),
        json!({ "errors": canary }),
        json!({ "errors": { "query": canary, canary: canary } }),
        json!({ "error": canary, "error_description": canary, "error_uri": canary }),
    ];
    let statuses = [200, 400, 401, 402, 403, 404, 406, 422, 423, 429, 500, 503];
    let mut all: Vec<Failure> =
        statuses.iter().flat_map(|status| bodies.iter().map(|body| Failure::Json(*status, body.clone()))).collect();
    for header in ["x-shopify-api-version", "x-shopify-api-deprecated-reason", "x-request-id", "retry-after"] {
        all.push(Failure::WithHeader(header.into(), canary.into(), json!({ "data": data })));
    }
    all
}

/// Every refusal of the Graph API with the canary wherever a text may stand.
fn answers_of_facebook(canary: &str) -> Vec<Failure> {
    let error = |code: i64, subcode: Value, message: String| {
        json!({ "error": { "message": message, "type": canary, "code": code, "error_subcode": subcode,
                           "fbtrace_id": canary, "error_user_title": canary, "error_user_msg": canary,
                           "error_data": { canary: canary }, "is_transient": canary } })
    };
    let mut all = Vec::new();
    for code in [1, 2, 3, 4, 10, 100, 104, 200, 283, 368, 551, 613, 803, 2500, 99_999] {
        all.push(error(code, json!(canary), canary.to_owned()));
        all.push(error(code, json!(33), format!("(#{code}) Tried accessing nonexisting field ({canary}) on node")));
    }
    all.push(json!({ "error": canary }));
    let mut failures: Vec<Failure> = all.into_iter().map(|body| Failure::Json(400, body)).collect();
    for header in
        ["facebook-api-version", "x-app-usage", "x-business-use-case-usage", "www-authenticate", "x-fb-trace-id"]
    {
        failures.push(Failure::WithHeader(header.into(), canary.into(), json!({ "data": [] })));
    }
    failures
}

#[tokio::test]
async fn o10_nothing_that_a_platform_says_of_its_own_is_written_down_or_shown() {
    let (log, _guard) = Log::begin();
    let app = TestApp::start().await;
    let merchant = app.connect().await;
    for canary in CANARIES {
        let (of_shopify, of_facebook) = (answers_of_shopify(canary), answers_of_facebook(canary));
        for turn in 0..of_shopify.len().max(of_facebook.len()) {
            if let Some(failure) = of_shopify.get(turn) {
                app.shopify.traffic().fail_next("graphql", 2, failure.clone());
                app.shopify.traffic().fail_next("access_token", 1, failure.clone());
            }
            if let Some(failure) = of_facebook.get(turn) {
                for path in ["debug_token", "subscribed_apps", "subscriptions", PAGE, "me/accounts", "access_token"] {
                    app.facebook.traffic().fail_next(path, 1, failure.clone());
                }
            }
            if turn % 10 == 0 {
                app.run_due_jobs().await;
                let stranger = app.browser();
                stranger.follow(&format!("/shopify/{SHOP}/login")).await;
                merchant.follow("/facebook/login").await;
            }
            an_hour_later(&app).await;
            assert!(!shown(&app, &merchant).await.contains(canary), "{canary} is shown in turn {turn}");
        }
        assert!(!log.take().contains(canary), "{canary} is in the log");
        assert!(!app.is_on_disk(canary), "{canary} is on the disk");
    }
    app.close().await;
}

/// Whether a text stands in a file of which no content of platforms is meant to be kept: everything beside the journal, the
/// search index and the JSON files.
fn is_beside_content(folder: &std::path::Path, text: &str) -> Option<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder.join("data")).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            path.is_file() && !name.starts_with("journal.db") && !name.starts_with("search.db")
        })
        .find(|path| is_in(text, &std::fs::read(path).unwrap()))
}

/// The rows of the journal that hold a text, by table: but for those that hold what platforms say of products, people and
/// messages.
fn tables_with(app: &TestApp, text: &str) -> Vec<String> {
    /// What of a platform's own words is meant to be kept.
    const CONTENT: [&str; 10] = [
        "events",
        "records",
        "staging",
        "record_changes",
        "media",
        "threads",
        "person_names",
        "feed",
        "walk_messages",
        "listed_messages",
    ];
    app.journal_sql(|journal| {
        let tables: Vec<String> = journal
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut found = Vec::new();
        for table in tables.into_iter().filter(|table| !CONTENT.contains(&table.as_str())) {
            let mut select = journal.prepare(&format!("SELECT * FROM \"{table}\""))?;
            let columns = select.column_count();
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let holds = |column| match row.get_ref(column) {
                    Ok(rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes)) => {
                        is_in(text, bytes)
                    }
                    _ => false,
                };
                if (0..columns).any(holds) {
                    found.push(table);
                    break;
                }
            }
        }
        Ok(found)
    })
}

/// Looks for a text wherever nothing of a platform's own words may come to stand.
struct Hunt {
    log: Log,
    canary: String,
}

impl Hunt {
    /// For a text that could be a token. What this thread logs is looked at.
    fn new(log: Log) -> Self {
        Self::for_text(log, &format!("shpat_{}", "Canary0123456789abcdef".to_uppercase()))
    }

    fn for_text(log: Log, canary: &str) -> Self {
        Self { log, canary: canary.to_owned() }
    }

    /// The text in every answer, also in place of this leaf of it, unless that stands in one of these members.
    fn planting(&self, leaf: usize, kept: &'static [&'static str]) -> Planting {
        Planting { text: self.canary.clone(), leaf, kept, headers: &["x-planted", "warning"] }
    }

    /// It is not in the log, on no page, in no alert or metric, and kept nowhere but as content.
    async fn look(&self, app: &TestApp, merchant: &Browser, turn: &str) {
        let said = self.log.take();
        let line = said.lines().find(|line| line.contains(&self.canary));
        assert_eq!(line, None, "{turn}");
        let shown = shown(app, merchant).await;
        assert!(!shown.contains(&self.canary), "shown with {turn}: {shown}");
        assert_eq!(is_beside_content(&app.path(""), &self.canary), None, "{turn}");
        assert_eq!(tables_with(app, &self.canary), [""; 0], "{turn}");
    }

    /// These answers come to whatever is asked, one after the other, while something is done and an hour's jobs are.
    async fn endure(
        &self,
        app: &TestApp,
        merchant: &Browser,
        traffic: &Traffic,
        failures: Vec<Failure>,
        act: impl AsyncFn(),
    ) {
        for (turn, failure) in failures.into_iter().enumerate() {
            let before = traffic.count("");
            traffic.fail_next("", 4, failure.clone());
            act().await;
            traffic.fail_next("", 4, failure.clone());
            an_hour_later(app).await;
            traffic.heal();
            assert!(traffic.count("") > before, "nothing was asked for in turn {turn}, {failure:?}");
            self.look(app, merchant, &format!("turn {turn}, {failure:?}")).await;
        }
    }

    /// Good answers have the text in them, in ever another place, while something is done and an hour's jobs are.
    async fn take_in(
        &self,
        app: &TestApp,
        merchant: &Browser,
        traffic: &Traffic,
        (leaves, kept): (usize, &'static [&'static str]),
        act: impl AsyncFn(),
    ) {
        for leaf in 0..leaves {
            let before = traffic.count("");
            traffic.plant(Some(self.planting(leaf, kept)));
            act().await;
            an_hour_later(app).await;
            assert!(traffic.count("") > before, "nothing was asked for with leaf {leaf}");
            self.look(app, merchant, &format!("leaf {leaf}")).await;
        }
        traffic.plant(None);
    }
}

#[tokio::test]
async fn o10_nothing_that_stands_in_a_good_answer_of_a_platform_is_logged_or_shown_or_kept_but_as_content() {
    /// Names are shown, and by ids and domains everything is found.
    const KEPT: [&str; 6] = ["name", "id", "myshopifyDomain", "access_token", "refresh_token", "user_id"];
    let (log, _guard) = Log::begin();
    let hunt = Hunt::new(log);
    let app = TestApp::start().await;
    let merchant = app.connect().await;
    for leaf in 0..60 {
        let planting = hunt.planting(leaf, &KEPT);
        app.facebook.traffic().plant(Some(planting.clone()));
        app.shopify.traffic().plant(Some(planting));
        if leaf % 4 == 0 {
            app.run_due_jobs().await;
            app.browser().follow(&format!("/shopify/{SHOP}/login")).await;
            merchant.follow("/facebook/login").await;
        }
        an_hour_later(&app).await;
        hunt.look(&app, &merchant, &format!("leaf {leaf}")).await;
    }
    assert!(app.is_on_disk(&hunt.canary), "it was planted: content has it");
    app.close().await;
}

#[tokio::test]
async fn o10_nothing_that_whatsapp_says_of_its_own_is_logged_or_shown_or_kept_but_as_content() {
    /// By these everything is found, and names are shown.
    const KEPT: [&str; 8] =
        ["id", "name", "verified_name", "access_token", "user_id", "wa_id", "input", "display_phone_number"];
    let scene = wa::Scene::start().await;
    let merchant = scene.app.browser_with(SHOP).await;
    let act = async || {
        scene.ada.writes("Is the red one there, too?").await;
        scene.app.settle().await;
        scene.post(&json!({"text": "Yes."})).await;
        let media = json!({"media": {"url": "https://cdn.shop.example/1.jpg", "type": "image"}});
        scene.post(&media).await;
        scene.work().await;
        scene.bot.get(&format!("/api/v1/whatsapp/{}/templates", wa::NUMBER)).await;
    };
    for canary in CANARIES {
        let (log, _guard) = Log::begin();
        let hunt = Hunt::for_text(log, canary);
        hunt.endure(&scene.app, &merchant, scene.platform.traffic(), answers_of_facebook(canary), act).await;
        assert!(!scene.app.is_on_disk(canary), "{canary} is on the disk");
    }
    let (log, _guard) = Log::begin();
    Hunt::new(log).take_in(&scene.app, &merchant, scene.platform.traffic(), (40, &KEPT), act).await;
    scene.app.close().await;
}

/// Every refusal of LinkedIn and of its token endpoint with the canary wherever a text may stand.
fn answers_of_linkedin(canary: &str) -> Vec<Failure> {
    let details = json!({"inputErrors": [{"code": canary, "description": canary, "input": {"inputPath": {"fieldPath": canary}}}]});
    let bodies = [
        json!({"message": canary, "serviceErrorCode": 100, "status": 403, "code": canary, "errorDetailType": canary,
               "errorDetails": details}),
        json!({"message": canary, "serviceErrorCode": canary, "status": canary, "code": "ACCESS_DENIED"}),
        json!({"error": canary, "error_description": canary}),
        json!(canary),
        json!([canary]),
    ];
    let statuses = [400, 403, 404, 409, 422, 426, 429, 500, 503];
    let refusals = statuses.iter().flat_map(|status| bodies.iter().map(|body| Failure::Json(*status, body.clone())));
    let mut all: Vec<Failure> = refusals.collect();
    for header in ["x-restli-id", "x-linkedin-id", "x-li-uuid", "retry-after", "x-li-responseorigin", "location"] {
        all.push(Failure::WithHeader(header.into(), canary.into(), json!({"elements": []})));
        all.push(Failure::WithHeader(header.into(), canary.into(), json!({"id": "7"})));
    }
    // The refusal that ends it.
    all.push(Failure::Json(401, bodies[0].clone()));
    all
}

#[tokio::test]
async fn o10_nothing_that_linkedin_says_of_its_own_is_logged_or_shown_or_kept_but_as_content() {
    const KEPT: [&str; 13] = [
        "id",
        "localizedName",
        "name",
        "access_token",
        "refresh_token",
        "elements",
        "organization",
        "roleAssignee",
        "organizationalTarget",
        "commentUrn",
        "object",
        "actor",
        "eventSubscriptionKey",
    ];
    let scene =
        li::Scene::with(|section, linkedin| section.refresh_token = Some(linkedin.refresh_token().into())).await;
    let merchant = scene.app.browser_with(SHOP).await;
    let act = async || {
        scene.ada.comments(&scene.post, "Do you ship to Galle?").await;
        scene.app.settle().await;
        scene.post(&json!({"text": "Yes."})).await;
        scene.work().await;
    };
    for canary in CANARIES {
        let (log, _guard) = Log::begin();
        let hunt = Hunt::for_text(log, canary);
        hunt.endure(&scene.app, &merchant, scene.linkedin.traffic(), answers_of_linkedin(canary), act).await;
        assert!(!scene.app.is_on_disk(canary), "{canary} is on the disk");
    }
    let (log, _guard) = Log::begin();
    Hunt::new(log).take_in(&scene.app, &merchant, scene.linkedin.traffic(), (40, &KEPT), act).await;
    scene.app.close().await;
}

/// Every answer of Viber that is no success, with the canary wherever a text may stand.
fn answers_of_viber(canary: &str) -> Vec<Failure> {
    let refusal = |status: &Value| {
        json!({"status": status, "status_message": canary, "message_token": canary, "chat_hostname": canary, "failed_list":
               [{"receiver": canary, "status": 6, "status_message": canary}]})
    };
    let known = (1..=23).chain([99]).map(|status| json!(status)).chain([json!(canary), json!(null)]);
    let mut all: Vec<Failure> = known.map(|status| Failure::Json(200, refusal(&status))).collect();
    all.extend([400, 401, 403, 404, 429, 500].map(|status| Failure::Json(status, json!({"error": canary}))));
    for header in ["retry-after", "x-viber-error", "location"] {
        all.push(Failure::WithHeader(header.into(), canary.into(), json!({"status": 0, "status_message": canary})));
    }
    all
}

#[tokio::test]
async fn o10_nothing_that_viber_says_of_its_own_is_logged_or_shown_or_kept_but_as_content() {
    const KEPT: [&str; 4] = ["id", "name", "message_token", "status"];
    let (app, desk) = viber_stage::start().await;
    let merchant = app.browser_with(SHOP).await;
    let (program, number) = (Bot::start(&app, &[Scope::Read, Scope::Reply]).await, AtomicU32::new(0));
    let act = async || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        viber_stage::hear(&app, &viber_stage::text(number, "Is the red one there, too?")).await;
        let (key, body) = (format!("key-{number}"), json!({"text": "Yes."}).to_string());
        let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
        let path = format!("/api/v1/viber/{}/conversations/{}/messages", viber_stage::BOT, viber_stage::PERSON);
        program.send(Method::POST, &path, &headers, body.as_bytes()).await;
        app.work().await;
    };
    for canary in CANARIES {
        let (log, _guard) = Log::begin();
        let hunt = Hunt::for_text(log, canary);
        hunt.endure(&app, &merchant, &desk.traffic, answers_of_viber(canary), act).await;
        assert!(!app.is_on_disk(canary), "{canary} is on the disk");
    }
    let (log, _guard) = Log::begin();
    Hunt::new(log).take_in(&app, &merchant, &desk.traffic, (30, &KEPT), act).await;
    app.close().await;
}

/// Every answer of object storage with the canary wherever a text may stand.
fn answers_of_storage(canary: &str) -> Vec<Failure> {
    let error = |code: &str| {
        format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{canary}</Message><Key>{canary}</Key><BucketName>{canary}</BucketName>\
             <Resource>{canary}</Resource><RequestId>{canary}</RequestId><HostId>{canary}</HostId><Region>{canary}</Region>\
             <StringToSign>{canary}</StringToSign><AWSAccessKeyId>{canary}</AWSAccessKeyId><Endpoint>{canary}</Endpoint></Error>"
        )
    };
    let codes = [
        canary,
        "AccessDenied",
        "SignatureDoesNotMatch",
        "NoSuchBucket",
        "SlowDown",
        "PermanentRedirect",
        "RequestTimeTooSkewed",
    ];
    let statuses = [200, 301, 400, 403, 404, 412, 500, 503];
    let mut all: Vec<Failure> =
        statuses.iter().flat_map(|status| codes.iter().map(|code| Failure::Text(*status, error(code)))).collect();
    for header in ["x-amz-request-id", "x-amz-id-2", "x-amz-bucket-region", "location", "retry-after", "server", "etag"]
    {
        all.push(Failure::WithHeader(header.into(), canary.into(), json!(canary)));
    }
    all
}

#[tokio::test]
async fn o10_nothing_that_the_object_storage_says_of_its_own_is_logged_or_shown_or_kept() {
    let bucket = Bucket::start().await;
    let app = bucket.service().await;
    let merchant = app.connect().await;
    let (page, sam) = (app.page(), app.facebook.person("7000000000000001", "Sam Doe"));
    let told = Mutex::new(Vec::new());
    let act = async || {
        assert_eq!(page.deliver(&[page.message_from(&sam, "Hello?")]).await.unwrap(), Some(200));
        app.settle().await;
        app.clock.advance(Duration::from_secs(120));
        app.settle().await;
        for wanted in [CloudWanted::Status, CloudWanted::Check] {
            let lines = app.command(Command::Cloud(wanted)).await;
            told.lock().unwrap().extend(lines);
        }
    };
    for canary in CANARIES {
        let (log, _guard) = Log::begin();
        let hunt = Hunt::for_text(log, canary);
        hunt.endure(&app, &merchant, &bucket.traffic, answers_of_storage(canary), act).await;
        assert!(!app.is_on_disk(canary), "{canary} is on the disk");
    }
    let (log, _guard) = Log::begin();
    let hunt = Hunt::new(log);
    for leaf in 0..20 {
        let headers = &["x-amz-request-id", "x-amz-id-2", "x-amz-version-id", "server", "x-planted"];
        bucket.traffic.plant(Some(Planting { headers, ..hunt.planting(leaf, &["Key", "Prefix"]) }));
        act().await;
        an_hour_later(&app).await;
        hunt.look(&app, &merchant, &format!("leaf {leaf}")).await;
    }
    assert!(!app.is_on_disk(&hunt.canary));
    let told = format!("{:?}", told.lock().unwrap());
    for canary in CANARIES.into_iter().chain([hunt.canary.as_str()]) {
        assert!(!told.contains(canary), "{canary} is told by a command: {told}");
    }
    app.close().await;
}

/// Every answer of a model with the canary wherever a text may stand that is not what it says to a person.
fn answers_of_model(canary: &str) -> Vec<Says> {
    let error = json!({"error": {"message": canary, "type": canary, "param": canary, "code": canary}, "message": canary, "detail": [{"msg": canary}]});
    let param =
        json!({"error": {"message": canary, "type": "invalid_request_error", "param": "max_tokens", "code": canary}});
    let mut all = Vec::new();
    for status in [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 503] {
        let status = http::StatusCode::from_u16(status).unwrap();
        for body in [error.to_string(), param.to_string(), format!("<p>{canary}</p>")] {
            all.push(Says::Raw(status, "application/json", body));
        }
    }
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    for (message, finish) in [
        (
            json!({"role": canary, "content": "Certainly.", "refusal": canary, "reasoning_content": canary, "annotations": [canary]}),
            canary,
        ),
        (json!({"role": "assistant", "content": null, "refusal": canary}), "stop"),
        (json!({"role": "assistant", "content": canary}), "length"),
        (
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": canary, "type": canary, "function": {"name": canary, "arguments": canary}}]}),
            "tool_calls",
        ),
        (
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": canary, "type": "function", "function": {"name": "search_products", "arguments": canary}}]}),
            "tool_calls",
        ),
        (json!(canary), canary),
    ] {
        let choice = json!({"index": canary, "message": message, "finish_reason": finish, "logprobs": canary});
        all.push(Says::Whole(
            json!({"id": canary, "object": canary, "created": canary, "model": canary, "system_fingerprint": canary,
            "service_tier": canary, "choices": [choice], "usage": usage}),
        ));
        let choice = json!({"index": 0, "message": message, "finish_reason": finish});
        all.push(Says::Whole(json!({"model": canary, "choices": [choice], "usage": {"prompt_tokens": canary, "completion_tokens": {canary: canary}}})));
    }
    all.push(Says::Whole(json!({canary: canary})));
    all.push(Says::Whole(json!(canary)));
    all
}

#[tokio::test]
async fn o10_nothing_that_a_model_says_beside_its_answer_is_logged_or_shown_or_kept() {
    let scene = responder::Scene::switched_on().await;
    for canary in CANARIES {
        let (log, _guard) = Log::begin();
        let hunt = Hunt::for_text(log, canary);
        for (turn, says) in answers_of_model(canary).into_iter().enumerate() {
            scene.model.always_says(says);
            scene.hears("Is the blue one in stock?").await;
            an_hour_later(&scene.app).await;
            // A hand-over silences bots for an hour.
            scene.app.clock.advance(Duration::from_secs(2 * 3600));
            scene.work().await;
            hunt.look(&scene.app, &scene.browser, &format!("turn {turn}")).await;
        }
        assert!(!scene.app.is_on_disk(canary), "{canary} is on the disk");
    }
    scene.app.close().await;
}
