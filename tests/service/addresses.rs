//! Where a login begins, which of several cookies counts, and a public address with a path.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use url::Url;

use crate::test_app::{Browser, OPERATOR_TOKEN, PAGE, SHOP, TestApp};

#[tokio::test]
async fn a_login_that_begins_at_another_host_is_sent_to_the_public_address_first() {
    let app = TestApp::start().await;
    let elsewhere = app.url.replace("127.0.0.1", "localhost");
    for login in [format!("/shopify/{SHOP}/login"), format!("/shopify/login?shop={SHOP}")] {
        let answer = Browser::new(&elsewhere).get(&login).await;
        assert_eq!(answer.location().as_str(), format!("{}/shopify/{SHOP}/login?at=public", app.url));
        assert!(answer.headers.get("set-cookie").is_none());
    }
    let answer = Browser::new(&elsewhere).get("/facebook/login").await;
    assert_eq!(answer.location().as_str(), format!("{}/facebook/login?at=public", app.url));
    // So both end well, wherever they begin.
    let browser = Browser::new(&elsewhere);
    assert_eq!(browser.follow(&format!("/shopify/{SHOP}/login")).await.status, StatusCode::OK);
    assert_eq!(browser.follow("/facebook/login").await.status, StatusCode::OK);
    // A proxy that puts another name in place of ours makes no circle.
    let answer = Browser::new(&elsewhere).get(&format!("/shopify/{SHOP}/login?at=public")).await;
    assert!(answer.location().path().ends_with("/admin/oauth/authorize"), "{answer:?}");
    app.finish().await;
}

#[tokio::test]
async fn of_several_cookies_of_one_name_each_is_tried() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let callback = browser.up_to_callback(&format!("/shopify/{SHOP}/login")).await;
    let (login, stale) = (browser.cookie("shoptalk_login").unwrap(), "a".repeat(64));
    let visitor = app.browser();
    let both = format!("shoptalk_login={stale}; shoptalk_login=; session_id={stale}; shoptalk_login={login}");
    let answer = visitor.send(Method::GET, callback.as_str(), &[("cookie", &both)], b"").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let session = visitor.cookie("session_id").unwrap();
    let both = format!("session_id={stale}; session_id={session}");
    let fresh = app.browser();
    let answer = fresh.send(Method::GET, "/account", &[("cookie", &both), ("accept", "text/html")], b"").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");

    let operator = app.browser();
    operator.post_form("/operator/login", &format!("token={OPERATOR_TOKEN}")).await;
    let session = operator.cookie("operator_session").unwrap();
    let both = format!("operator_session={stale}; operator_session={session}");
    let answer = app.browser().send(Method::GET, "/operator", &[("cookie", &both)], b"").await;
    assert!(answer.text().contains("Sign out"), "{}", answer.text());
    app.finish().await;
}

/// A proxy before the service.
#[derive(Clone)]
struct Proxy {
    to: String,
    /// What it takes off the paths, if anything.
    strips: Option<&'static str>,
    client: reqwest::Client,
}

impl Proxy {
    /// Serves at this listener. What is not below the path is not ours.
    fn start(self, listener: tokio::net::TcpListener) {
        let router = Router::new().fallback(pass).with_state(self);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    }
}

async fn pass(State(proxy): State<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let Some(rest) = path.strip_prefix("/talk") else { return StatusCode::IM_A_TEAPOT.into_response() };
    let path = match proxy.strips {
        Some(_) if rest.starts_with('/') => rest.to_owned(),
        Some(_) => format!("/{rest}"),
        None => path,
    };
    let request = proxy.client.request(parts.method, format!("{}{path}", proxy.to)).headers(parts.headers);
    let answer = request.body(to_bytes(body, usize::MAX).await.unwrap()).send().await.unwrap();
    let mut response = StatusCode::from_u16(answer.status().as_u16()).unwrap().into_response();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = Body::from(answer.bytes().await.unwrap());
    response.headers_mut().remove("transfer-encoding");
    response
}

