//! How conversations of a Page are shown to people: from the `messaging` object, as the journal keeps it, to words.
//!
//! Source: <https://developers.facebook.com/docs/messenger-platform/webhooks> and its pages of events (2026).

use super::inbox::{PLATFORM, Row};
use crate::meta::id::Id;
use crate::shared::channel::view::{Media, Message, Shown, Side, View};
use crate::shared::languages::{Sentence, say};
use crate::shared::raw_json::{Object, elements};
use crate::shared::store::Item;

/// How the accounts of an inbox are shown.
pub const fn of(row: &Row) -> View {
    View {
        platform: row.platform,
        noun: row.noun,
        part: say::part_facebook,
        reconnect: Some(|_page| "/facebook/login".to_owned()),
        conversations: Some(show),
        catalogue: None,
    }
}

/// What an event of a conversation of this Page says.
fn show(page: &str, item: &Item) -> Shown {
    let Some(object) = std::str::from_utf8(&item.payload).ok().and_then(Object::parse) else { return Shown::Nothing };
    let sender = object.object("sender").and_then(|sender| sender.text("id"));
    let by = if sender.as_deref() == Some(page) { Side::Account } else { Side::Person };
    let part = |name: &str| object.object(name);
    let text_of =
        |part: &Option<Object<'_>>, name: &str| part.as_ref().and_then(|part| part.readable(name)).unwrap_or_default();
    match item.kind.as_str() {
        "message" | "echo" => message(part("message").as_ref(), by),
        "unsend" => Shown::Unsend { of: text_of(&part("message"), "mid") },
        "edit" => {
            let edit = part("message_edit");
            Shown::Edit { of: text_of(&edit, "mid"), text: text_of(&edit, "text") }
        }
        "reaction" => {
            let reaction = part("reaction");
            let is_taken_back = text_of(&reaction, "action") == "unreact";
            let sign = Some(text_of(&reaction, "emoji")).filter(|emoji| !emoji.is_empty());
            let sign = sign.unwrap_or_else(|| text_of(&reaction, "reaction"));
            Shown::Reaction { of: text_of(&reaction, "mid"), by, sign: (!is_taken_back).then_some(sign) }
        }
        "read" if by == Side::Person => match part("read").and_then(|read| read.integer("watermark")) {
            Some(until) => Shown::Read { until },
            None => Shown::Nothing,
        },
        "postback" => {
            let postback = part("postback");
            said(text_of(&postback, "title"), id(postback.as_ref()), Side::Person, say::how_button())
        }
        "referral" => said(String::new(), None, Side::Person, say::how_referral()),
        "optin" => said(String::new(), None, Side::Person, say::how_optin()),
        "order" => said(String::new(), None, Side::Person, say::how_order()),
        "pass_thread_control" => Shown::Note(say::note_handed_over()),
        "take_thread_control" => Shown::Note(say::note_taken_over()),
        "request_thread_control" => Shown::Note(say::note_asked_for()),
        "account_linking" => Shown::Note(say::note_account_linking()),
        "policy_enforcement" => Shown::Note(say::note_policy()),
        _ => Shown::Nothing,
    }
}

fn said(text: String, id: Option<String>, by: Side, how: Sentence) -> Shown {
    Shown::Message(Message { id, by, text, media: Vec::new(), reply_to: None, how: Some(how) })
}

fn id(part: Option<&Object<'_>>) -> Option<String> {
    part.and_then(|part| part.readable("mid")).filter(|mid| !mid.is_empty())
}

fn message(message: Option<&Object<'_>>, by: Side) -> Shown {
    let Some(message) = message else { return Shown::Nothing };
    let reply_to = message.object("reply_to").and_then(|answered| answered.readable("mid"));
    let mut media: Vec<Media> = Vec::new();
    let mut stickers: Vec<String> = Vec::new();
    let attachments = message.get("attachments").and_then(elements).unwrap_or_default();
    for (position, attachment) in (0..).zip(attachments) {
        let Some(attachment) = Object::parse(attachment) else { continue };
        let payload = attachment.object("payload");
        // From June to August 2026 a sticker came twice: as itself and as an image.
        let sticker = payload.as_ref().and_then(|payload| payload.text("sticker_id")).map(|id| id.into_owned());
        if let Some(sticker) = sticker {
            if stickers.contains(&sticker) {
                continue;
            }
            stickers.push(sticker);
        }
        let title = payload.as_ref().and_then(|payload| payload.readable("title"));
        let title = title.or_else(|| attachment.readable("title")).filter(|title| !title.is_empty());
        let kind = attachment.text("type").unwrap_or_default();
        media.push(Media { kind: in_words(&kind, !stickers.is_empty()), position, title });
    }
    if message.is_true("is_unsupported") && media.is_empty() {
        media.push(Media { kind: say::media_not_shown(PLATFORM), position: 0, title: None });
    }
    Shown::Message(Message {
        id: id(Some(message)),
        by,
        text: message.readable("text").unwrap_or_default(),
        media,
        reply_to,
        how: None,
    })
}

