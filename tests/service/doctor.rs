//! `shoptalk doctor`: each fault is planted, and found with its cause, its effect and its fix.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use axum::Json;
use axum::routing::get;
use http::Method;
use rusqlite::Connection;
use serde_json::json;
use shoptalk::app::config::Config;
use shoptalk::commands::socket;
use shoptalk::doctor::{Report, Surroundings, examine};
use shoptalk::facebook::sandbox::SendFailure;
use shoptalk::shared::channel::finding::{Finding, Severity};
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::files::output::RelativePath;
use shoptalk::shared::secrets::signature::Secrets;
use shoptalk::shared::store::api_keys::{NewApiKey, Scope};
use shoptalk::shared::store::{Status, Trouble, TroubleSource};
use url::Url;

use crate::api_keys::{Bot, is_problem, owner, wish};
use crate::bucket::{BUCKET, Bucket, MARKER};
use crate::process;
use crate::responder::Model;
use crate::test_app::{FACEBOOK_SECRET, OPERATOR_TOKEN, PAGE, SHOP, SHOPIFY_SECRET, TestApp};

/// A healthy service with a shop and a Page, that a doctor can look at.
pub struct Patient {
    pub app: TestApp,
    pub surroundings: Surroundings,
    /// What shows that a process has the data folder.
    socket: Option<Socket>,
}

/// The local socket of the service, answered until this is dropped.
struct Socket(tokio::task::JoinHandle<()>, PathBuf);

impl Socket {
    fn of(app: &TestApp) -> Self {
        let path = app.path("data/shoptalk.sock");
        let listener = socket::listen(&path).unwrap();
        Self(tokio::spawn(socket::answer(listener, app.runner())), path)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.0.abort();
        let _ = std::fs::remove_file(&self.1);
    }
}

impl Patient {
    pub async fn healthy() -> Self {
        Self::healthy_after(TestApp::start().await).await
    }

    async fn healthy_after(app: TestApp) -> Self {
        app.run_due_jobs().await;
        app.connect().await;
        // The first hourly look.
        app.clock.advance(Duration::from_secs(3600));
        app.run_due_jobs().await;
        let surroundings = Surroundings {
            ngrok: Url::parse("http://127.0.0.1:9").unwrap(),
            env_file: app.path("no.env"),
            unknown: Vec::new(),
        };
        let socket = Some(Socket::of(&app));
        Self { app, surroundings, socket }
    }

    async fn report(&self, change: impl FnOnce(&mut Config)) -> Report {
        let mut config = self.app.config();
        change(&mut config);
        let mut report = examine(&Ok(config), &self.surroundings, &self.app.clock).await;
        // Tests drive the consumers by hand, so the service says all the time that they do not run; and what a simulated
        // platform answers out of order carries the real time. Platforms that tests do not need are off.
        report.findings.retain(|finding| !["not_ready", "clock_wrong"].contains(&finding.code) && !is_unused(finding));
        report
    }

