//! The simulated WhatsApp.

use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::shared::channel::simulator::{Failure, SendFailure, Webhooks};
use shoptalk::whatsapp;

use super::*;

struct WhatsApp {
    ear: Ear,
    sandbox: whatsapp::sandbox::Sandbox,
    shop: whatsapp::sandbox::Number,
    ada: whatsapp::sandbox::Person,
    token: String,
}

const NUMBER: &str = "310000000000001";

impl WhatsApp {
    /// Ada has written.
    async fn start() -> Self {
        let ear = Ear::new().await;
        let options = whatsapp::sandbox::Options {
            app_id: "900000000000001".to_owned(),
            app_secret: "test-app-secret".to_owned(),
            now: ear.now(),
        };
        let sandbox = whatsapp::sandbox::Sandbox::start(options).await.unwrap();
        let shop = sandbox.add_number("210000000000001", NUMBER, "15550100001", "Harbour Cafe");
        sandbox.set_callback(&ear.address(), "right").await.unwrap();
        shop.subscribe_app();
        let (ada, token) = (shop.person("15550100777", "Ada Perera"), sandbox.system_user_token());
        assert_eq!(ada.writes("Is the blue one in stock?").await.answers, [200]);
        Self { ear, sandbox, shop, ada, token }
    }

    fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        let url = format!("{}/v26.0/{NUMBER}/messages", self.sandbox.url());
        self.ear.http.post(url).bearer_auth(&self.token).json(body)
    }

    async fn send(&self, kind: &str, content: Value) -> (u16, Value) {
        answered(self.post(&to_ada(kind, content))).await
    }

    async fn say(&self, text: &str) -> (u16, Value) {
        self.send("text", json!({ "body": text })).await
    }

    /// The statuses that were delivered, in order.
    async fn statuses(&self) -> Vec<Value> {
        self.sandbox.settled().await;
        let values = self.ear.heard().into_iter().map(|body| body["entry"][0]["changes"][0]["value"].clone());
        values.flat_map(|value| value["statuses"].as_array().cloned().unwrap_or_default()).collect()
    }
}

fn to_ada(kind: &str, content: Value) -> Value {
    let mut body = json!({"messaging_product": "whatsapp", "to": "+15550100777", "type": kind, "biz_opaque_callback_data": "msg_1:1"});
    body[kind] = content;
    body
}

#[tokio::test]
async fn whatsapp_delivers_signed_messages_and_statuses_that_carry_the_mark_and_the_price() {
    let whatsapp = WhatsApp::start().await;
    let request = whatsapp.ear.hook.received().pop().unwrap();
    let signature = format!("sha256={}", hmac_hex("test-app-secret", &request.body));
    assert_eq!(request.headers["x-hub-signature-256"], signature.as_str());
    let value = whatsapp.ear.heard().pop().unwrap()["entry"][0]["changes"][0]["value"].clone();
    assert_eq!(value["metadata"], json!({"display_phone_number": "15550100001", "phone_number_id": NUMBER}));
    assert_eq!(value["contacts"][0]["user_id"], value["messages"][0]["from_user_id"]);
    assert_eq!(value["messages"][0]["timestamp"], whatsapp.ear.clock.now().timestamp().to_string());

    let (status, answer) = whatsapp.say("Yes, three left.").await;
    assert_eq!((status, &answer["contacts"]), (200, &json!([{"input": "+15550100777", "wa_id": "15550100777"}])));
    let id = &answer["messages"][0]["id"];
    whatsapp.sandbox.settled().await;
    whatsapp.ada.reads().await;
    let statuses = whatsapp.statuses().await;
    let names: Vec<&str> = statuses.iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(names, ["sent", "delivered", "read"]);
    assert!(statuses.iter().all(|one| &one["id"] == id && one["biz_opaque_callback_data"] == "msg_1:1"));
    assert_eq!(statuses[0]["pricing"]["type"], "free_customer_service");
    assert_eq!((statuses[1].get("pricing").is_some(), statuses[2].get("pricing")), (true, None));
    assert_eq!(whatsapp.ada.received_texts(), ["Yes, three left."]);
    assert!(whatsapp.sandbox.traffic().unknown().is_empty());
}