fn in_words(kind: &str, is_sticker: bool) -> Sentence {
    match kind {
        "sticker" => say::media_sticker(),
        "image" if is_sticker => say::media_sticker(),
        "image" => say::media_photo(),
        "audio" => say::media_voice(),
        "video" => say::media_video(),
        "file" => say::media_file(),
        "reel" | "ig_reel" => say::media_reel(),
        "post" | "ig_post" => say::media_post(),
        "story_mention" | "ig_story" => say::media_story(),
        "fallback" => say::media_link(),
        "template" => say::media_card(),
        "appointment_booking" => say::media_appointment(),
        "location" => say::media_place(),
        _ => say::media_attachment(),
    }
}

/// What the participants of a conversation are called, without the Page itself.
pub fn names<'a>(page: &Id, participants: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let named = |participant: &str| {
        let participant = Object::parse(participant)?;
        let id = Id::parse(&participant.text("id")?).filter(|id| id != page)?;
        let name = participant.readable("name").or_else(|| participant.readable("username"))?;
        (!name.is_empty()).then(|| (id.as_str().to_owned(), name))
    };
    participants.filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: &str, payload: &str) -> Shown {
        show("1", &Item { seq: 1, at: 1, kind: kind.to_owned(), payload: payload.as_bytes().to_vec() })
    }

    #[test]
    fn what_is_said_has_a_side_and_its_media_have_words() {
        let sticker = r#"{"sender":{"id":"7"},"recipient":{"id":1},"message":{"mid":"m_1","text":"a \ud83d",
            "attachments":[{"type":"sticker","payload":{"sticker_id":5}},{"type":"image","payload":{"sticker_id":"5"}},
                           {"type":"fallback","payload":{"title":"Snowboard"}},{"type":"fallback","payload":null}]}}"#;
        let Shown::Message(message) = shown("message", sticker) else { panic!("a message") };
        assert_eq!((message.by, message.id.as_deref()), (Side::Person, Some("m_1")));
        assert!(message.text.starts_with("a \u{fffd}"));
        let media: Vec<_> = message.media.iter().map(|media| (media.kind.clone(), media.title.as_deref())).collect();
        let link = say::media_link;
        assert_eq!(media, [(say::media_sticker(), None), (link(), Some("Snowboard")), (link(), None)]);
        let Shown::Message(echo) = shown("echo", r#"{"sender":{"id":1},"message":{"is_echo":true,"text":"hi"}}"#)
        else {
            panic!("a message")
        };
        assert_eq!((echo.by, echo.id, echo.text.as_str()), (Side::Account, None, "hi"));
    }

    #[test]
    fn marks_name_the_message_that_they_change() {
        assert_eq!(
            shown(
                "reaction",
                r#"{"sender":{"id":"7"},"reaction":{"mid":"m_1","action":"react","emoji":"😍","reaction":"love"}}"#
            ),
            Shown::Reaction { of: "m_1".to_owned(), by: Side::Person, sign: Some("😍".to_owned()) }
        );
        assert_eq!(
            shown("reaction", r#"{"sender":{"id":"7"},"reaction":{"mid":"m_1","action":"unreact"}}"#),
            Shown::Reaction { of: "m_1".to_owned(), by: Side::Person, sign: None }
        );
        assert_eq!(
            shown("edit", r#"{"sender":{"id":"7"},"message_edit":{"mid":"m_1","text":"green","num_edit":"1"}}"#),
            Shown::Edit { of: "m_1".to_owned(), text: "green".to_owned() }
        );
        assert_eq!(
            shown("unsend", r#"{"message":{"mid":"m_1","is_deleted":true}}"#),
            Shown::Unsend { of: "m_1".to_owned() }
        );
        assert_eq!(shown("read", r#"{"sender":{"id":"7"},"read":{"watermark":5}}"#), Shown::Read { until: 5 });
        assert_eq!(shown("message", "[]"), Shown::Nothing);
    }
}