    /// The codes of what is found, with what they are about.
    pub async fn found(&self, change: impl FnOnce(&mut Config)) -> BTreeSet<&'static str> {
        let report = self.report(change).await;
        for finding in &report.findings {
            for sentence in [&finding.cause, &finding.effect, &finding.fix] {
                assert!(sentence.len() > 3, "{finding:?}");
                assert!(!sentence.contains("secret for tests"), "{finding:?}");
            }
        }
        report.findings.iter().map(|finding| finding.code).collect()
    }

    /// Says something to one of the databases behind the service's back.
    pub fn sql(&self, database: &str, sql: &str) {
        let connection = Connection::open(self.app.path(&format!("data/{database}.db"))).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    pub fn chmod(&self, path: &str, mode: u32) {
        std::fs::set_permissions(self.app.path(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// A platform that these tests do not need is off.
fn is_unused(finding: &Finding) -> bool {
    finding.code == "platform_off" && !["facebook", "shopify"].contains(&finding.about.to_lowercase().as_str())
}

pub fn codes<const N: usize>(codes: [&'static str; N]) -> BTreeSet<&'static str> {
    codes.into()
}

/// An agent of ngrok with one tunnel.
async fn ngrok(public_url: &str, to: &str) -> Url {
    let answer = json!({ "tunnels": [{ "public_url": public_url, "proto": "https", "config": { "addr": to } }] });
    let router = axum::Router::new().route("/api/tunnels", get(move || std::future::ready(Json(answer.clone()))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Url::parse(&url).unwrap()
}

#[tokio::test]
async fn a_healthy_service_has_no_findings_and_is_left_as_it_is() {
    let patient = Patient::healthy().await;
    let before = patient.app.counts().await;
    let report = patient.report(|_| {}).await;
    assert_eq!(report.findings, [], "{}", report.to_text());
    assert_eq!(report.skipped, [""; 0]);
    assert!(report.is_healthy() && report.to_text().contains("healthy"));
    assert_eq!(patient.app.counts().await, before);
    patient.app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_found() {
    let surroundings = Surroundings::default();
    let clock = shoptalk::shared::clock::Clock::system();
    let values = |name: &str| -> Option<String> {
        let value = match name {
            "FACEBOOK_APP_ID" => "your_facebook_app_id",
            "FACEBOOK_APP_SECRET" => "short",
            "FACEBOOK_VERIFY_TOKEN" => "",
            "FACEBOOK_POLL_CRON" => "sometimes",
            "FACEBOOK_GRAPH_VERSION" => "26",
            "PUBLIC_URL" => "http://shop.example",
            "SHOPIFY_API_KEY" => "a-key",
            "OPERATOR_TOKEN" | "STATE_TOKEN_SECRET" => "one secret of more than thirty-two characters",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let report = examine(&Config::read(&values), &surroundings, &clock).await;
    let found: BTreeSet<&str> = report.findings.iter().map(|finding| finding.code).collect();
    let expected = [
        "setting_cron",
        "setting_empty",
        "setting_missing",
        "setting_not_https",
        "setting_placeholder",
        "setting_repeated",
        "setting_too_short",
        "setting_version",
    ];
    assert!(expected.iter().all(|code| found.contains(code)), "{found:?}");
    assert!(!report.skipped.is_empty());
    let nothing = examine(&Config::read(&|_| None), &surroundings, &clock).await;
    assert!(nothing.findings.iter().any(|finding| finding.code == "no_platform"));
}

#[tokio::test]
async fn faults_of_the_machine_are_found() {
    let mut patient = Patient::healthy().await;
    patient.surroundings.env_file = patient.app.path("settings.env");
    std::fs::write(&patient.surroundings.env_file, "").unwrap();
    patient.chmod("settings.env", 0o644);
    assert_eq!(patient.found(|_| {}).await, codes(["env_file_open"]));
    patient.chmod("settings.env", 0o600);

    patient.chmod("data", 0o755);
    patient.chmod("data/tokens.db", 0o644);
    assert_eq!(patient.found(|_| {}).await, codes(["data_folder_open", "database_open"]));
    patient.chmod("data", 0o700);
    patient.chmod("data/tokens.db", 0o600);

    let missing = patient.app.path("nowhere");
    assert_eq!(patient.found(|config| config.server.output_dir = missing).await, codes(["folder_missing"]));
    let file = patient.app.path("settings.env");
    assert_eq!(patient.found(|config| config.server.output_dir = file).await, codes(["folder_is_a_file"]));

    // Root may write everywhere, whatever the mode says.
    if !rustix::process::getuid().is_root() {
        std::fs::create_dir(patient.app.path("closed")).unwrap();
        patient.chmod("closed", 0o500);
        let closed = patient.app.path("closed");
        assert_eq!(patient.found(|config| config.server.output_dir = closed).await, codes(["folder_read_only"]));
    }
    patient.app.finish().await;
}

#[tokio::test]
async fn faults_of_the_key_are_found() {
    let patient = Patient::healthy().await;
    let key = patient.app.path("data/master.key");
    let right = std::fs::read(&key).unwrap();

    patient.chmod("data/master.key", 0o644);
    assert!(patient.found(|_| {}).await.contains("key_file_open"));
    patient.chmod("data/master.key", 0o600);

    std::fs::write(&key, "no key\n").unwrap();
    assert!(patient.found(|_| {}).await.contains("key_file_damaged"));

    std::fs::remove_file(&key).unwrap();
    assert!(patient.found(|_| {}).await.contains("key_missing"));
    assert!(!key.exists(), "a doctor makes no key");
    std::fs::write(&key, right).unwrap();
    patient.chmod("data/master.key", 0o600);

    let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    let another = shoptalk::app::config::MasterKey(zeroize::Zeroizing::new(bytes));
    let report = patient.report(|config| config.server.master_key = Some(another)).await;
    assert!(report.findings.iter().any(|finding| finding.code == "two_keys"), "{report:?}");
    assert!(report.findings.iter().any(|finding| finding.code == "wrong_key"), "{report:?}");
    assert_eq!(patient.found(|_| {}).await, codes([]));
    patient.app.finish().await;
}

#[tokio::test]
async fn faults_of_the_databases_are_found() {
    let patient = Patient::healthy().await;
    let copy = |name: &str, change: fn(&mut Vec<u8>)| {
        let connection = Connection::open(patient.app.path("data/sessions.db")).unwrap();
        let path = patient.app.path(name);
        connection.execute("VACUUM INTO ?1", [path.to_str().unwrap()]).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        patient.chmod(name, 0o600);
        path
    };
    let damaged = copy("damaged.db", |bytes| bytes[100..1500].fill(0xee));
    assert_eq!(patient.found(|config| config.server.sessions_db = damaged).await, codes(["database_damaged"]));
    let newer = copy("newer.db", |bytes| bytes[60..64].copy_from_slice(&99_u32.to_be_bytes()));
    assert_eq!(patient.found(|config| config.server.sessions_db = newer).await, codes(["database_newer"]));
    let fresh = patient.app.path("fresh.db");
    assert_eq!(patient.found(|config| config.server.sessions_db = fresh).await, codes([]));
    patient.app.finish().await;
}

#[tokio::test]
async fn whether_the_service_runs_and_answers_is_found() {
    let mut patient = Patient::healthy().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(patient.found(|config| config.server.address = free).await, codes(["not_answering"]));
    let report = examine(&Ok(patient.app.config()), &patient.surroundings, &patient.app.clock).await;
    let found = report.findings.iter().filter(|finding| !is_unused(finding)).map(|finding| finding.code);
    assert_eq!(found.collect::<Vec<_>>(), ["not_ready"]);
    patient.socket = None;
    assert_eq!(patient.found(|_| {}).await, codes(["port_taken"]));
    assert_eq!(patient.found(|config| config.server.address = free).await, codes(["not_running"]));
    patient.app.finish().await;
}

#[tokio::test]
async fn w3_a_previous_secret_is_found_until_it_is_taken_out_with_how_often_it_was_needed() {
    let rotating = |config: &mut Config| {
        let secrets = |old: &str| Secrets::new("a newer secret of the app".into(), Some(old.into()));
        config.facebook.as_mut().unwrap().app_secret = secrets(FACEBOOK_SECRET);
        config.shopify.as_mut().unwrap().api_secret = secrets(SHOPIFY_SECRET);
    };
    let mut patient = Patient::healthy().await;
    patient.socket = None;
    patient.app = patient.app.restart_with(rotating).await;
    patient.socket = Some(Socket::of(&patient.app));
    let about = async |code: &str, change: fn(&mut Config)| {
        let report = patient.report(change).await;
        let found = report.findings.into_iter().filter(|finding| finding.code == code);
        found.map(|finding| (finding.about, finding.cause)).collect::<Vec<_>>()
    };
    let names = |found: &[(String, String)]| found.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let (facebook, shopify) = ("FACEBOOK_APP_SECRET_PREVIOUS", "SHOPIFY_API_SECRET_PREVIOUS");
    assert_eq!(names(&about("previous_secret_unused", rotating).await), [facebook, shopify]);
    let body = format!(r#"{{"object":"page","entry":[{{"id":"{PAGE}","time":1,"messaging":[]}}]}}"#);
    patient.app.facebook.deliver_to(&format!("{}/facebook/webhook", patient.app.url));
    for _ in 0..3 {
        assert_eq!(patient.app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
    }
    let used = about("previous_secret_used", rotating).await;
    assert_eq!(names(&used), [facebook]);
    assert!(used[0].1.starts_with("3 deliveries"), "{used:?}");
    assert_eq!(names(&about("previous_secret_unused", rotating).await), [shopify]);
    let unknown = about("previous_secret_set", |config| {
        config.server.operator_token = None;
        config.facebook.as_mut().unwrap().app_secret = Secrets::new("new".into(), Some("old".into()));
    });
    assert_eq!(names(&unknown.await), [facebook]);
    patient.app.finish().await;
}

#[tokio::test]
async fn what_the_world_reaches_is_compared_with_the_service() {
    let mut patient = Patient::healthy().await;
    let found = patient
        .found(|config| {
            let facebook = config.facebook.as_mut().unwrap();
            facebook.verify_token = "another verify token".into();
        })
        .await;
    assert_eq!(found, codes(["verify_token_differs"]));

    let found = patient
        .found(|config| {
            let shopify = config.shopify.as_mut().unwrap();
            shopify.webhook_address = Url::parse(&patient.app.url).unwrap();
        })
        .await;
    assert!(found.contains("public_wrong_answer"), "{found:?}");

    let found = patient
        .found(|config| {
            config.facebook.as_mut().unwrap().webhook_address =
                Url::parse("http://127.0.0.1:9/facebook/webhook").unwrap();
        })
        .await;
    assert!(found.contains("public_unreachable"), "{found:?}");

    // With real platforms an address of this machine is of no use.
    let found = patient
        .found(|config| {
            config.facebook.as_mut().unwrap().graph_url = Url::parse("https://graph.facebook.invalid").unwrap()
        })
        .await;
    assert!(found.contains("not_public") && found.contains("facebook_unreachable"), "{found:?}");

    let port = patient.app.config().server.address.port();
    let ours = format!("http://localhost:{port}");
    patient.surroundings.ngrok = ngrok("https://abc.ngrok.app", &ours).await;
    let report = patient.report(|_| {}).await;
    let finding = report.findings.iter().find(|finding| finding.code == "ngrok_not_configured").unwrap();
    for part in [
        "PUBLIC_URL=https://abc.ngrok.app",
        "https://abc.ngrok.app/facebook/callback",
        "abc.ngrok.app/shopify/callback",
    ] {
        assert!(finding.fix.contains(part), "{finding:?}");
    }
    let old = Url::parse("https://old.ngrok.app").unwrap();
    let report = patient.report(|config| config.server.public_url = Some(old.clone())).await;
    let changed = report.findings.iter().find(|finding| finding.code == "ngrok_address_changed").unwrap();
    assert_eq!(report.findings.len(), 1, "{report:?}");
    // The name that is registered everywhere can be had again: each account of ngrok has one for good.
    assert!(changed.fix.contains(&format!("`ngrok http {port} --url https://old.ngrok.app`")), "{changed:?}");
    assert!(changed.fix.contains("PUBLIC_URL=https://abc.ngrok.app"), "{changed:?}");
    let same = Url::parse("https://abc.ngrok.app").unwrap();
    assert_eq!(patient.found(|config| config.server.public_url = Some(same)).await, codes([]));
    patient.surroundings.ngrok = ngrok("https://abc.ngrok.app", "http://localhost:1").await;
    assert_eq!(patient.found(|_| {}).await, codes(["ngrok_other_port"]));
    patient.surroundings.ngrok = Url::parse("http://127.0.0.1:9").unwrap();
    assert_eq!(patient.found(|config| config.server.public_url = Some(old)).await, codes(["ngrok_not_running"]));
    patient.app.finish().await;
}

#[tokio::test]
async fn what_the_journal_waits_for_is_found() {
    let patient = Patient::healthy().await;
    let now = patient.app.clock.now_ms();
    patient.sql(
        "journal",
        &format!(
            "INSERT INTO unfiled (channel, account, conversation, next_at, parked) VALUES ('facebook', '{PAGE}', '1', 0, 1);
             INSERT INTO rereads (channel, account, object, generation, wanted_at, due_at, parked, reason)
             VALUES ('shopify', '{SHOP}', 'products', 1, 0, 0, 1, 'refused');
             INSERT INTO account_cursors (channel, account, name, value)
             VALUES ('shopify', '{SHOP}', 'remark', 'An export failed.');
             INSERT INTO events (dedupe, channel, account, kind, opens, occurred_at, received_at, source, apart, payload)
             VALUES (x'01', 'facebook', '', 'unknown', 0, {now}, {now}, 'webhook', 'unreadable', x'7b7d'),
                    (x'02', 'facebook', '42', 'message', 1, {now}, {now}, 'webhook', 'the account is not connected', x'7b7d');
             UPDATE subscriptions SET missing = '[\"messages\"]', checked_at = {now} - 20000000 WHERE account = '{PAGE}';"
        ),
    );
    let expected = [
        "apart_account",
        "apart_unreadable",
        "parked_conversations",
        "parked_read",
        "read_by_detour",
        "subscription_missing",
        "watch_overdue",
    ];
    assert_eq!(patient.found(|_| {}).await, codes(expected));

    patient.sql(
        "journal",
        &format!(
            "DELETE FROM unfiled; DELETE FROM rereads; DELETE FROM account_cursors; DELETE FROM events WHERE apart IS NOT NULL;
             UPDATE subscriptions SET missing = '[]', checked_at = {now};
             INSERT INTO events (seq, dedupe, channel, account, kind, conversation, opens, occurred_at, received_at, source, payload)
             VALUES (100000, x'03', 'facebook', '{PAGE}', 'message', '7', 1, {now}, {now} - 3600000, 'webhook', x'7b7d')"
        ),
    );
    assert_eq!(patient.found(|_| {}).await, codes(["consumer_behind"]));
    patient.sql("journal", "DELETE FROM events WHERE seq = 100000");
    patient.app.finish().await;
}

#[tokio::test]
async fn the_state_of_accounts_is_found() {
    let patient = Patient::healthy().await;
    let connections = &patient.app.shared().connections;
    let refused = Some(Trouble::new(TroubleSource::Token, "Please log in."));
    let incomplete = Some(Trouble::new(TroubleSource::Check, "A scope is missing."));
    connections.set_status("facebook", PAGE, Status::NeedsReconnect, refused).await.unwrap();
    connections.set_status("shopify", SHOP, Status::Incomplete, incomplete).await.unwrap();
    assert_eq!(patient.found(|_| {}).await, codes(["incomplete", "needs_reconnect"]));
    for (channel, account) in [("facebook", PAGE), ("shopify", SHOP)] {
        connections.set_status(channel, account, Status::Connected, None).await.unwrap();
    }

    assert_eq!(
        patient.found(|config| config.facebook = None).await,
        codes(["account_without_platform", "platform_off"])
    );
    assert_eq!(patient.found(|config| config.server.operator_token = None).await, codes(["operator_off"]));
    // What is optional is a note, and a service without it is as healthy.
    let report = patient.report(|config| config.server.operator_token = None).await;
    assert!(report.is_healthy() && report.has(Severity::Note), "{}", report.to_text());
    assert!(report.to_text().contains("healthy: nothing was found (and 1 note)"), "{}", report.to_text());

    patient.sql("tokens", &format!("UPDATE tokens SET sealed = x'00' WHERE account = '{PAGE}' AND kind = 'access'"));
    assert_eq!(patient.found(|_| {}).await, codes(["token_missing"]));
    patient.sql("tokens", "UPDATE connections SET last_read_at = 1 WHERE channel = 'facebook'; DELETE FROM tokens");
    assert_eq!(patient.found(|_| {}).await, codes(["poll_overdue", "token_missing"]));
    patient.sql("tokens", "DELETE FROM connections");
    assert_eq!(patient.found(|_| {}).await, codes(["nothing_connected"]));
    patient.app.finish().await;
}

#[tokio::test]
async fn keys_of_the_api_that_end_soon_or_that_nobody_uses_are_found() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let patient = Patient::healthy().await;
    let app = &patient.app;
    let merchant = owner(app, SHOP).await;
    let days = |days| NewApiKey { days: Some(days), ..wish(merchant, &[Scope::Read]) };
    let (ending, _) = app.api_keys().insert(days(20), app.clock.now_ms()).await.unwrap();
    let (forgotten, _) = app.api_keys().insert(wish(merchant, &[Scope::Read]), app.clock.now_ms()).await.unwrap();
    let about_keys = async || {
        let report = patient.report(|_| {}).await;
        let found = report.findings.into_iter().filter(|finding| finding.code.starts_with("key_"));
        found.map(|finding| (finding.code, finding.about)).collect::<Vec<_>>()
    };
    assert_eq!(about_keys().await, []);
    app.clock.advance(7 * DAY);
    assert_eq!(about_keys().await, [("key_expires", format!("{} (a bot)", ending.id))]);
    // One that has ended ends no more.
    app.clock.advance(14 * DAY);
    assert_eq!(about_keys().await, []);
    app.clock.advance(70 * DAY);
    assert_eq!(about_keys().await, [("key_unused", format!("{} (a bot)", forgotten.id))]);
    app.api_keys().revoke(&forgotten.id, None, app.clock.now_ms()).await.unwrap();
    assert_eq!(about_keys().await, []);
    patient.app.finish().await;
}

#[tokio::test]
async fn what_keeps_bots_from_answering_is_found() {
    let patient = Patient::healthy().await;
    let now_ms = patient.app.clock.now_ms();
    let ago = |minutes: i64| now_ms - minutes * 60_000;
    let message = |number: i64, minutes: i64, part: &str| {
        format!(
            "INSERT INTO outgoing (number, id, merchant, channel, account, conversation, author, created_at, expires_at, ttl_ms,
                                   after_seq, is_open)
             VALUES ({number}, 'msg_{number}', '', 'facebook', '{PAGE}', '7', 'bot', {}, {now_ms}, 1, 0, 1);
             INSERT INTO outgoing_parts (message, n, kind, state, unknown_at, reason) VALUES ({number}, 1, 'text', {part});",
            ago(minutes)
        )
    };
    let state = |person: &str| {
        format!(
            "INSERT INTO conversation_states (channel, account, conversation, owner_lost_at)
             VALUES ('facebook', '{PAGE}', '{person}', {now_ms});"
        )
    };
    // What has just been asked for, and what was found out long ago, is no trouble.
    patient.sql("journal", &message(1, 1, "'accepted', NULL, NULL"));
    patient.sql("journal", &message(2, 1, &format!("'unknown', {now_ms}, NULL")));
    patient.sql(
        "journal",
        &message(3, 3_000, &format!("'failed', {}, 'unresolved'", ago(2_000))).replace(", 1);", ", 0);"),
    );
    assert_eq!(patient.found(|_| {}).await, codes([]));

    let plants: [(&str, String); 6] = [
        ("replies_blocked", message(4, 3, "'accepted', NULL, NULL")),
        ("replies_unknown", message(5, 2, &format!("'unknown', {}, NULL", ago(1)))),
        (
            "automatic_replies",
            format!(
                r#"INSERT INTO feed (merchant, n, type, channel, account, at, received_at, numbered_at, content)
               VALUES ('m', 1, 'echo', 'facebook', '{PAGE}', 0, 0, 0, '{{"by":"automation"}}');"#
            ),
        ),
        ("thread_not_ours", state("8") + &state("9")),
        (
            "push_failing",
            "INSERT INTO push_places (receiver, merchant, n, problem) VALUES ('own', 'm', 1, 'status 500');
             INSERT INTO push_waiting (receiver, merchant, n, channel, account, conversation, attempts)
             VALUES ('own', 'm', 1, 'facebook', '', '', 9);"
                .to_owned(),
        ),
        ("push_set_aside", "UPDATE push_places SET set_aside = 4".to_owned()),
    ];
    let mut expected = BTreeSet::new();
    for (code, sql) in plants {
        patient.sql("journal", &sql);
        expected.insert(code);
        assert_eq!(patient.found(|_| {}).await, expected, "{code}");
    }
    let report = patient.report(|_| {}).await;
    let cause = |code: &str| report.findings.iter().find(|one| one.code == code).unwrap().cause.clone();
    assert!(cause("replies_blocked").starts_with("1 messages") && cause("push_set_aside").starts_with("4 events"));
    assert!(cause("thread_not_ours").contains("2 conversations"));
    patient.app.close().await;
}

#[tokio::test]
async fn an_account_that_did_not_grant_what_sending_needs_is_found_and_nothing_is_accepted_there() {
    let patient = Patient::healthy().await;
    let connections = &patient.app.shared().connections;
    let mut granted = connections.find("facebook", PAGE).await.unwrap().unwrap().scopes;
    granted.retain(|scope| scope != "pages_messaging");
    connections.set_scopes("facebook", PAGE, granted).await.unwrap();
    assert_eq!(patient.found(|_| {}).await, codes(["send_permission_missing"]));
    let app = &patient.app;
    let sam = app.facebook.person("7000000000000001", "Sam Doe");
    let item = app.page().message_from(&sam, "Hello");
    app.page().deliver(&[item]).await.unwrap();
    app.settle().await;
    let bot = Bot::start(app, &[Scope::Read, Scope::Reply]).await;
    let path = format!("/api/v1/facebook/{PAGE}/conversations/7000000000000001/messages");
    let answer = bot.send(Method::POST, &path, &[("idempotency-key", "k")], br#"{"text":"Hi"}"#).await;
    assert_eq!(is_problem(&answer, 409, "account-unavailable")["why"], "incomplete");
    let event = bot.get("/api/v1/events?after=0&types=message").await.json()["events"][0].clone();
    assert_eq!(event["reason"], "account_unavailable");
    patient.app.close().await;
}

#[tokio::test]
async fn an_account_that_another_lends_its_token_lacks_none() {
    const INSTAGRAM: &str = "17841400000000001";
    let app = TestApp::start_with(|config| config.facebook.as_mut().unwrap().instagram = true).await;
    app.facebook.add_instagram(PAGE, INSTAGRAM, "demo.shop");
    let patient = Patient::healthy_after(app).await;
    assert_eq!(patient.app.connections("instagram").await[0]["account"], INSTAGRAM);
    let on = |config: &mut Config| config.facebook.as_mut().unwrap().instagram = true;
    assert_eq!(patient.found(on).await, codes([]));
    // Its Page's token is its own matter, and without the setting nothing of it is taken in.
    patient.sql("tokens", &format!("UPDATE tokens SET sealed = x'00' WHERE account = '{PAGE}' AND kind = 'access'"));
    let report = patient.report(on).await;
    let found: Vec<_> = report.findings.iter().map(|finding| (finding.code, finding.about.as_str())).collect();
    assert_eq!(found, [("token_missing", PAGE)]);
    let off = |config: &mut Config| config.facebook.as_mut().unwrap().instagram = false;
    assert!(patient.found(off).await.contains("account_without_platform"));
    patient.app.finish().await;
}

#[tokio::test]
async fn what_facebook_says_is_found() {
    let patient = Patient::healthy().await;
    let facebook = &patient.app.facebook;
    let version = |version: &'static str| {
        move |config: &mut Config| config.facebook.as_mut().unwrap().graph_version = version.to_owned()
    };
    assert!(patient.found(version("v19.0")).await.contains("facebook_version_dead"));
    assert!(patient.found(version("v24.0")).await.contains("facebook_version_old"));

    let subscriptions = "/subscriptions";
    facebook.traffic().fail_next(subscriptions, 1, Failure::Json(400, json!({ "error": { "code": 190 } })));
    assert_eq!(patient.found(|_| {}).await, codes(["facebook_app_refused"]));
    facebook.traffic().fail_next(subscriptions, 1, Failure::Json(400, json!({ "error": { "code": 4 } })));
    assert_eq!(patient.found(|_| {}).await, codes(["facebook_rate_limited"]));
    facebook.traffic().fail_next(subscriptions, 1, Failure::Html);
    assert_eq!(patient.found(|_| {}).await, codes(["facebook_unreadable"]));
    let other = json!({ "data": [{ "object": "page", "callback_url": "https://other.example/", "active": false,
                                   "fields": [{ "name": "messages", "version": "v26.0" }] }] });
    facebook.traffic().fail_next(subscriptions, 1, Failure::Json(200, other));
    let expected = ["facebook_app_fields_missing", "facebook_callback_differs", "facebook_callback_inactive"];
    assert_eq!(patient.found(|_| {}).await, codes(expected));
    facebook.drop_app_subscription();
    patient.app.page().unsubscribe();
    assert_eq!(patient.found(|_| {}).await, codes(["facebook_app_not_subscribed", "facebook_page_not_subscribed"]));
    patient.app.clock.advance(Duration::from_secs(3600));
    patient.app.run_due_jobs().await;

    let soon = patient.app.clock.now_ms() / 1000 + 86_400;
    let info = |change: serde_json::Value| {
        let mut info = json!({ "app_id": "900000000000001", "is_valid": true, "expires_at": 0, "scopes":
            ["pages_show_list", "pages_manage_metadata", "pages_messaging", "pages_read_engagement"] });
        info.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Failure::Json(200, json!({ "data": info }))
    };
    for (change, code) in [
        (json!({ "is_valid": false }), "facebook_token_invalid"),
        (json!({ "app_id": "1" }), "facebook_token_of_other_app"),
        (json!({ "scopes": ["pages_show_list"] }), "facebook_scope_missing"),
        (json!({ "expires_at": soon }), "facebook_token_ends"),
        (json!({ "data_access_expires_at": soon }), "facebook_access_ends"),
    ] {
        facebook.traffic().fail_next("/debug_token", 1, info(change));
        let found = patient.found(|_| {}).await;
        assert!(found.contains(code), "{code}: {found:?}");
    }
    let few = json!({ "data": [{ "id": "900000000000001", "subscribed_fields": ["messages"] }] });
    facebook.traffic().fail_next("/subscribed_apps", 1, Failure::Json(200, few));
    assert!(patient.found(|_| {}).await.contains("facebook_page_fields_missing"));

    let fast = shoptalk::shared::clock::Clock::manual(patient.app.clock.now() + Duration::from_secs(600));
    let report = examine(&Ok(patient.app.config()), &patient.surroundings, &fast).await;
    assert!(report.findings.iter().any(|finding| finding.code == "clock_wrong"), "{report:?}");
    patient.app.finish().await;
}

#[tokio::test]
async fn what_shopify_says_is_found() {
    let patient = Patient::healthy().await;
    let version = |version: &'static str| {
        move |config: &mut Config| config.shopify.as_mut().unwrap().api_version = version.to_owned()
    };
    let found = patient.found(version("2025-04")).await;
    assert!(found.contains("shopify_version_dead") && found.contains("shopify_version_falls_forward"), "{found:?}");
    assert!(patient.found(version("2026-01")).await.contains("shopify_version_ends"));

    let shopify = &patient.app.shopify;
    for (status, code) in [
        (401, "shopify_token_refused"),
        (402, "shopify_shop_closed"),
        (423, "shopify_shop_closed"),
        (503, "shopify_answers_with_errors"),
    ] {
        shopify.traffic().fail_next("/graphql.json", 1, Failure::Status(status));
        assert_eq!(patient.found(|_| {}).await, codes([code]), "{status}");
    }
    shopify.traffic().fail_next("/graphql.json", 1, Failure::Disconnect);
    assert_eq!(patient.found(|_| {}).await, codes(["shopify_unreachable"]));

    patient.app.shop().drop_subscription("products/update");
    assert_eq!(patient.found(|_| {}).await, codes(["shopify_topics_missing"]));
    let moved = Url::parse(&format!("{}/shopify/webhook?moved", patient.app.url)).unwrap();
    let found = patient.found(|config| config.shopify.as_mut().unwrap().webhook_address = moved).await;
    assert_eq!(found, codes(["shopify_callback_differs"]));
    patient.app.shop().change_scopes(&["read_products", "read_inventory"]);
    assert!(patient.found(|_| {}).await.contains("shopify_scope_missing"));

    patient.sql("tokens", "UPDATE tokens SET expires_at = 1 WHERE channel = 'shopify'");
    assert_eq!(patient.found(|_| {}).await, codes(["shopify_refresh_token_ends", "shopify_token_expired"]));
    patient.app.finish().await;
}

#[tokio::test]
async fn what_the_doctor_sends_is_no_delivery_that_was_refused() {
    let patient = Patient::healthy().await;
    let outcomes = async || {
        let bearer = format!("Bearer {OPERATOR_TOKEN}");
        let browser = patient.app.browser();
        let text = browser.send(http::Method::GET, "/metrics", &[("authorization", &bearer)], b"").await.text();
        let deliveries = text.lines().filter(|line| line.starts_with("shoptalk_deliveries_total{"));
        let not_tests = deliveries.filter(|line| !line.contains("self_test")).map(str::to_owned);
        not_tests.collect::<BTreeSet<String>>()
    };
    let (before, counts) = (outcomes().await, patient.app.counts().await);
    assert_eq!(patient.found(|_| {}).await, codes([]));
    assert_eq!(outcomes().await, before);
    assert_eq!(patient.app.counts().await, counts, "nothing is stored");
    // Another secret than the service has is a finding, and is refused there.
    let found = patient
        .found(|config| config.shopify.as_mut().unwrap().api_secret = Secrets::new("another long secret".into(), None))
        .await;
    assert!(found.contains("app_secret_differs"), "{found:?}");
    assert_ne!(outcomes().await, before);
    patient.app.finish().await;
}

#[test]
fn optional_parts_and_unknown_variables_are_found_and_how_bad_is_bad_can_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let service = process::Service::start(process::configured(folder.path(), &["serve"]));
    let codes = |arguments: &[&str], more: &[(&str, &str)]| {
        let mut command = process::configured(folder.path(), arguments);
        command.envs(more.iter().copied());
        process::run_briefly(command)
    };
    let ended = codes(&["doctor", "--fail-on", "warning"], &[("FACEBOOK_APPID", "1"), ("OPERATOR_TOKN", "x")]);
    for (name, nearest) in [("FACEBOOK_APPID", "FACEBOOK_APP_ID"), ("OPERATOR_TOKN", "OPERATOR_TOKEN")] {
        assert!(ended.stdout.contains(&format!("warning setting_unknown ({name})")), "{ended:?}");
        assert!(ended.stdout.contains(&format!("did you mean {nearest}?")), "{ended:?}");
    }
    assert!(ended.stdout.contains("note operator_off (OPERATOR_TOKEN)"), "{ended:?}");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let (status, log) = service.stop();
    assert!(status.success() && !log.contains("WARN"), "{log}");
    assert_eq!(codes(&["doctor", "--fail-on", "none"], &[]).code, Some(2));
}

#[test]
fn the_command_says_what_it_found_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    // Where there is neither a setting nor data, there is nothing to look at.
    let ended = process::run_briefly(process::shoptalk(folder.path(), &["doctor"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(folder.path().to_str().unwrap()), "{ended:?}");
    let mut command = process::shoptalk(folder.path(), &["doctor"]);
    command.env("LOG_FORMAT", "json");
    let ended = process::run_briefly(command);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("ERROR no_platform"), "{ended:?}");
    for word in ["cause:", "effect:", "fix:"] {
        assert!(ended.stdout.contains(word), "{ended:?}");
    }
    assert!(!folder.path().join("data").exists(), "a doctor makes nothing");

    let ended = process::run_briefly(process::configured(folder.path(), &["doctor", "--json"]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let codes: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"operator_off") && codes.contains(&"folder_missing"), "{codes:?}");
}

#[tokio::test]
async fn the_bucket_is_looked_at_as_the_service_would_use_it_and_left_as_it_is() {
    let bucket = Bucket::start().await;
    let settings = bucket.settings();
    let app = bucket.service().await;
    let patient = Patient::healthy_after(app).await;
    patient.app.clock.advance(Duration::from_secs(61));
    patient.app.work().await;
    let puts = bucket.traffic.received().iter().filter(|one| one.method != "GET").count();
    let found = async || patient.found(|config| config.server.objects = Some(settings.clone())).await;
    assert_eq!(found().await, BTreeSet::new());
    bucket.set_public(true);
    assert_eq!(found().await, BTreeSet::from(["cloud_public"]));
    bucket.set_public(false);
    // A gateway that answers everything with a page shows nothing of the bucket.
    bucket.traffic.fail_next(BUCKET, usize::MAX, Failure::Html);
    assert!(!found().await.contains("cloud_public"));
    bucket.traffic.heal();
    bucket.set_versioning(Some("Enabled"));
    assert_eq!(found().await, BTreeSet::from(["cloud_versioned"]));
    bucket.set_versioning(None);
    let ours = bucket.text(MARKER).unwrap();
    bucket.put(MARKER, "another installation");
    assert_eq!(found().await, BTreeSet::from(["cloud_foreign_owner"]));
    bucket.put(MARKER, &ours);
    for (failure, code) in [
        (Bucket::refusal(403, "InvalidAccessKeyId"), "cloud_refused"),
        (Bucket::refusal(404, "NoSuchBucket"), "cloud_bucket_missing"),
        (Failure::Status(500), "cloud_unreachable"),
    ] {
        bucket.traffic.fail_next(BUCKET, usize::MAX, failure);
        assert_eq!(found().await, BTreeSet::from([code]));
        bucket.traffic.heal();
    }
    assert_eq!(bucket.traffic.received().iter().filter(|one| one.method != "GET").count(), puts, "nothing is changed");
    // What only shows where something is sent: the running service knows it.
    bucket.traffic.fail_next("page_metadata.json", 1, Bucket::refusal(403, "AccessDenied"));
    let file = RelativePath::new(&["facebook", PAGE, "page_metadata.json"]).unwrap();
    let text = patient.app.text(&format!("facebook/{PAGE}/page_metadata.json")).unwrap();
    patient.app.shared().output.write(&file, format!("{text}\n").as_bytes()).unwrap();
    patient.app.clock.advance(Duration::from_secs(61));
    patient.app.work().await;
    assert!(found().await.contains("cloud_refused"));
    bucket.heal();
    patient.app.clock.advance(Duration::from_secs(3601));
    patient.app.work().await;
    let others = found().await;
    assert!(!others.contains("cloud_refused"), "{others:?}");
    patient.sql(
        "journal",
        "INSERT INTO object_copies (path, folder, stem, first_at, due_at) VALUES ('a/b/c', 'a/b', 'c', 1, 1)",
    );
    assert_eq!(found().await, &others | &BTreeSet::from(["cloud_behind"]));
    patient.sql("journal", "DELETE FROM object_copies WHERE path = 'a/b/c'");
    drop(patient.socket);
    patient.app.finish().await;
}

#[tokio::test]
async fn whatever_alert_is_open_in_the_running_service_is_found() {
    const CAUSES: [&str; 42] = [
        "journal:missing",
        "journal:new",
        "journal:unwritable",
        "journal:slow",
        "journal:checkpoint",
        "files:new_folder",
        "files:taken_in",
        "files:moved_aside",
        "files:blocked",
        "sessions:new",
        "consumer:conversations",
        "consumer:feed",
        "job:poll",
        "erasure:0123",
        "uploads:full",
        "meta:version",
        "facebook:app",
        "facebook:100000000000101:subscriptions",
        "facebook:100000000000101:unreadable",
        "facebook:100000000000101:login",
        "facebook:100000000000101:policy",
        "facebook:100000000000101:needs_reconnect",
        "facebook:100000000000101:replies",
        "facebook:100000000000101:handover:0123",
        "instagram:17841400000000001:unreadable",
        "shopify:demo-shop.myshopify.com:unserved",
        "shopify:demo-shop.myshopify.com:uninstall",
        "shopify:demo-shop.myshopify.com:data_request",
        "shopify:demo-shop.myshopify.com:subscriptions",
        "shopify:demo-shop.myshopify.com:credentials",
        "shopify:demo-shop.myshopify.com:login ends",
        "viber:1:token",
        "viber:1:webhook",
        "linkedin:1:token",
        "linkedin:1:subscription",
        "whatsapp:1:subscriptions",
        "whatsapp:1:callback",
        "whatsapp:1:fields",
        "push:0123",
        "responder:unreachable",
        "cloud_file_refused",
        "keys:rotate",
    ];
    let patient = Patient::healthy().await;
    let alerts = &patient.app.shared().alerts;
    for cause in CAUSES {
        alerts.raise(cause, "Something must be mended.");
        let report = patient.report(|_| {}).await;
        let told: Vec<_> = report.findings.iter().filter(|finding| finding.about == cause).collect();
        assert_eq!(told.len(), 1, "{cause}: {:?}", report.findings);
        assert_eq!((told[0].code, told[0].severity), ("alert_open", Severity::Warning));
        assert!(told[0].cause.contains("Something must be mended.") && !report.is_healthy());
        alerts.heal(cause);
    }
    assert_eq!(patient.found(|_| {}).await, codes([]));
    drop(patient.socket);
    patient.app.finish().await;
}

#[tokio::test]
async fn f7_what_stands_in_the_place_of_a_folder_is_told_with_its_path_until_it_is_gone() {
    let patient = Patient::healthy().await;
    let app = &patient.app;
    let (page, sam) = (app.page(), app.facebook.person("7000000000000001", "Sam"));
    let folder = app.path(&format!("facebook/{PAGE}/conversations"));
    let aside = app.path("aside");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::rename(&folder, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &folder).unwrap();
    let found = patient.report(|_| {}).await.findings;
    let told = found.iter().find(|finding| finding.code == "output_blocked").unwrap();
    assert_eq!(told.about, folder.display().to_string());
    assert_eq!(page.deliver(&[page.message_from(&sam, "Hello")]).await.unwrap(), Some(200));
    app.settle().await;
    let alerts = app.shared().alerts.list();
    assert_eq!(alerts.iter().map(|alert| alert.cause.as_str()).collect::<Vec<_>>(), ["files:blocked"]);
    assert!(alerts[0].sentence.contains(&*folder.to_string_lossy()), "{}", alerts[0].sentence);
    let blocked = app.shared().output.ensure_unblocked().unwrap_err().to_string();
    assert!(blocked.contains(&*folder.to_string_lossy()), "{blocked}");
    let ready = app.browser().get("/ready").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("cannot store anything"), "{}", ready.text());
    assert_eq!(patient.found(|_| {}).await, codes(["output_blocked"]));
    assert_eq!(std::fs::read_dir(&aside).unwrap().count(), 0, "nothing is written through it");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    app.clock.advance(Duration::from_secs(3600));
    app.settle().await;
    assert_eq!(app.said("7000000000000001"), ["Hello"]);
    assert_eq!(app.shared().alerts.list().len(), 0);
    app.shared().output.ensure_unblocked().unwrap();
    // Nobody runs the consumers in this test, and nothing else stands against it.
    let ready = app.browser().get("/ready").await;
    assert!(ready.text().contains("starting or stopping"), "{}", ready.text());
    drop(patient.socket);
    patient.app.finish().await;
}

#[tokio::test]
async fn faults_of_the_bot_are_found() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let model = Model::start().await;
    let serve = async |router: axum::Router| {
        let router = router.fallback(|| async { axum::http::StatusCode::UNAUTHORIZED });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    };
    let refuses = serve(axum::Router::new()).await;
    let patient = Patient::healthy().await;
    let found = async |url: &str| {
        let mut settings = model.settings();
        settings.endpoint = url.parse().unwrap();
        patient.found(|config| config.server.responder = Some(settings)).await
    };
    assert_eq!(found(&model.url).await, codes([]), "a service that does not tell its models is reached, too");
    assert_eq!(found("http://127.0.0.1:9/v1").await, codes(["bot_endpoint_unreachable"]));
    assert_eq!(found(&refuses).await, codes(["bot_refused"]));
    let models = axum::Router::new().route("/v1/models", get(|| async { "{}" }));
    let refuses_questions = serve(models.clone()).await;
    assert_eq!(found(&refuses_questions).await, codes(["bot_refused"]), "who tells models may take no question");
    let questions = axum::routing::post(|| async { axum::http::StatusCode::BAD_REQUEST });
    let takes_questions = serve(models.route("/v1/chat/completions", questions)).await;
    assert_eq!(found(&takes_questions).await, codes([]), "it is asked at the addresses of the API");
    // How a model answers questions the running service knows.
    for (cause, code) in [("responder:unreachable", "bot_endpoint_unreachable"), ("responder:refused", "bot_refused")] {
        let alerts = &patient.app.shared().alerts;
        alerts.raise(cause, "The bot's model is not well.");
        assert_eq!(found(&model.url).await, codes([code]));
        alerts.heal(cause);
    }
    assert_eq!(found(&model.url).await, codes([]));
    let today = patient.app.clock.now_ms() / DAY_MS;
    let spent = |day: i64| format!("INSERT INTO responder_tokens VALUES ('m', {day}, 60000, 50000)");
    patient.sql("journal", &spent(today - 1));
    assert_eq!(found(&model.url).await, codes([]));
    patient.sql("journal", &spent(today));
    assert_eq!(found(&model.url).await, codes(["bot_over_budget"]));
    assert_eq!(model.asked().len(), 0, "looking costs nothing");
    drop(patient.socket);
    patient.app.finish().await;
}

#[tokio::test]
async fn an_account_that_cannot_send_is_found_with_what_its_platform_said() {
    for (refusal, code) in [(368, "replies_blocked"), (230, "send_permission_missing")] {
        let patient = Patient::healthy().await;
        let app = &patient.app;
        let sam = app.facebook.person("7000000000000001", "Sam Doe");
        let item = app.page().message_from(&sam, "Hello");
        app.page().deliver(&[item]).await.unwrap();
        app.settle().await;
        let bot = Bot::start(app, &[Scope::Read, Scope::Reply]).await;
        app.facebook.fail_sends(1, SendFailure::Refused(refusal, None));
        let path = format!("/api/v1/facebook/{PAGE}/conversations/7000000000000001/messages");
        let answer = bot.send(Method::POST, &path, &[("idempotency-key", "k")], br#"{"text":"Hi"}"#).await;
        assert_eq!(answer.status, 202);
        app.work().await;
        assert_eq!(patient.found(|_| {}).await, codes([code]));
        patient.app.close().await;
    }
}
