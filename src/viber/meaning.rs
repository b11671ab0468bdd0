//! What a callback means to whoever answers.
//!
//! Source: <https://creators.viber.com/docs/bots-api/> (Events), <https://developers.viber.com/docs/api/rest-bot-api/>
//! (Message types; 2026).

use super::{message, payload};
use crate::shared::channel::dialogue::Reason;
use crate::shared::channel::meaning::{Chosen, Kind, Meaning, MediaSeen, Origin, Receipt, Receiving, Said, WentOut};
use crate::shared::raw_json::Object;
use crate::shared::store::Item;

/// The code of a message that did not reach a device. What Viber says beside it may quote the message.
const FAILED: &str = "failed";

/// What a callback, or our own copy, means.
#[must_use]
pub fn of(item: &Item) -> Meaning {
    let Some(callback) = std::str::from_utf8(&item.payload).ok().and_then(Object::parse) else {
        return Meaning::Unreadable;
    };
    match item.kind.as_str() {
        payload::MESSAGE => Meaning::Said(said(&callback)),
        payload::SENT => Meaning::WentOut(went_out(&callback)),
        "delivered" => receipt(&callback, Receiving::Delivered),
        // It covers all earlier messages, too.
        "seen" => receipt(&callback, Receiving::Read),
        FAILED => receipt(&callback, Receiving::Failed),
        "subscribed" => Meaning::CanReceive,
        "unsubscribed" => Meaning::CannotReceive { why: "unsubscribed" },
        // Nobody may be written to who has not subscribed, whatever the settings let be sent outside of a session.
        payload::OPENED if callback.get("subscribed") == Some("false") => {
            Meaning::CannotReceive { why: "unsubscribed" }
        }
        // Who only opened the chat has said nothing: no session begins with it.
        _ => Meaning::Activity { opens_window: false },
    }
}

/// What a message holds.
struct Content {
    kind: Kind,
    text: Option<String>,
    media: Vec<MediaSeen>,
}

fn text_of(message: &Object<'_>, name: &str) -> Option<String> {
    message.readable(name).filter(|text| !text.is_empty())
}

fn content(message: &Object<'_>) -> Content {
    let text = text_of(message, "text");
    let url = text_of(message, "media");
    let seen = |kind: &str| vec![MediaSeen { kind: kind.to_owned(), url: url.clone() }];
    let (kind, text, media) = match message.text("type").as_deref().unwrap_or_default() {
        "picture" => (Kind::Media, text, seen("image")),
        word @ ("video" | "file" | "sticker") => (Kind::Media, text, seen(word)),
        "url" => (Kind::Text, text.or_else(|| url.clone()), Vec::new()),
        "location" => (Kind::Location, text, Vec::new()),
        "text" if text.is_some() => (Kind::Text, text, Vec::new()),
        "rich_media" => (Kind::Other, text.or_else(|| text_of(message, "alt_text")), Vec::new()),
        _ => (Kind::Other, text, Vec::new()),
    };
    Content { kind, text, media }
}

fn said(callback: &Object<'_>) -> Said {
    let message = callback.object("message");
    let content = message.as_ref().map(content);
    let Content { kind, text, media } = content.unwrap_or(Content { kind: Kind::Other, text: None, media: Vec::new() });
    let choice = message.as_ref().and_then(|message| chosen(callback, message));
    Said {
        platform_id: payload::token_of(callback),
        kind: if choice.is_some() { Kind::Choice } else { kind },
        text: choice.as_ref().and_then(|choice| choice.title.clone()).or(text),
        choice,
        media,
        reply_to: None,
        referral: None,
        is_from_ad: false,
    }
}

/// The button that was tapped: a tap comes as a text with the button's id.
#[must_use]
pub fn chosen(callback: &Object<'_>, message: &Object<'_>) -> Option<Chosen> {
    if message.text("type").as_deref() != Some("text") {
        return None;
    }
    let id = text_of(message, "text")?;
    let tracking = message::tracking_of(message);
    let title = message::title_of(&tracking, &id);
    // A tap on a button that stays out of the chat says so, and so may what is no tap.
    let is_tap = title.is_some() || (callback.is_true("silent") && message::hides_buttons(&tracking));
    is_tap.then_some(Chosen { id, title })
}

fn went_out(callback: &Object<'_>) -> WentOut {
    let message = callback.object("message");
    let content = message.as_ref().map(content);
    let Content { kind, text, media } = content.unwrap_or(Content { kind: Kind::Other, text: None, media: Vec::new() });
    let is_product = message.is_some_and(|message| message.text("type").as_deref() == Some("rich_media"));
    WentOut {
        platform_id: payload::token_of(callback),
        common_id: None,
        kind: if is_product { Kind::Product } else { kind },
        text,
        media,
        reply_to: None,
        from: Origin::Us,
        mark: None,
    }
}

