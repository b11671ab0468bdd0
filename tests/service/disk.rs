//! A disk that is full, read-only or damaged: deliveries are never lost, databases never made worse, and what can heal
//! heals by itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use shoptalk::app::App;
use shoptalk::app::config::{Config, Server};
use shoptalk::shared::clock::Clock;

use crate::load::{
    Book, Client, Delivery, Item, connect_page, conversation, conversation_files, conversations, leftovers,
    wait_until_ready,
};
use crate::mount::{Mount, skipped};
use crate::process::{Ended, Service, configured, run_briefly};

pub const ANNA: &str = "7000000000000001";
pub const BEN: &str = "7000000000000002";

pub fn start(folder: &Path) -> Service {
    Service::start(configured(folder, &["serve"]))
}

/// A service that has the Page and is ready, one that delivers to it, and the book of what is delivered.
pub fn at_work(folder: &Path, start: impl FnOnce(&Path) -> Service) -> (Service, Client, Book) {
    connect_page(folder);
    let service = start(folder);
    wait_until_ready(service.address);
    let client = Client::connect(service.address).unwrap();
    (service, client, Book::default())
}

pub fn message(number: u64, person: &str) -> Delivery {
    Delivery::new(vec![Item::new(format!("m_{number}"), person.to_owned(), 1_790_000_000_000 + number, "Hello")])
}

/// Sends a delivery and gives the status of its answer.
pub fn deliver(client: &mut Client, book: &mut Book, delivery: &Delivery) -> u16 {
    book.sending(delivery);
    let answer = client.deliver(delivery).unwrap();
    book.answered(delivery, &answer);
    answer.status
}

pub fn status(service: &Service, path: &str) -> u16 {
    Client::get(service.address, path).unwrap().status
}

/// Waits until something is so.
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Takes the last byte of a disk.
fn fill(disk: &Path) -> PathBuf {
    let path = disk.join("filler");
    let mut file = fs::File::create(&path).unwrap();
    for size in [64 * 1024, 4096, 1] {
        while file.write(&vec![1; size]).is_ok_and(|written| written > 0) {}
    }
    path
}

#[test]
fn on_a_full_disk_deliveries_are_refused_until_there_is_room_and_none_is_lost() {
    let Some(disk) = Mount::memory("3m") else { return skipped("filling a disk needs the right to mount") };
    let (service, mut client, mut book) = at_work(disk.path(), start);
    for number in 0..20 {
        assert_eq!(deliver(&mut client, &mut book, &message(number, ANNA)), 200);
    }
    book.wait_until_filed(disk.path());

    let filler = fill(disk.path());
    let mut numbers = 100..;
    // The log has some room of its own; whatever is acknowledged on the way counts.
    wait_for("deliveries are refused", || {
        deliver(&mut client, &mut book, &message(numbers.next().unwrap(), BEN)) == 503
    });
    wait_for("it says that it is not ready", || status(&service, "/ready") == 503);
    assert_eq!(status(&service, "/health"), 200);
    for _ in 0..50 {
        deliver(&mut client, &mut book, &message(numbers.next().unwrap(), BEN));
    }
    assert_eq!(status(&service, "/ready"), 503);

    fs::remove_file(filler).unwrap();
    wait_for("deliveries are taken again", || {
        deliver(&mut client, &mut book, &message(numbers.next().unwrap(), BEN)) == 200
    });
    wait_for("it is ready again", || status(&service, "/ready") == 200);
    book.wait_until_filed(disk.path());
    assert_eq!(leftovers(disk.path()), [""; 0]);
    assert!(book.answers.1 > 0);

    // And nothing of it was only in memory.
    service.kill();
    let service = start(disk.path());
    wait_until_ready(service.address);
    book.wait_until_filed(disk.path());
}

