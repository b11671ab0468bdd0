//! Rules that no other test holds, and the table of all of them in `docs/security.md`.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use shoptalk::shared::outgoing::self_test::Outcome;
use url::Url;

use crate::load::{self, Client, Delivery, Item};
use crate::process::{Service, configured};
use crate::test_app::{PAGE, SHOP, TestApp};

const TABLE: &str = include_str!("../../docs/security.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found
}

#[test]
fn every_test_and_every_file_that_the_table_of_rules_names_is_there() {
    let sources: Vec<PathBuf> = ["src", "tests"].iter().flat_map(|folder| below(&root().join(folder))).collect();
    let code: String = sources
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let rows: Vec<Vec<&str>> = TABLE
        .lines()
        .skip_while(|line| !line.starts_with("| rule |"))
        .skip(2)
        .map(|line| line.trim_matches('|').split(" | ").collect())
        .collect();
    // How many rules there are of each kind: none is without a row.
    let kinds = [
        ('O', 10),
        ('S', 7),
        ('W', 11),
        ('T', 9),
        ('F', 7),
        ('N', 7),
        ('I', 6),
        ('L', 3),
        ('C', 2),
        ('P', 4),
        ('Z', 3),
        ('A', 5),
        ('B', 6),
        ('U', 2),
        ('V', 3),
        ('K', 2),
    ];
    let rules = kinds.iter().flat_map(|(kind, count)| (1..=*count).map(move |number| format!("{kind}{number}")));
    let listed = rows.iter().map(|row| row[0].trim().split(' ').next().unwrap().to_owned());
    assert_eq!(listed.collect::<Vec<_>>(), rules.collect::<Vec<_>>());
    let names = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut missing = Vec::new();
    for row in rows {
        let [rule, tests, files] = row[..] else { panic!("not three columns: {row:?}") };
        assert!(!names(tests).is_empty() && !names(files).is_empty(), "{rule}");
        let tests_missing = names(tests).into_iter().filter(|test| !code.contains(&format!("fn {test}(")));
        let files_missing = names(files).into_iter().filter(|file| !root().join(file).exists());
        let targets = tests.split("fuzz target ").skip(1).map(|target| format!("fuzz/corpus/{}", target.trim()));
        let targets_missing = targets.filter(|target| !root().join(target).is_dir());
        missing.extend(tests_missing.chain(files_missing).chain(targets_missing).map(|name| format!("{rule}: {name}")));
    }
    let attacks = TABLE.split("\n## ").find(|section| section.starts_with("Attacks")).unwrap();
    let is_test = |name: &String| name.matches('_').count() >= 4 && !name.contains(['.', '=', ' ']);
    let of_attacks: Vec<String> = names(attacks).into_iter().filter(is_test).collect();
    assert!(of_attacks.len() > 30, "{of_attacks:?}");
    missing.extend(of_attacks.into_iter().filter(|test| !code.contains(&format!("fn {test}("))));
    assert!(missing.is_empty(), "not there any more: {missing:#?}");
}

#[tokio::test]
async fn f2_every_file_and_folder_that_is_made_is_for_us_alone() {
    let app = TestApp::start().await;
    app.connect().await;
    let body = format!(
        r#"{{"object":"page","entry":[{{"id":"{PAGE}","time":1,"messaging":[{{"sender":{{"id":"7000000000000001"}},"recipient":{{"id":"{PAGE}"}},"timestamp":1,"message":{{"mid":"m_1","text":"hello"}}}}]}}]}}"#
    );
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
    app.settle().await;
    let made = below(&app.path(""));
    assert!(made.iter().any(|path| path.ends_with("7000000000000001.json")) && made.len() > 8, "{made:?}");
    for path in made {
        let metadata = std::fs::metadata(&path).unwrap();
        let wanted = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.mode() & 0o777, wanted, "{}", path.display());
    }
    assert!(app.path(SHOP).is_dir());
    app.finish().await;
}

#[test]
fn t9_no_core_file_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(configured(folder.path(), &["serve"]));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", service.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(line.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{line}");
    assert!(service.stop().0.success());
}

