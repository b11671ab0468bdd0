//! `shoptalk demo`: the same service against simulated platforms on loopback. Needs no settings and no network.
//!
//! Interactive, a person clicks through both logins while customers write and products change; with `--once` the whole
//! story plays by itself and is checked at every step.

mod browser;
mod copies;
pub mod object_store;
pub mod platforms;
mod stage;
mod tree;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::browser::Browser;
use self::stage::{PAGE, SHOP, Stage};
use crate::commands::{Command, Line};
use crate::shared::logins::random_hex;
use crate::shared::telemetry::outlet::Outlet;

/// How the demo is played.
#[derive(Debug, Clone)]
pub struct Options {
    /// The whole story, unattended.
    pub once: bool,
    /// Where data and files go; `None`: a temporary folder.
    pub dir: Option<PathBuf>,
}

/// How long a step of the unattended story may take to show in the files.
const STEP_WITHIN: Duration = Duration::from_secs(60);

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The pause between two customers' messages of the interactive demo.
const MESSAGE_EVERY: Duration = Duration::from_secs(4);

/// How long the end of the demo waits until its story is told.
const TELL_WITHIN: Duration = Duration::from_secs(5);

/// Standard output. Who does not read it holds nothing up.
static STDOUT: LazyLock<Outlet> = LazyLock::new(|| match io::stdout().as_fd().try_clone_to_owned() {
    Ok(stdout) => Outlet::start(File::from(stdout), drop),
    Err(_) => Outlet::start(io::sink(), drop),
});

/// Plays the demo until it is over or `stop` comes.
///
/// # Errors
/// When something cannot be started, a step of the unattended story fails, or nothing can be told.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let played = set_and_play(options, stop).await;
    played.and(finish_telling().await)
}

/// Waits until everything was told.
async fn finish_telling() -> anyhow::Result<()> {
    tokio::task::spawn_blocking(|| STDOUT.finish(TELL_WITHIN)).await?;
    match STDOUT.error() {
        // An audience that has seen enough is no failure.
        None | Some(io::ErrorKind::BrokenPipe) => Ok(()),
        Some(error) => anyhow::bail!("the output could not be written: {error}"),
    }
}

async fn set_and_play(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let (folder, temporary) = match &options.dir {
        Some(folder) => (folder.clone(), false),
        None => (std::env::temp_dir().join(format!("shoptalk-demo-{}", &random_hex()?[..12])), true),
    };
    let is_first = !folder.join("data/tokens.db").exists();
    let stage = Stage::set(&folder, options.once).await?;
    if !is_first {
        say(
            "This folder holds an earlier demo. Its files are kept, but the simulated platforms begin anew and know none of the \
             old logins: a warning about that is right.\n",
        );
    }
    let app = stage.app.clone();
    let serving = {
        let (stage, stop) = (stage.clone(), stop.clone());
        tokio::spawn(async move { stage.serve(stop).await })
    };
    let played = tokio::select! {
        played = play(&stage, &folder, options.once, temporary) => played,
        () = stop.cancelled() => Ok(()),
    };
    stop.cancel();
    let served = serving.await.context("the service died")?;
    drop(app);
    stage.strike().await;
    if temporary && options.once {
        // The story has shown its files; nothing is left behind.
        let _ = std::fs::remove_dir_all(&folder);
    } else {
        say(&format!("\nThe files are still there: {}", folder.display()));
    }
    played.and(served)
}

async fn play(stage: &Stage, folder: &Path, once: bool, temporary: bool) -> anyhow::Result<()> {
    if once {
        return tell_story(stage, folder).await;
    }
    say("shoptalk demo: the service and two simulated platforms are running on this machine.\n");
    say(&format!("  1. Open   {}", stage.url));
    say(&format!("  2. Connect the shop “{}”, then the Page. Every login screen is simulated.", SHOP.0));
    say(&format!("  3. Watch the files appear below {}\n", folder.display()));
    say("Then customers write every few seconds, and products change. Ctrl-C ends the demo.");
    if temporary {
        say("(With --dir FOLDER the files go where you want them.)");
    }
    for turn in 0.. {
        tokio::time::sleep(MESSAGE_EVERY).await;
        if let Some(line) = stage.something_happens(turn).await {
            say(&line);
        }
        if let Some(line) = stage.copies.news() {
            say(&line);
        }
    }
    Ok(())
}

