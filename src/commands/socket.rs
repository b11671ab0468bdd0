//! The local socket in the data folder, over which a command reaches the process that owns the data.
//!
//! Each side writes JSON, one object a line: the command, then lines until [`Line::End`].

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Command, CommandRunner, Line};

/// The name of the socket in the data folder.
const SOCKET: &str = "shoptalk.sock";

/// The longest command line that is read from the socket: the longest message to a person fits, with every character
/// escaped, and as many questions as one file may have.
const MAX_COMMAND_BYTES: u64 = 1024 * 1024;

/// The socket of a data folder.
#[must_use]
pub fn path_in(data_folder: &Path) -> PathBuf {
    data_folder.join(SOCKET)
}

/// Opens the socket (mode 0600) for the process that holds the data folder. A socket left behind by a killed process is
/// replaced: the lock has shown that nobody listens there.
///
/// # Errors
/// When it cannot be made, for example because the folder's path is longer than a socket's path may be.
pub fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers commands on the socket until it is dropped.
pub async fn answer(listener: UnixListener, runner: CommandRunner) {
    let is_over = CancellationToken::new();
    // What is under way is brought to its end all the same, except for a command that has none.
    let _ends = is_over.clone().drop_guard();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (runner, is_over) = (runner.clone(), is_over.clone());
                tokio::spawn(async move {
                    if let Err(error) = answer_one(stream, runner, is_over).await {
                        tracing::warn!(error = format!("{error:#}"), "a command could not be answered");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the local socket does not accept");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer_one(stream: UnixStream, runner: CommandRunner, is_over: CancellationToken) -> anyhow::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader.take(MAX_COMMAND_BYTES));
    let mut text = String::new();
    if reader.read_line(&mut text).await? == 0 {
        // The doctor only looks whether somebody listens here.
        return Ok(());
    }
    let command: Command = serde_json::from_str(&text).context("the command is not understood")?;
    let is_endless = matches!(command, Command::Tail(_));
    let (sender, mut lines) = mpsc::channel(64);
    let work = tokio::spawn(async move { runner.carry_out(command, &sender).await });
    loop {
        // While nothing is told, only this shows that whoever asked for it went away.
        let line = tokio::select! {
            line = lines.recv() => line,
            _ = reader.read_u8(), if is_endless => None,
            () = is_over.cancelled(), if is_endless => None,
        };
        let Some(line) = line else { break };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        if writer.write_all(text.as_bytes()).await.is_err() {
            // Whoever asked went away; the work goes on.
            break;
        }
    }
    drop(lines);
    work.await?;
    Ok(())
}

/// Hands a command to the service that runs on this data folder; `None` if none does.
///
/// # Errors
/// When the service breaks off.
pub async fn ask(socket: &Path, command: &Command, lines: &mpsc::Sender<Line>) -> anyhow::Result<Option<()>> {
    let Ok(stream) = UnixStream::connect(socket).await else { return Ok(None) };
    let (reader, mut writer) = stream.into_split();
    let mut text = serde_json::to_string(command)?;
    text.push('\n');
    writer.write_all(text.as_bytes()).await?;
    let mut answers = BufReader::new(reader).lines();
    while let Some(text) = answers.next_line().await? {
        let line: Line = serde_json::from_str(&text).context("the service answers in another version's words")?;
        let end = matches!(line, Line::End { .. });
        if lines.send(line).await.is_err() || end {
            return Ok(Some(()));
        }
    }
    anyhow::bail!("the service stopped before the command was done")
}
