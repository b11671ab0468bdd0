//! Load on a service, and the book of it: what was sent, what was acknowledged, and whether the files say the same.

use std::collections::{HashMap, HashSet};
use std::io::{Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use serde_json::value::RawValue;
use shoptalk::app::App;
use shoptalk::app::config::{Config, Server};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::secrets::signature::{sign_sha256, to_hex};
use shoptalk::shared::store::{NewConnection, Status};

use crate::test_app::{FACEBOOK_SECRET, PAGE};

/// How long files may take to say more of what was acknowledged. Far more than they need.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(30);

/// How long a start may take until it is ready: it first writes what was left undone.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Numbers that only look random: the same seed gives the same ones.
pub struct Random(u64);

impl Random {
    /// Seeded by `SEED` from the environment, else by the clock. The seed is printed; it is seen when the test fails.
    pub fn seeded() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let seed = std::env::var("SEED").map_or(now as u64, |text| text.parse().unwrap());
        println!("SEED={seed}");
        Self(seed)
    }

    /// Seeded by this.
    pub fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below this.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// So many milliseconds.
    pub fn milliseconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// Makes the data folder of a service that has the Page connected.
pub fn connect_page(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = Config::without_channels(Server::below(folder));
        let app = App::build(config, Clock::system()).await.unwrap();
        let connection = NewConnection {
            channel: "facebook",
            account: PAGE.to_owned(),
            merchant: uuid::Uuid::nil(),
            name: "Demo Shop".to_owned(),
            scopes: Vec::new(),
            status: Status::Connected,
            status_reason: None,
            platform_user: None,
            tokens: Vec::new(),
        };
        app.shared().connections.upsert(vec![connection], 0).await.unwrap();
        app.stop(None).await;
    });
}

/// The folder with the Page's conversations.
pub fn conversations(folder: &Path) -> PathBuf {
    folder.join("facebook").join(PAGE).join("conversations")
}

/// The file of one conversation.
pub fn conversation(folder: &Path, person: &str) -> PathBuf {
    conversations(folder).join(format!("{person}.json"))
}

/// A message as it stands in a delivery, and later in a file.
#[derive(Clone)]
pub struct Item {
    pub mid: String,
    pub person: String,
    pub text: String,
}

impl Item {
    pub fn new(mid: String, person: String, timestamp: u64, say: &str) -> Self {
        let text = format!(
            r#"{{"sender":{{"id":"{person}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{timestamp},"message":{{"mid":"{mid}","text":"{say}"}}}}"#
        );
        Self { mid, person, text }
    }
}

/// A delivery, signed.
#[derive(Clone)]
pub struct Delivery {
    pub items: Vec<Item>,
    request: Vec<u8>,
}

impl Delivery {
    pub fn new(items: Vec<Item>) -> Self {
        let all: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
        let body = format!(
            r#"{{"object":"page","entry":[{{"id":"{PAGE}","time":1790000000123,"messaging":[{}]}}]}}"#,
            all.join(",")
        );
        let signature = to_hex(&sign_sha256(FACEBOOK_SECRET.as_bytes(), body.as_bytes()));
        let head = format!(
            "POST /facebook/webhook HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-hub-signature-256: sha256={signature}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self { items, request: (head + &body).into_bytes() }
    }

    /// The whole request.
    pub fn bytes(&self) -> &[u8] {
        &self.request
    }
}

/// An answer's status and its head.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
}

/// One connection to the service, kept open.
pub struct Client(TcpStream);

impl Client {
    pub fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self(stream))
    }

    /// Asks for a path.
    pub fn get(address: SocketAddr, path: &str) -> std::io::Result<Answer> {
        Self::connect(address)?.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())
    }

    /// Sends a delivery.
    pub fn deliver(&mut self, delivery: &Delivery) -> std::io::Result<Answer> {
        self.send(&delivery.request)
    }

    /// Sends a request, whatever it is.
    pub fn send(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.0.write_all(request)?;
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = self.0.read(&mut buffer)?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().map_err(Error::other)? {
                let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
                return Ok(Answer { status: status.ok_or(ErrorKind::InvalidData)?, head: head.to_owned() });
            }
        }
    }
}

