//! A disk that gives errors and a process that may open no more files (rule F7): nothing is acknowledged that is not kept,
//! what can be served is served, and it heals without a restart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::disk::{ANNA, BEN, at_work, deliver, message, start, status, wait_for};
use crate::load::{Book, Client, Delivery, Item, conversation, leftovers, wait_until_ready};
use crate::mount::skipped;
use crate::process::{Service, configured};

const FAULTS: &str = include_str!("faults.c");

/// Makes calls of the service fail for as long as it is told so.
struct Faults {
    library: PathBuf,
    /// What fails at the moment.
    lines: PathBuf,
}

impl Faults {
    /// `None`: there is no C compiler.
    fn build(folder: &Path) -> Option<Self> {
        let (source, library, lines) = (folder.join("faults.c"), folder.join("faults.so"), folder.join("faults"));
        std::fs::write(&source, FAULTS).unwrap();
        std::fs::write(&lines, "").unwrap();
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let built = Command::new(compiler)
            .args(["-shared", "-fPIC", "-O1", "-pthread", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl")
            .status();
        built.is_ok_and(|status| status.success()).then_some(Self { library, lines })
    }

    fn start(&self, folder: &Path) -> Service {
        let mut command = configured(folder, &["serve"]);
        command.env("LD_PRELOAD", &self.library).env("FAULTS", &self.lines);
        Service::start(command)
    }

    /// From now on these calls fail, and no others. A reader sees all of it or what was before.
    fn fail(&self, lines: &str) {
        let new = self.lines.with_extension("new");
        std::fs::write(&new, lines).unwrap();
        std::fs::rename(new, &self.lines).unwrap();
    }
}

#[test]
fn f7_while_the_journals_disk_gives_errors_nothing_is_acknowledged_and_what_was_not_synced_is_not_taken_as_written() {
    let (tools, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(faults) = Faults::build(tools.path()) else { return skipped("a C compiler is needed") };
    let (service, mut client, mut book) = at_work(folder.path(), |folder| faults.start(folder));
    let mut numbers = 0..;
    for fault in ["sync journal.db-wal", "write journal.db-wal", "sync journal.db", "write journal.db"] {
        for _ in 0..5 {
            assert_eq!(deliver(&mut client, &mut book, &message(numbers.next().unwrap(), ANNA)), 200);
        }
        faults.fail(fault);
        for _ in 0..20 {
            // The book sees to it that each 503 says when to come again.
            assert_eq!(deliver(&mut client, &mut book, &message(numbers.next().unwrap(), BEN)), 503, "{fault}");
        }
        // Some faults hit only what is written now and then; each delivery that fails shows them anew.
        wait_for("it says that it is not ready", || {
            assert_eq!(deliver(&mut client, &mut book, &message(numbers.next().unwrap(), BEN)), 503, "{fault}");
            status(&service, "/ready") == 503
        });
        assert_eq!(status(&service, "/health"), 200, "{fault}");
        faults.fail("");
        wait_for("deliveries are taken again", || {
            deliver(&mut client, &mut book, &message(numbers.next().unwrap(), ANNA)) == 200
        });
        wait_for("it is ready again", || status(&service, "/ready") == 200);
    }
    book.wait_until_filed(folder.path());
    let refused = book.answers.1;
    assert!(refused >= 80, "{refused}");
    service.kill();

    // What the disk holds says the same: all that was acknowledged, and nothing that was not.
    let service = start(folder.path());
    wait_until_ready(service.address);
    book.wait_until_filed(folder.path());
    assert!(!conversation(folder.path(), BEN).exists(), "what was answered 503 was kept all the same");
    assert_eq!(service.stop().0.code(), Some(0));
}

#[test]
fn f7_while_only_the_journals_log_can_be_written_it_is_not_ready_and_takes_deliveries_all_the_same() {
    let (tools, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(faults) = Faults::build(tools.path()) else { return skipped("a C compiler is needed") };
    let (service, mut client, mut book) = at_work(folder.path(), |folder| faults.start(folder));
    let mut numbers = 0_u64..;
    // The log is moved when it has 40 MB; with long messages that is soon.
    let mut long = |client: &mut Client, book: &mut Book| {
        let number = numbers.next().unwrap();
        let text = "x".repeat(250_000);
        let item = Item::new(format!("m_{number}"), ANNA.to_owned(), 1_790_000_000_000 + number, &text);
        deliver(client, book, &Delivery::new(vec![item]))
    };
    faults.fail("write journal.db$");
    let deadline = Instant::now() + Duration::from_secs(60);
    while status(&service, "/ready") == 200 {
        assert_eq!(long(&mut client, &mut book), 200);
        assert!(Instant::now() < deadline, "it never says that it is not ready");
    }
    assert_eq!(long(&mut client, &mut book), 200);
    faults.fail("");
    wait_for("it is ready again", || {
        assert_eq!(long(&mut client, &mut book), 200);
        status(&service, "/ready") == 200
    });
    assert_eq!(service.stop().0.code(), Some(0));
}

#[test]
fn f7_a_login_that_cannot_be_stored_is_503_and_works_again_when_the_disk_does() {
    let (tools, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(faults) = Faults::build(tools.path()) else { return skipped("a C compiler is needed") };
    let service = faults.start(folder.path());
    wait_until_ready(service.address);
    // The host of the test's requests is not the public one, and this says that a login was sent there already.
    let login = || status(&service, "/shopify/demo-shop/login?at=public");
    assert_eq!(login(), 303);
    for fault in ["write sessions.db", "sync sessions.db"] {
        faults.fail(fault);
        assert_eq!(login(), 503, "{fault}");
        faults.fail("");
        wait_for("logins begin again", || login() == 303);
    }
    let log = service.stop().1;
    assert!(!log.contains("a request failed"), "{log}");
}

#[test]
fn f7_files_that_cannot_be_written_stop_no_delivery_and_are_written_when_the_disk_is_well_again() {
    let (tools, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(faults) = Faults::build(tools.path()) else { return skipped("a C compiler is needed") };
    let (service, mut client, mut book) = at_work(folder.path(), |folder| faults.start(folder));
    assert_eq!(deliver(&mut client, &mut book, &message(1, ANNA)), 200);
    book.wait_until_filed(folder.path());
    let before = std::fs::read(conversation(folder.path(), ANNA)).unwrap();

    faults.fail("write /conversations/");
    for number in 2..10 {
        assert_eq!(deliver(&mut client, &mut book, &message(number, if number % 2 == 0 { ANNA } else { BEN })), 200);
    }
    wait_for("it says that it is not ready", || status(&service, "/ready") == 503);
    assert_eq!(std::fs::read(conversation(folder.path(), ANNA)).unwrap(), before, "the old document is still whole");
    assert_eq!(deliver(&mut client, &mut book, &message(10, BEN)), 200);

    faults.fail("");
    wait_for("it is ready again", || status(&service, "/ready") == 200);
    book.wait_until_filed(folder.path());
    assert_eq!(leftovers(folder.path()), [""; 0]);
    assert_eq!(service.stop().0.code(), Some(0));
}

/// How many files a process has open.
fn open_files(process: u32) -> u64 {
    std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count() as u64
}

#[test]
fn f7_where_no_more_files_can_be_opened_what_is_acknowledged_is_kept_and_it_heals_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (service, mut client, mut book) = at_work(folder.path(), start);
    assert_eq!(deliver(&mut client, &mut book, &message(0, ANNA)), 200);
    book.wait_until_filed(folder.path());

    // Room for five connections more.
    let process = Pid::from_raw(i32::try_from(service.id()).unwrap());
    let most = open_files(service.id()) + 5;
    let before = prlimit(process, Resource::Nofile, Rlimit { current: Some(most), maximum: Some(most) }).unwrap();
    assert!(before.current.is_none_or(|before| before > most));
    let crowd: Vec<Client> = (0..100).map(|_| Client::connect(service.address).unwrap()).collect();
    wait_for("there are as many files open as there may be", || open_files(service.id()) >= most);
    for number in 1..50 {
        // New files for new conversations cannot be opened either.
        let person = if number % 2 == 0 { ANNA } else { BEN };
        assert!([200, 503].contains(&deliver(&mut client, &mut book, &message(number, person))));
    }
    assert_eq!(client.send(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap().status, 200);
    assert!(book.answers.0 > 20, "{:?}", book.answers);

    drop(crowd);
    wait_for("new connections are accepted again", || status(&service, "/health") == 200);
    wait_for("it is ready again", || status(&service, "/ready") == 200);
    for number in 100..110 {
        assert_eq!(deliver(&mut client, &mut book, &message(number, BEN)), 200);
    }
    book.wait_until_filed(folder.path());
    let log = service.kill();
    let said = log.lines().filter(|line| line.contains("a connection could not be accepted")).count();
    assert!((1..=Duration::from_secs(40).as_secs() as usize).contains(&said), "{said} lines:\n{log}");
    assert!(!log.contains("panicked"), "{log}");
    let service = start(folder.path());
    wait_until_ready(service.address);
    book.wait_until_filed(folder.path());
    assert_eq!(service.stop().0.code(), Some(0));
}
