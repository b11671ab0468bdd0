//! Folders, disk, keys and databases. Only looks: nothing is created, migrated or repaired.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::app::config::Server;
use crate::shared::channel::finding::Finding;
use crate::shared::database::lock::folder_of;
use crate::shared::database::ownership;
use crate::shared::database::sqlite::examine;
use crate::shared::journal;
use crate::shared::secrets::vault::{Vault, parse_key};
use crate::shared::store::erased::list_with_data;
use crate::shared::store::{SESSIONS_MIGRATIONS, TOKENS_MIGRATIONS};

/// Less room than this is a warning, in bytes.
const LITTLE_ROOM: u64 = 1024 * 1024 * 1024;

/// With less room than this nothing can be stored soon, in bytes.
const NO_ROOM: u64 = 32 * 1024 * 1024;

/// A write-ahead log of this size is not being moved into its database, in bytes.
const LONG_LOG: u64 = 1024 * 1024 * 1024;

/// File systems over a network, on which write-ahead logging does not work: NFS, CIFS, SMB2.
/// Source: `statfs(2)`; <https://sqlite.org/wal.html>.
const NETWORKS: [u64; 3] = [0x6969, 0xff53_4d42, 0xfe53_4d42];

/// What a folder is called.
const DATA: &str = "data folder";
const OUTPUT: &str = "output folder";

/// Data and output folders, and the room on their disks.
pub fn folders(server: &Server) -> Vec<Finding> {
    let data = folder_of(&server.tokens_db);
    let is_used = server.tokens_db.exists();
    let mut findings = folder(data, DATA, is_used);
    findings.extend(data_folder(data));
    findings.extend(folder(&server.output_dir, OUTPUT, is_used));
    findings
}

/// A path as people can find it from anywhere.
fn shown(folder: &Path) -> String {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string()
}

/// What does not happen while a folder cannot be used: the journal, which deliveries need, is in the data folder.
fn without(what: &str) -> &'static str {
    if what == DATA { "deliveries are answered 503" } else { "no file is written, deliveries are stored" }
}

/// What is wrong with a folder and its disk. `is_used`: the service has run on this data.
fn folder(folder: &Path, what: &str, is_used: bool) -> Vec<Finding> {
    let path = shown(folder);
    let metadata = match std::fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            return vec![Finding::error(
                "folder_is_a_file",
                &path,
                format!("the {what} is a file"),
                "the service does not start",
                "move the file away, or set another folder",
            )];
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && is_used => {
            return vec![Finding::error(
                "folder_missing",
                &path,
                format!("the {what} does not exist"),
                "no file is written; deliveries are stored as always, and files are made of them later",
                format!(
                    "put it back, or make an empty one, which a running service fills again by itself: mkdir -m 700 {path}"
                ),
            )];
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![Finding::warning(
                "folder_missing",
                &path,
                format!("the {what} does not exist"),
                "nothing was stored yet; the service makes it at its first start",
                "nothing, if the service never ran here; otherwise run it in the folder in which it ran before, or name that: --dir FOLDER",
            )];
        }
        Err(_) => {
            return vec![Finding::error(
                "folder_unreadable",
                &path,
                format!("the {what} cannot be looked at"),
                "the service does not start",
                format!("give the user who runs shoptalk access to {path}"),
            )];
        }
    };
    let mut findings = Vec::new();
    let writable = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    if writable.is_err() {
        findings.push(Finding::error(
            "folder_read_only",
            &path,
            format!("the {what} cannot be written"),
            format!("{}; it heals when the folder can be written again", without(what)),
            format!(
                "give the user who runs shoptalk write access to {path}, and see that its disk is not mounted read-only"
            ),
        ));
    }
    if let Some(stranger) = ownership::stranger(&metadata) {
        let (sentence, fix) = ownership::explained(Path::new(&path), stranger);
        findings.push(Finding::error(
            "folder_of_others",
            &path,
            sentence,
            "the service does not start: whoever may write there could exchange what is in it",
            fix,
        ));
    }
    findings.extend(room(folder, what));
    findings
}

/// What is wrong with the room on a folder's disk.
fn room(folder: &Path, what: &str) -> Option<Finding> {
    let space = rustix::fs::statvfs(folder).ok()?;
    let free = space.f_bavail * space.f_frsize;
    let cause = format!("the disk of the {what} has {} MB left", free / 1024 / 1024);
    if free < NO_ROOM {
        return Some(Finding::error(
            "disk_full",
            shown(folder),
            cause,
            format!(
                "{}; refused deliveries are repeated by the platforms for a while, then they unsubscribe",
                without(what)
            ),
            "make room, or set JOURNAL_RETENTION_DAYS; the service goes on by itself",
        ));
    }
    (free < LITTLE_ROOM).then(|| {
        Finding::warning(
            "disk_nearly_full",
            shown(folder),
            cause,
            format!("when it is full, {}", without(what)),
            "make room, or set JOURNAL_RETENTION_DAYS",
        )
    })
}

