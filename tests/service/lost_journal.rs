//! A journal that was lost, cut, exchanged or damaged: what stands in files stays, and somebody is told.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use http::Method;
use shoptalk::app::App;
use shoptalk::app::config::{Config, Server};
use shoptalk::backup::{backup, restore};
use shoptalk::shared::database::sqlite::copy;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::Bot;
use crate::disk;
use crate::journal_checks::{KIM, SAM, body_of, deliver, rebuild, text_at};
use crate::load::{Delivery, Item, wait_until_ready};
use crate::process::{configured, run_briefly};
use crate::replies::Scene;
use crate::test_app::{Answer, OPERATOR_TOKEN, PAGE, SHOP, TestApp};

fn alerts(app: &TestApp) -> Vec<String> {
    app.shared().alerts.list().into_iter().map(|alert| alert.cause).collect()
}

/// Ten messages of two people, in files.
async fn filled() -> TestApp {
    let app = TestApp::start().await;
    app.connect().await;
    for number in 0..5 {
        deliver(&app, body_of(&[text_at(SAM, number, &format!("sam {number}"))])).await;
        deliver(&app, body_of(&[text_at(KIM, number, &format!("kim {number}"))])).await;
    }
    app.settle().await;
    assert_eq!(app.said(SAM).len(), 5);
    app
}

/// Stops in order, lets `change` do something to the folder, and starts again.
async fn restarted_after(app: TestApp, change: impl FnOnce(&Path)) -> TestApp {
    let (clock, folder) = (app.clock.clone(), app.folder());
    let (facebook, shopify) = (app.facebook.clone(), app.shopify.clone());
    app.close().await;
    change(folder.path());
    let app = TestApp::reopen(clock, facebook, shopify, folder).await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    app
}

fn all(person: &str, count: i64) -> Vec<String> {
    (0..count).map(|number| format!("{person} {number}")).collect()
}

fn remove_journal(folder: &Path) {
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let _ = fs::remove_file(folder.join("data").join(name));
    }
}

fn aside(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join(format!("facebook/{PAGE}/conversations"))).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".damaged-")).collect()
}

#[tokio::test]
async fn f4_a_journal_that_was_moved_away_takes_no_message_out_of_a_file() {
    let app = restarted_after(filled().await, remove_journal).await;
    assert!(alerts(&app).contains(&"journal:new".to_owned()), "{:?}", alerts(&app));
    assert!(alerts(&app).contains(&"journal:missing".to_owned()));
    for (person, name) in [(SAM, "sam"), (KIM, "kim")] {
        deliver(&app, body_of(&[text_at(person, 5, &format!("{name} 5"))])).await;
        app.settle().await;
        assert_eq!(app.said(person), all(name, 6));
    }
    assert!(alerts(&app).contains(&"files:taken_in".to_owned()));
    assert_eq!(aside(&app.path("")), [""; 0]);
    assert_eq!(app.counts().await.0, 12, "they are in the journal again");
    // From now on it is as before: a repeat changes nothing, and the files can be made anew.
    deliver(&app, body_of(&[text_at(SAM, 2, "sam 2")])).await;
    fs::remove_file(app.path(&format!("facebook/{PAGE}/conversations/{SAM}.json"))).unwrap();
    deliver(&app, body_of(&[text_at(SAM, 6, "sam 6")])).await;
    app.settle().await;
    assert_eq!(app.said(SAM), all("sam", 7));
    app.finish().await;
}

