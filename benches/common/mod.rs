//! What the benchmarks share: the service in a process of its own, what it costs, and the table of results.
#![allow(dead_code, reason = "no benchmark uses all of it")]

pub mod load;
pub mod stage;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server in a process of its own; killed when dropped.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Process {
    /// What was started elsewhere.
    pub fn of(child: Child, address: SocketAddr) -> Self {
        Self { child, address }
    }

    /// The service on this folder with these settings, ready.
    pub async fn service(folder: &Path, settings: &[(&str, &str)]) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let address = free_address();
        let child = Command::new(env!("CARGO_BIN_EXE_shoptalk"))
            .arg("serve")
            .current_dir(folder)
            .env_clear()
            .env("PORT", address.port().to_string())
            .env("PUBLIC_URL", format!("http://{address}"))
            .env("RUST_LOG", "error")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        let process = Self::of(child, address);
        while !is_ready(address).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        process
    }

    /// Its own address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The processor time it has used.
    pub fn cpu(&self) -> Duration {
        cpu_of(&self.child.id().to_string())
    }

    /// Its resident memory now.
    pub fn memory_mb(&self) -> f64 {
        memory_of(&self.child.id().to_string(), "VmRSS:")
    }

    /// The most that its resident memory ever was.
    pub fn peak_mb(&self) -> f64 {
        memory_of(&self.child.id().to_string(), "VmHWM:")
    }
}

/// The resident memory of this process, in MB.
pub fn memory_mb() -> f64 {
    memory_of("self", "VmRSS:")
}

fn memory_of(process: &str, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

/// Whether this word is among the arguments.
pub fn is_wanted(word: &str) -> bool {
    std::env::args().any(|one| one == word)
}

/// Runs a benchmark, told whether everything is to be short. `cargo test --benches` calls benchmarks, too: it wants to know
/// that they build.
pub fn start<F: Future>(run: impl FnOnce(bool) -> F) {
    if !is_wanted("--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(is_wanted("short")));
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processor time of a process, or of `self`: user and system, which the kernel counts in hundredths of a second.
pub fn cpu_of(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// An address that nobody listens at.
fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address")
}

async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else { return false };
    let request = b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut answer = Vec::new();
    stream.write_all(request).await.is_ok()
        && stream.read_to_end(&mut answer).await.is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}

/// A client for the loopback, which trusts nobody and follows no redirect.
pub fn client() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    client.redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// A fresh folder on the disk that builds use: `/tmp` may be memory.
pub fn folder() -> TempDir {
    let beside = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(&beside).expect("a folder");
    tempfile::Builder::new().prefix("shoptalk-bench-").tempdir_in(beside).expect("a folder")
}

pub fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// The results, printed as they come and once more as a table at the end.
#[derive(Default)]
pub struct Table(Vec<[String; 6]>);

impl Table {
    /// Adds a row. `wanted` is `-` where nothing is; then `good` is true.
    pub fn row(&mut self, what: &str, measured: String, against: String, ratio: f64, wanted: &str, good: bool) {
        let verdict = if good { "yes" } else { "NO" };
        let row = [what.to_owned(), measured, against, format!("{ratio:.2}"), wanted.to_owned(), verdict.to_owned()];
        eprintln!("{}", row.join(" | "));
        self.0.push(row);
    }

    pub fn print(&self) {
        println!("\n| what | measured | against | ratio | wanted | reached |\n| --- | --- | --- | --- | --- | --- |");
        for row in &self.0 {
            println!("| {} |", row.join(" | "));
        }
    }
}