/// The addresses of a page, from the root.
fn addresses(page: &str) -> BTreeSet<String> {
    ["href=\"", "src=\"", "action=\""]
        .iter()
        .flat_map(|attribute| page.split(attribute).skip(1))
        .map(|rest| rest.split(['"', '#']).next().unwrap().replace("&amp;", "&"))
        .filter(|address| address.starts_with('/'))
        .collect()
}

#[tokio::test]
async fn a_public_address_with_a_path_works_behind_a_proxy_that_strips_it_and_behind_one_that_does_not() {
    for strips in [None, Some("/talk")] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public = format!("http://{}/talk", listener.local_addr().unwrap());
        let below = |path: &str| Url::parse(&format!("{public}{path}")).unwrap();
        let app = TestApp::start_with(|config| {
            config.server.public_url = Some(below(""));
            let facebook = config.facebook.as_mut().unwrap();
            facebook.redirect_uri = below("/facebook/callback");
            facebook.webhook_address = below("/facebook/webhook");
            let shopify = config.shopify.as_mut().unwrap();
            shopify.redirect_uri = below("/shopify/callback");
            shopify.webhook_address = below("/shopify/webhook");
        })
        .await;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = client.tls_backend_preconfigured(tls).no_proxy().build().unwrap();
        Proxy { to: app.url.clone(), strips, client }.start(listener);

        // The logins, begun at the public address and at the service itself.
        let browser = Browser::new(&public).for_pages();
        for home in [&public, &app.url] {
            let answer = browser.follow(&format!("{home}/shopify/{SHOP}/login")).await;
            assert_eq!((answer.status, answer.url.path()), (StatusCode::OK, "/talk/"), "{strips:?}: {answer:?}");
            let answer = browser.follow(&format!("{home}/facebook/login")).await;
            assert_eq!((answer.status, answer.url.path()), (StatusCode::OK, "/talk/"), "{strips:?}: {answer:?}");
        }
        let page = app.page();
        let person = app.facebook.person("7000000000000001", "Sam");
        let item = page.message_from(&person, "see href=\"/elsewhere\" & href=/there");
        assert_eq!(page.deliver(&[item]).await.unwrap(), Some(200));
        app.settle().await;

        // Every page that links lead to, with its assets and forms, is below the path.
        let mut seen = BTreeSet::new();
        let mut next = BTreeSet::from(["/talk/".to_owned(), "/talk".to_owned(), "/talk/operator".to_owned()]);
        while let Some(path) = next.pop_first() {
            assert!(path == "/talk" || path.starts_with("/talk/"), "{strips:?}: {path}");
            // A link that begins or ends something is not followed, nor one without an end.
            let acts = [
                "/live",
                "/logout",
                "/login",
                "/sync",
                "/export",
                "/replay",
                "/pause",
                "/resume",
                "/answer",
                "/language",
            ]
            .iter()
            .any(|end| path.ends_with(end));
            if acts || !seen.insert(path.clone()) {
                continue;
            }
            let answer = browser.get(&path).await;
            if answer.status.is_redirection() {
                next.insert(answer.location().path().to_owned());
                continue;
            }
            // Nobody has signed in as an operator here.
            let status = if path == "/talk/operator" { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
            assert_eq!(answer.status, status, "{strips:?}: {path}");
            if answer.header("content-type").starts_with("text/html") {
                next.extend(addresses(&answer.text()));
            }
        }
        let thread = format!("/talk/conversations/facebook/{PAGE}/7000000000000001");
        for wanted in ["/talk/style.css", "/talk/enhance.js", "/talk/icon.svg", "/talk/account/delete", &thread] {
            assert!(seen.contains(wanted), "{strips:?}: {wanted} is not among {seen:?}");
        }
        assert!(browser.get(&thread).await.text().contains("see href=&quot;/elsewhere&quot;"));
        // Forms, and cookies for the path only.
        let answer = browser.post_form("/talk/operator/login", &format!("token={OPERATOR_TOKEN}")).await;
        assert_eq!(answer.location().path(), "/talk/operator");
        assert!(answer.header("set-cookie").contains("; Path=/talk;"), "{answer:?}");
        let answer = browser.get("/talk/no-such-page").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(addresses(&answer.text()).iter().all(|address| address.starts_with("/talk/")));
        app.finish().await;
    }
}