#[tokio::test]
async fn f4_an_older_state_of_the_journal_takes_no_message_out_of_a_file_and_is_noticed() {
    let app = filled().await;
    // What is left where the log is lost: the database as it was some time ago.
    let app = restarted_after(app, |folder| {
        fs::copy(folder.join("data/journal.db"), folder.join("older.db")).unwrap();
    })
    .await;
    assert_eq!(alerts(&app), [""; 0]);
    for number in 5..8 {
        deliver(&app, body_of(&[text_at(SAM, number, &format!("sam {number}"))])).await;
    }
    app.settle().await;
    let app = restarted_after(app, |folder| {
        remove_journal(folder);
        fs::rename(folder.join("older.db"), folder.join("data/journal.db")).unwrap();
    })
    .await;
    let told = app.shared().alerts.list();
    let missing = told.iter().find(|alert| alert.cause == "journal:missing").unwrap();
    assert!(missing.sentence.starts_with("Events 11 to 13 were acknowledged"), "{}", missing.sentence);
    deliver(&app, body_of(&[text_at(SAM, 8, "sam 8")])).await;
    app.settle().await;
    assert_eq!(app.said(SAM), all("sam", 9));
    // Said once: what is missing is known.
    let app = restarted_after(app, |_| {}).await;
    assert!(!alerts(&app).contains(&"journal:missing".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn f4_rebuild_after_a_lost_journal_keeps_what_stands_in_files_only() {
    let app = restarted_after(filled().await, remove_journal).await;
    deliver(&app, body_of(&[text_at(SAM, 5, "sam 5")])).await;
    app.shared().journal.probe().await.unwrap();
    rebuild(&app).await;
    assert_eq!((app.said(SAM), app.said(KIM)), (all("sam", 6), all("kim", 5)));
    app.finish().await;
}

#[tokio::test]
async fn f4_what_nobody_understands_is_moved_aside_and_told() {
    let app = filled().await;
    let file = app.path(&format!("facebook/{PAGE}/conversations/{SAM}.json"));
    let strange = "[\n{\"note\":\"by hand\"}\n]\n";
    let app = restarted_after(app, |_| fs::write(&file, strange).unwrap()).await;
    deliver(&app, body_of(&[text_at(SAM, 5, "sam 5")])).await;
    app.settle().await;
    assert_eq!(app.said(SAM), all("sam", 6));
    assert_eq!(alerts(&app), ["files:moved_aside"]);
    let kept = aside(&app.path(""));
    assert_eq!(kept.len(), 1);
    assert_eq!(fs::read_to_string(file.with_file_name(&kept[0])).unwrap(), strange);
    app.finish().await;
}

#[tokio::test]
async fn f4_where_journal_and_file_say_different_things_of_one_message_both_are_kept_and_somebody_is_told() {
    let app = filled().await;
    let app = restarted_after(app, |folder| {
        let journal = rusqlite::Connection::open(folder.join("data/journal.db")).unwrap();
        // One bit of a letter: it is JSON all the same.
        let flip = "UPDATE events SET payload = CAST(replace(CAST(payload AS TEXT), '\"text\":\"sam 2', '\"text\":\"sal 2') AS BLOB)";
        assert!(journal.execute(flip, []).is_ok());
    })
    .await;
    deliver(&app, body_of(&[text_at(SAM, 5, "sam 5")])).await;
    app.settle().await;
    assert_eq!(app.said(SAM)[2], "sal 2", "the journal is what files are made from");
    assert_eq!(alerts(&app), ["files:moved_aside"]);
    let kept = aside(&app.path(""));
    assert_eq!(kept.len(), 1);
    let folder = app.path(&format!("facebook/{PAGE}/conversations"));
    assert!(fs::read_to_string(folder.join(&kept[0])).unwrap().contains("sam 2"));
    // Once is enough.
    rebuild(&app).await;
    deliver(&app, body_of(&[text_at(SAM, 6, "sam 6")])).await;
    assert_eq!((aside(&app.path("")).len(), app.said(SAM).len()), (1, 7));
    app.finish().await;
}

#[tokio::test]
async fn f4_a_damaged_event_costs_its_conversation_nothing_but_itself() {
    let app = filled().await;
    let file = app.path(&format!("facebook/{PAGE}/conversations/{SAM}.json"));
    let app = restarted_after(app, |folder| {
        let journal = rusqlite::Connection::open(folder.join("data/journal.db")).unwrap();
        // One bit of a quotation mark.
        let changed = journal.execute(
            "UPDATE events SET payload = CAST(replace(CAST(payload AS TEXT), '\"sam 2\"', '#sam 2\"') AS BLOB)",
            [],
        );
        assert!(changed.is_ok());
    })
    .await;
    deliver(&app, body_of(&[text_at(SAM, 5, "sam 5")])).await;
    app.settle().await;
    let left: Vec<String> = all("sam", 6).into_iter().filter(|text| text != "sam 2").collect();
    assert_eq!(app.said(SAM), left);
    assert_eq!(app.conversation(SAM).unwrap().len(), 6);
    let kept = aside(&app.path(""));
    assert_eq!(kept.len(), 1, "the good copy is kept");
    assert!(fs::read_to_string(file.with_file_name(&kept[0])).unwrap().contains("sam 2"));
    app.finish().await;
}

#[tokio::test]
async fn f4_a_journal_that_is_unlinked_while_running_acknowledges_nothing_until_it_is_back() {
    let app = filled().await;
    let names = ["journal.db", "journal.db-wal", "journal.db-shm"];
    let move_all = |from: &str, to: &str| {
        for name in names {
            fs::rename(app.path(&format!("{from}/{name}")), app.path(&format!("{to}/{name}"))).unwrap();
        }
    };
    fs::create_dir(app.path("elsewhere")).unwrap();
    move_all("data", "elsewhere");
    let body = body_of(&[text_at(SAM, 5, "sam 5")]);
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 503);
    assert_eq!(alerts(&app), ["journal:unwritable"]);
    assert!(!app.path("data/journal.db").exists(), "no new one is made");
    move_all("elsewhere", "data");
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
    app.settle().await;
    assert_eq!((app.said(SAM), alerts(&app)), (all("sam", 6), Vec::new()));
    app.finish().await;
}

/// What a folder's journal is, byte for byte, and which files it has.
fn journal_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = ["journal.db", "journal.db-wal", "journal.db-shm"].into_iter();
    let there = names.filter_map(|name| Some((name.to_owned(), fs::read(folder.join(name)).ok()?)));
    there.collect()
}

#[tokio::test]
async fn h1_another_journal_that_is_put_in_place_while_running_is_neither_written_nor_read() {
    let other = TestApp::start().await;
    other.connect().await;
    deliver(&other, body_of(&[text_at(SAM, 77, "of somebody else")])).await;
    let foreign = other.folder().path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("journal.db"), "").unwrap();
    copy(&other.path("data/journal.db"), &foreign.join("journal.db")).unwrap();
    let app = filled().await;
    let (data, away) = (app.path("data"), app.path("away"));
    fs::create_dir(&away).unwrap();
    let exchange = |from: &Path, to: &Path| {
        for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            if from.join(name).exists() {
                fs::rename(from.join(name), to.join(name)).unwrap();
            }
        }
    };
    for round in 0..2_i64 {
        exchange(&data, &away);
        fs::copy(foreign.join("journal.db"), data.join("journal.db")).unwrap();
        let before = journal_files(&data);
        let body = body_of(&[text_at(SAM, 5 + round, &format!("sam {}", 5 + round))]);
        for _ in 0..3 {
            assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 503);
        }
        assert_eq!(alerts(&app), ["journal:unwritable"]);
        // More readers than there are connections: some have to be opened anew.
        let looks: Vec<_> = (0..20)
            .map(|_| {
                let journal = app.shared().journal.clone();
                tokio::spawn(async move { journal.counts().await.map(|counts| counts.events) })
            })
            .collect();
        for look in looks {
            let seen = look.await.unwrap();
            assert!(seen.as_ref().is_err() || seen.as_ref().is_ok_and(|events| *events == 10 + round), "{seen:?}");
        }
        assert_eq!((app.said(SAM), app.said(KIM)), (all("sam", 5 + round), all("kim", 5)));
        assert_eq!(journal_files(&data), before, "no byte of it was touched, and no log was made beside it");
        remove_journal(app.folder().path());
        exchange(&away, &data);
        assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
        app.settle().await;
    }
    // What was acknowledged stands in the right one, also after a kill.
    let app = app.kill_and_restart_with(|_| {}).await;
    app.settle().await;
    assert_eq!((app.said(SAM), app.said(KIM)), (all("sam", 7), all("kim", 5)));
    assert_eq!((app.counts().await.0, alerts(&app)), (12, Vec::new()));
    other.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn h1_a_log_that_is_removed_while_running_loses_nothing_that_was_acknowledged() {
    let app = filled().await;
    fs::remove_file(app.path("data/journal.db-wal")).unwrap();
    let body = body_of(&[text_at(SAM, 5, "sam 5")]);
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 503);
    let told = app.shared().alerts.list();
    assert!(told[0].cause == "journal:unwritable" && told[0].sentence.contains("-wal"), "{told:?}");
    // It is asked to stop, and brings what it knows into the database.
    let app = restarted_after(app, |_| {}).await;
    assert_eq!((app.counts().await.0, alerts(&app)), (10, Vec::new()));
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
    app.settle().await;
    assert_eq!(app.said(SAM), all("sam", 6));
    app.finish().await;
}

