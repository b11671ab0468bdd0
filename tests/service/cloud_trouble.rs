//! Object storage in trouble, or told the wrong thing: each kind has its end, a finding with its fix where somebody must mend
//! something, and nothing is lost.

use chrono::TimeDelta;
use shoptalk::commands::CloudWanted;
use shoptalk::demo::object_store::{Fault, Operation};
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::files::output::RelativePath;
use shoptalk::shared::objects::{ObjectSettings, Standing, Stop};

use crate::bucket::{BUCKET, BadLine, Bucket, MARKER};
use crate::cloud::Scene;
use crate::journal_checks::SAM;
use crate::test_app::PAGE;

fn skewed() -> Failure {
    Bucket::refusal(403, "RequestTimeTooSkewed")
}

#[tokio::test]
async fn after_a_lost_answer_it_is_looked_up_what_stands_there() {
    let scene = Scene::start().await;
    scene.say(SAM, "did it arrive?").await;
    let key = scene.key(&format!("conversations/{SAM}.json")).await;
    scene.bucket.traffic.fail_next(&key, 1, Failure::Disconnect);
    let puts = scene.bucket.puts(SAM);
    scene.after(61).await;
    assert_eq!((scene.bucket.puts(SAM), scene.bucket.requests("HEAD", SAM).len()), (puts + 1, 0));
    assert!(matches!(scene.standing(), Standing::Pausing { .. }), "{:?}", scene.standing());
    scene.after(10).await;
    assert_eq!(scene.bucket.requests("HEAD", SAM).len(), 1);
    assert_eq!(scene.bucket.puts(SAM), puts + 1, "it had arrived");
    assert_eq!(scene.waiting().await, 0);
    // One that did not arrive is sent again.
    scene.after(120).await;
    scene.say(SAM, "and this?").await;
    scene.bucket.traffic.fail_next(&key, 1, Failure::Status(500));
    scene.after(11).await;
    scene.after(10).await;
    assert_eq!(scene.bucket.requests("HEAD", SAM).len(), 2);
    assert_eq!(scene.copy_of(SAM).await, scene.file_of(SAM));
    assert_eq!(scene.standing(), Standing::Working);
    scene.finish().await;
}

#[tokio::test]
async fn a_bucket_of_somebody_else_is_left_alone_until_it_is_taken_over() {
    let bucket = Bucket::start().await;
    bucket.put(MARKER, "another installation\n");
    let app = bucket.service().await;
    app.connect().await;
    let scene = Scene { app, bucket };
    scene.after(11).await;
    assert_eq!(scene.bucket.keys(), [""; 0]);
    assert_eq!(scene.bucket.text(MARKER).as_deref(), Some("another installation\n"));
    assert_eq!(scene.alerts(), ["cloud_foreign_owner"]);
    assert!(matches!(scene.standing(), Standing::Stopped { why: Stop::ForeignOwner, .. }));
    let (said, good) = scene.command(CloudWanted::Status).await;
    assert!(!good && said[0].starts_with("address: http://127.0.0.1:") && said[1].contains("take-over"), "{said:?}");
    let (said, good) = scene.command(CloudWanted::TakeOver).await;
    assert!(good, "{said:?}");
    scene.after(11).await;
    scene.assert_whole().await;
    assert_eq!(scene.alerts(), [""; 0]);
    // And whoever had it stops by himself.
    scene.bucket.put(MARKER, "a third installation\n");
    scene.after(11 * 60).await;
    assert_eq!(scene.alerts(), ["cloud_foreign_owner"]);
    let puts = scene.bucket.puts("");
    scene.say(SAM, "not there").await;
    scene.after(120).await;
    assert_eq!(scene.bucket.puts(""), puts);
    scene.finish().await;
}

