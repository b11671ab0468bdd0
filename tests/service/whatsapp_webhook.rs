//! WhatsApp: from a delivery to the conversation's file and the feed. Many of these are the mistakes of a well-known guide,
//! put right.

use http::Method;
use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::shared::secrets::signature::{sign_sha256, to_hex};
use shoptalk::shared::settings::Problems;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::Bot;
use crate::test_app::TestApp;
use crate::whatsapp::{
    ADA, ADAS_NUMBER, BUSINESS, DIGITS, NOWHERE, NUMBER, PREVIOUS_SECRET, VERIFY_TOKEN, configure, conversation,
    deliver, deliver_items, delivery, ids, of_business, of_number, post, post_signed, sign, start,
};

/// The bytes of a batch as Meta sends one: two changes of one number, two senders, statuses, and another account.
const BATCH: &str = r#"{"object":"whatsapp_business_account","entry":[
  {"id":"210000000000001","changes":[
    {"field":"messages","value":{"messaging_product":"whatsapp",
      "metadata":{"display_phone_number":"15550100001","phone_number_id":"310000000000001"},
      "contacts":[{"profile":{"name":"Ada Perera"},"wa_id":"15550100777","user_id":"US.900000000000000001"},
                  {"profile":{"name":"Bo Lind","username":"@bolind"},"user_id":"SE.900000000000000002"}],
      "messages":[
        {"from":"15550100777","from_user_id":"US.900000000000000001","id":"wamid.TEST0101","timestamp":"1795219201","type":"text","text":{"body":"first"}},
        {"from_user_id":"SE.900000000000000002","id":"wamid.TEST0102","timestamp":"1795219202","type":"text","text":{"body":"second, other sender, no phone number"}},
        {"from":"15550100777","from_user_id":"US.900000000000000001","id":"wamid.TEST0103","timestamp":"1795219203","type":"image","image":{"id":"410000000000003","mime_type":"image/jpeg","sha256":"c2hhMjU2LXRlc3Q="}}]}},
    {"field":"messages","value":{"messaging_product":"whatsapp",
      "metadata":{"display_phone_number":"15550100001","phone_number_id":"310000000000001"},
      "contacts":[{"profile":{"name":"Ada Perera"},"wa_id":"15550100777","user_id":"US.900000000000000001"}],
      "statuses":[
        {"id":"wamid.TEST0900","status":"delivered","timestamp":"1795219204","recipient_id":"15550100777","recipient_user_id":"US.900000000000000001"},
        {"id":"wamid.TEST0900","status":"read","timestamp":"1795219205","recipient_id":"15550100777","recipient_user_id":"US.900000000000000001"}]}}]},
  {"id":"210000000000002","time":1795219206,"changes":[
    {"field":"message_template_status_update","value":{"event":"APPROVED","message_template_id":510000000000001,"message_template_name":"shipping_note","message_template_language":"en_US","reason":"NONE","message_template_category":"UTILITY"}}]}]}"#;

/// What a well-known guide says of WhatsApp and is wrong, and the test that holds what is right.
const MISTAKES: [(&str, &str); 26] = [
    ("graph.instagram.com", "the_graph_api_of_today_is_called_unless_told_otherwise"),
    ("version 18", "the_graph_api_of_today_is_called_unless_told_otherwise"),
    ("no signature", "a_delivery_is_taken_with_the_newer_signature_over_its_raw_bytes_only"),
    ("a challenge in quotes", "the_challenge_comes_back_unchanged_as_plain_text_for_the_right_token_only"),
    ("== and no token", "the_challenge_comes_back_unchanged_as_plain_text_for_the_right_token_only"),
    ("a field message_status", "the_app_subscribes_itself_to_the_account_and_again_when_that_is_lost"),
    ("no statuses", "statuses_are_events_and_no_entries_and_each_counts_once"),
    ("texts alone", "every_type_of_message_is_kept_as_it_came"),
    ("one name for everybody", "each_message_of_a_batch_belongs_to_its_own_sender"),
    ("the number as the only name", "a_changed_id_takes_the_old_file_over"),
    (
        "a conversation for each contact",
        "two_of_our_numbers_may_see_one_id_and_the_same_customer_has_two_conversations",
    ),
    ("the first message as the last", "the_list_tells_the_newest_message_and_not_the_first"),
    ("no key", "every_update_of_a_batch_is_an_event_and_it_is_answered_once"),
    ("work inside the request", "every_update_of_a_batch_is_an_event_and_it_is_answered_once"),
    ("a fault for the whole batch", "one_bad_item_costs_its_neighbours_nothing"),
    ("local time", "a_message_reaches_its_file_byte_for_byte_and_the_feed"),
    ("one owner for everything", "events_wait_until_it_is_known_whose_the_number_is"),
    ("the body thrown away", "a_message_reaches_its_file_byte_for_byte_and_the_feed"),
    ("http://localhost", "what_is_missing_or_no_public_address_stops_the_start"),
    ("no subscription of the account", "the_app_subscribes_itself_to_the_account_and_again_when_that_is_lost"),
    ("GET …/webhooks", "permissions_addresses_and_fields_that_are_missing_are_told"),
    ("tokens that renew themselves", "the_end_of_the_token_is_told_a_week_before_and_asked_for_once_a_day"),
    ("a number without a plus", "a_number_has_a_plus_and_a_template_begins_a_conversation_that_keeps_one_file"),
    ("no rule of 24 hours", "after_a_day_only_templates_go_and_the_platforms_word_counts_at_the_edge"),
    ("the first of a batch alone", "a_whole_batch_is_taken_and_a_bad_item_costs_its_neighbours_nothing"),
    ("settings at every request", "what_is_missing_or_no_public_address_stops_the_start"),
];

