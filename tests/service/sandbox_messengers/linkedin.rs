//! The simulated LinkedIn.

use std::time::Duration;

use serde_json::json;
use shoptalk::linkedin;
use shoptalk::shared::channel::simulator::{SendFailure, Webhooks};

use super::*;

struct LinkedIn {
    ear: Ear,
    sandbox: linkedin::sandbox::Sandbox,
    post: linkedin::sandbox::PagePost,
    ada: linkedin::sandbox::Member,
    token: String,
}

impl LinkedIn {
    async fn start() -> Self {
        let ear = Ear::new().await;
        let options = linkedin::sandbox::Options {
            client_id: "li-test-client".to_owned(),
            client_secret: LINKEDIN_SECRET.to_owned(),
            organization: "90001".to_owned(),
            name: "Harbour Cafe".to_owned(),
            now: ear.now(),
        };
        let sandbox = linkedin::sandbox::Sandbox::start(options).await.unwrap();
        let (post, ada) = (sandbox.publishes("Autumn menu"), sandbox.member("TESTmember1", "Ada Perera"));
        let token = sandbox.access_token();
        Self { ear, sandbox, post, ada, token }
    }

    fn request(&self, method: http::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.ear.http.request(method, format!("{}{path}", self.sandbox.url())).bearer_auth(&self.token);
        request.header("LinkedIn-Version", version(&self.ear)).header("X-Restli-Protocol-Version", "2.0.0")
    }

    fn comment(&self, text: &str) -> reqwest::RequestBuilder {
        let urn = self.post.urn().replace(':', "%3A");
        let body = json!({"actor": "urn:li:organization:90001", "object": self.post.urn(), "message": {"text": text}});
        self.request(http::Method::POST, &format!("/rest/socialActions/{urn}/comments")).json(&body)
    }
}

/// A version that is a month old.
fn version(ear: &Ear) -> String {
    (ear.clock.now() - chrono::TimeDelta::days(31)).format("%Y%m").to_string()
}

