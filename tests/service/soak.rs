//! Mixed traffic for a long time: good deliveries, repeated, late and forged ones, slow clients, logins, polls, and every
//! now and then a stop or a kill. It ends with a verdict.
//!
//! `SOAK_MINUTES=30 cargo test --release --test service soak -- --ignored --nocapture`

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::Utc;
use shoptalk::shared::sandbox::Now;
use shoptalk::{facebook, shopify};

use crate::load::{Book, Client, Delivery, Item, Load, Random, Shape, parse_everything, wait_until_ready};
use crate::process::{Ended, Service, configured, run_briefly};
use crate::test_app::{Browser, FACEBOOK_APP_ID, FACEBOOK_SECRET, PAGE, SHOP, SHOPIFY_SECRET};

const SHAPE: Shape = Shape { connections: 4, people: 200 };

/// The most memory the service may ever take, in MB.
const MOST_MEMORY_MB: u64 = 300;

/// More logins from one address than this are refused: four requests each, 120 a minute.
const BETWEEN_LOGINS: Duration = Duration::from_millis(2_500);

/// What the 99th percentile of acknowledgements must stay below.
const P99: Duration = Duration::from_secs(1);

/// Both simulated platforms, by the real clock.
struct Platforms {
    runtime: tokio::runtime::Runtime,
    facebook: facebook::sandbox::Sandbox,
    shopify: shopify::sandbox::Sandbox,
}

impl Platforms {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (facebook, shopify) = runtime.block_on(async {
            let now: Now = Arc::new(Utc::now);
            let facebook = facebook::sandbox::Sandbox::start(facebook::sandbox::Options {
                app_id: FACEBOOK_APP_ID.to_owned(),
                app_secret: FACEBOOK_SECRET.to_owned(),
                now: Arc::clone(&now),
            });
            let shopify = shopify::sandbox::Sandbox::start(shopify::sandbox::Options {
                client_id: "test-app".to_owned(),
                client_secret: SHOPIFY_SECRET.to_owned(),
                now,
            });
            (facebook.await.unwrap(), shopify.await.unwrap())
        });
        facebook.auto_consent(true);
        shopify.auto_consent(true);
        facebook.add_page(PAGE, "Demo Shop");
        shopify.add_shop(SHOP, "Demo Shop").fill(20, 2);
        Self { runtime, facebook, shopify }
    }

    /// The service's command line, wired to these.
    fn command(&self, folder: &Path, port: u16, arguments: &[&str]) -> Command {
        let mut command = configured(folder, arguments);
        command
            .env("PORT", port.to_string())
            .env("PUBLIC_URL", format!("http://127.0.0.1:{port}"))
            .env("FACEBOOK_GRAPH_URL", self.facebook.url())
            .env("FACEBOOK_DIALOG_URL", self.facebook.url())
            .env("SHOPIFY_ADMIN_URL", self.shopify.admin_url());
        command
    }
}

/// What happened, beside what is in the book.
#[derive(Default)]
struct Tally {
    forged: AtomicUsize,
    slow: AtomicUsize,
    logins: AtomicUsize,
    polls: AtomicUsize,
    /// How long acknowledgements took.
    times: Mutex<Vec<Duration>>,
    /// What went wrong, in words.
    faults: Mutex<Vec<String>>,
}

impl Tally {
    fn fault(&self, what: String) {
        self.faults.lock().unwrap().push(what);
    }
}

/// Something that goes on beside the load until it is stopped.
fn go_on(stop: &Arc<AtomicBool>, pause: Duration, mut step: impl FnMut() + Send + 'static) -> JoinHandle<()> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            step();
            std::thread::sleep(pause);
        }
    })
}

fn forge(address: SocketAddr, tally: &Tally) {
    let body = r#"{"object":"page","entry":[]}"#;
    let request = format!(
        "POST /facebook/webhook HTTP/1.1\r\nhost: localhost\r\nx-hub-signature-256: sha256={}\r\ncontent-length: {}\r\n\r\n{body}",
        "0".repeat(64),
        body.len()
    );
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    let mut answer = [0; 256];
    // The service may be down at the moment.
    if stream.write_all(request.as_bytes()).is_err() {
        return;
    }
    if let Ok(read @ 1..) = stream.read(&mut answer) {
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        if !answer.starts_with("HTTP/1.1 401") {
            tally.fault(format!("a forged delivery was answered {answer}"));
        }
        tally.forged.fetch_add(1, Ordering::Relaxed);
    }
}

/// Begins a request and goes away in the middle.
fn dawdle(address: SocketAddr, tally: &Tally) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    for piece in ["POST /facebook/webhook HT", "TP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n", "\r\n{\"obj"] {
        if stream.write_all(piece.as_bytes()).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    tally.slow.fetch_add(1, Ordering::Relaxed);
}

/// Sends one message and notes how long its acknowledgement took.
fn probe(address: SocketAddr, book: &Mutex<Book>, tally: &Tally, number: usize) {
    let item =
        Item::new(format!("m_probe-{number}"), "7999999999999999".to_owned(), 1_790_000_000_000 + number as u64, "!");
    let delivery = Delivery::new(vec![item]);
    book.lock().unwrap().sending(&delivery);
    let Ok(mut client) = Client::connect(address) else { return };
    let sent = Instant::now();
    if let Ok(answer) = client.deliver(&delivery) {
        tally.times.lock().unwrap().push(sent.elapsed());
        book.lock().unwrap().answered(&delivery, &answer);
    }
}

