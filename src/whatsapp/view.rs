//! How conversations are shown to people: from the item, as the journal keeps it, to words.

use super::meaning::{self, Handover, text_of};
use super::names::PLATFORM;
use super::payload::{is_outgoing, kind, sent_of};
use crate::shared::channel::meaning::Kind;
use crate::shared::channel::view::{Media, Message, Shown, Side, View};
use crate::shared::languages::{Sentence, say};
use crate::shared::raw_json::Object;
use crate::shared::store::Item;

/// How the number is shown.
pub const VIEW: View = View {
    platform: PLATFORM,
    noun: say::noun_number,
    part: say::part_whatsapp,
    reconnect: None,
    conversations: Some(show),
    catalogue: None,
};

/// What an event of a conversation says.
fn show(_account: &str, item: &Item) -> Shown {
    let Some(object) = std::str::from_utf8(&item.payload).ok().and_then(Object::parse) else { return Shown::Nothing };
    let by = if is_outgoing(&object) { Side::Account } else { Side::Person };
    let named =
        |member: &str, id: &str| object.object(member).and_then(|inner| text_of(&inner, id)).unwrap_or_default();
    match item.kind.as_str() {
        kind::MESSAGE | kind::ECHO | kind::STANDBY_ECHO | kind::COPY | kind::EDIT if object.is_true("is_deleted") => {
            Shown::Nothing
        }
        kind::MESSAGE | kind::ECHO | kind::STANDBY_ECHO | kind::COPY => message(&object, by),
        kind::REACTION => {
            let sign = Some(named("reaction", "emoji")).filter(|emoji| !emoji.is_empty());
            Shown::Reaction { of: named("reaction", "message_id"), by, sign }
        }
        kind::EDIT => {
            let edited = object.object("edit").and_then(|edit| edit.object("message"));
            let text = edited.as_ref().and_then(|message| meaning::content(message).text);
            Shown::Edit { of: named("edit", "original_message_id"), text: text.unwrap_or_default() }
        }
        kind::REVOKE => Shown::Unsend { of: named("revoke", "original_message_id") },
        kind::STATUS => match object.text("status").as_deref() {
            Some("read" | "played") => Shown::Read { until: item.at },
            Some("failed") => Shown::Note(say::note_not_reached()),
            _ => Shown::Nothing,
        },
        kind::SYSTEM => Shown::Note(say::note_number_changed()),
        kind::WELCOME => Shown::Note(say::note_opened()),
        kind::CALL if object.text("event").as_deref() != Some("terminate") => Shown::Note(say::note_call()),
        kind::HANDOVER => {
            meaning::handover(&object).map_or(Shown::Nothing, |moved| Shown::Note(moved_in_words(&moved)))
        }
        _ => Shown::Nothing,
    }
}

/// Who answers from here on, by the roles that partners have.
/// Source: <https://developers.facebook.com/documentation/business-messaging/whatsapp/conversation-routing> (2026).
fn moved_in_words(moved: &Handover) -> Sentence {
    match (moved.is_ours, moved.roles[1].as_deref()) {
        (true, _) => say::note_passed_here(),
        (false, Some("ai_agent")) => say::note_meta_agent(),
        (false, Some("escalation")) => say::note_people_elsewhere(),
        (false, _) => say::note_other_partner(),
    }
}

