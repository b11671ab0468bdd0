//! Slow, huge, broken and hostile requests over raw sockets, one test for each shape (rules I1–I6). The times are those
//! of production in miniature.

use std::time::{Duration, Instant};

use http::Method;
use shoptalk::app::config::Config;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::secrets::signature::{sign_sha256, to_hex};
use shoptalk::shared::server::rates::Rate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::test_app::{FACEBOOK_SECRET, PAGE, SHOP, TestApp};
use crate::waiting::until;

/// What is awaited in a test: long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

const SHORT: Duration = Duration::from_millis(200);

/// So long that a test in which it ran out would fail.
const LONG: Duration = Duration::from_secs(60);

/// A connection, byte by byte.
pub struct Raw(TcpStream);

impl Raw {
    pub async fn open(app: &TestApp) -> Self {
        Self(TcpStream::connect(app.url.strip_prefix("http://").unwrap()).await.unwrap())
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// What comes until the service closes the connection.
    pub async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        // A reset is an end, too.
        let _ = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut all)).await.expect("the connection is closed");
        String::from_utf8_lossy(&all).into_owned()
    }

    /// The head of the next answer; its body, by its length, is taken as well.
    async fn answer(&mut self) -> String {
        let read = async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.expect("an answer"));
            }
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            let mut body = vec![0; length.parse().unwrap()];
            self.0.read_exact(&mut body).await.unwrap();
            head
        };
        tokio::time::timeout(PATIENCE, read).await.expect("an answer in time")
    }

    /// The status of the next answer.
    pub async fn status(&mut self) -> u16 {
        status(&self.answer().await)
    }
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status: {answer:?}"))
}

/// The status of everything that comes back for these bytes, and how many answers there were. Our side stays open.
async fn exchange(app: &TestApp, bytes: impl AsRef<[u8]>) -> (u16, usize) {
    let mut raw = Raw::open(app).await;
    raw.send(bytes).await;
    let answer = raw.rest().await;
    (status(&answer), answer.matches("HTTP/1.1 ").count())
}

/// A delivery with one message, signed.
fn delivery(mid: &str, padding: usize) -> String {
    let body = format!(
        r#"{{"object":"page","entry":[{{"id":"{PAGE}","time":1,"messaging":[{{"sender":{{"id":"7000"}},"recipient":{{"id":"{PAGE}"}},"timestamp":1,"message":{{"mid":"{mid}","text":"{}"}}}}]}}]}}"#,
        "x".repeat(padding)
    );
    let signature = to_hex(&sign_sha256(FACEBOOK_SECRET.as_bytes(), body.as_bytes()));
    format!(
        "POST /facebook/webhook HTTP/1.1\r\nhost: localhost\r\nx-hub-signature-256: sha256={signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn miniature(config: &mut Config) {
    let limits = &mut config.server.limits;
    for limit in [&mut limits.first_byte, &mut limits.headers, &mut limits.idle, &mut limits.delivery] {
        *limit = LONG;
    }
    limits.request = LONG;
    limits.give_way = LONG;
    limits.stalled_answer = LONG;
    limits.linger = SHORT;
}

#[tokio::test]
async fn i1_a_connection_without_a_byte_is_closed() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.first_byte = SHORT;
    })
    .await;
    assert_eq!(Raw::open(&app).await.rest().await, "");
    app.finish().await;
}

#[tokio::test]
async fn i1_a_head_that_comes_slowly_is_not_waited_for_however_often_a_byte_comes() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.headers = SHORT;
    })
    .await;
    let mut raw = Raw::open(&app).await;
    raw.send("GET /health HTTP/1.1\r\n").await;
    let begun = Instant::now();
    // One byte now and then: each of them in time, the whole never.
    while raw.0.write_all(b"a").await.is_ok() && begun.elapsed() < PATIENCE {
        let mut byte = [0];
        if let Ok(Ok(0) | Err(_)) = tokio::time::timeout(Duration::from_millis(20), raw.0.read(&mut byte)).await {
            break;
        }
    }
    assert!((SHORT..PATIENCE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    app.finish().await;
}

#[tokio::test]
async fn i1_a_second_head_that_comes_slowly_is_not_waited_for_either() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.headers = SHORT;
    })
    .await;
    let mut raw = Raw::open(&app).await;
    raw.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(raw.status().await, 200);
    raw.send("GET /hea").await;
    assert_eq!(raw.rest().await, "");
    app.finish().await;
}

