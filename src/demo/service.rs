//! The service of the demo: the same program in a process of its own, so that it can be killed as a power cut does it.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Program, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use url::Url;

use crate::app::config::DEMO_ENV_FILE;
use crate::commands::{Command, Line, socket};
use crate::shared::channel::simulator::{lock, loopback_client};

/// How long it may take to start, and to stop.
const START_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// The service, running or not.
pub struct Service {
    folder: PathBuf,
    url: Url,
    settings: Vec<(&'static str, String)>,
    child: Mutex<Option<Child>>,
    client: reqwest::Client,
}

impl Service {
    /// In this folder, at this address, with these settings and no others. Nothing runs yet.
    ///
    /// # Errors
    /// When the folder cannot be used, or belongs to a service with settings of its own.
    pub fn new(folder: &Path, url: Url, settings: Vec<(&'static str, String)>) -> anyhow::Result<Self> {
        ensure!(
            !folder.join(".env").exists(),
            "{} holds an .env, so a service of yours may live there: give the demo another folder",
            folder.display()
        );
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        let folder = std::fs::canonicalize(folder)?;
        Ok(Self { folder, url, settings, child: Mutex::default(), client: loopback_client()? })
    }

    /// Where it listens.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The address of one of its paths.
    pub fn below(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When it runs already, or does not start.
    pub async fn start(&self) -> anyhow::Result<()> {
        {
            let mut child = lock(&self.child);
            if let Some(child) = child.as_mut() {
                ensure!(child.try_wait()?.is_some(), "the service runs already");
            }
            *child = Some(self.spawn()?);
        }
        let answers = async {
            // The socket is opened by whoever holds the folder, and after the port.
            while UnixStream::connect(self.socket()).await.is_err() || !self.is_healthy().await {
                if let Some(status) = self.ended()? {
                    bail!("the service did not start: {status}");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        let started = tokio::time::timeout(START_WITHIN, answers).await.unwrap_or_else(|_| {
            Err(anyhow::anyhow!(
                "the service does not answer in {}. A path of more than about 90 characters is too long for its socket",
                self.folder.display()
            ))
        });
        started.and_then(|()| Ok(self.leave_settings()?))
    }

    /// Leaves the settings in the data folder: `shoptalk doctor` looks at a demo with them.
    fn leave_settings(&self) -> std::io::Result<()> {
        let path = self.folder.join(DEMO_ENV_FILE);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(path)?;
        self.settings.iter().try_for_each(|(name, value)| writeln!(file, "{name}='{value}'"))
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let program = std::env::current_exe().context("this program does not know where it is")?;
        let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".to_owned());
        // Its standard input ends with this process, however that ends, and the service with it.
        Program::new(program)
            .args(["serve", "--with-stdin"])
            .current_dir(&self.folder)
            .env_clear()
            .env("RUST_LOG", filter)
            .envs(self.settings.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("the service cannot be started")
    }

    fn socket(&self) -> PathBuf {
        socket::path_in(&self.folder.join("data"))
    }

    async fn is_healthy(&self) -> bool {
        self.client.get(self.below("/health")).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// How it ended, if it was started and nobody killed it.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn ended(&self) -> std::io::Result<Option<ExitStatus>> {
        lock(&self.child).as_mut().map_or(Ok(None), Child::try_wait)
    }

    /// Waits until it ends without having been killed by us.
    pub async fn has_ended(&self) -> std::io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Kills it in the middle of whatever it does.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self) -> anyhow::Result<()> {
        let mut child = lock(&self.child).take().context("the service does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Lets it bring everything to disk and end.
    pub async fn stop(&self) {
        let Some(mut child) = lock(&self.child).take() else { return };
        drop(child.stdin.take());
        let ended = async {
            while matches!(child.try_wait(), Ok(None)) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Has it carry out a command. The result is what it said, and whether all went well.
    ///
    /// # Errors
    /// When it does not run, or stops meanwhile.
    pub async fn carry_out(&self, command: Command) -> anyhow::Result<(Vec<String>, bool)> {
        let (sender, mut lines) = mpsc::channel(64);
        let socket = self.socket();
        let asking = tokio::spawn(async move { socket::ask(&socket, &command, &sender).await });
        let (mut said, mut good) = (Vec::new(), false);
        while let Some(line) = lines.recv().await {
            match line {
                Line::Said { text } | Line::Refused { text } => said.push(text),
                Line::Failed { channel, account, reason } => said.push(format!("{channel} {account}: {reason}")),
                Line::End { good: all } => good = all,
                Line::Progress(_) | Line::Done { .. } | Line::Event { .. } => {}
            }
        }
        asking.await??.context("the service does not run")?;
        Ok((said, good))
    }

    /// Listens to the events of all merchants, in JSON, until the receiver goes away or the service does.
    ///
    /// # Errors
    /// When it does not run, or stops.
    pub async fn tail(&self, command: Command, lines: mpsc::Sender<Line>) -> anyhow::Result<()> {
        socket::ask(&self.socket(), &command, &lines).await?.context("the service does not run")
    }
}
