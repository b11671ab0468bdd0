//! What LinkedIn posts, split into events. Bytes are kept as they came; only what decides is looked at.
//!
//! What it really posts are notifications of what happens on an organization's posts, up to ten in a body. The second family,
//! of direct messages, is our own convention: LinkedIn has no public webhook for them, and a partner's relay may use it.
//! Source: <https://learn.microsoft.com/linkedin/marketing/community-management/organizations/organization-social-action-notifications>
//! (2026). The layout of `decorated…` members differs between examples, and live ones differ from both: every layout that was seen is
//! read, and nothing but words depends on them.

use std::borrow::Cow;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::names::{self, NAME};
use crate::shared::files::path::Name;
use crate::shared::journal::{DedupeKey, Effect, Event, Source, Unsending, short_word};
use crate::shared::raw_json::{Object, elements, is_too_deep};

/// The type of bodies that tell what happens on posts.
pub const NOTIFICATIONS: &str = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS";

/// The type of bodies about forms that were filled in.
const LEAD: &str = "LEAD_ACTION";

/// What happened: the kinds of events about posts.
pub const COMMENT: &str = "COMMENT";
pub const ADMIN_COMMENT: &str = "ADMIN_COMMENT";
pub const COMMENT_EDIT: &str = "COMMENT_EDIT";
pub const COMMENT_DELETE: &str = "COMMENT_DELETE";
pub const LIKE: &str = "LIKE";
pub const SHARE: &str = "SHARE";
pub const SHARE_MENTION: &str = "SHARE_MENTION";

/// The kinds of events about direct messages.
pub const MESSAGE: &str = "message";
pub const MESSAGE_READ: &str = "message_read";

/// The end of the year 9999 in milliseconds. What claims to be later is no time.
const LATEST: i64 = 253_402_300_799_999;

/// Splits a delivery, whose signature is right, into its events. `own`: the organization of the settings, to which belongs
/// what names none.
///
/// Nothing is lost: what cannot be read or is unknown becomes an event that is set aside. One bad notification costs its
/// neighbours nothing.
#[must_use]
pub fn split(own: &Name, body: &[u8]) -> Vec<Event> {
    let whole = |reason| vec![apart(own.as_str(), "delivery", reason, body)];
    let Some(text) = std::str::from_utf8(body).ok() else { return whole("a delivery that is not UTF-8") };
    // Members are looked for in less strict a way than files want it.
    let delivery = serde_json::from_str::<&RawValue>(text).ok().and_then(|_| Object::parse(text));
    let Some(delivery) = delivery else { return whole("a delivery that is no JSON object") };
    if is_too_deep(text) {
        return whole("a delivery that is nested too deeply");
    }
    match delivery.text("type").as_deref() {
        Some(NOTIFICATIONS) => {
            let items = delivery.get("notifications").and_then(elements);
            let events: Vec<Event> =
                items.unwrap_or_default().into_iter().map(|item| notification(own, item, Source::Webhook)).collect();
            if events.is_empty() { whole("a delivery without notifications") } else { events }
        }
        Some(LEAD) => vec![lead(own, &delivery, body)],
        _ if delivery.has("eventMeta") => vec![direct(own, &delivery, body, Source::Webhook)],
        Some(other) => {
            let kind = format!("type {}", short_word(other));
            vec![apart(own.as_str(), kind, "a delivery of an unknown type", body)]
        }
        None => whole("a delivery without a type"),
    }
}

