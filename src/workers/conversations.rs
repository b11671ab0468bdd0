//! Events → conversation files: `<channel>/<account>/conversations/<person>.json`, an array of the raw objects in order
//! of time.
//!
//! A file is a projection of the journal: a repeat, a late arrival or a lost file needs no special care. It is made from
//! all events of its conversation, or, where the new ones all come after what it holds, from itself and those.
//!
//! Files of one batch are brought to disk together, before the cursor that covers them is saved. What was written after
//! the saved cursor may be lost by a power cut; it lies within one batch, which the next start writes anew before the
//! service says that it is ready.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::conversation_file::path_of;
use super::paused::Paused;
use super::strays::{self, Strays};
use super::{BATCH, MAX_ATTEMPTS, PAUSES, Worker, moved_files, unsend};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::files::folders::is_environment;
use crate::shared::files::output::{Output, RelativePath, ToDisk};
use crate::shared::files::stamp::Stamp;
use crate::shared::journal::{
    Conversation, DedupeKey, Event, FilesMade, Journal, JournalError, JournalReader, LostBeginning, PendingFile,
};
use crate::shared::low_priority::LowPriorityThread;
use crate::shared::telemetry::alerts::Alerts;

/// What stands after the last item of a file.
const END: &[u8] = b"\n]\n";

/// How many files one batch writes at most: bounds what a start after a power cut has to write again.
const MAX_FILES: usize = 2_000;

/// A consumer that is behind takes more at a time, so that a busy conversation is written once for many messages.
const EVENTS_PER_FILE: i64 = 10;

/// Of how many files it is remembered how they end: about 10 MB. Past that, the memory starts anew.
const MAX_REMEMBERED: usize = 100_000;

/// How a file ends: enough to put more behind it.
#[derive(Debug, Clone, Copy)]
struct Filed {
    stamp: Stamp,
    /// Where [`END`] begins.
    end: u64,
    /// Time and number of the last event.
    last: (i64, i64),
    /// It holds all events up to this number: those that come later may belong between them.
    up_to: i64,
}

/// What became of a file.
struct Made {
    /// How it ends. `None`: nothing has opened the conversation yet, so it has no file.
    filed: Option<Filed>,
    /// Whose beginning, with which hash, is no longer in the file that should hold it.
    lost: Option<LostBeginning>,
    /// What stands in the file and not in the journal: it goes there first, and the file stays as it is until then.
    strays: Vec<Event>,
    /// Whether the old file holds what nobody understands, and was moved aside.
    is_moved_aside: bool,
}

impl Made {
    fn new(filed: Option<Filed>, lost: Option<LostBeginning>) -> Self {
        Self { filed, lost, strays: Vec::new(), is_moved_aside: false }
    }
}

/// What becomes of several files beside being written.
#[derive(Default)]
struct Noticed {
    lost: Vec<LostBeginning>,
    strays: Vec<Event>,
    moved_aside: usize,
}

impl Noticed {
    fn add(&mut self, made: &mut Made) {
        self.moved_aside += usize::from(made.is_moved_aside || made.lost.is_some());
        self.lost.extend(made.lost.take());
        self.strays.append(&mut made.strays);
    }
}

/// The consumer. It owns all conversation files.
pub struct Conversations {
    background: LowPriorityThread,
    journal: Journal,
    output: Output,
    /// As a step writes them: it writes down itself which ones changed, with its cursor.
    files: Files,
    alerts: Alerts,
    /// Held while files are made: who has it knows that nobody writes a conversation's file.
    making: Arc<tokio::sync::Mutex<()>>,
    /// Whether the journal's log may still hold what was taken back.
    in_log: AtomicBool,
}

/// Why a step could not be finished. The same step is taken again later.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The disk cannot be used: full, read-only, failing.
    #[error("files cannot be written: {0}")]
    Output(std::io::Error),
}

impl Conversations {
    /// Reads from this journal and writes below this folder, on this thread.
    #[must_use]
    pub fn new(journal: Journal, output: Output, background: LowPriorityThread, alerts: Alerts) -> Self {
        Self {
            background,
            files: Files {
                journal: journal.clone(),
                output: output.told_by_caller(),
                remembered: Arc::default(),
                taken_in: Arc::default(),
            },
            output,
            journal,
            alerts,
            making: Arc::default(),
            in_log: AtomicBool::new(true),
        }
    }

