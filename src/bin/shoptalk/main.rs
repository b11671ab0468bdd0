//! The commands: logging, settings, build, run until asked to stop.

mod bots;
mod looks;
mod progress_bars;
#[cfg(feature = "demo")]
mod sandbox;
mod shell;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bots::{EvalArguments, Listener, SendArguments, TailArguments, TailSource, parse_account};
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, ValueEnum};
use looks::{EventsArguments, StatusArguments, parse_time};
use progress_bars::Bars;
use shell::{CompletionsArguments, ManArguments};
use shoptalk::app::channels;
use shoptalk::app::config;
use shoptalk::app::config::{Config, FromEnv, Server};
use shoptalk::app::{self, App, StartError};
use shoptalk::backup;
use shoptalk::commands::remote::Remote;
use shoptalk::commands::{CloudWanted, Command, Line, socket};
#[cfg(feature = "demo")]
use shoptalk::demo;
use shoptalk::doctor;
use shoptalk::shared::channel::finding::Severity;
use shoptalk::shared::clock::Clock;
use shoptalk::shared::database::lock::folder_of;
use shoptalk::shared::store::api_keys::{MAX_DAYS, Scope};
use shoptalk::shared::telemetry::logging;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Exit code when the work was done, but not all of it went well.
const FINDINGS: u8 = 1;

/// Exit code when the work could not be begun.
const CANNOT_RUN: u8 = 2;

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
struct Arguments {
    #[command(subcommand)]
    command: Option<What>,
    /// The folder in which the service runs: its .env, data and files are there. Without it, the current folder; for `demo`, a temporary one
    #[arg(long, global = true, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
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
        after_help = "Examples:\n  shoptalk sync\n  shoptalk sync shopify\n  shoptalk sync facebook 100000000000101"
    )]
    Sync {
        /// Only this platform
        #[arg(value_parser = channel_names())]
        channel: Option<String>,
        /// Only this account: a Page's id, a shop's domain
        #[arg(requires = "channel")]
        account: Option<String>,
    },
    /// Write all files anew from what is stored
    #[command(after_help = "Examples:\n  shoptalk rebuild\n  shoptalk rebuild my-shop.myshopify.com")]
    Rebuild {
        /// Only this account: a Page's id, a shop's domain
        account: Option<String>,
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
        after_help = "Examples:\n  shoptalk replay --failed\n  shoptalk replay --event 4711\n  shoptalk replay --since 2h"
    )]
    Replay {
        /// Everything that was parked after several tries
        #[arg(long, required_unless_present_any = ["event", "since"], conflicts_with_all = ["event", "since"])]
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
enum BotWhat {
    /// Put a file of questions to the configured model, and say which answers are as expected; nothing is sent
    #[command(
        after_help = "Example:\n  shoptalk bot eval examples/bot/cases.json\n\nIt needs the running service, and costs tokens like answers. Exit codes: 0 all are as expected, 1 some are not, 2 no service runs."
    )]
    Eval(EvalArguments),
}

#[derive(Subcommand)]
enum CloudWhat {
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
        /// Only this account: a Page's id, a shop's domain
        account: Option<String>,
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
enum KeysWhat {
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
        #[arg(long, value_name = "CHANNEL/ID", value_parser = parse_account, required_unless_present = "merchant", conflicts_with = "merchant")]
        account: Option<(String, String)>,
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
enum Badness {
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

/// The names of all channels.
fn channel_names() -> PossibleValuesParser {
    PossibleValuesParser::new(channels::ALL.map(|about| about.name))
}

fn main() -> ExitCode {
    let code = match Arguments::try_parse() {
        Ok(arguments) => start(arguments),
        Err(error) => show_usage(&error),
    };
    logging::finish();
    code
}

/// Help and version, which were asked for, or what is wrong with the command line.
fn show_usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr() {
        logging::say(text.trim_end());
        return ExitCode::from(CANNOT_RUN);
    }
    print_out(text.trim_end(), ExitCode::SUCCESS)
}

/// Writes the result of a command to standard output. `code` is the exit code, unless the result could not be written. A
/// reader that has seen enough and went away changes nothing.
fn print_out(text: &str, code: ExitCode) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail_with(&format!("the output could not be written: {error}"), FINDINGS)
        }
        _ => code,
    }
}

