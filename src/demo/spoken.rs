//! The interactive demo's ears: verbs that are typed, and the first message, after which it can be shown how to answer.

use std::convert::Infallible;
use std::io::BufRead;

use serde_json::Value;
use tokio::sync::mpsc;

use super::platforms::Verb;
use super::stage::Stage;
use super::telling::say;
use crate::commands::{Command, EventsWanted, Line};
use crate::shared::store::ItemKind;
use crate::shared::store::api_keys::Scope;

/// The pause before a service that does not run is asked again.
const AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// Carries out what is typed, a verb a line.
pub async fn listen(stage: &Stage) -> Infallible {
    let (sender, mut lines) = mpsc::channel(16);
    // Reading standard input cannot be cut off: the thread ends with the process.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            continue;
        }
        match Verb::read(words) {
            Ok(verb) => match stage.platforms.play(verb).await {
                Ok(said) => say(&format!("> {said}")),
                Err(error) => say(&format!("> Not possible: {error:#}")),
            },
            Err(sentence) => say(sentence.trim_end()),
        }
    }
    // Nobody types any more; the demo goes on.
    std::future::pending().await
}

/// Waits for the first message of a customer, and shows how it is answered and how to read what bots are told: with a key that
/// works.
pub async fn show_how_to_answer(stage: &Stage) -> Infallible {
    loop {
        if let Some((merchant, conversation)) = first_message(stage).await
            && let Ok((said, true)) = stage.service.carry_out(new_key(merchant)).await
            && let [key] = said.as_slice()
        {
            show(stage, key, &conversation);
            return std::future::pending().await;
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// A key of the demo for all accounts of a merchant.
pub fn new_key(merchant: uuid::Uuid) -> Command {
    let scopes = vec![Scope::Read, Scope::Reply];
    Command::NewKey { account: None, merchant: Some(merchant), name: "Demo".to_owned(), scopes, days: Some(1) }
}

/// Whose it is, and the path of its conversation.
async fn first_message(stage: &Stage) -> Option<(uuid::Uuid, String)> {
    let wanted = Command::Tail(EventsWanted { kinds: vec![ItemKind::Message], since: None, merchant: None });
    let (sender, mut lines) = mpsc::channel(16);
    let look = async {
        while let Some(line) = lines.recv().await {
            let Line::Event { json, .. } = line else { continue };
            let event: Value = serde_json::from_str(&json).ok()?;
            let merchant = event["merchant"].as_str().and_then(|merchant| merchant.parse().ok());
            if let (Some(merchant), Some(conversation)) = (merchant, event["conversation"].as_str()) {
                return Some((merchant, conversation.to_owned()));
            }
        }
        None
    };
    tokio::select! {
        found = look => found,
        // It ends when the service does.
        _ = stage.service.tail(wanted, sender) => None,
    }
}

fn show(stage: &Stage, key: &str, conversation: &str) {
    let url = stage.service.below("");
    say(&format!(
        "\n  Answer that customer, as a bot does, and read what bots are told:\n\n    \
         curl -sH 'Authorization: Bearer {key}' -H 'Idempotency-Key: try-1' -d '{{\"text\":\"Yes, 3 left.\"}}' \
         '{url}{conversation}/messages'\n\n    \
         curl -sH 'Authorization: Bearer {key}' '{url}/api/v1/events?after=0&limit=5'\n\n  \
         docs/bots.md goes on from here.\n"
    ));
}
