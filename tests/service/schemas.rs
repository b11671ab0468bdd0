//! The schemas of the files: each fits its example, finds what is wrong, and is described.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::test_app::TestApp;
use crate::test_app::schema_check::{Checker, files, folder, name_for, schema};

#[test]
fn every_schema_fits_its_own_example_and_is_described() {
    let reading = std::fs::read_to_string(folder().parent().unwrap().join("reading.md")).unwrap();
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".schema.json").unwrap_or_else(|| panic!("{file} is no schema")).to_owned();
        let schema = schema(&name);
        let examples = schema["examples"].as_array().unwrap_or_else(|| panic!("{name} has no example"));
        for example in examples {
            Checker::of(&schema).check(&schema, example, "").unwrap_or_else(|problem| panic!("{name}: {problem}"));
        }
        assert!(reading.contains(&format!("schemas/{file}")), "docs/reading.md does not name {file}");
        names.insert(name);
    }
    let of_files = files_of_accounts().into_iter().map(|path| name_for(&path).unwrap_or_else(|| panic!("{path}")));
    let described: BTreeSet<&str> = of_files.chain(["export-connections"]).collect();
    assert_eq!(names.iter().map(String::as_str).collect::<BTreeSet<_>>(), described, "each is of a file or the export");
}

/// Where files of each channel stand: whoever adds one has to say what is in it.
fn files_of_accounts() -> Vec<String> {
    let messengers = ["facebook", "instagram", "whatsapp", "viber", "linkedin"];
    let of_people = ["conversations", "media/index"];
    let mut files: Vec<String> =
        messengers.iter().flat_map(|channel| of_people.map(|folder| format!("{channel}/1/{folder}/2.json"))).collect();
    files.extend(["whatsapp", "viber", "linkedin"].map(|channel| format!("{channel}/1/account_metadata.json")));
    files.extend(["facebook/1/page_metadata.json", "whatsapp/1/templates.json"].map(str::to_owned));
    files.extend(["metadata", "products"].map(|what| format!("shop.example/shop_{what}.json")));
    files
}

#[test]
fn what_does_not_fit_is_found() {
    let found = |name: &str, document: Value| {
        let schema = schema(name);
        Checker::of(&schema).check(&schema, &document, "").expect_err("it does not fit")
    };
    assert!(found("messenger-conversation", json!({})).contains("must be"));
    assert!(found("messenger-conversation", json!([{"timestamp":[]}])).starts_with("/0/timestamp must be"));
    assert!(found("shop-metadata", json!({"data":{}})).contains("lacks \"shop\""));
    assert!(found("facebook-page-metadata", json!({"id":"1","access_token":"x"})).contains("not described"));
    assert!(found("media-index", json!({"m_1":[{"position":0.5,"type":"image","state":"kept"}]})).contains("integer"));
    let other = json!({"id":"1","inventoryItem":7});
    let variant = schema("shop-products")["$defs"]["variant"].clone();
    let root = schema("shop-products");
    assert!(Checker::of(&root).check(&variant, &other, "").expect_err("no stock").contains("nothing of what"));
}

#[tokio::test]
async fn the_files_of_a_connected_merchant_fit_their_schemas() {
    let app = TestApp::start().await;
    let sam = app.facebook.person("7000000000000001", "Sam Doe");
    app.page().message_from(&sam, "Is the blue one in stock?");
    let browser = app.connect().await;
    let mut seen = Vec::new();
    files(&app.path(""), "", &mut seen);
    let names: BTreeSet<&str> = seen.iter().filter_map(|path| name_for(path)).collect();
    let expected = ["facebook-page-metadata", "messenger-conversation", "shop-metadata", "shop-products"];
    assert_eq!(names, BTreeSet::from(expected), "{seen:?}");
    let export = browser.get("/export").await;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&export.body)).unwrap();
    let about: Value = serde_json::from_reader(archive.by_name("connections.json").unwrap()).unwrap();
    let schema = schema("export-connections");
    Checker::of(&schema).check(&schema, &about, "").unwrap();
    assert_eq!(about.as_array().unwrap().len(), 2, "{about}");
    app.finish().await;
}
