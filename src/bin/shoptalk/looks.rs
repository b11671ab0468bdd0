//! `shoptalk events` and `shoptalk status`: what the running service knows, as tables or as JSON.

use std::io::{IsTerminal, Write};

use clap::Args;
use clap::builder::PossibleValuesParser;
use shoptalk::commands::{Command, Line, LogWanted, StatusWanted};
use shoptalk::shared::clock::Clock;
use shoptalk::shared::store::{EventFilter, EventOutcome, LARGEST_PAGE};
use shoptalk::shared::telemetry::logging;
use shoptalk::shared::times;
use tokio::sync::mpsc;

use super::accounts::account_of_option;

/// What `shoptalk events` is given.
#[derive(Args)]
pub struct EventsArguments {
    /// Only of this account
    #[arg(long, value_name = "CHANNEL/ID", num_args = 1..=2)]
    account: Vec<String>,
    /// Only of this kind, in the platform's word: message, echo, products/update …
    #[arg(long)]
    kind: Option<String>,
    /// Only of this person, as the conversation's file is called
    #[arg(long)]
    person: Option<String>,
    /// Only those of which this has become
    #[arg(long, value_parser = outcomes())]
    outcome: Option<String>,
    /// Only what arrived since then: 2026-11-21T12:00:00Z, or 90m, 12h, 7d
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<i64>,
    /// Only what arrived before then
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<i64>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u16).range(1..=LARGEST_PAGE as i64))]
    limit: u16,
    /// For programs: each event as one line of JSON
    #[arg(long)]
    json: bool,
    /// Go on with what arrives; Ctrl-C ends it
    #[arg(long)]
    watch: bool,
}

impl EventsArguments {
    /// The command that it is.
    ///
    /// # Errors
    /// When the account is none.
    pub fn into_command(self) -> Result<Command, String> {
        let Self { account, kind, person, outcome, since, until, limit, json, watch } = self;
        let (channel, account) = account_of_option(&account)?.unzip();
        let filter = EventFilter {
            channel,
            account,
            kind,
            person,
            outcome: outcome.and_then(|word| EventOutcome::from_word(&word)),
            since_ms: since,
            until_ms: until,
            before: None,
            after: None,
            limit: usize::from(limit),
        };
        Ok(Command::Events(LogWanted { filter, is_json: json, watches: watch }))
    }
}

/// A time, or how long ago it is.
///
/// # Errors
/// How times are written.
pub fn parse_time(text: &str) -> Result<i64, String> {
    times::parse(text, Clock::system().now_ms())
}

fn outcomes() -> PossibleValuesParser {
    PossibleValuesParser::new(EventOutcome::ALL.map(EventOutcome::as_str))
}

/// What `shoptalk status` is given.
#[derive(Args)]
pub struct StatusArguments {
    /// For programs: one JSON object, with --watch one on each line
    #[arg(long)]
    json: bool,
    /// Show it again every two seconds; Ctrl-C ends it
    #[arg(long)]
    watch: bool,
}

impl StatusArguments {
    /// The command that it is.
    pub fn into_command(self) -> Command {
        let Self { json, watch } = self;
        let clears = !json && std::io::stdout().is_terminal();
        Command::Status(StatusWanted { is_json: json, watches: watch, clears })
    }
}

/// Writes what is told to standard output, a line each. Gives back whether all went well, and whether all of it could be
/// shown.
pub async fn show(mut lines: mpsc::Receiver<Line>) -> (bool, std::io::Result<()>) {
    let mut good = false;
    while let Some(line) = lines.recv().await {
        match line {
            Line::Said { text } => {
                let mut stdout = std::io::stdout().lock();
                if let Err(error) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
                    return (true, Err(error));
                }
            }
            Line::Refused { text } => logging::say(&format!("shoptalk: {text}")),
            Line::End { good: all } => good = all,
            Line::Event { .. } | Line::Progress(_) | Line::Done { .. } | Line::Failed { .. } => {}
        }
    }
    (good, Ok(()))
}
