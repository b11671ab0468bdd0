//! The unattended story, each step checked in the files that it must lead to.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::browser::Browser;
use super::platforms::people::CUSTOMERS;
use super::platforms::{NAME, PAGE, Platform, SHOP, Verb};
use super::stage::Stage;
use super::telling::say;
use super::{spoken, tree};
use crate::commands::Command;
use crate::shared::channel::simulator::loopback_client;

/// How long a step of the story may take to show.
const STEP_WITHIN: Duration = Duration::from_secs(60);

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The whole story.
///
/// # Errors
/// When a step does not lead to what it must lead to.
pub async fn tell(stage: &Stage, folder: &Path) -> anyhow::Result<()> {
    say("1. The merchant connects the shop …");
    say("2. … and then the Page. The accounts on the other platforms join by themselves.");
    let (_, merchant) = connect(stage).await?;
    let products = folder.join(SHOP).join("shop_products.json");
    let page = folder.join("facebook").join(PAGE);
    let file = page.join("conversations").join(format!("{}.json", stage.customer().id));
    catalogue_and_history(folder, &page).await?;
    messenger(stage, &file).await?;

    say("5. A price changes; the webhook says so, the product is read again.");
    let price = if contains(&products, "649.00") { "659.00" } else { "649.00" };
    stage.price_changes(price).await?;
    until("the new price", || contains(&products, price)).await?;

    say("6. A webhook gets lost. The poll fills the gap.");
    let before = count(&file, "\"mid\"");
    stage.message_gets_lost("Are you still there?")?;
    let (said, good) = stage.service.carry_out(Command::Sync { channel: None, account: None }).await?;
    ensure!(good, "the poll failed: {}", said.join(", "));
    until("the lost message", || count(&file, "\"mid\"") > before && contains(&file, "Are you still there?")).await?;
    ensure!(count(&file, "\"mid\"") == before + 1, "the conversation should hold one more message");

    let api = Api::new(stage, merchant).await?;
    everywhere(stage, folder, &api).await?;
    killed(stage, folder).await?;

    let copied = stage.copies.arrive(&stage.service).await?;
    say(&format!("10. All {copied} files are copied to object storage, and the copies are as the files are."));

    say("\nWhat the sales bot can read now:\n");
    say(&tree::tree(folder)?);
    say(&format!("{}:", file.strip_prefix(folder).unwrap_or(&file).display()));
    say(&tree::first_lines(&file, 5)?);
    say(&format!("{}:", products.strip_prefix(folder).unwrap_or(&products).display()));
    say(&tree::first_lines(&products, 4)?);
    Ok(())
}

/// Both logins. The result is the merchant's browser, and the merchant.
pub async fn connect(stage: &Stage) -> anyhow::Result<(Browser, uuid::Uuid)> {
    let mut browser = Browser::new(stage.service.url().as_str(), &stage.login_screens()?)?;
    let shop = browser.open(&format!("/shopify/{SHOP}/login")).await?;
    ensure!(shop["shop"] == SHOP, "the shop login ended unexpectedly: {shop}");
    ensure!(shop["webhook_test"]["passed"] == true, "the self-test of the webhook address failed: {shop}");
    let page = browser.open("/facebook/login").await?;
    ensure!(page["user_uuid"] == shop["user_uuid"], "the Page belongs to another merchant: {page}");
    ensure!(page["pages"]["data"][0]["status"] == "connected", "the Page is not connected: {page}");
    let merchant = shop["user_uuid"].as_str().context("the merchant has no id")?.parse()?;
    Ok((browser, merchant))
}

async fn catalogue_and_history(folder: &Path, page: &Path) -> anyhow::Result<()> {
    let shop = folder.join(SHOP);
    until("the whole catalogue", || contains(&shop.join("shop_products.json"), "Snowboard")).await?;
    until("the shop's metadata", || contains(&shop.join("shop_metadata.json"), NAME)).await?;
    until("the Page's metadata", || contains(&page.join("page_metadata.json"), NAME)).await?;
    let history = page.join("conversations/7000000000000002.json");
    until("the history of an older conversation", || contains(&history, "Do you ship to Austria?")).await
}

async fn messenger(stage: &Stage, file: &Path) -> anyhow::Result<()> {
    say("3. A customer writes, and the shop answers: both come by webhook.");
    let (question, answer) = ("Is the blue one in stock? 😀", "Yes, 3 left.");
    // In a folder of an earlier demo the conversation goes on.
    let before = count(file, "\"mid\"");
    stage.customer_writes(question).await?;
    stage.shop_answers(answer).await?;
    until("the question and the answer", || count(file, "\"mid\"") >= before + 2).await?;
    ensure!(contains(file, r"\ud83d\ude00") && contains(file, answer), "the messages are not as they were written");

    say("4. The same delivery comes again, and a forged one: nothing changes.");
    stage.deliveries_repeat().await?;
    ensure!(stage.forgery_is_refused().await?, "a forged delivery was not refused");
    ensure!(count(file, "\"mid\"") == before + 2, "the conversation should hold two more messages, each once");
    Ok(())
}

