//! Standard error and standard output that nobody reads, that are full, gone or closed: no command panics, and the service
//! answers and stops as ever.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Read, Write, pipe};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::load::{Client, connect_page, wait_until_ready};
use crate::process::{Ended, Running, Service, configured, run, shoptalk};
use crate::test_app::{OPERATOR_TOKEN, PAGE};

/// How long an end may take: the service promises 15 seconds.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Waits until a process has ended that was asked to.
fn end_of(mut process: Running) -> ExitStatus {
    let deadline = Instant::now() + ENDS_WITHIN;
    loop {
        if let Some(status) = process.0.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `shoptalk serve` at a port that is known before, because its log may say nothing.
fn serve(folder: &Path, stderr: impl Into<Stdio>) -> (Running, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = configured(folder, &["serve"]);
    command.env("PORT", address.port().to_string()).env("OPERATOR_TOKEN", OPERATOR_TOKEN);
    let child = command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    (Running(child), address)
}

/// Fills a pipe to the last byte.
fn fill(mut pipe: &PipeWriter) {
    let before = fcntl_getfl(pipe).unwrap();
    fcntl_setfl(pipe, before | OFlags::NONBLOCK).unwrap();
    for size in [4096, 1] {
        while pipe.write(&vec![b'.'; size]).is_ok() {}
    }
    fcntl_setfl(pipe, before).unwrap();
}

fn read_until(pipe: &mut BufReader<PipeReader>, words: &str) {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(pipe.read_line(&mut line).unwrap(), 0, "the log ended without {words:?}");
    }
}

/// Requests that are logged are answered, each of them.
fn answers(address: SocketAddr) {
    let forged = "POST /facebook/webhook HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}";
    for _ in 0..20 {
        assert_eq!(Client::connect(address).unwrap().send(forged.as_bytes()).unwrap().status, 401);
        assert_eq!(Client::get(address, "/facebook/callback").unwrap().status, 400);
        assert_eq!(Client::get(address, "/health").unwrap().status, 200);
    }
}

/// How many lines of the log the service says it has lost.
fn lost(address: SocketAddr) -> u64 {
    let mut text = String::new();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {OPERATOR_TOKEN}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.read_to_string(&mut text).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("shoptalk_log_lines_lost_total ")).unwrap();
    line.trim().parse().unwrap()
}

#[test]
fn a_log_that_nobody_reads_stops_nothing_and_what_waited_comes_when_it_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = pipe().unwrap();
    let (service, address) = serve(folder.path(), writer.try_clone().unwrap());
    let mut reader = BufReader::new(reader);
    read_until(&mut reader, "listening");
    fill(&writer);
    answers(address);
    // Somebody reads again.
    read_until(&mut reader, "a delivery was refused");
    drop(reader.fill_buf());
    fill(&writer);
    answers(address);
    service.ask_to_stop();
    assert!(end_of(service).success());
}

#[test]
fn a_log_whose_reader_is_gone_or_whose_disk_is_full_stops_nothing_and_its_lines_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = pipe().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let streams: [(Stdio, Option<PipeReader>); 2] = [(writer.into(), Some(reader)), (full.into(), None)];
    for (stderr, reader) in streams {
        let (service, address) = serve(folder.path(), stderr);
        if let Some(reader) = reader {
            read_until(&mut BufReader::new(reader), "listening");
        }
        wait_until_ready(address);
        answers(address);
        // Lines that strangers cause come once a second for each kind.
        assert!(lost(address) > 0);
        service.ask_to_stop();
        assert!(end_of(service).success());
    }
    // Without any standard error.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = through_shell("exec \"$@\" 2>&- >&-", configured(folder.path(), &["serve"]));
    command.env("PORT", address.port().to_string());
    let service = Running(command.spawn().unwrap());
    wait_until_ready(address);
    answers(address);
    service.ask_to_stop();
    assert!(end_of(service).success());
}

#[test]
fn a_start_that_fails_ends_also_where_nobody_reads_why() {
    let folder = tempfile::tempdir().unwrap();
    let (_reader, writer) = pipe().unwrap();
    fill(&writer);
    for arguments in [["serve", "--what"], ["sync", "nowhere"]] {
        let mut command = shoptalk(folder.path(), &arguments);
        let child = command.stdout(Stdio::null()).stderr(writer.try_clone().unwrap()).spawn().unwrap();
        assert_eq!(end_of(Running(child)).code(), Some(2), "{arguments:?}");
    }
    let mut command = configured(folder.path(), &["serve"]);
    command.env("TOKEN_DB_PATH", "/dev/null/tokens.db");
    let child = command.stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    assert_eq!(end_of(Running(child)).code(), Some(2));
}

