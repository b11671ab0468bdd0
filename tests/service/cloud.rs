//! Copies of the files in object storage: what changed arrives, once and whole, whatever goes wrong; what is erased goes,
//! and nothing else is touched.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;

use shoptalk::app::config::Config;
use shoptalk::commands::{CloudWanted, Command, Line};
use shoptalk::demo::object_store::{Fault, Operation};
use shoptalk::shared::channel::simulator::Failure;
use shoptalk::shared::erasure::Scope;
use shoptalk::shared::files::output::RelativePath;
use shoptalk::shared::objects::Standing;
use shoptalk::shared::store::erasures::Receipt;

use crate::bucket::Bucket;
use crate::journal_checks::{KIM, SAM, rebuild};
use crate::operator_api;
use crate::operator_page::signed_in;
use crate::test_app::{PAGE, SHOP, TestApp};
use crate::waiting::ended;

/// Both platforms, and a bucket to which everything is copied.
pub struct Scene {
    pub app: TestApp,
    pub bucket: Bucket,
}

pub fn with_bucket(bucket: &Bucket) -> impl FnOnce(&mut Config) + use<> {
    let settings = bucket.settings();
    move |config| config.server.objects = Some(settings)
}

impl Scene {
    /// Connects shop and Page; a person has written; everything is copied.
    pub async fn start() -> Self {
        let scene = Self::start_early().await;
        scene.say(SAM, "Hello").await;
        scene.after(11).await;
        scene
    }

    pub async fn start_early() -> Self {
        let bucket = Bucket::start().await;
        let app = bucket.service().await;
        app.shop().add_product("Green tea");
        app.connect().await;
        Self { app, bucket }
    }

    pub async fn say(&self, person: &str, text: &str) {
        let page = self.app.page();
        let person = self.app.facebook.person(person, "Sam Doe");
        assert_eq!(page.deliver(&[page.message_from(&person, text)]).await.unwrap(), Some(200));
        self.app.work().await;
    }

    /// So many seconds later, with all work done.
    pub async fn after(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
        self.app.work().await;
    }

    pub async fn merchant(&self) -> String {
        self.app.shared().connections.find("facebook", PAGE).await.unwrap().unwrap().merchant.to_string()
    }

    pub async fn key(&self, rest: &str) -> String {
        format!("users/{}/facebook/{PAGE}/{rest}", self.merchant().await)
    }

    /// The object of a conversation as text.
    pub async fn copy_of(&self, person: &str) -> Option<String> {
        self.bucket.text(&self.key(&format!("conversations/{person}.json")).await)
    }

    pub fn file_of(&self, person: &str) -> Option<String> {
        self.app.text(&format!("facebook/{PAGE}/conversations/{person}.json"))
    }

    pub fn standing(&self) -> Standing {
        self.app.shared().objects.as_ref().unwrap().standing()
    }

    pub fn alerts(&self) -> Vec<String> {
        self.app.shared().alerts.list().into_iter().map(|alert| alert.cause).collect()
    }

    pub async fn waiting(&self) -> i64 {
        self.app.shared().journal.count_copies().await.unwrap().count
    }

    /// The commands need nobody's work to be driven but their own.
    pub async fn command(&self, wanted: CloudWanted) -> (Vec<String>, bool) {
        let lines = self.app.command(Command::Cloud(wanted)).await;
        let said = lines.iter().filter_map(|line| match line {
            Line::Said { text } | Line::Refused { text } => Some(text.clone()),
            _ => None,
        });
        let is_good = lines.last() == Some(&Line::End { good: true });
        let is_refused = lines.iter().any(|line| matches!(line, Line::Refused { .. }));
        assert!(!(is_good && is_refused), "{lines:?}");
        (said.collect(), is_good)
    }

    pub async fn restart(self) -> Self {
        let app = self.app.restart_with(with_bucket(&self.bucket)).await;
        Self::with(app, self.bucket)
    }

    pub async fn kill(self) -> Self {
        let app = self.app.kill_and_restart_with(with_bucket(&self.bucket)).await;
        Self::with(app, self.bucket)
    }

    /// A service that was started anew.
    pub fn with(app: TestApp, bucket: Bucket) -> Self {
        app.facebook.deliver_to(&format!("{}/facebook/webhook", app.url));
        Self { app, bucket }
    }

