//! What a Graph API in trouble does to one Page: each kind of bad answer has its effect, a sentence for the merchant, and
//! an end; the Page beside it is read as ever.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::facebook::sandbox::Sandbox;
use shoptalk::shared::channel::read_request::ReadRequest;
use shoptalk::shared::channel::simulator::Failure;

use crate::test_app::{PAGE, TestApp};

const OTHER_PAGE: &str = "100000000000102";
const SAM: &str = "7000000000000001";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Two connected Pages whose jobs have been seen once, and a message on each that no webhook told of.
async fn two_pages() -> TestApp {
    let app = TestApp::start().await;
    app.facebook.add_page(OTHER_PAGE, "Other Page");
    app.connect().await;
    app.run_due_jobs().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    for page in [PAGE, OTHER_PAGE] {
        app.facebook.page(page).unwrap().message_from(&sam, "hi");
    }
    app
}

async fn a_day_later(app: &TestApp) {
    app.clock.advance(DAY);
    app.run_due_jobs().await;
}

fn has_read(app: &TestApp, page: &str) -> bool {
    app.text(&format!("facebook/{page}/conversations/{SAM}.json")).is_some()
}

/// Status and reason of a Page.
async fn status(app: &TestApp, page: &str) -> (String, String) {
    let connections = app.connections("facebook").await;
    let connection = connections.iter().find(|one| one["account"] == page).unwrap();
    let text = |name: &str| connection[name].as_str().unwrap_or_default().to_owned();
    (text("status"), text("status_reason"))
}

/// Every list of conversations of one Page is answered like this for a while: what the merchant reads then, that the
/// other Page is read, and that all is well afterwards.
async fn trouble(failure: Failure, expected_status: &str, words: &str, stops_all: bool) {
    let app = two_pages().await;
    app.facebook.traffic().fail_next(&format!("/{PAGE}/conversations"), 100_000, failure.clone());
    a_day_later(&app).await;
    for _ in 0..6 {
        app.clock.advance(Duration::from_secs(240));
        app.settle().await;
    }
    let (state, reason) = status(&app, PAGE).await;
    assert_eq!(state, expected_status, "{failure:?}: {reason}");
    assert!(reason.contains(words), "{failure:?}: {reason}");
    assert!(!has_read(&app, PAGE));
    if !stops_all {
        assert!(has_read(&app, OTHER_PAGE), "{failure:?}");
        assert_eq!(status(&app, OTHER_PAGE).await, ("connected".to_owned(), String::new()), "{failure:?}");
    }
    // It is never asked in a hot loop.
    let asked = app.facebook.traffic().count(&format!("/{PAGE}/conversations"));
    assert!(asked < 60, "{asked} calls: {failure:?}");
    app.facebook.traffic().heal();
    if expected_status == "needs_reconnect" {
        app.connect().await;
    }
    a_day_later(&app).await;
    app.clock.advance(Duration::from_secs(3600));
    app.settle().await;
    assert_eq!(status(&app, PAGE).await, ("connected".to_owned(), String::new()), "{failure:?}");
    assert!(has_read(&app, PAGE) && has_read(&app, OTHER_PAGE), "{failure:?}");
    app.finish().await;
}

fn error(code: u32, subcode: Option<u32>, message: &str) -> Failure {
    Failure::Json(400, Sandbox::error(code, subcode, message))
}

#[tokio::test]
async fn trouble_of_the_platform_is_waited_out() {
    let words = "does not answer properly";
    trouble(error(1, None, "An unknown error occurred"), "connected", words, false).await;
    trouble(error(1, Some(99), "An unknown error occurred"), "connected", words, false).await;
    trouble(error(2, None, "Service temporarily unavailable"), "connected", words, false).await;
    trouble(error(1200, None, "Temporary message send failure"), "connected", words, false).await;
    trouble(Failure::Status(502), "connected", words, false).await;
    let transient = json!({"error": {"code": "4711", "is_transient": true, "message": 7}});
    trouble(Failure::Json(400, transient), "connected", words, false).await;
    let in_success = json!({"fbtrace": 1, "error": {"code": 2}});
    trouble(Failure::Json(200, in_success), "connected", words, false).await;
}

#[tokio::test]
async fn a_limit_of_calls_stops_what_it_limits() {
    for code in [9, 17, 32, 613, 80_001, 80_002, 80_006] {
        trouble(error(code, None, "too many calls"), "connected", "limits how often", false).await;
    }
    for code in [4, 341] {
        trouble(error(code, None, "Application request limit reached"), "connected", "limits how often", true).await;
    }
    trouble(Failure::Status(429), "connected", "limits how often", false).await;
}