fn message(object: &Object<'_>, by: Side) -> Shown {
    let call = sent_of(object);
    let sent = call.as_ref().unwrap_or(object);
    let content = meaning::content(sent);
    let word = sent.text("type").unwrap_or_default();
    let file = sent.object(&word);
    let title = file.as_ref().and_then(|file| text_of(file, "filename"));
    let is_voice = file.as_ref().is_some_and(|file| file.is_true("voice"));
    let mut media: Vec<Media> = content
        .media
        .iter()
        .map(|seen| Media { kind: in_words(&seen.kind, is_voice), position: 0, title: title.clone() })
        .collect();
    let other = match content.kind {
        Kind::Location => Some(say::media_place()),
        Kind::Order => Some(say::media_order()),
        Kind::Other if word == "contacts" => Some(say::media_contact()),
        Kind::Other if content.text.is_none() => Some(say::media_not_shown(PLATFORM)),
        _ => None,
    };
    media.extend(other.map(|kind| Media { kind, position: 0, title: None }));
    let how = match content.kind {
        Kind::Choice => Some(say::how_button()),
        Kind::Product if by == Side::Person => Some(say::how_product()),
        _ if word == "template" => Some(say::how_template()),
        _ => None,
    };
    let context = sent.object("context");
    let reply_to =
        context.as_ref().and_then(|context| text_of(context, "id").or_else(|| text_of(context, "message_id")));
    Shown::Message(Message {
        id: text_of(object, "id"),
        by,
        text: content.text.unwrap_or_default(),
        media,
        reply_to,
        how,
    })
}

fn in_words(kind: &str, is_voice: bool) -> Sentence {
    match kind {
        "image" => say::media_photo(),
        "video" => say::media_video(),
        "audio" if is_voice => say::media_voice(),
        "audio" => say::media_sound(),
        "sticker" => say::media_sticker(),
        _ => say::media_file(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: &str, payload: &str) -> Shown {
        show("1", &Item { seq: 1, at: 7, kind: kind.to_owned(), payload: payload.as_bytes().to_vec() })
    }

    #[test]
    fn what_is_said_has_a_side_and_its_media_have_words() {
        let Shown::Message(voice) =
            shown(kind::MESSAGE, r#"{"id":"w","type":"audio","audio":{"id":"4","voice":true},"context":{"id":"v"}}"#)
        else {
            panic!("a message")
        };
        assert_eq!(
            (voice.by, voice.media[0].kind.clone(), voice.reply_to.as_deref()),
            (Side::Person, say::media_voice(), Some("v"))
        );
        let Shown::Message(echo) = shown(kind::ECHO, r#"{"id":"w","to":"1777","type":"text","text":{"body":"hi"}}"#)
        else {
            panic!("a message")
        };
        assert_eq!((echo.by, echo.text.as_str()), (Side::Account, "hi"));
        let copy = r#"{"id":"w","message":{"to":"1777","type":"text","text":{"body":"by an agent"}}}"#;
        let Shown::Message(copy) = shown(kind::STANDBY_ECHO, copy) else { panic!("a message") };
        assert_eq!((copy.by, copy.text.as_str()), (Side::Account, "by an agent"));
        let Shown::Message(odd) = shown(kind::MESSAGE, r#"{"id":"w","type":"poll"}"#) else { panic!("a message") };
        assert_eq!(odd.media.len(), 1);
    }

    #[test]
    fn marks_name_the_message_that_they_change() {
        assert_eq!(
            shown(kind::REACTION, r#"{"type":"reaction","reaction":{"message_id":"w","emoji":"👍"}}"#),
            Shown::Reaction { of: "w".to_owned(), by: Side::Person, sign: Some("👍".to_owned()) }
        );
        assert_eq!(
            shown(kind::REACTION, r#"{"type":"reaction","reaction":{"message_id":"w"}}"#),
            Shown::Reaction { of: "w".to_owned(), by: Side::Person, sign: None }
        );
        let edit = r#"{"edit":{"original_message_id":"w","message":{"type":"text","text":{"body":"green"}}}}"#;
        assert_eq!(shown(kind::EDIT, edit), Shown::Edit { of: "w".to_owned(), text: "green".to_owned() });
        assert_eq!(
            shown(kind::REVOKE, r#"{"revoke":{"original_message_id":"w"}}"#),
            Shown::Unsend { of: "w".to_owned() }
        );
        assert_eq!(shown(kind::STATUS, r#"{"id":"w","status":"read"}"#), Shown::Read { until: 7 });
        assert_eq!(shown(kind::MESSAGE, "[]"), Shown::Nothing);
    }
}
