//! Killed, stopped or cut off from power at any moment under load: what was acknowledged is in the files, once.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::load::{
    Book, Load, Random, Reading, Shape, connect_page, conversation_files, leftovers, parse_everything, wait_until_ready,
};
use crate::mount::{Mount, skipped};
use crate::process::{Service, configured, run_briefly};

const SHAPE: Shape = Shape::restless(6, 40);

fn start(folder: &Path) -> Service {
    Service::start(configured(folder, &["serve"]))
}

/// Starts the service, puts it under load and kills it at a random moment, so many times.
fn kill_and_start_again(cycles: usize) {
    let mut random = Random::seeded();
    let folder = tempfile::tempdir().unwrap();
    connect_page(folder.path());
    let book = Arc::new(Mutex::new(Book::default()));
    let reading = Reading::start(folder.path(), &mut random);
    for cycle in 0..cycles {
        let service = start(folder.path());
        let load = Load::start(service.address, &book, SHAPE, &mut random);
        std::thread::sleep(random.milliseconds(0, 400));
        service.kill();
        load.stop();
        if cycle % 4 == 3 {
            // Also while it makes up for the last time.
            let mut starting =
                configured(folder.path(), &["serve"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(random.milliseconds(0, 250));
            starting.kill().unwrap();
            starting.wait().unwrap();
        }
    }
    let service = start(folder.path());
    wait_until_ready(service.address);
    let book = book.lock().unwrap();
    assert!(book.acknowledged() > 20 * cycles, "there was next to no load: {}", book.acknowledged());
    book.wait_until_filed(folder.path());
    let reads = reading.stop();
    assert!(reads > cycles, "{reads} reads");
    assert_eq!(service.stop().0.code(), Some(0));
    parse_everything(folder.path());
    assert_eq!(leftovers(folder.path()), [""; 0], "half-written files of the killed processes");
    println!("{cycles} kills, {} messages, {:?} answers, {reads} reads", book.acknowledged(), book.answers);
}

#[test]
fn killed_five_times_under_load_nothing_acknowledged_is_lost_or_doubled() {
    kill_and_start_again(5);
}

#[test]
#[ignore = "takes about a minute: cargo test --test service a_hundred_times -- --ignored --nocapture"]
fn killed_a_hundred_times_under_load_nothing_acknowledged_is_lost_or_doubled() {
    kill_and_start_again(100);
}

#[test]
fn asked_to_stop_under_load_it_ends_in_order_and_the_next_start_has_everything_once() {
    let mut random = Random::seeded();
    let folder = tempfile::tempdir().unwrap();
    connect_page(folder.path());
    let book = Arc::new(Mutex::new(Book::default()));
    for _ in 0..2 {
        let service = start(folder.path());
        let load = Load::start(service.address, &book, SHAPE, &mut random);
        std::thread::sleep(random.milliseconds(100, 400));
        let asked = Instant::now();
        let (status, log) = service.stop();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
        load.stop();
        let data = folder.path().join("data");
        assert!(!data.join("shoptalk.sock").exists(), "the socket is gone");
        let lock = std::fs::File::open(data.join("shoptalk.lock")).unwrap();
        lock.try_lock().expect("the lock is free");
    }
    let service = start(folder.path());
    wait_until_ready(service.address);
    book.lock().unwrap().wait_until_filed(folder.path());
    assert_eq!(service.stop().0.code(), Some(0));
    assert_eq!(leftovers(folder.path()), [""; 0]);
}

#[test]
#[ignore = "takes the ten seconds a slow client is given: cargo test --test service slow_client -- --ignored"]
fn a_slow_client_does_not_keep_it_from_stopping() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let service = start(folder.path());
    let mut slow = std::net::TcpStream::connect(service.address).unwrap();
    slow.write_all(b"POST /facebook/webhook HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let asked = Instant::now();
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
}

/// Cuts the power under load, so many times, each time going on from what the disk held.
///
/// The service lives in a file system inside an image file. The kernel keeps what is written to it in memory and hands it
/// to the device (the loop driver, which puts it into the image) when somebody waits for it with `fsync`, or after its own
/// time, which is far longer than this test. So a copy of the image made right after the process was killed lacks what
/// was not synced: it is what a power cut leaves on a disk that keeps what it has been given. Mounting the copy runs the
/// file system's own recovery. What this does not show: a disk that loses what it has confirmed, and one that was given
/// half of a write.
fn cut_power(file_system: &str, cuts: usize, shape: Shape) {
    let mut random = Random::seeded();
    let folder = tempfile::tempdir().unwrap();
    let Some(mut disk) = Mount::image(&folder.path().join("0.img"), file_system) else {
        return skipped(&format!("cutting the power on {file_system} needs root, loop devices and mkfs.{file_system}"));
    };
    connect_page(disk.path());
    let book = Arc::new(Mutex::new(Book::default()));
    let mut healed = 0;
    for cut in 1..=cuts {
        let service = start(disk.path());
        let load = Load::start(service.address, &book, shape, &mut random);
        std::thread::sleep(random.milliseconds(50, 700));
        service.kill();
        let copy = folder.path().join(format!("{cut}.img"));
        disk.cut_power(&copy);
        load.stop();
        drop(disk);
        std::fs::remove_file(folder.path().join(format!("{}.img", cut - 1))).unwrap();

        disk = Mount::existing(&copy, file_system).expect("the file system recovers");
        let service = start(disk.path());
        wait_until_ready(service.address);
        parse_everything(disk.path());
        let filed = book.lock().unwrap();
        filed.wait_until_filed(disk.path());
        assert_eq!(service.stop().0.code(), Some(0));
        healed += leftovers(disk.path()).len();
    }
    println!("{file_system}: {cuts} cuts, {} messages, {healed} set aside", book.lock().unwrap().acknowledged());
}

#[test]
fn after_a_power_cut_on_ext4_everything_is_there_once_it_is_ready() {
    cut_power("ext4", 2, Shape::restless(6, 100_000));
}

#[test]
fn after_a_power_cut_on_xfs_everything_is_there_once_it_is_ready() {
    cut_power("xfs", 2, Shape::restless(6, 1_000));
}

/// The same while `shoptalk rebuild` makes all files anew: they lie far behind the cursor, so no start writes them again.
fn cut_power_during_rebuild(file_system: &str, cuts: usize) {
    let mut random = Random::seeded();
    let folder = tempfile::tempdir().unwrap();
    let Some(mut disk) = Mount::image(&folder.path().join("0.img"), file_system) else {
        return skipped(&format!("cutting the power on {file_system} needs root, loop devices and mkfs.{file_system}"));
    };
    connect_page(disk.path());
    let book = Arc::new(Mutex::new(Book::default()));
    let service = start(disk.path());
    let load = Load::start(service.address, &book, Shape::restless(4, 100_000), &mut random);
    std::thread::sleep(Duration::from_millis(500));
    load.stop();
    book.lock().unwrap().wait_until_filed(disk.path());
    assert_eq!(service.stop().0.code(), Some(0));
    for cut in 1..=cuts {
        let service = start(disk.path());
        wait_until_ready(service.address);
        for file in conversation_files(disk.path()) {
            std::fs::remove_file(file).unwrap();
        }
        // Deliveries meanwhile make the file system write down what happened to names, as they do in production.
        let load = Load::start(service.address, &book, Shape::restless(1, 3), &mut random);
        let mut rebuild =
            configured(disk.path(), &["rebuild"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(random.milliseconds(20, 150));
        service.kill();
        // It may have gone on by itself: it is as dead as the service.
        let _ = rebuild.kill();
        rebuild.wait().unwrap();
        let copy = folder.path().join(format!("{cut}.img"));
        disk.cut_power(&copy);
        load.stop();
        drop(disk);
        std::fs::remove_file(folder.path().join(format!("{}.img", cut - 1))).unwrap();

        disk = Mount::existing(&copy, file_system).expect("the file system recovers");
        let service = start(disk.path());
        wait_until_ready(service.address);
        parse_everything(disk.path());
        let ended = run_briefly(configured(disk.path(), &["rebuild"]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        book.lock().unwrap().wait_until_filed(disk.path());
        assert_eq!(service.stop().0.code(), Some(0));
    }
}

#[test]
fn after_a_power_cut_during_a_rebuild_every_file_is_whole() {
    cut_power_during_rebuild("ext4", 2);
}

#[test]
#[ignore = "takes some minutes: cargo test --test service power_is_cut_often -- --ignored --nocapture"]
fn the_power_is_cut_often() {
    for people in [10, 1_000, 100_000] {
        for file_system in ["ext4", "xfs"] {
            cut_power(file_system, 10, Shape::restless(6, people));
        }
    }
    for file_system in ["ext4", "xfs"] {
        cut_power_during_rebuild(file_system, 10);
    }
}