#[tokio::test]
async fn a_missing_permission_is_named_where_the_platform_names_it() {
    let named = "(#10) This endpoint requires the 'pages_read_engagement' permission.";
    trouble(error(10, None, named), "incomplete", "without the permission pages_read_engagement", false).await;
    trouble(error(10, None, "(#10) no"), "incomplete", "Choose “Continue with Facebook” again", false).await;
    trouble(error(10, Some(1_893_063), "restricted"), "incomplete", "restricted", false).await;
    trouble(error(100, None, named), "incomplete", "pages_read_engagement", false).await;
    trouble(error(200, None, "(#200) no"), "incomplete", "code 200", false).await;
    trouble(error(230, None, "(#230) Requires a permission"), "incomplete", "pages_messaging", false).await;
    trouble(error(299, None, "no"), "incomplete", "code 299", false).await;
    trouble(error(368, None, "blocked"), "incomplete", "blocked this app or Page", false).await;
}

#[tokio::test]
async fn a_page_that_vanished_is_said_to_be_gone_until_it_is_back() {
    let message = "Unsupported get request. Object with ID '1' does not exist";
    trouble(error(100, Some(33), message), "incomplete", "does not show this Page any more", false).await;
}

#[tokio::test]
async fn a_dead_token_asks_for_a_login_and_says_why() {
    for (subcode, words) in [
        (458, "was removed"),
        (459, "confirm your identity"),
        (460, "password"),
        (463, "expired"),
        (464, "not confirmed"),
        (467, "refuses the stored login"),
        (492, "no role"),
        (1, "refuses the stored login"),
    ] {
        trouble(error(190, Some(subcode), "Error validating access token"), "needs_reconnect", words, false).await;
    }
    trouble(error(102, None, "Session key invalid"), "needs_reconnect", "refuses the stored login", false).await;
}