#[tokio::test]
async fn f4_the_output_folder_of_another_installation_is_refused_and_left_as_it_is() {
    let app = filled().await;
    let other = tempfile::tempdir().unwrap();
    let file = app.path(&format!("facebook/{PAGE}/conversations/{SAM}.json"));
    let before = fs::read(&file).unwrap();
    // A data folder of its own first; then beside the files of this one.
    let config = |change: &dyn Fn(&mut Server)| {
        let mut server = Server::below(other.path());
        change(&mut server);
        Config::without_channels(server)
    };
    App::build(config(&|_| {}), app.clock.clone()).await.unwrap().stop(None).await;
    let with_files = || config(&|server| server.output_dir = app.path(""));
    let refused = App::build(with_files(), app.clock.clone()).await.err().unwrap().to_string();
    assert!(refused.contains("another shoptalk writes its files to"), "{refused}");
    let (clock, folder) = (app.clock.clone(), app.folder());
    let (facebook, shopify) = (app.facebook.clone(), app.shopify.clone());
    let with_files = with_files();
    app.close().await;
    let refused = App::build(with_files, clock.clone()).await.err().unwrap().to_string();
    let app = TestApp::reopen(clock, facebook, shopify, folder).await;
    assert!(refused.contains("belongs to another data folder") && refused.contains(".shoptalk"), "{refused}");
    // Nor do the journal of one and the tokens of another go together.
    copy(&app.path("data/journal.db"), &other.path().join("journal.db")).unwrap();
    let with_journal = config(&|server| server.journal_db = other.path().join("journal.db"));
    let refused = App::build(with_journal, app.clock.clone()).await.err().unwrap().to_string();
    assert!(refused.contains("belong to different installations"), "{refused}");
    assert_eq!(fs::read(&file).unwrap(), before);
    app.finish().await;
}

