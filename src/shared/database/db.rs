//! A small database with one connection.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use rusqlite::Connection;

use super::known_file::KnownFile;
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
            if let Some(file) = &opened.file {
                file.ensure_is_there().context("a database was moved, removed or replaced while it is used")?;
            }
            let mut connection = opened.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let done = work(&mut connection);
            opened.changes.store(connection.total_changes(), Ordering::Release);
            done.map_err(Into::into)
        })
        .await
        .context("a database task did not finish")?
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
