//! Chromium, driven through ChromeDriver on loopback: both as Debian packages them (`chromium`, `chromium-driver`).

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::error::{WebDriverErrorInner, WebDriverResult};
use thirtyfour::prelude::*;

/// How long a page may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Widths that are looked at: a desktop, a phone.
pub const WIDTHS: [(&str, u32); 2] = [("desktop", 1280), ("phone", 390)];

/// A browser with an empty profile. It ends with the test.
pub struct Chromium {
    driver: WebDriver,
    process: Child,
    _profile: TempDir,
}

impl Chromium {
    /// Starts it; `None`, with a line that says so, where there is no Chromium.
    pub async fn start() -> Option<Self> {
        let Some((chromium, chromedriver)) = find("chromium").zip(find("chromedriver")) else {
            assert!(std::env::var_os("BROWSER_TESTS").is_none(), "BROWSER_TESTS is set, and there is no Chromium");
            println!("SKIPPED: needs chromium and chromedriver (Debian: chromium, chromium-driver)");
            return None;
        };
        let mut process = Command::new(chromedriver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // The browser and its helpers belong to the driver's group, and end with it.
            .process_group(0)
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            let port = line.split("started successfully on port ").nth(1)?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // It goes on writing, and must not be stopped by a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let port = port.expect("chromedriver tells its port");

        let profile = tempfile::tempdir().expect("a folder");
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(chromium.to_str().expect("a path")).expect("set");
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--lang=en",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            wanted.add_arg(argument).expect("set");
        }
        wanted.set("goog:loggingPrefs", json!({ "browser": "ALL", "performance": "ALL" })).expect("set");
        // The driver's client is plain http, and is still asked for a provider of TLS. Two tests may come here at once.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let driver = WebDriver::new(&format!("http://127.0.0.1:{port}"), wanted).await.expect("chromium starts");
        Some(Self { driver, process, _profile: profile })
    }

    pub async fn open(&self, address: &str) {
        self.driver.goto(address).await.expect("opened");
    }

    pub async fn reload(&self) {
        self.driver.refresh().await.expect("loaded");
    }

    pub async fn address(&self) -> String {
        self.driver.current_url().await.expect("an address").to_string()
    }

    /// What a person can read on the page.
    pub async fn text(&self) -> String {
        let body = self.driver.find(By::Tag("body")).await.expect("a body");
        body.text().await.expect("text")
    }

    /// Clicks the link or button with this text. Where that leads to another page, it is there afterwards.
    pub async fn click(&self, text: &str) {
        let by = format!("//*[self::a or self::button or self::summary][normalize-space()='{text}']");
        self.follow(By::XPath(by), text).await;
    }

    /// As [`Self::click`], for what this CSS selector finds first.
    pub async fn click_on(&self, selector: &str) {
        self.follow(By::Css(selector.to_owned()), selector).await;
    }

    /// A page that renews itself may put another element in the place of one that was just found.
    async fn follow(&self, by: By, what: &str) {
        let begun = Instant::now();
        loop {
            match self.try_follow(by.clone()).await {
                Ok(()) => return,
                Err(error)
                    if matches!(*error.as_inner(), WebDriverErrorInner::StaleElementReference(_))
                        && begun.elapsed() < PATIENCE => {}
                Err(error) => {
                    panic!(
                        "{error}: nothing can be clicked that is “{what}” at {}: {}",
                        self.address().await,
                        self.text().await
                    )
                }
            }
        }
    }

