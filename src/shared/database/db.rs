//! A small database with one connection.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use rusqlite::Connection;

use super::known_file::{KnownFile, LastChanges};
use super::sqlite::{open, open_or_begin_anew, open_reader};

/// A small database with one connection: `tokens.db`, `sessions.db`. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Opened>);

struct Opened {
    connection: Mutex<Connection>,
    /// How many rows were changed through this connection, or more.
    changes: AtomicU64,
    /// Where it is and which file that was; `None`: it is only looked at, or has no name.
    file: Option<KnownFile>,
}

/// What tells whether anything in a database may have changed: as long as it is equal, nothing has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::shared) struct DbState {
    /// What this process has changed.
    changes: u64,
    /// What others have changed.
    files: LastChanges,
}

impl From<Connection> for Db {
    fn from(connection: Connection) -> Self {
        Self(Arc::new(Opened { connection: Mutex::new(connection), changes: AtomicU64::new(0), file: None }))
    }
}

impl Db {
    /// Opens or creates the database and applies its migrations.
    ///
    /// # Errors
    /// As `sqlite::open`.
    pub fn open(path: &Path, migrations: &[&'static str]) -> anyhow::Result<Self> {
        Self::at(path, open(path, migrations)?)
    }

    /// As [`Db::open`], for a database that is worth no backup: in the place of one that is damaged a new one is begun. Then
    /// the second value is true. `stamp` is a part of the name that the damaged one gets.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn open_or_begin_anew(path: &Path, migrations: &[&'static str], stamp: i64) -> anyhow::Result<(Self, bool)> {
        let (connection, is_new) = open_or_begin_anew(path, migrations, stamp)?;
        Ok((Self::at(path, connection)?, is_new))
    }

    fn at(path: &Path, connection: Connection) -> anyhow::Result<Self> {
        let (connection, file) = (Mutex::new(connection), Some(KnownFile::of(path)?));
        Ok(Self(Arc::new(Opened { connection, changes: AtomicU64::new(0), file })))
    }

    /// Opens a database only to look at it.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open_to_look(path: &Path) -> rusqlite::Result<Self> {
        Ok(open_reader(path)?.into())
    }

    /// A number that grows with every change that this process makes, and sometimes without one.
    pub(in crate::shared) fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }

    /// How the database is now. Asks it nothing: two looks at its files.
    ///
    /// # Errors
    /// When it was moved, removed or replaced.
    pub(in crate::shared) fn state(&self) -> anyhow::Result<DbState> {
        let changes = self.changes();
        Ok(DbState { changes, files: self.0.last_changes()? })
    }

    /// Runs `work` with the connection on a thread that may block. A transaction begins and ends inside one call.
    ///
    /// # Errors
    /// What `work` returns, or that its thread failed.
    pub(in crate::shared) async fn call<T, E>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> anyhow::Result<T>
    where
        T: Send + 'static,
        E: Into<anyhow::Error> + Send + 'static,
    {
        let opened = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            opened.last_changes()?;
            let mut connection = opened.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let done = work(&mut connection);
            opened.changes.store(connection.total_changes(), Ordering::Release);
            done.map_err(Into::into)
        })
        .await
        .context("a database task did not finish")?
    }
}

impl Opened {
    /// When the files were changed last; they are the ones that were opened.
    fn last_changes(&self) -> anyhow::Result<LastChanges> {
        let Some(file) = &self.file else { return Ok(LastChanges::default()) };
        file.last_changes().context("a database was moved, removed or replaced while it is used")
    }
}

impl Db {
    /// As [`Db::call`], for the test that looks at a connection's settings.
    ///
    /// # Errors
    /// As [`Db::call`].
    #[doc(hidden)]
    pub async fn with_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        self.call(move |connection| work(connection)).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::sqlite::run_sql;
    use super::*;

    #[tokio::test]
    async fn a_change_is_another_state_whoever_made_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let db = Db::open(&path, &["CREATE TABLE t (n INTEGER) STRICT;"]).unwrap();
        let look =
            || db.call(|connection| connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)));
        assert_eq!(look().await.unwrap(), 0);
        let before = db.state().unwrap();
        assert_eq!(look().await.unwrap(), 0);
        assert_eq!(db.state().unwrap(), before, "nothing was changed");
        db.call(|connection| connection.execute("INSERT INTO t VALUES (1)", [])).await.unwrap();
        let ours = db.state().unwrap();
        assert_ne!(ours, before);
        run_sql(&path, "INSERT INTO t VALUES (2)");
        assert_ne!(db.state().unwrap(), ours);
        assert_eq!(look().await.unwrap(), 2);
        std::fs::rename(&path, folder.path().join("b.db")).unwrap();
        assert!(db.state().is_err(), "it is not there any more");
    }
}
