//! What a notification, or a direct message, means to whoever answers.

use super::names;
use super::payload::{ADMIN_COMMENT, COMMENT, COMMENT_DELETE, MESSAGE, MESSAGE_READ, SHARE_MENTION, made};
use crate::shared::channel::meaning::{Kind, Meaning, Origin, Receipt, Receiving, Said, WentOut};
use crate::shared::raw_json::Object;
use crate::shared::store::Item;

/// What an event of a conversation of this page means.
#[must_use]
pub fn of(account: &str, item: &Item) -> Meaning {
    let Some(object) = std::str::from_utf8(&item.payload).ok().and_then(Object::parse) else {
        return Meaning::Unreadable;
    };
    let own = names::organization_urn(account);
    match item.kind.as_str() {
        // What was taken back is not answered.
        COMMENT | MESSAGE if object.is_true("is_deleted") => Meaning::Activity { opens_window: false },
        COMMENT_DELETE => Meaning::TakesBack,
        COMMENT | ADMIN_COMMENT => {
            let told = comment(&object);
            // What the page itself says is no question, whatever the action is called.
            let is_own = item.kind == ADMIN_COMMENT || told.by.as_deref() == Some(&own);
            if is_own { Meaning::WentOut(went_out(told)) } else { Meaning::Said(said(told)) }
        }
        SHARE_MENTION => {
            let urn = object.text("generatedActivity").map(|urn| urn.into_owned());
            Meaning::Said(Said {
                kind: Kind::Other,
                ..said(Told { urn, text: text_of_share(&object), by: None, parent: None })
            })
        }
        MESSAGE => {
            let told = Told {
                urn: object.text("id").map(|id| id.into_owned()).filter(|id| !id.is_empty()),
                text: object.object("body").and_then(|body| text_of(&body, "text")),
                by: object.text("from").map(|from| from.into_owned()),
                parent: None,
            };
            let is_own = told.by.as_deref() == Some(&own);
            if is_own { Meaning::WentOut(went_out(told)) } else { Meaning::Said(said(told)) }
        }
        MESSAGE_READ => Meaning::Receipt(Receipt::until(Receiving::Read, item.at)),
        _ => Meaning::Activity { opens_window: false },
    }
}

/// What is told of a comment or message.
struct Told {
    urn: Option<String>,
    text: Option<String>,
    by: Option<String>,
    parent: Option<String>,
}

fn text_of(object: &Object<'_>, name: &str) -> Option<String> {
    object.readable(name).filter(|text| !text.is_empty())
}

/// The layout of the decorated members differs between examples and live notifications.
fn comment(object: &Object<'_>) -> Told {
    let decorated = object.object("decoratedGeneratedActivity").and_then(|decorated| decorated.object("comment"));
    let decorated = decorated.as_ref();
    let text = |name: &str| decorated.and_then(|comment| comment.text(name)).map(|text| text.into_owned());
    Told {
        urn: made(object),
        text: decorated.and_then(words_of),
        by: text("owner"),
        parent: text("parentComment").map(|urn| names::whole(&urn).into_owned()),
    }
}

/// The words of a decorated comment or share: as a text of its own, or inside `message` or `text`.
fn words_of(decorated: &Object<'_>) -> Option<String> {
    let inside = |name: &str| decorated.object(name).and_then(|inner| text_of(&inner, "text"));
    text_of(decorated, "text").or_else(|| inside("message")).or_else(|| inside("text"))
}

/// The comment below which this one stands, where the notification tells it.
#[must_use]
pub fn parent_of_comment(item: &[u8]) -> Option<String> {
    let object = std::str::from_utf8(item).ok().and_then(Object::parse)?;
    comment(&object).parent.filter(|urn| names::is_comment(urn))
}

/// The text of a comment, where it is told.
#[must_use]
pub fn text_of_comment(object: &Object<'_>) -> Option<String> {
    comment(object).text
}

fn text_of_share(object: &Object<'_>) -> Option<String> {
    let decorated = object.object("decoratedGeneratedActivity")?;
    words_of(&decorated.object("share")?)
}

fn kind_of(text: Option<&String>) -> Kind {
    if text.is_some() { Kind::Text } else { Kind::Other }
}

fn said(told: Told) -> Said {
    Said {
        platform_id: told.urn,
        kind: kind_of(told.text.as_ref()),
        text: told.text,
        choice: None,
        media: Vec::new(),
        reply_to: told.parent,
        referral: None,
        is_from_ad: false,
    }
}

