//! JSON files below one folder: whole or not at all, never through a symbolic link, unchanged content untouched.
//!
//! A file is written beside its place under a unique name, synced, and moved over the old one; then the folder is synced.
//! A reader sees the old or the new document at every instant, also after a power cut. Unsynced replacements were
//! measured to leave empty files after a cut, on ext4 and XFS alike.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::blocked::Blocked;
use super::comparing::Comparing;
use super::folders::{FOLDER_FLAGS, as_io, find_folder_in, holds, open_plain, remove_files, visit};
use super::following::{Change, Follower};
pub use super::path::RelativePath;
use super::path::{MARK, belongs_to, is_aside};
use super::readers::Readers;
use super::stamp::Stamp;
use crate::shared::telemetry::alerts::Alerts;

/// Whether a write changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The file had this content already and was left alone.
    Unchanged,
    /// The file is new, or its content was replaced.
    Replaced,
}

/// When a new document is brought to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToDisk {
    /// Before it takes its place: a power cut leaves the old document or the new one.
    First,
    /// With [`Output::sync`]: until then a power cut may leave an empty file, so something must be known to write it anew.
    Later,
}

/// A range of bytes of a file, and what shall stand there.
pub type Piece = (Range<u64>, Vec<u8>);

/// How much is written at once.
const PIECE: usize = 128 * 1024;

/// The file of the output folder that says up to which event its files are made.
const MADE: &str = ".shoptalk-made";

/// The folder `OUTPUT_DIR`, opened once. Cheap to clone.
#[derive(Clone)]
pub struct Output(Arc<Root>, WhoTells);

/// Who tells the follower of changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WhoTells {
    /// [`Output`] itself, before each change.
    Output,
    /// Whoever makes the changes, many at once.
    Caller,
}

struct Root {
    folder: RwLock<Arc<OwnedFd>>,
    path: PathBuf,
    /// Who may read what is written, beside the service's user.
    readers: Readers,
    /// Which installation it belongs to, once that is known.
    id: RwLock<Option<String>>,
    /// The folder was removed and made again, and its files are not all there yet.
    is_anew: AtomicBool,
    unique: AtomicU64,
    /// Folders into which nothing is written: their account is being erased, or was. Held while a file takes its place,
    /// so that who closes a folder knows that nothing is under way there.
    closed: RwLock<HashSet<Vec<String>>>,
    /// Who is told of changes; nobody, while none was set.
    follower: OnceLock<Arc<dyn Follower>>,
    /// Where something else than a folder stood when one was to be used.
    blocked: Blocked,
}

