//! Where log lines go and what they look like. They go to standard error; standard output belongs to the commands.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. A second call changes nothing.
pub fn init(format: LogFormat, filter: &str) {
    // The scheduler tells of its own birth at every start; `filter` may ask for that by name.
    let filter = format!("tokio_cron_scheduler=warn,{filter}");
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let started = match format {
        LogFormat::Text => builder.with_ansi(colour).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // Fails only when logging was started before, as it is by the second of two services in one process.
    drop(started);
}
