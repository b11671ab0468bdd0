//! `OUTPUT_GROUP`: a group may read the files, and nothing else.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use shoptalk::doctor::{Surroundings, examine};
use shoptalk::shared::files::readers::Readers;

use crate::test_app::{PAGE, SHOP, TestApp};

/// The group of whoever runs the tests: it may always be given files.
fn own_group() -> u32 {
    std::fs::metadata(tempfile::tempdir().unwrap().path()).unwrap().gid()
}

/// The modes of everything below a folder by path, folders with a slash at the end.
fn modes(folder: &Path, below: &str, modes: &mut BTreeMap<String, u32>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().to_str().unwrap());
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            modes.insert(format!("{path}/"), metadata.mode() & 0o777);
            self::modes(&entry.path(), &format!("{path}/"), modes);
        } else {
            modes.insert(path, metadata.mode() & 0o777);
        }
    }
}

/// Asserts of everything below that files have one mode and folders the other; gives how many there are.
fn all_are(folder: &Path, file: u32, directory: u32) -> usize {
    let mut found = BTreeMap::new();
    modes(folder, "", &mut found);
    // Hidden ones are the service's own.
    found.retain(|path, _| !path.starts_with('.'));
    for (path, mode) in &found {
        let wanted = if path.ends_with('/') { directory } else { file };
        assert_eq!(format!("{mode:o}"), format!("{wanted:o}"), "{path}");
    }
    found.len()
}

#[tokio::test]
async fn a_group_may_read_the_files_and_nothing_else_until_the_setting_is_gone() {
    let app = TestApp::start_with(|config| config.server.output_dir = config.server.output_dir.join("files")).await;
    let sam = app.facebook.person("7000000000000001", "Sam Doe");
    app.page().message_from(&sam, "Hello?");
    app.connect().await;
    let below = |app: &TestApp, name: &str| app.path(name);
    let before = all_are(&below(&app, "files"), 0o600, 0o700);
    assert!(before >= 8, "{before}");

    let share = |config: &mut shoptalk::app::config::Config| {
        config.server.output_dir = config.server.output_dir.join("files");
        config.server.output_readers = Readers::group(own_group());
    };
    let app = app.restart_with(share).await;
    assert_eq!(all_are(&below(&app, "files"), 0o640, 0o750), before, "what was there is given to the group");
    assert_eq!(std::fs::metadata(below(&app, "files")).unwrap().mode() & 0o777, 0o750);
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    // As after a kill between a folder's making and its giving.
    let folder = below(&app, &format!("files/facebook/{PAGE}/conversations"));
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    let kim = app.facebook.person("7000000000000002", "Kim Roe");
    let page = app.page();
    page.deliver(&[page.message_from(&kim, "And me?")]).await.unwrap();
    app.settle().await;
    assert!(all_are(&below(&app, "files"), 0o640, 0o750) > before, "new files are for the group, too");
    assert!(below(&app, &format!("files/{SHOP}/shop_products.json")).exists());
    all_are(&below(&app, "data"), 0o600, 0o700);

    let app = app.restart_with(|config| config.server.output_dir = config.server.output_dir.join("files")).await;
    all_are(&below(&app, "files"), 0o600, 0o700);
    app.finish().await;
}

#[tokio::test]
async fn the_doctor_says_when_the_group_cannot_get_there() {
    let app = TestApp::start().await;
    let mut config = app.config();
    config.server.output_dir = app.path("closed/files");
    config.server.output_readers = Readers::group(own_group());
    std::fs::create_dir_all(app.path("closed/files")).unwrap();
    let codes = async |config| {
        let report = examine(&Ok(config), &Surroundings::default(), &app.clock).await;
        report.findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    std::fs::set_permissions(app.path("closed"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let found = codes(config).await;
    assert!(found.contains(&"output_group_shut_out") && !found.contains(&"output_group_not_ours"), "{found:?}");
    let found = codes(app.config()).await;
    assert!(!found.iter().any(|code| code.starts_with("output_group")), "{found:?}");
    app.finish().await;
}
