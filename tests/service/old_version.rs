//! A data folder and a backup of an older version, opened by the program of today. How they were made:
//! `tests/fixtures/old_version/README.md`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// The master key of the fixture.
const KEY: &[u8; 32] = b"no secret: key of the old versio";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/old_version")
}

fn write_key(data: &Path) {
    let path = data.join("master.key");
    fs::write(&path, STANDARD.encode(KEY)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The first event of a conversation is deleted by age, as the retention of the older version does it: its file is the only
/// copy from then on.
fn prune(folder: &Path, journal: &Connection) {
    const PERSON: &str = "7000000000000002";
    let file = folder.join(format!("facebook/100000000000101/conversations/{PERSON}.json"));
    let content = fs::read(file).unwrap();
    let (seq, payload): (i64, Vec<u8>) = journal
        .query_row(
            "SELECT seq, payload FROM events WHERE conversation = ?1 ORDER BY occurred_at, seq LIMIT 1",
            [PERSON],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let bytes = b"[\n".len() + payload.len();
    assert_eq!(&content[2..bytes], payload);
    journal.execute("INSERT INTO pruned_keys SELECT dedupe FROM events WHERE seq = ?1", [seq]).unwrap();
    journal.execute("DELETE FROM events WHERE seq = ?1", [seq]).unwrap();
    let row = (PERSON, i64::try_from(bytes).unwrap(), Sha256::digest(&content[..bytes]).to_vec());
    journal
        .execute("INSERT INTO pruned_conversations VALUES ('facebook', '100000000000101', ?1, 1, ?2, ?3)", row)
        .unwrap();
}

#[test]
#[ignore = "makes the fixture anew with the program of an older version: SHOPTALK_OLD says where that is"]
fn make_the_fixture() {
    let program = std::env::var_os("SHOPTALK_OLD").expect("SHOPTALK_OLD is the path of the older program");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
        assert!(command.status().unwrap().success(), "{arguments:?}");
    };
    let data = folder.join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    write_key(&data);
    run(&["demo", "--once", "--dir", "."]);
    let media = folder.join("facebook/100000000000101/media");
    fs::create_dir_all(&media).unwrap();
    fs::write(media.join("kept.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    for name in ["tokens", "journal", "sessions"] {
        let database = Connection::open(data.join(format!("{name}.db"))).unwrap();
        let rows = fixture().join(format!("{name}.sql"));
        if rows.exists() {
            database.execute_batch(&fs::read_to_string(rows).unwrap()).unwrap();
        }
        if name == "journal" {
            prune(folder, &database);
        }
        database
            .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024; VACUUM; PRAGMA journal_mode = WAL;")
            .unwrap();
    }
    // The backup needs no more of the settings than where things are.
    run(&["backup", "copy"]);
    for name in ["data", "backup"] {
        let _ = fs::remove_dir_all(fixture().join(name));
    }
    fs::create_dir(fixture().join("data")).unwrap();
    for name in ["tokens.db", "journal.db", "sessions.db"] {
        fs::copy(data.join(name), fixture().join("data").join(name)).unwrap();
    }
    copy_tree(&folder.join("copy"), &fixture().join("backup"));
}