#[tokio::test]
async fn a_bucket_that_keeps_versions_is_refused() {
    let bucket = Bucket::start().await;
    bucket.set_versioning(Some("Suspended"));
    let app = bucket.service().await;
    app.connect().await;
    let scene = Scene { app, bucket };
    scene.after(11).await;
    assert_eq!(scene.bucket.puts(""), 0);
    assert_eq!(scene.bucket.text(MARKER), None, "nothing at all is written");
    assert_eq!(scene.alerts(), ["cloud_versioned"]);
    let (said, good) = scene.command(CloudWanted::TakeOver).await;
    assert!(!good && said[0].contains("keeps versions"), "{said:?}");
    assert_eq!(scene.bucket.text(MARKER), None, "not even its owner is written into it");
    scene.bucket.set_versioning(None);
    scene.after(1800).await;
    assert_eq!(scene.bucket.puts(""), 0, "it is tried again in an hour");
    scene.after(1801).await;
    scene.assert_whole().await;
    assert_eq!(scene.alerts(), [""; 0]);
    // Whoever mended it and says so does not wait.
    scene.bucket.set_versioning(Some("Enabled"));
    scene.after(11 * 60).await;
    assert!(!scene.command(CloudWanted::Status).await.1);
    scene.bucket.set_versioning(None);
    assert!(scene.command(CloudWanted::Status).await.1);
    scene.assert_whole().await;
    assert_eq!(scene.alerts(), [""; 0]);
    scene.finish().await;
}

#[tokio::test]
async fn uploads_that_are_numbered_are_no_versions_where_the_bucket_keeps_none() {
    for is_asked in [true, false] {
        let scene = Scene::start().await;
        scene.bucket.number_uploads();
        if !is_asked {
            // The key may not ask whether versions are kept.
            scene.bucket.break_all(Some(Operation::List), Fault::AccessDenied);
        }
        scene.say(SAM, "one").await;
        scene.after(61).await;
        scene.assert_whole().await;
        let asked = scene.bucket.requests("GET", "versioning").len();
        scene.say(SAM, "two").await;
        scene.after(61).await;
        scene.assert_whole().await;
        assert_eq!(scene.bucket.requests("GET", "versioning").len(), asked, "it is asked once");
        scene.bucket.heal();
        assert_eq!(scene.alerts(), [""; 0]);
        // Versions that are switched on are still found.
        scene.bucket.set_versioning(Some("Enabled"));
        scene.after(11 * 60).await;
        assert_eq!(scene.alerts(), ["cloud_versioned"]);
        scene.finish().await;
    }
}

#[tokio::test]
async fn storage_that_knows_no_condition_for_an_upload_is_used_all_the_same() {
    let bucket = Bucket::start().await;
    bucket.set_conditions(false);
    let app = bucket.service().await;
    app.connect().await;
    let scene = Scene { app, bucket };
    scene.after(11).await;
    scene.assert_whole().await;
    assert!(scene.bucket.text(MARKER).is_some());
    assert_eq!(scene.alerts(), [""; 0]);
    scene.finish().await;
}

#[tokio::test]
async fn what_somebody_must_mend_stops_everything_says_how_and_is_tried_hourly_and_at_a_start() {
    for (failure, why, alert, fix) in [
        (skewed(), Stop::ClockSkew { seconds: None }, "cloud_refused", "clock"),
        (Bucket::refusal(403, "SignatureDoesNotMatch"), Stop::Keys, "cloud_refused", "SPACES_SECRET_KEY"),
        (Bucket::refusal(403, "AccessDenied"), Stop::Denied, "cloud_refused", "rights"),
        (Bucket::refusal(400, "AuthorizationHeaderMalformed"), Stop::Region, "cloud_refused", "SPACES_REGION"),
        (Bucket::refusal(404, "NoSuchBucket"), Stop::NoBucket, "cloud_bucket_missing", "make the bucket"),
    ] {
        let scene = Scene::start().await;
        scene.say(SAM, "waits").await;
        scene.bucket.fail(failure);
        scene.after(61).await;
        match scene.standing() {
            Standing::Stopped { why: found, .. } => {
                // The simulator's answers carry the time of this machine.
                let same = matches!((&found, &why), (Stop::ClockSkew { .. }, Stop::ClockSkew { .. })) || found == why;
                assert!(same, "{found:?}");
            }
            standing => panic!("{standing:?}"),
        }
        assert_eq!(scene.alerts(), [alert]);
        let sentence = scene.app.shared().alerts.list()[0].sentence.clone();
        assert!(sentence.contains(fix), "{sentence}");
        let asked = scene.bucket.traffic.received().len();
        for _ in 0..5 {
            scene.after(600).await;
        }
        assert_eq!(scene.bucket.traffic.received().len(), asked, "nothing is asked for an hour");
        scene.after(601).await;
        assert!(scene.bucket.traffic.received().len() > asked);
        scene.bucket.heal();
        let scene = scene.restart().await;
        scene.after(1).await;
        assert_eq!(scene.copy_of(SAM).await, scene.file_of(SAM), "a start counts as that look");
        assert_eq!(scene.alerts(), [""; 0]);
        scene.finish().await;
    }
}

