//! What Viber sends → an event. A callback is one event, and its bytes are kept as they came: only what decides is looked at.
//!
//! A callback does not name the bot. Whose it is, the caller says; where nobody can tell yet, the event is set aside, and read
//! anew once the platform has told ([`super::account`]).
//! Source: <https://creators.viber.com/docs/bots-api/> (Events), <https://developers.viber.com/docs/api/rest-bot-api/>
//! (Callbacks; 2026). Ids of messages are whole numbers beyond 2^53: they are digits here, and never reckoned with.

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::names::{self, NAME};
use super::read_request::OwnRequest;
use crate::shared::files::path::Name;
use crate::shared::journal::{DedupeKey, Effect, Event, Source, Unsending, short_word};
use crate::shared::raw_json::{Object, is_too_deep};

/// Why an event is set aside as long as nobody can tell which bot was called.
pub const UNNAMED: &str = "the bot's account is not known yet";

/// The kind of a message that a person sent.
pub const MESSAGE: &str = "message";

/// The kind of a message of ours: Viber shows none, so this is our own copy.
pub const SENT: &str = "sent";

/// The kind of the event that somebody opened the chat.
pub const OPENED: &str = "conversation_started";

/// The end of the year 9999 in milliseconds. What claims to be later is no time.
const LATEST: i64 = 253_402_300_799_999;

/// What a callback is.
struct Read {
    kind: String,
    effect: Effect,
    /// What tells it from others, beside the bot.
    key: Vec<Vec<u8>>,
    occurred_at: Option<i64>,
    /// The id of what a person said.
    said: Option<String>,
}

/// The event of a callback whose signature is right. `account`: whose it is; `None`: nobody can tell yet.
#[must_use]
pub fn event(account: Option<&Name>, body: &[u8]) -> Event {
    let Read { kind, effect, key, occurred_at, said } = read(body);
    let of = account.map_or("", Name::as_str);
    let parts: Vec<&[u8]> = key.iter().map(Vec::as_slice).collect();
    Event {
        channel: NAME,
        account: of.to_owned(),
        key: DedupeKey::new(NAME, of, &parts),
        // Viber tells that a person's own message was delivered and seen, too.
        name: account.zip(said).map(|(account, said)| DedupeKey::of_said(NAME, account.as_str(), &said)),
        kind: kind.into(),
        effect: if account.is_some() { effect } else { Effect::SetAside(UNNAMED.into()) },
        occurred_at,
        source: Source::Webhook,
        payload: body.to_vec(),
    }
}

fn read(body: &[u8]) -> Read {
    let hash = || Sha256::digest(body).to_vec();
    let apart = |kind: &str, reason: &'static str| Read {
        kind: kind.to_owned(),
        effect: Effect::SetAside(reason.into()),
        key: vec![b"apart".to_vec(), hash()],
        occurred_at: None,
        said: None,
    };
    let Some(text) = std::str::from_utf8(body).ok() else { return apart("delivery", "a callback that is not UTF-8") };
    // Members are looked for in less strict a way than files want it.
    let callback = serde_json::from_str::<&RawValue>(text).ok().and_then(|_| Object::parse(text));
    let Some(callback) = callback else { return apart("delivery", "a callback that is no JSON object") };
    if is_too_deep(text) {
        return apart("delivery", "a callback that is nested too deeply");
    }
    let word = callback.text("event").unwrap_or_default();
    let occurred_at = time_of(&callback);
    let token = token_of(&callback);
    let user = user_of(&callback, &word);
    let kind = match &*word {
        MESSAGE if is_ours(&callback) => SENT.to_owned(),
        "webhook" | MESSAGE | "subscribed" | "unsubscribed" | OPENED | "delivered" | "seen" | "failed" => {
            word.to_string()
        }
        "" => return Read { occurred_at, ..apart("delivery", "a callback that says no event") },
        other => {
            let kind = format!("event {}", short_word(other));
            return Read { occurred_at, ..apart(&kind, "an event of an unknown kind") };
        }
    };
    let person = user.as_deref().and_then(names::person);
    let effect = match (kind.as_str(), person) {
        ("webhook", _) => Effect::Reread(OwnRequest::Called.into()),
        (MESSAGE | SENT, Some(person)) => Effect::Conversation { person: person.to_string(), opens: true },
        (_, Some(person)) => Effect::Report { person: person.to_string() },
        // Half a callback must not stand in the way of the whole one, which has the same id.
        (kind, None) => return Read { occurred_at, ..apart(kind, "a callback that names no person") },
    };
    let user = user.unwrap_or_default().into_bytes();
    let said = token.clone().filter(|_| kind == MESSAGE);
    let key = match (kind.as_str(), token) {
        (MESSAGE | SENT, Some(token)) => message_parts(&token),
        // Their token is that of our message, which may go to several people.
        ("delivered" | "seen" | "failed", Some(token)) => vec![word.as_bytes().to_vec(), token.into_bytes(), user],
        (MESSAGE | SENT | "delivered" | "seen" | "failed", None) => vec![word.as_bytes().to_vec(), hash()],
        (_, Some(token)) => vec![word.as_bytes().to_vec(), token.into_bytes()],
        (_, None) => match occurred_at {
            Some(at) => vec![word.as_bytes().to_vec(), user, at.to_string().into_bytes()],
            None => vec![word.as_bytes().to_vec(), hash()],
        },
    };
    Read { kind, effect, key, occurred_at, said }
}

