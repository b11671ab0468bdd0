//! What becomes of one file: its object gets its content, or goes.

use std::fs::File;
use std::io::{Read, Seek};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::ObjectCopies;
use super::known::Owner;
use crate::shared::files::kinds::{SNIFFED, sniff};
use crate::shared::files::output::{Output, RelativePath};
use crate::shared::objects::{Content, ObjectError, ObjectKey, Stop, Versioning};
use crate::shared::retry::Doubling;
use crate::shared::secrets::signature::to_hex;
use crate::shared::store::{CopyOutcome, CopyResult, DueCopy};

/// Files up to this length are held in memory while they are sent; longer ones are read while they are sent.
const SMALL_BYTES: u64 = 256 * 1024;

/// How much of a file is read at once.
const PIECE_BYTES: usize = 128 * 1024;

/// One in so many objects is read back after it was stored, the first of every start among them.
const READ_BACK_EVERY: u64 = 1_000;

/// So long results wait for others, and no longer than until there are so many. What a kill cuts off is done again.
const GATHER: Duration = Duration::from_millis(25);
const GATHERED: usize = 64;

/// How often it is looked whether the output folder is still there, where file after file is read.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The pauses between the tries at one file that fails for a reason of its own.
const PAUSES: Doubling = Doubling::new(Duration::from_secs(5), Duration::from_secs(60 * 60));

/// The name of the alert that one file cannot be copied.
pub(super) const REFUSED_FILE: &str = "cloud_file_refused";

/// After so many failures of one file somebody is told.
const FAILURES_TO_TELL: i64 = 8;

/// A file as it is at one moment: whoever replaces it later replaces its name, and this stays as it is.
pub(super) struct Snapshot {
    content: Source,
    head: Vec<u8>,
    pub sha256: String,
    pub bytes: u64,
}

enum Source {
    Memory(Bytes),
    File(File),
}

impl Snapshot {
    /// Opens the file and reads it to its end; `None`: there is none. Blocks.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn take(output: &Output, path: &RelativePath) -> std::io::Result<Option<Self>> {
        output.find(path)?.map(Self::of).transpose()
    }

    /// Reads an open file to its end. Blocks.
    fn of(mut file: File) -> std::io::Result<Self> {
        let mut digest = Sha256::new();
        if file.metadata()?.len() <= SMALL_BYTES {
            let mut content = Vec::new();
            file.read_to_end(&mut content)?;
            digest.update(&content);
            let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
            let head = content.iter().copied().take(SNIFFED).collect();
            let content = Source::Memory(content.into());
            return Ok(Self { content, head, sha256: to_hex(&digest.finalize()), bytes });
        }
        let (mut piece, mut bytes, mut head) = (vec![0; PIECE_BYTES], 0_u64, Vec::new());
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            digest.update(&piece[..read]);
            head.extend(piece[..read].iter().take(SNIFFED.saturating_sub(head.len())));
            bytes += u64::try_from(read).unwrap_or(u64::MAX);
        }
        file.rewind()?;
        Ok(Self { content: Source::File(file), head, sha256: to_hex(&digest.finalize()), bytes })
    }

    fn into_content(self, name: &str) -> Content {
        let content_type = content_type(name, &self.head);
        let body = match self.content {
            Source::Memory(bytes) => bytes.into(),
            Source::File(file) => tokio::fs::File::from_std(file).into(),
        };
        Content { sha256: self.sha256, bytes: self.bytes, content_type, body }
    }
}

/// Why a turn did not come to its end.
enum Broken {
    /// Object storage.
    Object(ObjectError),
    /// The file.
    File(std::io::Error),
    /// The journal.
    Journal(anyhow::Error),
}

impl From<ObjectError> for Broken {
    fn from(error: ObjectError) -> Self {
        Self::Object(error)
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::File(error)
    }
}

impl From<crate::shared::journal::JournalError> for Broken {
    fn from(error: crate::shared::journal::JournalError) -> Self {
        Self::Journal(error.into())
    }
}

/// A task that takes turns. Where it ends in a panic, another one may take its place.
struct Runner<'a> {
    copies: &'a ObjectCopies,
    is_over: bool,
}

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.copies.queue().end_runner();
        }
    }
}

/// A file under way. Dropped without a result it stays due, also after a panic.
struct UnderWay<'a> {
    copies: &'a ObjectCopies,
    path: &'a str,
    has_result: bool,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.has_result {
            self.copies.queue().release(self.path);
            self.copies.0.released.notify_waiters();
        }
    }
}

