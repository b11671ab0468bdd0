//! The real binary as a process of its own: nothing in its environment but what the test gives, in the test's folder.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A full configuration that reaches nothing outside this machine.
const SETTINGS: [(&str, &str); 10] = [
    ("PORT", "0"),
    ("PUBLIC_URL", "http://127.0.0.1:5000"),
    ("FACEBOOK_APP_ID", "900000000000001"),
    ("FACEBOOK_APP_SECRET", "a facebook secret for tests"),
    ("FACEBOOK_VERIFY_TOKEN", "a verify token for tests"),
    ("FACEBOOK_GRAPH_URL", "http://127.0.0.1:9"),
    ("FACEBOOK_DIALOG_URL", "http://127.0.0.1:9"),
    ("SHOPIFY_API_KEY", "test-app"),
    ("SHOPIFY_API_SECRET", "a shopify secret for tests"),
    ("SHOPIFY_ADMIN_URL", "http://127.0.0.1:9/{shop}"),
];

/// The command line `shoptalk <arguments>` in this folder, without any setting.
pub fn shoptalk(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shoptalk"));
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// The same with a full configuration.
pub fn configured(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = shoptalk(folder, arguments);
    command.envs(SETTINGS);
    command
}

/// What a process that has ended left.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    fn with(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A process that was started; killed when dropped.
pub struct Running(pub Child);

impl Running {
    /// What `kill` and a service manager send.
    pub fn ask_to_stop(&self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended unless the test failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs to the end.
pub fn run(mut command: Command) -> Ended {
    Ended::with(command.output().unwrap())
}

/// Runs what must end by itself soon.
pub fn run_briefly(mut command: Command) -> Ended {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it did not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ended::with(child.wait_with_output().unwrap())
}

/// `shoptalk serve`, listening.
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    running: Running,
    log: Option<JoinHandle<String>>,
}

impl Service {
    /// Starts it and waits until it says that it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        while !log.contains("listening") {
            assert_ne!(stderr.read_line(&mut log).unwrap(), 0, "the service did not start: {log}");
        }
        let address = log.lines().last().and_then(|line| line.rsplit_once("address=")).unwrap().1.parse().unwrap();
        // A pipe that nobody reads would stop the service one day.
        let reading = std::thread::spawn(move || {
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        Self { address, running: Running(child), log: Some(reading) }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.running.0.id()
    }

    /// Asks it to stop, as a supervisor does.
    pub fn ask_to_stop(&self) {
        self.running.ask_to_stop();
    }

    /// Asks it to stop, and gives its exit status and its log.
    pub fn stop(mut self) -> (ExitStatus, String) {
        let status = self.running.stop();
        (status, self.log.take().unwrap().join().unwrap())
    }
}

impl Service {
    /// Ends it as a power supply or the kernel does: without a chance to do anything. Gives its log.
    pub fn kill(mut self) -> String {
        self.running.0.kill().unwrap();
        self.running.0.wait().unwrap();
        self.log.take().unwrap().join().unwrap()
    }
}
