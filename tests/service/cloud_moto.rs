//! Copies into an S3 that somebody else wrote: moto, where `MOTO_SERVER` says where its program is. Skipped with a line
//! otherwise. `.ci/run` installs it.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use shoptalk::commands::{CloudWanted, Command as Asked, Line};
use shoptalk::shared::erasure::Scope;
use shoptalk::shared::objects::{ObjectSettings, Standing, Stop};
use url::Url;

use crate::journal_checks::SAM;
use crate::test_app::{Browser, PAGE, TestApp};

const BUCKET: &str = "shop-copies";

/// moto at work; killed when dropped.
struct Moto {
    child: Child,
    url: String,
}

impl Moto {
    /// `None`: it is not there.
    fn start() -> Option<Self> {
        let Ok(program) = std::env::var("MOTO_SERVER") else {
            eprintln!("skipped: MOTO_SERVER does not say where moto is");
            return None;
        };
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto starts");
        let moto = Self { child, url: format!("http://{address}") };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "moto does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(moto)
    }

    fn settings(&self) -> Arc<ObjectSettings> {
        Arc::new(ObjectSettings {
            bucket: BUCKET.to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: Url::parse(&self.url).unwrap(),
            has_path_style: true,
            access_key: "an access key for tests".into(),
            secret_key: "a secret key for tests".into(),
            every: Duration::from_secs(60),
        })
    }

    /// Asks it with a signature that it does not look at.
    async fn ask(&self, method: Method, path: &str, body: &str) -> (StatusCode, String) {
        let signed =
            "AWS4-HMAC-SHA256 Credential=tests/20261121/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=0";
        let headers = [("authorization", signed)];
        let answer = Browser::new(&self.url).send(method, &format!("/{BUCKET}{path}"), &headers, body.as_bytes()).await;
        (answer.status, answer.text())
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn check(app: &TestApp) -> (Vec<Line>, bool) {
    let mut lines = app.command(Asked::Cloud(CloudWanted::Check)).await;
    let good = lines.pop() == Some(Line::End { good: true });
    (lines.into_iter().filter(|line| matches!(line, Line::Said { .. })).collect(), good)
}

#[tokio::test]
async fn an_s3_that_somebody_else_wrote_takes_copies_lists_them_and_lets_them_go() {
    let Some(moto) = Moto::start() else { return };
    let settings = moto.settings();
    let app = TestApp::start_with(move |config| {
        config.server.objects = Some(settings);
        config.server.timeouts.idle = Duration::from_secs(10);
    })
    .await;
    let standing = || app.shared().objects.as_ref().unwrap().standing();
    app.connect().await;
    app.clock.advance(Duration::from_secs(11));
    app.work().await;
    assert!(matches!(standing(), Standing::Stopped { why: Stop::NoBucket, .. }), "{:?}", standing());

    assert_eq!(moto.ask(Method::PUT, "", "").await.0, 200);
    let page = app.page();
    let sam = app.facebook.person(SAM, "Sam Doe");
    page.deliver(&[page.message_from(&sam, "Hello")]).await.unwrap();
    app.work().await;
    app.clock.advance(Duration::from_secs(3_700));
    app.work().await;
    assert_eq!(standing(), Standing::Working);
    let merchant = app.shared().connections.find("facebook", PAGE).await.unwrap().unwrap().merchant;
    let file = format!("facebook/{PAGE}/conversations/{SAM}.json");
    let (status, body) = moto.ask(Method::GET, &format!("/users/{merchant}/{file}"), "").await;
    assert_eq!((status, Some(body)), (StatusCode::OK, app.text(&file)));
    assert_eq!(check(&app).await, (Vec::new(), true));
    moto.ask(Method::PUT, &format!("/users/{merchant}/{file}"), "something else").await;
    assert!(!check(&app).await.1);
    {
        // It waits until each object may be sent again.
        let time_passes = async {
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                app.clock.advance(Duration::from_secs(61));
            }
        };
        tokio::select! {
            _ = app.command(Asked::Cloud(CloudWanted::Backfill { account: None })) => {}
            () = time_passes => unreachable!(),
        }
    }
    assert_eq!(check(&app).await, (Vec::new(), true));

    let account = Scope::Account { channel: "facebook".to_owned(), account: PAGE.to_owned() };
    let code = app.shared().erasure.request(vec![account], "a test", None).await.unwrap();
    app.settle().await;
    let receipt = app.shared().erasure.receipt(&code).await.unwrap().unwrap();
    assert!(receipt.done_at.is_some() && receipt.erased.objects == 2, "{receipt:?}");
    let (_, list) = moto.ask(Method::GET, "?list-type=2", "").await;
    assert!(list.contains("/shopify/") && !list.contains("/facebook/"), "{list}");

    let versioned = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    assert_eq!(moto.ask(Method::PUT, "?versioning", versioned).await.0, 200);
    app.clock.advance(Duration::from_secs(601));
    app.work().await;
    assert!(matches!(standing(), Standing::Stopped { why: Stop::Versioned, .. }), "{:?}", standing());
    app.finish().await;
}
