//! `shoptalk sandbox`: the simulated platforms alone, a service beside them that knows nothing but what was printed, and verbs.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use shoptalk::demo::platforms::Platform;
use tempfile::TempDir;

use crate::process::{Ended, Running, Service, run, run_briefly, shoptalk};
use crate::test_app::Browser;

const SHOP: &str = "demo-shop.myshopify.com";
const NUMBER: &str = "310000000000001";

/// How long something may take to show.
const PATIENCE: Duration = Duration::from_secs(60);

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `shoptalk sandbox`, running.
struct Sandbox {
    folder: TempDir,
    running: Running,
    lines: BufReader<ChildStdout>,
    /// What it printed at its start.
    printed: String,
    port: String,
}

impl Sandbox {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = shoptalk(folder.path(), &[&["sandbox"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("Ctrl-C ends everything.\n") {
            assert_ne!(lines.read_line(&mut printed).unwrap(), 0, "it ended: {printed}");
        }
        let port =
            printed.split("control page, http://127.0.0.1:").nth(1).unwrap().split('.').next().unwrap().to_owned();
        Self { folder, running: Running(child), lines, printed, port }
    }

    /// Does something there.
    fn ask(&self, verb: &[&str]) -> Ended {
        run(shoptalk(self.folder.path(), &[&["sandbox", "--port", &self.port], verb].concat()))
    }

    /// Does something that is done.
    fn tell(&self, verb: &[&str]) -> String {
        let ended = self.ask(verb);
        assert_eq!(ended.code, Some(0), "{verb:?}: {ended:?}");
        ended.stdout
    }

    /// Does something until the service takes the webhook of it: accounts are taken up a moment after their owner came.
    fn tell_until_taken(&self, verb: &[&str]) {
        let begun = Instant::now();
        while !self.tell(verb).contains("answered [200]") {
            assert!(begun.elapsed() < PATIENCE, "{verb:?} never reaches the service");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn stop(mut self) {
        assert_eq!(self.running.stop().code(), Some(0));
    }
}

fn until(what: &str, mut shown: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !shown() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not show");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The content of every file below a folder of the output, one behind the other.
fn content(folder: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(folder) else { return String::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.map(|path| if path.is_dir() { content(&path) } else { std::fs::read_to_string(&path).unwrap() }).collect()
}

/// Answers the only person who wrote to the number.
fn send(folder: &Path, text: &str, more: &[&str]) -> Ended {
    let conversations = folder.join("whatsapp").join(NUMBER).join("conversations");
    let file = std::fs::read_dir(conversations).unwrap().next().unwrap().unwrap().file_name();
    let person = file.to_str().unwrap().strip_suffix(".json").unwrap();
    let account = format!("whatsapp/{NUMBER}");
    run_briefly(shoptalk(folder, &[&["send", &account, person, text, "--human"], more].concat()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_leads_a_service_to_the_platforms_and_verbs_make_things_happen_there() {
    let address = format!("http://127.0.0.1:{}", free_port());
    let mut sandbox = Sandbox::start(&["--port", "0", "--service", &address]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join(".env"), &sandbox.printed).unwrap();
    let service = Service::start(shoptalk(folder, &["serve"]));
    let mut said = String::new();
    while !said.contains("WhatsApp: the webhook address answered") {
        assert_ne!(sandbox.lines.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let browser = Browser::new(&address);
    for path in [&format!("/shopify/{SHOP}/login"), "/facebook/login"] {
        let answer = browser.follow(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    for platform in Platform::messengers().map(Platform::channel) {
        let text = format!("Hello {platform}");
        sandbox.tell_until_taken(&["say", platform, "Hello", platform]);
        until(&text, || content(&folder.join(platform)).contains(&text));
    }
    until("the catalogue", || content(&folder.join(SHOP)).contains("Snowboard Classic"));
    sandbox.tell_until_taken(&["price", "classic", "649.00"]);
    until("the new price", || content(&folder.join(SHOP)).contains("649.00"));

    // An answer reaches the customer's phone, and is read there.
    let ended = send(folder, "Yes, 3 left.", &["--wait"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(sandbox.tell(&["phone", "whatsapp"]), "Yes, 3 left.\n");
    assert!(sandbox.tell(&["read", "whatsapp"]).contains("[200"));
    assert!(sandbox.tell(&["sent", "whatsapp"]).starts_with("1 taken, 0 of them twice"));

    // An answer of the platform that gets lost is no second message.
    sandbox.tell(&["fail-sends", "whatsapp", "taken-cut"]);
    send(folder, "A second one.", &["--wait"]);
    assert!(sandbox.tell(&["sent", "whatsapp"]).starts_with("2 taken, 0 of them twice"));

    // Webhooks wait, come twice, or never.
    sandbox.tell(&["hold-webhooks", "whatsapp"]);
    assert!(sandbox.tell(&["say", "whatsapp", "Waiting"]).contains("No webhook came of it"));
    sandbox.tell(&["double-webhooks", "whatsapp"]);
    assert!(sandbox.tell(&["say", "whatsapp", "Doubled"]).contains("answered [200, 200]"));
    sandbox.tell(&["lose-webhooks", "whatsapp"]);
    sandbox.tell(&["say", "whatsapp", "Lost"]);
    assert!(sandbox.tell(&["send-webhooks", "whatsapp"]).contains("[200]"));
    let whatsapp = folder.join("whatsapp");
    until("what waited", || content(&whatsapp).contains("Waiting") && content(&whatsapp).contains("Doubled"));
    assert_eq!(content(&whatsapp).matches("Doubled").count(), 1);
    assert!(!content(&whatsapp).contains("Lost"));

    // Tokens die.
    sandbox.tell(&["die-token", "whatsapp"]);
    let ended = send(folder, "It waits for a token.", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let begun = Instant::now();
    while !browser.get("/").await.text().contains("WhatsApp refuses the access token") {
        assert!(begun.elapsed() < PATIENCE, "nobody is told that the token is dead");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!sandbox.tell(&["phone", "whatsapp"]).contains("It waits"));
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    sandbox.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_say_what_is_not_possible_and_strangers_are_not_heard() {
    // The favourite ports may be taken.
    let (sandbox, second) = (Sandbox::start(&[]), Sandbox::start(&[]));
    assert_ne!(sandbox.port, second.port);
    second.stop();
    for (verb, words) in [
        (&["say", "shopify", "Hello"][..], "Shopify has no messages"),
        (&["tap", "viber", "Yes"], "sees nothing with the words “Yes”"),
        (&["price", "classic", "NaN"], "“NaN” is no price"),
        (&["price", "nothing", "1.00"], "no product has “nothing” in its title"),
        (&["human", "viber", "Hello"], "Viber has no inbox of its own"),
    ] {
        let ended = sandbox.ask(verb);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
    assert_eq!(sandbox.ask(&["say", "telegram", "Hello"]).code, Some(2));
    let nobody = free_port().to_string();
    let ended = run_briefly(shoptalk(sandbox.folder.path(), &["sandbox", "--port", &nobody, "sent", "viber"]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("start them with `shoptalk sandbox`"), "{ended:?}");

    let home = format!("http://127.0.0.1:{}", sandbox.port);
    let browser = Browser::new(&home);
    let ours = ("x-shoptalk-sandbox", "1");
    let verb = br#"{"verb":"sent","platform":"viber"}"#;
    let foreign = ("host", "shop.example");
    for (headers, body, status) in [
        (&[ours][..], &verb[..], 200),
        (&[], verb, 403),
        (&[ours, foreign], verb, 403),
        (&[ours], b"{", 400),
        (&[ours], br#"{"verb":"delete-everything"}"#, 400),
    ] {
        let answer = browser.send(Method::POST, "/do", headers, body).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}: {}", answer.text());
    }
    // The page that has every verb as a form takes only what comes from it, and only here.
    let page = browser.get("/").await;
    let text = page.text();
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    for verb in ["say", "tap", "phone", "die-token", "lose-webhooks", "fail-sends", "price", "logins"] {
        assert!(text.contains(&format!("action=\"/verbs/{verb}\"")), "{verb}");
    }
    assert!(!text.contains("kill-service"), "there is no service here that could be killed");
    assert_eq!(browser.send(Method::GET, "/", &[foreign], b"").await.status, 403);
    let word = text.split("name=\"word\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    for (form, status) in [("word=x&platform=viber".to_owned(), 403), (format!("word={word}&platform=viber"), 303)] {
        assert_eq!(browser.post_form("/verbs/sent", &form).await.status, status, "{form}");
    }
    browser.post_form("/verbs/say", &format!("word={word}&platform=shopify&text=%3Cb%3E&person=")).await;
    let text = browser.get("/").await.text();
    assert!(
        text.contains("0 taken, 0 of them twice") && text.contains("Not possible: Shopify has no messages"),
        "{text}"
    );
    sandbox.stop();
}
