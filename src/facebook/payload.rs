//! What Meta sends, split into events. Bytes are kept as they came; only what decides is looked at.
//!
//! Source: <https://developers.facebook.com/docs/messenger-platform/webhooks> and its pages of events (2026). Shapes vary
//! more than the documents say: ids come as numbers, times as text or in seconds, members are missing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::inbox::{self, NAME, Row};
use super::read_request::OwnRequest;
use crate::meta::id::{Id, milliseconds};
use crate::meta::webhook::readable;
use crate::shared::channel::read_request::ReadRequest;
use crate::shared::journal::{DedupeKey, Effect, Event, Source, Unsending, short_word};
use crate::shared::raw_json::{Object, elements, is_too_deep};

/// The kind of an event in which Meta warns, blocks or unblocks a Page.
const POLICY_ENFORCEMENT: &str = "policy_enforcement";

/// Fields of `changes` that tell nothing about the Page's own object: what people post there, and what belongs to persons.
/// Source: the subscribed fields of Page in Meta's Business SDK for v26.0 (November 2026).
const CONTENT_FIELDS: [&str; 20] = [
    "feed",
    "mention",
    "ratings",
    "follow",
    "videos",
    "live_videos",
    "leadgen",
    "leadgen_update",
    "product_review",
    "merchant_review",
    "local_delivery",
    "registration",
    "inbox_labels",
    "conversations",
    "calls",
    "call_permission_reply",
    "call_settings_update",
    "user_action",
    "group_feed",
    "",
];

/// Splits a delivery, whose signature is right, into its events: every item of every entry, for every Page.
///
/// Nothing is lost: what cannot be read, is unknown or belongs nowhere becomes an event that is set aside. One bad item
/// costs its neighbours nothing.
#[must_use]
pub fn split(body: &[u8]) -> Vec<Event> {
    // Bytes that are no UTF-8 are masked, one for one, so that their neighbours can still be found; offsets stay right.
    let masked = readable(body);
    let original = |part: &str| {
        let start = part.as_ptr() as usize - masked.as_ptr() as usize;
        &body[start..start + part.len()]
    };
    let whole = |reason| vec![apart("", "delivery", reason, body)];
    let Some(delivery) = Object::parse(&masked) else { return vec![Event::of_no_object(NAME, body)] };
    let object = delivery.text("object").unwrap_or_default();
    let Some(entries) = delivery.get("entry").and_then(elements) else { return whole("a delivery without entries") };
    let mut events = Vec::new();
    for entry in entries {
        if let Some(row) = inbox::of_object(&object) {
            let before = events.len();
            split_entry(entry, &original, &mut events);
            events[before..].iter_mut().for_each(|event| belong_to(row, event));
        } else if object == "permissions" {
            events.extend(permission_events(entry, original(entry)));
        } else {
            let account = Object::parse(entry).and_then(|entry| entry.text("id")).and_then(|id| Id::parse(&id));
            let account = account.as_ref().map_or("", Id::as_str);
            let kind = format!("object {}", short_word(&object));
            events.push(apart(account, kind, "an object that is not handled", original(entry)));
        }
    }
    if events.is_empty() { whole("a delivery without items") } else { events }
}

/// Items have one shape in all inboxes. A change of an account that is not read is not handled.
fn belong_to(row: &Row, event: &mut Event) {
    event.channel = row.name;
    if !row.has_metadata && matches!(event.effect, Effect::Reread(_)) {
        event.effect = Effect::SetAside("a change that is not handled".into());
    }
}

