//! `shoptalk replay`: workers try again what they gave up, or look at one event again.

use tokio::sync::mpsc;

use super::{CommandRunner, Line, refuse, say};

impl CommandRunner {
    pub(super) async fn replay(
        &self,
        event: Option<i64>,
        since_ms: Option<i64>,
        lines: &mpsc::Sender<Line>,
    ) -> anyhow::Result<bool> {
        let count = match (event, since_ms) {
            (Some(seq), _) => self.journal.replay_event(seq).await?,
            (None, Some(since_ms)) => self.journal.replay_since(since_ms).await?,
            (None, None) => self.journal.replay_given_up().await?,
        };
        if event.is_some() && count == 0 {
            return refuse(lines, "there is no such event, or it is set apart".to_owned()).await;
        }
        say(lines, format!("{count} handed to the consumers again")).await;
        Ok(true)
    }
}