/// The platform's time in milliseconds since 1970, where it is one.
fn time_of(callback: &Object<'_>) -> Option<i64> {
    callback.integer("timestamp").filter(|at| (0..=LATEST).contains(at))
}

/// The id of a message, as its digits: it comes as a number or as text.
#[must_use]
pub fn token_of(callback: &Object<'_>) -> Option<String> {
    let token = callback.text("message_token")?;
    let is_good =
        (1..=40).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_good.then(|| token.into_owned())
}

/// Whether a message is our own copy of what we sent: it names who receives it, and no person who sent it.
fn is_ours(callback: &Object<'_>) -> bool {
    id_in(callback, "sender").is_none() && id_in(callback, "receiver").is_some()
}

fn id_in(callback: &Object<'_>, member: &str) -> Option<String> {
    callback.object(member).and_then(|user| user.text("id")).map(|id| id.into_owned())
}

/// The person's id, which stands elsewhere in each kind of event.
fn user_of(callback: &Object<'_>, event: &str) -> Option<String> {
    match event {
        MESSAGE => id_in(callback, "sender").or_else(|| id_in(callback, "receiver")),
        _ => callback.text("user_id").map(|id| id.into_owned()).or_else(|| id_in(callback, "user")),
    }
}

fn message_parts(token: &str) -> Vec<Vec<u8>> {
    vec![MESSAGE.as_bytes().to_vec(), token.as_bytes().to_vec()]
}

