//! The master key is changed: beside the work, cut off anywhere, from a file or from the environment (rules T4, T5, T6).

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use shoptalk::app::App;
use shoptalk::app::config::{Config, MasterKey, Server};
use shoptalk::commands::rotate_keys::MANY_SEALS;
use shoptalk::commands::{Command, Line};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::store::{NewConnection, Status, Token, TokenKind};
use zeroize::Zeroizing;

use crate::load::Random;
use crate::process::{Service, configured, run};
use crate::test_app::{PAGE, SHOP, TestApp};

/// The lines of a key file.
fn keys_in(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("data/master.key")).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Polls a future so many times and then drops it. Whether it came to its end.
async fn cut_off_after(polls: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

async fn tokens_open(app: &TestApp) -> bool {
    let connections = &app.shared().connections;
    connections.find_token("facebook", PAGE, TokenKind::Access).await.unwrap().is_some()
        && connections.find_token("shopify", SHOP, TokenKind::Access).await.unwrap().is_some()
        && connections.find_token("shopify", SHOP, TokenKind::Refresh).await.unwrap().is_some()
}

#[tokio::test]
async fn t5_a_rotation_beside_the_work_leaves_every_account_and_session_usable_and_no_old_key() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    let before = keys_in(&app.path(""));
    let lines = app.command(Command::RotateKeys).await;
    assert_eq!(lines.last(), Some(&Line::End { good: true }), "{lines:?}");
    let after = keys_in(&app.path(""));
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
    assert!(!app.is_on_disk(before[0].trim_end_matches('=')), "the old key is still somewhere");
    assert!(tokens_open(&app).await);
    assert!(browser.get("/").await.text().contains("Demo Shop"), "the merchant is still logged in");
    let asked = app.outgoing();
    app.command(Command::Sync { channel: None, account: None }).await;
    assert!(app.outgoing() > asked);
    // And with nothing in memory.
    let app = app.restart().await;
    assert!(tokens_open(&app).await);
    assert_eq!(app.connections("shopify").await[0]["status"], "connected");
    app.finish().await;
}

#[tokio::test]
async fn t5_cut_off_at_any_step_the_next_start_reads_everything_and_goes_on() {
    let mut app = TestApp::start().await;
    app.connect().await;
    let first = keys_in(&app.path(""));
    let mut finished = false;
    let mut with_two_keys = 0;
    for polls in 1.. {
        finished = cut_off_after(polls, app.rotation().rotate()).await;
        app = app.restart().await;
        assert!(tokens_open(&app).await, "after {polls} polls");
        with_two_keys += usize::from(keys_in(&app.path("")).len() == 2);
        if finished {
            break;
        }
    }
    // How many steps a poll takes is up to the threads that do the work.
    assert!(finished && with_two_keys >= 1, "{with_two_keys}");
    assert_eq!(app.rotation().resume().await.unwrap(), None);
    let last = keys_in(&app.path(""));
    assert_eq!(last.len(), 1);
    assert_ne!(first, last);
    app.finish().await;
}

/// A data folder with so many accounts, each with a token that says whose it is.
async fn many_accounts(folder: &Path, count: usize) {
    let app = open(folder, |_| {}).await;
    let new = (0..count)
        .map(|number| NewConnection {
            channel: "facebook",
            account: format!("1000{number}"),
            merchant: uuid::Uuid::nil(),
            name: "Demo Shop".to_owned(),
            scopes: Vec::new(),
            status: Status::Connected,
            status_reason: None,
            platform_user: None,
            tokens: vec![(
                TokenKind::Access,
                Token { secret: format!("token of 1000{number}").into(), expires_at: None },
            )],
        })
        .collect();
    app.shared().connections.upsert(new, 0).await.unwrap();
    app.stop(None).await;
}

async fn open(folder: &Path, change: impl FnOnce(&mut Server)) -> App {
    let mut server = Server::below(folder);
    change(&mut server);
    App::build(Config::without_channels(server), Clock::system()).await.unwrap()
}

