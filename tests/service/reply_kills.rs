//! Killed at any moment while answers of all channels go out: none that was accepted is lost, no part is sent twice, and the
//! feed's numbers have no gap. The platforms count; the service is the real program.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::channel::simulator::{Now, SendFailure, loopback_client};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::store::api_keys::Scope;
use shoptalk::{facebook, linkedin, shopify, viber, whatsapp};
use url::Url;

use crate::api_keys::Bot;
use crate::linkedin_stage as li;
use crate::load::{Random, wait_until_ready};
use crate::process::{Service, configured};
use crate::test_app::{FACEBOOK_APP_ID, PAGE, TestApp};
use crate::whatsapp as wa;

const INSTAGRAM: &str = "17840000000000101";
const BOT: &str = "5346594275468546724";
const VIBER_TOKEN: &str = "a viber token for tests";

/// So many people of each channel have written, and are answered: as many as let nobody be written to too often.
fn people(kills: usize) -> u64 {
    24_u64.max(kills as u64 / 6)
}

/// Every so-many-th person has also commented on a post of the page; LinkedIn takes few answers a minute.
const PEOPLE_OF_A_POST: u64 = 6;

/// How many keys the programs share: a key may ask for so many messages a second only.
const KEYS: usize = 8;

/// How many programs post answers at once.
const POSTERS: usize = 6;

/// When it is looked what became of a call without an answer, the first and the second time, and when nobody looks any more.
const RESOLVED_AFTER: &str = "1,2,8";

/// How long something may take that goes on by itself. Far more than it needs.
const GOES_ON_WITHIN: Duration = Duration::from_secs(60);

/// All platforms, which outlive the service, and where it is to be the next time.
struct Stage {
    facebook: facebook::sandbox::Sandbox,
    shopify: shopify::sandbox::Sandbox,
    whatsapp: whatsapp::sandbox::Sandbox,
    viber: viber::sandbox::Sandbox,
    linkedin: linkedin::sandbox::Sandbox,
    whatsapp_token: String,
    folder: Arc<tempfile::TempDir>,
    address: SocketAddr,
    /// Keys that may read and answer, in turn.
    keys: Vec<String>,
    next_key: AtomicUsize,
    /// The conversations, as `channel/account/person`.
    conversations: Vec<[String; 3]>,
}

