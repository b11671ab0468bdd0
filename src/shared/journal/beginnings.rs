//! The beginnings of conversation files whose events were deleted by age: the file holds their only copy, and here stands
//! how long it is and its hash, so that the file can be continued and damage be noticed.
//!
//! Where such a beginning must change because something in it was taken back, the new one is written down first
//! (`changing_beginnings`): a kill between the file and its row then loses neither.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::conversation::Conversation;
use super::error::JournalError;
use super::handle::Journal;
use super::pruned::{Pruned, find_pruned};
use super::reader::JournalReader;

impl Pruned {
    /// A beginning of `items` events with this text.
    #[must_use]
    pub fn new(items: i64, beginning: &[u8]) -> Self {
        let bytes = i64::try_from(beginning.len()).unwrap_or(i64::MAX);
        Self { items, bytes, hash: Sha256::digest(beginning).to_vec() }
    }

    /// Whether a file begins with it.
    #[must_use]
    pub fn is_beginning_of(&self, file: &[u8]) -> bool {
        self.of(file).is_some_and(|beginning| Sha256::digest(beginning).as_slice() == self.hash)
    }

    /// That many bytes of a file.
    #[must_use]
    pub fn of<'a>(&self, file: &'a [u8]) -> Option<&'a [u8]> {
        usize::try_from(self.bytes).ok().and_then(|bytes| file.get(..bytes))
    }
}

/// A file's beginning that is no longer in the file, and what its hash was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostBeginning {
    /// The conversation.
    pub conversation: Conversation,
    /// The SHA-256 of what is lost.
    pub hash: Vec<u8>,
}

/// What is to be taken back from the beginning of a file.
#[derive(Debug, Clone)]
pub struct TakenBack {
    /// The keys of the messages.
    pub keys: Vec<Vec<u8>>,
    /// The beginning as it should stand in the file; `None`: there is none.
    pub beginning: Option<Pruned>,
    /// The beginning that was about to take its place when the process was killed.
    pub changing: Option<Pruned>,
}

impl JournalReader<'_> {
    /// The beginning of a conversation's file whose events were deleted by age.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn find_pruned(&self, conversation: &Conversation) -> Result<Option<Pruned>, JournalError> {
        Ok(find_pruned(self.connection(), conversation)?)
    }
}

impl Journal {
    /// From now on these files begin with what is left. Otherwise each would count as damaged whenever it is made.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn forget_beginnings(&self, lost: Vec<LostBeginning>) -> Result<(), JournalError> {
        self.write(move |connection| forget_beginnings(connection, &lost)).await
    }

    /// Conversations from the beginnings of whose files something is to be taken back, at most `limit` of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list_beginnings_to_change(&self, limit: i64) -> Result<Vec<Conversation>, JournalError> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT DISTINCT channel, account, conversation FROM unsent WHERE in_file LIMIT ?1")?
                .query_map([limit], Conversation::of_row)?
                .collect()
        })
        .await
    }

    /// What is to be taken back from the beginning of this conversation's file.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find_taken_back(&self, conversation: &Conversation) -> Result<TakenBack, JournalError> {
        let conversation = conversation.clone();
        self.read(move |connection| {
            let Conversation { channel, account, person } = &conversation;
            let keys = connection
                .prepare_cached(
                    "SELECT dedupe FROM unsent WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND in_file",
                )?
                .query_map([channel, account, person], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let changing = connection
                .prepare_cached(
                    "SELECT bytes, hash FROM changing_beginnings
                     WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
                )?
                .query_row([channel, account, person], |row| {
                    Ok(Pruned { items: 0, bytes: row.get(0)?, hash: row.get(1)? })
                })
                .optional()?;
            Ok(TakenBack { keys, beginning: find_pruned(connection, &conversation)?, changing })
        })
        .await
    }

    /// Writes down that the file of this conversation is about to begin with `next`.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn announce_beginning(&self, conversation: &Conversation, next: &Pruned) -> Result<(), JournalError> {
        let (conversation, next) = (conversation.clone(), next.clone());
        self.write(move |connection| {
            let Conversation { channel, account, person } = &conversation;
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO changing_beginnings (channel, account, conversation, bytes, hash)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![channel, account, person, next.bytes, next.hash])
                .map(drop)
        })
        .await
    }

    /// The messages with these keys no longer stand in the file of this conversation, which begins with `beginning` now;
    /// `None`: with what it began before.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn finish_taking_back(
        &self,
        conversation: Conversation,
        beginning: Option<Pruned>,
        keys: Vec<Vec<u8>>,
    ) -> Result<(), JournalError> {
        self.write(move |connection| {
            let Conversation { channel, account, person } = &conversation;
            if let Some(beginning) = &beginning {
                connection
                    .prepare_cached(
                        "UPDATE pruned_conversations SET bytes = ?4, hash = ?5
                         WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
                    )?
                    .execute(params![channel, account, person, beginning.bytes, beginning.hash])?;
            }
            connection
                .prepare_cached(
                    "DELETE FROM changing_beginnings WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
                )?
                .execute([channel, account, person])?;
            let mut done = connection.prepare_cached("UPDATE unsent SET in_file = 0 WHERE dedupe = ?1")?;
            for key in &keys {
                done.execute([key])?;
            }
            Ok(())
        })
        .await
    }
}

pub(super) fn forget_beginnings(connection: &Connection, lost: &[LostBeginning]) -> rusqlite::Result<()> {
    // The hash: events may have been deleted meanwhile, and the file may have a beginning again.
    let mut forget = connection.prepare_cached(
        "DELETE FROM pruned_conversations WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND hash = ?4",
    )?;
    for LostBeginning { conversation, hash } in lost {
        forget.execute(params![conversation.channel, conversation.account, conversation.person, hash])?;
    }
    Ok(())
}
