//! A page on a stage: the service with the LinkedIn channel, opposite the simulated LinkedIn. Deliveries of any other shape are
//! signed here by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;
use shoptalk::app::config::Config;
use shoptalk::linkedin;
use shoptalk::linkedin::sandbox::{Member, Options, PagePost, Sandbox};
use shoptalk::shared::channel::simulator::Now;
use shoptalk::shared::clock::Clock;
use shoptalk::shared::files::path::Name;
use shoptalk::shared::secrets::signature::Secrets;
use shoptalk::shared::store::api_keys::Scope;
use url::Url;

use crate::api_keys::Bot as Program;
use crate::test_app::{Answer, TestApp, beginning};

pub const PAGE: &str = "90001";
pub const SECRET: &str = "li-test-client-secret";
pub const TOKEN: &str = "a linkedin token for tests";

/// The signature of a body, as LinkedIn makes it.
pub fn sign(secret: &str, body: &[u8]) -> String {
    hmac_hex(secret, &[b"hmacsha256=", body].concat())
}

/// HMAC-SHA256 in hex.
pub fn hmac_hex(secret: &str, message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts the channel into the settings of a test.
pub fn configure(config: &mut Config, api_url: &str) {
    let mut webhook_address = config.shopify.as_ref().unwrap().webhook_address.clone();
    webhook_address.set_path("/linkedin/webhook");
    config.linkedin = Some(linkedin::Config {
        client_id: "li-test-client".to_owned(),
        client_secret: Secrets::new(SECRET.into(), None),
        access_token: TOKEN.into(),
        refresh_token: None,
        organization: Name::parse(PAGE).unwrap(),
        application: Some("80000001".to_owned()),
        version: "202610".to_owned(),
        messages: false,
        answer_comments: true,
        webhook_address,
        api_url: Url::parse(api_url).unwrap(),
        oauth_url: Url::parse(&format!("{api_url}/oauth/v2")).unwrap(),
        has_verify_token: false,
    });
}

/// An element of `notifications[]`.
pub fn notification(account: &str, number: u32, action: &str, post: &str, more: &Value) -> Value {
    let mut item = json!({
        "notificationId": 700_000_000 + number,
        "organizationalEntity": format!("urn:li:organization:{account}"),
        "action": action,
        "sourcePost": post,
        "lastModifiedAt": 1_795_262_400_000_i64 + i64::from(number),
        "subscriber": "urn:li:person:TESTadmin1",
    });
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    item
}

/// What is told of a comment.
pub fn commented(number: u32, owner: &str, text: &str) -> Value {
    let urn = format!("urn:li:comment:(urn:li:activity:72,{number})");
    json!({
        "generatedActivity": urn,
        "decoratedGeneratedActivity": {"comment": {"entity": urn, "owner": owner, "object": "urn:li:activity:72",
            "message": {"text": text}}},
    })
}

/// A delivery with these notifications.
pub fn of_page(notifications: &[Value]) -> String {
    json!({"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS", "notifications": notifications}).to_string()
}

/// A delivery of a comment on the page's post, `urn:li:share:71`.
pub fn comment(account: &str, number: u32, text: &str) -> String {
    let more = commented(number, "urn:li:person:TESTmember1", text);
    of_page(&[notification(account, number, "COMMENT", "urn:li:share:71", &more)])
}

/// Posts a body as LinkedIn does.
pub async fn deliver(app: &TestApp, body: &str) -> Answer {
    let signature = sign(SECRET, body.as_bytes());
    let headers = [("x-li-signature", signature.as_str()), ("content-type", "application/json")];
    app.browser().send(Method::POST, "/linkedin/webhook", &headers, body.as_bytes()).await
}

/// Posts a body that is taken in, and does the work that follows.
pub async fn hear(app: &TestApp, body: &str) {
    let answer = deliver(app, body).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""), "{body}");
    app.settle().await;
}

/// The items of a conversation's file; `None`: there is none.
pub fn file(app: &TestApp, thread: &str) -> Option<Vec<Value>> {
    let path = format!("linkedin/{PAGE}/conversations/{thread}.json");
    app.text(&path).map(|_| app.json(&path).as_array().unwrap().clone())
}

/// The simulated LinkedIn with one page, whose time is this clock's.
pub async fn open(clock: &Clock) -> Sandbox {
    let time = clock.clone();
    let now: Now = Arc::new(move || time.now());
    let options = Options {
        client_id: "li-test-client".to_owned(),
        client_secret: SECRET.to_owned(),
        organization: PAGE.to_owned(),
        name: "Harbour Cafe".to_owned(),
        now,
    };
    Sandbox::start(options).await.unwrap()
}

/// The page's service, connected to the only merchant, and a program that answers.
pub struct Scene {
    pub app: TestApp,
    pub linkedin: Sandbox,
    pub program: Program,
    pub post: PagePost,
    pub ada: Member,
    /// The tokens of the settings.
    pub token: String,
    pub refresh: Option<String>,
    keys: AtomicUsize,
}

