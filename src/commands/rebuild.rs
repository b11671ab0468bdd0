//! `shoptalk rebuild`: all files are written anew from what is stored.

use tokio::sync::mpsc;

use super::{CommandRunner, Line, refuse, say};
use crate::shared::store::NamedAccount;

impl CommandRunner {
    pub(super) async fn rebuild(
        &self,
        account: Option<NamedAccount>,
        lines: &mpsc::Sender<Line>,
    ) -> anyhow::Result<bool> {
        let connections = self.chosen(None, account.clone()).await?;
        // One that is not connected any more may have conversations all the same.
        let id = account.as_ref().map(|named| connections.first().map_or(&named.id, |one| &one.account).clone());
        let written = self.conversations.rebuild(id).await?;
        let mut good = true;
        if account.is_some() && connections.is_empty() && written == 0 {
            return refuse(lines, "nothing is stored of this account".to_owned()).await;
        }
        for connection in connections {
            let Some(reader) = self.readers.get(connection.channel.as_str()) else {
                good = false;
                let (channel, account) = (connection.channel, connection.account);
                let reason = "not configured: its conversations are written, its other documents are not".to_owned();
                let _ = lines.send(Line::Failed { channel, account, reason }).await;
                continue;
            };
            if let Err(error) = reader.write_documents(&connection.account).await {
                good = false;
                let (channel, account) = (connection.channel, connection.account);
                let _ = lines.send(Line::Failed { channel, account, reason: error.to_string() }).await;
            }
        }
        say(lines, format!("{written} conversations and the documents of all chosen accounts are written")).await;
        Ok(good)
    }
}
