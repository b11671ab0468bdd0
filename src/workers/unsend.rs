//! Takes content back from the beginnings of conversation files: there stands the only copy of what was deleted by age.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::conversations::{Conversation, Pruned, find_pruned, read_conversation};
use crate::shared::files::output::{Output, ToDisk};
use crate::shared::journal::{Journal, JournalError, Unsending};
use crate::shared::raw_json::elements;

/// How many files one step changes at most.
const STEP: i64 = 100;

/// What is to be done with one file.
enum Change {
    /// It is to be replaced by this, whose first so many bytes are its new beginning.
    Replace(Vec<u8>, Beginning),
    /// It was replaced before a kill, and has this beginning.
    Replaced(Beginning),
    /// Nothing: what was taken back does not stand in it, or its beginning is lost.
    Nothing,
}

#[derive(Clone)]
struct Beginning {
    bytes: i64,
    hash: Vec<u8>,
}

/// Changes the files that hold content which was taken back after its event was deleted. Nobody else may make files
/// meanwhile. The inner error is the disk's.
pub(super) async fn take_back(journal: &Journal, output: &Output) -> Result<std::io::Result<()>, JournalError> {
    loop {
        let waiting: Vec<Conversation> = journal
            .read(|connection| {
                connection
                    .prepare_cached(
                        "SELECT DISTINCT channel, account, conversation FROM unsent WHERE in_file LIMIT ?1",
                    )?
                    .query_map([STEP], read_conversation)?
                    .collect()
            })
            .await?;
        if waiting.is_empty() {
            return Ok(Ok(()));
        }
        for conversation in waiting {
            if let Err(error) = take_back_from(journal, output, conversation).await? {
                return Ok(Err(error));
            }
        }
    }
}

async fn take_back_from(
    journal: &Journal,
    output: &Output,
    conversation: Conversation,
) -> Result<std::io::Result<()>, JournalError> {
    let unsending = journal.unsending(&conversation.channel);
    let (of, files) = (conversation.clone(), output.clone());
    let (keys, change) = match journal.read(move |connection| plan(connection, &files, &of, unsending)).await? {
        (keys, Ok(change)) => (keys, change),
        (_, Err(error)) => return Ok(Err(error)),
    };
    let beginning = match change {
        Change::Nothing => None,
        Change::Replaced(beginning) => Some(beginning),
        Change::Replace(document, beginning) => {
            let (of, next) = (conversation.clone(), beginning.clone());
            journal.write(move |connection| announce(connection, &of, &next)).await?;
            let (of, output) = (conversation.clone(), output.clone());
            let replaced =
                tokio::task::spawn_blocking(move || output.replace(&of.path()?, &document, ToDisk::First)).await;
            if let Err(error) = replaced.map_err(std::io::Error::other).flatten() {
                return Ok(Err(error));
            }
            Some(beginning)
        }
    };
    journal.write(move |connection| finish(connection, &conversation, beginning.as_ref(), &keys)).await?;
    Ok(Ok(()))
}

/// The keys that are to be taken back from a file, and what follows for it.
fn plan(
    connection: &Connection,
    output: &Output,
    conversation: &Conversation,
    unsending: Option<Unsending>,
) -> rusqlite::Result<(Vec<Vec<u8>>, std::io::Result<Change>)> {
    let Conversation { channel, account, person } = conversation;
    let keys: Vec<Vec<u8>> = connection
        .prepare_cached(
            "SELECT dedupe FROM unsent WHERE channel = ?1 AND account = ?2 AND conversation = ?3 AND in_file",
        )?
        .query_map([channel, account, person], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let changing: Option<Beginning> = connection
        .prepare_cached(
            "SELECT bytes, hash FROM changing_beginnings WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
        )?
        .query_row([channel, account, person], |row| Ok(Beginning { bytes: row.get(0)?, hash: row.get(1)? }))
        .optional()?;
    let (Some(pruned), Some(unsending)) = (find_pruned(connection, conversation)?, unsending) else {
        return Ok((keys, Ok(Change::Nothing)));
    };
    let file = match conversation.path().and_then(|path| output.read(&path)) {
        Ok(Some((file, _))) => file,
        Ok(None) => return Ok((keys, Ok(Change::Nothing))),
        Err(error) => return Ok((keys, Err(error))),
    };
    if !pruned.is_beginning_of(&file) {
        let changed = changing
            .filter(|next| Pruned { items: 0, bytes: next.bytes, hash: next.hash.clone() }.is_beginning_of(&file));
        return Ok((keys, Ok(changed.map_or(Change::Nothing, Change::Replaced))));
    }
    let wanted: BTreeSet<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let old = pruned.of(&file).unwrap_or_default();
    let Some(mut document) = without(old, account, &wanted, unsending) else { return Ok((keys, Ok(Change::Nothing))) };
    let beginning = Beginning {
        bytes: i64::try_from(document.len()).unwrap_or(i64::MAX),
        hash: Sha256::digest(&document).to_vec(),
    };
    document.extend_from_slice(file.get(old.len()..).unwrap_or_default());
    Ok((keys, Ok(Change::Replace(document, beginning))))
}

/// The beginning with tombstones in the place of these items; `None`: none of them stands there.
fn without(beginning: &[u8], account: &str, keys: &BTreeSet<&[u8]>, unsending: Unsending) -> Option<Vec<u8>> {
    let whole = format!("{}]", std::str::from_utf8(beginning).ok()?);
    let mut changed = b"[".to_vec();
    let mut any = false;
    for item in elements(&whole)? {
        changed.extend_from_slice(if changed == b"[" { b"\n" } else { b",\n" });
        let key = (unsending.key_of)(account, item);
        if key.is_some_and(|key| keys.contains(key.as_bytes().as_slice())) {
            any = true;
            changed.extend_from_slice(&(unsending.tombstone)(item.as_bytes()));
        } else {
            changed.extend_from_slice(item.as_bytes());
        }
    }
    any.then_some(changed)
}

fn announce(connection: &Connection, conversation: &Conversation, next: &Beginning) -> rusqlite::Result<()> {
    let Conversation { channel, account, person } = conversation;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO changing_beginnings (channel, account, conversation, bytes, hash)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![channel, account, person, next.bytes, next.hash])
        .map(drop)
}

fn finish(
    connection: &Connection,
    conversation: &Conversation,
    beginning: Option<&Beginning>,
    keys: &[Vec<u8>],
) -> rusqlite::Result<()> {
    let Conversation { channel, account, person } = conversation;
    if let Some(beginning) = beginning {
        connection
            .prepare_cached(
                "UPDATE pruned_conversations SET bytes = ?4, hash = ?5
                 WHERE channel = ?1 AND account = ?2 AND conversation = ?3",
            )?
            .execute(params![channel, account, person, beginning.bytes, beginning.hash])?;
    }
    connection
        .prepare_cached("DELETE FROM changing_beginnings WHERE channel = ?1 AND account = ?2 AND conversation = ?3")?
        .execute([channel, account, person])?;
    let mut done = connection.prepare_cached("UPDATE unsent SET in_file = 0 WHERE dedupe = ?1")?;
    for key in keys {
        done.execute([key])?;
    }
    Ok(())
}
