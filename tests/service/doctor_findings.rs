//! `shoptalk doctor`, continued: faults of the machine, of the settings file and of platforms that need more to be planted.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use shoptalk::app::config::{Config, Server};
use shoptalk::doctor::{Surroundings, examine};
use shoptalk::shared::channel::finding::Finding;
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::clock::Clock;

use crate::doctor::{Patient, codes};
use crate::linkedin_stage;
use crate::mount::{Mount, skipped};
use crate::test_app::{PAGE, TestApp};
use crate::whatsapp::{NOWHERE, configure};

/// What is found about the machine of a service that never ran, with these settings.
async fn found_of(server: Server) -> Vec<Finding> {
    let surroundings = Surroundings { ngrok: "http://127.0.0.1:9".parse().unwrap(), ..Surroundings::default() };
    examine(&Ok(Config::without_channels(server)), &surroundings, &Clock::system()).await.findings
}

/// The finding with this code, which says where to look.
fn the<'a>(findings: &'a [Finding], code: &str) -> &'a Finding {
    let found = findings.iter().find(|one| one.code == code);
    found.unwrap_or_else(|| panic!("{code} is not among {findings:?}"))
}

async fn with_output(output: &Path) -> Vec<Finding> {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::below(data.path());
    server.output_dir = output.to_owned();
    found_of(server).await
}

#[tokio::test]
async fn a_disk_with_little_or_no_room_is_found_before_it_is_full() {
    // Less than 32 MB, less than a GB, and enough.
    for (size, expected) in [("16m", Some("disk_full")), ("200m", Some("disk_nearly_full")), ("1100m", None)] {
        let Some(mount) = Mount::memory(size) else { return skipped("mounting") };
        let found = with_output(mount.path()).await;
        let about = mount.path().display().to_string();
        let of_disk: Vec<&str> = found
            .iter()
            .filter(|one| one.about == about && one.code.starts_with("disk_"))
            .map(|one| one.code)
            .collect();
        assert_eq!(of_disk, expected.into_iter().collect::<Vec<_>>(), "{size}");
        if let Some(code) = expected {
            assert!(the(&found, code).cause.contains("MB left"), "{found:?}");
        }
    }
}

#[tokio::test]
async fn folders_that_others_may_write_to_or_nobody_can_look_at_are_found() {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    std::fs::create_dir(&output).unwrap();
    std::fs::set_permissions(&output, std::fs::Permissions::from_mode(0o777)).unwrap();
    let found = with_output(&output).await;
    assert!(the(&found, "folder_of_others").fix.contains("chmod go-w"), "{found:?}");
    std::fs::set_permissions(&output, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(with_output(&output).await.iter().all(|one| one.code != "folder_of_others"));
    // Only root can give a folder away.
    if rustix::process::geteuid().is_root() {
        chown(&output, Some(12_345), None).unwrap();
        let found = with_output(&output).await;
        assert!(the(&found, "folder_of_others").cause.contains("12345"), "{found:?}");
    }
    // A path that leads nowhere, whoever asks.
    let circle = folder.path().join("circle");
    symlink(&circle, &circle).unwrap();
    let found = with_output(&circle).await;
    assert!(the(&found, "folder_unreadable").about.ends_with("circle"), "{found:?}");
}

#[tokio::test]
async fn a_key_file_that_cannot_be_read_is_found() {
    let patient = Patient::healthy().await;
    let (key, aside) = (patient.app.path("data/master.key"), patient.app.path("data/aside.key"));
    std::fs::rename(&key, &aside).unwrap();
    // What root cannot read either: a folder in its place.
    std::fs::create_dir(&key).unwrap();
    patient.chmod("data/master.key", 0o700);
    assert!(patient.found(|_| {}).await.contains("key_file_unreadable"));
    std::fs::remove_dir(&key).unwrap();
    std::fs::rename(&aside, &key).unwrap();
    assert_eq!(patient.found(|_| {}).await, codes([]));
    patient.app.finish().await;
}

#[tokio::test]
async fn a_log_that_does_not_get_into_its_database_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::below(folder.path());
    std::fs::create_dir_all(server.journal_db.parent().unwrap()).unwrap();
    std::fs::write(&server.journal_db, b"").unwrap();
    let log = std::fs::File::create(format!("{}-wal", server.journal_db.display())).unwrap();
    // A hole: it takes no room on the disk.
    log.set_len(1024 * 1024 * 1024).unwrap();
    let fits = Server::below(folder.path());
    assert!(found_of(fits).await.iter().all(|one| one.code != "long_log"));
    log.set_len(1024 * 1024 * 1024 + 1).unwrap();
    let found = found_of(server).await;
    assert!(the(&found, "long_log").cause.contains("1024 MB"), "{found:?}");
}

