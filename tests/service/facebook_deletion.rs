//! What Meta sends when a person removes the app, or wants their data erased; and what a forger gets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use shoptalk::shared::secrets::signature::{Secrets, sign_sha256};

use crate::journal_checks::{OTHER_PAGE, SAM, body_of, deliver, text_at};
use crate::test_app::{FACEBOOK_SECRET, PAGE, SHOP, TestApp};

const CALLBACKS: [&str; 2] = ["/facebook/deauthorize", "/facebook/data-deletion"];

/// Two Pages with a message each.
async fn connected() -> TestApp {
    let app = TestApp::start().await;
    app.facebook.add_page(OTHER_PAGE, "Other Page");
    app.connect().await;
    deliver(&app, body_of(&[text_at(SAM, 0, "secret")])).await;
    deliver(&app, body_of(&[text_at(SAM, 0, "secret")]).replace(PAGE, OTHER_PAGE)).await;
    app
}

/// Signs any payload, however wrong.
fn sign(secret: &str, payload: &str) -> String {
    let encoded = URL_SAFE_NO_PAD.encode(payload);
    format!("{}.{encoded}", URL_SAFE_NO_PAD.encode(sign_sha256(secret.as_bytes(), encoded.as_bytes())))
}

async fn send(app: &TestApp, path: &str, signed: &str) -> (u16, String) {
    app.facebook.send_signed_request(&format!("{}{path}", app.url), signed).await.unwrap()
}

fn code_of(app: &TestApp, answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let code = answer["confirmation_code"].as_str().unwrap().to_owned();
    assert_eq!(answer, json!({ "url": format!("{}/deletion/{code}", app.url), "confirmation_code": code }));
    assert_eq!(code.len(), 32, "128 random bits");
    code
}