#[tokio::test]
async fn i1_an_idle_connection_is_kept_for_its_time_and_then_closed() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        // Far shorter than the time for idleness: it must not count while nothing has begun.
        config.server.limits.first_byte = SHORT;
        config.server.limits.headers = SHORT;
        config.server.limits.idle = SHORT * 3;
    })
    .await;
    let mut raw = Raw::open(&app).await;
    raw.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(raw.status().await, 200);
    let answered = Instant::now();
    assert_eq!(raw.rest().await, "");
    assert!(answered.elapsed() >= SHORT * 2, "{:?}", answered.elapsed());
    app.finish().await;
}

#[tokio::test]
async fn i1_a_body_that_comes_slowly_is_408_and_deliveries_have_less_time_than_others() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.delivery = SHORT;
    })
    .await;
    let slow = "POST /facebook/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    assert_eq!(exchange(&app, slow).await, (408, 1));
    let other = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.request = SHORT;
    })
    .await;
    assert_eq!(exchange(&other, "POST /logout HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nt").await, (408, 1));
    assert_eq!(app.counts().await.0, 0);
    app.finish().await;
    other.finish().await;
}

#[tokio::test]
async fn i1_who_does_not_take_the_answers_is_cut_off() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.stalled_answer = SHORT;
    })
    .await;
    let mut raw = Raw::open(&app).await;
    // Answers of many megabytes in all; none is taken.
    let request = "GET /style.css HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    let begun = Instant::now();
    while raw.0.write_all(request.as_bytes()).await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it is served without end");
    }
    app.finish().await;
}

