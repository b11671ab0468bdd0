//! Outgoing calls against servers that misbehave in every way (rules N1–N5).

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::Value;
use shoptalk::shared::channel::read_request::ReadRequest;
use shoptalk::shared::clock::Clock;
use shoptalk::shared::outgoing::allowed_addresses::AllowedAddresses;
use shoptalk::shared::outgoing::answer::retry_after;
use shoptalk::shared::outgoing::http::{ApiError, Http, Patience, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use crate::mount::skipped;
use crate::process::{run, shoptalk};
use crate::test_app::{SHOP, TestApp, beginning};

/// A server that takes a request and answers each connection with the same bytes, and how many it took.
struct Server {
    url: Url,
    taken: Arc<AtomicUsize>,
}

impl Server {
    /// Answers with `answer`, and then closes the connection or keeps silent.
    async fn start(answer: Vec<u8>, closes: bool) -> Self {
        Self::start_with(move |_| answer.clone(), closes).await
    }

    /// Answers each connection with what its number has, from 0, and closes it.
    async fn start_each(answer: impl Fn(usize) -> Vec<u8> + Send + 'static) -> Self {
        Self::start_with(answer, true).await
    }

    async fn start_with(answer: impl Fn(usize) -> Vec<u8> + Send + 'static, closes: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answer(count.fetch_add(1, Ordering::SeqCst));
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(&answer).await;
                    if !closes {
                        // Until the other side gives up.
                        while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
                    }
                });
            }
        });
        Self { url, taken }
    }

    /// Answers with `answer`, and then with a byte after each pause.
    async fn start_slow(answer: Vec<u8>, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let mut sent = stream.write_all(&answer).await;
                    while sent.is_ok() {
                        tokio::time::sleep(pause).await;
                        sent = stream.write_all(b" ").await;
                    }
                });
            }
        });
        Self { url, taken: Arc::default() }
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    fn http(&self) -> Http {
        let timeouts = Timeouts {
            connect: Duration::from_millis(500),
            idle: Duration::from_millis(200),
            total: Duration::from_millis(600),
        };
        Http::new(Clock::manual(beginning()), &timeouts, AllowedAddresses::new([&self.url])).unwrap()
    }

    async fn ask(&self) -> Result<Value, ApiError> {
        let http = self.http();
        http.send(http.request(Method::GET, self.url.clone())).await?.json()
    }
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

#[test]
fn n1_the_proxies_of_the_environment_are_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = shoptalk(folder.path(), &["demo", "--once"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        // Nobody listens there.
        command.env(name, "http://127.0.0.1:9");
    }
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test]
async fn n1_a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Server::start(answer("", b"{}"), true).await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url);
    let server = Server::start(redirect.into_bytes(), true).await;
    let http = server.http();
    let answer = http.send(http.request(Method::GET, server.url.clone())).await.unwrap();
    assert_eq!((answer.status.as_u16(), elsewhere.taken()), (302, 0));
}

/// A server with a certificate that nobody vouches for. `None`: there is no openssl.
fn with_a_certificate_of_its_own(folder: &std::path::Path) -> Option<(Url, std::process::Child)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let openssl = || {
        let mut command = std::process::Command::new("openssl");
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let made = openssl()
        .args("req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj /CN=localhost".split(' '))
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return None;
    }
    let serve = format!("s_server -accept 127.0.0.1:{port} -key key.pem -cert cert.pem -www -quiet");
    let server = openssl().args(serve.split(' ')).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the server did not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    Some((Url::parse(&format!("https://localhost:{port}/")).unwrap(), server))
}