fn went_out(told: Told) -> WentOut {
    WentOut {
        common_id: told.urn.as_deref().and_then(names::number_of_comment).map(str::to_owned),
        platform_id: told.urn,
        kind: kind_of(told.text.as_ref()),
        text: told.text,
        media: Vec::new(),
        reply_to: told.parent,
        // Neither the app nor our mark is told.
        from: Origin::Untold,
        mark: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, payload: &str) -> Meaning {
        of("90001", &Item { seq: 1, at: 7, kind: kind.to_owned(), payload: payload.as_bytes().to_vec() })
    }

    #[test]
    fn a_comment_is_said_and_the_pages_own_went_out() {
        let of = |owner: &str| {
            format!(
                r#"{{"generatedActivity":"urn:li:comment:(urn:li:activity:5,6)","decoratedGeneratedActivity":{{"comment":{{"owner":"{owner}","message":{{"text":"Do you ship?"}},"parentComment":"urn:li:comment:(urn:li:activity:5,4)"}}}}}}"#
            )
        };
        let Meaning::Said(said) = read(COMMENT, &of("urn:li:person:T")) else { panic!("said") };
        assert_eq!(said.platform_id.as_deref(), Some("urn:li:comment:(urn:li:activity:5,6)"));
        assert_eq!((said.kind, said.text.as_deref()), (Kind::Text, Some("Do you ship?")));
        assert_eq!(said.reply_to.as_deref(), Some("urn:li:comment:(urn:li:activity:5,4)"));
        for (kind, owner) in [(COMMENT, "urn:li:organization:90001"), (ADMIN_COMMENT, "urn:li:person:T")] {
            let Meaning::WentOut(out) = read(kind, &of(owner)) else { panic!("went out") };
            assert_eq!((out.from, out.text.as_deref()), (Origin::Untold, Some("Do you ship?")));
        }
        let live = |inner: &str| {
            format!(
                r#"{{"generatedActivity":"urn:li:comment:(activity:5,6)","decoratedGeneratedActivity":{{"comment":{{"owner":"urn:li:person:T","entity":"urn:li:comment:(urn:li:activity:5,6)",{inner}}}}}}}"#
            )
        };
        for words in
            [r#""text":"Do you ship?""#, r#""message":{"text":"Do you ship?"}"#, r#""text":{"text":"Do you ship?"}"#]
        {
            let Meaning::Said(said) = read(COMMENT, &live(words)) else { panic!("said") };
            assert_eq!(said.platform_id.as_deref(), Some("urn:li:comment:(urn:li:activity:5,6)"));
            assert_eq!((said.kind, said.text.as_deref()), (Kind::Text, Some("Do you ship?")), "{words}");
        }
        let below = live(r#""text":"And to Kandy?","parentComment":"urn:li:comment:(activity:5,4)""#);
        let Meaning::Said(said) = read(COMMENT, &below) else { panic!("said") };
        assert_eq!(said.reply_to.as_deref(), Some("urn:li:comment:(urn:li:activity:5,4)"));
        assert_eq!(parent_of_comment(below.as_bytes()), said.reply_to);
        let Meaning::Said(bare) = read(COMMENT, r#"{"decoratedGeneratedActivity":"opaque"}"#) else { panic!("said") };
        assert_eq!((bare.kind, bare.text), (Kind::Other, None));
    }

    #[test]
    fn mentions_messages_and_marks() {
        let mention =
            r#"{"generatedActivity":"urn:li:share:9","decoratedGeneratedActivity":{"share":{"text":"Look at @Cafe"}}}"#;
        let Meaning::Said(mention) = read(SHARE_MENTION, mention) else { panic!("said") };
        assert_eq!((mention.kind, mention.text.as_deref()), (Kind::Other, Some("Look at @Cafe")));
        let message = |from: &str| format!(r#"{{"id":"m1","from":"{from}","body":{{"text":"Hello"}}}}"#);
        assert!(
            matches!(read(MESSAGE, &message("urn:li:person:T")), Meaning::Said(said) if said.text.as_deref() == Some("Hello"))
        );
        assert!(matches!(read(MESSAGE, &message("urn:li:organization:90001")), Meaning::WentOut(_)));
        assert_eq!(read(MESSAGE_READ, "{}"), Meaning::Receipt(Receipt::until(Receiving::Read, 7)));
        for kind in ["LIKE", "SHARE", "COMMENT_EDIT"] {
            assert_eq!(read(kind, "{}"), Meaning::Activity { opens_window: false }, "{kind}");
        }
        assert_eq!(read(COMMENT_DELETE, "{}"), Meaning::TakesBack);
        assert_eq!(read(COMMENT, "[]"), Meaning::Unreadable);
    }
}