#[test]
fn every_mistake_of_the_guide_has_a_test() {
    let tests = [
        include_str!("whatsapp_webhook.rs"),
        include_str!("whatsapp_people.rs"),
        include_str!("whatsapp_send.rs"),
        include_str!("whatsapp_life.rs"),
        include_str!("facebook_webhook.rs"),
    ]
    .concat();
    let missing: Vec<_> = MISTAKES.iter().filter(|(_, test)| !tests.contains(&format!("fn {test}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn the_list_tells_the_newest_message_and_not_the_first() {
    let app = start().await;
    for (number, words) in ["the first", "the second", "the newest"].iter().enumerate() {
        deliver(&app, &delivery(NUMBER, &format!("wamid.{number}"), words)).await;
        let list = app.connect().await.for_pages().get(&format!("/conversations/whatsapp/{NUMBER}")).await.text();
        assert!(list.contains(words), "{list}");
        assert_eq!(list.contains("the first"), number == 0, "{list}");
    }
    app.finish().await;
}

const BO: &str = "SE.900000000000000002";

async fn challenge(app: &TestApp, query: &str) -> crate::test_app::Answer {
    app.browser().send(Method::GET, &format!("/whatsapp/webhook?{query}"), &[], b"").await
}

pub fn text(id: &str, at: u64, words: &str) -> Value {
    json!({"from": ADAS_NUMBER, "from_user_id": ADA, "id": id, "timestamp": at.to_string(), "type": "text", "text": {"body": words}})
}

pub fn said(from: Value, id: &str, words: &str) -> Value {
    let mut message = json!({"id": id, "timestamp": "1795219200", "type": "text", "text": {"body": words}});
    message.as_object_mut().unwrap().extend(from.as_object().unwrap().clone());
    message
}

#[tokio::test]
async fn a_message_reaches_its_file_byte_for_byte_and_the_feed() {
    let app = start().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let item = format!(
        r#"{{"from":"{ADAS_NUMBER}", "from_user_id":"{ADA}","id":"wamid.1","timestamp":"1795219200","type":"text","text":{{"body":"Caf\u00e9 \ud83d\ude00 900719925474099312345"}},"n":900719925474099312345}}"#
    );
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{BUSINESS}","changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"{NUMBER}"}},"messages":[{item}]}}}}]}}]}}"#
    );
    deliver(&app, &body).await;
    let file = app.text(&format!("whatsapp/{NUMBER}/conversations/{ADA}.json")).unwrap();
    assert_eq!(file, format!("[\n{item}\n]\n"));
    app.settle().await;
    let feed = bot.get("/api/v1/events?after=0&types=message").await.json();
    let event = &feed["events"][0];
    assert_eq!((event["kind"].as_str(), event["person"]["id"].as_str()), (Some("text"), Some(ADA)));
    assert_eq!((event["account"]["id"].as_str(), event["person"]["name"].as_str()), (Some(NUMBER), None));
    deliver(&app, &delivery(NUMBER, "wamid.2", "with my name")).await;
    let named = bot.get("/api/v1/events?after=0&types=message").await.json();
    assert_eq!(named["events"][1]["person"]["name"], "Ada Perera");
    assert_eq!((event["bot_may_answer"].as_bool(), event["platform_id"].as_str()), (Some(true), Some("wamid.1")));
    assert_eq!(event["at"], "2026-11-21T00:00:00.000Z", "seconds since 1970, UTC");
    app.finish().await;
}