#[tokio::test]
async fn where_writing_is_denied_whoever_looks_is_told_so_and_no_file_is_sent_for_it() {
    let scene = Scene::start().await;
    scene.say(SAM, "waits").await;
    scene.bucket.break_next(Some(Operation::Put), "", usize::MAX, Fault::AccessDenied);
    scene.after(61).await;
    let puts = scene.bucket.puts("users/");
    for _ in 0..3 {
        let (lines, is_well) = scene.command(CloudWanted::Status).await;
        assert!(!is_well, "{lines:?}");
        scene.after(1).await;
    }
    assert_eq!(scene.bucket.puts("users/"), puts);
    scene.bucket.heal();
    assert!(scene.command(CloudWanted::Status).await.1);
    scene.after(1).await;
    assert_eq!(scene.copy_of(SAM).await, scene.file_of(SAM));
    assert_eq!(scene.alerts(), [""; 0]);
    scene.finish().await;
}

#[tokio::test]
async fn who_is_asked_to_slow_down_pauses_as_long_as_told() {
    let scene = Scene::start().await;
    scene.say(SAM, "waits").await;
    // However often that comes in a row.
    for _ in 0..6 {
        scene.bucket.traffic.fail_next(SAM, 1, Failure::RetryAfter(503, "2".to_owned()));
        scene.after(61).await;
        scene.after(2).await;
        assert_eq!(scene.copy_of(SAM).await, scene.file_of(SAM));
        scene.say(SAM, "more").await;
    }
    scene.bucket.traffic.fail_next(SAM, 1, Failure::RetryAfter(503, "20".to_owned()));
    scene.after(61).await;
    let asked = scene.bucket.traffic.received().len();
    scene.after(19).await;
    assert_eq!(scene.bucket.traffic.received().len(), asked);
    scene.after(1).await;
    assert_eq!(scene.copy_of(SAM).await, scene.file_of(SAM));
    assert_eq!(scene.alerts(), [""; 0]);
    scene.finish().await;
}

#[tokio::test]
async fn a_bucket_that_says_it_stored_what_it_did_not_is_found_out() {
    let bucket = Bucket::start().await;
    bucket.break_all(Some(Operation::Put), Fault::StoresOther);
    let app = bucket.service().await;
    app.connect().await;
    let scene = Scene { app, bucket };
    scene.after(11).await;
    assert!(matches!(scene.standing(), Standing::Stopped { why: Stop::Untrue, .. }), "{:?}", scene.standing());
    assert_eq!(scene.alerts(), ["cloud_refused"]);
    scene.finish().await;
}

/// What is wrong with the settings of a service, or with the storage, and what it is called.
struct Mistake {
    settings: fn(&mut ObjectSettings),
    storage: fn(&Bucket),
    why: Stop,
    alert: &'static str,
    fix: &'static str,
}

