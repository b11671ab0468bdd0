//! Rules that no other test holds, and the table of all of them in `docs/security.md`.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use shoptalk::shared::self_test::Outcome;
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
    assert!(rows.len() > 50, "{}", rows.len());
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
    let reach = shoptalk::shared::reach::Reach::new([&url]);
    let http = shoptalk::shared::api::Http::new(app.clock.clone(), &Default::default(), reach).unwrap();
    let Outcome { passed, detail, .. } = shared.self_tests.run(&http, &url, |_| Vec::new()).await;
    assert!(passed, "{detail}");
    assert_eq!(*answers.lock().unwrap(), [401, 401, 200, 200]);
    // The second use was no self-test any more, but a delivery that says nothing: kept apart, like any other.
    let (events, apart, parked) = app.counts().await;
    assert_eq!((events, apart, parked), (1, 1, 0));
    app.settle().await;
    assert_eq!(below(&app.path("")).len(), before);
    app.finish().await;
}