#[tokio::test]
async fn i2_a_body_that_is_declared_too_large_is_413_before_any_of_it_comes() {
    let app = TestApp::start_with(miniature).await;
    for (path, bytes) in
        [("/facebook/webhook", 4 * 1024 * 1024 + 1), ("/shopify/webhook", u64::MAX / 2), ("/logout", 65537)]
    {
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {bytes}\r\n\r\n");
        assert_eq!(exchange(&app, head).await, (413, 1), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn i2_a_body_that_turns_out_too_large_is_413_and_the_answer_arrives_while_it_is_still_coming() {
    let app = TestApp::start_with(miniature).await;
    let mut raw = Raw::open(&app).await;
    raw.send("POST /logout HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    raw.send(chunk.repeat(4)).await;
    assert_eq!(status(&raw.rest().await), 413);
    app.finish().await;
}

#[tokio::test]
async fn i2_all_bodies_together_have_an_end_and_small_ones_keep_their_share() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.body_bytes = 400 * 1024;
    })
    .await;
    let large = delivery("m_large", 250 * 1024);
    let mut held = Raw::open(&app).await;
    // All but the last byte of one that just fits: no second one fits beside it.
    held.send(&large[..large.len() - 1]).await;
    let begun = Instant::now();
    let refused = loop {
        let mut second = Raw::open(&app).await;
        second.send(delivery("m_second", 250 * 1024)).await;
        let answer = second.answer().await;
        if status(&answer) != 200 || begun.elapsed() > PATIENCE {
            break answer;
        }
    };
    assert_eq!(status(&refused), 503);
    assert!(refused.contains("retry-after: 1"), "{refused}");
    let mut small = Raw::open(&app).await;
    small.send(delivery("m_small", 10)).await;
    assert_eq!(small.status().await, 200);
    held.send(&large[large.len() - 1..]).await;
    assert_eq!(held.status().await, 200);
    let mut again = Raw::open(&app).await;
    again.send(delivery("m_again", 250 * 1024)).await;
    assert_eq!(again.status().await, 200);
    app.finish().await;
}

#[tokio::test]
async fn i2_a_compressed_request_is_415() {
    let app = TestApp::start_with(miniature).await;
    for encoding in ["gzip", "br", "identity, gzip", "", "x"] {
        let mut raw = Raw::open(&app).await;
        raw.send(format!(
            "POST /facebook/webhook HTTP/1.1\r\nhost: x\r\ncontent-encoding: identity\r\ncontent-encoding: {encoding}\r\ncontent-length: 1\r\n\r\nx"
        ))
        .await;
        assert_eq!(raw.status().await, 415, "{encoding}");
    }
    app.finish().await;
}

#[tokio::test]
async fn i3_too_many_or_too_large_headers_are_431_and_a_long_address_is_414() {
    let app = TestApp::start_with(miniature).await;
    let with = |headers: &str| format!("GET /health HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
    assert_eq!(exchange(&app, with(&"a: b\r\n".repeat(64))).await, (431, 1));
    assert_eq!(exchange(&app, with(&format!("a: {}\r\n", "b".repeat(64 * 1024)))).await, (431, 1));
    let mut raw = Raw::open(&app).await;
    raw.send(with(&"a: b\r\n".repeat(63))).await;
    assert_eq!(raw.status().await, 200);
    raw.send(format!("GET /health?{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(8200))).await;
    assert_eq!(raw.status().await, 414);
    raw.send(format!("GET /health?{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(8000))).await;
    assert_eq!(raw.status().await, 200);
    app.finish().await;
}

#[tokio::test]
async fn i3_an_unknown_method_is_405_everywhere() {
    let app = TestApp::start_with(miniature).await;
    for (method, path) in [
        ("BREW", "/health"),
        ("BREW", "/nothing"),
        ("TRACE", "/"),
        ("CONNECT", "example.com:443"),
        ("DELETE", "/health"),
    ] {
        let mut raw = Raw::open(&app).await;
        raw.send(format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert_eq!(raw.status().await, 405, "{method} {path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn i3_requests_with_two_meanings_are_400_and_what_hides_behind_them_is_not_served() {
    let app = TestApp::start_with(miniature).await;
    let hidden = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    for headers in [
        "content-length: 6\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 6\r\n",
        "content-length: 0\r\ncontent-length: 6\r\n",
        "content-length: 6\r\ncontent-length: 6\r\n",
        "content-length: 6, 6\r\n",
        "content-length: +6\r\n",
        "content-length: 0x6\r\n",
        "content-length : 6\r\n",
        "content-length:\r\n",
        "content-length: 99999999999999999999999\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding:\r\n chunked\r\n",
        "x: y\r\n transfer-encoding: chunked\r\n",
        "x\r\n",
        "x: a\0b\r\n",
        "host: y\r\n",
    ] {
        let mut raw = Raw::open(&app).await;
        raw.send(format!("POST /logout HTTP/1.1\r\nhost: x\r\n{headers}\r\n0\r\n\r\n{hidden}")).await;
        // The last one is refused by what it means, not by its form, so its connection may go on.
        let answer = if headers.starts_with("host") { raw.answer().await } else { raw.rest().await };
        assert_eq!(status(&answer), 400, "{headers}");
        assert_eq!(answer.matches("HTTP/1.1 ").count().max(1), 1, "{headers}: {answer}");
    }
    for head in ["GET /health HTTP/1.1\r\n\r\n", "GET /health HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"]
    {
        let mut raw = Raw::open(&app).await;
        raw.send(head).await;
        assert_eq!(raw.status().await, 400, "{head}");
    }
    app.finish().await;
}

#[tokio::test]
async fn i3_nothing_is_served_on_a_connection_after_a_chunked_request() {
    let app = TestApp::start_with(miniature).await;
    let chunked = "POST /logout HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
    let (status, answers) = exchange(&app, format!("{chunked}GET /health HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    assert!(status != 400 && answers == 1, "{status}, {answers} answers");
    app.finish().await;
}

#[tokio::test]
async fn i3_garbage_for_a_request_or_for_chunks_is_400() {
    let app = TestApp::start_with(miniature).await;
    for garbage in
        ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\r\n", "{}\n\n"]
    {
        assert_eq!(exchange(&app, garbage).await, (400, 1), "{garbage:?}");
    }
    for chunks in ["x\r\n", "5\r\nabcdefgh\r\n", "-1\r\n", "fffffffffffffffff\r\n", "2\nab\n", "\r\n"] {
        let request =
            format!("POST /facebook/webhook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
        let mut raw = Raw::open(&app).await;
        raw.send(request).await;
        raw.0.shutdown().await.unwrap();
        assert_eq!(status(&raw.rest().await), 400, "{chunks:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn pipelined_deliveries_are_answered_in_order_each_once() {
    let app = TestApp::start_with(miniature).await;
    app.connect().await;
    let mut raw = Raw::open(&app).await;
    let forged = delivery("m_2", 1).replace("sha256=", "sha256=00");
    raw.send(delivery("m_1", 1) + &forged + &delivery("m_3", 1) + &delivery("m_1", 1)).await;
    for expected in [200, 401, 200, 200] {
        assert_eq!(raw.status().await, expected);
    }
    app.settle().await;
    assert_eq!(app.said("7000").len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn a_request_that_breaks_off_leaves_nothing_and_one_that_is_whole_is_served_though_the_sender_is_gone() {
    let app = TestApp::start_with(miniature).await;
    app.connect().await;
    let before = app.counts().await.0;
    let whole = delivery("m_half", 1);
    for cut in [1, 30, whole.find("\r\n\r\n").unwrap() + 2, whole.len() - 1] {
        let mut raw = Raw::open(&app).await;
        raw.send(&whole[..cut]).await;
        raw.0.shutdown().await.unwrap();
        let answer = raw.rest().await;
        assert!(answer.is_empty() || status(&answer) == 400, "{answer}");
    }
    assert_eq!(app.counts().await.0, before);
    let mut raw = Raw::open(&app).await;
    raw.send(delivery("m_whole", 1)).await;
    drop(raw);
    let begun = Instant::now();
    while app.counts().await.0 == before {
        assert!(begun.elapsed() < PATIENCE, "it is not stored");
        tokio::task::yield_now().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn i4_past_the_most_connections_new_ones_are_closed_and_a_place_comes_back() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.connections = 2;
    })
    .await;
    let hello = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let (mut one, mut two) = (Raw::open(&app).await, Raw::open(&app).await);
    for raw in [&mut one, &mut two] {
        raw.send(hello).await;
        assert_eq!(raw.status().await, 200);
    }
    assert_eq!(Raw::open(&app).await.rest().await, "");
    drop(one);
    let begun = Instant::now();
    loop {
        let mut raw = Raw::open(&app).await;
        // Refused connections are closed at once; this one asks to be closed after the answer.
        let _ = raw.0.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        if raw.rest().await.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the place did not come back");
    }
    drop(two);
}

#[tokio::test]
async fn i4_past_the_most_requests_at_work_others_are_503_and_slow_senders_hold_no_place() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.requests = 1;
    })
    .await;
    // Not at work yet: its body has not come.
    let mut slow = Raw::open(&app).await;
    let late = delivery("m_late", 1);
    slow.send(&late[..late.len() - 1]).await;
    let mut raw = Raw::open(&app).await;
    raw.send(delivery("m_now", 1)).await;
    assert_eq!(raw.status().await, 200);
    // A login whose platform does not answer is at work until it gives up.
    let browser = app.browser();
    let callback = browser.up_to_callback(&format!("/shopify/{SHOP}/login")).await;
    app.shopify.traffic().fail_next("/access_token", 1, Failure::Hang);
    let login = tokio::spawn(async move { browser.get(callback.as_str()).await });
    let asked = app.shopify.traffic().count("/access_token");
    until("the platform is asked", || app.shopify.traffic().count("/access_token") > asked).await;
    let mut raw = Raw::open(&app).await;
    raw.send(delivery("m_busy", 1)).await;
    let busy = raw.answer().await;
    assert_eq!(status(&busy), 503);
    assert!(busy.contains("retry-after: 1"), "{busy}");
    assert_eq!(login.await.unwrap().status, 502);
    slow.send(&late[late.len() - 1..]).await;
    assert_eq!(slow.status().await, 200);
    app.finish().await;
}

#[tokio::test]
async fn i5_logins_are_limited_for_each_address_and_deliveries_are_not() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.doors = Rate { burst: 3, per_minute: 1 };
        config.server.limits.proxies = "127.0.0.1".parse().unwrap();
    })
    .await;
    let browser = app.browser();
    let ask = async |path: &str, from: &str| {
        browser.send(Method::GET, path, &[("x-forwarded-for", from)], b"").await.status.as_u16()
    };
    for path in ["/facebook/login", "/facebook/callback?state=x", "/shopify/callback?state=x"] {
        assert_ne!(ask(path, "192.0.2.1").await, 429, "{path}");
    }
    let login = format!("/shopify/{}/login", SHOP);
    assert_eq!(ask(&login, "192.0.2.1").await, 429);
    assert_eq!(ask(&login, "198.51.100.7, 192.0.2.1").await, 429, "what the client wrote itself does not count");
    assert_eq!(ask(&login, "192.0.2.2").await, 303);
    for n in 0..20 {
        let mut raw = Raw::open(&app).await;
        raw.send(delivery(&format!("m_{n}"), 1)).await;
        assert_eq!(raw.status().await, 200);
    }
    app.finish().await;
}

#[tokio::test]
async fn i5_a_flood_of_forged_deliveries_does_not_crowd_out_good_ones() {
    let app = TestApp::start_with(miniature).await;
    app.connect().await;
    let forged = delivery("m_forged", 100_000).replace("sha256=", "sha256=00");
    let flood: Vec<_> = (0..50)
        .map(|_| {
            let (address, forged) = (app.url.strip_prefix("http://").unwrap().to_owned(), forged.clone());
            tokio::spawn(async move {
                let mut raw = Raw(TcpStream::connect(address).await.unwrap());
                let mut refused = 0;
                for _ in 0..5 {
                    raw.send(&forged).await;
                    assert_eq!(raw.status().await, 401);
                    refused += 1;
                }
                refused
            })
        })
        .collect();
    let mut raw = Raw::open(&app).await;
    for n in 0..20 {
        raw.send(delivery(&format!("m_good_{n}"), 1)).await;
        assert_eq!(raw.status().await, 200);
    }
    let mut refused = 0;
    for one in flood {
        refused += one.await.unwrap();
    }
    assert_eq!(refused, 250);
    app.settle().await;
    assert_eq!(app.said("7000").len(), 20);
    app.finish().await;
}

/// A connection from another address of this machine.
async fn open_from(app: &TestApp, number: u8) -> Raw {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(std::net::SocketAddr::from(([127, 0, 1, number], 0))).unwrap();
    Raw(socket.connect(app.url.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap())
}

/// Sends deliveries, each on a connection of its own, and gives the slowest but one in a hundred.
async fn p99_of_deliveries(app: &TestApp, name: &str) -> Duration {
    let mut took = Vec::new();
    for number in 0..200 {
        let padding = if number % 10 == 0 { 200 * 1024 } else { 300 };
        let begun = Instant::now();
        let mut raw = Raw::open(app).await;
        raw.send(delivery(&format!("m_{name}_{number}"), padding)).await;
        assert_eq!(raw.status().await, 200, "{name} {number}");
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    took[197]
}

#[tokio::test]
async fn i5_stalled_bodies_of_strangers_refuse_no_delivery() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.give_way = SHORT;
    })
    .await;
    let signed = format!("x-hub-signature-256: sha256={}\r\n", "0".repeat(64));
    let mut stalled = Vec::new();
    for number in 0..=255 {
        for (path, more, length) in
            [("/logout", "", 65_535), ("/facebook/webhook", "", 65_535), ("/facebook/webhook", &signed, 400_000)]
        {
            let mut raw = open_from(&app, number).await;
            raw.send(format!("POST {path} HTTP/1.1\r\nhost: x\r\n{more}content-length: {}\r\n\r\n", length + 1)).await;
            // Of those that have given way the rest is not taken any more.
            let _ = raw.0.write_all(&vec![b'x'; length]).await;
            stalled.push(raw);
        }
    }
    let p99 = p99_of_deliveries(&app, "stalled").await;
    println!("p99 with {} stalled bodies: {p99:?}", stalled.len());
    assert!(p99 < Duration::from_secs(1), "{p99:?}");
    drop(stalled);
    app.finish().await;
}

#[tokio::test]
async fn i5_idle_connections_of_strangers_close_no_place_to_a_delivery() {
    let app = TestApp::start_with(|config| {
        miniature(config);
        config.server.limits.give_way = SHORT;
        config.server.limits.connections = 500;
    })
    .await;
    let mut idle = Vec::new();
    for number in 0..500_u32 {
        let mut raw = open_from(&app, u8::try_from(number % 250).unwrap()).await;
        raw.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(raw.status().await, 200);
        idle.push(raw);
    }
    tokio::time::sleep(SHORT * 2).await;
    let p99 = p99_of_deliveries(&app, "idle").await;
    println!("p99 with {} idle connections: {p99:?}", idle.len());
    assert!(p99 < Duration::from_secs(1), "{p99:?}");
    app.finish().await;
}

#[tokio::test]
async fn i2_a_large_delivery_without_anything_like_a_signature_is_413_before_it_comes() {
    let app = TestApp::start_with(miniature).await;
    for path in ["/facebook/webhook", "/shopify/webhook"] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 70000\r\n\r\n");
        assert_eq!(exchange(&app, head).await, (413, 1), "{path}");
        let chunked = format!("POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n11171\r\n");
        assert_eq!(exchange(&app, format!("{chunked}{}", "x".repeat(70_001))).await, (413, 1), "{path}");
    }
    app.finish().await;
}