#[tokio::test]
async fn f4_a_restore_that_was_killed_refuses_a_start_until_it_is_made_again() {
    let app = filled().await;
    let (folder, server) = (app.folder(), app.config().server);
    let target = folder.path().join("backup");
    backup(&server, &target, true, &app.clock).unwrap();
    deliver(&app, body_of(&[text_at(SAM, 5, "sam 5")])).await;
    app.settle().await;
    let clock = app.clock.clone();
    let (facebook, shopify) = (app.facebook.clone(), app.shopify.clone());
    app.close().await;
    // Killed in the middle: something is in the way of one of the last files.
    let blocked = folder.path().join(format!("facebook/{PAGE}/conversations/.{SAM}.json.restored"));
    fs::create_dir(&blocked).unwrap();
    assert!(restore(&server, &target, &clock).await.is_err());
    let config = Config::without_channels(Server::below(folder.path()));
    let refused = App::build(config, clock.clone()).await.err().unwrap().to_string();
    assert!(refused.contains("broke off"), "{refused}");
    assert!(backup(&server, &folder.path().join("another"), true, &clock).is_err(), "nor is it backed up");
    fs::remove_dir(&blocked).unwrap();
    restore(&server, &target, &clock).await.unwrap();
    let app = TestApp::reopen(clock, facebook, shopify, Arc::clone(&folder)).await;
    assert_eq!(app.said(SAM), all("sam", 6), "what came later is kept");
    assert!(!alerts(&app).contains(&"journal:missing".to_owned()));
    let health = app.browser().send(Method::GET, "/health", &[], b"").await;
    assert_eq!(health.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn f4_what_was_acknowledged_after_a_backup_stays_in_its_file_and_goes_into_the_restored_journal() {
    const NEW: &str = "7000000000000009";
    let app = filled().await;
    let (folder, server) = (app.folder(), app.config().server);
    let target = folder.path().join("backup");
    backup(&server, &target, true, &app.clock).unwrap();
    deliver(&app, body_of(&[text_at(SAM, 5, "sam 5")])).await;
    deliver(&app, body_of(&[text_at(NEW, 0, "new 0")])).await;
    app.settle().await;
    // One of the files cannot be read any more: of that one the saved state counts.
    let kim = folder.path().join(format!("facebook/{PAGE}/conversations/{KIM}.json"));
    let clock = app.clock.clone();
    let (facebook, shopify) = (app.facebook.clone(), app.shopify.clone());
    app.close().await;
    fs::write(&kim, "[\n{\"cut").unwrap();
    let said = restore(&server, &target, &clock).await.unwrap();
    assert!(said.contains("What 2 conversations hold since the backup stays in them"), "{said}");
    let app = TestApp::reopen(clock, facebook, shopify, Arc::clone(&folder)).await;
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    app.settle().await;
    assert_eq!((app.said(SAM), app.said(KIM), app.said(NEW)), (all("sam", 6), all("kim", 5), all("new", 1)));
    let kept = aside(folder.path());
    assert!(kept.len() == 1 && kept[0].starts_with(KIM), "{kept:?}");
    assert_eq!(alerts(&app), ["files:taken_in"]);
    assert_eq!(app.counts().await.0, 12, "they are in the journal again");
    deliver(&app, body_of(&[text_at(NEW, 1, "new 1")])).await;
    rebuild(&app).await;
    assert_eq!((app.said(SAM), app.said(NEW)), (all("sam", 6), all("new", 2)));
    assert_eq!(aside(folder.path()), kept);
    app.finish().await;
}

#[tokio::test]
async fn f7_an_output_folder_that_goes_away_while_running_is_noticed_and_used_again_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("files");
    let app = TestApp::start_with(|config| config.server.output_dir = output.clone()).await;
    app.connect().await;
    let working = app.start_working().await;
    let ready = async |wanted: u16| {
        let begun = std::time::Instant::now();
        while app.browser().get("/ready").await.status != wanted {
            assert!(begun.elapsed() < std::time::Duration::from_secs(20), "/ready never says {wanted}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    ready(200).await;
    let away = folder.path().join("away");
    fs::rename(&output, &away).unwrap();
    ready(503).await;
    // What comes meanwhile is acknowledged, and nothing is written where nobody looks.
    let body = body_of(&[text_at(SAM, 1, "meanwhile")]);
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
    fs::create_dir(&output).unwrap();
    ready(503).await;
    fs::remove_dir(&output).unwrap();
    assert!(!away.join(format!("facebook/{PAGE}/conversations/{SAM}.json")).exists());
    fs::rename(&away, &output).unwrap();
    ready(200).await;
    app.stop_working(working).await;
    app.settle().await;
    let file = output.join(format!("facebook/{PAGE}/conversations/{SAM}.json"));
    assert!(fs::read_to_string(file).unwrap().contains("meanwhile"));
    // The same folder under another number: copied back, as after a remount.
    let copy = folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(output.join(".shoptalk"), copy.join(".shoptalk")).unwrap();
    fs::rename(&output, &away).unwrap();
    fs::rename(&copy, &output).unwrap();
    app.shared().output.ensure_is_there().unwrap();
    deliver(&app, body_of(&[text_at(SAM, 2, "afterwards")])).await;
    let file = output.join(format!("facebook/{PAGE}/conversations/{SAM}.json"));
    assert!(fs::read_to_string(file).unwrap().contains("afterwards"));
    app.close().await;
}

#[test]
fn t6_a_master_key_that_is_missing_beside_sealed_values_is_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let service = disk::start(folder.path());
    assert!(service.stop().0.success());
    let key = folder.path().join("data/master.key");
    fs::remove_file(&key).unwrap();
    let ended = run_briefly(configured(folder.path(), &["serve"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(!key.exists(), "no new key was made");
}

#[tokio::test]
async fn f7_while_a_database_is_away_pages_and_the_api_say_when_to_come_again_and_it_heals() {
    let app = TestApp::start().await;
    let browser = app.connect().await.for_pages();
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    let bot = Bot::start(&app, &[Scope::Read, Scope::Reply]).await;
    deliver(&app, body_of(&[text_at(SAM, 1, "Hello?")])).await;
    app.settle().await;
    let away = app.path("away");
    fs::create_dir(&away).unwrap();
    let exchange = |name: &str, from: &Path, to: &Path| {
        for end in ["", "-wal", "-shm"] {
            let file = format!("{name}{end}");
            if from.join(&file).exists() {
                fs::rename(from.join(&file), to.join(&file)).unwrap();
            }
        }
    };
    let data = app.path("data");
    let operator = format!("Bearer {OPERATOR_TOKEN}");
    let later = |answer: &Answer| answer.status == 503 && !answer.header("retry-after").is_empty();
    for name in ["tokens.db", "sessions.db", "journal.db"] {
        exchange(name, &data, &away);
        let headers = [("idempotency-key", name)];
        let message = format!("/api/v1/facebook/{PAGE}/conversations/{SAM}/messages");
        let answers = [
            ("page", browser.get("/").await),
            ("operator", browser.send(Method::GET, "/api/status", &[("authorization", &operator)], b"").await),
            ("list", bot.get("/api/v1/conversations").await),
            ("send", bot.send(Method::POST, &message, &headers, br#"{"text":"Yes."}"#).await),
            ("login", app.browser().get("/facebook/login").await),
        ];
        for (what, answer) in &answers {
            assert_ne!(answer.status, 500, "{name} is away: {what} {}", answer.text());
            assert!(answer.status != 503 || later(answer), "{name} is away: {what} {answer:?}");
        }
        let refused = answers.iter().filter(|(_, answer)| later(answer)).count();
        // What is read of a journal that was opened is still there; this person cannot be written to anyhow.
        assert!(refused > 0 || name == "journal.db", "{name} is away, and nobody notices");
        exchange(name, &away, &data);
        for path in ["/", &format!("/conversations/facebook/{PAGE}")] {
            assert_eq!(browser.get(path).await.status, 200, "{name} is back");
        }
        assert_eq!(bot.get("/api/v1/conversations").await.status, 200, "{name} is back");
    }
    app.finish().await;
}

/// Copies the files of a data folder that a snapshot of its disk would bring back.
fn copy_data(from: &Path, to: &Path) {
    for name in ["tokens.db", "sessions.db", "journal.db", "journal.acknowledged", "master.key"] {
        for end in ["", "-wal", "-shm"] {
            let (from, to) = (from.join(format!("{name}{end}")), to.join(format!("{name}{end}")));
            let _ = fs::remove_file(&to);
            if from.exists() {
                fs::copy(from, to).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn f4_a_data_folder_that_is_older_as_a_whole_is_noticed_by_the_files() {
    let older = tempfile::tempdir().unwrap();
    let app = restarted_after(filled().await, |folder| copy_data(&folder.join("data"), older.path())).await;
    for number in 5..8 {
        deliver(&app, body_of(&[text_at(SAM, number, &format!("sam {number}"))])).await;
    }
    app.settle().await;
    let app = restarted_after(app, |folder| copy_data(older.path(), &folder.join("data"))).await;
    let told = app.shared().alerts.list();
    let missing = told.iter().find(|alert| alert.cause == "journal:missing").unwrap();
    assert!(missing.sentence.contains("up to 13, and the journal ends with 10"), "{}", missing.sentence);
    deliver(&app, body_of(&[text_at(SAM, 8, "sam 8")])).await;
    app.settle().await;
    assert_eq!(app.said(SAM), all("sam", 9));
    app.finish().await;
}

/// Flips one bit in the middle of the journal's log, or cuts the log there.
fn damage(log: &Path, is_cut: bool) {
    let mut bytes = fs::read(log).unwrap();
    let half = bytes.len() / 2;
    match is_cut {
        true => bytes.truncate(half),
        false => bytes[half] ^= 1,
    }
    fs::write(log, bytes).unwrap();
}

#[test]
fn f4_a_flipped_bit_or_a_cut_in_the_log_that_costs_acknowledged_events_is_said_with_what_is_missing() {
    for is_cut in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (service, mut client, mut book) = disk::at_work(folder.path(), disk::start);
        for number in 0..40 {
            assert_eq!(disk::deliver(&mut client, &mut book, &disk::message(number, SAM)), 200);
        }
        book.wait_until_filed(folder.path());
        service.kill();
        damage(&folder.path().join("data/journal.db-wal"), is_cut);
        let service = disk::start(folder.path());
        wait_until_ready(service.address);
        // The last of them is number 40; how many are lost depends on what stood where.
        let log = service.stop().1;
        let line =
            log.lines().find(|line| line.contains("missing from the journal")).unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains("last=40"), "{line}");
        assert!(log.contains("cause=\"journal:missing\""), "{log}");
        // It is said once; and nothing is lost from the files.
        let service = disk::start(folder.path());
        wait_until_ready(service.address);
        assert!(!service.stop().1.contains("missing from the journal"));
        book.wait_until_filed(folder.path());
    }
}

/// Flips a bit of each copy of a text in a file, as a disk or its memory does. Gives how many there were.
fn flip_in(file: &Path, text: &str) -> usize {
    use std::os::unix::fs::FileExt;
    let bytes = fs::read(file).unwrap();
    let places: Vec<usize> =
        (0..bytes.len().saturating_sub(text.len())).filter(|at| bytes[*at..].starts_with(text.as_bytes())).collect();
    let file = fs::OpenOptions::new().write(true).open(file).unwrap();
    for place in &places {
        file.write_all_at(&[bytes[*place] ^ 1], *place as u64).unwrap();
    }
    places.len()
}

#[test]
fn f4_a_bit_that_flips_in_the_journal_while_the_service_runs_costs_no_good_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (service, mut client, mut book) = disk::at_work(folder.path(), disk::start);
    let wish = |number: u64, say: &str| {
        Delivery::new(vec![Item::new(format!("m_{number}"), SAM.to_owned(), 1_790_000_000_000 + number, say)])
    };
    for number in 0..40 {
        let say = if number == 17 { "the blue one" } else { "Hello" };
        assert_eq!(disk::deliver(&mut client, &mut book, &wish(number, say)), 200);
    }
    book.wait_until_filed(folder.path());
    let journal = folder.path().join("data/journal.db");
    let flipped = flip_in(&journal, "the blue one") + flip_in(&journal.with_extension("db-wal"), "the blue one");
    assert!(flipped > 0);
    // Deliveries go on, and a message that is later than all puts itself behind the others.
    for number in 40..60 {
        assert_eq!(disk::deliver(&mut client, &mut book, &wish(number, "Hello")), 200);
    }
    book.wait_until_filed(folder.path());
    // Made anew from the journal, now and after a start, which takes the log as it is or not at all.
    let mut log = String::new();
    assert_eq!(run_briefly(configured(folder.path(), &["rebuild"])).code, Some(0));
    log.push_str(&service.stop().1);
    let service = disk::start(folder.path());
    wait_until_ready(service.address);
    assert_eq!(run_briefly(configured(folder.path(), &["rebuild"])).code, Some(0));
    log.push_str(&service.stop().1);
    let files = folder.path().join(format!("facebook/{PAGE}/conversations"));
    let copies: Vec<String> =
        fs::read_dir(files).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    assert!(copies.iter().any(|copy| copy.contains("the blue one")), "the only good copy is gone: {log}");
    assert_eq!(copies.len() > 1, log.contains("files:moved_aside"), "it is said: {log}");
    for number in 0..60 {
        assert!(copies.iter().any(|copy| copy.contains(&format!("\"m_{number}\""))), "{number} is lost: {log}");
    }
    println!("{flipped} places, {} copies", copies.len());
}

#[tokio::test]
async fn b1_where_the_log_lost_that_a_message_was_sent_it_is_looked_for_and_not_sent_again() {
    let scene = Scene::start().await;
    let id = scene.say("Yes, 3 left.").await;
    scene.work().await;
    assert_eq!(scene.taken(), ["Yes, 3 left."]);
    // As it was when the message had been accepted and nothing more was written: what a cut log leaves.
    let app = scene.app.kill_and_restart_with(|config| {
        let journal = rusqlite::Connection::open(&config.server.journal_db).unwrap();
        journal
            .execute_batch(
                "UPDATE outgoing_parts SET state = 'accepted', called_at = NULL, sent_at = NULL, platform_id = NULL;
                 UPDATE outgoing SET is_open = 1, tries = 0;
                 UPDATE cursors SET value = CAST(value AS INTEGER) - 2 WHERE name = 'journal:commits';",
            )
            .unwrap();
    });
    let app = app.await;
    let told = app.shared().alerts.list();
    let missing = told.iter().find(|alert| alert.cause == "journal:missing").unwrap();
    assert!(missing.sentence.starts_with("The last 2 writes"), "{}", missing.sentence);
    app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
    let scene = Scene::again(app, &[Scope::Read, Scope::Reply]).await;
    scene.work().await;
    assert_eq!(scene.message(&id).await["state"], "unknown");
    for _ in 0..5 {
        scene.pass(60).await;
    }
    assert_eq!(scene.message(&id).await["state"], "sent");
    assert_eq!(scene.taken(), ["Yes, 3 left."], "once");
    // What is accepted afterwards goes out as ever.
    let answer = scene.post("another", &serde_json::json!({ "text": "And two more tomorrow." })).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    scene.work().await;
    assert_eq!(scene.taken().len(), 2);
    scene.app.finish().await;
}

#[tokio::test]
async fn what_changes_nothing_is_no_commit() {
    let app = filled().await;
    let commits = || {
        app.journal_sql(|journal| {
            journal.query_row("SELECT value FROM cursors WHERE name = 'journal:commits'", [], |row| {
                row.get::<_, String>(0)
            })
        })
    };
    let before = commits();
    app.shared().journal.connect_account("facebook", PAGE).await.unwrap();
    assert_eq!(commits(), before);
    let body = body_of(&[text_at(SAM, 9, "sam 9")]);
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
    assert_eq!(commits(), before, "events have numbers of their own");
    app.settle().await;
    assert_ne!(commits(), before);
    app.finish().await;
}

#[tokio::test]
async fn f7_an_output_folder_that_was_removed_is_filled_again_once_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("files");
    let app = TestApp::start_with(|config| config.server.output_dir = output.clone()).await;
    app.shop().add_product("Green tea");
    app.connect().await;
    deliver(&app, body_of(&[text_at(SAM, 1, "before")])).await;
    app.settle().await;
    let all = || {
        let read = |name: String| fs::read_to_string(output.join(name)).unwrap_or_default();
        let conversation = read(format!("facebook/{PAGE}/conversations/{SAM}.json"));
        let metadata = read(format!("facebook/{PAGE}/page_metadata.json"));
        (conversation, metadata, read(format!("{SHOP}/shop_products.json")), read(".shoptalk".to_owned()))
    };
    let (conversation, metadata, products, mark) = all();
    assert!(conversation.contains("before") && products.contains("Green tea"));
    fs::remove_dir_all(&output).unwrap();
    let error = app.shared().output.ensure_is_there().unwrap_err().to_string();
    assert!(error.contains(output.to_str().unwrap()), "{error}");
    let body = body_of(&[text_at(SAM, 2, "meanwhile")]);
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
    fs::create_dir(&output).unwrap();
    app.settle().await;
    app.settle().await;
    let again = all();
    assert!(again.0.contains("before") && again.0.contains("meanwhile"));
    assert_eq!((again.1, again.2, again.3), (metadata, products, mark));
    app.shared().output.ensure_is_there().unwrap();
    app.close().await;
}
