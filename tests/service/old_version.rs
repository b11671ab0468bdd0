//! A data folder and a backup of an older version, opened by the program of today. How they were made:
//! `tests/fixtures/old_version/README.md`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shoptalk::app::config::{Config, Server};
use shoptalk::backup::restore;
use shoptalk::shared::clock::Clock;
use tempfile::TempDir;

use crate::test_app::{PAGE, SHOP, TestApp};

/// The master key of the fixture.
const KEY: &[u8; 32] = b"no secret: key of the old versio";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/old_version")
}

fn write_key(data: &Path) {
    let path = data.join("master.key");
    fs::write(&path, STANDARD.encode(KEY)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The first event of a conversation is deleted by age, as the retention of the older version does it: its file is the only
/// copy from then on.
fn prune(folder: &Path, journal: &Connection) {
    const PERSON: &str = "7000000000000002";
    let file = folder.join(format!("facebook/100000000000101/conversations/{PERSON}.json"));
    let content = fs::read(file).unwrap();
    let (seq, payload): (i64, Vec<u8>) = journal
        .query_row(
            "SELECT seq, payload FROM events WHERE conversation = ?1 ORDER BY occurred_at, seq LIMIT 1",
            [PERSON],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let bytes = b"[\n".len() + payload.len();
    assert_eq!(&content[2..bytes], payload);
    journal.execute("INSERT INTO pruned_keys SELECT dedupe FROM events WHERE seq = ?1", [seq]).unwrap();
    journal.execute("DELETE FROM events WHERE seq = ?1", [seq]).unwrap();
    let row = (PERSON, i64::try_from(bytes).unwrap(), Sha256::digest(&content[..bytes]).to_vec());
    journal
        .execute("INSERT INTO pruned_conversations VALUES ('facebook', '100000000000101', ?1, 1, ?2, ?3)", row)
        .unwrap();
}

#[test]
#[ignore = "makes the fixture anew with the program of an older version: SHOPTALK_OLD says where that is"]
fn make_the_fixture() {
    let program = std::env::var_os("SHOPTALK_OLD").expect("SHOPTALK_OLD is the path of the older program");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
        assert!(command.status().unwrap().success(), "{arguments:?}");
    };
    let data = folder.join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    write_key(&data);
    run(&["demo", "--once", "--dir", "."]);
    let media = folder.join("facebook/100000000000101/media");
    fs::create_dir_all(&media).unwrap();
    fs::write(media.join("kept.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    for name in ["tokens", "journal", "sessions"] {
        let database = Connection::open(data.join(format!("{name}.db"))).unwrap();
        let rows = fixture().join(format!("{name}.sql"));
        if rows.exists() {
            database.execute_batch(&fs::read_to_string(rows).unwrap()).unwrap();
        }
        if name == "journal" {
            prune(folder, &database);
        }
        database
            .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024; VACUUM; PRAGMA journal_mode = WAL;")
            .unwrap();
    }
    // The backup needs no more of the settings than where things are.
    run(&["backup", "copy"]);
    for name in ["data", "backup"] {
        let _ = fs::remove_dir_all(fixture().join(name));
    }
    fs::create_dir(fixture().join("data")).unwrap();
    for name in ["tokens.db", "journal.db", "sessions.db"] {
        fs::copy(data.join(name), fixture().join("data").join(name)).unwrap();
    }
    copy_tree(&folder.join("copy"), &fixture().join("backup"));
}

/// A minute after the older version was stopped.
fn clock() -> Clock {
    let manifest: Value = serde_json::from_slice(&fs::read(fixture().join("backup/backup.json")).unwrap()).unwrap();
    let made = chrono::DateTime::from_timestamp_millis(manifest["made_at"].as_i64().unwrap()).unwrap();
    Clock::manual(made + Duration::from_secs(60))
}

/// A copy of the folder as the older version left it.
fn left_behind() -> Arc<TempDir> {
    let folder = tempfile::tempdir().unwrap();
    copy_tree(&fixture().join("data"), &folder.path().join("data"));
    fs::set_permissions(folder.path().join("data"), fs::Permissions::from_mode(0o700)).unwrap();
    write_key(&folder.path().join("data"));
    copy_tree(&fixture().join("backup/files"), folder.path());
    Arc::new(folder)
}

/// Every file of the output folder, by its path in it.
fn files() -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read(path).unwrap()));
            }
        }
    }
    let (root, mut found) = (fixture().join("backup/files"), Vec::new());
    walk(&root, &root, &mut found);
    assert!(found.len() >= 6, "{}", found.len());
    found
}

