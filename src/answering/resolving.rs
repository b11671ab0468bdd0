//! A person says what became of a message that nobody could find out about.

use uuid::Uuid;

use super::Answering;
use crate::shared::channel::dialogue::{Part, PartContent};
use crate::shared::store::Outgoing;

impl Answering {
    /// A person says whether parts of a message were sent of which nobody knows. What is sent after all has a new life, and no
    /// longer one than it would be accepted with now. Gives the message as it is then, and whether there was something to decide.
    ///
    /// # Errors
    /// When a database fails.
    pub async fn resolve(
        &self,
        merchant: Uuid,
        message: &Outgoing,
        was_sent: bool,
    ) -> anyhow::Result<Option<(Outgoing, bool)>> {
        let ends_at = self.ends_at(message).await?;
        Ok(self.shared.journal.resolve_outgoing(&merchant.to_string(), &message.id, was_sent, ends_at).await?)
    }

    /// When nothing of a message can be sent any more, in milliseconds since 1970: the platform takes it no longer, or finds no
    /// medium at its address. `None`: no end is known.
    async fn ends_at(&self, message: &Outgoing) -> anyhow::Result<Option<i64>> {
        let of = &message.conversation;
        let contents: Vec<&PartContent> =
            message.parts.iter().filter_map(|part| part.content.as_ref()).map(|Part { content, .. }| content).collect();
        let is_template = contents.iter().any(|content| matches!(content, PartContent::Template { .. }));
        let mut ends_at = match self.shared.connections.find(&of.channel, &of.account).await? {
            None => None,
            Some(connection) => {
                let standing = self.shared.journal.load_standing(of).await?;
                self.now(&connection, &standing).ends_at(message.author, is_template)
            }
        };
        for content in contents {
            if let Some(url) = content.address()
                && let Some(gone_at) = self.uploads.gone_at(url).await?
            {
                ends_at = Some(ends_at.map_or(gone_at, |at| at.min(gone_at)));
            }
        }
        Ok(ends_at)
    }
}
