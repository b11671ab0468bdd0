//! `shoptalk backup DIR` and `shoptalk restore DIR`.
//!
//! A backup is made beside the running service: each database is copied by SQLite as it stood at one instant, then the
//! JSON files, each of which is whole at every instant. It appears under its name only when it is complete. The master
//! key is left out unless it is asked for: who finds a backup with its key can open every token in it.
//!
//! A restore takes the data folder like a service does, so it refuses beside one. It checks everything before it changes
//! anything, and moves what was there aside.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::config::{MASTER_KEY_FILE, Server};
use crate::shared::clock::Clock;
use crate::shared::database::db::Db;
use crate::shared::database::lock::{DataLock, LockError, RESTORING, ensure_no_restore_broke_off, folder_of};
use crate::shared::database::sqlite;
use crate::shared::files::output::Output;
use crate::shared::files::path::MARK;
use crate::shared::journal::{self, Conversation};
use crate::shared::raw_json::elements;
use crate::shared::secrets::random::random_hex;
use crate::shared::secrets::signature::to_hex;
use crate::shared::secrets::vault::Vault;
use crate::shared::store::erased::{ErasedOnce, find_erased, list_erased_since, list_with_data};
use crate::shared::store::erasures::NewErasure;
use crate::shared::store::installation;
use crate::shared::store::{Connections, Erasures, TOKENS_MIGRATIONS};

/// What a backup says about itself.
const MANIFEST: &str = "backup.json";

/// The names of what a backup holds.
const TOKENS: &str = "tokens.db";
const JOURNAL: &str = "journal.db";
const KEY: &str = MASTER_KEY_FILE;
const FILES: &str = "files";

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// The version of the program that made it.
    version: String,
    /// When, in milliseconds since 1970.
    made_at: i64,
    /// Every file with the SHA-256 of its content, in hex.
    files: BTreeMap<String, String>,
}

/// Copies everything that cannot be had again into `target`, which must not exist yet. Gives back what was copied, for
/// people. Blocks.
///
/// # Errors
/// When something cannot be read or written. Then `target` is not there.
pub fn backup(server: &Server, target: &Path, with_key: bool, clock: &Clock) -> anyhow::Result<String> {
    ensure!(!target.exists(), "{} exists already; a backup is never written over something", target.display());
    let mut partial = target.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    ensure!(
        !partial.exists(),
        "{} is there: another backup is under way, or one broke off; remove it if none is",
        partial.display()
    );
    make_folder(&partial)?;
    let made = fill(server, &partial, with_key, clock);
    let made = made.and_then(|said| {
        fs::rename(&partial, target).with_context(|| format!("{} cannot be made", target.display()))?;
        sync_folder(folder_of(target))?;
        Ok(said)
    });
    if made.is_err() {
        // It is ours, and of no use to anybody.
        let _ = fs::remove_dir_all(&partial);
    }
    made
}

fn fill(server: &Server, folder: &Path, with_key: bool, clock: &Clock) -> anyhow::Result<String> {
    ensure!(server.tokens_db.exists(), "{} is not there: there is nothing to back up", server.tokens_db.display());
    ensure_no_restore_broke_off(folder_of(&server.tokens_db))?;
    let mut manifest =
        Manifest { version: env!("CARGO_PKG_VERSION").to_owned(), made_at: clock.now_ms(), files: BTreeMap::new() };
    for (database, name) in [(&server.tokens_db, TOKENS), (&server.journal_db, JOURNAL)] {
        copy_database(database, &folder.join(name))?;
        manifest.files.insert(name.to_owned(), hash_of(&folder.join(name))?);
    }
    let key = server.key_file();
    if with_key && key.exists() {
        let hash = copy_file(&key, &folder.join(KEY))?;
        manifest.files.insert(KEY.to_owned(), hash);
    }
    // After the journal: what stands only in a file, because its events were deleted by age, is never lost that way.
    let mut count = 0_usize;
    for account in accounts(&folder.join(TOKENS))? {
        let from = server.output_dir.join(&account);
        if from.is_dir() {
            copy_tree(&from, folder, &Path::new(FILES).join(&account), &mut manifest, &mut count)?;
        }
    }
    let text = serde_json::to_vec_pretty(&manifest)?;
    write_file(&folder.join(MANIFEST), &text)?;
    sync_folder(folder)?;
    let key = match (with_key && key.exists(), server.master_key.is_some()) {
        (true, _) => "with the master key: keep it as you keep a password",
        (false, true) => "without the master key, which is TOKEN_ENCRYPTION_KEY: keep that apart",
        (false, false) => {
            "without the master key: keep a copy of master.key apart, because tokens do not open without it"
        }
    };
    Ok(format!("tokens.db, journal.db and {count} files, {key}"))
}