const fn mistake(settings: fn(&mut ObjectSettings), why: Stop, alert: &'static str, fix: &'static str) -> Mistake {
    Mistake { settings, storage: |_| {}, why, alert, fix }
}

#[tokio::test]
async fn what_is_set_wrong_is_named_with_its_fix_and_nothing_is_lost_meanwhile() {
    let skew = Stop::ClockSkew { seconds: Some(3600) };
    for Mistake { settings, storage, why, alert, fix } in [
        mistake(
            |set| set.secret_key = "a mistaken secret key".into(),
            Stop::Keys,
            "cloud_refused",
            "SPACES_SECRET_KEY",
        ),
        mistake(
            |set| set.access_key = "a mistaken access key".into(),
            Stop::Keys,
            "cloud_refused",
            "SPACES_ACCESS_KEY",
        ),
        mistake(|set| set.region = "mist1".to_owned(), Stop::Region, "cloud_refused", "SPACES_REGION"),
        mistake(|set| set.bucket = "mistaken".to_owned(), Stop::NoBucket, "cloud_bucket_missing", "SPACES_BUCKET"),
        Mistake {
            storage: |bucket| bucket.store.set_clock_ahead(TimeDelta::hours(1)),
            ..mistake(|_| {}, skew, "cloud_refused", "clock")
        },
        Mistake {
            storage: |bucket| bucket.store.delete_bucket(BUCKET),
            ..mistake(|_| {}, Stop::NoBucket, "cloud_bucket_missing", "make the bucket")
        },
    ] {
        let bucket = Bucket::start().await;
        let mut wrong = bucket.settings_at(&bucket.store.url());
        settings(&mut wrong);
        storage(&bucket);
        let app = bucket.service_with(wrong).await;
        app.connect().await;
        let scene = Scene { app, bucket };
        scene.say(SAM, "waits").await;
        scene.after(11).await;
        assert!(
            matches!(scene.standing(), Standing::Stopped { why: found, .. } if found == why),
            "{:?}",
            scene.standing()
        );
        assert_eq!(scene.alerts(), [alert]);
        let sentence = scene.app.shared().alerts.list()[0].sentence.clone();
        assert!(sentence.contains(fix) && sentence.contains("none is lost"), "{sentence}");
        assert!(!sentence.contains("mist"), "no setting's value is told: {sentence}");
        assert!(scene.file_of(SAM).is_some() && scene.waiting().await >= 2, "files are written as ever");
        // Mended: everything arrives.
        scene.bucket.store.set_clock_ahead(TimeDelta::zero());
        if why == Stop::NoBucket {
            scene.bucket.store.add_bucket(BUCKET);
        }
        let scene = scene.restart().await;
        scene.after(1).await;
        scene.assert_whole().await;
        assert_eq!(scene.alerts(), [""; 0]);
        scene.finish().await;
    }
}

#[tokio::test]
async fn an_upload_that_is_cut_in_the_middle_leaves_nothing_half_and_is_done_again() {
    let bucket = Bucket::start().await;
    let line = BadLine::start(&bucket.store.url()).await;
    let app = bucket.service_with(bucket.settings_at(&line.url)).await;
    app.connect().await;
    let scene = Scene { app, bucket };
    scene.say(SAM, "short").await;
    scene.after(11).await;
    let path = RelativePath::new(&["facebook", PAGE, "media", "0b.mp4"]).unwrap();
    let long = [b"\0\0\0\x20ftypisom".to_vec(), vec![7; 2_000_000]].concat();
    for (cut_after, before) in [(100_000, &b"first"[..]), (1_500_000, &long)] {
        let content = [before, &long].concat();
        scene.app.shared().output.write(&path, &content).unwrap();
        line.cut_after(cut_after);
        scene.after(61).await;
        let key = scene.key("media/0b.mp4").await;
        let found = scene.bucket.find(&key).map(|object| object.bytes);
        assert!(found.is_none_or(|found| found != content), "it cannot have arrived");
        assert!(matches!(scene.standing(), Standing::Pausing { .. }), "{:?}", scene.standing());
        line.cut_after(usize::MAX);
        scene.after(10).await;
        assert!(scene.bucket.find(&key).is_some_and(|object| object.bytes == content));
        scene.assert_whole().await;
        assert_eq!(scene.alerts(), [""; 0]);
    }
    assert_eq!(scene.bucket.stored(&scene.key("media/0b.mp4").await), 2, "each content once, whole");
    scene.finish().await;
}