#[test]
fn a_read_only_output_folder_stops_no_delivery_and_the_files_follow_later() {
    let Some(output) = Mount::memory("2m") else { return skipped("a read-only folder needs the right to mount") };
    let folder = tempfile::tempdir().unwrap();
    let (service, mut client, mut book) = at_work(folder.path(), |folder| {
        let mut command = configured(folder, &["serve"]);
        command.env("OUTPUT_DIR", output.path());
        Service::start(command)
    });
    assert_eq!(deliver(&mut client, &mut book, &message(1, ANNA)), 200);
    book.wait_until_filed(output.path());

    output.remount("ro");
    assert_eq!(deliver(&mut client, &mut book, &message(2, ANNA)), 200);
    assert_eq!(deliver(&mut client, &mut book, &message(3, BEN)), 200);
    wait_for("it says that it is not ready", || status(&service, "/ready") == 503);
    assert_eq!(deliver(&mut client, &mut book, &message(4, BEN)), 200);

    output.remount("rw");
    wait_for("it is ready again", || status(&service, "/ready") == 200);
    book.wait_until_filed(output.path());
    drop(service);
}

#[test]
fn a_start_on_a_full_disk_says_so_and_changes_nothing_and_the_next_one_with_room_works() {
    let Some(disk) = Mount::memory("3m") else { return skipped("filling a disk needs the right to mount") };
    let mut book = Book::default();
    for first in [true, false] {
        let filler = fill(disk.path());
        let before = (!first).then(|| databases(disk.path()));
        let ended = run_briefly(configured(disk.path(), &["serve"]));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.lines().last().unwrap().contains("full"), "{ended:?}");
        assert!(!ended.stderr.contains("backup"), "nothing is damaged: {ended:?}");
        assert!(before.is_none_or(|before| databases(disk.path()) == before), "{ended:?}");

        fs::remove_file(filler).unwrap();
        if first {
            connect_page(disk.path());
        }
        let service = start(disk.path());
        wait_until_ready(service.address);
        let mut client = Client::connect(service.address).unwrap();
        assert_eq!(deliver(&mut client, &mut book, &message(first.into(), ANNA)), 200);
        book.wait_until_filed(disk.path());
        assert_eq!(service.stop().0.code(), Some(0));
    }
}

/// A folder whose databases hold something, closed in order.
#[test]
fn f6_two_processes_never_share_data_or_files_whatever_was_deleted_or_copied() {
    let folder = tempfile::tempdir().unwrap();
    connect_page(folder.path());
    let service = start(folder.path());
    wait_until_ready(service.address);
    let refused = |change: &dyn Fn(&mut std::process::Command)| {
        let mut command = configured(folder.path(), &["serve"]);
        change(&mut command);
        let ended = run_briefly(command);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        ended.stderr
    };
    assert!(refused(&|_| {}).contains("another shoptalk (process"));
    fs::remove_file(folder.path().join("data/shoptalk.lock")).unwrap();
    assert!(refused(&|_| {}).contains("though its lock file was deleted"));
    // A copy of the data folder, with the same files.
    fs::create_dir(folder.path().join("copy")).unwrap();
    for name in ["tokens.db", "journal.db", "master.key"] {
        fs::copy(folder.path().join("data").join(name), folder.path().join("copy").join(name)).unwrap();
    }
    let of_copy = |command: &mut std::process::Command| {
        for (variable, name) in [
            ("TOKEN_DB_PATH", "tokens.db"),
            ("JOURNAL_DB_PATH", "journal.db"),
            ("SESSION_DB_PATH", "sessions.db"),
            ("SEARCH_DB_PATH", "search.db"),
        ] {
            command.env(variable, folder.path().join("copy").join(name));
        }
    };
    assert!(refused(&of_copy).contains("its own OUTPUT_DIR"));
    assert_eq!(service.stop().0.code(), Some(0));
}

#[test]
fn f2_a_folder_that_others_may_write_to_is_refused_with_what_mends_it() {
    use std::os::unix::fs::PermissionsExt;
    for name in ["data", "files"] {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join(name);
        fs::create_dir(&open).unwrap();
        let set = |mode| fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
        let command = || {
            let mut command = configured(folder.path(), &["serve"]);
            command.env("OUTPUT_DIR", folder.path().join("files"));
            command
        };
        set(0o777);
        let ended = run_briefly(command());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("other users may write") && ended.stderr.contains("chmod go-w"), "{ended:?}");
        assert!(!folder.path().join("data/tokens.db").exists(), "nothing was made");
        set(0o755);
        assert_eq!(Service::start(command()).stop().0.code(), Some(0));
    }
}