/// The folders of the accounts below the output folder, those included that are not connected any more.
fn accounts(tokens: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for (channel, account) in list_with_data(tokens)? {
        // An account's files are in a folder of its own name, for some channels below one of the channel's.
        folders.extend([PathBuf::from(&channel).join(&account), PathBuf::from(&account)]);
    }
    Ok(folders)
}

/// Copies a database as it stands at one instant, whoever writes to it meanwhile.
fn copy_database(from: &Path, to: &Path) -> anyhow::Result<()> {
    // SQLite writes into an empty file as into none; this one is ours alone from the beginning.
    create(to)?;
    sqlite::copy(from, to)?;
    File::open(to)?.sync_all()?;
    Ok(())
}

fn copy_tree(from: &Path, root: &Path, below: &Path, manifest: &mut Manifest, count: &mut usize) -> anyhow::Result<()> {
    make_folder(&root.join(below))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, name) = (entry.file_type()?, entry.file_name());
        let Some(text) = name.to_str() else { continue };
        if kind.is_dir() {
            copy_tree(&entry.path(), root, &below.join(text), manifest, count)?;
        } else if kind.is_file() && !text.starts_with('.') {
            let to = below.join(text);
            // A file that is replaced meanwhile is one or the other; one that is gone was erased, and stays out.
            match copy_file(&entry.path(), &root.join(&to)) {
                Ok(hash) => {
                    manifest.files.insert(to.to_string_lossy().into_owned(), hash);
                    *count += 1;
                }
                Err(_) if !entry.path().exists() => {}
                Err(error) => return Err(error),
            }
        }
    }
    sync_folder(&root.join(below))
}

