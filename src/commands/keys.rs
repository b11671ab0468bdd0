//! `shoptalk keys rotate`: the master key is changed, and the caller hears what became of the sealed values.

use tokio::sync::mpsc;

use super::rotate_keys::Outcome;
use super::{CommandRunner, Line, say};

impl CommandRunner {
    pub(super) async fn rotate_keys(&self, lines: &mpsc::Sender<Line>) -> anyhow::Result<bool> {
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
}
