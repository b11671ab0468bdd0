//! What the tests of the journal share: items as texts of JSON, deliveries, and looking at files byte for byte.

use std::sync::Arc;

use shoptalk::commands::{Command, Line};
use shoptalk::workers::retention::Retention;

use crate::test_app::{PAGE, TestApp};

pub const SAM: &str = "7000000000000001";
pub const KIM: &str = "7000000000000002";
pub const OTHER_PAGE: &str = "100000000000102";

/// 2026-11-21T12:00:00Z, where every test's clock begins.
pub const NOON_MS: i64 = 1_795_262_400_000;

/// A text that the person wrote to [`PAGE`] so many milliseconds after noon.
pub fn text_at(person: &str, after_ms: i64, text: &str) -> String {
    let time = NOON_MS + after_ms;
    let mid = format!("m_{person}_{after_ms}_{text}");
    format!(
        r#"{{"sender":{{"id":"{person}"}},"recipient":{{"id":"{PAGE}"}},"timestamp":{time},"message":{{"mid":"{mid}","text":"{text}"}}}}"#
    )
}

/// A body with one entry of [`PAGE`] whose items are these texts of JSON.
pub fn body_of(items: &[impl AsRef<str>]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    format!(r#"{{"object":"page","entry":[{{"id":"{PAGE}","time":{NOON_MS},"messaging":[{}]}}]}}"#, items.join(","))
}

/// Delivers these bytes, correctly signed, and does the work that is due at this moment.
pub async fn deliver(app: &TestApp, body: impl AsRef<[u8]>) {
    assert_eq!(app.facebook.deliver_raw(body.as_ref()).await.unwrap(), 200);
    app.work().await;
}

/// The path of a conversation's file below the output folder.
pub fn file_of(page: &str, person: &str) -> String {
    format!("facebook/{page}/conversations/{person}.json")
}

/// The file that holds these items in this order.
pub fn document_of(items: &[impl AsRef<str>]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    format!("[\n{}\n]\n", items.join(",\n"))
}

/// The conversation of [`PAGE`] and this person, as it stands in its file.
pub fn text_of(app: &TestApp, person: &str) -> String {
    app.text(&file_of(PAGE, person)).unwrap_or_default()
}

/// The names in a folder below the output folder, sorted.
pub fn names(app: &TestApp, folder: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(app.path(folder)) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Whether a command ended well.
pub fn went_well(lines: &[Line]) -> bool {
    lines.last() == Some(&Line::End { good: true })
}

/// Writes all files anew.
pub async fn rebuild(app: &TestApp) {
    let lines = app.command(Command::Rebuild { account: None }).await;
    assert!(went_well(&lines), "{lines:?}");
}

/// Deletes events that are older than this. Gives back how many there were.
pub async fn delete_older_than(app: &TestApp, days: u32) -> usize {
    let shared = app.shared();
    let conversations = Arc::clone(&app.runner().conversations);
    Retention::new(shared.journal.clone(), shared.output.clone(), conversations, days).run().await.unwrap()
}