#[tokio::test]
async fn every_update_of_a_batch_is_an_event_and_it_is_answered_once() {
    let app = start().await;
    let (before, apart, _) = app.counts().await;
    let answer = post(&app, BATCH.as_bytes()).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    assert_eq!(app.counts().await, (before + 6, apart, 0));
    app.settle().await;
    assert_eq!(ids(&app, ADA), ["wamid.TEST0101", "wamid.TEST0103"]);
    assert_eq!(ids(&app, BO), ["wamid.TEST0102"]);
    assert!(conversation(&app, ADAS_NUMBER).is_none());
    let names: Vec<(String, String)> = app.journal_sql(|connection| {
        let mut named = connection.prepare("SELECT conversation, name FROM threads ORDER BY conversation")?;
        named.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    });
    assert_eq!(names, [(BO.to_owned(), "Bo Lind".to_owned()), (ADA.to_owned(), "Ada Perera".to_owned())]);
    for _ in 0..2 {
        assert_eq!(post(&app, BATCH.as_bytes()).await.status, 200);
    }
    assert_eq!(app.counts().await.0, before + 6, "a repeat changes nothing");
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_is_taken_with_the_newer_signature_over_its_raw_bytes_only() {
    let app = start().await;
    let before = app.counts().await;
    let body = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","note":"caf\u00e9"}]}"#.as_bytes();
    let good = sign(body);
    let with = |secret: &str| format!("sha256={}", to_hex(&sign_sha256(secret.as_bytes(), body)));
    let encoded = "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"note\":\"café\"}]}";
    let refused: [&[(&str, &str)]; 7] = [
        &[],
        &[("x-hub-signature", &good)],
        &[("x-hub-signature", &good.replace("sha256", "sha1"))],
        &[("x-hub-signature-256", &good[..70])],
        &[("x-hub-signature-256", &sign(encoded.as_bytes()))],
        &[("x-hub-signature-256", &with(VERIFY_TOKEN))],
        &[("x-hub-signature-256", &good), ("x-hub-signature-256", &good)],
    ];
    for headers in refused {
        let answer = post_signed(&app, body, headers).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (401, 0), "{headers:?}");
    }
    assert_eq!(app.counts().await, before);
    for headers in [&[("x-hub-signature-256", good.as_str())], &[("x-hub-signature-256", &with(PREVIOUS_SECRET))]] {
        assert_eq!(post_signed(&app, body, headers).await.status, 200);
    }
    app.finish().await;
}

#[test]
fn the_signatures_of_the_platforms_own_bytes_are_these() {
    // Computed with another program, with the key "test-app-secret".
    for (body, digest) in [
        (
            r#"{"object":"whatsapp_business_account","entry":[]}"#,
            "c84a394cc475525991e78ff16e430b02e47f953877d2af0ade26956ce6f384dc",
        ),
        (
            r#"{"object":"whatsapp_business_account","entry":[{"id":"1","note":"caf\u00e9"}]}"#,
            "a2a70d555818a044a87defc9a00d9b9495aade8b9d2c0ae5e7c99e013aab75e4",
        ),
        (
            "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"note\":\"caf\u{e9}\"}]}",
            "d1d35f859ef106d719474b13b68de32bc456b7cbb868404c857ba9af17c91ca4",
        ),
    ] {
        assert_eq!(to_hex(&sign_sha256(b"test-app-secret", body.as_bytes())), digest);
    }
}

#[tokio::test]
async fn the_challenge_comes_back_unchanged_as_plain_text_for_the_right_token_only() {
    let app = start().await;
    let token = VERIFY_TOKEN.replace(' ', "+");
    for word in ["1795219200", "007", "12345678901234567890123", "a.B_c-9"] {
        let answer =
            challenge(&app, &format!("hub.mode=subscribe&hub.challenge={word}&hub.verify_token={token}")).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, word));
        assert!(answer.header("content-type").starts_with("text/plain"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    for query in [
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
        &format!("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={token}"),
        &format!("hub.mode=subscribe&hub.verify_token={token}"),
        &format!("hub.mode=subscribe&hub.challenge=%3Cb%3E&hub.verify_token={token}"),
        &format!("hub.challenge=1&hub.verify_token={token}"),
    ] {
        let answer = challenge(&app, query).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (403, 0), "{query}");
    }
    app.finish().await;
}

