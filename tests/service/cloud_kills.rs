//! Killed at any moment while all files go to object storage for the first time: in the end every object is as its file,
//! and none was stored twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bucket::{ACCESS_KEY, BUCKET, Bucket, MARKER, SECRET_KEY};
use crate::load::{Random, connect_page, conversation};
use crate::process::{Service, configured};
use shoptalk::shared::clock::Clock;

/// How many files there are for each time that the service is killed.
const FILES_PER_KILL: usize = 24;

/// How long a process may take until it has sent something more. Far more than it needs.
const GOES_ON_WITHIN: Duration = Duration::from_secs(60);

/// How often it is killed: what `KILLS` says.
fn kills() -> usize {
    std::env::var("KILLS").map_or(8, |text| text.parse().unwrap())
}

fn serve(folder: &Path, bucket: &Bucket) -> Command {
    let mut command = configured(folder, &["serve"]);
    command
        .env("SPACES_BUCKET", BUCKET)
        .env("SPACES_ACCESS_KEY", ACCESS_KEY)
        .env("SPACES_SECRET_KEY", SECRET_KEY)
        .env("S3_ENDPOINT", bucket.store.url());
    command
}

/// Waits until this many uploads more have arrived.
fn wait_for_uploads(bucket: &Bucket, count: usize) {
    let deadline = Instant::now() + GOES_ON_WITHIN;
    while bucket.uploads() < count {
        assert!(Instant::now() < deadline, "{} of {count} uploads", bucket.uploads());
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// `KILLS=100 cargo test --test service killed_during_a_backfill -- --nocapture`
#[tokio::test(flavor = "multi_thread")]
async fn killed_during_a_backfill_every_object_is_as_its_file_and_none_is_stored_twice() {
    let kills = kills();
    let mut random = Random::seeded();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_owned();
    tokio::task::spawn_blocking(move || connect_page(&at)).await.unwrap();
    let bucket = Bucket::start_at(Clock::system()).await;
    let mut files = BTreeMap::new();
    for number in 0..kills * FILES_PER_KILL {
        let person = format!("{}", 7_000_000_000_000_000_u64 + number as u64);
        let file = conversation(folder.path(), &person);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let content = format!("[\n\"{person} {}\"\n]\n", "x".repeat(usize::try_from(random.below(20_000)).unwrap()));
        std::fs::write(&file, &content).unwrap();
        files.insert(person, content);
    }
    for kill in 0..kills {
        let before = bucket.uploads();
        let mut service = serve(folder.path(), &bucket);
        if kill % 5 == 4 {
            // While it starts, and where nothing was sent yet.
            let mut starting =
                service.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
            std::thread::sleep(random.milliseconds(0, 300));
            starting.kill().unwrap();
            starting.wait().unwrap();
            continue;
        }
        let service = Service::start(service);
        wait_for_uploads(&bucket, before + usize::try_from(random.below(FILES_PER_KILL as u64)).unwrap());
        std::thread::sleep(Duration::from_micros(random.below(3_000)));
        service.kill();
    }
    let left = files.len() - bucket.keys().len();
    let service = Service::start(serve(folder.path(), &bucket));
    let (mut deadline, mut most) = (Instant::now() + GOES_ON_WITHIN, 0);
    while bucket.keys().len() < files.len() {
        let now = bucket.keys().len();
        if now > most {
            (deadline, most) = (Instant::now() + GOES_ON_WITHIN, now);
        }
        assert!(Instant::now() < deadline, "{now} of {} files are copied", files.len());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(service.stop().0.code(), Some(0));
    let mut again = 0;
    for (person, content) in &files {
        let key = format!("users/{}/facebook/{}/conversations/{person}.json", uuid::Uuid::nil(), crate::test_app::PAGE);
        assert_eq!(bucket.text(&key).as_ref(), Some(content), "{person}");
        assert_eq!(bucket.stored(&key), 1, "{person} was stored before, and that was to be found out");
        again += bucket.puts(&key) - 1;
    }
    assert_eq!(bucket.keys().len(), files.len());
    assert!(bucket.text(MARKER).is_some() && bucket.wrong().is_empty(), "{:?}", bucket.wrong());
    // Uploads that were under way when it was killed, and stored nothing.
    assert!(again <= kills * 8, "{again} uploads were begun again after {kills} kills");
    println!(
        "{kills} kills, {} files, {left} of them left for the last start, {again} uploads begun again",
        files.len()
    );
}
