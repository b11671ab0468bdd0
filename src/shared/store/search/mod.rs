//! `search.db`: by which words products are found. It holds nothing that the records do not say, so a file that is missing,
//! foreign, damaged or of another version is made again from them; nothing here is worth a backup.
//!
//! A product has a slot, a number that counts up within its account. For each term of an account a row holds, for each block
//! of 4,096 slots, the slots whose products have it, each with the weight of the term there. So a word that every product
//! of a hundred thousand has is 25 rows of 12 KB, which are read and joined in a millisecond; a table with a row for each word
//! of each product (FTS5's ranking works that way) took fifty times as long for such words.

mod apply;
mod entry;
mod find;
mod postings;
mod slips;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rusqlite::{Connection, ErrorCode, OptionalExtension};

pub use self::apply::IndexChange;
pub use self::entry::{Entry, Price};
pub use self::find::{Hit, Level, Query};
use self::slips::Vocabulary;
use crate::shared::database::sqlite;
use crate::shared::secrets::signature::to_hex;

/// The tables, and what words are made of. Another number: the index is made again.
const VERSION: i32 = 1;

/// Says that a database is ours: the bytes of `shop`.
const APPLICATION: i32 = 0x7368_6f70;

/// How many reading connections are kept open, and how much of the file each keeps in memory, in KiB.
const READERS: usize = 2;
const CACHE_KIB: i32 = 4 * 1024;

const SCHEMA: &str = "
    -- Whose changes it follows, and how far it has come.
    CREATE TABLE state (
        one       INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
        identity  TEXT    NOT NULL,          -- a random name; the journal keeps it beside the changes
        position  INTEGER NOT NULL,          -- the last change of a record that is in the index
        walked    TEXT,                      -- up to where all records were read; NULL: all of them
        traces    INTEGER NOT NULL           -- whether something was erased and the file not yet written anew
    ) STRICT;
    INSERT INTO state VALUES (1, '', 0, NULL, 0);
    CREATE TABLE shops (
        shop      INTEGER NOT NULL PRIMARY KEY,
        channel   TEXT    NOT NULL,
        account   TEXT    NOT NULL,
        slots     INTEGER NOT NULL,          -- how many slots were given
        UNIQUE (channel, account)
    ) STRICT;
    CREATE TABLE products (
        number    INTEGER NOT NULL PRIMARY KEY, -- shop and slot
        shop      INTEGER NOT NULL,
        id        TEXT    NOT NULL,          -- of the record
        title     TEXT    NOT NULL,          -- folded, to sort by
        terms     BLOB    NOT NULL,          -- what it is found by
        UNIQUE (shop, id)
    ) STRICT;
    CREATE INDEX products_by_title ON products (shop, title);
    CREATE TABLE postings (
        shop      INTEGER NOT NULL,
        term      TEXT    NOT NULL,
        block     INTEGER NOT NULL,
        slots     BLOB    NOT NULL,          -- slot within the block and weight, by slot
        PRIMARY KEY (shop, term, block)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE words (                     -- the words that may be mistyped
        shop      INTEGER NOT NULL,
        word      TEXT    NOT NULL,
        PRIMARY KEY (shop, word)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE facts (                     -- price and availability of each slot of a block
        shop      INTEGER NOT NULL,
        block     INTEGER NOT NULL,
        slots     BLOB    NOT NULL,
        PRIMARY KEY (shop, block)
    ) STRICT, WITHOUT ROWID;
";

/// Where the index stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its random name.
    pub identity: String,
    /// The last change of a record that is in it.
    pub position: i64,
    /// Up to where all records were read; `None`: all were.
    pub walked: Option<String>,
}

/// Why the index could not be used.
#[derive(Debug, thiserror::Error)]
#[error("the search index cannot be used: {0}")]
pub struct SearchError(String);

impl From<rusqlite::Error> for SearchError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

/// The index. Cheap to clone. All calls block.
#[derive(Clone)]
pub struct SearchIndex(Arc<Inner>);

struct Inner {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Readers>,
    /// The words of the shops in which somebody mistyped one.
    vocabularies: RwLock<HashMap<i64, Vocabulary>>,
    /// The file turned out to be damaged while it was used.
    is_damaged: AtomicBool,
}

/// Connections that only read.
#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    /// Which file they read: it counts up when that is replaced or written anew.
    generation: u64,
}

