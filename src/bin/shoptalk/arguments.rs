//! The commands and their arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use shoptalk::commands::{CloudWanted, Command};
use shoptalk::shared::channel::finding::Severity;
use shoptalk::shared::store::NamedAccount;
use shoptalk::shared::store::api_keys::{MAX_DAYS, Scope};

use crate::accounts::{Place, PlaceParser, parse_named};
use crate::bots::{EvalArguments, SendArguments, TailArguments};
use crate::looks::{EventsArguments, StatusArguments, parse_time};
#[cfg(feature = "demo")]
use crate::sandbox;
use crate::shell::{CompletionsArguments, ManArguments};

/// What the help shows below the commands.
#[cfg(feature = "demo")]
const EXAMPLES: &str = "Examples:\n  shoptalk demo          see it work, without settings or network\n  shoptalk               run the service with the settings of .env\n  shoptalk sync shopify  poll all shops now";
#[cfg(not(feature = "demo"))]
const EXAMPLES: &str = "Examples:\n  shoptalk               run the service with the settings of .env\n  shoptalk sync shopify  poll all shops now";

/// Keeps a sales bot's view of a shop and its Page complete and current, as JSON files.
#[derive(Parser)]
#[command(
    version = env!("SHOPTALK_VERSION"),
    about,
    max_term_width = 100,
    after_help = EXAMPLES
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<What>,
    /// The folder in which the service runs: its .env, data and files are there. Without it, the current folder
    #[cfg_attr(
        feature = "demo",
        arg(
            help = "The folder in which the service runs: its .env, data and files are there. Without it, the current folder; for `demo`, a temporary one"
        )
    )]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum What {
    /// Run the service until it is told to stop (also without a command)
    #[command(
        after_help = "Examples:\n  shoptalk serve\n  PORT=8080 LOG_FORMAT=json shoptalk serve\n\nSettings come from the environment and from .env; every variable is explained in .env.example."
    )]
    Serve {
        /// Stop when standard input ends, too: for a program that runs the service
        #[arg(long)]
        with_stdin: bool,
    },
    /// The same service against simulated platforms on this machine; needs no settings and no network
    #[cfg(feature = "demo")]
    #[command(
        after_help = "Examples:\n  shoptalk demo                 click through both logins yourself\n  shoptalk demo --once          play the whole story unattended\n  shoptalk demo --bot           a bot answers, with a simulated model\n  shoptalk demo --dir ./demo    keep the files in a folder of yours"
    )]
    Demo {
        /// Play the whole story by itself, print the files, and end
        #[arg(long)]
        once: bool,
        /// Let the built-in responder answer, with a simulated model
        #[arg(long)]
        bot: bool,
        /// Where data and files go, from --dir; without it, a temporary folder
        #[arg(skip)]
        dir: Option<PathBuf>,
    },
    /// The simulated platforms alone, for a service that runs beside them; with a verb: what people do there
    #[cfg(feature = "demo")]
    #[command(after_help = sandbox::EXAMPLES)]
    Sandbox(sandbox::SandboxArguments),
    /// Look for everything that can be wrong, and say how to mend it
    #[command(
        after_help = "Examples:\n  shoptalk doctor\n  shoptalk --dir /var/lib/shoptalk doctor --fail-on error\n  shoptalk doctor --json | jq '.findings[].code'\n\nChanges nothing, and can run beside the service. Exit codes: 0 nothing was found that is as bad as --fail-on, 1 something was, 2 it could not look."
    )]
    Doctor {
        /// How bad a finding must be to make the exit code 1
        #[arg(long, value_name = "SEVERITY", default_value = "warning")]
        fail_on: Badness,
        /// For programs: one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Poll the platforms now
    #[command(
        after_help = "Examples:\n  shoptalk sync\n  shoptalk sync shopify\n  shoptalk sync facebook/100000000000101"
    )]
    Sync {
        /// Only this platform, or this account, as facebook/100000000000101
        #[arg(value_name = "CHANNEL", value_parser = PlaceParser)]
        channel: Option<Place>,
        /// Only this account: a Page's id, a shop's domain or name
        #[arg(requires = "channel", value_parser = parse_named)]
        account: Option<NamedAccount>,
    },
    /// Write all files anew from what is stored
    #[command(after_help = "Examples:\n  shoptalk rebuild\n  shoptalk rebuild my-shop.myshopify.com")]
    Rebuild {
        /// Only this account: a Page's id, a shop's domain or name, also as facebook/100000000000101
        #[arg(value_parser = parse_named)]
        account: Option<NamedAccount>,
    },
    /// Show what the running service knows: accounts, workers, failures, alerts
    #[command(
        after_help = "Examples:\n  shoptalk status\n  shoptalk status --watch\n  shoptalk status --json | jq .journal\n\nExit codes: 0 nothing needs you, 1 something does, 2 no service runs. What is wrong from outside is found by `shoptalk doctor`."
    )]
    Status(StatusArguments),
    /// Show what arrived and what became of it, never what somebody wrote
    #[command(
        after_help = "Examples:\n  shoptalk events\n  shoptalk events --outcome apart --since 12h\n  shoptalk events --account facebook/100000000000101 --watch\n  shoptalk events --json --limit 200 | jq .kind\n\nIt asks the running service. What an event holds is shown at /operator."
    )]
    Events(EventsArguments),
    /// Hand what was given up, or what arrived, to the consumers again
    #[command(
        after_help = "Examples:\n  shoptalk replay\n  shoptalk replay --event 4711\n  shoptalk replay --since 2h"
    )]
    Replay {
        /// Everything that was parked after several tries; also without an option
        #[arg(long, conflicts_with_all = ["event", "since"])]
        failed: bool,
        /// One event, by its number in the journal
        #[arg(long, value_name = "ID", conflicts_with = "since")]
        event: Option<i64>,
        /// Everything that arrived since then: 2026-11-21T12:00:00Z, or 90m, 12h, 7d
        #[arg(long, value_name = "TIME", value_parser = parse_time)]
        since: Option<i64>,
    },
    /// Copy everything that cannot be had again into a new folder; the service may run meanwhile
    #[command(
        after_help = "Examples:\n  shoptalk backup /var/backups/shoptalk-$(date +%F)\n  shoptalk backup --with-key /media/safe/shoptalk\n\nHolds tokens.db, journal.db and the JSON files. Without --with-key the master key stays out: keep a copy of it apart."
    )]
    Backup {
        /// The folder to make; it must not exist yet
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Put the master key into the backup, too: who finds it can open every token
        #[arg(long)]
        with_key: bool,
    },
    /// Put a backup in place of what is there; the service must not run
    #[command(
        after_help = "Example:\n  shoptalk restore /var/backups/shoptalk-2026-11-21\n\nEverything is checked before anything is changed, and what was there is kept beside it."
    )]
    Restore {
        /// The folder of the backup
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Send a message to a person, through the running service
    #[command(
        after_help = "Examples:\n  shoptalk send facebook/100000000000101 7000000000000001 Hello --wait\n  shoptalk send facebook/100000000000101 7000000000000001 Yes --product 9007199254740993\n  shoptalk send facebook/100000000000101 7000000000000001 Hello --human\n\nPrints the message's id and its state. Exit codes: 0 accepted, with --wait: sent; 1 refused, with --wait: failed or unknown; 2 no service runs."
    )]
    Send(SendArguments),
    /// Show events of the feed as they happen, from the running service
    #[command(
        after_help = "Examples:\n  shoptalk tail\n  shoptalk tail --types message,takeover --since 0\n  shoptalk tail --json | jq .text\n  shoptalk tail --forward http://127.0.0.1:3000/bot\n  shoptalk tail --url https://shoptalk.example.com --key stk_…\n\nWithout --merchant events of all merchants are shown, and in JSON each says whose it is. Ctrl-C ends it.\nWhat a bot behind --forward does not take in three tries is left out."
    )]
    Tail(TailArguments),
    /// The built-in responder
    Bot {
        #[command(subcommand)]
        what: BotWhat,
    },
    /// Copies of the files in object storage
    Cloud {
        #[command(subcommand)]
        what: CloudWhat,
    },
    /// Print the completions for a shell
    #[command(
        after_help = "Examples:\n  shoptalk completions bash | sudo tee /etc/bash_completion.d/shoptalk\n  shoptalk completions fish | tee ~/.config/fish/completions/shoptalk.fish"
    )]
    Completions(CompletionsArguments),
    /// Print the manual page, or write those of all commands into a folder
    #[command(after_help = "Examples:\n  shoptalk man | man -l -\n  shoptalk man /usr/local/share/man/man1")]
    Man(ManArguments),
    /// The keys of the API for bots, and the master key, which seals every stored token
    Keys {
        #[command(subcommand)]
        what: KeysWhat,
    },
}

