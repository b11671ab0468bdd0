//! Strangers in numbers, against the service as it is built: idle connections, stalled bodies, bodies in one-byte chunks. They
//! come from as many addresses of the loopback network as there are of them.
//!
//! `CROWD_SECONDS=60 cargo test --release --test service crowd -- --ignored --nocapture`, with at least 12,000 open files
//! (`ulimit -n`).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::disk::{ANNA, message};
use crate::load::{connect_page, wait_until_ready};
use crate::mount::skipped;
use crate::process::{Service, configured};

/// What the 99th percentile of acknowledgements must stay below.
const P99: Duration = Duration::from_secs(1);

/// How many strangers there are.
#[derive(Clone, Copy)]
pub struct Crowd {
    /// Connections that asked once and say nothing more.
    pub idle: usize,
    /// Bodies that are one byte short.
    pub stalled: usize,
}

impl Crowd {
    /// How many connections it is.
    pub fn connections(self) -> usize {
        self.idle + self.stalled
    }

    /// Whether this process, and the service that it starts, may have so many files open.
    pub fn fits(self) -> bool {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        files >= self.connections() as u64 + 1_000
    }

    /// The most memory, in KB, that a service may take for it.
    pub fn most_memory_kb(self) -> u64 {
        (self.idle * IDLE_KB + self.stalled * STALLED_KB) as u64
    }
}

/// What a connection that says nothing may take of the service's memory, and one with a body of 64 KiB under way, in KB.
const IDLE_KB: usize = 24;
const STALLED_KB: usize = 24 + 2 * 64;

/// What the service takes for the deliveries beside them: its caches fill.
const SERVICE_KB: u64 = 24 * 1024;

/// Strangers at work, until they are told to stop.
pub struct Strangers {
    tasks: tokio::task::JoinSet<()>,
    stop: Arc<AtomicBool>,
    counts: Arc<[AtomicUsize; 2]>,
}

impl Strangers {
    /// Has all of them come, and come back whenever they are cut off.
    pub async fn begin(crowd: Crowd, to: SocketAddr) -> Self {
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]));
        let idle = Arc::new(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n".to_vec());
        let signature = "x-hub-signature-256: sha256=00000000000000000000000000000000\r\n";
        let stalled: Vec<Arc<Vec<u8>>> = [("/logout", ""), ("/facebook/webhook", signature)]
            .into_iter()
            .map(|(path, more)| {
                let mut bytes =
                    format!("POST {path} HTTP/1.1\r\nhost: x\r\n{more}content-length: 65536\r\n\r\n").into_bytes();
                bytes.resize(bytes.len() + 65_535, b'x');
                Arc::new(bytes)
            })
            .collect();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..crowd.connections() {
            let says = if number < crowd.idle { &idle } else { &stalled[number % 2] };
            tasks.spawn(stay(number, to, Arc::clone(says), Arc::clone(&counts), Arc::clone(&stop)));
            // A queue of connections that are not accepted yet holds a few thousand at most.
            if number % 100 == 99 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Self { tasks, stop, counts }
    }

    /// How many have come at least once.
    pub fn came(&self) -> usize {
        self.counts[0].load(Ordering::Relaxed)
    }

    /// How often one was cut off and came back.
    pub fn came_back(&self) -> usize {
        self.counts[1].load(Ordering::Relaxed)
    }

    /// Has all of them go.
    pub async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.shutdown().await;
    }
}

/// What came of deliveries meanwhile.
struct Verdict {
    p99: Duration,
    slowest: Duration,
    delivered: usize,
    refused: usize,
    /// How often strangers were cut off and came back.
    came_back: usize,
}

/// Connects from the address with this number.
async fn connect_from(number: usize, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let from = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 0).to_bits() + u32::try_from(number).unwrap_or(0));
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(to).await
}

