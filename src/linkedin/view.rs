//! How what happens on the page is shown to people: from notifications, as the journal keeps them, to words.

use super::meaning;
use super::names::PLATFORM;
use super::payload::{COMMENT_DELETE, COMMENT_EDIT, LIKE, MESSAGE_READ, SHARE, SHARE_MENTION, made};
use crate::shared::channel::meaning::Meaning;
use crate::shared::channel::view::{Message, Shown, Side, View};
use crate::shared::languages::say;
use crate::shared::raw_json::Object;
use crate::shared::store::Item;

/// How the account is shown.
pub const VIEW: View = View {
    platform: PLATFORM,
    noun: say::noun_linkedin,
    part: say::part_linkedin,
    reconnect: None,
    conversations: Some(show),
    catalogue: None,
};

fn show(account: &str, item: &Item) -> Shown {
    let Some(object) = std::str::from_utf8(&item.payload).ok().and_then(Object::parse) else { return Shown::Nothing };
    let of = || made(&object).unwrap_or_default();
    match item.kind.as_str() {
        COMMENT_EDIT => Shown::Edit { of: of(), text: meaning::text_of_comment(&object).unwrap_or_default() },
        COMMENT_DELETE => Shown::Unsend { of: of() },
        LIKE => Shown::Note(say::note_like()),
        SHARE => Shown::Note(say::note_share()),
        MESSAGE_READ => Shown::Read { until: item.at },
        kind => match meaning::of(account, item) {
            Meaning::Said(said) => Shown::Message(Message {
                id: said.platform_id,
                by: Side::Person,
                text: said.text.unwrap_or_default(),
                media: Vec::new(),
                reply_to: said.reply_to,
                how: (kind == SHARE_MENTION).then(say::how_mention),
            }),
            Meaning::WentOut(out) => Shown::Message(Message {
                id: out.platform_id,
                by: Side::Account,
                text: out.text.unwrap_or_default(),
                media: Vec::new(),
                reply_to: out.reply_to,
                how: None,
            }),
            _ => Shown::Nothing,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkedin::payload::{ADMIN_COMMENT, COMMENT};

    fn shown(kind: &str, payload: &str) -> Shown {
        show("90001", &Item { seq: 1, at: 7, kind: kind.to_owned(), payload: payload.as_bytes().to_vec() })
    }

    #[test]
    fn comments_have_a_side_and_what_changes_them_names_them() {
        let item = r#"{"generatedActivity":"urn:li:comment:(urn:li:activity:5,6)","decoratedGeneratedActivity":{"comment":{"message":{"text":"Yes."}}}}"#;
        let urn = "urn:li:comment:(urn:li:activity:5,6)".to_owned();
        for (kind, by) in [(COMMENT, Side::Person), (ADMIN_COMMENT, Side::Account)] {
            let Shown::Message(message) = shown(kind, item) else { panic!("a message") };
            assert_eq!((message.by, message.text.as_str(), message.id.as_ref()), (by, "Yes.", Some(&urn)));
        }
        assert_eq!(shown(COMMENT_EDIT, item), Shown::Edit { of: urn.clone(), text: "Yes.".to_owned() });
        assert_eq!(shown(COMMENT_DELETE, item), Shown::Unsend { of: urn });
        assert!(matches!(shown(LIKE, item), Shown::Note(_)));
        assert_eq!(shown(MESSAGE_READ, "{}"), Shown::Read { until: 7 });
        assert_eq!(shown(COMMENT, "[]"), Shown::Nothing);
    }
}