/// Account, status and sentence of every connection, as the operator's API shows them.
async fn told(app: &TestApp) -> Vec<(String, String, String)> {
    let mut told = Vec::new();
    for one in app.status().await["connections"].as_array().unwrap() {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        told.push((text("account"), text("status"), text("status_reason")));
    }
    told.sort();
    told
}

/// What the older version told of them.
const TOLD: [(&str, &str, &str); 9] = [
    (PAGE, "connected", ""),
    (
        "100000000000102",
        "incomplete",
        "Reading is incomplete: Facebook does not let this service read the conversations (pages_messaging is missing).",
    ),
    ("100000000000103", "needs_reconnect", "The login of this Page has ended. Please connect the Page again."),
    (
        "100000000000104",
        "incomplete",
        "a permission is missing (pages_messaging); choose “Continue with Facebook” again and tick it",
    ),
    (
        "100000000000105",
        "connected",
        "Facebook's permission to read the Page ends on 7 December 2026. Choose “Continue with Facebook” before that day to \
         renew it.",
    ),
    (
        "100000000000106",
        "connected",
        "Reading is incomplete: Facebook allows fewer calls at the moment; reading goes on by itself.",
    ),
    ("17841400000000001", "connected", ""),
    (
        "closed-shop.myshopify.com",
        "incomplete",
        "Reading pauses: this shop is not active at Shopify: paused, or closed. Reading goes on by itself when it is open \
         again.",
    ),
    (SHOP, "connected", ""),
];

fn assert_told(told: &[(String, String, String)], expected: &[(&str, &str, &str)]) {
    let told: Vec<(&str, &str, &str)> = told.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn the_data_folder_of_an_older_version_opens_and_its_files_stay_as_they_were() {
    let app = TestApp::start_in(left_behind(), clock(), |_| {}).await;
    assert_told(&told(&app).await, &TOLD);
    app.work().await;
    for (name, content) in files() {
        assert_eq!(fs::read(app.path(&name)).unwrap(), content, "{name}");
    }
    // Made anew from the journal, and where its beginning was deleted by age from the file, each is the same.
    app.command(shoptalk::commands::Command::Rebuild { account: Some(PAGE.into()) }).await;
    for (name, content) in files() {
        assert_eq!(fs::read(app.path(&name)).unwrap(), content, "{name}");
    }
    // What was being erased when the older version stopped is gone, every word of it.
    let receipt = app.shared().erasure.receipt("0000000000000000000000000000000d").await.unwrap().unwrap();
    assert!(receipt.done_at.is_some(), "{receipt:?}");
    // What the older version had counted (2 and 9 rows), and one event, two cursors, a value, a read, a thread, a subscription.
    assert_eq!((receipt.erased.events, receipt.erased.rows), (5, 17), "{receipt:?}");
    assert!(!app.is_on_disk("To be erased"));
    // Nothing is translated twice. (The first is the Page whose people were asked for with a token that these platforms do
    // not know.)
    let app = app.restart().await;
    assert_told(&told(&app).await[1..], &TOLD[1..]);
    app.close().await;
}

#[tokio::test]
async fn the_merchant_of_an_older_version_reads_the_same_sentences_and_messages_flow_on() {
    let app = TestApp::start_in(left_behind(), clock(), |_| {}).await;
    let id = "a".repeat(64);
    let merchant = app.shared().connections.find("facebook", PAGE).await.unwrap().unwrap().merchant;
    app.shared().sessions.insert(&id, merchant, None, app.clock.now_ms()).await.unwrap();
    let browser = app.browser().for_pages();
    browser.set_cookie("session_id", &id);
    let home = browser.get("/").await.text();
    for (account, status, sentence) in TOLD {
        let is_told = home.contains(&sentence.replace('\'', "&#39;")) || home.contains(sentence);
        assert!(status == "connected" || is_told, "{account}: {sentence}");
    }
    let page = browser.get(&format!("/conversations/facebook/{PAGE}")).await.text();
    assert!(page.contains("Sam Doe") && page.contains("Ana Moreno"), "{page}");
    let before = app.said("7000000000000001");
    assert_eq!(before, ["Is the blue one in stock? 😀", "Yes, 3 left.", "Are you still there?"]);

    let now = app.clock.now_ms();
    let item = json!({
        "sender": { "id": "7000000000000001" }, "recipient": { "id": PAGE }, "timestamp": now,
        "message": { "mid": "m_of_today", "text": "I am back" },
    });
    let body = json!({ "object": "page", "entry": [{ "id": PAGE, "time": now, "messaging": [item] }] });
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    assert_eq!(app.facebook.deliver_raw(body.to_string().as_bytes()).await.unwrap(), 200);
    app.work().await;
    assert_eq!(app.said("7000000000000001")[..3], before);
    assert_eq!(app.said("7000000000000001")[3], "I am back");
    app.close().await;
}

#[tokio::test]
async fn the_backup_of_an_older_version_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::below(folder.path());
    fs::create_dir(folder.path().join("data")).unwrap();
    write_key(&folder.path().join("data"));
    restore(&server, &fixture().join("backup"), &clock()).await.unwrap();
    for (name, content) in files() {
        assert_eq!(fs::read(folder.path().join(&name)).unwrap(), content, "{name}");
    }
    let config = Config::without_channels(server);
    let app = shoptalk::app::App::build(config, clock()).await.unwrap();
    let list = app.shared().connections.list().await.unwrap();
    assert_eq!(list.len(), TOLD.len());
    app.settle().await.unwrap();
    app.stop(None).await;
}

