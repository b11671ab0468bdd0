//! Why the journal could not do what it was asked.

/// Why the journal did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// More is waiting than the writer can take.
    #[error("the journal's queue is full")]
    Busy,
    /// The disk or the database failed.
    #[error("the journal cannot be used: {0}")]
    Storage(String),
    /// The process is stopping.
    #[error("the journal is closed")]
    Closed,
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.to_string())
    }
}