#[derive(Subcommand)]
pub enum BotWhat {
    /// Put a file of questions to the configured model, and say which answers are as expected; nothing is sent
    #[command(
        after_help = "Example:\n  shoptalk bot eval examples/bot/cases.json\n\nIt needs the running service, and costs tokens like answers. Exit codes: 0 all are as expected, 1 some are not, 2 no service runs."
    )]
    Eval(EvalArguments),
}

#[derive(Subcommand)]
pub enum CloudWhat {
    /// Say where copies go, how they are doing, and what waits
    #[command(
        after_help = "Example:\n  shoptalk cloud status\n\nExit codes: 0 copies are being made, 1 they are not, or are switched off."
    )]
    Status,
    /// Compare all files with their copies, and send what differs; the service may run meanwhile
    #[command(
        after_help = "Examples:\n  shoptalk cloud backfill\n  shoptalk cloud backfill my-shop.myshopify.com\n\nCut off at any moment, the service goes on with what is in line; started again, it looks at everything anew."
    )]
    Backfill {
        /// Only this account: a Page's id, a shop's domain or name, also as facebook/100000000000101
        #[arg(value_parser = parse_named)]
        account: Option<NamedAccount>,
    },
    /// Tell which files and copies differ, one a line, and change nothing
    #[command(
        after_help = "Example:\n  shoptalk cloud check\n\nWhat changed within the last minute may still wait. Exit codes: 0 nothing differs, 1 something does."
    )]
    Check,
    /// Make the bucket this installation's, whoever had it
    #[command(
        after_help = "Example:\n  shoptalk cloud take-over\n\nThe installation that had it stops its copies within ten minutes and says so."
    )]
    TakeOver,
}