fn receipt(callback: &Object<'_>, what: Receiving) -> Meaning {
    let Some(token) = payload::token_of(callback) else { return Meaning::Activity { opens_window: false } };
    let failure = (what == Receiving::Failed).then(|| (FAILED.to_owned(), Reason::Refused));
    Meaning::Receipt(Receipt { tells_of_unknown: true, failure, ..Receipt::of(what, vec![token]) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: &str, payload: &str) -> Meaning {
        of(&Item { seq: 1, at: 1, kind: kind.to_owned(), payload: payload.as_bytes().to_vec() })
    }

    fn heard(message: &str) -> Said {
        let payload = format!(r#"{{"event":"message","message_token":5912661846655238160,"message":{message}}}"#);
        let Meaning::Said(said) = read("message", &payload) else { panic!("said") };
        assert_eq!(said.platform_id.as_deref(), Some("5912661846655238160"));
        said
    }

    #[test]
    fn every_type_of_message_has_a_kind() {
        for (message, kind, text, media) in [
            (r#"{"type":"text","text":"is the table free?"}"#, Kind::Text, Some("is the table free?"), None),
            (
                r#"{"type":"picture","media":"https://m.example/1","text":"menu"}"#,
                Kind::Media,
                Some("menu"),
                Some("image"),
            ),
            (r#"{"type":"video","media":"https://m.example/1"}"#, Kind::Media, None, Some("video")),
            (r#"{"type":"file","media":"https://m.example/1","file_size":"7"}"#, Kind::Media, None, Some("file")),
            (r#"{"type":"sticker","sticker_id":"46105"}"#, Kind::Media, None, Some("sticker")),
            (r#"{"type":"contact","contact":{"name":"C","phone_number":"1"}}"#, Kind::Other, None, None),
            (r#"{"type":"url","media":"https://e.example/page"}"#, Kind::Text, Some("https://e.example/page"), None),
            (r#"{"type":"location","location":{"lat":"6.9","lon":79.8}}"#, Kind::Location, None, None),
            (r#"{"type":"rich_media","alt_text":"card"}"#, Kind::Other, Some("card"), None),
            (r#"{"type":"text","text":"pressed","contact":{"phone_number":"1"}}"#, Kind::Text, Some("pressed"), None),
            (r#"{"type":"hologram"}"#, Kind::Other, None, None),
            ("{}", Kind::Other, None, None),
            ("null", Kind::Other, None, None),
            ("[7]", Kind::Other, None, None),
        ] {
            let said = heard(message);
            let first = said.media.first().map(|media| media.kind.as_str());
            assert_eq!((said.kind, said.text.as_deref(), first), (kind, text, media), "{message}");
        }
    }

    #[test]
    fn a_tap_has_the_buttons_id_and_its_title() {
        let tap = heard(r#"{"type":"text","text":"LINK","tracking_data":"msg_1:1 {\"LINK\":\"Send the link\"}"}"#);
        let chosen = Chosen { id: "LINK".to_owned(), title: Some("Send the link".to_owned()) };
        assert_eq!((tap.kind, tap.text.as_deref(), tap.choice), (Kind::Choice, Some("Send the link"), Some(chosen)));
        let typed = heard(r#"{"type":"text","text":"link","tracking_data":"msg_1:1 {\"LINK\":\"Send the link\"}"}"#);
        assert_eq!((typed.kind, typed.choice), (Kind::Text, None));
        let silent = |tracking: &str| {
            let message = json!({"type": "text", "text": "LINK", "tracking_data": tracking});
            let callback = json!({"event": "message", "silent": true, "message": message}).to_string();
            let Meaning::Said(said) = read("message", &callback) else { panic!("said") };
            (said.kind, said.text)
        };
        assert_eq!(silent("msg_1:1"), (Kind::Choice, Some("LINK".to_owned())), "its buttons did not fit");
        for others in ["", "welcome", "somebody else's", r#"msg_1:1 {"OTHER":"Another one"}"#] {
            assert_eq!(silent(others), (Kind::Text, Some("LINK".to_owned())), "{others}");
        }
    }

    #[test]
    fn receipts_name_the_message_and_may_be_about_an_unknown_one() {
        let body = r#"{"message_token":5912661846655239001,"user_id":"x","desc":"keyboard not valid: secret"}"#;
        let expected = |what, failure| {
            let receipt = Receipt::of(what, vec!["5912661846655239001".to_owned()]);
            Meaning::Receipt(Receipt { tells_of_unknown: true, failure, ..receipt })
        };
        assert_eq!(read("delivered", body), expected(Receiving::Delivered, None));
        assert_eq!(read("seen", body), expected(Receiving::Read, None));
        let failure = Some(("failed".to_owned(), Reason::Refused));
        assert_eq!(read("failed", body), expected(Receiving::Failed, failure));
        assert_eq!(read("seen", "{}"), Meaning::Activity { opens_window: false });
        assert_eq!(read("unsubscribed", "{}"), Meaning::CannotReceive { why: "unsubscribed" });
        assert_eq!(read("subscribed", "{}"), Meaning::CanReceive);
        assert_eq!(read("conversation_started", "{}"), Meaning::Activity { opens_window: false });
        assert_eq!(read("message", "\u{0}"), Meaning::Unreadable);
    }
}