async fn all_open(app: &App, count: usize) {
    for number in 0..count {
        let account = format!("1000{number}");
        let token = app.shared().connections.find_token("facebook", &account, TokenKind::Access).await.unwrap();
        assert_eq!(token.expect("it opens").secret.expose_secret(), format!("token of {account}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_killed_at_any_moment_no_token_is_lost() {
    const ACCOUNTS: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    many_accounts(folder.path(), ACCOUNTS).await;
    let mut random = Random::seeded();
    for _ in 0..8 {
        let mut command = configured(folder.path(), &["keys", "rotate"]);
        let mut child =
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        tokio::time::sleep(random.milliseconds(5, 120)).await;
        // As a power supply or the kernel ends it.
        child.kill().unwrap();
        child.wait().unwrap();
        let app = open(folder.path(), |_| {}).await;
        all_open(&app, ACCOUNTS).await;
        app.stop(None).await;
    }
    let ended = run(configured(folder.path(), &["keys", "rotate"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(keys_in(folder.path()).len(), 1);
    let app = open(folder.path(), |_| {}).await;
    all_open(&app, ACCOUNTS).await;
    app.stop(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_the_command_works_beside_a_running_service() {
    let folder = tempfile::tempdir().unwrap();
    many_accounts(folder.path(), 120).await;
    let before = keys_in(folder.path());
    let service = Service::start(configured(folder.path(), &["serve"]));
    let ended = run(configured(folder.path(), &["keys", "rotate"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("121 values are sealed with the new master key"), "{}", ended.stdout);
    let (status, log) = service.stop();
    assert!(status.success(), "{log}");
    assert!(log.contains("the master key was rotated"), "{log}");
    let after = keys_in(folder.path());
    assert!(before != after && after.len() == 1);
    let app = open(folder.path(), |_| {}).await;
    all_open(&app, 120).await;
    app.stop(None).await;
}

fn key(first: u8) -> MasterKey {
    MasterKey(Zeroizing::new(std::array::from_fn(|at| first.wrapping_add(at as u8))))
}

#[tokio::test]
async fn t5_a_key_of_the_environment_takes_over_from_the_file_and_from_another() {
    let folder = tempfile::tempdir().unwrap();
    many_accounts(folder.path(), 60).await;
    let of_file: [u8; 32] = STANDARD.decode(&keys_in(folder.path())[0]).unwrap().try_into().unwrap();
    let steps =
        [(key(1), Some(MasterKey(Zeroizing::new(of_file)))), (key(1), None), (key(2), Some(key(1))), (key(2), None)];
    for (current, previous) in steps {
        let under_way = previous.is_some();
        let app = open(folder.path(), |server| {
            server.master_key = Some(current);
            server.previous_master_key = previous;
        })
        .await;
        all_open(&app, 60).await;
        let outcome = app.command_runner().rotation.resume().await.unwrap();
        assert_eq!(outcome.map(|outcome| outcome.resealed.done), under_way.then_some(61));
        if !under_way {
            let error = app.command_runner().rotation.rotate().await.unwrap_err().to_string();
            assert!(error.contains("TOKEN_ENCRYPTION_KEY_PREVIOUS"), "{error}");
        }
        app.stop(None).await;
    }
}

#[tokio::test]
async fn t6_the_wrong_key_is_one_sentence_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    many_accounts(folder.path(), 1).await;
    let database = folder.path().join("data/tokens.db");
    let before = std::fs::read(&database).unwrap();
    let mut command = configured(folder.path(), &["serve"]);
    command.env("TOKEN_ENCRYPTION_KEY", STANDARD.encode(key(9).0.as_ref()));
    let ended = run(command);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("the master key is not the one that sealed tokens.db"), "{}", ended.stderr);
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

#[tokio::test]
async fn t7_a_damaged_token_costs_its_own_account_a_login_and_does_not_hold_a_rotation_up() {
    let folder = tempfile::tempdir().unwrap();
    many_accounts(folder.path(), 3).await;
    let database = rusqlite::Connection::open(folder.path().join("data/tokens.db")).unwrap();
    // Moved: the token of one account in the row of another.
    database
        .execute(
            "UPDATE tokens SET sealed = (SELECT sealed FROM tokens WHERE account = '10000') WHERE account = '10001'",
            [],
        )
        .unwrap();
    drop(database);
    let app = open(folder.path(), |_| {}).await;
    let outcome = app.command_runner().rotation.rotate().await.unwrap();
    assert_eq!((outcome.resealed.done, outcome.resealed.unreadable, outcome.dropped), (3, 1, true));
    let connections = &app.shared().connections;
    assert!(connections.find_token("facebook", "10001", TokenKind::Access).await.unwrap().is_none());
    assert!(connections.find_token("facebook", "10002", TokenKind::Access).await.unwrap().is_some());
    app.stop(None).await;
}

#[tokio::test]
async fn t4_seals_are_counted_for_each_key_and_many_of_them_are_said() {
    let app = TestApp::start().await;
    app.connect().await;
    app.rotation().count_seals().await.unwrap();
    let database = rusqlite::Connection::open(app.path("data/tokens.db")).unwrap();
    let counted = || database.query_row("SELECT seals FROM key_seals", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = counted();
    assert!(before >= 5, "{before}: the check value, a session or two, three tokens");
    app.rotation().count_seals().await.unwrap();
    assert_eq!(counted(), before);
    assert!(app.shared().alerts.list().is_empty());
    database.execute("UPDATE key_seals SET seals = ?1", [MANY_SEALS as i64]).unwrap();
    app.rotation().count_seals().await.unwrap();
    let alerts = app.shared().alerts.list();
    assert!(alerts.iter().any(|alert| alert.sentence.contains("shoptalk keys rotate")), "{alerts:?}");
    app.rotation().rotate().await.unwrap();
    assert!(app.shared().alerts.list().is_empty());
    assert!(counted() < 100);
    app.finish().await;
}

/// The key that `keys new` has printed.
fn printed(ended: &crate::process::Ended) -> String {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let key = ended.stdout.trim_end().to_owned();
    assert!(key.starts_with("stk_") && key.len() == 58, "only the key is written: {ended:?}");
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_api_are_made_shown_and_revoked_with_and_without_a_running_service() {
    let folder = tempfile::tempdir().unwrap();
    many_accounts(folder.path(), 1).await;
    let run = |arguments: &[&str]| run(configured(folder.path(), &[&["keys"], arguments].concat()));
    let new = ["new", "--account", "facebook/10000", "--name", "Sales bot", "--scopes", "read,reply"];
    let listed = || -> serde_json::Value {
        let ended = run(&["list", "--json"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str::<serde_json::Value>(&ended.stdout).unwrap()["keys"].clone()
    };
    // Where no service runs, the command takes the lock itself.
    assert_eq!(listed(), serde_json::json!([]));
    let alone = printed(&run(&new));
    let nil = uuid::Uuid::nil().to_string();
    assert_eq!(listed()[0]["accounts"], serde_json::json!(["facebook/10000"]));
    // Beside a service, it asks it.
    let service = Service::start(configured(folder.path(), &["serve"]));
    let whole = printed(&run(&["new", "--merchant", &nil, "--name", "CRM", "--scopes", "admin", "--days", "90"]));
    let keys = listed();
    assert_eq!(keys.as_array().unwrap().len(), 2);
    let crm = keys.as_array().unwrap().iter().find(|key| key["name"] == "CRM").unwrap();
    assert_eq!((&crm["accounts"], &crm["scopes"]), (&serde_json::json!([]), &serde_json::json!(["admin"])));
    assert!(crm["expires_at"].is_string() && crm["state"] == "alive" && crm["last_used_at"].is_null(), "{crm}");
    let revoked = run(&["revoke", &alone[4..14]]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    assert!(revoked.stdout.contains("is revoked"), "{revoked:?}");
    let words = run(&["list"]).stdout;
    assert!(words.contains("revoked") && words.contains("alive") && words.contains("Sales bot"), "{words}");
    for text in [&alone, &whole] {
        assert!(!words.contains(&text[15..]) && !listed().to_string().contains(&text[15..]));
    }
    // What cannot be done is said, and the exit code tells it.
    for (arguments, code, words) in [
        (&["revoke", "aaaaaaaaaa"][..], 1, "there is no key with this id"),
        (&["new", "--account", "facebook/9", "--name", "x", "--scopes", "read"], 1, "is not connected"),
        (
            &["new", "--merchant", "00000000-0000-0000-0000-000000000007", "--name", "x", "--scopes", "read"],
            1,
            "no connected account",
        ),
        (&["new", "--account", "nowhere/9", "--name", "x", "--scopes", "read"], 2, "a channel and an id"),
        (&["new", "--merchant", &nil, "--name", "x", "--scopes", "all"], 2, "there is no such scope"),
        (&["new", "--merchant", &nil, "--name", " ", "--scopes", "read"], 1, "needs a name"),
        (&["new", "--name", "x", "--scopes", "read"], 2, "--account"),
        (&["new", "--merchant", &nil, "--name", "x", "--scopes", "read", "--days", "0"], 2, "days"),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains(words), "{arguments:?}: {ended:?}");
    }
    let (status, log) = service.stop();
    assert!(status.success(), "{log}");
    assert!(log.contains("a key of the API was made") && log.contains("a key of the API was revoked"), "{log}");
    assert!(!log.contains("stk_") && !log.contains(&whole[15..]), "{log}");
}
