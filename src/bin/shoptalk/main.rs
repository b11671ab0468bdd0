//! The commands: logging, settings, build, run until asked to stop.

mod accounts;
mod arguments;
mod bots;
mod looks;
mod progress_bars;
#[cfg(feature = "demo")]
mod sandbox;
mod shell;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arguments::{Arguments, BotWhat, KeysWhat, What};
use bots::{Listener, TailSource};
use clap::Parser;
use progress_bars::Bars;
use shoptalk::app::channels;
use shoptalk::app::config;
use shoptalk::app::config::{Config, FromEnv, Server};
use shoptalk::app::{self, App, StartError};
use shoptalk::backup;
use shoptalk::commands::remote::Remote;
use shoptalk::commands::{Command, Line, socket};
#[cfg(feature = "demo")]
use shoptalk::demo;
use shoptalk::doctor;
use shoptalk::shared::channel::finding::Severity;
use shoptalk::shared::clock::Clock;
use shoptalk::shared::database::lock::folder_of;
use shoptalk::shared::telemetry::logging;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Exit code when the work was done, but not all of it went well.
const FINDINGS: u8 = 1;

/// Exit code when the work could not be begun.
const CANNOT_RUN: u8 = 2;

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
        What::Sync { channel, account } => match accounts::sync_of(channel, account) {
            Ok(sync) => command(sync).await,
            Err(problem) => fail(&problem),
        },
        What::Rebuild { account } => command(Command::Rebuild { account }).await,
        What::Replay { event, since, .. } => command(Command::Replay { event, since_ms: since }).await,
        What::Events(arguments) => match arguments.into_command() {
            Ok(events) => hand_over(events, looks::show).await,
            Err(problem) => fail(&problem),
        },
        What::Status(arguments) => hand_over(arguments.into_command(), looks::show).await,
        What::Send(arguments) => match arguments.into_command() {
            Ok(send) => command(send).await,
            Err(problem) => fail(&problem),
        },
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
        KeysWhat::New { account, merchant, name, scopes, days } => match accounts::account_of_option(&account) {
            Ok(account) => command(Command::NewKey { account, merchant, name, scopes, days }).await,
            Err(problem) => fail(&problem),
        },
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
    if let Err(error) = app.carry_out(command, lines).await {
        tracing::warn!(error = format!("{error:#}"), "not everything could be written");
    }
    app.stop(None).await;
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
            Line::Refused { text } => logging::say(&format!("shoptalk: {text}")),
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
