//! Events → conversation files: `<channel>/<account>/conversations/<person>.json`, an array of the raw objects in order
//! of time.
//!
//! A file is a projection of the journal: a repeat, a late arrival or a lost file needs no special care. It is made from
//! all events of its conversation, or, where the new ones all come after what it holds, from itself and those.
//!
//! Files of one batch are brought to disk together, before the cursor that covers them is saved. What was written after
//! the saved cursor may be lost by a power cut; it lies within one batch, which the next start writes anew before the
//! service says that it is ready.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::blocking::blocking;
use super::conversation_file::{Files, Made, path_of};
use super::in_the_way::InTheWay;
use super::paused::Paused;
use super::{BATCH, MAX_ATTEMPTS, PAUSES, Worker, moved_files, strays, unsend};
use crate::shared::channel::job::BoxFuture;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::files::folders::is_environment;
use crate::shared::files::output::{Output, RelativePath, ToDisk};
use crate::shared::journal::{
    Conversation, Event, FilesMade, Journal, JournalError, JournalReader, LostBeginning, PendingFile,
};
use crate::shared::low_priority::LowPriorityThread;
use crate::shared::telemetry::alerts::Alerts;

/// How many files one batch writes at most: bounds what a start after a power cut has to write again.
const MAX_FILES: usize = 2_000;

/// A consumer that is behind takes more at a time, so that a busy conversation is written once for many messages.
const EVENTS_PER_FILE: i64 = 10;

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

/// The files of one step, made and not yet brought to disk.
struct Batch {
    /// The number of the last event looked at.
    last: i64,
    /// The pending files that were due.
    pending: Vec<PendingFile>,
    /// What could not be written, and why.
    failed: Vec<(Conversation, String)>,
    /// What had been given up, and could be written.
    recovered: Vec<Conversation>,
    /// The paths of what was written, where somebody follows them.
    changed: Vec<String>,
    noticed: Noticed,
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
    /// Whether the first files were made, or none were to be.
    has_begun: AtomicBool,
    in_the_way: InTheWay,
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
            files: Files::new(journal.clone(), output.told_by_caller()),
            output,
            journal,
            alerts,
            making: Arc::default(),
            in_log: AtomicBool::new(true),
            has_begun: AtomicBool::new(false),
            in_the_way: InTheWay::default(),
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
        moved_files::follow(&self.journal, &self.output, &self.in_the_way).await?.map_err(StepError::Output)
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
        unsend::take_back(&self.journal, &self.output, &paused, &self.in_the_way).await?.map_err(StepError::Output)?;
        moved_files::follow(&self.journal, &self.output, &self.in_the_way).await?.map_err(StepError::Output)?;
        let cursor = self.journal.files_position().await?;
        let (mut in_order, mut is_all) = self.journal.put_in_order().await?;
        while in_order < cursor && !is_all {
            // Only after an upgrade from a version that kept this order elsewhere.
            (in_order, is_all) = self.journal.put_in_order().await?;
        }
        let now_ms = self.journal.clock().now_ms();
        let (files, until_made) = (self.files.clone(), Arc::clone(&paused));
        let make = move |journal: &JournalReader<'_>| {
            let _paused = until_made;
            make_batch(journal, &files, (cursor, in_order), now_ms)
        };
        // The first files are waited for: the service is not ready before they are made. With low priority they would wait
        // for as long as others keep the processor busy.
        let made = match self.has_begun.load(Ordering::Acquire) {
            true => self.journal.look_in_background(&self.background, make).await?,
            false => self.journal.look(make).await?,
        };
        let Batch { last, pending, failed, recovered, changed, noticed } = made.map_err(StepError::Output)?;
        self.has_begun.store(true, Ordering::Release);
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
                self.files.forget_taken_in();
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
        let remove = move || paths.iter().try_for_each(|path| output.remove_aside(path));
        blocking(remove).await.map_err(StepError::Output)?;
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
        unsend::take_back(&self.journal, &self.output, &paused, &self.in_the_way).await?.map_err(StepError::Output)?;
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
        self.files.forget();
        let written = self.rebuild(None).await?;
        let now_ms = self.journal.clock().now_ms();
        for (channel, account) in self.journal.list_record_accounts().await? {
            self.journal.request_read(&channel, &account, ReadRequest::Everything, now_ms).await?;
        }
        let output = self.output.clone();
        blocking(move || output.settle_anew()).await.map_err(StepError::Output)?;
        tracing::warn!(written, "the files were made again in a new output folder");
        Ok(())
    }

    async fn rebuild_once(&self, account: Option<String>, paused: &Paused) -> Result<(usize, Noticed), StepError> {
        // No cursor stands before these: what changes is written down before each change.
        let files = self.files.through(self.output.clone());
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
        let synced = blocking(move || output.sync()).await;
        if synced.is_err() {
            // What the disk lost must not be copied into the next file: all are made anew from the journal.
            self.files.forget();
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

/// Makes the files of the events after the cursor, which are in order up to `in_order`, and the pending ones that are due.
/// The inner error is the disk's.
fn make_batch(
    journal: &JournalReader<'_>,
    files: &Files,
    (cursor, in_order): (i64, i64),
    now_ms: i64,
) -> Result<std::io::Result<Batch>, JournalError> {
    let (last, mut touched) = touched_between(journal, cursor, in_order)?;
    let pending = journal.list_pending_files(now_ms, BATCH)?;
    let given_up = journal.list_given_up_files()?;
    // Whatever is the matter with these, they are made from all their events.
    touched.extend(pending.iter().map(|file| (file.conversation.clone(), None)));
    let (failed, recovered, changed, noticed) = Default::default();
    let mut batch = Batch { last, pending, failed, recovered, changed, noticed };
    for (conversation, earliest) in touched {
        match caught(|| files.write(journal, &conversation, earliest, now_ms, ToDisk::Later))? {
            Ok(mut made) => {
                batch.noticed.add(&mut made);
                batch.changed.extend(files.path_if_followed(&conversation));
                if given_up.contains(&conversation) {
                    batch.recovered.push(conversation);
                }
            }
            Err(error) if is_environment(&error) => return Ok(Err(error)),
            Err(error) => batch.failed.push((conversation, error.to_string())),
        }
    }
    Ok(Ok(batch))
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
