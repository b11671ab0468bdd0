//! `TestApp`: the service and both simulated platforms on free ports, in a folder of its own, with a clock that is moved
//! by hand. Work is driven (`settle`, `run_due_jobs`), never waited for.

#[path = "api_check.rs"]
pub mod api_check;
#[path = "schema_check.rs"]
pub mod schema_check;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode, header};
use serde_json::Value;
use shoptalk::app::config::{Config, Server};
use shoptalk::app::{App, Working};
use shoptalk::commands::rotate_keys::Rotation;
use shoptalk::commands::{Command, CommandRunner, Line};
use shoptalk::shared::channel::context::Shared;
use shoptalk::shared::channel::simulator::{Now, Traffic};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::secrets::signature::Secrets;
use shoptalk::shared::server::accept;
use shoptalk::shared::store::ApiKeys;
use shoptalk::{facebook, shopify};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::waiting::ended;

pub const SHOP: &str = "demo-shop.myshopify.com";
pub const PAGE: &str = "100000000000101";
pub const FACEBOOK_SECRET: &str = "a facebook secret for tests";
pub const SHOPIFY_SECRET: &str = "a shopify secret for tests";
pub const VERIFY_TOKEN: &str = "a verify token for tests";
pub const OPERATOR_TOKEN: &str = "an operator token of more than thirty-two characters";
pub const FACEBOOK_APP_ID: &str = "900000000000001";