#[tokio::test]
async fn what_an_older_version_said_in_names_signs_and_words_stands_in_columns() {
    let app = TestApp::start_in(left_behind(), clock(), |_| {}).await;
    let rows = |database: &str, sql: &str| -> Vec<String> {
        let connection = Connection::open(app.path("data").join(database)).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let troubles =
        "SELECT account || ' ' || trouble_source FROM connections WHERE trouble_source IS NOT NULL ORDER BY account";
    assert_eq!(
        rows("tokens.db", troubles),
        [
            "100000000000102 read",
            "100000000000103 token",
            "100000000000104 check",
            "100000000000105 check",
            "100000000000106 read",
            "closed-shop.myshopify.com pause"
        ]
    );
    let alerts = "SELECT concat_ws('|', cause, channel, account, kind) FROM alert_posts ORDER BY id";
    assert_eq!(
        rows("tokens.db", alerts),
        [
            "facebook:100000000000103:needs_reconnect|facebook|100000000000103|needs_reconnect",
            "facebook:100000000000102:parked|facebook|100000000000102|parked",
            "facebook:100000000000101:subscriptions|facebook|100000000000101|subscriptions",
            "facebook:app:subscriptions",
            "shopify:closed-shop.myshopify.com:login ends|shopify|closed-shop.myshopify.com|login ends",
            "consumer:conversations",
            "job:poll shopify",
            "erasure:0000000000000000000000000000000d",
            "erasure:0000000000000000000000000000000d:late",
            "master key"
        ]
    );
    let cursors = "SELECT concat_ws('|', channel, account, name, value) FROM account_cursors
                   WHERE name IN ('updated_time', 'polled_seq', 'policy', 'page') AND account <> '100000000000101'
                   ORDER BY channel, account, name";
    assert_eq!(
        rows("journal.db", cursors),
        [
            "facebook|100000000000102|polled_seq|2",
            "facebook|100000000000102|updated_time|2026-11-20T10:00:00+00:00",
            "facebook|100000000000104|policy|block",
            "facebook|100000000000109|polled_seq|1",
            "facebook|100000000000109|updated_time|2026-11-20T10:00:00+00:00",
            "instagram|17841400000000001|page|100000000000101",
            "instagram|17841400000000001|polled_seq|6",
            "instagram|17841400000000001|updated_time|2026-11-20T10:00:00+00:00"
        ]
    );
    let left = "SELECT name FROM cursors WHERE name GLOB '*[0-9][0-9][0-9]*' OR name = 'shopify:webhook addresses'";
    assert_eq!(rows("journal.db", left), ["shopify:webhook addresses"]);
    let counts = "SELECT name || '|' || events || '|' || rows FROM erased_counts";
    assert_eq!(rows("journal.db", counts), ["erasure:0000000000000000000000000000000d:1|4|9"]);
    let unfiled = "SELECT conversation || '|' || generation || '|' || taken_back || '|' || (next_at < 0) FROM unfiled
                   ORDER BY conversation";
    let expected =
        ["7000000000000021|1|0|0", "7000000000000022|1|0|0", "7000000000000023|1|0|0", "7000000000000024|1|1|0"];
    assert_eq!(rows("journal.db", unfiled), expected);
    app.work().await;
    assert_eq!(rows("journal.db", unfiled), expected[1..3]);
    app.close().await;
}