#[tokio::test]
async fn however_an_upload_goes_wrong_it_arrives_once_and_whole() {
    for fault in [
        Fault::SlowDown,
        Fault::TooManyRequests,
        Fault::Internal,
        Fault::Cut,
        Fault::DoneCut,
        Fault::Hang,
        Fault::Html,
        Fault::DoesNothing,
    ] {
        let scene = Scene::start().await;
        // The object that is read back is one of those before.
        let key = scene.key(&format!("conversations/{SAM}.json")).await;
        let stored = scene.bucket.stored(&key);
        scene.say(SAM, "through all of this").await;
        scene.bucket.break_next(Some(Operation::Put), SAM, 3, fault);
        scene.after(61).await;
        if fault == Fault::DoesNothing {
            // Nobody notices at once what is not among the thousandth: a comparison does.
            assert!(!scene.command(CloudWanted::Check).await.1);
            scene.bucket.heal();
            scene.after(61).await;
            assert!(scene.command(CloudWanted::Backfill { account: None }).await.1);
        }
        for _ in 0..4 {
            scene.after(15).await;
        }
        assert_eq!(scene.copy_of(SAM).await, scene.file_of(SAM), "{fault:?}");
        assert_eq!(scene.bucket.stored(&key), stored + 1, "{fault:?}");
        assert_eq!((scene.waiting().await, scene.standing()), (0, Standing::Working), "{fault:?}");
        scene.assert_whole().await;
        scene.finish().await;
    }
}

#[tokio::test]
async fn pages_instead_of_answers_pause_everything_and_end_no_copy() {
    let bucket = Bucket::start().await;
    bucket.fail(Failure::Html);
    let app = bucket.service().await;
    app.connect().await;
    let scene = Scene { app, bucket };
    scene.say(SAM, "waits").await;
    for _ in 0..8 {
        scene.after(30).await;
    }
    assert!(matches!(scene.standing(), Standing::Pausing { .. }), "{:?}", scene.standing());
    assert_eq!(scene.alerts(), ["cloud_unreachable"]);
    assert_eq!(scene.bucket.keys(), [""; 0]);
    scene.bucket.heal();
    scene.after(310).await;
    scene.after(1).await;
    scene.assert_whole().await;
    assert_eq!(scene.alerts(), [""; 0]);
    scene.finish().await;
}

#[tokio::test]
async fn of_a_thousand_objects_one_is_read_back_and_never_more_than_eight_are_under_way() {
    let scene = Scene::start().await;
    let output = &scene.app.shared().output;
    let before = scene.bucket.puts("");
    scene.bucket.break_all(Some(Operation::Put), Fault::StoresOther);
    for number in 0..1_100 {
        let name = format!("{}.json", 7_000_000_000_100_000_u64 + number);
        let path = RelativePath::new(&["facebook", PAGE, "conversations", &name]).unwrap();
        output.write(&path, format!("[{{\"n\":{number}}}]").as_bytes()).unwrap();
    }
    scene.after(61).await;
    assert!(matches!(scene.standing(), Standing::Stopped { why: Stop::Untrue, .. }), "{:?}", scene.standing());
    let puts = scene.bucket.puts("") - before;
    assert!((900..1_100).contains(&puts), "{puts} uploads until it was found out");
    let (of_one, of_all) = scene.bucket.most_at_once();
    assert!(of_one == 1 && of_all <= 8, "{of_one} of one object, {of_all} at once");
    scene.finish().await;
}