async fn receipt(app: &TestApp, code: &str) -> Value {
    let answer = app.browser().get(&format!("/deletion/{code}")).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

#[tokio::test]
async fn who_asks_for_deletion_gets_a_code_and_everything_is_erased() {
    let app = connected().await;
    let (status, answer) = app.facebook.request_deletion(&format!("{}/facebook/data-deletion", app.url)).await.unwrap();
    assert_eq!(status, 200);
    let code = code_of(&app, &answer);
    assert_eq!(receipt(&app, &code).await["status"], "under_way");
    assert_eq!(app.connections("facebook").await.len(), 0, "the tokens go at once");
    app.settle().await;
    let done = receipt(&app, &code).await;
    assert_eq!(
        (&done["status"], &done["erased"]["connections"], &done["erased"]["events"]),
        (&json!("erased"), &json!(2), &json!(2))
    );
    for trace in ["secret", PAGE, OTHER_PAGE, "10150000000000001", "Other Page"] {
        assert!(!app.is_on_disk(trace), "{trace} is still there");
    }
    assert_eq!(app.connections("shopify").await.len(), 1, "the shop is not Facebook's matter");
    // People see a page; it names nobody.
    let page = app.browser().for_pages().get(&format!("/deletion/{code}")).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.text().contains(&code) && page.text().contains("erased"));
    for personal in [PAGE, "10150000000000001", SAM, "Demo", SHOP] {
        assert!(!page.text().contains(personal) && !done.to_string().contains(personal), "{personal}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_code_and_erases_no_newer_login() {
    let app = TestApp::start().await;
    let browser = app.connect().await;
    for path in CALLBACKS {
        let signed = app.facebook.signed_request(&app.facebook.person_id());
        let (_, first) = send(&app, path, &signed).await;
        app.settle().await;
        assert_eq!(app.connections("facebook").await.len(), 0);
        assert_eq!(browser.follow("/facebook/login").await.status, 200);
        app.settle().await;
        let (status, second) = send(&app, path, &signed).await;
        assert_eq!((status, &second), (200, &first));
        app.settle().await;
        assert_eq!(app.connections("facebook").await.len(), 1, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn who_removes_the_app_is_disconnected_and_the_files_stay_until_deletion_is_asked_for() {
    let app = connected().await;
    let asked = app.facebook.traffic().count("conversations");
    let (status, answer) = app.facebook.remove_app(&format!("{}/facebook/deauthorize", app.url)).await.unwrap();
    assert_eq!(status, 200);
    assert_eq!(receipt(&app, &code_of(&app, &answer)).await["status"], "disconnected");
    app.run_due_jobs().await;
    assert_eq!(app.connections("facebook").await.len(), 0);
    assert_eq!(app.facebook.traffic().count("conversations"), asked, "nothing is read any more");
    assert_eq!(app.said(SAM), ["secret"]);
    // Whose the Pages were is still known.
    let (_, answer) = app.facebook.request_deletion(&format!("{}/facebook/data-deletion", app.url)).await.unwrap();
    app.settle().await;
    assert_eq!(receipt(&app, &code_of(&app, &answer)).await["erased"]["connections"], 2);
    assert!(!app.is_on_disk("secret") && !app.is_on_disk(PAGE));
    app.finish().await;
}

#[tokio::test]
async fn a_removal_that_comes_late_does_not_hurt_a_newer_login() {
    let app = TestApp::start().await;
    let late = app.facebook.signed_request(&app.facebook.person_id());
    app.clock.advance(std::time::Duration::from_secs(60));
    app.connect().await;
    let (status, answer) = send(&app, "/facebook/deauthorize", &late).await;
    assert_eq!(status, 200);
    assert_eq!(receipt(&app, &code_of(&app, &answer)).await["status"], "nothing_found");
    assert_eq!(app.connections("facebook").await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn who_is_not_known_gets_a_code_and_an_honest_receipt() {
    let app = connected().await;
    // A customer's id is no person who logged in.
    for user in [SAM, "424242"] {
        for path in CALLBACKS {
            let (status, answer) = send(&app, path, &app.facebook.signed_request(user)).await;
            assert_eq!(status, 200);
            let receipt = receipt(&app, &code_of(&app, &answer)).await;
            assert_eq!(receipt["status"], "nothing_found");
            assert!(receipt["detail"].as_str().unwrap().starts_with("Nothing was found"));
        }
    }
    app.settle().await;
    assert_eq!(app.connections("facebook").await.len(), 2);
    assert_eq!(app.said(SAM), ["secret"]);
    app.finish().await;
}

#[tokio::test]
async fn a_forged_or_malformed_request_is_refused_and_nothing_is_erased() {
    let app = connected().await;
    let person = app.facebook.person_id();
    let payload = format!(r#"{{"user_id":"{person}","algorithm":"HMAC-SHA256","issued_at":1790000000}}"#);
    let good = sign(FACEBOOK_SECRET, &payload);
    let (signature, encoded) = good.split_once('.').unwrap();
    let with = |algorithm: &str| sign(FACEBOOK_SECRET, &payload.replace("HMAC-SHA256", algorithm));
    // The mistake of several samples: the signature of the padded text.
    let padded = format!("{encoded}{}", "=".repeat((4 - encoded.len() % 4) % 4));
    let over_padded = URL_SAFE_NO_PAD.encode(sign_sha256(FACEBOOK_SECRET.as_bytes(), format!("{padded}=").as_bytes()));
    let mut bad = vec![
        sign("another secret of some length", &payload),
        String::new(),
        ".".to_owned(),
        encoded.to_owned(),
        signature.to_owned(),
        format!(".{encoded}"),
        format!("{signature}."),
        format!("{good}.{encoded}"),
        format!("{over_padded}.{encoded}"),
        format!("{}.{encoded}", &signature[..20]),
        format!("{signature}A.{encoded}"),
        format!("{signature}=.{encoded}"),
        format!("!!!.{encoded}"),
        format!("{signature}.{}", URL_SAFE_NO_PAD.encode(payload.replace(&person, "1"))),
        with("HMAC-SHA1"),
        with("hmac-sha256"),
        with("none"),
        sign(FACEBOOK_SECRET, &format!(r#"{{"user_id":"{person}"}}"#)),
        sign(FACEBOOK_SECRET, r#"{"algorithm":"HMAC-SHA256"}"#),
    ];
    for user in [r#""""#, r#""../../etc""#, "null", "{}", "[1]", "-1", "1.5", r#""1 OR 1=1""#] {
        bad.push(sign(FACEBOOK_SECRET, &format!(r#"{{"user_id":{user},"algorithm":"HMAC-SHA256"}}"#)));
    }
    for text in ["", "[]", "null", "{", "not JSON"] {
        bad.push(sign(FACEBOOK_SECRET, text));
    }
    for path in CALLBACKS {
        for signed in &bad {
            assert_eq!(send(&app, path, signed).await.0, 400, "{path}: {signed}");
        }
        let browser = app.browser();
        for form in ["", "signed_request", "other=1", &format!("signed_request={good}&signed_request={good}")] {
            assert_eq!(browser.post_form(path, form).await.status, 400, "{path}: {form}");
        }
        let bytes = browser.send(Method::POST, path, &[], b"signed_request=\xff\xfe.\xff").await;
        assert_eq!(bytes.status, 400);
        assert_eq!(browser.get(path).await.status, 405);
    }
    app.settle().await;
    assert_eq!(app.connections("facebook").await.len(), 2);
    assert_eq!(app.said(SAM), ["secret"]);
    assert!(app.shared().erasure.receipts(10).await.unwrap().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn ids_come_as_numbers_too_and_the_previous_secret_is_accepted() {
    let app = TestApp::start_with(|config| {
        let facebook = config.facebook.as_mut().unwrap();
        facebook.app_secret = Secrets::new(FACEBOOK_SECRET.into(), Some("the secret before that one".into()));
    })
    .await;
    app.connect().await;
    let person = app.facebook.person_id();
    let payload = format!(r#"{{"user_id":{person},"algorithm":"HMAC-SHA256"}}"#);
    let (status, _) = send(&app, "/facebook/data-deletion", &sign("the secret before that one", &payload)).await;
    assert_eq!(status, 200);
    app.settle().await;
    assert_eq!(app.connections("facebook").await.len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_code_is_nowhere() {
    let app = TestApp::start().await;
    for code in ["0".repeat(32), "x".to_owned(), "'".repeat(32), "A".repeat(5000)] {
        assert_eq!(app.browser().get(&format!("/deletion/{code}")).await.status, 404, "{code}");
    }
    app.finish().await;
}
