//! Which installation the databases and the output folder belong to: each carries the same random id, so that a folder of
//! another one is noticed before anything in it is overwritten.

use std::path::Path;

use anyhow::{Context, bail};
use rusqlite::{Connection, OptionalExtension};

use crate::shared::database::{db::Db, sqlite::open_reader};
use crate::shared::files::output::Output;
use crate::shared::journal::acknowledged::MISSING;
use crate::shared::journal::{Journal, newest_seq};
use crate::shared::secrets::random::random_hex;
use crate::shared::telemetry::alerts::Alerts;

/// The cause of the alert that the journal began anew beside files that are there.
const NEW_JOURNAL: &str = "journal:new";

/// The cause of the alert that the output folder is another one than before.
const NEW_FOLDER: &str = "files:new_folder";

/// Makes sure that these belong together. One that has no id yet, because it is new or from an older version, gets that of
/// the others; what that may mean is said. Gives the id.
///
/// # Errors
/// When two of them belong to different installations, or one cannot be used.
pub async fn agree(tokens: &Db, journal: &Journal, output: &Output, alerts: &Alerts) -> anyhow::Result<String> {
    let of_tokens = tokens.call(|connection| find(connection)).await?;
    let (of_journal, newest) = journal.read(|connection| Ok((find(connection)?, newest_seq(connection)?))).await?;
    let of_folder = output.mark().context("the mark of the output folder cannot be read")?;
    let known = of_tokens.as_ref().or(of_journal.as_ref()).or(of_folder.as_ref());
    let id = match known {
        Some(id) => id.clone(),
        None => random_hex::<16>()?,
    };
    if of_journal.as_ref().is_some_and(|of| *of != id) {
        bail!(
            "journal.db and tokens.db belong to different installations; nothing was changed. Look at TOKENS_DB and \
             JOURNAL_DB, or restore both from one backup"
        );
    }
    if of_folder.as_ref().is_some_and(|of| *of != id) {
        bail!(
            "the output folder {} belongs to another data folder; nothing was changed. Give this one its own OUTPUT_DIR. If \
             its files shall belong to this data folder from now on, remove the file {} in it first",
            output.path().display(),
            crate::shared::files::path::MARK
        );
    }
    if of_journal.is_none() && newest == 0 && of_folder.is_some() {
        alerts.raise(
            NEW_JOURNAL,
            "journal.db is new, and the output folder holds files of the one before it. What stands in conversation files is \
             taken into the new one when something new comes; restore a backup if you have one.",
        );
    }
    if of_folder.is_none() && of_journal.is_some() {
        alerts.raise(
            NEW_FOLDER,
            "The output folder is not the one that was used before. Is the right disk mounted, and OUTPUT_DIR as it was? \
             `shoptalk rebuild` makes the files anew; the beginnings of those whose old events were deleted by age are in \
             the former folder only.",
        );
    }
    say_what_files_miss(output, newest, alerts);
    if of_tokens.is_none() {
        let id = id.clone();
        tokens.call(move |connection| insert(connection, &id)).await?;
    }
    if of_journal.is_none() {
        let id = id.clone();
        journal.write(move |connection| insert(connection, &id)).await?;
    }
    if of_folder.is_none() {
        // A folder that may only be read stays without it until it may be written.
        if let Err(error) = output.set_mark(&id) {
            tracing::warn!(%error, "the output folder could not be marked");
        }
    }
    Ok(id)
}

/// Says so where the files were made of events that the journal does not hold: journal and tokens may have been put back
/// together into an older state, and then only the files know.
fn say_what_files_miss(output: &Output, newest: i64, alerts: &Alerts) {
    let made = output.made_up_to();
    if made > newest {
        tracing::error!(first = newest + 1, last = made, "files were made of events that are missing from the journal");
        // What the journal says of itself stays as it is: it knows more.
        if !alerts.is_open(MISSING) {
            let sentence = format!(
                "Files were made of events up to {made}, and the journal ends with {newest}: the data folder is older than \
                 the output folder. What stands in conversation files is taken in again from there when something new comes; \
                 of the rest, polls find what the platforms still show."
            );
            alerts.raise(MISSING, &sentence);
        }
        output.note_made(newest);
    }
}

/// The installation that a database belongs to; `None` where it says none.
///
/// # Errors
/// When it cannot be read.
pub fn of_database(path: &Path) -> anyhow::Result<Option<String>> {
    let connection = open_reader(path)?;
    let has_table = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'installation'")?.exists([])?;
    Ok(if has_table { find(&connection)? } else { None })
}

fn find(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT id FROM installation", [], |row| row.get(0)).optional()
}

fn insert(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO installation (id) VALUES (?1)", [id]).map(drop)
}
