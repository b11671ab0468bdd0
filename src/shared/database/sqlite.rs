//! Opens SQLite as all databases need it, migrates, and keeps blocking work off the async threads.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{M, Migrations};

use crate::shared::secrets::random::random_hex;

/// The oldest SQLite that is safe here: older ones can corrupt a database in WAL mode (3.51.3 mends it).
const OLDEST_SQLITE: i32 = 3_051_003;

/// How many prepared statements a connection keeps: more than any of them is asked in turn, because preparing one again costs
/// more than most of them take.
const STATEMENTS: usize = 256;

/// How long a statement waits for somebody else's lock.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens or creates a database file (0600, in a folder made 0700), sets WAL and `synchronous=FULL`, and migrates.
///
/// # Errors
/// When the folder or file cannot be made or read, when the file is not a database or is damaged, when it was written
/// by a newer version of this program, or when the SQLite built in is too old.
pub(in crate::shared) fn open(path: &Path, migrations: &[&'static str]) -> anyhow::Result<Connection> {
    ensure!(
        rusqlite::version_number() >= OLDEST_SQLITE,
        "SQLite {} is too old: 3.51.3 or newer is needed",
        rusqlite::version()
    );
    create_private(path)?;
    let explain = || {
        if is_full(path) {
            return format!(
                "the database {} cannot be opened because the disk is full; nothing was changed. Make room and start again",
                path.display()
            );
        }
        format!(
            "the database {} cannot be used; it was left as it is. Restore it from a backup, or move it away (with the \
             files of the same name ending in -wal and -shm) to start with an empty one",
            path.display()
        )
    };
    let mut connection = Connection::open(path).with_context(explain)?;
    check(&connection, path).with_context(explain)?;
    configure(&connection).with_context(explain)?;
    let migrations = Migrations::new(migrations.iter().map(|sql| M::up(sql)).collect());
    match migrations.to_latest(&mut connection) {
        Ok(()) => Ok(connection),
        Err(rusqlite_migration::Error::MigrationDefinition(
            rusqlite_migration::MigrationDefinitionError::DatabaseTooFarAhead,
        )) => bail!("the database {} was written by a newer version of shoptalk; start that version", path.display()),
        Err(error) => Err(error).with_context(explain),
    }
}

/// What is wrong within a database.
#[derive(Debug, thiserror::Error)]
#[error("it is damaged: {0}")]
struct Damaged(String);

/// Opens a database that is worth no backup. One that is damaged, or is none, is moved aside, and an empty one begun; then
/// the second value is true.
///
/// # Errors
/// As [`open`].
pub(in crate::shared) fn open_or_begin_anew(
    path: &Path,
    migrations: &[&'static str],
    stamp: i64,
) -> anyhow::Result<(Connection, bool)> {
    let error = match open(path, migrations) {
        Ok(connection) => return Ok((connection, false)),
        Err(error) if error.chain().any(is_damage) => error,
        Err(error) => return Err(error),
    };
    tracing::error!(error = format!("{error:#}"), "{} is moved aside, and a new one is begun", path.display());
    for end in ["-wal", "-shm", ""] {
        let file = format!("{}{end}", path.display());
        match fs::rename(&file, format!("{}.damaged-{stamp}{end}", path.display())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{file} cannot be moved aside"));
            }
            _ => {}
        }
    }
    Ok((open(path, migrations)?, true))
}

/// Whether this says that the file itself is at fault, and not the disk, its rights, or a newer version.
fn is_damage(error: &(dyn std::error::Error + 'static)) -> bool {
    let code = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    matches!(code, Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
        || error.downcast_ref::<Damaged>().is_some()
}

/// Up to this size a database is checked whole at every start: about a fifth of a second.
const CHECKED_WHOLE_BYTES: u64 = 64 * 1024 * 1024;

/// Looks for damage, and writes nothing while it looks: closing a connection would otherwise move the write-ahead log
/// into a damaged file. In a database too large to be read at every start, the newest events and all small tables are
/// checked.
fn check(connection: &Connection, path: &Path) -> anyhow::Result<()> {
    check_length(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let tables: Vec<String> = if fs::metadata(path)?.len() <= CHECKED_WHOLE_BYTES {
        vec!["100".to_owned()]
    } else {
        connection
            .prepare(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('events', 'sqlite_sequence')",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?
    };
    for table in tables {
        let found: String = connection.query_row(&format!("PRAGMA quick_check({table})"), [], |row| row.get(0))?;
        ensure!(found == "ok", Damaged(found));
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// SQLite reads what is cut off from the end of the last page as zeros and may find nothing wrong with them.
fn check_length(path: &Path) -> anyhow::Result<()> {
    let log = fs::metadata(format!("{}-wal", path.display()));
    let mut header = [0; 100];
    if log.is_ok_and(|log| log.len() > 0) || fs::File::open(path)?.read_exact(&mut header).is_err() {
        // Pages may still stand in the log; and of what is too short for a header, SQLite itself says what it is.
        return Ok(());
    }
    let number =
        |at: usize| u64::from(u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]));
    let page_bytes = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65536,
        bytes => bytes,
    };
    // The count of pages holds only where both counters agree. Source: <https://sqlite.org/fileformat2.html>, 1.3.
    let counted = header.starts_with(b"SQLite format 3\0") && number(24) == number(92);
    let bytes = fs::metadata(path)?.len();
    let is_whole = !counted || (bytes >= number(28) * page_bytes && bytes.is_multiple_of(page_bytes.max(1)));
    ensure!(is_whole, Damaged("its end is missing".to_owned()));
    Ok(())
}

/// Whether there is too little room beside this file for SQLite to open it.
fn is_full(path: &Path) -> bool {
    const NEEDED_BYTES: u64 = 64 * 1024;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    rustix::fs::statvfs(folder).is_ok_and(|space| space.f_bavail * space.f_frsize < NEEDED_BYTES)
}

/// Has SQLite keep its temporary files in this folder, for the whole process: a database that is rewritten is copied there, and
/// what it holds belongs where the data is, not in a folder of the system that may be small, or memory.
///
/// # Errors
/// When the folder cannot be written.
pub fn keep_temporary_files_in(folder: &Path) -> anyhow::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // The other ways to say it are a variable of the environment, which may not change while threads run, and a call of C.
    Connection::open_in_memory()?.pragma_update(None, "temp_store_directory", folder.to_str())?;
    Ok(())
}

/// Opens an empty database in this folder whose file has no name: it goes when it is closed, also by a kill. It is fast and
/// promises nothing: for what can be had again.
///
/// # Errors
/// When no file can be made there.
pub(in crate::shared) fn open_unnamed(folder: &Path) -> anyhow::Result<Connection> {
    let path = folder.join(format!(".staging-{}", random_hex::<8>()?));
    create_private(&path)?;
    let opened = Connection::open(&path).and_then(|connection| {
        connection.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA trusted_schema = OFF;",
        )?;
        Ok(connection)
    });
    fs::remove_file(&path)?;
    Ok(opened?)
}

/// Opens or creates a database that can be made again from another one at any time: `application` and `version` say whether
/// a file is such a one. Anything else in its place is removed: a file that is foreign, of another version, or cut off. What
/// is damaged within shows when it is used, and the caller has it made again then: reading it whole at each start would cost
/// seconds. It is committed without waiting for the disk, so a power cut may take the newest commits, and nothing but those.
///
/// # Errors
/// When no file can be made there.
pub(in crate::shared) fn open_disposable(
    path: &Path,
    application: i32,
    version: i32,
    schema: &str,
) -> anyhow::Result<Connection> {
    create_private(path)?;
    let open = || -> anyhow::Result<Connection> {
        check_length(path)?;
        let mut connection = Connection::open(path)?;
        configure(&connection)?;
        connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF;")?;
        let is_empty: bool =
            connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
        if is_empty {
            let transaction = connection.transaction()?;
            transaction.execute_batch(schema)?;
            transaction.pragma_update(None, "application_id", application)?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()?;
        }
        let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        ensure!(number("application_id")? == application, "it is another program's");
        ensure!(number("user_version")? == version, "it is of another version");
        Ok(connection)
    };
    open().or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "{} cannot be used; it is made again", path.display());
        remove_disposable(path)?;
        create_private(path)?;
        open().with_context(|| format!("the database {} cannot be made", path.display()))
    })
}