/// What is wrong with a data folder beyond that: databases want more than files do.
fn data_folder(folder: &Path) -> Vec<Finding> {
    let path = shown(folder);
    let mut findings = Vec::new();
    let is_open = |metadata: std::fs::Metadata| metadata.is_dir() && metadata.mode() & 0o077 != 0;
    if std::fs::metadata(folder).is_ok_and(is_open) {
        findings.push(Finding::warning(
            "data_folder_open",
            &path,
            "other users of this machine can enter the data folder",
            "they can see its files",
            format!("chmod 700 {path}"),
        ));
    }
    let is_network = |kind: rustix::fs::StatFs| NETWORKS.contains(&u64::try_from(kind.f_type).unwrap_or(0));
    if rustix::fs::statfs(folder).is_ok_and(is_network) {
        findings.push(Finding::error(
            "data_on_network",
            &path,
            "the data folder is on a network file system",
            "SQLite's write-ahead log does not work there: databases can be damaged",
            "put the databases on a disk of this machine (TOKEN_DB_PATH, SESSION_DB_PATH, JOURNAL_DB_PATH)",
        ));
    }
    findings
}

/// Whether the group that may read the files can get to them.
pub fn readers(server: &Server) -> Vec<Finding> {
    let Some(group) = server.output_readers.group_id() else { return Vec::new() };
    let output = std::path::absolute(&server.output_dir).unwrap_or_else(|_| server.output_dir.clone());
    let path = output.display().to_string();
    let mut findings = Vec::new();
    let is_member = rustix::process::getegid().as_raw() == group
        || rustix::process::geteuid().is_root()
        || rustix::process::getgroups().is_ok_and(|groups| groups.iter().any(|one| one.as_raw() == group));
    if !is_member {
        findings.push(Finding::error(
            "output_group_not_ours",
            &path,
            format!("the user who runs this is no member of the group {group} of OUTPUT_GROUP"),
            "the service does not start, because it cannot give files to that group",
            "usermod --append --groups GROUP USER, then start the service anew; run the doctor as the service's user",
        ));
    }
    let is_shut = |folder: &&Path| {
        std::fs::metadata(folder).is_ok_and(|metadata| {
            let for_group = metadata.gid() == group && metadata.mode() & 0o010 != 0;
            !for_group && metadata.mode() & 0o001 == 0
        })
    };
    if let Some(folder) = output.ancestors().skip(1).find(is_shut) {
        findings.push(Finding::warning(
            "output_group_shut_out",
            &path,
            format!("the group of OUTPUT_GROUP cannot enter {}", folder.display()),
            "its members cannot read the files, although they may",
            format!(
                "put OUTPUT_DIR into a folder that everybody can enter, such as /srv/shoptalk, or chmod o+x {}",
                folder.display()
            ),
        ));
    }
    findings
}