/// One notification. `item` is JSON.
#[must_use]
pub fn notification(own: &Name, item: &str, source: Source) -> Event {
    let Some(object) = Object::parse(item) else {
        return apart(own.as_str(), "notification", "a notification that is no object", item.as_bytes());
    };
    let entity = object.text("organizationalEntity");
    let account = match entity.as_deref() {
        None => Some(own.clone()),
        Some(urn) => names::organization_of(urn),
    };
    let Some(account) = account else {
        return apart(own.as_str(), "notification", "a notification of no organization", item.as_bytes());
    };
    let action = object.text("action").unwrap_or_default();
    let (kind, opens) = match &*action {
        COMMENT => (COMMENT, true),
        ADMIN_COMMENT => (ADMIN_COMMENT, true),
        SHARE_MENTION => (SHARE_MENTION, true),
        COMMENT_EDIT => (COMMENT_EDIT, false),
        COMMENT_DELETE => (COMMENT_DELETE, false),
        LIKE => (LIKE, false),
        SHARE => (SHARE, false),
        other => {
            let kind = format!("action {}", short_word(other));
            let event = apart(account.as_str(), kind, "an action of an unknown kind", item.as_bytes());
            return Event { source, ..event };
        }
    };
    let made = made(&object).unwrap_or_default();
    let post = object.text("sourcePost").and_then(|urn| names::thread_of_post(&urn));
    let Some(thread) = post.or_else(|| names::thread_of_activity(&made)) else {
        return apart(account.as_str(), kind, "a notification that names no post", item.as_bytes());
    };
    let comment = names::is_comment(&made).then(|| comment_key(account.as_str(), &made));
    Event {
        channel: NAME,
        key: notification_key(account.as_str(), kind, &object, &made, item),
        account: account.to_string(),
        // Whoever deletes a comment takes back what its edits say, too.
        name: comment.filter(|_| matches!(kind, COMMENT | COMMENT_EDIT)),
        kind: kind.into(),
        effect: match comment.filter(|_| kind == COMMENT_DELETE) {
            Some(comment) => Effect::Unsend { person: thread.to_string(), keys: vec![comment] },
            None => Effect::Conversation { person: thread.to_string(), opens },
        },
        occurred_at: time_in(&object, "lastModifiedAt"),
        source,
        payload: item.as_bytes().to_vec(),
    }
}

/// The URN of what came to be, in whole. Of a comment that is not told so, as live notifications do, its decoration tells it.
#[must_use]
pub fn made(notification: &Object<'_>) -> Option<String> {
    let told = notification.text("generatedActivity");
    if let Some(urn) = told.as_deref().filter(|urn| names::is_comment(urn)) {
        return Some(urn.to_owned());
    }
    let whole = |urn: Cow<'_, str>| names::whole(&urn).into_owned();
    let decorated = notification.object("decoratedGeneratedActivity").and_then(|made| made.object("comment"));
    let entity = decorated.and_then(|comment| comment.text("entity")).map(whole);
    entity.filter(|urn| names::is_comment(urn)).or_else(|| told.map(whole))
}

/// The key of a notification: its id. A comment of the page itself is also read back, where it has no notification's id, so it
/// goes by the comment's own.
fn notification_key(account: &str, kind: &str, object: &Object<'_>, made: &str, item: &str) -> DedupeKey {
    if kind == ADMIN_COMMENT && names::is_comment(made) {
        return comment_key(account, made);
    }
    match object.text("notificationId").filter(|id| !id.is_empty()) {
        Some(id) => DedupeKey::new(NAME, account, &[b"notification", id.as_bytes()]),
        None => DedupeKey::new(NAME, account, &[kind.as_bytes(), &Sha256::digest(item)]),
    }
}

/// The key of a comment of the page. Its own number alone: the post has more than one URN.
#[must_use]
fn comment_key(account: &str, urn: &str) -> DedupeKey {
    let number = names::number_of_comment(urn).unwrap_or_default();
    DedupeKey::new(NAME, account, &[b"comment", number.as_bytes()])
}

/// The key of a notification, of which an operator knows the id.
#[must_use]
pub fn key_of_notification(account: &str, id: &str) -> Option<DedupeKey> {
    let account = names::organization(account)?;
    let comment = key_of_comment(account.as_str(), id);
    Some(comment.unwrap_or_else(|| DedupeKey::new(NAME, account.as_str(), &[b"notification", id.as_bytes()])))
}

