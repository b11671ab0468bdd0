//! `shoptalk cloud status`, `backfill`, `check` and `take-over`: copies of the files in object storage.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{CommandRunner, Line, nobody, refuse, say};
use crate::shared::objects::Standing;
use crate::shared::store::{Connection, NamedAccount};
use crate::shared::under_way::Step;
use crate::workers::object_copies::{Compared, ObjectCopies, Wished};

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What is asked of the copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cloud", rename_all = "snake_case")]
pub enum CloudWanted {
    /// How they are doing.
    Status,
    /// Compare all files with their copies, and send what differs.
    Backfill {
        /// Of this account only.
        account: Option<NamedAccount>,
    },
    /// Tell what differs, and change nothing.
    Check,
    /// Make the bucket this installation's, whoever had it.
    TakeOver,
}

impl CommandRunner {
    pub(super) async fn cloud(&self, wanted: CloudWanted, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        let Some(copies) = &self.copies else {
            let text = "copies in object storage are off; SPACES_BUCKET and its keys switch them on";
            return refuse(lines, text.to_owned()).await;
        };
        match wanted {
            CloudWanted::Status => self.cloud_status(copies, lines).await,
            CloudWanted::Backfill { account } => self.cloud_backfill(copies, account, lines).await,
            CloudWanted::Check => self.cloud_check(copies, lines).await,
            CloudWanted::TakeOver => {
                let standing = copies.take_over().await?;
                say(lines, format!("state: {}", in_words(&standing))).await;
                Ok(standing == Standing::Working)
            }
        }
    }

    async fn cloud_backfill(
        &self,
        copies: &ObjectCopies,
        account: Option<NamedAccount>,
        lines: &mpsc::Sender<Line>,
    ) -> anyhow::Result<bool> {
        let is_named = account.is_some();
        let chosen = self.chosen(None, account).await?;
        if chosen.is_empty() {
            return nobody(is_named, lines).await;
        }
        look_anew(copies).await?;
        follow_backfill(copies, copies.wish(chosen).await?, lines).await
    }

    async fn cloud_status(&self, copies: &ObjectCopies, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        look_anew(copies).await?;
        copies.is_open().await?;
        let standing = copies.objects().standing();
        let counted = self.journal.count_copies().await?;
        say(lines, format!("address: {}", copies.objects().address())).await;
        say(lines, format!("state: {}", in_words(&standing))).await;
        let last = counted.last_put_at.map_or_else(String::new, |at| format!(", the last one at {}", time(at)));
        say(lines, format!("copied: {} files{last}", counted.copied)).await;
        let now_ms = self.clock.now_ms();
        let oldest =
            counted.oldest_at.map_or_else(String::new, |at| format!(", the oldest for {} s", (now_ms - at) / 1000));
        say(lines, format!("waiting: {} files{oldest}", counted.count)).await;
        Ok(matches!(standing, Standing::Working | Standing::Starting))
    }

    async fn cloud_check(&self, copies: &ObjectCopies, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        let mut differences = 0_u64;
        for connection in self.connections.list().await? {
            let Connection { channel, account, .. } = connection.clone();
            let (tell, mut told) = mpsc::channel(64);
            let listen = async {
                while let Some(compared) = told.recv().await {
                    match compared {
                        Compared::Differs(path, difference) => {
                            differences += 1;
                            say(lines, format!("{path}: {difference}")).await;
                        }
                        Compared::Progress(done, all) => {
                            let (channel, account) = (channel.clone(), account.clone());
                            let (done, known) = (done as u64, Some(all as u64));
                            let step = Step { channel, account, what: "copies".into(), done, known };
                            let _ = lines.send(Line::Progress(step)).await;
                        }
                    }
                }
            };
            let (checked, ()) = tokio::join!(copies.check(connection.clone(), tell), listen);
            checked?;
            let _ = lines.send(Line::Done { channel, account }).await;
        }
        for prefix in copies.list_nobodys().await? {
            differences += 1;
            say(lines, format!("{prefix}: copies of an account that is not connected")).await;
        }
        Ok(differences == 0)
    }
}

/// Somebody who asks has perhaps mended what the copies were stopped for, and does not wait for the next look.
async fn look_anew(copies: &ObjectCopies) -> anyhow::Result<()> {
    if matches!(copies.objects().standing(), Standing::Stopped { .. }) {
        copies.look_again().await?;
    }
    Ok(())
}

async fn follow_backfill(
    copies: &ObjectCopies,
    mut left: Vec<Wished>,
    lines: &mpsc::Sender<Line>,
) -> anyhow::Result<bool> {
    while !left.is_empty() {
        tokio::time::sleep(TELL_EVERY).await;
        let mut still = Vec::new();
        for wished in left {
            let in_line = copies.count_in_line(&wished).await?;
            let Connection { channel, account, .. } = wished.connection.clone();
            if in_line == 0 {
                let _ = lines.send(Line::Done { channel, account }).await;
                continue;
            }
            let (done, known) = (wished.count.saturating_sub(in_line), Some(wished.count));
            let step = Step { channel, account, what: "copies".into(), done, known };
            let _ = lines.send(Line::Progress(step)).await;
            still.push(wished);
        }
        left = still;
        if let standing @ Standing::Stopped { .. } = copies.objects().standing() {
            let text = format!("{}; the rest goes on when that is mended", in_words(&standing));
            return refuse(lines, text).await;
        }
    }
    Ok(true)
}

fn in_words(standing: &Standing) -> String {
    match standing {
        Standing::Starting => "starting".to_owned(),
        Standing::Working => "working".to_owned(),
        Standing::Pausing { until, why } => format!("pausing until {}: {why}", time(*until)),
        Standing::Stopped { why, until } => {
            format!("stopped: {}. {}. It is tried again at {}", why.cause(), why.fix(), time(*until))
        }
    }
}

fn time(at_ms: i64) -> String {
    DateTime::from_timestamp_millis(at_ms).map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}