fn start(arguments: Arguments) -> ExitCode {
    let mut what = arguments.command.unwrap_or(What::Serve { with_stdin: false });
    let folder = arguments.dir;
    // The demo makes its folder itself, and reads no settings in it.
    #[cfg(feature = "demo")]
    let folder = match &mut what {
        What::Demo { dir, .. } => {
            *dir = folder;
            None
        }
        _ => folder,
    };
    if let Some(folder) = folder {
        // What is named on the command line is named from where the person is.
        if let What::Backup { folder, .. } | What::Restore { folder } = &mut what {
            *folder = absolute(folder);
        }
        if let Err(error) = std::env::set_current_dir(&folder) {
            return fail(&format!("the folder {} cannot be entered: {error}", absolute(&folder).display()));
        }
    }
    // No core file ever holds a key.
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit { current: Some(0), maximum: Some(0) },
    );
    // A limit of nothing does not count where core files go into a program.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    allow_many_files();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime does not start: {error}")),
    };
    let code = runtime.block_on(run(what));
    // Reads that were cut off may still hold a thread; nothing depends on them.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}

/// As many open files as the operating system lets us have: many systems begin with 1,024, and connections are files.
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

async fn run(what: What) -> ExitCode {
    match what {
        #[cfg(feature = "demo")]
        What::Demo { once, bot, dir } => {
            // The demo speaks for itself; what goes wrong is still said.
            let filter = std::env::var("RUST_LOG").ok().and_then(|filter| logging::check_filter(&filter).ok());
            logging::init(logging::LogFormat::Text, &filter.unwrap_or_else(|| "warn".to_owned()));
            match demo::run(demo::Options { once, bot, dir }, stop_signal()).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail_with(&format!("{error:#}"), FINDINGS),
            }
        }
        #[cfg(feature = "demo")]
        What::Sandbox(arguments) => {
            logging::init(logging::LogFormat::Text, "warn");
            match arguments.run(stop_signal).await {
                Ok(said) if said.is_empty() => ExitCode::SUCCESS,
                Ok(said) => print_out(&said, ExitCode::SUCCESS),
                Err(error) => fail_with(&format!("{error:#}"), FINDINGS),
            }
        }
        What::Serve { with_stdin } => match read_config() {
            Ok((config, names)) => {
                tracing::info!(names = names.join(" "), "these settings are set");
                // First of all, so that whoever asks while the service is still starting gets an orderly end, too.
                let stop = stop_signal();
                if with_stdin {
                    stop_with_stdin(stop.clone());
                }
                serve(config, stop).await
            }
            Err(code) => code,
        },
        What::Doctor { json, fail_on } => doctor(json, fail_on.into()).await,
        What::Backup { folder, with_key } => {
            let work = async |server: Server| {
                let copy = move || backup::backup(&server, &folder, with_key, &Clock::system());
                tokio::task::spawn_blocking(copy).await?
            };
            without_service(read_config_beside_data(), work).await
        }
        What::Restore { folder } => {
            let config = read_config().map(|(config, _)| config);
            without_service(config, async |server: Server| backup::restore(&server, &folder, &Clock::system()).await)
                .await
        }
        What::Sync { channel, account } => command(Command::Sync { channel, account }).await,
        What::Rebuild { account } => command(Command::Rebuild { account }).await,
        What::Replay { event, since, .. } => command(Command::Replay { event, since_ms: since }).await,
        What::Events(arguments) => hand_over(arguments.into_command(), looks::show).await,
        What::Status(arguments) => hand_over(arguments.into_command(), looks::show).await,
        What::Send(arguments) => command(arguments.into_command()).await,
        What::Tail(arguments) => match arguments.into_source() {
            Ok((TailSource::Here(command), listener)) => hand_over(command, |lines| listener.listen(lines)).await,
            Ok((TailSource::Elsewhere(remote), listener)) => follow(*remote, listener).await,
            Err(problem) => fail(&problem),
        },
        What::Bot { what: BotWhat::Eval(arguments) } => match arguments.into_command() {
            Ok(eval) => command(eval).await,
            Err(problem) => fail(&problem),
        },
        What::Completions(arguments) => print_out(&arguments.script::<Arguments>(), ExitCode::SUCCESS),
        What::Man(arguments) => match arguments.make::<Arguments>() {
            Ok(page) => print_out(page.trim_end(), ExitCode::SUCCESS),
            Err(error) => fail(&format!("a manual page cannot be written: {error}")),
        },
        What::Cloud { what } => command(what.into()).await,
        What::Keys { what } => keys(what).await,
    }
}

