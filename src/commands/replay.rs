//! `shoptalk replay`: workers try again what they gave up, or look at one event again.

use rusqlite::OptionalExtension;
use tokio::sync::mpsc;

use super::{CommandRunner, Line, say};
use crate::shared::store;

impl CommandRunner {
    pub(super) async fn replay(&self, event: Option<i64>, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
        let now_ms = self.journal.clock().now_ms();
        let count = self
            .journal
            .write(move |connection| match event {
                None => Ok(connection
                    .execute("UPDATE unfiled SET parked = 0, attempts = 0, next_at = 0 WHERE parked", [])?
                    + connection.execute(
                        "UPDATE rereads SET parked = 0, attempts = 0, reason = NULL, due_at = ?1 WHERE parked",
                        [now_ms],
                    )?),
                Some(seq) => {
                    let filed = connection.execute(
                        "INSERT INTO unfiled (channel, account, conversation, next_at)
                         SELECT channel, account, conversation, 0 FROM events
                         WHERE seq = ?1 AND conversation IS NOT NULL AND apart IS NULL
                         ON CONFLICT DO UPDATE SET parked = 0, attempts = 0, next_at = 0",
                        [seq],
                    )?;
                    let reread: Option<(String, String, String)> = connection
                        .query_row(
                            "SELECT channel, account, reread FROM events
                             WHERE seq = ?1 AND reread IS NOT NULL AND apart IS NULL",
                            [seq],
                            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                        )
                        .optional()?;
                    if let Some((channel, account, object)) = &reread {
                        store::want_reread(connection, channel, account, object, now_ms, 0)?;
                    }
                    Ok(filed + usize::from(reread.is_some()))
                }
            })
            .await?;
        let text = match (event, count) {
            (Some(_), 0) => "there is no such event, or it is set apart".to_owned(),
            _ => format!("{count} handed to the consumers again"),
        };
        say(lines, text).await;
        Ok(event.is_none() || count > 0)
    }
}
