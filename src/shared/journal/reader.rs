//! A connection that only reads, as the rest of the program sees it: it answers typed questions and takes no SQL.

use rusqlite::Connection;

/// Reads the journal's database for work that needs several answers, or a long one piece by piece. Files and rows of this
/// room and of `store` add the questions.
pub struct JournalReader<'a>(&'a Connection);

impl<'a> JournalReader<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self(connection)
    }

    /// The connection.
    pub(in crate::shared) fn connection(&self) -> &'a Connection {
        self.0
    }
}
