//! `shoptalk send` and `shoptalk tail`, for whoever develops a bot: both work through the running service.

use std::io::Write;

use clap::Args;
use serde_json::Value;
use shoptalk::commands::eval_cases::Cases;
use shoptalk::commands::forward::Forward;
use shoptalk::commands::remote::Remote;
use shoptalk::commands::{Command, EventsWanted, Line, MessageWanted};
use shoptalk::shared::store::ItemKind;
use shoptalk::shared::telemetry::logging;
use tokio::sync::mpsc;
use url::Url;

use crate::accounts::{account_of, is_channel_alone};

/// How much of a text a line shows, in characters.
const LONGEST_TEXT: usize = 200;

/// What `shoptalk send` is given.
#[derive(Args)]
pub struct SendArguments {
    /// The account that writes; its channel and its id may also be two words
    #[arg(value_name = "CHANNEL/ACCOUNT")]
    account: String,
    /// The person, as the conversation's file is called
    person: String,
    /// The words; with --template its parameter
    #[arg(required_unless_present = "template")]
    text: Option<String>,
    /// What comes after the words where the account is two of them.
    #[arg(hide = true)]
    last: Option<String>,
    /// A product of the catalogue that is shown with them; may be given up to ten times
    #[arg(long = "product", value_name = "ID")]
    products: Vec<String>,
    /// A message that the platform approved before, by its name
    #[arg(long, value_name = "NAME", conflicts_with = "products")]
    template: Option<String>,
    /// As a human, which silences bots in this conversation
    #[arg(long)]
    human: bool,
    /// Wait until it is known what became of it
    #[arg(long)]
    wait: bool,
}

impl SendArguments {
    /// The command that it is.
    ///
    /// # Errors
    /// When its words are not an account, a person and a text.
    pub fn into_command(self) -> Result<Command, String> {
        let Self { account, person, text, last, products, template, human, wait } = self;
        let words: Vec<String> = [Some(account), Some(person), text, last].into_iter().flatten().collect();
        let (account, rest) = words.split_at(if is_channel_alone(&words[0]) { 2 } else { 1 });
        let (channel, account) = account_of(account)?;
        let (person, text) = match rest {
            [person, text] => (person.clone(), text.clone()),
            [person] if template.is_some() => (person.clone(), String::new()),
            [_, _, ..] => return Err("the words are one argument: put them in quotes".to_owned()),
            _ => return Err("a message needs an account, a person, and words or --template".to_owned()),
        };
        let (is_human, waits) = (human, wait);
        Ok(Command::Send(MessageWanted { channel, account, person, text, products, template, is_human, waits }))
    }
}

/// What `shoptalk bot eval` is given.
#[derive(Args)]
pub struct EvalArguments {
    /// The file: JSON as in examples/bot/cases.json
    file: std::path::PathBuf,
    /// Whose catalogue the model knows; without it, that of the only merchant
    #[arg(long, value_name = "UUID")]
    merchant: Option<uuid::Uuid>,
}

impl EvalArguments {
    /// The command that it is.
    ///
    /// # Errors
    /// When the file cannot be used, in words.
    pub fn into_command(self) -> Result<Command, String> {
        let Self { file, merchant } = self;
        let name = file.display();
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{name} cannot be read: {error}"))?;
        let cases: Cases =
            serde_json::from_str(&text).map_err(|error| format!("{name} is no file of cases: {error}"))?;
        cases.check()?;
        Ok(Command::EvalBot { cases, merchant })
    }
}

/// What `shoptalk tail` is given.
#[derive(Args)]
pub struct TailArguments {
    /// For programs: each event as one line of JSON, as the API gives it
    #[arg(long)]
    json: bool,
    /// Only these types, with commas between them: message, echo, status, takeover, activity, account, catalogue, erased
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = parse_type)]
    types: Vec<ItemKind>,
    /// Those after this number, too, and not only what happens from now on
    #[arg(long, value_name = "N")]
    since: Option<i64>,
    /// Only of this merchant
    #[arg(long, value_name = "UUID")]
    merchant: Option<uuid::Uuid>,
    /// Post each event, signed, to a bot on this machine; what to check signatures with goes to standard error
    #[arg(long, value_name = "URL")]
    forward: Option<Url>,
    /// A service elsewhere, by its public address; its API is read with a key
    #[arg(long, value_name = "URL", conflicts_with = "merchant")]
    url: Option<String>,
    /// The key for --url; without it, SHOPTALK_KEY of the environment
    #[arg(long, value_name = "stk_…", requires = "url")]
    key: Option<String>,
}

/// From where events come.
pub enum TailSource {
    /// The service on this machine.
    Here(Command),
    /// A service elsewhere.
    Elsewhere(Box<Remote>),
}

impl TailArguments {
    /// The command that it is, and what becomes of its events.
    ///
    /// # Errors
    /// When events cannot be forwarded there, in words.
    pub fn into_source(self) -> Result<(TailSource, Listener), String> {
        let Self { json, types, since, merchant, forward, url, key } = self;
        let forward = forward.map(Forward::to).transpose().map_err(|error| format!("{error:#}"))?;
        if let Some(forward) = &forward {
            logging::say(&format!("BOT_WEBHOOK_SECRET={}", *forward.secret()));
        }
        let (wanted, listener) = (EventsWanted { kinds: types, since, merchant }, Listener { is_json: json, forward });
        let Some(url) = url else { return Ok((TailSource::Here(Command::Tail(wanted)), listener)) };
        let key = key
            .or_else(|| std::env::var("SHOPTALK_KEY").ok())
            .ok_or("--url needs a key: give --key, or set SHOPTALK_KEY")?;
        let remote = Remote::at(&url, key.into(), &wanted).map_err(|error| format!("{error:#}"))?;
        Ok((TailSource::Elsewhere(Box::new(remote)), listener))
    }
}

