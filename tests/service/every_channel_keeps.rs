//! The promises that every channel makes about what it keeps, run in a loop over all of them: it stands in a file, is copied
//! below its merchant's name, is taken along, ends with the account and the person it belongs to, and is counted.

use http::Method;
use shoptalk::shared::erasure::Scope;
use shoptalk::shared::store::TokenKind;

use crate::bucket::Bucket;
use crate::cloud::with_bucket;
use crate::every_channel::{ROWS, Row, start_with};
use crate::export::unzip;
use crate::pages_leaving::{disconnect, post};
use crate::test_app::{Browser, OPERATOR_TOKEN, TestApp};
use crate::viber_stage::Desk;

/// What is said on a channel, and nowhere else.
fn word(row: &Row) -> String {
    format!("unmistakable-{}", row.name)
}

impl Row {
    /// Where the word comes to stand, below `OUTPUT_DIR`.
    fn path(&self) -> String {
        format!("{}/{}", self.folder, self.file)
    }

    fn account(&self) -> Scope {
        Scope::Account { channel: self.name.to_owned(), account: self.known.to_owned() }
    }

    /// The person or the post whose conversation it is; `None`: this channel has none.
    fn person(&self) -> Option<Scope> {
        let person = self.file.strip_prefix("conversations/")?.strip_suffix(".json")?.to_owned();
        Some(Scope::Person { channel: self.name.to_owned(), account: self.known.to_owned(), person })
    }

    /// A person says a word, or the shop is called so: what its webhook tells is read from it.
    async fn say(&self, app: &TestApp, number: u32, word: &str) {
        if self.is_conversation {
            let body = (self.delivery)(self.known, number).replace("hello", word);
            let signature = (self.sign)(app, body.as_bytes());
            let answer = self.post(app, self.addresses[0], (self.known, number), body.as_bytes(), &[&signature]).await;
            assert_eq!(answer.status, 200, "{}", self.name);
        } else {
            app.shop().rename(word);
            assert_eq!(self.deliver(app, self.known, number).await, 200, "{}", self.name);
        }
        app.settle().await;
    }

    fn stands(&self, app: &TestApp, word: &str) -> bool {
        app.text(&self.path()).is_some_and(|text| text.contains(word))
    }
}

/// Every channel, connected, with a word on each; the copies of all of it; the merchant's browser.
struct Stage {
    app: TestApp,
    bucket: Bucket,
    browser: Browser,
    _desk: Desk,
}

impl Stage {
    async fn start() -> Self {
        let bucket = Bucket::start().await;
        let (app, desk) = start_with(bucket.clock.clone(), with_bucket(&bucket)).await;
        let browser = app.connect().await.for_pages();
        for row in &ROWS {
            row.say(&app, 1, &word(row)).await;
            assert!(row.stands(&app, &word(row)), "{}: {:?}", row.name, app.text(&row.path()));
        }
        let stage = Self { app, bucket, browser, _desk: desk };
        stage.copy().await;
        stage
    }

    /// Everything that changed goes up.
    async fn copy(&self) {
        for _ in 0..2 {
            self.app.clock.advance(std::time::Duration::from_secs(61));
            self.app.work().await;
        }
    }

    /// Whether a word is in some object.
    fn is_copied(&self, word: &str) -> bool {
        self.bucket.keys().iter().any(|key| self.bucket.text(key).unwrap_or_default().contains(word))
    }

    async fn erase(&self, scope: Scope) {
        let erasure = &self.app.shared().erasure;
        let code = erasure.request(vec![scope], "a test", None).await.unwrap();
        self.copy().await;
        assert!(erasure.receipt(&code).await.unwrap().unwrap().done_at.is_some());
    }

    /// The word of this channel is nowhere, those of others are where they were.
    fn assert_gone(&self, gone: &[&str]) {
        for row in &ROWS {
            let (word, is_gone) = (word(row), gone.contains(&row.name));
            assert_eq!(self.app.is_on_disk(&word), !is_gone, "{} on disk without {gone:?}", row.name);
            assert_eq!(self.is_copied(&word), !is_gone, "{} among the copies without {gone:?}", row.name);
            assert_eq!(row.stands(&self.app, &word), !is_gone, "{} in its file without {gone:?}", row.name);
        }
    }

    async fn finish(self) {
        assert_eq!(self.bucket.wrong(), [""; 0]);
        self.app.finish().await;
    }
}

#[tokio::test]
async fn every_channel_is_copied_below_its_merchants_name() {
    let stage = Stage::start().await;
    for row in &ROWS {
        let merchant = stage.app.shared().connections.find(row.name, row.known).await.unwrap().unwrap().merchant;
        // A shop's folder is named after it, so its channel is put before it.
        let prefix = if row.folder.starts_with(row.name) { "" } else { "shopify/" };
        let key = format!("users/{merchant}/{prefix}{}", row.path());
        assert_eq!(stage.bucket.text(&key), stage.app.text(&row.path()), "{key} of {:?}", stage.bucket.keys());
        let below = format!("users/{merchant}/{}/{}/", row.name, row.known);
        assert!(key.starts_with(&below), "{key} is not below {below}");
    }
    stage.finish().await;
}