impl ObjectCopies {
    /// Takes one file after the other until none is due.
    pub(super) async fn run_turns(&self) {
        let mut runner = Runner { copies: self, is_over: false };
        loop {
            if !self.is_working() || self.0.stop.is_cancelled() {
                self.queue().clear();
            }
            let (next, is_low) = {
                let mut queue = self.queue();
                (queue.take(), queue.is_low())
            };
            if is_low {
                self.0.low.notify_one();
            }
            let Some(due) = next else {
                runner.is_over = true;
                return;
            };
            let mut under_way = UnderWay { copies: self, path: &due.path, has_result: false };
            let ended = tokio::select! {
                ended = self.turn(&due) => ended,
                () = self.0.stop.cancelled() => continue,
                () = self.until_held(&due.folder) => continue,
            };
            if let Some(outcome) = self.outcome_of(&due, ended) {
                under_way.has_result = true;
                self.note(CopyResult { path: due.path.clone(), generation: due.generation, outcome });
            }
        }
    }

    async fn turn(&self, due: &DueCopy) -> Result<CopyOutcome, Broken> {
        let rest = due.path.get(due.folder.len() + 1..).unwrap_or_default();
        let Some(Owner { merchant, prefix }) = self.owners().of(&due.folder) else {
            // What stands of it is deleted as a whole: see `owners.rs`.
            return Ok(CopyOutcome::Nobodys);
        };
        let key = ObjectKey::below(&prefix, rest)?;
        let Some(snapshot) = self.snapshot(&RelativePath::parse(&due.path)?).await? else {
            self.delete_elsewhere(&due.folder, rest, None).await?;
            return Ok(CopyOutcome::Gone);
        };
        let (owner, sha256) = (merchant.to_string(), snapshot.sha256.clone());
        let is_theirs = due.owner.as_ref() == Some(&owner);
        let mut put_at = None;
        let stands = match (is_theirs && due.sha256.as_ref() == Some(&sha256), due.is_unsure) {
            (stands, false) => stands,
            (_, true) => self.0.objects.head(&key).await?.is_some_and(|head| head.sha256.as_ref() == Some(&sha256)),
        };
        if !stands {
            if is_theirs && self.now_ms() < due.not_before {
                return Ok(CopyOutcome::Later { at: due.not_before, is_failure: false, is_unsure: false });
            }
            self.add_prefix(&prefix, &due.folder).await?;
            put_at = Some(self.now_ms());
            self.put(&key, snapshot).await?;
        }
        if due.owner.is_some() && !is_theirs {
            self.delete_elsewhere(&due.folder, rest, Some(&prefix)).await?;
        }
        Ok(CopyOutcome::Stands { owner, sha256, put_at })
    }

    /// The file as it is now; `None`: there is none.
    async fn snapshot(&self, path: &RelativePath) -> std::io::Result<Option<Snapshot>> {
        let output = &self.0.shared.output;
        self.ensure_output_is_there()?;
        let found = match output.find(path)? {
            None => {
                // A folder that is not there says nothing about its files.
                output.ensure_is_there()?;
                output.find(path)?
            }
            found => found,
        };
        let Some(file) = found else { return Ok(None) };
        if file.metadata()?.len() <= SMALL_BYTES {
            // The thread is there for these tasks alone, and to read a short file takes less than to ask another one for it.
            return Snapshot::of(file).map(Some);
        }
        tokio::task::spawn_blocking(move || Snapshot::of(file)).await.map_err(std::io::Error::other)?.map(Some)
    }