#[tokio::test]
async fn a_settings_file_that_cannot_be_read_and_a_setting_that_says_nonsense_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    // Neither UTF-8 nor UTF-16.
    std::fs::write(&file, b"PORT=5000\nNAME=\xe9\xff\n").unwrap();
    let clock = Clock::system();
    let found = examine(&Config::from_env_and(&file).config, &Surroundings::default(), &clock).await.findings;
    let unreadable = the(&found, "settings_file_unreadable");
    assert!(unreadable.about.ends_with(".env"), "{unreadable:?}");
    let read =
        Config::read(&|name| (name == "CLOUD_EVERY_SECONDS" || name == "BOT_PAUSE_MINUTES").then(|| "soon".into()));
    let found = examine(&read, &Surroundings::default(), &clock).await.findings;
    let wrong = the(&found, "setting_wrong");
    assert!(["CLOUD_EVERY_SECONDS", "BOT_PAUSE_MINUTES"].contains(&wrong.about.as_str()), "{wrong:?}");
    assert!(!wrong.cause.contains("soon"), "a value may be a secret: {wrong:?}");
}

#[tokio::test]
async fn accounts_that_were_never_read_and_conversations_that_a_platform_does_not_serve_are_found() {
    let patient = Patient::healthy().await;
    let app = &patient.app;
    patient.sql("tokens", "UPDATE connections SET last_read_at = NULL, connected_at = 1 WHERE channel = 'shopify'");
    assert_eq!(patient.found(|_| {}).await, codes(["never_read"]));
    let now = app.clock.now_ms();
    patient.sql("tokens", &format!("UPDATE connections SET last_read_at = {now} WHERE channel = 'shopify'"));

    let sam = app.facebook.person("7000000000000001", "Sam Doe");
    app.page().message_from(&sam, "hello");
    app.page().serve_at_once(&sam, Some((0, 1)));
    app.clock.advance(Duration::from_secs(24 * 3600));
    app.run_due_jobs().await;
    assert!(patient.found(|_| {}).await.contains("conversations_unread"));
    app.page().serve_at_once(&sam, None);
    app.clock.advance(Duration::from_secs(24 * 3600));
    app.run_due_jobs().await;
    assert!(!patient.found(|_| {}).await.contains("conversations_unread"), "the next poll reads them");
    patient.app.finish().await;
}

#[tokio::test]
async fn a_list_of_facebooks_that_ends_in_the_middle_is_found() {
    let patient = Patient::healthy().await;
    let traffic = patient.app.facebook.traffic();
    // There is more, and nothing says where.
    let cut = json!({ "data": [], "paging": { "next": "https://graph.facebook.com/more" } });
    for list in ["/subscriptions", "/subscribed_apps"] {
        traffic.fail_next(list, 1, Failure::Json(200, cut.clone()));
        assert_eq!(patient.found(|_| {}).await, codes(["facebook_list_cut"]), "{list}");
    }
    let about = format!("/{PAGE}/subscribed_apps");
    assert!(traffic.received().iter().any(|one| one.path.contains(&about)), "the Page's own list was looked at");
    patient.app.finish().await;
}

#[tokio::test]
async fn channels_of_the_settings_without_a_merchant_and_platforms_that_do_not_answer_are_found() {
    let app = TestApp::start().await;
    let surroundings = Surroundings {
        ngrok: "http://127.0.0.1:9".parse().unwrap(),
        env_file: app.path("no.env"),
        unknown: Vec::new(),
    };
    let found = async || -> Vec<Finding> {
        let mut config = app.config();
        configure(&mut config, NOWHERE);
        linkedin_stage::configure(&mut config, NOWHERE);
        examine(&Ok(config), &surroundings, &app.clock).await.findings
    };
    let before = found().await;
    let owner = the(&before, "channel_without_owner");
    assert!(owner.about.contains("whatsapp") && owner.about.contains("linkedin"), "{owner:?}");
    assert_eq!(the(&before, "whatsapp_unreachable").about, format!("{NOWHERE}/"));
    app.connect().await;
    let after: BTreeSet<&str> = found().await.iter().map(|one| one.code).collect();
    assert!(!after.contains("channel_without_owner") && after.contains("whatsapp_unreachable"), "{after:?}");
    app.finish().await;
}
