//! The real binary: the demo, the help, one process per data folder, commands beside the service, stopping.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use shoptalk::app::channels;

use crate::process::{Ended, Service, configured, run, shoptalk};

const CONVERSATION: &str = "facebook/100000000000101/conversations/7000000000000001.json";

fn demo(folder: &Path) -> Ended {
    let dir = folder.join("demo");
    let ended = run(shoptalk(folder, &["demo", "--once", "--dir", dir.to_str().unwrap()]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

/// The files below a folder, the service's own data left out.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(if path.ends_with("data") { Vec::new() } else { files(&path) });
        } else if !path.ends_with(".shoptalk") {
            // The mark by which the service recognises its folder is no document.
            found.push(path);
        }
    }
    found
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn message_ids(folder: &Path) -> Vec<String> {
    let conversation = json(&folder.join("demo").join(CONVERSATION));
    conversation.as_array().unwrap().iter().map(|item| item["message"]["mid"].as_str().unwrap().to_owned()).collect()
}

/// A platform's token, or 32 hexadecimal digits in a row.
fn looks_like_a_token(text: &str) -> bool {
    // The mark of a message of ours is none: `msg_` and 32 digits.
    let marked = text.split("msg_").enumerate();
    let text: String = marked.map(|(at, part)| part.get(if at == 0 { 0 } else { 32 }..).unwrap_or(part)).collect();
    let mut digits = 0;
    ["shpat_", "shprt_", "EAA", "access_token", "Bearer"].iter().any(|sign| text.contains(sign))
        || text.bytes().any(|byte| {
            digits = if byte.is_ascii_hexdigit() { digits + 1 } else { 0 };
            digits >= 32
        })
}

#[test]
fn the_demo_plays_the_whole_story_and_shows_its_files_and_can_be_played_again() {
    let folder = tempfile::tempdir().unwrap();
    let ended = demo(folder.path());
    let tree: Vec<&str> = ended
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("What the sales bot can read now"))
        .skip(2)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split(" (").next().unwrap())
        .collect();
    let expected = [
        "  demo-shop.myshopify.com/",
        "    shop_metadata.json",
        "    shop_products.json",
        "  facebook/",
        "    100000000000101/",
        "      conversations/",
        "        7000000000000001.json",
        "        7000000000000002.json",
        "        7000000000000003.json",
        "      page_metadata.json",
    ];
    assert_eq!(tree[..expected.len()], expected);
    let files = files(&folder.path().join("demo"));
    for about in channels::ALL.iter().filter(|about| about.name != "shopify") {
        let below = folder.path().join("demo").join(about.name);
        let is_conversation =
            |file: &&PathBuf| file.starts_with(&below) && file.to_str().unwrap().contains("/conversations/");
        assert!(files.iter().any(|file| is_conversation(&file)), "{} plays no part: {files:?}", about.name);
    }
    for file in &files {
        json(file);
        assert!(!looks_like_a_token(&std::fs::read_to_string(file).unwrap()), "{}", file.display());
    }
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!looks_like_a_token(text), "{text}");
    }
    assert_eq!(message_ids(folder.path()).len(), 3);

    // The platforms are new each time; the folder remembers.
    demo(folder.path());
    let ids = message_ids(folder.path());
    assert_eq!(ids.len(), 6);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 6);
}

#[test]
fn without_a_folder_the_demo_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = shoptalk(folder.path(), &["demo", "--once"]);
    command.env("TMPDIR", folder.path());
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["", "serve", "demo", "sandbox", "sync", "rebuild", "replay"] {
        let arguments: Vec<&str> = [command, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let ended = run(shoptalk(folder.path(), &arguments));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let example = ended.stdout.lines().skip_while(|line| *line != "Examples:").nth(1);
        let wanted = format!("shoptalk {command}");
        assert!(example.is_some_and(|line| line.contains(wanted.trim())), "{command}: {}", ended.stdout);
    }
    // A command that is none ends like a configuration that is none.
    assert_eq!(run(shoptalk(folder.path(), &["dance"])).code, Some(2));
}

#[test]
fn a_second_process_on_the_same_data_is_refused_and_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(configured(folder.path(), &["serve"]));
    let ended = run(configured(folder.path(), &["serve"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(&format!("(process {})", service.id())), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");

    // The service did not notice, ends when asked, and the next one may have the folder.
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let next = Service::start(configured(folder.path(), &["serve"]));
    let (status, log) = next.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!folder.path().join("data/shoptalk.sock").exists());
}

#[test]
fn a_command_is_carried_out_by_the_running_service_or_where_none_runs_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(configured(folder.path(), &["serve"]));
    for arguments in [["sync"].as_slice(), &["sync", "shopify"]] {
        let ended = run(configured(folder.path(), arguments));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "no account is connected yet\n"), "{ended:?}");
    }
    // One account that is not there is a mistake, not an empty list.
    for named in [["sync", "shopify", "nobody.myshopify.com"].as_slice(), &["sync", "shopify/nobody.myshopify.com"]] {
        let ended = run(configured(folder.path(), named));
        let said = (ended.code, ended.stdout.as_str(), ended.stderr.as_str());
        assert_eq!(said, (Some(1), "", "shoptalk: this account is not connected\n"), "{ended:?}");
    }
    for account in [["shopify", "nobody.myshopify.com"].as_slice(), &["shopify/nobody.myshopify.com"]] {
        let new = [["keys", "new", "--name", "Bot", "--scopes", "read", "--account"].as_slice(), account].concat();
        let ended = run(configured(folder.path(), &new));
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("the account shopify/nobody.myshopify.com is not connected"), "{ended:?}");
    }
    for nothing in [["sync", "nowhere"].as_slice(), &["sync", "nowhere/1"], &["sync", "shopify/a", "shopify/b"]] {
        assert_eq!(run(configured(folder.path(), nothing)).code, Some(2), "{nothing:?}");
    }
    assert_eq!(service.stop().0.code(), Some(0));

    let ended = run(configured(folder.path(), &["sync"]));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "no account is connected yet\n"), "{ended:?}");
}