/// The key, or the other name, of what was said in the comment with this URN; `None`: the text is no comment's URN.
#[must_use]
pub fn key_of_comment(account: &str, urn: &str) -> Option<DedupeKey> {
    let urn = names::whole(urn);
    names::is_comment(&urn).then(|| comment_key(account, &urn))
}

/// A form that somebody filled in. It is kept, and no conversation.
fn lead(own: &Name, object: &Object<'_>, body: &[u8]) -> Event {
    let text = |name: &str| object.text(name).unwrap_or_default();
    let (response, action) = (text("leadGenFormResponse"), text("leadAction"));
    let event = apart(own.as_str(), "lead", "a form that was filled in", body);
    let key = match response.is_empty() {
        true => event.key,
        false => DedupeKey::new(NAME, own.as_str(), &[b"lead", response.as_bytes(), action.as_bytes()]),
    };
    Event { key, occurred_at: time_in(object, "occurredAt"), ..event }
}

/// A direct message, or that one was read, in our own convention.
fn direct(own: &Name, object: &Object<'_>, body: &[u8], source: Source) -> Event {
    let meta = object.object("eventMeta");
    let what = meta.as_ref().and_then(|meta| meta.text("type")).unwrap_or_default();
    let occurred_at = meta.as_ref().and_then(|meta| time_in(meta, "occurredAt"));
    let text = |name: &str| object.text(name).unwrap_or_default();
    let (id, conversation) = (text("id"), text("conversationId"));
    let named = ["to", "from"].into_iter().find_map(|name| names::organization_of(&text(name)));
    let account = named.unwrap_or_else(|| own.clone());
    let account = account.as_str();
    let thread = names::thread_of_messages(&conversation).map(|thread| thread.to_string());
    let (kind, effect) = match (&*what, thread) {
        ("CREATE", Some(person)) => (MESSAGE, Effect::Conversation { person, opens: true }),
        ("READ", Some(person)) => (MESSAGE_READ, Effect::Report { person }),
        (_, Some(_)) => return apart(account, "direct message", "an event of an unknown kind", body),
        (_, None) => return apart(account, "direct message", "a message of no conversation", body),
    };
    let parts: [&[u8]; 4] = [b"direct", conversation.as_bytes(), id.as_bytes(), what.as_bytes()];
    let key = match id.is_empty() {
        true => DedupeKey::new(NAME, account, &[kind.as_bytes(), &Sha256::digest(body)]),
        false => DedupeKey::new(NAME, account, &parts),
    };
    Event {
        channel: NAME,
        account: account.to_owned(),
        key,
        name: None,
        kind: kind.into(),
        effect,
        occurred_at,
        source,
        payload: body.to_vec(),
    }
}

/// How the items of conversation files are recognised.
pub const FROM_FILES: Unsending = Unsending { tombstone, event_of };

/// What is left of an item whose content is taken back: what happened on which post, when, and the ids.
fn tombstone(item: &[u8]) -> Vec<u8> {
    const KEPT: [&str; 9] = [
        "notificationId",
        "organizationalEntity",
        "action",
        "sourcePost",
        "generatedActivity",
        "lastModifiedAt",
        "eventMeta",
        "id",
        "conversationId",
    ];
    let text = std::str::from_utf8(item).unwrap_or_default();
    let Some(object) = Object::parse(text) else { return b"{}".to_vec() };
    let mut members = object.pairs(&KEPT);
    members.push("\"is_deleted\":true".to_owned());
    format!("{{{}}}", members.join(",")).into_bytes()
}

/// The event that an item of a conversation's file was.
fn event_of(account: &str, item: &str) -> Option<Event> {
    let account = names::organization(account)?;
    let object = Object::parse(item)?;
    Some(match object.has("eventMeta") {
        true => direct(&account, &object, item.as_bytes(), Source::Import),
        false => notification(&account, item, Source::Import),
    })
}

/// A time in milliseconds since 1970, where it is one.
fn time_in(object: &Object<'_>, name: &str) -> Option<i64> {
    object.integer(name).filter(|at| (0..=LATEST).contains(at))
}

