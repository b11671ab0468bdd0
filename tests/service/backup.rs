//! `shoptalk backup` beside a running service, `shoptalk restore` without one, and what each refuses.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use shoptalk::app::config::Server;
use shoptalk::backup::{backup, restore};
use shoptalk::shared::erasure::Scope;

use crate::process;
use crate::test_app::{PAGE, SHOP, TestApp};

const PRODUCTS: &str = "demo-shop.myshopify.com/shop_products.json";

/// A service with a shop, a Page, and a conversation.
async fn filled() -> TestApp {
    let app = TestApp::start().await;
    app.connect().await;
    app.shop().add_product("Tea");
    let page = app.page();
    let person = app.facebook.person("7000000000000001", "Sam");
    assert_eq!(page.deliver(&[page.message_from(&person, "Good morning")]).await.unwrap(), Some(200));
    app.settle().await;
    assert_eq!(app.said("7000000000000001"), ["Good morning"]);
    app
}

fn file(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

#[tokio::test]
async fn what_was_backed_up_beside_the_service_comes_back_elsewhere() {
    let app = filled().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("backup");
    let said = backup(&app.config().server, &target, true, &app.clock).unwrap();
    assert!(said.contains("with the master key"), "{said}");
    for name in ["backup.json", "tokens.db", "journal.db", "master.key"] {
        let mode = std::fs::metadata(target.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(!target.join("sessions.db").exists(), "sessions are disposable");

    let elsewhere = tempfile::tempdir().unwrap();
    let server = Server::below(elsewhere.path());
    let conversation = format!("facebook/{PAGE}/conversations/7000000000000001.json");
    restore(&server, &target, &app.clock).await.unwrap();
    for name in [conversation.as_str(), PRODUCTS] {
        assert_eq!(file(elsewhere.path(), name), file(&app.path(""), name), "{name}");
    }
    let config = shoptalk::app::config::Config::without_channels(server);
    let restored = shoptalk::app::App::build(config, app.clock.clone()).await.unwrap();
    assert_eq!(restored.shared().connections.list().await.unwrap().len(), 2);
    restored.settle().await.unwrap();
    std::fs::remove_file(elsewhere.path().join(&conversation)).unwrap();
    restored.command_runner().conversations.rebuild(None).await.unwrap();
    assert_eq!(file(elsewhere.path(), &conversation), file(&app.path(""), &conversation));
    restored.stop(None).await;
    app.finish().await;
}

#[tokio::test]
async fn a_restore_moves_what_was_there_aside_and_needs_the_right_key() {
    let app = filled().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("backup");
    let said = backup(&app.config().server, &target, false, &app.clock).unwrap();
    assert!(said.contains("without the master key"), "{said}");
    assert!(!target.join("master.key").exists());

    // Beside the service that holds the folder it refuses.
    let error = restore(&app.config().server, &target, &app.clock).await.unwrap_err().to_string();
    assert!(error.contains("another shoptalk"), "{error}");

    // Without a key, and with another one, nothing is changed.
    let other = tempfile::tempdir().unwrap();
    let server = Server::below(other.path());
    let error = restore(&server, &target, &app.clock).await.unwrap_err().to_string();
    assert!(error.contains("holds no key"), "{error}");
    shoptalk::shared::secrets::vault::Vault::from_key_file(&other.path().join("data/master.key")).unwrap();
    std::fs::write(other.path().join("data/tokens.db"), "what was there").unwrap();
    let error = restore(&server, &target, &app.clock).await.unwrap_err().to_string();
    assert!(error.contains("does not open"), "{error}");
    assert_eq!(file(other.path(), "data/tokens.db"), b"what was there");

    // With the right one, what was there is kept.
    std::fs::copy(app.path("data/master.key"), other.path().join("data/master.key")).unwrap();
    restore(&server, &target, &app.clock).await.unwrap();
    let kept = std::fs::read_dir(other.path().join("data")).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        path.to_str().unwrap().contains("tokens.db.before-") && std::fs::read(path).unwrap() == b"what was there"
    });
    assert!(kept);
    app.finish().await;
}

#[tokio::test]
async fn a_backup_that_is_not_whole_changes_nothing() {
    let app = filled().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("backup");
    backup(&app.config().server, &target, true, &app.clock).unwrap();
    let error = backup(&app.config().server, &target, true, &app.clock).unwrap_err().to_string();
    assert!(error.contains("exists already"), "{error}");
    let elsewhere = tempfile::tempdir().unwrap();
    let server = Server::below(elsewhere.path());

    let whole = std::fs::read(target.join("journal.db")).unwrap();
    std::fs::write(target.join("journal.db"), &whole[..whole.len() - 1]).unwrap();
    let error = restore(&server, &target, &app.clock).await.unwrap_err().to_string();
    assert!(error.contains("journal.db is not as it was"), "{error}");
    std::fs::write(target.join("journal.db"), &whole).unwrap();

    let manifest: Value = serde_json::from_slice(&file(&target, "backup.json")).unwrap();
    let mut hostile = manifest.clone();
    hostile["files"]["../outside"] = hostile["files"]["journal.db"].clone();
    std::fs::write(target.join("backup.json"), hostile.to_string()).unwrap();
    let error = restore(&server, &target, &app.clock).await.unwrap_err().to_string();
    assert!(error.contains("outside of itself"), "{error}");

    std::fs::remove_file(target.join("backup.json")).unwrap();
    let error = restore(&server, &target, &app.clock).await.unwrap_err().to_string();
    assert!(error.contains("is no backup"), "{error}");
    assert!(!elsewhere.path().join("data/tokens.db").exists());
    app.finish().await;
}

#[tokio::test]
async fn files_of_an_account_that_is_not_connected_any_more_are_backed_up_too() {
    let app = filled().await;
    app.shared().erasure.disconnect("facebook", PAGE, "asked by the merchant").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("backup");
    backup(&app.config().server, &target, true, &app.clock).unwrap();
    let conversation = format!("facebook/{PAGE}/conversations/7000000000000001.json");
    assert_eq!(file(&target.join("files"), &conversation), file(&app.path(""), &conversation));
    app.finish().await;
}

#[tokio::test]
async fn what_was_erased_after_a_backup_is_erased_again_after_its_restore() {
    let app = filled().await;
    let page = app.page();
    let kim = app.facebook.person("7000000000000002", "Kim");
    assert_eq!(page.deliver(&[page.message_from(&kim, "And mine?")]).await.unwrap(), Some(200));
    app.settle().await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("backup");
    backup(&app.config().server, &target, true, &app.clock).unwrap();
    app.clock.advance(std::time::Duration::from_secs(60));
    let of = |person: &str| Scope::Person {
        channel: "facebook".to_owned(),
        account: PAGE.to_owned(),
        person: person.to_owned(),
    };
    let shop = Scope::Account { channel: "shopify".to_owned(), account: SHOP.to_owned() };
    app.shared().erasure.request(vec![of("7000000000000001"), shop], "test", None).await.unwrap();
    app.settle().await;
    assert!(!app.is_on_disk("Good morning"));
    let (clock, server, data) = (app.clock.clone(), app.config().server, app.folder());
    let (facebook, shopify) = (app.facebook.clone(), app.shopify.clone());
    app.close().await;

    let said = restore(&server, &target, &clock).await.unwrap();
    assert!(said.contains("2 accounts and people were erased after the backup was made"), "{said}");
    let app = TestApp::reopen(clock.clone(), facebook.clone(), shopify.clone(), data).await;
    app.settle().await;
    assert_eq!((app.conversation("7000000000000001"), app.said("7000000000000002").len()), (None, 1));
    assert!(!app.path(PRODUCTS).exists() && app.connections("shopify").await.is_empty());
    let receipts = app.shared().erasure.receipts(10).await.unwrap();
    assert!(receipts.iter().any(|receipt| receipt.cause == "repeated after a restore" && receipt.done_at.is_some()));
    // The same backup again: it is still known.
    let data = app.folder();
    app.close().await;
    let said = restore(&server, &target, &clock).await.unwrap();
    assert!(said.contains("2 accounts and people"), "{said}");
    let app = TestApp::reopen(clock.clone(), facebook, shopify, data).await;
    app.settle().await;
    assert_eq!(app.conversation("7000000000000001"), None);

    // Where nothing is known of the time since, that is said.
    let elsewhere = tempfile::tempdir().unwrap();
    let said = restore(&Server::below(elsewhere.path()), &target, &clock).await.unwrap();
    assert!(said.contains("is not known here"), "{said}");
    app.close().await;
}

#[test]
fn the_commands_say_what_they_did() {
    let folder = tempfile::tempdir().unwrap();
    let ended = process::run_briefly(process::configured(folder.path(), &["backup", "copy"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("nothing to back up"), "{ended:?}");
    assert!(!folder.path().join("copy").exists() && !folder.path().join("copy.partial").exists());

    let service = process::Service::start(process::configured(folder.path(), &["serve"]));
    let ended = process::run_briefly(process::configured(folder.path(), &["backup", "copy", "--with-key"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("tokens.db, journal.db and 0 files"), "{ended:?}");
    let ended = process::run_briefly(process::configured(folder.path(), &["restore", "copy"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("another shoptalk"), "{ended:?}");
    assert!(service.stop().0.success());
    let ended = process::run_briefly(process::configured(folder.path(), &["restore", "copy"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("are back"), "{ended:?}");
}