impl Stage {
    /// Connects everything; everybody of so many people has written.
    async fn set(people: u64) -> Self {
        let clock = Clock::system();
        let now: Now = Arc::new(chrono::Utc::now);
        let options = whatsapp::sandbox::Options {
            app_id: FACEBOOK_APP_ID.to_owned(),
            app_secret: wa::SECRET.to_owned(),
            now: Arc::clone(&now),
        };
        let whatsapp = whatsapp::sandbox::Sandbox::start(options).await.unwrap();
        let number = whatsapp.add_number(wa::BUSINESS, wa::NUMBER, wa::DIGITS, "Harbour Cafe");
        whatsapp.set_ignores_rates(true);
        let whatsapp_token = whatsapp.system_user_token();
        let options = viber::sandbox::Options {
            token: VIBER_TOKEN.to_owned(),
            bot_id: format!("pa:{BOT}"),
            name: "Harbour Cafe".to_owned(),
            now,
        };
        let viber = viber::sandbox::Sandbox::start(options).await.unwrap();
        viber.set_ignores_rates(true);
        let linkedin = li::open(&clock).await;
        let linkedin_token = linkedin.access_token();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let change = |config: &mut shoptalk::app::config::Config| {
            config.facebook.as_mut().unwrap().instagram = true;
            wa::configure(config, &whatsapp.url());
            config.whatsapp.as_mut().unwrap().token = whatsapp_token.clone().into();
            let mut address = config.facebook.as_ref().unwrap().webhook_address.clone();
            address.set_path("/viber/webhook");
            config.viber = Some(viber::Config {
                token: shoptalk::shared::secrets::signature::Secrets::new(VIBER_TOKEN.into(), None),
                sender_name: None,
                sender_avatar: None,
                welcome: None,
                outside_session: false,
                webhook_address: address,
                api_url: Url::parse(&viber.url()).unwrap(),
                has_public_key: false,
            });
            li::configure(config, &linkedin.url());
            config.linkedin.as_mut().unwrap().access_token = linkedin_token.clone().into();
        };
        let app = TestApp::start_in(Arc::clone(&folder), clock, change).await;
        let instagram = app.facebook.add_instagram(PAGE, INSTAGRAM, "demo.shop");
        whatsapp.set_callback(&format!("{}/whatsapp/webhook", app.url), wa::VERIFY_TOKEN).await.unwrap();
        linkedin.deliver_to(&format!("{}/linkedin/webhook", app.url));
        app.connect().await;
        app.begin().await;
        let mut conversations = Vec::new();
        let mut met = |channel: &str, account: &str, person: String| {
            conversations.push([channel.to_owned(), account.to_owned(), person]);
        };
        for person in 0..people {
            for (page, account, channel, first) in [
                (app.page(), PAGE, "facebook", 7_000_000_000_000_000_u64),
                (instagram.clone(), INSTAGRAM, "instagram", 8_000_000_000_000_000),
            ] {
                let id = format!("{}", first + person);
                let somebody = app.facebook.person(&id, "Sam Doe");
                assert_eq!(page.deliver(&[page.message_from(&somebody, "Hello?")]).await.unwrap(), Some(200));
                met(channel, account, id);
            }
            let ada = number.person(&format!("{}", 15_550_200_000_u64 + person), "Ada Perera");
            assert_eq!(ada.writes("Hello?").await.answers, [200]);
            met("whatsapp", wa::NUMBER, ada.user_id());
            let id = STANDARD.encode(format!("test-user-{person:03}"));
            assert_eq!(viber.person(&id, "Dilan K").writes("Hello?").await.answers, [200]);
            met("viber", BOT, id.trim_end_matches('=').replace('+', "-").replace('/', "_"));
            if person % PEOPLE_OF_A_POST == 0 {
                let post = linkedin.publishes("Our autumn menu");
                let member = linkedin.member(&format!("TESTmember{person}"), "Kim Perera");
                assert_eq!(member.comments(&post, "Hello?").await.answers, [200]);
                met("linkedin", li::PAGE, post.urn().trim_start_matches("urn:li:").replace(':', "-"));
            }
        }
        app.work().await;
        let mut keys = Vec::new();
        for _ in 0..KEYS {
            keys.push(Bot::start(&app, &[Scope::Read, Scope::Reply]).await.text.clone());
        }
        let (facebook, shopify, next_key) = (app.facebook.clone(), app.shopify.clone(), AtomicUsize::new(0));
        app.close().await;
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let stage = Self {
            facebook,
            shopify,
            whatsapp,
            viber,
            linkedin,
            whatsapp_token,
            folder,
            address,
            keys,
            next_key,
            conversations,
        };
        stage.facebook.deliver_to(&stage.url("/facebook/webhook"));
        stage.whatsapp.deliver_to(&stage.url("/whatsapp/webhook"));
        stage.viber.deliver_to(&stage.url("/viber/webhook"));
        stage.linkedin.deliver_to(&stage.url("/linkedin/webhook"));
        stage
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn serve(&self) -> Command {
        let mut command = configured(self.folder(), &["serve"]);
        command
            .env("PORT", self.address.port().to_string())
            .env("PUBLIC_URL", self.url(""))
            .env("FACEBOOK_GRAPH_URL", self.facebook.url())
            .env("FACEBOOK_DIALOG_URL", self.facebook.url())
            .env("FACEBOOK_INSTAGRAM", "on")
            .env("SHOPIFY_ADMIN_URL", self.shopify.admin_url())
            .env("WHATSAPP_PHONE_NUMBER_ID", wa::NUMBER)
            .env("WHATSAPP_BUSINESS_ACCOUNT_ID", wa::BUSINESS)
            .env("WHATSAPP_PHONE_NUMBER", wa::DIGITS)
            .env("WHATSAPP_ACCESS_TOKEN", &self.whatsapp_token)
            .env("WHATSAPP_WEBHOOK_VERIFY_TOKEN", wa::VERIFY_TOKEN)
            .env("WHATSAPP_APP_SECRET", wa::SECRET)
            .env("WHATSAPP_GRAPH_URL", self.whatsapp.url())
            .env("VIBER_BOT_TOKEN", VIBER_TOKEN)
            .env("VIBER_API_URL", self.viber.url())
            .env("LINKEDIN_CLIENT_ID", "li-test-client")
            .env("LINKEDIN_CLIENT_SECRET", li::SECRET)
            .env("LINKEDIN_ACCESS_TOKEN", self.linkedin.access_token())
            .env("LINKEDIN_ORGANIZATION_ID", li::PAGE)
            .env("LINKEDIN_APPLICATION_ID", "80000001")
            .env("LINKEDIN_ANSWER_COMMENTS", "on")
            .env("LINKEDIN_API_URL", self.linkedin.url())
            .env("LINKEDIN_OAUTH_URL", self.linkedin.oauth_url())
            .env("FEED_SETTLE_SECONDS", "0")
            .env("REPLY_RESOLVE_SECONDS", RESOLVED_AFTER)
            .env("REPLY_ECHO_SECONDS", "3")
            .env("BOT_PAUSE_ON", "none");
        command
    }

    async fn start(&self) -> Service {
        let (command, address) = (self.serve(), self.address);
        let service = tokio::task::spawn_blocking(move || {
            let service = Service::start(command);
            wait_until_ready(address);
            service
        });
        let service = service.await.unwrap();
        // Now that somebody answers its challenge.
        self.whatsapp.set_callback(&self.url("/whatsapp/webhook"), wa::VERIFY_TOKEN).await.unwrap();
        service
    }

    /// Echoes and statuses that nobody took come again.
    async fn repeat_webhooks(&self) {
        self.facebook.release().await;
        self.whatsapp.release().await;
        self.viber.release().await;
        self.linkedin.release().await;
    }

    /// A few calls are lost: with what they carried, or only their answers.
    fn lose_calls(&self, random: &mut Random) {
        let taken = random.below(2) == 0;
        match random.below(5) {
            0 | 1 => {
                let lost = if taken {
                    facebook::sandbox::SendFailure::TakenHang
                } else {
                    facebook::sandbox::SendFailure::Hang
                };
                self.facebook.fail_sends(1, lost);
            }
            2 => self.whatsapp.fail_sends(1, if taken { SendFailure::TakenHang } else { SendFailure::Hang }),
            3 => self.viber.fail_sends(1, if taken { SendFailure::TakenHang } else { SendFailure::Hang }),
            _ => self.linkedin.fail_sends(1, if taken { SendFailure::TakenHang } else { SendFailure::Hang }),
        }
    }

    /// No call is lost from now on.
    fn heal(&self) {
        self.facebook.heal_sends();
        self.whatsapp.heal_sends();
        self.viber.heal_sends();
        self.linkedin.heal_sends();
    }

    /// The marks of all parts that platforms took, and how often. A comment has no mark: its words tell which it is.
    fn taken(&self, accepted: &BTreeMap<String, Wanted>) -> BTreeMap<String, usize> {
        let mut taken = BTreeMap::new();
        let marks = self.facebook.sent().into_iter().filter_map(|sent| sent.metadata);
        let marks = marks.chain(self.whatsapp.sent().into_iter().filter_map(|sent| sent.mark));
        for mark in marks.chain(self.viber.sent().into_iter().filter_map(|sent| sent.tracking_data)) {
            *taken.entry(mark).or_default() += 1;
        }
        let ids: HashMap<usize, &String> = accepted.iter().map(|(id, wanted)| (wanted.number, id)).collect();
        for sent in self.linkedin.sent() {
            let (number, n) = Wanted::part_of(&sent.text);
            let id = ids.get(&number).map_or("nobody's", |id| id.as_str());
            *taken.entry(format!("{id}:{n}")).or_default() += 1;
        }
        taken
    }

    /// Asks the service; `None`: it does not answer.
    async fn ask(
        &self,
        client: &reqwest::Client,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Option<(u16, Value)> {
        let key = &self.keys[self.next_key.fetch_add(1, Ordering::Relaxed) % KEYS];
        let mut request = client.request(method, self.url(path)).bearer_auth(key);
        if let Some((key, body)) = body {
            request = request.header("idempotency-key", key).json(body);
        }
        let answer = request.timeout(Duration::from_secs(20)).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, serde_json::from_slice(&answer.bytes().await.ok()?).unwrap_or_default()))
    }
}

