//! One merchant, one shop, every platform: the demo, clicked through, with customers who write by its control page.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use shoptalk::demo::platforms::Platform;
use tempfile::TempDir;

use crate::chromium::Chromium;

/// `shoptalk demo`, running. It ends with the test.
struct Demo {
    child: Child,
    url: String,
    control: String,
    _folder: TempDir,
}

impl Demo {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_shoptalk"))
            .args(["demo", "--dir", "demo"])
            .current_dir(folder.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        while !told.contains("Ctrl-C ends the demo.") {
            assert_ne!(lines.read_line(&mut told).unwrap(), 0, "the demo ended: {told}");
        }
        // It goes on telling, and must not be stopped by a full pipe.
        std::thread::spawn(move || lines.lines().for_each(drop));
        let after = |words: &str| told.split(words).nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        Self { url: after("1. Open"), control: after("Behind the stage"), child, _folder: folder }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // The service ends with the demo, however that ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn one_merchant_has_one_shop_and_every_platform() {
    let Some(browser) = Chromium::start().await else { return };
    let demo = Demo::start();
    browser.open(&demo.control).await;
    browser.run("document.getElementById('customers-what').value = 'off'", Vec::new()).await;
    browser.click_on("#customers button").await;
    browser.until("Customers wait.").await;

    browser.open(&demo.url).await;
    browser.fill("shop", "demo-shop").await;
    browser.click("Connect").await;
    browser.until("simulated Shopify").await;
    browser.click("Install").await;
    browser.until("Continue with Facebook").await;
    browser.click("Continue with Facebook").await;
    browser.until("Permissions").await;
    browser.click("Continue").await;
    browser.until("Overview").await;

    browser.open(&demo.control).await;
    for platform in Platform::messengers() {
        let said = format!("Sam Doe wrote on {}. The webhook was answered [200].", platform.name());
        // Accounts of the settings join a moment after their merchant came.
        for _ in 0..100 {
            let select = format!("document.getElementById('say-platform').value = '{}'", platform.channel());
            browser.run(&select, Vec::new()).await;
            browser.fill("say-text", &format!("Hello on {}", platform.name())).await;
            browser.click_on("#say button").await;
            if browser.text().await.contains(&said) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
        browser.until(&said).await;
    }
    browser.check("behind-the-stage").await;

    browser.open(&demo.url).await;
    for platform in Platform::messengers() {
        browser.until(&format!("Hello on {}", platform.name())).await;
    }
    let text = browser.text().await;
    assert!(text.contains("Demo Snow Shop"), "{text}");
    browser.check("every-platform").await;
    browser.click("Catalogue").await;
    browser.until("Snowboard Classic").await;
    browser.finish().await;
}
