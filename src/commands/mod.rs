//! Commands that change something, carried out inside the process that owns the data: by the running service, asked over
//! a local socket in the data folder, or by the command itself where no service runs.
//!
//! On the socket each side writes JSON, one object a line: the command, then lines until [`Line::End`].

pub mod rotate_keys;

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use self::rotate_keys::{Outcome, Rotation};
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::channel::reader::Reader;
use crate::shared::journal::Journal;
use crate::shared::store::{Connection, Connections, Status};
use crate::shared::under_way::{Progress, Step};
use crate::workers::conversations::Conversations;
use crate::workers::reads::Refresh;

/// The name of the socket in the data folder.
const SOCKET: &str = "shoptalk.sock";

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// The longest command line that is read from the socket.
const MAX_COMMAND_BYTES: u64 = 4096;

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Poll now: all accounts, those of one channel, or one account.
    Sync {
        /// Only this channel.
        channel: Option<String>,
        /// Only this account.
        account: Option<String>,
    },
    /// Write all files anew from what is stored.
    Rebuild {
        /// Only this account.
        account: Option<String>,
    },
    /// Hand what was parked, or one event, to the consumers again.
    Replay {
        /// Only this event; without it, everything parked.
        event: Option<i64>,
    },
    /// Change the master key and seal everything anew.
    RotateKeys,
}

/// What is told about a command under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// How far a read has come.
    Progress(Step),
    /// An account is done.
    Done {
        /// The channel.
        channel: String,
        /// The account.
        account: String,
    },
    /// An account could not be read now.
    Failed {
        /// The channel.
        channel: String,
        /// The account.
        account: String,
        /// Why, in words.
        reason: String,
    },
    /// Something for people.
    Said {
        /// The sentence.
        text: String,
    },
    /// Nothing more comes.
    End {
        /// Whether everything went well.
        good: bool,
    },
}

/// What carrying out commands needs. Cheap to clone.
#[derive(Clone)]
pub struct CommandRunner {
    /// The journal.
    pub journal: Journal,
    /// The connected accounts.
    pub connections: Connections,
    /// The reads under way.
    pub progress: Progress,
    /// Who reads.
    pub refresh: Refresh,
    /// Who writes conversation files.
    pub conversations: Arc<Conversations>,
    /// Who writes the other documents.
    pub readers: Arc<HashMap<&'static str, Arc<dyn Reader>>>,
    /// Who changes the master key.
    pub rotation: Rotation,
}