#[tokio::test]
async fn linkedin_asks_the_challenge_and_signs_with_the_prefix_in_the_message() {
    let linkedin = LinkedIn::start().await;
    assert!(linkedin.sandbox.validate(&format!("{}/other", linkedin.ear.server.url())).await.is_err());
    linkedin.sandbox.validate(&linkedin.ear.address()).await.unwrap();
    let path = linkedin.sandbox.subscription_path();
    let wanted = json!({"webhook": linkedin.ear.address()});
    assert_eq!(answered(linkedin.request(http::Method::PUT, &path).json(&wanted)).await.0, 204);
    let (_, shown) = answered(linkedin.request(http::Method::GET, &path)).await;
    assert_eq!(shown["webhook"], linkedin.ear.address());

    let happened = linkedin.ada.comments(&linkedin.post, "Do you ship to Galle?").await;
    assert_eq!(happened.answers, [200]);
    let request = linkedin.ear.hook.received().pop().unwrap();
    let signature = hmac_hex(LINKEDIN_SECRET, &[b"hmacsha256=", &request.body[..]].concat());
    assert_eq!(request.headers["x-li-signature"], signature.as_str());
    let item = &linkedin.ear.heard().pop().unwrap()["notifications"][0];
    assert_eq!((&item["action"], &item["sourcePost"]), (&json!("COMMENT"), &json!(linkedin.post.urn())));
    assert_eq!(item["decoratedGeneratedActivity"]["comment"]["message"]["text"], "Do you ship to Galle?");
    let body = r#"{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS","notifications":[]}"#;
    assert_eq!(
        linkedin.sandbox.sign(body.as_bytes()),
        "999fca6286139ac1fef73e6b84c4fdba846f0d519cd2df12d24b8fd08a4cab0c"
    );

    linkedin.sandbox.set_webhooks(Webhooks::Held);
    for n in 0..12 {
        linkedin.ada.comments(&linkedin.post, &n.to_string()).await;
    }
    assert_eq!(linkedin.sandbox.release_together().await, [200, 200]);
    assert_eq!(linkedin.ear.heard().pop().unwrap()["notifications"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn linkedin_takes_a_comment_of_the_page_and_tells_it_as_admin_comment() {
    let linkedin = LinkedIn::start().await;
    linkedin.sandbox.deliver_to(&linkedin.ear.address());
    let response = linkedin.comment("Yes, we ship to Galle.").send().await.unwrap();
    assert_eq!(response.status(), 201);
    let id = response.headers()["x-restli-id"].to_str().unwrap().to_owned();
    linkedin.sandbox.settled().await;
    let item = linkedin.ear.heard().pop().unwrap()["notifications"][0].clone();
    assert_eq!(item["action"], "ADMIN_COMMENT");
    assert!(item["generatedActivity"].as_str().unwrap().ends_with(&format!(",{id})")));
    let urn = linkedin.post.activity().replace(':', "%3A");
    let (_, list) = answered(linkedin.request(http::Method::GET, &format!("/rest/socialActions/{urn}/comments"))).await;
    assert_eq!(list["elements"][0]["message"]["text"], "Yes, we ship to Galle.");
    assert_eq!(linkedin.post.page_comments(), ["Yes, we ship to Galle."]);
    assert_eq!(answered(linkedin.comment(&"x".repeat(1251))).await.0, 400);
    linkedin.sandbox.fail_sends(1, SendFailure::Refused(429));
    assert_eq!(answered(linkedin.comment("too many")).await.0, 429);
    linkedin.sandbox.fail_sends(1, SendFailure::TakenGateway(504));
    assert_eq!(answered(linkedin.comment("taken")).await.0, 504);
    assert_eq!(linkedin.sandbox.sent().len(), 2);
    let direct = json!({"recipients": ["urn:li:person:TESTmember1"], "body": "hi", "messageType": "MEMBER_TO_MEMBER"});
    assert_eq!(answered(linkedin.request(http::Method::POST, "/v2/messages").json(&direct)).await.0, 403);
    linkedin.sandbox.set_is_partner(true);
    assert_eq!(answered(linkedin.request(http::Method::POST, "/v2/messages").json(&direct)).await.0, 201);
}

#[tokio::test]
async fn linkedin_versions_and_tokens_end_and_a_refresh_does_not_outlive_its_token() {
    let linkedin = LinkedIn::start().await;
    let list = || {
        linkedin
            .ear
            .http
            .get(format!("{}/rest/organizationAcls?q=roleAssignee", linkedin.sandbox.url()))
            .bearer_auth(&linkedin.token)
    };
    assert_eq!(answered(list()).await.0, 400);
    let old = list().header("LinkedIn-Version", "202401").header("X-Restli-Protocol-Version", "2.0.0");
    assert_eq!(answered(old).await.0, 426);
    let refresh = linkedin.sandbox.refresh_token();
    let app = [("client_id", "li-test-client"), ("client_secret", LINKEDIN_SECRET)];
    let oauth = |name: &str, form: [(&str, &str); 2]| {
        let form: Vec<(&str, &str)> = app.into_iter().chain(form).collect();
        linkedin.ear.http.post(format!("{}/{name}", linkedin.sandbox.oauth_url())).form(&form)
    };
    let asked = |token: &str| oauth("introspectToken", [("token", token), ("x", "")]);
    assert_eq!(answered(asked(&linkedin.token)).await.1["status"], "active");
    linkedin.sandbox.kill_tokens();
    assert_eq!(answered(asked(&linkedin.token)).await.1["status"], "revoked");
    assert_eq!(answered(linkedin.comment("dead")).await.0, 401);
    linkedin.ear.clock.advance(Duration::from_secs(360 * 24 * 3600));
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let (_, fresh) = answered(oauth("accessToken", form)).await;
    assert_eq!((&fresh["expires_in"], &fresh["refresh_token_expires_in"]), (&json!(5 * 86_400), &json!(5 * 86_400)));
    linkedin.ear.clock.advance(Duration::from_secs(6 * 24 * 3600));
    assert_eq!(answered(oauth("accessToken", form)).await.0, 400);
}