fn used_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (service, mut client, mut book) = at_work(folder.path(), start);
    for number in 0..20 {
        let many = (0..50).map(|part| {
            let person = (7_000_000_000_000_000_u64 + part).to_string();
            Item::new(format!("m_{number}-{part}"), person, 1_790_000_000_000 + number, "Hello")
        });
        assert_eq!(deliver(&mut client, &mut book, &Delivery::new(many.collect())), 200);
    }
    book.wait_until_filed(folder.path());
    assert_eq!(service.stop().0.code(), Some(0));
    folder
}

/// The bytes of the databases.
fn databases(folder: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    let names = ["journal.db", "tokens.db", "sessions.db"];
    names.into_iter().map(|name| (name, fs::read(folder.join("data").join(name)).unwrap())).collect()
}

/// Starts on databases that cannot be used: it must say so and leave every byte alone.
fn refused(folder: &Path, change: impl FnOnce(&mut std::process::Command)) -> Ended {
    let before = databases(folder);
    let mut command = configured(folder, &["serve"]);
    change(&mut command);
    let ended = run_briefly(command);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(databases(folder) == before, "a database was changed: {ended:?}");
    ended
}

#[test]
fn a_damaged_database_is_named_and_left_as_it_is() {
    let folder = used_folder();
    for name in ["journal.db", "tokens.db", "sessions.db"] {
        let path = folder.path().join("data").join(name);
        let good = fs::read(&path).unwrap();
        let overwrite = |at: usize, length: usize| {
            let mut bytes = good.clone();
            bytes[at..at + length].fill(0xA5);
            bytes
        };
        let middle = good.len() / 2 / 4096 * 4096;
        let damages = [
            ("a page in the middle", overwrite(middle, 4096)),
            ("half a page in the middle", overwrite(middle, 2048)),
            ("the header", overwrite(0, 100)),
            ("cut in half", good[..good.len() / 2].to_vec()),
            ("cut within a page", good[..good.len() - 1000].to_vec()),
            ("cut within the header", good[..50].to_vec()),
            ("something else", b"this is no database".repeat(1000)),
        ];
        for (what, bytes) in damages {
            fs::write(&path, bytes).unwrap();
            println!("{name}: {what}");
            if name == "sessions.db" {
                // Nothing in it is worth a refusal: it is moved aside, and somebody is told.
                let damaged = fs::read(&path).unwrap();
                let (status, log) = start(folder.path()).stop();
                assert!(status.code() == Some(0) && log.contains("sessions:new"), "{what}: {log}");
                let kept: Vec<_> = fs::read_dir(folder.path().join("data"))
                    .unwrap()
                    .map(|entry| entry.unwrap().path())
                    .filter(|path| path.to_str().unwrap().contains("sessions.db.damaged-"))
                    .collect();
                assert!(kept.iter().any(|path| fs::read(path).unwrap() == damaged), "{what}: {kept:?}");
                kept.iter().for_each(|path| fs::remove_file(path).unwrap());
                continue;
            }
            let ended = refused(folder.path(), |_| {});
            for part in [path.file_name().unwrap().to_str().unwrap(), "backup"] {
                assert!(ended.stderr.contains(part), "{what}: {ended:?}");
            }
            assert_eq!(ended.stderr.lines().filter(|line| line.starts_with("shoptalk: ")).count(), 1, "{ended:?}");
        }
        fs::write(&path, good).unwrap();
    }
    let service = start(folder.path());
    assert_eq!(service.stop().0.code(), Some(0));
}

#[test]
fn with_another_master_key_it_refuses_and_changes_nothing() {
    let folder = used_folder();
    let other: Vec<u8> = (0..32).map(|number| number * 7).collect();
    let other = base64::engine::general_purpose::STANDARD.encode(other);
    let ended = refused(folder.path(), |command| {
        command.env("TOKEN_ENCRYPTION_KEY", &other);
    });
    assert!(ended.stderr.contains("master key"), "{ended:?}");
    assert!(!ended.stderr.contains(&other), "{ended:?}");
    let said = ended.stderr.lines().filter(|line| !line.contains(" INFO ")).count();
    assert_eq!(said, 1, "{ended:?}");
    let service = start(folder.path());
    assert_eq!(service.stop().0.code(), Some(0));
}