/// Where every test's clock begins.
pub fn beginning() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// Whether a text stands in these bytes.
pub fn is_in(text: &str, bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

/// The service under test, with everything around it.
pub struct TestApp {
    /// Where our pages are: `http://127.0.0.1:<port>`.
    pub url: String,
    /// The simulated Facebook, with one Page, [`PAGE`]. Its login dialog consents by itself.
    pub facebook: facebook::sandbox::Sandbox,
    /// The simulated Shopify, with one shop, [`SHOP`]. Its grant screen consents by itself.
    pub shopify: shopify::sandbox::Sandbox,
    /// The clock of the service and both platforms.
    pub clock: Clock,
    app: App,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
    folder: Arc<TempDir>,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts with settings changed by `change`.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), Clock::manual(beginning()), change).await
    }

    /// Starts in a folder that holds something already, for platforms that know nothing of it.
    pub async fn start_in(folder: Arc<TempDir>, clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let time = clock.clone();
        let now: Now = Arc::new(move || time.now());
        let facebook = facebook::sandbox::Sandbox::start(facebook::sandbox::Options {
            app_id: FACEBOOK_APP_ID.to_owned(),
            app_secret: FACEBOOK_SECRET.to_owned(),
            now: Arc::clone(&now),
        })
        .await
        .unwrap();
        let shopify = shopify::sandbox::Sandbox::start(shopify::sandbox::Options {
            client_id: "test-app".to_owned(),
            client_secret: SHOPIFY_SECRET.to_owned(),
            now,
        })
        .await
        .unwrap();
        facebook.auto_consent(true);
        shopify.auto_consent(true);
        facebook.add_page(PAGE, "Demo Shop");
        shopify.add_shop(SHOP, "Demo Shop");
        Self::open(clock, facebook, shopify, folder, change).await
    }

    async fn open(
        clock: Clock,
        facebook: facebook::sandbox::Sandbox,
        shopify: shopify::sandbox::Sandbox,
        folder: Arc<TempDir>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut config = config(&url, &facebook, &shopify, folder.path());
        change(&mut config);
        let limits = config.server.limits.clone();
        let app = App::build(config, clock.clone()).await.unwrap();
        let stop = CancellationToken::new();
        let (router, stopped) = (app.router(), stop.clone());
        let server = tokio::spawn(async move { accept::serve(listener, router, &limits, stopped).await });
        Self { url, facebook, shopify, clock, app, stop, server, folder }
    }

    /// Its folder, which stays while somebody holds it.
    pub fn folder(&self) -> Arc<TempDir> {
        Arc::clone(&self.folder)
    }

    /// Starts on a folder that was left, with the same platforms.
    pub async fn reopen(
        clock: Clock,
        facebook: facebook::sandbox::Sandbox,
        shopify: shopify::sandbox::Sandbox,
        folder: Arc<TempDir>,
    ) -> Self {
        Self::open(clock, facebook, shopify, folder, |_| {}).await
    }

    /// Stops in order and starts again on the same folder, at another port, with the same platforms.
    pub async fn restart(self) -> Self {
        self.restart_with(|_| {}).await
    }

    /// As [`TestApp::restart`], with settings changed by `change`.
    pub async fn restart_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let (clock, facebook, shopify, folder) =
            (self.clock.clone(), self.facebook.clone(), self.shopify.clone(), Arc::clone(&self.folder));
        self.close().await;
        Self::open(clock, facebook, shopify, folder, change).await
    }

    /// Works until Facebook has received so many requests, and is killed there: nothing is brought to an end. Starts
    /// again on the same folder. Gives back whether the work was over before.
    pub async fn work_until_killed(self, request: usize) -> (Self, bool) {
        let traffic = self.facebook.traffic().clone();
        let is_over = self.work_until(traffic.until_received(request)).await;
        (self.kill_and_restart_with(|_| {}).await, is_over)
    }

    /// Works until this happens. Gives back whether the work was over before.
    pub async fn work_until(&self, happened: impl Future<Output = ()>) -> bool {
        tokio::select! {
            () = self.settle() => true,
            () = happened => false,
        }
    }

    /// Is killed, with nothing brought to an end, and starts again on the same folder.
    pub async fn kill_and_restart_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let (clock, facebook, shopify, folder) =
            (self.clock.clone(), self.facebook.clone(), self.shopify.clone(), Arc::clone(&self.folder));
        self.stop.cancel();
        self.server.abort();
        self.app.stop_working(None).await;
        drop(self.app);
        Self::open(clock, facebook, shopify, folder, change).await
    }

    /// Stops in order.
    pub async fn close(self) {
        self.stop.cancel();
        self.server.await.unwrap();
        self.app.stop(None).await;
    }

    /// What the channels share: for tests that look inside.
    pub fn shared(&self) -> &Shared {
        self.app.shared()
    }

    /// The settings of this service anew: for programs beside it.
    pub fn config(&self) -> Config {
        let mut config = config(&self.url, &self.facebook, &self.shopify, self.folder.path());
        config.server.address = self.url.strip_prefix("http://").unwrap().parse().unwrap();
        config
    }

    /// The settings of the Shopify channel: for tests that make a second one.
    pub fn shopify_config(&self) -> shopify::Config {
        config(&self.url, &self.facebook, &self.shopify, self.folder.path()).shopify.unwrap()
    }

    /// Who changes the master key.
    pub fn rotation(&self) -> Rotation {
        self.app.command_runner().rotation.clone()
    }

    /// Who carries out commands.
    pub fn runner(&self) -> CommandRunner {
        self.app.command_runner().clone()
    }

    /// The keys of the API for bots.
    pub fn api_keys(&self) -> &ApiKeys {
        &self.app.command_runner().api_keys
    }

    /// The simulated Page.
    pub fn page(&self) -> facebook::sandbox::Page {
        self.facebook.page(PAGE).unwrap()
    }

    /// The simulated shop.
    pub fn shop(&self) -> shopify::sandbox::Shop {
        self.shopify.shop(SHOP).unwrap()
    }

    /// A browser without cookies that asks for JSON.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// A browser in which this shop is connected, and nothing else: its merchant is signed in.
    pub async fn browser_with(&self, shop: &str) -> Browser {
        let browser = self.browser();
        let answer = browser.follow(&format!("/shopify/{shop}/login")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        browser
    }

    /// Connects shop and Page in a fresh browser and does all work that follows.
    pub async fn connect(&self) -> Browser {
        let browser = self.browser_with(SHOP).await;
        let page = browser.follow("/facebook/login").await;
        assert_eq!(page.status, 200, "{page:?}");
        self.settle().await;
        browser
    }

    /// Does the work that is due at this moment. The clock stands still.
    pub async fn work(&self) {
        ended("the work", self.app.settle()).await.unwrap();
    }

    /// Does all work there is, debounced work included: the clock moves by a few seconds.
    pub async fn settle(&self) {
        self.work().await;
        self.clock.advance(Duration::from_secs(3));
        self.work().await;
    }

    /// Does what the service does first when it serves, and the work that follows.
    pub async fn begin(&self) {
        self.app.begin().await;
        self.settle().await;
    }

    /// Sets workers and jobs to work by themselves, as the service does.
    pub async fn start_working(&self) -> Working {
        self.app.start().await.unwrap()
    }

    /// Stops them. Accounts are read no more by this service.
    pub async fn stop_working(&self, working: Working) {
        ended("the workers", self.app.stop_working(Some(working))).await;
    }

    /// Looks for alerts and posts those that are due.
    pub async fn post_alerts(&self) {
        self.app.post_alerts().await.unwrap();
    }

    /// Runs the jobs that are due now, and the work they cause: the clock moves past every account's own moment.
    pub async fn run_due_jobs(&self) {
        self.app.run_due_jobs().await.unwrap();
        self.clock.advance(Duration::from_secs(6 * 60));
        self.settle().await;
    }

    /// Carries out a command as the command line would, and gives the lines it tells. Drives the work meanwhile.
    pub async fn command(&self, command: Command) -> Vec<Line> {
        let (sender, mut receiver) = mpsc::channel(1000);
        let mut lines = Vec::new();
        let carry_out = async {
            self.app.command_runner().carry_out(command, &sender).await;
            drop(sender);
        };
        let work = async {
            loop {
                self.app.settle().await.unwrap();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            () = ended("the command", carry_out) => {}
            () = work => unreachable!(),
        }
        while let Ok(line) = receiver.try_recv() {
            lines.push(line);
        }
        lines
    }

    /// Carries out a command as a process does that finds no service, and gives what it tells.
    pub async fn carry_out(&self, command: Command) -> Vec<Line> {
        let (sender, mut receiver) = mpsc::channel(1000);
        self.app.carry_out(command, &sender).await.unwrap();
        drop(sender);
        std::iter::from_fn(|| receiver.try_recv().ok()).collect()
    }

    /// Asks or changes the journal's database beside the service: the service itself gives nobody a connection.
    pub fn journal_sql<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> T {
        let connection = rusqlite::Connection::open(self.path("data/journal.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        work(&connection).unwrap()
    }

    /// A path below the output folder.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// A file below the output folder as text; `None` if it is not there.
    pub fn text(&self, relative: &str) -> Option<String> {
        std::fs::read_to_string(self.path(relative)).ok()
    }

    /// A file below the output folder as JSON.
    pub fn json(&self, relative: &str) -> Value {
        let text = self.text(relative).unwrap_or_else(|| panic!("{relative} is not there"));
        serde_json::from_str(&text).unwrap()
    }

    /// The conversation of the Page with a person; `None` if it has no file.
    pub fn conversation(&self, person: &str) -> Option<Vec<Value>> {
        let file = format!("facebook/{PAGE}/conversations/{person}.json");
        self.text(&file).map(|_| self.json(&file).as_array().unwrap().clone())
    }

    /// The texts of a conversation in its order.
    pub fn said(&self, person: &str) -> Vec<String> {
        let texts = self.conversation(person).unwrap_or_default();
        texts.iter().filter_map(|item| item["message"]["text"].as_str().map(str::to_owned)).collect()
    }

    /// What the operator's status says.
    pub async fn status(&self) -> Value {
        let answer = self
            .browser()
            .send(Method::GET, "/api/status", &[("authorization", &format!("Bearer {OPERATOR_TOKEN}"))], b"")
            .await;
        assert_eq!(answer.status, 200);
        answer.json()
    }

    /// The connections of a channel, as the operator's status shows them.
    pub async fn connections(&self, channel: &str) -> Vec<Value> {
        let status = self.status().await;
        let all = status["connections"].as_array().unwrap();
        all.iter().filter(|one| one["channel"] == channel).cloned().collect()
    }

    /// How many events are in the journal: (all, set aside, parked).
    pub async fn counts(&self) -> (i64, i64, i64) {
        let status = self.status().await;
        let count = |name: &str| status["journal"][name].as_i64().unwrap();
        (count("events"), count("apart"), count("parked"))
    }

    /// All requests that reached a platform.
    pub fn outgoing(&self) -> usize {
        self.facebook.traffic().received().len() + self.shopify.traffic().received().len()
    }

    /// Every file below the folder (databases included), searched for a text. For "appears nowhere".
    pub fn is_on_disk(&self, text: &str) -> bool {
        fn search(folder: &Path, text: &str) -> bool {
            std::fs::read_dir(folder).unwrap().any(|entry| {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    return search(&path, text);
                }
                std::fs::read(&path).is_ok_and(|bytes| is_in(text, &bytes))
            })
        }
        search(self.folder.path(), text)
    }

    /// Ends the test: nothing is parked, every file is of the shape that is promised, no request reached a route that a
    /// platform does not know, no secret was in a URL, every query was valid and cheap enough.
    pub async fn finish(self) {
        schema_check::check_files(self.folder.path());
        assert_eq!(self.counts().await.2, 0, "something is parked");
        let unknown = |traffic: &Traffic| traffic.unknown().iter().map(|one| one.path.clone()).collect::<Vec<_>>();
        assert_eq!(unknown(self.facebook.traffic()), [""; 0]);
        assert_eq!(unknown(self.shopify.traffic()), [""; 0]);
        assert_eq!(self.facebook.secrets_seen_in_urls(), [""; 0]);
        assert_eq!(self.shopify.secrets_seen_in_urls(), [""; 0]);
        assert_eq!(self.shopify.unknown_queries(), [""; 0]);
        assert!(self.shopify.dearest_query() <= 1000, "a query cost {}", self.shopify.dearest_query());
        self.close().await;
    }
}

/// The settings of a test: those of production, wired to the simulators.
fn config(
    url: &str,
    facebook: &facebook::sandbox::Sandbox,
    shopify: &shopify::sandbox::Sandbox,
    folder: &Path,
) -> Config {
    let below = |path: &str| Url::parse(&format!("{url}{path}")).unwrap();
    let mut server = Server::below(folder);
    server.operator_token = Some(OPERATOR_TOKEN.into());
    // A simulated platform that never answers shall not hold a test up for half a minute.
    server.timeouts.idle = Duration::from_millis(500);
    server.timeouts.total = Duration::from_secs(5);
    Config {
        facebook: Some(facebook::Config {
            app_id: FACEBOOK_APP_ID.to_owned(),
            app_secret: Secrets::new(FACEBOOK_SECRET.into(), None),
            verify_token: VERIFY_TOKEN.into(),
            redirect_uri: below("/facebook/callback"),
            webhook_address: below("/facebook/webhook"),
            require_sha256: false,
            graph_version: "v26.0".to_owned(),
            graph_url: Url::parse(&facebook.url()).unwrap(),
            dialog_url: Url::parse(&facebook.url()).unwrap(),
            poll_cron: "17 3 * * *".to_owned(),
            calls_per_second: 2,
            media: None,
            instagram: false,
            login_configuration: None,
            human_agent: false,
        }),
        shopify: Some(shopify::Config {
            api_key: "test-app".to_owned(),
            api_secret: Secrets::new(SHOPIFY_SECRET.into(), None),
            redirect_uri: below("/shopify/callback"),
            webhook_address: below("/shopify/webhook"),
            api_version: "2026-10".to_owned(),
            admin_url: shopify::AdminUrl::parse(&shopify.admin_url()).unwrap(),
            bulk_above: 1000,
            bulk_hosts: shopify::BulkHosts::parse(&shopify.bulk_host()).unwrap(),
            poll_cron: "47 3 * * *".to_owned(),
        }),
        ..Config::without_channels(server)
    }
}

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Vec<u8>,
    /// Where it came from, after redirects.
    pub url: Url,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The target of a redirect.
    pub fn location(&self) -> Url {
        self.url.join(self.header("location")).unwrap()
    }
}

/// A browser: keeps cookies per host, follows redirects only when told to.
#[derive(Clone)]
pub struct Browser {
    client: reqwest::Client,
    home: Url,
    accept: &'static str,
    cookies: Arc<Mutex<BTreeMap<(String, String), String>>>,
}

impl Browser {
    pub fn new(home: &str) -> Self {
        let roots = rustls::RootCertStore::empty();
        let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { client, home: Url::parse(home).unwrap(), accept: "application/json", cookies: Arc::default() }
    }

    /// The same browser, asking for pages.
    pub fn for_pages(mut self) -> Self {
        self.accept = "text/html";
        self
    }

    /// The value of a cookie of ours.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let key = (self.home.authority().to_owned(), name.to_owned());
        self.cookies.lock().unwrap().get(&key).cloned()
    }

    /// Sets a cookie of ours.
    pub fn set_cookie(&self, name: &str, value: &str) {
        let key = (self.home.authority().to_owned(), name.to_owned());
        self.cookies.lock().unwrap().insert(key, value.to_owned());
    }

    /// One GET, without following redirects. `to` is a path of ours or a whole address.
    pub async fn get(&self, to: &str) -> Answer {
        self.send(Method::GET, to, &[], b"").await
    }

    /// One POST of a form, without following redirects.
    pub async fn post_form(&self, to: &str, form: &str) -> Answer {
        self.send(Method::POST, to, &[("content-type", "application/x-www-form-urlencoded")], form.as_bytes()).await
    }

    /// One request, without following redirects.
    pub async fn send(&self, method: Method, to: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let response = self.begin(method.clone(), to, headers, body).await;
        let answer = Answer {
            status: response.status(),
            headers: response.headers().clone(),
            url: self.home.join(to).unwrap(),
            body: response.bytes().await.unwrap().to_vec(),
        };
        api_check::check_answer(&method, to, &answer);
        answer
    }

    /// One GET whose answer's body is still to be taken.
    pub async fn open(&self, to: &str) -> reqwest::Response {
        self.begin(Method::GET, to, &[], b"").await
    }

    /// The same, with these headers.
    pub async fn open_with(&self, to: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        self.begin(Method::GET, to, headers, b"").await
    }

    async fn begin(&self, method: Method, to: &str, headers: &[(&str, &str)], body: &[u8]) -> reqwest::Response {
        let url = self.home.join(to).unwrap();
        let host = url.authority().to_owned();
        let cookies: Vec<String> = self
            .cookies
            .lock()
            .unwrap()
            .iter()
            .filter(|((of, _), _)| *of == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let mut request = self.client.request(method, url).header(header::ACCEPT, self.accept);
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_vec()).send().await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.lock().unwrap().insert((host.clone(), name.to_owned()), value.to_owned());
        }
        response
    }

    /// A GET that follows redirects to the end, through the simulated platforms and back.
    pub async fn follow(&self, to: &str) -> Answer {
        let mut answer = self.get(to).await;
        for _ in 0..10 {
            if !answer.status.is_redirection() {
                return answer;
            }
            answer = self.get(answer.location().as_str()).await;
        }
        panic!("a circle of redirects at {}", answer.url)
    }

    /// Goes through a login up to the callback, without opening it: gives the callback's address.
    pub async fn up_to_callback(&self, to: &str) -> Url {
        let mut answer = self.get(to).await;
        for _ in 0..10 {
            assert!(answer.status.is_redirection(), "{answer:?}");
            let target = answer.location();
            if target.path().ends_with("/callback") {
                return target;
            }
            answer = self.get(target.as_str()).await;
        }
        panic!("no callback in sight at {}", answer.url)
    }
}