/// An answer that is to be sent.
#[derive(Clone)]
struct Wanted {
    number: usize,
    conversation: [String; 3],
    text: String,
}

impl Wanted {
    /// A word that stands in no other one.
    fn word(number: usize) -> String {
        format!("answer-{number}-is")
    }

    fn new(number: usize, stage: &Stage) -> Self {
        let conversation = stage.conversations[number * 7 % stage.conversations.len()].clone();
        // Some have several parts.
        let more = if number % 4 == 3 { "long ".repeat(450) } else { "short ".to_owned() };
        Self { number, conversation, text: format!("{} {more}ends-{number}-so", Self::word(number)) }
    }

    /// Which answer, and which of its at most two parts, says this.
    fn part_of(text: &str) -> (usize, usize) {
        let number = |from: &str| text.split_once(from)?.1.split_once('-')?.0.parse().ok();
        match (number("answer-"), number("ends-")) {
            (Some(number), _) => (number, 1),
            (None, Some(number)) => (number, 2),
            (None, None) => panic!("no part of an answer: {text}"),
        }
    }

    /// The same wish whenever it is made: it does not grow too old while the service is killed again and again.
    fn body(&self) -> Value {
        json!({"text": self.text, "ttl_seconds": 86_400})
    }

    /// Where it is posted to.
    fn path(&self) -> String {
        let [channel, account, person] = &self.conversation;
        format!("/api/v1/{channel}/{account}/conversations/{person}/messages")
    }