/// The whole story, each step checked in the files that it must lead to.
async fn tell_story(stage: &Stage, folder: &Path) -> anyhow::Result<()> {
    let mut browser = Browser::new(&stage.url, &stage.platforms()?)?;
    say("1. The merchant connects the shop …");
    let shop = browser.open(&format!("/shopify/{}/login", SHOP.0)).await?;
    ensure!(shop["shop"] == SHOP.0, "the shop login ended unexpectedly: {shop}");
    ensure!(shop["webhook_test"]["passed"] == true, "the self-test of the webhook address failed: {shop}");
    say("2. … and then the Page.");
    let page = browser.open("/facebook/login").await?;
    ensure!(page["user_uuid"] == shop["user_uuid"], "the Page belongs to another merchant: {page}");
    ensure!(page["pages"]["data"][0]["status"] == "connected", "the Page is not connected: {page}");

    let products = folder.join(SHOP.0).join("shop_products.json");
    let conversations = folder.join("facebook").join(PAGE.0).join("conversations");
    until("the whole catalogue", || contains(&products, "Snowboard")).await?;
    until("the shop's metadata", || contains(&folder.join(SHOP.0).join("shop_metadata.json"), SHOP.1)).await?;
    until("the Page's metadata", || contains(&folder.join("facebook").join(PAGE.0).join("page_metadata.json"), PAGE.1))
        .await?;
    let history = conversations.join(format!("{}.json", stage.regular().id));
    until("the history of an older conversation", || contains(&history, "Do you ship to Austria?")).await?;

    say("3. A customer writes, and the shop answers: both come by webhook.");
    let (question, answer) = ("Is the blue one in stock? 😀", "Yes, 3 left.");
    let file = conversations.join(format!("{}.json", stage.customer().id));
    // In a folder of an earlier demo the conversation goes on.
    let before = count(&file, "\"mid\"");
    stage.customer_writes(question).await?;
    stage.shop_answers(answer).await?;
    until("the question and the answer", || count(&file, "\"mid\"") >= before + 2).await?;
    ensure!(contains(&file, r"\ud83d\ude00") && contains(&file, answer), "the messages are not as they were written");

    say("4. The same delivery comes again, and a forged one: nothing changes.");
    stage.deliveries_repeat().await?;
    ensure!(stage.forgery_is_refused().await?, "a forged delivery was not refused");

    say("5. A price changes; the webhook says so, the product is read again.");
    let price = if contains(&products, "649.00") { "659.00" } else { "649.00" };
    stage.price_changes(price).await?;
    until("the new price", || contains(&products, price)).await?;

    say("6. A webhook gets lost. The poll fills the gap.");
    stage.message_gets_lost("Are you still there?");
    sync(stage).await?;
    until("the lost message", || count(&file, "\"mid\"") >= before + 3 && contains(&file, "Are you still there?"))
        .await?;
    ensure!(count(&file, "\"mid\"") == before + 3, "the conversation should hold three more messages, each once");

    let copied = stage.copies.arrive(&stage.app).await?;
    say(&format!("7. All {copied} files are copied to object storage, and the copies are as the files are."));

    say("\nWhat the sales bot can read now:\n");
    say(&tree::tree(folder)?);
    say(&format!("{}:", file.strip_prefix(folder).unwrap_or(&file).display()));
    say(&tree::first_lines(&file, 5)?);
    say(&format!("{}:", products.strip_prefix(folder).unwrap_or(&products).display()));
    say(&tree::first_lines(&products, 4)?);
    Ok(())
}

async fn sync(stage: &Stage) -> anyhow::Result<()> {
    let (sender, mut lines) = mpsc::channel(64);
    let runner = stage.app.command_runner().clone();
    let work = tokio::spawn(async move {
        runner.carry_out(Command::Sync { channel: None, account: None }, &sender).await;
    });
    let mut good = false;
    while let Some(line) = lines.recv().await {
        if let Line::End { good: all } = line {
            good = all;
        }
    }
    work.await?;
    ensure!(good, "the poll failed");
    Ok(())
}

async fn until(what: &str, mut shown: impl FnMut() -> bool) -> anyhow::Result<()> {
    let look = async {
        while !shown() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(STEP_WITHIN, look)
        .await
        .with_context(|| format!("{what} did not appear in the files within {} s", STEP_WITHIN.as_secs()))
}

fn contains(file: &Path, text: &str) -> bool {
    std::fs::read_to_string(file).is_ok_and(|content| content.contains(text))
}

fn count(file: &Path, text: &str) -> usize {
    std::fs::read_to_string(file).map_or(0, |content| content.matches(text).count())
}

fn say(line: &str) {
    STDOUT.push(format!("{line}\n").as_bytes());
}
