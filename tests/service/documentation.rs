//! What the documents list is what there is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::test_app::TestApp;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every quoted word of a source file that looks like a code.
fn words(source: &str) -> BTreeSet<String> {
    let is_code = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    source.split('"').skip(1).step_by(2).filter(is_code).map(str::to_owned).collect()
}

#[test]
fn every_finding_of_the_doctor_is_in_its_table_and_the_other_way_round() {
    let files = [
        "src/doctor/mod.rs",
        "src/doctor/machine.rs",
        "src/doctor/service.rs",
        "src/doctor/accounts.rs",
        "src/doctor/answering.rs",
        "src/doctor/bot.rs",
        "src/doctor/cloud.rs",
        "src/shared/objects/standing.rs",
        "src/shared/channel/finding.rs",
        "src/meta/address.rs",
        "src/facebook/doctor.rs",
        "src/shopify/doctor.rs",
        "src/linkedin/doctor.rs",
        "src/viber/doctor.rs",
        "src/whatsapp/doctor.rs",
    ];
    let sources: String = files.map(text).concat();
    let document = text("docs/operations.md");
    let listed: BTreeSet<&str> =
        document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(code, _)| code)).collect();
    assert!(listed.len() > 60, "{}", listed.len());
    let made = words(&sources);
    for code in &listed {
        assert!(made.contains(*code), "nobody finds {code}");
    }
    // A finding's code stands alone on its line, or is the first thing that its maker is given.
    for line in sources.lines().map(str::trim) {
        let code = line.strip_prefix('"').and_then(|rest| rest.strip_suffix("\","));
        let code =
            code.or_else(|| line.split_once("fields_missing(\"").map(|(_, rest)| rest.split('"').next().unwrap()));
        if let Some(code) = code.filter(|code| !code.is_empty() && words(&format!("\"{code}\"")).contains(*code)) {
            assert!(listed.contains(code), "{code} is not in the table");
        }
    }
}

#[tokio::test]
async fn every_table_of_the_databases_is_described() {
    let app = TestApp::start().await;
    let document = text("docs/files.md");
    for name in ["tokens", "sessions", "journal", "search"] {
        let connection = Connection::open(app.path(&format!("data/{name}.db"))).unwrap();
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")
            .unwrap();
        let tables = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let missing: Vec<String> =
            tables.map(Result::unwrap).filter(|table| !document.contains(&format!("| `{table}` |"))).collect();
        assert!(missing.is_empty(), "docs/files.md says nothing of these tables of {name}.db: {missing:?}");
    }
    app.finish().await;
}

#[test]
fn every_address_and_every_permission_that_a_portal_asks_for_stands_in_the_document_about_connecting() {
    let document = text("docs/connecting.md");
    let routes: String = ["facebook", "shopify", "whatsapp", "viber", "linkedin"]
        .map(|channel| format!("| `https://abc.ngrok.app/{channel}/webhook` |"))
        .into_iter()
        .filter(|row| !document.contains(row))
        .collect();
    assert_eq!(routes, "", "not in the table of section 1");
    let asked = text("src/facebook/inbox.rs");
    let scopes: BTreeSet<&str> = asked
        .split('"')
        .filter(|word| ["pages_", "instagram_"].iter().any(|start| word.starts_with(start)) && word.len() > 12)
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .collect();
    assert!(scopes.len() >= 6, "{scopes:?}");
    for scope in scopes.into_iter().chain(shoptalk::shopify::SCOPES.iter().copied()) {
        assert!(document.contains(scope), "{scope}");
    }
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let mut documents: Vec<PathBuf> =
        std::fs::read_dir(root().join("docs")).unwrap().map(|one| one.unwrap().path()).collect();
    documents.push(root().join("README.md"));
    for document in documents.iter().filter(|path| path.extension().is_some_and(|end| end == "md")) {
        let text = std::fs::read_to_string(document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let path = document.parent().unwrap().join(target);
            assert!(path.exists(), "{} links to {link}", document.display());
        }
    }
}