/// Waits until `/ready` says 200.
pub fn wait_until_ready(address: SocketAddr) {
    let deadline = Instant::now() + READY_WITHIN;
    while !Client::get(address, "/ready").is_ok_and(|answer| answer.status == 200) {
        assert!(Instant::now() < deadline, "the service was not ready in time");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What was sent, and what of it was acknowledged.
#[derive(Default)]
pub struct Book {
    sent: HashMap<String, Item>,
    acknowledged: HashSet<String>,
    /// Nobody knows whether these arrived; the platform sends them again.
    unanswered: Vec<Delivery>,
    /// How many deliveries were answered 200 and 503.
    pub answers: (u64, u64),
}

impl Book {
    /// Notes what is about to be sent.
    pub fn sending(&mut self, delivery: &Delivery) {
        for item in &delivery.items {
            self.sent.entry(item.mid.clone()).or_insert_with(|| item.clone());
        }
    }

    /// Notes what was answered. Nothing but 200 and 503 is an answer to a delivery.
    pub fn answered(&mut self, delivery: &Delivery, answer: &Answer) {
        match answer.status {
            200 => {
                self.answers.0 += 1;
                self.acknowledged.extend(delivery.items.iter().map(|item| item.mid.clone()));
            }
            503 => {
                self.answers.1 += 1;
                assert!(answer.head.contains("\nretry-after: "), "{answer:?}");
            }
            _ => panic!("{answer:?}"),
        }
    }

    /// How many messages were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Compares with the files. What is there must be right; gives back the acknowledged messages that are not there.
    fn missing(&self, folder: &Path) -> Vec<String> {
        let mut found: HashSet<String> = HashSet::new();
        for file in conversation_files(folder) {
            let person = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&file).unwrap();
            let items: Vec<&RawValue> =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let mut last = 0;
            for item in items {
                let value: Value = serde_json::from_str(item.get()).unwrap();
                let mid = value["message"]["mid"].as_str().unwrap();
                let sent = self.sent.get(mid).unwrap_or_else(|| panic!("{mid} was never sent"));
                assert_eq!((item.get(), person.as_str()), (sent.text.as_str(), sent.person.as_str()));
                let time = value["timestamp"].as_u64().unwrap();
                assert!(time >= last, "{mid} of {person} stands after a later one");
                last = time;
                assert!(found.insert(mid.to_owned()), "{mid} is there twice");
            }
        }
        self.acknowledged.difference(&found).cloned().collect()
    }

    /// Waits until every acknowledged message is in its file, once, in order of time, as it was sent, and nothing else. After
    /// much load that takes its time; what counts is that it goes on.
    pub fn wait_until_filed(&self, folder: &Path) {
        let (mut deadline, mut fewest) = (Instant::now() + CATCH_UP_WITHIN, usize::MAX);
        loop {
            let missing = self.missing(folder);
            if missing.is_empty() {
                return;
            }
            if missing.len() < fewest {
                (deadline, fewest) = (Instant::now() + CATCH_UP_WITHIN, missing.len());
            }
            let some = &missing[..missing.len().min(5)];
            assert!(Instant::now() < deadline, "{} messages were lost, for example {some:?}", missing.len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// All conversation files there are.
pub fn conversation_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(conversations(folder)) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".json") && !name.starts_with('.')
        })
        .collect()
}

/// What stands beside the conversation files.
pub fn leftovers(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(conversations(folder)) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.') || !name.ends_with(".json")).collect()
}

/// Reads every document below a folder whole.
pub fn parse_everything(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            parse_everything(&path);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            // Gone by now is possible only for a file that has not yet got its name.
            let Ok(text) = std::fs::read(&path) else { continue };
            let parsed = serde_json::from_slice::<Value>(&text);
            assert!(parsed.is_ok(), "{} ({} bytes): {parsed:?}", path.display(), text.len());
        }
    }
}