fn split_entry<'a>(entry_text: &'a str, original: &dyn Fn(&'a str) -> &'a [u8], events: &mut Vec<Event>) {
    let raw = original(entry_text);
    let Some(entry) = Object::parse(entry_text) else {
        events.push(apart("", "entry", "an entry that is no object", raw));
        return;
    };
    let Some(page) = entry.text("id").and_then(|id| Id::parse(&id)) else {
        events.push(apart("", "entry", "an entry without a Page id", raw));
        return;
    };
    let entry_time = entry.integer("time").and_then(milliseconds);
    let before = events.len();
    for (member, source) in [("messaging", Source::Webhook), ("standby", Source::Standby)] {
        if !entry.has(member) {
            continue;
        }
        match entry.get(member).and_then(elements) {
            Some(items) => {
                events.extend(
                    items.into_iter().map(|item| messaging_event(&page, entry_time, source, item, original(item))),
                );
            }
            None => events.push(apart(page.as_str(), "entry", "items that are no list", raw)),
        }
    }
    if entry.has("changes") {
        match entry.get("changes").and_then(elements) {
            Some(items) => {
                events.extend(items.into_iter().map(|item| change_event(&page, entry_time, item, original(item))));
            }
            None => events.push(apart(page.as_str(), "entry", "changes that are no list", raw)),
        }
    }
    if entry.has("changed_fields") {
        events.push(page_event(&page, entry_time, "changed_fields".into(), raw));
    }
    if events.len() == before {
        events.push(apart(page.as_str(), "entry", "an entry of an unknown kind", raw));
    }
}

/// A person gave or took back permissions of the app. What is left is asked for, never taken from here: of the Pages that
/// are named, or of all that the person connected.
/// Source: <https://developers.facebook.com/docs/graph-api/webhooks/reference/permissions> (2026).
fn permission_events(entry_text: &str, raw: &[u8]) -> Vec<Event> {
    let unreadable = |reason| vec![apart("", "permissions", reason, raw)];
    let Some(entry) = Object::parse(entry_text) else { return unreadable("an entry that is no object") };
    let Some(person) = entry.text("uid").or_else(|| entry.text("id")).and_then(|id| Id::parse(&id)) else {
        return unreadable("an entry without a person's id");
    };
    let targets = |change: &str| {
        let change = Object::parse(change)?;
        // Both forms are met: beside the field, and inside the value.
        let targets = change.object("value").and_then(|value| value.get("target_ids")).or(change.get("target_ids"))?;
        let ids: Vec<Box<RawValue>> = serde_json::from_str(targets).ok()?;
        Some(ids.iter().filter_map(|id| Id::parse(id.get().trim_matches('"'))).collect::<Vec<_>>())
    };
    let changes = entry.get("changes").and_then(elements).unwrap_or_default();
    let pages: Option<Vec<Id>> =
        changes.into_iter().map(targets).collect::<Option<Vec<_>>>().map(|ids| ids.into_iter().flatten().collect());
    let wanted: Vec<(String, ReadRequest)> = match pages {
        Some(pages) if !pages.is_empty() => {
            let pages: BTreeSet<String> = pages.into_iter().map(String::from).collect();
            pages.into_iter().map(|page| (page, ReadRequest::HourlyCheck)).collect()
        }
        _ => vec![(String::new(), OwnRequest::PagesOf(person.as_str().to_owned()).into())],
    };
    let event = |(account, request): (String, ReadRequest)| Event {
        channel: NAME,
        key: DedupeKey::new(NAME, &account, &[b"permissions", person.as_str().as_bytes(), &Sha256::digest(raw)]),
        account,
        kind: "permissions".into(),
        effect: Effect::Reread(request),
        occurred_at: entry.integer("time").and_then(milliseconds),
        name: None,
        source: Source::Webhook,
        payload: raw.to_vec(),
    };
    wanted.into_iter().map(event).collect()
}