fn memory_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// One run. `timed`: whether the time of acknowledgements decides, which it does only on a machine that does nothing else.
fn soak(duration: Duration, timed: bool) {
    let mut random = Random::seeded();
    let folder = tempfile::tempdir().unwrap();
    let platforms = Platforms::start();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let start = || {
        let service = Service::start(platforms.command(folder.path(), port, &["serve"]));
        wait_until_ready(address);
        service
    };
    let login = |browser: &Browser| {
        platforms.runtime.block_on(async {
            let shop = browser.follow(&format!("/shopify/{SHOP}/login")).await.status;
            let page = browser.follow("/facebook/login").await.status;
            (shop, page)
        })
    };

    let mut service = start();
    let url = format!("http://127.0.0.1:{port}");
    let first = login(&Browser::new(&url));
    assert!(first.0.is_success() && first.1.is_success(), "{first:?}");

    let (book, tally) = (Arc::new(Mutex::new(Book::default())), Arc::new(Tally::default()));
    let stop = Arc::new(AtomicBool::new(false));
    let mut beside = Vec::new();
    let shared = Arc::clone(&tally);
    beside.push(go_on(&stop, Duration::from_millis(50), move || forge(address, &shared)));
    let shared = Arc::clone(&tally);
    beside.push(go_on(&stop, Duration::from_millis(200), move || dawdle(address, &shared)));
    let (noted, shared, mut number) = (Arc::clone(&book), Arc::clone(&tally), 0);
    beside.push(go_on(&stop, Duration::from_millis(20), move || {
        number += 1;
        probe(address, &noted, &shared, number);
    }));

    let (began, mut memory, mut logs) = (Instant::now(), Vec::new(), String::new());
    let (mut ends, mut last_login) = (0, None::<Instant>);
    while began.elapsed() < duration {
        // One life of the service, with everything at once.
        let load = Load::start(address, &book, SHAPE, &mut random);
        let life = Instant::now();
        let lives = duration.div_f64(8.0).clamp(Duration::from_secs(2), Duration::from_secs(150));
        while life.elapsed() < lives && began.elapsed() < duration {
            if last_login.is_none_or(|at| at.elapsed() > BETWEEN_LOGINS) {
                last_login = Some(Instant::now());
                let (shop, page) = login(&Browser::new(&url));
                match shop.is_success() && page.is_success() {
                    true => drop(tally.logins.fetch_add(1, Ordering::Relaxed)),
                    false => tally.fault(format!("a login ended with {shop} and {page}")),
                }
            }
            let Ended { code, stdout, stderr } = run_briefly(platforms.command(folder.path(), port, &["sync"]));
            match code {
                Some(0) => drop(tally.polls.fetch_add(1, Ordering::Relaxed)),
                _ => tally.fault(format!("a poll ended with {code:?}: {stdout}{stderr}")),
            }
            memory.push(memory_mb(service.id()));
            std::thread::sleep(random.milliseconds(200, 1000));
        }
        ends += 1;
        if ends % 2 == 0 {
            let (status, log) = service.stop();
            if status.code() != Some(0) {
                tally.fault(format!("a stop ended with {status}"));
            }
            logs.push_str(&log);
        } else {
            logs.push_str(&service.kill());
        }
        load.stop();
        service = start();
    }
    stop.store(true, Ordering::Relaxed);
    for thread in beside {
        thread.join().unwrap();
    }
    let book = book.lock().unwrap();
    book.wait_until_filed(folder.path());
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0));
    logs.push_str(&log);
    parse_everything(folder.path());

    let mut times = tally.times.lock().unwrap().clone();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let panics = logs.lines().filter(|line| line.contains("panicked")).count();
    let most = memory.iter().copied().max().unwrap_or(0);
    let half = |range: &[u64]| range.iter().sum::<u64>() / range.len().max(1) as u64;
    let (early, late) = memory.split_at(memory.len() / 2);
    println!(
        "{:.1} minutes: {} messages acknowledged, 0 lost, 0 doubled; {:?} answers 200 and 503; {} forged, {} slow, {} \
         logins, {} polls; {} kills, {} stops; {panics} panics; acknowledged in {:.1} ms (median), {:.1} ms (p99); memory \
         {} MB, then {} MB, at most {most} MB",
        began.elapsed().as_secs_f64() / 60.0,
        book.acknowledged(),
        book.answers,
        tally.forged.load(Ordering::Relaxed),
        tally.slow.load(Ordering::Relaxed),
        tally.logins.load(Ordering::Relaxed),
        tally.polls.load(Ordering::Relaxed),
        ends - ends / 2,
        ends / 2,
        at(0.5).as_secs_f64() * 1e3,
        at(0.99).as_secs_f64() * 1e3,
        half(early),
        half(late),
    );
    assert_eq!(*tally.faults.lock().unwrap(), [""; 0]);
    assert_eq!(panics, 0, "{logs}");
    assert!(most <= MOST_MEMORY_MB, "{most} MB");
    assert!(
        memory.len() < 20 || half(late) <= half(early) * 3 / 2 + 20,
        "memory grew from {} to {} MB",
        half(early),
        half(late)
    );
    assert!(!timed || at(0.99) < P99, "{:?}", at(0.99));
    for (what, count) in [("forged", &tally.forged), ("logins", &tally.logins), ("polls", &tally.polls)] {
        assert!(count.load(Ordering::Relaxed) > 0, "there were no {what}");
    }
}

#[test]
fn mixed_traffic_with_a_kill_and_a_stop_ends_with_nothing_lost() {
    soak(Duration::from_secs(8), false);
}

#[test]
#[ignore = "takes SOAK_MINUTES, by default 30: cargo test --release --test service soak -- --ignored --nocapture"]
fn a_soak_ends_with_a_good_verdict() {
    let minutes = std::env::var("SOAK_MINUTES").map_or(30.0, |text| text.parse().unwrap());
    soak(Duration::from_secs_f64(minutes * 60.0), true);
}
