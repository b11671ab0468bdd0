//! Where log lines go and what they look like. They go to standard error; standard output belongs to the commands. A thread
//! of its own writes them, so that a log that nobody reads holds nothing up.
//!
//! Much of what is logged came from outside. One happening is one line, whatever is in it: control characters are escaped,
//! and a line has an end.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Map, Value};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::outlet::Outlet;

/// The longest line in bytes, with its end.
pub const MAX_LINE_BYTES: usize = 4096;

/// What stands at the end of a line that was cut.
const CUT: &str = "…";

/// The longest text in a JSON line that is too long as a whole.
const SHORT_BYTES: usize = 256;

/// How long the end of the process waits for its last lines to be written.
const FINISH_WITHIN: Duration = Duration::from_millis(500);

/// Standard error. Its own descriptor, so that no lock of the standard library is held while somebody does not read.
static STDERR: LazyLock<Outlet> = LazyLock::new(|| {
    let tell = |lines| tracing::warn!(lines, "lines of this log were lost, because they could not be written");
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(stderr) => Outlet::start(File::from(stderr), tell),
        Err(_) => Outlet::start(io::sink(), tell),
    }
});

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
    // The scheduler tells of its own birth at every start; `filter` may ask for that by name. What is said of some modules
    // does not silence the others.
    let filter = format!("info,tokio_cron_scheduler=warn,{filter}");
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    let colour = io::IsTerminal::is_terminal(&io::stderr());
    let outlet = || STDERR.clone();
    let started = match format {
        LogFormat::Text => builder.with_ansi(colour).with_writer(Lines::new(format, colour, outlet)).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_writer(Lines::new(format, false, outlet)).try_init(),
    };
    // Fails only when logging was started before, as it is by the second of two services in one process.
    drop(started);
    // The standard hook writes to standard error itself and waits for its reader.
    std::panic::set_hook(Box::new(|panic| {
        if tracing::enabled!(tracing::Level::ERROR) {
            tracing::error!("a panic: {panic}");
        } else {
            say(&panic.to_string());
        }
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            say(&trace.to_string());
        }
    }));
}

/// Checks what is to be logged: levels, for everything or for a module, separated by commas. A word that is neither would
/// be taken for the name of a module, and silence everything else.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check_filter(filter: &str) -> Result<String, String> {
    // Nothing at all is an error level to the parser, and most probably a slip to whoever wrote it.
    let is_level = |text: &str| !text.is_empty() && text.parse::<LevelFilter>().is_ok();
    let is_directive = |text: &str| match text.rsplit_once('=') {
        Some((module, level)) => !module.trim().is_empty() && is_level(level.trim()),
        None => is_level(text),
    };
    // The filter itself takes no blanks.
    let filter = filter.split(',').map(str::trim).collect::<Vec<_>>().join(",");
    let good = filter.split(',').all(is_directive) && EnvFilter::try_new(&filter).is_ok();
    let problem = "must be error, warn, info, debug, trace or off, or MODULE=LEVEL, with commas between them";
    if good { Ok(filter) } else { Err(problem.to_owned()) }
}

/// Says something on standard error that is no line of the log, and does not wait for its reader either.
pub fn say(text: &str) {
    STDERR.push(format!("{text}\n").as_bytes());
}

/// Waits until all lines were written, for a short time: to be called when the process ends.
pub fn finish() {
    STDERR.finish(FINISH_WITHIN);
}

/// How many lines could not be written so far.
#[must_use]
pub fn lost() -> u64 {
    STDERR.lost()
}

/// Makes one line of whatever is logged at once, and gives it to the next writer.
#[derive(Debug, Clone)]
pub struct Lines<M> {
    format: LogFormat,
    colour: bool,
    next: M,
}

impl<M> Lines<M> {
    /// Lines of this form, with colours or without, for this writer.
    pub const fn new(format: LogFormat, colour: bool, next: M) -> Self {
        Self { format, colour, next }
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Lines<M> {
    type Writer = Line<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { format: self.format, colour: self.colour, next: self.next.make_writer() }
    }
}

/// The writer of one happening, which comes in one piece.
#[derive(Debug)]
pub struct Line<W> {
    format: LogFormat,
    colour: bool,
    next: W,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, happening: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(happening);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let line = match self.format {
            LogFormat::Text => cut(&escaped(text, self.colour), MAX_LINE_BYTES - 1).into_owned(),
            // Control characters are escaped there already.
            LogFormat::Json => shortened(text),
        };
        self.next.write_all((line + "\n").as_bytes())?;
        Ok(happening.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.next.flush()
    }
}

/// The text with control characters written as `\n` or `\u{7f}`. Where there is colour, only what sets a colour stays.
fn escaped(text: &str, colour: bool) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(char::is_control) {
        escaped.push_str(&rest[..at]);
        rest = &rest[at..];
        let kept = if colour { colour_at(rest) } else { 0 };
        escaped.push_str(&rest[..kept]);
        rest = &rest[kept..];
        let mut characters = rest.chars();
        if kept == 0
            && let Some(control) = characters.next()
        {
            escaped.extend(control.escape_default());
            rest = characters.as_str();
        }
    }
    escaped.push_str(rest);
    escaped.into()
}

/// The length of the sequence that sets a colour, if the text begins with one: `ESC [ 1 ; 31 m`.
fn colour_at(text: &str) -> usize {
    let Some(sequence) = text.strip_prefix("\x1b[") else { return 0 };
    let end = sequence.find(|character: char| !character.is_ascii_digit() && character != ';');
    end.filter(|end| sequence[*end..].starts_with('m')).map_or(0, |end| "\x1b[".len() + end + "m".len())
}