/// Puts a backup in the place of what the settings name. Gives back what was done, for people. Blocks.
///
/// # Errors
/// When a service runs, the backup is not whole or of a newer version, the key does not open it, or something cannot be
/// written. Until everything was checked nothing is changed.
pub async fn restore(server: &Server, source: &Path, clock: &Clock) -> anyhow::Result<String> {
    let manifest = check(source)?;
    let _lock = DataLock::take(server.databases(), &server.output_dir).map_err(|error| match error {
        LockError::Held(sentence) => anyhow::anyhow!("{sentence}"),
        LockError::Other(error) => error,
    })?;
    let key_file = server.key_file();
    let has_key = manifest.files.contains_key(KEY);
    opens(server, source, has_key, &key_file, clock).await?;
    let output = Output::open(&server.output_dir)
        .with_context(|| format!("the output folder {} cannot be used", server.output_dir.display()))?;
    let id = installation::of_database(&source.join(TOKENS))?;
    let erased = erased_since(server, &manifest)?;
    if let (Some(id), Some(of_folder)) = (&id, output.mark()?) {
        ensure!(
            *id == of_folder,
            "the output folder {} belongs to another installation than the backup; give this one its own OUTPUT_DIR, or \
             remove the file {MARK} in it first",
            server.output_dir.display()
        );
    }

    // Until this is gone nothing starts here: half of one state and half of another would be taken for the truth.
    let under_way = folder_of(&server.tokens_db).join(RESTORING);
    let _ = fs::remove_file(&under_way);
    write_file(&under_way, b"")?;
    sync_folder(folder_of(&server.tokens_db))?;
    let stamp = clock.now_ms();
    let mut moved = 0;
    // The search index is left: it does not follow the journal that comes back, so the service makes it again.
    let databases = [&server.tokens_db, &server.sessions_db, &server.journal_db];
    for database in databases {
        for end in ["", "-wal", "-shm"] {
            let mut path = database.as_os_str().to_owned();
            path.push(end);
            moved += usize::from(move_aside(Path::new(&path), stamp)?);
        }
    }
    // What was acknowledged after the backup was made is missing on purpose.
    let _ = fs::remove_file(journal::acknowledged::path_of(&server.journal_db));
    if has_key && server.master_key.is_none() {
        moved += usize::from(move_aside(&key_file, stamp)?);
        copy_file(&source.join(KEY), &key_file)?;
    }
    copy_file(&source.join(TOKENS), &server.tokens_db)?;
    copy_file(&source.join(JOURNAL), &server.journal_db)?;
    let Files { count, kept, went_on } = put_files_back(server, source, &manifest, stamp)?;
    // The next start takes what stands in them only into the journal, and says so.
    journal::ask_for_files(&server.journal_db, &went_on)?;
    if let Some(id) = id {
        output.set_mark(&id)?;
    }
    for folder in [folder_of(&server.tokens_db), folder_of(&server.journal_db), server.output_dir.as_path()] {
        sync_folder(folder)?;
    }
    let repeated = repeat_erasures(server, erased, clock).await?;
    fs::remove_file(&under_way)?;
    sync_folder(folder_of(&server.tokens_db))?;
    Ok(format!(
        "tokens.db, journal.db and {count} files are back; {moved} files that were there are kept beside them with \
         `.before-{stamp}` in their names, and {kept} catalogues and files that cannot be read with `.damaged-{stamp}`: \
         remove them when all is well. What {} conversations hold since the backup stays in them{repeated}",
        went_on.len()
    ))
}

/// What became of the files of a backup.
struct Files {
    /// How many there are.
    count: usize,
    /// How many that were there are kept beside them.
    kept: usize,
    /// Conversations that hold more than the backup knows of.
    went_on: Vec<Conversation>,
}

fn put_files_back(server: &Server, source: &Path, manifest: &Manifest, stamp: i64) -> anyhow::Result<Files> {
    let went_on = newer_conversations(server, source, manifest)?;
    let mut files = Files { count: 0, kept: 0, went_on };
    for name in manifest.files.keys() {
        let Ok(relative) = Path::new(name).strip_prefix(FILES) else { continue };
        let (from, to) = (source.join(name), server.output_dir.join(relative));
        make_folder(folder_of(&to))?;
        files.count += 1;
        if to.exists() && hash_of(&to)? != manifest.files[name] {
            let conversation = conversation_of(relative);
            let since = if conversation.is_some() { find_since(&from, &to)? } else { None };
            match (conversation, since) {
                (Some(conversation), Some(Since::More(merged))) => {
                    write_over(&merged, &to)?;
                    files.went_on.push(conversation);
                    continue;
                }
                (Some(_), Some(Since::Nothing)) => {}
                _ => {
                    // It may hold what came after the backup was made.
                    keep_aside(&to, stamp)?;
                    files.kept += 1;
                }
            }
        }
        move_over(&from, &to)?;
    }
    Ok(files)
}

/// The conversation whose file this is, below the output folder.
fn conversation_of(path: &Path) -> Option<Conversation> {
    let parts: Vec<&str> = path.iter().map(std::ffi::OsStr::to_str).collect::<Option<_>>()?;
    let [channel, account, "conversations", file] = parts.as_slice() else { return None };
    let person = file.strip_suffix(".json").filter(|person| !person.starts_with('.'))?;
    let [channel, account, person] = [channel, account, &person].map(|part| (*part).to_owned());
    Some(Conversation { channel, account, person })
}