#[tokio::test]
async fn every_type_of_message_is_kept_as_it_came() {
    let app = start().await;
    let of = |number: usize, kind: &str, content: Value| {
        let id = format!("wamid.TYPE{number:04}");
        let mut message = said(json!({"from": ADAS_NUMBER, "from_user_id": ADA}), &id, "");
        message.as_object_mut().unwrap().remove("text");
        message["timestamp"] = json!((1_795_219_200 + number).to_string());
        message["type"] = json!(kind);
        message.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
        message
    };
    let contents = [
        ("text", json!({"text": {"body": "yes, that one"}, "context": {"from": DIGITS, "id": "wamid.OUT0001"}})),
        ("text", json!({"text": {"body": "pass it on"}, "context": {"frequently_forwarded": true}})),
        (
            "text",
            json!({"text": {"body": "in green?"}, "context": {"referred_product": {"catalog_id": "61", "product_retailer_id": "sku-77"}}}),
        ),
        (
            "text",
            json!({"text": {"body": "more"}, "referral": {"source_type": "ad", "source_id": "71", "headline": "Offer"}}),
        ),
        (
            "image",
            json!({"image": {"id": "41", "mime_type": "image/jpeg", "sha256": "eA==", "caption": "broken corner"}}),
        ),
        ("audio", json!({"audio": {"id": "42", "mime_type": "audio/ogg; codecs=opus", "voice": true}})),
        ("video", json!({"video": {"id": "43", "caption": "see the noise"}})),
        ("document", json!({"document": {"id": "44", "filename": "invoice 12.pdf"}})),
        ("sticker", json!({"sticker": {"id": "45", "animated": false}})),
        ("location", json!({"location": {"latitude": 6.9271, "longitude": 79.8612, "name": "Harbour Cafe"}})),
        ("contacts", json!({"contacts": [{"phones": [{"phone": "+1 555-010-0888", "wa_id": "15550100888"}]}]})),
        (
            "interactive",
            json!({"interactive": {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}}),
        ),
        (
            "interactive",
            json!({"interactive": {"type": "nfm_reply", "nfm_reply": {"body": "Sent", "response_json": "{}"}}}),
        ),
        ("interactive", json!({})),
        ("button", json!({"button": {"payload": "stop", "text": "Stop"}})),
        ("reaction", json!({"reaction": {"message_id": "wamid.TYPE0000", "emoji": "👍"}})),
        ("reaction", json!({"reaction": {"message_id": "wamid.TYPE0000"}})),
        (
            "order",
            json!({"order": {"catalog_id": "61", "product_items": [{"product_retailer_id": "sku-77", "quantity": 2, "item_price": 12.5}]}}),
        ),
        (
            "system",
            json!({"system": {"type": "customer_identity_changed", "body": "User identity changed"}, "identity": {"hash": "eA=="}}),
        ),
        ("unsupported", json!({"errors": [{"code": 131_051}], "unsupported": {"type": "poll_creation"}})),
        (
            "edit",
            json!({"edit": {"original_message_id": "wamid.TYPE0000", "message": {"type": "text", "text": {"body": "green"}}}}),
        ),
        ("request_welcome", json!({})),
        ("a type of next year", json!({"surprise": [1, null, {"a": "b"}]})),
    ];
    let items: Vec<Value> =
        contents.into_iter().enumerate().map(|(number, (kind, more))| of(number, kind, more)).collect();
    deliver_items(&app, "messages", &items).await;
    assert_eq!(conversation(&app, ADA).unwrap(), items);
    assert_eq!(app.counts().await.1, 0, "nothing is set aside");
    app.finish().await;
}

#[tokio::test]
async fn statuses_are_events_and_no_entries_and_each_counts_once() {
    let app = start().await;
    deliver(&app, &delivery(NUMBER, "wamid.1", "hello")).await;
    let (before, ..) = app.counts().await;
    let status = |word: &str, more: Value| {
        let mut status =
            json!({"id": "wamid.OUT", "status": word, "timestamp": "1795219300", "recipient_user_id": ADA});
        status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        status
    };
    let group = json!({"recipient_type": "group", "recipient_id": "GROUPTEST01"});
    let participant = |id: &str| {
        let mut more = group.clone();
        more["recipient_participant_id"] = json!(id);
        more
    };
    // Out of order, repeated, of a group by participant, and of messages that nobody here sent.
    let statuses = [
        status("read", json!({})),
        status("delivered", json!({})),
        status("sent", json!({"pricing": {"billable": true}})),
        status("played", json!({})),
        status("failed", json!({"errors": [{"code": 131_026}]})),
        status("read", json!({})),
        status("read", participant("15550100777")),
        status("read", participant("15550100778")),
        status("read", participant("15550100777")),
    ];
    deliver_items(&app, "statuses", &statuses).await;
    assert_eq!(app.counts().await, (before + 7, 0, 0));
    assert_eq!(ids(&app, ADA), ["wamid.1"]);
    assert!(conversation(&app, "group-GROUPTEST01").is_none());
    app.finish().await;
}

#[tokio::test]
async fn two_of_our_numbers_may_see_one_id_and_the_same_customer_has_two_conversations() {
    const OTHER: &str = "310000000000002";
    let app = start().await;
    let (all, apart, _) = app.counts().await;
    deliver(&app, &delivery(NUMBER, "wamid.1", "to the first")).await;
    deliver(&app, &delivery(OTHER, "wamid.1", "to the second")).await;
    assert_eq!(app.counts().await, (all + 2, apart + 1, 0), "a number that nobody connected is set aside");
    assert_eq!(ids(&app, ADA), ["wamid.1"]);
    app.shared().journal.connect_account("whatsapp", OTHER).await.unwrap();
    app.settle().await;
    let second = app.json(&format!("whatsapp/{OTHER}/conversations/{ADA}.json"));
    assert_eq!(second[0]["text"]["body"], "to the second");
    assert_eq!(conversation(&app, ADA).unwrap()[0]["text"]["body"], "to the first");
    app.finish().await;
}

