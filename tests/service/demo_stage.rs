//! The interactive demo as a person sees it: what it prints works, verbs come by standard input and by its page, its service is
//! killed and started again, and so is the demo itself.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use shoptalk::demo::platforms::Platform;

use crate::process::{Running, run, shoptalk};
use crate::test_app::Browser;

const SHOP: &str = "demo-shop.myshopify.com";

/// How long something may take to show.
const PATIENCE: Duration = Duration::from_secs(60);

/// `shoptalk demo`, running.
struct Demo {
    running: Running,
    told: Arc<Mutex<String>>,
    url: String,
    control: String,
}

impl Demo {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = shoptalk(folder, &[&["demo", "--dir", "demo"], arguments].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let told = Arc::new(Mutex::new(String::new()));
        let (lines, heard) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&told));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                *heard.lock().unwrap() += &format!("{line}\n");
            }
        });
        let mut demo = Self { running: Running(child), told, url: String::new(), control: String::new() };
        demo.until("Ctrl-C ends the demo.");
        demo.url = demo.word_after("1. Open");
        demo.control = demo.word_after("Behind the stage");
        demo
    }

    fn told(&self) -> String {
        self.told.lock().unwrap().clone()
    }

    fn word_after(&self, words: &str) -> String {
        let told = self.told();
        let rest = told.split(words).nth(1).unwrap_or_else(|| panic!("no {words} in {told}"));
        rest.split_whitespace().next().unwrap().to_owned()
    }

    fn until(&self, text: &str) {
        let begun = Instant::now();
        while !self.told().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "“{text}” is never told: {}", self.told());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types a line.
    fn type_in(&mut self, line: &str) {
        writeln!(self.running.0.stdin.as_ref().unwrap(), "{line}").unwrap();
    }

    async fn connect(&mut self) -> Browser {
        self.type_in("logins on");
        self.until("> Login screens consent by themselves.");
        let browser = Browser::new(&self.url);
        for path in [&format!("/shopify/{SHOP}/login"), "/facebook/login"] {
            let answer = browser.follow(path).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        browser
    }

    fn is_served(&self) -> bool {
        TcpStream::connect(self.url.strip_prefix("http://").unwrap()).is_ok()
    }

    fn stop(mut self) {
        assert_eq!(self.running.stop().code(), Some(0), "{}", self.told());
        assert!(!self.is_served());
    }
}

/// Runs a line that the demo printed, as a person pastes it. The result is JSON; `None` where there is no curl.
fn paste(line: &str) -> Option<Value> {
    let output = match Command::new("sh").args(["-c", line]).output() {
        Ok(output) if output.status.code() == Some(127) => {
            println!("SKIPPED: needs curl");
            return None;
        }
        output => output.unwrap(),
    };
    assert!(output.status.success(), "{line}: {output:?}");
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{line}: {output:?}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_demo_prints_works_and_its_service_may_be_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(folder.path(), &[]);
    let told = demo.told();
    assert_eq!(Platform::messengers().count(), 5);
    for platform in Platform::messengers() {
        assert!(told.contains(platform.name()), "{}: {told}", platform.name());
    }
    let token = demo.word_after("with the token");
    let browser = demo.connect().await;
    let bearer = format!("Bearer {token}");
    let metrics = async || browser.send(http::Method::GET, "/metrics", &[("authorization", &bearer)], b"").await.status;
    assert_eq!(metrics().await, 200);
    assert_eq!(browser.get("/metrics").await.status, 401);
    assert_eq!(browser.get("/operator").await.status, 401);
    let form = format!("token={token}");
    assert_eq!(browser.post_form("/operator/login", &form).await.status, 303);
    assert_eq!(browser.get("/operator").await.status, 200);

    // A line that sends a reply, one that reads the feed.
    demo.until("/api/v1/events?after=0");
    let told = demo.told();
    let mut lines = told.lines().map(str::trim).filter(|line| line.starts_with("curl -sH 'Authorization: Bearer stk_"));
    if let (Some(answered), Some(feed)) = (paste(lines.next().unwrap()), paste(lines.next().unwrap())) {
        assert!(answered["id"].as_str().is_some_and(|id| id.starts_with("msg_")), "{answered}");
        assert!(!feed["events"].as_array().unwrap().is_empty(), "{feed}");
        demo.until(": Yes, 3 left.");
    }

    demo.type_in("customers off");
    demo.until("> Customers wait.");
    demo.type_in("dance");
    demo.until("unrecognized subcommand 'dance'");
    demo.type_in("help");
    demo.until("kill-service");
    demo.type_in("kill-service");
    demo.until("> The service was killed.");
    assert!(!demo.is_served());
    demo.type_in("kill-service");
    demo.until("> Not possible: the service does not run");
    for platform in Platform::messengers() {
        demo.type_in(&format!("say {} Is anybody there?", platform.channel()));
        demo.until(&format!(" wrote on {}. No webhook came of it", platform.name()));
    }
    let page = Browser::new(&demo.control);
    let text = page.get("/").await.text();
    assert!(text.contains("The service was killed."), "{text}");
    let word = text.split("name=\"word\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(page.post_form("/verbs/start-service", &format!("word={word}")).await.status, 303);
    assert!(demo.is_served());
    assert_eq!(metrics().await, 200);
    let text = page.get("/").await.text();
    assert!(text.contains("Webhooks that waited for it were answered [200, 200"), "{text}");

    // Whoever looks at the demo's folder sees its settings, too.
    let ended = run(shoptalk(folder.path(), &["--dir", "demo", "doctor", "--json"]));
    let found: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let found: Vec<&str> =
        found["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    let strange = ["no_platform", "token_missing", "account_without_platform", "operator_off", "env_file_open"];
    assert!(!found.iter().any(|code| strange.contains(code)), "{found:?}");

    // The demo is killed: its service does not stay behind, and the next demo goes on in the folder.
    demo.running.0.kill().unwrap();
    demo.running.0.wait().unwrap();
    let begun = Instant::now();
    while demo.is_served() {
        assert!(begun.elapsed() < PATIENCE, "the service stays behind");
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut demo = Demo::start(folder.path(), &[]);
    demo.until("connect the shop and the Page again");
    demo.connect().await;
    demo.until(" writes on ");
    demo.stop();
}

#[test]
fn a_bot_tells_price_and_stock_and_a_person_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = shoptalk(folder.path(), &["demo", "--bot", "--once"]);
    command.env("TMPDIR", folder.path());
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for words in ["costs 640.00 EUR, 8 in stock.", "costs 649.00 EUR", "The bot is silent."] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_demo_stays_out_of_the_folder_of_a_service() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "PORT=5000\n").unwrap();
    let ended = run(shoptalk(folder.path(), &["demo", "--once", "--dir", "."]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("give the demo another folder"), "{ended:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