fn parse_type(text: &str) -> Result<ItemKind, String> {
    ItemKind::from_word(text.trim()).ok_or_else(|| {
        let words: Vec<&str> = ItemKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("there are these types: {}", words.join(", "))
    })
}

/// Shows events, and posts them where that is wanted.
pub struct Listener {
    is_json: bool,
    forward: Option<Forward>,
}

impl Listener {
    /// Shows what is told, until nothing more comes or nobody reads it. Gives back whether all went well, and whether all of
    /// it could be shown.
    pub async fn listen(self, mut lines: mpsc::Receiver<Line>) -> (bool, std::io::Result<()>) {
        let mut good = false;
        while let Some(line) = lines.recv().await {
            match line {
                Line::Event { id, json } => {
                    let text = if self.is_json { harmless_json(&json) } else { in_words(&json) };
                    if let Err(error) = print(&text) {
                        return (true, Err(error));
                    }
                    if let (Some(forward), Some(id)) = (&self.forward, id)
                        && let Err(problem) = forward.post(&id, &json).await
                    {
                        logging::say(&format!("the bot did not take {id}: {problem}; it goes on with the next one"));
                    }
                }
                Line::Said { text } | Line::Refused { text } => logging::say(&text),
                Line::End { good: all } => good = all,
                Line::Progress(_) | Line::Done { .. } | Line::Failed { .. } => {}
            }
        }
        (good, Ok(()))
    }
}

fn print(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// The same JSON, without signs that a terminal obeys: within texts, where alone they can stand, they may be escaped.
fn harmless_json(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut text, sign| {
        match sign {
            sign if is_harmless(sign) => text.push(sign),
            sign => text.push_str(&format!("\\u{:04x}", u32::from(sign))),
        }
        text
    })
}

/// Whether a sign only shows itself: it moves no cursor, and turns the writing of nothing else around.
fn is_harmless(sign: char) -> bool {
    !sign.is_control()
        && !matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// An event for people, on one line: `4711 message facebook/1001/7001 Sam Doe: Is it in stock?`.
fn in_words(json: &str) -> String {
    let event: Value = serde_json::from_str(json).unwrap_or_default();
    let word = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).filter(|word| !word.is_empty());
    let mut said = vec![event["n"].to_string(), word("/type").unwrap_or("?").to_owned()];
    let place: Vec<&str> = ["/channel", "/account/id", "/person/id"].into_iter().filter_map(word).collect();
    if !place.is_empty() {
        said.push(place.join("/"));
    }
    said.extend(word("/person/name").map(|name| format!("{name}:")));
    let told =
        ["/by", "/kind", "/state", "/status", "/why", "/message/id", "/message/state", "/message/failure/reason"];
    said.extend(told.into_iter().filter_map(word).filter(|told| *told != "text").map(str::to_owned));
    said.extend(word("/text").map(|text| shortened(text).to_owned()));
    if word("/type") == Some("message") {
        let why = word("/reason").map_or("a bot may answer", |reason| reason);
        said.push(format!("[{why}]"));
    }
    said.join(" ").chars().map(|sign| if is_harmless(sign) { sign } else { ' ' }).collect()
}

fn shortened(text: &str) -> &str {
    text.char_indices().nth(LONGEST_TEXT).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_customers_write_moves_no_cursor_of_a_terminal() {
        let hostile = "a\u{1b}[2J\u{9b}2J\u{7f}\r\nb\u{202e}c";
        let event = json!({
            "n": 7, "type": "message", "channel": "facebook", "account": { "id": "1" }, "kind": "text", "text": hostile,
            "person": { "id": "2", "name": "\u{1b}]0;Sam\u{7}" }, "reason": null,
        });
        let words = in_words(&event.to_string());
        assert_eq!(words, "7 message facebook/1/2  ]0;Sam : a [2J 2J   b c [a bot may answer]");
        let shown = harmless_json(&event.to_string());
        assert!(shown.chars().all(is_harmless), "{shown:?}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), event);
    }

    #[test]
    fn an_event_is_one_line() {
        let line = |event: Value| in_words(&event.to_string());
        assert_eq!(
            line(json!({ "n": 8, "type": "status", "channel": "facebook", "account": { "id": "1" },
                "person": { "id": "2", "name": null }, "message": { "id": "msg_1", "state": "sent", "failure": null } })),
            "8 status facebook/1/2 msg_1 sent"
        );
        assert_eq!(
            line(json!({ "n": 9, "type": "message", "channel": "facebook", "account": { "id": "1" },
                "person": { "id": "2", "name": "Sam" }, "kind": "choice", "text": "x".repeat(500), "reason": "human" })),
            format!("9 message facebook/1/2 Sam: choice {} [human]", "x".repeat(LONGEST_TEXT))
        );
        assert_eq!(line(json!({ "n": 10, "type": "erased" })), "10 erased");
    }
}