/// At most so many bytes of a text, and a sign if that is not all.
fn cut(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return text.into();
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(CUT.len()));
    format!("{}{CUT}", &text[..end]).into()
}

/// A JSON object that is too long, with its texts cut, and without what is still too much.
fn shortened(line: &str) -> String {
    if line.len() < MAX_LINE_BYTES {
        return line.to_owned();
    }
    let Ok(Value::Object(mut members)) = serde_json::from_str(line) else {
        return cut(line, MAX_LINE_BYTES - 1).into_owned();
    };
    members.values_mut().for_each(shorten);
    let shorter = Value::Object(members.clone()).to_string();
    if shorter.len() < MAX_LINE_BYTES {
        return shorter;
    }
    let kept: Map<String, Value> =
        members.into_iter().filter(|(name, _)| matches!(&**name, "timestamp" | "level" | "message")).collect();
    Value::Object(kept).to_string()
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => *text = cut(text, SHORT_BYTES).into_owned(),
        Value::Array(list) => list.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What is logged by `happen` in this form.
    fn logged(format: LogFormat, colour: bool, happen: impl FnOnce()) -> String {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let lines = Lines::new(format, colour, move || Sink(Arc::clone(&sink)));
        let builder = tracing_subscriber::fmt().with_target(false).with_ansi(colour);
        match format {
            LogFormat::Text => tracing::subscriber::with_default(builder.with_writer(lines).finish(), happen),
            LogFormat::Json => {
                let builder = builder.json().flatten_event(true);
                tracing::subscriber::with_default(builder.with_writer(lines).finish(), happen);
            }
        }
        let written = written.lock().expect("nobody panicked").clone();
        String::from_utf8(written).expect("a log is text")
    }

    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panicked").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What somebody may put into a name to forge a line, or to paint over one.
    const EVIL: &str = "a\nERROR forged\r\t\x00\x07\x1b[2J\u{9b}31m\u{7f}b";

    #[test]
    fn l2_what_was_sent_forges_no_line_and_no_colour() {
        let happen = || {
            tracing::info!(quoted = EVIL, plain = %EVIL, "it came");
            tracing::info!("{EVIL}");
        };
        let log = logged(LogFormat::Text, false, happen);
        assert_eq!(log.lines().count(), 2, "{log}");
        let body = log.replace('\n', "");
        assert!(!body.contains(char::is_control), "{log:?}");
        assert!(log.contains("\\nERROR forged"), "what it was can still be read: {log}");
        // On a terminal our own colours are kept, and nothing that moves or clears.
        let log = logged(LogFormat::Text, true, happen);
        assert_eq!(log.lines().count(), 2, "{log}");
        assert!(log.contains("\x1b[32m") && !log.contains("\x1b[2J"), "{log:?}");
        let json = logged(LogFormat::Json, false, happen);
        assert_eq!(json.lines().count(), 2, "{json}");
        assert!(!json.replace('\n', "").contains('\x1b'), "{json:?}");
    }

    #[test]
    fn l2_a_line_holds_at_most_four_kibibytes_and_is_still_whole_characters_and_json() {
        let long = "é".repeat(MAX_LINE_BYTES);
        let happen = || {
            tracing::info!(long, "a long value");
            tracing::info!("{long}");
        };
        for format in [LogFormat::Text, LogFormat::Json] {
            let log = logged(format, false, happen);
            assert_eq!(log.lines().count(), 2, "{log}");
            for line in log.lines() {
                assert!(line.len() < MAX_LINE_BYTES && line.contains(CUT), "{} bytes: {line}", line.len());
            }
        }
        let many: Vec<String> = (0..100).map(|number| format!("{number}{long}")).collect();
        let log = logged(LogFormat::Json, false, || {
            tracing::info!(long, more = long, "a long value, \"quoted\"");
            let [a, b, c, d, e, f, g, h, i, j, ..] = &*many else { return };
            tracing::info!(a, b, c, d, e, f, g, h, i, j, k = a, l = b, m = c, n = d, o = e, p = f, "many");
        });
        let [first, second] = &*log.lines().collect::<Vec<_>>() else { panic!("{log}") };
        let first: Value = serde_json::from_str(first).expect("JSON");
        assert_eq!(first["message"], "a long value, \"quoted\"");
        assert!(first["more"].as_str().is_some_and(|more| more.len() <= SHORT_BYTES), "{first}");
        assert!(second.len() < MAX_LINE_BYTES, "{}", second.len());
        let second: Value = serde_json::from_str(second).expect("JSON");
        assert_eq!((&second["message"], &second["level"]), (&"many".into(), &"INFO".into()));
    }

    #[test]
    fn what_is_to_be_logged_is_a_level_or_a_level_for_a_module() {
        for good in ["info", "WARN", "off", "debug,hyper=warn", "shoptalk::shared::journal=debug", "info, a=trace"] {
            assert!(check_filter(good).is_ok(), "{good}");
        }
        for bad in ["loud", "", "info,loud", "info,", "shoptalk=loud", "=info", "shoptalk", "info;debug"] {
            assert!(check_filter(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn l2_times_are_utc() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let log = logged(format, false, || tracing::info!("now"));
            let at = log.trim_start_matches("{\"timestamp\":\"").split([' ', '"']).next().unwrap_or_default();
            let at = chrono::DateTime::parse_from_rfc3339(at).expect("a time");
            assert_eq!(at.offset().local_minus_utc(), 0, "{log}");
            assert!((chrono::Utc::now() - at.to_utc()).num_seconds().abs() < 60, "{log}");
            assert!(log.contains('Z'), "{log}");
        }
    }
}
