//! The copy of what was sent in the conversation's file: where the platform shows it, it is waited for and then looked for;
//! where it does not, it is ours to make.

use std::sync::atomic::Ordering;

use super::{ECHOES_EVERY_MS, Outbox};
use crate::shared::channel::dialogue::{Dialogue, Part, Recipient, Sent};
use crate::shared::journal::{Conversation, Event, JournalError};
use crate::shared::store::Uncopied;

impl Outbox {
    /// Puts our own copy of a part that was just sent into the journal, where the platform shows none. A failure costs time
    /// only: what is missing is filed with the next look.
    pub(super) async fn file_copy(&self, dialogue: &dyn Dialogue, to: Recipient<'_>, part: &Part, sent: &Sent) {
        let Some(event) = dialogue.own_copy(to, part, sent, self.now_ms()).await else { return };
        if let Err(error) = self.0.answering.shared.journal.append(vec![event]).await {
            tracing::warn!(%error, "the copy of a message could not be stored; it is tried again");
        }
    }

    /// Puts the copies into the journal that a kill or a full disk kept out of it, and those of parts that a receipt proved
    /// to be sent.
    async fn file_missing_copies(&self, channels: Vec<&'static str>, now_ms: i64) -> Result<(), JournalError> {
        let journal = &self.0.answering.shared.journal;
        // The copy of what was sent a moment ago is on its way.
        let parts = journal.list_uncopied(channels, now_ms - ECHOES_EVERY_MS, true).await?;
        let (mut events, mut done) = (Vec::new(), Vec::new());
        for part in &parts {
            let copy = self.copy_of(part).await;
            // What was erased has no copy; what the channel cannot write yet is tried again.
            if copy.is_some() || part.content.is_none() {
                done.push((part.message, part.n));
            }
            events.extend(copy);
        }
        journal.append(events).await?;
        journal.set_copied(done).await
    }

    async fn copy_of(&self, part: &Uncopied) -> Option<Event> {
        let dialogue = self.0.answering.dialogue(&part.to.channel)?;
        let to = Recipient { account: &part.to.account, person: &part.to.person };
        let sent = Sent { platform_id: part.platform_id.clone()?, ..Sent::default() };
        dialogue.own_copy(to, part.content.as_ref()?, &sent, part.sent_at).await
    }

    /// Reads conversations again in which the copy of something that was sent did not come.
    pub(super) async fn look_for_echoes(&self) -> Result<(), JournalError> {
        let now_ms = self.now_ms();
        if now_ms < self.0.next_echoes.load(Ordering::Acquire) {
            return Ok(());
        }
        self.0.next_echoes.store(now_ms + ECHOES_EVERY_MS, Ordering::Release);
        let answering = &self.0.answering;
        let (with_echo, without): (Vec<_>, Vec<_>) =
            answering.dialogues.iter().partition(|(_, dialogue)| dialogue.profile().has_echo);
        let names = |dialogues: Vec<(&&'static str, _)>| dialogues.into_iter().map(|(channel, _)| *channel).collect();
        self.file_missing_copies(names(without), now_ms).await?;
        let before = now_ms - answering.settings.echo_after_ms();
        let with_echo: Vec<&'static str> = names(with_echo);
        for (of, quoted) in answering.shared.journal.take_sent_without_echo(with_echo, before).await? {
            let outbox = self.clone();
            self.0.tasks.spawn(async move { outbox.read_again(&of, &quoted).await });
        }
        Ok(())
    }

    async fn read_again(&self, of: &Conversation, quoted: &[String]) {
        let answering = &self.0.answering;
        let Some(dialogue) = answering.dialogue(&of.channel) else { return };
        let (channel, account) = (&of.channel, &of.account);
        tracing::info!(channel, account, "the copy of a message did not come; the conversation is read again");
        let to = Recipient { account: &of.account, person: &of.person };
        match dialogue.read_newest(to, quoted).await {
            Ok(events) => {
                if let Err(error) = answering.shared.journal.append(events).await {
                    tracing::warn!(%error, channel, account, "what was read again could not be stored; the next poll brings it");
                }
            }
            Err(error) => {
                tracing::warn!(%error, channel, account, "a conversation could not be read again; a poll will")
            }
        }
    }
}
