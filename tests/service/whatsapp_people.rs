//! WhatsApp: who is who. Numbers change, ids come later, and a conversation keeps one file.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shoptalk::app::config::Config;
use shoptalk::shared::store::api_keys::Scope;

use crate::api_keys::Bot;
use crate::bucket::Bucket;
use crate::cloud::with_bucket;
use crate::test_app::TestApp;
use crate::whatsapp::{
    ADA, ADAS_NUMBER, NOWHERE, NUMBER, configure, conversation, deliver, deliver_items, delivery, ids, of_number, start,
};
use crate::whatsapp_webhook::said;

#[tokio::test]
async fn a_person_known_by_number_keeps_one_file_when_the_id_comes() {
    let app = start().await;
    let bot = Bot::start(&app, &[Scope::Read]).await;
    let nobody = json!([]);
    let by_number = |id: &str, words: &str| json!({"contacts": nobody, "messages": [said(json!({"from": ADAS_NUMBER}), id, words)]});
    deliver(&app, &of_number(NUMBER, "messages", &by_number("wamid.1", "before"))).await;
    assert_eq!(ids(&app, ADAS_NUMBER), ["wamid.1"]);
    deliver(&app, &delivery(NUMBER, "wamid.2", "with the id")).await;
    assert_eq!(ids(&app, ADA), ["wamid.1", "wamid.2"]);
    assert!(conversation(&app, ADAS_NUMBER).is_none(), "the old file is gone");
    // What still comes by the number alone stands there, too.
    deliver(&app, &of_number(NUMBER, "messages", &by_number("wamid.3", "by number again"))).await;
    assert_eq!(ids(&app, ADA), ["wamid.1", "wamid.2", "wamid.3"]);
    let path = |person: &str| format!("/api/v1/whatsapp/{NUMBER}/conversations/{person}");
    let (old, new) = (bot.get(&path(ADAS_NUMBER)).await.json(), bot.get(&path(ADA)).await.json());
    assert_eq!(old["person"]["id"], ADA);
    assert_eq!(old, new, "the old address answers as the new one");
    let app = app.restart().await;
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn a_changed_id_takes_the_old_file_over() {
    const NEW: &str = "US.900000000000000009";
    const NEW_NUMBER: &str = "15550100778";
    let app = start().await;
    deliver(&app, &delivery(NUMBER, "wamid.1", "before")).await;
    let mut system = said(json!({"from": ADAS_NUMBER}), "wamid.2", "");
    system["type"] = json!("system");
    system["system"] =
        json!({"type": "user_changed_number", "wa_id": NEW_NUMBER, "user_id": NEW, "previous_user_id": ADA});
    deliver(&app, &of_number(NUMBER, "messages", &json!({"contacts": [], "messages": [system]}))).await;
    assert_eq!(ids(&app, NEW), ["wamid.1", "wamid.2"]);
    assert!(conversation(&app, ADA).is_none());
    // By the new number and by the old id: both lead there.
    let later = json!([
        said(json!({"from": NEW_NUMBER}), "wamid.3", "by the new number"),
        said(json!({"from_user_id": ADA}), "wamid.4", "late, by the old id"),
    ]);
    deliver(&app, &of_number(NUMBER, "messages", &json!({"contacts": [], "messages": later}))).await;
    assert_eq!(ids(&app, NEW), ["wamid.1", "wamid.2", "wamid.3", "wamid.4"]);

    // Before August 2026 it was told in another form.
    const NEWEST: &str = "US.900000000000000010";
    let update =
        json!({"wa_id": NEW_NUMBER, "user_id": {"previous": NEW, "current": NEWEST}, "timestamp": "1795219401"});
    deliver(&app, &of_number(NUMBER, "user_id_update", &json!({"contacts": [], "user_id_update": [update]}))).await;
    assert_eq!(ids(&app, NEWEST).len(), 4);
    assert!(conversation(&app, NEW).is_none());
    app.finish().await;
}

#[tokio::test]
async fn the_copy_of_a_file_that_was_taken_over_is_deleted_with_it() {
    const NEW: &str = "US.900000000000000009";
    let bucket = Bucket::start().await;
    let with_copies = with_bucket(&bucket);
    let change = |config: &mut Config| {
        configure(config, NOWHERE);
        with_copies(config);
    };
    let app = TestApp::start_in(Arc::new(tempfile::tempdir().unwrap()), bucket.clock.clone(), change).await;
    app.connect().await;
    deliver(&app, &delivery(NUMBER, "wamid.1", "before")).await;
    let copied = async || {
        for _ in 0..2 {
            app.clock.advance(Duration::from_secs(61));
            app.work().await;
        }
        let merchant = app.shared().connections.find("whatsapp", NUMBER).await.unwrap().unwrap().merchant;
        let prefix = format!("users/{merchant}/whatsapp/{NUMBER}/conversations/");
        let keys = bucket.keys().into_iter();
        keys.filter_map(|key| key.strip_prefix(&prefix).map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(copied().await, [format!("{ADA}.json")]);
    let mut system = said(json!({"from": ADAS_NUMBER}), "wamid.2", "");
    system["type"] = json!("system");
    system["system"] =
        json!({"type": "user_changed_number", "wa_id": "15550100778", "user_id": NEW, "previous_user_id": ADA});
    deliver(&app, &of_number(NUMBER, "messages", &json!({"contacts": [], "messages": [system]}))).await;
    assert_eq!(ids(&app, NEW), ["wamid.1", "wamid.2"]);
    assert_eq!(copied().await, [format!("{NEW}.json")], "nothing stands under the old name");
    assert_eq!(bucket.wrong(), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_new_number_alone_takes_no_file_away_from_an_id() {
    let app = start().await;
    let moved = |id: &str, old: &str, new: &str| {
        let mut system = said(json!({ "from": old }), id, "");
        system["type"] = json!("system");
        system["system"] = json!({"type": "user_changed_number", "wa_id": new});
        system
    };
    let nobody = |messages: Value| of_number(NUMBER, "messages", &json!({"contacts": [], "messages": messages}));
    deliver(&app, &delivery(NUMBER, "wamid.1", "before")).await;
    deliver(&app, &nobody(json!([moved("wamid.2", ADAS_NUMBER, "15550100778")]))).await;
    assert_eq!(ids(&app, ADA), ["wamid.1", "wamid.2"]);
    let later = json!([said(json!({"from": "15550100778"}), "wamid.3", "by the new number")]);
    deliver(&app, &nobody(later)).await;
    assert_eq!(ids(&app, ADA), ["wamid.1", "wamid.2", "wamid.3"]);
    // Of whom only a number is known: the file follows it.
    deliver(&app, &nobody(json!([said(json!({"from": "4655"}), "wamid.4", "hej"), moved("wamid.5", "4655", "4656")])))
        .await;
    assert_eq!(
        (ids(&app, "4656"), conversation(&app, "4655")),
        (vec!["wamid.4".to_owned(), "wamid.5".to_owned()], None)
    );
    app.finish().await;
}

#[tokio::test]
async fn the_id_that_linked_portfolios_share_leads_to_the_same_file() {
    let app = start().await;
    let parent = "US.ENT.a1b2";
    let contacts =
        json!([{"profile": {"name": "Ada Perera"}, "wa_id": ADAS_NUMBER, "user_id": ADA, "parent_user_id": parent}]);
    let first = said(json!({"from_user_id": ADA}), "wamid.1", "hello");
    deliver(&app, &of_number(NUMBER, "messages", &json!({"contacts": contacts, "messages": [first]}))).await;
    let by_parent = said(json!({"from_parent_user_id": parent}), "wamid.2", "by the shared id");
    deliver(&app, &of_number(NUMBER, "messages", &json!({"contacts": [], "messages": [by_parent]}))).await;
    assert_eq!(ids(&app, ADA), ["wamid.1", "wamid.2"]);
    assert!(conversation(&app, parent).is_none());
    app.finish().await;
}

#[tokio::test]
async fn what_a_group_is_told_of_its_members_stands_with_the_group() {
    let app = start().await;
    let mut system = said(json!({"from": ADAS_NUMBER, "from_user_id": ADA, "group_id": "GROUPTEST01"}), "wamid.1", "");
    system["type"] = json!("system");
    system["system"] =
        json!({"type": "user_changed_number", "body": "Ada changed their number", "wa_id": "15550100778"});
    let hello =
        said(json!({"from": ADAS_NUMBER, "from_user_id": ADA, "group_id": "GROUPTEST01"}), "wamid.2", "hello all");
    deliver_items(&app, "messages", &[hello, system]).await;
    assert_eq!(ids(&app, "group-GROUPTEST01").len(), 2);
    assert!(conversation(&app, ADA).is_none());
    app.finish().await;
}

#[tokio::test]
async fn a_number_with_another_owner_brings_nobodys_file_along() {
    const OTHER: &str = "US.900000000000000007";
    let app = start().await;
    deliver(&app, &delivery(NUMBER, "wamid.1", "Ada's")).await;
    let contacts = json!([{"wa_id": ADAS_NUMBER, "user_id": OTHER}]);
    let mut message = said(json!({"from": ADAS_NUMBER, "from_user_id": OTHER}), "wamid.2", "I have this number now");
    message["timestamp"] = json!("1795300000");
    deliver(&app, &of_number(NUMBER, "messages", &json!({"contacts": contacts, "messages": [message]}))).await;
    assert_eq!((ids(&app, ADA), ids(&app, OTHER)), (vec!["wamid.1".to_owned()], vec!["wamid.2".to_owned()]));
    app.finish().await;
}