/// Removes a database with its log.
///
/// # Errors
/// When a file is there and cannot be removed.
pub(in crate::shared) fn remove_disposable(path: &Path) -> anyhow::Result<()> {
    for end in ["-wal", "-shm", ""] {
        let mut file = path.as_os_str().to_owned();
        file.push(end);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", Path::new(&file).display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Opens a second connection that only reads.
///
/// # Errors
/// When the file cannot be opened.
pub(in crate::shared) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    keep_plans(&connection)?;
    Ok(connection)
}

/// Copies a database as it stands at one instant, whoever writes to it meanwhile, into the empty file at `to`.
///
/// # Errors
/// When the one cannot be read, or the other not be written.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let connection = open_reader(from).with_context(|| format!("{} cannot be read", from.display()))?;
    let path = to.to_str().context("the path of the copy is not UTF-8")?;
    connection.execute("VACUUM INTO ?1", [path]).with_context(|| format!("{} cannot be copied", from.display()))?;
    Ok(())
}

/// The number of the migrations that a database has seen.
///
/// # Errors
/// When it cannot be read.
pub fn count_seen_migrations(path: &Path) -> anyhow::Result<usize> {
    Ok(seen_migrations(&open_reader(path)?)?)
}

fn seen_migrations(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Looks into a database without writing and gives the number of the migrations that it has seen. A small one is read
/// whole; of a large one, which is checked at every start and would take minutes here, only the header and the schema.
///
/// # Errors
/// When it is damaged, or no database.
pub fn examine(path: &Path) -> anyhow::Result<usize> {
    let connection = open_reader(path)?;
    let version = seen_migrations(&connection)?;
    if fs::metadata(path)?.len() < CHECKED_WHOLE_BYTES {
        let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        ensure!(found == "ok", "damaged");
    }
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
    Ok(version)
}

/// Whether this is SQLite saying that a database cannot be used for now: it is in use, full, away, or the disk fails.
pub(in crate::shared) fn is_for_now(error: &(dyn std::error::Error + 'static)) -> bool {
    match error.downcast_ref::<rusqlite::Error>() {
        Some(rusqlite::Error::InvalidPath(_)) => true,
        Some(error) => matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::CannotOpen
                    | ErrorCode::ReadOnly
                    | ErrorCode::PermissionDenied
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::OutOfMemory
            )
        ),
        None => false,
    }
}

