//! How conversations of the bot are shown to people: from callbacks, as the journal keeps them, to words.

use super::names::PLATFORM;
use super::{meaning, payload};
use crate::shared::channel::view::{Media, Message, Shown, Side, View};
use crate::shared::languages::say;
use crate::shared::raw_json::Object;
use crate::shared::store::Item;

/// How the account is shown.
pub const VIEW: View = View {
    platform: PLATFORM,
    noun: say::noun_bot,
    part: say::part_viber,
    reconnect: None,
    conversations: Some(show),
    catalogue: None,
};

fn show(_account: &str, item: &Item) -> Shown {
    let Some(callback) = std::str::from_utf8(&item.payload).ok().and_then(Object::parse) else { return Shown::Nothing };
    match item.kind.as_str() {
        payload::MESSAGE => message(&callback, Side::Person),
        payload::SENT => message(&callback, Side::Account),
        "seen" => Shown::Read { until: item.at },
        "failed" => Shown::Note(say::note_not_reached()),
        "subscribed" => Shown::Note(say::note_subscribed()),
        "unsubscribed" => Shown::Note(say::note_unsubscribed()),
        payload::OPENED => Shown::Note(say::note_opened()),
        _ => Shown::Nothing,
    }
}

fn message(callback: &Object<'_>, by: Side) -> Shown {
    let message = callback.object("message");
    let message = message.as_ref();
    let text = |name: &str| message.and_then(|message| message.readable(name)).unwrap_or_default();
    let title = |name: &str| Some(text(name)).filter(|title| !title.is_empty());
    let medium = |kind, title| vec![Media { kind, position: 0, title }];
    let word = message.and_then(|message| message.text("type"));
    let (words, media) = match word.as_deref().unwrap_or_default() {
        "text" => (text("text"), Vec::new()),
        "picture" => (text("text"), medium(say::media_photo(), None)),
        "video" => (text("text"), medium(say::media_video(), None)),
        "file" => (text("text"), medium(say::media_file(), title("file_name"))),
        "sticker" => (text("text"), medium(say::media_sticker(), None)),
        "contact" => (text("text"), medium(say::media_contact(), contact(message))),
        "url" => (text("media"), Vec::new()),
        "location" => (text("text"), medium(say::media_place(), None)),
        "rich_media" => (text("text"), medium(say::media_card(), title("alt_text"))),
        _ => (text("text"), medium(say::media_unknown(), None)),
    };
    let tap = message.filter(|_| by == Side::Person).and_then(|message| meaning::chosen(callback, message));
    let how = tap.as_ref().map(|_| say::how_button());
    Shown::Message(Message {
        id: payload::token_of(callback),
        by,
        text: tap.and_then(|tap| tap.title).unwrap_or(words),
        media,
        reply_to: None,
        how,
    })
}

fn contact(message: Option<&Object<'_>>) -> Option<String> {
    message.and_then(|message| message.object("contact")).and_then(|contact| contact.readable("name"))
}

/// What the person of a callback is called, where they let it be told.
#[must_use]
pub fn name_of(kind: &str, callback: &[u8]) -> Option<String> {
    if kind != payload::MESSAGE {
        return None;
    }
    let callback = std::str::from_utf8(callback).ok().and_then(Object::parse)?;
    callback.object("sender")?.readable("name").filter(|name| !name.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: &str, payload: &str) -> Shown {
        show("1", &Item { seq: 1, at: 7, kind: kind.to_owned(), payload: payload.as_bytes().to_vec() })
    }

    #[test]
    fn what_is_said_has_a_side_and_its_media_have_words() {
        let Shown::Message(photo) = shown(
            "message",
            r#"{"message_token":5912661846655238160,"message":{"type":"picture","text":"menu","media":"https://m.example/1"}}"#,
        ) else {
            panic!("a message")
        };
        assert_eq!(
            (photo.by, photo.id.as_deref(), photo.text.as_str()),
            (Side::Person, Some("5912661846655238160"), "menu")
        );
        assert_eq!(photo.media[0].kind, say::media_photo());
        let Shown::Message(ours) = shown("sent", r#"{"message":{"type":"text","text":"Yes."}}"#) else {
            panic!("a message")
        };
        assert_eq!((ours.by, ours.text.as_str(), ours.how), (Side::Account, "Yes.", None));
        let tap = r#"{"message":{"type":"text","text":"LINK","tracking_data":"m:1 {\"LINK\":\"Send it\"}"}}"#;
        let Shown::Message(tap) = shown("message", tap) else { panic!("a message") };
        assert_eq!((tap.text.as_str(), tap.how), ("Send it", Some(say::how_button())));
        let Shown::Message(unknown) = shown("message", r#"{"message":{"type":"hologram"}}"#) else {
            panic!("a message")
        };
        assert_eq!(unknown.media.len(), 1);
    }

    #[test]
    fn receipts_and_subscriptions_are_marks() {
        assert_eq!(shown("seen", "{}"), Shown::Read { until: 7 });
        assert_eq!(shown("delivered", "{}"), Shown::Nothing);
        assert!(matches!(shown("unsubscribed", "{}"), Shown::Note(_)));
        assert_eq!(shown("message", "[]"), Shown::Nothing);
    }
}