/// The same command line, started by a shell that does something with the streams first.
fn through_shell(script: &str, command: Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(script).arg("sh").arg(command.get_program()).args(command.get_args()).env_clear();
    shell.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[test]
fn no_command_panics_where_its_output_cannot_be_written_and_a_full_disk_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    Service::start(configured(folder.path(), &["serve"])).stop();
    let commands: [(&[&str], i32); 8] = [
        (&["--help"], 0),
        (&["--version"], 0),
        (&["doctor"], 1),
        (&["doctor", "--json"], 1),
        (&["sync"], 0),
        (&["rebuild"], 0),
        (&["replay", "--failed"], 0),
        (&["keys", "rotate"], 0),
    ];
    for (arguments, good) in commands {
        let tried = |ended: Ended, code: i32, how: &str| {
            assert_eq!(ended.code, Some(code), "{arguments:?} with {how}: {ended:?}");
            assert!(!ended.stderr.contains("panic"), "{arguments:?} with {how}: {ended:?}");
            ended.stderr
        };
        let through = |script: &str| run(through_shell(script, configured(folder.path(), arguments)));
        tried(through("exec \"$@\" >&-"), good, "a closed output");
        let said = tried(through("exec \"$@\" >/dev/full"), 1, "a full disk");
        assert!(said.contains("the output could not be written"), "{arguments:?}: {said}");
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = configured(folder.path(), arguments);
        let child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        tried(Ended { code: output.status.code(), stdout: String::new(), stderr }, good, "a reader that went away");
    }
    let backup = through_shell("exec \"$@\" >/dev/full", configured(folder.path(), &["backup", "copy"]));
    let ended = run(backup);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(folder.path().join("copy/backup.json").exists(), "the work itself is done");
}

#[test]
fn why_nothing_was_done_stands_on_standard_error_and_accounts_have_two_notations() {
    let folder = tempfile::tempdir().unwrap();
    connect_page(folder.path());
    std::fs::write(folder.path().join("none.json"), r#"{"cases":[]}"#).unwrap();
    let both = format!("facebook/{PAGE}");
    let service = Service::start(configured(folder.path(), &["serve"]));
    let commands: [(&[&str], i32, &str); 11] = [
        (&["replay", "--event", "99999"], 1, "there is no such event"),
        (&["tail", "--since", "99999"], 1, "are kept"),
        (&["sync", "facebook", "facebook/999"], 1, "this account is not connected"),
        (&["sync", "facebook", "shopify/demo-shop"], 1, "is an account of another platform"),
        (&["sync", "facebook", "nowhere/1"], 2, "a channel and an id"),
        (&["rebuild", "shopify/demo-shop"], 1, "nothing is stored of this account"),
        (&["bot", "eval", "none.json"], 2, "a file holds 1 to 1000 cases"),
        (&["bot", "eval", "missing.json"], 2, "cannot be read"),
        (&["sync", "facebook", &both], 1, "failed: "),
        (&["sync", "facebook", PAGE], 1, "failed: "),
        (&["sync"], 1, "failed: "),
    ];
    for (arguments, code, why) in commands {
        let ended = run(configured(folder.path(), arguments));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(why), "{arguments:?}: {ended:?}");
    }
    for account in [&*both, PAGE] {
        let ended = run(configured(folder.path(), &["rebuild", account]));
        assert!(!ended.stderr.contains("nothing is stored"), "{ended:?}");
        assert!(ended.stdout.contains("are written"), "{ended:?}");
    }
    service.stop();
}

#[test]
fn the_demo_stops_when_it_is_asked_to_whoever_reads() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = pipe().unwrap();
    let mut command = shoptalk(folder.path(), &["demo", "--dir", "demo"]);
    let child = command.stdout(writer.try_clone().unwrap()).stderr(Stdio::null()).spawn().unwrap();
    let demo = Running(child);
    read_until(&mut BufReader::new(reader.try_clone().unwrap()), "Ctrl-C ends the demo");
    fill(&writer);
    demo.ask_to_stop();
    assert!(end_of(demo).success());

    let full =
        run(through_shell("exec \"$@\" >/dev/full", shoptalk(folder.path(), &["demo", "--once", "--dir", "one"])));
    assert_eq!(full.code, Some(1), "{full:?}");
    assert!(full.stderr.contains("the output could not be written"), "{full:?}");
    let gone = run(through_shell("\"$@\" | true", shoptalk(folder.path(), &["demo", "--once", "--dir", "two"])));
    assert!(!gone.stderr.contains("panic"), "{gone:?}");
}