/// Runs SQL beside the service: to make one of its writes fail.
#[cfg(test)]
pub(crate) fn run_sql(path: &Path, sql: &str) {
    Connection::open(path).and_then(|connection| connection.execute_batch(sql)).expect("it runs");
}

/// The settings every writing connection has.
///
/// # Errors
/// When SQLite refuses one of them, as it does for a file that is not a database.
pub(in crate::shared) fn configure(connection: &Connection) -> anyhow::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    ensure!(mode.eq_ignore_ascii_case("wal"), "the file system does not allow write-ahead logging");
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
    )?;
    keep_plans(connection)?;
    Ok(())
}

/// Statements are prepared once. Otherwise SQLite prepares a statement with `LIMIT ?` again whenever it is asked, because a
/// value of it may change the plan.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Rewrites a small database and empties its log. `secure_delete` alone is not enough: when SQLite moves rows between pages,
/// the old places keep their bytes until they are used again.
///
/// # Errors
/// When the disk is full or fails, or when somebody else holds the log for longer than the busy timeout.
pub(in crate::shared) fn scrub(connection: &Connection) -> anyhow::Result<()> {
    connection.execute_batch("VACUUM")?;
    ensure!(empty_log(connection)?, "the database's log is in use");
    Ok(())
}

/// Moves everything from the log into the database and cuts the log to nothing. `false`: a reader stood in the way.
///
/// # Errors
/// When the disk is full or fails.
pub(in crate::shared) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}

fn create_private(path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("the database {} cannot be opened for writing", path.display()))?;
    Ok(())
}