/// The master key, and whether it is the one that sealed what is stored.
pub fn keys(server: &Server) -> Vec<Finding> {
    let mut findings = Vec::new();
    let file = server.key_file();
    let path = file.display().to_string();
    let has_tokens = std::fs::metadata(&server.tokens_db).is_ok_and(|metadata| metadata.len() > 0);
    let metadata = std::fs::metadata(&file).ok();
    let restore = "put the right key file back from your backup, or set TOKEN_ENCRYPTION_KEY to the right key; without it \
                   every merchant has to log in again";
    if let Some(metadata) = &metadata
        && metadata.mode() & 0o077 != 0
    {
        findings.push(Finding::error(
            "key_file_open",
            &path,
            "other users of this machine can read the key file",
            "the service refuses to start, because they could open every stored token",
            format!("chmod 600 {path}; if somebody may have read it, run `shoptalk keys rotate` as well"),
        ));
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    let read = std::fs::File::open(&file).and_then(|mut file| file.read_to_string(&mut text));
    match (&server.master_key, metadata.is_some()) {
        (None, false) if has_tokens => findings.push(Finding::error(
            "key_missing",
            &path,
            "there are stored tokens, but no key: neither the key file nor TOKEN_ENCRYPTION_KEY",
            "the service makes a new key, which opens nothing, and refuses to start",
            restore,
        )),
        (None, true) if read.is_err() => findings.push(Finding::error(
            "key_file_unreadable",
            &path,
            "the key file cannot be read",
            "the service does not start",
            format!("give the user who runs shoptalk read access to {path}, and nobody else"),
        )),
        (None, true) if text.lines().next().is_none_or(|line| parse_key(line).is_err()) => {
            findings.push(Finding::error(
                "key_file_damaged",
                &path,
                "the key file does not hold a key of 32 bytes in base64",
                "the service does not start",
                restore,
            ));
        }
        (Some(_), true) => findings.push(Finding::warning(
            "two_keys",
            &path,
            "TOKEN_ENCRYPTION_KEY is set and there is a key file, too",
            "the variable counts and the file is not used: whoever backs up only the file has no key",
            "remove the one that is not used",
        )),
        _ => {}
    }
    findings
}

/// The vault that the service would use, if there is a key. Makes none.
pub fn vault(server: &Server) -> Option<Vault> {
    let file = server.key_file();
    server.given_vault().or_else(|| if file.exists() { Vault::from_key_file(&file).ok() } else { None })
}

/// The three databases.
pub fn databases(server: &Server) -> Vec<Finding> {
    let mut findings = Vec::new();
    let left = |loss: &str| format!("the service does not start and leaves it as it is; {loss}");
    let fix = "restore it with `shoptalk restore`, or move it away, with the files of the same name ending in -wal and -shm, to \
               begin with an empty one";
    let tokens = (left("without it every merchant has to connect again"), fix);
    let journal = (left("without it, files can no longer be rebuilt from it"), fix);
    let sessions = (
        "browsers are logged out, nothing more".to_owned(),
        "start the service again: it moves the file aside and begins a new one",
    );
    for (path, migrations, damaged) in [
        (&server.tokens_db, TOKENS_MIGRATIONS.len(), tokens),
        (&server.sessions_db, SESSIONS_MIGRATIONS.len(), sessions),
        (&server.journal_db, journal::count_migrations(), journal),
    ] {
        database(path, migrations, damaged, &mut findings);
    }
    findings
}

/// The code of the finding that something stands where an account's folder belongs.
pub const OUTPUT_BLOCKED: &str = "output_blocked";

/// Whether something else than a folder stands where the files of an account go.
pub fn blocked_folders(server: &Server) -> Vec<Finding> {
    // A table that cannot be read is the business of the check of databases.
    let accounts = list_with_data(&server.tokens_db).unwrap_or_default();
    let mut folders = BTreeSet::new();
    for (channel, account) in accounts {
        let (channel, account) = (PathBuf::from(channel), PathBuf::from(account));
        folders.insert(channel.join(&account).join("conversations"));
        folders.extend([channel.join(&account), channel, account]);
    }
    let paths = folders.into_iter().map(|folder| server.output_dir.join(folder));
    let blocked = paths.filter(|path| path.symlink_metadata().is_ok_and(|found| !found.is_dir()));
    blocked
        .map(|path| {
            Finding::error(
                OUTPUT_BLOCKED,
                path.display().to_string(),
                "a symbolic link or a file stands where the folder of an account belongs",
                "nothing is written there; what arrives is kept in the journal",
                "put the folder back, or take away what stands there; then run `shoptalk replay --failed`",
            )
        })
        .collect()
}

/// `damaged`: what follows where it is, and what to do.
fn database(path: &Path, migrations: usize, damaged: (String, &str), findings: &mut Vec<Finding>) {
    let about = path.display().to_string();
    let Ok(metadata) = std::fs::metadata(path) else { return };
    if metadata.mode() & 0o077 != 0 {
        findings.push(Finding::warning(
            "database_open",
            &about,
            "other users of this machine can read the database",
            "they can read what is in it; tokens are sealed, messages are not",
            format!("chmod 600 {about}"),
        ));
    }
    let log = std::fs::metadata(format!("{about}-wal")).map_or(0, |log| log.len());
    if log > LONG_LOG {
        findings.push(Finding::warning(
            "long_log",
            &about,
            format!("its write-ahead log has {} MB", log / 1024 / 1024),
            "starts take longer and the disk fills up",
            "look for a program that keeps the database open, for example a copy under way, and end it",
        ));
    }
    if metadata.len() == 0 {
        return;
    }
    match examine(path) {
        Ok(version) if version > migrations => findings.push(Finding::error(
            "database_newer",
            &about,
            "it was written by a newer version of shoptalk",
            "this version does not start with it, and changes nothing",
            "start the newer version, or restore the backup that was made before the upgrade",
        )),
        Ok(_) => {}
        Err(_) => findings.push(Finding::error(
            "database_damaged",
            &about,
            "the database is damaged, or is none",
            damaged.0,
            damaged.1,
        )),
    }
}