    /// Every file has its object, every object its file.
    pub async fn assert_whole(&self) {
        let merchant = self.merchant().await;
        let mut expected = BTreeSet::new();
        let mut folders = vec![(self.app.path("facebook"), format!("users/{merchant}/facebook"))];
        folders.push((self.app.path(SHOP), format!("users/{merchant}/shopify/{SHOP}")));
        while let Some((folder, prefix)) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let key = format!("{prefix}/{name}");
                if path.is_dir() {
                    folders.push((path, key));
                } else if !name.starts_with('.') && !name.contains(".damaged-") {
                    let object = self.bucket.find(&key).unwrap_or_else(|| panic!("{key} is not there"));
                    assert_eq!(object.bytes, std::fs::read(path).unwrap(), "{key}");
                    expected.insert(key);
                }
            }
        }
        assert_eq!(self.bucket.keys().into_iter().collect::<BTreeSet<_>>(), expected);
    }

    pub async fn finish(self) {
        assert_eq!(self.bucket.wrong(), [""; 0]);
        self.app.finish().await;
    }
}

#[tokio::test]
async fn every_file_stands_below_its_merchants_name_and_says_what_it_is() {
    let scene = Scene::start().await;
    scene.assert_whole().await;
    let merchant = scene.merchant().await;
    let keys = scene.bucket.keys();
    for key in [
        format!("users/{merchant}/facebook/{PAGE}/page_metadata.json"),
        format!("users/{merchant}/facebook/{PAGE}/conversations/{SAM}.json"),
        format!("users/{merchant}/shopify/{SHOP}/shop_products.json"),
        format!("users/{merchant}/shopify/{SHOP}/shop_metadata.json"),
    ] {
        assert!(keys.contains(&key), "{key} of {keys:?}");
    }
    let object = scene.bucket.find(&scene.key("page_metadata.json").await).unwrap();
    assert_eq!(
        (object.content_type.as_str(), object.cache_control.as_str()),
        ("application/json", "private, no-store")
    );
    let sent = scene.bucket.requests("PUT", "page_metadata.json").remove(0).headers;
    assert_eq!(Some(&object.metadata["sha256"][..]), sent["x-amz-content-sha256"].to_str().ok());
    assert_eq!(scene.bucket.puts(""), keys.len(), "each once");
    // What the service changed without changing it is not sent again.
    rebuild(&scene.app).await;
    scene.after(120).await;
    assert_eq!(scene.bucket.puts(""), keys.len());
    assert_eq!(scene.waiting().await, 0);
    scene.finish().await;
}

#[tokio::test]
async fn a_file_goes_up_when_it_rests_and_each_object_once_a_minute_at_most() {
    let scene = Scene::start_early().await;
    scene.after(70).await;
    scene.say(SAM, "one").await;
    scene.after(9).await;
    assert_eq!(scene.bucket.puts(SAM), 0, "it has not rested");
    scene.say(SAM, "two").await;
    scene.after(9).await;
    assert_eq!(scene.bucket.puts(SAM), 0, "it has not rested since");
    scene.after(1).await;
    assert_eq!(scene.bucket.puts(SAM), 1);
    scene.say(SAM, "three").await;
    scene.after(49).await;
    assert_eq!(scene.bucket.puts(SAM), 1, "it was sent less than a minute ago");
    scene.after(11).await;
    assert_eq!(scene.bucket.puts(SAM), 2);
    assert_eq!(scene.copy_of(SAM).await, scene.file_of(SAM));
    scene.finish().await;
}

#[tokio::test]
async fn a_file_that_never_rests_goes_up_once_a_minute() {
    let scene = Scene::start_early().await;
    scene.after(70).await;
    let mut sent_at = Vec::new();
    for second in (0..240).step_by(5) {
        scene.say(SAM, &format!("at {second}")).await;
        scene.after(5).await;
        if scene.bucket.puts(SAM) > sent_at.len() {
            sent_at.push(second + 5);
        }
    }
    assert_eq!(scene.bucket.puts(SAM), sent_at.len());
    assert_eq!(sent_at, [60, 120, 180, 240]);
    scene.after(120).await;
    assert_eq!(scene.copy_of(SAM).await, scene.file_of(SAM));
    scene.finish().await;
}

