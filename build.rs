//! Which commit a release was built from, for `shoptalk --version`. It is asked of git, or told in `SHOPTALK_COMMIT` where the
//! source is no git checkout; without both a build says its version alone.
//!
//! Only builds with optimisation ask: a debug build would be made anew after every commit.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SHOPTALK_COMMIT");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = told().or_else(|| if is_release { asked() } else { None });
    let text = match commit {
        Some(commit) => format!("{version} ({commit})"),
        None if is_release => version,
        None => format!("{version} (debug build)"),
    };
    println!("cargo:rustc-env=SHOPTALK_VERSION={text}");
}

/// What whoever builds says.
fn told() -> Option<String> {
    shortened(&env::var("SHOPTALK_COMMIT").ok()?)
}

/// What git says.
fn asked() -> Option<String> {
    let folder = git(&["rev-parse", "--absolute-git-dir"])?;
    // It changes with every commit and every checkout.
    let log = Path::new(&folder).join("logs/HEAD");
    if log.exists() {
        println!("cargo:rerun-if-changed={}", log.display());
    }
    shortened(&git(&["rev-parse", "HEAD"])?)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The first twelve digits of a commit; `None`: it is none.
fn shortened(commit: &str) -> Option<String> {
    let digits: String = commit.trim().chars().take(12).collect();
    let is_commit = digits.len() >= 7 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then_some(digits)
}