#[tokio::test]
async fn whatsapp_takes_free_messages_for_24_hours_and_tells_by_code() {
    let whatsapp = WhatsApp::start().await;
    let code = |answer: (u16, Value)| (answer.0, answer.1["error"]["code"].as_i64().unwrap_or_default());
    whatsapp.ear.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(whatsapp.say("still open").await.0, 200);
    whatsapp.ear.clock.advance(Duration::from_secs(1));
    let (status, answer) = whatsapp.say("closed").await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(131_047)));
    assert_eq!(answer["error"]["error_data"]["messaging_product"], "whatsapp");
    whatsapp.ada.writes("open again").await;
    whatsapp.sandbox.set_refuses_late(true);
    whatsapp.ada.blocks();
    assert_eq!(whatsapp.say("blocked").await.0, 200, "the platform finds out after it answered");
    let failed = whatsapp.statuses().await.pop().unwrap();
    assert_eq!((&failed["status"], &failed["errors"][0]["code"]), (&json!("failed"), &json!(131_026)));
    assert_eq!(failed.get("recipient_user_id"), None);
    whatsapp.ada.unblocks();
    whatsapp.sandbox.kill_tokens();
    assert_eq!(code(whatsapp.say("dead token").await), (401, 190));
}

#[tokio::test]
async fn whatsapp_reads_numbers_without_a_plus_as_its_own_country_and_user_ids_as_recipients() {
    let whatsapp = WhatsApp::start().await;
    whatsapp.ada.hides_number("@ada");
    let mut body = to_ada("text", json!({"body": "by user id"}));
    body.as_object_mut().unwrap().remove("to");
    body["recipient"] = whatsapp.ada.user_id().into();
    let (_, answer) = answered(whatsapp.post(&body)).await;
    assert_eq!(answer["contacts"], json!([{"input": whatsapp.ada.user_id(), "user_id": whatsapp.ada.user_id()}]));
    assert!(whatsapp.statuses().await.iter().all(|one| one.get("recipient_id").is_none()));
    body["to"] = "15550100777".into();
    let (_, answer) = answered(whatsapp.post(&body)).await;
    assert_eq!(answer["contacts"][0]["wa_id"], "115550100777", "to wins, and is read as a number of the own country");
    assert_eq!(whatsapp.statuses().await.pop().unwrap()["errors"][0]["code"], 131_026);
    assert_eq!(whatsapp.ada.received_texts(), ["by user id"]);
}

#[tokio::test]
async fn whatsapp_holds_back_a_pair_after_45_messages_and_a_number_after_80_a_second() {
    let whatsapp = WhatsApp::start().await;
    for n in 0..45 {
        assert_eq!(whatsapp.say(&n.to_string()).await.0, 200, "{n}");
    }
    assert_eq!(whatsapp.say("one too many").await.1["error"]["code"], 131_056);
    let bo = whatsapp.shop.person("46555010099", "Bo Lind");
    bo.writes("hej").await;
    let mut body = to_ada("text", json!({"body": "x"}));
    body["to"] = "+46555010099".into();
    let mut codes = Vec::new();
    for _ in 0..34 {
        codes.push(answered(whatsapp.post(&body)).await.1["error"]["code"].as_i64());
    }
    // Two came in, 45 went to the first, so 33 are left of this second.
    assert_eq!(codes[..33], [None; 33]);
    assert_eq!(codes[33], Some(130_429));
    whatsapp.ear.clock.advance(Duration::from_secs(6));
    assert_eq!(whatsapp.say("one more").await.0, 200);
}