/// One stranger, who comes back whenever the service has enough of them.
async fn stay(number: usize, to: SocketAddr, says: Arc<Vec<u8>>, counts: Arc<[AtomicUsize; 2]>, stop: Arc<AtomicBool>) {
    let mut is_first = true;
    while !stop.load(Ordering::Relaxed) {
        if let Ok(mut stream) = connect_from(number, to).await
            && stream.write_all(&says).await.is_ok()
        {
            counts[usize::from(!is_first)].fetch_add(1, Ordering::Relaxed);
            is_first = false;
            // Until the service closes it.
            let mut buffer = [0; 512];
            while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Sends a signed delivery on a connection of its own, and gives the status of the answer; 0: the connection was closed.
async fn deliver(to: SocketAddr, request: &[u8]) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(request).await?;
    let mut head = [0; 512];
    let read = stream.read(&mut head).await?;
    let text = String::from_utf8_lossy(&head[..read]);
    Ok(text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0))
}

async fn endure(to: SocketAddr, crowd: Crowd, during: Duration) -> Verdict {
    let strangers = Strangers::begin(crowd, to).await;
    let deadline = Instant::now() + Duration::from_secs(120);
    while strangers.came() < crowd.connections() {
        assert!(Instant::now() < deadline, "not all strangers came in");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The system took their connections; the service is through with them when it answers.
    let mut numbers = 1_000_000..;
    let mut next = || message(numbers.next().unwrap(), ANNA).bytes().to_vec();
    deliver(to, &next()).await.unwrap();
    let (begun, mut took, mut refused) = (Instant::now(), Vec::new(), 0);
    while begun.elapsed() < during {
        let (request, sent) = (next(), Instant::now());
        match deliver(to, &request).await {
            Ok(200) => took.push(sent.elapsed()),
            _ => refused += 1,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let came_back = strangers.came_back();
    strangers.end().await;
    took.sort_unstable();
    Verdict {
        p99: took.get(took.len() * 99 / 100).copied().unwrap_or(Duration::MAX),
        slowest: took.last().copied().unwrap_or(Duration::MAX),
        delivered: took.len(),
        refused,
        came_back,
    }
}

/// The most memory that a process has had, in KB.
fn peak_memory_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

fn run(crowd: Crowd, during: Duration) {
    if !crowd.fits() {
        return skipped("so many connections need more open files: ulimit -n");
    }
    let folder = tempfile::tempdir().unwrap();
    connect_page(folder.path());
    let service = Service::start(configured(folder.path(), &["serve"]));
    wait_until_ready(service.address);
    let before = peak_memory_kb(service.id());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let verdict = runtime.block_on(endure(service.address, crowd, during));
    let grown = peak_memory_kb(service.id()) - before;
    let Verdict { p99, slowest, delivered, refused, came_back } = verdict;
    println!(
        "{} idle, {} stalled ({came_back} came back): {delivered} deliveries, p99 {p99:?}, slowest {slowest:?}, {refused} \
         refused; memory {} MB, and {} MB more: {} KB a connection",
        crowd.idle,
        crowd.stalled,
        before / 1024,
        grown / 1024,
        grown / crowd.connections() as u64
    );
    assert!(p99 < P99, "{p99:?}");
    assert_eq!(refused, 0);
    let most = SERVICE_KB + crowd.most_memory_kb();
    assert!(grown <= most, "memory grew by {grown} KB, more than {most}");
    assert_eq!(service.stop().0.code(), Some(0));
}

#[test]
fn i5_a_crowd_of_idle_and_stalled_strangers_refuses_no_delivery() {
    run(Crowd { idle: 1_000, stalled: 300 }, Duration::from_secs(4));
}

#[test]
#[ignore = "takes a minute, and 12,000 open files; CROWD_SECONDS says how long"]
fn i5_ten_thousand_idle_and_300_stalled_strangers_refuse_no_delivery() {
    let seconds = std::env::var("CROWD_SECONDS").map_or(30, |text| text.parse().unwrap());
    run(Crowd { idle: 10_000, stalled: 300 }, Duration::from_secs(seconds));
}

/// Sends bodies in chunks of one byte, all at once and without an end, until the service has waited long enough. Gives how much
/// its memory grew, in MB, and how many of them it held until then.
fn grown_by_one_byte_chunks(bodies: usize, bytes: usize) -> (u64, usize) {
    let folder = tempfile::tempdir().unwrap();
    connect_page(folder.path());
    let service = Service::start(configured(folder.path(), &["serve"]));
    wait_until_ready(service.address);
    let before = peak_memory_kb(service.id());
    let mut request = b"POST /facebook/webhook HTTP/1.1\r\nhost: x\r\nx-hub-signature-256: sha256=00000000000000000000000000000000\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    request.extend(b"1\r\nx\r\n".repeat(bytes));
    let (request, to) = (Arc::new(request), service.address);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let held = runtime.block_on(async {
        let mut senders = tokio::task::JoinSet::new();
        for number in 0..bodies {
            let request = Arc::clone(&request);
            // The whole of it is on its way; what is read of it shows when the answer comes.
            senders.spawn(async move {
                let mut stream = connect_from(number, to).await.ok()?;
                stream.write_all(&request).await.ok()?;
                let mut head = [0; 64];
                let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut head)).await.ok()?.ok()?;
                String::from_utf8_lossy(&head[..read]).split(' ').nth(1).map(str::to_owned)
            });
        }
        senders.join_all().await.into_iter().filter(|answer| answer.as_deref() == Some("408")).count()
    });
    let grown = peak_memory_kb(service.id()).saturating_sub(before) / 1024;
    println!("{bodies} bodies of {bytes} bytes in one-byte chunks, {held} held: memory grew by {grown} MB");
    assert_eq!(service.stop().0.code(), Some(0));
    (grown, held)
}

#[test]
fn i2_bodies_in_one_byte_chunks_take_the_memory_of_their_bytes_and_no_more() {
    // 8 MB in all, in the memory of twice as much at most, and of what connections need.
    let (grown, held) = grown_by_one_byte_chunks(64, 128 * 1024);
    assert!(held > 32, "only {held} were held");
    assert!(grown < 2 * 8 + 16, "{grown} MB");
}

#[test]
#[ignore = "sends half a gigabyte; for a release build"]
fn i2_more_bodies_in_one_byte_chunks_than_fit_take_the_promised_memory() {
    let (grown, _) = grown_by_one_byte_chunks(200, 400 * 1024);
    assert!(grown < 64 + 48, "{grown} MB");
}