#[tokio::test]
async fn an_outage_of_a_day_loses_nothing_and_slows_nothing() {
    let scene = Scene::start().await;
    scene.bucket.fail(Failure::Status(500));
    for hour in 0..24 {
        scene.say(SAM, &format!("hour {hour}")).await;
        scene.say(KIM, &format!("hour {hour}")).await;
        assert!(scene.file_of(KIM).unwrap().contains(&format!("hour {hour}\"")), "files are written as ever");
        scene.after(1800).await;
        scene.after(1800).await;
    }
    let asked = scene.bucket.traffic.received().len();
    assert!(asked < 24 * 2 * 3 * 10, "{asked} requests in a day of outage");
    assert_eq!(scene.alerts(), ["cloud_unreachable"]);
    assert!(scene.waiting().await >= 2);
    scene.bucket.heal();
    scene.after(3700).await;
    scene.after(61).await;
    scene.assert_whole().await;
    assert_eq!(scene.alerts(), [""; 0]);
    assert_eq!(scene.waiting().await, 0);
    scene.finish().await;
}

#[tokio::test]
async fn a_kill_between_file_and_row_loses_no_change() {
    let mut scene = Scene::start().await;
    scene.after(120).await;
    for number in 0..5 {
        let text = format!("before kill {number}");
        let page = scene.app.page();
        let sam = scene.app.facebook.person(SAM, "Sam Doe");
        assert_eq!(page.deliver(&[page.message_from(&sam, &text)]).await.unwrap(), Some(200));
        // Killed as soon as the file has its new content: the cursor, and the row with it, may be written or not.
        let path = scene.app.path(&format!("facebook/{PAGE}/conversations/{SAM}.json"));
        let written = async {
            while !std::fs::read_to_string(&path).is_ok_and(|file| file.contains(&text)) {
                tokio::task::yield_now().await;
            }
        };
        scene.app.work_until(ended("the file", written)).await;
        scene = scene.kill().await;
        scene.app.work().await;
        scene.after(61).await;
        assert!(scene.copy_of(SAM).await.unwrap().contains(&text), "{number}");
    }
    scene.assert_whole().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_kill_at_any_request_loses_no_change() {
    let mut scene = Scene::start().await;
    for number in 0..8 {
        scene.after(120).await;
        for person in [SAM, KIM] {
            scene.say(person, &format!("round {number}")).await;
        }
        scene.app.clock.advance(Duration::from_secs(11));
        let received = scene.bucket.traffic.received().len();
        let traffic = scene.bucket.traffic.clone();
        scene.app.work_until(async move { traffic.until_received(received + 1 + number % 4).await }).await;
        scene = scene.kill().await;
        scene.after(75).await;
        for person in [SAM, KIM] {
            assert_eq!(scene.copy_of(person).await, scene.file_of(person), "{number}");
        }
    }
    scene.assert_whole().await;
    scene.finish().await;
}

fn account() -> Scope {
    Scope::Account { channel: "facebook".to_owned(), account: PAGE.to_owned() }
}

async fn ask(scene: &Scene, scope: Scope) -> String {
    scene.app.shared().erasure.request(vec![scope], "a test", None).await.unwrap()
}

async fn receipt(scene: &Scene, code: &str) -> Receipt {
    scene.app.shared().erasure.receipt(code).await.unwrap().unwrap()
}

#[tokio::test]
async fn k2_p2_an_erasure_takes_every_object_of_the_account_and_lists_prove_it() {
    let scene = Scene::start().await;
    scene.say(KIM, "and me").await;
    scene.after(61).await;
    // What stands there and no row knows of is the account's too.
    scene.bucket.put(&scene.key("conversations/1.json").await, "left by another version");
    scene.bucket.set_page(2);
    let prefix = scene.key("").await;
    let others: Vec<String> = scene.bucket.keys().into_iter().filter(|key| !key.starts_with(&prefix)).collect();
    let count = scene.bucket.keys().len() - others.len();
    assert_eq!(count, 4);
    scene.say(SAM, "waits for its copy").await;
    let code = ask(&scene, account()).await;
    scene.app.settle().await;
    let done = receipt(&scene, &code).await;
    assert!(done.done_at.is_some(), "{done:?}");
    assert_eq!(done.erased.objects, 4);
    assert_eq!(scene.bucket.keys(), others, "the shop's objects stay");
    let listed = |one: &shoptalk::shared::channel::simulator::Received| one.query.contains("list-type=2");
    let requests = scene.bucket.traffic.received();
    let (deleted, proven) =
        (requests.iter().rposition(|one| one.method == "DELETE"), requests.iter().rposition(listed));
    assert!(deleted < proven, "a list is the last word");
    assert!(!scene.app.is_on_disk(PAGE), "no row names the account");
    // Nothing brings it back.
    scene.after(120).await;
    rebuild(&scene.app).await;
    scene.after(120).await;
    assert_eq!(scene.bucket.keys(), others);
    scene.finish().await;
}

#[tokio::test]
async fn k2_an_erasure_is_not_done_while_an_object_is_left() {
    let scene = Scene::start().await;
    for how in ["outage", "kept"] {
        match how {
            "outage" => scene.bucket.fail(Failure::Status(503)),
            _ => scene.bucket.break_all(Some(Operation::Delete), Fault::DoesNothing),
        }
        let objects = scene.bucket.keys().iter().filter(|key| key.contains("/facebook/")).count();
        let code = ask(&scene, account()).await;
        scene.app.settle().await;
        for _ in 0..5 {
            scene.after(700).await;
            assert_eq!(receipt(&scene, &code).await.done_at, None, "{how}");
        }
        assert!(scene.alerts().contains(&format!("erasure:{code}")), "{:?}", scene.alerts());
        scene.bucket.heal();
        scene.after(700).await;
        scene.app.settle().await;
        let done = receipt(&scene, &code).await;
        assert!(
            done.done_at.is_some() && !scene.bucket.keys().iter().any(|key| key.contains("/facebook/")),
            "{done:?}"
        );
        assert_eq!(done.erased.objects, i64::try_from(objects).unwrap(), "{how}");
        scene.after(600).await;
        // Hours have passed, and the session with them.
        scene.app.connect().await;
        scene.after(61).await;
        scene.assert_whole().await;
    }
    scene.finish().await;
}

#[tokio::test]
async fn p1_a_receipt_counts_what_earlier_tries_erased() {
    let scene = Scene::start().await;
    let files = scene.bucket.keys().iter().filter(|key| key.contains("/facebook/")).count();
    // Everything but one object goes at the first try, and that one at the next.
    scene.bucket.traffic.fail_next("page_metadata.json", 1, Failure::Status(503));
    let code = ask(&scene, account()).await;
    scene.app.settle().await;
    scene.after(700).await;
    scene.app.settle().await;
    let done = receipt(&scene, &code).await;
    assert!(done.done_at.is_some(), "{done:?}");
    let files = i64::try_from(files).unwrap();
    assert_eq!((done.erased.files, done.erased.objects), (files, files), "{done:?}");
    scene.finish().await;
}

#[tokio::test]
async fn p4_of_an_erased_person_no_object_is_left_and_the_others_stay() {
    let scene = Scene::start().await;
    scene.say(KIM, "and me").await;
    let output = &scene.app.shared().output;
    let file = |parts: &[&str]| RelativePath::new(&[&["facebook", PAGE], parts].concat()).unwrap();
    output.write(&file(&["media", "index", &format!("{SAM}.json")]), b"{}").unwrap();
    scene.after(61).await;
    scene.assert_whole().await;
    let person = Scope::Person { channel: "facebook".to_owned(), account: PAGE.to_owned(), person: SAM.to_owned() };
    let code = ask(&scene, person).await;
    scene.app.settle().await;
    let done = receipt(&scene, &code).await;
    assert_eq!((done.done_at.is_some(), done.erased.objects), (true, 2), "{done:?}");
    assert!(!scene.bucket.keys().iter().any(|key| key.contains(SAM)));
    assert_eq!(scene.copy_of(KIM).await, scene.file_of(KIM));
    assert!(!scene.app.is_on_disk(SAM), "no row names the person");
    scene.after(120).await;
    scene.assert_whole().await;
    scene.finish().await;
}

#[tokio::test]
async fn k2_an_upload_that_is_under_way_does_not_survive_an_erasure() {
    let scene = Scene::start().await;
    scene.say(SAM, "on its way").await;
    scene.app.clock.advance(Duration::from_secs(61));
    // The upload arrives, and its answer never comes.
    scene.bucket.traffic.fail_next(SAM, 1, Failure::Hang);
    let (received, traffic) = (scene.bucket.traffic.received().len(), scene.bucket.traffic.clone());
    assert!(!scene.app.work_until(async move { traffic.until_received(received + 1).await }).await);
    let code = ask(&scene, account()).await;
    scene.app.settle().await;
    let done = receipt(&scene, &code).await;
    assert!(done.done_at.is_some(), "{done:?}");
    assert!(!scene.bucket.keys().iter().any(|key| key.contains("/facebook/")), "{:?}", scene.bucket.keys());
    scene.finish().await;
}

#[tokio::test]
async fn objects_follow_their_account_to_another_merchant_and_go_when_it_is_disconnected() {
    let scene = Scene::start().await;
    let (first, of_shop) = (scene.merchant().await, format!("/shopify/{SHOP}/"));
    scene.app.shared().erasure.disconnect("facebook", PAGE, "a test").await.unwrap();
    scene.after(2).await;
    scene.after(61).await;
    assert!(scene.bucket.keys().iter().all(|key| key.contains(&of_shop)), "{:?}", scene.bucket.keys());
    assert!(scene.file_of(SAM).is_some(), "files stay");
    // Another merchant, with another shop, connects the Page.
    scene.app.shopify.add_shop("other-shop.myshopify.com", "Other Shop");
    let other = scene.app.browser();
    assert_eq!(other.follow("/shopify/other-shop.myshopify.com/login").await.status, 200);
    assert_eq!(other.follow("/facebook/login").await.status, 200);
    scene.app.settle().await;
    scene.after(61).await;
    let second = scene.merchant().await;
    assert_ne!(first, second);
    assert_eq!(scene.copy_of(SAM).await, scene.file_of(SAM));
    let of_page: Vec<String> = scene.bucket.keys().into_iter().filter(|key| key.contains("/facebook/")).collect();
    assert!(!of_page.is_empty() && of_page.iter().all(|key| key.contains(&second)), "{of_page:?}");
    scene.finish().await;
}

#[tokio::test]
async fn p2_who_asks_to_be_disconnected_has_the_copies_deleted_and_counted() {
    let scene = Scene::start().await;
    let accounts = vec![("facebook".to_owned(), PAGE.to_owned())];
    scene.bucket.fail(Failure::Status(503));
    let code = scene.app.shared().erasure.disconnect_all(accounts, "a test", Some(b"once")).await.unwrap();
    scene.app.settle().await;
    let open = receipt(&scene, &code).await;
    assert_eq!((open.done_at, open.what.as_str()), (None, "disconnected"), "not done while objects are left");
    scene.bucket.heal();
    scene.after(700).await;
    scene.app.settle().await;
    let done = receipt(&scene, &code).await;
    assert_eq!((done.done_at.is_some(), done.erased.objects, done.erased.connections), (true, 2, 1), "{done:?}");
    assert!(!scene.bucket.keys().iter().any(|key| key.contains("/facebook/")));
    assert!(scene.file_of(SAM).is_some(), "files stay");
    // Connected again, everything is sent again.
    scene.app.connect().await;
    scene.after(61).await;
    scene.assert_whole().await;
    scene.finish().await;
}

#[tokio::test]
async fn k1_names_with_every_allowed_character_come_through() {
    let scene = Scene::start().await;
    let output = &scene.app.shared().output;
    let all = "-_.AZaz09".to_owned();
    let longest = "x".repeat(141);
    for name in [all.as_str(), "_", "-", "US.ENT.9a", "group-b-Yi1NUQ", "dGVzdC11c2VyLTAx_A", "a..b", &longest] {
        let path = RelativePath::new(&["facebook", PAGE, "conversations", &format!("{name}.json")]).unwrap();
        output.write(&path, format!("[{{\"text\":\"{name}\"}}]").as_bytes()).unwrap();
    }
    scene.after(11).await;
    scene.assert_whole().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_long_file_is_sent_whole_and_a_removed_one_is_deleted() {
    let scene = Scene::start().await;
    let output = &scene.app.shared().output;
    let path = RelativePath::new(&["facebook", PAGE, "media", "0a.mp4"]).unwrap();
    let long: Vec<u8> = (0..5_000_000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
    let long = [b"\0\0\0\x20ftypisom", &long[..]].concat();
    output.write(&path, &long).unwrap();
    scene.after(11).await;
    let key = scene.key("media/0a.mp4").await;
    let object = scene.bucket.find(&key).unwrap();
    assert!(object.bytes == long, "{} bytes", object.bytes.len());
    assert_eq!(object.content_type, "video/mp4");
    output.remove(&path).unwrap();
    scene.after(61).await;
    assert!(scene.bucket.find(&key).is_none());
    scene.assert_whole().await;
    scene.finish().await;
}

#[tokio::test]
async fn differences_are_told_and_mended() {
    let scene = Scene::start().await;
    scene.say(KIM, "and me").await;
    scene.after(61).await;
    assert_eq!(scene.command(CloudWanted::Check).await, (Vec::new(), true));
    let (of_sam, of_kim) =
        (scene.key(&format!("conversations/{SAM}.json")).await, scene.key(&format!("conversations/{KIM}.json")).await);
    scene.bucket.remove(&of_sam);
    scene.bucket.put(&of_kim, "something else");
    scene.bucket.put(&scene.key("conversations/1.json").await, "nobody's");
    scene.bucket.put("users/00000000-0000-0000-0000-000000000000/facebook/1/x.json", "nobody's");
    let puts = scene.bucket.puts("");
    let (said, good) = scene.command(CloudWanted::Check).await;
    assert!(!good);
    assert_eq!(said.len(), 4, "{said:?}");
    for (path, what) in [
        (format!("facebook/{PAGE}/conversations/{SAM}.json"), "has no copy"),
        (format!("facebook/{PAGE}/conversations/{KIM}.json"), "its copy differs"),
        (format!("facebook/{PAGE}/conversations/1.json"), "a copy without a file"),
        ("users/00000000-0000-0000-0000-000000000000/facebook/1/".to_owned(), "not connected"),
    ] {
        assert!(said.iter().any(|line| line.starts_with(&path) && line.contains(what)), "{path}: {said:?}");
    }
    assert_eq!(scene.bucket.puts(""), puts, "a check changes nothing");
    scene.bucket.remove("users/00000000-0000-0000-0000-000000000000/facebook/1/x.json");
    scene.after(120).await;
    let (said, good) = scene.command(CloudWanted::Backfill { account: None }).await;
    assert!(good, "{said:?}");
    scene.assert_whole().await;
    assert_eq!(scene.bucket.puts(""), puts + 2, "what is right is not sent again");
    let (said, good) = scene.command(CloudWanted::Backfill { account: Some("1".into()) }).await;
    assert!(!good && said == ["this account is not connected"], "{said:?}");
    scene.finish().await;
}

#[tokio::test]
async fn what_changed_while_copies_were_off_is_made_up_for() {
    let Scene { app, bucket, .. } = Scene::start().await;
    let scene = Scene::with(app.restart().await, bucket);
    let puts = scene.bucket.puts("");
    scene.say(SAM, "while they were off").await;
    scene.after(120).await;
    assert_eq!(scene.bucket.puts(""), puts);
    let (said, good) = scene.command(CloudWanted::Status).await;
    assert!(!good && said[0].contains("off"), "{said:?}");
    let scene = scene.restart().await;
    scene.after(1).await;
    assert_eq!(scene.copy_of(SAM).await, scene.file_of(SAM));
    assert_eq!(scene.bucket.puts(""), puts + 1);
    // A bucket of later, too.
    let Scene { app, .. } = scene;
    let bucket = Bucket::start_at(app.clock.clone()).await;
    let app = app.restart_with(with_bucket(&bucket)).await;
    let scene = Scene::with(app, bucket);
    scene.after(1).await;
    scene.assert_whole().await;
    scene.finish().await;
}

#[tokio::test]
async fn the_operators_page_and_the_metrics_say_how_the_copies_are_doing() {
    let scene = Scene::start().await;
    scene.say(KIM, "waits").await;
    let metrics = operator_api::ask(&scene.app, Method::GET, "/metrics", "").await.text();
    for line in ["shoptalk_cloud_waiting 1", "shoptalk_cloud_lag_seconds 0", "{operation=\"put\",outcome=\"done\"} 4"] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let page = signed_in(&scene.app).await.get("/operator").await.text();
    assert!(page.contains("Copies in object storage") && page.contains("working"), "{page}");
    let (said, good) = scene.command(CloudWanted::Status).await;
    assert!(good && said[2].starts_with("copied: 4 files") && said[3].starts_with("waiting: 1 files"), "{said:?}");
    scene.finish().await;
}

#[tokio::test]
async fn without_the_bucket_an_erasure_waits_for_it() {
    let Scene { app, bucket, .. } = Scene::start().await;
    let scene = Scene::with(app.restart().await, bucket);
    let code = ask(&scene, account()).await;
    scene.app.settle().await;
    assert_eq!(receipt(&scene, &code).await.done_at, None);
    let scene = scene.restart().await;
    scene.after(700).await;
    scene.app.settle().await;
    let done = receipt(&scene, &code).await;
    assert_eq!((done.done_at.is_some(), done.erased.objects), (true, 2), "{done:?}");
    scene.finish().await;
}