#[tokio::test]
async fn each_message_of_a_batch_belongs_to_its_own_sender() {
    let app = start().await;
    let contacts = json!([
        {"profile": {"name": "Bo Lind"}, "user_id": BO},
        {"profile": {"name": "Ada Perera"}, "wa_id": ADAS_NUMBER, "user_id": ADA},
    ]);
    let messages = json!([
        // Known by the number alone: the contact says who has it.
        said(json!({"from": ADAS_NUMBER}), "wamid.ADA", "from Ada"),
        said(json!({"from": "", "from_user_id": BO}), "wamid.BO", "from Bo"),
        said(json!({"from": "4655501009"}), "wamid.NUMBER", "from a number"),
        said(json!({"from": ADAS_NUMBER, "from_user_id": ADA, "group_id": "GROUPTEST01"}), "wamid.GROUP", "hello all"),
        said(json!({}), "wamid.NOBODY", "from nobody"),
        said(json!({"from": "../../x", "from_user_id": "US./../x"}), "wamid.EVIL", "from outside"),
        said(json!({"from": "1", "group_id": "../../x"}), "wamid.FOLDER", "to another folder"),
    ]);
    deliver(&app, &of_number(NUMBER, "messages", &json!({"contacts": contacts, "messages": messages}))).await;
    assert_eq!(ids(&app, ADA), ["wamid.ADA"]);
    assert_eq!(ids(&app, BO), ["wamid.BO"]);
    assert_eq!(ids(&app, "4655501009"), ["wamid.NUMBER"]);
    assert_eq!(ids(&app, "group-GROUPTEST01"), ["wamid.GROUP"]);
    assert_eq!(ids(&app, "group-b-Li4vLi4veA"), ["wamid.FOLDER"]);
    assert_eq!(app.counts().await.1, 2, "who names nobody is set aside");
    let folder = std::fs::read_dir(app.path(&format!("whatsapp/{NUMBER}/conversations"))).unwrap();
    assert_eq!(folder.count(), 5, "hostile ids never meet another's file");
    app.finish().await;
}

