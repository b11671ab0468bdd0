//! `shoptalk sync`: accounts are read now, and the caller hears how far each read has come.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{CommandRunner, Line, nobody, refuse};
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::store::{Connection, NamedAccount, Status};
use crate::shared::under_way::Step;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

impl CommandRunner {
    pub(super) async fn sync(
        &self,
        channel: Option<String>,
        account: Option<NamedAccount>,
        lines: &mpsc::Sender<Line>,
    ) -> anyhow::Result<bool> {
        if let Some(NamedAccount { channel: Some(of), id }) = &account
            && channel.as_ref().is_some_and(|channel| channel != of)
        {
            return refuse(lines, format!("{of}/{id} is an account of another platform")).await;
        }
        let is_named = account.is_some();
        let mut waiting = self.chosen(channel, account).await?;
        if waiting.is_empty() {
            return nobody(is_named, lines).await;
        }
        let mut good = true;
        // What is connected, but whose platform is not configured any more, nobody reads.
        let (configured, others): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|connection| self.readers.contains_key(connection.channel.as_str()));
        waiting = configured;
        for Connection { channel, account, .. } in others {
            good = false;
            let reason = "not configured: set the platform's variables again".to_owned();
            let _ = lines.send(Line::Failed { channel, account, reason }).await;
        }
        let now_ms = self.journal.clock().now_ms();
        for connection in &waiting {
            let (channel, account) = (&connection.channel, &connection.account);
            self.journal.request_read(channel, account, ReadRequest::Everything, now_ms).await?;
        }
        while !waiting.is_empty() {
            tokio::time::sleep(TELL_EVERY).await;
            let is_waited_for =
                |step: &Step| waiting.iter().any(|one| (&one.channel, &one.account) == (&step.channel, &step.account));
            for step in self.progress.list().into_iter().filter(is_waited_for) {
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
        let row =
            self.journal.find_request(&(channel.to_owned(), account.to_owned()), &ReadRequest::Everything).await?;
        match row {
            Some(Some(reason)) if !self.refresh.is_busy(channel, account) => {
                Ok(Some(Err(format!("{reason}; it is tried again by itself"))))
            }
            Some(_) => Ok(None),
            None => Ok(Some(match self.connections.find(channel, account).await? {
                Some(connection) if connection.status == Status::NeedsReconnect => Err(connection
                    .status_reason()
                    .map_or("the merchant has to log in again".to_owned(), |reason| reason.to_string())),
                _ => Ok(()),
            })),
        }
    }
}