    /// A click is answered before the form it sends has arrived: what the test does next would come too early.
    async fn try_follow(&self, by: By) -> WebDriverResult<()> {
        let element = self.driver.find(by).await?;
        if element.tag_name().await? == "summary" {
            return element.click().await;
        }
        self.run("document.documentElement.dataset.left = 'yes'", Vec::new()).await;
        element.click().await?;
        let begun = Instant::now();
        let arrived = "return document.readyState == 'complete' && !document.documentElement.dataset.left";
        loop {
            // While one page gives way to the next there is none that a script could run in.
            let found = self.driver.execute(arrived, Vec::new()).await;
            if found.is_ok_and(|found| found.json() == &json!(true)) {
                return Ok(());
            }
            assert!(begun.elapsed() < PATIENCE, "a click leads nowhere: {}", self.address().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Types into the field with this id.
    pub async fn fill(&self, id: &str, text: &str) {
        self.driver.find(By::Id(id)).await.expect(id).send_keys(text).await.expect("typed");
    }

    /// Waits until the page says this.
    pub async fn until(&self, text: &str) {
        let begun = Instant::now();
        loop {
            let shown = self.driver.find(By::Tag("body")).await;
            let shown = match shown {
                Ok(body) => body.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if shown.contains(text) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "“{text}” does not appear at {}: {shown}", self.address().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until this is so in the page.
    pub async fn until_true(&self, script: &str) {
        let begun = Instant::now();
        while self.run(&format!("return {script}"), Vec::new()).await != json!(true) {
            assert!(begun.elapsed() < PATIENCE, "never {script}, at {}", self.address().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Presses Tab and tells what has the focus then.
    pub async fn tab(&self) -> String {
        self.driver.action_chain().send_keys(Key::Tab).perform().await.expect("pressed");
        self.run("return document.activeElement.textContent.trim()", Vec::new()).await.as_str().unwrap_or("").to_owned()
    }

    /// Runs a script that a person could run in the console.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.driver.execute(script, arguments).await.expect("it runs").json().clone()
    }

    async fn tell(&self, command: &str, parameters: Value) {
        self.driver.cdp().send_raw(command, parameters).await.expect(command);
    }

    /// Shows pages this wide, in light or dark colours.
    pub async fn look(&self, width: u32, scheme: &str) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.tell("Emulation.setEmulatedMedia", media).await;
    }

    /// Checks the page that is shown: nothing sticks out at any width, and axe-core finds nothing, light or dark.
    pub async fn check(&self, name: &str) {
        for (device, width) in WIDTHS {
            for scheme in ["light", "dark"] {
                self.look(width, scheme).await;
                let wide = self.run("return document.documentElement.scrollWidth", Vec::new()).await;
                assert!(wide.as_u64() <= Some(u64::from(width)), "{name}: {wide} wide on a {device}");
                if (device == "phone") == (scheme == "dark") {
                    self.check_access(name, device, scheme).await;
                }
                if let Some(folder) = std::env::var_os("SCREENSHOTS") {
                    let path = PathBuf::from(folder).join(format!("{name}-{device}-{scheme}.png"));
                    let height = self.run("return document.documentElement.scrollHeight", Vec::new()).await;
                    let height = height.as_u64().unwrap_or(900).min(2600);
                    let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
                    self.tell("Emulation.setDeviceMetricsOverride", size).await;
                    self.driver.screenshot(&path).await.expect("a picture");
                }
            }
        }
        self.look(1280, "light").await;
    }

    async fn check_access(&self, name: &str, device: &str, scheme: &str) {
        let Some(axe) = axe() else { return };
        // The driver's script is not the page's: our Content-Security-Policy stays as it is.
        if self.run("return typeof axe", Vec::new()).await == "undefined" {
            self.run(&axe, Vec::new()).await;
        }
        let script = "const done = arguments[arguments.length - 1];
            axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations
                .map((one) => one.id + ' (' + one.impact + '): ' + one.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | '))));";
        let found = self.driver.execute_async(script, Vec::new()).await.expect("axe runs").json().clone();
        assert_eq!(found, json!([]), "{name} on a {device}, {scheme}");
    }

    /// Ends the browser. No request may have left this machine, and the console must be empty.
    pub async fn finish(self) {
        self.finish_with(&[]).await;
    }

    /// As [`Self::finish`], with these words in the console, a line each: browsers tell there of pages that are errors.
    pub async fn finish_with(self, said: &[&str]) {
        let requests = self.driver.get_log("performance").await.expect("a log");
        let mut seen = 0;
        for entry in requests {
            let message: Value = serde_json::from_str(&entry.message).expect("JSON");
            let message = &message["message"];
            if message["method"] == "Network.requestWillBeSent" {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                // The browser's own first page is no page of ours.
                if text(&message["params"]["documentURL"]).starts_with("chrome") {
                    continue;
                }
                let address = text(&message["params"]["request"]["url"]);
                let is_ours = ["http://127.0.0.1:", "data:", "about:"].iter().any(|ours| address.starts_with(ours));
                assert!(is_ours, "a request left this machine: {address}");
                seen += 1;
            }
        }
        assert!(seen > 0, "requests are not seen");
        let console: Vec<String> =
            self.driver.browser_log().await.expect("a log").into_iter().map(|one| one.message).collect();
        let expected =
            console.len() == said.len() && console.iter().zip(said).all(|(line, words)| line.contains(words));
        assert!(expected, "the console says {console:?}");
        self.driver.clone().quit().await.expect("ended");
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // After a test that failed: the session is not asked to end, which would take two minutes without a driver. The
        // driver's whole group is ended, or its browser would stay behind.
        let _ = self.driver.clone().leak();
        let group = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.process.wait();
    }
}

fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// axe-core, where it was fetched: see `.ci/run`.
fn axe() -> Option<String> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/axe/node_modules/axe-core/axe.min.js");
    let told = std::env::var_os("AXE");
    let axe = std::fs::read_to_string(told.as_ref().map_or_else(default, PathBuf::from)).ok();
    if axe.is_none() {
        assert!(told.is_none(), "AXE is set, and axe-core is not there");
        println!("SKIPPED: the check of accessibility needs axe-core (npm install --prefix target/axe axe-core)");
    }
    axe
}