/// The key of a message of this account: the person's or ours.
#[must_use]
pub fn message_key(account: &str, token: &str) -> DedupeKey {
    let parts = message_parts(token);
    DedupeKey::new(NAME, account, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// The key of a message, of which an operator knows the id.
#[must_use]
pub fn key_of_message(account: &str, token: &str) -> Option<DedupeKey> {
    names::account(account).map(|account| message_key(account.as_str(), token))
}

/// How the items of conversation files are recognised. Nobody can take content back on Viber.
pub const FROM_FILES: Unsending = Unsending { tombstone, event_of };

/// What is left of an item whose content is taken back: who said it to whom and when, and its id.
fn tombstone(item: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(item).unwrap_or_default();
    let Some(object) = Object::parse(text) else { return b"{}".to_vec() };
    let mut members = object.pairs(&["event", "timestamp", "message_token"]);
    for name in ["sender", "receiver"] {
        if let Some(id) = object.object(name).and_then(|user| user.get("id")) {
            members.push(format!("\"{name}\":{{\"id\":{id}}}"));
        }
    }
    format!("{{{}}}", members.join(",")).into_bytes()
}

/// The event that an item of a conversation's file was.
fn event_of(account: &str, item: &str) -> Option<Event> {
    let event = event(Some(&names::account(account)?), item.as_bytes());
    Some(Event { source: Source::Import, ..event })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "dGVzdC11c2VyLTAx/A==";
    const PERSON: &str = "dGVzdC11c2VyLTAx_A";

    fn of(body: &str) -> Event {
        event(names::account("5346").as_ref(), body.as_bytes())
    }

    fn entry() -> Effect {
        Effect::Conversation { person: PERSON.to_owned(), opens: true }
    }

    fn report() -> Effect {
        Effect::Report { person: PERSON.to_owned() }
    }

    #[test]
    fn every_event_finds_its_person_where_it_stands() {
        for (body, kind, effect) in [
            (r#"{"event":"message","message_token":1,"sender":{"id":"ID"}}"#, "message", entry()),
            (r#"{"event":"message","message_token":1,"receiver":{"id":"ID"},"sender":{"name":"x"}}"#, "sent", entry()),
            (r#"{"event":"subscribed","message_token":1,"user":{"id":"ID"}}"#, "subscribed", report()),
            (r#"{"event":"conversation_started","user":{"id":"ID"}}"#, "conversation_started", report()),
            (r#"{"event":"unsubscribed","user_id":"ID"}"#, "unsubscribed", report()),
            (r#"{"event":"delivered","message_token":1,"user_id":"ID"}"#, "delivered", report()),
            (r#"{"event":"seen","message_token":1,"user_id":"ID"}"#, "seen", report()),
            (r#"{"event":"failed","message_token":1,"user_id":"ID","desc":"x"}"#, "failed", report()),
            (r#"{"event":"webhook","message_token":1}"#, "webhook", Effect::Reread(OwnRequest::Called.into())),
        ] {
            let event = of(&body.replace("ID", USER));
            assert_eq!((event.kind.as_ref(), &event.effect, event.account.as_str()), (kind, &effect, "5346"), "{body}");
        }
        for (body, kind) in [
            (r#"{"event":"client_status","user_id":"ID"}"#, "event client_status"),
            (r#"{"event":"action"}"#, "event action"),
            (r#"{"event":"message","sender":{"id":"no id"}}"#, "message"),
            (r#"{"event":"message","user_id":"ID"}"#, "message"),
            (r#"{"event":17,"user_id":"ID"}"#, "event 17"),
            ("{}", "delivery"),
            ("[]", "delivery"),
            ("", "delivery"),
        ] {
            let event = of(&body.replace("ID", USER));
            assert_eq!(event.kind, kind, "{body}");
            assert!(matches!(event.effect, Effect::SetAside(_)), "{body}");
        }
    }

    #[test]
    fn a_token_is_exact_as_number_and_as_text() {
        let key = |token: &str| {
            of(&format!(r#"{{"event":"message","message_token":{token},"sender":{{"id":"{USER}"}}}}"#)).key
        };
        assert_eq!(key("5912661846655238160"), key("\"5912661846655238160\""));
        assert_ne!(key("5912661846655238160"), key("5912661846655238161"));
        assert_eq!(key("5912661846655238160"), message_key("5346", "5912661846655238160"));
        assert_eq!(key("18446744073709551615"), message_key("5346", "18446744073709551615"));
    }

    #[test]
    fn receipts_differ_by_event_token_and_person() {
        let key = |event: &str, token: u64, user: &str| {
            of(&format!(r#"{{"event":"{event}","message_token":{token},"user_id":"{user}","timestamp":{token}}}"#)).key
        };
        let other = "dGVzdC11c2VyLTAy/A==";
        let keys = [
            key("delivered", 1, USER),
            key("seen", 1, USER),
            key("failed", 1, USER),
            key("delivered", 2, USER),
            key("delivered", 1, other),
        ];
        for (index, one) in keys.iter().enumerate() {
            assert!(!keys[index + 1..].contains(one));
        }
        // A person with two devices reports twice.
        assert_eq!(
            of(&format!(r#"{{"event":"seen","message_token":1,"user_id":"{USER}","timestamp":5}}"#)).key,
            key("seen", 1, USER)
        );
        let without_token =
            |at: u64| of(&format!(r#"{{"event":"unsubscribed","user_id":"{USER}","timestamp":{at}}}"#)).key;
        assert_ne!(without_token(1), without_token(2));
        assert_eq!(without_token(1), without_token(1));
    }

    #[test]
    fn without_a_bot_everything_is_set_aside_as_it_came() {
        let body = format!(r#" {{"event":"message","message_token":1,"sender":{{"id":"{USER}"}}}} "#);
        let event = event(None, body.as_bytes());
        assert_eq!((event.account.as_str(), event.payload.as_slice()), ("", body.as_bytes()));
        assert_eq!(event.effect, Effect::SetAside(UNNAMED.into()));
    }

    #[test]
    fn times_are_milliseconds_or_none() {
        let at = |time: &str| of(&format!(r#"{{"event":"webhook"{time}}}"#)).occurred_at;
        assert_eq!(at(r#","timestamp":1795219200000"#), Some(1_795_219_200_000));
        assert_eq!(at(r#","timestamp":"1795219200000""#), Some(1_795_219_200_000));
        for none in ["", r#","timestamp":null"#, r#","timestamp":"soon""#, r#","timestamp":-1"#, r#","timestamp":1e99"#]
        {
            assert_eq!(at(none), None, "{none}");
        }
    }

    #[test]
    fn an_item_of_a_file_leads_back_to_its_event() {
        let item = format!(
            r#"{{"event":"message","timestamp":1,"message_token":7,"sender":{{"id":"{USER}","name":"D"}},"message":{{"text":"x"}}}}"#
        );
        let event = event_of("5346", &item).unwrap();
        assert_eq!((event.key, event.effect.clone()), (message_key("5346", "7"), entry()));
        assert_eq!(
            String::from_utf8(tombstone(item.as_bytes())).unwrap(),
            format!(r#"{{"event":"message","timestamp":1,"message_token":7,"sender":{{"id":"{USER}"}}}}"#)
        );
    }
}