fn apart(account: &str, kind: impl Into<Cow<'static, str>>, reason: &'static str, raw: &[u8]) -> Event {
    Event::set_aside(NAME, account, kind, reason, raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> Vec<Event> {
        split(&names::organization("90001").unwrap(), body.as_bytes())
    }

    fn one(item: &str) -> Event {
        let mut events = of(&format!(r#"{{"type":"{NOTIFICATIONS}","notifications":[{item}]}}"#));
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    fn entry(person: &str, opens: bool) -> Effect {
        Effect::Conversation { person: person.to_owned(), opens }
    }

    #[test]
    fn every_action_belongs_to_its_post() {
        let post =
            r#""organizationalEntity":"urn:li:organization:90001","sourcePost":"urn:li:share:71","notificationId":7"#;
        for (action, opens) in [
            (COMMENT, true),
            (ADMIN_COMMENT, true),
            (COMMENT_EDIT, false),
            (COMMENT_DELETE, false),
            (LIKE, false),
            (SHARE, false),
        ] {
            let event = one(&format!(r#"{{{post},"action":"{action}"}}"#));
            assert_eq!((event.kind.as_ref(), &event.effect), (action, &entry("share-71", opens)));
        }
        let mention = one(r#"{"action":"SHARE_MENTION","generatedActivity":"urn:li:share:710","notificationId":8}"#);
        assert_eq!((mention.account.as_str(), mention.effect), ("90001", entry("share-710", true)));
        let comment = one(r#"{"action":"COMMENT","generatedActivity":"urn:li:comment:(urn:li:activity:5,6)"}"#);
        assert_eq!(comment.effect, entry("activity-5", true));
    }

    #[test]
    fn one_bad_notification_costs_its_neighbours_nothing() {
        let good = |id: &str| format!(r#"{{"action":"COMMENT","sourcePost":"urn:li:share:1","notificationId":{id}}}"#);
        let bad = r#"17,null,{"action":"COMMENT"},{"action":"DANCE"},{"action":"LIKE","organizationalEntity":"urn:li:person:1"}"#;
        let events =
            of(&format!(r#"{{"type":"{NOTIFICATIONS}","notifications":[{},{bad},{}]}}"#, good("1"), good("2")));
        let apart = events.iter().filter(|event| matches!(event.effect, Effect::SetAside(_))).count();
        assert_eq!((events.len(), apart), (7, 5));
    }

    #[test]
    fn an_id_is_the_same_as_number_and_as_text() {
        let key =
            |id: &str| one(&format!(r#"{{"action":"LIKE","sourcePost":"urn:li:share:1","notificationId":{id}}}"#)).key;
        assert_eq!(key("9007199254740993"), key("\"9007199254740993\""));
        assert_ne!(key("9007199254740993"), key("9007199254740992"));
        assert_eq!(Some(key("7")), key_of_notification("90001", "7"));
        assert_ne!(key("\"\""), key("null"));
    }

    #[test]
    fn a_comment_of_the_page_is_one_whichever_way_it_comes() {
        let key = |id: &str, urn: &str| {
            one(&format!(r#"{{"action":"ADMIN_COMMENT","sourcePost":"urn:li:share:1","notificationId":{id},"generatedActivity":"{urn}"}}"#)).key
        };
        let urn = "urn:li:comment:(urn:li:activity:5,6)";
        assert_eq!(key("1", urn), key("2", urn));
        assert_eq!(key("1", urn), comment_key("90001", "urn:li:comment:(urn:li:share:1,6)"));
        assert_ne!(key("1", urn), key("1", "urn:li:comment:(urn:li:activity:5,7)"));
    }

    #[test]
    fn a_live_notification_is_of_the_same_comment_as_a_documented_one() {
        let of = |action: &str, made: &str, decorated: &str| {
            one(&format!(
                r#"{{"action":"{action}","sourcePost":"urn:li:activity:7094637247890620418","notificationId":5,"generatedActivity":"{made}"{decorated}}}"#
            ))
        };
        let whole = "urn:li:comment:(urn:li:activity:7094637247890620418,7094977717598625792)";
        let bare = "urn:li:comment:(activity:7094637247890620418,7094977717598625792)";
        let decorated = format!(
            r#","decoratedGeneratedActivity":{{"comment":{{"owner":"urn:li:person:T","text":"Hi","entity":"{whole}"}}}}"#
        );
        let expected = Some(comment_key("90001", whole));
        for action in [COMMENT, COMMENT_EDIT] {
            for event in [of(action, bare, &decorated), of(action, bare, ""), of(action, whole, "")] {
                assert_eq!(event.name, expected, "{action}");
                assert_eq!(event.effect, entry("activity-7094637247890620418", action == COMMENT));
            }
        }
        let taken_back = Effect::Unsend {
            person: "activity-7094637247890620418".to_owned(),
            keys: vec![comment_key("90001", whole)],
        };
        assert_eq!(of(COMMENT_DELETE, bare, "").effect, taken_back);
        assert_eq!(Some(of(ADMIN_COMMENT, bare, "").key), expected);
        assert_eq!(key_of_notification("90001", bare), expected);
        let mentions = one(r#"{"action":"COMMENT","generatedActivity":"urn:li:comment:(activity:5,6)"}"#);
        assert_eq!(mentions.effect, entry("activity-5", true), "the post is found inside");
    }

    #[test]
    fn messages_in_our_own_form_are_keyed_by_conversation_and_kind() {
        let body = |what: &str, id: &str| {
            format!(
                r#"{{"eventMeta":{{"type":"{what}","occurredAt":1795219400000}},"id":"{id}","conversationId":"conv-test-1","from":"urn:li:person:T","to":"urn:li:organization:90001","body":{{"text":"Hello"}}}}"#
            )
        };
        let created = of(&body("CREATE", "m1")).remove(0);
        assert_eq!((created.kind.as_ref(), &created.effect), (MESSAGE, &entry("conv-conv-test-1", true)));
        assert_eq!(created.occurred_at, Some(1_795_219_400_000));
        let read = of(&body("READ", "m1")).remove(0);
        assert_eq!(read.effect, Effect::Report { person: "conv-conv-test-1".to_owned() });
        assert_ne!(created.key, read.key);
        assert!(matches!(of(&body("DANCE", "m1"))[0].effect, Effect::SetAside(_)));
    }

    #[test]
    fn what_is_no_notification_is_kept_whole() {
        for body in [
            "",
            "[]",
            "{",
            "{}",
            r#"{"type":"X"}"#,
            r#"{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS","notifications":[]}"#,
        ] {
            let events = of(body);
            assert_eq!((events.len(), events[0].payload.as_slice()), (1, body.as_bytes()));
            assert!(matches!(events[0].effect, Effect::SetAside(_)));
        }
        let lead = |action: &str| {
            of(&format!(r#"{{"type":"LEAD_ACTION","leadGenFormResponse":"urn:li:leadGenFormResponse:1","leadAction":"{action}","occurredAt":5}}"#)).remove(0)
        };
        assert_eq!((lead("CREATED").kind.as_ref(), lead("CREATED").occurred_at), ("lead", Some(5)));
        assert_ne!(lead("CREATED").key, lead("DELETED").key);
    }

    #[test]
    fn an_item_of_a_file_leads_back_to_its_event() {
        let item = r#"{"notificationId":7,"action":"COMMENT","sourcePost":"urn:li:share:1","decoratedGeneratedActivity":{"comment":{}}}"#;
        let event = event_of("90001", item).unwrap();
        assert_eq!(Some(event.key), key_of_notification("90001", "7"));
        let left = r#"{"notificationId":7,"action":"COMMENT","sourcePost":"urn:li:share:1","is_deleted":true}"#;
        assert_eq!(String::from_utf8(tombstone(item.as_bytes())).unwrap(), left);
    }
}