#[test]
fn l1_a_log_holds_nothing_of_what_was_said_or_signed() {
    let folder = tempfile::tempdir().unwrap();
    load::connect_page(folder.path());
    let mut command = configured(folder.path(), &["serve"]);
    command.env("RUST_LOG", "debug");
    let service = Service::start(command);
    let item =
        Item::new("m_a_secret_id".to_owned(), "7000000000000001".to_owned(), 1_790_000_000_000, "a private word");
    let delivery = Delivery::new(vec![item]);
    let mut client = Client::connect(service.address).unwrap();
    assert_eq!(client.send(delivery.bytes()).unwrap().status, 200);
    let forged = String::from_utf8(delivery.bytes().to_vec()).unwrap().replace("sha256=", "sha256=f");
    assert_eq!(client.send(forged.as_bytes()).unwrap().status, 401);
    let callback = "GET /shopify/callback?code=a_private_code&state=a_private_state&shop=x.myshopify.com HTTP/1.1\r\nhost: x\r\ncookie: session_id=a_private_session\r\n\r\n";
    assert_eq!(client.send(callback.as_bytes()).unwrap().status, 400);
    drop(client);
    let (status, log) = service.stop();
    assert!(status.success() && log.contains("listening"), "{log}");
    let signature = forged.split("sha256=f").nth(1).unwrap()[..16].to_owned();
    for private in ["private word", "a_secret_id", "a_private", "7000000000000001", &signature, "for tests"] {
        assert!(!log.contains(private), "{private} is in the log:\n{log}");
    }
}

/// Stands between the service and the world, as a tunnel does: sends each self-test on as it came and in other ways, and
/// notes the answers.
async fn tunnel(app: &TestApp) -> (Url, Arc<Mutex<Vec<u16>>>) {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let (browser, noted, signer) = (app.browser(), Arc::clone(&answers), app.facebook.clone());
    let pass = move |body: axum::body::Bytes| async move {
        let right = signer.sign(&body);
        let wrong = signer.sign(b"something else");
        for signature in [None, Some(&wrong), Some(&right), Some(&right)] {
            let headers: Vec<(&str, &str)> =
                signature.iter().map(|value| ("x-hub-signature-256", value.as_str())).collect();
            let answer = browser.send(Method::POST, "/facebook/webhook", &headers, &body).await;
            noted.lock().unwrap().push(answer.status.as_u16());
        }
        StatusCode::OK
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let router = axum::Router::new().route("/", axum::routing::post(pass));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, answers)
}

#[tokio::test]
async fn w11_a_self_test_is_signed_is_good_once_and_leaves_no_trace() {
    let app = TestApp::start().await;
    app.connect().await;
    assert_eq!(app.counts().await, (0, 0, 0), "both logins tested the address");
    let (url, answers) = tunnel(&app).await;
    let shared = app.shared();
    let before = below(&app.path("")).len();
    let allowed = shoptalk::shared::outgoing::allowed_addresses::AllowedAddresses::new([&url]);
    let http = shoptalk::shared::outgoing::http::Http::new(app.clock.clone(), &Default::default(), allowed).unwrap();
    let Outcome { passed, detail, .. } = shared.self_tests.run(&http, &url, |_| Vec::new()).await;
    assert!(passed, "{detail}");
    assert_eq!(*answers.lock().unwrap(), [401, 401, 200, 401]);
    // The second use was no self-test any more, and is no delivery either.
    assert_eq!(app.counts().await, (0, 0, 0));
    app.settle().await;
    assert_eq!(below(&app.path("")).len(), before);
    app.finish().await;
}