    /// Posts it, with the same key as before.
    async fn post(&self, stage: &Stage, client: &reqwest::Client) -> Option<(u16, Value)> {
        let key = format!("answer-{}", self.number);
        stage.ask(client, Method::POST, &self.path(), Some((&key, &self.body()))).await
    }
}

/// What the programs know of their answers.
#[derive(Default)]
struct Book {
    next: usize,
    /// Posted, and nobody knows what became of it.
    unanswered: VecDeque<Wanted>,
    /// Those that were accepted, by their ids.
    accepted: BTreeMap<String, Wanted>,
}

impl Book {
    fn take(&mut self, stage: &Stage) -> Wanted {
        self.unanswered.pop_front().unwrap_or_else(|| {
            self.next += 1;
            Wanted::new(self.next, stage)
        })
    }
}

/// Posts answers until it is told to stop, and repeats those whose answers were lost with the same key.
async fn post(stage: Arc<Stage>, book: Arc<Mutex<Book>>, stop: Arc<AtomicBool>) {
    let client = loopback_client().unwrap();
    while !stop.load(Ordering::Relaxed) {
        let wanted = book.lock().unwrap().take(&stage);
        let answer = wanted.post(&stage, &client).await;
        let mut book = book.lock().unwrap();
        match answer {
            Some((200 | 202, message)) => {
                let id = message["id"].as_str().unwrap().to_owned();
                let before = book.accepted.insert(id, wanted.clone());
                assert!(before.is_none_or(|before| before.number == wanted.number), "one id for two answers");
            }
            Some((status, problem)) => {
                assert!(matches!(status, 429 | 503), "{status}: {problem}");
                book.unanswered.push_back(wanted);
            }
            None => book.unanswered.push_back(wanted),
        }
    }
}

/// What the feed told.
#[derive(Default)]
struct Told {
    /// How many events.
    events: i64,
    /// The state that it told last, by the messages' ids.
    states: HashMap<String, Value>,
}