    /// Looks for the output folder, unless it was there just now: what is found in an open folder is whole, wherever it is.
    fn ensure_output_is_there(&self) -> std::io::Result<()> {
        let mut looked_at = self.0.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        if looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            self.0.shared.output.ensure_is_there()?;
            *looked_at = Some(Instant::now());
        }
        Ok(())
    }

    async fn put(&self, key: &ObjectKey, snapshot: Snapshot) -> Result<(), Broken> {
        let (sha256, bytes) = (snapshot.sha256.clone(), snapshot.bytes);
        let content = snapshot.into_content(key.as_str());
        if self.0.objects.put(key, content).await? == Versioning::Kept && self.does_keep_versions(key).await? {
            return Err(ObjectError::Stopped(Stop::Versioned).into());
        }
        if self.is_read_back() {
            let found = self.0.objects.read_sha256(key, bytes).await?;
            if found.as_ref() != Some(&sha256) {
                return Err(ObjectError::Stopped(Stop::Untrue).into());
            }
        }
        Ok(())
    }

    fn is_read_back(&self) -> bool {
        let puts: &AtomicU64 = &self.0.puts;
        puts.fetch_add(1, Ordering::Relaxed).is_multiple_of(READ_BACK_EVERY)
    }

    /// Deletes the object of a file below every name where one may stand, but for this one.
    async fn delete_elsewhere(&self, folder: &str, rest: &str, but: Option<&str>) -> Result<(), Broken> {
        let prefixes = self.owners().prefixes_of(folder);
        for prefix in prefixes.iter().filter(|prefix| but != Some(prefix.as_str())) {
            self.0.objects.delete(&ObjectKey::below(prefix, rest)?).await?;
        }
        Ok(())
    }

    /// What is to be written down of a turn; `None`: nothing, the file stays due as it was.
    fn outcome_of(&self, due: &DueCopy, ended: Result<CopyOutcome, Broken>) -> Option<CopyOutcome> {
        let at = self.now_ms() + PAUSES.after_ms(due.attempts);
        let error = match ended {
            Ok(outcome) => {
                self.note_success();
                if due.attempts >= FAILURES_TO_TELL {
                    self.0.shared.alerts.heal(REFUSED_FILE);
                }
                return Some(outcome);
            }
            Err(Broken::Object(error)) => error,
            Err(Broken::File(error)) => {
                tracing::warn!(%error, folder = due.folder, "a file cannot be copied; it is tried again");
                self.tell_of_failures(due, &format!("a file cannot be read ({error})"));
                return Some(CopyOutcome::Later { at, is_failure: true, is_unsure: false });
            }
            Err(Broken::Journal(error)) => {
                tracing::warn!(error = format!("{error:#}"), "a copy waits for the journal");
                return None;
            }
        };
        if let ObjectError::Refused { status, code } = &error {
            // It concerns this file: the others go on.
            self.tell_of_failures(due, &format!("object storage refuses a file with {status} {code}"));
            return Some(CopyOutcome::Later { at, is_failure: true, is_unsure: false });
        }
        self.note_trouble(&error);
        // What may have arrived is looked up before it is sent again.
        error.is_unsure().then_some(CopyOutcome::Later { at, is_failure: true, is_unsure: true })
    }

    fn tell_of_failures(&self, due: &DueCopy, what: &str) {
        if due.attempts + 1 >= FAILURES_TO_TELL {
            let (attempts, folder) = (due.attempts + 1, &due.folder);
            let sentence = format!(
                "A file of {folder} is not copied to object storage: {what}, {attempts} times now. The others are."
            );
            self.0.shared.alerts.raise(REFUSED_FILE, &sentence);
        }
    }

    /// Whether results are to be written down. Where not, somebody else does it next time.
    fn has_results(&self) -> bool {
        let mut results = self.results();
        results.is_written = !results.waiting.is_empty();
        results.is_written
    }

    /// Has a result written down, together with those that come meanwhile.
    fn note(&self, result: CopyResult) {
        let is_last = self.queue().is_dry();
        let mut results = self.results();
        results.waiting.push(result);
        if is_last || results.waiting.len() >= GATHERED {
            self.0.gathered.notify_one();
        }
        if !std::mem::replace(&mut results.is_written, true) {
            let copies = self.clone();
            self.spawn(async move { copies.write_results().await });
        }
    }

    async fn write_results(&self) {
        while self.has_results() {
            // A transaction costs the disk the same for one file as for many, and deliveries wait for the same disk.
            tokio::select! {
                () = self.0.gathered.notified() => {}
                () = tokio::time::sleep(GATHER) => {}
                () = self.0.stop.cancelled() => {}
            }
            let results = std::mem::take(&mut self.results().waiting);
            let paths: Vec<String> = results.iter().map(|result| result.path.clone()).collect();
            if let Err(error) = self.0.shared.journal.note_copies(results, self.every_ms()).await {
                // They stay due, and are found to stand there.
                tracing::warn!(%error, "what was copied could not be written down");
            }
            for path in &paths {
                self.queue().release(path);
            }
            self.0.released.notify_waiters();
        }
    }
}

/// What a file is: JSON by its name, which only this program gives, and anything else by its first bytes.
fn content_type(name: &str, head: &[u8]) -> &'static str {
    if name.ends_with(".json") { "application/json" } else { sniff(head).0 }
}
