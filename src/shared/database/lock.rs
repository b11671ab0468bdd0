//! One process per data folder and per output folder. The kernel releases the locks when the process dies, however it dies.
//!
//! The folders themselves are locked, and in a data folder a file, too, which says who has it: a file can be deleted while
//! it is locked, and the next one of its name is another one.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail};

use super::ownership;

/// The name of the lock file in a data folder.
const NAME: &str = "shoptalk.lock";

/// Holds the data folders until it is dropped.
#[derive(Debug)]
pub struct DataLock(Vec<File>);

impl Drop for DataLock {
    /// Releases the locks. Closing the files would not do: a process that is just being started by another thread has copies
    /// of their descriptors until it runs its own program, and the lock would last as long.
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = file.unlock();
        }
    }
}

/// Why the folders could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has them.
    #[error("{0}")]
    Held(String),
    /// The lock file cannot be made.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl DataLock {
    /// Takes the folders of these databases, and the output folder.
    ///
    /// # Errors
    /// When another process holds one of them, or somebody else may write to it: the sentence says which and who.
    pub fn take<'a>(databases: impl IntoIterator<Item = &'a Path>, output: &Path) -> Result<Self, LockError> {
        let mut taken = Self(Vec::new());
        let mut known = Vec::new();
        let folders = databases.into_iter().map(|path| (folder_of(path), true)).chain([(output, false)]);
        for (path, has_databases) in folders {
            let (folder, id) = open_folder(path)?;
            // One folder may have several names.
            if known.contains(&id) {
                continue;
            }
            known.push(id);
            if has_databases {
                taken.0.push(take_file(path)?);
            }
            taken.0.extend(take_folder(folder, path, has_databases)?);
        }
        Ok(taken)
    }
}

/// A folder, made if it is not there, and what names it on this machine whatever its path is: its device and its number there.
fn open_folder(path: &Path) -> anyhow::Result<(File, (u64, u64))> {
    let open = || -> std::io::Result<(File, fs::Metadata)> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let folder = File::open(path)?;
        let metadata = folder.metadata()?;
        Ok((folder, metadata))
    };
    let (folder, metadata) = open().with_context(|| format!("the folder {} cannot be used", path.display()))?;
    ownership::ensure_is_ours(path, &metadata)?;
    Ok((folder, (metadata.dev(), metadata.ino())))
}

/// `None`: the file system has no such locks; a data folder has its lock file.
fn take_folder(folder: File, path: &Path, has_databases: bool) -> Result<Option<File>, LockError> {
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => Err(LockError::Held(held_folder(path, has_databases))),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "the folder {} cannot be locked", path.display());
            Ok(None)
        }
    }
}

/// What whoever starts a second process is told.
fn held_folder(path: &Path, has_databases: bool) -> String {
    match has_databases {
        true => format!(
            "another shoptalk uses the data folder {}, though its lock file was deleted; stop it first, or give this one its \
             own folder",
            path.display()
        ),
        false => format!(
            "another shoptalk writes its files to {}; stop it first, or give this one its own OUTPUT_DIR",
            path.display()
        ),
    }
}

/// The folder of a database, also when its path is a bare name.
#[must_use]
pub fn folder_of(database: &Path) -> &Path {
    database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn take_file(folder: &Path) -> Result<File, LockError> {
    let path = folder.join(NAME);
    let mut options = fs::OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut file = opened.with_context(|| format!("the lock file {} cannot be made", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            let write_pid = |file: &mut File| -> std::io::Result<()> {
                file.set_len(0)?;
                file.rewind()?;
                writeln!(file, "{}", std::process::id())
            };
            // The number is for people; the lock is what counts.
            if let Err(error) = write_pid(&mut file) {
                tracing::warn!(%error, "the lock file could not be written");
            }
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            Err(LockError::Held(format!(
                "another shoptalk (process {}) uses the data folder {}; stop it first, or give this one its own folder",
                pid.trim(),
                folder.display()
            )))
        }
        Err(TryLockError::Error(error)) => {
            Err(LockError::Other(anyhow::anyhow!("the lock file {} cannot be locked: {error}", path.display())))
        }
    }
}

/// The file of a data folder that says that a restore began and did not end.
pub const RESTORING: &str = "restore-under-way";

/// Makes sure that what stands in a data folder was restored whole, or not at all.
///
/// # Errors
/// When a restore broke off.
pub fn ensure_no_restore_broke_off(folder: &Path) -> anyhow::Result<()> {
    if folder.join(RESTORING).exists() {
        bail!(
            "a restore into {} broke off, so its databases and files do not belong together; run `shoptalk restore` again",
            folder.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_owner_also_while_somebody_has_a_copy_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("data/x.db");
        let take = || DataLock::take([database.as_path()], folder.path());
        let lock = take().expect("it is free");
        // What a fork does to every open file.
        let copies: Vec<File> = lock.0.iter().map(|file| file.try_clone().expect("a copy")).collect();
        assert!(matches!(take(), Err(LockError::Held(_))));
        drop(lock);
        take().expect("it is free again");
        drop(copies);
    }

    #[test]
    fn one_folder_under_several_names_is_one_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("made");
        std::os::unix::fs::symlink(&data, folder.path().join("link")).expect("made");
        let names = ["data/a.db", "data//b.db", "data/./c.db", "link/d.db"].map(|name| folder.path().join(name));
        let take = || DataLock::take(names.iter().map(AsRef::as_ref), &folder.path().join("link"));
        let lock = take().expect("it is free");
        assert!(matches!(take(), Err(LockError::Held(_))));
        drop(lock);
        take().expect("it is free again");
    }

    #[test]
    fn f6_a_folder_is_held_also_when_its_lock_file_was_deleted_and_so_is_the_output_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let (database, output) = (folder.path().join("data/x.db"), folder.path().join("files"));
        let lock = DataLock::take([database.as_path()], &output).expect("it is free");
        fs::remove_file(folder.path().join("data").join(NAME)).expect("deleted");
        let told = |taken: Result<DataLock, LockError>| match taken {
            Err(LockError::Held(sentence)) => sentence,
            other => format!("{other:?}"),
        };
        let second = told(DataLock::take([database.as_path()], &folder.path().join("others")));
        assert!(second.contains("though its lock file was deleted"), "{second}");
        // A copy of the data folder carries the same mark as the files.
        let copy = folder.path().join("copy/x.db");
        let second = told(DataLock::take([copy.as_path()], &output));
        assert!(second.contains("its own OUTPUT_DIR"), "{second}");
        drop(lock);
        DataLock::take([copy.as_path()], &output).expect("it is free again");
        // One folder for both is locked once.
        DataLock::take([copy.as_path()], &folder.path().join("copy")).expect("it is free");
    }
}