impl From<CloudWhat> for Command {
    fn from(what: CloudWhat) -> Self {
        Self::Cloud(match what {
            CloudWhat::Status => CloudWanted::Status,
            CloudWhat::Backfill { account } => CloudWanted::Backfill { account },
            CloudWhat::Check => CloudWanted::Check,
            CloudWhat::TakeOver => CloudWanted::TakeOver,
        })
    }
}

#[derive(Subcommand)]
pub enum KeysWhat {
    /// Make a new master key, seal everything with it, and drop the old one; the service may run meanwhile
    #[command(
        after_help = "Example:\n  shoptalk keys rotate\n\nCut off at any moment, the next start reads everything and finishes. Back up the new key file afterwards.\nWith TOKEN_ENCRYPTION_KEY the key is yours to change: see TOKEN_ENCRYPTION_KEY_PREVIOUS in .env.example."
    )]
    Rotate,
    /// Make a key of the API for bots, and print it this once; the service may run meanwhile
    #[command(
        after_help = "Examples:\n  shoptalk keys new --account facebook/100000000000101 --name 'Sales bot' --scopes read,reply\n  KEY=$(shoptalk keys new --merchant $UUID --name CRM --scopes read --days 90)\n\n--account limits the key to that account, --merchant means all accounts of the merchant.\nOnly the key is written to standard output; nobody can learn it again."
    )]
    New {
        /// For the merchant of this account, and limited to it
        #[arg(long, value_name = "CHANNEL/ID", num_args = 1..=2, required_unless_present = "merchant", conflicts_with = "merchant")]
        account: Vec<String>,
        /// For this merchant, and for all accounts
        #[arg(long, value_name = "UUID")]
        merchant: Option<uuid::Uuid>,
        /// What the key is called
        #[arg(long)]
        name: String,
        /// What it may do: read, reply, human, admin
        #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true, value_parser = parse_scope)]
        scopes: Vec<Scope>,
        /// For how many days it lives; without it, until it is revoked
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_DAYS)))]
        days: Option<u32>,
    },
    /// Show the keys of the API for bots, never the keys themselves
    List {
        /// For programs: one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key of the API for bots: its next request is refused, and its streams end
    Revoke {
        /// The ten letters and digits behind stk_
        id: String,
    },
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    text.trim().parse().map_err(|error: anyhow::Error| error.to_string())
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Badness {
    Error,
    Warning,
    Note,
}

impl From<Badness> for Severity {
    fn from(badness: Badness) -> Self {
        match badness {
            Badness::Error => Self::Error,
            Badness::Warning => Self::Warning,
            Badness::Note => Self::Note,
        }
    }
}
