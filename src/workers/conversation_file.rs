//! The file of a conversation: where it is, how it is made from its events, how more is put behind its end, and what is
//! remembered of that end.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::strays::{self, Strays};
use crate::shared::files::output::{Output, RelativePath, ToDisk};
use crate::shared::files::stamp::Stamp;
use crate::shared::journal::{Conversation, DedupeKey, Event, Journal, JournalError, JournalReader, LostBeginning};

/// What stands after the last item of a file.
const END: &[u8] = b"\n]\n";

/// Of how many files it is remembered how they end: about 10 MB. Past that, the memory starts anew.
const MAX_REMEMBERED: usize = 100_000;

/// The file of a conversation, below the output folder.
///
/// # Errors
/// When an id cannot be a part of a path.
pub(super) fn path_of(conversation: &Conversation) -> std::io::Result<RelativePath> {
    let file = format!("{}.json", conversation.person);
    RelativePath::new(&[&conversation.channel, &conversation.account, "conversations", &file])
}

/// How a file ends: enough to put more behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filed {
    stamp: Stamp,
    /// Where [`END`] begins.
    end: u64,
    /// Time and number of the last event.
    last: (i64, i64),
    /// It holds all events up to this number: those that come later may belong between them.
    up_to: i64,
}

/// What became of a file.
pub(super) struct Made {
    /// How it ends. `None`: nothing has opened the conversation yet, so it has no file.
    pub filed: Option<Filed>,
    /// Whose beginning, with which hash, is no longer in the file that should hold it.
    pub lost: Option<LostBeginning>,
    /// What stands in the file and not in the journal: it goes there first, and the file stays as it is until then.
    pub strays: Vec<Event>,
    /// Whether the old file holds what nobody understands, and was moved aside.
    pub is_moved_aside: bool,
}

impl Made {
    fn new(filed: Option<Filed>, lost: Option<LostBeginning>) -> Self {
        Self { filed, lost, strays: Vec::new(), is_moved_aside: false }
    }
}

/// The files themselves, and what is remembered of them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Files {
    journal: Journal,
    output: Output,
    /// Conversations of which strays went into the journal, and which were not made since: what is still missing then
    /// cannot be there.
    taken_in: Arc<Mutex<HashSet<DedupeKey>>>,
    /// Held while a file is made: of two who make one file, the later must not be the one who looked first.
    remembered: Arc<Mutex<HashMap<DedupeKey, Filed>>>,
}

impl Files {
    /// Of this journal, below this folder.
    pub fn new(journal: Journal, output: Output) -> Self {
        Self { journal, output, taken_in: Arc::default(), remembered: Arc::default() }
    }

    /// The same files, where changes are told to the follower by this output.
    pub fn through(&self, output: Output) -> Self {
        Self { output, ..self.clone() }
    }

    /// The path of a file; `None` where nobody follows what changes.
    pub fn path_if_followed(&self, conversation: &Conversation) -> Option<String> {
        let path = path_of(conversation).ok().filter(|_| self.journal.follows_files());
        path.map(|path| path.to_string())
    }