    /// Holds off whoever makes files, until the last of its clones is gone.
    pub async fn pause(&self) -> Paused {
        Arc::new(Arc::clone(&self.making).lock_owned().await)
    }

    /// Lets files follow their conversations that stand under another name now.
    ///
    /// # Errors
    /// When the journal or the disk cannot be used.
    pub async fn follow_moved_files(&self) -> Result<(), StepError> {
        let _paused = self.pause().await;
        moved_files::follow(&self.journal, &self.output).await?.map_err(StepError::Output)
    }

    /// Whether the thread that makes files has died: no file is made any more.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.background.is_dead()
    }

    /// Makes the thread die that makes files.
    #[cfg(test)]
    pub(crate) async fn panic_in_background(&self) {
        assert!(self.background.run(|| panic!("a planned panic")).await.is_err());
    }

    /// Takes the next events and writes the files of their conversations. Gives back whether there was anything to do.
    ///
    /// # Errors
    /// When the journal or the disk cannot be used; the cursor then stands where it stood. A single file that cannot be
    /// written is no error here: it is tried again later and stops no other.
    pub async fn step(&self) -> Result<bool, StepError> {
        self.output.ensure_is_there().map_err(StepError::Output)?;
        // What was in the way and is not any more is no alert any more; what still is stops the files below it alone.
        let _ = self.output.ensure_unblocked();
        if self.output.is_anew() {
            self.make_anew().await?;
        }
        let paused = self.pause().await;
        unsend::take_back(&self.journal, &self.output, &paused).await?.map_err(StepError::Output)?;
        moved_files::follow(&self.journal, &self.output).await?.map_err(StepError::Output)?;
        let cursor = self.journal.files_position().await?;
        let (mut in_order, mut is_all) = self.journal.put_in_order().await?;
        while in_order < cursor && !is_all {
            // Only after an upgrade from a version that kept this order elsewhere.
            (in_order, is_all) = self.journal.put_in_order().await?;
        }
        let now_ms = self.journal.clock().now_ms();
        let (files, is_followed) = (self.files.clone(), self.journal.follows_files());
        let until_made = Arc::clone(&paused);
        let step = self
            .journal
            .look_in_background(&self.background, move |journal| {
                let _paused = until_made;
                let (last, mut touched) = touched_between(journal, cursor, in_order)?;
                let pending = journal.list_pending_files(now_ms, BATCH)?;
                let given_up = journal.list_given_up_files()?;
                // Whatever is the matter with these, they are made from all their events.
                touched.extend(pending.iter().map(|file| (file.conversation.clone(), None)));
                let (mut failed, mut recovered, mut noticed) = (Vec::new(), Vec::new(), Noticed::default());
                let mut changed = Vec::new();
                for (conversation, earliest) in touched {
                    let written = caught(|| files.write(journal, &conversation, earliest, now_ms, ToDisk::Later));
                    match written? {
                        Ok(mut made) => {
                            noticed.add(&mut made);
                            changed.extend(
                                path_of(&conversation).ok().filter(|_| is_followed).map(|path| path.to_string()),
                            );
                            if given_up.contains(&conversation) {
                                recovered.push(conversation);
                            }
                        }
                        Err(error) if is_environment(&error) => return Ok(Err(error)),
                        Err(error) => failed.push((conversation, error.to_string())),
                    }
                }
                Ok(Ok((last, pending, failed, (recovered, changed), noticed)))
            })
            .await?;
        let (last, pending, failed, (recovered, changed), noticed) = step.map_err(StepError::Output)?;
        if last == cursor && pending.is_empty() {
            return Ok(!is_all);
        }
        self.sync().await?;
        self.forget_taken_back(&pending).await?;
        // Before the cursor moves: the new events have their files made again.
        let lost = self.take_in(noticed).await?;
        for (conversation, reason) in &failed {
            tracing::warn!(
                error = reason,
                channel = conversation.channel,
                account = conversation.account,
                "a conversation file could not be written; it is tried again"
            );
        }
        let has_failed = |file: &PendingFile| failed.iter().any(|(other, _)| *other == file.conversation);
        let done = pending.into_iter().filter(|file| !has_failed(file)).collect();
        let (max_attempts, pause_ms) = (MAX_ATTEMPTS, |attempts| PAUSES.after_ms(attempts));
        self.journal
            .note_files(FilesMade { cursor: last, done, recovered, changed, lost, failed, max_attempts, pause_ms })
            .await?;
        // After the cursor is on disk: the folder is never ahead of the journal.
        self.output.note_made(last);
        Ok(true)
    }

    /// Takes what stood in files only into the journal, and says so. Gives back which beginnings are lost.
    async fn take_in(&self, noticed: Noticed) -> Result<Vec<LostBeginning>, StepError> {
        let Noticed { lost, strays, moved_aside } = noticed;
        if !strays.is_empty() {
            let appended = self.journal.append(strays).await.inspect_err(|_| {
                // They are met again, and tried again.
                self.files.taken_in.lock().unwrap_or_else(PoisonError::into_inner).clear();
            });
            let count = appended?.new;
            tracing::error!(count, "messages stood in conversation files and not in the journal; they are in it again");
            let sentence = format!(
                "{count} messages stood in conversation files and not in the journal, and were taken into it again. Was the \
                 journal lost, moved away or restored? What stood in it alone is missing."
            );
            self.alerts.raise(strays::TAKEN_IN, &sentence);
        }
        if moved_aside > 0 {
            let sentence = "A conversation file held what the journal does not, and was moved aside: look for files with \
                            .damaged- in their names below the output folder. The conversation's own file was made anew.";
            self.alerts.raise(strays::MOVED_ASIDE, sentence);
        }
        Ok(lost)
    }

    /// Of what was taken back nothing may be left beside the conversation's file: not in copies that were moved aside, nor in
    /// the journal's log.
    async fn forget_taken_back(&self, pending: &[PendingFile]) -> Result<(), StepError> {
        let paths: Vec<RelativePath> = pending
            .iter()
            .filter(|file| file.is_taking_back)
            .map(|file| path_of(&file.conversation))
            .collect::<Result<_, _>>()
            .map_err(StepError::Output)?;
        if paths.is_empty() {
            return Ok(());
        }
        let output = self.output.clone();
        let removed = tokio::task::spawn_blocking(move || paths.iter().try_for_each(|path| output.remove_aside(path)));
        removed.await.map_err(std::io::Error::other).flatten().map_err(StepError::Output)?;
        self.in_log.store(true, Ordering::Release);
        Ok(())
    }

    /// Takes what was taken back, and what a process that was killed had not come to, out of the journal's log. Gives back
    /// whether there was anything to do. While a reader stands in the way it stays to be done.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub async fn empty_log(&self) -> Result<bool, JournalError> {
        if !self.in_log.swap(false, Ordering::AcqRel) {
            return Ok(false);
        }
        let emptied = self.journal.empty_log().await;
        if emptied.is_err() {
            self.in_log.store(true, Ordering::Release);
        }
        match emptied {
            Err(JournalError::Busy) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Writes the files of all conversations anew (`account`: of one account only) and tells how many there are.
    ///
    /// # Errors
    /// When the journal or a file cannot be used.
    pub async fn rebuild(&self, account: Option<String>) -> Result<usize, StepError> {
        self.output.ensure_is_there().map_err(StepError::Output)?;
        let paused = self.pause().await;
        unsend::take_back(&self.journal, &self.output, &paused).await?.map_err(StepError::Output)?;
        while !self.journal.put_in_order().await?.1 {}
        let (mut written, mut noticed) = self.rebuild_once(account.clone(), &paused).await?;
        let has_strays = !noticed.strays.is_empty();
        let mut lost = self.take_in(noticed).await?;
        if has_strays {
            // Those whose strays are in the journal now.
            while !self.journal.put_in_order().await?.1 {}
            (written, noticed) = self.rebuild_once(account, &paused).await?;
            lost.extend(self.take_in(noticed).await?);
        }
        self.sync().await?;
        if !lost.is_empty() {
            self.journal.forget_beginnings(lost).await?;
        }
        Ok(written)
    }

    /// Makes all files again, in a folder that was removed and made again. What is no conversation is read again.
    async fn make_anew(&self) -> Result<(), StepError> {
        self.files.remembered.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let written = self.rebuild(None).await?;
        let now_ms = self.journal.clock().now_ms();
        for (channel, account) in self.journal.list_record_accounts().await? {
            self.journal.request_read(&channel, &account, ReadRequest::Everything, now_ms).await?;
        }
        let output = self.output.clone();
        let settled = tokio::task::spawn_blocking(move || output.settle_anew()).await;
        settled.map_err(std::io::Error::other).flatten().map_err(StepError::Output)?;
        tracing::warn!(written, "the files were made again in a new output folder");
        Ok(())
    }

    async fn rebuild_once(&self, account: Option<String>, paused: &Paused) -> Result<(usize, Noticed), StepError> {
        // No cursor stands before these: what changes is written down before each change.
        let files = Files { output: self.output.clone(), ..self.files.clone() };
        let now_ms = self.journal.clock().now_ms();
        let paused = Arc::clone(paused);
        self.journal
            .look(move |journal| {
                let _paused = paused;
                let all = journal.list_conversations(account.as_deref())?;
                let (mut written, mut noticed) = (0, Noticed::default());
                for conversation in all {
                    // These lie behind the cursor: no start would write them anew after a power cut.
                    match files.write(journal, &conversation, None, now_ms, ToDisk::First)? {
                        Ok(mut made) => {
                            written += usize::from(made.filed.is_some());
                            noticed.add(&mut made);
                        }
                        Err(error) => return Ok(Err(error)),
                    }
                }
                Ok(Ok((written, noticed)))
            })
            .await?
            .map_err(StepError::Output)
    }

    async fn sync(&self) -> Result<(), StepError> {
        let output = self.output.clone();
        let synced = tokio::task::spawn_blocking(move || output.sync()).await.map_err(std::io::Error::other).flatten();
        if synced.is_err() {
            // What the disk lost must not be copied into the next file: all are made anew from the journal.
            self.files.remembered.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        synced.map_err(StepError::Output)
    }
}

impl Worker for Conversations {
    fn name(&self) -> &'static str {
        "conversations"
    }

    fn when_failing(&self) -> &'static str {
        "Conversation files are not being written: the journal or the output folder cannot be used. Nothing is lost; the \
         log says why."
    }

    fn step(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async { Ok(self.step().await?) })
    }
}