#[tokio::test]
async fn whatsapp_buttons_lists_and_carousels_have_limits_and_taps_quote_them() {
    let whatsapp = WhatsApp::start().await;
    let button = |id: &str, title: &str| json!({"type": "reply", "reply": {"id": id, "title": title}});
    let buttons =
        |list: Vec<Value>| json!({"type": "button", "body": {"text": "Shall I?"}, "action": {"buttons": list}});
    let (_, answer) = whatsapp.send("interactive", buttons(vec![button("Y", "Yes"), button("N", "No")])).await;
    let tapped = whatsapp.ada.taps("Yes").await.unwrap();
    assert_eq!(
        tapped.item["interactive"],
        json!({"type": "button_reply", "button_reply": {"id": "Y", "title": "Yes"}})
    );
    assert_eq!(tapped.item["context"], json!({"from": "15550100001", "id": answer["messages"][0]["id"]}));
    let four = (0..4).map(|n| button(&n.to_string(), &n.to_string())).collect();
    assert_eq!(whatsapp.send("interactive", buttons(four)).await.1["error"]["code"], 131_009);
    let long = buttons(vec![button("Y", "A title of 21 signs …")]);
    assert_eq!(whatsapp.send("interactive", long).await.0, 400);
    assert_eq!(whatsapp.send("interactive", buttons(vec![button("1", "Same"), button("2", "Same")])).await.0, 400);

    let rows: Vec<Value> = (1..=10).map(|n| json!({"id": format!("row-{n}"), "title": format!("Row {n}")})).collect();
    let list = json!({"type": "list", "body": {"text": "Which?"}, "action": {"button": "Choose", "sections": [{"rows": rows}]}});
    assert_eq!(whatsapp.send("interactive", list).await.0, 200);
    let tapped = whatsapp.ada.taps("Row 7").await.unwrap();
    assert_eq!(tapped.item["interactive"]["list_reply"]["id"], "row-7");

    let card = |n: usize| {
        json!({"card_index": n, "type": "cta_url", "header": {"type": "image", "image": {"link": "https://cdn.example/1.jpg"}},
            "body": {"text": format!("Card {n}")},
            "action": {"name": "cta_url", "parameters": {"display_text": "Look", "url": "https://shop.example/1"}}})
    };
    let carousel = |count: usize| {
        let cards: Vec<Value> = (0..count).map(card).collect();
        json!({"type": "carousel", "body": {"text": "These"}, "action": {"cards": cards}})
    };
    assert_eq!(whatsapp.send("interactive", carousel(1)).await.0, 400);
    assert_eq!(whatsapp.send("interactive", carousel(3)).await.0, 200);
    assert_eq!(whatsapp.ada.received().pop().unwrap().links.len(), 6);
}

#[tokio::test]
async fn whatsapp_failures_tell_taken_from_not_taken_and_webhooks_wait_double_and_join() {
    let whatsapp = WhatsApp::start().await;
    whatsapp.sandbox.fail_sends(1, SendFailure::TakenCut);
    assert!(breaks_off(whatsapp.post(&to_ada("text", json!({"body": "taken"})))).await);
    whatsapp.ada.fail_sends(1, SendFailure::Cut);
    assert!(breaks_off(whatsapp.post(&to_ada("text", json!({"body": "lost"})))).await);
    whatsapp.sandbox.fail_sends(1, SendFailure::Refused(131_000));
    assert_eq!(whatsapp.say("broken").await.0, 500);
    assert_eq!(whatsapp.ada.received_texts(), ["taken"]);
    whatsapp.say("again").await;
    assert_eq!(whatsapp.sandbox.sent_twice(), ["msg_1:1"]);
    whatsapp.sandbox.settled().await;

    let before = whatsapp.ear.heard().len();
    whatsapp.sandbox.set_webhooks(Webhooks::Held);
    let bo = whatsapp.shop.person("46555010099", "Bo Lind");
    assert!(whatsapp.ada.writes("one").await.answers.is_empty());
    bo.writes("two").await;
    assert_eq!(whatsapp.ear.heard().len(), before);
    assert_eq!(whatsapp.sandbox.release_together().await, Some(200));
    let body = whatsapp.ear.heard().pop().unwrap();
    let value = &body["entry"][0]["changes"][0]["value"];
    assert_eq!((value["messages"].as_array().unwrap().len(), value["contacts"].as_array().unwrap().len()), (2, 2));
    whatsapp.sandbox.set_webhooks(Webhooks::Doubled);
    assert_eq!(whatsapp.ada.writes("twice").await.answers, [200, 200]);
    whatsapp.sandbox.set_webhooks(Webhooks::Sent);
    whatsapp.ear.hook.fail_next("/hook", 1, Failure::Status(503));
    assert_eq!(whatsapp.ada.writes("not taken").await.answers, [503]);
    assert_eq!(whatsapp.sandbox.release().await, [200]);
    whatsapp.shop.unsubscribe_app();
    assert!(whatsapp.ada.writes("nobody hears").await.answers.is_empty());
    assert!(whatsapp.sandbox.waiting().is_empty());
}

