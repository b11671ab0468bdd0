//! What an item of Messenger or Instagram means to whoever answers.
//!
//! Source: <https://developers.facebook.com/docs/messenger-platform/webhooks> and its pages of events (2026).

use super::inbox::is_inbox_app;
use crate::meta::id::milliseconds;
use crate::shared::channel::meaning::{
    Chosen, Control, Kind, Meaning, MediaSeen, Origin, Receipt, Receiving, Said, WentOut,
};
use crate::shared::raw_json::{Object, elements};
use crate::shared::store::Item;

/// What an item means. `app`: our app's id.
pub fn of(account: &str, app: &str, item: &Item) -> Meaning {
    let Some(object) = std::str::from_utf8(&item.payload).ok().and_then(Object::parse) else {
        return Meaning::Unreadable;
    };
    let sender = object.object("sender").and_then(|sender| sender.text("id"));
    let is_person = sender.as_deref() != Some(account);
    match item.kind.as_str() {
        // What was taken back is not answered; that something was written counts for the window.
        "message" | "postback" if is_taken_back(&object, &item.kind) => Meaning::Activity { opens_window: true },
        "message" => object.object("message").map_or(Meaning::Unreadable, |message| Meaning::Said(said(&message))),
        "echo" => object.object("message").map_or(Meaning::Unreadable, |message| Meaning::WentOut(echo(&message, app))),
        "postback" => object.object("postback").map_or(Meaning::Unreadable, |part| Meaning::Said(postback(&part))),
        "unsend" => Meaning::TakesBack,
        "order" => Meaning::Said(Said { kind: Kind::Order, ..nothing_said() }),
        "delivery" | "read" if is_person => receipt(&object, &item.kind),
        "reaction" => {
            let is_taken_back = object.object("reaction").and_then(|part| part.text("action"));
            Meaning::Activity { opens_window: is_person && is_taken_back.as_deref() != Some("unreact") }
        }
        "referral" | "optin" => Meaning::Activity { opens_window: is_person },
        "pass_thread_control" | "take_thread_control" => control(&object, &item.kind, app),
        _ => Meaning::Activity { opens_window: false },
    }
}

/// Whether only that it was said is left of something.
fn is_taken_back(object: &Object<'_>, kind: &str) -> bool {
    object.object(kind).is_some_and(|part| part.is_true("is_deleted"))
}

fn nothing_said() -> Said {
    Said {
        platform_id: None,
        kind: Kind::Other,
        text: None,
        choice: None,
        media: Vec::new(),
        reply_to: None,
        referral: None,
        is_from_ad: false,
    }
}

fn text_of(part: &Object<'_>, name: &str) -> Option<String> {
    part.readable(name).filter(|text| !text.is_empty())
}

fn said(message: &Object<'_>) -> Said {
    let (media, attached) = attachments(message);
    let text = text_of(message, "text");
    let choice = message.object("quick_reply").and_then(|reply| text_of(&reply, "payload"));
    let choice = choice.map(|id| Chosen { id, title: text.clone() });
    let referral = message.object("referral");
    Said {
        platform_id: text_of(message, "mid"),
        kind: match (&choice, attached, &text) {
            (Some(_), ..) => Kind::Choice,
            (None, Some(kind), _) => kind,
            (None, None, Some(_)) => match referral.as_ref().is_some_and(|referral| referral.has("product")) {
                true => Kind::Product,
                false => Kind::Text,
            },
            (None, None, None) => Kind::Other,
        },
        text,
        choice,
        media,
        reply_to: message.object("reply_to").and_then(|answered| text_of(&answered, "mid")),
        is_from_ad: referral.as_ref().is_some_and(is_ad),
        referral: message.get("referral").filter(|_| referral.is_some()).map(str::to_owned),
    }
}

fn postback(part: &Object<'_>) -> Said {
    let title = text_of(part, "title");
    let referral = part.object("referral");
    Said {
        platform_id: text_of(part, "mid"),
        kind: Kind::Choice,
        choice: text_of(part, "payload").map(|id| Chosen { id, title: title.clone() }),
        text: title,
        is_from_ad: referral.as_ref().is_some_and(is_ad),
        referral: part.get("referral").filter(|_| referral.is_some()).map(str::to_owned),
        ..nothing_said()
    }
}