#[tokio::test]
async fn every_channel_is_in_what_a_merchant_takes_along() {
    let stage = Stage::start().await;
    let taken = unzip(&stage.browser.get("/export").await);
    for row in &ROWS {
        let file = taken.get(&row.path()).unwrap_or_else(|| panic!("{} of {:?}", row.path(), taken.keys()));
        assert!(String::from_utf8_lossy(file).contains(&word(row)), "{}", row.name);
    }
    stage.finish().await;
}

#[tokio::test]
async fn p2_of_an_erased_account_of_any_channel_no_byte_is_left_and_a_captured_delivery_brings_nothing_back() {
    let stage = Stage::start().await;
    let mut gone = Vec::new();
    for row in &ROWS {
        stage.erase(row.account()).await;
        gone.push(row.name);
        stage.assert_gone(&gone);
        if row.is_conversation {
            row.say(&stage.app, 1, &word(row)).await;
            stage.copy().await;
            stage.assert_gone(&gone);
        }
    }
    stage.finish().await;
}

#[tokio::test]
async fn p4_of_an_erased_person_of_any_channel_no_byte_is_left_and_who_writes_again_is_heard() {
    let stage = Stage::start().await;
    let mut gone = Vec::new();
    for (row, person) in ROWS.iter().filter_map(|row| Some((row, row.person()?))) {
        stage.erase(person).await;
        gone.push(row.name);
        stage.assert_gone(&gone);
        let connection = stage.app.shared().connections.find(row.name, row.known).await.unwrap();
        assert!(connection.is_some(), "{}: the account itself stays", row.name);
        row.say(&stage.app, 1, &word(row)).await;
        stage.copy().await;
        stage.assert_gone(&gone);
        row.say(&stage.app, 2, "another word").await;
        assert!(row.stands(&stage.app, "another word"), "{}", row.name);
    }
    assert_eq!(gone.len(), ROWS.len() - 1, "a shop alone has no conversations");
    stage.finish().await;
}

#[tokio::test]
async fn every_channel_is_disconnected_by_its_merchant_and_files_nothing_afterwards() {
    let stage = Stage::start().await;
    // The account that lends its token to another one goes last.
    let order =
        ROWS.iter().filter(|row| row.name != "facebook").chain(ROWS.iter().filter(|row| row.name == "facebook"));
    for row in order {
        let (app, path) = (&stage.app, disconnect(&format!("{}/{}", row.name, row.known)));
        assert_eq!(stage.browser.get(&path).await.status, 200, "{}: it asks first", row.name);
        let answer = post(&stage.browser, &path, "").await;
        assert_eq!(answer.status, 303, "{}", row.name);
        assert!(answer.header("location").starts_with("/?done=disconnected"), "{}", answer.header("location"));
        assert!(app.connections(row.name).await.is_empty(), "{}", row.name);
        let token = app.shared().connections.find_token(row.name, row.known, TokenKind::Access).await.unwrap();
        assert!(token.is_none(), "{}: its login is erased", row.name);
        row.say(app, 2, "said too late").await;
        assert!(row.stands(app, &word(row)) && !row.stands(app, "said too late"), "{}", row.name);
        // Whoever has no account left is not signed in any more, and is led to the start page.
        let gone = if row.name == "facebook" { 303 } else { 404 };
        assert_eq!(stage.browser.get(&path).await.status, gone, "{}", row.name);
    }
    stage.finish().await;
}

#[tokio::test]
async fn every_channel_is_counted_in_the_metrics() {
    let stage = Stage::start().await;
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let answer = stage.app.browser().send(Method::GET, "/metrics", &[("authorization", &bearer)], b"").await;
    let text = answer.text();
    for row in &ROWS {
        // Messenger and Instagram share an address, and what comes there is counted once.
        let intake = row.addresses[0].split('/').nth(1).unwrap();
        for series in [
            format!(r#"shoptalk_connections{{channel="{}",status=""#, row.name),
            format!(r#"shoptalk_deliveries_total{{channel="{intake}",outcome="stored""#),
            format!(r#"shoptalk_events_total{{channel="{intake}",outcome="new"#),
            format!(r#"shoptalk_acknowledgement_seconds_count{{channel="{intake}"}}"#),
        ] {
            let line = text.lines().find(|line| line.starts_with(&series));
            let value = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            assert!(value > Some(0.0), "{}: {series} is {value:?} in\n{text}", row.name);
        }
    }
    stage.finish().await;
}