/// One conversation that this program cannot cope with costs no other one its file: it is tried again and given up, like one
/// that cannot be written.
fn caught<T>(
    write: impl FnOnce() -> Result<std::io::Result<T>, JournalError>,
) -> Result<std::io::Result<T>, JournalError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(write))
        .unwrap_or_else(|_| Ok(Err(std::io::Error::other("a fault in this program"))))
}

/// The files themselves, and what is remembered of them. Cheap to clone.
#[derive(Clone)]
struct Files {
    journal: Journal,
    output: Output,
    /// Conversations of which strays went into the journal, and which were not made since: what is still missing then
    /// cannot be there.
    taken_in: Arc<Mutex<HashSet<DedupeKey>>>,
    /// Held while a file is made: of two who make one file, the later must not be the one who looked first.
    remembered: Arc<Mutex<HashMap<DedupeKey, Filed>>>,
}

impl Files {
    /// Writes one file. `earliest`: the time of its first new event, if that is known. The outer error is the journal's,
    /// the inner one this file's.
    fn write(
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

/// The conversations that events after the cursor belong to, up to event `until`, each with the time of its first such
/// event, and the number of the last event looked at.
fn touched_between(
    journal: &JournalReader<'_>,
    cursor: i64,
    until: i64,
) -> Result<(i64, BTreeMap<Conversation, Option<i64>>), JournalError> {
    let limit = BATCH * EVENTS_PER_FILE;
    let mut touched: BTreeMap<Conversation, Option<i64>> = BTreeMap::new();
    let (mut last, mut count) = (cursor, 0);
    let walked = journal.each_conversation_event(cursor, until, limit, |conversation, event| {
        if touched.len() >= MAX_FILES {
            return ControlFlow::Break(());
        }
        last = event.seq;
        count += 1;
        let earliest = touched.entry(conversation).or_default();
        *earliest = Some(earliest.map_or(event.occurred_at, |earliest| earliest.min(event.occurred_at)));
        ControlFlow::Continue(())
    })?;
    if walked.is_continue() && count < limit {
        // Nothing of ours is left, so what others left behind need not be looked at again.
        last = last.max(until);
    }
    Ok((last, touched))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_a_conversation_that_makes_the_program_panic_is_one_that_cannot_be_written() {
        let outcome = caught::<()>(|| panic!("a planned panic"));
        assert!(matches!(&outcome, Ok(Err(error)) if !is_environment(error)), "{outcome:?}");
        assert!(matches!(caught(|| Ok(Ok(7))), Ok(Ok(7))));
    }
}