#[tokio::test]
async fn z2_a_clock_that_jumps_by_an_hour_ends_no_session_starts_no_storm_and_revives_no_login() {
    const HOUR: Duration = Duration::from_secs(3600);
    let app = TestApp::start().await;
    app.run_due_jobs().await;
    app.connect().await;
    // One look at everything an hour later is what an hour brings.
    let calls_of = async |steps: u32, by: Duration| {
        let before = app.outgoing();
        for _ in 0..steps {
            app.clock.advance(by);
            app.run_due_jobs().await;
        }
        app.outgoing() - before
    };
    calls_of(1, HOUR).await;
    let usual = calls_of(1, HOUR).await;
    assert!(usual > 0);

    let browser = app.connect().await.for_pages();
    let is_signed_in = async || browser.get("/").await.text().contains("Sync now");
    let other = app.browser();
    let callback = other.up_to_callback(&format!("/shopify/{SHOP}/login")).await;
    app.clock.advance(Duration::from_secs(11 * 60));
    assert!(is_signed_in().await);
    app.clock.set_back(HOUR);
    assert!(is_signed_in().await, "a session ended before its time");
    assert_eq!(other.get(callback.as_str()).await.status, 400, "a login that had ended came to life");
    // Nothing is made up for: less than an hour brings what an hour does, at most.
    assert!(calls_of(4, Duration::from_secs(5 * 60)).await <= usual);
    assert!(is_signed_in().await);
    // A jump forward: each job once, not once for each time that was jumped over.
    assert!(calls_of(1, 5 * HOUR).await <= 2 * usual);
    assert!(!is_signed_in().await, "five hours without a sign of life");
    app.finish().await;
}

#[tokio::test]
async fn a_prepared_statement_is_not_prepared_again_for_other_values() {
    let app = TestApp::start().await;
    let ask = |connection: &rusqlite::Connection| -> rusqlite::Result<i32> {
        let mut statement = connection.prepare("SELECT value FROM cursors WHERE name > ?1 ORDER BY name LIMIT ?2")?;
        for limit in 1..10 {
            statement.query_map(rusqlite::params!["", limit], |row| row.get::<_, String>(0))?.for_each(drop);
        }
        Ok(statement.get_status(rusqlite::StatementStatus::RePrepare))
    };
    assert_eq!(app.shared().journal.with_writer(ask).await.unwrap(), 0);
    let other = rusqlite::Connection::open(app.path("data/journal.db")).unwrap();
    assert!(ask(&other).unwrap() > 0, "as SQLite does it of its own accord");
}

#[tokio::test]
async fn f5_databases_are_opened_with_the_settings_that_keep_what_was_promised() {
    let app = TestApp::start().await;
    app.connect().await;
    let pragmas = |connection: &rusqlite::Connection| -> rusqlite::Result<Vec<(&'static str, String)>> {
        ["journal_mode", "synchronous", "foreign_keys", "secure_delete", "trusted_schema"]
            .into_iter()
            .map(|name| {
                let value = connection
                    .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0))?;
                let value = match value {
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => panic!("{name}: {other:?}"),
                };
                Ok((name, value))
            })
            .collect()
    };
    let wanted = [
        ("journal_mode", "wal"),
        // 2 is FULL.
        ("synchronous", "2"),
        ("foreign_keys", "1"),
        ("secure_delete", "1"),
        ("trusted_schema", "0"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    assert_eq!(app.shared().journal.with_writer(move |connection| pragmas(connection)).await.unwrap(), wanted);
    let fresh = tempfile::tempdir().unwrap();
    let db = shoptalk::shared::database::db::Db::open(
        &fresh.path().join("any.db"),
        &["CREATE TABLE any (id INTEGER) STRICT"],
    )
    .unwrap();
    let found = db.with_connection(move |connection| pragmas(connection)).await.unwrap();
    assert_eq!(found, wanted);
    for name in ["tokens", "sessions", "journal"] {
        let connection = rusqlite::Connection::open(app.path(&format!("data/{name}.db"))).unwrap();
        let mut statement = connection
            .prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'")
            .unwrap();
        let loose: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(loose, [""; 0], "tables of {name}.db that take any type");
    }
    let version: Vec<u32> = rusqlite::version().split('.').map(|part| part.parse().unwrap()).collect();
    assert!(version >= vec![3, 51, 3], "{version:?}");
    app.finish().await;
}

#[test]
fn z1_a_second_signal_ends_it_at_once() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(configured(folder.path(), &["serve"]));
    // Without it, it would wait for this one for ten seconds.
    let mut slow = std::net::TcpStream::connect(service.address).unwrap();
    slow.write_all(b"POST /facebook/webhook HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{").unwrap();
    // It is served: who comes later is, too.
    assert_eq!(Client::get(service.address, "/health").unwrap().status, 200);
    let begun = Instant::now();
    service.ask_to_stop();
    while std::net::TcpStream::connect(service.address).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(8), "it still accepts");
        std::thread::sleep(Duration::from_millis(5));
    }
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(130), "{log}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}