impl SearchIndex {
    /// Opens the index; one that cannot be used is replaced by an empty one, which stands before all records.
    ///
    /// # Errors
    /// When no file can be made at this path.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            writer: Mutex::new(open(path)?),
            readers: Mutex::default(),
            vocabularies: RwLock::default(),
            is_damaged: AtomicBool::new(false),
        })))
    }

    /// Where the index stands.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn state(&self) -> Result<State, SearchError> {
        self.write(|connection| {
            connection.query_row("SELECT identity, position, walked FROM state", [], |row| {
                Ok(State { identity: row.get(0)?, position: row.get(1)?, walked: row.get(2)? })
            })
        })
    }

    /// Empties the index, gives it a new name, and lets it begin before all records: `position` is the newest change now, and
    /// `walked` the place before the first record. Gives the name.
    ///
    /// # Errors
    /// When the file cannot be replaced.
    pub fn start_over(&self, position: i64, walked: &str) -> anyhow::Result<String> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let identity = to_hex(&random);
        let mut writer = self.writer();
        self.forget_readers();
        // The file is closed before its successor is made.
        *writer = Connection::open_in_memory()?;
        sqlite::remove_disposable(&self.0.path)?;
        *writer = open(&self.0.path)?;
        // Also those that were opened before the file was gone.
        self.forget_readers();
        writer.execute(
            "UPDATE state SET identity = ?1, position = ?2, walked = ?3",
            rusqlite::params![identity, position, walked],
        )?;
        self.0.is_damaged.store(false, Ordering::Release);
        Ok(identity)
    }

    /// Whether the file turned out to be damaged: it is to be started over.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.0.is_damaged.load(Ordering::Acquire)
    }

    /// Writes the file anew if something was erased of it, so that no byte of that is left in it or in its log.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn scrub(&self) -> Result<(), SearchError> {
        self.write(|connection| {
            if connection.query_row("SELECT traces FROM state", [], |row| row.get(0))? {
                // Idle readers hold nothing, but a log that is in use cannot be cut.
                self.forget_readers();
                connection.execute_batch("VACUUM")?;
                if !sqlite::empty_log(connection)? {
                    return Err(rusqlite::Error::SqliteFailure(
                        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                        Some("the log is in use".to_owned()),
                    ));
                }
                connection.execute("UPDATE state SET traces = 0", [])?;
            }
            Ok(())
        })
    }

    fn write<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, SearchError> {
        let writer = self.writer();
        work(&writer).map_err(|error| self.note(error))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, SearchError> {
        let (idle, generation) = {
            let mut readers = self.readers();
            (readers.idle.pop(), readers.generation)
        };
        let connection = match idle {
            Some(connection) => connection,
            None => self.open_reader().map_err(|error| self.note(error))?,
        };
        // Everything is seen as it stood at one instant.
        let found = connection.unchecked_transaction().and_then(|transaction| {
            let found = work(&transaction)?;
            transaction.finish()?;
            Ok(found)
        });
        match found {
            Ok(found) => {
                let mut readers = self.readers();
                if readers.generation == generation && readers.idle.len() < READERS && !self.is_damaged() {
                    readers.idle.push(connection);
                }
                Ok(found)
            }
            Err(error) => Err(self.note(error)),
        }
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        let connection = sqlite::open_reader(&self.0.path)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        Ok(connection)
    }

    /// Remembers what shows that the file is damaged.
    fn note(&self, error: rusqlite::Error) -> SearchError {
        let is_damage = match &error {
            rusqlite::Error::SqliteFailure(failure, _) => {
                matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            }
            // Values of another type than the tables have, or no table.
            rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..) => true,
            _ => false,
        };
        if is_damage {
            self.0.is_damaged.store(true, Ordering::Release);
        }
        error.into()
    }

    fn forget_readers(&self) {
        let mut readers = self.readers();
        readers.idle.clear();
        readers.generation += 1;
        drop(readers);
        self.0.vocabularies.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.0.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.0.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> anyhow::Result<Connection> {
    let connection = sqlite::open_disposable(path, APPLICATION, VERSION, SCHEMA)?;
    connection.pragma_update(None, "cache_size", -2 * CACHE_KIB)?;
    Ok(connection)
}

/// The number of an account's shop in the index, and how many slots it has given.
fn find_shop(connection: &Connection, channel: &str, account: &str) -> rusqlite::Result<Option<(i64, u32)>> {
    connection
        .prepare_cached("SELECT shop, slots FROM shops WHERE channel = ?1 AND account = ?2")?
        .query_row([channel, account], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}