/// One `messaging` or `standby` item. `item` is what is looked at, `raw` what is kept.
fn messaging_event(page: &Id, entry_time: Option<i64>, source: Source, item: &str, raw: &[u8]) -> Event {
    if std::str::from_utf8(raw).is_err() {
        return apart(page.as_str(), "item", "an item that is not UTF-8", raw);
    }
    let Some(object) = Object::parse(item) else {
        return apart(page.as_str(), "item", "an item that is no object", raw);
    };
    if is_too_deep(item) {
        return apart(page.as_str(), "item", "an item that is nested too deeply", raw);
    }
    let kind = classify(&object);
    let id_of = |member: &str| object.object(member).and_then(|person| person.text("id")).map(Cow::into_owned);
    let (sender, recipient) = (id_of("sender"), id_of("recipient"));
    // Never the Page itself: an echo belongs to the person it was sent to.
    let person = [&sender, &recipient].into_iter().flatten().find(|id| id.as_str() != page.as_str());
    let person = person.and_then(|id| Id::parse(id));
    let own_time = object.integer("timestamp").and_then(milliseconds);
    let sender = sender.unwrap_or_default();
    let effect = match (kind.opens, person) {
        (Some(_), Some(person)) if kind.name == "unsend" => {
            let mid = object.object("message").and_then(|message| message.text("mid")).unwrap_or_default();
            Effect::Unsend {
                person: person.into(),
                keys: if mid.is_empty() { Vec::new() } else { keys_of(page, &mid) },
            }
        }
        // It is about the Page, whoever stands beside it.
        (Some(_), _) if kind.name == POLICY_ENFORCEMENT => policy_effect(&object),
        (Some(opens), Some(person)) => Effect::Conversation { person: person.into(), opens },
        (Some(_), None) => Effect::SetAside("an item that names no person".into()),
        (None, _) => Effect::SetAside("an item of an unknown kind".into()),
    };
    let key = match &effect {
        // Half an item must not stand in the way of the whole one, which has the same id.
        Effect::SetAside(_) => DedupeKey::of_set_aside(NAME, page.as_str(), kind.name, raw),
        _ => item_key(page, &kind, &object, &sender, own_time, raw),
    };
    Event {
        channel: NAME,
        account: page.as_str().to_owned(),
        key,
        kind: kind.name.into(),
        effect,
        occurred_at: own_time.or(entry_time),
        name: Edit::of(&object).filter(|_| kind.name == "edit").and_then(|edit| edit.name(page)),
        source,
        payload: raw.to_vec(),
    }
}

/// What Meta's policy enforcement did concerns what the Page may send: the connection's status says so.
fn policy_effect(item: &Object<'_>) -> Effect {
    let action = policy_action(item);
    let is_word =
        (1..=20).contains(&action.len()) && action.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    match is_word {
        true => Effect::Reread(OwnRequest::Policy(action.into_owned()).into()),
        false => Effect::SetAside("a policy's action that cannot be read".into()),
    }
}

/// The member had another name in older versions.
fn policy_action<'a>(item: &Object<'a>) -> Cow<'a, str> {
    let policy = item.object(POLICY_ENFORCEMENT).or_else(|| item.object("policy-enforcement"));
    policy.and_then(|policy| policy.text("action")).unwrap_or_default()
}

/// A `changes` item: the dashboard's test of a messaging field, or a change of the Page.
fn change_event(page: &Id, entry_time: Option<i64>, item: &str, raw: &[u8]) -> Event {
    let Some(object) = Object::parse(item) else {
        return apart(page.as_str(), "change", "a change that is no object", raw);
    };
    let field = object.text("field").unwrap_or_default();
    let kind = format!("change {}", short_word(&field));
    let set_apart = |reason| Event {
        // The same label may be given and taken again and again: the time tells one from the other.
        key: change_key(page, b"apart", entry_time, raw),
        occurred_at: entry_time,
        ..apart(page.as_str(), kind.clone(), reason, raw)
    };
    // "Test" in the App Dashboard sends messaging fields as changes, of a Page with the id 0.
    let is_messaging = field.starts_with("messag") || matches!(&*field, "standby" | "response_feedback" | "send_cart");
    if page.as_str() == "0" || is_messaging {
        return set_apart("a test from the App Dashboard");
    }
    if CONTENT_FIELDS.contains(&&*field) {
        return set_apart("a change that is not handled");
    }
    page_event(page, entry_time, kind.into(), raw)
}