#[test]
fn a_conversation_file_damaged_by_hand_is_kept_aside_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (mut service, mut client, mut book) = at_work(folder.path(), start);
    for number in 0..5 {
        assert_eq!(deliver(&mut client, &mut book, &message(number, ANNA)), 200);
        assert_eq!(deliver(&mut client, &mut book, &message(100 + number, BEN)), 200);
    }
    book.wait_until_filed(folder.path());

    let file = conversation(folder.path(), ANNA);
    let mut number = 5;
    for restart in [false, true] {
        let good = fs::read(&file).unwrap();
        let damages = [b"garbage \xff\x00".to_vec(), Vec::new(), good[..good.len() / 2].to_vec(), b"{}".to_vec()];
        for damaged in damages {
            fs::write(&file, &damaged).unwrap();
            if restart {
                assert_eq!(service.stop().0.code(), Some(0));
                service = start(folder.path());
                client = Client::connect(service.address).unwrap();
            }
            assert_eq!(deliver(&mut client, &mut book, &message(number, ANNA)), 200);
            number += 1;
            wait_for("the file is made anew", || fs::read(&file).is_ok_and(|now| now != damaged));
            book.wait_until_filed(folder.path());
            let aside = leftovers(folder.path());
            let [aside] = aside.as_slice() else { panic!("{aside:?}") };
            assert!(aside.starts_with(&format!("{ANNA}.json.damaged-")), "{aside}");
            let aside = conversations(folder.path()).join(aside);
            assert_eq!(fs::read(&aside).unwrap(), damaged);
            fs::remove_file(aside).unwrap();
        }
        // A file that is gone has nothing to be kept.
        fs::remove_file(&file).unwrap();
        assert_eq!(deliver(&mut client, &mut book, &message(number, ANNA)), 200);
        number += 1;
        wait_for("the file is made anew", || file.exists());
        book.wait_until_filed(folder.path());
        assert_eq!(leftovers(folder.path()), [""; 0]);
    }

    // All of them gone: made from the journal on request.
    for file in conversation_files(folder.path()) {
        fs::write(file, "").unwrap();
    }
    let ended = run_briefly(configured(folder.path(), &["rebuild"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    book.wait_until_filed(folder.path());
}

#[test]
fn a_folder_in_place_of_a_conversation_stops_no_other_and_heals_when_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    connect_page(folder.path());
    let in_the_way = conversation(folder.path(), ANNA);
    fs::create_dir_all(&in_the_way).unwrap();
    let mut book = Book::default();
    let service = start(folder.path());
    let mut client = Client::connect(service.address).unwrap();
    for number in 0..5 {
        assert_eq!(deliver(&mut client, &mut book, &message(number, ANNA)), 200);
    }
    for number in 5..10 {
        assert_eq!(deliver(&mut client, &mut book, &message(number, BEN)), 200);
    }
    wait_for("the other conversation is written", || conversation(folder.path(), BEN).exists());
    wait_until_ready(service.address);
    assert_eq!(service.stop().0.code(), Some(0));

    // Retried for about a minute, then left alone: by a clock that is moved by hand.
    let parked = |advance: u32| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let clock = Clock::manual(chrono::Utc::now() + Duration::from_secs(1));
            let config = Config::without_channels(Server::below(folder.path()));
            let app = App::build(config, clock.clone()).await.unwrap();
            for _ in 0..advance {
                app.settle().await.unwrap();
                clock.advance(Duration::from_secs(10));
            }
            let parked = app.shared().journal.counts().await.unwrap().given_up;
            app.stop(None).await;
            parked
        })
    };
    assert_eq!(parked(20), 1);
    assert!(in_the_way.is_dir(), "what is not ours is not touched");

    fs::remove_dir(&in_the_way).unwrap();
    // Without an option it means everything that was given up.
    let ended = run_briefly(configured(folder.path(), &["replay"]));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "1 handed to the consumers again\n"), "{ended:?}");
    book.wait_until_filed(folder.path());
    assert_eq!(parked(1), 0);
}