/// Customers of every platform are answered through one address.
async fn everywhere(stage: &Stage, folder: &Path, api: &Api<'_>) -> anyhow::Result<()> {
    let mut platforms: Vec<Platform> = Platform::messengers().collect();
    if !stage.is_first {
        // The new platform does not know the subscription of the earlier demo. The hourly check will make it anew.
        platforms.retain(|platform| *platform != Platform::Instagram);
    }
    let names: Vec<&str> = platforms.iter().map(|platform| platform.name()).collect();
    say(&format!("7. A customer writes on {}: one shop, one merchant, one folder each.", names.join(", ")));
    let question = "Do you have gloves?";
    let mut after = api.get("/api/v1/events").await?["next"].as_i64().context("the feed has no end")?;
    for platform in &platforms {
        let folder = folder.join(platform.channel());
        until(platform.name(), || stage.platforms.is_heard(*platform)).await?;
        let before = count_below(&folder, question);
        stage.platforms.play(say_on(*platform, question)).await?;
        until(platform.name(), || count_below(&folder, question) > before).await?;
    }

    say(
        "8. A bot reads of it in one feed, and answers each through one address. It sends everything twice; nobody hears it twice.",
    );
    // Comments on a post are public, and bots are silent there.
    let mut waiting: Vec<Platform> = platforms.into_iter().filter(|platform| *platform != Platform::Linkedin).collect();
    let deadline = tokio::time::Instant::now() + STEP_WITHIN;
    while !waiting.is_empty() {
        ensure!(tokio::time::Instant::now() < deadline, "the feed does not tell of {waiting:?}");
        let page = api.get(&format!("/api/v1/events?after={after}&types=message&wait=5")).await?;
        after = page["next"].as_i64().unwrap_or(after);
        for event in page["events"].as_array().into_iter().flatten() {
            let platform = waiting.iter().position(|one| event["channel"] == one.channel());
            let Some(at) = platform.filter(|_| event["text"] == question && event["bot_may_answer"] == true) else {
                continue;
            };
            let first = api.answer(event, "Yes, at 39.00 EUR, but none is left.").await?;
            ensure!(
                first == api.answer(event, "Yes, at 39.00 EUR, but none is left.").await?,
                "a repeat is another message"
            );
            let platform = waiting.remove(at);
            let got = || stage.platforms.phone_of(platform, CUSTOMER);
            until("the answer", || !got().is_empty()).await?;
            ensure!(got().len() == 1, "{} told the customer more than once: {:?}", platform.name(), got());
        }
    }
    Ok(())
}

/// The service is killed while customers write.
async fn killed(stage: &Stage, folder: &Path) -> anyhow::Result<()> {
    say(
        "9. The service is killed, a customer writes, it is started again: the platform repeats, nothing is lost and nothing doubled.",
    );
    let (folder, question) = (folder.join(Platform::Whatsapp.channel()), "Are you open on Sunday?");
    let before = count_below(&folder, question);
    stage.platforms.play(Verb::KillService).await?;
    stage.platforms.play(say_on(Platform::Whatsapp, question)).await?;
    stage.platforms.play(Verb::StartService).await?;
    stage.platforms.play(Verb::SendWebhooks { platform: Platform::Whatsapp }).await?;
    until("what was written meanwhile", || count_below(&folder, question) > before).await?;
    ensure!(count_below(&folder, question) == before + 1, "what was written meanwhile stands there twice");
    Ok(())
}

/// The customer of the platforms all.
pub const CUSTOMER: &str = CUSTOMERS[2];

/// That customer writes.
pub fn say_on(platform: Platform, text: &str) -> Verb {
    Verb::Say { platform, text: vec![text.to_owned()], person: Some(CUSTOMER.to_owned()) }
}

/// A bot's way to the service: its public API, with a key.
pub struct Api<'a> {
    stage: &'a Stage,
    key: String,
    client: reqwest::Client,
}

impl<'a> Api<'a> {
    /// With a new key of this merchant.
    pub async fn new(stage: &'a Stage, merchant: uuid::Uuid) -> anyhow::Result<Self> {
        let (said, good) = stage.service.carry_out(spoken::new_key(merchant)).await?;
        ensure!(good, "no key was made: {}", said.join(", "));
        // A long poll takes longer than the client's own patience.
        Ok(Self { stage, key: said.concat(), client: loopback_client()? })
    }

    /// What there is at a path.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.client.get(self.stage.service.below(path)).bearer_auth(&self.key).timeout(STEP_WITHIN);
        read(request.send().await?).await
    }

    /// Answers a message of the feed. The result is the answer's id.
    async fn answer(&self, event: &Value, text: &str) -> anyhow::Result<Value> {
        let (id, conversation) = (event["id"].as_str(), event["conversation"].as_str());
        let (id, conversation) = id.zip(conversation).context("a message without an id")?;
        let body = json!({ "text": text, "answers": id }).to_string();
        let request = self.client.post(self.stage.service.below(&format!("{conversation}/messages")));
        let request = request.bearer_auth(&self.key).header("Idempotency-Key", id).body(body);
        Ok(read(request.send().await?).await?["id"].clone())
    }
}

async fn read(response: reqwest::Response) -> anyhow::Result<Value> {
    let (status, path) = (response.status(), response.url().path().to_owned());
    let text = response.text().await?;
    ensure!(status.is_success(), "{path} was answered {status}: {text}");
    Ok(serde_json::from_str(&text)?)
}

/// Waits until something shows.
///
/// # Errors
/// When it does not in time.
pub async fn until(what: &str, mut shown: impl FnMut() -> bool) -> anyhow::Result<()> {
    let look = async {
        while !shown() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(STEP_WITHIN, look)
        .await
        .with_context(|| format!("{what} did not show within {} s", STEP_WITHIN.as_secs()))
}

fn contains(file: &Path, text: &str) -> bool {
    std::fs::read_to_string(file).is_ok_and(|content| content.contains(text))
}

fn count(file: &Path, text: &str) -> usize {
    std::fs::read_to_string(file).map_or(0, |content| content.matches(text).count())
}

/// How often a text stands in the files below a folder.
fn count_below(folder: &Path, text: &str) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.map(|path| if path.is_dir() { count_below(&path, text) } else { count(&path, text) }).sum()
}
