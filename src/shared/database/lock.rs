//! One process per data folder. The kernel releases the lock when the process dies, however it dies.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

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
    /// Takes the folders of these databases.
    ///
    /// # Errors
    /// When another process holds one of them: the sentence names it.
    pub fn take<'a>(databases: impl IntoIterator<Item = &'a Path>) -> Result<Self, LockError> {
        let mut folders: Vec<PathBuf> = databases.into_iter().map(|path| folder_of(path).to_owned()).collect();
        folders.sort();
        folders.dedup();
        folders.iter().map(|folder| take(folder)).collect::<Result<_, _>>().map(Self)
    }
}

/// The folder of a database, also when its path is a bare name.
#[must_use]
pub fn folder_of(database: &Path) -> &Path {
    database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn take(folder: &Path) -> Result<File, LockError> {
    let path = folder.join(NAME);
    let open = || -> anyhow::Result<File> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?)
    };
    let mut file = open().with_context(|| format!("the lock file {} cannot be made", path.display()))?;
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
            let refused =
                || -> anyhow::Result<()> { bail!("the lock file {} cannot be locked: {error}", path.display()) };
            refused()?;
            Ok(file)
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
        let lock = DataLock::take([database.as_path()]).expect("it is free");
        // What a fork does to every open file.
        let copy = lock.0[0].try_clone().expect("a copy");
        assert!(matches!(DataLock::take([database.as_path()]), Err(LockError::Held(_))));
        drop(lock);
        DataLock::take([database.as_path()]).expect("it is free again");
        drop(copy);
    }
}