async fn keys(what: KeysWhat) -> ExitCode {
    match what {
        KeysWhat::Rotate => command(Command::RotateKeys).await,
        KeysWhat::New { account, merchant, name, scopes, days } => {
            command(Command::NewKey { account, merchant, name, scopes, days }).await
        }
        KeysWhat::List { json } => command(Command::ListKeys { json }).await,
        KeysWhat::Revoke { id } => command(Command::RevokeKey { id }).await,
    }
}

fn read_config() -> Result<(Config, Vec<String>), ExitCode> {
    let FromEnv { config, set, unknown } = Config::from_env();
    let config = config.map_err(|problems| {
        let unknown: String = unknown.iter().map(|unknown| format!("\n{unknown}")).collect();
        fail(&format!("{problems}{unknown}"))
    })?;
    logging::init(config.server.log_format, &config.server.log_filter);
    config::warn_of_open_env_file();
    for unknown in unknown {
        tracing::warn!("{unknown}");
    }
    Ok((config, set))
}

/// As [`read_config`], for commands that work on data that is there. They make none: in the wrong folder they would find a
/// new key and empty databases, and all would be well.
fn read_config_beside_data() -> Result<Config, ExitCode> {
    let (config, _) = read_config()?;
    let database = &config.server.tokens_db;
    if database.exists() {
        return Ok(config);
    }
    Err(fail(&format!(
        "there is no data in {}: {} is not there, so there is nothing to do and nothing to back up. Run this in the folder in which \
         the service runs, or name it: --dir FOLDER",
        absolute(folder_of(database)).display(),
        absolute(database).display(),
    )))
}

/// The path from the root, for people who have to find it.
fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.components().filter(|part| *part != std::path::Component::CurDir).collect()
}

async fn serve(config: Config, stop: CancellationToken) -> ExitCode {
    let address = config.server.address;
    if channels::configured(&config).next().is_none() {
        let demo = if cfg!(feature = "demo") { ", or try `shoptalk demo`" } else { "" };
        tracing::warn!("no platform is configured, so there is nothing to do; see .env.example{demo}");
    }
    let app = match App::build(config, Clock::system()).await {
        Ok(app) => app,
        Err(error) => return fail(&error.to_string()),
    };
    let listener = match app::listen(address).await {
        Ok(listener) => listener,
        Err(error) => {
            app.stop(None).await;
            return fail(&format!("{error:#}"));
        }
    };
    let mut working = match app.start().await {
        Ok(working) => working,
        Err(error) => {
            app.stop(None).await;
            return fail(&format!("{error:#}"));
        }
    };
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let served = app.serve(listener, &mut working, stop).await;
    app.stop(Some(working)).await;
    match served {
        Ok(()) => {
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        Err(error) => fail_with(&format!("{error:#}"), FINDINGS),
    }
}

/// Does work that needs no service, and says what came of it.
async fn without_service(
    config: Result<Config, ExitCode>,
    work: impl AsyncFnOnce(Server) -> anyhow::Result<String>,
) -> ExitCode {
    let config = match config {
        Ok(config) => config,
        Err(code) => return code,
    };
    match work(config.server).await {
        Ok(said) => print_out(&said, ExitCode::SUCCESS),
        Err(error) => fail(&format!("{error:#}")),
    }
}

async fn doctor(json: bool, fail_on: Severity) -> ExitCode {
    // What is wrong is said in the report; the log would only say it twice.
    logging::init(logging::LogFormat::Text, "off");
    let mut surroundings = doctor::Surroundings::default();
    let of_demo = Path::new(config::DEMO_ENV_FILE);
    if !surroundings.env_file.exists() && of_demo.exists() {
        of_demo.clone_into(&mut surroundings.env_file);
    }
    let FromEnv { config, set, unknown } = Config::from_env_and(&surroundings.env_file);
    surroundings.unknown = unknown;
    // Before the first start there are settings, afterwards there is data.
    if let Ok(config) = &config
        && set.is_empty()
        && !surroundings.env_file.exists()
        && !config.server.tokens_db.exists()
    {
        return fail(&format!(
            "there is nothing to look at in {}: neither settings in a .env nor data. Run this in the folder in which the \
             service runs, or name it: --dir FOLDER",
            absolute(Path::new(".")).display()
        ));
    }
    let report = doctor::examine(&config, &surroundings, &Clock::system()).await;
    let text = if json {
        match serde_json::to_string_pretty(&report) {
            Ok(text) => text,
            Err(error) => return fail(&error.to_string()),
        }
    } else {
        report.to_text()
    };
    print_out(text.trim_end(), if report.has(fail_on) { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// Cancelled by SIGINT or SIGTERM; a second signal ends the process at once.
fn stop_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::warn!("signals cannot be caught");
        return stop;
    };
    let token = stop.clone();
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            if first {
                token.cancel();
                tracing::info!("asked to stop");
            } else {
                logging::finish();
                std::process::exit(130);
            }
        }
    });
    stop
}

