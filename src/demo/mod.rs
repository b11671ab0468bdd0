//! `shoptalk demo`: the same service against simulated platforms on loopback. Needs no settings and no network.
//!
//! The service is a process of its own, as it is in earnest, so that it can be killed and started again. Interactive, a person
//! clicks through both logins while customers write and products change; with `--once` the whole story plays by itself and is
//! checked at every step. With `--bot` the built-in responder answers, and a simulated model thinks for it.

mod bot_story;
mod browser;
mod copies;
pub mod model;
pub mod object_store;
mod options;
pub mod platforms;
mod service;
mod spoken;
mod stage;
mod story;
mod telling;
mod tree;

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use self::options::Options;
use self::platforms::SHOP;
use self::stage::Stage;
use self::telling::{finish_telling, say};
use crate::shared::logins::random_hex;

/// How often it is looked what people received.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The pause between two customers' messages of the interactive demo.
const MESSAGE_EVERY: Duration = Duration::from_secs(4);

/// Plays the demo until it is over or `stop` comes.
///
/// # Errors
/// When something cannot be started, a step of the unattended story fails, or nothing can be told.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let played = set_and_play(options, stop).await;
    played.and(finish_telling().await)
}

async fn set_and_play(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let (folder, temporary) = match &options.dir {
        Some(folder) => (folder.clone(), false),
        None => (std::env::temp_dir().join(format!("shoptalk-demo-{}", &random_hex()?[..12])), true),
    };
    let set = tokio::select! {
        set = Stage::set(&folder, &options) => set,
        () = stop.cancelled() => return Ok(()),
    };
    let stage = set?;
    if !stage.is_first {
        say(
            "This folder holds an earlier demo. Its files are kept, but the simulated platforms begin anew and know none of the \
             old logins: connect the shop and the Page again, as in step 2. Until then the warning that they have to log in again \
             is right.\n",
        );
    }
    let played = tokio::select! {
        played = play(&stage, &folder, &options, temporary) => played,
        () = stop.cancelled() => Ok(()),
    };
    stage.service.stop().await;
    if temporary && options.once {
        // The story has shown its files; nothing is left behind.
        let _ = std::fs::remove_dir_all(&folder);
    } else {
        say(&format!("\nThe files are still there: {}", folder.display()));
    }
    played
}

async fn play(stage: &Stage, folder: &Path, options: &Options, temporary: bool) -> anyhow::Result<()> {
    if options.once {
        let story = async { if options.bot { bot_story::tell(stage).await } else { story::tell(stage, folder).await } };
        return tokio::select! {
            told = story => told,
            status = stage.service.has_ended() => Err(anyhow::anyhow!("the service ended by itself: {}", status?)),
        };
    }
    introduce(stage, folder, options.bot);
    if temporary {
        say("(With --dir FOLDER the files go where you want them.)");
    }
    say("");
    tokio::select! {
        never = happenings(stage, options.bot) => match never {},
        never = spoken::listen(stage) => match never {},
        never = spoken::show_how_to_answer(stage) => match never {},
    }
}

fn introduce(stage: &Stage, folder: &Path, with_bot: bool) {
    let url = stage.service.below("");
    let names: Vec<&str> = platforms::Platform::messengers().map(platforms::Platform::name).collect();
    say(&format!(
        "shoptalk demo: the service and simulated platforms are running on this machine: Shopify, {}.\n",
        names.join(", ")
    ));
    say(&format!("  1. Open   {url}"));
    say(&format!(
        "  2. Connect the shop “{SHOP}”, then the Page. Every login screen is simulated. The other accounts join by themselves."
    ));
    if with_bot {
        say("     Then press “Let the bot answer here” on the account's card; a simulated model answers.");
    }
    say(&format!("  3. Watch the files appear below {}\n", folder.display()));
    say(&format!("  Operator's view   {url}/operator   with the token {}", stage.operator_token));
    say(&format!("  Metrics           curl -sH 'Authorization: Bearer {}' {url}/metrics", stage.operator_token));
    say(&format!("  Behind the stage  {}   every verb as a form; the same here: type `help`, or", stage.control.url()));
    say(
        "                    say whatsapp Is it in stock? · price classic 649.00 · lose-webhooks viber · kill-service · start-service\n",
    );
    say("Customers write every few seconds on every platform, and products change. Ctrl-C ends the demo.");
}

/// What happens by itself, and what people receive.
async fn happenings(stage: &Stage, with_bot: bool) -> std::convert::Infallible {
    let tell = |line: String| {
        stage.platforms.remember(&line);
        say(&format!("  {line}"));
    };
    let mut turn = 0;
    let mut next = tokio::time::Instant::now() + MESSAGE_EVERY;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        for (platform, name, text) in stage.platforms.news() {
            tell(format!("{name} receives on {}: {}", platform.name(), text.replace('\n', " ")));
        }
        if let Ok(Some(status)) = stage.service.ended() {
            // Told once: whoever reads it may start it again.
            let _ = stage.service.kill();
            tell(format!("The service ended by itself: {status}. `start-service` starts it again."));
        }
        if let Some(line) = stage.copies.news() {
            tell(line);
        }
        if tokio::time::Instant::now() >= next {
            next = tokio::time::Instant::now() + MESSAGE_EVERY;
            if let Some(line) = stage.something_happens(turn, with_bot).await {
                tell(line);
            }
            turn += 1;
        }
    }
}