fn is_ad(referral: &Object<'_>) -> bool {
    referral.has("ad_id") || referral.text("source").is_some_and(|source| source.eq_ignore_ascii_case("ADS"))
}

/// What is attached, and what kind of message that makes it; `None`: nothing is.
fn attachments(message: &Object<'_>) -> (Vec<MediaSeen>, Option<Kind>) {
    let (mut media, mut stickers) = (Vec::new(), Vec::new());
    let mut kind = None;
    for attachment in message.get("attachments").and_then(elements).unwrap_or_default() {
        let Some(attachment) = Object::parse(attachment) else { continue };
        let word = attachment.text("type").unwrap_or_default();
        let payload = attachment.object("payload");
        match &*word {
            "location" => kind = Some(Kind::Location),
            "template" => {
                let is_product = payload.as_ref().is_some_and(|payload| payload.has("product"));
                kind = Some(if is_product { Kind::Product } else { Kind::Other });
            }
            word => {
                kind = kind.or(Some(Kind::Media));
                // From June to August 2026 a sticker came twice: as itself and as an image.
                if let Some(sticker) = payload.as_ref().and_then(|payload| payload.text("sticker_id")) {
                    let sticker = sticker.into_owned();
                    if stickers.contains(&sticker) {
                        continue;
                    }
                    stickers.push(sticker);
                }
                let url = payload.as_ref().and_then(|payload| text_of(payload, "url"));
                media.push(MediaSeen { kind: word.to_owned(), url });
            }
        }
    }
    (media, kind)
}

fn echo(message: &Object<'_>, app: &str) -> WentOut {
    let (media, attached) = attachments(message);
    let text = text_of(message, "text");
    let from = match message.text("app_id").as_deref() {
        None | Some("") => Origin::Untold,
        Some(id) if id == app => Origin::Us,
        Some(id) if is_inbox_app(id) => Origin::Inbox,
        Some(other) => Origin::App(other.to_owned()),
    };
    WentOut {
        platform_id: text_of(message, "mid"),
        common_id: None,
        kind: attached.unwrap_or(if text.is_some() { Kind::Text } else { Kind::Other }),
        text,
        media,
        reply_to: message.object("reply_to").and_then(|answered| text_of(&answered, "mid")),
        from,
        mark: text_of(message, "metadata"),
    }
}

/// Messenger tells up to when, Instagram which message.
fn receipt(object: &Object<'_>, kind: &str) -> Meaning {
    let Some(part) = object.object(kind) else { return Meaning::Unreadable };
    let what = if kind == "read" { Receiving::Read } else { Receiving::Delivered };
    let until = part.integer("watermark").and_then(milliseconds);
    let named = part.get("mids").and_then(elements).unwrap_or_default();
    let named = named.into_iter().filter_map(|mid| serde_json::from_str::<String>(mid).ok());
    let messages: Vec<String> = named.chain(text_of(&part, "mid")).collect();
    match until.is_some() || !messages.is_empty() {
        true => Meaning::Receipt(Receipt { until, ..Receipt::of(what, messages) }),
        false => Meaning::Activity { opens_window: false },
    }
}