/// What a load does.
#[derive(Clone, Copy)]
pub struct Shape {
    /// How many connections send, each with one delivery under way.
    pub connections: usize,
    /// How many conversations there are.
    pub people: u64,
    /// How long each connection rests after a delivery.
    pub pause: Duration,
}

impl Shape {
    /// Connections that send as fast as they are answered.
    pub const fn restless(connections: usize, people: u64) -> Self {
        Self { connections, people, pause: Duration::ZERO }
    }
}

/// Connections that send: single messages and batches, every fifth delivery twice, some
/// messages late, and again what was not answered before.
pub struct Load {
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(address: SocketAddr, book: &Arc<Mutex<Book>>, shape: Shape, random: &mut Random) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let worker = |_| {
            let worker = Worker {
                book: Arc::clone(book),
                random: Random(random.next()),
                stop: Arc::clone(&stop),
                people: shape.people,
                pause: shape.pause,
            };
            std::thread::spawn(move || worker.run(address))
        };
        let workers = (0..shape.connections).map(worker).collect();
        Self { stop, workers }
    }

    /// Ends it, whether or not the service is still there.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.join().unwrap();
        }
    }
}

struct Worker {
    book: Arc<Mutex<Book>>,
    random: Random,
    stop: Arc<AtomicBool>,
    people: u64,
    pause: Duration,
}

impl Worker {
    fn run(mut self, address: SocketAddr) {
        let Ok(mut client) = Client::connect(address) else { return };
        while !self.stop.load(Ordering::Relaxed) {
            let again = self.book.lock().unwrap().unanswered.pop();
            let delivery = again.unwrap_or_else(|| self.make());
            self.book.lock().unwrap().sending(&delivery);
            let times = if self.random.below(5) == 0 { 2 } else { 1 };
            for _ in 0..times {
                match client.deliver(&delivery) {
                    Ok(answer) => self.book.lock().unwrap().answered(&delivery, &answer),
                    Err(_) => {
                        // The service is gone. Half of these the platform sends again.
                        if self.random.below(2) == 0 {
                            self.book.lock().unwrap().unanswered.push(delivery);
                        }
                        return;
                    }
                }
            }
            if !self.pause.is_zero() {
                std::thread::sleep(self.pause);
            }
        }
    }

    fn make(&mut self) -> Delivery {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let count = if self.random.below(20) == 0 { 50 } else { 1 };
        let items = (0..count).map(|_| {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let person = (7_000_000_000_000_000 + self.random.below(self.people)).to_string();
            // One in ten arrives late.
            let late = if self.random.below(10) == 0 { self.random.below(1000) } else { 0 };
            Item::new(format!("m_{number}"), person, 1_790_000_000_000 + number - late.min(number), "Is it in stock?")
        });
        Delivery::new(items.collect())
    }
}

/// Reads random conversation files until it is stopped; each must be one whole document.
pub struct Reading {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

impl Reading {
    pub fn start(folder: &Path, random: &mut Random) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, folder, mut random) = (Arc::clone(&stop), folder.to_owned(), Random(random.next()));
        let thread = std::thread::spawn(move || {
            let mut reads = 0;
            while !stopped.load(Ordering::Relaxed) {
                let files = conversation_files(&folder);
                for _ in 0..files.len().min(20) {
                    let file = &files[random.below(files.len() as u64) as usize];
                    let text = std::fs::read(file).unwrap();
                    let parsed = serde_json::from_slice::<Vec<&RawValue>>(&text);
                    assert!(parsed.is_ok_and(|items| !items.is_empty()), "{} was torn: {text:?}", file.display());
                    reads += 1;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            reads
        });
        Self { stop, thread }
    }

    /// Ends it, and tells how many files were read.
    pub fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
