//! What this program is built from (rule Z3): the registry alone, no banned crate, one of each kind, licences from a list.
//! `deny.toml` holds the lists, for cargo-deny and for these tests.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const LOCK: &str = include_str!("../../Cargo.lock");
const DENY: &str = include_str!("../../deny.toml");
const MANIFEST: &str = include_str!("../../Cargo.toml");

/// The packages of the lock file, each with its fields.
fn packages() -> Vec<BTreeMap<&'static str, &'static str>> {
    LOCK.split("[[package]]")
        .skip(1)
        .map(|package| {
            package
                .lines()
                .filter_map(|line| line.split_once(" = "))
                .map(|(name, value)| (name, value.trim_matches('"')))
                .collect()
        })
        .collect()
}

/// The texts in quotes of one list in `deny.toml`.
fn list(name: &str) -> BTreeSet<&'static str> {
    let start = DENY.find(&format!("\n{name} = [")).unwrap();
    let end = start + DENY[start..].find("\n]").unwrap();
    DENY[start..end].lines().skip(2).filter_map(|line| line.split('"').nth(1)).collect()
}

#[test]
fn z3_every_dependency_comes_from_the_registry_with_a_checksum() {
    let packages = packages();
    assert!(packages.len() > 100);
    for package in packages.iter().filter(|package| package["name"] != "shoptalk") {
        let from = package.get("source").copied();
        assert_eq!(from, Some("registry+https://github.com/rust-lang/crates.io-index"), "{}", package["name"]);
        assert_eq!(package.get("checksum").map_or(0, |checksum| checksum.len()), 64, "{}", package["name"]);
    }
    assert!(!MANIFEST.contains("git = ") && !MANIFEST.contains("= \"*\""));
}

#[test]
fn z3_no_banned_crate_is_built_in_and_there_is_one_of_each_kind() {
    let packages = packages();
    let banned = list("deny");
    assert!(banned.contains("openssl") && banned.contains("native-tls") && banned.contains("time"), "{banned:?}");
    let names: Vec<&str> = packages.iter().map(|package| package["name"]).collect();
    let found: Vec<_> = names.iter().filter(|name| banned.contains(**name)).collect();
    assert!(found.is_empty(), "{found:?}");
    for one in ["chrono", "http", "hyper", "libsqlite3-sys", "reqwest", "ring", "rustls", "serde", "sha2", "tokio"] {
        assert_eq!(names.iter().filter(|name| **name == one).count(), 1, "{one}");
    }
}

/// What `cargo` prints, given these arguments.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`cargo {}` ended with {}:\n{said}", arguments.join(" "), output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Of this machine's platform only: whoever runs these tests has fetched no other crates. `cargo deny` reads all of them.
#[test]
fn z3_every_licence_is_on_the_list() {
    let version = cargo(&["--version", "--verbose"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo names its host");
    let metadata = cargo(&["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata");
    let allowed = list("allow");
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{}", packages.len());
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none").replace('/', " OR ");
        assert!(is_allowed(&licence, &allowed), "{}: {licence}", package["name"]);
    }
}

/// Whether a licence expression can be met: one of what stands at OR, all of what stands at AND.
fn is_allowed(licence: &str, allowed: &BTreeSet<&str>) -> bool {
    let licence = licence.split_whitespace().collect::<Vec<_>>().join(" ");
    if allowed.contains(licence.as_str()) {
        return true;
    }
    for (word, all) in [(" OR ", false), (" AND ", true)] {
        let parts = outside_brackets(&licence, word);
        if parts.len() > 1 {
            return match all {
                true => parts.iter().all(|part| is_allowed(part, allowed)),
                false => parts.iter().any(|part| is_allowed(part, allowed)),
            };
        }
    }
    let inner = licence.strip_prefix('(').and_then(|licence| licence.strip_suffix(')'));
    inner.is_some_and(|inner| is_allowed(inner, allowed))
}

fn outside_brackets<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ' ' if depth == 0 && at >= start && text[at..].starts_with(word) => {
                parts.push(&text[start..at]);
                start = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[test]
fn z3_licence_expressions_are_understood() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]);
    for good in ["MIT", "GPL-3.0 OR MIT", "(MIT OR GPL-3.0) AND ISC", "Apache-2.0 WITH LLVM-exception", "MIT AND ISC"] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "", "none", "Apache-2.0"] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}

#[test]
fn z3_unsafe_is_forbidden_overflow_is_checked_and_builds_are_locked() {
    assert!(MANIFEST.contains("unsafe_code = \"forbid\""));
    let release = MANIFEST.split("[profile.release]").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(release.contains("overflow-checks = true"));
    let run = include_str!("../../.ci/run");
    for line in run.lines().map(str::trim).filter(|line| line.contains("cargo ")) {
        let builds =
            ["clippy", "test", "doc", "run", "build"].iter().any(|word| line.contains(&format!("cargo {word} ")));
        assert!(!builds || line.contains("--locked"), "{line}");
    }
    assert!(run.contains("cargo test --locked"));
}