impl WhatsApp {
    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.ear.http.get(format!("{}/v26.0/{path}", self.sandbox.url())).bearer_auth(&self.token)
    }

    /// The newest change that was delivered.
    fn last_change(&self) -> Value {
        self.ear.heard().pop().unwrap()["entry"][0]["changes"][0].clone()
    }
}

#[tokio::test]
async fn whatsapp_sends_approved_templates_at_any_time_and_only_with_all_parameters() {
    let whatsapp = WhatsApp::start().await;
    let note =
        whatsapp.shop.add_template("shipping_note", "en_US", "UTILITY", "Parcel {{1}} for {{2}}").with_button("Stop");
    let photo = whatsapp.shop.add_template("photo", "en", "MARKETING", "Look").with_header("IMAGE");
    whatsapp.ada.lets_the_window_close();
    let template = |name: &str, language: &str, texts: &[&str]| {
        let parameters: Vec<Value> = texts.iter().map(|text| json!({"type": "text", "text": text})).collect();
        json!({"name": name, "language": {"code": language}, "components": [{"type": "body", "parameters": parameters}]})
    };
    let (_, answer) = whatsapp.send("template", template("shipping_note", "en_US", &["PX-42", "Ada"])).await;
    assert_eq!(answer["messages"][0]["message_status"], "accepted");
    assert_eq!(whatsapp.ada.received_texts(), ["Parcel PX-42 for Ada"]);
    assert_eq!(whatsapp.statuses().await[0]["pricing"]["category"], "utility");
    let tapped = whatsapp.ada.taps("Stop").await.unwrap();
    assert_eq!((&tapped.item["type"], &tapped.item["button"]["text"]), (&json!("button"), &json!("Stop")));
    for (content, code) in [
        (template("shipping_note", "en_US", &["PX-42"]), 132_000),
        (template("shipping_note", "de", &["a", "b"]), 132_001),
        (template("shipping_note", "en_US", &["a\nb", "c"]), 132_007),
        (template("photo", "en", &[]), 132_012),
    ] {
        assert_eq!(whatsapp.send("template", content).await.1["error"]["code"], code);
    }
    let mut with_photo = template("photo", "en", &[]);
    let header =
        json!({"type": "header", "parameters": [{"type": "image", "image": {"link": "https://cdn.example/1.jpg"}}]});
    with_photo["components"] = json!([header]);
    whatsapp.ada.set_reach(whatsapp::sandbox::Reach::NoMarketing);
    assert_eq!(whatsapp.send("template", with_photo.clone()).await.1["error"]["code"], 131_050);
    whatsapp.ada.unblocks();
    assert_eq!(whatsapp.send("template", with_photo).await.0, 200);
    let happened = note.becomes("PAUSED", Some("NONE")).await;
    assert_eq!((happened.answers, &happened.item["message_template_id"]), (vec![200], &json!(note.id())));
    assert_eq!(
        whatsapp.send("template", template("shipping_note", "en_US", &["a", "b"])).await.1["error"]["code"],
        132_015
    );
    photo.set_status("DISABLED");

    whatsapp.sandbox.set_part_limit(1);
    let (_, first) = answered(whatsapp.get("210000000000001/message_templates?limit=100")).await;
    assert_eq!(first["data"][0]["components"][0]["text"], "Parcel {{1}} for {{2}}");
    let next = first["paging"]["next"].as_str().unwrap();
    let (_, second) = answered(whatsapp.ear.http.get(next).bearer_auth(&whatsapp.token)).await;
    assert_eq!((&second["data"][0]["status"], second["paging"].get("next")), (&json!("DISABLED"), None));
}

