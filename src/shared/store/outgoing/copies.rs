//! Copies of what was sent: those that a platform shows, and those that are ours to make.

use rusqlite::params;

use crate::shared::channel::dialogue::Part;
use crate::shared::journal::{Conversation, Journal, JournalError};

/// A part that was sent and whose copy does not stand in the journal.
#[derive(Debug, Clone)]
pub struct Uncopied {
    /// The number of its message.
    pub message: i64,
    /// Which part of it.
    pub n: i64,
    /// To whom it went.
    pub to: Conversation,
    /// What was in it; `None`: it was erased.
    pub content: Option<Part>,
    /// The platform's id.
    pub platform_id: Option<String>,
    /// When it was sent, in milliseconds since 1970.
    pub sent_at: i64,
}

impl Journal {
    /// Parts of these channels that were sent before this time, whose copy has not come: their conversations, each once, with
    /// what the parts quote, by the platform's ids. The parts are not given again.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn take_sent_without_echo(
        &self,
        channels: Vec<&'static str>,
        before: i64,
    ) -> Result<Vec<(Conversation, Vec<String>)>, JournalError> {
        let parts = self.list_uncopied(channels, before, false).await?;
        let mut found: Vec<(Conversation, Vec<String>)> = Vec::new();
        for part in &parts {
            let quoted = part.content.as_ref().and_then(|content| content.reply_to.clone());
            match found.iter_mut().find(|(of, _)| *of == part.to) {
                Some((_, known)) => known.extend(quoted),
                None => found.push((part.to.clone(), quoted.into_iter().collect())),
            }
        }
        self.set_copied(parts.iter().map(|part| (part.message, part.n)).collect()).await?;
        Ok(found)
    }

    /// Parts of these channels that were sent at or before this time, whose copy does not stand in the journal: at most
    /// 100. `with_id`: only those of which the platform's id is known.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_uncopied(
        &self,
        channels: Vec<&'static str>,
        before: i64,
        with_id: bool,
    ) -> Result<Vec<Uncopied>, JournalError> {
        if channels.is_empty() {
            return Ok(Vec::new());
        }
        let channels = serde_json::json!(channels).to_string();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT p.message, p.n, o.channel, o.account, o.conversation, p.content, p.platform_id, p.sent_at
                     FROM outgoing_parts AS p JOIN outgoing AS o ON o.number = p.message
                     WHERE p.state IN ('sent', 'delivered', 'read') AND NOT p.echoed AND p.sent_at <= ?1
                       AND o.channel IN (SELECT value FROM json_each(?2)) AND (NOT ?3 OR p.platform_id IS NOT NULL)
                     ORDER BY p.message, p.n LIMIT 100",
                )?
                .query_map(params![before, channels, with_id], |row| {
                    let content: Option<String> = row.get(5)?;
                    Ok(Uncopied {
                        message: row.get(0)?,
                        n: row.get(1)?,
                        to: Conversation { channel: row.get(2)?, account: row.get(3)?, person: row.get(4)? },
                        content: content.and_then(|content| serde_json::from_str(&content).ok()),
                        platform_id: row.get(6)?,
                        sent_at: row.get(7)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// The copies of these parts (message and number) stand in the journal, or are not to be looked for any more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn set_copied(&self, parts: Vec<(i64, i64)>) -> Result<(), JournalError> {
        if parts.is_empty() {
            return Ok(());
        }
        self.write(move |connection| {
            let mut set =
                connection.prepare_cached("UPDATE outgoing_parts SET echoed = 1 WHERE message = ?1 AND n = ?2")?;
            parts.iter().try_for_each(|(message, n)| set.execute([message, n]).map(drop))
        })
        .await
    }

    /// When the last part was sent to this person, if it was not delivered, read or refused since; in milliseconds since
    /// 1970.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_undelivered(&self, to: &Conversation) -> Result<Option<i64>, JournalError> {
        let to = to.clone();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT max(p.sent_at) FROM outgoing AS o JOIN outgoing_parts AS p ON p.message = o.number
                     WHERE o.channel = ?1 AND o.account = ?2 AND o.conversation = ?3 AND p.state = 'sent'
                       AND o.number >= (SELECT coalesce(max(number), 0) - 50 FROM outgoing
                                        WHERE channel = ?1 AND account = ?2 AND conversation = ?3)",
                )?
                .query_row([&to.channel, &to.account, &to.person], |row| row.get(0))
        })
        .await
    }

    /// How many messages that did not fail were accepted for this person since this time, and since they last said
    /// something.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn count_without_reply(&self, to: &Conversation, since: i64) -> Result<u32, JournalError> {
        let to = to.clone();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT count(*) FROM outgoing
                     WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND created_at > ?4
                       AND created_at > coalesce((SELECT said_at FROM conversation_states
                                                  WHERE channel = ?1 AND account = ?2 AND conversation = ?3), 0)
                       AND NOT EXISTS (SELECT 1 FROM outgoing_parts WHERE message = number AND state = 'failed')",
                )?
                .query_row(params![to.channel, to.account, to.person, since], |row| row.get(0))
        })
        .await
    }
}