impl Output {
    /// Opens the folder, making it (0700) if it is not there.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        Self::open_for(path, Readers::default())
    }

    /// The same; what is written is for these readers as well.
    ///
    /// # Errors
    /// As [`Output::open`].
    pub fn open_for(path: &Path, readers: Readers) -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let folder = rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let root = Root {
            folder: RwLock::new(Arc::new(folder)),
            path: path.to_owned(),
            readers,
            id: RwLock::default(),
            is_anew: AtomicBool::new(false),
            unique: AtomicU64::new(0),
            closed: RwLock::default(),
            follower: OnceLock::new(),
            blocked: Blocked::default(),
        };
        Ok(Self(Arc::new(root), WhoTells::Output))
    }

    /// Gives what is there already to the readers, or takes it back from readers before them. Nothing is done where that
    /// was done at an earlier start. Blocks.
    ///
    /// # Errors
    /// When the process may not give files to the readers' group, or a folder cannot be read.
    pub fn settle_readers(&self) -> std::io::Result<()> {
        self.0.readers.settle(&self.root())
    }

    /// From now on this one is told before a file changes. It is set once, before anything is written.
    pub fn set_follower(&self, follower: Arc<dyn Follower>) {
        // A second one would be a fault of the wiring; the first stays.
        let _ = self.0.follower.set(follower);
    }

    /// From now on somebody is told where something else than a folder stands where one belongs.
    pub fn tell_alerts(&self, alerts: Alerts) {
        self.0.blocked.tell(alerts);
    }

    /// Makes sure that no folder is in the way of writing that was, as far as is known.
    ///
    /// # Errors
    /// When something else than a folder stands where one belongs.
    pub fn ensure_unblocked(&self) -> std::io::Result<()> {
        self.0.blocked.ensure_none(&self.0.path)
    }

    /// The same folder for somebody who makes many changes at once and writes them down by himself, before he forgets that
    /// they were to be made.
    #[must_use]
    pub fn told_by_caller(&self) -> Self {
        Self(Arc::clone(&self.0), WhoTells::Caller)
    }

    /// Tells the follower that this file is about to change. The change is over when what is given back is dropped.
    pub(super) fn tell(&self, path: &RelativePath) -> std::io::Result<Option<Change>> {
        match self.0.follower.get().filter(|_| self.1 == WhoTells::Output) {
            Some(follower) => Change::begin(follower, path.to_string()).map(Some),
            None => Ok(None),
        }
    }

    fn root(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.0.folder.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes sure that what was opened is still what has the folder's name. Where another folder has it that carries the
    /// same mark, because it was moved away and back or mounted anew, that one is used from now on. So is an empty one on the
    /// same disk, where what was opened was removed; then its files are to be made again ([`Output::is_anew`]).
    ///
    /// # Errors
    /// When there is no such folder, or it is a stranger's: what is written would be in nobody's sight.
    pub fn ensure_is_there(&self) -> std::io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = self.0.path.display();
        let gone = |error: Errno| {
            let said = format!(
                "the output folder {path} is gone ({error}): put it back, or make an empty one there, which is filled again by \
                 itself"
            );
            std::io::Error::new(ErrorKind::NotFound, said)
        };
        let found = rustix::fs::open(&self.0.path, flags, Mode::empty()).map_err(gone)?;
        let (now, before) = (rustix::fs::fstat(&found)?, rustix::fs::fstat(&*self.root())?);
        if (now.st_dev, now.st_ino) == (before.st_dev, before.st_ino) {
            return Ok(());
        }
        let known = self.0.id.read().unwrap_or_else(PoisonError::into_inner).clone();
        let is_same = known.is_some() && read_mark(&found)? == known;
        // One that was moved away may come back, and one on another disk is what a mount has left.
        let is_successor = before.st_nlink == 0 && now.st_dev == before.st_dev && is_empty(&found)?;
        if !is_same && !is_successor {
            return Err(std::io::Error::new(
                ErrorKind::NotFound,
                format!("another folder is where the output folder {path} was"),
            ));
        }
        if is_successor {
            tracing::warn!("the output folder was removed and made again; its files are made again, too");
            self.0.is_anew.store(true, Ordering::SeqCst);
        } else {
            tracing::warn!("the output folder was moved or mounted anew; it is used where it is now");
        }
        *self.0.folder.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
        Ok(())
    }

    /// Whether the folder was made again, and its files are still to be.
    #[must_use]
    pub fn is_anew(&self) -> bool {
        self.0.is_anew.load(Ordering::SeqCst)
    }

    /// The files are made again: the folder is marked as the one before it was. Blocks.
    ///
    /// # Errors
    /// As [`Output::set_mark`] and [`Output::settle_readers`].
    pub fn settle_anew(&self) -> std::io::Result<()> {
        let known = self.0.id.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(id) = known {
            self.set_mark(&id)?;
        }
        self.settle_readers()?;
        self.0.is_anew.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// The folder's path, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Which installation the folder says it belongs to; `None`: it says none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn mark(&self) -> std::io::Result<Option<String>> {
        let mark = read_mark(&*self.root())?;
        self.0.id.write().unwrap_or_else(PoisonError::into_inner).clone_from(&mark);
        Ok(mark)
    }

    /// From now on the folder belongs to this installation.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn set_mark(&self, id: &str) -> std::io::Result<()> {
        let root = self.root();
        self.swap(&root, MARK, |file| {
            file.write_all(format!("{id}\n").as_bytes())?;
            file.sync_data()
        })?;
        // What was made for another installation says nothing about this one.
        match rustix::fs::unlinkat(&*root, MADE, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        rustix::fs::fsync(&*root)?;
        *self.0.id.write().unwrap_or_else(PoisonError::into_inner) = Some(id.to_owned());
        Ok(())
    }

    /// Up to which event the files are made, as the folder says; 0 where it says nothing. The journal must have come as far:
    /// this is another disk, perhaps, and nobody puts both back into the same older state by mistake.
    #[must_use]
    pub fn made_up_to(&self) -> i64 {
        let read = || -> std::io::Result<i64> {
            let Some(file) = open_plain(&*self.root(), MADE)? else { return Ok(0) };
            let mut text = String::new();
            file.take(32).read_to_string(&mut text)?;
            // The end of the line shows that the number is whole.
            Ok(text.strip_suffix('\n').and_then(|number| number.trim().parse().ok()).unwrap_or(0))
        };
        read().unwrap_or(0)
    }

    /// The files are made up to this event. Not synced: an older number costs a warning that might have been given.
    pub fn note_made(&self, event: i64) {
        let write = || -> std::io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&*self.root(), MADE, flags, Mode::RUSR | Mode::WUSR)?;
            // Always of one length, so that no end of an older number is left.
            File::from(file).write_all_at(format!("{event:>20}\n").as_bytes(), 0)
        };
        let _ = write();
    }

    /// Makes the file hold exactly this document. Blocks until it is on disk.
    ///
    /// # Errors
    /// When the disk is full, read-only or failing, or when something else than a plain file or folder is in the way.
    /// The old document is then still there.
    pub fn write(&self, path: &RelativePath, document: &[u8]) -> std::io::Result<Written> {
        let _open = self.while_open(path)?;
        let (folder, name) = self.place(path)?;
        if holds(&folder, name, document)? {
            return Ok(Written::Unchanged);
        }
        let _change = self.tell(path)?;
        self.swap(&folder, name, |file| {
            file.write_all(document)?;
            file.sync_data()
        })?;
        rustix::fs::fsync(&folder)?;
        Ok(Written::Replaced)
    }

    /// Writes a new file beside the old one and moves it over it.
    fn swap(
        &self,
        folder: &OwnedFd,
        name: &str,
        fill: impl FnOnce(&mut File) -> std::io::Result<()>,
    ) -> std::io::Result<Stamp> {
        let unique = self.unique();
        let temporary = format!(".{name}.{}.{unique}.tmp", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file =
            File::from(rustix::fs::openat(folder, &temporary, flags, Mode::RUSR | Mode::WUSR).map_err(as_io)?);
        let readers = self.readers();
        let moved =
            readers.give_file(&file).and_then(|()| fill(&mut file)).and_then(|()| Stamp::of(&file)).and_then(|stamp| {
                rustix::fs::renameat(folder, &temporary, folder, name).map(|()| stamp).map_err(as_io)
            });
        if moved.is_err() {
            // Best effort: a full disk must not fill further with leftovers.
            let _ = rustix::fs::unlinkat(folder, &temporary, AtFlags::empty());
        }
        moved
    }

    fn place<'a>(&self, path: &'a RelativePath) -> std::io::Result<(OwnedFd, &'a str)> {
        let Some((name, folders)) = path.parts().split_last() else { return Err(ErrorKind::InvalidInput.into()) };
        Ok((self.folder(folders)?, name))
    }

    /// Makes the file hold this document: whole for every reader at once.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn replace(&self, path: &RelativePath, document: &[u8], to_disk: ToDisk) -> std::io::Result<Stamp> {
        let _open = self.while_open(path)?;
        let (folder, name) = self.place(path)?;
        let _change = self.tell(path)?;
        self.swap(&folder, name, |file| {
            file.write_all(document)?;
            if to_disk == ToDisk::First { file.sync_data() } else { Ok(()) }
        })
    }

    /// Makes the file hold its own first `keep` bytes and then `tail`, as [`Output::replace`] does. `None`: the file is
    /// not the one that `stamp` was given for, or does not go on with `old` there, and nothing was done. Where `old` is
    /// `tail` nothing is to be done.
    ///
    /// The bytes are copied inside the kernel, so a long document costs little more than a short one.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn extend(
        &self,
        path: &RelativePath,
        stamp: Stamp,
        keep: u64,
        old: &[u8],
        tail: &[u8],
        to_disk: ToDisk,
    ) -> std::io::Result<Option<Stamp>> {
        let _open = self.while_open(path)?;
        let (folder, name) = self.place(path)?;
        let Some(mut content) = open_plain(&folder, name)? else { return Ok(None) };
        if Stamp::of(&content)? != stamp || content.metadata()?.len() != keep + old.len() as u64 {
            return Ok(None);
        }
        let mut found = vec![0; old.len()];
        content.read_exact_at(&mut found, keep)?;
        if found != old {
            return Ok(None);
        }
        if old == tail {
            return Ok(Some(stamp));
        }
        let _change = self.tell(path)?;
        self.swap(&folder, name, |file| {
            std::io::copy(&mut Read::by_ref(&mut content).take(keep), file)?;
            file.write_all(tail)?;
            if to_disk == ToDisk::First { file.sync_data() } else { Ok(()) }
        })
        .map(Some)
    }

    /// Makes the file hold what `fill` writes, however long that is, and says what the file is then. A file that holds the
    /// same already is left alone. Blocks until it is on disk.
    ///
    /// # Errors
    /// As [`Output::write`], and what `fill` returns. The old document is then still there.
    pub fn write_from(
        &self,
        path: &RelativePath,
        fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> std::io::Result<(Written, Stamp)> {
        let _open = self.while_open(path)?;
        let (folder, name) = self.place(path)?;
        let old = open_plain(&folder, name)?;
        let mut unchanged = None;
        let _change = self.tell(path)?;
        let swapped = self.swap(&folder, name, |file| {
            let comparing = Comparing { new: file, old: old.as_ref(), same: true, buffer: Vec::new() };
            let mut writer = BufWriter::with_capacity(PIECE, comparing);
            fill(&mut writer)?;
            writer.flush()?;
            if writer.get_ref().is_same()? {
                unchanged = old.as_ref().map(Stamp::of).transpose()?;
                return Err(ErrorKind::Interrupted.into());
            }
            drop(writer);
            file.sync_data()
        });
        match (swapped, unchanged) {
            (Err(_), Some(stamp)) => Ok((Written::Unchanged, stamp)),
            (swapped, _) => {
                let stamp = swapped?;
                rustix::fs::fsync(&folder)?;
                Ok((Written::Replaced, stamp))
            }
        }
    }

    /// Makes the file hold itself with some pieces exchanged. `pieces` looks into it and says which: ranges of bytes in
    /// their order, and what shall stand there. `None`: the file is not the one that `stamp` was given for, or `pieces` did
    /// not find its way, and nothing was done.
    ///
    /// What stays is copied inside the kernel. Blocks until it is on disk.
    ///
    /// # Errors
    /// As [`Output::write`], and what `pieces` returns.
    pub fn splice(
        &self,
        path: &RelativePath,
        stamp: Stamp,
        pieces: impl FnOnce(&File, u64) -> std::io::Result<Option<Vec<Piece>>>,
    ) -> std::io::Result<Option<Stamp>> {
        let _open = self.while_open(path)?;
        let (folder, name) = self.place(path)?;
        let Some(mut old) = open_plain(&folder, name)? else { return Ok(None) };
        if Stamp::of(&old)? != stamp {
            return Ok(None);
        }
        let Some(pieces) = pieces(&old, stamp.bytes)? else { return Ok(None) };
        let _change = self.tell(path)?;
        let new = self.swap(&folder, name, |file| {
            let mut at = 0;
            for (range, content) in &pieces {
                let keep = range.start.checked_sub(at).ok_or(ErrorKind::InvalidInput)?;
                std::io::copy(&mut Read::by_ref(&mut old).take(keep), file)?;
                file.write_all(content)?;
                at = range.end;
                old.seek(SeekFrom::Start(at))?;
            }
            std::io::copy(&mut old, file)?;
            file.sync_data()
        })?;
        rustix::fs::fsync(&folder)?;
        Ok(Some(new))
    }

    /// What the file is at this moment; `None` if there is none.
    ///
    /// # Errors
    /// When it cannot be looked at, or is no plain file.
    pub fn stamp(&self, path: &RelativePath) -> std::io::Result<Option<Stamp>> {
        let (folder, name) = self.place(path)?;
        open_plain(&folder, name)?.as_ref().map(Stamp::of).transpose()
    }

    /// The content of a file and what it is; `None` if there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is no plain file.
    pub fn read(&self, path: &RelativePath) -> std::io::Result<Option<(Vec<u8>, Stamp)>> {
        let (folder, name) = self.place(path)?;
        let Some(mut file) = open_plain(&folder, name)? else { return Ok(None) };
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok(Some((content, Stamp::of(&file)?)))
    }

    /// A file, opened for reading; `None` if there is none. No folder is made on the way, and no symbolic link followed.
    ///
    /// # Errors
    /// When it cannot be opened, or is no plain file.
    pub fn find(&self, path: &RelativePath) -> std::io::Result<Option<File>> {
        let Some((name, folders)) = path.parts().split_last() else { return Err(ErrorKind::InvalidInput.into()) };
        match self.find_folder(folders)? {
            Some(folder) => open_plain(&folder, name),
            None => Ok(None),
        }
    }

    /// Renames a file that cannot be right, so that people can look at it: `<name>.damaged-<number>`, or the next number
    /// that is free. What was moved aside before stays.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn move_aside(&self, path: &RelativePath, number: i64) -> std::io::Result<()> {
        let (folder, name) = self.place(path)?;
        let mut aside = format!("{name}.damaged-{number}");
        let mut next = number;
        while rustix::fs::statat(&folder, &aside, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            next = next.wrapping_add(1);
            aside = format!("{name}.damaged-{next}");
        }
        let _change = self.tell(path)?;
        Ok(rustix::fs::renameat(&folder, name, &folder, aside)?)
    }

    /// Removes what was moved aside of a file.
    ///
    /// # Errors
    /// When the folder cannot be read or changed.
    pub fn remove_aside(&self, path: &RelativePath) -> std::io::Result<()> {
        let Some((name, folders)) = path.parts().split_last() else { return Ok(()) };
        let Some(folder) = self.find_folder(folders)? else { return Ok(()) };
        let is_of_it = |found: &std::ffi::CStr| {
            found.to_str().ok().and_then(|found| found.strip_prefix(name.as_str())).is_some_and(is_aside)
        };
        let names: Vec<std::ffi::CString> = rustix::fs::Dir::read_from(&folder)?
            .map(|entry| entry.map(|entry| entry.file_name().to_owned()))
            .filter(|name| name.as_ref().map_or(true, |name| is_of_it(name)))
            .collect::<Result<_, _>>()?;
        for name in &names {
            rustix::fs::unlinkat(&folder, name, AtFlags::empty())?;
        }
        if !names.is_empty() {
            rustix::fs::fsync(&folder)?;
        }
        Ok(())
    }

    /// From now on nothing is written below this folder; what is being written is waited for.
    pub fn close(&self, folder: &RelativePath) {
        self.0.closed.write().unwrap_or_else(PoisonError::into_inner).insert(folder.parts().to_vec());
    }

    /// From now on files may be written below this folder again.
    pub fn reopen(&self, folder: &RelativePath) {
        self.0.closed.write().unwrap_or_else(PoisonError::into_inner).remove(folder.parts());
    }

    /// Holds off whoever wants to close a folder on this path.
    fn while_open(&self, path: &RelativePath) -> std::io::Result<RwLockReadGuard<'_, HashSet<Vec<String>>>> {
        let closed = self.0.closed.read().unwrap_or_else(PoisonError::into_inner);
        if !closed.is_empty() && (1..path.parts().len()).any(|parts| closed.contains(&path.parts()[..parts])) {
            return Err(std::io::Error::new(ErrorKind::PermissionDenied, "what belongs here was erased"));
        }
        Ok(closed)
    }

    /// Removes a folder with everything in it, and gives back how many files there were. A symbolic link is removed and
    /// not followed.
    ///
    /// # Errors
    /// When something cannot be removed. What was removed until then stays removed.
    pub fn remove_folder(&self, path: &RelativePath) -> std::io::Result<usize> {
        let Some((name, parents)) = path.parts().split_last() else { return Ok(0) };
        let Some(parent) = self.find_folder(parents)? else { return Ok(0) };
        let Some(folder) = find_folder_in(&parent, name)? else { return Ok(0) };
        let removed = remove_files(&folder, &|_| true, true)?;
        rustix::fs::unlinkat(&parent, name.as_str(), AtFlags::REMOVEDIR)?;
        rustix::fs::fsync(&parent)?;
        Ok(removed)
    }

    /// Removes the documents `<stem>.json` at any depth of a folder, with their leftovers and what was moved aside of them.
    /// Gives back how many files there were.
    ///
    /// # Errors
    /// As [`Output::remove_folder`].
    pub fn remove_files_of(&self, path: &RelativePath, stem: &str) -> std::io::Result<usize> {
        let Some(folder) = self.find_folder(path.parts())? else { return Ok(0) };
        remove_files(&folder, &|name| belongs_to(name, stem), false)
    }

    /// Opens one file after the other at any depth of a folder and gives it to `see`, with its path below that folder. In
    /// order of their names; without what is half-written, and without symbolic links. Blocks. Where there is no such
    /// folder, nothing is to be seen.
    ///
    /// # Errors
    /// When a folder or file cannot be read, or with the error of `see`.
    pub fn visit(
        &self,
        path: &RelativePath,
        see: &mut dyn FnMut(&str, File) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        match self.find_folder(path.parts())? {
            Some(folder) => visit(&folder, "", see),
            None => Ok(()),
        }
    }

    fn find_folder(&self, parts: &[String]) -> std::io::Result<Option<OwnedFd>> {
        let mut folder = rustix::io::dup(&*self.root())?;
        for part in parts {
            match find_folder_in(&folder, part)? {
                Some(found) => folder = found,
                None => return Ok(None),
            }
        }
        Ok(Some(folder))
    }

    /// Removes what a process that was killed left half-written in a folder. Where there is no such folder, nothing is
    /// to be done.
    ///
    /// # Errors
    /// When the folder cannot be read or changed.
    pub fn remove_leftovers(&self, path: &RelativePath) -> std::io::Result<()> {
        let Some(folder) = self.find_folder(path.parts())? else { return Ok(()) };
        for entry in rustix::fs::Dir::read_from(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name.starts_with(b".") && name.ends_with(b".tmp") {
                rustix::fs::unlinkat(&folder, entry.file_name(), AtFlags::empty())?;
            }
        }
        Ok(())
    }

    /// Waits until everything replaced so far is on disk: one call for any number of files.
    ///
    /// # Errors
    /// When the disk reports that something could not be written.
    pub fn sync(&self) -> std::io::Result<()> {
        // One flush of the file system costs about as much as that of a single file.
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&*self.root())?;
        #[cfg(not(target_os = "linux"))]
        rustix::fs::sync();
        Ok(())
    }

    /// Removes a file, if it is there. Blocks.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, path: &RelativePath) -> std::io::Result<()> {
        let (folder, name) = self.place(path)?;
        let _change = self.tell(path)?;
        match rustix::fs::unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Output::remove`], for async callers.
    ///
    /// # Errors
    /// As [`Output::remove`].
    pub async fn remove_in_background(&self, path: RelativePath) -> std::io::Result<()> {
        let output = self.clone();
        tokio::task::spawn_blocking(move || output.remove(&path)).await.map_err(std::io::Error::other)?
    }

    /// As [`Output::write`], for async callers.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub async fn write_in_background(
        &self,
        path: RelativePath,
        document: impl Into<Vec<u8>>,
    ) -> std::io::Result<Written> {
        let (output, document) = (self.clone(), document.into());
        tokio::task::spawn_blocking(move || output.write(&path, &document)).await.map_err(std::io::Error::other)?
    }

    /// A number that no other temporary file of this process has.
    pub(super) fn unique(&self) -> u64 {
        self.0.unique.fetch_add(1, Ordering::Relaxed)
    }

    /// Who may read what is written.
    pub(super) fn readers(&self) -> Readers {
        self.0.readers
    }

    pub(super) fn folder(&self, parts: &[String]) -> std::io::Result<OwnedFd> {
        let mut folder = rustix::io::dup(&*self.root())?;
        for (at, part) in parts.iter().enumerate() {
            folder = match rustix::fs::openat(&folder, part.as_str(), FOLDER_FLAGS, Mode::empty()) {
                Ok(found) => {
                    self.0.readers.ensure_folder(&found)?;
                    found
                }
                Err(Errno::NOENT) => {
                    match rustix::fs::mkdirat(&folder, part.as_str(), Mode::RWXU) {
                        Ok(()) => rustix::fs::fsync(&folder)?,
                        Err(Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                    let made = rustix::fs::openat(&folder, part.as_str(), FOLDER_FLAGS, Mode::empty())?;
                    self.0.readers.give_folder(&made)?;
                    made
                }
                Err(Errno::NOTDIR | Errno::LOOP) => return Err(self.0.blocked.note(&self.0.path, &parts[..=at])),
                Err(error) => return Err(error.into()),
            };
        }
        Ok(folder)
    }
}

fn is_empty(folder: impl AsFd) -> std::io::Result<bool> {
    for entry in rustix::fs::Dir::read_from(folder)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

fn read_mark(folder: impl AsFd) -> std::io::Result<Option<String>> {
    let Some(file) = open_plain(folder, MARK)? else { return Ok(None) };
    let mut text = String::new();
    file.take(100).read_to_string(&mut text)?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(parts: &[&str]) -> RelativePath {
        RelativePath::new(parts).expect("a plain path")
    }

    #[test]
    fn a_document_is_replaced_whole_and_an_unchanged_one_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = Output::open(folder.path()).expect("the folder opens");
        let file = path(&["facebook", "1", "page_metadata.json"]);
        assert_eq!(output.write(&file, b"{}").expect("written"), Written::Replaced);
        assert_eq!(output.write(&file, b"{}").expect("written"), Written::Unchanged);
        assert_eq!(output.write(&file, b"[]").expect("written"), Written::Replaced);
        let inside: Vec<_> = std::fs::read_dir(folder.path().join("facebook/1"))
            .expect("listed")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(inside, ["page_metadata.json"], "nothing is left beside the document");
    }

    #[test]
    fn a_long_document_is_written_piece_by_piece_and_changed_in_the_middle() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = Output::open(folder.path()).expect("the folder opens");
        let file = path(&["shop", "shop_products.json"]);
        let fill = |words: &'static [&'static str]| {
            move |writer: &mut dyn Write| words.iter().try_for_each(|word| writer.write_all(word.as_bytes()))
        };
        let (written, first) = output.write_from(&file, fill(&["one ", "two ", "three"])).expect("written");
        assert_eq!((written, output.stamp(&file).expect("looked")), (Written::Replaced, Some(first)));
        let (written, again) = output.write_from(&file, fill(&["one two ", "three"])).expect("written");
        assert_eq!((written, again), (Written::Unchanged, first));
        for other in [["one two "].as_slice(), &["one two three four"], &["one two threE"]] {
            assert_eq!(output.write_from(&file, fill(other)).expect("written").0, Written::Replaced);
        }
        let (_, stamp) = output.write_from(&file, fill(&["one two three"])).expect("written");
        let pieces = || Ok(Some(vec![(4..7, b"2".to_vec()), (13..13, b"!".to_vec())]));
        assert_eq!(output.splice(&file, first, |_, _| pieces()).expect("looked"), None, "another file");
        let spliced = output
            .splice(&file, stamp, |_, bytes| {
                assert_eq!(bytes, 13);
                pieces()
            })
            .expect("written");
        assert_eq!(output.read(&file).expect("read"), Some((b"one 2 three!".to_vec(), spliced.expect("spliced"))));
        let failed = output.write_from(&file, |_| Err(ErrorKind::StorageFull.into()));
        assert_eq!(failed.expect_err("told").kind(), ErrorKind::StorageFull);
        assert_eq!(std::fs::read_dir(folder.path().join("shop")).expect("listed").count(), 1, "nothing is left beside");
        assert_eq!(spliced.expect("spliced").to_string().parse::<Stamp>().expect("read"), spliced.expect("spliced"));
    }

    #[test]
    fn a_symbolic_link_is_never_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let outside = tempfile::tempdir().expect("a folder");
        let output = Output::open(folder.path()).expect("the folder opens");
        std::os::unix::fs::symlink(outside.path(), folder.path().join("facebook")).expect("linked");
        assert!(output.write(&path(&["facebook", "a.json"]), b"{}").is_err());
        std::fs::write(outside.path().join("victim"), b"untouched").expect("written");
        std::os::unix::fs::symlink(outside.path().join("victim"), folder.path().join("b.json")).expect("linked");
        output.write(&path(&["b.json"]), b"{}").expect("the link itself is replaced");
        assert_eq!(std::fs::read(outside.path().join("victim")).expect("read"), b"untouched");
    }

    #[test]
    fn a_part_that_is_no_plain_name_is_refused() {
        for part in ["", "..", ".hidden", "a/b", "a\0b", "ä", "a b"] {
            assert!(RelativePath::new(&["x", part]).is_err(), "{part:?}");
        }
        assert!(RelativePath::new(&["demo-shop.myshopify.com", "shop_metadata.json"]).is_ok());
    }
}