#[tokio::test]
async fn n1_a_certificate_that_nobody_vouches_for_ends_the_call_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let Some((url, mut server)) = with_a_certificate_of_its_own(folder.path()) else {
        return skipped("openssl is needed");
    };
    // Also where the address was configured.
    let http = Http::new(Clock::manual(beginning()), &Timeouts::default(), AllowedAddresses::new([&url])).unwrap();
    let outcome = http.send(http.request(Method::GET, url)).await;
    server.kill().unwrap();
    server.wait().unwrap();
    let Err(ApiError::Unavailable(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn n2_an_address_that_was_not_configured_is_not_asked() {
    let server = Server::start(answer("", b"{}"), true).await;
    let inside = Server::start(answer("", b"{}"), true).await;
    let http = server.http();
    let mut by_name = inside.url.clone();
    by_name.set_host(Some("localhost")).unwrap();
    for url in [inside.url.clone(), by_name, Url::parse("https://169.254.169.254/latest/meta-data").unwrap()] {
        let error = http.send(http.request(Method::GET, url)).await.unwrap_err();
        assert!(matches!(error, ApiError::Refused { .. }), "{error:?}");
    }
    assert_eq!(inside.taken(), 0);
}

#[tokio::test]
async fn n3_whoever_is_silent_or_answers_drop_by_drop_is_given_up_in_time() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{";
    let silent = Server::start(Vec::new(), false).await;
    let stalled = Server::start(HEAD.to_vec(), false).await;
    // Never silent for long enough: only the time for the whole call ends it.
    let dripping = Server::start_slow(HEAD.to_vec(), Duration::from_millis(20)).await;
    for server in [&silent, &stalled, &dripping] {
        let begun = Instant::now();
        assert!(matches!(server.ask().await, Err(ApiError::Unavailable(_))));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        // What comes piece by piece has the same limits.
        let http = server.http();
        let all = async {
            let mut download = http.open(http.request(Method::GET, server.url.clone())).await?;
            while download.chunk().await?.is_some() {}
            Ok::<_, ApiError>(())
        };
        assert!(matches!(all.await, Err(ApiError::Unavailable(_))));
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}

#[test]
fn n3_the_limits_of_production_are_those_of_the_rule() {
    let Timeouts { connect, idle, total } = Timeouts::default();
    assert_eq!([connect, idle, total].map(|limit| limit.as_secs()), [5, 10, 30]);
}

#[tokio::test]
async fn n3_an_answer_that_grows_beyond_the_limit_when_it_is_unpacked_is_unreadable() {
    // 12 MiB of zeros, which gzip makes small: one stored byte and copies of it, written by hand with no library.
    let packed = gzip_of_zeros(12 * 1024 * 1024);
    assert!(packed.len() < 100_000, "{}", packed.len());
    let server = Server::start(answer("content-encoding: gzip\r\n", &packed), false).await;
    let http = server.http();
    let error = http.send(http.request(Method::GET, server.url.clone())).await.unwrap_err();
    assert_eq!(error, ApiError::Unreadable("the answer is too large"));
}

#[tokio::test]
async fn n3_what_is_cut_off_no_json_too_deep_or_broken_is_an_error_and_never_a_panic() {
    let deep = ["[".repeat(5000), "]".repeat(5000)].concat();
    for (bytes, unreadable) in [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":".to_vec(), false),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\"".to_vec(), false),
        (b"nonsense\r\n\r\n".to_vec(), false),
        (answer("content-encoding: gzip\r\n", b"no gzip at all"), false),
        (answer("", b"<html>"), true),
        (answer("", b""), true),
        (answer("", b"{\"a\":1}x"), true),
        (answer("", b"\"\\ud800\""), true),
        (answer("", deep.as_bytes()), true),
        (answer("", b"{\"a\":1e999}"), true),
        (answer("", b"\xff\xfe"), true),
    ] {
        let server = Server::start(bytes.clone(), true).await;
        let error = server.ask().await.unwrap_err();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match unreadable {
            true => assert!(matches!(error, ApiError::Unreadable(_)), "{error:?} for {text}"),
            false => assert!(matches!(error, ApiError::Unavailable(_)), "{error:?} for {text}"),
        }
    }
}

#[tokio::test]
async fn n4_no_answer_is_asked_again_up_to_five_times_with_growing_pauses_and_a_refusal_never() {
    let server = Server::start(Vec::new(), true).await;
    for (patience, tries) in [(Patience::Once, 1), (Patience::Person, 2), (Patience::Background, 5)] {
        let http = server.http();
        let before = server.taken();
        let call = || http.send(http.request(Method::POST, server.url.clone()));
        assert!(matches!(http.persist(patience, call).await, Err(ApiError::Unavailable(_))));
        assert_eq!(server.taken() - before, tries);
        assert!(http.clock().slept() <= Duration::from_secs(60) * u32::try_from(tries).unwrap());
    }
    let http = server.http();
    let tried = AtomicUsize::new(0);
    let refused = http.persist(Patience::Background, || async {
        tried.fetch_add(1, Ordering::SeqCst);
        Err::<(), _>(ApiError::Refused { code: "100".to_owned() })
    });
    assert!(refused.await.is_err());
    assert_eq!(tried.load(Ordering::SeqCst), 1);
    assert_eq!(http.clock().slept(), Duration::ZERO);
}

#[tokio::test]
async fn n4_how_long_to_wait_is_understood_in_both_forms_and_has_an_end() {
    let clock = Clock::manual(beginning());
    for (value, seconds) in [
        ("7", Some(7.0)),
        ("2.5", Some(2.5)),
        ("0", Some(0.0)),
        ("Sat, 21 Nov 2026 12:02:00 GMT", Some(120.0)),
        ("Sat, 21 Nov 2026 11:00:00 GMT", Some(0.0)),
        ("Sun, 22 Nov 2026 12:00:00 GMT", Some(3600.0)),
        ("86400", Some(3600.0)),
        ("-1", None),
        ("soon", None),
        ("nan", None),
    ] {
        let bytes = format!("HTTP/1.1 429 Too Many Requests\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n");
        let server = Server::start(bytes.into_bytes(), true).await;
        let http = server.http();
        let answer = http.send(http.request(Method::GET, server.url.clone())).await.unwrap();
        assert_eq!(answer.retry_after(&clock).map(|wait| wait.as_secs_f64()), seconds, "{value}");
    }
    // It is waited for so long, if whoever asks has so much time.
    let server = Server::start(Vec::new(), true).await;
    for (patience, seconds, waited) in [
        (Patience::Background, 60, 240),
        (Patience::Background, 61, 0),
        (Patience::Person, 3, 0),
        (Patience::Once, 1, 0),
    ] {
        let http = server.http();
        let retry_after = Duration::from_secs(seconds);
        let limited = http.persist(patience, || async { Err::<(), _>(ApiError::RateLimited { retry_after }) }).await;
        assert_eq!(limited, Err(ApiError::RateLimited { retry_after }));
        assert_eq!(http.clock().slept().as_secs(), waited, "{patience:?}");
    }
}

#[tokio::test]
async fn n5_a_download_counts_like_a_call_and_one_that_breaks_off_like_one_without_an_answer() {
    let broken = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec();
    let server = Server::start(broken, true).await;
    let http = server.http().of("dead.myshopify.com");
    let download = async || {
        let mut download = http.open(http.request(Method::GET, server.url.clone())).await?;
        while download.chunk().await?.is_some() {}
        Ok::<_, ApiError>(())
    };
    for _ in 0..20 {
        assert!(matches!(download().await, Err(ApiError::Unavailable(_))));
    }
    assert_eq!(server.taken(), 10, "the other ten were not sent");
    http.clock().advance(Duration::from_secs(5));
    // One that nobody reads to its end says nothing, and holds no place once it is gone.
    for _ in 0..5 {
        drop(http.open(http.request(Method::GET, server.url.clone())).await.unwrap());
    }
    assert_eq!(server.taken(), 15);
}

#[tokio::test]
async fn n5_an_answer_whose_body_nobody_reads_counts_from_its_head_and_is_not_waited_for() {
    let head = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 100000\r\n\r\n".to_vec();
    let (good, dead) = (Server::start(head, false).await, Server::start(Vec::new(), true).await);
    let http = good.http().sending_of("push:somebody");
    let begun = Instant::now();
    // As many as have a place at once: none keeps its place.
    for _ in 0..40 {
        let answer = http.open_unread(http.request(Method::POST, good.url.clone())).await.unwrap();
        assert_eq!(answer.status.as_u16(), 429);
        assert_eq!(retry_after(&answer.headers, http.clock()), Some(Duration::from_secs(7)));
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // What failed before an answer is forgotten with the answer.
    let flaky = Server::start_each(|number| if number == 9 { answer("", b"{}") } else { Vec::new() }).await;
    let http = flaky.http().sending_of("push:somebody");
    for _ in 0..19 {
        let _ = http.open_unread(http.request(Method::POST, flaky.url.clone())).await;
    }
    assert_eq!(flaky.taken(), 19, "nine failed, one was answered, nine failed");
    let http = dead.http().sending_of("push:somebody");
    for _ in 0..20 {
        let outcome = http.open_unread(http.request(Method::POST, dead.url.clone())).await;
        assert!(matches!(outcome, Err(ApiError::Unavailable(_))), "{outcome:?}");
    }
    assert_eq!(dead.taken(), 10, "the other ten were not sent");
}

#[tokio::test]
async fn n5_a_shop_that_does_not_answer_is_left_alone_for_a_while_and_no_other_is() {
    let server = Server::start(Vec::new(), true).await;
    let good = Server::start(answer("", b"{}"), true).await;
    let timeouts = Timeouts::default();
    let clock = Clock::manual(beginning());
    let http = Http::new(clock.clone(), &timeouts, AllowedAddresses::new([&server.url, &good.url])).unwrap();
    let (dead, alive) = (http.of("dead.myshopify.com"), http.of("alive.myshopify.com"));
    let ask = async |http: &Http, server: &Server| http.send(http.request(Method::GET, server.url.clone())).await;
    for _ in 0..20 {
        assert!(matches!(ask(&dead, &server).await, Err(ApiError::Unavailable(_))));
    }
    assert_eq!(server.taken(), 10, "the other ten were not sent");
    // Another account at the same address, and the same account elsewhere.
    assert!(ask(&alive, &server).await.is_err());
    assert_eq!(server.taken(), 11);
    assert!(ask(&dead, &good).await.is_ok());
    clock.advance(Duration::from_secs(5));
    for _ in 0..5 {
        assert!(ask(&dead, &server).await.is_err());
    }
    assert_eq!(server.taken(), 12, "one call asks whether it is back");
}

#[tokio::test]
async fn n5_a_merchant_whose_shop_was_away_is_read_again_once_it_is_back() {
    let app = TestApp::start().await;
    app.connect().await;
    app.shopify.traffic().fail_next("/graphql.json", 1000, shoptalk::shared::channel::simulator::Failure::Disconnect);
    for _ in 0..4 {
        app.shared().journal.request_read("shopify", SHOP, ReadRequest::Everything, app.clock.now_ms()).await.unwrap();
        app.settle().await;
    }
    app.shopify.traffic().heal();
    app.shop().rename("Back Again");
    app.clock.advance(Duration::from_secs(3600));
    app.shared().journal.request_read("shopify", SHOP, ReadRequest::Everything, app.clock.now_ms()).await.unwrap();
    app.settle().await;
    app.clock.advance(Duration::from_secs(3600));
    app.settle().await;
    assert!(app.text(&format!("{SHOP}/shop_metadata.json")).unwrap().contains("Back Again"));
    app.finish().await;
}

/// A gzip stream of so many zeros: one literal and matches of 258 bytes at distance 1, in a block of fixed codes.
/// Source: RFC 1951, 3.2.6; RFC 1952.
fn gzip_of_zeros(length: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block; fixed codes.
    bits.low_first(1, 1);
    bits.low_first(1, 2);
    // Literal 0 is code 0x30 of 8 bits.
    bits.high_first(0x30, 8);
    for _ in 0..(length - 1) / 258 {
        // Length 258 is symbol 285, code 0xC5 of 8 bits without extra bits; distance 1 is symbol 0 of 5 bits.
        bits.high_first(0xC5, 8);
        bits.high_first(0, 5);
    }
    // End of block: symbol 256, code 0 of 7 bits.
    bits.high_first(0, 7);
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    bytes.extend(bits.bytes);
    // Checksum and length come last; the limit is reached long before.
    bytes.extend([0; 8]);
    bytes
}

/// Bits in the order of deflate.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn push(&mut self, bit: u32) {
        if self.count.is_multiple_of(8) {
            self.bytes.push(0);
        }
        *self.bytes.last_mut().unwrap() |= u8::try_from(bit & 1).unwrap() << (self.count % 8);
        self.count += 1;
    }

    fn low_first(&mut self, value: u32, bits: u32) {
        (0..bits).for_each(|at| self.push(value >> at));
    }

    fn high_first(&mut self, value: u32, bits: u32) {
        (0..bits).rev().for_each(|at| self.push(value >> at));
    }
}