/// Cancels when standard input ends: whoever holds the other end is gone, however it went.
fn stop_with_stdin(stop: CancellationToken) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        stop.cancel();
    });
}

/// Shows the events of a service elsewhere.
async fn follow(remote: Remote, listener: Listener) -> ExitCode {
    let (sender, lines) = mpsc::channel(64);
    let showing = tokio::spawn(listener.listen(lines));
    let good = remote.follow(&sender).await;
    drop(sender);
    match showing.await {
        Ok((_, Err(error))) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail_with(&format!("the output could not be written: {error}"), FINDINGS)
        }
        _ if good => ExitCode::SUCCESS,
        _ => ExitCode::from(FINDINGS),
    }
}

/// Hands a command to the running service, or carries it out here, and prints what is told.
async fn command(command: Command) -> ExitCode {
    hand_over(command, print).await
}

/// The same, with `show` for what is told.
async fn hand_over<F>(command: Command, show: impl FnOnce(mpsc::Receiver<Line>) -> F) -> ExitCode
where
    F: Future<Output = (bool, std::io::Result<()>)> + Send + 'static,
{
    let config = match read_config_beside_data() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let (sender, lines) = mpsc::channel(64);
    let printing = tokio::spawn(show(lines));
    let socket = socket::path_in(folder_of(&config.server.tokens_db));
    let handed_over = match socket::ask(&socket, &command, &sender).await {
        Ok(handed_over) => handed_over,
        Err(error) => return fail(&format!("{error:#}")),
    };
    if handed_over.is_none() && command.needs_service() {
        return fail(&format!(
            "no service runs on the data in {}, and only a running one can do this: start it with `shoptalk serve`",
            absolute(folder_of(&config.server.tokens_db)).display()
        ));
    }
    if handed_over.is_none()
        && let Err(code) = carry_out_here(config, command, &sender).await
    {
        return code;
    }
    drop(sender);
    match printing.await {
        Ok((_, Err(error))) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail_with(&format!("the output could not be written: {error}"), FINDINGS)
        }
        Ok((true, _)) => ExitCode::SUCCESS,
        _ => ExitCode::from(FINDINGS),
    }
}

async fn carry_out_here(config: Config, command: Command, lines: &mpsc::Sender<Line>) -> Result<(), ExitCode> {
    let config = Config { server: Server { log_filter: "warn".to_owned(), ..config.server }, ..config };
    let app = match App::build(config, Clock::system()).await {
        Ok(app) => app,
        Err(StartError::Held(sentence)) => {
            return Err(fail(&format!("{sentence}. It does not answer on its local socket")));
        }
        Err(error) => return Err(fail(&error.to_string())),
    };
    let working = (!command.works_alone()).then(|| app.start_for_command());
    app.command_runner().carry_out(command, lines).await;
    if working.is_some()
        && let Err(error) = app.settle_for_command().await
    {
        tracing::warn!(error = format!("{error:#}"), "not everything could be written");
    }
    app.stop(working).await;
    Ok(())
}

/// Shows what is told: bars on a terminal, plain lines elsewhere. Gives back whether all went well, and whether all of it
/// could be shown.
async fn print(mut lines: mpsc::Receiver<Line>) -> (bool, std::io::Result<()>) {
    let mut bars = Bars::new();
    let mut good = false;
    while let Some(line) = lines.recv().await {
        match line {
            Line::Progress(step) => bars.show(step),
            Line::Done { channel, account } => bars.end(&channel, &account, &format!("{channel} {account}: done")),
            Line::Failed { channel, account, reason } => {
                bars.fail(&channel, &account, &format!("{channel} {account}: failed: {reason}"));
            }
            Line::Said { text } => bars.say(&text),
            Line::Event { json, .. } => bars.say(&json),
            Line::End { good: all } => good = all,
        }
    }
    (good, bars.shown())
}

fn fail(sentence: &str) -> ExitCode {
    fail_with(sentence, CANNOT_RUN)
}

fn fail_with(sentence: &str, code: u8) -> ExitCode {
    logging::say(&format!("shoptalk: {sentence}"));
    ExitCode::from(code)
}
