//! The connections that only read.
//!
//! Opening one reads the whole schema, and its statements are prepared anew: that costs more than most questions. So as many
//! questions are asked at once as connections are kept, and the others wait for a moment.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::JournalError;
use crate::shared::database::known_file::KnownFile;

/// How many connections are kept open, and how many short questions are asked at once.
const READERS: usize = 8;

/// The connections that nobody uses at the moment.
pub(super) struct Readers {
    file: KnownFile,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
}

/// A place among those who ask short questions.
pub(super) struct ReaderPlace {
    readers: Arc<Readers>,
    /// `None`: the places were closed, which nobody does.
    _place: Option<OwnedSemaphorePermit>,
}

impl Readers {
    /// None is open yet.
    pub fn of(file: KnownFile) -> Self {
        Self { file, idle: Mutex::default(), places: Arc::new(Semaphore::new(READERS)) }
    }

    /// The database's file.
    pub fn file(&self) -> &KnownFile {
        &self.file
    }

    /// Waits for a place among those who ask short questions.
    pub async fn place(self: Arc<Self>) -> ReaderPlace {
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        ReaderPlace { readers: self, _place: place }
    }

    /// Runs `work` with a connection of its own.
    pub fn lend<T, E>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, JournalError>
    where
        JournalError: From<E>,
    {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.file.open_reader()?,
        };
        let result = work(&connection)?;
        // A connection on which something failed is not used again.
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS {
            idle.push(connection);
        }
        Ok(result)
    }
}

impl ReaderPlace {
    /// As [`Readers::lend`].
    pub fn lend<T>(self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        self.readers.lend(work)
    }
}