/// Conversations that began after the backup was made: their files are here and not in the backup.
fn newer_conversations(server: &Server, source: &Path, manifest: &Manifest) -> anyhow::Result<Vec<Conversation>> {
    let mut newer = Vec::new();
    for (channel, account) in list_with_data(&source.join(TOKENS))? {
        let folder = Path::new(&channel).join(&account).join("conversations");
        let Ok(entries) = fs::read_dir(server.output_dir.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let is_saved = path.to_str().is_none_or(|path| manifest.files.contains_key(&format!("{FILES}/{path}")));
            if !is_saved && entry.file_type()?.is_file() {
                newer.extend(conversation_of(&path));
            }
        }
    }
    Ok(newer)
}

/// What a conversation's file holds besides what is saved of it: the messages that were acknowledged since.
enum Since {
    Nothing,
    /// The saved document, and behind it what came since.
    More(Vec<u8>),
}

/// Compares a saved conversation with its file here; `None`: one of them cannot be read.
///
/// What the backup holds stands first and as it was: where the journal has deleted its beginning, it is known by its bytes.
fn find_since(saved: &Path, here: &Path) -> anyhow::Result<Option<Since>> {
    let (saved, here) = (String::from_utf8(fs::read(saved)?), String::from_utf8(fs::read(here)?));
    let (Ok(saved), Ok(here)) = (saved, here) else { return Ok(None) };
    let (Some(old), Some(items)) = (elements(&saved), elements(&here)) else { return Ok(None) };
    let known: HashSet<&str> = old.iter().copied().collect();
    let more: Vec<&str> = items.into_iter().filter(|item| !known.contains(item)).collect();
    if more.is_empty() {
        return Ok(Some(Since::Nothing));
    }
    let begins = saved.trim_end().strip_suffix(']').unwrap_or(&saved).trim_end();
    let between = if old.is_empty() { "\n" } else { ",\n" };
    Ok(Some(Since::More(format!("{begins}{between}{}\n]\n", more.join(",\n")).into_bytes())))
}

/// What was erased since the backup was made, as far as it is known here; `None`: nothing here can tell.
fn erased_since(server: &Server, manifest: &Manifest) -> anyhow::Result<Option<Vec<ErasedOnce>>> {
    if !server.tokens_db.exists() {
        return Ok(None);
    }
    // A database that cannot be read is a reason to restore, not one against it.
    Ok(list_erased_since(&server.tokens_db, manifest.made_at)
        .inspect_err(|error| tracing::warn!(%error, "what was erased since the backup cannot be read"))
        .ok())
}

/// Asks for what was erased since the backup to be erased again, and says so. The next start carries it out.
async fn repeat_erasures(server: &Server, erased: Option<Vec<ErasedOnce>>, clock: &Clock) -> anyhow::Result<String> {
    let Some(erased) = erased else {
        return Ok(
            ". Whether anything was erased after the backup was made is not known here: look at your receipts, and \
                   ask for those erasures again"
                .to_owned(),
        );
    };
    let scopes = find_erased(&server.tokens_db, &server.journal_db, &erased)?;
    if erased.is_empty() {
        return Ok(String::new());
    }
    let erasures = Erasures::new(Db::open(&server.tokens_db, TOKENS_MIGRATIONS)?);
    erasures.keep_erased(erased).await?;
    let count = scopes.len();
    if count > 0 {
        let code = random_hex::<16>()?;
        let new = NewErasure { code, scopes, disconnected: 0, cause: "repeated after a restore", request: None };
        erasures.insert(new, clock.now_ms()).await?;
    }
    Ok(format!(
        ". {count} accounts and people were erased after the backup was made: they are erased again as soon as the service \
         starts. What is kept beside it still holds them"
    ))
}

