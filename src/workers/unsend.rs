//! Takes content back from the beginnings of conversation files: there stands the only copy of what was deleted by age.

use std::collections::BTreeSet;

use super::blocking::blocking;
use super::conversation_file::path_of;
use super::in_the_way::InTheWay;
use super::paused::Paused;
use crate::shared::files::output::{Output, ToDisk};
use crate::shared::journal::{Conversation, Journal, JournalError, Pruned, TakenBack, Unsending};
use crate::shared::raw_json::elements;

/// How many files one step changes at most.
const STEP: i64 = 100;

/// What is to be done with one file.
enum Change {
    /// It is to be replaced by this, which has this beginning.
    Replace(Vec<u8>, Pruned),
    /// It was replaced before a kill, and has this beginning.
    Replaced(Pruned),
    /// Nothing: what was taken back does not stand in it, or its beginning is lost.
    Nothing,
}

/// Changes the files that hold content which was taken back after its event was deleted. Nobody else makes files meanwhile.
/// What stands in the way of one stops no other. The inner error is the disk's.
pub(super) async fn take_back(
    journal: &Journal,
    output: &Output,
    paused: &Paused,
    in_the_way: &InTheWay,
) -> Result<std::io::Result<()>, JournalError> {
    loop {
        let waiting = journal.list_beginnings_to_change(STEP.saturating_add(in_the_way.count())).await?;
        let mut any_is_done = false;
        for conversation in waiting {
            let outcome = take_back_from(journal, output, conversation.clone(), paused).await?;
            match in_the_way.note(&conversation, outcome) {
                Ok(is_done) => any_is_done |= is_done,
                Err(error) => return Ok(Err(error)),
            }
        }
        if !any_is_done {
            return Ok(Ok(()));
        }
    }
}

async fn take_back_from(
    journal: &Journal,
    output: &Output,
    conversation: Conversation,
    paused: &Paused,
) -> Result<std::io::Result<()>, JournalError> {
    let unsending = journal.unsending(&conversation.channel);
    let wanted = journal.find_taken_back(&conversation).await?;
    let keys = wanted.keys.clone();
    let (of, files) = (conversation.clone(), output.clone());
    let change = match blocking(move || plan(&files, &of, &wanted, unsending)).await {
        Ok(change) => change,
        Err(error) => return Ok(Err(error)),
    };
    let beginning = match change {
        Change::Nothing => None,
        Change::Replaced(beginning) => Some(beginning),
        Change::Replace(document, beginning) => {
            journal.announce_beginning(&conversation, &beginning).await?;
            let (of, output, paused) = (conversation.clone(), output.clone(), Paused::clone(paused));
            let replace = move || {
                let _paused = paused;
                output.replace(&path_of(&of)?, &document, ToDisk::First)?;
                // With its name, too: after the next step the journal knows of the old file no more.
                output.sync()
            };
            if let Err(error) = blocking(replace).await {
                return Ok(Err(error));
            }
            Some(beginning)
        }
    };
    journal.finish_taking_back(conversation, beginning, keys).await?;
    Ok(Ok(()))
}

/// What follows for a file from what is to be taken back.
fn plan(
    output: &Output,
    conversation: &Conversation,
    wanted: &TakenBack,
    unsending: Option<Unsending>,
) -> std::io::Result<Change> {
    let (Some(pruned), Some(unsending)) = (&wanted.beginning, unsending) else { return Ok(Change::Nothing) };
    let Some((file, _)) = output.read(&path_of(conversation)?)? else { return Ok(Change::Nothing) };
    if !pruned.is_beginning_of(&file) {
        let changed = wanted.changing.as_ref().filter(|next| next.is_beginning_of(&file));
        return Ok(changed.map_or(Change::Nothing, |next| Change::Replaced(next.clone())));
    }
    let keys: BTreeSet<&[u8]> = wanted.keys.iter().map(Vec::as_slice).collect();
    let old = pruned.of(&file).unwrap_or_default();
    let Some(mut document) = without(old, &conversation.account, &keys, unsending) else { return Ok(Change::Nothing) };
    let beginning = Pruned::new(pruned.items, &document);
    document.extend_from_slice(file.get(old.len()..).unwrap_or_default());
    Ok(Change::Replace(document, beginning))
}

/// The beginning with tombstones in the place of these items; `None`: none of them stands there.
fn without(beginning: &[u8], account: &str, keys: &BTreeSet<&[u8]>, unsending: Unsending) -> Option<Vec<u8>> {
    let whole = format!("{}]", std::str::from_utf8(beginning).ok()?);
    let mut changed = b"[".to_vec();
    let mut any = false;
    for item in elements(&whole)? {
        changed.extend_from_slice(if changed == b"[" { b"\n" } else { b",\n" });
        let event = (unsending.event_of)(account, item);
        let names = event.into_iter().flat_map(|event| [Some(event.key), event.name]).flatten();
        if names.into_iter().any(|name| keys.contains(name.as_bytes().as_slice())) {
            any = true;
            changed.extend_from_slice(&(unsending.tombstone)(item.as_bytes()));
        } else {
            changed.extend_from_slice(item.as_bytes());
        }
    }
    any.then_some(changed)
}
