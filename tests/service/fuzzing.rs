//! The fuzz targets as ordinary tests: over the kept corpus, and over bounded random changes of it. `SEED` repeats a run,
//! `FUZZ_EXECUTIONS` makes it longer.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use shoptalk::fuzzing::{run, targets};

use crate::load::Random;

/// How many changed inputs each target gets, unless `FUZZ_EXECUTIONS` says otherwise.
const EXECUTIONS: u64 = 2000;

/// Unless `SEED` says otherwise: a test that finds something today finds it tomorrow.
const SEED: u64 = 20_261_121;

/// The longest input, in bytes.
const LONGEST: usize = 4096;

/// Pieces that parsers stumble over.
const PIECES: [&[u8]; 28] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\r\n",
    b"\n",
    b"null",
    b"1e400",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"0.1",
    b"../",
    b"%00",
    b"\xe2\x84\xaa",
    b"=",
    b";",
    b"Content-Length: 1\r\n",
    b"\"id\":",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The kept inputs of a target, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = folder().join("corpus").join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

fn changed(random: &mut Random, corpus: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut choose = |length: usize| usize::try_from(random.below(length.max(1) as u64)).unwrap();
    let mut input = corpus[choose(corpus.len())].1.clone();
    for _ in 0..=choose(6) {
        let at = choose(input.len() + 1);
        let end = at + choose(input.len() - at + 1);
        match choose(7) {
            0 if at < input.len() => input[at] ^= 1 << choose(8),
            1 if at < input.len() => input[at] = u8::try_from(choose(256)).unwrap(),
            2 => drop(input.drain(at..end.min(at + 20))),
            3 => {
                let piece = PIECES[choose(PIECES.len())];
                input.splice(at..at, piece.iter().copied());
            }
            4 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            5 => {
                let other = &corpus[choose(corpus.len())].1;
                let from = choose(other.len() + 1);
                input.splice(at.., other[from..].iter().copied());
            }
            _ => input.truncate(end),
        }
    }
    input.truncate(LONGEST);
    input
}

fn check(target: &str, input: &[u8], what: &str) {
    let kept = catch_unwind(AssertUnwindSafe(|| run(target, input)));
    assert!(kept.is_ok(), "{target} breaks its promise on {what}: {:?}", String::from_utf8_lossy(input));
}

#[test]
fn every_kept_input_keeps_the_promises_of_its_target() {
    for (target, _) in targets() {
        for (name, input) in corpus(target) {
            check(target, &input, &name);
        }
    }
}

#[test]
fn changed_inputs_keep_the_promises_too() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (executions, seed) = (number("FUZZ_EXECUTIONS", EXECUTIONS), number("SEED", SEED));
    println!("SEED={seed} FUZZ_EXECUTIONS={executions}");
    for (target, _) in targets() {
        let corpus = corpus(target);
        let mut random = Random::from_seed(seed);
        for count in 0..executions {
            check(target, &changed(&mut random, &corpus), &format!("change {count} of SEED={seed}"));
        }
    }
}

#[test]
fn every_target_can_be_run_with_cargo_fuzz() {
    let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let listed: BTreeSet<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .collect();
    let all: BTreeSet<&str> = targets().into_iter().map(|(name, _)| name).collect();
    assert_eq!(listed, all);
    for name in all {
        let text = std::fs::read_to_string(folder().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(text.contains(&format!("run(\"{name}\", bytes)")), "{text}");
    }
}