    /// Forgets how files end: they are made anew.
    pub fn forget(&self) {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was to be taken into the journal did not come there: it is looked for again.
    pub fn forget_taken_in(&self) {
        self.taken_in.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Writes one file. `earliest`: the time of its first new event, if that is known. The outer error is the journal's,
    /// the inner one this file's.
    pub fn write(
        &self,
        journal: &JournalReader<'_>,
        conversation: &Conversation,
        earliest: Option<i64>,
        now_ms: i64,
        to_disk: ToDisk,
    ) -> Result<std::io::Result<Made>, JournalError> {
        let path = match path_of(conversation) {
            Ok(path) => path,
            Err(error) => return Ok(Err(error)),
        };
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        let key = conversation.key();
        let known = remembered.remove(&key);
        if let (Some(filed), Some(earliest)) = (known, earliest) {
            match extend(journal, &self.output, conversation, &path, filed, earliest)? {
                Ok(Some(filed)) => {
                    remembered.insert(key, filed);
                    return Ok(Ok(Made::new(Some(filed), None)));
                }
                Ok(None) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        let made = self.make(journal, conversation, &path, now_ms, to_disk)?;
        Ok(made.inspect(|made| remembered.extend(made.filed.map(|filed| (key, filed)))))
    }

    /// What `old` holds beside `document`, which has no end yet: events that must go into the journal first, or the finding
    /// that it must be kept aside.
    fn find_strays(
        &self,
        reader: &JournalReader<'_>,
        conversation: &Conversation,
        old: (&[u8], usize),
        document: &[u8],
    ) -> Result<Strays, JournalError> {
        let new = [document, END].concat();
        let found = strays::find(&self.journal, reader, conversation, old, &new)?;
        let mut taken_in = self.taken_in.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match found {
            Strays::Events(_) if !taken_in.insert(conversation.key()) => Strays::Unknown,
            found => found,
        })
    }

    /// Makes the file from all events of its conversation, and what stands in it of deleted ones.
    fn make(
        &self,
        journal: &JournalReader<'_>,
        conversation: &Conversation,
        path: &RelativePath,
        now_ms: i64,
        to_disk: ToDisk,
    ) -> Result<std::io::Result<Made>, JournalError> {
        let output = &self.output;
        let (old, old_stamp) = match output.read(path) {
            Ok(old) => old.unzip(),
            Err(error) => return Ok(Err(error)),
        };
        let mut damaged =
            old.as_ref().is_some_and(|old| serde_json::from_slice::<Vec<serde::de::IgnoredAny>>(old).is_err());
        let pruned = journal.find_pruned(conversation)?;
        let mut lost = None;
        let mut document = match (pruned, &old) {
            (None, _) => b"[".to_vec(),
            (Some(pruned), Some(old)) if pruned.is_beginning_of(old) => pruned.of(old).unwrap_or_default().to_vec(),
            (Some(pruned), _) => {
                lost = Some(LostBeginning { conversation: conversation.clone(), hash: pruned.hash });
                tracing::error!(
                    channel = conversation.channel,
                    account = conversation.account,
                    "the beginning of a conversation is lost: its events were deleted by age, and its file was changed"
                );
                damaged = old.is_some();
                b"[".to_vec()
            }
        };
        let (beginning, has_beginning) = (document.len(), document.len() > 1);
        let up_to = journal.in_order_up_to()?;
        let added = add_events(journal, conversation, (i64::MIN, 0), i64::MAX, &mut document)?;
        let Some(added) = added.filter(|added| added.opens || has_beginning) else {
            // No file takes the place of the old one, which stays as it is. What stands in it only is taken in all the same.
            let known = old.as_ref().filter(|_| !damaged).map(|old| (old.as_slice(), 0));
            let found = known.map(|old| self.find_strays(journal, conversation, old, &document)).transpose()?;
            let strays = if let Some(Strays::Events(strays)) = found { strays } else { Vec::new() };
            return Ok(Ok(Made { strays, ..Made::new(None, None) }));
        };
        let mut is_moved_aside = false;
        if let Some(old) = old.as_ref().filter(|_| !damaged) {
            let beginning = if has_beginning { beginning } else { 0 };
            match self.find_strays(journal, conversation, (old, beginning), &document)? {
                Strays::Events(strays) => return Ok(Ok(Made { strays, ..Made::new(None, None) })),
                Strays::Unknown => is_moved_aside = true,
                // A good copy of what the journal holds damaged is kept.
                Strays::None => {
                    is_moved_aside =
                        added.is_damaged && !old.strip_suffix(END).is_some_and(|old| document.starts_with(old));
                }
            }
        }
        self.taken_in.lock().unwrap_or_else(PoisonError::into_inner).remove(&conversation.key());
        let end = document.len() as u64;
        document.extend_from_slice(END);
        if let (Some(old), Some(stamp), ToDisk::First) = (&old, old_stamp, to_disk)
            && *old == document
        {
            // What is on disk, or will be with the batch that wrote it, is not brought there once more.
            return Ok(Ok(Made::new(Some(Filed { stamp, end, last: added.last, up_to }), lost)));
        }
        if damaged || is_moved_aside {
            tracing::warn!(
                channel = conversation.channel,
                account = conversation.account,
                "a damaged conversation file was moved aside"
            );
            if let Err(error) = output.move_aside(path, now_ms) {
                return Ok(Err(error));
            }
        }
        let to_disk = unless_pruned(to_disk, has_beginning);
        let replaced = output.replace(path, &document, to_disk);
        let filed = |stamp| Filed { stamp, end, last: added.last, up_to };
        Ok(replaced.map(|stamp| Made { is_moved_aside, ..Made::new(Some(filed(stamp)), lost) }))
    }
}

/// Puts the new events, the first of which happened at `earliest`, behind the file's last one. Where some are late, the end
/// of the file is made again from there on. `None`: the file is not as it was left, or none of it would stay.
fn extend(
    journal: &JournalReader<'_>,
    output: &Output,
    conversation: &Conversation,
    path: &RelativePath,
    filed: Filed,
    earliest: i64,
) -> Result<std::io::Result<Option<Filed>>, JournalError> {
    let up_to = journal.in_order_up_to()?;
    let (mut old, mut tail, mut after) = (Vec::new(), Vec::new(), filed.last);
    if earliest < filed.last.0 {
        after = (earliest - 1, i64::MAX);
        add_events(journal, conversation, after, filed.up_to, &mut old)?;
    }
    let Some(keep) = filed.end.checked_sub(old.len() as u64).filter(|keep| *keep > 1) else { return Ok(Ok(None)) };
    let last = add_events(journal, conversation, after, i64::MAX, &mut tail)?.map_or(filed.last, |added| added.last);
    let end = keep + tail.len() as u64;
    tail.extend_from_slice(END);
    old.extend_from_slice(END);
    let to_disk = unless_pruned(ToDisk::Later, journal.find_pruned(conversation)?.is_some());
    let extended = output.extend(path, filed.stamp, keep, &old, &tail, to_disk);
    Ok(extended.map(|stamp| stamp.map(|stamp| Filed { stamp, end, last, up_to })))
}

/// A file that is the only copy of its beginning cannot be written anew after a power cut.
fn unless_pruned(to_disk: ToDisk, has_pruned_beginning: bool) -> ToDisk {
    if has_pruned_beginning { ToDisk::First } else { to_disk }
}

#[derive(Clone, Copy)]
struct Added {
    /// Time and number of the last event.
    last: (i64, i64),
    /// Whether one of them opens a conversation.
    opens: bool,
    /// Whether one of them cannot be read any more, and something else stands in its place.
    is_damaged: bool,
}

/// What stands in a file in the place of an event whose bytes are no JSON any more: the disk changed them.
const DAMAGED: &[u8] = br#"{"damaged":true}"#;

/// Puts the events after `after` behind `document`, in order of time; those with a number above `up_to` are left out.
/// `None`: there are none.
fn add_events(
    journal: &JournalReader<'_>,
    conversation: &Conversation,
    after: (i64, i64),
    up_to: i64,
    document: &mut Vec<u8>,
) -> Result<Option<Added>, JournalError> {
    let mut added: Option<Added> = None;
    journal.each_event_in_order(conversation, after, up_to, |payload, event, opens| {
        document.extend_from_slice(if document == b"[" { b"\n" } else { b",\n" });
        let is_damaged = serde_json::from_slice::<serde::de::IgnoredAny>(payload).is_err();
        if is_damaged {
            tracing::error!(seq = event.seq, "an event cannot be read any more; its conversation is made without it");
        }
        document.extend_from_slice(if is_damaged { DAMAGED } else { payload });
        let opens = opens || added.is_some_and(|added| added.opens);
        let is_damaged = is_damaged || added.is_some_and(|added| added.is_damaged);
        added = Some(Added { last: (event.occurred_at, event.seq), opens, is_damaged });
    })?;
    Ok(added)
}
