//! What is told on standard output: whoever does not read it holds nothing up.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::LazyLock;
use std::time::Duration;

use crate::shared::telemetry::outlet::Outlet;

/// How long the end of the demo waits until its story is told.
const TELL_WITHIN: Duration = Duration::from_secs(5);

/// Standard output. Who does not read it holds nothing up.
static STDOUT: LazyLock<Outlet> = LazyLock::new(|| match io::stdout().as_fd().try_clone_to_owned() {
    Ok(stdout) => Outlet::start(File::from(stdout), drop),
    Err(_) => Outlet::start(io::sink(), drop),
});

/// Tells a line.
pub fn say(line: &str) {
    STDOUT.push(format!("{line}\n").as_bytes());
}

/// Waits until everything was told.
///
/// # Errors
/// When it could not be written.
pub async fn finish_telling() -> anyhow::Result<()> {
    tokio::task::spawn_blocking(|| STDOUT.finish(TELL_WITHIN)).await?;
    match STDOUT.error() {
        // An audience that has seen enough is no failure.
        None | Some(io::ErrorKind::BrokenPipe) => Ok(()),
        Some(error) => anyhow::bail!("the output could not be written: {error}"),
    }
}