#[tokio::test]
async fn whatsapp_gives_media_by_id_for_five_minutes_and_only_with_the_token() {
    let whatsapp = WhatsApp::start().await;
    let happened = whatsapp.ada.sends_image(b"picture", "broken corner").await;
    let id = happened.item["image"]["id"].as_str().unwrap().to_owned();
    let (_, shown) = answered(whatsapp.get(&id)).await;
    assert_eq!((&shown["file_size"], &shown["mime_type"]), (&json!(7), &json!("image/jpeg")));
    let link = || whatsapp.ear.http.get(shown["url"].as_str().unwrap());
    assert_eq!(link().send().await.unwrap().status(), 401);
    assert_eq!(link().bearer_auth(&whatsapp.token).send().await.unwrap().bytes().await.unwrap(), "picture");
    whatsapp.ear.clock.advance(Duration::from_secs(301));
    assert_eq!(link().bearer_auth(&whatsapp.token).send().await.unwrap().status(), 404);
    whatsapp.ear.clock.advance(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(answered(whatsapp.get(&id)).await.0, 400);
    whatsapp.ada.writes("still there").await;
    let upload = whatsapp.sandbox.upload(b"ours", "image/png");
    assert_eq!(whatsapp.send("image", json!({"id": upload, "caption": "ours"})).await.0, 200);
    assert_eq!(whatsapp.send("image", json!({"id": "1"})).await.1["error"]["code"], 131_009);
    let unusable = json!({"link": format!("{}/none.jpg", whatsapp.ear.server.url())});
    assert_eq!(whatsapp.send("image", unusable).await.0, 200, "links are opened after the answer");
    assert_eq!(whatsapp.statuses().await.pop().unwrap()["errors"][0]["code"], 131_053);
    assert_eq!(whatsapp.ada.received_texts(), ["ours"]);
}

#[tokio::test]
async fn whatsapp_tells_changed_people_groups_and_what_has_no_shape() {
    let whatsapp = WhatsApp::start().await;
    let (phone, user_id) = (whatsapp.ada.phone(), whatsapp.ada.user_id());
    let moved = whatsapp.ada.changes_number("15550100778").await;
    assert_eq!((&moved.item["from"], moved.item.get("from_user_id")), (&json!(phone), None));
    assert_eq!(
        (&moved.item["system"]["wa_id"], &moved.item["system"]["previous_user_id"]),
        (&json!("15550100778"), &json!(user_id))
    );
    assert_eq!(whatsapp.last_change()["value"].get("contacts"), None);
    assert_eq!(whatsapp.ada.writes("me again").await.item["from"], "15550100778");
    let bo = whatsapp.shop.person("46555010099", "Bo Lind");
    let group = whatsapp.shop.group("GROUPTEST01", &[&whatsapp.ada, &bo]);
    assert_eq!(group.writes(&bo, "hello all").await.item["group_id"], "GROUPTEST01");
    let mut body = to_ada("text", json!({"body": "hello group"}));
    (body["to"], body["recipient_type"]) = ("GROUPTEST01".into(), "group".into());
    assert_eq!(answered(whatsapp.post(&body)).await.0, 200);
    let statuses = whatsapp.statuses().await;
    assert_eq!(statuses.len(), 3, "sent, and delivered to each participant");
    assert_eq!(
        (&statuses[2]["recipient_type"], &statuses[2]["recipient_participant_id"]),
        (&json!("group"), &json!("46555010099"))
    );
    let unsupported = whatsapp.ada.sends_unsupported("poll_creation").await;
    assert_eq!(unsupported.item["errors"][0]["code"], 131_051);
    whatsapp.shop.has_error(130_429).await;
    assert_eq!(whatsapp.last_change()["value"]["errors"][0]["code"], 130_429);
    whatsapp.ada.calls().await;
    assert_eq!(whatsapp.last_change()["field"], "calls");
}

#[tokio::test]
async fn whatsapp_copies_threads_of_others_to_standby_and_echoes_who_else_writes() {
    let whatsapp = WhatsApp::start().await;
    let echo = whatsapp.shop.app_writes(&whatsapp.ada, "from the phone app").await;
    assert_eq!((&echo.item["from"], &echo.item["to"]), (&json!("15550100001"), &json!("15550100777")));
    assert_eq!(whatsapp.last_change()["field"], "smb_message_echoes");
    whatsapp.shop.role_writes(&whatsapp.ada, "escalation", "I take over.").await;
    let change = whatsapp.last_change();
    assert_eq!(
        (&change["field"], &change["value"]["standby"]["message_echoes"][0]["text"]["body"]),
        (&json!("standby"), &json!("I take over."))
    );
    let taken = whatsapp.ear.heard().into_iter().map(|body| body["entry"][0]["changes"][0].clone());
    let taken = taken.into_iter().find(|change| change["field"] == "messaging_handovers").unwrap();
    assert_eq!(taken["value"]["control_taken"]["new_owner_role"], "escalation");
    whatsapp.ada.writes("thanks").await;
    let change = whatsapp.last_change();
    assert_eq!((&change["field"], change["value"].get("messages")), (&json!("standby"), None));
    let control = |action: &str| {
        let url = format!("{}/v26.0/{NUMBER}/thread_control", whatsapp.sandbox.url());
        let body = json!({"messaging_product": "whatsapp", "to": "+15550100777", "action": action});
        answered(whatsapp.ear.http.post(url).bearer_auth(&whatsapp.token).json(&body))
    };
    assert_eq!(control("pass").await.0, 403, "it is not ours to pass");
    assert_eq!(control("take").await.0, 200);
    whatsapp.ada.writes("back").await;
    assert_eq!(whatsapp.last_change()["field"], "messages");
    control("release").await;
    whatsapp.ear.clock.advance(Duration::from_secs(24 * 3600));
    whatsapp.ada.writes("a day later").await;
    assert_eq!(whatsapp.last_change()["field"], "messages");
    let history = whatsapp.shop.shares_history(&whatsapp.ada, &[(true, "old question"), (false, "old answer")]).await;
    assert_eq!(history.item["history"][0]["threads"][0]["messages"][1]["to"], "15550100777");
}

#[tokio::test]
async fn whatsapp_addresses_of_number_and_account_win_and_debug_token_tells_the_end() {
    let whatsapp = WhatsApp::start().await;
    let post = |path: &str, body: Value| {
        let url = format!("{}/v26.0/{path}", whatsapp.sandbox.url());
        answered(whatsapp.ear.http.post(url).bearer_auth(&whatsapp.token).json(&body))
    };
    let other = format!("{}/hook?other", whatsapp.ear.server.url());
    let wrong = json!({"override_callback_uri": other, "verify_token": "wrong"});
    assert_eq!(post("210000000000001/subscribed_apps", wrong).await.1["error"]["code"], 2200);
    let right = json!({"override_callback_uri": other, "verify_token": "right"});
    assert_eq!(post("210000000000001/subscribed_apps", right).await.0, 200);
    let (_, shown) = answered(whatsapp.get(&format!("{NUMBER}?fields=webhook_configuration"))).await;
    assert_eq!(shown["webhook_configuration"]["whatsapp_business_account"], other.as_str());
    whatsapp.ada.writes("to the other").await;
    assert_eq!(whatsapp.ear.hook.received().pop().unwrap().query, "other");
    whatsapp.shop.is_restricted().await;
    assert_eq!(whatsapp.ear.hook.received().pop().unwrap().query, "", "account fields ignore other addresses");
    let short = whatsapp.sandbox.token(Some(7), &["whatsapp_business_messaging"]);
    let inspect = async || answered(whatsapp.get(&format!("debug_token?input_token={short}"))).await.1["data"].take();
    let end = (whatsapp.ear.clock.now() + chrono::TimeDelta::days(7)).timestamp();
    assert_eq!((&inspect().await["expires_at"], &inspect().await["is_valid"]), (&json!(end), &json!(true)));
    let url = format!("{}/v26.0/210000000000001/message_templates", whatsapp.sandbox.url());
    assert_eq!(answered(whatsapp.ear.http.get(url).bearer_auth(&short)).await.0, 403);
    whatsapp.ear.clock.advance(Duration::from_secs(8 * 24 * 3600));
    assert_eq!(inspect().await["is_valid"], false);
}