/// Something about the Page itself changed. The value is not trusted; the Page is read again.
fn page_event(page: &Id, entry_time: Option<i64>, kind: Cow<'static, str>, raw: &[u8]) -> Event {
    Event {
        channel: NAME,
        account: page.as_str().to_owned(),
        key: change_key(page, b"change", entry_time, raw),
        kind,
        effect: Effect::Reread(OwnRequest::Metadata.into()),
        occurred_at: entry_time,
        name: None,
        source: Source::Webhook,
        payload: raw.to_vec(),
    }
}

fn change_key(page: &Id, what: &[u8], entry_time: Option<i64>, raw: &[u8]) -> DedupeKey {
    let time = entry_time.unwrap_or_default().to_be_bytes();
    DedupeKey::new(NAME, page.as_str(), &[what, &time, &Sha256::digest(raw)])
}

struct Kind {
    name: &'static str,
    /// `Some(true)`: reason enough for a conversation; `Some(false)`: belongs to one; `None`: unknown.
    opens: Option<bool>,
}

/// What an item is, by the member that is present, in this order.
fn classify(item: &Object<'_>) -> Kind {
    const KINDS: [(&str, &str, bool); 17] = [
        ("message_edit", "edit", false),
        ("postback", "postback", true),
        ("reaction", "reaction", false),
        ("delivery", "delivery", false),
        ("read", "read", false),
        ("optin", "optin", true),
        ("referral", "referral", true),
        ("account_linking", "account_linking", false),
        ("pass_thread_control", "pass_thread_control", false),
        ("take_thread_control", "take_thread_control", false),
        ("request_thread_control", "request_thread_control", false),
        ("app_roles", "app_roles", false),
        (POLICY_ENFORCEMENT, POLICY_ENFORCEMENT, false),
        ("policy-enforcement", POLICY_ENFORCEMENT, false),
        ("response_feedback", "response_feedback", false),
        ("order", "order", true),
        ("game_play", "game_play", false),
    ];
    if item.has("message") {
        let message = item.object("message");
        let says = |member: &str| message.as_ref().is_some_and(|message| message.is_true(member));
        return match () {
            () if says("is_deleted") => Kind { name: "unsend", opens: Some(false) },
            () if says("is_echo") => Kind { name: "echo", opens: Some(true) },
            () => Kind { name: "message", opens: Some(true) },
        };
    }
    KINDS
        .iter()
        .find(|(member, ..)| item.has(member))
        .map_or(Kind { name: "unknown", opens: None }, |&(_, name, opens)| Kind { name, opens: Some(opens) })
}

/// The key by which a repeat is recognised, by whatever road it comes.
fn item_key(page: &Id, kind: &Kind, item: &Object<'_>, sender: &str, time: Option<i64>, raw: &[u8]) -> DedupeKey {
    let key = |parts: &[&[u8]]| DedupeKey::new(NAME, page.as_str(), parts);
    let part = |member: &str, name: &str| item.object(member).and_then(|part| part.text(name)).unwrap_or_default();
    let time_text = time.map(|time| time.to_string()).unwrap_or_default();
    let time_text = time_text.as_bytes();
    let sender = sender.as_bytes();
    let hash = Sha256::digest(raw);
    match kind.name {
        "message" | "echo" | "postback" => {
            let mid = part(if kind.name == "postback" { "postback" } else { "message" }, "mid");
            match (mid.is_empty(), kind.name) {
                (false, _) => message_key(page, &mid),
                (true, "postback") => key(&[
                    b"postback",
                    sender,
                    time_text,
                    part("postback", "title").as_bytes(),
                    part("postback", "payload").as_bytes(),
                ]),
                (true, _) => key(&[b"message without mid", &hash]),
            }
        }
        "unsend" => key(&[b"unsend", plain_mid(&part("message", "mid")).as_bytes()]),
        "edit" => match Edit::of(item) {
            Some(Edit { mid, number: Some(number) }) => edit_key(page, &mid, &number.to_string()),
            // Those of one message are told apart by their times.
            Some(Edit { mid, number: None }) if time.is_some() => {
                key(&[b"edit of no number", mid.as_bytes(), time_text])
            }
            _ => key(&[b"edit of no number", &hash]),
        },
        "reaction" => key(&[
            b"reaction",
            part("reaction", "mid").as_bytes(),
            sender,
            part("reaction", "action").as_bytes(),
            time_text,
        ]),
        "delivery" | "read" => {
            // Instagram names the message instead.
            let mut watermark = part(kind.name, "watermark");
            if watermark.is_empty() {
                watermark = part(kind.name, "mid");
            }
            if watermark.is_empty() {
                key(&[kind.name.as_bytes(), &hash])
            } else {
                key(&[kind.name.as_bytes(), sender, watermark.as_bytes()])
            }
        }
        POLICY_ENFORCEMENT => key(&[b"policy_enforcement", time_text, policy_action(item).as_bytes()]),
        // Without a time, or from a person known only by a reference, the sender says too little.
        name if name != "unknown" && time.is_some() && !sender.is_empty() => key(&[name.as_bytes(), sender, time_text]),
        name => key(&[name.as_bytes(), &hash]),
    }
}

