//! Every shape of event that Meta sends, as its documents show it: what it is taken for, where it is filed, what it does.

use serde_json::{Value, json};

use crate::test_app::{PAGE, TestApp};

/// What is expected of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Is {
    /// Reason enough for a conversation.
    Opening,
    /// Part of a conversation, and no reason for one.
    Within,
    /// Kept, and in no conversation.
    Apart,
}
use Is::{Apart, Opening, Within};

/// Items of `messaging` by kind: who is named (`>`: the person writes, `<`: the Page does, `.`: only the Page is named,
/// `?`: the person is known by a reference), the members between, what it is, and its kind.
/// Source: <https://developers.facebook.com/docs/messenger-platform/reference/webhook-events> (2026).
const ITEMS: [(char, &str, Is, &str); 51] = [
    // Messages.
    (
        '>',
        r#""timestamp":1790000000000,"message":{"mid":"m_t1","text":"Is the bl\u00fce one in stock? https:\/\/a.example"}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000001000,"message":{"mid":"m_t2","text":"Size M","quick_reply":{"payload":"SIZE_M"}}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000002000,"message":{"mid":"m_t3","text":"yes, that one","reply_to":{"mid":"m_e1","is_self_reply":false}}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000003000,"message":{"mid":"m_a1","attachments":[{"type":"image","payload":{"url":"https://cdn.example/img1.jpg"}},{"type":"file","payload":{"url":"https://cdn.example/order.pdf"}}]}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000004000,"message":{"mid":"m_s1","attachments":[{"type":"sticker","payload":{"url":"https://cdn.example/like.png","sticker_id":369239263222822}}]}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000005000,"message":{"mid":"m_f1","text":"look https://shop.example/p/1","attachments":[{"type":"fallback","payload":{"url":"https://shop.example/p/1","title":"Snowboard"}}]}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000005500,"message":{"mid":"m_f2","attachments":[{"type":"fallback","payload":null}]}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000006000,"message":{"mid":"m_p1","attachments":[{"type":"ig_post","payload":{"url":"https://cdn.example/p","title":"New arrivals","id":17900000000000001}}]}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000006500,"message":{"mid":"m_p2","attachments":[{"type":"template","payload":{"product":{"elements":[{"id":"4400000000000001","retailer_id":"SKU-7","title":"Snowboard"}]}}}]}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000006800,"message":{"mid":"m_p3","attachments":[{"type":"appointment_booking","payload":{"booking_id":"bk1","status":"requested","start_time":1790086400}}]}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000007000,"message":{"mid":"m_r1","text":"hi","referral":{"ref":"spring_sale","ad_id":"120000000000001","source":"ADS","type":"OPEN_THREAD"}}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000007500,"message":{"mid":"m_r2","text":"is this available?","referral":{"product":{"id":"4400000000000001"}}}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1790000007600,"message":{"mid":"m_c1","text":"find boards","commands":[{"name":"find"}]}"#,
        Opening,
        "message",
    ),
    (
        '>',
        r#""timestamp":1458668856463,"message":{"mid":"mid.$cAAAB","seq":73,"text":"from an archive"}"#,
        Opening,
        "message",
    ),
    ('>', r#""timestamp":1790000008000,"message":{"text":"without an id"}"#, Opening, "message"),
    // Echoes.
    (
        '<',
        r#""timestamp":1790000010000,"message":{"mid":"m_e1","is_echo":true,"app_id":900000000000001,"metadata":"out-42","text":"Yes, 3 left."}"#,
        Opening,
        "echo",
    ),
    (
        '<',
        r#""timestamp":1790000011000,"message":{"mid":"m_e2","is_echo":true,"app_id":26390203743090,"text":"Hello, this is Eva."}"#,
        Opening,
        "echo",
    ),
    (
        '<',
        r#""timestamp":1790000012000,"message":{"mid":"m_e3","is_echo":true,"app_id":"900000000000001","attachments":[{"type":"template","payload":{"template_type":"generic","elements":[{"title":"Snowboard"}]}}]}"#,
        Opening,
        "echo",
    ),
    // Edits and unsends.
    (
        '>',
        r#""timestamp":1790000020000,"message_edit":{"mid":"m_t1","text":"Is the GREEN one in stock?","num_edit":1}"#,
        Within,
        "edit",
    ),
    (
        '>',
        r#""timestamp":1790000020500,"message_edit":{"mid":"m_t1","text":"Is the RED one in stock?","num_edit":"2"}"#,
        Within,
        "edit",
    ),
    ('>', r#""timestamp":1790000021000,"message":{"mid":"m_t1","is_deleted":true}"#, Within, "unsend"),
    ('<', r#""timestamp":1790000021000,"message":{"mid":"m_e1","is_echo":true,"is_deleted":true}"#, Within, "unsend"),
    // Receipts.
    ('>', r#""timestamp":1790000012500,"delivery":{"mids":["m_e1"],"watermark":1790000012000}"#, Within, "delivery"),
    ('>', r#""delivery":{"watermark":1790000011000}"#, Within, "delivery"),
    ('>', r#""timestamp":1790000013000,"read":{"watermark":1790000012000}"#, Within, "read"),
    // Buttons.
    (
        '>',
        r#""timestamp":1790000030000,"postback":{"mid":"m_pb1","title":"Get Started","payload":"GET_STARTED","referral":{"ref":"flyer7","source":"SHORTLINK","type":"OPEN_THREAD"}}"#,
        Opening,
        "postback",
    ),
    ('>', r#""timestamp":"1790000031","postback":{"title":"Buy","payload":"BUY:SKU-7"}"#, Opening, "postback"),
    (
        '?',
        r#""timestamp":"1790000031","postback":{"mid":"m_pb2","title":"Buy","payload":"BUY:SKU-7"}"#,
        Apart,
        "postback",
    ),
    // Opt-ins.
    (
        '>',
        r#""timestamp":1790000040000,"optin":{"type":"notification_messages","payload":"promo","notification_messages_token":"tok1","token_expiry_timestamp":1820000000,"title":"Deals"}"#,
        Opening,
        "optin",
    ),
    (
        '>',
        r#""timestamp":1790000040500,"optin":{"type":"notification_messages","notification_messages_status":"STOP NOTIFICATIONS"}"#,
        Opening,
        "optin",
    ),
    (
        '>',
        r#""timestamp":1790000040600,"optin":{"type":"one_time_notif_req","payload":"restock","one_time_notif_token":"tok2"}"#,
        Opening,
        "optin",
    ),
    ('.', r#""timestamp":1790000040700,"optin":{"ref":"cart-9","user_ref":"ref-abc"}"#, Apart, "optin"),
    // Referrals.
    (
        '>',
        r#""timestamp":1790000050000,"referral":{"ref":"flyer7","source":"SHORTLINK","type":"OPEN_THREAD"}"#,
        Opening,
        "referral",
    ),
    (
        '>',
        r#""timestamp":1790000051,"referral":{"source":"ADS","type":"LEAD_COMPLETE","ad_id":"120000000000001"},"lead":{"data":[{"question":"City?","answer":"Kiel"}]}"#,
        Opening,
        "referral",
    ),
    // Reactions.
    (
        '>',
        r#""timestamp":1790000060000,"reaction":{"mid":"m_e1","action":"react","reaction":"love","emoji":"\u2764\ufe0f"}"#,
        Within,
        "reaction",
    ),
    ('>', r#""timestamp":1790000061000,"reaction":{"mid":"m_e1","action":"unreact"}"#, Within, "reaction"),
    // Hand-overs.
    (
        '>',
        r#""timestamp":1790000070000,"pass_thread_control":{"previous_owner_app_id":null,"new_owner_app_id":"900000000000001","metadata":"to bot"}"#,
        Within,
        "pass_thread_control",
    ),
    (
        '>',
        r#""timestamp":1790000071000,"take_thread_control":{"previous_owner_app_id":"900000000000001","new_owner_app_id":"26390203743090","metadata":""}"#,
        Within,
        "take_thread_control",
    ),
    (
        '>',
        r#""timestamp":1790000072000,"request_thread_control":{"requested_owner_app_id":900000000000002,"metadata":"human wanted"}"#,
        Within,
        "request_thread_control",
    ),
    ('.', r#""timestamp":1790000073000,"app_roles":{"900000000000001":["primary_receiver"]}"#, Apart, "app_roles"),
    // Account linking, feedback, carts, games.
    (
        '>',
        r#""timestamp":1790000080000,"account_linking":{"status":"linked","authorization_code":"code-1"}"#,
        Within,
        "account_linking",
    ),
    ('>', r#""timestamp":1790000080500,"account_linking":{"status":"unlinked"}"#, Within, "account_linking"),
    (
        '>',
        r#""timestamp":1790000082000,"response_feedback":{"feedback":"Good response","mid":"m_e1"}"#,
        Within,
        "response_feedback",
    ),
    (
        '>',
        r#""timestamp":1790000083000,"order":{"products":[{"id":"123","retailer_id":"SKU-7","unit_price":640,"currency":"USD","quantity":1}],"note":"gift"}"#,
        Opening,
        "order",
    ),
    ('>', r#""timestamp":1790000084000,"game_play":{"game_id":"1","player_id":"2"}"#, Within, "game_play"),
    // What can be read in no way.
    ('>', r#""timestamp":1790000085000,"a_kind_of_the_future":{"x":1}"#, Apart, "unknown"),
    ('>', r#""timestamp":1790000085000"#, Apart, "unknown"),
    ('.', r#""timestamp":1790000086000,"message":{"mid":"m_nobody","text":"from nobody"}"#, Apart, "message"),
    ('x', r#""timestamp":1790000086000,"message":{"mid":"m_evil","text":"from ../../x"}"#, Apart, "message"),
    (
        '=',
        r#""timestamp":1790000086000,"message":{"mid":"m_self","text":"from the Page to the Page"}"#,
        Apart,
        "message",
    ),
    // `message` decides, whatever stands beside it.
    (
        '>',
        r#""timestamp":1790000087000,"message":{"mid":"m_both","text":"hi"},"postback":{"mid":"m_pb9","title":"x"}"#,
        Opening,
        "message",
    ),
];

/// An item whose person is the one with this number.
fn item(number: usize) -> (String, String) {
    let (from, members, ..) = ITEMS[number];
    let person = format!("71{number:014}");
    let text = match from {
        '>' => format!(r#"{{"sender":{{"id":"{person}"}},"recipient":{{"id":"{PAGE}"}},{members}}}"#),
        '<' => format!(r#"{{"sender":{{"id":"{PAGE}"}},"recipient":{{"id":"{person}"}},{members}}}"#),
        '?' => format!(r#"{{"sender":{{"user_ref":"ref-abc"}},"recipient":{{"id":"{PAGE}"}},{members}}}"#),
        'x' => format!(r#"{{"sender":{{"id":"../../x"}},"recipient":{{"id":"{PAGE}"}},{members}}}"#),
        '=' => format!(r#"{{"sender":{{"id":"{PAGE}"}},"recipient":{{"id":"{PAGE}"}},{members}}}"#),
        _ => format!(r#"{{"recipient":{{"id":"{PAGE}"}},{members}}}"#),
    };
    (person, text)
}

fn body(list: &str, items: &[String]) -> String {
    format!(r#"{{"object":"page","entry":[{{"id":"{PAGE}","time":1790000000123,"{list}":[{}]}}]}}"#, items.join(","))
}

async fn deliver(app: &TestApp, body: &str) {
    assert_eq!(app.facebook.deliver_raw(body.as_bytes()).await.unwrap(), 200);
    app.settle().await;
}

/// The event that came last.
struct Last {
    kind: String,
    person: Option<String>,
    reread: Option<String>,
    apart: Option<String>,
}

fn last(app: &TestApp) -> Last {
    app.journal_sql(|connection| {
        connection.query_row(
            "SELECT kind, conversation, reread, apart FROM events ORDER BY seq DESC LIMIT 1",
            [],
            |row| Ok(Last { kind: row.get(0)?, person: row.get(1)?, reread: row.get(2)?, apart: row.get(3)? }),
        )
    })
}

fn file(person: &str) -> String {
    format!("facebook/{PAGE}/conversations/{person}.json")
}

#[tokio::test]
async fn every_item_is_known_filed_under_its_person_and_opens_a_conversation_only_where_something_was_said() {
    for list in ["messaging", "standby"] {
        let app = TestApp::start().await;
        app.connect().await;
        let before = app.counts().await;
        for (number, (_, _, is, kind)) in ITEMS.into_iter().enumerate() {
            let (person, text) = item(number);
            deliver(&app, &body(list, std::slice::from_ref(&text))).await;
            let event = last(&app);
            assert_eq!((event.kind.as_str(), event.reread), (kind, None), "{text}");
            let expected = (is != Apart).then_some(person.as_str());
            assert_eq!((event.person.as_deref(), event.apart.is_some()), (expected, is == Apart), "{text}");
            let document = (is == Opening).then(|| format!("[\n{text}\n]\n"));
            assert_eq!(app.text(&file(&person)), document, "{text}");
        }
        let after = app.counts().await;
        let apart = ITEMS.iter().filter(|item| item.2 == Apart).count();
        assert_eq!((after.0 - before.0, after.1 - before.1), (51, i64::try_from(apart).unwrap()));
        // All of it once more, in one body: nothing is doubled.
        let all: Vec<String> = (0..ITEMS.len()).map(|number| item(number).1).collect();
        deliver(&app, &body(list, &all)).await;
        assert_eq!(app.counts().await, after);
        app.finish().await;
    }
}

#[tokio::test]
async fn what_happens_within_a_conversation_is_in_its_file_in_order_of_time() {
    let app = TestApp::start().await;
    app.connect().await;
    let person = "7000000000000001";
    // All items that name a person, as one person's. What is taken back has tests of its own.
    let mut items: Vec<(i64, String)> = Vec::new();
    for (number, (_, members, is, kind)) in ITEMS.into_iter().enumerate() {
        if is != Apart && kind != "unsend" {
            let (other, text) = item(number);
            let time =
                members.split(r#""timestamp":"#).nth(1).map_or("1790000000123", |rest| rest.split(',').next().unwrap());
            let time: i64 = time.trim_matches('"').parse().unwrap();
            items.push((if time < 100_000_000_000 { time * 1000 } else { time }, text.replace(&other, person)));
        }
    }
    // They come in another order than they happened.
    let texts: Vec<String> = items.iter().map(|(_, text)| text.clone()).collect();
    for part in texts.rchunks(7) {
        deliver(&app, &body("messaging", part)).await;
    }
    items.sort_by_key(|(time, _)| *time);
    let sorted = |text: &str| {
        let parsed: Vec<Value> = serde_json::from_str(text).unwrap();
        parsed.iter().map(|item| item["timestamp"].clone()).collect::<Vec<_>>()
    };
    let whole = app.text(&file(person)).unwrap();
    let expected = format!("[{}]", items.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(","));
    assert_eq!(sorted(&whole), sorted(&expected));
    for (_, text) in &items {
        assert_eq!(whole.matches(text.as_str()).count(), 1, "{text}");
    }
    // An edit stands behind what was said first.
    assert!(whole.find("GREEN").unwrap() > whole.find("bl\\u00fce").unwrap());
    app.finish().await;
}

#[tokio::test]
async fn what_concerns_the_page_leads_to_a_look_and_what_concerns_nobody_is_set_apart() {
    let change = |id: &str, field: &str, value: Value| {
        json!({"object": "page", "entry": [
        {"id": id, "time": 1_790_000_090, "changes": [{"field": field, "value": value}]}]})
    };
    let metadata = Some("metadata");
    let cases = [
        (change(PAGE, "name", json!("Demo Shop Berlin")), "change name", metadata),
        (change(PAGE, "hours", json!({"mon_1_open": "09:00"})), "change hours", metadata),
        (change(PAGE, "a_field_of_the_future", json!(null)), "change a_field_of_the_future", metadata),
        (
            json!({"object": "page", "entry": [{"id": PAGE, "time": 1_790_000_092, "changed_fields": ["name", "website"]}]}),
            "changed_fields",
            metadata,
        ),
        (change(PAGE, "feed", json!({"item": "comment", "verb": "add", "comment_id": "55_66"})), "change feed", None),
        (
            change(
                PAGE,
                "inbox_labels",
                json!({"user": {"id": "7000000000000001"}, "action": "add", "label": {"id": "88"}}),
            ),
            "change inbox_labels",
            None,
        ),
        (change(PAGE, "leadgen", json!({"leadgen_id": "1"})), "change leadgen", None),
        // The dashboard's button "Test".
        (change("0", "messages", json!({"message": {"mid": "test_message_id"}})), "change messages", None),
        (change("0", "name", json!("test")), "change name", None),
        (change(PAGE, "message_reads", json!({"read": {"watermark": "1"}})), "change message_reads", None),
        (change(PAGE, "standby", json!({})), "change standby", None),
        (
            json!({"object": "page", "entry": [{"id": PAGE, "time": 1_790_000_093, "messaging": [
                {"recipient": {"id": PAGE}, "timestamp": 1_790_000_081_000_i64, "policy-enforcement": {"action": "warning"}}]}]}),
            "policy_enforcement",
            Some("policy warning"),
        ),
        (
            json!({"object": "permissions", "entry": [{"id": "10150000000000001", "uid": "10150000000000001",
                "time": 1_790_000_095, "changes": [{"field": "pages_messaging", "verb": "revoked", "target_ids": [PAGE]}]}]}),
            "permissions",
            Some("watch"),
        ),
        (
            json!({"object": "permissions", "entry": [{"id": "10150000000000001", "uid": "10150000000000001",
                "time": 1_790_000_096, "changed_fields": ["pages_messaging"]}]}),
            "permissions",
            Some("person 10150000000000001"),
        ),
        (
            json!({"object": "user", "entry": [{"id": "1", "time": 1, "changed_fields": ["photos"]}]}),
            "object user",
            None,
        ),
        (json!({"object": "a".repeat(500), "entry": [7]}), "object aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", None),
    ];
    let app = TestApp::start().await;
    app.connect().await;
    for (body, kind, expected) in cases {
        let before = app.counts().await.0;
        for _ in 0..2 {
            deliver(&app, &body.to_string()).await;
        }
        assert_eq!(app.counts().await.0 - before, 1, "once: {body}");
        let event = last(&app);
        assert_eq!((event.kind.as_str(), event.person, event.reread.as_deref()), (kind, None, expected), "{body}");
        assert_eq!(event.apart.is_some(), expected.is_none(), "{body}");
    }
    assert!(!app.path(&format!("facebook/{PAGE}/conversations")).exists());
    app.finish().await;
}

#[tokio::test]
async fn a_label_that_is_given_twice_was_given_twice() {
    let app = TestApp::start().await;
    app.connect().await;
    let before = app.counts().await.0;
    for time in [1_790_000_094, 1_790_000_095, 1_790_000_095] {
        let body = json!({"object": "page", "entry": [{"id": PAGE, "time": time, "changes": [{"field": "inbox_labels",
            "value": {"user": {"id": "7000000000000001"}, "action": "add", "label": {"id": "88"}}}]}]});
        deliver(&app, &body.to_string()).await;
    }
    assert_eq!(app.counts().await.0 - before, 2);
    app.finish().await;
}