impl Scene {
    pub async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    /// With settings of the channel changed.
    pub async fn with(change: impl FnOnce(&mut linkedin::Config, &Sandbox)) -> Self {
        let clock = Clock::manual(beginning());
        let linkedin = open(&clock).await;
        let token = linkedin.access_token();
        let mut refresh = None;
        let app = TestApp::start_in(Arc::new(tempfile::tempdir().unwrap()), clock, |config| {
            configure(config, &linkedin.url());
            let section = config.linkedin.as_mut().unwrap();
            section.access_token = token.clone().into();
            change(section, &linkedin);
            refresh = section.refresh_token.as_ref().map(|token| token.expose_secret().to_owned());
        })
        .await;
        for title in ["Board & boots", "Wax"] {
            app.shop().add_product(title);
        }
        // The portal: a person enters the address, and LinkedIn asks it the challenge.
        linkedin.validate(&format!("{}/linkedin/webhook", app.url)).await.unwrap();
        // From here on the hours of jobs count.
        app.run_due_jobs().await;
        app.connect().await;
        app.begin().await;
        let program = Program::start(&app, &[Scope::Read, Scope::Reply]).await;
        let (post, ada) = (linkedin.publishes("Our autumn menu"), linkedin.member("TESTmember1", "Ada Perera"));
        Self { app, linkedin, program, post, ada, token, refresh, keys: AtomicUsize::new(0) }
    }

    /// Stops and starts again with settings of the channel changed. The portal gets the new port.
    pub async fn restart_with(self, change: impl FnOnce(&mut linkedin::Config, &Sandbox)) -> Self {
        let Self { app, linkedin, post, ada, token, refresh, .. } = self;
        let app = app
            .restart_with(|config| {
                configure(config, &linkedin.url());
                let section = config.linkedin.as_mut().unwrap();
                section.access_token = token.clone().into();
                section.refresh_token = refresh.clone().map(Into::into);
                change(section, &linkedin);
            })
            .await;
        linkedin.validate(&format!("{}/linkedin/webhook", app.url)).await.unwrap();
        app.begin().await;
        app.settle().await;
        let program = Program::start(&app, &[Scope::Read, Scope::Reply]).await;
        Self { app, linkedin, program, post, ada, token, refresh, keys: AtomicUsize::new(0) }
    }

    /// The name of the post's conversation.
    pub fn thread(&self) -> String {
        self.post.urn().trim_start_matches("urn:li:").replace(':', "-")
    }

    /// The items of the post's file; none where there is no file.
    pub fn file(&self) -> Vec<Value> {
        file(&self.app, &self.thread()).unwrap_or_default()
    }

    /// Ada comments on the post; the comment's URN.
    pub async fn asks(&self, text: &str) -> String {
        let happened = self.ada.comments(&self.post, text).await;
        assert_eq!(happened.answers, [200]);
        self.app.settle().await;
        happened.urn
    }

    pub async fn post_as(&self, program: &Program, thread: &str, body: &Value) -> Answer {
        let key = format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
        let path = format!("/api/v1/linkedin/{PAGE}/conversations/{thread}/messages");
        program.send(Method::POST, &path, &headers, body.to_string().as_bytes()).await
    }

    pub async fn post(&self, body: &Value) -> Answer {
        self.post_as(&self.program, &self.thread(), body).await
    }

    /// Sends what is accepted, does the work, and gives the message's id.
    pub async fn say(&self, body: &Value) -> String {
        let answer = self.post(body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        self.work().await;
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Work, and what the platform tells because of it.
    pub async fn work(&self) {
        self.app.work().await;
        self.linkedin.settled().await;
        self.app.work().await;
    }

    /// What the API says of a message.
    pub async fn message(&self, id: &str) -> Value {
        self.program.get(&format!("/api/v1/messages/{id}")).await.json()
    }

    pub async fn state(&self, id: &str) -> String {
        self.message(id).await["state"].as_str().unwrap().to_owned()
    }

    /// Time passes, and the work that is due then is done.
    pub async fn pass(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
        self.work().await;
    }

    /// An hour passes, and its jobs are done.
    pub async fn hour(&self) {
        self.app.clock.advance(Duration::from_secs(3600));
        self.app.run_due_jobs().await;
    }

    pub async fn connection(&self) -> Value {
        self.app.connections("linkedin").await.remove(0)
    }

    /// The sentences of the alerts that hold.
    pub fn alerts(&self) -> Vec<String> {
        self.app.shared().alerts.list().into_iter().map(|alert| alert.sentence).collect()
    }

    /// Ends the test: nothing reached a route that the platform does not know.
    pub async fn finish(self) {
        let unknown: Vec<String> = self.linkedin.traffic().unknown().iter().map(|one| one.path.clone()).collect();
        assert_eq!(unknown, [""; 0]);
        self.app.finish().await;
    }
}