#[tokio::test]
async fn one_bad_item_costs_its_neighbours_nothing() {
    let app = start().await;
    let (all, apart, _) = app.counts().await;
    let good = |id: &str| text(id, 1_795_219_200, "good").to_string();
    let items = format!(
        r#"{},17,null,{{}},"x",{{"from":"{ADAS_NUMBER}","id":"wamid.untimed","type":"text"}},{}"#,
        good("wamid.a"),
        good("wamid.b")
    );
    let mut body =
        of_number(NUMBER, "messages", &json!({ "messages": ["ITEMS"] })).replace("\"ITEMS\"", &items).into_bytes();
    // A byte that is no UTF-8 inside the first message.
    let at = body.windows(6).position(|window| window == b"\"good\"").unwrap() + 1;
    body[at] = 0xff;
    assert_eq!(post(&app, &body).await.status, 200);
    app.settle().await;
    assert_eq!(app.counts().await, (all + 7, apart + 5, 0));
    let mut found = ids(&app, ADA);
    found.sort();
    assert_eq!(found, ["wamid.b", "wamid.untimed"]);
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_delivery_is_kept_and_answered_200() {
    let app = start().await;
    for body in [
        &b"[]"[..],
        b"{",
        b"\xff\xfe",
        br#"{"object":"whatsapp_business_account"}"#,
        br#"{"object":"whatsapp_business_account","entry":[]}"#,
        br#"{"object":"whatsapp_business_account","entry":[7,{"id":"1"},{"id":"1","changes":[7,{"field":"messages"}]}]}"#,
        br#"{"object":"page","entry":[{"id":"1","messaging":[]}]}"#,
    ] {
        let (all, apart, _) = app.counts().await;
        assert_eq!(post(&app, body).await.status, 200, "{body:?}");
        let (now, now_apart, _) = app.counts().await;
        assert!(now > all && now - all == now_apart - apart, "{body:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn fields_of_the_account_and_unknown_ones_are_kept_once() {
    let app = start().await;
    let (all, apart, _) = app.counts().await;
    let changes = json!([
        {"field": "message_template_status_update", "value": {"event": "REJECTED", "message_template_id": 51, "reason": null}},
        {"field": "message_template_quality_update", "value": {"new_quality_score": "YELLOW"}},
        {"field": "account_alerts", "value": {"entity_type": "BUSINESS", "alert_info": {"alert_severity": "WARNING"}}},
        {"field": "account_update", "value": {"event": "ACCOUNT_RESTRICTION"}},
        {"field": "phone_number_quality_update", "value": {"display_phone_number": DIGITS, "event": "FLAGGED"}},
        {"field": "flows", "value": {"event": "FLOW_STATUS_CHANGE"}},
    ]);
    for _ in 0..2 {
        deliver(&app, &of_business(&changes)).await;
    }
    assert_eq!(app.counts().await, (all + 6, apart + 1, 0));
    let of_number = of_number(NUMBER, "smb_app_state_sync", &json!({"state_sync": [{"type": "contact"}]}));
    deliver(&app, &of_number).await;
    let errors = json!({"errors": [{"code": 130_429, "error_data": {"details": "Throughput reached"}}]});
    deliver(&app, &crate::whatsapp::of_number(NUMBER, "messages", &errors)).await;
    assert_eq!(app.counts().await, (all + 8, apart + 3, 0));
    app.finish().await;
}

#[tokio::test]
async fn what_the_phone_sends_and_what_other_partners_see_is_in_the_file_and_told_apart() {
    let app = start().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let at = app.clock.now().timestamp();
    let hello = text("wamid.1", at.unsigned_abs(), "hello");
    deliver_items(&app, "messages", &[hello]).await;
    let echo = json!({"from": DIGITS, "to": ADAS_NUMBER, "to_user_id": ADA, "id": "wamid.ECHO", "timestamp": (at + 1).to_string(),
                      "type": "text", "text": {"body": "sent from the phone app"}});
    deliver(&app, &of_number(NUMBER, "smb_message_echoes", &json!({ "message_echoes": [echo] }))).await;
    assert_eq!(ids(&app, ADA), ["wamid.1", "wamid.ECHO"]);
    let path = format!("/api/v1/whatsapp/{NUMBER}/conversations/{ADA}");
    let shown = bot.get(&path).await.json();
    assert_eq!((shown["reason"].as_str(), shown["pause"]["by"].as_str()), (Some("human"), Some("human")));

    // Another partner has the thread now: we only see copies.
    let seen = text("wamid.2", (at + 2).unsigned_abs(), "to somebody else");
    let status = json!({"id": "wamid.X", "status": "delivered", "timestamp": "1795219204", "recipient_user_id": ADA});
    let standby = json!({"standby": {"messages": [seen], "statuses": [status]}});
    deliver(&app, &of_number(NUMBER, "standby", &standby)).await;
    assert_eq!(ids(&app, ADA), ["wamid.1", "wamid.ECHO", "wamid.2"]);
    assert_eq!(bot.get(&path).await.json()["reason"], "not_owner");
    let passed = json!({"type": "control_passed", "timestamp": (at + 3).to_string(), "sender": {"phone_number": format!("+{ADAS_NUMBER}")},
                        "control_passed": {"previous_owner_role": "ai_agent", "new_owner_role": "customer_service"}});
    deliver(&app, &of_number(NUMBER, "messaging_handovers", &passed)).await;
    assert_eq!(bot.get(&path).await.json()["reason"], "human", "it is ours again, and a human still answers");
    app.finish().await;
}

#[tokio::test]
async fn calls_open_the_window_and_are_no_entries() {
    let app = start().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let at = app.clock.now().timestamp();
    let call = json!({"id": "wacid.1", "from": ADAS_NUMBER, "from_user_id": ADA, "to": DIGITS, "event": "connect",
                      "direction": "USER_INITIATED", "timestamp": at.to_string()});
    deliver(&app, &of_number(NUMBER, "calls", &json!({ "calls": [call] }))).await;
    assert!(conversation(&app, ADA).is_none());
    let shown = bot.get(&format!("/api/v1/whatsapp/{NUMBER}/conversations/{ADA}")).await.json();
    assert_eq!(shown["window"]["state"], "open");
    assert_eq!(shown["window"]["allowed"], json!(["free", "template"]));
    app.finish().await;
}

#[tokio::test]
async fn chats_of_the_phone_before_come_as_history_of_which_bots_are_not_told() {
    let app = start().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let messages = json!([
        {"from": ADAS_NUMBER, "id": "wamid.H1", "timestamp": "1790000000", "type": "text", "text": {"body": "old"}},
        {"from": DIGITS, "to": ADAS_NUMBER, "id": "wamid.H2", "timestamp": "1790000001", "type": "text", "text": {"body": "answer"}},
    ]);
    let history = json!({"history": [{"metadata": {"phase": 0, "progress": 55}, "threads": [{"id": ADAS_NUMBER, "messages": messages}]}]});
    deliver(&app, &of_number(NUMBER, "history", &history)).await;
    assert_eq!(ids(&app, ADA), ["wamid.H1", "wamid.H2"]);
    app.settle().await;
    assert_eq!(bot.get("/api/v1/events?after=0").await.json()["events"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn what_is_taken_back_leaves_who_when_and_the_id() {
    let app = start().await;
    deliver(&app, &delivery(NUMBER, "wamid.1", "a secret that was not meant for you")).await;
    let mut revoke = text("wamid.2", 1_795_219_210, "");
    revoke.as_object_mut().unwrap().remove("text");
    revoke["type"] = json!("revoke");
    revoke["revoke"] = json!({"original_message_id": "wamid.1"});
    deliver_items(&app, "messages", std::slice::from_ref(&revoke)).await;
    let left = json!({"from": ADAS_NUMBER, "from_user_id": ADA, "id": "wamid.1", "timestamp": "1795219200", "type": "text",
                      "is_deleted": true});
    assert_eq!(conversation(&app, ADA).unwrap(), [left, revoke]);
    app.finish().await;
}

#[tokio::test]
async fn who_takes_a_message_back_takes_its_edits_back_too() {
    let app = start().await;
    let at = 1_795_219_210;
    let of = |id: &str, kind: &str, inner: Value| {
        let mut item = text(id, at, "");
        item.as_object_mut().unwrap().remove("text");
        item["type"] = json!(kind);
        item[kind] = inner;
        item
    };
    let edit = |id: &str, words: &str| {
        let message = json!({"type": "text", "text": {"body": words}});
        of(id, "edit", json!({"original_message_id": "wamid.1", "message": message}))
    };
    deliver(&app, &delivery(NUMBER, "wamid.1", "a secret")).await;
    deliver_items(&app, "messages", &[edit("wamid.2", "the same secret")]).await;
    assert_eq!(conversation(&app, ADA).unwrap()[1]["edit"]["message"]["text"]["body"], "the same secret");
    let revoke = of("wamid.3", "revoke", json!({"original_message_id": "wamid.1"}));
    // The last edit comes late.
    deliver_items(&app, "messages", &[revoke]).await;
    deliver_items(&app, "messages", &[edit("wamid.4", "still the secret")]).await;
    let file = app.text(&format!("whatsapp/{NUMBER}/conversations/{ADA}.json")).unwrap();
    assert!(!file.contains("secret"), "{file}");
    assert_eq!(ids(&app, ADA), ["wamid.1", "wamid.2", "wamid.3", "wamid.4"]);
    app.finish().await;
}

#[tokio::test]
async fn a_thread_may_go_the_same_way_twice_and_the_word_for_it_may_be_missing() {
    let app = start().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let at = app.clock.now().timestamp();
    deliver_items(&app, "messages", &[text("wamid.1", at.unsigned_abs(), "hello")]).await;
    // As it was observed: no metadata, no name of the new owner's app, and no time of its own.
    let moved = |way: &str, after: i64| {
        let mut value = json!({"recipient": {"phone_number_id": NUMBER, "display_phone_number": DIGITS},
                               "sender": {"phone_number": ADAS_NUMBER}});
        value[way] = json!({"previous_owner_app_role": "meta_business_agent"});
        let entry =
            json!({"id": BUSINESS, "time": at + after, "changes": [{"field": "messaging_handovers", "value": value}]});
        json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string()
    };
    let path = format!("/api/v1/whatsapp/{NUMBER}/conversations/{ADA}");
    for (way, after, is_lost) in [
        ("control_taken", 1, true),
        ("control_passed", 2, false),
        ("control_taken", 3, true),
        ("control_taken", 3, true),
        ("control_passed", 4, false),
    ] {
        deliver(&app, &moved(way, after)).await;
        assert_eq!(bot.get(&path).await.json()["reason"] == "not_owner", is_lost, "{way} {after}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_another_partner_sent_is_in_the_file_also_where_the_copy_holds_the_call() {
    let app = start().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let at = app.clock.now().timestamp();
    deliver_items(&app, "messages", &[text("wamid.1", at.unsigned_abs(), "hello")]).await;
    let echo = json!({"id": "wamid.AGENT", "timestamp": (at + 1).to_string(),
                      "message": {"to": ADAS_NUMBER, "recipient": ADAS_NUMBER, "recipient_type": "individual", "type": "text",
                                  "text": {"body": "A Business AI answer"}}});
    deliver(&app, &of_number(NUMBER, "standby", &json!({"standby": {"message_echoes": [echo]}}))).await;
    assert_eq!(ids(&app, ADA), ["wamid.1", "wamid.AGENT"]);
    let path = format!("/api/v1/whatsapp/{NUMBER}/conversations/{ADA}?history=2");
    let shown = bot.get(&path).await.json();
    assert_eq!(shown["reason"], "not_owner");
    let last = &shown["messages"][1];
    assert_eq!((last["by"].as_str(), last["text"].as_str()), (Some("app"), Some("A Business AI answer")));
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_known_beside_what_is_known_is_kept_too() {
    let app = start().await;
    let (all, apart, _) = app.counts().await;
    let known = text("wamid.1", 1_795_219_200, "hello");
    let value =
        json!({"messages": [known], "polls": [{"id": "p1", "votes": 3}], "nothing": [], "less": null, "flag": true});
    let mut delivery: Value = serde_json::from_str(&of_number(NUMBER, "messages", &value)).unwrap();
    delivery["entry"][0]["changes"][0]["routing"] = json!({"role": "utility"});
    delivery["entry"][0]["news"] = json!("for whoever reads it");
    for _ in 0..2 {
        deliver(&app, &delivery.to_string()).await;
    }
    assert_eq!(app.counts().await, (all + 4, apart + 3, 0));
    assert_eq!(ids(&app, ADA), ["wamid.1"]);
    let kept: Vec<String> = app.journal_sql(|connection| {
        let mut found = connection.prepare(
            "SELECT kind || ' ' || CAST(payload AS TEXT) FROM events WHERE kind LIKE 'member %' ORDER BY kind",
        )?;
        found.query_map([], |row| row.get(0))?.collect()
    });
    assert_eq!(
        kept,
        [
            "member news \"for whoever reads it\"",
            r#"member polls [{"id":"p1","votes":3}]"#,
            r#"member routing {"role":"utility"}"#
        ]
    );
    // A part of a history that could not be shared is no reason to forget what could.
    let old = json!({"from": ADAS_NUMBER, "id": "wamid.H1", "timestamp": "1790000000", "type": "text", "text": {"body": "old"}});
    let history = json!({"history": [{"threads": [{"id": ADAS_NUMBER, "messages": [old]}]},
                                     {"errors": [{"code": 2_593_109, "title": "History sync is turned off"}]}]});
    deliver(&app, &of_number(NUMBER, "history", &history)).await;
    assert_eq!(app.counts().await, (all + 6, apart + 4, 0));
    app.finish().await;
}

#[tokio::test]
async fn events_wait_until_it_is_known_whose_the_number_is() {
    let app = TestApp::start_with(|config| configure(config, NOWHERE)).await;
    deliver(&app, &delivery(NUMBER, "wamid.1", "before anybody came")).await;
    assert_eq!((app.counts().await.1, conversation(&app, ADA)), (1, None));
    app.connect().await;
    app.settle().await;
    assert_eq!(ids(&app, ADA), ["wamid.1"]);
    let [connection] = app.connections("whatsapp").await.try_into().unwrap();
    assert_eq!(connection["account"], NUMBER);
    app.finish().await;
}

fn read(variables: &[(&str, &str)]) -> Result<Config, Problems> {
    let all: Vec<(&str, &str)> = [
        ("WHATSAPP_PHONE_NUMBER_ID", "310000000000001"),
        ("WHATSAPP_ACCESS_TOKEN", "hush-whatsapp-token"),
        ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "hush-whatsapp-verify"),
        ("WHATSAPP_APP_SECRET", "hush-whatsapp-secret"),
        ("PUBLIC_URL", "https://abc.ngrok.app"),
    ]
    .into_iter()
    .filter(|(name, _)| !variables.iter().any(|(other, _)| other == name))
    .chain(variables.iter().copied().filter(|(_, value)| !value.is_empty()))
    .collect();
    Config::read(&|name| all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

fn refused(variables: &[(&str, &str)]) -> Vec<String> {
    read(variables).expect_err("a refusal").0.into_iter().map(|problem| problem.name).collect()
}

#[test]
fn the_graph_api_of_today_is_called_unless_told_otherwise() {
    let section = read(&[]).unwrap().whatsapp.unwrap();
    assert_eq!(section.graph_url.as_str(), "https://graph.facebook.com/");
    assert_eq!(section.graph_version, "v26.0");
    assert_eq!(section.webhook_address.as_str(), "https://abc.ngrok.app/whatsapp/webhook");
}

#[test]
fn what_is_missing_or_no_public_address_stops_the_start() {
    assert_eq!(refused(&[("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "")]), ["WHATSAPP_WEBHOOK_VERIFY_TOKEN"]);
    assert_eq!(refused(&[("WHATSAPP_ACCESS_TOKEN", "")]), ["WHATSAPP_ACCESS_TOKEN"]);
    assert_eq!(refused(&[("WHATSAPP_PHONE_NUMBER_ID", "+1 555")]), ["WHATSAPP_PHONE_NUMBER_ID"]);
    assert_eq!(refused(&[("WHATSAPP_PHONE_NUMBER", "call me")]), ["WHATSAPP_PHONE_NUMBER"]);
    assert_eq!(
        refused(&[("WHATSAPP_WEBHOOK_ADDRESS", "http://shop.example/whatsapp/webhook")]),
        ["WHATSAPP_WEBHOOK_ADDRESS"]
    );
    assert_eq!(refused(&[("WHATSAPP_APP_SECRET", "")]), ["WHATSAPP_APP_SECRET"]);
    let number = read(&[("WHATSAPP_PHONE_NUMBER", "+1 (555) 010-0001")]).unwrap().whatsapp.unwrap().number;
    assert_eq!(number.as_deref(), Some(DIGITS));
}

#[test]
fn one_app_may_serve_facebook_too() {
    let facebook = [
        ("FACEBOOK_APP_ID", "900000000000001"),
        ("FACEBOOK_APP_SECRET", "hush-facebook-secret"),
        ("FACEBOOK_APP_SECRET_PREVIOUS", "hush-facebook-before"),
        ("FACEBOOK_VERIFY_TOKEN", "hush-facebook-verify"),
    ];
    let with = |own: (&'static str, &'static str)| read(&[&facebook[..], &[own]].concat()).unwrap().whatsapp.unwrap();
    for own in [("WHATSAPP_APP_SECRET", ""), ("WHATSAPP_APP_SECRET", "hush-facebook-secret")] {
        assert_eq!(with(own).app_id.get().map(String::as_str), Some("900000000000001"), "{own:?}");
    }
    let fallen_back = with(("WHATSAPP_APP_SECRET", ""));
    assert!(fallen_back.app_secret.previous_uses().is_some(), "the one before it as well");
    let other = with(("WHATSAPP_APP_SECRET", "hush-whatsapp-secret"));
    assert_eq!((other.app_id.get(), other.app_secret.previous_uses()), (None, None), "another app");
}
