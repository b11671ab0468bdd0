//! Load on a service: whole requests, made beforehand, over connections that have one under way each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use shoptalk::shared::secrets::signature::{sign_sha256, to_hex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a load led to.
pub struct Load {
    pub count: usize,
    pub per_second: f64,
    pub median: Duration,
}

/// A POST to this path, whole. `headers`: lines with their ends.
pub fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A delivery of Meta, signed. The load shall not measure its own HMAC.
pub fn meta_delivery(path: &str, secret: &str, body: &str) -> Vec<u8> {
    let signature = to_hex(&sign_sha256(secret.as_bytes(), body.as_bytes()));
    post(path, &format!("x-hub-signature-256: sha256={signature}\r\n"), body)
}

/// Sends the requests over so many connections, each with one request under way, until time or requests run out. A
/// single request is sent again and again.
pub async fn load(address: SocketAddr, connections: usize, time: Duration, requests: &Arc<Vec<Vec<u8>>>) -> Load {
    paced_load(address, connections, Duration::ZERO, time, requests).await
}

/// As [`load`], with a pause of each connection after each answer.
pub async fn paced_load(
    address: SocketAddr,
    connections: usize,
    pause: Duration,
    time: Duration,
    requests: &Arc<Vec<Vec<u8>>>,
) -> Load {
    let next = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (next, stop, requests) = (Arc::clone(&next), Arc::clone(&stop), Arc::clone(requests));
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("connected");
            stream.set_nodelay(true).expect("set");
            let mut times = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(if requests.len() == 1 { 0 } else { number }) else { break };
                let sent = Instant::now();
                exchange(&mut stream, request).await;
                times.push(sent.elapsed());
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
            times
        });
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut times: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let elapsed = started.elapsed();
    times.sort_unstable();
    Load { count: times.len(), per_second: times.len() as f64 / elapsed.as_secs_f64(), median: times[times.len() / 2] }
}

/// One request, and its answer, which is a success.
pub async fn exchange(stream: &mut TcpStream, request: &[u8]) {
    let mut buffer = [0; 8192];
    stream.write_all(request).await.expect("sent");
    let read = stream.read(&mut buffer).await.expect("answered");
    let answer = &buffer[..read];
    assert!(
        answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.1 202"),
        "{}",
        String::from_utf8_lossy(answer)
    );
}

pub fn median<T: Copy + PartialOrd>(values: &mut [T]) -> T {
    values.sort_by(|one, other| one.partial_cmp(other).expect("comparable"));
    values[values.len() / 2]
}