/// The key of a message: its `mid`, which webhooks, echoes, the Conversations API and the Send API share. The ids of Pages
/// and of Instagram accounts are of one space.
#[must_use]
pub fn message_key(account: &Id, mid: &str) -> DedupeKey {
    DedupeKey::new(NAME, account.as_str(), &[b"mid", plain_mid(mid).as_bytes()])
}

/// The key of a message, of which an operator knows the id.
#[must_use]
pub fn key_of_message(account: &str, mid: &str) -> Option<DedupeKey> {
    Id::parse(account).map(|account| message_key(&account, mid))
}

fn edit_key(page: &Id, mid: &str, number: &str) -> DedupeKey {
    DedupeKey::new(NAME, page.as_str(), &[b"edit", mid.as_bytes(), number.as_bytes()])
}

/// A message can be edited five times; some more cost nothing.
const MOST_EDITS: u32 = 20;

/// In the place of an edit's number, where it has none or one that is beyond all.
const NO_NUMBER: &str = "";

/// An edit of a message.
struct Edit<'a> {
    mid: Cow<'a, str>,
    /// Which one of the message's, where it is one of those that are looked for by their number.
    number: Option<u32>,
}

impl<'a> Edit<'a> {
    fn of(item: &Object<'a>) -> Option<Self> {
        let edit = item.object("message_edit")?;
        let mid = edit.text("mid").filter(|mid| !mid.is_empty())?;
        let number = edit.text("num_edit").and_then(|number| number.parse().ok());
        Some(Self { mid, number: number.filter(|number| *number <= MOST_EDITS) })
    }

    /// By what it is found when its message is taken back, where its own key does not tell.
    fn name(&self, page: &Id) -> Option<DedupeKey> {
        self.number.is_none().then(|| edit_key(page, &self.mid, NO_NUMBER))
    }
}

/// The keys of all that shows the content of a message: itself and its edits.
fn keys_of(page: &Id, mid: &str) -> Vec<DedupeKey> {
    let edits = (0..=MOST_EDITS).map(|number| edit_key(page, mid, &number.to_string()));
    [message_key(page, mid), edit_key(page, mid, NO_NUMBER)].into_iter().chain(edits).collect()
}

/// How content is taken back.
pub const UNSENDING: Unsending = Unsending { tombstone, event_of };

/// What is left of an item whose content was taken back: who said it to whom and when, and its id.
/// Source: <https://developers.facebook.com/docs/messenger-platform/instagram/features/webhook> (message deletions; 2026).
fn tombstone(item: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(item).unwrap_or_default();
    let Some(object) = Object::parse(text) else { return b"{}".to_vec() };
    let mut members = object.pairs(&["sender", "recipient", "timestamp"]);
    for (name, inner) in
        [("message", &["mid", "is_echo"][..]), ("message_edit", &["mid", "num_edit"]), ("postback", &["mid"])]
    {
        if let Some(part) = object.object(name) {
            let mut inner = part.pairs(inner);
            inner.push("\"is_deleted\":true".to_owned());
            members.push(format!("\"{name}\":{{{}}}", inner.join(",")));
        }
    }
    format!("{{{}}}", members.join(",")).into_bytes()
}