/// Reads the manifest and compares every file with it.
fn check(source: &Path) -> anyhow::Result<Manifest> {
    let text = fs::read(source.join(MANIFEST))
        .with_context(|| format!("{} is no backup: it holds no {MANIFEST}", source.display()))?;
    let manifest: Manifest = serde_json::from_slice(&text).context("the backup's own description cannot be read")?;
    for (name, expected) in &manifest.files {
        let path = Path::new(name);
        let is_below = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        ensure!(is_below, "the backup names a file outside of itself");
        let found = hash_of(&source.join(path)).with_context(|| format!("{name} is missing from the backup"))?;
        ensure!(found == *expected, "{name} is not as it was when the backup was made");
    }
    for (name, known) in [(TOKENS, TOKENS_MIGRATIONS.len()), (JOURNAL, journal::count_migrations())] {
        ensure!(manifest.files.contains_key(name), "the backup holds no {name}");
        if sqlite::count_seen_migrations(&source.join(name))? > known {
            bail!(
                "the backup was made by a newer version of shoptalk ({}); restore it with that one",
                manifest.version
            );
        }
    }
    Ok(manifest)
}

/// Makes sure that the key that will be in force opens the tokens of the backup.
async fn opens(server: &Server, source: &Path, has_key: bool, key_file: &Path, clock: &Clock) -> anyhow::Result<()> {
    let vault = match server.given_vault() {
        Some(vault) => vault,
        None if has_key => Vault::from_key_file(&source.join(KEY))?,
        None if key_file.exists() => Vault::from_key_file(key_file)?,
        None => bail!(
            "the backup holds no key, and there is none here: put master.key into {} first, or set TOKEN_ENCRYPTION_KEY",
            folder_of(&server.tokens_db).display()
        ),
    };
    let tokens = Db::open_to_look(&source.join(TOKENS))?;
    Connections::open(tokens, vault, clock.clone())
        .await
        .context("the key here does not open the tokens of this backup")?;
    Ok(())
}

fn move_aside(path: &Path, stamp: i64) -> anyhow::Result<bool> {
    if !path.exists() {
        return Ok(false);
    }
    let aside = PathBuf::from(format!("{}.before-{stamp}", path.display()));
    fs::rename(path, &aside).with_context(|| format!("{} cannot be moved aside", path.display()))?;
    Ok(true)
}

/// Keeps a file of the output folder beside its place, under a name that an erasure finds.
fn keep_aside(path: &Path, stamp: i64) -> anyhow::Result<()> {
    let aside = PathBuf::from(format!("{}.damaged-{stamp}", path.display()));
    fs::rename(path, &aside).with_context(|| format!("{} cannot be moved aside", path.display()))
}

/// Replaces a file whole: a reader of the old one is not disturbed.
fn move_over(from: &Path, to: &Path) -> anyhow::Result<()> {
    put_over(to, |beside| copy_file(from, beside).map(drop))
}

/// The same, with this content.
fn write_over(content: &[u8], to: &Path) -> anyhow::Result<()> {
    put_over(to, |beside| write_file(beside, content))
}

fn put_over(to: &Path, make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let name = to.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let beside = to.with_file_name(format!(".{name}.restored"));
    let _ = fs::remove_file(&beside);
    make(&beside)?;
    fs::rename(&beside, to).with_context(|| format!("{} cannot be written", to.display()))
}

/// Copies one file to where none is, brings it to disk, and gives the hash of what was copied.
fn copy_file(from: &Path, to: &Path) -> anyhow::Result<String> {
    let mut writer = create(to)?;
    let hash = hash_into(from, &mut writer)
        .with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
    writer.sync_all()?;
    Ok(hash)
}

fn hash_of(path: &Path) -> std::io::Result<String> {
    hash_into(path, &mut std::io::sink())
}

/// Copies what a file holds to somewhere, and gives the SHA-256 of it, in hex.
fn hash_into(from: &Path, to: &mut impl Write) -> std::io::Result<String> {
    let mut reader = File::open(from)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok(to_hex(&digest.finalize()));
        }
        digest.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
    }
}

fn write_file(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut file = create(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(())
}

/// A new file that is ours alone.
fn create(path: &Path) -> anyhow::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).with_context(|| format!("{} cannot be made", path.display()))
}

fn make_folder(path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("the folder {} cannot be made", path.display()))
}

fn sync_folder(path: &Path) -> anyhow::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all().with_context(|| format!("the folder {} cannot be brought to disk", path.display()))
}