#[tokio::test]
async fn what_is_refused_for_good_is_said_after_some_tries() {
    let cases = [
        (error(100, None, "(#100) Param platform must be one of"), "(code 100)"),
        (error(104, None, "Invalid appsecret_proof"), "Its operator has to mend that"),
        (error(551, None, "This person isn't available right now"), "cannot be reached"),
        (error(803, None, "Some of the aliases you requested do not exist"), "Its operator"),
        (error(2500, None, "An active access token must be used"), "Its operator"),
        (error(4711, Some(12), "never heard of"), "(code 4711/12)"),
        (error(1, None, "Please reduce the amount of data you're asking for, then retry"), "too large"),
        (Failure::Status(404), "(code status 404)"),
        // Not the Graph API's words: nothing is known about the token.
        (Failure::Status(401), "(code status 401)"),
    ];
    for (failure, words) in cases {
        trouble(failure, "incomplete", words, false).await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_no_empty_list() {
    let endless = json!({"data": [], "paging": {"cursors": {"after": "A"}, "next": "https://graph.facebook.com/next"}});
    for failure in [
        Failure::Html,
        Failure::Empty,
        Failure::HalfBody,
        Failure::Json(200, json!({})),
        Failure::Json(200, json!([])),
        Failure::Json(200, json!({"data": {}})),
        Failure::Json(200, json!({"data": null})),
        Failure::Json(200, Value::Null),
        Failure::Json(200, json!("ok")),
        // A list that leads back to where it was.
        Failure::Json(200, endless),
    ] {
        trouble(failure, "incomplete", "cannot be read", false).await;
    }
}

#[tokio::test]
async fn the_link_to_the_next_part_is_never_followed() {
    let app = two_pages().await;
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    app.facebook.set_page_limit(1);
    let kim = app.facebook.person("7000000000000002", "Kim");
    app.clock.advance(DAY);
    app.page().message_from(&kim, "newest");
    // The first part as it is, but its link leads elsewhere.
    let cursor = {
        app.run_due_jobs().await;
        let received = app.facebook.traffic().received();
        let second = received.iter().rev().find(|one| one.path.contains(PAGE) && one.query.contains("after=")).unwrap();
        let pairs = form_urlencoded::parse(second.query.as_bytes()).into_owned();
        pairs.into_iter().find(|(name, _)| name == "after").unwrap().1
    };
    let part = json!({"data": [], "paging": {
        "cursors": {"after": cursor}, "next": format!("http://{}/steal", stranger.local_addr().unwrap())}});
    app.facebook.traffic().fail_next(&format!("/{PAGE}/conversations"), 1, Failure::Json(200, part));
    let before = app.facebook.traffic().count(&format!("/{PAGE}/conversations"));
    a_day_later(&app).await;
    assert_eq!(app.facebook.traffic().count(&format!("/{PAGE}/conversations")) - before, 2);
    assert!(stranger.accept().is_err(), "somebody came");
    app.finish().await;
}

#[tokio::test]
async fn a_conversation_that_cannot_be_read_costs_its_neighbours_nothing() {
    let app = two_pages().await;
    let message =
        |mid: &str| json!({"id": mid, "created_time": 1_790_000_000, "from": {"id": SAM}, "message": "there"});
    let list = json!({"data": [
        {"id": "t_1", "updated_time": 1_790_000_000, "participants": {}, "messages": {}},
        {"id": "t_2", "updated_time": "yesterday", "participants": {"data": 7}, "messages": {"data": "x"}},
        // A person without a name, or without an account any more.
        {"id": "t_3", "updated_time": 1_790_000_000, "participants": {"data": [{"id": SAM}, {}]},
         "messages": {"data": [message("m_there")]}},
    ]});
    app.facebook.traffic().fail_next(&format!("/{PAGE}/conversations"), 1, Failure::Json(200, list));
    a_day_later(&app).await;
    assert_eq!(app.said(SAM), ["there"]);
    assert_eq!(status(&app, PAGE).await, ("connected".to_owned(), String::new()));
    app.finish().await;
}

#[tokio::test]
async fn near_the_limit_reading_slows_down_and_then_pauses() {
    let app = two_pages().await;
    let usage = |percent: u32, minutes: u32| {
        json!({PAGE: [{"type": "messenger", "call_count": percent, "total_time": 3,
            "estimated_time_to_regain_access": minutes}]})
        .to_string()
    };
    // 80 %: each call keeps its distance.
    app.facebook.set_usage("X-Business-Use-Case-Usage", &usage(80, 0));
    let slept = app.clock.slept();
    a_day_later(&app).await;
    assert!(has_read(&app, PAGE));
    assert!(app.clock.slept() - slept >= Duration::from_secs(3), "{:?}", app.clock.slept() - slept);
    // 95 %: the Page is left alone until access is regained; its neighbour is not.
    app.facebook.set_usage("X-Business-Use-Case-Usage", &usage(95, 30));
    a_day_later(&app).await;
    let paths = |app: &TestApp, page: &str| app.facebook.traffic().count(&format!("/{page}"));
    let (mine, others) = (paths(&app, PAGE), paths(&app, OTHER_PAGE));
    let kim = app.facebook.person("7000000000000002", "Kim");
    for page in [PAGE, OTHER_PAGE] {
        let page = app.facebook.page(page).unwrap();
        page.rename("Renamed");
        assert_eq!(page.deliver_changes(&[page.changed("name", "Renamed".into())]).await.unwrap(), Some(200));
        let item = page.message_from(&kim, "by webhook");
        assert_eq!(page.deliver(&[item]).await.unwrap(), Some(200));
    }
    app.settle().await;
    assert_eq!(paths(&app, PAGE), mine, "nothing is asked");
    assert!(paths(&app, OTHER_PAGE) > others);
    assert_eq!(app.said("7000000000000002"), ["by webhook"], "what comes by itself is taken");
    let (state, reason) = status(&app, PAGE).await;
    assert_eq!(state, "connected");
    assert!(reason.contains("limits how often"), "{reason}");
    app.facebook.set_usage("X-Business-Use-Case-Usage", &usage(5, 0));
    app.clock.advance(Duration::from_secs(30 * 60));
    app.settle().await;
    assert_eq!(app.json(&format!("facebook/{PAGE}/page_metadata.json"))["name"], "Renamed");
    assert_eq!(status(&app, PAGE).await, ("connected".to_owned(), String::new()));
    app.finish().await;
}

#[tokio::test]
async fn after_the_work_was_stopped_no_read_begins_and_what_is_due_waits_for_the_next_start() {
    let app = TestApp::start().await;
    app.connect().await;
    let sam = app.facebook.person(SAM, "Sam Doe");
    app.facebook.page(PAGE).unwrap().message_from(&sam, "hi");
    let working = app.start_working().await;
    app.stop_working(working).await;
    app.shared().journal.request_read("facebook", PAGE, ReadRequest::Everything, 0).await.unwrap();
    app.work().await;
    assert!(!has_read(&app, PAGE));
    let app = app.restart().await;
    app.settle().await;
    assert!(has_read(&app, PAGE));
    app.finish().await;
}