impl CommandRunner {
    /// Carries out a command and tells about it. A listener that is gone does not stop it.
    pub async fn carry_out(&self, command: Command, lines: &mpsc::Sender<Line>) {
        let result = match command {
            Command::Sync { channel, account } => self.sync(channel, account, lines).await,
            Command::Rebuild { account } => self.rebuild(account, lines).await,
            Command::Replay { event } => self.replay(event, lines).await,
            Command::RotateKeys => self.rotate_keys(lines).await,
        };
        let good = match result {
            Ok(good) => good,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "a command failed");
                say(lines, format!("failed: {error:#}")).await;
                false
            }
        };
        let _ = lines.send(Line::End { good }).await;
    }

    async fn chosen(&self, channel: Option<String>, account: Option<String>) -> anyhow::Result<Vec<Connection>> {
        let mut chosen = self.connections.list().await?;
        chosen.retain(|connection| {
            channel.as_ref().is_none_or(|channel| connection.channel == *channel)
                && account.as_ref().is_none_or(|account| connection.account == *account)
        });
        Ok(chosen)
    }

    async fn sync(
        &self,
        channel: Option<String>,
        account: Option<String>,
        lines: &mpsc::Sender<Line>,
    ) -> anyhow::Result<bool> {
        let named = account.is_some();
        let mut waiting = self.chosen(channel, account).await?;
        if waiting.is_empty() {
            let text = if named { "this account is not connected" } else { "no account is connected yet" };
            say(lines, text.to_owned()).await;
            return Ok(!named);
        }
        let now_ms = self.journal.clock().now_ms();
        for connection in &waiting {
            self.journal
                .request_read(&connection.channel, &connection.account, ReadRequest::Everything, now_ms)
                .await?;
        }
        let mut good = true;
        while !waiting.is_empty() {
            tokio::time::sleep(TELL_EVERY).await;
            for step in self.progress.list() {
                let _ = lines.send(Line::Progress(step)).await;
            }
            let mut still = Vec::new();
            for connection in waiting {
                let Connection { channel, account, .. } = connection.clone();
                match self.outcome(&channel, &account).await? {
                    None => still.push(connection),
                    Some(Ok(())) => drop(lines.send(Line::Done { channel, account }).await),
                    Some(Err(reason)) => {
                        good = false;
                        let _ = lines.send(Line::Failed { channel, account, reason }).await;
                    }
                }
            }
            waiting = still;
        }
        Ok(good)
    }

    /// What became of the request to read an account: `None` while it is still being worked on.
    async fn outcome(&self, channel: &str, account: &str) -> anyhow::Result<Option<Result<(), String>>> {
        let row = self.journal.find_request(&(channel.to_owned(), account.to_owned()), "").await?;
        match row {
            Some(Some(reason)) if !self.refresh.is_busy(channel, account) => {
                Ok(Some(Err(format!("{reason}; it is tried again by itself"))))
            }
            Some(_) => Ok(None),
            None => Ok(Some(match self.connections.find(channel, account).await? {
                Some(connection) if connection.status == Status::NeedsReconnect => {
                    Err(connection.status_reason.unwrap_or_else(|| "the merchant has to log in again".to_owned()))
                }
                _ => Ok(()),
            })),
        }
    }

    async fn rebuild(&self, account: Option<String>, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        let written = self.conversations.rebuild(account.clone()).await?;
        let mut good = true;
        for connection in self.chosen(None, account).await? {
            let Some(reader) = self.readers.get(connection.channel.as_str()) else { continue };
            if let Err(error) = reader.write_documents(&connection.account).await {
                good = false;
                let (channel, account) = (connection.channel, connection.account);
                let _ = lines.send(Line::Failed { channel, account, reason: error.to_string() }).await;
            }
        }
        say(lines, format!("{written} conversations and the documents of all chosen accounts are written")).await;
        Ok(good)
    }

    async fn rotate_keys(&self, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        let Outcome { resealed, dropped } = self.rotation.rotate().await?;
        say(lines, format!("{} values are sealed with the new master key", resealed.done)).await;
        if resealed.unreadable > 0 {
            say(
                lines,
                format!(
                    "{} values cannot be opened with any key; their accounts must be connected again",
                    resealed.unreadable
                ),
            )
            .await;
        }
        let text = match dropped {
            true => {
                "the old key is gone: backups made before now need the key file of their time, backups from now on the new one"
            }
            false => "the old key is kept; see the log for what still needs it",
        };
        say(lines, text.to_owned()).await;
        Ok(resealed.unreadable == 0)
    }

    async fn replay(&self, event: Option<i64>, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        let count = match event {
            Some(seq) => self.journal.replay_event(seq).await?,
            None => self.journal.replay_given_up().await?,
        };
        let text = match (event, count) {
            (Some(_), 0) => "there is no such event, or it is set apart".to_owned(),
            _ => format!("{count} handed to the consumers again"),
        };
        say(lines, text).await;
        Ok(event.is_none() || count > 0)
    }
}

async fn say(lines: &mpsc::Sender<Line>, text: String) {
    let _ = lines.send(Line::Said { text }).await;
}

/// The socket of a data folder.
#[must_use]
pub fn socket_path(data_folder: &Path) -> PathBuf {
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
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let runner = runner.clone();
                tokio::spawn(async move {
                    if let Err(error) = answer_one(stream, runner).await {
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

async fn answer_one(stream: UnixStream, runner: CommandRunner) -> anyhow::Result<()> {
    use tokio::io::AsyncReadExt;
    let (reader, mut writer) = stream.into_split();
    let mut text = String::new();
    BufReader::new(reader.take(MAX_COMMAND_BYTES)).read_line(&mut text).await?;
    let command: Command = serde_json::from_str(&text).context("the command is not understood")?;
    let (sender, mut lines) = mpsc::channel(64);
    let work = tokio::spawn(async move { runner.carry_out(command, &sender).await });
    while let Some(line) = lines.recv().await {
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
        let _ = lines.send(line).await;
        if end {
            return Ok(Some(()));
        }
    }
    anyhow::bail!("the service stopped before the command was done")
}