/// Control of a thread went from one app to another. What concerns two others tells that it is not ours.
fn control(object: &Object<'_>, kind: &str, app: &str) -> Meaning {
    let Some(part) = object.object(kind) else { return Meaning::Unreadable };
    match part.text("new_owner_app_id").as_deref() {
        Some(owner) if owner == app => Meaning::Control(Control::Back),
        // Nobody owns the thread: whoever answers first does.
        None | Some("") => Meaning::Activity { opens_window: false },
        Some(_) => Meaning::Control(Control::Lost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, payload: &str) -> Meaning {
        of("1", "900", &Item { seq: 1, at: 1, kind: kind.to_owned(), payload: payload.as_bytes().to_vec() })
    }

    #[test]
    fn what_a_person_says_has_a_kind_a_choice_and_media() {
        let Meaning::Said(tap) = read(
            "message",
            r#"{"sender":{"id":"7"},"message":{"mid":"m_1","text":"Send the link","quick_reply":{"payload":"LINK"}}}"#,
        ) else {
            panic!("said")
        };
        assert_eq!((tap.kind, tap.choice.map(|choice| choice.id).as_deref()), (Kind::Choice, Some("LINK")));
        let Meaning::Said(photo) = read(
            "message",
            r#"{"message":{"mid":"m_2","attachments":[{"type":"image","payload":{"url":"https://cdn.example/1"}}],
                "referral":{"source":"ADS","ad_id":6}}}"#,
        ) else {
            panic!("said")
        };
        assert_eq!((photo.kind, photo.media.len(), photo.is_from_ad), (Kind::Media, 1, true));
        let Meaning::Said(stickers) = read(
            "message",
            r#"{"message":{"mid":"m_3","attachments":[{"type":"sticker","payload":{"url":"https://cdn.example/1","sticker_id":5}},
                {"type":"image","payload":{"url":"https://cdn.example/1","sticker_id":"5"}},
                {"type":"image","payload":{"url":"https://cdn.example/2","sticker_id":6}}]}}"#,
        ) else {
            panic!("said")
        };
        let kinds: Vec<&str> = stickers.media.iter().map(|media| media.kind.as_str()).collect();
        assert_eq!(kinds, ["sticker", "image"], "one that comes twice is told once");
        assert!(photo.referral.unwrap().contains("ad_id"));
        let Meaning::Said(tap) = read("postback", r#"{"postback":{"title":"Help","payload":"HELP"}}"#) else {
            panic!("said")
        };
        assert_eq!((tap.text.as_deref(), tap.choice.unwrap().id.as_str()), (Some("Help"), "HELP"));
        for kind in ["message", "postback"] {
            let left = format!(r#"{{"sender":{{"id":"7"}},"{kind}":{{"mid":"m_1","is_deleted":true}}}}"#);
            assert_eq!(read(kind, &left), Meaning::Activity { opens_window: true });
        }
    }

    #[test]
    fn an_echo_tells_who_sent_it() {
        let from = |app: &str| {
            let item = format!(r#"{{"sender":{{"id":"1"}},"message":{{"mid":"m","is_echo":true,"text":"a"{app}}}}}"#);
            let Meaning::WentOut(echo) = read("echo", &item) else { panic!("an echo") };
            echo.from
        };
        assert_eq!(from(r#","app_id":900"#), Origin::Us);
        assert_eq!(from(r#","app_id":"901""#), Origin::App("901".to_owned()));
        assert_eq!(from(r#","app_id":26390203743090"#), Origin::Inbox);
        assert_eq!(from(r#","app_id":263902037430900"#), Origin::Inbox);
        assert_eq!(from(r#","app_id":1217981644879628"#), Origin::Inbox);
        assert_eq!(from(""), Origin::Untold);
    }

    #[test]
    fn receipts_cover_a_time_or_a_message() {
        let receipt = |what, until, message: &str| {
            Meaning::Receipt(Receipt { until, ..Receipt::of(what, vec![message.to_owned()]) })
        };
        assert_eq!(
            read("delivery", r#"{"sender":{"id":"7"},"delivery":{"mids":["m"],"watermark":1790000012000}}"#),
            receipt(Receiving::Delivered, Some(1_790_000_012_000), "m")
        );
        let read_one = read("read", r#"{"sender":{"id":"7"},"read":{"mid":"m_1"}}"#);
        assert_eq!(read_one, receipt(Receiving::Read, None, "m_1"));
        let own = read("read", r#"{"sender":{"id":"1"},"read":{"watermark":1790000012000}}"#);
        assert_eq!(own, Meaning::Activity { opens_window: false });
    }

    #[test]
    fn control_of_a_thread_is_ours_or_not() {
        let pass = |owner: &str| read("pass_thread_control", &format!(r#"{{"pass_thread_control":{owner}}}"#));
        assert_eq!(pass(r#"{"new_owner_app_id":"900"}"#), Meaning::Control(Control::Back));
        assert_eq!(pass(r#"{"new_owner_app_id":901}"#), Meaning::Control(Control::Lost));
        assert_eq!(pass(r#"{"new_owner_app_id":null}"#), Meaning::Activity { opens_window: false });
    }
}