/// Reads the feed across all lives of the service, each event once and in order.
async fn read_feed(stage: Arc<Stage>, told: Arc<Mutex<Told>>, stop: Arc<AtomicBool>) {
    let client = loopback_client().unwrap();
    loop {
        let is_last = stop.load(Ordering::Relaxed);
        let path = format!("/api/v1/events?after={}&limit=100", told.lock().unwrap().events);
        let page = stage.ask(&client, Method::GET, &path, None).await;
        if let Some((200, page)) = page {
            let mut told = told.lock().unwrap();
            let events = page["events"].as_array().unwrap();
            for event in events {
                assert_eq!(event["n"], told.events + 1, "a gap, or one twice: {event}");
                told.events += 1;
                if event["type"] == "status" {
                    let message = &event["message"];
                    told.states.insert(message["id"].as_str().unwrap().to_owned(), message["state"].clone());
                }
            }
            if is_last && events.is_empty() {
                assert_eq!(page["newest"], told.events);
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_a_few_times_while_answering_nothing_accepted_is_lost_and_no_part_is_sent_twice() {
    kill_while_answering(12).await;
}

/// `KILLS=1000 cargo test --test service killed_while_answering -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn killed_while_answering_nothing_accepted_is_lost_and_no_part_is_sent_twice() {
    kill_while_answering(std::env::var("KILLS").map_or(50, |text| text.parse().unwrap())).await;
}

/// Kills the service so often while programs post answers, lets the last life go on until all is settled, and compares.
async fn kill_while_answering(kills: usize) {
    let mut random = Random::seeded();
    let stage = Arc::new(Stage::set(people(kills)).await);
    let (book, over) = (Arc::new(Mutex::new(Book::default())), Arc::new(AtomicBool::new(false)));
    let told = Arc::new(Mutex::new(Told::default()));
    let reader = tokio::spawn(read_feed(Arc::clone(&stage), Arc::clone(&told), Arc::clone(&over)));
    for _ in 0..kills {
        live_and_die(&stage, &book, &mut random).await;
    }
    stage.heal();
    let service = stage.start().await;
    stage.repeat_webhooks().await;
    let client = loopback_client().unwrap();
    post_again(&stage, &client, &book).await;
    let accepted = book.lock().unwrap().accepted.clone();
    let messages = wait_until_settled(&stage, &client, &accepted, &told).await;
    over.store(true, Ordering::Relaxed);
    reader.await.unwrap();
    let events = told.lock().unwrap().events;
    let counted = compare(&stage, &accepted, &messages).await;
    assert_eq!(tokio::task::spawn_blocking(|| service.stop()).await.unwrap().0.code(), Some(0));
    println!("{kills} kills, {} answers, {} events: {counted:?}", accepted.len(), events);
}

/// One life of the service: a call of it is lost, answers are posted, and it is killed in the middle.
async fn live_and_die(stage: &Arc<Stage>, book: &Arc<Mutex<Book>>, random: &mut Random) {
    stage.lose_calls(random);
    let service = stage.start().await;
    stage.repeat_webhooks().await;
    let stop = Arc::new(AtomicBool::new(false));
    let posters: Vec<_> =
        (0..POSTERS).map(|_| tokio::spawn(post(Arc::clone(stage), Arc::clone(book), Arc::clone(&stop)))).collect();
    let enough = book.lock().unwrap().accepted.len() + 1 + usize::try_from(random.below(12)).unwrap();
    let deadline = Instant::now() + GOES_ON_WITHIN;
    while book.lock().unwrap().accepted.len() < enough {
        assert!(Instant::now() < deadline, "nothing is accepted any more");
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
    tokio::time::sleep(Duration::from_micros(random.below(30_000))).await;
    service.kill();
    stop.store(true, Ordering::Relaxed);
    for poster in posters {
        poster.await.unwrap();
    }
}

/// What nobody knows of is posted once more, with the same keys.
async fn post_again(stage: &Stage, client: &reqwest::Client, book: &Mutex<Book>) {
    let unanswered = std::mem::take(&mut book.lock().unwrap().unanswered);
    for wanted in unanswered {
        loop {
            let (status, message) = wanted.post(stage, client).await.unwrap();
            if status != 429 {
                assert!(matches!(status, 200 | 202), "{message}");
                book.lock().unwrap().accepted.insert(message["id"].as_str().unwrap().to_owned(), wanted);
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Whether a message has a state that does not change by itself: what nobody could find out counts, after the last look.
fn is_settled(message: &Value) -> bool {
    matches!(message["state"].as_str().unwrap(), "sent" | "delivered" | "read" | "failed")
}

/// Waits until every message has a state that does not change by itself, which the feed has told, too. Gives them by their ids.
async fn wait_until_settled(
    stage: &Stage,
    client: &reqwest::Client,
    accepted: &BTreeMap<String, Wanted>,
    told: &Mutex<Told>,
) -> BTreeMap<String, Value> {
    let mut settled = BTreeMap::new();
    let mut deadline = Instant::now() + GOES_ON_WITHIN;
    while settled.len() < accepted.len() {
        let mut others = Vec::new();
        for id in accepted.keys().filter(|id| !settled.contains_key(*id)).cloned().collect::<Vec<_>>() {
            let (status, message) =
                stage.ask(client, Method::GET, &format!("/api/v1/messages/{id}"), None).await.unwrap();
            if status == 429 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            assert_eq!(status, 200, "{id} was accepted and is lost: {message}");
            let is_told = told.lock().unwrap().states.get(&id) == Some(&message["state"]);
            if is_settled(&message) && is_told {
                settled.insert(id, message);
                deadline = Instant::now() + GOES_ON_WITHIN;
            } else {
                others.push(message);
            }
        }
        assert!(Instant::now() < deadline, "{} of {} are settled: {others:?}", settled.len(), accepted.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    settled
}

/// Compares what the service says with what the platforms took and with the files. Gives how many messages have which state.
async fn compare(
    stage: &Stage,
    accepted: &BTreeMap<String, Wanted>,
    messages: &BTreeMap<String, Value>,
) -> BTreeMap<String, usize> {
    let taken = stage.taken(accepted);
    let twice: Vec<&String> = taken.iter().filter(|(_, times)| **times > 1).map(|(mark, _)| mark).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    let (mut states, mut parts) = (BTreeMap::new(), 0);
    let mut files: Vec<(&Wanted, &Value)> = Vec::new();
    for (id, wanted) in accepted {
        let message = &messages[id];
        let state = message["state"].as_str().unwrap();
        let [channel, ..] = &wanted.conversation;
        let (mut is_unresolved, mut has_left) = (false, false);
        for part in message["parts"].as_array().unwrap() {
            let times = taken.get(&format!("{id}:{}", part["n"])).copied().unwrap_or(0);
            parts += times;
            has_left |= times > 0;
            match part["state"].as_str().unwrap() {
                "sent" | "delivered" | "read" => assert_eq!(times, 1, "{message}"),
                "failed" if part["failure"]["reason"] == "unresolved" => is_unresolved = true,
                _ => assert_eq!(times, 0, "{message}"),
            }
        }
        let taken = if state == "failed" && has_left { ", though it was taken" } else { "" };
        *states.entry(format!("{channel} {state}{taken}")).or_default() += 1;
        // These two cannot be asked what became of a call.
        let may_be_unresolved = matches!(channel.as_str(), "whatsapp" | "viber");
        assert!(state != "failed" || (is_unresolved && may_be_unresolved), "{message}");
        if state != "failed" {
            files.push((wanted, message));
        }
    }
    assert_eq!(parts, taken.values().sum::<usize>(), "something was sent that nobody accepted");
    // Each stands once in its file.
    let mut deadline = Instant::now() + GOES_ON_WITHIN;
    while let Some((wanted, message)) = files.pop() {
        let [channel, account, person] = &wanted.conversation;
        let file = stage.folder().join(format!("{channel}/{account}/conversations/{person}.json"));
        let content = std::fs::read_to_string(file).unwrap_or_default();
        match content.matches(&Wanted::word(wanted.number)).count() {
            1 => deadline = Instant::now() + GOES_ON_WITHIN,
            0 => {
                assert!(Instant::now() < deadline, "not in its file: {message}");
                files.insert(0, (wanted, message));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            count => panic!("{count} times in its file: {message}"),
        }
    }
    states
}
