//! A database's file as it was when it was opened, so that no other one that is put into its place is taken for it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::sqlite;

/// Which file of which file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(path: &Path) -> std::io::Result<Self> {
        fs::metadata(path).map(|found| Self::from(&found))
    }
}

impl From<&fs::Metadata> for FileId {
    fn from(found: &fs::Metadata) -> Self {
        Self { device: found.dev(), inode: found.ino() }
    }
}

/// How long a file is, and when it was changed last: seconds since 1970 and nanoseconds.
type LastChange = (u64, i64, i64);

/// When a database and its log were changed last, whoever did it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::shared) struct LastChanges([Option<LastChange>; 2]);

/// A database's file and its write-ahead log, which are one: what was committed stands in either.
#[derive(Debug, Clone)]
pub(in crate::shared) struct KnownFile {
    path: PathBuf,
    id: FileId,
    log: PathBuf,
    /// `None`: there was none, because nothing was read or written yet.
    log_id: Option<FileId>,
}

impl KnownFile {
    /// The file that is at this path at the moment.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        Ok(Self { id: FileId::of(path)?, log_id: FileId::of(&log).ok(), path: path.to_owned(), log })
    }

    /// Where it was.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that file and log still have their names: what is written to one without a name is gone with the process.
    ///
    /// # Errors
    /// [`rusqlite::Error::InvalidPath`], with the name that they have not.
    pub fn ensure_is_there(&self) -> rusqlite::Result<()> {
        self.last_changes().map(drop)
    }

    /// As [`KnownFile::ensure_is_there`]; gives when file and log were changed last.
    ///
    /// # Errors
    /// As [`KnownFile::ensure_is_there`].
    pub fn last_changes(&self) -> rusqlite::Result<LastChanges> {
        let mut changes = LastChanges::default();
        let files = [(&self.path, Some(self.id)), (&self.log, self.log_id)];
        for ((path, id), change) in files.into_iter().zip(&mut changes.0) {
            let found = fs::metadata(path);
            if let Ok(found) = &found {
                *change = Some((found.len(), found.mtime(), found.mtime_nsec()));
            }
            match found {
                _ if id.is_none() => {}
                Ok(found) if Some(FileId::from(&found)) == id => {}
                // Where the folder cannot be looked into at the moment, nothing says that the file is another.
                Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                _ => return Err(rusqlite::Error::InvalidPath(path.clone())),
            }
        }
        Ok(changes)
    }

    /// Opens another connection to this very file: none is made, and none that was put into its place is opened, not even
    /// for a moment in which it is exchanged.
    ///
    /// # Errors
    /// [`rusqlite::Error::InvalidPath`] when another file or none is there; what SQLite says.
    pub fn open(&self) -> rusqlite::Result<Connection> {
        self.open_checked(|path| {
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        })
    }

    /// As [`KnownFile::open`], to read only.
    ///
    /// # Errors
    /// As [`KnownFile::open`].
    pub fn open_reader(&self) -> rusqlite::Result<Connection> {
        self.open_checked(sqlite::open_reader)
    }

    fn open_checked(&self, open: impl FnOnce(&Path) -> rusqlite::Result<Connection>) -> rusqlite::Result<Connection> {
        self.ensure_is_there()?;
        let connection = open(&self.path)?;
        // SQLite opens the file at once and its log with the first read. Nothing is read of a file that was exchanged
        // meanwhile, and closing it writes nothing either.
        self.ensure_is_there()?;
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_at_the_place_of_a_database_is_never_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, away) = (folder.path().join("a.db"), folder.path().join("away.db"));
        let first = sqlite::open(&path, &["CREATE TABLE t (n INTEGER) STRICT;"]).expect("opened");
        let known = KnownFile::of(&path).expect("there");
        assert!(known.open().is_ok() && known.open_reader().is_ok());
        fs::rename(&path, &away).expect("moved");
        assert!(matches!(known.open(), Err(rusqlite::Error::InvalidPath(_))));
        assert!(!path.exists(), "none is made");
        fs::write(&path, "another one").expect("written");
        for opened in [known.open(), known.open_reader()] {
            assert!(matches!(opened, Err(rusqlite::Error::InvalidPath(wrong)) if wrong == path));
        }
        assert_eq!(fs::read(&path).expect("there"), b"another one");
        // Exchanged between the look and the opening.
        fs::rename(&away, &path).expect("moved back");
        let exchanged = known.open_checked(|path| {
            fs::rename(path, &away).expect("moved");
            fs::write(path, "").expect("written");
            Connection::open(path)
        });
        assert!(matches!(exchanged, Err(rusqlite::Error::InvalidPath(_))));
        assert_eq!(fs::read(&path).expect("there"), b"");
        fs::rename(&away, &path).expect("moved back");
        assert!(known.open().is_ok());
        // The log alone.
        fs::remove_file(folder.path().join("a.db-wal")).expect("removed");
        assert!(matches!(known.ensure_is_there(), Err(rusqlite::Error::InvalidPath(wrong)) if wrong != path));
        drop(first);
    }
}