/// The event that an item of a conversation's file was.
fn event_of(account: &str, item: &str) -> Option<Event> {
    let page = Id::parse(account)?;
    Some(messaging_event(&page, None, Source::Import, item, item.as_bytes()))
}

/// Old ids are `mid.$…` in webhooks and `m_mid.$…` in the Graph API.
fn plain_mid(mid: &str) -> &str {
    match mid.strip_prefix("m_") {
        Some(old) if old.starts_with("mid.") => old,
        _ => mid,
    }
}

fn apart(account: &str, kind: impl Into<Cow<'static, str>>, reason: &'static str, raw: &[u8]) -> Event {
    Event::set_aside(NAME, account, kind, reason, raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(items: &str) -> Vec<u8> {
        format!(
            r#"{{"object":"page","entry":[{{"id":"100000000000101","time":1790000000123,"messaging":[{items}]}}]}}"#
        )
        .into_bytes()
    }

    #[test]
    fn a_body_that_is_no_object_is_one_of_so_many() {
        let body = "x".repeat(9000);
        let event = split(body.as_bytes()).remove(0);
        assert_eq!(event.key, DedupeKey::of_no_object(NAME, body.as_bytes()));
        assert!(event.payload.len() < body.len());
    }

    fn one(items: &str) -> Event {
        let mut events = split(&envelope(items));
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    #[test]
    fn an_item_keeps_its_bytes_and_finds_its_person() {
        let item = r#"{"sender":{"id":"7000000000000001"}, "recipient":{"id":"100000000000101"},"timestamp":1790000000000,"message":{"mid":"m_t1","text":"Caf\u00e9 \ud83d","n":900719925474099312345}}"#;
        let event = one(item);
        assert_eq!(event.payload, item.as_bytes());
        assert_eq!(event.effect, Effect::Conversation { person: "7000000000000001".into(), opens: true });
        assert_eq!(event.occurred_at, Some(1_790_000_000_000));
    }

    #[test]
    fn an_echo_belongs_to_the_person_it_was_sent_to() {
        let event = one(
            r#"{"sender":{"id":"100000000000101"},"recipient":{"id":"7000000000000001"},"timestamp":1,"message":{"mid":"m_e1","is_echo":true}}"#,
        );
        assert_eq!(event.kind, "echo");
        assert_eq!(event.effect, Effect::Conversation { person: "7000000000000001".into(), opens: true });
    }

    #[test]
    fn one_bad_item_costs_its_neighbours_nothing() {
        let good = |mid: &str| {
            format!(r#"{{"sender":{{"id":"7"}},"recipient":{{"id":"100000000000101"}},"message":{{"mid":"{mid}"}}}}"#)
        };
        let mut body = envelope(&format!("{},17,null,{{}},\"x\",{}", good("a"), good("b")));
        let events = split(&body);
        let apart = events.iter().filter(|event| matches!(event.effect, Effect::SetAside(_))).count();
        assert_eq!((events.len(), apart), (6, 4));
        // An invalid byte inside the first item's text.
        let at = body.windows(3).position(|window| window == b"\"a\"").expect("the mid") + 1;
        body[at] = 0xff;
        let events = split(&body);
        assert_eq!(events.len(), 6);
        assert!(matches!(events[0].effect, Effect::SetAside(_)));
        assert!(events[0].payload.contains(&0xff));
        assert!(matches!(events[5].effect, Effect::Conversation { .. }));
    }

    #[test]
    fn times_come_as_seconds_text_or_not_at_all() {
        let at = |time: &str| {
            one(&format!(
                r#"{{"sender":{{"id":"7"}},"recipient":{{"id":"100000000000101"}},{time}"message":{{"mid":"a"}}}}"#
            ))
            .occurred_at
        };
        assert_eq!(at(r#""timestamp":"1790000031","#), Some(1_790_000_031_000));
        assert_eq!(at(r#""timestamp":1790000031,"#), Some(1_790_000_031_000));
        assert_eq!(at(r#""timestamp":1790000000000.0,"#), Some(1_790_000_000_000));
        assert_eq!(at(""), Some(1_790_000_000_123));
        assert_eq!(at(r#""timestamp":-5,"#), Some(1_790_000_000_123));
        assert_eq!(at(r#""timestamp":99999999999999999999999999,"#), Some(1_790_000_000_123));
    }

    #[test]
    fn the_dashboards_test_is_no_conversation() {
        let body = br#"{"object":"page","entry":[{"id":"0","time":1790000000,"changes":[{"field":"messages","value":{"sender":{"id":"12334"},"recipient":{"id":"23245"},"timestamp":"1790000000","message":{"mid":"test_message_id","text":"test_message"}}}]}]}"#;
        let events = split(body);
        assert_eq!(events.len(), 1);
        assert!(matches!(&events[0].effect, Effect::SetAside(reason) if reason.contains("Dashboard")));
    }

    #[test]
    fn receipts_with_one_watermark_are_one_and_reactions_differ_by_time() {
        let read = |extra: &str| {
            one(&format!(
                r#"{{"sender":{{"id":"7"}},"recipient":{{"id":"100000000000101"}}{extra},"read":{{"watermark":5}}}}"#
            ))
            .key
        };
        assert_eq!(read(""), read(r#","timestamp":1790000000000"#));
        let reaction = |time: u64| {
            one(&format!(
                r#"{{"sender":{{"id":"7"}},"recipient":{{"id":"100000000000101"}},"timestamp":{time},"reaction":{{"mid":"a","action":"react"}}}}"#
            ))
            .key
        };
        assert_ne!(reaction(1_790_000_000_000), reaction(1_790_000_000_001));
    }

    #[test]
    fn what_is_no_delivery_is_kept_whole() {
        for body in
            [&b""[..], b"[]", b"{", b"{\"object\":\"page\"}", b"{\"object\":\"page\",\"entry\":[]}", b"\xff\xfe"]
        {
            let events = split(body);
            assert_eq!(events.len(), 1, "{body:?}");
            assert_eq!(events[0].payload, body);
            assert!(matches!(events[0].effect, Effect::SetAside(_)));
        }
    }

    #[test]
    fn of_what_is_taken_back_only_who_when_and_the_id_are_left() {
        let left = |item: &str| String::from_utf8(tombstone(item.as_bytes())).expect("text");
        let item = r#"{"sender":{"id":"7"}, "recipient":{"id":"1"},"timestamp":1790000000000,"message":{"mid":"m_1","text":"x","is_echo":true,"attachments":[{}]},"extra":"y"}"#;
        let expected = r#"{"sender":{"id":"7"},"recipient":{"id":"1"},"timestamp":1790000000000,"message":{"mid":"m_1","is_echo":true,"is_deleted":true}}"#;
        assert_eq!(left(item), expected);
        assert_eq!(left(expected), expected, "once is enough");
        assert_eq!(
            left(r#"{"sender":{"id":"7"},"message_edit":{"mid":"m_1","text":"x","num_edit":2}}"#),
            r#"{"sender":{"id":"7"},"message_edit":{"mid":"m_1","num_edit":2,"is_deleted":true}}"#
        );
        assert_eq!(left("no object"), "{}");
    }

    #[test]
    fn an_old_id_is_the_same_by_both_roads() {
        let page = Id::parse("1").expect("an id");
        assert_eq!(message_key(&page, "m_mid.$cAA"), message_key(&page, "mid.$cAA"));
        assert_ne!(message_key(&page, "m_a"), message_key(&page, "a"));
    }
}
